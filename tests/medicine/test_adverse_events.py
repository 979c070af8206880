"""Treatment-emergent adverse events; AE-01 to AE-08 are worked examples, the law is tried by hand day by day."""

import doctest
import math
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine import adverse_events
from trialwright.medicine.adverse_events import treatment_emergent
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
IMPRECISE, MISSING, CONFLICT = Reason.IMPRECISE_DATE.code, Reason.MISSING.code, Reason.CONFLICT.code
NAN = math.nan
PAGE = (Path(__file__).parents[2] / "docs/medicine/adverse-events.md").read_text(encoding="utf-8")


def dates(*texts):
    return [None if text is None else PartialDate.parse(text) for text in texts]


def judged(onset, end=None, *, first="2024-01-10", last="2024-06-26", days_after=90, **more):
    """Verdict and whether it counts, of one event; dates as texts."""
    answers = {name: more.pop(name) for name in ("is_related",) if name in more}
    found = treatment_emergent(
        dates(onset),
        end=dates(end),
        first_dose=dates(first),
        last_dose=dates(last),
        days_after=days_after,
        **{name: dates(text) for name, text in more.items()},
        **answers,
    )
    return found.verdict.item(), found.counts.item()


@pytest.mark.parametrize(
    ("onset", "end", "worsened", "verdict"),
    [
        pytest.param("2024-01-10", None, None, MET, id="AE-01"),
        pytest.param("2024-01-09", None, "2024-02-01", MET, id="AE-02"),
        pytest.param("2024-01-09", None, None, NOT_MET, id="AE-02 without the worsening"),
        pytest.param("2024-01", None, None, IMPRECISE, id="AE-03"),
        pytest.param("2024-01", "2024-01-05", None, NOT_MET, id="AE-04"),
        pytest.param("2023-12", None, None, NOT_MET, id="AE-05"),
        pytest.param("2024", None, None, IMPRECISE, id="AE-06"),
        pytest.param("2024-09-24", None, None, MET, id="AE-07 last day"),
        pytest.param("2024-09-25", None, None, NOT_MET, id="AE-07 a day later"),
        pytest.param(None, "2024-03", None, MISSING, id="AE-08"),
        pytest.param(None, None, None, MISSING, id="nothing is known"),
        pytest.param(None, "2024-01-09", None, NOT_MET, id="over before the first dose, whenever it began"),
        pytest.param("2024-01-10T08:00", None, None, MET, id="the dose has no clock time"),
        pytest.param("2023-11-01", None, "2023-12-24", NOT_MET, id="worse before the first dose"),
        pytest.param("2023-11-01", None, "2024-10-01", NOT_MET, id="worse after the window"),
        pytest.param("2023-11-01", None, "2024-01", IMPRECISE, id="worse in the month of the first dose"),
        pytest.param("2024-02", "2024-01-05", None, CONFLICT, id="ends before it begins"),
        pytest.param("2023-11-01", "2023-12-01", "2024-02-01", CONFLICT, id="ends before it grew worse"),
        pytest.param("2024-09", None, None, IMPRECISE, id="in the month in which the window closes"),
        pytest.param("2024-09", "2024-09-20", None, MET, id="and over before it closes"),
    ],
)
def test_treatment_emergent(onset, end, worsened, verdict):
    assert judged(onset, end, worsened=worsened) == (verdict, verdict != NOT_MET)


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        ("2024-01-10T08:59", NOT_MET),
        ("2024-01-10T09:00", MET),
        ("2024-01-10", MET),
        ("2024-01-10T09", MET),
    ],
)
def test_clock_times_of_the_first_day(onset, expected):
    assert judged(onset, first="2024-01-10T09:00")[0] == expected


@pytest.mark.parametrize(
    ("onset", "is_related", "expected"),
    [
        pytest.param("2024-05-09", False, MET, id="before it"),
        pytest.param("2024-05-10", False, MET, id="on its day"),
        pytest.param("2024-05-11", False, NOT_MET, id="after it, not related"),
        pytest.param("2024-05-11", True, MET, id="after it, related"),
        pytest.param("2024-05-11", None, MISSING, id="after it, nobody said"),
        pytest.param("2024-05", False, IMPRECISE, id="some day of the month"),
    ],
)
def test_new_therapy_ends_the_count_for_all_but_related_events(onset, is_related, expected):
    assert judged(onset, new_therapy="2024-05-10", is_related=is_related)[0] == expected


