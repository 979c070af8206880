"""Barcelona Clinic Liver Cancer stage (2018 and 2022) and the Milan criteria."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trialwright.medicine.arguments import (
    Answers,
    Levels,
    as_answers,
    as_lengths,
    as_levels,
    as_plain,
    row_count,
    spread,
)
from trialwright.medicine.known import MET, NOT_MET, Categories, Known, Numbers, first_match
from trialwright.medicine.liver_function.child_pugh import CLASSES
from trialwright.medicine.liver_function.performance import as_ecog
from trialwright.vocabulary.verdicts import Codes, all_of, any_of, negate


@dataclass(frozen=True, slots=True)
class Bclc:
    """The limits of one version; sizes in mm, all limits included."""

    very_early_single_mm: float
    few: int
    few_mm: float
    advanced_ecog: int
    terminal_ecog: int
    end_stage: tuple[str, ...]
    source: str


STAGES = ("0", "A", "B", "C", "D")
VERSIONS: Mapping[str, Bclc] = MappingProxyType(
    {
        "2018": Bclc(20, 3, 30, 1, 3, ("C",), "EASL, J Hepatol 2018;69:182-236, figure of the BCLC stages"),
        "2022": Bclc(20, 3, 30, 1, 3, ("C",), "Reig et al., J Hepatol 2022;76:681-693"),
    }
)
"""Both versions stage alike; that of 2022 divides B, see `subdivide_bclc_b`."""

SUBGROUPS = ("transplant", "well-defined", "diffuse")


@dataclass(frozen=True, slots=True)
class Milan:
    """A single tumour up to `single_mm`, or up to `few` of up to `few_mm` each; limits included."""

    single_mm: float
    few: int
    few_mm: float
    source: str


MILAN = Milan(50, 3, 30, "Mazzaferro et al., N Engl J Med 1996;334:693-699")


class BclcStage(NamedTuple):
    """Stages, and whether a stage C rests on ECOG 1 alone, which many surgical trials do not count."""

    stage: Categories
    is_c_by_ecog_1: Codes


def stage_bclc(
    *,
    n_tumours: Numbers,
    largest: Numbers,
    size_unit: str | npt.ArrayLike,
    has_macrovascular_invasion: Answers,
    has_extrahepatic_spread: Answers,
    ecog: Numbers,
    child_pugh: Levels,
    is_transplantable: Answers,
    version: str,
    ecog_1_is_c: bool = True,
) -> BclcStage:
    """The BCLC stage.

    Parameters
    ----------
    n_tumours : Known, Intervals or array-like of int of shape (n,)
        Tumours in the liver, at least 1; "multiple" is an interval from 2 up.
    largest : Known, Intervals or array-like of shape (n,)
        Diameter of the largest.
    size_unit : str, or array-like of str of shape (n,)
    has_macrovascular_invasion, has_extrahepatic_spread : array-like of bool or None, or verdict codes, of shape (n,)
        Portal or hepatic vein invaded; nodes or distant metastases.
    ecog : Known, Intervals or array-like of int of shape (n,)
        0 to 4, as far as due to the cancer.
    child_pugh : Categories or array-like of str of shape (n,)
        Class `A`, `B` or `C`; class C counts as end-stage liver function.
    is_transplantable : array-like of bool or None, or verdict codes, of shape (n,)
        Whether an end-stage liver can be transplanted; asked only there.
    version : `2018` or `2022`
    ecog_1_is_c : bool
        Whether ECOG 1 makes an otherwise earlier stage C; the text of BCLC says so, many surgical trials do not.

    Returns
    -------
    staged : BclcStage
        Stages D, C, 0, A, B in the order in which they are asked; what is missing leaves several possible.

    Raises
    ------
    ValueError
        If a value is impossible (no tumour, a size of 0, ECOG 5), a level or version is another.

    References
    ----------
    .. [1] EASL, J Hepatol 2018;69:182-236.
    .. [2] Reig et al., J Hepatol 2022;76:681-693.
    """
    table = _of_version(version)
    count = _count(n_tumours)
    size = as_lengths("largest", largest, unit=size_unit)
    spreads = {
        "has_macrovascular_invasion": as_answers("has_macrovascular_invasion", has_macrovascular_invasion),
        "has_extrahepatic_spread": as_answers("has_extrahepatic_spread", has_extrahepatic_spread),
    }
    status = as_ecog("ecog", ecog)
    if (status.bounds.lo == 5).any():
        position = int(np.argmax(status.bounds.lo == 5))
        raise ValueError(f"`ecog[{position}]` must lie from 0 to 4: the dead have no stage")
    liver = as_levels("child_pugh", child_pugh, CLASSES)
    transplantable = as_answers("is_transplantable", is_transplantable)
    n = row_count(
        n_tumours=count,
        largest=size,
        ecog=status,
        child_pugh=liver,
        is_transplantable=transplantable,
        **spreads,
    )
    count, size, status = (spread(part, n) for part in (count, size, status))
    end_stage = spread(liver, n).is_in(*table.end_stage)

    terminal = any_of(
        [status.compare(">=", table.terminal_ecog), all_of([end_stage, negate(spread(transplantable, n))])]
    )
    beyond_liver = any_of([spread(answer, n) for answer in spreads.values()])
    least_ecog = table.advanced_ecog if ecog_1_is_c else table.advanced_ecog + 1
    advanced = any_of([beyond_liver, status.compare(">=", least_ecog)])
    single = count.compare("=", 1)
    very_early = all_of([single, size.compare("<=", table.very_early_single_mm)])
    early = any_of([single, _few(count, size, table.few, table.few_mm)])
    otherwise = np.tile([stage == "B" for stage in STAGES], (n, 1))
    conditions = [("D", terminal), ("C", advanced), ("0", very_early), ("A", early)]
    by_ecog = all_of(
        [
            negate(terminal),
            negate(beyond_liver),
            status.compare("=", table.advanced_ecog),
            np.full(n, MET if ecog_1_is_c else NOT_MET, dtype=np.uint8),
        ]
    )
    return BclcStage(first_match(STAGES, conditions, otherwise), by_ecog)


def subdivide_bclc_b(
    *,
    meets_extended_transplant_criteria: Answers,
    has_well_defined_nodules: Answers,
    has_preserved_portal_flow: Answers,
    version: str,
) -> Categories:
    """The subgroup of a tumour of stage B in the version of 2022.

    Parameters
    ----------
    meets_extended_transplant_criteria, has_well_defined_nodules, has_preserved_portal_flow : array-like of bool or
        None, or verdict codes, of shape (n,)
        Of patients whose stage is B.
    version : `2022`

    Returns
    -------
    subgroups : Categories of shape (n,)
        `transplant`; `well-defined` (nodules, with preserved portal flow); `diffuse` (infiltrative or in both lobes).

    Raises
    ------
    ValueError
        If the version does not divide stage B.
    """
    if version != "2022":
        raise ValueError(f"stage B is divided in version 2022, not in {version!r}")
    answers = {
        "meets_extended_transplant_criteria": as_answers(
            "meets_extended_transplant_criteria", meets_extended_transplant_criteria
        ),
        "has_well_defined_nodules": as_answers("has_well_defined_nodules", has_well_defined_nodules),
        "has_preserved_portal_flow": as_answers("has_preserved_portal_flow", has_preserved_portal_flow),
    }
    n = row_count(**answers)
    transplant, defined, flow = (spread(answer, n) for answer in answers.values())
    otherwise = np.tile([group == "diffuse" for group in SUBGROUPS], (n, 1))
    return first_match(
        SUBGROUPS, [("transplant", transplant), ("well-defined", all_of([defined, flow]))], otherwise
    )


def is_within_milan(
    *,
    n_tumours: Numbers,
    largest: Numbers,
    size_unit: str | npt.ArrayLike,
    has_macrovascular_invasion: Answers,
    has_extrahepatic_spread: Answers,
) -> Codes:
    """Whether the Milan criteria are met, as verdict codes; parameters and errors as for `stage_bclc`.

    References
    ----------
    .. [1] Mazzaferro et al., N Engl J Med 1996;334:693-699.
    """
    count = _count(n_tumours)
    size = as_lengths("largest", largest, unit=size_unit)
    invasion = as_answers("has_macrovascular_invasion", has_macrovascular_invasion)
    metastasis = as_answers("has_extrahepatic_spread", has_extrahepatic_spread)
    n = row_count(
        n_tumours=count, largest=size, has_macrovascular_invasion=invasion, has_extrahepatic_spread=metastasis
    )
    count, size = spread(count, n), spread(size, n)
    is_single = all_of([count.compare("=", 1), size.compare("<=", MILAN.single_mm)])
    fits = any_of([is_single, _few(count, size, MILAN.few, MILAN.few_mm)])
    return all_of([fits, negate(spread(invasion, n)), negate(spread(metastasis, n))])


def _few(count: Known, size: Known, most: int, most_mm: float) -> Codes:
    return all_of([count.compare("<=", most), size.compare("<=", most_mm)])


def _count(n_tumours: Numbers) -> Known:
    return as_plain("n_tumours", n_tumours, least=1, are_whole=True)


def _of_version(version: str) -> Bclc:
    if version not in VERSIONS:
        raise ValueError(f"the version of BCLC must be one of {', '.join(VERSIONS)}, not {version!r}")
    return VERSIONS[version]
