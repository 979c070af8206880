"""What every part of a protocol may say of itself: where it comes from, how it was read, what it leaves open."""

from __future__ import annotations

from typing import Literal

from trialwright.vocabulary.elements import Element, Name, Words

Status = Literal["registered", "assumed", "not stated"]


class Stated(Element):
    """What every part of a protocol may say of itself."""

    source: Words | None = None
    """Where the statement comes from: registry record and place in it, guideline, paper; several with semicolons."""
    status: Status | None = None
    """`registered`: the record says so; `assumed`: our choice; `not stated`: the record is silent."""
    reason: Words | None = None
    """Why an assumption was made, or what the silence means."""
    registered_as: Words | None = None
    """What the record says, in a few words, where it can be read in more than one way."""
    reading: Words | None = None
    """Which of the ways this element takes, and why."""
    alternatives: dict[Name, Words] = {}
    """The other ways: each the name of an element beside this one that takes it, with what it means."""
    assumed: dict[Words, Words] = {}
    """Keys of an otherwise registered element that are our choice, each with the reason."""
    not_stated: dict[Words, Words] = {}
    """What the record leaves open: keys this element goes without, or topics; each with what follows."""
