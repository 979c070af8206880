"""The report of a study: one page made of the protocol and the results table, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from trialwright.analysis.immortal_time import is_biased
from trialwright.analysis.results import SIMULATED, Results
from trialwright.protocol.analyses import (
    Analysis,
    AnalysisBase,
    BaselineTable,
    CloneCensorWeight,
    Cox,
    CumulativeIncidence,
    FineGray,
    GradeTable,
    IntervalCensored,
    KaplanMeier,
    LogRank,
    Proportion,
    RestrictedMean,
    ReverseKaplanMeier,
    Subgroups,
    TimeAnalysis,
    VisitSummary,
)
from trialwright.protocol.model import Protocol
from trialwright.reports.adverse_event_figure import render_adverse_event_dots
from trialwright.reports.adverse_event_tables import render_adverse_events
from trialwright.reports.baseline_table import render_baseline_table
from trialwright.reports.blocks import Block, Bullets, Callout, Page, Paragraph, Section, Text
from trialwright.reports.comparisons import render_comparisons
from trialwright.reports.incidence_tables import render_fine_gray_table, render_incidence
from trialwright.reports.methods import render_methods
from trialwright.reports.printed import Source
from trialwright.reports.rate_tables import render_rates, render_rates_at_a_glance
from trialwright.reports.reproducibility import open_statements, render_reproducibility
from trialwright.reports.subgroup_figure import render_subgroups
from trialwright.reports.survival_tables import (
    render_cox_table,
    render_curves,
    render_follow_up_table,
    render_forest,
    render_glance_table,
    render_logrank_table,
    render_restricted_mean_table,
    render_survival_table,
)
from trialwright.reports.synopsis import render_estimand, render_population_flow, render_synopsis
from trialwright.reports.timing_tables import (
    biased_callout,
    render_emulated_table,
    render_immortal_time,
    render_interval_table,
)
from trialwright.reports.visit_tables import render_visit_table
from trialwright.reports.weighted_tables import render_weights


def build_study_report(protocol: Protocol, results: Results) -> Page:
    """The page, ready for any renderer."""
    source = Source(protocol, results)
    sections = (
        *opening_sections(source),
        Section(
            "population", Text("Population"), (render_population_flow(source), *population_blocks(source))
        ),
        *endpoint_sections(source),
        *closing_sections(source),
    )
    return make_page(source, sections)


def make_page(source: Source, sections: tuple[Section, ...], *, marks: tuple[str, ...] = ()) -> Page:
    """A page with the study's title, its version, and as stamp the marks and, for virtual patients, the one that says so."""
    version = source.protocol.version
    return Page(
        title=Text(source.said(source.protocol.study.title, "study.title")),
        subtitle=Text(
            source.said(source.protocol.study.id, "study.id"),
            *((", protocol version ", source.said(version.number, "version.number"), " of ",
               source.said(version.date.isoformat(), "version.date")) if version else ()),
        ),
        sections=sections,
        running=Text(source.said(source.protocol.study.id, "study.id")),
        date=version.date if version else None,
        stamp=" · ".join((*marks, *((SIMULATED,) if source.results.is_simulated else ()))),
    )  # fmt: skip


def opening_sections(source: Source, first: tuple[Block, ...] = ()) -> tuple[Section, ...]:
    """What to know before reading, `first` before all else, the main results, and what the study is."""
    return (
        Section("read-first", Text("Read this first"), (*first, *_read_first(source))),
        *_at_a_glance(source),
        Section("synopsis", Text("Synopsis"), (render_synopsis(source),)),
    )


def endpoint_sections(source: Source) -> tuple[Section, ...]:
    """One section for each endpoint that is analysed, in the order of the protocol."""
    sections = []
    for name in source.protocol.endpoints:
        if blocks := _endpoint(source, name):
            anchor = f"endpoint-{name.replace('_', '-')}"
            sections.append(Section(anchor, Text(source.endpoint(name)), tuple(blocks)))
    return tuple(sections)


