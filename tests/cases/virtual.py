"""Small virtual trials with a fixed seed, derived and analysed once."""

from __future__ import annotations

from functools import cache

from trialwright.analysis.from_records import bind_datasets
from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol

METHODS = ("proportion", "adverse events", "summary by visit")


@cache
def derived(trial: str, subjects: int, seed: int) -> AnalysisData:
    loaded = load_protocol(trial)
    made = simulate(loaded, seed=seed, subjects=subjects)
    study = make_study(loaded, made.tables)
    return bind_datasets(study, derive_datasets(study))


@cache
def analysed(trial: str, subjects: int, seed: int) -> tuple[AnalysisData, Results]:
    """The trial, and the results of its rates, adverse events and visits."""
    data = derived(trial, subjects, seed)
    kept = {name: one for name, one in data.protocol.analyses.items() if one.method in METHODS}
    protocol = data.protocol.model_copy(update={"analyses": kept})
    data = AnalysisData(protocol, data.adsl, data.adtte, data.tables, data.is_simulated)
    return data, run_analyses(data, {}, "records")
