"""The last day on which each person is known to have lived, and the dates that show it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from trialwright.derivations.doses import is_dose_given
from trialwright.derivations.known_columns import spelt, was_done
from trialwright.derivations.study import SUBJECT, Study, moment_columns

SHOWS_ALIVE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("DM", "RFICDTC"): "consented",
        ("DS", "DSSTDTC"): "was said to be alive, reached a milestone, completed, or withdrew",
        ("EX", "EXSTDTC"): "was given a dose",
        ("EX", "EXENDTC"): "took it until then",
        ("CM", "CMSTDTC"): "began another drug",
        ("CM", "CMENDTC"): "took it until then",
        ("PR", "PRSTDTC"): "had a procedure",
        ("PR", "PRENDTC"): "had it until then",
        ("SV", "SVSTDTC"): "came to a visit",
        ("SV", "SVENDTC"): "was there until then",
        ("AE", "AESTDTC"): "fell ill; of what was fatal no later than the day of death",
        ("AE", "AEENDTC"): "was ill until then; of what was fatal no later than the day of death",
        ("LB", "LBDTC"): "gave a sample",
        ("LB", "LBENDTC"): "collected it until then",
        ("VS", "VSDTC"): "was examined",
        ("TU", "TUDTC"): "was scanned",
        ("TR", "TRDTC"): "was scanned",
        ("RS", "RSDTC"): "was assessed",
        ("FA", "FADTC"): "was found to be so",
    }
)
"""What a person did or had on the day that a variable of a domain tells.

Left out are days on which something was written down (`AEDTC`, `CMDTC`, `DSDTC`, `DMDTC`), for that may be after death; days that
were planned or that others count from (`RFSTDTC`, `RFPENDTC`, `--RFTDTC`); histories (MH), which are of the time before
consent; and all that says nothing of the living, see `_is_of_life`.
"""

_OF_THEMSELVES = ("ALIVE", "COMPLETED", "WITHDRAWAL BY SUBJECT")
"""Dispositions of somebody who was there. Others are of the day on which somebody else decided or gave up: lost to follow-up,
terminated by the sponsor, death."""


def last_days_alive(study: Study) -> pl.DataFrame:
    """`SUBJECT` and `LSTALVDT`, the last day each is known to have lived: the latest day that shows it, but not after death.

    Of an imprecise date the first day it can be.
    """
    seen = [
        table.filter(_is_of_life(domain)).select(SUBJECT, on=moment_columns(variable)[0])
        for domain, variable in SHOWS_ALIVE
        if len(table := study.tables[domain])
    ]
    seen = [study.subjects.select(SUBJECT, on=pl.lit(None, pl.Datetime("us"))), *seen]
    death = study.tables["DM"].group_by(SUBJECT).agg(pl.col("DTHDTC_latest").max().alias("death"))
    last = (
        pl.concat(seen, how="vertical_relaxed")
        .join(death, on=SUBJECT, how="left")
        .filter(pl.col("death").is_null() | (pl.col("on") <= pl.col("death")))
        .group_by(SUBJECT)
        .agg(LSTALVDT=pl.col("on").max().dt.date())
    )
    return study.subjects.select(SUBJECT).join(last, on=SUBJECT, how="left", maintain_order="left")


def _is_of_life(domain: str) -> pl.Expr:
    """Whether a record tells of something that was done with the person or happened to them: not of a visit that did not take
    place, a dose that was not given, or what somebody attested or judged, perhaps from the file."""
    match domain:
        case "DM" | "AE":
            return pl.lit(value=True)
        case "DS":
            is_milestone = spelt(pl.col("DSCAT")) == "PROTOCOL MILESTONE"
            return (is_milestone | spelt(pl.col("DSDECOD")).is_in(_OF_THEMSELVES)).fill_null(value=False)
        case "EX":
            return is_dose_given()
        case "SV":
            return pl.col("SVOCCUR").ne_missing("N")
        case "FA":
            return was_done("FASTAT") & (pl.col("FATESTCD") == "STATUS").fill_null(value=False)
        case "CM" | "PR":
            return was_done(f"{domain}STAT") & pl.col(f"{domain}OCCUR").ne_missing("N")
    return was_done(f"{domain}STAT")
