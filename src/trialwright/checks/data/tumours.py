"""Questions about lesions: baselines, targets, sums of their diameters."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.lesions import COURSE, in_mm, read, sums, targets
from trialwright.checks.data.registry import Found, data_check, found, number, say
from trialwright.checks.data.tables import StudyTables
from trialwright.medicine.recist.criteria import MEASURABLE_1_1
from trialwright.vocabulary.problems import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING

_RECIST = "Eisenhauer et al., Eur J Cancer 2009;45:228-247 (RECIST 1.1)"

SUM_TOLERANCE_MM = 1.0
"""A sum of rounded diameters may be this far from their sum, itself included."""


# --- lesions ----------------------------------------------------------------------------------------------------------


def _lesion(words: str) -> str:
    return f"TR: [{{ USUBJID: D-01, {words} }}]"


def _small(mm: str) -> str:
    rest = [
        f"{{ USUBJID: D-01, TRSEQ: {seq}, TRSTRESN: {value} }}" for seq, value in ((3, 50), (5, 10), (6, 50))
    ]
    return f"TR: [{{ USUBJID: D-01, TRSEQ: 2, TRSTRESN: {mm} }}, {', '.join(rest)}]"


@data_check(
    "lesion-not-identified",
    WARNING,
    needs=("TR", "TU"),
    title="a lesion is measured that TU does not identify",
    why="Nobody knows whether it is a target, a known lesion or a new one, which would be progression.",
    example=_lesion(
        "TRSEQ: 40, TRLNKID: T9, TRTESTCD: TUMSTATE, TRSTRESC: PRESENT, TRDTC: 2026-03-17, VISITNUM: 4"
    ),
    cure=_lesion(
        "TRSEQ: 40, TRLNKID: NT1, TRTESTCD: TUMSTATE, TRSTRESC: PRESENT, TRDTC: 2026-03-17, VISITNUM: 4"
    ),
    source="CDISC SDTM Implementation Guide 3.4, TR: TRLNKID leads to TULNKID",
    left_out="the lesion, unless TRGRPID says what it is followed as",
)
def lesion_not_identified(study: StudyTables) -> Iterator[Found]:
    rows = read(study, "TR").filter(pl.col("TRLNKID").is_not_null())
    known = study["TU"].select("SUBJECT", pl.col("TULNKID").alias("TRLNKID")).drop_nulls().unique()
    rows = rows.join(known, on=["SUBJECT", "TRLNKID"], how="anti", maintain_order="left")
    yield found("TR", "TRLNKID", rows, say("TU has no lesion `{}` of the subject", pl.col("TRLNKID")))


@data_check(
    "target-not-at-baseline",
    WARNING,
    needs=("TR", "TU"),
    title="a target was not measured at baseline",
    why="A sum with it cannot be compared with a baseline without it; what is large now may have been large then.",
    example="""
TU: [{ USUBJID: D-01, TUSEQ: 9, TULNKID: T3, TUSTRESC: TARGET, TULOC: LUNG, TUDTC: 2026-03-17, VISITNUM: 4 }]
TR: [{ USUBJID: D-01, TRSEQ: 40, TRLNKID: T3, TRTESTCD: DIAMETER, TRSTRESN: 12, TRSTRESU: mm, TRDTC: 2026-03-17, VISITNUM: 4 }]
""",
    cure="""
