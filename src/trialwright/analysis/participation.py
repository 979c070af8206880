"""How long somebody could be asked for anything: up to death, or the end of their part in the study."""

from __future__ import annotations

import polars as pl

from trialwright.analysis.deaths import days_of_death, who_died


def days_gone(adevt: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Between which days somebody died or left the study, whichever came first.

    Parameters
    ----------
    adevt, people : DataFrame
        ADEVT, and rows of ADSL.

    Returns
    -------
    days : DataFrame
        A row for each of `people`: `USUBJID`, `GONEFROM`, `GONEBY`, the first and last day that it can have been, the same
        where it is known. Both are null of who is there; `GONEBY` alone where no last day is known.
    """
    died = days_of_death(adevt, people)
    return people.join(died, on="USUBJID", how="left", maintain_order="left").select(
        "USUBJID",
        GONEFROM=pl.min_horizontal("DIEDFROM", "EOSDTL"),
        GONEBY=pl.min_horizontal("DIEDBY", "EOSDTH"),
    )


def who_is_gone(adevt: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """`USUBJID` of those who surely died or left the study by the data cut."""
    dead, _ = who_died(adevt, people)
    is_over = pl.col("CUTDT").is_null() | (pl.col("EOSDTH") <= pl.col("CUTDT")).fill_null(value=False)
    left = people.filter(pl.col("EOSDTL").is_not_null() & is_over)
    return pl.concat([dead.select("USUBJID"), left.select("USUBJID")]).unique()
