"""The plain reader behind the truth of virtual trials, held against examples worked by hand.

Ids are those of the worked examples: HBV-.., FL-.. hepatitis B; VB-.. breakthrough; RC-.. RECIST 1.1; TE-.. its times;
RE-.. recurrence by LI-RADS.
"""

from datetime import date

import pytest

from trialwright.design.virtual.laboratory import ABOVE, BELOW, EXACT, NOT_DETECTED
from trialwright.design.virtual.lesions import NODE, NOT_MEASURED
from trialwright.design.virtual.observed_advanced import Patient as Advanced
from trialwright.design.virtual.observed_advanced import see as see_advanced
from trialwright.design.virtual.observed_after_treatment import Look
from trialwright.design.virtual.observed_after_treatment import Patient as AfterTreatment
from trialwright.design.virtual.observed_after_treatment import see as see_after_treatment
from trialwright.design.virtual.observed_tumour import (
    Assessment,
    Scan,
    assess,
    best_response,
    confirmed_response,
    progression_free,
)
from trialwright.design.virtual.readings import (
    baseline_of,
    confirmed,
    is_at_least,
    lowest_before,
    reaches,
    sample,
)

FIRST_DOSE = date(2024, 1, 10)


def exact(day, value):
    return sample(day, value, EXACT)


@pytest.mark.parametrize(
    ("baseline", "later", "answer"),
    [
        pytest.param((2000, EXACT), (200_000, EXACT), True, id="HBV-10 exactly a hundredfold"),
        pytest.param((2000, EXACT), (199_999, EXACT), False, id="HBV-11 a little less"),
        pytest.param((8700, EXACT), (870_000, EXACT), True, id="HBV-12 where logarithms fail"),
        pytest.param((2040, EXACT), (203_000, EXACT), False, id="HBV-14 99.5-fold"),
        pytest.param((1.2e6, EXACT), (1.7e8, ABOVE), True, id="HBV-19 at least 141-fold"),
        pytest.param((2.5e6, EXACT), (1.7e8, ABOVE), None, id="HBV-20 at least 68-fold"),
        pytest.param((10, BELOW), (1000, EXACT), True, id="a hundredfold of whatever lies below 10"),
        pytest.param((10, BELOW), (999, EXACT), None, id="of 9 or of 9.995"),
        pytest.param((10, NOT_DETECTED), (10, NOT_DETECTED), None, id="nothing against nothing"),
        pytest.param((2000, EXACT), (20, BELOW), False, id="below what can be measured"),
        pytest.param((20, EXACT), (2000, BELOW), False, id="2000 itself is not reached"),
    ],
)
def test_a_hundredfold(baseline, later, answer):
    assert reaches(sample(30, *later), 100, sample(0, *baseline)) is answer


@pytest.mark.parametrize(
    ("baseline", "alt", "flare"),
    [
        pytest.param(20, 60, False, id="FL-01"),
        pytest.param(20, 100, False, id="FL-02"),
        pytest.param(20, 101, True, id="FL-03"),
        pytest.param(34, 101, False, id="FL-04"),
        pytest.param(34, 102, True, id="FL-05"),
        pytest.param(35, 105, True, id="FL-06"),
        pytest.param(90, 269, False, id="FL-07"),
        pytest.param(90, 270, True, id="FL-07, a unit more"),
        pytest.param(33.4, 100.2, True, id="FL-08 equal within tolerance"),
    ],
)
def test_a_flare(baseline, alt, flare):
    seen = found(see_advanced(patient(alt=[exact(0, baseline), exact(28, alt)])))
    assert seen["events.hepatitis_flare"].finding.answer is flare


def test_a_flare_without_baseline_cannot_be_told():
    seen = found(see_advanced(patient(alt=[exact(28, 400)])))
    assert seen["events.hepatitis_flare"].finding.answer is None  # FL-09


@pytest.mark.parametrize(
    ("series", "day"),
    [
        pytest.param([(1, 5e4), (29, 200), (57, 20), (120, 25), (148, 260), (176, 410)], 148, id="VB-01"),
        pytest.param([(1, 5e4), (57, 20), (148, 260), (176, 30)], None, id="VB-02 not confirmed"),
        pytest.param([(1, 5e4), (29, 200), (57, 2500)], None, id="VB-04 within the first three months"),
    ],
)
def test_breakthrough(series, day):
    samples = [exact(study_day - 1, value) for study_day, value in series]
    seen = found(see_advanced(patient(hbv_dna=samples, entecavir=0)))
    assert seen["events.virological_breakthrough"].finding.day == (None if day is None else day - 1)


