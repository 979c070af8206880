"""A measurement by visit and its change from baseline, with what can be said where the assay could not measure it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from trialwright.analysis.limited_summary import LimitedValues, add_summary, is_known
from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData, select_population
from trialwright.analysis.survival_rows import minus
from trialwright.derivations.adrate import MET
from trialwright.derivations.timeline import moved
from trialwright.derivations.tumour_records import LOCAL
from trialwright.protocol.analyses import VisitSummary
from trialwright.protocol.categories import pairs_compared
from trialwright.protocol.model import Endpoint
from trialwright.protocol.moments import parse_moment
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.mean_difference import mean_difference
from trialwright.vocabulary.durations import Duration

BASELINE = "Baseline"
UNTIL = "until it happens"
"""The strategy by which nothing counts after an intercurrent event."""
_DIFFERENCE = ("difference", "std_error", "df", "conf_low", "conf_high")
_NOBODY = "no value at this visit"


def analyse_visit_summary(data: AnalysisData, analysis: VisitSummary, recorder: Recorder) -> None:
    """Values at baseline and at each visit of `read at`, their change, and the difference of mean changes between groups.

    Items are the visits (`Week 12`) and their changes (`Week 12 change`). `n_missing` counts subjects without a value
    whom no intercurrent event excuses, `n_conflict` those among them who have results of one day that differ, `n_after_event` those after one whose strategy is `until it happens`, `n_below` and
    `n_above` results beyond the assay. Means use the number that stands for such a result; quantiles use none: where they
    are not known exactly, `..._least` and `..._most` say between which limits they lie.
    """
    endpoint = data.protocol.endpoints[analysis.endpoint]
    everyone = select_population(data, recorder, analysis.population)
    results = results_of(data, endpoint)
    values, disputed = _values(results), disputed_results(results)
    scale = endpoint.scale or "as measured"
    recorder.conventions = {
        "scale": scale,
        "beyond the assay": sorted(values["IMPMETH"].drop_nulls().unique()) if values.height else [],
        "quantiles": "type 7",
        "conf_level": analysis.confidence,
    }
    if analysis.by:
        recorder.add("n_without_fact", everyone[analysis.by].null_count(), "subjects", item=analysis.by)
    unit = unit_of(endpoint, next(iter(values["AVALU"].drop_nulls()), None))
    of_change = TIMES_BASELINE if endpoint.scale == "ratio" else unit
    ends = ends_of(data, endpoint, everyone)
    changes: dict[tuple[str | None, str], LimitedValues] = {}
    for level in data.levels(analysis.by):
        people = everyone if level is None else everyone.filter(pl.col(analysis.by or "") == level)
        people = people.select("USUBJID").join(ends, on="USUBJID", how="left")
        recorder.add("n_subjects", people.height, "subjects", group=level, n=people.height)
        here = values.join(people, on="USUBJID", how="semi")
        for visit in (None, *endpoint.read_at):
            name = visit_name(visit)
            rows = here.filter(pl.col("VISIT") == name)
            _count_missing(recorder, people, rows, disputed.filter(pl.col("VISIT") == name), level, visit)
            _add_summary(recorder, _value(rows, scale), level, name, unit)
            if visit is not None:
                changes[level, name] = _change(rows, scale)
                _add_summary(recorder, changes[level, name], level, f"{name} change", of_change)
    if analysis.by:
        _compare(data, analysis, recorder, endpoint, changes, of_change)


def visit_name(visit: Duration | None) -> str:
    """The visit as ADLB calls it (AVISIT): `Week 12`; None is the baseline."""
    return BASELINE if visit is None else f"{visit.unit.singular.capitalize()} {visit.amount}"


def unit_of(endpoint: Endpoint, measured: str | None) -> str:
    """The unit of values on the scale of an endpoint; changes have it too, but for ratios (`TIMES_BASELINE`)."""
    unit = measured or ""
    return f"log10 {unit}".strip() if endpoint.scale == "log10" else unit


TIMES_BASELINE = "times baseline"


# --- the values ---------------------------------------------------------------------------------------------------------


def results_of(data: AnalysisData, endpoint: Endpoint) -> pl.DataFrame:
    """The rows of ADLB that an endpoint reads, beside the baseline that rules compare with."""
    named = data.protocol.baseline if data.protocol.baseline in data.protocol.baselines else None
    return data.tables["ADLB"].filter(
        (pl.col("PARAMCD") == (endpoint.of or "").upper())
        & pl.col("BASETYPE").eq_missing(pl.lit(named, pl.String))
        & (pl.col("READER").is_null() | (pl.col("READER") == (endpoint.reader or LOCAL)))
    )


def _values(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a subject and visit that counts: `VISIT`, limits and imputed number of value (`v_`) and baseline (`b_`)."""
    shown = (
        "USUBJID", "VISIT", "AVALU", "IMPMETH",
        pl.col("AVALLO").fill_null(-math.inf).alias("v_lo"), pl.col("AVALHI").fill_null(math.inf).alias("v_hi"),
        pl.col("AVALIMP").alias("v_imputed"),
    )  # fmt: skip
    base = rows.filter(pl.col("ABLFL") == "Y").with_columns(VISIT=pl.lit(BASELINE)).select(*shown)
    later = rows.filter(pl.col("ANL01FL") == "Y").with_columns(VISIT="AVISIT").select(*shown)
    of_base = base.select("USUBJID", b_lo="v_lo", b_hi="v_hi", b_imputed="v_imputed")
    both = pl.concat([base, later]).filter(is_known("v_lo", "v_hi"))
    return both.join(of_base, on="USUBJID", how="left", validate="m:1", maintain_order="left")


