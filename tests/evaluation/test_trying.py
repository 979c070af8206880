"""What a rule tried on a patient says: read line by line, and worked out by hand."""

from dataclasses import replace
from textwrap import dedent

import pytest

from trialwright.evaluation.observations import Observation, Subject
from trialwright.evaluation.patient import judge_patient
from trialwright.evaluation.telling import render_judgement
from trialwright.evaluation.trying import try_rule
from trialwright.protocol.facts import Scope
from trialwright.protocol.rules import canonical_json, parse_rule, rule_hash
from trialwright.protocol.scopes import catalogue_facts
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.problems import ProblemsFound

PATIENT = """\
born: 1961-04-02
anchor: 2026-03-31
baseline: 2026-01-05
periods: { on_treatment: 2026-01-05 to 2026-03-31 }
facts:
  durvalumab: { label: Durvalumab, kind: history }
  diabetes: { label: Diabetes, kind: history, absence: no }
  fit: { label: Fit for surgery, kind: attestation, by: investigator, valid for: 28 days }
records:
  alt: { 2026-03-20: [61 U/L (ULN 40), 64 U/L (LLN 5 ULN 40)], 2026-01-03: 30 U/L }
  hbv_dna:
    2026-03-20: { value: 3000 copies/mL, assay: roche_cobas_taqman, id: LB-17, comment: repeat }
    2026-03-01: { value: "<10 IU/mL" }
  creatinine: { 2026-01-15: 1.4 mg/dL (ULN 1.2) }
  bilirubin: { 2026-03-20: }
  durvalumab: [2026-01-05, 2026-02-02, 2026-03, 2026-03-30]
  bclc_stage: B
  fit: { 2026-03-30: yes by study nurse, 2026-03-10: yes by investigator }
"""


@pytest.fixture
def patient(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(PATIENT, encoding="utf-8")
    return path


def told(rule, patient, **options):
    return try_rule(rule, patient=patient, **{"width": 200, **options}).text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(
            "last(alt, 28 days) > 1.5 ULN",
            """\
            met: the last ALT within 28 days before 2026-03-31 is above 1.5 times the upper limit of normal
              - ALT: 61 U/L, 2026-03-20, ULN 40 (line 10)
              - ALT: 64 U/L, 2026-03-20, LLN 5, ULN 40 (line 10 no. 2)
            """,
            id="value, unit, date, limit and record of each",
        ),
        pytest.param(
            "last(hbv_dna, 28 days) > 2000 IU/mL",
            """\
            not met: the last HBV DNA within 28 days before 2026-03-31 is above 2000 IU/mL
              - HBV DNA: 3000 copies/mL = 515.464 IU/mL, 2026-03-20, assay roche_cobas_taqman (LB-17): repeat
            """,
            id="in the unit of the fact, 5.82 copies being one IU",
        ),
        pytest.param(
            "last(creatinine, 28 days) > 1.5 ULN",
            """\
            unknown (stale): the last creatinine within 28 days before 2026-03-31 is above 1.5 times the upper limit of normal
              - creatinine: 1.4 mg/dL = 123.762 µmol/L, 2026-01-15, ULN 1.2 (line 14), outside the window
              ? creatinine: There are results, but none inside the window.

            To confirm or to rule out:
              1. creatinine: repeat the test
            """,
            id="what is too old is shown as such",
        ),
        pytest.param(
            "last(bilirubin, 28 days) > 2 ULN or had(diabetes)",
            """\
            unknown (missing): any of these
              unknown (missing): the last total bilirubin within 28 days before 2026-03-31 is above 2 times the upper limit of normal
                ? total bilirubin: There is no record, or a part of the score has none.
              not met: Diabetes was recorded
                - no record, which counts as no

            To confirm or to rule out:
              1. total bilirubin: obtain the result
            """,
            id="a sample without a result, and an absence that is a no",
        ),
        pytest.param(
            "last(bilirubin, 28 days) > 2 ULN and last(ast, 28 days) > 2 ULN",
            """\
            unknown (missing): all of these
              unknown (missing): the last total bilirubin within 28 days before 2026-03-31 is above 2 times the upper limit of normal
                ? total bilirubin: There is no record, or a part of the score has none.
              unknown (missing): the last AST within 28 days before 2026-03-31 is above 2 times the upper limit of normal
                ? AST: There is no record, or a part of the score has none.

            To confirm:
              1. total bilirubin: obtain the result
              2. AST: obtain the result

            To rule out:
              1. total bilirubin: obtain the result
            """,
            id="two lists where they differ",
        ),
        pytest.param(
            "count(durvalumab, 42 days) >= 3",
            """\
            unknown (missing): the number of records of Durvalumab within 42 days before 2026-03-31 is at least 3
              - records of Durvalumab: >=2
              - Durvalumab: 2026-03 (line 16 no. 3)
              - Durvalumab: 2026-03-30 (line 16 no. 4)
              ? Durvalumab: There is no record, or a part of the score has none.

            To confirm or to rule out:
              1. Durvalumab: obtain the result
            """,
            id="the count before what was counted",
        ),
        pytest.param(
            "had(durvalumab, 14 days before anchor) and not had(durvalumab, 1 day) and age < 65 years",
            """\
            not met: all of these
              met: Durvalumab was recorded within 14 days before 2026-03-31
                - Durvalumab: 2026-03 (line 16 no. 3), perhaps outside the window
                - Durvalumab: 2026-03-30 (line 16 no. 4)
              not met: Durvalumab was not recorded within 1 day before 2026-03-31
                - Durvalumab: 2026-03 (line 16 no. 3), perhaps outside the window
                - Durvalumab: 2026-03-30 (line 16 no. 4)
              met: age at 2026-03-31 is below 65 years
                - age: 64 years
            """,
            id="a negation and its leaf are one line, and the birthday is two days off",
        ),
        pytest.param(
            "not (attested(fit) or last(bclc_stage, 28 days) is C)",
            """\
            not met: not so that
              met: any of these
                met: the investigator attests: Fit for surgery
                  - Fit for surgery: yes, 2026-03-10, by investigator (line 18 no. 2)
                unknown (imprecise date): the last BCLC stage within 28 days before 2026-03-31 is C
                  - BCLC stage: B (line 17), perhaps outside the window
                  ? BCLC stage: The date is known to the month or year only, and the days in it decide differently.
            """,
            id="only who may attest counts; a result without a date",
        ),
        pytest.param(
            "last(alt, 28 days) > 2 * baseline(alt)",
            """\
            met: the last ALT within 28 days before 2026-03-31 is above 2 times the baseline ALT
              - ALT: 30 U/L, 2026-01-03 (line 10 no. 3)
              - ALT: 61 U/L, 2026-03-20, ULN 40 (line 10)
              - ALT: 64 U/L, 2026-03-20, LLN 5, ULN 40 (line 10 no. 2)
            """,
            id="both sides",
        ),
    ],
)
def test_a_judgement_in_words(rule, text, patient):
    assert told(rule, patient) == dedent(text).rstrip("\n")


