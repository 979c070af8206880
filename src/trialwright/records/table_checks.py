"""Questions asked of each table by itself, after it was read: what needs no protocol and no second table."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from trialwright.records.dataset import Findings, rows_where
from trialwright.records.dates import date_ranges
from trialwright.records.results import LOG_UNIT
from trialwright.records.sdtm import Core, Domain, ValueKind, domains
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.elements import describe
from trialwright.vocabulary.intervals import RELATIVE_TOLERANCE
from trialwright.vocabulary.problems import Problem
from trialwright.vocabulary.units import UnknownUnit, find_unit

_PERIODS = (("RFSTDTC", "RFENDTC"), ("RFXSTDTC", "RFXENDTC"), ("LBDTC", "LBENDTC"))


def check_tables(tables: Mapping[str, pl.DataFrame]) -> list[Problem]:
    """Everything found in typed tables, by domain, record (from 1) and variable; of many alike each, to be counted.

    Empty required values, dates that cannot be read or run backwards, values outside closed codelists, records and
    subjects that stand twice, limits that are reversed, results that contradict themselves, unknown units.
    """
    problems: list[Problem] = []
    for name, table in tables.items():
        found = Findings("", name, shown=None)
        domain = domains()[name]
        _check_values(table, domain, found)
        _check_dates(table, domain, found)
        _check_keys(table, domain, found)
        if name == "LB":
            _check_laboratory(table, found)
        problems += found.problems
    return problems


def _check_values(table: pl.DataFrame, domain: Domain, found: Findings) -> None:
    for name, variable in domain.variables.items():
        if name not in table.columns:
            continue
        values = table[name]
        if variable.core is Core.REQUIRED:
            message = f"`{name}` must have a value in every record"
            found.report("empty-value", message, rows=rows_where(values.is_null()), column=name)
        codelist = variable.codelist
        if codelist is not None and codelist.is_closed:
            found.report(
                "unknown-term",
                lambda row, values=values, terms=codelist.terms: (  # type: ignore[misc]
                    f"expected one of {', '.join(terms)}, found {describe(values[row])}"
                ),
                rows=rows_where(~values.is_in(codelist.terms)),
                column=name,
            )


def _check_dates(table: pl.DataFrame, domain: Domain, found: Findings) -> None:
    dated = [
        name
        for name, variable in domain.variables.items()
        if variable.kind is ValueKind.DATE and name in table.columns
    ]
    ranges = {name: date_ranges(table[name]) for name in dated}
    for name, days in ranges.items():
        texts = table[name]
        is_unreadable = texts.is_not_null() & days["earliest"].is_null()
        found.report(
            "unreadable-date",
            lambda row, texts=texts: f"{describe(texts[row])} is no date",  # type: ignore[misc]
            rows=rows_where(is_unreadable),
            column=name,
            fix="write year, month and day as 2027-02-28, or as far as they are known: 2027-02",
        )
    periods = (*_PERIODS, (f"{domain.name}STDTC", f"{domain.name}ENDTC"))
    for start, end in periods:
        if start in dated and end in dated:
            ends_before = ranges[end]["latest"] < ranges[start]["earliest"]
            message = f"`{end}` lies before `{start}`"
            found.report("dates-reversed", message, rows=rows_where(ends_before), column=end)


def _check_keys(table: pl.DataFrame, domain: Domain, found: Findings) -> None:
    if domain.name == "DM":
        twice = table["USUBJID"].is_duplicated() & table["USUBJID"].is_not_null()
        found.report(
            "duplicate-subject", "another record has this subject", rows=rows_where(twice), column="USUBJID"
        )
    elif domain.sequence is not None:
        key = table.select("USUBJID", domain.sequence)
        twice = key.is_duplicated() & table[domain.sequence].is_not_null()
        found.report(
            "duplicate-record",
            f"another record of the subject has this `{domain.sequence}`",
            rows=rows_where(twice),
            column=domain.sequence,
        )


def _check_laboratory(table: pl.DataFrame, found: Findings) -> None:
    known = set(table.columns)
    if {"LBSTNRLO", "LBSTNRHI"} <= known:
        is_reversed = table["LBSTNRLO"] > table["LBSTNRHI"]
        message = "the lower limit of normal lies above the upper"
        found.report("limits-reversed", message, rows=rows_where(is_reversed), column="LBSTNRLO")
    if {"LBSTRESC", "LBSTRESN"} <= known:
        number, text = pl.col("LBSTRESN"), pl.col("LBSTRESC").cast(pl.Float64, strict=False)
        limit = {
            sign: pl.col("LBSTRESC").str.extract(rf"^\s*{sign}=?(.*)$", 1).cast(pl.Float64, strict=False)
            for sign in "<>"
        }
        elsewhere = (text - number).abs() > RELATIVE_TOLERANCE * number.abs()
        below, above = number > limit["<"], number < limit[">"]
        differs = table.select(pl.coalesce(elsewhere, below, above))
        found.report(
            "contradictory-result",
            lambda row: (
                f"`LBSTRESC` says {describe(table['LBSTRESC'][row])}, `LBSTRESN` {table['LBSTRESN'][row]}"
            ),
            rows=rows_where(differs.to_series()),
            column="LBSTRESN",
        )
    tests = [concept.test for concept in catalogue().values() if concept.test and concept.is_laboratory]
    for name in ("LBORRESU", "LBSTRESU"):
        if name in known:
            units = table[name]
            logs = (
                LOG_UNIT if name == "LBORRESU" else None
            )  # a logarithm can be reported, and is no standard unit
            unknown = [unit for unit in units.drop_nulls().unique() if not _is_unit(unit, logs)]
            found.warn(
                "unknown-unit",
                lambda row, units=units: f"{describe(units[row])} is not a unit",  # type: ignore[misc]
                rows=rows_where(units.is_in(unknown) & table["LBTESTCD"].is_in(tests)),
                column=name,
            )


def _is_unit(text: str, logs: re.Pattern[str] | None = None) -> bool:
    log = logs.fullmatch(text) if logs is not None else None
    try:
        find_unit(log["unit"] if log else text)
    except UnknownUnit:
        return False
    return True