def test_doses_that_are_not_known_leave_the_event_open():
    assert judged("2024-02-01", first=None) == (MISSING, True)
    assert judged("2024-02-01", last=None) == (MISSING, True)
    assert judged("2024-01-01", last=None) == (NOT_MET, False)
    assert judged("2024-02-01", first="2024-07-01") == (CONFLICT, True)


def test_one_dose_counts_for_all_rows_and_no_row_is_no_event():
    common = {"first_dose": [100.0], "last_dose": [200.0], "days_after": 30}
    found = treatment_emergent([99, 100, 230, 231, NAN], end=[NAN] * 5, **common)
    assert found.verdict.tolist() == [NOT_MET, MET, MET, NOT_MET, MISSING]
    none = treatment_emergent([], end=[], **common)
    assert (none.verdict.tolist(), none.counts.tolist()) == ([], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days_after": -1}, "`days_after` must be a whole number of at least 0, not -1"),
        ({"days_after": 1.5}, "`days_after` must be a whole number"),
        ({"days_after": True}, "`days_after` must be a whole number"),
        ({"end": [NAN] * 2}, "`end` must have as many rows as `onset`, 3, not 2"),
        ({"first_dose": [1.0, 2.0]}, "`first_dose` must have as many rows as `onset`, 3, not 2"),
        ({"onset": [1.5, 2, 3]}, r"`onset\[0\]` must be a whole day number, or missing, not 1.5"),
        ({"is_related": ["yes"] * 3}, r"`is_related\[0\]` must be True, False or None, not 'yes'"),
    ],
)
def test_faulty_calls_are_refused(change, message):
    call = {"onset": [1.0, 2, 3], "end": [NAN] * 3, "first_dose": [1.0], "last_dose": [9.0], "days_after": 30}
    with pytest.raises(ValueError, match=message):
        treatment_emergent(**(call | change))


SPAN = st.tuples(st.integers(0, 12), st.integers(0, 4)).map(lambda one: range(one[0], one[0] + one[1] + 1))


def spans(*days):
    return [
        PartialDate.parse(f"2024-01-{one[0] + 1:02}/2024-01-{one[-1] + 1:02}") if one else None
        for one in days
    ]


@given(
    SPAN, st.none() | SPAN, SPAN, SPAN, st.integers(0, 3), st.none() | SPAN, st.none() | SPAN, st.booleans()
)
@settings(max_examples=300)
def test_a_verdict_holds_for_every_day_it_may_have_been(
    onset, end, first, last, after, worsened, therapy, related
):
    def emerges(began, dose, dose_end, then):
        return dose <= began <= dose_end + after and (then is None or began <= then or related)

    anything = [None]
    answers = {
        emerges(a, f, z, t) or (w is not None and emerges(w, f, z, t))
        for a, e, f, z, w, t in product(
            onset, end or anything, first, last, worsened or anything, therapy or anything
        )
        if (e is None or (a <= e and (w is None or w <= e))) and f <= z
    }
    found = treatment_emergent(
        spans(onset),
        end=spans(end),
        first_dose=spans(first),
        last_dose=spans(last),
        days_after=after,
        worsened=spans(worsened),
        new_therapy=spans(therapy),
        is_related=related,
    ).verdict.item()
    if not answers:
        assert found in (CONFLICT, IMPRECISE)
    elif found in (MET, NOT_MET):
        assert answers == {found == MET}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=1, max_size=8), st.randoms())
def test_rows_are_judged_alone(rows, random):
    def counts(some):
        onset, end = (np.array(column, float) for column in zip(*some, strict=True))
        return treatment_emergent(onset, end=end, first_dose=[10.0], last_dose=[20.0], days_after=5)

    order = random.sample(range(len(rows)), len(rows))
    together, alone = counts([rows[i] for i in order]), [counts([row]) for row in rows]
    assert together.verdict.tolist() == [alone[i].verdict.item() for i in order]


def test_the_table_of_the_page_is_what_the_function_answers():
    rows = re.findall(
        r"^\| (AE-\d\d) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, flags=re.MULTILINE
    )
    assert len(rows) == 9
    for name, onset, end, worsened, verdict, counts in rows:
        texts = [None if text == "–" else text for text in (onset, end, worsened)]
        code, does_count = judged(texts[0], texts[1], worsened=texts[2])
        names = {MET: "met", NOT_MET: "not met", IMPRECISE: "imprecise date", MISSING: "missing"}
        assert (names[code], "yes" if does_count else "no") == (verdict, counts), name


def test_the_examples_run():
    failed, tried = doctest.testmod(adverse_events)
    assert (failed, tried > 0) == (0, True)
