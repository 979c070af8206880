"""The records of a study as derivations read them: cut, keyed, with the minutes each date can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import accumulate
from types import MappingProxyType

import polars as pl

from trialwright.derivations.ordered import in_order
from trialwright.protocol.facts import Scope
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import DEATH
from trialwright.protocol.scopes import make_scope
from trialwright.records.dates import MOMENT, minute_ranges
from trialwright.records.runs import read_by_runs
from trialwright.records.sdtm import ValueKind, complete_table, domains, empty_table
from trialwright.records.table_threads import on_table_threads
from trialwright.vocabulary.problems import Problem, ProblemsFound, Severity

SUBJECT = "SUBJECT"
"""A whole number that stands for one person of one study and key, in all tables of a `Study`."""

_IDENTITY = ("STUDYID", "USUBJID")
_PLACE = "place of a record"
_TAKEN = (SUBJECT, *_IDENTITY, "EVENT", "READER", "VIEW")
"""Columns by which derivations tell rows apart within a person."""

STARTS: Mapping[str, str] = MappingProxyType(
    {"DM": "RFICDTC", "DS": "DSSTDTC", "SV": "SVSTDTC"}
    | {domain: f"{domain}STDTC" for domain in ("EX", "CM", "AE", "MH", "PR")}
    | {domain: f"{domain}DTC" for domain in ("LB", "VS", "TU", "TR", "RS", "FA")}
)
"""The date that tells when what a record is about was, or began; of DM the consent, without which nobody is in a study."""

_SAID_OF_THE_END: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"AEENDTC": ("AEOUT", "AESDTH"), "DTHDTC": ("DTHFL",)}
)
"""What a record says of an end: not known yet where the end lies after the cut."""


@dataclass(frozen=True)
class Study:
    """What derivations work from.

    Attributes
    ----------
    loaded : LoadedProtocol
    scope : Scope
        What the protocol's rules may name.
    tables : mapping of str to DataFrame
        Every domain of the catalogue, with all its variables, `SUBJECT` and the key columns; a domain without records is
        empty. Beside each date `LBDTC` stand `LBDTC_earliest` and `LBDTC_latest`, the first and last minute it can be
        (null where it is missing or unreadable). Records are in the order of subject and sequence number, whatever order
        they came in; a record that is given twice stands there once. Records that lie wholly after the cut are not there.
    subjects : DataFrame
        One row a person of DM, in order: `SUBJECT`, the key columns, `STUDYID`, `USUBJID`.
    keys : tuple of str
        Leading columns that tell studies or readers apart (`TRIAL`); part of every derived table.
    cut : date, optional
        The last day that exists.
    left_out : tuple of Problem
        Records that could not be used, and why.
    is_simulated : bool
        Whether any record says that its patient is virtual, those after the cut among them: nothing of them may pass for real
        where the cut leaves none.
    """

    loaded: LoadedProtocol
    scope: Scope
    tables: Mapping[str, pl.DataFrame]
    subjects: pl.DataFrame
    keys: tuple[str, ...] = ()
    cut: date | None = None
    left_out: tuple[Problem, ...] = ()
    is_simulated: bool = False

    @property
    def protocol(self) -> Protocol:
        return self.loaded.protocol

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that tell persons apart in derived tables."""
        return (*self.keys, *_IDENTITY)


