"""Questions about treatment: doses, intervals, ends."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.checks.data.registry import Found, data_check, found, number, say
from trialwright.checks.data.tables import StudyTables, plain, spoken
from trialwright.checks.lengths import least_days
from trialwright.derivations.doses import is_one_a_day
from trialwright.protocol.model import Treatment
from trialwright.vocabulary.problems import Severity, nearest
from trialwright.vocabulary.units import UnitsDoNotConvert, UnknownUnit, conversion_factor

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_PROTOCOL = "the protocol's section `treatments`"


def _treatments(study: StudyTables) -> Iterator[tuple[str, Treatment, pl.DataFrame]]:
    """Each treatment of the protocol with the doses that were given, in order."""
    doses = study.doses.sort("SUBJECT", "FIRST", "ROW")
    for name, one in study.protocol.treatments.items():
        yield name, one, doses.filter(pl.col("DRUG").is_in(spoken(name, one.label)))


@data_check(
    "unknown-treatment",
    WARNING,
    needs=("EX",),
    needs_protocol=True,
    title="EXTRT is no treatment of the protocol",
    why="""What is not called as the protocol calls it is not counted as study treatment: the person may count as never treated.""",
    example="EX: [{ USUBJID: D-01, EXSEQ: 1, EXTRT: DURVALUMABE }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 1, EXTRT: Durvalumab }]",
    source="docs/records.md, where a protocol finds its facts",
    left_out="the dose",
)
def unknown_treatment(study: StudyTables) -> Iterator[Found]:
    treatments = study.protocol.treatments
    drugs = [name for name, fact in study.protocol.facts.items() if fact.kind == "drug"]
    known = spoken(*treatments, *(one.label for one in treatments.values()), *drugs)
    rows = study["EX"].filter(~plain(pl.col("EXTRT")).is_in(known))
    for (name,), group in rows.group_by("EXTRT", maintain_order=True):
        meant = nearest(str(name).upper(), known)
        yield found(
            "EX",
            "EXTRT",
            group,
            f"`{name}` is no treatment of the protocol",
            f"did you mean {meant}?" if meant else "",
        )


@data_check(
    "dose-twice",
    WARNING,
    needs=("EX",),
    title="one dose stands twice: of the same treatment, start, end, amount and unit",
    why="""The derivations count it once. Where together they are no more than the protocol plans, they may be the parts of one
    dose: then its amount is unknown, and with it the total and the dose intensity.""",
    example="EX: [{ USUBJID: D-01, EXSEQ: 70, EXTRT: DURVALUMAB, EXDOSE: 1500, EXDOSU: mg, EXSTDTC: 2026-03-17, EXENDTC: 2026-03-17 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 70, EXTRT: DURVALUMAB, EXDOSE: 1500, EXDOSU: mg, EXSTDTC: 2026-04-14, EXENDTC: 2026-04-14 }]",
    source="CDISC SDTM Implementation Guide 3.4, EX: one record for each constant interval",
)
def dose_twice(study: StudyTables) -> Iterator[Found]:
    rows = study.doses.filter(_is_written_twice()).sort("ROW")
    message = say("{} of {} stands twice", pl.col("EXTRT"), pl.col("EXSTDTC"))
    yield found("EX", "EXSTDTC", rows, message, "delete one of them, or tell them apart by the time of day")


def _is_written_twice() -> pl.Expr:
    """Whether another record says the same of a dose of a known day: drug, start and end, amount and unit."""
    key = pl.struct("SUBJECT", "DRUG", "EXSTDTC", "EXENDTC", "EXDOSE", "EXDOSU")
    return key.is_duplicated() & (pl.col("FIRST") == pl.col("LAST")).fill_null(value=False)


@data_check(
    "negative-dose",
    ERROR,
    needs=("EX",),
    title="a dose is below nothing",
    why="It counts as one that was not given: a sign that slipped in takes a dose from the person, and the interval to the next is too long.",
    example="EX: [{ USUBJID: D-01, EXSEQ: 1, EXDOSE: -1500 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 1, EXDOSE: 1500 }]",
    source="arithmetic",
)
def negative_dose(study: StudyTables) -> Iterator[Found]:
    rows = study["EX"].filter(pl.col("EXDOSE") < 0)
    yield found("EX", "EXDOSE", rows, say("{} of {}", number(pl.col("EXDOSE")), pl.col("EXTRT")))


@data_check(
    "overlapping-doses",
    WARNING,
    needs=("EX",),
    title="two records of one treatment cover the same days",
    why="""One of the dates is wrong, or a dose was given in parts. Records of one day of a treatment at an interval are one dose:
    its parts add up where clock times tell them apart, else its amount is unknown.""",
    example="EX: [{ USUBJID: D-01, EXSEQ: 2, EXENDTC: 2026-03-17 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 2, EXENDTC: 2026-03-16 }]",
    source="CDISC SDTM Implementation Guide 3.4, EX: one record for each constant interval",
)
def overlapping_doses(study: StudyTables) -> Iterator[Found]:
    rows = study.doses.sort("SUBJECT", "DRUG", "FIRST", "ROW")
    end = pl.coalesce("END_FIRST", "FIRST")
    before = end.cum_max().shift(1).over("SUBJECT", "DRUG")
    rows = rows.with_columns(before.alias("BEFORE"), TWICE=_is_written_twice())
    rows = rows.filter((pl.col("LAST") <= pl.col("BEFORE")) & ~pl.col("TWICE"))
    message = say(
        "{} from {}, and a record before lasts to {}", pl.col("EXTRT"), pl.col("EXSTDTC"), pl.col("BEFORE")
    )
    yield found("EX", "EXSTDTC", rows.sort("ROW"), message)


@data_check(
    "dose-not-planned",
    WARNING,
    needs=("EX",),
    needs_protocol=True,
    title="a dose differs from the planned one, and no reason is given",
    why="A typing error or a deviation: 150 mg for 1500 mg is either a person who was not treated or a finger that slipped.",
    example="EX: [{ USUBJID: D-01, EXSEQ: 1, EXDOSE: 150 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 1, EXDOSE: 150, EXADJ: infusion stopped for a reaction }]",
    source=_PROTOCOL,
)
def dose_not_planned(study: StudyTables) -> Iterator[Found]:
    for name, one, doses in _treatments(study):
        if one.dose is None:
            continue
        planned = str(one.dose.unit)
        factors = {unit: _factor(unit, planned) for unit in doses["EXDOSU"].drop_nulls().unique()}
        known = {unit: factor for unit, factor in factors.items() if factor is not None}
        factor = pl.col("EXDOSU").replace_strict(known, default=None, return_dtype=pl.Float64)
        given = pl.col("EXDOSE") * factor
        differs = ((given - float(one.dose.number)).abs() > 1e-9 * float(one.dose.number)).fill_null(
            pl.col("EXDOSE").is_not_null()
        )
        rows = doses.filter(differs, pl.col("EXADJ").is_null()).sort("ROW")
        message = say(f"{{}} {{}} of {name}, planned {one.dose}", number(pl.col("EXDOSE")), pl.col("EXDOSU"))
        yield found("EX", "EXDOSE", rows, message, "correct the dose, or say in EXADJ why it differs")


def _factor(unit: str, planned: str) -> float | None:
    try:
        return float(conversion_factor(unit, planned))
    except (UnknownUnit, UnitsDoNotConvert):
        return None


@data_check(
    "dose-not-given-without-reason",
    INFO,
    needs=("EX",),
    title="a dose was not given, or its amount is missing, and no reason is recorded",
    why="Whether a dose was held for toxicity or an appointment was missed decides how the stop of treatment is read.",
    example="EX: [{ USUBJID: D-01, EXSEQ: 3, EXDOSE: 0 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 3, EXDOSE: 0, EXADJ: hepatitis }]",
    source="CDISC SDTM Implementation Guide 3.4, EXADJ",
)
def dose_without_reason(study: StudyTables) -> Iterator[Found]:
    none = pl.col("EXDOSE").is_null() & pl.col("EXDOSTXT").is_null() | (pl.col("EXDOSE") == 0)
    is_placebo = plain(pl.col("EXTRT")) == "PLACEBO"
    rows = study["EX"].filter(none, pl.col("EXADJ").is_null(), ~is_placebo)
    dose = pl.when(pl.col("EXDOSE") == 0).then(pl.lit("dose 0")).otherwise(pl.lit("no dose"))
    yield found(
        "EX",
        "EXDOSE",
        rows,
        say("{} of {} and no reason", dose, pl.col("EXTRT")),
        "write the reason into EXADJ",
    )


@data_check(
    "interval-too-short",
    WARNING,
    needs=("EX",),
    needs_protocol=True,
    title="a dose was given sooner after the last one than the protocol allows",
    why="A deviation that matters for safety, or a wrong date.",
    example="EX: [{ USUBJID: D-01, EXSEQ: 3, EXSTDTC: 2026-03-13, EXENDTC: 2026-03-13 }]",
    cure="EX: [{ USUBJID: D-01, EXSEQ: 3, EXSTDTC: 2026-03-14, EXENDTC: 2026-03-14 }]",
    source=_PROTOCOL + ", `least interval`",
)
def interval_too_short(study: StudyTables) -> Iterator[Found]:
    for name, one, doses in _treatments(study):
        if one.least_interval is None:
            continue
        least = least_days(one.least_interval)
        before = pl.col("FIRST").shift(1).over("SUBJECT")
        rows = doses.with_columns((pl.col("LAST") - before).dt.total_days().alias("DAYS"))
        rows = rows.filter(pl.col("DAYS").is_between(1, least - 1)).sort("ROW")
        message = say(f"{{}} days after the last {name}, at least {one.least_interval}", pl.col("DAYS"))
        yield found("EX", "EXSTDTC", rows, message)


@data_check(
    "too-many-doses",
    WARNING,
    needs=("EX",),
    needs_protocol=True,
    title="more doses were given than the stopping rule allows",
    why="Treatment went on beyond the protocol, or doses were recorded twice.",
    example="""
