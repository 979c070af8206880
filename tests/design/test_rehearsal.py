"""The rehearsal: measures worked by hand, truths of patients made by hand, and whole trials against the way a report goes."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.analysis.from_records import analyse_records, parts_by
from trialwright.analysis.results import Results
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.rehearsal import rehearse as rehearsing
from trialwright.design.rehearsal.performance import bias_of, coverage_of, mean_of, share_of, spread_of
from trialwright.design.rehearsal.questions import Question, ask
from trialwright.design.rehearsal.rehearse import BASE, Rehearsal, Scenario, measure, rehearse
from trialwright.design.rehearsal.seen import see_calendar
from trialwright.design.rehearsal.targets import (
    FOLLOWED,
    Lives,
    Target,
    lives_of,
    reactivation_truth,
    reactivations,
    recurrence_truth,
)
from trialwright.design.rehearsal.trials import TrialBlock, rehearse_block
from trialwright.design.virtual.after_treatment_course import Covariates, choose, draw_course
from trialwright.design.virtual.parameters import read_parameters
from trialwright.design.virtual.people import draw_people
from trialwright.design.virtual.plan import read_after_treatment_plan
from trialwright.design.virtual.simulation import simulate
from trialwright.design.virtual.writing import write_simulation
from trialwright.protocol.loading import hash_protocol, load_protocol
from trialwright.reports.blocks import Figure, Row, Table, walk
from trialwright.reports.rehearsal_page import build_rehearsal_page
from trialwright.reports.text import render_page_text
from trialwright.vocabulary.problems import ProblemsFound

TESTS = Path(__file__).parents[1]
PRTRAS, DURVALUMAB = "nct07120750", "nct04294498"
REGISTERED = ("recurrence_curve", "recurrence_logrank", "recurrence_cox")


# --- measures -----------------------------------------------------------------------------------------------------------


def test_measures_of_a_mean_by_hand():
    found = mean_of([1.0, None, 2.0, 6.0])
    assert (found.value, found.n) == (3.0, 3)
    assert found.mc_error == pytest.approx(math.sqrt(7 / 3))  # variance 14 / 2, of 3 values
    spread = spread_of([1.0, None, 2.0, 6.0])
    assert spread.value == pytest.approx(math.sqrt(7))
    assert spread.mc_error == pytest.approx(math.sqrt(7) / 2)  # divided by sqrt(2 (3 - 1))


def test_bias_is_within_the_trials_that_have_both():
    found = bias_of([1.0, 3.0, None, 9.0], [0.0, 1.0, 5.0, None])
    assert (found.value, found.n) == (1.5, 2)
    assert found.mc_error == pytest.approx(math.sqrt(0.5 / 2))


@pytest.mark.parametrize(
    ("low", "high", "held"),
    [
        pytest.param(0.0, 0.4999, False, id="ends just below the truth"),
        pytest.param(0.0, 0.5, True, id="its upper limit is the truth"),
        pytest.param(0.5, 1.0, True, id="its lower limit is the truth"),
        pytest.param(0.5001, 1.0, False, id="begins just above the truth"),
    ],
)
def test_an_interval_holds_its_ends(low, high, held):
    assert coverage_of([low], [high], 0.5).value == held


def test_coverage_is_of_intervals_with_both_limits():
    found = coverage_of([0.0, 0.0, None, 0.4], [1.0, None, 1.0, 0.45], 0.5)
    assert (found.value, found.n) == (0.5, 2)
    assert found.mc_error == pytest.approx(math.sqrt(0.25 / 2))


def test_a_share_of_which_all_trials_agree_is_not_sure():
    found = share_of([False, None, False, False])
    assert (found.value, found.mc_error, found.n, found.low) == (0.0, 0.0, 3, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 3))  # Clopper and Pearson for none of three


def test_where_no_trial_tells_there_is_no_number():
    for found in (
        mean_of([None]),
        spread_of([1.0]),
        bias_of([None], [1.0]),
        share_of([None]),
        coverage_of([], [], 1),
    ):
        assert math.isnan(found.mc_error)
    assert math.isnan(share_of([None]).value)
    assert math.isnan(mean_of([]).value)
    assert mean_of([2.0]).value == 2.0


# --- truths -------------------------------------------------------------------------------------------------------------

LIVES = Lives(
    with_it=np.array([84, 85, 500, 2000]),
    without_it=np.array([1, 84, 400, 1200]),
    propensity=np.array([0.5, 0.2, 0.0, 0.5]),
    lag=np.array([30, 30, 50, 50]),
    interval=84,
    hazard_ratio=0.6,
)


@pytest.mark.parametrize(
    ("target", "truth"),
    [
        pytest.param(Target("risk with", "as it happened", at=84), 1 / 4, id="the day itself counts"),
        pytest.param(Target("risk with", "as it happened", at=85), 2 / 4, id="one day on"),
        pytest.param(Target("risk with", "as planned visits show it", at=167), 1 / 4, id="seen on day 168, not before"),
        pytest.param(Target("risk with", "as planned visits show it", at=168), 2 / 4, id="seen on day 168"),
        pytest.param(Target("risk without", "as planned visits show it", at=83), 0, id="nobody is seen before day 84"),
        pytest.param(Target("difference of risks", "as it happened", at=400), 2 / 4 - 3 / 4, id="treated less not"),
        pytest.param(Target("risk without", "as it happened", at=100, from_treatment=True), 1 / 4, id="days 31 and 114"),
        pytest.param(
            Target("risk without", "as it happened", at=114, from_treatment=True, landmark=31), 1 / 3,
            id="whoever recurred on the landmark is no longer there",
        ),
        pytest.param(
            Target("risk without", "as it happened", "who could have got either", at=84), (0.25 + 0.16) / 0.66,
            id="weights p (1 - p): 0.25, 0.16, 0 and 0.25",
        ),
        pytest.param(Target("hazard ratio of those alike", "as it happened"), math.log(0.6), id="as they were made"),
    ],
)  # fmt: skip
def test_truths_by_hand(target, truth):
    assert recurrence_truth(target, LIVES) == pytest.approx(truth)


def test_a_marginal_hazard_ratio_against_the_partial_likelihood_written_out():
    """Nobody has the same day, so that there is one partial likelihood."""
    rng = np.random.default_rng(3)
    days = rng.permutation(1400)[:24] + 1
    lives = replace(
        LIVES, with_it=days[:12], without_it=days[12:], propensity=rng.uniform(0.1, 0.9, 12), lag=np.zeros(12)
    )
    for population in ("everyone", "who could have got either"):
        weight = np.ones(12) if population == "everyone" else lives.propensity * (1 - lives.propensity)
        found = recurrence_truth(Target("hazard ratio", "as it happened", population), lives)

        def slope(beta, weight=weight):
            total = 0.0
            for day, treated, own in zip(days, [1] * 12 + [0] * 12, [*weight, *weight], strict=True):
                if day > FOLLOWED:
                    continue
                at_risk = [(one >= day) for one in days]
                risk = [
                    w * math.exp(beta * x) * there
                    for w, x, there in zip([*weight, *weight], [1] * 12 + [0] * 12, at_risk, strict=True)
                ]
                total += own * (treated - sum(risk[:12]) / sum(risk))
            return total

        assert slope(found) == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 1500), min_size=3, max_size=12),
    st.sampled_from(["everyone", "who could have got either"]),
)
def test_a_treatment_that_does_nothing_has_no_effect_in_truth(days, population):
    n = len(days)
    lives = Lives(np.array(days), np.array(days), np.full(n, 0.3), np.arange(n), 84, 1.0)
    for reading in ("as it happened", "as planned visits show it"):
        assert recurrence_truth(Target("difference of risks", reading, population, at=1099.0), lives) == 0
        ratio = recurrence_truth(Target("hazard ratio", reading, population), lives)
        assert math.isnan(ratio) or abs(ratio) < 1e-9


def test_nobody_who_could_have_got_either_has_no_truth():
    always = replace(LIVES, propensity=np.ones(4))
    target = Target("difference of risks", "as it happened", "who could have got either", at=84)
    assert math.isnan(recurrence_truth(target, always))


def test_reactivations_count_until_four_weeks_after_the_last_dose():
    from datetime import date, timedelta

    last = date(2027, 1, 1)
    latent = pl.DataFrame(
        {
            "USUBJID": ["in", "on the day", "after", "never", "failed"],
            "ENROLLED": ["Y", "Y", "Y", "Y", "N"],
            "LAST_DOSE": [last] * 4 + [None],
            "REACTIVATION": [last, last + timedelta(28), last + timedelta(29), None, None],
        }
    )
    assert reactivations(latent)["USUBJID"].to_list() == ["in", "on the day"]
    seen = pl.DataFrame({"ELEMENT": ["endpoints.reactivation", "endpoints.flare"], "ANSWER": ["Y", "Y"]})
    assert reactivation_truth(Target("share", "as it happened"), latent, seen) == 2 / 4
    assert reactivation_truth(Target("share", "as planned visits show it"), latent, seen) == 1 / 4


# --- who gets peginterferon ---------------------------------------------------------------------------------------------


def people_of(n, **changes):
    p = replace(read_parameters(load_protocol(PRTRAS)), screen_failures=0.0, **changes)
    people = draw_people(p, 1, 0, n, frame=1096, ages=(18.1, 70.9))
    rng = np.random.default_rng(8)
    no = np.zeros(n, dtype=bool)
    covariates = Covariates(
        rng.random(n) < 0.7,
        np.clip(rng.normal(2.6, 0.8, n), -1, 4.9),
        no,
        no,
        np.full(n, 20.0),
        rng.random(n) < 0.4,
    )
    return p, people, covariates


def test_by_chance_everybody_has_the_same_chance():
    p, people, covariates = people_of(50, share_with_peginterferon=0.3)
    assert set(choose(p, people, covariates)) == {0.3}


def test_odds_multiply_and_the_share_stays():
    p, people, covariates = people_of(
        400,
        share_with_peginterferon=0.3,
        choice_bclc_a=0.3,
        choice_age=0.6,
        choice_hbsag=0.5,
        choice_unmeasured=0.25,
    )
    chance = choose(p, people, covariates)
    assert chance.mean() == pytest.approx(0.3)
    log_odds = np.log(chance / (1 - chance))
    design = np.column_stack(
        [np.ones(400), covariates.bclc_a, people.age / 10.0, covariates.hbsag, covariates.unmeasured]
    )
    found = np.linalg.lstsq(design, log_odds, rcond=None)[0]
    assert np.exp(found[1:]).tolist() == pytest.approx([0.3, 0.6, 0.5, 0.25])


def test_above_the_limit_hardly_anybody_gets_it():
    p, people, covariates = people_of(400, choice_hbsag_limit=3.0, choice_above_limit=0.02)
    chance = choose(p, people, covariates)
    above = covariates.hbsag > 3.0
    assert set(chance[above]) == {0.02}
    assert chance.mean() == pytest.approx(0.5)
    assert len(set(chance[~above])) == 1


def test_what_cannot_be_reached_is_reached_as_far_as_it_can():
    p, people, covariates = people_of(100, choice_hbsag_limit=-2.0, choice_above_limit=0.1)
    assert set(choose(p, people, covariates)) == {0.1}


def test_odds_of_none_are_refused():
    loaded = load_protocol(PRTRAS)
    changed = loaded.protocol.model_copy(deep=True)
    changed.assumptions["choice_age"] = changed.assumptions["choice_age"].model_copy(update={"value": 0})
    with pytest.raises(ProblemsFound, match="must be above 0") as found:
        read_parameters(replace(loaded, protocol=changed))
    assert found.value.problems[0].code == "unusable-assumption"


def course_of(n, scenario=None):
    """The course of n people in one trial, without their records."""
    loaded = load_protocol(PRTRAS)
    p = replace(read_parameters(loaded, scenario), screen_failures=0.0)
    people = draw_people(p, 4, 0, n, frame=1096, ages=(18.1, 70.9))
    return draw_course(p, read_after_treatment_plan(loaded), people, 4, 0)


def test_the_fitter_seem_better_though_nothing_works():
    """As they are, the groups differ; weighted by the true propensity they do not; nor do the two lives of anybody."""
    course = course_of(8_000, "indication")
    assert (course.recurrence_with == course.recurrence_without).all()
    treated, p = course.interferon.decided, course.interferon.propensity
    event = course.recurrence <= 1095
    assert abs(treated.mean() - 0.5) < 4 * 0.5 / math.sqrt(8_000)

    def difference(weight):
        risks = [np.average(event[who], weights=weight[who]) for who in (treated, ~treated)]
        return risks[0] - risks[1]

    error = math.sqrt(2 * 0.25 / 4_000)
    assert difference(np.ones(8_000)) < -3 * error
    assert abs(difference(np.where(treated, 1 - p, p))) < 4 * error


def test_the_life_that_was_lived_is_one_of_the_two():
    course = course_of(3_000)
    lived = np.where(course.interferon.decided, course.recurrence_with, course.recurrence_without)
    assert (course.recurrence == lived).all()
    assert (course.recurrence_with >= course.recurrence_without).all()  # a hazard ratio of 0.6
    share = (course.recurrence_without <= 1096).mean()
    assert abs(share - 0.45) < 4 * math.sqrt(0.25 / 3_000)  # `recurrence_control`


def test_the_lives_of_those_enrolled():
    loaded = load_protocol(PRTRAS)
    made = simulate(loaded, seed=4, subjects=30, errors=False, observed=False)
    lives = lives_of(made.latent, read_parameters(loaded), 84)
    assert len(lives.lag) == 30
    assert (lives.lag >= 28).all()  # assigned from four weeks after radical treatment on
    assert not made.observable.height


def test_nobody_records_the_unmeasured():
    made = simulate(
        load_protocol(PRTRAS), seed=4, subjects=100, scenario="unmeasured", errors=False, observed=False
    )
    has = (made.latent["UNMEASURED"] == "Y").sum()
    assert abs(has / made.latent.height - 0.4) < 4 * math.sqrt(0.24 / made.latent.height)
    for name, table in made.tables.items():
        for column in table.columns:
            assert "UNMEASURED" not in column, name
            if table.schema[column] == pl.String:
                assert not table[column].str.contains("(?i)unmeasured").any(), f"{name}.{column}"


def test_trials_passed_over_change_no_other():
    loaded = load_protocol(DURVALUMAB)
    three = simulate(loaded, seed=3, subjects=6, trials=3)
    last = simulate(loaded, seed=3, subjects=6, trials=1, first=2)
    assert three.latent.filter(pl.col("TRIAL") == "0003").equals(last.latent)
    doses = three.tables["EX"].filter(pl.col("TRIAL") == "0003")
    assert doses.equals(last.tables["EX"].select(doses.columns))
    assert three.observable.filter(pl.col("TRIAL") == "0003").equals(last.observable)


# --- questions ----------------------------------------------------------------------------------------------------------


def test_all_analyses_whose_truth_is_known_but_weighted_curves():
    loaded = load_protocol(PRTRAS)
    asked = ask(loaded.protocol, read_parameters(loaded))
    assert {one.analysis for one in asked} == {
        *REGISTERED, "recurrence_calendar_years", "recurrence_weighted_cox", "recurrence_delayed_entry",
        "recurrence_landmark", "recurrence_naive",
    }  # fmt: skip
    weighted = ask(loaded.protocol, read_parameters(loaded), ["recurrence_weighted_curve"])
    assert {target.population for one in weighted for target in one.targets} == {"who could have got either"}


def test_an_adjusted_ratio_is_of_those_alike_and_an_unadjusted_one_of_a_population():
    loaded = load_protocol(PRTRAS)
    by_name = {
        one.analysis: one
        for one in ask(loaded.protocol, read_parameters(loaded))
        if one.kind == "hazard ratio"
    }
    assert [target.quantity for target in by_name["recurrence_cox"].targets] == [
        "hazard ratio of those alike"
    ]
    weighted = by_name["recurrence_weighted_cox"].targets
    assert {(target.quantity, target.population) for target in weighted} == {
        ("hazard ratio", "who could have got either")
    }


def test_limits_of_a_hazard_ratio_are_held_as_logarithms():
    question = Question("cox", "hazard ratio", {"estimate": "a", "low": "b", "high": "c"})
    assert question.read({"a": -0.5, "b": 1.0, "c": math.e}) == {
        "estimate": -0.5,
        "low": 0.0,
        "high": 1.0,
        "p_value": None,
    }
    assert question.read({"a": None, "b": None}) == dict.fromkeys(("estimate", "low", "high", "p_value"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param({"trials": 0}, "no-trials", "at least 1 trial, not 0", id="no trial"),
        pytest.param(
            {"scenarios": ["indicaton"]},
            "no-such-scenario",
            "did you mean `indication`",
            id="misspelt scenario",
        ),
        pytest.param(
            {"analyses": ["recurrence_coxx"]},
            "no-such-analysis",
            "did you mean `recurrence_cox`",
            id="misspelt",
        ),
        pytest.param(
            {"analyses": ["patients"]}, "nothing-to-rehearse", "`patients` has no number", id="has no truth"
        ),
    ],
)
def test_what_cannot_be_rehearsed_is_told(arguments, code, says):
    with pytest.raises(ProblemsFound, match=says) as found:
        rehearse(load_protocol(PRTRAS), PRTRAS, **{"trials": 2, "seed": 1} | arguments)
    assert [one.code for one in found.value.problems] == [code]


def test_a_cohort_has_no_virtual_patients():
    with pytest.raises(ProblemsFound) as found:
        rehearse(load_protocol("hcc-resection"), "hcc-resection", trials=2, seed=1)
    assert found.value.problems[0].code == "no-virtual-patients"


# --- rows, from trials written by hand ----------------------------------------------------------------------------------

HAND = Target("difference of risks", "as it happened", at=1099.0)
CURVE = Question(
    "recurrence_curve", "difference of risks", {"estimate": "e", "low": "l", "high": "h"}, (HAND,)
)
TEST = Question("recurrence_logrank", "log-rank test", {"p_value": "p"})
COX = Question("recurrence_cox", "hazard ratio", {"estimate": "e", "low": "l", "high": "h", "p_value": "p"})
NONE = Scenario("no_effect", "Peginterferon does nothing", "scenarios.no_effect", is_null=True)
SOME = Scenario(BASE, "As it is", "assumptions", is_null=False)


def trials_by_hand(estimates, limits, p_values, truths):
    rows = []
    for trial, (estimate, (low, high), p, truth) in enumerate(
        zip(estimates, limits, p_values, truths, strict=True)
    ):
        rows += [
            (trial, "estimate", "recurrence_curve", "difference of risks", estimate, low, high, None),
            (trial, "estimate", "recurrence_logrank", "log-rank test", estimate, None, None, p),
            (trial, "estimate", "recurrence_cox", "hazard ratio", estimate, low, high, p),
            (trial, "truth", "", HAND.words, truth, None, None, None),
            (trial, "seen", "", "days waited", float(trial), None, None, None),
        ]
    names = ("TRIAL", "KIND", "ANALYSIS", "NAME", "VALUE", "LOW", "HIGH", "P_VALUE")
    numbers = dict.fromkeys(("VALUE", "LOW", "HIGH", "P_VALUE"), pl.Float64)
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides=numbers)


FOUR = trials_by_hand(
    [-0.2, 0.3, -0.1, None],
    [(-0.3, -0.1), (0.1, 0.5), (-0.3, 0.1), (None, None)],
    [0.049, 0.01, 0.05, None],
    [-0.1, -0.1, -0.2, -0.2],
)


def rows_of(frame, scenario=SOME, questions=(CURVE, TEST, COX)):
    rows = measure(load_protocol(PRTRAS), questions, [scenario], {scenario.id: frame})
    return {row.id: row for row in rows}


def test_rows_of_four_trials_by_hand():
    rows = rows_of(FOUR)
    here = "recurrence_curve/as assumed/difference of risks"
    against = f"{here} against {HAND.words}"
    expected = {
        f"{here}/n_trials": 4, f"{here}/n_with_limits": 3, f"{here}/mean": 0.0, f"{against}/target": -0.15,
        f"{against}/bias": (-0.1 + 0.4 + 0.1) / 3, f"{against}/coverage": 2 / 3, f"{here}/power": 2 / 3,
        f"{here}/shown_better": 1 / 3, f"{here}/shown_worse": 1 / 3,
    }  # fmt: skip
    assert {id_: rows[id_].value for id_ in expected} == pytest.approx(expected)
    assert rows[f"{against}/coverage"].n == 3
    assert rows["virtual trials/as assumed/days waited/mean"].value == 1.5


def test_a_p_value_at_the_level_does_not_reject():
    """0.049 and 0.01 do at the protocol's level of 0.05; 0.05 itself does not; a trial without one does not count."""
    rows = rows_of(FOUR)
    power = rows["recurrence_logrank/as assumed/log-rank test/power"]
    assert (power.value, power.n) == (pytest.approx(2 / 3), 3)
    assert rows["recurrence_logrank/as assumed/log-rank test/shown_worse"].value == pytest.approx(1 / 3)


