"""The design put to the test: virtual trials against theory, the same numbers however they are run, progress over all scenarios."""

import json
from functools import cache

import pytest

from trialwright.design.assumptions import read_basis
from trialwright.design.operating import OPERATING, OWN, Simulation, bases_of, simulate_comparison
from trialwright.design.survival import survival_design
from trialwright.protocol.loading import load_protocol
from trialwright.statistics.survival_design import expected_events
from trialwright.statistics.survival_power import logrank_power

PRTRAS = "nct07120750"


@cache
def basis():
    return read_basis(load_protocol(PRTRAS))


def simulated(trials, **how):
    found = simulate_comparison(basis(), Simulation(trials, seed=3, **how))
    return {row.id.removeprefix(f"{OPERATING}/"): row for row in found.rows}


@pytest.fixture(scope="module")
def hundreds():
    return simulated(400)


def test_the_design_and_every_scenario_that_changes_it_are_simulated(hundreds):
    items = {row.item for row in hundreds.values()}
    assert items == {id_ for id_, _ in bases_of(basis())}
    assert {OWN, "two_proportions", "uneven", "no_effect"} <= items
    assert all(row.n == 400 for row in hundreds.values() if row.statistic == "benefit_shown")


def test_power_is_near_that_of_theory(hundreds):
    """Lakatos' power of the same study; it is asymptotic, so one percent is allowed beside four Monte-Carlo errors."""
    for id_, one in bases_of(basis()):
        if one["hazard ratio"] == 1:
            continue
        theory = logrank_power(survival_design(one), 332, alpha=0.05, sides=2).power
        rate, error = (hundreds[f"{id_}/benefit_shown{end}"].value for end in ("", "_std_error"))
        assert abs(rate - theory) < 4 * error + 0.01, id_
        events, error = (hundreds[f"{id_}/n_events{end}"].value for end in ("", "_std_error"))
        assert abs(events - expected_events(survival_design(one), 332)) < 4 * error, id_


def test_where_nothing_is_different_five_percent_find_a_difference(hundreds):
    rate, error = (hundreds[f"no_effect/rejected{end}"].value for end in ("", "_std_error"))
    assert abs(rate - 0.05) < 4 * error
    assert hundreds["no_effect/rejected"].value == pytest.approx(
        hundreds["no_effect/benefit_shown"].value + hundreds["no_effect/harm_shown"].value
    )
    assert hundreds["no_effect/hazard_ratio"].value == pytest.approx(1, abs=0.05)
    said = json.loads(hundreds["no_effect/rejected"].conventions)
    assert (said["hazard ratio"], said["seed"], said["trials"]) == (1, 3, 400)


def test_the_errors_are_those_of_proportions(hundreds):
    rate = hundreds[f"{OWN}/benefit_shown"].value
    error = hundreds[f"{OWN}/benefit_shown_std_error"].value
    assert error == pytest.approx((rate * (1 - rate) / 400) ** 0.5, rel=0.01)


def test_finished_blocks_are_taken_up_and_progress_counts_all_scenarios(tmp_path):
    told = []
    first = simulated(50, folder=tmp_path / "blocks", on_progress=told.append)
    n = sum(1 for _ in bases_of(basis()))
    assert told[-1].done == told[-1].total == 50 * n
    assert [one.done for one in told] == sorted(one.done for one in told)
    again = []
    assert simulated(50, folder=tmp_path / "blocks", on_progress=again.append) == first
    assert again[-1].done == 50 * n
    assert simulated(50) == first


def test_progress_is_that_of_one_run_so_that_its_rate_is_of_all_scenarios(tmp_path):
    told, again = [], []
    simulated(50, folder=tmp_path, on_progress=told.append)
    n = sum(1 for _ in bases_of(basis()))
    assert [one.done for one in told] == [50 * i for i in range(n + 1)]
    seconds = [one.seconds for one in told]
    assert seconds == sorted(seconds)
    assert [one.rate for one in told[1:]] == [one.done / one.seconds for one in told[1:]]
    simulated(50, folder=tmp_path, on_progress=again.append)
    assert again[-1].resumed == 50 * n
    assert again[-1].rate is None
