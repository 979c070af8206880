"""iRECIST; rows IR-01 to IR-11 are worked examples, the scenarios of best response stand in table 3 of the
paper."""

import numpy as np
import pytest

from trialwright.medicine.recist.irecist import (
    NewLesions,
    best_immune_response,
    confirmed_by_repeat,
    count_new_lesions,
    immune_responses,
)
from trialwright.medicine.recist.lesions import read_lesions
from trialwright.medicine.recist.responses import ImmuneResponse, Response, Role, State, decode, encode
from trialwright.medicine.recist.targets import compare_sums
from trialwright.vocabulary.verdicts import Verdict

START = np.datetime64("2024-01-10")
NAN = float("nan")
YES, NO = Verdict.MET.code, Verdict.NOT_MET.code


def follow(*visits, baseline=100, non_target="NO LESIONS", grew=None, new_grew=None, complete=None):
    """Each visit (day, sum) or (day, sum, new lesions, their sum); gives the words and the day of
    progression."""
    rows = [(*visit, 0, 0)[:4] if len(visit) == 2 else visit for visit in visits]
    days, sums, counts, sizes = zip(*rows, strict=True)
    sums = np.array(sums, float)
    complete = np.ones(len(rows), bool) if complete is None else np.array(complete)
    usable = np.where(complete & ~np.isnan(sums), sums, np.inf)
    nadir = np.minimum(baseline, np.concatenate(([np.inf], np.minimum.accumulate(usable)[:-1])))
    target = compare_sums(sums, baseline_mm=baseline, nadir_mm=nadir, is_complete=complete, is_gone=sums == 0)
    others = [non_target] * len(rows) if isinstance(non_target, str) else non_target
    found = immune_responses(
        [0] * len(rows),
        START + np.array(days),
        target=target,
        sum_mm=sums,
        is_complete=complete,
        non_target=encode(Response, others, missing=Response.NE),
        new_lesions=NewLesions.of(
            counts, sizes, grew=None if new_grew is None else np.array(new_grew, np.uint8)
        ),
        non_target_grew=None if grew is None else np.array(grew, np.uint8),
    )
    day = found.progression[0] - START
    return (
        " ".join(decode(ImmuneResponse, found.response)),
        None if np.isnat(day) else int(day.astype(int)),
        bool(found.is_confirmed[0]),
    )