def test_where_nothing_works_a_rejection_is_an_error():
    rows = rows_of(FOUR, NONE)
    assert rows["recurrence_cox/no_effect/hazard ratio/type_i_error"].value == pytest.approx(2 / 3)
    assert not any(id_.endswith("/power") for id_ in rows)
    assert not any(id_.endswith("/type_i_error") for id_ in rows_of(FOUR, SOME))


def test_below_zero_is_better():
    """Fewer recurrences than expected, a hazard ratio below 1, a lower risk."""
    frame = trials_by_hand([-0.2, -0.3], [(-0.3, -0.1), (-0.5, -0.1)], [0.01, 0.02], [0.0, 0.0])
    rows = rows_of(frame, NONE)
    for here in (
        "curve/no_effect/difference of risks",
        "logrank/no_effect/log-rank test",
        "cox/no_effect/hazard ratio",
    ):
        assert rows[f"recurrence_{here}/shown_better"].value == 1
        assert rows[f"recurrence_{here}/shown_worse"].value == 0


def test_what_no_trial_could_estimate_says_so():
    none = trials_by_hand([None] * 3, [(None, None)] * 3, [None] * 3, [-0.1] * 3)
    rows = rows_of(none)
    for statistic in ("mean", "power", "shown_better"):
        row = rows[f"recurrence_curve/as assumed/difference of risks/{statistic}"]
        assert (row.value, row.note, row.n) == (None, "too few trials could tell", 0)


