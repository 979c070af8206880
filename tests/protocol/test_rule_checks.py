"""Names, kinds, units and context of a rule: every problem with its code and place."""

import pytest
from tests.strategies.trial_rules import FACTS, PERIODS

from trialwright.protocol.facts import Scope, make_fact
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rules import parse_rule
from trialwright.vocabulary.problems import Place, Severity


def _check(text, rows_of=None, **more):
    scope = Scope({**FACTS, **more}, PERIODS, rows_of=rows_of)
    return check_rule(parse_rule(text), scope, start=Place("p.yaml", 7, 1))


_ERRORS = [
    # names
    ("last(creatinin, 28 days) > 1.5 ULN", "unknown-fact", 6, "there is no fact `creatinin`", "did you mean `creatinine`?"),
    ("had(zzz)", "unknown-fact", 5, "there is no fact `zzz`", ""),
    ("had(durvalumab, since first entecavirr)", "unknown-fact", 29, "no fact `entecavirr`", "did you mean `entecavir`?"),
    ("had(a1b2, 3 days)", "unknown-fact", 5, "there is no fact `a1b2`", ""),
    ("had(durvalumab, during on_treatmnt)", "unknown-period", 24, "no period `on_treatmnt`", "did you mean `on_treatment`?"),
    ("last(hbsag, 28 days) is Positive", "unknown-level", 25, "`hbsag` has no level `Positive`", "did you mean `positive`?"),
    (
        "last(bclc_stage, 28 days) in (0, Z)",
        "unknown-level",
        34,
        "`bclc_stage` has no level `Z`",
        "its levels are 0, A, B, C, D",
    ),
    ("last(alt, 28 days) > 5 U/LL", "unknown-unit", 24, "`U/LL` is not a unit", "did you mean `U/L`?"),
    # units
    ("last(alt, 28 days) > 5 mg/dL", "unit-mismatch", 24, "`alt` is in `U/L`, which `mg/dL` does not fit", ""),
    ("last(platelets, 28 days) > 75 U/L", "unit-mismatch", 31, "`platelets` is in `10^9/L`", ""),
    ("last(hbv_dna, 28 days) > 2000", "unit-missing", 26, "needs a unit beside 2000", "write the unit meant, as in `2000 IU/mL`"),
    ("last(ecog, 28 days) <= 1 U/L", "unit-unexpected", 26, "`ecog` has no unit, not `U/L`", ""),
    ("score(child_pugh, 28 days) <= 6 %", "unit-unexpected", 33, "`child_pugh` has no unit", ""),
    ("count(durvalumab) >= 24 mg", "unit-unexpected", 25, "`count(durvalumab)` has no unit", ""),
    ("ratio(last(alt, 28 days)) > 150 %", "unit-unexpected", 33, "the ratio of `alt` has no unit", ""),
    (
        "last(hbv_dna, 28 days) > 10000 copies/mL",
        "assay-needed",
        32,
        "`copies/mL` cannot be converted to `IU/mL`: the factor depends on the assay",
        "name the assay of `hbv_dna` (roche_cobas_taqman or abbott_realtime), or write the threshold in `IU/mL`",
    ),
    ("last(albumin, 28 days) > 5 mmol/L", "unit-mismatch", 28, "`albumin` is in `g/L`", ""),
    # limits of normal
    ("last(hbv_dna, 28 days) > 2 ULN", "no-normal-range", 26, "no limits of normal with `hbv_dna`", ""),
    ("count(alt, 28 days) > 2 ULN", "not-comparable", 23, "`count(alt)` has no ULN", ""),
    ("change(last(alt, 28 days)) > 2 ULN", "not-comparable", 30, "the change of `alt` has no ULN", ""),
    ("last(alt, 28 days) > 0 ULN", "factor-not-positive", 22, "more than 0 times, not 0", ""),
    ("last(alt, 28 days) > 0 * baseline(alt)", "factor-not-positive", 22, "more than 0 times, not 0", ""),
    # kinds
    (
        "last(bclc_stage, 28 days) <= 2",
        "not-comparable",
        27,
        "`bclc_stage` has levels and cannot be compared by `<=`",
        "write `is ...` or `in (...)`",
    ),
    ("last(hbsag, 28 days) = positive", "not-comparable", 22, "`hbsag` has levels", "write `is positive` or `in (...)`"),
    ("last(alt, 28 days) is A", "not-comparable", 23, "`alt` has no levels", "write `=`, `<=` or `>=`"),
    ("last(ecog, 28 days) in (0, 1.5)", "unknown-level", 28, "`ecog` is a whole number, not `1.5`", ""),
    ("last(ecog, 28 days) in (0, 01)", "unknown-level", 28, "`ecog` is a whole number, not `01`", ""),
    ("age is A", "not-comparable", 8, "`age` has no levels", ""),
    ("last(durvalumab) > 3", "wrong-kind", 6, "`durvalumab` is a drug", "write `had(durvalumab)`, `count(durvalumab)`, or `last durvalumab` for its date"),
    ("last(child_pugh, 28 days) <= 6", "wrong-kind", 6, "`child_pugh` is a score", "write `score(child_pugh, 28 days)`"),
    ("last(informed_consent, 28 days) is yes", "wrong-kind", 6, "is an attestation", "write `attested(informed_consent)`"),
    ("last(sex, 28 days) is male", "wrong-kind", 6, "`sex` is known once per person", "write `sex`"),
    ("alt > 5 U/L", "wrong-kind", 1, "`alt` may have many records: say which one", "write `last(alt, 28 days)`"),
    ("max(hbsag, 28 days) is positive", "wrong-kind", 5, "`hbsag` has levels: there is no `max`", ""),
    ("had(alt)", "wrong-kind", 5, "`alt` is a number", "write `last(alt, 28 days)`"),
    ("had(breastfeeding)", "wrong-kind", 5, "`breastfeeding` is a yes-or-no fact", "write `last(breastfeeding, 28 days) is yes`"),
    ("attested(alt)", "wrong-kind", 10, "only an attestation can be attested", "write `last(alt, 28 days)`"),
    ("score(alt, 28 days) > 3", "wrong-kind", 7, "`alt` is a number, not a score", "write `last(alt, 28 days)`"),
    ("count(sex) = 1", "wrong-kind", 7, "`sex` has no records to count", "write `sex`"),
    ("nadir(hbsag) is positive", "wrong-kind", 7, "`hbsag` has levels: there is no nadir", ""),
    ("had(durvalumab, 7 days before entecavir)", "wrong-kind", 31, "`entecavir` is not one date", "write `first entecavir` or `last entecavir`"),
    ("had(durvalumab, 7 days before sex)", "wrong-kind", 31, "`sex` is not one date", ""),
    ("had(durvalumab, since first consent)", "wrong-kind", 29, "no records to take the first of", "write `consent`"),
    ("had(durvalumab, since any entecavir)", "not-comparable", 27, "`any` of several dates can only stand", ""),
    # what can stand beside what
    ("last(alt, 28 days) > last(hbsag, 28 days)", "not-comparable", 27, "`alt` cannot be compared with `hbsag`", ""),
    ("last(alt, 28 days) > last(creatinine, 28 days)", "unit-mismatch", 27, "`alt` is in `U/L`", ""),
    ("last(alt, 28 days) > last(inr, 28 days)", "unit-mismatch", 27, "`alt` is in `U/L`, `inr` in no unit", ""),
    ("last(alt, 28 days) > any(alt, 28 days)", "not-comparable", 26, "belong on the left", ""),
    ("last(alt, 28 days) > 3 * all(alt, 28 days)", "not-comparable", 30, "belong on the left", ""),
    ("last(alt, 28 days) > 28 days", "not-comparable", 22, "`alt` cannot be compared with a length of time", ""),
    ("last(alt, 28 days) > 2024-01-10", "not-comparable", 22, "`alt` cannot be compared with a day", ""),
    ("first durvalumab > 5", "not-comparable", 20, "`durvalumab` cannot be compared with a number", ""),
    ("first durvalumab > 2 * last entecavir", "not-comparable", 29, "cannot be compared with `entecavir`", ""),
    ("age >= 18", "not-comparable", 8, "`age` cannot be compared with a number", "write `18 years`"),
    ("age >= 18 U/L", "not-comparable", 8, "`age` cannot be compared with a number", ""),
    ("age >= 216 days", "not-comparable", 8, "age is in completed years", ""),
    ("age >= 30 months", "not-comparable", 8, "age is in completed years", ""),
    ("age > age", "not-comparable", 7, "`age` cannot be compared with `age`", ""),
    ("change(last(hbsag, 28 days)) > 5", "not-comparable", 13, "`change` compares one numeric result", "write `change(value)`"),
    ("ratio(any(alt, 28 days)) > 5", "not-comparable", 11, "`ratio` compares one numeric result", "write `ratio(value)`"),
    ("change(change(last(alt, 28 days))) > 5 U/L", "not-comparable", 20, "`change` compares one numeric result", "write `change(value)`"),
    ("change(baseline(alt)) > 5 U/L", "not-comparable", 17, "`change` compares one numeric result", "write `change(value)`"),
    # context
    ("value > 100 U/L", "wrong-context", 1, "`value` needs rows; this rule is judged at an anchor", "write `last(..., 28 days)`"),
    ("last(alt, 28 days) > 2 * baseline", "wrong-context", 26, "`baseline` needs rows", "write `baseline(...)` with the fact"),
    ("last(alt, 28 days) > 2 * nadir", "wrong-context", 26, "`nadir` needs rows", "write `nadir(...)` with the fact"),
    ("date > 2024-01-10", "wrong-context", 1, "`date` needs rows", ""),
    ("last(alt, 7 days) > 3 ULN consecutive 2", "wrong-context", 27, "`consecutive` needs rows", ""),
    ("last(alt, 7 days) > 3 ULN confirmed after 7 days", "wrong-context", 27, "`confirmed` needs rows", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "column", "message", "fix"), _ERRORS, ids=[row[0] for row in _ERRORS]
)
def test_error(text, code, column, message, fix):
    (problem,) = _check(text)
    assert (problem.code, problem.place, problem.severity) == (
        code,
        Place("p.yaml", 7, column),
        Severity.ERROR,
    )
    assert message in problem.message
    assert problem.fix.startswith(fix)
    assert bool(problem.fix) == bool(fix)


