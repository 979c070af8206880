"""Who died: the days are known, known in part, or not at all."""

from __future__ import annotations

import polars as pl

from trialwright.derivations.adrate import MET, NOT_MET
from trialwright.derivations.timeline import is_by_the_cut, not_while_alive
from trialwright.protocol.references import DEATH


def who_died(adevt: pl.DataFrame, people: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Those who surely died by the data cut, and those of whom nobody can tell.

    A death known to the month has no day in ADSL and is a death all the same. Where no day is known by which it must have
    happened, it may lie after the data cut.

    Parameters
    ----------
    adevt, people : DataFrame
        ADEVT, and rows of ADSL.

    Returns
    -------
    died, unknown : DataFrame
        Rows of `people`.
    """
    told = _told(adevt).join(people.select("USUBJID", "CUTDT"), on="USUBJID", maintain_order="left")
    surely = told.filter((pl.col("AVALC") == MET) & is_by_the_cut("ADTH"))
    has_day = pl.col("DTHDT").is_not_null()
    is_surely = has_day | pl.col("USUBJID").is_in(surely["USUBJID"].implode())
    is_told = pl.col("USUBJID").is_in(told["USUBJID"].implode())
    return people.filter(is_surely), people.filter(~is_surely & is_told)


def days_of_death(adevt: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Between which days somebody died who did, or may have died.

    Parameters
    ----------
    adevt, people : DataFrame
        ADEVT, and rows of ADSL.

    Returns
    -------
    days : DataFrame
        `USUBJID`, `DIEDFROM`, `DIEDBY`: the first and last day that the death can have been on, the same where it is known.
        `DIEDFROM` is not before the last day known alive; `DIEDBY` is null where there is none: the death has no date, or
        nobody can tell whether it happened.
    """
    met = pl.col("AVALC") == MET
    told = _told(adevt).group_by("USUBJID").agg(
        pl.col("ADTL").min(), by=pl.col("ADTH").filter(met).min(), told=pl.lit(value=True)
    )  # fmt: skip
    rows = people.select("USUBJID", "DTHDT", "LSTALVDT").join(told, on="USUBJID", how="left")
    dead = rows.filter(pl.col("DTHDT").is_not_null() | pl.col("told"))
    since = not_while_alive("ADTL", "by", "LSTALVDT")
    return dead.select("USUBJID", DIEDFROM=pl.coalesce("DTHDT", since), DIEDBY=pl.coalesce("DTHDT", "by"))


def _told(adevt: pl.DataFrame) -> pl.DataFrame:
    return adevt.filter((pl.col("EVENT") == DEATH) & (pl.col("AVALC") != NOT_MET))