def page_of(frame, scenario=SOME, questions=(CURVE, TEST, COX)):
    loaded = load_protocol(PRTRAS)
    rows = tuple(measure(loaded, questions, [scenario], {scenario.id: frame}))
    results = Results(
        rows, (), {"data": {"virtual trials of each scenario": frame["TRIAL"].n_unique()}}, is_simulated=True
    )
    return build_rehearsal_page(Rehearsal(loaded, questions, (scenario,), 4, 1, 332, results))


def printed(page):
    """The lines of the page, single spaces between words."""
    return [" ".join(line.split()) for line in render_page_text(page, width=120).splitlines()]


def test_the_page_prints_what_the_rows_say():
    """Two of three is 66.7 %. Its lower limit q has 3 q² - 2 q³ = 0.025, so 9.4 %, its upper is the third root of 0.975, so
    99.2 %; those of one of three are what these leave. The biases are -0.1, 0.4 and 0.1, their variance 0.19 / 3."""
    lines = printed(page_of(FOUR))
    assert "As assumed 66.7 % (9.4 to 99.2) – 33.3 % (0.8 to 90.6) 33.3 % (0.8 to 90.6) 3" in lines
    assert "As assumed −15.0 % 0.0 % 13.3 ± 14.5 26.5 66.7 % (9.4 to 99.2) 3" in lines
    assert "As assumed 1.50 ± 0.65 4" in lines


