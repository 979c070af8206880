"""The grade of each laboratory result, as far as it follows from numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_column
from trialwright.medicine.arguments import Answers, as_answers, as_plain, row_count, spread
from trialwright.medicine.ctcae.criteria import (
    HIGHEST,
    Analyte,
    Criteria,
    Direction,
    Reference,
    Step,
    Steps,
    Term,
    criteria_of,
)
from trialwright.medicine.known import MET, NOT_MET, Index, Known, Numbers, choose, highest_reached
from trialwright.vocabulary.intervals import Flags, Floats, Intervals
from trialwright.vocabulary.units import conversion_factor
from trialwright.vocabulary.verdicts import Codes, Reason, all_of

_Label = TypeVar("_Label", bound=Hashable)

UnitNames = str | npt.ArrayLike | None
"""One unit for all rows or one for each; None for analytes without unit."""


class Symptoms(StrEnum):
    """What is assumed where nobody said whether a person has symptoms."""

    ABSENT = "none"
    PRESENT = "worst"
    OPEN = "open"


class MissingBaseline(StrEnum):
    """What is done where a term asks whether the baseline was normal and there is none."""

    AS_NORMAL = "as normal"
    OPEN = "open"


class CreatinineRule(StrEnum):
    """Whether multiples of baseline count beside multiples of the limit of normal, as the text says."""

    LITERAL = "literal"
    ULN_ONLY = "ULN only"


@dataclass(frozen=True, slots=True)
class Conventions:
    """What the criteria leave open."""

    symptoms: Symptoms
    missing_baseline: MissingBaseline
    creatinine: CreatinineRule

    def __post_init__(self) -> None:
        object.__setattr__(self, "symptoms", Symptoms(self.symptoms))
        object.__setattr__(self, "missing_baseline", MissingBaseline(self.missing_baseline))
        object.__setattr__(self, "creatinine", CreatinineRule(self.creatinine))


DEFAULT_CONVENTIONS = Conventions(Symptoms.ABSENT, MissingBaseline.AS_NORMAL, CreatinineRule.LITERAL)
"""The defaults of the clinical rules of both trials, for callers whose protocol does not say."""


class Baseline(NamedTuple):
    """Baseline values with their own unit, and the upper limit of normal of their own samples in that unit."""

    value: Numbers
    unit: UnitNames
    uln: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Grades:
    """Grades 0 to 4 of laboratory results, with the version that gave them.

    Parameters
    ----------
    version : str
        Version of the criteria.
    grade : Known of shape (n,)
        0 where none of the grades applies. Several where the row leaves it open, with the reason: no result, no limit
        of normal, unit unknown, `needs a person` where only a person can grade, `not applicable` where the analyte has
        no term on this side.
    is_baseline_assumed : ndarray of bool of shape (n,)
        Where a missing baseline counted as normal.
    may_be_higher : ndarray of bool of shape (n,)
        Where symptoms, of which nobody said anything, would give more; and where the number proposes a grade only.
    """

    version: str
    grade: Known
    is_baseline_assumed: Flags
    may_be_higher: Flags

    def __len__(self) -> int:
        return len(self.grade)


def grade_laboratory(
    analyte: str | Iterable[str],
    value: Numbers,
    *,
    unit: UnitNames,
    direction: Direction | str,
    version: str,
    lln: Numbers = np.nan,
    uln: Numbers = np.nan,
    baseline: Baseline | None = None,
    has_symptoms: Answers = None,
    is_anticoagulated: Answers = None,
    conventions: Conventions = DEFAULT_CONVENTIONS,
) -> Grades:
    """Grade laboratory results that lie too low or too high.

    Parameters
    ----------
    analyte : str, or iterable of str of shape (n,)
        Name in the catalogue of concepts, or in the table of the criteria (`corrected_calcium`).
    value : Known, Intervals or array-like of shape (n,)
        NaN where not measured.
    unit : str, None, or array-like of shape (n,)
        Unit of `value` and of its limits of normal.
    direction : `low` or `high`
    version : `5.0`
    lln, uln : Known, Intervals or array-like of shape (n,)
        Limits of normal of the sample; NaN where the laboratory gave none.
    baseline : Baseline, optional
        Of the same analyte; none where not given.
    has_symptoms : array-like of bool or None, or verdict codes, of shape (n,)
        Symptoms, signs or consequences that the term names; of those left None `conventions` says what is assumed.
    is_anticoagulated : array-like of bool or None, or verdict codes, of shape (n,)
        Asked for the INR, which is graded against baseline alone then; where not known, the grade may be either.
    conventions : Conventions
        What the criteria leave open.

    Returns
    -------
    grades : Grades of shape (n,)
        A result outside the plausible limits of its analyte counts as one of unknown unit: haemoglobin 13 g/L is
        asked about, never rescaled.

    Raises
    ------
    ValueError
        If an analyte, direction or version is not known; if a value is negative, or 0 where no living person has 0
        (INR, sodium); if a limit is negative, the upper one 0, or the lower above the upper; if one unit for all rows
        is none of the one analyte.

    References
    ----------
    .. [1] NCI, Common Terminology Criteria for Adverse Events, version 5.0, 27 November 2017.

    Examples
    --------
    >>> grades = grade_laboratory(
    ...     "alt", [120, 121, 300], unit="U/L", direction="high", version="5.0", uln=[40, 40, float("nan")],
    ...     baseline=Baseline(30, "U/L", 40),
    ... )
    >>> print(*grades.grade.bounds)
    [1, 1] [2, 2] [0, 4]
    """
    criteria, side = criteria_of(version), Direction(direction)
    read = _read(criteria, analyte, value, unit=unit, lln=lln, uln=uln, baseline=baseline)
    n = len(read.value)
    answers = {
        "has_symptoms": as_answers("has_symptoms", has_symptoms),
        "is_anticoagulated": as_answers("is_anticoagulated", is_anticoagulated),
    }
    row_count(value=read.value, **answers)
    symptoms, anticoagulated = (spread(answer, n) for answer in answers.values())

    least, most = np.zeros(n), np.full(n, float(HIGHEST))
    reasons = np.full(n, Reason.NOT_APPLICABLE.code, dtype=np.uint8)
    assumed, higher = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    for name, rows in read.rows_of.items():
        term = criteria.terms.get((name, side))
        if term is None:
            continue
        found = _Graded.of(
            term, read.take(rows), symptoms[rows], anticoagulated[rows], conventions=conventions
        )
        least[rows], most[rows] = found.grade.bounds.lo, found.grade.bounds.hi
        reasons[rows] = found.grade.reasons
        assumed[rows], higher[rows] = found.is_baseline_assumed, found.may_be_higher
    return Grades(version, Known(Intervals(least, most), reasons), assumed, higher)


def describe_fasting_glucose(glucose: Numbers, *, unit: UnitNames, uln: Numbers, version: str) -> Known:
    """Fasting glucose by the limits of v4.03: a description beside the grade, labelled `v4.03 numeric`.

    Version 5.0 has no numeric limits for high glucose. Parameters and errors as for `grade_laboratory`; `version` is
    that of the grades it stands beside.
    """
    criteria = criteria_of(version)
    term = criteria.descriptive["fasting_glucose"]
    read = _read(criteria, term.analyte, glucose, unit=unit, lln=np.nan, uln=uln, baseline=None)
    return _reached(term.steps, read, np.full(len(read.value), NOT_MET, dtype=np.uint8))


# --- rows of one term ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Results in the units of the criteria; `rows_of` tells which rows are of which analyte."""

    value: Known
    limits: Mapping[Reference, Known]
    baseline_uln: Known
    rows_of: Mapping[str, Index]

    def take(self, rows: Index) -> _Rows:
        if len(rows) == len(self.value):
            return self
        return _Rows(
            self.value[rows],
            {reference: limit[rows] for reference, limit in self.limits.items()},
            self.baseline_uln[rows],
            {},
        )


