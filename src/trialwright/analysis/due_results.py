"""How much of what is due by the cut has come in: results of a fact, visit by visit and clock by clock.

A visit that counts from the contact before moves with every contact, and one that is due anywhere in a span has no day: how
many of them are due nobody can tell. A clock that asks for the fact does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce

import polars as pl

from trialwright.analysis.participation import days_gone
from trialwright.analysis.sample import AnalysisData
from trialwright.analysis.watched_events import treatment_ended
from trialwright.derivations.adclock import why_clock_not_run
from trialwright.derivations.due_days import Kept
from trialwright.derivations.timeline import moved
from trialwright.derivations.visit_windows import planned_beside, visits_at, visits_every
from trialwright.protocol.model import Visit
from trialwright.protocol.moments import parse_moment
from trialwright.vocabulary.durations import Duration, TimeUnit

_NO_DAY = "due in a span and on no day"
_MOVES = "due days move with the contact before"
_CAME = (Kept.IN_TIME, Kept.EARLY, Kept.LATE)
_NO_START = "the moment it counts from is not in the datasets"


@dataclass(frozen=True, slots=True)
class Due:
    """Visits of one row of the calendar, of the readings of an endpoint, or what a clock asks for.

    Attributes
    ----------
    path : str
        Where the protocol has it: `visits.laboratory`, `endpoints.hbv_dna_course`, `clocks.viral_load`.
    n_due : int
        Visits whose day is not after the cut, of subjects who were surely alive, in the study, and in the time in which they
        are due.
    n_in : int
        Of these, with a usable result that belongs to them.
    n_open : int
        Without one, and a result may still come that belongs to them.
    n_unknown : int
        Subjects of whom nobody knows when visits begin, whether one was held, or whether they lived and were in the study when
        it was due.
    reason : str
        Why nobody can tell what is due; then the numbers mean nothing.
    """

    path: str
    n_due: int = 0
    n_in: int = 0
    n_open: int = 0
    n_unknown: int = 0
    reason: str = ""

    @property
    def n_missing(self) -> int:
        """Visits that are over without a result."""
        return self.n_due - self.n_in - self.n_open


def count_due(data: AnalysisData, fact: str, people: pl.DataFrame, cut: date) -> Iterator[Due]:
    """What is due of a fact in some subjects, row by row.

    Parameters
    ----------
    data : AnalysisData
    fact : str
    people : DataFrame
        Rows of ADSL.
    cut : date

    Yields
    ------
    due : Due
        First the endpoints that read the change of the fact at visits, then the rows of `visits` that measure it, then
        clocks that ask for it, as ADCLOCK tells: a result is missing where so much time went by without one that it was
        left out, and may still come where it is overdue.
    """
    protocol = data.protocol
    obliged = _obliged_until(data, fact)
    results = _usable_results(data, fact)
    for name, endpoint in protocol.endpoints.items():
        if endpoint.kind == "change" and endpoint.of == fact and endpoint.read_at:
            path = f"endpoints.{name}"
            start = (
                _days(data, endpoint.from_, people)
                if endpoint.from_
                else people.select("USUBJID", start="STARTDT")
            )
            if start is None:
                yield Due(path, reason=_NO_START)
                continue
            planned = planned_beside(endpoint, protocol)
            windows = reading_windows(start.drop_nulls(), tuple(endpoint.read_at), planned)
            yield _count(data, path, people, start, windows, obliged, results, cut)
    for name, visit in protocol.visits.items():
        if fact in visit.measures:
            yield _of_visit(data, f"visits.{name}", visit, people, results, cut)
    for name, clock in protocol.clocks.items():
        if clock.measure == fact and not why_clock_not_run(clock):
            yield _of_clock(data, f"clocks.{name}", people)


def _of_clock(data: AnalysisData, path: str, people: pl.DataFrame) -> Due:
    rows = data.tables["ADCLOCK"].filter(pl.col("PROTOCOL") == path)
    rows = rows.join(people.select("USUBJID"), on="USUBJID", how="semi")
    came, overdue, missing = (rows.filter(kind).height for kind in (has_come(), is_open(), is_missing()))
    unknown = rows.filter(pl.col("AVALC").is_null())["USUBJID"].n_unique()
    return Due(path, came + overdue + missing, came, overdue, unknown)


def has_come() -> pl.Expr:
    """Rows of ADCLOCK whose result came. One that is late without a record never did, and nobody waits for it any more."""
    return pl.col("AVALC").is_in(_CAME) & pl.col("SRCDOM").is_not_null()


def is_open() -> pl.Expr:
    """Rows of ADCLOCK whose result may still come."""
    return pl.col("AVALC") == Kept.OVERDUE


def is_missing() -> pl.Expr:
    """Rows of ADCLOCK whose result did not come and will not."""
    return (pl.col("AVALC") == Kept.MISSED) | (pl.col("AVALC").is_in(_CAME) & pl.col("SRCDOM").is_null())


def _of_visit(
    data: AnalysisData, path: str, visit: Visit, people: pl.DataFrame, results: pl.DataFrame, cut: date
) -> Due:
    if visit.every is None or visit.every.unit is TimeUnit.HOURS:
        return Due(path, reason=_NO_DAY)
    if visit.counts_from == "previous contact":
        return Due(path, reason=_MOVES)
    start = _days(data, visit.from_ or data.protocol.time_zero, people)
    if start is None:
        return Due(path, reason=_NO_START)
    until = (
        _days(data, visit.until, people)
        if visit.until
        else people.select("USUBJID", start=pl.lit(None, pl.Date))
    )
    if until is None:
        return Due(path, reason=_NO_START)
    if (
        treatment := _last_dose_of(data, visit.from_)
    ) is not None:  # until then the last dose is not the last
        start = start.join(treatment_ended(data, treatment), on="USUBJID", how="semi")
        people = people.join(start, on="USUBJID", how="semi")
    windows = visits_every(start.drop_nulls(), visit.every, start="start", end=pl.lit(cut)).drop("start", "k")
    return _count(data, path, people, start, windows, until.rename({"start": "until"}), results, cut)


def reading_windows(
    start: pl.DataFrame, lengths: tuple[Duration, ...], planned: tuple[Duration, ...] = ()
) -> pl.DataFrame:
    """The visits of a change that an endpoint reads, as ADLB places its results: `USUBJID`, `due`, `turn`, `turn_ends`."""
    return visits_at(start.select("USUBJID", "start"), lengths, planned, start="start").drop("start", "k")


def _count(
    data: AnalysisData,
    path: str,
    people: pl.DataFrame,
    start: pl.DataFrame,
    windows: pl.DataFrame,
    until: pl.DataFrame,
    results: pl.DataFrame,
    cut: date,
) -> Due:
    """Windows hold the days from `turn` to `turn_ends`. What was due between the first and the last day on which a subject
    can have died or left is not counted, and the subject is one of whom nobody knows."""
    there = days_gone(data.tables["ADEVT"], people).join(until, on="USUBJID", how="left")
    maybe = windows.join(there, on="USUBJID").filter(
        (pl.col("due") <= cut)
        & (pl.col("due") <= pl.col("GONEBY")).fill_null(value=True)
        & (pl.col("due") <= pl.col("until")).fill_null(value=True)
    )
    is_due = (pl.col("due") <= pl.col("GONEFROM")).fill_null(value=True)
    due, may_be_gone = maybe.filter(is_due), maybe.filter(~is_due)["USUBJID"].n_unique()
    found = due.join(results, on="USUBJID").filter(
        pl.col("ADT").is_between(pl.col("turn"), pl.col("turn_ends"))
    )
    has = due.join(found.select("USUBJID", "due").unique(), on=["USUBJID", "due"], how="semi")
    hasnt = due.join(has, on=["USUBJID", "due"], how="anti")
    known = start.drop_nulls("start")["USUBJID"].n_unique()
    can_come = (pl.col("GONEBY") > cut).fill_null(value=True)
    n_open = hasnt.filter((pl.col("turn_ends") >= cut) & can_come).height
    return Due(path, due.height, has.height, n_open, people.height - known + may_be_gone)


def _usable_results(data: AnalysisData, fact: str) -> pl.DataFrame:
    """The days of results that say anything: a value, or a limit it lies beyond."""
    rows = data.tables["ADLB"].filter(pl.col("PARAMCD") == fact.upper())
    says = pl.any_horizontal(pl.col(name).is_not_null() for name in ("AVAL", "AVALLO", "AVALHI"))
    return rows.filter(says & pl.col("ADT").is_not_null()).select("USUBJID", "ADT").unique()


def _obliged_until(data: AnalysisData, fact: str) -> pl.DataFrame:
    """The last day on which any visit that measures a fact can be due: `USUBJID`, `until`, null where there is no end."""
    people = data.adsl
    ends = []
    for visit in data.protocol.visits.values():
        if fact in visit.measures and visit.every is not None:
            until = _days(data, visit.until, people) if visit.until else None
            if until is None:
                return people.select("USUBJID", until=pl.lit(None, pl.Date))
            treatment = _last_dose_of(data, visit.until)
            if treatment is not None:
                until = until.join(treatment_ended(data, treatment), on="USUBJID", how="semi")
            ends.append(people.select("USUBJID").join(until, on="USUBJID", how="left"))
    if not ends:
        return people.select("USUBJID", until=pl.lit(None, pl.Date))
    renamed = [one.rename({"start": f"end_{i}"}) for i, one in enumerate(ends)]
    joined = reduce(lambda left, right: left.join(right, on="USUBJID", how="left"), renamed)
    columns = [f"end_{i}" for i in range(len(ends))]
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in columns)
    return joined.select("USUBJID", until=pl.when(known).then(pl.max_horizontal(columns)))


def _last_dose_of(data: AnalysisData, text: str | None) -> str | None:
    """The treatment whose last dose a moment counts from."""
    moment = parse_moment(text) if text else None
    if moment is None or moment.name not in data.protocol.treatments or moment.which != "last":
        return None
    return moment.name


def _days(data: AnalysisData, text: str | None, people: pl.DataFrame) -> pl.DataFrame | None:
    """The day of a moment in each subject, as the datasets have it: `USUBJID`, `start`; None where they do not."""
    if text is None:
        return None
    moment = parse_moment(text)
    column = f"{(moment.name or '').upper()}DT"
    if moment.name in data.protocol.treatments:
        code = "LASTDT" if moment.which == "last" else "FIRSTDT"
        doses = data.tables["ADEXSUM"].filter(
            (pl.col("TREATMENT") == moment.name) & (pl.col("PARAMCD") == code)
        )
        days = people.select("USUBJID").join(doses.select("USUBJID", start="ADT"), on="USUBJID", how="left")
    elif column in people.columns:
        days = people.select("USUBJID", start=column)
    else:
        return None
    if moment.offset is not None:
        days = days.with_columns(moved(pl.col("start"), moment.offset, moment.sign))
    return days
