"""The records of what has no result: drugs, procedures, conditions, events, and dates of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import polars as pl

from trialwright.derivations.doses import is_dose_given
from trialwright.derivations.known_columns import meanings, spelt, was_done
from trialwright.derivations.named_records import NamedRecords, as_spelt, dated, names_of
from trialwright.derivations.study import STARTS, SUBJECT, moment_columns
from trialwright.protocol.facts import Fact
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.concepts import Kind

_DONE_BEFORE: Mapping[str, str] = {"MH": "MHDTC", "CM": "CMDTC", "PR": "PRDTC"}
_YES_OR_NO = {"Y": "Y", "YES": "Y", "N": "N", "NO": "N"}


def recorded_histories(records: NamedRecords, fact: Fact) -> Iterator[pl.DataFrame]:
    """The records of a fact without results, with what is known of each: when it was, whether there was none, how long."""
    match fact.kind:
        case Kind.DATE:
            yield _dates(records, fact)
        case Kind.EVENT:
            yield from _reported(records, fact)
        case Kind.SCORE:
            return
        case _:
            yield from _histories(records, fact)


# --- dates and events -------------------------------------------------------------------------------------------------


def _dates(records: NamedRecords, fact: Fact) -> pl.DataFrame:
    """The day of consent and of birth from DM, every other from the milestones; nothing where it is not recorded."""
    anchor = records.study.protocol.anchors.get(fact.name)
    people = records.study.tables["DM"]
    if anchor is not None and anchor.at is not None:
        found = dated(people.clear(), "DM", "RFICDTC")
    elif fact.name == "birth_date":
        found = dated(people.with_columns(_born()), "DM", "BRTHDTC")
    elif fact.name == "consent":
        found = dated(people, "DM", "RFICDTC")
    else:
        found = milestones(records, fact.name, fact.label)
    return found.filter(pl.col("earliest").is_not_null())


def _born() -> list[pl.Expr]:
    """The date of birth, else what the completed years of age at consent leave possible."""
    consent = [pl.col(column) for column in moment_columns("RFICDTC")]
    is_in_years = pl.col("AGEU").is_null() | (pl.col("AGEU") == "YEARS")
    years = pl.when(is_in_years & (pl.col("AGE") == pl.col("AGE").floor())).then(pl.col("AGE").cast(pl.Int64))
    first = consent[0].dt.truncate("1d").dt.offset_by(pl.format("-{}y", years + 1)).dt.offset_by("1d")
    last = consent[1].dt.truncate("1d").dt.offset_by(pl.format("-{}y", years)).dt.offset_by("1439m")
    return [
        pl.coalesce(known, told) for known, told in zip(moment_columns("BRTHDTC"), (first, last), strict=True)
    ]


def milestones(records: NamedRecords, *names: str) -> pl.DataFrame:
    """The milestones of the protocol of some names."""
    table = records.rows("DS", ["DSDECOD"], map(as_spelt, names))
    return dated(table.filter(spelt(pl.col("DSCAT")) == "PROTOCOL MILESTONE"), "DS", "DSSTDTC")


def _reported(records: NamedRecords, fact: Fact) -> Iterator[pl.DataFrame]:
    """Events that the data tell: death from DM, others from DS."""
    event = records.study.protocol.events.get(fact.name)
    if event is None or not event.reported:
        return
    if fact.name == "death":
        people = records.study.tables["DM"]
        yield dated(people.filter(pl.col("DTHDTC").is_not_null() | (pl.col("DTHFL") == "Y")), "DM", "DTHDTC")
    else:
        table = records.rows("DS", ["DSDECOD"], names_of(fact))
        yield dated(table.filter(spelt(pl.col("DSCAT")) == "OTHER EVENT"), "DS", "DSSTDTC")


# --- histories --------------------------------------------------------------------------------------------------------

_HISTORIES: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.DRUG: ("EX", "CM"),
        Kind.PROCEDURE: ("PR",),
        Kind.CONDITION: ("MH",),
        Kind.HISTORY: ("MH", "PR", "CM"),
    }
)
_TERMS = {
    "EX": ("EXTRT",),
    "CM": ("CMDECOD", "CMTRT"),
    "PR": ("PRDECOD", "PRTRT"),
    "MH": ("MHDECOD", "MHTERM"),
}
_LASTING = frozenset({"EX", "CM"})
_STILL = ("ONGOING", "AFTER", "DURING/AFTER")


def _histories(records: NamedRecords, fact: Fact) -> Iterator[pl.DataFrame]:
    """Drugs, procedures, conditions and the like: what was, and where somebody asked and there was none."""
    tables = records.study.tables
    for domain in _HISTORIES[fact.kind]:
        goes_on = fact.name in records.study.protocol.treatments
        table = records.rows(domain, _TERMS[domain], names_of(fact))
        if len(table):
            yield _history(table, domain, goes_on=goes_on)
    asked = records.about(names_of(fact), "STATUS")
    if len(asked):
        yield _asked(asked)
    if fact.name == "contact":
        yield dated(tables["SV"].filter(pl.col("SVSTDTC").is_not_null()), "SV", "SVSTDTC")
        yield dated(records.rows("DS", ["DSDECOD"], ["ALIVE"]), "DS", "DSSTDTC")


def _asked(rows: pl.DataFrame) -> pl.DataFrame:
    """Findings that say whether there was something: some time up to when it was asked."""
    said = meanings(rows.select(pl.coalesce("STRESC", "ORRES")).to_series(), _YES_OR_NO)
    return rows.select(
        SUBJECT, "latest", "SRCDOM", "SRCSEQ", "SRCALL", earliest=pl.lit(None, MOMENT), is_none=said == "N"
    ).filter(said.is_not_null())


def _history(table: pl.DataFrame, domain: str, *, goes_on: bool) -> pl.DataFrame:
    """Records of a domain; one without a date was before it was asked for, if that is known.

    `goes_on` tells whether one without an end goes on: of other drugs the record must say so.
    """
    table = table.filter(_is_given(domain))
    rows = dated(table, domain, STARTS[domain])
    occurred = pl.lit(None, pl.String) if domain == "EX" else pl.col(f"{domain}OCCUR")
    until = [moment_columns(f"{domain}ENDTC")[1]]
    until += [moment_columns(_DONE_BEFORE[domain])[1]] if domain in _DONE_BEFORE else []
    more = [
        (occurred == "N").fill_null(value=False).alias("is_none"),
        pl.min_horizontal(until).alias("until"),
    ]
    if domain in _LASTING:
        told = [pl.col(one).is_in(_STILL) for one in ("CMENRF", "CMENRTPT")] if domain == "CM" else []
        is_told = pl.any_horizontal([pl.lit(goes_on), *told]).fill_null(value=False)
        ends = zip(("end_earliest", "end_latest"), moment_columns(f"{domain}ENDTC"), strict=True)
        more += [is_told.alias("goes_on"), *(pl.col(column).alias(end) for end, column in ends)]
    known = pl.concat([rows, table.select(more)], how="horizontal")
    return known.with_columns(latest=pl.coalesce("latest", "until")).drop("until")


def _is_given(domain: str) -> pl.Expr:
    """Whether a record tells of something that was, or was asked for: no dose of 0, none that was left out."""
    if domain == "EX":
        return is_dose_given()
    return was_done(f"{domain}STAT")
