"""The events of a protocol: when each happened to whom, and where nobody can tell.

An event is judged at each row of what it is `of`, or made of other events. Whoever has nothing to be judged by has no
row: that nothing was seen is not unknown, how often anybody looked is for the endpoint to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from trialwright.derivations.adsl_columns import taken_names
from trialwright.derivations.baselines import known_until
from trialwright.derivations.composite_events import all_happened, any_happened
from trialwright.derivations.confirming_records import with_confirming
from trialwright.derivations.definitions import BASELINE, RELATIVE
from trialwright.derivations.minutes import (
    IMPRECISE,
    MET,
    NOT_MET,
    Minutes,
    all_of,
    before,
    on_or_before,
)
from trialwright.derivations.observations import TIMES, maybe, moment_of, names_in, surely
from trialwright.derivations.recorded_facts import ANY_TIME
from trialwright.derivations.result_values import what_is_said
from trialwright.derivations.study import Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.model import Event
from trialwright.protocol.rule_tree import Moment, Ordinal
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Problem, ProblemsFound
from trialwright.vocabulary.verdicts import Reason

OCCURRENCES: Mapping[str, Any] = {
    "subject": pl.Int64, "earliest": MOMENT, "latest": MOMENT, "code": pl.UInt8, "found": MOMENT, "via": pl.String,
    "decided": pl.Int64, "record": pl.Int64, "SRCDOM": pl.String, "SRCSEQ": pl.Int64, "SRCALL": pl.String,
}  # fmt: skip
"""An occurrence of an event, or a row that may be one.