def test_a_row_and_the_rows_after_it():
    days = [("1", "2026-01-10", 120.0), ("2", "2026-02-07", 150.0)]
    first, second = (
        Observation(name, "alt", PartialDate.parse(day), Interval.exactly(value), "U/L")
        for name, day, value in days
    )
    scope = replace(Scope(catalogue_facts()), rows_of="alt")
    anchor = PartialDate.parse("2026-03-31")
    rule = parse_rule("value >= 100 U/L confirmed after 28 days")
    told_of = [
        render_judgement(
            judge_patient(rule, Subject((first, second), anchor), scope, row=row), scope, width=200
        )
        for row in (first, second)
    ]
    assert told_of == [
        dedent("""\
            met: confirmed after 28 days
              met: the ALT is at least 100 U/L
                - ALT: 120 U/L, 2026-01-10 (1)
              met: at the rows after it
                - ALT: 150 U/L, 2026-02-07 (2)"""),
        dedent("""\
            unknown (not yet due): confirmed after 28 days
              met: the ALT is at least 100 U/L
                - ALT: 150 U/L, 2026-02-07 (2)
              unknown (not yet due): at the rows after it
                ? ALT: The time for it has not come.

            To confirm or to rule out:
              1. ALT: wait"""),
    ]


def test_of_many_records_the_others_are_counted(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("anchor: 2026-03-31\nrecords: { alt: { 2026-03-20: [1, 2, 3, 4, 5, 6, 7, 8] } }\n")
    lines = told("any(alt, 28 days) > 40 U/L", path).split("\n")
    assert lines[6:9] == [
        "  - ALT: 6, 2026-03-20 (line 2 no. 6)",
        "  - and 2 more",
        "  ? ALT: The unit is not given or cannot be converted (copies/mL without the assay).",
    ]


def test_of_many_records_to_look_at_again_the_others_are_counted(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("anchor: 2026-03-31\nrecords: { alt: { 2026-03-20: [1, 2, 3, 4, 5, 6, 7, 8] } }\n")
    *_, asked = told("last(alt, 28 days) > 40 U/L", path).split("\n")
    others = ", ".join(f"line 2 no. {i}" for i in range(2, 7))
    assert asked == f"  1. ALT: ask the laboratory (line 2, {others}, and 2 more)"


def test_a_long_text_is_cut(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(f"anchor: 2026-03-31\nrecords: {{ alt: {{ 2026-03-20: {'see letter ' * 9_000} }} }}\n")
    line = told("last(alt, 28 days) > 40 U/L", path, width=1000).split("\n")[1]
    start = "see letter see letter see letter see letter see letter see le"
    assert line == f"  - ALT: {start[:60]}…, 2026-03-20 (line 2)"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_are_as_wide_as_the_terminal(width, patient):
    rule = "not (attested(fit) or last(bclc_stage, 28 days) is C) and last(creatinine, 28 days) > 1.5 ULN"
    folded, whole = (told(rule, patient, width=columns, is_explained=False) for columns in (width, 1000))
    assert max(map(len, folded.split("\n"))) <= width
    assert folded.split() == whole.split()


def test_the_date_given_is_where_it_is_judged(patient):
    assert told("age >= 65 years", patient).startswith("not met: age at 2026-03-31")
    assert told("age >= 65 years", patient, anchor="2026-04-02").startswith("met: age at 2026-04-02")


def test_an_explanation(patient):
    text = (
        "had(diabetes) or last(hbv_dna, 28 days)>2000 IU/mL or attested(fit) or last(bclc_stage, 7 days) is C"
    )
    rule = parse_rule(text)
    tried = told(text, patient, is_explained=True, width=250)
    explained, sql = tried.split("\n\nSQL (DuckDB):\n")
    means = (
        "means: Diabetes was recorded, or the last HBV DNA within 28 days before the anchor is above 2000 IU/mL, or the "
        "investigator attests: Fit for surgery, or the last BCLC stage within 7 days before the anchor is C"
    )
    assert explained.split("\n") == [
        "had(diabetes) or last(hbv_dna, 28 days) > 2000 IU/mL or attested(fit) or last(bclc_stage, 7 days) is C",
        "",
        means,
        "",
        "asks for:",
        "  diabetes: history; no record means no",
        "  hbv_dna: number in IU/mL; no record means unknown",
        "  fit: attestation, by the investigator, valid for 28 days",
        "  bclc_stage: category (0, A, B, C, D); no record means unknown",
        "",
        f"hash: sha256:{rule_hash(rule)}",
        f"canonical form: {canonical_json(rule)}",
    ]
    query, judgement = sql.split("\n\n", 1)
    assert query.startswith("WITH ")
    assert judgement.startswith("met: any of these")


def test_a_score_is_explained_by_its_parts():
    text = try_rule("score(child_pugh, 28 days) <= 6", is_explained=True, width=200).text
    asked = text[text.index("asks for:") : text.index("hash:")].split("\n")[1:-2]
    assert [line.split(":")[0].strip() for line in asked] == [
        "child_pugh", "bilirubin", "albumin", "inr", "ascites", "encephalopathy",
    ]  # fmt: skip


def problems(rule, **options):
    with pytest.raises(ProblemsFound) as caught:
        try_rule(rule, **options)
    return [(str(one.place), one.code) for one in caught.value.problems]


def test_what_cannot_be_tried(patient):
    assert problems("age > 3 years", patient=patient, anchor="31.3.2026") == [("None", "unreadable-date")]
    assert problems("last(alt, 28 days > 3 U/L", patient=patient) == [("rule:1:19", "rule-syntax")]
    assert problems("last(altt, 28 days) > 3 U/L", patient=patient) == [("rule:1:6", "unknown-fact")]
    assert problems("had(diabetes)", is_explained=True) == [("rule:1:5", "unknown-fact")]
    assert problems("value > 3 U/L", patient=patient) == [("rule:1:1", "wrong-context")]
    assert problems("age < 9 years or score(meld, 28 days) <= 15", patient=patient) == [
        ("rule:1:24", "not-yet-executable")
    ]
    assert problems("age > 3 years", protocol="nobody.yaml")[0][1] == "no-such-protocol"


def test_warnings_of_the_file_come_before_those_of_the_rule(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("anchor: 2026-03-31\nrecords: { alt: { 2026-03-20: 4 parsecs } }\n")
    answer = try_rule("last(alt) > 3 U/L", patient=path)
    assert [one.code for one in answer.warnings] == ["unknown-unit", "window-not-stated"]
    assert answer.text.startswith("unknown (unit unknown)")


def test_a_score_is_judged_by_the_definition_of_medicine(tmp_path):
    """Bilirubin, albumin and INR give 1 point each, ascites and encephalopathy, which are missing, 1 to 3: 5 to 9 in all."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "anchor: 2026-03-31\nrecords:\n"
        "  bilirubin: { 2026-03-20: 1.4 mg/dL }\n  albumin: { 2026-03-20: 42 g/L }\n  inr: { 2026-03-20: 1.1 }\n"
    )
    assert try_rule("score(child_pugh, 28 days) <= 9", patient=path).text.startswith("met: ")
    answer = try_rule("score(child_pugh, 28 days) <= 6", patient=path).text
    assert answer.startswith("unknown (missing)")
    assert "Child-Pugh score: 5 to 9" in answer
