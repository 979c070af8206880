"""The cases of single rules, held against tables worked by hand."""

import pytest
from tests.design.small_trial import criterion, event, records, situations, trial

from trialwright.design.boundaries.cases import Untested
from trialwright.design.boundaries.pack import make_pack

CRITERION = "eligibility.inclusion.asked.when"
EVENT = "events.asked.when"


def test_a_threshold_with_a_window():
    asked = criterion("last(hbv_dna, 28 days) > 2000 IU/mL")
    assert situations(asked, CRITERION) == {
        "just below": "not met",  # 1999
        "at": "not met",  # 2000 is not above 2000
        "just above": "met",
        "nothing recorded": "unknown (missing)",
        "censored at it (<)": "not met",  # <2000
        "censored across (<)": "unknown (censored across the threshold)",  # <4000
        "censored at it (>)": "met",  # >2000
        "censored across (>)": "unknown (censored across the threshold)",  # >1000
        "first day of the window": "met",
        "a day before the window": "unknown (stale)",
        "a day before the window, saying no": "unknown (stale)",
        "last day of the window": "met",
        "a day after the window": "unknown (missing)",  # later than the moment of judgement
        "yes after no": "met",  # the last counts
        "no after yes": "not met",
    }


@pytest.mark.parametrize(
    ("situation", "recorded"),
    [
        ("just below", [("2024-06-03", "1999")]),
        ("at", [("2024-06-03", "2000")]),
        ("just above", [("2024-06-03", "2001")]),
        ("nothing recorded", []),
        ("censored at it (<)", [("2024-06-03", "<2000")]),
        ("first day of the window", [("2024-05-06", "2001")]),
        ("a day before the window", [("2024-05-05", "2001")]),
        ("yes after no", [("2024-06-02", "1000"), ("2024-06-03", "2001")]),
    ],
)
def test_what_is_on_record(situation, recorded):
    """28 days before 3 June 2024 are 6 May."""
    asked = criterion("last(hbv_dna, 28 days) > 2000 IU/mL")
    assert records(asked, CRITERION, situation, "hbv_dna") == recorded


@pytest.mark.parametrize(
    ("op", "verdicts"),
    [
        ("<", ["met", "not met", "not met"]),
        ("<=", ["met", "met", "not met"]),
        ("=", ["not met", "met", "not met"]),
        (">=", ["not met", "met", "met"]),
        (">", ["not met", "not met", "met"]),
    ],
)
def test_every_operator(op, verdicts):
    found = situations(criterion(f"last(weight, 7 days) {op} 50 kg"), CRITERION)
    assert [found[place] for place in ("just below", "at", "just above")] == verdicts


@pytest.mark.parametrize(
    ("bound", "below_at_above"),
    [
        pytest.param("0.05", ["0.04", "0.05", "0.06"], id="one in the last digit"),
        pytest.param("2000", ["1999", "2000", "2001"], id="whole numbers by one"),
        pytest.param("1.50", ["1.4", "1.5", "1.6"], id="a trailing zero is no digit"),
    ],
)
def test_steps(bound, below_at_above):
    asked = criterion(f"last(hbv_dna, 7 days) > {bound} IU/mL")
    found = [
        records(asked, CRITERION, place, "hbv_dna")[0][1] for place in ("just below", "at", "just above")
    ]
    assert found == below_at_above


def test_a_unit_is_reported_as_the_rule_asks():
    asked = criterion("last(bilirubin, 14 days) <= 2 mg/dL")
    case = next(one for one in make_pack(asked) if one.situation == "at")
    assert [(item.text, item.unit) for item in case.sketch.items if item.fact == "bilirubin"] == [
        ("2", "mg/dL")
    ]


def test_a_multiple_of_baseline_is_exact():
    """100 times 20.1 is 2010."""
    asked = event("of: hbv_dna, when: value >= 100 * baseline")
    assert records(asked, EVENT, "at", "hbv_dna") == [("2024-06-03", "20.1"), ("2025-07-08", "2010")]
    assert situations(asked, EVENT) == {
        "just below": "not met",
        "at": "met 2025-07-08",
        "just above": "met 2025-07-08",
        "nothing to compare with": "unknown (missing)",
        "sampled the day after": "unknown (missing)",
        "nothing recorded": "not met",  # no row, no event
        "censored at it (<)": "not met",
        "censored across (<)": "unknown (censored across the threshold)",
        "censored at it (>)": "met 2025-07-08",
        "censored across (>)": "unknown (censored across the threshold)",
        "just below, after a lower one": "not met",
    }


def test_two_bounds_of_one_value_are_tested_apart():
    """At the threefold the value is above 100 already; at 100 it is above the threefold."""
    asked = event("of: alt, when: value >= 3 * baseline and value > 100 U/L")
    at = {
        case.threshold: sorted(item.text for item in case.sketch.items if item.fact == "alt")
        for case in make_pack(asked)
        if case.situation == "at"
    }
    assert at == {"value >= 3 * baseline": ["200.1", "66.7"], "value > 100 U/L": ["100", "20.1"]}
    assert situations(asked, EVENT, "value > 100 U/L")["at"] == "not met"


