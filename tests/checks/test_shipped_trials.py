"""What the checks find in the registered trials: read in the records, and listed by hand."""

import pytest

from trialwright.checks.protocol_checks import ALL_CHECKS, check_protocol
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.problems import Severity

WARNINGS = {
    "nct04294498": {
        "n-without-reason",  # 43, and nothing says why
        "no-reference-rate",  # not increased over what
        "no-safety-boundary",  # reactivation is the question and nothing stops the trial
        "event-hardly-occurs",  # a hundredfold rise over more than 2000 IU/mL
        "assay-not-stated",
        "baseline-after-other-drug",  # entecavir may start seven days before durvalumab
        "protection-may-start-late",  # or seven days after
        "unmonitored-after-treatment",  # six months of entecavir, HBV DNA during durvalumab
        "components-any-time-apart",  # reactivation plus flare
        "event-not-scheduled",  # ALT
        "progression-cannot-be-confirmed",  # scans every 8 to 12 weeks
        "interval-left-to-choice",
        "time-frame-longer-than-treatment",  # 30 months, and 24 doses end after 22
        "dose-not-stated",  # entecavir
        "age-not-limited",
        "pregnancy-not-addressed",
        "chronic-infection-by-one-sample",
        "eligibility-without-date",
        "window-not-in-record",
        "reader-not-stated",
        "death-censored-in-curve",  # time to progression
    },
    "nct07120750": {
        "observational-assigns-treatment",
        "n-not-reproducible",  # 332
        "error-rates-not-stated",  # sides
        "hazards-test-for-rate",  # log-rank for a three-year rate
        "groups-compared-unadjusted",
        "assignment-not-described",
        "last-visit-after-time-frame",  # visit 13 is allowed until day 1099
        "entry-without-time-limit",  # radical treatment
        "life-expectancy-below-time-frame",  # 3 months, 3 years
        "criterion-repeated",  # Child-Pugh A, and severe dysfunction
        "assay-limit-doubtful",  # TaqMan with 10 IU/mL
        "assay-not-stated",  # limits of the HBsAg assay
        "tissue-not-from-everybody",  # after ablation
        "event-not-scheduled",  # lesions outside the liver
        "dose-not-stated",
        "treatment-without-end",  # peginterferon
        "schedule-without-end",
        "time-frame-not-stated",
        "reader-not-stated",
        "chronic-infection-by-one-sample",
        "eligibility-without-date",
        "window-not-in-record",
        "immortal-time",  # the analysis that counts from radical treatment, called naive there
    },
}

OF_THE_FILE = {"unused-definition", "limit-above-threshold"}
"""What is told of our file and not of the record."""


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_found_in_a_registered_trial(name):
    found = check_protocol(load_protocol(name))
    assert {one.code for one in found if one.severity is Severity.WARNING} - OF_THE_FILE == WARNINGS[name]
    assert {one.code for one in found if one.severity is Severity.INFO} == {"not-stated", "several-readings"}
    assert not [one for one in found if one.severity is Severity.ERROR]
    assert all(one.place is not None and one.place.line and one.field for one in found)


def message(name, code):
    return next(one.message for one in check_protocol(load_protocol(name)) if one.code == code)


def test_332_is_told_by_what_it_implies():
    told = message("nct07120750", "n-not-reproducible")
    for number in (
        "121 events in equal groups by Schoenfeld",
        "126 by Freedman",
        "144 and 188",
        "two proportions, 45 % against 30.1 %",
        "Freedman with 50 % among controls and 10 % loss",
        "36.2 % to 37.8 % of all 332",
    ):
        assert number in told
    assert "assumed" not in told


def test_43_is_told_by_what_it_excludes():
    told = message("nct04294498", "n-without-reason")
    assert "above 8.2 % are excluded two-sided and above 6.7 % one-sided" in told
    assert "three events rates above 17.1 % one-sided" in told


def test_the_hundredfold_rise_is_told_in_numbers():
    told = message("nct04294498", "event-hardly-occurs")
    assert "100 times baseline" in told
    assert "baseline above 2 000 IU/mL" in told
    assert "below 200 000 IU/mL" in told


def test_the_last_scan_is_told_by_its_days():
    told = message("nct07120750", "last-visit-after-time-frame")
    assert "visit 13 of every 12 weeks is due on day 1092 and allowed until day 1099" in told
    assert "day 1095 or 1096" in told


def test_a_finished_cohort_brings_no_false_alarm():
    found = [
        one for one in check_protocol(load_protocol("hcc-resection")) if one.severity is not Severity.INFO
    ]
    assert [one.code for one in found] == ["no-registered-analysis"]


def test_every_check_has_a_page():
    assert len({one.code for one in ALL_CHECKS}) == len(ALL_CHECKS) > 70
    for one in ALL_CHECKS:
        assert all((one.title, one.why, one.example, one.cure, one.source))
        assert one.example != one.cure
        assert not one.title.endswith(".")
