"""Elements of documents: pydantic models whose problems are told in the words and places of the document."""

from __future__ import annotations

import ast
import inspect
import math
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from trialwright.vocabulary.documents import Document, Path, dotted, refusal
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, nearest

Model = TypeVar("Model", bound=BaseModel)


class Element(BaseModel):
    """A part of a document: unknown keys are refused, spaces in keys are underscores in Python."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=lambda name: name.rstrip("_").replace("_", " "),
        serialize_by_alias=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The docstrings below the fields describe their keys. Read here and not by pydantic when the class is made, which
        costs every command a fifth of a second."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in _field_docstrings(cls).items():
            if name in cls.model_fields:
                properties[cls.model_fields[name].alias]["description"] = text
        return schema


def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field, by the field's name; those of base classes too."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is not BaseModel and issubclass(base, BaseModel):
            found |= _docstrings_in(base.__module__).get(base.__qualname__, {})
    return found


@cache
def _docstrings_in(module: str) -> dict[str, dict[str, str]]:
    """By class of a module and field: the text that stands right below the field."""
    found: dict[str, dict[str, str]] = {}
    for definition in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(definition, ast.ClassDef):
            texts = found.setdefault(definition.name, {})
            for pair in pairwise(definition.body):
                match pair:
                    case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                        texts[name] = inspect.cleandoc(text)
    return found


_NAME = r"^[a-z][a-z0-9_]{0,63}$"
_LEVEL = r"^[A-Za-z0-9][A-Za-z0-9_.+/-]{0,63}$"
_PATTERNS = {
    _NAME: "a name is written in small letters, digits and underscores and starts with a letter",
    _LEVEL: "a level is written in letters, digits and the signs _ . + / - without spaces",
}

Name = Annotated[str, StringConstraints(pattern=_NAME)]
"""A name other parts refer to: small letters, digits and underscores."""

Level = Annotated[str, StringConstraints(pattern=_LEVEL)]
"""A level of a category, as the rules write it: `A`, `0`, `positive`."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""Text for people."""

_Item = TypeVar("_Item")


def _list_as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _one_as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else _list_as_tuple(value)


Many = Annotated[tuple[_Item, ...], BeforeValidator(_list_as_tuple)]
"""A list."""

OneOrMore = Annotated[
    tuple[_Item, ...], BeforeValidator(_one_as_tuple, json_schema_input_type=_Item | tuple[_Item, ...])
]
"""One item, or a list of them."""


def _each_once(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    twice = next((item for i, item in enumerate(items) if item in items[:i]), None)
    if twice is not None:
        raise PydanticCustomError("named_twice", "`{item}` is named twice", {"item": str(twice)})
    return items


ManyOnce = Annotated[tuple[_Item, ...], BeforeValidator(_list_as_tuple), AfterValidator(_each_once)]
"""A list in which nothing stands twice."""


def _ascending(values: tuple[_Number, ...]) -> tuple[_Number, ...]:
    if not all(math.isfinite(value) for value in values) or any(a >= b for a, b in pairwise(values)):
        raise PydanticCustomError("not_ascending", "expected numbers that rise, each once")
    return values


_Number = TypeVar("_Number", int, float)
Ascending = Annotated[tuple[_Number, ...], BeforeValidator(_list_as_tuple), AfterValidator(_ascending)]
"""Numbers that rise."""


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def _read_date(value: object) -> object:
    if isinstance(value, str) and _DAY.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, date):
        return value
    raise PydanticCustomError(
        "wrong_type", "expected a date such as 2026-11-21, found {found}", {"found": describe(value)}
    )


