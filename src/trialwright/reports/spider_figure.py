"""The sum of target lesions over time, a line a patient, in small panels; from `list_spider`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trialwright.medicine.recist.criteria import RECIST_1_1
from trialwright.reports.blocks import Paragraph, Text
from trialwright.reports.canvas import (
    DAYS_OF_A_MONTH,
    GRID,
    LEFT,
    Across,
    Canvas,
    Down,
    Place,
    Symbol,
    draw_months,
)
from trialwright.reports.figures import MUTED, text_width
from trialwright.reports.patient_parts import (
    BLUE,
    DARK,
    OCHRE,
    ORANGE,
    WIDEST_CHANGE,
    Names,
    Shown,
    along,
    count,
    dated,
    figures_of,
    label_ends,
    limit_of,
    pages,
    patients,
    reader_words,
    since_time_zero,
    tip_of,
)
from trialwright.reports.printed import Said, fixed

_LINES = 7
"""Patients of one panel: as many as have room for their names."""
_PANEL, _PITCH, _PANELS_OF_A_PAGE = 130, 176, 10
_KINDS = (
    (("CR", "PR"), BLUE),
    (("SD", "NON-CR/NON-PD"), DARK),
    (("PD",), ORANGE),
    (("NE", "MISSING"), OCHRE),
)


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    colour: str
    subjects: list[str]


def render_spider(frame: pl.DataFrame, said: Said) -> Shown:
    """The change of the sum of target lesions over time, a line a patient, in panels by best response; from `list_spider`."""
    drawn = frame.filter(pl.col("PCHG").is_not_null() & pl.col("DAYS").is_not_null())
    after = drawn.filter(pl.col("WHEN") != "baseline")
    everybody, lined = frame["USUBJID"].n_unique(), after["USUBJID"].n_unique()
    if not lined:
        return (
            Paragraph(Text("No patient has a sum of target lesions after baseline: no course is drawn.")),
        )
    drawn = drawn.join(after.select("USUBJID").unique(), on="USUBJID", how="semi", maintain_order="left")
    names = Names.for_subjects(frame["USUBJID"])
    n_open = frame.filter((pl.col("WHEN") != "baseline") & pl.col("PCHG").is_null()).height
    has_therapy = drawn.filter(pl.col("WHEN") == "after new therapy").height > 0
    caption = Text(
        "Shown are ", patients(lined, "spider"), " of ", count(everybody, "spider"), "",
        *(("; the others have no sum after baseline",) if lined < everybody else ()), ". Change of the sum from baseline in per cent, in panels by best overall response.", *reader_words(frame), " ",
        *(("Not shown are ", count(n_open, "spider"), " scans in which not every target was measured. ") if n_open else ()),
        *(("White circles and dashes: after new anticancer therapy. ",) if has_therapy else ()),
        "Dashed lines across: ", limit_of(-RECIST_1_1.shrinkage), " and ", limit_of(RECIST_1_1.growth), " from baseline. "
        "Where a line reaches the top, its last change stands beside the name.", names.note(),
    )  # fmt: skip
    alt = Text(
        "Lines of the change of the sum of target lesions from baseline over time, one for each of ", patients(lined, "spider"),
        ", in panels by best response.",
    )  # fmt: skip
    panels = list(_panels(drawn))
    scale = _spider_scale(drawn)
    parts = [panels[first : first + _PANELS_OF_A_PAGE] for first in range(0, len(panels), _PANELS_OF_A_PAGE)]
    return figures_of(
        "spider",
        "Target lesions over time",
        parts,
        lambda part: _draw_spider(part, drawn, scale, names, said),
        alt,
        caption,
    )


def _panels(drawn: pl.DataFrame) -> Iterator[_Panel]:
    """Panels of a few patients each, by best response."""
    known = [one for best, _ in _KINDS for one in best]
    best_of = pl.when(pl.col("BESTRESP").is_in(known)).then("BESTRESP").otherwise(pl.lit("MISSING"))
    told = drawn.select("USUBJID", best=best_of).unique("USUBJID", keep="first", maintain_order=True)
    for best, colour in _KINDS:
        some = told.filter(pl.col("best").is_in(best))
        title = " or ".join(one for one in best if one in some["best"])
        for i, page in enumerate(pages(some["USUBJID"].to_list(), _LINES)):
            yield _Panel(title if i == 0 else f"{title}, more", colour, page)


def _spider_scale(drawn: pl.DataFrame) -> tuple[float, float, float, float]:
    """Days and changes of all panels: first, last, lowest, highest."""
    days, changes = drawn["DAYS"].to_list(), drawn["PCHG"].to_list()
    low, high = min(-50.0, *changes), max(50.0, min(WIDEST_CHANGE, max(changes)))
    return min(0, *days), max(DAYS_OF_A_MONTH, *days), low, high


def _draw_spider(
    part: Sequence[_Panel], drawn: pl.DataFrame, scale: tuple[float, float, float, float], names: Names, said: Said
) -> dict[str, Any]:  # fmt: skip
    canvas = Canvas()
    first, last, low, high = scale
    room = 8 + max(text_width(name) for name in names.of.values())
    for i, panel in enumerate(part):
        column, top = i % 2, 8 + _PITCH * (i // 2)
        start, end = Place(0.5 * column, 30), Place(0.5 * (column + 1), -room)
        axis, down = Across(start, end, first, last), Down(top + 12, top + 12 + _PANEL, low, high)
        canvas.text(Place(0.5 * column, 0), top, panel.title, weight=600, size=10.5)
        rows = drawn.filter(pl.col("USUBJID").is_in(panel.subjects))
        _draw_spider_panel(canvas, axis, down, rows, names, panel.colour)
    bottom = _PITCH * ((len(part) + 1) // 2)
    canvas.text(LEFT, bottom + 8, since_time_zero(said), size=12)
    return canvas.spec(bottom + 18)


def _draw_spider_panel(
    canvas: Canvas, axis: Across, panel: Down, rows: pl.DataFrame, names: Names, colour: str
) -> None:
    draw_months(canvas, axis, panel.top, panel.bottom, most=5, size=10)
    for value in range(-100, int(panel.high) + 1, 50):
        if value >= panel.low:
            y = panel.place(value)
            canvas.grid(axis.start, y, axis.end, y, colour=MUTED if value == 0 else GRID)
            canvas.text(axis.start.right(-4), y, fixed(value, 0), align="right", size=10)
    for share in (-RECIST_1_1.shrinkage, RECIST_1_1.growth):
        y = panel.place(100 * share)
        canvas.rule(axis.start, y, axis.end, y, dash="dashed")
    ends: list[tuple[Place, float, str]] = []
    obstacles: list[tuple[float, float]] = []
    for (subject,), scans in rows.group_by("USUBJID", maintain_order=True):
        name = names.of[str(subject)]
        points = [
            (axis.place(row["DAYS"]), panel.place(row["PCHG"]), row) for row in scans.iter_rows(named=True)
        ]
        before = [point[:2] for point in points if point[2]["WHEN"] != "after new therapy"]
        canvas.line(f"{name}/before", before, colour=colour)
        if len(before) < len(points):
            beyond = [point[:2] for point in points[max(0, len(before) - 1) :]]
            canvas.line(f"{name}/after", beyond, colour=colour, dash="dashed")
        obstacles += along([point[:2] for point in points])
        for x, y, row in points:
            symbol = Symbol("circle", colour, row["WHEN"] != "after new therapy", size=14)
            tip = tip_of(name, f"{fixed(row['PCHG'], 1)} %", f"{row['AVAL']:g} mm", dated(row))
            canvas.point(x, y, symbol, id=row["id"], tip=tip)
        x, y, row = points[-1]
        ends.append((x, y, f"{name} {fixed(row['PCHG'], 0)} %" if row["PCHG"] > panel.high else name))
    label_ends(canvas, ends, panel.top, panel.bottom, obstacles)
