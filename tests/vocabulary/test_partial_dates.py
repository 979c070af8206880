"""Dates known in part: reading them, comparing them, counting days and years between them."""

import calendar
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.vocabulary.durations import add_months
from trialwright.vocabulary.intervals import Comparison, Interval
from trialwright.vocabulary.partial_dates import (
    LeapBirthday,
    PartialDate,
    age_in_years,
    compare_dates,
    completed_years,
    date_of,
    day_number,
    elapsed_days,
    elapsed_of_study_day,
    study_day,
)
from trialwright.vocabulary.verdicts import Reason, Verdict

MET, NOT_MET, IMPRECISE = Verdict.MET, Verdict.NOT_MET, Verdict.unknown(Reason.IMPRECISE_DATE)
MARCH_1, FEBRUARY_28 = LeapBirthday.MARCH_1, LeapBirthday.FEBRUARY_28

parse = PartialDate.parse
days = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@st.composite
def partial_dates(draw):
    day = draw(days)
    form = draw(st.sampled_from(["%Y-%m-%d", "%Y-%m", "%Y", "%Y---%d"]))
    return parse(day.strftime(form)), day


# ---- reading


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        pytest.param("2024", "2024-01-01", "2024-12-31", id="a year"),
        pytest.param("2024-02", "2024-02-01", "2024-02-29", id="February of a leap year"),
        pytest.param("2023-02", "2023-02-01", "2023-02-28", id="February of a common year"),
        pytest.param("2024-03-05", "2024-03-05", "2024-03-05", id="a day"),
        pytest.param("2024-03-05T14:30", "2024-03-05", "2024-03-05", id="a minute"),
        pytest.param("2024---05", "2024-01-05", "2024-12-05", id="the fifth of some month"),
        pytest.param("2024---30", "2024-01-30", "2024-12-30", id="a day that February has not"),
        pytest.param("2024---31", "2024-01-31", "2024-12-31", id="a day that half the months have not"),
        pytest.param("2024-03--T14:30", "2024-03-01", "2024-03-31", id="an hour of an unknown day"),
        pytest.param("2024-03--", "2024-03-01", "2024-03-31", id="a dash at the end adds nothing"),
        pytest.param("2024-03-01/2024-03-10", "2024-03-01", "2024-03-10", id="between two days"),
        pytest.param(
            "2024-03/2024-03-10", "2024-03-01", "2024-03-10", id="from some day of the month of the end"
        ),
        pytest.param("1850", "1850-01-01", "1850-12-31", id="the first year"),
        pytest.param("2150", "2150-01-01", "2150-12-31", id="the last year"),
        pytest.param("2003/2004-02", "2003-01-01", "2004-02-29", id="between two partial dates"),
    ],
)
def test_the_days_a_date_can_be(text, earliest, latest):
    found = parse(text)
    assert (found.earliest.isoformat(), found.latest.isoformat()) == (earliest, latest)
    assert found.is_whole is (earliest == latest)
    assert str(found) == text


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        pytest.param("1970-01-01", 0, 1439, id="a day without a time is the whole day"),
        pytest.param("1970-01-01T14:30", 870, 870, id="a minute"),
        pytest.param("1970-01-01T14:30:15", 870, 870, id="seconds do not count"),
        pytest.param("1970-01-01T14:30:15.123", 870, 870, id="nor do their fractions"),
        pytest.param("1970-01-01T14", 840, 899, id="an hour"),
        pytest.param("1970-01-01T-:15", 15, 1395, id="a quarter past some hour"),
        pytest.param("1970-01-01T13:-:17", 780, 839, id="some minute of an hour"),
        pytest.param("1970-01-01T23:59:59", 1439, 1439, id="the last minute of a day"),
        pytest.param("1970-01-01T00:00/1970-01-01T00:00", 0, 0, id="between a minute and itself"),
        pytest.param("1969-12-31T23:59", -1, -1, id="the minute before"),
        pytest.param("1970-01-02T00:00/1970-01-02T06:30", 1440, 1830, id="between two times"),
    ],
)
def test_the_minutes_a_date_can_be(text, first, last):
    assert (parse(text).first_minute, parse(text).last_minute) == (first, last)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("2023-02-29", "there is no such day", id="29 February of a common year"),
        pytest.param("2024-04-31", "there is no such day", id="31 April"),
        pytest.param("2024-13", "there is no such day", id="a thirteenth month"),
        pytest.param("2024-00", "there is no such day", id="month 0"),
        pytest.param("2024-01-00", "there is no such day", id="day 0"),
        pytest.param("2024---32", "there is no such day", id="a day no month has"),
        pytest.param("--12-15", "without a year it could be any", id="no year"),
        pytest.param("-----T07:15", "without a year it could be any", id="a time only"),
        pytest.param("2024-03-05T14:30Z", "it has a time zone", id="a time zone"),
        pytest.param("2024-03-05T14:30+08:00", "it has a time zone", id="an offset"),
        pytest.param("2024-03-05 14:30", "write a `T` between day and time", id="a space instead of T"),
        pytest.param("2024-03-05T24:00", "the time must lie from 00:00:00 to 23:59:59", id="24 o'clock"),
        pytest.param("2024-03-05T14:60", "the time must lie from 00:00:00 to 23:59:59", id="minute 60"),
        pytest.param("2024-03-05T14:30:60", "the time must lie from 00:00:00 to 23:59:59", id="second 60"),
        pytest.param("1849", "the year must lie from 1850 to 2150", id="too early"),
        pytest.param("2151", "the year must lie from 1850 to 2150", id="too late"),
        pytest.param("9999-12-31", "the year must lie from 1850 to 2150", id="a stand-in for ongoing"),
        pytest.param("0204-03-05", "the year must lie from 1850 to 2150", id="a mistyped year"),
        pytest.param("2024-03-10/2024-03-01", "ends before it begins", id="a range backwards"),
        pytest.param("2024-03-01/2024-03-02/2024-03-03", "write it like", id="a range with three ends"),
        pytest.param("2024-03/", "it is empty", id="a range without an end"),
        pytest.param("05/03/2024", "write it like `2024-03-05`", id="slashes"),
        pytest.param("05.03.2024", "write it like `2024-03-05`", id="points"),
        pytest.param("20240305", "write it like `2024-03-05`", id="no separators"),
        pytest.param("2024-3-5", "write it like `2024-03-05`", id="single digits"),
        pytest.param("24-03-05", "write it like `2024-03-05`", id="two digits of a year"),
        pytest.param("2024T10", "write it like `2024-03-05`", id="a time without a day"),
        pytest.param("2024-03-05\n", "write it like `2024-03-05`", id="a line break"),
        pytest.param("２０２４-03-05", "write it like `2024-03-05`", id="look-alike digits"),
        pytest.param("", "it is empty", id="empty"),
        pytest.param("2024-03-05" * 1000, "must be text", id="very long"),
        pytest.param(None, "must be text", id="no text"),
        pytest.param(20240305, "must be text", id="a number"),
    ],
)
def test_what_is_not_a_date(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_a_long_text_is_not_repeated_in_the_message():
    with pytest.raises(ValueError, match="must be text") as caught:
        parse("9" * 100_000)
    assert len(str(caught.value)) < 200


@given(partial_dates())
def test_a_partial_date_holds_the_date_it_came_from(example):
    partial, day = example
    assert partial.earliest <= day <= partial.latest
    assert partial.earliest.year == partial.latest.year == day.year


def test_equal_if_the_range_is_equal():
    assert parse("2024-03") == parse("2024-03-01/2024-03-31")
    assert hash(parse("2024-03")) == hash(parse("2024-03-01/2024-03-31"))
    assert parse("2024-03-05") != parse("2024-03-05T00:00")
    assert PartialDate.of(date(2024, 3, 5)) == parse("2024-03-05")


@given(days)
def test_day_numbers_are_those_of_numpy(day):
    assert day_number(day) == np.datetime64(day, "D").astype(int)
    assert date_of(day_number(day)) == day


# ---- comparing


@pytest.mark.parametrize(
    ("a", "comparison", "b", "verdict"),
    [
        pytest.param("2024-03", "<", "2024-04-01", MET, id="all of March is before April"),
        pytest.param("2024-03", "<", "2024-03-31", IMPRECISE, id="March may end on its last day"),
        pytest.param("2024-03", "<=", "2024-03-31", MET, id="but not later"),
        pytest.param("2024-03", ">", "2024-03-31", NOT_MET, id="so it is not after it"),
        pytest.param("2024-03", "=", "2024-03", IMPRECISE, id="two dates of one month may differ"),
        pytest.param("2024-03-05", "=", "2024-03-05T14:30", MET, id="whole days are compared"),
        pytest.param("2024-03-05", "!=", "2024-03-06", MET, id="two days"),
    ],
)
def test_compare_dates(a, comparison, b, verdict):
    assert compare_dates(parse(a), Comparison(comparison), parse(b)) == verdict


# ---- counting days


@pytest.mark.parametrize(
    ("day", "adt", "elapsed"),
    [
        pytest.param(1, "2024-01-10", 0, id="SD-01"),
        pytest.param(2, "2024-01-11", 1, id="SD-02"),
        pytest.param(-1, "2024-01-09", -1, id="SD-03"),
        pytest.param(-7, "2024-01-03", -7, id="SD-04"),
        pytest.param(29, "2024-02-07", 28, id="SD-05"),
        pytest.param(51, "2024-02-29", 50, id="SD-06"),
        pytest.param(1100, "2027-01-13", 1099, id="1099 elapsed is AVAL 1100"),
    ],
)
def test_study_day(day, adt, elapsed):
    assert elapsed_days(parse("2024-01-10"), parse(adt)) == Interval.exactly(elapsed)
    assert study_day(elapsed) == day
    assert elapsed_of_study_day(day) == elapsed


def test_study_day_of_a_partial_date_is_a_range():
    """SD-07: no single study day; reference 2024-01-10."""
    elapsed = elapsed_days(parse("2024-01-10"), parse("2024-02"))
    assert elapsed == Interval(22, 50)
    assert elapsed_days(parse("2024-02"), parse("2024-01-10")) == Interval(-50, -22)


def test_study_days_of_arrays():
    elapsed = np.arange(-3, 4)
    assert study_day(elapsed).tolist() == [-3, -2, -1, 1, 2, 3, 4]
    assert elapsed_of_study_day(study_day(elapsed)).tolist() == elapsed.tolist()
    assert study_day(elapsed).dtype == elapsed.dtype


def test_there_is_no_day_0():
    for day in (0, np.array([1, 0, -1])):
        with pytest.raises(ValueError, match="there is no study day 0"):
            elapsed_of_study_day(day)


@given(partial_dates(), partial_dates())
def test_elapsed_days_hold_the_true_number_and_reach_both_ends(start, end):
    (partial_start, first), (partial_end, last) = start, end
    elapsed = elapsed_days(partial_start, partial_end)
    assert elapsed.contains((last - first).days)
    assert elapsed.lo == (partial_end.earliest - partial_start.latest).days
    assert elapsed.hi == (partial_end.latest - partial_start.earliest).days


# ---- months


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        pytest.param("2024-08-31", 6, "2025-02-28", id="to a shorter month"),
        pytest.param("2023-08-30", 6, "2024-02-29", id="to February of a leap year"),
        pytest.param("2024-02-29", 12, "2025-02-28", id="a year after 29 February"),
        pytest.param("2024-02-29", 48, "2028-02-29", id="four years after 29 February"),
        pytest.param("2025-01-31", 1, "2025-02-28", id="a month after 31 January"),
        pytest.param("2024-03-31", -1, "2024-02-29", id="a month before 31 March"),
        pytest.param("2024-01-15", -1, "2023-12-15", id="over the new year, back"),
        pytest.param("2024-12-15", 1, "2025-01-15", id="over the new year"),
        pytest.param("2024-05-05", 0, "2024-05-05", id="none"),
    ],
)
def test_add_months(day, months, expected):
    assert add_months(date.fromisoformat(day), months).isoformat() == expected


