"""Who counts for a boundary, from when, and whether it was ever reached: small trials worked by hand."""

import itertools
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.small_trial import PROTOCOL, START, on, trial

from trialwright.analysis.safety_board import count_board
from trialwright.analysis.watched_events import Point, first_crossing, path_of, watched_verdicts
from trialwright.protocol.loading import parse_protocol
from trialwright.statistics.boundaries import Boundary, position

BOUNDARY = "{ kind: exact, reference rate: 10 %, level: 95 %, largest n: 5, judged after: 8 weeks }"
CUT = on(400)


def protocol(event="rise", boundary=BOUNDARY):
    more = f", computed boundary: {boundary}" if boundary else ""
    return parse_protocol(f"{PROTOCOL}monitoring: {{ x: {{ text: T, event: {event}{more} }} }}\n")[0]


def row(i, verdict, *, event=None, last=None, end=None, complete="N", why=None):
    return {
        "USUBJID": i, "PARAMCD": "RISES", "AVALC": verdict, "REASON": why, "ADT": None if event is None else on(event), "STARTDT": START,
        "LASTDT": None if last is None else on(last), "ENDDT": None if end is None else on(end), "COMPLFL": complete,
    }  # fmt: skip


def ended(*subjects):
    return [{"USUBJID": i, "TREATMENT": "drug", "PARAMCD": "STOPREAS"} for i in subjects]


def made(rows, *, over=(), said=None, dead=None, deaths=()):
    """A small trial with rows of ADRATE, which has dates here."""
    people = {one["USUBJID"]: "a" for one in rows}
    known = {"CUTDT": [CUT] * len(people)} | ({"DTHDT": dead} if dead else {})
    told = trial(people, protocol=said or protocol(), adexsum=ended(*over), adevt=list(deaths), adsl=known)
    schema = {"USUBJID": pl.String, "PARAMCD": pl.String, "AVALC": pl.String, "REASON": pl.String, "ADT": pl.Date, "STARTDT": pl.Date,
              "LASTDT": pl.Date, "ENDDT": pl.Date, "COMPLFL": pl.String}  # fmt: skip
    tables = {**told.tables, "ADRATE": pl.DataFrame(rows, schema=schema)}
    extra = {"ADLB": {"ADT": pl.Date, "AVAL": pl.Float64}, "ADEVT": {"ADT": pl.Date, "REASON": pl.String}}
    for name, columns in extra.items():
        tables[name] = tables[name].with_columns(
            pl.lit(None, kind).alias(column)
            for column, kind in columns.items()
            if column not in tables[name].columns
        )
    return replace(told, tables=tables)


def verdicts(rows, **more):
    data = made(rows, **more)
    return watched_verdicts(data, data.protocol.monitoring["x"], data.adsl)


def counted(rows, **more):
    found = verdicts(rows, **more)
    return dict(found.select("USUBJID", "COUNTDT").iter_rows())


# --- from when a patient counts -----------------------------------------------------------------------------------------


def test_with_the_event_a_patient_counts_from_its_day():
    assert counted([row("0", "met", event=40, last=40)]) == {"0": on(40)}


def test_without_it_a_patient_counts_after_so_long_under_observation():
    # eight weeks are 56 days
    rows = [row(str(last), "not met", last=last, end=last) for last in (55, 56, 57)]
    assert counted(rows) == {"55": None, "56": on(56), "57": on(56)}


def test_without_it_a_patient_counts_when_the_time_is_over_and_treatment_has_ended():
    rows = [row(i, "not met", last=20, end=30, complete="Y") for i in "01"]
    # the window ends with the last dose: of who is still treated, it is not the last
    assert counted(rows, over="0") == {"0": on(30), "1": None}
    assert counted(rows, dead=[None, on(31)]) == {"0": None, "1": on(30)}
    # a death known to the month has no day, and is over once the month is
    for last, day in ((400, on(30)), (401, None)):
        deaths = [{"USUBJID": "1", "EVENT": "death", "AVALC": "met", "ADTL": on(last - 30), "ADTH": on(last)}]
        assert counted(rows, deaths=deaths) == {"0": None, "1": day}