def test_limits_of_normal_and_numbers_of_one_value():
    """Limits are chosen so that either bound can decide."""
    asked = criterion("last(albumin, 14 days) >= LLN and last(albumin, 14 days) > 28 g/L")
    assert situations(asked, CRITERION, "last(albumin, 14 days) > 28 g/L")["just above"] == "met"
    assert situations(asked, CRITERION, "last(albumin, 14 days) >= LLN")["just below"] == "not met"
    assert situations(asked, CRITERION)["no limit of normal"] == "unknown (no limit of normal)"


def test_levels():
    assert situations(criterion("last(bclc_stage, 28 days) in (0, A)"), CRITERION) == {
        "0": "met",
        "A": "met",
        "B": "not met",
        "nothing recorded": "unknown (missing)",
        "a word nobody knows": "unknown (unreadable)",
        "first day of the window": "met",
        "a day before the window": "unknown (stale)",
        "a day before the window, saying no": "unknown (stale)",
        "last day of the window": "met",
        "a day after the window": "unknown (missing)",
        "yes after no": "met",
        "no after yes": "not met",
    }


@pytest.mark.parametrize(
    ("which", "yes_after_no", "no_after_yes"),
    [
        ("last", "met", "not met"),
        ("first", "not met", "met"),
        ("any", "met", "met"),
        ("all", "not met", "not met"),
        ("max", "met", "met"),
        ("min", "not met", "not met"),
    ],
)
def test_which_of_two_results_counts(which, yes_after_no, no_after_yes):
    found = situations(criterion(f"{which}(alt, 28 days) > 100 U/L"), CRITERION)
    assert (found["yes after no"], found["no after yes"]) == (yes_after_no, no_after_yes)


@pytest.mark.parametrize(
    ("fact", "none", "asked"),
    [
        pytest.param("transplant", "not met", None, id="absence is no"),
        pytest.param("stroke", "unknown (needs a person)", "not met", id="absence: ask"),
        pytest.param("biopsy", "unknown (missing)", "not met", id="absence is unknown"),
    ],
)
def test_histories(fact, none, asked):
    found = situations(criterion(f"had({fact}, 1 year)"), CRITERION)
    expected = {
        "first day of the window": "met",
        "a day before the window": none,
        "last day of the window": "met",
        "a day after the window": none,
        "nothing recorded": none,
    }
    assert found == expected | ({"asked for, none": asked} if asked else {})


def test_a_year_goes_to_the_same_day():
    asked = criterion("had(stroke, 1 year)")
    assert records(asked, CRITERION, "first day of the window", "stroke") == [("2023-06-03", None)]
    assert records(asked, CRITERION, "a day before the window", "stroke") == [("2023-06-02", None)]


def test_attestations():
    assert situations(criterion("attested(fit)"), CRITERION) == {
        "yes": "met",
        "no": "not met",
        "nobody asked": "unknown (needs a person)",
        "somebody else's word": "unknown (needs a person)",
        "on the last day it holds": "met",
        "a day after it expired": "unknown (needs a person)",
    }
    assert records(criterion("attested(fit)"), CRITERION, "on the last day it holds", "fit") == [
        ("2024-05-20", "yes")
    ]


def test_not_turns_round_and_unknown_stays():
    found = situations(criterion("not had(stroke)"), CRITERION)
    assert found["on the day itself"] == "not met"
    assert found["asked for, none"] == "met"
    assert found["nothing recorded"] == "unknown (needs a person)"


def test_counts_where_absence_is_not_no_say_at_least():
    """Two biopsies on record are two or more."""
    found = situations(criterion("count(biopsy, 1 year) >= 2"), CRITERION)
    assert found["just below"] == "unknown (missing)"
    assert found["at"] == "met"
    assert found["the earliest on the first day of the window"] == "met"
    assert found["the earliest a day before the window"] == "unknown (missing)"
    assert situations(criterion("count(biopsy, 1 year) <= 2"), CRITERION) == {
        "just below": "unknown (missing)",
        "at": "unknown (missing)",
        "just above": "not met",
        "the earliest on the first day of the window": "not met",
        "the earliest a day before the window": "unknown (missing)",
    }
    found = situations(criterion("count(transplant) < 2"), CRITERION)
    assert [found[place] for place in ("just below", "at", "just above")] == ["met", "not met", "not met"]


def test_ages():
    assert situations(criterion("age >= 18 years"), CRITERION) == {
        "on the birthday of 18 years": "met",
        "the day before the birthday of 18 years": "not met",
        "on the birthday of 19 years": "met",
        "the day before the birthday of 19 years": "met",
        "born on 29 February, 28 February": "not met",
        "born on 29 February, 1 March": "met",
        "no date of birth": "unknown (missing)",
    }


