"""ADTR from SDTM records, and what a careful reader asks about them; RC-01 to RC-14 are worked examples."""

from datetime import date

import pytest
from tests.derivations.test_adrs import adrs_of, scans
from tests.derivations.tumours import adsl_of, day, place, response, responses, state, study_of, target

from trialwright.derivations.adtr import derive_adtr
from trialwright.derivations.tumour_questions import ask_about_tumours


def adtr_of(**records):
    study = study_of(**records)
    return derive_adtr(study, adsl_of(study))


def sums(adtr):
    return adtr.filter(PARAMCD="SDIAM")


@pytest.mark.parametrize(
    ("before", "total", "percent_of_base", "percent_of_nadir", "change", "response_word"),
    [
        pytest.param([100], 70, -30.0, -30.0, -30, "PR", id="RC-01"),
        pytest.param([100], 71, -29.0, -29.0, -29, "SD", id="RC-02"),
        pytest.param([100, 50], 60, -40.0, 20.0, 10, "PD", id="RC-03"),
        pytest.param([100, 50], 59, -41.0, 18.0, 9, "PR", id="RC-04"),
        pytest.param([100, 20], 24, -76.0, 20.0, 4, "PR", id="RC-05"),
        pytest.param([100, 20], 25, -75.0, 25.0, 5, "PD", id="RC-06"),
        pytest.param([52, 34], 40, -23.08, 17.65, 6, "SD", id="RC-07"),
        pytest.param([52, 34], 41, -21.15, 20.59, 7, "PD", id="RC-08"),
        pytest.param([30], 36, 20.0, 20.0, 6, "PD", id="RC-09"),
    ],
)
def test_sums_and_their_changes(before, total, percent_of_base, percent_of_nadir, change, response_word):
    records = [
        *scans(*((56 * i, mm) for i, mm in enumerate(before[1:], 1)), (300, total), baseline=before[0])
    ]
    last = sums(adtr_of(tr=records)).row(-1, named=True)
    assert (last["AVAL"], last["BASE"], last["NADIR"]) == (total, before[0], min(before))
    assert (round(last["PCHG"], 2), round(last["PCHGNAD"], 2)) == (percent_of_base, percent_of_nadir)
    assert last["CHGNAD"] == change
    assert adrs_of(tr=records).filter(PARAMCD="OVR")["AVALC"][-1] == response_word


def three(when, *sizes):
    return [target(when, f"T0{i}", mm) for i, mm in enumerate(sizes, 1)]


@pytest.mark.parametrize(
    ("later", "measured", "word"),
    [
        pytest.param([40, 40, None], 80, "PD", id="RC-10"),
        pytest.param([14, 14, None], 28, "NE", id="RC-11"),
    ],
)
def test_sum_of_some_targets_is_no_sum(later, measured, word):
    records = [*three(-10, 20, 15, 15), *three(56, *later)]
    row = sums(adtr_of(tr=records)).row(-1, named=True)
    assert (row["AVAL"], row["CHG"], row["PCHG"], row["CHGNAD"], row["ANL01FL"]) == (None,) * 5
    assert (row["SUMMEAS"], row["NMEAS"], row["NTARGET"], row["REASON"]) == (measured, 2, 3, "missing")
    assert adrs_of(tr=records).filter(PARAMCD="OVR")["AVALC"].to_list() == [word]


NODE = place("T02", "LYMPH NODE")


def test_complete_response_with_a_normal_node():
    """RC-13 and RC-14: the sum need not be 0; a node of 11 mm after an overall complete response is progression."""
    records = [
        *(target(-10, name, mm) for name, mm in (("T01", 30), ("T02", 17))),
        *(target(56, name, mm) for name, mm in (("T01", 0), ("T02", 9))),
        *(target(112, name, mm) for name, mm in (("T01", 0), ("T02", 11))),
    ]
    found = sums(adtr_of(tr=records, tu=[NODE])).select("AVAL", "PCHG", "CHGNAD").rows()
    assert [(total, percent and round(percent, 2), change) for total, percent, change in found] == [
        (47, None, None),
        (9, -80.85, -38),
        (11, -76.6, 2),
    ]
    assert adrs_of(tr=records, tu=[NODE]).filter(PARAMCD="OVR")["AVALC"].to_list() == ["CR", "PD"]
    with_others = [
        *records,
        *(state(when, "NT01", "PRESENT") for when in (-10, 56, 112)),
    ]
    assert adrs_of(tr=with_others, tu=[NODE]).filter(PARAMCD="OVR")["AVALC"].to_list() == ["PR", "PR"]


