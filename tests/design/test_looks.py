"""Looks before the end: against rpact and gsDesign, by hand, by a second computation; what cannot be; virtual trials beside theory."""

import json
import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.checks.patches import load, patched, read_yaml, sound

from trialwright.checks.planned_looks import COMMON_SPENDING, PlannedLooks
from trialwright.checks.protocol_checks import check_protocol
from trialwright.design.assumptions import read_basis
from trialwright.design.audit import audit_design, audit_in_brief
from trialwright.design.live import final_boundaries
from trialwright.design.looks_audit import LOOKS, audit_looks
from trialwright.design.operating import OPERATING, OWN, Simulation, bases_of, looks_of, simulate_comparison
from trialwright.design.reach import Comparison
from trialwright.design.survival import survival_design
from trialwright.design.survival_simulation.characteristics import operating_characteristics
from trialwright.design.survival_simulation.looks import Look, sequential_looks
from trialwright.design.survival_simulation.simulation import SimulatedDesign, simulate_design
from trialwright.protocol.loading import load_protocol
from trialwright.protocol.model import Looks, Variation
from trialwright.reports.blocks import Figure, Table, walk
from trialwright.reports.design_page import build_design_page
from trialwright.reports.text import render_page_text
from trialwright.statistics.group_sequential import SequentialBoundaries
from trialwright.vocabulary.documents import read_document
from trialwright.vocabulary.elements import validate_document
from trialwright.vocabulary.problems import ProblemsFound, Severity

TESTS = Path(__file__).parents[1]
PRTRAS, HCC = "nct07120750", "nct04294498"
NORMAL = NormalDist()
RPACT = json.loads((TESTS / "oracle" / "group_sequential" / "expected.json").read_text(encoding="utf-8"))[
    "designs"
]
OBRIEN_FLEMING = {"at": [0.5, 0.75], "efficacy": {"spending": "obrien-fleming"}}
FUTILE = OBRIEN_FLEMING | {"futility": {"spending": "hwang-shih-decani", "gamma": -2.0}}

load_protocol = cache(load_protocol)  # reading a file takes longer than all else here


def protocol_with(looks, *, trial=PRTRAS, enrolment=None, assumed=(), **stated):
    """The protocol with looks, and other numbers; the places stay those of the file as it is shipped."""
    loaded = load_protocol(trial)
    protocol = loaded.protocol
    planned = None if looks is None else Looks.model_validate(looks)
    design = protocol.design.model_copy(update={"looks": planned} | stated)
    assumptions = dict(protocol.assumptions)
    for name, number in dict(assumed).items():
        assumptions[name] = assumptions[name].model_copy(update={"value": number})
    study = protocol.study.model_copy(update={"enrolment": enrolment or protocol.study.enrolment})
    update = {"design": design, "assumptions": assumptions, "study": study}
    return replace(loaded, protocol=protocol.model_copy(update=update))


def looked_at(looks, **changes):
    """The rows about looks: their values by id, without the name of the analysis."""
    rows = audit_looks(read_basis(protocol_with(looks, **changes))).rows
    return {row.id.removeprefix(f"{LOOKS}/"): row.value for row in rows}


def row_of(looks, id_, **changes):
    rows = audit_looks(read_basis(protocol_with(looks, **changes))).rows
    return next(row for row in rows if row.id == f"{LOOKS}/{id_}")


# --- against other programs ---------------------------------------------------------------------------------------------


def as_stated(row):
    """A design of rpact as a protocol states it."""
    named = {"obrien_fleming": "obrien-fleming", "pocock": "pocock", "hwang_shih_decani": "hwang-shih-decani"}

    def spending(which):
        gamma = row[f"{which}_gamma"]
        stated = {"spending": named[row[f"{which}_spending"]]}
        return stated if gamma is None else stated | {"gamma": float(gamma)}

    looks = {"at": row["fractions"][:-1], "efficacy": spending("efficacy")}
    if row["futility_spending"] != "none":
        looks["futility"] = spending("futility") | {"binding": bool(row["binding"])}
    return looks


