"""How often clocks and visits were kept: in every report of a trial, and in every virtual trial of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.due_days import Kept

CALENDAR = "clocks and visits"
"""The id of these rows; no analysis can be named so."""
ANSWERS: Mapping[str, str | None] = MappingProxyType(
    {
        "n_in_time": Kept.IN_TIME,
        "n_early": Kept.EARLY,
        "n_late": Kept.LATE,
        "n_missed": Kept.MISSED,
        "n_overdue": Kept.OVERDUE,
        "n_unknown": None,
    }
)
"""What became of what was due, by the statistic that counts it; None where nobody can tell."""
OF_SUBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"n_subjects": tuple(ANSWERS), "n_subjects_late": ("n_late",), "n_subjects_missed": ("n_missed",)}
)
"""Statistics of subjects: those with any row of these."""


def rows_told_as(contacts: pl.DataFrame, *statistics: str) -> pl.DataFrame:
    """The rows of ADCLOCK that statistics of `ANSWERS` count."""
    told = pl.lit(value=False)
    for statistic in statistics:
        told |= pl.col("AVALC").eq_missing(pl.lit(ANSWERS[statistic], pl.String))
    return contacts.filter(told)


def count_contacts(data: AnalysisData, source: str) -> Recorder | None:
    """The rows of `CALENDAR`; None where there are no records of a trial.

    Of everybody in the records whom a clock or visit asked for anything; groups together. The item is the element of the
    protocol, `clocks.viral_load`. `n_due` counts what was due and the others what became of it; what is not due, or not
    applicable since the person died or left, is in none of them.
    """
    if "ADCLOCK" not in data.tables:
        return None
    recorder = Recorder(CALENDAR, "count", f"ADCLOCK <- {source}")
    contacts = data.tables["ADCLOCK"]
    recorder.n = contacts["USUBJID"].n_unique()
    for element in contacts["PROTOCOL"].unique(maintain_order=True).to_list():
        rows = contacts.filter(pl.col("PROTOCOL") == element)
        due = rows_told_as(rows, *ANSWERS)
        recorder.add("n_due", due.height, "contacts", item=element, n=due.height)
        for statistic in ANSWERS:
            n = rows_told_as(rows, statistic).height
            recorder.add(statistic, n, "contacts", item=element, n=due.height)
        for statistic, of in OF_SUBJECTS.items():
            n = rows_told_as(rows, *of)["USUBJID"].n_unique()
            recorder.add(statistic, n, "subjects", item=element, n=due["USUBJID"].n_unique())
    return recorder
