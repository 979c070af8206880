"""What the text of a rule means, and where and how a text is refused."""

import re
import time
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import RESERVED_WORDS
from trialwright.protocol.rules import (
    canonical_json,
    parse_rule,
    render_rule,
    rule_from_json,
    rule_hash,
)
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.problems import Place, ProblemsFound

_28_DAYS = Duration(28, TimeUnit.DAYS)
_FIRST_DOSE = tree.Moment("durvalumab", "first")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "last(creatinine, 28 days) > 1.5 ULN",
            tree.Compare(
                tree.Pick("last", "creatinine", tree.Within(_28_DAYS, "before", tree.HERE)),
                ">",
                tree.Limit(Decimal("1.5"), "ULN"),
            ),
            id="the example of the tree's docstring",
        ),
        pytest.param(
            "value >= 100 * baseline",
            tree.Compare(tree.RowValue(), ">=", tree.Multiple(Decimal(100), tree.Baseline())),
            id="a multiple of baseline",
        ),
        pytest.param(
            "had(a) and not had(b) and had(c)",
            tree.AllOf((tree.Had("a"), tree.Not(tree.Had("b")), tree.Had("c"))),
            id="not belongs to what comes right after it",
        ),
        pytest.param(
            "not last(x) = 1",
            tree.Not(tree.Compare(tree.Pick("last", "x"), "=", tree.Quantity(Decimal(1)))),
            id="not belongs to the whole comparison",
        ),
        pytest.param(
            "(had(a) and had(b)) and had(c)",
            tree.AllOf((tree.Had("a"), tree.Had("b"), tree.Had("c"))),
            id="nested ands are laid flat",
        ),
        pytest.param(
            "any(x, ever) not in (0, A)",
            tree.OneOf(tree.Pick("any", "x", tree.Ever()), ("0", "A"), negated=True),
            id="not in belongs to each result",
        ),
        pytest.param(
            "not any(x, ever) in (010, A)",
            tree.Not(tree.OneOf(tree.Pick("any", "x", tree.Ever()), ("010", "A"))),
            id="not any is another rule, and levels keep their zeros",
        ),
        pytest.param(
            "had(x, within 7 days of first durvalumab)",
            tree.Had("x", tree.Within(Duration(7, TimeUnit.DAYS), "around", _FIRST_DOSE)),
            id="within ... of counts both ways",
        ),
        pytest.param(
            "had(x, since first durvalumab - 28 days)",
            tree.Had("x", tree.Since(tree.Moment("durvalumab", "first", _28_DAYS, "-"))),
            id="a moment moved back",
        ),
        pytest.param(
            "had(x, 28 days before anchor)",
            tree.Had("x", tree.Within(_28_DAYS)),
            id="28 days before anchor is 28 days",
        ),
        pytest.param(
            "last(x, during on_treatment) <= -0.50 %",
            tree.Compare(
                tree.Pick("last", "x", tree.During("on_treatment")), "<=", tree.Quantity(Decimal("-0.5"), "%")
            ),
            id="a negative number",
        ),
        pytest.param(
            "date >= 2024-02-29",
            tree.Compare(tree.RowDate(), ">=", tree.Day(date(2024, 2, 29))),
            id="a day",
        ),
        pytest.param(
            "age >= 18 years",
            tree.Compare(tree.Age(), ">=", tree.Length(Duration(18, TimeUnit.YEARS))),
            id="an age",
        ),
        pytest.param(
            "time_zero <= radical_treatment + 12 weeks",
            tree.Compare(
                tree.Once("time_zero"),
                "<=",
                tree.Moment("radical_treatment", None, Duration(12, TimeUnit.WEEKS), "+"),
            ),
            id="dates known once",
        ),
        pytest.param(
            "value > 1.7e8 IU/mL",
            tree.Compare(tree.RowValue(), ">", tree.Quantity(Decimal(170000000), "IU/mL")),
            id="an exponent",
        ),
        pytest.param(
            "value > ULN",
            tree.Compare(tree.RowValue(), ">", tree.Limit(Decimal(1), "ULN")),
            id="ULN alone is 1 ULN",
        ),
        pytest.param(
            'last(x) is "LR-TR Viable"',
            tree.OneOf(tree.Pick("last", "x"), ("LR-TR Viable",)),
            id="a level with a space",
        ),
        pytest.param(
            "ratio(last(x)) >= 2",
            tree.Compare(tree.Ratio(tree.Pick("last", "x")), ">=", tree.Quantity(Decimal(2))),
            id="a ratio",
        ),
        pytest.param(
            "value < 0.05 IU/mL confirmed after 12 weeks",
            tree.Confirmed(
                tree.Compare(tree.RowValue(), "<", tree.Quantity(Decimal("0.05"), "IU/mL")),
                Duration(12, TimeUnit.WEEKS),
            ),
            id="confirmed",
        ),
        pytest.param(
            "(had(a) or had(b)) consecutive 2",
            tree.Consecutive(tree.AnyOf((tree.Had("a"), tree.Had("b"))), 2),
            id="consecutive",
        ),
    ],
)
def test_text_gives_this_tree(text, expected):
    assert parse_rule(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("last(x,28 days)>5 umol/L", " last( x , 28  days ) > 5.0\n µmol/l "),
        ("last(x, 28 days) > 5 umol/L", "last(x, 4 weeks) > 5 μmol/L"),
        ("last(x) >= 75 x10^9/L", "last(x) >= 75 10*9/L"),
        ("last(x) > 5 IU/mL", "((last(x) > 5 [IU]/mL))"),
        ("last(x) > 2 ULN", "last(x) > 2 * ULN"),
        ("last(x) > ULN", "last(x) > 1.0 ULN"),
        ("last(x) is A", "last(x) in (A)"),
        ('last(x) is "A"', "last(x) is A"),
        ("had(x, 1 year)", "had(x, 12 months before anchor)"),
        ("had(a) and (had(b) and had(c))", "had(a) and had(b) and had(c)"),
    ],
)
def test_same_rule_in_other_words(one, other):
    assert parse_rule(one) == parse_rule(other)
    assert canonical_json(parse_rule(one)) == canonical_json(parse_rule(other))
    assert rule_hash(parse_rule(one)) == rule_hash(parse_rule(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("had(x, 24 hours)", "had(x, 1 day)"),
        ("had(x, 30 days)", "had(x, 1 month)"),
        ("had(x)", "had(x, ever)"),
        ("last(x) > 5 mg/dL", "last(x) > 50 mg/L"),
        ("last(x) in (0, A)", "last(x) in (A, 0)"),
        ("last(x) is 10", "last(x) is 010"),
        ("last(x) > 5", "last(x) >= 5"),
        ("last(x) is not A", "not last(x) is A"),
    ],
)
def test_other_rule(one, other):
    assert parse_rule(one) != parse_rule(other)
    assert rule_hash(parse_rule(one)) != rule_hash(parse_rule(other))


