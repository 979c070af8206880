"""Every table of docs/verdicts.md, computed anew."""

import re
from pathlib import Path

import pytest

from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE, Comparison, Interval, Threshold
from trialwright.vocabulary.partial_dates import (
    FIRST_YEAR,
    LAST_YEAR,
    LeapBirthday,
    PartialDate,
    age_in_years,
    elapsed_days,
    study_day,
)
from trialwright.vocabulary.verdicts import Reason, Verdict
from trialwright.vocabulary.windows import Direction, SameDay, Window

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"


def read_tables():
    """The tables of the page, in order: the header as one text, and the rows as lists of cells."""
    tables, rows = [], []
    for line in [*PAGE.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            header, dashes, *body = rows
            assert set("".join(dashes)) == {"-"}
            assert body
            assert {len(row) for row in body} == {len(header)}
            tables.append((" | ".join(header), body))
            rows = []
    return tables


def verdict_of(text):
    words = {
        str(v): v for v in (Verdict.MET, Verdict.NOT_MET, *(Verdict.unknown(reason) for reason in Reason))
    }
    return words[text]


def result_of(text):
    """`12`, `<10`, `12 and 25 at one instant`, `score of 5 to 7`."""
    if score := re.fullmatch(r"score of (\d+) to (\d+)", text):
        return Interval(float(score[1]), float(score[2]))
    parts = [
        re.fullmatch(r"([<>]=?)?([\d.]+)", part)
        for part in text.removesuffix(" at one instant").split(" and ")
    ]
    return Interval.hull_of(Interval.reported(float(part[2]), part[1] or "", floor=0) for part in parts)


def interval_of(text):
    low, lo, hi, high = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", text).groups()
    return Interval(float(lo), float(hi), low == "(", high == ")")


def range_of(interval):
    return f"{interval.lo:g}" if interval.is_exact else f"{interval.lo:g} to {interval.hi:g}"


def window_of(text, **options):
    length, direction = text.rsplit(" ", 1)
    return Window(Duration.parse(length), Direction(direction), includes_anchor=True, **options)


def check_reasons(rows):
    assert rows == [[r.value, r.meaning, r.remedy, str(r.code)] for r in Reason]


def check_logic(rows):
    for row in rows:
        a, b, both, either, negated = map(verdict_of, row)
        assert (a & b, a | b, ~a) == (both, either, negated), row


def check_reported(rows):
    for reported, interval in rows[:-1]:
        assert str(result_of(reported)) == interval
    score = Interval.sum_of([*[Interval.exactly(1)] * 4, Interval(1, 3)])
    assert rows[-1] == ["four items of a score make 4, the fifth (1 to 3) is missing", str(score)]


def check_comparisons(rows):
    for result, condition, verdict in rows:
        comparison, factor, _, reference = re.fullmatch(r"(\S+) (?:([\d.]+)( \* ))?(\S+)", condition).groups()
        bounds = result_of(reference)
        threshold = Threshold(
            bounds.scaled(float(factor)) if factor else bounds, is_product=factor is not None
        )
        found = result_of(result).compare(Comparison(comparison), threshold, reason=Reason.CENSORED)
        assert ("unknown" if not found.is_known else str(found)) == verdict, (result, condition)


def check_arithmetic(rows):
    for a, operation, b, answer in rows:
        assert str(getattr(interval_of(a), operation)(interval_of(b))) == answer, (a, operation, b)


def check_dates(rows):
    for text, earliest, latest in rows:
        found = PartialDate.parse(text)
        assert [found.earliest.isoformat(), found.latest.isoformat()] == [earliest, latest], text


def check_counting(rows):
    for start, on, elapsed, day in rows:
        found = elapsed_days(PartialDate.parse(start), PartialDate.parse(on))
        days = Interval(study_day(int(found.lo)), study_day(int(found.hi)))
        assert [range_of(found), range_of(days)] == [elapsed, day], on


def check_ages(rows):
    for birth, on, march, february in rows:
        dates = PartialDate.parse(birth), PartialDate.parse(on)
        ages = [range_of(age_in_years(*dates, leap_birthday=rule)) for rule in LeapBirthday]
        assert ages == [march, february], (birth, on)


def check_windows(rows):
    for window, anchor, when, verdict in rows:
        found = window_of(window).contains(PartialDate.parse(when), PartialDate.parse(anchor))
        assert str(found) == verdict, (window, anchor, when)


def check_same_day(rows):
    week = Duration.parse("7 days")
    windows = (
        Window(week, Direction.BEFORE, includes_anchor=True),
        Window(week, Direction.BEFORE, includes_anchor=False),
        Window(week, Direction.AFTER, includes_anchor=False),
        Window(week, Direction.BEFORE, includes_anchor=True, same_day=SameDay.UNKNOWN),
    )
    for anchor, when, *verdicts in rows:
        dates = PartialDate.parse(when), PartialDate.parse(anchor)
        assert [str(window.contains(*dates)) for window in windows] == verdicts, (anchor, when)


CHECKS = [
    ("reason | what was found | what would settle it | code", check_reasons),
    ("a | b | a and b | a or b | not a", check_logic),
    ("reported | numbers it may be", check_reported),
    ("result | condition | verdict", check_comparisons),
    ("result | condition | verdict", check_comparisons),
    ("a | operation | b | answer", check_arithmetic),
    ("date | earliest | latest", check_dates),
    ("start | date | elapsed days | study day", check_counting),
    ("born | on | age | age if 28 February is chosen", check_ages),
    ("window | anchor | date | verdict", check_windows),
    (
        "anchor | date | on or before | before | after | on or before, if the order stays unknown",
        check_same_day,
    ),
]


def test_every_table_has_its_check():
    assert [header for header, _ in read_tables()] == [header for header, _ in CHECKS]


@pytest.mark.parametrize("number", range(len(CHECKS)), ids=[header for header, _ in CHECKS])
def test_table(number):
    header, rows = read_tables()[number]
    expected_header, check = CHECKS[number]
    assert header == expected_header
    check(rows)


def test_the_numbers_in_the_prose():
    prose = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert len(Reason) == 12
    assert "There are twelve reasons." in prose
    assert f"3 times 20.1 is {3 * 20.1!r} to them" in prose
    assert f"outside the years {FIRST_YEAR} to {LAST_YEAR}" in prose
    assert RELATIVE_TOLERANCE == 1e-9
    assert "closer to the threshold than one billionth of it" in prose
