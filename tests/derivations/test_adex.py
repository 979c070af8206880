"""ADEX and ADEXSUM: doses beside the plan, what a person got in all, why treatment ended."""

import random
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.derivations.safety import FIRST, adsl_of, day, dose, durva, facts_of, study_of, table

from trialwright.derivations.adex import derive_adex
from trialwright.derivations.adexsum import derive_adexsum
from trialwright.derivations.events import known_facts
from trialwright.derivations.study import make_study


def derive(*records, **columns):
    study = study_of(EX=table("EX", *records))
    return derive_adex(study, adsl_of(study, **columns))


def summed(*records, others=(), findings=(), with_events=False, **columns):
    study = study_of(EX=table("EX", *records), DS=table("DS", *others), FA=table("FA", *findings))
    adsl = adsl_of(study, **columns)
    facts = known_facts(study) if with_events else facts_of(study)
    return derive_adexsum(study, adsl, derive_adex(study, adsl), facts)


def value(rows, code, column="AVAL", treatment="durvalumab"):
    return rows.filter(pl.col("PARAMCD") == code, pl.col("TREATMENT") == treatment)[column].to_list()


def on_days(*numbers):
    return [dose(day(number)) for number in numbers]


def span(first, last, **more):
    end = day(last) if last else None
    return {"EXTRT": "Entecavir", "EXSTDTC": day(first), "EXENDTC": end, "EXDOSE": 0.5, "EXDOSU": "mg"} | more


# domain/schedule.md section 3: doses every 28 days, 3 days of tolerance, at least 25 days apart, skipped 14 days after due
@pytest.mark.parametrize(
    ("days", "timing", "delay"),
    [
        pytest.param((1, 29, 57, 88), "on time", 3, id="DO-01 within three days"),
        pytest.param((1, 29, 64), "late", 7, id="DO-02"),
        pytest.param((1, 29, 52), "early", -5, id="DO-03 23 days after the last"),
        pytest.param((1, 26), "on time", -3, id="25 days is enough"),
        pytest.param((1, 25), "early", -4, id="24 days is not"),
        pytest.param((1, 33), "late", 4, id="four days after it was due"),
        pytest.param((1, 43), "late", 14, id="42 days: late, not skipped"),
        pytest.param((1, 44), "after a skipped dose", 15, id="43 days"),
    ],
)
def test_timing_of_the_last_dose(days, timing, delay):
    row = derive(*on_days(*days)).row(-1, named=True)
    assert (row["TIMING"], row["DELAYD"], row["DOSENO"]) == (timing, delay, len(days))


def test_the_next_dose_counts_from_the_last_one_given():
    """domain/schedule.md DO-02: after the dose of day 64 the next is due on day 92."""
    rows = derive(*on_days(1, 29, 64, 92))
    assert rows["PLANDT"].to_list() == [None, *(date.fromisoformat(day(number)) for number in (29, 57, 92))]
    assert rows["TIMING"].to_list() == ["first", "on time", "late", "on time"]


@pytest.mark.parametrize(
    ("interval", "skipped"), [(42, 0), (43, 1), (56, 1), (70, 1), (71, 2), (98, 2), (99, 3)]
)
def test_doses_skipped(interval, skipped):
    """Due 28, 56, 84 days after the last; each is skipped once more than 14 days have passed since."""
    assert derive(*on_days(1, 1 + interval))["NSKIP"].to_list() == [None, skipped]


@pytest.mark.parametrize(("interval", "flag"), [(84, None), (85, "Y")])
def test_a_pause_longer_than_the_protocol_lets(interval, flag):
    assert derive(*on_days(1, 1 + interval))["LONGFL"].to_list() == [None, flag]


def test_a_dose_left_out_is_a_row_and_no_dose():
    left_out = dose(day(29), 0, EXADJ="ADVERSE EVENT")
    unmeasured = dose(day(30), None, EXADJ="ADVERSE EVENT")
    rows = derive(dose(day(1)), left_out, unmeasured, dose(day(57)))
    assert rows["GIVENFL"].to_list() == ["Y", "N", "N", "Y"]
    assert rows["DOSENO"].to_list() == [1, None, None, 2]
    assert rows["INTERVAL"].to_list() == [None, None, None, 56]
    assert rows["DOSEADJ"].to_list() == [None, "ADVERSE EVENT", "ADVERSE EVENT", None]


def test_amounts_in_the_unit_of_the_protocol():
    rows = derive(
        dose(day(1), 1.5, EXDOSU="g"), dose(day(29), 750), dose(day(57), 15, EXDOSU="mL"), dose(day(85), None)
    )
    assert rows["AVAL"].to_list() == [1500, 750, None, None]
    assert rows["DOSEPCT"].to_list() == [100, 50, None, None]
    assert rows["REASON"].to_list() == [None, None, "unit unknown", "missing"]


