"""What an explanation is made of. Values only: the command line prints them, and JSON holds them as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trialwright.analysis.explaining.elements import ToldElement
from trialwright.analysis.explaining.records import DerivedRow, SourceRecord
from trialwright.analysis.results import Result

FORMAT = "trialwright-explanation/1"


@dataclass(frozen=True, slots=True)
class ToldProtocol:
    """The protocol that was read, and the one the report was made by.

    Attributes
    ----------
    study, file : str
    sha256, sha256_of_report : str
        Of the protocol that was read here, and as the report says.
    is_same : bool
    """

    study: str
    file: str
    sha256: str
    sha256_of_report: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class ToldPopulation:
    """How many subjects are in the population of a number, and how many are not, and why.

    Attributes
    ----------
    name, label : str
    n_in, n_out, n_unknown : int
        Of everyone in the records. Unknown is not out.
    reasons : tuple of (str, int)
        Why it is unknown, and of how many.
    group : str or None
        The group of the number, and `n_group` of the population are in it; None where it is that of the treatment begun.
    left_out : tuple of (str, int)
        Members whom the number does not count: why, and how many.
    """

    name: str
    label: str
    n_in: int
    n_out: int
    n_unknown: int
    reasons: tuple[tuple[str, int], ...]
    group: str | None
    n_group: int | None
    left_out: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ToldRows:
    """The rows of an analysis dataset that make a number.

    Attributes
    ----------
    dataset, meaning : str
        Which, and how they were chosen.
    counts : str
        `rows`, `subjects`, or `not a count`.
    n_rows, n_subjects : int
    adds_up : bool or None
        Whether the rows give the value of the result; None where the number counts nothing.
    columns : tuple of str
    rows : tuple of tuple
        All of them; a value that is not there is None.
    """

    dataset: str
    meaning: str
    counts: str
    n_rows: int
    n_subjects: int
    adds_up: bool | None
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class ToldSubject:
    """One subject behind a number.

    Attributes
    ----------
    subject : str
    population : str
        `Y`, `N`, or `unknown` with the reason.
    group : str or None
    is_counted : bool
        Whether a row of the subject is among those that make the number.
    rows : tuple of DerivedRow
        Those rows; where there are none, the subject's rows of the same dataset. Below stretches of time (ADTTEV) stands
        the time they were cut from.
    evidence : tuple of DerivedRow
        Rows of ADEVT of the events the number rests on that share a day or record with those, or are unknown; of readings
        those of their reader.
    measured : tuple of DerivedRow
        Where these rest on scans: rows of ADTR with the sum of the targets, its baseline and nadir, and the states of
        non-target and new lesions.
    looks : tuple of DerivedRow
        Of a row without the event, which rests on no record: the results among which it was looked for.
    records : tuple of SourceRecord
        The records that all these name, each once.
    """

    subject: str
    population: str
    group: str | None
    is_counted: bool
    rows: tuple[DerivedRow, ...]
    evidence: tuple[DerivedRow, ...]
    measured: tuple[DerivedRow, ...]
    looks: tuple[DerivedRow, ...]
    records: tuple[SourceRecord, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything behind one number.

    Attributes
    ----------
    result : Result
        The row of the results table.
    words : str
        What its statistic is.
    conventions : mapping
        Every option that makes a difference, as the result says.
    protocol : ToldProtocol
    elements : tuple of ToldElement
        The analysis, endpoint and population, then all that these rest on.
    population : ToldPopulation or None
    rows : ToldRows or None
    subject : ToldSubject or None
    warnings : tuple of str
        What keeps this from being the whole truth.
    """

    result: Result
    words: str
    conventions: Mapping[str, Any]
    protocol: ToldProtocol
    elements: tuple[ToldElement, ...]
    population: ToldPopulation | None
    rows: ToldRows | None
    subject: ToldSubject | None
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """The whole tree."""
        content = {"format": FORMAT, "id": self.result.id, **asdict(self)}
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=str) + "\n"


@dataclass(frozen=True, slots=True)
class ListedAnalysis:
    """One analysis of a report, and how many results it has.

    `title`, `role` and `place` are empty of counts that no analysis of the protocol asks for.
    """

    id: str
    title: str
    method: str
    endpoint: str
    role: str
    place: str
    n_results: int
