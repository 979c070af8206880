"""What the parts of a design page are made of: the protocol, the rows of its audit, and numbers that the protocol says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialwright.design.assumptions import Basis
from trialwright.reports.blocks import Column, Number, Ref, Row, Strong, Table, Term, Text
from trialwright.reports.design_figures import Curve, Point
from trialwright.reports.printed import Source, fixed
from trialwright.vocabulary.documents import dotted


@dataclass(frozen=True, slots=True)
class Told(Source):
    """A design with the results of its audit."""

    basis: Basis

    def chosen(self, key: str) -> Term:
        """A number that the design rests on, as the protocol writes it."""
        one = self.basis.numbers[key]
        return self.said(one.said, dotted(one.path))

    @property
    def n(self) -> Number:
        """The stated number of subjects."""
        return Number(f"{self.basis.n:,}", Ref.protocol("study.enrolment"), self.basis.n)

    @property
    def time_frame(self) -> Term:
        """Within which time the risks are meant."""
        name = self.basis.design.endpoint or ""
        return self.said(self.protocol.endpoints[name].time_frame, f"endpoints.{name}.time frame")

    def varied(self, key: str, value: float) -> Text:
        """A value that is tried; the design's own stands out."""
        own, own_path = self.own(key)
        is_own = value == own
        path = own_path if is_own else f"design.vary.{key}"
        said = Number(print_value(key, value), Ref.protocol(path), value)
        return Text(Strong(said)) if is_own else Text(said)

    def own(self, key: str) -> tuple[float | None, str]:
        """The design's own value of a key, and where it stands."""
        if key == "follow up":
            return self.basis.horizon, f"endpoints.{self.basis.design.endpoint}.time frame"
        one = self.basis.numbers.get(key)
        return (one.value, dotted(one.path)) if one else (None, "")

    def own_cell(self, cell: Text, *at: tuple[str, float]) -> Text:
        """A cell that stands out where each value is the design's own."""
        return Text(Strong(cell)) if all(self.own(key)[0] == value for key, value in at) else cell

    def has(self, id_: str) -> bool:
        """Whether there is a number, not only the reason why there is none."""
        return id_ in self.results and self.results[id_].value is not None

    def percent_with_error(self, id_: str) -> Text:
        """A percentage, and in brackets its Monte-Carlo standard error where it has one."""
        error = f"{id_}_std_error"
        if not self.has(error):
            return self.percent(id_)
        return Text(self.percent(id_), " (", self.percent_bare(error), ")")

    def asked_power(self, words: str) -> Text:
        """What the level line of a figure is: the power that the design asks for, in the words of that figure."""
        return Text(f"Dashed and level: the {words} that the design asks for, ", self.chosen("power"), ".")

    def curve(
        self, label: str, ids: Mapping[float, str] | Mapping[int, str], *, is_percent: bool = True, is_step: bool = False,
        is_line: bool = True,
    ) -> Curve:  # fmt: skip
        """Results as a curve, by where each stands across; those without a number are left out."""
        points = [self._point(x, id_, is_percent=is_percent) for x, id_ in ids.items() if self.has(id_)]
        return Curve(label, points, is_step, is_line)

    def _point(self, x: float, id_: str, *, is_percent: bool) -> Point:
        y = self.results[id_].value or 0.0
        return Point(x, y, id_, f"{fixed(100 * y, 1)} %" if is_percent else f"{y:g}")


def print_value(key: str, value: float) -> str:
    """A value that is tried as people write it."""
    if key in _RATIOS:
        return f"{value:g}"
    if key == "follow up":
        return f"{value:g} months"
    return f"{round(100 * value, 6):g} %"


_RATIOS = ("hazard ratio", "spread of propensity")


def grid_table(
    told: Told,
    name: str,
    caption: Text,
    rows: tuple[str, Sequence[float], Text],
    columns: tuple[str, Sequence[float], Text],
    ids: Sequence[Sequence[str]],
    notes: tuple[Text, ...],
) -> Table:
    """A table of percentages over two assumptions: for each its key, its values, and what it is called."""
    row_key, row_values, row_title = rows
    column_key, column_values, column_title = columns
    headings = (
        Column(row_title, "left"),
        *(Column(told.varied(column_key, value), under=column_title) for value in column_values),
    )
    body = tuple(
        Row(
            told.varied(row_key, value),
            tuple(
                told.own_cell(told.percent(id_), (row_key, value), (column_key, other))
                for other, id_ in zip(column_values, line, strict=True)
            ),
        )
        for value, line in zip(row_values, ids, strict=True)
    )
    return Table(name, caption, headings, body, notes)