def test_where_all_trials_agree_nothing_is_said_to_be_without_error():
    """None of three: up to 1 less the third root of 0.025, 70.8 %; all of three: from 29.2 %."""
    frame = trials_by_hand([-0.2] * 3, [(-0.3, -0.1)] * 3, [0.2] * 3, [-0.2] * 3)
    crossed = [
        (trial, "seen", "", name, 0.1 * share, None, None, None)
        for trial in range(3)
        for name, share in (
            ("trials in which the boundary is crossed", 0.0),
            ("participants whose result is known", 3.0),
        )
    ]
    page = page_of(pl.concat([frame, pl.DataFrame(crossed, schema=frame.schema, orient="row")]))
    lines = [line.lower() for line in printed(page)]
    # the limits of the difference leave out 0 in all trials, no p-value is below the level, every interval holds the truth
    assert "as assumed 100.0 % (29.2 to 100.0) – 100.0 % (29.2 to 100.0) 0.0 % (0.0 to 70.8) 3" in lines
    assert "as assumed 0.0 % (0.0 to 70.8) – 0.0 % (0.0 to 70.8) 0.0 % (0.0 to 70.8) 3" in lines
    assert "as assumed −20.0 % −20.0 % 0.0 0.0 100.0 % (29.2 to 100.0) 3" in lines
    assert "as assumed 0.0 % (0.0 to 70.8) 3" in lines
    assert "as assumed 30.0 % 3" in lines
    assert not [
        line for line in lines if line.startswith("as assumed") and "±" in line and "1.00 ± 0.58" not in line
    ]


