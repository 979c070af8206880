"""Boundaries of a protocol, computed: against an earlier programme, and where nothing can be computed."""

import json
from pathlib import Path

import pytest
from tests.cases.small_trial import PROTOCOL

from trialwright.derivations.stopping_boundary import compute_boundary, watched_endpoint
from trialwright.protocol.loading import load_protocol, parse_protocol
from trialwright.statistics.boundaries import exact_boundary
from trialwright.statistics.estimability import NotEstimable

EARLIER = json.loads(
    (Path(__file__).parents[1] / "oracle" / "safety_boundaries" / "monitoring43.json").read_text(
        encoding="utf-8"
    )
)
"""Made by another author before this code (see ORIGIN.md there)."""


def protocol(boundary, event="rise", study="enrolment: 43, "):
    text = PROTOCOL.replace("study: { ", f"study: {{ {study}")
    text += f"monitoring: {{ x: {{ text: T, event: {event}, computed boundary: {boundary} }} }}\n"
    return parse_protocol(text)[0]


def computed(boundary, **more):
    found = protocol(boundary, **more)
    return compute_boundary(found, found.monitoring["x"].computed_boundary)


def written(params):
    """The boundary of an earlier case as a protocol says it."""
    shared = f"minimum n: {params['start']}, largest n: {params['n']}"
    if "alpha" in params:
        return f"{{ kind: pocock, reference rate: {params['theta0']}, alpha: {params['alpha']}, {shared} }}"
    prior = f"{{ events: {params['a']}, patients: {params['a'] + params['b']:.12g} }}"
    return f"{{ kind: bayesian, reference rate: {params['theta']}, level: {params['cut']}, prior: {prior}, {shared} }}"


@pytest.mark.parametrize("case", EARLIER["monitoring"])
def test_boundaries_of_an_earlier_programme(case):
    boundary = computed(written(case["params"]))
    least = dict(zip(boundary.n, boundary.events_to_stop, strict=True))
    expected = {int(n): events for n, events in case["boundary_min_events_by_n"].items()}
    assert least == {n: events for n, events in expected.items() if n >= case["params"]["start"]}


def test_the_shipped_boundary_is_the_one_of_the_earlier_programme_and_an_assumption():
    found = load_protocol("nct04294498").protocol
    said = found.monitoring["reactivation"].computed_boundary
    (case,) = [
        one
        for one in EARLIER["monitoring"]
        if one["params"].get("alpha") == said.alpha and one["params"].get("theta0") == said.reference_rate
    ]
    boundary = compute_boundary(found, said)
    assert boundary.events_to_stop == tuple(case["boundary_min_events_by_n"][str(n)] for n in range(1, 44))
    assert (said.status, found.monitoring["reactivation"].in_force_since) == ("assumed", None)


def test_the_enrolment_is_the_last_look_where_none_is_named():
    # Clopper-Pearson by hand: 3 of 3 under 10 % has probability 0.001, 2 of 2 0.01, 1 of 1 0.1
    boundary = computed("{ kind: exact, reference rate: 10 %, level: 95 % }", study="enrolment: 3, ")
    assert (boundary.n, boundary.events_to_stop) == ((1, 2, 3), (None, 2, 2))
    named = computed(
        "{ kind: exact, reference rate: 10 %, level: 95 %, largest n: 2 }", study="enrolment: 3, "
    )
    assert named.n == (1, 2)
    assert computed("{ kind: exact, reference rate: 10 %, level: 95 %, minimum n: 40 }") == exact_boundary(
        range(40, 44), reference_rate=0.1, conf_level=0.95
    )


@pytest.mark.parametrize(
    ("boundary", "why"),
    [
        pytest.param("{ kind: pocock, alpha: 5 % }", "no reference rate is stated", id="no reference rate"),
        pytest.param("{ kind: exact, reference rate: 5 % }", "needs `level`", id="no level"),
        pytest.param("{ kind: bayesian, reference rate: 5 %, level: 95 % }", "needs `prior`", id="no prior"),
        pytest.param("{ kind: pocock, reference rate: 5 % }", "needs `alpha`", id="no alpha"),
        pytest.param("{ kind: pocock, reference rate: 5 %, level: 95 % }", "needs `alpha`", id="the key of another kind"),
        pytest.param(
            "{ kind: exact, reference rate: 5 %, level: 95 %, minimum n: 44 }", "comes after the last", id="looks in the wrong order"
        ),
        pytest.param(
            "{ kind: exact, reference rate: 5 %, level: 95 %, largest n: 1 }", "would not cross", id="cannot be crossed"
        ),
        pytest.param(
            "{ kind: bayesian, reference rate: 5 %, level: 95 %, prior: { events: 2, patients: 2 } }",
            "the prior has 2 events among 2 patients",
            id="a prior of events alone",
        ),
        pytest.param(
            "{ kind: bayesian, reference rate: 5 %, level: 95 %, prior: { events: 9, patients: 10 } }",
            "must not be an alarm by itself",
            id="a prior that is an alarm",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_has_its_reason(boundary, why):
    with pytest.raises(NotEstimable) as found:
        computed(boundary)
    assert why in found.value.reason


def test_without_enrolment_the_last_look_must_be_named():
    with pytest.raises(NotEstimable, match="enrolment"):
        computed("{ kind: exact, reference rate: 5 %, level: 95 % }", study="")


def test_an_event_is_watched_by_the_most_important_rate_of_it():
    boundary = "{ kind: exact, reference rate: 5 %, level: 95 % }"
    found = protocol(boundary)
    assert watched_endpoint(found, found.monitoring["x"])[0] == "rises"
    found = protocol(boundary, event="relapse")
    assert watched_endpoint(found, found.monitoring["x"]) is None
    found = load_protocol("nct04294498").protocol
    assert watched_endpoint(found, found.monitoring["reactivation"])[0] == "reactivation"
    assert watched_endpoint(found, found.monitoring["liver_injury"]) is None
