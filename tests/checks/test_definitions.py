"""What the twins of a page cannot show: faults that a check finds in two ways, and protocols it does not concern."""

import pytest
from tests.checks.patches import found_in

WITHOUT_DEATH = """
events: { death: ~ }
endpoints:
  reactivation: { estimand: { intercurrent events: { death: ~, treatment stopped: while on treatment } } }
  progression_free: { time to: [confirmed_progression] }
"""


def test_a_trial_without_the_event_death_would_count_nobody_as_dead():
    assert ("death-not-read", "events") in found_in("single arm", WITHOUT_DEATH)
    assert ("death-not-read", "events") not in found_in("single arm", "")


def test_a_protocol_without_endpoints_need_not_name_it_yet():
    patch = "{ events: ~, endpoints: ~, analyses: ~, design: ~, monitoring: ~, time zero: ~ }"
    assert not {"death-not-read", "no-time-zero"} & {code for code, _ in found_in("single arm", patch)}


def therapy(name, *, endpoint="harms", strategy="while on treatment", event="reported: true"):
    words = name.replace("_", " ")
    about = "{ kind: best response, of: recist_response, " if endpoint == "response" else "{ "
    return f"""
events: {{ {name}: {{ {event} }} }}
endpoints:
  {endpoint}: {about} label: T, role: exploratory, estimand: {{ treatment: t, population: treated, variable: v, summary: s,
    intercurrent events: {{ {words}: {strategy} }} }} }}
"""


def found_at_therapy(**changes):
    return "new-therapy-not-read" in {code for code, _ in found_in("single arm", therapy(**changes))}


@pytest.mark.parametrize(
    "name",
    [
        "new_therapy",
        "new_systemic_treatment",
        "subsequent_therapy",
        "next_line_of_therapy",
        "other_anticancer_drug",
    ],
)
def test_a_new_therapy_of_another_name_is_not_read(name):
    assert found_at_therapy(name=name)
    assert found_at_therapy(name=name, endpoint="response", strategy="composite")
    assert not found_at_therapy(name=name, strategy="treatment policy")


@pytest.mark.parametrize(
    "name", ["new_anticancer_therapy", "treatment_change", "therapy_ended", "new_lesion"]
)
def test_other_events_are_no_new_therapy(name):
    assert not found_at_therapy(name=name)


def test_for_responses_new_therapy_must_be_reported():
    derived = {"name": "new_anticancer_therapy", "event": "of: hbv_dna, when: value > 5 IU/mL"}
    assert found_at_therapy(**derived, endpoint="response", strategy="composite")
    assert not found_at_therapy(**derived)
    assert not found_at_therapy(name="new_anticancer_therapy", endpoint="response", strategy="composite")


@pytest.mark.parametrize(
    ("patch", "places"),
    [
        ("facts: { alt: { label: hbv_dna } }", [("called-alike", "facts.alt")]),
        ("facts: { alt: { label: Hbv  DNA } }", [("called-alike", "facts.alt")]),
        ("treatments: { peginterferon: { label: ENTECAVIR } }", [("called-alike", "treatments.peginterferon")]),
        ("facts: { hbsag: { levels: { positive: negative } } }", [("called-alike", "facts.hbsag.levels.positive")]),
        ("facts: { alt: { label: HBV-DNA } }", []),
        ("facts: { informed_consent: { label: Liver resection } }", []),
        ("facts: { hbsag: { levels: { positive: Same, negative: same } } }", [("called-alike", "facts.hbsag.levels.positive")]),
        ("facts: { earlier: { label: Entecavir, kind: drug } }", [("called-alike", "treatments.entecavir")]),
        ("facts: { entecavir: { label: Entecavir, kind: drug } }", []),
        ("events: { gone: { reported: true, label: ALT } }", []),
        ("events: { left: { reported: true, label: Gone }, gone: { reported: true } }", [("called-alike", "events.gone")]),
        ("groups: { alone: { short: E }, combination: { short: e } }", [("called-alike", "groups.alone.short")]),
    ],
)  # fmt: skip
def test_of_two_that_are_called_alike_records_tell_neither(patch, places):
    assert [found for found in found_in("two groups", patch) if found[0] == "called-alike"] == places
