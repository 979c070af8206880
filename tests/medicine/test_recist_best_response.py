"""Best response of a course; rows RC-20 to RC-34 are worked examples."""

import numpy as np
import pytest

from trialwright.medicine.recist.best_response import AfterCompleteResponse, best_overall_response
from trialwright.medicine.recist.criteria import CONFIRMED_AFTER_28_DAYS, LEAST_STABLE_DAYS, Confirmation
from trialwright.medicine.recist.responses import (
    DISEASE_CONTROL,
    OBJECTIVE_RESPONSE,
    Response,
    decode,
    encode,
    judge_among,
)

FIRST_DOSE = np.datetime64("2024-01-10")


def best_of(
    assessments, *, confirmation=CONFIRMED_AFTER_28_DAYS, first_dose=FIRST_DOSE, new_therapy=None, **options
):
    """`03-06 PR, 05-01 PD`, in 2024 unless a year is given."""
    pairs = [text.split() for text in assessments.split(", ")] if assessments else []
    dates = [np.datetime64(day if len(day) == 10 else f"2024-{day}") for day, _ in pairs]
    codes = encode(Response, [word for _, word in pairs], missing=Response.NE)
    therapy = None if new_therapy is None else [np.datetime64(f"2024-{new_therapy}")]
    return best_overall_response(
        np.zeros(len(pairs), int),
        dates,
        codes,
        first_dose=[first_dose],
        new_therapy=therapy,
        confirmation=confirmation,
        **options,
    )


@pytest.mark.parametrize(
    ("assessments", "new_therapy", "unconfirmed", "confirmed"),
    [
        pytest.param("03-06 PR, 05-01 PR", None, "PR", "PR", id="RC-20"),
        pytest.param("03-06 PR, 04-02 PR", None, "PR", "SD", id="RC-21"),
        pytest.param("03-06 PR, 04-03 PR", None, "PR", "PR", id="RC-22"),
        pytest.param("03-06 PR, 05-01 NE, 06-26 PR", None, "PR", "PR", id="RC-23"),
        pytest.param("03-06 PR, 05-01 NE, 06-26 NE, 08-21 PR", None, "PR", "SD", id="RC-24"),
        pytest.param("03-06 PR, 05-01 PD", None, "PR", "SD", id="RC-25"),
        pytest.param("02-07 PR, 03-06 PD", None, "PR", "PD", id="RC-26"),
        pytest.param("02-07 SD", None, "NE", "NE", id="RC-27"),
        pytest.param("03-06 SD, 05-01 PR, 06-26 SD", None, "PR", "SD", id="RC-28"),
        pytest.param("03-06 PR, 05-01 CR, 06-26 CR", None, "CR", "CR", id="RC-29"),
        pytest.param("03-06 PR, 05-01 CR, 06-26 PR", None, "CR", "PR", id="RC-30"),
        pytest.param("03-06 PD, 05-01 PR", None, "PD", "PD", id="RC-31"),
        pytest.param("", None, "MISSING", "MISSING", id="RC-32"),
        pytest.param("03-06 PR, 05-01 PR", "04-17", "PR", "SD", id="RC-33"),
        pytest.param("03-06 CR, 05-01 PR", None, "CR", "SD", id="RC-34"),
        pytest.param("02-20 SD", None, "NE", "NE", id="day 41 is too early for SD"),
        pytest.param("02-21 SD", None, "SD", "SD", id="day 42 is not"),
        pytest.param("03-06 CR, 04-02 CR", None, "CR", "SD", id="27 days do not confirm CR"),
        pytest.param("03-06 CR, 04-03 CR", None, "CR", "CR", id="28 days do"),
        pytest.param("03-06 CR, 05-01 SD", None, "CR", "SD", id="table 3, CR then SD"),
        pytest.param("03-06 CR, 05-01 PD", None, "CR", "SD", id="table 3, CR then PD"),
        pytest.param("02-07 CR, 03-06 PD", None, "CR", "PD", id="table 3, CR then PD, too early"),
        pytest.param("03-06 CR, 05-01 NE", None, "CR", "SD", id="table 3, CR then NE"),
        pytest.param("02-07 CR, 02-14 NE", None, "CR", "NE", id="table 3, CR then NE, too early"),
        pytest.param("03-06 PR, 05-01 CR", None, "CR", "PR", id="table 3, PR then CR"),
        pytest.param("03-06 PR, 05-01 SD", None, "PR", "SD", id="table 3, PR then SD"),
        pytest.param("03-06 PR, 05-01 NE", None, "PR", "SD", id="table 3, PR then NE"),
        pytest.param("02-07 PR, 02-14 NE", None, "PR", "NE", id="table 3, PR then NE, too early"),
        pytest.param("03-06 NE, 05-01 NE", None, "NE", "NE", id="table 3, NE then NE"),
        pytest.param(
            "03-06 NON-CR/NON-PD, 05-01 PD",
            None,
            "NON-CR/NON-PD",
            "NON-CR/NON-PD",
            id="non-target disease only",
        ),
        pytest.param("02-07 NON-CR/NON-PD", None, "NE", "NE", id="non-target disease only, too early"),
        pytest.param("2024-01-09 CR, 03-06 SD", None, "SD", "SD", id="before the first dose nothing counts"),
        pytest.param("03-06 SD, 05-01 PR", "05-01", "PR", "SD", id="the day new therapy starts still counts"),
        pytest.param("03-06 SD, 05-01 PR", "04-30", "SD", "SD", id="the day after it does not"),
        pytest.param(
            "03-06 CR, 05-01 PR, 06-26 PR", None, "CR", "SD", id="PR after CR confirm nothing until resolved"
        ),
        pytest.param(
            "03-06 CR, 05-01 PR, 06-26 CR", None, "CR", "SD", id="CR with disease between is not confirmed"
        ),
        pytest.param("03-06 PR, 05-01 SD, 06-26 PR", None, "PR", "SD", id="SD between is not accepted"),
        pytest.param("03-06 PR, 03-20 PR, 04-10 PR", None, "PR", "PR", id="a later pair confirms"),
        pytest.param(
            "03-06 PR, 03-20 NE, 03-27 NE, 04-02 PR, 05-01 PR", None, "PR", "PR", id="a later start confirms"
        ),
    ],
)
def test_best_response(assessments, new_therapy, unconfirmed, confirmed):
    for confirmation, expected in ((None, unconfirmed), (CONFIRMED_AFTER_28_DAYS, confirmed)):
        found = best_of(assessments, new_therapy=new_therapy, confirmation=confirmation)
        assert decode(Response, found.response) == [expected]


