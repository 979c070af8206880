"""YAML documents with a place for every key and value.

Protocols and column mappings are read the same way: YAML 1.2, no aliases, no duplicate keys, no tags, capped in size
and depth. `elements` then holds them against a model.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_VALUES = 20_000

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Document:
    """The plain data of a YAML file with the place of every key and value in it."""

    file: str
    data: Any
    key_places: Mapping[Path, Place]
    value_places: Mapping[Path, Place]
    text: str = ""
    """The text it was read from."""

    def place_of(self, path: Path, *, key: bool = False) -> Place:
        """The place of a value (or its key), or of the nearest thing around it that is written down."""
        for end in range(len(path), -1, -1):
            found = (self.key_places if key else self.value_places).get(path[:end]) or self.value_places.get(
                path[:end]
            )
            if found:
                return found
        return Place(self.file)

    def place_inside(self, path: Path, line: int, column: int) -> Place:
        """The place of a character of a text value, counted by line and column from 1 inside the value.

        The value is laid over what is written, blanks aside: quotes, escapes, the head of a block and lines that YAML
        folds do not count.
        """
        place = self.value_places.get(path)
        value = self._value(path) if place else None
        if place is None or place.line is None or place.column is None or not isinstance(value, str):
            return self.place_of(path)
        lines = value.split("\n")
        ahead = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
        starts = _line_starts(self.text)
        index = starts[place.line - 1] + place.column - 1
        head = _BLOCK_HEAD.match(self.text, index)
        index = head.end() if head else index + (self.text[index] in "\"'")
        for character in "".join(value[:ahead].split()):
            index = self.text.find(character, index) + 1
            if index == 0:
                return place
        rest = value[ahead : ahead + 1].strip()
        found = self.text.find(rest, index) if rest else index
        index = found if found >= 0 else index
        row = bisect_right(starts, index)
        return Place(self.file, row, index - starts[row - 1] + 1)

    def _value(self, path: Path) -> Any:
        value = self.data
        for part in path:
            value = value[part]
        return value


def read_document(text: str | bytes, file: str) -> Document:
    """Read YAML text into plain data with places.

    Raises
    ------
    ProblemsFound
        With one located problem: reading stops at the first thing that is not YAML, or not the YAML used here.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise refusal(
            "document-too-large", f"a document may hold {MAX_BYTES:,} bytes, not {size:,}", Place(file)
        )
    written = _decode(text, file)
    _refuse_unprintable(written, file)
    reader = _Reader(file)
    try:
        return reader.read(written)
    except MarkedYAMLError as error:
        message, place = _told(error, file)
        raise refusal("yaml-syntax", message, place, fix=_cure(message)) from error
    except (YAMLError, ValueError) as error:  # an escape or a version number beyond what Python can hold
        start = _QUOTE_OR_DIRECTIVE.search(written, reader.read_to)
        place = _place_at(written, start.start() if start else 0, file)
        raise refusal("yaml-syntax", f"this is not YAML: {str(error)[:100]}", place) from error


def _told(error: MarkedYAMLError, file: str) -> tuple[str, Place]:
    """What the parser says, placed where the fault begins: what is never closed is placed where it opens."""
    unclosed = error.context_mark and "end" in str(error.problem) and "stream" in str(error.problem)
    mark = error.context_mark if unclosed else error.problem_mark or error.context_mark
    about = ", ".join(part for part in (error.context, error.problem) if part)
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    return f"this is not YAML: {about[:200]}", place


_CURES = {
    r"'\t'": "use spaces: a tab cannot stand here",
    "<block end>": "begin the line under the first letter of the lines it belongs with",
    "could not find expected ':'": "see this line and the one before: after a key come a colon and a space",
    "mapping values are not allowed": "put a text with a colon in quotes, or begin the line under the lines it belongs with",
}
"""What to do, by what the parser says of the slips that are made most."""


def _cure(message: str) -> str:
    return next((cure for said, cure in _CURES.items() if said in message), "")


# Control characters and halves of surrogate pairs (YAML 1.2, production 1); and tags so long that scanning them would
# take the parser minutes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_ENDLESS_TAG = re.compile(r"(?<![^\s\[{,:?-])!\S{10000}")
_QUOTE_OR_DIRECTIVE = re.compile('["%]')
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BLOCK_HEAD = re.compile(r"[|>][-+0-9]*[^\n]*\n")


@lru_cache(maxsize=4)
def _line_starts(text: str) -> tuple[int, ...]:
    """Where each line begins; kept, for a document with many faults asks again and again."""
    return (0, *(found.end() for found in _LINE_BREAK.finditer(text)))