def closing_sections(source: Source) -> tuple[Section, ...]:
    """How it was done, what is assumed, and what it rests on."""
    about = Text(
        "Every number of this report is a row of the results table that lies beside it (results.json, "
        "results.parquet). The same protocol, data and software give the same report, byte for byte."
    )
    return (
        Section("methods", Text("Methods"), (render_methods(source),)),
        Section("assumptions", Text("Assumed and not stated"), tuple(_open_statements(source))),
        Section(
            "reproducibility", Text("Reproducibility"), (Paragraph(about), render_reproducibility(source))
        ),
    )


def _read_first(source: Source) -> tuple[Block, ...]:
    cautions = tuple(
        Text(source.said(text, f"study.caution[{i}]")) for i, text in enumerate(source.protocol.study.caution)
    )
    blocks: list[Block] = []
    if cautions:
        blocks.append(Callout("note", Text("What this study can and cannot say"), cautions))
    for title, codes in _FINDINGS.items():
        found = [finding for finding in source.results.findings if finding.code in codes]
        if found:
            told = {text.plain: text for text in map(source.finding, found)}
            blocks.append(Callout("warning", Text(title), tuple(told.values())))
    if not blocks:
        blocks.append(Paragraph(Text("The analyses gave no warnings.")))
    return tuple(blocks)


_FINDINGS = {
    "Nobody there, or nothing recorded": {
        "empty-population",
        "nobody-followed",
        "no-adverse-events-recorded",
    },
    "Small or empty groups": {"small-group", "empty-group", "no-events"},
    "Hazards are not proportional": {"non-proportional-hazards"},
    "Models with few events": {"few-events"},
    "Hardly anybody left at a reading time": {"few-at-risk"},
    "Groups that still differ": {"groups-still-differ"},
    "Biased on purpose": {"biased-on-purpose"},
    "Events that could not be judged": {"many-unjudged"},
    "Rates of a time that is not over": {"time-not-over"},
    "Not estimated": {"not-estimable"},
}


def _at_a_glance(source: Source) -> list[Section]:
    analyses = source.protocol.analyses.items()
    curves = [
        (name, analysis)
        for name, analysis in analyses
        if isinstance(analysis, KaplanMeier | CumulativeIncidence)
        and f"{name}/n_analysed" in source.results
        and not _is_beside(analysis)
        and (
            isinstance(analysis, KaplanMeier)
            or source.protocol.endpoints[analysis.endpoint].role != "exploratory"
        )
    ]
    endpoints = [analysis.endpoint for _, analysis in curves]
    curves.sort(key=lambda curve: endpoints.index(curve[1].endpoint))
    rates = [
        (name, analysis)
        for name, analysis in analyses
        if isinstance(analysis, Proportion)
        and analysis.role == "registered"
        and not _is_refused(source, name)
    ]
    tables = (
        *([render_rates_at_a_glance(source, rates)] if rates else []),
        *([render_glance_table(source, curves)] if curves else []),
    )
    return [Section("at-a-glance", Text("At a glance"), tables)] if tables else []


def _is_beside(analysis: TimeAnalysis) -> bool:
    """Whether a curve stands beside another of its endpoint: from another moment, by a landmark or weighted."""
    return bool(analysis.from_ or analysis.entry or analysis.landmark or analysis.weights)


def population_blocks(source: Source) -> list[Block]:
    """Who the subjects are and how long they were followed."""
    blocks: list[Block] = []
    for name, analysis in source.protocol.analyses.items():
        if isinstance(analysis, BaselineTable):
            blocks.append(render_baseline_table(source, name, analysis))
        elif isinstance(analysis, ReverseKaplanMeier):
            blocks.append(render_follow_up_table(source, name, analysis))
    return blocks


def _endpoint(source: Source, name: str) -> list[Block]:
    """The analyses of one endpoint, the registered ones first, each with its note, after what the endpoint is."""
    blocks: list[Block] = []
    for id_, analysis in in_reporting_order(source.protocol, name):
        if isinstance(analysis, TimeAnalysis) and is_biased(analysis):
            blocks.append(biased_callout(source, id_, analysis.title))
        blocks += RENDERERS[type(analysis)](source, id_, analysis)
        if analysis.note:
            blocks.append(Paragraph(Text(source.setting(id_, "note", analysis.note))))
    endpoint = source.protocol.endpoints[name]
    overview = (*render_comparisons(source, name), *render_immortal_time(source, name)) if blocks else ()
    return [render_estimand(source, name, endpoint), *overview, *blocks] if blocks else []


