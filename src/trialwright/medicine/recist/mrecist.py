"""mRECIST for hepatocellular carcinoma: what is measured is the part of a tumour that is alive.

Targets in the liver are measured by their longest viable diameter, the part that enhances in the arterial
phase, not across necrosis. Give those diameters to `read_lesions`, and `criteria.MRECIST` to `sum_diameters`
and `target_response`: complete response is no enhancement in any target, 0 mm each. A drop in enhancement
alone under drugs against vessels is no response.

.. [1] Lencioni, Llovet. Semin Liver Dis 2010;30:52-60.
.. [2] Llovet, Lencioni. J Hepatol 2020;72:288-306.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trialwright.medicine.recist.criteria import MRECIST_LIVER, LiverLimits
from trialwright.medicine.recist.lesions import as_millimetres
from trialwright.medicine.recist.responses import as_verdicts
from trialwright.statistics.arrays import as_numbers
from trialwright.vocabulary.verdicts import Codes, Reason, Verdict, all_of, any_of, judge


def judge_viable_target(
    viable_diameter: npt.ArrayLike,
    *,
    unit: str | npt.ArrayLike,
    arterial_enhancement: npt.ArrayLike,
    repeatable: npt.ArrayLike,
    limits: LiverLimits = MRECIST_LIVER,
) -> Codes:
    """Judge whether liver lesions can be targets: large enough, enhancing in the arterial phase, and
    measurable again.

    Parameters
    ----------
    viable_diameter : array-like of float of shape (n,)
        NaN where not measured.
    unit : str, or array-like of str of shape (n,)
    arterial_enhancement, repeatable : array-like of verdict codes of shape (n,)
    limits : LiverLimits
        The least diameter belongs to it.

    Returns
    -------
    verdicts : ndarray of uint8 of shape (n,)
        Unknown (missing) where the diameter is; else for the reason of what is unknown.

    Raises
    ------
    ValueError
        If a diameter is negative or infinite, or the unit none of length.
    """
    size = _at_least("viable_diameter", viable_diameter, unit, limits.least_mm)
    return all_of(
        [size, *_verdicts(len(size), arterial_enhancement=arterial_enhancement, repeatable=repeatable)]
    )


def judge_malignant_node(
    short_axis: npt.ArrayLike,
    *,
    unit: str | npt.ArrayLike,
    is_portal: npt.ArrayLike,
    limits: LiverLimits = MRECIST_LIVER,
) -> Codes:
    """Judge whether nodes are malignant by their short axis.

    Nodes at the porta hepatis are often swollen in cirrhosis and have a limit of their own.

    Parameters
    ----------
    short_axis : array-like of float of shape (n,)
        NaN where not measured.
    unit : str, or array-like of str of shape (n,)
    is_portal : array-like of verdict codes of shape (n,)
        Whether the node lies at the porta hepatis.
    limits : LiverLimits
        Each belongs to the malignant nodes.

    Returns
    -------
    verdicts : ndarray of uint8 of shape (n,)
        Unknown where the size is, or where it depends on the place and that is.
    """
    size = as_millimetres("short_axis", short_axis, unit=unit)
    (place,) = _verdicts(len(size), is_portal=is_portal)
    is_portal_node, is_other = place == Verdict.MET.code, place == Verdict.NOT_MET.code
    lower, upper = sorted((limits.node_mm, limits.portal_node_mm))
    least = np.select([is_portal_node, is_other], [limits.portal_node_mm, limits.node_mm], lower)
    most = np.select([is_portal_node, is_other], [limits.portal_node_mm, limits.node_mm], upper)
    open_place = ~(is_portal_node | is_other | np.isnan(size))
    reason = np.where(open_place, place, np.uint8(Reason.MISSING.code))
    return judge(surely=size >= most, never=size < least, reason=reason)


def judge_new_liver_lesion(
    diameter: npt.ArrayLike,
    *,
    unit: str | npt.ArrayLike,
    arterial_enhancement: npt.ArrayLike,
    washout: npt.ArrayLike,
    growth_mm: npt.ArrayLike,
    limits: LiverLimits = MRECIST_LIVER,
) -> Codes:
    """Judge whether new liver lesions are cancer, and so progression.

    They are if they are large enough and show arterial enhancement followed by washout, or, if atypical, once
    they have grown enough. A lesion that is neither does not count; it stays in view.

    Parameters
    ----------
    diameter : array-like of float of shape (n,)
        Longest diameter; NaN where not measured.
    unit : str, or array-like of str of shape (n,)
    arterial_enhancement, washout : array-like of verdict codes of shape (n,)
    growth_mm : array-like of float of shape (n,), mm
        Since it was first seen: 0 at its first scan; NaN where unknown.
    limits : LiverLimits
        Each belongs to cancer.

    Returns
    -------
    verdicts : ndarray of uint8 of shape (n,)

    Raises
    ------
    ValueError
        If a diameter is negative or infinite, or the unit none of length.
    """
    size = _at_least("diameter", diameter, unit, limits.new_lesion_mm)
    signs = _verdicts(len(size), arterial_enhancement=arterial_enhancement, washout=washout)
    growth = as_numbers(
        "growth_mm",
        np.full(len(size), growth_mm) if np.ndim(growth_mm) == 0 else growth_mm,
        expected="a finite number, or missing",
        accept=lambda array: ~np.isinf(array),
        length=len(size),
        may_be_empty=True,
    )
    least = limits.new_lesion_growth_mm
    grew = judge(surely=growth >= least, never=growth < least, reason=Reason.MISSING)
    return any_of([all_of([size, *signs]), grew])


def _at_least(name: str, diameter: npt.ArrayLike, unit: str | npt.ArrayLike, limit: float) -> Codes:
    size = as_millimetres(name, diameter, unit=unit)
    return judge(surely=size >= limit, never=size < limit, reason=Reason.MISSING)


def _verdicts(length: int, **arguments: npt.ArrayLike) -> list[Codes]:
    return [as_verdicts(name, codes, length, otherwise=Verdict.MET) for name, codes in arguments.items()]
