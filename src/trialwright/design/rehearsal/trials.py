"""A block of virtual trials, from its seed to what the protocol's analyses say of each, beside the truth of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from trialwright.analysis.from_records import bind_each, parts_by
from trialwright.analysis.immortal_time import counted_before
from trialwright.analysis.run import dataset_of, run_analysis
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.rehearsal.questions import Question, ask
from trialwright.design.rehearsal.seen import (
    LIMITED,
    MEASURABLE,
    see_calendar,
    see_reactivation,
    see_recurrence,
)
from trialwright.design.rehearsal.targets import Target, lives_of, reactivation_truth, recurrence_truth
from trialwright.design.virtual.parameters import AfterTreatment, Common, read_parameters
from trialwright.design.virtual.plan import AfterTreatmentPlan, read_after_treatment_plan
from trialwright.design.virtual.simulation import KEY, simulate
from trialwright.protocol.loading import LoadedProtocol, hash_protocol, load_protocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import facts_named
from trialwright.records.table_threads import on_table_threads

ESTIMATE, TRUTH, SEEN, KEPT = "estimate", "truth", "seen", "kept"
"""Kinds of rows of a block."""

_ALWAYS = ("ADSL", "ADBASE", "ADTTE", "ADCLOCK")
_FOR_BOUNDARIES = ("ADEXSUM", "ADLB", "ADEVT", "ADRATE")

_SCHEMA = {
    "TRIAL": pl.Int64, "KIND": pl.String, "ANALYSIS": pl.String, "NAME": pl.String, "VALUE": pl.Float64, "LOW": pl.Float64,
    "HIGH": pl.Float64, "P_VALUE": pl.Float64,
}  # fmt: skip

Row = tuple[int, str, str, str, float | None, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class TrialBlock:
    """Virtual trials of one scenario: `n` from number `first` on, of all that `seed` gives.

    Attributes
    ----------
    protocol : str
        Its name or path.
    sha256 : str
        Its hash, so that a block of another version is not taken for this one.
    scenario : str, optional
    analyses : tuple of str
        Those that are rehearsed; see `questions.ask`.
    subjects : int, optional
        Enrolled in each trial; as many as the protocol plans if not said.
    """

    protocol: str
    sha256: str
    scenario: str | None
    analyses: tuple[str, ...]
    seed: int
    first: int
    n: int
    subjects: int | None = None


@on_table_threads
def rehearse_block(block: TrialBlock) -> pl.DataFrame:
    """Make the trials of a block, derive and analyse each as the protocol says, and tell the truth of each.

    Returns
    -------
    rows : DataFrame
        `TRIAL` (from 0), `KIND` (estimate, truth, seen, kept), `ANALYSIS` (of estimates; of what was kept the clock or
        visit), `NAME`, and `VALUE` with `LOW`, `HIGH` and
        `P_VALUE` where there are any. What could not be estimated is null.

    Raises
    ------
    ProblemsFound
        As `simulate` and `derive_datasets`.
    ValueError
        If the protocol is no longer the one of the block.
    """
    loaded = _load(block.protocol)
    if hash_protocol(loaded.protocol) != block.sha256:
        raise ValueError(f"`{block.protocol}` was changed while its rehearsal ran")
    parameters = read_parameters(loaded, block.scenario)
    questions = ask(loaded.protocol, parameters, block.analyses)
    is_after = isinstance(parameters, AfterTreatment)
    made = simulate(
        loaded, seed=block.seed, subjects=block.subjects, trials=block.n, first=block.first, scenario=block.scenario,
        errors=False, observed=not is_after,
    )  # fmt: skip
    records = {name: _with_key(table) for name, table in made.tables.items()}
    protocol = loaded.protocol
    derived = derive_datasets(
        make_study(loaded, records, keys=[KEY]),
        only=_datasets(protocol, questions, is_after=is_after),
        parameters=_parameters(protocol, questions),
    )
    trials = bind_each(protocol, derived.tables, KEY, is_simulated=True)
    latent, observable = parts_by(made.latent, KEY), parts_by(made.observable, KEY)
    kept = see_calendar(derived.tables["ADCLOCK"], KEY)
    plan = read_after_treatment_plan(loaded) if is_after else None
    rows: list[Row] = []
    for number, key in enumerate(sorted(latent, key=int), start=block.first):
        seen = observable.get(key, made.observable.clear())
        told = _Told(trials[key], latent[key], seen, parameters, plan)
        rows += [(number, *row) for row in _rows_of(told, questions)]
        rows += [
            (number, KEPT, element, name, share, None, None, None)
            for element, name, share in kept.get(key, ())
        ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _datasets(protocol: Protocol, questions: Sequence[Question], *, is_after: bool) -> tuple[str, ...]:
    """What the questions are answered from, and what else is looked at; nothing else is derived."""
    read = [dataset_of(protocol, protocol.analyses[one.analysis]).partition("[")[0] for one in questions]
    return tuple(dict.fromkeys([*_ALWAYS, *read, *(() if is_after else _FOR_BOUNDARIES)]))


def _parameters(protocol: Protocol, questions: Sequence[Question]) -> frozenset[str]:
    """The facts and endpoints that the analyses asked, and what else is looked at, read of these datasets."""
    analyses = {one.analysis for one in questions}
    endpoints = [one for id_ in analyses if (one := getattr(protocol.analyses[id_], "endpoint", None))]
    compared = {one.endpoint for one in counted_before(protocol).values()}
    return frozenset({*facts_named(protocol, analyses), *LIMITED, *endpoints, *compared})


@lru_cache(maxsize=2)
def _load(protocol: str) -> LoadedProtocol:
    return load_protocol(protocol)


def _with_key(table: pl.DataFrame) -> pl.DataFrame:
    """A single trial has no key of its own."""
    return table if KEY in table.columns else table.select(pl.lit("0001").alias(KEY), pl.all())


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """One trial: derived, and as it truly was."""

    data: AnalysisData
    latent: pl.DataFrame
    observable: pl.DataFrame
    parameters: Common
    plan: AfterTreatmentPlan | None

    def truths(self, targets: Iterable[Target]) -> Iterator[tuple[str, float]]:
        """Each target in words with what it comes to."""
        if isinstance(self.parameters, AfterTreatment) and self.plan is not None:
            lives = lives_of(self.latent, self.parameters, self.plan.interval)
            yield from ((one.words, recurrence_truth(one, lives)) for one in targets)
        else:
            yield from ((one.words, reactivation_truth(one, self.latent, self.observable)) for one in targets)


def _rows_of(
    told: _Told, questions: tuple[Question, ...]
) -> Iterator[tuple[str, str, str, float | None, float | None, float | None, float | None]]:
    recorders = {
        id_: run_analysis(told.data, id_, "records", with_curves=False)
        for id_ in dict.fromkeys(one.analysis for one in questions)
    }
    values = {row.id: row.value for recorder in recorders.values() for row in recorder.rows}
    for one in questions:
        found = one.read(values)
        if one.kind == "log-rank test":
            found["estimate"] = _direction(one.analysis, list(told.data.protocol.groups), values)
        yield (
            ESTIMATE,
            one.analysis,
            one.name,
            found["estimate"],
            found["low"],
            found["high"],
            found["p_value"],
        )
    for words, truth in told.truths(dict.fromkeys(target for one in questions for target in one.targets)):
        yield TRUTH, "", words, None if math.isnan(truth) else truth, None, None, None
    for name, value in _seen(told, list(recorders), values):
        yield SEEN, "", name, value, None, None, None


def _direction(id_: str, groups: list[str], values: Mapping[str, float | None]) -> float | None:
    """Events of the second group less those expected if nothing told the groups apart: below 0 where it fares better."""
    observed, expected = (values.get(f"{id_}/{groups[1]}/{part}") for part in ("observed", "expected"))
    return None if observed is None or expected is None else observed - expected


def _seen(
    told: _Told, analyses: Sequence[str], values: Mapping[str, float | None]
) -> Iterator[tuple[str, float | None]]:
    if told.plan is not None:
        yield from see_recurrence(told.data, told.latent, told.plan)
    else:
        yield from see_reactivation(told.data, told.latent)
    for id_ in analyses:
        if (share := values.get(f"{id_}/effective_share")) is not None:
            yield f"effective share of participants in `{id_}`", share
    first = analyses[0]
    measurable, not_measurable = (
        values.get(f"{first}/{part}") for part in ("n_measurable", "n_not_measurable")
    )
    if measurable is not None and not_measurable is not None and measurable + not_measurable:
        yield MEASURABLE, measurable / (measurable + not_measurable)
