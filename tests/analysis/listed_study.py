"""Small studies of nct04294498 whose every number can be worked out in the head.

T-01 has everything: a baseline HBV DNA of 1000 IU/mL that is a hundred times higher on day 57, ALT of 40 that is three times
higher on that day, a sum of lesions of 100, 70 and 60 mm, death on day 100. T-02 has a baseline below the limit of its assay and
ALT in a unit nobody knows, and no lesions. T-03 was treated and nothing more is known. S-01 was never treated. `VARIANTS` are
patients like T-01 but for one thing each, in one study, for deriving takes a while.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from tests.derivations.small_studies import Records, on_day

from trialwright.analysis.listed import Listed, select_listed
from trialwright.derivations.datasets import derive_datasets
from trialwright.protocol.loading import load_protocol

TRIAL = "nct04294498"


def treated(made: Records, subject: str, days: list[int]) -> None:
    made.person(subject).milestone("enrolment", on_day(-1), subject)
    made.attest("informed_consent", on_day(-20), "yes", "STUDY NURSE", subject)
    for day in days:
        made.dose("durvalumab", on_day(day), on_day(day), subject, EXDOSE=1500.0, EXDOSU="mg")


def whole_patient(made: Records, subject: str) -> None:
    """The records of T-01, for anybody."""
    treated(made, subject, [1, 29, 57])
    made.dose("entecavir", on_day(-3), on_day(90), subject, EXDOSE=0.5, EXDOSU="mg")
    made.series("hbv_dna", {-10: 900, 1: 1000, 29: 50, 57: 100_000, 70: "<20"}, subject)
    made.series("alt", {1: 40, 29: 119.9, 57: 120}, subject, LBSTNRHI=40.0)
    made.series("bilirubin", {1: 10, 57: 41}, subject, LBSTNRHI=20.0)
    for day, sizes, visit in ((-7, (60, 40), 1), (57, (42, 28), 2), (85, (36, 24), 3)):
        for lesion, size in zip(("T01", "T02"), sizes, strict=True):
            made.add(
                "TR", subject, TRTESTCD="DIAMETER", TRGRPID="TARGET", TRLNKID=lesion, TRSTRESN=float(size), TRSTRESU="mm",
                TRDTC=on_day(day), TREVAL="INVESTIGATOR", VISITNUM=float(visit), TRBLFL="Y" if day < 0 else None, TRSTAT=None,
            )  # fmt: skip
    for lesion in ("T01", "T02"):
        made.add(
            "TU",
            subject,
            TULNKID=lesion,
            TUSTRESC="TARGET",
            TULOC="LIVER",
            TUEVAL="INVESTIGATOR",
            TUDTC=on_day(-7),
        )
    made.happened("death", on_day(100), subject)
    rows_of(made, "DM", subject)[0]["DTHDTC"] = on_day(100)
    made.add(
        "AE", subject, AETERM="Hepatitis", AEDECOD="HEPATITIS", AESER="Y", AETOXGR="3", AESTDTC=on_day(57), AEREL="RELATED",
        AEOUT="FATAL", AEACN="DRUG WITHDRAWN",
    )  # fmt: skip


def rows_of(made: Records, domain: str, subject: str) -> list[dict]:
    return [row for row in made.rows[domain] if row["USUBJID"] == subject]


def records() -> Records:
    made = Records("DURVA")
    whole_patient(made, "T-01")
    treated(made, "T-02", [1, 29])
    treated(made, "T-03", [1])
    made.person("S-01")
    made.series("hbv_dna", {1: "<20", 29: "<20"}, "T-02")
    made.series("alt", {1: 30}, "T-02", LBSTNRHI=40.0)
    made.result("alt", on_day(29), 60, "T-02", LBORRESU="furlong", LBSTRESU="furlong")
    made.series("bilirubin", {1: 10, 29: 12}, "T-02", LBSTNRHI=20.0)
    made.add("AE", "T-02", AETERM="Rash", AEDECOD="RASH", AETOXGR="1", AESTDTC=on_day(10))
    made.add("AE", "T-03", AETERM="Itch", AEDECOD="PRURITUS", AESER="N", AETOXGR="1", AESTDTC=on_day(10))
    return made


def listed_of(made: Records, population: str = "treated") -> Listed:
    loaded = load_protocol(TRIAL)
    return select_listed(loaded, derive_datasets(made.study_of(loaded)).tables, population)


@cache
def listed_study() -> Listed:
    return listed_of(records())


# --- variants -----------------------------------------------------------------------------------------------------------

Edit = Callable[[Records, str], object]


def _peaks(alt: float, bilirubin: float) -> Edit:
    def edit(made: Records, subject: str) -> None:
        for row in rows_of(made, "LB", subject):
            if row["LBDTC"] == on_day(57) and row["LBTESTCD"] in ("ALT", "BILI"):
                value = alt if row["LBTESTCD"] == "ALT" else bilirubin
                row |= {"LBORRES": str(value), "LBSTRESC": str(value), "LBSTRESN": value}

    return edit


def _doses(*days: int) -> Edit:
    """These doses, and the end of treatment on the day of the last."""

    def edit(made: Records, subject: str) -> None:
        made.add("DS", subject, DSDECOD="ADVERSE EVENT", DSTERM="ADVERSE EVENT", DSCAT="DISPOSITION EVENT", DSSCAT="DURVALUMAB",
                 DSSTDTC=on_day(days[-1]))  # fmt: skip
        made.rows["EX"] = [row for row in made.rows["EX"] if row["USUBJID"] != subject]
        for day in days:
            made.dose("durvalumab", on_day(day), on_day(day), subject, EXDOSE=1500.0, EXDOSU="mg")

    return edit


def _other_doses(made: Records, subject: str) -> None:
    made.dose("durvalumab", on_day(85), on_day(85), subject, EXDOSE=750.0, EXDOSU="mg")
    made.dose("durvalumab", on_day(113), on_day(113), subject, EXDOSE=0.0, EXDOSU="mg", EXADJ="NOT WELL")


def _consent(text: str | None) -> Edit:
    return lambda made, subject: rows_of(made, "DM", subject)[0].update(RFICDTC=text)


def _lesion_not_measured(made: Records, subject: str) -> None:
    for row in rows_of(made, "TR", subject):
        if row["TRLNKID"] == "T02" and row["VISITNUM"] > 1:
            row |= {"TRSTRESN": None, "TRSTAT": "NOT DONE"}


def _no_scan_after_baseline(made: Records, subject: str) -> None:
    made.rows["TR"] = [row for row in made.rows["TR"] if row["USUBJID"] != subject or row["VISITNUM"] == 1]


def _death_in_a_month(made: Records, subject: str) -> None:
    rows_of(made, "DM", subject)[0]["DTHDTC"] = on_day(100)[:7]
    next(row for row in rows_of(made, "DS", subject) if row["DSDECOD"] == "DEATH")["DSSTDTC"] = on_day(100)[
        :7
    ]


def _judged(made: Records, subject: str) -> None:
    made.add(
        "FA", subject, FATESTCD="CAUSE", FAOBJ="HEPATITIS FLARE", FASTRESC="HBV", FAEVAL="ADJUDICATION COMMITTEE", FADTC=on_day(80)
    )  # fmt: skip


VARIANTS: Mapping[str, Edit] = MappingProxyType(
    {
        "ALT below, bilirubin above": _peaks(119.9, 40.1),
        "ALT at, bilirubin at": _peaks(120.0, 40.0),
        "ALT at, bilirubin above": _peaks(120.0, 40.1),
        "ALT below, bilirubin at": _peaks(119.9, 40.0),
        "ALT high on the day": lambda made, subject: made.series("alt", {1: 4000.0}, subject, LBSTNRHI=40.0),
        "ALT high before": lambda made, subject: made.series("alt", {-5: 4000.0}, subject, LBSTNRHI=40.0),
        **{
            f"therapy {day}": lambda made, subject, day=day: made.happened("new_anticancer_therapy", on_day(day), subject)
            for day in (57, 85, 86)
        },
        "lesion not measured": _lesion_not_measured,
        "no scan after": _no_scan_after_baseline,
        "death in a month": _death_in_a_month,
        "doses as planned": _doses(1, 29, 57),
        "dose early": _doses(1, 25),
        "dose at the least": _doses(1, 26),
        "dose at the most": _doses(1, 32),
        "dose late": _doses(1, 33),
        "dose skipped": _doses(1, 57),
        "other doses": _other_doses,
        "consent on the day": _consent(on_day(1)),
        "consent a day later": _consent(on_day(2)),
        "consent unknown": _consent(None),
        "consent in a month": _consent("2024-03"),
        "gap of 15": lambda made, subject: made.dose("entecavir", on_day(106), on_day(120), subject, EXDOSE=0.5, EXDOSU="mg"),
        "gap of 14": lambda made, subject: made.dose("entecavir", on_day(105), on_day(120), subject, EXDOSE=0.5, EXDOSU="mg"),
        "judged": _judged,
    }
)  # fmt: skip
"""What makes a patient differ from T-01; the name is the subject's."""


@cache
def variants() -> Listed:
    made = Records("DURVA")
    for subject, edit in VARIANTS.items():
        whole_patient(made, subject)
        edit(made, subject)
    return listed_of(made)
