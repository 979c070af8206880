"""Questions about who took part: persons, consent, groups, milestones."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, of_dataset, say
from trialwright.checks.data.tables import StudyTables, plain
from trialwright.derivations.adsl import OF_STUDY
from trialwright.derivations.study import STARTS
from trialwright.vocabulary.problems import Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_CONTRACT = "docs/records.md, where a protocol finds its facts"
_SDTM = "CDISC SDTM Implementation Guide 3.4"


@data_check(
    "no-demographics",
    ERROR,
    title="there is no DM",
    why="DM says who took part. Without it no record has a person, and nothing can be derived or counted.",
    example="DM: ~",
    cure="DM: []",
    source=_SDTM,
    left_out="everything",
)
def no_demographics(study: StudyTables) -> Iterator[Found]:
    if "DM" not in study.tables:
        yield of_dataset("DM", "", "there is no DM: nobody took part", "add the dataset of persons")


@data_check(
    "subject-not-in-dm",
    ERROR,
    needs=("DM",),
    title="a record belongs to a person who is not in DM",
    why="""Its person has no consent, no group and no first dose, so that nothing can be said of the record; and a typing
    error in a number takes the result away from the person it belongs to.""",
    example="LB: [{ USUBJID: D-10, LBSEQ: 1, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-01-12 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 31, LBORRESU: U/L, LBDTC: 2026-04-14 }]",
    source=_SDTM,
    left_out="the record",
)
def subject_not_in_dm(study: StudyTables) -> Iterator[Found]:
    for name, table in study.tables.items():
        lost = table.filter(pl.col("SUBJECT").is_null(), pl.col("USUBJID").is_not_null())
        message = say("subject `{}` of study `{}` is not in DM", pl.col("USUBJID"), pl.col("STUDYID"))
        yield found(name, "USUBJID", lost, message, "add the subject to DM, or correct USUBJID")


@data_check(
    "mixed-studies",
    ERROR,
    title="records of several studies stand together",
    why="""What is counted, averaged and compared would be persons of different trials, treated under different protocols.""",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, STUDYID: OTHER-001 }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, STUDYID: DURVA-HBV }]",
    source=_SDTM,
)
def mixed_studies(study: StudyTables) -> Iterator[Found]:
    counts = pl.concat(
        [
            table.group_by("STUDYID").len().with_columns(pl.lit(name).alias("D"))
            for name, table in study.tables.items()
        ]
        or [pl.DataFrame(schema={"STUDYID": pl.String, "len": pl.UInt32, "D": pl.String})]
    ).drop_nulls("STUDYID")
    by_study = (
        counts.group_by("STUDYID")
        .agg(pl.col("len").sum(), pl.col("D"))
        .sort("len", "STUDYID", descending=[True, False])
    )
    for name, n, datasets in by_study[1:].iter_rows():
        main = by_study["STUDYID"][0]
        for domain in datasets:
            yield of_dataset(
                domain,
                "STUDYID",
                f"holds records of `{name}` (in all {n:,}) beside those of `{main}`",
                "check one study at a time",
            )


@data_check(
    "simulated-with-real",
    ERROR,
    title="simulated and real records stand together, or simulated ones are not marked in full",
    why="""A virtual patient who is counted as a real one is a made-up result. Virtual studies have their own ids, which end in
    -SIM, and SIMULATED = Y in every record of every dataset.""",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, SIMULATED: Y }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, SIMULATED: ~ }]",
    source=_CONTRACT,
)
def simulated_with_real(study: StudyTables) -> Iterator[Found]:
    marked = {
        name: (pl.col("SIMULATED") == "Y").fill_null(False) if "SIMULATED" in table.columns else pl.lit(False)
        for name, table in study.tables.items()
    }
    is_virtual = pl.col("STUDYID").str.ends_with("-SIM").fill_null(False)
    some = any(table.select((marked[name] | is_virtual).any()).item() for name, table in study.tables.items())
    if not some:
        return
    for name, table in study.tables.items():
        unmarked = table.filter(~(marked[name] & is_virtual))
        message = (
            pl.when(marked[name]).then(say("is simulated, and its study `{}` does not end in -SIM", pl.col("STUDYID")))
            .when(is_virtual).then(pl.lit("is of a virtual study and is not marked SIMULATED = Y"))
            .otherwise(pl.lit("is not simulated, and other records of these data are"))
        )  # fmt: skip
        yield found(
            name, "SIMULATED", unmarked, message, "keep virtual and real data in folders of their own"
        )


@data_check(
    "record-twice",
    WARNING,
    title="two records are the same but for their number",
    why="""One was entered twice. Derivations take results of one moment together, so that it decides nothing; but doses and counts
    are doubled.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 30, LBORRESU: U/L, LBDTC: 2026-02-17, LBSTNRHI: 40 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 90, LBTESTCD: ALT, LBORRES: 30, LBORRESU: U/L, LBDTC: 2026-02-18, LBSTNRHI: 40 }]",
    source=_SDTM + ": what tells records apart",
)
def record_twice(study: StudyTables) -> Iterator[Found]:
    for name, table in study.tables.items():
        own = {"ROW", "SEQ", "SUBJECT", f"{name}SEQ", f"{name}SPID", f"{name}GRPID"}
        compared = [
            column
            for column in table.columns
            if column not in own and table[column].null_count() < table.height
        ]
        start = STARTS[name]
        if name in ("DM", "SV", "AE") or not table.height:  # these have checks of their own
            continue
        rows = table.with_columns(pl.struct(compared).hash().alias("HASH")).filter(
            pl.col(start).is_not_null()
        )
        rows = rows.filter(pl.struct("USUBJID", "HASH").is_duplicated())
        rows = rows.filter(pl.struct(compared).is_duplicated())
        yield found(
            name, f"{name}SEQ" if rows["SEQ"].count() else "", rows, say("stands twice, on {}", pl.col(start))
        )


