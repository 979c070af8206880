"""A protocol as a page: what it asks, of whom and when, how it answers, and what it takes for granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.protocol.model import Criterion, Protocol
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.reports.blocks import (
    Block,
    Bullets,
    Callout,
    Code,
    Column,
    KeyValues,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Text,
)
from trialwright.reports.elements import shown, stated, tell_element, tell_status
from trialwright.reports.printed import Said
from trialwright.reports.reproducibility import open_statements
from trialwright.reports.schedule_of_activities import render_schedule
from trialwright.reports.synopsis import render_estimand, render_synopsis
from trialwright.vocabulary.documents import Path, dotted


def build_protocol_page(loaded: LoadedProtocol, not_yet_executable: Mapping[str, str]) -> Page:
    """Everything a protocol says, for people.

    Parameters
    ----------
    loaded : LoadedProtocol
    not_yet_executable : mapping of str to str
        Paths of what the program reads and cannot run yet, each with the reason.
    """
    said = Said(loaded.protocol)
    protocol = loaded.protocol
    sections = [
        *_read_first(said),
        Section("synopsis", Text("Synopsis"), (render_synopsis(said), *_identity(protocol))),
        *_elements(said, "treatments", "Treatments", protocol.treatments),
        *_elements(said, "groups", "Groups", protocol.groups),
        *_elements(said, "anchors", "Anchors: the dates time is counted from", protocol.anchors),
        *_elements(said, "baselines", "Baselines", protocol.baselines),
        *_elements(said, "periods", "Periods", protocol.periods),
        *_eligibility(said, loaded),
        *render_schedule(said),
        *_elements(said, "facts", "Facts", protocol.facts),
        *_elements(said, "assays", "Assays", protocol.assays),
        *_elements(said, "events", "Events", protocol.events),
        *_elements(said, "populations", "Populations", protocol.populations),
        *_endpoints(said),
        *_elements(said, "analyses", "Analyses", protocol.analyses),
        *_design(said),
        *_elements(said, "assumptions", "Assumptions of the design", protocol.assumptions),
        *_elements(said, "scenarios", "Scenarios", protocol.scenarios),
        *_elements(said, "deviations", "Deviations that are looked for", protocol.deviations),
        *_elements(said, "monitoring", "Monitoring", protocol.monitoring),
        Section("settings", Text("Settings"), (_settings(loaded),)),
        Section("open", Text("What is open"), tuple(_open(said, not_yet_executable))),
    ]
    return Page(
        title=Text(said.said(protocol.study.title, "study.title")),
        subtitle=Text(said.said(protocol.study.id, "study.id"), *_version(said)),
        sections=tuple(sections),
        running=Text(said.said(protocol.study.id, "study.id")),
        date=protocol.version.date if protocol.version else None,
    )


def _version(said: Said) -> Iterator[Any]:
    version = said.protocol.version
    if version:
        yield ", protocol version "
        yield said.said(version.number, "version.number")
        yield " of "
        yield said.said(version.date.isoformat(), "version.date")


def _identity(protocol: Protocol) -> Iterator[Block]:
    fingerprint = Code(hash_protocol(protocol), Ref.version("protocol hash"))
    yield KeyValues(((Text("Hash of the protocol"), Text(fingerprint)),))


def _read_first(said: Said) -> Iterator[Section]:
    cautions = said.protocol.study.caution
    if cautions:
        body = tuple(Text(said.said(text, f"study.caution[{i}]")) for i, text in enumerate(cautions))
        callout = Callout("note", Text("What this study can and cannot say"), body)
        yield Section("read-first", Text("Read this first"), (callout,))


# --- elements: whatever a section holds ---------------------------------------------------------------------------------


def _elements(said: Said, section: str, title: str, elements: Mapping[str, BaseModel]) -> Iterator[Section]:
    """A table of everything the elements of a section say; nothing they say is left out."""
    if not elements:
        return
    rows = []
    for name, element in elements.items():
        path = (section, name)
        rows.append(
            Row(
                Text(Code(name, Ref.protocol(dotted(path)))),
                (tell_element(said, path, element), tell_status(said, path, element)),
            )
        )
    columns = (
        Column(Text("Name"), "left"),
        Column(Text("What it says"), "left"),
        Column(Text("Status"), "left"),
    )
    yield Section(
        section,
        Text(title),
        (Table(f"table-{section}", Text("What the file says of each"), columns, tuple(rows)),),
    )


# --- eligibility --------------------------------------------------------------------------------------------------------


def _eligibility(said: Said, loaded: LoadedProtocol) -> Iterator[Section]:
    criteria = loaded.protocol.eligibility
    if not (criteria.inclusion or criteria.exclusion):
        return
    blocks: list[Block] = [
        Paragraph(
            Text("All inclusion criteria must hold, and no exclusion criterion. Unknown is not a pass.")
        )
    ]
    for side in ("inclusion", "exclusion"):
        listed: Mapping[str, Criterion] = getattr(criteria, side)
        if listed:
            blocks.append(_criteria(said, loaded, side, listed))
    yield Section("eligibility", Text("Eligibility"), tuple(blocks))


def _criteria(said: Said, loaded: LoadedProtocol, side: str, criteria: Mapping[str, Criterion]) -> Table:
    """Numbered criteria, each with the sentence its rule renders to."""
    rows = []
    for number, (name, criterion) in enumerate(criteria.items(), start=1):
        path = ("eligibility", side, name)
        rule = Text("not stated as a rule")
        written = loaded.writing.rules.get(dotted((*path, "when")))
        if written:
            sentence = render_sentence(written.condition, written.scope)
            rule = Text(said.said(f"{sentence[:1].upper()}{sentence[1:]}.", dotted((*path, "when"))))
        label = Text(said.said(f"{number}. {criterion.text}", dotted((*path, "text"))))
        rows.append(Row(label, (rule, tell_status(said, path, criterion))))
    columns = (
        Column(Text("Criterion"), "left"),
        Column(Text("As the program judges it"), "left"),
        Column(Text("Status"), "left"),
    )
    return Table(f"table-{side}", Text(f"{side.capitalize()} criteria"), columns, tuple(rows))


# --- endpoints and design -----------------------------------------------------------------------------------------------


def _endpoints(said: Said) -> Iterator[Section]:
    endpoints = said.protocol.endpoints
    if not endpoints:
        return
    parts = []
    for name, endpoint in endpoints.items():
        here = ("endpoints", name)
        overview = KeyValues(
            (
                (Text("Asks for"), tell_element(said, here, endpoint, without={"label", "estimand"})),
                (Text("Status"), tell_status(said, here, endpoint)),
            )
        )
        blocks = (overview, render_estimand(said, name, endpoint))
        parts.append(Section(f"endpoint-{name.replace('_', '-')}", Text(said.endpoint(name)), blocks))
    yield Section("endpoints", Text("Endpoints and estimands"), tuple(parts))


def _design(said: Said) -> Iterator[Section]:
    design = said.protocol.design
    if design is None:
        return
    items = [(Text(key), Text(said.said(shown(value), f"design.{key}"))) for key, value in stated(design)]
    yield Section("design", Text("Statistical design"), (KeyValues(tuple(items)),))


# --- settings and open ends ---------------------------------------------------------------------------------------------


def _settings(loaded: LoadedProtocol) -> Table:
    """Every setting that is in force because nobody said otherwise."""
    rows = tuple(
        Row(
            Text(Code(dotted(path), Ref.protocol(dotted(path)))),
            (Text(Code(shown(value), Ref.protocol(dotted(path)))),),
        )
        for path, value in _defaults(loaded.protocol, ())
    )
    return Table(
        "table-settings",
        Text("Defaults in force: settings the file leaves at what Trialwright takes"),
        (Column(Text("Setting"), "left"), Column(Text("Value"), "left")),
        rows,
        empty=Text("The file says everything itself."),
    )


def _defaults(element: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(element, dict):
        for name, part in element.items():
            yield from _defaults(part, (*path, name))
    elif isinstance(element, BaseModel):
        for name, field in type(element).model_fields.items():
            value = getattr(element, name)
            here = (*path, field.alias or name)
            if isinstance(value, (dict, BaseModel)):
                yield from _defaults(value, here)
            elif name not in element.model_fields_set and value not in (None, ()):
                yield here, value


def _open(said: Said, not_yet_executable: Mapping[str, str]) -> Iterator[Block]:
    for status, title in (("assumed", "Assumed"), ("not stated", "Not stated")):
        items = open_statements(said, status)
        blocks: tuple[Block, ...] = (Bullets(items),) if items else (Paragraph(Text("Nothing.")),)
        yield Section(f"open-{status.replace(' ', '-')}", Text(title), blocks)
    unrun = tuple(
        Text(Code(path, Ref.protocol(path)), ": ", said.said(reason, path))
        for path, reason in not_yet_executable.items()
    )
    nothing = Paragraph(Text("Nothing: all of it runs."))
    yield Section("open-not-yet", Text("Not yet executable"), (Bullets(unrun) if unrun else nothing,))
