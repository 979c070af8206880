"""How the part of each in the study ended, by group: completed, died, lost to follow-up, left for a reason, or no end recorded."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.participation import DIED, ENDED, FAILED, LOST, NO_END, NO_REASON, OPEN_END
from trialwright.analysis.run import FLOW
from trialwright.derivations.adsl import SCREEN_FAILURE
from trialwright.derivations.named_records import as_spelt
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Column, Ref, Row, Table, Term, Text
from trialwright.reports.printed import Source, capitalised

_WORDS = {
    "COMPLETED": "Completed",
    DIED: "Died",
    LOST: "Lost to follow-up",
    NO_REASON: "Left, no reason recorded",
    NO_END: "No end recorded",
    OPEN_END: "Nobody can tell whether it ended by the data cut",
}


def ends_told(source: Source, population: str) -> list[str]:
    """The ends that are counted, in the order of their rows."""
    before = f"{population}{ENDED}"
    items = (row.item for row in source.results.of(FLOW) if row.item and row.item.startswith(before))
    return list(dict.fromkeys(item.removeprefix(before) for item in items))


def end_words(end: str) -> str:
    """An end in words: a controlled term in small letters behind its first."""
    return _WORDS.get(end) or f"Left: {end.lower()}"


def members_id(population: str, group: str | None = None) -> str:
    return "/".join(part for part in (FLOW, group, population, "n_in_population") if part)


def end_id(population: str, end: str, group: str | None = None) -> str:
    return "/".join(part for part in (FLOW, group, f"{population}{ENDED}{end}", "n_ended") if part)


def failed_id(population: str, reason: str = "") -> str:
    return f"{FLOW}/{population}{FAILED if reason else ''}{reason}/n_failed_screening"


def has_failed(source: Source, population: str) -> bool:
    """Whether anybody failed screening."""
    return failed_id(population) in source.results and bool(source.results[failed_id(population)].value)


def render_screening(source: Source, population: str) -> list[Table]:
    """Why screening failed, most often first; nothing where it never did."""
    if not has_failed(source, population):
        return []
    before = f"{population}{FAILED}"
    items = (row.item or "" for row in source.results.of(FLOW) if row.statistic == "n_failed_screening")
    reasons = [item.removeprefix(before) for item in items if item.startswith(before)]
    rows = [Row(Text("Failed screening"), (source.count(failed_id(population)),))]
    for reason in reasons:
        label = Text(Term(_screening_words(reason), Ref.data("ADSL")))
        rows.append(Row(label, (source.count(failed_id(population, reason)),), 1))
    note = Text(
        "One reason for each, as it was recorded first (DSTERM); of those who are not in the population: ",
        source.population(population),
        ".",
    )
    return [
        Table(
            "table-screening", Text("Why screening failed"),
            (Column(Text("Reason"), "left"), Column(Text("Subjects"))), tuple(rows), (note,),
        )
    ]  # fmt: skip


def _screening_words(reason: str) -> str:
    """As it was recorded; where nothing but the failure itself was, that."""
    return capitalised(NO_REASON if as_spelt(reason) == SCREEN_FAILURE else reason)


def analysed_ids(source: Source, population: str, group: str | None) -> Iterator[tuple[str, str]]:
    """What is analysed in a population for primary endpoints: the endpoint, and the id of the count of its first analysis."""
    for name, endpoint in source.protocol.endpoints.items():
        if endpoint.role != "primary":
            continue
        for id_, analysis in source.protocol.analyses.items():
            here = "/".join(part for part in (id_, group, "n_subjects") if part)
            is_own = getattr(analysis, "endpoint", None) == name and analysis.population == population
            if is_own and here in source.results and source.results[here].value is not None:
                yield name, here
                break


def render_participation(source: Source, population: str) -> Table:
    """Of the primary population and its groups the number with each end; the rows of ends add up to it."""
    protocol = source.protocol
    groups = [name for name in protocol.groups if members_id(population, name) in source.results]
    levels: list[str | None] = [None, *(groups if len(protocol.groups) > 1 else ())]
    columns = (
        Column(Text("Subjects"), "left"),
        *(Column(Text("All" if level is None else source.level(GROUPS, level))) for level in levels),
    )
    rows = [
        Row(
            Text(source.population(population)),
            tuple(source.count(members_id(population, level)) for level in levels),
        )
    ]
    for end in ends_told(source, population):
        label = Text(Term(end_words(end), Ref.data("ADSL")))
        rows.append(Row(label, tuple(source.count(end_id(population, end, level)) for level in levels), 1))
    counted = {level: dict(analysed_ids(source, population, level)) for level in levels}
    for name in dict.fromkeys(name for found in counted.values() for name in found):
        cells = (
            source.count(counted[level][name]) if name in counted[level] else Text("see groups")
            for level in levels
        )
        rows.append(Row(Text("Analysed for ", source.endpoint(name)), tuple(cells)))
    outside = source.count(f"{FLOW}/{population}/n_died_outside")
    rows.append(
        Row(Text("Died, and not counted in this population"), (outside, *(Text() for _ in levels[1:])))
    )
    without = f"{FLOW}/{population}/n_without_group"
    notes = [
        Text(
            "One answer for each, by the first recorded end of the part in the study: whoever left and is known to have died later "
            "left. Who died without a recorded end died; of whom no end is recorded no death is, either. The ends add up to the population."
        )
    ]
    if without in source.results and source.results[without].value:
        notes.append(Text("In no group, and counted under all only: ", source.count(without), "."))
    return Table(
        "table-participation", Text("How the part in the study ended"), columns, tuple(rows), tuple(notes)
    )