earliest, latest  the minutes the onset can be
code              met, or why nobody can tell
found             first minute of the record that decided
via               the part that happened, of an event that is any of several
decided           the observation whose value decided; null where there is none
record            the number of the occurrence among the observations
"""

_MANY = 20_000
"""Rows from which on a second query costs less than it saves; it changes no verdict."""
_FIRST_AND_LAST: tuple[Ordinal, Ordinal] = ("first", "last")


def known_facts(study: Study, *, reader: str = "local", wanted: Iterable[str] | None = None) -> StudyFacts:
    """What is known of a study, as a reader saw it: the records, and the events that follow from them.

    Of everything, or of what is `wanted` (facts and events by name) and what that rests on: nothing else that is derived
    with it changes it.

    Raises
    ------
    ProblemsFound
        `taken-name`: two things would stand in one column.
    """
    _refuse_taken_names(study)
    facts = StudyFacts.of(study, reader=reader, wanted=wanted)
    derive_events(facts)
    return facts


def _refuse_taken_names(study: Study) -> None:
    found = [
        Problem(
            "taken-name", f"`{name}` would be {what}, which is something else",
            study.loaded.document.place_of((section, name), key=True), f"{section}.{name}", "give it another name",
        )
        for section, name, what in taken_names(study.protocol)
    ]  # fmt: skip
    if found:
        raise ProblemsFound(found)


def facts_read_by(facts: StudyFacts, reader: str) -> StudyFacts:
    """What is known of the same study as another reader saw it."""
    others = facts.read_by(reader)
    derive_events(others, wanted=facts.depends_on_reader)
    return others


def derive_events(facts: StudyFacts, *, wanted: Callable[[str], bool] = lambda _: True) -> None:
    """Derive events, and the anchors and periods they need, in the order in which they follow from each other.

    They join the observations, so that rules can ask for them, and stand in `facts.events`. What is not `wanted` is there,
    or nobody asks for it.
    """
    order, events = facts.definitions.order(), facts.study.protocol.events
    waiting: set[str] = set()

    def is_due(name: str) -> bool:
        return name in facts.known and wanted(name)

    while order.is_active():
        ready = set(order.get_ready())
        dates = ready - events.keys()
        waiting |= ready - dates
        # events wait for all dates there can be: the more of one fact are ready together, the fewer queries judge them
        done = dates or waiting
        for name in sorted(filter(is_due, dates)):
            facts.derive_dates(name)
        if not dates:
            asked = {name: events[name] for name in sorted(filter(is_due, waiting))}
            for name, rows in _derived(facts, asked).items():
                _keep(facts, name, rows)
            waiting = set()
        order.done(*done)


def _derived(facts: StudyFacts, events: Mapping[str, Event]) -> dict[str, pl.DataFrame]:
    """The occurrences of events that do not need each other; those of one fact are judged in one query."""
    found = {}
    by_fact: dict[str, list[str]] = {}
    for name, event in events.items():
        if event.reported:
            found[name] = _reported(facts, name)
        elif event.all_of:
            parts = {part: _in_time(facts, event, facts.events[part]) for part in event.all_of}
            found[name] = all_happened(parts, event.within)
        elif event.any_of:
            found[name] = any_happened({part: facts.events[part] for part in event.any_of})
        elif event.when is not None:
            by_fact.setdefault(event.of or "", []).append(name)
        else:
            found[name] = pl.DataFrame(schema=dict(OCCURRENCES))
    for fact, names in by_fact.items():
        found |= _by_rows(facts, fact, {name: events[name] for name in names})
    return {
        name: _dated_back(facts, events[name], _in_time(facts, events[name], rows))
        .select(OCCURRENCES.keys())
        .cast(pl.Schema(OCCURRENCES))
        for name, rows in found.items()
    }


def _keep(facts: StudyFacts, name: str, rows: pl.DataFrame) -> None:
    """Occurrences among the observations. What may have happened is there as something of a time nobody knows, from the
    first it can be on: a count may hold it, and none surely does. Whether it was had in a window is asked of what surely
    happened and of what may have, each at its own time, and a moment that it tells of what it may be."""
    reported = facts.study.protocol.events[name].reported
    if not reported and len(rows):
        is_met = pl.col("code") == MET
        latest = pl.when(is_met).then("latest").otherwise(pl.lit(ANY_TIME[1], MOMENT))
        added = facts.add(name, rows.drop("record").with_columns(latest=latest))
        rows = rows.with_columns(record=added["record"])
        if len(open_ := rows.filter(~is_met)):
            sure, open_ = rows.filter(is_met).drop("record"), open_.drop("record")
            facts.add(surely(name), sure)
            facts.add(maybe(name), open_.with_columns(reason="code"))
            _keep_moments(facts, name, sure, open_)
    facts.events[name] = rows


def _keep_moments(facts: StudyFacts, name: str, sure: pl.DataFrame, open_: pl.DataFrame) -> None:
    """What `first event` and `last event` may be: where it surely happened, perhaps one that may have, from its day on for the
    first of several; where nobody can tell whether it happened at all, nothing is told of when."""
    some_time = [pl.lit(moment, MOMENT) for moment in ANY_TIME]
    has_one = pl.col("subject").is_in(sure["subject"].implode())
    any_time = open_.with_columns(earliest=some_time[0], latest=some_time[1])
    first = open_.with_columns(
        earliest=pl.when(has_one).then("earliest").otherwise(some_time[0]), latest=some_time[1]
    )
    facts.add(moment_of(name, "first"), pl.concat([sure, first]))
    facts.add(moment_of(name, "last"), pl.concat([sure, any_time]))


# --- rows -------------------------------------------------------------------------------------------------------------


def _reported(facts: StudyFacts, name: str) -> pl.DataFrame:
    rows = facts.records_of(name)
    return _as_occurrences(rows.with_columns(code=pl.lit(MET, pl.UInt8), decided="record"))


def _as_occurrences(rows: pl.DataFrame) -> pl.DataFrame:
    """Observations with their `code` as occurrences."""
    return rows.with_columns(
        found="earliest", via=pl.lit(None, pl.String)
    ).select(OCCURRENCES.keys()).cast(pl.Schema(OCCURRENCES))  # fmt: skip


def _by_rows(facts: StudyFacts, fact: str, events: Mapping[str, Event]) -> dict[str, pl.DataFrame]:
    """Events judged at each row of a fact, or at each time anything is recorded that their rule asks for."""
    whens: dict[str, tree.Condition] = {}
    overs: dict[str, tree.Condition] = {}
    for name in events:
        whens[name], *over = facts.definitions.conditions_of(name)
        overs |= {name: over[0]} if over else {}
    if not fact:
        return {name: _at_times(facts, name, whens[name]) for name in events}
    rows = facts.records_of(fact).filter((pl.col("day") == 0) & pl.col("reason").is_not_null())
    rows = _with_codes(rows, judge_rows(facts, whens, fact))
    if facts.study.scope.facts[fact].is_laboratory:
        rows = _contradicted(rows, list(whens))
    found = {name: _occurrences(facts, name, whens[name], rows, fact) for name in events}
    if overs:
        several = pl.concat([_with_several(found[name]) for name in overs]).unique()
        ends = judge_rows(facts, {_over(name): over for name, over in overs.items()}, fact, several)
        ends = rows.select("subject", "record", "earliest", "latest").join(ends, on=["subject", "record"])
        found |= {name: _beginnings(found[name], ends, _over(name)) for name in overs}
    return {
        name: _as_occurrences(with_confirming(facts, whens[name], one, rows, fact))
        for name, one in found.items()
    }


def judge_rows(
    facts: StudyFacts, rules: Mapping[str, tree.Condition], fact: str, subjects: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The codes of rules at each row of a fact: `subject`, `record`, and a column a rule.

    Of many rows, what later ones must confirm is first judged without them: whoever never fulfils it needs no later rows.
    """
    if len(facts.records_of(fact)) < _MANY:
        return facts.judge_rows(rules, fact, subjects)
    at_first = {name: without_repeats(condition) for name, condition in rules.items()}
    codes = facts.judge_rows(at_first, fact, subjects)
    repeated = {name: rules[name] for name in rules if at_first[name] != rules[name]}
    if not repeated:
        return codes
    is_open = pl.any_horizontal(pl.col(name) != NOT_MET for name in repeated)
    told = facts.judge_rows(repeated, fact, codes.filter(is_open).select("subject").unique())
    joined = codes.drop(*repeated).join(told, on=["subject", "record"], how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(NOT_MET) for name in repeated)