@pytest.mark.parametrize("row", RPACT[::3])
def test_designs_of_rpact(row):
    """Boundaries, inflation, and expected events as shares of those of one test, by rpact 3.3.4 (`tests/oracle/group_sequential`)."""
    looks = as_stated(row)
    name = looks["efficacy"]["spending"]
    found = looked_at(
        looks, alpha=row["alpha"], power=row["power"], assumed={"sides_of_the_test": row["sides"]}
    )
    z = (NORMAL.inv_cdf(1 - row["alpha"] / row["sides"]) + NORMAL.inv_cdf(row["power"])) ** 2
    once = z / (0.25 * math.log(0.6) ** 2)  # Schoenfeld, equal groups
    numbers = range(1, len(row["fractions"]) + 1)
    assert [found[f"{name}, look {k}/z"] for k in numbers] == pytest.approx(row["efficacy"], abs=1e-7)
    assert found[f"{name}/inflation"] == pytest.approx(row["inflation"], abs=1e-7)
    assert found[f"{name}/n_events_exact"] == pytest.approx(once * row["inflation"], rel=1e-7)
    for told, expected in (("hypothesis", "expected_under_drift"), ("no_effect", "expected_under_null")):
        assert found[f"{name}/n_events_{told}"] == pytest.approx(once * row[expected], rel=1e-6)
    if row["futility"] is not None:
        lower = [found[f"{name}, look {k}/futility_z"] for k in numbers]
        assert lower[:-1] == pytest.approx(row["futility"][:-1], abs=1e-7)
        assert lower[-1] == found[f"{name}, look {numbers[-1]}/z"]


def test_boundaries_and_what_they_mean_by_hand():
    """z as printed on the help page of gsDesign's gs_b; spent so far 2 (2 - 2 Phi(2.241403 / sqrt(t))), Lan and DeMets 1983; the
    hazard ratio exp(-z / sqrt(d q (1 - q))), for equal groups exp(-2 z / sqrt(d)).
    """
    for share in (0.5, 0.3):
        found = looked_at(
            OBRIEN_FLEMING, events=140, hazard_ratio=0.6, assumed={"share_with_peginterferon": share}
        )
        looks = ((0.5, 2.962588, 70, 70), (0.75, 2.359018, 105, 105), (1, 2.014084, 140, 140))
        for k, (fraction, z, events, whole) in enumerate(looks, 1):
            here = f"obrien-fleming, look {k}"
            ratio = math.exp(-z / math.sqrt(events * share * (1 - share)))
            assert found[f"{here}/fraction"] == fraction
            assert found[f"{here}/z"] == pytest.approx(z, abs=6e-7)
            assert found[f"{here}/p_value"] == pytest.approx(2 * NORMAL.cdf(-z), rel=1e-5)
            assert (found[f"{here}/n_events_exact"], found[f"{here}/n_events"]) == (events, whole)
            assert found[f"{here}/hazard_ratio"] == pytest.approx(ratio, abs=1e-6)
            # 45 % among controls; 1 - 0.55^HR among the treated
            assert found[f"{here}/risk_difference"] == pytest.approx(0.45 - (1 - 0.55**ratio), abs=1e-6)
        for k, fraction in ((1, 0.5), (2, 0.75)):
            spent = 2 * (2 - 2 * NORMAL.cdf(NORMAL.inv_cdf(1 - 0.0125) / math.sqrt(fraction)))
            assert found[f"obrien-fleming, look {k}/alpha_spent"] == pytest.approx(spent, rel=1e-9)
        assert found["obrien-fleming, look 3/alpha_spent"] == pytest.approx(0.05, rel=1e-9)


def test_events_of_a_look_are_rounded_up():
    found = looked_at(OBRIEN_FLEMING, events=141)
    assert [found[f"obrien-fleming, look {k}/n_events"] for k in (1, 2, 3)] == [71, 106, 141]
    assert found["obrien-fleming, look 1/n_events_exact"] == 70.5


