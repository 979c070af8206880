"""Comparisons before the final cut: what they are, when they are withheld, and the log of looks."""

import json
from datetime import date

import pytest
from tests.cases.small_trial import PROTOCOL, run

from trialwright.analysis.looks import (
    UNPLANNED,
    Look,
    LookRequest,
    disclose,
    find_comparisons,
    is_safety_endpoint,
    log_look,
    mark_results,
    number_look,
    read_looks,
)
from trialwright.protocol.loading import load_protocol, parse_protocol
from trialwright.vocabulary.problems import ProblemsFound

CUT = date(2027, 1, 1)


def protocol(more=""):
    return parse_protocol(PROTOCOL + more)[0]


def final(day):
    return protocol(f"reporting: {{ final cut: {day} }}\n")


LOOK = Look(1, "SMALL", CUT, "a rumour", "hash", {"dm.parquet": "1"})

# --- what compares ------------------------------------------------------------------------------------------------------


def test_the_comparisons_of_a_small_trial_by_hand():
    # by groups: `by_group` (a rate), `harm_by_group` (adverse events, harm), `visits` (a change)
    assert find_comparisons(protocol()) == ("by_group", "visits")


def test_a_watched_rate_is_about_harm():
    watched = protocol("monitoring: { x: { text: T, event: rise } }\n")
    assert find_comparisons(watched) == ("visits",)
    assert is_safety_endpoint(watched, "rises")
    assert not is_safety_endpoint(protocol(), "rises")
    assert is_safety_endpoint(protocol(), "harms")


def test_one_group_has_nothing_to_compare():
    assert find_comparisons(load_protocol("nct04294498").protocol) == ()


def test_of_a_registered_trial_everything_by_group_but_harms_and_the_patients():
    found = load_protocol("nct07120750").protocol
    compared = set(find_comparisons(found))
    assert {
        "recurrence_curve",
        "recurrence_logrank",
        "recurrence_cox",
        "os_curve",
        "hbsag_loss_rate",
    } <= compared
    assert {"recurrence_weighted_cox", "recurrence_fine_gray", "recurrence_emulated"} <= compared
    assert not {"adverse_event_table", "patients"} & compared


# --- what is shown ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "cut", "why"),
    [
        pytest.param(protocol(), CUT, "does not say when the final data cut is", id="no final cut"),
        pytest.param(final("2027-01-02"), CUT, "until the final data cut, 2027-01-02", id="the day before"),
        pytest.param(final("2027-01-01"), CUT, "", id="the very day"),
        pytest.param(final("2026-12-31"), CUT, "", id="the day after"),
        pytest.param(final("2027-01-01"), None, "no data cut is named", id="no cut"),
    ],
)
def test_when_comparisons_are_withheld(said, cut, why):
    real = disclose(said, cut=cut, is_simulated=False, look=None)
    assert why in real.why_withheld
    assert bool(why) == bool(real.why_withheld)
    assert real.withheld == (("by_group", "visits") if why else ())
    virtual = disclose(said, cut=cut, is_simulated=True, look=None)
    assert virtual.withheld == ()
    assert bool(virtual.why_shown) == bool(why)
    looked = disclose(said, cut=cut, is_simulated=False, look=LOOK)
    assert looked.withheld == ()
    assert looked.look == (LOOK if why else None)  # at the final cut nobody needs one


def test_rows_of_a_look_bear_its_number_and_no_other_row_does():
    said = protocol()
    results = run({"0": "a", "1": "b"})
    looked = disclose(said, cut=CUT, is_simulated=False, look=LOOK)
    marked = mark_results(results, said, looked, "small")
    told = {row.analysis for row in marked.rows if UNPLANNED in json.loads(row.conventions)}
    assert told == {"by_group", "visits"}
    rows = [row for row in marked.rows if row.analysis == "by_group"]
    assert rows
    assert all(json.loads(row.conventions)[UNPLANNED] == 1 for row in rows)
    assert [row.value for row in marked.rows] == [row.value for row in results.rows]


