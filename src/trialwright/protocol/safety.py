"""Adverse events as a protocol counts them: its first endpoint of them says in what period, and how they are graded."""

from __future__ import annotations

from trialwright.protocol.model import Endpoint, Grading, Protocol
from trialwright.protocol.references import NEW_THERAPY, concept_of


def counts_adverse_events(protocol: Protocol, endpoint: Endpoint) -> bool:
    """Whether an endpoint takes the worst grade of adverse events, not of a laboratory result or anything else."""
    of = endpoint.of
    return endpoint.kind == "worst grade" and (of is None or concept_of(protocol, of) == "toxicity_grade")


def safety_endpoint(protocol: Protocol) -> tuple[str, Endpoint] | None:
    """The first endpoint that takes the worst grade of adverse events, or else of anything: it says in what period events count
    and how they are graded."""
    graded = [(name, one) for name, one in protocol.endpoints.items() if one.kind == "worst grade"]
    of_events = [found for found in graded if counts_adverse_events(protocol, found[1])]
    return next(iter(of_events or graded), None)


def ends_with_new_therapy(endpoint: Endpoint | None) -> bool:
    """Whether only related events count after new anticancer therapy: the estimand says `while on treatment` of it."""
    strategies = endpoint.estimand.intercurrent_events if endpoint and endpoint.estimand else {}
    return strategies.get(NEW_THERAPY.replace("_", " ")) == "while on treatment"


def grading_of(endpoint: Endpoint | None) -> Grading:
    """How an endpoint says that is graded, else CTCAE 5.0 with its defaults."""
    return (endpoint and endpoint.grading) or Grading(version="CTCAE 5.0")


def settings_apart(protocol: Protocol, one: Endpoint, other: Endpoint) -> list[str]:
    """The settings in which two endpoints count adverse events differently, as a protocol writes them."""
    told = [
        {
            "during": _span(protocol, endpoint.during),
            "missing grade": grading_of(endpoint).missing_grade,
            "missing relation": grading_of(endpoint).missing_relation,
            "new anticancer therapy": ends_with_new_therapy(endpoint),
        }
        for endpoint in (one, other)
    ]
    return [key for key, value in told[0].items() if value != told[1][key]]


def _span(protocol: Protocol, during: str | None) -> str | None:
    period = protocol.periods.get(during or "")
    return period.span if period else during
