"""Biomarkers: the worked examples, each side of each threshold, and what has no result."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine import biomarkers
from trialwright.medicine.biomarkers import (
    AFP_GROUPS,
    CPS_GROUPS,
    INFILTRATION_GROUPS,
    PROPORTIONS,
    TPS_GROUPS,
    Gate,
    afp_response,
    cell_proportion,
    cells_per_ul,
    combined_positive_score,
    count_high,
    density_percentile,
    is_highly_infiltrated,
    is_usable_sample,
    mean_percentile,
    tumour_proportion_score,
)
from trialwright.medicine.known import Known
from trialwright.vocabulary.intervals import Intervals
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, NOT_APPLICABLE, UNDEFINED = Reason.MISSING.code, Reason.NOT_APPLICABLE.code, Reason.UNDEFINED.code
CENSORED = Reason.CENSORED.code


def numbers(known):
    """Each number, or the code of the reason why there is none."""
    return [
        lo if exact else f"unknown {reason}"
        for lo, exact, reason in zip(
            known.bounds.lo.tolist(), known.is_exact.tolist(), known.reasons.tolist(), strict=True
        )
    ]


def test_the_examples_run():
    failed, tried = doctest.testmod(biomarkers)
    assert (failed, tried > 0) == (0, True)


# ---- flow cytometry


def proportion(cd8, pd1, name="PD1CD8P", **gates):
    events = {Gate.CD8: [cd8], Gate.PD1: [pd1]} | {Gate[gate]: [count] for gate, count in gates.items()}
    return cell_proportion(events, proportion=name, sparse_below=500, none_below=100)


@pytest.mark.parametrize(
    ("cd8", "pd1", "percent", "cv", "error", "is_sparse"),
    [
        pytest.param(10_000, 2500, 25.0, 2.0, 0.433, NOT_MET, id="FC-01"),
        pytest.param(800, 200, 25.0, 7.1, 1.531, NOT_MET, id="FC-02"),
        pytest.param(400, 60, 15.0, 12.9, 1.785, MET, id="FC-03"),
        pytest.param(500, 250, 50.0, 6.3, 2.236, NOT_MET, id="500 events are enough"),
        pytest.param(499, 0, 0.0, None, 0.0, MET, id="none positive: no coefficient of variation"),
        pytest.param(100, 100, 100.0, 10.0, 0.0, MET, id="100 events give a result, all positive"),
    ],
)
def test_proportion_of_cells(cd8, pd1, percent, cv, error, is_sparse):
    found = proportion(cd8, pd1)
    assert numbers(found.percent) == [pytest.approx(percent)]
    assert numbers(found.counting_cv) == [
        f"unknown {UNDEFINED}" if cv is None else pytest.approx(cv, abs=0.05)
    ]
    assert numbers(found.standard_error) == [pytest.approx(error, abs=0.0005)]
    assert found.is_sparse.tolist() == [is_sparse]


@pytest.mark.parametrize(
    ("cd8", "pd1"),
    [
        pytest.param(80, 20, id="FC-04"),
        pytest.param(99, 20, id="just too few"),
        pytest.param(0, 0, id="none"),
        pytest.param(NAN, 20, id="parent not counted"),
        pytest.param(1000, NAN, id="positive cells not counted"),
    ],
)
def test_too_few_or_uncounted_cells_give_no_result(cd8, pd1):
    found = proportion(cd8, pd1)
    for part in (found.percent, found.counting_cv, found.standard_error):
        assert numbers(part) == [f"unknown {MISSING}"]


def test_every_reading_of_the_proportion_has_its_gates():
    gates = {"LYMPHOCYTES": 20_000, "CD3": 10_000}
    found = {name: numbers(proportion(4000, 1000, name, **gates).percent)[0] for name in PROPORTIONS}
    assert found == {"PD1CD8P": 25, "CD8PD1T": 10, "CD8PD1L": 5, "CD8P": 40}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cd8": 100, "pd1": 101}, r"`events\[PD1\]\[0\]` must be at most `events\[CD8\]`, 100, not 101"),
        (
            {"cd8": 100, "pd1": 50, "CD3": 99},
            r"`events\[CD8\]\[0\]` must be at most `events\[CD3\]`, 99, not 100",
        ),
        ({"cd8": 100.5, "pd1": 50}, r"`events\[CD8\]\[0\]` must be a whole number.*not 100.5"),
        ({"cd8": -1, "pd1": 0}, r"`events\[CD8\]\[0\]` must be a whole number.*not -1"),
        ({"cd8": 100, "pd1": 50, "name": "CD8P"}, r"`CD8P` needs the events of CD3\+"),
        ({"cd8": 100, "pd1": 50, "name": "PD1"}, "a proportion must be one of PD1CD8P, .* not 'PD1'"),
    ],
)
def test_impossible_counts_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        proportion(**arguments)


def test_fc_05_cells_per_microlitre():
    percents = [[70, 70], [35, 35], [25, NAN]]
    found = cells_per_ul([1600, 1600], unit="cells/uL", percents=percents)
    assert numbers(found) == [pytest.approx(98), f"unknown {MISSING}"]
    in_giga = cells_per_ul([1.6], unit="10^9/L", percents=[[70], [35], [25]])
    assert numbers(in_giga) == [pytest.approx(98)]
    with pytest.raises(ValueError, match=r"`percents\[0\]\[1\]`.*not 101"):
        cells_per_ul([1, 1], unit="cells/uL", percents=[[70, 101]])


@pytest.mark.parametrize(
    ("viability", "hours", "frozen", "expected"),
    [
        pytest.param(80, 24, False, MET, id="fresh at the limits"),
        pytest.param(79.9, 24, False, NOT_MET, id="fresh just below"),
        pytest.param(70, 24, True, MET, id="thawed at the limit"),
        pytest.param(69.9, 24, True, NOT_MET, id="thawed just below"),
        pytest.param(90, 24.1, False, NOT_MET, id="too late"),
        pytest.param(NAN, 24, False, MISSING, id="viability not measured is not 'fine'"),
        pytest.param(90, NAN, False, MISSING, id="time not known"),
        pytest.param(50, NAN, False, NOT_MET, id="dead cells settle it"),
        pytest.param(75, 1, None, MISSING, id="fresh or thawed decides"),
        pytest.param(85, 1, None, MET, id="good for either"),
    ],
)
def test_quality_of_a_blood_sample(viability, hours, frozen, expected):
    found = is_usable_sample(
        viability_percent=[viability], hours_to_processing=[hours], was_frozen=[frozen],
        least_fresh=80, least_thawed=70, most_hours=24,
    )  # fmt: skip
    assert found.tolist() == [expected]


# ---- PD-L1


@pytest.mark.parametrize(
    ("tumour", "immune", "viable", "tps", "cps", "tps_group", "cps_group"),
    [
        pytest.param(30, 20, 100, 30.0, 50.0, "1-49", ">= 10", id="PL-01"),
        pytest.param(80, 60, 100, 80.0, 100.0, ">= 50", ">= 10", id="PL-02"),
        pytest.param(0, 4, 400, 0.0, 1.0, "< 1", "1-< 10", id="PL-03"),
        pytest.param(2, 1, 250, 0.8, 1.2, "< 1", "1-< 10", id="PL-04"),
        pytest.param(0, 0, 500, 0.0, 0.0, "< 1", "< 1", id="PL-05"),
        pytest.param(10, 5, 90, f"unknown {MISSING}", f"unknown {MISSING}", None, None, id="PL-06"),
        pytest.param(1, 0, 99, f"unknown {MISSING}", f"unknown {MISSING}", None, None, id="99 are too few"),
        pytest.param(
            1, 0, 100, 1.0, 1.0, "1-49", "1-< 10", id="100 are enough, 1 belongs to the group above"
        ),
        pytest.param(99, 1, 200, 49.5, 50.0, "1-49", ">= 10", id="49.5 is below 50"),
        pytest.param(100, 0, 200, 50.0, 50.0, ">= 50", ">= 10", id="50"),
        pytest.param(19, 0, 200, 9.5, 9.5, "1-49", "1-< 10", id="9.5"),
        pytest.param(20, 0, 200, 10.0, 10.0, "1-49", ">= 10", id="10"),
        pytest.param(NAN, 5, 200, f"unknown {MISSING}", f"unknown {MISSING}", None, None, id="not counted"),
        pytest.param(
            30, 5, NAN, f"unknown {MISSING}", f"unknown {MISSING}", None, None, id="viable not counted"
        ),
    ],
)
def test_pd_l1_scores(tumour, immune, viable, tps, cps, tps_group, cps_group):
    found_tps = tumour_proportion_score([tumour], viable_tumour=[viable], least_viable=100)
    found_cps = combined_positive_score([tumour], [immune], viable_tumour=[viable], least_viable=100, cap=100)
    assert numbers(found_tps) == [tps if isinstance(tps, str) else pytest.approx(tps)]
    assert numbers(found_cps) == [cps if isinstance(cps, str) else pytest.approx(cps)]
    assert TPS_GROUPS.of(found_tps).settled.tolist() == [tps_group]
    assert CPS_GROUPS.of(found_cps).settled.tolist() == [cps_group]


def test_pl_03_a_score_of_one_counts():
    score = combined_positive_score([0], [4], viable_tumour=[400], least_viable=100, cap=100)
    assert score.compare(">=", 1).tolist() == [MET]


def test_more_stained_than_viable_is_refused():
    with pytest.raises(
        ValueError, match=r"`stained_tumour\[1\]` must be at most `viable_tumour`, 100, not 101"
    ):
        tumour_proportion_score([5, 101], viable_tumour=[100, 100], least_viable=100)


@settings(deadline=None)
@given(st.integers(100, 2000), st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 50))
def test_more_stained_cells_never_lower_a_score_and_cps_is_at_least_tps(viable, tumour, immune, more):
    tumour = min(tumour, viable)
    scores = [
        numbers(combined_positive_score([tumour], [n], viable_tumour=[viable], least_viable=100, cap=100))[0]
        for n in (immune, immune + more)
    ]
    tps = numbers(tumour_proportion_score([tumour], viable_tumour=[viable], least_viable=100))[0]
    assert tps <= scores[0] * (1 + 1e-12)
    assert scores[0] <= scores[1] <= 100


# ---- T-cell infiltration


@pytest.mark.parametrize(
    ("percentiles", "score", "group"),
    [
        pytest.param((80, 62, 74, 90), 76.5, "high", id="TI-01"),
        pytest.param((20, 12, 35, 18), 21.25, "low", id="TI-02"),
        pytest.param((55, 48, 60, 40), 50.75, "intermediate", id="TI-03"),
        pytest.param((70, 70, 70, 70), 70, "intermediate", id="TI-04"),
        pytest.param((80, 62, NAN, NAN), f"unknown {MISSING}", None, id="TI-05"),
        pytest.param((25, 25, 25, 25), 25, "low", id="25 belongs to low"),
        pytest.param((25, 25, 25, 25.4), 25.1, "intermediate", id="just above 25"),
        pytest.param((70, 70, 70, 70.4), 70.1, "high", id="just above 70"),
        pytest.param(
            (100, 100, 100, NAN), f"unknown {MISSING}", "high", id="the fourth cannot change the group"
        ),
    ],
)
def test_mean_percentile(percentiles, score, group):
    found = mean_percentile([[one] for one in percentiles])
    assert numbers(found) == [score if isinstance(score, str) else pytest.approx(score)]
    assert INFILTRATION_GROUPS.of(found).settled.tolist() == [group]


def test_a_missing_percentile_leaves_a_range():
    found = mean_percentile([[80], [62], [NAN], [NAN]])
    assert (found.bounds.lo[0], found.bounds.hi[0]) == (35.5, 85.5)


@pytest.mark.parametrize(
    ("densities", "count", "is_high"),
    [
        pytest.param((101, 101, 100, 100), 2, MET, id="above the cut counts, at it does not"),
        pytest.param((101, 100, 100, 100), 1, NOT_MET, id="one"),
        pytest.param(
            (50, 101, NAN, NAN), f"unknown {MISSING}", MISSING, id="TI-05: no margin, not evaluable"
        ),
        pytest.param(
            (101, 101, NAN, NAN), f"unknown {MISSING}", MET, id="no margin, and high whatever it holds"
        ),
    ],
)
def test_count_of_high_compartments(densities, count, is_high):
    found = count_high([[one] for one in densities], cuts_per_mm2=[100] * 4)
    assert numbers(found) == [count]
    assert found.compare(">=", 2).tolist() == [is_high]


def test_ti_05_the_tumour_centre_alone_can_be_judged():
    assert is_highly_infiltrated([93, 93.1, NAN], above_per_mm2=93).tolist() == [NOT_MET, MET, MISSING]


@pytest.mark.parametrize(
    ("density", "expected"),
    [(5, 0), (10, 12.5), (15, 25), (20, 50), (30, 87.5), (31, 100), (NAN, f"unknown {MISSING}")],
)
def test_percentile_counts_those_below_and_half_of_those_equal(density, expected):
    assert numbers(density_percentile([density], reference_per_mm2=[20, 10, 30, 20])) == [expected]


@pytest.mark.parametrize("size", range(1, 60))
def test_the_densest_of_all_is_at_exactly_100(size):
    """100.00000000000001 would be refused as a percentile."""
    assert numbers(density_percentile([61], reference_per_mm2=range(size))) == [100]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=20), st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_denser_infiltrate_is_never_a_lower_percentile(reference, density, more):
    low, high = numbers(density_percentile([density, density + more], reference_per_mm2=reference))
    assert 0 <= low <= high <= 100


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: density_percentile([1], reference_per_mm2=[1, NAN]),
            "at least one density, and none may be missing",
        ),
        (lambda: density_percentile([1], reference_per_mm2=[]), "at least one density"),
        (lambda: mean_percentile([[1]] * 3), "`percentiles` must be four"),
        (lambda: mean_percentile([[1], [1], [1], [101]]), r"`percentiles\[3\]\[0\]`.*not 101"),
        (lambda: count_high([[1]] * 4, cuts_per_mm2=[1] * 3), "`cuts_per_mm2` must be four"),
        (
            lambda: afp([820], [820], least_fall=20),
            "`least_fall` must be a part of baseline between 0 and 1, not 20",
        ),
    ],
)
def test_faulty_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- AFP


def afp(value, baseline, **more):
    usual = {"unit": "ng/mL", "baseline_unit": "ng/mL", "least_fall": 0.2, "least_baseline": 20}
    return afp_response(value, baseline_afp=baseline, **(usual | more)).tolist()


@pytest.mark.parametrize(
    ("baseline", "value", "expected"),
    [
        pytest.param(820, 574, MET, id="820 to 574: 30 % lower"),
        pytest.param(820, 656, MET, id="820 to 656: equality counts"),
        pytest.param(820, 656.1, NOT_MET, id="just less than 20 % lower"),
        pytest.param(20, 16, MET, id="baseline of 20 applies"),
        pytest.param(19.9, 5, NOT_APPLICABLE, id="a low baseline has no response"),
        pytest.param(NAN, 5, MISSING, id="no baseline"),
        pytest.param(820, NAN, MISSING, id="no value"),
    ],
)
def test_afp_response(baseline, value, expected):
    assert afp([value], [baseline]) == [expected]


def test_afp_half_and_censored_and_in_other_units():
    assert afp([820 - 0.5 * 820, 411], [820, 820], least_fall=0.5) == [MET, NOT_MET]
    below = Known(Intervals([0, 0], [656, 700], hi_open=True), CENSORED)
    assert afp(below, [820, 820]) == [MET, CENSORED]
    assert afp([574], [820], unit="ug/L") == [MET]


def test_afp_groups():
    groups = AFP_GROUPS.of(Known.exactly([19.9, 20, 399, 400]))
    assert groups.settled.tolist() == ["< 20", "20-< 400", "20-< 400", ">= 400"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=5))
def test_rows_are_judged_alone(rows):
    counts = [(max(a, b), min(a, b)) for a, b in rows]
    parent, part = (np.array(column, float) for column in zip(*counts, strict=True))
    batch = cell_proportion(
        {Gate.CD8: parent, Gate.PD1: part}, proportion="PD1CD8P", sparse_below=500, none_below=100
    )
    alone = [proportion(a, b) for a, b in counts]
    for field in ("percent", "counting_cv", "standard_error"):
        assert numbers(getattr(batch, field)) == [numbers(getattr(one, field))[0] for one in alone]