@on_table_threads
def make_study(
    loaded: LoadedProtocol,
    tables: Mapping[str, pl.DataFrame],
    *,
    keys: Sequence[str] = (),
    cut: date | None = None,
) -> Study:
    """Ready the typed tables of `records` for derivation.

    Parameters
    ----------
    loaded : LoadedProtocol
    tables : mapping of str to DataFrame
        By domain, as `read_records` gives them; each with the key columns, if there are any. Domains may be missing, but
        not DM.
    keys : sequence of str
        In capitals, as all variables of datasets; columns that derivations need on the way are in small letters.
    cut : date, optional
        What happened after this day does not exist: records dated wholly after it are dropped, as are persons who
        consented after it; ends, deaths and other dates after it are missing, with what was said of them.

    Records of persons who are not in DM are left out and reported (`not-in-dm`), and so are records that name nobody
    (`no-subject`).

    Raises
    ------
    ProblemsFound
        `missing-dataset`, if there is no DM; `death-not-read`, if it tells of deaths and the protocol has no event for them.
    ValueError
        If a table has not all key columns, or a key has a name that derived tables use.
    """
    if unfit := why_no_key(keys):
        raise ValueError(unfit)
    if "DM" not in tables:
        message = "DM is missing: it tells who took part"
        raise ProblemsFound([Problem("missing-dataset", message, field="DM")])
    identity = [*keys, *_IDENTITY]
    for name, table in tables.items():
        if lacking := [key for key in keys if key not in table.columns]:
            raise ValueError(f"`{name}` has no column `{lacking[0]}`")
    everybody = tables["DM"].select(identity).drop_nulls(_IDENTITY).unique().sort(identity, nulls_last=True)
    everybody = everybody.with_row_index(SUBJECT).cast({SUBJECT: pl.Int64})
    left_out: list[Problem] = []
    ready = {}
    for name in domains():
        if name in tables:
            table = _typed(complete_table(tables[name], name), name)
        else:
            table = empty_table(name).with_columns(
                pl.lit(None, everybody[key].dtype).alias(key) for key in keys
            )
        keyed = table.with_columns(_whose(table, everybody))
        if keyed[SUBJECT].null_count():
            left_out += _without_subject(keyed, name)
        if name == "DM":
            left_out += _told_twice(keyed)
        # whoever groups or joins by subject then sees that nothing must be looked for
        ready[name] = _in_order(keyed, name, keys).with_columns(pl.col(SUBJECT).set_sorted())
    ready = {name: _up_to(cut, table, name) for name, table in _with_minutes(ready)}
    subjects = everybody.join(ready["DM"], on=SUBJECT, how="semi", maintain_order="left")
    if len(subjects) < len(everybody):
        ready = {
            name: table.join(subjects, on=SUBJECT, how="semi", maintain_order="left")
            for name, table in ready.items()
        }
    _refuse_unread_deaths(loaded.protocol, ready["DM"])
    scope = make_scope(loaded.protocol, loaded.document)
    marks = (table["SIMULATED"] for table in tables.values() if "SIMULATED" in table.columns)
    is_simulated = any(bool((mark == "Y").any()) for mark in marks)
    return Study(
        loaded, scope, MappingProxyType(ready), subjects, tuple(keys), cut, tuple(left_out), is_simulated
    )


def why_no_key(keys: Sequence[str]) -> str:
    """Why a column cannot tell studies apart, of the first of some that cannot; nothing where all can."""
    unfit = (key for key in keys if key != key.upper() or key in _TAKEN)
    return next(
        (f"`{key}` cannot be a key: take a name in capitals other than {', '.join(_TAKEN)}" for key in unfit),
        "",
    )


def _whose(table: pl.DataFrame, everybody: pl.DataFrame) -> pl.Series:
    """The numbers of the persons whose records these are, null where they are nobody's."""
    identity = [name for name in everybody.columns if name != SUBJECT]

    def numbers(whose: pl.Series) -> pl.DataFrame:
        found = whose.struct.unnest().join(
            everybody, on=identity, how="left", nulls_equal=True, maintain_order="left"
        )
        return found.select(SUBJECT)

    return read_by_runs(table.select(pl.struct(identity)).to_series(), numbers)[SUBJECT]


def _refuse_unread_deaths(protocol: Protocol, people: pl.DataFrame) -> None:
    """Deaths that no event of the protocol reads would count for nobody, and every table would say that all are alive."""
    died = people.filter(pl.col("DTHDTC").is_not_null() | (pl.col("DTHFL") == "Y"))["USUBJID"].n_unique()
    event = protocol.events.get(DEATH)
    if died and not (event and event.reported):
        whose = f"{died} subject{'' if died == 1 else 's'}"
        message = f"DM tells of the death of {whose}, and the protocol has no reported event `{DEATH}`, for which it is read"
        fix = f"define it under `events`: `{DEATH}: {{ text: Death from any cause, reported: true }}`"
        raise ProblemsFound([Problem("death-not-read", message, field="DM.DTHDTC", fix=fix)])


def moment_columns(variable: str) -> tuple[str, str]:
    """The columns with the first and the last minute that a date can be."""
    return f"{variable}_earliest", f"{variable}_latest"