def test_a_page_of_nothing_says_so_and_draws_nothing():
    none = trials_by_hand([None] * 3, [(None, None)] * 3, [None] * 3, [-0.1] * 3)
    page = page_of(none)
    tables = {block.id: block for block in walk(page.sections) if isinstance(block, Table)}
    for name in ("table-rehearsal-conclusions", "table-rehearsal-bias"):
        cells = [cell.plain for row in tables[name].rows if isinstance(row, Row) for cell in row.cells]
        assert {"too few trials could tell", "none"} <= set(cells)
    assert not [block for block in walk(page.sections) if isinstance(block, Figure)]


def test_figures_hold_every_number_of_the_table():
    figures = {block.id: block for block in walk(page_of(FOUR).sections) if isinstance(block, Figure)}
    drawn = [
        point["id"]
        for point in figures["figure-rehearsal-conclusions"].spec["datasets"]["points"]
        if "id" in point
    ]
    assert drawn == [
        f"{analysis}/as assumed/{name}/power"
        for analysis, name in (
            ("recurrence_curve", "difference of risks"), ("recurrence_logrank", "log-rank test"), ("recurrence_cox", "hazard ratio"),
        )
    ]  # fmt: skip
    assert "figure-rehearsal-bias-difference-of-risks" in figures


def test_what_nothing_runs_is_named():
    loaded = load_protocol(PRTRAS)
    imaging = loaded.protocol.visits["imaging"].model_copy(update={"repeat_within": None})
    without = loaded.protocol.model_copy(update={"visits": {**loaded.protocol.visits, "imaging": imaging}})
    rows = [
        measure(one, (CURVE,), [SOME], {SOME.id: FOUR}) for one in (loaded, replace(loaded, protocol=without))
    ]
    none, waiting = ([row for row in some if row.analysis == "clocks"] for some in rows)
    assert none == []
    assert [row.item for row in waiting] == ["deviations.scan_unusable"]
    assert all(row.value is None and row.note.startswith("not executable yet") for row in waiting)


