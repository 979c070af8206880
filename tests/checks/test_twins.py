"""Every check by twins: the lines of its page laid over a sound protocol, with the fault and without it."""

import pytest
from tests.checks.patches import BASES, found_in

from trialwright.checks.protocol_checks import ALL_CHECKS

# Faults that no protocol can have alone: what else the broken twin is told.
COMPANIONS = {}


@pytest.mark.parametrize("base", BASES)
def test_nothing_is_found_in_a_sound_protocol(base):
    assert found_in(base, "") == []


@pytest.mark.parametrize("check", [pytest.param(one, id=f"{one.code}_ok") for one in ALL_CHECKS])
def test_ok(check):
    assert found_in(check.base, check.cure) == []


@pytest.mark.parametrize("check", [pytest.param(one, id=f"{one.code}_broken") for one in ALL_CHECKS])
def test_broken(check):
    found = {code for code, _ in found_in(check.base, check.example)}
    assert found == {check.code} | COMPANIONS.get(check.code, set())
