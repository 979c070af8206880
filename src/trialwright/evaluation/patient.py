"""One patient: the verdict of a rule, the evidence for it, and what to ask next.

What the constructs mean stands in `rules.lark`. Four ideas carry the rest. A result is what it may be: numbers, a level
or a date, with the reason why it is not exact. A window holds an observation, leaves it out, or may hold it. Results any
of which may be the one asked for must agree. Where none is in the window, the fact's `absence` decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from trialwright.evaluation.asking import AskList, ask_lists
from trialwright.evaluation.codes import (
    MET,
    NOT_MET,
    REASONS,
    VERDICTS,
    agree,
    all_of,
    is_known,
    negated,
    told_first,
)
from trialwright.evaluation.evidence import Evidence
from trialwright.evaluation.moments import Holds, Span, before, moved, on_or_before, span_of
from trialwright.evaluation.notes import Notes
from trialwright.evaluation.observations import ANY_DAY, Observation, Subject
from trialwright.evaluation.readings import Reading, Readings, Score, read_observation
from trialwright.evaluation.several import (
    Held,
    Some,
    Tested,
    around_all,
    decided,
    extreme,
    may_be_picked,
    nothing_known,
)
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Absence, Fact, Scope
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Comparison, Interval, Threshold
from trialwright.vocabulary.partial_dates import LeapBirthday, PartialDate, age_in_years, compare_dates
from trialwright.vocabulary.units import conversion_factor
from trialwright.vocabulary.verdicts import Reason, Verdict

_ANYTHING = Interval.anything()
_ONE = Fraction(1)
_NO_SCORES: Mapping[str, Score] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a rule for one person.

    `to_confirm` and `to_rule_out` are both empty where the verdict is known; `asking` says what they are.
    """

    evidence: Evidence
    to_confirm: AskList
    to_rule_out: AskList

    @property
    def verdict(self) -> Verdict:
        return self.evidence.verdict


def judge_patient(
    condition: tree.Condition,
    subject: Subject,
    scope: Scope,
    *,
    row: Observation | None = None,
    scores: Mapping[str, Score] = _NO_SCORES,
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1,
) -> Judgement:
    """Judge a rule for one person.

    Parameters
    ----------
    condition : Condition
        A rule that `check_rule` finds no error in, no deeper than `parse_rule` reads.
    subject : Subject
    scope : Scope
        The facts of the rule.
    row : Observation, optional
        The observation that is judged, for a rule per row.
    scores : mapping of str to Score
        What computes each score of the rule, by the name of its fact.
    leap_birthday : LeapBirthday
        When who was born on 29 February grows older.

    Raises
    ------
    ValueError
        If the rule asks for a row and none is given, or for a score that nothing computes.
    """
    only = {"rule": condition}
    return judge_rules(only, subject, scope, row=row, scores=scores, leap_birthday=leap_birthday)["rule"]


def judge_rules(
    conditions: Mapping[str, tree.Condition],
    subject: Subject,
    scope: Scope,
    *,
    row: Observation | None = None,
    scores: Mapping[str, Score] = _NO_SCORES,
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1,
) -> dict[str, Judgement]:
    """Judge several rules for one person, each observation being read once; all else is as for `judge_patient`."""
    reader = _Judge(_Records(subject, scope.facts, scores, leap_birthday), row)
    judged = {}
    for name, condition in conditions.items():
        evidence = reader.judge(condition)
        judged[name] = Judgement(evidence, *ask_lists(evidence, scope.facts))
    return judged


def judge_rows(
    condition: tree.Condition,
    subject: Subject,
    scope: Scope,
    *,
    scores: Mapping[str, Score] = _NO_SCORES,
    leap_birthday: LeapBirthday = LeapBirthday.MARCH_1,
) -> list[tuple[Observation, Judgement]]:
    """Judge a rule at each observation of `scope.rows_of`, in the order given; those after the data cut are no rows.

    Parameters and errors are those of `judge_patient`; ValueError too if the scope judges no rows.
    """
    if scope.rows_of is None:
        raise ValueError("the scope names no fact whose rows are judged")
    records = _Records(subject, scope.facts, scores, leap_birthday)
    judged = []
    for row in subject.by_fact.get(scope.rows_of, ()):
        if records.is_until_cut(row):
            evidence = _Judge(records, row).judge(condition)
            judged.append((row, Judgement(evidence, *ask_lists(evidence, scope.facts))))
    return judged


