"""Flags as SQL: what is left out of a term changes no answer."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.evaluation import terms
from trialwright.evaluation.terms import MET, NOT_MET, Term, judge, text

UNKNOWN = 32

a, b, c = (Term(name, is_flag=True) for name in "abc")
x, y = Term("x"), Term("y")


def answer(term, values):
    """What a term of flags says, read as Python."""
    sql = (
        text(term)
        .replace("<>", "!=")
        .replace(" = ", " == ")
        .replace("TRUE", "True")
        .replace("FALSE", "False")
    )
    for word, python in (("AND", "and"), ("OR", "or"), ("NOT", "not")):
        sql = sql.replace(f"{word} ", f"{python} ")
    return eval(sql, {}, dict(values))  # noqa: S307 - a term made in this file


def every_value():
    for one, two, three, left, right in product(
        (False, True), (False, True), (False, True), (1, 2, 3), (1, 2, 3)
    ):
        yield {"a": one, "b": two, "c": three, "x": left, "y": right}


ATOMS = [
    (a, lambda it: it["a"]),
    (b, lambda it: it["b"]),
    (c, lambda it: it["c"]),
    (x < y, lambda it: it["x"] < it["y"]),
    (x >= y, lambda it: it["x"] >= it["y"]),
    (x == y, lambda it: it["x"] == it["y"]),
    (x > 2, lambda it: it["x"] > 2),
    (True, lambda _: True),
    (False, lambda _: False),
]


def joined(both):
    (one, says_one), (other, says_other), word = both
    if word == "and":
        return one & other, lambda it: says_one(it) and says_other(it)
    return one | other, lambda it: says_one(it) or says_other(it)


def opposite(flag):
    one, says = flag
    return one ^ True, lambda it: not says(it)


flags = st.recursive(
    st.sampled_from(ATOMS),
    lambda some: st.one_of(
        some.map(opposite), st.tuples(some, some, st.sampled_from(("and", "or"))).map(joined)
    ),
    max_leaves=12,
)


@given(flags)
@settings(deadline=None)
def test_a_flag_says_what_its_parts_say(flag):
    term, says = flag
    for values in every_value():
        assert answer(term, values) == says(values)


@given(flags, flags)
@settings(deadline=None)
def test_a_flag_without_another_is_the_same_wherever_that_one_does_not_hold(flag, known):
    (term, says), (other, says_other) = flag, known
    rest = terms.without(term, other)
    for values in every_value():
        if not says_other(values):
            assert answer(rest, values) == says(values)


@given(flags, flags)
@settings(deadline=None)
def test_a_verdict_is_met_never_met_or_open(flag, other):
    """`never` excludes `surely`, as it does of an interval and of a window."""
    (surely, is_sure), (unless, is_never) = flag, other
    never = unless & (surely ^ True)
    code = judge(surely=surely, never=never, reason=UNKNOWN)
    for values in every_value():
        expected = MET if is_sure(values) else NOT_MET if is_never(values) else UNKNOWN
        assert chosen(code, values) == expected


def chosen(code, values):
    """The branch of a `CASE` without others in it that values lead to."""
    if not isinstance(code, Term):
        return code
    *branches, otherwise = (
        code.sql.removeprefix("CASE WHEN ").removesuffix(" END").replace(" ELSE ", " WHEN ").split(" WHEN ")
    )
    for branch in branches:
        flag, result = branch.split(" THEN ")
        if answer(Term(flag), values):
            return int(result)
    return int(otherwise)


def test_what_single_flags_decide_is_left_out():
    assert text(a & ((a ^ True) | b)) == "(a AND b)"
    assert text(a | ((a ^ True) & b)) == "(a OR b)"
    assert text((x < y) | ((x >= y) & b)) == "((x < y) OR b)"
    assert text(((a & b) ^ True) & a) == "(a AND (NOT b))"


def test_the_opposite_of_the_opposite_is_the_flag():
    for flag in (a, x < y, x == y, terms.is_null(x), a & (x < y), a | (b & c)):
        assert text((flag ^ True) ^ True) == text(flag)
