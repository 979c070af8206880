"""The Child-Pugh score and its classes, half-known where an item is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from trialwright.medicine.amounts import as_known
from trialwright.medicine.arguments import Levels, as_levels, as_plain, row_count, spread
from trialwright.medicine.bands import Cut, band, points_of
from trialwright.medicine.known import Categories, Known, Numbers, highest_reached, sum_of


@dataclass(frozen=True, slots=True)
class Item:
    """Two points from `second` on, itself included; three points beyond `third`, itself excluded.

    `is_falling`: the lower the worse.
    """

    unit: str | None
    second: float
    third: float
    is_falling: bool = False

    def points(self, numbers: Known) -> Known:
        """1 to 3 points for each number in the item's unit."""
        from_second, beyond_third = ("<=", "<") if self.is_falling else (">=", ">")
        steps = (numbers.compare(from_second, self.second), numbers.compare(beyond_third, self.third))
        return highest_reached(steps, (2, 3), otherwise=1)


@dataclass(frozen=True, slots=True)
class ChildPugh:
    """One published form of the score; the levels of the two clinical items give 1, 2 and 3 points in their order."""

    bilirubin: Item
    albumin: Item
    inr: Item
    prothrombin_excess: Item
    ascites: tuple[str, str, str]
    encephalopathy: tuple[str, str, str]
    classes: tuple[Cut, Cut]
    source: str


CLASSES = ("A", "B", "C")
_PUGH = ChildPugh(
    bilirubin=Item("mg/dL", 2, 3),
    albumin=Item("g/dL", 3.5, 2.8, is_falling=True),
    inr=Item(None, 1.7, 2.3),
    prothrombin_excess=Item("s", 4, 6),
    ascites=("none", "slight", "moderate"),
    encephalopathy=("none", "1-2", "3-4"),
    classes=((">=", 7), (">=", 10)),
    source="Pugh et al., Br J Surg 1973;60:646-649, bilirubin in mg/dL; INR limits as in current patient tables",
)
FORMS: Mapping[str, ChildPugh] = MappingProxyType(
    {
        "mg/dL": _PUGH,
        "umol/L": replace(
            _PUGH,
            bilirubin=Item("umol/L", 34, 51),
            source="The same with the rounded SI limits of bilirubin: 34 and 51 umol/L are 1.99 and 2.98 mg/dL",
        ),
        "INR to 2.2": replace(
            _PUGH, inr=Item(None, 1.7, 2.2), source="The same with three points for an INR above 2.2"
        ),
        "cholestatic": replace(
            _PUGH,
            bilirubin=Item("mg/dL", 4, 10),
            source="Pugh et al. 1973 for primary biliary cirrhosis: bilirubin 4 and 10 mg/dL",
        ),
    }
)
"""Forms in use, by name; the trial names one."""


class Clotting(StrEnum):
    """Which test of clotting counts where both are there."""

    INR = "inr"
    PROTHROMBIN_TIME = "prothrombin time"


BOTH_CLOTTING_TESTS = Clotting.INR
"""The default of the clinical rules of both trials, for callers whose protocol does not say."""


def compute_child_pugh(
    *,
    bilirubin: Numbers,
    bilirubin_unit: str | npt.ArrayLike,
    albumin: Numbers,
    albumin_unit: str | npt.ArrayLike,
    inr: Numbers,
    prothrombin_excess: Numbers = np.nan,
    ascites: Levels,
    encephalopathy: Levels,
    form: ChildPugh,
    first: Clotting = BOTH_CLOTTING_TESTS,
) -> Known:
    """The Child-Pugh score, from 5 to 15 points.

    Parameters
    ----------
    bilirubin, albumin : Known, Intervals or array-like of shape (n,)
        Total bilirubin and albumin, NaN where not measured.
    bilirubin_unit, albumin_unit : str, or array-like of str of shape (n,)
    inr : Known, Intervals or array-like of shape (n,)
    prothrombin_excess : Known, Intervals or array-like of shape (n,), s
        Seconds by which the prothrombin time exceeds its control; may be negative.
    ascites : Categories or array-like of str of shape (n,)
        `none`, `slight` (or controlled by drugs), `moderate` (to severe, or refractory).
    encephalopathy : Categories or array-like of str of shape (n,)
        `none`, `1-2` (or controlled), `3-4` (or refractory).
    form : ChildPugh
        One of `FORMS`.
    first : Clotting
        The test that counts where both are there; the other counts only where that one has no record.

    Returns
    -------
    score : Known of shape (n,)
        From the least to the most points that are possible: a missing item counts 1 to 3. The reason is that of the
        item known least.

    Raises
    ------
    ValueError
        If a value is impossible (negative, an INR of 0), a level is another, or a unit is none of its kind.

    References
    ----------
    .. [1] Pugh et al., Br J Surg 1973;60:646-649, table 1.

    Examples
    --------
    >>> score = compute_child_pugh(
    ...     bilirubin=[0.8, 1.0], bilirubin_unit="mg/dL", albumin=[4.2, 3.8], albumin_unit="g/dL",
    ...     inr=[1.0, None], ascites="none", encephalopathy="none", form=FORMS["mg/dL"],
    ... )
    >>> print(*score.bounds)
    [5, 5] [5, 7]
    """
    tests = {
        Clotting.INR: form.inr.points(as_known("inr", inr, concept="inr", unit=None, may_be_zero=False)),
        Clotting.PROTHROMBIN_TIME: form.prothrombin_excess.points(
            as_plain("prothrombin_excess", prothrombin_excess, least=-np.inf)
        ),
    }
    items = {
        "bilirubin": form.bilirubin.points(
            as_known("bilirubin", bilirubin, concept="bilirubin", unit=bilirubin_unit, to=form.bilirubin.unit)
        ),
        "albumin": form.albumin.points(
            as_known("albumin", albumin, concept="albumin", unit=albumin_unit, to=form.albumin.unit)
        ),
        "ascites": points_of(as_levels("ascites", ascites, form.ascites), (1, 2, 3)),
        "encephalopathy": points_of(
            as_levels("encephalopathy", encephalopathy, form.encephalopathy), (1, 2, 3)
        ),
    }
    preferred = tests.pop(Clotting(first))
    (other,) = tests.values()
    n = row_count(**items, inr=preferred, prothrombin_excess=other)
    preferred, other = spread(preferred, n), spread(other, n)
    clotting = other.where(preferred.is_missing & ~other.is_missing, preferred)
    return sum_of([*(spread(points, n) for points in items.values()), clotting])


def classify_child_pugh(score: Numbers, *, form: ChildPugh) -> Categories:
    """Class A (5 to 6 points), B (7 to 9) or C (10 to 15).

    Parameters
    ----------
    score : Known, Intervals or array-like of int of shape (n,)
    form : ChildPugh
        One of `FORMS`.

    Returns
    -------
    classes : Categories of shape (n,)
        Levels `A`, `B`, `C`. A score from 5 to 6 is settled as A, one from 5 to 7 is A or B.

    Raises
    ------
    ValueError
        If a score lies outside 5 to 15.
    """
    points = as_plain("score", score, least=5, most=15, are_whole=True)
    return band(points, form.classes, CLASSES)
