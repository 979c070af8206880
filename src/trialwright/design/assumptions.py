"""What a design rests on: each number with who says so and where it stands in the protocol.

What `design` of the protocol states comes first; where it is silent `rests on` names an assumption. A scenario changes
assumptions. Lengths of time are in months of 30.4375 days here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from trialwright.checks.planned_looks import read_looks
from trialwright.design.reach import Comparison, nearest_hazard_ratio
from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.model import Design, Scenario
from trialwright.protocol.stated import Status
from trialwright.statistics.boundaries import EQUAL_WITHIN
from trialwright.vocabulary.documents import Path, dotted
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, nearest

DAYS_A_MONTH = 30.4375
"""The mean calendar month."""
_MONTHS = {
    "hours": 1 / 24 / DAYS_A_MONTH,
    "days": 1 / DAYS_A_MONTH,
    "weeks": 7 / DAYS_A_MONTH,
    "months": 1.0,
    "years": 12.0,
}

Kind = Literal["probability", "share", "ratio", "sides", "length"]

KINDS: Mapping[str, Kind] = {
    "alpha": "probability",
    "sides": "sides",
    "power": "probability",
    "hazard ratio": "ratio",
    "reference rate": "probability",
    "rate": "share",
    "share treated": "probability",
    "loss": "share",
    "accrual": "length",
    "duration": "length",
    "earliest event": "length",
    "median event": "length",
    "latest event": "length",
}
"""What a design may rest on, by key, and what kind of number each is."""
_COMPARISON = ("alpha", "sides", "power", "hazard ratio", "reference rate", "share treated", "loss")
_SINGLE_GROUP = ("alpha", "sides", "power", "reference rate", "rate")


@dataclass(frozen=True, slots=True)
class Assumed:
    """A number that a design rests on.

    Attributes
    ----------
    key : str
        One of `KINDS`.
    value : float
        Months where it is a length of time.
    said : str
        As the protocol writes it.
    path : Path
        Where in the protocol.
    status : str
        `registered`, or `assumed` for all that no record says.
    source : str
        The record or paper, and the reason of an assumption; empty where the protocol gives none.
    text : str
        What it is, in the words of the protocol; empty where it has none.
    """

    key: str
    value: float
    said: str
    path: Path
    status: Status
    source: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that a design rests on.

    Attributes
    ----------
    loaded : LoadedProtocol
    n : int
        The stated number of subjects.
    numbers : mapping of str to Assumed
        By key, in the order of `KINDS`; what nobody says is not there.
    scenario : str, optional
        The scenario that changed some of them.
    """

    loaded: LoadedProtocol
    n: int
    numbers: Mapping[str, Assumed]
    scenario: str | None = None

    def __contains__(self, key: object) -> bool:
        return key in self.numbers

    def __getitem__(self, key: str) -> float:
        return self.numbers[key].value

    @property
    def design(self) -> Design:
        return design_of(self.loaded)

    @property
    def is_comparison(self) -> bool:
        """Whether groups are compared; otherwise a single group is held against a rate."""
        return is_comparison(self.loaded)

    @property
    def comparison(self) -> Comparison:
        """The set of assumptions about two groups, with the looks that the design plans."""
        return _comparison(self.design, {key: one.value for key, one in self.numbers.items()})

    @property
    def horizon(self) -> float:
        """Months in which the risks of the design are meant: the time frame of its endpoint."""
        return _horizon(self.loaded)

    def place_of(self, key: str) -> Place:
        """File, line and column of a number."""
        return self.loaded.document.place_of(self.numbers[key].path)


def months_of(length: Duration) -> float:
    """A length of time in mean months."""
    return length.amount * _MONTHS[length.unit.value]


def design_of(loaded: LoadedProtocol) -> Design:
    """The design of a protocol.

    Raises
    ------
    ProblemsFound
        `no-design`.
    """
    protocol = loaded.protocol
    if protocol.design is None or protocol.study.enrolment is None:
        lacking = "`design`" if protocol.design is None else "`enrolment` under `study`"
        message = f"the protocol has no {lacking}, so there is no number of participants to ask about"
        fix = f"add {lacking}; docs/design.md shows one"
        raise ProblemsFound([Problem("no-design", message, Place(loaded.document.file), fix=fix)])
    return protocol.design