@pytest.mark.parametrize(
    ("text", "rows_of", "problems"),
    [
        ("value > 100 mg/dL", "alt", [("unit-mismatch", 13)]),
        ("value > 100 U/L", "hbv_dna", [("unit-mismatch", 13)]),
        ("value is positive", "alt", [("not-comparable", 10)]),
        ("value is positive", "lirads", [("unknown-level", 10)]),
        ("value > 3 * baseline", "durvalumab", [("wrong-kind", 1), ("wrong-kind", 13)]),
        ("value > 3 * nadir", "lirads", [("not-comparable", 7)]),
        ("date > 5", "alt", [("not-comparable", 8)]),
        ("anchor > 2024-01-10", "alt", [("wrong-context", 1)]),
        ("(value > 5 U/L consecutive 2) consecutive 3", "alt", [("repeated-finding", 16)]),
        ("value > 5 U/L consecutive 1", "alt", [("repeated-finding", 15)]),
        ("value > 5 U/L consecutive 101", "alt", [("repeated-finding", 15)]),
        ("value > 2 ULN", "hbv_dna", [("no-normal-range", 9)]),
    ],
)
def test_error_per_row(text, rows_of, problems):
    assert [(problem.code, problem.place.column) for problem in _check(text, rows_of)] == problems


@pytest.mark.parametrize(
    ("text", "rows_of", "code", "column"),
    [
        pytest.param("last(alt) > 5 ULN", None, "window-not-stated", 6, id="no window"),
        pytest.param("score(child_pugh) <= 6", None, "window-not-stated", 7, id="no window of a score"),
        pytest.param("any(hbsag) is positive", None, "window-not-stated", 5, id="no window of a category"),
        pytest.param(
            "last(creatinine, 28 days) > 90 mg/dL", None, "implausible-threshold", 29, id="umol taken for mg"
        ),
        pytest.param(
            "last(platelets, 7 days) > 150000 x10^9/L", None, "implausible-threshold", 27, id="cells for 10^9"
        ),
        pytest.param(
            "score(child_pugh, 28 days) <= 4", None, "implausible-threshold", 31, id="below the least score"
        ),
        pytest.param(
            "last(hbsag, 7 days) in (positive, positive)", None, "repeated-level", 35, id="level twice"
        ),
        pytest.param("change(value) > 5 %", "pd1_cd8", "percentage-points", 17, id="percent of what"),
    ],
)
def test_warning(text, rows_of, code, column):
    (problem,) = _check(text, rows_of)
    assert (problem.code, problem.place.column, problem.severity) == (code, column, Severity.WARNING)


