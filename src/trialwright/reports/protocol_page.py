"""A protocol as a page: what it asks, of whom and when, how it answers, and what it takes for granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.protocol.model import Criterion, Protocol
from trialwright.protocol.stated import Stated
from trialwright.reports.blocks import (
    Block,
    Bullets,
    Callout,
    Code,
    Column,
    GroupHeading,
    KeyValues,
    Page,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Text,
)
from trialwright.reports.elements import (
    OF_EVERY_ELEMENT,
    Telling,
    parts_of,
    shown,
    stated,
    tell_element,
    tell_status,
)
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
    said = Telling(loaded.protocol, loaded.writing.rules)
    protocol = loaded.protocol
    sections = [
        *_read_first(said),
        Section("synopsis", Text("Synopsis"), (render_synopsis(said), *_identity(protocol))),
        *_study(said),
        *_elements(said, "treatments", "Treatments", protocol.treatments),
        *_elements(said, "groups", "Groups", protocol.groups),
        *_elements(said, "anchors", "Anchors: the dates time is counted from", protocol.anchors),
        *_elements(said, "baselines", "Baselines", protocol.baselines),
        *_elements(said, "periods", "Periods", protocol.periods),
        *_eligibility(said),
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
        Section("settings", Text("Settings"), (_settings(protocol),)),
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


def _study(said: Telling) -> Iterator[Section]:
    """What the synopsis leaves out."""
    study = said.protocol.study
    items = tuple(
        (Text(key.capitalize()), Text(said.said(shown(value), f"study.{key}")))
        for key, value in stated(study)
        if key in _STUDY_KEYS
    )
    status = (Text("Status"), tell_status(said, ("study",), study))
    blocks: list[Block] = [KeyValues((*items, status))]
    for key in ("background", "hypotheses"):
        statements: Mapping[str, Stated] = getattr(study, key)
        if statements:
            blocks.append(_table_of(said, ("study", key), key.capitalize(), statements))
    yield Section("study", Text("The study"), tuple(blocks))


_STUDY_KEYS = (
    *("registered", "phase", "masking", "conditions", "sex", "healthy volunteers", "centres", "listed sites"),
    *("recruitment", "collaborators", "funding", "contact"),
)


def _elements(said: Telling, section: str, title: str, elements: Mapping[str, Stated]) -> Iterator[Section]:
    """A section with everything its elements say; nothing is left out."""
    if elements:
        yield Section(
            section, Text(title), (_table_of(said, (section,), "What the file says of each", elements),)
        )


def _table_of(said: Telling, path: Path, caption: str, elements: Mapping[str, Stated]) -> Table:
    rows = tuple(row for name, element in elements.items() for row in _rows(said, (*path, name), element))
    columns = (
        Column(Text("Name"), "left"),
        Column(Text("What it says"), "left"),
        Column(Text("Status"), "left"),
    )
    return Table(f"table-{'-'.join(map(str, path))}", Text(caption), columns, rows)


def _rows(said: Telling, path: Path, element: Stated) -> Iterator[Row]:
    """An element, and below it its parts that have a status of their own."""
    name = Text(Code(str(path[-1]), Ref.protocol(dotted(path))))
    yield Row(name, (tell_element(said, path, element), tell_status(said, path, element)))
    for label, here, part in _parts(path, element):
        yield Row(label, (tell_element(said, here, part), tell_status(said, here, part)), indent=1)


def _parts(path: Path, element: Stated) -> Iterator[tuple[Text, Path, Stated]]:
    """What each part of an element is called, its path, and the part."""
    for key, name, part in parts_of(element):
        here = (*path, key, name) if name else (*path, key)
        yield Text(f"{key}: ", Code(name, Ref.protocol(dotted(here)))) if name else Text(key), here, part


# --- eligibility --------------------------------------------------------------------------------------------------------


def _eligibility(said: Telling) -> Iterator[Section]:
    criteria = said.protocol.eligibility
    if not (criteria.inclusion or criteria.exclusion):
        return
    rule = "All inclusion criteria must hold, and no exclusion criterion. Unknown is not a pass."
    at = (" Judged at: ", said.said(criteria.at, "eligibility.at"), ".") if criteria.at else ()
    blocks: list[Block] = [Paragraph(Text(rule, *at))]
    status = tell_status(said, ("eligibility",), criteria)
    if status.plain != "–":
        blocks.append(Paragraph(status))
    for side in ("inclusion", "exclusion"):
        listed: Mapping[str, Criterion] = getattr(criteria, side)
        if listed:
            blocks.append(_criteria(said, side, listed))
    yield Section("eligibility", Text("Eligibility"), tuple(blocks))


def _criteria(said: Telling, side: str, criteria: Mapping[str, Criterion]) -> Table:
    """Numbered criteria, each with the sentence its rule renders to."""
    rows = []
    for number, (name, criterion) in enumerate(criteria.items(), start=1):
        path = ("eligibility", side, name)
        sentence = said.sentence((*path, "when"))
        rule = Text(sentence, ".") if sentence else Text("not stated as a rule")
        label = Text(said.said(f"{number}. {criterion.text}", dotted((*path, "text"))))
        rows.append(Row(label, (rule, tell_status(said, path, criterion))))
    columns = (
        Column(Text("Criterion"), "left"),
        Column(Text("As the program judges it"), "left"),
        Column(Text("Status"), "left"),
    )
    return Table(f"table-{side}", Text(f"{side.capitalize()} criteria"), columns, tuple(rows))


# --- endpoints and design -----------------------------------------------------------------------------------------------


def _endpoints(said: Telling) -> Iterator[Section]:
    endpoints = said.protocol.endpoints
    if not endpoints:
        return
    parts = []
    for name, endpoint in endpoints.items():
        path = ("endpoints", name)
        overview = [
            (Text("Asks for"), tell_element(said, path, endpoint, without={"label"})),
            (Text("Status"), tell_status(said, path, endpoint)),
        ]
        for label, here, part in _parts(path, endpoint):
            if here[-1] != "estimand":
                told, status = tell_element(said, here, part), tell_status(said, here, part)
                end = "" if told.plain.endswith(".") else "."
                overview.append((label, told if status.plain == "–" else Text(told, f"{end} ", status)))
        blocks = (KeyValues(tuple(overview)), render_estimand(said, name, endpoint))
        parts.append(Section(f"endpoint-{name.replace('_', '-')}", Text(said.endpoint(name)), blocks))
    yield Section("endpoints", Text("Endpoints and estimands"), tuple(parts))


def _design(said: Telling) -> Iterator[Section]:
    design = said.protocol.design
    if design is None:
        return
    path = ("design",)
    items = [
        (Text(key.capitalize()), Text(said.said(shown(value), f"design.{key}")))
        for key, value in stated(design)
        if key not in OF_EVERY_ELEMENT
    ]
    status = (Text("Status"), tell_status(said, path, design))
    yield Section("design", Text("Statistical design"), (KeyValues((*items, status)),))


# --- settings and open ends ---------------------------------------------------------------------------------------------


def _settings(protocol: Protocol) -> Table:
    """Every setting that is in force because nobody said otherwise, once for all elements that are alike in it."""
    alike: dict[tuple[str, str, str], list[Path]] = {}
    for path, kind, value in _defaults(protocol, ()):
        alike.setdefault((str(path[0]), kind, shown(value)), []).append(path)
    rows: list[Row | GroupHeading] = []
    section = ""
    for (under, kind, value), paths in alike.items():
        if under != section:
            rows.append(GroupHeading(Text(under.capitalize())))
            section = under
        rows.append(
            Row(
                Text(kind),
                (Text(Code(value, Ref.protocol(dotted(paths[0])))), Text(*_names(paths))),
                indent=1,
            )
        )
    return Table(
        "table-settings",
        Text("Defaults in force: settings the file leaves at what Trialwright takes"),
        (Column(Text("Setting"), "left"), Column(Text("Value"), "left"), Column(Text("Of"), "left")),
        tuple(rows),
        empty=Text("The file says everything itself."),
    )


def _names(paths: list[Path]) -> Iterator[Code | str]:
    for i, path in enumerate(paths):
        if i:
            yield ", "
        yield Code(dotted(path[1:-1]) or str(path[0]), Ref.protocol(dotted(path)))


def _defaults(element: Any, path: Path) -> Iterator[tuple[Path, str, Any]]:
    """Paths of what is left at its default, each with its key and the value; what is empty is no setting."""
    if isinstance(element, dict):
        for name, part in element.items():
            yield from _defaults(part, (*path, name))
    elif isinstance(element, BaseModel):
        for name, field in type(element).model_fields.items():
            value, key = getattr(element, name), field.alias or name
            if isinstance(value, (dict, BaseModel)):
                yield from _defaults(value, (*path, key))
            elif name not in element.model_fields_set and value not in (None, ()):
                yield (*path, key), key, value


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