@pytest.mark.parametrize(
    ("left", "day"),
    [(400, on(30)), (401, None), (None, None)],
    ids=["by the cut", "perhaps after it", "nobody knows when"],
)
def test_who_surely_left_the_study_is_not_treated_any_more(left, day):
    data = made([row("0", "not met", last=20, end=30, complete="Y")])
    days = {"EOSDTL": on(350), "EOSDTH": None if left is None else on(left)}
    data = replace(
        data, adsl=data.adsl.with_columns(pl.lit(one, pl.Date).alias(name) for name, one in days.items())
    )
    assert watched_verdicts(data, data.protocol.monitoring["x"], data.adsl)["COUNTDT"].to_list() == [day]


def test_who_had_it_after_counting_without_counted_before():
    assert counted([row("0", "met", event=80, last=80)]) == {"0": on(56)}


def test_who_cannot_be_judged_never_counts():
    found = verdicts(
        [row("0", "unknown", why="censored across the threshold", last=300, end=300, complete="Y")], over="0"
    )
    assert found.row(0, named=True) == {
        "USUBJID": "0", "VERDICT": "unknown", "WHY": "censored across the threshold", "EVENTDT": None, "COUNTDT": None,
    }  # fmt: skip


def test_a_patient_without_a_row_is_unknown_not_without():
    data = made([row("0", "met", event=1, last=1)])
    emptied = replace(data, tables={**data.tables, "ADRATE": data.tables["ADRATE"].clear()})
    found = watched_verdicts(emptied, emptied.protocol.monitoring["x"], emptied.adsl)
    assert found["VERDICT"].to_list() == ["unknown"]
    assert found["WHY"].to_list() == ["missing"]


# --- the way ------------------------------------------------------------------------------------------------------------


def test_the_way_is_counted_day_by_day():
    rows = [
        row("0", "met", event=40, last=40),
        row("1", "not met", last=60, end=60),
        row("2", "not met", last=60, end=60),
        row("3", "met", event=80, last=80),
    ]
    # day 40: 0 with the event; day 56: 1, 2 and 3 without; day 80: 3 has it
    assert path_of(verdicts(rows)) == (Point(on(40), 1, 1), Point(on(56), 4, 1), Point(on(80), 4, 2))


def test_nobody_counts_and_there_is_no_way():
    assert path_of(verdicts([row("0", "unknown", why="missing")])) == ()


STATED = Boundary((1, 2, 3, 4, 5), (None, 2, 2, 2, 3))


def test_a_crossing_is_remembered_though_the_way_falls_below_the_boundary_again():
    path = (Point(on(1), 1, 1), Point(on(2), 2, 2), Point(on(3), 5, 2))
    assert first_crossing(STATED, path) == path[1]
    assert not position(STATED, 2, 5).is_crossed
    assert first_crossing(STATED, (Point(on(1), 1, 1), Point(on(3), 5, 2))) is None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=8))
def test_the_way_never_falls_and_has_no_more_events_than_patients(patients):
    rows = [
        row(str(i), "met", event=day, last=day) if has else row(str(i), "not met", last=day, end=day)
        for i, (day, has) in enumerate(patients)
    ]
    path = path_of(verdicts(rows)) if rows else ()
    assert all(one.n <= two.n and one.n_events <= two.n_events for one, two in itertools.pairwise(path))
    assert all(0 <= point.n_events <= point.n for point in path)
    if path:
        n_without = sum(not has and day >= 56 for day, has in patients)
        assert (path[-1].n, path[-1].n_events) == (
            n_without + sum(has for _, has in patients),
            sum(has for _, has in patients),
        )


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(5)))
def test_the_order_of_patients_changes_nothing(order):
    rows = [
        row(
            str(i),
            "met" if i % 2 else "not met",
            event=30 + i if i % 2 else None,
            last=50 + 5 * i,
            end=50 + 5 * i,
        )
        for i in range(5)
    ]
    assert path_of(verdicts([rows[i] for i in order])) == path_of(verdicts(rows))


# --- rows of the board --------------------------------------------------------------------------------------------------


def board(rows, boundary=STATED, said=None, **more):
    data = made(rows, said=said, **more)
    recorder = count_board(data, {"x": boundary} if boundary else {}, cut=CUT, source="small")
    return {one.id: one for one in recorder.rows}


def boundary_numbers(found):
    names = (
        "n_counted",
        "n_events_counted",
        "next_look",
        "events_to_stop",
        "events_left",
        "new_events_left",
        "is_crossed",
    )
    return tuple(found[f"board/x/{name}"].value for name in names)