def test_canonical_json_is_written_out():
    # by hand: the form is a promise to whoever keeps a hash
    assert canonical_json(parse_rule("last(alt, 4 weeks) >= 2.50 ULN")) == (
        '{"format":"trialwright-rule/1","rule":{"left":{"fact":"alt","node":"Pick","which":"last","window":'
        '{"length":"28 days","moment":{"name":null,"node":"Moment","offset":null,"sign":"+","which":null},'
        '"node":"Within","side":"before"}},"node":"Compare","op":">=","right":'
        '{"factor":"2.5","limit":"ULN","node":"Limit"}}}'
    )


@pytest.mark.parametrize(
    ("text", "code", "column", "message", "fix"),
    [
        pytest.param(
            "lst(creatinine, 28 days) > 1.5 ULN",
            "unknown-function",
            1,
            "there is no function `lst`",
            "did you mean `last`?",
            id="unknown function",
        ),
        pytest.param(
            "last(alt, 28 dyas) > 5 ULN",
            "rule-syntax",
            14,
            "cannot read `dyas` here: expected hours, days, weeks, months or years",
            "did you mean `days`?",
            id="misspelt unit of time",
        ),
        pytest.param(
            "last(alt, 2.5 days) > 5 ULN",
            "rule-syntax",
            11,
            "cannot read `2.5` here: expected a window such as `28 days`",
            "a length of time is a whole number: use a smaller unit",
            id="half days",
        ),
        pytest.param(
            "had(a) or had(b) and had(c)",
            "and-or-mixed",
            18,
            "`and` and `or` stand side by side: which conditions belong together?",
            "put parentheses around those that belong together",
            id="and beside or",
        ),
        pytest.param(
            "had(a) and had(b) confirmed after 28 days",
            "rule-syntax",
            19,
            "`confirmed` does not say which conditions it belongs to",
            "put parentheses around them, as in `(... and ...) confirmed ...`",
            id="confirmed beside and",
        ),
        pytest.param(
            "value > 5 U/L confirmed after 28 days and had(b)",
            "rule-syntax",
            39,
            "cannot read `and` here: expected the end of the rule",
            "put parentheses around the condition before `and`",
            id="and after confirmed",
        ),
        pytest.param("", "rule-syntax", 1, "the rule is empty: expected", "", id="empty"),
        pytest.param("  \n ", "rule-syntax", 1, "the rule is empty: expected", "", id="blank"),
        pytest.param("last(alt, 28 days) >", "rule-syntax", 20, "the rule ends too early", "", id="cut off"),
        pytest.param("(had(a)", "rule-syntax", 7, "the rule ends too early: expected `)`", "", id="open"),
        pytest.param("had(a))", "rule-syntax", 7, "cannot read `)` here", "", id="closed twice"),
        pytest.param(
            "had(a) AND had(b)",
            "rule-syntax",
            8,
            "cannot read `AND` here",
            "write it in small letters: `and`",
            id="capitals",
        ),
        pytest.param(
            "last(ALT, 28 days) > 5 U/L",
            "rule-syntax",
            6,
            "cannot read `ALT` here: expected the name of a fact",
            "write it in small letters: `alt`",
            id="a fact in capitals",
        ),
        pytest.param("last(x) == 3", "rule-syntax", 9, "cannot read `==` here", "write =", id="=="),
        pytest.param("last(x) => 3", "rule-syntax", 9, "cannot read `=>` here", "write >=", id="=>"),
        pytest.param(
            "last(x) != 3",
            "rule-syntax",
            9,
            "cannot read `!=` here",
            "write not, as in `not last(x) = 1`, or `is not`",
            id="!=",
        ),
        pytest.param(
            "last(x) > .5 U/L", "rule-syntax", 11, "cannot read `.5`", "write the 0 before the point", id=".5"
        ),
        pytest.param(
            "last(x) > 20,000 IU/mL",
            "rule-syntax",
            13,
            "cannot read `,` here",
            "write numbers without a comma: 20000, 0.5",
            id="a comma in a number",
        ),
        pytest.param("not not had(a)", "rule-syntax", 5, "cannot read `not` here", "", id="not not"),
        pytest.param("5 < last(x)", "rule-syntax", 1, "cannot read `5` here", "", id="bound on the left"),
        pytest.param(
            "last(age) > 3",
            "reserved-word",
            6,
            "`age` is a word of the rule language and cannot name a fact",
            "",
            id="a word of the language as a fact",
        ),
        pytest.param(
            "had(x, 30 days after date)",
            "reserved-word",
            22,
            "`date` is a word of the rule language",
            "write `anchor`: per row it is the date of the row",
            id="date as a moment",
        ),
        pytest.param(
            "last(x) is or",
            "reserved-word",
            12,
            "`or` is a word of the rule language, not a level",
            'put it in double quotes if it is the level meant: "or"',
            id="a word of the language as a level",
        ),
        pytest.param(
            "date > 2025-02-29",
            "rule-date",
            8,
            "`2025-02-29` is not a day of the calendar",
            "",
            id="29 February of a common year",
        ),
        pytest.param(
            "last(x) > 1e20",
            "rule-number",
            11,
            "a number must lie between 1e-12 and 1e15",
            "",
            id="too large",
        ),
        pytest.param(
            "had(x, 300 years)", "rule-duration", 8, "a duration cannot exceed 200 years", "", id="too long"
        ),
        pytest.param(
            "age > 17.5 years",
            "rule-duration",
            7,
            "a length of time must be a whole number of years, not 17.5",
            "",
            id="half years",
        ),
        pytest.param(
            "lаst(x) > 3",
            "rule-character",
            2,
            "`а` (CYRILLIC SMALL LETTER A, U+0430) cannot be used in a rule",
            "write the Latin letter `a`, which looks the same",
            id="Cyrillic",
        ),
        pytest.param(
            "last(x) > ３",
            "rule-character",
            11,
            "`３` (FULLWIDTH DIGIT THREE, U+FF13) cannot be used in a rule",
            "write `3`",
            id="fullwidth digit",
        ),
        pytest.param(
            "last(x)\u200b > 3",
            "rule-character",
            8,
            "ZERO WIDTH SPACE (U+200B) cannot be used in a rule",
            "delete it: it cannot be seen",
            id="zero width",
        ),
        pytest.param(
            "last(x) > 3\u202e",
            "rule-character",
            12,
            "RIGHT-TO-LEFT OVERRIDE (U+202E) cannot be used in a rule",
            "delete it: it cannot be seen",
            id="bidi control",
        ),
        pytest.param(
            "had(x)\x00",
            "rule-character",
            7,
            "a character without a name (U+0000) cannot be used in a rule",
            "delete it: it cannot be seen",
            id="control character",
        ),
        pytest.param(
            "last(x) ≥ 3",
            "rule-character",
            9,
            "`≥` (GREATER-THAN OR EQUAL TO, U+2265) cannot be used in a rule",
            "write >=",
            id="mathematical sign",
        ),
        pytest.param(
            "(" * 30, "rule-too-deep", 21, "must not be nested more than 20 deep", "", id="too deep"
        ),
    ],
)
def test_text_is_refused_where_it_goes_wrong(text, code, column, message, fix):
    with pytest.raises(ProblemsFound) as found:
        parse_rule(text)
    (problem,) = found.value.problems
    assert (problem.code, problem.place, problem.fix) == (code, Place("rule", 1, column), fix)
    assert problem.message.startswith(message) or message in problem.message


