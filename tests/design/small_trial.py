"""Small protocols for the test pack: some facts and treatments, and the rules a test is about."""

from pathlib import Path

from trialwright.design.boundaries.cases import Case
from trialwright.design.boundaries.pack import make_pack
from trialwright.protocol.loading import LoadedProtocol, parse_protocol

BASE = """
format: trialwright/1
study: { id: SMALL-1, title: A small trial, type: interventional, allocation: single arm }
facts:
  hbv_dna: { label: HBV DNA, kind: number, concept: hbv_dna }
  alt: { label: ALT, kind: number, concept: alt }
  bilirubin: { label: bilirubin, kind: number, concept: bilirubin }
  albumin: { label: albumin, kind: number, concept: albumin }
  inr: { label: INR, kind: number, concept: inr }
  ascites: { label: ascites, kind: category, concept: ascites }
  encephalopathy: { label: encephalopathy, kind: category, concept: encephalopathy }
  child_pugh: { label: Child-Pugh score, kind: score, concept: child_pugh }
  weight: { label: weight, kind: number, concept: weight }
  bclc_stage: { label: BCLC stage, kind: category, concept: bclc_stage, levels: { "0": Very early, A: Early, B: Late } }
  transplant: { label: transplantation, kind: procedure, absence: "no" }
  stroke: { label: stroke, kind: condition, absence: ask }
  biopsy: { label: biopsy, kind: procedure }
  fit: { label: fit for surgery, kind: attestation, by: surgeon, valid for: 2 weeks }
  lamivudine: { label: lamivudine, kind: drug, absence: "no" }
treatments: { lamivudine: { label: lamivudine } }
anchors: { consent: { text: Consent }, surgery: { text: Surgery } }
time zero: surgery
baseline: last on or before surgery
periods: { treated: { span: first lamivudine to last lamivudine + 30 days } }

"""


def trial(rules=""):
    """The small trial with more sections."""
    text = f"{BASE}\n{rules}"
    protocol, document = parse_protocol(text)
    return LoadedProtocol(protocol, document, Path())


def criterion(rule):
    return trial(
        f'eligibility: {{ at: surgery, inclusion: {{ asked: {{ text: t, when: "{rule}" }} }} }}'.replace(
            "\n", " "
        )
    )


def event(text):
    return trial(f"events: {{ asked: {{ label: Asked, {text} }} }}")


def situations(loaded, element, threshold=None):
    """What is expected in each situation of an element, as text; the day of an event as well."""
    found = {}
    for case in make_pack(loaded):
        if isinstance(case, Case) and case.element == element and threshold in (None, case.threshold):
            day = f" {case.expected.day}" if case.expected.day else ""
            found[case.situation] = f"{case.expected.verdict}{day}"
    return found


def records(loaded, element, situation, fact):
    """What is on record of a fact in a situation: days and texts."""
    for case in make_pack(loaded):
        if isinstance(case, Case) and (case.element, case.situation) == (element, situation):
            return sorted((str(item.day), item.text) for item in case.sketch.items if item.fact == fact)
    raise AssertionError(f"there is no {situation}")
