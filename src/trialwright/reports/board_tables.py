"""Tables of the data monitoring board: the trial at the cut, watched events against their boundaries, results that are due."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from trialwright.analysis.safety_board import BOARD, CONFIDENCE, LAST_DAY, MULTIPLES, Board, why_no_boundary
from trialwright.protocol.analyses import GradeTable
from trialwright.protocol.model import Boundary, Monitoring
from trialwright.reports.blocks import (
    Block,
    Bullets,
    Column,
    GroupHeading,
    Number,
    Ref,
    Row,
    Strong,
    Table,
    Term,
    Text,
)
from trialwright.reports.printed import Source


@dataclass(frozen=True, slots=True)
class Told(Source):
    """A board's protocol and results."""

    board: Board

    @property
    def levels(self) -> list[str | None]:
        """Everybody, and in the closed document each group."""
        return [None, *self.protocol.groups] if self.board.is_closed else [None]

    def id_of(self, level: str | None, *parts: str) -> str:
        return "/".join((BOARD, *([level] if level else []), *parts))

    def has(self, id_: str) -> bool:
        """Whether there is a number, not only the reason why there is none."""
        return id_ in self.results and self.results[id_].value is not None

    @property
    def watched(self) -> dict[str, Monitoring]:
        """What is watched that has an event."""
        return {id_: one for id_, one in self.protocol.monitoring.items() if one.event}


def event_words(told: Source, watched: Monitoring) -> Term:
    """What is watched, in the words of its event."""
    event = told.protocol.events[watched.event or ""]
    return told.said(event.label or watched.event, f"events.{watched.event}.label")


def crossed_on(told: Told, id_: str) -> Term:
    """The day on which a boundary was crossed."""
    return Term(str(json.loads(told.results[id_].conventions)["crossed on"]), Ref.result(id_))


def force_words(told: Told, id_: str, watched: Monitoring) -> Text:
    """Whether a boundary is in force at the cut."""
    since, cut = watched.in_force_since, told.board.study.cut
    if since is None:
        return Text(Strong("assumed, not in force"))
    day = told.said(since.isoformat(), f"monitoring.{id_}.in force since")
    if cut is not None and since <= cut:
        return Text("in force since ", day)
    return Text(Strong("not in force at this cut"), ", but from ", day, " on")


# --- the trial at the cut -----------------------------------------------------------------------------------------------
def render_board_table(told: Told) -> Table:
    """Patients, exposure, harms and what has come in, each with its denominator."""
    rows = [*_people_rows(told), *_exposure_rows(told), *_harm_rows(told), *_due_rows(told)]
    columns = [Column(Text(), "left")]
    columns += [
        Column(Text("All" if level is None else told.level("groups", level)), "left") for level in told.levels
    ]
    percent = Term(f"{100 * CONFIDENCE:g} %", Ref.version("trialwright"))
    notes = [
        Text("Months of a treatment count from time zero, or a first dose after it, to the last dose and one interval, and not beyond death or the data cut."),
        Text("In brackets exact ", percent, " confidence limits (Clopper and Pearson), two-sided, not adjusted for repeated looks."),
        Text(
            "Deaths and serious events are of the whole population. Whoever nobody can tell about counts without, and is counted "
            "behind. Watched events are of those in whom the event was seen or looked for at least once; for many of them "
            "the time in which it counts goes on."
        ),
    ]  # fmt: skip
    if told.board.is_closed and told.protocol.study.allocation != "randomised":
        notes.append(
            Text(
                "The groups were not made by chance; a difference between them is not the effect of treatment."
            )
        )
    return Table("table-board", Text("The trial at the data cut"), tuple(columns), tuple(rows), tuple(notes))


def _row(told: Told, label: Text, cells: list[Text], indent: int = 0) -> Row:
    blank = [Text() for _ in range(len(told.levels) - len(cells))]
    return Row(label, (*cells, *blank), indent=indent)


