"""All checks of data, by subject, and the function that asks them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType, ModuleType

import polars as pl

from trialwright.checks.checked import Checked
from trialwright.checks.data import (
    adverse_events,
    dates,
    exposure,
    groups,
    laboratory,
    persons,
    plan,
    responses,
    tumours,
    units,
)
from trialwright.checks.data.registry import DataCheck, Found
from trialwright.checks.data.tables import StudyTables
from trialwright.protocol.loading import LoadedProtocol
from trialwright.records.files import Records
from trialwright.records.sdtm import domains
from trialwright.records.table_checks import check_tables
from trialwright.records.table_threads import on_table_threads
from trialwright.vocabulary.problems import Problem, Severity

TABLE_CODES = (
    "contradictory-result", "dates-reversed", "duplicate-record", "duplicate-subject", "empty-value", "limits-reversed",
    "unknown-dataset", "unknown-term", "unknown-unit", "unknown-variable", "unreadable-date",
)  # fmt: skip
"""What reading, and `check_tables`, tell of each table by itself; `data check` tells it too."""

FINDINGS: Mapping[str, type[pl.String | pl.Int64]] = MappingProxyType(
    {
        "CODE": pl.String,
        "SEVERITY": pl.String,
        "DATASET": pl.String,
        "VARIABLE": pl.String,
        "ROW": pl.Int64,
        "USUBJID": pl.String,
        "SEQ": pl.Int64,
        "MESSAGE": pl.String,
        "FIX": pl.String,
    }
)
"""One row is one thing found; record (from 1), subject and sequence number are null where none is meant."""


def _checks_of(*modules: ModuleType) -> tuple[DataCheck, ...]:
    return tuple(one for module in modules for one in vars(module).values() if isinstance(one, DataCheck))


SUBJECTS: tuple[tuple[str, tuple[DataCheck, ...]], ...] = (
    ("Persons and records", _checks_of(persons, groups)),
    ("Dates and visits", _checks_of(dates)),
    ("Laboratory", _checks_of(units, laboratory)),
    ("Treatment", _checks_of(exposure)),
    ("Adverse events", _checks_of(adverse_events)),
    ("Tumour", _checks_of(tumours, responses)),
    ("The protocol's plan and names", _checks_of(plan)),
)
"""Every check, in the order of the docs."""

ALL_DATA_CHECKS: tuple[DataCheck, ...] = tuple(one for _, checks in SUBJECTS for one in checks)


@dataclass(frozen=True, slots=True)
class DataOutcome:
    """What checking the data of a study gave.

    Attributes
    ----------
    findings : DataFrame
        Columns as in `FINDINGS`, sorted by severity, then by dataset, code, variable and record.
    n_asked : int
    not_asked : mapping of str to str
        Checks that could not be asked, by code, and why.
    n_ignored : int
    n_records : mapping of str to int
        Records of each dataset.
    left_out : DataFrame
        `DATASET`, `CODE`, `N` (records), `WHAT`: what derivations do without.
    """

    findings: pl.DataFrame
    n_asked: int
    not_asked: Mapping[str, str]
    n_ignored: int
    n_records: Mapping[str, int]
    left_out: pl.DataFrame

    def count(self, severity: Severity) -> int:
        return self.findings.filter(pl.col("SEVERITY") == severity.value).height

    @property
    def has_errors(self) -> bool:
        return self.count(Severity.ERROR) > 0


def find_data_check(code: str) -> DataCheck | None:
    return next((one for one in ALL_DATA_CHECKS if one.code == code), None)


@on_table_threads
def check_records(
    records: Records,
    loaded: LoadedProtocol | None = None,
    *,
    today: date,
    cut: date | None = None,
    ignore: Collection[str] = (),
) -> DataOutcome:
    """Everything that is doubtful in the data of a study.

    Parameters
    ----------
    records : Records
    loaded : LoadedProtocol, optional
        Without it, checks that ask what the protocol plans are not asked.
    today : date
        Later dates have not come yet.
    cut : date, optional
        Records after it are told: derivations at this cut leave them out.
    ignore : collection of str
        Codes that are left out.
    """
    checked = Checked.of(loaded) if loaded is not None else None
    study = StudyTables.of(records.tables, today=today, cut=cut, checked=checked)
    problems = [*records.warnings, *check_tables(records.tables)]
    frames = [_of_problems([one for one in problems if one.code not in ignore], study)]
    not_asked: dict[str, str] = {}
    n_asked = 0
    for one in ALL_DATA_CHECKS:
        if one.code in ignore:
            continue
        if why := _why_not(one, study):
            not_asked[one.code] = why
            continue
        n_asked += 1
        frames += [_frame(one, found) for found in one.search(study) if found.rows.height]
    return DataOutcome(
        _in_order(pl.concat(frames)),
        n_asked,
        MappingProxyType(not_asked),
        len(set(ignore)),
        MappingProxyType({name: table.height for name, table in records.tables.items()}),
        _left_out(frames[1:]),
    )


def _why_not(one: DataCheck, study: StudyTables) -> str:
    if one.needs_protocol and study.checked is None:
        return "no protocol"
    missing = [name for name in one.needs if name not in study.tables]
    return f"no {', '.join(missing)}" if missing else ""


def _frame(one: DataCheck, found: Found) -> pl.DataFrame:
    return found.rows.select(
        pl.lit(one.code).alias("CODE"),
        pl.lit(one.severity.value).alias("SEVERITY"),
        pl.lit(found.dataset).alias("DATASET"),
        pl.lit(found.variable).alias("VARIABLE"),
        "ROW",
        "USUBJID",
        "SEQ",
        "MESSAGE",
        pl.lit(found.fix).alias("FIX"),
    )


_FIELD = re.compile(r"(?P<dataset>[A-Z]+)(?:\[(?P<row>[0-9]+)\])?(?:\.(?P<variable>\w+))?")


def _of_problems(problems: Iterable[Problem], study: StudyTables) -> pl.DataFrame:
    """Problems that each table has by itself, with the subject of their record."""
    rows = []
    whose: dict[str, list[tuple[str | None, int | None]]] = {}
    for problem in problems:
        place = _FIELD.fullmatch(problem.field)
        dataset, row, variable = place.group("dataset", "row", "variable") if place else (None, None, None)
        name = dataset or str(problem.place or "")
        who, seq = None, None
        if row is not None and name in study.tables:
            if name not in whose:
                whose[name] = study.tables[name].select("USUBJID", "SEQ").rows()
            who, seq = whose[name][int(row) - 1]
        rows.append(
            (
                problem.code, problem.severity.value, name, variable or "", int(row) if row else None, who, seq, problem.message,
                problem.fix,
            )
        )  # fmt: skip
    return pl.DataFrame(rows, dict(FINDINGS), orient="row")


def _in_order(findings: pl.DataFrame) -> pl.DataFrame:
    severity = pl.col("SEVERITY").replace_strict(
        {one.value: n for n, one in enumerate(Severity)}, return_dtype=pl.Int64
    )
    order = {name: n for n, name in enumerate(domains())}
    dataset = pl.col("DATASET").replace_strict(order, default=-1, return_dtype=pl.Int64)
    return findings.unique(maintain_order=True).sort(
        severity, dataset, "CODE", "VARIABLE", "FIX", "ROW", "USUBJID", nulls_last=True, maintain_order=True
    )


def _left_out(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """What derivations do without, by dataset and check."""
    what = {one.code: one.left_out for one in ALL_DATA_CHECKS if one.left_out}
    concerned = pl.concat([pl.DataFrame(schema=dict(FINDINGS)), *frames]).filter(
        pl.col("CODE").is_in(list(what))
    )
    each = pl.concat_str(
        pl.col("ROW").cast(pl.String).fill_null(""), pl.col("USUBJID").fill_null(""), separator="|"
    )
    counts = concerned.group_by("DATASET", "CODE", maintain_order=True).agg(
        each.n_unique().cast(pl.Int64).alias("N")
    )
    return counts.with_columns(
        pl.col("CODE").replace_strict(what, default="", return_dtype=pl.String).alias("WHAT")
    )
