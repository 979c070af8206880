"""The reference interpreter against cases worked out by hand, and against laws that any reader must keep."""

import math
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evaluation.reference import ANY_DAY, Case, Reading, Record, agree, judge
from tests.strategies.rules import rules
from tests.strategies.trial_rules import FACTS as TRIAL_FACTS
from tests.strategies.trial_rules import PERIODS

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import make_fact
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.durations import Duration
from trialwright.vocabulary.intervals import Comparison, Interval, Threshold
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

FACTS = {
    fact.name: fact
    for fact in (
        *(
            make_fact(name, concept=name)
            for name in (
                "hbv_dna",
                "alt",
                "creatinine",
                "inr",
                "ecog",
                "hbsag",
                "bclc_stage",
                "sex",
                "child_pugh",
            )
        ),
        *(make_fact(name, concept=name) for name in ("bilirubin", "albumin", "ascites", "encephalopathy")),
        make_fact("entecavir", kind="drug"),
        make_fact("durvalumab", kind="drug", absence="no"),
        make_fact("liver_transplant", kind="procedure", absence="no"),
        make_fact("radiotherapy", kind="procedure"),
        make_fact("flare", kind="event", absence="ask"),
        make_fact("pregnant", kind="yes or no", absence="no"),
        make_fact("smoker", kind="yes or no"),
        make_fact("other_cancer", kind="category", levels=["cured", "other"], absence="no"),
        make_fact("consent", kind="date", once=True),
        make_fact("fit", kind="attestation", by="investigator", valid_for=Duration.parse("28 days")),
        make_fact("signed", kind="attestation", by="study nurse"),
    )
}
ANCHOR = PartialDate.parse("2024-03-31")


def number(text):
    """`12`, `<10`, `<=10`, `>1.7E8` as what they may be."""
    comparator = text[: len(text) - len(text.lstrip("<>="))]
    return Interval.reported(float(text.removeprefix(comparator)), comparator, floor=0)


def record(fact, when, value=None, unit="", **details):
    """A record in the unit of its fact unless another is named; unit None is a result without one."""
    kind = FACTS[fact].kind
    unit = str(FACTS[fact].unit) if unit == "" and FACTS[fact].unit else unit or None
    content = number(value) if kind is Kind.NUMBER and value is not None else value
    day = ANY_DAY if when is None else PartialDate.parse(when)
    return Record(f"{fact} {when} {value}", fact, day, content, unit, **details)


def case(*records, **details):
    return Case(**{"facts": FACTS, "records": records, "anchor": ANCHOR, **details})


def verdict(rule, *records, **details):
    return str(judge(parse_rule(rule), case(*records, **details)))


# ---- one result, one window

DNA = "last(hbv_dna, 28 days) > 2000 IU/mL"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([("2024-03-20", "2001")], "met", id="above"),
        pytest.param([("2024-03-20", "2000")], "not met", id="exactly 2000 is not above"),
        pytest.param([("2024-03-03", "2001")], "met", id="28 days before"),
        pytest.param([("2024-03-02", "2001")], "unknown (stale)", id="29 days before is stale"),
        pytest.param([], "unknown (missing)", id="no result"),
        pytest.param([("2024-04-01", "2001")], "unknown (missing)", id="a result after the anchor is none"),
        pytest.param([("2024-03-31", "2001")], "met", id="the day of the anchor"),
        pytest.param([("2024-03-20", None)], "unknown (missing)", id="haemolysed is no measurement"),
        pytest.param(
            [("2024-03-10", "3000"), ("2024-03-20", None)], "met", id="so an invalid one is skipped"
        ),
        pytest.param([("2024-03-10", "3000"), ("2024-03-20", "100")], "not met", id="the latest wins"),
        pytest.param([("2024-03-10", "3000"), ("2024-03-20", "<20")], "not met", id="below 20 decides 2000"),
        pytest.param(
            [("2024-03-10", "100"), ("2024-03-20", ">1000")],
            "unknown (censored across the threshold)",
            id="a censored latest result never gives way to an older one",
        ),
        pytest.param(
            [("2024-03-20", "1500"), ("2024-03-20", "2500")], "unknown (conflict)", id="a tie on both sides"
        ),
        pytest.param(
            [("2024-03-20", "2500"), ("2024-03-20", "9000")], "met", id="a tie on one side is decided"
        ),
        pytest.param(
            [("2024-03-20T08:00", "1500"), ("2024-03-20T09:00", "2500")],
            "met",
            id="the time of day orders them",
        ),
        pytest.param(
            [("2024-03-20", "1500"), ("2024-03-20T09:00", "2500")],
            "unknown (conflict)",
            id="a result of that day without a time cannot be ordered",
        ),
        pytest.param(
            [("2024-03-20", "1500"), ("2024-03-20", "2500"), ("2024-03-21", "100")],
            "not met",
            id="a later result ends the conflict",
        ),
        pytest.param([("2024-03", "2500")], "unknown (imprecise date)", id="some day in March"),
        pytest.param([("2024-02", "2500")], "unknown (stale)", id="some day in February"),
        pytest.param(
            [("2024-03", "2500"), ("2024-03-10", "9000")], "met", id="whichever is the latest, it is above"
        ),
        pytest.param(
            [("2024-03", "1500"), ("2024-03-10", "9000")],
            "unknown (imprecise date)",
            id="which is the latest is not known",
        ),
        pytest.param(
            [("2024-03", "1500"), ("2024-03-31", "9000")],
            "unknown (imprecise date)",
            id="it may be of the same day",
        ),
        pytest.param(
            [("2024-03-01/2024-03-30", "1500"), ("2024-03-31", "9000")],
            "met",
            id="it cannot be as late as the other",
        ),
        pytest.param(
            [("2024-03-10/2024-03-12", "1500"), ("2024-03-11", "2500")],
            "unknown (imprecise date)",
            id="both are in, which is the later is not known",
        ),
        pytest.param([(None, "2500")], "unknown (imprecise date)", id="a result without a date"),
        pytest.param([(None, "2500"), ("2024-03-31", "9000")], "met", id="which does not matter here"),
    ],
)
def test_last_in_a_window(records, expected):
    assert verdict(DNA, *(record("hbv_dna", *one) for one in records)) == expected


