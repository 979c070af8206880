"""What stands behind the derived rows of a subject: events, what was seen of tumours, and results that show no event."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

import polars as pl

from trialwright.analysis.explaining.records import sources_of
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adrate import NOT_MET, UNKNOWN, judged_by
from trialwright.derivations.observations import record_facts
from trialwright.derivations.recorded_facts import RECORDED
from trialwright.derivations.study import make_study
from trialwright.derivations.timeline import NOT_JUDGED, SOURCE
from trialwright.derivations.tumour_records import LOCAL
from trialwright.derivations.tumour_responses import IMMUNE, IRECIST, OVERALL, RECIST
from trialwright.protocol.loading import LoadedProtocol
from trialwright.vocabulary.verdicts import Reason

FACTS = "facts"
"""What the records of a fact that stands in no dataset are called."""
_RESPONSES = {RECIST: OVERALL, IRECIST: IMMUNE}
_MEASURES = ("SDIAM", "NTSTATE", "NEWSTATE")
"""Parameters of ADTR that a response follows from; the sum stands beside its baseline and nadir."""
_LOOKING_BACK = ("UNTIL", "WENTON", "STOPAGR")
"""Parameters of ADEXSUM that say what rules make of the end of a treatment."""


def events_of(data: AnalysisData, events: Sequence[str], subject: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Events of a subject that share their day or a record with derived rows, or that nobody can judge.

    They are those of the reader of the rows; of the local one, whom rules go by, where rows name none. Rules that end a
    treatment look back: behind what they say stand events of earlier days too.
    """
    found = data.tables["ADEVT"].filter((pl.col("USUBJID") == subject) & pl.col("EVENT").is_in(events))
    readers = {row.get("READER") or LOCAL for row in rows.iter_rows(named=True)}
    found = found.filter(pl.col("READER").is_null() | pl.col("READER").is_in(readers))
    days = [day for row in rows.iter_rows(named=True) for day in (row.get("ADT"), row.get("ASTDT")) if day]
    named = {name for row in rows.iter_rows(named=True) for name in sources_of(row)}
    judged = [
        row["ADT"] for row in rows.iter_rows(named=True) if row.get("PARAMCD") in _LOOKING_BACK and row["ADT"]
    ]
    keep = [
        row["AVALC"] == UNKNOWN
        or row["ADT"] in days
        or bool(named & {*sources_of(row)})
        or any(row["ADT"] <= day for day in judged if row["ADT"])
        for row in found.iter_rows(named=True)
    ]
    order = {event: place for place, event in enumerate(events)}
    kept = found.filter(pl.Series(keep, dtype=pl.Boolean))
    return kept.sort(
        pl.col("EVENT").replace_strict(order, return_dtype=pl.Int64),
        "ASEQ",
        nulls_last=True,
        maintain_order=True,
    )


def lesions_behind(data: AnalysisData, subject: str, named: Container[str]) -> pl.DataFrame:
    """Sums of targets, and the states of other lesions, at the time points whose records (`TR.3`) rows name."""
    if "ADTR" not in data.tables:
        return data.adsl.clear()
    own = (pl.col("USUBJID") == subject) & pl.col("PARAMCD").is_in(_MEASURES)
    found = data.tables["ADTR"].filter(own)
    keep = [any(name in named for name in sources_of(row)) for row in found.iter_rows(named=True)]
    return found.filter(pl.Series(keep, dtype=pl.Boolean))


# --- what shows no event ------------------------------------------------------------------------------------------------