class _Graded(NamedTuple):
    grade: Known
    is_baseline_assumed: Flags
    may_be_higher: Flags

    @classmethod
    def of(
        cls, term: Term, rows: _Rows, symptoms: Codes, anticoagulated: Codes, *, conventions: Conventions
    ) -> _Graded:
        n = len(rows.value)
        none = np.zeros(n, dtype=np.bool_)
        if not term.steps:
            return cls(_open(np.full(n, Reason.NEEDS_A_PERSON.code)), none, none)
        is_told = symptoms != Reason.MISSING.code
        assumed_symptoms = np.where(is_told, symptoms, _SYMPTOM_CODES[conventions.symptoms])

        def graded(has_symptoms: Codes) -> tuple[Known, Flags]:
            if term.if_baseline_abnormal:
                return _by_baseline(term, rows, has_symptoms, conventions.missing_baseline)
            if term.if_anticoagulated:
                plain = _reached(term.steps, rows, has_symptoms)
                treated = _reached(term.if_anticoagulated, rows, has_symptoms)
                return choose(anticoagulated, treated, plain), none
            is_uln_only = term.uln_only and conventions.creatinine is CreatinineRule.ULN_ONLY
            return _reached(term.uln_only if is_uln_only else term.steps, rows, has_symptoms), none

        grade, is_assumed = graded(assumed_symptoms)
        higher = none
        if term.is_candidate:
            higher = grade.bounds.hi > 0
        elif any(step.needs_symptoms for step in term.steps):
            worst, _ = graded(np.where(is_told, symptoms, np.uint8(MET)))
            higher = worst.bounds.hi > grade.bounds.hi
        return cls(grade, is_assumed, higher)