@pytest.mark.parametrize(
    ("value", "unit", "assay", "expected"),
    [
        pytest.param("3000", None, None, "unknown (unit unknown)", id="no unit"),
        pytest.param(
            "11640", "copies/mL", None, "unknown (unit unknown)", id="HBV-05, copies without the assay"
        ),
        pytest.param("11640", "copies/mL", "roche_cobas_taqman", "not met", id="HBV-01, 2000 IU/mL exactly"),
        pytest.param("11641", "copies/mL", "roche_cobas_taqman", "met", id="a little more"),
        pytest.param("2.1", "kIU/mL", None, "met", id="another unit of the same kind"),
        pytest.param("3000", "parsecs", None, "unknown (unit unknown)", id="no unit at all"),
    ],
)
def test_units(value, unit, assay, expected):
    older = record("hbv_dna", "2024-03-10", "1")
    assert verdict(DNA, older, record("hbv_dna", "2024-03-20", value, unit, assay=assay)) == expected


def test_the_unit_is_told_before_the_date():
    assert verdict(DNA, record("hbv_dna", "2024-03", "3000", None)) == "unknown (unit unknown)"


@pytest.mark.parametrize("value", ["0.55", "0.57", "1.10"])
def test_a_result_and_a_threshold_of_one_unit_are_equal_after_conversion(value):
    result = record("creatinine", "2024-03-20", value, "mg/dL")
    for op, expected in ((">", "not met"), (">=", "met"), ("<", "not met"), ("<=", "met"), ("=", "met")):
        assert verdict(f"last(creatinine, 28 days) {op} {value} mg/dL", result) == expected


def test_a_threshold_in_another_unit():
    result = record("hbv_dna", "2024-03-20", "2001")
    assert verdict("last(hbv_dna, 28 days) > 2 kIU/mL", result) == "met"
    assert verdict("last(hbv_dna, 28 days) > 2.001 kIU/mL", result) == "not met"


def test_a_result_that_is_no_number_is_unreadable():
    unreadable = replace(record("hbv_dna", "2024-03-20", "1"), value="see comment")
    assert verdict(DNA, unreadable) == "unknown (unreadable)"


@pytest.mark.parametrize(
    ("value", "uln", "expected"),
    [
        pytest.param("1.80", 1.20, "not met", id="KD-05, exactly 1.5 times"),
        pytest.param("1.81", 1.20, "met", id="KD-06"),
        pytest.param("0.93", 0.62, "not met", id="exactly 1.5 times in decimals"),
        pytest.param("1.81", None, "unknown (no limit of normal)", id="no limit"),
        pytest.param("<1.80", 1.20, "not met", id="below 1.5 times the limit"),
        pytest.param(">1.80", 1.20, "met", id="above it"),
    ],
)
def test_limits_of_normal(value, uln, expected):
    result = record("creatinine", "2024-03-20", value, "mg/dL", uln=uln)
    assert verdict("last(creatinine, 28 days) > 1.5 ULN", result) == expected


