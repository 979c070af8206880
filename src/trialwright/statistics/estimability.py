"""When data cannot give the number asked for."""

from __future__ import annotations


class NotEstimable(Exception):
    """The call was right and the data were sound, yet they do not hold the answer.

    `reason` is one short sentence without a full stop, fit for a report.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
