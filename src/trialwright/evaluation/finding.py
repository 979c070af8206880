"""What values ask for, as steps: the records a window may hold beside each case, and what they may say.

candidates   records that may be asked for beside each case; `held` says, as a code, whether the window holds them
best         of the candidates of each case, how surely one is held, and the date that leaves others out
kept         those of them that may be the one asked for
readings     of a value on the right, all that it may be; `cause` is to blame where they differ
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from trialwright.evaluation import reading_terms, terms
from trialwright.evaluation.columns import (
    COLUMNS,
    CONFLICT,
    ENDS,
    FLAGS,
    IMPRECISE,
    IS_SURE,
    LIMITS,
    MISSING,
    NO_DATES,
    PLACE,
    STALE,
    SURELY_ONE,
    Absent,
    Found,
    Grain,
    Placement,
    Readings,
    Several,
    Single,
    absence_of,
    absent_of,
    agreed,
    counts,
    is_kept,
    is_seen,
    names_of,
    read,
    reading_of,
    shape_of,
    tolerance_of,
    written,
)
from trialwright.evaluation.date_terms import (
    AGE,
    ALWAYS,
    BASELINE,
    BIRTH,
    HERE,
    Span,
    age_columns,
    before,
    is_within,
    on_or_before,
)
from trialwright.evaluation.reading_terms import Ends, Reading
from trialwright.evaluation.table import date_columns
from trialwright.evaluation.terms import MET, NOT_MET, Term, text, when
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.rules import place_in
from trialwright.vocabulary.partial_dates import LeapBirthday
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

_CASES, _PEOPLE = "cases", "people"
_NONE: Mapping[str, str] = MappingProxyType({})
_ROW_VALUES = ("reason", "lo", "hi", "level", "lln", "uln")
_ROW_FLAGS = ("lo_open", "hi_open", "is_converted")


@dataclass
class Finder:
    """The steps of a plan, in order, and how to find in them what a value asks for."""

    scope: Scope
    leap_birthday: LeapBirthday
    start: Place
    steps: dict[str, str] = field(default_factory=dict)
    """The name of each step by its query, so that equal steps are one. `cases` and `people` come before them."""
    surely: dict[tuple[str, Grain], dict[str, str]] = field(default_factory=dict)
    """What `surest` was asked: the columns of facts by the query of their records, and its grain."""

    cases: Grain = field(init=False)
    people: Grain = field(init=False)

    def __post_init__(self) -> None:
        self.cases = self.people = Grain(_CASES, ("subject",))
        if self.scope.rows_of is not None:
            self.cases, self.people = Grain(_CASES, ("subject", "row_record")), Grain(_PEOPLE, ("subject",))

    def step(self, kind: str, query: str) -> str:
        return self.steps.setdefault(query, f"{kind}_{len(self.steps) + 1}")

    def query(self, last: str) -> str:
        """The whole query, of which `last` is the SELECT at the end."""
        later = (f"{name} AS ({query})" for query, name in self.steps.items())
        body = ",\n".join([*self._surest_steps(), *later])
        asked = f"{body} {age_columns(self.leap_birthday)}" if "c.age_" in body else body
        steps = ",\n".join([*self._first_steps(asked), body])
        return f"WITH {steps}\n{last}"

    def _first_steps(self, body: str) -> list[str]:
        """`cases` and `people`, with those of their columns that the other steps name."""
        dates = [f"s.{terms.name(it)}" for it in date_columns(self.scope.periods) if self._is_asked(body, it)]
        if self.scope.rows_of is None:
            here = "s.anchor_earliest AS here_earliest, s.anchor_latest AS here_latest"
            return [self._aged(body, f"SELECT {', '.join(['s.subject', here, *dates])} FROM subjects s")]
        people = f"{_PEOPLE} AS (SELECT {', '.join(['s.subject', *dates])} FROM subjects s)"
        # A record that is given twice is one row.
        values = [
            f"max(o.{name}) AS row_{name}" for name in _ROW_VALUES if self._is_asked(body, f"row_{name}")
        ]
        values += [
            f"bool_or(o.{name}) AS row_{name}" for name in _ROW_FLAGS if self._is_asked(body, f"row_{name}")
        ]
        here = "max(o.earliest) AS here_earliest, max(o.latest) AS here_latest"
        rows = (
            f"SELECT {', '.join(['o.subject', 'o.record AS row_record', here, *values])} FROM observations o "
        )
        rows += f"WHERE o.fact = {text(self.scope.rows_of)} GROUP BY o.subject, o.record"
        up_to_cut = "s.cut_latest IS NULL OR r.here_earliest <= s.cut_latest"
        cases = f"SELECT {', '.join(['r.*', *dates])} FROM ({rows}) r JOIN subjects s ON s.subject = r.subject WHERE {up_to_cut}"
        return [*([people] if f"FROM {_PEOPLE} " in body else []), self._aged(body, cases)]

    def _aged(self, body: str, cases: str) -> str:
        if "c.age_" in body:
            cases = f"SELECT c.*, {age_columns(self.leap_birthday)} FROM ({cases}) c"
        return f"{_CASES} AS ({cases})"

    @staticmethod
    def _is_asked(body: str, column: str) -> bool:
        return any(f"{source}.{name}" in body for source in "cn" for name in (column, terms.name(column)))

    def refused(self, construct: str, node: tree.Node) -> ProblemsFound:
        message = f"`{construct}` cannot be judged for many people in one query"
        return ProblemsFound([Problem("not-for-many", message, place_in(self.start, node.at))])

    # --- values -------------------------------------------------------------------------------------------------------

    def find(self, value: tree.Value) -> Found:
        """What a value may be."""
        match value:
            case tree.Pick(which, name, window):
                return self.results(which, name, window)
            case tree.Once(name):
                fact = self.scope.facts[name]
                always = Placement(lambda _: ALWAYS, is_of_person=True)
                return self.candidates("once", fact, always, absent_of(fact))
            case tree.RowValue():
                return self.row_value()
            case tree.RowDate():
                return Single("date", HERE.reading)
            case tree.Moment(name, _, offset, sign):
                here = Single("date", HERE.moved(offset, sign).reading)
                return here if name is None else self.date_of(name, value)
            case tree.Age():
                is_born_later = Term("(c.age_most < 0)", is_flag=True)
                years = reading_terms.either(is_born_later, reading_terms.anything(CONFLICT), AGE)
                return Single("number", years, BIRTH.is_known)
            case tree.Baseline(name):
                return self.baseline(self.scope.facts[name or str(self.scope.rows_of)])
            case tree.Nadir(name):
                return self.nadir(self.scope.facts[name or str(self.scope.rows_of)])
            case tree.Count(name, window):
                return self.count(self.scope.facts[name], window)
            case tree.Score():
                raise self.refused("score", value)
            case tree.Change() | tree.Ratio():
                raise TypeError("a change or ratio is no single result")

    def row_value(self) -> Single:
        """The value of the row. A row of a date, a drug or an event has none."""
        fact = self.scope.facts[str(self.scope.rows_of)]
        shape = shape_of(fact)
        if shape == "date":
            return Single(shape, reading_terms.anything(MISSING, is_date=True), is_there=False)
        is_there = terms.is_null(Term("c.row_reason")) ^ True
        if shape == "level":
            level = Term("c.row_level")
            return Single(shape, Reading(Ends(0.0, 0.0), Term("c.row_reason"), level=level), is_there)
        ends = Ends(*(Term(f"c.row_{name}", is_flag=name in FLAGS) for name in ENDS))
        tolerance = Term(tolerance_of("c.row_is_converted"))
        lln, uln = Ends.exactly(Term("c.row_lln")), Ends.exactly(Term("c.row_uln"))
        return Single(shape, Reading(ends, Term("c.row_reason"), tolerance, lln=lln, uln=uln), is_there)

    def results(
        self,
        which: str,
        name: str,
        window: tree.Window | None,
        *,
        absent: Absent | None = None,
        role: str | None = None,
    ) -> Several:
        """The results of a fact that are or may be in a window."""
        fact = self.scope.facts[name]
        place = self.placement(window)
        return self.candidates(which, fact, place, absent or absent_of(fact, may_be_stale=True), role=role)

    # --- candidates ---------------------------------------------------------------------------------------------------

    def candidates(
        self,
        which: str,
        fact: Fact,
        place: Placement,
        absent: Absent,
        *,
        role: str | None = None,
        all_cases: bool = False,
    ) -> Several:
        """The records of a fact beside each case, or beside each person where the row makes no difference.

        Every case has a row, if only an empty one, where it matters whether the window has its place. A case has none for
        records that its window surely does not hold, where the window counts from the case.
        """
        grain = self.people if place.is_of_person else self.cases
        absent = replace(absent, nowhere=place.nowhere)
        is_complete = all_cases or (place.nowhere is not None and place.nowhere != absent.code)
        join = "LEFT JOIN" if is_complete else "JOIN"
        role_is = "" if role is None else f" AND o.role = {text(role)}"
        is_record = f"{counts(fact, 'c')}{role_is}"
        tables, holds = f"{grain.step} c {join} observations o ON {is_record}", place.holds(Span.of("o"))
        is_empty = terms.is_null(Term("o.record")) if is_complete else False
        held = text(when((is_empty, NOT_MET), (place.is_nowhere, NOT_MET), holds.code))
        is_past = "(o.earliest <= c.here_latest)" if grain is self.cases else "FALSE"
        columns = (
            f"{grain.of('c')}, o.record, {read(fact)}, o.earliest, o.latest, "
            f"{is_past} AS is_past, {text(place.is_nowhere)} AS is_nowhere"
        )
        query = f"SELECT {columns}, {held} AS held FROM {tables}"
        if place.moments is not None:
            query += f" LEFT JOIN {place.moments} m ON m.subject = c.subject"
        if place.moments is not None and not place.is_one_moment:
            kept = ", ".join((*grain.keys, *names_of(shape_of(fact)), *PLACE[:-1]))
            together = "max(held)" if place.any_of_them else agreed("held", str(CONFLICT))
            query = f"SELECT {kept}, {together} AS held FROM ({query}) t GROUP BY {kept}"
        if grain is self.cases and place.nowhere is None and place.moments is None:
            held, may_hold = text(holds.code_if_at_all), text(holds.never ^ True)
            query = f"SELECT {columns}, {held} AS held FROM {tables} AND {may_hold}"
        some = Several(shape_of(fact), self.step("candidates", query), grain, which, absent)
        if not (absent.may_be_stale and absent.code == MISSING):
            return some
        first = (
            f"SELECT c.subject, min(o.earliest) AS earliest FROM {self.people.step} c "
            f"JOIN observations o ON {is_record} GROUP BY c.subject"
        )
        return replace(some, first_seen=self.step("first_seen", first))

    def surest(self, fact: Fact, place: Placement) -> tuple[str, Grain, str]:
        """How surely a window holds a record of a fact that has no results: a step, its grain and its column there.

        One step answers for all facts that are asked for in the same window, which counts from no named moment; the column
        is null where the window holds none.
        """
        grain = self.people if place.is_of_person else self.cases
        holds = place.holds(Span.of("o"))
        query = (
            f"SELECT {grain.of('c')}, o.fact, {text(holds.code_if_at_all)} AS held FROM {grain.step} c "
            f"JOIN observations o ON {is_seen('c')} AND {text((place.is_nowhere | holds.never) ^ True)}"
        )
        columns = self.surely.setdefault((query, grain), {})
        column = columns.setdefault(fact.name, f"held_{len(columns) + 1}")
        return f"surest_{list(self.surely).index((query, grain)) + 1}", grain, column

    def _surest_steps(self) -> Iterator[str]:
        for number, ((query, grain), columns) in enumerate(self.surely.items(), start=1):
            several = ", ".join(
                f"max(CASE WHEN l.fact = {text(fact)} THEN l.held END) AS {column}"
                for fact, column in columns.items()
            )
            facts = ", ".join(map(text, columns))
            yield (
                f"surest_{number} AS (SELECT {grain.of('l')}, {several} FROM ({query} AND o.fact IN ({facts})) l "
                f"GROUP BY {grain.of('l')})"
            )

    def several(self, some: Found) -> Several:
        """One reading per case as candidates."""
        if isinstance(some, Several):
            return some
        columns = f"{self.cases.of('c')}, {SURELY_ONE}, {written(some.shape, some.reading)}"
        query = f"SELECT {columns} FROM {_CASES} c WHERE {text(some.is_there)}"
        return Several(some.shape, self.step("candidates", query), self.cases, "once", Absent(MISSING))

    def beside_each_case(self, some: Several) -> Several:
        """The candidates of a person as those of each of the person's rows."""
        if some.grain is self.cases:
            return some
        columns = ", ".join(f"l.{name}" for name in (*COLUMNS[some.shape], *PLACE) if name != "is_past")
        is_past = "(l.earliest <= c.here_latest) AS is_past"
        query = f"SELECT {self.cases.of('c')}, {columns}, {is_past} FROM {_CASES} c JOIN {some.step} l ON l.subject = c.subject"
        return replace(some, step=self.step("candidates", query), grain=self.cases, first_seen=None)

    def placement(self, window: tree.Window | None) -> Placement:
        """What a window holds.

        Both ends of every window are in. No window is, like `ever`, any time up to where the rule is judged. What did not
        happen (its fact's absence is `no`) has nothing around it.
        """
        match window:
            case None | tree.Ever():
                return Placement(lambda date: on_or_before(date, HERE))
            case tree.During(period):
                start, end = (Span.of("c", f"{period}_{side}_") for side in ("start", "end"))
                is_nowhere = start.is_unknown | end.is_unknown
                inside = lambda date: on_or_before(start, date) & on_or_before(date, end)  # noqa: E731
                return Placement(inside, is_nowhere, MISSING, is_of_person=True)
            case tree.Within(_, _, moment) | tree.Since(moment) if moment.name is None:
                here = HERE.moved(moment.offset, moment.sign)
                return Placement(lambda date: is_within(window, date, here))
            case tree.Within(_, _, moment) | tree.Since(moment):
                absence = absence_of(self.scope.facts[str(moment.name)])
                return Placement(
                    lambda date: is_within(window, date, Span.of("m")),
                    is_nowhere=terms.is_null(Term("m.subject")),
                    nowhere=None if absence == NOT_MET else absence,
                    moments=self.moments(moment),
                    any_of_them=moment.which == "any",
                    is_one_moment=moment.which in ("first", "last"),
                    is_of_person=isinstance(window, tree.Within),
                )

    def moments(self, moment: tree.Moment) -> str:
        """A step with the dates, per person, that a named moment may be.

        The last of several is as early as the latest of their earliest days, and as late as the latest of their latest.
        """
        tables = (
            f"{self.people.step} c JOIN observations o ON {counts(self.scope.facts[str(moment.name)], 'c')}"
        )
        query = f"SELECT o.subject, o.record, o.earliest, o.latest FROM {tables}"
        if moment.which in ("first", "last"):
            pick = "min" if moment.which == "first" else "max"
            dates = f"{pick}(o.earliest) AS earliest, {pick}(o.latest) AS latest"
            query = f"SELECT o.subject, NULL AS record, {dates} FROM {tables} GROUP BY o.subject"
        if moment.offset is not None:
            first, last = Span.of("d").moved(moment.offset, moment.sign)
            query = f"SELECT d.subject, d.record, {first} AS earliest, {last} AS latest FROM ({query}) d"
        return self.step("moments", query)

    def date_of(self, name: str, moment: tree.Moment) -> Several:
        """A named moment as something to compare."""
        place = SURELY_ONE.replace("NULL AS record", "m.record", 1)
        columns = f"m.subject, {place}, {written('date', Span.of('m').reading)}"
        step = self.step("candidates", f"SELECT {columns} FROM {self.moments(moment)} m")
        return Several("date", step, self.people, "once", Absent(absence_of(self.scope.facts[name])))

    def baseline(self, fact: Fact) -> Several:
        """The last result on or before the moment of baseline."""
        holds = lambda date: on_or_before(date, BASELINE)  # noqa: E731
        place = Placement(holds, BASELINE.is_unknown, MISSING, is_of_person=True)
        return self.candidates("last", fact, place, absent_of(fact))

    def nadir(self, fact: Fact) -> Several:
        """The lowest of the baseline and the results after it and before where the rule is judged."""
        some, keys = self.baseline(fact), self.cases.of("c")
        columns = ", ".join((*names_of("number"), "record", "held"))
        is_later = (before(BASELINE, Span.of("o")) & before(Span.of("o"), HERE)).code
        around = ", ".join(f"l.{name}" for name in (*names_of("number"), "record", "held"))
        several = (
            f"SELECT {keys}, {around} FROM {_CASES} c JOIN {self.around(some)} l ON l.subject = c.subject UNION ALL "
            f"SELECT {keys}, {columns} FROM (SELECT {keys}, {read(fact)}, o.record, {text(is_later)} AS held "
            f"FROM {_CASES} c JOIN observations o ON {counts(fact, 'c')} AND {BASELINE.is_known}) c WHERE held > {NOT_MET}"
        )
        query = f"SELECT t.*, {NO_DATES}, FALSE AS is_past, FALSE AS is_nowhere FROM ({several}) t"
        if some.absent.code == MISSING:
            return Several("number", self.step("candidates", query), self.cases, "min", Absent(MISSING))
        no_limits = ", ".join(f"NULL AS {name}" for name in LIMITS)
        nowhere = (
            f"SELECT {keys}, {written('number', reading_terms.anything(MISSING))}, {no_limits}, NULL AS record, {NOT_MET} AS held, "
            f"{NO_DATES}, FALSE AS is_past, TRUE AS is_nowhere FROM {_CASES} c WHERE {BASELINE.is_unknown}"
        )
        step = self.step("candidates", f"{query} UNION ALL {nowhere}")
        return Several("number", step, self.cases, "min", Absent(some.absent.code, nowhere=MISSING))

    def around(self, some: Several) -> str:
        """A step with one reading around all that a baseline may be."""
        keys, columns = some.grain.of("l"), ", ".join(f"l.{name}" for name in names_of("number"))
        different = (
            f"SELECT {keys}, {columns}, min(l.cause) AS cause, max(l.best) AS best FROM {self.kept(some)} l "
            f"GROUP BY {keys}, {columns}"
        )
        limits = ", ".join(
            f"CASE WHEN count(l.{name}) = count(*) THEN {'min' if name.endswith('lo') else 'max'}(l.{name}) END AS {name}"
            for name in LIMITS
        )
        query = (
            f"SELECT {keys}, min(l.lo) AS lo, max(l.hi) AS hi, {_outermost_is_open('lo', 'min')} AS lo_open, "
            f"{_outermost_is_open('hi', 'max')} AS hi_open, "
            f"CASE WHEN count(*) = 1 THEN max(l.reason) ELSE GREATEST(max(l.reason), min(l.cause)) END AS reason, "
            f"max(l.tolerance) AS tolerance, {limits}, NULL AS record, "
            f"CASE WHEN max(l.best) = {MET} THEN {MET} ELSE {IMPRECISE} END AS held FROM ({different}) l GROUP BY {keys}"
        )
        return self.step("around", query)

    def count(self, fact: Fact, window: tree.Window | None) -> Several:
        """How many records there are; at least so many if a record that is absent may still have happened."""
        place, absence = self.placement(window), absence_of(fact)
        records = self.candidates("any", fact, place, Absent(absence), all_cases=place.nowhere is not None)
        grain = records.grain
        surely = f"count(DISTINCT CASE WHEN l.held = {MET} THEN l.record END) AS surely"
        at_most = f"count(DISTINCT CASE WHEN l.held > {NOT_MET} THEN l.record END) AS at_most"
        counted = f"SELECT {grain.of('l')}, {surely}, {at_most}, bool_or(l.is_nowhere) AS is_nowhere FROM {records.step} l"
        counted = self.step("counted", f"{counted} GROUP BY {grain.of('l')}")
        lo, hi = (Term(f"CAST(COALESCE(n.{column}, 0) AS DOUBLE)") for column in ("surely", "at_most"))
        reading = Reading(Ends(lo, hi), IMPRECISE)
        if absence != NOT_MET:
            reading = Reading(Ends(lo, terms.INFINITY, hi_open=True), absence)
        columns = f"{grain.of('c')}, {SURELY_ONE}, {written('number', reading)}"
        query = f"SELECT {columns} FROM {grain.step} c LEFT JOIN {counted} n ON {grain.same('n', 'c')}"
        query += " WHERE n.is_nowhere IS NOT TRUE" if place.nowhere is not None else ""
        absent = Absent(MISSING if place.nowhere is None else place.nowhere)
        return Several("number", self.step("candidates", query), grain, "once", absent)

    # --- those that may be the one asked for --------------------------------------------------------------------------

    def best(self, some: Several) -> str:
        """A step with the surest of the candidates of each case and what it means if none belongs; where one is picked by
        date also `edge`, the date that leaves earlier (or later) ones out."""
        keys = some.grain.of("l")
        absent = some.absent.of_group(NOT_MET, is_told=some.first_seen is None)
        edge = {"last": "max(CASE WHEN l.held = {} THEN l.earliest END)"}
        edge["first"] = "min(CASE WHEN l.held = {} THEN l.latest END)"
        dated = f", {edge[some.which].format(MET)} AS edge" if some.which in edge else ""
        query = f"SELECT {keys}, max(l.held) AS best, {absent} AS absent{dated} FROM {some.step} l GROUP BY {keys}"
        return self.step("best", query)

    def candidates_of(self, some: Several, named: Mapping[str, str] = _NONE) -> str:
        """Where to select the candidates `l` from, with columns for the terms in `named`, and the best of their case, `e`,
        where one is picked by date."""
        source = terms.source(some.step, "l", named)
        if some.which not in ("last", "first"):
            return source
        return f"{source} JOIN {self.best(some)} e ON {some.grain.same('e', 'l')}"

    def kept(self, some: Several) -> str:
        """A step with the candidates that may be the one asked for, what to blame for each if they differ, and the surest
        of them."""
        cause = str(CONFLICT)
        if some.which in ("last", "first"):
            cause = f"CASE WHEN {IS_SURE} THEN {CONFLICT} ELSE {IMPRECISE} END"
        tables = f"{some.step} l JOIN {self.best(some)} e ON {some.grain.same('e', 'l')}"
        query = f"SELECT l.*, e.best, {cause} AS cause FROM {tables} WHERE {is_kept(some.which)}"
        return self.step("kept", query)

    def readings(self, some: Several) -> Readings:
        """The candidates that may be the one asked for, and why nothing is known where none is or none surely belongs."""
        grain, seen, default = some.grain, "", self.default(some, NOT_MET)
        reason, cause, of_found = f"COALESCE(l.absent, {default})", str(CONFLICT), f"{CONFLICT} AS cause"
        if some.which == "once":
            best, found, is_open = some.step, some.step, "l.held IS NULL"
            reason = default
        elif some.which in ("max", "min"):
            best, is_open = self.extreme(some), f"COALESCE(l.best, {NOT_MET}) = {NOT_MET}"
            found = f"(SELECT * FROM {best} f WHERE f.best > {NOT_MET})"
        else:
            best, found, is_open = self.best(some), self.kept(some), f"COALESCE(l.best, {NOT_MET}) < {MET}"
            of_found = "f.cause"
            reason = f"CASE WHEN l.best > {NOT_MET} THEN {IMPRECISE} ELSE {reason} END"
            cause = f"CASE WHEN l.best > {NOT_MET} THEN {IMPRECISE} ELSE {CONFLICT} END"
        columns = ", ".join([*(f"f.{name}" for name in COLUMNS[some.shape]), of_found])
        read = f"SELECT {grain.of('f')}, {columns} FROM {found} f"
        if some.first_seen is not None:
            seen = f" LEFT JOIN {some.first_seen} ON {some.first_seen}.subject = c.subject"
        if some.first_seen is not None and grain is not self.cases:
            grain = self.cases
            read = (
                f"SELECT {grain.of('c')}, {columns} FROM {_CASES} c JOIN {found} f ON f.subject = c.subject"
            )
        if some.absent.default(NOT_MET) == NOT_MET:  # then it may be known that there is none
            is_open += f" AND {reason} > {NOT_MET}"
        nothing = written(some.shape, reading_terms.anything(Term(reason), is_date=some.shape == "date"))
        not_known = (
            f"SELECT {grain.of('c')}, {nothing}, {cause} AS cause FROM {grain.step} c LEFT JOIN {best} l "
            f"ON {some.grain.same('l', 'c')}{seen} WHERE {is_open}"
        )
        return Readings(some.shape, self.step("readings", f"{read} UNION ALL {not_known}"), grain)

    @staticmethod
    def default(some: Several, is_no: int) -> str:
        """The verdict where there is no candidate, or where only the row tells whether those there are stale."""
        if some.first_seen is None:
            return str(some.absent.default(is_no))
        return f"CASE WHEN {some.first_seen}.earliest <= c.here_latest THEN {STALE} ELSE {MISSING} END"

    def extreme(self, some: Several) -> str:
        """A step with the lowest or highest of several results as one reading, for each case with candidates.

        What may or may not belong widens it. To blame is what is told first among those that may be the lowest or highest.
        """
        pick, keys = some.which, some.grain.of("l")
        outer, inner = ("lo", "hi") if pick == "min" else ("hi", "lo")
        any_held, surely_held = f"l.held > {NOT_MET}", f"l.held = {MET}"
        innermost, open_one = (
            f"{pick}(CASE WHEN {surely_held}{is_open} THEN l.{inner} END)"
            for is_open in ("", f" AND l.{inner}_open")
        )
        # Where ends are equal, the closed one lets more in: it is the outer end of all, not the inner one of those that
        # surely belong.
        found = {
            outer: f"{pick}(CASE WHEN {any_held} THEN l.{outer} END)",
            inner: innermost,
            f"{outer}_open": _outermost_is_open(outer, pick, any_held),
            f"{inner}_open": f"COALESCE({innermost} = {open_one}, FALSE)",
            "tolerance": f"max(CASE WHEN {any_held} THEN l.tolerance END)",
        }
        nothing = reading_terms.anything(IMPRECISE)
        otherwise = {**{end: getattr(nothing.value, end) for end in ENDS}, "tolerance": nothing.tolerance}
        readings = ", ".join(
            f"CASE WHEN max(l.held) = {MET} THEN {found[name]} ELSE {text(value)} END AS {name}"
            for name, value in otherwise.items()
        )
        absent = some.absent.of_group(NOT_MET, is_told=some.first_seen is None)
        ends = self.step(
            "ends",
            f"SELECT {keys}, {readings}, max(l.held) AS best, {absent} AS absent FROM {some.step} l GROUP BY {keys}",
        )
        same = some.grain.same("e", "l")
        may_be_it = text(reading_of("number", "l").value.overlaps(reading_of("number", "e").value))
        blamed = f"max(GREATEST(l.reason, CASE WHEN l.held < {MET} THEN l.held ELSE {NOT_MET} END))"
        # Joined groups: windows over as many rows as here would sort them all.
        told = (
            f"SELECT {keys}, {blamed} AS reason FROM {some.step} l JOIN {ends} e ON {same} "
            f"WHERE e.lo < e.hi AND {any_held} AND {may_be_it} GROUP BY {keys}"
        )
        reason = f"CASE WHEN e.best < {MET} THEN {IMPRECISE} WHEN e.lo = e.hi THEN 0 ELSE COALESCE(l.reason, 0) END"
        query = f"SELECT e.*, {reason} AS reason FROM {ends} e LEFT JOIN ({told}) l ON {same}"
        return self.step("extremes", query)


def _outermost_is_open(end: str, pick: str, *conditions: str) -> str:
    """Whether the lowest or highest of several ends is open: of those that are equal, a closed one counts."""
    outermost, closed = (
        f"{pick}(CASE WHEN {' AND '.join(some)} THEN l.{end} END)" if some else f"{pick}(l.{end})"
        for some in (conditions, (*conditions, f"NOT l.{end}_open"))
    )
    return f"COALESCE({outermost} {'<' if pick == 'min' else '>'} {closed}, TRUE)"