def ends(fractions, upper, drift, flat=None):
    """Chances to cross above, below and (between -flat and flat) for futility at each look: densities of a Brownian motion carried
    from look to look on a fine grid.
    """
    grid, step = np.linspace(-8, 8, 1601, retstep=True)
    found, density, before = [], None, 0.0
    for k, t in enumerate(fractions):
        apart = t - before
        move = np.exp(-((grid[:, None] - grid - drift * apart) ** 2) / (2 * apart)) / math.sqrt(
            2 * math.pi * apart
        )
        density = move[:, 800] if density is None else step * move @ density
        bound = upper[k] * math.sqrt(t)
        inner = flat[k] * math.sqrt(t) if flat is not None else -1.0
        found.append(
            (
                step * density[grid >= bound].sum(),
                step * density[grid <= -bound].sum(),
                step * density[np.abs(grid) <= inner].sum(),
            )
        )
        density = density * (np.abs(grid) < bound) * (np.abs(grid) > inner)
        before = t
    return np.array(found)


@pytest.mark.parametrize("looks", [OBRIEN_FLEMING, FUTILE], ids=["efficacy", "with futility"])
def test_what_each_look_does_by_a_second_computation(looks):
    """On a grid of steps of 0.01 in z sqrt(t), by which tails are known to about 0.004."""
    found = looked_at(looks, events=130)
    at, fractions = [f"obrien-fleming, look {k}" for k in (1, 2, 3)], (0.5, 0.75, 1.0)
    upper = [found[f"{one}/z"] for one in at]
    flat = [found[f"{one}/futility_z"] for one in at] if "futility" in looks else None
    drift = -math.log(0.6) * math.sqrt(130 / 4)
    for words, mean in (("hypothesis", drift), ("no_effect", 0.0)):
        chances = ends(fractions, upper, mean, flat)
        early = chances[:2].sum(axis=1)
        told = [found[f"{one}/ends_{words}"] for one in at]
        assert told == pytest.approx([*early, 1 - early.sum()], abs=0.004)
        assert sum(told) == pytest.approx(1, abs=1e-12)
        if mean:
            assert [found[f"{one}/power"] for one in at] == pytest.approx(np.cumsum(chances[:, 0]), abs=0.004)
        if flat is not None:
            futile = [found[f"{one}/futile_{words}"] for one in at]
            assert futile == pytest.approx(chances[:, 2], abs=0.004)


def test_a_look_that_spends_nothing_cannot_stop():
    """O'Brien and Fleming spend 2 (2 - 2 Phi(2.2414 / 0.1)) at one hundredth, nothing that a double can tell from 0."""
    row = row_of(OBRIEN_FLEMING | {"at": [0.01, 0.5]}, "obrien-fleming, look 1/z")
    assert (row.value, row.note) == (None, "cannot stop here")


# --- a design with looks ------------------------------------------------------------------------------------------------


def test_the_looks_of_the_design_come_first_and_the_others_beside():
    basis = read_basis(protocol_with(FUTILE | {"efficacy": {"spending": "hwang-shih-decani", "gamma": -4.0}}))
    items = [row.item for row in audit_looks(basis).rows if row.statistic == "inflation"]
    assert items == ["hwang-shih-decani", "obrien-fleming", "pocock"]
    assert [row.item for row in audit_looks(read_basis(protocol_with(FUTILE))).rows if row.statistic == "inflation"] == [
        "obrien-fleming",
        "pocock",
    ]  # fmt: skip


def test_without_looks_only_the_cost_of_some_is_told():
    """At 50 % and 75 %, z as gsDesign prints them; the design itself stays what it is."""
    found = looked_at(None)
    z = [found[f"obrien-fleming, look {k}/z"] for k in (1, 2, 3)]
    assert z == pytest.approx((2.962588, 2.359018, 2.014084), abs=6e-7)
    assert not [id_ for id_ in found if id_.endswith(("/p_value", "/hazard_ratio", "/power", "/month"))]
    assert found["one test/n_events"] == 121
    assert found["one test/z"] == pytest.approx(1.959964, abs=1e-6)
    assert found["one test/power_of_n"] == read_basis(load_protocol(PRTRAS)).comparison.power_of(332)
    assert read_basis(load_protocol(PRTRAS)).comparison.looks is None
    told = audit_looks(read_basis(load_protocol(PRTRAS)))
    assert json.loads(told.rows[0].conventions)["in the protocol"] is False


