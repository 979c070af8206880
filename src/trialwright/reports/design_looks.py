"""The looks of a design, laid out: boundaries with what each look does, and what the looks cost by how the error is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from trialwright.design.looks_audit import LOOKS, ONE_TEST, at_look, looks_tried, own_spending
from trialwright.design.operating import OPERATING
from trialwright.protocol.model import Spending
from trialwright.reports.blocks import (
    Block,
    Column,
    Figure,
    Number,
    Paragraph,
    Ref,
    Row,
    Section,
    Strong,
    Table,
    Term,
    Text,
)
from trialwright.reports.design_figures import Axis, Curve, draw_curves
from trialwright.reports.design_told import Told, print_value

_NAMES = {
    "obrien-fleming": "O'Brien-Fleming",
    "pocock": "Pocock",
    "hwang-shih-decani": "Hwang-Shih-DeCani",
}
_NONE = Text("–")


def looks_section(told: Told) -> Iterator[Section]:
    """What the looks of the design do and cost; of a design without looks, what some would cost."""
    if not any(told.results.of(LOOKS)):
        return
    own = own_spending(told.basis)
    if own is None:
        blocks: tuple[Block, ...] = (_not_planned(told), _costs(told, own))
        yield Section("design-looks", Text("Looks before the end: not in the protocol"), blocks)
        return
    futility = (_futility(told, own),) if _has_futility(told) else ()
    blocks = (_planned(told, own), _looks(told, own), *futility, _boundaries(told, own), _costs(told, own))
    yield Section("design-looks", Text("Looks before the end"), blocks)


def counted_with_looks(told: Told) -> tuple[Text, ...]:
    """A note for tables whose numbers count the looks; nothing where there are none."""
    if told.basis.design.looks is None:
        return ()
    return (Text("With the looks of the design, which ask for more events than one test."),)


def counted_once(told: Told) -> tuple[Text, ...]:
    """A note for tables whose numbers are those of one test; nothing where that is all there is."""
    if told.basis.design.looks is None:
        return ()
    return (
        Text("By Lakatos power and participants are those of one test, without the looks of the design."),
    )


# --- words --------------------------------------------------------------------------------------------------------------


def _name(told: Told, spending: str) -> Text:
    """A spending by its name; the design's own stands out."""
    stated = told.basis.design.looks
    if stated is None or spending != stated.efficacy.spending:
        return Text(_NAMES[spending])
    return Text(Strong(told.said(_spelled(stated.efficacy), "design.looks.efficacy")))


def _spelled(stated: Spending) -> str:
    return _NAMES[stated.spending] + (f" (gamma {stated.gamma:g})" if stated.gamma is not None else "")


def _has_futility(told: Told) -> bool:
    return told.basis.design.looks is not None and told.basis.design.looks.futility is not None


def _look_numbers(told: Told) -> range:
    first = next(iter(looks_tried(told.basis).values()))
    return range(1, len(first.fractions) + 1)


def _share(told: Told, look: int) -> Text:
    """The share of the events at a look, as people write it."""
    first = next(iter(looks_tried(told.basis)))
    row = told.results[f"{LOOKS}/{at_look(first, look)}/fraction"]
    value = row.value or 0.0
    return Text(Number(print_value("share", value), Ref.result(row.id), value))


def _interim(told: Told) -> list[Text | str]:
    """The shares of all looks but the last, in words."""
    shares = [_share(told, look) for look in _look_numbers(told)[:-1]]
    between = [", "] * (len(shares) - 2) + [" and "] * (len(shares) > 1) + [""]
    return list(chain.from_iterable(zip(shares, between, strict=True)))


# --- the design's own looks ---------------------------------------------------------------------------------------------


def _planned(told: Told, own: str) -> Paragraph:
    stated = told.basis.design.looks
    futility: tuple[Text | str, ...] = ("No trial stops for futility.",)
    if stated is not None and stated.futility is not None:
        kind = "binding" if stated.futility.binding else "not binding"
        spent = told.said(_spelled(stated.futility), "design.looks.futility")
        futility = ("Futility spends the type II error by ", Text(spent), f" and is {kind}.")
    return Paragraph(
        Text(
            "The data are looked at after ", *_interim(told), " of the events, and at the end. The type I error is spent by ", _name(told, own), ". ", *futility,
            " For the same power the looks ask for ", told.decimals(f"{LOOKS}/{own}/inflation", 3), " times the events of one test.",
        )
    )  # fmt: skip