# ---- which of several


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("first(alt, 28 days) = 40 U/L", "met"),
        ("last(alt, 28 days) = 90 U/L", "met"),
        ("max(alt, 28 days) = 120 U/L", "met"),
        ("max(alt, 28 days) > 120 U/L", "not met"),
        ("min(alt, 28 days) < 40 U/L", "not met"),
        ("min(alt, 28 days) <= 40 U/L", "met"),
        ("any(alt, 28 days) > 100 U/L", "met"),
        ("any(alt, 28 days) > 120 U/L", "not met"),
        ("all(alt, 28 days) >= 40 U/L", "met"),
        ("all(alt, 28 days) > 40 U/L", "not met"),
        ("any(alt, 28 days) = 50 U/L", "not met"),
        ("any(alt, 28 days) = 90 U/L", "met"),
        ("any(alt, 1 day) > 10 U/L", "unknown (stale)"),
        ("all(alt, 1 day) > 10 U/L", "unknown (stale)"),
        ("count(alt, 28 days) >= 3", "met"),
        ("count(alt, 28 days) >= 4", "unknown (missing)"),
        ("count(alt, 28 days) < 3", "not met"),
    ],
)
def test_which_of_several(rule, expected):
    several = [
        record("alt", f"2024-03-{day}", value) for day, value in (("10", "40"), ("12", "120"), ("20", "90"))
    ]
    assert verdict(rule, *several) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param("any(alt, 28 days) > 100 U/L", "met", id="the other one is enough"),
        pytest.param("all(alt, 28 days) < 100 U/L", "not met", id="the other one is enough to fail"),
        pytest.param("all(alt, 28 days) > 10 U/L", "unknown (unit unknown)", id="all need the unit"),
        pytest.param("max(alt, 28 days) > 100 U/L", "met", id="the highest is at least the other"),
        pytest.param(
            "max(alt, 28 days) < 500 U/L", "unknown (unit unknown)", id="but it may be the unknown one"
        ),
        pytest.param(
            "last(alt, 28 days) > 10 U/L", "unknown (unit unknown)", id="the latest wins as a whole"
        ),
    ],
)
def test_a_result_of_unknown_unit_among_others(rule, expected):
    several = record("alt", "2024-03-10", "120"), record("alt", "2024-03-20", "40", None)
    assert verdict(rule, *several) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("any(alt, 28 days) > 100 U/L", "unknown (imprecise date)"),
        ("any(alt, 28 days) > 200 U/L", "unknown (imprecise date)"),
        ("any(alt, 60 days) > 100 U/L", "met"),
        ("any(alt, 60 days) > 200 U/L", "not met"),
    ],
)
def test_a_result_that_may_lie_outside(rule, expected):
    """Where it is the only one, even a no depends on it: outside there would be no result at all."""
    assert verdict(rule, record("alt", "2024-03", "120")) == expected


# ---- levels


@pytest.mark.parametrize(
    ("levels", "rule", "expected"),
    [
        (["B"], "last(bclc_stage, 28 days) in (B, C)", "met"),
        (["A"], "last(bclc_stage, 28 days) in (B, C)", "not met"),
        (["B", "C"], "last(bclc_stage, 28 days) in (B, C)", "met"),
        (["A", "C"], "last(bclc_stage, 28 days) in (B, C)", "unknown (conflict)"),
        (["E"], "last(bclc_stage, 28 days) in (B, C)", "unknown (unreadable)"),
        (["A"], "last(bclc_stage, 28 days) is not A", "not met"),
        ([], "last(bclc_stage, 28 days) is not A", "unknown (missing)"),
    ],
)
def test_levels(levels, rule, expected):
    assert verdict(rule, *(record("bclc_stage", "2024-03-20", level) for level in levels)) == expected


@pytest.mark.parametrize(
    ("values", "rule", "expected"),
    [
        (["0", "1"], "last(ecog, 28 days) in (0, 1)", "met"),
        (["1", "2"], "last(ecog, 28 days) in (0, 1)", "unknown (conflict)"),
        (["<2"], "last(ecog, 28 days) in (3, 4)", "not met"),
        (["<2"], "last(ecog, 28 days) in (0, 1)", "unknown (censored across the threshold)"),
        (["<=1"], "last(ecog, 28 days) in (0, 1)", "met"),
        (["<=1"], "last(ecog, 28 days) in (0, 2)", "unknown (censored across the threshold)"),
        (["<=1"], "last(ecog, 28 days) not in (0, 1)", "not met"),
        (["1"], "max(ecog, 28 days) in (0, 1)", "met"),
        (["0", "2"], "max(ecog, 28 days) in (0, 1)", "not met"),
        (["0", "2"], "max(ecog, 28 days) not in (0, 1)", "met"),
        ([], "max(ecog, 28 days) not in (0, 1)", "unknown (missing)"),
    ],
)
def test_whole_numbers_as_levels(values, rule, expected):
    assert verdict(rule, *(record("ecog", "2024-03-20", value) for value in values)) == expected


@pytest.mark.parametrize(
    ("cancers", "rule", "expected"),
    [
        (["cured", "other"], "any(other_cancer, ever) not in (cured)", "met"),
        (["cured"], "any(other_cancer, ever) not in (cured)", "not met"),
        ([], "any(other_cancer, ever) not in (cured)", "not met"),
        (["cured", "other"], "not any(other_cancer, ever) in (cured)", "not met"),
    ],
)
def test_a_level_other_than_those_named(cancers, rule, expected):
    assert verdict(rule, *(record("other_cancer", "2020", level) for level in cancers)) == expected


@pytest.mark.parametrize(
    ("sexes", "expected"),
    [
        (["female"], "met"),
        (["female", "female"], "met"),
        (["female", "male"], "unknown (conflict)"),
        ([], "unknown (missing)"),
    ],
)
def test_known_once(sexes, expected):
    assert verdict("sex is female", *(record("sex", None, sex) for sex in sexes)) == expected


