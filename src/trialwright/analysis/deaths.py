"""Who died: the days are known, known in part, or not at all."""

from __future__ import annotations

import polars as pl

from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adrate import MET, NOT_MET
from trialwright.protocol.references import DEATH


def who_died(data: AnalysisData, people: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Those who surely died by the data cut, and those of whom nobody can tell.

    A death known to the month has no day in ADSL and is a death all the same. Where no day is known by which it must have
    happened, it may lie after the data cut.

    Parameters
    ----------
    data : AnalysisData
    people : DataFrame
        Rows of ADSL.

    Returns
    -------
    died, unknown : DataFrame
        Rows of `people`.
    """
    told = data.tables["ADEVT"].filter((pl.col("EVENT") == DEATH) & (pl.col("AVALC") != NOT_MET))
    told = told.join(people.select("USUBJID", "CUTDT"), on="USUBJID", maintain_order="left")
    is_over = pl.col("CUTDT").is_null() | (pl.col("ADTH") <= pl.col("CUTDT")).fill_null(value=False)
    surely = told.filter((pl.col("AVALC") == MET) & is_over)
    has_day = pl.col("DTHDT").is_not_null()
    is_surely = has_day | pl.col("USUBJID").is_in(surely["USUBJID"].implode())
    is_told = pl.col("USUBJID").is_in(told["USUBJID"].implode())
    return people.filter(is_surely), people.filter(~is_surely & is_told)
