"""CTCAE grades of laboratory results on both sides, and the numbers that stand for results beyond an assay's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from trialwright.derivations.known_columns import as_known, reason_words, yes
from trialwright.medicine.assay_results import AssayResults, BelowLimit, State, impute_amounts
from trialwright.medicine.ctcae.criteria import Direction, criteria_of
from trialwright.medicine.ctcae.grading import (
    Baseline,
    Conventions,
    CreatinineRule,
    Grades,
    MissingBaseline,
    Symptoms,
    grade_laboratory,
)
from trialwright.medicine.known import Known
from trialwright.protocol.facts import Fact
from trialwright.protocol.model import Assay, Grading
from trialwright.vocabulary.verdicts import Reason

VERSION = "5.0"
SIDES: Mapping[str, Direction] = MappingProxyType({"L": Direction.LOW, "H": Direction.HIGH})
"""The letter of each side in the names of columns."""

GRADES = tuple(
    f"{name}{side}"
    for side in SIDES
    for name in ("ATOXGR", "ATOXLE", "ATOXMO", "ATOXRE", "ATOXUP", "ATOXBA", "BTOXGR")
)
"""The columns of grades in ADLB."""

_SYMPTOMS = {"none": Symptoms.ABSENT, "worst": Symptoms.PRESENT}
_NO_BASELINE = {"normal": MissingBaseline.AS_NORMAL, "not graded": MissingBaseline.OPEN}
_BELOW = {
    "half the limit": BelowLimit.HALF,
    "the limit": BelowLimit.LIMIT,
    "the limit less 1": BelowLimit.LESS_ONE,
    "the limit over the square root of 2": BelowLimit.BY_ROOT_TWO,
    "1": BelowLimit.ONE,
}


def grade_results(rows: pl.DataFrame, facts: Sequence[Fact], grading: Grading | None) -> pl.DataFrame:
    """The grades of results.

    Parameters
    ----------
    rows : DataFrame
        Results in the unit of their fact, with their baseline; `number` is the place of the fact among `facts`, and those
        of a fact lie together.
    facts : sequence of Fact
    grading : Grading, optional
        Without it nothing is graded.

    Returns
    -------
    grades : DataFrame
        For the low side (`L`) and the high (`H`): `ATOXGRL` (0 to 4, null where it does not follow), `ATOXLEL` and `ATOXMOL`
        (the least and the most it may be), `ATOXREL` (why it does not follow; `not applicable` where the criteria have no
        term for the fact on this side), `ATOXUPL` (Y where symptoms nobody told of would give more), `ATOXBAL` (Y where a
        missing baseline counts as normal).
    """
    if grading is None:
        return pl.concat([_ungraded(len(rows), letter) for letter in SIDES], how="horizontal")
    terms, sides = criteria_of(VERSION).terms, {letter: _Side.ungraded(len(rows)) for letter in SIDES}
    for number, run in runs_of(rows["number"]):
        fact = facts[number]
        graded = [letter for letter, side in SIDES.items() if (fact.concept, side) in terms]
        if not graded:
            continue
        value, lln, uln, baseline = _numbers(rows[run], fact)
        for letter in graded:
            grades = grade_laboratory(
                str(fact.concept), value, unit=str(fact.unit) if fact.unit else None, direction=SIDES[letter],
                version=VERSION, lln=lln, uln=uln, baseline=baseline, conventions=_conventions(grading),
            )  # fmt: skip
            sides[letter].put(run, grades)
    return pl.concat([side.columns(letter) for letter, side in sides.items()], how="horizontal")


def runs_of(numbers: pl.Series) -> Iterator[tuple[int, slice]]:
    """Each number of a column in which equal ones lie together, and where they lie."""
    start = 0
    for length, number in pl.select(runs=numbers.rle()).unnest("runs").iter_rows():
        yield number, slice(start, start + length)
        start += length


@dataclass(frozen=True)
class _Side:
    """The grades of one side of all results, -1 where there is none."""

    least: np.ndarray
    most: np.ndarray
    reasons: np.ndarray
    may_be_higher: np.ndarray
    is_baseline_assumed: np.ndarray

    @classmethod
    def ungraded(cls, n: int) -> _Side:
        """No grade: the criteria have no term."""
        reasons = np.full(n, Reason.NOT_APPLICABLE.code, np.uint8)
        (least, most), (higher, assumed) = np.full((2, n), -1, np.int8), np.zeros((2, n), np.bool_)
        return cls(least, most, reasons, higher, assumed)

    def put(self, run: slice, grades: Grades) -> None:
        self.least[run], self.most[run] = grades.grade.bounds.lo, grades.grade.bounds.hi
        self.reasons[run] = grades.grade.reasons
        self.may_be_higher[run] = grades.may_be_higher
        self.is_baseline_assumed[run] = grades.is_baseline_assumed

    def columns(self, letter: str) -> pl.DataFrame:
        least, most, is_graded = pl.col("least"), pl.col("most"), pl.col("least") >= 0
        return pl.DataFrame({"least": self.least, "most": self.most}).select(
            pl.when(is_graded & (least == most)).then(least).alias(f"ATOXGR{letter}"),
            pl.when(is_graded).then(least).alias(f"ATOXLE{letter}"),
            pl.when(is_graded).then(most).alias(f"ATOXMO{letter}"),
            reason_words(self.reasons).alias(f"ATOXRE{letter}"),
            yes(pl.lit(pl.Series(self.may_be_higher))).alias(f"ATOXUP{letter}"),
            yes(pl.lit(pl.Series(self.is_baseline_assumed))).alias(f"ATOXBA{letter}"),
        )


def _conventions(grading: Grading) -> Conventions:
    return Conventions(
        _SYMPTOMS[grading.clinical_part], _NO_BASELINE[grading.missing_baseline], CreatinineRule.LITERAL
    )


def possible(number: Known, *, reason: Reason = Reason.UNREADABLE, may_be_zero: bool) -> Known:
    """Numbers of which those that no living person has, below 0 or 0 itself, are unknown for a reason."""
    bounds = number.bounds
    wrong = (bounds.hi < 0) | ((bounds.hi == 0) & (not may_be_zero))
    if wrong.any():
        number = Known.unknown(np.full(len(number), reason.code)).where(wrong, number)
    return number.clamped(0) if (number.bounds.lo < 0).any() else number


def _numbers(rows: pl.DataFrame, fact: Fact) -> tuple[Known, Known, Known, Baseline]:
    """Results, limits and baseline; what cannot be of a living person is unreadable, and so are limits that cross."""
    low = float(fact.limits[0] or 0)
    value = possible(_known(rows, ""), may_be_zero=low <= 0)
    base = possible(_known(rows, "base_"), may_be_zero=low <= 0)
    lln, uln, base_uln = (
        possible(_limit(rows[name]), reason=Reason.NO_LIMIT, may_be_zero=name == "lln")
        for name in ("lln", "uln", "base_uln")
    )
    crossed = (lln.bounds.lo > uln.bounds.hi) & lln.is_exact & uln.is_exact
    if crossed.any():
        nothing = Known.unknown(np.full(len(lln), Reason.NO_LIMIT.code))
        lln, uln = nothing.where(crossed, lln), nothing.where(crossed, uln)
    return value, lln, uln, Baseline(base, str(fact.unit) if fact.unit else None, base_uln)


def _known(rows: pl.DataFrame, prefix: str) -> Known:
    code, converted = ("reason", "is_converted") if not prefix else ("base_code", "base_converted")
    lo, hi, lo_open, hi_open = (rows[f"{prefix}{name}"] for name in ("lo", "hi", "lo_open", "hi_open"))
    return as_known(lo, hi, lo_open, hi_open, rows[code], converted=rows[converted])


def _limit(limits: pl.Series) -> Known:
    numbers = limits.fill_null(np.nan).to_numpy()
    missing = np.isnan(numbers)
    known = Known.exactly(np.where(missing, 1.0, numbers))
    return (
        Known.unknown(np.full(len(numbers), Reason.NO_LIMIT.code)).where(missing, known)
        if missing.any()
        else known
    )


def _ungraded(n: int, letter: str) -> pl.DataFrame:
    """No grade, as the protocol grades nothing."""
    return pl.select(
        *(
            pl.repeat(None, n, dtype=pl.Int8).alias(f"{name}{letter}")
            for name in ("ATOXGR", "ATOXLE", "ATOXMO")
        ),
        pl.repeat(Reason.NOT_APPLICABLE.value, n, dtype=pl.String).alias(f"ATOXRE{letter}"),
        *(pl.repeat(None, n, dtype=pl.String).alias(f"{name}{letter}") for name in ("ATOXUP", "ATOXBA")),
    )


# --- beyond the limits of an assay --------------------------------------------------------------------------------------


def impute_all(
    rows: pl.DataFrame, facts: Sequence[Fact], assays: Mapping[str, Assay], prefix: str = ""
) -> pl.DataFrame:
    """As `impute_results`, for several facts at once: `number` is the place of the fact of each result among `facts`."""
    parts = [
        impute_results(rows[run], assays.get(facts[number].name), prefix)
        for number, run in runs_of(rows["number"])
    ]
    return pl.concat(parts or [impute_results(rows, None, prefix)], rechunk=True)


def impute_results(rows: pl.DataFrame, assay: Assay | None, prefix: str = "") -> pl.DataFrame:
    """A number for each result, for means and figures only: exact ones as they are, others as the assay's setting says.

    Returns
    -------
    imputed : DataFrame of shape (n, 2)
        `imputed`, null where there is no number, and `method`: null where the number is exact.
    """
    lo, hi = (pl.col(f"{prefix}{end}") for end in ("lo", "hi"))
    exact = pl.when(lo == hi).then(lo)
    if assay is None or not len(rows):
        return rows.select(exact.alias("imputed"), pl.lit(None, pl.String).alias("method"))
    known = _known(rows, prefix)
    bounds = known.bounds
    is_below = (bounds.lo <= 0) & (bounds.hi > 0) & np.isfinite(bounds.hi)
    is_above = (bounds.lo > 0) & ~np.isfinite(bounds.hi)
    rule = _BELOW[assay.below_limit_counts_as]
    if rule is BelowLimit.LESS_ONE:
        is_below &= bounds.hi > 1  # one less than a limit of 1 is no result
    state = np.full(len(rows), State.UNDECIDED, np.uint8)
    for flags, meant in (
        (known.is_exact, State.QUANTIFIED),
        (is_below, State.BELOW_LLOQ_UNSPECIFIED),
        (is_above, State.ABOVE_ULOQ),
    ):
        state[flags] = meant
    numbers = impute_amounts(AssayResults.of(known, state), below=rule, not_detected=rule)
    said = {"the upper limit": is_above, assay.below_limit_counts_as: is_below}
    method = [pl.when(pl.Series(flags)).then(pl.lit(text)) for text, flags in said.items()]
    return pl.select(
        pl.Series(numbers.values).fill_nan(None).alias("imputed"), pl.coalesce(method).alias("method")
    )
