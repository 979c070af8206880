"""Questions about laboratory results: limits of assays and of normal, results that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, number, say
from trialwright.checks.data.results import SDTM, amounts, of_bilirubin, of_viral_load
from trialwright.checks.data.tables import StudyTables
from trialwright.protocol.rule_tree import Compare, Limit, walk
from trialwright.records.results import of_other_specimen, split_results
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.problems import Severity, nearest
from trialwright.vocabulary.units import conversion_factor

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


@data_check(
    "implausible-result",
    WARNING,
    needs=("LB",),
    title="a result lies outside what a living person can have",
    why="More likely a wrong unit, a shifted point or another test than a result. It would lead every mean and every worst grade.",
    example=of_bilirubin("LBORRES: 1501, LBORRESU: umol/L"),
    cure=of_bilirubin("LBORRES: 1500, LBORRESU: umol/L"),
    source="vocabulary/concepts.toml: plausible limits, chosen for this catalogue",
)
def implausible_result(study: StudyTables) -> Iterator[Found]:
    limits = [
        (name, _float(one.limits[0]), _float(one.limits[1]), str(one.unit or ""))
        for name, one in catalogue().items()
        if one.is_laboratory
    ]
    known = pl.DataFrame(
        limits,
        {"CONCEPT": pl.String, "LOW": pl.Float64, "HIGH": pl.Float64, "CANONICAL": pl.String},
        orient="row",
    )
    rows = amounts(study).join(known, on="CONCEPT", maintain_order="left")
    rows = rows.filter((pl.col("AMOUNT") < pl.col("LOW")) | (pl.col("AMOUNT") > pl.col("HIGH")))
    message = say(
        "{} of {} {}; plausible is {} to {}",
        pl.col("LBTESTCD"), number(pl.col("AMOUNT")), pl.col("CANONICAL"), number(pl.col("LOW")), number(pl.col("HIGH")),
    )  # fmt: skip
    yield found("LB", "LBSTRESN", rows, message)


def _float(limit: object) -> float | None:
    return None if limit is None else float(str(limit))


# --- limits of the assay and of normal --------------------------------------------------------------------------------


def _assay_limits(study: StudyTables) -> pl.DataFrame:
    """Plain numbers with `LLOQ` and `ULOQ` in the standard unit: those of the record, else of the protocol's assay."""
    rows = amounts(study)
    limits = []
    if study.checked is not None:
        for assay in study.protocol.assays.values():
            fact = study.checked.scope.facts.get(assay.measures)
            if fact is not None and fact.concept is not None and fact.concept in catalogue():
                pair = (assay.lower_limit, assay.upper_limit)
                canonical = catalogue()[fact.concept].unit
                limits.append((fact.concept, *(_in_unit(one, canonical, fact.equivalences) for one in pair)))
    schema = {"CONCEPT": pl.String, "LOWER": pl.Float64, "UPPER": pl.Float64}
    known = pl.DataFrame(limits, schema, orient="row").unique("CONCEPT", keep="none")
    rows = rows.join(known, on="CONCEPT", how="left", maintain_order="left")
    return rows.with_columns(
        pl.coalesce("LBLLOQ", pl.col("LOWER") / pl.col("TO_CONCEPT")).alias("LLOQ"),
        pl.coalesce("LBULOQ", pl.col("UPPER") / pl.col("TO_CONCEPT")).alias("ULOQ"),
    )


def _in_unit(limit: object, unit: object, equivalences: object) -> float | None:
    if limit is None:
        return None
    factor = conversion_factor(str(limit.unit), str(unit), equivalences=equivalences)  # type: ignore[attr-defined,arg-type]
    return float(Fraction(limit.number) * factor)  # type: ignore[attr-defined]


