"""Verdicts as their codes, where one patient's are computed by the thousand: *or* is the greatest of several.

See `vocabulary.verdicts` for what the codes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from trialwright.vocabulary.verdicts import Reason, Verdict

NOT_MET, MET = Verdict.NOT_MET.code, Verdict.MET.code
IMPRECISE = Reason.IMPRECISE_DATE.code
REASONS: Mapping[int, Reason] = MappingProxyType({reason.code: reason for reason in Reason})
VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        NOT_MET: Verdict.NOT_MET,
        MET: Verdict.MET,
        **{code: Verdict.unknown(reason) for code, reason in REASONS.items()},
    }
)


def is_known(code: int) -> bool:
    return code in (NOT_MET, MET)


def negated(code: int) -> int:
    return MET + NOT_MET - code if code in (NOT_MET, MET) else code


def all_of(codes: Iterable[int]) -> int:
    return negated(max(map(negated, codes), default=NOT_MET))


def agree(codes: Sequence[int], cause: Reason) -> int:
    """What all say; where they differ, unknown for the cause or for what makes one unknown, as told first."""
    several = set(codes)
    if len(several) == 1:
        return codes[0]
    return max(cause.code, *(code for code in several if not is_known(code)), NOT_MET)


def told_first(*reasons: Reason | None) -> Reason | None:
    return max((reason for reason in reasons if reason), key=lambda reason: reason.code, default=None)
