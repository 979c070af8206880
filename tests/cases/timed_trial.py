"""A trial of two groups that nobody randomised, its times written down in a test, and a way to run its analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses
from trialwright.analysis.sample import AnalysisData
from trialwright.protocol.loading import parse_protocol

START = date(2024, 3, 1)
WEIGHTS = (
    "{ target: overlap, treated: b, covariates: [age, sex, stage], imputations: 5, resamples: 100, seed: 7 }"
)
PROTOCOL = f"""\
format: trialwright/1
study: {{ id: TIMED, title: A trial of times, type: interventional, allocation: not randomised }}
facts:
  age: {{ label: Age, kind: number, unit: years }}
  virus: {{ label: Virus, kind: number, unit: IU/mL }}
  sex: {{ label: Sex, kind: category, levels: {{ f: Female, m: Male }} }}
  stage: {{ label: Stage, kind: category, levels: {{ early: Early, late: Late, last: Last }} }}
treatments: {{ old: {{ label: Old }}, new: {{ label: New }} }}
groups:
  a: {{ label: Old alone, treatments: [old], assigned at: assignment }}
  b: {{ label: Old and new, treatments: [old, new], assigned at: assignment }}
anchors: {{ surgery: {{ text: Surgery, label: surgery }}, assignment: {{ text: Assignment, label: assignment }} }}
time zero: assignment
baseline: last on or before assignment
populations: {{ everyone: {{ label: Everyone }} }}
events:
  recurrence: {{ reported: true }}
  death: {{ reported: true }}
endpoints:
  recurrence: {{ label: Recurrence, kind: time to event, role: primary, time to: recurrence, competing: death, unit: days }}
  rfs: {{ label: Survival without recurrence, kind: time to event, role: secondary, time to: [recurrence, death], unit: days }}
analyses:
  curve:
    {{ method: kaplan-meier, title: Curve, role: registered, population: everyone, endpoint: recurrence, by: groups, read at: [READ], ticks every: 10 days }}
  all_curve: {{ method: kaplan-meier, title: Curve of all, population: everyone, endpoint: recurrence, read at: [READ], ticks every: 10 days }}
  free: {{ method: kaplan-meier, title: Free, population: everyone, endpoint: rfs, read at: [READ], ticks every: 10 days }}
  test: {{ method: log-rank, title: Test, role: registered, population: everyone, endpoint: recurrence, by: groups }}
  model: {{ method: cox, title: Model, role: registered, population: everyone, endpoint: recurrence, covariates: [groups] }}
  adjusted:
    {{ method: cox, title: Adjusted, population: everyone, endpoint: recurrence, covariates: [groups, virus, stage], transform: {{ virus: log10 }} }}
  incidence:
    {{ method: cumulative incidence, title: Incidence, population: everyone, endpoint: recurrence, by: groups, read at: [READ], ticks every: 10 days }}
  all_incidence:
    {{ method: cumulative incidence, title: Incidence of all, population: everyone, endpoint: recurrence, read at: [READ], ticks every: 10 days }}
  subdistribution: {{ method: fine-gray, title: Subdistribution, population: everyone, endpoint: recurrence, covariates: [groups] }}
  turned: {{ method: cox, title: Turned, population: everyone, endpoint: recurrence, covariates: [groups], reference: {{ groups: b }} }}
  turned_subdistribution:
    {{ method: fine-gray, title: Turned subdistribution, population: everyone, endpoint: recurrence, covariates: [groups], reference: {{ groups: b }} }}
  mean: {{ method: restricted mean, title: Mean, population: everyone, endpoint: recurrence, by: groups, horizon: 12 days }}
  weighted:
    method: kaplan-meier
    title: Weighted
    population: everyone
    endpoint: recurrence
    by: groups
    read at: [READ]
    ticks every: 10 days
    weights: {WEIGHTS}
  weighted_model:
    {{ method: cox, title: Weighted model, population: everyone, endpoint: recurrence, covariates: [groups], weights: {WEIGHTS} }}
  between: {{ method: turnbull, title: Between, population: everyone, endpoint: recurrence, by: groups, read at: [READ], resamples: 100 }}
  naive:
    {{ method: kaplan-meier, title: Naive, population: everyone, endpoint: recurrence, from: surgery, by: groups, read at: [READ], ticks every: 10 days }}
  changing:
    {{ method: cox, title: Changing, population: everyone, endpoint: recurrence, from: surgery, entry: assignment, covariates: [groups], time varying: [groups] }}
  late_curve:
    {{ method: kaplan-meier, title: Late, population: everyone, endpoint: recurrence, from: surgery, entry: assignment, by: groups, read at: [READ], ticks every: 10 days }}
  late_test: {{ method: log-rank, title: Late test, population: everyone, endpoint: recurrence, from: surgery, entry: assignment, by: groups }}
  landmark:
    {{ method: kaplan-meier, title: Landmark, population: everyone, endpoint: recurrence, from: surgery, landmark: 180 days, by: groups, read at: [READ], ticks every: 100 days }}
  emulated:
    {{ method: clone-censor-weight, title: Emulated, population: everyone, endpoint: recurrence, from: surgery, by: groups, grace: 5 days, covariates: [age], read at: [READ], resamples: 100 }}
