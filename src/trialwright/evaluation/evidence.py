"""Why a rule got its verdict: a tree of the same shape as the rule, with what was found and what is open at each leaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trialwright.evaluation.observations import Observation
from trialwright.evaluation.readings import Reading
from trialwright.protocol.rule_tree import Condition
from trialwright.vocabulary.verdicts import Reason, Verdict


class Found(NamedTuple):
    """Something a leaf was judged by.

    Parameters
    ----------
    about : str
        Name of the fact; `age`, `count FACT` or `score FACT` for what is computed.
    reading : Reading
        What it says, in the unit of the fact.
    held : Verdict
        Whether it lies in the window. Not met for the results that make a leaf stale.
    """

    about: str
    reading: Reading
    held: Verdict = Verdict.MET

    @property
    def observation(self) -> Observation | None:
        """The record; None for what is computed."""
        return self.reading.observation


class Open(NamedTuple):
    """What keeps a leaf unknown.

    `about` is a fact, or `age` (the date of birth is needed), `anchor`, `baseline` or `during PERIOD`. `is_unknown` says
    that nothing is known of it; else it is known in part, as a censored result is.
    """

    about: str
    reason: Reason
    is_unknown: bool
    record: str | None = None


class Evidence(NamedTuple):
    """A condition with its verdict.

    A leaf has `found` and, where it is unknown, `open`; any other condition has `parts`. The parts of `confirmed` and
    `consecutive` are the condition at the row itself, and the condition at the later rows as one leaf, whose
    `condition` is None.
    """

    condition: Condition | None
    verdict: Verdict
    parts: tuple[Evidence, ...] = ()
    found: tuple[Found, ...] = ()
    open: tuple[Open, ...] = ()

    def leaves(self) -> Iterator[Evidence]:
        """The leaves, in the order of the text."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()
