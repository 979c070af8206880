"""Liver injury by the laboratory: Hy's law, the quadrants of eDISH, the pattern of injury.

Multiples of the upper limit of normal and multiples of a personal baseline are judged by the same functions.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known, as_limits
from trialwright.medicine.arguments import aligned, places_of
from trialwright.medicine.hepatitis_b.events import Event, Judged, linked_event
from trialwright.medicine.hepatitis_b.occasions import MET, NOT_MET
from trialwright.medicine.known import Categories, Known, Numbers
from trialwright.medicine.moments import Times, as_moments
from trialwright.vocabulary.intervals import Comparison, Flags
from trialwright.vocabulary.verdicts import Codes, Reason, any_of

Unit = str | npt.ArrayLike | None
NEEDS_A_PERSON = np.uint8(Reason.NEEDS_A_PERSON.code)


def multiples_of_limit(values: Numbers, *, concept: str, unit: Unit, uln: Numbers, uln_unit: Unit) -> Known:
    """Results as multiples of the upper limit of normal; unknown (no limit of normal) where it is not given."""
    measured, limit = aligned(
        values=as_known("values", values, concept=concept, unit=unit),
        uln=as_limits("uln", uln, concept=concept, unit=uln_unit),
    )
    return measured.over(limit)


def multiples_of_baseline(
    values: Numbers, *, concept: str, unit: Unit, baseline: Numbers, baseline_unit: Unit
) -> Known:
    """Results as multiples of a personal baseline above 0; unknown (missing) where there is none."""
    measured, before = aligned(
        values=as_known("values", values, concept=concept, unit=unit),
        baseline=as_known("baseline", baseline, concept=concept, unit=baseline_unit, may_be_zero=False),
    )
    return measured.over(before)


def find_peaks(subjects: Iterable[Hashable], multiples: Known, *, people: Sequence[Hashable]) -> Known:
    """The highest multiple of each person; missing for who has none. Rows without any record are left out."""
    of = places_of("subjects", subjects, people=people)
    if len(of) != len(multiples):
        raise ValueError(f"`subjects` must have {len(multiples)} values, not {len(of)}")
    kept = np.flatnonzero((of >= 0) & ~multiples.is_missing)
    kept = kept[np.argsort(of[kept], kind="stable")]
    found, starts = np.unique(of[kept], return_index=True)
    if not len(found):
        return multiples.take(np.full(len(people), -1))
    row = np.full(len(people), -1, np.intp)
    row[found] = np.arange(len(found))
    return multiples[kept].highest(starts).take(row)


@dataclass(frozen=True, slots=True)
class LiverThresholds:
    """Where the lines lie. `bilirubin_comparison` is `>` in the guidance on Hy's law, `>=` in some programs."""

    aminotransferase: float
    bilirubin: float
    bilirubin_comparison: Comparison
    source: str


HYS_LAW = LiverThresholds(
    3, 2, Comparison.MORE, "FDA guidance on drug-induced liver injury, as quoted in public summaries"
)
"""In multiples of the upper limit of normal."""
HYS_LAW_AT_LEAST = LiverThresholds(3, 2, Comparison.AT_LEAST, "pharmaverse/admiral, vignette on Hy's law")
"""The variant in which twice the limit of bilirubin counts."""

QUADRANTS = ("normal or near", "Temple's corollary", "cholestasis or Gilbert", "Hy's law range")
"""Of eDISH: lower left, lower right, upper left, upper right."""


def edish_quadrant(aminotransferase: Known, bilirubin: Known, *, thresholds: LiverThresholds) -> Categories:
    """The quadrant of each person's peaks.

    Parameters
    ----------
    aminotransferase, bilirubin : Known of shape (n,)
        `find_peaks` of multiples of the limit of normal (eDISH) or of baseline (mDISH).
    thresholds : LiverThresholds
        In the same multiples.

    Returns
    -------
    quadrant : Categories of shape (n,)
        One of `QUADRANTS`, or several where a peak is not known well enough.
    """
    right = aminotransferase.compare(">=", thresholds.aminotransferase)
    upper = bilirubin.compare(thresholds.bilirubin_comparison, thresholds.bilirubin)
    may_right, may_left = right != NOT_MET, right != MET
    may_upper, may_lower = upper != NOT_MET, upper != MET
    possible = [
        may_left & may_lower,
        may_right & may_lower,
        may_left & may_upper,
        may_right & may_upper,
    ]
    reason = np.maximum(np.where(right == MET, NOT_MET, right), np.where(upper == MET, NOT_MET, upper))
    return Categories(QUADRANTS, np.column_stack(possible), reason)


