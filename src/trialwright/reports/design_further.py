"""What stands on the page of a design beside the audit: virtual trials, and where the running trial stands."""

from __future__ import annotations

import json
from collections.abc import Iterator

from trialwright.design.assumptions import scenarios_beyond
from trialwright.design.live import CONFIDENCE, FINAL_TEST, SO_FAR, SoFar, comparison_of
from trialwright.design.operating import OPERATING, OWN
from trialwright.reports.blocks import (
    Block,
    Code,
    Column,
    Figure,
    KeyValues,
    Number,
    Paragraph,
    Ref,
    Row,
    Section,
    Table,
    Term,
    Text,
)
from trialwright.reports.design_figures import Axis, draw_curves
from trialwright.reports.design_looks import looks_simulated
from trialwright.reports.design_told import Told
from trialwright.reports.disclosure import disclosure_sections

# --- virtual trials -----------------------------------------------------------------------------------------------------


def operating_section(told: Told) -> Iterator[Section]:
    """What the test does on virtual trials; nothing where none were run."""
    shown = [row for row in told.results.of(OPERATING) if row.statistic == "benefit_shown"]
    ids = [row.item for row in shown if row.item]
    if ids:
        yield Section("design-operating", Text("Virtual trials"), tuple(_operating(told, ids)))


def _operating(told: Told, ids: list[str]) -> Iterator[Block]:
    first = told.results[f"{OPERATING}/{OWN}/benefit_shown"]
    trials = Number(f"{first.n:,}", Ref.result(first.id), first.n or 0)
    yield Paragraph(
        Text(
            "The log-rank test was run on ", trials, " virtual trials of ", told.n, " participants under the design's assumptions and under each scenario: even "
            "enrolment, constant and proportional hazards, events dated to their day.",
        )
    )  # fmt: skip
    columns = (
        Column(Text("Assumptions"), "left"),
        Column(Text("Treated shown better")),
        Column(Text("Treated shown worse")),
        Column(Text("Events")),
        Column(Text("Hazard ratio")),
        Column(Text("Limits that hold the true ratio")),
    )
    rows = tuple(Row(_name(told, id_), _cells(told, id_)) for id_ in ids)
    note = Text(
        "In brackets the Monte-Carlo standard error. The hazard ratio is the geometric mean of Cox estimates. Where the true ratio is one, showing either is a "
        "false alarm."
    )
    yield Table(
        "table-design-operating", Text("What the test does on virtual trials"), columns, rows, (note,)
    )
    yield from looks_simulated(told, ids, _name)
    yield _operating_figure(told, ids)
    beyond = [
        piece
        for id_, one in scenarios_beyond(told.basis.loaded)
        for piece in ("; ", told.said(one.text, f"scenarios.{id_}.text"))
    ]
    if beyond:
        yield Paragraph(
            Text(
                "Not run here, for they change more than this design knows of: ", *beyond[1:], ". ", Code("trialwright rehearse"),
                " runs whole trials under them.",
            )
        )  # fmt: skip


def _name(told: Told, id_: str) -> Text:
    return (
        Text("The design's own")
        if id_ == OWN
        else Text(told.said(told.protocol.scenarios[id_].text, f"scenarios.{id_}.text"))
    )


def _cells(told: Told, id_: str) -> tuple[Text, ...]:
    here = f"{OPERATING}/{id_}"
    rates = tuple(told.percent_with_error(f"{here}/{name}") for name in ("benefit_shown", "harm_shown"))
    ratio = told.decimals(f"{here}/hazard_ratio", 3) if f"{here}/hazard_ratio" in told.results else Text("–")
    coverage = (
        told.percent_with_error(f"{here}/coverage") if f"{here}/coverage" in told.results else Text("–")
    )
    return (*rates, told.decimals(f"{here}/n_events", 1), ratio, coverage)


def _operating_figure(told: Told, ids: list[str]) -> Figure:
    letters = [chr(ord("A") + i) for i in range(len(ids))]
    shown = {i: f"{OPERATING}/{id_}/benefit_shown" for i, id_ in enumerate(ids, 1)}
    curve = told.curve("treated shown better", shown, is_line=False)
    names = [OWN if id_ == OWN else id_.replace("_", " ") for id_ in ids]
    across = Axis("", 0.5, len(ids) + 0.5, names=tuple(letters))
    spec = draw_curves(
        [curve], across, Axis("Treated shown better", 0, 1, is_percent=True), level=told.basis["power"]
    )
    told_names: list[str | Term] = []
    for letter, id_, name in zip(letters, ids, names, strict=True):
        told_names += [
            "; " if told_names else "",
            f"{letter}: ",
            Term(name, Ref.protocol(f"scenarios.{id_}" if id_ != OWN else "design")),
        ]
    alt = Text(
        "The design's own assumptions show the treated better in ",
        told.percent(f"{OPERATING}/{OWN}/benefit_shown"),
        " of virtual trials.",
    )
    caption = Text(*told_names, ". ", told.asked_power("power"))
    return Figure(
        "figure-design-operating",
        Text("How often virtual trials show the treated better"),
        spec,
        alt,
        caption,
    )


