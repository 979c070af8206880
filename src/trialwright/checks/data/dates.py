"""Questions about dates: death, the cut, study days, visits."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, say
from trialwright.checks.data.tables import StudyTables, plain
from trialwright.derivations.study import STARTS
from trialwright.records.sdtm import ValueKind, domains
from trialwright.vocabulary.problems import Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_SDTM = "CDISC SDTM Implementation Guide 3.4"

# --- death ------------------------------------------------------------------------------------------------------------


@data_check(
    "record-after-death",
    ERROR,
    needs=("DM",),
    title="something was recorded of a person who had died",
    why="""Either the death or the record has a wrong date, or one of the two belongs to another person. Overall survival ends with
    the date of death.""",
    example="LB: [{ USUBJID: D-02, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-03-02 }]",
    cure="LB: [{ USUBJID: D-02, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-03-01 }]",
    source="the order of events: nothing begins after death; disposition is written down later and is not asked about",
)
def record_after_death(study: StudyTables) -> Iterator[Found]:
    for domain in study.tables:
        if domain not in ("DM", "DS", "EX"):
            yield _after_death(study, domain)


@data_check(
    "dose-after-death",
    ERROR,
    needs=("DM", "EX"),
    title="a treatment began after death",
    why="A dose to a dead person was given to somebody else, or the date of one of the two is wrong.",
    example="EX: [{ USUBJID: D-02, EXSEQ: 2, EXTRT: ENTECAVIR, EXSTDTC: 2026-03-02, EXENDTC: 2026-03-02, EXDOSE: 0.5, EXDOSU: mg }]",
    cure="EX: [{ USUBJID: D-02, EXSEQ: 2, EXTRT: ENTECAVIR, EXSTDTC: 2026-03-01, EXENDTC: 2026-03-01, EXDOSE: 0.5, EXDOSU: mg }]",
    source="the order of events",
)
def dose_after_death(study: StudyTables) -> Iterator[Found]:
    yield _after_death(study, "EX")


def _after_death(study: StudyTables, domain: str) -> Found:
    start = STARTS[domain]
    rows = study.with_person(study.started(domain), "DEATH_LAST").filter(
        pl.col("FIRST") > pl.col("DEATH_LAST")
    )
    return found(domain, start, rows, say("{} lies after death on {}", pl.col(start), pl.col("DEATH_LAST")))


@data_check(
    "end-after-death",
    WARNING,
    needs=("DM",),
    title="a treatment, a medication or an adverse event ends after death",
    why="""Exposure and duration are counted beyond the life of the person, and overall survival may be censored at a day nobody
    lived.""",
    example="AE: [{ USUBJID: D-02, AESEQ: 1, AEENDTC: 2026-03-02 }]",
    cure="AE: [{ USUBJID: D-02, AESEQ: 1, AEENDTC: 2026-03-01 }]",
    source="the order of events",
)
def end_after_death(study: StudyTables) -> Iterator[Found]:
    for domain in ("EX", "CM", "AE", "PR"):
        end = f"{domain}ENDTC"
        rows = study.with_person(study.dated(domain, end, STARTS[domain]), "DEATH_LAST")
        dead = pl.col("DEATH_LAST")
        rows = rows.filter(
            pl.col(f"{end}_first") > dead, (pl.col(f"{STARTS[domain]}_first") <= dead).fill_null(True)
        )
        yield found(domain, end, rows, say("{} lies after death on {}", pl.col(end), dead))


@data_check(
    "death-without-date",
    ERROR,
    needs=("DM",),
    title="somebody died and no date of death is recorded",
    why="Whoever has no date of death is counted in overall survival as last known alive, years perhaps before the death.",
    example="DM: [{ USUBJID: D-02, DTHDTC: ~, DTHFL: Y }]",
    cure="DM: [{ USUBJID: D-02, DTHDTC: 2026-03-01, DTHFL: Y }]",
    source=_SDTM,
    left_out="the date: survival counts as unknown from the last contact on",
)
def death_without_date(study: StudyTables) -> Iterator[Found]:
    rows = study["DM"].filter(pl.col("DTHFL") == "Y", pl.col("DTHDTC").is_null())
    yield found(
        "DM", "DTHDTC", rows, "died, and no date is recorded", "write what is known of it, if only the month"
    )


@data_check(
    "death-not-in-dm",
    ERROR,
    needs=("DM",),
    title="a record says that the person died, and DM does not",
    why="Survival is read from DM. A death that stands elsewhere only is not counted, and survival looks better than it is.",
    example="DS: [{ USUBJID: D-01, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSDECOD: DEATH, DSSTDTC: 2026-05-02 }]",
    cure="DS: [{ USUBJID: D-01, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSDECOD: COMPLETED, DSSTDTC: 2026-05-02 }]",
    source=_SDTM,
)
def death_not_in_dm(study: StudyTables) -> Iterator[Found]:
    tells = {
        "DS": ("DSDECOD", plain(pl.col("DSDECOD")) == "DEATH"),
        "AE": ("AEOUT", (pl.col("AEOUT") == "FATAL") | (pl.col("AESDTH") == "Y")),
    }
    for domain, (variable, is_death) in tells.items():
        rows = study.with_person(study[domain].filter(is_death), "IS_DEAD").filter(~pl.col("IS_DEAD"))
        yield found(domain, variable, rows, "says that the subject died; DM has neither DTHFL nor DTHDTC")


@data_check(
    "death-dates-differ",
    WARNING,
    needs=("DM", "DS"),
    title="DM and DS give different dates of death",
    why="Survival is counted from the one in DM; a month more or less moves a median.",
    example="DS: [{ USUBJID: D-02, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSDECOD: DEATH, DSSTDTC: 2026-02-28 }]",
    cure="DS: [{ USUBJID: D-02, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSDECOD: DEATH, DSSTDTC: 2026-03 }]",
    source=_SDTM,
)
def death_dates_differ(study: StudyTables) -> Iterator[Found]:
    rows = study.with_person(
        study.started("DS").filter(plain(pl.col("DSDECOD")) == "DEATH"), "DEATH_FIRST", "DEATH_LAST"
    )
    apart = (pl.col("LAST") < pl.col("DEATH_FIRST")) | (pl.col("FIRST") > pl.col("DEATH_LAST"))
    message = say("death on {}, and on {} in DM", pl.col("DSSTDTC"), pl.col("DEATH_FIRST"))
    yield found("DS", "DSSTDTC", rows.filter(apart), message)


# --- dates that are not there yet -------------------------------------------------------------------------------------


@data_check(
    "date-in-the-future",
    ERROR,
    title="a date has not come yet",
    why="A result nobody can have seen yet: the year is wrong, or the day and the month are exchanged.",
    example="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-11-22 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-11-21 }]",
    source="the calendar (the example was asked on 2026-11-21)",
)
def date_in_the_future(study: StudyTables) -> Iterator[Found]:
    for domain, table in study.tables.items():
        if study.is_virtual(domain):  # virtual patients may live in years to come
            continue
        for name, variable in domains()[domain].variables.items():
            if variable.kind is ValueKind.DATE and table[name].null_count() < table.height:
                rows = study.dated(domain, name).filter(pl.col(f"{name}_first") > study.today)
                yield found(domain, name, rows, say("{} has not come yet", pl.col(name)))


@data_check(
    "after-the-cut",
    INFO,
    title="a record lies after the data cut",
    why="Derivations at a cut use what was known then. What came later is left out, and should be as much as expected.",
    example="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-07-01 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-06-30 }]",
    source="docs/architecture.md, data cut (the example was asked with the cut 2026-06-30)",
    left_out="the record",
)
def after_the_cut(study: StudyTables) -> Iterator[Found]:
    if study.cut is None:
        return
    for domain in study.tables:
        start = STARTS[domain]
        rows = study.started(domain).filter(pl.col("FIRST") > study.cut)
        yield found(domain, start, rows, say(f"{{}} lies after the cut {study.cut}", pl.col(start)))


@data_check(
    "undated-record",
    WARNING,
    title="a record has no date",
    why="""Without a date nothing tells whether a result lies before or after treatment, and whether a window holds it. It can
    decide nothing, and keeps decisions open.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 3, LBDTC: ~ }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 3, LBDTC: 2026-02-17 }]",
    source=_SDTM,
    left_out="the record, where a date decides",
)
def undated_record(study: StudyTables) -> Iterator[Found]:
    for domain in study.tables:
        start = STARTS[domain]
        if domain in (
            "DM",
            "MH",
            "CM",
            "TU",
        ):  # the date of consent has its own check; histories often have none
            continue
        table = study[domain]
        done = [
            (pl.col(name) != unless).fill_null(True)
            for name, unless in ((f"{domain}STAT", "NOT DONE"), (f"{domain}OCCUR", "N"))
            if name in table.columns
        ]
        rows = table.filter(pl.col(start).is_null(), *done)
        yield found(domain, start, rows, f"`{start}` is missing")


