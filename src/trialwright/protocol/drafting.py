"""Commented protocols to start from: sound examples in which every open decision is marked."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import date
from importlib.resources import files
from typing import Literal

from trialwright.protocol.loading import parse_protocol
from trialwright.vocabulary.problems import ProblemsFound

StartingDesign = Literal["single-arm", "two-groups"]

TO_DO = "# TO DO"
"""How a line ends that leaves a decision open."""

_CAN_BE = {
    "id": "must begin with a letter and hold at most 40 letters, digits, spaces and . _ -",
    "title": "must be text in one line, of at most 4000 characters",
}

# Controls, line breaks, halves of surrogate pairs, and marks that change the direction of what follows.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def draft_protocol(
    design: StartingDesign, *, day: date, study_id: str | None = None, title: str | None = None
) -> str:
    """A protocol file to edit, with the comments that explain it.

    Parameters
    ----------
    design : str
        Which of the starting protocols.
    day : date
        The date of its version.
    study_id, title : str, optional
        What the study is called; without them as the example is.

    Raises
    ------
    ValueError
        If no protocol can have this id or title.
    """
    text = (files("trialwright.protocol") / "templates" / f"{design}.yaml").read_text(encoding="utf-8")
    text = text.replace("date: 2026-01-01", f"date: {day.isoformat()}", 1)
    for key, words in (("id", study_id), ("title", title)):
        if words is not None:
            text = _called(text, key, words)
    return text


def _called(text: str, key: str, words: str) -> str:
    """The protocol with another id or title, if that can be read back."""
    if _UNPRINTABLE.search(words) is None:
        line = f"  {key}: {json.dumps(words, ensure_ascii=False)}"
        renamed = re.sub(rf"^  {key}: .*$", lambda _: line, text, count=1, flags=re.MULTILINE)
        with suppress(ProblemsFound):
            protocol, _ = parse_protocol(renamed)
            if getattr(protocol.study, key) == words.strip():
                return renamed
    raise ValueError(f"the {key} {_CAN_BE[key]}")


def count_open_decisions(text: str) -> int:
    """Lines of a drafted protocol that are still marked."""
    return sum(line.endswith(TO_DO) for line in text.splitlines())