def is_comparison(loaded: LoadedProtocol) -> bool:
    """Whether the design compares two groups."""
    return len(loaded.protocol.groups) > 1


def read_basis(loaded: LoadedProtocol, scenario: str | None = None) -> Basis:
    """Read what a design rests on, as a scenario changes it.

    Parameters
    ----------
    loaded : LoadedProtocol
    scenario : str, optional
        A name under `scenarios`.

    Raises
    ------
    ProblemsFound
        `no-design`, `no-such-scenario`; `missing-assumption` for a number that nobody says, `unusable-assumption` for one
        that cannot be, `design-says-two-things` for one said twice: all of them.
    """
    design = design_of(loaded)
    chosen = _scenario(loaded, scenario)
    problems: list[Problem] = []
    found: dict[str, Assumed] = {}
    unsaid: set[str] = set()
    for key in KINDS:
        n_problems = len(problems)
        one = _find(loaded, design, key, scenario, chosen, problems)
        if one is not None:
            found[key] = one
        elif len(problems) == n_problems:
            unsaid.add(key)
    problems += _with_end(loaded, design, found)
    needed = _COMPARISON if is_comparison(loaded) else _SINGLE_GROUP
    problems += (_missing(loaded, key) for key in needed if key in unsaid)
    for one in found.values():
        problems += _unusable(loaded, one)
    if not problems:
        is_for_power = chosen is None or chosen.method is not None
        problems += _impossible(loaded, found, is_for_power=is_for_power)
    if problems:
        raise ProblemsFound(problems)
    return Basis(loaded, loaded.protocol.study.enrolment or 0, found, scenario)


def scenarios_of(loaded: LoadedProtocol) -> Iterator[tuple[str, Scenario]]:
    """The scenarios that change what the design rests on and nothing else, in the order of the protocol."""
    yield from ((id_, one) for id_, one in _touching(loaded) if set(one.assumptions) <= _named(loaded))


def scenarios_beyond(loaded: LoadedProtocol) -> Iterator[tuple[str, Scenario]]:
    """The scenarios that change more than the design knows of: what it computes would not hold under them."""
    yield from ((id_, one) for id_, one in _touching(loaded) if not set(one.assumptions) <= _named(loaded))


def _touching(loaded: LoadedProtocol) -> Iterator[tuple[str, Scenario]]:
    named = _named(loaded)
    yield from ((id_, one) for id_, one in loaded.protocol.scenarios.items() if named & set(one.assumptions))


def _named(loaded: LoadedProtocol) -> set[str]:
    rests_on = design_of(loaded).rests_on
    return {name for _, name in rests_on.named()} if rests_on else set()


# --- finding a number ---------------------------------------------------------------------------------------------------


def _scenario(loaded: LoadedProtocol, name: str | None) -> Scenario | None:
    if name is None:
        return None
    scenarios = loaded.protocol.scenarios
    if name in scenarios:
        return scenarios[name]
    guess = nearest(name, scenarios)
    message = f"the protocol has no scenario `{name}` ({', '.join(scenarios) or 'none'})"
    fix = f"did you mean `{guess}`?" if guess else ""
    raise ProblemsFound([Problem("no-such-scenario", message, field="scenarios", fix=fix)])


def _find(
    loaded: LoadedProtocol,
    design: Design,
    key: str,
    id_: str | None,
    scenario: Scenario | None,
    problems: list[Problem],
) -> Assumed | None:
    """What the scenario, the design or an assumption says of a key."""
    name = dict(design.rests_on.named()).get(key) if design.rests_on else None
    if scenario is not None and name in scenario.assumptions:
        path: Path = ("scenarios", id_ or "", "assumptions", name)
        reason = _where_from(scenario.source, scenario.reason)
        return _number(loaded, key, scenario.assumptions[name], name, path, scenario.status, reason, problems)
    stated = _stated(design, key)
    assumed = None
    if name is not None:
        one = loaded.protocol.assumptions[name]
        path = ("assumptions", name, "value")
        reason = _where_from(one.source, one.reason)
        assumed = _number(loaded, key, one.value, name, path, one.status, reason, problems)
    if stated is None or assumed is None:
        return stated or assumed
    if not math.isclose(stated.value, assumed.value):
        message = (
            f"the design states {stated.said}, and the assumption `{name}` that it rests on {assumed.said}"
        )
        place = loaded.document.place_of(assumed.path)
        fix = "correct one of the two, or take the name out of `rests on`"
        problems.append(Problem("design-says-two-things", message, place, dotted(assumed.path), fix))
    return replace(stated, text=assumed.text)


