"""Differences between two protocols, as an ethics board asks for them."""

import pytest
from hypothesis import given
from tests.strategies.rules import rules

from trialwright.protocol import rule_tree as tree
from trialwright.protocol.comparison import compare_protocols, write_differences
from trialwright.protocol.loading import LoadedProtocol, dump_protocol, load_protocol, parse_protocol
from trialwright.protocol.rule_comparison import compare_rules
from trialwright.protocol.rules import parse_rule

PROTOCOL = """
format: trialwright/1
study: { id: T, title: A trial, type: interventional, allocation: single arm, enrolment: 43 }
facts:
  hbv_dna: { label: HBV DNA, kind: number, unit: IU/mL }
  alt: { label: ALT, kind: number, concept: alt }
populations:
  treated: { label: Treated }
eligibility:
  inclusion:
    viraemic: { text: HBV DNA is high, when: "last(hbv_dna, 28 days) > 2000 IU/mL" }
    liver: { text: ALT is not high, when: "last(alt, 4 weeks) <= 5 ULN" }
    adult: { text: An adult, when: age >= 18 years }
  exclusion:
    old: { text: Too old, when: age > 75 years }
events:
  flare: { of: alt, when: value >= 3 * baseline and value > 100 U/L }
  death: { text: Death, reported: true }
endpoints:
  flares:
    label: Flares
    kind: rate
    role: primary
    rate of: flare
    estimand: { population: treated, intercurrent events: { death: no event } }
  survival:
    label: Survival
    kind: time to event
    role: secondary
    time to: death
    unit: months
    reported: true
"""


def differences(*edits):
    """How the protocol differs after text was replaced: (how, path, aspect, older, newer)."""
    newer = PROTOCOL
    for old, new in edits:
        assert newer.count(old) == 1, f"{old!r} stands {newer.count(old)} times"
        newer = newer.replace(old, new)
    return [
        (one.how, one.path, one.aspect, one.older, one.newer)
        for one in compare_protocols(loaded(PROTOCOL, "older.yaml"), loaded(newer, "newer.yaml"))
    ]


def loaded(text, file):
    return LoadedProtocol(*parse_protocol(text, file), None)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [("28 days) > 2000", "28 days) > 100")],
            [("changed", "eligibility.inclusion.viraemic.when", "threshold", "2000 IU/mL", "100 IU/mL")],
            id="threshold",
        ),
        pytest.param(
            [("hbv_dna, 28 days", "hbv_dna, 14 days")],
            [("changed", "eligibility.inclusion.viraemic.when", "window", "28 days", "14 days")],
            id="window",
        ),
        pytest.param(
            [("28 days) > 2000", "28 days) >= 2000")],
            [("changed", "eligibility.inclusion.viraemic.when", "comparison", ">", ">=")],
            id="strict-or-not",
        ),
        pytest.param(
            [("4 weeks", "28 days"), ("age > 75 years", "age>75 years")],
            [
                (
                    "reworded",
                    "eligibility.inclusion.liver.when",
                    "rule",
                    "last(alt, 4 weeks) <= 5 ULN",
                    "last(alt, 28 days) <= 5 ULN",
                ),
                ("reworded", "eligibility.exclusion.old.when", "rule", "age > 75 years", "age>75 years"),
            ],
            id="the-same-in-other-words",
        ),
        pytest.param(
            [("value >= 3", "(value >= 3"), ("> 100 U/L }", "> 100 U/L) confirmed after 7 days }")],
            [("added", "events.flare.when", "confirmation", None, "after 7 days")],
            id="confirmation",
        ),
        pytest.param(
            [("enrolment: 43", "enrolment: 44")],
            [("changed", "study.enrolment", "enrolment", "43", "44")],
            id="planned-number",
        ),
        pytest.param(
            [("death: no event", "death: composite")],
            [
                (
                    "changed",
                    "endpoints.flares.estimand.intercurrent events.death",
                    "estimand",
                    "no event",
                    "composite",
                )
            ],
            id="estimand",
        ),
        pytest.param(
            [
                ("role: primary", "role: secondary"),
                ("role: secondary\n    time to", "role: primary\n    time to"),
            ],
            [
                ("changed", "endpoints.flares.role", "primary endpoint", "primary", "secondary"),
                ("changed", "endpoints.survival.role", "primary endpoint", "secondary", "primary"),
            ],
            id="primary-endpoint-switched",
        ),
        pytest.param(
            [("text: An adult", "text: Grown up")],
            [("reworded", "eligibility.inclusion.adult.text", "text", "An adult", "Grown up")],
            id="wording",
        ),
        pytest.param(
            [("    adult:", "    grown_up:")],
            [("renamed", "eligibility.inclusion.grown_up", "name", "adult", "grown_up")],
            id="renamed",
        ),
        pytest.param(
            [
                ("    adult: { text: An adult, when: age >= 18 years }\n", ""),
                ("  inclusion:\n", "  inclusion:\n    adult: { text: An adult, when: age >= 18 years }\n"),
            ],
            [("moved", "eligibility.inclusion.adult", "order", "number 3", "number 1")],
            id="moved-within-its-list",
        ),
        pytest.param(
            [
                ("    adult: { text: An adult, when: age >= 18 years }\n", ""),
                ("  exclusion:\n", "  exclusion:\n    adult: { text: An adult, when: age < 18 years }\n"),
            ],
            [
                ("moved", "eligibility.exclusion.adult", "criterion", "inclusion", "exclusion"),
                ("changed", "eligibility.exclusion.adult.when", "comparison", ">=", "<"),
            ],
            id="moved-to-the-other-list-and-changed",
        ),
        pytest.param(
            [
                (
                    "    old: { text: Too old, when: age > 75 years }",
                    "    young: { text: Child, when: age < 12 years }",
                )
            ],
            [
                ("removed", "eligibility.exclusion.old", "criterion", "age > 75 years", None),
                ("added", "eligibility.exclusion.young", "criterion", None, "age < 12 years"),
            ],
            id="one-removed-another-added",
        ),
        pytest.param([("enrolment: 43 }", "enrolment: 43, caution: [] }")], [], id="a-default-written-out"),
    ],
)
def test_a_change_is_called_what_it_is(edits, expected):
    assert differences(*edits) == expected