# --- the running trial --------------------------------------------------------------------------------------------------


def so_far_sections(told: Told, so_far: SoFar | None) -> Iterator[Section]:
    """Where the running trial stands; nothing where no records were looked at."""
    if so_far is None:
        return
    yield Section("design-so-far", Text("Where the trial stands"), tuple(_so_far(told, so_far)))
    yield from disclosure_sections(told.protocol, so_far.disclosure)
    if not so_far.disclosure.withheld:
        blocks = tuple(_final_test(told))
        yield Section("design-final-test", Text("What the final test may still show"), blocks)


def _so_far(told: Told, so_far: SoFar) -> Iterator[Block]:
    cut = Term(so_far.study.cut.isoformat() if so_far.study.cut else "unknown", Ref.data("data cut"))
    yield Paragraph(
        Text(
            "All participants together, up to the data cut of ",
            cut,
            ". Nothing in this section tells the groups apart.",
        )
    )
    level = Term(f"{100 * CONFIDENCE:g} %", Ref.version("trialwright"))
    items = (
        (Text("Participants with the endpoint's time"), told.count(f"{SO_FAR}/n_subjects")),
        (Text("Of them still followed"), told.count(f"{SO_FAR}/n_followed")),
        (Text("Participants still to be enrolled"), told.count(f"{SO_FAR}/n_to_enrol")),
        (
            Text("Events so far"),
            Text(
                told.count(f"{SO_FAR}/n_events"), " of ", told.count(f"{SO_FAR}/n_events_needed"), " needed"
            ),
        ),
        (Text("Days after which another hazard counts"), told.decimals(f"{SO_FAR}/hazard_changes_after", 2)),
        (Text("Last event that is needed"), _day(told, "days_to_last_event")),
        (Text(level, " limits of that day"), _limits(told)),
        (Text("Chance that so many events come"), told.percent(f"{SO_FAR}/probability_reached")),
    )
    yield KeyValues(items)
    yield Paragraph(
        Text("From the pooled hazards so far with their uncertainty, those who are still followed, and "
             "participants still to come. Whoever was not known alive for half a year, or was followed for ", told.time_frame, ", is not counted on.")
    )  # fmt: skip


def _day(told: Told, statistic: str) -> Text:
    """The day that a number of days from the cut leads to."""
    row = told.results[f"{SO_FAR}/{statistic}"]
    if row.value is None:
        return Text(Term(row.note, Ref.result(row.id)))
    return Text(Term(str(json.loads(row.conventions)["day"]), Ref.result(row.id)))


def _limits(told: Told) -> Text:
    """From the earliest to the latest day, or why there is neither."""
    if told.results[f"{SO_FAR}/probability_reached"].value is None:
        return _day(told, "earliest")
    return Text(_day(told, "earliest"), " to ", _day(told, "latest"))


def _final_test(told: Told) -> Iterator[Block]:
    here = f"{comparison_of(told.basis)[0]}/{FINAL_TEST}"
    items = (
        (Text("Information so far, of that at the end"), told.percent(f"{here}/fraction")),
        (Text("Hazard ratio so far, by the log-rank test"), told.decimals(f"{here}/hazard_ratio", 3)),
        (Text("Conditional power under the design's hazard ratio"), told.percent(f"{here}/under_design")),
        (Text("Conditional power if the trend goes on"), told.percent(f"{here}/under_trend")),
        (Text("Conditional power if there is no effect from now on"), told.percent(f"{here}/under_null")),
        (Text("Predictive power, flat prior"), told.percent(f"{here}/predictive")),
    )
    yield KeyValues(items)
    if told.basis.design.looks is not None:
        yield Paragraph(Text("Each is the chance at any look still to come, by the boundaries as planned."))
    yield Paragraph(
        Text(
            "The groups are compared as they are, without weights: where nobody assigned them by chance, a difference may come from who is in them."
        )
    )
