"""TU, TR and RS as derivations read them: what each reader saw of each lesion, by time point.

How the records are read stands in docs/derivations-tumour.md. Nothing is judged here.

Readers, lesions and time points are whole numbers, so that a million records are grouped fast: `who` is one reader of one
subject, `lesion` the name of a lesion, `label` a visit (else the group of records, else the day).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trialwright.derivations.ordered import in_order
from trialwright.derivations.study import SUBJECT, Study
from trialwright.medicine.recist.responses import Role, State
from trialwright.records.runs import read_by_runs
from trialwright.vocabulary.units import conversion_factor

WHO = (SUBJECT, "READER", "EVALID")
"""Whose course it is: the subject, `local` or `central`, and which of several readers (empty: the only one)."""

LOCAL, CENTRAL = "local", "central"

NODE_TESTS = ("DIAMETER", "LPERP", "SAXIS")
OTHER_TESTS = ("DIAMETER", "LDIAM")
"""Which measurements count: of nodes the short axis, of other lesions the longest diameter."""

FACTS = {"RECIST 1.1": "recist_response", "IRECIST": "irecist_response"}
"""The criteria of RS that are read, and the fact that each is a record of."""

_READERS = {"INVESTIGATOR": LOCAL, "INDEPENDENT ASSESSOR": CENTRAL, "ADJUDICATION COMMITTEE": CENTRAL}
_KINDS = pl.Enum(sorted({LOCAL, CENTRAL}))
_ROLES = {role.word: int(role) for role in Role}
_SEEN = {State.ABSENT.word: State.ABSENT, State.TOO_SMALL.word: State.TOO_SMALL, "PRESENT": State.PRESENT}
_STATES = {
    Role.TARGET: _SEEN,
    Role.NON_TARGET: {**_SEEN, State.PROGRESSED.word: State.PROGRESSED, "UNEQUIVOCAL": State.PROGRESSED},
    Role.NEW: {
        "ABSENT": State.ABSENT,
        "EQUIVOCAL": State.EQUIVOCAL,
        "UNEQUIVOCAL": State.UNEQUIVOCAL,
        "PRESENT": State.PRESENT,
    },
}
_PLACE = ("who", "label")


@dataclass(frozen=True)
class TumourRecords:
    """The records of all readers, lesions and responses.

    Attributes
    ----------
    readers : DataFrame
        `who`, `WHO` and `is_accepted`: whether this reader counts, one of each kind for a subject.
    lesions : Series
        Names of the lesions, by `lesion`.
    sightings : DataFrame
        One row a record of a lesion: `who`, `time_point` (0 at baseline, else a number of its own), `label`, `VISITNUM`,
        `VISIT`, `lesion`, `role` (code of `Role`), `is_node` (null where TU gives no place), `TULOC`, `test`, `mm`,
        `counts` (whether this measurement counts), `state` (code of `State`), `word`, `unit`, `given` (as reported), `early` and `late` (first and last day it may
        be), `is_baseline`, `is_not_done` (`is_skipped`: nor was there a scan), `method`, `SRCDOM`, `SRCSEQ`,
        and `row`, the order in which they are recorded.
    sums : DataFrame
        The sums that readers gave: `who`, `label`, `mm`, `early`.
    responses : DataFrame
        What readers answered: `who`, `label`, `VISITNUM`, `VISIT`, `fact`, `word`, `early`, `late`, `SRCSEQ`.
    left_out : DataFrame
        Records that could not be used: `SUBJECT`, `SRCDOM`, `SRCSEQ`, `why`.
    other_criteria : DataFrame
        How many overall responses are by criteria that are not read: `told` (RSCAT), `n_records`, `n_subjects`.
    """

    readers: pl.DataFrame
    lesions: pl.Series
    sightings: pl.DataFrame
    sums: pl.DataFrame
    responses: pl.DataFrame
    left_out: pl.DataFrame
    other_criteria: pl.DataFrame


def read_tumour_records(study: Study, start: pl.DataFrame) -> TumourRecords:
    """Bring TU, TR and RS together.

    Parameters
    ----------
    study : Study
    start : DataFrame
        `SUBJECT` and `STARTDT`, the day time is counted from: it tells the baseline where no record is flagged.
    """
    described = [_described(study.tables[name], name) for name in ("TU", "TR", "RS")]
    unread = [
        _left_out(table, "the evaluator is not known", pl.col("READER").is_null()) for table in described
    ]
    readers, names, (identified, results, responses) = _numbered(
        [table.drop_nulls("READER") for table in described]
    )
    roles = _roles(identified.drop_nulls("lesion"), results.drop_nulls("lesion"))
    measured = results.filter(pl.col("lesion").is_not_null(), pl.col("test").is_in(_TESTS))
    new = roles.filter(pl.col("role") == Role.NEW).select("tumour")
    seen = identified.drop("TULOC").join(new, on="tumour", how="semi")
    sightings = pl.concat([measured, seen], how="diagonal")
    sightings = sightings.join(roles, on="tumour", how="left", maintain_order="left")
    sightings = _with_counts(_with_states(_with_sizes(sightings)))
    told = responses.filter(pl.col("test") == "OVRLRESP", ~pl.col("is_not_done"))
    answers = told.filter(pl.col("fact").is_not_null())
    unread += [
        *_unusable(sightings),
        _left_out(answers, "the date is missing or unreadable", pl.col("early").is_null()),
    ]
    sightings = _split(_dated(sightings.drop_nulls("role")))
    return TumourRecords(
        _with_acceptance(
            readers, pl.concat([table.select("who", "is_accepted") for table in (results, responses)])
        ),
        names,
        _with_baseline(_without_skipped(sightings), start),
        _with_sizes(results.filter(pl.col("test") == "SUMDIAM")).select(*_PLACE, "mm", "early"),
        answers.filter(pl.col("word").is_not_null(), pl.col("early").is_not_null()).select(
            *_PLACE, "VISITNUM", "VISIT", "fact", "word", "early", "late", "SRCSEQ"
        ),
        pl.concat(unread),
        told.filter(pl.col("fact").is_null(), pl.col("word").is_not_null())
        .group_by("told")
        .agg(pl.len().alias("n_records"), pl.col(SUBJECT).n_unique().alias("n_subjects"))
        .sort("told", nulls_last=True),
    )


_NOT_EVALUABLE = "EVALUABLE|ASSESSABLE|IMAGE QUALITY|ART[EI]FACT"
"""Reasons (`--REASND`) for which a lesion of a scan that was made has no size: NOT DONE is the measurement, not the scan."""
_TESTS = ("DIAMETER", "LDIAM", "LPERP", "SAXIS", "TUMSTATE")


def _described(table: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The columns that the three domains share, by one name."""
    evaluator = read_by_runs(table[f"{domain}EVAL"], _evaluators)
    visit = read_by_runs(
        table["VISITNUM"], lambda visits: visits.to_frame("").select(pl.format("visit {}", ""))
    )
    day = pl.col(f"{domain}DTC").str.slice(0, len("2026-03-05"))  # clock times are no visits of their own
    groups = (("group {}", f"{domain}LNKGRP"), ("day {}", day))
    is_not_done = (pl.col(f"{domain}STAT") == "NOT DONE").fill_null(False)
    was_seen = pl.col(f"{domain}REASND").str.to_uppercase().str.contains(_NOT_EVALUABLE).fill_null(False)
    result = pl.coalesce(f"{domain}STRESC", f"{domain}ORRES")
    if domain == "TR":
        result = pl.when(pl.col("TRTESTCD") == "TUMSTATE").then(result)  # what is measured is no word
    return table.select(
        SUBJECT,
        evaluator["READER"],
        pl.coalesce(f"{domain}EVALID", evaluator["committee"]).fill_null("").alias("EVALID"),
        (pl.col(f"{domain}ACPTFL") == "Y").fill_null(False).alias("is_accepted"),
        pl.coalesce(visit.to_series(), *(pl.format(*group) for group in groups), pl.lit("")).alias("place"),
        "VISITNUM",
        "VISIT",
        pl.col(f"{domain}LNKID").alias("LNKID"),
        pl.col(f"{domain}TESTCD").alias("test"),
        result.str.to_uppercase().str.strip_chars().alias("word"),
        is_not_done.alias("is_not_done"),
        (is_not_done & ~was_seen).alias("is_skipped"),
        (pl.col(f"{domain}BLFL") == "Y").fill_null(False).alias("is_flagged"),
        pl.col(f"{domain}METHOD").alias("method"),
        pl.col(f"{domain}DTC_earliest").cast(pl.Date).alias("early"),
        pl.col(f"{domain}DTC_latest").cast(pl.Date).alias("late"),
        pl.lit(domain).alias("SRCDOM"),
        pl.col(f"{domain}SEQ").alias("SRCSEQ"),
        *_own_columns(domain),
    )


