"""ADLIVER: complications of the liver after time zero, and what was done about hepatitis, each with its first day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from trialwright.derivations.known_columns import spelt, study_day
from trialwright.derivations.named_records import NamedRecords
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.timeline import is_by_the_cut, not_while_alive
from trialwright.medicine.hepatitis_b.liver_terms import COMPLICATIONS, HEPATITIS, LIVER_FAILURE
from trialwright.vocabulary.verdicts import Reason

REACTIVATION = "hbv_reactivation"
_LABELS = {
    "DECOMP": "Decompensation of the liver", "ASCITES": "Ascites", "ENCEPHAL": "Hepatic encephalopathy",
    "VARBLEED": "Variceal bleeding", "LIVFAIL": "Liver failure", "HELDHEP": "Treatment held for hepatitis",
    "STOPHEP": "Treatment stopped for hepatitis", "DEATH": "Death",
}  # fmt: skip
_NAMED = {"ASCITES": "ASCITES", "ENCEPHAL": "ENCEPHALOPATHY", "VARBLEED": "VARICEAL BLEEDING"}
_FINDINGS = ("ASCITES", "ENCEPHALOPATHY")
_ACTIONS = {"HELDHEP": "DRUG INTERRUPTED", "STOPHEP": "DRUG WITHDRAWN"}
_ABSENT = ("NONE", "N", "NO", "ABSENT", "0", "GRADE 0")
_UNTOLD = ("UNKNOWN", "")
_FOUND: Mapping[str, Any] = {
    SUBJECT: pl.Int64, "first": pl.Date, "last": pl.Date, "is_told": pl.Boolean, "SRCDOM": pl.String, "SRCSEQ": pl.Int64,
}  # fmt: skip


def derive_adliver(study: Study, adsl: pl.DataFrame, adevt: pl.DataFrame) -> pl.DataFrame:
    """One row a subject and parameter.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`, `CUTDT`, `LSTALVDT`.
    adevt : DataFrame
        `SUBJECT`, `EVENT`, `AVALC`, `ADT`, `ADTL`, `ADTH`.

    Returns
    -------
    adliver : DataFrame
        `AVALC` is met, not met or unknown with its `REASON`: imprecise date (before or after time zero), missing (nobody said
        what was done with the treatment; or the study has no adverse events at all), conflict (a death before time zero), not applicable
        (no time zero). A death that may lie after the data cut is not sure. `ADT` is
        the first day, null where it is not known to the day (`ADTL` to `ADTH`). `REACTFL` says whether it came on or after
        the first reactivation of hepatitis B: Y, N, or null where there was none or dates do not tell.
    """
    found = pl.concat([rows.with_columns(PARAMCD=pl.lit(code)) for code, rows in _candidates(study)])
    reacted = adevt.filter((pl.col("EVENT") == REACTIVATION) & (pl.col("AVALC") == "met"))
    since = reacted.group_by(SUBJECT).agg(since_first=pl.col("ADTL").min(), since_last=pl.col("ADTH").min())
    is_after = pl.col("ADTL") >= pl.col("since_last")
    is_before = pl.col("ADTH") < pl.col("since_first")
    return (
        _firsts(found, study, adsl)
        .join(since, on=SUBJECT, how="left", maintain_order="left")
        .select(
            *study.identity, SUBJECT, "PARAMCD",
            pl.col("PARAMCD").replace_strict(_LABELS, return_dtype=pl.String).alias("PARAM"),
            "AVALC", "REASON", "ADT", "ADTL", "ADTH", study_day(pl.col("ADT"), pl.col("STARTDT")).alias("ADY"),
            pl.when(is_after).then(pl.lit("Y")).when(is_before).then(pl.lit("N")).alias("REACTFL"),
            "SRCDOM", "SRCSEQ", pl.when(pl.col("SRCSEQ").is_null()).then("SRCDOM").otherwise(pl.format("{}.{}", "SRCDOM", "SRCSEQ")).alias("SRCALL"),
            pl.lit("time zero").alias("PROTOCOL"),
        )
    )  # fmt: skip


def _candidates(study: Study) -> Iterator[tuple[str, pl.DataFrame]]:
    """The records that show each complication."""
    findings = _findings(study)
    for code, name in _NAMED.items():
        yield code, _events(study, COMPLICATIONS[name])
        yield code, findings.filter(pl.col("name") == name).drop("name")
    yield "DECOMP", _events(study, "|".join(COMPLICATIONS.values()))
    yield "DECOMP", findings.drop("name")
    yield "LIVFAIL", _events(study, LIVER_FAILURE)
    for code, action in _ACTIONS.items():
        yield code, _acted(study, action)
    is_dead = pl.col("DTHDTC").is_not_null() | (pl.col("DTHFL") == "Y").fill_null(value=False)
    deaths = study.tables["DM"].filter(is_dead)
    yield "DEATH", _found(deaths, "DM", "DTHDTC", told=pl.lit(value=True))


def _events(study: Study, pattern: str) -> pl.DataFrame:
    return _found(_called(study, pattern), "AE", "AESTDTC", told=pl.lit(value=True))


def _acted(study: Study, action: str) -> pl.DataFrame:
    """Hepatitis for which the treatment was held or stopped; those of which nobody said what was done are not told."""
    done = spelt(pl.col("AEACN"))
    is_untold = done.is_null() | done.is_in(_UNTOLD)
    rows = _called(study, HEPATITIS).filter(is_untold | (done == action))
    return _found(rows, "AE", "AESTDTC", told=~is_untold)


def _called(study: Study, pattern: str) -> pl.DataFrame:
    term = spelt(pl.coalesce("AEDECOD", "AETERM"))
    return study.tables["AE"].filter(term.str.contains(pattern).fill_null(value=False))


def _findings(study: Study) -> pl.DataFrame:
    """Findings by `name` that were not there at the one before; where nobody looked before, whether it is new is not told."""
    table = NamedRecords(study).rows("FA", ["FAOBJ"], _FINDINGS).filter(pl.col("FATESTCD") == "STATUS")
    said, name = spelt(pl.coalesce("FASTRESC", "FAORRES")), spelt(pl.col("FAOBJ"))
    rows = table.with_columns(is_there=~said.is_in(_ABSENT), name=name).filter(said.is_not_null())
    rows = rows.sort(SUBJECT, "FADTC_earliest", "FASEQ", nulls_last=True)
    was_there = pl.col("is_there").shift(1).over(SUBJECT, "name")
    new = rows.with_columns(was_there=was_there).filter(
        pl.col("is_there"), ~pl.col("was_there").fill_null(value=False)
    )
    found = _found(new, "FA", "FADTC", told=pl.col("was_there").is_not_null())
    return found.with_columns(new["name"])


def _found(rows: pl.DataFrame, domain: str, date: str, *, told: pl.Expr) -> pl.DataFrame:
    sequence = pl.lit(None, pl.Int64) if domain == "DM" else pl.col(f"{domain}SEQ")
    return rows.select(
        SUBJECT,
        pl.col(f"{date}_earliest").dt.date().alias("first"),
        pl.col(f"{date}_latest").dt.date().alias("last"),
        told.alias("is_told"),
        pl.lit(domain).alias("SRCDOM"),
        sequence.alias("SRCSEQ"),
    ).cast(pl.Schema(_FOUND))  # fmt: skip


def _firsts(found: pl.DataFrame, study: Study, adsl: pl.DataFrame) -> pl.DataFrame:
    """The first of each subject and parameter that surely came on or after time zero; else what may have, with the reason."""
    start, is_death = pl.col("STARTDT"), pl.col("PARAMCD") == "DEATH"
    people = adsl.select(SUBJECT, "STARTDT")
    rows = found.join(
        adsl.select(SUBJECT, "STARTDT", "CUTDT", "LSTALVDT"), on=SUBJECT, how="left", maintain_order="left"
    )
    since_alive = not_while_alive("first", "last", "LSTALVDT")
    rows = rows.with_columns(first=pl.when(is_death).then(since_alive).otherwise("first"))
    before = is_death & (pl.col("last") < start).fill_null(value=False)
    died = is_death & ~before & is_by_the_cut("last")
    surely = (~is_death & (pl.col("first") >= start).fill_null(value=False)) | died
    may_be = (pl.col("last") >= start).fill_null(value=True)
    is_met = surely & pl.col("is_told")
    undated = (
        pl.when(pl.col("first").is_null())
        .then(pl.lit(Reason.MISSING.value))
        .otherwise(pl.lit(Reason.IMPRECISE_DATE.value))
    )
    why = (
        pl.when(is_met)
        .then(None)
        .when(before)
        .then(pl.lit(Reason.CONFLICT.value))
        .when(pl.col("is_told"))
        .then(undated)
        .otherwise(pl.lit(Reason.MISSING.value))
    )
    key = (SUBJECT, "PARAMCD")
    first = (
        rows.filter(may_be | is_death)
        .with_columns(is_met.alias("is_met"), why.alias("why"))
        .sort(*key, ~pl.col("is_met"), "first", "last", "SRCDOM", "SRCSEQ", nulls_last=True)
        .unique(key, keep="first", maintain_order=True)
        .drop("STARTDT", "CUTDT", "LSTALVDT")
    )
    everybody = study.subjects.select(SUBJECT, *study.identity).join(
        people, on=SUBJECT, maintain_order="left"
    )
    everybody = everybody.with_columns(PARAMCD=pl.lit(list(_LABELS))).explode("PARAMCD")
    # of a study in which nobody has an adverse event, nobody knows that they were recorded
    of_study = pl.struct(*study.keys, "STUDYID")
    has_events = of_study.is_in(study.tables["AE"].select(of_study.unique()).to_series().implode()) | is_death
    reason = (
        pl.when(start.is_null() & ~is_death).then(pl.lit(Reason.NOT_APPLICABLE.value))
        .when(pl.col("is_met").is_not_null()).then("why")
        .when(~has_events).then(pl.lit(Reason.MISSING.value))
    )  # fmt: skip
    is_known = pl.col("first") == pl.col("last")
    return everybody.join(first, on=key, how="left", maintain_order="left").with_columns(
        REASON=reason,
        AVALC=pl.when(reason.is_not_null()).then(pl.lit("unknown"))
        .when("is_met").then(pl.lit("met")).otherwise(pl.lit("not met")),
        ADT=pl.when(is_known & pl.col("is_met")).then("first"),
        ADTL="first",
        ADTH="last",
    )  # fmt: skip
