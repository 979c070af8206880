"""The planned contacts of the first year as a picture: when each is due, and how early or late it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

from trialwright.protocol.model import Clock, Protocol, Visit
from trialwright.protocol.moments import parse_moment, parse_span
from trialwright.protocol.rule_tree import Moment
from trialwright.reports.blocks import Figure, Text
from trialwright.reports.figures import CONFIG, INK, MUTED, SCHEMA
from trialwright.vocabulary.durations import Duration, TimeUnit

_HORIZON = 52.0
_DAY = 1 / 7
_ROW, _TOP = 40, 14
_MOST_CONTACTS = 60
# A picture only: windows and clocks use the calendar.
_WEEKS = {
    TimeUnit.HOURS: 1 / 168,
    TimeUnit.DAYS: 1 / 7,
    TimeUnit.WEEKS: 1.0,
    TimeUnit.MONTHS: 365.25 / 12 / 7,
    TimeUnit.YEARS: 365.25 / 7,
}


@dataclass(frozen=True, slots=True)
class Due:
    """One planned contact in weeks from the start of its row: when it is due at the earliest and at the latest."""

    earliest: float
    latest: float


def schedule_figure(protocol: Protocol, labels: dict[str, str]) -> Figure | None:
    """Every visit and clock whose times the protocol gives, a row each; None if there is none.

    Parameters
    ----------
    protocol : Protocol
    labels : dict of str to str
        What a row is called, by `visits.NAME` and `clocks.NAME`.

    Notes
    -----
    Where a contact counts from the one before it, earliest and latest move apart with every contact: the row shows all
    the days on which the contact may be due if nobody ever was outside the window.
    """
    rows = [(path, dues) for path, dues in _rows(protocol) if dues]
    if not rows:
        return None
    bars: list[dict[str, Any]] = []
    names: list[dict[str, Any]] = []
    for i, (path, dues) in enumerate(rows):
        y = _TOP + _ROW * i
        names.append({"label": labels[path], "y": y})
        bars += [{"row": labels[path], "y": y + 16} | _bar(due) for due in dues]
    spec = {
        "$schema": SCHEMA,
        "width": "container",
        "height": _TOP + _ROW * len(rows),
        "config": CONFIG,
        "datasets": {"contacts": bars, "rows": names},
        "encoding": {"y": {"field": "y", "type": "quantitative", "scale": None, "axis": None}},
        "layer": [_bars("contacts"), _names("rows")],
    }
    alt = Text(
        "For each row of contacts the days of the first year on which one is due. The table above says the same."
    )
    caption = Text(
        "Weeks from the start of each row. A bar reaches from the earliest to the latest day allowed."
    )
    return Figure("figure-schedule", Text("When contacts are due in the first year"), spec, alt, caption)


def _bar(due: Due) -> dict[str, float]:
    """A contact within the year; one without a window still fills its day, or nobody would see it."""
    start = min(due.earliest, _HORIZON - _DAY)
    return {"from": start, "to": max(start + _DAY, min(due.latest, _HORIZON))}


def _bars(data: str) -> dict[str, Any]:
    weeks = {"domain": [0, _HORIZON], "nice": False}
    axis = {
        "title": "Weeks",
        "values": list(range(0, int(_HORIZON) + 1, 4)),
        "labelOverlap": True,
        "grid": True,
    }
    return {
        "data": {"name": data},
        "mark": {"type": "rule", "strokeWidth": 9, "color": INK, "opacity": 0.55},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "scale": weeks, "axis": axis},
            "x2": {"field": "to"},
        },
    }


def _names(data: str) -> dict[str, Any]:
    return {
        "data": {"name": data},
        "mark": {"type": "text", "align": "left", "baseline": "middle", "fill": MUTED},
        "encoding": {"x": {"value": 0}, "text": {"field": "label"}},
    }


def _rows(protocol: Protocol) -> Iterator[tuple[str, list[Due]]]:
    for name, visit in protocol.visits.items():
        yield f"visits.{name}", _of_visit(visit, protocol)
    for name, clock in protocol.clocks.items():
        yield f"clocks.{name}", _of_clock(clock, protocol)


def _of_visit(visit: Visit, protocol: Protocol) -> list[Due]:
    tolerance = _weeks(visit.tolerance)
    first = _weeks(visit.at)
    if visit.every is None:
        return [Due(max(0.0, first - tolerance), first + tolerance)] if visit.at and first <= _HORIZON else []
    step = _weeks(visit.every)
    start = first if visit.at else step
    drifts = visit.counts_from == "previous contact"
    start_at = visit.from_ or protocol.time_zero
    end = _end(parse_moment(start_at), parse_moment(visit.until)) if start_at and visit.until else inf
    return _repeated(start, step, step, tolerance, tolerance * drifts, end)


def _of_clock(clock: Clock, protocol: Protocol) -> list[Due]:
    tolerance = _weeks(clock.tolerance)
    end = inf
    if clock.during in protocol.periods:
        span = parse_span(protocol.periods[clock.during].span)
        end = _end(parse_moment(clock.from_) if clock.from_ else span.start, span.end)
    if clock.every is not None:
        least, most = _weeks(clock.every.least), _weeks(clock.every.most)
        drifts = clock.counts_from == "previous contact"
        return _repeated(least, least, most, tolerance, tolerance * drifts, end) if least > 0 else []
    if clock.at_least_every is not None:
        return [Due(0.0, min(end, _HORIZON))]  # only a largest gap is set: the next may be any day
    return []


def _end(start: Moment, end: Moment) -> float:
    """The week a row ends in, where its end is told as so long after its start; without end if that cannot be known."""
    is_told = (start.name, start.which) == (end.name, end.which) and start.offset is None and end.sign == "+"
    return _weeks(end.offset) if is_told and end.offset else inf


def _repeated(
    start: float, least: float, most: float, tolerance: float, drift: float, end: float
) -> list[Due]:
    """Contacts due by `end`; each moves on by the least and the most interval, and by the drift of those before."""
    last = min(end, _HORIZON + tolerance)
    if least * _MOST_CONTACTS < last:  # too close together to be told apart
        return [Due(max(0.0, start - tolerance), last)]
    dues = []
    for i in range(_MOST_CONTACTS):
        earliest, latest = start + least * i - drift * i, start + (most - least) + most * i + drift * i
        if earliest > last:
            break
        dues.append(Due(max(0.0, earliest - tolerance), latest + tolerance))
    return dues


def _weeks(length: Duration | None) -> float:
    return 0.0 if length is None else length.amount * _WEEKS[length.unit]
