"""The rows behind a number of what clocks and visits asked for."""

from __future__ import annotations

import polars as pl

from trialwright.analysis.calendar_kept import ANSWERS
from trialwright.analysis.explaining.picking import Picked
from trialwright.analysis.results import Result
from trialwright.analysis.sample import AnalysisData

_NO_LONGER = ("not due", "not applicable")
_WORDS = {
    "n_due": "what was due",
    "n_subjects": "what was due",
    "n_subjects_late": "late",
    "n_subjects_missed": "missed",
}


def pick_contacts(data: AnalysisData, result: Result) -> Picked:
    """Rows of ADCLOCK by what became of them."""
    rows = data.tables["ADCLOCK"].filter(pl.col("PROTOCOL") == result.item)
    asked = result.statistic
    if asked in ("n_due", "n_subjects"):
        rows = rows.filter(~pl.col("AVALC").is_in(_NO_LONGER).fill_null(value=False))
    elif asked in _WORDS:
        rows = rows.filter(pl.col("AVALC") == _WORDS[asked])
    else:
        rows = rows.filter(pl.col("AVALC").eq_missing(pl.lit(ANSWERS[asked], pl.String)))
    meaning = f"{_WORDS.get(asked) or ANSWERS.get(asked) or 'what nobody can tell'}, by `{result.item}`"
    return Picked(
        f"ADCLOCK[PROTOCOL={result.item}]", rows, meaning, "subjects" if "subjects" in asked else "rows"
    )
