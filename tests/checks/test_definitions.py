"""What the twins of a page cannot show: faults that a check finds in two ways, and protocols it does not concern."""

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
