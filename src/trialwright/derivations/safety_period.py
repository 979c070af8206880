"""The time in which safety is looked at, as the endpoint that takes the worst grade says."""

from __future__ import annotations

import polars as pl

from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol.model import Endpoint, Protocol
from trialwright.protocol.references import NEW_THERAPY
from trialwright.protocol.rule_tree import Moment
from trialwright.records.dates import MOMENT

ENDS = ("first_earliest", "first_latest", "last_earliest", "last_latest")
"""The minutes that the first and the last moment of a span may be."""


def safety_endpoint(protocol: Protocol) -> tuple[str, Endpoint] | None:
    """The first endpoint that takes the worst grade, which says in what period events count and how they are graded."""
    return next(((name, one) for name, one in protocol.endpoints.items() if one.kind == "worst grade"), None)


def ends_with_new_therapy(endpoint: Endpoint | None) -> bool:
    """Whether only related events count after new anticancer therapy: the estimand says `while on treatment` of it."""
    strategies = endpoint.estimand.intercurrent_events if endpoint and endpoint.estimand else {}
    return strategies.get(NEW_THERAPY.replace("_", " ")) == "while on treatment"


def safety_span(facts: StudyFacts) -> pl.DataFrame:
    """When the period of safety begins and ends for each subject: `SUBJECT` and `ENDS`, null where it never does."""
    people = facts.study.subjects.select(SUBJECT)
    found = safety_endpoint(facts.study.protocol)
    during = found[1].during if found else None
    if during is None:
        return people.with_columns(pl.lit(None, MOMENT).alias(name) for name in ENDS)
    if during in facts.study.protocol.periods:
        ends = [facts.dates[f"{during}_start"], facts.dates[f"{during}_end"]]
    else:
        ends = [facts.moment(Moment(during, "first")), facts.moment(Moment(during, "last"))]
    for side, frame in zip(("first", "last"), ends, strict=True):
        named = frame.select(
            pl.col("subject").alias(SUBJECT),
            pl.col("earliest").alias(f"{side}_earliest"),
            pl.col("latest").alias(f"{side}_latest"),
        )
        people = people.join(named, on=SUBJECT, how="left", maintain_order="left")
    return people


def safety_population(protocol: Protocol) -> str | None:
    """The population in which the protocol counts adverse events; None where it names none."""
    found = safety_endpoint(protocol)
    return found[1].estimand.population if found and found[1].estimand else None