def test_births():
    """On 3 June 2024 somebody turns 18 who was born on 3 June 2006."""
    cases = {case.situation: case.sketch for case in make_pack(criterion("age <= 70 years"))}
    assert str(cases["on the birthday of 71 years"].born) == "1953-06-03"
    assert str(cases["the day before the birthday of 71 years"].born) == "1953-06-04"
    leap = cases["born on 29 February, 1 March"]
    assert (str(leap.born), str(leap.anchors["surgery"])) == ("1952-02-29", "2022-03-01")


def test_dates_beside_each_other():
    """3 months after 3 June are 3 September."""
    asked = criterion("surgery <= consent + 3 months")
    days = {
        case.situation: (
            str(case.sketch.anchors["surgery"]),
            str(case.sketch.anchors["consent"]),
            str(case.expected.verdict),
        )
        for case in make_pack(asked)
        if "consent" in case.sketch.anchors
    }
    assert {place: verdict for place, (_, _, verdict) in days.items()} == {
        "a day before": "met",
        "on the day": "met",
        "a day after": "not met",
    }
    assert days["on the day"][:2] == ("2024-09-03", "2024-06-03")


def test_scores_by_their_parts():
    """Five parts of 1 point each are 5; bilirubin of 40 umol/L, 2.3 mg/dL, has 2 points and one of 80 has 3."""
    asked = criterion("score(child_pugh, 14 days) <= 6")
    found = situations(asked, CRITERION)
    assert [found[place] for place in ("just below", "at", "just above")] == ["met", "met", "not met"]
    assert [
        records(asked, CRITERION, place, "bilirubin")[0][1] for place in ("just below", "at", "just above")
    ] == ["10", "40", "80"]


def test_confirmation():
    asked = event("of: alt, when: value >= 100 U/L confirmed after 28 days")
    assert situations(asked, EVENT, "confirmed after 28 days") == {
        "again a day early": "not met",
        "again on the day": "met 2025-07-08",
        "again a day late": "met 2025-07-08",
        "not again": "not met",
        "one between fails": "not met",
    }
    assert records(asked, EVENT, "again a day early", "alt") == [
        ("2025-07-08", "100"), ("2025-08-04", "100"), ("2025-09-10", "99"),
    ]  # fmt: skip


def test_consecutive():
    asked = event("of: alt, when: value >= 100 U/L consecutive 3")
    assert situations(asked, EVENT, "consecutive 3") == {
        "3 in a row": "met 2025-07-08",
        "one too few": "not met",
        "interrupted": "not met",
    }


def test_an_event_that_is_over_can_happen_again():
    asked = event("of: alt, when: value > 100 U/L, over when: value < 50 U/L")
    over = {
        case.situation: (
            sorted(item.text for item in case.sketch.items if item.fact == "alt"),
            case.expected.times,
        )
        for case in make_pack(asked)
        if case.element == "events.asked.over when"
    }
    assert over == {
        "just below": (["101", "101", "49"], 2),
        "at": (["101", "101", "50"], 1),
        "just above": (["101", "101", "51"], 1),
    }


def test_events_of_events():
    asked = trial("""
events:
  rise: { label: rise, of: hbv_dna, when: value >= 10 * baseline }
  flare: { label: flare, of: alt, when: value > 100 U/L }
  both: { label: both, all of: [rise, flare], within: 28 days }
  either: { label: either, any of: [rise, flare, told] }
  told: { label: told, reported: true }
""")
    assert situations(asked, "events.both") == {
        "all of them": "met 2025-07-08",
        "all of them, the other way round": "met 2025-07-08",
        "all but rise": "not met",
        "nothing recorded for rise": "not met",
        "all but flare": "not met",
        "nothing recorded for flare": "not met",
        "the first 28 days before the last": "met 2025-07-08",
        "the first a day earlier": "not met",
    }
    assert situations(asked, "events.either") == {
        "rise alone": "met 2025-07-08",
        "flare alone": "met 2025-07-08",
        "told alone": "met 2025-07-08",
        "none of them": "not met",
        "nothing recorded": "not met",
    }
    assert situations(asked, "events.told") == {"reported": "met 2025-07-08", "not reported": "not met"}


def test_the_edges_of_the_period_in_which_an_event_counts():
    """The last dose is on 8 July 2025, and the period ends 30 days later."""
    asked = event("of: alt, when: value > 100 U/L, during: treated")
    assert situations(asked, "events.asked") == {
        "last day of the period": "met 2025-08-07",
        "a day after the period": "not met",
    }


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        pytest.param("change(last(alt, 7 days)) > 20 U/L", "an absolute change from baseline has no patients yet", id="change"),
        pytest.param(
            "any(bclc_stage, ever) is A and last(bclc_stage, 28 days) is B",
            "another part of the rule looks at the same results", id="the same results",
        ),
        pytest.param("had(stroke) and not had(stroke)", "where this is so, another part of the rule decides", id="never"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_says_why(rule, why):
    untested = [one for one in make_pack(criterion(rule)) if isinstance(one, Untested)]
    assert untested
    assert all(one.why.endswith(why) for one in untested)