@pytest.mark.parametrize(
    ("text", "rows_of"),
    [
        pytest.param("last(alt, ever) > 5 ULN", None, id="any age is meant"),
        pytest.param("had(chemotherapy)", None, id="a history needs no window"),
        pytest.param("count(alt) >= 2", None, id="a count needs no window"),
        pytest.param("last(creatinine, 28 days) > 1.5 mg/dL", None, id="mass beside amount"),
        pytest.param("last(bilirubin, 28 days) > 51 umol/L", None, id="the fact's own unit"),
        pytest.param("last(alt, 28 days) > 200 IU/L", None, id="enzymes in IU"),
        pytest.param("last(platelets, 28 days) > 100 K/uL", None, id="thousands per microlitre"),
        pytest.param("score(child_pugh, 28 days) <= 5", None, id="the least score is plausible"),
        pytest.param("score(child_pugh, 28 days) >= 15", None, id="so is the most"),
        pytest.param("score(albi, 28 days) <= -2.6", None, id="a negative score"),
        pytest.param("last(ecog, 28 days) in (0, 1)", None, id="whole numbers as levels"),
        pytest.param("change(value) <= -20 %", "afp", id="percent of baseline"),
        pytest.param("change(value) >= 5 ng/mL", "afp", id="change in the unit"),
        pytest.param("ratio(value) >= 2", "afp", id="ratio"),
        pytest.param("baseline is positive and value is negative", "hbsag", id="baseline of a category"),
        pytest.param("value > last(ast, 7 days)", "alt", id="two enzymes"),
        pytest.param("date > last entecavir - 28 days", "alt", id="two dates"),
        pytest.param("age >= 18 years", "alt", id="age on the day of the row"),
        pytest.param("last(alt, 7 days) >= 2 * baseline(alt)", None, id="baseline at an anchor"),
    ],
)  # fmt: skip
def test_no_problem(text, rows_of):
    assert _check(text, rows_of) == []


