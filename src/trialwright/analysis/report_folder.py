"""A written report read back: its results and, where it was made from records, its analysis datasets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.analysis.from_records import bind_tables
from trialwright.analysis.results import RESULTS_FORMAT, SIMULATED, Finding, Result, Results
from trialwright.analysis.safety_board import CLOSED, DOCUMENT, OF_BOARD, OPEN, grades_of_board
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.datasets import LABELS
from trialwright.protocol.loading import LoadedProtocol, load_protocol, shipped_protocols
from trialwright.records.parquet import read_parquet
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place

RESULTS = "results.json"
RESULTS_OF_BOARD = {OPEN: "results-open.json", CLOSED: "results-closed.json"}
"""The results of a document of the data monitoring board."""
DATASETS = "datasets"
"""The folder in a report that holds the analysis datasets, where it was made from records."""
PROTOCOL_HASH = "sha256 of the protocol"
"""The key of provenance that holds the hash of the protocol."""

_DATE_NAME = r"^.*(DT|DTL|DTH)$"
"""Variables that hold a date, or the first or last day it can be."""


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """What a report says and rests on.

    Attributes
    ----------
    file : Path
        The results in the folder of a report, or of one document of the data monitoring board.
    results : Results
    tables : mapping of str to DataFrame
        The analysis datasets by name; empty where the report was made from a table of one row a subject, and where they would
        tell groups apart that are not to be seen apart (`looks.holds_datasets`).
    """

    file: Path
    results: Results
    tables: Mapping[str, pl.DataFrame]

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def is_of_records(self) -> bool:
        """Whether it was made from the records of a trial, not from a table of one row a subject."""
        return "folder" in self.results.provenance.get("data", {})

    @property
    def document(self) -> str | None:
        """Which document of the data monitoring board this is; None of a report."""
        told = self.results.provenance.get(DOCUMENT, {}).get(OF_BOARD)
        return str(told) if told is not None else None

    @property
    def study(self) -> str:
        """The id of the study, as the report was told it."""
        return str(self.results.provenance.get("protocol", {}).get("id", ""))

    @property
    def protocol_hash(self) -> str:
        """The hash of the protocol the report was made by."""
        return str(self.results.provenance.get("protocol", {}).get(PROTOCOL_HASH, ""))

    def bind(self, loaded: LoadedProtocol) -> AnalysisData | None:
        """The datasets as the analyses of a protocol read them; None where the report has none."""
        if not {"ADSL", "ADTTE", "ADBASE"} <= self.tables.keys():
            return None
        protocol = loaded.protocol
        if self.document is not None:
            own = grades_of_board(protocol, is_closed=self.document == CLOSED)
            protocol = protocol.model_copy(update={"analyses": {**protocol.analyses, **own}})
        return bind_tables(protocol, self.tables, is_simulated=self.results.is_simulated)


def read_report(folder: Path) -> ReportFolder:
    """Read the results and datasets that `trialwright report` wrote, or `trialwright dsmb`.

    Raises
    ------
    ProblemsFound
        `unreadable-file`, `not-a-report`, or the problems of a dataset.
    """
    written = (folder / name for name in (RESULTS, *RESULTS_OF_BOARD.values()))
    file = next((path for path in written if path.is_file()), folder / RESULTS)
    return ReportFolder(file, _read_results(file), _read_tables(folder / DATASETS))


def find_protocol(report: ReportFolder, named: str | None) -> LoadedProtocol:
    """The protocol of a report: the one named, else the shipped one of its study.

    Raises
    ------
    ProblemsFound
        `protocol-not-found`, where none is named and no shipped one is of this study; the problems of the file.
    """
    if named is not None:
        return load_protocol(named)
    for name in shipped_protocols():
        loaded = load_protocol(name)
        if loaded.protocol.study.id == report.study:
            return loaded
    raise refusal(
        "protocol-not-found",
        f"the report is of the study `{report.study}`, and no shipped protocol is",
        Place(str(report.file)),
        fix="name the protocol with --protocol",
    )


def _read_results(path: Path) -> Results:
    place = Place(str(path))
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        below = [kind for kind, name in RESULTS_OF_BOARD.items() if (path.parent / kind / name).is_file()]
        fix = "name the folder that `trialwright report` wrote, or that of one document of the board"
        fix = (
            f"name the folder of one document: {' or '.join(f'`{kind}` in it' for kind in below)}"
            if below
            else fix
        )
        raise refusal("unreadable-file", f"cannot be read: {error.strerror}", place, fix=fix) from error
    except ValueError as error:  # no JSON, or no text at all
        raise refusal("not-a-report", "the file holds no results: it is not JSON", place) from error
    try:
        return _as_results(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"the file holds no results of the format `{RESULTS_FORMAT}`: {error}"
        raise refusal("not-a-report", message[:200], place) from error


def _as_results(content: Any) -> Results:
    if content["format"] != RESULTS_FORMAT:
        raise ValueError(f"found `{content['format']}`")
    names = [field.name for field in fields(Result) if field.init]
    rows = tuple(Result(**{name: row[name] for name in names}) for row in content["results"])
    findings = tuple(
        Finding(**{**one, "words": {name: tuple(said) for name, said in one["words"].items()}})
        for one in content["findings"]
    )
    return Results(rows, findings, content["provenance"], content.get(SIMULATED) == "Y")


def _read_tables(folder: Path) -> Mapping[str, pl.DataFrame]:
    paths = {name: folder / f"{name.lower()}.parquet" for name in LABELS}
    return {name: _with_dates(path) for name, path in paths.items() if path.is_file()}


def _with_dates(path: Path) -> pl.DataFrame:
    """A dataset with its dates as dates again: they are written as text."""
    dates = pl.selectors.matches(_DATE_NAME) & pl.selectors.string()
    try:
        return read_parquet(path).table.with_columns(dates.str.to_date("%Y-%m-%d"))
    except pl.exceptions.InvalidOperationError as error:
        message = "a variable that holds dates holds something else"
        raise refusal("not-a-report", message, Place(str(path))) from error
