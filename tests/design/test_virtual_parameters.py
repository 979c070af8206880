"""Parameters come from the protocol: all of them, each within its bounds, and a scenario changes what it says."""

from dataclasses import fields

import pytest
from tests.design.virtual_trials import with_assumptions

from trialwright.design.virtual.parameters import (
    DAYS_A_MONTH,
    EXCLUSIVE,
    Advanced,
    AfterTreatment,
    read_parameters,
)
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol, parse_protocol
from trialwright.vocabulary.problems import ProblemsFound

KINDS = {"nct04294498": Advanced, "nct07120750": AfterTreatment}


def codes(loaded, **more):
    with pytest.raises(ProblemsFound) as found:
        simulate(loaded, seed=1, **more)
    return [problem.code for problem in found.value.problems]


@pytest.mark.parametrize("trial", KINDS)
def test_every_parameter_is_an_assumption_with_its_reason(trial):
    loaded = load_protocol(trial)
    parameters = read_parameters(loaded)
    assert type(parameters) is KINDS[trial]
    for name in (one.name for one in fields(parameters) if one.name != "adverse_events"):
        stated = loaded.protocol.assumptions[name]
        assert stated.text
        assert stated.reason or stated.source
    assert len(parameters.adverse_events) >= 5


def test_lengths_are_days():
    parameters = read_parameters(load_protocol("nct04294498"))
    assert parameters.reactivation_median == 18 * 7
    assert parameters.survival_after_progression == 12 * DAYS_A_MONTH


def test_a_scenario_takes_the_place_of_an_assumption():
    loaded = load_protocol("nct04294498")
    assert read_parameters(loaded).reactivation_rate == 0.041
    assert read_parameters(loaded, "often").reactivation_rate == 0.123
    never = simulate(loaded, seed=1, subjects=200, scenario="none", errors=False)
    assert (never.latent["PRONE_TO_REACTIVATION"] == "N").all()


def test_no_effect_means_none():
    loaded = load_protocol("nct07120750")
    assert read_parameters(loaded, "no_effect").hazard_ratio == 1
    made = simulate(loaded, seed=2, subjects=3000, scenario="no_effect", errors=False).latent
    rates = [
        (made.filter(made["WITH_PEGINTERFERON"] == word)["RECURRENCE_DAY"] <= 1096).mean()
        for word in ("Y", "N")
    ]
    assert abs(rates[0] - rates[1]) < 0.06  # 3 standard errors of a difference of two groups of 1800


def test_an_unknown_scenario_is_told_with_the_nearest():
    with pytest.raises(ProblemsFound, match="did you mean `pooled`") as found:
        simulate(load_protocol("nct04294498"), seed=1, scenario="pooold")
    assert found.value.problems[0].code == "no-such-scenario"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"loss": 1.2}, ["unusable-assumption"], id="a share above 1"),
        pytest.param({"loss": "many"}, ["unusable-assumption"], id="a word for a number"),
        pytest.param({"accrual": -1}, ["unusable-assumption"], id="a negative length"),
        pytest.param(
            {"accrual": 54.5}, ["unusable-assumption"], id="data that end before the last enrolment"
        ),
        pytest.param({"first_enrolment": "spring"}, ["unusable-assumption"], id="no day"),
        pytest.param(
            {"loss": None, "women": None}, ["missing-assumption"] * 2, id="two that are missing, both told"
        ),
        pytest.param({"virtual_patients": "healthy"}, ["no-virtual-patients"], id="patients nobody can make"),
    ],
)
def test_what_cannot_be_used_is_told(change, code):
    assert codes(with_assumptions("nct04294498", **change)) == code


def test_data_may_end_with_the_last_enrolment():
    assert read_parameters(with_assumptions("nct04294498", accrual=54)).accrual == 54 * DAYS_A_MONTH


def test_a_protocol_without_virtual_patients():
    assert codes(load_protocol("hcc-resection")) == ["no-virtual-patients"]


@pytest.mark.parametrize("more", [{"subjects": 0}, {"subjects": -3}, {"trials": 0}])
def test_nobody_cannot_be_simulated(more):
    assert codes(load_protocol("nct04294498"), **more) == ["no-subjects"]


def test_one_subject_is_enough():
    for trial in KINDS:
        assert simulate(load_protocol(trial), seed=1, subjects=1).latent["ENROLLED"].to_list().count("Y") == 1


@pytest.mark.parametrize("trial", KINDS)
def test_extremes_of_every_share(trial):
    """Nobody, and everybody: no parameter that is a share breaks the program at its ends.

    Of shares of which each patient has one at most, the first is everybody and the others nobody.
    """
    loaded = load_protocol(trial)
    shares = [name for name, one in loaded.protocol.assumptions.items() if one.unit == "share"]
    assert len(shares) > 20
    nobody, others = (
        dict.fromkeys(shares, 0),
        [name for names in EXCLUSIVE[KINDS[trial]] for name in names[1:]],
    )
    for values in (nobody, dict.fromkeys(shares, 1) | dict.fromkeys(others, 0)):
        made = simulate(with_assumptions(trial, **values), seed=1, subjects=12, errors=False)
        assert (made.latent["ENROLLED"] == "Y").sum() == 12


def test_without_an_element_the_plan_needs(tmp_path):
    text = (load_protocol("nct04294498").folder / "protocol.yaml").read_text(encoding="utf-8")
    protocol, document = parse_protocol(text.replace("    skipped after: 14 days\n", ""))
    assert codes(LoadedProtocol(protocol, document, tmp_path)) == ["missing-element"]
