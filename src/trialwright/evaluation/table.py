"""The tables that set-wise readers judge: one row per observation, one row per subject.

A number stands in the table in the unit of its fact, as the interval it may be; units, assays and comparators were
dealt with when the row was made. So whoever fills the tables, from a hospital's database or from study data, says once
what a result means, and every rule reads the same.

Observations
    subject        who
    record         key of the record, unique for the subject and fact: the same record given twice counts once
    fact           name of the fact it is a record of
    earliest, latest
                   first and last minute the date may be, in the site's local time; a day known without its time is
                   00:00 to 23:59 of it
    reason         0 where the result is exact or its level known, else why not: the code of a verdict (censored,
                   unreadable, unit unknown); null where there is no result, which is then no measurement. 0 for records
                   that have no result by nature: drugs, procedures, conditions, events and dates
    lo, hi, lo_open, hi_open
                   the number in the unit of the fact; the whole line, from minus to plus infinity, if it can be any;
                   null for all that is no number
    is_converted   whether the number was multiplied by a factor to get there
    lln, uln       limits of normal in the unit of the fact; null where not given
    level          level, or `yes` and `no` of yes-or-no facts and attestations; null where it is none the fact has
    role           who attested

Subjects
    subject        who, once
    anchor_...     where rules are judged that are not judged per row
    birth_...      date of birth
    baseline_...   moment of baseline
    cut_...        data cut; observations after it do not exist
    NAME_start_..., NAME_end_...
                   first and last day of each period of the protocol

where `...` is `earliest` and `latest`; both are null where the date is not known at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.readings import read_observation
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.partial_dates import PartialDate

MOMENT = pl.Datetime("us")

OBSERVATIONS: Mapping[str, Any] = MappingProxyType(
    {
        "subject": pl.String,
        "record": pl.String,
        "fact": pl.String,
        "earliest": MOMENT,
        "latest": MOMENT,
        "reason": pl.UInt8,
        "lo": pl.Float64,
        "hi": pl.Float64,
        "lo_open": pl.Boolean,
        "hi_open": pl.Boolean,
        "is_converted": pl.Boolean,
        "lln": pl.Float64,
        "uln": pl.Float64,
        "level": pl.String,
        "role": pl.String,
    }
)
"""Columns of the table of observations. `subject` and `record` may be whole numbers instead of text."""

DATES_OF_SUBJECTS = ("anchor", "birth", "baseline", "cut")

KINDS_WITH_RESULTS = frozenset({Kind.NUMBER, Kind.CATEGORY, Kind.YES_OR_NO, Kind.ATTESTATION})
"""Kinds of fact whose records say nothing without a result."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time of the site, as dates of patients are
_NO_NUMBER: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(("lo", "hi", "lo_open", "hi_open", "lln", "uln")) | {"is_converted": False}
)


def subject_schema(periods: Iterable[str]) -> dict[str, Any]:
    """Columns of the table of subjects of a protocol with these periods."""
    return {"subject": pl.String, **dict.fromkeys(date_columns(periods), MOMENT)}


def date_columns(periods: Iterable[str]) -> list[str]:
    """Columns of the table of subjects that hold dates."""
    dates = [*DATES_OF_SUBJECTS, *(f"{period}_{end}" for period in periods for end in ("start", "end"))]
    return [f"{date}_{side}" for date in dates for side in ("earliest", "latest")]


def tabulate_observations(subjects: Iterable[Subject], facts: Mapping[str, Fact]) -> pl.DataFrame:
    """The observations of some subjects, in the order given, as far as they are of one of the facts."""
    rows = [
        _row(subject.id, observation, facts[observation.fact])
        for subject in subjects
        for observation in subject.observations
        if observation.fact in facts
    ]
    return pl.DataFrame(rows, schema=dict(OBSERVATIONS))


def tabulate_subjects(subjects: Iterable[Subject], periods: Iterable[str] = ()) -> pl.DataFrame:
    """One row per subject with the dates rules are judged by."""
    periods = tuple(periods)
    rows = []
    for subject in subjects:
        row: dict[str, Any] = {"subject": subject.id}
        dates = {
            "anchor": subject.anchor,
            "birth": subject.birth,
            "baseline": subject.baseline_at,
            "cut": subject.cut,
        }
        for period in periods:
            start, end = subject.periods.get(period, (None, None))
            dates |= {f"{period}_start": start, f"{period}_end": end}
        for name, date in dates.items():
            row |= {f"{name}_{side}": moment for side, moment in _moments(date).items()}
        rows.append(row)
    return pl.DataFrame(rows, schema=subject_schema(periods))


def check_tables(
    observations: pl.DataFrame, subjects: pl.DataFrame, facts: Mapping[str, Fact], periods: Iterable[str]
) -> None:
    """Refuse tables that do not keep their contract.

    Raises
    ------
    ValueError
        If a column is missing or of another type, a subject stands twice or is missing, a record has two contents, a
        value is NaN, a range runs backwards, or a result is neither there nor absent.
    """
    _check_schema(observations, OBSERVATIONS, "observations", {"subject", "record"})
    _check_schema(subjects, subject_schema(periods), "subjects", {"subject"})
    if observations.schema["subject"] != subjects.schema["subject"]:
        raise ValueError("`subject` must be of one type in both tables")
    if subjects["subject"].null_count() or subjects["subject"].n_unique() != len(subjects):
        raise ValueError("every subject must stand in `subjects` once")
    check_observations(observations, facts)
    _check_records(observations)
    ranges = {}
    for first in (column for column in date_columns(periods) if column.endswith("_earliest")):
        last = first.removesuffix("_earliest") + "_latest"
        is_half = pl.col(first).is_null() != pl.col(last).is_null()
        ranges[f"`{first}` and `{last}` must be a range"] = is_half | (pl.col(first) > pl.col(last))
    _refuse(subjects, ranges)
    if subjects["anchor_earliest"].null_count():
        raise ValueError("every subject must have an anchor")