def test_of_nodes_the_short_axis_counts_of_others_the_longest_diameter():
    def both(when, name, longest, short):
        return [target(when, name, longest, TRTESTCD="LDIAM"), target(when, name, short, TRTESTCD="LPERP")]

    records = [*both(-10, "T01", 30, 25), *both(-10, "T02", 22, 17)]
    assert sums(adtr_of(tr=records, tu=[NODE]))["AVAL"].to_list() == [47]
    assert sums(adtr_of(tr=records))["AVAL"].to_list() == [52]  # without its place a lesion is no node
    short = [{**row, "TRTESTCD": "SAXIS"} if row["TRTESTCD"] == "LPERP" else row for row in records]
    assert sums(adtr_of(tr=short, tu=[NODE]))["AVAL"].to_list() == [47]


def test_a_diameter_counts_though_an_axis_is_recorded_too():
    records = [
        target(-10, "T02", 17),
        target(-10, "T02", 19, TRTESTCD="LDIAM"),
        target(-10, "T02", 16, TRTESTCD="LPERP"),
    ]
    assert sums(adtr_of(tr=records, tu=[NODE]))["AVAL"].to_list() == [17]
    message = "node by its longest diameter, or other lesion by its short axis: longest diameter"
    assert questions(tr=records, tu=[NODE]) == [("tumour-measurement", message)]
    right = [*records[:2], target(-10, "T02", 17, TRTESTCD="LPERP")]
    assert questions(tr=right, tu=[NODE]) == []


@pytest.mark.parametrize(
    ("fields", "total", "is_asked"),
    [
        pytest.param({"TRSTRESN": 3.0, "TRSTRESU": "cm"}, 30, False, id="cm"),
        pytest.param(
            {"TRSTRESN": None, "TRSTRESU": None, "TRORRES": "3.0", "TRORRESU": "cm"}, 30, False, id="original"
        ),
        pytest.param({"TRSTRESN": 30.0, "TRSTRESU": None}, None, True, id="no unit"),
        pytest.param({"TRSTRESN": 30.0, "TRSTRESU": "mm2"}, None, True, id="no length"),
        pytest.param({"TRSTRESN": -1.0}, None, True, id="impossible"),
        pytest.param({"TRSTRESN": None, "TRORRES": "about 3"}, None, False, id="no number"),
        pytest.param({"TRSTRESN": 30.0, "TRSTAT": "NOT DONE"}, None, False, id="said not to be done"),
    ],
)
def test_sizes_as_recorded(fields, total, is_asked):
    records = [{**target(-10, "T01", 1), **fields}, target(-10, "T02", 0)]
    study = study_of(tr=records)
    assert sums(derive_adtr(study, adsl_of(study)))["AVAL"].to_list() == [total]
    codes = [problem.code for problem in ask_about_tumours(study, adsl_of(study))]
    assert ("tumour-record-left-out" in codes) == is_asked


@pytest.mark.parametrize(
    ("word", "total"),
    [
        pytest.param("ABSENT", 20, id="gone is 0 mm"),
        pytest.param("TOO SMALL TO MEASURE", 25, id="too small is 5 mm"),
        pytest.param("PRESENT", None, id="seen and not measured"),
        pytest.param("PERHAPS", None, id="a word nobody knows"),
    ],
)
def test_target_told_in_words(word, total):
    records = [*three(-10, 20, 20), target(56, "T01", 20), state(56, "T02", word, TRGRPID="TARGET")]
    assert sums(adtr_of(tr=records))["AVAL"].to_list() == [40, total]