class _Records:
    """The observations that count, read in the light of their facts."""

    def __init__(
        self,
        subject: Subject,
        facts: Mapping[str, Fact],
        scores: Mapping[str, Score],
        leap_birthday: LeapBirthday,
    ) -> None:
        self.subject = subject
        self.facts = facts
        self.scores = scores
        self.leap_birthday = leap_birthday
        self.at_rows: dict[tuple[int, int], Evidence] = {}
        self._read: dict[str, list[Reading]] = {}
        self._by_concept: dict[str | None, Fact] = {}

    def of(self, name: str) -> list[Reading]:
        """Up to the data cut, and with a result if the fact is one that has results."""
        if name not in self._read:
            fact = self.facts[name]
            self._read[name] = [
                read_observation(one, fact)
                for one in self.subject.by_fact.get(name, ())
                if not (one.value is None and fact.kind in _WITH_RESULT) and self.is_until_cut(one)
            ]
        return self._read[name]

    def is_until_cut(self, one: Observation) -> bool:
        cut = self.subject.cut
        return cut is None or one.date.first_minute <= cut.last_minute

    def part(self, concept: str) -> Fact:
        """The fact that gives a part of a score."""
        if not self._by_concept:
            self._by_concept = {fact.concept: fact for fact in self.facts.values()}
        return self._by_concept[concept]


_WITH_RESULT = (Kind.NUMBER, Kind.CATEGORY, Kind.YES_OR_NO, Kind.ATTESTATION)


