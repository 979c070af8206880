"""Checks of definitions: whether they lead anywhere, and whether they say where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trialwright.checks.checked import Checked
from trialwright.checks.registry import Found, check
from trialwright.checks.satisfiability import Requirement, contradict
from trialwright.derivations.adsl_columns import taken_names
from trialwright.derivations.named_records import as_spelt
from trialwright.protocol.model import Event
from trialwright.protocol.references import DEATH, NEW_THERAPY
from trialwright.protocol.rule_tree import During, walk
from trialwright.protocol.written_rules import moments_of
from trialwright.vocabulary.documents import Path
from trialwright.vocabulary.problems import Severity


@check(
    "cyclic-definition",
    Severity.ERROR,
    title="a thing is defined by itself, through others",
    why="""An event that waits for another that waits for the first never happens, and nobody notices: the table of events is
    simply empty.""",
    example="""
events:
  viral_event: { any of: [hepatitis, dna_rise] }
  hepatitis:   { all of: [alt_rise, viral_event] }
""",
    cure="""
events:
  viral_event: { any of: [dna_rise] }
  hepatitis:   { all of: [alt_rise, viral_event] }
""",
    source="the meaning of a definition",
)
def cyclic_definition(checked: Checked) -> Iterator[Found]:
    edges = _definitions(checked)
    told: set[str] = set()
    for name in edges:
        cycle = _cycle_through(name, edges)
        if cycle and not told & set(cycle):
            told |= set(cycle)
            chain = " by ".join(f"`{one}`" for one in (*cycle, cycle[0]))
            yield Found(
                _path_of(checked, name),
                f"`{name}` is defined by itself: {chain}",
                "let one of them be recorded, or say it by a rule over facts",
                about_key=True,
            )


@check(
    "death-not-read",
    Severity.ERROR,
    title="the records tell of deaths under a name that is no event of the protocol",
    why="""Who died is read from the records for the event called `death`, and for no other. Under another name, or without the event, nobody
    would be counted as dead: not in survival, not by the monitoring board, and visits would be due after death.""",
    example="""
events: { death: ~, died: { reported: true } }
endpoints:
  reactivation: { estimand: { intercurrent events: { death: ~, died: no event } } }
  progression_free: { time to: [confirmed_progression, died] }
""",
    cure="""
events: { death: { text: Death from any cause, reported: true } }
""",
    source="docs/records.md: where a protocol finds its facts",
    base="single arm",
)
def death_not_read(checked: Checked) -> Iterator[Found]:
    events = checked.protocol.events
    if DEATH in events or not checked.protocol.endpoints:
        return
    named = [name for name in events if checked.is_death(name)]
    if named:
        message = f"deaths are read for the event `{DEATH}` alone: for `{named[0]}` none would be found"
        yield Found(("events", named[0]), message, f"call it `{DEATH}`", about_key=True)
    elif checked.protocol.treatments:
        message = f"no event is called `{DEATH}`, so that nobody would be counted as dead"
        yield Found(
            ("events",),
            message,
            f"add `{DEATH}: {{ text: Death from any cause, reported: true }}`",
            about_key=True,
        )


@check(
    "new-therapy-not-read",
    Severity.ERROR,
    title="an estimand ends counting at a new therapy that nothing reads",
    why="""After which day responses, and adverse events that are not related, no longer count is read from the event called
    `new_anticancer_therapy`, and for responses from its records. Of an event of another name nothing would come: what the next treatment
    brings would count for this one.""",
    example="""
events: { subsequent_therapy: { reported: true } }
endpoints:
  harms: { estimand: { intercurrent events: { subsequent therapy: while on treatment } } }
""",
    cure="""
events: { new_anticancer_therapy: { reported: true } }
endpoints:
  harms: { estimand: { intercurrent events: { new anticancer therapy: while on treatment } } }
""",
    source="docs/derivations-safety.md and docs/derivations-tumour.md: what counts",
    base="single arm",
)
def new_therapy_not_read(checked: Checked) -> Iterator[Found]:
    for id_, endpoint in checked.protocol.endpoints.items():
        if endpoint.kind not in ("best response", "worst grade") or endpoint.estimand is None:
            continue
        for words, strategy in endpoint.estimand.intercurrent_events.items():
            name = words.replace(" ", "_")
            event = checked.protocol.events.get(name)
            path = ("endpoints", id_, "estimand", "intercurrent events", words)
            if event is None or strategy == "treatment policy":
                continue
            if name != NEW_THERAPY and checked.is_new_therapy(name):
                message = f"new therapy is read for the event `{NEW_THERAPY}` alone: after `{name}` everything would count"
                fix = f"call it `{NEW_THERAPY}`, or give it the strategy `treatment policy`"
                yield Found(path, message, fix, about_key=True)
            elif name == NEW_THERAPY and endpoint.kind == "best response" and not event.reported:
                message = f"for responses `{name}` is read from what is reported, and it is not: everything would count"
                yield Found(path, message, f"make `{name}` an event with `reported: true`", about_key=True)


@check(
    "no-time-zero",
    Severity.ERROR,
    title="nothing says from which day time counts",
    why="""Exposure, adverse events, visits and every endpoint without a `from` of its own count from time zero. Without it nobody has a
    time, nobody can be judged, and the tables are full of people of whom nothing is known.""",
    example="""
