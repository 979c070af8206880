"""docs/gallery.md and its pictures: every figure of a report, drawn from virtual trials with a fixed seed.

`python -m tests.docs.gallery` draws the pictures anew (`make docs` writes the page only, for it takes seconds less). To add a
figure, append an `Entry` whose `draw` gives its blocks; the first picture is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
from tests.cases.board_records import records_of

from trialwright.analysis.from_records import bind_tables
from trialwright.analysis.listed import Listed, select_listed
from trialwright.analysis.run import run_analyses
from trialwright.analysis.safety_board import analyse_board
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.reports.blocks import Block, Figure, walk
from trialwright.reports.charts import render_svg, stamped
from trialwright.reports.dsmb_page import build_board_page
from trialwright.reports.flow_figure import render_flow
from trialwright.reports.patient_figures import render_patient_figures
from trialwright.reports.patient_parts import Shown
from trialwright.reports.printed import Said, Source
from trialwright.reports.study_report import endpoint_sections

PICTURES = Path(__file__).parents[2] / "docs" / "images" / "gallery"
SEED = 7
STAMP = "SIMULATED"
_SIZES = {"nct04294498": 43, "nct07120750": 120}
_POPULATIONS = {"nct04294498": "treated", "nct07120750": "full_analysis"}
_BOARD_CUT = date(2027, 10, 1)


@dataclass(frozen=True)
class Trial:
    """A virtual trial with all its derived datasets."""

    name: str
    loaded: LoadedProtocol
    tables: Mapping[str, pl.DataFrame]
    population: str

    @property
    def listed(self) -> Listed:
        return select_listed(self.loaded, self.tables, self.population)

    @property
    def said(self) -> Said:
        return Said(self.loaded.protocol)


@dataclass(frozen=True)
class Entry:
    """One figure of the gallery: the name of its picture, its heading, what it is for, what makes it, and what gives it."""

    name: str
    title: str
    says: str
    made_by: str
    trial: str
    draw: Callable[[Trial], Shown]


def from_report(figure_id: str) -> Callable[[Trial], Shown]:
    """A figure of the report of the trial, by its id."""
    return lambda trial: (_named(endpoint_sections(source_of(trial.name)), figure_id),)


def from_board(figure_id: str) -> Callable[[Trial], Shown]:
    """A figure of the open document of the data monitoring board, by its id."""
    return lambda trial: (_named(board_sections(trial.name), figure_id),)


def _named(blocks: tuple[Block, ...], figure_id: str) -> Figure:
    return next(block for block in walk(blocks) if isinstance(block, Figure) and block.id == figure_id)


ENTRIES = (
    Entry(
        "swimmer",
        "Swimmer plot",
        "A row a patient: time on study, each treatment with its doses, response, progression, reactivation, flare, death. "
        "White symbols are events of which nobody can tell whether they happened; arrows are what goes on as far as is known.",
        "`list_swimmer`, `render_swimmer`",
        "nct04294498",
        lambda trial: render_patient_figures(trial.listed, "swimmer"),
    ),
    Entry(
        "swimmer-many",
        "Swimmer plot of many patients",
        "With more than 60 patients those with an event are shown, page by page and by group; the caption counts the others.",
        "`list_swimmer`, `render_swimmer`",
        "nct07120750",
        lambda trial: render_patient_figures(trial.listed, "swimmer"),
    ),
    Entry(
        "waterfall",
        "Waterfall plot",
        "The best change of the sum of target lesions, a bar a patient, lying so that every name can be read on a phone. Who has "
        "no change that is known stands below with the reason, and never at 0.",
        "`list_waterfall`, `render_waterfall`",
        "nct04294498",
        lambda trial: render_patient_figures(trial.listed, "waterfall"),
    ),
    Entry(
        "spider",
        "Spider plot",
        "The sum of target lesions over time, in panels by best response with a few patients each, so that lines and names can be "
        "told apart. A scan in which a target was not measured has no point.",
        "`list_spider`, `render_spider`",
        "nct04294498",
        lambda trial: render_patient_figures(trial.listed, "spider"),
    ),
    Entry(
        "courses",
        "HBV DNA and ALT of each patient",
        "Logarithmic axes, the patient's own thresholds (from the rules of the protocol and the patient's baseline), the upper limit "
        "of normal of each sample, limits of quantification. A white triangle is a result beyond a limit, drawn at that limit.",
        "`list_courses`, `render_courses`",
        "nct04294498",
        lambda trial: render_patient_figures(trial.listed, "courses"),
    ),
    Entry(
        "edish",
        "eDISH",
        "Peak ALT against peak bilirubin, marked by what became of HBV DNA; the report shows it over the patient's own baseline "
        "too, for many begin with ALT above normal. The lines come from the protocol's rule for Hy's law.",
        "`list_edish`, `render_edish`",
        "nct04294498",
        lambda trial: render_patient_figures(trial.listed, "edish"),
    ),
    Entry(
        "flow",
        "Flow of participants",
        "From everyone in the records to the population of the primary endpoint and its groups. A population counts who surely "
        "belongs to it; of whom nobody can tell stands apart.",
        "`render_flow`",
        "nct07120750",
        lambda trial: (render_flow(source_of(trial.name), trial.population),),
    ),
    Entry(
        "kaplan-meier",
        "Kaplan–Meier curves with the numbers at risk",
        "Groups differ in colour and in dashes; strokes are censored subjects, bands pointwise limits. At risk, censored and events "
        "add up to the group at every time.",
        "`kaplan-meier`, `render_curves`",
        "nct07120750",
        from_report("figure-os-curve"),
    ),
    Entry(
        "incidence",
        "Cumulative incidence",
        "The share of those with the event where something else may come first; the rows below the axis count that too.",
        "`cumulative incidence`, `render_incidence_curves`",
        "nct07120750",
        from_report("figure-recurrence-incidence"),
    ),
    Entry(
        "balance",
        "Balance before and after weighting",
        "The love plot: absolute standardised differences of each covariate, and the limit up to which groups count as alike. What was "
        "not measured is not in it.",
        "`weights`, `render_love_plot`",
        "nct07120750",
        from_report("figure-recurrence-weighted-curve-balance"),
    ),
    Entry(
        "propensity",
        "Propensity scores by group",
        "How many of each group have which probability of the treatment. Where only one side has bars, nothing can be compared.",
        "`weights`, `render_positivity`",
        "nct07120750",
        from_report("figure-recurrence-weighted-curve-scores"),
    ),
    Entry(
        "all-estimates",
        "All estimates of one comparison",
        "The primary comparison answered in every way the protocol names, side by side, the registered one marked, the biased ones grey.",
        "`render_comparisons`",
        "nct07120750",
        from_report("figure-all-recurrence"),
    ),
    Entry(
        "adverse-events",
        "Adverse events",
        "How many subjects had each term that came with treatment, a dot a group, the commonest first. Differences of the groups are not "
        "drawn: no analysis of the protocol asks for them.",
        "`adverse events`, `render_adverse_event_dots`",
        "nct07120750",
        from_report("figure-adverse-event-table-terms"),
    ),
    Entry(
        "boundary",
        "Events and the boundary of the monitoring board",
        "The way of the trial towards the boundary at which it pauses, a point for each day on which a patient came to count "
        "([dsmb.md](dsmb.md)).",
        "`monitoring`, `render_boundary`",
        "nct04294498",
        from_board("figure-boundary-reactivation"),
    ),
)

INTRODUCTION = """<!-- Written by `make docs` from tests/docs/gallery.py. Change that, not this page. -->

