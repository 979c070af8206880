"""What a data monitoring board decides by: patients, exposure, harms with exact limits, boundaries, and what is still due.

The open document is made from pooled data and cannot tell groups apart; the closed one is by group. The same rules serve
both, and the final report: what a board sees today and what is published are one rule at two dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from trialwright.analysis.deaths import who_died
from trialwright.analysis.due_results import Due, count_due
from trialwright.analysis.from_records import derive_records, disclose_records, provenance_of
from trialwright.analysis.listed import Listed, select_listed
from trialwright.analysis.looks import Disclosure, LookRequest, find_comparisons, mark_results
from trialwright.analysis.pooled import entry_anchor, is_grouped, pool
from trialwright.analysis.results import Recorder, Results, Where
from trialwright.analysis.run import run_analyses
from trialwright.analysis.sample import AnalysisData
from trialwright.analysis.watched_events import Point, first_crossing, path_of, watched_verdicts
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.derivations.stopping_boundary import compute_boundary, watched_endpoint
from trialwright.derivations.study import Study
from trialwright.derivations.tumour_settings import fact_of
from trialwright.protocol.analyses import Analysis, GradeTable
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Monitoring, Protocol
from trialwright.protocol.not_run import reason_not_run
from trialwright.protocol.references import GROUPS
from trialwright.protocol.safety import safety_endpoint
from trialwright.statistics.boundaries import Boundary, operating_characteristics, position
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.proportions import DAYS_PER_MONTH, estimate_proportion
from trialwright.vocabulary.problems import Problem, ProblemsFound

BOARD = "board"
"""The id of these rows; no analysis can be named so."""
OPEN, CLOSED = "open", "closed"
DOCUMENT, OF_BOARD = "document", "of the data monitoring board"
"""The keys of provenance that tell which document of the board results are of."""
CONFIDENCE = 0.95
"""Of the exact limits of a document of the board; they are two-sided."""
MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""True rates at which a boundary is characterised, in multiples of its reference rate."""
GRADES = "adverse_events_of_the_board"
"""The id of the table of adverse events where the protocol asks for none."""
LAST_DAY = "last day in the data"
_POOLED_TITLE = "Adverse events, all patients together"
_PROPORTION = ("proportion", "conf_low", "conf_high")
_NO_EVENTS_RECORDED = "no adverse event is recorded of anybody, so nobody can tell"
_NOBODY = "nobody in this group"


@dataclass(frozen=True, slots=True)
class Board:
    """Everything a document of the board is made of.

    Attributes
    ----------
    study : Study
    data : AnalysisData
        Pooled in the open document of a trial with groups.
    results : Results
        Rows of `BOARD` beside the flow of participants, exposure and adverse events.
    listed : Listed
        The subjects of the population of safety.
    boundaries : mapping of str to Boundary
        By the id of the element of `monitoring`, where one can be computed.
    disclosure : Disclosure
    problems : tuple of Problem
    is_closed : bool
    """

    study: Study
    data: AnalysisData
    results: Results
    listed: Listed | None
    boundaries: Mapping[str, Boundary]
    disclosure: Disclosure
    problems: tuple[Problem, ...]
    is_closed: bool