_DECIDING = ("DS", "EX", "LB", "TR", "RS", "AE", "PR")


@data_check(
    "imprecise-date",
    INFO,
    title="the day of a record that can decide an endpoint is not known",
    why="""A date known to the month is every day of that month. A window, a baseline or a time that depends on the day stays
    unknown, with this as its reason.""",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AESTDTC: 2026-02 }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AESTDTC: 2026-02-24 }]",
    source=_SDTM + ", 4.4.2: dates as far as they are known",
)
def imprecise_date(study: StudyTables) -> Iterator[Found]:
    dates = [(domain, STARTS[domain]) for domain in _DECIDING] + [("DM", "DTHDTC")]
    for domain, name in dates:
        first, last = f"{name}_first", f"{name}_last"
        rows = study.dated(domain, name).filter(pl.col(first) < pl.col(last))
        if domain == "DS":  # when somebody's part ended decides nothing to the day
            rows = rows.filter(pl.col("DSCAT").is_in(["PROTOCOL MILESTONE", "OTHER EVENT"]))
        yield found(
            domain, name, rows, say("{} is any day from {} to {}", pl.col(name), pl.col(first), pl.col(last))
        )


@data_check(
    "study-day-contradicts-date",
    WARNING,
    needs=("DM",),
    title="a study day is not that of its date",
    why="""Two ways of telling one day disagree: the date, the study day or RFSTDTC was changed and the others were not. Our own
    days are counted from dates.""",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AESTDTC: 2026-02-24, AESTDY: 35 }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AESTDTC: 2026-02-24, AESTDY: 36 }]",
    source=_SDTM + ", 4.4.4: there is no day 0",
)
def study_day_contradicts(study: StudyTables) -> Iterator[Found]:
    reference = study.dated("DM", "RFSTDTC").filter(pl.col("RFSTDTC_first") == pl.col("RFSTDTC_last"))
    reference = reference.select("SUBJECT", pl.col("RFSTDTC_first").alias("REFERENCE")).unique("SUBJECT")
    for domain, table in study.tables.items():
        for day in domains()[domain].variables:
            dated = f"{day[:-1]}TC"
            if (
                not day.endswith("DY")
                or dated not in table.columns
                or table[day].null_count() == table.height
            ):
                continue
            rows = study.dated(domain, dated).join(
                reference, on="SUBJECT", how="inner", maintain_order="left"
            )
            elapsed = (pl.col(f"{dated}_first") - pl.col("REFERENCE")).dt.total_days()
            expected = pl.when(elapsed >= 0).then(elapsed + 1).otherwise(elapsed)
            is_whole = pl.col(f"{dated}_first") == pl.col(f"{dated}_last")
            rows = rows.with_columns(expected.alias("EXPECTED")).filter(
                is_whole, pl.col(day) != pl.col("EXPECTED")
            )
            message = say("day {}, and {} is day {}", pl.col(day), pl.col(dated), pl.col("EXPECTED"))
            yield found(domain, day, rows, message)


