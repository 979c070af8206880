"""The boundary that a protocol describes, computed: fewest events, look by look, at which the study pauses."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.protocol.model import Boundary, Endpoint, Monitoring, Protocol
from trialwright.statistics.boundaries import Boundary as Computed
from trialwright.statistics.boundaries import bayesian_boundary, exact_boundary, pocock_boundary
from trialwright.statistics.estimability import NotEstimable

NO_REFERENCE = "no reference rate is stated, and without it nothing can be too many"
NEEDED = {"exact": ("level",), "bayesian": ("level", "prior"), "pocock": ("alpha",)}
"""What each kind of boundary is computed from, beside the reference rate."""


def compute_boundary(protocol: Protocol, said: Boundary) -> Computed:
    """The fewest events that cross a boundary at each of its looks, a look after every patient.

    Parameters
    ----------
    protocol : Protocol
        Its enrolment is the last look where the boundary names none.
    said : Boundary

    Raises
    ------
    NotEstimable
        Where something is missing or contradicts itself, with what it is.
    """
    if said.reference_rate is None:
        raise NotEstimable(NO_REFERENCE)
    if missing := next(lacking_keys(said), None):
        raise NotEstimable(f"a boundary of the kind `{said.kind}` needs `{missing}`")
    largest = said.largest_n or protocol.study.enrolment
    if largest is None:
        raise NotEstimable("neither `largest n` nor an enrolment says when the last look is")
    if said.minimum_n > largest:
        raise NotEstimable(f"the first look, at {said.minimum_n}, comes after the last, at {largest}")
    looks, reference = range(said.minimum_n, largest + 1), said.reference_rate
    if said.alpha is not None and said.kind == "pocock":
        return pocock_boundary(looks, reference_rate=reference, alpha=said.alpha)
    level = said.level or 0.0
    if said.kind == "exact":
        return exact_boundary(looks, reference_rate=reference, conf_level=level)
    return _bayesian(said, looks, reference, level)


def _bayesian(said: Boundary, looks: range, reference: float, level: float) -> Computed:
    events, patients = (said.prior.events, said.prior.patients) if said.prior else (0.0, 0.0)
    if events >= patients:
        raise NotEstimable(f"the prior has {events:g} events among {patients:g} patients")
    try:
        return bayesian_boundary(
            looks, reference_rate=reference, threshold=level, prior=(events, patients - events)
        )
    except ValueError as error:  # the numbers fit one by one, and the prior alone is an alarm
        raise NotEstimable(str(error).replace("`prior`", "the prior")) from error


def lacking_keys(said: Boundary) -> Iterator[str]:
    """The keys that a kind of boundary needs beside the reference rate, and that are not there."""
    return (key for key in NEEDED[said.kind] if getattr(said, key) is None)


def unfit_keys(said: Boundary) -> Iterator[str]:
    """The keys that are there and that a kind of boundary does not know: they would change nothing."""
    known = NEEDED[said.kind]
    return (key for key in ("level", "alpha", "prior") if key not in known and getattr(said, key) is not None)


def watched_endpoint(protocol: Protocol, watched: Monitoring) -> tuple[str, Endpoint] | None:
    """The endpoint that is the rate of a watched event and tells when it counts, the most important first."""
    roles = ("primary", "secondary", "exploratory")
    rates = [
        (name, one)
        for name, one in protocol.endpoints.items()
        if one.kind == "rate" and watched.event is not None and one.rate_of == watched.event
    ]
    return min(rates, key=lambda rate: roles.index(rate[1].role), default=None)
