"""The records of a study by what they are called, and the columns that all records of facts have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from trialwright.derivations.known_columns import spelt
from trialwright.derivations.result_values import RESULT
from trialwright.derivations.study import STARTS, SUBJECT, Study, moment_columns
from trialwright.derivations.tumour_courses import TumourCourses
from trialwright.derivations.tumour_responses import tumour_responses
from trialwright.derivations.tumour_settings import recorded_courses
from trialwright.protocol.facts import Fact


@dataclass(frozen=True)
class NamedRecords:
    """Finds records by their names, each column being read once.

    Names are compared without regard to case, and to runs of spaces or underscores.
    """

    study: Study
    said: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    """The texts of a column of a domain, by how they are spelt."""
    tests: dict[str, dict[tuple[object, ...], pl.DataFrame]] = field(default_factory=dict)
    """The findings of a domain, as `findings` has them, by the code of their test."""
    read: dict[tuple[str, bool], pl.DataFrame] = field(default_factory=dict)
    """The records of facts with results read before, by name and whether another fact shares their test."""

    @cached_property
    def courses(self) -> TumourCourses:
        """The courses of tumours, as `recorded_courses` has them."""
        return recorded_courses(self.study)

    @cached_property
    def responses(self) -> pl.DataFrame:
        """The responses of tumours, as `tumour_responses` has them."""
        return tumour_responses(self.study, self.courses)

    def rows(self, domain: str, columns: Iterable[str], names: Iterable[str]) -> pl.DataFrame:
        """The records of which any of the columns says one of the names."""
        table = self.study.tables[domain]
        meant = {column: self._texts(domain, column, names) for column in columns}
        is_called = [pl.col(column).is_in(texts) for column, texts in meant.items() if texts]
        return (
            table.filter(pl.any_horizontal(is_called).fill_null(value=False)) if is_called else table.clear()
        )

    def of_test(self, domain: str, test: str) -> pl.DataFrame | None:
        """The findings of a domain of one test code, in their order, as `findings` has them; None where there are none."""
        if domain not in self.tests:
            table = self.study.tables[domain]
            of_all = findings(table, domain).with_columns(table[f"{domain}TESTCD"].alias("TESTCD"))
            parts = of_all.partition_by("TESTCD", as_dict=True, maintain_order=True, include_key=False)
            self.tests[domain] = parts
        return self.tests[domain].get((test,))

    def _texts(self, domain: str, column: str, names: Iterable[str]) -> list[str]:
        if (domain, column) not in self.said:
            found: dict[str, list[str]] = {}
            distinct = self.study.tables[domain].select(pl.col(column).drop_nulls().unique().alias("text"))
            for text, name in distinct.with_columns(name=spelt(pl.col("text"))).iter_rows():
                found.setdefault(name, []).append(text)
            self.said[domain, column] = found
        return [text for name in dict.fromkeys(names) for text in self.said[domain, column].get(name, ())]


def names_of(fact: Fact) -> tuple[str, str]:
    """How records may call a fact: by its name or by its label."""
    return as_spelt(fact.name), as_spelt(fact.label)


def as_spelt(name: str) -> str:
    """A name as `spelt` makes it."""
    return " ".join(name.upper().replace("_", " ").split())


def dated(table: pl.DataFrame, domain: str, variable: str) -> pl.DataFrame:
    """Records with the minutes their date can be, and where they come from."""
    earliest, latest = moment_columns(variable)
    return table.select(
        SUBJECT, pl.col(earliest).alias("earliest"), pl.col(latest).alias("latest"), *source(domain)
    )


def findings(table: pl.DataFrame, domain: str) -> pl.DataFrame:
    """Findings of a domain with the parts of their results under common names."""

    def column(name: str, dtype: Any) -> pl.Expr:
        if f"{domain}{name}" in table.columns:
            return pl.col(f"{domain}{name}").cast(dtype).alias(name)
        return pl.lit(None, dtype).alias(name)

    earliest, latest = moment_columns(STARTS[domain])
    evaluator = pl.col(f"{domain}EVAL") if f"{domain}EVAL" in table.columns else pl.lit(None, pl.String)
    return table.select(
        SUBJECT,
        *(column(name, dtype) for name, dtype in RESULT.items()),
        pl.col(earliest).alias("earliest"),
        pl.col(latest).alias("latest"),
        evaluator.alias("evaluator"),
        *source(domain),
    )


def source(domain: str) -> list[pl.Expr]:
    """Where a record comes from; DM and SV have no numbers: DM has one a person, SV that of the visit."""
    numbers = {"DM": pl.lit(None, pl.Int64), "SV": pl.col("VISITNUM").cast(pl.Int64, strict=False)}
    number = numbers.get(domain, pl.col(f"{domain}SEQ"))
    named = pl.when(number.is_null()).then(pl.lit(domain)).otherwise(pl.format(f"{domain}.{{}}", number))
    return [pl.lit(domain).alias("SRCDOM"), number.alias("SRCSEQ"), named.alias("SRCALL")]