time zero: ~
""",
    cure="""
time zero: enrolment
""",
    source="ICH E9(R1), A.3: the variable, with the time it counts from; CDISC ADaM Implementation Guide 1.3, ADSL",
)
def no_time_zero(checked: Checked) -> Iterator[Found]:
    protocol = checked.protocol
    if protocol.endpoints and protocol.treatments and protocol.time_zero is None:
        message = "nothing says from which day time counts"
        yield Found((), message, f"name it, as in `time zero: first {next(iter(protocol.treatments))}`")


@check(
    "population-without-rule",
    Severity.ERROR,
    title="an analysis or endpoint is about a population that has no rule",
    why="""Who belongs to a population is judged by its rule. Without one nobody surely belongs to it, and everything that is asked of it
    comes out empty.""",
    example="""
populations: { everyone: { when: ~ } }
""",
    cure="""
populations: { everyone: { when: enrolment >= consent } }
""",
    source="docs/derivations.md: populations",
)
def population_without_rule(checked: Checked) -> Iterator[Found]:
    protocol = checked.protocol
    if all(endpoint.reported for endpoint in protocol.endpoints.values()):
        return  # a cohort of one row a subject: everybody in it
    estimands = (endpoint.estimand for endpoint in protocol.endpoints.values())
    asked = {analysis.population for analysis in protocol.analyses.values()}
    asked |= {estimand.population for estimand in estimands if estimand is not None}
    for name, population in protocol.populations.items():
        if name in asked and population.when is None:
            yield Found(
                ("populations", name),
                f"nothing says who belongs to `{name}`, so nobody surely does",
                "write its rule, as in `when: enrolment >= consent`",
                about_key=True,
            )


@check(
    "taken-name",
    Severity.ERROR,
    title="an anchor, baseline, period or population has the name of something else in the table of subjects",
    why="""ADSL holds the day of each anchor, baseline and period, and who belongs to each population, in a column called after it.
    An anchor called `start` would stand where the day of time zero stands, and every time would count from it.""",
    example="""
anchors: { start: { text: Day of the first entecavir } }
""",
    cure="""
anchors: { start_of_entecavir: { text: Day of the first entecavir } }
""",
    source="docs/derivations.md: the columns of ADSL",
    base="single arm",
)
def taken_name(checked: Checked) -> Iterator[Found]:
    for section, name, what in taken_names(checked.protocol):
        message = f"`{name}` would be {what}, which is something else"
        yield Found((section, name), message, "give it another name", about_key=True)


@check(
    "called-alike",
    Severity.ERROR,
    title="two facts, reported events, groups, treatments or levels are called alike",
    why="""Records may call a fact, a group or a treatment by its name or by its label, in capitals or not. Of two with one label nobody can tell which
    is meant, neither the program nor the reader of a table.""",
    example="""
groups:
  alone: { label: Entecavir with Peginterferon }
""",
    cure="""
groups:
  alone: { label: Entecavir without peginterferon }
