"""Patients for rules that ask for an event and look at the results it is made of: worked by hand, and put together at random."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.design.small_trial import situations, trial

from trialwright.design.boundaries.cases import Case, Untested
from trialwright.design.boundaries.choices import Setting
from trialwright.design.boundaries.outcome import run_pack, told
from trialwright.design.boundaries.pack import DAY_OF_JUDGEMENT, ZERO, make_pack
from trialwright.design.boundaries.rows import judge_row
from trialwright.design.boundaries.sketches import Item
from trialwright.protocol.scopes import make_scope

ASKED = "events.asked.when"


def asked(rule, loss="value < 20 IU/mL confirmed after 84 days", more=""):
    """Two events: a loss of HBV DNA, and one that asks for it on the rows of ALT."""
    return trial(f"""
events:
  loss: {{ label: loss, {more}of: hbv_dna, when: "{loss}" }}
  asked: {{ label: asked, of: alt, when: "{rule}" }}
""")


def differences(loaded):
    return [
        (one.case.element, one.case.threshold, one.case.situation, told(one.case.expected), told(one.found, one.case.expected))
        for one in run_pack(loaded).differences
    ]  # fmt: skip


def on_record(loaded, threshold, situation, fact):
    (case,) = (
        one
        for one in make_pack(loaded)
        if isinstance(one, Case)
        and (one.element, one.threshold, one.situation) == (ASKED, threshold, situation)
    )
    return sorted((str(item.day), item.text) for item in case.sketch.items if item.fact == fact)


def untested(loaded, threshold):
    return [
        one.why.partition(":")[0]
        for one in make_pack(loaded)
        if isinstance(one, Untested) and (one.element, one.threshold) == (ASKED, threshold)
    ]


# --- an event and the state it led to ---------------------------------------------------------------------------------------

STILL = asked("value > 100 U/L and had(loss) and last(hbv_dna, 28 days) < 20 IU/mL")
STATE = "last(hbv_dna, 28 days) < 20 IU/mL"
EARLY = [("2024-12-20", "19"), ("2025-03-14", "19")]
"""200 days before 8 July 2025, and again 84 days later: before the window, which begins on 10 June."""


def test_the_state_of_the_time_beside_an_event_of_the_past():
    assert situations(STILL, ASKED, STATE) == {
        "just below": "met 2025-07-08",
        "at": "not met",  # lost, and back
        "just above": "not met",
        "nothing recorded": "unknown (stale)",
        "censored at it (<)": "met 2025-07-08",
        "censored across (<)": "unknown (censored across the threshold)",
        "censored at it (>)": "not met",
        "censored across (>)": "unknown (censored across the threshold)",
        "first day of the window": "met 2025-07-08",
        "a day before the window": "unknown (stale)",
        "a day before the window, saying no": "unknown (stale)",
        "last day of the window": "met 2025-07-08",
        "a day after the window": "unknown (stale)",
        "yes after no": "met 2025-07-08",
        "no after yes": "not met",
    }


@pytest.mark.parametrize(
    ("situation", "recorded"),
    [
        ("at", [*EARLY, ("2025-07-08", "20")]),
        ("nothing recorded", EARLY),
        ("first day of the window", [*EARLY, ("2025-06-10", "19")]),
        ("a day before the window", [*EARLY, ("2025-06-09", "19")]),
        ("a day before the window, saying no", [*EARLY, ("2025-06-09", "20")]),
        ("no after yes", [*EARLY, ("2025-07-07", "10"), ("2025-07-08", "20")]),
    ],
)
def test_what_is_on_record_of_both(situation, recorded):
    assert on_record(STILL, STATE, situation, "hbv_dna") == recorded


def test_what_is_lost_and_back_the_next_day_was_no_loss():
    assert on_record(STILL, "had(loss)", "it did not happen", "hbv_dna") == [
        ("2025-07-08", "19"), ("2025-07-09", "20"),
    ]  # fmt: skip


def test_the_event_beside_the_state_it_led_to():
    """A loss of the day after would begin with the sample that is asked for."""
    assert situations(STILL, ASKED, "had(loss)") == {
        "on the day itself": "met 2025-07-08",
        "long before": "met 2025-07-08",
        "it did not happen": "not met",
    }
    assert untested(STILL, "had(loss)") == ["a day later", "nothing recorded"]


def test_what_is_back_shows_by_itself_that_nothing_was_lost():
    back = asked("value > 100 U/L and had(loss) and last(hbv_dna, 28 days) >= 20 IU/mL")
    assert on_record(back, "had(loss)", "it did not happen", "hbv_dna") == [("2025-07-08", "20")]


def test_one_result_that_is_the_event_cannot_be_beside_none():
    once = asked(
        "value > 100 U/L and had(loss) and last(hbv_dna, 28 days) < 20 IU/mL", loss="value < 20 IU/mL"
    )
    assert untested(once, "had(loss)") == ["a day later", "it did not happen", "nothing recorded"]


def test_rows_of_an_event_are_made_by_what_the_rule_looks_at():
    """A row of `scan` with stage A is A; one with stage B is what it must not have been before."""
    loaded = trial("""