# ---- absence


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param("had(liver_transplant)", "not met", id="absent means no"),
        pytest.param("had(radiotherapy, 4 weeks)", "unknown (missing)", id="absent means nobody knows"),
        pytest.param("had(flare)", "unknown (needs a person)", id="absent means ask"),
        pytest.param("last(pregnant, 7 days) is yes", "not met", id="a yes-or-no fact is no"),
        pytest.param("last(pregnant, 7 days) is not yes", "met", id="so it is not yes"),
        pytest.param("last(smoker, ever) is yes", "unknown (missing)", id="or unknown"),
        pytest.param("count(liver_transplant) = 0", "met", id="none at all"),
        pytest.param("count(radiotherapy) = 0", "unknown (missing)", id="none on record"),
        pytest.param("count(radiotherapy) >= 0", "met", id="there cannot be fewer than none"),
        pytest.param(
            "last(alt, 7 days after first durvalumab) > 1 U/L", "unknown (missing)", id="after nothing"
        ),
        pytest.param(
            "had(liver_transplant, 7 days after first durvalumab)", "not met", id="no after nothing"
        ),
        pytest.param(
            "last(alt, 7 days after first entecavir) > 1 U/L", "unknown (missing)", id="after what is unknown"
        ),
        pytest.param("last durvalumab >= 2024-01-01", "not met", id="a date of what did not happen"),
        pytest.param("consent <= last durvalumab", "not met", id="on the right side as well"),
        pytest.param(
            "last entecavir >= 2024-01-01", "unknown (missing)", id="a date of what may have happened"
        ),
    ],
)
def test_absence(rule, expected):
    assert verdict(rule, record("consent", "2024-01-05")) == expected


@pytest.mark.parametrize(
    ("when", "rule", "expected"),
    [
        ("2024-03-20", "had(radiotherapy, 4 weeks)", "met"),
        ("2024-01-20", "had(radiotherapy, 4 weeks)", "unknown (missing)"),
        ("2024-01-20", "had(liver_transplant, 4 weeks)", "unknown (missing)"),
        ("2024-03", "had(radiotherapy, 4 weeks)", "unknown (imprecise date)"),
        ("2024", "had(radiotherapy, ever)", "unknown (imprecise date)"),
        ("2023", "had(radiotherapy, ever)", "met"),
    ],
)
def test_had(when, rule, expected):
    fact = "radiotherapy" if "radio" in rule else "liver_transplant"
    answer = "not met" if fact == "liver_transplant" else expected
    assert verdict(rule, record(fact, when)) == answer


# ---- moments, periods, ages


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("last entecavir >= last durvalumab + 6 months", "met"),
        ("last entecavir > last durvalumab + 6 months", "not met"),
        ("consent < first durvalumab", "met"),
        ("had(entecavir, within 7 days of first durvalumab)", "met"),
        ("had(entecavir, within 6 days of first durvalumab)", "unknown (missing)"),
        ("had(durvalumab, since consent)", "met"),
        ("had(durvalumab, 28 days after any entecavir)", "met"),
        ("count(durvalumab, during on_treatment) = 2", "met"),
        ("last durvalumab = 2024-08-31", "met"),
        ("first entecavir = first durvalumab - 7 days", "met"),
        ("first durvalumab - 1 month = 2023-12-10", "met"),
        ("first durvalumab + 48 hours = 2024-01-12", "met"),
        ("first durvalumab - 48 hours = 2024-01-08", "met"),
        ("count(entecavir, since first durvalumab) >= 2", "unknown (missing)"),
        ("count(durvalumab, since last durvalumab) = 1", "met"),
        ("had(liver_transplant, during on_treatment)", "not met"),
        ("had(liver_transplant, since first durvalumab)", "not met"),
        ("had(liver_transplant, ever)", "not met"),
        ("anchor >= last durvalumab", "met"),
    ],
)
def test_moments(rule, expected):
    doses = [record("durvalumab", day) for day in ("2024-01-10", "2024-08-31")]
    covered = [record("entecavir", day) for day in ("2024-01-03", "2025-02-28")]
    treatment = PartialDate.parse("2024-01-10"), PartialDate.parse("2024-09-28")
    found = verdict(
        rule,
        record("consent", "2024-01-05"),
        *doses,
        *covered,
        record("liver_transplant", "2025-03-02"),
        anchor=PartialDate.parse("2025-03-01"),
        periods={"on_treatment": treatment},
    )
    assert found == expected


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("1954-03-31", "met"),
        ("1954-04-01", "met"),
        ("1953-03-31", "not met"),
        ("1953-04-01", "met"),
        ("1953", "unknown (imprecise date)"),
        (None, "unknown (missing)"),
    ],
)
def test_age(birth, expected):
    born = PartialDate.parse(birth) if birth else None
    assert verdict("age >= 18 years and age <= 70 years", birth=born) == expected


def test_before_and_after_a_period():
    period = PartialDate.parse("2024-01-10"), PartialDate.parse("2024-02-10")
    for when, expected in (
        ("2024-01-09", "not met"),
        ("2024-01-10", "met"),
        ("2024-02-10", "met"),
        ("2024-02-11", "not met"),
        ("2024-02", "unknown (imprecise date)"),
    ):
        found = verdict(
            "had(durvalumab, during treatment)", record("durvalumab", when), periods={"treatment": period}
        )
        assert found == expected


def test_before_and_after_since():
    for when, expected in (("2024-01-09", "not met"), ("2024-01-10", "met"), ("2024-04-01", "not met")):
        records = record("consent", "2024-01-10"), record("durvalumab", when)
        assert verdict("had(durvalumab, since consent)", *records) == expected


