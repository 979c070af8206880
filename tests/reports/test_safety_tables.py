"""Tables of rates, adverse events, visits and exposure: read before they were accepted, and what they never say."""

import re
from pathlib import Path

import pytest
from tests.cases.small_trial import PROTOCOL, on, protocol, run
from tests.cases.virtual import analysed

from trialwright.reports.blocks import Paragraph, Table, walk
from trialwright.reports.calendar_tables import calendar_sections
from trialwright.reports.exposure_tables import exposure_sections
from trialwright.reports.methods import render_methods
from trialwright.reports.printed import Source
from trialwright.reports.study_report import endpoint_sections, opening_sections
from trialwright.reports.text import render_table_text

GOLDEN = Path(__file__).parents[1] / "golden"
TRIALS = {"nct04294498": (14, 115), "nct07120750": (18, 1)}
"""Subjects and seed: few, and each kind of thing happens."""
SHOWN = {
    "nct04294498": (
        "table-rates-at-a-glance", "table-reactivation-rate", "table-reactivation-per-time", "table-response-rate", "table-response-rate-best",
        "table-breakthrough-rate", "table-adverse-event-table", "table-adverse-event-table-grades", "table-hbv-dna-by-visit",
        "table-exposure", "table-ends", "table-liver", "table-causes", "table-calendar",
    ),
    "nct07120750": (
        "table-hbsag-loss-rate", "table-adverse-event-table", "table-adverse-event-table-grades-na-and-peginterferon",
        "table-hbsag-by-visit", "table-exposure", "table-ends", "table-calendar",
    ),
}  # fmt: skip


def sections(protocol_, results):
    source = Source(protocol_, results)
    return (
        *opening_sections(source),
        *exposure_sections(source),
        *calendar_sections(source),
        *endpoint_sections(source),
    )


def tables(parts):
    return {block.id: block for block in walk(parts) if isinstance(block, Table)}


def kept(name):
    return {path.stem: path.read_text(encoding="utf-8") for path in (GOLDEN / name).glob("*.txt")}


@pytest.mark.parametrize("trial", TRIALS)
def test_tables_of_a_virtual_trial_read_as_they_were_accepted(trial):
    data, results = analysed(trial, *TRIALS[trial])
    found = tables(sections(data.protocol, results))
    assert {id_: render_table_text(found[id_]) for id_ in SHOWN[trial]} == kept(f"virtual-{trial}")


SMALL = protocol()
UNKNOWN = {
    "adrate": [{"USUBJID": i, "PARAMCD": "RISES", "AVALC": "unknown", "REASON": "missing", "NASSESS": 0, "COMPLFL": "N"} for i in "01"],
    "adae": [{"USUBJID": i, "TRTEMFL": "Y"} for i in "01"],
    "adexsum": [
        {"USUBJID": i, "TREATMENT": "drug", "PARAMCD": code, "REASON": "missing"} for i in "01" for code in ("FIRSTDT", "NDOSE", "STOPREAS")
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "people", "told"),
    [("small-nobody", {}, {}), ("small-nothing-known", {"0": "a", "1": "b"}, UNKNOWN)],
    ids=["empty", "all missing"],
)
def test_tables_of_nobody_and_of_nothing_known(name, people, told):
    found = tables(sections(SMALL, run(people, **told)))
    assert {id_: render_table_text(table) for id_, table in found.items()} == kept(name)


def test_what_is_not_derived_as_written_shows_its_reason_in_place_of_a_table():
    text = PROTOCOL.replace("of: grade,", "of: virus,", 1).replace("of: tumour", "of: irecist_response", 1)
    refused = protocol(text.replace("endpoint: responses }", "endpoint: responses, role: registered }", 1))
    parts = sections(refused, run({"0": "a", "1": "b"}, protocol=refused))
    assert not tables(parts).keys() & {"table-best", "table-best-best", "table-harm", "table-harm-grades"}
    said = [block.text.plain for block in walk(parts) if isinstance(block, Paragraph)]
    assert sum("was not run: best responses are derived by RECIST 1.1" in words for words in said) == 2
    assert sum("was not run: `adverse events` counts grades of" in words for words in said) == 2
    methods = " ".join(
        text.plain for text in render_methods(Source(refused, run({}, protocol=refused))).items
    )
    assert "CTCAE" not in methods


FORBIDDEN = re.compile(
    r"no increased risk|safe\b|\bp [=<]|significan|\bcaused?s by\b|due to treatment|protects|lowers the risk",
    re.IGNORECASE,
)