events:
  scan: { label: scan, of: bclc_stage, when: "value in (0, A, B)" }
  late: { label: late, of: bclc_stage, when: value is B }
  asked: { label: asked, of: scan, when: "(last(bclc_stage, 0 days) is A and not had(late, ever)) confirmed after 28 days" }
""")
    found = situations(loaded, ASKED, "last(bclc_stage, 0 days) is A")
    assert (found["0"], found["A"]) == ("not met", "met 2025-07-08")
    assert situations(loaded, ASKED, "had(late, ever)") == {
        "long before": "not met",
        "it did not happen": "met 2025-07-08",
        "nothing recorded": "met 2025-07-08",
    }
    assert on_record(loaded, "had(late, ever)", "long before", "bclc_stage") == [
        ("2024-12-20", "B"),
        ("2025-07-08", "A"),
    ]
    assert on_record(loaded, "confirmed after 28 days", "again on the day", "bclc_stage") == [
        ("2025-07-08", "A"), ("2025-08-05", "A"), ("2025-09-10", "0"),
    ]  # fmt: skip
    assert differences(loaded) == []


FOUND = {
    "an event before what it is compared with": (
        "alt", "value > 100 U/L and not had(loss, during treated) and date > first loss + 4 weeks", "value >= 10 * nadir",
    ),
    "a row that finds an event again": (
        "alt", "value > 100 U/L and not had(loss, 28 days) and date > first loss + 4 weeks", "value < 20 IU/mL consecutive 3",
    ),
    "the row stands in the window": (
        "hbv_dna", "value < 5 IU/mL and (had(loss) or last(hbv_dna, 28 days) >= 20 IU/mL)", "value >= 20 IU/mL",
    ),
    "records that count, beside the row": (
        "hbv_dna", "value < 5 IU/mL and had(loss, since surgery) and count(hbv_dna, 90 days) >= 2", "value >= 20 IU/mL",
    ),
    "too few records to be sure": (
        "alt", "value > 100 U/L or (had(loss, ever) or count(hbv_dna, 90 days) >= 2)", "value < 20 IU/mL consecutive 3",
    ),
    "a result too old for the row that confirms": (
        "alt", "(value > 100 U/L and (not had(loss) or all(hbv_dna, 28 days) < 20 IU/mL)) confirmed after 28 days",
        "value >= 20 IU/mL confirmed after 2 weeks",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_disturbed_patients_once(name):
    """Rules that were put together at random, and of which a pack had told false differences."""
    fact, rule, loss = FOUND[name]
    loaded = trial(f"""
events:
  loss: {{ label: loss, during: treated, of: hbv_dna, when: "{loss}" }}
  asked: {{ label: asked, of: {fact}, when: "{rule}" }}
