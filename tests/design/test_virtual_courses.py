"""True courses: the virus, the lesions, what a laboratory makes of a value, and the errors that are planted."""

import numpy as np
import polars as pl
import pytest

from trialwright.design.virtual.draws import NEVER
from trialwright.design.virtual.laboratory import (
    ABOVE,
    BELOW,
    CONVENTIONAL,
    EXACT,
    NOT_DETECTED,
    SI,
    report_between,
    report_result,
)
from trialwright.design.virtual.lesions import Lesions, measure, true_progression
from trialwright.design.virtual.mistakes import ERRORS, KINDS
from trialwright.design.virtual.parameters import read_parameters
from trialwright.design.virtual.simulation import simulate
from trialwright.design.virtual.viral_load import FIRST_DAY, Decline, Episode, first_day, true_curve
from trialwright.protocol.loading import load_protocol
from trialwright.records.table_checks import check_tables


def one(value):
    return np.array([value])


def test_the_virus_falls_as_published():
    """From a baseline of 8 log10 and more, 6.2 log10 at week 12 (Leung et al., Hepatology 2009;49:72-79)."""
    p = read_parameters(load_protocol("nct04294498"))
    decline = Decline(p.first_phase_fall, p.first_phase, one(p.second_phase_half_life))
    curve = true_curve(one(8.5), one(0), decline, p.residual_hbv_dna, [], 200)[0]
    assert curve[-FIRST_DAY] == pytest.approx(8.5)
    assert 8.5 - curve[84 - FIRST_DAY] == pytest.approx(6.2, abs=0.15)
    assert 8.5 - curve[10 - FIRST_DAY] == pytest.approx(2.0, abs=0.35)
    assert (np.diff(curve[-FIRST_DAY:]) <= 1e-12).all()


def test_before_entecavir_the_virus_stays():
    curve = true_curve(one(5.0), one(4), Decline(2.0, 10.0, one(5.0)), 0.2, [], 30)[0]
    assert curve[: 4 - FIRST_DAY] == pytest.approx(5.0, abs=1e-4)


def test_an_episode_rises_as_told_and_falls_when_treated():
    episode = Episode(one(50), 0.2, one(7.0), one(90))
    curve = true_curve(one(5.0), one(0), Decline(2.0, 10.0, one(5.0)), 0.0, [episode], 200)[0]
    assert curve[90 - FIRST_DAY] == pytest.approx(7.0, abs=0.01)
    assert curve[49 - FIRST_DAY] < 2.0
    assert curve[100 - FIRST_DAY] == pytest.approx(5.0, abs=0.5)  # a first phase later
    never = Episode(one(NEVER), 0.2, one(7.0), one(90))
    calm = true_curve(one(5.0), one(0), Decline(2.0, 10.0, one(5.0)), 0.0, [never], 200)[0]
    assert calm[90 - FIRST_DAY] < 2.0
    assert first_day((curve >= 6.9)[None, :], 1) < 90


def test_true_progression_is_a_fifth_and_5_mm_above_the_lowest():
    """40 mm that grow by a hundredth of their size a day on average: 48 mm when exp(growth * t) = 1.2."""
    growth = np.log(1.2) / 100
    made = lesions(40.0, growth=growth)
    assert true_progression(made, counted(1), 500).tolist() == [100]
    # 10 mm: a fifth is 2 mm, and 5 mm take longer: exp(growth * t) = 1.5
    small = lesions(10.0, growth=growth)
    assert true_progression(small, counted(1), 500).tolist() == [int(np.ceil(np.log(1.5) / growth))]
    new = lesions(40.0, growth=growth, new=30)
    assert true_progression(new, counted(1), 500).tolist() == [30]


def lesions(size, *, growth, new=NEVER):
    return Lesions(
        one(1), np.full((1, 4), size), np.zeros((1, 4)), np.full((1, 4), growth), one(new), one(NEVER)
    )


def counted(number):
    return np.arange(4)[None, :] < number


def test_what_a_reader_writes():
    true = np.array([[42.4, 3.0, 1.0, 1.0], [42.6, 6.4, 5.4, 11.6]])
    assert measure(true, np.zeros((2, 4))).tolist() == [[42, 5, 0, 2], [43, 6, 5, 12]]
    assert measure(true, np.full((2, 4), 0.1))[0, 0] == 47


@pytest.mark.parametrize(
    ("true", "value", "state"),
    [
        pytest.param(19.4, 20, BELOW, id="below the limit"),
        pytest.param(20.4, 20.4, EXACT, id="just above it"),
        pytest.param(5.0, 20, NOT_DETECTED, id="below detection"),
        pytest.param(12345.0, 12300, EXACT, id="three figures"),
        pytest.param(1.8e8, 1.7e8, ABOVE, id="above the limit"),
        pytest.param(1.7e8, 1.7e8, EXACT, id="the limit itself"),
    ],
)
def test_an_assay_with_limits(true, value, state):
    made = report_between("hbv_dna", one(true), one(SI), lower=20, upper=1.7e8, detection=9.6)
    assert made.value[0] == pytest.approx(value)
    assert made.state[0] == state


def test_a_laboratory_of_conventional_units():
    """1.2 mg/dL of bilirubin are 20.52 umol/L (584.673 g/mol); 11 640 copies/mL of HBV DNA 2000 IU/mL (HBV-01)."""
    made = report_result("bilirubin", one(20.6), one(CONVENTIONAL))
    assert made.number[0] == 1.2
    assert made.value[0] == pytest.approx(20.524, abs=1e-3)
    virus = report_result("hbv_dna", one(2000.0), one(CONVENTIONAL))
    assert virus.number[0] == 11_600  # to three figures
    assert virus.value[0] == pytest.approx(11_600 / 5.82)


# --- errors -----------------------------------------------------------------------------------------------------------

CHECKED = {
    "unknown unit": "unknown-unit",
    "day that does not exist": "unreadable-date",
    "result that contradicts itself": "contradictory-result",
    "unknown term": "unknown-term",
    "end before start": "dates-reversed",
    "record that stands twice": "duplicate-record",
}
"""Of the kinds planted, those that a table by itself shows."""


@pytest.fixture(scope="module")
def planted():
    return [
        simulate(load_protocol(name), seed=9, subjects=900, scenario=None)
        for name in ("nct04294498", "nct07120750")
    ]


def test_every_kind_of_error_is_planted(planted):
    kinds = set().union(*(made.errors["KIND"] for made in planted))
    assert kinds == set(KINDS)


def test_planted_errors_stand_where_they_are_said_to(planted):
    for made in planted:
        assert set(ERRORS) <= set(made.errors.columns)
        for error in made.errors.iter_rows(named=True):
            table = made.tables[error["DOMAIN"]]
            record = table.filter(pl.col("USUBJID") == error["USUBJID"])
            if error["SEQ"] is not None:
                record = record.filter(pl.col(f"{error['DOMAIN']}SEQ") == error["SEQ"])
            assert error["IS"] in record[error["VARIABLE"]].cast(pl.String).to_list(), error


def test_errors_that_a_table_shows_are_found_and_no_others(planted):
    for made in planted:
        told = {problem.code for problem in check_tables(made.tables)}
        kinds = set(made.errors["KIND"])
        assert told == {code for kind, code in CHECKED.items() if kind in kinds}


def test_as_many_errors_as_asked_for(planted):
    """A tenth of 900; some kinds find nothing to strike in some subjects."""
    for made in planted:
        assert 40 <= made.errors.height <= 125