def _people_rows(told: Told) -> Iterator[Row | GroupHeading]:
    yield GroupHeading(Text("Patients"))
    for statistic, words in (
        ("n_planned", "Planned"),
        ("n_records", "In the records"),
        ("n_entered", "Entered"),
    ):
        yield _row(told, Text(words), [told.count(told.id_of(None, statistic))], 1)
    name = told.board.listed.population if told.board.listed else None
    label = Text(told.population(name) if name else "Everybody")
    cells = [told.count(told.id_of(level, "n_subjects")) for level in told.levels]
    yield _row(told, Text(label, ", in whom harms are counted"), cells, 1)
    if told.results[told.id_of(None, "n_population_unknown")].value:
        doubtful = Text("Nobody knows whether they belong to it")
        yield _row(told, doubtful, [told.count(told.id_of(None, "n_population_unknown"))], 1)
    if told.has(without := told.id_of(None, "n_without_group")) and told.results[without].value:
        yield _row(told, Text("In no group, and counted under all only"), [told.count(without)], 1)
    last = str(told.results.provenance["data"][LAST_DAY])
    yield _row(told, Text("Last day on which anybody was seen"), [Text(Term(last, Ref.data(LAST_DAY)))], 1)


def _exposure_rows(told: Told) -> Iterator[Row | GroupHeading]:
    yield GroupHeading(Text("Exposure"))
    for name in told.protocol.treatments:
        ids = [told.id_of(level, name) for level in told.levels]
        yield _row(
            told,
            Text("Treated with ", told.treatment(name)),
            [told.count(f"{one}/n_treated") for one in ids],
            1,
        )
        if any(told.has(f"{one}/n_doses") for one in ids):
            yield _row(told, Text("Doses"), [_total(told, f"{one}/n_doses", 0) for one in ids], 2)
        months = [_total(told, f"{one}/treated_months", 1) for one in ids]
        yield _row(told, Text("Months since time zero, all together"), months, 2)
    table = grade_table(told)
    if table is not None:
        id_, analysis = table
        here = [f"{id_}/{level}" if level else id_ for level in told.levels]
        if analysis.by is not None:  # the table by group has no row for all together
            here[0] = ""
        cells = [told.decimals(f"{one}/patient_months", 1) if one else Text("see groups") for one in here]
        yield _row(told, Text("Patient-months in which adverse events count"), cells, 1)


def grade_table(told: Told) -> tuple[str, GradeTable] | None:
    tables = ((id_, one) for id_, one in told.protocol.analyses.items() if isinstance(one, GradeTable))
    return next(tables, None)


def _total(told: Told, id_: str, digits: int) -> Text:
    if id_ not in told.results:
        return Text("none")
    return Text(told.decimals(id_, digits), _not_known(told, f"{id_}_unknown"))


def _not_known(told: Told, unknown: str) -> Text:
    """Behind a number: of how many it is not known, where there are any."""
    if not told.has(unknown) or not told.results[unknown].value:
        return Text()
    return Text("; not known of ", told.count(unknown))


def _harm_rows(told: Told) -> Iterator[Row | GroupHeading]:
    yield GroupHeading(Text("Harms, subjects"))
    for item, words in (
        ("deaths", "Died, at any time in the records"),
        ("serious", "Serious adverse event that came with treatment"),
    ):
        cells = [_share(told, told.id_of(level, item), "n_with", "n_subjects") for level in told.levels]
        yield _row(told, Text(words), cells, 1)
    for id_, watched in told.watched.items():
        cells = [_share(told, told.id_of(level, id_), "n_met", "n_told") for level in told.levels]
        yield _row(told, Text(event_words(told, watched)), cells, 1)
    for id_, watched in told.protocol.monitoring.items():
        if watched.event is None:
            said = Text(told.said(watched.text, f"monitoring.{id_}.text"))
            yield _row(told, said, [Text("the protocol names no event to count")], 1)


