"""TU, TR and RS as derivations read them: what each reader saw of each lesion, by time point.

How the records are read stands in docs/derivations-tumour.md. Nothing is judged here.

Readers, lesions and time points are whole numbers, so that a million records are grouped fast: `who` is one reader of one
subject, `lesion` the name of a lesion, `label` a visit (else the group of records, else the day).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trialwright.derivations.study import SUBJECT, Study
from trialwright.medicine.recist.responses import Role, State
from trialwright.vocabulary.units import conversion_factor

WHO = (SUBJECT, "READER", "EVALID")
"""Whose course it is: the subject, `local` or `central`, and which of several readers (empty: the only one)."""

LOCAL, CENTRAL = "local", "central"

NODE_TESTS = ("DIAMETER", "LPERP", "SAXIS")
OTHER_TESTS = ("DIAMETER", "LDIAM")
"""Which measurements count: of nodes the short axis, of other lesions the longest diameter."""

FACTS = {"RECIST 1.1": "recist_response", "IRECIST": "irecist_response"}
"""The fact that each category of RS is a record of."""

_READERS = {"INVESTIGATOR": LOCAL, "INDEPENDENT ASSESSOR": CENTRAL, "ADJUDICATION COMMITTEE": CENTRAL}
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
_POINT = ("who", "time_point")


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
        be), `is_baseline`, `is_not_done`, `method`, `SRCDOM`, `SRCSEQ`.
    sums : DataFrame
        The sums that readers gave: `who`, `label`, `mm`, `early`.
    responses : DataFrame
        What readers answered: `who`, `label`, `VISITNUM`, `VISIT`, `fact`, `word`, `early`, `late`, `SRCSEQ`.
    left_out : DataFrame
        Records that could not be used: `SUBJECT`, `SRCDOM`, `SRCSEQ`, `why`.
    """

    readers: pl.DataFrame
    lesions: pl.Series
    sightings: pl.DataFrame
    sums: pl.DataFrame
    responses: pl.DataFrame
    left_out: pl.DataFrame


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
        [table.filter(pl.col("READER").is_not_null()) for table in described]
    )
    measured = results.filter(pl.col("lesion").is_not_null(), pl.col("test").is_in(_TESTS))
    everything = pl.concat(
        [measured, identified.filter(pl.col("lesion").is_not_null()).drop("TULOC")], how="diagonal"
    )
    everything = everything.join(
        _roles(identified, results), on=["who", "lesion"], how="left", maintain_order="left"
    )
    sightings = everything.filter((pl.col("SRCDOM") == "TR") | (pl.col("role") == Role.NEW))
    sightings = _with_counts(_with_states(_with_sizes(sightings)))
    answers = responses.filter(
        pl.col("test") == "OVRLRESP", pl.col("fact").is_not_null(), ~pl.col("is_not_done")
    )
    unread += [
        *_unusable(sightings),
        _left_out(answers, "the date is missing or unreadable", pl.col("early").is_null()),
    ]
    sightings = _split(_dated(sightings.filter(pl.col("role").is_not_null())))
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
    )


_TESTS = ("DIAMETER", "LDIAM", "LPERP", "SAXIS", "TUMSTATE")


