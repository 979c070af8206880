"""Hepatitis flare: when ALT has risen far enough over its baseline, how high it went, and when it was over."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import aligned
from trialwright.medicine.hepatitis_b.occasions import MET, NOT_MET, Occasions
from trialwright.medicine.known import Index, Known, Numbers
from trialwright.medicine.moments import MISSING
from trialwright.vocabulary.verdicts import Codes, all_of, any_of, as_codes

Unit = str | npt.ArrayLike | None


def hepatitis_flare(
    alt: Numbers,
    *,
    unit: Unit,
    baseline_alt: Numbers,
    baseline_unit: Unit,
    fold: float,
    floor: float,
) -> Codes:
    """Judge ALT results: at least `fold` times baseline **and** above `floor` in the same sample.

    Parameters
    ----------
    alt : Numbers of shape (n,)
        ALT after the start of treatment.
    unit, baseline_unit : str, None, or one for each row
        Units of `alt` and of `baseline_alt`.
    baseline_alt : Numbers of shape (n,) or one for all
        The baseline of each result's person. The upper limit of normal in its place is the sensitivity analysis for
        those without one.
    fold : float
        Least multiple of baseline, itself included. Trial: 3.
    floor : float, U/L
        To be exceeded, itself excluded. Trial: 100.

    Returns
    -------
    flare : ndarray of uint8, shape (n,)
        Without a baseline an ALT at or below the floor is still no flare; any other is unknown.

    Raises
    ------
    ValueError
        If an ALT is negative or infinite, a baseline not above 0, or they differ in length.

    References
    ----------
    .. [1] NCT04294498, secondary outcome 1: at least 3 times baseline and above 100 U/L; AASLD 2018 has the same words.

    Examples
    --------
    >>> hepatitis_flare([100, 101, None], unit="U/L", baseline_alt=33, baseline_unit="U/L", fold=3, floor=100)
    array([  0, 100,  96], dtype=uint8)
    """
    measured, baseline = _read(alt, unit, baseline_alt, baseline_unit)
    return all_of([measured.compare(">=", baseline.scaled(fold)), measured.compare(">", floor)])


def has_settled(
    alt: Numbers, *, unit: Unit, baseline_alt: Numbers, baseline_unit: Unit, fold: float, floor: float
) -> Codes:
    """Judge ALT results: below `fold` times baseline **or** no higher than `floor`. Default of the trial: 2, 100 U/L."""
    measured, baseline = _read(alt, unit, baseline_alt, baseline_unit)
    return any_of([measured.compare("<", baseline.scaled(fold)), measured.compare("<=", floor)])


def _read(alt: Numbers, unit: Unit, baseline_alt: Numbers, baseline_unit: Unit) -> list[Known]:
    return aligned(
        alt=as_known("alt", alt, concept="alt", unit=unit),
        baseline_alt=as_known(
            "baseline_alt", baseline_alt, concept="alt", unit=baseline_unit, may_be_zero=False
        ),
    )


class FlareEpisodes(NamedTuple):
    """One row for each flare: from its first qualifying ALT to the occasion on which it was over.

    `onset` and `end` are positions among the occasions; `end` is -1 where the flare has not ended in these data.
    `peak` is the highest ALT before the end. `ended` is met, or unknown: missing where the last ALTs do not settle it,
    else the reason why an ALT could not be judged.
    """

    subjects: list[Hashable]
    onset: Index
    end: Index
    peak: Known
    ended: Codes


def find_flares(occasions: Occasions, flare: Codes, settled: Codes) -> FlareEpisodes:
    """Put flares together from single ALTs.

    Parameters
    ----------
    occasions : Occasions of shape (n,)
        ALT in U/L.
    flare : ndarray of uint8, shape (n,)
        `hepatitis_flare` of each. An unknown one starts no flare.
    settled : ndarray of uint8, shape (n,)
        `has_settled` of each. A flare is over on the first of two consecutive occasions that have; until then no
        other begins.
    """
    starts, quiet = as_codes(flare) == MET, as_codes(settled) == MET
    n, closes = len(occasions), occasions.is_last
    over = quiet & np.append(quiet[1:], False) & ~closes if n else quiet
    rows, first = np.arange(n), np.append(True, closes)[:n]
    # the last of: a flare, an end, the start of a person
    latest = np.maximum.accumulate(np.where(starts | over | first, rows, 0)) if n else rows
    is_open = starts[latest]
    onset = np.flatnonzero(starts & ~(np.append(False, is_open)[:n] & ~first))
    if not len(onset):
        nothing = occasions.results.amount.take([])
        return FlareEpisodes([], onset, onset, nothing, np.zeros(0, np.uint8))
    ends, after = np.flatnonzero(over), np.flatnonzero(closes) + 1
    end, limit = (np.append(some, n)[np.searchsorted(some, onset, "right")] for some in (ends, after))
    has_end = end < limit
    stop = np.where(has_end, end, limit)
    length = stop - onset
    group = np.append(0, np.cumsum(length)[:-1])
    within = np.arange(length.sum()) + np.repeat(onset - group, length)
    unsure = np.where(settled == MET, NOT_MET, settled)
    reason = np.maximum.reduceat(unsure[within], group)
    return FlareEpisodes(
        [occasions.labels[i] for i in occasions.person[onset].tolist()],
        onset,
        np.where(has_end, end, -1),
        occasions.results.amount[within].highest(group),
        np.where(has_end, MET, np.where(reason == NOT_MET, MISSING, reason)),
    )
