"""Rules: one line of text, one tree, one canonical form.

`parse_rule` reads, `render_rule` writes the text back, `canonical_json` is what a verdict cites by its `rule_hash`.
`rule_checks.check_rule` holds a tree against the facts of a protocol, `rule_sentences.render_sentence` tells it in
English. What each construct means stands in `rules.lark`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.rule_tree import At, Bound, Condition, Node, Value, Window
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

FORMAT = "trialwright-rule/1"
MAX_JSON_CHARACTERS = 400_000
MAX_JSON_DEPTH = 200

RULE = Place("rule", 1, 1)
"""Where a rule begins that stands in no file."""


def parse_rule(text: str, *, start: Place = RULE) -> Condition:
    """The tree of a rule.

    Parameters
    ----------
    text : str
    start : Place
        Where its first character stands; problems are placed from there on.

    Raises
    ------
    ProblemsFound
        With one problem, the first thing that is not understood. No text raises anything else.
    """
    # lark takes a tenth of a second to import: only who has a rule to read pays for it
    from trialwright.protocol.rule_parsing import CannotRead, read_rule

    try:
        return read_rule(text)
    except CannotRead as found:
        raise ProblemsFound([replace(found.problem, place=place_in(start, found.at))]) from None


def place_in(start: Place, at: At) -> Place:
    """The place of a line and column of a rule whose first character stands at `start`.

    Exact where the rule stands on one line or its lines all begin in the column of the first; a reader that folds lines
    maps `at` itself.
    """
    line, column = at
    if start.line is None or start.column is None or at == tree.NOWHERE:
        return start
    return Place(start.file, start.line + line - 1, start.column + column - 1)


# --- back to text -------------------------------------------------------------------------------------------------------

_BARE_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]*", re.ASCII)


def render_rule(condition: Condition) -> str:
    """The text of a rule: one space between words, no parenthesis more than needed, units in canonical spelling.

    `parse_rule(render_rule(tree)) == tree` for every tree that `parse_rule` makes.
    """
    match condition:
        case tree.AllOf(parts):
            return " and ".join(_grouped(part) for part in parts)
        case tree.AnyOf(parts):
            return " or ".join(_grouped(part) for part in parts)
        case tree.Not(part):
            return f"not {_single(part)}"
        case tree.Confirmed(part, after):
            return f"{_single(part)} confirmed after {after}"
        case tree.Consecutive(part, times):
            return f"{_single(part)} consecutive {times}"
        case tree.Compare(left, op, right):
            return f"{_value(left)} {op} {_bound(right)}"
        case tree.OneOf(value, levels, negated):
            return f"{_value(value)} {_levels(levels, negated)}"
        case tree.Had(fact, window):
            return f"had({_arguments(fact, window)})"
        case tree.Attested(fact):
            return f"attested({fact})"


def render_part(node: Node) -> str:
    """The text of any node of a tree, as it stands inside a rule."""
    if isinstance(node, Condition):
        return render_rule(node)
    if isinstance(node, Window):
        return _window(node)
    if isinstance(node, (Value, Bound)):
        return _bound(node)
    raise TypeError(f"{type(node).__name__} is no node of a rule")


def _grouped(part: Condition) -> str:
    bare = isinstance(part, (tree.Compare, tree.OneOf, tree.Had, tree.Attested, tree.Not))
    return render_rule(part) if bare else f"({render_rule(part)})"


def _single(part: Condition) -> str:
    bare = isinstance(part, (tree.Compare, tree.OneOf, tree.Had, tree.Attested))
    return render_rule(part) if bare else f"({render_rule(part)})"


def _levels(levels: tuple[str, ...], negated: bool) -> str:
    texts = [level if _is_bare(level) else f'"{level}"' for level in levels]
    if len(texts) == 1:
        return f"is not {texts[0]}" if negated else f"is {texts[0]}"
    return f"{'not in' if negated else 'in'} ({', '.join(texts)})"


def _is_bare(level: str) -> bool:
    return bool(_BARE_LEVEL.fullmatch(level)) and level not in RESERVED_WORDS


def _value(value: Value) -> str:
    match value:
        case tree.Pick(which, fact, window):
            return f"{which}({_arguments(fact, window)})"
        case tree.Count(fact, window):
            return f"count({_arguments(fact, window)})"
        case tree.Score(fact, window):
            return f"score({_arguments(fact, window)})"
        case tree.Age():
            return "age"
        case tree.Once(fact):
            return fact
        case tree.RowValue():
            return "value"
        case tree.RowDate():
            return "date"
        case tree.Baseline(fact):
            return f"baseline({fact})" if fact else "baseline"
        case tree.Nadir(fact):
            return f"nadir({fact})" if fact else "nadir"
        case tree.Change(of):
            return f"change({_value(of)})"
        case tree.Ratio(of):
            return f"ratio({_value(of)})"
        case tree.Moment():
            return _moment(value)


def _bound(bound: Value | Bound) -> str:
    match bound:
        case tree.Quantity(number, unit):
            # a bare 10^9/L after a number would read as a second number
            return f"{number:f}" + (f" {'x' if unit[0].isdigit() else ''}{unit}" if unit else "")
        case tree.Length(duration):
            return str(duration)
        case tree.Limit(factor, limit):
            return limit if factor == 1 else f"{factor:f} {limit}"
        case tree.Multiple(factor, of):
            return f"{factor:f} * {_value(of)}"
        case tree.Day(day):
            return day.isoformat()
        case _:
            return _value(bound)


def _moment(moment: tree.Moment) -> str:
    words = [moment.which or "", moment.name or "anchor"]
    if moment.offset is not None:
        words += [moment.sign, str(moment.offset)]
    return " ".join(word for word in words if word)


def _arguments(fact: str, window: Window | None) -> str:
    return fact if window is None else f"{fact}, {_window(window)}"


def _window(window: Window) -> str:
    match window:
        case tree.Within(length, "before", moment) if moment == tree.HERE:
            return str(length)
        case tree.Within(length, "around", moment):
            return f"within {length} of {_moment(moment)}"
        case tree.Within(length, side, moment):
            return f"{length} {side} {_moment(moment)}"
        case tree.Since(moment):
            return f"since {_moment(moment)}"
        case tree.During(period):
            return f"during {period}"
        case tree.Ever():
            return "ever"


# --- canonical JSON -----------------------------------------------------------------------------------------------------

_CLASSES: Mapping[str, type[Node]] = MappingProxyType({kind.__name__: kind for kind in tree.NODES})


def canonical_json(condition: Condition) -> str:
    """The one JSON text of a tree: keys sorted, no spaces, ASCII; the same for equal trees.

    A node is an object with its class as `node`. Numbers and dates are strings, so that no reader rounds them. Lengths of
    time are in hours, days or months.
    """
    data = {"format": FORMAT, "rule": _encode(condition)}
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def rule_hash(condition: Condition) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(condition).encode("ascii")).hexdigest()


def rule_from_json(text: str, *, start: Place = RULE) -> Condition:
    """The tree that `canonical_json` wrote.

    Raises
    ------
    ProblemsFound
        If the text is not JSON, or not a tree that some rule has.
    """
    try:
        if len(text) > MAX_JSON_CHARACTERS or _json_depth(text) > MAX_JSON_DEPTH:
            raise _NotARule("it is too large")
        data = json.loads(text)
        if not isinstance(data, dict) or set(data) != {"format", "rule"} or data["format"] != FORMAT:
            raise _NotARule(f"it must hold `format`: {FORMAT} and `rule`")
        condition: Condition = _decode_node(data["rule"], get_args(Condition))
        if parse_rule(render_rule(condition)) != condition:
            raise _NotARule("no rule has this tree")
    except (_NotARule, ValueError, ProblemsFound) as problem:
        reason = str(problem) if isinstance(problem, _NotARule) else "no rule has this tree"
        raise ProblemsFound(
            [Problem("rule-json", f"cannot read the JSON of a rule: {reason}", start)]
        ) from None
    return condition


class _NotARule(Exception):
    """JSON that holds no rule, and why."""


def _json_depth(text: str) -> int:
    depth = deepest = 0
    for found in re.finditer(r"[\[{]|[\]}]", text):
        depth += 1 if found[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _encode(value: object) -> object:
    match value:
        case Node():
            parts = {f.name: _encode(getattr(value, f.name)) for f in fields(value) if f.compare}
            return {"node": type(value).__name__, **parts}
        case tuple():
            return [_encode(item) for item in value]
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case Duration():
            return str(_shortest(value))
        case _:
            return value


def _shortest(duration: Duration) -> Duration:
    """Weeks as days, years as months."""
    if duration.months is not None:
        return Duration(duration.months, TimeUnit.MONTHS)
    return duration if duration.days is None else Duration(duration.days, TimeUnit.DAYS)


def _decode_node(data: object, allowed: tuple[type[Node], ...]) -> Any:
    if not isinstance(data, dict):
        raise _NotARule(f"a node must be an object, not {str(data)[:40]!r}")
    kind = _CLASSES.get(str(data.get("node")))
    if kind is None or kind not in allowed:
        raise _NotARule(f"{str(data.get('node'))[:40]!r} is no node that may stand here")
    specs = [spec for spec in fields(kind) if spec.compare]
    if set(data) != {"node", *(spec.name for spec in specs)}:
        raise _NotARule(f"a {kind.__name__} must have {', '.join(spec.name for spec in specs) or 'nothing'}")
    return kind(**{spec.name: _DECODERS[str(spec.type)](data[spec.name]) for spec in specs})


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise _NotARule(f"expected a text, not {str(data)[:40]!r}")
    return data


def _optional(decode: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda data: None if data is None else decode(data)


def _many(decode: Callable[[object], Any]) -> Callable[[object], Any]:
    def decode_all(data: object) -> tuple[Any, ...]:
        if not isinstance(data, list):
            raise _NotARule(f"expected a list, not {str(data)[:40]!r}")
        return tuple(decode(item) for item in data)

    return decode_all


def _exactly(kind: type) -> Callable[[object], Any]:
    def decode(data: object) -> Any:
        if type(data) is not kind:
            raise _NotARule(f"expected {kind.__name__}, not {str(data)[:40]!r}")
        return data

    return decode


def _node_of(*kinds: Any) -> Callable[[object], Any]:
    allowed = tuple(node for kind in kinds for node in (get_args(kind) or (kind,)))
    return lambda data: _decode_node(data, allowed)


def _decimal(data: object) -> Decimal:
    text = _text(data)
    if not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", text, re.ASCII):
        raise _NotARule(f"{text[:40]!r} is not a number")
    return Decimal(text)


# What a field holds, by its annotation in `rule_tree`.
_DECODERS: Mapping[str, Callable[[object], Any]] = MappingProxyType(
    {
        "str": _text,
        "str | None": _optional(_text),
        "Which": _text,
        "Op": _text,
        "Ordinal | None": _optional(_text),
        "Side": _text,
        "Sign": _text,
        "NormalLimit": _text,
        "tuple[str, ...]": _many(_text),
        "bool": _exactly(bool),
        "int": _exactly(int),
        "Decimal": _decimal,
        "date": lambda data: date.fromisoformat(_text(data)),
        "Duration": lambda data: Duration.parse(_text(data)),
        "Duration | None": _optional(lambda data: Duration.parse(_text(data))),
        "Moment": _node_of(tree.Moment),
        "Window | None": _optional(_node_of(Window)),
        "Value": _node_of(Value),
        "Value | Bound": _node_of(Value, Bound),
        "Condition": _node_of(Condition),
        "tuple[Condition, ...]": _many(_node_of(Condition)),
    }
)
