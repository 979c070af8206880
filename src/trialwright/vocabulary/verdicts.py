"""Met, not met or unknown with its reason: Kleene's three values, one small integer per verdict.

A verdict and its reason are one code of type uint8, so that arrays, table columns and SQL carry both as one value:

- *or* is the greatest code, *not* exchanges 0 and 100 and keeps the rest, *and* is `not (not a or not b)`;
- 0 is not met, 100 is met, every code between is unknown for one reason, and of several reasons the one with the
  greatest code is told.

The laws (associative, commutative, idempotent, De Morgan, double negation, and: a known result never turns over when
an unknown becomes known) hold for verdict *and* reason. Two laws of two-valued logic hold for the verdict only:
absorption and distribution may tell another reason (`a or (a and b)` with `a` stale and `b` missing is unknown
because missing), so a reader may not simplify a rule before judging it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]


class Reason(StrEnum):
    """Why a verdict is unknown, in the order in which reasons are told.

    What leaves us knowing least comes first: no result at all before an old one, that before results that cannot be
    used as they are, that before results known up to a bound or a day; then what only a person can say, and last
    what only time will tell or nothing can.
    """

    MISSING = "missing"
    STALE = "stale"
    CONFLICT = "conflict"
    UNREADABLE = "unreadable"
    UNIT_UNKNOWN = "unit unknown"
    NO_LIMIT = "no limit of normal"
    CENSORED = "censored across the threshold"
    UNDEFINED = "undefined"
    IMPRECISE_DATE = "imprecise date"
    NEEDS_A_PERSON = "needs a person"
    NOT_YET_DUE = "not yet due"
    NOT_APPLICABLE = "not applicable"

    @property
    def code(self) -> int:
        return _ABOUT[self].code

    @property
    def meaning(self) -> str:
        """What was found, in a sentence a coordinator understands."""
        return _ABOUT[self].meaning

    @property
    def remedy(self) -> str:
        """What would settle it."""
        return _ABOUT[self].remedy


class _About(NamedTuple):
    code: int
    meaning: str
    remedy: str


# Codes are stored in files and databases: they never change; gaps leave room for new reasons, and all fit a signed byte.
_ABOUT: Mapping[Reason, _About] = MappingProxyType(
    {
        Reason.MISSING: _About(
            96, "There is no record, or a part of the score has none.", "obtain the result"
        ),
        Reason.STALE: _About(88, "There are results, but none inside the window.", "repeat the test"),
        Reason.CONFLICT: _About(
            80,
            "Results of one instant lie on both sides of the threshold, or one result says two things.",
            "find out which one is right, or repeat the test",
        ),
        Reason.UNREADABLE: _About(
            72, "There is a result, but its code or text is not one the protocol knows.", "ask what it means"
        ),
        Reason.UNIT_UNKNOWN: _About(
            64,
            "The unit is not given or cannot be converted (copies/mL without the assay).",
            "ask the laboratory",
        ),
        Reason.NO_LIMIT: _About(
            56, "The laboratory's limit of normal for this result is not given.", "ask the laboratory"
        ),
        Reason.CENSORED: _About(
            48,
            "The result is given as below or above a limit, and the threshold lies beyond that limit.",
            "ask for a dilution or a more sensitive test",
        ),
        Reason.UNDEFINED: _About(
            40, "The arithmetic has no answer (a ratio to zero).", "ask the authors of the protocol"
        ),
        Reason.IMPRECISE_DATE: _About(
            32,
            "The date is known to the month or year only, and the days in it decide differently.",
            "find the date",
        ),
        Reason.NEEDS_A_PERSON: _About(
            24, "Data cannot decide this; a named person must, or must again.", "ask that person to attest"
        ),
        Reason.NOT_YET_DUE: _About(16, "The time for it has not come.", "wait"),
        Reason.NOT_APPLICABLE: _About(
            8, "The question does not arise for this person or any more.", "nothing"
        ),
    }
)
_NOT_MET, _MET = 0, 100
_REASONS: Mapping[int, Reason] = MappingProxyType({about.code: reason for reason, about in _ABOUT.items()})


def _negated(code: int) -> int:
    return {_NOT_MET: _MET, _MET: _NOT_MET}.get(code, code)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`Verdict.MET`, `Verdict.NOT_MET` or `Verdict.unknown(reason)`; combine with `&`, `|` and `~`.

    A verdict has no truth value: `if verdict:` raises TypeError, because an unknown one would count as one or the
    other. Ask `is_met`, `is_not_met` or `is_known`.

    Raises
    ------
    ValueError
        If the code stands for no verdict.

    Examples
    --------
    >>> Verdict.MET | Verdict.unknown(Reason.STALE)
    Verdict.MET
    >>> print(Verdict.MET & Verdict.unknown(Reason.STALE))
    unknown (stale)
    """

    code: int

    MET: ClassVar[Verdict]
    NOT_MET: ClassVar[Verdict]

    def __post_init__(self) -> None:
        if type(self.code) is not int or not (self.code in (_NOT_MET, _MET) or self.code in _REASONS):
            raise ValueError(f"no verdict has the code {self.code!r}")

    @classmethod
    def unknown(cls, reason: Reason) -> Verdict:
        return _VERDICTS[_ABOUT[reason].code]

    @classmethod
    def of(cls, answer: bool) -> Verdict:
        """Met for True, not met for False."""
        if not isinstance(answer, (bool, np.bool_)):
            raise TypeError(f"an answer must be True or False, not {answer!r}")
        return cls.MET if answer else cls.NOT_MET

    @classmethod
    def judge(cls, *, surely: bool, never: bool, reason: Reason) -> Verdict:
        """Met where it holds for all that is possible, not met where for nothing, else unknown for `reason`."""
        if surely and never:
            raise ValueError("nothing can hold surely and never")
        if surely:
            return cls.MET
        return cls.NOT_MET if never else cls.unknown(reason)

    @classmethod
    def all_of(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """All of several; met when there are none."""
        return ~cls.any_of(~verdict for verdict in verdicts)

    @classmethod
    def any_of(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Any of several; not met when there are none."""
        return _VERDICTS[max((verdict.code for verdict in verdicts), default=_NOT_MET)]

    @property
    def is_met(self) -> bool:
        return self.code == _MET

    @property
    def is_not_met(self) -> bool:
        return self.code == _NOT_MET

    @property
    def is_known(self) -> bool:
        return self.code in (_NOT_MET, _MET)

    @property
    def reason(self) -> Reason | None:
        """Why it is unknown; None when it is known."""
        return _REASONS.get(self.code)

    def __and__(self, other: Verdict) -> Verdict:
        return ~(~self | ~other)

    def __or__(self, other: Verdict) -> Verdict:
        if not isinstance(other, Verdict):
            return NotImplemented
        return _VERDICTS[max(self.code, other.code)]

    def __invert__(self) -> Verdict:
        return _VERDICTS[_negated(self.code)]

    def __bool__(self) -> bool:
        raise TypeError(f"a verdict is not True or False ({self}): ask `is_met`, `is_not_met` or `is_known`")

    def __str__(self) -> str:
        if self.reason is not None:
            return f"unknown ({self.reason})"
        return "met" if self.is_met else "not met"

    def __repr__(self) -> str:
        if self.reason is not None:
            return f"Verdict.unknown(Reason.{self.reason.name})"
        return "Verdict.MET" if self.is_met else "Verdict.NOT_MET"

    def to_json(self) -> dict[str, str]:
        """`{"verdict": "met"}`, `{"verdict": "not met"}` or `{"verdict": "unknown", "reason": "stale"}`."""
        if self.reason is not None:
            return {"verdict": "unknown", "reason": self.reason.value}
        return {"verdict": str(self)}

    @classmethod
    def from_json(cls, data: Any) -> Verdict:
        """The verdict that `to_json` wrote; ValueError for anything else."""
        for verdict in _VERDICTS.values():
            if verdict.to_json() == data:
                return verdict
        raise ValueError(f"{data!r} is not the JSON form of a verdict")


_VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {code: Verdict(code) for code in (_NOT_MET, *sorted(_REASONS), _MET)}
)
Verdict.MET = _VERDICTS[_MET]
Verdict.NOT_MET = _VERDICTS[_NOT_MET]

_IS_CODE = np.isin(np.arange(256), list(_VERDICTS))
_IS_CODE.setflags(write=False)
_NEGATED = np.array([_negated(code) for code in range(256)], dtype=np.uint8)
_NEGATED.setflags(write=False)


def as_codes(values: npt.ArrayLike) -> Codes:
    """Check that an array holds verdict codes.

    Raises
    ------
    TypeError
        If its type is not uint8. True and False are no codes: use `judge`.
    ValueError
        If a number stands for no verdict.
    """
    codes = np.asarray(values)
    if codes.dtype != np.uint8:
        raise TypeError(f"verdict codes must be an array of uint8, not {codes.dtype}")
    valid = _IS_CODE.take(codes)
    if not valid.all():
        raise ValueError(f"no verdict has the code {codes[~valid].flat[0]}")
    return codes


def negate(codes: npt.ArrayLike) -> Codes:
    """Not, for each code. Unknown stays unknown for the same reason."""
    return np.asarray(_NEGATED[as_codes(codes)])


def any_of(codes: npt.ArrayLike, *, axis: int = 0) -> Codes:
    """Or along an axis of an array of codes, or over a list of arrays; not met along an axis of length 0."""
    return np.asarray(np.max(as_codes(codes), axis=axis, initial=_NOT_MET))


def all_of(codes: npt.ArrayLike, *, axis: int = 0) -> Codes:
    """And along an axis of an array of codes, or over a list of arrays; met along an axis of length 0."""
    return negate(any_of(negate(codes), axis=axis))


def judge(*, surely: npt.ArrayLike, never: npt.ArrayLike, reason: Reason | npt.ArrayLike) -> Codes:
    """Met where it holds for all that is possible, not met where for nothing, else unknown for `reason`.

    Parameters
    ----------
    surely, never : array-like of bool, of one shape
    reason : Reason, or array-like of uint8 of that shape
        Codes of unknown verdicts; of the others only those count where neither flag is set.

    Raises
    ------
    ValueError
        If both flags are set somewhere, or if a code of `reason` that counts is a known verdict.
    """
    surely, never = np.asarray(surely, dtype=np.bool_), np.asarray(never, dtype=np.bool_)
    if (surely & never).any():
        raise ValueError("nothing can hold surely and never")
    unknown = np.uint8(reason.code) if isinstance(reason, Reason) else as_codes(reason)
    # a product with a flag is much faster than a choice by it; what is never met is `_NOT_MET`, 0
    codes = np.asarray(surely * np.uint8(_MET) + ~(surely | never) * unknown)
    if (((codes == _MET) & ~surely) | ((codes == _NOT_MET) & ~never)).any():
        raise ValueError("the reason for an unknown verdict cannot be a known verdict")
    return codes
