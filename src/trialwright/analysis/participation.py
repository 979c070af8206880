"""The part of each in the study: how long they could be asked for anything, and how it ended."""

from __future__ import annotations

import polars as pl

from trialwright.analysis.deaths import days_of_death, who_died
from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.known_columns import spelt
from trialwright.derivations.timeline import is_by_the_cut
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS

DIED, LOST = "DEATH", "LOST TO FOLLOW-UP"
"""Ends as DS names them (CDISC SDTM terminology, NCOMPLT C66727)."""
NO_END, OPEN_END = "no end recorded", "nobody can tell"
NO_REASON = "no reason recorded"
ENDED = " ended: "
"""Between a population and an end in the items of the counts."""
FAILED = " failed screening: "
"""Between a population and why screening failed."""


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
    left = people.filter(pl.col("EOSDTL").is_not_null() & is_by_the_cut("EOSDTH"))
    return pl.concat([dead.select("USUBJID"), left.select("USUBJID")]).unique()


def primary_population(protocol: Protocol) -> str | None:
    """The population of the first primary endpoint's estimand; of the first analysis where none is stated."""
    for endpoint in protocol.endpoints.values():
        if endpoint.role == "primary" and endpoint.estimand:
            return endpoint.estimand.population
    return next((analysis.population for analysis in protocol.analyses.values()), None)


def how_it_ended(adevt: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """How the part of each in the study ended by the data cut, one answer each.

    Whoever left and is known to have died later left. Without a recorded end death is one.

    Parameters
    ----------
    adevt, people : DataFrame
        ADEVT, and rows of ADSL.

    Returns
    -------
    ends : DataFrame
        `USUBJID` and `END`: COMPLETED, DEATH, why it was discontinued as recorded, or `NO_REASON`; `NO_END` of whom neither an
        end nor a death is recorded; `OPEN_END` where an end or a death may lie after the cut.
    """
    died, perhaps_died = who_died(adevt, people)
    is_recorded = pl.col("EOSSTT").is_not_null() | pl.col("EOSDTL").is_not_null()
    named = pl.when(pl.col("EOSSTT") == "COMPLETED").then("EOSSTT").otherwise("DCSREAS")
    is_open = is_recorded | pl.col("USUBJID").is_in(perhaps_died["USUBJID"].implode())
    return people.select(
        "USUBJID",
        END=pl.when(is_recorded & is_by_the_cut("EOSDTH")).then(named.fill_null(NO_REASON))
        .when(pl.col("USUBJID").is_in(died["USUBJID"].implode())).then(pl.lit(DIED))
        .when(is_open).then(pl.lit(OPEN_END))
        .otherwise(pl.lit(NO_END)),
    )  # fmt: skip


def count_ends(data: AnalysisData, recorder: Recorder) -> None:
    """How the part in the study ended of the primary population and of each of its groups; ends add up to their number.

    Items are `<population> ended: <end>`. Completed, died, lost to follow-up and without a recorded end are counted where
    nobody is, too; other ends wherever somebody has them. `n_died_outside` are deaths in the records outside of the population.
    """
    population = primary_population(data.protocol)
    if population is None or "ADEVT" not in data.tables or "EOSSTT" not in data.adsl.columns:
        return
    people = data.population(population)
    others = data.adsl.join(people.select("USUBJID"), on="USUBJID", how="anti", maintain_order="left")
    died, _ = who_died(data.tables["ADEVT"], others)
    recorder.add("n_died_outside", died.height, "subjects", item=population, n=others.height)
    people = people.join(how_it_ended(data.tables["ADEVT"], people), on="USUBJID", maintain_order="left")
    reasons = sorted({*people["END"]} - {"COMPLETED", DIED, LOST, NO_END})
    groups = data.protocol.groups if GROUPS in people.columns and len(data.protocol.groups) > 1 else ()
    for group in (None, *groups):
        own = people if group is None else people.filter(pl.col(GROUPS) == group)
        for end in ("COMPLETED", DIED, LOST, *reasons, NO_END):
            number = int((own["END"] == end).sum())
            recorder.add(
                "n_ended", number, "subjects", item=f"{population}{ENDED}{end}", group=group, n=own.height
            )
    if groups:
        recorder.add(
            "n_without_group", people[GROUPS].null_count(), "subjects", item=population, n=people.height
        )


def count_screening(data: AnalysisData, recorder: Recorder) -> None:
    """How many who are not in the primary population failed screening, and why, as it was recorded.

    Items are `<population> failed screening: <reason>`; reasons spelt alike but for capitals are one, and they add up.
    """
    population = primary_population(data.protocol)
    if population is None or "DCSCREEN" not in data.adsl.columns:
        return
    failed = who_failed(data, population)
    recorder.add("n_failed_screening", failed.height, "subjects", item=population)
    reasons = failed["DCSCREEN"].value_counts().sort("count", "DCSCREEN", descending=[True, False])
    for reason, number in reasons.iter_rows():
        recorder.add("n_failed_screening", number, "subjects", item=f"{population}{FAILED}{reason}")


def who_failed(data: AnalysisData, population: str) -> pl.DataFrame:
    """Rows of ADSL of those who failed screening and are not in a population, with one spelling of each reason."""
    flag = data.flag(population)
    failed = data.adsl.filter(
        pl.col("DCSCREEN").is_not_null() & ((pl.col(flag) == "N") if flag else pl.lit(value=False))
    )
    return failed.with_columns(DCSCREEN=pl.col("DCSCREEN").first().over(spelt(pl.col("DCSCREEN"))))