def _looks(told: Told, own: str) -> Table:
    titles = ("Events", "z", "p", "Hazard ratio", "Risk difference", "Alpha spent", "Power by then")
    columns = (
        Column(Text("Of the events"), "left"),
        *(Column(Text(title)) for title in titles),
        Column(Text("Hypothesis"), under=Text("Trials that end here")),
        Column(Text("No effect"), under=Text("Trials that end here")),
        Column(Text("Month")),
    )
    rows = tuple(
        Row(_share(told, look), _look_cells(told, at_look(own, look))) for look in _look_numbers(told)
    )
    lan_demets = Term("Lan and DeMets 1983", Ref.source("Lan and DeMets 1983"))
    notes = (
        Text("Boundaries by ", lan_demets, ": a trial stops for efficacy at this z or above, nominal p (as many sides as the test) or below, hazard ratio or below. "
             "In brackets the events as the formula gives them. At looks that come at other shares than planned the boundaries are others."),
        Text("The risk difference is that of a hazard ratio at the boundary, the risk among controls being as assumed. The month is that of the "
             "design's hypothesis, if enrolment and follow-up go on; by that hypothesis the hazard ratio is ", told.chosen("hazard ratio"), "."),
    )  # fmt: skip
    return Table("table-design-looks", Text("What each look does"), columns, rows, notes)


def _look_cells(told: Told, item: str) -> tuple[Text, ...]:
    here = f"{LOOKS}/{item}"
    month = f"{here}/month"
    return (
        Text(told.count(f"{here}/n_events"), " (", told.decimals(f"{here}/n_events_exact", 1), ")"),
        told.decimals(f"{here}/z", 3),
        told.ratio(f"{here}/p_value", 4),
        told.decimals(f"{here}/hazard_ratio", 3),
        told.percent(f"{here}/risk_difference"),
        told.decimals(f"{here}/alpha_spent", 4),
        told.percent(f"{here}/power"),
        told.percent(f"{here}/ends_hypothesis"),
        told.percent(f"{here}/ends_no_effect"),
        told.decimals(month, 1) if month in told.results else _NONE,
    )


def _futility(told: Told, own: str) -> Table:
    titles = ("z", "Hazard ratio", "Beta spent")
    columns = (
        Column(Text("Of the events"), "left"),
        *(Column(Text(title)) for title in titles),
        Column(Text("Hypothesis"), under=Text("Stopped for futility")),
        Column(Text("No effect"), under=Text("Stopped for futility")),
    )
    rows = []
    for look in _look_numbers(told):
        here = f"{LOOKS}/{at_look(own, look)}"
        cells = (
            told.decimals(f"{here}/futility_z", 3),
            told.decimals(f"{here}/futility_hazard_ratio", 3),
            told.decimals(f"{here}/beta_spent", 4),
            told.percent(f"{here}/futile_hypothesis"),
            told.percent(f"{here}/futile_no_effect"),
        )
        rows.append(Row(_share(told, look), cells))
    is_two_sided = told.basis.comparison.sides == 2
    where = "between this z and its negative" if is_two_sided else "at this z or below"
    notes = (Text(f"A trial stops for futility {where}; at the last look it ends without having shown anything."),)  # fmt: skip
    return Table(
        "table-design-futility", Text("When a trial stops for futility"), columns, tuple(rows), notes
    )


def _boundaries(told: Told, own: str) -> Figure:
    fractions = looks_tried(told.basis)[own].fractions

    def along(label: str, spending: str, statistic: str) -> Curve:
        ids = {t: f"{LOOKS}/{at_look(spending, k)}/{statistic}" for k, t in enumerate(fractions, 1)}
        return told.curve(label, ids, is_percent=False)

    names = [name for name in looks_tried(told.basis) if told.has(f"{LOOKS}/{name}/inflation")]
    curves = [along(f"Efficacy, {_NAMES[name]}", name, "z") for name in names]
    if _has_futility(told):
        curves.insert(1, along("Futility", own, "futility_z"))
    values = [point.y for curve in curves for point in curve.points]
    across = Axis("Share of the events", 0, 1, is_percent=True)
    spec = draw_curves(curves, across, Axis("z", min(0, *values), max(values) * 1.05))
    alt = Text(
        "The boundary for efficacy by look: z ", told.decimals(f"{LOOKS}/{at_look(own, 1)}/z", 3), " at the first, ",
        told.decimals(f"{LOOKS}/{at_look(own, fractions.index(1.0) + 1)}/z", 3), " at the last.",
    )  # fmt: skip
    caption = Text("A z on a line for efficacy or above ends the trial with the treated shown better.")
    return Figure("figure-design-looks", Text("Boundaries over the events"), spec, alt, caption)