def _share(told: Told, here: str, statistic: str, of: str) -> Text:
    """`1 of 16: 6.3 % (0.2 to 30.2); not known of 3`."""
    behind = _not_known(told, f"{here}/n_unknown")
    if not told.has(f"{here}/proportion"):
        return Text(told.percent(f"{here}/proportion"), behind)
    total = f"{here}/{of}" if f"{here}/{of}" in told.results else f"{here.rpartition('/')[0]}/{of}"
    limits = told.interval(told.percent_bare(f"{here}/conf_low"), told.percent_bare(f"{here}/conf_high"))
    return Text(
        told.count(f"{here}/{statistic}"), " of ", told.count(total), ": ", told.percent(f"{here}/proportion"), " ", limits, behind
    )  # fmt: skip


def nothing_seen(told: Told) -> Iterator[Text]:
    """What is not excluded where nothing was seen: no event among few says little."""
    items = [
        ("deaths", Text("Deaths"), "n_subjects"),
        ("serious", Text("Serious adverse events that came with treatment"), "n_subjects"),
    ]
    items += [(id_, Text(event_words(told, watched)), "n_told") for id_, watched in told.watched.items()]
    for item, words, of in items:
        for level in told.levels:
            here = told.id_of(level, item)
            if told.has(f"{here}/proportion") and told.results[f"{here}/proportion"].value == 0:
                total = f"{here}/{of}" if of == "n_told" else told.id_of(level, of)
                whom = Text() if level is None else Text(" in the group ", told.level("groups", level))
                unknown = f"{here}/n_unknown"
                doubt = (
                    Text("; of ", told.count(unknown), " more nobody can tell")
                    if of == "n_told"
                    else Text("; of ", told.count(unknown), " of them nobody can tell")
                )
                yield Text(
                    words, ": none of ", told.count(total), whom, *((doubt,) if told.results[unknown].value else ()), ". Rates up to ",
                    told.percent(f"{here}/conf_high"), " are not excluded.",
                )  # fmt: skip


# --- boundaries ---------------------------------------------------------------------------------------------------------


_COUNTING = Text(
    "A patient with the event counts for the boundary from its day on; one without it counts later, as told above. The others "
    "count neither among patients nor events. The boundary holds for all patients together."
)


def render_boundaries(told: Told) -> Table:
    """Where each watched event stands against its boundary."""
    columns = (Column(Text(), "left"), Column(Text("All"), "left"))
    rows: list[Row | GroupHeading] = []
    notes = []
    for id_, watched in told.watched.items():
        label = Text(event_words(told, watched))
        rows.append(GroupHeading(label))
        rows += [Row(Text(words), (value,), indent=1) for words, value in _position(told, id_, watched)]
        if id_ in told.board.boundaries:
            notes.append(Text(label, ": ", *_boundary_in_words(told, id_)))
    if told.board.boundaries:
        notes.append(_COUNTING)
    return Table(
        "table-boundaries",
        Text("Watched events and their boundaries"),
        columns,
        tuple(rows),
        tuple(notes),
        empty=Text("The protocol names no event that is watched."),
    )


def _position(told: Told, id_: str, watched: Monitoring) -> Iterator[tuple[str, Text]]:
    """What is known of a boundary and of the way to it, or why there is none."""
    here, path = told.id_of(None, id_), f"monitoring.{id_}"
    if id_ in told.board.boundaries:
        yield "More events until it is crossed", _left(told, here)
        counted = (told.count(f"{here}/n_counted"), told.count(f"{here}/n_events_counted"))
        yield "Patients who count, and those with the event", Text(counted[0], ", ", counted[1])
        yield "Boundary", _boundary_there(told, here)
        yield "Status", force_words(told, id_, watched)
        return
    why = Text(Term(why_no_boundary(told.protocol, watched), Ref.protocol(path)))
    quoted = Text(told.said(watched.boundary, f"{path}.boundary"), ": ", why) if watched.boundary else why
    yield "Boundary", quoted
    if watched.boundary or watched.computed_boundary:
        yield "Status", force_words(told, id_, watched)


def _boundary_there(told: Told, here: str) -> Text:
    if not told.has(f"{here}/events_to_stop"):
        return told.count(f"{here}/events_to_stop")
    return Text(
        told.count(f"{here}/events_to_stop"), " events among ", told.count(f"{here}/next_look"), " patients"
    )