EX:
  - { USUBJID: D-01, EXSEQ: 4, EXTRT: DURVALUMAB, EXDOSE: 1500, EXDOSU: mg, EXSTDTC: 2026-04-14, times: 22, every: 3 }
""",
    cure="""
EX:
  - { USUBJID: D-01, EXSEQ: 4, EXTRT: DURVALUMAB, EXDOSE: 1500, EXDOSU: mg, EXSTDTC: 2026-04-14, times: 21, every: 3 }
""",
    source=_PROTOCOL + ", `until`",
)
def too_many_doses(study: StudyTables) -> Iterator[Found]:
    if study.checked is None:
        return
    for name, one, doses in _treatments(study):
        most = study.checked.most_doses(name)
        if most is not None:
            if is_one_a_day(one):
                is_day = (pl.col("FIRST") == pl.col("LAST")).fill_null(value=False)
                doses = doses.filter(~is_day | pl.struct("SUBJECT", "FIRST", "LAST").is_first_distinct())
            place, total = pl.int_range(1, pl.len() + 1).over("SUBJECT"), pl.len().over("SUBJECT")
            rows = doses.with_columns(place.alias("N"), total.alias("TOTAL"))
            rows = rows.filter(pl.col("N") == most + 1).sort("ROW")
            yield found("EX", "EXSTDTC", rows, say(f"{{}} doses of {name}, {most} at most", pl.col("TOTAL")))


@data_check(
    "treatment-after-its-end",
    WARNING,
    needs=("EX", "DS"),
    title="a dose was given after treatment was recorded as ended",
    why="The end of treatment ends what is counted during it. Either it was not the end, or the dose has a wrong date.",
    example="""
