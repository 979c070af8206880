"""The subjects of one population with their derived datasets, and what the protocol says of them: what listings rest on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from trialwright.derivations.known_columns import study_day
from trialwright.derivations.tumour_records import LOCAL
from trialwright.derivations.tumour_settings import reader_of
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Endpoint, Protocol
from trialwright.protocol.rule_tree import Condition
from trialwright.protocol.written_rules import WrittenRule
from trialwright.vocabulary.units import conversion_factor
from trialwright.vocabulary.verdicts import Reason

Of = Literal["baseline", "ULN", "value"]
MAIN_ROLES = ("primary", "secondary")
DATASETS = (
    "ADSL", "ADELIG", "ADEX", "ADEXSUM", "ADLB", "ADEVT", "ADTR", "ADRS", "ADAE", "ADCLOCK", "ADATTR", "ADRATE",
)  # fmt: skip
"""The datasets that listings are made from."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Derived datasets of the subjects of one population.

    Attributes
    ----------
    protocol : Protocol
    rules : mapping of str to WrittenRule
        Its rules by their dotted path.
    tables : mapping of str to DataFrame
        ADSL, ADLB and the others, of these subjects only.
    population : str
    n_unknown : int
        Subjects of whom nobody knows whether they belong to it. They are not listed.
    """

    protocol: Protocol
    rules: Mapping[str, WrittenRule]
    tables: Mapping[str, pl.DataFrame]
    population: str
    n_unknown: int

    def __getitem__(self, dataset: str) -> pl.DataFrame:
        return self.tables[dataset]

    @property
    def subjects(self) -> pl.DataFrame:
        """`USUBJID`, `GROUP`, `STARTDT` (time zero) of every subject, in the order of ADSL."""
        return self["ADSL"].select("USUBJID", "GROUP", "STARTDT")

    def read(self, dataset: Literal["ADEVT", "ADRS"]) -> pl.DataFrame:
        """ADEVT or ADRS as the reader sees it whom the protocol counts; rows that do not depend on a reader stay."""
        if dataset == "ADRS":
            return self[dataset].filter(pl.col("ANL01FL") == "Y")
        ours = pl.col("READER").is_null() | (pl.col("READER") == reader_of(self.protocol))
        return self[dataset].filter(ours)

    def laboratory(self, fact: str | None) -> pl.DataFrame:
        """The results of a fact beside the baseline that rules compare with."""
        rows = self["ADLB"].filter(pl.col("PARAMCD") == (fact or "").upper())
        named = self.protocol.baseline
        return rows.filter(
            pl.col("BASETYPE").eq_missing(
                pl.lit(named if named in self.protocol.baselines else None, pl.String)
            )
        )

    def baseline_days(self) -> pl.DataFrame:
        """`USUBJID` and `AFTER`: the day of the moment of baseline; results of later days are after it."""
        column = f"{(self.protocol.baseline or '').upper()}DT"
        adsl = self["ADSL"]
        return adsl.select("USUBJID", AFTER=column if column in adsl.columns else "STARTDT")


def select_listed(loaded: LoadedProtocol, tables: Mapping[str, pl.DataFrame], population: str) -> Listed:
    """The subjects of a population; whose membership is not known are counted and left out.

    Parameters
    ----------
    loaded : LoadedProtocol
    tables : mapping of str to DataFrame
        As `derive_datasets` gives them.
    population : str
        Its name in the protocol.

    Raises
    ------
    ValueError
        If the protocol has no such population, or a dataset is not there.
    """
    if population not in loaded.protocol.populations:
        raise ValueError(f"the protocol has no population `{population}`")
    lacking = [name for name in DATASETS if name not in tables]
    if lacking:
        raise ValueError(f"{', '.join(lacking)} must be there: listings are made from them")
    flag = pl.col(f"{population.upper()}FL")
    adsl = tables["ADSL"]
    who = adsl.filter(flag == "Y").select("USUBJID")
    chosen = {
        name: table.join(who, on="USUBJID", how="semi") for name, table in tables.items() if name in DATASETS
    }
    n_unknown = adsl.filter(flag.is_null()).height
    return Listed(loaded.protocol, loaded.writing.rules, MappingProxyType(chosen), population, n_unknown)


# --- what the protocol looks at -----------------------------------------------------------------------------------------


def main_events(protocol: Protocol) -> dict[str, str]:
    """Events that primary and secondary endpoints count, and the path of the first endpoint that does."""
    found: dict[str, str] = {}
    for path, endpoint in _endpoints(protocol):
        if endpoint.role in MAIN_ROLES:
            for name in (*([endpoint.rate_of] if endpoint.rate_of else []), *endpoint.time_to):
                found.setdefault(name, path)
    return found


def event_readers(protocol: Protocol) -> dict[str, str]:
    """Whose reading counts of each of the main events: that of the first endpoint which counts it, else the local one."""
    paths = main_events(protocol)
    readers = {path: endpoint.reader for path, endpoint in _endpoints(protocol)}
    return {name: readers[path] or LOCAL for name, path in paths.items()}


def rate_of_fact(protocol: Protocol, fact: str | None) -> str | None:
    """The first endpoint that is the rate of an event of a fact, primary and secondary ones first."""
    rates = [
        (endpoint.role not in MAIN_ROLES, name)
        for name, endpoint in protocol.endpoints.items()
        if endpoint.rate_of and fact and protocol.events[endpoint.rate_of].of == fact
    ]
    return min(rates, key=lambda rate: rate[0])[1] if rates else None


def _endpoints(protocol: Protocol) -> Iterator[tuple[str, Endpoint]]:
    return ((f"endpoints.{name}", endpoint) for name, endpoint in protocol.endpoints.items())


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound that the rule of an event sets to the results of a fact.

    `factor` times the baseline, times the upper limit of normal, or a value in the unit of the fact. `op` is `>=` or `>`.
    """

    event: str
    fact: str
    op: str
    factor: float
    of: Of

    @property
    def path(self) -> str:
        return f"events.{self.event}.when"

    @property
    def label(self) -> str:
        number = f"{self.factor:g}"
        return {"baseline": f"{number} × baseline", "ULN": f"{number} × ULN", "value": number}[self.of]


