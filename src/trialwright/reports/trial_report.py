"""The report of a trial from its records, as a team hands it to its ethics board."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from trialwright.analysis.from_records import AnalysedTrial
from trialwright.analysis.listed import select_listed
from trialwright.analysis.participation import primary_population
from trialwright.analysis.run import FLOW
from trialwright.checks.data.record_checks import ALL_DATA_CHECKS, DataOutcome, check_records
from trialwright.checks.protocol_checks import check_protocol
from trialwright.derivations.safety_period import safety_population
from trialwright.derivations.study import known_at
from trialwright.records.table_threads import on_table_threads
from trialwright.reports.blocks import (
    Block,
    Column,
    Page,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
)
from trialwright.reports.calendar_tables import calendar_sections
from trialwright.reports.design_page import design_sections
from trialwright.reports.disclosure import disclosure_sections, look_mark
from trialwright.reports.doubts import render_data_errors, render_doubts
from trialwright.reports.exposure_tables import exposure_sections
from trialwright.reports.flow_figure import render_flow
from trialwright.reports.listing_tables import LISTINGS, render_listing
from trialwright.reports.participation_table import render_participation, render_screening
from trialwright.reports.patient_figures import PATIENT_FIGURES, render_patient_figures
from trialwright.reports.printed import Source
from trialwright.reports.study_report import (
    closing_sections,
    endpoint_sections,
    make_page,
    opening_sections,
    population_blocks,
)


@on_table_threads
def build_trial_report(trial: AnalysedTrial) -> Page:
    """The page, ready for any renderer."""
    source = Source(trial.data.protocol, trial.results)
    outcome = _checked(trial)
    population = primary_population(trial.study.protocol)
    flow: tuple[Block, ...] = ()
    if population is not None:
        screening = render_screening(source, population)
        flow = (render_flow(source, population), *screening, render_participation(source, population))
    participants = (*flow, render_populations(source), *population_blocks(source))
    sections = (
        *disclosure_sections(trial.study.protocol, trial.disclosure),
        *opening_sections(source, render_data_errors(outcome)),
        Section("participants", Text("Participants"), participants),
        *exposure_sections(source),
        *calendar_sections(source),
        *endpoint_sections(source),
        *design_sections(trial),
        *_one_by_one(trial),
        render_doubts(outcome, trial.problems, check_protocol(trial.study.loaded)),
        *closing_sections(source),
    )
    return make_page(source, sections, marks=look_mark(trial.disclosure))


def _checked(trial: AnalysedTrial) -> DataOutcome:
    """What is doubtful in the records that the report rests on: what came after the cut does not exist, but for its number."""
    records, cut = trial.records, trial.study.cut
    if cut is None:
        return check_records(records, trial.study.loaded, today=_OPEN)
    tables = known_at(cut, records.tables)
    known = {name: replace(one, table=tables[name]) for name, one in records.datasets.items()}
    outcome = check_records(replace(records, datasets=known), trial.study.loaded, today=_OPEN)
    outcome = _without_what_came(outcome, trial)
    later = [
        (name, "after-the-cut", table.height - tables[name].height, "the record")
        for name, table in records.tables.items()
        if table.height > tables[name].height
    ]
    cut_off = pl.DataFrame(later, schema=outcome.left_out.schema, orient="row")
    return replace(
        outcome,
        left_out=pl.concat([outcome.left_out, cut_off]),
        n_records={name: table.height for name, table in records.tables.items()},
    )


_MAY_COME = (
    "baseline-missing", "death-without-cause", "measure-never-recorded", "milestone-missing", "reader-without-records",
)  # fmt: skip
"""What is missing at a cut and no fault of the data where it came later."""


def _without_what_came(outcome: DataOutcome, trial: AnalysedTrial) -> DataOutcome:
    """The findings at a cut without those that something is missing which is recorded later."""
    is_open = pl.col("CODE").is_in(_MAY_COME)
    if not outcome.findings.select(is_open.any()).item():
        return outcome
    others = [one.code for one in ALL_DATA_CHECKS if one.code not in _MAY_COME]
    in_the_end = check_records(trial.records, trial.study.loaded, today=_OPEN, ignore=others).findings
    findings = outcome.findings.with_row_index()
    said_again = findings.join(
        in_the_end, on=["CODE", "DATASET", "USUBJID", "MESSAGE"], how="semi", nulls_equal=True
    )
    kept = findings.filter(~is_open | pl.col("index").is_in(said_again["index"].implode()))
    missing = kept.filter(is_open).group_by("DATASET", "CODE").agg(n_missing=pl.col("USUBJID").n_unique())
    left_out = outcome.left_out.join(missing, on=["DATASET", "CODE"], how="left", maintain_order="left")
    number = pl.when(is_open).then(pl.col("n_missing").cast(pl.Int64)).otherwise("N")
    left_out = left_out.with_columns(N=number).drop("n_missing").drop_nulls("N")
    return replace(outcome, findings=kept.drop("index"), left_out=left_out)


_OPEN = date.max
"""The report knows no day but those of its data: none of them is in the future."""


def _one_by_one(trial: AnalysedTrial) -> tuple[Section, ...]:
    """What happened to each: figures of the primary population, listings of that in which adverse events are counted.

    Whoever is out of the primary population has died, had an adverse event or departed from the protocol all the same.
    """
    population = primary_population(trial.study.protocol)
    if population is None:
        return ()
    listed, safety = (
        select_listed(trial.study.loaded, trial.data.tables, name)
        for name in (population, safety_population(trial.study.protocol) or population)
    )
    said = Source(trial.study.protocol, trial.results)
    intro, of_listings = (_of_population(said, one.population) for one in (listed, safety))
    figures: list[Block] = [_FIGURES_WITHHELD]
    if not trial.disclosure.withheld:
        figures = [block for name in PATIENT_FIGURES for block in render_patient_figures(listed, name)]
    listings = [render_listing(safety, name) for name in LISTINGS]
    return (
        Section("one-by-one", Text("Patients one by one"), (intro, *figures)),
        Section("listings", Text("Listings"), (of_listings, *listings)),
    )


def _of_population(source: Source, name: str) -> Paragraph:
    return Paragraph(Text("Of the population: ", source.population(name), "."))


_FIGURES_WITHHELD = Paragraph(
    Text(
        "Figures of single patients show treatment and outcome side by side, group by group. They are withheld as comparisons "
        "of the groups are."
    )
)


def render_populations(source: Source) -> Table:
    """Everyone in the records, and of them who belongs to each population, surely or perhaps."""
    protocol = source.protocol
    told = {row.group for row in source.results.of(FLOW)}
    groups = [name for name in protocol.groups if name in told] if len(protocol.groups) > 1 else []
    columns = (
        Column(Text("Population"), "left"),
        Column(Text("Members")),
        *(Column(Text(source.level("groups", group))) for group in groups),
        Column(Text("Not members")),
        Column(Text("Unknown")),
    )
    blank = tuple(Text() for _ in columns[2:])
    rows = []
    if f"{FLOW}/n_planned" in source.results:
        rows.append(Row(Text("Planned"), (source.count(f"{FLOW}/n_planned"), *blank)))
    rows.append(Row(Text("In the records"), (source.count(f"{FLOW}/n_records"), *blank)))
    for name, population in protocol.populations.items():
        if not population.when or f"{FLOW}/{name}/n_in_population" not in source.results:
            continue
        cells = (
            source.count(f"{FLOW}/{name}/n_in_population"),
            *(source.count(f"{FLOW}/{group}/{name}/n_in_population") for group in groups),
            source.count(f"{FLOW}/{name}/n_not_in_population"),
            source.count(f"{FLOW}/{name}/n_population_unknown"),
        )
        rows.append(Row(Text(source.population(name)), cells))
    decided = [
        piece
        for name, population in protocol.populations.items()
        if not population.when
        for piece in (", ", source.population(name))
    ]
    notes = (Text("People decide, not a rule: ", *decided[1:], "."),) if decided else ()
    return Table("table-populations", Text("Populations"), columns, tuple(rows), notes)
