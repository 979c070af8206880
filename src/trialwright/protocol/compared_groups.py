"""Which group is which: told by the treatments that set them apart, never by the order in which a protocol writes them."""

from __future__ import annotations

from trialwright.protocol.analyses import TimeAnalysis, named_by
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS


def treatments_apart(protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """The treatments of each group that not every group gets."""
    groups = {name: group.treatments for name, group in protocol.groups.items()}
    return {
        name: tuple(one for one in own if not all(one in others for others in groups.values()))
        for name, own in groups.items()
    }


def standard_group(protocol: Protocol) -> str | None:
    """The group to whose treatments all others add; None where none is, or two cannot be told apart."""
    found = [name for name, apart in treatments_apart(protocol).items() if not apart]
    return found[0] if len(found) == 1 else None


def treated_group(protocol: Protocol) -> str:
    """The group whose hazard is divided by that of the others: the one with most of its own, against that with fewest.

    Of groups with as many treatments of their own the one written first is compared with.
    """
    added = treatments_apart(protocol)
    compared_with = standard_group(protocol) or min(added, key=lambda name: len(added[name]))
    others = {name: apart for name, apart in added.items() if name != compared_with}
    return max(others, key=lambda name: len(others[name]), default=compared_with)


def strategies_of(protocol: Protocol) -> tuple[str, str] | None:
    """Of two groups, the one that adds a treatment and the one that does not; None where they are not such groups."""
    standard = standard_group(protocol)
    return None if standard is None or len(protocol.groups) != 2 else (treated_group(protocol), standard)


def goes_by_treatment(analysis: TimeAnalysis) -> bool:
    """Whether the groups an analysis compares are those begun, by a landmark or as time goes on, rather than those assigned."""
    return GROUPS in getattr(analysis, "time_varying", ()) or (
        analysis.landmark is not None and GROUPS in named_by(analysis)
    )