DS:
  - { USUBJID: D-01, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSSCAT: DURVALUMAB, DSDECOD: ADVERSE EVENT, DSSTDTC: 2026-03-16 }
""",
    cure="""
DS:
  - { USUBJID: D-01, DSSEQ: 9, DSCAT: DISPOSITION EVENT, DSSCAT: DURVALUMAB, DSDECOD: ADVERSE EVENT, DSSTDTC: 2026-03-17 }
""",
    source="docs/records.md, where a protocol finds its facts",
)
def treatment_after_its_end(study: StudyTables) -> Iterator[Found]:
    ends = study.started("DS").filter(pl.col("DSCAT") == "DISPOSITION EVENT", pl.col("DSSCAT").is_not_null())
    ends = ends.with_columns(plain(pl.col("DSSCAT")).alias("DRUG"))
    ends = ends.group_by("SUBJECT", "DRUG").agg(pl.col("LAST").max().alias("ENDED"))
    rows = study.doses.join(ends, on=["SUBJECT", "DRUG"], how="inner", maintain_order="left")
    rows = rows.filter(pl.col("FIRST") > pl.col("ENDED"))
    message = say(
        "{} on {}, and its end was recorded on {}", pl.col("EXTRT"), pl.col("EXSTDTC"), pl.col("ENDED")
    )
    yield found("EX", "EXSTDTC", rows, message)