class _Judge:
    """Judges conditions at the anchor or at a row."""

    def __init__(self, records: _Records, row: Observation | None) -> None:
        self.records = records
        self.facts = records.facts
        self.subject = records.subject
        self.row = row
        self.here = row.date if row is not None else records.subject.anchor
        self.until_here = Span().until(self.here).holds
        self.notes = Notes()
        self.windows: dict[tuple[int, str, str], Holds] = {}
        self.scored: dict[tuple[str, tree.Window | None], tuple[Reading, Notes]] = {}

    def judge(self, condition: tree.Condition) -> Evidence:
        match condition:
            case tree.AllOf(parts):
                several = tuple(self.judge(part) for part in parts)
                return Evidence(condition, VERDICTS[all_of(part.verdict.code for part in several)], several)
            case tree.AnyOf(parts):
                several = tuple(self.judge(part) for part in parts)
                return Evidence(condition, Verdict.any_of(part.verdict for part in several), several)
            case tree.Not(part):
                one = self.judge(part)
                return Evidence(condition, ~one.verdict, (one,))
            case tree.Compare(left, op, right):
                return self.leaf(condition, lambda: self.comparison(left, op, right))
            case tree.OneOf(value, levels, is_negated):
                return self.leaf(condition, lambda: self.one_of(value, levels, is_negated))
            case tree.Had(fact, window):
                return self.leaf(condition, lambda: self.had(fact, window))
            case tree.Attested(fact):
                return self.leaf(condition, lambda: self.attested(fact))
            case tree.Confirmed(part, after):
                both = self.at(self.the_row(), part), self.leaf(None, lambda: self.confirmed(part, after))
            case tree.Consecutive(part, times):
                both = self.at(self.the_row(), part), self.leaf(None, lambda: self.consecutive(part, times))
        return Evidence(condition, Verdict.all_of(one.verdict for one in both), both)

    def at(self, row: Observation, condition: tree.Condition) -> Evidence:
        """A condition at a row. Several rows may ask about one, and the rule holds on to its conditions meanwhile."""
        key = (id(condition), id(row))
        if key not in self.records.at_rows:
            self.records.at_rows[key] = _Judge(self.records, row).judge(condition)
        return self.records.at_rows[key]

    def leaf(self, condition: tree.Condition | None, judge: Callable[[], int]) -> Evidence:
        self.notes = Notes()
        code = judge()
        still_open = () if is_known(code) else self.notes.open()
        return Evidence(condition, VERDICTS[code], found=self.notes.found(), open=still_open)

    # --- leaves -------------------------------------------------------------------------------------------------------

    def comparison(self, left: tree.Value, op: str, right: tree.Value | tree.Bound) -> int:
        """A value beside a bound. What is compared with something known not to be there is not met."""
        some = self.find(left.of if isinstance(left, (tree.Change, tree.Ratio)) else left)
        bounds = self.bounds(left, right)

        def judge(op: str) -> int:
            def test(reading: Reading) -> int:
                readings, cause = bounds(reading)
                return agree([_compare(reading, op, one) for one in readings], cause) if readings else NOT_MET

            if some.which not in ("max", "min"):
                return self.decide(some, test)
            # The highest of several is above a bound if any of them is, and below it if all are.
            is_any = (op in (">", ">=")) == (some.which == "max")
            return self.decide(some._replace(which="any" if is_any else "all"), test)

        if op == "=" and some.which not in ("any", "all"):
            return all_of((judge(">="), judge("<=")))
        return judge(op)

    def one_of(self, value: tree.Value, levels: tuple[str, ...], is_negated: bool) -> int:
        some = self.find(value)
        if some.which in ("max", "min") and some.inside:
            self.notes.note_found(some.about, some.inside)
            some = _once([extreme(some)], some.about, some.absent)

        def test(reading: Reading) -> int:
            code = _is_one_of(reading, levels)
            return negated(code) if is_negated else code

        return self.decide(some, test)

    def had(self, name: str, window: tree.Window | None) -> int:
        """Whether there is a record in the window. An earlier one says nothing, so an absent one is never stale."""
        some = self.results("any", name, window, self.records.of(name))
        if not some.about:
            return self.decide(some, lambda _: MET)
        code = max((one.held for one in some.inside), default=NOT_MET)
        self.notes.note_found(name, some.inside)
        if code == NOT_MET:
            some = some._replace(absent=_absence(self.facts[name]))
            return self.decide(some, lambda _: MET)
        self.notes.note_unsure(name, some.inside)
        return code

    def attested(self, name: str) -> int:
        """The latest attestation of the named role says yes and has not expired."""
        fact = self.facts[name]
        said = [
            one
            for one in self.records.of(name)
            if fact.by is None or (one.observation is not None and one.observation.by == fact.by)
        ]
        window = tree.Within(fact.valid_for) if fact.valid_for else tree.Ever()
        some = self.results("last", name, window, said)
        needed = Some("last", some.about, some.inside, Reason.NEEDS_A_PERSON.code)
        return self.decide(needed, lambda reading: _is_one_of(reading, ("yes",)))

    def decide(self, some: Some, test: Callable[[Reading], int]) -> int:
        """Put what is asked for to a test."""
        absent = test(some.absent) if isinstance(some.absent, Reading) else some.absent
        if not some.inside:
            self.notes.note_absent(some)
            return absent
        kept, cause = list(some.inside), Reason.CONFLICT
        if some.which not in ("any", "all"):
            kept, cause = may_be_picked(some.which, some.inside)
        tested = [Tested(test(one.reading), one.date, one.held) for one in kept]
        code = decided(some.which, tested, cause, absent)
        self.notes.note_found(some.about, kept)
        if not is_known(code):
            self.notes.note_undecided(some, kept, [one.code for one in tested], cause)
        return code

    # --- repeated findings --------------------------------------------------------------------------------------------

    def confirmed(self, condition: tree.Condition, after: Duration) -> int:
        """The first row at least so long later fulfils it and no row between fails it.

        While no row is that much later the confirmation is not yet due, or missing if the data reach beyond its date.
        """
        row, cut = self.the_row(), self.subject.cut
        due = moved(row.date, after)
        later = self.later_rows(condition)
        far = [one._replace(held=all_of((one.held, on_or_before(due, one.date)))) for one in later]
        between = [
            max(negated(all_of((one.held, negated(other.held)))), one.code)
            for one, other in zip(later, far, strict=True)
        ]
        first = Reason.NOT_YET_DUE.code
        if cut is not None and before(due, cut) == MET:
            first = Reason.MISSING.code
        confirming = [one for one in far if one.held != NOT_MET]
        if confirming:
            kept, cause = may_be_picked("first", confirming)
            first = decided("first", kept, cause, absent=first)
        self.notes.note_open(row.fact, REASONS.get(first), is_unknown=not confirming)
        return self.noted(all_of([first, *between]))

    def consecutive(self, condition: tree.Condition, times: int) -> int:
        """The rows directly after the row, one fewer than asked for, fulfil it; not yet due while there are too few.

        Rows that cannot be ordered count together: where they are more than are still needed, they must agree.
        """
        codes, needed = [], times - 1
        for group in _groups_in_time(self.later_rows(condition)):
            of_group = [one.code for one in group]
            is_known_order = all(one.held == MET and one.date.is_whole for one in group)
            is_all_needed = len(group) <= needed and all(one.held == MET for one in group)
            cause = Reason.CONFLICT if is_known_order else Reason.IMPRECISE_DATE
            codes += of_group if is_all_needed else [agree(of_group, cause)]
            needed -= len(group)
            if needed <= 0:
                break
        else:
            codes.append(Reason.NOT_YET_DUE.code)
        return self.noted(all_of(codes))

    def noted(self, code: int) -> int:
        """A verdict on later rows; if it is unknown, the rows are open."""
        self.notes.note_open(self.the_row().fact, REASONS.get(code))
        return code

    def later_rows(self, condition: tree.Condition) -> list[Tested]:
        """The verdict at each row of the same fact that is or may be after this one."""
        row, rows = self.the_row(), []
        for reading in self.records.of(row.fact):
            other = reading.observation
            is_later = before(row.date, reading.date)
            if other is None or other == row or is_later == NOT_MET:
                continue
            evidence = self.at(other, condition)
            rows.append(Tested(evidence.verdict.code, other.date, is_later))
            self.notes.note_found(row.fact, [Held(reading, other.date, is_later)])
            leaves = list(evidence.leaves())
            self.notes.take_over_found(one for leaf in leaves for one in leaf.found)
            if not evidence.verdict.is_known:
                self.notes.take_over_open(one for leaf in leaves for one in leaf.open)
        return rows

    def the_row(self) -> Observation:
        if self.row is None:
            raise ValueError("the rule is judged per row, and no row is given")
        return self.row

    # --- values -------------------------------------------------------------------------------------------------------

    def find(self, value: tree.Value) -> Some:
        """What a value may be."""
        match value:
            case tree.Pick(which, name, window):
                return self.results(which, name, window, self.records.of(name))
            case tree.Once(name):
                return _once(self.records.of(name), name, _absent(self.facts[name]))
            case tree.RowValue():
                row = self.the_row()
                readings = [] if row.value is None else [read_observation(row, self.facts[row.fact])]
                return _once(readings, row.fact)
            case tree.RowDate():
                row = self.the_row()
                return _once([Reading(row.date, observation=row)], row.fact)
            case tree.Baseline(name):
                return self.baseline(name or self.the_row().fact)
            case tree.Nadir(name):
                return self.nadir(name or self.the_row().fact)
            case tree.Moment(name):
                absent = _absence(self.facts[name]) if name else Reason.MISSING.code
                return _once([Reading(date) for date in self.dates_of(value)], name or "anchor", absent)
            case tree.Age():
                return self.age()
            case tree.Count(name, window):
                return self.count(name, window)
            case tree.Score(name, window):
                return self.score(name, window)
            case tree.Change(of):
                return self.calculated(of, Interval.minus)
            case tree.Ratio(of):
                return self.calculated(of, Interval.over)

    def results(self, which: str, name: str, window: tree.Window | None, readings: Sequence[Reading]) -> Some:
        """The results of a fact that are or may be in a window."""
        holds = self.window(window)
        if isinstance(holds, int):
            return Some(which, "", (), holds)
        inside = _inside(readings, holds)
        is_stale = bool(readings) and not inside and self.notes.note_latest_outside(name, readings, self.here)
        if any(one.held != MET for one in inside):
            self.note_moment(window)
        return Some(which, name, inside, _absent(self.facts[name], is_stale=is_stale))

    def baseline(self, name: str) -> Some:
        """The last result on or before the moment of baseline."""
        moment = self.subject.baseline_at
        if moment is None:
            self.notes.note_open("baseline", Reason.MISSING, is_unknown=True)
            return Some("last", "", (), Reason.MISSING.code)
        self.notes.note_date("baseline", moment)
        inside = _inside(self.records.of(name), Span().until(moment).holds)
        return Some("last", name, inside, _absent(self.facts[name]))

    def nadir(self, name: str) -> Some:
        """The lowest of the baseline and the results after it and before where the rule is judged."""
        baseline, moment = self.baseline(name), self.subject.baseline_at
        if moment is None:
            return baseline._replace(which="min")
        inside = []
        if baseline.inside:
            kept, cause = may_be_picked("last", baseline.inside)
            self.notes.note_found(name, kept)
            is_sure = max(one.held for one in kept)
            inside.append(Held(around_all([one.reading for one in kept], cause), moment, is_sure))
        inside += _inside(
            self.records.of(name), lambda date: all_of((before(moment, date), before(date, self.here)))
        )
        return Some("min", name, inside, baseline.absent)

    def age(self) -> Some:
        """Completed years from birth to where the rule is judged. A birth after that conflicts with it."""
        birth = self.subject.birth
        if birth is None:
            self.notes.note_open("age", Reason.MISSING, is_unknown=True)
            return Some("once", "", (), Reason.MISSING.code)
        self.note_here()
        if birth.first_day > self.here.last_day:
            return _once([Reading(_ANYTHING, Reason.CONFLICT)], "age")
        years = age_in_years(birth, self.here, leap_birthday=self.records.leap_birthday)
        age = Reading(years, Reason.IMPRECISE_DATE)
        self.notes.note_computed("age", age)
        return _once([age], "age")

    def count(self, name: str, window: tree.Window | None) -> Some:
        """How many records there are; at least so many, if a record that is absent may still have happened."""
        holds = self.window(window)
        if isinstance(holds, int):
            return Some("once", "", (), holds)
        inside = _inside(self.records.of(name), holds)
        surely, at_most = sum(one.held == MET for one in inside), len(inside)
        if at_most > surely:
            self.note_moment(window)
        if self.facts[name].absence is Absence.NO:
            counted = Reading(Interval(surely, at_most), Reason.IMPRECISE_DATE)
        else:
            counted = Reading(Interval(surely, math.inf), REASONS[_absence(self.facts[name])])
        self.notes.note_computed(f"count {name}", counted)
        self.notes.note_found(name, inside)
        return _once([counted], name)

    def score(self, name: str, window: tree.Window | None) -> Some:
        """A score of the latest results of its parts in the window; parts that are not known leave it a range."""
        if (name, window) not in self.scored:
            # Two criteria often ask for one score, and it has many parts.
            mine, self.notes = self.notes, Notes()
            self.scored[(name, window)] = self.computed(name, window), self.notes
            self.notes = mine
        score, notes = self.scored[(name, window)]
        self.notes.take_over(notes)
        return _once([score], "")

    def computed(self, name: str, window: tree.Window | None) -> Reading:
        if name not in self.records.scores:
            raise ValueError(f"nothing computes the score `{name}`")
        parts: dict[str, Readings] = {}
        for concept in self.facts[name].parts:
            part = self.records.part(concept)
            latest = self.find(tree.Once(part.name) if part.once else tree.Pick("last", part.name, window))
            readings, cause = self.readings_of(latest, part)
            parts[concept] = (readings or [nothing_known(part, Reason.MISSING)], cause)
        score = self.records.scores[name](parts)
        self.notes.note_computed(name, score)
        return score

    def calculated(self, of: tree.Value, combine: Callable[[Interval, Interval], Interval]) -> Some:
        """A change or a ratio as something to compare with. What is open in it is noted with the parts."""
        fact = self.measured(of)
        values, _ = self.readings_of(self.find(of))
        bases, _ = self.readings_of(self.baseline(fact.name))

        def combined(value: Reading, base: Reading) -> Reading:
            undefined = Reason.UNDEFINED if base.number.contains(0) else None
            if undefined and base.reason is None:
                self.notes.note_open(fact.name, undefined, is_unknown=True)
            reason = told_first(value.reason, base.reason, undefined)
            return Reading(combine(value.number, base.number), reason, is_calculated=True)

        return _once([combined(value, base) for value in values for base in bases], "")

    def readings_of(self, some: Some, fact: Fact | None = None) -> Readings:
        """What is asked for, to calculate or compare with: anything if not known, none if known not to be there."""
        if not some.inside:
            if isinstance(some.absent, Reading):
                return [some.absent], Reason.CONFLICT
            self.notes.note_absent(some)
            reason = REASONS.get(some.absent)
            return [nothing_known(fact, reason)] if reason else [], Reason.CONFLICT
        if some.which in ("max", "min"):
            self.notes.note_found(some.about, some.inside)
            for one in some.inside:
                self.notes.note_inexact(some.about, one.reading)
            self.notes.note_unsure(some.about, some.inside)
            return [extreme(some)], Reason.CONFLICT
        kept, cause = may_be_picked(some.which, some.inside)
        self.notes.note_found(some.about, kept)
        self.notes.note_several(some.about, kept, cause)
        readings = [one.reading for one in kept]
        if not any(one.held == MET for one in kept):
            readings.append(nothing_known(fact, Reason.IMPRECISE_DATE))
        return readings, cause

    # --- bounds -------------------------------------------------------------------------------------------------------

    def bounds(self, left: tree.Value, right: tree.Value | tree.Bound) -> Callable[[Reading], Readings]:
        """What a reading of the left side is compared with; a limit of normal comes with the reading itself."""
        if isinstance(right, tree.Limit):
            return lambda reading: self.limit(reading, right)
        if isinstance(left, (tree.Change, tree.Ratio)):
            fixed = self.relative_bounds(left, right)
        else:
            fixed = self.plain_bounds(self.fact_of(left), right)
        return lambda _: fixed

    def limit(self, reading: Reading, bound: tree.Limit) -> Readings:
        given = reading.uln if bound.limit == "ULN" else reading.lln
        if given is not None:
            return [Reading(given.scaled(float(bound.factor)), is_calculated=True)], Reason.CONFLICT
        if reading.observation is not None:
            about, record = reading.observation.fact, reading.observation.id
            self.notes.note_open(about, Reason.NO_LIMIT, is_unknown=True, record=record)
        return [Reading(_ANYTHING, Reason.NO_LIMIT)], Reason.CONFLICT

    def relative_bounds(self, left: tree.Change | tree.Ratio, right: tree.Value | tree.Bound) -> Readings:
        """`change(x) <= 5` is judged as x <= baseline + 5, `change(x) <= -20 %` as x <= 0.8 * baseline and
        `ratio(x) >= 2` as x >= 2 * baseline, which is right at equality. A share of a baseline that is 0 or may be below
        is undefined.
        """
        fact = self.measured(left.of)
        bases, base_cause = self.readings_of(self.baseline(fact.name))
        is_share = isinstance(right, tree.Quantity) and right.unit == "%" and str(fact.unit) != "%"
        if isinstance(left, tree.Ratio):
            bounds, cause = self.plain_bounds(None, right)
        elif is_share and isinstance(right, tree.Quantity):
            bounds, cause = [Reading(Interval.exactly(float(1 + right.number / 100)))], base_cause
        else:
            bounds, cause = self.plain_bounds(fact, right)
        combine = _times if is_share or isinstance(left, tree.Ratio) else _plus
        combined = [combine(base, bound) for base in bases for bound in bounds]
        is_undefined = any(one.reason is Reason.UNDEFINED for one in combined)
        if is_undefined and not any(one.reason is Reason.UNDEFINED for one in bounds):
            self.notes.note_open(fact.name, Reason.UNDEFINED, is_unknown=True)
        return combined, told_first(base_cause, cause) or cause

    def plain_bounds(self, fact: Fact | None, right: tree.Value | tree.Bound) -> Readings:
        """A number with its unit, a multiple of a value, a length of time, a day, or another value."""
        match right:
            case tree.Quantity(amount, unit):
                return [_stated(amount, _exact_factor(unit, fact))], Reason.CONFLICT
            case tree.Multiple(factor, of):
                readings, cause = self.other_value(fact, of)
                multiples = [_multiple(one, float(factor), of) for one in readings]
                if any(one.reason is Reason.UNDEFINED for one in multiples):
                    about = self.fact_of(of)
                    self.notes.note_open(about.name if about else "", Reason.UNDEFINED, is_unknown=True)
                return multiples, cause
            case tree.Length(duration):
                return [Reading(Interval.exactly((duration.months or 0) // 12))], Reason.CONFLICT
            case tree.Day(day):
                return [Reading(PartialDate.of(day))], Reason.CONFLICT
            case tree.Limit():
                raise TypeError("a limit of normal belongs to a result")
            case _:
                return self.other_value(fact, right)

    def other_value(self, fact: Fact | None, right: tree.Value) -> Readings:
        """Another value, in the unit of the fact on the left."""
        readings, cause = self.readings_of(self.find(right))
        other = self.fact_of(right)
        factor = float(_exact_factor(str(other.unit) if other and other.unit else None, fact))
        return readings if factor == 1 else [_scaled(one, factor) for one in readings], cause

    def fact_of(self, value: tree.Value) -> Fact | None:
        """The fact whose unit a value has; None for counts, ratios, ages and moments."""
        match value:
            case tree.Pick(_, name, _) | tree.Score(name, _) | tree.Once(name):
                return self.facts[name]
            case tree.Baseline(name) | tree.Nadir(name):
                return self.facts[name or self.the_row().fact]
            case tree.RowValue():
                return self.facts[self.the_row().fact]
            case tree.Change(of):
                return self.fact_of(of)
            case _:
                return None

    def measured(self, value: tree.Value) -> Fact:
        """The fact of a result that is compared with its baseline."""
        fact = self.fact_of(value)
        if fact is None:
            raise TypeError(f"{value!r} has no baseline")
        return fact

    # --- moments and windows ------------------------------------------------------------------------------------------

    def dates_of(self, moment: tree.Moment) -> list[PartialDate]:
        """The dates that a moment may be; with `any`, each of them is meant; none if there is no record.

        The last of several is as early as the latest of their earliest days and as late as the latest of their latest.
        """
        if moment.name is None:
            dates = [self.here]
        else:
            readings = self.records.of(moment.name)
            dates = [one.date for one in readings]
            if dates and moment.which in ("first", "last"):
                choose = min if moment.which == "first" else max
                first, last = choose(d.first_minute for d in dates), choose(d.last_minute for d in dates)
                readings = [
                    r for r in readings if r.date.first_minute <= last and r.date.last_minute >= first
                ]
                dates = [PartialDate(f"{moment.which} {moment.name}", first, last)]
            self.notes.note_found(moment.name, [Held(one, one.date, MET) for one in readings])
        if moment.offset is not None:
            dates = [moved(date, moment.offset, moment.sign) for date in dates]
        return dates

    def window(self, window: tree.Window | None) -> Holds | int:
        """Whether a date lies in a window; or a verdict, where the moment that it counts from is not known.

        What did not happen (its fact's absence is `no`) has nothing around it.
        """
        match window:
            case None | tree.Ever():
                return self.until_here
            case tree.During(period):
                if period not in self.subject.periods:
                    self.notes.note_open(f"during {period}", Reason.MISSING, is_unknown=True)
                    return Reason.MISSING.code
                start, end = self.subject.periods[period]
                return Span().since(start).until(end).holds
            case tree.Within(length, side, tree.Moment(None, _, None)):
                # Most windows count from here, and many are equally long.
                key = (length.amount, length.unit, side)
                if key not in self.windows:
                    self.windows[key] = span_of(window, self.here, self.here).holds
                return self.windows[key]
            case tree.Within(_, _, moment) | tree.Since(moment):
                windows = [span_of(window, date, self.here).holds for date in self.dates_of(moment)]
                if not windows:
                    return self.window_around_nothing(str(moment.name))
                if len(windows) == 1:
                    return windows[0]
                if moment.which == "any":
                    return lambda date: max(holds(date) for holds in windows)
                return lambda date: agree([holds(date) for holds in windows], Reason.CONFLICT)

    def window_around_nothing(self, name: str) -> Holds | int:
        absent = _absence(self.facts[name])
        if absent == NOT_MET:
            return lambda _: NOT_MET
        self.notes.note_open(name, REASONS[absent], is_unknown=True)
        return absent

    def note_moment(self, window: tree.Window | None) -> None:
        """What a window counts from is open where it is known in part only."""
        match window:
            case tree.Within(_, _, tree.Moment(str() as name)) | tree.Since(tree.Moment(str() as name)):
                for one in self.records.of(name):
                    self.notes.note_date(name, one.date, one.observation.id if one.observation else None)
            case tree.During(period):
                for end in self.subject.periods[period]:
                    self.notes.note_date(f"during {period}", end)
            case _:
                pass
        self.note_here()

    def note_here(self) -> None:
        if self.row is None:
            self.notes.note_date("anchor", self.here)
        else:
            self.notes.note_date(self.row.fact, self.here, self.row.id)


# --- readings beside each other -----------------------------------------------------------------------------------------


def _once(readings: Iterable[Reading], about: str, absent: int | Reading = Reason.MISSING.code) -> Some:
    """Readings any of which may be meant."""
    return Some("once", about, [Held(reading, ANY_DAY, MET) for reading in readings], absent)


def _inside(readings: Iterable[Reading], holds: Holds) -> list[Held]:
    """Those that are or may be in a window."""
    dated = [Held(one, one.date, holds(one.date)) for one in readings]
    return [one for one in dated if one.held != NOT_MET]


def _absence(fact: Fact, *, is_stale: bool = False) -> int:
    """What it means that there is no record."""
    if fact.absence is Absence.NO:
        return NOT_MET
    if fact.absence is Absence.ASK:
        return Reason.NEEDS_A_PERSON.code
    return Reason.STALE.code if is_stale else Reason.MISSING.code


def _absent(fact: Fact, *, is_stale: bool = False) -> int | Reading:
    """What stands in for a result that is not there: `no`, for a yes-or-no fact that is so unless somebody says else."""
    if fact.kind is Kind.YES_OR_NO and fact.absence is Absence.NO:
        return Reading("no")
    return _absence(fact, is_stale=is_stale)


def _compare(reading: Reading, op: str, bound: Reading) -> int:
    """One reading beside one bound: numbers as intervals, dates by whole days."""
    if isinstance(reading.value, PartialDate) and isinstance(bound.value, PartialDate):
        return compare_dates(reading.value, Comparison(op), bound.value).code
    reason = told_first(reading.reason, bound.reason) or Reason.CENSORED
    if isinstance(reading.value, PartialDate):
        return reason.code
    threshold = Threshold(bound.number, is_product=reading.is_calculated or bound.is_calculated)
    return reading.number.compare(Comparison(op), threshold, reason=reason).code


def _is_one_of(reading: Reading, levels: tuple[str, ...]) -> int:
    """A level that cannot be read may be any. A range of whole numbers is one of them if all in it are."""
    if isinstance(reading.value, str):
        return MET if reading.value in levels else NOT_MET
    unknown = (reading.reason or Reason.UNREADABLE).code
    if reading.value is None:
        return unknown
    interval, listed = reading.number, {float(level) for level in levels}
    if not any(interval.contains(level) for level in listed):
        return NOT_MET
    is_closed = not (interval.lo_open or interval.hi_open)
    if is_closed and interval.lo.is_integer() and interval.hi.is_integer():
        low, high = int(interval.lo), int(interval.hi)
        if high - low < len(listed) and listed.issuperset(range(low, high + 1)):
            return MET
    return unknown


def _scaled(reading: Reading, factor: float) -> Reading:
    return replace(reading, value=reading.number.scaled(factor), is_calculated=True)


def _multiple(reading: Reading, factor: float, of: tree.Value) -> Reading:
    """So many times a value: of a result that is 0 or may be below it is undefined, as the ratio to it is."""
    if isinstance(of, tree.RESULTS):
        return _times(reading, Reading(Interval.exactly(factor)))
    return _scaled(reading, factor)


def _plus(base: Reading, bound: Reading) -> Reading:
    reason = told_first(base.reason, bound.reason)
    return Reading(base.number.plus(bound.number), reason, is_calculated=True)


def _times(base: Reading, bound: Reading) -> Reading:
    reason = told_first(base.reason, bound.reason)
    if base.number == _ANYTHING:
        return Reading(_ANYTHING, reason)
    if base.number.lo < 0 or base.number.hi == 0:
        return Reading(_ANYTHING, told_first(reason, Reason.UNDEFINED))
    return Reading(base.number.times(bound.number), reason, is_calculated=True)


@lru_cache(maxsize=1024)
def _stated(amount: Decimal, factor: Fraction) -> Reading:
    """A number of the rule, in another unit."""
    return Reading(Interval.exactly(float(Fraction(amount) * factor)), is_calculated=factor != 1)


def _exact_factor(unit: str | None, fact: Fact | None) -> Fraction:
    if unit is None or fact is None or fact.unit is None or unit == fact.unit.code:
        return _ONE
    return conversion_factor(unit, fact.unit, equivalences=fact.equivalences, assay=fact.assay)


def _groups_in_time(rows: Sequence[Tested]) -> list[list[Tested]]:
    """Rows in the order of time; those that cannot be ordered are one group."""
    groups: list[list[Tested]] = []
    for row in sorted(rows, key=lambda row: row.date.first_minute):
        if groups and row.date.first_minute <= max(other.date.last_minute for other in groups[-1]):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
