"""Tables of adverse events: by kind, and by class and term with the worst grade."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.adverse_events import CONFIDENCE, GRADES, KINDS, NOT_CODED
from trialwright.analysis.exposure import EXPOSURE
from trialwright.protocol.analyses import GradeTable
from trialwright.protocol.categories import levels_of
from trialwright.protocol.safety import ends_with_new_therapy
from trialwright.reports.blocks import Block, Column, Number, Ref, Row, Table, Term, Text
from trialwright.reports.printed import Source
from trialwright.reports.survival_tables import table_id

_KINDS = {
    "any": "Any",
    "severe": "Grade {severe} or higher",
    "serious": "Serious",
    "related": "Related to treatment, as judged",
    "interrupted": "Treatment held",
    "stopped": "Treatment ended",
    "fatal": "Fatal",
    "immune-mediated": "Immune-mediated, as recorded",
}
_AFTER_NEW_THERAPY = " Of those that began after a new anticancer therapy only related ones count, and those of which nobody said."
_SCALE = Ref.source("CTCAE v5.0")


def render_adverse_events(source: Source, name: str, analysis: GradeTable) -> list[Block]:
    """The table by kind, then for each group the table by class and term."""
    levels: list[str | None] = [None] if analysis.by is None else [*levels_of(source.protocol, analysis.by)]
    return [
        render_kinds(source, name, analysis, levels),
        *(render_grades(source, name, analysis, level) for level in levels),
    ]


def render_kinds(source: Source, name: str, analysis: GradeTable, levels: list[str | None]) -> Table:
    """Subjects with each kind of event, first events over time, and of whom nobody said."""
    columns = [Column(Text("Subjects with an event"), "left")]
    for level in levels:
        under = _group(source, analysis, level)
        n = source.count(f"{_here(name, level)}/n_subjects")
        columns += [
            Column(Text("Subjects (n = ", n, ")"), under=under),
            Column(Text("Per hundred patient-months"), under=under),
            Column(Text("Not known"), under=under),
        ]
    rows = []
    for kind in KINDS:
        cells: list[Text] = []
        for level in levels:
            here = f"{_here(name, level)}/{kind}"
            cells += [_share(source, here), _rate(source, here), source.count(f"{here}/n_unknown")]
        rows.append(Row(_kind(kind), tuple(cells)))
    return Table(
        table_id(name), Text(source.setting(name, "title", analysis.title)), tuple(columns), tuple(rows),
        tuple(_notes(source, name, analysis)),
        empty=Text("No adverse event that came with treatment is recorded."),
    )  # fmt: skip


def render_grades(source: Source, name: str, analysis: GradeTable, level: str | None) -> Table:
    """Classes and terms, the commonest first, each subject once with the worst grade."""
    here = _here(name, level)
    columns = [
        Column(Text("Class and term"), "left"),
        Column(Text("Any (n = ", source.count(f"{here}/n_subjects"), ")")),
        *(Column(Text(Number(str(grade), _SCALE, grade)), under=Text("Worst grade")) for grade in GRADES),
        Column(Text("not known"), under=Text("Worst grade")),
    ]
    rows = []
    for item in _items(source, name):
        soc, _, term = item.removeprefix("soc=").partition(": ")
        cells = [_share(source, f"{here}/{item}")]
        cells += [source.count(f"{here}/{item}/n_grade_{grade}") for grade in GRADES]
        cells.append(source.count(f"{here}/{item}/n_grade_unknown"))
        words = term or ("Class not coded" if soc == NOT_CODED else soc)
        rows.append(Row(Text(Term(words, Ref.data("ADAE"))), tuple(cells), indent=1 if term else 0))
    title = Text(
        "Class, term and worst grade: ", source.setting(name, "title", analysis.title),
        *((", ", _group(source, analysis, level)) if level else ()),
    )  # fmt: skip
    note = Text(
        *events_counted(source, analysis),
        " Each subject counts once in a row, with the worst grade that is known; under “not known” where none is. A term stands "
        "under its class. Most frequent first, all groups together.",
    )
    suffix = f"-grades-{level.replace('_', '-').lower()}" if level else "-grades"
    return Table(
        f"{table_id(name)}{suffix}", title, tuple(columns), tuple(rows), (note,),
        empty=Text("No adverse event that came with treatment is recorded."),
    )  # fmt: skip


def events_counted(source: Source, analysis: GradeTable) -> tuple[str | Term, ...]:
    """Which events a table or figure counts, and of whom."""
    endpoint = source.protocol.endpoints[analysis.endpoint]
    during = endpoint.during
    when = (": ", source.span(during, f"endpoints.{analysis.endpoint}.during")) if during else ()
    return (
        "Counted are adverse events that came with treatment (treatment-emergent", *when, "), of the population: ",
        source.population(analysis.population), ".", *((_AFTER_NEW_THERAPY,) if ends_with_new_therapy(endpoint) else ()),
    )  # fmt: skip


def _items(source: Source, name: str) -> list[str]:
    items = (row.item for row in source.results.of(name) if row.item and row.item.startswith("soc="))
    return list(dict.fromkeys(items))


def _here(name: str, level: str | None) -> str:
    return name if level is None else f"{name}/{level}"


def _group(source: Source, analysis: GradeTable, level: str | None) -> Text:
    return Text() if level is None else Text(source.level(analysis.by or "", level))


def _kind(kind: str) -> Text:
    before, _, after = _KINDS[kind].partition("{severe}")
    return Text(before, Number("3", _SCALE, 3), after) if after else Text(before)


def _share(source: Source, here: str) -> Text:
    if source.results[f"{here}/proportion"].value is None:
        return source.percent(f"{here}/proportion")
    unknown = f"{here}/n_unknown"
    least = "at least " if unknown in source.results and source.results[unknown].value else ""
    return Text(least, source.count(f"{here}/n_with"), " (", source.percent(f"{here}/proportion"), ")")


def _rate(source: Source, here: str) -> Text:
    rate = source.decimals(f"{here}/event_rate", 1)
    if source.results[f"{here}/event_rate"].value is None:
        return rate
    low, high = (source.decimals(f"{here}/{limit}", 1) for limit in ("conf_low", "conf_high"))
    return Text(rate, " ", source.interval(low, high))


def _notes(source: Source, name: str, analysis: GradeTable) -> Iterator[Text]:
    yield Text(*events_counted(source, analysis))
    goes_on = ends_with_new_therapy(source.protocol.endpoints[analysis.endpoint])
    yield Text(
        "The share is of the population. Over time the first event of each subject counts, with exact ",
        _confidence(), " confidence limits; time ends with it", ", not with a new therapy" if goes_on else "", ". “Not known” are subjects without such an event "
        "of whom nobody said of another event whether it was one.",
    )  # fmt: skip
    records = f"{name}/records"
    yield Text(
        "Records of events: ", source.count(f"{records}/n_records"), " came with treatment (dates leave it open for ",
        source.count(f"{records}/n_not_proven"), "), ", source.count(f"{records}/n_before_or_after"),
        " did not; for ", source.count(f"{records}/n_no_period"), " nobody can tell, and they are not counted.",
    )  # fmt: skip
    if source.results[f"{records}/n_grade_assumed"].value:
        yield Text(
            "A missing grade counts as severe, as the protocol says: ",
            source.count(f"{records}/n_grade_assumed"),
            " records.",
        )
    ended = [
        row.id
        for row in source.results.of(EXPOSURE)
        if row.group is None and row.item and row.item.endswith(" ended: ADVERSE EVENT")
    ]
    for id_ in ended:
        treatment = str(source.results[id_].item).partition(" ended: ")[0]
        yield Text(
            "The records of why treatment ended name an adverse event for ", source.count(id_), " subjects (",
            source.treatment(treatment), "); where the table above says otherwise, the records disagree.",
        )  # fmt: skip
    if analysis.by and source.protocol.study.allocation != "randomised":
        yield Text(
            "The groups were not made by chance; a difference between them is not the effect of treatment."
        )


def _confidence() -> Term:
    return Term(f"{100 * CONFIDENCE:g} %", Ref.version("trialwright"))
