"""Treatment given, why it ended, deaths, liver complications and what flares were due to: in every report of a trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from trialwright.analysis.deaths import who_died
from trialwright.analysis.results import Recorder, Where
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adattr import FLARE
from trialwright.derivations.adliver import REACTIVATION
from trialwright.derivations.adrate import MET, NOT_MET, UNKNOWN
from trialwright.derivations.safety_period import safety_population
from trialwright.protocol.references import GROUPS
from trialwright.statistics.descriptive import summarise_numbers

EXPOSURE = "treatment exposure"
"""The id of these rows; no analysis can be named so."""
AMOUNTS = ("NDOSE", "TOTDOSE", "RDI", "EXPDAYS", "TRLDAYS", "COVDAYS", "NSKIP", "NLATE", "NGAP14", "MAXGAP")
NUMBERS = ("mean", "sd", "median", "q1", "q3", "minimum", "maximum")
CAUSE_STATES = ("judged", "not judged", "conflict", "unreadable")
NOT_TOLD = "no reason recorded"
NOT_LOOKED_FOR = "not looked for"
"""The protocol has no event for it."""
_COMPLICATION = ("n_with", "n_unknown", "n_after_reactivation")
_NOBODY = "nobody in this group"
_UNKNOWN = "known of nobody"


def count_exposure(data: AnalysisData, source: str) -> Recorder | None:
    """The rows of `EXPOSURE`; None where there are no records of a trial.

    Of the population in which the protocol counts adverse events, by group where the protocol has more than one. Items are
    `<treatment>` (`n_treated`, `n_untreated`), `<treatment> <parameter>` (numbers of ADEXSUM, with `n_unknown`),
    `<treatment> ended: <reason>`, `<treatment> until <rule>`, `liver <parameter>` and `<kind> <state of cause>`.
    """
    if "ADEXSUM" not in data.tables:
        return None
    recorder = Recorder(EXPOSURE, "count", f"ADEXSUM, ADSL, ADLIVER, ADATTR <- {source}")
    population, everyone = _population(data)
    recorder.n = everyone.height
    recorder.conventions = {"population": population or "everyone"}
    for level, people in _groups(data, everyone):
        recorder.add("n_subjects", people.height, "subjects", group=level, n=people.height)
        _count_deaths(data, recorder, people, level)
        for treatment in data.protocol.treatments:
            _count_treatment(data, recorder, people, level, treatment)
        _count_liver(data, recorder, people, level)
        _count_causes(data, recorder, people, level)
    return recorder


def _population(data: AnalysisData) -> tuple[str | None, pl.DataFrame]:
    """The population of the endpoint of adverse events; everybody where there is none."""
    name = safety_population(data.protocol)
    return name, data.population(name) if name else data.adsl


def _groups(data: AnalysisData, everyone: pl.DataFrame) -> Iterator[tuple[str | None, pl.DataFrame]]:
    """All together, then each group of a protocol that has several."""
    yield None, everyone
    if len(data.protocol.groups) > 1 and GROUPS in everyone.columns:
        for group in data.protocol.groups:
            yield group, everyone.filter(pl.col(GROUPS) == group)


def _count_deaths(data: AnalysisData, recorder: Recorder, people: pl.DataFrame, level: str | None) -> None:
    died, unknown = who_died(data.tables["ADEVT"], people)
    for statistic, found in (("n_died", died), ("n_death_unknown", unknown)):
        recorder.add(statistic, found.height, "subjects", group=level, n=people.height)


@dataclass(frozen=True, slots=True)
class _Here:
    """Where counts of one group go."""

    recorder: Recorder
    level: str | None
    n: int

    def count(self, statistic: str, number: int, item: str, unit: str = "subjects") -> None:
        self.recorder.add(statistic, number, unit, group=self.level, item=item, n=self.n)


def _of(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    return rows.join(people.select("USUBJID"), on="USUBJID", how="semi", maintain_order="left")


# --- treatment ----------------------------------------------------------------------------------------------------------


def _count_treatment(
    data: AnalysisData, recorder: Recorder, people: pl.DataFrame, level: str | None, treatment: str
) -> None:
    every = data.tables["ADEXSUM"].filter(pl.col("TREATMENT") == treatment)
    if every.is_empty():
        return
    rows = _of(every, people)
    # whoever has records of doses left out and of none given has no first day
    treated = rows.filter(pl.col("PARAMCD") == "FIRSTDT").select("USUBJID").unique()
    here = _Here(recorder, level, people.height)
    here.count("n_treated", treated.height, treatment)
    here.count("n_untreated", people.height - treated.height, treatment)
    known = set(every["PARAMCD"])
    for code in AMOUNTS:
        if code in known:
            _add_numbers(
                recorder, _of(rows.filter(pl.col("PARAMCD") == code), treated), level, f"{treatment} {code}"
            )
    _count_ends(recorder, rows, treated, level, treatment)
    _count_rules(recorder, rows, treated, level, treatment)


def _add_numbers(recorder: Recorder, rows: pl.DataFrame, level: str | None, item: str) -> None:
    values = rows["AVAL"].to_list()
    known = [value for value in values if value is not None]
    where: Where = {"group": level, "item": item, "n": len(known)}
    recorder.add("n_unknown", len(values) - len(known), "subjects", **where)
    if not known:
        recorder.add_missing(NUMBERS, _UNKNOWN if values else _NOBODY, **where)
        return
    summary = summarise_numbers(known)
    unit = next(iter(rows["AVALU"].drop_nulls()), "")
    for statistic in NUMBERS:
        recorder.add(statistic, getattr(summary, statistic), unit, note="one value has no spread", **where)


def _count_ends(
    recorder: Recorder, rows: pl.DataFrame, treated: pl.DataFrame, level: str | None, treatment: str
) -> None:
    """Recorded reasons for the end of treatment, the commonest first, and who has no recorded end."""
    here = _Here(recorder, level, treated.height)
    ends = _of(rows.filter(pl.col("PARAMCD") == "STOPREAS"), treated)
    reasons = ends.select(pl.col("AVALC").fill_null(NOT_TOLD)).group_by("AVALC").len()
    for reason, number in reasons.sort("len", "AVALC", descending=[True, False]).iter_rows():
        here.count("n_ended", number, f"{treatment} ended: {reason}")
    here.count("n_no_end_recorded", treated.height - ends["USUBJID"].n_unique(), treatment)


def _count_rules(
    recorder: Recorder, rows: pl.DataFrame, treated: pl.DataFrame, level: str | None, treatment: str
) -> None:
    """What the rules that end a treatment say of its end: met, not met or unknown; and who went on after one."""
    here = _Here(recorder, level, treated.height)
    agreed = _of(rows.filter(pl.col("PARAMCD") == "STOPAGR"), treated)["AVALC"].to_list()
    for statistic, answer in (("n_by_rule", "Y"), ("n_without_rule", "N"), ("n_rule_unknown", None)):
        if agreed:
            here.count(statistic, agreed.count(answer), treatment)
    for code, verb, answers in _RULES:
        told = _of(rows.filter(pl.col("PARAMCD") == code), treated)
        for path in told["PROTOCOL"].unique(maintain_order=True).to_list():
            said = told.filter(pl.col("PROTOCOL") == path)["AVALC"].to_list()
            for statistic, answer in zip(("n_met", "n_not_met", "n_unknown"), answers, strict=True):
                here.count(statistic, said.count(answer), f"{treatment} {verb} {path.split('.')[-1]}")


_RULES: tuple[tuple[str, str, tuple[str | None, ...]], ...] = (
    ("UNTIL", "until", (MET, NOT_MET, UNKNOWN)),
    ("WENTON", "went on after", ("Y", "N", None)),
)


# --- liver --------------------------------------------------------------------------------------------------------------


def _count_liver(data: AnalysisData, recorder: Recorder, people: pl.DataFrame, level: str | None) -> None:
    """Liver complications, how many are not known, and how many came on or after a reactivation."""
    every = data.tables["ADLIVER"]
    rows = _of(every, people)
    here = _Here(recorder, level, people.height)
    for code in every["PARAMCD"].unique(maintain_order=True).to_list():
        if people.is_empty():
            recorder.add_missing(_COMPLICATION, _NOBODY, group=level, item=f"liver {code}", n=0)
            continue
        told = rows.filter(pl.col("PARAMCD") == code)
        met = told.filter(pl.col("AVALC") == MET)
        known = told.filter(pl.col("AVALC") != UNKNOWN)
        here.count("n_with", met.height, f"liver {code}")
        here.count("n_unknown", people.height - known.height, f"liver {code}")
        after = met.filter(pl.col("REACTFL") == "Y").height if REACTIVATION in data.protocol.events else None
        where: Where = {"group": level, "item": f"liver {code}", "n": people.height}
        recorder.add("n_after_reactivation", after, "subjects", note=NOT_LOOKED_FOR, **where)


def _count_causes(data: AnalysisData, recorder: Recorder, people: pl.DataFrame, level: str | None) -> None:
    """Flares and severe hepatic events by the cause somebody judged; what data suggest stands apart from it."""
    rows = _of(data.tables["ADATTR"], people)
    for kind in ("flare", "adverse event", "laboratory"):
        if kind == "flare" and FLARE not in data.protocol.events:
            recorder.add_missing(("n_episodes", "n_with"), NOT_LOOKED_FOR, group=level, item=kind)
            continue
        own = rows.filter(pl.col("EVTYPE") == kind)
        here = _Here(recorder, level, own.height)
        here.count("n_episodes", own.height, kind, "episodes")
        here.count("n_with", own["USUBJID"].n_unique(), kind)
        states = own["CAUSEST"].to_list()
        for state in CAUSE_STATES:
            here.count("n_episodes", states.count(state), f"{kind} {state}", "episodes")
        for column, how in (("CAUSE", "judged"), ("SUGGEST", "suggested")):
            causes = own[column].drop_nulls().to_list()
            for cause in sorted(set(causes)):
                here.count("n_episodes", causes.count(cause), f"{kind} {how}: {cause}", "episodes")
        differ = own.filter(pl.col("CAUSE") != pl.col("SUGGEST")).height
        here.count("n_differ", differ, kind, "episodes")