def _evaluators(told: pl.Series) -> pl.DataFrame:
    """Whose reading the words of EVAL mean, and the adjudication committee by its name."""
    evaluator = pl.col("told").str.to_uppercase().fill_null("INVESTIGATOR")
    return told.to_frame("told").select(
        evaluator.replace_strict(_READERS, default=None, return_dtype=_KINDS).alias("READER"),
        pl.when(evaluator == "ADJUDICATION COMMITTEE").then(evaluator).alias("committee"),
    )


def criteria_named() -> pl.Expr:
    """The criteria that RSCAT names, one of `FACTS`, however it spells them (`RECIST v1.1`); null where it names others or none."""
    spelt = pl.col("RSCAT").str.to_uppercase().str.replace_all(r"[\s_()-]+|VERSION|VER\.?|V\.?", "")
    words = {re.sub(r"\s", "", name): name for name in FACTS}
    return spelt.replace_strict(words, default=None, return_dtype=pl.String)


def _own_columns(domain: str) -> Sequence[pl.Expr]:
    if domain == "TU":
        return [pl.col("TULOC")]
    if domain == "RS":
        fact = criteria_named().replace_strict(FACTS, default=None, return_dtype=pl.String)
        return [fact.alias("fact"), pl.col("RSCAT").alias("told")]
    plain = pl.col("TRORRES").str.strip_chars().cast(pl.Float64, strict=False)
    converted = pl.col("TRSTRESN").is_not_null()
    return [
        pl.col("TRGRPID").alias("group"),
        pl.when(converted).then("TRSTRESN").otherwise(plain).alias("given"),
        pl.when(converted).then("TRSTRESU").otherwise("TRORRESU").alias("unit"),
    ]