def test_place_counts_from_where_the_rule_begins():
    with pytest.raises(ProblemsFound) as found:
        parse_rule("had(a)\n  and hat(b)", start=Place("protocol.yaml", 41, 13))
    assert found.value.problems[0].place == Place("protocol.yaml", 42, 19)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 1_000_000, id="a megabyte of parentheses"),
        pytest.param("(" * 9_999, id="parentheses up to the cap"),
        pytest.param("not " * 2_400, id="not"),
        pytest.param("change(" * 1_400, id="functions"),
        pytest.param("last(" * 250_000, id="a megabyte of functions"),
        pytest.param("9" * 9_999, id="digits"),
        pytest.param('"' * 9_999, id="quotes"),
        pytest.param("\u202e" * 1_000_000, id="a megabyte of bidi controls"),
        pytest.param("had(a) and " * 900, id="too many words, no end"),
        pytest.param("a" * 10_000, id="one long word"),
    ],
)
def test_hostile_text_is_refused_at_once(text):
    parse_rule("had(a)")  # the grammar is read once
    started = time.perf_counter()
    with pytest.raises(ProblemsFound):
        parse_rule(text)
    assert time.perf_counter() - started < 1


def test_long_rule_within_the_caps_is_read():
    text = " or ".join(["had(abcdef)"] * 300)
    assert len(parse_rule(text).parts) == 300
    assert rule_from_json(canonical_json(parse_rule(text))) == parse_rule(text)
    nested = "had(a)"
    for n in range(18):
        nested = f"not (had(b{n}) {'and' if n % 2 else 'or'} {nested})"
    assert render_rule(parse_rule(nested)) == nested
    assert rule_from_json(canonical_json(parse_rule(nested))) == parse_rule(nested)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="nesting"),
        pytest.param("not json", id="no JSON"),
        pytest.param("{}", id="empty"),
        pytest.param('{"format":"trialwright-rule/2","rule":{"node":"Age"}}', id="another format"),
        pytest.param('{"format":"trialwright-rule/1","rule":{"node":"Age"}}', id="a value is no rule"),
        pytest.param(
            '{"format":"trialwright-rule/1","rule":{"node":"Had","fact":"x y","window":null}}', id="no name"
        ),
        pytest.param(
            '{"format":"trialwright-rule/1","rule":{"node":"Had","fact":"age","window":null}}', id="reserved"
        ),
        pytest.param(
            '{"format":"trialwright-rule/1","rule":{"node":"Had","fact":"x"}}', id="a field is missing"
        ),
        pytest.param(
            '{"format":"trialwright-rule/1","rule":{"node":"Consecutive","condition":'
            '{"node":"Had","fact":"x","window":null},"times":true}}',
            id="true is no number",
        ),
        pytest.param(
            '{"format":"trialwright-rule/1","rule":{"node":"AllOf","parts":[{"node":"Had","fact":"x","window":null}]}}',
            id="all of one",
        ),
    ],
)
def test_json_of_no_rule_is_refused(text):
    with pytest.raises(ProblemsFound) as found:
        rule_from_json(text)
    assert found.value.problems[0].code == "rule-json"


