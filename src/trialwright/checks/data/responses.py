"""Questions about responses and those who read them."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.lesions import COURSE, read, sums
from trialwright.checks.data.registry import Found, data_check, found, number, of_dataset, say
from trialwright.checks.data.tables import StudyTables, plain
from trialwright.derivations.tumour_records import FACTS, criteria_named
from trialwright.medicine.recist.responses import ImmuneResponse, Response, decode
from trialwright.medicine.recist.targets import compare_sums
from trialwright.vocabulary.problems import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING

_RECIST = "Eisenhauer et al., Eur J Cancer 2009;45:228-247 (RECIST 1.1)"


def _response(words: str) -> str:
    return f"RS: [{{ USUBJID: D-01, {words} }}]"


@data_check(
    "response-contradicts-sums",
    WARNING,
    needs=("RS", "TR", "TU"),
    title="the response of the targets given is not the one their diameters make",
    why="""Growth counts from the smallest sum so far, shrinkage from the baseline. A reader who took the baseline for both misses
    progression after response.""",
    example=_response("RSSEQ: 1, RSSTRESC: PR"),
    cure=_response("RSSEQ: 1, RSSTRESC: SD"),
    source=_RECIST + ", 4.3.1",
)
def response_contradicts_sums(study: StudyTables) -> Iterator[Found]:
    points = (
        sums(study)
        .filter(
            pl.col("N_MEASURED") == pl.col("N_TARGETS"), ~pl.col("IS_DOUBTFUL"), pl.col("FIRST").is_not_null()
        )
        .sort(*COURSE, "FIRST", "POINT")
    )
    before = pl.col("SUM").cum_min().shift(1).over(COURSE)
    baseline = pl.col("SUM").filter(pl.col("IS_BASELINE")).first().over(COURSE)
    points = points.with_columns(before.alias("NADIR"), baseline.alias("BASE")).filter(~pl.col("IS_BASELINE"))
    codes = compare_sums(
        points["SUM"].to_numpy(),
        baseline_mm=points["BASE"].fill_null(float("nan")).to_numpy(),
        nadir_mm=points["NADIR"].fill_null(float("nan")).to_numpy(),
        is_complete=True,
        is_gone=points["IS_GONE"].fill_null(value=False).to_numpy(),
    )
    derived = pl.Series("DERIVED", decode(Response, codes), pl.String)
    points = points.with_columns(derived).select(*COURSE, "POINT", "DERIVED", "SUM", "BASE", "NADIR")
    given = read(study, "RS").filter(pl.col("RSTESTCD") == "TRGRESP", criteria_named() == "RECIST 1.1")
    rows = given.join(points, on=[*COURSE, "POINT"], maintain_order="left").sort(*COURSE, "FIRST")
    # a partial response may be kept until progression, though the sum is back within 30 % of the baseline
    held = (
        (pl.col("WORD") == "PR")
        & (pl.col("DERIVED") == "SD")
        & (pl.col("WORD").shift(1).over(COURSE) == "PR")
    )
    known = [word.word for word in (Response.CR, Response.PR, Response.SD, Response.PD)]
    rows = rows.filter(
        pl.col("WORD") != pl.col("DERIVED"),
        pl.col("WORD").is_in(known),
        pl.col("DERIVED") != "NE",
        ~held.fill_null(False),
    )
    message = say(
        "{} given; {} mm after {} at baseline and {} at the least is {}",
        pl.col("WORD"), *(number(pl.col(name)) for name in ("SUM", "BASE", "NADIR")), pl.col("DERIVED"),
    )  # fmt: skip
    yield found("RS", "RSSTRESC", rows.sort("ROW"), message)


_WORDS = {
    "RECIST 1.1": {word.word for word in Response if word is not Response.MISSING} | {"NED", "NA"},
    "IRECIST": {word.word.upper() for word in ImmuneResponse if word is not ImmuneResponse.MISSING}
    | {"NED", "NA"},
}


@data_check(
    "unknown-response",
    ERROR,
    needs=("RS",),
    title="a response is no word of its criteria",
    why="What is no response can be no event and no response; the assessment counts as one that cannot be read.",
    example=_response("RSSEQ: 2, RSSTRESC: CHECK"),
    cure=_response("RSSEQ: 2, RSSTRESC: SD"),
    source=_RECIST + "; Seymour et al., Lancet Oncol 2017;18:e143-e152 (iRECIST)",
    left_out="the response",
)
def unknown_response(study: StudyTables) -> Iterator[Found]:
    rows = read(study, "RS").filter(
        pl.col("RSTESTCD").is_in(["OVRLRESP", "TRGRESP", "NTRGRESP"]), pl.col("WORD").is_not_null()
    )
    for criteria, words in _WORDS.items():
        wrong = rows.filter(criteria_named() == criteria, ~pl.col("WORD").is_in(sorted(words)))
        message = say("`{}` is no response of {}", pl.coalesce("RSSTRESC", "RSORRES"), pl.col("RSCAT"))
        yield found("RS", "RSSTRESC", wrong, message)


@data_check(
    "criteria-not-read",
    WARNING,
    needs=("RS",),
    title="an overall response is by criteria that nothing reads",
    why="""Responses by RECIST 1.1 and iRECIST are read, and RSCAT says by which a response is. One without, or by others, is kept
    and no endpoint sees it: a progression among them is none.""",
    example=_response("RSSEQ: 9, RSTESTCD: OVRLRESP, RSCAT: ~, RSSTRESC: PD, RSDTC: 2026-03-17, VISITNUM: 4"),
    cure=_response(
        "RSSEQ: 9, RSTESTCD: OVRLRESP, RSCAT: RECIST v1.1, RSSTRESC: SD, RSDTC: 2026-04-14, VISITNUM: 5"
    ),
    source="CDISC SDTMIG, RS: RSCAT names the criteria",
    left_out="the response",
)
def criteria_not_read(study: StudyTables) -> Iterator[Found]:
    rows = read(study, "RS").filter(
        pl.col("RSTESTCD") == "OVRLRESP", pl.col("WORD").is_not_null(), criteria_named().is_null()
    )
    message = say(
        f"{{}} by `{{}}`: read are {' and '.join(FACTS)}", pl.col("WORD"), pl.col("RSCAT").fill_null("")
    )
    yield found("RS", "RSCAT", rows, message)


@data_check(
    "two-overall-responses",
    WARNING,
    needs=("RS",),
    title="one reader gives two overall responses for one visit or one day",
    why="""Two that differ on one day cannot both hold, and nobody knows which. Two days of one visit are two assessments under one
    name: one of the dates may be wrong.""",
    example=_response(
        "RSSEQ: 9, RSTESTCD: OVRLRESP, RSCAT: RECIST 1.1, RSSTRESC: PD, RSDTC: 2026-03-17, VISITNUM: 4"
    ),
    cure=_response(
        "RSSEQ: 9, RSTESTCD: OVRLRESP, RSCAT: RECIST 1.1, RSSTRESC: SD, RSDTC: 2026-04-14, VISITNUM: 5"
    ),
    source=_RECIST + ", 4.5: one response at a time point",
)
def two_overall_responses(study: StudyTables) -> Iterator[Found]:
    rows = read(study, "RS").filter(pl.col("RSTESTCD") == "OVRLRESP", pl.col("WORD").is_not_null())
    one_day, one_visit = [*COURSE, "RSCAT", "FIRST"], [*COURSE, "RSCAT", "VISITNUM"]
    differ = (pl.col("WORD").n_unique().over(one_day) > 1) & pl.col("FIRST").is_not_null()
    apart = (pl.col("FIRST").n_unique().over(one_visit) > 1) & pl.col("VISITNUM").is_not_null()
    words = pl.col("WORD").unique().sort().str.join(" and ").over(one_day)
    days = (
        pl.col("FIRST").cast(pl.String).fill_null("no date").unique().sort().str.join(" and ").over(one_visit)
    )
    visit = pl.col("VISITNUM").cast(pl.String).str.strip_suffix(".0")
    rows = rows.with_columns(
        pl.when(differ)
        .then(say("{} on {}", words, pl.col("FIRST")))
        .when(apart)
        .then(say("visit {} on {}", visit, days))
        .alias("TOLD")
    ).filter(pl.col("TOLD").is_not_null())
    yield found("RS", "RSSTRESC", rows, pl.col("TOLD"))


@data_check(
    "disease-after-complete-response",
    WARNING,
    needs=("RS",),
    title="disease is seen after a complete response, and it is not called progression",
    why="""After a complete response a lesion that is back is progression. PR or SD after CR means that there was no CR, or that PD was
    missed.""",
    example=_response(
        "RSSEQ: 9, RSTESTCD: OVRLRESP, RSCAT: RECIST 1.1, RSSTRESC: CR, RSDTC: 2026-02-17, VISITNUM: 3"
    ),
    cure=_response(
        "RSSEQ: 9, RSTESTCD: OVRLRESP, RSCAT: RECIST 1.1, RSSTRESC: PR, RSDTC: 2026-02-17, VISITNUM: 3"
    ),
    source=_RECIST + ", 4.6 and table 3",
)
def disease_after_complete_response(study: StudyTables) -> Iterator[Found]:
    rows = (
        read(study, "RS")
        .filter(
            pl.col("RSTESTCD") == "OVRLRESP",
            criteria_named() == "RECIST 1.1",
            pl.col("FIRST").is_not_null(),
        )
        .sort(*COURSE, "FIRST", "ROW")
    )
    earlier = (pl.col("WORD") == "CR").cum_sum().shift(1).over(COURSE) > 0
    progressed = (pl.col("WORD") == "PD").cum_sum().over(COURSE) > 0
    rows = rows.filter(pl.col("WORD").is_in(["PR", "SD", "NON-CR/NON-PD"]), earlier, ~progressed).sort("ROW")
    yield found(
        "RS", "RSSTRESC", rows, say("{} on {}, after a complete response", pl.col("WORD"), pl.col("RSDTC"))
    )


@data_check(
    "new-lesion-not-identified",
    WARNING,
    needs=("RS", "TU"),
    title="a reader answers that there is a new lesion, and TU has none",
    why="A new lesion is progression. Without its record nobody can look at it again, which iRECIST asks for.",
    example=_response(
        "RSSEQ: 9, RSTESTCD: NEWLPROG, RSCAT: RECIST 1.1, RSSTRESC: UNEQUIVOCAL, RSDTC: 2026-03-17, VISITNUM: 4"
    ),
    cure=_response(
        "RSSEQ: 9, RSTESTCD: NEWLPROG, RSCAT: RECIST 1.1, RSSTRESC: N, RSDTC: 2026-03-17, VISITNUM: 4"
    ),
    source=_RECIST + ", 4.3.5",
)
def new_lesion_not_identified(study: StudyTables) -> Iterator[Found]:
    said = read(study, "RS").filter(
        pl.col("RSTESTCD") == "NEWLPROG", pl.col("WORD").is_in(["Y", "YES", "UNEQUIVOCAL", "EQUIVOCAL", "PD"])
    )
    seen = (
        read(study, "TU")
        .filter(pl.col("WORD") == "NEW")
        .group_by(COURSE)
        .agg(pl.col("FIRST").min().alias("SEEN"))
    )
    rows = said.join(seen, on=COURSE, how="left", maintain_order="left")
    rows = rows.filter(pl.col("SEEN").is_null() | (pl.col("SEEN") > pl.col("LAST")))
    yield found(
        "RS",
        "RSSTRESC",
        rows,
        say("new lesion {} on {}, and TU has none by then", pl.col("WORD"), pl.col("RSDTC")),
    )


# --- readers ----------------------------------------------------------------------------------------------------------


@data_check(
    "reader-missing",
    WARNING,
    title="some records name their reader, and some do not",
    why="Readings of two people would stand in one course, or a reading in none.",
    example=_response("RSSEQ: 2, RSEVAL: ~"),
    cure=_response("RSSEQ: 2, RSEVAL: INVESTIGATOR"),
    source="docs/records.md, where a protocol finds its facts",
    left_out="nothing: the investigator is taken to be the reader",
)
def reader_missing(study: StudyTables) -> Iterator[Found]:
    for domain in ("TU", "TR", "RS"):
        table, reader = study[domain], f"{domain}EVAL"
        if 0 < table[reader].null_count() < table.height:
            yield found(domain, reader, table.filter(pl.col(reader).is_null()), "does not say who read it")


_READ_SCANS = ("LIRADS", "LIRADS TREATED")
"""Findings that readers of scans record."""


def _first_reading(reader: str) -> str:
    rows = [
        f"  - {{ USUBJID: {who}, FASEQ: 70, FAEVAL: {reader}, FASTRESC: LR-3 }}" for who in ("P-01", "P-02")
    ]
    return "\n".join(["FA:", *rows])


@data_check(
    "reader-without-records",
    WARNING,
    needs_protocol=True,
    base="prtras",
    title="an endpoint counts a reader of whom there is no record",
    why="The endpoint stays empty, or would be answered by the other reader, whom the protocol did not ask.",
    example=_first_reading("INDEPENDENT ASSESSOR"),
    cure=_first_reading("INVESTIGATOR"),
    source="the protocol's endpoints, `reader`",
)
def reader_without_records(study: StudyTables) -> Iterator[Found]:
    tables = {
        "FA": study["FA"].filter(plain(pl.col("FAOBJ")).is_in(_READ_SCANS)),
        "TR": study["TR"],
        "RS": study["RS"],
    }
    read = {domain: table for domain, table in tables.items() if table.height}
    present = {
        name
        for domain, table in read.items()
        for name in table[f"{domain}EVAL"].fill_null("INVESTIGATOR").unique()
    }
    if not read:
        return
    readers = {"central": "INDEPENDENT ASSESSOR", "local": "INVESTIGATOR"}
    asked: dict[str, list[str]] = {}
    for name, endpoint in study.protocol.endpoints.items():
        if endpoint.reader is not None and readers[endpoint.reader] not in present:
            asked.setdefault(readers[endpoint.reader], []).append(name)
    domain = max(read, key=lambda name: read[name].height)
    for reader, endpoints in asked.items():
        which = ", ".join(endpoints)
        yield of_dataset(
            domain, f"{domain}EVAL", f"no record of the {reader}, whose reading counts for {which}"
        )
