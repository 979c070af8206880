"""Calcium corrected for albumin in ADLB: the worked examples, what counts as one moment, and what is not known."""

from collections import Counter
from itertools import permutations

import polars as pl
import pytest
from tests.derivations.lives import changed
from tests.derivations.safety import FIRST, LAST, adsl_of, day, dose, durva, facts_of, study_of, table

from trialwright.derivations.adlb import derive_adlb
from trialwright.derivations.corrected_calcium import corrected_fact
from trialwright.protocol.facts import make_fact

CENSORED = "censored across the threshold"
WHEN = "2024-02-01T08:00"


def asking(unit, **more):
    calcium = {
        "label": "calcium",
        "kind": "number",
        "unit": unit,
        "concept": "calcium",
        "status": "assumed",
        "reason": "For this test.",
    }
    return changed(durva(), {"facts.calcium": calcium} | more)


LOADED = {unit: asking(unit) for unit in ("mmol/L", "mg/dL", "mEq/L")}


def result(test, value, unit, when=WHEN, **more):
    number = float(value) if isinstance(value, int | float) else None
    return {
        "LBTESTCD": test, "LBORRES": str(value), "LBSTRESC": str(value), "LBSTRESN": number, "LBORRESU": unit,
        "LBSTRESU": unit, "LBDTC": when,
    } | more  # fmt: skip


def calcium(value, unit="mmol/L", when=WHEN, **more):
    return result("CA", value, unit, when, **more)


def albumin(value, unit="g/L", when=WHEN, **more):
    return result("ALB", value, unit, when, **more)


def derived(cases, loaded=LOADED["mmol/L"], name="CORRECTED_CALCIUM"):
    """The rows of several persons at once, for deriving takes a while: the results of each by his name."""
    results = [one | {"USUBJID": who} for who, several in cases.items() for one in several]
    given = [dose(when) | {"USUBJID": who} for who in cases for when in (FIRST, LAST)]
    study = study_of(
        LB=numbered("LB", results), EX=numbered("EX", given), subjects=tuple(cases), loaded=loaded
    )
    rows = derive_adlb(study, adsl_of(study), facts_of(study))
    return rows.filter(PARAMCD=name, BASETYPE="before_durvalumab")


def numbered(domain, rows):
    """Records numbered for each person."""
    numbers = Counter()
    for row in rows:
        numbers[row["USUBJID"]] += 1
        row[f"{domain}SEQ"] = numbers[row["USUBJID"]]
    return table(domain, *rows)


def corrected(*results, **more):
    return derived({"001": results}, **more)


def only(*results, **more):
    return corrected(*results, **more).row(0, named=True)


# domain/ctcae.md: CT-30 and section 4; the third is 2.15 mmol/L = 8.6172 mg/dL, and 2.15 mEq/L half of it
@pytest.mark.parametrize(("unit", "total", "protein", "expected", "unit_of_it"), [
    pytest.param("mmol/L", (2.05, "mmol/L"), (30, "g/L"), 2.25, "mmol/L", id="CT-30"),
    pytest.param("mmol/L", (2.55, "mmol/L"), (28, "g/L"), 2.79, "mmol/L", id="section 4, mmol/L"),
    pytest.param("mg/dL", (8.0, "mg/dL"), (2.5, "g/dL"), 9.2, "mg/dL", id="section 4, mg/dL"),
    pytest.param("mg/dL", (8.0, "mg/dL"), (25, "g/L"), 9.2, "mg/dL", id="albumin in another unit"),
    pytest.param("mmol/L", (8.2164, "mg/dL"), (30, "g/L"), 2.05010 + 0.2, "mmol/L", id="reported in mg/dL, wanted in mmol/L"),
    pytest.param("mEq/L", (4.1, "mEq/L"), (30, "g/L"), 2.25, "mmol/L", id="the form for mmol/L where there is none"),
    pytest.param("mmol/L", (2.35, "mmol/L"), (48, "g/L"), 2.19, "mmol/L", id="albumin above 40 lowers it"),
])  # fmt: skip
def test_worked_examples(unit, total, protein, expected, unit_of_it):
    row = only(calcium(*total), albumin(*protein), loaded=LOADED[unit])
    assert row["AVAL"] == pytest.approx(expected, rel=1e-5)
    assert (row["AVALU"], row["REASON"]) == (unit_of_it, None)
    assert row["PARAM"] == f"calcium corrected for albumin ({unit_of_it})"


