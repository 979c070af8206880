"""Questions to the data where a time cannot be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from trialwright.derivations.time_outcomes import BEFORE_START, Outcome
from trialwright.vocabulary.problems import Problem, Severity
from trialwright.vocabulary.verdicts import Reason


def ask_about_times(adtte: pl.DataFrame) -> list[Problem]:
    """What keeps subjects out of an analysis though their time has a start: one problem for all whom the same keeps out of the same.

    `event-before-start` where the event, or a competing one, lies before the time begins; `time-not-evaluable` where a
    date is missing or an event cannot be judged; `end-of-unknown-day` where the day is not known that ended the follow-up, and an
    event may lie before or after it. Whoever has no start is not asked about: not everybody is treated. Only
    rows that count are (`ANL01FL`).
    """
    rows = adtte.filter(
        (pl.col("EVNTTYPE") == Outcome.NOT_EVALUABLE)
        & (pl.col("ANL01FL") == "Y")
        & pl.col("STARTDT").is_not_null()
        & (pl.col("REASON") != Reason.NOT_APPLICABLE)
    )
    rows = rows.with_columns(EVENT=pl.when(pl.col("REASON") == BEFORE_START).then("EVENT"))
    each = rows.group_by("USUBJID", "REASON", "EVENT", maintain_order=True).agg(
        pl.col("PARAMCD").unique(maintain_order=True).str.to_lowercase(),
        pl.col("STARTDT", "SRCDOM", "SRCSEQ").first(),
    )
    alike = each.group_by("REASON", "EVENT", "PARAMCD", maintain_order=True).agg(
        pl.col("USUBJID"), pl.col("STARTDT", "SRCDOM", "SRCSEQ").first()
    )
    return [*(_problem(row) for row in alike.iter_rows(named=True)), *_about_ends(adtte)]


def _about_ends(adtte: pl.DataFrame) -> Iterator[Problem]:
    """Whose event counts or not by the day on which follow-up ended, of which only the month or the year is known."""
    rows = adtte.filter(
        (pl.col("EVNTTYPE") == Outcome.CENSORED)
        & (pl.col("ANL01FL") == "Y")
        & pl.col("MAYBEDT").is_not_null()
    )
    for (name,), some in rows.group_by("PARAMCD", maintain_order=True):
        subjects = some["USUBJID"].to_list()
        was = "was" if len(subjects) == 1 else "were"
        message = (
            f"{_named(subjects)} {was} censored for `{str(name).lower()}` by what happened on a day that is not known, and had the "
            f"event on a day ({some['MAYBEDT'][0]}) that may lie before it"
        )
        yield Problem(
            "end-of-unknown-day",
            message,
            field=f"ADTTE {subjects[0]} MAYBEDT",
            fix="find out the day, or say under `imprecise date` of the endpoint which one counts",
            severity=Severity.WARNING,
        )


_SHOWN = 5


def _problem(row: Mapping[str, Any]) -> Problem:
    first, *others = row["USUBJID"]
    endpoints = ", ".join(f"`{name}`" for name in row["PARAMCD"])
    if row["REASON"] == BEFORE_START:
        since = f" on {row['STARTDT']}" if not others else ""
        what = f"`{row['EVENT']}` of {_named(row['USUBJID'])} lies before time begins{since}; no time for {endpoints}"
        place = ".".join(str(part) for part in (row["SRCDOM"], row["SRCSEQ"]) if part is not None)
        fix = "correct the date of the event, or that of the start"
        return Problem(
            "event-before-start", what, field=f"{first} {place}", fix=fix, severity=Severity.WARNING
        )
    message = f"{_named(row['USUBJID'])} without a time for {endpoints}: {row['REASON']}"
    fix = next((one.remedy for one in Reason if one == row["REASON"]), "")
    return Problem(
        "time-not-evaluable", message, field=f"ADTTE {first} AVAL", fix=fix, severity=Severity.WARNING
    )


def _named(subjects: Sequence[str]) -> str:
    """Some subjects, the first few by name: `subject `S-01``, `subjects `S-01`, `S-02` and 7 more`."""
    told = ", ".join(f"`{subject}`" for subject in subjects[:_SHOWN])
    more = f" and {len(subjects) - _SHOWN} more" if len(subjects) > _SHOWN else ""
    return f"subject{'s' if len(subjects) > 1 else ''} {told}{more}"
