"""Checks of what is watched while a trial runs: whether its boundaries can be computed, and are in force in time."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.checks.checked import Checked
from trialwright.checks.registry import Found, check
from trialwright.derivations.stopping_boundary import (
    compute_boundary,
    lacking_keys,
    unfit_keys,
    watched_endpoint,
)
from trialwright.protocol.model import Boundary, Monitoring
from trialwright.statistics.estimability import NotEstimable
from trialwright.vocabulary.documents import Path
from trialwright.vocabulary.problems import Severity

_IVANOVA = "Ivanova, Qaqish and Schell, Biometrics 2005;61:540-545"


@check(
    "boundary-without-reference",
    Severity.ERROR,
    title="a boundary does not say which rate is still acceptable",
    why="""A boundary tells too many from not too many. Without the rate that is still acceptable nobody can compute it, and a rate filled in by
    a program would decide about patients.""",
    example="""
monitoring:
  reactivation: { computed boundary: { kind: pocock, alpha: 5 % } }
""",
    cure="""
monitoring:
  reactivation: { computed boundary: { kind: pocock, alpha: 5 %, reference rate: 10 % } }
""",
    source=f"{_IVANOVA}; ICH E9, 4.5",
    base="single arm",
)
def boundary_without_reference(checked: Checked) -> Iterator[Found]:
    for path, _, said in _boundaries(checked):
        if said.reference_rate is None:
            yield Found(
                path,
                "no `reference rate`, so the boundary cannot be computed",
                "state the highest rate that is acceptable, and who says so in `source` or `reason`",
                about_key=True,
            )


@check(
    "boundary-incomplete",
    Severity.ERROR,
    title="a boundary lacks what its kind is computed from, or has what its kind does not know",
    why="""Two people who compute a boundary must get the same numbers. What is left out would be filled in, what does not belong there would be ignored.""",
    example="""
monitoring:
  reactivation: { computed boundary: { kind: pocock, level: 95 %, reference rate: 10 % } }
""",
    cure="""
monitoring:
  reactivation: { computed boundary: { kind: pocock, alpha: 5 %, reference rate: 10 % } }
""",
    source=f"{_IVANOVA}; Thall and Simon, Biometrics 1994;50:337-349",
    base="single arm",
)
def boundary_incomplete(checked: Checked) -> Iterator[Found]:
    for path, _, said in _boundaries(checked):
        for key in lacking_keys(said):
            yield Found(path, f"the kind `{said.kind}` needs `{key}`", f"add `{key}`", about_key=True)
        for key in unfit_keys(said):
            yield Found((*path, key), f"the kind `{said.kind}` has no `{key}`", "take it out", about_key=True)


@check(
    "boundary-not-computable",
    Severity.ERROR,
    title="a boundary has all its numbers, and they give none that can be crossed",
    why="""A boundary that no number of events crosses stops nothing, whatever happens; a prior that is an alarm by itself stops before the first patient.""",
    example="""
monitoring:
  reactivation: { computed boundary: { kind: exact, level: 95 %, reference rate: 10 %, largest n: 1 } }
""",
    cure="""
monitoring:
  reactivation: { computed boundary: { kind: exact, level: 95 %, reference rate: 10 %, largest n: 40 } }
""",
    source=f"{_IVANOVA}; Clopper and Pearson, Biometrika 1934;26:404-413",
    base="single arm",
)
def boundary_not_computable(checked: Checked) -> Iterator[Found]:
    for path, _, said in _boundaries(checked):
        if said.reference_rate is None or any(lacking_keys(said)):
            continue
        try:
            compute_boundary(checked.protocol, said)
        except NotEstimable as found:
            yield Found(path, f"the boundary cannot be computed: {found.reason}", about_key=True)


@check(
    "boundary-of-nothing",
    Severity.ERROR,
    title="a boundary stands where no event is counted",
    why="""The boundary is held against patients with and without the event. If no endpoint is the rate of that event, nobody knows in which time it
    counts, nor when a patient has been watched for long enough to count without it.""",
    example="""
monitoring:
  death: { text: Deaths are watched, event: death, computed boundary: { kind: exact, level: 95 %, reference rate: 10 % } }
""",
    cure="""
monitoring:
  reactivation: { text: Reactivations are watched, event: reactivation, computed boundary: { kind: exact, level: 95 %, reference rate: 10 % } }
""",
    source="EMA guideline on data monitoring committees 2005; ICH E9, 4.5",
    base="single arm",
)
def boundary_of_nothing(checked: Checked) -> Iterator[Found]:
    for path, watched, _ in _boundaries(checked):
        if watched.event is None:
            message, fix = "no `event` says what the boundary counts", "name the event"
        elif watched_endpoint(checked.protocol, watched) is None:
            message = f"no endpoint is the rate of `{watched.event}`, so nobody knows when it counts"
            fix = f"add an endpoint of the kind rate with `rate of: {watched.event}` and its `during`"
        else:
            continue
        yield Found(path, message, fix, about_key=True)


@check(
    "boundary-before-registration",
    Severity.WARNING,
    title="a boundary is in force since before the trial was registered",
    why="""A charter is written for a registered trial. A date before is a slip, or the record does not describe the trial that the charter was written for.""",
    example="""
study: { registered: { date: "2020-03-01" } }
monitoring:
  reactivation: { in force since: "2019-03-01" }
""",
    cure="""
study: { registered: { date: "2020-03-01" } }
monitoring:
  reactivation: { in force since: "2020-03-01" }
""",
    source="EMA guideline on data monitoring committees 2005; WHO Trial Registration Data Set 1.3.1, item 2",
    base="single arm",
)
def boundary_before_registration(checked: Checked) -> Iterator[Found]:
    registration = checked.protocol.study.registered
    registered = registration.date if registration else None
    for name, watched in checked.protocol.monitoring.items():
        since = watched.in_force_since
        if since is not None and registered is not None and since < registered:
            yield Found(
                ("monitoring", name, "in force since"),
                f"in force since {since.isoformat()}, and the trial was registered on {registered.isoformat()}",
                "correct one of the two dates",
            )


def _boundaries(checked: Checked) -> Iterator[tuple[Path, Monitoring, Boundary]]:
    for name, watched in checked.protocol.monitoring.items():
        if watched.computed_boundary is not None:
            yield ("monitoring", name, "computed boundary"), watched, watched.computed_boundary
