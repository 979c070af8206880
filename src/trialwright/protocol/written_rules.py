"""Every rule and every date a protocol writes: where it stands, what it may name, what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import (
    Selection,
    Span,
    parse_moment,
    parse_reach,
    parse_selection,
    parse_span,
)
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rule_sentences import render_moment_sentence
from trialwright.protocol.rule_tree import Condition, Moment
from trialwright.protocol.rules import RULE, parse_rule
from trialwright.protocol.scopes import make_scope
from trialwright.vocabulary.documents import Document, Path, dotted
from trialwright.vocabulary.problems import Problem, ProblemsFound, Severity, nearest

Date = Moment | Span | tree.Within | Selection


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule of a protocol and the scope it is judged in."""

    path: Path
    text: str
    condition: Condition
    scope: Scope


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A moment, span, reach or selection that a protocol writes outside its rules."""

    path: Path
    text: str
    date: Date


@dataclass(frozen=True, slots=True)
class Writing:
    """The rules and dates of a protocol by dotted path, and what is wrong with those that cannot be read or judged."""

    rules: Mapping[str, WrittenRule]
    dates: Mapping[str, WrittenDate]
    problems: tuple[Problem, ...]


def read_writing(protocol: Protocol, document: Document) -> Writing:
    """Read every rule and date of a protocol and hold them against its scope.

    Each problem has the place of the very word in the file. Where facts of the protocol cannot be, rules and dates are
    only read, for the names they miss may be those.
    """
    reader = _Reader(protocol, document)
    for place in _dates(protocol):
        reader.read_date(place)
    for one in _rules(protocol):
        reader.read_rule(one)
    return Writing(reader.rules, reader.dates, tuple(reader.problems))


def moments_of(date: Date) -> tuple[Moment, ...]:
    """The moments a date is told by."""
    match date:
        case Moment():
            return (date,)
        case Span(start, end):
            return (start, end)
        case tree.Within(_, _, moment):
            return (moment,)
        case Selection(record, until):
            return tuple(one for one in (record, until) if one is not None)


# --- where they stand ---------------------------------------------------------------------------------------------------


class _RuleAt(NamedTuple):
    path: Path
    text: str
    at: str | None = None
    """The moment it is judged at, as the protocol writes it."""
    here: str = "the anchor"
    """What a sentence calls the place where it is judged, if the protocol writes no moment."""
    rows_of: str | None = None


class _DateAt(NamedTuple):
    path: Path
    text: str
    kind: Literal["moment", "span", "reach", "selection"]


def _rules(protocol: Protocol) -> Iterator[_RuleAt]:
    zero = protocol.time_zero
    for id_, group in protocol.groups.items():
        if group.when:
            yield _RuleAt(("groups", id_, "when"), group.when, group.assigned_at or zero)
    for id_, treatment in protocol.treatments.items():
        for stop, rule in treatment.until.items():
            if rule.when:
                path: Path = ("treatments", id_, "until", stop, "when")
                yield _RuleAt(path, rule.when, here="the day of judgement")
    for id_, population in protocol.populations.items():
        if population.when:
            yield _RuleAt(("populations", id_, "when"), population.when, population.at or zero)
    for side in ("inclusion", "exclusion"):
        for id_, criterion in getattr(protocol.eligibility, side).items():
            if criterion.when:
                path = ("eligibility", side, id_, "when")
                yield _RuleAt(path, criterion.when, criterion.at or protocol.eligibility.at)
    for id_, event in protocol.events.items():
        for key, text in (("when", event.when), ("over when", event.over_when)):
            if text:
                yield _RuleAt(("events", id_, key), text, here="the data cut", rows_of=event.of)
    for id_, deviation in protocol.deviations.items():
        if deviation.when:
            path = ("deviations", id_, "when")
            yield _RuleAt(path, deviation.when, here="the data cut", rows_of=deviation.of)


def _dates(protocol: Protocol) -> Iterator[_DateAt]:
    if protocol.time_zero:
        yield _DateAt(("time zero",), protocol.time_zero, "moment")
    if protocol.baseline and protocol.baseline not in protocol.baselines:
        yield _DateAt(("baseline",), protocol.baseline, "selection")
    if protocol.eligibility.at:
        yield _DateAt(("eligibility", "at"), protocol.eligibility.at, "moment")
    for path, element in _elements(protocol):
        for name, kind in _KEYS.items():
            text = getattr(element, name, None)
            if isinstance(text, str):
                yield _DateAt((*path, _key(name)), text, kind)
    for id_, endpoint in protocol.endpoints.items():
        for cause, censoring in endpoint.censoring.items():
            yield _DateAt(("endpoints", id_, "censoring", cause, "at"), censoring.at, "selection")


_KEYS: Mapping[str, Literal["moment", "span", "reach", "selection"]] = {
    "assigned_at": "moment",
    "at": "moment",
    "from_": "moment",
    "entry": "moment",
    "until": "moment",
    "within": "reach",
    "at_least": "reach",
    "span": "span",
    "take": "selection",
    "censored_at": "selection",
}
"""Keys that hold dates wherever they hold text; a length of time under the same key is no text."""


def _elements(protocol: Protocol) -> Iterator[tuple[Path, Any]]:
    """Every element that may write a date under one of `_KEYS`."""
    for section in (
        "groups",
        "anchors",
        "baselines",
        "periods",
        "populations",
        "visits",
        "clocks",
        "analyses",
    ):
        for id_, element in getattr(protocol, section).items():
            yield (section, id_), element
    for side in ("inclusion", "exclusion"):
        for id_, criterion in getattr(protocol.eligibility, side).items():
            yield ("eligibility", side, id_), criterion
    for id_, endpoint in protocol.endpoints.items():
        yield ("endpoints", id_), endpoint


def _key(name: str) -> str:
    return name.rstrip("_").replace("_", " ")


# --- reading them -------------------------------------------------------------------------------------------------------

_PARSERS: Mapping[str, Callable[[str], Date]] = {
    "moment": parse_moment,
    "span": parse_span,
    "reach": parse_reach,
    "selection": parse_selection,
}


class _Reader:
    def __init__(self, protocol: Protocol, document: Document) -> None:
        self.protocol, self.document = protocol, document
        self.rules: dict[str, WrittenRule] = {}
        self.dates: dict[str, WrittenDate] = {}
        self.problems: list[Problem] = []
        self.scope: Scope | None = None
        try:
            self.scope = make_scope(protocol, document)
        except ProblemsFound as found:
            # an unknown concept is an unresolved name as well, and told by `references`
            self.problems += [one for one in found.problems if one.code != "unknown-concept"]

    def read_date(self, one: _DateAt) -> None:
        path = one.path
        try:
            date = _PARSERS[one.kind](one.text)
        except ProblemsFound as found:
            self.report(found.problems, path)
            return
        self.dates[dotted(path)] = WrittenDate(path, one.text, date)
        for moment in moments_of(date) if self.scope else ():
            self.report(self.check_moment(moment, one.kind), path)

    def check_moment(self, moment: Moment, kind: str) -> list[Problem]:
        assert self.scope is not None  # noqa: S101 -- the caller has looked
        if moment.name is None:
            own = kind == "selection" and moment.which is not None
            message = "`anchor` means where a rule is judged, and this is no rule"
            return [] if own else [_problem("wrong-context", message, moment)]
        if moment.name not in self.scope.facts:
            guess = nearest(moment.name, self.scope.facts)
            return [
                _problem(
                    "unresolved-name",
                    f"`{moment.name}` is no anchor, treatment, event or fact of the protocol",
                    moment,
                    f"did you mean `{guess}`?" if guess else "",
                )
            ]
        return check_rule(tree.Compare(moment, ">=", tree.HERE), replace(self.scope, rows_of=None))

    def read_rule(self, one: _RuleAt) -> None:
        try:
            condition = parse_rule(one.text)
        except ProblemsFound as found:
            self.report(found.problems, one.path)
            return
        scope = self.scope and replace(self.scope, rows_of=one.rows_of, anchor=self.told(one))
        if scope is None or (one.rows_of and one.rows_of not in scope.facts):
            return
        problems = [found for found in check_rule(condition, scope) if found.severity is Severity.ERROR]
        self.report(problems, one.path)
        if not problems:
            self.rules[dotted(one.path)] = WrittenRule(one.path, one.text, condition, scope)

    def told(self, one: _RuleAt) -> str:
        """Where a rule is judged, as a sentence calls it."""
        if one.at is None or self.scope is None:
            return one.here
        with suppress(ProblemsFound):  # reported where the moment stands
            return render_moment_sentence(parse_moment(one.at), self.scope)
        return one.here

    def report(self, problems: Iterable[Problem], path: Path) -> None:
        """Problems placed in the text of a rule or date, placed in the file."""
        for problem in problems:
            within = problem.place or RULE
            place = self.document.place_inside(path, within.line or 1, within.column or 1)
            self.problems.append(replace(problem, place=place, field=dotted(path)))


def _problem(code: str, message: str, moment: Moment, fix: str = "") -> Problem:
    line, column = moment.at
    return Problem(code, message, replace(RULE, line=line or 1, column=column or 1), fix=fix)