def test_how_often_a_clock_is_broken_is_the_mean_of_the_trials_that_tell():
    kept = [
        (trial, "kept", "clocks.x", "missed", share, None, None, None)
        for trial, share in enumerate((0.1, None, 0.3))
    ]
    rows = rows_of(pl.concat([FOUR, pl.DataFrame(kept, schema=FOUR.schema, orient="row")]))
    row = rows["clocks/as assumed/clocks.x/missed"]
    assert (row.value, row.n) == (pytest.approx(0.2), 2)


def test_the_shares_of_each_trial_are_those_of_its_rows():
    loaded = load_protocol(DURVALUMAB)
    made = simulate(loaded, seed=3, subjects=12, trials=2)
    study = make_study(loaded, made.tables, keys=["TRIAL"])
    clocks = derive_datasets(study, only=["ADCLOCK"]).tables["ADCLOCK"]
    seen = see_calendar(clocks, "TRIAL")
    assert list(seen) == ["0001", "0002"]
    for trial, told in seen.items():
        rows = clocks.filter(pl.col("TRIAL") == trial).to_dicts()
        assert list(dict.fromkeys(element for element, _, _ in told)) == list(
            dict.fromkeys(row["PROTOCOL"] for row in rows)
        )
        for element, name, share in told:
            due = [
                row
                for row in rows
                if row["PROTOCOL"] == element and row["AVALC"] not in ("not due", "not applicable")
            ]
            broken = [row for row in due if row["AVALC"] == ("late" if name == "late" else "missed")]
            if name == "participants_missed":
                due, broken = ({row["USUBJID"] for row in some} for some in (due, broken))
            assert share == (len(broken) / len(due) if due else None), (element, name)


