"""Groups told by what happens later: whoever responds has lived long enough to respond.

A curve from time zero of those who will be cured against those who will not counts the time to the cure for the cured: nobody
in that group can have the event before. It needs a landmark, or the cure as something that begins on its day.
"""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.protocol.analyses import CloneCensorWeight, TimeAnalysis
from trialwright.protocol.compared_groups import compares_groups
from trialwright.protocol.model import Protocol
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.references import GROUPS
from trialwright.protocol.rule_tree import Moment


def responder_reason(protocol: Protocol, analysis: TimeAnalysis) -> str:
    """Why an analysis compares by the future; nothing where it does not.

    It does where a group it compares, or its population, is told at a moment after the one time counts from, or by an event of
    the protocol, unless subjects come in by then (`entry`), time counts from a landmark, or groups change on their day.
    """
    is_repaired = analysis.landmark or analysis.entry or GROUPS in getattr(analysis, "time_varying", ())
    if is_repaired or isinstance(analysis, CloneCensorWeight):
        return ""
    told = next(_told_later(protocol, analysis), None)
    if told is None:
        return ""
    what, at, start = told
    return (
        f"{what} is told at `{at}`, and time counts from `{start}`: whoever gets there has lived free of the event until then; "
        "use a landmark, or let the group change on its day"
    )


def _told_later(protocol: Protocol, analysis: TimeAnalysis) -> Iterator[tuple[str, str, str]]:
    """What is told after the start, when, and the start, all in words."""
    start = analysis.from_ or protocol.endpoints[analysis.endpoint].from_ or protocol.time_zero
    if start is None:
        return
    places = [
        (f"group `{name}`", one.assigned_at)
        for name, one in protocol.groups.items()
        if compares_groups(analysis)
    ]
    places.append((f"population `{analysis.population}`", protocol.populations[analysis.population].at))
    for what, at in places:
        if at is not None and _is_later(protocol, parse_moment(at), parse_moment(start)):
            yield what, at, start


def _is_later(protocol: Protocol, moment: Moment, start: Moment) -> bool:
    """Whether a moment surely lies after the start for some; moments that cannot be compared are left alone."""
    moment, start = _followed(protocol, moment), _followed(protocol, start)
    if moment.name in protocol.events and moment.name != start.name:
        return True
    is_same = (moment.name, moment.which) == (start.name, start.which)
    return is_same and _shift(moment) > _shift(start)


def _followed(protocol: Protocol, moment: Moment) -> Moment:
    """An anchor that is told by another date as that date."""
    for _ in protocol.anchors:
        anchor = protocol.anchors.get(moment.name or "")
        if anchor is None or anchor.at is None or moment.offset is not None or moment.which is not None:
            break
        moment = parse_moment(anchor.at)
    return moment


def _shift(moment: Moment) -> float:
    """About how many days after its record a moment lies; of two of one record the order is what counts."""
    if moment.offset is None:
        return 0.0
    days = moment.offset.days
    length = (
        float(days)
        if days is not None
        else (moment.offset.months or 0) * 30.4375 or 0.04 * moment.offset.amount
    )
    return length if moment.sign == "+" else -length
