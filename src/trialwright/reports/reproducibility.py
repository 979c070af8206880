"""What the report rests on: hashes and versions, and what the protocol assumes or leaves open. No clock time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trialwright.protocol.model import Stated
from trialwright.reports.blocks import Code, KeyValues, Ref, Text
from trialwright.reports.printed import Said, Source


def render_reproducibility(source: Source) -> KeyValues:
    """Every entry of the provenance, as it was recorded."""
    items = []
    for group, kind in (("protocol", "version"), ("data", "data"), ("software", "version")):
        for name, value in source.results.provenance.get(group, {}).items():
            ref = Ref.data(name) if kind == "data" else Ref.version(name)
            items.append((Text(Code(name, ref)), Text(Code(str(value), ref))))
    return KeyValues(tuple(items))


def open_statements(source: Said, status: str, *, without: tuple[str, ...] = ()) -> tuple[Text, ...]:
    """Everything the protocol marks as `assumed` or `not stated`, with the reason; sections that do not matter left out."""
    return tuple(
        Text(Code(_element(path, status), Ref.protocol(path)), ": ", source.said(reason, path))
        for path, reason in sorted(_statements(source.protocol, status, ""))
        if path.split(".")[0] not in without
    )


def _element(path: str, status: str) -> str:
    """What a statement is about: the path without the keys it is said under."""
    return path.removesuffix(".reason").replace(f".{status}.", ".")


def _statements(element: Any, status: str, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(element, Stated):
        if element.status == status:
            yield f"{path}.reason", element.reason or "no reason given"
        for key, reason in getattr(element, status.replace(" ", "_")).items():
            yield f"{path}.{status}.{key}", reason
    if isinstance(element, dict):
        children = element.items()
    elif hasattr(type(element), "model_fields"):
        children = {
            field.alias or name: getattr(element, name) for name, field in type(element).model_fields.items()
        }.items()
    else:
        return
    for name, child in children:
        yield from _statements(child, status, f"{path}.{name}" if path else str(name))