@pytest.mark.parametrize(
    ("virus", "enzymes", "day"),
    [
        pytest.param([57], [78], 78, id="HH-01"),
        pytest.param([85], [64], 85, id="HH-02"),
        pytest.param([57], [310], None, id="HH-03, but the flare after treatment here"),
        pytest.param([], [64], None, id="HH-05"),
        pytest.param([57], [], None, id="HH-06"),
        pytest.param([120], [64], None, id="HH-07 after the window"),
    ],
)
def test_hepatitis_needs_both_during_treatment(virus, enzymes, day):
    made = patient(
        hbv_dna=[exact(0, 5000), *(exact(d - 1, 600_000) for d in virus)],
        alt=[exact(0, 30), *(exact(d - 1, 300) for d in enzymes)],
        last_dose=84,
    )
    seen = found(see_advanced(made))
    assert seen["endpoints.hepatitis"].finding.day == (None if day is None else day - 1)


def test_a_baseline_older_than_two_weeks_is_taken_where_there_is_no_other():
    samples = [exact(-20, 900), exact(3, 5)]
    assert baseline_of(samples, 0, 14, takes_earlier=True).low == 900
    assert baseline_of(samples, 0, 14, takes_earlier=False) is None
    assert baseline_of([exact(-14, 1), exact(0, 2)], 0, 14, takes_earlier=False).low == 2


def test_confirmation_at_27_28_and_29_days():
    for later, answer in ((27, None), (28, True), (29, True)):
        samples = [exact(0, 9), exact(later, 9)]
        assert confirmed(samples, lambda i, s=samples: is_at_least(s[i], 5), 28)[0] == (0, answer)
    between = [exact(0, 9), exact(10, 1), exact(28, 9)]
    assert confirmed(between, lambda i: is_at_least(between[i], 5), 28)[0] == (0, False)


def test_the_lowest_before_each_result():
    lows = lowest_before([exact(0, 2000), sample(28, 20, BELOW), exact(56, 5), exact(84, 7)])
    assert lows[0] is None
    assert [(one.low, one.high, one.is_open) for one in lows[1:]] == [
        (2000, 2000, False),
        (0, 20, True),
        (0, 5, False),
    ]


# --- RECIST -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("baseline", "sums", "responses"),
    [
        pytest.param(100, [70], ["PR"], id="RC-01"),
        pytest.param(100, [71], ["SD"], id="RC-02"),
        pytest.param(100, [50, 60], ["PR", "PD"], id="RC-03"),
        pytest.param(100, [50, 59], ["PR", "PR"], id="RC-04"),
        pytest.param(100, [20, 24], ["PR", "PR"], id="RC-05 less than 5 mm"),
        pytest.param(100, [20, 25], ["PR", "PD"], id="RC-06"),
        pytest.param(52, [34, 40], ["PR", "SD"], id="RC-07 17.65 % above nadir"),
        pytest.param(52, [34, 41], ["PR", "PD"], id="RC-08"),
        pytest.param(30, [36], ["PD"], id="RC-09"),
    ],
)
def test_target_sums(baseline, sums, responses):
    scans = [Scan(56 * (i + 1), (mm,), False, False, 0) for i, mm in enumerate(sums)]
    assert [one.target for one in assess([baseline], [0], scans)] == responses


def test_a_target_that_was_not_measured():
    bigger = Scan(56, (45, 35, NOT_MEASURED), False, False, 0)
    smaller = Scan(56, (15, 13, NOT_MEASURED), False, False, 0)
    assert assess([20, 20, 10], [0, 1, 2], [bigger])[0].target == "PD"  # RC-10
    assert assess([20, 20, 10], [0, 1, 2], [smaller])[0].target == "NE"  # RC-11


def test_a_node_below_10_mm_is_normal():
    scan = Scan(56, (0, 9), True, False, 0)
    assert assess([30, 17], [0, NODE], [scan])[0].overall == "CR"  # RC-13
    after = [Scan(56, (0, 9), False, False, 0), Scan(112, (0, 11), False, False, 0)]
    assert [one.overall for one in assess([30, 17], [0, NODE], after)] == ["PR", "PR"]  # RC-14, after a PR


def responses(*series):
    return [
        Assessment((date(2024, month, day) - FIRST_DOSE).days, word, "", False, word)
        for (month, day), word in series
    ]


