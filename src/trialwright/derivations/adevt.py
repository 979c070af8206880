"""ADEVT: the protocol's events, when each happened to whom, and what decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from trialwright.derivations.definitions import RELATIVE
from trialwright.derivations.events import OCCURRENCES, facts_read_by, known_facts
from trialwright.derivations.known_columns import first_told, reason_words
from trialwright.derivations.minutes import MET
from trialwright.derivations.observations import DAYS, names_in
from trialwright.derivations.ordered import in_order
from trialwright.derivations.recorded_facts import ANY_TIME
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol import rule_tree as tree
from trialwright.records.dates import MOMENT

COLUMNS: Mapping[str, Any] = {
    "EVENT": pl.String, "PARAM": pl.String, "READER": pl.String, "ASEQ": pl.Int64, "ADT": pl.Date, "ADTL": pl.Date,
    "ADTH": pl.Date, "ADY": pl.Int64, "AVALC": pl.String, "REASON": pl.String, "MAYBEDT": pl.Date, "SEENDT": pl.Date,
    "VIA": pl.String, "AVAL": pl.Float64, "AVALT": pl.String, "AVALU": pl.String, "BASE": pl.Float64, "BASEDT": pl.Date,
    "ANRLO": pl.Float64, "ANRHI": pl.Float64, "SRCDOM": pl.String, "SRCSEQ": pl.Int64, "SRCALL": pl.String,
    "PROTOCOL": pl.String,
}  # fmt: skip


def derive_adevt(study: Study, facts: StudyFacts | None = None) -> pl.DataFrame:
    """One row a subject, event, reader and occurrence.

    Parameters
    ----------
    study : Study
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.

    Returns
    -------
    adevt : DataFrame
        Key columns, `STUDYID`, `USUBJID`, `SUBJECT`, and

        EVENT, PARAM   name and label of the event
        READER         `local` or `central`; null where the event does not depend on who reads
        ASEQ           1 for the first occurrence; null of what may be one
        ADT            day of onset; null where it is not known to the day: `ADTL` to `ADTH`, which are always there
        ADY            its study day
        AVALC          `met`, or `unknown` of each time at which it may have happened and nobody can tell, whether it is met at
                       another time or not: the days are `ADTL` to `ADTH`
        REASON         why it is unknown; of a first occurrence, why there may be an earlier one
        MAYBEDT        of a first occurrence, the first day on which there may have been one before; null where that has a
                       reason and its day is not known
        SEENDT         the day of the record that decided, where the event is dated to another
        VIA            the part that happened, of an event that is any of several
        AVAL, AVALT    value that decided or leaves it open, as a number where it is exact and as text; `AVALU` its unit
        BASE, BASEDT   baseline it was compared with, where the rule is relative to it
        ANRLO, ANRHI   limits of normal of that value
    """
    local = known_facts(study) if facts is None else facts
    parts = []
    if any("central" in readers for readers in local.readers.values()):
        central = facts_read_by(local, "central")
        parts = [
            _rows(central, {name: "central" for name in central.events if central.depends_on_reader(name)})
        ]
    parts.append(
        _rows(local, {name: "local" if local.depends_on_reader(name) else None for name in local.events})
    )
    # those of one event in one subject lie together in their order, and of readers `central` comes first
    order = pl.col("subject") * len(study.protocol.events) + pl.col("place")  # one number, for speed
    rows = pl.concat(parts).sort(order, maintain_order=True).rename({"subject": SUBJECT})
    return rows.join(study.subjects, on=SUBJECT, how="left", maintain_order="left").select(
        *study.identity, SUBJECT, *COLUMNS
    )


def doubts_as_one(adevt: pl.DataFrame) -> pl.DataFrame:
    """ADEVT with all that may be an occurrence, of each event in each subject as each reader saw it, as one row.

    That row has the reason that is told first, the first and the last day on which it may have happened, and all the records
    that leave it open; it stands behind what is met.
    """
    is_met, alone = pl.col("ASEQ").is_not_null(), pl.len() == 1
    told = {
        "REASON": first_told("REASON"),
        "ADTL": pl.when(pl.col("ADTL").is_not_null().all()).then(pl.col("ADTL").min()),
        "ADTH": pl.when(pl.col("ADTH").is_not_null().all()).then(pl.col("ADTH").max()),
        "SRCALL": _SOURCES,
        **{name: pl.when(alone).then(pl.col(name).first()) for name in _OF_ONE},
    }
    others = [pl.col(name).first() for name in adevt.columns if name not in {*_OF, *told}]
    as_one = adevt.filter(~is_met).group_by(_OF, maintain_order=True).agg(*others, **told)
    order = adevt.select(_OF).unique(maintain_order=True).with_row_index("place")
    both = pl.concat([adevt.filter(is_met), as_one.select(adevt.columns)])
    return (
        both.join(order, on=_OF, nulls_equal=True, maintain_order="left")
        .sort("place", maintain_order=True)
        .drop("place")
    )


def first_of_each(adevt: pl.DataFrame) -> pl.DataFrame:
    """The first occurrence of each event in each subject, as each reader saw it; of who has none, what may be one."""
    return doubts_as_one(adevt).unique(_OF, keep="first", maintain_order=True)


def _rows(facts: StudyFacts, readers: Mapping[str, str | None]) -> pl.DataFrame:
    """The rows of some events, with who read them: occurrences in order, or that nobody can tell."""
    events, scope = facts.study.protocol.events, facts.study.scope
    found = [pl.DataFrame(schema={"place": pl.Int64, **OCCURRENCES})]
    for place, name in enumerate(events):
        if name in readers:
            ordered = in_order(facts.events[name], *_ORDER, nulls_last=True)
            found.append(ordered.select(pl.lit(place, pl.Int64).alias("place"), *OCCURRENCES))
    rows = _told(pl.concat(found))
    rows = _with_baselines(_with_values(_with_days(rows, facts), facts), facts)
    labels = [event.label or scope.facts[name].label for name, event in events.items()]
    is_met = pl.col("ASEQ").is_not_null()
    return rows.with_columns(
        EVENT=by_place(events),
        PARAM=by_place(labels),
        READER=by_place(map(readers.get, events)),
        PROTOCOL=by_place(f"events.{name}" for name in events),
        REASON=reason_words(rows["code"].fill_null(0).to_numpy()),
        VIA="via",
        AVALC=pl.when(is_met).then(pl.lit("met")).otherwise(pl.lit("unknown")),
    ).select("subject", "place", *COLUMNS).cast(pl.Schema({"subject": pl.Int64, "place": pl.Int64, **COLUMNS}))  # fmt: skip


def by_place(words: Iterable[str | None]) -> pl.Expr:
    """The word of each row, by the `place` of what it is about among the words."""
    return pl.lit(pl.Series(list(words), dtype=pl.String)).gather("place")


def _looked_up(column: str, words: Mapping[str, str | None]) -> pl.Expr:
    return pl.col(column).replace_strict(dict(words), default=None, return_dtype=pl.String)


def _told(found: pl.DataFrame) -> pl.DataFrame:
    met, maybe = found.filter(pl.col("code") == MET), found.filter(pl.col("code") != MET)
    row = pl.int_range(pl.len())
    is_first = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in _KEY)
    numbered = met.with_columns(ASEQ=row - pl.when(is_first).then(row).forward_fill() + 1)
    if not len(maybe):
        return numbered.with_columns(MAYBEDT=pl.lit(None, pl.Date), code=pl.lit(None, pl.UInt8))
    return pl.concat([_doubted(numbered, maybe), _undecided(met, maybe)], how="diagonal_relaxed")


_SOURCES = pl.col("SRCALL").drop_nulls().unique(maintain_order=True).implode().list.join(" ")
_OF_ONE = ("AVAL", "AVALT", "AVALU", "ANRLO", "ANRHI")
"""What is told of one record, and of several that leave an event open is not."""
_OF = ("USUBJID", "EVENT", "READER")
_KEY = ("place", "subject")
_ORDER = ("subject", "earliest", "latest", "found", "SRCDOM", "SRCSEQ", "SRCALL")


def _doubted(numbered: pl.DataFrame, maybe: pl.DataFrame) -> pl.DataFrame:
    """Occurrences, the first with the reason why there may be an earlier one, and since when."""
    first = numbered.filter(pl.col("ASEQ") == 1).select(*_KEY, until="latest")
    earlier = maybe.join(first, on=_KEY).filter(pl.col("earliest").dt.date() < pl.col("until").dt.date())
    earlier = earlier.group_by(_KEY).agg(
        MAYBEDT=DAYS[0].min(), is_undated=DAYS[0].is_null().any(), open=pl.col("code").max()
    )
    told = numbered.join(earlier, on=_KEY, how="left", maintain_order="left")
    is_first = pl.col("ASEQ") == 1
    return told.with_columns(
        MAYBEDT=pl.when(is_first & ~pl.col("is_undated")).then("MAYBEDT"),
        code=pl.when(is_first).then("open").cast(pl.UInt8),
    ).drop("open", "is_undated")


def _undecided(met: pl.DataFrame, maybe: pl.DataFrame) -> pl.DataFrame:
    """A row for each time at which something may be an occurrence and nothing is one, in the order of days: of several reasons
    that told first."""
    at = (*_KEY, "earliest", "latest")
    open_ = maybe.join(met, on=at, how="anti", maintain_order="left")
    times = open_.group_by(at, maintain_order=True).agg(
        pl.col("code").max(), pl.col("decided", "SRCDOM", "SRCSEQ").first(), _SOURCES
    )
    return times.sort(*_KEY, *DAYS, nulls_last=True, maintain_order=True)


def _with_days(rows: pl.DataFrame, facts: StudyFacts) -> pl.DataFrame:
    first, last = pl.col("earliest").dt.date(), pl.col("latest").dt.date()
    day = pl.when(first == last).then(first)
    zero = facts.time_zero().select("subject", start=day)
    elapsed, is_met = (day - pl.col("start")).dt.total_days(), pl.col("ASEQ").is_not_null()
    return rows.join(zero, on="subject", how="left", maintain_order="left").with_columns(
        ADT=pl.when(is_met).then(day),
        ADY=pl.when(is_met).then(elapsed + (elapsed >= 0)),
        ADTL=DAYS[0],
        ADTH=DAYS[1],
        SEENDT=pl.when(is_met & (pl.col("found") > pl.lit(ANY_TIME[0], MOMENT))).then(
            pl.col("found").dt.date()
        ),
    )


# --- what decided -----------------------------------------------------------------------------------------------------


def _with_values(rows: pl.DataFrame, facts: StudyFacts) -> pl.DataFrame:
    """The value that decided, with its limits of normal."""
    events, conditions_of = facts.study.protocol.events, facts.definitions.conditions_of
    asked = {of for name in facts.events if (of := events[name].of)}
    at_times = (rule for name in facts.events if not events[name].of for rule in conditions_of(name))
    asked = asked.union(*map(names_in, at_times))
    said = facts.records_of(*asked).select(
        "record", "fact", "lo", "hi", "lo_open", "hi_open", "level", ANRLO="lln", ANRHI="uln"
    )
    units = {fact: str(about.unit) for fact, about in facts.study.scope.facts.items() if about.unit}
    # records are numbered through: a look-up by number costs half of what a join does
    decides = np.zeros(facts.n_records, np.bool_)
    decides[rows["decided"].drop_nulls()] = True
    said = said.filter(decides[said["record"]])  # many rows rest on one record: its value is written once
    values = said.select(
        "ANRLO",
        "ANRHI",
        AVAL=pl.when(pl.col("lo") == pl.col("hi")).then("lo"),
        AVALT=pl.coalesce("level", interval_text()),
        AVALU=pl.when(pl.col("lo").is_not_null()).then(_looked_up("fact", units)),
    )
    places = np.full(facts.n_records, -1)
    places[said["record"]] = np.arange(len(said))
    place = pl.Series(places).gather(rows["decided"])
    return pl.concat([rows, values.select(pl.all().gather(place.set(place < 0, None)))], how="horizontal")


def _with_baselines(rows: pl.DataFrame, facts: StudyFacts) -> pl.DataFrame:
    """The baseline that the value was compared with, where the rule of its event is relative to it."""
    compared: dict[str, list[int]] = {}
    for place, (name, event) in enumerate(facts.study.protocol.events.items()):
        if name not in facts.events:
            continue
        nodes = [node for condition in facts.definitions.conditions_of(name) for node in tree.walk(condition)]
        if event.of and any(isinstance(node, RELATIVE) for node in nodes):
            compared.setdefault(event.of, []).append(place)
    if not compared:
        told = pl.col("SRCALL").fill_null("")  # as of several sources, none of which is told
        return rows.with_columns(told, BASE=pl.lit(None, pl.Float64), BASEDT=pl.lit(None, pl.Date))
    found = ((facts.baselines(fact), places) for fact, places in compared.items())
    parts = [base.with_columns(place=pl.lit(place, pl.Int64)) for base, places in found for place in places]
    joined = rows.join(pl.concat(parts), on=_KEY, how="left", maintain_order="left", suffix="_base")
    record = pl.when(pl.col("ASEQ").is_not_null()).then("SRCALL_base")
    return joined.with_columns(SRCALL=pl.concat_str("SRCALL", record, separator=" ", ignore_nulls=True))


def interval_text() -> pl.Expr:
    """Numbers as a report has them: `200000`, `<20`, `>1000`, and from where to where where they are neither."""
    is_exact = pl.col("lo") == pl.col("hi")
    lo, hi = map(_number_text, (pl.col("lo"), pl.when(~is_exact).then("hi")))
    is_below = (pl.col("lo") == 0) | (pl.col("lo") == -float("inf"))
    is_above = pl.col("hi") == float("inf")
    below = pl.concat_str(pl.when("hi_open").then(pl.lit("<")).otherwise(pl.lit("<=")), hi)
    above = pl.concat_str(pl.when("lo_open").then(pl.lit(">")).otherwise(pl.lit(">=")), lo)
    return (
        pl.when(is_exact).then(lo)
        .when(is_below & is_above).then(None)
        .when(is_above).then(above).when(is_below).then(below)
        .otherwise(pl.concat_str(lo, pl.lit(" to "), hi))
    )  # fmt: skip


def _number_text(number: pl.Expr) -> pl.Expr:
    """A number without a point where it is whole. Each is written in one of the two ways only: writing them takes long."""
    is_whole = number == number.round()
    whole = pl.when(is_whole).then(number).cast(pl.Int64, strict=False).cast(pl.String)
    return pl.coalesce(whole, pl.when(~is_whole).then(number).cast(pl.String))
