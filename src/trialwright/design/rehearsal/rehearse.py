"""A rehearsal: many whole virtual trials under a protocol's assumptions and scenarios, and how its own analyses fare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import polars as pl

from trialwright.analysis.results import Recorder, Result, Results
from trialwright.analysis.run import not_yet_executable, protocol_provenance, software
from trialwright.design.blocks import Running, run_blocks
from trialwright.design.rehearsal.performance import (
    Measured,
    Share,
    bias_of,
    coverage_of,
    mean_of,
    share_of,
    spread_of,
)
from trialwright.design.rehearsal.questions import Question, ask
from trialwright.design.rehearsal.seen import OF_TRIALS
from trialwright.design.rehearsal.targets import Target
from trialwright.design.rehearsal.trials import ESTIMATE, KEPT, SEEN, TRUTH, TrialBlock, rehearse_block
from trialwright.design.virtual.parameters import AfterTreatment, read_parameters
from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.vocabulary.problems import Problem, ProblemsFound

BASE = "as assumed"
"""What the assumptions of a protocol are called where no scenario changes them; no scenario can be named so."""
IN_TRIALS, CLOCKS = "virtual trials", "clocks"
"""The ids of rows that belong to no analysis; no analysis can be named so."""
SIMULATED_PEOPLE = 6_000
"""About as many people are made at once: enough to spread what each derivation costs, few enough for 2 GB of memory."""
ALPHA = 0.05
"""Where the design names no level."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What trials are made under.

    Attributes
    ----------
    id : str
        Of the protocol's scenario, or `BASE`.
    words : str
    path : str
        Where the protocol says so.
    is_null : bool
        Whether the treatment does nothing under it, so that whoever finds an effect errs.
    """

    id: str
    words: str
    path: str
    is_null: bool


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """What a rehearsal found.

    Attributes
    ----------
    loaded : LoadedProtocol
    questions : tuple of Question
    scenarios : tuple of Scenario
    trials : int
        Of each scenario.
    seed : int
    subjects : int
        Enrolled in each trial.
    results : Results
        By analysis; `group` is the scenario, `item` the number that is judged, with the truth it is held against. Shares
        and means have their Monte-Carlo error as `..._mc_error`; `n` counts the trials that could tell.
    """

    loaded: LoadedProtocol
    questions: tuple[Question, ...]
    scenarios: tuple[Scenario, ...]
    trials: int
    seed: int
    subjects: int
    results: Results


def rehearse(
    loaded: LoadedProtocol,
    protocol: str,
    *,
    trials: int,
    seed: int,
    scenarios: Sequence[str] = (),
    analyses: Sequence[str] = (),
    subjects: int | None = None,
    **running: Unpack[Running],
) -> Rehearsal:
    """Run whole virtual trials through records, derivations and a protocol's own analyses, and hold them against the truth.

    Parameters
    ----------
    loaded : LoadedProtocol
    protocol : str
        The name or path it was loaded from: other processes load it again.
    trials : int
        Of each scenario; trial 7 of ten is trial 7 of a thousand, and is made of the same chances in all scenarios.
    seed : int
    scenarios : sequence of str
        Beside the protocol's assumptions as they are.
    analyses : sequence of str
        Which are rehearsed; see `questions.ask`.
    subjects : int, optional
        Enrolled in each trial; as many as the protocol plans if not said.
    executor, workers, folder, on_progress
        As in `run_blocks`; results do not depend on them.

    Raises
    ------
    ProblemsFound
        `no-trials`; the problems of `read_parameters`, `ask` and `simulate`.
    """
    if trials < 1:
        raise ProblemsFound(
            [Problem("no-trials", f"there must be at least 1 trial, not {trials}", fix="ask for 200 or more")]
        )
    names: list[str | None] = [None, *dict.fromkeys(scenarios)]
    parameters = {name: read_parameters(loaded, name) for name in names}
    questions = ask(loaded.protocol, parameters[None], analyses)
    enrolled = subjects if subjects is not None else loaded.protocol.study.enrolment
    size = max(1, SIMULATED_PEOPLE // max(enrolled or 1, 1))
    where = str(Path(protocol).resolve()) if Path(protocol).is_file() else protocol
    sha256 = hash_protocol(loaded.protocol)
    blocks = [
        TrialBlock(where, sha256, name, tuple(analyses), seed, first, min(size, trials - first), subjects)
        for name in names
        for first in range(0, trials, size)
    ]
    frames = run_blocks(rehearse_block, blocks, count=lambda block: block.n, **running)
    told = tuple(_scenario(loaded, name, parameters[name]) for name in names)
    found = {
        one.id: pl.concat(
            [frame for block, frame in zip(blocks, frames, strict=True) if block.scenario == name]
        )
        for name, one in zip(names, told, strict=True)
    }
    rows = tuple(measure(loaded, questions, told, found))
    about = {
        "protocol": protocol_provenance(loaded.protocol),
        "data": {"virtual trials of each scenario": trials, "seed": seed, "enrolled in each": enrolled or 0},
        "software": software(),
    }
    return Rehearsal(
        loaded, questions, told, trials, seed, enrolled or 0, Results(rows, (), about, is_simulated=True)
    )


def _scenario(loaded: LoadedProtocol, name: str | None, parameters: object) -> Scenario:
    is_null = isinstance(parameters, AfterTreatment) and parameters.hazard_ratio == 1
    if name is None:
        return Scenario(BASE, "The assumptions of the protocol as they are", "assumptions", is_null)
    return Scenario(name, loaded.protocol.scenarios[name].text, f"scenarios.{name}", is_null)


# --- rows ---------------------------------------------------------------------------------------------------------------


def measure(
    loaded: LoadedProtocol,
    questions: Sequence[Question],
    scenarios: Sequence[Scenario],
    found: Mapping[str, pl.DataFrame],
) -> Iterator[Result]:
    """The rows of a rehearsal, from what each trial gave.

    Parameters
    ----------
    loaded : LoadedProtocol
    questions : sequence of Question
    scenarios : sequence of Scenario
    found : mapping of str to DataFrame
        By the id of the scenario, as `rehearse_block` gives them.
    """
    alpha = float(loaded.protocol.design.alpha or ALPHA) if loaded.protocol.design else ALPHA
    for scenario in scenarios:
        frame = found[scenario.id]
        truths = _columns(frame, TRUTH)
        for question in questions:
            own = frame.filter((pl.col("KIND") == ESTIMATE) & (pl.col("ANALYSIS") == question.analysis))
            own = own.filter(pl.col("NAME") == question.name).sort("TRIAL")
            yield from _judge(loaded, scenario, question, own, truths, alpha).rows
        yield from _describe(scenario, frame).rows
        yield from _kept(scenario, frame).rows
    yield from _not_run(loaded).rows


def _columns(frame: pl.DataFrame, kind: str) -> dict[str, list[float | None]]:
    """The values of each name, by trial."""
    rows = frame.filter(pl.col("KIND") == kind).sort("TRIAL")
    return {
        str(key[0]): part["VALUE"].to_list() for key, part in rows.partition_by("NAME", as_dict=True).items()
    }


def _judge(
    loaded: LoadedProtocol,
    scenario: Scenario,
    question: Question,
    own: pl.DataFrame,
    truths: Mapping[str, list[float | None]],
    alpha: float,
) -> Recorder:
    """What is told of one number of an analysis under a scenario."""
    analysis = loaded.protocol.analyses[question.analysis]
    source = f"analyses.{question.analysis} <- virtual trials <- {scenario.path}"
    scale = "natural logarithm" if question.kind == "hazard ratio" else "as it is"
    recorder = Recorder(
        question.analysis, analysis.method, source, getattr(analysis, "endpoint", None), own.height
    )
    recorder.conventions = {"scale": scale, "conf_level": question.conf_level, "alpha": alpha}
    estimates, low, high = (own[name].to_list() for name in ("VALUE", "LOW", "HIGH"))
    where: dict[str, Any] = {"group": scenario.id, "item": question.name}
    recorder.add("n_trials", own.height, "trials", n=own.height, **where)
    if question.kind != "log-rank test":
        _add(recorder, "mean", mean_of(estimates), **where)
        _add(recorder, "spread", spread_of(estimates), **where)
        n_limits = sum(a is not None and b is not None for a, b in zip(low, high, strict=True))
        recorder.add("n_with_limits", n_limits, "trials", n=own.height, **where)
    for target in question.targets:
        _hold(recorder, scenario, question, target, (estimates, low, high), truths[target.words])
    rejects = _rejections(question, own, alpha)
    if rejects is not None:
        _add(recorder, "type_i_error" if scenario.is_null else "power", share_of(rejects), **where)
        for statistic, sign in (("shown_better", -1), ("shown_worse", 1)):
            sided = [
                None if no is None or value is None else no and value * sign > 0
                for no, value in zip(rejects, estimates, strict=True)
            ]
            _add(recorder, statistic, share_of(sided), **where)
    return recorder


def _hold(
    recorder: Recorder,
    scenario: Scenario,
    question: Question,
    target: Target,
    values: tuple[list[float | None], list[float | None], list[float | None]],
    truths: list[float | None],
) -> None:
    """Bias and coverage of a number against one of its truths."""
    estimates, low, high = values
    where: dict[str, Any] = {"group": scenario.id, "item": item_of(question, target)}
    truth = mean_of(truths)
    _add(recorder, "target", truth, **where)
    _add(recorder, "bias", bias_of(estimates, truths), **where)
    _add(recorder, "coverage", coverage_of(low, high, truth.value), **where)


def item_of(question: Question, target: Target) -> str:
    """The item of rows that hold a number against a truth."""
    return f"{question.name} against {target.words}"


def _rejections(question: Question, own: pl.DataFrame, alpha: float) -> list[bool | None] | None:
    """Of each trial whether it finds the groups to differ: by its p-value, or by limits of a difference that leave out 0."""
    if "p_value" in question.rows:
        return [None if p is None else p < alpha for p in own["P_VALUE"]]
    if question.kind != "difference of risks":
        return None
    limits = zip(own["LOW"], own["HIGH"], strict=True)
    return [None if low is None or high is None else low > 0 or high < 0 for low, high in limits]


def _add(recorder: Recorder, statistic: str, found: Measured, **where: Any) -> None:
    unit = "proportion" if isinstance(found, Share) else ""
    few = "too few trials could tell"
    recorder.add(statistic, found.value, unit, note=few, n=found.n, **where)
    recorder.add(f"{statistic}_mc_error", found.mc_error, unit, note=few, n=found.n, **where)
    if isinstance(found, Share):
        recorder.add(f"{statistic}_conf_low", found.low, unit, note=few, n=found.n, **where)
        recorder.add(f"{statistic}_conf_high", found.high, unit, note=few, n=found.n, **where)


def _describe(scenario: Scenario, frame: pl.DataFrame) -> Recorder:
    """Means over trials of what else they show; of what holds of a trial or not, the share of trials."""
    recorder = Recorder(IN_TRIALS, "description", f"virtual trials <- {scenario.path}")
    for name, values in _columns(frame, SEEN).items():
        told = [None if one is None or math.isnan(one) else one for one in values]
        is_share = name.startswith(OF_TRIALS)
        found = share_of([None if one is None else one == 1 for one in told]) if is_share else mean_of(told)
        _add(recorder, "mean", found, group=scenario.id, item=name)
    return recorder


def _kept(scenario: Scenario, frame: pl.DataFrame) -> Recorder:
    """How often clocks and visits are broken: means over trials of shares."""
    recorder = Recorder(CLOCKS, "count", f"ADCLOCK <- virtual trials <- {scenario.path}")
    rows = frame.filter(pl.col("KIND") == KEPT).sort("TRIAL")
    for (element, name), part in rows.partition_by(
        "ANALYSIS", "NAME", as_dict=True, maintain_order=True
    ).items():
        _add(recorder, str(name), mean_of(part["VALUE"].to_list()), group=scenario.id, item=str(element))
    return recorder


def _not_run(loaded: LoadedProtocol) -> Recorder:
    """What of a protocol nothing runs."""
    recorder = Recorder(CLOCKS, "count", "deviations")
    for path, reason in not_yet_executable(loaded.protocol).items():
        recorder.add("not_run", None, "trials", note=f"not executable yet: {reason}", item=path)
    return recorder