def test_a_dose_of_an_unknown_day_leaves_intervals_around_it_open():
    rows = derive(dose(day(1)), dose("2024-02"), dose(day(57)), dose(day(85)))
    assert rows["INTERVAL"].to_list() == [None, None, None, 28]
    assert rows["REASON"].to_list() == [None, "imprecise date", None, None]
    rows = derive(dose(day(1)), dose(""), dose(day(57)))
    assert rows["INTERVAL"].to_list() == [None, None, None]


@pytest.mark.parametrize(("parts", "amount", "reason"), [
    pytest.param([(1500, {}), (1500, {})], 1500, None, id="written twice"),
    pytest.param([(1500, {}), (1.5, {"EXDOSU": "g"})], 1500, None, id="written twice, in two units"),
    pytest.param([(1500, {}), (1500, {"EXSTDTC": "T09:00"})], 1500, None, id="written twice, once with the time"),
    pytest.param([(1500, {})] * 3, 1500, None, id="written three times"),
    pytest.param([(750, {}), (750, {})], None, "conflict", id="two halves, or half a dose written twice"),
    pytest.param([(751, {}), (751, {})], 751, None, id="together more than the plan: written twice"),
    pytest.param([(1000, {}), (500, {})], None, "conflict", id="two parts, or one that corrects the other"),
    pytest.param([(750, {"EXSTDTC": "T09:00"}), (750, {"EXSTDTC": "T11:00"})], 1500, None, id="two halves at two times"),
    pytest.param([(1500, {"EXSTDTC": "T09:00"}), (1500, {"EXSTDTC": "T11:00"})], 3000, None, id="two whole doses at two times"),
    pytest.param([(750, {"EXSTDTC": "T09:00"}), (750, {"EXSTDTC": "T09:00"})], None, "conflict", id="two halves at one time"),
    pytest.param([(1500, {}), (None, {})], None, "conflict", id="an amount and none"),
    pytest.param([(None, {}), (None, {})], None, "missing", id="no amount, twice"),
    pytest.param([(750, {"EXSTDTC": "T09:00"}), (None, {"EXSTDTC": "T11:00"})], None, "missing", id="half, and nobody knows how much"),
])  # fmt: skip
def test_records_of_one_day_are_one_dose(parts, amount, reason):
    """One dose every four weeks, whatever is written of its day: the next is the second, 28 days later and in time."""
    of_day_29 = [dose(day(29) + more.get("EXSTDTC", ""), much, **{**more, "EXSTDTC": day(29) + more.get("EXSTDTC", "")}) for much, more in parts]  # fmt: skip
    records = [dose(day(1)), *of_day_29, dose(day(57))]
    rows = derive(*records)
    assert rows["DOSENO"].to_list() == [1, 2, 3]
    assert rows["TIMING"].to_list() == ["first", "on time", "on time"]
    assert rows.select("AVAL", "REASON", "SRCSEQ").row(1) == (amount, reason, 2)
    assert rows["SRCALL"].to_list()[1] == " ".join(f"EX.{n + 2}" for n in range(len(parts)))
    assert value(summed(*records), "NDOSE") == [3]
    assert value(summed(*records), "TOTDOSE") == [None if amount is None else 3000 + amount]


def test_a_dose_left_out_on_the_day_of_another_is_a_row_of_its_own():
    rows = derive(dose(day(1), 0, EXADJ="ADVERSE EVENT"), dose(day(1)))
    assert rows.select("GIVENFL", "DOSENO").rows() == [("N", None), ("Y", 1)]


def test_days_known_in_part_are_no_day_on_which_two_records_are_one():
    assert value(summed(dose("2024-02"), dose("2024-02")), "NDOSE") == [2]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=5, unique=True), st.data())
def test_whole_doses_written_twice_change_nothing_but_the_records_named(days, data):
    again = data.draw(st.lists(st.sampled_from(days), max_size=4))
    once = derive(*on_days(*days)).drop("SRCALL")
    assert derive(*on_days(*days, *again)).drop("SRCALL").equals(once)


def test_relative_dose_intensity():
    """domain/schedule.md DO-04: 6000 mg over 119 days against 375 mg a week."""
    rows = summed(*on_days(1, 29, 64, 92))
    assert value(rows, "TOTDOSE") == [6000]
    assert value(rows, "EXPDAYS") == [119]
    assert value(rows, "RDI") == [pytest.approx(94.12, abs=0.005)]
    assert [value(rows, code) for code in ("NDOSE", "NLATE", "NSKIP", "MAXDELAY")] == [[4], [1], [0], [7]]


