"""Judging the invented patients as real ones are judged, and holding what is found against what is expected.

Their records go through `make_study` and the derivations of the analysis datasets, all in one call, each case a subject
of its own. Verdicts of populations and groups are those of ADSL, of criteria those of ADELIG, of events those of ADEVT, of
stopping rules those of ADEXSUM. Deviations stand in no dataset: they are judged as the derivations judge any rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from trialwright.derivations.adelig import derive_adelig
from trialwright.derivations.adevt import derive_adevt, first_of_each
from trialwright.derivations.adex import derive_adex
from trialwright.derivations.adexsum import derive_adexsum
from trialwright.derivations.adsl import derive_adsl
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import SUBJECT, make_study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.design.boundaries.cases import Case, Expected
from trialwright.design.boundaries.pack import CUT, DAY_OF_JUDGEMENT
from trialwright.design.boundaries.sketches import subject_of
from trialwright.protocol.loading import LoadedProtocol
from trialwright.vocabulary.verdicts import Reason, Verdict

_NO_EVENT = Expected(Verdict.NOT_MET)


@dataclass(frozen=True, slots=True)
class Result:
    """A case and what was found of it."""

    case: Case
    found: Expected

    @property
    def agrees(self) -> bool:
        """Whether verdict and reason are as expected, and so are day and number where they are told."""
        expected, found = self.case.expected, self.found
        return (
            expected.verdict == found.verdict
            and expected.day in (None, found.day)
            and expected.times in (None, found.times)
        )


def judge_cases(
    loaded: LoadedProtocol, cases: Sequence[Case], tables: Mapping[str, pl.DataFrame]
) -> list[Result]:
    """What the derivations find of each case.

    Parameters
    ----------
    loaded : LoadedProtocol
        The protocol they are judged by.
    cases : sequence of Case
    tables : mapping of str to DataFrame
        Their records, as `tabulate` gives them.
    """
    found = _Found(loaded, tables)
    return [
        Result(case, found.of(case.element, subject_of(number)))
        for number, case in enumerate(cases)
    ]  # fmt: skip


class _Found:
    """What the derivations say, by element and subject."""

    def __init__(self, loaded: LoadedProtocol, tables: Mapping[str, pl.DataFrame]) -> None:
        self.loaded = loaded
        self.study = make_study(loaded, tables, cut=CUT)
        self.facts: StudyFacts = known_facts(self.study)
        self.elements: dict[str, Mapping[str, Expected]] = {}

    def of(self, element: str, subject: str) -> Expected:
        if element not in self.elements:
            self.elements[element] = dict(self._element(element))
        return self.elements[element].get(subject, _NO_EVENT)

    def _element(self, element: str) -> Iterator[tuple[str, Expected]]:
        section, name, *_ = element.split(".")
        match section:
            case "events":
                yield from self._event(name)
            case "eligibility":
                path = element.removesuffix(".when")
                rows = self.adelig.filter(pl.col("PROTOCOL") == path)
                for subject, verdict, reason in rows.select("USUBJID", "AVALC", "REASON").iter_rows():
                    yield _number(subject), Expected(_verdict(verdict, reason))
            case "populations":
                flag = f"{name.upper()}FL"
                for subject, said, reason in self.adsl.select("USUBJID", flag, f"{flag}R").iter_rows():
                    words = {"Y": "met", "N": "not met"}.get(said, "unknown")
                    yield _number(subject), Expected(_verdict(words, reason))
            case "groups":
                for subject, group, reason in self.adsl.select("USUBJID", "GROUP", "GROUPR").iter_rows():
                    words = "unknown" if group is None else "met" if group == name else "not met"
                    yield _number(subject), Expected(_verdict(words, reason))
            case "treatments":
                path = element.removesuffix(".when")
                rows = self.adexsum.filter((pl.col("PARAMCD") == "UNTIL") & (pl.col("PROTOCOL") == path))
                for subject, verdict, reason in rows.select("USUBJID", "AVALC", "REASON").iter_rows():
                    yield _number(subject), Expected(_verdict(verdict, reason))
            case _:
                yield from self._rule(element)

    @cached_property
    def adsl(self) -> pl.DataFrame:
        return derive_adsl(self.study, self.facts)

    @cached_property
    def adelig(self) -> pl.DataFrame:
        return derive_adelig(self.study, self.facts)

    @cached_property
    def adevt(self) -> pl.DataFrame:
        return derive_adevt(self.study, self.facts)

    @cached_property
    def adexsum(self) -> pl.DataFrame:
        return derive_adexsum(self.study, self.adsl, derive_adex(self.study, self.adsl), self.facts)

    def _event(self, name: str) -> Iterator[tuple[str, Expected]]:
        """The first onset of an event and how often it was met; where it never was, why it may have been."""
        rows = self.adevt.filter((pl.col("EVENT") == name) & (pl.col("READER").fill_null("local") == "local"))
        often = rows.group_by("USUBJID").agg(pl.col("ASEQ").max())
        first = first_of_each(rows).select("USUBJID", "AVALC", "REASON", "ADT").join(often, on="USUBJID")
        for subject, verdict, reason, day, times in first.iter_rows():
            yield _number(subject), Expected(_verdict(verdict, reason), day, times)

    def _rule(self, element: str) -> Iterator[tuple[str, Expected]]:
        """A rule that no dataset holds: on the day of judgement, or the first of its rows that is met or may be."""
        rule = self.loaded.writing.rules[element]
        people = self.study.subjects.select("USUBJID", subject=SUBJECT)
        if rule.scope.rows_of is None:
            start = pl.lit(DAY_OF_JUDGEMENT).cast(pl.Datetime("us"))
            when = people.select("subject", earliest=start, latest=start.dt.offset_by("1439m"))
            codes = self.facts.judge_at({"code": rule.condition}, when).join(when, on="subject")
        else:
            rows_of = rule.scope.rows_of
            codes = self.facts.judge_rows({"code": rule.condition}, rows_of)
            codes = self.facts.records_of(rows_of).join(codes, on=["subject", "record"])
        first = codes.sort("code", "earliest", descending=[True, False]).group_by("subject").first()
        told = first.join(people, on="subject").select("USUBJID", "code", pl.col("earliest").dt.date())
        for subject, code, day in told.iter_rows():
            yield _number(subject), Expected(Verdict(code), day)


def _number(subject: str) -> str:
    return subject.rpartition("-")[2]


def _verdict(words: str, reason: str | None) -> Verdict:
    if words == "unknown":
        return Verdict.unknown(Reason(reason or Reason.MISSING))
    return Verdict.MET if words == "met" else Verdict.NOT_MET
