"""The subjects one analysis counts: who is in, who is left out, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trialwright.analysis.results import Recorder
from trialwright.derivations.cohort import event_observed
from trialwright.protocol.model import Protocol
from trialwright.statistics.estimability import NotEstimable


@dataclass(frozen=True, slots=True)
class AnalysisData:
    """A protocol with the analysis datasets of its study."""

    protocol: Protocol
    adsl: pl.DataFrame
    adtte: pl.DataFrame

    def levels(self, by: str | None) -> list[str | None]:
        """The levels of a grouping fact, or None alone: everyone together."""
        return [None] if by is None else [*self.protocol.facts[by].levels]

    def level_label(self, fact: str, level: str) -> tuple[str, str]:
        """The words for a level of a fact, and where the protocol has them."""
        return self.protocol.facts[fact].levels[level], f"facts.{fact}.levels.{level}"

    def endpoint_label(self, endpoint: str) -> tuple[str, str]:
        """The words for an endpoint, and where the protocol has them."""
        return self.protocol.endpoints[endpoint].label, f"endpoints.{endpoint}.label"


@dataclass(frozen=True, slots=True)
class Sample:
    """Subjects with time, status and every fact an analysis needs; one row each, in file order."""

    frame: pl.DataFrame

    def group(self, fact: str | None, level: str | None) -> Sample:
        return self if fact is None else Sample(self.frame.filter(pl.col(fact) == level))

    @property
    def n_subjects(self) -> int:
        return self.frame.height

    @property
    def n_events(self) -> int:
        return int(self.frame["EVENT"].sum())

    @property
    def time(self) -> list[float]:
        return self.frame["AVAL"].to_list()

    @property
    def event(self) -> list[bool]:
        return self.frame["EVENT"].to_list()

    def why_not(self, error: NotEstimable | ValueError) -> str:
        """Why nothing was estimated; having no subjects is the only value error that data can cause."""
        if isinstance(error, NotEstimable):
            return error.reason
        if self.n_subjects == 0:
            return "no subject has all the values it needs"
        raise error


def select_sample(data: AnalysisData, recorder: Recorder, endpoint: str, facts: Sequence[str]) -> Sample:
    """The subjects who have the endpoint and all facts; how many lack which is recorded, never passed over."""
    times = (
        data.adtte.filter(pl.col("PARAMCD") == endpoint.upper())
        .with_columns(event_observed(pl.col("CNSR")).alias("EVENT"))
        .select("USUBJID", "AVAL", "EVENT")
    )
    everyone = data.adsl.join(times, on="USUBJID", how="left", maintain_order="left", validate="1:1")
    with_endpoint = everyone.drop_nulls(["AVAL", "EVENT"])
    complete = with_endpoint.drop_nulls(list(facts))
    unit = "subjects"
    recorder.n = complete.height
    recorder.add("n_population", everyone.height, unit)
    recorder.add("n_without_endpoint", everyone.height - with_endpoint.height, unit)
    for fact in dict.fromkeys(facts):
        recorder.add("n_without_fact", with_endpoint[fact].null_count(), unit, item=fact)
    recorder.add("n_analysed", complete.height, unit)
    return Sample(complete)
