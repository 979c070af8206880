"""Questions about adverse events: grade, seriousness, outcome, death."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, say
from trialwright.checks.data.tables import StudyTables, plain
from trialwright.vocabulary.problems import Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_CTCAE = "CTCAE v5.0, NCI, 27 November 2017: grade 5 is death related to the event"
_E2A = "ICH E2A, II.B: what makes an event serious"

_IS_FATAL = (pl.col("AEOUT") == "FATAL").fill_null(False) | (pl.col("AESDTH") == "Y").fill_null(False)
_CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")


@data_check(
    "grade-5-without-death",
    ERROR,
    needs=("DM", "AE"),
    title="an event has grade 5 and DM knows of no death",
    why="Either a death is missing from survival, or an event counts as fatal that was not.",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '5', AESER: Y, AEOUT: ~ }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '4', AESER: Y, AEOUT: ~ }]",
    source=_CTCAE,
)
def grade_5_without_death(study: StudyTables) -> Iterator[Found]:
    rows = study.with_person(study["AE"].filter(pl.col("AETOXGR") == "5"), "IS_DEAD").filter(
        ~pl.col("IS_DEAD")
    )
    yield found("AE", "AETOXGR", rows, "grade 5, and DM has neither DTHFL nor DTHDTC")


@data_check(
    "fatal-event-below-grade-5",
    WARNING,
    needs=("AE",),
    title="an event was fatal and has a grade below 5",
    why="Tables of worst grades show no death where there was one.",
    example="AE: [{ USUBJID: D-02, AESEQ: 1, AETOXGR: '4' }]",
    cure="AE: [{ USUBJID: D-02, AESEQ: 1, AETOXGR: '5' }]",
    source=_CTCAE,
)
def fatal_below_grade_5(study: StudyTables) -> Iterator[Found]:
    rows = study["AE"].filter(_IS_FATAL, pl.col("AETOXGR") < "5")
    yield found("AE", "AETOXGR", rows, say("fatal, and grade {}", pl.col("AETOXGR")))


@data_check(
    "grade-5-not-fatal",
    WARNING,
    needs=("AE",),
    title="an event has grade 5 and another outcome than death",
    why="Grade and outcome contradict each other; one of them is wrong.",
    example="AE: [{ USUBJID: D-02, AESEQ: 1, AEOUT: RECOVERED/RESOLVED }]",
    cure="AE: [{ USUBJID: D-02, AESEQ: 1, AEOUT: FATAL }]",
    source=_CTCAE,
)
def grade_5_not_fatal(study: StudyTables) -> Iterator[Found]:
    rows = study["AE"].filter(pl.col("AETOXGR") == "5", pl.col("AEOUT") != "FATAL")
    yield found("AE", "AEOUT", rows, say("grade 5, and the outcome is {}", pl.col("AEOUT")))


@data_check(
    "death-without-cause",
    INFO,
    needs=("DM", "AE"),
    title="somebody died; no adverse event was fatal, and treatment did not end for progression",
    why="""Who dies of the tumour needs no fatal event. Of this death the data give no cause at all, so nobody can say whether the
    treatment did it.""",
    example="AE: [{ USUBJID: D-02, AESEQ: 1, AETOXGR: '3', AEOUT: NOT RECOVERED/NOT RESOLVED, AESDTH: N }]",
    cure="AE: [{ USUBJID: D-02, AESEQ: 1, AETOXGR: '5', AEOUT: FATAL, AESDTH: Y }]",
    source=_CTCAE,
)
def death_without_cause(study: StudyTables) -> Iterator[Found]:
    fatal = study["AE"].filter(_IS_FATAL | (pl.col("AETOXGR") == "5"))
    words = pl.concat_str(plain(pl.col("DSDECOD")), plain(pl.col("DSTERM")), separator=" ", ignore_nulls=True)
    ended = study["DS"].filter(words.str.contains(r"PROGRESS|DISEASE RELAPSE"))
    rows = study.persons.filter(pl.col("IS_DEAD")).with_columns(pl.lit(None, pl.Int64).alias("SEQ"))
    for told in (fatal, ended):
        rows = rows.join(told, on="SUBJECT", how="anti", maintain_order="left")
    yield found("DM", "DTHFL", rows, "died, and no record tells of what")


@data_check(
    "seriousness-missing",
    WARNING,
    needs=("AE",),
    title="an event of grade 4 or 5 does not say whether it was serious",
    why="""A life-threatening event is serious by definition and has to be reported within days. Nobody can tell whether it
    was.""",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '4', AESER: ~ }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '3', AESER: ~ }]",
    source=_E2A,
)
def seriousness_missing(study: StudyTables) -> Iterator[Found]:
    rows = study["AE"].filter(
        pl.col("AETOXGR").is_in(["4", "5"]), pl.col("AESER").is_null() | pl.col("AESER").is_in(["U", "NA"])
    )
    yield found("AE", "AESER", rows, say("grade {}, and AESER does not say", pl.col("AETOXGR")))


@data_check(
    "seriousness-contradicts",
    WARNING,
    needs=("AE",),
    title="an event is called not serious, and fulfils a criterion of seriousness",
    why="Death, danger to life, a stay in hospital, disability make an event serious. It would be missing in the table of serious events.",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AESER: N, AESHOSP: Y }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AESER: Y, AESHOSP: Y }]",
    source=_E2A,
)
def seriousness_contradicts(study: StudyTables) -> Iterator[Found]:
    told = [pl.when(pl.col(name) == "Y").then(pl.lit(name)) for name in _CRITERIA]
    grade = pl.when(pl.col("AETOXGR") == "5").then(pl.lit("grade 5"))
    rows = study["AE"].with_columns(pl.coalesce(*told, grade).alias("WHY"))
    rows = rows.filter(pl.col("AESER") == "N", pl.col("WHY").is_not_null())
    yield found("AE", "AESER", rows, say("N, and {} says that it was", pl.col("WHY")))


@data_check(
    "event-twice",
    WARNING,
    needs=("AE",),
    title="one event stands twice: of the same term, start, end and grade",
    why="It is counted twice wherever events rather than persons are counted. Often it was entered anew at each visit.",
    example="""
