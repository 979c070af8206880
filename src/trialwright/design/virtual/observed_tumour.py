"""RECIST 1.1 as a plain reader applies it, scan after scan, for one patient and one reader.

Written from Eisenhauer et al., Eur J Cancer 2009;45:228-247, independently of `medicine`. Days count from the first
dose, which is day 0.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from trialwright.design.virtual.lesions import NODE, NOT_MEASURED

RANK = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
"""From best to worst."""
MISSING = "MISSING"
"""The best response of whom no scan was assessed."""

SMALLEST_NODE = 10
"""A node with a shorter short axis is normal, in mm."""
LEAST_RISE_MM = 5
CONFIRMED_AFTER = 28
STABLE_AT_LEAST = 42
UNKNOWN_BETWEEN = 1
LONGEST_GAP = 183
"""An event that many days after the last assessment or more does not count."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What one reader saw on one day: millimetres of each target, and what else there is."""

    day: int
    mm: tuple[int, ...]
    non_target_gone: bool
    non_target_worse: bool
    new_lesions: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a scan comes to: responses by RECIST 1.1, new lesions so far, and the sum of the targets measured."""

    day: int
    target: str
    non_target: str
    new_lesions: int
    overall: str
    total_mm: int = 0
    is_whole: bool = True
    """Whether every target was measured."""


def assess(baseline: Sequence[int], lesions: Sequence[int], scans: Sequence[Scan]) -> list[Assessment]:
    """The response at each scan.

    Parameters
    ----------
    baseline : sequence of int
        Millimetres of each target.
    lesions : sequence of int
        Which lesion each target is; nodes count by their short axis.
    scans : sequence of Scan
    """
    first_sum = sum(baseline)
    lowest = first_sum
    was_complete = False
    found = []
    for scan in scans:
        measured = [mm for mm in scan.mm if mm != NOT_MEASURED]
        is_whole = len(measured) == len(scan.mm)
        total = sum(measured)
        target = _target(scan, lesions, total, lowest, first_sum, is_whole=is_whole)
        non_target = _non_target(scan)
        overall = _overall(target, non_target, scan.new_lesions > 0)
        if was_complete and overall not in ("CR", "PD", "NE"):
            overall = "PD"  # what vanished altogether is there again
        found.append(Assessment(scan.day, target, non_target, scan.new_lesions, overall, total, is_whole))
        if overall != "NE":
            was_complete = overall == "CR"
        if is_whole:
            lowest = min(lowest, total)
    return found


def _target(
    scan: Scan, lesions: Sequence[int], total: int, lowest: int, first_sum: int, *, is_whole: bool
) -> str:
    if total - lowest >= LEAST_RISE_MM and 5 * total >= 6 * lowest:
        return "PD"
    if not is_whole:
        return "NE"
    if all(
        (mm < SMALLEST_NODE) if lesion == NODE else mm == 0
        for mm, lesion in zip(scan.mm, lesions, strict=True)
    ):
        return "CR"
    return "PR" if 10 * total <= 7 * first_sum else "SD"


def _non_target(scan: Scan) -> str:
    if scan.non_target_worse:
        return "PD"
    return "CR" if scan.non_target_gone else "NON-CR/NON-PD"


def _overall(target: str, non_target: str, has_new: bool) -> str:
    if has_new or "PD" in (target, non_target):
        return "PD"
    if target == "CR" and non_target != "CR":
        return "PR"
    return target


def first_progression(assessments: Sequence[Assessment]) -> int | None:
    return next((one.day for one in assessments if one.overall == "PD"), None)


def _counted(assessments: Sequence[Assessment], therapy: int | None) -> list[Assessment]:
    """Up to the first progression and before another treatment of the cancer."""
    counted = []
    for one in assessments:
        if therapy is not None and one.day > therapy:
            break
        counted.append(one)
        if one.overall == "PD":
            break
    return counted


def best_response(assessments: Sequence[Assessment], therapy: int | None) -> str:
    """The best response without confirmation; disease stable too early is not evaluable."""
    seen = [_early(one, one.overall) for one in _counted(assessments, therapy)]
    return min(seen, key=RANK.index, default=MISSING)


def confirmed_response(assessments: Sequence[Assessment], therapy: int | None) -> str:
    """The best response, where a complete or partial one must be seen again 28 days later or more.

    At most one assessment between may be not evaluable, and none stable.
    """
    counted = _counted(assessments, therapy)
    best: list[str] = []
    for position, one in enumerate(counted):
        response = one.overall
        if response == "CR":
            response = "CR" if _is_confirmed(counted, position, ("CR",)) else "SD"
        elif response == "PR":
            response = "PR" if _is_confirmed(counted, position, ("PR", "CR")) else "SD"
        best.append(_early(one, response))
    return min(best, key=RANK.index, default=MISSING)


def _early(one: Assessment, response: str) -> str:
    if response in ("SD", "NON-CR/NON-PD") and one.day < STABLE_AT_LEAST:
        return "NE"
    return response


def _is_confirmed(counted: Sequence[Assessment], position: int, good: tuple[str, ...]) -> bool:
    unknown = 0
    for later in counted[position + 1 :]:
        if later.overall == "NE":
            unknown += 1
            if unknown > UNKNOWN_BETWEEN:
                return False
        elif later.overall not in good:
            return False
        elif later.day - counted[position].day >= CONFIRMED_AFTER:
            return True
    return False


def first_response(assessments: Sequence[Assessment], therapy: int | None) -> tuple[bool | None, int | None]:
    """Whether a response was seen again before progression and another treatment, and the day of the first scan of it.

    Seen again at the first scan 28 days later or more, and at all between; scans that cannot be judged do not count. None
    where nobody looked again.
    """
    judged = [one for one in assessments if one.overall != "NE"]
    counted = {one.day for one in _counted(judged, therapy) if one.overall in ("CR", "PR")}
    answers: list[bool | None] = []
    for position, one in enumerate(judged):
        again = _seen_again([other.day for other in judged[position:]], counted)
        if again:
            return True, one.day
        answers.append(again)
    return None if None in answers else False, None


def _seen_again(days: Sequence[int], counted: Collection[int]) -> bool | None:
    for day in days:
        if day not in counted:
            return False
        if day - days[0] >= CONFIRMED_AFTER:
            return True
    return None


@dataclass(frozen=True, slots=True)
class Followed:
    """How the follow-up of an endpoint ended: elapsed days, and why.

    `event`, `competing`, `censored`, or `not evaluable`, which has no day. Time counts from `start`.
    """

    day: int | None
    how: str
    why: str
    start: int = 0


def response_duration(assessments: Sequence[Assessment], therapy: int | None, death: int | None) -> Followed:
    """Time from a confirmed response to progression or death."""
    _, start = first_response(assessments, therapy)
    if start is None:
        return Followed(None, "not evaluable", "no response")
    since = [one for one in assessments if one.day >= start]
    return replace(progression_free(since, therapy, death, counts_death=True), start=start)


def progression_free(
    assessments: Sequence[Assessment], therapy: int | None, death: int | None, *, counts_death: bool
) -> Followed:
    """Time to progression, or progression-free survival where death counts (recist.md section 8)."""
    adequate = [one.day for one in assessments if one.overall != "NE"]
    progressed = first_progression(assessments)
    event, why = (progressed, "progression")
    if counts_death and death is not None and (event is None or death < event):
        event, why = death, "death"

    def last_before(day: int, *, included: bool) -> int:
        return max((one for one in adequate if one < day or (included and one == day)), default=0)

    if therapy is not None and (event is None or therapy < event):
        return Followed(last_before(therapy, included=True), "censored", "new therapy")
    if event is None:
        if death is not None:
            return Followed(last_before(death, included=True), "censored", "death")
        return Followed(max(adequate, default=0), "censored", "no event")
    last = last_before(event, included=False)
    if event - last >= LONGEST_GAP:
        return Followed(last, "censored", "missed scans")
    return Followed(event, "event", why)
