"""The rows behind numbers of times to an event."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from trialwright.analysis.explaining.intervals import pick_intervals
from trialwright.analysis.explaining.picking import (
    Asked,
    Counts,
    Made,
    Picked,
    pick_fact,
    pick_of_population,
    pick_people,
    rows_of,
)
from trialwright.analysis.explaining.strategies import pick_strategies
from trialwright.analysis.responders import find_responders
from trialwright.analysis.results import Recorder, Result
from trialwright.analysis.sample import Sample, select_sample, select_times
from trialwright.analysis.subgroups import part_of_item
from trialwright.analysis.weighted import facts_weighted
from trialwright.protocol.analyses import (
    CloneCensorWeight,
    Cox,
    IntervalCensored,
    KaplanMeier,
    Subgroups,
    TimeAnalysis,
    is_in_stretches,
    named_by,
)

_UNTIMED = "no time or no status"
_EVERYONE, _EVENT, _STATUS = pl.lit(value=True), pl.col("EVENT"), pl.col("STATUS")
_ENDED: Mapping[str, tuple[pl.Expr, str]] = MappingProxyType(
    {
        "n_events": (_EVENT, "with the event"),
        "n_competing": (_STATUS == 2, "with an event that competes"),
        "n_censored": (_STATUS == 0, "censored"),
    }
)
_STATES: Mapping[str, tuple[pl.Expr, str]] = MappingProxyType(
    {
        "competing": (_STATUS == 2, "with an event that competes"),
        "event_free": (_STATUS > 0, "with the event or one that competes"),
    }
)
"""Whom the shares of cumulative incidence rest on, where it is not those with the event."""
_ENDED_OTHERWISE = MappingProxyType({**_ENDED, "n_censored": (~_EVENT, "censored")})
"""Where nothing competes, an event that would is a censoring."""


_RESPONDERS = MappingProxyType(
    {
        "n_responders": "subjects who respond by the response rate",
        "n_responders_without_time": "subjects who respond by the response rate, without a time",
        "n_timed_without_response": "subjects with a time, who do not respond by the response rate",
    }
)


def pick_times(asked: Asked, analysis: TimeAnalysis) -> Picked:
    """The subjects behind a number of a curve, a test or a model; at a reading time those with the event by then."""
    result = asked.result
    if result.statistic in ("n_without_fact", "n_without_logarithm"):
        return _without_fact(asked, analysis)
    if result.statistic == "n_without_endpoint":
        return _without_endpoint(asked, analysis)
    if result.statistic != "n_subjects" and (found := pick_of_population(asked)):
        return found
    if result.statistic in _RESPONDERS:
        return _responders(asked, analysis)
    made = asked.keep(lambda: _make(asked, analysis))
    sample = made.sample
    if result.statistic == "n_imputed":
        people = sample.frame.filter(pl.col(result.item or "").is_null())
        return pick_fact(asked.data, people, result.item or "", "subjects analysed whose value was imputed")
    if isinstance(analysis, IntervalCensored) and result.statistic != "n_analysed":
        return pick_intervals(asked, made)
    if isinstance(analysis, CloneCensorWeight) and result.statistic != "n_analysed":
        return pick_strategies(asked, analysis, made)
    which, meaning, counts = _chosen(sample, result)
    group = result.group
    if isinstance(analysis, Subgroups):
        group = None if counts == "not a count" else group  # a ratio is of both groups
        which = which & _members(asked, analysis, result.item) if result.item else which
    frame = sample.group(asked.by if group else None, group).frame.filter(which)
    keys = ["USUBJID", "TSTART"] if is_in_stretches(analysis) else ["USUBJID"]
    chosen = made.rows.join(frame.select(keys), on=keys, how="semi", maintain_order="left")
    return Picked(made.dataset, chosen, meaning, counts, made.left_out)


def _responders(asked: Asked, analysis: TimeAnalysis) -> Picked:
    """Subjects by their best response of the rate, and by whether they have a time."""
    statistic = asked.result.statistic
    found = rows_of(asked.everyone, find_responders(asked.data, analysis)[statistic])
    return pick_people(found, _RESPONDERS[statistic], asked.data)


def _members(asked: Asked, analysis: Subgroups, item: str) -> pl.Expr:
    """Who belongs to the subgroup of a row; of the test of a fact, whoever has it."""
    part = part_of_item(asked.data.protocol, analysis, item)
    return pl.col(item).is_not_null() if part is None else part.members


def _make(asked: Asked, analysis: TimeAnalysis) -> Made:
    recorder = Recorder(asked.result.analysis, asked.result.method, asked.result.source)
    sample = select_sample(asked.data, recorder, analysis, facts_of(analysis))
    lacking = _untimed(asked, analysis)
    n_timed = asked.everyone.height - lacking["USUBJID"].n_unique()
    left_out = (*_why_untimed(lacking), *_lacking_facts(recorder, n_timed))
    return Made(sample, *_details(asked, analysis, sample), left_out)


def facts_of(analysis: TimeAnalysis) -> list[str]:
    """The facts that a subject must have to be analysed."""
    if isinstance(analysis, CloneCensorWeight):
        return list(analysis.covariates)
    if isinstance(analysis, KaplanMeier | Cox) and analysis.weights is not None:
        return facts_weighted(analysis)
    return list(named_by(analysis))


def _chosen(sample: Sample, result: Result) -> tuple[pl.Expr, str, Counts]:
    """Which rows, in words, and whether the number counts them. Times of results are elapsed, those of rows are not."""
    item, statistic = result.item, result.statistic
    ended = _ENDED if result.method == "cumulative incidence" else _ENDED_OTHERWISE
    if result.time is None:
        return _of_all(item, statistic)
    (at,) = sample.counted([result.time])
    day, aval, entry = f"{result.time:g}", pl.col("AVAL"), pl.lit(value=True)
    if sample.entry is not None:
        entry = pl.col("TSTART") < at
    match item, statistic:
        case "at" | "curve" | "tick", "n_at_risk":
            return (aval >= at) & entry, f"subjects at risk at {day}", "rows"
        case "curve" | "tick", _ if statistic in ended:
            is_it, words = ended[statistic]
            then = aval == at if item == "curve" else aval < at
            is_certain = statistic == "n_events" or sample.entry is None or item == "tick"
            when = "at" if item == "curve" else "before"
            return is_it & then, f"subjects {words} {when} {day}", "rows" if is_certain else "not a count"
        case "tick", "n_to_come":
            return ~entry, f"subjects not yet under watch at {day}", "rows"
        case "at" | "curve", _:
            is_it, words = _STATES.get(statistic, (_EVENT, "with the event"))
            return is_it & (aval <= at), f"subjects {words} at or before {day}", "not a count"
        case _:
            return _EVERYONE, "subjects analysed, each with their time", "not a count"


def _of_all(item: str | None, statistic: str) -> tuple[pl.Expr, str, Counts]:
    """Rows behind a number that is of no time."""
    if statistic in ("n_subjects", "n_analysed"):
        return _EVERYONE, "subjects analysed", "subjects"
    if (item is None or "=" in item) and statistic in ("n_events", "observed"):
        return _EVENT, "subjects with the event", "rows"
    if item is None and statistic == "n_competing":
        return _STATUS == 2, "subjects with an event that competes", "rows"
    return _EVERYONE, "subjects analysed, each with their time", "not a count"


def _details(asked: Asked, analysis: TimeAnalysis, sample: Sample) -> tuple[str, pl.DataFrame]:
    """The rows of the dataset that the sample was made from."""
    code = analysis.endpoint.upper()
    if is_in_stretches(analysis):
        rows = asked.data.tables["ADTTEV"].filter(pl.col("ANALYSIS") == asked.result.analysis)
        return f"ADTTEV[PARAMCD={code}]", rows_of(rows, sample.frame)
    return f"ADTTE[PARAMCD={code}]", select_times(asked.data, analysis)


def _why_untimed(lacking: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """Why subjects have no time, and how many."""
    why = pl.col("REASON") if "REASON" in lacking.columns else pl.lit(None, pl.String).alias("REASON")
    found = lacking.group_by(why, maintain_order=True).agg(pl.col("USUBJID").n_unique())
    return tuple((f"{_UNTIMED} ({reason})" if reason else _UNTIMED, n) for reason, n in found.iter_rows())


def _lacking_facts(recorder: Recorder, n_timed: int) -> tuple[tuple[str, int], ...]:
    """Who of those with a time is left out for want of a fact, each counted once."""
    lacking = {
        str(row.item): int(row.value)
        for row in recorder.rows
        if row.statistic == "n_without_fact" and row.value
    }
    n_out = n_timed - (recorder.n or 0)
    if sum(lacking.values()) != n_out:  # some lack more than one
        return ((f"no known value of {' or '.join(f'`{name}`' for name in lacking)}", n_out),)
    return tuple((f"no known value of `{name}`", n) for name, n in lacking.items())


def _has_endpoint(asked: Asked, analysis: TimeAnalysis) -> pl.DataFrame:
    if is_in_stretches(analysis):
        rows = asked.data.tables["ADTTEV"]
        return rows.filter((pl.col("ANALYSIS") == asked.result.analysis) & (pl.col("INCLFL") == "Y"))
    return select_times(asked.data, analysis).drop_nulls(["AVAL", "CNSR"])


def _without_endpoint(asked: Asked, analysis: TimeAnalysis) -> Picked:
    """Everyone of the population without a time."""
    rows = _untimed(asked, analysis)
    name = "ADTTEV" if is_in_stretches(analysis) else "ADTTE"
    meaning = "subjects of the population without a time or a status"
    return Picked(f"{name}[PARAMCD={analysis.endpoint.upper()}]", rows, meaning, "subjects")


def _untimed(asked: Asked, analysis: TimeAnalysis) -> pl.DataFrame:
    """Everyone of the population without a time, with the reason where ADTTE or ADTTEV has one."""
    lacking = asked.everyone.join(_has_endpoint(asked, analysis), on="USUBJID", how="anti")
    told = asked.data.tables["ADTTEV"] if is_in_stretches(analysis) else select_times(asked.data, analysis)
    if is_in_stretches(analysis):
        told = told.filter(pl.col("ANALYSIS") == asked.result.analysis)
    return lacking.select("USUBJID").join(told, on="USUBJID", how="left", maintain_order="left")


def _without_fact(asked: Asked, analysis: TimeAnalysis) -> Picked:
    """Who lacks a fact that the analysis needs: of those with a time; or, of everyone, who has a value without logarithm."""
    fact = asked.result.item or ""
    has_none = pl.col(fact) <= 0 if fact in getattr(analysis, "transform", {}) else pl.lit(value=False)
    if asked.result.statistic == "n_without_logarithm":
        people = asked.everyone.filter(has_none)
        return pick_fact(asked.data, people, fact, f"subjects whose `{fact}` is 0 or less")
    timed = rows_of(asked.everyone, _has_endpoint(asked, analysis))
    lacking = timed.filter(pl.col(fact).is_null() | has_none)
    return pick_fact(asked.data, lacking, fact, f"subjects with a time whose `{fact}` is not known")
