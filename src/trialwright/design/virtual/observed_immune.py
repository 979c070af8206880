"""iRECIST as a plain reader applies it, scan after scan, for one patient and one reader.

Written from Seymour et al., Lancet Oncol 2017;18:e143-52, and the questions answered at recist.eortc.org, independently
of `medicine`. Days count from the first dose, which is day 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trialwright.design.virtual.observed_tumour import Assessment

CONFIRMED_AFTER = 28
GROWTH_MM = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A progression that waits to be confirmed: the day it was first seen, and what had progressed then."""

    day: int
    by_target: bool
    by_non_target: bool
    by_new: bool
    new_lesions: int
    total_mm: int | None
    """The first complete sum since; what was not measured then cannot have grown."""


@dataclass(frozen=True, slots=True)
class ImmuneCourse:
    """The response at each scan, and the progression that was confirmed or never taken back, dated to its first scan."""

    responses: tuple[str, ...]
    progression: int | None
    confirmed: int | None
    """The day of the scan that confirmed it."""


def follow_immune(assessments: Sequence[Assessment]) -> ImmuneCourse:
    """Follow progressions from the first scan that shows them (iUPD) until one confirms them (iCPD) or takes them back.

    Growth of other than target lesions is not recorded, and what nobody told confirms nothing.
    """
    responses: list[str] = []
    waiting: Waiting | None = None
    confirmed: int | None = None
    known_new = 0
    for one in assessments:
        if confirmed is not None:
            responses.append("iCPD")
            continue
        if waiting is None:
            waiting = _first_seen(one, known_new)
            response = "iUPD" if waiting else _without_progression(one)
        elif _is_worse(one, waiting):
            confirmed = one.day if one.day - waiting.day >= CONFIRMED_AFTER else None
            response = "iUPD" if confirmed is None else "iCPD"
        elif _is_taken_back(one, waiting):
            waiting = None
            response = _without_progression(one)
        else:
            response = "NE" if one.overall == "NE" else "iUPD"
        if waiting is None:
            known_new = one.new_lesions
        elif waiting.total_mm is None and one.is_whole:
            waiting = replace(waiting, total_mm=one.total_mm)
        responses.append(response)
    return ImmuneCourse(tuple(responses), waiting.day if waiting else None, confirmed)


def _first_seen(one: Assessment, known_new: int) -> Waiting | None:
    """Progression by RECIST 1.1, but for new lesions of a progression that was taken back."""
    by_target, by_non_target = one.target == "PD", one.non_target == "PD"
    by_new = one.new_lesions > known_new
    is_back = one.overall == "PD" and one.new_lesions == 0  # what had vanished altogether is there again
    if not (by_target or by_non_target or by_new or is_back):
        return None
    return Waiting(
        one.day, by_target, by_non_target, by_new, one.new_lesions, one.total_mm if one.is_whole else None
    )


def _is_worse(one: Assessment, waiting: Waiting) -> bool:
    """Targets grown by 5 mm since, another new lesion, or progression of a kind that had not progressed then."""
    if one.new_lesions > waiting.new_lesions or (one.non_target == "PD" and not waiting.by_non_target):
        return True
    if not waiting.by_target:
        return one.target == "PD"
    return waiting.total_mm is not None and one.total_mm - waiting.total_mm >= GROWTH_MM


def _is_taken_back(one: Assessment, waiting: Waiting) -> bool:
    """All is stable or better; new lesions stay a progression unless one of them vanished or the targets respond."""
    if one.target not in ("CR", "PR", "SD") or one.non_target == "PD":
        return False
    return not waiting.by_new or one.new_lesions < waiting.new_lesions or one.target != "SD"


def _without_progression(one: Assessment) -> str:
    """The response of the targets; complete only where nothing else is left."""
    if one.target == "CR" and (one.non_target != "CR" or one.new_lesions):
        return "iPR"
    return one.target if one.target == "NE" else f"i{one.target}"