def _with_end(loaded: LoadedProtocol, design: Design, found: dict[str, Assumed]) -> Iterator[Problem]:
    """How long the whole study lasts, where the design says how long enrolment takes and its last subject is followed."""
    follow_up = _stated(design, "follow up")
    if follow_up is None or "accrual" not in found:
        return
    accrual = found["accrual"]
    months = accrual.value + follow_up.value
    said = f"{accrual.said} of enrolment and {follow_up.said} of follow-up of the last"
    by_follow_up = replace(follow_up, key="duration", value=months, said=f"{months:g} months", text=said)
    duration = found.setdefault("duration", by_follow_up)
    if abs(duration.value - months) > _ALIKE_MONTHS:
        message = f"the study lasts {duration.said}, and {said} are {months:g} months"
        place = loaded.document.place_of(follow_up.path)
        yield Problem(
            "design-says-two-things", message, place, dotted(follow_up.path), "correct one of the three"
        )


_ALIKE_MONTHS = 1.0
"""Lengths of a study that differ by less are told in weeks by the one and in months by the other."""


def _stated(design: Design, key: str) -> Assumed | None:
    """What the design itself says of a key; the ratio of the groups is the share treated."""
    where = "ratio" if key == "share treated" else key
    value = getattr(design, where.replace(" ", "_"), None)
    if value is None:
        return None
    is_ours = where in design.assumed or design.status != "registered"
    said = design.assumed.get(where, "")
    reason = _where_from("" if said else design.source, said)
    number = months_of(value) if isinstance(value, Duration) else float(value)
    written = _written(key, value)
    if where == "ratio":
        number, written = number / (1 + number), f"{number:g} to 1"
    status: Status = "assumed" if is_ours else "registered"
    return Assumed(key, number, written, ("design", where), status, reason)


def _number(
    loaded: LoadedProtocol,
    key: str,
    value: float | str,
    name: str,
    path: Path,
    status: Status | None,
    source: str,
    problems: list[Problem],
) -> Assumed | None:
    about = loaded.protocol.assumptions[name]
    place = loaded.document.place_of(path)
    if isinstance(value, str):
        message = f"`{name}` is the {key} of the design and must be a number, not `{value}`"
        problems.append(Problem("unusable-assumption", message, place, dotted(path)))
        return None
    number = value
    if KINDS[key] == "length":
        if about.unit not in _MONTHS:
            message = (
                f"`{name}` is the {key} of the design and needs a unit of time, not {about.unit or 'none'}"
            )
            fix = f"write `unit: months` ({', '.join(_MONTHS)})"
            problems.append(Problem("unusable-assumption", message, place, dotted(path), fix))
            return None
        number = value * _MONTHS[about.unit]
    said = f"{value:g} {about.unit}" if KINDS[key] == "length" else _written(key, value)
    is_registered: Status = "registered" if status == "registered" else "assumed"
    return Assumed(key, number, said, path, is_registered, source, about.text or "")


def _written(key: str, value: object) -> str:
    if KINDS.get(key) in ("probability", "share") and isinstance(value, float | int):
        return f"{round(100 * value, 6):g} %"
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def _where_from(source: str | None, reason: str | None) -> str:
    return "; ".join(text.removesuffix(".") for text in (source, reason) if text)


def _horizon(loaded: LoadedProtocol) -> float:
    """The time frame of the design's endpoint, in months.

    Raises
    ------
    ProblemsFound
        `missing-assumption`.
    """
    name = design_of(loaded).endpoint
    endpoint = loaded.protocol.endpoints[name] if name else None
    if endpoint is None or endpoint.time_frame is None:
        where: Path = ("endpoints", name, "time frame") if name else ("design", "endpoint")
        message = f"`{dotted(where)}` is not said, so nobody knows within which time the risks are meant"
        raise ProblemsFound(
            [Problem("missing-assumption", message, loaded.document.place_of(where[:2]), dotted(where))]
        )
    return months_of(endpoint.time_frame)


