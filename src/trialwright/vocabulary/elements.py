"""Elements of documents: pydantic models whose problems are told in the words and places of the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from trialwright.vocabulary.documents import Document, Path, dotted, refusal
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, nearest
from trialwright.vocabulary.windows import Duration

Model = TypeVar("Model", bound=BaseModel)


class Element(BaseModel):
    """A part of a document: unknown keys are refused, spaces in keys are underscores in Python."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=lambda name: name.rstrip("_").replace("_", " "),
        use_attribute_docstrings=True,
        serialize_by_alias=True,
    )


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name other parts refer to: small letters, digits and underscores."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""Text for people."""

_Item = TypeVar("_Item")


def _list_as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _one_as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else _list_as_tuple(value)


Many = Annotated[tuple[_Item, ...], BeforeValidator(_list_as_tuple)]
"""A list."""

OneOrMore = Annotated[tuple[_Item, ...], BeforeValidator(_one_as_tuple)]
"""One item, or a list of them."""


def _read_date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, date):
        return value
    raise PydanticCustomError(
        "wrong_type", "expected a date such as 2026-11-21, found {found}", {"found": repr(value)}
    )


Date = Annotated[
    date,
    BeforeValidator(_read_date),
    PlainSerializer(lambda value: value.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%\Z")


def _read_probability(value: object) -> float:
    """Percents become fractions exactly as a decimal shift, so that `2.5 %` is the double nearest 0.025."""
    percent = _PERCENT.match(value) if isinstance(value, str) else None
    if percent:
        number = float(f"{percent.group(1)}e-2")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        raise PydanticCustomError(
            "wrong_type", "expected a probability such as 0.05 or 5 %, found {found}", {"found": repr(value)}
        )
    if not 0 < number < 1:
        raise PydanticCustomError(
            "interval_probability", "must lie between 0 and 1, not {found}", {"found": value}
        )
    return number


Probability = Annotated[
    float,
    BeforeValidator(_read_probability),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                              {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?%$"}]}),
]  # fmt: skip


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
        raise ProblemsFound(sorted(set(problems), key=_reading_order)) from error


def _reading_order(problem: Problem) -> tuple[int, int, str]:
    place = problem.place or Place("")
    return (place.line or 0, place.column or 0, problem.code)


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
    kind, context = details["type"], details.get("ctx", {})
    path = _written_path(details["loc"], document.data)
    found = details.get("input")
    last = str(details["loc"][-1]) if details["loc"] else ""
    if kind == "missing":
        return Problem("missing-key", f"`{last}` is missing", document.place_of(path, key=True), dotted(path))
    if kind == "extra_forbidden":
        known = _keys_at(model, details["loc"][:-1])
        guess = nearest(last, known)
        message = f"`{last}` is not a key here" + ("" if guess else f"; known are {_listed(known)}")
        fix = f"did you mean `{guess}`?" if guess else ""
        return Problem("unknown-key", message, document.place_of(path, key=True), dotted(path), fix)
    place = document.place_of(path)
    if kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context.get("expected_tags", "")
        if kind == "union_tag_invalid":
            tag_key = str(context["discriminator"]).strip("'")
            path, found = (*path, tag_key), context.get("tag")
            place = document.place_of(path)
        words = re.findall(r"'([^']*)'", expected)
        guess = nearest(str(found), words)
        message = f"expected {_listed(words, 'or')}, found {describe(found)}"
        return Problem(
            "unknown-value", message, place, dotted(path), f"did you mean `{guess}`?" if guess else ""
        )
    if kind == "union_tag_not_found":
        tag_key = str(context["discriminator"]).strip("'")
        return Problem(
            "missing-key", f"`{tag_key}` is missing", document.place_of(path, key=True), dotted(path)
        )
    if kind in _EXPECTED:
        fix = "put it in quotes" if kind == "string_type" and isinstance(found, (int, float, bool)) else ""
        return Problem(
            "wrong-type", f"expected {_EXPECTED[kind]}, found {describe(found)}", place, dotted(path), fix
        )
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        limit = next(iter(context.values()))
        word = {"greater_than": "above", "greater_than_equal": "at least", "less_than": "below"}.get(
            kind, "at most"
        )
        return Problem("out-of-range", f"must be {word} {limit}, not {describe(found)}", place, dotted(path))
    if kind in ("too_short", "string_too_short"):
        return Problem("empty", "must not be empty", place, dotted(path))
    if kind == "string_pattern_mismatch":
        return Problem(
            "malformed-name",
            f"a name is written in small letters, digits and underscores and starts with a letter; found {describe(found)}",
            document.place_of(path, key=True),
            dotted(path),
        )
    fix = str(context.get("fix", "")) if isinstance(context, dict) else ""
    return Problem(kind.replace("_", "-"), details["msg"], place, dotted(path), fix)


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
