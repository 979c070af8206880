"""Dates as a protocol writes them outside its rules: moments, spans, reaches and selections, in the words of the rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.rule_tree import Moment, Within
from trialwright.protocol.rules import RULE, place_in, render_part
from trialwright.vocabulary.problems import Place, ProblemsFound

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, both days included unless `leaves_start_out`."""

    start: Moment
    end: Moment
    leaves_start_out: bool = False

    def __str__(self) -> str:
        after = "after " if self.leaves_start_out else ""
        return f"{after}{render_part(self.start)} to {render_part(self.end)}"


@dataclass(frozen=True, slots=True)
class Selection:
    """A record, the first or last there is, or the last one on or before `until`.

    The name of `record` is None where it is for each fact to take its own, as in `last on or before first durvalumab`.
    """

    record: Moment
    until: Moment | None = None

    def __str__(self) -> str:
        if self.until is None:
            return render_part(self.record)
        words = [self.record.which, self.record.name, "on or before", render_part(self.until)]
        return " ".join(word for word in words if word)


_Read = TypeVar("_Read")


def parse_moment(text: str, *, start: Place = RULE) -> Moment:
    """Read a date such as `group_assignment`, `last durvalumab + 28 days`.

    Parameters
    ----------
    text : str
    start : Place
        Where its first character stands; problems are placed from there on.

    Raises
    ------
    ProblemsFound
        With one problem, the first thing that is not understood.
    """
    if _NAME.fullmatch(text) and text not in RESERVED_WORDS:
        return Moment(text, at=(1, 1))  # no grammar is needed for a name
    from trialwright.protocol.rule_parsing import read_moment

    return _read(read_moment, text, start)


def parse_span(text: str, *, start: Place = RULE) -> Span:
    """Read `first durvalumab to last durvalumab + 28 days`; errors as for `parse_moment`."""
    from trialwright.protocol.rule_parsing import read_span

    return _read(read_span, text, start)


def parse_reach(text: str, *, start: Place = RULE) -> Within:
    """Read `7 days of first durvalumab` or `6 months after last durvalumab`; errors as for `parse_moment`."""
    from trialwright.protocol.rule_parsing import read_reach

    return _read(read_reach, text, start)


def parse_selection(text: str, *, start: Place = RULE) -> Selection:
    """Read `last on or before first durvalumab` or `last contact`; errors as for `parse_moment`."""
    from trialwright.protocol.rule_parsing import read_selection

    return _read(read_selection, text, start)


def _read(read: Callable[[str], _Read], text: str, start: Place) -> _Read:
    from trialwright.protocol.rule_parsing import CannotRead  # lark takes a while to import, as in `rules`

    try:
        return read(text)
    except CannotRead as found:
        raise ProblemsFound([replace(found.problem, place=place_in(start, found.at))]) from None
