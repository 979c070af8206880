"""Doses at an interval that came early, late, or after one was skipped, and whether a recorded reason excuses it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from trialwright.analysis.listed import Listed
from trialwright.analysis.participation import days_gone
from trialwright.derivations.adclock import dosed_at
from trialwright.derivations.known_columns import spelt
from trialwright.derivations.named_records import as_spelt
from trialwright.derivations.timeline import moved
from trialwright.protocol.model import Deviation
from trialwright.vocabulary.verdicts import Reason

TIMING: Mapping[str, str] = MappingProxyType(
    {"early": "early", "late": "late", "missed": "after a skipped dose"}
)
"""How ADEX says what a deviation asks for."""

_KEY = ("USUBJID", "TREATMENT", "ADT", "SINCE", "AVALC", "REASON", "WHY", "SRCDOM", "SRCSEQ")


def find_late_doses(listed: Listed, deviation: Deviation) -> pl.DataFrame:
    """The doses of a visit that a deviation asks for.

    Parameters
    ----------
    listed : Listed
    deviation : Deviation
        Of a visit that gives doses at an interval; `why_deviation_not_run` has nothing against it.

    Returns
    -------
    doses : DataFrame
        `USUBJID`, `ADT`, `INTERVAL` (days since the dose before, null where they are not known), `AVALC` `found` or `unknown`
        with its `REASON`, `SRCDOM`, `SRCSEQ`. How a dose lies is what ADEX says;
        where that is not known, so is this. A dose with a reason of `excused by`, its own or that of one left out since the
        dose before, is no deviation. With another reason, or an adverse event with an interruption between the two, a person
        must judge. Of treatment without a recorded end, in somebody who lived and was in the study when the next dose would
        have been skipped, nobody can tell whether it was (`missing`).
    """
    treatments = dosed_at(listed.protocol.visits[str(deviation.visit)], listed.protocol)
    adex = listed["ADEX"].filter(pl.col("TREATMENT").is_in(treatments))
    answer = TIMING[str(deviation.is_)]
    given = adex.filter(pl.col("GIVENFL") == "Y")
    is_known = pl.col("TIMING").is_not_null()
    found = given.filter((pl.col("TIMING") == answer) | ~is_known).select(
        "USUBJID", "TREATMENT", pl.coalesce("ADT", "ADTL").alias("ADT"), "SRCDOM", "SRCSEQ",
        SINCE=pl.col("ADT") - pl.duration(days="INTERVAL"), WHY="DOSEADJ",
        AVALC=pl.when(is_known).then(pl.lit("found")).otherwise(pl.lit("unknown")),
        REASON=pl.when(~is_known).then(pl.coalesce("REASON", pl.lit(Reason.IMPRECISE_DATE.value))),
    )  # fmt: skip
    parts = [found.select(_KEY)]
    if deviation.is_ == "missed":
        parts += [_not_followed(listed, name).select(_KEY) for name in treatments]
    rows = pl.concat(parts).with_row_index("row")
    if deviation.excused_by:
        rows = _excused(rows, listed, adex, [as_spelt(one) for one in deviation.excused_by])
    days = (pl.col("ADT") - pl.col("SINCE")).dt.total_days().alias("INTERVAL")
    return rows.select("USUBJID", "ADT", days, "AVALC", "REASON", "SRCDOM", "SRCSEQ")


def _not_followed(listed: Listed, treatment: str) -> pl.DataFrame:
    """Last doses after which the next would have been skipped by now, or before the person died or left, of treatment that
    nobody said has ended."""
    said = listed.protocol.treatments[treatment]
    of = listed["ADEXSUM"].filter(pl.col("TREATMENT") == treatment)
    last = of.filter((pl.col("PARAMCD") == "LASTDT") & pl.col("ADT").is_not_null())
    last = last.join(of.filter(pl.col("PARAMCD") == "STOPREAS"), on="USUBJID", how="anti")
    gone = days_gone(listed["ADEVT"], listed["ADSL"])
    late = pl.col("ADT")
    for length in (said.every, said.skipped_after):
        late = moved(late, length) if length else late
    looked = listed["ADSL"].join(gone, on="USUBJID", maintain_order="left").select(
        "USUBJID", LOOK=pl.min_horizontal("RECORDDT", "GONEFROM")
    )  # fmt: skip
    seen = last.join(looked, on="USUBJID", maintain_order="left")
    return seen.filter(pl.col("LOOK") > late).select(
        "USUBJID", "TREATMENT", "SRCDOM", "SRCSEQ", ADT="LOOK", SINCE="ADT", WHY=pl.lit(None, pl.String),
        AVALC=pl.lit("unknown"), REASON=pl.lit(Reason.MISSING.value),
    )  # fmt: skip


def _excused(rows: pl.DataFrame, listed: Listed, adex: pl.DataFrame, excuses: list[str]) -> pl.DataFrame:
    """Rows without those that a reason excuses; those of which a person must judge are unknown."""
    left_out = adex.filter(pl.col("GIVENFL") != "Y").select("USUBJID", "TREATMENT", "DOSEADJ", "ADTL", "ADTH")
    between = rows.join(left_out, on=["USUBJID", "TREATMENT"]).filter(
        (pl.col("ADTH") > pl.col("SINCE")).fill_null(value=True),
        (pl.col("ADTL") <= pl.col("ADT")).fill_null(value=True),
    )
    surely = (pl.col("ADTL") > pl.col("SINCE")) & (pl.col("ADTH") <= pl.col("ADT"))
    is_excuse = spelt(pl.col("DOSEADJ")).is_in(excuses)
    held = listed["ADAE"].filter(pl.col("AINTFL") == "Y").select("USUBJID", "ASTDTL", "AENDT")
    ill = rows.join(held, on="USUBJID").filter(
        (pl.col("ASTDTL") <= pl.col("ADT")).fill_null(value=True),
        (pl.col("AENDT") >= pl.col("SINCE")).fill_null(value=True),
    )
    excused = between.filter((is_excuse & surely).fill_null(value=False))["row"]
    doubtful = pl.concat([between.filter(pl.col("DOSEADJ").is_not_null())["row"], ill["row"]])
    own = spelt(pl.col("WHY")).is_in(excuses).fill_null(value=False)
    must_judge = pl.col("WHY").is_not_null() | pl.col("row").is_in(doubtful.implode())
    is_found = pl.col("AVALC") == "found"
    return rows.filter(~(own | pl.col("row").is_in(excused.implode()))).with_columns(
        AVALC=pl.when(must_judge).then(pl.lit("unknown")).otherwise("AVALC"),
        REASON=pl.when(must_judge & is_found).then(pl.lit(Reason.NEEDS_A_PERSON.value)).otherwise("REASON"),
    )