def in_reporting_order(protocol: Protocol, endpoint: str) -> list[tuple[str, Analysis]]:
    """The analyses of an endpoint that have a place in its section: what is registered, what stands beside, what asks otherwise."""
    here = [
        (id_, analysis)
        for id_, analysis in protocol.analyses.items()
        if getattr(analysis, "endpoint", None) == endpoint and type(analysis) in RENDERERS
    ]
    return sorted(here, key=lambda item: _ROLES.index(item[1].role))


_ROLES = ("registered", "supportive", "sensitivity")


Renderer = Callable[[Source, str, Any], list[Block]]


def _render_curves(source: Source, id_: str, analysis: KaplanMeier) -> list[Block]:
    return [
        render_curves(source, id_, analysis),
        render_survival_table(source, id_, analysis),
        *render_weights(source, id_, analysis),
    ]


def _render_cox(source: Source, id_: str, analysis: Cox) -> list[Block]:
    forest = render_forest(source, id_, analysis)
    return [
        render_cox_table(source, id_, analysis),
        *([forest] if forest else []),
        *render_weights(source, id_, analysis),
    ]


def not_run(source: Source, id_: str, analysis: AnalysisBase) -> Paragraph:
    """In place of an analysis that must not be run as it is written: its title and the reason."""
    reason = source.decimals(f"{id_}/estimate", 1)
    return Paragraph(Text(source.setting(id_, "title", analysis.title), " was not run: ", reason, "."))


def _run_only(render: Renderer) -> Renderer:
    """What is shown of an analysis, or why it was not run."""

    def shown(source: Source, id_: str, analysis: Any) -> list[Block]:
        return [not_run(source, id_, analysis)] if _is_refused(source, id_) else render(source, id_, analysis)

    return shown


def _is_refused(source: Source, id_: str) -> bool:
    """Whether an analysis must not be run as it is written."""
    return f"{id_}/estimate" in source.results and f"{id_}/n_analysed" not in source.results


RENDERERS: Mapping[type[AnalysisBase], Renderer] = MappingProxyType(
    {
        KaplanMeier: _run_only(_render_curves),
        LogRank: _run_only(lambda source, id_, analysis: [render_logrank_table(source, id_, analysis)]),
        RestrictedMean: _run_only(
            lambda source, id_, analysis: [render_restricted_mean_table(source, id_, analysis)]
        ),
        Cox: _run_only(_render_cox),
        Subgroups: _run_only(render_subgroups),
        CumulativeIncidence: _run_only(render_incidence),
        FineGray: _run_only(lambda source, id_, analysis: [render_fine_gray_table(source, id_, analysis)]),
        IntervalCensored: _run_only(
            lambda source, id_, analysis: [render_interval_table(source, id_, analysis)]
        ),
        CloneCensorWeight: _run_only(
            lambda source, id_, analysis: [render_emulated_table(source, id_, analysis)]
        ),
        Proportion: _run_only(render_rates),
        GradeTable: _run_only(
            lambda source, id_, analysis: [
                *render_adverse_events(source, id_, analysis),
                render_adverse_event_dots(source, id_, analysis),
            ]
        ),
        VisitSummary: lambda source, id_, analysis: [render_visit_table(source, id_, analysis)],
    }
)
"""What is shown of an analysis in the section of its endpoint, by its method."""


def _open_statements(source: Source) -> list[Block]:
    blocks: list[Block] = []
    for status, title in (("assumed", "Assumed"), ("not stated", "Not stated in the source")):
        items = open_statements(source, status, without=("assumptions", "scenarios", "design"))
        if items:
            blocks.append(Section(status.replace(" ", "-"), Text(title), (Bullets(items),)))
    return blocks or [Paragraph(Text("The protocol marks nothing as assumed or not stated."))]
