"""All analysis datasets of a study, in the order they rest on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from trialwright.derivations.adae import derive_adae
from trialwright.derivations.adattr import derive_adattr
from trialwright.derivations.adbase import derive_adbase
from trialwright.derivations.adelig import derive_adelig
from trialwright.derivations.adevt import derive_adevt
from trialwright.derivations.adex import derive_adex
from trialwright.derivations.adexsum import derive_adexsum
from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.adliver import derive_adliver
from trialwright.derivations.adrate import derive_adrate
from trialwright.derivations.adrs import derive_adrs
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.adtr import derive_adtr
from trialwright.derivations.adtte import derive_adtte
from trialwright.derivations.adttev import derive_adttev
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.derivations.tumour_courses import TumourCourses
from trialwright.derivations.tumour_questions import ask_about_tumours
from trialwright.derivations.tumour_settings import courses_of
from trialwright.vocabulary.problems import Problem

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "ADSL": "Subjects",
        "ADELIG": "Eligibility by criterion",
        "ADBASE": "What was known at the start",
        "ADEX": "Doses",
        "ADEXSUM": "Exposure by subject, and why treatment ended",
        "ADLB": "Laboratory results",
        "ADEVT": "Events of the protocol",
        "ADTR": "Lesions and their sums",
        "ADRS": "Tumour responses",
        "ADAE": "Adverse events",
        "ADLIVER": "Liver complications",
        "ADATTR": "What flares and severe hepatic events are due to",
        "ADRATE": "Endpoints that are rates",
        "ADTTE": "Time to event",
        "ADTTEV": "Time in stretches, for treatment that begins later",
    }
)
"""The analysis datasets and what is in them."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """Analysis datasets by name, and what looked doubtful or was left out while they were made."""

    tables: Mapping[str, pl.DataFrame]
    problems: tuple[Problem, ...]


def derive_datasets(study: Study, *, progress: Callable[[str], None] = lambda _: None) -> Datasets:
    """Derive every dataset of `LABELS`.

    Parameters
    ----------
    study : Study
    progress : callable
        Told the name of each dataset when its derivation begins.

    Raises
    ------
    ProblemsFound
        Where the records leave no way to derive a dataset as the protocol says.
    """
    progress("what is known")
    facts = known_facts(study)
    progress("ADSL")
    adsl = derive_adsl(study, facts)
    courses = courses_of(study, adsl)
    tables = {"ADSL": adsl, **dict(_derive(study, facts, adsl, courses, progress))}
    ordered = {name: tables[name] for name in LABELS}
    return Datasets(MappingProxyType(ordered), (*study.left_out, *ask_about_tumours(study, adsl, courses)))


def _derive(
    study: Study,
    facts: StudyFacts,
    adsl: pl.DataFrame,
    courses: TumourCourses,
    progress: Callable[[str], None],
) -> Iterator[tuple[str, pl.DataFrame]]:
    """All that rest on ADSL."""
    progress("ADELIG")
    yield "ADELIG", derive_adelig(study, facts)
    progress("ADBASE")
    yield "ADBASE", derive_adbase(study, facts)
    progress("ADEX")
    adex = derive_adex(study, adsl)
    yield "ADEX", adex
    yield "ADEXSUM", derive_adexsum(study, adsl, adex, facts)
    progress("ADLB")
    adlb = derive_adlb(study, adsl, facts)
    yield "ADLB", adlb
    progress("ADTR")
    yield "ADTR", derive_adtr(study, adsl, courses)
    progress("ADRS")
    yield "ADRS", derive_adrs(study, adsl, courses)
    progress("ADEVT")
    adevt = derive_adevt(study, facts)
    yield "ADEVT", adevt
    progress("ADAE")
    adae = derive_adae(study, adsl, facts)
    yield "ADAE", adae
    yield "ADLIVER", derive_adliver(study, adsl, adevt)
    progress("ADATTR")
    yield "ADATTR", derive_adattr(study, adsl, adevt, adlb, adae)
    progress("ADRATE")
    yield "ADRATE", derive_adrate(study, adsl, adevt, facts.observations)
    progress("ADTTE")
    adtte = derive_adtte(study, adsl, adevt, facts.observations)
    yield "ADTTE", adtte
    progress("ADTTEV")
    yield "ADTTEV", derive_adttev(study, adsl, adtte, facts.observations)