AE:
  - { USUBJID: D-01, AESEQ: 2, AEDECOD: Fatigue, AESTDTC: 2026-02-24, AEENDTC: 2026-03-10, AETOXGR: '2', AESER: N, AEREL: RELATED }
""",
    cure="""
AE:
  - { USUBJID: D-01, AESEQ: 2, AEDECOD: Fatigue, AESTDTC: 2026-03-24, AEENDTC: 2026-03-26, AETOXGR: '2', AESER: N, AEREL: RELATED }
""",
    source="CDISC SDTM Implementation Guide 3.4, AE: one record for each event",
)
def event_twice(study: StudyTables) -> Iterator[Found]:
    key = ["SUBJECT", "WHAT", "AESTDTC", "AEENDTC", "AETOXGR", "AESEV"]
    rows = study["AE"].filter(pl.col("SUBJECT").is_not_null(), pl.col("AESTDTC").is_not_null())
    term = pl.concat_str(
        plain(pl.coalesce("AEDECOD", "AETERM")),
        plain(pl.col("AETERM")),
        plain(pl.col("AELOC")),
        separator="|",
        ignore_nulls=True,
    )
    rows = rows.with_columns(term.alias("WHAT"))
    rows = rows.filter(pl.struct(key).is_duplicated())
    message = say("{} beginning on {} stands twice", pl.coalesce("AEDECOD", "AETERM"), pl.col("AESTDTC"))
    yield found("AE", "AEDECOD", rows, message)


def _grades(study: StudyTables) -> bool:
    return any(one.grading is not None for one in study.protocol.endpoints.values())


@data_check(
    "grade-missing",
    WARNING,
    needs=("AE",),
    needs_protocol=True,
    title="an event has no grade, and the protocol counts grades",
    why="It can only be counted apart, or as the setting `missing grade` says; the worst grade of the person may be too low.",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: ~ }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AETOXGR: '2' }]",
    source="the protocol's `grading`",
)
def grade_missing(study: StudyTables) -> Iterator[Found]:
    if _grades(study):
        yield found("AE", "AETOXGR", study["AE"].filter(pl.col("AETOXGR").is_null()), "no grade")


@data_check(
    "relation-missing",
    INFO,
    needs=("AE",),
    needs_protocol=True,
    title="an event does not say whether treatment caused it",
    why="Related events are counted as the setting `missing relation` says: as related, or apart.",
    example="AE: [{ USUBJID: D-01, AESEQ: 1, AEREL: ~ }]",
    cure="AE: [{ USUBJID: D-01, AESEQ: 1, AEREL: NOT RELATED }]",
    source="the protocol's `grading`",
)
def relation_missing(study: StudyTables) -> Iterator[Found]:
    if _grades(study):
        yield found("AE", "AEREL", study["AE"].filter(pl.col("AEREL").is_null()), "no causality")


@data_check(
    "cause-of-nothing",
    WARNING,
    needs=("FA",),
    title="a judged cause is linked to a record that is not there",
    why="The judgement cannot be shown beside what was judged, and the event looks as if nobody had.",
    example="""
FA:
  - { USUBJID: D-01, FASEQ: 80, FATESTCD: CAUSE, FAOBJ: Fatigue, FASTRESC: DRUG, FADTC: 2026-03-01, FALNKID: AE.7 }
""",
    cure="""
FA:
  - { USUBJID: D-01, FASEQ: 80, FATESTCD: CAUSE, FAOBJ: Fatigue, FASTRESC: DRUG, FADTC: 2026-03-01, FALNKID: AE.1 }
""",
    source="docs/records.md, where a protocol finds its facts",
    left_out="the judgement",
)
def cause_of_nothing(study: StudyTables) -> Iterator[Found]:
    rows = study["FA"].filter(
        pl.col("FATESTCD") == "CAUSE", pl.col("FALNKID").is_not_null(), pl.col("SUBJECT").is_not_null()
    )
    known = pl.concat(
        [
            study[domain].select("SUBJECT", pl.format(f"{domain}.{{}}", "SEQ").alias("FALNKID"))
            for domain in ("AE", "LB")
        ]
    ).drop_nulls()
    rows = rows.join(known, on=["SUBJECT", "FALNKID"], how="anti", maintain_order="left")
    yield found("FA", "FALNKID", rows, say("`{}` is no record of the subject", pl.col("FALNKID")))