_SYMPTOM_CODES: Mapping[Symptoms, np.uint8] = {
    Symptoms.ABSENT: np.uint8(NOT_MET),
    Symptoms.PRESENT: np.uint8(MET),
    Symptoms.OPEN: np.uint8(Reason.NEEDS_A_PERSON.code),
}


def _by_baseline(
    term: Term, rows: _Rows, symptoms: Codes, missing_baseline: MissingBaseline
) -> tuple[Known, Flags]:
    """Multiples of the limit where the baseline was normal, of the baseline where it was abnormal."""
    baseline = rows.limits[Reference.BASELINE]
    abnormal = baseline.compare(">", rows.baseline_uln)
    is_assumed = baseline.is_missing & (missing_baseline is MissingBaseline.AS_NORMAL)
    abnormal = np.where(is_assumed, np.uint8(NOT_MET), abnormal)
    if not (abnormal != NOT_MET).any():
        return _reached(term.steps, rows, symptoms), is_assumed
    normal, other = (_reached(steps, rows, symptoms) for steps in (term.steps, term.if_baseline_abnormal))
    return choose(abnormal, other, normal), is_assumed


def _reached(steps: Steps, rows: _Rows, symptoms: Codes) -> Known:
    return highest_reached(
        [_judged(step, rows, symptoms) for step in steps], [step.grade for step in steps], otherwise=0
    )


def _judged(step: Step, rows: _Rows, symptoms: Codes) -> Codes:
    codes = []
    for condition in step.conditions:
        threshold: Known | float = condition.number
        if condition.reference is not None:
            limit = rows.limits[condition.reference]
            is_plain = condition.number == 1 and condition.offset == 0
            threshold = limit if is_plain else limit.scaled(condition.number, condition.offset)
        codes.append(rows.value.compare(condition.comparison, threshold))
    if step.needs_symptoms:
        codes.append(symptoms)
    return codes[0] if len(codes) == 1 else all_of(codes)


def _open(reasons: npt.ArrayLike) -> Known:
    """Any grade, each row for its reason."""
    told = np.asarray(reasons, dtype=np.uint8)
    return Known(Intervals(np.zeros(len(told)), float(HIGHEST)), told)


# --- reading ---------------------------------------------------------------------------------------------------------


_LIMITS = frozenset({"lln", "uln", "baseline_uln"})


def _read(
    criteria: Criteria,
    analyte: str | Iterable[str],
    value: Numbers,
    *,
    unit: UnitNames,
    lln: Numbers,
    uln: Numbers,
    baseline: Baseline | None,
) -> _Rows:
    base = baseline if baseline is not None else Baseline(np.nan, unit, np.nan)
    numbers = {
        "value": as_plain("value", value, least=0),
        "lln": as_plain("lln", lln, least=0),
        "uln": as_plain("uln", uln, least=0),
        "baseline": as_plain("baseline.value", base.value, least=0),
        "baseline_uln": as_plain("baseline.uln", base.uln, least=0),
    }
    names = [analyte] if isinstance(analyte, str) else list(analyte)
    n = row_count(analyte=names, **numbers)
    numbers = {name: spread(known, n) for name, known in numbers.items()}
    _refuse_crossed(numbers["lln"], numbers["uln"])
    for name in ("uln", "baseline_uln"):
        _refuse(name.replace("_", "."), numbers[name], numbers[name].bounds.hi == 0, "above 0")

    about = _About.of(criteria, names, n)
    factors = _factors("value", unit, about)
    base_factors = factors if base.unit is unit else _factors("baseline.value", base.unit, about)
    in_unit = {
        name: _converted(
            name,
            numbers[name],
            base_factors if "baseline" in name else factors,
            about,
            is_limit=name in _LIMITS,
        )
        for name in numbers
    }
    return _Rows(
        in_unit["value"],
        {
            Reference.ULN: in_unit["uln"],
            Reference.LLN: in_unit["lln"],
            Reference.BASELINE: in_unit["baseline"],
        },
        in_unit["baseline_uln"],
        about.rows_of,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _About:
    """What is known of the analyte of each row."""

    analytes: tuple[Analyte, ...]
    which: Index
    rows_of: Mapping[str, Index]

    @classmethod
    def of(cls, criteria: Criteria, names: list[str], n: int) -> _About:
        codes, number = _numbered(names, len(names))
        for name in number:
            if name not in criteria.analytes:
                raise ValueError(f"`analyte[{names.index(name)}]` is none that is known: {name!r}")
        analytes = tuple(criteria.analytes[name] for name in number)
        which = np.broadcast_to(codes, n)
        if len(number) <= 1:
            return cls(analytes, which, {name: np.arange(n) for name in number})
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(number)))
        return cls(analytes, which, dict(zip(number, np.split(order, ends[:-1]), strict=True)))

    def bound(self, end: int, otherwise: float) -> Floats:
        """For each row the lower (0) or upper (1) end of what is plausible."""
        ends = [analyte.limits[end] for analyte in self.analytes]
        return self.each([otherwise if one is None else float(one) for one in ends])

    def each(self, of_analytes: Sequence[float]) -> Floats:
        """For each row what is told of its analyte."""
        told = np.array(of_analytes, np.float64)
        return np.broadcast_to(told, len(self.which)) if len(told) == 1 else told[self.which]