def thresholds_of(listed: Listed, event: str) -> list[Threshold]:
    """The lower bounds that the rule of an event sets, in the order of its text; none for one without a rule.

    Bounds under a negation are upper ones and left out, as are those relative to anything but baseline and ULN.
    """
    written = listed.rules.get(f"events.{event}.when")
    if written is None:
        return []
    of = listed.protocol.events[event].of
    found = [_bound(compare, event, of, written) for compare in _asserted(written.condition)]
    return [threshold for threshold in found if threshold is not None]


def _asserted(condition: Condition) -> Iterator[tree.Compare]:
    match condition:
        case tree.Compare():
            yield condition
        case tree.AllOf(parts) | tree.AnyOf(parts):
            for part in parts:
                yield from _asserted(part)
        case tree.Confirmed(inner) | tree.Consecutive(inner):
            yield from _asserted(inner)


def _bound(compare: tree.Compare, event: str, of: str | None, written: WrittenRule) -> Threshold | None:
    match compare.left:
        case tree.RowValue():
            fact = of
        case tree.Pick(_, name):
            fact = name
        case _:
            return None
    if fact is None or fact not in written.scope.facts or compare.op not in (">=", ">"):
        return None
    match compare.right:
        case tree.Multiple(factor, tree.Baseline(None)):
            return Threshold(event, fact, compare.op, float(factor), "baseline")
        case tree.Limit(factor, "ULN"):
            return Threshold(event, fact, compare.op, float(factor), "ULN")
        case tree.Quantity(number, unit):
            about = written.scope.facts[fact]
            scale = (
                float(conversion_factor(unit, about.unit, equivalences=about.equivalences))
                if unit and about.unit
                else 1.0
            )
            return Threshold(event, fact, compare.op, float(number) * scale, "value")
        case _:
            return None


# --- rows of a listing --------------------------------------------------------------------------------------------------

SOURCE: Mapping[str, Any] = MappingProxyType({"SRCDOM": pl.String, "SRCSEQ": pl.Int64, "PROTOCOL": pl.String})


def with_days(listed: Listed, rows: pl.DataFrame) -> pl.DataFrame:
    """Beside each row `DAYS`, whole days elapsed from time zero to `ADT`, or to `ADTL` where the day is not known, and `ADY`, the
    study day of the same: that of time zero is 1, the one before it -1.

    A row without a day of its own that has no reason yet has `imprecise date` in `REASON`; `ADTH` is the last day.
    """
    start = listed.subjects.select("USUBJID", "STARTDT")
    day = pl.coalesce("ADT", "ADTL")
    imprecise = pl.col("ADT").is_null() & pl.col("ADTL").is_not_null() & pl.col("REASON").is_null()
    return rows.join(start, on="USUBJID", how="left", maintain_order="left").with_columns(
        DAYS=(day - pl.col("STARTDT")).dt.total_days(),
        ADY=study_day(day, pl.col("STARTDT")),
        REASON=pl.when(imprecise).then(pl.lit(Reason.IMPRECISE_DATE.value)).otherwise("REASON"),
    ).drop("STARTDT")  # fmt: skip


def readable(result: str) -> str:
    """A result in words with its numbers as people read them: to four digits, and whole ones in full.

    A converted number has more digits than were measured; the dataset keeps them.

    >>> readable("123456.789012"), readable("<3.436426116838488"), readable("0.0500"), readable("200000"), readable("1.5 to 2.25")
    ('123457', '<3.436', '0.05', '200000', '1.5 to 2.25')
    """
    return _WITH_DECIMALS.sub(lambda found: _to_four_digits(Decimal(found[0])), result)


_WITH_DECIMALS = re.compile(r"[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?")


def _to_four_digits(number: Decimal) -> str:
    n_decimals = max(0, 3 - number.adjusted()) if number else 0
    rounded = number.quantize(Decimal(1).scaleb(-n_decimals), ROUND_HALF_UP)
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_listing(listed: Listed, name: str, rows: pl.DataFrame, columns: Mapping[str, Any]) -> pl.DataFrame:
    """Rows in the order of subjects with an id each: `name/USUBJID/OF/1`, counted within subject and `OF`.

    `rows` has `USUBJID` and `OF`, what a row is about; columns that it does not have are null.
    """
    wanted = {"USUBJID": pl.String, **columns, **SOURCE}
    absent = [
        pl.lit(None, kind).alias(column) for column, kind in wanted.items() if column not in rows.columns
    ]
    order = listed.subjects.select("USUBJID").with_row_index("_place")
    number = pl.int_range(1, pl.len() + 1).over("USUBJID", "OF")
    return (
        rows.with_columns(absent)
        .join(order, on="USUBJID", how="inner", maintain_order="left")
        .sort("_place", maintain_order=True)
        .with_columns(id=pl.format("{}/{}/{}/{}", pl.lit(name), "USUBJID", "OF", number))
        .select("id", *wanted)
        .cast(pl.Schema({"id": pl.String, **wanted}))
    )
