"""Findings that later rows must confirm, as steps of a plan: `confirmed after` and `consecutive`."""
# ruff: noqa: S608

from __future__ import annotations

from trialwright.evaluation.columns import (
    CONFLICT,
    IMPRECISE,
    MISSING,
    SETTLED,
    Absent,
    Leaf,
    Several,
    grouped,
)
from trialwright.evaluation.columns import agreed as agreed_by
from trialwright.evaluation.columns import all_of as all_of_group
from trialwright.evaluation.date_terms import CUT, HERE, Span, before, on_or_before
from trialwright.evaluation.finding import Finder
from trialwright.evaluation.table import KINDS_WITH_RESULTS
from trialwright.evaluation.terms import MET, NOT_MET, Code, Term, all_of, judge, text, when
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.verdicts import Reason

NOT_YET_DUE = Reason.NOT_YET_DUE.code


def confirmed(plan: Finder, own: str, after: Duration) -> Leaf:
    """The row fulfils it, so does the first row at least so long later, and no row between fails it.

    While no row is that much later the confirmation is not yet due, or missing if the data reach beyond its date. `own`
    is a step with every row and the verdict (`code`) of what is to be confirmed.
    """
    due, next_row, cases = HERE.moved(after, "+"), Span.of("n", "here_"), plan.cases
    far = on_or_before(due, next_row)
    is_far = judge(surely=before(HERE, next_row).surely & far.surely, never=far.never, reason=IMPRECISE)
    first = Several("date", _later_rows(plan, own, is_far), cases, "first", Absent(MISSING))
    between = (
        f"CASE WHEN l.held = {MET} THEN {MET} WHEN l.held > {NOT_MET} OR l.is_later < {MET} "
        f"THEN GREATEST({IMPRECISE}, l.code) ELSE l.code END"
    )
    between_them = f", {all_of_group(between)} AS between_them"
    later = grouped("first", "l.code", cases, plan.candidates_of(first), str(NOT_MET), more=between_them)
    is_over = CUT.is_known & before(due, CUT).surely
    absent = text(when((is_over, MISSING), NOT_YET_DUE))
    parts = (
        f"SELECT {cases.of('c')}, c.code AS own, COALESCE(f.best, {NOT_MET}) AS best, f.verdict, "
        f"COALESCE(f.between_them, {MET}) AS between_them, {absent} AS absent "
        f"FROM {own} c LEFT JOIN ({later}) f ON {cases.same('f', 'c')}"
    )
    settled = f"SELECT {cases.columns}, own, {SETTLED} AS confirmed, between_them FROM ({parts}) p"
    verdict = text(all_of(Term("own"), Term("confirmed"), Term("between_them")))
    query = f"SELECT {cases.columns}, {verdict} AS verdict FROM ({settled}) s"
    return Leaf(MISSING, plan.step("leaf", query), cases)


def consecutive(plan: Finder, own: str, times: int) -> Leaf:
    """The row and the ones directly after it, so many in all, fulfil it; not yet due while there are too few.

    Rows that cannot be ordered count together: where they are more than are still needed, they must agree. `own` is a
    step with every row and the verdict (`code`) of what must hold.
    """
    later, cases = _later_rows(plan, own), plan.cases
    keys = cases.of("l")
    over = f"OVER (PARTITION BY {keys} ORDER BY l.earliest, l.latest, l.record ROWS BETWEEN UNBOUNDED PRECEDING AND"
    reach = f"SELECT l.*, max(l.latest) {over} 1 PRECEDING) AS reach FROM {later} l"
    begins = "CASE WHEN l.reach IS NULL OR l.earliest > l.reach THEN 1 ELSE 0 END"
    numbered = f"SELECT l.*, sum({begins}) {over} CURRENT ROW) AS of_group FROM ({reach}) l"
    is_sure = f"l.is_later = {MET} AND CAST(l.earliest AS DATE) = CAST(l.latest AS DATE)"
    cause = f"CASE WHEN bool_and({is_sure}) THEN {CONFLICT} ELSE {IMPRECISE} END"
    groups = (
        f"SELECT {keys}, l.of_group, count(*) AS size, bool_and(l.is_later = {MET}) AS are_later, "
        f"{all_of_group('l.code')} AS every, {agreed_by('l.code', cause)} AS agreed "
        f"FROM ({numbered}) l GROUP BY {keys}, l.of_group"
    )
    over = f"OVER (PARTITION BY {keys} ORDER BY l.of_group ROWS BETWEEN UNBOUNDED PRECEDING AND"
    needed = (
        f"SELECT l.*, {times - 1} - COALESCE(sum(l.size) {over} 1 PRECEDING), 0) AS needed FROM ({groups}) l"
    )
    code = "CASE WHEN l.size <= l.needed AND l.are_later THEN l.every ELSE l.agreed END"
    judged = (
        f"SELECT {keys}, {all_of_group(code)} AS verdict, sum(l.size) AS size FROM ({needed}) l WHERE l.needed > 0 "
        f"GROUP BY {keys}"
    )
    parts = (
        f"SELECT {cases.of('c')}, c.code AS own, COALESCE(j.verdict, {MET}) AS later, "
        f"CASE WHEN COALESCE(j.size, 0) >= {times - 1} THEN {MET} ELSE {NOT_YET_DUE} END AS enough "
        f"FROM {own} c LEFT JOIN ({judged}) j ON {cases.same('j', 'c')}"
    )
    verdict = text(all_of(Term("own"), Term("later"), Term("enough")))
    query = f"SELECT {cases.columns}, {verdict} AS verdict FROM ({parts}) p"
    return Leaf(MISSING, plan.step("leaf", query), cases)


def _later_rows(plan: Finder, own: str, held: Code = MET) -> str:
    """A step with the rows `n` that may follow each row `c`, their verdicts, and whether they are `held`, a term over both.

    A row that does not fulfil it itself needs none.
    """
    next_row, cases = Span.of("n", "here_"), plan.cases
    later = before(HERE, next_row)
    fact = plan.scope.facts[str(plan.scope.rows_of)]
    has_result = " AND n.row_reason IS NOT NULL" if fact.kind in KINDS_WITH_RESULTS else ""
    return plan.step(
        "later",
        f"SELECT {cases.of('c')}, n.row_record AS record, {next_row.first} AS earliest, {next_row.last} AS latest, "
        f"n.code, {text(later.code_if_at_all)} AS is_later, {text(held)} AS held FROM {own} c JOIN {own} n ON n.subject = c.subject "
        f"AND n.row_record <> c.row_record{has_result} WHERE c.code > {NOT_MET} AND {text(later.never ^ True)}",
    )