def test_copies_are_compared_where_the_assay_is_named():
    fact = make_fact("viral_load", concept="hbv_dna", assay="roche_cobas_taqman")
    assert _check("last(viral_load, 28 days) > 11640 copies/mL", viral_load=fact) == []


def test_score_needs_one_fact_for_each_part():
    parts = {name: FACTS[name] for name in ("child_pugh", "albumin", "inr", "ascites", "encephalopathy")}
    rule = parse_rule("score(child_pugh, 28 days) <= 6")
    (none,) = check_rule(rule, Scope(parts))
    assert none.code == "score-part-missing"
    assert none.message == "`child_pugh` needs one fact of the concept `bilirubin`: no fact is"
    two = {name: make_fact(name, concept="bilirubin") for name in ("local_bilirubin", "central_bilirubin")}
    (both,) = check_rule(rule, Scope({**parts, **two}))
    assert both.message.endswith("local_bilirubin and central_bilirubin both are")
    one = {"local_bilirubin": two["local_bilirubin"]}
    assert check_rule(rule, Scope({**parts, **one})) == []


def test_all_problems_of_a_rule_are_told_in_the_order_of_the_text():
    problems = _check("last(alz, 28 days) > 5 ULN and (last(hbv_dna) > 2000 or had(alt) or value > 3 U/L)")
    assert [(problem.code, problem.place.column) for problem in problems] == [
        ("unknown-fact", 6),
        ("window-not-stated", 38),
        ("unit-missing", 49),
        ("wrong-kind", 61),
        ("wrong-context", 69),
    ]


def test_rows_of_an_unknown_fact_are_a_problem_not_a_crash():
    assert [problem.code for problem in _check("value > 3 U/L", rows_of="nothing")] == ["unknown-fact"]
