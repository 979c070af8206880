"""When data cannot give the number asked for."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any


class NotEstimable(Exception):
    """The call was right and the data were sound, yet they do not hold the answer.

    `reason` is one short sentence without a full stop, fit for a report.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def require_subjects(values: Sized | Any) -> None:
    """Raise NotEstimable if there is nobody: an empty group is a finding, not a faulty call."""
    if isinstance(values, Sized) and len(values) == 0:
        raise NotEstimable("there are no subjects")