# --- the person -------------------------------------------------------------------------------------------------------


@data_check(
    "age-contradicts-birth",
    WARNING,
    needs=("DM",),
    title="the age given cannot be that of the date of birth",
    why="""One of the two is wrong, and criteria and tables use one or the other. A wrong decade makes somebody eligible who is
    not.""",
    example="DM: [{ USUBJID: D-01, AGE: 62 }]",
    cure="DM: [{ USUBJID: D-01, AGE: 61 }]",
    source="the calendar: completed years on the day of consent, of the first dose or of collection",
)
def age_contradicts_birth(study: StudyTables) -> Iterator[Found]:
    days = ("RFICDTC", "RFSTDTC", "DMDTC")
    table = study.dated("DM", "BRTHDTC", *days).filter(
        pl.col("AGE").is_not_null(), (pl.col("AGEU") == "YEARS").fill_null(True)
    )

    def years(end: str, start: str) -> pl.Expr:
        had = pl.col(end).dt.strftime("%m%d") >= pl.col(start).dt.strftime("%m%d")
        return pl.col(end).dt.year() - pl.col(start).dt.year() - (~had).cast(pl.Int32)

    age = pl.col("AGE").floor()
    fits = [
        age.is_between(years(f"{day}_first", "BRTHDTC_last"), years(f"{day}_last", "BRTHDTC_first"))
        for day in days
    ]
    table = table.filter(
        pl.any_horizontal(one.is_not_null() for one in fits),
        ~pl.any_horizontal(one.fill_null(False) for one in fits),
    )
    message = say(
        "{} years, born {} and consented {}",
        pl.col("AGE").floor().cast(pl.Int64),
        pl.col("BRTHDTC"),
        pl.col("RFICDTC"),
    )
    yield found("DM", "AGE", table, message)


@data_check(
    "pregnancy-test-of-a-man",
    WARNING,
    needs=("DM",),
    title="a man has a pregnancy test",
    why="Either the sex is wrong, and with it limits of normal, dose and criteria, or the record is another person's.",
    example="FA: [{ USUBJID: D-01, FASEQ: 80, FAOBJ: PREGNANCY TEST, FATESTCD: STATUS, FASTRESC: negative, FADTC: 2026-01-12 }]",
    cure="FA: [{ USUBJID: D-02, FASEQ: 80, FAOBJ: PREGNANCY TEST, FATESTCD: STATUS, FASTRESC: negative, FADTC: 2026-01-12 }]",
    source="biology",
)
def pregnancy_test_of_a_man(study: StudyTables) -> Iterator[Found]:
    wanted = {
        "LB": ("LBTESTCD", pl.col("LBTESTCD").is_in(["HCG", "PREG"])),
        "FA": ("FAOBJ", plain(pl.col("FAOBJ")) == "PREGNANCY TEST"),
    }
    for domain, (variable, is_test) in wanted.items():
        is_done = (pl.col(f"{domain}STAT") == "NOT DONE").fill_null(False).not_()
        rows = study.with_person(study[domain].filter(is_test, is_done), "SEX").filter(pl.col("SEX") == "M")
        yield found(domain, variable, rows, "DM says that the subject is a man")