@data_check(
    "below-the-assays-limit",
    WARNING,
    needs=("LB",),
    title="a number lies below what the assay can quantify",
    why="""Below its limit an assay says `<20`, not 7. A fold over such a baseline is a ratio to noise; often the point or the unit is
    wrong, or a logarithm was typed.""",
    example=of_viral_load("LBORRES: 19, LBORRESU: IU/mL, LBLLOQ: 20"),
    cure=of_viral_load("LBORRES: 20, LBORRESU: IU/mL, LBLLOQ: 20"),
    source="LBLLOQ of the record, else `lower limit` of the protocol's assay",
    left_out="the number, where the record itself states the limit: the result counts as below it",
)
def below_limit(study: StudyTables) -> Iterator[Found]:
    rows = _assay_limits(study).filter(
        pl.col("LBSTRESN") < pl.col("LLOQ") * (1 - 1e-9), pl.col("LBSTRESN") > 0
    )
    message = say(
        "{} is below the lower limit of quantification {} {}",
        number(pl.col("LBSTRESN")),
        number(pl.col("LLOQ")),
        pl.col("UNIT"),
    )
    yield found(
        "LB", "LBSTRESN", rows, message, "write it as the laboratory reports it, with `<` and the limit"
    )


@data_check(
    "above-the-assays-limit",
    WARNING,
    needs=("LB",),
    title="a number lies above what the assay can quantify",
    why="""Beyond its limit an assay says `>1.7E8`, unless the sample was diluted. A number read beyond it may be too low, and a rise
    is not seen.""",
    example=of_viral_load("LBORRES: 170000001, LBORRESU: IU/mL, LBULOQ: 170000000"),
    cure=of_viral_load("LBORRES: 170000000, LBORRESU: IU/mL, LBULOQ: 170000000"),
    source="LBULOQ of the record, else `upper limit` of the protocol's assay",
)
def above_limit(study: StudyTables) -> Iterator[Found]:
    rows = _assay_limits(study).filter(pl.col("LBSTRESN") > pl.col("ULOQ") * (1 + 1e-9))
    message = say(
        "{} is above the upper limit of quantification {} {}",
        number(pl.col("LBSTRESN")),
        number(pl.col("ULOQ")),
        pl.col("UNIT"),
    )
    yield found("LB", "LBSTRESN", rows, message, "if the sample was diluted, give the limit it has then")


@data_check(
    "normal-limit-missing",
    WARNING,
    needs=("LB",),
    needs_protocol=True,
    title="a result has no upper limit of normal, and a rule compares with it",
    why="`value >= 3 ULN` cannot be judged; the event stays unknown, not absent.",
    example="LB: [{ USUBJID: D-01, LBSEQ: 91, LBDTC: 2026-04-14, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBSTNRHI: ~ }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 91, LBDTC: 2026-04-14, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBSTNRHI: 40 }]",
    source="the protocol's rules",
    left_out="the result, where a rule needs its limit",
)
def normal_limit_missing(study: StudyTables) -> Iterator[Found]:
    concepts = _concepts_held_against_limits(study)
    rows = study.results.filter(pl.col("CONCEPT").is_in(concepts), pl.col("LBSTNRHI").is_null())
    rows = rows.filter(pl.col("LBSTRESN").is_not_null())
    yield found(
        "LB",
        "LBSTNRHI",
        rows,
        say("{} without upper limit of normal, which a rule needs", pl.col("LBTESTCD")),
    )


def _concepts_held_against_limits(study: StudyTables) -> list[str]:
    names: set[str] = set()
    for rule in study.checked.rules if study.checked else ():
        for node in walk(rule.condition):
            if isinstance(node, Compare) and isinstance(node.right, Limit):
                names.add(getattr(node.left, "fact", None) or rule.scope.rows_of or "")
    facts = study.checked.scope.facts if study.checked else {}
    concepts = {facts[name].concept for name in names if name in facts}
    return sorted(name for name in concepts if name is not None and name in catalogue())


