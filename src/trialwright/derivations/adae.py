"""ADAE: adverse events, whether they came with treatment, and the worst of each kind."""

from __future__ import annotations

import polars as pl

from trialwright.derivations.events import OCCURRENCES, known_facts
from trialwright.derivations.known_columns import (
    as_codes,
    as_moments,
    reason_words,
    spelt,
    study_day,
    yes,
    yes_no,
)
from trialwright.derivations.minutes import MET
from trialwright.derivations.safety_period import safety_span
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.medicine.adverse_events import treatment_emergent
from trialwright.protocol.model import Endpoint, Grading
from trialwright.protocol.references import NEW_THERAPY
from trialwright.protocol.safety import ends_with_new_therapy, grading_of, safety_endpoint
from trialwright.vocabulary.verdicts import Reason, Verdict

IMMUNE_MEDIATED = "IMMUNE-MEDIATED"
_RELATED = (
    "RELATED Y YES DEFINITE DEFINITELY PROBABLE PROBABLY POSSIBLE POSSIBLY DEFINITELY-RELATED PROBABLY-RELATED "
    "POSSIBLY-RELATED"
)
_UNRELATED = "NOT-RELATED N NO NONE UNRELATED UNLIKELY UNLIKELY-RELATED REMOTE NOT-APPLICABLE"
RELATION = {word.replace("-", " "): True for word in _RELATED.split()} | {
    word.replace("-", " "): False for word in _UNRELATED.split()
}
"""Definitely, probably and possibly are related; unlikely is not."""

_CRITERIA = ("AESCAN", "AESCONG", "AESDISAB", "AESDTH", "AESHOSP", "AESLIFE", "AESOD", "AESMIE")
_UNTOLD_ACTIONS = ("UNKNOWN", "")
_OCCURRENCES = {"": [], "S": ["soc"], "P": ["soc", "term"]}


def derive_adae(study: Study, adsl: pl.DataFrame, facts: StudyFacts | None = None) -> pl.DataFrame:
    """One row an adverse event.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`, `DTHDT`, `CUTDT`.
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.

    Returns
    -------
    adae : DataFrame
        `TRTEMFL` is Y unless dates prove otherwise, N where they do, null where there is no period to count in;
        `TRTEMRS` tells why a Y, or the null, is not proven. `ASTDT` and `AENDT` are imputed where `ASTDTF` and `AENDTF` say
        so (D day, M month and day, Y all); `ASTDTL` to `ASTDTH` is what is known. `ATOXGR` is 1 to 5 or null;
        `AOCC...FL` mark, among treatment-emergent events, the first of a subject, its system organ class and its term, with
        `I` the first of the worst grade. All rules stand in docs/derivations-safety.md.
    """
    facts = known_facts(study) if facts is None else facts
    found = safety_endpoint(study.protocol)
    grading = grading_of(found[1] if found else None)
    about = adsl.select(SUBJECT, "STARTDT", "DTHDT", "CUTDT")
    rows = study.tables["AE"].join(about, on=SUBJECT, how="left", maintain_order="left")
    rows = rows.with_columns(_descriptions(grading))
    rows = _with_emergence(rows, facts, found[1] if found else None)
    rows = _with_occurrences(_with_dates(rows)).join(
        study.subjects.select(SUBJECT, *study.identity), on=SUBJECT, maintain_order="left", suffix="_whose"
    )
    return rows.select(
        *study.identity,
        SUBJECT,
        "AESEQ", "AETERM", "AEDECOD", "AESOC", "AEBODSYS", "AECAT", "AEGRPID", "AESER", "AEREL", "AEACN", "AEOUT",
        "AETOXGR", "ATOXGR", "ATOXGRF", "ASTDT", "ASTDTF", "ASTDTL", "ASTDTH", "AENDT", "AENDTF", "ASTDY", "AENDY",
        "ADURN", "ASERFL", "ARELFL", "ARELF", "AIMFL", "AINTFL", "AWITHFL", "AFATFL", "TRTEMFL", "TRTEMRS",
        *(f"AOCC{level}{which}FL" for level in _OCCURRENCES for which in ("", "I")),
        pl.lit("AE").alias("SRCDOM"),
        pl.col("AESEQ").alias("SRCSEQ"),
        pl.format("AE.{}", "AESEQ").alias("SRCALL"),
        pl.lit(f"endpoints.{found[0]}" if found else None, pl.String).alias("PROTOCOL"),
    )  # fmt: skip


