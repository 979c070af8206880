"""The doses of study treatments as recorded in EX and CM, given or not."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from trialwright.derivations.known_columns import spelt, was_done
from trialwright.derivations.named_records import as_spelt
from trialwright.derivations.study import SUBJECT, Study
from trialwright.protocol.model import Treatment
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.durations import TimeUnit

_RECORDED = {"EX": ("EXTRT",), "CM": ("CMDECOD", "CMTRT")}
_SIDES = ("earliest", "latest")


def read_doses(study: Study, adsl: pl.DataFrame) -> pl.DataFrame:
    """The records of the protocol's treatments, one row each, in the order of subject, treatment and date.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `LSTALVDT` (last day known alive).

    Returns
    -------
    doses : DataFrame
        `SUBJECT`, `treatment` (its name in the protocol), `earliest` and `latest` (first and last minute the start may be),
        `end_earliest` and `end_latest`, `is_ongoing`, `dose` and `unit` as recorded, `is_given`, `reason` (`EXADJ`: why it
        was not given, or otherwise than planned), `SRCDOM`, `SRCSEQ`. In EX a dose of 0, or none with a reason, was not given.
        A record of CM that says it did not occur or was not done is left out. A treatment without interval between doses (`every`) whose
        record has no end goes on, as far as known to the last day known alive; of one with an interval a record without
        end is a single dose.
    """
    parts = [_of_domain(study, domain) for domain in _RECORDED]
    single = [name for name, treatment in study.protocol.treatments.items() if treatment.every is not None]
    lacks_end = pl.col("end_earliest").is_null()
    is_ongoing = lacks_end & ~pl.col("treatment").is_in(single) & pl.col("is_given")
    alive = pl.max_horizontal(pl.col("LSTALVDT").cast(MOMENT), pl.col("latest").dt.truncate("1d"))
    return (
        pl.concat(parts)
        .join(adsl.select(SUBJECT, "LSTALVDT"), on=SUBJECT, how="left")
        .with_columns(is_ongoing.alias("is_ongoing"))
        .with_columns(
            pl.when(pl.col("is_ongoing"))
            .then(alive + rest)
            .when(lacks_end)
            .then(pl.col(side))
            .otherwise(pl.col(f"end_{side}"))
            .alias(f"end_{side}")
            for side, rest in zip(_SIDES, (timedelta(0), _REST_OF_DAY), strict=True)
        )
        .drop("LSTALVDT")
        .sort(SUBJECT, "treatment", *_SIDES, "SRCDOM", "SRCSEQ", nulls_last=True)
    )


def is_one_a_day(treatment: Treatment) -> bool:
    """Whether all that is given of a treatment on one day is one dose: its interval between doses is a day or more."""
    return treatment.every is not None and treatment.every.unit is not TimeUnit.HOURS


def is_dose_given() -> pl.Expr:
    """Whether a record of EX tells of a dose: not one of 0, and none without an amount that has a reason."""
    return pl.when(pl.col("EXDOSE").is_null()).then(pl.col("EXADJ").is_null()).otherwise(pl.col("EXDOSE") > 0)


def _of_domain(study: Study, domain: str) -> pl.DataFrame:
    spellings = {
        as_spelt(text): name
        for name, treatment in study.protocol.treatments.items()
        for text in (treatment.label, name)
        if text
    }
    named = [
        spelt(pl.col(column)).replace_strict(spellings, default=None, return_dtype=pl.String)
        for column in _RECORDED[domain]
    ]
    table = study.tables[domain]
    if domain == "CM":
        table = table.filter(pl.col("CMOCCUR").ne_missing("N") & was_done("CMSTAT"))
    return table.select(
        SUBJECT,
        pl.coalesce(named).alias("treatment"),
        *(pl.col(f"{domain}STDTC_{side}").alias(side) for side in _SIDES),
        *(pl.col(f"{domain}ENDTC_{side}").alias(f"end_{side}") for side in _SIDES),
        pl.col(f"{domain}DOSE").alias("dose"),
        pl.col(f"{domain}DOSU").alias("unit"),
        (is_dose_given() if domain == "EX" else pl.lit(value=True)).alias("is_given"),
        pl.col(f"{domain}ADJ").alias("reason"),
        pl.lit(domain).alias("SRCDOM"),
        pl.col(f"{domain}SEQ").alias("SRCSEQ"),
    ).filter(pl.col("treatment").is_not_null())


_REST_OF_DAY = timedelta(hours=23, minutes=59)