# --- what cannot be -----------------------------------------------------------------------------------------------------


def _missing(loaded: LoadedProtocol, key: str) -> Problem:
    written = "ratio" if key == "share treated" else key
    at = f"`{written}` under `design`, or " if written in _written_keys() else ""
    message = f"the design needs {_NEEDED[key]}, and neither `design` nor what it rests on says it"
    fix = f"write {at}an assumption and name it under `rests on` as `{key}`"
    place = loaded.document.place_of(("design",), key=True)
    return Problem("missing-assumption", message, place, f"design.rests on.{key}", fix)


def _written_keys() -> set[str]:
    return {field.alias or name for name, field in Design.model_fields.items()}


_NEEDED = {
    "alpha": "a type I error",
    "sides": "the sides of its test",
    "power": "a power",
    "hazard ratio": "a hazard ratio",
    "reference rate": "a reference rate: the risk without the treatment, or the highest that is acceptable",
    "rate": "the rate that is expected",
    "share treated": "the share of subjects who are treated",
    "loss": "the share of subjects who are lost, 0 if nobody is",
}


def _unusable(loaded: LoadedProtocol, one: Assumed) -> Iterator[Problem]:
    """A number outside what its kind allows, with the nearest that works where there is one."""
    value, kind = one.value, KINDS[one.key]
    words = ""
    if kind == "probability" and not 0 < value < 1:
        words = f"must lie between 0 and 1, not {value:g}"
    elif kind == "share" and not 0 <= value < 1:
        words = f"must be at least 0 and below 1, not {value:g}"
    elif kind == "sides" and value not in (1, 2):
        words = f"must be 1 or 2, not {value:g}"
    elif kind in ("ratio", "length") and not (math.isfinite(value) and value > 0):
        words = f"must be above 0, not {value:g}"
    if words:
        fix = (
            f"{value:g} % is written {value / 100:g}"
            if kind in ("probability", "share") and 1 < value < 100
            else ""
        )
        place = loaded.document.place_of(one.path)
        yield Problem("unusable-assumption", f"the {one.key} {words}", place, dotted(one.path), fix)


def _impossible(
    loaded: LoadedProtocol, found: Mapping[str, Assumed], *, is_for_power: bool
) -> Iterator[Problem]:
    """Numbers that are each well and together describe no trial."""
    if is_for_power:
        problem = _power_of_chance(loaded, found)
        if problem is not None:
            yield problem
            return  # looks rest on the power
    yield from _impossible_looks(loaded, found, is_for_power=is_for_power)
    yield from _impossible_event_times(loaded, found)
    if is_for_power and is_comparison(loaded) and found["hazard ratio"].value == 1:
        ratio = found["hazard ratio"]
        message = "a hazard ratio of 1 is no difference, which no number of participants can show"
        place = loaded.document.place_of(ratio.path)
        fix = f"state the ratio that would matter; {_nearest_ratio(loaded, found)}"
        yield Problem("unusable-assumption", message, place, dotted(ratio.path), fix)
    if is_for_power and not is_comparison(loaded) and found["rate"].value == found["reference rate"].value:
        rate = found["rate"]
        message = f"the rate expected, {rate.said}, is the rate it is held against: no number of participants tells them apart"
        place = loaded.document.place_of(rate.path)
        yield Problem(
            "unusable-assumption", message, place, dotted(rate.path), "state the rate that would matter"
        )
    if "accrual" in found and "duration" in found:
        accrual, duration = found["accrual"], found["duration"]
        if accrual.value > duration.value:
            message = (
                f"enrolment takes {accrual.said}, longer than the whole study with {duration.said}: "
                "the last subjects would come after its end"
            )
            place = loaded.document.place_of(accrual.path)
            horizon = _horizon(loaded)
            fix = (
                f"enrol within {duration.said}, or let the study last {accrual.value:g} months and the {horizon:g} months "
                f"in which the last subject is followed: {accrual.value + horizon:g} months"
            )
            yield Problem("unusable-assumption", message, place, dotted(accrual.path), fix)


