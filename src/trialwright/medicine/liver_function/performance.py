"""ECOG performance status, and Karnofsky's scale turned into it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from trialwright.medicine.arguments import as_plain
from trialwright.medicine.known import Known, Numbers
from trialwright.vocabulary.intervals import Intervals

ECOG: Mapping[int, str] = MappingProxyType(
    {
        0: "fully active",
        1: "restricted in strenuous work",
        2: "cares for self, up more than half of waking hours",
        3: "limited self-care, in bed or chair more than half of waking hours",
        4: "disabled",
        5: "dead",
    }
)
"""Oken et al., Am J Clin Oncol 1982;5:649-655, in short."""

ECOG_OF_KARNOFSKY: Mapping[int, int] = MappingProxyType(
    {100: 0, 90: 0, 80: 1, 70: 1, 60: 2, 50: 2, 40: 3, 30: 3, 20: 4, 10: 4, 0: 5}
)
"""Oken et al. 1982: two steps of Karnofsky to one of ECOG."""


def as_ecog(name: str, values: Numbers) -> Known:
    """Read ECOG grades, whole numbers from 0 to 5; missing ones may be any.

    Raises
    ------
    ValueError
        If a number is none of the grades.
    """
    return as_plain(name, values, least=0, most=max(ECOG), are_whole=True)


def compute_ecog(karnofsky: Numbers) -> Known:
    """The ECOG grade of a Karnofsky status.

    Parameters
    ----------
    karnofsky : Known, Intervals or array-like of shape (n,)
        Tens from 0 to 100, NaN where not known.

    Returns
    -------
    ecog : Known of shape (n,)

    Raises
    ------
    ValueError
        If a number is none of the steps of the scale.
    """
    read = as_plain("karnofsky", karnofsky, least=0, most=100, are_whole=True)
    refused = (read.bounds.lo % 10 != 0) | (read.bounds.hi % 10 != 0)
    if refused.any():
        position = int(np.argmax(refused))
        raise ValueError(
            f"`karnofsky[{position}]` must be one of 0, 10 ... 100, not {read.bounds.lo[position]:g}"
        )
    grades = np.array([ECOG_OF_KARNOFSKY[step] for step in sorted(ECOG_OF_KARNOFSKY)], dtype=np.float64)
    best, worst = (grades[(end // 10).astype(np.intp)] for end in (read.bounds.hi, read.bounds.lo))
    return Known(Intervals(best, worst), read.reasons)