""")
    assert differences(loaded) == []


# --- one result as a row ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text", "fulfils"),
    [
        pytest.param("value < 20 IU/mL", "19", True, id="just below"),
        pytest.param("value < 20 IU/mL", "20", False, id="at it"),
        pytest.param("value < 20 IU/mL confirmed after 84 days", "19", True, id="before it is found again"),
        pytest.param("value < 20 IU/mL", "<20", None, id="censored"),
        pytest.param("value < 20 IU/mL", "SEE LETTER", None, id="unreadable"),
        pytest.param("value < 20 IU/mL and baseline > 100 IU/mL", "20", False, id="fails whatever the baseline is"),
        pytest.param("value < 20 IU/mL and baseline > 100 IU/mL", "19", None, id="with some baseline"),
        pytest.param("value >= 10 * nadir", "20", None, id="beside whatever was lowest"),
    ],
)  # fmt: skip
def test_one_result_as_a_row(rule, text, fulfils):
    assert judged(rule, Item("hbv_dna", DAY_OF_JUDGEMENT, text, unit="IU/mL")) is fulfils


def test_results_of_other_facts_and_units():
    own, other = (Item(name, DAY_OF_JUDGEMENT, "19", unit="IU/mL") for name in ("hbv_dna", "alt"))
    assert judged("value < 20 IU/mL", other) is False
    assert judged("value < 20 IU/mL and last(alt, 7 days) > 30 U/L", other) is None
    assert judged("value < 20 IU/mL", Item("hbv_dna", own.day, "19", unit="copies/mL")) is None


def judged(rule, item):
    loaded = asked("value > 100 U/L", loss=rule)
    setting = Setting(loaded.protocol, make_scope(loaded.protocol, loaded.document), ZERO, date(2025, 7, 8))
    return judge_row(loaded.writing.rules["events.loss.when"], item, setting)


# --- rules put together at random -------------------------------------------------------------------------------------------

LOSSES = (
    "value < 20 IU/mL", "value >= 20 IU/mL", "value < 20 IU/mL confirmed after 84 days", "value >= 100 * baseline",
    "value >= 10 * nadir", "value < 20 IU/mL consecutive 3", "value >= 20 IU/mL confirmed after 2 weeks",
    "value < 20 IU/mL and last(alt, 7 days) > 30 U/L",
)  # fmt: skip
WINDOWS = ("", ", ever", ", 28 days", ", since surgery", ", during treated")
STATES = (
    "last(hbv_dna, 28 days) < 20 IU/mL", "last(hbv_dna, 28 days) >= 20 IU/mL", "any(hbv_dna, ever) < 5 IU/mL",
    "max(hbv_dna, 60 days) < 1000 IU/mL", "min(hbv_dna, 28 days) > 3 IU/mL", "first(hbv_dna, since surgery) < 20 IU/mL",
    "count(hbv_dna, 90 days) >= 2", "baseline(hbv_dna) > 100 IU/mL", "all(hbv_dna, 28 days) < 20 IU/mL",
    "date > first loss + 4 weeks", "last(hbv_dna, 7 days) > 1000 IU/mL",
)  # fmt: skip
ROWS = (
    ("alt", "value > 100 U/L and"),
    ("alt", "value > 100 U/L or"),
    ("alt", "value > 100 U/L and not"),
    ("hbv_dna", "value < 5 IU/mL and"),
)


def rule_at_random(chance):
    loss, window, state = (chance.choice(some) for some in (LOSSES, WINDOWS, STATES))
    fact, row = chance.choice(ROWS)
    repeat = chance.choice(("", "", "", " confirmed after 28 days"))
    body = f"{row} (had(loss{window}) {chance.choice(('and', 'or'))} {state})"
    during = chance.choice(("", "", "during: treated, "))
    return f"""
events:
  loss: {{ label: loss, {during}of: hbv_dna, when: "{loss}" }}
  asked: {{ label: asked, of: {fact}, when: "{f"({body}){repeat}" if repeat else body}" }}
"""


def check_rules(chance):
    rules = rule_at_random(chance)
    assert differences(trial(rules)) == [], rules


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_rules_at_random_give_no_difference(chance):
    check_rules(chance)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_many_rules_at_random_give_no_difference(chance):
    check_rules(chance)
