"""The plain reader behind the truth of virtual trials, held against examples worked by hand.

Ids are those of the worked examples: HBV-.., FL-.. hepatitis B; VB-.. breakthrough; RC-.. RECIST 1.1; TE-.. its times;
IR-.. iRECIST; HY-.. Hy's law; RE-.. recurrence by LI-RADS; SA-.. HBsAg.
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
from trialwright.design.virtual.observed_immune import follow_immune
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
        pytest.param([(1, 5e4), (85, 0), (120, 90), (148, 130), (176, 150)], 148, id="VB-03 after <20"),
        pytest.param([(1, 5e4), (85, 0), (120, 0), (148, 0)], None, id="never above 20 again"),
        pytest.param([(1, 5e4), (85, 0), (148, 99), (176, 150)], None, id="99 after <20"),
        pytest.param([(1, 5e4), (85, 0), (148, 100), (176, 100)], 148, id="100 after <20"),
        pytest.param([(1, 5e4), (85, 20), (148, 199), (176, 250)], None, id="199 after 20"),
        pytest.param([(1, 5e4), (85, 20), (148, 200), (176, 200)], 148, id="200 after 20"),
    ],
)
def test_breakthrough(series, day):
    samples = [sample(study_day - 1, value or 20, EXACT if value else BELOW) for study_day, value in series]
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


@pytest.mark.parametrize(
    ("alt", "bilirubin", "alp", "answer"),
    [
        pytest.param(130, [(38, 2.5)], 100, True, id="HY-04"),
        pytest.param(130, [(38, 2.4)], 100, False, id="HY-05 twice the limit is not above it"),
        pytest.param(130, [(75, 3.0)], 100, False, id="HY-06 46 days later"),
        pytest.param(130, [(38, 3.0)], 260, False, id="HY-07 cholestasis"),
        pytest.param(119.9, [(38, 2.5)], 100, False, id="ALT just below three times"),
        pytest.param(120, [(38, 2.5)], 100, True, id="ALT exactly three times"),
        pytest.param(130, [(38, 2.5)], 239.9, True, id="ALP just below twice"),
        pytest.param(130, [(38, 2.5)], 240, False, id="ALP exactly twice"),
        pytest.param(130, [(59, 3.0)], 100, True, id="30 days later"),
        pytest.param(130, [(60, 3.0)], 100, False, id="31 days later"),
        pytest.param(130, [(28, 3.0)], 100, False, id="bilirubin the day before"),
        pytest.param(130, [(29, 3.0)], None, None, id="ALP not measured"),
    ],
)
def test_hys_law(alt, bilirubin, alp, answer):
    """ALT on day 29, its limit 40 U/L, that of bilirubin 1.2 mg/dL, that of ALP 120 U/L."""
    made = patient(
        alt=[exact(28, alt)],
        alp=[] if alp is None else [exact(28, alp)],
        bilirubin=[exact(28, 0.8), *(exact(day - 1, value) for day, value in bilirubin)],
        normal={"alt": 40, "alp": 120, "bilirubin": 1.2},
    )
    finding = found(see_advanced(made))["events.hys_law"].finding
    assert (finding.answer, finding.day) == (answer, 28 if answer else None)


def test_without_bilirubin_nobody_can_tell():
    for alt, answer in ((130, None), (119, False)):
        made = patient(alt=[exact(28, alt)], alp=[exact(28, 100)], bilirubin=[exact(59, 9.0)])
        assert found(see_advanced(made))["events.hys_law"].finding.answer is answer


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


def test_disease_that_comes_back_after_a_complete_response():
    """Progression, though the table says partial response; a scan that cannot be judged between takes nothing away."""
    gone, unread, back = (
        Scan(56, (0, 0), True, False, 0),
        Scan(112, (0, NOT_MEASURED), True, False, 0),
        Scan(168, (0, 0), False, False, 0),
    )
    for scans in ([gone, back], [gone, unread, back]):
        assert assess([30, 20], [0, 1], scans)[-1].overall == "PD"
    assert assess([30, 20], [0, 1], [unread, back])[-1].overall == "PR"


def course(*visits, worse_from=1000, gone=()):
    """iRECIST of a target of 100 mm at first: each visit is (day, mm) or (day, mm, new lesions); -1 is not measured."""
    scans = [
        Scan(day, (mm,), day in gone, day >= worse_from, new[0] if new else 0) for day, mm, *new in visits
    ]
    made = follow_immune(assess([100], [0], scans))
    return " ".join(made.responses), made.progression, made.confirmed


@pytest.mark.parametrize(
    ("visits", "words", "progression", "confirmed"),
    [
        pytest.param([(57, 130), (92, 136)], "iUPD iCPD", 57, 92, id="IR-01"),
        pytest.param([(57, 130), (92, 133), (120, 135)], "iUPD iUPD iCPD", 57, 120, id="IR-02"),
        pytest.param([(57, 130), (92, 132), (148, 131)], "iUPD iUPD iUPD", 57, None, id="IR-03"),
        pytest.param([(57, 125), (92, 68), (148, 66)], "iUPD iPR iPR", None, None, id="IR-04"),
        pytest.param([(57, 70), (113, 88), (148, 94)], "iPR iUPD iCPD", 113, 148, id="IR-05"),
        pytest.param([(57, 95, 1), (92, 95, 2)], "iUPD iCPD", 57, 92, id="IR-08"),
        pytest.param([(57, 130), (78, 140), (113, 141)], "iUPD iUPD iCPD", 57, 113, id="IR-09"),
        pytest.param(
            [(57, 90), (113, 125), (148, 100), (204, 125), (239, 131)],
            "iSD iUPD iSD iUPD iCPD", 204, 239, id="IR-10",
        ),
        pytest.param([(57, 95, 1), (92, 66, 1), (148, 64, 1)], "iUPD iPR iPR", None, None, id="IR-11"),
        pytest.param([(57, 130), (84, 140)], "iUPD iUPD", 57, None, id="27 days later"),
        pytest.param([(57, 130), (85, 140)], "iUPD iCPD", 57, 85, id="28 days later"),
        pytest.param([(57, 130), (92, 134)], "iUPD iUPD", 57, None, id="4 mm more"),
        pytest.param([(57, 130), (92, 135)], "iUPD iCPD", 57, 92, id="5 mm more"),
        pytest.param([(57, 130), (92, 130, 1)], "iUPD iCPD", 57, 92, id="a new lesion is another kind"),
        pytest.param([(57, 95, 1), (92, 125, 1)], "iUPD iCPD", 57, 92, id="targets are another kind"),
        pytest.param([(57, 95, 1), (92, 95, 1)], "iUPD iUPD", 57, None, id="stable new lesions keep it"),
        pytest.param([(57, 95, 2), (92, 95, 1)], "iUPD iSD", None, None, id="one of two vanished"),
        pytest.param([(57, 95, 1), (92, 66, 1), (148, 64, 2)], "iUPD iPR iUPD", 148, None, id="one more, later"),
        pytest.param([(57, 130), (92, -1), (148, 136)], "iUPD NE iCPD", 57, 148, id="not measured between"),
        pytest.param([(57, 130), (92, 136), (148, 20)], "iUPD iCPD iCPD", 57, 92, id="confirmed once for all"),
        pytest.param([(57, -1, 1), (92, 130, 1), (148, 134, 1)], "iUPD iCPD iCPD", 57, 92, id="not measured at first"),
        pytest.param([(57, -1), (92, 95)], "NE iSD", None, None, id="nothing to be seen"),
    ],
)  # fmt: skip
def test_immune_responses(visits, words, progression, confirmed):
    assert course(*visits) == (words, progression, confirmed)


def test_other_lesions_that_progress():
    assert course((57, 95), (92, 95), (148, 95), worse_from=92) == ("iSD iUPD iUPD", 92, None)
    assert course((57, 130), (92, 130), worse_from=92) == ("iUPD iCPD", 57, 92)  # another kind
    assert course((57, 95), (92, 130), worse_from=57) == ("iUPD iCPD", 57, 92)


def test_growth_counts_from_the_first_complete_sum():
    """30 and 40 mm; 60 mm of one alone is progression, and what the other adds later has not grown since."""
    scans = [
        Scan(57, (90, NOT_MEASURED), False, False, 0),
        Scan(92, (90, 40), False, False, 0),
        Scan(148, (90, 44), False, False, 0),
        Scan(200, (90, 45), False, False, 0),
    ]
    assert follow_immune(assess([30, 40], [0, 1], scans)).responses == ("iUPD", "iUPD", "iUPD", "iCPD")


def test_a_complete_response_by_irecist():
    assert course((57, 0), gone=(57,)) == ("iCR", None, None)
    assert course((57, 0)) == ("iPR", None, None)  # other lesions are still there
    # a new lesion opens a progression; the targets respond, but while it is there nothing is complete
    assert course((57, 60, 1), (92, 0, 1), gone=(92,)) == ("iUPD iPR", None, None)
    # disease that is there again after a complete response is progression, and by iRECIST waits like any other
    assert course((57, 0), (92, 0), (148, 0), gone=(57, 148)) == ("iCR iUPD iCR", None, None)


def responses(*series):
    return [
        Assessment((date(2024, month, day) - FIRST_DOSE).days, word, "", 0, word)
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


@pytest.mark.parametrize(("day", "how"), [(182 + 84, "competing"), (183 + 84, "censored")])
def test_a_death_after_a_gap(day, how):
    seen = found(see_after_treatment(after_treatment([Look(84, "LR-1", "", "none")], death=day)))
    assert seen["endpoints.recurrence_without_gaps"].followed.how == how
    assert seen["endpoints.recurrence"].followed.how == "competing"


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


@pytest.mark.parametrize(
    ("then", "antibodies", "seroconversion"),
    [
        pytest.param((500, 0.05, BELOW), 500, (True, 500), id="still lost"),
        pytest.param((500, 0.04, EXACT), 500, (True, 500), id="too little to count"),
        pytest.param((500, 0.05, EXACT), 500, (False, None), id="0.05 is back"),
        pytest.param((500, 0.30, EXACT), 500, (False, None), id="back"),
        pytest.param((500, 0.10, BELOW), 500, (None, None), id="perhaps back"),
        pytest.param((472, 0.05, BELOW), 500, (True, 500), id="28 days before"),
        pytest.param((471, 0.05, BELOW), 500, (None, None), id="29 days before nobody can tell"),
        pytest.param((471, 0.30, EXACT), 500, (None, None), id="nor where it was back"),
        pytest.param((501, 0.05, BELOW), 500, (None, None), id="a day after"),
        pytest.param((501, 0.30, EXACT), 448, (True, 448), id="back only afterwards"),
    ],
)
def test_seroconversion_asks_for_hbsag_of_the_time(then, antibodies, seroconversion):
    """HBsAg lost on days 336 and 420, looked at once more."""
    hbsag = [sample(336, 0.05, BELOW), sample(420, 0.05, BELOW), sample(*then)]
    made = after_treatment([], hbsag=hbsag, anti_hbs=[exact(300, 35), exact(antibodies, 35)])
    finding = found(see_after_treatment(made))["events.seroconversion"].finding
    assert (finding.answer, finding.day) == seroconversion


@pytest.mark.parametrize(
    ("more", "day"),
    [
        pytest.param({"last_analogue": 672}, 840, id="SA-04"),
        pytest.param({"last_analogue": None}, None, id="SA-05 the analogue goes on"),
        pytest.param({"last_analogue": 673}, None, id="a day too early"),
        pytest.param({"last_analogue": 300, "last_interferon": 672}, 840, id="peginterferon ends last"),
        pytest.param({"last_analogue": 300, "last_interferon": 673}, None, id="which was a day ago too few"),
        pytest.param({"last_analogue": 672, "last_interferon": None}, 840, id="without peginterferon"),
        pytest.param({"last_analogue": 672, "hbsag_then": (0.05, EXACT)}, None, id="HBsAg is back"),
        pytest.param({"last_analogue": 672, "virus_then": (10, EXACT)}, None, id="the virus is back"),
        pytest.param({"last_analogue": 672, "virus_then": (9.9, EXACT)}, 840, id="too little to be measured"),
    ],
)
def test_functional_cure(more, day):
    """HBsAg lost at weeks 48 and 60, looked at again with the virus at week 120, and once more at week 132."""
    assert cure(**more)[1] == day


def test_under_an_analogue_nobody_is_cured():
    assert cure(last_analogue=None) == (False, None)


@pytest.mark.parametrize(
    ("virus_day", "day"), [(839, None), (840, 840), (868, 868), (869, None), (923, None), (924, None)]
)
def test_hbsag_and_virus_are_those_of_the_time(virus_day, day):
    """HBsAg lost on day 840, 24 weeks after the analogue; at its last sample nobody knows whether it lasts."""
    assert cure(last_analogue=672, virus_day=virus_day)[1] == day


def test_a_loss_not_yet_seen_again_is_no_cure_yet():
    assert cure(last_analogue=672, again=923) == (None, None)
    assert cure(last_analogue=672, again=924) == (True, 840)


def cure(*, hbsag_then=(0.05, BELOW), virus_then=(10, BELOW), virus_day=840, again=924, **more):
    before = [sample(336, 0.05, BELOW), sample(420, 0.05, BELOW)]
    hbsag = [*before, sample(840, *hbsag_then), sample(again, 0.05, BELOW)]
    made = after_treatment([], hbsag=hbsag, hbv_dna=[sample(virus_day, *virus_then)], **more)
    finding = found(see_after_treatment(made))["events.functional_cure"].finding
    return finding.answer, finding.day


# --- makers -----------------------------------------------------------------------------------------------------------


def patient(**more):
    made = {
        "zero": FIRST_DOSE, "last_dose": 200, "entecavir": -3, "stop": None, "new_therapy": None, "death": None,
        "last_contact": 400, "hbv_dna": [exact(0, 5000), exact(28, 300)], "alt": [exact(0, 30), exact(28, 30)],
        "alp": [], "bilirubin": [], "normal": {"alt": 40, "alp": 120, "bilirubin": 21}, "assessments": ([], []),
    }  # fmt: skip
    return Advanced(**(made | more))


def after_treatment(looks, **more):
    made = {
        "looks": (looks, looks), "histology": None, "treated": None, "unseen_death": False, "death": None,
        "second_primary": None, "transplantation": None, "last_contact": 1000, "last_interferon": 330, "hbsag": [],
        "anti_hbs": [], "last_analogue": None, "hbv_dna": [],
    }  # fmt: skip
    return AfterTreatment(**(made | more))


def found(seen):
    """What the first reader saw, by protocol element."""
    return {one.element: one for one in seen if one.reader != "central"}
