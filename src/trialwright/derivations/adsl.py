"""ADSL: one row a subject, with the days everything counts from, the group, and the populations."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.derivations.events import known_facts
from trialwright.derivations.judged import RuleAt, judge_each
from trialwright.derivations.known_columns import completed_years, is_spelt, reason_words, spelt
from trialwright.derivations.minutes import MET, MISSING, NOT_MET
from trialwright.derivations.named_records import groups_told
from trialwright.derivations.observations import names_in
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.derivations.timeline import not_while_alive
from trialwright.protocol.moments import Selection, parse_moment
from trialwright.protocol.rule_tree import Moment
from trialwright.vocabulary.verdicts import Reason

CONFLICT, UNREADABLE = Reason.CONFLICT.code, Reason.UNREADABLE.code
_NO_ARM = ("SCRNFAIL", "NOTASSGN")
"""What stands in ARMCD for no group."""
SCREEN_FAILURE = "SCREEN FAILURE"
"""Who left before taking part (CDISC SDTM terminology, NCOMPLT C49628)."""
OF_STUDY = ("STUDY", "STUDY PARTICIPATION")
"""Subcategories (`DSSCAT`) of dispositions that are of the person's part in the study, as are those without one."""
_COMPLETED, _DISCONTINUED = "COMPLETED", "DISCONTINUED"
"""How a person's part in a study ended (CDISC ADaM terminology, SBJTSTAT)."""


def derive_adsl(study: Study, facts: StudyFacts | None = None) -> pl.DataFrame:
    """One row a subject.

    Parameters
    ----------
    study : Study
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.

    Returns
    -------
    adsl : DataFrame
        Key columns, `STUDYID`, `USUBJID`, `SUBJECT`, and (days are Date, null where not known to the day)

        AGE, SEX, ARMCD     as DM has them; AGE from the date of birth at consent where DM has none
        GROUP, GROUPR       name of the group of the protocol, or why it is not known
        TRTSDT, TRTEDT      first and last day of any treatment of the protocol
        DTHDT, LSTALVDT     day of death, last day known alive
        DCSCREEN            of who failed screening and never came to time zero: why, as recorded (DSTERM; `SCREEN FAILURE` where it says nothing)
        EOSSTT, DCSREAS     how the person's part in the study ended, COMPLETED or DISCONTINUED, and why it was discontinued, as
                            recorded; null where no end of it is recorded
        EOSDT               day it ended
        EOSDTL, EOSDTH      first and last day it can have ended on, the first no earlier than the last day known alive if its
                            record allows; without a day in the record that is the first, and there is no last
        CUTDT               data cut
        RECORDDT            last day that the records of the study tell of: the cut, or without one the last day on which anybody
                            was seen, died or left. What was due up to then was due, whether the person came or not
        STARTDT             time zero of the protocol
        <ANCHOR>DT          day of each anchor
        <BASELINE>DT        moment of each baseline: results up to it may be the baseline
        <PERIOD>SDT, EDT    first and last day of each period
        <POPULATION>FL      Y, N, or null with the reason in <POPULATION>FLR

    Raises
    ------
    ProblemsFound
        As `known_facts`.
    """
    facts = known_facts(study) if facts is None else facts
    people = study.tables["DM"].group_by(SUBJECT, maintain_order=True).first()
    people = study.subjects.join(people.drop(*study.identity), on=SUBJECT, how="left", maintain_order="left")
    adsl = people.select(*study.identity, SUBJECT, _age().alias("AGE"), "SEX", "ARMCD")
    failed = _failed_screening(facts)
    for columns in (
        _groups(facts),
        _days(facts),
        failed.select("subject", "DCSCREEN"),
        _ends_of_participation(facts),
        _populations(facts, failed),
    ):
        adsl = adsl.join(columns, left_on=SUBJECT, right_on="subject", how="left", maintain_order="left")
    last = pl.max_horizontal("LSTALVDT", "DTHDT", "EOSDT").max().over(*study.keys, "STUDYID")
    return adsl.with_columns(CUTDT=pl.lit(study.cut, pl.Date)).with_columns(
        RECORDDT=pl.coalesce("CUTDT", last)
    )


def _age() -> pl.Expr:
    """Completed years at consent."""
    birth, consent = pl.col("BRTHDTC_earliest"), pl.col("RFICDTC_earliest")
    is_whole = (birth.dt.date() == pl.col("BRTHDTC_latest").dt.date()) & (
        consent.dt.date() == pl.col("RFICDTC_latest").dt.date()
    )
    years = completed_years(birth, consent)
    return pl.coalesce("AGE", pl.when(is_whole).then(years).cast(pl.Float64))