@data_check(
    "normal-limits-change",
    WARNING,
    needs=("LB",),
    title="the upper limit of normal of a test changes for one person within one laboratory",
    why="""Another method, or the limits of another person's sex or age. Where a rule counts multiples of the limit, half of a change
    may be the limit's.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 3, LBSTNRHI: 55 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 3, LBSTNRHI: 40 }]",
    source=SDTM + "; up to 1 % is taken as rounding",
)
def normal_limits_change(study: StudyTables) -> Iterator[Found]:
    key = ["SUBJECT", "LBNAM", "LBTESTCD", "LBSPEC", "LBMETHOD", "LBSTRESU"]
    rows = study.results.filter(
        pl.col("CONCEPT").is_not_null(), pl.col("LBSTNRHI").is_not_null(), pl.col("SUBJECT").is_not_null()
    ).sort("FIRST", "ROW")
    rows = rows.with_columns(pl.col("LBSTNRHI").shift(1).over(key).alias("BEFORE"))
    rows = rows.filter((pl.col("LBSTNRHI") - pl.col("BEFORE")).abs() > 0.01 * pl.col("BEFORE").abs()).sort(
        "ROW"
    )
    message = say(
        "{}: the limit is {}, and was {}",
        pl.col("LBTESTCD"),
        number(pl.col("LBSTNRHI")),
        number(pl.col("BEFORE")),
    )
    yield found("LB", "LBSTNRHI", rows, message)


@data_check(
    "normal-flag-contradicts",
    WARNING,
    needs=("LB",),
    title="the indicator of the normal range contradicts the numbers",
    why="A number, a limit or a flag is wrong; shift tables use one and grades the others.",
    example=of_bilirubin("LBORRES: 22, LBORRESU: umol/L, LBSTNRLO: 3, LBSTNRHI: 21, LBNRIND: NORMAL"),
    cure=of_bilirubin("LBORRES: 21, LBORRESU: umol/L, LBSTNRLO: 3, LBSTNRHI: 21, LBNRIND: NORMAL"),
    source=SDTM,
)
def normal_flag_contradicts(study: StudyTables) -> Iterator[Found]:
    rows = split_results(study["LB"]).with_columns(
        _range_flag("LBSTRESN", "LBSTNRLO", "LBSTNRHI").alias("EXPECTED")
    )
    reported = [
        pl.col(name).str.strip_chars().cast(pl.Float64, strict=False).alias(name)
        for name in ("LBORNRLO", "LBORNRHI")
    ]
    as_reported = rows.with_columns(reported).select(
        pl.when(pl.col("LBORCMP").is_null()).then(_range_flag("LBORRESN", "LBORNRLO", "LBORNRHI"))
    )
    # what was rounded in converting is no contradiction: the reported numbers have the last word
    told = pl.col("LBNRIND").str.extract("^(LOW|HIGH|NORMAL)", 1)
    rows = rows.with_columns(as_reported.to_series().alias("AS_REPORTED"))
    rows = rows.filter(told != pl.col("EXPECTED"), (told != pl.col("AS_REPORTED")).fill_null(True))
    message = say(
        "{}, and {} lies {} for limits {} to {}",
        pl.col("LBNRIND"), number(pl.col("LBSTRESN")), pl.col("EXPECTED").str.to_lowercase(), number(pl.col("LBSTNRLO")), number(pl.col("LBSTNRHI")),
    )  # fmt: skip
    yield found("LB", "LBNRIND", rows, message)


def _range_flag(result: str, lower: str, upper: str) -> pl.Expr:
    """`LOW`, `NORMAL` or `HIGH`, the limits themselves normal; null where it is open."""
    value, low, high = pl.col(result), pl.col(lower), pl.col(upper)
    is_low, is_high = value < low - 1e-9 * low.abs(), value > high + 1e-9 * high.abs()
    inside = (~is_low) & (~is_high)
    return (
        pl.when(is_low)
        .then(pl.lit("LOW"))
        .when(is_high)
        .then(pl.lit("HIGH"))
        .when(inside)
        .then(pl.lit("NORMAL"))
    )


# --- results beside each other ----------------------------------------------------------------------------------------


@data_check(
    "results-differ",
    WARNING,
    needs=("LB",),
    title="two results of one test and one moment differ",
    why="""Nobody can tell which one holds. What lies between the two is taken as possible, so that a decision they do not share stays
    open.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 310, LBORRESU: U/L, LBDTC: 2026-02-17, LBSTNRHI: 40 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 310, LBORRESU: U/L, LBDTC: 2026-02-18, LBSTNRHI: 40 }]",
    source="docs/architecture.md: different results of one moment are an interval",
)
def results_differ(study: StudyTables) -> Iterator[Found]:
    key = ["SUBJECT", "LBTESTCD", "CONCEPT", "LBCAT", "LBSPEC", "LBMETHOD", "LBSTRESU", "LBDTC", "LBTPT"]
    value = pl.coalesce(pl.col("LBSTRESN").cast(pl.String), "LBSTRESC", "LBORRES")
    rows = study.results.filter(
        pl.col("LBDTC").is_not_null(), pl.col("SUBJECT").is_not_null(), value.is_not_null()
    )
    rows = rows.with_columns(value.alias("VALUE")).filter(pl.struct(key).is_duplicated())
    values = pl.col("VALUE").unique().sort().str.join(" and ").over(key)
    rows = rows.filter(pl.col("VALUE").n_unique().over(key) > 1)
    message = say("{} on {} is {}", pl.col("LBTESTCD"), pl.col("LBDTC"), values)
    yield found("LB", "LBSTRESN", rows, message)