def _with_codes(rows: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """The rows with their codes, which mostly lie in the same order, in columns that no record has: see `_met`."""
    keys = ["subject", "record"]
    codes = codes.rename(lambda name: name if name in keys else _met(name))
    if rows.select(keys).equals(codes.select(keys)):
        return pl.concat([rows, codes.drop(keys)], how="horizontal")
    return rows.join(codes, on=keys, maintain_order="left")


def without_repeats(condition: tree.Condition) -> tree.Condition:
    """What a rule asks of a row itself: wherever this is not met, the rule is not."""
    match condition:
        case tree.Confirmed(part, _) | tree.Consecutive(part, _):
            return part
        case tree.AllOf(parts):
            return tree.all_of(*(without_repeats(part) for part in parts))
        case tree.AnyOf(parts):
            return tree.any_of(*(without_repeats(part) for part in parts))
        case _:
            return condition


def _with_several(found: pl.DataFrame) -> pl.DataFrame:
    """Everybody with several rows at which an event is or may be met: only there it matters when it was over."""
    return found.group_by("subject").len().filter(pl.col("len") > 1).select("subject")


def _contradicted(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The rows, where a result fulfils a rule and another of the same moment does not: nobody can tell which of them holds.

    Of one moment are results of one day that no clock times put in an order. Those of a time not known to the day may be of
    two days. The same result again, of which something else is not known (its limits of normal), contradicts nothing.
    """
    day = pl.col("earliest").dt.date()
    days = rows.select(pl.col("subject") * 2**24 + day.to_physical()).to_series()
    same = rows.filter((day == pl.col("latest").dt.date()) & days.is_duplicated())
    if not len(same):
        return rows
    codes = [_met(name) for name in names]
    same = same.with_columns(result=pl.struct(what_is_said()))
    others = same.select(
        "subject",
        *Minutes.of().named("other_"),
        pl.col(codes).name.prefix("other "),
        other_result="result",
    )
    here, there = Minutes.of(), Minutes.of("other_")
    pairs = same.select("subject", "record", "result", *here).join(
        others.with_columns(day=there.first.dt.date()), left_on=["subject", day], right_on=["subject", "day"]
    )
    of_one_moment = pairs.filter((here.first <= there.last) & (there.first <= here.last))
    differs = pl.col("result") != pl.col("other_result")
    doubts = of_one_moment.with_columns(differs=differs).group_by("record").agg(
        pl.when((pl.col(f"other {code}") == NOT_MET) | (pl.col("differs") & (pl.col(f"other {code}") != MET))).then(
            pl.max_horizontal(f"other {code}", pl.lit(Reason.CONFLICT.code, pl.UInt8))
        ).max()
        for code in codes
    )  # fmt: skip
    told = rows.select("record").join(doubts, on="record", how="left", maintain_order="left")
    return rows.with_columns(
        pl.when(pl.col(code) == MET).then(pl.lit(told[f"other {code}"]).fill_null(MET)).otherwise(pl.col(code)).alias(code)
        for code in codes
    )  # fmt: skip


def _over(name: str) -> str:
    return f"{name} over"


def _met(name: str) -> str:
    """The column with the code of an event at each row: an event may be called like a variable of the rows (`level`)."""
    return f"{name} met"


def _at_times(facts: StudyFacts, name: str, condition: tree.Condition) -> pl.DataFrame:
    """An event judged at each day on which anything is recorded that its rule asks for."""
    names = names_in(condition)
    possible = [maybe(one) for one in names]
    seen = facts.records_of(*names, *possible).filter((pl.col("day") == 0) & pl.col("reason").is_not_null())
    seen = seen.filter(pl.col("latest") < pl.lit(ANY_TIME[1], MOMENT)).with_columns(
        is_possible=pl.col("fact").is_in(possible)
    )
    order = ("subject", "earliest", "latest", "is_possible", "SRCDOM", "SRCSEQ")
    times = seen.sort(order, nulls_last=True).unique(
        ["subject", "earliest", "latest"], keep="first", maintain_order=True
    )
    added = facts.add(TIMES, times.drop("record"))
    codes = facts.judge_rows({name: condition}, TIMES)
    del facts.tables[TIMES]
    rows = _with_codes(added, codes)
    # of a time at which nothing is recorded but what may have happened nobody can tell whether it is one
    is_open = times["is_possible"] & (rows[_met(name)] == MET)
    rows = rows.with_columns(
        pl.when(is_open).then("reason").otherwise(_met(name)).alias(_met(name)), record=times["record"]
    )
    return _as_occurrences(_occurrences(facts, name, condition, rows, ""))


def _occurrences(
    facts: StudyFacts, name: str, condition: tree.Condition, rows: pl.DataFrame, fact: str
) -> pl.DataFrame:
    """The rows at which an event is or may be met, with the code of each."""
    codes = [_told(facts, condition, pl.col(_met(name)), rows)]
    if any(isinstance(node, RELATIVE) for node in tree.walk(condition)):
        rows = rows.join(
            _moment_of(facts, BASELINE, "base_"), on="subject", how="left", maintain_order="left"
        )
        until = (
            pl.col("latest")
            if facts.baseline is None
            else known_until(facts.baseline, "base_earliest", "base_latest")
        )
        codes.append(before(Minutes.of("base_"), Minutes(pl.col("earliest"), until)))
    if fact in facts.events:
        own = facts.events[fact].select("record", "decided", own="code", own_latest="latest")
        rows = rows.join(own, on="record", how="left", maintain_order="left")
        rows = rows.with_columns(latest=pl.coalesce("own_latest", "latest"))  # at its own time, if at all
        codes.append(pl.col("own").fill_null(MET))
    else:
        rows = rows.with_columns(decided="record")
    return _held_by(rows, *codes)


def _told(facts: StudyFacts, condition: tree.Condition, code: pl.Expr, rows: pl.DataFrame) -> pl.Expr:
    """The code of a rule, where an event that may have happened, and is counted or tells a moment, leaves it open with the
    reason of that event."""
    may_have = [
        facts.events[name].filter(pl.col("code") != MET).select("subject", "code")
        for name in names_in(condition, beside=tree.Had)
        if name in facts.events
    ]
    open_for = pl.concat([pl.DataFrame(schema={"subject": pl.Int64, "code": pl.UInt8}), *may_have])
    if not len(open_for):
        return code
    reasons = open_for.group_by("subject").agg(pl.col("code").max())
    told = rows.select("subject").join(reasons, on="subject", how="left", maintain_order="left")["code"]
    return pl.when((code == IMPRECISE) & pl.lit(told).is_not_null()).then(pl.lit(told)).otherwise(code)


def _beginnings(found: pl.DataFrame, ends: pl.DataFrame, over: str) -> pl.DataFrame:
    """Of the rows at which an event is or may be met, those that do not lie in an occurrence that is not over yet.

    Where nobody can tell whether it was over before, such a row may be another occurrence, for the reason of that.

    Parameters
    ----------
    found : DataFrame
        The rows, with their `code`.
    ends : DataFrame
        The rows of everybody with several, with the code of whether it is over there in the column `over`.
    over : str
    """
    may_be_over = ends.filter(pl.col(over) != NOT_MET).select(
        "subject", "earliest", "latest", "record", end=over
    )
    both = pl.concat([found.with_columns(end=pl.lit(NOT_MET, pl.UInt8)), may_be_over], how="diagonal")
    # what is over at a moment is over after all that is met at it
    ordered = both.sort("subject", "earliest", "latest", pl.col("end") != NOT_MET, "record")
    is_met = (pl.col("code") == MET).fill_null(value=False)
    ordered = ordered.with_columns(n_met=is_met.cum_sum().over("subject"))
    ordered = ordered.with_columns(since=pl.col("end").cum_max().over("subject", "n_met"))
    before = pl.col("n_met", "since").shift(1).over("subject").name.prefix("before_")
    rows = ordered.with_columns(before).filter(pl.col("end") == NOT_MET)
    goes_on = (pl.col("before_n_met") > 0).fill_null(value=False) & (pl.col("before_since") != MET)
    code = (
        pl.when(pl.col("code") == MET)
        .then("before_since")
        .otherwise(pl.max_horizontal("code", "before_since"))
    )
    told = rows.with_columns(code=pl.when(goes_on).then(code).otherwise("code"))
    return told.filter(~goes_on | (pl.col("before_since") != NOT_MET)).select(found.columns)


# --- where and when it counts -----------------------------------------------------------------------------------------


def _in_time(facts: StudyFacts, event: Event, rows: pl.DataFrame) -> pl.DataFrame:
    """Occurrences inside the period or treatment during which the event counts."""
    if event.during is None or not len(rows):
        return rows
    if event.during in facts.study.protocol.periods:
        ends = [_moment_of(facts, f"{event.during}_{end}", f"{end}_") for end in ("start", "end")]
    else:
        first, last = (facts.moment(Moment(event.during, which)) for which in _FIRST_AND_LAST)
        ends = [_prefixed(first, "start_"), _prefixed(last, "end_")]
    for moment in ends:
        rows = rows.join(moment, on="subject", how="left", maintain_order="left")
    date, start, end = map(Minutes.of, ("", "start_", "end_"))
    return _held_by(rows, pl.col("code"), on_or_before(start, date), on_or_before(date, end))


def _held_by(rows: pl.DataFrame, *codes: pl.Expr) -> pl.DataFrame:
    """The rows at which all of some codes are or may be met, with the `code` of that."""
    if len(codes) == 1:
        return rows.with_columns(code=codes[0]).filter(pl.col("code") != NOT_MET)
    named = {f"code {number}": code for number, code in enumerate(codes)}  # each is worked out once
    told = rows.select(**named).select(code=all_of(*map(pl.col, named))).to_series()
    return rows.with_columns(told).filter(pl.col("code") != NOT_MET)


def _moment_of(facts: StudyFacts, name: str, prefix: str) -> pl.DataFrame:
    nothing = pl.DataFrame(schema={"subject": pl.Int64, "earliest": MOMENT, "latest": MOMENT})
    return _prefixed(facts.dates.get(name, nothing), prefix)


def _prefixed(frame: pl.DataFrame, prefix: str) -> pl.DataFrame:
    return frame.select("subject", *Minutes.of().named(prefix))


def _dated_back(facts: StudyFacts, event: Event, rows: pl.DataFrame) -> pl.DataFrame:
    """Occurrences on the day of the last record of what they are dated to, up to them and not too long before; and, as what
    may have happened, on the day of each later one that may be it."""
    if event.dated_to is None or not len(rows):
        return rows
    numbered = rows.with_row_index("row")
    shown = _shown(facts, event.dated_to)
    pairs = numbered.select("row", "subject", "earliest", "latest").join(shown, on="subject")
    here, there = Minutes.of(), Minutes.of("shown_")
    holds = [pl.col("shown_code"), on_or_before(there, here)]
    if event.within is not None:
        holds.append(_not_before(there, here, event.within))
    pairs = pairs.with_columns(holds=all_of(*holds)).filter(pl.col("holds") != NOT_MET)
    last = (
        pairs.filter(pl.col("holds") == MET)
        .sort("row", "shown_earliest", "shown_latest", "shown_SRCALL")
        .group_by("row", maintain_order=True).last()
        .select("row", "shown_earliest", "shown_latest", "shown_SRCALL")
    )  # fmt: skip
    sources = pl.concat_str("SRCALL", "shown_SRCALL", separator=" ", ignore_nulls=True)
    dated = numbered.join(last, on="row", how="left", maintain_order="left").with_columns(
        earliest=pl.coalesce("shown_earliest", "earliest"),
        latest=pl.coalesce("shown_latest", "latest"),
        SRCALL=sources,
    )
    others = pairs.filter(pl.col("holds") != MET).join(
        last.select("row", until="shown_earliest"), on="row", how="left"
    )
    is_later = (pl.col("shown_latest").dt.date() > pl.col("until").dt.date()).fill_null(value=True)
    may_be = others.filter(is_later).select(
        "row",
        "holds",
        "shown_SRCALL",
        earliest="shown_earliest",
        latest=pl.min_horizontal("shown_latest", "latest"),
    )
    doubted = numbered.drop("earliest", "latest").join(may_be, on="row")
    code = pl.max_horizontal("holds", pl.when(pl.col("code") != MET).then("code"))
    doubted = doubted.with_columns(code=code, SRCALL=sources).sort("row", "earliest", "latest", "SRCALL")
    return pl.concat([dated.select(rows.columns), doubted.select(rows.columns)])


def _shown(facts: StudyFacts, name: str) -> pl.DataFrame:
    """The records of a fact, or what happened or may have of an event, with the code of that."""
    if name in facts.events:
        rows = facts.events[name].with_columns(shown_code="code")
    else:
        rows = facts.records_of(name).filter(pl.col("reason").is_not_null())
        rows = rows.with_columns(shown_code=pl.lit(MET, pl.UInt8))
    return rows.select(
        "subject", "shown_code", *Minutes.of().named("shown_"), pl.col("SRCALL").alias("shown_SRCALL")
    )


def _not_before(date: Minutes, moment: Minutes, length: Duration) -> pl.Expr:
    """Whether a date is not so long before a moment that a window misses it, by days."""
    end = moment.moved(length, "-")
    first, last = date.first.dt.date(), date.last.dt.date()
    surely, never = first >= end.last.dt.date(), last < end.first.dt.date()
    return pl.when(never).then(NOT_MET).when(surely).then(MET).otherwise(IMPRECISE).cast(pl.UInt8)