# --- whole trials -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rehearsal():
    """Two small trials each where the treatment works and where it does not."""
    return rehearse(
        load_protocol(PRTRAS),
        PRTRAS,
        trials=2,
        seed=1,
        subjects=40,
        scenarios=["no_effect"],
        analyses=REGISTERED,
    )


def test_the_same_chances_in_every_scenario(rehearsal):
    """With nothing else changed, those without peginterferon recur alike."""
    words = Target("risk without", "as it happened", at=1099.0).words
    base, none = (
        rehearsal.results[f"recurrence_curve/{one.id}/risk, na against {words}/target"].value
        for one in rehearsal.scenarios
    )
    assert base == none
    assert [one.is_null for one in rehearsal.scenarios] == [False, True]


def test_every_row_is_marked_and_the_page_prints_them(rehearsal):
    assert rehearsal.results.to_frame()["SIMULATED"].unique().to_list() == ["Y"]
    page = build_rehearsal_page(rehearsal)
    assert "SIMULATED" in page.stamp
    text = render_page_text(page, width=100)
    for words in (
        "No patient here is real",
        "Few trials",
        "Log-rank test of recurrence",
        "no_effect",
        "Nothing that the protocol asks for",
        "MRI of the liver",
        "No effect (no_effect)",
        "Hazard of recurrence with",
    ):
        assert words in text


def test_the_page_reads_as_the_one_that_was_read(rehearsal):
    """Read before it was accepted; hashes and versions, its last section, are not kept."""
    text = render_page_text(build_rehearsal_page(rehearsal)).partition("How this was made")[0].rstrip() + "\n"
    assert text == (TESTS / "golden" / "rehearsal" / "nct07120750.txt").read_text(encoding="utf-8")


def test_what_the_page_counts_is_counted_again_from_the_rows_of_the_trials(rehearsal):
    """Of each trial by itself, in plain Python: what happened from the truth, what was missed and found from records."""
    loaded = load_protocol(PRTRAS)
    happened, found, without, beyond = [], [], [], []
    for number in range(2):
        made = simulate(loaded, seed=1, subjects=40, first=number, errors=False, observed=False)
        people = [row for row in made.latent.to_dicts() if row["ENROLLED"] == "Y"]
        recurred = {row["USUBJID"]: row["RECURRENCE"] for row in people if row["RECURRENCE"]}
        happened.append(len(recurred))
        without.append(sum(row["RECURRENCE_DAY_WITHOUT"] <= 1099 for row in people) / 40)
        adtte = derive_datasets(make_study(loaded, made.tables), only=["ADTTE"]).tables["ADTTE"]
        told = adtte.filter(PARAMCD="RECURRENCE", ANL01FL="Y", CNSR=0)["USUBJID"].to_list()
        found.append(len(recurred.keys() & set(told)) / len(recurred))
        baseline = {}
        for row in made.tables["LB"].filter(LBTESTCD="HBVVLD", VISITNUM=1.0).iter_rows(named=True):
            baseline[row["USUBJID"]] = row["LBSTRESN"] is None
        beyond.append(sum(baseline[row["USUBJID"]] for row in people) / 40)
    for name, values in (
        ("recurrences that happened under watch, for each trial", happened),
        ("recurrences that happened under watch and were found", found),
        ("participants whose HBV DNA at the start lies beyond a limit of the assay", beyond),
    ):
        row = rehearsal.results[f"virtual trials/as assumed/{name}/mean"]
        assert row.value == pytest.approx(sum(values) / 2), name
        error = rehearsal.results[f"virtual trials/as assumed/{name}/mean_mc_error"].value
        assert error == pytest.approx(abs(values[0] - values[1]) / 2), name  # sd of two over the root of two
    words = Target("risk without", "as it happened", at=1099.0).words
    row = rehearsal.results[f"recurrence_curve/as assumed/risk, na against {words}/target"]
    assert row.value == pytest.approx(sum(without) / 2)


