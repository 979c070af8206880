"""The results behind numbers of a measurement by visit."""

from __future__ import annotations

import polars as pl

from trialwright.analysis.by_visit import (
    BASELINE,
    disputed_results,
    ends_of,
    in_conflict,
    is_excused,
    results_of,
    visit_name,
)
from trialwright.analysis.explaining.picking import (
    Asked,
    Counts,
    Picked,
    pick_of_population,
    pick_people,
    rows_of,
)
from trialwright.protocol.analyses import VisitSummary
from trialwright.protocol.model import Endpoint

_LO, _HI = pl.col("AVALLO"), pl.col("AVALHI")
_IS_KNOWN = _LO.is_not_null() | _HI.is_not_null()
_IS_EXACT = _LO.eq_missing(_HI)


def pick_visits(asked: Asked, analysis: VisitSummary) -> Picked:
    """The results behind a number of a visit; behind a change those with a baseline."""
    item, statistic = asked.result.item, asked.result.statistic
    if found := pick_of_population(asked):
        return found
    endpoint = asked.data.protocol.endpoints[analysis.endpoint]
    name = f"ADLB[PARAMCD={(endpoint.of or '').upper()}]"
    visit, _, pair = (item or BASELINE).partition(": ")
    is_change = bool(pair) or visit.endswith(" change")
    visit = visit.removesuffix(" change")
    people = asked.people
    if pair:
        people = asked.everyone.filter(pl.col(asked.by or "").is_in(pair.split(" minus ")))
    rows = rows_of(_results(asked, endpoint, visit), people)
    match statistic:
        case "n_missing" | "n_after_event" | "n_conflict":
            return _without(asked, endpoint, rows, visit)
        case "n_below":
            below = ~_IS_EXACT & (_LO.fill_null(0.0) <= 0) & _HI.is_not_null()
            return Picked(name, rows.filter(below), f"results at {visit} below what the assay reads")
        case "n_above":
            above = ~_IS_EXACT & _HI.is_null() & _LO.is_not_null()
            return Picked(name, rows.filter(above), f"results at {visit} above what the assay reads")
    scale = endpoint.scale or "as measured"
    counts: Counts = "rows" if statistic == "n" else "not a count"
    if is_change:
        based = _with_baseline(rows, _results(asked, endpoint, BASELINE), scale)
        return Picked(name, based, f"results at {visit} of subjects with a baseline", counts)
    return Picked(name, rows.filter(_is_placed(scale)), f"results at {visit}", counts)


def _results(asked: Asked, endpoint: Endpoint, visit: str) -> pl.DataFrame:
    """The result of each subject that counts at a visit."""
    which = (
        pl.col("ABLFL") == "Y"
        if visit == BASELINE
        else (pl.col("ANL01FL") == "Y") & (pl.col("AVISIT") == visit)
    )
    return results_of(asked.data, endpoint).filter(which)


def _is_placed(scale: str) -> pl.Expr:
    """Whether a result lies anywhere on a scale: on that of logarithms only what is or may be above 0."""
    return (_LO > 0) | (_HI > 0) if scale == "log10" else _IS_KNOWN


def _with_baseline(rows: pl.DataFrame, baselines: pl.DataFrame, scale: str) -> pl.DataFrame:
    """Results whose change from baseline has a lower or an upper limit."""
    base = baselines.select("USUBJID", b_lo="AVALLO", b_hi="AVALHI")
    both = rows.join(base, on="USUBJID", how="inner", maintain_order="left")
    if scale == "as measured":
        is_placed = (_LO.is_not_null() & pl.col("b_hi").is_not_null()) | (
            _HI.is_not_null() & pl.col("b_lo").is_not_null()
        )
    elif scale == "log10":
        is_placed = ((_LO > 0) & (pl.col("b_hi") > 0)) | ((_HI > 0) & (pl.col("b_lo") > 0))
    else:
        is_placed = pl.lit(value=True)  # a ratio is never below 0
    return both.filter(is_placed).drop("b_lo", "b_hi")


def _without(asked: Asked, endpoint: Endpoint, rows: pl.DataFrame, visit: str) -> Picked:
    """Who has no result: after an event from which on none counts, because results of one day differ, or for want of any."""
    lacking = asked.people.join(rows.filter(_IS_KNOWN), on="USUBJID", how="anti", maintain_order="left")
    dated = lacking.join(ends_of(asked.data, endpoint, lacking), on="USUBJID", maintain_order="left")
    due = next((one for one in endpoint.read_at if visit_name(one) == visit), None)
    excused = dated.clear() if due is None else dated.filter(is_excused(due))
    if asked.result.statistic == "n_after_event":
        meaning = f"subjects without a result at {visit}, after an event from which on none counts"
        return pick_people(excused, meaning, asked.data)
    missing = dated.join(excused, on="USUBJID", how="anti", maintain_order="left")
    if asked.result.statistic == "n_conflict":
        disputed = disputed_results(results_of(asked.data, endpoint)).filter(pl.col("VISIT") == visit)
        meaning = f"subjects of whom results of one day at {visit} differ, so that none counts"
        return pick_people(in_conflict(missing, disputed), meaning, asked.data)
    return pick_people(missing, f"subjects without a result at {visit}", asked.data)