def test_rows_after_the_data_cut_do_not_exist():
    results = record("hbv_dna", "2024-03-10", "100"), record("hbv_dna", "2024-03-20", "3000")
    assert verdict(DNA, *results, cut=PartialDate.parse("2024-03-19")) == "not met"
    assert verdict(DNA, *results, cut=PartialDate.parse("2024-03-20")) == "met"


# ---- attestations


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([("2024-03-03", "yes", "investigator")], "met", id="28 days ago"),
        pytest.param([("2024-03-02", "yes", "investigator")], "unknown (needs a person)", id="expired"),
        pytest.param(
            [("2024-03-20", "yes", "study nurse")], "unknown (needs a person)", id="not that person's to say"
        ),
        pytest.param([("2024-03-20", "no", "investigator")], "not met", id="the person says no"),
        pytest.param(
            [("2024-03-20", "no", "investigator"), ("2024-03-21", "yes", "investigator")],
            "met",
            id="the latest counts",
        ),
        pytest.param(
            [("2024-04-01", "yes", "investigator")], "unknown (needs a person)", id="not yet attested"
        ),
        pytest.param([], "unknown (needs a person)", id="nobody was asked"),
    ],
)
def test_attested(records, expected):
    assert (
        verdict("attested(fit)", *(record("fit", day, says, by=by) for day, says, by in records)) == expected
    )


# ---- per row


def at_row(rule, baseline, value, *, fact="hbv_dna", earlier=(), baseline_unit=""):
    row = record(fact, "2024-06-10", value)
    before = [] if baseline is None else [record(fact, "2024-01-10", baseline, baseline_unit)]
    between = [record(fact, day, result) for day, result in earlier]
    started = PartialDate.parse("2024-01-10")
    return verdict(rule, *before, *between, row, row=row, baseline_at=started)


@pytest.mark.parametrize(
    ("baseline", "value", "expected"),
    [
        pytest.param("2000", "200000", "met", id="HBV-10"),
        pytest.param("2000", "199999", "not met", id="HBV-11"),
        pytest.param("8700", "870000", "met", id="HBV-12"),
        pytest.param("2040", "203000", "not met", id="HBV-14"),
        pytest.param("1200000", ">1.7E8", "met", id="HBV-19"),
        pytest.param("2500000", ">1.7E8", "unknown (censored across the threshold)", id="HBV-20"),
        pytest.param(
            "<10", "999", "unknown (censored across the threshold)", id="a baseline below the limit"
        ),
        pytest.param("<10", "1000", "met", id="at least a hundred times whatever it was"),
        pytest.param(None, "1000000", "unknown (missing)", id="no baseline"),
        pytest.param("2000", "<10", "not met", id="suppressed"),
    ],
)
def test_reactivation(baseline, value, expected):
    assert at_row("value >= 100 * baseline", baseline, value) == expected


@pytest.mark.parametrize(
    ("baseline", "value", "expected"),
    [
        ("20", "60", "not met"),
        ("20", "100", "not met"),
        ("20", "101", "met"),
        ("34", "101", "not met"),
        ("34", "102", "met"),
        ("90", "269", "not met"),
        ("90", "270", "met"),
        ("33.4", "100.2", "met"),
        (None, "400", "unknown (missing)"),
        (None, "100", "not met"),
    ],
    ids=["FL-01", "FL-02", "FL-03", "FL-04", "FL-05", "FL-07", "FL-07 at", "FL-08", "FL-09", "not above 100"],
)
def test_flare(baseline, value, expected):
    assert at_row("value >= 3 * baseline and value > 100 U/L", baseline, value, fact="alt") == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("change(value) <= -20 %", "met"),
        ("change(value) < -20 %", "not met"),
        ("change(value) = -20 U/L", "met"),
        ("change(value) > -21 U/L", "met"),
        ("ratio(value) <= 0.8", "met"),
        ("ratio(value) < 0.8", "not met"),
        ("value >= 2 * nadir", "met"),
        ("value > 2 * nadir", "not met"),
        ("nadir = 40 U/L", "met"),
        ("date >= 2024-06-10", "met"),
    ],
)
def test_values_of_a_row(rule, expected):
    """Baseline 100, then 40 and 90, then the row with 80."""
    earlier = [("2024-02-01", "40"), ("2024-03-01", "90")]
    assert at_row(rule, "100", "80", fact="alt", earlier=earlier) == expected


@pytest.mark.parametrize(
    ("baseline", "rule", "expected"),
    [
        ("0", "ratio(value) >= 2", "unknown (undefined)"),
        ("0", "change(value) >= 20 %", "unknown (undefined)"),
        ("0", "change(value) >= 20 U/L", "met"),
        ("0.1", "ratio(value) >= 200", "met"),
        ("0.1", "ratio(value) > 200", "not met"),
        ("<1", "ratio(value) >= 20", "met"),
        ("<2", "ratio(value) >= 20", "unknown (censored across the threshold)"),
        ("0.1", "change(value) >= 19.9 U/L", "met"),
        ("0.1", "change(value) > 19.9 U/L", "not met"),
    ],
)
def test_changes_from_little(baseline, rule, expected):
    assert at_row(rule, baseline, "20", fact="alt") == expected


