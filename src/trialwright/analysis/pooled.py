"""Data in which nothing tells the groups apart, for documents that everybody may read.

What is pooled is all that such a document is made of: columns and rows that could tell a group are not there to be shown.
"""

from __future__ import annotations

import polars as pl

from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.stopping_boundary import watched_endpoint
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.references import DEATH
from trialwright.protocol.safety import safety_endpoint

GROUP_COLUMNS = ("GROUP", "GROUPR", "ARMCD")
_OF_EVERYBODY = ("STUDYID", "USUBJID", "SUBJECT", "STARTDT", "LSTALVDT", "DTHDT", "EOSDTL", "EOSDTH", "CUTDT")
_WHOLE = ("ADAE", "ADLB", "ADLIVER", "ADATTR")
"""Datasets whose rows are there for every group alike."""


def is_grouped(protocol: Protocol) -> bool:
    """Whether a protocol has groups that could be told apart."""
    return len(protocol.groups) > 1


def common_treatments(protocol: Protocol) -> tuple[str, ...]:
    """The treatments that every group gets: exposure to another one would tell the group."""
    given = [set(group.treatments) for group in protocol.groups.values()]
    return tuple(name for name in protocol.treatments if all(name in one for one in given))


def pool(data: AnalysisData) -> AnalysisData:
    """The data without groups; as they are where the protocol has one group or none.

    Gone are the groups, the analyses, and treatments that not every group gets; of subjects all that is not needed to place
    harms in time; datasets and events that no document of safety shows.
    """
    if not is_grouped(data.protocol):
        return data
    protocol = _without_groups(data.protocol)
    adsl = data.adsl.select(name for name in _kept_columns(data.protocol) if name in data.adsl.columns)
    people = adsl.with_columns(pl.lit(None, pl.String).alias("GROUP"))
    tables = {name: _pooled(name, table, protocol) for name, table in data.tables.items()}
    return AnalysisData(protocol, adsl, data.adtte.clear(), {**tables, "ADSL": people}, data.is_simulated)


def _without_groups(protocol: Protocol) -> Protocol:
    common = {name: protocol.treatments[name] for name in common_treatments(protocol)}
    return protocol.model_copy(update={"groups": {}, "treatments": common, "analyses": {}})


def _kept_columns(protocol: Protocol) -> tuple[str, ...]:
    found = safety_endpoint(protocol)
    columns = [*_OF_EVERYBODY, f"{(protocol.baseline or '').upper()}DT"]
    if entered := entry_anchor(protocol):
        columns.append(f"{entered.upper()}DT")
    if found is not None:
        during, estimand = (found[1].during or "").upper(), found[1].estimand
        columns += [f"{during}SDT", f"{during}EDT"]
        columns += [f"{estimand.population.upper()}FL"] if estimand else []
    for visit in protocol.visits.values():
        for text in (visit.from_, visit.until):
            name = parse_moment(text).name if text else None
            columns += [f"{name.upper()}DT"] if name in protocol.anchors else []
    return tuple(dict.fromkeys(columns))


def entry_anchor(protocol: Protocol) -> str | None:
    """The anchor at which subjects enter: where the groups of the protocol are assigned."""
    moments = {group.assigned_at for group in protocol.groups.values()}
    name = next(iter(moments)) if len(moments) == 1 else None
    return name if name in protocol.anchors else None


def _pooled(name: str, table: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    table = table.with_columns(
        pl.lit(None, pl.String).alias(column) for column in GROUP_COLUMNS if column in table.columns
    )
    if name in ("ADEX", "ADEXSUM"):
        return table.filter(pl.col("TREATMENT").is_in(list(protocol.treatments)))
    watched = protocol.monitoring.values()
    if name == "ADEVT":
        events = [DEATH, *(one.event for one in watched if one.event)]
        return table.filter(pl.col("EVENT").is_in(events))
    if name == "ADRATE":
        rates = [found[0].upper() for one in watched if (found := watched_endpoint(protocol, one))]
        return table.filter(pl.col("PARAMCD").is_in(rates))
    return table if name in _WHOLE else table.clear()