def test_disease_after_cr_has_three_readings_and_a_question():
    """RC-30 and RC-34."""
    readings = [
        AfterCompleteResponse.UNRESOLVED,
        AfterCompleteResponse.REREAD,
        AfterCompleteResponse.PROGRESSION,
    ]
    for assessments, expected in (
        ("03-06 CR, 05-01 PR", ["SD", "PR", "SD"]),
        ("03-06 PR, 05-01 CR, 06-26 PR", ["PR", "PR", "PR"]),
        ("02-07 CR, 03-06 PR", ["SD", "PR", "PD"]),
        ("03-06 CR, 05-01 PR, 06-26 PR", ["SD", "PR", "SD"]),
    ):
        found = [best_of(assessments, after_complete=reading) for reading in readings]
        assert [decode(Response, best.response)[0] for best in found] == expected
        assert [best.has_disease_after_cr.tolist() for best in found] == [[True]] * 3
    assert best_of("03-06 CR, 05-01 NE, 06-26 CR").has_disease_after_cr.tolist() == [False]
    assert best_of("03-06 CR, 05-01 PD, 06-26 PR").has_disease_after_cr.tolist() == [False]


def test_dates_of_response():
    best = best_of("03-06 SD, 05-01 PR, 06-26 CR, 08-21 CR, 10-16 PD")
    assert decode(Response, best.response) == ["CR"]
    assert best.response_start.tolist() == [np.datetime64("2024-05-01").item()]
    assert best.confirmed_on.tolist() == [np.datetime64("2024-06-26").item()]
    assert best.first_progression.tolist() == [np.datetime64("2024-10-16").item()]
    none = best_of("03-06 SD, 05-01 PR")
    assert np.isnat(none.response_start).all()
    assert np.isnat(none.confirmed_on).all()
    assert np.isnat(none.first_progression).all()
    assert best_of("03-06 SD, 05-01 PR", confirmation=None).response_start.tolist() == [
        np.datetime64("2024-05-01").item()
    ]


# Published with the R package admiralonco (test-derive_param_confirmed_bor.R, Apache-2.0):
# subject, first dose, assessments, result with 28 days and one NE, with 14 days, no NE and SD accepted.
ADMIRALONCO = [
    (
        "1",
        "2020-01-01",
        "2020-01-01 PR, 2020-02-01 CR, 2020-02-16 NE, 2020-03-01 CR, 2020-04-01 SD",
        "CR",
        "PR",
    ),
    ("2", "2019-12-12", "2020-01-01 SD, 2020-02-01 PR, 2020-03-01 SD, 2020-03-13 CR", "SD", "PR"),
    ("3", "2019-11-11", "2019-11-12 CR, 2019-12-02 CR, 2020-01-01 SD", "SD", "CR"),
    (
        "4",
        "2019-12-30",
        "2020-01-01 PR, 2020-03-01 SD, 2020-04-01 SD, 2020-05-01 PR, 2020-05-15 NON-CR/NON-PD",
        "SD",
        "SD",
    ),
    (
        "5",
        "2020-01-01",
        "2020-01-01 PR, 2020-01-10 SD, 2020-01-20 PR, 2020-05-15 NON-CR/NON-PD",
        "NON-CR/NON-PD",
        "PR",
    ),
    ("6", "2020-02-02", "2020-02-06 PR, 2020-02-16 CR, 2020-03-30 PR", "SD", "SD"),
    ("7", "2020-02-02", "2020-02-06 PR, 2020-02-16 CR, 2020-04-01 NE", "NE", None),
    ("8", "2020-04-01", "", "MISSING", "MISSING"),
    ("9", "2020-02-01", "2020-02-16 PD, 2020-03-06 SD", "PD", "PD"),
]