# Gallery

Every figure of a trial's report. The patients are virtual ([virtual-trials.md](virtual-trials.md)), and every picture says so. In a report each figure has a caption that counts who is shown and who is not and why, and a text for those who cannot see it; in HTML it answers to the pointer and to the width of the page. In figures of single patients each mark carries the `id` of its row in the listing behind the figure (`swimmer/DURVA-HBV-0001/durvalumab/1`), and that row names its records and the element of the protocol; what the others show are rows of the results table ([results.md](results.md)).

`python -m tests.docs.gallery` draws the pictures anew.
"""


def render_gallery_page() -> str:
    parts = [INTRODUCTION]
    for entry in ENTRIES:
        picture = (
            f"![{entry.title}: {STAMP.lower()} patients of {entry.trial}](images/gallery/{entry.name}.svg)"
        )
        parts.append(f"## {entry.title}\n\n{entry.says}\n\nFrom {entry.made_by}.\n\n{picture}\n")
    return "\n".join(parts)


@cache
def virtual_trial(name: str) -> Trial:
    loaded = load_protocol(name)
    made = simulate(loaded, seed=SEED, subjects=_SIZES[name])
    return Trial(name, loaded, derive_datasets(make_study(loaded, made.tables)).tables, _POPULATIONS[name])


@cache
def source_of(name: str) -> Source:
    """The protocol and its results, of which figures of a report are made."""
    trial = virtual_trial(name)
    data = bind_tables(trial.loaded.protocol, trial.tables, is_simulated=True)
    return Source(trial.loaded.protocol, run_analyses(data, {}, "records"))


@cache
def board_sections(name: str) -> tuple[Block, ...]:
    records = records_of(name, subjects=_SIZES[name])
    return build_board_page(analyse_board(virtual_trial(name).loaded, records, cut=_BOARD_CUT)).sections


def draw_picture(entry: Entry) -> str:
    figure = next(block for block in entry.draw(virtual_trial(entry.trial)) if isinstance(block, Figure))
    return render_svg(stamped(figure.spec, STAMP))


def draw_pictures() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES:
        (PICTURES / f"{entry.name}.svg").write_text(draw_picture(entry), encoding="utf-8")


if __name__ == "__main__":
    draw_pictures()
