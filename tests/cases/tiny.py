"""A tiny study with every method, and a way to run it on subjects written down in a test."""

import polars as pl

from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.cohort import derive_adsl, derive_adtte
from trialwright.protocol.loading import parse_protocol
from trialwright.records.csv import Cohort

PROTOCOL = """\
format: trialwright/1
study: { id: TINY, title: A tiny study, type: observational, allocation: not applicable }
facts:
  age: { label: Age, kind: number, unit: years }
  arm: { label: Arm, kind: category, levels: { a: A, b: B } }
populations: { everyone: { label: Everyone } }
events: { death: { reported: true } }
endpoints:
  os: { label: Overall survival, kind: time to event, role: primary, time to: death, unit: months, reported: true }
analyses:
  table: { method: baseline table, title: T, population: everyone, by: arm, variables: [age, arm] }
  follow: { method: reverse kaplan-meier, title: T, population: everyone, endpoint: os, by: arm }
  curve:
    { method: kaplan-meier, title: T, population: everyone, endpoint: os, by: arm, read at: [2 months, 9 months],
      ticks every: 2 months }
  test: { method: log-rank, title: T, population: everyone, endpoint: os, by: arm }
  model: { method: cox, title: T, population: everyone, endpoint: os, covariates: [arm] }
  mean: { method: restricted mean, title: T, population: everyone, endpoint: os, by: arm, horizon: 3 months }
"""

TINY, _ = parse_protocol(PROTOCOL)


def analyse(subjects: list[tuple]) -> Results:
    """Run PROTOCOL on tuples of (age, arm, months, died)."""
    ids = [f"S{i}" for i, _ in enumerate(subjects)]
    ages, arms, months, died = (list(column) for column in zip(*subjects, strict=True))
    lines = list(range(2, len(subjects) + 2))
    cohort = Cohort(
        "tiny.csv",
        "0" * 64,
        pl.DataFrame(
            {"USUBJID": ids, "SRCSEQ": lines, "age": ages, "arm": arms},
            schema_overrides={"age": pl.Float64, "arm": pl.String},
        ),
        pl.DataFrame(
            {"USUBJID": ids, "SRCSEQ": lines, "endpoint": "os", "time": months, "event_observed": died},
            schema_overrides={"time": pl.Float64, "event_observed": pl.Boolean},
        ),
    )
    data = AnalysisData(TINY, derive_adsl(cohort, TINY), derive_adtte(cohort, TINY))
    return run_analyses(data, {}, cohort.file)
