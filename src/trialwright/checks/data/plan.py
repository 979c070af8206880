"""Questions about what the protocol plans and names, and the data hold."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, of_dataset, say
from trialwright.checks.data.tables import StudyTables, plain, spoken
from trialwright.derivations.tumour_records import criteria_named
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact
from trialwright.protocol.rule_tree import Moment, walk
from trialwright.vocabulary.concepts import Kind, catalogue
from trialwright.vocabulary.problems import Severity, nearest

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_CONTRACT = "docs/records.md, where a protocol finds its facts"
_DRUGS = (("EX", "EXTRT"), ("CM", "CMDECOD"), ("CM", "CMTRT"))
_RECORDS = {
    "SUBJECT": pl.UInt32,
    "ROW": pl.Int64,
    "USUBJID": pl.String,
    "SEQ": pl.Int64,
    "FIRST": pl.Date,
    "LAST": pl.Date,
    "WORD": pl.String,
}


# --- records and days of what a protocol names ------------------------------------------------------------------------


def records_of(study: StudyTables, name: str) -> tuple[str, pl.DataFrame]:
    """The dataset that holds a fact, and its records with `FIRST`, `LAST` and `WORD`, the text of the result."""
    fact = study.checked.scope.facts[name] if study.checked else None
    concept = catalogue().get(fact.concept or "") if fact else None
    words = spoken(name, fact.label if fact else None)
    if fact is not None and fact.kind is Kind.DRUG:
        parts = [_named(study, domain, column, words, column) for domain, column in _DRUGS]
        return "EX", pl.concat(parts)
    if fact is not None and fact.kind is Kind.PROCEDURE:
        return "PR", pl.concat(
            [_named(study, "PR", column, words, column) for column in ("PRDECOD", "PRTRT")]
        )
    if fact is not None and fact.kind is Kind.CONDITION:
        return "MH", pl.concat(
            [_named(study, "MH", column, words, column) for column in ("MHDECOD", "MHTERM")]
        )
    if name == "contact":
        return "SV", _shape(study.started("SV"), "VISIT")
    if concept is not None and concept.name in ("recist_response", "irecist_response"):
        criteria = "RECIST 1.1" if concept.name == "recist_response" else "IRECIST"
        rows = study.started("RS").filter(criteria_named() == criteria)
        lesions = study.started("TR")
        return "RS", pl.concat([_shape(rows, "RSSTRESC"), _shape(lesions, "TRSTRESC")])
    if concept is not None and concept.is_laboratory and concept.test:
        return "LB", _shape(study.results.filter(pl.col("CONCEPT") == concept.name), "LBSTRESC", "LBORRES")
    if concept is not None and concept.dataset == "AE":
        return "AE", _shape(study.started("AE"), "AETOXGR")
    if concept is not None and concept.dataset in ("VS", "TR") and concept.test:
        domain = concept.dataset
        rows = study.started(domain).filter(pl.col(f"{domain}TESTCD") == concept.test)
        return domain, _shape(rows, f"{domain}STRESC")
    test = "ATTEST" if fact is not None and fact.kind is Kind.ATTESTATION else "STATUS"
    return "FA", _findings(study, words, test)


def _named(study: StudyTables, domain: str, column: str, words: list[str], told: str) -> pl.DataFrame:
    return _shape(study.started(domain).filter(plain(pl.col(column)).is_in(words)), told)


def _findings(study: StudyTables, words: list[str], test: str) -> pl.DataFrame:
    rows = study.kept("findings by object", _findings_done)
    return _shape(
        rows.filter(pl.col("OBJECT").is_in(words), pl.col("FATESTCD") == test), "FASTRESC", "FAORRES"
    )


def _findings_done(study: StudyTables) -> pl.DataFrame:
    is_done = (pl.col("FASTAT") == "NOT DONE").fill_null(False).not_()
    return study.started("FA").filter(is_done).with_columns(plain(pl.col("FAOBJ")).alias("OBJECT"))


def _shape(rows: pl.DataFrame, *result: str) -> pl.DataFrame:
    return rows.select(
        "SUBJECT", "ROW", "USUBJID", "SEQ", "FIRST", "LAST", pl.coalesce(result).alias("WORD")
    ).cast(_RECORDS)  # type: ignore[arg-type]


def day_of(study: StudyTables, moment: Moment | None) -> pl.DataFrame | None:
    """`SUBJECT` and `DAY` of a moment: an anchor or the first or last dose, without distance; None if it is another."""
    if moment is None or study.checked is None or moment.offset is not None or moment.name is None:
        return None
    moment = study.checked.followed(moment)
    name = str(moment.name)
    if moment.offset is not None:
        return None
    if moment.which in ("first", "last"):
        doses = study.doses.filter(pl.col("DRUG").is_in(spoken(name, _label(study, name))))
        day = pl.col("FIRST").min() if moment.which == "first" else pl.col("FIRST").max()
        return doses.group_by("SUBJECT").agg(day.alias("DAY")).drop_nulls()
    if name == "consent":
        return study.persons.select("SUBJECT", pl.col("CONSENT_FIRST").alias("DAY")).drop_nulls()
    rows = study.started("DS").filter(
        pl.col("DSCAT") == "PROTOCOL MILESTONE",
        plain(pl.col("DSDECOD")).is_in(spoken(name, _label(study, name))),
    )
    return rows.group_by("SUBJECT").agg(pl.col("FIRST").min().alias("DAY")).drop_nulls()


def _label(study: StudyTables, name: str) -> str | None:
    fact = study.checked.scope.facts.get(name) if study.checked else None
    return fact.label if fact else None


def _time_zero(study: StudyTables) -> pl.DataFrame | None:
    return day_of(study, study.checked.moment("time zero")) if study.checked else None


# --- what was planned -------------------------------------------------------------------------------------------------


@data_check(
    "measure-never-recorded",
    WARNING,
    needs=("DM",),
    needs_protocol=True,
    title="a visit measures something of which there is no record",
    why="Whatever rests on it is unknown for everybody: a dataset is missing, or it is called by another name than the protocol's.",
    example="LB: [{ USUBJID: D-01, LBSEQ: 20, LBTESTCD: ALBUMIN }, { USUBJID: D-02, LBSEQ: 20, LBTESTCD: ALBUMIN }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 20, LBTESTCD: ALB }, { USUBJID: D-02, LBSEQ: 20, LBTESTCD: ALB }]",
    source=_CONTRACT,
)
def measure_never_recorded(study: StudyTables) -> Iterator[Found]:
    visits = study.protocol.visits
    measured = {fact: visit for visit in reversed(visits.values()) for fact in visit.measures}
    for name, visit in measured.items():
        if name not in study.protocol.facts and name not in study.protocol.treatments:
            continue
        domain, rows = records_of(study, name)
        if not rows.height:
            yield of_dataset(domain, "", f"no record of `{name}`, which the visit `{visit.label}` measures")


@data_check(
    "baseline-missing",
    WARNING,
    needs=("DM",),
    needs_protocol=True,
    title="a person has results after baseline and none before",
    why="""A rise is a multiple of the baseline. Without one, no event of this person can be found or ruled out; it counts as
    unknown, never as none.""",
    example="LB: [{ USUBJID: D-01, LBSEQ: 10, LBDTC: 2026-01-27 }, { USUBJID: D-01, LBSEQ: 11, LBDTC: 2026-01-21 }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 10, LBDTC: 2026-01-27 }, { USUBJID: D-01, LBSEQ: 11, LBDTC: 2026-01-20 }]",
    source="the protocol's `baseline`, and the rules that compare with it",
    left_out="the person's events that need it: they count as unknown",
)
def baseline_missing(study: StudyTables) -> Iterator[Found]:
    if study.checked is None:
        return
    baseline = study.checked.baseline()
    until = day_of(study, baseline.until if baseline else None)
    if until is None:
        return
    needed = {
        getattr(node, "fact", None) or rule.scope.rows_of
        for rule in study.checked.rules
        for node in walk(rule.condition)
        if isinstance(node, tree.Baseline)
    }
    for name in sorted(one for one in needed if one is not None and one in study.checked.scope.facts):
        domain, rows = records_of(study, name)
        rows = rows.join(until, on="SUBJECT", maintain_order="left")
        before = rows.filter(pl.col("FIRST") <= pl.col("DAY"), pl.col("WORD").is_not_null())
        after = (
            rows.filter(pl.col("FIRST") > pl.col("DAY"))
            .sort("FIRST", "ROW")
            .unique("SUBJECT", keep="first", maintain_order=True)
        )
        lost = after.join(before, on="SUBJECT", how="anti", maintain_order="left").sort("ROW")
        yield found(
            domain,
            "",
            lost,
            say(f"no result of `{name}` on or before {{}}, and this one after", pl.col("DAY")),
        )


@data_check(
    "hbsag-not-positive",
    WARNING,
    needs=("DM", "LB"),
    needs_protocol=True,
    title="HBsAg is not positive before time zero, and a criterion asks for it",
    why="The person has no hepatitis B that could reactivate, or the result is another person's.",
    example="LB: [{ USUBJID: D-01, LBSEQ: 30, LBORRES: negative }]",
    cure="LB: [{ USUBJID: D-01, LBSEQ: 30, LBORRES: positive }]",
    source="the protocol's inclusion criteria",
)
def hbsag_not_positive(study: StudyTables) -> Iterator[Found]:
    zero = _time_zero(study)
    if study.checked is None or zero is None:
        return
    asked = any(
        isinstance(node, tree.OneOf)
        and getattr(node.value, "fact", None) == "hbsag"
        and "positive" in node.levels
        for rule in study.checked.rules
        if rule.path[:2] == ("eligibility", "inclusion")
        for node in walk(rule.condition)
    )
    if not asked:
        return
    _, rows = records_of(study, "hbsag")
    rows = rows.join(zero, on="SUBJECT", maintain_order="left").filter(pl.col("LAST") <= pl.col("DAY"))
    rows = rows.sort("FIRST", "ROW").unique("SUBJECT", keep="last", maintain_order=True).sort("ROW")
    rows = rows.filter(~plain(pl.col("WORD")).is_in(["POSITIVE", "POS", "REACTIVE"]))
    message = say("HBsAg is {} in the last test before time zero, {}", pl.col("WORD"), pl.col("DAY"))
    yield found("LB", "LBSTRESC", rows, message)


# --- what is called otherwise -----------------------------------------------------------------------------------------


@data_check(
    "unknown-level",
    ERROR,
    needs_protocol=True,
    title="a result is none of the levels that its fact has",
    why="Nothing can be decided by a word that the protocol does not know: `pos.` is not `positive` until somebody says so.",
    example="FA: [{ USUBJID: D-01, FASEQ: 2, FASTRESC: stage C }]",
    cure="FA: [{ USUBJID: D-01, FASEQ: 2, FASTRESC: c }]",
    source="the protocol's `levels`, or those of the concept",
    left_out="the result: it counts as unreadable",
)
def unknown_level(study: StudyTables) -> Iterator[Found]:
    for name in study.protocol.facts:
        fact = study.checked.scope.facts.get(name) if study.checked else None
        if fact is None or not fact.levels or fact.concept in ("sex", "recist_response", "irecist_response"):
            continue
        domain, rows = records_of(study, name)
        if domain not in ("LB", "FA"):
            continue
        known = [
            *spoken(*fact.levels),
            *spoken(*_labels(study, fact)),
            *(("Y", "N") if fact.kind is Kind.YES_OR_NO else ()),
        ]
        rows = rows.filter(~plain(pl.col("WORD")).is_in(known))
        message = say(f"`{{}}` is no level of `{name}` ({', '.join(fact.levels)})", pl.col("WORD"))
        yield found(domain, f"{domain}STRESC", rows, message)


@data_check(
    "findings-differ",
    WARNING,
    needs=("FA",),
    title="two findings about one thing on one day differ",
    why="""Nobody can tell which one holds. A criterion, a stratum or a covariate that rests on it is in conflict, and its person is left out where it is
    needed.""",
    example="""FA: [{ USUBJID: D-01, FASEQ: 80, FATESTCD: STATUS, FAOBJ: ECOG, FASTRESC: '0', FADTC: 2026-02-12 },
  { USUBJID: D-01, FASEQ: 81, FATESTCD: STATUS, FAOBJ: ecog, FASTRESC: '2', FADTC: 2026-02-12 }]""",
    cure="""FA: [{ USUBJID: D-01, FASEQ: 80, FATESTCD: STATUS, FAOBJ: ECOG, FASTRESC: '0', FADTC: 2026-02-12 },
  { USUBJID: D-01, FASEQ: 81, FATESTCD: STATUS, FAOBJ: ecog, FASTRESC: '0', FADTC: 2026-02-12 }]""",
    source="docs/architecture.md: different results of one moment are an interval",
)
def findings_differ(study: StudyTables) -> Iterator[Found]:
    key = ["SUBJECT", "OBJECT", "FATESTCD", "FAEVAL", "FALNKID", "FADTC"]
    rows = study.kept("findings by object", _findings_done)
    rows = rows.filter(
        pl.col("FATESTCD") == "STATUS",
        pl.col("FADTC").is_not_null(),
        pl.col("SUBJECT").is_not_null(),
        ~pl.col("OBJECT").str.starts_with("LIRADS"),  # of several lesions
    ).with_columns(TOLD=_as_one_word(plain(pl.coalesce("FASTRESC", "FAORRES"))))
    rows = rows.filter(pl.col("TOLD").n_unique().over(key) > 1)
    values = pl.coalesce("FASTRESC", "FAORRES").unique().sort().str.join(" and ").over(key)
    message = say("{} on {} is {}", pl.col("FAOBJ"), pl.col("FADTC"), values)
    yield found("FA", "FASTRESC", rows, message)


def _as_one_word(told: pl.Expr) -> pl.Expr:
    """Spellings of one value as one: `YES` and `Y`, `21` and `21.0`."""
    number = told.cast(pl.Float64, strict=False).cast(pl.String)
    return pl.coalesce(number, told.replace({"YES": "Y", "NO": "N"}))


def _labels(study: StudyTables, fact: Fact) -> list[str]:
    return list(study.protocol.facts[fact.name].levels.values())


@data_check(
    "name-not-of-protocol",
    WARNING,
    needs=("FA",),
    needs_protocol=True,
    title="a finding is about something the protocol does not name",
    why="Its name may be misspelt; then the fact it belongs to has no record, and counts as unknown.",
    example="FA: [{ USUBJID: D-01, FASEQ: 80, FATESTCD: STATUS, FAOBJ: BCLC STAGES, FASTRESC: C, FADTC: 2026-01-12 }]",
    cure="FA: [{ USUBJID: D-01, FASEQ: 80, FATESTCD: STATUS, FAOBJ: bclc_stage, FASTRESC: C, FADTC: 2026-01-12 }]",
    source=_CONTRACT,
    left_out="the finding",
)
def name_not_of_protocol(study: StudyTables) -> Iterator[Found]:
    facts = study.checked.scope.facts if study.checked else {}
    known = spoken(*facts, *(fact.label for fact in facts.values()))
    rows = study["FA"].filter(
        pl.col("FATESTCD").is_in(["STATUS", "ATTEST"]), ~plain(pl.col("FAOBJ")).is_in(known)
    )
    for (name,), group in rows.group_by("FAOBJ", maintain_order=True):
        meant = nearest(str(name).upper(), known)
        yield found(
            "FA", "FAOBJ", group, f"the protocol names no `{name}`", f"did you mean {meant}?" if meant else ""
        )


# --- recurrence -------------------------------------------------------------------------------------------------------


@data_check(
    "tumour-before-time-zero",
    ERROR,
    needs=("DM", "DS", "FA"),
    needs_protocol=True,
    base="prtras",
    title="a scan shows definite tumour after radical treatment and before time zero",
    why="""Who has a recurrence before time zero cannot have his first one after it. He is not free of tumour, and to count him as
    at risk makes every rate too high or too low.""",
    example="FA: [{ USUBJID: P-01, FASEQ: 72, FATESTCD: STATUS, FAOBJ: LIRADS, FASTRESC: LR-5, FADTC: 2026-02-01, FAEVAL: INVESTIGATOR }]",
    cure="FA: [{ USUBJID: P-01, FASEQ: 72, FATESTCD: STATUS, FAOBJ: LIRADS, FASTRESC: LR-5, FADTC: 2026-02-02, FAEVAL: INVESTIGATOR }]",
    source="ACR CT/MRI LI-RADS v2018 Core: LR-5 is definitely carcinoma, LR-TIV definitely tumour in vein",
)
def tumour_before_time_zero(study: StudyTables) -> Iterator[Found]:
    zero, treated = _time_zero(study), day_of(study, Moment("radical_treatment"))
    if zero is None or treated is None or "radical_treatment" not in study.protocol.anchors:
        return
    _, rows = records_of(study, "lirads")
    rows = rows.filter(plain(pl.col("WORD")).is_in(["LR-5", "LR-TIV"]))
    rows = rows.join(zero, on="SUBJECT", maintain_order="left").join(
        treated, on="SUBJECT", maintain_order="left", suffix="_TREATED"
    )
    rows = rows.filter(pl.col("LAST") < pl.col("DAY"), pl.col("FIRST") > pl.col("DAY_TREATED"))
    message = say(
        "{} on {}, after radical treatment and before time zero on {}",
        pl.col("WORD"),
        pl.col("FIRST"),
        pl.col("DAY"),
    )
    yield found("FA", "FASTRESC", rows, message)


@data_check(
    "response-of-an-untreated-lesion",
    WARNING,
    needs=("DM", "FA"),
    needs_protocol=True,
    base="prtras",
    title="a treated lesion is assessed, and no local treatment is recorded before",
    why="""The categories of treatment response are for lesions after local treatment. Of an untreated one, or of a margin of resection,
    they say nothing; viable would count as a recurrence.""",
    example="FA: [{ USUBJID: P-02, FASEQ: 72, FATESTCD: STATUS, FAOBJ: LIRADS TREATED, FASTRESC: viable, FADTC: 2026-05-01 }]",
    cure="""