def test_what_rests_on_an_unknown_day_or_amount_is_not_known():
    rows = summed(dose(day(1)), dose("2024-02"), dose(day(85), None))
    unknown = rows.filter(pl.col("PARAMCD").is_in(["EXPDAYS", "LASTDT", "TOTDOSE", "RDI", "NLATE"]))
    assert unknown["AVAL"].drop_nulls().to_list() == []
    assert None not in unknown["REASON"].to_list()
    assert value(rows, "NDOSE") == [3]


def test_days_covered_and_gaps_of_treatment_without_pause():
    """Days 1 to 30 and 50 to 100: 81 of 100 days; 19 days without. A span inside another adds nothing."""
    rows = summed(span(1, 30), span(50, 100), span(60, 70))
    codes = ("EXPDAYS", "COVDAYS", "NGAP", "MAXGAP", "NGAP14")
    assert [value(rows, code, treatment="entecavir") for code in codes] == [[100], [81], [1], [19], [1]]


@pytest.mark.parametrize(
    ("began", "ended", "days"),
    [
        pytest.param(-730, 100, 100, id="two years before time zero to day 100"),
        pytest.param(-730, 1, 1, id="to the day of time zero"),
        pytest.param(-730, -1, 0, id="to the day before it"),
        pytest.param(-730, -365, 0, id="to a year before it"),
        pytest.param(1, 100, 100, id="from time zero"),
        pytest.param(5, 100, 96, id="from a later day"),
    ],
)
def test_days_of_exposure_from_time_zero_leave_out_what_was_before(began, ended, days):
    rows = summed(span(began, ended))
    assert value(rows, "TRLDAYS", treatment="entecavir") == [days]
    # there is no day 0
    assert value(rows, "EXPDAYS", treatment="entecavir") == [ended - began + (0 if began < 0 < ended else 1)]


def test_days_of_exposure_from_time_zero_of_doses_and_of_whom_nobody_knows_it():
    """Four doses, the last on day 92, each for 28 days; the first day that is not known leaves it open."""
    assert value(summed(*on_days(1, 29, 64, 92)), "TRLDAYS") == [119]
    for rows, why in (
        (summed(*on_days(1, 29), STARTDT=None), "missing"),
        (summed(dose("2024-02"), dose(day(29))), "imprecise date"),
    ):
        assert (value(rows, "TRLDAYS"), value(rows, "TRLDAYS", "REASON")) == ([None], [why])


@pytest.mark.parametrize(
    ("ends", "days"),
    [
        pytest.param({}, 56, id="the interval of the last dose to its end, day 56"),
        pytest.param({"DTHDT": day(29)}, 29, id="death on the day of the last dose"),
        pytest.param({"DTHDT": day(40)}, 40, id="death within the interval"),
        pytest.param({"DTHDT": day(56)}, 56, id="death on its last day"),
        pytest.param({"DTHDT": day(200)}, 56, id="death after it"),
        pytest.param({"CUTDT": day(30)}, 30, id="the data cut within the interval"),
        pytest.param({"CUTDT": day(50), "DTHDT": day(40)}, 40, id="death before the cut"),
    ],
)
def test_nobody_is_exposed_after_death_or_the_data_cut(ends, days):
    """Doses on days 1 and 29, each for 28 days. What a dose was meant to cover, `EXPDAYS`, is 56 days all the same."""
    rows = summed(*on_days(1, 29), **{name: date.fromisoformat(told) for name, told in ends.items()})
    assert value(rows, "TRLDAYS") == [days]
    assert value(rows, "EXPDAYS") == [56]


@pytest.mark.parametrize(("resumed", "long"), [(45, 0), (46, 1)])
def test_a_gap_is_long_from_the_fifteenth_day(resumed, long):
    """Taken until day 30: without it on days 31 to 44 are 14 days, to 45 are 15."""
    assert value(summed(span(1, 30), span(resumed, 60)), "NGAP14", treatment="entecavir") == [long]


def test_what_goes_on_reaches_to_the_last_day_known_alive():
    alive = FIRST + timedelta(days=99)
    rows = derive(span(1, None), LSTALVDT=alive)
    assert rows.select("AENDT", "ONGOFL").rows() == [(alive, "Y")]


# --- why it ended -------------------------------------------------------------------------------------------------------


def ended(reason, when):
    return {"DSCAT": "DISPOSITION EVENT", "DSSCAT": "durvalumab", "DSDECOD": reason, "DSSTDTC": when}