@given(days, st.integers(-600, 600))
def test_adding_months_keeps_the_day_or_takes_the_last(day, months):
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == min(day.day, calendar.monthrange(later.year, later.month)[1])


@given(days, st.integers(-600, 600))
def test_adding_months_keeps_the_order_of_days(day, months):
    assert add_months(day, months) <= add_months(day + timedelta(days=1), months)


# ---- age


@pytest.mark.parametrize(
    ("birth", "on", "march", "february"),
    [
        pytest.param("1954-03-02", "2025-03-01", 70, 70, id="PH-07, the day before the birthday"),
        pytest.param("1954-03-02", "2025-03-02", 71, 71, id="PH-07, the birthday"),
        pytest.param("2006-02-28", "2024-02-27", 17, 17, id="18 tomorrow"),
        pytest.param("2006-02-28", "2024-02-28", 18, 18, id="18 today"),
        pytest.param("2004-02-29", "2022-02-27", 17, 17, id="born 29 February, common year, 27 February"),
        pytest.param("2004-02-29", "2022-02-28", 17, 18, id="born 29 February, common year, 28 February"),
        pytest.param("2004-02-29", "2022-03-01", 18, 18, id="born 29 February, common year, 1 March"),
        pytest.param("2004-02-29", "2024-02-28", 19, 19, id="born 29 February, leap year, 28 February"),
        pytest.param("2004-02-29", "2024-02-29", 20, 20, id="born 29 February, leap year, 29 February"),
        pytest.param("2004-02-28", "2022-02-28", 18, 18, id="born 28 February of a leap year"),
        pytest.param("1900-03-01", "2000-02-29", 99, 99, id="a hundred tomorrow"),
        pytest.param("2024-03-05", "2024-03-05", 0, 0, id="the day of birth"),
    ],
)
def test_age_on_birthdays(birth, on, march, february):
    for rule, age in ((MARCH_1, march), (FEBRUARY_28, february)):
        assert completed_years(date.fromisoformat(birth), date.fromisoformat(on), leap_birthday=rule) == age
        assert age_in_years(parse(birth), parse(on), leap_birthday=rule) == Interval.exactly(age)


