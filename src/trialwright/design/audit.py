"""The audit of a stated number: what it implies under each assumption, as rows of one results table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialwright.analysis.looks import mark_results
from trialwright.analysis.results import Recorder, Result, Results
from trialwright.analysis.run import protocol_provenance, software
from trialwright.design.assumptions import KINDS, Basis, read_basis
from trialwright.design.comparison_audit import (
    audit_comparison,
    count_events,
    find_reach,
    try_sets,
    work_out_power,
)
from trialwright.design.looks_audit import audit_looks
from trialwright.design.reach import nearest_hazard_ratio, reference_rate_reaching
from trialwright.design.single_audit import (
    AT_ONCE,
    BOUNDARY,
    SEED,
    TRIALS,
    alpha_of_one_side,
    at_rate,
    audit_single_group,
    counted_rate,
    exclude_rates,
    is_harm,
    stages_of,
    subjects_of,
    try_hypotheses,
)
from trialwright.design.survival import audit_calendar, has_calendar
from trialwright.protocol.loading import LoadedProtocol
from trialwright.statistics.single_arm import single_stage, smallest_target_rate
from trialwright.vocabulary.documents import dotted
from trialwright.vocabulary.problems import Problem, Severity

if TYPE_CHECKING:  # what reads records takes long to import, and most designs have none yet
    from trialwright.design.live import SoFar

ASSUMPTIONS = "design assumptions"
"""The id of the rows with what a design rests on; no analysis can be named so."""


@dataclass(frozen=True, slots=True)
class DesignAudit:
    """What a stated number implies.

    Attributes
    ----------
    basis : Basis
    results : Results
    problems : tuple of Problem
        What somebody who relies on the number should know.
    so_far : SoFar, optional
        Where the running trial stands.
    """

    basis: Basis
    results: Results
    problems: tuple[Problem, ...] = ()
    so_far: SoFar | None = None


def audit_design(
    loaded: LoadedProtocol,
    *,
    trials: int = TRIALS,
    seed: int = SEED,
    further: Iterable[Recorder] = (),
    so_far: SoFar | None = None,
) -> DesignAudit:
    """Work out what the stated number of a protocol implies.

    Parameters
    ----------
    loaded : LoadedProtocol
    trials, seed : int
        Of the virtual trials behind the numbers of a boundary whose events come late.
    further : iterable of Recorder
        Rows of what was computed beside.
    so_far : SoFar, optional
        Where the running trial stands; its rows follow, as its disclosure allows.

    Raises
    ------
    ProblemsFound
        Those of `read_basis`.
    """
    basis = read_basis(loaded)
    live = (so_far.pooled,) if so_far else ()
    recorders = (record_assumptions(basis), *_parts(basis, trials=trials, seed=seed), *further, *live)
    rows = tuple(row for recorder in recorders for row in recorder.rows)
    findings = tuple(finding for recorder in recorders for finding in recorder.findings)
    problems = (*_short_of_power(basis), *late_alarms(basis, rows))
    if so_far is None:
        provenance = {"protocol": protocol_provenance(loaded.protocol), "software": software()}
        return DesignAudit(basis, Results(rows, findings, provenance), problems)
    compared = Results(tuple(so_far.compared.rows) if so_far.compared else (), (), {})
    compared = mark_results(compared, loaded.protocol, so_far.disclosure, "records")
    results = Results((*rows, *compared.rows), findings, so_far.provenance, so_far.is_simulated)
    return DesignAudit(basis, results, problems, so_far)


def audit_in_brief(loaded: LoadedProtocol) -> DesignAudit:
    """What a report of the trial says of its design: no calendar, weights or boundaries.

    Raises
    ------
    ProblemsFound
        Those of `read_basis`.
    """
    basis = read_basis(loaded)
    parts: tuple[Recorder, ...]
    if basis.is_comparison:
        parts = (count_events(basis), try_sets(basis), find_reach(basis), work_out_power(basis))
    else:
        parts = (exclude_rates(basis), try_hypotheses(basis))
    rows = tuple(row for recorder in (record_assumptions(basis), *parts) for row in recorder.rows)
    return DesignAudit(basis, Results(rows, (), {}), tuple(_short_of_power(basis)))


def _parts(basis: Basis, *, trials: int, seed: int) -> Iterator[Recorder]:
    if not basis.is_comparison:
        yield from audit_single_group(basis, trials=trials, seed=seed)
        return
    yield from audit_comparison(basis)
    yield audit_looks(basis)
    if has_calendar(basis):
        yield audit_calendar(basis)


def record_assumptions(basis: Basis) -> Recorder:
    """Each number that the design rests on, with who says so."""
    found = Recorder(ASSUMPTIONS, "as the protocol says", "design", basis.design.endpoint, basis.n)
    found.source = "study.enrolment"
    found.add("n_subjects", basis.n, "subjects", conventions={"status": basis.loaded.protocol.study.status})
    for key, one in basis.numbers.items():
        found.source = dotted(one.path)
        unit = "months" if KINDS[key] == "length" else ""
        found.add("value", one.value, unit, item=key, conventions={"status": one.status, "from": one.source})
    return found


# --- a boundary whose events come late ------------------------------------------------------------------------------------


def late_alarms(basis: Basis, rows: Iterable[Result]) -> Iterator[Problem]:
    """Boundaries that are crossed too often at their reference rate because events come late."""
    by_id = {row.id: row for row in rows}
    for id_, watched in basis.loaded.protocol.monitoring.items():
        said = watched.computed_boundary
        if said is None or said.reference_rate is None or said.alpha is None:
            continue
        alpha = said.alpha
        id_of = f"{BOUNDARY}/{at_rate(id_, said.reference_rate, 'late', AT_ONCE)}/probability_to_stop"
        if id_of not in by_id:
            continue
        chance, error = by_id[id_of].value or 0.0, by_id[f"{id_of}_std_error"].value or 0.0
        if chance - 2 * error > alpha:
            path = ("monitoring", id_, "computed boundary", "alpha")
            message = (
                f"where events come as late as assumed the boundary is crossed in {_percent(chance)} of virtual trials at its reference "
                f"rate, more than the {_percent(alpha)} it is computed for: patients with an event count at once, the others after their time"
            )
            fix = (
                "take the level chosen for late events, count patients only when their time is over, or watch person-time; "
                "all stand on the page"
            )
            yield Problem(
                "boundary-alarms-late",
                message,
                basis.loaded.document.place_of(path),
                dotted(path),
                fix,
                Severity.WARNING,
            )


# --- a number that does not reach the power -----------------------------------------------------------------------------


def _short_of_power(basis: Basis) -> Iterator[Problem]:
    """Where the stated number does not reach the power, and the nearest that does."""
    short = _short_comparison(basis) if basis.is_comparison else _short_single_group(basis)
    for message, fix in short:
        place = basis.loaded.document.place_of(("study", "enrolment"))
        yield Problem("design-short-of-power", message, place, "study.enrolment", fix, Severity.WARNING)


def _short_comparison(basis: Basis) -> Iterator[tuple[str, str]]:
    comparison, n = basis.comparison, basis.n
    power = comparison.power_of(n)
    if power >= comparison.power:
        return
    needed = comparison.subjects_by("schoenfeld").n_subjects
    ratio = nearest_hazard_ratio(n, comparison)
    rate = reference_rate_reaching(n, "schoenfeld", comparison)
    ways = [f"{needed} participants"]
    ways += [f"a hazard ratio of {math.floor(100 * ratio) / 100:g}"] if ratio is not None else []
    ways += [f"a risk of {math.ceil(1000 * rate) / 10:g} % among controls"] if rate is not None else []
    message = (
        f"{n} participants reach a power of {_percent(power)} and not {_percent(comparison.power)}, with a hazard ratio of "
        f"{comparison.hazard_ratio:g}, {_percent(comparison.reference_rate)} among controls, "
        f"{_percent(comparison.share_treated)} treated and {_percent(comparison.loss)} lost "
        f"(Schoenfeld{', with its looks' if comparison.looks else ''})"
    )
    yield message, f"the nearest that reaches it, the rest as it is: {', or '.join(ways) or 'nothing'}"


def _short_single_group(basis: Basis) -> Iterator[tuple[str, str]]:
    reference, rate = basis["reference rate"], basis["rate"]
    null, target, alpha = counted_rate(basis, reference), counted_rate(basis, rate), alpha_of_one_side(basis)
    if not 0 < target < 1:
        return
    reached = single_stage(basis.n, null_rate=null, target_rate=target, alpha=alpha).power
    if reached >= basis["power"]:
        return
    shown = smallest_target_rate(basis.n, null_rate=null, alpha=alpha, power=basis["power"])
    ways = list(_enough(basis))
    ways += [] if shown is None else [f"a true rate of {_shown(shown, is_harm=is_harm(basis))}"]
    verb = "exclude" if is_harm(basis) else "exceed"
    message = (
        f"{basis.n} participants {verb} a rate of {_percent(reference)} with a chance of {_percent(reached)} and not "
        f"{_percent(basis['power'])}, if the true rate is {_percent(rate)} (exact, {_percent(alpha)} at one side)"
    )
    yield message, f"the nearest that reaches it, the rest as it is: {', or '.join(ways) or 'nothing'}"


def _enough(basis: Basis) -> Iterator[str]:
    """The next number that reaches the power and the one from which on all do; nothing where they are beyond what is looked for."""
    needed = subjects_of(basis)
    if needed is None:
        return
    lasting = needed.lasting.n
    sizes = stages_of(basis, lasting)
    enough = next(
        one.n for one in sizes if one.n > basis.n and (one.power >= basis["power"] or one.n == lasting)
    )
    more = f" ({lasting} for every larger number to reach it too)" if enough < lasting else ""
    yield f"{enough} participants{more}"


def _shown(counted: float, *, is_harm: bool) -> str:
    """A rate that is just shown, rounded to the side on which it still is."""
    return (
        f"{math.floor(1000 * (1 - counted)) / 10:g} %" if is_harm else f"{math.ceil(1000 * counted) / 10:g} %"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