def analyse_board(
    loaded: LoadedProtocol,
    folder: Path,
    *,
    cut: date,
    is_closed: bool = False,
    look: LookRequest | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Board:
    """Derive the records of a folder at a cut and count what a board decides by.

    Parameters
    ----------
    loaded : LoadedProtocol
    folder : Path
        Folder with the datasets of SDTM.
    cut : date
        What happened after this day does not exist.
    is_closed : bool
        By group.
    look : LookRequest, optional
        Asks for comparisons of efficacy before the final cut, in a closed document.
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        `no-closed-document` where there is one group; `look-needs-closed`; and those of `analyse_records`.
    """
    _refuse(loaded.protocol, is_closed=is_closed, look=look)
    records, study, whole, problems = derive_records(loaded, folder, cut=cut, progress=progress)
    disclosure = disclose_records(study, records, look=look)
    disclosure = disclosure if is_closed else Disclosure()
    progress("counting")
    data = whole if is_closed else pool(whole)
    data = replace(data, protocol=_asking(data.protocol, loaded.protocol, disclosure, is_closed=is_closed))
    boundaries = dict(compute_boundaries(loaded.protocol))
    about = provenance_of(study, records, folder)
    provenance = {
        DOCUMENT: {OF_BOARD: CLOSED if is_closed else OPEN},
        **about,
        "data": {**about["data"], LAST_DAY: _last_day(data.adsl)},
    }
    counted = run_analyses(data, provenance, "records")
    recorder = count_board(data, boundaries, cut=cut, source="records", entry=entry_anchor(loaded.protocol))
    rows = (*recorder.rows, *counted.rows)
    results = Results(rows, counted.findings, provenance, data.is_simulated)
    results = mark_results(results, loaded.protocol, disclosure, "records")
    population, _ = safety_people(data)
    listed = None
    if population is not None:
        listed = replace(select_listed(loaded, data.tables, population), protocol=data.protocol)
    return Board(study, data, results, listed, boundaries, disclosure, problems, is_closed)


def _refuse(protocol: Protocol, *, is_closed: bool, look: LookRequest | None) -> None:
    if is_closed and not is_grouped(protocol):
        message = "the trial has one group: the open document already shows all there is"
        raise ProblemsFound([Problem("no-closed-document", message, fix="leave --closed away")])
    if look is not None and not is_closed:
        message = "the open document never compares groups"
        fix = "ask for the closed document with --closed, or leave --look away"
        raise ProblemsFound([Problem("look-needs-closed", message, fix=fix)])


def _asking(pooled: Protocol, whole: Protocol, disclosure: Disclosure, *, is_closed: bool) -> Protocol:
    """The protocol with the analyses of the document: adverse events, and in a closed one registered comparisons."""
    asked: dict[str, Analysis] = {**grades_of_board(whole, is_closed=is_closed)}
    if is_closed and not disclosure.withheld:
        asked |= {
            id_: whole.analyses[id_]
            for id_ in find_comparisons(whole)
            if whole.analyses[id_].role == "registered"
        }
    return pooled.model_copy(update={"analyses": asked})


def grades_of_board(protocol: Protocol, *, is_closed: bool) -> dict[str, GradeTable]:
    """The table of adverse events of a document, by its id; none where nothing says in whom they are counted."""
    if (table := _grade_table(protocol)) is None:
        return {}
    id_, analysis = table
    title = analysis.title if is_closed else _POOLED_TITLE
    return {id_: analysis.model_copy(update={"by": GROUPS if is_closed else None, "title": title})}


def _grade_table(protocol: Protocol) -> tuple[str, GradeTable] | None:
    tables = {id_: one for id_, one in protocol.analyses.items() if isinstance(one, GradeTable)}
    found = safety_endpoint(protocol)
    if found is not None and found[1].estimand is not None:
        tables[GRADES] = GradeTable(
            method="adverse events",
            title="Adverse events",
            population=found[1].estimand.population,
            endpoint=found[0],
        )
    return next((table for table in tables.items() if not reason_not_run(protocol, table[1])), None)


def compute_boundaries(protocol: Protocol) -> Iterator[tuple[str, Boundary]]:
    """The boundaries of watched events that can be computed, by the id of what is watched."""
    for id_, watched in protocol.monitoring.items():
        if watched.computed_boundary is not None and watched_endpoint(protocol, watched) is not None:
            try:
                yield id_, compute_boundary(protocol, watched.computed_boundary)
            except NotEstimable:
                continue


def _last_day(adsl: pl.DataFrame) -> str:
    """The last day on which anybody was seen, or died."""
    last = adsl.select(pl.max_horizontal("LSTALVDT", "DTHDT").max()).item()
    return last.isoformat() if last is not None else "none"


def safety_people(data: AnalysisData) -> tuple[str | None, pl.DataFrame]:
    """The population in which harms are counted: that of the endpoint of adverse events; everybody where there is none."""
    found = safety_endpoint(data.protocol)
    name = found[1].estimand.population if found and found[1].estimand else None
    return name, data.population(name) if name else data.adsl


def watched_facts(protocol: Protocol) -> tuple[str, ...]:
    """The facts whose results a board waits for: HBV DNA, and what watched events are judged by."""
    named = [fact_of(protocol, "hbv_dna")]
    named += [protocol.events[one.event].of for one in protocol.monitoring.values() if one.event]
    return tuple(dict.fromkeys(name for name in named if name is not None and name in protocol.facts))


# --- rows ---------------------------------------------------------------------------------------------------------------


def count_board(
    data: AnalysisData,
    boundaries: Mapping[str, Boundary],
    *,
    cut: date,
    source: str,
    entry: str | None = None,
) -> Recorder:
    """The rows of `BOARD`: of everybody, and of each group where the data have groups.

    Items are `deaths`, `serious`, treatments, the ids of `monitoring`, and `due <fact> <path>`. A watched event has `n_met`,
    `n_not_met`, `n_unknown`, and the share of those in whom it could be told with exact limits; its boundary
    `n_counted`, `n_events_counted`, `next_look`, `events_to_stop`, `events_left` (in those who count or at the next look),
    `new_events_left` (one after the other in patients who come to count), `is_crossed` and, once it was, `n_at_crossing`.
    Points of its course are `<id> on <day>`, of its boundary `<id> look <n>`, its characteristics
    `<id> if <rate>`.
    """
    name, everyone = safety_people(data)
    recorder = Recorder(
        BOARD, "count", f"ADSL, ADAE, ADRATE, ADEVT, ADEXSUM, ADLB, ADCLOCK <- {source}", n=everyone.height
    )
    recorder.conventions = {"population": name or "everyone", "cut": cut.isoformat()}
    _count_people(recorder, data, name, entry)
    for level, people in _groups(data, everyone):
        where: Where = {"group": level, "n": people.height}
        recorder.add("n_subjects", people.height, "subjects", **where)
        _count_exposure(recorder, data, people, level)
        _count_deaths(recorder, data, people, level)
        _count_serious(recorder, data, people, level)
        for id_, watched in data.protocol.monitoring.items():
            if watched.event is not None:
                verdicts = watched_verdicts(data, watched, people)
                _count_watched(recorder, id_, verdicts, level)
                if level is None:
                    _place_boundary(recorder, data.protocol, id_, boundaries.get(id_), verdicts)
        for fact in watched_facts(data.protocol):
            for due in count_due(data, fact, people, cut):
                _add_due(recorder, fact, due, level)
    for id_, boundary in boundaries.items():
        _describe_boundary(recorder, id_, boundary)
    return recorder


def _groups(data: AnalysisData, everyone: pl.DataFrame) -> Iterator[tuple[str | None, pl.DataFrame]]:
    yield None, everyone
    if is_grouped(data.protocol) and GROUPS in everyone.columns:
        for group in data.protocol.groups:
            yield group, everyone.filter(pl.col(GROUPS) == group)


def _count_people(recorder: Recorder, data: AnalysisData, population: str | None, entry: str | None) -> None:
    recorder.add("n_planned", data.protocol.study.enrolment, "subjects", note="the protocol plans no number")
    recorder.add("n_records", data.adsl.height, "subjects")
    column = f"{(entry or '').upper()}DT"
    if column in data.adsl.columns:
        recorder.add("n_entered", data.adsl.height - data.adsl[column].null_count(), "subjects")
    else:
        recorder.add("n_entered", None, note="the protocol does not say when a subject enters")
    flag = data.flag(population) if population else None
    recorder.add("n_population_unknown", data.adsl[flag].null_count() if flag else 0, "subjects")
    if is_grouped(data.protocol) and GROUPS in data.adsl.columns:
        recorder.add("n_without_group", safety_people(data)[1][GROUPS].null_count(), "subjects")


def _count_exposure(recorder: Recorder, data: AnalysisData, people: pl.DataFrame, level: str | None) -> None:
    """Doses, and months from time zero, or a later first dose, to the last dose, of those treated."""
    rows = data.tables["ADEXSUM"].join(people.select("USUBJID"), on="USUBJID", how="semi")
    for treatment in data.protocol.treatments:
        own = rows.filter(pl.col("TREATMENT") == treatment)
        treated = own.filter(pl.col("PARAMCD") == "FIRSTDT")["USUBJID"].n_unique()
        where: Where = {"group": level, "item": treatment, "n": treated}
        recorder.add("n_treated", treated, "subjects", **where)
        for code, statistic, unit in (("NDOSE", "n_doses", "doses"), ("TRLDAYS", "treated_months", "months")):
            values = own.filter(pl.col("PARAMCD") == code)["AVAL"]
            if values.is_empty():
                if code == "TRLDAYS":
                    recorder.add(statistic, None, unit, note="nobody was treated", **where)
                continue
            total = float(values.sum())
            recorder.add(statistic, total if code == "NDOSE" else total / DAYS_PER_MONTH, unit, **where)
            recorder.add(f"{statistic}_unknown", values.null_count(), "subjects", **where)


def _count_deaths(recorder: Recorder, data: AnalysisData, people: pl.DataFrame, level: str | None) -> None:
    died, unknown = who_died(data.tables["ADEVT"], people)
    _add_share(recorder, "deaths", died.height, people.height, unknown.height, level)


def _count_serious(recorder: Recorder, data: AnalysisData, people: pl.DataFrame, level: str | None) -> None:
    """Subjects with a serious event that came with treatment; who has none for sure, and of whom nobody can tell."""
    table = data.tables["ADAE"]
    if table.is_empty():
        where: Where = {"group": level, "item": "serious", "n": people.height}
        recorder.add_missing(("n_with", "n_unknown", *_PROPORTION, "n_records"), _NO_EVENTS_RECORDED, **where)
        return
    rows = table.join(people.select("USUBJID"), on="USUBJID", how="semi")
    surely = rows.filter((pl.col("ASERFL") == "Y") & (pl.col("TRTEMFL") == "Y"))
    perhaps = rows.filter(pl.col("ASERFL").ne_missing("N") & pl.col("TRTEMFL").ne_missing("N"))
    n_with = surely["USUBJID"].n_unique()
    n_unknown = perhaps.join(surely, on="USUBJID", how="anti")["USUBJID"].n_unique()
    _add_share(recorder, "serious", n_with, people.height, n_unknown, level)
    recorder.add("n_records", surely.height, "events", group=level, item="serious", n=people.height)


def _add_share(
    recorder: Recorder, item: str, n_with: int, n_subjects: int, n_unknown: int, level: str | None
) -> None:
    """Subjects with something, of all of a population; of whom nobody can tell counts without, and is counted beside."""
    where: Where = {"group": level, "item": item, "n": n_subjects}
    recorder.add("n_with", n_with, "subjects", **where)
    recorder.add("n_unknown", n_unknown, "subjects", **where)
    _add_proportion(recorder, n_with, n_subjects, where, _NOBODY)


def _add_proportion(recorder: Recorder, n_with: int, n_subjects: int, where: Where, note: str) -> None:
    try:
        found = estimate_proportion(n_with, n_subjects, conf_level=CONFIDENCE)
    except NotEstimable:
        recorder.add_missing(_PROPORTION, note, **where)
        return
    conventions = {**recorder.conventions, **found.conventions}
    for statistic, value in zip(_PROPORTION, (found.estimate, found.conf_low, found.conf_high), strict=True):
        recorder.add(statistic, value, "proportion", conventions=conventions, **where)


# --- watched events -----------------------------------------------------------------------------------------------------


def _count_watched(recorder: Recorder, id_: str, verdicts: pl.DataFrame, level: str | None) -> None:
    """The share is of those in whom the event was seen, or looked for so far and not seen."""
    said = verdicts["VERDICT"]
    n_met, n_not, n_unknown = (int((said == verdict).sum()) for verdict in (MET, NOT_MET, UNKNOWN))
    where: Where = {"group": level, "item": id_, "n": verdicts.height}
    for statistic, number in (("n_met", n_met), ("n_not_met", n_not), ("n_unknown", n_unknown)):
        recorder.add(statistic, number, "subjects", **where)
    reasons = verdicts.filter(said == UNKNOWN)["WHY"].value_counts().sort("WHY")
    for reason, number in reasons.iter_rows():
        recorder.add("n_unknown", number, "subjects", group=level, item=f"{id_}: {reason}", n=verdicts.height)
    told: Where = {"group": level, "item": id_, "n": n_met + n_not}
    recorder.add("n_told", n_met + n_not, "subjects", **told)
    _add_proportion(recorder, n_met, n_met + n_not, told, "nobody was judged")


_POSITION = ("next_look", "events_to_stop", "events_left", "new_events_left")


def _place_boundary(
    recorder: Recorder, protocol: Protocol, id_: str, boundary: Boundary | None, verdicts: pl.DataFrame
) -> None:
    """How far away a boundary is for those who count for it, and whether it was ever reached on the way."""
    where: Where = {"item": id_, "n": verdicts.height}
    if boundary is None:
        recorder.add_missing(_POSITION, why_no_boundary(protocol, protocol.monitoring[id_]), **where)
        return
    path = path_of(verdicts)
    now = path[-1] if path else Point(date.min, 0, 0)
    conventions = {
        **recorder.conventions,
        **boundary.conventions,
        "counts": _how_counted(protocol.monitoring[id_]),
    }
    recorder.add("n_counted", now.n, "subjects", conventions=conventions, **where)
    recorder.add("n_events_counted", now.n_events, "subjects", conventions=conventions, **where)
    if now.n > boundary.n[-1]:
        recorder.add_missing(_POSITION, "more patients count than the boundary has looks", **where)
    else:
        found = position(boundary, now.n_events, now.n)
        new = _new_events_left(boundary, now)
        values = (found.next_look, found.events_to_stop, found.events_left, new)
        for statistic, value in zip(_POSITION, values, strict=True):
            note = "no look is left that could cross it"
            recorder.add(statistic, value, note=note, conventions=conventions, **where)
    crossing = first_crossing(boundary, path)
    recorder.add("is_crossed", int(crossing is not None), conventions=conventions, **where)
    if crossing is not None:
        when = conventions | {"crossed on": crossing.day.isoformat()}
        recorder.add("n_at_crossing", crossing.n, "subjects", conventions=when, **where)
        recorder.add("n_events_at_crossing", crossing.n_events, "subjects", conventions=when, **where)
    for point in path:
        here: Where = {"item": f"{id_} on {point.day.isoformat()}", "n": point.n}
        recorder.add("n_counted", point.n, "subjects", **here)
        recorder.add("n_events_counted", point.n_events, "subjects", **here)


def _new_events_left(boundary: Boundary, now: Point) -> int | None:
    """How many of the next patients, one after the other, must have the event to cross; None if all that are left will not do."""
    for n, stop in zip(boundary.n, boundary.events_to_stop, strict=True):
        if n >= now.n and stop is not None and now.n_events + n - now.n >= stop:
            return n - now.n
    return None


def why_no_boundary(protocol: Protocol, watched: Monitoring) -> str:
    """Why nothing is held against a boundary: none is stated, it stands in words only, or it cannot be computed."""
    if watched.computed_boundary is None:
        return "stated in words only" if watched.boundary else "no boundary is stated"
    if watched_endpoint(protocol, watched) is None:
        return "no endpoint says when the event counts"
    try:
        compute_boundary(protocol, watched.computed_boundary)
    except NotEstimable as found:
        return found.reason
    return ""


def _how_counted(watched: Monitoring) -> str:
    said = watched.computed_boundary
    after = f", or after {said.judged_after} under observation" if said and said.judged_after else ""
    return f"with the event from its day on, without it when the time in which it counts is over{after}"


def _describe_boundary(recorder: Recorder, id_: str, boundary: Boundary) -> None:
    """Where the boundary steps up, and what it does at several true rates."""
    before: int | None = None
    for n, events in zip(boundary.n, boundary.events_to_stop, strict=True):
        if events is not None and (events != before or n == boundary.n[-1]):
            item = f"{id_} look {n}"
            recorder.add(
                "events_to_stop", events, "subjects", item=item, n=n, conventions=boundary.conventions
            )
        before = events
    reference = boundary.conventions["reference_rate"]
    for rate in (multiple * reference for multiple in MULTIPLES):
        if rate < 1:
            found = operating_characteristics(boundary, rate)
            here: Where = {"item": f"{id_} if {rate:g}", "n": boundary.n[-1]}
            conventions = {**boundary.conventions, "true rate": rate}
            for statistic, value, unit in (
                ("probability_to_cross", found.probability_to_cross, "probability"),
                ("expected_n", found.expected_n, "subjects"),
                ("expected_n_if_crossed", found.expected_n_if_crossed, "subjects"),
            ):
                recorder.add(statistic, value, unit, note="never crossed", conventions=conventions, **here)


# --- what is due --------------------------------------------------------------------------------------------------------


def _add_due(recorder: Recorder, fact: str, due: Due, level: str | None) -> None:
    where: Where = {"group": level, "item": f"due {fact} {due.path}", "n": due.n_due}
    names = ("n_due", "n_in", "n_open", "n_missing", "n_unknown", "share_in")
    if due.reason:
        recorder.add_missing(names, due.reason, **where)
        return
    for statistic in names[:4]:
        recorder.add(statistic, getattr(due, statistic), "visits", **where)
    recorder.add("n_unknown", due.n_unknown, "subjects", **where)
    share = due.n_in / due.n_due if due.n_due else None
    recorder.add("share_in", share, "proportion", note="nothing is due yet", **where)
