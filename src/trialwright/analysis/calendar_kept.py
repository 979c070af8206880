"""How often clocks and visits were kept: in every report of a trial, and in every virtual trial of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def contact_counts(contacts: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """What became of what each clock and visit asked for.

    Parameters
    ----------
    contacts : DataFrame
        ADCLOCK.
    by : sequence of str
        Key columns: of several trials each is counted by itself.

    Returns
    -------
    counts : DataFrame
        A row for each `PROTOCOL` within `by`, in their order in `contacts`: `n_due`, and each statistic of `ANSWERS` and of
        `OF_SUBJECTS`. What is not due, or not applicable since the person died or left, is in none of them.
    """
    told = {name: pl.col("AVALC").eq_missing(pl.lit(word, pl.String)) for name, word in ANSWERS.items()}
    return contacts.group_by(*by, "PROTOCOL", maintain_order=True).agg(
        pl.any_horizontal(*told.values()).sum().alias("n_due"),
        *(is_told.sum().alias(name) for name, is_told in told.items()),
        *(
            pl.col("USUBJID").filter(pl.any_horizontal(*(told[one] for one in of))).n_unique().alias(name)
            for name, of in OF_SUBJECTS.items()
        ),
    )


def count_contacts(data: AnalysisData, source: str) -> Recorder | None:
    """The rows of `CALENDAR`; None where there are no records of a trial.

    Of everybody in the records whom a clock or visit asked for anything; groups together. The item is the element of the
    protocol, `clocks.viral_load`; see `contact_counts`.
    """
    if "ADCLOCK" not in data.tables:
        return None
    recorder = Recorder(CALENDAR, "count", f"ADCLOCK <- {source}")
    contacts = data.tables["ADCLOCK"]
    recorder.n = contacts["USUBJID"].n_unique()
    for counted in contact_counts(contacts).iter_rows(named=True):
        element = counted["PROTOCOL"]
        for statistic in ("n_due", *ANSWERS):
            recorder.add(statistic, counted[statistic], "contacts", item=element, n=counted["n_due"])
        for statistic in OF_SUBJECTS:
            recorder.add(statistic, counted[statistic], "subjects", item=element, n=counted["n_subjects"])
    return recorder
