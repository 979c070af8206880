"""Every figure in which each patient is a line, from the listings of `analysis.patient_lines`.

Each `render_` function gives the figures of one listing, several where patients fill more than one page; where there is
nothing to draw, a sentence says so. A figure never leaves anybody out without a word: its caption counts who is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import polars as pl

from trialwright.analysis.listed import Listed
from trialwright.analysis.patient_lines import (
    list_courses,
    list_edish,
    list_spider,
    list_swimmer,
    list_waterfall,
)
from trialwright.reports.course_figures import render_courses
from trialwright.reports.edish_figures import render_edish
from trialwright.reports.patient_parts import Shown
from trialwright.reports.printed import Said
from trialwright.reports.spider_figure import render_spider
from trialwright.reports.swimmer_figure import render_swimmer
from trialwright.reports.waterfall_figure import render_waterfall

Made: TypeAlias = tuple[Callable[[Listed], pl.DataFrame], Callable[[pl.DataFrame, Said], Shown]]

PATIENT_FIGURES: Mapping[str, Made] = MappingProxyType(
    {
        "swimmer": (list_swimmer, render_swimmer),
        "waterfall": (list_waterfall, render_waterfall),
        "spider": (list_spider, render_spider),
        "courses": (list_courses, render_courses),
        "edish": (list_edish, render_edish),
    }
)
"""The listing and the figures of each kind."""


def render_patient_figures(listed: Listed, name: str) -> Shown:
    """The figures of one kind for the subjects of a population.

    Parameters
    ----------
    listed : Listed
    name : str
        One of `PATIENT_FIGURES`.
    """
    list_rows, render = PATIENT_FIGURES[name]
    return render(list_rows(listed), Said(listed.protocol))
