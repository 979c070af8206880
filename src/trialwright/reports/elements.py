"""Elements of a protocol in words: what their keys say, and where each statement comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.stated import Stated
from trialwright.protocol.written_rules import WrittenRule
from trialwright.reports.blocks import Code, Ref, Term, Text
from trialwright.reports.printed import Said
from trialwright.vocabulary.documents import Path, dotted
from trialwright.vocabulary.documents import shown as shown

OF_EVERY_ELEMENT = frozenset(field.alias or name for name, field in Stated.model_fields.items())
"""Keys that say where an element comes from."""

_SPEAKS_FOR_ITSELF = frozenset({"label", "title", "text"})


@dataclass(frozen=True, slots=True)
class Telling(Said):
    """A protocol with its rules, by their dotted paths."""

    rules: Mapping[str, WrittenRule]

    def sentence(self, path: Path) -> Term | None:
        """The rule that stands at a path as a sentence without full stop; None if none does."""
        written = self.rules.get(dotted(path))
        if written is None:
            return None
        sentence = render_sentence(written.condition, written.scope)
        return self.said(f"{sentence[:1].upper()}{sentence[1:]}", dotted(path))


def tell_element(said: Telling, path: Path, element: BaseModel, *, without: Collection[str] = ()) -> Text:
    """The keys of an element with what stands there, the label first and without its key, rules as sentences.

    Left out are what every element may say of itself, which `tell_status` tells, and the parts that `parts_of` gives.
    """
    apart = {key for key, _, _ in parts_of(element)}
    pieces: list[Text] = []
    for key, value in stated(element):
        if key in OF_EVERY_ELEMENT or key in without or key in apart:
            continue
        here = (*path, key)
        lead = "" if key in _SPEAKS_FOR_ITSELF else f"{key}: "
        pieces.append(Text(lead, said.sentence(here) or said.said(shown(value), dotted(here))))
    return _joined(pieces, "; ") if pieces else Text("nothing further")


def parts_of(element: BaseModel) -> Iterator[tuple[str, str, Stated]]:
    """The parts of an element that say themselves where they come from: the key, the name if it has one, the part."""
    for name, field in type(element).model_fields.items():
        value, key = getattr(element, name), field.alias or name
        if isinstance(value, Stated):
            yield key, "", value
        elif isinstance(value, dict):
            yield from ((key, id_, part) for id_, part in value.items() if isinstance(part, Stated))


def stated(element: BaseModel) -> Iterator[tuple[str, Any]]:
    """Keys and values that are not at their default, as a file would write them; labels first."""
    fields = element.model_dump(mode="json", exclude_defaults=True)
    yield from sorted(fields.items(), key=lambda item: item[0] not in _SPEAKS_FOR_ITSELF)


def tell_status(said: Said, path: Path, element: Stated) -> Text:
    """Where a statement comes from, in sentences: the record, our choice or nobody; how it was read, and what it leaves open."""
    return _joined(list(_status_sentences(said, path, element)), " ") or Text("–")


def _status_sentences(said: Said, path: Path, element: Stated) -> Iterator[Text]:
    def words(key: str, text: str, name: str = "") -> tuple[Term, str]:
        here = (*path, key, name) if name else (*path, key)
        return said.said(text.removesuffix("."), dotted(here)), "" if text.endswith(("?", "!", "…")) else "."

    def named(key: str, name: str) -> Code:
        return Code(name, Ref.protocol(dotted((*path, key, name))))

    status, source, reason = element.status, element.source, element.reason
    told_by = {"registered": source, "assumed": reason, "not stated": reason}.get(status or "")
    if status:
        key = "source" if status == "registered" else "reason"
        yield (
            Text(f"{status.capitalize()}: ", *words(key, told_by))
            if told_by
            else Text(f"{status.capitalize()}.")
        )
    if source and status != "registered":
        yield Text("Source: ", *words("source", source))
    if reason and status in (None, "registered"):
        yield Text("Reason: ", *words("reason", reason))
    if element.registered_as:
        term, _ = words("registered as", element.registered_as)
        yield Text("The record says “", term, "”.")
    if element.reading:
        yield Text("Read here as: ", *words("reading", element.reading))
    for name, text in element.alternatives.items():
        yield Text("Or as ", named("alternatives", name), ": ", *words("alternatives", text, name))
    for name, text in element.assumed.items():
        yield Text("Assumed, ", named("assumed", name), ": ", *words("assumed", text, name))
    for name, text in element.not_stated.items():
        yield Text("Not stated, ", named("not stated", name), ": ", *words("not stated", text, name))


def _joined(texts: list[Text], between: str) -> Text:
    pieces: list[str | Text] = []
    for text in texts:
        pieces += [between, text] if pieces else [text]
    return Text(*pieces)
