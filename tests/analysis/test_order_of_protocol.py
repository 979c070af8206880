"""Which group, analysis or population a protocol writes first changes no number: groups are told by what they get."""

import math
from functools import cache

import pytest
from tests.derivations.lives import changed

from trialwright.analysis.from_records import bind_datasets
from trialwright.analysis.immortal_time import measure_immortal_time
from trialwright.analysis.run import run_analysis
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol

TRIAL = "nct07120750"


@cache
def numbers(*, is_reversed, reference=None):
    """Each number of a virtual trial by its id, from its protocol written in either order."""
    loaded = load_protocol(TRIAL)
    plain = loaded.protocol.to_plain()
    analyses = plain["analyses"]
    changes = {f"analyses.{name}.resamples": 20 for name, one in analyses.items() if "resamples" in one}
    changes |= {
        f"analyses.{name}.weights.imputations": 2 for name, one in analyses.items() if "weights" in one
    }
    if is_reversed:
        changes["groups"] = dict(reversed(plain["groups"].items()))
    if reference:
        changes |= {
            f"analyses.{name}.reference.groups": reference
            for name, one in analyses.items()
            if "groups" in one.get("reference", {})
        }
    written = changed(loaded, changes)
    study = make_study(written, simulate(loaded, seed=12, subjects=120, scenario="late_start").tables)
    data = bind_datasets(study, derive_datasets(study))
    recorders = [run_analysis(data, name, "records") for name in data.protocol.analyses]
    recorders.append(measure_immortal_time(data, "records"))
    return {row.id: row.value for recorder in recorders for row in recorder.rows}


def test_the_order_of_a_protocol_changes_no_number():
    first, second = numbers(is_reversed=False), numbers(is_reversed=True)
    assert first.keys() == second.keys()
    assert {id_ for id_ in first if not same(first[id_], second[id_])} == set()


def same(a, b):
    return a == b or (None not in (a, b) and math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9))


def test_the_numbers_are_of_two_groups_that_differ():
    found = numbers(is_reversed=False)
    assert (
        found["recurrence_emulated/na/n_subjects"]
        != found["recurrence_emulated/na_and_peginterferon/n_subjects"]
    )
    assert (
        found["immortal time/na/from its begin/n_events"]
        != found["immortal time/na_and_peginterferon/from its begin/n_events"]
    )


@pytest.mark.parametrize("analysis", ["recurrence_delayed_entry", "recurrence_weighted_cox"])
def test_another_reference_turns_the_ratio_over(analysis):
    ours, turned = numbers(is_reversed=False), numbers(is_reversed=False, reference="na_and_peginterferon")
    ratio = ours[f"{analysis}/groups=na_and_peginterferon/hazard_ratio"]
    assert math.isclose(turned[f"{analysis}/groups=na/hazard_ratio"], 1 / ratio, rel_tol=1e-6)