@pytest.mark.parametrize("trial", TRIALS)
def test_no_sentence_claims_a_cause_or_safety_or_tests_what_no_plan_names(trial):
    data, results = analysed(trial, *TRIALS[trial])
    parts = sections(data.protocol, results)
    ours = [render_table_text(table) for table in tables(parts).values()]
    ours += [block.text.plain for block in walk(parts) if isinstance(block, Paragraph)]
    ours += [item.plain for item in render_methods(Source(data.protocol, results)).items]
    assert not [text for text in ours if FORBIDDEN.search(text)]


def rates(verdicts):
    return [
        {"USUBJID": str(i), "PARAMCD": "RISES", "AVALC": {"y": "met", "n": "not met", "?": "unknown"}[word], "NASSESS": 1, "RISKDAYS": 30.0, "COMPLFL": "Y"}
        for i, word in enumerate(verdicts)
    ]  # fmt: skip


def rate_table(verdicts, text=PROTOCOL, name="rate"):
    groups = {str(i): "ab"[i % 2] for i in range(len(verdicts))}
    told = protocol(text)
    return render_table_text(
        tables(sections(told, run(groups, adrate=rates(verdicts), protocol=told)))[f"table-{name}"]
    )


def test_beside_one_sided_limits_those_of_differences_are_called_two_sided():
    text = PROTOCOL.replace("by: groups }\n  over_time", "by: groups, sides: 1 }\n  over_time")
    assert "with two-sided limits by the method of Newcombe" in rate_table("yyynnn", text, "by-group")
    assert "two-sided" not in rate_table("yyynnn", PROTOCOL, "by-group")


def test_without_events_the_table_says_what_is_excluded_and_no_more():
    text = rate_table("n" * 43)
    assert (
        "This excludes, with the confidence said above, rates higher than 8.2 %, and no lower ones." in text
    )
    assert "states no reference rate for this endpoint" in text
    # those who could not be judged exclude nothing
    assert "in 43 subjects who were judged" in rate_table("n" * 43 + "?" * 5)
    assert "rates higher than 8.2 %" in rate_table("n" * 43 + "?" * 5)
    assert "that excludes nothing: nobody was judged" in rate_table("???")
    assert "This excludes" not in rate_table("n" * 42 + "y")


def test_a_reference_rate_is_named_where_the_protocol_has_one():
    design = "design: { endpoint: rises, reference rate: 10 % }\n"
    assert "against a reference rate of 10 %" in rate_table("ny", PROTOCOL + design)
    other = "design: { endpoint: course, reference rate: 10 % }\n"
    assert "states no reference rate for this endpoint: the table" in rate_table("ny", PROTOCOL + other)


def test_a_reference_rate_that_is_only_assumed_is_called_so():
    assumed = "assumptions: { acceptable: { value: 0.15, status: assumed, reason: None is named. } }\n"
    basis = "design: { endpoint: rises, rests on: { reference rate: acceptable } }\n"
    text = rate_table("ny", PROTOCOL + assumed + basis)
    assert "states no reference rate for this endpoint; 15 % is what its design assumes: the table" in text
    other = basis.replace("rises", "course")
    assert "15 %" not in rate_table("ny", PROTOCOL + assumed + other)


@pytest.mark.parametrize(("allocation", "is_said"), [("not randomised", True), ("randomised", False)])
def test_groups_that_were_not_made_by_chance_are_called_so(allocation, is_said):
    text = PROTOCOL.replace("allocation: not randomised", f"allocation: {allocation}")
    assert ("not made by chance" in rate_table("nyny", text, "by-group")) is is_said


def test_what_the_protocol_counts_stands_first_and_the_other_ways_below():
    lines = rate_table("nyny").splitlines()
    (first,) = [i for i, line in enumerate(lines) if line.startswith("As the protocol counts")]
    assert lines[first + 1].startswith("Highest possible")
    assert lines[first + 2].startswith("Among those judged")


def test_an_event_recorded_as_end_of_treatment_stands_beside_the_adverse_events():
    end = [
        {"USUBJID": "0", "TREATMENT": "drug", "PARAMCD": "FIRSTDT", "ADT": on(0)},
        {"USUBJID": "0", "TREATMENT": "drug", "PARAMCD": "STOPREAS", "AVALC": "ADVERSE EVENT"},
    ]
    text = render_table_text(tables(sections(SMALL, run({"0": "a"}, adexsum=end)))["table-harm"])
    assert "the records disagree" in text