def disputed_results(rows: pl.DataFrame) -> pl.DataFrame:
    """Results that feed a visit for which none counts (`USUBJID`, `VISIT`, `ADT`): up to an event, because they differ."""
    of_visits = rows.filter(pl.col("AVISIT").is_not_null())
    none_counts = ~(pl.col("ANL01FL") == "Y").fill_null(value=False).any().over("USUBJID", "AVISIT")
    return of_visits.filter(none_counts).select("USUBJID", "ADT", VISIT="AVISIT")


def _limited(rows: pl.DataFrame, least: pl.Expr, most: pl.Expr, imputed: pl.Expr) -> LimitedValues:
    return LimitedValues.of(rows, least, most, imputed, nobody=_NOBODY)


def _value(rows: pl.DataFrame, scale: str) -> LimitedValues:
    if scale == "log10":
        return _limited(rows, _log("v_lo"), _log("v_hi"), _log("v_imputed", of_zero=None))
    return _limited(rows, pl.col("v_lo"), pl.col("v_hi"), pl.col("v_imputed"))


def _change(rows: pl.DataFrame, scale: str) -> LimitedValues:
    """Of those with a baseline: the difference, that of logarithms, or the ratio."""
    based = rows.filter(is_known("b_lo", "b_hi"))
    if scale == "as measured":
        return _limited(
            based,
            pl.col("v_lo") - pl.col("b_hi"),
            pl.col("v_hi") - pl.col("b_lo"),
            pl.col("v_imputed") - pl.col("b_imputed"),
        )
    least, most = _log("v_lo") - _log("b_hi"), _log("v_hi") - _log("b_lo")
    imputed = _log("v_imputed", of_zero=None) - _log("b_imputed", of_zero=None)
    if scale == "log10":
        return _limited(based, least, most, imputed)
    return _limited(based, 10 ** least.fill_nan(-math.inf), 10 ** most.fill_nan(math.inf), 10**imputed)


def _log(name: str, *, of_zero: float | None = -math.inf) -> pl.Expr:
    """The decimal logarithm; what is not above 0 has none, and lies below every number."""
    return (
        pl.when(pl.col(name) > 0)
        .then(pl.col(name).log10())
        .when(pl.col(name) <= 0)
        .then(pl.lit(of_zero, pl.Float64))
    )


# --- rows ---------------------------------------------------------------------------------------------------------------


def ends_of(data: AnalysisData, endpoint: Endpoint, everyone: pl.DataFrame) -> pl.DataFrame:
    """`USUBJID`, `start`, and `until`: the first day of an event after which nothing counts."""
    strategies = endpoint.estimand.intercurrent_events if endpoint.estimand else {}
    names = [words.replace(" ", "_") for words, strategy in strategies.items() if strategy == UNTIL]
    ours = pl.col("READER").is_null() | (pl.col("READER") == (endpoint.reader or LOCAL))
    happened = data.tables["ADEVT"].filter(ours & pl.col("EVENT").is_in(names) & (pl.col("AVALC") == MET))
    until = happened.group_by("USUBJID").agg(until=pl.col("ADTH").min())
    return everyone.select("USUBJID", start=_start(endpoint, everyone)).join(until, on="USUBJID", how="left")


