"""Durations as written, and which dates lie in a window."""

from datetime import date, timedelta
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialwright.vocabulary.durations import Duration, DurationRange, TimeUnit, add_months
from trialwright.vocabulary.partial_dates import PartialDate, date_of, day_number
from trialwright.vocabulary.verdicts import Reason, Verdict
from trialwright.vocabulary.windows import Direction, SameDay, Window

MET, NOT_MET, IMPRECISE = Verdict.MET, Verdict.NOT_MET, Verdict.unknown(Reason.IMPRECISE_DATE)

parse = PartialDate.parse
durations = st.builds(Duration, st.integers(0, 200), st.sampled_from(list(TimeUnit)))


def before(length, *, includes_anchor=True, **options):
    return Window(Duration.parse(length), Direction.BEFORE, includes_anchor=includes_anchor, **options)


def after(length, *, includes_anchor=False, **options):
    return Window(Duration.parse(length), Direction.AFTER, includes_anchor=includes_anchor, **options)


def around(length):
    return Window(Duration.parse(length), Direction.AROUND, includes_anchor=True)


# ---- durations


@pytest.mark.parametrize(
    ("text", "amount", "unit", "written"),
    [
        ("28 days", 28, "days", "28 days"),
        ("1 day", 1, "days", "1 day"),
        ("1 days", 1, "days", "1 day"),
        ("0 days", 0, "days", "0 days"),
        ("1 month", 1, "months", "1 month"),
        ("12 Weeks", 12, "weeks", "12 weeks"),
        ("  72   hours ", 72, "hours", "72 hours"),
        ("3years", 3, "years", "3 years"),
        ("007 days", 7, "days", "7 days"),
    ],
)
def test_reading_and_writing_durations(text, amount, unit, written):
    duration = Duration.parse(text)
    assert (duration.amount, duration.unit) == (amount, TimeUnit(unit))
    assert str(duration) == written


@given(durations)
def test_a_written_duration_reads_back_as_written(duration):
    again = Duration.parse(str(duration))
    assert (again.amount, again.unit) == (duration.amount, duration.unit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("28 dyas", "`dyas` is not a unit of time: did you mean `days`?", id="misspelt"),
        pytest.param("1 mnth", "did you mean `months`?", id="misspelt in the singular"),
        pytest.param("28 d", "`d` is not a unit of time: did you mean `days`?", id="a short form"),
        pytest.param("2 wks", "did you mean `weeks`?", id="another short form"),
        pytest.param("6 mo", "did you mean `months`?", id="a short form of months"),
        pytest.param(
            "6 m", "write one of hours, days, weeks, months, years", id="minutes or months: no guess"
        ),
        pytest.param(
            "30 minutes", "write one of hours, days, weeks, months, years", id="minutes are not months"
        ),
        pytest.param("28", "must be an amount and a unit such as `28 days`, not '28'", id="no unit"),
        pytest.param("days", "must be an amount and a unit", id="no amount"),
        pytest.param("", "must be an amount and a unit", id="empty"),
        pytest.param("-3 days", "must be an amount and a unit", id="negative"),
        pytest.param("one month", "must be an amount and a unit", id="in words"),
        pytest.param("3 days 4 hours", "must be an amount and a unit", id="two durations"),
        pytest.param("٣ days", "must be an amount and a unit", id="look-alike digits"),
        pytest.param("3 dаys", "must be an amount and a unit", id="a Cyrillic letter"),
        pytest.param(
            "1.5 months", "must be a whole number of months, not 1.5: use a smaller unit", id="not whole"
        ),
        pytest.param("201 years", "cannot exceed 200 years: `201 years`", id="too long"),
        pytest.param("9" * 10_000 + " days", "must be an amount and a unit", id="a very long number"),
        pytest.param(28, "must be text such as `28 days`, not 28", id="a number"),
        pytest.param(None, "must be text such as `28 days`, not None", id="nothing"),
    ],
)
def test_what_is_not_a_duration(text, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")) as caught:
        Duration.parse(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["200 years", "2400 months", "10600 weeks", "73200 days", "1756800 hours"])
def test_the_longest_durations(text):
    longest = Duration.parse(text)
    assert str(longest) == text
    with pytest.raises(ValueError, match="cannot exceed 200 years"):
        Duration(longest.amount + 1, longest.unit)


def test_the_length_in_its_own_kind_of_unit():
    lengths = [Duration.parse(text) for text in ("48 hours", "2 days", "2 weeks", "2 months", "2 years")]
    assert [length.days for length in lengths] == [None, 2, 14, None, None]
    assert [length.months for length in lengths] == [None, None, None, 2, 24]


def test_a_duration_is_a_whole_amount():
    with pytest.raises(ValueError, match="cannot be negative"):
        Duration(-1, TimeUnit.DAYS)
    for amount in (1.0, True, "1"):
        with pytest.raises(TypeError, match="must be an int"):
            Duration(amount, TimeUnit.DAYS)
    with pytest.raises(ValueError, match="fortnights"):
        Duration(1, "fortnights")


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        pytest.param("27 days", "4 weeks", id="days and weeks"),
        pytest.param("671 hours", "28 days", id="hours and days"),
        pytest.param("24 hours", "1 day", id="24 hours never reach beyond the next calendar day"),
        pytest.param("168 hours", "1 week", id="the same with a week"),
        pytest.param("1 day", "25 hours", id="but 25 hours are longer"),
        pytest.param("11 months", "1 year", id="months and years"),
        pytest.param("23 months", "2 years", id="months and several years"),
    ],
)
def test_order_of_durations(shorter, longer):
    a, b = Duration.parse(shorter), Duration.parse(longer)
    assert a < b
    assert b > a
    assert a <= b
    assert not a >= b
    assert a != b