def _power_of_chance(loaded: LoadedProtocol, found: Mapping[str, Assumed]) -> Problem | None:
    """A power that a test without any effect has: it asks for no participants at all."""
    power, by_chance = found["power"], found["alpha"].value / found["sides"].value
    if power.value > by_chance:
        return None
    message = f"the power, {power.said}, must exceed the type I error of one side, {100 * by_chance:g} %: so often a test shows an effect that is not there"
    place = loaded.document.place_of(power.path)
    percent = 100 * power.value
    fix = f"{100 * percent:g} % is written {percent:g}" if 0.5 <= percent < 1 else ""
    return Problem("unusable-assumption", message, place, dotted(power.path), fix)


def _impossible_event_times(loaded: LoadedProtocol, found: Mapping[str, Assumed]) -> Iterator[Problem]:
    """Times of events out of order, or later than a boundary waits for them."""
    told = [found[key] for key in ("earliest event", "median event", "latest event") if key in found]
    for before, after in pairwise(told):
        if after.value <= before.value:
            message = f"the {after.key}, {after.said}, must come after the {before.key}, {before.said}"
            place = loaded.document.place_of(after.path)
            yield Problem("unusable-assumption", message, place, dotted(after.path))
    latest = found.get("latest event")
    for id_, watched in loaded.protocol.monitoring.items():
        said = watched.computed_boundary
        if latest is None or said is None or said.reference_rate is None:
            continue
        waits = months_of(said.judged_after) if said.judged_after else _horizon(loaded)
        if latest.value > waits * (1 + EQUAL_WITHIN):
            where = f"monitoring.{id_}.computed boundary.judged after"
            message = f"the latest event, {latest.said}, comes after a patient without it counts at the boundary `{id_}` ({said.judged_after or 'the time frame'})"
            fix = f"let `{where}` be no shorter than the time in which events come"
            place = loaded.document.place_of(latest.path)
            yield Problem("unusable-assumption", message, place, dotted(latest.path), fix)


def _impossible_looks(
    loaded: LoadedProtocol, found: Mapping[str, Assumed], *, is_for_power: bool
) -> Iterator[Problem]:
    """Looks that nothing can be worked out for."""
    design = design_of(loaded)
    if design.looks is None:
        return
    path, message, fix = ("design", "looks"), "", ""
    if not is_comparison(loaded):
        message = "looks are worked out for a comparison of groups, and the protocol has a single one"
        fix = "take `looks` out; a boundary for a single group stands under `monitoring`"
    elif is_for_power and found["hazard ratio"].value > 1:
        message = f"looks are worked out for a treatment that lowers the hazard, not for a ratio of {found['hazard ratio'].said}"
        fix = "state the hazard of those who are to fare better over that of the others"
    else:
        try:
            _ = _comparison(design, {key: one.value for key, one in found.items()}).sequential
        except ValueError as error:
            message = f"no boundaries are to be found for these looks: {error}"
            fix = "let futility spend less, or not be binding" if design.looks.futility else ""
    if message:
        place = loaded.document.place_of(path, key=True)
        yield Problem("unusable-assumption", message, place, dotted(path), fix)


def _nearest_ratio(loaded: LoadedProtocol, found: Mapping[str, Assumed]) -> str:
    """The ratio closest to 1 that the stated number can show."""
    n = loaded.protocol.study.enrolment or 0
    ratio = nearest_hazard_ratio(
        n, _comparison(design_of(loaded), {key: one.value for key, one in found.items()})
    )
    if ratio is None:
        return f"{n} participants cannot show any at these numbers"
    return f"the nearest that {n} participants can show at these numbers is {math.floor(100 * ratio) / 100:g}"


def _comparison(design: Design, value: Mapping[str, float]) -> Comparison:
    return Comparison(
        hazard_ratio=value["hazard ratio"], reference_rate=value["reference rate"], share_treated=value["share treated"],
        loss=value["loss"], alpha=value["alpha"], sides=1 if value["sides"] == 1 else 2, power=value["power"],
        looks=read_looks(design.looks) if design.looks else None,
    )  # fmt: skip
