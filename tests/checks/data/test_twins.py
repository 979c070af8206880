"""Every check of data by twins: the records of its page laid over a sound study, with the fault and without it."""

import pytest
from tests.checks.data.sound import CUT, SOUND, found_in

from trialwright.checks.data.record_checks import ALL_DATA_CHECKS

# Faults that no data can have alone: what else the broken twin is told.
COMPANIONS = {
    "mixed-studies": {"subject-not-in-dm"},
    "milestone-missing": {"undated-record"},
    "logarithm-as-number": {"below-the-assays-limit"},
    "measure-never-recorded": {"test-not-asked-for"},
}
# What both twins are told: 24 doses by June cannot be four weeks apart.
BOTH = {"too-many-doses": {"interval-too-short"}}


def codes(check, patch):
    cut = CUT if check.code == "after-the-cut" else None
    return {code for code, *_ in found_in(check.base, patch, cut=cut)}


@pytest.mark.parametrize("base", SOUND)
def test_nothing_is_found_in_a_sound_study(base):
    assert found_in(base) == []


@pytest.mark.parametrize("check", [pytest.param(one, id=f"{one.code}_ok") for one in ALL_DATA_CHECKS])
def test_ok(check):
    assert codes(check, check.cure) == BOTH.get(check.code, set())


@pytest.mark.parametrize("check", [pytest.param(one, id=f"{one.code}_broken") for one in ALL_DATA_CHECKS])
def test_broken(check):
    expected = {check.code} | COMPANIONS.get(check.code, set()) | BOTH.get(check.code, set())
    assert codes(check, check.example) == expected