STATED_SO = Boundary(STATED.n, STATED.events_to_stop, {"reference_rate": 0.1})


@pytest.mark.parametrize(
    ("n_met", "n_not", "expected"),
    [
        # boundary: - 2 2 2 3 events among 1 2 3 4 5
        pytest.param(0, 0, (0, 0, 2, 2, 2, 2, 0), id="nobody counts: two of the first two"),
        pytest.param(0, 1, (1, 0, 2, 2, 2, 2, 0), id="one without: two of three"),
        pytest.param(1, 0, (1, 1, 2, 2, 1, 1, 0), id="one with: the next one"),
        pytest.param(
            1, 3, (4, 1, 4, 2, 1, None, 0), id="one of four: one who counts already, but no new one would do"
        ),
        pytest.param(2, 0, (2, 2, 2, 2, 0, 0, 1), id="two of two cross"),
        pytest.param(2, 3, (5, 2, 5, 3, 1, None, 0), id="the last look"),
    ],
)
def test_how_far_the_boundary_is_by_hand(n_met, n_not, expected):
    rows = [row(f"a{i}", "met", event=100 + i, last=100 + i) for i in range(n_met)]
    rows += [row(f"b{i}", "not met", last=60, end=60) for i in range(n_not)]
    rows = rows or [row("c", "unknown", why="missing")]
    assert boundary_numbers(board(rows, STATED_SO)) == expected


def test_more_patients_than_looks_is_said_and_not_a_crash():
    rows = [row(str(i), "not met", last=60, end=60) for i in range(6)]
    found = board(rows, STATED_SO)
    assert found["board/x/n_counted"].value == 6
    assert found["board/x/events_left"].note == "more patients count than the boundary has looks"
    assert found["board/x/is_crossed"].value == 0


@pytest.mark.parametrize(
    ("boundary", "why"),
    [(None, "no boundary is stated"), ("{ kind: pocock, alpha: 5 % }", "no reference rate is stated, and without it nothing can be too many")],
)  # fmt: skip
def test_without_a_boundary_there_is_the_reason(boundary, why):
    found = board([row("0", "met", event=1, last=1)], None, protocol(boundary=boundary))
    assert found["board/x/events_left"].value is None
    assert found["board/x/events_left"].note == why


def test_shares_are_of_those_in_whom_it_could_be_told():
    rows = [
        row("0", "met", event=1, last=1),
        row("1", "not met", last=9, end=9),
        row("2", "unknown", why="missing"),
    ]
    found = board(rows, STATED_SO)
    assert found["board/x/n_told"].value == 2
    assert found["board/x/proportion"].value == 0.5
    assert found["board/x/n_unknown"].value == 1
    assert found["board/x: missing/n_unknown"].value == 1
    # Clopper-Pearson of 1 of 2: 1 - sqrt(0.975) and sqrt(0.975)
    assert found["board/x/conf_low"].value == pytest.approx(1 - 0.975**0.5)
    assert found["board/x/conf_high"].value == pytest.approx(0.975**0.5)


def test_an_event_without_a_rate_is_told_by_whether_anybody_looked():
    said = parse_protocol(
        PROTOCOL.replace(
            "relapse: { reported: true }",
            "relapse: { reported: true }\n  high: { of: virus, when: value > 9 IU/mL }",
        )
        + "monitoring: { x: { text: T, event: high } }\n"
    )[0]
    data = made([row(i, "not met") for i in "0123"], said=said)
    events = pl.DataFrame(
        {
            "USUBJID": ["0", "1"],
            "EVENT": ["high"] * 2,
            "AVALC": ["met", "unknown"],
            "ADT": [on(5), None],
            "REASON": [None, "missing"],
        }
    )
    results = pl.DataFrame(
        {"USUBJID": ["2", "3"], "PARAMCD": ["VIRUS"] * 2, "ADT": [START + timedelta(1), START]}
    )
    data = replace(data, tables={**data.tables, "ADEVT": events, "ADLB": results})
    found = watched_verdicts(data, said.monitoring["x"], data.adsl)
    # the result of 3 is of day zero, before anything could happen
    assert found["VERDICT"].to_list() == ["met", "unknown", "not met", "unknown"]