def _start(endpoint: Endpoint, everyone: pl.DataFrame) -> pl.Expr:
    """The day visits count from; null where only records tell it."""
    anchor = parse_moment(endpoint.from_).name if endpoint.from_ else None
    column = f"{(anchor or 'start').upper()}DT"
    return pl.col(column) if column in everyone.columns else pl.lit(None, pl.Date)


def _count_missing(
    recorder: Recorder,
    people: pl.DataFrame,
    rows: pl.DataFrame,
    disputed: pl.DataFrame,
    level: str | None,
    visit: Duration | None,
) -> None:
    """Who has no value, told apart by whether an event after which none counts had come by the day it was due; and who has
    none because results of one day differ."""
    name = visit_name(visit)
    without = people.join(rows, on="USUBJID", how="anti")
    missing = without if visit is None else without.filter(~is_excused(visit))
    where: Where = {"group": level, "item": name, "n": people.height}
    recorder.add("n_missing", missing.height, "subjects", **where)
    recorder.add("n_after_event", without.height - missing.height, "subjects", **where)
    if visit is not None:
        recorder.add("n_conflict", in_conflict(missing, disputed).height, "subjects", **where)
    exact, none_below = pl.col("v_lo") == pl.col("v_hi"), pl.col("v_lo") <= 0
    below = rows.filter(~exact & none_below & pl.col("v_hi").is_finite()).height
    above = rows.filter(~exact & pl.col("v_hi").is_infinite()).height
    recorder.add("n_below", below, "subjects", **where)
    recorder.add("n_above", above, "subjects", **where)


def is_excused(visit: Duration) -> pl.Expr:
    """Whether an event after which nothing counts had come by the day a visit was due."""
    return (pl.col("until") <= moved(pl.col("start"), visit)).fill_null(value=False)


def in_conflict(missing: pl.DataFrame, disputed: pl.DataFrame) -> pl.DataFrame:
    """Of those without a value (`USUBJID`, `until`) whoever has results of one day that differ, up to the event."""
    dated = missing.join(disputed, on="USUBJID", maintain_order="left")
    before = dated.filter((pl.col("ADT") <= pl.col("until")).fill_null(value=True))
    return missing.filter(pl.col("USUBJID").is_in(before["USUBJID"].implode()))


def _add_summary(recorder: Recorder, column: LimitedValues, level: str | None, item: str, unit: str) -> None:
    where: Where = {"group": level, "item": item, "n": column.n}
    recorder.add("n", column.n, "subjects", **where)
    if column.n:
        recorder.add("share_limited", column.n_limited / column.n, "proportion", **where)
    add_summary(recorder, column, unit, where)


def _compare(
    data: AnalysisData,
    analysis: VisitSummary,
    recorder: Recorder,
    endpoint: Endpoint,
    changes: Mapping[tuple[str | None, str], LimitedValues],
    unit: str,
) -> None:
    """The mean change of each group less that of the one it is compared with, at each visit."""
    for visit in endpoint.read_at:
        for compared in pairs_compared(data.protocol, analysis.by):
            pair = [changes[level, visit_name(visit)] for level in compared]
            item = f"{visit_name(visit)}: {minus(*compared)}"
            _add_difference(recorder, analysis, pair, item, unit)


def _add_difference(
    recorder: Recorder, analysis: VisitSummary, pair: Sequence[LimitedValues], item: str, unit: str
) -> None:
    where: Where = {"item": item, "n": sum(column.n for column in pair)}
    try:
        for column in pair:
            if reason := column.why_no_mean:
                raise NotEstimable(reason)
        found = mean_difference(pair[0].numbers, pair[1].numbers, conf_level=analysis.confidence)
    except NotEstimable as error:
        recorder.add_missing(_DIFFERENCE, error.reason, **where)
        return
    values = (found.estimate, found.std_error, found.df, found.conf_low, found.conf_high)
    for statistic, value in zip(_DIFFERENCE, values, strict=True):
        named = "" if statistic == "df" else unit
        recorder.add(
            statistic, value, named, conventions={**recorder.conventions, **found.conventions}, **where
        )
