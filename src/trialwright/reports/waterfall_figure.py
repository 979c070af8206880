"""The best change of the sum of target lesions, a row a patient; from `list_waterfall`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from trialwright.derivations.tumour_settings import response_settings
from trialwright.medicine.recist.criteria import RECIST_1_1
from trialwright.reports.blocks import Number, Paragraph, Term, Text
from trialwright.reports.canvas import GRID, LEFT, RIGHT, Across, Canvas, Place, Symbol
from trialwright.reports.figures import MUTED, text_width
from trialwright.reports.patient_parts import (
    BLUE,
    OCHRE,
    ORANGE,
    WIDEST_CHANGE,
    Names,
    Shown,
    count,
    dated,
    figures_of,
    limit_of,
    pages,
    patients,
    reader_words,
    tip_of,
)
from trialwright.reports.printed import Said, fixed

_BEST = {
    "CR": BLUE, "PR": "#5b9bd0", "SD": "#8a949e", "NON-CR/NON-PD": "#8a949e", "PD": ORANGE, "NE": OCHRE, "MISSING": OCHRE,
}  # fmt: skip


def render_waterfall(frame: pl.DataFrame, said: Said) -> Shown:
    """The best change of the sum of target lesions, a row a patient, the largest growth first; from `list_waterfall`."""
    known = frame.filter(pl.col("PCHG").is_not_null()).sort("PCHG", descending=True, maintain_order=True)
    if known.is_empty():
        return (
            Paragraph(
                Text("No patient has a sum of target lesions after baseline: no best change is drawn.")
            ),
        )
    unknown = frame.filter(pl.col("PCHG").is_null())
    names = Names.for_subjects(frame["USUBJID"])
    order = [*known["USUBJID"], *unknown["USUBJID"]]
    by = {row["USUBJID"]: row for row in frame.iter_rows(named=True)}
    n_lower = known.filter(pl.col("PCHG") <= -100 * RECIST_1_1.shrinkage).height
    caption = Text(
        "Shown are ", patients(frame.height, "waterfall"), *_without_change(unknown.height), ". The lowest complete sum after baseline, ", _therapy(said), "whether or not progression came first. ",
        *_best_response_words(said), *reader_words(frame), " Dashed lines: ", limit_of(-RECIST_1_1.shrinkage), " and ", limit_of(RECIST_1_1.growth),
        " of RECIST. The second is over the lowest sum before, not over baseline: a bar does not tell progression.", names.note(),
    )  # fmt: skip
    alt = Text(
        "A bar for each patient with the best change from baseline. Of ", count(known.height, "waterfall"), " with a known change ",
        count(n_lower, "waterfall"), " have a sum at or below ", limit_of(-RECIST_1_1.shrinkage), ".",
    )  # fmt: skip
    top = max(50.0, min(WIDEST_CHANGE, max(known["PCHG"].to_list())))
    return figures_of(
        "waterfall", "Best change of target lesions", pages(order), lambda page: _draw_waterfall(page, by, names, top), alt, caption
    )  # fmt: skip


def _without_change(n: int) -> Iterator[str | Number]:
    if n:
        yield from ("; of ", count(n, "waterfall"), " no change is known, and the row says why")


def _therapy(said: Said) -> str:
    settings = response_settings(said.protocol)
    return "before any new anticancer therapy, " if settings and settings[0].stops_at_new_therapy else ""


def _best_response_words(said: Said) -> Iterator[str | Term]:
    settings = response_settings(said.protocol)
    if settings:
        confirmed = "confirmed " if settings[0].confirmation else ""
        yield f"Beside it the best {confirmed}overall response, as "
        yield said.said("the protocol", settings[0].path)
        yield " counts it."


def _draw_waterfall(
    page: list[str], by: Mapping[str, Mapping[str, Any]], names: Names, high: float
) -> dict[str, Any]:
    canvas = Canvas()
    known = [by[subject]["BESTRESP"] for subject in page if by[subject]["PCHG"] is not None]
    labels_end = 10 + max(text_width(names.of[subject]) for subject in page)
    axis = Across(Place(0, labels_end), RIGHT.right(-92), -100.0, high)
    entries = [(Symbol("bar", colour, size=11), name) for name, colour in _BEST.items() if name in known]
    top = canvas.legend(entries) + 16
    bottom = top + 16 * len(page) + 2
    for value in range(-100, int(high) + 1, 50):
        x = axis.place(value)
        canvas.grid(x, top - 6, x, bottom, colour=MUTED if value == 0 else GRID)
        canvas.text(x, bottom + 9, fixed(value, 0), align="center")
    for share in (-RECIST_1_1.shrinkage, RECIST_1_1.growth):
        x = axis.place(100 * share)
        canvas.rule(x, top - 6, x, top - 2 + 16 * len(known), dash="dashed")
        canvas.text(
            x, top - 12, f"{'+' if share > 0 else '−'}{100 * abs(share):g}", align="center", colour=MUTED
        )
    y = top + 6.0
    for subject in page:
        _draw_waterfall_row(canvas, axis, y, names.of[subject], by[subject])
        y += 16
    canvas.text(axis.start, bottom + 27, "Change of the sum from baseline (%)", size=12)
    return canvas.spec(bottom + 36)


def _draw_waterfall_row(canvas: Canvas, axis: Across, y: float, name: str, row: Mapping[str, Any]) -> None:
    canvas.text(LEFT, y, name)
    best = row["BESTRESP"] or "–"
    if row["PCHG"] is None:
        canvas.text(axis.start.right(4), y, row["REASON"], colour=MUTED, id=row["id"])
    else:
        colour = _BEST.get(best, MUTED)
        zero, end = axis.place(0), axis.place(row["PCHG"])
        tip = tip_of(f"{fixed(row['PCHG'], 1)} %", f"{row['AVAL']:g} of {row['BASE']:g} mm", dated(row), best)
        if row["PCHG"] == 0:
            canvas.rule(zero, y - 5, zero, y + 5, colour=colour, width=3, id=row["id"], tip=tip)
        else:
            canvas.bar(zero, end, y, colour=colour, height=11, id=row["id"], tip=tip)
        if row["PCHG"] > axis.high:
            canvas.point(end.right(4), y, Symbol("triangle-right", colour, size=40), id=row["id"])
        canvas.text(RIGHT.right(-46), y, fixed(row["PCHG"], 0), align="right")
    canvas.text(RIGHT.right(-38), y, {"MISSING": "none"}.get(best, best[:5]))
