"""Verdicts as codes: every answer is that of the verdicts themselves."""

from itertools import product

import pytest

from trialwright.evaluation.codes import VERDICTS, agree, all_of, is_known, negated, told_first
from trialwright.vocabulary.verdicts import Reason, Verdict

SEVERAL = [codes for n in range(4) for codes in product(VERDICTS, repeat=n)]


def test_not_is_not():
    assert [VERDICTS[negated(code)] for code in VERDICTS] == [~verdict for verdict in VERDICTS.values()]


def test_all_of_is_all_of():
    ours = [VERDICTS[all_of(codes)] for codes in SEVERAL]
    assert ours == [Verdict.all_of(VERDICTS[code] for code in codes) for codes in SEVERAL]


def test_only_met_and_not_met_are_known():
    assert [is_known(code) for code in VERDICTS] == [verdict.is_known for verdict in VERDICTS.values()]


@pytest.mark.parametrize("cause", Reason)
def test_several_agree_or_are_unknown_for_the_cause_or_what_is_told_before_it(cause):
    for codes in SEVERAL[1:]:
        one, *others = {VERDICTS[code] for code in codes}
        unknown = [verdict for verdict in (one, *others) if not verdict.is_known]
        expected = Verdict.any_of([Verdict.unknown(cause), *unknown]) if others else one
        assert VERDICTS[agree(codes, cause)] == expected


def test_of_several_reasons_the_one_with_the_greatest_code_is_told():
    assert told_first() is None
    assert told_first(None, None) is None
    for one, other in product(Reason, repeat=2):
        assert told_first(None, one, other) is Verdict.any_of(map(Verdict.unknown, (one, other))).reason