def test_a_nadir_leaves_out_the_row_and_what_came_before_baseline():
    before = record("alt", "2023-12-01", "1")
    row = record("alt", "2024-06-10", "20")
    started = PartialDate.parse("2024-01-10")
    same_day = record("alt", "2024-06-10", "5")
    records = before, record("alt", "2024-01-09", "30"), row, same_day
    assert verdict("nadir = 30 U/L", *records, row=row, baseline_at=started) == "met"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("nadir < 60 U/L", "met"), ("nadir < 40 U/L", "unknown (conflict)"), ("nadir < 30 U/L", "not met")],
)
def test_a_nadir_of_conflicting_baselines(rule, expected):
    """30 and 50 on the day of baseline, 70 later."""
    row = record("alt", "2024-06-10", "80")
    results = [record("alt", day, value) for day, value in (("2024-01-10", "30"), ("2024-01-10", "50"))]
    records = *results, record("alt", "2024-02-01", "70"), row
    assert verdict(rule, *records, row=row, baseline_at=PartialDate.parse("2024-01-10")) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.93", "not met"), ("0.94", "met")],
    ids=["exactly 1.5 times in decimals", "more"],
)
def test_a_multiple_of_baseline(value, expected):
    assert at_row("value > 1.5 * baseline", "0.62", value, fact="creatinine") == expected


def test_a_change_on_the_right_side():
    """The change is 90 less 100, the ratio 0.9."""
    row = record("alt", "2024-06-10", "90")
    records = record("alt", "2024-01-10", "100"), row
    for rule, expected in (
        ("value > change(value)", "met"),
        ("value >= 100 * ratio(value)", "met"),
        ("value > 100 * ratio(value)", "not met"),
    ):
        assert verdict(rule, *records, row=row, baseline_at=PartialDate.parse("2024-01-10")) == expected


def test_a_row_without_a_result():
    row = record("alt", "2024-06-10", None)
    assert verdict("value > 1 U/L", row, row=row) == "unknown (missing)"


def test_baseline_on_the_day_of_the_first_dose():
    """A sample of that day counts as before the dose unless its time proves otherwise."""
    row = record("alt", "2024-06-10", "100")
    dose = PartialDate.parse("2024-01-10T10:00")
    for when, expected in (
        ("2024-01-10", "met"),
        ("2024-01-10T09:59", "met"),
        ("2024-01-10T10:00", "met"),
        ("2024-01-10T10:01", "unknown (missing)"),
    ):
        found = verdict("baseline = 20 U/L", record("alt", when, "20"), row, row=row, baseline_at=dose)
        assert found == expected


# ---- repeated findings

CONFIRMED = "value >= 100 U/L confirmed after 28 days"


@pytest.mark.parametrize(
    ("later", "cut", "expected"),
    [
        pytest.param([("2024-02-07", "150")], None, "met", id="28 days later"),
        pytest.param(
            [("2024-02-06", "150")], None, "unknown (not yet due)", id="27 days later does not count"
        ),
        pytest.param([("2024-02-07", "50")], None, "not met", id="not confirmed"),
        pytest.param([("2024-01-20", "50"), ("2024-02-07", "150")], None, "not met", id="failed in between"),
        pytest.param([("2024-01-20", "150"), ("2024-02-07", "150")], None, "met", id="held in between"),
        pytest.param(
            [("2024-02-07", "150"), ("2024-03-07", "50")], None, "met", id="what comes after does not matter"
        ),
        pytest.param([], "2024-02-07", "unknown (not yet due)", id="the day it is due"),
        pytest.param([], "2024-02-08", "unknown (missing)", id="the day after"),
        pytest.param(
            [("2024-02-07", "150"), ("2024-02-07", "50")], None, "unknown (conflict)", id="two that differ"
        ),
        pytest.param([("2024-02", "50")], None, "unknown (imprecise date)", id="too soon or not"),
    ],
)
def test_confirmed(later, cut, expected):
    row = record("alt", "2024-01-10", "120")
    rows = [record("alt", *one) for one in later]
    assert verdict(CONFIRMED, row, *rows, row=row, cut=cut and PartialDate.parse(cut)) == expected


def test_what_is_not_found_needs_no_confirmation():
    row = record("alt", "2024-01-10", "99")
    assert verdict(CONFIRMED, row, row=row) == "not met"


@pytest.mark.parametrize(
    ("later", "times", "expected"),
    [
        pytest.param([("2024-02-07", "150")], 2, "met", id="two in a row"),
        pytest.param([("2024-02-07", "50"), ("2024-03-07", "150")], 2, "not met", id="the next one fails"),
        pytest.param([("2024-02-07", "150")], 3, "unknown (not yet due)", id="two of three"),
        pytest.param([("2024-02-07", "50")], 3, "not met", id="it cannot be three any more"),
        pytest.param(
            [("2024-02-07", "150"), ("2024-02-07", "50")], 2, "unknown (conflict)", id="which is next"
        ),
        pytest.param([("2024-02-07", "150"), ("2024-02-07", "50")], 3, "not met", id="both are needed"),
        pytest.param(
            [("2024-02-07T10:00", "150"), ("2024-02-07T10:00", "50")],
            2,
            "unknown (conflict)",
            id="of one minute",
        ),
        pytest.param(
            [("2024-02-07T10:00", "150"), ("2024-02-07T10:01", "50")], 2, "met", id="a minute apart"
        ),
        pytest.param(
            [("2024-02", "150"), ("2024-02-07", "50")], 2, "unknown (imprecise date)", id="the month only"
        ),
    ],
)
def test_consecutive(later, times, expected):
    row = record("alt", "2024-01-10", "120")
    rows = [record("alt", *one) for one in later]
    assert verdict(f"value >= 100 U/L consecutive {times}", row, *rows, row=row) == expected


