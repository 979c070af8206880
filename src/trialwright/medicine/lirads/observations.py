"""The LI-RADS v2018 category of an untreated observation on CT or MRI, from its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from trialwright.medicine.arguments import (
    Answers,
    Levels,
    as_answers,
    as_lengths,
    as_levels,
    row_count,
    spread,
)
from trialwright.medicine.bands import Cut, band
from trialwright.medicine.known import MET, NOT_MET, Categories, Numbers, first_match
from trialwright.medicine.whole_dates import as_dates
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Flags
from trialwright.vocabulary.verdicts import Codes, all_of, any_of, negate
from trialwright.vocabulary.windows import Direction, Window

CATEGORIES = ("LR-NC", "LR-1", "LR-2", "LR-3", "LR-4", "LR-5", "LR-M", "LR-TIV")
SOURCE = "ACR CT/MRI LI-RADS v2018 Core"

UNSURE = "unsure"
"""What a reader may say of a feature in place of yes or no; not the same as a feature nobody read."""
Features: TypeAlias = "npt.NDArray[Any] | Sequence[bool | str | None] | bool | str | None"
"""True, False, `unsure` or None for each row, or verdict codes."""

APHE = ("none", "non-rim", "rim")
"""Arterial phase hyperenhancement."""
WASHOUT = ("none", "non-peripheral", "peripheral")
BENIGN = ("no", "probably", "definitely")

SIZE_CUTS_MM: tuple[Cut, Cut] = ((">=", 10), (">=", 20))
COLUMNS = ("no APHE, < 20 mm", "no APHE, >= 20 mm", "APHE, < 10 mm", "APHE, 10-19 mm", "APHE, >= 20 mm")
DIAGNOSTIC_TABLE: Mapping[str, tuple[str, str, str, str, str]] = MappingProxyType(
    {
        "none": ("LR-3", "LR-3", "LR-3", "LR-3", "LR-4"),
        "capsule": ("LR-3", "LR-4", "LR-4", "LR-4", "LR-5"),
        "washout or threshold growth": ("LR-3", "LR-4", "LR-4", "LR-5", "LR-5"),
        "two or more": ("LR-4", "LR-4", "LR-4", "LR-5", "LR-5"),
    }
)
"""Additional major features present, against non-rim APHE and size: ACR LI-RADS v2018, diagnostic table."""


@dataclass(frozen=True, slots=True)
class ThresholdGrowth:
    """Growth that counts as a major feature; `least_increase_mm` is asked besides where it is not None."""

    ratio: float
    within: Duration
    least_increase_mm: float | None
    source: str


THRESHOLD_GROWTH = ThresholdGrowth(1.5, Duration.parse("6 months"), None, SOURCE)
"""Earlier versions also asked for 5 mm; v2018 does not."""


class Reading(NamedTuple):
    """The category, and the one the features would give if the observation could be categorised."""

    category: Categories
    if_categorised: Categories


def categorise_observations(
    *,
    size: Numbers,
    size_unit: str | npt.ArrayLike,
    aphe: Levels,
    washout: Levels,
    has_capsule: Features,
    has_threshold_growth: Features,
    can_be_categorised: Answers,
    is_tumour_in_vein: Features,
    benign: Levels,
    is_targetoid: Features,
    has_other_malignant_sign: Features,
) -> Reading:
    """Categorise untreated observations without pathology, before ancillary features.

    Asked in this order: LR-NC, LR-TIV, LR-1, LR-2, LR-M (targetoid), the diagnostic table, LR-M (not targetoid).

    Parameters
    ----------
    size : Known, Intervals or array-like of shape (n,)
        Largest diameter, outer edge to outer edge.
    size_unit : str, or array-like of str of shape (n,)
    aphe : Categories or array-like of str of shape (n,)
        `none`, `non-rim` or `rim` (which is targetoid).
    washout : Categories or array-like of str of shape (n,)
        `none`, `non-peripheral` or `peripheral` (which is targetoid).
    has_capsule, has_threshold_growth : array-like of bool, `unsure` or None, or verdict codes, of shape (n,)
        Enhancing capsule; growth as `has_threshold_growth` finds it.
    can_be_categorised : array-like of bool or None, or verdict codes, of shape (n,)
        False where images are degraded or a phase is missing.
    is_tumour_in_vein : as `has_capsule`
        Definite tumour in a vein.
    benign : Categories or array-like of str of shape (n,)
        `no`, `probably` or `definitely`.
    is_targetoid : as `has_capsule`
        Delayed central enhancement, or a targetoid look in diffusion or hepatobiliary phase.
    has_other_malignant_sign : as `has_capsule`
        Of a mass that is not targetoid: infiltrative look, marked diffusion restriction, necrosis or severe
        ischaemia, or another sign of a malignancy other than HCC.

    Returns
    -------
    reading : Reading
        A feature that a reader is `unsure` of is absent; one that nobody read (None) leaves several categories, and of
        all that was not read the reason that comes first is told.

    Raises
    ------
    ValueError
        If a size is negative or 0, or a level is another.

    References
    ----------
    .. [1] ACR CT/MRI LI-RADS v2018 Core, diagnostic algorithm and table.

    Examples
    --------
    >>> reading = categorise_observations(
    ...     size=[15, 15], size_unit="mm", aphe="non-rim", washout=["non-peripheral", None], has_capsule=False,
    ...     has_threshold_growth=False, can_be_categorised=True, is_tumour_in_vein=False, benign="no",
    ...     is_targetoid=False, has_other_malignant_sign=False,
    ... )
    >>> reading.category.settled.tolist(), reading.category.is_in("LR-3", "LR-5").tolist()
    (['LR-5', None], [100, 96])
    """
    diameters = as_lengths("size", size, unit=size_unit)
    enhancement = _sure_levels("aphe", aphe, APHE)
    loss = _sure_levels("washout", washout, WASHOUT)
    kindness = as_levels("benign", benign, BENIGN)
    answers = {
        "has_capsule": sure("has_capsule", has_capsule),
        "has_threshold_growth": sure("has_threshold_growth", has_threshold_growth),
        "can_be_categorised": as_answers("can_be_categorised", can_be_categorised),
        "is_tumour_in_vein": sure("is_tumour_in_vein", is_tumour_in_vein),
        "is_targetoid": sure("is_targetoid", is_targetoid),
        "has_other_malignant_sign": sure("has_other_malignant_sign", has_other_malignant_sign),
    }
    n = row_count(size=diameters, aphe=enhancement, washout=loss, benign=kindness, **answers)
    enhancement, loss, kindness = (spread(part, n) for part in (enhancement, loss, kindness))
    capsule, growth, readable, in_vein, targetoid, sign = (spread(part, n) for part in answers.values())
    table = _table(
        band(spread(diameters, n), SIZE_CUTS_MM, ("s", "m", "l")), enhancement, loss, capsule, growth
    )

    conditions = [
        ("LR-TIV", in_vein),
        ("LR-1", kindness.is_in("definitely")),
        ("LR-2", kindness.is_in("definitely", "probably")),
        ("LR-M", any_of([enhancement.is_in("rim"), loss.is_in("peripheral"), targetoid])),
    ]
    otherwise = np.tile([category == "LR-3" for category in CATEGORIES], (n, 1))
    return Reading(
        _with_table(
            first_match(CATEGORIES, [("LR-NC", negate(readable)), *conditions], otherwise), table, sign
        ),
        _with_table(first_match(CATEGORIES, conditions, otherwise), table, sign),
    )


def has_threshold_growth(
    *,
    size: Numbers,
    prior_size: Numbers,
    size_unit: str | npt.ArrayLike,
    on: npt.ArrayLike,
    prior_on: npt.ArrayLike,
    is_prior_adequate: Answers,
    growth: ThresholdGrowth = THRESHOLD_GROWTH,
) -> Codes:
    """Whether an observation has grown by half or more within six months.

    Parameters
    ----------
    size, prior_size : Known, Intervals or array-like of shape (n,)
        Diameters on the same phase and plane; NaN where not measured.
    size_unit : str, or array-like of str of shape (n,)
        Unit of both.
    on, prior_on : array-like of datetime64[D] of shape (n,)
        Dates of the two examinations, NaT where not known.
    is_prior_adequate : array-like of bool or None, or verdict codes, of shape (n,)
        Whether there was a prior CT or MRI, and of adequate quality.
    growth : ThresholdGrowth
        What counts.

    Returns
    -------
    codes : ndarray of uint8 of shape (n,)
        Verdict codes. Both limits are included: 14 to 21 mm in exactly six calendar months is threshold growth.

    Raises
    ------
    ValueError
        If a size is negative or 0, or a prior examination lies after its successor.
    """
    now = as_lengths("size", size, unit=size_unit)
    before = as_lengths("prior_size", prior_size, unit=size_unit)
    adequate = as_answers("is_prior_adequate", is_prior_adequate)
    days, prior_days = (
        as_dates(name, np.atleast_1d(one), may_be_missing=True)
        for name, one in (("on", on), ("prior_on", prior_on))
    )
    n = row_count(size=now, prior_size=before, is_prior_adequate=adequate, on=days, prior_on=prior_days)
    days, prior_days = (np.broadcast_to(one, n) for one in (days, prior_days))
    late = prior_days > days
    if late.any():
        position = int(np.argmax(late))
        raise ValueError(
            f"`prior_on[{position}]`, {prior_days[position]}, must not lie after {days[position]}"
        )
    now, before = spread(now, n), spread(before, n)
    window = Window(growth.within, Direction.BEFORE, includes_anchor=True)
    asked = [
        spread(adequate, n),
        now.compare(">=", before.scaled(growth.ratio)),
        window.contains_days(prior_days, days),
    ]
    if growth.least_increase_mm is not None:
        asked.append(now.minus(before).compare(">=", growth.least_increase_mm))
    return all_of(asked)


# --- reading features ------------------------------------------------------------------------------------------------


def sure(name: str, values: Features, *, unsure_as: bool = False) -> Codes:
    """Read features as verdict codes; those a reader is unsure of count as `unsure_as`."""
    if isinstance(values, np.ndarray) and values.dtype == np.uint8:
        return as_answers(name, values)
    listed: list[Any] = (
        [values] if values is None or isinstance(values, str | bool | np.bool_) else list(values)
    )
    return as_answers(name, [unsure_as if value == UNSURE else value for value in listed])


def _sure_levels(name: str, values: Levels, levels: tuple[str, ...]) -> Categories:
    """Read levels of a feature; one that a reader is unsure of is absent, which is the first level."""
    if values is None or isinstance(values, str):
        values = [values]
    if isinstance(values, Categories):
        return as_levels(name, values, levels)
    return as_levels(name, [levels[0] if value == UNSURE else value for value in values], levels)


def _table(
    size: Categories, aphe: Categories, washout: Categories, capsule: Codes, growth: Codes
) -> Categories:
    """What the diagnostic table leaves possible; of rim APHE, which never gets here, any answer will do."""
    small, middle, large = size.possible.T
    without = aphe.possible[:, 0] | ~aphe.possible[:, 1]
    with_aphe = aphe.possible[:, 1]
    columns = (
        without & (small | middle),
        without & large,
        with_aphe & small,
        with_aphe & middle,
        with_aphe & large,
    )
    may_wash, may_not_wash = washout.possible[:, 1], washout.possible[:, 0] | washout.possible[:, 2]
    rows = {name: np.zeros(len(size), dtype=np.bool_) for name in DIAGNOSTIC_TABLE}
    for has_capsule, has_washout, has_growth in product((True, False), repeat=3):
        can_be = (
            _may(capsule, has_capsule)
            & (may_wash if has_washout else may_not_wash)
            & _may(growth, has_growth)
        )
        rows[_row_of(has_capsule, has_washout, has_growth)] |= can_be
    found = ("LR-3", "LR-4", "LR-5")
    possible = np.zeros((len(size), len(found)), dtype=np.bool_)
    for name, categories in DIAGNOSTIC_TABLE.items():
        for column, category in zip(columns, categories, strict=True):
            possible[:, found.index(category)] |= rows[name] & column
    unread = [np.where(_is_open(codes), codes, np.uint8(0)) for codes in (capsule, growth)]
    reasons = np.max([size.reasons, aphe.reasons, washout.reasons, *unread], axis=0)
    return Categories(found, possible, reasons)


def _with_table(found: Categories, table: Categories, sign: Codes) -> Categories:
    """Where LR-3 stands for what is left to the table: its categories, and LR-M for a malignant sign without LR-5."""
    left = found.possible[:, CATEGORIES.index("LR-3")]
    possible = found.possible.copy()
    lr_3, lr_4, lr_5 = (left & flags for flags in table.possible.T)
    possible[:, CATEGORIES.index("LR-3")] = lr_3 & _may(sign, False)
    possible[:, CATEGORIES.index("LR-4")] = lr_4 & _may(sign, False)
    possible[:, CATEGORIES.index("LR-5")] = lr_5
    possible[:, CATEGORIES.index("LR-M")] |= (lr_3 | lr_4) & _may(sign, True)
    open_for = np.where(
        left, np.maximum(table.reasons, np.where(_is_open(sign), sign, np.uint8(0))), np.uint8(0)
    )
    return Categories(CATEGORIES, possible, np.maximum(found.reasons, open_for))


def _row_of(has_capsule: bool, has_washout: bool, has_growth: bool) -> str:
    match has_capsule + has_washout + has_growth:
        case 0:
            return "none"
        case 1:
            return "capsule" if has_capsule else "washout or threshold growth"
        case _:
            return "two or more"


def _may(codes: Codes, answer: bool) -> Flags:
    return np.asarray(codes != (NOT_MET if answer else MET))


def _is_open(codes: Codes) -> Flags:
    return np.asarray((codes != MET) & (codes != NOT_MET))