@pytest.mark.parametrize(
    ("visits", "words", "day", "is_confirmed"),
    [
        pytest.param([(57, 130), (92, 136)], "iUPD iCPD", 57, True, id="IR-01"),
        pytest.param([(57, 130), (92, 133), (120, 135)], "iUPD iUPD iCPD", 57, True, id="IR-02"),
        pytest.param([(57, 130), (92, 132), (148, 131)], "iUPD iUPD iUPD", 57, False, id="IR-03"),
        pytest.param([(57, 125), (92, 68), (148, 66)], "iUPD iPR iPR", None, False, id="IR-04"),
        pytest.param([(57, 70), (113, 88), (148, 94)], "iPR iUPD iCPD", 113, True, id="IR-05"),
        pytest.param([(57, 95, 1, 12), (92, 95, 1, 17)], "iUPD iCPD", 57, True, id="IR-06"),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, 1, 15), (148, 95, 1, 17)], "iUPD iUPD iCPD", 57, True, id="IR-07"
        ),
        pytest.param([(57, 95, 1, 12), (92, 95, 2, 12)], "iUPD iCPD", 57, True, id="IR-08"),
        pytest.param([(57, 130), (78, 140), (113, 141)], "iUPD iUPD iCPD", 57, True, id="IR-09"),
        pytest.param(
            [(57, 90), (113, 125), (148, 100), (204, 125), (239, 131)],
            "iSD iUPD iSD iUPD iCPD",
            204,
            True,
            id="IR-10",
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 66, 1, 12), (148, 64, 1, 13)], "iUPD iPR iPR", None, False, id="IR-11"
        ),
        pytest.param([(57, 130), (84, 140)], "iUPD iUPD", 57, False, id="27 days after do not confirm"),
        pytest.param([(57, 130), (85, 140)], "iUPD iCPD", 57, True, id="28 days after do"),
        pytest.param([(57, 130), (92, 134.9)], "iUPD iUPD", 57, False, id="just below 5 mm"),
        pytest.param([(57, 130), (92, 135)], "iUPD iCPD", 57, True, id="exactly 5 mm"),
        pytest.param([(57, 130), (92, 130, 1, 10)], "iUPD iCPD", 57, True, id="a new lesion is another kind"),
        pytest.param(
            [(57, 95, 1, 12), (92, 125, 1, 12)], "iUPD iCPD", 57, True, id="targets are another kind"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, 1, 12)], "iUPD iUPD", 57, False, id="stable new lesions keep it"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, 1, 10)], "iUPD iSD", None, False, id="smaller ones take it back"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, 0, 0)], "iUPD iSD", None, False, id="vanished ones take it back"
        ),
        pytest.param([(57, 95, 2, 0), (92, 95, 1, 0)], "iUPD iSD", None, False, id="one of two vanished"),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, NAN, 0)], "iUPD iUPD", 57, False, id="not assessed takes nothing back"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 60, NAN, 0)], "iUPD iUPD", 57, False, id="... though the targets respond"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 95, 1, NAN)], "iUPD iUPD", 57, False, id="new lesion not measured"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 66, 1, 12), (148, 66, 2, 20)],
            "iUPD iPR iUPD",
            148,
            False,
            id="another one",
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 66, 1, 12), (148, 66, 1, 17)],
            "iUPD iPR iUPD",
            148,
            False,
            id="it grows after all",
        ),
        pytest.param(
            [(57, 95, 1, 9), (92, 0, 1, 9), (148, 0, 0, 0)],
            "iUPD iPR iCR",
            None,
            False,
            id="iCR without new ones",
        ),
        pytest.param([(57, NAN), (92, 130)], "NE iUPD", 92, False, id="not evaluable"),
        pytest.param([(57, 130), (92, NAN), (148, NAN)], "iUPD NE NE", 57, False, id="never imaged again"),
        pytest.param([(57, 130), (92, NAN), (148, 135)], "iUPD NE iCPD", 57, True, id="NE between"),
        pytest.param(
            [(57, 130), (78, 100, 1, 10)], "iUPD iUPD", 57, False, id="another new lesion, too early"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 66, 1, 12), (148, 66, 1, 8), (190, 66, 1, 10), (230, 66, 1, 13)],
            "iUPD iPR iPR iPR iUPD",
            230,
            False,
            id="5 mm more than the smallest sum since",
        ),
        pytest.param(
            [(57, 95), (92, 95, NAN, 0), (148, 95, 1, 0)],
            "iSD NE iUPD",
            148,
            False,
            id="new lesions not assessed",
        ),
        pytest.param(
            [(57, 130), (92, 136), (148, 60)], "iUPD iCPD iCPD", 57, True, id="confirmed stays confirmed"
        ),
        pytest.param(
            [(57, 95, 1, 12), (92, 66, 1, 12), (148, 90, 1, 12), (190, 66, 1, 12)],
            "iUPD iPR iUPD iPR",
            None,
            False,
            id="new lesions that did not begin a block do not keep it",
        ),
    ],
)
def test_courses(visits, words, day, is_confirmed):
    assert follow(*visits) == (words, day, is_confirmed)


def test_incomplete_sum_is_no_measure_of_growth():
    visits = [(57, 130), (92, 150), (148, 154), (190, 155)]
    assert follow(*visits, complete=[False, True, True, True]) == ("iUPD iUPD iUPD iCPD", 57, True)
    assert follow(*visits[:2], complete=[True, False]) == ("iUPD iCPD", 57, True), "the rest only adds"


@pytest.mark.parametrize(
    ("others", "grew", "words"),
    [
        (["PD", "PD"], [NO, YES], "iUPD iCPD"),
        (["PD", "PD"], [NO, NO], "iUPD iUPD"),
        (["PD", "PD"], None, "iUPD iUPD"),
        (["PD", "NON-CR/NON-PD"], None, "iUPD iSD"),
        (["PD", "NE"], None, "iUPD iUPD"),
        (["NON-CR/NON-PD", "PD"], None, "iSD iUPD"),
    ],
)
def test_non_target_lesions(others, grew, words):
    assert follow((57, 100), (92, 100), non_target=others, grew=grew)[0] == words


def test_non_target_progression_confirms_that_of_targets():
    assert follow((57, 130), (92, 130), non_target=["NON-CR/NON-PD", "PD"])[0] == "iUPD iCPD"


def test_unmeasured_new_lesions_confirm_by_any_growth():
    assert follow((57, 95, 1, 0), (92, 95, 1, 0), new_grew=[NO, YES])[0] == "iUPD iCPD"
    assert follow((57, 95, 1, 0), (92, 95, 1, 0), new_grew=[NO, NO])[0] == "iUPD iUPD"


