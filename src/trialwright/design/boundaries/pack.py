"""The test pack of a protocol: every element that has a rule, and every event that others make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from trialwright.design.boundaries.cases import (
    Case,
    Judged,
    Untested,
    make_cases,
)
from trialwright.design.boundaries.choices import NotTestable, Setting
from trialwright.design.boundaries.events import (
    dated_back,
    happens_again,
    inside_period,
    made_of_others,
    reported,
)
from trialwright.design.boundaries.patients import Inventor
from trialwright.design.boundaries.surroundings import fixed_moments, inside, names_in, units_of
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Endpoint, Protocol
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.rule_tree import Moment, Since, Within, walk
from trialwright.protocol.scopes import make_scope
from trialwright.protocol.written_rules import WrittenRule

ZERO = date(2024, 6, 3)
"""The day of every anchor, first dose and baseline."""

DAY_OF_JUDGEMENT = ZERO + timedelta(days=400)
"""The row that is judged, or the day of rules that name no moment; well beyond the windows of both trials."""

CUT = date(2030, 1, 1)
"""The data cut: after everything that is recorded."""


def make_pack(loaded: LoadedProtocol) -> Iterator[Case | Untested]:
    """The cases of every threshold of a protocol, and what could not be tested, in the order of the file."""
    inventor = Inventor(loaded)
    for path, rule in loaded.writing.rules.items():
        try:
            judged = _judged(path, rule, loaded.protocol)
        except NotTestable as why:
            yield Untested(path, rule.text, str(why))
            continue
        if path.endswith(".over when"):
            when = loaded.writing.rules[path.replace(".over when", ".when")].condition
            yield from happens_again(judged, when, inventor)
        else:
            yield from make_cases(judged, inventor)
    for name in loaded.protocol.events:
        yield from _of_event(name, loaded, inventor)
    yield from _without_rule(loaded.protocol)


def _judged(path: str, rule: WrittenRule, protocol: Protocol) -> Judged:
    """A rule with where it is judged: at a moment of the protocol, on its row, or at the data cut."""
    section, name = str(rule.path[0]), str(rule.path[1])
    here = moment_of(rule, protocol)
    day = DAY_OF_JUDGEMENT
    event = protocol.events[name] if section == "events" else None
    moment = parse_moment(here) if here else None
    setting = Setting(
        protocol,
        rule.scope,
        ZERO,
        day,
        moment,
        apart=_counted_from(rule, moment, protocol),
        units=units_of(rule.condition, rule.scope),
    )
    if event is None:
        ends = name if section == "treatments" else None
        return Judged(path, rule.condition, setting, ends=ends)
    setting = inside(setting, [event.during])
    is_dated_back = event.dated_to is not None
    return Judged(path, rule.condition, setting, event.during, is_event=True, is_dated_back=is_dated_back)


def _counted_from(rule: WrittenRule, here: Moment | None, protocol: Protocol) -> frozenset[str]:
    """What the windows of a rule count from, but for what is compared, judged at, time zero and baseline."""
    nodes = list(walk(rule.condition))
    windows = [node.moment for node in nodes if isinstance(node, (Within, Since))]
    others = [node for node in nodes if isinstance(node, Moment) and node not in windows]
    others += fixed_moments(protocol, here)
    named, taken = (
        {name for moment in moments for name in names_in(moment, protocol)} for moments in (windows, others)
    )
    return frozenset(named - taken)


def moment_of(rule: WrittenRule, protocol: Protocol) -> str | None:
    section, name, *rest = (str(part) for part in rule.path)
    match section:
        case "groups":
            return protocol.groups[name].assigned_at or protocol.time_zero
        case "populations":
            return protocol.populations[name].at or protocol.time_zero
        case "eligibility":
            criterion = getattr(protocol.eligibility, name)[rest[0]]
            return criterion.at or protocol.eligibility.at or protocol.time_zero
    return None


def _of_event(name: str, loaded: LoadedProtocol, inventor: Inventor) -> Iterator[Case | Untested]:
    event = loaded.protocol.events[name]
    scope = make_scope(loaded.protocol, loaded.document)
    setting = Setting(loaded.protocol, scope, ZERO, DAY_OF_JUDGEMENT)
    if event.reported:
        yield from reported(name, setting, inventor)
    if event.all_of or event.any_of:
        yield from made_of_others(name, event, setting, inventor)
    if event.during is not None:
        yield from inside_period(name, event, setting, inventor)
    if event.dated_to is not None:
        yield from dated_back(name, event, setting, inventor)


def _without_rule(protocol: Protocol) -> Iterator[Untested]:
    """Elements that decide something and have no rule, and settings that other datasets than these judge by."""
    told = "told in words: a person decides"
    criteria = [
        (f"eligibility.{side}.{name}", one.when)
        for side in ("inclusion", "exclusion")
        for name, one in getattr(protocol.eligibility, side).items()
    ]
    stops = [
        (f"treatments.{name}.until.{stop}", rule.when)
        for name, treatment in protocol.treatments.items()
        for stop, rule in treatment.until.items()
    ]
    populations = [(f"populations.{name}", one.when) for name, one in protocol.populations.items()]
    for element, when in (*criteria, *stops, *populations):
        if when is None:
            yield Untested(element, "no rule", told, is_threshold=False)
    for name, deviation in protocol.deviations.items():
        if deviation.when is None:
            place = deviation.clock or deviation.visit
            why = (
                f"what became of `{place}` stands in ADCLOCK, and this pack invents no calendars"
                if place
                else told
            )
            yield Untested(f"deviations.{name}", "no rule", why, is_threshold=False)
    for name, event in protocol.events.items():
        if not (event.reported or event.when or event.all_of or event.any_of):
            yield Untested(f"events.{name}", "no rule", told, is_threshold=False)
    for section in ("visits", "clocks"):
        for name in getattr(protocol, section):
            why = "what became of it stands in ADCLOCK, and this pack invents no calendars"
            yield Untested(f"{section}.{name}", "windows and tolerances", why, is_threshold=False)
    for name, endpoint in protocol.endpoints.items():
        settings = _settings_of(endpoint)
        if settings:
            why = "this pack ends with events, criteria and populations"
            yield Untested(f"endpoints.{name}", ", ".join(settings), why, is_threshold=False)


def _settings_of(endpoint: Endpoint) -> list[str]:
    """The lengths of time that an endpoint decides by."""
    response = endpoint.response
    said = {
        "time frame": endpoint.time_frame,
        **{f"gap of `{cause}`": one.gap for cause, one in endpoint.censoring.items()},
        "confirmed after": response.confirmed_after if response else None,
        "stable at least": response.stable_at_least if response else None,
    }
    return [f"{name} {value}" for name, value in said.items() if value is not None]