""",
    source="docs/records.md: how records name what the protocol defines",
)
def called_alike(checked: Checked) -> Iterator[Found]:
    protocol = checked.protocol
    facts: dict[str, dict[str, Called]] = {"drug": {}, "attestation": {}, "": {}}
    for name, fact in protocol.facts.items():
        kept_apart = fact.kind if fact.kind in facts else ""  # their records have domains of their own
        facts[kept_apart][name] = (("facts", name), (name, fact.label))
    events: dict[str, Called] = {
        name: (("events", name), (name, one.label)) for name, one in protocol.events.items() if one.reported
    }
    for name, one in protocol.treatments.items():
        path, words = facts["drug"].get(name, (("treatments", name), ()))
        facts["drug"][name] = (path, (*words, name, one.label))
    groups: dict[str, Called] = {
        name: (("groups", name), (name, one.label)) for name, one in protocol.groups.items()
    }
    for called in [*facts.values(), events, groups]:
        yield from _alike(called, "as records are read")
    shorts: dict[str, Called] = {
        name: (("groups", name, "short"), (one.short,)) for name, one in protocol.groups.items()
    }
    yield from _alike(shorts, "in tables")
    for name, fact in protocol.facts.items():
        paths: dict[str, Path] = {level: ("facts", name, "levels", level) for level in fact.levels}
        yield from _alike({level: (path, (level,)) for level, path in paths.items()}, "as records are read")
        yield from _alike(
            {level: (path, (fact.levels[level],)) for level, path in paths.items()}, "in tables"
        )


def _alike(called: Mapping[str, Called], where: str) -> Iterator[Found]:
    first: dict[str, str] = {}
    for name, (path, words) in called.items():
        for word in dict.fromkeys(as_spelt(word) for word in words if word):
            other = first.setdefault(word, name)
            if other != name:
                message = f"`{other}` and `{name}` are both called `{word}` {where}"
                yield Found(path, message, "give one of them another name or label", about_key=True)
                break


Called = tuple[Path, tuple[str | None, ...]]
"""Where something is defined, and what it is called."""


def _definitions(checked: Checked) -> dict[str, set[str]]:
    """What defines what, by name: events, anchors and periods."""
    protocol = checked.protocol
    edges: dict[str, set[str]] = {}
    for name, event in protocol.events.items():
        named = {*event.all_of, *event.any_of, event.of, event.during, event.dated_to}
        for rule in checked.rules_of("events", name):
            named |= checked.names_in(rule.condition)
            named |= {node.period for node in walk(rule.condition) if isinstance(node, During)}
        edges[name] = {one for one in named if one}
    for name in protocol.anchors:
        written = checked.dates.get(f"anchors.{name}.at")
        edges[name] = {one.name for one in moments_of(written.date) if one.name} if written else set()
    for name in protocol.periods:
        written = checked.dates.get(f"periods.{name}.span")
        edges[name] = {one.name for one in moments_of(written.date) if one.name} if written else set()
    return edges


def _cycle_through(start: str, edges: Mapping[str, set[str]]) -> list[str]:
    """A way from a name back to itself; nothing if there is none."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for following in sorted(edges.get(way[-1], ())):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _path_of(checked: Checked, name: str) -> Path:
    for section in ("events", "anchors", "periods"):
        if name in getattr(checked.protocol, section):
            return (section, name)
    return ()


@check(
    "anchor-never-occurs",
    Severity.ERROR,
    title="a date everything counts from can never come",
    why="""Windows, clocks and times count from anchors. If an anchor hangs on a treatment that no group gets, or on an event
    that cannot happen, whatever counts from it stays unknown for everybody.""",
    example="""
treatments:
  rescue: { label: Rescue therapy, dose: 10 mg, every: 1 day, duration: 4 weeks }
anchors:
  first_rescue: { text: First day of rescue therapy, at: first rescue }
visits:
  after_rescue: { label: After rescue, at: 4 weeks, from: first_rescue, measures: [alt] }
""",
    cure="""
treatments:
  rescue: { label: Rescue therapy, dose: 10 mg, every: 1 day, duration: 4 weeks }
groups:
  combination: { treatments: [entecavir, peginterferon, rescue] }
anchors:
  first_rescue: { text: First day of rescue therapy, at: first rescue }
visits:
  after_rescue: { label: After rescue, at: 4 weeks, from: first_rescue, measures: [alt] }
""",
    source="the meaning of an anchor",
)
def anchor_never_occurs(checked: Checked) -> Iterator[Found]:
    never = _never_happens(checked)
    for name in checked.protocol.anchors:
        moment = checked.moment("anchors", name, "at")
        why = never.get(moment.name or "") if moment is not None else None
        if why:
            yield Found(
                ("anchors", name, "at"),
                f"`{name}` can never come: {why}",
                "give the treatment to a group, or tell the anchor by something that happens",
            )


def _never_happens(checked: Checked) -> dict[str, str]:
    """Names of treatments and events that cannot happen, with the reason."""
    protocol = checked.protocol
    given = {name for group in protocol.groups.values() for name in group.treatments}
    never = {name: f"no group gets `{name}`" for name in protocol.treatments if given and name not in given}
    for name, event in protocol.events.items():
        rules = [rule for rule in checked.rules_of("events", name) if rule.path[-1] == "when"]
        if any(contradict([Requirement(rule.condition)], rule.scope) for rule in rules):
            never[name] = f"nobody can fulfil the rule of `{name}`"
        elif _is_undefined(event):
            never[name] = f"nothing says when `{name}` happens"
    return never