@pytest.mark.parametrize(
    ("then", "words", "day"),
    [
        pytest.param(("SD", 100, "PD"), "iCR iUPD iCPD", 57, id="another kind progresses"),
        pytest.param(("CR", 0, "CR"), "iCR iUPD iCR", None, id="gone again"),
        pytest.param(("CR", 0, "NON-CR/NON-PD"), "iCR iUPD iPR", None, id="stable"),
        pytest.param(("NE", NAN, "NE"), "iCR iUPD NE", 57, id="nobody can tell"),
    ],
)
def test_disease_that_comes_back_after_a_complete_response_waits(then, words, day):
    """Progression by RECIST 1.1, though targets and non-targets alone would be a partial response."""
    target, total, non_target = then
    found = immune_responses(
        [0] * 3,
        START + np.array([28, 57, 92]),
        target=encode(Response, ["CR", "CR", target], missing=Response.MISSING),
        sum_mm=[0, 0, total],
        is_complete=[True] * 3,
        non_target=encode(Response, ["CR", "NON-CR/NON-PD", non_target], missing=Response.MISSING),
        new_lesions=NewLesions.of([0] * 3),
        has_reappeared=[False, True, False],
    )
    assert " ".join(decode(ImmuneResponse, found.response)) == words
    expected = np.datetime64("NaT") if day is None else START + day
    assert str(found.progression[0]) == str(expected)


def test_disease_without_targets():
    n = 3
    found = immune_responses(
        [0] * n,
        START + np.array([0, 57, 113]),
        target=encode(Response, [None, "NO LESIONS", "NO LESIONS"], missing=Response.MISSING),
        sum_mm=[NAN] * n,
        is_complete=[False] * n,
        non_target=encode(Response, [None, "NON-CR/NON-PD", "CR"], missing=Response.MISSING),
        new_lesions=NewLesions.of([0] * n),
        n_courses=2,
    )
    assert decode(ImmuneResponse, found.response) == ["MISSING", "NON-iCR/NON-iUPD", "iCR"]
    assert found.is_confirmed.tolist() == [False, False]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("iCR iCR iUPD iCPD", "iCR"),
        ("iUPD iPR iCR", "iCR"),
        ("iUPD iSD iCR", "iCR"),
        ("iUPD NE iCR", "iCR"),
        ("iUPD iPR iPR iCPD", "iPR"),
        ("iUPD iSD iPR", "iPR"),
        ("iUPD NE iPR", "iPR"),
        ("iUPD iSD iSD iCPD", "iSD"),
        ("iUPD iSD iUPD iCPD", "iSD"),
        ("iUPD iSD NE iCPD", "iSD"),
        ("iUPD iCPD", "iCPD"),
        ("iUPD iCPD iCPD", "iCPD"),
        ("iUPD iUPD iCPD", "iCPD"),
        ("iUPD NE NE NE NE", "iUPD"),
        ("iUPD iCPD iPR", "iCPD"),
        ("NE", "NE"),
        ("", "MISSING"),
    ],
)
def test_best_response_of_table_3(words, expected):
    codes = encode(ImmuneResponse, words.split(), missing=ImmuneResponse.NE)
    dates = START + 56 * np.arange(1, len(codes) + 1)
    found = best_immune_response(np.zeros(len(codes), int), dates, codes, first_dose=[START])
    assert decode(ImmuneResponse, found) == [expected]


def test_best_response_counts_from_the_first_dose_to_new_therapy():
    codes = encode(ImmuneResponse, ["iCR", "iSD", "iSD", "iPR"], missing=ImmuneResponse.NE)
    dates = START + np.array([-1, 41, 56, 112])

    def best(rows, **options):
        found = best_immune_response([0] * len(rows), dates[rows], codes[rows], first_dose=[START], **options)
        return decode(ImmuneResponse, found)[0]

    assert best([0, 1]) == "NE"
    assert best([0, 1, 2]) == "iSD"
    assert best([0, 1, 2, 3]) == "iPR"
    assert best([0, 1, 2, 3], new_therapy=[START + 112]) == "iPR"
    assert best([0, 1, 2, 3], new_therapy=[START + 111]) == "iSD"
    assert best([0, 1, 2, 3], new_therapy=[np.datetime64("NaT")]) == "iPR"