# --- costs --------------------------------------------------------------------------------------------------------------


def _not_planned(told: Told) -> Paragraph:
    return Paragraph(
        Text(
            "The protocol plans no look before the end. ", Strong("Not in the protocol"), ": below stands what looks after ", *_interim(told),
            " of the events would cost, each asking for the same power.",
        )
    )  # fmt: skip


def _costs(told: Told, own: str | None) -> Table:
    at = Text("Boundary as z after")
    columns = (
        Column(Text("The error is spent"), "left"),
        *(Column(_share(told, look), under=at) for look in _look_numbers(told)),
        Column(Text("Inflation")),
        Column(Text("Events")),
        Column(Text("Participants")),
        Column(Text("Power of the stated")),
        Column(Text("Hypothesis"), under=Text("Events on average")),
        Column(Text("No effect"), under=Text("Events on average")),
    )
    rows = [Row(_name(told, name), _cost_cells(told, name)) for name in looks_tried(told.basis)]
    here = f"{LOOKS}/{ONE_TEST}"
    blank = (_NONE,) * (len(_look_numbers(told)) - 1)
    once = (
        *blank, told.decimals(f"{here}/z", 3), _NONE, told.count(f"{here}/n_events"), told.count(f"{here}/n_subjects"),
        told.percent(f"{here}/power_of_n"), _NONE, _NONE,
    )  # fmt: skip
    words = "would cost (not in the protocol)" if own is None else "cost"
    note = Text(
        "Inflation: events at the last look over those of one test. Participants by Schoenfeld's formula. The power of the stated number, ", told.n,
        ", is that of looks at the same shares of the events to be expected. By the hypothesis the hazard ratio is ", told.chosen("hazard ratio"), ".",
    )  # fmt: skip
    caption = Text(f"What looks before the end {words}")
    return Table(
        "table-design-looks-cost", caption, columns, (Row(Text("One test, at the end"), once), *rows), (note,)
    )


def _cost_cells(told: Told, name: str) -> tuple[Text, ...]:
    here = f"{LOOKS}/{name}"
    looks = _look_numbers(told)
    if not told.has(f"{here}/inflation"):  # the reason stands where the number would
        return (*(_NONE,) * len(looks), told.decimals(f"{here}/inflation", 3), *(_NONE,) * 5)
    return (
        *(told.decimals(f"{LOOKS}/{at_look(name, look)}/z", 3) for look in looks),
        told.decimals(f"{here}/inflation", 3),
        told.count(f"{here}/n_events"),
        told.count(f"{here}/n_subjects"),
        told.percent(f"{here}/power_of_n"),
        told.decimals(f"{here}/n_events_hypothesis", 1),
        told.decimals(f"{here}/n_events_no_effect", 1),
    )


# --- virtual trials -----------------------------------------------------------------------------------------------------


def looks_simulated(told: Told, ids: list[str], name: Callable[[Told, str], Text]) -> Iterator[Table]:
    """How many virtual trials end at each look, beside what theory says; nothing where the design has no looks."""
    if told.basis.design.looks is None:
        return
    looks = _look_numbers(told)
    columns = (
        Column(Text("Assumptions"), "left"),
        *(
            Column(Text(title), under=Text("End at ", _share(told, look)))
            for look in looks
            for title in ("Virtual", "Theory")
        ),
        Column(Text("Have all events")),
    )
    rows = []
    for id_ in ids:
        cells = []
        for look in looks:
            here = f"{OPERATING}/{at_look(id_, look)}"
            cells += [told.percent_with_error(f"{here}/ends"), told.percent(f"{here}/ends_by_theory")]
        cells.append(told.percent(f"{OPERATING}/{at_look(id_, looks[-1])}/reached"))
        rows.append(Row(name(told, id_), tuple(cells)))
    note = Text(
        "In brackets the Monte-Carlo standard error. Looks wait for the events of the design; a trial that does not get them is looked at when all is over. Theory "
        "takes it that they come; it is that of large samples, with the mean and the standard deviation of z under each row's own hazards."
    )
    caption = Text("At which look virtual trials end")
    yield Table("table-design-operating-looks", caption, columns, tuple(rows), (note,))
