"""Who is listed, and which bounds the rules of events set."""

from dataclasses import replace

import pytest
from tests.analysis.listed_study import TRIAL, listed_study

from trialwright.analysis.listed import (
    DATASETS,
    event_readers,
    main_events,
    rate_of_fact,
    readable,
    select_listed,
    thresholds_of,
)
from trialwright.protocol.loading import load_protocol
from trialwright.protocol.rules import parse_rule


def bounds(event):
    return [(one.fact, one.op, one.factor, one.of) for one in thresholds_of(listed_study(), event)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param("hbv_reactivation", [("hbv_dna", ">=", 100, "baseline")], id="a multiple of baseline"),
        pytest.param(
            "hepatitis_flare",
            [("alt", ">=", 3, "baseline"), ("alt", ">", 100, "value")],
            id="a multiple and a value",
        ),
        pytest.param(
            "hys_law",
            [("alt", ">=", 3, "ULN"), ("bilirubin", ">", 2, "ULN")],
            id="an upper bound of ALP is no threshold",
        ),
        pytest.param("hbv_dna_100_fold_over_nadir", [], id="a multiple of the nadir moves and is no line"),
        pytest.param(
            "hbv_dna_10_fold_over_nadir",
            [("hbv_dna", ">=", 100, "value")],
            id="but a value is, after virus that could not be quantified",
        ),
        pytest.param("hbv_hepatitis", [], id="an event without a rule of its own"),
        pytest.param("progression", [], id="a response is no number"),
    ],
)
def test_thresholds_come_from_the_rules(event, expected):
    assert bounds(event) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param("not value >= 3 * baseline", [], id="what must not be is no lower bound"),
        pytest.param("value < 3 * baseline", [], id="an upper bound"),
        pytest.param("value > 100 U/L consecutive 2", [("alt", ">", 100, "value")], id="within a repetition"),
        pytest.param(
            "value >= 2 ULN or value >= 5 * baseline",
            [("alt", ">=", 2, "ULN"), ("alt", ">=", 5, "baseline")],
            id="either",
        ),
        pytest.param("value > 6 ukat/L", [("alt", ">", 360, "value")], id="6 ukat/L are 360 U/L"),
    ],
)
def test_thresholds_of_rules_written_otherwise(rule, expected):
    listed = listed_study()
    path = "events.hepatitis_flare.when"
    written = replace(listed.rules[path], condition=parse_rule(rule))
    changed = replace(listed, rules={**listed.rules, path: written})
    found = [(one.fact, one.op, one.factor, one.of) for one in thresholds_of(changed, "hepatitis_flare")]
    assert found == [(fact, op, pytest.approx(factor), of) for fact, op, factor, of in expected]


def test_events_of_primary_and_secondary_endpoints():
    assert list(main_events(load_protocol(TRIAL).protocol)) == [
        "hbv_reactivation", "hepatitis_flare", "hbv_hepatitis", "progression", "death",
    ]  # fmt: skip
    assert list(main_events(load_protocol("nct07120750").protocol)) == ["recurrence", "death", "hbsag_loss"]


def test_of_an_event_the_reader_of_the_first_endpoint_counts_that_counts_it():
    protocol = load_protocol(TRIAL).protocol
    named = {name: one.model_copy(update={"reader": None}) for name, one in protocol.endpoints.items()}
    first = next(name for name, one in named.items() if "progression" in one.time_to)
    named[first] = named[first].model_copy(update={"reader": "central"})
    readers = event_readers(protocol.model_copy(update={"endpoints": named}))
    assert readers["progression"] == "central"
    assert readers["hbv_reactivation"] == "local"


def test_the_rate_of_a_fact_is_the_main_one():
    protocol = load_protocol(TRIAL).protocol
    assert rate_of_fact(protocol, "hbv_dna") == "reactivation"
    assert rate_of_fact(protocol, "alt") == "flare"
    assert rate_of_fact(protocol, "bilirubin") is None
    assert rate_of_fact(protocol, None) is None


def test_only_the_population_is_listed():
    listed = listed_study()
    assert listed.subjects["USUBJID"].to_list() == ["T-01", "T-02", "T-03"]
    assert all("S-01" not in table["USUBJID"].to_list() for table in listed.tables.values())
    assert listed.n_unknown == 0


def test_who_may_belong_is_counted_and_not_listed():
    study = listed_study()
    loaded = load_protocol(TRIAL)
    listed = select_listed(loaded, study.tables, "per_protocol")
    assert listed.subjects.is_empty()
    assert listed.n_unknown == 3


@pytest.mark.parametrize(
    ("population", "leave_out", "message"),
    [
        pytest.param("treeted", None, "no population `treeted`", id="a population that is none"),
        pytest.param("treated", "ADLB", "ADLB must be there", id="a dataset is not there"),
    ],
)
def test_wrong_calls_are_refused(population, leave_out, message):
    tables = {name: listed_study()[name] for name in DATASETS if name != leave_out}
    with pytest.raises(ValueError, match=message):
        select_listed(load_protocol(TRIAL), tables, population)


@pytest.mark.parametrize(
    ("result", "read"),
    [
        pytest.param("123456.789012", "123457", id="whole numbers in full"),
        pytest.param("199999", "199999", id="what was measured whole stays"),
        pytest.param("1718.2130584", "1718", id="four digits"),
        pytest.param("171.82130584", "171.8", id="four digits, one behind the point"),
        pytest.param("0.0515463917", "0.05155", id="zeros before do not count"),
        pytest.param("9.99951", "10", id="rounded up to more digits"),
        pytest.param("2.00050", "2.001", id="a half goes up"),
        pytest.param("0.05", "0.05", id="no digit more than there was"),
        pytest.param("0.0", "0", id="nothing"),
        pytest.param("<3.436426116838488", "<3.436", id="a limit keeps its sign"),
        pytest.param(">170000000", ">170000000", id="a whole limit"),
        pytest.param("3.4364261168 to 29.325513196", "3.436 to 29.33", id="from where to where"),
        pytest.param("1.5e-07", "0.00000015", id="with a power"),
        pytest.param("positive", "positive", id="words"),
    ],
)
def test_results_as_people_read_them(result, read):
    assert readable(result) == read