def test_new_lesions_are_counted_from_lesions():
    rows = [
        (0, "t", Role.TARGET, State.PRESENT, 30),
        (56, "x", Role.NEW, State.UNEQUIVOCAL, 12),
        (56, "y", Role.NEW, State.EQUIVOCAL, 8),
        (112, "x", Role.NEW, State.UNEQUIVOCAL, 15),
        (112, "y", Role.NEW, State.UNEQUIVOCAL, 10),
        (168, "x", Role.NEW, State.UNEQUIVOCAL, NAN),
        (168, "y", Role.NEW, State.ABSENT, NAN),
        (224, "x", Role.NEW, State.UNEQUIVOCAL, 15),
        (280, "x", Role.NEW, State.ABSENT, NAN),
        (280, "y", Role.NEW, State.ABSENT, NAN),
        (336, "x", Role.NEW, State.EQUIVOCAL, NAN),
        (336, "y", Role.NEW, State.ABSENT, NAN),
    ]
    lesions = read_lesions(
        subject=[1] * len(rows),
        date=[START + row[0] for row in rows],
        lesion=[row[1] for row in rows],
        role=[row[2] for row in rows],
        is_node=[False] * len(rows),
        diameter=[row[4] for row in rows],
        unit="mm",
        state=[row[3] for row in rows],
        is_baseline=[row[0] == 0 for row in rows],
    )
    found = count_new_lesions(lesions)
    np.testing.assert_array_equal(found.count, [0, 1, 2, 1, NAN, 0, NAN])
    np.testing.assert_array_equal(found.sum_mm, [0, 12, 25, NAN, 15, 0, 0])


def test_confirmation_by_a_second_progression():
    def confirmed(*visits):
        days, words, worse = zip(*visits, strict=True)
        codes = encode(Response, words, missing=Response.NE)
        found = confirmed_by_repeat(
            [0] * len(days),
            START + np.array(days),
            overall=codes,
            target=codes,
            worsened=np.array(worse, np.uint8),
        )
        assert not found.is_contradicted.any()
        return None if np.isnat(found.confirmed_on[0]) else int((found.confirmed_on[0] - START).astype(int))

    assert confirmed((57, "PD", NO), (85, "PD", NO)) == 85
    assert confirmed((57, "PD", NO), (85, "PD", NO), (85, "PD", NO)) == 85
    assert confirmed((57, "PD", NO), (84, "PD", NO)) is None
    assert confirmed((57, "PD", NO), (92, "SD", NO), (148, "PD", NO)) == 148
    assert confirmed((57, "PD", NO), (92, "SD", YES)) == 92
    assert confirmed((57, "SD", YES), (92, "SD", YES)) is None


def test_two_assessments_of_one_date_that_differ_leave_the_course_open():
    codes = encode(Response, ["PD", "PD", "SD", "PD", "PD"], missing=Response.NE)
    course, days = [0, 0, 0, 1, 1], START + np.array([57, 92, 92, 57, 92])
    found = immune_responses(
        course,
        days,
        target=codes,
        sum_mm=[130, 136, 110, 130, 136],
        is_complete=[True] * 5,
        non_target=[Response.NO_LESIONS] * 5,
        new_lesions=NewLesions.of([0] * 5),
    )
    assert decode(ImmuneResponse, found.response) == ["NE", "NE", "NE", "iUPD", "iCPD"]
    assert np.isnat(found.progression).tolist() == [True, False]
    assert (found.is_confirmed.tolist(), found.is_contradicted.tolist()) == ([False, True], [True, False])

    best = best_immune_response(
        [0, 0, 1],
        START + np.array([57, 57, 57]),
        encode(ImmuneResponse, ["iPR", "iSD", "iPR"], missing=ImmuneResponse.NE),
        first_dose=[START] * 2,
    )
    assert decode(ImmuneResponse, best) == ["NE", "iPR"]

    repeated = confirmed_by_repeat(
        course, days, overall=codes, target=codes, worsened=np.full(5, NO, np.uint8)
    )
    assert np.isnat(repeated.confirmed_on).tolist() == [True, False]
    assert repeated.is_contradicted.tolist() == [True, False]


def test_an_assessment_said_twice_is_one():
    found = immune_responses(
        [0] * 3,
        START + np.array([57, 92, 92]),
        target=encode(Response, ["PD", "PD", "PD"], missing=Response.NE),
        sum_mm=[130, 136, 136],
        is_complete=[True] * 3,
        non_target=[Response.NO_LESIONS] * 3,
        new_lesions=NewLesions.of([0, NAN, NAN]),
    )
    assert decode(ImmuneResponse, found.response) == ["iUPD", "iCPD", "iCPD"]


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match=r"`count\[0\]` must be a finite number of at least 0, or missing"):
        NewLesions.of([-1])
    with pytest.raises(ValueError, match=r"`sum_mm\[1\]` must be a finite number of at least 0, or missing"):
        NewLesions.of([1, 1], [1, -1])
    with pytest.raises(ValueError, match="`is_complete` must hold True or False in each of 1 rows"):
        immune_responses(
            [0],
            [START],
            target=[4],
            sum_mm=[1],
            is_complete=[1, 1],
            non_target=[7],
            new_lesions=NewLesions.of([0]),
        )
