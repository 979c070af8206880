"""What all methods share in finding the rows behind a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import polars as pl

from trialwright.analysis.results import Result
from trialwright.analysis.sample import AnalysisData, Sample
from trialwright.protocol.analyses import AnalysisBase
from trialwright.protocol.references import GROUPS

Counts = Literal["rows", "subjects", "not a count"]
"""Whether a number is how many rows there are, how many subjects they are of, or made of them in another way."""

_Kept = TypeVar("_Kept")
UNTOLD = "all rows it was made from; nothing tells how"
"""Said of a statistic that this page does not know."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The rows of an analysis dataset behind a number.

    Attributes
    ----------
    dataset : str
        With its parameter: `ADTTE[PARAMCD=OS]`.
    rows : DataFrame
    meaning : str
        How they were chosen, in words.
    counts : Counts
    left_out : tuple of (str, int)
        Subjects of the population whom the number does not count: why, and how many.
    """

    dataset: str
    rows: pl.DataFrame
    meaning: str
    counts: Counts = "rows"
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def n_subjects(self) -> int:
        return self.rows["USUBJID"].n_unique()

    @property
    def number(self) -> int | None:
        """What the rows add up to; None of a number that counts nothing."""
        return {"rows": self.rows.height, "subjects": self.n_subjects, "not a count": None}[self.counts]


FROM_PROTOCOL = Picked(
    "the protocol",
    pl.DataFrame(schema={"USUBJID": pl.String}),
    "a number of the protocol; no subject stands behind it",
    "not a count",
)
"""What stands behind a planned number, or one of the design."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A result of an analysis of the protocol, with the data it was made from.

    `kept` holds by analysis what all its numbers are made from, so that many can be explained quickly.
    """

    data: AnalysisData
    result: Result
    analysis: AnalysisBase
    kept: dict[str, Any]

    def keep(self, make: Callable[[], _Kept]) -> _Kept:
        """What was kept for the analysis; made if nothing was."""
        name = self.result.analysis
        if name not in self.kept:
            self.kept[name] = make()
        found: _Kept = self.kept[name]
        return found

    @property
    def by(self) -> str | None:
        """The fact that splits the subjects."""
        return getattr(self.analysis, "by", None)

    @property
    def everyone(self) -> pl.DataFrame:
        """The subjects of the population, as ADSL has them, with their facts."""
        return self.data.population(self.analysis.population)

    @property
    def people(self) -> pl.DataFrame:
        """Those of them who are in the group of the result."""
        return in_group(self.everyone, self.by, self.result.group)


@dataclass(frozen=True, slots=True)
class Made:
    """The sample of an analysis of times, the rows of the dataset it was made from, and who is left out of it."""

    sample: Sample
    dataset: str
    rows: pl.DataFrame
    left_out: tuple[tuple[str, int], ...]

    def pick(self, people: pl.DataFrame, meaning: str, counts: Counts) -> Picked:
        """The rows of some subjects."""
        return Picked(self.dataset, rows_of(self.rows, people), meaning, counts, self.left_out)


def in_group(frame: pl.DataFrame, by: str | None, group: str | None) -> pl.DataFrame:
    """Rows of a group; all where the result is of no group."""
    return frame if by is None or group is None else frame.filter(pl.col(by) == group)


def rows_of(table: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Rows of some subjects, in the order of the table."""
    return table.join(people.select("USUBJID").unique(), on="USUBJID", how="semi", maintain_order="left")


def pick_people(people: pl.DataFrame, meaning: str, data: AnalysisData) -> Picked:
    """Subjects as ADSL has them."""
    return Picked("ADSL", rows_of(data.tables["ADSL"], people), meaning)


def pick_of_population(asked: Asked) -> Picked | None:
    """What every analysis counts of its population; None of anything else."""
    data, result = asked.data, asked.result
    population = asked.analysis.population
    flag = data.flag(population)
    match result.statistic:
        case "n_population":
            return pick_people(asked.everyone, f"subjects of the population `{population}`", data)
        case "n_population_unknown" if flag:
            unknown = data.adsl.filter(pl.col(flag).is_null())
            return pick_people(unknown, f"subjects who may belong to the population `{population}`", data)
        case "n_without_fact" if result.item in asked.everyone.columns:
            lacking = asked.everyone.filter(pl.col(result.item or "").is_null())
            return pick_fact(data, lacking, result.item or "", f"subjects whose `{result.item}` is not known")
        case "n_subjects" if result.item is None:
            return pick_people(asked.people, "subjects of the population and group", data)
        case _:
            return None


def pick_fact(data: AnalysisData, people: pl.DataFrame, fact: str, meaning: str) -> Picked:
    """What was known of a fact at the start; of the groups of the protocol, what ADSL says."""
    if fact == GROUPS:
        return pick_people(people, meaning, data)
    rows = data.tables["ADBASE"].filter(pl.col("PARAMCD") == fact.upper())
    return Picked(f"ADBASE[PARAMCD={fact.upper()}]", rows_of(rows, people), meaning)