def test_a_row_names_both_records_and_keeps_the_limits_of_calcium():
    row = only(calcium(2.05, LBSTNRLO=2.15, LBSTNRHI=2.55), albumin(30, LBSTNRLO=35.0))
    assert {name: row[name] for name in ("SRCDOM", "SRCSEQ", "SRCALL", "PROTOCOL")} == {
        "SRCDOM": "LB", "SRCSEQ": 1, "SRCALL": "LB.1 LB.2", "PROTOCOL": "facts.calcium",
    }  # fmt: skip
    assert (row["ANRLO"], row["ANRHI"], row["ANRIND"], row["ATOXGRL"], row["ATOXGRH"]) == (
        2.15,
        2.55,
        "NORMAL",
        0,
        0,
    )


def test_limits_are_in_the_unit_of_the_result():
    row = only(calcium(4.1, "mEq/L", LBSTNRLO=4.3, LBSTNRHI=5.1), albumin(30), loaded=LOADED["mEq/L"])
    assert (row["ANRLO"], row["ANRHI"]) == (pytest.approx(2.15), pytest.approx(2.55))


# limits of CTCAE v5.0 on corrected calcium in mmol/L, limits of normal 2.15 and 2.55; albumin of 30 adds 0.2
GRADES = [
    (1.949, 1, 0), (1.95, 0, 0), (1.80, 1, 0), (1.799, 2, 0), (1.55, 2, 0), (1.549, 3, 0), (1.30, 3, 0), (1.299, 4, 0),
    (2.35, 0, 0), (2.351, 0, 1), (2.70, 0, 1), (2.701, 0, 2), (2.90, 0, 2), (2.901, 0, 3), (3.20, 0, 3), (3.201, 0, 4),
]  # fmt: skip


def test_grades():
    cases = {str(total): [calcium(total, LBSTNRLO=2.15, LBSTNRHI=2.55), albumin(30)] for total, *_ in GRADES}
    rows = derived(cases).select("USUBJID", "ATOXGRL", "ATOXGRH").rows()
    assert sorted(rows) == sorted((str(total), low, high) for total, low, high in GRADES)


def test_uncorrected_calcium_has_no_grade():
    row = only(calcium(1.2, LBSTNRLO=2.15), albumin(30), name="CALCIUM")
    assert (row["AVAL"], row["ATOXGRL"], row["ATOXREL"]) == (1.2, None, "not applicable")


OF_THE_MOMENT = [
    pytest.param([albumin(30)], (2.25, None, "LB.1 LB.2"), id="the same minute"),
    pytest.param([albumin(30, when="2024-02-01T08:01")], (None, "missing", "LB.1"), id="a minute later"),
    pytest.param([albumin(30, when="2024-02-02T08:00")], (None, "missing", "LB.1"), id="a day later"),
    pytest.param([], (None, "missing", "LB.1"), id="no albumin"),
    pytest.param([albumin(30, when="2024-02-01")], (None, "imprecise date", "LB.1"), id="some time of that day"),
    pytest.param([albumin(30, when="2024-02")], (None, "imprecise date", "LB.1"), id="some day of that month"),
    pytest.param([albumin(30), albumin(35, when="2024-02-01")], (2.25, None, "LB.1 LB.2"), id="the same minute, and some time"),
    pytest.param([albumin(30), albumin(30)], (2.25, None, "LB.1 LB.2 LB.3"), id="twice the same"),
    pytest.param([albumin(30), albumin(35)], (None, "conflict", "LB.1 LB.2 LB.3"), id="two that differ"),
    pytest.param([albumin("<20")], (None, CENSORED, "LB.1 LB.2"), id="below a limit"),
    pytest.param([albumin(30, "pints")], (None, "unit unknown", "LB.1 LB.2"), id="nobody knows the unit"),
    pytest.param([albumin(0)], (None, "unreadable", "LB.1 LB.2"), id="albumin of nobody alive"),
    pytest.param([albumin(30, LBSTAT="NOT DONE")], (None, "conflict", "LB.1 LB.2"), id="not done, and a result"),
    pytest.param([albumin(None, LBSTAT="NOT DONE")], (None, "missing", "LB.1"), id="not done"),
]  # fmt: skip


@pytest.fixture(scope="module")
def beside_albumin():
    return derived({str(case.id): [calcium(2.05), *case.values[0]] for case in OF_THE_MOMENT})