def _descriptions(grading: Grading) -> list[pl.Expr]:
    """What is recorded of an event, in columns that are Y, N or null where nobody said."""
    grade = pl.col("AETOXGR").str.strip_chars().str.extract(r"^([1-5])$", 1).cast(pl.Int8)
    is_assumed = grade.is_null() & pl.lit(grading.missing_grade == "grade 3")
    is_related = spelt(pl.col("AEREL")).replace_strict(RELATION, default=None, return_dtype=pl.Boolean)
    counts_untold = is_related.is_null() & pl.lit(grading.missing_relation == "related")
    action = spelt(pl.col("AEACN"))
    is_told = ~action.is_in(_UNTOLD_ACTIONS)
    criteria = pl.any_horizontal((pl.col(name) == "Y").fill_null(value=False) for name in _CRITERIA)
    is_fatal = (pl.col("AESDTH") == "Y") | (spelt(pl.col("AEOUT")) == "FATAL") | (grade == 5)
    told_alive = (pl.col("AESDTH") == "N") | pl.col("AEOUT").is_not_null()
    serious = pl.when(criteria | is_fatal.fill_null(value=False)).then(pl.lit("Y")).otherwise(
        yes_no(pl.col("AESER").replace_strict({"Y": True, "N": False}, default=None, return_dtype=pl.Boolean))
    )  # fmt: skip
    return [
        pl.when(is_assumed).then(pl.lit(3, pl.Int8)).otherwise(grade).alias("ATOXGR"),
        yes(is_assumed).alias("ATOXGRF"),
        is_related.alias("is_related"),
        pl.when(counts_untold).then(pl.lit("Y")).otherwise(yes_no(is_related)).alias("ARELFL"),
        yes(counts_untold).alias("ARELF"),
        serious.alias("ASERFL"),
        yes(spelt(pl.col("AECAT")) == IMMUNE_MEDIATED).alias("AIMFL"),
        pl.when(is_told).then(yes_no(action == "DRUG INTERRUPTED")).alias("AINTFL"),
        pl.when(is_told).then(yes_no(action == "DRUG WITHDRAWN")).alias("AWITHFL"),
        pl.when(is_fatal.fill_null(value=False))
        .then(pl.lit("Y"))
        .when(told_alive)
        .then(pl.lit("N"))
        .alias("AFATFL"),
        pl.coalesce("AEDECOD", "AETERM").str.to_uppercase().alias("term"),
        pl.coalesce("AESOC", "AEBODSYS").str.to_uppercase().alias("soc"),
    ]


# --- treatment-emergent -------------------------------------------------------------------------------------------------


def _with_emergence(rows: pl.DataFrame, facts: StudyFacts, endpoint: Endpoint | None) -> pl.DataFrame:
    rows = rows.join(safety_span(facts), on=SUBJECT, how="left", maintain_order="left")
    rows = rows.join(_new_therapy(facts, endpoint), on=SUBJECT, how="left", maintain_order="left")
    codes = treatment_emergent(
        as_moments(rows["AESTDTC_earliest"], rows["AESTDTC_latest"]),
        end=as_moments(rows["AEENDTC_earliest"], rows["AEENDTC_latest"]),
        first_dose=as_moments(rows["first_earliest"], rows["first_latest"]),
        last_dose=as_moments(rows["last_earliest"], rows["last_latest"]),
        days_after=0,
        new_therapy=as_moments(rows["therapy_earliest"], rows["therapy_latest"]),
        is_related=as_codes(rows["is_related"]),
    ).verdict
    has_begun = pl.col("first_earliest").is_not_null()
    is_emergent = (pl.Series(codes) != Verdict.NOT_MET.code) & ~_goes_on_unchanged()
    rows = rows.with_columns(
        pl.when(has_begun).then(yes_no(is_emergent)).alias("TRTEMFL"),
        reason_words(codes).alias("why"),
        pl.col("first_earliest").cast(pl.Date).alias("from_day"),
    )
    return rows.with_columns(
        pl.when(pl.col("TRTEMFL").is_null())
        .then(pl.lit(Reason.NOT_APPLICABLE.value))
        .when(pl.col("TRTEMFL") == "Y")
        .then("why")
        .alias("TRTEMRS")
    )


def _goes_on_unchanged() -> pl.Expr:
    """Whether a record continues an event (`AEGRPID`) that was there before the period, and is no worse."""
    before = (pl.col("AESTDTC_latest") < pl.col("first_earliest")).fill_null(value=False)
    worst_before = pl.when(before).then(pl.col("ATOXGR")).max().over(SUBJECT, "AEGRPID")
    is_same = pl.col("AEGRPID").is_not_null() & ~before
    return is_same & (pl.col("ATOXGR") <= worst_before).fill_null(value=False)


