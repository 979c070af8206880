"""How rows of virtual trials become tables: order, numbers, dates and words, by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.design.virtual.laboratory import (
    CONVENTIONAL,
    SI,
    levels,
    report_between,
    report_result,
    results,
    write_results,
)
from trialwright.design.virtual.tables import NO_DAY, Rows, Words, day_texts, frames_of, in_order


def day(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def test_days_as_texts():
    days = ["2027-02-28", "2028-02-29", "1969-12-31", "2027-02-28"]
    told = day_texts(pl.Series("LBDTC", [None, *map(day, days), NO_DAY]))
    assert told.to_list() == [None, *days, None]
    assert (told.name, told.dtype) == ("LBDTC", pl.String)


@pytest.mark.parametrize("days", [[], [NO_DAY], [None, NO_DAY]])
def test_where_there_is_no_day_there_is_no_text(days):
    told = day_texts(pl.Series("LBDTC", days, pl.Int64))
    assert (told.to_list(), told.dtype) == ([None] * len(days), pl.String)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), max_size=20))
def test_rows_stand_by_subject_and_day_and_else_as_they_came(rows):
    """Python's sort keeps what is alike in its order; numbers begin anew with every subject."""
    frame = pl.DataFrame(
        [(subject, when, place) for place, (subject, when) in enumerate(rows)],
        schema={"subject": pl.Int64, "LBDTC": pl.Int64, "place": pl.Int64},
        orient="row",
    )
    expected = sorted(frame.rows(), key=lambda row: row[:2])
    found = in_order("LB", frame)
    assert found.drop("LBSEQ").rows() == expected
    seen: dict[int, int] = {}
    for (subject, *_), number in zip(expected, found["LBSEQ"], strict=True):
        seen[subject] = seen.get(subject, 0) + 1
        assert number == seen[subject]


def test_a_missing_day_comes_first():
    frame = pl.DataFrame({"subject": [1, 0, 0, 0, 1], "CMSTDTC": [5, 20_000, NO_DAY, 0, None]})
    assert in_order("CM", frame).rows() == [
        (0, NO_DAY, 1), (0, 0, 2), (0, 20_000, 3), (1, None, 1), (1, 5, 2)
    ]  # fmt: skip


def test_words_of_several_trials_stand_where_they_were_said():
    """Each trial has words of its own; their places must not be mixed up."""
    trials = []
    for words, place in ((("12", "7"), [0, 1]), (("7", "3", "9"), [2, 0, 0])):
        rows = Rows()
        text = Words(np.array(place), words)
        rows.add("FA", np.arange(len(place)), FAORRES=text, FASTRESC=text[::-1], FAOBJ="SIZE")
        trials.append(rows)
    assert frames_of("FA", trials, [0, 10]).rows() == [
        (0, "12", "7", "SIZE"),
        (1, "7", "12", "SIZE"),
        (10, "9", "7", "SIZE"),
        (11, "7", "7", "SIZE"),
        (12, "7", "9", "SIZE"),
    ]


def test_one_word_where_it_is_so_another_where_not():
    assert Words.either(np.array([[True], [False]])).tolist() == [["Y"], ["N"]]


# --- results ------------------------------------------------------------------------------------------------------------


def test_results_as_both_laboratories_write_them():
    """Bilirubin in umol/L with one digit, in mg/dL with two; 1 mg/dL is 17.1 umol/L."""
    laboratory = np.array([SI, CONVENTIONAL])
    recorded = report_result("bilirubin", np.array([12.34, 12.34]), laboratory)
    who, done = np.arange(2), np.ones(2, dtype=bool)
    made = results(
        "bilirubin", recorded, done, subject=who, day=who, visit=who, laboratory=laboratory, is_man=~done
    )
    word = levels("anti_hcv", "negative", np.array([2]), np.array([0]), 1.0)
    frame = pl.concat([pl.DataFrame(one) for one in (made, word)], how="diagonal_relaxed")
    told = write_results(frame, {})
    assert told.select("LBTESTCD", "LBORRES", "LBORRESU", "LBSTRESC", "LBMETHOD", "LBSPEC").rows() == [
        ("BILI", "12.3", "umol/L", "12.3", None, "SERUM"),
        ("BILI", "0.72", "mg/dL", told["LBSTRESC"][1], None, "SERUM"),
        ("HCAB", "negative", None, "negative", "IMMUNOASSAY", "SERUM"),
    ]
    assert told["LBSTRESN"].to_list() == pytest.approx([12.3, 0.72 * 17.1, None], abs=0.01)
    assert float(told["LBSTRESC"][1]) == told["LBSTRESN"][1]


@pytest.mark.parametrize(
    ("true", "text"),
    [
        pytest.param(19.4, "<20", id="below what the assay can measure"),
        pytest.param(20.0, "20", id="at its lower limit"),
        pytest.param(123_456.0, "123000", id="three figures"),
        pytest.param(56.78, "56.8", id="three figures, one behind the point"),
        pytest.param(999_600.0, "1000000", id="rounded up into more digits"),
        pytest.param(2e8, ">170000000", id="above it"),
        pytest.param(1.7e8, "170000000", id="at its upper limit"),
        pytest.param(0.0, "not detected", id="nothing there"),
    ],
)
def test_results_of_an_assay_with_limits(true, text):
    laboratory = np.array([SI])
    recorded = report_between(
        "hbv_dna", np.array([true]), laboratory, lower=20.0, upper=1.7e8, detection=10.0
    )
    who, done = np.zeros(1, dtype=np.int64), np.ones(1, dtype=bool)
    made = results(
        "hbv_dna", recorded, done, subject=who, day=who, visit=who, laboratory=laboratory, is_man=done
    )
    told = write_results(pl.DataFrame(made).with_columns(level=pl.lit(None, pl.String)), {})
    assert told["LBORRES"].to_list() == [text]
