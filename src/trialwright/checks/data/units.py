"""Questions about single laboratory results: whether they are numbers, and of what unit."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.plan import records_of
from trialwright.checks.data.registry import Found, data_check, found, number, say
from trialwright.checks.data.results import SDTM, amounts, numeric, of_bilirubin, of_viral_load, scaled
from trialwright.checks.data.tables import StudyTables
from trialwright.derivations.result_values import RESULT, read_values
from trialwright.protocol.facts import Fact
from trialwright.protocol.model import Assay
from trialwright.protocol.scopes import catalogue_facts
from trialwright.records.results import contradicting, split_results, standard_number
from trialwright.vocabulary.concepts import Concept, Kind, catalogue
from trialwright.vocabulary.problems import Severity
from trialwright.vocabulary.units import UnitsDoNotConvert, conversion_factor
from trialwright.vocabulary.verdicts import Reason

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@data_check(
    "result-missing",
    WARNING,
    needs=("LB",),
    title="a test has neither a result nor a word that it was not done",
    why="A result that was lost and a test that was not done are different facts; here nobody can tell which.",
    example=of_bilirubin("LBORRES: ~"),
    cure=of_bilirubin("LBORRES: ~, LBSTAT: NOT DONE"),
    source=SDTM,
    left_out="the result",
)
def result_missing(study: StudyTables) -> Iterator[Found]:
    rows = study["LB"].filter(
        pl.all_horizontal(pl.col("LBORRES", "LBSTRESC", "LBSTRESN", "LBSTAT").is_null())
    )
    yield found(
        "LB",
        "LBORRES",
        rows,
        say("no result of {}", pl.col("LBTESTCD")),
        "write the result, or LBSTAT = NOT DONE",
    )


@data_check(
    "result-without-number",
    WARNING,
    needs=("LB",),
    title="a result that should be a number is none",
    why="""`haemolysed` is no measurement; `NEG` for a viral load could mean several things, and so could `1,234`. No number is made of
    it. Derivations read results with the same reader.""",
    example=of_bilirubin("LBORRES: haemolysed, LBORRESU: umol/L"),
    cure=of_bilirubin("LBORRES: 14, LBORRESU: umol/L"),
    source="docs/medicine/hepatitis-b.md: the words that laboratories write for a viral load",
    left_out="the result",
)
def result_without_number(study: StudyTables) -> Iterator[Found]:
    told = pl.coalesce("STRESC", "ORRES").str.strip_chars()
    is_none = pl.col("reason").is_null() | (pl.col("reason") == Reason.UNREADABLE.code)
    is_number = pl.col("STRESC").is_null() & told.cast(pl.Float64, strict=False).is_not_null()
    for domain, fact, rows in _numbers(study):
        read = _read(study, domain, fact, rows).filter(
            standard_number("STRESC", "STRESN").is_null() & is_none
        )
        wrong = read.select("ROW", TEXT=told, IS_NUMBER=is_number).drop_nulls()
        rows = rows.join(wrong, on="ROW", maintain_order="left")
        test = pl.col(f"{domain}TESTCD") if domain == "LB" else pl.lit(fact.name)
        words = say("`{}` is no number for {}", pl.col("TEXT"), test)
        unstandardised = say("`{}` of {} has no standard result", pl.col("TEXT"), test)
        message = pl.when("IS_NUMBER").then(unstandardised).otherwise(words)
        yield found(domain, f"{domain}STRESC", rows, message)


@data_check(
    "reported-otherwise",
    ERROR,
    needs=("LB",),
    title="a result was reported otherwise than it was standardised",
    why="""A decimal comma, a logarithm or a power of ten that was lost on the way is a number that looks fine; and of a sample that was haemolysed,
    or in which nothing was found, there is none. Derivations take neither.""",
    example=of_viral_load("LBORRES: 9.5x10^5, LBORRESU: IU/mL, LBSTRESN: 9500, LBSTRESU: IU/mL"),
    cure=of_viral_load("LBORRES: 9.5x10^5, LBORRESU: IU/mL, LBSTRESN: 950000, LBSTRESU: IU/mL"),
    source="derivations/reported_results.py",
    left_out="the result: it counts as in conflict",
)
def reported_otherwise(study: StudyTables) -> Iterator[Found]:
    is_plain = pl.col("LBORRES").cast(pl.Float64, strict=False).is_not_null()
    for domain, fact, rows in _numbers(study):
        if domain != "LB":
            continue
        read = _read(study, domain, fact, rows).filter(pl.col("reason") == Reason.CONFLICT.code)
        wrong = rows.join(read.select("ROW"), on="ROW", how="semi", maintain_order="left")
        factors = scaled(study).select("ROW", "FROM_REPORTED")
        wrong = wrong.join(factors, on="ROW", how="left", maintain_order="left")
        wrong = wrong.filter(
            ~is_plain | pl.col("FROM_REPORTED").is_null()
        )  # of two numbers `conversion-wrong` tells
        standard = pl.coalesce(pl.col("LBSTRESC"), number(pl.col("LBSTRESN")))
        reported = pl.concat_str("LBORRES", "LBORRESU", separator=" ", ignore_nulls=True)
        yield found(
            "LB",
            "LBSTRESN",
            wrong,
            say("{} was reported as `{}`, and stands as {}", pl.col("LBTESTCD"), reported, standard),
        )


@data_check(
    "result-of-no-test",
    ERROR,
    needs=("LB",),
    title="a test that was not done has a result",
    why="Either it was done, or the result is another one's. Nobody can tell, and what it may be stays open.",
    example=of_viral_load("LBORRES: 950000, LBORRESU: IU/mL, LBSTAT: NOT DONE"),
    cure=of_viral_load("LBSTAT: NOT DONE"),
    source=SDTM,
    left_out="the result",
)
def result_of_no_test(study: StudyTables) -> Iterator[Found]:
    has_number = pl.coalesce(
        standard_number(), pl.col("LBORRES").cast(pl.Float64, strict=False)
    ).is_not_null()
    rows = study["LB"].filter((pl.col("LBSTAT") == "NOT DONE").fill_null(value=False) & has_number)
    result = pl.coalesce("LBORRES", "LBSTRESC", number(pl.col("LBSTRESN")))
    yield found("LB", "LBSTAT", rows, say("{} was not done, and is {}", pl.col("LBTESTCD"), result))


def _read(study: StudyTables, domain: str, fact: Fact, rows: pl.DataFrame) -> pl.DataFrame:
    """What derivations read of some results: `ROW`, the parts of each, and its `reason`."""

    def read(study: StudyTables) -> pl.DataFrame:
        parts = [part for part in RESULT if f"{domain}{part}" in rows.columns]
        texts = rows.select("ROW", *(pl.col(f"{domain}{part}").alias(part) for part in parts))
        missing = [part for part in RESULT if part not in parts]
        texts = texts.with_columns(pl.lit(None, RESULT[part]).alias(part) for part in missing)
        return read_values(texts, fact, _assay(study, fact)).select("ROW", *RESULT, "reason")

    return study.kept(("read", domain, fact.name), read)


def _numbers(study: StudyTables) -> Iterator[tuple[str, Fact, pl.DataFrame]]:
    """Each fact that is a number, with the dataset and the records that hold it: tests of blood, and what the protocol names."""
    named = {} if study.checked is None else dict(study.checked.scope.facts)
    of_concept = {fact.concept: fact for fact in (*catalogue_facts().values(), *named.values())}
    for concept in study.results["CONCEPT"].drop_nulls().unique().sort():
        fact = of_concept[concept]
        if fact.kind is Kind.NUMBER:
            yield "LB", fact, study.results.filter(pl.col("CONCEPT") == concept)
    for name, fact in named.items():
        if fact.kind is Kind.NUMBER and name in study.protocol.facts:
            domain, rows = records_of(study, name)
            if domain in ("FA", "VS"):
                yield (
                    domain,
                    fact,
                    study.started(domain).join(
                        rows.select("ROW"), on="ROW", how="semi", maintain_order="left"
                    ),
                )


def _assay(study: StudyTables, fact: Fact) -> Assay | None:
    """How the fact is measured. Without a protocol nobody knows the limit of the assay, and words may be of any number below it."""
    if study.checked is None:
        limit = {"measures": fact.name, "lower limit": f"{_ANY_LIMIT} {fact.unit}"}
        return Assay.model_validate(limit) if fact.unit is not None else None
    return next((one for one in study.protocol.assays.values() if one.measures == fact.name), None)


_ANY_LIMIT = "1" + "0" * 14


@data_check(
    "unit-missing",
    ERROR,
    needs=("LB",),
    title="a result has no unit",
    why="A bilirubin of 2 is normal in µmol/L and twice the limit in mg/dL. A number without unit is no number.",
    example=of_bilirubin("LBORRES: 14"),
    cure=of_bilirubin("LBORRES: 14, LBORRESU: umol/L"),
    source=SDTM,
    left_out="the result: its unit counts as unknown",
)
def unit_missing(study: StudyTables) -> Iterator[Found]:
    rows = numeric(scaled(study)).filter(pl.col("PROBLEM") == "unit-missing")
    yield found(
        "LB",
        "LBORRESU",
        rows,
        say("{} of {} has no unit", pl.coalesce("LBORRES", "LBSTRESC"), pl.col("LBTESTCD")),
    )


@data_check(
    "unit-of-another-quantity",
    ERROR,
    needs=("LB",),
    title="the unit of a result does not fit its test",
    why="""Either the unit is wrong, or the test is: an INR in per cent is a prothrombin activity. The number cannot be compared with
    any other of the test.""",
    example=of_bilirubin("LBORRES: 14, LBORRESU: U/L"),
    cure=of_bilirubin("LBORRES: 14, LBORRESU: umol/L"),
    source="vocabulary/concepts.toml: the unit of each test, and what converts to it",
    left_out="the result: its unit counts as unknown",
)
def unit_of_another_quantity(study: StudyTables) -> Iterator[Found]:
    rows = numeric(scaled(study)).filter(pl.col("PROBLEM").is_in(["unit-mismatch", "unit-unexpected"]))
    yield found(
        "LB", "LBORRESU", rows, say("{} in {}: {}", pl.col("LBTESTCD"), pl.col("UNIT"), pl.col("WHY"))
    )


@data_check(
    "copies-without-assay",
    ERROR,
    needs=("LB",),
    title="a viral load in copies does not name its assay",
    why="""Assays differ from 3 to 6 copies in one international unit. Without the assay a result in copies cannot be held against
    a limit in IU/mL, or against another result.""",
    example=of_viral_load("LBORRES: 12000, LBORRESU: copies/mL"),
    cure=of_viral_load(
        "LBORRES: 12000, LBORRESU: copies/mL, LBMETHOD: roche_cobas_taqman, LBSTRESN: 2061.86, LBSTRESU: IU/mL"
    ),
    source="vocabulary/concepts.toml: copies per IU, by assay",
    left_out="the result: its unit counts as unknown",
)
def copies_without_assay(study: StudyTables) -> Iterator[Found]:
    ties = {}
    if study.checked is not None:  # the only assay of a fact is the one that measured
        facts = [fact for fact in study.checked.scope.facts.values() if fact.assay and fact.concept]
        ties = {fact.concept: any(tie.assay == fact.assay for tie in fact.equivalences) for fact in facts}
    known = [name for name, is_tied in ties.items() if is_tied]
    rows = numeric(scaled(study)).filter(pl.col("PROBLEM") == "assay-needed", ~pl.col("CONCEPT").is_in(known))
    for (hint,), group in rows.group_by("HINT", maintain_order=True):
        message = say("{} {}: {}", pl.coalesce("LBORRES", "LBSTRESC"), pl.col("UNIT"), pl.col("WHY"))
        yield found("LB", "LBMETHOD", group, message, str(hint or ""))


@data_check(
    "conversion-wrong",
    ERROR,
    needs=("LB",),
    title="the standard result is not the reported one converted",
    why="""Bilirubin in mg/dL times 17.1 is µmol/L. Where the factor was forgotten or used twice, or `<` was lost, limits and grades
    would be judged by a number that nobody measured.""",
    example=of_bilirubin("LBORRES: 1.2, LBORRESU: mg/dL, LBSTRESN: 1.2, LBSTRESU: umol/L"),
    cure=of_bilirubin("LBORRES: 1.2, LBORRESU: mg/dL, LBSTRESN: 20.52, LBSTRESU: umol/L"),
    source="""vocabulary/units.py; differences up to 1 %, or to the rounding of the standard result, pass, and a number below
    LBLLOQ that was put in place of `<` and that limit""",
    left_out="the result: nobody knows which of the two is right",
)
def conversion_wrong(study: StudyTables) -> Iterator[Found]:
    rows = split_results(numeric(scaled(study)))
    expected = pl.col("LBORRESN") * pl.col("FROM_REPORTED") / pl.col("TO_CONCEPT")
    factor = pl.col("FROM_REPORTED") / pl.col("TO_CONCEPT")
    rows = rows.with_columns(expected.alias("EXPECTED")).drop_nulls("EXPECTED")
    rows = rows.filter(contradicting(rows, factor))
    is_exact = pl.col("LBSTRESN").is_not_null() & ~pl.col("LBSTRESC").str.contains("[<>]").fill_null(
        value=False
    )
    given = pl.when(is_exact).then(number(pl.col("LBSTRESN"))).otherwise("LBSTRESC")
    message = say(
        "{} {} is {}{} {}, not {}",
        pl.col("LBORRES"), pl.col("LBORRESU"), pl.col("LBORCMP").fill_null(""), number(pl.col("EXPECTED")), pl.col("LBSTRESU"),
        given,
    )  # fmt: skip
    yield found("LB", "LBSTRESN", rows, message)


@data_check(
    "looks-unconverted",
    WARNING,
    needs=("LB",),
    title="a result differs from the person's others by the factor between two units of the test",
    why="""0.8 among values around 14 µmol/L is 0.8 mg/dL under the wrong unit. Everything that compares with a limit then judges
    another number.""",
    example=of_bilirubin("LBORRES: 0.8, LBORRESU: umol/L"),
    cure=of_bilirubin("LBORRES: 8, LBORRESU: umol/L"),
    source="""ours: three others or more within a factor of 2 of each other, their median a conversion factor away, within a factor
    of 1.5""",
)
def looks_unconverted(study: StudyTables) -> Iterator[Found]:
    factors = [(name, str(unit), factor) for name, one in catalogue().items() for unit, factor in _usual(one)]
    known = pl.DataFrame(factors, {"CONCEPT": pl.String, "OTHER": pl.String, "BY": pl.Float64}, orient="row")
    rows = amounts(study).filter(pl.col("AMOUNT") > 0, pl.col("SUBJECT").is_not_null())
    rows = rows.join(known, on="CONCEPT", maintain_order="left").with_columns(
        pl.col("AMOUNT").log().alias("LOG")
    )
    key = ["SUBJECT", "CONCEPT", "LBSPEC", "OTHER"]
    groups = rows.group_by(key).agg(pl.col("LOG").sort().alias("LOGS")).filter(pl.col("LOGS").list.len() >= 4)
    least, most = pl.col("LOGS").list.get(0), pl.col("LOGS").list.get(-1)
    second, last_but_one = pl.col("LOGS").list.get(1), pl.col("LOGS").list.get(-2)
    ends = pl.concat(
        [
            groups.select(*key, end.alias("END"), (high - low).alias("SPREAD"), pl.col("LOGS").list.slice(start, pl.col("LOGS").list.len() - 1).list.median().alias("MEDIAN"))
            for end, low, high, start in ((least, second, most, 1), (most, least, last_but_one, 0))
        ]
    ).filter(pl.col("SPREAD") <= pl.lit(2.0).log() + 1e-9)  # fmt: skip
    rows = rows.join(ends, on=key, nulls_equal=True, maintain_order="left").filter(
        pl.col("LOG") == pl.col("END")
    )
    away = (pl.col("LOG") - pl.col("MEDIAN")).abs() - pl.col("BY").log().abs()
    rows = rows.filter(away.abs() <= pl.lit(1.5).log()).unique(["ROW"], keep="first", maintain_order=True)
    message = say(
        "{} is {} {}, others of the subject are about {}: {} was meant?",
        pl.col("LBTESTCD"), number(pl.col("LBSTRESN")), pl.col("UNIT"),
        number(pl.col("MEDIAN").exp() / pl.col("TO_CONCEPT")), pl.col("OTHER"),
    )  # fmt: skip
    yield found("LB", "LBSTRESN", rows, message)


def _usual(concept: Concept) -> Iterator[tuple[str, float]]:
    """Other units in which laboratories report a concept, with the factor to the canonical one."""
    for code in concept.codes:
        if code.unit is not None and concept.unit is not None and code.unit != concept.unit:
            try:
                factor = float(conversion_factor(code.unit, concept.unit, equivalences=concept.equivalences))
            except UnitsDoNotConvert:
                continue
            if factor >= 2 or factor <= 0.5:
                yield str(code.unit), factor


@data_check(
    "logarithm-as-number",
    WARNING,
    needs=("LB",),
    title="a viral load looks like the logarithm of one",
    why="""5.2 IU/mL among values of a hundred thousand is 5.2 log: as a number it is a fall by four logarithms and, at baseline,
    makes every later value a reactivation.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 12, LBORRES: 4.5 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 12, LBORRES: '<20' }]",
    source="ours: 1 to below 10 IU/mL, a neighbour in time above 100 IU/mL, and its logarithm no more than 1 away",
)
def logarithm_as_number(study: StudyTables) -> Iterator[Found]:
    rows = (
        amounts(study)
        .filter(pl.col("CONCEPT") == "hbv_dna", pl.col("SUBJECT").is_not_null())
        .sort("SUBJECT", "FIRST", "ROW")
    )
    amount = pl.col("AMOUNT")
    neighbours = [amount.shift(step).over("SUBJECT") for step in (1, -1)]
    alike = [((one > 100) & ((one.log10() - amount).abs() <= 1)).fill_null(False) for one in neighbours]
    rows = rows.with_columns(pl.any_horizontal(alike).alias("IS_ALIKE"))
    rows = rows.filter((amount >= 1) & (amount < 10), pl.col("IS_ALIKE")).sort("ROW")
    message = say("{} {}: the results beside it are above 100", number(pl.col("LBSTRESN")), pl.col("UNIT"))
    yield found(
        "LB",
        "LBSTRESN",
        rows,
        message,
        "if it is a logarithm, write it with the unit log10 IU/mL as reported (LBORRES, LBORRESU), and the number it stands for as standard",
    )
