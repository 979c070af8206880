"""What is due and what has come in, worked by hand, and that visits are placed as ADLB places them."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.small_trial import PROTOCOL, START, on, trial
from tests.cases.virtual import derived

from trialwright.analysis.due_results import Due, count_due, reading_windows
from trialwright.derivations.visit_windows import planned_beside
from trialwright.protocol.loading import parse_protocol
from trialwright.vocabulary.durations import Duration

ROW = """
visits:
  blood: {{ label: Blood, every: 4 weeks, from: entry, until: {until}, measures: [virus]{more} }}
"""


def protocol(until="entry + 8 weeks", more=""):
    return parse_protocol(PROTOCOL + ROW.format(until=until, more=more))[0]


def made(days, *, said=None, died=None, left=(), ended=False, last_dose=None, death=(), cut=None, alive=0):
    """One patient with results on these days after entry; `days` may hold a day whose result is unusable, as a text.

    `death` is the row of a death whose day nobody knows: what is known of it, and its first and last possible day; `left`
    are the first and last possible day of leaving the study.
    """
    left_from, left_by = [None if day is None else on(day) for day in left or (None, None)]
    said = said or protocol()
    doses = (
        [{"USUBJID": "0", "TREATMENT": "drug", "PARAMCD": "LASTDT", "ADT": on(last_dose)}]
        if last_dose is not None
        else []
    )
    doses += [{"USUBJID": "0", "TREATMENT": "drug", "PARAMCD": "STOPREAS"}] if ended else []
    data = trial(
        {"0": "a"},
        protocol=said,
        adexsum=doses,
        adevt=[_death(*death)] if death else [],
        adsl={
            "DTHDT": [None if died is None else on(died)],
            "ENTRYDT": [START],
            "LSTALVDT": [on(alive)],
            "EOSDTL": pl.Series([left_from], dtype=pl.Date),
            "EOSDTH": pl.Series([left_by], dtype=pl.Date),
            "CUTDT": pl.Series([None if cut is None else on(cut)], dtype=pl.Date),
        },
    )
    rows = [
        {
            "USUBJID": "0",
            "PARAMCD": "VIRUS",
            "ADT": on(int(day)),
            "AVAL": None if isinstance(day, str) else 1.0,
            "AVALLO": None,
            "AVALHI": None,
        }
        for day in days
    ]
    schema = {
        "USUBJID": pl.String,
        "PARAMCD": pl.String,
        "ADT": pl.Date,
        "AVAL": pl.Float64,
        "AVALLO": pl.Float64,
        "AVALHI": pl.Float64,
    }
    return replace(data, tables={**data.tables, "ADLB": pl.DataFrame(rows, schema=schema)})


def _death(known, first, last):
    days = {"ADTL": first, "ADTH": last}
    return {"USUBJID": "0", "EVENT": "death", "AVALC": known} | {
        name: None if day is None else on(day) for name, day in days.items()
    }


def due(days, cut, **more):
    data = made(days, cut=cut, **more)
    return {one.path: one for one in count_due(data, "virus", data.adsl, on(cut))}


def numbers(one: Due):
    return one.n_due, one.n_in, one.n_open, one.n_missing


# the row is due on days 28 and 56; a result belongs to day 28 from day 14 to 41, to day 56 from day 42 to 69
@pytest.mark.parametrize(
    ("days", "cut", "expected"),
    [
        pytest.param([], 27, (0, 0, 0, 0), id="the day before the first"),
        pytest.param([], 28, (1, 0, 1, 0), id="on the day, a result may still come"),
        pytest.param([], 41, (1, 0, 1, 0), id="the last day on which it may come"),
        pytest.param([], 42, (1, 0, 0, 1), id="now it belongs to the next"),
        pytest.param([13], 42, (1, 0, 0, 1), id="as near to the start"),
        pytest.param([14], 42, (1, 1, 0, 0), id="the first day that belongs to it"),
        pytest.param([41], 42, (1, 1, 0, 0), id="the last day that belongs to it"),
        pytest.param([42], 56, (2, 1, 0, 1), id="the first day of the next"),
        pytest.param([28, 56], 400, (2, 2, 0, 0), id="both, and no third is due"),
        pytest.param(["28"], 42, (1, 0, 0, 1), id="a result that says nothing is none"),
        pytest.param([20, 30], 42, (1, 1, 0, 0), id="two results are one visit"),
    ],
)
def test_a_row_of_contacts_by_hand(days, cut, expected):
    assert numbers(due(days, cut)["visits.blood"]) == expected


@pytest.mark.parametrize(
    ("died", "expected"), [(27, (0, 0, 0, 0)), (28, (1, 0, 0, 1)), (55, (1, 0, 0, 1)), (56, (2, 0, 0, 2))]
)
def test_nothing_is_due_of_the_dead(died, expected):
    assert numbers(due([], 400, died=died)["visits.blood"]) == expected


# visits are due on days 28 and 56
@pytest.mark.parametrize(
    ("death", "alive", "expected", "n_unknown"),
    [
        pytest.param(("met", 10, 27), 0, (0, 0, 0, 0), 0, id="dead the day before the first"),
        pytest.param(("met", 10, 28), 0, (0, 0, 0, 0), 1, id="perhaps still alive on the day"),
        pytest.param(("met", 28, 28), 0, (1, 0, 0, 1), 0, id="on the day"),
        pytest.param(("met", 10, 40), 28, (1, 0, 0, 1), 0, id="known alive on the day"),
        pytest.param(("met", 29, 55), 0, (1, 0, 0, 1), 0, id="between the two"),
        pytest.param(("met", 29, 56), 0, (1, 0, 0, 1), 1, id="perhaps alive on the second"),
        pytest.param(("met", 56, 90), 0, (2, 0, 0, 2), 0, id="from the second on"),
        pytest.param(("met", None, None), 30, (1, 0, 0, 1), 1, id="at any time since last seen alive"),
        pytest.param(("unknown", 10, 27), 0, (0, 0, 0, 0), 1, id="perhaps not dead at all"),
        pytest.param(("not met", 10, 27), 0, (2, 0, 0, 2), 0, id="not dead"),
    ],
)
def test_of_a_death_without_a_day_its_last_possible_day_ends_what_is_due(death, alive, expected, n_unknown):
    found = due([], 400, death=death, alive=alive)["visits.blood"]
    assert numbers(found) == expected
    assert found.n_unknown == n_unknown


# visits are due on days 28 and 56
@pytest.mark.parametrize(
    ("left", "died", "expected", "n_unknown"),
    [
        pytest.param((27, 27), None, (0, 0, 0, 0), 0, id="the day before the first"),
        pytest.param((28, 28), None, (1, 0, 0, 1), 0, id="on the day of the first"),
        pytest.param((55, 55), None, (1, 0, 0, 1), 0, id="the day before the second"),
        pytest.param((56, 56), None, (2, 0, 0, 2), 0, id="on the day of the second"),
        pytest.param((20, 27), None, (0, 0, 0, 0), 0, id="some day before the first"),
        pytest.param((20, 28), None, (0, 0, 0, 0), 1, id="perhaps there on the day of the first"),
        pytest.param((30, None), None, (1, 0, 0, 1), 1, id="at any time after the first"),
        pytest.param((30, 30), 100, (1, 0, 0, 1), 0, id="and died later"),
        pytest.param((300, 300), 30, (1, 0, 0, 1), 0, id="as recorded after death"),
        pytest.param((20, None), 27, (0, 0, 0, 0), 0, id="some day, and dead before the first"),
    ],
)
def test_nothing_is_due_of_who_has_left_the_study(left, died, expected, n_unknown):
    found = due([], 400, left=left, died=died)
    assert numbers(found["visits.blood"]) == expected
    assert found["visits.blood"].n_unknown == n_unknown
    # the endpoint is read on day 28 alone, for the row of contacts ends before its second reading
    assert found["endpoints.course"].n_due == min(expected[0], 1)


def test_a_result_may_still_come_of_who_left_only_until_then():
    # day 28 may be served until day 41
    assert numbers(due([], 31, left=(29, 31))["visits.blood"]) == (1, 0, 0, 1)
    assert numbers(due([], 31, left=(29, 32))["visits.blood"]) == (1, 0, 1, 0)
    assert numbers(due([28], 31, left=(29, 31))["visits.blood"]) == (1, 1, 0, 0)


def test_who_surely_left_has_ended_treatment():
    said = protocol("last drug + 8 weeks")
    visits = {"blood": said.visits["blood"].model_copy(update={"from_": "last drug"})}
    said = said.model_copy(update={"visits": visits})
    # days 38 and 66 after the last dose on day 10; they left on day 50
    for last, expected in (
        (50, (1, 0, 0, 1)),
        (400, (0, 0, 0, 0)),
        (401, (0, 0, 0, 0)),
        (None, (0, 0, 0, 0)),
    ):
        found = due([], 400, said=said, last_dose=10, left=(50 if last == 50 else 30, last))
        assert numbers(found["visits.blood"]) == expected


def test_a_result_may_still_come_of_who_may_have_died_after_the_cut():
    # day 28 may be served until day 41
    assert numbers(due([], 30, death=("met", 29, 30))["visits.blood"]) == (1, 0, 0, 1)
    assert numbers(due([], 30, death=("met", 29, 31))["visits.blood"]) == (1, 0, 1, 0)


def test_a_death_known_in_part_ends_treatment_once_it_surely_was():
    said = protocol("last drug + 8 weeks")
    visits = {"blood": said.visits["blood"].model_copy(update={"from_": "last drug"})}
    said = said.model_copy(update={"visits": visits})
    # days 38 and 66 after the last dose on day 10
    for last, expected in ((100, (2, 0, 0, 2)), (101, (0, 0, 0, 0))):
        found = due([], 100, said=said, last_dose=10, death=("met", 70, last))
        assert numbers(found["visits.blood"]) == expected


def test_what_counts_from_the_last_dose_is_due_when_it_was_the_last():
    said = protocol("last drug + 8 weeks")
    visits = {"blood": said.visits["blood"].model_copy(update={"from_": "last drug"})}
    said = said.model_copy(update={"visits": visits})
    assert numbers(due([], 400, said=said, last_dose=10)["visits.blood"]) == (0, 0, 0, 0)
    assert numbers(due([], 400, said=said, last_dose=10, ended=True)["visits.blood"]) == (2, 0, 0, 2)


def test_what_counts_from_the_contact_before_is_unknown():
    found = due([28], 400, said=protocol(more=", counts from: previous contact"))["visits.blood"]
    assert "due days move with the contact before" in found.reason
    assert numbers(found) == (0, 0, 0, 0)


def test_a_contact_due_in_a_span_has_no_day():
    said = parse_protocol(
        PROTOCOL + "visits: { blood: { label: B, within: 28 days after entry, measures: [virus] } }\n"
    )[0]
    assert "due in a span" in due([28], 400, said=said)["visits.blood"].reason


def test_the_readings_of_an_endpoint_end_with_the_calendar():
    # read at 4 and 12 weeks: days 28 and 84; the row of contacts ends after 8 weeks, so the second is never due
    assert numbers(due([], 400)["endpoints.course"]) == (1, 0, 0, 1)
    # without any row of contacts nothing ends it
    assert numbers(due([84], 400, said=parse_protocol(PROTOCOL)[0])["endpoints.course"]) == (2, 1, 0, 1)


def test_of_whom_nobody_knows_the_start_nothing_is_due_and_it_is_said():
    data = made([28])
    data = replace(
        data,
        adsl=data.adsl.with_columns(
            pl.lit(None, pl.Date).alias("ENTRYDT"), pl.lit(None, pl.Date).alias("STARTDT")
        ),
    )
    for one in count_due(data, "virus", data.adsl, on(400)):
        assert (one.n_due, one.n_unknown) == (0, 1)


def test_a_clock_tells_what_came_and_what_did_not():
    said = parse_protocol(PROTOCOL + "clocks: { weekly: { measure: virus, at least every: 1 week } }\n")[0]
    data = made([7], said=said)
    answers = [
        ("in time", "LB"),
        ("late", "LB"),
        ("late", None),
        *((one, None) for one in ("missed", "overdue", "not due", None)),
    ]
    rows = [("0", *answer) for answer in answers] + [("other", "in time", "LB")]
    clock = pl.DataFrame(rows, schema=["USUBJID", "AVALC", "SRCDOM"], orient="row")
    clock = clock.with_columns(PROTOCOL=pl.lit("clocks.weekly"))
    data = replace(data, tables={**data.tables, "ADCLOCK": clock})
    found = {one.path: one for one in count_due(data, "virus", data.adsl, on(400))}["clocks.weekly"]
    assert numbers(found) == (5, 2, 1, 2)  # one was late and never came
    assert found.n_unknown == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 200), st.lists(st.integers(0, 150), max_size=6))
def test_every_visit_that_is_due_is_in_or_open_or_missing(cut, days):
    for one in due(days, cut).values():
        assert one.n_in >= 0
        assert one.n_open >= 0
        assert one.n_missing >= 0
        assert one.n_in + one.n_open + one.n_missing == one.n_due


def test_visits_are_placed_as_the_derivation_places_them():
    data = derived("nct04294498", 14, 21)
    placed = data.tables["ADLB"].filter(pl.col("PARAMCD") == "HBV_DNA", pl.col("AVISIT").is_not_null())
    assert placed.height > 50
    start = data.adsl.select("USUBJID", start="STARTDT").drop_nulls()
    endpoint = data.protocol.endpoints["hbv_dna_course"]
    windows = reading_windows(start, tuple(endpoint.read_at), planned_beside(endpoint, data.protocol))
    target = (pl.col("due") - pl.col("start")).dt.total_days()
    found = placed.join(windows.join(start, on="USUBJID").with_columns(target=target), on="USUBJID").filter(
        pl.col("target") == pl.col("AWTARGET")
    )
    assert found.height == placed.height
    assert found.filter(~pl.col("ADT").is_between(pl.col("turn"), pl.col("turn_ends"))).is_empty()
    unplaced = data.tables["ADLB"].filter(
        pl.col("PARAMCD") == "HBV_DNA", pl.col("AVISIT").is_null(), pl.col("AVAL").is_not_null()
    )
    inside = unplaced.join(windows, on="USUBJID").filter(
        pl.col("ADT").is_between(pl.col("turn"), pl.col("turn_ends"))
    )
    assert inside.is_empty()


def test_months_are_as_long_as_they_are():
    start = pl.DataFrame({"USUBJID": ["0"], "start": [date(2024, 1, 31)]})
    windows = reading_windows(start, (Duration.parse("1 month"), Duration.parse("2 months")))
    assert windows["due"].to_list() == [date(2024, 2, 29), date(2024, 3, 31)]
    assert windows["turn"].to_list()[0] == date(2024, 1, 31) + timedelta(15)
