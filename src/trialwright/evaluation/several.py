"""Several results, of which a rule asks for one, for any or for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple, TypeVar

from trialwright.evaluation.codes import IMPRECISE, MET, REASONS, agree, all_of, is_known, negated, told_first
from trialwright.evaluation.readings import Reading
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason


class Held(NamedTuple):
    """A reading with its date, and whether it is among those that are asked about."""

    reading: Reading
    date: PartialDate
    held: int


class Tested(NamedTuple):
    """The verdict on one of several, with its date, and whether it is among those that are asked about."""

    code: int
    date: PartialDate
    held: int


class Some(NamedTuple):
    """What is asked for: which one, of what fact, out of those inside, and what it means that there is none.

    `absent` is a verdict, or the level that stands in. `about` is empty where it is not this fact that is missing but the
    moment its window counts from.
    """

    which: str
    about: str
    inside: Sequence[Held]
    absent: int | Reading


One = TypeVar("One", Held, Tested)


def may_be_picked(which: str, inside: Sequence[One]) -> tuple[list[One], Reason]:
    """Those that may be the latest (or earliest), and what to blame where they differ.

    One that surely belongs and is surely later leaves an earlier one out. Those left are in conflict if they are surely
    of one day; else an imprecise date hides which is the one.
    """
    kept = list(inside)
    surely = [one.date for one in kept if one.held == MET] if len(kept) > 1 else ()
    if surely and which == "last":
        latest = max(date.first_minute for date in surely)
        kept = [one for one in kept if one.date.last_minute >= latest]
    elif surely and which == "first":
        earliest = min(date.last_minute for date in surely)
        kept = [one for one in kept if one.date.first_minute <= earliest]
    if which == "once" or all(one.held == MET and one.date.is_whole for one in kept):
        return kept, Reason.CONFLICT
    return kept, Reason.IMPRECISE_DATE


def decided(which: str, tested: Sequence[Tested], cause: Reason, absent: int) -> int:
    """The verdict on several, at least one: any passes, all pass, or all that may be the one agree.

    What may or may not belong, where nothing surely does, decides only if its absence decides the same.
    """
    if which == "any":
        code = max(all_of((one.held, one.code)) for one in tested)
    elif which == "all":
        code = all_of(max(negated(one.held), one.code) for one in tested)
    else:
        code = agree([one.code for one in tested], cause)
    if code == absent or any(one.held == MET for one in tested):
        return code
    return IMPRECISE if is_known(code) else max(IMPRECISE, code)


def extreme(some: Some) -> Reading:
    """The lowest or highest of several numbers as one reading.

    What may or may not belong to them widens it. To blame is what is told first among those that may be it.
    """
    choose = Interval.minimum if some.which == "min" else Interval.maximum
    surely = [one.reading.number for one in some.inside if one.held == MET]
    if not surely:
        return Reading(Interval.anything(), Reason.IMPRECISE_DATE)
    value = reduce(choose, surely)
    for one in some.inside:
        if one.held != MET:
            value = value.hull(choose(value, one.reading.number))
    may_be_it = [one for one in some.inside if _overlap(value, one.reading.number)]
    reasons = [reason for one in may_be_it for reason in (one.reading.reason, REASONS.get(one.held))]
    is_calculated = any(one.reading.is_calculated for one in some.inside)
    return Reading(value, None if value.is_exact else told_first(*reasons), is_calculated=is_calculated)


def around_all(readings: Sequence[Reading], cause: Reason) -> Reading:
    """One reading in place of several, around all that they may be."""
    several = set(readings)
    if len(several) == 1:
        return readings[0]
    return Reading(
        Interval.hull_of(one.number for one in several),
        told_first(cause, *(one.reason for one in several)),
        _hull([one.lln for one in several]),
        _hull([one.uln for one in several]),
        is_calculated=any(one.is_calculated for one in several),
    )


def nothing_known(fact: Fact | None, reason: Reason) -> Reading:
    """What stands for a number or a level of which nothing is known."""
    return Reading(None if fact and fact.levels else Interval.anything(), reason)


def _hull(limits: Sequence[Interval | None]) -> Interval | None:
    given = [limit for limit in limits if limit is not None]
    return Interval.hull_of(given) if len(given) == len(limits) else None


def _overlap(a: Interval, b: Interval) -> bool:
    """Whether some number lies inside both."""
    return _reaches(a, b) and _reaches(b, a)


def _reaches(a: Interval, b: Interval) -> bool:
    """Whether not all of the first lies below the second."""
    return a.hi > b.lo or (a.hi == b.lo and not (a.hi_open or b.lo_open))
