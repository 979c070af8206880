"""The records of a study as its checks see them: complete tables, persons, dates as ranges of days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from types import MappingProxyType

import polars as pl

from trialwright.checks.checked import Checked
from trialwright.derivations.study import STARTS
from trialwright.protocol.model import Protocol
from trialwright.records.dates import date_ranges
from trialwright.records.sdtm import complete_table, domains
from trialwright.vocabulary.concepts import catalogue

IDENTITY = ("STUDYID", "USUBJID")


@dataclass(frozen=True)
class StudyTables:
    """What checks of data look at.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        The datasets there are, each with every variable of the catalogue and `ROW` (from 1), `SEQ` (null where a domain
        has none) and `SUBJECT`, a whole number for a person of DM, null for nobody there.
    today : date
    cut : date, optional
        The data cut, where one is meant.
    checked : Checked, optional
        The protocol.
    """

    tables: Mapping[str, pl.DataFrame]
    today: date
    cut: date | None = None
    checked: Checked | None = None
    _kept: dict[object, pl.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pl.DataFrame],
        *,
        today: date,
        cut: date | None = None,
        checked: Checked | None = None,
    ) -> StudyTables:
        numbered = {
            name: complete_table(table, name)
            .with_row_index("ROW", 1)
            .with_columns(pl.col("ROW").cast(pl.Int64), _sequence(name))
            for name, table in tables.items()
        }
        everybody = (
            numbered["DM"].select(IDENTITY)
            if "DM" in numbered
            else pl.DataFrame(schema=dict.fromkeys(IDENTITY, pl.String))
        )
        persons = everybody.drop_nulls().unique().sort(IDENTITY).with_row_index("SUBJECT")
        joined = {
            name: table.join(persons, on=IDENTITY, how="left", maintain_order="left")
            for name, table in numbered.items()
        }
        return cls(MappingProxyType(joined), today, cut, checked)

    @property
    def protocol(self) -> Protocol:
        """The protocol; checks that ask for it are not asked without."""
        if self.checked is None:
            raise ValueError("there is no protocol")
        return self.checked.protocol

    def is_virtual(self, domain: str) -> bool:
        """Whether every record of a dataset is marked as simulated."""
        table = self[domain]
        return bool(
            "SIMULATED" in table.columns and table.height and table["SIMULATED"].eq_missing("Y").all()
        )

    def kept(self, key: object, make: Callable[[StudyTables], pl.DataFrame]) -> pl.DataFrame:
        """A frame that several checks look at, made once."""
        if key not in self._kept:
            self._kept[key] = make(self)
        return self._kept[key]

    def __getitem__(self, domain: str) -> pl.DataFrame:
        """The table of a dataset; one without records where there is none."""
        if domain in self.tables:
            return self.tables[domain]
        empty = pl.DataFrame(schema=domains()[domain].schema)
        return empty.with_columns(
            pl.lit(None, pl.Int64).alias("ROW"),
            pl.lit(None, pl.Int64).alias("SEQ"),
            pl.lit(None, pl.UInt32).alias("SUBJECT"),
        )

    def dated(self, domain: str, *variables: str) -> pl.DataFrame:
        """The table with the first and the last day that dates can be: `LBDTC_first`, `LBDTC_last`."""
        added = []
        for variable in variables or (STARTS[domain],):
            make = partial(_ranges, domain=domain, variable=variable)
            days = self.kept((domain, variable), make)
            added += days.get_columns()
        return self[domain].with_columns(added)

    def started(self, domain: str) -> pl.DataFrame:
        """The table with `FIRST` and `LAST`, the days on which what a record is about can have been or begun."""
        start = STARTS[domain]
        return self.dated(domain).rename({f"{start}_first": "FIRST", f"{start}_last": "LAST"})

    @cached_property
    def persons(self) -> pl.DataFrame:
        """One row a person of DM with the first and last day of consent and death, and `IS_DEAD`."""
        table = self.dated("DM", "RFICDTC", "DTHDTC")
        names = {"RFICDTC": "CONSENT", "DTHDTC": "DEATH"}
        return (
            table.filter(pl.col("SUBJECT").is_not_null())
            .unique("SUBJECT", keep="first", maintain_order=True)
            .select(
                "SUBJECT",
                "ROW",
                *IDENTITY,
                "SEX",
                "ARMCD",
                "ARMNRS",
                *(
                    pl.col(f"{variable}_{side}").alias(f"{name}_{side.upper()}")
                    for variable, name in names.items()
                    for side in ("first", "last")
                ),
                ((pl.col("DTHFL") == "Y") | pl.col("DTHDTC").is_not_null()).fill_null(False).alias("IS_DEAD"),
            )
        )

    def with_person(self, rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
        """Rows of persons in DM, with columns of `persons` beside them."""
        return rows.join(
            self.persons.select("SUBJECT", *columns), on="SUBJECT", how="inner", maintain_order="left"
        )

    @cached_property
    def doses(self) -> pl.DataFrame:
        """Doses that were given, by subject and drug: EX with `DRUG`, `FIRST`, `LAST`, `END_FIRST`, `END_LAST`."""
        table = self.dated("EX", "EXSTDTC", "EXENDTC").rename(
            {
                "EXSTDTC_first": "FIRST",
                "EXSTDTC_last": "LAST",
                "EXENDTC_first": "END_FIRST",
                "EXENDTC_last": "END_LAST",
            }
        )
        is_given = (pl.col("EXDOSE") > 0) | pl.col("EXDOSE").is_null() & pl.col("EXADJ").is_null()
        return table.filter(pl.col("SUBJECT").is_not_null(), is_given).with_columns(
            plain(pl.col("EXTRT")).alias("DRUG")
        )

    @cached_property
    def results(self) -> pl.DataFrame:
        """Laboratory results of concepts in the catalogue, with `CONCEPT`, `FIRST` and `LAST`.

        One test code can stand for two concepts, one with numbers and one with categories: a result belongs to the first if
        it holds a digit.
        """
        concepts = [one for one in catalogue().values() if one.is_laboratory and one.test]
        numbers, categories = (
            {one.test: one.name for one in concepts if (one.unit is not None or not one.levels) is wanted}
            for wanted in (True, False)
        )
        test = pl.col("LBTESTCD").str.strip_chars().str.to_uppercase()
        has_number = pl.coalesce("LBSTRESC", "LBORRES").str.contains("[0-9]").fill_null(False)

        def among(names: Mapping[str | None, str]) -> pl.Expr:
            return test.replace_strict(names, default=None, return_dtype=pl.String)

        concept = (
            pl.when(has_number)
            .then(pl.coalesce(among(numbers), among(categories)))
            .otherwise(pl.coalesce(among(categories), among(numbers)))
        )
        is_done = (pl.col("LBSTAT") == "NOT DONE").fill_null(False).not_()
        return self.started("LB").filter(is_done).with_columns(concept.alias("CONCEPT"))


def _ranges(study: StudyTables, domain: str, variable: str) -> pl.DataFrame:
    days = date_ranges(study[domain][variable])
    return days.rename({"earliest": f"{variable}_first", "latest": f"{variable}_last"})


def _sequence(domain: str) -> pl.Expr:
    name = domains()[domain].sequence
    return (pl.col(name) if name else pl.lit(None, pl.Int64)).cast(pl.Int64).alias("SEQ")


def plain(text: pl.Expr) -> pl.Expr:
    """Words to compare: capitals, one space for runs of spaces and underscores."""
    return text.str.to_uppercase().str.replace_all(r"[\s_]+", " ").str.strip_chars()


def spoken(*names: str | None) -> list[str]:
    """Names of a protocol as records may write them: see `plain`."""
    return [" ".join(name.upper().replace("_", " ").split()) for name in names if name]