def rules(rows, code):
    found = rows.filter(pl.col("PARAMCD") == code, pl.col("TREATMENT") == "durvalumab")
    return {path.rsplit(".", 1)[1]: told for path, told in found.select("PROTOCOL", "AVALC").iter_rows()}


@pytest.mark.parametrize(
    ("n", "met", "agrees", "went_on"),
    [
        pytest.param(23, "not met", None, "N", id="one dose short: nobody attested toxicity"),
        pytest.param(24, "met", "Y", "N", id="24 doses"),
        pytest.param(25, "met", "Y", "Y", id="DO-05 a dose beyond"),
    ],
)
def test_twenty_four_doses_end_treatment(n, met, agrees, went_on):
    doses = on_days(*(1 + 28 * number for number in range(n)))
    last = day(1 + 28 * (n - 1))
    rows = summed(*doses, others=[ended("COMPLETED", last)], with_events=True)
    assert value(rows, "STOPREAS", "AVALC") == ["COMPLETED"]
    assert rules(rows, "UNTIL")["doses"] == met
    assert value(rows, "STOPAGR", "AVALC") == [agrees]
    assert rules(rows, "WENTON")["doses"] == went_on


def test_a_dose_written_twice_is_counted_once_by_rules():
    """23 doses, the last of them twice: 24 records, and treatment has one dose left."""
    days = [1 + 28 * number for number in range(23)]
    rows = summed(*on_days(*days, days[-1]), others=[ended("COMPLETED", day(days[-1]))], with_events=True)
    assert value(rows, "NDOSE") == [23]
    assert rules(rows, "UNTIL")["doses"] == "not met"


@pytest.mark.parametrize(
    ("attested", "agrees", "why"),
    [
        pytest.param("Y", "Y", None, id="attested"),
        pytest.param("N", "N", None, id="attested that it was none: a discrepancy"),
        pytest.param(None, None, "needs a person", id="nobody attested"),
    ],
)
def test_a_reason_that_no_rule_bears_out_is_told(attested, agrees, why):
    finding = {
        "FATESTCD": "ATTEST",
        "FAOBJ": "INTOLERABLE TOXICITY",
        "FASTRESC": attested,
        "FAEVAL": "investigator",
    }
    findings = [finding | {"FADTC": day(30)}] if attested else []
    rows = summed(
        *on_days(1, 29), others=[ended("ADVERSE EVENT", day(30))], findings=findings, with_events=True
    )
    assert value(rows, "STOPAGR", "AVALC") == [agrees]
    assert value(rows, "STOPAGR", "REASON") == [why]


def test_who_goes_on_has_no_reason_for_an_end():
    rows = summed(*on_days(1, 29))
    assert value(rows, "STOPREAS", "AVALC") == value(rows, "STOPAGR", "AVALC") == []


# --- laws ---------------------------------------------------------------------------------------------------------------

DAYS = st.lists(st.one_of(st.integers(1, 200).map(day), st.sampled_from(["2024-02", ""])), max_size=6)


@settings(max_examples=30, deadline=None)
@given(DAYS, st.randoms(use_true_random=False))
def test_order_and_duplicates_never_matter(days, chance: random.Random):
    records = [dose(when) | {"EXSEQ": number} for number, when in enumerate(days, 1)]
    other = records + [row for row in records if chance.random() < 0.3]
    chance.shuffle(other)
    assert derive(*records).equals(derive(*other))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30)), min_size=1, max_size=6))
def test_days_covered_are_the_days_in_any_span(spans):
    rows = summed(*(span(first, first + length) for first, length in spans))
    covered = {number for first, length in spans for number in range(first, first + length + 1)}
    assert value(rows, "COVDAYS", treatment="entecavir") == [len(covered)]
    longest = missing = 0
    for number in range(min(covered), max(covered) + 1):
        missing = 0 if number in covered else missing + 1
        longest = max(longest, missing)
    assert value(rows, "MAXGAP", treatment="entecavir") == [longest]


def test_two_studies_at_once_are_two_studies():
    people = pl.DataFrame({"TRIAL": ["1", "2"], "STUDYID": ["A", "A"], "USUBJID": ["001", "001"]})
    doses = pl.concat([table("EX", *on_days(1, 29)), table("EX", *on_days(1, 29, 64))])
    doses = doses.with_columns(STUDYID=pl.lit("A"), TRIAL=pl.Series([*"11222"]))
    study = make_study(durva(), {"DM": people, "EX": doses}, keys=["TRIAL"])
    rows = derive_adex(study, adsl_of(study))
    assert rows.columns[:4] == ["TRIAL", "STUDYID", "USUBJID", "SUBJECT"]
    assert rows.group_by("TRIAL").len().sort("TRIAL")["len"].to_list() == [2, 3]