def block(protocol, **changes):
    sha256 = hash_protocol(load_protocol(protocol).protocol)
    return replace(TrialBlock(protocol, sha256, None, (), 7, 0, 2, 10), **changes)


@pytest.fixture(scope="module")
def durvalumab():
    return rehearse_block(block(DURVALUMAB, scenario="often"))


def test_blocks_make_no_difference(durvalumab):
    alone = rehearse_block(block(DURVALUMAB, scenario="often", first=1, n=1))
    assert durvalumab.filter(pl.col("TRIAL") == 1).equals(alone)
    assert durvalumab["TRIAL"].unique().sort().to_list() == [0, 1]


def test_a_block_finds_what_a_report_would(durvalumab, tmp_path):
    """The same trial written to files, read, derived whole and analysed as `trialwright report` does it."""
    loaded = load_protocol(DURVALUMAB)
    write_simulation(loaded, tmp_path / "out", seed=7, subjects=10, scenario="often", errors=False)
    results = analyse_records(loaded, tmp_path / "out" / "simulated").results
    first = durvalumab.filter((pl.col("TRIAL") == 0) & (pl.col("KIND") == "estimate"))
    assert first.height == 4
    for row in first.iter_rows(named=True):
        for part, statistic in (("VALUE", "proportion"), ("LOW", "conf_low"), ("HIGH", "conf_high")):
            assert row[part] == results[f"{row['ANALYSIS']}/{statistic}"].value


def test_a_protocol_that_changed_meanwhile_is_refused():
    with pytest.raises(ValueError, match="was changed while its rehearsal ran"):
        rehearse_block(block(DURVALUMAB, sha256="0" * 64))


def test_blocks_have_about_as_many_people(monkeypatch):
    """Small trials go together, large ones alone, and none is forgotten: eighteen of 332 are just under 6,000 people."""
    made = []
    monkeypatch.setattr(
        rehearsing, "run_blocks", lambda _, blocks, **__: made.extend(blocks) or [FOUR] * len(blocks)
    )
    with pytest.raises(KeyError):  # what four trials by hand cannot answer
        rehearse(load_protocol(PRTRAS), PRTRAS, trials=21, seed=1, analyses=REGISTERED)
    assert [(one.first, one.n) for one in made] == [(0, 18), (18, 3)]


@pytest.mark.slow
def test_the_registered_test_holds_its_level_where_chance_decides_and_not_where_hbsag_does():
    """Both times peginterferon does nothing; in the second hardly anybody with much HBsAg, and so with more recurrences, gets it."""
    found = rehearse(
        load_protocol(PRTRAS),
        PRTRAS,
        trials=60,
        seed=5,
        scenarios=["no_effect", "positivity"],
        analyses=["recurrence_logrank"],
    )
    here = "recurrence_logrank/{}/log-rank test/{}"
    error = math.sqrt(0.05 * 0.95 / 60)
    assert abs(found.results[here.format("no_effect", "type_i_error")].value - 0.05) < 4 * error
    assert found.results[here.format("positivity", "shown_better")].value > 0.05 + 4 * error
    assert found.results[here.format("positivity", "shown_worse")].value < 0.05 + 4 * error


def test_rows_of_a_trial_are_told_apart_wherever_they_stand():
    rows = [("0002", 1), ("0002", 2), ("0001", 3)]
    for table in (rows, [*rows, ("0002", 4)], []):
        frame = pl.DataFrame(table, schema={"TRIAL": pl.String, "x": pl.Int64}, orient="row")
        found = {trial: part["x"].to_list() for trial, part in parts_by(frame, "TRIAL").items()}
        expected = {trial: [x for one, x in table if one == trial] for trial, _ in table}
        assert found == expected
        assert list(found) == list(expected)
