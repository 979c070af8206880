"""Which lesions can be measured at baseline.

.. [1] Eisenhauer et al. Eur J Cancer 2009;45:228-47 (RECIST 1.1), section 3 and appendix II.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.criteria import MEASURABLE_1_1, MeasurableLimits
from trialwright.medicine.recist.lesions import as_millimetres
from trialwright.medicine.recist.responses import as_flags, as_verdicts
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, all_of, judge


class Method(StrEnum):
    """How a lesion was measured."""

    CT = "CT"
    MRI = "MRI"
    CALLIPER = "calliper"
    X_RAY = "chest X-ray"


def judge_measurable(
    diameter: npt.ArrayLike,
    *,
    unit: str | npt.ArrayLike,
    is_node: npt.ArrayLike,
    method: Method,
    slice_mm: npt.ArrayLike,
    progressed_since_treatment: npt.ArrayLike | None = None,
    limits: MeasurableLimits = MEASURABLE_1_1,
) -> Codes:
    """Judge whether lesions are measurable by their size.

    Parameters
    ----------
    diameter : array-like of float of shape (n,)
        Longest diameter, of nodes the short axis; NaN where not measured.
    unit : str, or array-like of str of shape (n,)
    is_node : array-like of bool of shape (n,)
    method : Method
    slice_mm : float or array-like of float of shape (n,), mm
        Thickness of slices on CT and MRI, NaN where unknown; other methods do not use it.
    progressed_since_treatment : array-like of verdict codes of shape (n,), optional
        For lesions treated before (embolised, ablated, irradiated) whether they progressed since, met for
        others. Without it no lesion was treated.
    limits : MeasurableLimits
        Each belongs to the measurable lesions.

    Returns
    -------
    verdicts : ndarray of uint8 of shape (n,)
        Unknown (missing) where the diameter is missing, or where it depends on a slice thickness that is.

    Raises
    ------
    ValueError
        If a diameter is negative or infinite, a slice not above 0, a unit none of length, or it is not told of a lesion
        whether it is a node.
    """
    size = as_millimetres("diameter", diameter, unit=unit)
    node = as_flags("is_node", is_node, len(size))
    slices = np.full(len(size), slice_mm) if np.ndim(slice_mm) == 0 else slice_mm
    thickness = as_numbers(
        "slice_mm",
        slices,
        expected="a finite number above 0, or missing",
        accept=lambda array: np.isnan(array) | (np.isfinite(array) & (array > 0)),
        length=len(size),
        may_be_empty=True,
    )
    least = np.full(size.shape, limits.x_ray_mm if method == Method.X_RAY else limits.least_mm)
    most = least
    if method in (Method.CT, Method.MRI):
        thick = limits.slices * thickness * (1 - RELATIVE_TOLERANCE)
        least = np.where(thickness > limits.thick_slice_mm, thick, least)
        most = np.where(np.isnan(thickness), np.inf, least)
    least, most = np.where(node, limits.node_mm, least), np.where(node, limits.node_mm, most)
    sized = judge(surely=size >= most, never=size < least, reason=Reason.MISSING)
    progressed = as_verdicts(
        "progressed_since_treatment", progressed_since_treatment, len(size), otherwise=Verdict.MET
    )
    return all_of([sized, progressed])


def judge_pathological_node(
    short_axis: npt.ArrayLike, *, unit: str | npt.ArrayLike, limits: MeasurableLimits = MEASURABLE_1_1
) -> Codes:
    """Judge whether nodes are abnormal by their short axis: measurable, or else non-target; smaller ones are
    normal.

    Returns
    -------
    verdicts : ndarray of uint8 of shape (n,)
        Unknown (missing) where not measured.

    Raises
    ------
    ValueError
        If a short axis is negative or infinite, or the unit none of length.

    Examples
    --------
    >>> judge_pathological_node([9.9, 10, float("nan")], unit="mm")
    array([  0, 100,  96], dtype=uint8)
    """
    size = as_millimetres("short_axis", short_axis, unit=unit)
    least = limits.pathological_node_mm
    return judge(surely=size >= least, never=size < least, reason=Reason.MISSING)
