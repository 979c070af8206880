"""What a rehearsal asks of a protocol's analyses: which of their numbers, and against which truths each is held."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trialwright.analysis.results import time_key
from trialwright.analysis.survival_rows import minus
from trialwright.checks.lengths import most_days
from trialwright.design.rehearsal.targets import READINGS, Population, Quantity, Target
from trialwright.design.virtual.parameters import AfterTreatment, Common
from trialwright.protocol.analyses import AnalysisBase, Cox, KaplanMeier, LogRank, Proportion
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS
from trialwright.vocabulary.problems import Problem, ProblemsFound, nearest

Kind = Literal["log-rank test", "hazard ratio", "risk", "difference of risks", "proportion"]

RECURRENCE, REACTIVATION = "recurrence", "reactivation"
"""The endpoints whose truth virtual patients of each kind have."""
TREATMENT = "radical_treatment"
"""The anchor other than time zero from which truth can be told."""


@dataclass(frozen=True, slots=True)
class Question:
    """A number of an analysis.

    Attributes
    ----------
    analysis : str
        Its id in the protocol.
    kind : str
        Hazard ratios are kept and held against the truth as natural logarithms.
    rows : mapping
        Ids of the results table: of `estimate`, `low`, `high` and `p_value`, those that there are.
    targets : tuple of Target
    conf_level : float
        Of its limits.
    group : str, optional
        Whose risk it is.
    """

    analysis: str
    kind: Kind
    rows: Mapping[str, str]
    targets: tuple[Target, ...] = ()
    conf_level: float = 0.95
    group: str | None = None

    @property
    def name(self) -> str:
        """What tells it from the other questions of the analysis."""
        return self.kind if self.group is None else f"{self.kind}, {self.group}"

    def read(self, values: Mapping[str, float | None]) -> dict[str, float | None]:
        """Estimate, limits and p-value from results by id, on the scale on which they are held against the truth."""
        found = {part: values.get(self.rows[part]) if part in self.rows else None for part in PARTS}
        if self.kind == "hazard ratio":
            for part in ("low", "high"):
                limit = found[part]
                found[part] = math.log(limit) if limit else None
        return found


PARTS = ("estimate", "low", "high", "p_value")


def ask(protocol: Protocol, parameters: Common, wanted: Sequence[str] = ()) -> tuple[Question, ...]:
    """The questions to the analyses of a protocol whose truth virtual patients know.

    Parameters
    ----------
    protocol : Protocol
    parameters : Common
        Of the virtual patients; their kind says which endpoint has a truth.
    wanted : sequence of str
        Ids of analyses. If there are none, all but weighted curves: their limits are resampled in every trial.

    Raises
    ------
    ProblemsFound
        `no-such-analysis`: one that is wanted is not there; `nothing-to-rehearse`: it has no number that is held against a
        truth, or none has.
    """
    _check_wanted(protocol, wanted)
    asked = _of_recurrence if isinstance(parameters, AfterTreatment) else _of_reactivation
    found: list[Question] = []
    for id_, analysis in protocol.analyses.items():
        is_slow = isinstance(analysis, KaplanMeier) and analysis.weights is not None
        if id_ not in wanted if wanted else is_slow:
            continue
        own = list(asked(protocol, id_, analysis))
        if wanted and not own:
            raise ProblemsFound([_nothing(f"the analysis `{id_}` has no number", f"analyses.{id_}")])
        found += own
    if not found:
        raise ProblemsFound([_nothing("no analysis has a number", "analyses")])
    return tuple(found)


def _check_wanted(protocol: Protocol, wanted: Sequence[str]) -> None:
    problems = []
    for id_ in wanted:
        if id_ not in protocol.analyses:
            guess = nearest(id_, protocol.analyses)
            fix = f"did you mean `{guess}`?" if guess else "name one that stands under `analyses`"
            message = f"the protocol has no analysis `{id_}`"
            problems.append(Problem("no-such-analysis", message, field="analyses", fix=fix))
    if problems:
        raise ProblemsFound(problems)


def _nothing(what: str, field: str) -> Problem:
    message = f"{what} of which virtual patients know the truth"
    fix = f"rehearse log-rank tests, Cox models and curves by group of `{RECURRENCE}`, or proportions of `{REACTIVATION}`"
    return Problem("nothing-to-rehearse", message, field=field, fix=fix)


# --- recurrence, in two groups ------------------------------------------------------------------------------------------


def _of_recurrence(protocol: Protocol, id_: str, analysis: AnalysisBase) -> Iterator[Question]:
    groups = list(protocol.groups)
    if getattr(analysis, "endpoint", None) != RECURRENCE or len(groups) != 2:
        return
    if isinstance(analysis, LogRank) and analysis.by == GROUPS:
        yield Question(id_, "log-rank test", {"p_value": f"{id_}/p_value"})
    elif isinstance(analysis, Cox) and GROUPS in analysis.covariates:
        if analysis.reference.get(GROUPS, groups[0]) != groups[0]:
            return
        item = f"{id_}/{GROUPS}={groups[1]}"
        rows = {"estimate": f"{item}/coef", **_limits(item), "p_value": f"{item}/p_value"}
        yield Question(id_, "hazard ratio", rows, tuple(_ratio_targets(analysis)), analysis.confidence)
    elif isinstance(analysis, KaplanMeier) and analysis.by == GROUPS and analysis.read_at:
        yield from _of_curve(id_, analysis, groups)


def _limits(item: str, prefix: str = "") -> dict[str, str]:
    return {"low": f"{item}/{prefix}conf_low", "high": f"{item}/{prefix}conf_high"}


def _ratio_targets(analysis: Cox) -> Iterator[Target]:
    """A model that adjusts is about those who are alike; one that does not, about a population."""
    if len(analysis.covariates) > 1:
        yield Target("hazard ratio of those alike", "as it happened")
        return
    population = _population_of(analysis)
    if population is not None and analysis.from_ is None:
        for reading in READINGS:
            yield Target("hazard ratio", reading, population)


def _population_of(analysis: Cox | KaplanMeier) -> Population | None:
    """The population that an analysis is about; None where its truth is not told."""
    if analysis.weights is None or analysis.weights.target == "everyone":
        return "everyone"
    return "who could have got either" if analysis.weights.target == "overlap" else None


def _of_curve(id_: str, analysis: KaplanMeier, groups: Sequence[str]) -> Iterator[Question]:
    at = float(analysis.read_at[-1].amount)
    for group, quantity in zip(groups, ("risk without", "risk with"), strict=True):
        item = f"{id_}/{group}/at/{time_key(at)}"
        rows = {"estimate": f"{item}/risk", **_limits(item, "risk_")}
        yield Question(id_, "risk", rows, _risk_targets(analysis, quantity, at), analysis.confidence, group)  # type: ignore[arg-type]
    item = f"{id_}/{minus(groups[1], groups[0])}/{time_key(at)}"
    rows = {"estimate": f"{item}/difference", **_limits(item)}
    targets = _risk_targets(analysis, "difference of risks", at)
    yield Question(id_, "difference of risks", rows, targets, analysis.confidence)


def _risk_targets(analysis: KaplanMeier, quantity: Quantity, at: float) -> tuple[Target, ...]:
    population = _population_of(analysis)
    if population is None or analysis.from_ not in (None, TREATMENT):
        return ()
    landmark = int(most_days(analysis.landmark)) if analysis.landmark else 0
    from_treatment = analysis.from_ == TREATMENT
    return tuple(Target(quantity, reading, population, at, from_treatment, landmark) for reading in READINGS)


# --- reactivation, in one group -----------------------------------------------------------------------------------------


def _of_reactivation(protocol: Protocol, id_: str, analysis: AnalysisBase) -> Iterator[Question]:
    if not isinstance(analysis, Proportion) or analysis.endpoint != REACTIVATION:
        return
    if analysis.by is not None or analysis.per != "subjects":
        return
    estimand = protocol.endpoints[REACTIVATION].estimand
    is_of_all = estimand is not None and estimand.population == analysis.population
    targets = tuple(Target("share", reading) for reading in READINGS) if is_of_all else ()
    rows = {"estimate": f"{id_}/proportion", **_limits(id_)}
    yield Question(id_, "proportion", rows, targets, analysis.confidence)