@dataclass(frozen=True, slots=True, eq=False)
class Aminotransferases:
    """Samples with ALT, AST and ALP of one moment, as multiples of their limits (or baselines), a row each.

    Without `ast` the rule is asked of ALT alone; with it, an AST not measured may have been high.
    """

    subjects: Sequence[Hashable]
    times: Times
    alt: Known
    alp: Known
    ast: Known | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bilirubins:
    """Samples with total bilirubin as multiples of its limit (or baseline), a row each."""

    subjects: Sequence[Hashable]
    times: Times
    bilirubin: Known


def hys_law(
    aminotransferases: Aminotransferases,
    bilirubins: Bilirubins,
    *,
    people: Sequence[Hashable],
    thresholds: LiverThresholds,
    alp_below: float,
    days_after: int,
) -> Event:
    """Find candidates for Hy's law. Whether another cause explains the injury is for a person to say.

    Parameters
    ----------
    aminotransferases, bilirubins : samples
        Those after the start of treatment.
    people : sequence of labels
        For whom to answer.
    thresholds : LiverThresholds
    alp_below : float
        Multiple of the limit of ALP that must not be reached when ALT or AST first qualifies, else it may be
        cholestasis. Usual: 2.
    days_after : int
        The bilirubin is taken on the day of the aminotransferase or up to so many days after it. Default of the
        trials 30; 14 in the vignette of admiral.

    Returns
    -------
    candidate : Event
        Needs a person where ALP says that it may be cholestasis. The day is that of the bilirubin.
    """
    enzymes = (
        [aminotransferases.alt]
        if aminotransferases.ast is None
        else [aminotransferases.alt, aminotransferases.ast]
    )
    high = any_of([enzyme.compare(">=", thresholds.aminotransferase) for enzyme in enzymes])
    measured = ~np.all([enzyme.is_missing for enzyme in enzymes], axis=0)
    jaundice = bilirubins.bilirubin.compare(thresholds.bilirubin_comparison, thresholds.bilirubin)
    taken = ~bilirubins.bilirubin.is_missing
    first = _judged(aminotransferases, high, measured, people)
    second = _judged(bilirubins, jaundice, taken, people)
    verdict, day = linked_event(first, second, n_people=len(people), within=(0, days_after))
    alp_low = _judged(aminotransferases, aminotransferases.alp.compare("<", alp_below), measured, people)
    verdict = np.where(verdict == MET, _reviewed(first, alp_low.codes, len(people)), verdict)
    return Event.of(verdict, day)


def injury_pattern(
    alt: Known, alp: Known, *, hepatocellular: float, cholestatic: float
) -> tuple[Known, Categories]:
    """R, the multiple of ALT over that of ALP, and the pattern it shows.

    Parameters
    ----------
    alt, alp : Known of shape (n,)
        Multiples of their upper limits of normal.
    hepatocellular, cholestatic : float
        R from which on it is hepatocellular, and up to which it is cholestatic, both included. Usual: 5 and 2.

    Returns
    -------
    r : Known of shape (n,)
    pattern : Categories of shape (n,)
        `cholestatic`, `mixed` or `hepatocellular`.
    """
    r = alt.over(alp)
    high, low = r.compare(">=", hepatocellular), r.compare("<=", cholestatic)
    possible = [low != NOT_MET, (high != MET) & (low != MET), (high != NOT_MET)]
    return r, Categories(("cholestatic", "mixed", "hepatocellular"), np.column_stack(possible), r.reasons)


def _reviewed(enzymes: Judged, alp_low: Codes, n_people: int) -> Codes:
    """For each person met if ALP was low on the first day on which ALT or AST qualified, else needs a person."""
    day = enzymes.first(n_people).day.bounds.hi
    rows = np.flatnonzero((enzymes.codes == MET) & (enzymes.day.bounds.lo <= day[enzymes.of]))
    doubt = np.where(alp_low == MET, NOT_MET, np.where(alp_low == NOT_MET, NEEDS_A_PERSON, alp_low))
    worst = np.full(n_people, NOT_MET)
    np.maximum.at(worst, enzymes.of[rows], doubt[rows])
    return np.where(worst == NOT_MET, MET, worst)


def _judged(
    samples: Aminotransferases | Bilirubins, codes: Codes, kept: Flags, people: Sequence[Hashable]
) -> Judged:
    rows = np.flatnonzero(kept)
    subjects = [samples.subjects[row] for row in rows.tolist()]
    return Judged.read(subjects, as_moments("times", samples.times)[rows], codes[rows], people=people)