def _refuse_unprintable(text: str, file: str) -> None:
    found = _UNPRINTABLE.search(text)
    if found:
        message = f"this is not YAML: the character U+{ord(found[0]):04X} cannot stand in a text file"
        raise refusal("yaml-syntax", message, _place_at(text, found.start(), file))
    tag = _ENDLESS_TAG.search(text)
    if tag:
        raise refusal("yaml-tag", "tags (`!`) cannot be used", _place_at(text, tag.start(), file))


def _place_at(text: str, index: int, file: str) -> Place:
    breaks = [found.end() for found in _LINE_BREAK.finditer(text, 0, index)]
    return Place(file, len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1)


def _decode(text: str | bytes, file: str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8-sig")
        raise refusal(
            "not-utf8",
            f"the file must be UTF-8; byte 0x{text[error.start]:02x} is not",
            _place_at(before, len(before), file),
            fix="save the file as UTF-8",
        ) from error


def refusal(code: str, message: str, place: Place, *, field: str = "", fix: str = "") -> ProblemsFound:
    return ProblemsFound([Problem(code, message, place, field, fix)])


class _Reader:
    """Builds plain data from YAML events without recursion, so that depth costs nothing before it is refused."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.read_to = 0
        self.key_places: dict[Path, Place] = {}
        self.value_places: dict[Path, Place] = {}

    def read(self, text: str) -> Document:
        parser = YAML(typ="safe", pure=True)
        parser.version = (1, 2)
        root: list[Any] = []
        open_nodes: list[tuple[Path, Any]] = [((), root)]
        key: str | None = None
        n_documents = n_values = 0
        for event in parser.parse(text):
            self.read_to = event.end_mark.index
            if isinstance(event, DocumentStartEvent):
                n_documents += 1
                if n_documents > 1:
                    raise refusal("several-documents", "a file must hold one document", self._place(event))
                continue
            if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                open_nodes.pop()
                continue
            if not isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)):
                continue
            n_values += 1
            place = self._place(event)
            self._refuse_unwanted(event, place, depth=len(open_nodes), n_values=n_values)
            path, parent = open_nodes[-1]
            if isinstance(parent, dict) and key is None:
                key = self._read_key(event, path, parent, place)
                continue
            here = path if parent is root else (*path, key if key is not None else len(parent))
            # an empty value has no place of its own: it stands where its key does
            self.value_places[here] = self.key_places.get(here, place) if _is_empty(event) else place
            value = _plain_value(event)
            if isinstance(parent, dict):
                parent[key] = value
                key = None
            else:
                parent.append(value)
            if not isinstance(event, ScalarEvent):
                open_nodes.append((here, value))
        return Document(self.file, root[0] if root else None, self.key_places, self.value_places, text)

    def _place(self, event: Event) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse_unwanted(self, event: Event, place: Place, *, depth: int, n_values: int) -> None:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise refusal(
                "yaml-alias", "anchors (&) and aliases (*) cannot be used; write the value out", place
            )
        tag = getattr(event, "tag", None)
        if tag:
            raise refusal("yaml-tag", f"tags cannot be used, found `{tag}`", place)
        if depth > MAX_DEPTH and not isinstance(event, ScalarEvent):
            raise refusal("document-too-deep", f"a document may nest {MAX_DEPTH} levels deep", place)
        if n_values > MAX_VALUES:
            raise refusal("document-too-large", f"a document may hold {MAX_VALUES:,} keys and values", place)

    def _read_key(self, event: Event, path: Path, parent: dict[str, Any], place: Place) -> str:
        if not isinstance(event, ScalarEvent):
            raise refusal("yaml-key", "a key must be one word or phrase, not a list or mapping", place)
        key = str(event.value)
        if key in parent:
            first = self.key_places[(*path, key)]
            raise refusal(
                "duplicate-key",
                f"`{key}` stands here a second time; the first is in line {first.line}",
                place,
                field=dotted((*path, key)),
            )
        self.key_places[(*path, key)] = place
        return key


def _is_empty(event: NodeEvent) -> bool:
    return isinstance(event, ScalarEvent) and event.value == "" and event.style is None


def _plain_value(event: NodeEvent) -> Any:
    """YAML 1.2 core schema: a plain scalar may be null, a boolean or a number; all else is text."""
    if isinstance(event, MappingStartEvent):
        return {}
    if not isinstance(event, ScalarEvent):
        return []
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text) and len(text) <= 18:
        return int(text)
    if _NUMBER.match(text):
        number = float(text)
        vanished = number == 0 and re.search("[1-9]", text.lower().partition("e")[0])
        return number if math.isfinite(number) and not vanished else text
    return text


def dotted(path: Path) -> str:
    """A path as a reader types it: `analyses.rfs.read at[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


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


def canonical_json(value: Any) -> str:
    """One spelling of plain data: no spaces, all characters as themselves, order kept, whole floats as integers.

    Order is kept because it means something (criteria are numbered); keys of one element always come in the
    order of the model, however the file orders them.
    """
    return json.dumps(_plain_numbers(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    return value


def canonical_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
