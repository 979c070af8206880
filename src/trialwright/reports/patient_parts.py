"""What figures of single patients have in common: names, pages, counts, symbols of events, names beside points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, TypeVar

import polars as pl

from trialwright.analysis.listed import main_events
from trialwright.protocol.moments import parse_moment
from trialwright.reports.blocks import Code, Figure, Number, Paragraph, Ref, Term, Text
from trialwright.reports.canvas import CROSS, RING, Canvas, Place, Symbol
from trialwright.reports.figures import COLOURS, NARROWEST, text_width
from trialwright.reports.printed import Said

Rows = Sequence[Mapping[str, Any]]
Part = TypeVar("Part")
Shown = tuple[Figure | Paragraph, ...]

MOST_PATIENTS = 60
"""Up to so many patients are all shown; of more, those of whom there is an event to see."""

PAGE = 44
"""Patients of one page."""

BLUE, ORANGE, TEAL, PURPLE, DARK, OCHRE = COLOURS
PALE = ("#9cc3e4", "#a8d5cd", "#d6c3e8", "#e8d3a8")


def count(n: int, listing: str) -> Number:
    """So many rows or patients of a listing."""
    return Number(f"{n:,}", Ref.data(f"listing {listing}"), n)


def patients(n: int, listing: str) -> Text:
    return Text(count(n, listing), " patient" if n == 1 else " patients")


def reader_words(frame: pl.DataFrame) -> Iterator[str]:
    """Whose readings a listing shows, where several read."""
    for reader in frame["READER"].drop_nulls().unique():
        yield f" All readings are those of the {reader} reader."


@dataclass(frozen=True, slots=True)
class Names:
    """Short names of subjects: what follows the part that all their ids begin with."""

    prefix: str
    of: Mapping[str, str]

    @classmethod
    def for_subjects(cls, subjects: Iterable[str]) -> Names:
        ids = list(dict.fromkeys(subjects))
        levels = zip(*(one.split("-")[:-1] for one in ids), strict=False)
        prefix = "".join(f"{level[0]}-" for level in takewhile(lambda level: len(set(level)) == 1, levels))
        return cls(prefix, {one: one[len(prefix) :] for one in ids})

    def note(self) -> Text:
        """What the short names mean; nothing where they are whole."""
        if not self.prefix:
            return Text()
        return Text(" Numbers of patients follow ", Code(self.prefix, Ref.data("ADSL")), ".")


def since_time_zero(said: Said, unit: str = "Months") -> str:
    """The title of an axis of time: `Months since the first durvalumab`."""
    zero = said.protocol.time_zero
    if zero is None:
        return f"{unit} since time zero"
    name = parse_moment(zero).name or ""
    anchor = said.protocol.anchors.get(name)
    return f"{unit} since {(anchor.label or anchor.text) if anchor else zero}"


def pages(subjects: Sequence[str], most: int = PAGE) -> list[list[str]]:
    """Subjects in pages as even as they can be."""
    n = -(-len(subjects) // most)
    size = -(-len(subjects) // n) if n else 1
    return [list(subjects[first : first + size]) for first in range(0, len(subjects), size)]


def figures_of(
    name: str, title: str, chosen: Sequence[Part], draw: Callable[[Part], Mapping[str, Any]], alt: Text, caption: Text
) -> Shown:  # fmt: skip
    """One figure a page, each told from the others."""
    made = []
    for i, page in enumerate(chosen, 1):
        part = (
            Text(", page ", count(i, name), " of ", count(len(chosen), name)) if len(chosen) > 1 else Text()
        )
        figure_id = f"figure-{name}" + (f"-{i}" if len(chosen) > 1 else "")
        made.append(Figure(figure_id, Text(title, part), draw(page), alt, caption))
    return tuple(made)


def tip_of(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def dated(row: Mapping[str, Any]) -> str:
    return f"{row['ADT']} (day {row['DAYS']})" if row["ADT"] else f"day {row['DAYS']}"


# --- events ------------------------------------------------------------------------------------------------------------

_MARKS = (
    ("circle", ORANGE), ("diamond", PURPLE), ("triangle-up", OCHRE), ("square", DARK), ("triangle-down", BLUE), ("triangle-left", DARK),
)  # fmt: skip
RINGED = Symbol(RING, DARK, size=46)


def event_symbols(frame: pl.DataFrame, said: Said) -> dict[str, tuple[Symbol, str]]:
    """The symbol and the words of each event and of the response: a ring for an event that is several at once."""
    labels = dict(
        frame.filter(pl.col("KIND").is_in(["event", "response"])).select("NAME", "LABEL").unique().iter_rows()
    )
    symbols: dict[str, tuple[Symbol, str]] = {}
    marks = iter(_MARKS)
    for name in main_events(said.protocol):
        if name not in labels:
            continue
        if name == "death":
            symbol = Symbol(CROSS, DARK, size=26)
        elif said.protocol.events[name].all_of:
            symbol = RINGED
        else:
            symbol = Symbol(*next(marks, _MARKS[-1]))
        symbols[name] = (symbol, labels[name])
    if "response" in labels:
        symbols["response"] = (Symbol("cross", TEAL, size=60), labels["response"])
    return symbols


# --- changes of lesions -------------------------------------------------------------------------------------------------

WIDEST_CHANGE = 150.0
"""Changes beyond this per cent are cut off, with an arrow and their number."""


def limit_of(share: float) -> Term:
    sign = "−" if share < 0 else "+"
    return Term(f"{sign}{100 * abs(share):g} %", Ref.source("RECIST 1.1, 4.3.1"))


# --- names beside points ------------------------------------------------------------------------------------------------


def along(points: Sequence[tuple[Place, float]]) -> list[tuple[float, float]]:
    """Pixels along a line, at the narrowest width."""
    spots = []
    for (one, y), (other, y2) in pairwise(points):
        x, x2 = one.at_width(NARROWEST), other.at_width(NARROWEST)
        n = max(1, int(max(abs(x2 - x), abs(y2 - y)) / 5))
        spots += [(x + (x2 - x) * i / n, y + (y2 - y) * i / n) for i in range(n + 1)]
    return spots


def label_ends(
    canvas: Canvas, ends: Sequence[tuple[Place, float, str]], top: float, bottom: float, obstacles: Sequence[tuple[float, float]] = ()
) -> None:  # fmt: skip
    """Names beside points, with a thin line where they had to move."""
    for x, y, y_label, words in spread_labels(ends, top, bottom, obstacles):
        has_moved = abs(y_label - y) > 6
        if has_moved:
            canvas.rule(x.right(3), y, x.right(8), y_label, width=0.5)
        canvas.text(x.right(9 if has_moved else 6), y_label, words, size=10)


def spread_labels(
    ends: Sequence[tuple[Place, float, str]], top: float, bottom: float, obstacles: Sequence[tuple[float, float]] = (), *,
    gap: float = 11,
) -> Iterator[tuple[Place, float, float, str]]:  # fmt: skip
    """Labels beside points, moved up or down as little as keeps them off each other and off obstacles at the narrowest width.

    Where there is no such place they keep off each other only, and where there is none either they stay.
    """
    taken: list[tuple[float, float, float]] = []
    steps = [step * gap / 4 for step in sorted(range(-80, 81), key=lambda step: (abs(step), step))]
    for place, y, words in sorted(ends, key=lambda end: (end[1], end[0], end[2])):
        left = place.at_width(NARROWEST) + 6
        right = left + text_width(words)
        places = [y + step for step in steps if top - 4 <= y + step <= bottom + 4]
        apart = [
            at
            for at in places
            if all(abs(at - other) >= gap or right < start or end < left for other, start, end in taken)
        ]
        clear = (
            at
            for at in apart
            if not any(left <= x <= right and abs(at - other) < gap / 2 for x, other in obstacles)
        )
        chosen = next(clear, apart[0] if apart else y)
        taken.append((chosen, left, right))
        yield place, y, chosen, words
