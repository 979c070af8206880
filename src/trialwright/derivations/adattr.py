"""ADATTR: each flare and severe hepatic event with the cause somebody judged, the work-up, and what data suggest.

Nothing here changes whether an event is one: ADEVT, ADLB and ADAE say that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from trialwright.derivations.cause_patterns import DEFAULT_RULES, find_patterns
from trialwright.derivations.known_columns import spelt, study_day
from trialwright.derivations.liver_workup import find_workup, read_workup
from trialwright.derivations.study import SUBJECT, Study
from trialwright.medicine.hepatitis_b.causes import Cause, CauseRules, suggest_cause
from trialwright.medicine.hepatitis_b.liver_terms import HEPATIC
from trialwright.protocol.model import Protocol

FLARE = "hepatitis_flare"
SEVERE = 3
"""The grade from which on a hepatic event is attributed."""

PARAMETERS = ("alt", "ast", "alp", "ggt", "bilirubin")
"""The results whose grade makes a hepatic event, by concept."""

_COLUMNS: Mapping[str, Any] = {
    "EVTYPE": pl.String, "EVENT": pl.String, "ADT": pl.Date, "ADTL": pl.Date, "ADTH": pl.Date, "ATOXGR": pl.Int8,
    "refs": pl.List(pl.String), "SRCDOM": pl.String, "SRCSEQ": pl.Int64, "SRCALL": pl.String, "PROTOCOL": pl.String,
}  # fmt: skip
_OF_RESULT = (
    "PARAMCD", "PARAM", "ADT", "ADTL", "ADTH", "AVAL", "AVALLO", "AVALHI", "BASELO", "BASEHI", "R2ANRHI", "ONTRTFL", "ATOXLEH",
    "ATOXMOH", "SRCDOM", "SRCSEQ", "PROTOCOL",
)  # fmt: skip
_HEPATOBILIARY = "HEPATOBILIARY"


def derive_adattr(
    study: Study,
    adsl: pl.DataFrame,
    adevt: pl.DataFrame,
    adlb: pl.DataFrame,
    adae: pl.DataFrame,
    *,
    rules: CauseRules = DEFAULT_RULES,
) -> pl.DataFrame:
    """One row a flare, a hepatic adverse event and an episode of a liver test of grade 3 or more.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`, `RECORDDT`.
    adevt, adlb, adae : DataFrame
        As their derivations give them.
    rules : CauseRules
        The numbers behind the suggestion.

    Returns
    -------
    adattr : DataFrame
        `EVTYPE` (flare, adverse event, laboratory) and `EVENT`; `CAUSEST` says whether the cause was judged: judged, not
        judged, conflict (the last judgements of one day differ) or unreadable; `CAUSE`, `CAUSEBY`, `CAUSEDT` and `CAUSESRC`
        the judgement; `WUDONE`, `WUMISS` and `WUOPEN` what was looked for, what was not, and what may still come;
        `SUGGEST` the cause the data suggest, `SUGGOPEN` the causes they leave open, and `PAT...` the verdict on each
        pattern. The suggestion is never taken for the judgement.
    """
    results = _main_results(adlb)
    events = pl.concat([_flares(adevt), _adverse_events(adae), _laboratory(results, study.protocol)])
    events = events.sort(SUBJECT, "ADTL", "EVTYPE", "EVENT", "SRCSEQ", nulls_last=True).with_row_index("id")
    events = events.join(
        adsl.select(SUBJECT, "STARTDT", "RECORDDT"), on=SUBJECT, how="left", maintain_order="left"
    )
    events = events.with_columns(pl.coalesce("ADT", "ADTL").alias("day"))
    records = read_workup(study, events[SUBJECT])
    events = events.join(_judgements(study, events), on="id", how="left", maintain_order="left")
    events = events.join(find_workup(events, records), on="id", how="left", maintain_order="left")
    patterns = find_patterns(events, study, adevt, results, records, rules)
    suggested, undecided = suggest_cause(patterns.codes)
    return (
        pl.concat([events, patterns.words], how="horizontal")
        .with_columns(
            pl.Series("SUGGEST", suggested.tolist(), pl.String),
            pl.Series("SUGGOPEN", undecided.tolist(), pl.String),
            pl.col("CAUSEST").fill_null("not judged"),
            study_day(pl.col("ADT"), pl.col("STARTDT")).alias("ADY"),
        )
        .join(study.subjects.select(SUBJECT, *study.identity), on=SUBJECT, maintain_order="left")
        .select(
            *study.identity, SUBJECT, "EVTYPE", "EVENT", "ADT", "ADTL", "ADTH", "ADY", "ATOXGR",
            "CAUSEST", "CAUSE", "CAUSEBY", "CAUSEDT", "CAUSESRC", "WUDONE", "WUMISS", "WUOPEN",
            "SUGGEST", "SUGGOPEN", *patterns.words.columns, "SRCDOM", "SRCSEQ", "SRCALL", "PROTOCOL",
        )
    )  # fmt: skip


# --- what is attributed -------------------------------------------------------------------------------------------------


def _flares(adevt: pl.DataFrame) -> pl.DataFrame:
    return _in_shape(
        adevt.filter((pl.col("EVENT") == FLARE) & (pl.col("AVALC") == "met")).with_columns(
            EVTYPE=pl.lit("flare"), ATOXGR=pl.lit(None, pl.Int8), refs=_first_reference()
        )
    )


def _adverse_events(adae: pl.DataFrame) -> pl.DataFrame:
    """Hepatic events of grade 3 or more, and those whose grade nobody knows."""
    term = pl.coalesce("AEDECOD", "AETERM").str.to_uppercase()
    place = pl.coalesce("AESOC", "AEBODSYS").str.to_uppercase()
    is_hepatic = term.str.contains(HEPATIC) | place.str.contains(_HEPATOBILIARY)
    is_severe = (pl.col("ATOXGR") >= SEVERE) | pl.col("ATOXGR").is_null()
    return _in_shape(
        adae.filter(is_hepatic & is_severe & (pl.col("TRTEMFL") != "N").fill_null(value=True)).with_columns(
            EVTYPE=pl.lit("adverse event"), EVENT=term, refs=_first_reference(),
            ADTL="ASTDTL", ADTH="ASTDTH", ADT=pl.when(pl.col("ASTDTF").is_null()).then("ASTDT"),
        )
    )  # fmt: skip


def _main_results(adlb: pl.DataFrame) -> pl.DataFrame:
    """The results beside the first of the baselines, with what is read of them here."""
    main = adlb["BASETYPE"].first() if len(adlb) else None
    return adlb.select(SUBJECT, "BASETYPE", *_OF_RESULT).filter(pl.col("BASETYPE").eq_missing(pl.lit(main)))


def _laboratory(results: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Episodes of grade 3 or more: from the first such result until one that is surely below."""
    measured = [name.upper() for name, fact in protocol.facts.items() if fact.concept in PARAMETERS]
    measured += [name.upper() for name in PARAMETERS if name.upper() not in measured]
    least, most = pl.col("ATOXLEH"), pl.col("ATOXMOH")
    rows = results.filter(pl.col("PARAMCD").is_in(measured), (pl.col("ONTRTFL") != "N").fill_null(value=True))
    rows = rows.filter(pl.col(SUBJECT).is_in(pl.col(SUBJECT).filter(least >= SEVERE).implode()))
    of = (SUBJECT, "PARAMCD")
    state = pl.when(least >= SEVERE).then(1).when(most < SEVERE).then(0)
    rows = rows.with_columns(state.forward_fill().over(of).fill_null(0).alias("state"))
    begins = (pl.col("state") == 1) & (pl.col("state").shift(1, fill_value=0).over(of) == 0)
    rows = rows.with_columns(begins.cum_sum().over(of).alias("episode")).filter(pl.col("state") == 1)
    reference = pl.format("{}.{}", "SRCDOM", "SRCSEQ")
    found = rows.group_by(*of, "episode", maintain_order=True).agg(
        pl.col("ADT", "ADTL", "ADTH", "SRCDOM", "SRCSEQ", "PROTOCOL").first(),
        pl.col("ATOXLEH").max().alias("ATOXGR"),
        pl.col("PARAM").first().alias("EVENT"),
        reference.alias("refs"),
        reference.str.join(" ").alias("SRCALL"),
    )
    return _in_shape(found.with_columns(EVTYPE=pl.lit("laboratory")))


def _first_reference() -> pl.Expr:
    return pl.concat_list(pl.format("{}.{}", "SRCDOM", "SRCSEQ"))


def _in_shape(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(SUBJECT, *_COLUMNS).cast(pl.Schema(_COLUMNS))


# --- what was judged ----------------------------------------------------------------------------------------------------


def _judgements(study: Study, events: pl.DataFrame) -> pl.DataFrame:
    """The last judgement on each event: of its record, or of its name where nobody could mean another."""
    judged = study.tables["FA"].filter(pl.col("FATESTCD") == "CAUSE").select(
        SUBJECT,
        link=pl.col("FALNKID").str.strip_chars().str.to_uppercase(),
        name=spelt(pl.col("FAOBJ")),
        said=spelt(pl.coalesce("FASTRESC", "FAORRES")),
        by="FAEVAL",
        day=pl.col("FADTC_earliest").dt.date(),
        source=pl.format("FA.{}", "FASEQ"),
    ).filter(pl.col("said").is_not_null())  # fmt: skip
    linked = events.select("id", SUBJECT, link="refs").explode("link").join(judged, on=[SUBJECT, "link"])
    named = events.select("id", SUBJECT, name=spelt(pl.col("EVENT")))
    only = named.filter(pl.len().over(SUBJECT, "name") == 1)
    unlinked = judged.filter(pl.col("link").is_null())
    both = pl.concat([linked, only.join(unlinked, on=[SUBJECT, "name"])], how="diagonal").unique()
    last = both.filter(pl.col("day").eq_missing(pl.col("day").max().over("id")))
    known = {cause.value: cause.value for cause in Cause}
    cause = pl.col("said").replace_strict(known, default=None, return_dtype=pl.String)
    last = last.sort("id", "source").with_columns(cause.alias("cause"))
    is_one = pl.col("said").n_unique() == 1
    status = (
        pl.when(~is_one).then(pl.lit("conflict"))
        .when(pl.col("cause").first().is_null()).then(pl.lit("unreadable"))
        .otherwise(pl.lit("judged"))
    )  # fmt: skip
    return last.group_by("id", maintain_order=True).agg(
        CAUSEST=status,
        CAUSE=pl.when(is_one).then(pl.col("cause").first()),
        CAUSEBY=pl.col("by").drop_nulls().unique(maintain_order=True).str.join(", "),
        CAUSEDT=pl.col("day").first(),
        CAUSESRC=pl.col("source").unique(maintain_order=True).str.join(" "),
    )
