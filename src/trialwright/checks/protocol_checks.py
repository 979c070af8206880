"""All checks of a protocol, by subject, and the function that asks them."""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType

from trialwright.checks import (
    analyses,
    calendar,
    definitions,
    eligibility,
    endpoints,
    events,
    monitoring,
    numbers,
    treatments,
)
from trialwright.checks.checked import Checked
from trialwright.checks.registry import Check, Found
from trialwright.protocol.loading import LoadedProtocol
from trialwright.vocabulary.documents import dotted
from trialwright.vocabulary.elements import in_reading_order
from trialwright.vocabulary.problems import Problem


def _checks_of(module: ModuleType) -> tuple[Check, ...]:
    return tuple(one for one in vars(module).values() if isinstance(one, Check))


SUBJECTS: tuple[tuple[str, tuple[Check, ...]], ...] = (
    ("Definitions", _checks_of(definitions)),
    ("Who takes part", _checks_of(eligibility)),
    ("Groups and treatments", _checks_of(treatments)),
    ("Calendar", _checks_of(calendar)),
    ("Events and measurements", _checks_of(events)),
    ("Endpoints", _checks_of(endpoints)),
    ("Analyses", _checks_of(analyses)),
    ("Numbers", _checks_of(numbers)),
    ("Watching", _checks_of(monitoring)),
)
"""Every check, in the order of the docs."""

ALL_CHECKS: tuple[Check, ...] = tuple(one for _, checks in SUBJECTS for one in checks)


def find_check(code: str) -> Check | None:
    return next((one for one in ALL_CHECKS if one.code == code), None)


def check_protocol(loaded: LoadedProtocol, *, ignore: Collection[str] = ()) -> list[Problem]:
    """Everything the checks find in a protocol, and the warnings of its rules, in the order of the places.

    Parameters
    ----------
    loaded : LoadedProtocol
    ignore : collection of str
        Codes of checks, or of warnings of rules, that are left out.
    """
    checked = Checked.of(loaded)
    problems = [problem for problem in checked.rule_warnings if problem.code not in ignore]
    for one in ALL_CHECKS:
        if one.code not in ignore:
            problems += [_problem(one, found, checked) for found in one.search(checked)]
    return in_reading_order(problems)


def _problem(one: Check, found: Found, checked: Checked) -> Problem:
    place = checked.document.place_of(found.path, key=found.about_key)
    return Problem(one.code, found.message, place, dotted(found.path), found.fix, one.severity)
