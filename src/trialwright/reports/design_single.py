"""The audit of a single group, laid out: what n excludes, which hypotheses fit it, and what its boundary does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trialwright.design.single_audit import (
    AROUND,
    AT_ONCE,
    BOUNDARY,
    COMPLETE,
    CONFIDENCE,
    EXCLUSION,
    FIRST,
    FITTING,
    HYPOTHESES,
    LASTING,
    MINIMAX,
    OPTIMAL,
    PERSON_TIME,
    RECALIBRATED,
    SIZES,
    TWO_STAGES,
    Watched,
    at_events,
    at_look,
    at_rate,
    at_rates,
    at_reference,
    at_size,
    boundaries_of,
    boundary_rates,
    has_late_events,
    is_harm,
    most_events,
    reference_rates,
    true_rates,
)
from trialwright.reports.blocks import (
    Block,
    Column,
    Figure,
    GroupHeading,
    Number,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Term,
    Text,
)
from trialwright.reports.design_figures import Axis, draw_curves
from trialwright.reports.design_told import Told, print_value

_CLOPPER = Term("Clopper and Pearson 1934", Ref.source("Clopper and Pearson 1934"))
_SIMON = Ref.source("Simon 1989")
_LEVEL = Term(f"{100 * CONFIDENCE:g} %", Ref.version("trialwright"))


def single_group_sections(told: Told) -> Iterator[Section]:
    """All sections of the audit."""
    yield Section("design-exclusion", Text("What the stated number can exclude"), tuple(_exclusion(told)))
    yield Section(
        "design-hypotheses", Text("Hypotheses that fit the stated number"), tuple(_hypotheses(told))
    )
    if any(told.results.of(SIZES)):
        yield Section("design-sizes", Text("Other numbers of patients"), tuple(_sizes(told)))
    blocks = tuple(
        block for id_, watched in boundaries_of(told.basis) for block in _boundary(told, id_, watched)
    )
    if blocks:
        yield Section("design-boundary", Text("The boundary while patients enter"), blocks)


def short_single_group(told: Told) -> tuple[Block, ...]:
    """What a report of the trial says of its design."""
    return (_exclusion_figure(told), _exclusion_table(told), _hypotheses_table(told))


# --- what n excludes ----------------------------------------------------------------------------------------------------


def _exclusion(told: Told) -> Iterator[Block]:
    none = f"{EXCLUSION}/{at_events(0)}"
    zero = Number("0", Ref.result(f"{none}/rate"), 0)
    yield Paragraph(
        Text(
            "With ", zero, " events among ", told.n, " patients only rates above ", told.percent(f"{none}/conf_high"), " are excluded by two-sided limits, and "
            "above ", told.percent(f"{none}/excluded_one_sided"), " by a one-sided limit. No event is no proof of none.",
        )
    )  # fmt: skip
    yield _exclusion_figure(told)
    yield _exclusion_table(told)


def _exclusion_table(told: Told) -> Table:
    columns = (
        Column(Text("Patients with the event"), "left"),
        Column(Text("Rate")),
        Column(Text("Lower"), under=Text("Two-sided limits")),
        Column(Text("Upper"), under=Text("Two-sided limits")),
        Column(Text("One-sided upper limit")),
    )
    rows = tuple(
        Row(
            Text(Number(str(events), Ref.result(f"{EXCLUSION}/{at_events(events)}/rate"), events)),
            tuple(
                told.percent(f"{EXCLUSION}/{at_events(events)}/{name}")
                for name in ("rate", "conf_low", "conf_high", "excluded_one_sided")
            ),
        )
        for events in range(most_events(told.basis) + 1)
    )
    note = Text("Exact ", _LEVEL, " limits (", _CLOPPER, "). Rates above the upper limit are excluded.")
    return Table(
        "table-design-exclusion",
        Text("What so many events among ", told.n, " patients exclude"),
        columns,
        rows,
        (note,),
    )


def _exclusion_figure(told: Told) -> Figure:
    names = {
        "conf_high": "Two-sided upper limit",
        "excluded_one_sided": "One-sided upper limit",
        "rate": "Rate seen",
    }
    most = most_events(told.basis)
    curves = [
        told.curve(words, {events: f"{EXCLUSION}/{at_events(events)}/{name}" for events in range(most + 1)})
        for name, words in names.items()
    ]
    highest = max(point.y for curve in curves for point in curve.points)
    rates = Axis("Rate", 0, highest * 1.05, is_percent=True)
    spec = draw_curves(
        curves, Axis("Patients with the event", 0, most), rates, level=told.basis["reference rate"]
    )
    alt = Text(
        "Without an event rates above ",
        told.percent(f"{EXCLUSION}/{at_events(0)}/conf_high"),
        " are excluded; each event raises the limit.",
    )
    caption = Text("Dashed and level: the reference rate, ", told.chosen("reference rate"), ".")
    return Figure(
        "figure-design-exclusion",
        Text("Rates that are excluded, by the number of events"),
        spec,
        alt,
        caption,
    )


# --- hypotheses ---------------------------------------------------------------------------------------------------------


def _hypotheses(told: Told) -> Iterator[Block]:
    if all(one.status == "assumed" for one in told.basis.numbers.values()):
        yield Paragraph(Text("The record names no hypothesis that the number follows from."))
    yield Paragraph(
        Text(
            f"For each reference rate: which numbers of events still let it be {_shown(told)}, and how often that happens at several true rates."
        )
    )
    yield _hypotheses_figure(told)
    yield _hypotheses_table(told)
    yield _chances_table(told)


def _hypotheses_table(told: Told) -> Table:
    columns = (
        Column(Text("Reference rate"), "left"),
        Column(_deciding(told)),
        Column(Text("Chance of that at the reference rate")),
        Column(Text("Highest true rate shown" if is_harm(told.basis) else "Lowest true rate shown")),
    )
    rows = []
    for reference in reference_rates(told.basis):
        here = f"{HYPOTHESES}/{at_reference(reference)}"
        cells = (
            told.count(f"{here}/n_events_deciding"),
            told.percent(f"{here}/type_1_error"),
            told.percent(f"{here}/rate_shown"),
        )
        rows.append(Row(told.varied("reference rate", reference), cells))
    caption = Text("Pairs of reference and true rate that fit ", told.n, " patients")
    note = Text("Exact binomial at ", told.chosen("alpha"), " (sides: ", told.chosen("sides"), "); shown means with a chance of ", told.chosen("power"),
                ". The design's own assumptions stand out.")  # fmt: skip
    return Table("table-design-hypotheses", caption, columns, tuple(rows), (note,))


def _chances_table(told: Told) -> Table:
    references = reference_rates(told.basis)
    columns = (
        Column(Text("True rate"), "left"),
        *(
            Column(told.varied("reference rate", reference), under=Text("Reference rate"))
            for reference in references
        ),
    )
    rows = tuple(
        Row(
            told.varied("rate", rate),
            tuple(
                _chance(told, f"{HYPOTHESES}/{at_rates(reference, rate)}/power") for reference in references
            ),
        )
        for rate in true_rates(told.basis)
    )
    caption = Text(f"Chance that the reference rate is {_shown(told)}, by the true rate")
    note = Text(
        "A dash: the true rate lies on the other side of the reference, and to show that would be a false alarm."
    )
    return Table("table-design-chances", caption, columns, rows, (note,))


def _chance(told: Told, id_: str) -> Text:
    return told.percent(id_) if told.has(id_) else Text("–")


def _hypotheses_figure(told: Told) -> Figure:
    rates = true_rates(told.basis)
    curves = [
        told.curve(
            f"Reference rate {print_value('reference rate', reference)}",
            {rate: f"{HYPOTHESES}/{at_rates(reference, rate)}/power" for rate in rates},
        )
        for reference in reference_rates(told.basis)[:6]
    ]
    across = Axis("True rate", 0, max(rates), is_percent=True)
    chance = Axis("Chance to show it", 0, 1, is_percent=True)
    spec = draw_curves([curve for curve in curves if curve.points], across, chance, level=told.basis["power"])
    own = f"{HYPOTHESES}/{at_rates(told.basis['reference rate'], told.basis['rate'])}/power"
    alt = Text(
        "The chance falls as the true rate comes near the reference; at the design's own assumptions it is ",
        told.percent(own),
        ".",
    )
    title = Text("Chance to show that the rate is on the right side of its reference")
    return Figure("figure-design-hypotheses", title, spec, alt, told.asked_power("chance"))


def _shown(told: Told) -> str:
    """What is to become of a reference rate: that of harm excluded, that of success exceeded."""
    return "excluded" if is_harm(told.basis) else "exceeded"


def _deciding(told: Told) -> Text:
    return Text("Most events that exclude it" if is_harm(told.basis) else "Fewest events that exceed it")


# --- other numbers of patients ------------------------------------------------------------------------------------------


def _sizes(told: Told) -> Iterator[Block]:
    yield Paragraph(
        Text(
            "Events are whole, so that the power does not only rise with the number of patients: one patient more can have less. A true rate of ",
            told.chosen("rate"), " is held against a reference of ", told.chosen("reference rate"), ".",
        )
    )  # fmt: skip
    yield _sizes_figure(told)
    yield _sizes_table(told)
    if told.has(f"{TWO_STAGES}/{OPTIMAL}/n_subjects"):
        yield _two_stages_table(told)
    else:
        yield Paragraph(
            Text("Designs of two stages: ", told.count(f"{TWO_STAGES}/{OPTIMAL}/n_subjects"), ".")
        )
    yield from _fitting(told)


def _sizes_figure(told: Told) -> Figure:
    sizes = [row.n or 0 for row in told.results.of(SIZES) if row.statistic == "power"]
    ids = {n: f"{SIZES}/{at_size(n)}/power" for n in sizes}
    by_n = told.curve("Any number of patients", ids)
    stated = told.curve("The stated number", {told.basis.n: ids[told.basis.n]})
    across = Axis("Patients", 0 if sizes[0] == 1 else sizes[0], sizes[-1])
    spec = draw_curves(
        [by_n, stated], across, Axis("Chance to show it", 0, 1, is_percent=True), level=told.basis["power"]
    )
    alt = Text(
        "A saw-tooth that rises with the number of patients; at the stated ", told.n, " it is at ", told.percent(ids[told.basis.n]), ".",
    )  # fmt: skip
    title = Text(
        "Chance to show that the rate is on the right side of its reference, by the number of patients"
    )
    return Figure("figure-design-sizes", title, spec, alt, told.asked_power("chance"))


def _sizes_table(told: Told) -> Table:
    columns = (
        Column(Text("Which number"), "left"),
        Column(Text("Patients")),
        Column(_deciding(told)),
        Column(Text("Chance of that at the reference rate")),
        Column(Text("Chance of that at the true rate")),
    )
    rows = [Row(Text("Stated"), (Text(told.n), *_size_cells(told, told.basis.n)))]
    for item, words in ((FIRST, "First that has the power"), (LASTING, "From here on every number has it")):
        id_ = f"{SIZES}/{item}/n_subjects"
        n = told.results[id_].value
        cells = (Text("–"), Text("–"), Text("–")) if n is None else _size_cells(told, int(n))
        rows.append(Row(Text(words), (told.count(id_), *cells)))
    note = Text(
        "Exact binomial at ", told.chosen("alpha"), " (sides: ", told.chosen("sides"), "); the power is ", told.chosen("power"), ".",
    )  # fmt: skip
    caption = Text("Numbers of patients that reach the power in one stage")
    return Table("table-design-sizes", caption, columns, tuple(rows), (note,))


def _size_cells(told: Told, n: int) -> tuple[Text, ...]:
    here = f"{SIZES}/{at_size(n)}"
    return (
        told.count(f"{here}/n_events_deciding"),
        told.percent(f"{here}/type_1_error"),
        told.percent(f"{here}/power"),
    )


def _two_stages_table(told: Told) -> Table:
    harm = is_harm(told.basis)
    reference, rate = told.basis["reference rate"], told.basis["rate"]
    here = {name: f"{TWO_STAGES}/{name}" for name in (OPTIMAL, MINIMAX)}

    def counts(words: Text, statistic: str) -> Row:
        return Row(words, tuple(told.count(f"{one}/{statistic}") for one in here.values()))

    def fractions(words: Term, above: str, below: str) -> Row:
        cells = (
            Text(told.count(f"{one}/{above}"), "/", told.count(f"{one}/{below}")) for one in here.values()
        )
        return Row(Text(words), tuple(cells))

    def at(value: float) -> Iterator[Row]:
        ids = [f"{TWO_STAGES}/{at_rate(name, value)}" for name in here]
        yield Row(
            Text("Stops after the first stage"), tuple(told.percent(f"{id_}/stop_early") for id_ in ids), 1
        )
        yield Row(
            Text(f"The reference rate is {_shown(told)}"),
            tuple(told.percent(f"{id_}/power") for id_ in ids),
            1,
        )
        yield Row(Text("Patients expected"), tuple(told.decimals(f"{id_}/expected_n", 1) for id_ in ids), 1)

    rows: tuple[Row | GroupHeading, ...] = (
        counts(Text("Patients in the first stage"), "n_first_stage"),
        counts(
            Text(f"{'Fewest' if harm else 'Most'} events among them that stop the study"), "n_events_stopping"
        ),
        counts(Text("Patients in all"), "n_subjects"),
        counts(
            Text(
                "Most events among all that exclude the rate"
                if harm
                else "Fewest events among all that exceed the rate"
            ),
            "n_events_deciding",
        ),
        fractions(Term("r1/n1", _SIMON), "r1", "n_first_stage"),
        fractions(Term("r/n", _SIMON), "r", "n_subjects"),
        GroupHeading(Text("If the true rate is the reference, ", told.chosen("reference rate"))),
        *at(reference),
        GroupHeading(Text("If the true rate is the one expected, ", told.chosen("rate"))),
        *at(rate),
    )
    counted = "patients without the event" if harm else "patients with the event"
    notes = (
        Text(
            "Exact, at ", told.chosen("alpha"), " (sides: ", told.chosen("sides"), ") and a power of ", told.chosen("power"), " (", Term("Simon 1989", _SIMON),
            "). Optimal: the fewest patients expected at the reference rate; minimax: the fewest patients at most.",
        ),
        Text(Term("r1", _SIMON), f" and r count {counted}: with so many or fewer the study stops, or the rate is not {_shown(told)}."),
    )  # fmt: skip
    columns = (Column(Text("Two stages"), "left"), Column(Text("Optimal")), Column(Text("Minimax")))
    caption = Text("Designs of two stages for the design's own rates")
    return Table("table-design-two-stages", caption, columns, rows, notes)


_DESIGNS = {
    "single stage, first n": "One stage, the first number that has the power",
    "single stage, every n from here": "One stage, from here on every number has it",
    "Simon, optimal": "Two stages, optimal",
    "Simon, minimax": "Two stages, minimax",
}


def _fitting(told: Told) -> Iterator[Block]:
    if not told.has(f"{FITTING}/n_pairs"):
        yield Paragraph(
            Text("Pairs of rates that fit the stated number: ", told.count(f"{FITTING}/n_pairs"), ".")
        )
        return
    yield Paragraph(
        Text(
            told.count(f"{FITTING}/n_pairs"), " pairs of a reference rate and a true rate were tried, in whole percentages within ",
            Term(str(AROUND), Ref.version("trialwright")), " points of the design's own, these rounded; for ", told.count(f"{FITTING}/n_pairs_fitting"),
            " of them one of the designs above asks for just ", told.n, " patients. That is no sign of which pair anybody had.",
        )
    )  # fmt: skip
    items = [row.item or "" for row in told.results.of(FITTING) if row.statistic == "power"]
    if items:
        yield _fitting_table(told, items)


def _fitting_table(told: Told, items: Sequence[str]) -> Table:
    columns = (
        Column(Text("Design"), "left"),
        Column(Text("Reference rate")),
        Column(Text("True rate")),
        Column(_deciding(told)),
        Column(Text("Chance at the reference rate")),
        Column(Text("Chance at the true rate")),
    )
    rows = tuple(
        Row(
            Text(_DESIGNS[item.partition(":")[0]]),
            (
                *(_tried(told, f"{FITTING}/{item}/{name}") for name in ("reference_rate", "true_rate")),
                told.count(f"{FITTING}/{item}/n_events_deciding"),
                told.percent(f"{FITTING}/{item}/type_1_error"),
                told.percent(f"{FITTING}/{item}/power"),
            ),
        )
        for item in items
    )
    caption = Text("Pairs for which a design has just ", told.n, " patients")
    return Table("table-design-fitting", caption, columns, rows)


def _tried(told: Told, id_: str) -> Text:
    """A rate that was tried, in whole percentages."""
    value = told.results[id_].value or 0.0
    return Text(Number(print_value("rate", value), Ref.result(id_), value))


# --- the boundary -------------------------------------------------------------------------------------------------------


def _boundary(told: Told, id_: str, watched: Watched) -> Iterator[Block]:
    path = f"monitoring.{id_}.computed boundary"
    reference = told.said(
        print_value("reference rate", watched.described.reference_rate or 0), f"{path}.reference rate"
    )
    status = watched.described.status or "assumed"
    yield Paragraph(
        Text(
            told.said(told.protocol.monitoring[id_].text, f"monitoring.{id_}.text"), ": the boundary holds the rate against ", reference, " (",
            told.said(status, f"{path}.status"), "). The record names none; the team and its board must replace it.",
        )
        if status != "registered"
        else Text(told.said(told.protocol.monitoring[id_].text, f"monitoring.{id_}.text"), ": the boundary holds the rate against ", reference, ".")
    )  # fmt: skip
    yield _boundary_figure(told, id_, watched)
    yield _looks_table(told, id_, watched)
    yield _characteristics_figure(told, id_, watched)
    yield _characteristics_table(told, id_, watched)
    if has_late_events(told.basis):
        yield _late_table(told, id_, watched)


def _first_looks(watched: Watched) -> list[int]:
    """The looks from which on another number of events is needed, by the boundary or the recalibrated one."""
    beside = watched.recalibrated or watched.boundary
    needed = list(zip(watched.boundary.events_to_stop, beside.events_to_stop, strict=True))
    return [n for i, n in enumerate(watched.boundary.n) if i == 0 or needed[i] != needed[i - 1]]


def _boundary_figure(told: Told, id_: str, watched: Watched) -> Figure:
    ids = {n: f"{BOUNDARY}/{at_look(id_, n)}/events_to_stop" for n in watched.boundary.n}
    curve = told.curve("boundary", ids, is_percent=False, is_step=True)
    most = max(point.y for point in curve.points)
    spec = draw_curves(
        [curve],
        Axis("Patients who count", 0, watched.boundary.n[-1]),
        Axis("Patients with the event", 0, most + 1),
    )
    alt = Text("Steps that rise to ", told.count(ids[watched.boundary.n[-1]]), " events when all count.")
    caption = Text("On or above the line the boundary is crossed.")
    return Figure(
        f"figure-design-boundary-{_dashed(id_)}",
        Text("Fewest events that cross the boundary"),
        spec,
        alt,
        caption,
    )


def _looks_table(told: Told, id_: str, watched: Watched) -> Table:
    ways = [id_, *([f"{id_} {RECALIBRATED}"] if watched.recalibrated else [])]
    rows = tuple(
        Row(
            Text(Number(str(n), Ref.result(f"{BOUNDARY}/{at_look(id_, n)}/events_to_stop"), n)),
            tuple(told.count(f"{BOUNDARY}/{at_look(way, n)}/events_to_stop") for way in ways),
        )
        for n in _first_looks(watched)
    )
    titles = (Text("Events that cross"), Text("With the level chosen for late events"))
    columns = (
        Column(Text("From so many patients who count"), "left"),
        *(Column(title) for title, _ in zip(titles, ways, strict=False)),
    )
    return Table(f"table-design-looks-{_dashed(id_)}", Text("The boundary"), columns, rows)


def _characteristics_table(told: Told, id_: str, watched: Watched) -> Table:
    columns = [
        Column(Text("True rate"), "left"),
        Column(Text("Crossed"), under=_ONCE),
        Column(Text("Patients until then"), under=_ONCE),
    ]
    if watched.person_time:
        columns.append(Column(Text("Crossed"), under=Text("Person-time, steady hazard")))
    rows = []
    for rate in boundary_rates(told.basis, watched):
        here = f"{BOUNDARY}/{at_rate(id_, rate)}"
        cells = [told.percent(f"{here}/probability_to_cross"), told.decimals(f"{here}/n_until_stop", 1)]
        if watched.person_time:
            cells.append(told.percent(f"{BOUNDARY}/{at_rate(id_, rate, PERSON_TIME)}/probability_to_cross"))
        rows.append(Row(_true_rate(told, id_, watched, rate), tuple(cells)))
    note = Text(
        "Exact. At or below the reference rate a crossing is a false alarm. Events at once: a look after every patient. Person-time: for a hazard that does not "
        "change while a patient is watched."
    )
    caption = Text("How often the boundary is crossed where events come at once or steadily")
    return Table(f"table-design-stops-{_dashed(id_)}", caption, tuple(columns), tuple(rows), (note,))


_ONCE = Text("Events at once")
_WORDS = {
    AT_ONCE: "Patients count with the event or when their time is over",
    RECALIBRATED: "The same, with the level of the boundary chosen for events that come late",
    COMPLETE: "Patients count when their time is over, with the event or without",
    PERSON_TIME: "Person-time counts",
}
_LATE = {
    "probability_to_stop": "Stopped",
    "n_treated_if_stopped": "Treated by the stop",
    "n_events_if_stopped": "Events by the stop",
    "weeks_if_stopped": "Weeks until the stop",
    "n_events_of_treated": "Events in the end",
}


def _late_table(told: Told, id_: str, watched: Watched) -> Table:
    columns = (Column(Text("True rate"), "left"), *(Column(Text(words)) for words in _LATE.values()))
    rows: list[Row | GroupHeading] = []
    for rule in watched.rules:
        rows.append(GroupHeading(Text(_WORDS[rule])))
        for rate in boundary_rates(told.basis, watched):
            here = f"{BOUNDARY}/{at_rate(id_, rate, 'late', rule)}"
            show = told.percent if rule == COMPLETE else told.percent_with_error
            stopped = show(f"{here}/probability_to_stop")
            cells = (stopped, *(told.decimals(f"{here}/{name}", 1) for name in list(_LATE)[1:]))
            rows.append(Row(_true_rate(told, id_, watched, rate), cells, indent=1))
    notes = (
        Text(
            "Events come between ", told.chosen("earliest event"), " and ", told.chosen("latest event"), " after the start, half of them by ",
            told.chosen("median event"), ", while patients enter evenly over ", told.chosen("accrual"), "; a patient's time is over after ",
            _window(told, id_, watched), ". Who has the event counts early where others wait for their time: then false alarms are more than the exact ones above. "
            "The recalibrated level was chosen in other virtual trials so that they are no more than the boundary allows.",
        ),
        Text(
            "In brackets the Monte-Carlo standard error; without one the number is exact. By the stop: means of the trials that stopped. Events in the end: of all "
            "trials, with those that treated patients will still have."
        ),
    )  # fmt: skip
    caption = Text("What the boundary does where events come late and patients keep entering")
    return Table(f"table-design-late-{_dashed(id_)}", caption, columns, tuple(rows), notes)


def _true_rate(told: Told, id_: str, watched: Watched, rate: float) -> Text:
    if rate != watched.described.reference_rate:
        return told.varied("rate", rate)
    said = told.said(print_value("rate", rate), f"monitoring.{id_}.computed boundary.reference rate")
    return Text(said, ", the reference")


def _window(told: Told, id_: str, watched: Watched) -> Term:
    said = watched.described.judged_after
    if said is not None:
        return told.said(said, f"monitoring.{id_}.computed boundary.judged after")
    return told.time_frame


def _characteristics_figure(told: Told, id_: str, watched: Watched) -> Figure:
    rates = boundary_rates(told.basis, watched)
    ways: dict[str, tuple[str, ...]] = {"Events at once": ()}
    if watched.person_time:
        ways["Person-time, steady hazard"] = (PERSON_TIME,)
    if has_late_events(told.basis):
        ways |= {f"Late: {words}": ("late", rule) for rule, words in _SHORT.items() if rule in watched.rules}
    curves = []
    for words, how in ways.items():
        name = "probability_to_stop" if "late" in how else "probability_to_cross"
        ids = {rate: f"{BOUNDARY}/{at_rate(id_, rate, *how)}/{name}" for rate in rates}
        curves.append(told.curve(words, ids))
    across = Axis("True rate", 0, max(rates), is_percent=True)
    spec = draw_curves(curves, across, Axis("Boundary crossed", 0, 1, is_percent=True))
    reference = f"{BOUNDARY}/{at_rate(id_, watched.described.reference_rate or 0.0)}/probability_to_cross"
    alt = Text(
        "The chance of crossing rises with the true rate; at the reference rate, with events at once, it is ",
        told.percent(reference),
        ".",
    )
    return Figure(
        f"figure-design-stops-{_dashed(id_)}",
        Text("How often the boundary is crossed, by the true rate"),
        spec,
        alt,
    )


_SHORT = {
    AT_ONCE: "event or time over",
    RECALIBRATED: "the same, recalibrated",
    COMPLETE: "time over",
    PERSON_TIME: "person-time",
}


def _dashed(id_: str) -> str:
    return id_.replace("_", "-")