@check(
    "rule-never-met",
    Severity.ERROR,
    title="a rule contradicts itself",
    why="""A rule nobody can fulfil looks like a careful definition and gives no event, no deviation and no stop, for the whole
    trial. It is often a `<` for a `>` or a unit mistaken.""",
    example="""
events:
  alt_rise: { of: alt, when: "value > 100 U/L and value < 1 ukat/L" }
""",
    cure="""
events:
  alt_rise: { of: alt, when: "value > 100 U/L and value < 100 ukat/L" }
""",
    source="interval reasoning over the rule; 1 µkat/L is 60 U/L",
)
def rule_never_met(checked: Checked) -> Iterator[Found]:
    for rule in checked.rules:
        if rule.path[0] != "eligibility" and contradict([Requirement(rule.condition)], rule.scope):
            yield Found(
                rule.path,
                "nobody can fulfil this rule: its conditions contradict each other",
                "check signs and units",
            )


@check(
    "event-without-definition",
    Severity.WARNING,
    title="an event is named and nothing says when it happens",
    why="""Two hospitals will count it differently, and so will two years. What is not defined before the first participant
    is defined after the results are known.""",
    example="""
events:
  alt_rise: { text: A rise of ALT, of: ~, when: ~ }
""",
    cure="""
events:
  alt_rise: { text: A rise of ALT, of: alt, when: value > 5 ULN }
""",
    source="ICH E9(R1), A.3.3: the variable needs a definition; SPIRIT 2013, item 12",
)
def event_without_definition(checked: Checked) -> Iterator[Found]:
    for name, event in checked.protocol.events.items():
        if _is_undefined(event):
            yield Found(
                ("events", name),
                f"nothing says when `{name}` happens",
                "give a rule, the events it is made of, or `reported: true` if the data bring it",
                about_key=True,
            )


def _is_undefined(event: Event) -> bool:
    return not (event.when or event.of or event.all_of or event.any_of or event.reported)


@check(
    "unused-definition",
    Severity.WARNING,
    title="an event, a period or a baseline is defined and nothing uses it",
    why="""It is either forgotten (an endpoint that should count it) or a leftover that readers will take for part of the plan.""",
    example="""
periods:
  run_in: { span: consent to enrolment }
""",
    cure="""
periods:
  run_in: { span: consent to enrolment }
clocks:
  run_in_alt: { measure: alt, every: 1 week, during: run_in }
""",
    source="one source for every statement: what nothing reads cannot be kept true",
)
def unused_definition(checked: Checked) -> Iterator[Found]:
    used = _names_used(checked.document.data)
    for section in ("events", "periods", "baselines"):
        for name in getattr(checked.protocol, section):
            if name not in used:
                yield Found(
                    (section, name), f"nothing uses `{name}`", "use it, or leave it out", about_key=True
                )


_FOR_PEOPLE = frozenset(
    ("text", "label", "title", "reason", "source", "registered as", "reading", "note", "objective", "caution")
)
_WORD = re.compile(r"[a-z][a-z0-9_]*")


def _names_used(data: Any) -> set[str]:
    """All words that stand where names can stand: not as keys of definitions, and not in text for people."""
    used: set[str] = set()
    to_read: list[Any] = [data]
    while to_read:
        node = to_read.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "intercurrent events" and isinstance(value, dict):
                    used |= {name.replace(" ", "_") for name in value}
                if key == "alternatives" and isinstance(value, dict):
                    used |= set(value)
                elif key not in _FOR_PEOPLE:
                    to_read.append(value)
        elif isinstance(node, list):
            to_read += node
        elif isinstance(node, str):
            used |= set(_WORD.findall(node))
    return used


@check(
    "assumption-without-reason",
    Severity.WARNING,
    title="something is marked as assumed and no reason is given",
    why="""An assumption without its reason cannot be questioned, and questioning it is why it was marked.""",
    example="""
events:
  alt_rise: { status: assumed, reason: ~ }
""",
    cure="""
events:
  alt_rise: { status: assumed, reason: The record names hepatitis and gives no limit. }
""",
    source="the language: `assumed` is our choice and says why",
)
def assumption_without_reason(checked: Checked) -> Iterator[Found]:
    for path, element in _elements(checked.document.data):
        if element.get("status") == "assumed" and not element.get("reason"):
            yield Found(
                (*path, "status"), "this is assumed, and nothing says why", "write the `reason` beside it"
            )


