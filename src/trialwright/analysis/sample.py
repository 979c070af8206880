"""The subjects one analysis counts: who is in, who is left out, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.analysis.results import Recorder
from trialwright.derivations.adttev import CONTINUES
from trialwright.derivations.cohort import event_observed
from trialwright.derivations.time_plans import COMPETING
from trialwright.protocol.analyses import TimeAnalysis, is_in_stretches
from trialwright.protocol.categories import level_words, levels_of
from trialwright.protocol.compared_groups import goes_by_treatment
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS
from trialwright.statistics.estimability import NotEstimable


@dataclass(frozen=True, slots=True)
class AnalysisData:
    """A protocol with the analysis datasets of its study.

    Attributes
    ----------
    protocol : Protocol
    adsl : DataFrame
        One row a subject: `USUBJID`, a column for each fact that analyses name (its value at the start), `groups` where the
        protocol has groups, and `<POPULATION>FL` (Y, N or null) for each population with a rule.
    adtte : DataFrame
    tables : mapping of str to DataFrame
        All analysis datasets by name; empty for a cohort whose times came ready for analysis.
    is_simulated : bool
        Whether the records are of virtual patients.
    memory : dict
        What several analyses need and takes long; of these datasets only, so that a changed copy begins with none.
    """

    protocol: Protocol
    adsl: pl.DataFrame
    adtte: pl.DataFrame
    tables: Mapping[str, pl.DataFrame] = field(default_factory=lambda: MappingProxyType({}))
    is_simulated: bool = False
    memory: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def levels(self, by: str | None) -> list[str | None]:
        """The levels of a grouping fact, or None alone: everyone together."""
        return [None] if by is None else [*levels_of(self.protocol, by)]

    def level_label(self, fact: str, level: str) -> tuple[str, str]:
        """The words for a level of a fact, and where the protocol has them."""
        return level_words(self.protocol, fact, level)

    def endpoint_label(self, endpoint: str) -> tuple[str, str]:
        """The words for an endpoint, and where the protocol has them."""
        return self.protocol.endpoints[endpoint].label, f"endpoints.{endpoint}.label"

    def population(self, name: str) -> pl.DataFrame:
        """The subjects of a population: those who surely belong to it."""
        flag = self.flag(name)
        if flag is None:
            return self.adsl
        key = ("population", flag)
        if key not in self.memory:
            self.memory[key] = self.adsl.filter(pl.col(flag) == "Y")
        return self.memory[key]  # type: ignore[no-any-return]

    def flag(self, population: str) -> str | None:
        """The column that tells who belongs to a population; None where everyone does."""
        name = f"{population.upper()}FL"
        return name if name in self.adsl.columns else None


@dataclass(frozen=True, slots=True)
class Sample:
    """Subjects with time, status and every fact an analysis needs, in file order.

    One row a subject, or one a stretch of time (`TSTART`, `TSTOP`) where the analysis follows subjects in stretches.
    `STATUS` is 1 for the event, 2 for a competing one, 0 for neither; `EVENT` says whether it is 1. `AVAL` counts as
    ADTTE does: `first_day` is what it is on the day time begins (see `first_day`). `known_of_nobody` are facts the analysis
    needs and no subject with the endpoint has.
    """

    frame: pl.DataFrame
    first_day: float = 0.0
    known_of_nobody: tuple[str, ...] = ()

    def group(self, fact: str | None, level: str | None) -> Sample:
        return self if fact is None else replace(self, frame=self.frame.filter(pl.col(fact) == level))

    def counted(self, elapsed: Sequence[float]) -> list[float]:
        """Elapsed times as `AVAL` counts them: 1099 elapsed days are day 1100."""
        return [time + self.first_day for time in elapsed]

    def elapsed(self, counted: Sequence[float]) -> list[float]:
        """What `AVAL` counts as elapsed times."""
        return [time - self.first_day for time in counted]

    @property
    def n_subjects(self) -> int:
        return self.frame["USUBJID"].n_unique()

    @property
    def n_events(self) -> int:
        return int(self.frame["EVENT"].sum())

    @property
    def time(self) -> list[float]:
        return self.frame["AVAL"].to_list()

    @property
    def entry(self) -> list[float] | None:
        """When each row came under watch; None where all did together and stay what they are."""
        if "TSTART" not in self.frame.columns:
            return None
        is_one = self.frame["USUBJID"].n_unique() == self.frame.height
        return None if is_one and self.frame["TSTART"].n_unique() < 2 else self.frame["TSTART"].to_list()

    @property
    def subject(self) -> list[str]:
        return self.frame["USUBJID"].to_list()

    @property
    def event(self) -> list[bool]:
        return self.frame["EVENT"].to_list()

    @property
    def status(self) -> list[int]:
        return self.frame["STATUS"].to_list()

    def why_not(self, error: NotEstimable | ValueError) -> str:
        """Why nothing was estimated; having no subjects is the only value error that data can cause."""
        if isinstance(error, NotEstimable):
            return error.reason
        if self.n_subjects == 0:
            lacking = ", ".join(f"`{name}`" for name in self.known_of_nobody)
            return "no subject has all the values it needs" + (f": nobody has {lacking}" if lacking else "")
        raise error


def select_population(data: AnalysisData, recorder: Recorder, population: str) -> pl.DataFrame:
    """The subjects of a population; how many may belong to it and are not counted is recorded beside."""
    everyone = data.population(population)
    flag = data.flag(population)
    recorder.n = everyone.height
    recorder.add("n_population", everyone.height, "subjects")
    if flag and (unknown := data.adsl[flag].null_count()):
        recorder.add("n_population_unknown", unknown, "subjects")
    return everyone


def select_sample(
    data: AnalysisData, recorder: Recorder, analysis: TimeAnalysis, facts: Sequence[str]
) -> Sample:
    """The subjects who have the endpoint and all facts; how many lack which is recorded, never passed over.

    A value of 0 or less has no logarithm: where one is asked for, its subject has no value.
    """
    everyone = select_population(data, recorder, analysis.population)
    if is_in_stretches(analysis):
        with_endpoint = _timed(data, everyone, _stretches(data, recorder.analysis, analysis))
    else:
        key = ("times", analysis.population, analysis.endpoint, analysis.from_)
        if key not in data.memory:
            data.memory[key] = _timed(data, everyone, _times(data, analysis))
        with_endpoint = data.memory[key]
    for name in {
        **getattr(analysis, "transform", {}),
        **(analysis.weights.transform if analysis.weights else {}),
    }:
        n_without = int((everyone[name] <= 0).sum())
        recorder.add("n_without_logarithm", n_without, "subjects", item=name)
        with_endpoint = with_endpoint.with_columns(pl.when(pl.col(name) > 0).then(name).alias(name))
    n_lacking = {fact: with_endpoint[fact].null_count() for fact in facts}
    complete = with_endpoint.drop_nulls(list(facts)) if any(n_lacking.values()) else with_endpoint
    unit = "subjects"
    recorder.n = complete["USUBJID"].n_unique()
    recorder.add("n_without_endpoint", everyone.height - with_endpoint["USUBJID"].n_unique(), unit)
    for fact, n in n_lacking.items():
        lacking = with_endpoint.filter(pl.col(fact).is_null())["USUBJID"].n_unique() if n else 0
        recorder.add("n_without_fact", lacking, unit, item=fact)
    recorder.add("n_analysed", recorder.n, unit)
    nobody = tuple(fact for fact, n in n_lacking.items() if n and n == with_endpoint.height)
    return Sample(complete, first_day(data, analysis.endpoint), nobody)


def _timed(data: AnalysisData, everyone: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    """The subjects who have the endpoint, with their times and facts; nothing else of ADSL is carried along."""
    facts = {*data.protocol.facts, GROUPS}.difference(times.columns)
    known = everyone.select("USUBJID", *(name for name in everyone.columns if name in facts))
    joined = known.join(times, on="USUBJID", how="left", maintain_order="left")
    return joined.drop_nulls(["AVAL", "EVENT"])


def first_day(data: AnalysisData, endpoint: str) -> float:
    """What `AVAL` is on the day time begins.

    It is ADT - STARTDT + 1 where it was derived from dates (CDISC ADaM TTE 1.0), so 1; recorded times are elapsed, so 0.
    """
    return 0.0 if data.protocol.endpoints[endpoint].reported else 1.0


def _status() -> tuple[pl.Expr, pl.Expr]:
    event = event_observed(pl.col("CNSR"))
    status = pl.when(event).then(1).when(pl.col("CNSR") == COMPETING).then(2).when(~event).then(0)
    return event.alias("EVENT"), status.alias("STATUS")


def select_times(data: AnalysisData, analysis: TimeAnalysis) -> pl.DataFrame:
    """The row of ADTTE of each subject, counted from the moment the analysis names, by the reader who counts."""
    rows = data.adtte.filter(pl.col("PARAMCD") == analysis.endpoint.upper())
    if "ANL01FL" in rows.columns:
        own = pl.col("ANL01FL") == "Y"
        if analysis.from_ is not None:
            readers = rows.filter(own)["READER"].unique().to_list()
            own = (pl.col("TIMEFROM") == analysis.from_) & pl.col("READER").is_in(readers, nulls_equal=True)
        rows = rows.filter(own)
    return rows


def _times(data: AnalysisData, analysis: TimeAnalysis) -> pl.DataFrame:
    """One time a subject."""
    rows = select_times(data, analysis)
    bounds = [name for name in ("STARTDT", "LEFTDT", "RIGHTDT") if name in rows.columns]
    return rows.with_columns(_status()).select("USUBJID", "AVAL", "EVENT", "STATUS", *bounds)


def stretches_of(data: AnalysisData, name: str) -> pl.DataFrame:
    """The rows of ADTTEV of an analysis, those of subjects without time too."""
    return data.tables["ADTTEV"].filter(pl.col("ANALYSIS") == name)


def _stretches(data: AnalysisData, name: str, analysis: TimeAnalysis) -> pl.DataFrame:
    """The stretches of time of an analysis: `TSTART`, `TSTOP` (= `AVAL`), and the group of each as `groups`.

    The group is what had begun by the landmark, or by the stretch where it may change. Else it stays the one assigned:
    what was begun later must not tell the group of the time before.
    """
    rows = stretches_of(data, name).filter(pl.col("INCLFL") == "Y")
    is_by_treatment = goes_by_treatment(analysis)
    continues = pl.col("EVNTTYPE") == CONTINUES
    event, status = _status()
    return rows.with_columns(
        pl.when(continues).then(False).otherwise(event).alias("EVENT"),
        pl.when(continues).then(0).otherwise(status).alias("STATUS"),
        AVAL=pl.col("TSTOP"),
        **({GROUPS: pl.col("GROUP")} if is_by_treatment else {}),
    ).select(
        "USUBJID", "TSTART", "TSTOP", "AVAL", "EVENT", "STATUS", "STARTDT", *([GROUPS] if is_by_treatment else [])
    )  # fmt: skip
