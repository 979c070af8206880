"""docs/protocol-reference.md: every key of a protocol, told by the model itself, with examples from the shipped protocols."""

import re
import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union

import annotated_types
from pydantic import BaseModel, BeforeValidator, StringConstraints
from pydantic.fields import FieldInfo
from tests.docs.rules_page import anchor_of

from trialwright.protocol.analyses import Analysis, AnalysisBase, TimeAnalysis
from trialwright.protocol.loading import load_protocol, shipped_protocols
from trialwright.protocol.model import Censoring, DurationRangeText, Protocol, QuantityText
from trialwright.protocol.stated import Stated
from trialwright.protocol.written_rules import _KEYS as DATES
from trialwright.vocabulary import elements
from trialwright.vocabulary.elements import (
    Date,
    DurationText,
    Level,
    Name,
    PositiveDuration,
    Probability,
    Words,
)

METHODS = typing.get_args(typing.get_args(Analysis)[0])
LONGEST_EXAMPLE = 60


def render_reference_page() -> str:
    """The text of docs/protocol-reference.md."""
    parts = [
        "<!-- Written by `make docs` from src/trialwright/protocol/model.py. Change the model's docstrings, not this page. -->",
        "# Every key of a protocol",
        _introduction(),
        _section("The whole file", Protocol, level=2),
        _section(_STATED, Stated, level=2),
    ]
    for key, model, title in _models(Protocol, ""):
        level = 2 if title == key else 3
        parts.append(_analyses() if model is AnalysisBase else _section(title, model, level=level))
    return "\n\n".join(parts) + "\n"


_STATED = "What every element may say of itself"


def _introduction() -> str:
    return f"""\
A protocol is a YAML file. [first-protocol.md](first-protocol.md) writes one step by step; `trialwright new` gives a commented
one to start from; `trialwright schema` prints what stands here for editors that complete and check while you type.

Each table lists the keys of one place in the file. A **name** is what other parts refer to: small letters, digits and
underscores, a letter first. Where a section holds *named elements*, you choose the names. A *rule*, a *date*, a *span*, a
*reach* and a *selection* are written in [the rule language](rules.md). A length of time is a whole number and hours, days,
weeks, months or years. Examples are from the protocols that come with Trialwright. A key without a default is left out
where nothing is to be said; one that is **required** may not be.

Every element of a section may also say [where it comes from](#{anchor_of(_STATED)})."""


# --- sections -----------------------------------------------------------------------------------------------------------


def _models(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel], str]]:
    """Every kind of element below a model, once, in the order of the file: its key, its class and its heading."""
    told: set[type[BaseModel]] = {Stated}

    def below(owner: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel], str]]:
        for name, hint in _hints(owner).items():
            key = _key(owner, name)
            for part in _parts_in(hint):
                if part in told:
                    continue
                told.add(part)
                alike = ", ".join(
                    _key(owner, other) for other in _hints(owner) if _hints(owner)[other] == hint
                )
                title = f"{path}: {alike}" if path else key
                yield key, part, title
                for inner in METHODS if part is AnalysisBase else (part,):
                    yield from below(inner, title)

    yield from below(model, path)


@cache
def _titles() -> dict[type[BaseModel], str]:
    return {model: title for _, model, title in _models(Protocol, "")}


def _parts_in(hint: Any) -> Iterator[type[BaseModel]]:
    """The models a type holds; the kinds of analysis count as one."""
    if hint == Analysis:
        yield AnalysisBase
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    else:
        for part in typing.get_args(hint):
            yield from _parts_in(part)


def _section(
    title: str, model: type[BaseModel], *, level: int, leave_out: type[BaseModel] | None = None
) -> str:
    own = set(model.model_fields)
    own -= set() if model is Stated else set(Stated.model_fields)
    own -= set(leave_out.model_fields) if leave_out else set()
    rows = [_row(model, name) for name in model.model_fields if name in own]
    table = ["| key | what stands there | default | meaning |", "|---|---|---|---|", *rows]
    about = " ".join((model.__doc__ or "").split())
    return "\n".join(
        [
            f"{'#' * level} {title}",
            "",
            *([about, ""] if about else []),
            *(table if rows else ["No further keys."]),
        ]
    )


def _analyses() -> str:
    """The keys of all analyses, then of those of times, then of each method."""
    parts = [
        _section("analyses", AnalysisBase, level=2),
        _section("analyses of a time to an event", TimeAnalysis, level=3, leave_out=AnalysisBase),
    ]
    for method in METHODS:
        shared = TimeAnalysis if issubclass(method, TimeAnalysis) else AnalysisBase
        word = typing.get_args(_hints(method)["method"])[0]
        parts.append(_section(f"analyses: {word}", method, level=3, leave_out=shared))
    return "\n\n".join(parts)


def _row(model: type[BaseModel], name: str) -> str:
    key, hint = _key(model, name), _hints(model)[name]
    stands = "selection" if (model, name) == (Censoring, "at") else _words(hint, name)
    meaning = " ".join(_described(model).get(key, "").split()) or _of_its_part(hint)
    example = "" if stands.startswith("`") else _examples().get((_owner(model, name), name), "")
    told = [meaning, f"Example: `{example}`" if example and f"`{example}`" not in meaning else ""]
    cells = [f"`{key}`", stands, _default(model.model_fields[name]), " ".join(filter(None, told))]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _of_its_part(hint: Any) -> str:
    """What the docstring of the element says that stands under a key."""
    part = next(_parts_in(hint), None)
    return " ".join((part.__doc__ or "").split()) if part else ""