# ---- scores


def points_of(part, readings):
    """Child-Pugh points: liver-function.md of the domain notes, in mg/dL turned to umol/L, g/L and INR."""
    values, cause = readings
    levels = {"none": 1, "slight": 2, "1-2": 2, "moderate": 3, "3-4": 3}
    if part in ("ascites", "encephalopathy"):
        found = [Interval.exactly(levels[r.value]) if r.value else Interval(1, 3) for r in values]
    else:
        found = [points_of_number(part, r.value) for r in values]
    points = Interval.hull_of(found)
    reasons = [r.reason for r, p in zip(values, found, strict=True) if r.reason and not p.is_exact]
    return points, reasons or ([] if points.is_exact else [cause])


def points_of_number(part, value):
    low, high = {"bilirubin": (34, 51), "albumin": (28, 35), "inr": (1.7, 2.3)}[part]
    limits = [Threshold.number(low), Threshold.number(high)]
    is_low = value.compare(Comparison.LESS, limits[0], reason=Reason.CENSORED)
    is_high = value.compare(Comparison.MORE, limits[1], reason=Reason.CENSORED)
    least = 1 + is_low.is_not_met + is_high.is_met
    most = 1 + (not is_low.is_met) + (not is_high.is_not_met)
    return Interval(4 - most, 4 - least) if part == "albumin" else Interval(least, most)


def child_pugh(parts):
    items = [points_of(part, readings) for part, readings in parts.items()]
    reasons = [reason for _, found in items for reason in found]
    told = max(reasons, key=lambda reason: reason.code, default=None)
    return Reading(Interval.sum_of(points for points, _ in items), told)


@pytest.mark.parametrize(
    ("changes", "rule", "expected"),
    [
        pytest.param({}, "score(child_pugh, 28 days) <= 6", "met", id="class A"),
        pytest.param(
            {"inr": None}, "score(child_pugh, 28 days) <= 6", "unknown (missing)", id="CP-07, 5 to 7"
        ),
        pytest.param({"inr": None}, "score(child_pugh, 28 days) <= 9", "met", id="settled without the INR"),
        pytest.param(
            {"inr": None, "ascites": "moderate"}, "score(child_pugh, 28 days) <= 6", "not met", id="7 to 9"
        ),
        pytest.param(
            {"bilirubin": "<34"}, "score(child_pugh, 28 days) <= 5", "met", id="censored within one item"
        ),
        pytest.param(
            {"bilirubin": "<40"},
            "score(child_pugh, 28 days) <= 5",
            "unknown (censored across the threshold)",
            id="censored across two items",
        ),
    ],
)
def test_child_pugh(changes, rule, expected):
    values = {"bilirubin": "10", "albumin": "42", "inr": "1.0", "ascites": "none", "encephalopathy": "none"}
    parts = [record(name, "2024-03-20", value) for name, value in {**values, **changes}.items() if value]
    assert verdict(rule, *parts, scores={"child_pugh": child_pugh}) == expected


# ---- laws

FIRST_DAY = date(2024, 3, 1)
days = st.integers(0, 40).map(lambda n: FIRST_DAY + timedelta(days=n))


@st.composite
def dates(draw):
    """A whole day, or some day of a few."""
    first = draw(days)
    last = first + timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 5])))
    return PartialDate.parse(str(first) if first == last else f"{first}/{last}")


@st.composite
def records(draw, names, numbers):
    """A record of one of the facts; numbers are those given, exact, below or above."""
    fact = TRIAL_FACTS[draw(st.sampled_from(names))]
    unit = draw(st.sampled_from([str(fact.unit)] * 4 + [None, "parsecs"])) if fact.unit else None
    value = None
    if fact.kind is Kind.NUMBER and draw(st.integers(0, 9)):
        comparator = draw(st.sampled_from(["", "", "<", ">"]))
        value = Interval.reported(draw(st.sampled_from(numbers)), comparator, floor=None)
    if fact.levels or fact.kind is Kind.ATTESTATION:
        value = draw(st.sampled_from([*(fact.levels or ("yes", "no")), "unheard of"]))
    limit = draw(st.sampled_from([None, 1.0, 40.0]))
    return Record("", fact.name, draw(dates()), value, unit, limit, limit, by=fact.by)


def facts_in(rule):
    """The facts a rule asks for, those of its rows and the parts of its scores."""
    nodes = list(tree.walk(rule))
    names = [
        name for node in nodes for name in (getattr(node, "fact", None), getattr(node, "name", None)) if name
    ]
    parts = [part for name in names for part in TRIAL_FACTS[name].parts]
    return sorted({name for name in (*names, *parts) if TRIAL_FACTS[name].kind is not Kind.SCORE})


