"""Numbers, flags and verdicts as SQL expressions, written with Python's operators.

A term is a piece of SQL over the columns of one row. Whatever is known when the rule is read stays a Python number, flag
or code and is folded away.

No term is ever null where its columns keep the contract of `table`; a code is a verdict of `vocabulary.verdicts`.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

from trialwright.vocabulary.verdicts import Verdict

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
INFINITY = math.inf


class Term:
    """A piece of SQL. `&`, `|` and `^ True` are and, or and not; `==` is equality in SQL, not of terms."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("is_flag", "opposite", "parts", "sql", "word")

    def __init__(self, sql: str, *, is_flag: bool = False, opposite: str = "") -> None:
        self.sql = sql
        self.is_flag = is_flag
        self.opposite = opposite or f"(NOT {sql})"
        """The SQL of what holds where this does not, of a flag that is not put together."""
        self.word = ""
        self.parts: tuple[Term, ...] = (self,)
        """What it is put together of by `word`, AND or OR."""

    def __str__(self) -> str:
        return self.sql

    def __bool__(self) -> bool:
        raise TypeError(f"whether `{self.sql}` holds is not known before the query runs")

    def __add__(self, other: Any) -> Term:
        return self if is_number(other, 0) else _joined(self, "+", other)

    def __radd__(self, other: Any) -> Term:
        return self if is_number(other, 0) else _joined(other, "+", self)

    def __sub__(self, other: Any) -> Term:
        return _joined(self, "-", other)

    def __rsub__(self, other: Any) -> Term:
        return _joined(other, "-", self)

    def __mul__(self, other: Any) -> Term:
        return self if is_number(other, 1) else _joined(self, "*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Term:
        return _joined(self, "/", other)

    def __lt__(self, other: Any) -> Term:
        return _compared(self, "<", other, ">=")

    def __le__(self, other: Any) -> Term:
        return _compared(self, "<=", other, ">")

    def __gt__(self, other: Any) -> Term:
        return _compared(self, ">", other, "<=")

    def __ge__(self, other: Any) -> Term:
        return _compared(self, ">=", other, "<")

    def __eq__(self, other: object) -> Term:  # type: ignore[override]
        return _compared(self, "=", other, "<>")

    def __ne__(self, other: object) -> Term:  # type: ignore[override]
        return _compared(self, "<>", other, "=")

    def __and__(self, other: Flag) -> Flag:
        return _together("AND", (self, other))

    def __or__(self, other: Flag) -> Flag:
        return _together("OR", (self, other))

    __rand__ = __and__
    __ror__ = __or__

    def __xor__(self, other: Flag) -> Flag:
        if other is not True:
            raise TypeError("of a term `^` can only make the opposite: `term ^ True`")
        if self.word:
            return _together(_OTHER[self.word], [part ^ True for part in self.parts])
        return Term(self.opposite, is_flag=True, opposite=self.sql)


Flag: TypeAlias = Term | bool
Number: TypeAlias = Term | float
Code: TypeAlias = Term | int


_OTHER = {"AND": "OR", "OR": "AND"}


def _together(word: str, flags: Iterable[Flag]) -> Flag:
    """Flags joined by AND or OR. What the single ones among them decide of the others is left out.

    Of `a AND (NOT a OR b)` this leaves `a AND b`, of `a OR (NOT a AND b)` it leaves `a OR b`.
    """
    parts: dict[str, Term] = {}
    for flag in flags:
        if isinstance(flag, Term):
            parts.update((part.sql, part) for part in (flag.parts if flag.word == word else (flag,)))
        elif flag is (word == "OR"):
            return flag
    if len(parts) < 2:
        return next(iter(parts.values()), word == "AND")
    several = [part for part in parts.values() if part.word]
    if several and len(several) < len(parts):
        known = {part.sql if word == "AND" else part.opposite for part in parts.values() if not part.word}
        kept = [_where(part, known) for part in several]
        if any(one is not part for one, part in zip(kept, several, strict=True)):
            return _together(word, [*(part for part in parts.values() if not part.word), *kept])
    both = Term(f"({f' {word} '.join(parts)})", is_flag=True)
    both.word, both.parts = word, tuple(parts.values())
    return both


def _where(flag: Flag, known: Container[str]) -> Flag:
    """A flag where some others are known to hold."""
    if isinstance(flag, bool):
        return flag
    if flag.sql in known:
        return True
    if not flag.word:
        return flag.opposite not in known and flag
    parts = [_where(part, known) for part in flag.parts]
    is_same = all(one is part for one, part in zip(parts, flag.parts, strict=True))
    return flag if is_same else _together(flag.word, parts)


def without(flag: Flag, known: Flag) -> Flag:
    """A flag where another is known to be false."""
    if isinstance(flag, bool) or isinstance(known, bool):
        return flag
    single = {part.sql for part in flag.parts if not part.word} if flag.word != "OR" else set()
    holds = known ^ True
    several = holds.parts if isinstance(holds, Term) and holds.word == "AND" else (holds,)
    return _where(flag, {text(it) for part in several for it in (part, _where(part, single))})


def is_number(value: object, number: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == number


def _joined(left: Any, operator: str, right: Any) -> Term:
    """Two operands in parentheses. A flag in a sum counts as 1 or 0."""
    one, other = (when((it, 1), 0) if isinstance(it, Term) and it.is_flag else it for it in (left, right))
    return Term(f"({text(one)} {operator} {text(other)})")


def _compared(left: Any, operator: str, right: Any, opposite: str) -> Term:
    """Two operands beside each other. No number is NaN, so that of two opposites one holds."""
    one, other = text(left), text(right)
    return Term(f"({one} {operator} {other})", is_flag=True, opposite=f"({one} {opposite} {other})")


def text(value: Any) -> str:
    """The SQL of a term or a literal: numbers to the last bit, texts and names quoted, never pasted.

    Raises
    ------
    TypeError
        If there is no literal of its type.
    ValueError
        If a number is NaN, or a text holds a control character.
    """
    match value:
        case Term():
            return value.sql
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value) if value >= 0 else f"({value})"
        case float():
            return _text_of_float(value)
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            if not value.isprintable():
                raise ValueError(f"{value!r} cannot stand in a query: it holds a control character")
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise TypeError(f"{value!r} cannot stand in a query")


def _text_of_float(number: float) -> str:
    if math.isnan(number):
        raise ValueError("not a number cannot stand in a query")
    if math.isinf(number):
        return f"CAST('{'-' if number < 0 else ''}Infinity' AS DOUBLE)"
    # With an exponent it is a double; 0.1 would be a decimal, rounded in other places.
    digits = repr(number + 0.0).removesuffix(".0")
    digits = digits if "e" in digits else f"{digits}e0"
    return f"({digits})" if number < 0 else digits


def name(identifier: str) -> str:
    """A name of a column, quoted."""
    if not identifier.isprintable():
        raise ValueError(f"{identifier!r} cannot be the name of a column")
    return '"' + identifier.replace('"', '""') + '"'


def is_null(term: Any) -> Term:
    """Whether there is nothing."""
    return Term(f"({text(term)} IS NULL)", is_flag=True, opposite=f"({text(term)} IS NOT NULL)")


def when(*choices: Any) -> Any:
    """The first choice whose flag holds, `(flag, value), ..., otherwise`; what is known to hold or not is left out."""
    *pairs, otherwise = choices
    kept: list[tuple[Term, Any]] = []
    for flag, value in pairs:
        if isinstance(flag, Term):
            kept.append((flag, value))
        elif flag:
            otherwise = value
            break
    if not kept:
        return otherwise
    is_flag = all(
        isinstance(value, bool) or (isinstance(value, Term) and value.is_flag)
        for value in (*(value for _, value in kept), otherwise)
    )
    cases = " ".join(f"WHEN {flag} THEN {text(value)}" for flag, value in kept)
    return Term(f"CASE {cases} ELSE {text(otherwise)} END", is_flag=is_flag)


class Names:
    """Long terms that a query computes once, in a subquery, and the columns they stand in above it."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        """The columns of a whole plan, by their terms."""
        self.used: dict[str, str] = {}

    def __call__(self, term: Any) -> Any:
        if not isinstance(term, Term):
            return term
        self.used[term.sql] = self.known.setdefault(term.sql, f"side_{len(self.known) + 1}")
        return Term(self.used[term.sql], is_flag=term.is_flag)


def source(step: str, alias: str, columns: Mapping[str, str]) -> str:
    """A step to select from, with more columns beside its own."""
    if not columns:
        return f"{step} {alias}"
    several = ", ".join(f"{sql} AS {column}" for sql, column in columns.items())
    return f"(SELECT {alias}.*, {several} FROM {step} {alias}) {alias}"  # noqa: S608


def least(*values: Any) -> Any:
    return _extreme("LEAST", min, values)


def greatest(*values: Any) -> Any:
    return _extreme("GREATEST", max, values)


def at_least_0(*values: Any) -> Any:
    """The greatest of several that are never below 0, such as reasons."""
    some = [value for value in values if isinstance(value, Term) or value != 0]
    return greatest(*some) if some else 0


def _extreme(function: str, choose: Any, values: Sequence[Any]) -> Any:
    """Of the numbers known beforehand only the extreme one is written."""
    terms = {value.sql: value for value in values if isinstance(value, Term)}
    numbers = [value for value in values if not isinstance(value, Term)]
    several = [*terms.values(), *([choose(numbers)] if numbers else [])]
    if len(several) == 1:
        return several[0]
    return Term(f"{function}({', '.join(text(value) for value in several)})")


# --- verdict codes ------------------------------------------------------------------------------------------------------


def any_of(*codes: Code) -> Code:
    """Or."""
    code: Code = greatest(*codes)
    return code


def all_of(*codes: Code) -> Code:
    """And. Each code is written twice: name what is long."""
    if len(codes) == 1:
        return codes[0]
    unknown = ", ".join(f"NULLIF({text(code)}, {MET})" for code in codes)
    told = Term(f"COALESCE(GREATEST({unknown}), {MET})")
    code: Code = when((least(*codes) == NOT_MET, NOT_MET), told)
    return code


def negate(code: Code) -> Code:
    """Not. The code is written three times: name what is long."""
    negated: Code = when((code == NOT_MET, MET), (code == MET, NOT_MET), code)
    return negated


def judge(*, surely: Flag, never: Flag, reason: Code) -> Code:
    """Met, not met, or unknown for a reason."""
    first = when((never, NOT_MET), (without(surely, never), MET), reason)
    other = when((surely, MET), (without(never, surely), NOT_MET), reason)
    code: Code = min(first, other, key=lambda one: len(text(one)))
    return code
