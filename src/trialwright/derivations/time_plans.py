"""What a protocol asks of each time to an event: its dates read, its names resolved, a code for each way to end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Endpoint
from trialwright.protocol.moments import Selection, Span
from trialwright.protocol.references import facts_behind
from trialwright.protocol.rule_tree import Moment
from trialwright.protocol.written_rules import moments_of
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Problem, ProblemsFound

COMPETING = 2
NOT_ASSESSED = 3
FIRST_CAUSE = 4
"""`CNSR` beyond event (0) and censored (1): a competing event; nothing looked at after the start; then, in the order of
the protocol, what `censoring` names."""


@dataclass(frozen=True)
class Cause:
    """Something that ends the follow-up before the event: an event of its own, or too long a gap before the event."""

    path: str
    code: int
    text: str
    at: Selection
    event: str | None
    gap: Duration | None


@dataclass(frozen=True)
class TimePlan:
    """One endpoint, counted from one moment.

    Attributes
    ----------
    id : str
    endpoint : Endpoint
    time_from : str
        The moment in the words of the protocol.
    start : Moment, optional
        The same, read; None where the protocol has no time zero.
    is_zero : bool
        Whether it is the time zero of the protocol.
    is_own : bool
        Whether it is the endpoint's own moment, not one that an analysis puts in its place.
    window : Span, optional
        Where events count.
    ends : sequence of Selection
        Where follow-up ends for whom nothing happened: the first of them that there is.
    causes, gaps : sequence of Cause
    labels : mapping of str to str
        What facts and events are called.
    events, reported : frozenset of str
        The events of the protocol, and those whose day is reported; the others are seen when somebody looks.
    read : frozenset of str
        The facts whose records tell of the event and of what ends follow-up: somebody who read one of them has looked.
    """

    id: str
    endpoint: Endpoint
    time_from: str
    start: Moment | None
    is_zero: bool
    is_own: bool
    window: Span | None
    ends: Sequence[Selection]
    causes: Sequence[Cause]
    gaps: Sequence[Cause]
    labels: Mapping[str, str]
    events: frozenset[str]
    reported: frozenset[str]
    read: frozenset[str]

    @property
    def names(self) -> set[str]:
        """Every event, fact, treatment and anchor it asks for."""
        dates: list[Any] = [one for one in (self.start, self.window, *self.ends) if one is not None]
        dates += [cause.at for cause in (*self.causes, *self.gaps)]
        told = {moment.name for one in dates for moment in moments_of(one) if moment.name}
        causing = {cause.event for cause in (*self.causes, *self.gaps) if cause.event}
        return told | {*self.endpoint.time_to, *self.endpoint.competing} | causing

    @property
    def enders(self) -> Sequence[Cause]:
        """What ends the follow-up, in the order of its numbers."""
        return (*self.causes, *self.gaps)

    def label(self, name: str) -> str:
        return self.labels.get(name, name)


def make_time_plans(
    loaded: LoadedProtocol, kind: Literal["time to event", "rate"] = "time to event"
) -> Iterator[TimePlan]:
    """The endpoints of a kind to derive, each from its own moment first and then from those its analyses name.

    Raises
    ------
    ProblemsFound
        If a derived endpoint wants another unit than days.
    """
    protocol = loaded.protocol
    labels = {name: fact.label for name, fact in protocol.facts.items()}
    labels |= {name: event.label or event.text or name for name, event in protocol.events.items()}
    reported = frozenset(name for name, event in protocol.events.items() if event.reported)
    derived = {id_: one for id_, one in protocol.endpoints.items() if one.kind == kind and not one.reported}
    others = [id_ for id_, endpoint in derived.items() if endpoint.unit not in (None, "days")]
    if others:
        raise ProblemsFound([_not_in_days(loaded, id_) for id_ in others])
    for id_, endpoint in derived.items():
        causes = list(_causes(loaded, id_, endpoint))
        ends = [_selection(loaded, f"endpoints.{id_}.censored at")] if endpoint.censored_at else []
        ends += [cause.at for cause in causes if cause.event is None and cause.gap is None]
        telling = (*endpoint.time_to, *(end.record.name or "" for end in ends))
        read = frozenset(facts_behind(telling, protocol))
        for number, (text, start) in enumerate(_starts(loaded, id_, endpoint).items()):
            yield TimePlan(
                id_, endpoint, text, start, text == (protocol.time_zero or "time zero"), number == 0, window_of(loaded, endpoint.during), ends,
                [cause for cause in causes if cause.event and cause.gap is None],
                [cause for cause in causes if cause.gap is not None],
                labels, frozenset(protocol.events), reported, read,
            )  # fmt: skip


def _causes(loaded: LoadedProtocol, id_: str, endpoint: Endpoint) -> Iterator[Cause]:
    for number, (name, one) in enumerate(endpoint.censoring.items()):
        path = f"endpoints.{id_}.censoring.{name}"
        at = _selection(loaded, f"{path}.at")
        yield Cause(path, FIRST_CAUSE + number, one.text, at, one.event, one.gap)


def _starts(loaded: LoadedProtocol, id_: str, endpoint: Endpoint) -> dict[str, Moment | None]:
    """The moments it is counted from, by their words, its own first."""
    zero = loaded.protocol.time_zero
    own = f"endpoints.{id_}.from" if endpoint.from_ else "time zero"
    found = {endpoint.from_ or zero or "time zero": moment_at(loaded, own)}
    for name, analysis in loaded.protocol.analyses.items():
        text = getattr(analysis, "from_", None)
        if text and getattr(analysis, "endpoint", None) == id_:
            found.setdefault(text, moment_at(loaded, f"analyses.{name}.from"))
    return found


def moment_at(loaded: LoadedProtocol, path: str) -> Moment | None:
    """The moment the protocol writes under a dotted path, if it writes one."""
    written = loaded.writing.dates.get(path)
    return written.date if written and isinstance(written.date, Moment) else None


def window_of(loaded: LoadedProtocol, during: str | None) -> Span | None:
    """A period of the protocol, or a treatment from its first to its last dose."""
    if during is None:
        return None
    written = loaded.writing.dates.get(f"periods.{during}.span")
    if written and isinstance(written.date, Span):
        return written.date
    return Span(Moment(during, "first"), Moment(during, "last"))


def _selection(loaded: LoadedProtocol, path: str) -> Selection:
    date = loaded.writing.dates[path].date
    if not isinstance(date, Selection):
        raise TypeError(f"`{path}` is no selection")
    return date


def _not_in_days(loaded: LoadedProtocol, id_: str) -> Problem:
    path = ("endpoints", id_, "unit")
    message = f"times are derived in days, and `{id_}` wants {loaded.protocol.endpoints[id_].unit}"
    return Problem(
        "not-yet-executable", message, loaded.document.place_of(path), ".".join(path), "write `unit: days`"
    )