def _left(told: Told, here: str) -> Text:
    if told.results[f"{here}/is_crossed"].value:
        return Text(Strong("crossed"))
    if not told.has(f"{here}/events_left"):
        return told.count(f"{here}/events_left")
    at_look = told.results[f"{here}/next_look"].value == told.results[f"{here}/n_counted"].value
    first = Text(
        told.count(f"{here}/events_left"), " in patients who count already" if at_look else " at that look"
    )
    if not told.has(f"{here}/new_events_left"):
        return Text(first, "; not by new patients alone")
    return Text(first, ", or ", told.count(f"{here}/new_events_left"), " in a row among the next patients")


_KINDS = {
    "exact": "crossed where the exact one-sided lower limit of the rate exceeds the reference",
    "bayesian": "crossed where the rate very probably exceeds the reference, given the events and the prior",
    "pocock": "crossed where events are too many by one exact test level for all looks (Pocock-type)",
}


def _boundary_in_words(told: Source, id_: str) -> Iterator[Text | Term | str]:
    said = told.protocol.monitoring[id_].computed_boundary
    if said is None:
        return
    path = f"monitoring.{id_}.computed boundary"
    yield _KINDS[said.kind]
    yield "; reference rate "
    yield told.said(f"{100 * (said.reference_rate or 0):g} %", f"{path}.reference rate")
    for key, words in (("level", ", level "), ("alpha", ", false alarms in all at most ")):
        value = getattr(said, key)
        if value is not None:
            yield words
            yield told.said(f"{100 * value:g} %", f"{path}.{key}")
    if said.prior is not None:
        yield ", prior "
        yield told.said(
            f"{said.prior.events:g} events among {said.prior.patients:g} patients", f"{path}.prior"
        )
    if said.judged_after is not None:
        yield "; without the event a patient counts after "
        yield told.said(said.judged_after, f"{path}.judged after")
        yield " under observation, or when the time in which it counts is over"
    yield from _where_from(told, path, said)
    yield "."


def _where_from(told: Source, path: str, said: Boundary) -> Iterator[Text | Term | str]:
    if said.status:
        yield f". {said.status.capitalize()}"
        if said.reason:
            yield ": "
            yield told.said(said.reason.removesuffix("."), f"{path}.reason")
    if said.source:
        yield ". Source: "
        yield told.said(said.source.removesuffix("."), f"{path}.source")


def render_characteristics(told: Told, id_: str) -> Table:
    """How often and when a boundary is crossed at several true rates."""
    columns = (
        Column(Text("True rate")),
        Column(Text("Crossed")),
        Column(Text("Patients until it is crossed or all are in, on average")),
        Column(Text("Patients until it is crossed, where it is")),
    )
    rows = []
    boundary = told.board.boundaries[id_]
    for multiple in MULTIPLES:
        rate = multiple * boundary.conventions["reference_rate"]
        here = told.id_of(None, f"{id_} if {rate:g}")
        if f"{here}/probability_to_cross" in told.results:
            label = Number(f"{100 * rate:g} %", Ref.result(f"{here}/probability_to_cross"), rate)
            cells = (
                told.percent(f"{here}/probability_to_cross"),
                told.decimals(f"{here}/expected_n", 1),
                told.decimals(f"{here}/expected_n_if_crossed", 1),
            )
            rows.append(Row(Text(label), cells))
    note = Text(
        "Exact where each patient is judged before the next one counts, and events are independent. At the reference rate a "
        "crossing is a false alarm. Where an event counts at once and a patient without it only later, patients with events are "
        "judged first, and false alarms are more frequent: the page of `trialwright design` tells how many. Below a probability "
        "of crossing there is one of not crossing: a boundary that is not crossed excludes little."
    )
    title = Text("What the boundary does: ", event_words(told, told.protocol.monitoring[id_]))
    return Table(f"table-boundary-{id_.replace('_', '-')}", title, columns, tuple(rows), (note,))


