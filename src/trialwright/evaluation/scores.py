"""Published scores for the readers of rules: the definitions of `medicine`, given what is known of each part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from types import MappingProxyType

import numpy as np

from trialwright.evaluation.codes import REASONS, told_first
from trialwright.evaluation.readings import Reading, Readings, Score
from trialwright.medicine.known import Categories, Known
from trialwright.medicine.liver_function.albi import compute_albi
from trialwright.medicine.liver_function.child_pugh import FORMS, compute_child_pugh
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.verdicts import Reason

CHILD_PUGH_FORM = FORMS["mg/dL"]
"""The form of 1973: its limits of bilirubin are mg/dL, so 34 µmol/L is 1 point and not 2."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is known of the parts of a score, by concept; numbers are in the units beside them."""

    numbers: Mapping[str, Known]
    levels: Mapping[str, Categories]
    units: Mapping[str, str]


def computable_scores(facts: Mapping[str, Fact]) -> dict[str, Score]:
    """What computes the scores among some facts, by name; a score that nothing computes is not in it.

    Parameters
    ----------
    facts : mapping of str to Fact
        The facts of a scope, the parts of the scores among them: results are in the units of these.
    """
    by_concept = {fact.concept: fact for fact in facts.values() if fact.concept}
    found: dict[str, Score] = {}
    for name, fact in facts.items():
        is_computed = fact.kind is Kind.SCORE and fact.concept in _COMPUTED
        if is_computed and all(part in by_concept for part in fact.parts):
            found[name] = partial(_score, fact, {part: by_concept[part] for part in fact.parts})
    return found


def compute_score(
    score: Fact,
    parts: Mapping[str, Fact],
    *,
    number: Callable[[str], Known],
    level: Callable[[str, tuple[str, ...]], Categories],
) -> Known:
    """A score from what is known of its parts, one row a person.

    Parameters
    ----------
    score : Fact
    parts : mapping of str to Fact
        Its parts by concept; numbers are in the units of these.
    number, level : callable
        What is known of a part that is a number, and of one that has levels, by concept.

    Raises
    ------
    ValueError
        If nothing computes the score.
    """
    if score.concept not in _COMPUTED:
        raise ValueError(f"nothing computes the score `{score.name}`")
    return _COMPUTED[score.concept](
        _Parts(
            {name: number(name) for name, one in parts.items() if one.kind is Kind.NUMBER},
            {name: level(name, one.levels) for name, one in parts.items() if one.kind is Kind.CATEGORY},
            {name: str(one.unit) for name, one in parts.items() if one.unit},
        )
    )


def _score(fact: Fact, parts: Mapping[str, Fact], readings: Mapping[str, Readings]) -> Reading:
    score = compute_score(
        fact,
        parts,
        number=lambda name: _number(*readings[name]),
        level=lambda name, levels: _level(*readings[name], levels),
    )
    bounds, code = score.bounds, int(score.reasons[0])
    value = Interval(
        float(bounds.lo[0]), float(bounds.hi[0]), bool(bounds.lo_open[0]), bool(bounds.hi_open[0])
    )
    return Reading(value, REASONS.get(code), is_calculated=bool(score.is_calculated[0]))


def _child_pugh(parts: _Parts) -> Known:
    return compute_child_pugh(
        bilirubin=parts.numbers["bilirubin"],
        bilirubin_unit=parts.units["bilirubin"],
        albumin=parts.numbers["albumin"],
        albumin_unit=parts.units["albumin"],
        inr=parts.numbers["inr"],
        ascites=parts.levels["ascites"],
        encephalopathy=parts.levels["encephalopathy"],
        form=CHILD_PUGH_FORM,
    )


def _albi(parts: _Parts) -> Known:
    return compute_albi(
        bilirubin=parts.numbers["bilirubin"],
        bilirubin_unit=parts.units["bilirubin"],
        albumin=parts.numbers["albumin"],
        albumin_unit=parts.units["albumin"],
    )


_COMPUTED: Mapping[str | None, Callable[[_Parts], Known]] = MappingProxyType(
    {"child_pugh": _child_pugh, "albi": _albi}
)
"""By concept. Scores that also need age or dialysis wait for these to be parts."""


def _number(readings: Sequence[Reading], cause: Reason) -> Known:
    """Several readings, any of which may be the one, as one row; a number that cannot be is as good as unreadable."""
    value = reduce(Interval.hull, (reading.number for reading in readings))
    differ = None if len({reading.number for reading in readings}) == 1 else cause
    reason = told_first(*(reading.reason for reading in readings), differ) or Reason.MISSING
    if value.lo < 0 or value.hi == 0:
        is_impossible = value.is_exact or value.hi <= 0
        return Known.unknown([(Reason.UNREADABLE if is_impossible else reason).code])
    bounds = Intervals(
        np.array([value.lo]), np.array([value.hi]), np.array([value.lo_open]), np.array([value.hi_open])
    )
    return Known(bounds, [reason.code], is_calculated=[any(reading.is_calculated for reading in readings)])


def _level(readings: Sequence[Reading], cause: Reason, levels: tuple[str, ...]) -> Categories:
    known = {reading.value for reading in readings}
    possible = [[None in known or level in known for level in levels]]
    reason = told_first(*(reading.reason for reading in readings)) or cause
    return Categories(levels, possible, [reason.code])
