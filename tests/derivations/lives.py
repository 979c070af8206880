"""Subjects written down in a test: when each event happened and each record was made, as derivations take them."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

import polars as pl

from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.study import SUBJECT, make_study
from trialwright.protocol.loading import LoadedProtocol, dump_protocol, load_protocol, parse_protocol
from trialwright.protocol.model import Protocol

Day = date | str | tuple[str, str] | None
"""A date, or text like 2024-03-06, or the first and last day it can be; None: nobody knows."""


@dataclass(frozen=True)
class Life:
    """What happened to one subject, and when.

    `events` and `facts` hold the days of each event and record; `anchors` the dates recorded for the subject; `unknown`
    the events that cannot be judged, with the reason, or reason and day. With a mapping of reader to days, readings are kept apart.
    """

    start: Day = None
    events: Mapping[str, list[Day] | Mapping[str, list[Day]]] = field(default_factory=dict)
    facts: Mapping[str, list[Day]] = field(default_factory=dict)
    anchors: Mapping[str, Day] = field(default_factory=dict)
    unknown: Mapping[str, str | tuple[str, Day]] = field(default_factory=dict)
    alive: Day = None


@cache
def shipped(name: str) -> LoadedProtocol:
    return load_protocol(name)


def changed(loaded: LoadedProtocol, changes: Mapping[str, object]) -> LoadedProtocol:
    """The protocol with other values at dotted paths."""
    plain = deepcopy(loaded.protocol.to_plain())
    for path, value in changes.items():
        *above, key = path.split(".")
        node = plain
        for name in above:
            node = node[name]
        node[key] = value
    protocol, document = parse_protocol(dump_protocol(Protocol.from_plain(plain)))
    return LoadedProtocol(protocol, document, loaded.folder)


def ends(day: Day) -> tuple[date | None, date | None]:
    if day is None:
        return None, None
    first, last = day if isinstance(day, tuple) else (day, day)
    return _date(first), _date(last)


def _date(day: date | str) -> date:
    return day if isinstance(day, date) else date.fromisoformat(day)


def at(start: Day, elapsed: int) -> date:
    return ends(start)[0] + timedelta(days=elapsed)


def frames(lives: list[Life]) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, pl.DataFrame]]:
    """ADSL, ADEVT and observations of some lives; the n-th record of all has --SEQ n."""
    anchors = sorted({name for life in lives for name in life.anchors})
    adsl = pl.DataFrame(
        [
            {SUBJECT: i, "STARTDT": ends(life.start)[0], "LSTALVDT": ends(life.alive)[0]}
            | {f"{name.upper()}DT": ends(life.anchors.get(name))[0] for name in anchors}
            for i, life in enumerate(lives)
        ],
        schema={SUBJECT: pl.Int64, "STARTDT": pl.Date, "LSTALVDT": pl.Date}
        | {f"{name.upper()}DT": pl.Date for name in anchors},
    )
    events, records = [], []
    for i, life in enumerate(lives):
        for name, found in life.events.items():
            by_reader = found if isinstance(found, Mapping) else {None: found}
            for reader, days in by_reader.items():
                events += [
                    (i, name, "met", reader, None if d is None else ends(d)[0], *ends(d), None, "DS", n)
                    for n, d in enumerate(days, start=1)
                ]
        for name, told in life.unknown.items():
            reason, when = told if isinstance(told, tuple) else (told, None)
            events.append((i, name, "unknown", None, None, *ends(when), reason, None, None))
        records += [
            (i, name, *ends(d), "LB", n)
            for name, days in life.facts.items()
            for n, d in enumerate(days, start=1)
        ]
    adevt = pl.DataFrame(
        events,
        schema={SUBJECT: pl.Int64, "EVENT": pl.String, "AVALC": pl.String, "READER": pl.String, "ADT": pl.Date,
                "ADTL": pl.Date, "ADTH": pl.Date, "REASON": pl.String, "SRCDOM": pl.String, "SRCSEQ": pl.Int64},
        orient="row",
    )  # fmt: skip
    observations = pl.DataFrame(
        records,
        schema={SUBJECT: pl.Int64, "fact": pl.String, "earliest": pl.Date, "latest": pl.Date, "SRCDOM": pl.String,
                "SRCSEQ": pl.Int64},
        orient="row",
    )  # fmt: skip
    of_fact = observations.partition_by("fact", as_dict=True, include_key=False)
    return adsl, adevt, {str(fact): rows for (fact,), rows in of_fact.items()}


def study_of(loaded: LoadedProtocol, n_subjects: int):
    """A study with so many subjects and no records."""
    dm = pl.DataFrame(
        {
            "STUDYID": [loaded.protocol.study.id] * n_subjects,
            "USUBJID": [f"S-{i:06}" for i in range(n_subjects)],
        },
        schema={"STUDYID": pl.String, "USUBJID": pl.String},
    )
    return make_study(loaded, {"DM": dm})


def adtte_of(loaded: LoadedProtocol, lives: list[Life]) -> pl.DataFrame:
    return derive_adtte(study_of(loaded, len(lives)), *frames(lives))