Date = Annotated[
    date,
    BeforeValidator(_read_date),
    PlainSerializer(lambda value: value.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%\Z")


def _read_fraction(value: object) -> float:
    """Percents become fractions exactly as a decimal shift, so that `2.5 %` is the double nearest 0.025."""
    percent = _PERCENT.match(value) if isinstance(value, str) else None
    if percent:
        return float(f"{percent.group(1)}e-2")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise PydanticCustomError(
        "wrong_type",
        "expected a probability such as 0.05 or 5 %, found {found}",
        {"found": describe(value)},
    )


def _read_probability(value: object) -> float:
    number = _read_fraction(value)
    if not 0 < number < 1:
        raise PydanticCustomError(
            "interval_probability", "must lie between 0 and 1, not {found}", {"found": f"{value}"}
        )
    return number


def _read_share(value: object) -> float:
    number = _read_fraction(value)
    if not 0 <= number < 1:
        raise PydanticCustomError(
            "interval_probability", "must be 0 or lie between 0 and 1, not {found}", {"found": f"{value}"}
        )
    return number


Probability = Annotated[
    float,
    BeforeValidator(_read_probability),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                              {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%$"}]}),
]  # fmt: skip

"""Between 0 and 1, or in percent."""
Share = Annotated[
    float,
    BeforeValidator(_read_share),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": 1},
                              {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%$"}]}),
]  # fmt: skip
"""As a probability, or 0."""


def validate_document(document: Document, model: type[Model]) -> Model:
    """Hold a document against a model.

    Raises
    ------
    ProblemsFound
        With every problem of the document, in the order of their places.
    """
    if not isinstance(document.data, dict):
        raise refusal(
            "wrong-type",
            f"expected a mapping of keys to values, found {describe(document.data)}",
            document.place_of(()),
        )
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem_of(details, document, model) for details in error.errors(include_url=False)]
        raise ProblemsFound(in_reading_order(_told_once(problems))) from error


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems in the order of their places; those of one place as they came."""
    return sorted(problems, key=lambda problem: _line_and_column(problem.place))


def _line_and_column(place: Place | None) -> tuple[int, int]:
    return (place.line or 0, place.column or 0) if place else (0, 0)


def _told_once(problems: list[Problem]) -> list[Problem]:
    """Where a number or text may stand each of the two complains: one problem tells what both expected."""
    told: dict[tuple[str, Place | None, str], Problem] = {}
    for problem in problems:
        kind = "" if problem.code in ("wrong-type", "empty", "text-too-long") else problem.message
        where = (problem.field, problem.place, kind)
        first = told.get(where)
        if first is None or problem.code != "wrong-type":
            told[where] = problem
        elif first.code == "wrong-type" and first.message != problem.message:
            expected = problem.message.removeprefix("expected ").partition(", found ")[0]
            message = first.message.replace(", found ", f" or {expected}, found ", 1)
            told[where] = replace(first, message=message, fix="")
    return list(told.values())


def describe(value: object) -> str:
    """A value as a message names it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"`{value if len(value) <= 60 else value[:57] + '...'}`"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return f"`{value}`"


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping of names to definitions",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "list_type": "a list",
    "tuple_type": "a list",
}


def _problem_of(details: Any, document: Document, model: type[BaseModel]) -> Problem:
    """One pydantic error as a problem in the words of the reader's document."""
    kind, location, found = details["type"], details["loc"], details.get("input")
    path = _written_path(location, document.data)
    about_key = kind in ("missing", "extra_forbidden", "union_tag_not_found") or location[-1:] == ("[key]",)
    if kind == "union_tag_invalid":
        tag_key = str(details["ctx"]["discriminator"]).strip("'")
        path, found = (*path, tag_key), found.get(tag_key) if isinstance(found, dict) else found
    code, message, fix = _words_for(details, found, model)
    return Problem(code, message, document.place_of(path, key=about_key), dotted(path), fix)


def _words_for(details: Any, found: object, model: type[BaseModel]) -> tuple[str, str, str]:
    """Code, message and fix of a pydantic error."""
    kind, context = details["type"], details.get("ctx", {})
    match kind:
        case "missing" | "union_tag_not_found":
            name = str(details["loc"][-1]) if kind == "missing" else str(context["discriminator"]).strip("'")
            return "missing-key", f"`{name}` is missing", ""
        case "extra_forbidden":
            return _words_for_unknown_key(str(details["loc"][-1]), _keys_at(model, details["loc"][:-1]))
        case "literal_error" | "union_tag_invalid":
            expected = context.get("expected") or context.get("expected_tags", "")
            words = [quoted or bare for quoted, bare in re.findall(r"'([^']*)'|([0-9]+)", expected)]
            message = f"expected {_listed(words, 'or')}, found {describe(found)}"
            return "unknown-value", message, _other_spelling(found, words)
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            limit = next(iter(context.values()))
            return "out-of-range", f"must be {_BOUNDS[kind]} {limit}, not {describe(found)}", ""
        case "too_short" | "string_too_short":
            return "empty", "must not be empty", ""
        case "string_pattern_mismatch":
            rule = _PATTERNS.get(context["pattern"])
            if rule:
                return "malformed-name", f"{rule}; found {describe(found)}", ""
            return "malformed-text", f"cannot read {describe(found)} here", ""
        case "string_too_long":
            limit = context["max_length"]
            return "text-too-long", f"text may have {limit:,} characters here, found {len(str(found)):,}", ""
        case "string_unicode":
            return "malformed-text", "the text holds half a character", ""
    if kind in _EXPECTED:
        return (
            "wrong-type",
            f"expected {_EXPECTED[kind]}, found {describe(found)}",
            _quotes_advice(kind, found),
        )
    return kind.replace("_", "-"), details["msg"], ""


def _other_spelling(found: object, words: list[str]) -> str:
    """What a value that is none of the words was perhaps meant to be."""
    if str(found) in words:
        return "write it without quotes" if isinstance(found, str) else "put it in quotes"
    return _guess(str(found), words)


_BOUNDS = {
    "greater_than": "above",
    "greater_than_equal": "at least",
    "less_than": "below",
    "less_than_equal": "at most",
}


def _words_for_unknown_key(name: str, known: list[str]) -> tuple[str, str, str]:
    fix = _guess(name, known)
    return (
        "unknown-key",
        f"`{name}` is not a key here" + ("" if fix else f"; known are {_listed(known)}"),
        fix,
    )


def _guess(word: str, known: list[str]) -> str:
    guess = nearest(word, known)
    return f"did you mean `{guess}`?" if guess else ""


def _quotes_advice(kind: str, found: object) -> str:
    if kind == "string_type" and isinstance(found, (int, float)):
        return "put it in quotes"
    if kind in ("int_type", "float_type") and isinstance(found, str) and _NUMERIC.match(found):
        return "write it without quotes"
    return ""


_NUMERIC = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?\Z")


def _written_path(location: Path, data: Any) -> Path:
    """The part of pydantic's location that stands in the file: tags of unions and `[key]` markers do not."""
    path: list[str | int] = []
    for part in location:
        if _holds(data, part):
            path.append(part)
            data = data[part]
    return tuple(path)


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _keys_at(model: type[BaseModel], location: Path) -> list[str]:
    """The keys the model knows at a location of an error; follows fields, dict values and tagged unions."""
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in location:
        nodes = [step for node in nodes for step in _steps(node, part, definitions)] or nodes
    return sorted({key for node in nodes for key in _resolved(node, definitions).get("properties", {})})


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = definitions[node["$ref"].rsplit("/", 1)[1]]
    return node


def _steps(node: dict[str, Any], part: str | int, definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    node = _resolved(node, definitions)
    for choice in [*node.get("anyOf", []), *node.get("oneOf", [])]:
        yield from _steps(choice, part, definitions)
    tagged = node.get("discriminator", {}).get("mapping", {}).get(part)
    if tagged:
        yield _resolved({"$ref": tagged}, definitions)
    elif part in node.get("properties", {}):
        yield node["properties"][part]
    elif isinstance(part, int) and isinstance(node.get("items"), dict):
        yield node["items"]
    else:
        yield from node.get("patternProperties", {}).values()


def _listed(words: list[str], last: str = "and") -> str:
    quoted = [f"`{word}`" for word in words]
    return (
        quoted[0]
        if len(quoted) == 1
        else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
        if quoted
        else "none"
    )


def _read_duration(value: object) -> object:
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "wrong_type",
            "expected a length of time such as 28 days, found {found}",
            {"found": describe(value)},
        )
    try:
        return Duration.parse(value)
    except ValueError as error:
        raise PydanticCustomError("unreadable_duration", "{why}", {"why": str(error)}) from error


DurationText = Annotated[
    Duration,
    BeforeValidator(_read_duration),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ ?(hour|day|week|month|year)s?$"}),
]
"""`28 days`, `1 month`: a whole number and a unit of time."""


def _not_nothing(duration: Duration) -> Duration:
    if duration.amount == 0:
        raise PydanticCustomError(
            "no_duration", "must be longer than 0 {unit}", {"unit": duration.unit.value}
        )
    return duration


PositiveDuration = Annotated[DurationText, AfterValidator(_not_nothing)]
"""A length of time above 0."""