# --- what is due --------------------------------------------------------------------------------------------------------


def _due_items(told: Told) -> list[str]:
    items = (row.item for row in told.results.of(BOARD) if row.item and row.item.startswith("due "))
    return list(dict.fromkeys(items))


def _due_label(told: Told, item: str) -> Text:
    fact, path = item.removeprefix("due ").split(" ", 1)
    section, name = path.split(".", 1)
    match section:
        case "endpoints":
            label = told.endpoint(name)
        case "clocks":
            label = told.said(f"by the clock {name.replace('_', ' ')}", path)
        case _:
            label = told.said(told.protocol.visits[name].label, f"{path}.label")
    return Text(told.fact(fact), ", ", label)


def _due_rows(told: Told) -> Iterator[Row | GroupHeading]:
    """Of HBV DNA first: what is due by the cut and can be told."""
    items = _due_items(told)
    if not items:
        return
    first = items[0].split(" ")[1]
    yield GroupHeading(Text("Come in, of the results due by the cut"))
    unknown = 0
    for item in items:
        if item.split(" ")[1] != first:
            continue
        ids = [told.id_of(level, item) for level in told.levels]
        if not told.has(f"{ids[0]}/n_due"):
            unknown += 1
            continue
        yield _row(told, _due_label(told, item), [_come_in(told, one) for one in ids], 1)
    if unknown:
        words = Text("cannot be told: see what is due")
        yield _row(told, Text("At other visits of the calendar"), [words], 1)


def _come_in(told: Told, here: str) -> Text:
    if not told.has(f"{here}/share_in"):
        return told.percent(f"{here}/share_in")
    return Text(
        told.count(f"{here}/n_in"),
        " of ",
        told.count(f"{here}/n_due"),
        " (",
        told.percent(f"{here}/share_in"),
        ")",
    )


def render_due(told: Told) -> Table:
    """Visit by visit, results that are due by the cut: in, may still come, missing; and what nobody can tell."""
    columns = [Column(Text("Results at"), "left")]
    for level in told.levels:
        under = (
            Text() if len(told.levels) == 1 else Text("All" if level is None else told.level("groups", level))
        )
        columns += [Column(Text(words), under=under) for words in ("Due", "In", "May still come", "Missing")]
    rows = []
    for item in _due_items(told):
        cells: list[Text] = []
        for level in told.levels:
            here = told.id_of(level, item)
            if told.has(f"{here}/n_due"):
                cells.append(Text(told.count(f"{here}/n_due"), _not_known(told, f"{here}/n_unknown")))
                cells += [told.count(f"{here}/{name}") for name in ("n_in", "n_open", "n_missing")]
            else:
                cells += [Text("unknown"), *(Text("—") for _ in range(3))]
        rows.append(Row(_due_label(told, item), tuple(cells)))
    return Table("table-due", Text("Results due by the data cut"), tuple(columns), tuple(rows))


def due_notes(told: Told) -> Iterator[Block]:
    reasons: dict[str, list[str]] = {}
    for item in _due_items(told):
        row = told.results[f"{told.id_of(None, item)}/n_due"]
        if row.value is None:
            reasons.setdefault(row.note, []).append(item)
    items = [
        Text(Strong("Unknown"), ": ", *_joined([_due_label(told, item) for item in found]), ": ", Term(reason, Ref.version("trialwright")), ".")
        for reason, found in reasons.items()
    ]  # fmt: skip
    items.append(
        Text(
            "Due is a visit whose day is not after the cut, in a patient who was alive and in the study on it. A result belongs to the visit it is "
            "nearest to. Patients of whom nobody can tell what was due are counted behind. Clocks count a result that is late as in, and "
            "a time without one that is too long as one missing. The last day of the data tells how far the records reach."
        )
    )
    yield Bullets(tuple(items))


def _joined(texts: list[Text]) -> Iterator[Text | str]:
    for i, text in enumerate(texts):
        yield from (("; " if i else ""), text)