def check_observations(observations: pl.DataFrame, facts: Mapping[str, Fact]) -> None:
    """The part of `check_tables` about what stands in the table of observations."""
    number = pl.col("fact").is_in([name for name, fact in facts.items() if fact.kind is Kind.NUMBER])
    levelled = pl.col("fact").is_in(
        [
            name
            for name, fact in facts.items()
            if fact.kind in KINDS_WITH_RESULTS and fact.kind is not Kind.NUMBER
        ]
    )
    has_result = pl.col("reason").is_not_null()
    lo, hi = pl.col("lo"), pl.col("hi")
    is_range = (lo < hi) | ((lo == hi) & ~pl.col("lo_open") & ~pl.col("hi_open") & lo.is_finite())
    is_number = is_range & lo.is_not_nan() & hi.is_not_nan() & (lo.is_finite() | pl.col("lo_open"))
    is_number = is_number & (hi.is_finite() | pl.col("hi_open")) & pl.col("is_converted").is_not_null()
    limits = pl.col("lln").is_finite().fill_null(value=True) & pl.col("uln").is_finite().fill_null(value=True)
    needed = [pl.col(name).is_null() for name in ("subject", "record", "fact", "earliest", "latest")]
    is_exact = (lo == hi) | (pl.col("reason") > 0)
    is_level = pl.col("level").is_not_null() == (pl.col("reason") == 0)
    wrong = {
        "subject, record, fact and date must be there": pl.any_horizontal(needed),
        "`earliest` and `latest` must be a range": pl.col("earliest") > pl.col("latest"),
        "a number must be a range": number & has_result & ~is_number.fill_null(value=False),
        "limits of normal must be finite": number & ~limits,
        "a number that is not exact must have its `reason`": number & has_result & ~is_exact,
        "a level must be known or have its `reason`": levelled & has_result & ~is_level,
    }
    _refuse(observations, wrong)


def _check_records(observations: pl.DataFrame) -> None:
    """Refuse a record that is given twice and not the same."""
    if observations["record"].n_unique() == len(observations):
        return
    key = ("subject", "fact", "record")
    alike = observations.filter(observations["record"].is_duplicated())
    is_given_twice = alike.select(key).is_duplicated()
    if not is_given_twice.any():
        return
    contents = alike.select(OBSERVATIONS.keys()).filter(is_given_twice).unique()
    differ = contents.filter(contents.select(key).is_duplicated())
    if len(differ):
        raise ValueError(f"record `{differ['record'][0]}` of `{differ['fact'][0]}` has two contents")


def _check_schema(frame: pl.DataFrame, schema: Mapping[str, Any], table: str, keys: Iterable[str]) -> None:
    columns = frame.schema
    for column, dtype in schema.items():
        found = columns.get(column)
        if found != dtype and not (column in keys and found is not None and found.is_integer()):
            raise ValueError(f"`{table}` must have a column `{column}` of {dtype}, not {found}")


def _refuse(frame: pl.DataFrame, wrong: Mapping[str, pl.Expr]) -> None:
    """Refuse a table with rows that are wrong, by the rule they break; the first rule that is broken is told."""
    found = frame.select(is_wrong.any().alias(rule) for rule, is_wrong in wrong.items())
    for rule in (rule for rule in wrong if found[rule][0]):
        rows = frame.filter(wrong[rule])
        key = {name: rows[name][0] for name in ("record", "fact") if name in rows.columns}
        where = f", unlike record {key['record']!r} of `{key['fact']}`" if key else ""
        raise ValueError(f"{rule}: {len(rows)} rows are not so{where}")


def _row(subject: str, observation: Observation, fact: Fact) -> dict[str, Any]:
    return {
        "subject": subject,
        "record": observation.id,
        "fact": observation.fact,
        **_moments(observation.date),
        **_NO_NUMBER,
        **_result(observation, fact),
        "role": observation.by,
    }


def _result(observation: Observation, fact: Fact) -> dict[str, Any]:
    """What a record says, in the unit of its fact."""
    if fact.kind not in KINDS_WITH_RESULTS:
        return {"reason": 0, "level": None}
    if observation.value is None:
        return {"reason": None, "level": None}
    reading = read_observation(observation, fact)
    reason = reading.reason.code if reading.reason else 0
    if fact.kind is not Kind.NUMBER:
        return {"reason": reason, "level": reading.value}
    return {
        "reason": reason,
        "lo": reading.number.lo,
        "hi": reading.number.hi,
        "lo_open": reading.number.lo_open,
        "hi_open": reading.number.hi_open,
        "is_converted": reading.is_calculated,
        "lln": reading.lln.lo if reading.lln else None,
        "uln": reading.uln.lo if reading.uln else None,
        "level": None,
    }


def _moments(date: PartialDate | None) -> dict[str, datetime | None]:
    if date is None:
        return {"earliest": None, "latest": None}
    return {"earliest": _moment(date.first_minute), "latest": _moment(date.last_minute)}


def _moment(minute: int) -> datetime:
    return _EPOCH + timedelta(minutes=minute)
