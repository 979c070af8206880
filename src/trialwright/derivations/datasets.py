"""All analysis datasets of a study, in the order they rest on each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import polars as pl

from trialwright.derivations.adae import derive_adae
from trialwright.derivations.adattr import derive_adattr
from trialwright.derivations.adbase import derive_adbase
from trialwright.derivations.adclock import derive_adclock
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
from trialwright.derivations.definitions import Definitions
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.derivations.time_plans import make_time_plans
from trialwright.derivations.time_questions import ask_about_times
from trialwright.derivations.tumour_courses import TumourCourses
from trialwright.derivations.tumour_questions import ask_about_tumours
from trialwright.derivations.tumour_settings import courses_of
from trialwright.protocol.references import facts_named
from trialwright.records.table_threads import on_table_threads
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
        "ADCLOCK": "What clocks and visits asked for, and what became of it",
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


@on_table_threads
def derive_datasets(
    study: Study,
    *,
    only: Collection[str] = tuple(LABELS),
    parameters: Container[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Datasets:
    """Derive the datasets of `LABELS`, or some of them.

    Parameters
    ----------
    study : Study
    only : collection of str
        The datasets wanted, all if not given: these and what they rest on are derived, and these alone are in the result.
        What else is derived with it changes no dataset. Of some (`_ASKED`) also only the facts are read and the events
        derived that they ask for. Questions to tumour records come with ADTR and ADRS only, those about times with ADTTE.
    parameters : container of str, optional
        The names of facts and endpoints wanted: of ADBASE, ADTTE and ADTTEV only their rows. All if not given.
    progress : callable
        Told the name of each dataset when its derivation begins.

    Raises
    ------
    ProblemsFound
        Where the records leave no way to derive a dataset as the protocol says.
    ValueError
        If no dataset has a name that is wanted.
    """
    if unknown := [name for name in only if name not in LABELS]:
        raise ValueError(f"no dataset is called `{unknown[0]}`: there are {', '.join(LABELS)}")
    its = _Making(study, only, parameters, progress)
    tables = {name: its[name] for name in LABELS if name in only}
    asked = ask_about_tumours(study, its["ADSL"], its.courses) if {"ADTR", "ADRS"} & tables.keys() else ()
    untimed = ask_about_times(tables["ADTTE"]) if "ADTTE" in tables else ()
    return Datasets(MappingProxyType(tables), (*study.left_out, *asked, *untimed))


class _Making:
    """The datasets of a study, each derived once, when it or what rests on it is asked for."""

    def __init__(
        self,
        study: Study,
        only: Collection[str],
        parameters: Container[str] | None,
        progress: Callable[[str], None],
    ) -> None:
        self.study = study
        self.only = only
        self.parameters = parameters
        self.progress = progress
        self.made: dict[str, pl.DataFrame] = {}

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self.made:
            self.progress(name)
            self.made[name] = _DERIVATIONS[name](self)
        return self.made[name]

    @cached_property
    def known(self) -> tuple[StudyFacts, Mapping[str, pl.DataFrame]]:
        """What is known, and the observations before rules of any dataset add days of drugs to them."""
        self.progress("what is known")
        wanted = None
        if all(name in _ASKED for name in self.only):
            of = Definitions(self.study.loaded)
            wanted = {asked for name in ("ADSL", *self.only) for asked in _ASKED[name](of, self.parameters)}
        facts = known_facts(self.study, wanted=wanted)
        return facts, facts.observations

    @property
    def facts(self) -> StudyFacts:
        return self.known[0]

    @property
    def observations(self) -> Mapping[str, pl.DataFrame]:
        return self.known[1]

    @cached_property
    def courses(self) -> TumourCourses:
        return courses_of(self.study, self["ADSL"], self.facts.named.courses)


_DERIVATIONS: Mapping[str, Callable[[_Making], pl.DataFrame]] = MappingProxyType(
    {
        "ADSL": lambda its: derive_adsl(its.study, its.facts),
        "ADELIG": lambda its: derive_adelig(its.study, its.facts),
        "ADBASE": lambda its: derive_adbase(its.study, its.facts, its.parameters),
        "ADEX": lambda its: derive_adex(its.study, its["ADSL"]),
        "ADEXSUM": lambda its: derive_adexsum(its.study, its["ADSL"], its["ADEX"], its.facts),
        "ADLB": lambda its: derive_adlb(its.study, its["ADSL"], its.facts),
        "ADEVT": lambda its: derive_adevt(its.study, its.facts),
        "ADTR": lambda its: derive_adtr(its.study, its["ADSL"], its.courses),
        "ADRS": lambda its: derive_adrs(its.study, its["ADSL"], its.courses),
        "ADAE": lambda its: derive_adae(its.study, its["ADSL"], its.facts),
        "ADLIVER": lambda its: derive_adliver(its.study, its["ADSL"], its["ADEVT"]),
        "ADCLOCK": lambda its: derive_adclock(its.study, its["ADSL"], its.facts),
        "ADATTR": lambda its: derive_adattr(its.study, its["ADSL"], its["ADEVT"], its["ADLB"], its["ADAE"]),
        "ADRATE": lambda its: derive_adrate(its.study, its["ADSL"], its["ADEVT"], its.observations),
        "ADTTE": lambda its: derive_adtte(
            its.study, its["ADSL"], its["ADEVT"], its.observations, its.parameters
        ),
        "ADTTEV": lambda its: derive_adttev(
            its.study, its["ADSL"], its["ADEVT"], its["ADTTE"], its.observations, its.parameters
        ),
    }
)
"""What each dataset is derived from."""


def _asked_by_facts(of: Definitions, some: Container[str] | None) -> Iterable[str]:
    return [name for name in facts_named(of.loaded.protocol) if some is None or name in some]


def _asked_by_times(of: Definitions, some: Container[str] | None) -> Iterable[str]:
    plans = (plan for plan in make_time_plans(of.loaded) if some is None or plan.id in some)
    return {name for plan in plans for name in plan.names}


_ASKED: Mapping[str, Callable[[Definitions, Container[str] | None], Iterable[str]]] = MappingProxyType(
    {
        "ADSL": lambda of, _: of.named_under("groups", "populations"),
        "ADBASE": _asked_by_facts,
        "ADCLOCK": lambda of, _: of.named_under("clocks", "visits"),
        "ADTTE": _asked_by_times,
        "ADTTEV": _asked_by_times,
    }
)
"""The facts and events that a dataset asks for beside what dates name; one that is not here may ask for any."""