def _factors(name: str, unit: UnitNames, about: _About) -> Floats:
    """For each row the factor to the unit of its analyte; NaN where its unit is none of it."""
    n = len(about.which)
    if unit is None or isinstance(unit, str):
        each = [_factor(analyte, unit) for analyte in about.analytes]
        if len(each) == 1 and np.isnan(each[0]) and isinstance(unit, str):
            raise ValueError(f"`{unit}` of `{name}` is no unit of {about.analytes[0].name}")
        return about.each(each)
    units = unit.tolist() if isinstance(unit, np.ndarray) else as_column(unit, n).tolist()
    if len(units) != n:
        raise ValueError(f"{n} rows need as many units of `{name}`, not {len(units)}")
    codes, number = _numbered(zip(about.which.tolist(), units, strict=True), n)
    of_kinds = np.array([_factor(about.analytes[which], text) for which, text in number], dtype=np.float64)
    return of_kinds[codes]


def _numbered(labels: Iterable[_Label], n: int) -> tuple[Index, list[_Label]]:
    """For each label the number of its kind, and the kinds in their order."""
    number: defaultdict[_Label, int] = defaultdict(count().__next__)
    return np.fromiter(map(number.__getitem__, labels), np.intp, n), list(number)


def _factor(analyte: Analyte, unit: str | None) -> float:
    if not unit or analyte.unit is None:
        return 1.0 if not unit and analyte.unit is None else np.nan
    try:
        return float(conversion_factor(unit, analyte.unit, equivalences=analyte.equivalences))
    except ValueError:
        return np.nan


def _converted(name: str, numbers: Known, factors: Floats, about: _About, *, is_limit: bool) -> Known:
    """Numbers in the units of the criteria; of unknown unit where they are not plausible."""
    low, high = about.bound(0, 0.0), about.bound(1, np.inf)
    is_zero = numbers.bounds.hi == 0
    if not is_limit:
        _refuse(name, numbers, is_zero & (low > 0), "above 0")
    has_unit = ~np.isnan(factors)
    factor = np.where(has_unit, factors, 1.0)
    bounds = numbers.bounds
    lo, hi = bounds.lo * factor, bounds.hi * factor
    is_plausible = has_unit & (lo <= high) & ((hi >= low) | (is_zero & is_limit))
    missing = Reason.NO_LIMIT if is_limit else Reason.MISSING
    reasons = np.where(numbers.is_missing, np.uint8(missing.code), numbers.reasons)
    known = Known(
        Intervals(lo, hi, bounds.lo_open, bounds.hi_open),
        reasons,
        is_calculated=numbers.is_calculated | (factor != 1.0),
    )
    if is_plausible.all():
        return known
    return known.where(is_plausible, Known.unknown(np.maximum(reasons, np.uint8(Reason.UNIT_UNKNOWN.code))))


def _refuse_crossed(lln: Known, uln: Known) -> None:
    crossed = lln.bounds.lo > uln.bounds.hi
    _refuse("lln", lln, crossed, "at most its upper limit")


def _refuse(name: str, numbers: Known, refused: Flags, expected: str) -> None:
    if refused.any():
        position = int(np.argmax(refused))
        found = numbers.bounds.lo[position]
        raise ValueError(f"`{name}[{position}]` must be {expected}, not {found:g}")
