"""Patients for rules: few facts with several records each, rich in what makes a verdict doubtful.

Results that are missing, censored, unreadable or in a unit nobody knows; several of one day on both sides of a threshold;
dates known to the month, to the hour or not at all; limits of normal that were not given; attestations by another person
or too old; births on 29 February. Numbers and dates lie on and around the thresholds and window ends of the rule.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from random import Random

from hypothesis import strategies as st
from tests.evaluation.reference import ANY_DAY
from tests.strategies.rules import UNITS
from tests.strategies.trial_rules import FACTS, PERIODS

from trialwright.evaluation.observations import Observation, Subject
from trialwright.protocol import rule_tree as tree
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate

ANCHOR = date(2024, 3, 31)
ANCHORS = tuple(map(PartialDate.parse, ("2024-03-31", "2024-03-31T09:30", "2024-02-29", "2024-03")))
BIRTHS = (
    None,
    *map(PartialDate.parse, ("1954-03-31", "1954-04-01", "2004-02-29", "2000-02", "1960", "2006-03-31")),
)
_SOME_DAYS = (0, 0, 1, 2, 7, 14, 27, 28, 29, 30, 60, 90, 91, 365)


def names_in(rule: tree.Node) -> list[str]:
    """The facts a rule asks for, parts of scores included."""
    names: dict[str, None] = {}
    for node in tree.walk(rule):
        for name in (getattr(node, "fact", None), getattr(node, "name", None)):
            if name in FACTS:
                names[name] = None
                for concept in FACTS[name].parts:
                    names[concept] = None
    return list(names)


def _thresholds(rule: tree.Node) -> list[float]:
    numbers = {0.0, 20.0, 60.0, 2000.0}
    for node in tree.walk(rule):
        if isinstance(node, tree.Quantity) and node.number >= 0:
            numbers |= {float(node.number), float(node.number) + 1}
    return sorted(numbers)


def _distances(rule: tree.Node) -> list[int]:
    """Days before or after the anchor at which a window of the rule begins or ends."""
    days = set(_SOME_DAYS)
    for node in tree.walk(rule):
        for length in (
            getattr(node, "length", None),
            getattr(node, "offset", None),
            getattr(node, "after", None),
        ):
            if isinstance(length, Duration):
                whole = length.days or 30 * (length.months or 0) or length.amount // 24
                if whole < 4000:
                    days |= {whole, whole + 1}
    return sorted(days)


def _date(random: Random, distances: list[int]) -> PartialDate:
    sign = random.choice((-1, -1, -1, 1))
    day = ANCHOR + sign * timedelta(days=random.choice(distances))
    shape = random.randrange(12)
    if shape == 0:
        return ANY_DAY
    if shape == 1:
        return PartialDate.parse(f"{day:%Y-%m}")
    if shape == 2:
        return PartialDate.parse(f"{day}/{day + timedelta(days=random.choice((1, 5)))}")
    if shape <= 4:
        return PartialDate.parse(f"{day}T{random.choice(('00:00', '08:00', '09:30', '12', '23:59'))}")
    return PartialDate.of(day)


def _number(random: Random, thresholds: list[float]) -> Interval | str | None:
    shape = random.randrange(14)
    if shape == 0:
        return None
    if shape == 1:
        return "see comment"
    number = random.choice(thresholds)
    if shape <= 4:
        return Interval.reported(
            number, random.choice((">", ">=", "<", "<=") if number else (">", ">=", "<=")), floor=0
        )
    return Interval.exactly(number)


def _observation(
    random: Random, n: int, name: str, thresholds: list[float], distances: list[int]
) -> Observation:
    fact, details = FACTS[name], {}
    if fact.kind is Kind.NUMBER:
        others = (*UNITS.get(name, ()), None, "copies/mL", "parsecs")
        unit = str(fact.unit) if fact.unit else None
        details = {
            "value": _number(random, thresholds),
            "unit": unit if random.random() < 0.7 else random.choice(others),
            "lln": random.choice((None, 0.0, 10.0)),
            "uln": random.choice((None, 1.0, 20.0, 40.0)),
            "assay": random.choice((None, None, "roche_cobas_taqman")),
        }
    elif fact.kind is Kind.ATTESTATION:
        details = {"value": random.choice(("yes", "yes", "no", None, "perhaps"))}
        details["by"] = fact.by if random.random() < 0.7 else random.choice((None, "somebody else"))
    elif fact.levels:
        details = {"value": random.choice((*fact.levels, *fact.levels, None, "unheard of"))}
    return Observation(f"r{n}", name, _date(random, distances), **details)


def patients(rule: tree.Node, rows_of: str | None = None) -> st.SearchStrategy[Subject]:
    """Somebody to try a rule on. Drawn by a seed, which is faster by far than drawing each number."""
    return st.integers(0, 2**32).map(lambda seed: patient(numbers_from(seed), rule, rows_of))


def numbers_from(seed: int) -> Random:
    return Random(seed)  # noqa: S311


def patient(random: Random, rule: tree.Node, rows_of: str | None = None) -> Subject:
    """Somebody to try a rule on, by a generator of random numbers."""
    return next(some_patients(random, rule, rows_of, variety=5))


def some_patients(
    random: Random, rule: tree.Node, rows_of: str | None = None, *, variety: int = 25
) -> Iterator[Subject]:
    """One after the other to try a rule on: each has a few of the observations of every fact that are made once for all.

    `variety` is how many observations of a fact, and how many dates, there are to choose from, five at least.
    """
    thresholds, distances = _thresholds(rule), _distances(rule)
    names = dict.fromkeys([*names_in(rule), *([rows_of] if rows_of else [])])
    pools = {
        name: [
            _observation(random, variety * n_fact + i, name, thresholds, distances) for i in range(variety)
        ]
        for n_fact, name in enumerate(names)
    }
    dates = [_date(random, distances) for _ in range(variety)]
    while True:
        some = [
            random.sample(pool, random.choice((0, 1, 1, 2, 3)) + 2 * (name == rows_of))
            for name, pool in pools.items()
        ]
        start, end, baseline, cut = random.sample(dates, 4)
        yield Subject(
            tuple(chain.from_iterable(some)),
            random.choice(ANCHORS),
            birth=random.choice(BIRTHS),
            baseline_at=random.choice((None, baseline, baseline, baseline)),
            periods=dict.fromkeys(PERIODS, (start, end)),
            cut=random.choice((None, None, cut)),
        )
