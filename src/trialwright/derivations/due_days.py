"""What was due and what became of it: the next contact, a planned visit, a start, an end, a pause.

All work on days. A day that is known in part is any day it can be: where these lead to different answers, the answer is
unknown, with its reason. Nothing is due of whoever has died or left; what was due before is judged as of others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.study import SUBJECT
from trialwright.derivations.timeline import SOURCE, in_line, moved
from trialwright.derivations.visit_windows import visits_every
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.verdicts import Reason

DUE: Mapping[str, Any] = MappingProxyType(
    {
        SUBJECT: pl.Int64, "STARTDT": pl.Date, "AWLODT": pl.Date, "AWHIDT": pl.Date, "ADT": pl.Date, "ENDDT": pl.Date,
        "AVAL": pl.Int64, "AVALC": pl.String, "REASON": pl.String, "SRCDOM": pl.String, "SRCSEQ": pl.Int64,
        "SRCALL": pl.String,
    }
)  # fmt: skip
"""Since when it is counted; the first and last day in time; the day it was done; where it was not, the last day on which it
was looked for; days from the start to either; what became of it; why that is unknown; the record that shows it."""

NOTHING_DUE = pl.DataFrame(schema=dict(DUE))
NO_DAYS = pl.DataFrame(schema={SUBJECT: pl.Int64, "lo": pl.Date, "hi": pl.Date})
"""Nobody's days: the first and last that something can be."""

_IMPRECISE = Reason.IMPRECISE_DATE.value


class Kept(StrEnum):
    """What became of something that was due."""

    IN_TIME = "in time"
    EARLY = "early"
    LATE = "late"
    MISSED = "missed"
    OVERDUE = "overdue"
    NOT_DUE = "not due"
    NOT_APPLICABLE = "not applicable"


def follow_intervals(
    contacts: pl.DataFrame,
    people: pl.DataFrame,
    *,
    most: Duration,
    least: Duration | None = None,
    tolerance: Duration | None = None,
    missed_after: Duration | None = None,
) -> pl.DataFrame:
    """The stretches from each contact to the next.

    Parameters
    ----------
    contacts : DataFrame
        `SUBJECT`, `lo` and `hi` (first and last day it can be), `SOURCE`. Several of one day are one.
    people : DataFrame
        `SUBJECT`, `lo` and `hi` of the day the first stretch begins; `until_lo` and `until_hi` of the last day on which
        contacts are due (null: there is none); `look`, the last day that is known, no later than `gone`, the day of death or of
        leaving (null: neither).
    most, least : Duration
        How long a stretch may be at most, and at least.
    tolerance : Duration, optional
        Beyond both.
    missed_after : Duration, optional
        From when on, since the contact before, late is missed. Without it nothing is missed.

    Returns
    -------
    rows : DataFrame
        Of the shape `DUE`. A last stretch without a contact at its end has a row where it is too long already: late, or
        overdue while the contact can still come. Contacts on or before the first day begin no other stretch.
    """
    ends = _with_ends(people)
    within = (
        contacts.join(ends.select(SUBJECT, start_lo="lo", start_hi="hi", end="end"), on=SUBJECT)
        .filter((pl.col("hi") > pl.col("start_hi")) & (pl.col("lo") <= pl.col("end")))
        .with_columns(lo=pl.max_horizontal("lo", "start_lo"), hi=pl.min_horizontal("hi", "end"))
        .sort(SUBJECT, "lo", "hi", *SOURCE, nulls_last=True)
        .unique([SUBJECT, "lo", "hi"], keep="first", maintain_order=True)
        # where days overlap, the n-th contact lies between the n-th of the first days and the n-th of the last days
        .with_columns(pl.col("hi").sort().over(SUBJECT))
    )
    can_come = (pl.col("end") < pl.col("until_hi")).fill_null(value=True) & pl.col("gone").is_null()
    chain = pl.concat(
        [
            ends.select(SUBJECT, "lo", "hi", place=0),
            within.select(SUBJECT, "lo", "hi", *SOURCE, place=1),
            ends.select(SUBJECT, lo="end", hi="end", place=2),
        ],
        how="diagonal",
    ).sort(SUBJECT, "place", "lo", "hi", maintain_order=True)
    before = [pl.col(side).shift().over(SUBJECT).alias(f"since_{side}") for side in ("lo", "hi")]
    rows = chain.with_columns(before).filter(pl.col("place") > 0)
    rows = rows.join(ends.select(SUBJECT, "first_end", can_come=can_come), on=SUBJECT, maintain_order="left")

    def told(day: pl.Expr, since: pl.Expr) -> pl.Expr:
        is_early = day < _sooner(moved(since, least), tolerance) if least else pl.lit(value=False)
        is_missed = day > moved(since, missed_after) if missed_after else pl.lit(value=False)
        return _place(day, is_early, _longer(moved(since, most), tolerance), is_missed)

    shortest = told(pl.min_horizontal("lo", "first_end"), pl.col("since_hi"))
    longest = told(pl.col("hi"), pl.col("since_lo"))
    is_last = pl.col("place") == 2
    since = _whole("since_lo", "since_hi")
    rows = rows.with_columns(shortest=shortest, longest=longest).filter(
        ~(is_last & pl.col("longest").is_in([Kept.IN_TIME, Kept.EARLY]))
    )
    # what may be of the same day as the contact before, or after the end, may be no stretch at all
    is_stretch = (pl.col("lo") > pl.col("since_hi")) & (pl.col("hi") <= pl.col("first_end"))
    is_known = (pl.col("shortest") == pl.col("longest")) & ((pl.col("longest") != Kept.EARLY) | is_stretch)
    is_waiting = is_last & pl.col("can_come") & (pl.col("longest") == Kept.LATE)
    return _as_due(
        rows,
        STARTDT=since,
        AWLODT=_sooner(moved(since, least), tolerance) if least else pl.lit(None, pl.Date),
        AWHIDT=_longer(moved(since, most), tolerance),
        ADT=pl.when(~is_last).then(_whole("lo", "hi")),
        ENDDT=pl.when(is_last).then("lo"),
        AVALC=pl.when(is_waiting & is_known).then(pl.lit(Kept.OVERDUE)).when(is_known).then("longest"),
    )


