"""ADLB: laboratory results with baseline, change, grade, shift and analysis visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from trialwright.derivations.baselines import BASELINE, baselines_of, find_baselines, is_of
from trialwright.derivations.corrected_calcium import with_corrected_calcium, written_as
from trialwright.derivations.events import known_facts
from trialwright.derivations.known_columns import REASONS, study_day, yes
from trialwright.derivations.laboratory_baselines import baseline_moments, find_nadirs
from trialwright.derivations.laboratory_grades import GRADES, SIDES, grade_results, impute_all, runs_of
from trialwright.derivations.laboratory_visits import VISITS, Ends, find_visits, visits_of
from trialwright.derivations.observations import DAYS
from trialwright.derivations.ordered import in_order
from trialwright.derivations.recorded_facts import RECORDED, recorded_facts
from trialwright.derivations.safety_period import ENDS, safety_span
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol.facts import Fact
from trialwright.protocol.model import Assay, Baseline, Grading
from trialwright.protocol.safety import safety_endpoint
from trialwright.records.dates import MOMENT
from trialwright.records.runs import join_by_runs
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE
from trialwright.vocabulary.verdicts import Reason

_OF_RESULT = (
    "ADT", "ADTL", "ADTH", "ADY", "AVAL", "AVALC", "AVALLO", "AVALHI", "REASON", "AVALIMP", "ANRLO", "ANRHI", "ANRIND",
    "R2ANRHI", "LOGAVAL", "ONTRTFL",
)  # fmt: skip
_OF_BASELINE = (
    "ABLFL", "BASETYPE", "BASE", "BASEC", "BASELO", "BASEHI", "BASEREAS", "BASEDT", "BASESRC", "BASEOLD", "BNRIND", "LOGBASE",
    "IMPMETH", "CHG", "PCHG", "R2BASE", "LOGCHG", "NADIR", "NADIRLO", "NADIRHI",
)  # fmt: skip
_OF_CANDIDATES = (
    SUBJECT, "row", "earliest", "latest", "lo", "hi", "lo_open", "hi_open", "level", "reason", "lln", "uln", "is_converted",
    "SRCALL", "base_from", "base_to",
)  # fmt: skip
_AT_BASE = {"BASEC": "AVALC", "BNRIND": "ANRIND", "base_indicator": "indicator"}
_INDICATORS = ("LOW", "NORMAL", "HIGH")
_SHIFTS = ("SHIFT1", *(f"SHIFT2{side}" for side in SIDES), *(f"WORST{side}FL" for side in SIDES))


def derive_adlb(study: Study, adsl: pl.DataFrame, facts: StudyFacts | None = None) -> pl.DataFrame:
    """One row a result and baseline of the protocol, in the order of facts, baselines, subjects and dates.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`.
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.

    Returns
    -------
    adlb : DataFrame
        Numbers are in the unit of their fact (`AVALU`). `AVAL` is there where the result is exact, `AVALLO` to `AVALHI` is
        what it may be, `AVALC` says it in words (`<20`), `REASON` why it is not exact. `AVALIMP` and all logarithms rest on
        `IMPMETH` where a result lies beyond the limits of its assay; no event does. What cannot be computed is null.
        Columns and rules stand in docs/derivations-safety.md.
    """
    facts = known_facts(study) if facts is None else facts
    measured = list(laboratory_facts(study).values())
    measured, recorded = with_corrected_calcium(measured, _recorded(measured, facts))
    plan = _Plan.of(facts, adsl, measured)
    rows = _results(recorded, plan)
    long = _in_order([_beside(rows, name, plan) for name in plan.baselines])
    places = study.subjects[SUBJECT].search_sorted(long[SUBJECT])
    return pl.concat([study.subjects.select(study.identity)[places], long.drop("number")], how="horizontal")


def _recorded(measured: Sequence[Fact], facts: StudyFacts) -> dict[str, pl.DataFrame]:
    """The results of facts as rules find them, where the protocol asks for the fact; what else a test gives stands beside."""
    study = facts.study
    asked = facts.definitions.asked(study.scope)
    own, others = (
        [fact for fact in measured if (fact.name in asked) is is_asked] for is_asked in (True, False)
    )
    everything = [fact for name, fact in study.scope.facts.items() if name in asked]
    return recorded_facts(study, own, facts.named, beside=everything) | recorded_facts(
        study, others, facts.named, beside=measured
    )


def laboratory_facts(study: Study) -> dict[str, Fact]:
    """The facts of ADLB: laboratory concepts, and whatever an endpoint wants the change of."""
    changing = {one.of for one in study.protocol.endpoints.values() if one.kind == "change"}
    return {
        name: fact
        for name, fact in study.scope.facts.items()
        if fact.kind in (Kind.NUMBER, Kind.CATEGORY) and (name in changing or fact.is_laboratory)
    }


@dataclass(frozen=True)
class _Plan:
    """What is the same for all results: the facts in their order, who is beside which dates, how results are read."""

    facts: Sequence[Fact]
    n_subjects: int
    dates: pl.DataFrame
    baselines: Mapping[str | None, tuple[Baseline | None, pl.DataFrame]]
    visits: Mapping[str, Ends]
    assays: Mapping[str, Assay]
    grading: Grading | None

    @classmethod
    def of(cls, facts: StudyFacts, adsl: pl.DataFrame, measured: Sequence[Fact]) -> _Plan:
        protocol = facts.study.protocol
        endpoint = safety_endpoint(protocol)
        nobody = pl.DataFrame(schema={SUBJECT: pl.Int64, "base_from": MOMENT, "base_to": MOMENT})
        baselines: dict[str | None, tuple[Baseline | None, pl.DataFrame]] = {
            name: (one, baseline_moments(one, facts)) for name, one in baselines_of(protocol).items()
        }
        return cls(
            measured,
            facts.study.subjects.select((pl.col(SUBJECT).max() + 1).fill_null(1)).item(),
            adsl.select(SUBJECT, "STARTDT").join(safety_span(facts), on=SUBJECT, how="left"),
            baselines or {None: (None, nobody)},
            visits_of(facts, adsl),
            {one.measures: one for one in reversed(protocol.assays.values())},
            endpoint[1].grading if endpoint else None,
        )

    @property
    def names(self) -> list[str]:
        return [fact.name for fact in self.facts]


# --- results ------------------------------------------------------------------------------------------------------------


def _results(recorded: Mapping[str, pl.DataFrame], plan: _Plan) -> pl.DataFrame:
    """The results of all facts by fact, person and date, with what each says by itself.

    From here on `SUBJECT` stands for a person and a fact (`number`, in the order of the facts): what is found for each
    subject in one fact is so found in all facts at once. `person` is the subject.
    """
    parts = [pl.DataFrame(schema={**RECORDED, "number": pl.Int64})]
    for number, name in enumerate(plan.names):
        if name in recorded:
            of_fact = in_order(
                recorded[name], SUBJECT, "earliest", "latest", "SRCDOM", "SRCSEQ", nulls_last=True
            )
            parts.append(of_fact.with_columns(number=pl.lit(number, pl.Int64)))
    rows = pl.concat(parts, rechunk=True)
    rows = rows.hstack(join_by_runs(rows[SUBJECT], plan.dates))
    rows = rows.with_columns(
        (pl.col("number") * plan.n_subjects + pl.col(SUBJECT)).set_sorted().alias(SUBJECT),
        person=pl.col(SUBJECT),
        row=pl.int_range(pl.len(), dtype=pl.Int64),
        counts=pl.col("reason").is_not_null(),
        ADTL=pl.col("earliest").dt.date(),
        ADTH=pl.col("latest").dt.date(),
    )
    rows = rows.hstack(impute_all(rows, plan.facts, plan.assays)).with_columns(_described())
    rows = rows.with_columns(
        study_day(pl.col("ADT"), pl.col("STARTDT")).alias("ADY"),
        pl.lit(pl.Series(_INDICATORS)).gather("indicator").alias("ANRIND"),
        _in_words(rows).alias("AVALC"),
    )
    return find_visits(rows.drop("STARTDT", *ENDS), plan.visits)


def _beside(rows: pl.DataFrame, name: str | None, plan: _Plan) -> pl.DataFrame:
    """Results beside a baseline: of the facts that have it."""
    baseline, moments = plan.baselines[name]
    others = [k for k, fact in enumerate(plan.names) if baseline is not None and not is_of(baseline, fact)]
    if others:
        rows = rows.filter(~pl.col("number").is_in(others))
    beside = rows.hstack(join_by_runs(rows["person"], moments.rename({SUBJECT: "person"})))
    beside = beside.hstack(join_by_runs(rows[SUBJECT], _bases(beside, baseline, plan)))
    return _finished(_compared(beside, plan).with_columns(pl.lit(name, pl.String).alias("BASETYPE")), plan)


def _described() -> list[pl.Expr]:
    """What a result says by itself."""
    lo, hi = pl.col("lo"), pl.col("hi")
    first, last = pl.col("ADTL"), pl.col("ADTH")
    surely = (first >= pl.col("first_latest").dt.date()) & (last <= pl.col("last_earliest").dt.date())
    never = (pl.col("latest") < pl.col("first_earliest")) | (first > pl.col("last_latest").dt.date())
    return [
        pl.when(first == last).then(first).alias("ADT"),
        pl.when(lo == hi).then(lo).alias("AVAL"),
        _finite(lo).alias("AVALLO"),
        _finite(hi).alias("AVALHI"),
        pl.when("counts").then(_why("reason")).otherwise(pl.lit(Reason.MISSING.value)).alias("REASON"),
        _range_indicator().alias("indicator"),
        pl.when((lo == hi) & (pl.col("uln") > 0)).then(lo / pl.col("uln")).alias("R2ANRHI"),
        pl.when(pl.col("imputed") > 0).then(pl.col("imputed").log10()).alias("LOGAVAL"),
        pl.when(surely).then(pl.lit("Y")).when(never).then(pl.lit("N")).alias("ONTRTFL"),
        pl.col("lln").alias("ANRLO"),
        pl.col("uln").alias("ANRHI"),
        pl.col("imputed").alias("AVALIMP"),
    ]


def _finite(end: pl.Expr) -> pl.Expr:
    return pl.when(end.is_finite()).then(end)


def _why(code: str) -> pl.Expr:
    return pl.col(code).replace_strict(REASONS, default=None, return_dtype=pl.String)


def _number(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.strip_suffix(".0")


def _in_words(rows: pl.DataFrame) -> pl.Series:
    """A result as it may be: `12`, `<20`, `>170000000`, `10 to 20`, or its level; null where nothing is known of it."""
    lo, hi = pl.col("lo"), pl.col("hi")
    is_exact = (lo == hi).fill_null(value=False)
    below = pl.when("hi_open").then(pl.lit("<")).otherwise(pl.lit("<="))
    above = pl.when("lo_open").then(pl.lit(">")).otherwise(pl.lit(">="))
    others = rows.select("lo", "hi", "lo_open", "hi_open", "level").filter(~is_exact).select(
        pl.when(lo.is_null()).then("level")
        .when(lo.is_infinite() & hi.is_infinite()).then(None)
        .when(hi.is_infinite()).then(above + _number(lo))
        .when((lo <= 0) | lo.is_infinite()).then(below + _number(hi))
        .otherwise(_number(lo) + " to " + _number(hi))
    ).to_series()  # fmt: skip
    place = pl.when(~is_exact).then((~is_exact).cum_sum() - 1)
    # texts cost most of all here: none that nobody reads
    exact = _number(pl.when(is_exact).then(lo))
    return rows.select(pl.when(is_exact).then(exact).otherwise(pl.lit(others).gather(place))).to_series()


def _range_indicator() -> pl.Expr:
    """Low, normal or high beside the limits of the sample, as a place in `_INDICATORS`; a limit that is not given does not count."""
    lo, hi, lln, uln = (pl.col(name) for name in ("lo", "hi", "lln", "uln"))
    tolerance = pl.when("is_converted").then(RELATIVE_TOLERANCE).otherwise(0.0)
    top, bottom = uln * (1 + tolerance), lln * (1 - tolerance)
    has_limit = lln.is_not_null() | uln.is_not_null()
    fits = (hi <= top).fill_null(value=True) & (lo >= bottom).fill_null(value=True)
    return (
        pl.when((lo > top) | ((lo == top) & pl.col("lo_open"))).then(2)
        .when((hi < bottom) | ((hi == bottom) & pl.col("hi_open"))).then(0)
        .when(has_limit & fits & lo.is_not_null()).then(1)
    ).cast(pl.UInt8)  # fmt: skip


# --- beside a baseline --------------------------------------------------------------------------------------------------


def _bases(rows: pl.DataFrame, baseline: Baseline | None, plan: _Plan) -> pl.DataFrame:
    """The baseline of each subject, in columns ready for the table."""
    if baseline is None:
        found = pl.DataFrame(schema={SUBJECT: pl.Int64, **BASELINE})
    else:
        may_be = rows.select(_OF_CANDIDATES).filter(rows["counts"], pl.col("earliest") <= pl.col("base_to"))
        found = find_baselines(may_be, baseline)
    numbered = found.with_columns(number=pl.col(SUBJECT) // plan.n_subjects)
    imputed = impute_all(numbered, plan.facts, plan.assays, "base_")
    place = pl.when(pl.col("base_row").is_not_null()).then(
        pl.lit(rows["row"]).search_sorted(pl.col("base_row"))
    )
    return found.hstack(imputed).select(
        SUBJECT, "base_lo", "base_hi", "base_lo_open", "base_hi_open", "base_uln", "base_converted", "base_code",
        place.alias("base_place"),
        pl.col("method").alias("base_method"),
        *(pl.lit(rows[name]).gather(place).alias(base) for base, name in _AT_BASE.items()),
        pl.when(pl.col("base_lo") == pl.col("base_hi")).then("base_lo").alias("BASE"),
        _finite(pl.col("base_lo")).alias("BASELO"),
        _finite(pl.col("base_hi")).alias("BASEHI"),
        _why("base_code").alias("BASEREAS"),
        pl.col("base_day").alias("BASEDT"),
        pl.col("base_source").alias("BASESRC"),
        yes(pl.col("base_is_old") & pl.col("base_row").is_not_null()).alias("BASEOLD"),
        pl.when(pl.col("imputed") > 0).then(pl.col("imputed").log10()).alias("LOGBASE"),
    )  # fmt: skip


def _compared(rows: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """Change, ratio, lowest result, grades and shifts against the baseline beside each row."""
    rows = rows.with_columns(
        (pl.col("earliest") > pl.col("base_to")).fill_null(value=False).alias("is_after"),
        (pl.col("latest") > pl.col("base_to")).fill_null(value=False).alias("may_be_after"),
    )
    rows = rows.hstack(find_nadirs(rows)).hstack(grade_results(rows, plan.facts, plan.grading))
    rows = rows.with_columns(
        pl.col(f"ATOXGR{side}").gather("base_place").alias(f"BTOXGR{side}") for side in SIDES
    )
    after, change = pl.when("is_after"), pl.col("AVAL") - pl.col("BASE")
    ratio = pl.when(pl.col("is_after") & (pl.col("BASE") > 0))
    rows = rows.with_columns(
        after.then(change).alias("CHG"),
        ratio.then(100 * change / pl.col("BASE")).alias("PCHG"),
        ratio.then(pl.col("AVAL") / pl.col("BASE")).alias("R2BASE"),
        after.then(pl.col("LOGAVAL") - pl.col("LOGBASE")).alias("LOGCHG"),
        pl.coalesce("method", "base_method").alias("IMPMETH"),
        pl.when(pl.col("nadir_lo") == pl.col("nadir_hi")).then(_finite(pl.col("nadir_lo"))).alias("NADIR"),
        _finite(pl.col("nadir_lo")).alias("NADIRLO"),
        _finite(pl.col("nadir_hi")).alias("NADIRHI"),
        yes(pl.int_range(pl.len()) == pl.col("base_place")).alias("ABLFL"),
        pl.when(pl.col("base_code").is_null()).then(pl.lit(Reason.MISSING.value)).otherwise("BASEREAS").alias("BASEREAS"),
        after.then(_shift("base_indicator", "indicator", _INDICATORS)).alias("SHIFT1"),
        *(after.then(_shift(f"BTOXGR{side}", f"ATOXGR{side}", range(6))).alias(f"SHIFT2{side}") for side in SIDES),
    )  # fmt: skip
    return rows.with_columns(yes(pl.lit(_worst(rows, side))).alias(f"WORST{side}FL") for side in SIDES)


def _shift(base: str, now: str, of: Sequence[object]) -> pl.Expr:
    """Two columns of places among some things as `this to that`, from a list of all pairs."""
    words = pl.Series([f"{one} to {other}" for one in of for other in of])
    return pl.lit(words).gather(len(of) * pl.col(base) + pl.col(now))


def _worst(rows: pl.DataFrame, side: str) -> pl.Series:
    """Whether each row is the first after baseline, in the period of safety, with the worst grade of its subject.

    A grade that is not exact counts as the least it may be.
    """
    counts = pl.col("is_after") & (pl.col("ONTRTFL") == "Y").fill_null(value=False)
    grade = rows.select(pl.when(counts).then(f"ATOXLE{side}").fill_null(-1)).to_series().to_numpy()
    flags = np.zeros(len(rows), np.bool_)
    if not len(rows):
        return pl.Series(flags)
    starts = np.flatnonzero(np.diff(rows[SUBJECT].to_numpy(), prepend=-1))
    worst = np.repeat(np.maximum.reduceat(grade, starts), np.diff(np.append(starts, len(rows))))
    candidates = np.flatnonzero((grade == worst) & (grade >= 0))
    is_first = np.diff(rows[SUBJECT].to_numpy()[candidates], prepend=-1) != 0
    flags[candidates[is_first]] = True
    return pl.Series(flags)


def _in_order(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows beside each baseline, in the order of facts and then of baselines; each part is in that of facts."""
    pieces = [
        (number, baseline, part[run])
        for baseline, part in enumerate(parts)
        for number, run in runs_of(part["number"])
    ]
    ordered = sorted(pieces, key=lambda piece: piece[:2])
    return pl.concat([piece for *_, piece in ordered] or parts)


def _finished(rows: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    units = [str(fact.unit) if fact.unit else None for fact in plan.facts]
    about = pl.DataFrame(
        {
            "PARAMCD": [name.upper() for name in plan.names],
            "PARAM": [
                f"{fact.label} ({unit})" if unit else fact.label
                for fact, unit in zip(plan.facts, units, strict=True)
            ],
            "AVALU": units,
            "PROTOCOL": [f"facts.{written_as(fact)}" for fact in plan.facts],
        },
        schema_overrides={"AVALU": pl.String},
    )
    source = (
        pl.when("is_after")
        .then(pl.concat_str("SRCALL", "BASESRC", separator=" ", ignore_nulls=True))
        .otherwise("SRCALL")
    )
    days = dict(zip(("ADTL", "ADTH"), DAYS, strict=True))
    return rows.hstack(about[rows["number"]]).with_columns(**days).select(
        "number",
        pl.col("person").alias(SUBJECT),
        "PARAMCD", "PARAM", "AVALU",
        *_OF_RESULT, *_OF_BASELINE, *GRADES, *_SHIFTS, *VISITS,
        pl.col("reader").alias("READER"),
        "SRCDOM", "SRCSEQ",
        source.alias("SRCALL"),
        "PROTOCOL",
    )  # fmt: skip