@pytest.mark.parametrize(("subject", "first_dose", "assessments", "strict", "lenient"), ADMIRALONCO)
def test_results_published_by_a_peer(subject, first_dose, assessments, strict, lenient):
    dose = np.datetime64(first_dose)
    found = best_of(assessments, first_dose=dose, least_stable_days=28)
    assert decode(Response, found.response) == [strict], subject
    if lenient is not None:
        accepting = Confirmation(after_days=14, most_ne=0, most_sd=1)
        found = best_of(assessments, first_dose=dose, least_stable_days=28, confirmation=accepting)
        assert decode(Response, found.response) == [lenient], subject


def test_many_courses_at_once():
    course = [2, 0, 2, 0]
    dates = np.array(["2024-05-01", "2024-03-06", "2024-03-06", "2024-05-01"], "datetime64[D]")
    codes = encode(Response, ["PR", "SD", "PR", "PD"], missing=Response.NE)
    best = best_overall_response(
        course, dates, codes, first_dose=[FIRST_DOSE] * 3, confirmation=CONFIRMED_AFTER_28_DAYS
    )
    assert decode(Response, best.response) == ["SD", "MISSING", "PR"]
    assert LEAST_STABLE_DAYS == 42


def test_rates_ask_whether_a_response_is_among_several():
    codes = encode(Response, ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", None], missing=Response.MISSING)
    assert judge_among(Response, codes, OBJECTIVE_RESPONSE).tolist() == [100, 100, 0, 0, 0, 96, 96]
    assert judge_among(Response, codes, DISEASE_CONTROL).tolist() == [100, 100, 100, 100, 0, 96, 96]


@pytest.mark.parametrize(
    ("assessments", "best", "is_contradicted"),
    [
        pytest.param("03-06 PR, 03-06 SD, 05-01 PR", "NE", True, id="two that differ"),
        pytest.param("03-06 SD, 05-01 PR, 03-06 PR", "NE", True, id="in another order"),
        pytest.param("03-06 SD, 03-06 PD, 05-01 PR, 06-26 PR", "NE", True, id="one of them progression"),
        pytest.param("03-06 PD, 03-06 SD, 05-01 PR, 06-26 PR", "NE", True, id="progression first"),
        pytest.param("03-06 PR, 03-06 PR, 05-01 PR", "PR", False, id="two that agree are one"),
        pytest.param("03-06 PR, 05-01 NE, 05-01 NE, 06-26 PR", "PR", False, id="one NE, said twice"),
        pytest.param("03-06 PR, 03-06 MISSING, 05-01 PR", "PR", False, id="one of them no assessment"),
        pytest.param("03-06 PD, 05-01 PR, 05-01 SD", "PD", False, id="after progression"),
        pytest.param("01-09 PR, 01-09 SD, 03-06 SD", "SD", False, id="before the first dose"),
    ],
)
def test_two_assessments_of_one_date(assessments, best, is_contradicted):
    found = best_of(assessments)
    assert (decode(Response, found.response), found.is_contradicted.tolist()) == ([best], [is_contradicted])
    told = [found.response_start, found.confirmed_on, found.first_progression]
    assert not is_contradicted or np.isnat(told).all()


def test_a_contradicted_course_leaves_the_others_alone():
    days = FIRST_DOSE + np.array([56, 56, 56, 112])
    found = best_overall_response(
        [1, 1, 0, 0],
        days,
        encode(Response, ["PR", "PD", "PR", "PR"], missing=Response.NE),
        first_dose=[FIRST_DOSE] * 2,
        confirmation=CONFIRMED_AFTER_28_DAYS,
    )
    assert decode(Response, found.response) == ["PR", "NE"]
    assert judge_among(Response, found.response, OBJECTIVE_RESPONSE).tolist() == [100, 96]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"course": [1], "date": [FIRST_DOSE], "response": [6]},
            r"`course\[0\]` must lie between 0 and 0, not 1",
        ),
        (
            {"course": [0], "date": [np.datetime64("NaT")], "response": [6]},
            r"`date\[0\]` must be a date, not missing",
        ),
        ({"course": [0], "date": [FIRST_DOSE], "response": [7]}, "`NO_LESIONS` is none"),
        (
            {"course": [0], "date": [FIRST_DOSE], "response": [8]},
            r"`response\[0\]` must be the code of a Response, not 8",
        ),
        ({"course": [0.0], "date": [FIRST_DOSE], "response": [6]}, "`course` must hold whole numbers"),
    ],
)
def test_faulty_calls_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        best_overall_response(**arguments, first_dose=[FIRST_DOSE], confirmation=None)