FA: [{ USUBJID: P-02, FASEQ: 72, FATESTCD: STATUS, FAOBJ: LIRADS TREATED, FASTRESC: viable, FADTC: 2026-05-01 }]
PR: [{ USUBJID: P-02, PRSEQ: 9, PRDECOD: TACE, PRSTDTC: 2026-04-30 }]
""",
    source="ACR CT/MRI LI-RADS v2018 Core, treatment response: after ablation, embolisation or radiation",
)
def response_of_untreated(study: StudyTables) -> Iterator[Found]:
    _, rows = records_of(study, "lirads_treated")
    scans = {fact for visit in study.protocol.visits.values() for fact in visit.measures}
    scanned = [word for name in scans for word in spoken(name, _label(study, name))]
    name = plain(pl.coalesce("PRDECOD", "PRTRT"))
    is_local = ~name.is_in(scanned) & ~name.str.contains(
        "RESECTION|HEPATECTOMY|BIOPSY|MRI|TOMOGRAPHY|ULTRASOUND"
    )
    done = study.started("PR").filter(is_local, (pl.col("PROCCUR") != "N").fill_null(True))
    done = done.group_by("SUBJECT").agg(pl.col("FIRST").min().alias("TREATED"))
    rows = rows.filter(pl.col("SUBJECT").is_not_null()).join(
        done, on="SUBJECT", how="left", maintain_order="left"
    )
    rows = rows.filter((pl.col("TREATED") > pl.col("LAST")).fill_null(True))
    yield found(
        "FA",
        "FAOBJ",
        rows,
        say(
            "treated lesion {} on {}, and nothing was treated locally by then",
            pl.col("WORD"),
            pl.col("FIRST"),
        ),
    )