def test_which_looks_are_tried_can_be_said():
    found = looked_at(None, vary=Variation.model_validate({"looks": ["30 %"]}))
    fractions = {id_: value for id_, value in found.items() if id_.endswith("/fraction")}
    assert fractions == {
        f"{name}, look {k}/fraction": at
        for name in ("obrien-fleming", "pocock")
        for k, at in ((1, 0.3), (2, 1.0))
    }


def test_with_looks_all_numbers_of_the_audit_count_them():
    """Each number of events is that of one test times the inflation, and the number that is asked for has the power."""
    once, looked = (read_basis(protocol_with(looks)).comparison for looks in (None, FUTILE))
    inflation = looked_at(FUTILE)["obrien-fleming/inflation"]
    for formula in ("schoenfeld", "freedman"):
        exact = once.events_by(formula).exact * inflation
        needed = looked.events_by(formula)
        assert (needed.exact, needed.n_events) == (pytest.approx(exact), math.ceil(exact))
    for method in ("schoenfeld", "freedman", "two proportions"):
        assert looked.subjects_by(method).exact == pytest.approx(once.subjects_by(method).exact * inflation)
    assert looked.power_of(looked.subjects_by("schoenfeld").exact) == pytest.approx(0.8, abs=1e-9)
    ratio = 1 / looked.hazard_ratio
    turned = replace(looked, hazard_ratio=ratio)
    assert turned.power_of(300) > 0.5  # a formula knows no direction


comparisons = st.builds(
    Comparison,
    hazard_ratio=st.floats(0.3, 0.8),
    reference_rate=st.floats(0.2, 0.8),
    share_treated=st.floats(0.2, 0.8),
    loss=st.floats(0, 0.4),
    alpha=st.sampled_from([0.01, 0.05]),
    sides=st.sampled_from([1, 2]),
    power=st.sampled_from([0.7, 0.9]),
)
plans = st.builds(
    PlannedLooks,
    fractions=st.sampled_from([(0.5, 1.0), (0.5, 0.75, 1.0), (0.2, 0.6, 1.0)]),
    efficacy=st.sampled_from(list(COMMON_SPENDING.values())),
    futility=st.sampled_from([None, *COMMON_SPENDING.values()]),
)


@settings(deadline=None, max_examples=25)
@given(comparisons, plans, st.floats(50, 2000))
def test_looks_cost_power_and_events_and_nothing_else(comparison, plan, n):
    looked = replace(comparison, looks=plan)
    assert looked.inflation >= 1
    assert looked.power_of(n) <= comparison.power_of(n) + 1e-9
    assert looked.power_of(looked.subjects_by("schoenfeld").exact) == pytest.approx(
        comparison.power, abs=1e-8
    )
    none = replace(looked, hazard_ratio=1.0).power_of(n)
    assert none <= comparison.alpha / comparison.sides + 1e-9  # futility that is not binding spends no more
    assert plan.futility is not None or none == pytest.approx(comparison.alpha / comparison.sides, abs=1e-9)


def test_a_number_short_of_its_power_through_its_looks_is_told():
    """332 reach 81.4 % by one test and 80.7 % by looks of O'Brien and Fleming; Pocock's ask for 376."""
    assert audit_in_brief(protocol_with(OBRIEN_FLEMING)).problems == ()
    (told,) = audit_in_brief(protocol_with(OBRIEN_FLEMING | {"efficacy": {"spending": "pocock"}})).problems
    assert told.code == "design-short-of-power"
    assert "(Schoenfeld, with its looks)" in told.message
    assert "the nearest that reaches it, the rest as it is: 376 participants" in told.fix
    enough = audit_in_brief(
        protocol_with({"at": [0.5, 0.75], "efficacy": {"spending": "pocock"}}, enrolment=376)
    )
    assert enough.problems == ()


