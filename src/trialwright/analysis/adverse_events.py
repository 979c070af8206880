"""Adverse events that came with treatment: how many subjects had which, how bad, and in how much time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import polars as pl

from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, select_population
from trialwright.protocol.analyses import GradeTable
from trialwright.protocol.safety import grading_of
from trialwright.statistics.proportions import DAYS_PER_MONTH, estimate_event_rate

GRADES = (1, 2, 3, 4, 5)
SEVERE = 3
"""Grade 3 is severe, 4 life-threatening, 5 death (CTCAE v5.0)."""
KINDS: Mapping[str, pl.Expr] = MappingProxyType(
    {
        "any": pl.lit(value=True),
        "severe": pl.col("ATOXGR") >= SEVERE,
        "serious": pl.col("ASERFL") == "Y",
        "related": pl.col("ARELFL") == "Y",
        "interrupted": pl.col("AINTFL") == "Y",
        "stopped": pl.col("AWITHFL") == "Y",
        "fatal": pl.col("AFATFL") == "Y",
        "immune-mediated": pl.col("AIMFL") == "Y",
    }
)
"""Kinds of event; null where nobody said."""
CONFIDENCE = 0.95
"""Of the limits of rates over time; the protocol has no key for it."""
NOT_CODED = "not coded"
NO_TERM = "without a term"
_RATE = ("event_rate", "conf_low", "conf_high")
_NOBODY = "nobody in this group"
_NOT_RECORDED = "the study records no adverse event"
_NONE_RECORDED = "{endpoint}: the records hold no adverse event of anybody. Whether none happened or none was written down they do not tell."
_NO_TIME = "nobody was under observation"


def analyse_grade_table(data: AnalysisData, analysis: GradeTable, recorder: Recorder) -> None:
    """Subjects with treatment-emergent events: by kind, by system organ class and by term with the worst grade.

    The denominator is the population. Items are the `KINDS`, `soc=...` and `soc=...: term`, the commonest first; each has
    `n_with`, `proportion`, `event_rate` (first events per 100 patient-months) with exact limits and `n_records`. Kinds also have
    `n_unknown`: subjects without such an event of whom nobody said of another whether it was one. Classes and terms have
    `n_grade_1` to `n_grade_5` by the worst grade that is known, and `n_grade_unknown` where none is.
    """
    everyone = _with_time(data, analysis, select_population(data, recorder, analysis.population))
    grading = grading_of(data.protocol.endpoints[analysis.endpoint])
    recorder.conventions = {
        "grades": grading.version,
        "missing grade": grading.missing_grade,
        "missing relation": grading.missing_relation,
        "rate": "first events per 100 patient-months, exact Poisson limits",
        "conf_level": CONFIDENCE,
    }
    events = _events(data).join(everyone, on="USUBJID", how="inner")
    _count_doubts(recorder, events)
    emergent = events.filter(pl.col("TRTEMFL") == "Y")
    if analysis.by:
        recorder.add("n_without_fact", everyone[analysis.by].null_count(), "subjects", item=analysis.by)
    is_recorded = not data.tables["ADAE"].is_empty()
    if not is_recorded:
        recorder.warn(
            "no-adverse-events-recorded",
            _NONE_RECORDED,
            words={"endpoint": data.endpoint_label(analysis.endpoint)},
        )
    groups = [
        _Group(
            level,
            _of(everyone, analysis.by, level),
            _of(emergent, analysis.by, level),
            is_recorded=is_recorded,
        )
        for level in data.levels(analysis.by)
    ]
    for group in groups:
        where: Where = {"group": group.level, "n": group.people.height}
        recorder.add("n_subjects", group.people.height, "subjects", **where)
        recorder.add("patient_months", group.days / DAYS_PER_MONTH, "months", **where)
        recorder.add("n_without_time", group.people["first"].null_count(), "subjects", **where)
        for kind in KINDS:
            _count_kind(recorder, group, kind)
    for item, is_one in _in_order(emergent):
        for group in groups:
            _count_grades(recorder, group, item, group.events.filter(is_one))


@dataclass(frozen=True)
class _Group:
    level: str | None
    people: pl.DataFrame
    events: pl.DataFrame
    is_recorded: bool
    """Whether the study records adverse events at all; one without any denies none."""

    @cached_property
    def followed(self) -> pl.DataFrame:
        """Those of whom first and last day are known."""
        return self.people.select("USUBJID", "first", "last").drop_nulls()

    @cached_property
    def days(self) -> int:
        return _days(self.followed, pl.col("last"))


def _of(frame: pl.DataFrame, by: str | None, level: str | None) -> pl.DataFrame:
    return frame if level is None else frame.filter(pl.col(by or "") == level)


def _days(followed: pl.DataFrame, last: pl.Expr) -> int:
    """Days under observation of all together up to `last`, both ends included."""
    days = ((last - pl.col("first")).dt.total_days() + 1).clip(lower_bound=0)
    return int(followed.select(days.sum()).item())


def _with_time(data: AnalysisData, analysis: GradeTable, everyone: pl.DataFrame) -> pl.DataFrame:
    """The subjects with `first` and `last`: the days of the period of safety in which they were seen."""
    during = data.protocol.endpoints[analysis.endpoint].during or ""
    if during in data.protocol.periods:
        span = everyone.select("USUBJID", first=f"{during.upper()}SDT", last=f"{during.upper()}EDT")
    else:
        span = _span_of_treatment(data, during)
    seen = pl.coalesce("DTHDT", pl.min_horizontal("LSTALVDT", "CUTDT"))
    last = pl.min_horizontal("last", seen)
    return everyone.join(span, on="USUBJID", how="left", validate="1:1", maintain_order="left").with_columns(
        last=pl.when(pl.col("first").is_not_null()).then(last)
    )


def _span_of_treatment(data: AnalysisData, treatment: str) -> pl.DataFrame:
    days = data.tables["ADEXSUM"].filter(pl.col("TREATMENT") == treatment)
    first, last = (
        days.filter(pl.col("PARAMCD") == code).select("USUBJID", pl.col("ADT").alias(name))
        for code, name in (("FIRSTDT", "first"), ("LASTDT", "last"))
    )
    return first.join(last, on="USUBJID", how="left")


def _events(data: AnalysisData) -> pl.DataFrame:
    soc = pl.coalesce("AESOC", "AEBODSYS").str.to_uppercase().fill_null(NOT_CODED)
    term = pl.coalesce("AEDECOD", "AETERM").str.to_uppercase().fill_null(NO_TERM)
    kinds = [is_one.alias(kind) for kind, is_one in KINDS.items()]
    return data.tables["ADAE"].with_columns(soc.alias("soc"), term.alias("term"), *kinds).select(
        "USUBJID", "soc", "term", "ATOXGR", "ATOXGRF", "ASTDT", "ASTDTL", "TRTEMFL", "TRTEMRS", *KINDS
    )  # fmt: skip


def _count_doubts(recorder: Recorder, events: pl.DataFrame) -> None:
    """Records that count on doubtful grounds, and those of which nobody knows whether they came with treatment."""
    emergent = events.filter(pl.col("TRTEMFL") == "Y")
    counts = {
        "n_records": emergent.height,
        "n_not_proven": emergent.height - emergent["TRTEMRS"].null_count(),
        "n_no_period": events["TRTEMFL"].null_count(),
        "n_before_or_after": events.filter(pl.col("TRTEMFL") == "N").height,
        "n_grade_unknown": emergent["ATOXGR"].null_count(),
        "n_grade_assumed": emergent.height - emergent["ATOXGRF"].null_count(),
        "n_undated": emergent["ASTDTL"].null_count(),
    }
    for statistic, number in counts.items():
        recorder.add(statistic, number, "records", item="records", n=events.height)


def _count_kind(recorder: Recorder, group: _Group, kind: str) -> None:
    n = group.people.height
    if not group.is_recorded:
        note = _NOT_RECORDED if n else _NOBODY
        recorder.add_missing(
            ("n_with", "proportion", "n_records", *_RATE, "n_unknown"),
            note,
            group=group.level,
            item=kind,
            n=n,
        )
        return
    found = group.events.filter(pl.col(kind))
    doubtful = group.events.filter(pl.col(kind).is_null()).join(found, on="USUBJID", how="anti")
    unknown = doubtful["USUBJID"].n_unique()
    is_told = group.events.is_empty() or group.events[kind].count() > 0
    _count_with(recorder, group, kind, found, is_complete=unknown == 0, is_told=is_told)
    recorder.add("n_unknown", unknown, "subjects", group=group.level, item=kind, n=n)


def _count_grades(recorder: Recorder, group: _Group, item: str, found: pl.DataFrame) -> None:
    _count_with(recorder, group, item, found)
    worst = found.group_by("USUBJID").agg(pl.col("ATOXGR").max())["ATOXGR"]
    where: Where = {"group": group.level, "item": item, "n": group.people.height}
    for grade in GRADES:
        recorder.add(f"n_grade_{grade}", int((worst == grade).sum()), "subjects", **where)
    recorder.add("n_grade_unknown", worst.null_count(), "subjects", **where)


def _count_with(
    recorder: Recorder,
    group: _Group,
    item: str,
    found: pl.DataFrame,
    *,
    is_complete: bool = True,
    is_told: bool = True,
) -> None:
    """Subjects with an event, their share of the population, records, and first events in time at risk.

    Where it is not known of everybody the share is the least it can be, and there is no rate over time; where it is told of
    no event there is no share either.
    """
    n = group.people.height
    where: Where = {"group": group.level, "item": item, "n": n}
    with_event = found.group_by("USUBJID").agg(pl.col("ASTDT").min().alias("onset"))
    number = with_event.height
    recorder.add("n_with", number, "subjects", **where)
    share = number / n if n and is_told else None
    recorder.add("proportion", share, "proportion", note="nobody said" if n else _NOBODY, **where)
    recorder.add("n_records", found.height, "records", **where)
    if not is_complete:
        recorder.add_missing(_RATE, "not known of everybody", **where)
        return
    timed = group.followed.join(with_event, on="USUBJID")
    until = pl.min_horizontal(pl.coalesce("onset", "first"), "last")
    after = _days(timed, pl.col("last")) - _days(timed, until)
    days = group.days - after
    if days <= 0:
        recorder.add_missing(_RATE, _NO_TIME, **where)
        return
    rate = estimate_event_rate(timed.height, days, conf_level=CONFIDENCE)
    for statistic, value in zip(_RATE, (rate.estimate, rate.conf_low, rate.conf_high), strict=True):
        recorder.add(statistic, value, "per 100 patient-months", **where)


def _in_order(emergent: pl.DataFrame) -> Iterator[tuple[str, pl.Expr]]:
    """Classes and, below each, its terms: most subjects first, then by name; with what picks their records."""
    subjects = pl.col("USUBJID").n_unique().alias("n")
    classes = emergent.group_by("soc").agg(subjects).sort("n", "soc", descending=[True, False])["soc"]
    terms = emergent.group_by("soc", "term").agg(subjects).sort("n", "term", descending=[True, False])
    for soc in classes:
        yield f"soc={soc}", pl.col("soc") == soc
        for term in terms.filter(pl.col("soc") == soc)["term"]:
            yield f"soc={soc}: {term}", (pl.col("soc") == soc) & (pl.col("term") == term)
