"""What to ask for next: the cheapest list of facts that could make a rule met, and the cheapest that could rule it out.

The verdict of a rule is unknown because some of its leaves are. Each of these leaves has its *open facts*: all of which
nothing is known; only where there is none, those known in part (a censored result, results that disagree, an imprecise
date). To ask for a fact costs its effort.

A list of facts **confirms** a rule if the rule is met whenever the leaves whose open facts are all on the list come out
as the rule needs them, whatever the other unknown leaves are (by the tables of Kleene: they stay unknown). It **rules
out** a rule if the rule is then not met. Leaves count as independent of each other, even two about one fact. The list
given has the least total effort; of several, the fewest facts; of several, those named first in the rule. A fact stands
on it once.

Where every fact is open in one leaf only, the list is found going once through the tree: what needs all of its parts
adds up their lists, what needs one of its parts takes the cheapest. A fact that is open in several leaves is paid for
once; going through the tree then carries every list that could still be part of the cheapest, at most `MAX_CARRIED`. If
there are more, the cheapest are carried on, and `AskList.is_surely_cheapest` is False.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from trialwright.evaluation.evidence import Evidence, Open
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.verdicts import Reason

MAX_CARRIED = 16

LOOK_AGAIN = 1
"""The effort of asking a laboratory or a person about a record that is there, unless the fact itself costs less."""

_ABOUT_A_RECORD = frozenset(
    {
        *(Reason.CONFLICT, Reason.UNREADABLE, Reason.UNIT_UNKNOWN, Reason.NO_LIMIT),
        *(Reason.UNDEFINED, Reason.IMPRECISE_DATE),
    }
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One fact to ask for.

    Parameters
    ----------
    about : str
        Name of the fact; `age` for the date of birth, `anchor`, `baseline`, `during PERIOD` for dates that are not known.
    label : str
        How people call it.
    reason : Reason
        Why it is open, of several reasons the one told first; `reason.remedy` says what would settle it.
    effort : int
        What it costs to get it, see `Concept.effort`.
    by : str or None
        Who has to attest it.
    records : tuple of str
        Ids of the records to look at again.
    """

    about: str
    label: str
    reason: Reason
    effort: int
    by: str | None = None
    records: tuple[str, ...] = ()

    @property
    def what_to_do(self) -> str:
        if self.reason is Reason.NEEDS_A_PERSON:
            return f"ask the {self.by} to attest" if self.by else "ask somebody who knows"
        return self.reason.remedy


@dataclass(frozen=True, slots=True)
class AskList:
    """What to ask for, the cheapest first, then in the order of the text."""

    asks: tuple[Ask, ...] = ()
    is_surely_cheapest: bool = True

    def __iter__(self) -> Iterator[Ask]:
        return iter(self.asks)

    def __len__(self) -> int:
        return len(self.asks)


def ask_lists(evidence: Evidence, facts: Mapping[str, Fact]) -> tuple[AskList, AskList]:
    """What to ask to confirm, and what to rule out; both empty where the verdict is known."""
    if evidence.verdict.is_known:
        return AskList(), AskList()
    search = _Search(evidence, _asks(evidence, facts))
    return search.cheapest(wanted=True), search.cheapest(wanted=False)


def open_facts(leaf: Evidence) -> list[Open]:
    """What has to be asked to settle a leaf."""
    return [one for one in leaf.open if one.is_unknown] or list(leaf.open)


# --- the facts that are open --------------------------------------------------------------------------------------------


def _unknown_leaves(evidence: Evidence) -> Iterator[Evidence]:
    """Leaves that can change the verdict: not those below a condition that is known."""
    if evidence.verdict.is_known:
        return
    if not evidence.parts:
        yield evidence
    for part in evidence.parts:
        yield from _unknown_leaves(part)


def _asks(evidence: Evidence, facts: Mapping[str, Fact]) -> dict[str, Ask]:
    """Every open fact once, in the order of the text."""
    found: dict[str, list[Open]] = {}
    for leaf in _unknown_leaves(evidence):
        for one in open_facts(leaf):
            found.setdefault(one.about, []).append(one)
    return {about: _ask(about, several, facts.get(about)) for about, several in found.items()}


