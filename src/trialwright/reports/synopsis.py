"""What the study is, what it asks, and how many subjects came in."""

from __future__ import annotations

from trialwright.analysis.run import FLOW
from trialwright.protocol.model import Endpoint, Estimand
from trialwright.reports.blocks import Column, KeyValues, Row, Table, Text
from trialwright.reports.printed import Said, Source


def render_synopsis(source: Said) -> KeyValues:
    """The study in one screen."""
    study, zero = source.protocol.study, source.protocol.time_zero
    items = [
        (Text("Study"), Text(source.said(study.id, "study.id"))),
        (
            Text("Objective"),
            Text(source.said(study.objective, "study.objective")) if study.objective else None,
        ),
        (Text("Type"), Text(source.said(study.type, "study.type"))),
        (Text("Allocation"), Text(source.said(study.allocation, "study.allocation"))),
        (
            Text("Number of subjects"),
            Text(source.said(study.enrolment, "study.enrolment")) if study.enrolment else None,
        ),
        (Text("Responsible"), Text(source.said(study.sponsor, "study.sponsor")) if study.sponsor else None),
        *(
            (Text("Group"), _group(source, name))
            for name in source.protocol.groups
            if len(source.protocol.groups) > 1
        ),
        (Text("Time zero"), _time_zero(source, zero) if zero else None),
        *(
            (Text(endpoint.role.capitalize(), " endpoint"), Text(source.endpoint(name)))
            for name, endpoint in source.protocol.endpoints.items()
        ),
        (Text("Source"), Text(source.said(study.source, "study.source")) if study.source else None),
    ]
    return KeyValues(tuple((key, value) for key, value in items if value is not None))


def _group(source: Said, name: str) -> Text:
    short = source.protocol.groups[name].short
    beside = (" (", source.said(short, f"groups.{name}.short"), ")") if short else ()
    return Text(source.level("groups", name), *beside)


def _time_zero(source: Said, name: str) -> Text:
    anchor = source.protocol.anchors.get(name)
    if anchor is None:
        return Text(source.said(name, "time zero"))
    status = (" (", source.said(anchor.status, f"anchors.{name}.status"), ")") if anchor.status else ()
    return Text(source.said(anchor.text, f"anchors.{name}.text"), *status)


def render_population_flow(source: Source) -> Table:
    """From the file to each endpoint, with everyone who is left out."""
    planned = f"{FLOW}/n_planned"
    rows = (
        [Row(Text("Stated in the protocol"), (source.count(planned),))] if planned in source.results else []
    )
    rows.append(Row(Text("In the data"), (source.count(f"{FLOW}/n_records"),)))
    for name in source.protocol.endpoints:
        if f"{FLOW}/{name}/n_with_endpoint" not in source.results:
            continue
        said = source.endpoint(name)
        rows.append(Row(Text("Analysed for ", said), (source.count(f"{FLOW}/{name}/n_with_endpoint"),)))
        label = Text("left out: no time or no status")
        rows.append(Row(label, (source.count(f"{FLOW}/{name}/n_without_endpoint"),), indent=1))
    return Table(
        "population-flow",
        Text("Population flow"),
        (Column(Text("Step"), "left"), Column(Text("Subjects"))),
        tuple(rows),
    )


def render_estimand(source: Said, name: str, endpoint: Endpoint) -> KeyValues:
    """The endpoint and the five attributes of its estimand; what the protocol does not say is said to be unsaid."""
    here = f"endpoints.{name}"
    events = _events(source, endpoint)
    items: list[tuple[Text, Text]] = [(Text("Events"), events)] if events else []
    estimand = endpoint.estimand
    if estimand is None:
        return KeyValues((*items, (Text("Estimand"), Text("not stated in the protocol"))))
    items += [
        (Text(key.capitalize()), _attribute(source, estimand, key, here))
        for key in ("treatment", "population", "variable")
    ]
    strategies = estimand.intercurrent_events.items()
    said = [
        piece
        for event, strategy in strategies
        for piece in (
            "; ",
            source.said(f"{event}: {strategy}", f"{here}.estimand.intercurrent events.{event}"),
        )
    ]
    items.append((Text("Intercurrent events"), Text(*said[1:]) if said else Text("none named")))
    items.append((Text("Summary"), _attribute(source, estimand, "summary", here)))
    if estimand.status:
        reason = (": ", source.said(estimand.reason, f"{here}.estimand.reason")) if estimand.reason else ()
        items.append((Text("Status"), Text(source.said(estimand.status, f"{here}.estimand.status"), *reason)))
    return KeyValues(tuple(items))


def _events(source: Said, endpoint: Endpoint) -> Text:
    said = [
        piece
        for name in (*([endpoint.rate_of] if endpoint.rate_of else []), *endpoint.time_to)
        for piece in ("; ", source.said(source.protocol.events[name].text or name, f"events.{name}.text"))
    ]
    return Text(*said[1:])


def _attribute(source: Said, estimand: Estimand, key: str, here: str) -> Text:
    value = getattr(estimand, key)
    if value is None:
        return Text("not stated")
    if key == "population":
        return Text(source.population(value))
    return Text(source.said(value, f"{here}.estimand.{key}"))
