"""What changed between two protocols, said as a trialist says it: a threshold, a window, a criterion moved, a role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from trialwright.protocol.loading import LoadedProtocol, hash_protocol, hash_sections
from trialwright.protocol.rule_comparison import How, compare_rules
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.documents import Path, dotted
from trialwright.vocabulary.problems import Place, ProblemsFound


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Parameters
    ----------
    how : How
    path : str
        Where in the newer protocol; of what was removed, where in the older.
    aspect : str
        What it is that changed: `threshold`, `window`, `order`, `role`, `estimand` ...; a key of the document where no
        better word is known.
    older, newer : str or None
        What stood and what stands there, in the words of the file; None where nothing did.
    older_place, newer_place : Place or None
    """

    how: How
    path: str
    aspect: str
    older: str | None = None
    newer: str | None = None
    older_place: Place | None = None
    newer_place: Place | None = None


def compare_protocols(older: LoadedProtocol, newer: LoadedProtocol) -> list[Difference]:
    """Everything that differs between two protocols, in the order of the newer document's sections.

    Values are compared with defaults written out, so that saying a default changes nothing; rules are compared as trees,
    so that `4 weeks` for `28 days` changes nothing either. The order of criteria, endpoints and analyses counts, for it
    numbers them.
    """
    comparison = _Comparison(older, newer)
    before, after = (one.protocol.model_dump(mode="json") for one in (older, newer))
    return list(_with_criteria_that_changed_sides(comparison.walk((), before, after), comparison))


def write_differences(differences: Sequence[Difference]) -> str:
    """The differences by section, for people; each with the places where it stands."""
    if not differences:
        return "no difference"
    lines = []
    for section, group in groupby(differences, lambda one: one.path.split(".")[0]):
        lines.append(section)
        for one in group:
            change = " -> ".join(_quoted(words) for words in (one.older, one.newer) if words is not None)
            lines.append(f"  {_SIGNS[one.how]} {one.path}: {one.aspect} {one.how}: {change}")
            places = " -> ".join(str(place) for place in (one.older_place, one.newer_place) if place)
            lines.append(f"      {places}")
        lines.append("")
    n = len(differences)
    n_words = sum(one.how is How.REWORDED for one in differences)
    lines.append(f"{n} difference{'s' if n > 1 else ''}, of which {n_words} in wording only")
    return "\n".join(lines)


