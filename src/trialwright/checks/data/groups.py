"""Questions about groups and milestones: who belongs where, and from when time counts."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, say
from trialwright.checks.data.tables import StudyTables, plain, spoken
from trialwright.vocabulary.problems import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING

_CONTRACT = "docs/records.md, where a protocol finds its facts"


@data_check(
    "group-missing",
    WARNING,
    needs=("DM", "EX"),
    needs_protocol=True,
    base="prtras",
    title="somebody was treated and is in no group, though the protocol has several",
    why="An analysis that compares groups leaves such a person out, and nobody sees who is missing.",
    example="DM: [{ USUBJID: P-01, ARMCD: ~ }]",
    cure="DM: [{ USUBJID: P-01, ARMCD: NA AND PEGINTERFERON }]",
    source=_CONTRACT,
)
def group_missing(study: StudyTables) -> Iterator[Found]:
    if len(study.protocol.groups) < 2:
        return
    treated = study.doses.select("SUBJECT").unique()
    rows = study["DM"].filter(pl.col("ARMCD").is_null() & pl.col("ARMNRS").is_null())
    rows = rows.join(treated, on="SUBJECT", how="semi", maintain_order="left")
    yield found(
        "DM",
        "ARMCD",
        rows,
        "was treated, and no group is recorded",
        "write the group, or in ARMNRS why there is none",
    )


@data_check(
    "unknown-group",
    ERROR,
    needs=("DM",),
    needs_protocol=True,
    title="ARMCD is none of the protocol's groups",
    why="The person is counted in no group, or a group stays empty without a word.",
    example="DM: [{ USUBJID: D-01, ARMCD: DURVA }]",
    cure="DM: [{ USUBJID: D-01, ARMCD: DURVALUMAB AND ENTECAVIR }]",
    source=_CONTRACT,
)
def unknown_group(study: StudyTables) -> Iterator[Found]:
    groups = study.protocol.groups
    known = spoken(*groups, *(one.label for one in groups.values()), "SCRNFAIL", "NOTASSGN")
    rows = study["DM"].filter(~plain(pl.col("ARMCD")).is_in(known)) if groups else study["DM"].clear()
    message = say("`{}` is no group of the protocol", pl.col("ARMCD"))
    yield found("DM", "ARMCD", rows, message, f"write one of {', '.join(spoken(*groups))}")


@data_check(
    "treatment-of-another-group",
    WARNING,
    needs=("DM", "EX"),
    needs_protocol=True,
    base="prtras",
    title="somebody got a treatment of another group",
    why="""As planned, the analysis keeps such a person in the group that was decided; as treated, not. It has to be a decision, not
    a wrong name in a table.""",
    example="DM: [{ USUBJID: P-01, ARMCD: NA }]",
    cure="DM: [{ USUBJID: P-01, ARMCD: NA AND PEGINTERFERON }]",
    source="ICH E9, 5.2: the full analysis set",
)
def treatment_of_another_group(study: StudyTables) -> Iterator[Found]:
    protocol = study.protocol
    drugs = {name: spoken(name, one.label) for name, one in protocol.treatments.items()}
    doses = study.with_person(study.doses, "ARMCD").with_columns(plain(pl.col("ARMCD")).alias("GROUP"))
    for name, group in protocol.groups.items():
        others = [word for drug, words in drugs.items() if drug not in group.treatments for word in words]
        rows = doses.filter(pl.col("GROUP").is_in(spoken(name, group.label)), pl.col("DRUG").is_in(others))
        rows = rows.sort("FIRST", "ROW").unique(["SUBJECT", "DRUG"], keep="first", maintain_order=True)
        yield found(
            "EX", "EXTRT", rows, say("`{}` is no treatment of group `{}`", pl.col("EXTRT"), pl.col("ARMCD"))
        )


@data_check(
    "milestone-twice",
    ERROR,
    needs=("DS",),
    title="a milestone has several dates",
    why="Time counts from milestones. With two dates of one, every window, baseline and time of this person is open.",
    example="DS: [{ USUBJID: D-01, DSSEQ: 8, DSCAT: PROTOCOL MILESTONE, DSDECOD: ENROLMENT, DSSTDTC: 2026-01-20 }]",
    cure="DS: [{ USUBJID: D-01, DSSEQ: 8, DSCAT: PROTOCOL MILESTONE, DSDECOD: RE-CONSENT, DSSTDTC: 2026-01-20 }]",
    source=_CONTRACT,
    left_out="the milestone: its date counts as unknown",
)
def milestone_twice(study: StudyTables) -> Iterator[Found]:
    rows = study["DS"].filter(pl.col("DSCAT") == "PROTOCOL MILESTONE", pl.col("SUBJECT").is_not_null())
    rows = rows.with_columns(plain(pl.col("DSDECOD")).alias("WHAT"))
    one = ["SUBJECT", "WHAT"]
    if study.checked is None:  # nobody says which milestones can come once only
        once = pl.lit(True)
    else:
        once = pl.col("WHAT").is_in(spoken(*study.checked.protocol.anchors))
    rows = rows.filter(once, pl.col("DSSTDTC").n_unique().over(one) > 1)
    dates = pl.col("DSSTDTC").fill_null("without a date").unique().sort().str.join(", ").over(one)
    yield found("DS", "DSSTDTC", rows, say("{} has the dates {}", pl.col("DSDECOD"), dates))


@data_check(
    "milestone-missing",
    WARNING,
    needs=("DM", "DS", "EX"),
    needs_protocol=True,
    base="prtras",
    title="somebody was treated and a milestone of the protocol is not recorded",
    why="""What counts from the milestone is unknown for this person: the group, the time zero, the windows of criteria. In a study
    that is not randomised, a missing day of assignment lets time without treatment count for it.""",
    example="DS: [{ USUBJID: P-01, DSSEQ: 2, DSSTDTC: ~ }]",
    cure="DS: [{ USUBJID: P-01, DSSEQ: 2, DSSTDTC: 2026-02-02 }]",
    source=_CONTRACT,
    left_out="what counts from the milestone",
)
def milestone_missing(study: StudyTables) -> Iterator[Found]:
    treated = study["DM"].join(
        study.doses.select("SUBJECT").unique(), on="SUBJECT", how="semi", maintain_order="left"
    )
    milestones = study.started("DS").filter(
        pl.col("DSCAT") == "PROTOCOL MILESTONE", pl.col("FIRST").is_not_null()
    )
    for name, anchor in study.protocol.anchors.items():
        if anchor.at is None and name != "consent":
            held = milestones.filter(plain(pl.col("DSDECOD")).is_in(spoken(name, anchor.label)))
            rows = treated.join(held, on="SUBJECT", how="anti", maintain_order="left").drop("ROW")
            yield found("DS", "DSSTDTC", rows, f"no date of the milestone {spoken(name)[0]} is recorded")


@data_check(
    "treatment-before-eligibility",
    WARNING,
    needs=("DM", "DS", "EX"),
    needs_protocol=True,
    title="a study treatment began before eligibility was confirmed",
    why="Somebody was treated of whom nobody had said yet that they may be.",
    example="EX: [{ USUBJID: D-01, EXSEQ: 1, EXSTDTC: 2026-01-18, EXENDTC: 2026-01-18 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 1, EXSTDTC: 2026-01-20, EXENDTC: 2026-01-20 }]",
    source="ICH E6(R3): treatment follows the protocol",
)
def treatment_before_eligibility(study: StudyTables) -> Iterator[Found]:
    protocol = study.protocol
    judged_at = protocol.eligibility.at
    if protocol.study.type != "interventional" or judged_at not in protocol.anchors:
        return
    known = spoken(judged_at, protocol.anchors[judged_at].label)
    confirmed = (
        study.started("DS").filter(pl.col("DSCAT") == "PROTOCOL MILESTONE", plain(pl.col("DSDECOD")).is_in(known))
        .group_by("SUBJECT").agg(pl.col("FIRST").min().alias("CONFIRMED"))
    )  # fmt: skip
    rows = study.doses.join(confirmed, on="SUBJECT", how="inner", maintain_order="left")
    rows = rows.filter(pl.col("LAST") < pl.col("CONFIRMED"))
    message = say(
        "{} of {} lies before eligibility was confirmed on {}",
        pl.col("EXSTDTC"),
        pl.col("EXTRT"),
        pl.col("CONFIRMED"),
    )
    yield found("EX", "EXSTDTC", rows, message)
