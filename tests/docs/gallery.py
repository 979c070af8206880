"""docs/gallery.md and its pictures: every figure of a report, drawn from virtual trials with a fixed seed.

`python -m tests.docs.gallery` draws the pictures anew (`make docs` writes the page only, for it takes seconds less). To add a
figure, append an `Entry` whose `draw` gives its blocks; the first picture is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from trialwright.analysis.listed import Listed, select_listed
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.reports.blocks import Figure
from trialwright.reports.charts import render_svg, stamped
from trialwright.reports.patient_figures import render_patient_figures
from trialwright.reports.patient_parts import Shown
from trialwright.reports.printed import Said

PICTURES = Path(__file__).parents[2] / "docs" / "images" / "gallery"
SEED = 7
STAMP = "SIMULATED"
_SIZES = {"nct04294498": 43, "nct07120750": 120}
_POPULATIONS = {"nct04294498": "treated", "nct07120750": "full_analysis"}


@dataclass(frozen=True)
class Trial:
    """A virtual trial with all its derived datasets."""

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
    """One figure of the gallery: the name of its picture, its heading, what it is for, and what draws it."""

    name: str
    title: str
    says: str
    made_by: str
    trial: str
    draw: Callable[[Trial], Shown]


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
)

INTRODUCTION = """<!-- Written by `make docs` from tests/docs/gallery.py. Change that, not this page. -->

# Gallery

Every figure of a trial's report. The patients are virtual ([virtual-trials.md](virtual-trials.md)), and every picture says so. In a report each figure has a caption that counts who is shown and who is not and why, and a text for those who cannot see it; in HTML it answers to the pointer and to the width of the page. Each mark carries the `id` of its row in the listing behind the figure (`swimmer/DURVA-HBV-0001/durvalumab/1`), and that row names its records and the element of the protocol.

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
    return Trial(loaded, derive_datasets(make_study(loaded, made.tables)).tables, _POPULATIONS[name])


def draw_picture(entry: Entry) -> str:
    figure = next(block for block in entry.draw(virtual_trial(entry.trial)) if isinstance(block, Figure))
    return render_svg(stamped(figure.spec, STAMP))


def draw_pictures() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES:
        (PICTURES / f"{entry.name}.svg").write_text(draw_picture(entry), encoding="utf-8")


if __name__ == "__main__":
    draw_pictures()