def _new_therapy(facts: StudyFacts, endpoint: Endpoint | None) -> pl.DataFrame:
    """When new anticancer therapy first began, where only related events count after it."""
    found = facts.events.get(NEW_THERAPY, pl.DataFrame(schema=OCCURRENCES))
    met = found.filter((pl.col("code") == MET) & pl.lit(ends_with_new_therapy(endpoint)))
    return met.group_by(pl.col("subject").alias(SUBJECT)).agg(
        pl.col(side).min().alias(f"therapy_{side}") for side in ("earliest", "latest")
    )


# --- dates and occurrences ----------------------------------------------------------------------------------------------


def _with_dates(rows: pl.DataFrame) -> pl.DataFrame:
    """Days for tables and order, imputed where they are partial; verdicts never rest on them.

    An onset is put on the earliest day it may be, but on the first day of the period if it may be that day or later; one of
    which nothing is known may be, unless the event had ended by then. An end is put on the latest day it may be, no later than
    death or the cut; one of which nothing is known has no day, whether the event is said to be over or not.
    """
    first, last = pl.col("ASTDTL"), pl.col("ASTDTH")
    rows = rows.with_columns(
        pl.col(f"AE{end}DTC_{side}").cast(pl.Date).alias(f"{name}{letter}")
        for end, name in (("ST", "ASTDT"), ("EN", "AENDT"))
        for side, letter in (("earliest", "L"), ("latest", "H"))
    )
    no_later = pl.min_horizontal(last, pl.col("AENDTH"))
    may_be_before = (first < pl.col("from_day")).fill_null(value=True)
    reaches = may_be_before & (pl.col("from_day") <= no_later).fill_null(value=True)
    bounded = pl.max_horizontal("AENDTL", pl.min_horizontal("AENDTH", "DTHDT", "CUTDT"))
    rows = rows.with_columns(
        pl.when(reaches & pl.col("from_day").is_not_null())
        .then(pl.col("from_day"))
        .otherwise(first)
        .alias("ASTDT"),
        pl.when(pl.col("AENDTH").is_not_null()).then(bounded).alias("AENDT"),
    ).with_columns(_imputed("ASTDT").alias("ASTDTF"), _imputed("AENDT").alias("AENDTF"))
    is_exact = pl.col("ASTDTF").is_null() & pl.col("AENDTF").is_null()
    return rows.with_columns(
        study_day(pl.col("ASTDT"), pl.col("STARTDT")).alias("ASTDY"),
        study_day(pl.col("AENDT"), pl.col("STARTDT")).alias("AENDY"),
        pl.when(is_exact).then((pl.col("AENDT") - pl.col("ASTDT")).dt.total_days() + 1).alias("ADURN"),
    )


def _imputed(name: str) -> pl.Expr:
    """How much of a partial date is imputed, as CDISC flags it."""
    first, last = pl.col(f"{name}L"), pl.col(f"{name}H")
    is_month = (first.dt.year() == last.dt.year()) & (first.dt.month() == last.dt.month())
    return (
        pl.when(first == last)
        .then(None)
        .when(first.is_null())
        .then(pl.when(pl.col(name).is_not_null()).then(pl.lit("Y")))
        .when(is_month)
        .then(pl.lit("D"))
        .when(first.dt.year() == last.dt.year())
        .then(pl.lit("M"))
        .otherwise(pl.lit("Y"))
    )


def _with_occurrences(rows: pl.DataFrame) -> pl.DataFrame:
    """Flag the first and the first worst of a subject, a class and a term among treatment-emergent events."""
    rows = rows.with_row_index("row")
    counted = rows.filter(pl.col("TRTEMFL") == "Y")
    by_date = ["ASTDT", "AESEQ", "row"]
    orders = {"": counted.sort(by_date, nulls_last=True)}
    orders["I"] = counted.sort(["ATOXGR", *by_date], descending=[True, False, False, False], nulls_last=True)
    for which, ordered in orders.items():
        flags = ordered.select(
            "row",
            *(
                yes(pl.struct(SUBJECT, *keys).is_first_distinct()).alias(f"AOCC{level}{which}FL")
                for level, keys in _OCCURRENCES.items()
            ),
        )
        rows = rows.join(flags, on="row", how="left", maintain_order="left")
    return rows