def _ask(about: str, several: Sequence[Open], fact: Fact | None) -> Ask:
    reason = max((one.reason for one in several), key=lambda reason: reason.code)
    effort = max(_effort(one.reason, fact) for one in several)
    records = tuple(dict.fromkeys(one.record for one in several if one.record))
    if fact is None:
        return Ask(about, label_of(about), reason, effort)
    return Ask(about, fact.label, reason, effort, fact.by, records)


def _effort(reason: Reason, fact: Fact | None) -> int:
    if fact is None:
        return 0
    return min(fact.effort, LOOK_AGAIN) if reason in _ABOUT_A_RECORD else fact.effort


_DATES = {"age": "date of birth", "anchor": "date to judge at", "baseline": "date of baseline"}


def label_of(about: str) -> str:
    """How people call what is open and is not a fact."""
    period = about.removeprefix("during ").replace("_", " ")
    return _DATES.get(about, f"first and last day of {period}")


# --- the cheapest list --------------------------------------------------------------------------------------------------


class _Search:
    """Lists of facts as sets of bits, the highest bit for the fact named first."""

    def __init__(self, evidence: Evidence, asks: Mapping[str, Ask]) -> None:
        self.evidence = evidence
        self.asks = asks
        self.is_exact = True
        n = len(asks)
        self.bits = {about: 1 << (n - 1 - i) for i, about in enumerate(asks)}
        # One number orders lists by total effort, then by length, then by the text: no two lists weigh the same.
        self.weights = {
            bit: (((asks[about].effort << 20) + 1) << n) - bit for about, bit in self.bits.items()
        }
        seen = shared = 0
        for leaf in _unknown_leaves(evidence):
            mask = self.mask(leaf)
            shared |= seen & mask
            seen |= mask
        self.shared = shared

    def cheapest(self, *, wanted: bool) -> AskList:
        """The cheapest list with which the rule could be met, or not met."""
        self.is_exact = True
        best, *_ = self.lists(self.evidence, wanted=wanted)
        chosen = [self.asks[about] for about, bit in self.bits.items() if best & bit]
        return AskList(tuple(sorted(chosen, key=lambda ask: ask.effort)), self.is_exact)

    def mask(self, leaf: Evidence) -> int:
        mask = 0
        for one in open_facts(leaf):
            mask |= self.bits[one.about]
        return mask

    def weight(self, mask: int) -> int:
        total = 0
        while mask:
            bit = mask & -mask
            total += self.weights[bit]
            mask ^= bit
        return total

    def lists(self, evidence: Evidence, *, wanted: bool) -> list[int]:
        """The lists that give a condition the verdict wanted, the cheapest first; none if nothing does."""
        if evidence.verdict.is_known:
            return [0] if evidence.verdict.is_met == wanted else []
        if not evidence.parts:
            return [self.mask(evidence)]
        if isinstance(evidence.condition, tree.Not):
            return self.lists(evidence.parts[0], wanted=not wanted)
        parts = [self.lists(part, wanted=wanted) for part in evidence.parts]
        if isinstance(evidence.condition, tree.AnyOf) == wanted:
            return self.carried(one for several in parts for one in several)
        together = [0]
        for several in parts:
            together = self.carried(one | other for one, other in product(together, several))
        return together

    def carried(self, masks: Iterable[int]) -> list[int]:
        """The lists that may still be part of the cheapest."""
        several = set(masks)
        if len(several) < 2:
            return list(several)
        kept: list[int] = []
        for mask in sorted(several, key=self.weight):
            if any(self.is_never_dearer(other, mask) for other in kept):
                continue
            if len(kept) == MAX_CARRIED:
                self.is_exact = False
                break
            kept.append(mask)
        return kept

    def is_never_dearer(self, one: int, other: int) -> bool:
        """Whether the first list costs no more than the second, whatever shared facts are asked for elsewhere."""
        mine = self.weight((one & ~self.shared) | (one & self.shared & ~other))
        return mine <= self.weight(other & ~self.shared)
