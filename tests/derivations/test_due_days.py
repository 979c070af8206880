"""What was due and what became of it: the worked examples of the schedule, every limit, days known in part, and laws.

The second computation takes one person at a time, on plain days without doubt. Where days are known in part it is asked of
every choice of days there is.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from itertools import product
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.due_days import (
    DUE,
    follow_ends,
    follow_intervals,
    follow_pauses,
    follow_repeats,
    follow_starts,
    follow_visits,
)
from trialwright.vocabulary.durations import Duration

START = date(2024, 3, 1)
FAR = date(2030, 1, 1)


def span(when):
    """The first and last day: of a date, a text such as 2024-03 or 2024-03-06, two of them, or days since START."""
    if when is None:
        return None, None
    if isinstance(when, tuple):
        return span(when[0])[0], span(when[1])[1]
    if isinstance(when, int):
        return START + timedelta(when), START + timedelta(when)
    if isinstance(when, str) and len(when) == len("2024-03"):
        year, month = map(int, when.split("-"))
        return date(year, month, 1), date(year, month, monthrange(year, month)[1])
    day = date.fromisoformat(when) if isinstance(when, str) else when
    return day, day


def frame(rows, *columns):
    kinds = {
        "SUBJECT": pl.Int64,
        "SRCDOM": pl.String,
        "SRCSEQ": pl.Int64,
        "SRCALL": pl.String,
        "goes_on": pl.Boolean,
    }
    return pl.DataFrame(rows, schema={name: kinds.get(name, pl.Date) for name in columns}, orient="row")  # fmt: skip


SOURCE = ("SRCDOM", "SRCSEQ", "SRCALL")


def contacts_of(**by_subject):
    """Contacts of subjects `_1`, `_2`; the n-th is record LB.n."""
    rows = [
        (int(subject[1:]), *span(when), "LB", n, f"LB.{n}")
        for subject, days in by_subject.items()
        for n, when in enumerate(days, 1)
    ]
    return frame(rows, "SUBJECT", "lo", "hi", *SOURCE)


def contacts(*days):
    return contacts_of(_1=days)


def people(start=START, *, until=None, look=FAR, gone=None, subject=1):
    days = (*span(start), *span(until), span(gone)[0] or span(look)[0], span(gone)[0])
    return frame([(subject, *days)], "SUBJECT", "lo", "hi", "until_lo", "until_hi", "look", "gone")


def told(rows):
    """What became of each thing, or why nobody can tell."""
    return rows.select(pl.coalesce("AVALC", "REASON"))["AVALC"].to_list()


def length(text):
    return None if text is None else Duration.parse(text)


# --- the next contact -------------------------------------------------------------------------------------------------


def intervals(days, *, most="31 days", least=None, tolerance=None, missed_after=None, **of_person):
    return follow_intervals(
        contacts(*days), people(**of_person), most=length(most), least=length(least), tolerance=length(tolerance),
        missed_after=length(missed_after),
    )  # fmt: skip


HBV_DNA = {"most": "31 days", "tolerance": "4 days", "missed_after": "62 days"}
SCANS = {"most": "12 weeks", "least": "8 weeks", "tolerance": "7 days", "missed_after": "119 days"}


@pytest.mark.parametrize(("tolerance", "became"), [
    pytest.param(None, ["in time", "in time", "late", "in time", "late"], id="strict"),
    pytest.param("4 days", ["in time", "in time", "in time", "in time", "late"], id="with tolerance"),
])  # fmt: skip
def test_ph_03(tolerance, became):
    days = ["2024-02-07", "2024-03-06", "2024-04-10", "2024-05-08", "2024-06-19"]
    rows = intervals(days, **HBV_DNA | {"tolerance": tolerance}, start="2024-01-08", until="2024-06-19")
    assert rows["AVAL"].to_list() == [30, 28, 35, 28, 42]
    assert told(rows) == became


def test_ph_04():
    """Scans on days 57, 141 and 245 after a first dose on day 1."""
    rows = intervals([56, 140, 244], **SCANS, until=244)
    assert rows["AVAL"].to_list() == [56, 84, 104]
    assert told(rows) == ["in time", "in time", "late"]


def test_pd_05():
    """No HBV DNA between days 57 and 130."""
    rows = intervals([28, 56, 129], **HBV_DNA, until=129)
    assert rows.select("AVAL", "AVALC").rows() == [(28, "in time"), (28, "in time"), (73, "missed")]


@pytest.mark.parametrize(("limits", "days", "became"), [
    (HBV_DNA, 35, "in time"), (HBV_DNA, 36, "late"), (HBV_DNA, 62, "late"), (HBV_DNA, 63, "missed"),
    (SCANS, 48, "early"), (SCANS, 49, "in time"), (SCANS, 91, "in time"), (SCANS, 92, "late"), (SCANS, 119, "late"),
    (SCANS, 120, "missed"),
    ({"most": "31 days"}, 31, "in time"), ({"most": "31 days"}, 32, "late"), ({"most": "31 days"}, 900, "late"),
])  # fmt: skip
def test_limits_of_an_interval(limits, days, became):
    assert told(intervals([days], **limits, until=days)) == [became]


@pytest.mark.parametrize(("start", "most", "last"), [
    ("2024-08-31", "6 months", "2025-02-28"), ("2023-08-30", "6 months", "2024-02-29"),
    ("2024-02-29", "12 months", "2025-02-28"), ("2025-01-31", "1 month", "2025-02-28"),
])  # fmt: skip
def test_months_end_with_the_month(start, most, last):
    """domain/schedule.md, section 4, date arithmetic."""
    after = span(last)[0] + timedelta(1)
    assert told(intervals([last], most=most, start=start, until=last)) == ["in time"]
    assert told(intervals([after], most=most, start=start, until=after)) == ["late"]


def test_what_a_row_of_an_interval_says():
    row = intervals([28, 90], **SCANS, until=90).row(1, named=True)
    assert row == {
        "SUBJECT": 1, "STARTDT": date(2024, 3, 29), "AWLODT": date(2024, 5, 17), "AWHIDT": date(2024, 6, 28),
        "ADT": date(2024, 5, 30), "ENDDT": None, "AVAL": 62, "AVALC": "in time", "REASON": None, "SRCDOM": "LB",
        "SRCSEQ": 2, "SRCALL": "LB.2",
    }  # fmt: skip


@pytest.mark.parametrize(("of_person", "became"), [
    pytest.param({"look": 35}, [], id="not too long yet"),
    pytest.param({"look": 36}, ["overdue"], id="too long, and it can still come"),
    pytest.param({"look": 62, "until": 63}, ["overdue"], id="on the last day but one"),
    pytest.param({"look": 63}, ["missed"], id="too late to be late"),
    pytest.param({"until": 36}, ["late"], id="what follows is not looked at"),
    pytest.param({"until": 35}, [], id="the end came in time"),
    pytest.param({"look": 36, "until": 36}, ["late"], id="the last day itself"),
    pytest.param({"gone": 35}, [], id="death in time"),
    pytest.param({"gone": 36}, ["late"], id="death a day too late"),
    pytest.param({"gone": 63, "until": 80}, ["missed"], id="death after it was missed"),
    pytest.param({"look": -1}, [], id="nothing began"),
])  # fmt: skip
def test_an_interval_without_an_end(of_person, became):
    rows = intervals([], **HBV_DNA, **of_person)
    assert told(rows) == became
    assert rows["ADT"].to_list() == [None] * len(became)
    ends = {"look": of_person.get("look"), "until": of_person.get("until"), "gone": of_person.get("gone")}
    last = min(day for day in ends.values() if day is not None)
    assert rows["ENDDT"].to_list() == [START + timedelta(last)] * len(became)


def test_contacts_of_one_day_are_one_and_those_before_or_after_none():
    rows = intervals([-10, 0, 20, 20, 50, 90], **HBV_DNA, until=60)
    assert rows.select("AVAL", "AVALC", "SRCSEQ").rows() == [(20, "in time", 3), (30, "in time", 5)]


@pytest.mark.parametrize(("days", "until", "became"), [
    pytest.param(["2024-03"], 31, ["in time"], id="whichever day of March"),
    pytest.param(["2024-04"], 60, ["imprecise date"], id="31 to 60 days"),
    pytest.param(["2024-05"], 91, ["imprecise date"], id="61 to 91 days: late or missed"),
    pytest.param(["2024-06"], 121, ["missed"], id="92 days at least"),
    pytest.param(["2024-03", 45], 45, ["in time", "imprecise date"], id="14 to 44 days after it"),
    pytest.param([34, ("2024-03-20", "2024-05-20"), 88], 88, ["in time", "imprecise date", "imprecise date"],
                 id="a sample between or not: 54 days, or two stretches"),
    pytest.param([("2024-02-20", "2024-03-02"), 36], 36, ["in time", "imprecise date"], id="before the start, or a day after"),
    pytest.param([("2024-02-20", "2024-03-02"), 35], 35, ["in time", "in time"], id="no stretch begins before the start"),
])  # fmt: skip
def test_days_known_in_part_matter_where_they_lead_elsewhere(days, until, became):
    rows = intervals(days, **HBV_DNA, until=until)
    assert told(rows) == became
    assert all(
        (reason is None) != (kept is None) for kept, reason in rows.select("AVALC", "REASON").iter_rows()
    )


def test_a_scan_of_an_unknown_day_is_not_early_where_it_may_be_the_start_itself():
    assert told(intervals([("2024-03-01", "2024-03-05")], **SCANS, until=30)) == ["imprecise date"]
    assert told(intervals([("2024-03-02", "2024-03-05")], **SCANS, until=30)) == ["early"]


def test_an_end_that_is_not_known_to_the_day():
    assert told(intervals([], **HBV_DNA, until=(35, 36))) == ["imprecise date"]
    assert told(intervals([], **HBV_DNA, until=(36, 62))) == ["late"]
    assert told(intervals([40], **HBV_DNA, until=(30, 45))) == ["imprecise date"]
    assert told(intervals([40], **HBV_DNA, until=(36, 45))) == ["late"]
    assert told(intervals([40], **SCANS, until=(39, 45))) == ["imprecise date"]
    assert told(intervals([40], **SCANS, until=(40, 45))) == ["early"]


def test_a_start_that_is_not_known_to_the_day():
    assert told(intervals([20], **HBV_DNA, start=("2024-02-25", "2024-03-01"), until=20)) == ["in time"]
    assert told(intervals([32], **HBV_DNA, start=("2024-02-25", "2024-03-01"), until=32)) == [
        "imprecise date"
    ]


# --- visits -----------------------------------------------------------------------------------------------------------

MRI = {"every": "12 weeks", "tolerance": "7 days", "missed_after": "28 days"}
PRTRAS_END = START + timedelta(156 * 7)


def visits(days, *, every="12 weeks", tolerance="7 days", missed_after=None, **of_person):
    return follow_visits(
        contacts(*days), people(**of_person), every=length(every), tolerance=length(tolerance),
        missed_after=length(missed_after),
    )  # fmt: skip


def visit_of(elapsed, **more):
    """Which visit a contact belongs to, and what it makes of it."""
    rows = visits([elapsed], **MRI | more, until=PRTRAS_END).filter(pl.col("ADT").is_not_null())
    number = (pl.col("AWHIDT") - pl.col("STARTDT")).dt.total_days() // 84
    return rows.select(number, "AVALC").rows()


@pytest.mark.parametrize(("elapsed", "visit", "became"), [
    pytest.param(84, 1, "in time", id="WN-01"),
    pytest.param(91, 1, "in time", id="WN-02 last allowed"),
    pytest.param(92, 1, "late", id="WN-03 out by one"),
    pytest.param(125, 1, "missed", id="WN-04 the last day of the first"),
    pytest.param(1099, 13, "in time", id="WN-06"),
    pytest.param(56, 1, "early", id="28 days early"),
    pytest.param(76, 1, "early", id="a day before the window"),
    pytest.param(77, 1, "in time", id="the first day of the window"),
    pytest.param(93, 1, "late", id="PD-02 nine days late"),
    pytest.param(112, 1, "late", id="28 days late"),
    pytest.param(113, 1, "missed", id="29 days late"),
])  # fmt: skip
def test_windows_of_visits(elapsed, visit, became):
    assert visit_of(elapsed) == [(visit, became)]


@pytest.mark.parametrize(("elapsed", "visit"), [
    pytest.param(42, 1, id="the first day of the first"), pytest.param(126, 2, id="WN-04 the first day of the second"),
])  # fmt: skip
def test_the_first_day_of_a_turn_is_early_and_too_early_where_28_days_are_the_most(elapsed, visit):
    assert visit_of(elapsed, missed_after=None) == [(visit, "early")]
    assert visit_of(elapsed) == []


@pytest.mark.parametrize(
    "elapsed", [pytest.param(41, id="WN-05"), 0, -1, 1134, pytest.param(55, id="29 days early")]
)
def test_a_contact_of_no_visit(elapsed):
    """Before the first turn, from 42 days after the thirteenth on, or too early for any."""
    assert visit_of(elapsed) == []


def test_the_calendar_of_prtras():
    """domain/schedule.md, section 2: time zero 2024-03-01, and visits 1, 4 and 13 with their windows; 2 is due 2024-08-16."""
    windows = visits([], **MRI, until=PRTRAS_END).select("AWLODT", "AWHIDT").rows()
    assert len(windows) == 13
    assert windows[0] == (date(2024, 5, 17), date(2024, 5, 31))
    assert windows[1] == (date(2024, 8, 9), date(2024, 8, 23))
    assert windows[3] == (date(2025, 1, 24), date(2025, 2, 7))
    assert windows[12] == (date(2027, 2, 19), date(2027, 3, 5))


def test_pd_03_and_a_late_scan_moves_no_other():
    rows = visits([84, 177, 336], **MRI, until=336)
    assert rows.select("AVALC", "SRCSEQ").rows() == [("in time", 1), ("late", 2), ("missed", None), ("in time", 3)]  # fmt: skip


def test_visits_every_month_keep_to_the_day_they_began_on():
    rows = visits([], every="1 month", tolerance=None, start="2025-01-31", until="2025-05-31")
    assert [str(day) for day in rows["AWLODT"]] == ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]


def test_of_many_records_of_one_day_the_first_counts_in_whatever_order_they_come():
    day = date(2024, 5, 24)
    sources = [("LB", n, f"LB.{n}") for n in (7, 5, 9, 4, 8, 6, 2, 3)] + [
        ("FA", 30, "FA.30"),
        (None, 1, None),
        ("FA", None, None),
    ]
    rows = frame([(1, day, day, *source) for source in sources], "SUBJECT", "lo", "hi", *SOURCE)
    for seed in range(20):
        found = follow_visits(
            rows.sample(fraction=1, shuffle=True, seed=seed),
            people(until=date(2024, 6, 1)),
            every=length("12 weeks"),
        )
        assert found.select(*SOURCE).rows() == [("FA", 30, "FA.30")]


def test_a_record_whose_last_day_nobody_knows_keeps_no_visit():
    rows = frame([(1, date(2024, 5, 24), None, "LB", 1, "LB.1")], "SUBJECT", "lo", "hi", *SOURCE)
    assert told(follow_visits(rows, people(until=date(2024, 6, 1)), every=length("12 weeks"))) == ["missed"]


@pytest.mark.parametrize(("days", "day"), [
    ((80, 90), 80), ((78, 89), 89), ((80, 88), 88), ((88, 88), 88), ((50, 91), 91), ((92, 76), 92), ((75, 92), 92),
])  # fmt: skip
def test_of_several_contacts_the_nearest_counts_and_of_two_as_near_the_later(days, day):
    rows = visits(days, **MRI, until=84)
    assert rows["ADT"].to_list() == [START + timedelta(day)]


@pytest.mark.parametrize(("of_person", "missed_after", "became"), [
    pytest.param({"look": 76}, "28 days", [], id="its window is not open"),
    pytest.param({"look": 77}, "28 days", ["not due"], id="open"),
    pytest.param({"look": 91}, "28 days", ["not due"], id="the last day of the window"),
    pytest.param({"look": 92}, "28 days", ["overdue"], id="closed"),
    pytest.param({"look": 112}, "28 days", ["overdue"], id="28 days after it was due"),
    pytest.param({"look": 113}, "28 days", ["missed"], id="29 days after it was due"),
    pytest.param({"look": 125}, None, ["overdue"], id="the turn of the next has not begun"),
    pytest.param({"look": 126}, None, ["missed"], id="the turn of the next has begun"),
    pytest.param({"gone": 91}, "28 days", ["not applicable"], id="left in its window"),
    pytest.param({"gone": 92}, "28 days", ["missed"], id="left after its window: nobody can hold it late any more"),
    pytest.param({"gone": 112}, "28 days", ["missed"], id="left on the last day it could be late"),
    pytest.param({"gone": 92}, None, ["missed"], id="left after its window, in its turn"),
    pytest.param({"gone": 113}, "28 days", ["missed"], id="left when it was missed"),
    pytest.param({"gone": 76}, "28 days", [], id="left before its window"),
    pytest.param({"until": 83}, "28 days", [], id="due after the end"),
    pytest.param({"until": 84}, "28 days", ["missed"], id="due on the last day"),
    pytest.param({"until": (83, 84)}, "28 days", ["imprecise date"], id="due on the last day or after it"),
])  # fmt: skip
def test_a_visit_without_a_contact(of_person, missed_after, became):
    of_person = {"until": 84} | of_person
    rows = visits([], **MRI | {"missed_after": missed_after}, **of_person)
    assert told(rows) == became


@pytest.mark.parametrize(("days", "over", "missed_after", "became"), [
    pytest.param([80], 80, "28 days", [(1, "in time")], id="shown four days early: the visit was held"),
    pytest.param([77], 77, "28 days", [(1, "in time")], id="on the first day of its window"),
    pytest.param([76], 76, "28 days", [(1, "early")], id="a day before it: early, as of others"),
    pytest.param([55], 55, "28 days", [], id="too early for any visit: nothing was due"),
    pytest.param([84], 84, "28 days", [(1, "in time")], id="on the day it was due"),
    pytest.param([], 83, "28 days", [], id="shown by no contact: nothing was due any more"),
    pytest.param([84], 83, "28 days", [], id="a contact of the day after it"),
    pytest.param([80, 84], 80, "28 days", [(1, "in time")], id="the nearer came after it: the one that showed it counts"),
    pytest.param([84, 160], 160, None, [(1, "in time"), (2, "early")], id="the next, without a limit"),
    pytest.param([84, 92], 92, "28 days", [(1, "in time")], id="after a visit was held"),
    pytest.param([80], (80, 83), "28 days", [(1, "in time")], id="it ends on some day before the visit was due"),
    pytest.param([76], (75, 83), "28 days", [(1, "imprecise date")], id="the contact may have come after it"),
])  # fmt: skip
def test_the_contact_that_shows_the_end_of_the_row_keeps_the_visit_it_belongs_to(
    days, over, missed_after, became
):
    """domain/schedule.md, section 2: scans are due on days 84 and 168, 7 days either side; none is due after a recurrence."""
    rows = follow_visits(
        contacts(*days), people(until=PRTRAS_END), every=length("12 weeks"), tolerance=length("7 days"),
        missed_after=length(missed_after), over=frame([(1, *span(over))], "SUBJECT", "lo", "hi"),
    )  # fmt: skip
    number = (pl.col("AWHIDT") - pl.col("STARTDT")).dt.total_days() // 84
    assert rows.select(number, pl.coalesce("AVALC", "REASON")).rows() == became


def test_nothing_is_missed_while_its_window_is_open():
    """Every three days with two of tolerance: the turn of the second begins on day 5, the window of the first ends with it."""
    assert told(visits([], every="3 days", tolerance="2 days", until=3, look=5)) == ["not due"]
    assert told(visits([], every="3 days", tolerance="2 days", until=3, look=6)) == ["missed"]


@pytest.mark.parametrize(("days", "became"), [
    pytest.param(["2024-05"], ["imprecise date"], id="May: in the window, or early"),
    pytest.param([("2024-04-01", "2024-04-11")], ["missed"], id="the last day before its turn"),
    pytest.param([("2024-04-01", "2024-04-12")], ["imprecise date"], id="a day of its turn"),
    pytest.param([("2024-07-04", "2024-07-30")], ["imprecise date"], id="the last day of its turn"),
    pytest.param([("2024-07-05", "2024-07-30")], ["missed"], id="the turn of the next"),
    pytest.param(["2024-05", 84], ["in time"], id="in time whatever the other was"),
    pytest.param(["2024-05", 95], ["imprecise date"], id="late, unless the other was in time"),
])  # fmt: skip
def test_contacts_known_in_part_leave_visits_open(days, became):
    assert told(visits(days, **MRI, until=84)) == became


def test_a_start_known_in_part_leaves_the_whole_row_open():
    rows = visits([84, 168], **MRI, start="2024-03", until=PRTRAS_END)
    assert rows.select("STARTDT", "ADT", "AVALC", "REASON").rows() == [(None, None, None, "imprecise date")]
    assert len(visits([], **MRI, start="2024-03", look="2024-02-29")) == 0


# --- starts -----------------------------------------------------------------------------------------------------------


def starts(began, around="2024-01-10", *, look="2024-06-01", gone=None, missed_after=None):
    """Entecavir within seven days of durvalumab."""
    lo, hi = span(around)
    week = timedelta(7)
    row = (1, lo - week, hi - week, lo + week, hi + week, span(gone)[0] or span(look)[0], span(gone)[0])
    person = frame([row], "SUBJECT", "opens_lo", "opens_hi", "closes_lo", "closes_hi", "look", "gone")
    return follow_starts(contacts(*([began] if began else [])), person, missed_after=length(missed_after))


@pytest.mark.parametrize(("began", "became"), [
    pytest.param("2024-01-03", "in time", id="PH-01 seven days before"),
    pytest.param("2024-01-02", "missed", id="PH-01 eight days before"),
    pytest.param("2024-01-15", "in time", id="PH-02 after it"),
    pytest.param("2024-01-01", "missed", id="PD-06 nine days before"),
    pytest.param("2024-01-17", "in time", id="seven days after"),
    pytest.param("2024-01-18", "missed", id="eight days after"),
    pytest.param("2024-01", "imprecise date", id="some day of the month: too early, in time or too late"),
    pytest.param(("2024-01-03", "2024-01-17"), "in time", id="some day of the window"),
    pytest.param(("2023-01-01", "2024-01-02"), "missed", id="some day before it"),
    pytest.param(("2024-01-02", "2024-01-03"), "imprecise date", id="on either side"),
    pytest.param("2024-02", "missed", id="some day after it"),
])  # fmt: skip
def test_a_start_within_a_window(began, became):
    rows = starts(began)
    assert told(rows) == [became]
    assert rows.select("AWLODT", "AWHIDT").row(0) == (date(2024, 1, 3), date(2024, 1, 17))


@pytest.mark.parametrize(("more", "became"), [
    pytest.param({"look": "2024-01-17"}, "not due", id="the window is open"),
    pytest.param({"look": "2024-01-18"}, "missed", id="the window is closed"),
    pytest.param({"look": "2024-01-18", "missed_after": "3 days"}, "overdue", id="it can still be late"),
    pytest.param({"look": "2024-01-20", "missed_after": "3 days"}, "overdue", id="for the last time"),
    pytest.param({"look": "2024-01-21", "missed_after": "3 days"}, "missed", id="it cannot"),
    pytest.param({"gone": "2024-01-17"}, "not applicable", id="death in the window"),
    pytest.param({"gone": "2024-01-18"}, "missed", id="death after it"),
    pytest.param({"gone": "2024-01-18", "missed_after": "3 days"}, "missed", id="death before it could be late"),
])  # fmt: skip
def test_nothing_has_begun(more, became):
    rows = starts(None, **more)
    assert told(rows) == [became]
    assert rows["ENDDT"].to_list() == [span(more.get("gone") or more.get("look"))[0]]


@pytest.mark.parametrize(("began", "became"), [("2024-01-20", "late"), ("2024-01-21", "missed")])
def test_a_start_may_be_late(began, became):
    assert told(starts(began, missed_after="3 days")) == [became]


def test_days_of_a_start_count_from_the_end_of_its_window():
    row = starts("2024-01-20").row(0, named=True)
    assert (row["STARTDT"], row["ADT"], row["AVAL"], row["SRCALL"]) == (
        date(2024, 1, 17),
        date(2024, 1, 20),
        3,
        "LB.1",
    )


@pytest.mark.parametrize(("began", "around", "became"), [
    ("2024-01-08", ("2024-01-10", "2024-01-12"), "in time"),
    ("2024-01-04", ("2024-01-10", "2024-01-12"), "imprecise date"),
    ("2024-01-02", ("2024-01-10", "2024-01-12"), "missed"),
])  # fmt: skip
def test_a_window_known_in_part(began, around, became):
    assert told(starts(began, around)) == [became]


# --- ends -------------------------------------------------------------------------------------------------------------


def ends(last, needed="2025-02-28", *, goes_on=False, look="2026-01-01", gone=None):
    took = [] if last is None else [(1, *span(last), goes_on, "EX", 3, "EX.3")]
    taken = frame(took, "SUBJECT", "lo", "hi", "goes_on", *SOURCE)
    row = (1, *span(needed), span(gone)[0] or span(look)[0], span(gone)[0])
    return follow_ends(taken, frame([row], "SUBJECT", "lo", "hi", "look", "gone"))


@pytest.mark.parametrize(("last", "more", "became"), [
    pytest.param("2025-02-27", {}, "missed", id="PH-05 a day short"),
    pytest.param("2025-02-28", {}, "in time", id="PH-05"),
    pytest.param("2025-03-01", {}, "in time", id="longer than it must"),
    pytest.param("2024-10-31", {"goes_on": True, "gone": "2024-10-31"}, "not applicable", id="PH-08 died two months after durvalumab"),
    pytest.param("2024-10-30", {"gone": "2024-10-31"}, "not applicable", id="PH-08 the last dose was the day before"),
    pytest.param("2024-10-29", {"gone": "2024-10-31"}, "missed", id="stopped two days before death"),
    pytest.param("2025-02-27", {"gone": "2025-02-28"}, "not applicable", id="died on the day it must reach"),
    pytest.param("2025-02-27", {"gone": "2025-03-01"}, "missed", id="died the day after"),
    pytest.param("2024-12-01", {"goes_on": True, "look": "2024-12-01"}, "not due", id="it goes on"),
    pytest.param("2025-02-28", {"goes_on": True, "look": "2025-02-28"}, "in time", id="it has gone on long enough"),
    pytest.param("2024-12-01", {"goes_on": True, "look": "2025-02-28"}, "not due", id="it goes on, not seen since, on the day"),
    pytest.param("2024-12-01", {"goes_on": True, "look": "2025-03-01"}, "overdue", id="it goes on, not seen since, after the day"),
    pytest.param("2024-12-01", {"goes_on": True, "gone": "2025-06-01"}, "not applicable", id="left later, not seen since"),
    pytest.param("2024-12-01", {"look": "2024-12-02"}, "missed", id="stopped, and the day is yet to come"),
    pytest.param(None, {"look": "2025-02-28"}, "not due", id="none was taken yet"),
    pytest.param(None, {"look": "2025-03-01"}, "missed", id="none was taken"),
    pytest.param(None, {"gone": "2025-02-28"}, "not applicable", id="died before any was taken"),
    pytest.param(None, {"gone": "2025-03-01"}, "missed", id="died after the day, and took none"),
    pytest.param("2025-02", {}, "imprecise date", id="the last day of the month, or before"),
    pytest.param("2025-01", {}, "missed", id="too short whatever the day"),
    pytest.param("2025-03", {}, "in time", id="long enough whatever the day"),
])  # fmt: skip
def test_treatment_that_must_reach_a_day(last, more, became):
    assert told(ends(last, **more)) == [became]


def test_a_day_to_reach_that_is_known_in_part():
    assert told(ends("2025-02-10", needed="2025-02")) == ["imprecise date"]
    assert told(ends("2025-02-28", needed="2025-02")) == ["in time"]
    assert told(ends("2025-01-31", needed="2025-02")) == ["missed"]


def test_what_a_row_of_an_end_says():
    row = ends("2025-02-20").row(0, named=True)
    assert (row["STARTDT"], row["ADT"], row["ENDDT"], row["AVAL"], row["SRCALL"]) == (
        date(2025, 2, 28), date(2025, 2, 20), None, -8, "EX.3",
    )  # fmt: skip


# --- pauses -----------------------------------------------------------------------------------------------------------


def spans_of(*days, subject=1):
    """Spans of treatment: first day, last day (null: it goes on); the n-th is record EX.n."""
    rows = [
        (subject, *span(first), *span(first if last is None else last), last is None, "EX", n, f"EX.{n}")
        for n, (first, last) in enumerate(days, 1)
    ]
    return frame(rows, "SUBJECT", "lo", "hi", "end_lo", "end_hi", "goes_on", *SOURCE)


def pauses(*days, longest="14 days", **of_person):
    return follow_pauses(spans_of(*days), people(**{"until": 99} | of_person), longest=length(longest))


def days_off(rows):
    """The first and last day of each pause since START, its days and what it is."""
    since = [(pl.col(name) - START).dt.total_days() for name in ("STARTDT", "ENDDT")]
    return rows.select(*since, "AVAL", "AVALC").rows()


@pytest.mark.parametrize(("days", "found"), [
    pytest.param([(0, 30), (45, 99)], [(31, 44, 14, "in time")], id="14 days"),
    pytest.param([(0, 30), (46, 99)], [(31, 45, 15, "missed")], id="15 days"),
    pytest.param([(0, 30), (31, 99)], [(0, 99, 0, "in time")], id="the next day"),
    pytest.param([(-50, 200)], [(0, 99, 0, "in time")], id="begun before and ended after"),
    pytest.param([(0, 99)], [(0, 99, 0, "in time")], id="from the first day to the last"),
    pytest.param([(1, 98)], [(0, 0, 1, "in time"), (99, 99, 1, "in time")], id="a day short on both sides"),
    pytest.param([(0, 60), (10, 20), (70, 99)], [(61, 69, 9, "in time")], id="a span within another"),
    pytest.param([(0, 60), (40, 75), (80, 99)], [(76, 79, 4, "in time")], id="spans that overlap"),
    pytest.param([(-50, -20), (20, 99)], [(0, 19, 20, "missed")], id="nothing yet on the first day"),
    pytest.param([(0, 79), (120, 200)], [(80, 99, 20, "missed")], id="resumed after the last day"),
    pytest.param([], [(0, 99, 100, "missed")], id="none at all"),
    pytest.param([(0, 99), (0, 99)], [(0, 99, 0, "in time")], id="the same span twice"),
    pytest.param([(0, None)], [(0, 99, 0, "in time")], id="it goes on"),
    pytest.param([(0, 20), (40, None), (50, 60)], [(21, 39, 19, "missed")], id="resumed, and it goes on"),
])  # fmt: skip
def test_pauses(days, found):
    assert days_off(pauses(*days)) == found


def test_a_pause_names_the_span_that_ended_last():
    rows = pauses((0, 60), (10, 20), (80, 99), (98, 99))
    assert rows["SRCALL"].to_list() == ["EX.1"]
    assert pauses((10, 99))["SRCALL"].to_list() == [None]


def test_no_pause_is_allowed_without_a_limit():
    assert days_off(pauses((0, 30), (32, 99), longest=None)) == [(31, 31, 1, "missed")]


@pytest.mark.parametrize(("of_person", "found"), [
    pytest.param({"look": 44}, [(31, 44, 14, "in time")], id="not too long yet"),
    pytest.param({"look": 45}, [(31, 45, 15, "missed")], id="too long"),
    pytest.param({"gone": 45}, [(31, 45, 15, "missed")], id="death after it was too long"),
    pytest.param({"gone": 44}, [(31, 44, 14, "in time")], id="death before"),
    pytest.param({"look": -1}, [], id="nothing began"),
])  # fmt: skip
def test_pauses_up_to_what_is_known(of_person, found):
    assert days_off(pauses((0, 30), **of_person)) == found


def test_what_goes_on_is_without_a_pause_up_to_the_cut():
    """Seen on day 30 for the last time, still under treatment; the cut is on day 90."""
    assert days_off(pauses((0, None), look=90)) == [(0, 90, 0, "in time")]
    assert days_off(pauses((0, None), gone=90)) == [(0, 90, 0, "in time")]


@pytest.mark.parametrize(("days", "became"), [
    pytest.param([(0, (28, 31)), (46, 99)], ["imprecise date"], id="14 to 17 days"),
    pytest.param([(0, (28, 30)), (46, 99)], ["missed"], id="15 to 17 days"),
    pytest.param([(0, (31, 33)), (46, 99)], ["in time"], id="12 to 14 days"),
    pytest.param([(0, 30), ((40, 50), 99)], ["imprecise date"], id="9 to 19 days"),
    pytest.param([(0, 9), (30, (49, 60)), (70, 99)], ["missed", "imprecise date"], id="a long one, and perhaps another"),
    pytest.param([(0, (9, 20)), (30, 49), (70, 99)], ["imprecise date", "missed"], id="perhaps a long one, and another"),
    pytest.param([((0, 20), 99)], ["imprecise date"], id="from the first day on, or three weeks later"),
    pytest.param([(0, 30), ((32, 40), (35, 44)), (50, 99)], ["imprecise date"], id="a span that may be one day"),
])  # fmt: skip
def test_pauses_between_days_known_in_part(days, became):
    assert told(pauses(*days)) == became


def test_bounds_of_pauses_that_are_known_in_part():
    assert told(pauses((20, 99), start=("2024-03-01", "2024-03-10"))) == ["imprecise date"]
    assert told(pauses((40, 99), start=("2024-03-01", "2024-03-10"))) == ["missed"]
    assert told(pauses((0, 30), until=(40, 60))) == ["imprecise date"]
    assert told(pauses((0, 30), until=(45, 60))) == ["missed"]
    assert told(pauses((0, 30), start=("2024-03-01", "2024-05-10"), look=40, until=60)) == ["in time"]


# --- nobody and nothing -----------------------------------------------------------------------------------------------


def test_nobody_and_nothing():
    nobody, day = people().clear(), Duration.parse("1 day")
    some, none = contacts(1, 2), contacts()
    windows = frame([], "SUBJECT", "opens_lo", "opens_hi", "closes_lo", "closes_hi", "look", "gone")
    taken = frame([], "SUBJECT", "lo", "hi", "goes_on", *SOURCE)
    for rows in (
        follow_intervals(some, nobody, most=day), follow_visits(some, nobody, every=day), follow_starts(some, windows),
        follow_ends(taken, nobody), follow_pauses(spans_of((0, 1)), nobody, longest=day),
        follow_intervals(none, people(look=0), most=day), follow_visits(none, people(look=0), every=day),
    ):  # fmt: skip
        assert len(rows) == 0
        assert rows.schema == pl.Schema(DUE)


def test_whoever_is_not_asked_has_no_row():
    everybody = contacts_of(_1=[20], _2=[200])
    rows = follow_intervals(everybody, people(until=20), most=Duration.parse("31 days"))
    assert rows["SUBJECT"].to_list() == [1]


# --- a second computation, of one person whose days are known ---------------------------------------------------------


def plain_kind(days, *, most, least, tolerance, missed_after):
    if days < least - tolerance:
        return "early"
    if days <= most + tolerance:
        return "in time"
    return "missed" if days > missed_after else "late"


def plain_intervals(found, *, until, look, gone, **limits):
    """Days are days since the start."""
    last = min(day for day in (until, look, gone) if day is not None)
    if last < 0:
        return []
    rows, since = [], 0
    for day in sorted({day for day in found if 0 < day <= last}):
        rows.append((since, day, plain_kind(day - since, **limits)))
        since = day
    kind = plain_kind(last - since, **limits)
    if kind == "late" and gone is None and (until is None or last < until):
        kind = "overdue"
    return rows if kind in ("early", "in time") else [*rows, (since, None, kind)]


def plain_visits(found, *, every, tolerance, missed_after, until, look, gone, over=None):
    """What became of each visit by its number."""
    rows, k = {}, 1
    while every * k - tolerance <= look and (until is None or every * k <= until):
        due = every * k
        mine = [day for day in found if min(range(60), key=lambda n: (abs(day - every * n), -n)) == k]
        mine = [day for day in mine if missed_after is None or day >= due - missed_after]
        if over is not None and due > over:
            mine = [day for day in mine if day <= over]
            if not mine:
                k += 1
                continue
        last = max(due + tolerance, due + ((every - 1) // 2 if missed_after is None else missed_after))
        if mine:
            day = min(mine, key=lambda one: (abs(one - due), -one))
            if day < due - tolerance:
                rows[k] = day, "early"
            elif day <= due + tolerance:
                rows[k] = day, "in time"
            else:
                rows[k] = day, "late" if day <= last else "missed"
        elif gone is not None:
            rows[k] = None, "not applicable" if gone <= due + tolerance else "missed"
        elif look <= due + tolerance:
            rows[k] = None, "not due"
        else:
            rows[k] = None, "overdue" if look <= last else "missed"
        k += 1
    return rows


def plain_pauses(taken, *, longest, until, look, gone, start=0):
    """The pauses as first and last day and what they are."""
    last = min(day for day in (until, look, gone) if day is not None)
    covered = {day for first, end in taken for day in range(first, (last if end is None else end) + 1)}
    runs = []
    for day in range(start, last + 1):
        if day in covered:
            continue
        if runs and runs[-1][1] == day - 1:
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return [(first, end, "missed" if end - first + 1 > longest else "in time") for first, end in runs]


def since_start(rows, *names):
    return rows.with_columns((pl.col(name) - START).dt.total_days() for name in names)


def lived(**kinds):
    """People of a second computation: the days that are asked of each."""
    ends = {
        "until": st.none() | st.integers(-2, 60),
        "look": st.integers(-2, 60),
        "gone": st.none() | st.integers(-2, 60),
    }
    return st.lists(st.fixed_dictionaries(ends | kinds), min_size=1, max_size=12).map(
        lambda several: [
            one | {"look": one["look"] if one["gone"] is None else one["gone"]} for one in several
        ]
    )


def everybody(several):
    return pl.concat(
        people(until=one["until"], look=one["look"], gone=one["gone"], subject=n)
        for n, one in enumerate(several)
    )


def all_contacts(several):
    return contacts_of(**{f"_{n}": one["days"] for n, one in enumerate(several)})


def days(number):
    return Duration.parse(f"{number} days")


DAYS = st.lists(st.integers(-10, 70), max_size=8)
LIMITS = st.fixed_dictionaries(
    {
        "least": st.integers(0, 8),
        "most": st.integers(8, 14),
        "tolerance": st.integers(0, 4),
        "missed_after": st.integers(14, 30),
    }
)
QUICK = settings(max_examples=25, deadline=None)
FEW = settings(max_examples=10, deadline=None)


@QUICK
@given(lived(days=DAYS), LIMITS)
def test_intervals_agree_with_a_second_computation(several, limits):
    rows = follow_intervals(
        all_contacts(several), everybody(several), **{name: days(n) for name, n in limits.items()}
    )
    rows = since_start(rows, "STARTDT", "ADT").sort("SUBJECT", "STARTDT")
    for n, one in enumerate(several):
        mine = rows.filter(SUBJECT=n).select("STARTDT", "ADT", "AVALC").rows()
        assert mine == plain_intervals(
            one["days"], until=one["until"], look=one["look"], gone=one["gone"], **limits
        )


@QUICK
@given(
    lived(days=DAYS, over=st.none() | st.integers(-2, 60)), st.integers(3, 17), st.integers(0, 2), st.none() | st.integers(2, 6)
)  # fmt: skip
def test_visits_agree_with_a_second_computation(several, every, tolerance, missed_after):
    ends = [(n, *span(one["over"])) for n, one in enumerate(several) if one["over"] is not None]
    rows = follow_visits(
        all_contacts(several), everybody(several), every=days(every), tolerance=days(tolerance),
        missed_after=None if missed_after is None else days(missed_after), over=frame(ends, "SUBJECT", "lo", "hi"),
    )  # fmt: skip
    rows = since_start(rows, "AWLODT", "ADT").sort("SUBJECT", "AWLODT")
    for n, one in enumerate(several):
        found = rows.filter(SUBJECT=n).select("AWLODT", "ADT", "AVALC").rows()
        mine = {(low + tolerance) // every: (day, kept) for low, day, kept in found}
        limits = {"every": every, "tolerance": tolerance, "missed_after": missed_after}
        assert mine == plain_visits(
            one["days"], until=one["until"], look=one["look"], gone=one["gone"], over=one["over"], **limits
        )
        assert len(mine) == len(found)


SPANS = st.lists(
    st.tuples(st.integers(-10, 60), st.none() | st.integers(0, 40)).map(
        lambda one: (one[0], None if one[1] is None else one[0] + one[1])
    ),
    max_size=5,
)


@QUICK
@given(lived(spans=SPANS), st.integers(0, 9))
def test_pauses_agree_with_a_second_computation(several, longest):
    taken = pl.concat(spans_of(*one["spans"], subject=n) for n, one in enumerate(several))
    rows = since_start(follow_pauses(taken, everybody(several), longest=days(longest)), "STARTDT", "ENDDT")
    rows = rows.sort("SUBJECT", "STARTDT")
    for n, one in enumerate(several):
        mine = rows.filter(SUBJECT=n)
        bounds = {"until": one["until"], "look": one["look"], "gone": one["gone"]}
        found = plain_pauses(one["spans"], longest=longest, **bounds)
        last = min(day for day in bounds.values() if day is not None)
        assert mine.select("STARTDT", "ENDDT", "AVALC").rows() == (
            found or ([(0, last, "in time")] if last >= 0 else [])
        )
        assert mine["AVAL"].to_list() == (
            [end - first + 1 for first, end, _ in found] or ([0] if last >= 0 else [])
        )


# --- days known in part: what is told holds whichever days they were -----------------------------------------------------

PARTLY = st.tuples(st.integers(-3, 30), st.integers(0, 4)).map(lambda one: (one[0], one[0] + one[1]))


def choices(ranges):
    return product(*(range(first, last + 1) for first, last in ranges))


def bad(kinds):
    """How many stretches are surely too long, by how much too long."""
    return {
        kind: sum(one in alike for one in kinds)
        for kind, alike in (("late", ("late", "overdue")), ("missed", ("missed",)))
    }


@QUICK
@given(
    st.lists(PARTLY, max_size=3), st.lists(st.integers(1, 30), max_size=2), st.tuples(st.integers(5, 30), st.integers(0, 3)), LIMITS
)  # fmt: skip
def test_intervals_hold_for_every_choice_of_days(unsure, sure, ends_about, limits):
    limits = {name: n // 2 for name, n in limits.items()}
    until = (ends_about[0], sum(ends_about))
    rows = follow_intervals(
        contacts(*unsure, *sure), people(until=until), **{name: days(n) for name, n in limits.items()}
    )
    kinds = rows["AVALC"].to_list()
    n_unknown = kinds.count(None)
    worlds = [
        [kind for *_, kind in plain_intervals([*chosen, *sure], until=end, look=10**4, gone=None, **limits)]
        for chosen in choices(unsure)
        for end in range(until[0], until[1] + 1)
    ]
    for kind, n_known in bad(kinds).items():
        counts = [bad(world)[kind] for world in worlds]
        assert n_known <= min(counts)
        assert max(counts) <= n_known + n_unknown
    assert kinds.count("early") <= min(world.count("early") for world in worlds)


@QUICK
@given(
    st.lists(PARTLY, max_size=3), DAYS, st.tuples(st.integers(0, 30), st.integers(0, 3)), st.none() | PARTLY, st.integers(3, 9)
)  # fmt: skip
def test_visits_hold_for_every_choice_of_days(unsure, sure, ends_about, over, every):
    until = (ends_about[0], sum(ends_about))
    rows = follow_visits(
        contacts(*unsure, *sure),
        people(until=until, look=40),
        every=days(every),
        tolerance=days(1),
        missed_after=days(3),
        over=frame([] if over is None else [(1, *span(over))], "SUBJECT", "lo", "hi"),
    )
    rows = since_start(rows, "AWLODT")
    mine = {(low + 1) // every: kept for low, kept in rows.select("AWLODT", "AVALC").iter_rows()}
    limits = {"every": every, "tolerance": 1, "missed_after": 3, "look": 40, "gone": None}
    for chosen in choices(unsure):
        for end, over_on in product(
            range(until[0], until[1] + 1), [None] if over is None else range(over[0], over[1] + 1)
        ):
            world = plain_visits([*chosen, *sure], until=end, over=over_on, **limits)
            assert world.keys() <= mine.keys()
            assert all(mine[k] in (None, kept) for k, (_, kept) in world.items())
            assert all(kept in (None, "in time") for k, kept in mine.items() if k not in world)


@QUICK
@given(
    st.lists(st.tuples(PARTLY, st.integers(0, 9), st.integers(0, 3)), max_size=2),
    st.tuples(st.integers(0, 4), st.integers(0, 3)), st.tuples(st.integers(8, 30), st.integers(0, 3)), st.integers(0, 6),
)  # fmt: skip
def test_pauses_hold_for_every_choice_of_days(unsure, begins_about, ends_about, longest):
    ranges = [(first, (first[1] + more, first[1] + more + about)) for first, more, about in unsure]
    start, until = (begins_about[0], sum(begins_about)), (ends_about[0], sum(ends_about))
    rows = follow_pauses(spans_of(*ranges), people(start=start, until=until), longest=days(longest))
    kinds = rows["AVALC"].to_list()
    asked = [day for pair in ranges for day in pair]
    worlds = [
        sum(
            kind == "missed"
            for *_, kind in plain_pauses(
                list(zip(chosen[::2], chosen[1::2], strict=True)), longest=longest, until=end, look=99, gone=None, start=begin
            )
        )
        for chosen in choices(asked)
        for begin, end in choices([start, until])
    ]  # fmt: skip
    assert kinds.count("missed") <= min(worlds)
    assert kinds.count("missed") + kinds.count(None) > 0 or max(worlds) == 0


ABOUT = st.tuples(st.integers(0, 25), st.integers(0, 12)).map(lambda one: (one[0], sum(one)))


@QUICK
@given(ABOUT, ABOUT)
def test_starts_hold_for_every_choice_of_days(began, around):
    def plain(day, middle):
        if day < middle - 7:
            return "missed"
        return "in time" if day <= middle + 7 else "late" if day <= middle + 9 else "missed"

    found = {plain(*chosen) for chosen in choices([began, around])}
    assert told(starts(began, around, missed_after="2 days")) == [
        found.pop() if len(found) == 1 else "imprecise date"
    ]


def plain_repeat(day, others, *, until, over, look, gone, within):
    """What became of a look that nobody could judge; None where no other was due."""
    if not 0 < day <= until or day >= over:
        return None
    last_in_time = day + within
    later = [one for one in others if one > day]
    if any(one <= last_in_time for one in later):
        return "in time"
    if min(gone, over) <= last_in_time:
        return "not applicable"
    return "not due" if look <= last_in_time and not later else "missed"


@QUICK
@given(
    PARTLY, st.lists(PARTLY, max_size=2), st.lists(st.integers(1, 40), max_size=2), ABOUT, ABOUT | st.none(),
    st.integers(31, 50) | st.none(), st.integers(1, 12), st.sampled_from((False, None)),
)  # fmt: skip
def test_repeats_hold_for_every_choice_of_days(one, unsure, sure, until, over, gone, within, is_judged):
    """The first look could not be judged, or nobody told; no two are of one day."""
    others = [*unsure, *((day, day) for day in sure)]
    when = dict.fromkeys((one, *others))
    looks = contacts(*(when := list(when))).with_columns(
        is_judged=pl.Series([is_judged, *[True] * (len(when) - 1)], dtype=pl.Boolean),
        why=pl.lit("missing" if is_judged is None else None, pl.String),
    )
    asked = people(start=0, until=until, look=50, gone=gone).with_columns(
        over_lo=pl.lit(span(over)[0], pl.Date), over_hi=pl.lit(span(over)[1], pl.Date)
    )
    found = told(follow_repeats(looks, asked, within=days(within)))
    never = (10**4, 10**4)
    worlds = {
        plain_repeat(day, rest, until=end, over=ends, look=gone or 50, gone=gone or 10**4, within=within)
        for end, ends, day, *rest in choices([until, over or never, *when])
        if len({day, *rest}) == len(when)
    }
    if is_judged is None:
        assert found in ([], ["missing"], ["imprecise date"])
        assert found or "missed" not in worlds
    elif found == []:
        assert worlds <= {None}
    elif found[0] in {"missed", "in time", "not due", "not applicable"}:
        assert worlds <= {found[0], None} if found != ["missed"] else worlds <= {"missed"}
    else:  # a doubt too many is no wrong answer; without any day in part there is none
        assert found == ["imprecise date"]
        assert any(first < last for first, last in (*when, until, over or never))


@QUICK
@given(ABOUT, ABOUT, st.none() | st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_ends_hold_for_every_choice_of_days(last, needed, gone, look, goes_on):
    def plain(day, must):
        if day >= must:
            return "in time"
        if gone is not None and (goes_on or day >= gone - 1):
            return "not applicable"
        if not goes_on:
            return "missed"
        return "overdue" if look > must else "not due"

    found = {plain(*chosen) for chosen in choices([last, needed])}
    assert told(ends(last, needed, goes_on=goes_on, gone=gone, look=look)) == [
        found.pop() if len(found) == 1 else "imprecise date"
    ]


# --- laws -------------------------------------------------------------------------------------------------------------

EVERY = {"every": days(9), "tolerance": days(1), "missed_after": days(3)}
GAPS = {"most": days(9), "least": days(5), "tolerance": days(1), "missed_after": days(15)}
FOLLOWED = ((follow_intervals, GAPS), (follow_visits, EVERY))


@FEW
@given(lived(days=st.lists(PARTLY | st.integers(0, 60), max_size=6)), st.randoms(use_true_random=False))
def test_order_and_duplicates_never_matter(several, chance: Random):
    records, persons = all_contacts(several), everybody(several)
    again = [chance.randrange(len(records)) for _ in range(chance.randrange(3))] if len(records) else []
    order = chance.sample([*range(len(records)), *again], len(records) + len(again))
    for follow, options in FOLLOWED:
        rows = follow(records, persons, **options)
        other = follow(records[order], persons.reverse(), **options)
        assert rows.sort(rows.columns).equals(other.sort(rows.columns))


@FEW
@given(lived(days=DAYS, spans=SPANS))
def test_people_never_influence_each_other(several):
    records, persons = all_contacts(several), everybody(several)
    taken = pl.concat(spans_of(*one["spans"], subject=n) for n, one in enumerate(several))
    pause = (lambda of, who, **_: follow_pauses(of, who, longest=days(3)), taken)
    for follow, of, options in (*((follow, records, options) for follow, options in FOLLOWED), (*pause, {})):
        rows = follow(of, persons, **options)
        alone = follow(of.filter(SUBJECT=0), persons.filter(SUBJECT=0), **options)
        assert rows.filter(SUBJECT=0).sort(rows.columns).equals(alone.sort(rows.columns))


@FEW
@given(DAYS, SPANS, st.none() | st.integers(0, 60), st.integers(0, 60), st.integers(0, 20))
def test_what_was_missed_by_a_cut_is_missed_by_every_later_one(done, taken, until, cut, later):
    def missed(rows, *keys):
        return set(rows.filter(AVALC="missed").select(keys).rows())

    def known(look):
        """Contacts and spans as they were known at a cut: what ends later goes on."""
        begun = [
            (first, last if last is not None and last <= look else None)
            for first, last in taken
            if first <= look
        ]
        return (
            contacts(*(day for day in done if day <= look)),
            spans_of(*begun),
            people(until=until, look=look),
        )

    (one, took, early), (other, takes, late) = known(cut), known(cut + later)
    for follow, options, key in ((follow_intervals, GAPS, "STARTDT"), (follow_visits, EVERY, "AWLODT")):
        assert missed(follow(one, early, **options), key) <= missed(follow(other, late, **options), key)
    off = [follow_pauses(*those, longest=days(3)) for those in ((took, early), (takes, late))]
    assert missed(off[0], "STARTDT") <= missed(off[1], "STARTDT")