# --- days -------------------------------------------------------------------------------------------------------------


def _days(facts: StudyFacts) -> pl.DataFrame:
    """The days of each subject."""
    protocol = facts.study.protocol
    named: dict[str, pl.DataFrame] = {}
    treatments = facts.records_of(*protocol.treatments)
    ends = treatments.group_by("subject").agg(
        pl.col("earliest").min(),
        pl.col("latest").min(),
        pl.col("earliest").max().alias("last_earliest"),
        pl.col("latest").max().alias("last_latest"),
    )
    named["TRTSDT"] = ends.select("subject", "earliest", "latest")
    named["TRTEDT"] = ends.select("subject", earliest="last_earliest", latest="last_latest")
    named["DTHDT"] = facts.moment(Moment("death", "first"))
    named["STARTDT"] = facts.time_zero()
    named |= {f"{name.upper()}DT": facts.moment(Moment(name)) for name in protocol.anchors}
    named |= {f"{name.upper()}DT": frame for name, frame in _baselines(facts)}
    for name in protocol.periods:
        named |= {
            f"{name.upper()}{end[0].upper()}DT": facts.dates[f"{name}_{end}"]
            for end in ("start", "end")
            if f"{name}_{end}" in facts.dates
        }
    days = facts.alive.select(pl.col(SUBJECT).alias("subject"), "LSTALVDT")
    for column, moments in named.items():
        days = days.join(_whole_day(moments, column), on="subject", how="left", maintain_order="left")
    return days


def _ends_of_participation(facts: StudyFacts) -> pl.DataFrame:
    """How and when the part of each in the study ended, by the first record of that; failing screening is no end of it."""
    dispositions = facts.study.tables["DS"]
    ended = dispositions.filter(
        is_spelt(dispositions["DSCAT"], "DISPOSITION EVENT")
        & (dispositions["DSSCAT"].is_null() | is_spelt(dispositions["DSSCAT"], *OF_STUDY))
        & ~is_spelt(dispositions["DSDECOD"], SCREEN_FAILURE)
    )
    first = (
        ended.sort(SUBJECT, "DSSTDTC_earliest", "DSSEQ", nulls_last=True)
        .unique(SUBJECT, keep="first", maintain_order=True)
        .join(facts.alive, on=SUBJECT, how="left", maintain_order="left")
    )
    days = first.select(
        pl.col(SUBJECT).alias("subject"),
        "LSTALVDT",
        why=spelt(pl.col("DSDECOD")),
        lo=pl.col("DSSTDTC_earliest").dt.date(),
        EOSDTH=pl.col("DSSTDTC_latest").dt.date(),
    )
    is_completed = pl.col("why") == _COMPLETED
    return days.select(
        "subject",
        pl.when(is_completed)
        .then(pl.lit(_COMPLETED))
        .when(pl.col("why").is_not_null())
        .then(pl.lit(_DISCONTINUED))
        .alias("EOSSTT"),
        pl.when(~is_completed).then("why").alias("DCSREAS"),
        pl.when(pl.col("lo") == pl.col("EOSDTH")).then("lo").alias("EOSDT"),
        not_while_alive("lo", "EOSDTH", "LSTALVDT").alias("EOSDTL"),
        "EOSDTH",
    )


def _baselines(facts: StudyFacts) -> Iterator[tuple[str, pl.DataFrame]]:
    """The moment of each baseline that has one."""
    written = facts.study.loaded.writing.dates
    for name in facts.study.protocol.baselines:
        take = written[f"baselines.{name}.take"].date
        if isinstance(take, Selection) and take.until is not None:
            yield name, facts.moment(take.until)


def _whole_day(moments: pl.DataFrame, column: str) -> pl.DataFrame:
    first, last = pl.col("earliest").dt.date(), pl.col("latest").dt.date()
    return moments.select("subject", pl.when(first == last).then(first).alias(column))


# --- groups and populations -------------------------------------------------------------------------------------------


