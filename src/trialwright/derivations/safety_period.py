"""The time in which safety is looked at, as the endpoint that takes the worst grade says."""

from __future__ import annotations

import polars as pl

from trialwright.derivations.study import SUBJECT
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol.model import Protocol
from trialwright.protocol.rule_tree import Moment
from trialwright.protocol.safety import safety_endpoint
from trialwright.records.dates import MOMENT

ENDS = ("first_earliest", "first_latest", "last_earliest", "last_latest")
"""The minutes that the first and the last moment of a span may be."""


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