TU: [{ USUBJID: D-01, TUSEQ: 9, TULNKID: T3, TUSTRESC: NEW, TULOC: LUNG, TUDTC: 2026-03-17, VISITNUM: 4 }]
TR: [{ USUBJID: D-01, TRSEQ: 40, TRLNKID: T3, TRTESTCD: DIAMETER, TRSTRESN: 12, TRSTRESU: mm, TRDTC: 2026-03-17, VISITNUM: 4 }]
""",
    source=_RECIST + ", 4.3.1",
    left_out="the lesion's diameter",
)
def target_not_at_baseline(study: StudyTables) -> Iterator[Found]:
    rows = targets(study)
    is_late = ~pl.col("IS_BASELINE").any().over(*COURSE, "TRLNKID") & pl.col("IS_BASELINE").any().over(COURSE)
    rows = rows.filter(is_late).unique([*COURSE, "TRLNKID"], keep="first", maintain_order=True)
    message = say(
        "target `{}` was first measured on {}, after the baseline", pl.col("TRLNKID"), pl.col("TRDTC")
    )
    yield found("TR", "TRLNKID", rows, message)


@data_check(
    "size-without-number",
    ERROR,
    needs=("TR",),
    title="the size of a lesion is no number",
    why="""`40,5` could be forty or four hundred. Without the size the assessment cannot be evaluated, and nobody has looked.""",
    example=_lesion(
        "TRSEQ: 40, TRLNKID: NT1, TRTESTCD: DIAMETER, TRORRES: '40,5', TRORRESU: mm, TRDTC: 2026-03-17, VISITNUM: 4"
    ),
    cure=_lesion(
        "TRSEQ: 40, TRLNKID: NT1, TRTESTCD: DIAMETER, TRORRES: '40.5', TRORRESU: mm, TRDTC: 2026-03-17, VISITNUM: 4"
    ),
    source="CDISC SDTM Implementation Guide 3.4, TR",
    left_out="the size",
)
def size_without_number(study: StudyTables) -> Iterator[Found]:
    told = pl.coalesce("TRORRES", "TRSTRESC").str.strip_chars()
    is_number = (
        pl.col("TRSTRESN").is_not_null()
        | pl.col("TRORRES").str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
    )
    is_done = (pl.col("TRSTAT") == "NOT DONE").fill_null(value=False).not_()
    is_measured = pl.col("TRTESTCD").is_in(["DIAMETER", "LDIAM", "LPERP", "SAXIS"])
    rows = study["TR"].filter(is_measured & is_done & ~is_number & told.is_not_null())
    yield found("TR", "TRSTRESN", rows, say("the size of `{}` is `{}`", pl.col("TRLNKID"), told))


@data_check(
    "target-too-small",
    WARNING,
    needs=("TR", "TU"),
    title="a target is too small at baseline to be one",
    why="The error of measurement of a small lesion is as large as the change that would be progression.",
    example=_small("9.9"),
    cure=_small("10"),
    source=_RECIST + ", 3.1.1: 10 mm, nodes 15 mm in the short axis",
)
def target_too_small(study: StudyTables) -> Iterator[Found]:
    limits = MEASURABLE_1_1
    least = pl.when(pl.col("IS_NODE")).then(limits.node_mm).otherwise(limits.least_mm)
    rows = targets(study).filter(pl.col("IS_BASELINE"), pl.col("MM") < least)
    message = say(
        "target `{}` measures {} mm at baseline, at least {}",
        pl.col("TRLNKID"),
        number(pl.col("MM")),
        number(least),
    )
    yield found("TR", "TRSTRESN", rows, message)


@data_check(
    "too-many-targets",
    WARNING,
    needs=("TR", "TU"),
    title="more targets are followed than RECIST allows",
    why="Five at most, and two in an organ: with more, responses are not those of the criteria that the protocol names.",
    example="\n".join(
        [
            "TU: [{ USUBJID: D-01, TUSEQ: 9, TULNKID: T3, TUSTRESC: TARGET, TULOC: LIVER, TUDTC: 2026-01-12, VISITNUM: 1 }]",
            "TR: [{ USUBJID: D-01, TRSEQ: 40, TRLNKID: T3, TRTESTCD: DIAMETER, TRSTRESN: 12, TRSTRESU: mm, TRDTC: 2026-01-12, VISITNUM: 1 },",
            "     { USUBJID: D-01, TRSEQ: 41, TRLNKID: T3, TRTESTCD: DIAMETER, TRSTRESN: 12, TRSTRESU: mm, TRDTC: 2026-03-17, VISITNUM: 4 },",
            "     { USUBJID: D-01, TRSEQ: 3, TRSTRESN: 74 }, { USUBJID: D-01, TRSEQ: 6, TRSTRESN: 72 }]",
        ]
    ),
    cure="\n".join(
        [
            "TU: [{ USUBJID: D-01, TUSEQ: 9, TULNKID: T3, TUSTRESC: TARGET, TULOC: LUNG, TUDTC: 2026-01-12, VISITNUM: 1 }]",
            "TR: [{ USUBJID: D-01, TRSEQ: 40, TRLNKID: T3, TRTESTCD: DIAMETER, TRSTRESN: 12, TRSTRESU: mm, TRDTC: 2026-01-12, VISITNUM: 1 },",
            "     { USUBJID: D-01, TRSEQ: 41, TRLNKID: T3, TRTESTCD: DIAMETER, TRSTRESN: 12, TRSTRESU: mm, TRDTC: 2026-03-17, VISITNUM: 4 },",
            "     { USUBJID: D-01, TRSEQ: 3, TRSTRESN: 74 }, { USUBJID: D-01, TRSEQ: 6, TRSTRESN: 72 }]",
        ]
    ),
    source=_RECIST + ", 4.2",
)
def too_many_targets(study: StudyTables) -> Iterator[Found]:
    limits = MEASURABLE_1_1
    organ = (
        pl.when(pl.col("IS_NODE")).then(pl.lit("LYMPH NODES")).otherwise(pl.col("TULOC").str.to_uppercase())
    )
    rows = targets(study).filter(pl.col("IS_BASELINE")).with_columns(organ.alias("ORGAN"))
    rows = rows.unique([*COURSE, "TRLNKID"], keep="first", maintain_order=True).with_columns(
        pl.len().over(COURSE).alias("N"), pl.len().over(*COURSE, "ORGAN").alias("N_ORGAN")
    )
    in_organ = (pl.col("N_ORGAN") > limits.most_targets_in_an_organ) & pl.col("ORGAN").is_not_null()
    rows = rows.filter((pl.col("N") > limits.most_targets) | in_organ).unique(
        COURSE, keep="first", maintain_order=True
    )
    message = (
        pl.when(pl.col("N") > limits.most_targets).then(say(f"{{}} targets, at most {limits.most_targets}", pl.col("N")))
        .otherwise(say(f"{{}} targets in {{}}, at most {limits.most_targets_in_an_organ}", pl.col("N_ORGAN"), pl.col("ORGAN")))
    )  # fmt: skip
    yield found("TR", "TRLNKID", rows, message)


# --- sums -------------------------------------------------------------------------------------------------------------


def _given_sums(study: StudyTables) -> pl.DataFrame:
    given = in_mm(read(study, "TR")).filter(pl.col("TRTESTCD") == "SUMDIAM", pl.col("MM").is_not_null())
    points = sums(study).drop("FIRST", "IS_BASELINE")
    expected = points.select(*COURSE, pl.col("N_TARGETS").alias("N_EXPECTED")).unique()
    given = given.join(points, on=[*COURSE, "POINT"], how="left", maintain_order="left")
    return given.join(expected, on=COURSE, maintain_order="left")


@data_check(
    "sum-without-target",
    ERROR,
    needs=("TR", "TU"),
    title="a sum of diameters is given though a target was not measured",
    why="""The sum leaves something out and looks like shrinkage. Derivations add up the lesions themselves, and without one of them
    the assessment cannot be judged, unless what was measured is progression already.""",
    example=_lesion("TRSEQ: 5, TRSTRESN: ~"),
    cure=_lesion("TRSEQ: 5, TRSTRESN: 20"),
    source=_RECIST + ", 4.4.2: when not all targets were measured",
    left_out="the sum",
)
def sum_without_target(study: StudyTables) -> Iterator[Found]:
    rows = _given_sums(study).with_columns(pl.col("N_MEASURED").fill_null(0))
    rows = rows.filter(pl.col("N_MEASURED") < pl.col("N_EXPECTED"))
    message = say(
        "sum of {} mm, and {} of {} targets were measured",
        number(pl.col("MM")),
        pl.col("N_MEASURED"),
        pl.col("N_EXPECTED"),
    )
    yield found("TR", "TRSTRESN", rows, message)


@data_check(
    "sum-not-of-its-lesions",
    ERROR,
    needs=("TR", "TU"),
    title="a sum of diameters is not the sum of its lesions",
    why="A response is read from the sum. Derivations add up the lesions; where a reader used another sum, the two disagree.",
    example=_lesion("TRSEQ: 6, TRSTRESN: 61.5"),
    cure=_lesion("TRSEQ: 6, TRSTRESN: 61"),
    source=_RECIST + f", 4.3.1; {SUM_TOLERANCE_MM:g} mm passes, for rounded diameters",
    left_out="the sum: the lesions' own is used",
)
def sum_not_of_its_lesions(study: StudyTables) -> Iterator[Found]:
    rows = _given_sums(study).filter(
        pl.col("N_MEASURED") == pl.col("N_EXPECTED"),
        (pl.col("MM") - pl.col("SUM")).abs() > SUM_TOLERANCE_MM * (1 + 1e-9),
    )
    yield found(
        "TR",
        "TRSTRESN",
        rows,
        say("sum of {} mm, its lesions make {} mm", number(pl.col("MM")), number(pl.col("SUM"))),
    )
