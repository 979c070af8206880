"""The audit of a comparison of two groups, laid out: events, sets that reach n, power, calendar, the cost of weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trialwright.design.comparison_audit import (
    EVENTS,
    POWER,
    REACH,
    SETS,
    TARGETS,
    WEIGHTS,
    at_loss,
    at_point,
    at_share,
    at_spread,
    follow_ups,
    hazard_ratios,
    losses,
    reference_rates,
    shares,
    varied,
)
from trialwright.design.reach import METHODS
from trialwright.design.survival import CALENDAR, SURVIVAL
from trialwright.reports.blocks import (
    Block,
    Column,
    Figure,
    GroupHeading,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Term,
    Text,
)
from trialwright.reports.design_figures import Axis, draw_curves
from trialwright.reports.design_looks import counted_once, counted_with_looks, looks_section
from trialwright.reports.design_told import Told, grid_table, print_value
from trialwright.reports.printed import fixed
from trialwright.statistics.weighting import Target

_CONTROLS = Text("Risk among controls")
_NAMES = {"schoenfeld": "Schoenfeld", "freedman": "Freedman", "two proportions": "Two proportions"}
_SURVIVAL_METHODS = ("schoenfeld", "freedman")
_TARGET_NAMES = {"overlap": "Overlap weights", "everyone": "Weights to all participants"}
_STRONG_NOTE = Text("The design's own assumptions stand out.")


def comparison_sections(told: Told) -> Iterator[Section]:
    """All sections of the audit."""
    yield Section("design-events", Text("Events that the test needs"), tuple(_events(told)))
    yield Section("design-sets", Text("Assumptions that reach the stated number"), tuple(_sets(told)))
    yield Section("design-power", Text("Power of the stated number"), tuple(_power(told)))
    yield from looks_section(told)
    if any(told.results.of(SURVIVAL)):
        yield Section("design-calendar", Text("Events as the study goes on"), tuple(_calendar(told)))
    if any(told.results.of(WEIGHTS)):
        yield Section("design-weights", Text("What weighting would cost"), tuple(_weights(told)))


def short_comparison(told: Told) -> tuple[Block, ...]:
    """What a report of the trial says of its design."""
    return (*_events(told), _sets_table(told), _reach_figure(told), _power_figure(told), _power_table(told))


# --- events -------------------------------------------------------------------------------------------------------------


def _events(told: Told) -> Iterator[Block]:
    columns = (
        Column(Text("Treated"), "left"),
        *(
            Column(Text(title), under=Text(_NAMES[method]))
            for method in _SURVIVAL_METHODS
            for title in ("Events", "Of all participants")
        ),
    )
    rows = tuple(
        Row(
            told.varied("share treated", share),
            tuple(
                cell
                for method in _SURVIVAL_METHODS
                for cell in (
                    _rounded_up(told, f"{EVENTS}/{at_share(method, share)}/n_events"),
                    told.percent(f"{EVENTS}/{at_share(method, share)}/share_of_n"),
                )
            ),
        )
        for share in shares(told.basis)
    )
    caption = Text(
        "Events that a log-rank test needs for a hazard ratio of ", told.chosen("hazard ratio"), " with a power of ", told.chosen("power"),
        " at ", told.chosen("alpha"), " (sides: ", told.chosen("sides"), ")",
    )  # fmt: skip
    note = Text(
        "Rounded up; in brackets as the formula gives it. So large a share of the ",
        told.n,
        " participants must have the event.",
    )
    notes = (note, _STRONG_NOTE, *counted_with_looks(told))
    yield Table("table-design-events", caption, columns, rows, notes)
    yield _events_figure(told)


def _rounded_up(told: Told, id_: str) -> Text:
    return Text(told.count(id_), " (", told.decimals(f"{id_}_exact", 1), ")")


def _events_figure(told: Told) -> Figure:
    across = sorted(shares(told.basis))
    curves = [
        told.curve(
            _NAMES[method],
            {share: f"{EVENTS}/{at_share(method, share)}/n_events" for share in across},
            is_percent=False,
        )
        for method in _SURVIVAL_METHODS
    ]
    highest = max(point.y for curve in curves for point in curve.points)
    axis = Axis("Share treated", min(across[0], 0.1), max(across[-1], 0.5), is_percent=True)
    spec = draw_curves(curves, axis, Axis("Events needed", 0, highest * 1.1))
    alt = Text(
        "Events needed by the share treated: fewest in equal groups, ", told.count(f"{EVENTS}/{at_share('schoenfeld', shares(told.basis)[0])}/n_events"),
        " by Schoenfeld at the design's own share.",
    )  # fmt: skip
    return Figure("figure-design-events", Text("Events needed and the sizes of the groups"), spec, alt)


# --- sets that reach n --------------------------------------------------------------------------------------------------


def _sets(told: Told) -> Iterator[Block]:
    yield Paragraph(
        Text("The record gives ", told.n, " participants. Below is what that number implies under stated assumptions; several sets reach it, and none "
             "of them is what anybody must have assumed.")
    )  # fmt: skip
    yield _sets_table(told)
    yield _reach_figure(told)
    yield _reach_table(told)


def _sets_table(told: Told) -> Table:
    titles = (
        "Risk among controls",
        "Risk among treated",
        "Lost",
        "Participants",
        "Of the stated",
        "Power of the stated",
    )
    columns = (
        Column(Text("Scenario"), "left"),
        Column(Text("Formula"), "left"),
        *(Column(Text(title)) for title in titles),
    )
    rows = []
    for id_ in dict.fromkeys(row.item for row in told.results.of(SETS)):
        scenario = told.protocol.scenarios[id_ or ""]
        here, path = f"{SETS}/{id_}", f"scenarios.{id_}"
        rows.append(
            Row(
                Text(told.said(scenario.text, f"{path}.text")),
                (
                    Text(told.said(_NAMES[scenario.method or ""], f"{path}.method")),
                    _of_scenario(told, id_ or "", "reference rate"),
                    told.percent(f"{here}/treated_rate"),
                    _of_scenario(told, id_ or "", "loss"),
                    told.count(f"{here}/n_subjects"),
                    told.percent(f"{here}/share_of_n"),
                    told.percent(f"{here}/power"),
                ),
            )
        )
    note = Text(
        "Power is that of a log-rank test with the events to be expected (Schoenfeld), whatever formula gave the number."
    )
    caption = Text("Sets of assumptions, and the number each asks for")
    empty = Text("No scenario of the protocol names the formula that it is for.")
    notes = (note, *counted_with_looks(told))
    return Table("table-design-sets", caption, columns, tuple(rows), notes, empty)


def _of_scenario(told: Told, id_: str, key: str) -> Text:
    """A number of a scenario, or where it changes none that of the design."""
    rests_on = told.basis.design.rests_on
    name = dict(rests_on.named()).get(key) if rests_on else None
    changed = told.protocol.scenarios[id_].assumptions
    if name not in changed:
        return Text(told.chosen(key))
    value = float(changed[name])
    return Text(told.said(print_value(key, value), f"scenarios.{id_}.assumptions.{name}"))


def _reach_table(told: Told) -> Table:
    columns = (
        Column(Text("Formula"), "left"),
        *(Column(told.varied("loss", loss), under=Text("Lost")) for loss in losses(told.basis)),
    )
    rows = tuple(
        Row(
            Text(_NAMES[method]),
            tuple(
                told.percent(f"{REACH}/{at_loss(method, loss)}/reference_rate") for loss in losses(told.basis)
            ),
        )
        for method in METHODS
    )
    caption = Text("Least risk among controls from which ", told.n, " participants are enough")
    return Table("table-design-reach", caption, columns, rows, counted_with_looks(told))


def _reach_figure(told: Told) -> Figure:
    curves = [
        told.curve(
            _NAMES[method],
            {loss: f"{REACH}/{at_loss(method, loss)}/reference_rate" for loss in losses(told.basis)},
        )
        for method in METHODS
    ]
    lost = Axis("Lost before the end", 0, max(*losses(told.basis), 0.1), is_percent=True)
    spec = draw_curves(curves, lost, Axis("Risk among controls", 0, 1, is_percent=True))
    first = f"{REACH}/{at_loss('schoenfeld', losses(told.basis)[0])}/reference_rate"
    alt = Text(
        "The more are lost, the higher the risk among controls must be; by Schoenfeld, with the least loss shown, ",
        told.percent(first),
        ".",
    )
    caption = Text("On a line the formula asks for just ", told.n, " participants; above it for fewer.")
    title = Text("Pairs of risk and loss that reach the stated number")
    return Figure("figure-design-reach", title, spec, alt, caption)


# --- power --------------------------------------------------------------------------------------------------------------


def _power(told: Told) -> Iterator[Block]:
    yield _power_figure(told)
    yield _power_table(told)
    if len(losses(told.basis)) > 1:
        yield _grid_figure(told, "loss", losses(told.basis), POWER, "Lost before the end")
        yield _grid(told, "loss", losses(told.basis), POWER, Text("Lost before the end"))
    if len(shares(told.basis)) > 1:
        yield _grid(told, "share treated", shares(told.basis), POWER, Text("Treated"))
    if any(told.results.of(SURVIVAL)):
        yield _grid_figure(told, "follow up", follow_ups(told.basis), SURVIVAL, "Followed for")
        yield _grid(
            told, "follow up", follow_ups(told.basis), SURVIVAL, Text("Each participant followed for")
        )


def _power_table(told: Told) -> Table:
    return _grid(told, "hazard ratio", hazard_ratios(told.basis), POWER, Text("Hazard ratio"))


def _power_figure(told: Told) -> Figure:
    return _grid_figure(told, "hazard ratio", hazard_ratios(told.basis), POWER, "Hazard ratio")


_CAPTIONS = {
    "hazard ratio": "Power by risk among controls and hazard ratio",
    "loss": "Power by risk among controls and loss",
    "share treated": "Power by risk among controls and sizes of the groups",
    "follow up": "Power by risk among controls and follow-up",
}


def _grid(told: Told, key: str, values: Sequence[float], analysis: str, title: Text) -> Table:
    rates = reference_rates(told.basis)
    ids = [[f"{analysis}/{at_point(rate, key, value)}/power" for value in values] for rate in rates]
    notes = [_STRONG_NOTE]
    if key == "hazard ratio" and 1 in values:
        one = Term("1", Ref.protocol("design.vary.hazard ratio"))
        notes.append(
            Text(
                "At a hazard ratio of ",
                one,
                " the number is the chance of a false alarm in favour of the treatment.",
            )
        )
    if key == "follow up":
        notes.append(Text("Log-rank test as the study goes on (", Term("Lakatos 1988", Ref.source("Lakatos 1988")), "); hazards stay as they were, longer or "
                          "shorter than the time within which the risk is meant."))  # fmt: skip
        notes += counted_once(told)
    else:
        notes.append(
            Text(
                "By the formula of ",
                Term("Schoenfeld 1983", Ref.source("Schoenfeld 1983")),
                ", with the events to be expected.",
            )
        )
        notes += counted_with_looks(told)
    name = f"table-design-power-{key.replace(' ', '-')}"
    return grid_table(
        told,
        name,
        Text(_CAPTIONS[key]),
        ("reference rate", rates, _CONTROLS),
        (key, values, title),
        ids,
        tuple(notes),
    )


def _grid_figure(told: Told, key: str, values: Sequence[float], analysis: str, words: str) -> Figure:
    rates = reference_rates(told.basis)
    curves = [
        told.curve(
            f"{words} {print_value(key, value)}",
            {rate: f"{analysis}/{at_point(rate, key, value)}/power" for rate in rates},
        )
        for value in values[:6]
    ]
    across = Axis("Risk among controls", min(rates), max(rates), is_percent=True)
    spec = draw_curves(curves, across, Axis("Power", 0, 1, is_percent=True), level=told.basis["power"])
    here = f"{analysis}/{at_point(told.basis['reference rate'], key, told.own(key)[0] or 0.0)}/power"
    alt = Text(
        "Power rises with the risk among controls; under the design's own assumptions it is ",
        told.percent(here),
        ".",
    )
    name = f"figure-design-power-{key.replace(' ', '-')}"
    return Figure(name, Text(_CAPTIONS[key]), spec, alt, told.asked_power("power"))


# --- calendar -----------------------------------------------------------------------------------------------------------


def _until_the_end(told: Told) -> Iterator[str | Term]:
    """When the study is over before the last participant was followed so long."""
    basis = told.basis
    if "duration" in basis and basis["duration"] < basis["accrual"] + basis.horizon:
        yield from (", or until the study ends after ", told.chosen("duration"))


def _calendar(told: Told) -> Iterator[Block]:
    needed = f"{EVENTS}/{at_share('schoenfeld', shares(told.basis)[0])}/n_events"
    yield Paragraph(
        Text(
            "Enrolment takes ", told.chosen("accrual"), "; each participant is followed for ", told.time_frame, *_until_the_end(told), ". Of ", told.n, " participants ",
            told.count(f"{SURVIVAL}/expected/n_events"), " events are expected, a power of ", told.percent(f"{SURVIVAL}/expected/power"),
            "; the formula of Lakatos asks for ", told.count(f"{SURVIVAL}/needed/n_subjects"), " participants. The ", told.count(needed),
            " events that Schoenfeld asks for are ", *_there(told), ".",
        )
    )  # fmt: skip
    rows = [row for row in told.results.of(SURVIVAL) if row.item == CALENDAR]
    powers = [row for row in rows if row.statistic == "power"]
    curve = told.curve(
        "events",
        {row.time or 0.0: row.id.replace("/power", "/n_events") for row in powers},
        is_percent=False,
    )
    level = told.results[needed].value
    most = max([*(point.y for point in curve.points), level or 0.0])
    months = Axis("Months since the first enrolment", 0, max(row.time or 0.0 for row in powers))
    spec = draw_curves([curve], months, Axis("Events expected", 0, most * 1.1), level=level)
    alt = Text(
        "Expected events rise with the months, to ",
        told.count(f"{SURVIVAL}/expected/n_events"),
        " at the end.",
    )
    caption = Text(
        "Dashed and level: the events that Schoenfeld's formula asks for, ", told.count(needed), "."
    )
    yield Figure("figure-design-calendar", Text("Events expected as the study goes on"), spec, alt, caption)
    body = tuple(
        Row(
            _month(row.id, row.time or 0.0),
            (told.decimals(row.id.replace("/power", "/n_events"), 1), told.percent(row.id)),
        )
        for row in powers
    )
    columns = (Column(Text("Month"), "left"), Column(Text("Events expected")), Column(Text("Power")))
    yield Table(
        "table-design-calendar",
        Text("Events and power as the study goes on"),
        columns,
        body,
        tuple(counted_once(told)),
    )


def _there(told: Told) -> tuple[str | Text, ...]:
    """After how many months the events are there, if they come at all."""
    month = f"{SURVIVAL}/expected/month_of_events"
    return ("there after ", told.decimals(month, 1), " months") if told.has(month) else ("not reached",)


def _month(id_: str, time: float) -> Text:
    """A month since the first enrolment, without decimals where it is whole."""
    return Text(Term(f"{time:.0f}" if time.is_integer() else fixed(time, 1), Ref.result(id_)))


# --- weights ------------------------------------------------------------------------------------------------------------


def _weights(told: Told) -> Iterator[Block]:
    yield Paragraph(
        Text(
            "Where groups are not made by chance they are made alike by weights, and weights cost information. The more the chance of being treated "
            "differs between participants, the fewer participants without weights would tell as much."
        )
    )
    yield _weights_figure(told)
    columns = [Column(Text("Spread of the logit"), "left"), Column(Text("c statistic"))]
    for target in TARGETS:
        columns += [
            Column(Text(words), under=Text(_TARGET_NAMES[target]))
            for words in ("Inflation", "Effective", "Power")
        ]
    rows: list[Row | GroupHeading] = []
    for share in shares(told.basis):
        rows.append(GroupHeading(Text("Treated: ", told.varied("share treated", share))))
        for spread in varied(told.basis).spread_of_propensity:
            cells = [told.decimals(f"{_weighted(spread, share)}/c_statistic", 2)]
            for target in TARGETS:
                here = _weighted(spread, share, target)
                cells += [
                    told.decimals(f"{here}/inflation", 2),
                    told.count(f"{here}/n_effective"),
                    told.percent(f"{here}/power"),
                ]
            rows.append(Row(told.varied("spread of propensity", spread), tuple(cells), indent=1))
    notes = (
        Text("Inflation: participants over effective participants (", Term("Kish 1965", Ref.source("Kish 1965")), "; ",
             Term("Shook-Sa and Hudgens 2022", Ref.source("Shook-Sa and Hudgens 2022")), "), the logit of the propensity being normal with this spread. "
             "The c statistic is what a model of the choice would reach: one half where participants do not differ."),
        Text("Power is that of as many effective participants, with the design's own risk, hazard ratio and loss. What is not measured cannot be weighted."),
        *counted_with_looks(told),
    )  # fmt: skip
    yield Table(
        "table-design-weights",
        Text("Cost of weighting by a propensity score"),
        tuple(columns),
        tuple(rows),
        notes,
    )


def _weighted(spread: float, share: float, target: Target | None = None) -> str:
    return f"{WEIGHTS}/{at_share(at_spread(spread, target), share)}"


def _weights_figure(told: Told) -> Figure:
    share = shares(told.basis)[0]
    spreads = varied(told.basis).spread_of_propensity
    ids = {
        target: {one: f"{_weighted(one, share, target)}/inflation" for one in spreads} for target in TARGETS
    }
    curves = [told.curve(_TARGET_NAMES[target], ids[target], is_percent=False) for target in TARGETS]
    most = max(point.y for curve in curves for point in curve.points)
    across = Axis("Spread of the logit of the propensity", 0, max(*spreads, 0.5))
    spec = draw_curves(
        curves, across, Axis("Participants over effective participants", 1, max(most * 1.05, 1.5))
    )
    alt = Text("Inflation rises with the spread, with overlap weights to ", told.decimals(ids["overlap"][spreads[-1]], 2), ", with weights to all participants to ",
               told.decimals(ids["everyone"][spreads[-1]], 2), ".")  # fmt: skip
    return Figure(
        "figure-design-weights", Text("Inflation by weighting, groups as the design assumes"), spec, alt
    )
