"""The records of a study by what they are called, and the columns that all records of facts have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from trialwright.derivations.known_columns import meanings, spelt
from trialwright.derivations.result_values import RESULT
from trialwright.derivations.study import STARTS, SUBJECT, Study, moment_columns
from trialwright.derivations.tumour_courses import TumourCourses
from trialwright.derivations.tumour_responses import tumour_responses
from trialwright.derivations.tumour_settings import recorded_courses
from trialwright.protocol.facts import Fact
from trialwright.protocol.model import Protocol
from trialwright.records.results import of_other_specimen


@dataclass(frozen=True)
class NamedRecords:
    """Finds records by their names, each column being read once.

    Names are compared without regard to case, and to runs of spaces or underscores.
    """

    study: Study
    said: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    """The texts of a column of a domain, by how they are spelt."""
    places: dict[tuple[str, str], dict[str, pl.Series]] = field(default_factory=dict)
    """The rows of a domain by the text of a column, as numbers."""
    found: dict[str, pl.DataFrame] = field(default_factory=dict)
    """The findings of a domain, as `findings` has them."""
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
        return _rows_at(self.study.tables[domain], self._named(domain, columns, names))

    def of_test(self, domain: str, test: str) -> pl.DataFrame | None:
        """The findings of a domain of one test code, in their order, as `findings` has them; None where there are none."""
        rows = _rows_at(self._findings(domain), self._named(domain, [f"{domain}TESTCD"], [as_spelt(test)]))
        return rows if len(rows) else None

    def about(self, names: Iterable[str], test: str) -> pl.DataFrame:
        """The findings about what has one of some names, of one test code, in their order, as `findings` has them."""
        places = self._named("FA", ["FAOBJ"], names)
        if places is not None:
            places = places.filter(self.study.tables["FA"]["FATESTCD"].gather(places) == test)
        return _rows_at(self._findings("FA"), places)

    def _findings(self, domain: str) -> pl.DataFrame:
        if domain not in self.found:
            self.found[domain] = findings(self.study.tables[domain], domain)
        return self.found[domain]

    def _named(self, domain: str, columns: Iterable[str], names: Iterable[str]) -> pl.Series | None:
        """Where any of some columns of a domain says one of the names; None where none does."""
        asked = dict.fromkeys(names)
        said = {column: self._said(domain, column) for column in columns}
        texts = {
            column: [text for name in asked for text in found.get(name, ())] for column, found in said.items()
        }
        return self._where(domain, texts)

    def _where(self, domain: str, texts: Mapping[str, Iterable[str]]) -> pl.Series | None:
        """Where any of some columns of a domain is one of its texts, in order; None where none is."""
        places = [
            rows
            for column, some in texts.items()
            for text in some
            if (rows := self._places(domain, column).get(text)) is not None
        ]
        if not places:
            return None
        return places[0] if len(places) == 1 else pl.concat(places).unique().sort()

    def _places(self, domain: str, column: str) -> Mapping[str, pl.Series]:
        if (domain, column) not in self.places:
            table = self.study.tables[domain]
            told = table.select(text=column).with_row_index("rows")
            if domain == "LB":
                told = told.filter(~table.select(of_other_specimen()).to_series())
            told = told.drop_nulls("text")
            found = told.group_by("text", maintain_order=True).agg("rows")
            self.places[domain, column] = {
                text: rows.set_sorted() for text, rows in zip(found["text"], found["rows"], strict=True)
            }
        return self.places[domain, column]

    def _said(self, domain: str, column: str) -> Mapping[str, list[str]]:
        if (domain, column) not in self.said:
            texts = pl.DataFrame({"text": list(self._places(domain, column))}, schema={"text": pl.String})
            found: dict[str, list[str]] = {}
            for text, name in texts.with_columns(name=spelt(pl.col("text"))).iter_rows():
                found.setdefault(name, []).append(text)
            self.said[domain, column] = found
        return self.said[domain, column]


def _rows_at(table: pl.DataFrame, places: pl.Series | None) -> pl.DataFrame:
    return table.clear() if places is None else table[places]


def names_of(fact: Fact) -> tuple[str, str]:
    """How records may call a fact: by its name or by its label."""
    return as_spelt(fact.name), as_spelt(fact.label)


def groups_told(texts: pl.Series, protocol: Protocol) -> pl.Series:
    """The group that each text calls by its name, or by a label that is no other's."""
    labels = Counter(as_spelt(one.label) for one in protocol.groups.values())
    names = {
        label: name for name, one in protocol.groups.items() if labels[label := as_spelt(one.label)] == 1
    }
    return meanings(texts, names | {as_spelt(name): name for name in protocol.groups})


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
