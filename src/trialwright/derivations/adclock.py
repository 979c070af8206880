"""ADCLOCK: what the clocks and visits of a protocol asked of each person, when it was due, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.adexsum import recorded_ends
from trialwright.derivations.doses import read_doses
from trialwright.derivations.due_days import (
    DUE,
    NO_DAYS,
    NOTHING_DUE,
    Kept,
    firsts_of,
    follow_ends,
    follow_intervals,
    follow_pauses,
    follow_repeats,
    follow_starts,
    follow_visits,
    has_one,
)
from trialwright.derivations.known_columns import REASONS
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.derivations.timeline import CONTACT, NOT_JUDGED, SOURCE, moved
from trialwright.protocol.categories import treatment_words
from trialwright.protocol.model import Clock, Deviation, Protocol, Treatment, Visit
from trialwright.protocol.moments import Span, parse_moment, parse_reach
from trialwright.protocol.references import DEATH
from trialwright.protocol.rule_tree import Moment, Within
from trialwright.vocabulary.concepts import catalogue
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.verdicts import Reason

CONTACTS: Mapping[str, Any] = MappingProxyType(
    {"PARCAT": pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "ASEQ": pl.Int64}
    | {name: kind for name, kind in DUE.items() if name != SUBJECT}
    | {"AVALU": pl.String, "PROTOCOL": pl.String}
)
"""Columns of ADCLOCK beside those that tell persons apart."""
_NAMES = {name: CONTACTS[name] for name in ("PARCAT", "PARAMCD", "PARAM", "PROTOCOL")}
"""Those that are alike in all rows of a clock or visit."""

REPEAT = "repeat within"
"""The key of a visit that asks for another look after one that nobody could judge."""


def derive_adclock(study: Study, adsl: pl.DataFrame, facts: StudyFacts) -> pl.DataFrame:
    """One row for each thing that was due: a contact after the one before, a planned visit, a start, an end, a pause.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `GROUP`, `GROUPR`, `LSTALVDT`, `EOSSTT`, `EOSDTL`, `RECORDDT`.
    facts : StudyFacts
        With all events of the protocol.

    Returns
    -------
    adclock : DataFrame
        Key columns, `STUDYID`, `USUBJID`, `SUBJECT`, and

        PARCAT          `clock`, `visit`, or `repeat`
        PARAMCD, PARAM  its name (of a repeat `IMAGING_REPEAT`), and in words
        ASEQ            which of its rows, in the order of time
        STARTDT         since when it is counted: the contact before, the start of a row of visits, the end of the window of a
                        start, the day treatment must reach, the first day of a pause, the look that nobody could judge
        AWLODT, AWHIDT  first and last day in time, tolerance included
        ADT             the day it was done
        ENDDT           where it was not done, the last day on which it was looked for; of a pause its last day
        AVAL, AVALU     days from STARTDT to the one or the other; of a pause its length
        AVALC           see `Kept`; null where nobody can tell
        REASON          why
        SRCDOM, SRCSEQ, SRCALL
                        the record that shows it
        PROTOCOL        `clocks.viral_load`, `visits.imaging.repeat within`

        What is due is looked for up to death, the end of the person's part in the study (disposition in DS), the cut, or,
        without a cut, the last day that the records of the study tell of (`RECORDDT`). Who has no day to count from has no
        row; neither has who never came to time zero, or is in a group that does not get the treatment of a clock. Of whoever
        may be in such a group only what was kept is known. A contact is a result of what is measured, an assessment that could
        be judged, for a visit a record of anything it measures that is no drug and no adverse event, and not on the day itself
        that it must come `after`. What counts from the last of a treatment is due once that has ended. A treatment that has not
        ended, as far as known, is without a pause. What cannot be run has no rows: see `why_clock_not_run`, `why_visit_not_run`, `why_repeats_not_run`.
    """
    its, protocol = _Clocks(study, adsl, facts), study.protocol
    found: list[tuple[tuple[str, ...], pl.DataFrame]] = []
    for id_, clock in protocol.clocks.items():
        if not why_clock_not_run(clock):
            named = ("clock", id_.upper(), clock_words(clock, protocol), f"clocks.{id_}")
            found.append((named, its.of_clock(clock)))
    for id_, visit in protocol.visits.items():
        if not (dosed_at(visit, protocol) or why_visit_not_run(visit, protocol)):
            found.append((("visit", id_.upper(), visit.label, f"visits.{id_}"), its.of_visit(visit)))
            if not why_repeats_not_run(visit, protocol):
                words = f"{visit.label}, repeated where nobody could judge"
                named = ("repeat", f"{id_}_repeat".upper(), words, f"visits.{id_}.{REPEAT}")
                found.append((named, its.of_repeats(visit)))
    names = pl.DataFrame([named for named, _ in found], schema=_NAMES, orient="row").with_row_index("place")
    parts = [
        _in_time_order(rows).with_columns(place=pl.lit(n, pl.UInt32)) for n, (_, rows) in enumerate(found)
    ]
    # each part lies in the order of persons and time, and stays so within a person
    rows = pl.concat([NOTHING_DUE.with_columns(place=pl.lit(0, pl.UInt32)), *parts])
    rows = rows.sort(SUBJECT, maintain_order=True)
    row, key = pl.int_range(pl.len()), pl.struct(SUBJECT, "place")
    begins = pl.when((key != key.shift()).fill_null(value=True)).then(row).forward_fill()
    return (
        rows.with_columns(ASEQ=row - begins + 1, AVALU=pl.lit("DAYS"))
        .join(names, on="place", maintain_order="left")
        .join(study.subjects, on=SUBJECT, maintain_order="left")
        .select(*study.identity, SUBJECT, *CONTACTS)
    )


def why_clock_not_run(clock: Clock) -> str:
    """Why a clock cannot be run; nothing where it can."""
    if clock.measure or clock.assess:
        if clock.counts_from == "anchor":
            return "a row of contacts that counts from an anchor is a visit"
        return "" if clock.at_least_every or clock.every else "it does not say how often"
    if clock.start_of:
        return "" if clock.within else "it does not say within what"
    return "" if clock.keep and (clock.at_least or clock.during) else "it does not say what must happen"


def clock_words(clock: Clock, protocol: Protocol) -> str:
    """What a clock asks for, in words."""
    if fact := clock.measure or clock.assess:
        return f"next {'result' if clock.measure else 'assessment'}: {_label(fact, protocol)}"
    if clock.start_of:
        within = str(clock.within).replace("_", " ")
        return f"start of {_label(clock.start_of, protocol)} within {within}"
    return f"without a pause or an early end: {_label(str(clock.keep), protocol)}"


def _label(name: str, protocol: Protocol) -> str:
    if name in protocol.treatments and name not in protocol.facts:
        return treatment_words(protocol, name)[0]
    named = protocol.facts.get(name)
    return (named.label if named else None) or name.replace("_", " ")


def dosed_at(visit: Visit, protocol: Protocol) -> list[str]:
    """The treatments at an interval whose doses a visit gives; ADEX judges them."""
    return [
        name
        for name in visit.measures
        if name in protocol.treatments and protocol.treatments[name].every is not None
    ]


def why_visit_not_run(visit: Visit, protocol: Protocol) -> str:
    """Why a visit cannot be run; nothing where it can, or where it is one of doses."""
    if dosed_at(visit, protocol):
        return ""
    if visit.every is None and visit.within is None and visit.at is None:
        return "it does not say when"
    length = visit.every or visit.at
    if length and not (length.days or length.months):
        return "it counts no days"
    if visit.every and visit.counts_from == "previous contact":
        return "a row of contacts that counts from the one before is a clock"
    return (
        "" if any(name not in protocol.treatments for name in visit.measures) else "nothing is measured at it"
    )


def why_repeats_not_run(visit: Visit, protocol: Protocol) -> str:
    """Why nobody can tell whether what could not be judged at a visit was looked at again; nothing where it can be told."""
    within = visit.repeat_within
    if within is None:
        return "it does not say within what time a look that nobody could judge is repeated"
    if not (within.days or within.months):
        return "it counts no days"
    if not judged_at(visit, protocol):
        return "nothing it measures has a level that says that nobody could judge"
    return why_visit_not_run(visit, protocol)


def judged_at(visit: Visit, protocol: Protocol) -> list[str]:
    """What of a visit is judged in levels, one of which says that nobody could."""

    def levels(name: str) -> Iterable[str]:
        fact = protocol.facts[name]
        concept = catalogue().get(fact.concept or "")
        return fact.levels or (concept.levels if concept else ())

    return [
        name for name in visit.measures if name in protocol.facts and NOT_JUDGED.intersection(levels(name))
    ]


def why_deviation_not_run(deviation: Deviation, protocol: Protocol) -> str:
    """Why a deviation that asks what became of a clock or visit cannot be found; nothing where it can."""
    visit = protocol.visits[deviation.visit] if deviation.visit else None
    if visit is not None and (dosed := dosed_at(visit, protocol)):
        return _why_doses_not_judged(deviation, [protocol.treatments[name] for name in dosed])
    if deviation.excused_by:
        return "recorded reasons excuse doses only"
    if deviation.clock:
        return why_clock_not_run(protocol.clocks[deviation.clock])
    if visit is None:
        return ""
    if deviation.is_ == "unusable":
        return why_repeats_not_run(visit, protocol)
    return why_visit_not_run(visit, protocol)


def _why_doses_not_judged(deviation: Deviation, treatments: Iterable[Treatment]) -> str:
    if deviation.is_ == "unusable":
        return "a dose is given or not, and nobody judges it"
    if deviation.is_ == "missed" and not all(one.skipped_after for one in treatments):
        return "its treatment does not say from when on a dose is skipped"
    return ""


def what_became(deviation: Deviation) -> tuple[str, str]:
    """What of ADCLOCK is a deviation that asks what became of a clock or visit: `PROTOCOL` and `AVALC`."""
    if deviation.clock:
        return f"clocks.{deviation.clock}", str(deviation.is_)
    if deviation.is_ == "unusable":
        return f"visits.{deviation.visit}.{REPEAT}", Kept.MISSED
    return f"visits.{deviation.visit}", str(deviation.is_)


class _Clocks:
    def __init__(self, study: Study, adsl: pl.DataFrame, facts: StudyFacts) -> None:
        self.study, self.adsl, self.facts = study, adsl, facts
        self.protocol = study.protocol
        self.moments: dict[Moment, pl.DataFrame] = {}

    # --- who is asked, and how long -----------------------------------------------------------------------------------

    @cached_property
    def people(self) -> pl.DataFrame:
        """`SUBJECT`, `GROUP`, `GROUPR`, `gone` (the day of death, or of the end of the person's part), `look` (the last known)."""
        death = self.facts.moment(Moment(DEATH)).select(
            pl.col("subject").alias(SUBJECT), could_die=_day("earliest")
        )
        # whose death has no day was there on the last day known alive
        died = pl.when(pl.col("could_die").is_not_null()).then(pl.max_horizontal("could_die", "LSTALVDT"))
        # whoever completed was there on the last day: what was due by then was due
        day = pl.duration(days=(pl.col("EOSSTT") == "COMPLETED").fill_null(value=False).cast(pl.Int64))
        gone = pl.min_horizontal(died, pl.col("EOSDTL") + day)
        return (
            self.adsl.join(death, on=SUBJECT, how="left")
            .select(
                SUBJECT,
                "GROUP",
                "GROUPR",
                gone=gone,
                look=pl.coalesce(pl.min_horizontal(died, "EOSDTL"), "RECORDDT"),
            )
            .filter(pl.col("look").is_not_null())
        )

    @cached_property
    def treated(self) -> pl.DataFrame:
        """Those of `people` who came to the protocol's time zero."""
        return self.people.join(_days(self.facts.time_zero()), on=SUBJECT, how="semi")

    def of_group_with(self, treatment: str) -> pl.DataFrame:
        """Those who came to time zero in a group that gets a treatment, or in none that is known."""
        groups = [name for name, group in self.protocol.groups.items() if treatment in group.treatments]
        return self.treated.filter(pl.col("GROUP").is_in(groups) | pl.col("GROUP").is_null())

    def _if_asked(self, treatment: str, rows: pl.DataFrame) -> pl.DataFrame:
        """What was due of a treatment; of whom nobody knows whether their group gets it, only what was kept is known."""
        if all(treatment in group.treatments for group in self.protocol.groups.values()):
            return rows
        unsure = self.treated.filter(pl.col("GROUP").is_null()).select(SUBJECT, why="GROUPR")
        is_open = pl.col("why").is_not_null() & (pl.col("AVALC") != Kept.IN_TIME).fill_null(value=True)
        return (
            rows.join(unsure, on=SUBJECT, how="left", maintain_order="left")
            .select(
                pl.all().exclude("why", "AVALC", "REASON"),
                pl.when(~is_open).then("AVALC").alias("AVALC"),
                pl.when(is_open).then("why").otherwise("REASON").alias("REASON"),
            )
            .select(DUE.keys())
        )

    def moment(self, moment: Moment) -> pl.DataFrame:
        """The first and last day a moment can be: `SUBJECT`, `lo`, `hi`."""
        if moment not in self.moments:
            self.moments[moment] = _days(self.facts.moment(moment))
        return self.moments[moment]

    def whose_end_is_told(self, people: pl.DataFrame, moment: Moment | None) -> pl.DataFrame:
        """Of what counts from the last of a treatment: those whose treatment has ended; until then the last is not the last."""
        if moment is None or moment.which != "last" or moment.name not in self.protocol.treatments:
            return people
        ended = recorded_ends(self.study, moment.name, self.protocol.treatments[moment.name])
        return people.filter(pl.col(SUBJECT).is_in(ended[SUBJECT].implode()) | pl.col("gone").is_not_null())

    def during(self, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Start and end of a period, or of a treatment."""
        if name in self.protocol.treatments:
            return self.moment(Moment(name, "first")), self.moment(Moment(name, "last"))
        return _days(self.facts.dates[f"{name}_start"]), _days(self.facts.dates[f"{name}_end"])

    # --- what was done ------------------------------------------------------------------------------------------------

    def told(self, *names: str) -> pl.LazyFrame:
        """The records of any of these that say anything: `SUBJECT`, `lo`, `hi`, `SOURCE`, `fact`, `level`, `reason`.

        They are many, with many columns: those that nobody asks for are not filtered.
        """
        rows = self.facts.records_of(*names).lazy()
        return rows.filter(pl.col("reason").is_not_null() & pl.col("earliest").is_not_null()).select(
            pl.col("subject").alias(SUBJECT),
            *SOURCE,
            "fact",
            "level",
            "reason",
            lo=_day("earliest"),
            hi=_day("latest"),
        )

    def contacts(self, *names: str, judged: bool = False) -> pl.LazyFrame:
        """The days on which there is a record of any of these: `SUBJECT`, `lo`, `hi`, `SOURCE`."""
        rows = self.told(*names)
        if judged:
            rows = rows.filter(
                (pl.col("reason") == 0) & ~pl.col("level").is_in(NOT_JUDGED).fill_null(value=False)
            )
        return rows.select(SUBJECT, *SOURCE, "lo", "hi")

    def spans(self, treatment: str) -> pl.DataFrame:
        """The spans of a treatment that was given: `SUBJECT`, `lo`, `hi`, `end_lo`, `end_hi`, `goes_on`, `SOURCE`."""
        given = self.doses.filter((pl.col("treatment") == treatment) & pl.col("is_given"))
        given = given.drop_nulls(["earliest", "end_earliest"])
        return given.select(
            SUBJECT, lo=_day("earliest"), hi=_day("latest"), end_lo=_day("end_earliest"), end_hi=_day("end_latest"),
            goes_on="is_ongoing", SRCDOM="SRCDOM", SRCSEQ="SRCSEQ", SRCALL=pl.format("{}.{}", "SRCDOM", "SRCSEQ"),
        )  # fmt: skip

    @cached_property
    def doses(self) -> pl.DataFrame:
        return read_doses(self.study, self.adsl)

    # --- clocks and visits --------------------------------------------------------------------------------------------

    def of_clock(self, clock: Clock) -> pl.DataFrame:
        """The rows of a clock."""
        if fact := clock.measure or clock.assess:
            return self._next_contacts(fact, clock)
        if clock.start_of:
            return self._if_asked(clock.start_of, self._start(clock.start_of, clock))
        treatment = str(clock.keep)
        return self._if_asked(treatment, pl.concat([NOTHING_DUE, *self._cover(treatment, clock)]))

    def _next_contacts(self, fact: str, clock: Clock) -> pl.DataFrame:
        until = self.during(clock.during)[1] if clock.during else None
        most, least = clock.at_least_every, None
        if clock.every:
            most, least = clock.every.most, clock.every.least
        assert most is not None  # noqa: S101 -- `why_clock_not_run` has looked
        return follow_intervals(
            self.contacts(fact, judged=clock.assess is not None).collect(),
            _bounded(self.treated, self._origin(clock), until),
            most=most,
            least=least,
            tolerance=clock.tolerance,
            missed_after=clock.missed_after,
        )

    def _origin(self, clock: Clock) -> pl.DataFrame:
        """The day the first interval counts from; of a period `after` a day, that day."""
        if clock.from_:
            return self.moment(parse_moment(clock.from_))
        if clock.during in self.protocol.periods:
            span = self.study.loaded.writing.dates[f"periods.{clock.during}.span"].date
            return self.moment(span.start) if isinstance(span, Span) else self.during(clock.during)[0]
        return self.during(clock.during)[0] if clock.during else _days(self.facts.time_zero())

    def _start(self, treatment: str, clock: Clock) -> pl.DataFrame:
        people = self._within(self.of_group_with(treatment), parse_reach(str(clock.within)))
        return follow_starts(firsts_of(self.spans(treatment)), people, missed_after=clock.missed_after)

    def _within(self, people: pl.DataFrame, reach: Within) -> pl.DataFrame:
        """People with `opens_lo`, `opens_hi`, `closes_lo`, `closes_hi`, the days between which something is due."""
        around = self.moment(reach.moment)
        for name, sign, side in (("opens", "-", "after"), ("closes", "+", "before")):
            days = around if reach.side == side else _moved(around, reach.length, sign)
            people = people.join(days.rename({"lo": f"{name}_lo", "hi": f"{name}_hi"}), on=SUBJECT)
        return people

    def _cover(self, treatment: str, clock: Clock) -> Iterator[pl.DataFrame]:
        spans, people = self.spans(treatment), self.of_group_with(treatment)
        if clock.at_least:
            reach = parse_reach(clock.at_least)
            last = (
                spans.sort(SUBJECT, "end_hi", "end_lo", *SOURCE, nulls_last=True)
                .group_by(SUBJECT, maintain_order=True)
                .agg(
                    pl.col("end_lo").max().alias("lo"), pl.col("end_hi").max().alias("hi"),
                    pl.col("goes_on").any(), *(pl.col(name).last() for name in SOURCE),
                )
            )  # fmt: skip
            needed = _moved(self.moment(reach.moment), reach.length, "-" if reach.side == "before" else "+")
            yield follow_ends(last, people.join(needed, on=SUBJECT))
        if clock.during:
            start, until = self.during(clock.during)
            yield follow_pauses(spans, _bounded(people, start, until), longest=clock.missed_after)

    def of_visit(self, visit: Visit) -> pl.DataFrame:
        """The rows of a visit, or of a row of visits."""
        measured = [name for name in visit.measures if name not in self.protocol.treatments]
        # any sign of life would keep every visit; an adverse event begins whenever it begins
        contacts = self.contacts(*([name for name in measured if name != CONTACT] or measured))
        contacts = contacts.filter(pl.col("SRCDOM").ne_missing("AE"))
        if visit.within is not None:
            reach = parse_reach(visit.within)
            people = self._within(self.whose_end_is_told(self.treated, reach.moment), reach)
            # what is seen on the very day of a last dose is no visit after it
            is_later = pl.col("hi") > pl.col("opens_lo")
            is_since = is_later if reach.side == "after" else pl.col("hi") >= pl.col("opens_lo")
            is_surely = (pl.col("lo") > pl.col("opens_hi")) & (pl.col("hi") <= pl.col("closes_lo"))
            window = people.lazy().select(SUBJECT, "opens_lo", "opens_hi", "closes_lo", "closes_hi")
            around = contacts.join(window, on=SUBJECT).filter(
                is_since & (pl.col("lo") <= pl.col("closes_hi"))
            )
            surely = around.collect().filter(is_surely | ~is_surely.any().over(SUBJECT))
            return follow_starts(firsts_of(surely), people)
        every, people, start, until = self._row(visit)
        return follow_visits(
            contacts.collect(),
            _bounded(people, start, until),
            every=every,
            tolerance=visit.tolerance,
            missed_after=visit.missed_after,
            over=self._over(visit),
        )

    def _row(self, visit: Visit) -> tuple[Duration, pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
        """How far apart the visits of a row are, who is asked for them, and from which day to which."""
        moment = parse_moment(visit.from_) if visit.from_ else None
        start = self.moment(moment) if moment else _days(self.facts.time_zero())
        every, until = visit.every, self.moment(parse_moment(visit.until)) if visit.until else None
        if visit.at is not None:  # the first of a row that ends with it
            every, until = visit.at, _moved(start, visit.at, "+")
        assert every is not None  # noqa: S101 -- `why_visit_not_run` has looked
        return every, self.whose_end_is_told(self.treated, moment), start, until

    def _over(self, visit: Visit) -> pl.DataFrame:
        """The day of the first event that a row of visits ends with: `SUBJECT`, `lo`, `hi`."""
        ends = [self.moment(Moment(event, "first")) for event in visit.ends_with]
        return pl.concat([NO_DAYS, *ends]).group_by(SUBJECT).agg(pl.col("lo").min(), pl.col("hi").min())

    def of_repeats(self, visit: Visit) -> pl.DataFrame:
        """What became of looks at a visit that nobody could judge."""
        if visit.within is not None:
            reach = parse_reach(visit.within)
            around = self._within(self.whose_end_is_told(self.treated, reach.moment), reach)
            people = around.rename({"closes_lo": "until_lo", "closes_hi": "until_hi"})
            first_day = 0 if reach.side == "after" else 1
            people = people.with_columns(
                pl.col(f"opens_{side}").dt.offset_by(f"-{first_day}d").alias(side) for side in ("lo", "hi")
            )
        else:
            _, people, start, until = self._row(visit)
            late = visit.missed_after or visit.tolerance
            people = _bounded(
                people, start, _moved(until, late, "+") if until is not None and late else until
            )
        over = self._over(visit).rename({"lo": "over_lo", "hi": "over_hi"})
        assert visit.repeat_within is not None  # noqa: S101 -- `why_repeats_not_run` has looked
        return follow_repeats(
            self._looks(visit), people.join(over, on=SUBJECT, how="left"), within=visit.repeat_within
        )

    def _looks(self, visit: Visit) -> pl.DataFrame:
        """The days of looks at a visit: `SUBJECT`, `lo`, `hi`, `is_judged`, `why` it is not known, `SOURCE`.

        Readings of one thing on one day are one look, judged if any of them is; a look at several things is judged if each
        is. A procedure without any reading is a look of which nobody told what was seen.
        """
        days, told = (
            (SUBJECT, "lo", "hi"),
            (pl.col("reason").first(), *(pl.col(name).first() for name in SOURCE)),
        )
        is_judged = pl.when(pl.col("reason") == 0).then(~pl.col("level").is_in(NOT_JUDGED))
        of_thing = (
            self.told(*judged_at(visit, self.protocol))
            .collect()
            .with_columns(is_judged=is_judged)
            .sort(*days, *SOURCE, nulls_last=True)
            .group_by(*days, "fact", maintain_order=True)
            .agg(pl.col("is_judged").any(ignore_nulls=False), *told)
        )
        read = (
            of_thing.sort("is_judged", nulls_last=True, maintain_order=True)
            .group_by(days, maintain_order=True)
            .agg(pl.col("is_judged").all(ignore_nulls=False), *told)
            .with_columns(why=pl.col("reason").replace_strict(REASONS, default=None, return_dtype=pl.String))
        )
        done = self.told(*(name for name in visit.measures if self._is_procedure(name))).collect()
        done = done.join(read, on=days, how="anti", maintain_order="left")  # most, of one day
        is_of_look = (pl.col("lo_read") <= pl.col("hi")) & (pl.col("hi_read") >= pl.col("lo"))
        is_read = has_one(done, read.select(SUBJECT, lo_read="lo", hi_read="hi"), is_of_look)
        unread = done.filter(~is_read).unique(days, keep="first", maintain_order=True)
        unread = unread.with_columns(is_judged=pl.lit(None, pl.Boolean), why=pl.lit(Reason.MISSING.value))
        columns = (*days, "is_judged", "why", *SOURCE)
        return pl.concat([read.select(columns), unread.select(columns)])

    def _is_procedure(self, name: str) -> bool:
        return name in self.protocol.facts and self.protocol.facts[name].kind == "procedure"


def _day(side: str) -> pl.Expr:
    return pl.col(side).dt.date()


def _days(moments: pl.DataFrame) -> pl.DataFrame:
    """Minutes of subjects as days: `SUBJECT`, `lo`, `hi`, of those of whom anything is known."""
    days = moments.select(pl.col("subject").alias(SUBJECT), lo=_day("earliest"), hi=_day("latest"))
    return days.drop_nulls()


def _moved(days: pl.DataFrame, length: Duration, sign: str) -> pl.DataFrame:
    return days.with_columns(moved(pl.col("lo"), length, sign), moved(pl.col("hi"), length, sign))


def _bounded(people: pl.DataFrame, start: pl.DataFrame, until: pl.DataFrame | None) -> pl.DataFrame:
    """People from a day on, up to another: `SUBJECT`, `lo`, `hi`, `until_lo`, `until_hi`, `gone`, `look`."""
    none = pl.lit(None, pl.Date)
    days = people.join(start, on=SUBJECT).with_columns(until_lo=none, until_hi=none)
    return days if until is None else _ended_with(days, until)


def _ended_with(people: pl.DataFrame, end: pl.DataFrame) -> pl.DataFrame:
    """People as `_bounded` has them, up to another day if it is earlier."""
    ends = [pl.min_horizontal(f"until_{side}", f"{side}_end").alias(f"until_{side}") for side in ("lo", "hi")]
    joined = people.join(end, on=SUBJECT, how="left", suffix="_end")
    return joined.with_columns(ends).drop("lo_end", "hi_end")


def _in_time_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one clock or visit, each person's in the order in which they were due."""
    day = pl.coalesce("ADT", "ENDDT")
    return rows.sort(
        SUBJECT, pl.coalesce("AWLODT", "STARTDT", day), day, nulls_last=True, maintain_order=True
    )
