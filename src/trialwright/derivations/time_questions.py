"""Questions to the data where a time cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from trialwright.derivations.time_outcomes import BEFORE_START, Outcome
from trialwright.vocabulary.problems import Problem, Severity
from trialwright.vocabulary.verdicts import Reason


def ask_about_times(adtte: pl.DataFrame) -> list[Problem]:
    """What keeps subjects out of an analysis though their time has a start: one problem a subject and reason.

    `event-before-start` where the event, or a competing one, lies before the time begins; `time-not-evaluable` where a
    date is missing or an event cannot be judged. Whoever has no start is not asked about: not everybody is treated.
    """
    rows = adtte.filter(
        (pl.col("EVNTTYPE") == Outcome.NOT_EVALUABLE)
        & pl.col("STARTDT").is_not_null()
        & (pl.col("REASON") != Reason.NOT_APPLICABLE)
    )
    found = rows.group_by("USUBJID", "REASON", "EVENT", "SRCDOM", "SRCSEQ", maintain_order=True).agg(
        pl.col("PARAMCD").unique(maintain_order=True).str.to_lowercase(), pl.col("STARTDT").first()
    )
    return [_problem(row) for row in found.iter_rows(named=True)]


def _problem(row: Mapping[str, Any]) -> Problem:
    subject, reason = row["USUBJID"], row["REASON"]
    endpoints = ", ".join(f"`{name}`" for name in row["PARAMCD"])
    if reason == BEFORE_START:
        message = f"`{row['EVENT']}` of subject `{subject}` lies before time begins on {row['STARTDT']}; no time for {endpoints}"
        field = f"{row['SRCDOM']} {subject} {row['SRCSEQ']}"
        fix = "correct the date of the event, or that of the start"
        return Problem("event-before-start", message, field=field, fix=fix, severity=Severity.WARNING)
    message = f"subject `{subject}` has no time for {endpoints}: {reason}"
    fix = next((one.remedy for one in Reason if one == reason), "")
    field = f"ADTTE {subject} AVAL"
    return Problem("time-not-evaluable", message, field=field, fix=fix, severity=Severity.WARNING)