@check(
    "registered-without-source",
    Severity.WARNING,
    title="something is marked as registered and no place in the record is given",
    why="""Whoever audits the protocol has to find the sentence of the record. `registered` without a place is a claim.""",
    example="""
events:
  alt_rise: { status: registered, source: ~ }
""",
    cure="""
events:
  alt_rise: { status: registered, source: "NCT00000000, secondary outcome 1" }
""",
    source="the language: `registered` means that the record says so",
)
def registered_without_source(checked: Checked) -> Iterator[Found]:
    for path, element in _elements(checked.document.data):
        if element.get("status") == "registered" and not element.get("source"):
            yield Found(
                (*path, "status"),
                "this is marked as registered, and nothing says where in the record it stands",
                "write the `source`: record and place",
            )


@check(
    "not-stated",
    Severity.INFO,
    title="the record is silent about something",
    why="""What a registration leaves open is decided later by whoever treats, enters data or analyses, and not always in the
    same way. It is cheapest to decide before the first participant, and to say so in the record.""",
    example="""
treatments:
  entecavir: { not stated: { dose in renal impairment: Each physician reduces it in another way. } }
""",
    cure="""
treatments:
  entecavir: { label: "Entecavir, halved below a creatinine clearance of 50 mL/min" }
""",
    source="SPIRIT 2013; the WHO Trial Registration Data Set 1.3.1",
)
def not_stated(checked: Checked) -> Iterator[Found]:
    for path, element in _elements(checked.document.data):
        topics = _topics(element, to_do=False)
        if topics:
            told = "; ".join(f"{topic} ({str(follows).rstrip('.')})" for topic, follows in topics.items())
            yield Found((*path, "not stated"), f"not stated: {told}", _DECIDE, about_key=True)
        elif element.get("status") == "not stated":
            reason = str(element.get("reason") or "nothing says what follows").rstrip(".")
            yield Found((*path, "status"), f"not stated: {reason}", _DECIDE)


_DECIDE = "decide what the trial needs, and write it down"


@check(
    "to-do",
    Severity.WARNING,
    title="the author left something to do",
    why="""`trialwright new` marks what only the team can decide, so that nothing of its draft is taken for a decision. Until
    the mark is gone the protocol is a draft.""",
    example="""
treatments:
  entecavir: { not stated: { dose in renal impairment: "to do: which dose?" } }
""",
    cure="""
treatments:
  entecavir: { label: "Entecavir, halved below a creatinine clearance of 50 mL/min" }
""",
    source="ours",
)
def to_do(checked: Checked) -> Iterator[Found]:
    for path, element in _elements(checked.document.data):
        for topic, words in _topics(element, to_do=True).items():
            asked = words.removeprefix(_TO_DO).strip().rstrip(".")
            yield Found((*path, "not stated", topic), f"to do: {topic}: {asked}", _DONE, about_key=True)


_TO_DO = "to do:"
_DONE = "decide it, write it down and delete the line"


def _topics(element: Mapping[str, Any], *, to_do: bool) -> dict[str, str]:
    """What an element leaves open: what the author still has to do, or the rest."""
    topics = element.get("not stated")
    told = topics if isinstance(topics, dict) else {}
    return {topic: str(words) for topic, words in told.items() if str(words).startswith(_TO_DO) == to_do}


@check(
    "several-readings",
    Severity.INFO,
    title="a registered sentence can be read in several ways, and the file takes one of them",
    why="""Confirmed progression by iRECIST and progression seen twice by RECIST end treatments on different days. Both are
    sound; a trial needs one of them, chosen before anybody knows which gives the better result.""",
    example="""
events:
  alt_rise:
    registered as: a rise of ALT
    reading: Above five times the upper limit of normal.
    alternatives: { alt_doubled: Twice the baseline. }
  alt_doubled: { of: alt, when: value >= 2 * baseline }
""",
    cure="""
events:
  alt_rise: { text: ALT above five times the upper limit of normal. }
""",
    source="ICH E9, 5.1: the analysis is chosen before the data are seen",
)
def several_readings(checked: Checked) -> Iterator[Found]:
    for path, element in _elements(checked.document.data):
        others = element.get("alternatives")
        if isinstance(others, dict) and others:
            listed = ", ".join(f"`{name}`" for name in others)
            rest = "the other is" if len(others) == 1 else "the others are"
            said = f" (“{element['registered as']}”)" if element.get("registered as") else ""
            yield Found(
                path,
                f"the record{said} can be read in {len(others) + 1} ways; this is one, {rest} {listed}",
                "confirm the reading before the first participant",
                about_key=True,
            )


def _elements(data: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """All mappings of the document with their paths, outermost first."""
    if isinstance(data, dict):
        yield path, data
        for key, value in data.items():
            yield from _elements(value, (*path, key))
    elif isinstance(data, list):
        for i, item in enumerate(data):
            yield from _elements(item, (*path, i))