def _described(table: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The columns that the three domains share, by one name."""
    evaluator = pl.col(f"{domain}EVAL").str.to_uppercase().fill_null("INVESTIGATOR")
    committee = pl.when(evaluator == "ADJUDICATION COMMITTEE").then(evaluator)
    groups = (("visit {}", "VISITNUM"), ("group {}", f"{domain}LNKGRP"), ("day {}", f"{domain}DTC"))
    result = pl.coalesce(f"{domain}STRESC", f"{domain}ORRES").str.to_uppercase().str.strip_chars()
    return table.select(
        SUBJECT,
        evaluator.replace_strict(_READERS, default=None, return_dtype=pl.String).alias("READER"),
        pl.coalesce(f"{domain}EVALID", committee).fill_null("").alias("EVALID"),
        (pl.col(f"{domain}ACPTFL") == "Y").fill_null(False).alias("is_accepted"),
        pl.coalesce(*(pl.format(*group) for group in groups), pl.lit("")).alias("place"),
        "VISITNUM",
        "VISIT",
        pl.col(f"{domain}LNKID").alias("LNKID"),
        pl.col(f"{domain}TESTCD").alias("test"),
        result.alias("word"),
        (pl.col(f"{domain}STAT") == "NOT DONE").fill_null(False).alias("is_not_done"),
        (pl.col(f"{domain}BLFL") == "Y").fill_null(False).alias("is_flagged"),
        pl.col(f"{domain}METHOD").alias("method"),
        pl.col(f"{domain}DTC_earliest").cast(pl.Date).alias("early"),
        pl.col(f"{domain}DTC_latest").cast(pl.Date).alias("late"),
        pl.lit(domain).alias("SRCDOM"),
        pl.col(f"{domain}SEQ").alias("SRCSEQ"),
        *_own_columns(domain),
    )


def _own_columns(domain: str) -> Sequence[pl.Expr]:
    if domain == "TU":
        return [pl.col("TULOC")]
    if domain == "RS":
        category = pl.col("RSCAT").str.to_uppercase().str.strip_chars()
        return [category.replace_strict(FACTS, default=None, return_dtype=pl.String).alias("fact")]
    plain = pl.col("TRORRES").str.strip_chars().cast(pl.Float64, strict=False)
    converted = pl.col("TRSTRESN").is_not_null()
    return [
        pl.col("TRGRPID").str.to_uppercase().alias("group"),
        pl.when(converted).then("TRSTRESN").otherwise(plain).alias("given"),
        pl.when(converted).then("TRSTRESU").otherwise("TRORRESU").alias("unit"),
    ]


def _numbered(tables: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, pl.Series, list[pl.DataFrame]]:
    """Readers, lesions and time points as whole numbers: who each `who` is, the names of lesions, and the tables."""
    kinds = pl.concat([table.select("READER", "EVALID").unique() for table in tables]).unique()
    kinds = kinds.sort("READER", "EVALID").with_row_index("kind").cast({"kind": pl.Int64})
    named = {column: _distinct(tables, column) for column in ("LNKID", "place")}
    numbers = {column: pl.col(column).cast(pl.Enum(names)).to_physical() for column, names in named.items()}
    numbered = [
        table.join(kinds, on=["READER", "EVALID"], how="left", maintain_order="left").with_columns(
            (pl.col(SUBJECT) * max(len(kinds), 1) + pl.col("kind")).alias("who"),
            numbers["LNKID"].cast(pl.Int64).alias("lesion"),
            numbers["place"].cast(pl.Int64).alias("label"),
        ).drop("kind", "LNKID", "place")
        for table in tables
    ]  # fmt: skip
    readers = (
        pl.concat([table.select("who", *WHO).unique("who") for table in numbered]).unique("who").sort("who")
    )
    return readers, named["LNKID"], [table.drop(WHO[1:]) for table in numbered]


def _distinct(tables: Sequence[pl.DataFrame], column: str) -> pl.Series:
    return pl.concat([table[column].unique() for table in tables]).drop_nulls().unique().sort()


def _roles(identified: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """What each lesion is followed as, and whether it is a node: by TU, else by the group of TR."""

    def role(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(_ROLES, default=None, return_dtype=pl.UInt8).drop_nulls().first()

    is_node = pl.col("TULOC").str.to_uppercase().str.contains(r"\b(LYMPH|NOD(E|AL))")
    key = ["who", "lesion"]
    by_place = identified.filter(pl.col("lesion").is_not_null()).sort("SRCSEQ").group_by(key).agg(
        role("word").alias("role"),
        pl.col("TULOC").drop_nulls().first(),
        is_node.drop_nulls().first().alias("is_node"),
    )  # fmt: skip
    by_group = results.filter(pl.col("lesion").is_not_null(), pl.col("group").is_not_null()).group_by(key).agg(
        role("group").alias("group_role")
    )  # fmt: skip
    joined = by_place.join(by_group, on=key, how="full", coalesce=True)
    return joined.select(*key, pl.coalesce("role", "group_role").alias("role"), "TULOC", "is_node")


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
    plain = rows.filter("counts", test == "DIAMETER").select(*_PLACE, "lesion").unique()
    if len(plain) == rows["counts"].sum():
        return rows
    has_plain = plain.with_columns(has_plain=pl.lit(True))
    rows = rows.join(has_plain, on=[*_PLACE, "lesion"], how="left", maintain_order="left")
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
    """Number the time points: a visit in which one lesion was seen on two days is two of them."""
    days = rows.group_by([*_PLACE, "lesion"]).agg(
        (pl.col("early").min() < pl.col("early").max()).alias("twice")
    )
    split = days.filter("twice").select(_PLACE).unique().with_columns(is_split=True)
    labels = pl.col("label").max() + 1
    day = pl.when("is_split").then(pl.col("early").cast(pl.Int32).cast(pl.Int64) + 200_000).otherwise(0)
    return (
        rows.join(split, on=list(_PLACE), how="left", maintain_order="left")
        .with_columns((pl.col("label") + labels * day + 1).alias("time_point"))
        .drop("is_split")
    )


def _without_skipped(rows: pl.DataFrame) -> pl.DataFrame:
    """A time point of which every record says that it was not done is no assessment."""
    skipped = rows.group_by(_POINT).agg(pl.col("is_not_done").all()).filter("is_not_done")
    return rows.join(skipped, on=list(_POINT), how="anti", maintain_order="left") if len(skipped) else rows


def _with_baseline(rows: pl.DataFrame, start: pl.DataFrame) -> pl.DataFrame:
    """The flagged time points of a course, else the last one that lies on or before the start for certain."""
    points = rows.group_by(_POINT).agg(
        pl.col(SUBJECT).first(), pl.col("late").max(), pl.col("is_flagged").any()
    )
    points = points.join(start.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left")
    before = pl.when(pl.col("late") <= pl.col("STARTDT")).then("late")
    last = (before == before.max().over("who")).fill_null(False)
    chosen = pl.when(pl.col("is_flagged").any().over("who")).then("is_flagged").otherwise(last)
    baseline = points.filter(chosen).select(*_POINT, is_baseline=pl.lit(True))
    flag = pl.col("is_baseline").fill_null(False)
    return rows.join(baseline, on=list(_POINT), how="left", maintain_order="left").with_columns(
        flag.alias("is_baseline"), pl.when(flag).then(0).otherwise("time_point").alias("time_point")
    )


def _with_acceptance(readers: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """The reader that counts of each kind: the only one, or the only one whose records are flagged as accepted."""
    found = flags.group_by("who").agg(pl.col("is_accepted").any())
    kind = [SUBJECT, "READER"]
    alone = pl.len().over(kind) == 1
    chosen = pl.col("is_accepted") & (pl.col("is_accepted").sum().over(kind) == 1)
    return readers.join(found, on="who").with_columns((alone | chosen).alias("is_accepted")).sort("who")
