"""Which group is which: told by the treatments that set them apart, never by the order in which a protocol writes them."""

from __future__ import annotations

from trialwright.protocol.analyses import AnalysisBase, TimeAnalysis, named_by
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


def treated_group(protocol: Protocol) -> str | None:
    """The group whose hazard is divided by that of the others: the one with most treatments of its own; None where two have as many."""
    added = {name: len(apart) for name, apart in treatments_apart(protocol).items()}
    most = [name for name, n in added.items() if n == max(added.values())]
    return most[0] if len(most) == 1 else None


def strategies_of(protocol: Protocol) -> tuple[str, str] | None:
    """Of two groups, the one that adds a treatment and the one that does not; None where they are not such groups."""
    standard, treated = standard_group(protocol), treated_group(protocol)
    if standard is None or treated is None or len(protocol.groups) != 2:
        return None
    return treated, standard


def compares_groups(analysis: AnalysisBase) -> bool:
    """Whether an analysis compares the groups of the protocol: split by them, adjusted for them, or weighted to make them alike."""
    return GROUPS in named_by(analysis) or getattr(analysis, "weights", None) is not None


def goes_by_treatment(analysis: TimeAnalysis) -> bool:
    """Whether the groups an analysis compares are those begun, by a landmark or as time goes on, rather than those assigned."""
    return GROUPS in getattr(analysis, "time_varying", ()) or (
        analysis.landmark is not None and compares_groups(analysis)
    )