def test_tree_refuses_what_has_two_forms():
    one = tree.Had("x")
    with pytest.raises(ValueError, match="AllOf needs two or more parts"):
        tree.AllOf((one,))
    with pytest.raises(ValueError, match="AnyOf needs two or more parts"):
        tree.AnyOf((tree.AnyOf((one, one)), one))
    assert tree.all_of(tree.all_of(one, one), one) == tree.AllOf((one, one, one))


def _examples_of_the_grammar():
    grammar = files("trialwright.protocol").joinpath("rules.lark").read_text(encoding="utf-8")
    lines = re.findall(r"^//     (\S.*)$", grammar, re.MULTILINE)
    windows = re.findall(r'duration "?\w+"? moment +// (.+)$', grammar, re.MULTILINE)
    examples = [re.sub(r" \(a .*\)", "", example) for line in lines for example in line.split("      ")]
    return [*examples, *(f"had(x, {window})" for window in windows)]


@pytest.mark.parametrize("example", _examples_of_the_grammar())
def test_examples_of_the_grammar_are_of_the_language(example):
    """Each is a rule, a value or a bound."""
    if not re.search(r"[<>=]| is | in |^had|^attested", example):
        is_bound = re.match(r"-?[0-9]|ULN", example)
        example = f"value > {example}" if is_bound else f"{example} > 1"
    assert parse_rule(render_rule(parse_rule(example))) == parse_rule(example)


def test_grammar_and_facts_reserve_the_same_words():
    grammar = files("trialwright.protocol").joinpath("rules.lark").read_text(encoding="utf-8")
    listed = re.search(r"NAME: /\(\?!\(([a-z|]+)\)", grammar)
    assert listed is not None
    assert set(listed[1].split("|")) == RESERVED_WORDS