def render_differences_json(
    older: LoadedProtocol, newer: LoadedProtocol, differences: Sequence[Difference]
) -> str:
    """The differences for programs, with the hashes of both protocols and the sections in which they differ."""
    hashes = [hash_sections(one.protocol) for one in (older, newer)]
    data = {
        "format": "trialwright-diff/1",
        "older": {"file": older.document.file, "hash": hash_protocol(older.protocol)},
        "newer": {"file": newer.document.file, "hash": hash_protocol(newer.protocol)},
        "sections": [name for name, value in hashes[1].items() if hashes[0][name] != value],
        "differences": [
            asdict(one) | {side: str(place) if place else None for side, place in _places(one).items()}
            for one in differences
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _places(one: Difference) -> dict[str, Place | None]:
    return {"older_place": one.older_place, "newer_place": one.newer_place}


def _quoted(words: str) -> str:
    shown = words if len(words) <= _LONGEST_SHOWN else f"{words[: _LONGEST_SHOWN - 1]}…"
    return f"`{shown}`"


_LONGEST_SHOWN = 90
_SIGNS = {
    How.ADDED: "+",
    How.REMOVED: "-",
    How.RENAMED: "=",
    How.MOVED: ">",
    How.CHANGED: "~",
    How.REWORDED: '"',
}


class _Comparison:
    def __init__(self, older: LoadedProtocol, newer: LoadedProtocol) -> None:
        self.older, self.newer = older, newer

    def walk(self, path: Path, before: Any, after: Any) -> Iterator[Difference]:
        if before == after and not isinstance(before, dict):
            return
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self.mappings(path, before, after)
        elif path[-1] == "when" and isinstance(before, str) and isinstance(after, str):
            yield from self.rules(path, before, after)
        elif isinstance(before, list) and isinstance(after, list):
            yield from self.lists(path, before, after)
        else:
            aspect = "primary endpoint" if _is_switch(path, before, after) else _aspect(path)
            yield self.difference(_how(path, before, after), path, aspect, before, after)

    def mappings(
        self, path: Path, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> Iterator[Difference]:
        gone = [name for name in before if name not in after]
        new = [name for name in after if name not in before]
        for name in list(gone):
            twin = next((other for other in new if before[name] == after[other] and before[name]), None)
            if twin is not None:
                gone.remove(name)
                new.remove(twin)
                yield Difference(
                    How.RENAMED,
                    dotted((*path, twin)),
                    "name",
                    name,
                    twin,
                    self.place(self.older, (*path, name)),
                    self.place(self.newer, (*path, twin)),
                )
        for name in gone:
            yield self.difference(How.REMOVED, (*path, name), _aspect((*path, name)), before[name], None)
        for name in new:
            yield self.difference(How.ADDED, (*path, name), _aspect((*path, name)), None, after[name])
        if path in _NUMBERED:
            yield from self.order(path, [n for n in before if n in after], [n for n in after if n in before])
        for name in after:
            if name in before:
                yield from self.walk((*path, name), before[name], after[name])

    def order(self, path: Path, before: Sequence[str], after: Sequence[str]) -> Iterator[Difference]:
        """The fewest elements whose moving makes one order of the other."""
        stayed = _longest_common_order(before, after)
        for name in after:
            if name not in stayed:
                places = (before.index(name) + 1, after.index(name) + 1)
                yield self.difference(How.MOVED, (*path, name), "order", *(f"number {n}" for n in places))

    def lists(self, path: Path, before: list[Any], after: list[Any]) -> Iterator[Difference]:
        if sorted(map(str, before)) == sorted(map(str, after)):
            yield self.difference(How.CHANGED, path, "order", before, after)
            return
        for item in before:
            if item not in after:
                yield self.difference(How.REMOVED, path, _aspect(path), item, None)
        for item in after:
            if item not in before:
                yield self.difference(How.ADDED, path, _aspect(path), None, item)

    def rules(self, path: Path, before: str, after: str) -> Iterator[Difference]:
        try:
            old, new = parse_rule(before), parse_rule(after)
        except ProblemsFound:
            yield self.difference(How.CHANGED, path, "rule", before, after)
            return
        told = list(compare_rules(old, new))
        for change in told:
            yield self.difference(change.how, path, change.aspect, change.older, change.newer)
        if not told:
            yield self.difference(How.REWORDED, path, "rule", before, after)

    def difference(self, how: How, path: Path, aspect: str, before: Any, after: Any) -> Difference:
        return Difference(
            how,
            dotted(path),
            aspect,
            _told(before),
            _told(after),
            None if before is None else self.place(self.older, path),
            None if after is None else self.place(self.newer, path),
        )

    @staticmethod
    def place(loaded: LoadedProtocol, path: Path) -> Place:
        return loaded.document.place_of(path, key=True)


_NUMBERED = frozenset(
    {("eligibility", "inclusion"), ("eligibility", "exclusion"), ("endpoints",), ("analyses",)}
)
_FOR_PEOPLE = frozenset(
    {"text", "label", "title", "note", "reason", "objective", "caution", "abbreviation", "source", "sponsor"}
)


def _how(path: Path, before: Any, after: Any) -> How:
    if path[-1] in _FOR_PEOPLE:
        return How.REWORDED
    if before is None:
        return How.ADDED
    return How.REMOVED if after is None else How.CHANGED


def _is_switch(path: Path, before: Any, after: Any) -> bool:
    """Whether an endpoint became the primary one or ceased to be."""
    return path[0] == "endpoints" and path[-1] == "role" and "primary" in (before, after)


def _aspect(path: Path) -> str:
    if "estimand" in path:
        return "estimand"
    if path[0] == "eligibility" and len(path) == 3:
        return "criterion"
    if len(path) == 2 and isinstance(path[0], str) and path[0].endswith("s"):
        return path[0].removesuffix("s") if path[0] != "analyses" else "analysis"
    return str(path[-1])


def _told(value: Any) -> str | None:
    """A value in the words of the file; of a whole element what tells most of it."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case dict():
            key = next((key for key in _TELLING if value.get(key)), None)
            return _told(value[key]) if key else ", ".join(key for key, part in value.items() if part)
        case list() | tuple():
            return ", ".join(str(_told(item)) for item in value)
        case _:
            return str(value)


_TELLING = ("when", "text", "label", "title", "value", "span", "name")


def _longest_common_order(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The most names that stand in the same order on both sides."""
    ranks = [before.index(name) for name in after]
    chains: list[list[int]] = []
    for position, rank in enumerate(ranks):
        longest = max((c for c in chains if ranks[c[-1]] < rank), key=len, default=[])
        chains.append([*longest, position])
    return {after[position] for position in max(chains, key=len, default=[])}


def _with_criteria_that_changed_sides(
    differences: Iterator[Difference], comparison: _Comparison
) -> Iterator[Difference]:
    """A criterion that left one list for the other is moved, and compared besides."""
    found = list(differences)
    sides = ("inclusion", "exclusion")
    criteria = [
        {side: getattr(one.protocol.eligibility, side) for side in sides}
        for one in (comparison.older, comparison.newer)
    ]
    for old_side, new_side in (sides, sides[::-1]):
        for name in [n for n in criteria[0][old_side] if n in criteria[1][new_side]]:
            paths = ("eligibility", old_side, name), ("eligibility", new_side, name)
            found = [
                one
                for one in found
                if (one.how, one.path) not in ((How.REMOVED, dotted(paths[0])), (How.ADDED, dotted(paths[1])))
            ]
            found.append(comparison.difference(How.MOVED, paths[1], "criterion", old_side, new_side))
            before, after = (
                part[side][name].model_dump(mode="json")
                for part, side in zip(criteria, (old_side, new_side), strict=True)
            )
            found += comparison.walk(paths[1], before, after)
    yield from found
