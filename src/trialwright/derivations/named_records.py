"""The records of a study by what they are called, and the columns that all records of facts have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from trialwright.derivations.known_columns import spelt
from trialwright.derivations.study import SUBJECT, Study, moment_columns
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
    """The findings of a domain by the code of their test."""

    def rows(self, domain: str, columns: Iterable[str], names: Iterable[str]) -> pl.DataFrame:
        """The records of which any of the columns says one of the names."""
        table = self.study.tables[domain]
        meant = {column: self._texts(domain, column, names) for column in columns}
        is_called = [pl.col(column).is_in(texts) for column, texts in meant.items() if texts]
        return (
            table.filter(pl.any_horizontal(is_called).fill_null(value=False)) if is_called else table.clear()
        )

    def of_test(self, domain: str, test: str) -> pl.DataFrame:
        """The findings of a domain of one test code, in their order."""
        table = self.study.tables[domain]
        if domain not in self.tests:
            self.tests[domain] = table.partition_by(f"{domain}TESTCD", as_dict=True, maintain_order=True)
        return self.tests[domain].get((test,), table.clear())

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


def source(domain: str) -> list[pl.Expr]:
    """Where a record comes from; DM and SV have no numbers: DM has one a person, SV that of the visit."""
    numbers = {"DM": pl.lit(None, pl.Int64), "SV": pl.col("VISITNUM").cast(pl.Int64, strict=False)}
    number = numbers.get(domain, pl.col(f"{domain}SEQ"))
    named = pl.when(number.is_null()).then(pl.lit(domain)).otherwise(pl.format(f"{domain}.{{}}", number))
    return [pl.lit(domain).alias("SRCDOM"), number.alias("SRCSEQ"), named.alias("SRCALL")]