def test_places_lead_to_both_files():
    newer = PROTOCOL.replace("enrolment: 43", "enrolment: 44")
    (one,) = compare_protocols(loaded(PROTOCOL, "older.yaml"), loaded(newer, "newer.yaml"))
    assert (str(one.older_place), str(one.newer_place)) == ("older.yaml:3:79", "newer.yaml:3:79")


def test_a_protocol_does_not_differ_from_itself_written_anew():
    shipped = load_protocol("hcc-resection")
    again = loaded(dump_protocol(shipped.protocol), "again.yaml")
    assert compare_protocols(shipped, again) == []
    assert write_differences([]) == "no difference"


RULES = [
    ("had(a) and had(b)", "had(b) and had(a)", []),
    ("had(a)", "had(a) and had(b)", [("added", "condition", None, "had(b)")]),
    ("had(a) and had(b)", "had(a)", [("removed", "condition", "had(b)", None)]),
    ("had(a)", "had(a) or had(b)", [("added", "alternative", None, "had(b)")]),
    ("had(a) and had(b)", "had(a) or had(b)", [("changed", "and/or", "and", "or")]),
    ("not had(a)", "had(a)", [("removed", "negation", "not", None)]),
    (
        "value > 1 ULN",
        "value > 1 ULN confirmed after 28 days",
        [("added", "confirmation", None, "after 28 days")],
    ),
    (
        "value > 1 ULN confirmed after 28 days",
        "value > 1 ULN confirmed after 7 days",
        [("changed", "confirmation", "28 days", "7 days")],
    ),
    ("last(a) > 1 ULN", "max(a) > 1 ULN", [("changed", "which result", "last", "max")]),
    ("last(a) > 1 ULN", "last(a) > 40 U/L", [("changed", "threshold", "ULN", "40 U/L")]),
    ("last(a) in (A, B)", "last(a) in (A, B, C)", [("changed", "levels", "A, B", "A, B, C")]),
    ("last(a, 28 days) is A", "last(a) is A", [("removed", "window", "28 days", None)]),
]


@pytest.mark.parametrize(("older", "newer", "expected"), RULES)
def test_rules_differ_in_their_parts(older, newer, expected):
    found = compare_rules(parse_rule(older), parse_rule(newer))
    assert [(one.how, one.aspect, one.older, one.newer) for one in found] == expected


@given(rules(), rules())
def test_no_difference_between_rules_is_passed_over(older, newer):
    assert list(compare_rules(older, newer)) or in_any_order(older) == in_any_order(newer)


def in_any_order(condition):
    """A tree in which the order of parts, and a part said twice, does not count."""
    match condition:
        case tree.AllOf(parts) | tree.AnyOf(parts):
            different = frozenset(in_any_order(part) for part in parts)
            return (type(condition), different) if len(different) > 1 else next(iter(different))
        case tree.Not(part):
            return tree.Not, in_any_order(part)
        case tree.Confirmed(part, after):
            return tree.Confirmed, in_any_order(part), after
        case tree.Consecutive(part, times):
            return tree.Consecutive, in_any_order(part), times
        case _:
            return condition
