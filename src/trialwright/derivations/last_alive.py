"""The last day on which each person is known to have lived, and the dates that show it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from trialwright.derivations.doses import is_dose_given
from trialwright.derivations.known_columns import is_spelt, was_done
from trialwright.derivations.study import SUBJECT, Study, moment_columns
from trialwright.records.dates import MOMENT

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
    death = study.tables["DM"].group_by(SUBJECT).agg(pl.col("DTHDTC_latest").max().alias("death"))
    last = _last_seen(study)
    # few records lie after a death: only of whom there is any, each is compared with it
    late = death.join(last, on=SUBJECT).filter(pl.col("on") > pl.col("death")).select(SUBJECT, "death")
    if len(late):
        others = last.join(late, on=SUBJECT, how="anti")
        last = pl.concat([others, _last_seen(study, late)])
    return study.subjects.select(SUBJECT).join(
        last.select(SUBJECT, LSTALVDT=pl.col("on").dt.date()), on=SUBJECT, how="left", maintain_order="left"
    )


def _last_seen(study: Study, deaths: pl.DataFrame | None = None) -> pl.DataFrame:
    """`SUBJECT` and `on`, the last moment that shows somebody alive: of everybody, or of some up to their `death`."""
    seen = [study.subjects.select(SUBJECT, on=pl.lit(None, MOMENT)).clear()]
    for domain in dict.fromkeys(domain for domain, _ in SHOWS_ALIVE):
        table, days = study.tables[domain], _days_of(domain)
        if deaths is not None:
            table = table.join(deaths, on=SUBJECT, maintain_order="left")
            days = [pl.when(day <= pl.col("death")).then(day) for day in days]
        if len(table):
            rows = table.select(SUBJECT, on=pl.when(_is_of_life(table, domain)).then(pl.max_horizontal(days)))
            seen.append(rows.group_by(SUBJECT).agg(pl.col("on").max()))
    return pl.concat(seen, how="vertical_relaxed").group_by(SUBJECT).agg(pl.col("on").max())


def _days_of(domain: str) -> list[pl.Expr]:
    """The first minute of each date of a domain that shows somebody alive."""
    return [pl.col(moment_columns(variable)[0]) for whose, variable in SHOWS_ALIVE if whose == domain]


def _is_of_life(table: pl.DataFrame, domain: str) -> pl.Expr:
    """Whether a record tells of something that was done with the person or happened to them: not of a visit that did not take
    place, a dose that was not given, or what somebody attested or judged, perhaps from the file."""
    match domain:
        case "DM" | "AE":
            return pl.lit(value=True)
        case "DS":
            is_milestone = is_spelt(table["DSCAT"], "PROTOCOL MILESTONE")
            return pl.lit(is_milestone | is_spelt(table["DSDECOD"], *_OF_THEMSELVES))
        case "EX":
            return is_dose_given()
        case "SV":
            return pl.col("SVOCCUR").ne_missing("N")
        case "FA":
            return was_done("FASTAT") & (pl.col("FATESTCD") == "STATUS").fill_null(value=False)
        case "CM" | "PR":
            return was_done(f"{domain}STAT") & pl.col(f"{domain}OCCUR").ne_missing("N")
    return was_done(f"{domain}STAT")