def test_lesions_have_rows_of_their_own():
    records = [
        *three(-10, 20), state(-10, "NT01", "PRESENT"),
        *three(56, 15), state(56, "NT01", "ABSENT"), state(56, "NEW01", "EQUIVOCAL"),
    ]  # fmt: skip
    found = adtr_of(tr=records, tu=[place("T01", "LIVER")])
    rows = found.filter(ADT=date.fromisoformat(day(56))).select(
        "PARAMCD", "LNKID", "AVAL", "AVALC", "BASE", "CHG", "SRCSEQ", "TULOC"
    )
    assert rows.rows() == [
        ("SDIAM", None, 15, None, 20, -5, 3, None),
        ("LDIAM", "T01", 15, None, 20, -5, 3, "LIVER"),
        ("NTSTATE", "NT01", None, "ABSENT", None, None, 4, None),
        ("NEWSTATE", "NEW01", None, "EQUIVOCAL", None, None, 5, None),
    ]
    assert found["ABLFL"].to_list() == ["Y", "Y", "Y", None, None, None, None]
    assert set(found["PROTOCOL"]) == {"facts.recist_response"}


@pytest.mark.parametrize(
    ("whens", "flags", "baseline"),
    [
        pytest.param((-40, -10), (None, None), -10, id="the last before the first dose"),
        pytest.param((-10, 0), (None, None), 0, id="the day of the first dose still counts"),
        pytest.param((-10, 1), (None, None), -10, id="the day after does not"),
        pytest.param((-40, -10), ("Y", None), -40, id="a flag tells"),
        pytest.param((1, 56), (None, None), None, id="there is none"),
    ],
)
def test_baseline_scan(whens, flags, baseline):
    records = [target(when, "T01", 20, TRBLFL=flag) for when, flag in zip(whens, flags, strict=True)]
    found = adtr_of(tr=records).filter(PARAMCD="LDIAM", ABLFL="Y")["ADT"].to_list()
    assert found == ([] if baseline is None else [date.fromisoformat(day(baseline))])


def test_scans_of_one_visit_are_one_time_point():
    visit = {"VISITNUM": 2.0}
    records = [
        *three(-10, 20, 20), target(56, "T01", 15, **visit), target(59, "T02", 10, **visit),
    ]  # fmt: skip
    row = sums(adtr_of(tr=records)).row(-1, named=True)
    assert (row["AVAL"], row["ADT"]) == (25, date.fromisoformat(day(59)))
    twice = [*records, target(59, "T01", 15, **visit)]  # one lesion on two days: these are two time points
    assert sums(adtr_of(tr=twice))["SUMMEAS"].to_list() == [40, 15, 25]


def test_time_point_of_which_nothing_was_done_is_none():
    records = [*three(-10, 20, 20), *three(56, None, None), *three(112, 10, None)]
    assert sums(adtr_of(tr=records))["SUMMEAS"].to_list() == [40, 10]


def test_scan_known_to_the_month():
    records = [*three(-10, 50), *three("2024-03", 40), *three("2024-03-20", 45)]
    rows = sums(adtr_of(tr=records)).select("ADT", "ADTL", "ADTH", "AVAL", "NADIR", "REASON").rows()
    first, last = date(2024, 3, 1), date(2024, 3, 31)
    assert rows[1] == (None, first, last, 40, None, "imprecise date")  # the nadir before it is 50 or 45
    assert rows[2] == (date(2024, 3, 20), date(2024, 3, 20), date(2024, 3, 20), 45, None, "imprecise date")


def questions(**records):
    study = study_of(**records)
    return [(problem.code, problem.message) for problem in ask_about_tumours(study, adsl_of(study))]


SOUND = [*three(-10, 20, 20), *three(56, 12, 12)]


def test_sound_records_are_not_asked_about():
    sum_given = {**target(-10, None, 40), "TRTESTCD": "SUMDIAM"}
    assert questions(tr=[*SOUND, sum_given], rs=[response(56, "PR")]) == []


