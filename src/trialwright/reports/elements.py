"""Elements of a protocol in words: what their keys say, and where each statement comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import BaseModel

from trialwright.protocol.stated import Stated
from trialwright.reports.blocks import Text
from trialwright.reports.printed import Said
from trialwright.vocabulary.documents import Path, dotted

_OF_EVERY_ELEMENT = frozenset(field.alias or name for name, field in Stated.model_fields.items())
_SPEAKS_FOR_ITSELF = frozenset({"label", "title", "text"})


def tell_element(said: Said, path: Path, element: BaseModel, *, without: Collection[str] = ()) -> Text:
    """The keys of an element with what stands there, the label first and without its key."""
    pieces: list[Any] = []
    for key, value in stated(element):
        if key in _OF_EVERY_ELEMENT or key in without:
            continue
        words = said.said(shown(value), dotted((*path, key)))
        lead = "" if key in _SPEAKS_FOR_ITSELF else f"{key}: "
        pieces += ["; " if pieces else "", lead, words]
    return Text(*(piece for piece in pieces if piece)) if pieces else Text("nothing further")


def stated(element: BaseModel) -> Iterator[tuple[str, Any]]:
    """Keys and values that are not at their default, as a file would write them; labels first."""
    fields = element.model_dump(mode="json", exclude_defaults=True)
    yield from sorted(fields.items(), key=lambda item: item[0] not in _SPEAKS_FOR_ITSELF)


def shown(value: Any) -> str:
    """Data of a document in one line."""
    match value:
        case dict():
            return ", ".join(f"{key}: {shown(part)}" for key, part in value.items())
        case list() | tuple():
            return ", ".join(shown(part) for part in value)
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def tell_status(said: Said, path: Path, element: BaseModel) -> Text:
    """Whether it is registered, assumed or not stated, with source and reasons, and how else it can be read."""
    pieces: list[Any] = []
    for key, value in sorted(stated(element), key=lambda item: item[0] != "status"):
        if key not in _OF_EVERY_ELEMENT:
            continue
        several = value.items() if isinstance(value, dict) else [("", value)]
        for name, words in several:
            here = dotted((*path, key, name) if name else (*path, key))
            lead = f"{_LEADS.get(key, '')}{f'{name}: ' if name else ''}"
            pieces += ["; " if pieces else "", said.said(f"{lead}{words}", here)]
    return Text(*(piece for piece in pieces if piece)) if pieces else Text("–")


_LEADS = {
    "registered as": "registered as: ",
    "reading": "read here as: ",
    "alternatives": "or as ",
    "assumed": "assumed ",
    "not stated": "not stated ",
}
