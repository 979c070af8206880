"""HBV DNA and ALT of each patient over time, with the patient's own thresholds; from `list_courses`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trialwright.analysis.listed import readable
from trialwright.protocol.quantities import Quantity
from trialwright.reports.blocks import Number, Paragraph, Ref, Term, Text
from trialwright.reports.canvas import (
    DAYS_OF_A_MONTH,
    Across,
    Canvas,
    Down,
    Place,
    Symbol,
    draw_months,
    power_label,
    powers_of_ten,
)
from trialwright.reports.figures import COLOURS, MUTED
from trialwright.reports.patient_parts import (
    MOST_PATIENTS,
    PALE,
    Names,
    Shown,
    count,
    event_symbols,
    figures_of,
    pages,
    patients,
    since_time_zero,
    tip_of,
)
from trialwright.reports.printed import Said

PATIENTS_OF_A_PAGE = 8
_BLUE, _ORANGE, _TEAL, _PURPLE, _DARK, _OCHRE = COLOURS
_HEIGHTS = (66, 44)
"""Pixels of the panel of the first measure and of those below."""
_HEAD = 34.0
"""Pixels for the name of a patient, the bars of treatment and the title of the first panel."""

_BELOW = Symbol("triangle-down", _BLUE, is_filled=False, size=26)
_ABOVE = Symbol("triangle-up", _BLUE, is_filled=False, size=26)
_EXACT = Symbol("circle", _BLUE, size=12)
_ULN = Symbol("line", MUTED, dash="dotted")
_LIMIT = Symbol("line", _TEAL, dash="dotted")
_BOUND = Symbol("line", _ORANGE, dash="dashed")
_VALUE_BOUND = Symbol("line", _PURPLE, dash="dashed")


def render_courses(frame: pl.DataFrame, said: Said) -> Shown:
    """Two panels a patient, HBV DNA above ALT, on logarithmic axes; patients with an event first.

    Parameters
    ----------
    frame : DataFrame
    said : Said
        The protocol, for the words of its time zero and treatments, and the limits of its assays.
    """
    results = frame.filter((pl.col("KIND") == "result") & pl.col("DAYS").is_not_null())
    if results.filter(pl.col("SHOWN") > 0).is_empty():
        return (Paragraph(Text("No patient has a result of HBV DNA or ALT that can be drawn.")),)
    chosen, rule = _chosen(frame, results)
    everybody = frame["USUBJID"].n_unique()
    names = Names.for_subjects(frame["USUBJID"])
    caption = Text(
        "Shown are ", patients(len(chosen), "courses"), " of ", count(everybody, "courses"), ".", rule, *_left_out(frame, results),
        " A line joins results one after the other and says nothing of what lies between. A threshold is the patient's own: it "
        "rests on the baseline that the protocol names.", *_without_baseline(frame), *_measures(frame),
        " Bars above the panels: treatment.", names.note(),
    )  # fmt: skip
    n_met = frame.filter((pl.col("KIND") == "event") & (pl.col("AVALC") == "met"))["USUBJID"].n_unique()
    alt = Text(
        "Two panels a patient with results over time on logarithmic axes and dashed lines at the patient's own thresholds. Of ",
        patients(everybody, "courses"), " ", count(n_met, "courses"), " have an event of these results.",
    )  # fmt: skip
    scales = _scales(frame, results, said)
    by: dict[str, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        by.setdefault(row["USUBJID"], []).append(row)
    symbols = event_symbols(frame, said)
    return figures_of(
        "courses", "HBV DNA and ALT of each patient", pages(chosen, PATIENTS_OF_A_PAGE),
        lambda page: _Drawing(Canvas(), by, names, scales, symbols, said).page(page), alt, caption,
    )  # fmt: skip


def _chosen(frame: pl.DataFrame, results: pl.DataFrame) -> tuple[list[str], Text]:
    """Whom to show, those with an event first, and how they were chosen."""
    drawn = results["USUBJID"].unique(maintain_order=True).to_list()
    met = set(frame.filter((pl.col("KIND") == "event") & (pl.col("AVALC") == "met"))["USUBJID"])
    open_ = set(frame.filter((pl.col("KIND") == "event") & (pl.col("AVALC") == "unknown"))["USUBJID"])
    order = sorted(drawn, key=lambda subject: (subject not in met, subject not in open_))
    if len(drawn) <= MOST_PATIENTS:
        return order, Text()
    if met or open_:
        some = [subject for subject in order if subject in met | open_]
        return some, Text(" They are those with an event of these results, certain or open.")
    ratio = (pl.col("SHOWN") / pl.col("ANRHI")).max().over("USUBJID")
    ranked = results.filter(pl.col("ANRHI") > 0).sort(
        ratio, descending=True, nulls_last=True, maintain_order=True
    )
    top = ranked["USUBJID"].unique(maintain_order=True).to_list()[:PATIENTS_OF_A_PAGE]
    return top, Text(
        " No event of the protocol rests on these results, or none happened: shown are those with the highest multiple of the "
        "upper limit of normal."
    )  # fmt: skip


def _left_out(frame: pl.DataFrame, results: pl.DataFrame) -> Iterator[str | Number | Text]:
    nobody = frame["USUBJID"].n_unique() - results["USUBJID"].n_unique()
    if nobody:
        yield from (" Without any dated result: ", count(nobody, "courses"), ".")
    unread = results.filter(pl.col("SHOWN").is_null()).height
    if unread:
        yield from (
            " A question mark at the foot of a panel: a result that cannot be used (",
            count(unread, "courses"),
            ").",
        )


def _without_baseline(frame: pl.DataFrame) -> Iterator[str | Number]:
    thresholds = frame.filter(pl.col("KIND") == "threshold")
    n = thresholds.filter(pl.col("SHOWN").is_null())["USUBJID"].n_unique()
    if n:
        yield from (" Without baseline, so without threshold: ", count(n, "courses"), ".")
    n = thresholds.filter(pl.col("CENSORED") == "<")["USUBJID"].n_unique()
    if n:
        yield from (
            " Baseline below a limit, so that the threshold is at most the line: ",
            count(n, "courses"),
            ".",
        )


def _measures(frame: pl.DataFrame) -> Iterator[str | Term]:
    """What the panels show, with units."""
    named = _panels(frame)
    yield " From top to bottom: "
    for i, (_, label, unit) in enumerate(named):
        yield from (
            (", " if i else ""),
            Term(f"{label} ({unit})" if unit else label, Ref.data("listing courses")),
        )
    yield "."


def _panels(frame: pl.DataFrame) -> list[tuple[str, str, str | None]]:
    """Code, label and unit of each measure."""
    measured = frame.filter(pl.col("KIND") == "result").group_by("PARAMCD", "PARAM", maintain_order=True)
    return [(str(code), str(label), rows["AVALU"].drop_nulls().first()) for (code, label), rows in measured]  # type: ignore[misc]


# --- scales -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scale:
    """The axis of one measure, the same for every patient: exponents, and the limits of its assay."""

    code: str
    title: str
    first: int
    last: int
    limits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Scales:
    first_day: float
    last_day: float
    measures: tuple[_Scale, ...]


def _scales(frame: pl.DataFrame, results: pl.DataFrame, said: Said) -> _Scales:
    days = results["DAYS"].to_list()
    measures = []
    for code, label, unit in _panels(frame):
        shown = frame.filter((pl.col("PARAMCD") == code) & (pl.col("SHOWN") > 0))
        limits = tuple(_assay_limits(said, code, unit))
        values = [*shown["SHOWN"].to_list(), *shown["ANRHI"].drop_nulls().to_list(), *limits] or [1.0, 10.0]
        first, last = powers_of_ten(min(value for value in values if value > 0), max(values))
        measures.append(_Scale(code, f"{label} ({unit})" if unit else label, first, last, limits))
    return _Scales(min(0, *days), max(DAYS_OF_A_MONTH, *days), tuple(measures))


def _assay_limits(said: Said, code: str, unit: str | None) -> Iterator[float]:
    """The limits of quantification that the protocol states for a fact, where they are in the unit of the panel."""
    for assay in said.protocol.assays.values():
        for limit in (assay.lower_limit, assay.upper_limit):
            if assay.measures.upper() == code and isinstance(limit, Quantity) and str(limit.unit) == unit:
                yield float(limit.number)


# --- drawing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Drawing:
    canvas: Canvas
    by: Mapping[str, list[dict[str, Any]]]
    names: Names
    scales: _Scales
    symbols: Mapping[str, tuple[Symbol, str]]
    said: Said

    def page(self, page: Sequence[str]) -> dict[str, Any]:
        heights = [_HEIGHTS[0 if i == 0 else 1] for i in range(len(self.scales.measures))]
        pitch = _HEAD + sum(height + 15 for height in heights) + 14
        top = self.canvas.legend(self._legend(page)) + 10
        for i, subject in enumerate(page):
            self._cell(i % 2, top + pitch * (i // 2), heights, subject)
        bottom = top + pitch * ((len(page) + 1) // 2)
        self.canvas.text(Place(0, 0), bottom, since_time_zero(self.said), size=12)
        return self.canvas.spec(bottom + 10)

    def _treatments(self) -> dict[str, tuple[Symbol, str]]:
        return {
            name: (Symbol("bar", PALE[i % len(PALE)], size=5), self.said.treatment(name).text)
            for i, name in enumerate(self.said.protocol.treatments)
        }

    def _legend(self, page: Sequence[str]) -> list[tuple[Symbol, str]]:
        rows = [row for subject in page for row in self.by[subject]]
        results = [row for row in rows if row["KIND"] == "result"]
        entries = [(_EXACT, "result")]
        entries += [(_BELOW, "below this limit")] if any(row["CENSORED"] == "<" for row in results) else []
        entries += [(_ABOVE, "above this limit")] if any(row["CENSORED"] == ">" for row in results) else []
        thresholds = {
            row["LABEL"]: (_bound(row), self._threshold_words(row))
            for row in rows
            if row["KIND"] == "threshold"
        }
        entries += [*thresholds.values()]
        entries += [(_ULN, "upper limit of normal (ULN)")] if any(row["ANRHI"] for row in results) else []
        entries += (
            [(_LIMIT, "limit of quantification")]
            if any(scale.limits for scale in self.scales.measures)
            else []
        )
        seen = {row["NAME"] for row in rows if row["KIND"] == "event"}
        entries += [entry for name, entry in self.symbols.items() if name in seen]
        given = {row["NAME"] for row in rows if row["KIND"] == "treatment"}
        return entries + [entry for name, entry in self._treatments().items() if name in given]

    def _threshold_words(self, row: Mapping[str, Any]) -> str:
        unit = f" {row['AVALU']}" if row["AVALU"] and row["LABEL"].replace(".", "").isdigit() else ""
        return f"{row['LABEL']}{unit}, for {self.said.protocol.events[row['NAME']].label or row['NAME']}"

    def _cell(self, column: int, top: float, heights: Sequence[int], subject: str) -> None:
        axis = Across(
            Place(0.5 * column, 30), Place(0.5 * (column + 1), -14 if column == 0 else -6), self.scales.first_day, self.scales.last_day
        )  # fmt: skip
        rows = self.by[subject]
        self.canvas.text(Place(0.5 * column, 0), top, self.names.of[subject], weight=600)
        self._bars(axis, top + 11, [row for row in rows if row["KIND"] == "treatment"])
        y = top + _HEAD
        for scale, height in zip(self.scales.measures, heights, strict=True):
            panel = Down(y, y + height, 10.0**scale.first, 10.0**scale.last, is_log=True)
            self.canvas.text(axis.start, y - 7, scale.title, colour=MUTED, size=9.5)
            self._frame(axis, panel, scale)
            self._panel(axis, panel, [row for row in rows if row["PARAMCD"] == scale.code])
            y += height + 15
        for_labels = y - 15
        draw_months(self.canvas, axis, for_labels, for_labels, most=6, size=10)

    def _bars(self, axis: Across, top: float, rows: Sequence[Mapping[str, Any]]) -> None:
        for i, (name, (symbol, _)) in enumerate(self._treatments().items()):
            for row in rows:
                if (
                    row["NAME"] == name
                    and row["DAYS"] is not None
                    and row["ENDDAYS"] is not None
                    and row["ENDDAYS"] >= axis.low
                ):
                    start, end = axis.place(row["DAYS"]), axis.place(row["ENDDAYS"])
                    tip = tip_of(row["LABEL"], f"day {row['DAYS']} to {row['ENDDAYS']}", row["AVALC"])
                    self.canvas.bar(
                        start,
                        end.right(1.5),
                        top + 4 * i,
                        colour=symbol.colour,
                        height=3,
                        id=row["id"],
                        tip=tip,
                    )

    def _frame(self, axis: Across, panel: Down, scale: _Scale) -> None:
        step = max(1, -(-(scale.last - scale.first) // 5))
        for exponent in range(scale.first, scale.last + 1):
            y = panel.place(10.0**exponent)
            self.canvas.grid(axis.start, y, axis.end, y)
            if (exponent - scale.first) % step == 0:
                self.canvas.text(axis.start.right(-4), y, power_label(exponent), align="right", size=9.5)
        for limit in scale.limits:
            self.canvas.rule(
                axis.start,
                panel.place(limit),
                axis.end,
                panel.place(limit),
                colour=_LIMIT.colour,
                dash=_LIMIT.dash,
            )

    def _panel(self, axis: Across, panel: Down, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            if row["KIND"] == "threshold" and row["SHOWN"]:
                symbol, y = _bound(row), panel.place(row["SHOWN"])
                tip = tip_of(self._threshold_words(row), f"{row['CENSORED'] or ''}{row['SHOWN']:,.6g}")
                self.canvas.rule(
                    axis.start, y, axis.end, y, colour=symbol.colour, dash=symbol.dash, id=row["id"], tip=tip
                )
            elif row["KIND"] == "nothing":
                self.canvas.text(
                    axis.start.right(4),
                    (panel.top + panel.bottom) / 2,
                    "no result",
                    colour=MUTED,
                    id=row["id"],
                )
        results = [row for row in rows if row["KIND"] == "result" and row["DAYS"] is not None]
        name = f"{rows[0]['USUBJID']}/{rows[0]['PARAMCD']}" if rows else ""
        limits = [(axis.place(row["DAYS"]), panel.place(row["ANRHI"])) for row in results if row["ANRHI"]]
        self.canvas.line(f"{name}/ULN", limits, colour=_ULN.colour, width=1, dash=_ULN.dash)
        drawn = [row for row in results if row["SHOWN"] and row["SHOWN"] > 0]
        places = {row["id"]: (axis.place(row["DAYS"]), panel.place(row["SHOWN"])) for row in drawn}
        self.canvas.line(name, places.values(), colour=_BLUE, width=1)
        for row in results:
            self._result(axis, panel, row, places.get(row["id"]))
        for row in rows:
            if row["KIND"] == "event" and row["DAYS"] is not None:
                self._event(axis, panel, row, results)

    def _result(
        self, axis: Across, panel: Down, row: Mapping[str, Any], place: tuple[Place, float] | None
    ) -> None:
        tip = tip_of(
            f"{readable(row['AVALC'] or 'no value')} {row['AVALU'] or ''}".strip(),
            f"{row['ADT']} (day {row['DAYS']})",
            row["REASON"],
        )
        if place is None:
            words = "0" if row["SHOWN"] == 0 else "?"
            self.canvas.text(
                axis.place(row["DAYS"]),
                panel.bottom - 5,
                words,
                align="center",
                colour=_ORANGE,
                weight=600,
                id=row["id"],
            )
            return
        symbol = {"<": _BELOW, ">": _ABOVE}.get(row["CENSORED"], _EXACT)
        if row["CENSORED"] == "~":
            low = panel.place(max(row["AVALLO"] or panel.low, panel.low))
            self.canvas.rule(place[0], low, place[0], place[1], colour=_BLUE, width=2, id=row["id"], tip=tip)
        else:
            self.canvas.point(*place, symbol, id=row["id"], tip=tip)

    def _event(
        self, axis: Across, panel: Down, row: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
    ) -> None:
        symbol = self.symbols[row["NAME"]][0]
        same_day = [one["SHOWN"] for one in results if one["DAYS"] == row["DAYS"] and one["SHOWN"]]
        y = panel.place(max(same_day)) if same_day else panel.top + 5
        is_open = row["AVALC"] == "unknown"
        shown = Symbol(symbol.shape, symbol.colour, not is_open, size=50)
        tip = tip_of(
            row["LABEL"],
            "may have happened" if is_open else None,
            f"{row['ADT']} (day {row['DAYS']})",
            row["REASON"],
        )
        self.canvas.point(axis.place(row["DAYS"]), y, shown, id=row["id"], tip=tip)


def _bound(row: Mapping[str, Any]) -> Symbol:
    return _BOUND if "baseline" in row["LABEL"] else _VALUE_BOUND