def _groups(facts: StudyFacts) -> pl.DataFrame:
    """The one group that each belongs to."""
    protocol, rules = facts.study.protocol, facts.rules
    asked = {
        name: RuleAt(rules[path].condition, group.assigned_at or protocol.time_zero)
        for name, group in protocol.groups.items()
        if (path := f"groups.{name}.when") in rules
    }
    codes = judge_each(facts, asked).select("subject", *asked)
    codes = codes.join(_arms(facts), on="subject", how="left", maintain_order="left")
    only = len(protocol.groups) == 1
    for name in protocol.groups:
        if name not in asked:
            is_it = pl.lit(MET) if only else pl.when(pl.col("the arm") == name).then(MET).otherwise("no arm")
            codes = codes.with_columns(is_it.cast(pl.UInt8).alias(name))
    verdicts = codes.unpivot(
        on=list(protocol.groups), index="subject", variable_name="group", value_name="code"
    )
    is_met = pl.col("code") == MET
    found = verdicts.group_by("subject", maintain_order=True).agg(
        GROUP=pl.col("group").filter(is_met).first(),
        n_met=is_met.sum(),
        reason=pl.col("code").filter(~is_met).max().fill_null(NOT_MET),
    )
    is_settled = (pl.col("n_met") == 1) & (pl.col("reason") == NOT_MET)
    reasons = found.select(
        pl.when(pl.col("n_met") > 1).then(CONFLICT).otherwise("reason").cast(pl.UInt8)
    ).to_series()
    return found.select(
        "subject",
        pl.when(is_settled).then("GROUP").alias("GROUP"),
        pl.when(~is_settled).then(reason_words(reasons.to_numpy())).alias("GROUPR"),
    )


def _arms(facts: StudyFacts) -> pl.DataFrame:
    """`the arm`, the group that DM names, and `no arm`, the verdict on every other: not met, or unknown where none can be told."""
    dm = facts.study.tables["DM"]
    arm = groups_told(dm["ARMCD"], facts.study.protocol)
    is_none = is_spelt(dm["ARMCD"], *_NO_ARM) | (dm["ARMCD"].is_null() & dm["ARMNRS"].is_not_null())
    told = dm.select(
        pl.col(SUBJECT).alias("subject"),
        arm.alias("the arm"),
        pl.when(arm.is_not_null() | is_none).then(NOT_MET)
        .when(pl.col("ARMCD").is_null()).then(MISSING).otherwise(UNREADABLE).alias("no arm"),
    )  # fmt: skip
    return told.group_by("subject").first()


def _populations(facts: StudyFacts, failed: pl.DataFrame) -> pl.DataFrame:
    """Who belongs to each population, by its rule; one without a rule is for people to decide."""
    protocol, rules = facts.study.protocol, facts.rules
    asked = {
        name: RuleAt(
            rules[path].condition if (path := f"populations.{name}.when") in rules else None,
            one.at or protocol.time_zero,
        )
        for name, one in protocol.populations.items()
    }
    codes = judge_each(facts, asked).join(failed, on="subject", how="left", maintain_order="left")
    zero = parse_moment(protocol.time_zero).name if protocol.time_zero else None
    codes = codes.with_columns(
        _unless_left(name, asks_zero=one.condition is not None and zero in names_in(one.condition))
        for name, one in asked.items()
    )
    columns: list[pl.Series] = [codes["subject"]]
    for name in protocol.populations:
        flag = codes[name].replace_strict({MET: "Y", NOT_MET: "N"}, default=None, return_dtype=pl.String)
        columns += [
            flag.alias(f"{name.upper()}FL"),
            reason_words(codes[name].to_numpy()).alias(f"{name.upper()}FLR"),
        ]
    return pl.DataFrame(columns)


def _failed_screening(facts: StudyFacts) -> pl.DataFrame:
    """`subject`, `left at`, `has left`, `DCSCREEN`: who left as a screen failure without coming to time zero, the first minute
    it can have been, and why."""
    dispositions = facts.study.tables["DS"]
    left = dispositions.filter(is_spelt(dispositions["DSDECOD"], SCREEN_FAILURE))
    left = left.sort(SUBJECT, "DSSTDTC_earliest", "DSSEQ", nulls_last=True)
    words = pl.col("DSTERM").str.replace_all(r"\s+", " ").str.strip_chars()
    failed = left.group_by(pl.col(SUBJECT).alias("subject"), maintain_order=True).agg(
        pl.col("DSSTDTC_earliest").min().alias("left at"),
        pl.lit(value=True).alias("has left"),
        pl.when(words != "").then(words).otherwise(pl.lit(SCREEN_FAILURE)).first().alias("DCSCREEN"),
    )
    return failed.join(facts.time_zero(), on="subject", how="anti")


def _unless_left(population: str, *, asks_zero: bool) -> pl.Expr:
    """The verdict on a population; whoever failed screening is in none that is judged at no moment of theirs, or later.

    Nor in one whose rule asks for time zero (`asks_zero`): they will never come to it.
    """
    at = pl.col(f"{population} earliest")
    is_later = at.is_null() | (at > pl.col("left at")).fill_null(value=False)
    is_out = pl.col("has left") & (pl.lit(asks_zero) | is_later)
    return pl.when(is_out).then(pl.lit(NOT_MET, pl.UInt8)).otherwise(population).alias(population)
