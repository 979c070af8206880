"""Dot plot of adverse events: how many subjects had each term, by group, the commonest first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trialwright.protocol.analyses import GradeTable
from trialwright.protocol.categories import levels_of
from trialwright.protocol.references import GROUPS
from trialwright.reports.adverse_event_tables import events_counted
from trialwright.reports.blocks import Figure, Number, Paragraph, Ref, Term, Text
from trialwright.reports.canvas import LEFT, RIGHT, SMALL, Across, Canvas, Place, Symbol
from trialwright.reports.figures import COLOURS, MUTED, NARROWEST, wrap_label
from trialwright.reports.patient_parts import tip_of
from trialwright.reports.printed import Source

MOST_TERMS = 40
"""Up to so many terms are drawn; the caption counts the others, which the table has."""

_SHAPES = ("circle", "diamond", "triangle-up", "square", "triangle-down", "triangle-right")
_LINE = 14.0
_LABEL = 0.42
"""Share of the width that terms may fill."""


@dataclass(frozen=True, slots=True)
class _Term:
    label: str
    item: str
    total: float
    """Subjects with it, all groups together."""


@dataclass(frozen=True, slots=True)
class _Group:
    here: str
    """Where its results are."""
    label: str
    symbol: Symbol


def render_adverse_event_dots(source: Source, name: str, analysis: GradeTable) -> Figure | Paragraph:
    """The share of subjects with each term, a dot a group, from rows of the results table.

    Terms that came with treatment, most subjects first (all groups together), then by name. Differences of the groups are
    not drawn: the results of this analysis have none.

    Parameters
    ----------
    source : Source
    name : str
        The analysis, whose rows have items `soc=...: term` with `n_with` and `proportion`.
    analysis : GradeTable

    Returns
    -------
    shown : Figure or Paragraph
        Where there is no term, a sentence that says why.
    """
    groups = _groups(source, name, analysis)
    terms = _terms(source, name, groups)
    if not terms:
        return Paragraph(Text(*_nothing(source, groups), *_doubts(source, name, analysis)))
    shown = terms[:MOST_TERMS]
    alt = Text(
        "One line a term with the share of subjects who had it", ", by group" if analysis.by else "", "; the commonest is ", Term(shown[0].label, Ref.data("ADAE")),
        ". The numbers are in the tables of classes and terms.",
    )  # fmt: skip
    caption = Text(
        *events_counted(source, analysis), " ", *_told(shown, terms), *_doubts(source, name, analysis)
    )
    title = Text("Subjects with each term: ", source.setting(name, "title", analysis.title))
    spec = _draw(source, shown, groups)
    return Figure(f"figure-{name.replace('_', '-')}-terms", title, spec, alt, caption)


def _groups(source: Source, name: str, analysis: GradeTable) -> list[_Group]:
    if analysis.by is None:
        return [_Group(name, "", _symbol(0))]
    return [
        _Group(f"{name}/{level}", source.level(analysis.by, level).text, _symbol(i))
        for i, level in enumerate(levels_of(source.protocol, analysis.by))
    ]


def _symbol(i: int) -> Symbol:
    """Twelve groups can be told apart, in grey print too."""
    return Symbol(_SHAPES[i % len(_SHAPES)], COLOURS[i % len(COLOURS)], is_filled=i < len(_SHAPES), size=52)


def _terms(source: Source, name: str, groups: Sequence[_Group]) -> list[_Term]:
    """Terms, most subjects first, then by name; a term of several classes is told from itself by the class."""
    items = dict.fromkeys(
        row.item for row in source.results.of(name) if row.item and row.item.startswith("soc=")
    )
    named = [(item, *item.removeprefix("soc=").partition(": ")[::2]) for item in items]
    often = Counter(term for _, _, term in named)
    terms = [
        _Term(
            term if often[term] == 1 else f"{term} ({soc})",
            item,
            sum(source.results[f"{group.here}/{item}/n_with"].value or 0 for group in groups),
        )
        for item, soc, term in named
        if term
    ]
    return sorted(terms, key=lambda one: (-one.total, one.label))


# --- words --------------------------------------------------------------------------------------------------------------


def _nothing(source: Source, groups: Sequence[_Group]) -> Iterator[str | Text]:
    """Why there is no term: nobody there, none recorded of anybody, or none that came with treatment."""
    ids = [f"{group.here}/any/n_with" for group in groups]
    if all(source.results[id_].value is None for id_ in ids):
        yield from ("Adverse events are not drawn: ", source.count(ids[0]), ".")
    else:
        yield "No adverse event that came with treatment is recorded, so none is drawn."


def _told(shown: Sequence[_Term], terms: Sequence[_Term]) -> Iterator[str | Number]:
    yield "Each subject counts once in a term. Most frequent first, all groups together."
    if len(shown) < len(terms):
        numbers = [Number(f"{len(some):,}", Ref.data("ADAE"), len(some)) for some in (shown, terms)]
        yield from (" Shown are ", numbers[0], " of ", numbers[1], " terms; the table has all.")


def _doubts(source: Source, name: str, analysis: GradeTable) -> Iterator[str | Text]:
    """Records and subjects of whom nobody knows where they belong, groups without subjects, and what chance did not make."""
    unknown = f"{name}/records/n_no_period"
    if source.results[unknown].value:
        yield from (
            " Of ", source.count(unknown), " records nobody can tell whether they came with treatment; they are not counted.",
        )  # fmt: skip
    if analysis.by is None:
        return
    groupless = f"{name}/{analysis.by}/n_without_fact"
    if source.results[groupless].value:
        yield from (
            " In no group, and so in no dot, for it is not known: ",
            source.count(groupless),
            " subjects.",
        )
    if analysis.by == GROUPS and source.protocol.study.allocation != "randomised":
        yield " The groups were not made by chance."


# --- drawing ------------------------------------------------------------------------------------------------------------


def _draw(source: Source, terms: Sequence[_Term], groups: Sequence[_Group]) -> dict[str, Any]:
    canvas = Canvas()
    shares = [
        source.results[f"{group.here}/{term.item}/proportion"].value for group in groups for term in terms
    ]
    step, high = _scale(100 * max((one for one in shares if one is not None), default=0.0))
    axis = Across(Place(_LABEL, 10), RIGHT.right(-82), 0, high)
    y = _legend(canvas, source, groups) + 10
    top = y
    for term in terms:
        y = _draw_term(canvas, source, axis, y, term, groups)
    for value in range(0, high + 1, step):
        x = axis.place(value)
        canvas.grid(x, top - 4, x, y)
        canvas.text(x, y + 10, str(value), align="center", colour=MUTED)
    canvas.text(RIGHT, y + 28, "Subjects with the term (%)", align="right", size=12)
    return canvas.spec(y + 38)


def _scale(most: float) -> tuple[int, int]:
    """Step and end of an axis of percentages that holds the largest one."""
    step = next(step for step in (2, 5, 10, 20) if most <= 5 * step)
    return step, max(step, step * math.ceil(most / step))


def _legend(canvas: Canvas, source: Source, groups: Sequence[_Group]) -> float:
    """The groups with their sizes, where there are several."""
    if len(groups) == 1:
        return 0.0
    sizes = [source.count(f"{group.here}/n_subjects").plain for group in groups]
    return canvas.legend(
        [(group.symbol, f"{group.label} (n = {n})") for group, n in zip(groups, sizes, strict=True)]
    )


def _draw_term(
    canvas: Canvas, source: Source, axis: Across, top: float, term: _Term, groups: Sequence[_Group]
) -> float:
    """A term with a dot and its numbers for each group; gives the pixels below it."""
    words = wrap_label(term.label, NARROWEST * _LABEL * 12 / SMALL)
    height = _LINE * max(len(words), len(groups))
    for i, line in enumerate(words):
        canvas.text(LEFT, top + height / 2 + _LINE * (i - (len(words) - 1) / 2), line)
    for i, group in enumerate(groups):
        y = top + height / 2 + _LINE * (i - (len(groups) - 1) / 2)
        _draw_dot(canvas, source, axis, y, term, group)
    return top + height + 6


def _draw_dot(canvas: Canvas, source: Source, axis: Across, y: float, term: _Term, group: _Group) -> None:
    """The dot at the share, and beside it how many that is; in a group of nobody the reason and no dot."""
    here = f"{group.here}/{term.item}"
    ref = f"result:{here}/proportion"
    share = source.results[f"{here}/proportion"].value
    printed = source.percent(f"{here}/proportion").plain
    if share is None:
        canvas.text(RIGHT, y, printed, align="right", colour=MUTED, ref=ref)
        return
    words = f"{source.count(f'{here}/n_with').plain} ({printed})"
    x = axis.place(100 * share)
    canvas.grid(axis.start, y, x, y)
    canvas.point(x, y, group.symbol, ref=ref, value=share, tip=tip_of(term.label, group.label, words))
    canvas.text(RIGHT, y, words, align="right", ref=ref)