def test_the_month_of_a_look_is_that_of_its_events():
    """The calendar tells events month by month; those of a look lie between."""
    audit = audit_design(protocol_with(OBRIEN_FLEMING))
    value = {row.id: row.value for row in audit.results.rows}
    curve = sorted((row.time, row.value) for row in audit.results.of("design survival")
                   if row.item == "calendar" and row.statistic == "n_events")  # fmt: skip
    for k in (1, 2, 3):
        here = f"{LOOKS}/obrien-fleming, look {k}"
        events = value[f"{here}/n_events_exact"]
        before = max(month for month, n in curve if n < events)
        after = min(month for month, n in curve if n >= events)
        assert before < value[f"{here}/month"] <= after
    short = row_of(OBRIEN_FLEMING, "obrien-fleming, look 3/month", enrolment=200)
    assert (short.value, short.note) == (None, "not reached")
    assert row_of(OBRIEN_FLEMING, "obrien-fleming, look 1/month", enrolment=200).value is not None


def test_the_final_test_of_a_running_trial_has_the_boundaries_of_its_looks():
    once, looked = (read_basis(protocol_with(looks)).comparison for looks in (None, FUTILE))
    assert final_boundaries(once).efficacy == pytest.approx((1.959964,), abs=1e-6)
    found = final_boundaries(looked)
    assert found.efficacy == pytest.approx((2.962588, 2.359018, 2.014084), abs=6e-7)
    assert found.futility is None  # nobody is bound to it
    bound = FUTILE | {"futility": FUTILE["futility"] | {"binding": True}}
    assert final_boundaries(read_basis(protocol_with(bound)).comparison).futility is not None


# --- what cannot be -----------------------------------------------------------------------------------------------------

_TOO_EARLY = {"at": [0.9], "efficacy": {"spending": "obrien-fleming"}} | {
    "futility": {"spending": "hwang-shih-decani", "gamma": 39.0, "binding": True}
}


@pytest.mark.parametrize(
    ("looks", "changes", "words"),
    [
        pytest.param(OBRIEN_FLEMING, {"trial": HCC}, "for a comparison of groups, .* stands under `monitoring`", id="a single group"),
        pytest.param(
            OBRIEN_FLEMING, {"hazard_ratio": 1.4, "assumed": {"hazard_ratio": 1.4}},
            "lowers the hazard, not for a ratio of 1.4", id="harm is looked for",
        ),
        pytest.param(_TOO_EARLY, {}, "`futility` must spend less early.* let futility spend less, or not be binding", id="all beta spent at once"),
    ],
)  # fmt: skip
def test_looks_for_which_nothing_can_be_worked_out(looks, changes, words):
    with pytest.raises(ProblemsFound) as raised:
        read_basis(protocol_with(looks, **changes))
    (problem,) = raised.value.problems
    assert (problem.code, problem.field) == ("unusable-assumption", "design.looks")
    assert re.search(words, f"{problem.message} {problem.fix}")


def test_a_spending_beside_that_cannot_be_says_so():
    """Of these, O'Brien and Fleming's leaves enough for its alpha, Pocock's does not."""
    looks = {
        "at": [0.3],
        "efficacy": {"spending": "obrien-fleming"},
        "futility": {"spending": "hwang-shih-decani", "gamma": 39.0, "binding": True},
    }
    row = row_of(looks, "pocock/inflation", power=0.3)
    assert row.value is None
    assert "`futility` must spend less early" in row.note
    text = render_page_text(build_design_page(audit_design(protocol_with(looks, power=0.3))))
    assert "must spend less" in " ".join(text.split())


