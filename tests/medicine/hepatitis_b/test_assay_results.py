"""Numbers that stand for results in summaries, and groups for reporting."""

import math

import numpy as np
import pytest

from trialwright.medicine.assay_results import (
    AssayResults,
    BelowLimit,
    State,
    as_assay_results,
    impute_amounts,
)
from trialwright.medicine.hepatitis_b.result_texts import read_results
from trialwright.medicine.known import Known
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan


def read(*texts, lloq=10, uloq=1.7e8, unit="IU/mL"):
    return read_results(
        texts,
        concept="hbv_dna",
        unit=unit,
        lloq=lloq,
        uloq=uloq,
        below_limit_means=State.BELOW_LLOQ_UNSPECIFIED,
    )


@pytest.mark.parametrize(
    ("lloq", "rule", "log10"),
    [
        (10, BelowLimit.LIMIT, 1.0),
        (10, BelowLimit.LESS_ONE, 0.9542),
        (10, BelowLimit.BY_ROOT_TWO, 0.8495),
        (10, BelowLimit.HALF, 0.6990),
        (10, BelowLimit.ONE, 0.0),
        (20, BelowLimit.LIMIT, 1.3010),
        (20, BelowLimit.LESS_ONE, 1.2788),
    ],
)
def test_the_numbers_of_the_rules(lloq, rule, log10):
    imputed = impute_amounts(read("<LLOQ", "TND", lloq=lloq), below=rule, not_detected=rule)
    assert np.log10(imputed.values).tolist() == pytest.approx([log10] * 2, abs=5e-5)


def test_each_state_has_its_number_its_flag_or_none():
    results = read("500", "<10 detected", "<10", "TND", ">1.7E8", ">ULOQ", "QNS", "ND", uloq=[NAN] * 8)
    imputed = impute_amounts(results, below=BelowLimit.HALF, not_detected=BelowLimit.ONE)
    assert imputed.values.tolist() == pytest.approx([500, 5, 5, 1, 1.7e8, NAN, NAN, NAN], nan_ok=True)
    assert imputed.is_below.tolist() == [False, True, True, True, False, False, False, False]
    assert imputed.is_above.tolist() == [False, False, False, False, True, True, False, False]


def test_what_has_no_limit_or_no_unit_or_is_in_conflict_has_no_number():
    results = read("TND", "500", "500", lloq=NAN, unit=["IU/mL", None, "IU/mL"])
    conflict = read("500", "600").hulls([0], cause=np.array([Reason.CONFLICT.code], np.uint8))
    for one in (results.take([0, 1]), conflict):
        imputed = impute_amounts(one, below=BelowLimit.HALF, not_detected=BelowLimit.HALF)
        assert np.isnan(imputed.values).all()


def test_less_one_is_refused_where_nothing_would_be_left():
    with pytest.raises(
        ValueError, match=r"LLOQ - 1 of `results\[1\]` must lie above 0, but its limit is 0.05"
    ):
        impute_amounts(read("500", "<0.05"), below=BelowLimit.LESS_ONE, not_detected=BelowLimit.HALF)


def test_plain_numbers_count_as_quantified_and_missing_ones_as_no_result():
    numbers = Known.exactly([5, 6]).take([1, -1])
    results = as_assay_results(numbers)
    assert results.state.tolist() == [State.QUANTIFIED, State.NO_RESULT]
    assert results.quantified.tolist() == [Verdict.MET.code, Reason.MISSING.code]
    assert as_assay_results(results) is results


def test_rows_without_result_are_told_apart_from_undecided_ones():
    nothing = AssayResults.unknown([Reason.MISSING.code, Reason.IMPRECISE_DATE.code])
    assert nothing.state.tolist() == [State.NO_RESULT, State.UNDECIDED]
    assert nothing.detected.tolist() == [Reason.MISSING.code, Reason.IMPRECISE_DATE.code]
    assert len(read().take([-1])) == 1
