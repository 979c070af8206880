"""Dates outside rules: moments, spans, reaches and selections."""

import pytest

from trialwright.protocol.moments import (
    Selection,
    Span,
    parse_moment,
    parse_reach,
    parse_selection,
    parse_span,
)
from trialwright.protocol.rule_tree import Moment, Within
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Place, ProblemsFound

FIRST, LAST = Moment("drug", "first"), Moment("drug", "last")


def length(text):
    return Duration.parse(text)


@pytest.mark.parametrize(
    ("parse", "text", "date"),
    [
        pytest.param(parse_moment, "consent", Moment("consent"), id="an anchor"),
        pytest.param(parse_moment, "first drug", FIRST, id="the first of several"),
        pytest.param(
            parse_moment, "last drug + 28 days", Moment("drug", "last", length("28 days")), id="moved on"
        ),
        pytest.param(
            parse_moment, "consent - 1 month", Moment("consent", None, length("1 month"), "-"), id="moved back"
        ),
        pytest.param(parse_span, "first drug to last drug", Span(FIRST, LAST), id="a span"),
        pytest.param(
            parse_span,
            "after first drug to last drug + 28 days",
            Span(FIRST, Moment("drug", "last", length("28 days")), leaves_start_out=True),
            id="a span without its first day",
        ),
        pytest.param(
            parse_reach, "7 days of first drug", Within(length("7 days"), "around", FIRST), id="around"
        ),
        pytest.param(
            parse_reach, "6 months after last drug", Within(length("6 months"), "after", LAST), id="after"
        ),
        pytest.param(
            parse_reach, "28 days before consent", Within(length("28 days"), "before", Moment("consent")), id="before"
        ),
        pytest.param(
            parse_selection, "last on or before first drug", Selection(Moment(None, "last"), FIRST), id="of each fact"
        ),
        pytest.param(
            parse_selection, "last scan on or before first drug", Selection(Moment("scan", "last"), FIRST), id="of one"
        ),
        pytest.param(parse_selection, "last contact", Selection(Moment("contact", "last")), id="the last there is"),
    ],
)  # fmt: skip
def test_dates_are_read_and_written_back(parse, text, date):
    assert parse(text) == date
    if isinstance(date, Span | Selection):
        assert str(date) == text


@pytest.mark.parametrize(
    ("parse", "text", "code", "column"),
    [
        pytest.param(parse_moment, "last drug + 28 dais", "rule-syntax", 16, id="a unit misspelt"),
        pytest.param(parse_moment, "first", "reserved-word", 1, id="first of what"),
        pytest.param(parse_moment, "baseline", "reserved-word", 1, id="a reserved word is no name"),
        pytest.param(parse_moment, "time of death", "rule-syntax", 6, id="prose"),
        pytest.param(parse_span, "first drug", "rule-syntax", 10, id="no end"),
        pytest.param(parse_span, "first drug until last drug", "rule-syntax", 12, id="until for to"),
        pytest.param(parse_reach, "7 days", "rule-syntax", 6, id="of what"),
        pytest.param(parse_reach, "7.5 days of first drug", "rule-syntax", 1, id="half a day"),
        pytest.param(parse_selection, "last before first drug", "reserved-word", 6, id="on or before"),
        pytest.param(parse_moment, "x" * 10_001, "rule-too-long", 1, id="endless"),
    ],
)
def test_what_is_no_date_is_placed(parse, text, code, column):
    with pytest.raises(ProblemsFound) as found:
        parse(text, start=Place("p.yaml", 3, 10))
    (problem,) = found.value.problems
    assert (problem.code, problem.place) == (code, Place("p.yaml", 3, 9 + column))
