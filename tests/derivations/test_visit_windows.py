"""Which visit a day belongs to: the windows of domain schedule.md, section 2, and that both forms agree."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.visit_windows import planned_beside, visits_at, visits_every
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.durations import Duration

START = date(2024, 3, 1)


def every(text, *, start=START, days):
    people = pl.DataFrame({"start": [start]})
    end = pl.lit(start + timedelta(days))
    rows = visits_every(people, Duration.parse(text), start="start", end=end)
    return rows.select("k", "due", "turn", "turn_ends").rows()


def at(*texts, start=START):
    people = pl.DataFrame({"start": [start]})
    rows = visits_at(people, [Duration.parse(text) for text in texts], start="start")
    return rows.select("due", "turn", "turn_ends").rows()


@pytest.mark.parametrize(("visit", "due", "turn", "turn_ends"), [
    (1, 84, 42, 125), (2, 168, 126, 209), (13, 1092, 1050, 1133),
])  # fmt: skip
def test_visits_every_84_days(visit, due, turn, turn_ends):
    """WN-04, WN-05: visit k covers the elapsed days from 84k - 42 to 84k + 41."""
    found = {k: days for k, *days in every("12 weeks", days=1092)}[visit]
    assert [(day - START).days for day in found] == [due, turn, turn_ends]


def test_of_two_visits_as_near_a_day_belongs_to_the_later_and_of_an_odd_gap_to_the_nearer():
    (_, _, turn, turn_ends), *_ = every("7 days", days=7)
    assert ((turn - START).days, (turn_ends - START).days) == (4, 10)


def test_months_keep_to_the_day_they_began_on():
    assert [due for _, due, *_ in every("1 month", start=date(2024, 1, 31), days=60)][:2] == [
        date(2024, 2, 29),
        date(2024, 3, 31),
    ]


def test_the_last_of_some_visits_is_as_long_after_its_day_as_before_it():
    """At 4 and 12 weeks: the second turn from day 56, halfway from 28 to 84, to day 111, before 112 which is as far again."""
    turns = [[(day - START).days for day in days] for days in at("4 weeks", "12 weeks")]
    assert turns == [[28, 14, 55], [84, 56, 111]]


def planned(protocol, endpoint, *, visits=None, **changes):
    """The days from the start on which the schedule measures what an endpoint reads."""
    said = load_protocol(protocol).protocol
    rows = {**said.visits, **(visits or {})}
    one = said.endpoints[endpoint].model_copy(update=changes)
    return planned_beside(one, said.model_copy(update={"visits": rows}))


def read(protocol, endpoint):
    """The first and last day of each visit an endpoint reads, since the start, by weeks."""
    one = load_protocol(protocol).protocol.endpoints[endpoint]
    people = pl.DataFrame({"start": [START]})
    rows = visits_at(people, one.read_at, planned(protocol, endpoint), start="start")
    days = rows.select("due", "turn", "turn_ends").rows()
    return {(due - START).days // 7: ((first - START).days, (last - START).days) for due, first, last in days}


def test_what_an_endpoint_reads_is_the_visit_of_the_schedule():
    """domain/schedule.md, section 2: blood is taken every 84 days, so that week 48, the fourth visit, is days 294 to 377."""
    assert read("nct07120750", "hbsag_decline") == {12: (42, 125), 24: (126, 209), 48: (294, 377)}
    # cells every 24 weeks
    assert read("nct07120750", "pd1_cd8_change") == {24: (84, 251), 48: (252, 419)}
    # samples every four weeks, if no infusion is late
    weeks = (4, 8, 12, 24, 36, 48)
    assert read("nct04294498", "hbv_dna_course") == {week: (7 * week - 14, 7 * week + 13) for week in weeks}


def test_only_rows_that_measure_it_from_the_same_start_count():
    assert [str(one) for one in planned("nct07120750", "hbsag_decline")] == [
        f"{12 * k} weeks" for k in range(1, 6)
    ]
    assert planned("nct07120750", "hbsag_decline", of="pd1_cd8_of_t_cells") == ()
    assert planned("nct07120750", "hbsag_decline", from_="radical_treatment") == ()
    assert planned("nct07120750", "hbsag_decline", read_at=()) == ()
    # entecavir_follow_up counts from the last dose, and infusion from the first
    assert len(planned("nct04294498", "hbv_dna_course")) == 13
    assert planned("nct04294498", "hbv_dna_course", from_="last durvalumab")[0] == Duration.parse("4 weeks")


def test_a_row_that_has_ended_measures_nothing_more():
    said = load_protocol("nct07120750").protocol.visits["laboratory"]
    short = said.model_copy(update={"until": "group_assignment + 24 weeks"})
    assert [str(one) for one in planned("nct07120750", "hbsag_decline", visits={"laboratory": short})] == ["12 weeks", "24 weeks"]  # fmt: skip


def test_a_single_visit_counts_beside_the_others():
    said = load_protocol("nct07120750").protocol.visits["laboratory"]
    once = said.model_copy(update={"every": None, "until": None, "at": Duration.parse("40 weeks")})
    found = planned("nct07120750", "hbsag_decline", visits={"once": once})
    assert sorted(one.days for one in found) == [84, 168, 252, 280, 336, 420]


def test_visits_beside_bound_those_that_are_read():
    """Read at 4 and 12 weeks, with visits at 2, 9 and 20 weeks: 28 lies between 14 and 63, 84 between 63 and 140."""
    people = pl.DataFrame({"start": [START]})
    lengths, beside = ([Duration.parse(f"{n} weeks") for n in weeks] for weeks in ((4, 12), (20, 9, 2)))
    found = visits_at(people, lengths, beside, start="start").select("due", "turn", "turn_ends").rows()
    assert [[(day - START).days for day in days] for days in found] == [[28, 21, 45], [84, 74, 111]]


def test_up_to_the_end_and_at_least_one_more():
    assert [k for k, *_ in every("4 weeks", days=55)] == [1, 2]
    assert [k for k, *_ in every("4 weeks", days=56)] == [1, 2, 3]
    assert [k for k, *_ in every("4 weeks", days=0)] == [1]
    assert every("4 weeks", days=-1) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_a_row_is_visits_at_its_multiples_and_each_day_belongs_to_one(days, n, start):
    row = every(f"{days} days", start=start, days=days * n)
    listed = at(*(f"{days * k} days" for k in range(1, n + 1)), start=start)
    assert [visit[1:] for visit in row[:n]] == listed
    for (*_, ends), (_, _, begins, _) in pairwise(row):
        assert begins == ends + timedelta(1)