"""


def after(days: float | None) -> date | None:
    """The date so many elapsed days after the start."""
    return None if days is None else START + timedelta(days=round(days))


Subject = dict[str, Any]


def subject(time: float, status: int, group: str | None = "a", **more: Any) -> Subject:
    """A subject who after `time` elapsed days has the event (1), the competing one (2), or is censored (0)."""
    return {"time": time, "status": status, "group": group, **more}


_CNSR = {1: 0, 0: 1, 2: 2}


def trial(
    people: Sequence[Subject],
    *,
    read: str = "10 days",
    stretches: Sequence[dict[str, Any]] = (),
    text: str = PROTOCOL,
) -> AnalysisData:
    """Times of recurrence (death competing) and of recurrence or death; `from surgery` they are the same."""
    protocol = parse_protocol(text.replace("READ", read))[0]
    ids = [f"S{i:03}" for i, _ in enumerate(people)]
    schema = {"age": pl.Float64, "virus": pl.Float64, "sex": pl.String, "stage": pl.String}
    adsl = pl.DataFrame(
        {"USUBJID": ids, "groups": [one["group"] for one in people]}
        | {name: [one.get(name) for one in people] for name in schema},
        schema={"USUBJID": pl.String, "groups": pl.String, **schema},
    )
    rows = []
    for id_, one in zip(ids, people, strict=True):
        cnsr = _CNSR.get(one["status"])
        own = {
            "USUBJID": id_,
            "READER": None,
            "STARTDT": START,
            "AVAL": one["time"] + 1.0,
            "LEFTDT": after(one.get("left")),
        }
        own |= {"RIGHTDT": after(one.get("right", one["time"] if cnsr == 0 else None))}
        for parameter, code in (("RECURRENCE", cnsr), ("RFS", 0 if cnsr == 2 else cnsr)):
            for start, flag in (("assignment", "Y"), ("surgery", None)):
                rows.append({**own, "PARAMCD": parameter, "TIMEFROM": start, "ANL01FL": flag, "CNSR": code})
    adtte = pl.DataFrame(
        rows,
        schema={
            "USUBJID": pl.String, "PARAMCD": pl.String, "TIMEFROM": pl.String, "READER": pl.String, "ANL01FL": pl.String,
            "STARTDT": pl.Date, "AVAL": pl.Float64, "CNSR": pl.Int64, "LEFTDT": pl.Date, "RIGHTDT": pl.Date,
        },
    )  # fmt: skip
    adttev = pl.DataFrame(
        stretches,
        schema={
            "USUBJID": pl.String, "ANALYSIS": pl.String, "PARAMCD": pl.String, "INCLFL": pl.String, "GROUP": pl.String, "GROUPDT": pl.Date,
            "GROUPDTF": pl.String, "STARTDT": pl.Date, "TSTART": pl.Float64, "TSTOP": pl.Float64, "CNSR": pl.Int64, "EVNTTYPE": pl.String,
        },
    )  # fmt: skip
    return AnalysisData(protocol, adsl, adtte, {"ADTTE": adtte, "ADTTEV": adttev})


def stretch(
    analysis: str,
    number: int,
    start: float,
    stop: float,
    status: int | None,
    group: str,
    begun: float | None = None,
) -> dict[str, Any]:
    """A row of ADTTEV: the days after `start` up to `stop`, as `AVAL` counts; no status where another stretch follows."""
    return {
        "USUBJID": f"S{number:03}", "ANALYSIS": analysis, "PARAMCD": "RECURRENCE", "INCLFL": "Y", "GROUP": group, "GROUPDT": after(begun),
        "STARTDT": START, "TSTART": start, "TSTOP": stop, "CNSR": _CNSR[status] if status is not None else 1,
        "EVNTTYPE": {1: "event", 0: "censored", 2: "competing", None: "continues"}[status],
    }  # fmt: skip


def planned(people: Sequence[Subject], *only: str, **told: Any) -> AnalysisData:
    """The trial as if its protocol had some analyses alone."""
    data = trial(people, **told)
    kept = {name: one for name, one in data.protocol.analyses.items() if name in only}
    return replace(data, protocol=data.protocol.model_copy(update={"analyses": kept}))


def run(people: Sequence[Subject], *only: str, **told: Any) -> Results:
    """Results of some analyses of the trial."""
    return run_analyses(planned(people, *only, **told), {}, "timed")
