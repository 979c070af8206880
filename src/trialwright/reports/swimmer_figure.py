"""Time on study and on treatments with what happened, a row a patient; from `list_swimmer`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from trialwright.reports.blocks import Number, Paragraph, Ref, Term, Text
from trialwright.reports.canvas import (
    DAYS_OF_A_MONTH,
    LEFT,
    RIGHT,
    TICK,
    Across,
    Canvas,
    Place,
    Symbol,
    draw_months,
)
from trialwright.reports.figures import MUTED, text_width
from trialwright.reports.patient_parts import (
    DARK,
    MOST_PATIENTS,
    ORANGE,
    PALE,
    Names,
    Rows,
    Shown,
    count,
    dated,
    event_symbols,
    figures_of,
    pages,
    patients,
    since_time_zero,
    tip_of,
)
from trialwright.reports.printed import Said

_STUDY = "#d9dfe4"
_ROW = 16


def render_swimmer(frame: pl.DataFrame, said: Said) -> Shown:
    """Time on study and on treatments, with responses and events, a row a patient; from `list_swimmer`.

    Parameters
    ----------
    frame : DataFrame
    said : Said
        The protocol, for the words of its time zero, treatments and groups.
    """
    if frame.is_empty():
        return (Paragraph(Text("No patient has time on study.")),)
    study = frame.filter(pl.col("KIND") == "study")
    placed = study.filter(pl.col("ENDDAYS").is_not_null())
    drawn, rule = _chosen(frame, placed)
    if not drawn:
        return (Paragraph(Text("No patient has time on study that can be placed.")),)
    names = Names.for_subjects(study["USUBJID"])
    symbols = event_symbols(frame, said)
    n, n_placed = study.height, placed.height
    caption = Text(
        "Shown are ", patients(len(drawn), "swimmer"), " of ", count(n, "swimmer"), ".", rule,
        *((" Without a known time on study: ", count(n - n_placed, "swimmer"), ".") if n > n_placed else ()),
        " A bar of treatment reaches from its first dose to its last; what began before the axis is cut off. Of each event the "
        "first is shown.",
        *_open_events(frame), *_imprecise(frame, "swimmer"), " A month is a twelfth of ", Term("365.25 days", Ref.version("trialwright")),
        ".", names.note(),
    )  # fmt: skip
    died = study.filter(pl.col("AVALC") == "died").height
    alt = Text(
        "A row for each patient: a bar for the time on study, thinner bars for treatments, symbols for events. Of ",
        patients(n, "swimmer"), " ", count(died, "swimmer"), " died", *_counted_events(frame), ".",
    )  # fmt: skip
    by = _rows_by_subject(frame)
    return figures_of(
        "swimmer", "Time on study and on treatment", pages(drawn), lambda page: _draw_swimmer(page, by, names, symbols, said), alt,
        caption,
    )  # fmt: skip


def _chosen(frame: pl.DataFrame, placed: pl.DataFrame) -> tuple[list[str], Text]:
    """Whom to show, longest on study first within groups, and how they were chosen."""
    order = placed.sort("GROUP", "ENDDAYS", descending=[False, True], nulls_last=True, maintain_order=True)
    if order.height <= MOST_PATIENTS:
        return order["USUBJID"].to_list(), Text()
    seen = frame.filter(pl.col("KIND").is_in(["event", "response"])).select("USUBJID").unique()
    some = order.join(seen, on="USUBJID", how="semi", maintain_order="left")
    return some["USUBJID"].to_list(), Text(
        " They are those with an event, certain or open; the others have time on study and treatment only."
    )


def _rows_by_subject(frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        rows.setdefault(row["USUBJID"], []).append(row)
    return rows


def _open_events(frame: pl.DataFrame) -> Iterator[str | Number | Text]:
    n = frame.filter((pl.col("KIND") == "event") & (pl.col("AVALC") == "unknown"))["USUBJID"].n_unique()
    if n:
        yield Text(" White symbols: nobody can tell whether it happened (", patients(n, "swimmer"), ").")


def _imprecise(frame: pl.DataFrame, listing: str) -> Iterator[Text]:
    n = frame.filter(
        (pl.col("REASON") == "imprecise date")
        & pl.col("KIND").is_in(["event", "response", "treatment", "dose"])
    ).height
    if n:
        yield Text(
            " What is not known to the day stands on the first day it may be (", count(n, listing), ")."
        )


def _counted_events(frame: pl.DataFrame) -> Iterator[Text]:
    met = frame.filter((pl.col("KIND") != "event") | (pl.col("AVALC") == "met"))
    for (label,), rows in met.filter(pl.col("KIND").is_in(["event", "response"]) & (pl.col("NAME") != "death")).group_by(
        "LABEL", maintain_order=True
    ):  # fmt: skip
        yield Text("; ", Term(str(label), Ref.data("listing swimmer")), ": ", count(rows.height, "swimmer"))


def _draw_swimmer(
    page: list[str], by: Mapping[str, Rows], names: Names, symbols: Mapping[str, tuple[Symbol, str]], said: Said
) -> dict[str, Any]:  # fmt: skip
    canvas = Canvas()
    treatments = {
        name: (Symbol("bar", PALE[i % len(PALE)], size=5), said.treatment(name).text)
        for i, name in enumerate(said.protocol.treatments)
    }
    rows = [row for subject in page for row in by[subject]]
    top = canvas.legend(_swimmer_legend(rows, treatments, symbols)) + 6
    labels_end = 10 + max(text_width(names.of[subject]) for subject in page)
    last = max(row["ENDDAYS"] or 0 for row in rows if row["KIND"] == "study")
    first = min(
        [
            0,
            *(
                row["DAYS"]
                for row in rows
                if row["DAYS"] is not None and row["KIND"] in ("event", "response")
            ),
        ]
    )
    least = max(min(first, -0.02 * last), -0.15 * last)
    axis = Across(Place(0, labels_end), RIGHT.right(-16), least, max(last, DAYS_OF_A_MONTH))
    headings = _headings(page, by, said)
    bottom = top + _ROW * (len(page) + len(headings)) + 4
    draw_months(canvas, axis, top - 4, bottom)
    y = top + 5.0
    for i, subject in enumerate(page):
        if i in headings:
            canvas.text(LEFT, y, headings[i], weight=600)
            y += _ROW
        canvas.text(LEFT, y, names.of[subject])
        _draw_swimmer_row(canvas, axis, y, by[subject], treatments, symbols)
        y += _ROW
    canvas.text(axis.start, bottom + 27, since_time_zero(said), size=12)
    return canvas.spec(bottom + 36)


def _headings(page: list[str], by: Mapping[str, Rows], said: Said) -> dict[int, str]:
    """The label of each group above its first patient, where there are several groups."""
    if len(said.protocol.groups) < 2:
        return {}
    groups = [next(row["GROUP"] for row in by[subject] if row["KIND"] == "study") for subject in page]
    firsts = {group: len(groups) - 1 - groups[::-1].index(group) for group in groups}
    found: dict[int, str] = {}
    for group in firsts:
        known = said.protocol.groups.get(group or "")
        found[groups.index(group)] = known.label if known else "Group not known"
    return found


def _swimmer_legend(
    rows: Rows, treatments: Mapping[str, tuple[Symbol, str]], symbols: Mapping[str, tuple[Symbol, str]]
) -> list[tuple[Symbol, str]]:  # fmt: skip
    seen = {(row["KIND"], row["NAME"]) for row in rows}
    shown = [(Symbol("bar", _STUDY, size=12), "time on study")]
    shown += [entry for name, entry in treatments.items() if ("treatment", name) in seen]
    if any(kind == "dose" for kind, _ in seen):
        shown.append((Symbol(TICK, DARK, size=26), "dose"))
        if any(row["AVALC"] == "left out" for row in rows):
            shown.append((_LEFT_OUT, "dose left out"))
    shown += [
        entry for name, entry in symbols.items() if ("event", name) in seen or ("response", name) in seen
    ]
    if any(row["AVALC"] == "alive when last seen" for row in rows):
        shown.append((_ALIVE, "alive when last seen"))
    if any(row["AVALC"] == "no end recorded" for row in rows):
        shown.append((Symbol("triangle-right", MUTED, size=26), "treatment, no end recorded"))
    return shown


_LEFT_OUT = Symbol("circle", ORANGE, is_filled=False, size=14)
_ALIVE = Symbol("triangle-right", MUTED, is_filled=False, size=44)


def _draw_swimmer_row(
    canvas: Canvas, axis: Across, y: float, rows: Rows, treatments: Mapping[str, tuple[Symbol, str]],
    symbols: Mapping[str, tuple[Symbol, str]],
) -> None:  # fmt: skip
    heights = {name: y + 5.5 * (i - (len(treatments) - 1) / 2) for i, name in enumerate(treatments)}
    for row in rows:
        if row["DAYS"] is None:
            continue
        start, about = axis.place(row["DAYS"]), {"id": row["id"]}
        match row["KIND"]:
            case "study" if row["ENDDAYS"] is not None:
                end = axis.place(row["ENDDAYS"])
                canvas.bar(
                    start,
                    end,
                    y,
                    colour=_STUDY,
                    height=13,
                    tip=tip_of(row["AVALC"], f"day {row['ENDDAYS']}"),
                    **about,
                )
                if row["AVALC"] == "alive when last seen":
                    canvas.point(
                        end.right(11), y, _ALIVE, tip=tip_of(row["AVALC"], str(row["AENDT"])), **about
                    )
            case "treatment" if row["ENDDAYS"] is not None and row["ENDDAYS"] >= axis.low:
                end, level = axis.place(row["ENDDAYS"]), heights[row["NAME"]]
                symbol = treatments[row["NAME"]][0]
                tip = tip_of(row["LABEL"], f"day {row['DAYS']} to {row['ENDDAYS']}", row["AVALC"])
                canvas.bar(start, end.right(1.5), level, colour=symbol.colour, height=5, tip=tip, **about)
                if row["AVALC"] == "no end recorded":
                    canvas.point(end.right(4), level, Symbol("triangle-right", MUTED, size=20), **about)
            case "dose":
                symbol = _LEFT_OUT if row["AVALC"] == "left out" else Symbol(TICK, DARK, size=14)
                level = heights[row["NAME"]]
                if symbol is _LEFT_OUT:
                    canvas.point(
                        start, level, symbol, tip=tip_of(row["LABEL"], "left out", dated(row)), **about
                    )
                else:
                    canvas.rule(start, level - 2.5, start, level + 2.5, colour=DARK, width=0.8, **about)
            case "event" | "response":
                symbol = symbols[row["NAME"]][0]
                is_open = row["AVALC"] == "unknown"
                shown = Symbol(symbol.shape, symbol.colour, not is_open, size=symbol.size)
                tip = tip_of(
                    row["LABEL"],
                    row["AVALC"] if row["KIND"] == "response" or is_open else None,
                    dated(row),
                    row["REASON"],
                )
                canvas.point(start, y, shown, tip=tip, **about)
