"""Peak ALT against peak bilirubin, over normal and over the patient's own baseline; from `list_edish`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from trialwright.medicine.hepatitis_b.liver_injury import QUADRANTS
from trialwright.reports.blocks import Figure, Number, Paragraph, Ref, Term, Text
from trialwright.reports.canvas import LEFT, RIGHT, Across, Canvas, Down, Place, Symbol
from trialwright.reports.figures import MUTED, NARROWEST
from trialwright.reports.patient_parts import (
    BLUE,
    DARK,
    MOST_PATIENTS,
    OCHRE,
    ORANGE,
    RINGED,
    Names,
    Shown,
    count,
    label_ends,
    patients,
    tip_of,
)
from trialwright.reports.printed import Said

_RISES = {
    "met": (Symbol("triangle-up", ORANGE, size=70), "with"),
    "not met": (Symbol("circle", BLUE, size=32), "without"),
    "unknown": (Symbol("square", OCHRE, is_filled=False, size=42), "not known:"),
    None: (Symbol("circle", BLUE, size=32), ""),
}


_OVER_BASELINE = ("neither raised", "ALT raised", "bilirubin raised", "both raised")
_QUADRANTS = {
    "ULN": dict(zip(QUADRANTS, QUADRANTS, strict=True)),
    "baseline": dict(zip(QUADRANTS, _OVER_BASELINE, strict=True)),
}
"""Names of quadrants by what the peaks are multiples of: over baseline nobody has named them."""


_STANDS_OUT = (
    (pl.col("ALT") >= pl.col("ALTLINE"))
    | (pl.col("BILI") > pl.col("BILILINE"))
    | (pl.col("RISE") == "met").fill_null(value=False)
    | pl.col("is_open")
)
"""Beyond a line, with a rise, or with a peak that is open: whoever does is named, as long as names can be read."""


def render_edish(frame: pl.DataFrame, said: Said) -> Shown:
    """Peak ALT against peak bilirubin over normal, and over the patient's own baseline; from `list_edish`."""
    if frame.is_empty():
        return (Paragraph(Text("No patient has liver tests after baseline.")),)
    return tuple(_edish(frame.filter(pl.col("KIND") == kind), kind, said) for kind in ("ULN", "baseline"))


def _edish(frame: pl.DataFrame, kind: str, said: Said) -> Figure | Paragraph:
    drawn = frame.filter((pl.col("ALT") > 0) & (pl.col("BILI") > 0))
    of = "the upper limit of normal" if kind == "ULN" else "the patient's own baseline"
    if drawn.is_empty():
        return Paragraph(Text(f"No patient has ALT and bilirubin after baseline as multiples of {of}."))
    names = Names.for_subjects(frame["USUBJID"])
    is_open = pl.col("ALTREAS").is_not_null() | pl.col("BILIREAS").is_not_null()
    n, n_drawn, n_open = frame.height, drawn.height, drawn.filter(is_open).height
    drawn = drawn.with_columns(is_open=is_open).with_columns(is_named=_STANDS_OUT)
    n_named = int(drawn["is_named"].sum())
    has_names = n_named <= MOST_PATIENTS
    lines = frame["LINES"][0]
    ref = Ref.protocol(lines) if lines.startswith("events.") else Ref.source(lines)
    alt_line, bili_line = (Term(f"{frame[name][0]:g}", ref) for name in ("ALTLINE", "BILILINE"))
    rise = frame["RISELBL"].drop_nulls().unique().to_list()
    caption = Text(
        "Shown are ", patients(n_drawn, "edish"), " of ", count(n, "edish"), *(("; of the others one of the two peaks is not known",) if n > n_drawn else ()), ". ",
        *(("White symbols: a peak may be higher than shown (", count(n_open, "edish"), "). ") if n_open else ()),
        "Lines at ", alt_line, " and ", bili_line, f" times {of}", *_where_from(kind, lines, ref),
        ". The peaks may be far apart in time, and another cause may explain them: the upper right is no diagnosis. ",
        *(() if has_names else (count(n_named, "edish"), " lie beyond a line, with a rise or open: too many to name here; the listing names them. ")),
        *(_candidates(frame) if ref.kind == "protocol" else ()),
        *(("Symbols: ", Term(rise[0], Ref.protocol(str(_rise_path(said, rise[0])))), ".") if rise else ("The protocol counts no rise of HBV DNA.",)),
        names.note(),
    )  # fmt: skip
    counts = frame.group_by("QUADRANT").len().drop_nulls().sort("QUADRANT")
    told = [
        piece
        for name, number in counts.iter_rows()
        for piece in ("; ", f"{_QUADRANTS[kind][name]}: ", count(number, "edish"))
    ]
    told += ["; open: ", count(frame["QUADRANT"].null_count(), "edish")]
    alt = Text(
        f"Peak ALT against peak bilirubin in multiples of {of}, a symbol a patient. By quadrant", *told, "."
    )
    title = (
        "Liver tests: peaks over the upper limit of normal"
        if kind == "ULN"
        else "Liver tests: peaks over the patient's own baseline"
    )
    spec = _draw_edish(
        drawn if has_names else drawn.with_columns(is_named=False),
        names,
        "ULN" if kind == "ULN" else "baseline",
        rise[0] if rise else None,
    )
    return Figure(f"figure-edish-{kind.lower()}", Text(title), spec, alt, caption)