@pytest.mark.parametrize(
    ("base", "patch", "words"),
    [
        pytest.param("single arm", "", "no two groups to compare", id="a single group"),
        pytest.param("two groups", "hazard ratio: ~, ", "no difference between the groups is stated", id="no difference"),
    ],
)  # fmt: skip
def test_a_check_asks_for_what_looks_look_for(base, patch, words):
    looks = "looks: { at: [50 %], efficacy: { spending: pocock } }"
    data = patched(sound(base), read_yaml(f"design: {{ {patch}{looks} }}"))
    (problem,) = check_protocol(load(data))
    assert (problem.code, problem.field, problem.severity) == (
        "looks-without-comparison",
        "design.looks",
        Severity.ERROR,
    )
    assert words in problem.message


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param("hazard ratio: ~, rate: 30 %", id="two rates"),
        pytest.param("hazard ratio: ~, rests on: { hazard ratio: ratio }", id="an assumption"),
    ],
)
def test_a_difference_may_be_stated_in_several_ways(stated):
    looks = "looks: { at: [50 %], efficacy: { spending: pocock } }"
    patch = f"{{ design: {{ {stated}, {looks} }}, assumptions: {{ ratio: {{ value: 0.6 }} }} }}"
    found = check_protocol(load(patched(sound("two groups"), read_yaml(patch))))
    assert "looks-without-comparison" not in {problem.code for problem in found}


@pytest.mark.parametrize(
    ("looks", "needed"),
    [
        pytest.param("~", None, id="one test"),
        pytest.param("{ at: [50 %], efficacy: { spending: obrien-fleming } }", None, id="looks that cost little"),
        pytest.param("{ at: [50 %], efficacy: { spending: pocock } }", 530, id="looks that cost much"),
    ],
)  # fmt: skip
def test_a_number_is_held_against_what_its_looks_need(looks, needed):
    """By hand: 161.07 events / (0.376 x 0.9) = 476.4; by rpact 1.00342 and 1.11105 times as many."""
    patch = f"{{ study: {{ enrolment: 500 }}, design: {{ power: 90 %, looks: {looks} }} }}"
    found = check_protocol(load(patched(sound("two groups"), read_yaml(patch))))
    told = [problem.message for problem in found if problem.code == "n-below-its-assumptions"]
    assert bool(told) == (needed is not None)
    assert not told or re.search(f"500 are planned, .* its looks.* need {needed}$", told[0])


_SOUND = "at: [50 %, 75 %]\nefficacy: { spending: pocock }\n"


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "words"),
    [
        pytest.param("75 %", "100 %", "interval-probability", "1:12", "between 0 and 1, not 100 %", id="at all events"),
        pytest.param("50 %", "0 %", "interval-probability", "1:6", "between 0 and 1, not 0 %", id="at no event"),
        pytest.param("75 %", "50 %", "not-ascending", "1:5", "numbers that rise, each once", id="twice the same"),
        pytest.param("50 %", "80 %", "not-ascending", "1:5", "numbers that rise", id="falling"),
        pytest.param("75 %", "50.9 %", "looks-too-close", "1:5", "at least 1 % .* not 50 % and 50.9 %", id="almost the same"),
        pytest.param("75 %", "99.1 %", "looks-too-close", "1:5", "not 99.1 % and 100 %", id="almost at the end"),
        pytest.param("[50 %, 75 %]", "[]", "empty", "1:5", "must not be empty", id="no look"),
        pytest.param("[50 %, 75 %]", str([i / 20 for i in range(1, 11)]), "too-many-looks", "1:5", "at most 9 looks before the last, found 10", id="ten and the last"),
        pytest.param("pocock", "pokock", "unknown-value", "2:23", "did you mean `pocock`", id="a spelling"),
        pytest.param("pocock", "pocock, gamma: 1", "unfit-gamma", "2:11", "belongs to `hwang-shih-decani`", id="gamma of nothing"),
        pytest.param("pocock", "hwang-shih-decani", "unfit-gamma", "2:11", "cannot go without", id="no gamma"),
        pytest.param("pocock", "hwang-shih-decani, gamma: 40", "out-of-range", "2:49", "below 40", id="gamma too large"),
    ],
)  # fmt: skip
def test_faults_of_the_document_have_their_place(old, new, code, place, words):
    assert _SOUND.count(old) == 1
    with pytest.raises(ProblemsFound) as raised:
        validate_document(read_document(_SOUND.replace(old, new), "looks.yaml"), Looks)
    (problem,) = raised.value.problems
    assert (problem.code, str(problem.place)) == (code, f"looks.yaml:{place}")
    assert re.search(words, f"{problem.message} {problem.fix}")