def _numbered(tables: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, pl.Series, list[pl.DataFrame]]:
    """Readers, lesions and time points as whole numbers: who each `who` is, the names of lesions, and the tables.

    `tumour` is one lesion as one reader follows it.
    """
    ids, lesions, places = (_distinct(tables, column) for column in ("EVALID", "LNKID", "place"))
    of_id, of_lesion, of_place = (
        pl.col(column).cast(pl.Enum(names)).to_physical().cast(pl.Int64)
        for column, names in (("EVALID", ids), ("LNKID", lesions), ("place", places))
    )
    n_ids = max(len(ids), 1)
    n_kinds = len(_KINDS.categories) * n_ids
    numbered = [
        table.select(
            pl.exclude(*WHO[1:], "LNKID", "place"),
            (pl.col(SUBJECT) * n_kinds + pl.col("READER").to_physical() * n_ids + of_id).alias("who"),
            of_lesion.alias("lesion"),
            of_place.alias("label"),
        ).with_columns((pl.col("who") * len(lesions) + pl.col("lesion")).alias("tumour"))
        for table in tables
    ]
    everybody = pl.concat([table["who"].unique() for table in numbered]).unique().sort().to_frame()
    readers = everybody.select(
        "who",
        (pl.col("who") // n_kinds).alias(SUBJECT),
        _KINDS.categories.gather(everybody["who"] % n_kinds // n_ids).alias("READER"),
        ids.gather(everybody["who"] % n_ids),
    )
    return readers, lesions, numbered


def _distinct(tables: Sequence[pl.DataFrame], column: str) -> pl.Series:
    return pl.concat([table[column].unique() for table in tables]).drop_nulls().unique().sort()


def _roles(identified: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """What each lesion is followed as, and whether it is a node: by TU, else by the group of TR."""

    def role(word: pl.Expr) -> pl.Expr:
        return word.replace_strict(_ROLES, default=None, return_dtype=pl.UInt8).first(ignore_nulls=True)

    by_place = in_order(identified, SUBJECT, "SRCSEQ").group_by("tumour", maintain_order=True).agg(
        role(pl.col("word")).alias("role"), pl.col("TULOC").first(ignore_nulls=True)
    )  # fmt: skip
    is_node = pl.col("place").str.to_uppercase().str.contains(r"\b(LYMPH|NOD(E|AL))").alias("is_node")
    nodes = read_by_runs(by_place["TULOC"], lambda places: places.to_frame("place").select(is_node))
    by_place = by_place.with_columns(nodes)
    untold = results.join(by_place.drop_nulls("role"), on="tumour", how="anti").drop_nulls("group")
    by_group = untold.group_by("tumour").agg(role(pl.col("group").str.to_uppercase()).alias("group_role"))
    joined = by_place.join(by_group, on="tumour", how="full", coalesce=True)
    return joined.select("tumour", pl.coalesce("role", "group_role").alias("role"), "TULOC", "is_node")


def _with_sizes(rows: pl.DataFrame) -> pl.DataFrame:
    """Measurements in mm; one without a unit of length, or that cannot be a size, is none."""
    factors = {unit: _factor(unit) for unit in rows["unit"].drop_nulls().unique()}
    factor = pl.col("unit").replace_strict(factors, default=None, return_dtype=pl.Float64)
    size = (pl.col("given") * factor).round(6)
    possible = size.is_finite() & (size >= 0) & ~pl.col("is_not_done")
    return rows.with_columns(pl.when(possible).then(size).alias("mm"))


def _with_counts(rows: pl.DataFrame) -> pl.DataFrame:
    """Whether a record is the measurement that counts: `DIAMETER`, without it that along the right axis.

    The right axis is the short one of nodes, else the longest; a lesion without a place is taken for no node.
    """
    test, is_measured = pl.col("test"), pl.col("mm").is_not_null()
    is_right = pl.when("is_node").then(test.is_in(NODE_TESTS)).otherwise(test.is_in(OTHER_TESTS))
    rows = rows.with_columns((is_right & is_measured).alias("counts"))
    if not (rows["counts"] & (rows["test"] != "DIAMETER")).any():
        return rows
    plain = rows.filter("counts", test == "DIAMETER").select("tumour", "label").unique()
    has_plain = plain.with_columns(has_plain=pl.lit(True))
    rows = rows.join(has_plain, on=["tumour", "label"], how="left", maintain_order="left")
    other = pl.col("has_plain").fill_null(False) & (test != "DIAMETER")
    return rows.with_columns((pl.col("counts") & ~other).alias("counts")).drop("has_plain")


def _factor(unit: str) -> float | None:
    try:
        return float(conversion_factor(unit, "mm"))
    except ValueError:
        return None


def _with_states(rows: pl.DataFrame) -> pl.DataFrame:
    """What was seen, as codes."""
    told = pl.lit(int(State.NOT_ASSESSED), pl.UInt8)
    for role, words in _STATES.items():
        codes = {word: int(state) for word, state in words.items()}
        code = pl.col("word").replace_strict(codes, default=0, return_dtype=pl.UInt8)
        told = pl.when(pl.col("role") == role).then(code).otherwise(told)
    is_state = (pl.col("test") == "TUMSTATE") & ~pl.col("is_not_done")
    rows = rows.with_columns(pl.when(is_state).then(told).otherwise(0).cast(pl.UInt8).alias("state"))
    new = (pl.col("role") == Role.NEW).fill_null(False)
    return pl.concat([rows.filter(~new), _with_new_states(rows.filter(new))])


def _with_new_states(rows: pl.DataFrame) -> pl.DataFrame:
    """New lesions: unequivocal unless a record says otherwise; `PRESENT` is what other records of the lesion say."""
    lesion = ["who", "lesion"]
    equivocal = (pl.col("state") == State.EQUIVOCAL).any().over(lesion)
    certain = (pl.col("state") == State.UNEQUIVOCAL).any().over(lesion)
    called = pl.when(equivocal & ~certain).then(int(State.EQUIVOCAL)).otherwise(int(State.UNEQUIVOCAL))
    only_seen = (pl.col("state") == State.PRESENT) | (pl.col("SRCDOM") == "TU") | (pl.col("mm") > 0)
    is_word = pl.col("state").is_in([State.ABSENT, State.EQUIVOCAL, State.UNEQUIVOCAL])
    state = (
        pl.when(is_word.any().over([*_PLACE, "lesion"])).then(pl.when(is_word).then("state").otherwise(0))
        .when(only_seen).then(called)
        .when(pl.col("mm") == 0).then(int(State.ABSENT))
        .otherwise(0)
    )  # fmt: skip
    return rows.with_columns(state.cast(pl.UInt8).alias("state"))


def _unusable(sightings: pl.DataFrame) -> list[pl.DataFrame]:
    """Records of lesions of which something cannot be used."""
    no_state = (pl.col("test") == "TUMSTATE") & (pl.col("state") == 0) & pl.col("word").is_not_null()
    no_size = pl.col("given").is_not_null() & pl.col("mm").is_null() & (pl.col("test") != "TUMSTATE")
    done = ~pl.col("is_not_done")
    known = pl.col("role").is_not_null()
    return [
        _left_out(sightings, "neither TU nor the group tells what the lesion is followed as", ~known),
        _left_out(sightings, "the size is impossible, or its unit none of length", no_size & done),
        _left_out(sightings, "the state is none that is known for such a lesion", no_state & done & known),
        _left_out(sightings, "the date is missing or unreadable", pl.col("early").is_null() & done),
    ]


def _left_out(table: pl.DataFrame, why: str, unusable: pl.Expr) -> pl.DataFrame:
    return table.filter(unusable).select(SUBJECT, "SRCDOM", "SRCSEQ", pl.lit(why).alias("why"))


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    """A record without a day has those of its time point; without any it is left out."""
    if not rows["early"].null_count():
        return rows
    undated = pl.col("early").is_null()
    return rows.with_columns(
        pl.when(undated).then(pl.col("early").min().over(_PLACE)).otherwise("early").alias("early"),
        pl.when(undated).then(pl.col("late").max().over(_PLACE)).otherwise("late").alias("late"),
    ).filter(pl.col("early").is_not_null())


def _split(rows: pl.DataFrame) -> pl.DataFrame:
    """Number the time points: a visit in which one lesion was seen on two days is two of them. Their rows lie together."""
    labels = pl.col("label").max() + 1
    rows = rows.with_columns((pl.col("who") * labels + pl.col("label")).alias("point"))
    rows = rows.with_row_index("row").sort("point", maintain_order=True)
    of, early = pl.col("point"), pl.col("early")
    several = rows.filter((of == of.shift()) & (early != early.shift())).select("point").unique()
    days = rows.join(several, on="point", how="semi").group_by("point", "lesion").agg(
        (early.min() < early.max()).alias("twice")
    )  # fmt: skip
    split = days.filter("twice").select("point").unique().with_columns(is_split=True)
    if split.is_empty():
        return rows.with_columns((pl.col("label") + 1).alias("time_point"))
    day = pl.when("is_split").then(early.cast(pl.Int32).cast(pl.Int64) + 200_000).otherwise(0)
    points = (pl.col("time_point").max() + 1) * pl.col("who") + pl.col("time_point")
    return (
        rows.join(split, on="point", how="left", maintain_order="left")
        .with_columns((pl.col("label") + labels * day + 1).alias("time_point"))
        .with_columns(points.alias("point"))
        .drop("is_split")
        .sort("point", maintain_order=True)
    )


def _without_skipped(rows: pl.DataFrame) -> pl.DataFrame:
    """A time point of which every record says that it was not done, and none that a scan could not be evaluated, is no assessment."""
    skipped = rows.group_by("point").agg(pl.col("is_skipped").all()).filter("is_skipped")
    return rows.join(skipped, on="point", how="anti", maintain_order="left") if len(skipped) else rows


def _with_baseline(rows: pl.DataFrame, start: pl.DataFrame) -> pl.DataFrame:
    """The flagged time points of a course, else the last one that lies on or before the start for certain."""
    flagged = rows.filter("is_flagged").select("who", "point").unique()
    points = rows.join(flagged, on="who", how="anti").group_by("point").agg(
        pl.col("who", SUBJECT).first(), pl.col("late").max()
    ).join(start.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left")  # fmt: skip
    before = pl.when(pl.col("late") <= pl.col("STARTDT")).then("late")
    last = points.filter(before == before.max().over("who"))
    baseline = pl.concat([flagged.select("point"), last.select("point")]).with_columns(is_baseline=True)
    flag = pl.col("is_baseline").fill_null(False)
    return (
        rows.join(baseline, on="point", how="left", maintain_order="left")
        .with_columns(
            flag.alias("is_baseline"), pl.when(flag).then(0).otherwise("time_point").alias("time_point")
        )
        .drop("point")
    )


def _with_acceptance(readers: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """The reader that counts of each kind: the only one, or the only one whose records are flagged as accepted."""
    found = flags.group_by("who").agg(pl.col("is_accepted").any())
    kind = [SUBJECT, "READER"]
    alone = pl.len().over(kind) == 1
    chosen = pl.col("is_accepted") & (pl.col("is_accepted").sum().over(kind) == 1)
    return readers.join(found, on="who").with_columns((alone | chosen).alias("is_accepted")).sort("who")