def _where_from(kind: str, lines: str, ref: Ref) -> Iterator[str | Term]:
    """Whose bounds the lines are; over baseline they are ours to draw, and said to be."""
    whose = Term("the rule of the protocol" if ref.kind == "protocol" else lines, ref)
    if kind == "ULN":
        yield from (", as ", whose, " has them")
    else:
        yield from (", the multiples that ", whose, " sets over normal: over baseline no rule asks for them")


def _candidates(frame: pl.DataFrame) -> Iterator[str | Number]:
    yield from (
        "Candidates for Hy's law by that rule: ",
        count(frame.filter(pl.col("HYSLAW") == "met").height, "edish"),
    )
    n_open = frame.filter(pl.col("HYSLAW") == "unknown").height
    if n_open:
        yield from (", and of ", count(n_open, "edish"), " nobody can tell")
    yield ". "


def _rise_path(said: Said, label: str) -> str:
    return next(
        (f"endpoints.{name}.label" for name, one in said.protocol.endpoints.items() if one.label == label),
        "endpoints",
    )


_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)


def _ratio_ticks(values: Iterable[float], at_least: float) -> list[float]:
    found = [*values, at_least]
    low = max([tick for tick in _TICKS if tick <= min(found)] or [_TICKS[0]])
    high = min([tick for tick in _TICKS if tick >= max(found) * 1.1] or [_TICKS[-1]])
    return [tick for tick in _TICKS if low <= tick <= high]


def _draw_edish(drawn: pl.DataFrame, names: Names, unit: str, rise: str | None) -> dict[str, Any]:
    canvas = Canvas()
    seen = drawn["RISE"].unique().to_list()
    entries = [
        (symbol, f"{words} {rise}".strip()) for key, (symbol, words) in _RISES.items() if rise and key in seen
    ]
    if drawn["HYSLAW"].is_in(["met"]).any():
        entries.append((RINGED, "candidate for Hy's law"))
    top = canvas.legend(entries) + 24 if entries else 30.0
    alt_line, bili_line = float(drawn["ALTLINE"][0]), float(drawn["BILILINE"][0])
    across_ticks = _ratio_ticks(drawn["ALT"].to_list(), alt_line * 2)
    down_ticks = _ratio_ticks(drawn["BILI"].to_list(), bili_line * 2)
    axis = Across(Place(0, 34), RIGHT.right(-30), across_ticks[0], across_ticks[-1], is_log=True)
    down = Down(top, top + 300, down_ticks[0], down_ticks[-1], is_log=True)
    canvas.text(LEFT, top - 18, f"Peak total bilirubin (× {unit})", size=12)
    for tick in across_ticks:
        canvas.grid(axis.place(tick), down.top, axis.place(tick), down.bottom)
        canvas.text(axis.place(tick), down.bottom + 10, f"{tick:g}", align="center")
    for tick in down_ticks:
        canvas.grid(axis.start, down.place(tick), axis.end, down.place(tick))
        canvas.text(axis.start.right(-5), down.place(tick), f"{tick:g}", align="right")
    x, y = axis.place(alt_line), down.place(bili_line)
    canvas.rule(x, down.top, x, down.bottom, dash="dashed", colour=DARK)
    canvas.rule(axis.start, y, axis.end, y, dash="dashed", colour=DARK)
    names_of = list(_QUADRANTS[unit].values())
    canvas.text(axis.start.right(5), down.top + 9, names_of[2], colour=MUTED, size=10)
    canvas.text(axis.end.right(-4), down.top + 9, names_of[3], align="right", colour=MUTED)
    canvas.text(axis.end.right(-4), down.bottom - 9, names_of[1], align="right", colour=MUTED)
    canvas.text(axis.start, down.bottom + 29, f"Peak ALT (× {unit})", size=12)
    _draw_peaks(canvas, axis, down, drawn, names)
    return canvas.spec(down.bottom + 38)


def _draw_peaks(canvas: Canvas, axis: Across, down: Down, drawn: pl.DataFrame, names: Names) -> None:
    """Symbols, and the names of those who stand out."""
    named: list[tuple[Place, float, str]] = []
    for row in drawn.sort(pl.col("RISE") == "met", nulls_last=False, maintain_order=True).iter_rows(
        named=True
    ):
        x, y = axis.place(row["ALT"]), down.place(row["BILI"])
        symbol = _RISES[row["RISE"]][0]
        shown = Symbol(symbol.shape, symbol.colour, symbol.is_filled and not row["is_open"], size=symbol.size)
        numbers = f"ALT {row['ALT']:.2f}", f"bilirubin {row['BILI']:.2f}"
        quadrant = _QUADRANTS[row["KIND"]][row["QUADRANT"]] if row["QUADRANT"] else "quadrant open"
        about = {
            "id": row["id"],
            "tip": tip_of(names.of[row["USUBJID"]], *numbers, quadrant),
        }
        if row["HYSLAW"] == "met":
            canvas.point(x, y, RINGED, **about)
        canvas.point(x, y, shown, **about)
        if row["is_named"]:
            named.append((x, y, names.of[row["USUBJID"]]))
    spots = [
        (axis.place(row["ALT"]).at_width(NARROWEST), down.place(row["BILI"]))
        for row in drawn.iter_rows(named=True)
    ]
    label_ends(canvas, named, down.top, down.bottom, spots)
