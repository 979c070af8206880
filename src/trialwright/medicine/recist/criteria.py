"""The numbers of RECIST 1.1 and mRECIST, each with its source. Every one is an argument of the function that
uses it.

.. [1] Eisenhauer et al. New response evaluation criteria in solid tumours: revised RECIST guideline (version
   1.1). Eur J Cancer 2009;45:228-47.
.. [2] Lencioni, Llovet. Modified RECIST (mRECIST) assessment for hepatocellular carcinoma. Semin Liver Dis
   2010;30:52-60.
.. [3] Seymour et al. iRECIST: guidelines for response criteria for use in trials testing immunotherapeutics.
   Lancet Oncol 2017;18:e143-52.
.. [4] Llovet, Lencioni. mRECIST for HCC: performance and novel refinements. J Hepatol 2020;72:288-306.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any


class _Checked:
    """Refuses numbers that are negative or not finite."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value: Any = getattr(self, field.name)
            if isinstance(value, bool | int | float) and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"`{field.name}` must be a finite number of at least 0, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCriteria(_Checked):
    """When sums of diameters mean response and progression."""

    shrinkage: float
    """Partial response: the sum has fallen by at least this part of the baseline sum."""
    growth: float
    """Progression: the sum has risen by at least this part of the smallest sum so far ..."""
    growth_mm: float
    """... and by at least this many mm."""
    normal_node_mm: float
    """A node with a short axis below this is normal."""
    too_small_mm: float
    """What counts for a lesion that is seen but too small to be measured."""


RECIST_1_1 = ResponseCriteria(
    shrinkage=0.30,  # [1] 4.3.1
    growth=0.20,  # [1] 4.3.1
    growth_mm=5.0,  # [1] 4.3.1
    normal_node_mm=10.0,  # [1] 4.3.1 and 4.3.2
    too_small_mm=5.0,  # [1] 4.3.2
)
MRECIST = ResponseCriteria(
    shrinkage=0.30,  # [2] table 3, of viable diameters
    growth=0.20,  # [2] table 3
    growth_mm=0.0,  # [2] states none
    normal_node_mm=10.0,  # [1]
    too_small_mm=5.0,  # [1] 4.3.2
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurableLimits(_Checked):
    """Which lesions can be measured, and how many are followed."""

    least_mm: float
    """Longest diameter on CT or MRI, or by calliper."""
    thick_slice_mm: float
    """Slices thicker than this ask for lesions of `slices` times the slice."""
    slices: float
    x_ray_mm: float
    """Longest diameter on a chest X-ray."""
    node_mm: float
    """Short axis of a measurable node."""
    pathological_node_mm: float
    """Short axis of a node that is abnormal, but not measurable."""
    most_targets: int
    most_targets_in_an_organ: int
    """All nodes together are one organ."""
    baseline_window_days: int
    """How long before the first dose the baseline may lie."""


MEASURABLE_1_1 = MeasurableLimits(
    least_mm=10.0,  # [1] 3.1.1
    thick_slice_mm=5.0,  # [1] 3.1.1 and appendix II
    slices=2.0,  # [1] appendix II
    x_ray_mm=20.0,  # [1] 3.1.1
    node_mm=15.0,  # [1] 3.1.1
    pathological_node_mm=10.0,  # [1] 3.1.2
    most_targets=5,  # [1] 4.2
    most_targets_in_an_organ=2,  # [1] 4.2
    baseline_window_days=28,  # [1] 4.2: no more than 4 weeks
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation(_Checked):
    """What makes a response confirmed."""

    after_days: int
    """Least number of days between the two assessments."""
    most_ne: int
    """How many assessments between them may be not evaluable."""
    most_sd: int
    """How many between two partial responses may be stable disease."""


CONFIRMED_AFTER_28_DAYS = Confirmation(
    after_days=28,  # [1] 4.6: no less than 4 weeks
    most_ne=1,  # a default of this project: [1] leaves it to the protocol
    most_sd=0,  # a default of this project: [1] leaves it to the protocol
)
LEAST_STABLE_DAYS = 42
"""Least duration of stable disease from the first dose. [1] 4.4 asks the protocol for it, in general 6 to
8 weeks; 42 days is a default of this project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImmuneCriteria(_Checked):
    """When a first progression is confirmed."""

    after_days: int
    """Least number of days from the first progression to the assessment that confirms it."""
    growth_mm: float
    """Growth since the first progression that confirms it, of targets or of measured new lesions."""


IRECIST = ImmuneCriteria(
    after_days=28,  # [3] table 2: 4 to 8 weeks later
    growth_mm=5.0,  # [3] table 2
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiverLimits(_Checked):
    """Sizes that mRECIST asks for."""

    least_mm: float
    """Longest viable diameter of a liver lesion that can be measured."""
    portal_node_mm: float
    """Short axis from which a node at the porta hepatis is malignant."""
    node_mm: float
    """Short axis from which any other node is."""
    new_lesion_mm: float
    """Longest diameter from which a new liver lesion with arterial enhancement and washout is cancer."""
    new_lesion_growth_mm: float
    """Growth that makes an atypical new lesion one."""


MRECIST_LIVER = LiverLimits(
    least_mm=10.0,  # [2] table 2
    portal_node_mm=20.0,  # [2] p. 56
    node_mm=15.0,  # [1] 3.1.1
    new_lesion_mm=10.0,  # [2] p. 57
    new_lesion_growth_mm=10.0,  # [2] p. 57
)