@pytest.mark.parametrize(
    ("series", "best", "confirmed_best"),
    [
        pytest.param([((3, 6), "PR"), ((5, 1), "PR")], "PR", "PR", id="RC-20"),
        pytest.param([((3, 6), "PR"), ((4, 2), "PR")], "PR", "SD", id="RC-21"),
        pytest.param([((3, 6), "PR"), ((4, 3), "PR")], "PR", "PR", id="RC-22"),
        pytest.param([((3, 6), "PR"), ((5, 1), "NE"), ((6, 26), "PR")], "PR", "PR", id="RC-23"),
        pytest.param(
            [((3, 6), "PR"), ((5, 1), "NE"), ((6, 26), "NE"), ((8, 21), "PR")], "PR", "SD", id="RC-24"
        ),
        pytest.param([((3, 6), "PR"), ((5, 1), "PD")], "PR", "SD", id="RC-25"),
        pytest.param([((2, 7), "PR"), ((3, 6), "PD")], "PR", "PD", id="RC-26"),
        pytest.param([((2, 7), "SD")], "NE", "NE", id="RC-27"),
        pytest.param([((3, 6), "SD"), ((5, 1), "PR"), ((6, 26), "SD")], "PR", "SD", id="RC-28"),
        pytest.param([((3, 6), "PR"), ((5, 1), "CR"), ((6, 26), "CR")], "CR", "CR", id="RC-29"),
        pytest.param([((3, 6), "PD"), ((5, 1), "PR")], "PD", "PD", id="RC-31"),
        pytest.param([], "MISSING", "MISSING", id="RC-32"),
    ],
)
def test_best_response(series, best, confirmed_best):
    assert best_response(responses(*series), None) == best
    assert confirmed_response(responses(*series), None) == confirmed_best


def test_a_response_after_another_therapy_does_not_count():
    series = responses(((3, 6), "PR"), ((5, 1), "PR"))
    therapy = (date(2024, 4, 17) - FIRST_DOSE).days
    assert best_response(series, therapy) == "PR"
    assert confirmed_response(series, therapy) == "SD"  # RC-33


@pytest.mark.parametrize(
    ("series", "therapy", "death", "pfs", "ttp"),
    [
        pytest.param([((3, 6), "SD"), ((5, 1), "SD"), ((7, 3), "PD")], None, None, ("event", 176), ("event", 176),
                     id="TE-01"),
        pytest.param([((3, 6), "SD"), ((4, 2), "SD")], None, (8, 15), ("event", 219), ("censored", 84), id="TE-02"),
        pytest.param([((4, 2), "SD")], None, (11, 20), ("censored", 84), ("censored", 84), id="TE-03"),
        pytest.param([((4, 2), "SD"), ((10, 1), "PD")], None, None, ("event", 266), ("event", 266), id="TE-04"),
        pytest.param([((4, 2), "SD"), ((10, 2), "PD")], None, None, ("censored", 84), ("censored", 84), id="TE-05"),
        pytest.param([((3, 6), "SD"), ((6, 26), "PD")], (5, 10), None, ("censored", 57), ("censored", 57), id="TE-06"),
        pytest.param([], None, None, ("censored", 1), ("censored", 1), id="TE-07"),
        pytest.param([], None, (3, 1), ("event", 52), ("censored", 1), id="TE-08"),
        pytest.param([((3, 6), "SD"), ((5, 1), "NE")], None, None, ("censored", 57), ("censored", 57), id="TE-09"),
        pytest.param([((7, 3), "PD")], None, (7, 3), ("event", 176), ("event", 176), id="TE-10"),
    ],
)  # fmt: skip
def test_progression_free_times(series, therapy, death, pfs, ttp):
    therapy, death = (
        None if one is None else (date(2024, *one) - FIRST_DOSE).days for one in (therapy, death)
    )
    for counts_death, expected in ((True, pfs), (False, ttp)):
        seen = progression_free(responses(*series), therapy, death, counts_death=counts_death)
        assert (seen.how, seen.day + 1) == expected


# --- recurrence -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "more", "day"),
    [
        pytest.param([(250, "LR-3"), (334, "LR-5")], {}, 334, id="RE-01"),
        pytest.param([(334, "LR-4"), (418, "LR-5")], {}, 418, id="RE-02"),
        pytest.param([(334, "LR-4"), (418, "LR-4")], {}, None, id="RE-03"),
        pytest.param([(334, "LR-4")], {"treated": 354}, 334, id="RE-04"),
        pytest.param([(418, "LR-M")], {"histology": 435}, 418, id="RE-05"),
        pytest.param([(250, "LR-NC"), (262, "LR-5")], {}, 262, id="RE-11"),
        pytest.param([(100, "LR-1")], {"histology": 150}, 150, id="proven where no scan showed it"),
        pytest.param([(100, "LR-M")], {"histology": 190}, 100, id="proven 90 days after the scan"),
        pytest.param([(100, "LR-M")], {"histology": 191}, 191, id="proven 91 days after the scan"),
        pytest.param([(100, "LR-3")], {"treated": 120}, None, id="treated, but it was LR-3"),
    ],
)
def test_recurrence(looks, more, day):
    series = [Look(at, category, "", "none") for at, category in looks]
    seen = found(see_after_treatment(after_treatment(series, **more)))
    assert seen["events.recurrence"].finding.day == day