@st.composite
def rules_with_records(draw, rows_of=None):
    """A rule, and records of the facts it asks for with values at, below and above the numbers it names."""
    rule = draw(rules(rows_of))
    names = [*facts_in(rule), *([rows_of] if rows_of else [])] or ["sex"]
    named = [float(node.number) for node in tree.walk(rule) if isinstance(node, tree.Quantity)]
    numbers = [1.0, 2.0, 100.0, *(x for value in named for x in (value, value / 2, 2 * value) if x > 0)]
    several = draw(st.lists(records(names, numbers), min_size=1, max_size=6))
    rows = [draw(records([rows_of], numbers))] if rows_of else []
    return rule, [replace(one, id=str(n)) for n, one in enumerate([*rows, *several])]


THOROUGH = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def trial_case(several, anchor="2024-03-31", row=None):
    period = PartialDate.parse("2024-03-05"), PartialDate.parse("2024-04-05")
    nothing_known = {
        name: lambda _: Reading(Interval(5, 15), Reason.MISSING) for name in ("child_pugh", "albi")
    }
    return Case(
        TRIAL_FACTS,
        several,
        PartialDate.parse(anchor),
        row=row,
        baseline_at=PartialDate.parse("2024-03-10"),
        birth=PartialDate.parse("1960-03-20"),
        periods=dict.fromkeys(PERIODS, period),
        scores=nothing_known,
    )


AT_ANCHOR = rules_with_records()
PER_ROW = st.sampled_from(["alt", "hbv_dna", "ecog"]).flatmap(rules_with_records)


@THOROUGH
@given(AT_ANCHOR, st.randoms(use_true_random=False))
def test_the_order_of_records_never_matters(example, random):
    rule, several = example
    shuffled = list(several)
    random.shuffle(shuffled)
    assert judge(rule, trial_case(shuffled)) == judge(rule, trial_case(several))


@THOROUGH
@given(AT_ANCHOR)
def test_a_sample_without_a_result_never_matters(example):
    rule, several = example
    empty = [
        replace(one, id=f"no {one.id}", value=None)
        for one in several
        if TRIAL_FACTS[one.fact].kind is Kind.NUMBER
    ]
    assert judge(rule, trial_case([*several, *empty])) == judge(rule, trial_case(several))


@THOROUGH
@given(AT_ANCHOR, st.data())
def test_finding_a_date_never_turns_a_known_verdict_over(example, data):
    rule, several = example
    before = judge(rule, trial_case(several))
    imprecise = [one for one in several if not one.date.is_whole]
    if before.is_known and imprecise:
        one = data.draw(st.sampled_from(imprecise))
        day = data.draw(st.dates(one.date.earliest, one.date.latest))
        found = [replace(other, date=PartialDate.of(day)) if other is one else other for other in several]
        assert judge(rule, trial_case(found)) == before


@THOROUGH
@given(AT_ANCHOR, st.data())
def test_measuring_again_never_turns_a_known_verdict_over(example, data):
    """A censored result becomes a number inside what it may be."""
    rule, several = example
    before = judge(rule, trial_case(several))
    censored = [one for one in several if isinstance(one.value, Interval) and not one.value.is_exact]
    if before.is_known and censored:
        one = data.draw(st.sampled_from(censored))
        end = one.value.hi if one.value.lo == -math.inf else one.value.lo
        exact = end + data.draw(st.sampled_from([0.001, 0.5, 1000.0])) * (-1 if end == one.value.hi else 1)
        found = [
            replace(other, value=Interval.exactly(exact)) if other is one else other for other in several
        ]
        assert judge(rule, trial_case(found)) == before


@THOROUGH
@given(AT_ANCHOR)
def test_the_same_result_reported_twice_is_one_result(example):
    rule, several = example
    if not any(isinstance(node, tree.Count) for node in tree.walk(rule)):
        twice = [*several, *(replace(one, id=f"copy of {one.id}") for one in several)]
        assert judge(rule, trial_case(twice)) == judge(rule, trial_case(several))


@THOROUGH
@given(PER_ROW)
def test_rows_keep_the_laws_too(example):
    rule, several = example
    row = several[0]
    before = judge(rule, trial_case(several, row=row))
    assert judge(rule, trial_case(several[::-1], row=row)) == before
    assert judge(tree.Not(rule), trial_case(several, row=row)) == ~before
    for one in several:
        if before.is_known and one is not row and not one.date.is_whole:
            found = [replace(o, date=PartialDate.of(o.date.latest)) if o is one else o for o in several]
            assert judge(rule, trial_case(found, row=row)) == before


def test_agree():
    met, stale = Verdict.MET, Verdict.unknown(Reason.STALE)
    assert agree([met, met], Reason.CONFLICT) == met
    assert agree([stale, stale], Reason.CONFLICT) == stale
    assert agree([met, ~met], Reason.CONFLICT) == Verdict.unknown(Reason.CONFLICT)
    assert agree([met, stale], Reason.CONFLICT) == stale