@pytest.mark.parametrize(
    ("records", "code", "message"),
    [
        pytest.param(
            {"tr": [*SOUND, {**target(56, None, 25), "TRTESTCD": "SUMDIAM"}]},
            "tumour-sum", "sum given differs from the sum of the lesions: sum of 25 mm, lesions make 24 mm", id="sum",
        ),
        pytest.param(
            {"tr": [*three(-10, 20, 20), *three(56, 12, None), {**target(56, None, 24), "TRTESTCD": "SUMDIAM"}]},
            "tumour-sum", "sum given though a target was not measured: sum of 24 mm, 1 of 2 targets not measured",
            id="sum of unmeasured",
        ),
        pytest.param(
            {"tr": SOUND, "rs": [response(56, "SD")]},
            "tumour-response", "response given differs from the one derived: SD given, PR derived", id="response",
        ),
        pytest.param(
            {"rs": responses("03-06 CR, 05-01 PR")},
            "tumour-response", "disease seen after a complete response: PR after CR", id="RC-34 asks",
        ),
        pytest.param(
            {"rs": responses("03-06 CHECK")}, "tumour-response", "word that is no response: 'CHECK'", id="word",
        ),
        pytest.param(
            {"rs": responses("03-06 PR, 03-06 SD")},
            "tumour-response", "two responses of one date differ: PR and SD", id="two of one date",
        ),
        pytest.param(
            {"tr": [*SOUND, target(56, "T01", 13)]},
            "tumour-measurement",
            "rows of one lesion at one time point contradict each other: the rows differ, and count as not assessed",
            id="contradiction",
        ),
        pytest.param(
            {"tr": SOUND, "tu": [place("T01", "LYMPH NODE")]}, None, None, id="a node by a plain diameter is right",
        ),
        pytest.param(
            {"tr": [*SOUND, target(56, "T03", 12)]},
            "tumour-targets", "target that the baseline does not have: not added to the sum", id="late target",
        ),
        pytest.param(
            {"tr": three(56, 20)}, "tumour-baseline", "no baseline assessment: no row is marked as baseline", id="none",
        ),
        pytest.param(
            {"tr": three(-29, 20)},
            "tumour-baseline", "baseline too long before the first dose: 29 days before the first dose", id="29 days",
        ),
        pytest.param({"tr": three(-28, 20)}, None, None, id="28 days are right"),
        pytest.param(
            {"tr": [{**target(-10, "T01", 9), "TRGRPID": "TARGET"}]},
            "tumour-targets", "target too small to be one: 9 mm, at least 10", id="too small",
        ),
        pytest.param(
            {"tr": [target(-10, "T01", 20, TRTESTCD="LPERP")]},
            "tumour-measurement", "node by its longest diameter, or other lesion by its short axis: short axis",
            id="wrong axis",
        ),
        pytest.param(
            {"tr": SOUND[:2], "tu": [place("T01", "LIVER"), place("T02", "LIVER")]}, None, None, id="two in an organ",
        ),
        pytest.param(
            {"tr": three(-10, 20, 20, 20), "tu": [place(f"T0{i}", "LIVER") for i in (1, 2, 3)]},
            "tumour-targets", "more targets in one organ than allowed: 3 targets in LIVER, at most 2", id="three",
        ),
        pytest.param(
            {"tr": [*SOUND, {**state(56, "X1", "PRESENT"), "TRGRPID": None}]},
            "tumour-record-left-out",
            "neither TU nor the group tells what the lesion is followed as; it is not used", id="no role",
        ),
        pytest.param(
            {"rs": [response(56, "PR", evaluator="SPONSOR")]},
            "tumour-record-left-out", "the evaluator is not known; it is not used", id="evaluator",
        ),
    ],
)  # fmt: skip
def test_questions(records, code, message):
    assert questions(**records) == ([] if code is None else [(code, message)])


def test_a_question_names_dataset_subject_reader_date_and_lesion():
    study = study_of(tr=[*SOUND, target(56, "T01", 13)])
    (problem,) = ask_about_tumours(study, adsl_of(study))
    assert problem.field == f"TR S1 local {day(56)} T01"
    assert problem.severity == "warning"
