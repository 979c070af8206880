"""How long to read 40 criteria, and to judge one patient by 22, with evidence and what to ask next?

References: `json.loads` of the same criteria in their canonical form; the plain interpreter of the tests, which gives
verdict and reason only.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.evaluation import reference
from tests.evaluation.test_patient import as_record, child_pugh
from tests.strategies.trial_rules import (
    ALL_RULES,
    AT_ANCHOR,
    FACTS,
    PRTRAS_EXCLUSION,
    PRTRAS_INCLUSION,
    scope_of,
)

from measure import cpu_of_call, medians_in_turn
from trialwright.evaluation.patient import judge_rules
from trialwright.evaluation.patient_files import parse_patient
from trialwright.protocol.rule_checks import check_rule
from trialwright.protocol.rules import canonical_json, parse_rule

ROUNDS = 20  # of each in one measurement: a single one is too short for the clock

PATIENT = """\
born: 1961-04-02
anchor: 2026-03-31
records:
  sex: male
  hbsag: { 2026-02: positive, 2025-08-14: positive }
  hbv_dna: { 2026-03-20: 3400 IU/mL, 2026-01-12: "<10 IU/mL", 2025-11-04: 15000 copies/mL }
  anti_hcv: { 2026-02-03: negative }
  alt: { 2026-03-20: [61 U/L (ULN 40), 64 U/L (ULN 40)], 2026-02-20: 58 U/L (ULN 40), 2026-01-20: 40 U/L (ULN 40) }
  ast: { 2026-03-20: 44 U/L (ULN 35), 2026-02-20: 41 U/L (ULN 35), 2026-01-20: 30 U/L (ULN 35) }
  bilirubin: { 2026-03-20: 1.4 mg/dL (ULN 1.2), 2026-02-20: 17 umol/L (ULN 21), 2026-01-20: 15 umol/L (ULN 21) }
  albumin: { 2026-03-20: 36 g/L, 2026-02-20: 3.7 g/dL }
  inr: { 2026-02-20: 1.1 }
  creatinine: { 2026-01-15: 110 umol/L (ULN 104), 2025-12-15: 98 umol/L (ULN 104) }
  platelets: { 2026-03-20: , 2026-03-12: 88 x10^9/L }
  ascites: { 2026-03-20: none }
  encephalopathy: { 2026-03-20: none }
  bclc_stage: { 2025-10-10: A, 2026-03-10: A }
  radical_treatment: 2025-11-20
  hcc_proven_by_pathology: 2025-11-24
  liver_resection: 2025-11-20
  entecavir: [2025-08-20, 2025-09-20, 2025-10-20, 2025-11-20, 2025-12-20, 2026-01-20, 2026-02-20]
  survival_over_3_months: { 2026-03-30: yes by investigator }
  informed_consent: { 2026-03-30: yes by study nurse }
  severe_systemic_disease: { 2026-03-30: no by investigator }
  hypertension: 2019
"""


def criteria():
    forty = ALL_RULES[:40]
    return [one.text for one in forty], [scope_of(one.rows_of) for one in forty]


def read_all(texts, scopes):
    rules = []
    for text, scope in zip(texts, scopes, strict=True):
        rules.append(parse_rule(text))
        assert not any(problem.severity == "error" for problem in check_rule(rules[-1], scope))
    return rules


def judge_plainly(rules, case):
    return {name: reference.judge(rule, case) for name, rule in rules.items()}


def print_milliseconds(what, seconds, reference_seconds, limit=""):
    ratio = f"{seconds / reference_seconds:8.2f} x reference"
    print(f"{what:<66}{seconds * 1000:8.3f} ms CPU {ratio}  {limit}")


texts, scopes = criteria()
forty = read_all(texts, scopes)
assert len(forty) == 40
as_json = [canonical_json(rule) for rule in forty]
scores = {"child_pugh": child_pugh}
several = {one.name: parse_rule(one.text) for one in (*PRTRAS_INCLUSION, *PRTRAS_EXCLUSION)}
assert len(several) == 22
subject = parse_patient(PATIENT, "patient.yaml", AT_ANCHOR).subject
case = reference.Case(
    FACTS,
    [as_record(one) for one in subject.observations],
    subject.anchor,
    birth=subject.birth,
    scores=scores,
)
judged = judge_rules(several, subject, AT_ANCHOR, scores=scores)
assert {name: one.verdict for name, one in judged.items()} == judge_plainly(several, case)
assert any(one.to_confirm for one in judged.values())


def seconds_of(function):
    return lambda: cpu_of_call(lambda: [function() for _ in range(ROUNDS)]) / ROUNDS


loaded, read, plain, full = medians_in_turn(
    seconds_of(lambda: [json.loads(text) for text in as_json]),
    seconds_of(lambda: read_all(texts, scopes)),
    seconds_of(lambda: judge_plainly(several, case)),
    seconds_of(lambda: judge_rules(several, subject, AT_ANCHOR, scores=scores)),
)
print_milliseconds("json.loads, 40 criteria in canonical form (reference)", loaded, loaded)
print_milliseconds("parse_rule and check_rule, the same 40", read, loaded, "aim: 50 ms")
n = len(subject.observations)
print_milliseconds(f"plain interpreter, 22 criteria, {n} records (reference)", plain, plain)
print_milliseconds("judge_rules, the same, with evidence and ask lists", full, plain, "aim: 2 ms")