# --- visits -----------------------------------------------------------------------------------------------------------


@data_check(
    "duplicate-visit",
    WARNING,
    needs=("SV",),
    title="a visit stands twice",
    why="Results are assigned to the wrong one of the two, and a table by visit counts the person twice.",
    example="SV: [{ USUBJID: D-01, VISITNUM: 5, SVSTDTC: 2026-04-14 }, { USUBJID: D-01, VISITNUM: 5, SVSTDTC: 2026-04-21 }]",
    cure="SV: [{ USUBJID: D-01, VISITNUM: 5, SVSTDTC: 2026-04-14 }, { USUBJID: D-01, VISITNUM: 5.1, SVSTDTC: 2026-04-21 }]",
    source=_SDTM + ", SV: one record for each visit",
)
def duplicate_visit(study: StudyTables) -> Iterator[Found]:
    rows = study["SV"].filter(pl.col("SUBJECT").is_not_null(), pl.col("VISITNUM").is_not_null())
    rows = rows.filter(pl.struct("SUBJECT", "VISITNUM").is_duplicated())
    dates = pl.col("SVSTDTC").fill_null("no date").unique().sort().str.join(", ").over("SUBJECT", "VISITNUM")
    yield found("SV", "VISITNUM", rows, say("visit {} stands twice: {}", _visit(), dates))


@data_check(
    "visits-out-of-order",
    WARNING,
    needs=("SV",),
    title="a later visit lies before an earlier one",
    why="""Exchanged day and month, a wrong year, or two visits that were mixed up. Baseline and windows may take the wrong
    result. Numbers with decimals are unscheduled visits and are not asked about; visits are compared
    with those of the same hundred whose name differs in digits only, for scans and infusions may be numbered apart.""",
    example="SV: [{ USUBJID: D-01, VISITNUM: 4, SVSTDTC: 2026-02-16 }]",
    cure="SV: [{ USUBJID: D-01, VISITNUM: 4, SVSTDTC: 2026-02-17 }]",
    source=_SDTM + ", VISITNUM: in the order of time",
)
def visits_out_of_order(study: StudyTables) -> Iterator[Found]:
    rows = study.started("SV").filter(
        pl.col("SUBJECT").is_not_null(),
        pl.col("VISITNUM") == pl.col("VISITNUM").floor(),
        pl.col("FIRST").is_not_null(),
    )
    row = ["SUBJECT", "NAME", "HUNDRED"]
    name = pl.col("VISIT").str.replace_all("[0-9]+", "#").fill_null("")
    rows = rows.with_columns(name.alias("NAME"), (pl.col("VISITNUM") // 100).alias("HUNDRED"))
    before = rows.group_by(*row, "VISITNUM").agg(pl.col("FIRST").min()).sort(*row, "VISITNUM")
    before = before.select(*row, "VISITNUM", pl.col("FIRST").cum_max().shift(1).over(row).alias("BEFORE"))
    rows = rows.join(before, on=[*row, "VISITNUM"], how="left", maintain_order="left")
    rows = rows.filter(pl.col("LAST") < pl.col("BEFORE"))
    message = say("visit {} on {}, and an earlier visit on {}", _visit(), pl.col("SVSTDTC"), pl.col("BEFORE"))
    yield found("SV", "SVSTDTC", rows, message)


def _visit() -> pl.Expr:
    return pl.col("VISITNUM").cast(pl.String).str.strip_suffix(".0")