def test_the_ablated_site_and_outside_the_liver():
    at_site = [Look(168, "LR-1", "equivocal", "none"), Look(252, "LR-1", "viable", "none")]
    assert (
        found(see_after_treatment(after_treatment(at_site)))["events.recurrence"].finding.day == 252
    )  # RE-08
    equivocal = [Look(168, "LR-1", "equivocal", "none"), Look(252, "LR-1", "nonviable", "none")]
    assert (
        found(see_after_treatment(after_treatment(equivocal)))["events.recurrence"].finding.day is None
    )  # RE-07
    outside = [Look(504, "LR-1", "", "unequivocal")]
    assert (
        found(see_after_treatment(after_treatment(outside)))["events.recurrence"].finding.day == 504
    )  # RE-10


def test_death_and_what_else_ends_the_follow_up():
    looks = [Look(84, "LR-1", "", "none"), Look(168, "LR-NC", "", "none")]
    died = found(see_after_treatment(after_treatment(looks, death=200)))
    assert (died["endpoints.recurrence"].followed.how, died["endpoints.recurrence"].followed.day) == (
        "competing",
        200,
    )
    assert (died["endpoints.rfs"].followed.how, died["endpoints.rfs"].followed.day) == ("event", 200)
    alive = found(see_after_treatment(after_treatment(looks)))
    assert (alive["endpoints.recurrence"].followed.how, alive["endpoints.recurrence"].followed.day) == (
        "censored",
        84,
    )
    other = found(see_after_treatment(after_treatment(looks, second_primary=100, death=200)))
    assert (other["endpoints.recurrence"].followed.how, other["endpoints.recurrence"].followed.day) == (
        "censored",
        84,
    )


@pytest.mark.parametrize(("day", "how"), [(182 + 84, "event"), (183 + 84, "censored"), (181 + 84, "event")])
def test_a_recurrence_after_a_gap(day, how):
    looks = [Look(84, "LR-1", "", "none"), Look(day, "LR-5", "", "none")]
    seen = found(see_after_treatment(after_treatment(looks)))
    assert seen["endpoints.recurrence_without_gaps"].followed.how == how
    assert seen["endpoints.recurrence"].followed.how == "event"


@pytest.mark.parametrize(
    ("series", "loss"),
    [
        pytest.param([(336, 0.05, BELOW), (420, 0.05, BELOW)], 336, id="SA-02"),
        pytest.param([(336, 0.05, BELOW), (420, 0.30, EXACT)], None, id="SA-03"),
        pytest.param([(336, 0.05, BELOW), (419, 0.05, BELOW)], None, id="83 days are too few"),
        pytest.param([(336, 0.05, EXACT), (420, 0.05, EXACT)], None, id="0.05 itself is not lost"),
    ],
)
def test_loss_of_hbsag(series, loss):
    samples = [sample(*one) for one in series]
    seen = found(see_after_treatment(after_treatment([], hbsag=samples, anti_hbs=[exact(420, 35)])))
    assert seen["events.hbsag_loss"].finding.day == loss
    assert seen["events.seroconversion"].finding.day == (420 if loss else None)


# --- makers -----------------------------------------------------------------------------------------------------------


def patient(**more):
    made = {
        "zero": FIRST_DOSE, "last_dose": 200, "entecavir": -3, "stop": None, "new_therapy": None, "death": None,
        "last_contact": 400, "hbv_dna": [exact(0, 5000), exact(28, 300)], "alt": [exact(0, 30), exact(28, 30)],
        "assessments": ([], []),
    }  # fmt: skip
    return Advanced(**(made | more))


def after_treatment(looks, **more):
    made = {
        "looks": (looks, looks), "histology": None, "treated": None, "unseen_death": False, "death": None,
        "second_primary": None, "transplantation": None, "last_contact": 1000, "last_interferon": 330, "hbsag": [],
        "anti_hbs": [],
    }  # fmt: skip
    return AfterTreatment(**(made | more))


def found(seen):
    """What the first reader saw, by protocol element."""
    return {one.element: one for one in seen if one.reader != "central"}