@pytest.mark.parametrize(
    ("birth", "on", "least", "most"),
    [
        pytest.param("1954", "2025-03-01", 70, 71, id="a year of birth"),
        pytest.param("1954", "2025-01-01", 70, 71, id="born on 1 January he is 71 already"),
        pytest.param("1954", "2025-12-31", 71, 71, id="on 31 December everyone had a birthday"),
        pytest.param("1954-03", "2025-02-28", 70, 70, id="before the month of birth"),
        pytest.param("1954-03", "2025-03-15", 70, 71, id="within it"),
        pytest.param("1954-03", "2025-04-01", 71, 71, id="after it"),
        pytest.param("1954-03-02", "2025", 70, 71, id="a year of consent"),
        pytest.param("2024", "2024-03", 0, 0, id="born in the year of the visit"),
    ],
)
def test_age_from_partial_dates(birth, on, least, most):
    assert age_in_years(parse(birth), parse(on), leap_birthday=MARCH_1) == Interval(least, most)


@given(partial_dates(), partial_dates(), st.sampled_from(list(LeapBirthday)))
def test_age_is_reached_at_both_ends_and_holds_the_true_one(born, seen, rule):
    (birth, born_on), (on, seen_on) = born, seen
    if birth.latest > on.earliest or born_on > seen_on:
        return
    age = age_in_years(birth, on, leap_birthday=rule)
    assert age.contains(completed_years(born_on, seen_on, leap_birthday=rule))
    assert age.lo == completed_years(birth.latest, on.earliest, leap_birthday=rule)
    assert age.hi == completed_years(birth.earliest, on.latest, leap_birthday=rule)


@given(days, st.integers(0, 120), st.sampled_from(list(LeapBirthday)))
def test_a_year_is_completed_on_one_day_only(birth, years, rule):
    """The age rises on the anniversary; on 29 February's substitute in a common year, as the rule says."""
    year = birth.year + years
    leap_born = (birth.month, birth.day) == (2, 29)
    if leap_born and not calendar.isleap(year):
        anniversary = date(year, 3, 1) if rule is MARCH_1 else date(year, 2, 28)
    else:
        anniversary = birth.replace(year=year)
    assert completed_years(birth, anniversary, leap_birthday=rule) == years
    assert completed_years(birth, anniversary - timedelta(days=1), leap_birthday=rule) == years - 1


def test_nobody_is_seen_before_birth():
    with pytest.raises(ValueError, match="the date of birth, 2025, lies after 2024-12-31"):
        age_in_years(parse("2025"), parse("2024-12-31"), leap_birthday=MARCH_1)
