"""A small trial whose derived datasets are written down in a test, and a way to run its analyses on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses
from trialwright.analysis.sample import AnalysisData
from trialwright.protocol.loading import parse_protocol
from trialwright.protocol.model import Protocol

START = date(2024, 1, 1)
"""Time zero of everybody."""

PROTOCOL = """\
format: trialwright/1
study: { id: SMALL, title: A small trial, type: interventional, allocation: not randomised }
facts:
  virus: { label: Virus, kind: number, concept: hbv_dna }
  grade: { label: Grade, kind: number, concept: toxicity_grade }
  tumour: { label: Response, kind: category, concept: recist_response }
assays:
  pcr: { measures: virus, lower limit: 20 IU/mL, upper limit: 1000000 IU/mL }
treatments: { drug: { label: Drug, dose: 10 mg, every: 4 weeks, until: { worse: { text: It gets worse } } } }
groups: { a: { label: Group A }, b: { label: Group B } }
anchors: { entry: { text: Entry } }
time zero: entry
baselines: { at_entry: { take: last on or before entry } }
baseline: at_entry
periods: { treated: { span: entry to last drug + 28 days } }
populations: { everyone: { label: Everyone } }
events:
  rise: { of: virus, when: value >= 100 * baseline }
  relapse: { reported: true }
endpoints:
  rises: { label: Rise, kind: rate, role: primary, rate of: rise, during: treated }
  responses:
    label: Response
    kind: best response
    role: secondary
    of: tumour
    response: { counts: [CR, PR], confirmed after: 28 days, unassessed: left out }
  harms: { label: Adverse events, kind: worst grade, role: secondary, of: grade, during: treated, grading: { version: CTCAE 5.0 } }
  course:
    label: Course of the virus
    kind: change
    role: exploratory
    of: virus
    scale: log10
    read at: [4 weeks, 12 weeks]
    estimand: { population: everyone, intercurrent events: { relapse: until it happens } }
analyses:
  rate: { method: proportion, title: Rise, population: everyone, endpoint: rises, role: registered }
  worst: { method: proportion, title: Rise, population: everyone, endpoint: rises, unassessed: with event }
  upper: { method: proportion, title: Rise, population: everyone, endpoint: rises, sides: 1 }
  by_group: { method: proportion, title: Rise, population: everyone, endpoint: rises, by: groups }
  over_time: { method: proportion, title: Rise, population: everyone, endpoint: rises, per: patient-months }
  best: { method: proportion, title: Response, population: everyone, endpoint: responses }
  kind_best: { method: proportion, title: Response, population: everyone, endpoint: responses, unassessed: without event }
  harm: { method: adverse events, title: Adverse events, population: everyone, endpoint: harms }
  harm_by_group: { method: adverse events, title: Adverse events, population: everyone, endpoint: harms, by: groups }
  visits: { method: summary by visit, title: Virus, population: everyone, endpoint: course, by: groups, confidence: 90 % }
"""


def protocol(text: str = PROTOCOL) -> Protocol:
    return parse_protocol(text)[0]


SMALL = protocol()

_DATES = ("ADT", "ADTL", "ADTH", "ASTDT", "ASTDTL")
_EMPTY: dict[str, dict[str, Any]] = {
    "ADRATE": {"PARAMCD": pl.String, "AVALC": pl.String, "REASON": pl.String, "NASSESS": pl.Int64, "RISKDAYS": pl.Float64, "COMPLFL": pl.String, "OPENFL": pl.String},
    "ADRS": {"PARAMCD": pl.String, "AVALC": pl.String, "REASON": pl.String, "READER": pl.String, "ACPTFL": pl.String, "ANL01FL": pl.String, "PROTOCOL": pl.String},
    "ADAE": {
        "AEDECOD": pl.String, "AETERM": pl.String, "AESOC": pl.String, "AEBODSYS": pl.String, "ATOXGR": pl.Int8, "ATOXGRF": pl.String,
        "ASTDT": pl.Date, "ASTDTL": pl.Date, "ASERFL": pl.String, "ARELFL": pl.String, "AINTFL": pl.String, "AWITHFL": pl.String,
        "AFATFL": pl.String, "AIMFL": pl.String, "TRTEMFL": pl.String, "TRTEMRS": pl.String,
    },
    "ADLB": {
        "ADT": pl.Date, "PARAMCD": pl.String, "AVALU": pl.String, "BASETYPE": pl.String, "READER": pl.String, "AVALLO": pl.Float64, "AVALHI": pl.Float64,
        "AVALIMP": pl.Float64, "IMPMETH": pl.String, "ABLFL": pl.String, "BASELO": pl.Float64, "BASEHI": pl.Float64,
        "AVISIT": pl.String, "ANL01FL": pl.String,
    },
    "ADEVT": {"EVENT": pl.String, "AVALC": pl.String, "ADTL": pl.Date, "ADTH": pl.Date, "READER": pl.String},
    "ADEXSUM": {"TREATMENT": pl.String, "PARAMCD": pl.String, "AVAL": pl.Float64, "AVALC": pl.String, "AVALU": pl.String,
                "ADT": pl.Date, "REASON": pl.String, "PROTOCOL": pl.String},
    "ADLIVER": {"PARAMCD": pl.String, "AVALC": pl.String, "REACTFL": pl.String},
    "ADATTR": {"EVTYPE": pl.String, "CAUSEST": pl.String, "CAUSE": pl.String, "SUGGEST": pl.String},
}  # fmt: skip


def on(day: int) -> date:
    """The date so many days after time zero."""
    return START + timedelta(days=day)


def table(dataset: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """A derived dataset with the columns that analyses read; what a row does not say is null."""
    schema = {"USUBJID": pl.String, **_EMPTY[dataset]}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def trial(
    groups: dict[str, str | None],
    *,
    days: int | None = 100,
    protocol: Protocol = SMALL,
    adsl: dict[str, list[Any]] | None = None,
    **tables: list[dict[str, Any]],
) -> AnalysisData:
    """Subjects with their groups, each `days` under observation, and rows of derived datasets."""
    people = pl.DataFrame(
        {"USUBJID": list(groups), "groups": list(groups.values())}, schema={"USUBJID": pl.String, "groups": pl.String}
    ).with_columns(
        pl.lit(START).alias("STARTDT"), pl.lit(None, pl.Date).alias("DTHDT"), pl.lit(None, pl.Date).alias("CUTDT"),
        pl.lit(START if days else None, pl.Date).alias("TREATEDSDT"), pl.lit(on(days - 1) if days else None, pl.Date).alias("TREATEDEDT"),
        pl.lit(on(10_000)).alias("LSTALVDT"), pl.lit(None, pl.Date).alias("EOSDTL"), pl.lit(None, pl.Date).alias("EOSDTH"),
    )  # fmt: skip
    if adsl:
        people = people.with_columns(pl.Series(name, values) for name, values in adsl.items())
    made = {name: table(name, tables.get(name.lower(), [])) for name in _EMPTY}
    return AnalysisData(protocol, people, pl.DataFrame(schema={"PARAMCD": pl.String}), made)


def run(groups: dict[str, str | None], *, only: tuple[str, ...] = (), **told: Any) -> Results:
    """Results of the small trial: of every analysis, or only of some."""
    data = trial(groups, **told)
    if only:
        kept = {name: analysis for name, analysis in data.protocol.analyses.items() if name in only}
        data = replace(data, protocol=data.protocol.model_copy(update={"analyses": kept}))
    return run_analyses(data, {}, "small")