def follow_visits(
    contacts: pl.DataFrame,
    people: pl.DataFrame,
    *,
    every: Duration,
    tolerance: Duration | None = None,
    missed_after: Duration | None = None,
    over: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """A row of visits that stand fixed from their start on, whatever comes late.

    Parameters
    ----------
    contacts, people : DataFrame
        As of `follow_intervals`.
    every : Duration
        Above 0; in days, weeks, months or years.
    tolerance : Duration, optional
        Before and after the day it is due.
    missed_after : Duration, optional
        From when on, since that day, late is missed; a contact that is so much too early keeps no visit. Without it, when
        the next visit's turn begins.
    over : DataFrame, optional
        `SUBJECT`, `lo`, `hi` of the day after which no visit is due, but one that a contact kept by then: the early scan that
        shows what ends the row is a visit held.

    Returns
    -------
    rows : DataFrame
        Of the shape `DUE`, of visits whose window is open. A contact belongs to the visit it is nearest to, of two as near
        the later; of several contacts the nearest counts, of two as near the later. A visit in whose window the person died
        or left is not applicable; one that was not held by the end of its window is missed where they died or left after
        it, for it cannot be held late any more. A contact that is not known to the day leaves each visit unknown to which it
        may belong, but those that were in time without it. A start that is not known to the day leaves all that is due from
        it unknown, told in one row.
    """
    is_whole = pl.col("lo") == pl.col("hi")
    nobody_knows = _as_due(
        people.filter(~is_whole & (pl.col("lo") <= pl.col("look"))),
        STARTDT=pl.lit(None, pl.Date),
        ENDDT=pl.col("look"),
    )
    asked = people.filter(is_whole).join(
        (NO_DAYS if over is None else over).select(SUBJECT, over_lo="lo", over_hi="hi"),
        on=SUBJECT, how="left", maintain_order="left",
    )  # fmt: skip
    last_due = pl.min_horizontal("until_hi", "over_hi", "look")
    grid = visits_every(asked, every, start="lo", end=last_due).with_columns(
        opens=_sooner(pl.col("due"), tolerance), closes=_longer(pl.col("due"), tolerance)
    )
    grid = grid.filter(
        (pl.col("due") <= pl.col("until_hi")).fill_null(value=True) & (pl.col("opens") <= pl.col("look"))
    )
    of_one_day = contacts["lo"] == contacts["hi"]
    whole = contacts if of_one_day.all(ignore_nulls=False) else contacts.filter(of_one_day)
    grid = grid.with_columns(turn_at=in_line("turn")).sort("turn_at").with_row_index("place")
    is_kept = pl.col("day") >= _sooner(pl.col("due"), missed_after) if missed_after else pl.lit(value=True)
    near = (
        _one_of_each_day(whole.select(SUBJECT, *SOURCE, day="lo"))
        .join_asof(
            grid.select("place", "turn_at", "turn_ends", "due", "over_hi", whose=SUBJECT),
            left_on="at",
            right_on="turn_at",
        )
        .filter(
            pl.col(SUBJECT) == pl.col("whose"),
            pl.col("day") <= pl.col("turn_ends"),
            (pl.min_horizontal("due", "day") <= pl.col("over_hi")).fill_null(value=True),
            is_kept,
        )
        .select("place", "day", *SOURCE, off=(pl.col("day") - pl.col("due")).dt.total_days().abs())
    )
    # contacts of a visit lie in the order of their days: the nearest is nearer than its neighbours, or as near and later
    here, off = pl.col("place"), pl.col("off")
    before_is_nearer = (here == here.shift()) & (off.shift() < off)
    next_is_nearer = (here == here.shift(-1)) & (off.shift(-1) <= off)
    met = near.filter(~(before_is_nearer | next_is_nearer).fill_null(value=False)).drop("off")
    late_until = moved(pl.col("due"), missed_after) if missed_after else pl.col("turn_ends")
    rows = grid.join(met, on="place", how="left", maintain_order="left").with_columns(
        late_until=pl.max_horizontal("closes", late_until)
    )
    is_there = pl.col("day").is_not_null()
    left_in_it = (pl.col("gone") <= pl.col("closes")).fill_null(value=False)
    none = (
        pl.when(left_in_it)
        .then(pl.lit(Kept.NOT_APPLICABLE))
        .when(pl.col("gone").is_not_null() | (pl.col("look") > pl.col("late_until")))
        .then(pl.lit(Kept.MISSED))
        .when(pl.col("look") > pl.col("closes"))
        .then(pl.lit(Kept.OVERDUE))
        .otherwise(pl.lit(Kept.NOT_DUE))
    )
    held = _place(
        pl.col("day"),
        pl.col("day") < pl.col("opens"),
        pl.col("closes"),
        pl.col("day") > pl.col("late_until"),
    )
    unsure = contacts.filter(~of_one_day).select(SUBJECT, unsure_lo="lo", unsure_hi="hi")
    is_in_turn = (pl.col("unsure_lo") <= pl.col("turn_ends")) & (pl.col("unsure_hi") >= pl.col("turn"))
    is_by_then = (pl.col("unsure_lo") <= pl.col("over_hi")).fill_null(value=True)
    rows = rows.with_columns(
        may_be_another=has_one(rows, unsure, is_in_turn), may_answer=has_one(rows, unsure, is_in_turn & is_by_then)
    )  # fmt: skip
    is_due = (pl.col("due") <= pl.col("over_hi")).fill_null(value=True)
    rows = rows.filter(is_due | is_there | pl.col("may_answer"))
    may_be_over = (pl.col("due") > pl.col("until_lo")).fill_null(value=False)
    # which of several early contacts keeps it hangs on the day the row ends
    may_not_be_due = (pl.min_horizontal("due", "day") > pl.col("over_lo")).fill_null(value=False)
    told = pl.col("told")
    found = _as_due(
        rows.with_columns(
            is_unsure=pl.col("may_be_another") | may_be_over | may_not_be_due,
            may_not_be_due=may_not_be_due,
            told=pl.when(is_there).then(held).otherwise(none),
        ),
        STARTDT=pl.col("lo"),
        AWLODT=pl.col("opens"),
        AWHIDT=pl.col("closes"),
        ADT=pl.col("day"),
        ENDDT=pl.when(~is_there).then("look"),
        AVALC=pl.when(((told == Kept.IN_TIME) & ~pl.col("may_not_be_due")) | ~pl.col("is_unsure")).then(told),
    )
    return pl.concat([found, nobody_knows])


def follow_starts(
    first: pl.DataFrame, people: pl.DataFrame, *, missed_after: Duration | None = None
) -> pl.DataFrame:
    """Starts that must fall into a window.

    Parameters
    ----------
    first : DataFrame
        `SUBJECT`, `lo`, `hi` of the first day, `SOURCE`.
    people : DataFrame
        `SUBJECT`; `opens_lo`, `opens_hi`, `closes_lo`, `closes_hi`, the first and last day of the window, each as early and
        late as it can be; `look`, `gone`.
    missed_after : Duration, optional
        How long after the window a start is late only.

    Returns
    -------
    rows : DataFrame
        Of the shape `DUE`: `missed` where it began before the window, too late after it, or not at all; `overdue` while it
        can still be late. `AVAL` counts from the window's end.
    """
    rows = people.join(first, on=SUBJECT, how="left")

    def told(lo: str, opens: str, closes: str) -> pl.Expr:
        day, closing = pl.col(lo), pl.col(closes)
        late_until = _longer(closing, missed_after)
        none = (
            pl.when(pl.col("gone") <= closing)
            .then(pl.lit(Kept.NOT_APPLICABLE))
            .when(pl.col("look") <= closing)
            .then(pl.lit(Kept.NOT_DUE))
            .when(pl.col("gone").is_null() & (pl.col("look") <= late_until))
            .then(pl.lit(Kept.OVERDUE))
            .otherwise(pl.lit(Kept.MISSED))
        )
        held = _place(day, day < pl.col(opens), closing, day > late_until)
        return pl.when(day.is_null()).then(none).otherwise(held)

    several = [told(day, f"opens_{one}", f"closes_{one}") for day in ("lo", "hi") for one in ("lo", "hi")]
    closes = _whole("closes_lo", "closes_hi")
    day = _whole("lo", "hi")
    return _as_due(
        _all_told(rows, several),
        STARTDT=closes,
        AWLODT=_whole("opens_lo", "opens_hi"),
        AWHIDT=closes,
        ADT=day,
        ENDDT=pl.when(pl.col("lo").is_null()).then("look"),
        # too early and too late are both missed, and yet what may be either may be in time
        AVALC=pl.when(pl.col("told") == Kept.EARLY).then(pl.lit(Kept.MISSED)).otherwise("told"),
    )


def follow_repeats(looks: pl.DataFrame, people: pl.DataFrame, *, within: Duration) -> pl.DataFrame:
    """Looks that must be repeated since nobody could judge them.

    Parameters
    ----------
    looks : DataFrame
        `SUBJECT`, `lo` and `hi` of the day of each; `is_judged`, null where nobody told; `why`; `SOURCE`.
    people : DataFrame
        `SUBJECT`; looks after `lo` and `hi` (each may be the day), and no later than `until_lo` and `until_hi` (null: no
        end), are asked about; none is due on or after `over_lo` and `over_hi` (null: never); `look`, `gone`.
    within : Duration
        How long after it, that day included, the next look is in time. Whether anybody could judge that one is a question
        of its own.

    Returns
    -------
    rows : DataFrame
        Of the shape `DUE`, a row for each look that could not be judged: `missed` where the next one came later or never,
        `STARTDT` the day of the look, `ADT` that of the next, source the look and the next. One of which nobody told whether
        it was judged has a row only where none followed in time: then nobody knows whether it should have.
    """
    numbered = looks.with_row_index("number").with_columns(pl.col("number").cast(pl.Int64))
    over = [pl.min_horizontal(day, "over_hi") for day in ("gone", "look")]
    asked = (
        numbered.filter(~pl.col("is_judged").fill_null(value=False))
        .join(people.rename({"lo": "since_lo", "hi": "since_hi"}), on=SUBJECT)
        .filter(
            pl.col("hi") > pl.col("since_lo"),
            (pl.col("lo") <= pl.col("until_hi")).fill_null(value=True),
            (pl.col("lo") < pl.col("over_hi")).fill_null(value=True),
        )
        .with_columns(
            *over,
            opens_lo=_day_after("lo"), opens_hi=_day_after("hi"),
            closes_lo=moved(pl.col("lo"), within), closes_hi=moved(pl.col("hi"), within),
        )
    )  # fmt: skip
    later = (
        numbered.rename({"number": "next", "lo": "next_lo", "hi": "next_hi"})
        .join(
            asked.select(SUBJECT, "number", "opens_lo", "opens_hi", "closes_lo", "closes_hi", "over_hi"),
            on=SUBJECT,
        )
        .filter(
            pl.col("next") != pl.col("number"),
            pl.col("next_hi") >= pl.col("opens_lo"),
            (pl.col("next_lo") <= pl.max_horizontal("closes_hi", "over_hi")) | pl.col("over_hi").is_null(),
        )
        .with_columns(
            is_surely=(pl.col("next_lo") >= pl.col("opens_hi")) & (pl.col("next_hi") <= pl.col("closes_lo"))
        )
        .filter(pl.col("is_surely") | ~pl.col("is_surely").any().over("number"))
        .select(pl.col("number").alias(SUBJECT), *SOURCE, lo="next_lo", hi="next_hi")
    )
    windows = asked.select(
        pl.col("number").alias(SUBJECT), "opens_lo", "opens_hi", "closes_lo", "closes_hi", "look", "gone"
    )
    may_not_be_asked = (
        (pl.col("lo") <= pl.col("since_hi"))
        | (pl.col("hi") > pl.col("until_lo")).fill_null(value=False)
        | (pl.col("over_lo") <= pl.col("closes_hi")).fill_null(value=False)
    )
    about = asked.select(
        pl.col("number").alias(SUBJECT), person=SUBJECT, since=_whole("lo", "hi"), is_told=pl.col("is_judged").is_not_null(),
        doubt=pl.coalesce(
            pl.when(pl.col("is_judged").is_null()).then("why"), pl.when(may_not_be_asked).then(pl.lit(_IMPRECISE))
        ),
        **{f"own_{name}": name for name in SOURCE},
    )  # fmt: skip
    was_missed = (pl.col("AVALC") == Kept.MISSED).fill_null(value=True)
    is_open = was_missed & pl.col("doubt").is_not_null()
    rows = follow_starts(firsts_of(later), windows).join(about, on=SUBJECT, maintain_order="left")
    return rows.filter(pl.col("is_told") | was_missed).select(
        pl.col("person").alias(SUBJECT), pl.col("since").alias("STARTDT"), "AWLODT", "AWHIDT", "ADT", "ENDDT",
        (pl.coalesce("ADT", "ENDDT") - pl.col("since")).dt.total_days().alias("AVAL"),
        pl.when(~is_open).then("AVALC").alias("AVALC"),
        pl.when(is_open).then(pl.coalesce("doubt", "REASON")).otherwise("REASON").alias("REASON"),
        pl.col("own_SRCDOM").alias("SRCDOM"), pl.col("own_SRCSEQ").alias("SRCSEQ"),
        pl.concat_str("own_SRCALL", "SRCALL", separator=" ", ignore_nulls=True).alias("SRCALL"),
    )  # fmt: skip


def follow_ends(last: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Treatment that must go on until a day.

    Parameters
    ----------
    last : DataFrame
        `SUBJECT`, `lo`, `hi` of the last day of treatment, `goes_on` (it has not ended, as far as known), `SOURCE`.
    people : DataFrame
        `SUBJECT`, `lo` and `hi` of the day it must reach; `look`, `gone`.

    Returns
    -------
    rows : DataFrame
        Of the shape `DUE`. Whoever died or left under treatment, as far as known, before reaching the day cannot be judged,
        `not applicable`; so is treatment that ended on the day before death or leaving. What goes on and is not known to have
        reached a day that has passed is `overdue`. Who stopped earlier has missed it, whether the day has come or not; who
        never took any, once it has passed.
    """
    rows = people.join(last.rename({"lo": "last_lo", "hi": "last_hi"}), on=SUBJECT, how="left")

    def told(day: str, must: str) -> pl.Expr:
        reached, needed = pl.col(day), pl.col(must)
        is_under = pl.col("goes_on") | (reached >= pl.col("gone") - pl.duration(days=1))
        may_begin = reached.is_null() & (pl.col("look") <= needed)
        return (
            pl.when(reached >= needed)
            .then(pl.lit(Kept.IN_TIME))
            .when((is_under | may_begin) & pl.col("gone").is_not_null())
            .then(pl.lit(Kept.NOT_APPLICABLE))
            .when(pl.col("goes_on") & (pl.col("look") > needed))
            .then(pl.lit(Kept.OVERDUE))
            .when(pl.col("goes_on") | may_begin)
            .then(pl.lit(Kept.NOT_DUE))
            .otherwise(pl.lit(Kept.MISSED))
        )

    several = [told(day, must) for day in ("last_lo", "last_hi") for must in ("lo", "hi")]
    needed = _whole("lo", "hi")
    return _as_due(
        _all_told(rows, several),
        STARTDT=needed,
        AWLODT=needed,
        ADT=_whole("last_lo", "last_hi"),
        ENDDT=pl.when(pl.col("last_lo").is_null()).then("look"),
        AVALC=pl.col("told"),
    )


def follow_pauses(spans: pl.DataFrame, people: pl.DataFrame, *, longest: Duration | None) -> pl.DataFrame:
    """Treatment that must go on throughout.

    Parameters
    ----------
    spans : DataFrame
        `SUBJECT`, `lo` and `hi` of the first day, `end_lo` and `end_hi` of the last, `goes_on` (it has not ended, as far as
        known: it covers all that is looked at from its first day on), `SOURCE`.
    people : DataFrame
        `SUBJECT`, `lo` and `hi` of the day from which it must be taken; `until_lo` and `until_hi` of the last day (null: no
        end); `look`, `gone`.
    longest : Duration, optional
        How long a pause may be; none may be without it.

    Returns
    -------
    rows : DataFrame
        Of the shape `DUE`: a row for each pause, `missed` where it is too long (`STARTDT` and `ENDDT` its first and last day,
        `AVAL` its days, source the span before it), else `in time`; one of 0 days where there is none. Where days of
        treatment are not known to the day, a pause is told as long as it can be.
    """
    bounds = _with_ends(people)
    at_most = _pauses(spans, bounds.select(SUBJECT, begin="lo", end="end"), first="hi", last="end_lo")
    surely = bounds.filter(pl.col("hi") <= pl.col("first_end")).select(SUBJECT, begin="hi", end="first_end")
    at_least = _pauses(spans, surely, first="lo", last="end_hi")
    limit = (moved(pl.col("from"), longest) - pl.col("from")).dt.total_days() if longest else pl.lit(0)
    is_long = pl.col("days") > limit
    sure = at_least.filter(is_long).select(SUBJECT, sure_from="from", sure_to="to")
    is_part = (pl.col("sure_from") >= pl.col("from")) & (pl.col("sure_to") <= pl.col("to"))
    pauses = _as_due(
        at_most.with_columns(is_sure=has_one(at_most, sure, is_part)),
        STARTDT=pl.col("from"),
        ENDDT=pl.col("to"),
        AVALC=pl.when(~is_long).then(pl.lit(Kept.IN_TIME)).when("is_sure").then(pl.lit(Kept.MISSED)),
        AVAL=pl.col("days"),
    )
    kept = bounds.join(at_most, on=SUBJECT, how="anti")
    throughout = _as_due(
        kept, STARTDT=_whole("lo", "hi"), ENDDT=pl.col("end"), AVALC=pl.lit(Kept.IN_TIME), AVAL=pl.lit(0)
    )
    return pl.concat([pauses, throughout])


def _pauses(spans: pl.DataFrame, bounds: pl.DataFrame, *, first: str, last: str) -> pl.DataFrame:
    """The days without treatment between `begin` and `end`: `SUBJECT`, `from`, `to`, `days`, `SOURCE` of what ended last."""
    day = pl.duration(days=1)
    off = pl.when("goes_on").then("end").otherwise(last)
    taken = (
        spans.join(bounds, on=SUBJECT)
        .select(SUBJECT, *SOURCE, "begin", "end", on=pl.col(first), off=off)
        .filter(pl.col("off") >= pl.max_horizontal("on", "begin"), pl.col("on") <= pl.col("end"))
    )
    marks = pl.concat(
        [
            bounds.select(SUBJECT, on=pl.col("begin"), off=pl.col("begin") - day),
            taken.select(SUBJECT, "on", "off", *SOURCE),
            bounds.select(SUBJECT, on=pl.col("end") + day, off=pl.col("end") + day),
        ],
        how="diagonal",
    ).sort(SUBJECT, "on", "off", *SOURCE, nulls_last=False)
    at, reached = in_line("off"), in_line("off").cum_max()
    ended_last = pl.when(at == reached).then(pl.int_range(pl.len())).forward_fill()
    pauses = (
        marks.select(SUBJECT, "on", days=in_line("on") - reached.shift() - 1, ended_last=ended_last.shift())
        .filter(pl.col("days") > 0, marks[SUBJECT] == marks[SUBJECT].shift())
        .select(
            SUBJECT,
            "days",
            "ended_last",
            (pl.col("on") - pl.duration(days="days")).alias("from"),
            to=pl.col("on") - day,
        )
    )
    sources = marks.select(SOURCE)[pauses["ended_last"]]
    return pauses.drop("ended_last").with_columns(sources.get_columns())


def _one_of_each_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Of a person's records of one `day` the first by `SOURCE`, with the day `in_line` (`at`), in the order of these."""
    rows = rows.with_columns(at=in_line("day")).sort("at", maintain_order=True)
    # records of a day are many: most turn out to be later than one beside them, and need not be sorted by all columns
    at, domain, number = (pl.col(name) for name in ("at", "SRCDOM", "SRCSEQ"))
    before, after = (
        (at == at.shift(by)) & (domain == domain.shift(by)) & (number > number.shift(by)) for by in (1, -1)
    )
    for _ in range(2):
        rows = rows.filter(~(before | after).fill_null(value=False))
    return rows.sort("at", *SOURCE, nulls_last=True).unique("at", keep="first", maintain_order=True)


def _place(day: pl.Expr, is_early: pl.Expr, closes: pl.Expr, is_missed: pl.Expr) -> pl.Expr:
    return (
        pl.when(is_early).then(pl.lit(Kept.EARLY))
        .when(day <= closes).then(pl.lit(Kept.IN_TIME))
        .when(is_missed).then(pl.lit(Kept.MISSED))
        .otherwise(pl.lit(Kept.LATE))
    )  # fmt: skip


def _all_told(rows: pl.DataFrame, answers: Sequence[pl.Expr]) -> pl.DataFrame:
    """Rows with what is `told` of each, whatever its days: the answer to which all lead, if they lead to one."""
    first, *others = (f"told_{n}" for n in range(len(answers)))
    rows = rows.with_columns(
        answer.alias(name) for name, answer in zip((first, *others), answers, strict=True)
    )
    return rows.with_columns(
        told=pl.when(pl.all_horizontal(pl.col(first) == one for one in map(pl.col, others))).then(first)
    )


def firsts_of(days: pl.DataFrame) -> pl.DataFrame:
    """The first day of each subject that `lo` and `hi` tell of: `SUBJECT`, `lo`, `hi`, `SOURCE`."""
    ordered = days.sort(SUBJECT, "lo", "hi", *SOURCE, nulls_last=True)
    return ordered.group_by(SUBJECT, maintain_order=True).agg(
        pl.col("lo").min(), pl.col("hi").min(), *(pl.col(name).first() for name in SOURCE)
    )


def _day_after(day: str) -> pl.Expr:
    return pl.col(day) + pl.duration(days=1)


def _longer(day: pl.Expr, by: Duration | None) -> pl.Expr:
    return moved(day, by) if by else day


def _sooner(day: pl.Expr, by: Duration | None) -> pl.Expr:
    return moved(day, by, "-") if by else day


def _whole(lo: str, hi: str) -> pl.Expr:
    """The day, where it is known to the day."""
    return pl.when(pl.col(lo) == pl.col(hi)).then(pl.col(lo))


def has_one(rows: pl.DataFrame, others: pl.DataFrame, fits: pl.Expr) -> pl.Series:
    """Whether any of the others of the same person fits a row."""
    if rows.is_empty() or others.is_empty():
        return pl.repeat(value=False, n=len(rows), eager=True)
    numbered = rows.with_row_index("row")
    hit = numbered.join(others, on=SUBJECT).filter(fits)
    return numbered["row"].is_in(hit["row"].unique().implode())


def _with_ends(people: pl.DataFrame) -> pl.DataFrame:
    """People with the first and the last day that can be the last on which anything is due, of whom anything is due."""
    ends = [pl.min_horizontal(until, "look", "gone") for until in ("until_lo", "until_hi")]
    return people.with_columns(first_end=ends[0], end=ends[1]).filter(pl.col("lo") <= pl.col("end"))


def _as_due(rows: pl.DataFrame, **given: pl.Expr) -> pl.DataFrame:
    """Rows of the shape `DUE`: what is not said is empty, and what has no answer depends on a day that is not known."""
    given |= {name: pl.col(name) for name in (SUBJECT, *SOURCE) if name in rows.columns}
    days = (pl.coalesce("ADT", "ENDDT") - pl.col("STARTDT")).dt.total_days()
    return rows.select(
        given.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in DUE.items()
    ).with_columns(
        pl.coalesce("AVAL", days),
        REASON=pl.when(pl.col("AVALC").is_null()).then(pl.lit(_IMPRECISE)),
    )