# --- consent ----------------------------------------------------------------------------------------------------------


@data_check(
    "no-consent-date",
    ERROR,
    needs=("DM", "EX"),
    title="somebody was treated and has no date of consent",
    why="""Nobody may be treated without consent, and who consented when is the first thing an inspector reads. Without the
    date, whatever counts from consent is unknown.""",
    example="DM: [{ USUBJID: D-01, RFICDTC: ~ }]",
    cure="DM: [{ USUBJID: D-01, RFICDTC: 2026-01-05 }]",
    source="ICH E6(R3), informed consent",
)
def no_consent_date(study: StudyTables) -> Iterator[Found]:
    treated = study.doses.select("SUBJECT").unique()
    if treated.height and not study["DM"]["RFICDTC"].count():
        yield of_dataset("DM", "RFICDTC", "no date of consent of anybody")
        return
    rows = (
        study["DM"]
        .filter(pl.col("RFICDTC").is_null())
        .join(treated, on="SUBJECT", how="semi", maintain_order="left")
    )
    yield found("DM", "RFICDTC", rows, "was treated, and no date of consent is recorded")


@data_check(
    "before-consent",
    WARNING,
    needs=("DM",),
    title="a visit, a dose or an examination lies before consent",
    why="""Nothing may be done for a study before consent. Often the year of one of the dates is wrong; then windows and baselines
    count from the wrong day. Laboratory results and scans made in routine care before may be used, and are not asked about.""",
    example="SV: [{ USUBJID: D-01, VISITNUM: 1, SVSTDTC: 2026-01-04 }]",
    cure="SV: [{ USUBJID: D-01, VISITNUM: 1, SVSTDTC: 2026-01-05 }]",
    source="ICH E6(R3), informed consent",
)
def before_consent(study: StudyTables) -> Iterator[Found]:
    observed = study.checked is not None and study.protocol.study.type == "observational"
    for domain in (
        ("SV", "VS") if observed else ("SV", "EX", "VS")
    ):  # who is only observed may be on treatment long before
        rows = study.with_person(study.started(domain), "CONSENT_FIRST").filter(
            pl.col("LAST") < pl.col("CONSENT_FIRST")
        )
        message = say("{} lies before consent on {}", pl.col(STARTS[domain]), pl.col("CONSENT_FIRST"))
        yield found(domain, STARTS[domain], rows, message)


_WITHDRAWN = ("WITHDRAWAL OF CONSENT", "CONSENT WITHDRAWN", "WITHDRAWAL BY SUBJECT")


@data_check(
    "after-withdrawal-of-consent",
    WARNING,
    needs=("DM", "DS"),
    title="data were collected after consent was withdrawn",
    why="""Such data may not be used unless the withdrawal was of treatment alone. Say so in DSSCAT, with the treatment's name, or
    leave the records out.""",
    example="""
DS:
  - { USUBJID: D-01, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSDECOD: WITHDRAWAL BY SUBJECT, DSSTDTC: 2026-03-16 }
""",
    cure="""
DS:
  - { USUBJID: D-01, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSDECOD: WITHDRAWAL BY SUBJECT, DSSCAT: STUDY, DSSTDTC: 2026-03-17 }
""",
    source="ICH E6(R3), withdrawal of consent",
)
def after_withdrawal(study: StudyTables) -> Iterator[Found]:
    of_study = pl.col("DSSCAT").is_null() | plain(pl.col("DSSCAT")).is_in(OF_STUDY)
    withdrawn = (
        study.started("DS").filter(plain(pl.col("DSDECOD")).is_in(_WITHDRAWN) & of_study)
        .group_by("SUBJECT").agg(pl.col("LAST").min().alias("WITHDRAWN"))
    )  # fmt: skip
    for domain in ("SV", "EX", "LB", "VS", "TU", "TR", "RS", "FA") if withdrawn.height else ():
        rows = study.started(domain).join(withdrawn, on="SUBJECT", how="inner", maintain_order="left")
        rows = rows.filter(pl.col("FIRST") > pl.col("WITHDRAWN"))
        message = say(
            "{} lies after consent was withdrawn on {}", pl.col(STARTS[domain]), pl.col("WITHDRAWN")
        )
        yield found(domain, STARTS[domain], rows, message)