@pytest.mark.parametrize(("results", "expected"), OF_THE_MOMENT)
def test_albumin_of_the_moment(beside_albumin, request, results, expected):
    row = beside_albumin.row(by_predicate=pl.col("USUBJID") == request.node.callspec.id, named=True)
    assert row["AVAL"] == (None if expected[0] is None else pytest.approx(expected[0]))
    assert (row["REASON"], row["SRCALL"]) == expected[1:]


def test_days_without_a_clock_are_one_moment():
    assert only(calcium(2.05, when="2024-02-01"), albumin(30, when="2024-02-01"))["AVAL"] == pytest.approx(
        2.25
    )
    months = only(calcium(2.05, when="2024-02"), albumin(30, when="2024-02"))
    assert (months["AVAL"], months["REASON"]) == (None, "imprecise date")


@pytest.mark.parametrize(("total", "protein", "low", "high"), [
    pytest.param(2.05, "<20", 2.45, 2.85, id="albumin from 0 to below 20: more than 2.45, up to 2.85"),
    pytest.param("<1.5", 30, 0.2, 1.7, id="calcium below 1.5"),
    pytest.param(">3.3", 30, 3.5, None, id="calcium above 3.3"),
])  # fmt: skip
def test_what_a_limit_leaves(total, protein, low, high):
    row = only(calcium(total), albumin(protein))
    assert (row["AVALLO"], row["AVALHI"]) == (
        pytest.approx(low),
        None if high is None else pytest.approx(high),
    )
    assert (row["AVAL"], row["REASON"]) == (None, CENSORED)


def test_a_limit_grades_where_it_decides():
    row = only(calcium(">3.3", LBSTNRHI=2.55), albumin(30))
    assert row["ATOXGRH"] == 4
    open_ = only(calcium(2.05, LBSTNRHI=2.55), albumin("<20"))
    assert (open_["ATOXGRH"], open_["ATOXLEH"], open_["ATOXMOH"], open_["ATOXREH"]) == (
        None,
        0,
        1,
        CENSORED,
    )


def test_baseline_change_and_worst_are_those_of_any_result():
    days = [day(1), day(29), day(57)]
    results = [one for when, total, protein in zip(days, (2.05, 1.6, 1.3), (40, 30, 30), strict=True)
               for one in (calcium(total, when=when, LBSTNRLO=2.0), albumin(protein, when=when))]  # fmt: skip
    rows = corrected(*results)
    assert rows["BASE"].to_list() == [pytest.approx(2.05)] * 3
    assert rows["CHG"].to_list() == [None, pytest.approx(-0.25), pytest.approx(-0.55)]
    assert rows["ATOXGRL"].to_list() == [0, 2, 3]
    assert rows["WORSTLFL"].to_list() == [None, None, "Y"]


def test_a_moment_without_albumin_is_no_baseline():
    """Nothing was measured then; the result of the day before stands."""
    rows = corrected(calcium(2.05, when=day(-1)), albumin(30, when=day(-1)), calcium(3.0, when=day(1)))
    assert rows["ABLFL"].to_list() == ["Y", None]


def test_the_catalogue_is_enough():
    row = only(calcium(8.0, "mg/dL"), albumin(2.5, "g/dL"), loaded=durva())
    assert row["AVAL"] == pytest.approx(8 / 4.0078 + 0.3)


def test_it_is_derived_of_calcium_and_albumin_and_not_where_it_is_reported():
    total, protein = (make_fact(name, concept=name) for name in ("calcium", "albumin"))
    reported = make_fact("corrected_calcium", kind="number", unit="mmol/L")
    assert corrected_fact([protein, total]).parts == ("calcium", "albumin")
    assert (
        corrected_fact([total])
        is corrected_fact([protein])
        is corrected_fact([total, protein, reported])
        is None
    )


def test_the_order_of_records_never_matters():
    results = [(calcium, total, when) for when, total in enumerate((2.0, 2.2, 2.4), 1)]
    results += [(albumin, protein, when) for when, protein in enumerate((20, 30, 40), 1)]
    orders = {
        str(n): [kind(value, when=f"2024-02-0{when}T08:00") for kind, value, when in order]
        for n, order in enumerate(permutations(results))
        if n % 24 == 0
    }
    rows = derived(orders)
    assert rows["AVAL"].to_list() == [pytest.approx(2.4)] * 3 * len(orders)
