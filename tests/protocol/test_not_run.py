"""What no method is there for, told before there are data."""

import pytest
from tests.cases.small_trial import PROTOCOL, protocol
from tests.derivations.lives import changed, shipped

from trialwright.derivations.tumour_settings import response_settings
from trialwright.protocol.not_run import reason_not_run
from trialwright.protocol.safety import safety_endpoint

LATE = "recurrence_delayed_entry"


@pytest.mark.parametrize(
    ("analysis", "changes", "reason"),
    [
        pytest.param(LATE, {}, "", id="as shipped"),
        pytest.param(LATE, {"time varying": ["age"]}, "only `groups` can change over time, not `age`", id="age"),
        pytest.param(LATE, {"covariates": ["age", "hbsag_quantity"], "reference": {}}, "`groups` change over time, and are not among the `covariates`", id="no groups"),
        pytest.param("recurrence_weighted_cox", {"landmark": "12 weeks"}, "weights are not run together with late entry, landmark or changing groups", id="weights"),
        pytest.param("recurrence_incidence", {"entry": "group_assignment"}, "`cumulative incidence` is not run with late entry, landmark or changing groups", id="incidence"),
        pytest.param("recurrence_logrank", {"weights": {"target": "overlap", "treated": "na_and_peginterferon", "covariates": ["age"]}}, "`log-rank` is not run with weights", id="weighted test"),
        pytest.param("patients", {}, "", id="no time"),
    ],
)  # fmt: skip
def test_an_analysis_that_no_method_is_there_for_says_why(analysis, changes, reason):
    loaded = changed(
        shipped("nct07120750"), {f"analyses.{analysis}.{key}": value for key, value in changes.items()}
    )
    assert reason_not_run(loaded.protocol, loaded.protocol.analyses[analysis]) == reason


def harms(during="treated", of="grade", strategy=None, **grading):
    """A second endpoint of adverse events, and its table, in a small trial."""
    keys = "".join(f", {key.replace('_', ' ')}: {value}" for key, value in grading.items())
    estimand = (
        f", estimand: {{ population: everyone, intercurrent events: {{ {strategy} }} }}" if strategy else ""
    )
    endpoint = f"{{ label: H, kind: worst grade, role: secondary, of: {of}, during: {during}, grading: {{ version: CTCAE 5.0{keys} }}{estimand} }}"
    analysis = "{ method: adverse events, title: H, population: everyone, endpoint: second }"
    text = (
        PROTOCOL.replace("  course:\n", f"  second: {endpoint}\n  course:\n", 1) + f"  second: {analysis}\n"
    )
    text = text.replace(
        "periods: {",
        "periods: { again: { span: entry to last drug + 28 days }, short: { span: entry to last drug },",
    )
    return text.replace("  relapse:", "  new_anticancer_therapy: { reported: true }\n  relapse:", 1)


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        pytest.param(harms(), "", id="the same"),
        pytest.param(harms(missing_grade="counted apart", clinical_part="worst"), "", id="what counts is the same"),
        pytest.param(harms(during="again"), "", id="the same span"),
        pytest.param(harms(of="toxicity_grade"), "", id="by concept"),
        pytest.param(harms(strategy="new anticancer therapy: treatment policy"), "", id="the same strategy"),
        pytest.param(harms(during="short"), "`during`", id="period"),
        pytest.param(harms(during="drug"), "`during`", id="treatment"),
        pytest.param(harms(missing_grade="grade 3", missing_relation="counted apart"), "`missing grade`, `missing relation`", id="grading"),
        pytest.param(harms(strategy="new anticancer therapy: while on treatment"), "`new anticancer therapy`", id="strategy"),
    ],
)  # fmt: skip
def test_adverse_events_counted_otherwise_than_the_first_endpoint_says_are_not_run(text, apart):
    found = protocol(text)
    reason = f"adverse events are derived once, as `harms` says, and `second` has another {apart}"
    assert reason_not_run(found, found.analyses["second"]) == (reason if apart else "")
    assert reason_not_run(found, found.analyses["harm"]) == ""


def test_a_table_of_adverse_events_is_not_that_of_a_laboratory_result():
    found = protocol(harms(of="virus"))
    reason = "`adverse events` counts grades of the concept `toxicity_grade`, and `second` is of `virus`"
    assert reason_not_run(found, found.analyses["second"]) == reason


def test_an_endpoint_of_a_laboratory_result_does_not_say_how_adverse_events_count():
    text = harms(during="short")
    assert safety_endpoint(protocol(text))[0] == "harms"
    assert safety_endpoint(protocol(text.replace("of: grade,", "of: virus,", 1)))[0] == "second"
    alone = protocol(PROTOCOL.replace("of: grade,", "of: virus,", 1))
    assert safety_endpoint(alone)[0] == "harms"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param("of: recist_response", "", id="by concept"),
        pytest.param("of: group", "best responses are derived by RECIST 1.1 (concept `recist_response`) only, not of `group`", id="category"),
        pytest.param("of: irecist_response", "best responses are derived by RECIST 1.1 (concept `recist_response`) only, not of `irecist_response`", id="iRECIST"),
        pytest.param("", "best responses are derived by RECIST 1.1 (concept `recist_response`) only, not without `of`", id="nothing"),
    ],
)  # fmt: skip
def test_best_responses_are_of_recist_alone(said, reason):
    text = PROTOCOL.replace("    of: tumour\n", f"    {said}\n", 1)
    found = protocol(
        text.replace(
            "facts:\n", "facts:\n  group: { label: Group, kind: category, levels: { a: A, b: B } }\n"
        )
    )
    assert reason_not_run(found, found.analyses["best"]) == reason
    assert [one.path for one in response_settings(found)] == ([] if reason else ["endpoints.responses"])


def test_best_responses_of_which_nothing_says_what_counts_are_not_run():
    found = protocol(
        PROTOCOL.replace(
            "    response: { counts: [CR, PR], confirmed after: 28 days, unassessed: left out }\n", ""
        )
    )
    assert (
        reason_not_run(found, found.analyses["best"])
        == "no `response` of its endpoint says which responses count"
    )