def looks_of(
    data: AnalysisData,
    loaded: LoadedProtocol,
    tables: Mapping[str, pl.DataFrame] | None,
    subject: str,
    rows: pl.DataFrame,
) -> Iterator[tuple[str, pl.DataFrame | None]]:
    """The results of a subject among which the events of rows of ADRATE were looked for and not seen, by fact with their dataset.

    They are what `NASSESS` counts: of the reader of the row, in its window, after the day of baseline where the event is told
    by it, and no scan that nobody could judge. A fact that stands in no dataset is read from the records (`FACTS`); None
    where these are not given.
    """
    if "NASSESS" not in rows.columns:
        return
    for row in rows.filter((pl.col("AVALC") == NOT_MET) & (pl.col("NASSESS") > 0)).iter_rows(named=True):
        asked = [*judged_by(row["EVENT"], loaded)]
        for fact in dict.fromkeys(name for name, _ in asked):
            dataset, results = _results_of(fact, data, loaded, tables, subject)
            if results is not None:
                day = pl.coalesce("ADTL", "ADT")
                is_counted = day.is_between(pl.lit(row["STARTDT"]), pl.lit(row["ENDDT"]))
                if (fact, False) not in asked:
                    is_counted &= (day > _day_of_baseline(data, subject)).fill_null(value=True)
                if row["READER"] and "READER" in results.columns:
                    is_counted &= pl.col("READER").is_null() | (pl.col("READER") == row["READER"])
                results = results.filter(is_counted)
            yield dataset, results


def _results_of(
    fact: str,
    data: AnalysisData,
    loaded: LoadedProtocol,
    tables: Mapping[str, pl.DataFrame] | None,
    subject: str,
) -> tuple[str, pl.DataFrame | None]:
    """The results of a fact that could be judged, and the dataset they stand in; None where that are records not given."""
    own, code, protocol = pl.col("USUBJID") == subject, fact.upper(), loaded.protocol
    concept = protocol.facts[fact].concept
    if concept in _RESPONSES:
        is_judged = ~pl.col("AVALC").is_in(NOT_JUDGED) | (pl.col("REASON") == Reason.UNREADABLE.value)
        of = (pl.col("PARAMCD") == _RESPONSES[concept]) & (pl.col("ACPTFL") == "Y") & is_judged
        return "ADRS", data.tables["ADRS"].filter(own, of)
    results = data.tables["ADLB"].filter(pl.col("PARAMCD") == code)
    if results.height:
        named = protocol.baseline if protocol.baseline in protocol.baselines else None
        return "ADLB", results.filter(own, pl.col("BASETYPE").eq_missing(pl.lit(named, pl.String)))
    return FACTS, _recorded(fact, loaded, tables, subject) if tables and "DM" in tables else None


def _recorded(
    fact: str, loaded: LoadedProtocol, tables: Mapping[str, pl.DataFrame], subject: str
) -> pl.DataFrame:
    """The records of a fact, with the variables that datasets have."""
    own = {
        name: table.filter(pl.col("USUBJID") == subject)
        for name, table in tables.items()
        if "USUBJID" in table.columns
    }
    study = make_study(loaded, own)
    found = record_facts(study, [fact], beside=[name for name in study.scope.facts if name != fact])
    first, last = pl.col("earliest").dt.date(), pl.col("latest").dt.date()
    is_judged = ~pl.col("level").is_in(NOT_JUDGED).fill_null(value=False)
    return (
        found.get(fact, pl.DataFrame(schema=dict(RECORDED)))
        .filter(pl.col("reason").is_not_null(), is_judged)
        .sort("earliest", "SRCDOM", "SRCSEQ")
        .select(
            pl.lit(subject).alias("USUBJID"),
            pl.lit(fact.upper()).alias("PARAMCD"),
            pl.lit(loaded.protocol.facts[fact].label).alias("PARAM"),
            pl.col("reader").alias("READER"),
            pl.when(first == last).then(first).alias("ADT"),
            first.alias("ADTL"),
            last.alias("ADTH"),
            pl.when(pl.col("lo") == pl.col("hi")).then("lo").alias("AVAL"),
            pl.col("level").alias("AVALC"),
            *SOURCE,
            pl.lit(f"facts.{fact}").alias("PROTOCOL"),
        )
    )


def _day_of_baseline(data: AnalysisData, subject: str) -> pl.Expr:
    """The day of the moment of baseline; null where the protocol has none."""
    adsl, column = data.tables["ADSL"], f"{(data.protocol.baseline or '').upper()}DT"
    days = adsl.filter(pl.col("USUBJID") == subject)[column] if column in adsl.columns else pl.Series([None])
    return pl.lit(days[0], pl.Date)