@pytest.mark.parametrize("at", ["[50 %, 51 %]", "[1 %]", "[99 %]", str([i / 10 for i in range(1, 10)])])
def test_looks_just_far_enough_apart_and_just_few_enough_are_taken(at):
    text = _SOUND.replace("[50 %, 75 %]", at)
    assert validate_document(read_document(text, "looks.yaml"), Looks).at[-1] < 1


# --- virtual trials -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated():
    basis = read_basis(protocol_with(FUTILE, enrolment=400))
    found = simulate_comparison(basis, Simulation(1_000, seed=5))
    return {row.id.removeprefix(f"{OPERATING}/"): row for row in found.rows}


def test_virtual_trials_end_at_the_looks_as_theory_says(simulated):
    """Theory is of large samples: one percent is allowed beside four Monte-Carlo errors, two where the groups are uneven."""
    for id_, allowed in ((OWN, 0.01), ("no_effect", 0.01), ("uneven", 0.02), ("uneven_20_80", 0.02)):
        shares = [simulated[f"{id_}, look {k}/ends"].value for k in (1, 2, 3)]
        assert sum(shares) == pytest.approx(1)
        for k, share in enumerate(shares, 1):
            theory = simulated[f"{id_}, look {k}/ends_by_theory"].value
            error = simulated[f"{id_}, look {k}/ends_std_error"].value
            assert abs(share - theory) < 4 * error + allowed, (id_, k)
    rate, error = (simulated[f"{OWN}/benefit_shown{end}"].value for end in ("", "_std_error"))
    assert abs(rate - 0.8) < 4 * error + 0.01
    own = looked_at(FUTILE, enrolment=400)
    for id_, words in ((OWN, "hypothesis"), ("no_effect", "no_effect")):
        events, error = (simulated[f"{id_}/n_events{end}"].value for end in ("", "_std_error"))
        assert abs(events - own[f"obrien-fleming/n_events_{words}"]) < 4 * error + 1, id_


def test_in_uneven_groups_theory_knows_how_much_z_varies():
    """Many trials of 20:80: with a standard deviation of 1 theory would be six percent off at the first and the last look."""
    basis = read_basis(protocol_with(FUTILE, enrolment=400))
    rows = {row.id: row.value for row in simulate_comparison(basis, Simulation(1, seed=1)).rows}
    uneven = dict(bases_of(basis))["uneven_20_80"]
    design = SimulatedDesign(design=survival_design(uneven), n_subjects=400, looks=looks_of(basis, uneven))
    for k, look in enumerate(simulate_design(design, trials=10_000, seed=7).looks, 1):
        theory = rows[f"{OPERATING}/uneven_20_80, look {k}/ends_by_theory"]
        assert abs(look.ends.value - theory) < 3 * look.ends.std_error + 0.02, k


def test_theory_knows_the_direction_of_a_test_of_one_side():
    """Futility of one side: without an effect most trials end early, with that of the design few do for it."""
    basis = read_basis(protocol_with(FUTILE, enrolment=400, assumed={"sides_of_the_test": 1}))
    rows = {
        row.id.removeprefix(f"{OPERATING}/"): row.value
        for row in simulate_comparison(basis, Simulation(300, seed=2)).rows
    }
    for id_ in (OWN, "no_effect"):
        for k in (1, 2, 3):
            here = f"{id_}, look {k}/ends"
            assert abs(rows[here] - rows[f"{here}_by_theory"]) < 4 * rows[f"{here}_std_error"] + 0.01
    assert rows[f"{OWN}, look 1/ends"] < 0.4 < rows["no_effect, look 1/ends"]


def test_without_effect_looks_do_not_add_false_alarms(simulated):
    rate, error = (simulated[f"no_effect/rejected{end}"].value for end in ("", "_std_error"))
    assert rate < 0.05 + 4 * error


