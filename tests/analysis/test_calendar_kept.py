"""What became of clocks and visits, counted by hand."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.analysis.calendar_kept import ANSWERS, OF_SUBJECTS, contact_counts
from trialwright.derivations.due_days import Kept

SCHEMA = {"TRIAL": pl.String, "USUBJID": pl.String, "PROTOCOL": pl.String, "AVALC": pl.String}

ROWS = [
    ("0001", "A", "visits.scan", "in time"),
    ("0001", "A", "visits.scan", "late"),
    ("0001", "A", "clocks.blood", "missed"),
    ("0001", "B", "visits.scan", "missed"),
    ("0001", "B", "visits.scan", "missed"),
    ("0001", "B", "visits.scan", None),
    ("0001", "C", "visits.scan", "not due"),
    ("0002", "D", "visits.scan", "not applicable"),
    ("0002", "D", "clocks.blood", "early"),
    ("0002", "E", "clocks.blood", "overdue"),
]


def contacts_of(rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def told(counts):
    """Of each element what is not 0."""
    return [{name: value for name, value in row.items() if value} for row in counts.iter_rows(named=True)]


def test_counts_by_hand():
    assert told(contact_counts(contacts_of(ROWS))) == [
        {"PROTOCOL": "visits.scan", "n_due": 5, "n_in_time": 1, "n_late": 1, "n_missed": 2, "n_unknown": 1,
         "n_subjects": 2, "n_subjects_late": 1, "n_subjects_missed": 1},
        {"PROTOCOL": "clocks.blood", "n_due": 3, "n_missed": 1, "n_early": 1, "n_overdue": 1, "n_subjects": 3,
         "n_subjects_missed": 1},
    ]  # fmt: skip


def test_of_several_trials_each_is_counted_by_itself():
    counts = contact_counts(contacts_of(ROWS), ["TRIAL"])
    for trial in ("0001", "0002"):
        alone = contact_counts(contacts_of([row for row in ROWS if row[0] == trial]))
        assert told(counts.filter(TRIAL=trial).drop("TRIAL")) == told(alone)
    of_second = counts.filter(TRIAL="0002", PROTOCOL="visits.scan").row(0, named=True)
    assert of_second["n_due"] == of_second["n_subjects"] == 0, "what is not applicable is not due"


def test_of_nobody_there_is_nothing():
    assert contact_counts(contacts_of([])).height == 0


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.just("0001"),
            st.sampled_from("ABC"),
            st.sampled_from(["visits.scan", "clocks.blood"]),
            st.sampled_from([*Kept, None]),
        ),
        max_size=25,
    )
)
def test_what_became_of_what_was_due_adds_up(rows):
    for counts in contact_counts(contacts_of(rows)).iter_rows(named=True):
        own = [row for row in rows if row[2] == counts["PROTOCOL"]]
        assert counts["n_due"] == sum(counts[name] for name in ANSWERS)
        assert counts["n_due"] == sum(row[3] not in (Kept.NOT_DUE, Kept.NOT_APPLICABLE) for row in own)
        for name, of in OF_SUBJECTS.items():
            words = {ANSWERS[one] for one in of}
            assert counts[name] == len({row[1] for row in own if row[3] in words})


@pytest.mark.parametrize("word", [kept for kept in Kept if kept not in (Kept.NOT_DUE, Kept.NOT_APPLICABLE)])
def test_everything_that_can_become_of_what_is_due_is_counted(word):
    assert word in ANSWERS.values()
