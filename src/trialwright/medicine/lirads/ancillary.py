"""Ancillary features that move a LI-RADS v2018 category, and ties between two categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from trialwright.medicine.known import Categories
from trialwright.medicine.lirads.observations import CATEGORIES

ANCILLARY: Mapping[str, str] = MappingProxyType(
    {
        "visible on ultrasound": "malignancy",
        "subthreshold growth": "malignancy",
        "restricted diffusion": "malignancy",
        "mild-moderate T2 hyperintensity": "malignancy",
        "corona enhancement": "malignancy",
        "fat sparing in solid mass": "malignancy",
        "iron sparing in solid mass": "malignancy",
        "transitional phase hypointensity": "malignancy",
        "hepatobiliary phase hypointensity": "malignancy",
        "non-enhancing capsule": "HCC",
        "nodule-in-nodule": "HCC",
        "mosaic": "HCC",
        "blood products in mass": "HCC",
        "fat in mass": "HCC",
        "stable for 2 years": "benignity",
        "size reduction": "benignity",
        "parallels blood pool": "benignity",
        "undistorted vessels": "benignity",
        "iron in mass": "benignity",
        "marked T2 hyperintensity": "benignity",
        "hepatobiliary phase isointensity": "benignity",
    }
)
"""What each ancillary feature favours: ACR CT/MRI LI-RADS v2018 Core."""

_LADDER = ("LR-1", "LR-2", "LR-3", "LR-4", "LR-5")
UPGRADE_TOP = "LR-4"
"""Ancillary features never make LR-5."""


def adjust_by_ancillary(category: Categories, features: Sequence[Iterable[str] | None]) -> Categories:
    """Move categories by their ancillary features, which readers may use or not.

    One or more that favour malignancy: up by one, never above LR-4. One or more that favour benignity: down by one.
    Both, or neither: no change. LR-NC, LR-M and LR-TIV never move.

    Parameters
    ----------
    category : Categories of shape (n,)
    features : sequence of iterables of str, of length n
        Names from `ANCILLARY` of the features present; those a reader is unsure of are left out. None, as an empty
        row, where ancillary features were not used.

    Returns
    -------
    adjusted : Categories of shape (n,)

    Raises
    ------
    ValueError
        If a feature is another, or there is not one row for each category.
    """
    if len(features) != len(category):
        raise ValueError(f"{len(category)} categories need as many rows of features, not {len(features)}")
    favoured = []
    for position, row in enumerate(features):
        names = set(row or ())
        for name in sorted(names):
            if name not in ANCILLARY:
                raise ValueError(f"`features[{position}]` has {name!r}, which is no ancillary feature")
        favoured.append({ANCILLARY[name] for name in names})
    up = np.array([bool(kinds & {"malignancy", "HCC"}) for kinds in favoured], dtype=np.bool_)
    down = np.array(["benignity" in kinds for kinds in favoured], dtype=np.bool_)
    top = _LADDER.index(UPGRADE_TOP)
    possible = category.possible.copy()
    rungs = [category.levels.index(level) for level in _LADDER]
    possible[:, rungs] = False
    for at, rung in enumerate(rungs):
        raised = rungs[at if at >= top else at + 1]
        lowered = rungs[max(at - 1, 0)]
        goal = np.where(up & ~down, raised, np.where(down & ~up, lowered, rung))
        rows = np.flatnonzero(category.possible[:, rung])
        possible[rows, goal[rows]] = True
    return Categories(category.levels, possible, category.reasons)


_TIES: Mapping[frozenset[str], str] = MappingProxyType(
    {
        frozenset(pair): chosen
        for pair, chosen in (
            (("LR-1", "LR-2"), "LR-2"),
            (("LR-2", "LR-3"), "LR-3"),
            (("LR-3", "LR-4"), "LR-3"),
            (("LR-4", "LR-5"), "LR-4"),
            (("LR-4", "LR-M"), "LR-M"),
            (("LR-5", "LR-M"), "LR-M"),
        )
    }
)


def break_tie(one: str, other: str) -> str:
    """The category of an observation of which a reader is unsure between two: the less certain one.

    Between LR-TIV and another it is the other, for tumour in vein must be definite.

    Raises
    ------
    ValueError
        If LI-RADS has no rule for these two.
    """
    for category in (one, other):
        if category not in CATEGORIES:
            raise ValueError(f"a category must be one of {', '.join(CATEGORIES)}, not {category!r}")
    pair = frozenset({one, other})
    if len(pair) == 1:
        return one
    if "LR-TIV" in pair and "LR-NC" not in pair:
        return other if one == "LR-TIV" else one
    if pair not in _TIES:
        raise ValueError(f"LI-RADS has no rule for a tie between {one} and {other}")
    return _TIES[pair]
