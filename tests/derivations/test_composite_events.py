"""Events made of others: all of them within a time."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from trialwright.derivations.composite_events import all_happened
from trialwright.derivations.events import OCCURRENCES
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.verdicts import Reason

MET, CENSORED, IMPRECISE = 100, Reason.CENSORED.code, Reason.IMPRECISE_DATE.code
START = datetime.fromisoformat("2024-03-01T00:00")


def happened(*rows):
    """Occurrences of one person, each a day (or a first and a last one) and a code."""
    listed = []
    for days, code in rows:
        first, last = days if isinstance(days, tuple) else (days, days)
        listed.append(
            {
                "subject": 1,
                "earliest": START + timedelta(days=first),
                "latest": START + timedelta(days=last, minutes=1439),
                "code": code,
                "SRCALL": f"LB.{first}",
            }
        )
    return pl.DataFrame(listed, schema=dict(OCCURRENCES))


@pytest.mark.parametrize(("one", "other", "found"), [
    pytest.param([(10, MET)], [(38, MET)], [(38, MET)], id="28 days apart"),
    pytest.param([(10, MET)], [(39, MET)], [], id="29 days apart"),
    pytest.param([(39, MET)], [(11, MET)], [(39, MET)], id="in the other order"),
    pytest.param([(10, MET), (60, MET)], [(80, MET)], [(80, MET)], id="the first is too early, the second is not"),
    pytest.param([(10, MET), (20, MET)], [(30, MET), (25, MET)], [(25, MET)], id="the earliest day on which it is so"),
    pytest.param([(10, CENSORED)], [(30, MET)], [(30, CENSORED)], id="one part may have happened"),
    pytest.param([(10, CENSORED), (50, MET)], [(30, MET)], [(50, MET), (30, CENSORED)], id="and another surely did, later"),
    pytest.param([(10, MET), (5, CENSORED)], [(30, MET)], [(30, MET)], id="what may have been earlier changes nothing"),
    pytest.param([((0, 20), MET)], [(38, MET)], [(38, IMPRECISE)], id="18 to 38 days apart"),
    pytest.param([], [(30, MET)], [], id="a part that did not happen"),
    pytest.param([(10, CENSORED), (50, CENSORED)], [(30, MET)], [(30, CENSORED), (50, CENSORED)], id="each time at which it may be"),
])  # fmt: skip
def test_all_within_28_days(one, other, found):
    rows = all_happened({"one": happened(*one), "other": happened(*other)}, Duration.parse("28 days"))
    days = [((when - START).days, code) for when, code in rows.select("earliest", "code").iter_rows()]
    assert days == found


def test_the_first_of_each_without_a_time():
    rows = all_happened(
        {"one": happened((10, MET), (60, MET)), "other": happened((300, MET), (400, MET))}, None
    )
    assert rows.select((pl.col("earliest") - START).dt.total_days(), "SRCALL").rows() == [
        (300, "LB.10 LB.300")
    ]


@pytest.mark.parametrize(("one", "other", "found"), [
    pytest.param([(10, CENSORED), (50, CENSORED)], [(30, MET)], [(30, CENSORED), (50, CENSORED)], id="with the other, or after it"),
    pytest.param([(10, CENSORED), (50, MET), (70, CENSORED)], [(30, MET)], [(50, MET), (30, CENSORED)], id="nothing after what is sure"),
    pytest.param([(10, CENSORED), (50, CENSORED)], [(20, CENSORED), (60, CENSORED)],
                 [(20, CENSORED), (50, CENSORED), (60, CENSORED)], id="the last of any two, once"),
])  # fmt: skip
def test_each_time_at_which_all_may_have_happened_first(one, other, found):
    """Which of the possible ones is real nobody can tell: on each of these days both may have happened for the first time."""
    rows = all_happened({"one": happened(*one), "other": happened(*other)}, None)
    assert [
        ((when - START).days, code) for when, code in rows.select("earliest", "code").iter_rows()
    ] == found
