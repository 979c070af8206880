"""A protocol as the checks see it: with its rules read, and what its names lead to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from trialwright.checks.lengths import least_days, most_days
from trialwright.checks.satisfiability import Requirement
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Clock, Endpoint, Protocol, Visit
from trialwright.protocol.moments import Selection, Span
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rule_tree import Condition, Moment, walk
from trialwright.protocol.rules import RULE
from trialwright.protocol.scopes import make_scope
from trialwright.protocol.stated import Stated
from trialwright.protocol.written_rules import WrittenDate, WrittenRule
from trialwright.vocabulary.documents import Document, Path, dotted
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Problem

RULE_WARNINGS = ("window-not-stated", "implausible-threshold", "repeated-level", "percentage-points")
"""Codes of warnings of rules; `check` tells them too, and `--ignore` knows them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often something is measured: days from one time to the next, the tolerance, and until when."""

    path: Path
    least_gap: int
    most_gap: int
    tolerance: int
    is_grid: bool
    """Whether contacts stay on a grid that late ones do not move."""
    during: str | None = None
    """The period or treatment outside of which nothing is planned."""
    words: str = ""
    """The interval as it is written."""
    is_ours: bool = False
    """Whether the whole row is an assumption of the file."""


@dataclass(frozen=True)
class Checked:
    """A protocol with its document, and everything the checks look up in it."""

    protocol: Protocol
    document: Document
    scope: Scope
    rules: tuple[WrittenRule, ...]
    dates: Mapping[str, WrittenDate]
    _depends: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, loaded: LoadedProtocol) -> Self:
        scope = make_scope(loaded.protocol, loaded.document)
        writing = loaded.writing
        return cls(loaded.protocol, loaded.document, scope, tuple(writing.rules.values()), writing.dates)

    @cached_property
    def rule_warnings(self) -> tuple[Problem, ...]:
        """What is doubtful in the rules themselves, at the very word."""
        found = []
        for rule in self.rules:
            for problem in check_rule(rule.condition, rule.scope):
                within = problem.place or RULE
                place = self.document.place_inside(rule.path, within.line or 1, within.column or 1)
                found.append(replace(problem, place=place, field=dotted(rule.path)))
        return tuple(found)

    # --- eligibility --------------------------------------------------------------------------------------------------

    @cached_property
    def criteria(self) -> tuple[tuple[WrittenRule, Requirement], ...]:
        """The rules of eligibility, each as what a participant must fulfil."""
        return tuple(
            (rule, Requirement(rule.condition, rule.path[1] == "inclusion"))
            for rule in self.rules
            if rule.path[0] == "eligibility"
        )

    @cached_property
    def joint_criteria(self) -> tuple[tuple[WrittenRule, Requirement], ...]:
        """Those that are judged on one day: only they can be held against each other."""
        elsewhere = {
            ("eligibility", side, name)
            for side in ("inclusion", "exclusion")
            for name, one in getattr(self.protocol.eligibility, side).items()
            if one.at not in (None, self.protocol.eligibility.at)
        }
        return tuple(one for one in self.criteria if one[0].path[:3] not in elsewhere)

    @property
    def requirements(self) -> list[Requirement]:
        """What a participant must fulfil on the day criteria are judged."""
        return [requirement for _, requirement in self.joint_criteria]

    def mentions_in_criteria(self, *words: str) -> bool:
        """Whether a criterion speaks of it, in its text or by a name in its rule."""
        pattern = re.compile("|".join(words), re.IGNORECASE)
        eligibility = self.protocol.eligibility
        elements = {**eligibility.inclusion, **eligibility.exclusion}
        texts = [f"{name} {one.text} {one.when or ''}" for name, one in elements.items()]
        return any(pattern.search(text) for text in texts)

    @property
    def record(self) -> str:
        """What a message calls the source of the protocol: the record, or the protocol itself if none is named."""
        registration = self.protocol.study.registered
        return "the record" if registration is not None and registration.nct else "the protocol"

    # --- what is the team's own -----------------------------------------------------------------------------------------

    @staticmethod
    def is_ours(element: Stated, key: str) -> bool:
        """Whether a key of an element is an assumption rather than what the record says."""
        return element.status == "assumed" or key.replace("_", " ") in element.assumed

    def is_open(self, element: Stated, key: str) -> bool:
        """Whether the record leaves a key open: nothing stands there, or what stands there is ours."""
        return getattr(element, key) is None or self.is_ours(element, key)

    # --- moments --------------------------------------------------------------------------------------------------------

    def moment(self, *path: str) -> Moment | None:
        """The date that stands at a path of the document, followed through anchors that others tell; None if there is none."""
        written = self.dates.get(dotted(path))
        return (
            self.followed(written.date) if written is not None and isinstance(written.date, Moment) else None
        )

    def followed(self, moment: Moment) -> Moment:
        """An anchor that is told by another date as that date: `assignment` at `enrolment` is `enrolment`."""
        for _ in self.protocol.anchors:
            told = self.dates.get(dotted(("anchors", moment.name or "", "at")))
            bare = moment.offset is None and moment.which is None
            if told is None or not bare or not isinstance(told.date, Moment):
                break
            moment = told.date
        return moment

    def span(self, period: str) -> Span | None:
        """The span of a period, or from the first to the last dose of a treatment."""
        if period in self.protocol.treatments:
            return Span(Moment(period, "first"), Moment(period, "last"))
        written = self.dates.get(dotted(("periods", period, "span")))
        if written is None or not isinstance(written.date, Span):
            return None
        return replace(
            written.date, start=self.followed(written.date.start), end=self.followed(written.date.end)
        )

    def baseline(self) -> Selection | None:
        """The baseline that rules call `baseline`."""
        named = self.protocol.baseline or ""
        path = ("baselines", named, "take") if named in self.protocol.baselines else ("baseline",)
        written = self.dates.get(dotted(path))
        found = written.date if written is not None and isinstance(written.date, Selection) else None
        return (
            replace(found, until=self.followed(found.until)) if found is not None and found.until else found
        )

    def reach(self, *path: str) -> tree.Within | None:
        """`7 days of first durvalumab`, where it stands at a path of the document."""
        written = self.dates.get(dotted(path))
        return written.date if written is not None and isinstance(written.date, tree.Within) else None

    # --- events and what they rest on -----------------------------------------------------------------------------------

    def names_in(self, condition: Condition) -> set[str]:
        """Facts, events, anchors and treatments that a rule names."""
        names = set()
        for node in walk(condition):
            if isinstance(node, Moment):
                names.add(node.name or "")
            else:
                names.add(getattr(node, "fact", None) or "")
        return names - {""}

    def rules_of(self, *element: str) -> list[WrittenRule]:
        return [rule for rule in self.rules if rule.path[:-1] == element]

    def depends_on(self, event: str) -> frozenset[str]:
        """All names an event rests on, through the events it is made of; itself included."""
        known = self._depends.get(event)
        if known is not None:
            return known
        found: set[str] = set()
        to_follow = [event]
        while to_follow:
            name = to_follow.pop()
            if name in found:
                continue
            found.add(name)
            one = self.protocol.events.get(name)
            if one is None:
                continue
            to_follow += [*one.all_of, *one.any_of, *([one.of] if one.of else [])]
            for rule in self.rules_of("events", name):
                if rule.path[-1] == "when":
                    to_follow += self.names_in(rule.condition)
        self._depends[event] = frozenset(found)
        return self._depends[event]

    def measured_by(self, event: str) -> dict[str, Fact]:
        """The facts with results (numbers, categories) an event rests on; parts of scores in place of the score."""
        found: dict[str, Fact] = {}
        for name in self.depends_on(event):
            fact = self.scope.facts.get(name)
            if fact is not None and fact.kind in ("number", "category", "yes or no") and not fact.once:
                found[name] = fact
        return dict(sorted(found.items()))

    @staticmethod
    def events_of(endpoint: Endpoint) -> tuple[str, ...]:
        return (endpoint.rate_of, *endpoint.time_to) if endpoint.rate_of else endpoint.time_to

    def facts_of(self, endpoint: Endpoint) -> dict[str, Fact]:
        """The facts with results that an endpoint rests on."""
        found = {
            name: one for event in self.events_of(endpoint) for name, one in self.measured_by(event).items()
        }
        if endpoint.of and endpoint.of in self.scope.facts:
            found[endpoint.of] = self.scope.facts[endpoint.of]
        return found

    def is_death(self, name: str) -> bool:
        """Whether an event is death from any cause, told by its name."""
        return (
            re.fullmatch(r"death|died|death_from_any_cause|death_any_cause|all_cause_death", name) is not None
        )

    def is_new_therapy(self, name: str) -> bool:
        """Whether an event is that another treatment of the disease begins, told by its name."""
        first = r"(new|other|another|further|next|subsequent|additional|non_(study|protocol))"
        what = r"(therapy|therapies|treatment|treatments|regimen|drug|line)"
        return re.fullmatch(rf"(start_of_)?{first}_(\w+_)?{what}(_\w+)?", name) is not None

    @cached_property
    def primary(self) -> dict[str, Endpoint]:
        return {name: one for name, one in self.protocol.endpoints.items() if one.role == "primary"}

    @cached_property
    def main_endpoints(self) -> dict[str, Endpoint]:
        """Those that are not exploratory, and that the record has."""
        endpoints = self.protocol.endpoints.items()
        return {name: one for name, one in endpoints if one.role != "exploratory" and one.status != "assumed"}

    # --- the calendar ---------------------------------------------------------------------------------------------------

    @cached_property
    def schedules(self) -> Mapping[str, tuple[Schedule, ...]]:
        """By fact: the rows of contacts that measure it."""
        found: dict[str, list[Schedule]] = {}
        for visit_id, visit in self.protocol.visits.items():
            if visit.every is not None:
                schedule = _of_visit(("visits", visit_id), visit, visit.every)
                for name in visit.measures:
                    found.setdefault(name, []).append(schedule)
        for clock_id, clock in self.protocol.clocks.items():
            measured = clock.measure or clock.assess
            schedule_of_clock = _of_clock(("clocks", clock_id), clock)
            if measured is not None and schedule_of_clock is not None:
                found.setdefault(measured, []).append(schedule_of_clock)
        return {name: tuple(schedules) for name, schedules in found.items()}

    def is_planned(self, name: str) -> bool:
        """Whether the record plans when a fact is measured; visits that are ours do not count."""
        concept = self.scope.facts[name].concept if name in self.scope.facts else None
        visits = [one for one in self.protocol.visits.values() if not self.is_ours(one, "measures")]
        clocks = [one for one in self.protocol.clocks.values() if one.status != "assumed"]
        planned = {fact for visit in visits for fact in visit.measures}
        planned |= {fact for clock in clocks for fact in (clock.measure, clock.assess) if fact}
        concepts = {self.scope.facts[fact].concept for fact in planned if fact in self.scope.facts} - {None}
        return name in planned or concept in concepts

    def longest_treatment(self, treatment: str) -> int | None:
        """Days from the first to the last dose at most, where a stopping rule counts doses; None if none does."""
        one = self.protocol.treatments.get(treatment)
        if one is None:
            return None
        if one.duration is not None:
            return most_days(one.duration)
        doses = self.most_doses(treatment)
        return None if one.every is None or doses is None else (doses - 1) * most_days(one.every)

    def most_doses(self, treatment: str) -> int | None:
        """How many doses a stopping rule allows at most; None if none counts them."""
        doses = [
            int(node.right.number)
            for rule in self.rules
            if rule.path[:2] == ("treatments", treatment)
            for node in walk(rule.condition)
            if isinstance(node, tree.Compare)
            and isinstance(node.left, tree.Count)
            and node.left.fact == treatment
            and node.op in (">=", "=")
            and isinstance(node.right, tree.Quantity)
        ]
        return min(doses, default=None)


def _of_visit(path: Path, visit: Visit, every: Duration) -> Schedule:
    tolerance = most_days(visit.tolerance) if visit.tolerance else 0
    gaps = least_days(every), most_days(every)
    return Schedule(
        path,
        *gaps,
        tolerance,
        visit.counts_from == "anchor",
        None,
        f"every {every}",
        visit.status == "assumed",
    )


def _of_clock(path: Path, clock: Clock) -> Schedule | None:
    tolerance = most_days(clock.tolerance) if clock.tolerance else 0
    is_ours = clock.status == "assumed"
    if clock.at_least_every is not None:
        most = most_days(clock.at_least_every)
        words = f"at least every {clock.at_least_every}"
        return Schedule(path, 0, most, tolerance, False, clock.during, words, is_ours)
    if clock.every is not None:
        gaps = least_days(clock.every.least), most_days(clock.every.most)
        is_grid = clock.counts_from == "anchor"
        return Schedule(path, *gaps, tolerance, is_grid, clock.during, f"every {clock.every}", is_ours)
    return None