def test_what_is_withheld_has_a_row_with_the_reason():
    said = protocol()
    shown = run({"0": "a", "1": "b"}, only=("rate", "harm_by_group"))
    withheld = disclose(said, cut=CUT, is_simulated=False, look=None)
    marked = mark_results(shown, said, withheld, "small")
    assert marked["by_group/estimate"].value is None
    assert marked["by_group/estimate"].note == withheld.why_withheld
    assert marked["visits/estimate"].note.startswith("withheld")


# --- the log ------------------------------------------------------------------------------------------------------------


def asked(log, reason="a rumour", *, cut=CUT, study="S", protocol="p", data=None):
    return number_look(
        LookRequest(reason, log), study=study, cut=cut, protocol=protocol, data=data or {"dm": "1"}
    )


def test_looks_are_counted_within_a_study_and_the_same_look_keeps_its_number(tmp_path):
    log = tmp_path / "looks.jsonl"
    assert asked(log).number == 1
    assert not log.exists()  # numbering writes nothing
    log_look(log, asked(log))
    log_look(log, asked(log))  # once more the same
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1
    assert asked(log).number == 1
    assert asked(log, "a  rumour ").number == 1  # spaces are no other reason
    for other in ({"reason": "another"}, {"cut": date(2027, 1, 2)}, {"protocol": "q"}, {"data": {"dm": "2"}}):
        assert asked(log, **other).number == 2
    assert asked(log, study="T").number == 1
    log_look(log, asked(log, "another"))
    log_look(log, asked(log, study="T"))
    assert [(one.study, one.number) for one in read_looks(log)] == [("S", 1), ("S", 2), ("T", 1)]


def test_a_line_tells_everything(tmp_path):
    log = tmp_path / "beside" / "looks.jsonl"
    log_look(log, asked(log))
    assert json.loads(log.read_text(encoding="utf-8")) == {
        "look": 1, "study": "S", "date": "2027-01-01", "reason": "a rumour", "protocol_sha256": "p", "data_sha256": {"dm": "1"},
    }  # fmt: skip


def test_adding_never_changes_what_stands_there(tmp_path):
    log = tmp_path / "looks.jsonl"
    before = ""
    for reason in ("one", "two", "drei ü"):
        log_look(log, asked(log, reason))
        text = log.read_text(encoding="utf-8")
        assert text.startswith(before)
        assert text != before
        before = text


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text[:-10], id="cut off"),
        pytest.param(lambda text: text.rstrip("\n"), id="no end of line"),
        pytest.param(lambda text: text.split("\n", 1)[1], id="a look taken out"),
        pytest.param(lambda text: "hello\n" + text, id="no JSON"),
        pytest.param(lambda text: text.replace('"look": 1', '"look": "1"'), id="no number"),
        pytest.param(lambda text: text.replace("2027-01-01", "2027-13-01"), id="no date"),
        pytest.param(lambda text: "[1]\n" + text, id="no mapping"),
    ],
)
def test_a_log_that_was_tampered_with_is_refused_and_nothing_is_added(tmp_path, spoil):
    log = tmp_path / "looks.jsonl"
    log_look(log, asked(log))
    log_look(log, asked(log, "two"))
    log.write_text(spoil(log.read_text(encoding="utf-8")), encoding="utf-8")
    spoiled = log.read_bytes()
    for attempt in (lambda: asked(log), lambda: log_look(log, LOOK)):
        with pytest.raises(ProblemsFound) as found:
            attempt()
        assert [one.code for one in found.value.problems] == ["unreadable-looks"]
    assert log.read_bytes() == spoiled


@pytest.mark.parametrize(
    ("reason", "cut", "code"),
    [("  ", CUT, "look-without-reason"), ("why", None, "look-without-cut")],
)
def test_a_look_needs_a_reason_and_a_cut(tmp_path, reason, cut, code):
    with pytest.raises(ProblemsFound) as found:
        asked(tmp_path / "looks.jsonl", reason, cut=cut)
    assert [one.code for one in found.value.problems] == [code]
