"""How rows of virtual trials become tables: order, numbers, dates and words, by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.design.virtual.laboratory import (
    CONVENTIONAL,
    NEGATIVE,
    SI,
    levels,
    report_between,
    report_result,
    results,
    samples_taken,
    write_results,
)
from trialwright.design.virtual.tables import NO_DAY, Rows, Words, day_texts, frame_of


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
    made = Rows()
    for place, (subject, when) in enumerate(rows):
        made.add("LB", [subject], LBDTC=np.array([when]), place=place)
    expected = sorted(
        ((subject, when, place) for place, (subject, when) in enumerate(rows)), key=lambda row: row[:2]
    )
    found = frame_of("LB", [made], [0])
    assert found.drop("LBSEQ", strict=False).rows() == [row[: found.width - 1] for row in expected]
    seen: dict[int, int] = {}
    for (subject, *_), number in zip(expected, found["LBSEQ"] if rows else (), strict=True):
        seen[subject] = seen.get(subject, 0) + 1
        assert number == seen[subject]


def test_a_missing_day_comes_first():
    rows = Rows()
    rows.add("CM", [1, 0, 0, 0], CMSTDTC=np.array([5, 20_000, NO_DAY, 0]))
    rows.add("CM", [1], CMTRT="Lenvatinib")
    assert frame_of("CM", [rows], [0]).select("subject", "CMSTDTC", "CMSEQ").rows() == [
        (0, NO_DAY, 1), (0, 0, 2), (0, 20_000, 3), (1, NO_DAY, 1), (1, 5, 2)
    ]  # fmt: skip


def test_what_only_some_calls_say_is_missing_where_they_do_not():
    """Words in any form, one for all rows or one for each; an empty one is none."""
    rows = Rows()
    rows.add("FA", [0, 1], FADTC=np.array([1, 2]), FAOBJ="SIZE", FAORRES=np.array(["12", ""]), FASTRESN=12)
    rows.add("FA", [0, 1], FADTC=np.array([2, 1]), FAEVAL="", FAORRES=Words.either(np.array([True, False])))
    rows.add("FA", [0], FADTC=3, FAOBJ="SIDE", FAORRES="left", FAEVAL=["READER 1"], FASTRESN=np.array([5]))
    told = frame_of("FA", [rows], [0]).fill_nan(None)
    assert told.select("subject", "FADTC", "FAOBJ", "FAORRES", "FAEVAL", "FASTRESN").rows() == [
        (0, 1, "SIZE", "12", None, 12.0),
        (0, 2, None, "Y", None, None),
        (0, 3, "SIDE", "left", "READER 1", 5.0),
        (1, 1, None, "N", None, None),
        (1, 2, "SIZE", None, None, 12.0),
    ]


def test_words_of_several_trials_stand_where_they_were_said():
    """Each trial has words of its own; their places must not be mixed up."""
    trials = []
    for words, place in ((("12", "7"), [0, 1]), (("7", "3", "9"), [2, 0, 0])):
        rows = Rows()
        text = Words(np.array(place), words)
        rows.add("FA", np.arange(len(place)), FADTC=0, FAORRES=text, FASTRESC=text[::-1], FAOBJ="SIZE")
        trials.append(rows)
    told = frame_of("FA", trials, [0, 10]).select("subject", "FAORRES", "FASTRESC", "FAOBJ")
    assert told.rows() == [
        (0, "12", "7", "SIZE"),
        (1, "7", "12", "SIZE"),
        (10, "9", "7", "SIZE"),
        (11, "7", "7", "SIZE"),
        (12, "7", "9", "SIZE"),
    ]


def test_one_word_where_it_is_so_another_where_not():
    assert Words.either(np.array([[True], [False]])).tolist() == [["Y"], ["N"]]


# --- results ------------------------------------------------------------------------------------------------------------


def everything(laboratory):
    """One sample of each subject, and all taken."""
    who = np.arange(len(laboratory))
    one = who[:, None]
    return samples_taken(one >= 0, zero=who, day=one, visit=one, laboratory=laboratory, is_man=who < 0)


def test_results_as_both_laboratories_write_them():
    """Bilirubin in umol/L with one digit, in mg/dL with two; 1 mg/dL is 17.1 umol/L."""
    laboratory = np.array([SI, CONVENTIONAL])
    recorded = report_result("bilirubin", np.array([[12.34], [12.34]]), laboratory[:, None])
    made = results("bilirubin", recorded, everything(laboratory))
    word = levels("anti_hcv", NEGATIVE, np.array([2]), np.array([0]), 1.0)
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
        "hbv_dna", np.array([[true]]), laboratory[:, None], lower=20.0, upper=1.7e8, detection=10.0
    )
    told = write_results(pl.DataFrame(results("hbv_dna", recorded, everything(laboratory))), {})
    assert told["LBORRES"].to_list() == [text]
