"""A rule tried by itself: on a patient file, or only explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from trialwright.evaluation.observations import Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.evaluation.patient_files import read_patient
from trialwright.evaluation.readings import Score
from trialwright.evaluation.telling import WIDTH, render_explanation, render_judgement
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Scope
from trialwright.protocol.loading import load_scope
from trialwright.protocol.rules import RULE, place_in
from trialwright.protocol.scopes import read_rule
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.problems import Problem, ProblemsFound


@dataclass(frozen=True, slots=True)
class Answer:
    """Text for people, and the warnings about the patient file and the rule."""

    text: str
    warnings: tuple[Problem, ...]


def try_rule(
    text: str,
    *,
    protocol: str | None = None,
    patient: Path | None = None,
    anchor: str | None = None,
    is_explained: bool = False,
    width: int = WIDTH,
) -> Answer:
    """Explain a rule, judge it for the patient of a file, or both.

    Parameters
    ----------
    text : str
        The rule.
    protocol : str, optional
        Name or path of the protocol whose facts it names, instead of the catalogue; those of the patient file come to
        them.
    patient : Path, optional
        The patient it is judged for.
    anchor : str, optional
        The date where it is judged, instead of the one in the file.
    is_explained : bool
        Whether its sentence, facts, hash, canonical form and SQL are told first.
    width : int
        Characters of a line of prose.

    Raises
    ------
    ProblemsFound
        With everything wrong in the protocol, else in the date, else in the file, else in the rule.
    """
    scope, read = load_scope(protocol), None
    if patient is not None:
        read = read_patient(patient, scope, anchor=None if anchor is None else _read_anchor(anchor))
        scope = read.scope
    condition, warnings = read_rule(text, scope)
    parts = []
    if is_explained:
        parts += [render_explanation(condition, scope, width=width), _sql(condition, scope)]
    if read is not None:
        parts.append(_judged(condition, read.subject, scope, width))
        warnings = [*read.warnings, *warnings]
    return Answer("\n\n".join(parts), tuple(warnings))


def _judged(condition: tree.Condition, subject: Subject, scope: Scope, width: int) -> str:
    told = replace(scope, anchor=str(subject.anchor))
    judgement = judge_patient(condition, subject, scope, scores=_scores(condition, scope))
    return render_judgement(judgement, told, width=width)


def _sql(condition: tree.Condition, scope: Scope) -> str:
    # polars takes a while to import: only who asks for SQL pays for it
    from trialwright.evaluation.sql import render_sql

    try:
        return f"SQL (DuckDB):\n{render_sql(condition, scope)}"
    except ProblemsFound as found:
        return f"no SQL: {'; '.join(problem.message for problem in found.problems)}"


def _read_anchor(text: str) -> PartialDate:
    try:
        return PartialDate.parse(text)
    except ValueError as error:
        raise ProblemsFound([Problem("unreadable-date", str(error), field="--anchor")]) from None


def _scores(condition: tree.Condition, scope: Scope) -> Mapping[str, Score]:
    """What computes the scores of a rule; ProblemsFound if nothing computes one."""
    asked = [node for node in tree.walk(condition) if isinstance(node, tree.Score)]
    if not asked:
        return {}
    # the definitions of medicine take a while to import: only who asks for a score pays for it
    from trialwright.evaluation.scores import computable_scores

    scores = computable_scores(scope.facts)
    problems = [
        Problem(
            "not-yet-executable",
            f"the score `{node.fact}` cannot be computed in this version",
            place_in(RULE, node.at),
            fix=f"scores that can be: {', '.join(scores)}" if scores else "",
        )
        for node in asked
        if node.fact not in scores
    ]
    if problems:
        raise ProblemsFound(problems)
    return scores