@data_check(
    "other-specimen",
    WARNING,
    needs=("LB",),
    title="a result of a test of blood is of another specimen",
    why="""Creatinine of urine is a hundred times that of serum, and albumin of ascites a fifth. Criteria, grades and events ask for blood.""",
    example=of_bilirubin("LBORRES: 14, LBORRESU: umol/L, LBSPEC: URINE"),
    cure=of_bilirubin("LBORRES: 14, LBORRESU: umol/L, LBSPEC: SERUM"),
    source=SDTM,
    left_out="the result",
)
def other_specimen(study: StudyTables) -> Iterator[Found]:
    rows = study.results.filter(pl.col("CONCEPT").is_not_null(), of_other_specimen())
    message = say("{} is of {}", pl.col("LBTESTCD"), pl.col("LBSPEC").str.to_lowercase())
    yield found("LB", "LBSPEC", rows, message, "give it a code of its own, if it is one of another test")


@data_check(
    "test-not-asked-for",
    INFO,
    needs=("LB",),
    needs_protocol=True,
    title="the protocol asks for no such test",
    why="""Results under a code the protocol does not know decide nothing. That is as it should be for tests of routine care, and not
    for one whose code was misspelt.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALAT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-04-14 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-04-14, LBSTNRHI: 40 }]",
    source="the protocol's facts and their concepts",
    left_out="the result: nothing asks for it",
)
def test_not_asked_for(study: StudyTables) -> Iterator[Found]:
    facts = study.protocol.facts
    named = {one.concept for one in facts.values() if one.concept} & set(catalogue())
    parts = {part for name in named for part in catalogue()[name].parts}
    tests = sorted({str(catalogue()[name].test) for name in named | parts if catalogue()[name].is_laboratory})
    others = study["LB"].filter(~pl.col("LBTESTCD").str.strip_chars().str.to_uppercase().is_in(tests))
    counts = others.group_by("LBTESTCD", maintain_order=True).agg(
        pl.len().alias("N"), pl.col("ROW").first(), pl.col("USUBJID").first(), pl.col("SEQ").first()
    )
    known = {one.test for one in catalogue().values()}
    for row in counts.iter_slices(1):
        code = row["LBTESTCD"].item()
        meant = nearest(code, tests) if code not in known else None
        message = say(f"`{code}` is no test of the protocol; {{}} records", pl.col("N"))
        yield found("LB", "LBTESTCD", row, message, f"did you mean {meant}?" if meant else "")
