"""A judgement and a rule told in plain text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from trialwright.evaluation.asking import AskList, label_of, open_facts
from trialwright.evaluation.evidence import Evidence, Found
from trialwright.evaluation.observations import ANY_DAY, Observation
from trialwright.evaluation.patient import Judgement
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.rule_sentences import render_sentence
from trialwright.protocol.rules import canonical_json, render_rule, rule_hash
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.units import UnknownUnit, find_unit
from trialwright.vocabulary.verdicts import Verdict

MOST_SHOWN = 6
"""Records told for one leaf; the others are counted."""

MOST_CHARACTERS = 60
"""Characters told of a text that a record holds."""

WIDTH = 100
"""Characters of a line where nobody says how wide it may be."""

DIGITS_CONVERTED = 6
"""Significant digits told of a result in another unit; all of them count."""

_INDENT = "  "


def render_judgement(judgement: Judgement, scope: Scope, *, width: int = WIDTH) -> str:
    """The evidence as a tree, the verdict first, and what to ask next; lines longer than `width` go on indented.

    Each condition stands with its verdict, below a leaf what it was judged by: the result as reported, its date, its
    limit of normal, the record; and if it is unknown, why.
    """
    lines = list(_Teller(scope).evidence(judgement.evidence, 0))
    if judgement.to_confirm == judgement.to_rule_out:
        lists = [("To confirm or to rule out", judgement.to_confirm)]
    else:
        lists = [("To confirm", judgement.to_confirm), ("To rule out", judgement.to_rule_out)]
    for heading, asks in lists:
        lines += _ask_lines(heading, asks)
    return "\n".join(_folded(line, width) for line in lines)


def _folded(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip())) + _INDENT * 2
    return textwrap.fill(
        line,
        max(width, 2 * len(indent)),
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _ask_lines(heading: str, asks: AskList) -> list[str]:
    if not asks:
        return []
    doubt = "" if asks.is_surely_cheapest else " (there may be a cheaper list)"
    lines = [f"{ask.label}: {ask.what_to_do}{_records(ask.records)}" for ask in asks]
    return ["", f"{heading}{doubt}:", *(f"{_INDENT}{i}. {line}" for i, line in enumerate(lines, start=1))]


def _records(ids: tuple[str, ...]) -> str:
    told = [_short(one) for one in ids[:MOST_SHOWN]]
    if len(ids) > MOST_SHOWN:
        told.append(f"and {len(ids) - MOST_SHOWN} more")
    return f" ({', '.join(told)})" if told else ""


class _Teller:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    # --- evidence -----------------------------------------------------------------------------------------------------

    def evidence(self, evidence: Evidence, depth: int) -> Iterator[str]:
        condition, parts = evidence.condition, evidence.parts
        if isinstance(condition, tree.Not) and not parts[0].parts:
            (leaf,) = parts
            yield _line(depth, evidence.verdict, render_sentence(condition, self.scope))
            yield from self.leaf(leaf, depth + 1)
            return
        yield _line(depth, evidence.verdict, self.heading(condition))
        if not parts:
            yield from self.leaf(evidence, depth + 1)
        for part in parts:
            yield from self.evidence(part, depth + 1)

    def heading(self, condition: tree.Condition | None) -> str:
        match condition:
            case None:
                return "at the rows after it"
            case tree.AllOf():
                return "all of these"
            case tree.AnyOf():
                return "any of these"
            case tree.Not():
                return "not so that"
            case tree.Confirmed(_, after):
                return f"confirmed after {after}"
            case tree.Consecutive(_, times):
                return f"{times} times in a row"
            case _:
                return render_sentence(condition, self.scope)

    def leaf(self, leaf: Evidence, depth: int) -> Iterator[str]:
        indent = _INDENT * depth
        computed_first = sorted(leaf.found, key=lambda found: found.observation is not None)
        for found in computed_first[:MOST_SHOWN]:
            yield f"{indent}- {self.found(found)}"
        if len(leaf.found) > MOST_SHOWN:
            yield f"{indent}- and {len(leaf.found) - MOST_SHOWN} more"
        if leaf.verdict.is_known and not leaf.found:
            yield f"{indent}- no record, which counts as no"
        if not leaf.verdict.is_known:
            for text in dict.fromkeys(
                f"{self.label(one.about)}: {one.reason.meaning}" for one in open_facts(leaf)
            ):
                yield f"{indent}? {text}"

    def found(self, found: Found) -> str:
        if found.observation is None:
            return self.computed(found)
        observation, fact = found.observation, self.scope.facts[found.observation.fact]
        parts = [_result(observation, found, fact)]
        if observation.date != ANY_DAY:
            parts.append(f"{observation.date}")
        parts += [
            f"{name} {limit:.15g}"
            for name, limit in (("LLN", observation.lln), ("ULN", observation.uln))
            if limit is not None
        ]
        if observation.assay:
            parts.append(f"assay {_short(observation.assay)}")
        if observation.by:
            parts.append(f"by {_short(observation.by)}")
        outside = {Verdict.MET: "", Verdict.NOT_MET: ", outside the window"}
        doubt = outside.get(found.held, ", perhaps outside the window")
        comment = f": {_short(observation.comment)}" if observation.comment else ""
        told = ", ".join(part for part in parts if part)
        return f"{fact.label}: {told or 'some day'} ({_short(observation.id)}){doubt}{comment}"

    def computed(self, found: Found) -> str:
        value = _as_written(found.reading.value, digits=DIGITS_CONVERTED)
        if found.about == "age":
            return f"age: {value} years"
        if found.about.startswith("count "):
            return f"records of {self.label(found.about.removeprefix('count '))}: {value}"
        return f"{self.label(found.about)}: {value}"

    def label(self, about: str) -> str:
        fact = self.scope.facts.get(about)
        return fact.label if fact else label_of(about)


def _line(depth: int, verdict: Verdict, text: str) -> str:
    return f"{_INDENT * depth}{verdict}: {text}"


def _result(observation: Observation, found: Found, fact: Fact) -> str:
    """The result as reported, and in the unit of the fact where that is another."""
    if observation.value is None:
        return ""
    text = _as_written(observation.value)
    if observation.unit:
        text += f" {_unit(observation.unit)}"
    reading = found.reading
    if reading.is_calculated and fact.unit is not None:
        text += f" = {_as_written(reading.value, digits=DIGITS_CONVERTED)} {fact.unit.label}"
    return text


def _unit(text: str) -> str:
    try:
        return find_unit(text).label
    except UnknownUnit:
        return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _as_written(value: Interval | str | PartialDate | None, *, digits: int = 15) -> str:
    """`12`, `<10`, `5 to 7`."""
    if not isinstance(value, Interval):
        return _short(str(value))
    low, high = f"{value.lo:.{digits}g}", f"{value.hi:.{digits}g}"
    if value.is_exact:
        return low
    if math.isinf(value.hi):
        return "any number" if math.isinf(value.lo) else f"{'>' if value.lo_open else '>='}{low}"
    if math.isinf(value.lo) or (value.lo == 0 and value.hi_open):
        return f"{'<' if value.hi_open else '<='}{high}"
    return f"{low} to {high}"


# --- a rule by itself ---------------------------------------------------------------------------------------------------


def render_explanation(condition: tree.Condition, scope: Scope, *, width: int = WIDTH) -> str:
    """What a rule says, what it asks for, its hash and its canonical form. What may be copied stands on one line."""
    lines = [
        f"means: {render_sentence(condition, scope)}",
        "",
        "asks for:",
        *(f"{_INDENT}{_about(scope.facts[name])}" for name in _names(condition, scope)),
        "",
    ]
    exact = [f"hash: sha256:{rule_hash(condition)}", f"canonical form: {canonical_json(condition)}"]
    return "\n".join([render_rule(condition), "", *(_folded(line, width) for line in lines), *exact])


def _names(condition: tree.Condition, scope: Scope) -> list[str]:
    """The facts a rule names, with the facts that give the parts of its scores."""
    names: dict[str, None] = {}
    for node in tree.walk(condition):
        for name in (str(getattr(node, "fact", None)), str(getattr(node, "name", None))):
            if name in scope.facts:
                parts = scope.facts[name].parts
                givers = (one.name for one in scope.facts.values() if one.concept in parts)
                names |= dict.fromkeys((name, *givers))
    return list(names)


def _about(fact: Fact) -> str:
    """`creatinine: number in µmol/L, with limits of normal; no record means unknown`."""
    what: str = fact.kind
    if fact.unit is not None:
        what += f" in {fact.unit.label}"
    if fact.levels:
        what += f" ({', '.join(fact.levels)})"
    details = [what]
    if fact.has_normal_range:
        details.append("with limits of normal")
    if fact.kind is Kind.SCORE:
        return f"{fact.name}: {what} of {', '.join(fact.parts)}"
    if fact.kind is Kind.ATTESTATION:
        details.append(f"by the {fact.by or 'person responsible'}")
        if fact.valid_for:
            details.append(f"valid for {fact.valid_for}")
        return f"{fact.name}: {', '.join(details)}"
    return f"{fact.name}: {', '.join(details)}; no record means {fact.absence}"