@cache
def _described(model: type[BaseModel]) -> dict[str, str]:
    """What the docstrings say of each key."""
    properties = model.model_json_schema(by_alias=True)["properties"]
    return {key: schema.get("description", "") for key, schema in properties.items()}


def _key(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or value == () or value == {} or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# --- types in words -----------------------------------------------------------------------------------------------------


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    hints = typing.get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields}


_NAMED = (
    (Words, "text"),
    (Name, "name"),
    (Level, "level"),
    (Date, "day"),
    (Probability, "probability"),
    (PositiveDuration, "length of time"),
    (DurationText, "length of time"),
    (DurationRangeText, "length of time, or one to another"),
    (QuantityText, "number and unit"),
)
_PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}
_FORMS = {
    "^NCT[0-9]{8}$": "`NCT` and 8 digits",
    "^[A-Za-z]([A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?$": "a letter, then letters, digits, spaces and . _ -",
}
_DATES = {"moment": "date", "span": "span", "reach": "reach", "selection": "selection"}


def _words(hint: Any, name: str) -> str:
    """A type as a trialist would call it; `name` is the field, for the mini-languages that are text to Python."""
    for known, words in _NAMED:
        if hint == known:
            return _language(name) or words if hint == Words else words
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _constrained(arguments[0], arguments[1:], name)
    if origin in (Union, types.UnionType):
        words = dict.fromkeys(_words(part, name) for part in arguments if part is not types.NoneType)
        return " or ".join(words)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_several(_words(arguments[0], name))}"
    if origin is dict:
        of, held = _words(arguments[0], name), _words(arguments[1], name)
        return f"named elements: {held}" if held.startswith("[") else f"for each {of}: {held}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        title = _titles()[hint]
        return f"[{title}](#{anchor_of(title)})"
    return _PLAIN[hint]


def _several(words: str) -> str:
    """`length of time` as `lengths of time`, `number above 0` as `numbers above 0`, `probability` as `probabilities`."""
    first, space, rest = words.partition(" ")
    return f"{first.removesuffix('y')}ies" if words.endswith("y") else f"{first}s{space}{rest}"


def _language(name: str) -> str:
    """Which part of the rule language a text is written in; nothing if it is for people."""
    if name in ("when", "over_when"):
        return "rule"
    if name == "time_zero":
        return "date"
    if name == "baseline":
        return "name or selection"
    return _DATES.get(DATES.get(name, ""), "")


def _constrained(base: Any, details: tuple[Any, ...], name: str) -> str:
    """A type with what limits it."""
    if any(getattr(one, "discriminator", None) for one in details):
        return f"[analyses](#{anchor_of('analyses')})"
    words = _words(base, name)
    for one in details:
        if isinstance(one, BeforeValidator) and one.func is elements._one_as_tuple:
            words = f"{_words(typing.get_args(base)[0], name)}, or a list of them"
        if isinstance(one, StringConstraints) and one.pattern:
            words = _FORMS[str(one.pattern)]
        for limit in getattr(one, "metadata", ()):
            words += _limit(limit)
    return words


def _limit(limit: Any) -> str:
    match limit:
        case annotated_types.Gt(gt):
            return f" above {gt}"
        case annotated_types.Ge(ge):
            return f" from {ge} on"
        case annotated_types.Le(le):
            return f" up to {le:,}"
        case annotated_types.MinLen(1):
            return ", at least one"
    return ""


# --- examples -----------------------------------------------------------------------------------------------------------


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@cache
def _examples() -> dict[tuple[type[BaseModel], str], str]:
    """What the shipped protocols say under each key, the first that is short; registered trials first."""
    found: dict[tuple[type[BaseModel], str], str] = {}
    for protocol in sorted(shipped_protocols(), key=lambda name: not name.startswith("nct")):
        for element in _walk(load_protocol(protocol).protocol):
            plain = element.model_dump(mode="json", exclude_unset=True)
            for name in type(element).model_fields:
                text = _shown(plain.get(_key(type(element), name)))
                if text and len(text) <= LONGEST_EXAMPLE and "`" not in text:
                    found.setdefault((_owner(type(element), name), name), text)
    return found


def _owner(model: type[BaseModel], name: str) -> type[BaseModel]:
    """The class that brings a key, so that what all elements say is one entry."""
    return next(one for one in reversed(model.__mro__) if name in getattr(one, "__annotations__", {}))


def _walk(node: Any) -> Iterator[BaseModel]:
    if isinstance(node, BaseModel):
        yield node
        for name in type(node).model_fields:
            yield from _walk(getattr(node, name))
    elif isinstance(node, dict):
        for part in node.values():
            yield from _walk(part)


def _shown(value: Any) -> str:
    """A value as a file would hold it in one line."""
    match value:
        case dict():
            inner = [(_shown(key), _shown(part)) for key, part in value.items()]
            return "{ " + ", ".join(f"{key}: {part}" for key, part in inner) + " }" if inner else ""
        case list():
            return "[" + ", ".join(_shown(part) for part in value) + "]" if value else ""
        case bool():
            return str(value).lower()
        case None:
            return ""
        case str() if _NUMBER.fullmatch(value):
            return f'"{value}"'
        case _:
            return str(value)
