"""Reading and writing protocol files, their hashes, and the protocols that come with Trialwright."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from trialwright.protocol.facts import Scope
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import check_references
from trialwright.protocol.scopes import catalogue_facts, make_scope
from trialwright.protocol.written_rules import Writing, read_writing
from trialwright.vocabulary.documents import Document, canonical_hash, read_document
from trialwright.vocabulary.elements import in_reading_order, validate_document
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, nearest

_PRESENTATION = frozenset({"format"})


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol with the document it was read from, for places in messages."""

    protocol: Protocol
    document: Document
    folder: Path
    """Where files that come with the protocol lie."""

    @cached_property
    def writing(self) -> Writing:
        """Its rules and dates, read and held against their scope."""
        return read_writing(self.protocol, self.document)


def load_protocol(name_or_path: str) -> LoadedProtocol:
    """Load a shipped protocol by name, or any protocol by path.

    Raises
    ------
    ProblemsFound
        With every problem of the file.
    """
    path = _find_protocol(name_or_path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ProblemsFound(
            [Problem("unreadable-file", f"cannot be read: {error.strerror}", Place(str(path)))]
        ) from error
    shipped = path.is_relative_to(_shipped_folder())
    file = f"{path.parent.name}/{path.name}" if shipped else str(path)
    protocol, document, writing = _read(text, file)
    loaded = LoadedProtocol(protocol, document, path.parent)
    loaded.__dict__["writing"] = writing  # it has been read for its problems
    return loaded


def load_scope(protocol: str | None) -> Scope:
    """What rules may name: the protocol of that name or path, or the catalogue without one.

    Raises
    ------
    ProblemsFound
        With every problem of the protocol.
    """
    if protocol is None:
        return Scope(catalogue_facts())
    loaded = load_protocol(protocol)
    return make_scope(loaded.protocol, loaded.document)


def parse_protocol(text: str | bytes, file: str = "protocol.yaml") -> tuple[Protocol, Document]:
    """The protocol a text holds, and the document with its places.

    Raises
    ------
    ProblemsFound
        With every problem of the text, in reading order.
    """
    protocol, document, _ = _read(text, file)
    return protocol, document


def _read(text: str | bytes, file: str) -> tuple[Protocol, Document, Writing]:
    document = read_document(text, file)
    protocol = validate_document(document, Protocol)
    writing = read_writing(protocol, document)
    problems = [*check_references(protocol, document), *writing.problems]
    if problems:
        raise ProblemsFound(in_reading_order(problems))
    return protocol, document, writing


def dump_protocol(protocol: Protocol) -> str:
    """The protocol as YAML text that loads to the same protocol; what is at its default is left out."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 110
    writer.Representer = _Representer
    out = StringIO()
    writer.dump(protocol.to_plain(), out)
    return out.getvalue()


class _Representer(SafeRepresenter):
    """Line breaks other than a line feed would come back as one: such text is quoted and escaped."""

    def represent_str(self, data: str) -> Any:
        style = '"' if any(mark in data for mark in "\r\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Representer.add_representer(str, _Representer.represent_str)


def hash_sections(protocol: Protocol) -> dict[str, str]:
    """SHA-256 of every section, defaults written out; editing one section leaves the others' hashes alone."""
    sections = protocol.model_dump(mode="json")
    return {name: canonical_hash(section) for name, section in sections.items() if name not in _PRESENTATION}


def hash_protocol(protocol: Protocol) -> str:
    """SHA-256 of the whole canonical document."""
    return canonical_hash(protocol.model_dump(mode="json"))


def protocol_schema() -> dict[str, Any]:
    """The JSON Schema of protocol files, so that editors complete and check them."""
    schema = Protocol.model_json_schema() | {"title": "Trialwright protocol"}
    _refuse_other_names(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _refuse_other_names(node: Any) -> None:
    """A mapping whose names have a pattern takes no others; pydantic checks that but does not write it down."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        _refuse_other_names(child)


def shipped_protocols() -> list[str]:
    """Names of the protocols that come with Trialwright, in alphabetical order."""
    return sorted(
        folder.name for folder in _shipped_folder().iterdir() if (folder / "protocol.yaml").is_file()
    )


def _shipped_folder() -> Path:
    return Path(str(files("trialwright.protocol"))) / "shipped"


def _find_protocol(name_or_path: str) -> Path:
    path = Path(name_or_path)
    candidates = [path, path / "protocol.yaml"]
    if len(path.parts) == 1 and path.name == name_or_path:
        candidates.insert(0, _shipped_folder() / name_or_path / "protocol.yaml")
    is_folder = False
    with suppress(OSError, ValueError):  # a name too long for a file, or with a character no file name has
        is_folder = path.is_dir()
        for candidate in candidates:
            if candidate.is_file():
                return candidate
    shown = name_or_path if len(name_or_path) <= 80 else f"{name_or_path[:77]}..."
    if is_folder:
        message = f"`{shown}` is a folder without a file `protocol.yaml`"
        fix = "name the protocol file in it"
        raise ProblemsFound([Problem("no-such-protocol", message, fix=fix)])
    guess = nearest(name_or_path[:80], shipped_protocols())
    message = f"`{shown}` is neither a file nor a shipped protocol ({', '.join(shipped_protocols())})"
    raise ProblemsFound(
        [Problem("no-such-protocol", message, fix=f"did you mean `{guess}`?" if guess else "")]
    )