def _typed(table: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The table, a column of nothing but nulls having the type of the catalogue."""
    schema, found = domains()[domain].schema, table.schema
    return table.cast({name: dtype for name, dtype in schema.items() if found[name] == pl.Null})


def _without_subject(table: pl.DataFrame, domain: str) -> Iterator[Problem]:
    """Records that belong to nobody in DM."""
    found = table.filter(pl.col(SUBJECT).is_null()).group_by("USUBJID").len().sort("USUBJID", nulls_last=True)
    for subject, number in found.iter_rows():
        records = f"{number} record{'' if number == 1 else 's'}"
        if subject is None:
            message = f"{records} in {domain} name no subject; left out"
            yield Problem("no-subject", message, field=domain, fix="fill in USUBJID")
        else:
            message = f"subject `{subject}` has {records} in {domain} and none in DM; left out"
            fix = "add the subject to DM, or correct USUBJID"
            yield Problem("not-in-dm", message, field=f"{domain} {subject}", fix=fix)


def _told_twice(people: pl.DataFrame) -> Iterator[Problem]:
    """Subjects of whom DM has several records that differ."""
    several = (
        people.unique()
        .filter(pl.col(SUBJECT).is_not_null())
        .group_by(SUBJECT)
        .agg(pl.col("USUBJID").first(), pl.len())
    )
    for subject, number in (
        several.filter(pl.col("len") > 1).sort(SUBJECT).select("USUBJID", "len").iter_rows()
    ):
        message = f"subject `{subject}` has {number} records in DM that differ; nobody can tell which holds, and what is derived may rest on either"
        yield Problem(
            "duplicate-subject",
            message,
            field=f"DM {subject}",
            fix="keep the right one",
            severity=Severity.WARNING,
        )


def _in_order(table: pl.DataFrame, domain: str, keys: Sequence[str]) -> pl.DataFrame:
    """The records of somebody by subject and sequence number (visits by theirs), each once, in an order that does not depend on
    the one they came in. Where each belongs is found first: a large table is moved once, if at all."""
    schema = [name for name in domains()[domain].schema if name not in keys]
    number = domains()[domain].sequence or "VISITNUM"
    by = [SUBJECT, *([number] if number in schema else [])]
    others = sorted(name for name in table.columns if name not in {*keys, *schema, SUBJECT})
    table = table.select(*keys, *schema, *others, SUBJECT)
    placed = table.select(*by, pl.int_range(pl.len()).alias(_PLACE))
    placed = in_order(placed.filter(pl.col(SUBJECT).is_not_null()), *by)
    is_repeat = _repeats(placed, by)
    if is_repeat.any():
        is_alike = is_repeat | is_repeat.shift(-1, fill_value=False)
        alike = placed.filter(is_alike)
        everything = by + [name for name in table.columns if name not in (*by, *keys, *_IDENTITY)]
        alike = in_order(table[alike[_PLACE]].with_columns(alike[_PLACE]), *everything)
        alike = alike.filter(~_repeats(alike, everything))
        parts = [placed.filter(~is_alike), alike.select(placed.columns)]
        placed = pl.concat(parts).sort(by, maintain_order=True)
    is_in_place = len(placed) == len(table) and placed[_PLACE].is_sorted()
    return table.rechunk() if is_in_place else table[placed[_PLACE]]


def _repeats(table: pl.DataFrame, by: Sequence[str]) -> pl.Series:
    """Whether a row is in some columns as the one before."""
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in by)
    return table.select(is_same & (pl.int_range(pl.len()) > 0)).to_series()


def _with_minutes(tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The tables with the first and the last minute beside each date; those of all tables are read together."""
    dates = {
        (domain, name): table[name]
        for domain, table in tables.items()
        for name, variable in domains()[domain].variables.items()
        if variable.kind is ValueKind.DATE
    }
    told = {place: texts for place, texts in dates.items() if texts.null_count() < len(texts)}
    minutes = minute_ranges(pl.concat([pl.Series(dtype=pl.String), *told.values()]))
    ends = accumulate(map(len, told.values()))
    read = {
        place: minutes.slice(end - len(told[place]), len(told[place]))
        for place, end in zip(told, ends, strict=True)
    }
    for domain, table in tables.items():
        added = []
        for place, texts in dates.items():
            if place[0] == domain:
                found = read[place] if place in read else minute_ranges(texts)
                added += found.rename(
                    dict(zip(found.columns, moment_columns(place[1]), strict=True))
                ).get_columns()
        yield domain, table.with_columns(added)


def known_at(cut: date, tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The records of a study as they were known at the end of a day: as `make_study` cuts them, and nothing else changed.

    Parameters
    ----------
    cut : date
    tables : mapping of str to DataFrame
        By domain, as `read_records` gives them.
    """
    whole = {name: complete_table(table, name) for name, table in tables.items()}
    known = {
        name: _up_to(cut, table, name).select(whole[name].columns) for name, table in _with_minutes(whole)
    }
    if "DM" not in known:
        return known
    gone = whole["DM"].join(known["DM"], on=_IDENTITY, how="anti", nulls_equal=True).select(_IDENTITY)
    return {
        name: table.join(gone, on=_IDENTITY, how="anti", maintain_order="left")
        for name, table in known.items()
    }


def _up_to(cut: date | None, table: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The records as they were known at the end of a day: what began later is not there, what ended later has no end."""
    if cut is None:
        return table
    last = pl.lit(datetime.combine(cut, time(23, 59)), MOMENT)
    start = STARTS[domain]
    table = table.filter((pl.col(moment_columns(start)[0]) > last).fill_null(value=False).not_())
    later = []
    for name, variable in domains()[domain].variables.items():
        if variable.kind is ValueKind.DATE and name != start:
            earliest, latest = moment_columns(name)
            is_later = (pl.col(earliest) > last).fill_null(value=False)
            concerned = (name, earliest, latest, *_SAID_OF_THE_END.get(name, ()))
            later += [pl.when(~is_later).then(pl.col(column)).alias(column) for column in concerned]
    return table.with_columns(later)