@pytest.mark.parametrize(
    ("a", "b"), [("28 days", "4 weeks"), ("24 months", "2 years"), ("0 days", "0 weeks")]
)
def test_durations_that_mean_the_same_are_equal(a, b):
    a, b = Duration.parse(a), Duration.parse(b)
    assert a == b
    assert hash(a) == hash(b)
    assert a <= b
    assert a >= b
    assert str(a) != str(b)


@pytest.mark.parametrize(("a", "b"), [("1 month", "30 days"), ("1 year", "52 weeks"), ("0 months", "0 days")])
def test_a_month_is_no_number_of_days(a, b):
    a, b = Duration.parse(a), Duration.parse(b)
    assert a != b
    for comparison in (lambda: a < b, lambda: a >= b):
        with pytest.raises(ValueError, match="depends on the month"):
            comparison()
    with pytest.raises(TypeError):
        assert a < 30


@given(durations, durations, durations)
def test_the_order_is_total_within_a_kind(a, b, c):
    kinds = {duration.unit.is_calendar for duration in (a, b, c)}
    if len(kinds) == 1:
        assert (a < b) + (a == b) + (a > b) == 1
        assert not (a <= b <= c) or a <= c


@pytest.mark.parametrize(
    ("text", "least", "most", "written"),
    [
        ("8 to 12 weeks", "8 weeks", "12 weeks", "8 to 12 weeks"),
        ("8 weeks to 12 weeks", "8 weeks", "12 weeks", "8 to 12 weeks"),
        ("8-12 weeks", "8 weeks", "12 weeks", "8 to 12 weeks"),
        ("8 – 12 weeks", "8 weeks", "12 weeks", "8 to 12 weeks"),
        ("2 weeks to 30 days", "2 weeks", "30 days", "2 weeks to 30 days"),
        ("0 to 1 month", "0 months", "1 month", "0 to 1 month"),
        ("4 weeks", "4 weeks", "4 weeks", "4 weeks"),
        ("28 days to 4 weeks", "28 days", "4 weeks", "28 days to 4 weeks"),
    ],
)
def test_ranges_of_durations(text, least, most, written):
    found = DurationRange.parse(text)
    assert (str(found.least), str(found.most)) == (least, most)
    assert str(found) == written
    assert str(DurationRange.parse(written)) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("12 to 8 weeks", "from short to long, not from `12 weeks` to `8 weeks`"),
        ("8 weeks to 3 months", "depends on the month"),
        ("8 to 12 wekes", "did you mean `weeks`"),
        ("8.5 to 12 weeks", "must be a whole number of weeks, not 8.5"),
        ("8 to", "is not a unit of time"),
        ("to 8 weeks", "must be an amount and a unit"),
        ("1 to 2 to 3 weeks", "must be an amount and a unit"),
        ("", "must be an amount and a unit"),
        ("8 to 12 weeks " * 1000, "must read like"),
        (8, "must be text"),
    ],
)
def test_what_is_not_a_range_of_durations(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        DurationRange.parse(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("day", "length", "later", "earlier"),
    [
        ("2024-08-31", "6 months", "2025-02-28", "2024-02-29"),
        ("2024-02-29", "1 year", "2025-02-28", "2023-02-28"),
        ("2024-01-10", "28 days", "2024-02-07", "2023-12-13"),
        ("2024-03-01", "12 weeks", "2024-05-24", "2023-12-08"),
    ],
)
def test_the_day_a_duration_after_and_before(day, length, later, earlier):
    start, duration = date.fromisoformat(day), Duration.parse(length)
    assert (duration.after(start).isoformat(), duration.before(start).isoformat()) == (later, earlier)


def test_hours_cannot_be_counted_from_a_day():
    for count in (Duration.parse("24 hours").after, Duration.parse("24 hours").before):
        with pytest.raises(ValueError, match="`24 hours` cannot be counted from a day"):
            count(date(2024, 1, 10))


# ---- windows of whole days

ANCHOR = "2024-03-31"


@pytest.mark.parametrize(
    ("window", "when", "verdict"),
    [
        pytest.param(before("28 days"), "2024-03-02", NOT_MET, id="day 29 before is out"),
        pytest.param(before("28 days"), "2024-03-03", MET, id="day 28 before is in"),
        pytest.param(before("28 days"), "2024-03-31", MET, id="the day of the anchor is in"),
        pytest.param(before("28 days"), "2024-04-01", NOT_MET, id="the day after is out"),
        pytest.param(before("4 weeks"), "2024-03-03", MET, id="4 weeks are 28 days"),
        pytest.param(before("4 weeks"), "2024-03-02", NOT_MET, id="and no more"),
        pytest.param(
            before("28 days", includes_anchor=False), "2024-03-30", MET, id="the day before the anchor"
        ),
        pytest.param(
            before("28 days", includes_anchor=False), "2024-03-31", NOT_MET, id="its own day excluded"
        ),
        pytest.param(after("28 days"), "2024-03-31", NOT_MET, id="after excludes the anchor's day"),
        pytest.param(after("28 days"), "2024-04-01", MET, id="the first day after"),
        pytest.param(after("28 days"), "2024-04-28", MET, id="day 28 after is in"),
        pytest.param(after("28 days"), "2024-04-29", NOT_MET, id="day 29 after is out"),
        pytest.param(after("28 days", includes_anchor=True), "2024-03-31", MET, id="on or after includes it"),
        pytest.param(around("7 days"), "2024-03-23", NOT_MET, id="8 days before"),
        pytest.param(around("7 days"), "2024-03-24", MET, id="7 days before"),
        pytest.param(around("7 days"), "2024-04-07", MET, id="7 days after"),
        pytest.param(around("7 days"), "2024-04-08", NOT_MET, id="8 days after"),
        pytest.param(before("1 month"), "2024-02-29", MET, id="a month before 31 March is 29 February"),
        pytest.param(before("1 month"), "2024-02-28", NOT_MET, id="not 28 February"),
        pytest.param(after("1 month"), "2024-04-30", MET, id="a month after 31 March is 30 April"),
        pytest.param(after("1 month"), "2024-05-01", NOT_MET, id="not 1 May"),
        pytest.param(after("6 months"), "2024-09-30", MET, id="six months after"),
        pytest.param(before("1 year"), "2023-03-31", MET, id="a year before"),
        pytest.param(before("1 year"), "2023-03-30", NOT_MET, id="more than a year before"),
        pytest.param(before("0 days"), "2024-03-31", MET, id="0 days are the day itself"),
        pytest.param(before("0 days"), "2024-03-30", NOT_MET, id="and no other"),
        pytest.param(
            before("28 days"), "2024-03", IMPRECISE, id="some day of a month that straddles the end"
        ),
        pytest.param(before("31 days"), "2024-03", MET, id="any day of the month is in"),
        pytest.param(before("28 days"), "2024-02", NOT_MET, id="no day of the month is in"),
        pytest.param(before("28 days"), "2024", IMPRECISE, id="a year"),
        pytest.param(around("1 month"), "2024-04", MET, id="all of April is within a month of 31 March"),
        pytest.param(before("28 days"), "2024---03", IMPRECISE, id="the third of some month"),
        pytest.param(before("28 days"), "2024-03-03/2024-03-31", MET, id="between two days that are in"),
        pytest.param(before("28 days"), "2024-03-02/2024-03-31", IMPRECISE, id="between one out and one in"),
    ],
)
def test_windows_of_whole_days(window, when, verdict):
    assert window.contains(parse(when), parse(ANCHOR)) == verdict


@pytest.mark.parametrize(
    ("entecavir", "verdict"),
    [("2024-01-03", MET), ("2024-01-02", NOT_MET), ("2024-01-15", MET), ("2024-01", IMPRECISE)],
)
def test_entecavir_within_7_days_of_durvalumab(entecavir, verdict):
    """PH-01 and PH-02, and a start known to the month."""
    assert around("7 days").contains(parse(entecavir), parse("2024-01-10")) == verdict


@pytest.mark.parametrize(
    ("anchor", "when", "verdict"),
    [
        pytest.param("2024-03", "2024-03-03", IMPRECISE, id="the anchor may lie before"),
        pytest.param("2024-03", "2024-02-29", IMPRECISE, id="the anchor may lie more than 28 days after"),
        pytest.param("2024-02", "2024-02-01", MET, id="whatever day of February the anchor is"),
        pytest.param("2023-02", "2023-01-31", MET, id="28 days before the last of February"),
        pytest.param("2024-02", "2024-01-31", IMPRECISE, id="but 29 in a leap year"),
        pytest.param("2024-02", "2024-01-01", NOT_MET, id="too early whatever day"),
    ],
)
def test_an_imprecise_anchor(anchor, when, verdict):
    assert before("28 days").contains(parse(when), parse(anchor)) == verdict


# ---- times of day


@pytest.mark.parametrize(
    ("when", "anchor", "on_or_before", "strictly_before", "strictly_after", "on_or_after"),
    [
        pytest.param(
            "2024-03-05",
            "2024-03-05",
            MET,
            NOT_MET,
            NOT_MET,
            MET,
            id="two dates without times count as one moment",
        ),
        pytest.param(
            "2024-03-05",
            "2024-03-05T09:00",
            MET,
            NOT_MET,
            NOT_MET,
            MET,
            id="one time does not tell the order",
        ),
        pytest.param(
            "2024-03-05T08:59", "2024-03-05T09:00", MET, MET, NOT_MET, NOT_MET, id="a minute before"
        ),
        pytest.param(
            "2024-03-05T09:00", "2024-03-05T09:00", MET, NOT_MET, NOT_MET, MET, id="the same minute"
        ),
        pytest.param("2024-03-05T09:01", "2024-03-05T09:00", NOT_MET, NOT_MET, MET, MET, id="a minute after"),
        pytest.param(
            "2024-03-05T09",
            "2024-03-05T09:30",
            MET,
            NOT_MET,
            NOT_MET,
            MET,
            id="the hour does not tell the order",
        ),
        pytest.param(
            "2024-03-05T08", "2024-03-05T09:30", MET, MET, NOT_MET, NOT_MET, id="the hour before does"
        ),
        pytest.param(
            "2024-03",
            "2024-03-31T09:00",
            MET,
            IMPRECISE,
            NOT_MET,
            IMPRECISE,
            id="at the latest on the anchor's day",
        ),
    ],
)
def test_the_order_on_the_day_of_the_anchor(
    when, anchor, on_or_before, strictly_before, strictly_after, on_or_after
):
    verdicts = [
        window.contains(parse(when), parse(anchor))
        for window in (
            before("60 days"),
            before("60 days", includes_anchor=False),
            after("60 days"),
            after("60 days", includes_anchor=True),
        )
    ]
    assert verdicts == [on_or_before, strictly_before, strictly_after, on_or_after]


@pytest.mark.parametrize(
    ("when", "anchor", "on_or_before", "strictly_before"),
    [
        pytest.param("2024-03-05", "2024-03-05", IMPRECISE, IMPRECISE, id="two dates without times"),
        pytest.param(
            "2024-03-05", "2024-03-05T23:59", MET, IMPRECISE, id="nothing is later than the last minute"
        ),
        pytest.param("2024-03-05T09:00", "2024-03-05T09:00", MET, NOT_MET, id="the same minute"),
        pytest.param("2024-03-05T09", "2024-03-05T09:30", IMPRECISE, IMPRECISE, id="the same hour"),
        pytest.param("2024-03-04", "2024-03-05", MET, MET, id="the day before"),
    ],
)
def test_the_order_of_one_day_may_stay_unknown(when, anchor, on_or_before, strictly_before):
    inclusive = before("28 days", same_day=SameDay.UNKNOWN)
    exclusive = before("28 days", includes_anchor=False, same_day=SameDay.UNKNOWN)
    assert inclusive.contains(parse(when), parse(anchor)) == on_or_before
    assert exclusive.contains(parse(when), parse(anchor)) == strictly_before


@pytest.mark.parametrize(
    ("window", "when", "verdict"),
    [
        pytest.param(before("24 hours"), "2024-03-04T08:59", NOT_MET, id="24 hours and a minute before"),
        pytest.param(before("24 hours"), "2024-03-04T09:00", MET, id="24 hours before"),
        pytest.param(before("24 hours"), "2024-03-05T09:00", MET, id="the anchor itself"),
        pytest.param(before("24 hours"), "2024-03-05T09:01", NOT_MET, id="a minute after"),
        pytest.param(before("24 hours"), "2024-03-04", IMPRECISE, id="the day before, no time"),
        pytest.param(before("24 hours"), "2024-03-05", MET, id="the same day, no time"),
        pytest.param(before("24 hours"), "2024-03-03", NOT_MET, id="two days before, no time"),
        pytest.param(before("24 hours"), "2024-03-04T08", NOT_MET, id="an hour that has passed"),
        pytest.param(before("24 hours"), "2024-03-04T09", MET, id="the hour of the end"),
        pytest.param(
            before("1 day"), "2024-03-04T00:00", MET, id="a day goes by dates: all of the day before"
        ),
        pytest.param(before("1 day"), "2024-03-03T23:59", NOT_MET, id="and nothing of the one before that"),
        pytest.param(after("72 hours"), "2024-03-08T09:00", MET, id="72 hours after"),
        pytest.param(after("72 hours"), "2024-03-08T09:01", NOT_MET, id="a minute more"),
        pytest.param(around("2 hours"), "2024-03-05T07:00", MET, id="2 hours before"),
        pytest.param(around("2 hours"), "2024-03-05T11:01", NOT_MET, id="more than 2 hours after"),
    ],
)
def test_windows_by_the_hour(window, when, verdict):
    assert window.contains(parse(when), parse("2024-03-05T09:00")) == verdict


# ---- against brute force

BASE = date(2024, 1, 25)


def spans(unit):
    """Two numbers of days or minutes counted from BASE, in order."""
    return st.tuples(st.integers(0, unit), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def as_days(span):
    first, last = (BASE + timedelta(days=number) for number in span)
    return parse(f"{first}/{last}") if first != last else parse(str(first))


def as_minutes(span):
    return parse("/".join(f"{BASE}T{number // 60:02}:{number % 60:02}" for number in span))


def verdict_over(when, anchor, holds):
    answers = {holds(w, a) for w, a in product(range(when[0], when[1] + 1), range(anchor[0], anchor[1] + 1))}
    return {frozenset({True}): MET, frozenset({False}): NOT_MET}.get(frozenset(answers), IMPRECISE)


def is_in_order(window, when, anchor):
    if when == anchor or window.direction is Direction.AROUND:
        return window.includes_anchor
    return (when < anchor) == (window.direction is Direction.BEFORE)


lengths = st.builds(
    Duration, st.integers(0, 40), st.sampled_from([TimeUnit.DAYS, TimeUnit.WEEKS, TimeUnit.MONTHS])
)
flags = st.booleans()


@st.composite
def windows(draw, lengths):
    length, direction = draw(lengths), draw(st.sampled_from(list(Direction)))
    includes_anchor = direction is Direction.AROUND or length.amount == 0 or draw(flags)
    return Window(length, direction, includes_anchor=includes_anchor)


@given(windows(lengths.filter(lambda length: (length.days or 0) <= 80)), spans(80), spans(80))
def test_whole_days_against_each_pair_of_days(window, when, anchor):
    def holds(w, a):
        w_day, a_day = BASE + timedelta(days=w), BASE + timedelta(days=a)
        far_before, far_after = window.length.before(a_day), window.length.after(a_day)
        within = far_before <= w_day <= far_after
        return within and is_in_order(window, w, a)

    expected = verdict_over(when, anchor, holds)
    assert window.contains(as_days(when), as_days(anchor)) == expected


@given(windows(st.builds(Duration, st.integers(0, 3), st.just(TimeUnit.HOURS))), spans(400), spans(400))
def test_hours_against_each_pair_of_minutes(window, when, anchor):
    window = Window(window.length, window.direction, window.includes_anchor, SameDay.UNKNOWN)

    def holds(w, a):
        return abs(w - a) <= 60 * window.length.amount and is_in_order(window, w, a)

    assert window.contains(as_minutes(when), as_minutes(anchor)) == verdict_over(when, anchor, holds)


@given(spans(80), spans(80), st.integers(1, 40))
def test_before_and_after_split_the_dates_at_the_anchor(when, anchor, days):
    """On or before and strictly after share no date; far enough out, one of them holds it."""
    length = Duration(days, TimeUnit.DAYS)
    early = Window(length, Direction.BEFORE, includes_anchor=True)
    late = Window(length, Direction.AFTER, includes_anchor=False)
    whole = Window(length, Direction.AROUND, includes_anchor=True)
    verdicts = [window.contains(as_days(when), as_days(anchor)) for window in (early, late, whole)]
    assert not (verdicts[0].is_met and verdicts[1].is_met)
    if when[0] == when[1] and anchor[0] == anchor[1]:
        assert verdicts[0] | verdicts[1] == verdicts[2]


# ---- arrays

rows = st.lists(st.tuples(spans(400), spans(400)), min_size=1, max_size=6)


@given(windows(durations), rows, flags)
def test_arrays_of_days_give_the_verdicts_of_single_dates(window, several, unknown_order):
    order = SameDay.UNKNOWN if unknown_order else SameDay.SIMULTANEOUS
    window = Window(window.length, window.direction, window.includes_anchor, order)
    first, last, anchor_first, anchor_last = (
        np.datetime64(BASE, "D") + np.array([row[which][end] for row in several])
        for which, end in product((0, 1), (0, 1))
    )
    codes = window.contains_days(first, anchor_first, last=last, anchor_last=anchor_last)
    expected = [window.contains(as_days(when), as_days(anchor)).code for when, anchor in several]
    assert codes.tolist() == expected
    assert codes.dtype == np.uint8


@given(st.integers(-100_000, 100_000), st.integers(0, 600))
def test_months_of_arrays_are_those_of_single_days(number, months):
    """Through a window around: both its ends are the clamped days."""
    length = Duration(months, TimeUnit.MONTHS)
    anchor = np.array([number]).astype("datetime64[D]")
    window = Window(length, Direction.AROUND, includes_anchor=True)
    for sign in (-1, 1):
        end = day_number(add_months(date_of(number), sign * months))
        around_end = np.array([end, end + sign]).astype("datetime64[D]")
        assert window.contains_days(around_end, anchor).tolist() == [MET.code, NOT_MET.code]


def test_a_date_that_is_not_there_is_missing():
    dates = np.array(["2024-03-03", "NaT", "2024-03-02"], dtype="datetime64[D]")
    missing = Reason.MISSING.code
    assert before("28 days").contains_days(dates, np.datetime64("2024-03-31")).tolist() == [100, missing, 0]
    assert before("28 days").contains_days(dates, np.datetime64("NaT", "D")).tolist() == [missing] * 3
    half = np.array(["2024-03-03", "2024-03-03", "NaT"], dtype="datetime64[D]")
    assert before("28 days").contains_days(half, np.datetime64("2024-03-31"), last=dates).tolist() == [
        100,
        missing,
        missing,
    ]


def test_arrays_must_hold_days_in_order():
    day = np.array(["2024-03-05"], dtype="datetime64[D]")
    with pytest.raises(TypeError, match=r"arrays of datetime64\[D\], not datetime64\[s\]"):
        before("28 days").contains_days(day.astype("datetime64[s]"), day)
    with pytest.raises(ValueError, match="ends before it begins: 2024-03-05 to 2024-03-04"):
        before("28 days").contains_days(day, day, last=day - 1)


# ---- what a window is


def test_windows_that_cannot_be():
    with pytest.raises(ValueError, match="a window around its anchor includes it"):
        Window(Duration(7, TimeUnit.DAYS), Direction.AROUND, includes_anchor=False)
    with pytest.raises(ValueError, match="nothing lies in a window of `0 days` that excludes its anchor"):
        before("0 days", includes_anchor=False)
    with pytest.raises(ValueError, match="sideways"):
        Window(Duration(7, TimeUnit.DAYS), "sideways", includes_anchor=True)


def test_windows_by_hours_and_by_days_differ():
    assert before("24 hours") != before("1 day")
    assert before("7 days") == before("1 week")


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (before("28 days"), "28 days before the anchor"),
        (after("1 month"), "1 month after the anchor, its own moment excluded"),
        (around("7 days"), "7 days around the anchor"),
    ],
)
def test_written(window, text):
    assert str(window) == text