def test_looks_of_boundaries():
    one = SequentialBoundaries((0.5, 1), (math.inf, 2.0), (-math.inf, 2.0), sides=1)
    assert sequential_looks(one, 99.5, most=120) == (
        Look(events=50),
        Look(events=100, efficacy=2.0, futility=2.0),
    )
    two = SequentialBoundaries((0.2, 0.5, 1), (3.0, 2.5, 2.0), (-1.0, 0.5, 2.0), sides=2)
    assert sequential_looks(two, 100, most=99) == (
        Look(events=20, efficacy=3.0, harm=-3.0),
        Look(events=50, efficacy=2.5, harm=-2.5, futility=0.5, futility_from=-0.5),
        Look(efficacy=2.0, harm=-2.0, futility=2.0, futility_from=-2.0),  # more events than can come
    )


@pytest.mark.parametrize(
    ("z", "ends_at"),
    [
        pytest.param(0.5, 1, id="exactly at the upper bound"),
        pytest.param(0.501, 2, id="just above goes on"),
        pytest.param(-0.5, 1, id="exactly at the lower bound"),
        pytest.param(-0.501, 2, id="just below goes on"),
        pytest.param(math.nan, 2, id="what cannot be tested goes on"),
    ],
)
def test_futility_of_two_sides_lies_around_0(z, ends_at):
    looks = (Look(events=5, efficacy=3.0, harm=-3.0, futility=0.5, futility_from=-0.5), Look(efficacy=2.0))
    columns = {"n_subjects": 9, "n_events": 5, "day": 1, "is_reached": True}
    columns |= {"log_hazard_ratio": math.nan, "std_error": math.nan}
    frame = pl.DataFrame({"z": [z, 0.0]}).with_columns(**{name: pl.lit(at) for name, at in columns.items()})
    found = operating_characteristics(frame, looks, hazard_ratio=None)
    assert [look.ends.value for look in found.looks] == [float(ends_at == 1), float(ends_at == 2)]
    assert found.stopped_for_futility.value == float(ends_at == 1)


# --- the page -----------------------------------------------------------------------------------------------------------


def page_with(looks, **changes):
    basis = read_basis(protocol_with(looks, **changes))
    further = [simulate_comparison(basis, Simulation(100, seed=1))]
    return build_design_page(audit_design(protocol_with(looks, **changes), further=further))


def test_the_page_of_a_design_with_looks_reads_as_the_one_that_was_read():
    text = render_page_text(build_design_page(audit_design(protocol_with(FUTILE))))
    section = "Looks before the end\n" + text.partition("Looks before the end\n")[2]
    section = section.partition("Events as the study goes on")[0].rstrip() + "\n"
    assert section == (TESTS / "golden" / "design" / "looks.txt").read_text(encoding="utf-8")
    words = " ".join(text.split())
    assert words.count("With the looks of the design, which ask for more events than one test.") == 7
    assert words.count("are those of one test, without the looks of the design.") == 2
    assert "The 131 events that Schoenfeld asks for are not reached." in words
    assert "not in the protocol" not in words.casefold()


def test_the_page_shows_boundaries_and_where_virtual_trials_end():
    page = page_with(OBRIEN_FLEMING)
    blocks = list(walk(page.sections))
    names = {block.id for block in blocks if isinstance(block, Table | Figure)}
    assert {
        "table-design-looks", "table-design-looks-cost", "figure-design-looks", "table-design-operating-looks",
    } <= names  # fmt: skip
    assert "table-design-futility" not in names
    ends_at = next(block for block in blocks if isinstance(block, Table) and block.id == "table-design-operating-looks")  # fmt: skip
    assert [column.title.plain for column in ends_at.columns[1:]] == ["Virtual", "Theory"] * 3 + ["Have all events"]  # fmt: skip


def test_where_no_look_is_planned_the_page_says_so():
    text = render_page_text(build_design_page(audit_design(load_protocol(PRTRAS))))
    assert "Looks before the end: not in the protocol" in text
    assert "table-design-looks" not in {
        block.id for block in walk(build_design_page(audit_design(load_protocol(PRTRAS))).sections)
        if isinstance(block, Table)
    }  # fmt: skip
    single = render_page_text(build_design_page(audit_design(load_protocol(HCC), trials=100)))
    assert "Looks before the end" not in single
