"""From the text of a rule to its tree. Imports lark, which takes a tenth of a second: `rules` does it when needed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn, cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.moments import Selection, Span
from trialwright.protocol.rule_tree import At, Condition, Value, Window
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.problems import Problem, nearest
from trialwright.vocabulary.units import UnknownUnit, find_unit

MAX_CHARACTERS = 10_000
MAX_WORDS = 2_000
MAX_DEPTH = 20

FUNCTIONS = (
    *("last", "first", "max", "min", "any", "all", "count", "score"),
    *("baseline", "nadir", "change", "ratio", "had", "attested"),
)


class CannotRead(Exception):
    """The first thing in a text that is no rule, and where in the text."""

    def __init__(self, problem: Problem, at: At) -> None:
        self.problem, self.at = problem, at
        super().__init__(problem.message)


def read_rule(text: str) -> Condition:
    """The tree of a rule.

    Raises
    ------
    CannotRead
        At the first thing that is not understood.
    """
    return cast("Condition", _read(text, "start"))


def read_moment(text: str) -> tree.Moment:
    """A date such as `last durvalumab + 28 days`; CannotRead as for a rule."""
    return cast("tree.Moment", _read(text, "moment"))


def read_span(text: str) -> Span:
    """`first durvalumab to last durvalumab + 28 days`; CannotRead as for a rule."""
    return cast("Span", _read(text, "span"))


def read_reach(text: str) -> tree.Within:
    """`7 days of first durvalumab`; CannotRead as for a rule."""
    return cast("tree.Within", _read(text, "reach"))


def read_selection(text: str) -> Selection:
    """`last on or before first durvalumab`; CannotRead as for a rule."""
    found = _read(text, "selection")
    return found if isinstance(found, Selection) else Selection(found)


def _read(text: str, start: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise CannotRead(
            Problem(
                "rule-too-long",
                f"a rule must have at most {MAX_CHARACTERS} characters, not {len(text)}",
                fix=_DIVIDE,
            ),
            (1, 1),
        )
    _check_characters(text)
    _check_size(text)
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as problem:
        _explain(text, problem)


@cache
def _parser() -> Lark:
    grammar = files("trialwright.protocol").joinpath("rules.lark").read_text(encoding="utf-8")
    starts = ["start", "moment", "span", "reach", "selection"]
    return Lark(grammar, parser="lalr", start=starts, maybe_placeholders=True, transformer=_TreeMaker())


# --- before parsing -----------------------------------------------------------------------------------------------------

_DIVIDE = "divide it into several criteria"
_QUOTED = re.compile(r'"[^"\n]*"')
_WORD = re.compile(r'[A-Za-z0-9_]+|"[^"\n]*"|[^\s]')
_FOREIGN = re.compile(r"[^\t\r\n -~\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}]")

# Letters of other alphabets that look like ours.
_LOOKS_LIKE = {
    **dict(zip("аеіјорсухѕԁһӏвкмнтАВЕЅІЈКМНОРСТХУ", "aeijopcyxsdhlbkmhtABESIJKMHOPCTXY", strict=True)),
    **dict(zip("αενορτυχικΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aevoptuxikABEZHIKMNOPTYX", strict=True)),
}
_WRITE = {
    "≥": ">=",
    "≤": "<=",
    "⩾": ">=",
    "⩽": "<=",
    "≠": "not ... =",
    "×": "* (or x10^9/L in a unit)",
    "·": "*",
    **dict.fromkeys("−–—‐‑", "-"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("‘’`´", "nothing: names need no quotes"),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", "^ and the digit, as in 10^9/L"),
}


def _check_size(text: str) -> None:
    unquoted = _QUOTED.sub(lambda found: " " * len(found[0]), text)
    depth = 0
    for found in re.finditer(r"[()]", unquoted):
        depth += 1 if found[0] == "(" else -1
        if depth > MAX_DEPTH:
            raise CannotRead(
                Problem("rule-too-deep", f"parentheses must not be nested more than {MAX_DEPTH} deep"),
                _at(text, found.start()),
            )
    for n, found in enumerate(_WORD.finditer(text)):
        if n == MAX_WORDS:
            raise CannotRead(
                Problem("rule-too-long", f"a rule must have at most {MAX_WORDS} words", fix=_DIVIDE),
                _at(text, found.start()),
            )


def _check_characters(text: str) -> None:
    found = _FOREIGN.search(text)
    if found is None:
        return
    character = found[0]
    name = unicodedata.name(character, "a character without a name")
    shown = f"`{character}` ({name}, U+{ord(character):04X})"
    fix = ""
    if not character.isprintable():
        shown = f"{name} (U+{ord(character):04X})"
        fix = "delete it: it cannot be seen"
    elif character in _LOOKS_LIKE:
        fix = f"write the Latin letter `{_LOOKS_LIKE[character]}`, which looks the same"
    elif character in _WRITE:
        fix = f"write {_WRITE[character]}"
    else:
        plain = unicodedata.normalize("NFKC", character)
        if plain.isascii() and plain.isprintable() and plain.strip():
            fix = f"write `{plain}`"
    raise CannotRead(
        Problem("rule-character", f"{shown} cannot be used in a rule", fix=fix), _at(text, found.start())
    )


def _at(text: str, offset: int) -> At:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


# --- from tokens to nodes -----------------------------------------------------------------------------------------------

_TIME_WORDS = {word: unit for unit in TimeUnit for word in (unit.value, unit.singular)}
_LARGEST, _SMALLEST = Decimal(10) ** 15, Decimal(10) ** -12


def _place(token: Token) -> At:
    return (token.line or 1, token.column or 1)


def _number(token: Token) -> Decimal:
    number = Decimal(token)
    if number and not _SMALLEST <= number < _LARGEST:
        raise CannotRead(
            Problem("rule-number", f"a number must lie between 1e-12 and 1e15, not {token}"), _place(token)
        )
    return tree.plain(number)


def _duration(amount: Token, word: str) -> Duration:
    if not str(amount).isdecimal():
        raise CannotRead(
            Problem("rule-duration", f"a length of time must be a whole number of {word}, not {amount}"),
            _place(amount),
        )
    try:
        return Duration(int(amount), _TIME_WORDS[word])
    except ValueError as problem:
        raise CannotRead(Problem("rule-duration", str(problem)), _place(amount)) from None


def _value(value: Value) -> Value:
    """A bare name is a fact known once."""
    if isinstance(value, tree.Moment) and value.name and not value.which and not value.offset:
        return tree.Once(value.name, at=value.at)
    return value


def _level(token: Token) -> str:
    if token.type == "QUOTED":
        return str(token[1:-1])
    if token in RESERVED_WORDS:
        raise CannotRead(
            Problem(
                "reserved-word",
                f"`{token}` is a word of the rule language, not a level",
                fix=f'put it in double quotes if it is the level meant: "{token}"',
            ),
            _place(token),
        )
    return str(token)


@v_args(inline=True)
class _TreeMaker(Transformer[Token, Any]):
    """One method per rule of the grammar; what lark passes is what the rule names, in its order."""

    def start(self, condition: Condition) -> Condition:
        return condition

    def all_of(self, *parts: Condition) -> Condition:
        return tree.all_of(*parts)

    def any_of(self, *parts: Condition) -> Condition:
        return tree.any_of(*parts)

    def negation(self, part: Condition) -> Condition:
        return tree.Not(part)

    def confirmed(self, condition: Condition, word: Token, after: Duration) -> Condition:
        return tree.Confirmed(condition, after, at=_place(word))

    def consecutive(self, condition: Condition, word: Token, times: Token) -> Condition:
        return tree.Consecutive(condition, int(times), at=_place(word))

    def compare(self, left: Value, op: Token, right: Value | tree.Bound) -> Condition:
        other = _value(right) if isinstance(right, tree.Moment) else right
        return tree.Compare(_value(left), cast("tree.Op", str(op)), other, at=_place(op))

    def day(self, token: Token) -> tree.Day:
        try:
            return tree.Day(date.fromisoformat(token), at=_place(token))
        except ValueError:
            raise CannotRead(
                Problem("rule-date", f"`{token}` is not a day of the calendar"), _place(token)
            ) from None

    def quantity(self, minus: Token | None, number: Token, unit: Token | None) -> tree.Bound:
        at = _place(minus or number)
        if unit in _TIME_WORDS and not minus:
            return tree.Length(_duration(number, str(unit)), at=at)
        amount = -_number(number) if minus else _number(number)
        if unit is None:
            return tree.Quantity(amount, at=at)
        try:
            code = find_unit(unit).code
        except UnknownUnit:
            code = str(unit)  # reported with the other problems by `check_rule`
        return tree.Quantity(amount, code, at=at, unit_at=_place(unit))

    def limit(self, factor: Token | None, word: Token) -> tree.Bound:
        times = Decimal(1) if factor is None else _number(factor)
        return tree.Limit(times, cast("tree.NormalLimit", str(word)), at=_place(factor or word))

    def multiple(self, factor: Token, value: Value) -> tree.Bound:
        return tree.Multiple(_number(factor), _value(value), at=_place(factor))

    def is_level(self, value: Value, *levels: Token) -> Condition:
        return self._one_of(value, levels, negated=False)

    def is_not_level(self, value: Value, *levels: Token) -> Condition:
        return self._one_of(value, levels, negated=True)

    in_levels, not_in_levels = is_level, is_not_level

    def _one_of(self, value: Value, levels: tuple[Token, ...], *, negated: bool) -> Condition:
        names = tuple(_level(token) for token in levels)
        return tree.OneOf(_value(value), names, negated, levels_at=tuple(_place(token) for token in levels))

    def had(self, fact: Token, window: Window | None) -> Condition:
        return tree.Had(str(fact), window, at=_place(fact))

    def attested(self, fact: Token) -> Condition:
        return tree.Attested(str(fact), at=_place(fact))

    def pick(self, which: Token, fact: Token, window: Window | None) -> Value:
        return tree.Pick(cast("tree.Which", str(which)), str(fact), window, at=_place(fact))

    def count(self, fact: Token, window: Window | None) -> Value:
        return tree.Count(str(fact), window, at=_place(fact))

    def score(self, fact: Token, window: Window | None) -> Value:
        return tree.Score(str(fact), window, at=_place(fact))

    def baseline(self, word: Token, fact: Token | None) -> Value:
        return tree.Baseline(str(fact) if fact else None, at=_place(fact or word))

    def nadir(self, word: Token, fact: Token | None) -> Value:
        return tree.Nadir(str(fact) if fact else None, at=_place(fact or word))

    def age(self, word: Token) -> Value:
        return tree.Age(at=_place(word))

    def row_value(self, word: Token) -> Value:
        return tree.RowValue(at=_place(word))

    def row_date(self, word: Token) -> Value:
        return tree.RowDate(at=_place(word))

    def change(self, value: Value) -> Value:
        return tree.Change(_value(value), at=value.at)

    def ratio(self, value: Value) -> Value:
        return tree.Ratio(_value(value), at=value.at)

    def moment(self, *words: Any) -> Value:
        *which, name, shift = words
        sign, offset = shift or ("+", None)
        return tree.Moment(
            None if name.type == "ANCHOR" else str(name),
            cast("tree.Ordinal | None", str(which[0]) if which else None),
            offset,
            cast("tree.Sign", sign),
            at=_place(name),
        )

    def span(self, after: Token | None, start: tree.Moment, end: tree.Moment) -> Span:
        return Span(start, end, leaves_start_out=after is not None)

    def selection(self, which: Token, fact: Token | None, moment: tree.Moment) -> Selection:
        name = str(fact) if fact else None
        return Selection(
            tree.Moment(name, cast("tree.Ordinal", str(which)), at=_place(fact or which)), moment
        )

    def shift(self, sign: Token, offset: Duration) -> tuple[str, Duration]:
        return str(sign), offset

    def back(self, length: Duration) -> Window:
        return tree.Within(length)

    def before(self, length: Duration, moment: tree.Moment) -> Window:
        return tree.Within(length, "before", moment)

    def after(self, length: Duration, moment: tree.Moment) -> Window:
        return tree.Within(length, "after", moment)

    def around(self, length: Duration, moment: tree.Moment) -> Window:
        return tree.Within(length, "around", moment)

    def since(self, moment: tree.Moment) -> Window:
        return tree.Since(moment)

    def during(self, period: Token) -> Window:
        return tree.During(str(period), at=_place(period))

    def ever(self, word: Token) -> Window:
        return tree.Ever(at=_place(word))

    def duration(self, amount: Token, unit: Token) -> Duration:
        return _duration(amount, str(unit))


# --- what went wrong ----------------------------------------------------------------------------------------------------

_PHRASES: tuple[tuple[str, str], ...] = (
    ("HAD", "a condition such as `last(alt, 28 days) <= 5 ULN`"),
    ("PICK", "a value such as `last(alt, 28 days)` or `baseline`"),
    ("NAME", "the name of a fact"),
    ("NUMBER", "a number"),
    ("COMPARATOR", "`<`, `<=`, `=`, `>=` or `>`"),
    ("IS", "`is` or `in (...)`"),
    ("LEVEL", "a level of the fact"),
    ("COUNT", "a whole number"),
    ("TIME_UNIT", "hours, days, weeks, months or years"),
    ("EVER", "a window such as `28 days`"),
    ("BEFORE", "`before` or `after`"),
    ("OF", "`of`"),
    ("AFTER", "`after`"),
    ("TO", "`to`"),
    ("ON", "`on or before`"),
    ("LPAR", "`(`"),
    ("COMMA", "`,`"),
    ("RPAR", "`)`"),
    ("AND", "`and`"),
    ("OR", "`or`"),
    ("LIMIT", "ULN or LLN"),
    ("$END", "the end of the rule"),
)
# What a phrase covers need not be named again.
_COVERED = {
    "HAD": {"PICK", "NAME", "LPAR"},
    "PICK": {"NAME"},
    "EVER": {"COUNT"},
    "BEFORE": {"AFTER"},
    "AND": {"CONFIRMED", "CONSECUTIVE"},
}
_NOT_EQUAL = "not, as in `not last(x) = 1`, or `is not`"
_OPERATORS = {
    "==": "=",
    "=<": "<=",
    "=>": ">=",
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    **dict.fromkeys(("!=", "<>"), _NOT_EQUAL),
}
_WORD_OR_SIGN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|[!<>=&|]+|.", re.DOTALL)


def _explain(text: str, problem: UnexpectedInput) -> NoReturn:
    expected = _expected(problem)
    if isinstance(problem, UnexpectedToken) and problem.token.type == "$END":
        what = "the rule ends too early" if text.strip() else "the rule is empty"
        raise CannotRead(
            Problem("rule-syntax", f"{what}: expected {_phrase(expected)}"),
            _at(text, max(len(text.rstrip()) - 1, 0)),
        ) from None
    offset = problem.pos_in_stream or 0
    sign = re.search(r"[!<>=&|]+\Z", text[:offset])
    if sign and text[offset] in "<>=&|":
        offset = sign.start()  # the first half of an operator that is none of ours was read as one
    found = _WORD_OR_SIGN.match(text, offset)
    word = found[0] if found else ""
    _explain_known_mistake(text, offset, word, expected)
    raise CannotRead(
        Problem(
            "rule-syntax",
            f"cannot read `{word[:40]}` here: expected {_phrase(expected)}",
            fix=_suggest(word, expected),
        ),
        _at(text, offset),
    ) from None


def _explain_known_mistake(text: str, offset: int, word: str, expected: Collection[str]) -> None:
    at = _at(text, offset)
    function = re.search(r"([A-Za-z_][A-Za-z0-9_]*)\s*\Z", text[:offset])
    if word == "(" and function and "LPAR" not in expected and function[1] not in RESERVED_WORDS:
        meant = nearest(function[1], FUNCTIONS)
        raise CannotRead(
            Problem(
                "unknown-function",
                f"there is no function `{function[1][:40]}`",
                fix=f"did you mean `{meant}`?" if meant else f"the functions are {', '.join(FUNCTIONS)}",
            ),
            _at(text, function.start(1)),
        ) from None
    if word in ("and", "or") and {"AND", "OR"} & set(expected):
        raise CannotRead(
            Problem(
                "and-or-mixed",
                "`and` and `or` stand side by side: which conditions belong together?",
                fix="put parentheses around those that belong together",
            ),
            at,
        ) from None
    if word in ("confirmed", "consecutive") and {"AND", "OR"} & set(expected):
        raise CannotRead(
            Problem(
                "rule-syntax",
                f"`{word}` does not say which conditions it belongs to",
                fix=f"put parentheses around them, as in `(... and ...) {word} ...`",
            ),
            at,
        ) from None
    if word in RESERVED_WORDS and "NAME" in expected and "PICK" not in expected:
        raise CannotRead(
            Problem(
                "reserved-word",
                f"`{word}` is a word of the rule language and cannot name a fact",
                fix="write `anchor`: per row it is the date of the row" if word == "date" else "",
            ),
            at,
        ) from None


def _suggest(word: str, expected: Collection[str]) -> str:
    if word in _OPERATORS:
        return f"write {_OPERATORS[word]}"
    if "." in word and {"COUNT", "EVER"} & set(expected):
        return "a length of time is a whole number: use a smaller unit"
    if word == "," and "LIMIT" in expected:
        return "write numbers without a comma: 20000, 0.5"
    if word in ("and", "or") and "$END" in expected:
        return f"put parentheses around the condition before `{word}`"
    if word.startswith(".") and "NUMBER" in expected:
        return "write the 0 before the point"
    if word != word.lower() and (word.lower() in RESERVED_WORDS or "NAME" in expected):
        return f"write it in small letters: `{word.lower()[:40]}`"
    meant = nearest(word, _words(expected)) if word.isidentifier() else None
    return f"did you mean `{meant}`?" if meant and meant != word else ""


def _expected(problem: UnexpectedInput) -> set[str]:
    parser = getattr(problem, "interactive_parser", None)
    return set(parser.accepts()) if parser is not None else set()


def _phrase(expected: Collection[str]) -> str:
    covered = {name for one in expected for name in _COVERED.get(one, ())}
    phrases = [phrase for name, phrase in _PHRASES if name in expected and name not in covered]
    if len(phrases) < 2:
        return "".join(phrases) or "something else"
    return f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def _words(expected: Collection[str]) -> list[str]:
    words = [word for word in sorted(RESERVED_WORDS) if word.upper() in expected]
    if "TIME_UNIT" in expected:
        words += list(_TIME_WORDS)
    if "PICK" in expected:
        words += list(FUNCTIONS)
    return words
