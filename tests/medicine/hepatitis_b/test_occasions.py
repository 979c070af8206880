"""Samples in order: what counts as one occasion, the baseline, the nadir, and what confirms."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.medicine.assay_results import AssayResults, State, as_assay_results
from trialwright.medicine.hepatitis_b.occasions import choose_baseline, compute_nadir, confirm, order_samples
from trialwright.medicine.known import Known
from trialwright.medicine.moments import as_moments, is_in_period
from trialwright.vocabulary.intervals import Interval, Intervals
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.verdicts import Reason, Verdict

NAN = math.nan
MET, NOT_MET = Verdict.MET.code, Verdict.NOT_MET.code
MISSING, CONFLICT, IMPRECISE = Reason.MISSING.code, Reason.CONFLICT.code, Reason.IMPRECISE_DATE.code
CENSORED, UNIT_UNKNOWN = Reason.CENSORED.code, Reason.UNIT_UNKNOWN.code


def results(*values):
    """`12`, `<10` or None (no result) each."""
    rows, states, reasons = [], [], []
    for value in values:
        if value is None:
            rows.append(Interval(0, math.inf))
        elif isinstance(value, str):
            rows.append(Interval.reported(float(value[1:]), value[0], floor=0))
        else:
            rows.append(Interval.exactly(value))
        below = isinstance(value, str) and value[0] == "<"
        states.append(
            State.NO_RESULT if value is None else State.BELOW_LLOQ_UNSPECIFIED if below else State.QUANTIFIED
        )
        reasons.append(MISSING if value is None else CENSORED)
    return AssayResults.of(Known(Intervals.of(rows), reasons), states)


def dates(*texts):
    return [None if text is None else PartialDate.parse(text) for text in texts]


def told(known):
    return [
        f"{bounds.lo:g}" if bounds.is_exact else f"{bounds} {reason}"
        for bounds, reason in zip(known.bounds, known.reasons.tolist(), strict=True)
    ]


# ---- moments


def test_moments_of_days_datetimes_and_partial_dates_are_the_same():
    days = np.array(["2024-03-05", "NaT"], "datetime64[D]")
    numbers = [19787, NAN]
    assert as_moments("t", days).first.tolist() == as_moments("t", numbers).first.tolist()
    assert as_moments("t", days).last.tolist() == as_moments("t", dates("2024-03-05", None)).last.tolist()
    clock = as_moments("t", np.array(["2024-03-05T14:30:15"], "datetime64[s]"))
    assert (
        clock.first.tolist()
        == clock.last.tolist()
        == as_moments("t", dates("2024-03-05T14:30")).first.tolist()
    )
    assert told(as_moments("t", dates("2024-02", None)).days) == [
        f"[19754, 19782] {IMPRECISE}", f"(-inf, inf) {MISSING}"
    ]  # fmt: skip


def test_a_fraction_of_a_day_is_refused():
    with pytest.raises(ValueError, match=r"`t\[1\]` must be a whole day number, or missing, not 1.5"):
        as_moments("t", [1, 1.5])


@pytest.mark.parametrize(
    ("sample", "first_dose", "expected"),
    [
        ("2024-03-04", "2024-03-05", MET),
        ("2024-03-05", "2024-03-05", MET),
        ("2024-03-05", "2024-03-05T10:00", MET),
        ("2024-03-05T09:59", "2024-03-05T10:00", MET),
        ("2024-03-05T10:00", "2024-03-05T10:00", MET),
        ("2024-03-05T10:01", "2024-03-05T10:00", NOT_MET),
        ("2024-03-05T23:00", "2024-03-05", MET),
        ("2024-03-06", "2024-03-05", NOT_MET),
        ("2024-03", "2024-03-05", IMPRECISE),
        ("2024-03", "2024-03-31", MET),
        ("2024-02", "2024-03-05", MET),
        (None, "2024-03-05", MISSING),
        ("2024-03-05", None, MISSING),
    ],
)
def test_a_sample_of_the_first_day_counts_as_before_unless_a_clock_says_otherwise(
    sample, first_dose, expected
):
    moment, anchor = as_moments("t", dates(sample)), as_moments("t", dates(first_dose))
    assert moment.is_at_or_before(anchor).tolist() == [expected]


def test_months_as_numpy_holds_them_are_refused():
    with pytest.raises(
        ValueError, match=r"`t` must hold days, minutes or partial dates, not datetime64\[M\]"
    ):
        as_moments("t", np.array(["2024-03"], "datetime64[M]"))
    assert as_moments("t", np.array(["NaT"], "datetime64[M]")).is_missing.all()


def test_the_period_runs_from_after_the_first_dose_to_28_days_after_the_last():
    taken = [1, 2, 112, 113, 114, NAN]
    codes = is_in_period(taken, first_dose=[1] * 6, last_dose=[85] * 6, days_after=28)
    assert codes.tolist() == [NOT_MET, MET, MET, MET, NOT_MET, MISSING]
    partial = dates("2024-03", "2024-04")
    codes = is_in_period(
        partial, first_dose=dates("2024-03-05"), last_dose=dates("2024-04-01"), days_after=29
    )
    assert codes.tolist() == [IMPRECISE, MET]


# ---- occasions


def test_samples_are_sorted_by_person_and_time_and_no_result_is_left_out():
    occasions = order_samples(["b", "a", "b", "a"], [5, 9, 1, 3], results(50, 90, 10, None))
    assert occasions.subjects == ["a", "b", "b"]
    assert occasions.results.amount.bounds.lo.tolist() == [90, 10, 50]
    assert occasions.row.tolist() == [1, 2, 0]
    assert occasions.is_last.tolist() == [True, False, True]


def test_what_cannot_be_put_in_order_is_one_occasion():
    when = dates(
        "2024-03-05", "2024-03-05T10:00", "2024-03-06", "2024-03-07T08:00", "2024-03-07T09:00", "2024-04"
    )
    occasions = order_samples(["a"] * 6, when, results(5, 7, 3, 1, 2, 9))
    assert told(occasions.results.amount) == [f"[5, 7] {CONFLICT}", "3", "1", "2", "9"]
    assert occasions.n_samples.tolist() == [2, 1, 1, 1, 1]
    month = order_samples(["a"] * 3, dates("2024-03", "2024-03-05", "2024-05-01"), results(5, 7, 3))
    assert told(month.results.amount) == [f"[5, 7] {IMPRECISE}", "3"]
    undated = order_samples(["a"] * 3, dates(None, "2024-03-05", "2024-05-01"), results(5, 5, 5))
    assert told(undated.results.amount) == ["5"]


def test_a_conflict_of_states_is_undecided():
    same = order_samples(["a", "a"], [1, 1], results("<10", 30))
    assert same.results.state.tolist() == [State.UNDECIDED]
    assert same.results.quantified.tolist() == [CONFLICT]


def test_no_samples_are_no_occasions():
    assert len(order_samples([], [], results())) == 0
    assert len(order_samples(["a"], [1], results(None))) == 0
    assert len(order_samples(["a"], [1], results(None)).is_last) == 0


@settings(deadline=None)
@given(st.permutations(list(range(7))))
def test_the_order_of_records_never_matters(order):
    subjects, days = np.array(list("aababba")), np.array([1, 5, 2, 5, 9, 2, 9])
    values = results(10, "<10", 30, 40, 50, 35, 70)
    usual = order_samples(subjects, days, values)
    other = order_samples(subjects[order], days[order], values.take(order))
    assert told(other.results.amount) == told(usual.results.amount)
    assert other.subjects == usual.subjects
    assert (
        np.array(order)[other.row[usual.n_samples == 1]].tolist() == usual.row[usual.n_samples == 1].tolist()
    )


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="`times` must have 2 values, not 1"):
        order_samples(["a", "a"], [1], results(1, 2))
    with pytest.raises(ValueError, match="`subjects` must have 2 values, not 1"):
        order_samples(["a"], [1, 2], results(1, 2))


# ---- baseline


def baseline_of(when, values, at, people=("a",)):
    occasions = order_samples(["a"] * len(when), dates(*when), results(*values))
    return choose_baseline(occasions, people=people, at=dates(at))


@pytest.mark.parametrize(
    ("when", "values", "expected", "row"),
    [
        pytest.param(
            ["2024-02-20", "2024-03-05", "2024-03-06"], [1, 2, 3], "2", 1, id="the day of the dose counts"
        ),
        pytest.param(
            ["2024-02-20", "2024-03-05T11:00"], [1, 2], "1", 0, id="unless a clock says it came later"
        ),
        pytest.param(
            ["2024-02-20", "2024-03-05"], [1, None], "1", 0, id="haemolysed is no measurement: skipped"
        ),
        pytest.param(
            ["2024-02-20", "2024-03-05"], [50, "<10"], f"[0, 10) {CENSORED}", 1, id="a censored one blocks"
        ),
        pytest.param(
            ["2024-03-05", "2024-03-05"], [20, 30], f"[20, 30] {CONFLICT}", 0, id="a conflict is no number"
        ),
        pytest.param(["2024-03-05", "2024-03-05"], [20, 20], "20", 0, id="twice the same is that"),
        pytest.param(["2024-03-06"], [3], f"[0, inf) {MISSING}", -1, id="none before is missing"),
        pytest.param([], [], f"[0, inf) {MISSING}", -1, id="none at all is missing"),
        pytest.param(
            ["2024-02-20", "2024-03"], [1, 4], f"[1, 4] {IMPRECISE}", 0, id="perhaps before: either"
        ),
        pytest.param(["2024-02-20", "2024-03"], [4, 4], "4", 0, id="perhaps before, the same anyway"),
        pytest.param(["2024-03"], [4], f"[0, inf) {MISSING}", -1, id="perhaps before and none else"),
    ],
)
def test_the_baseline_is_the_last_result_on_or_before_the_first_dose(when, values, expected, row):
    baseline = baseline_of(when, values, "2024-03-05T10:00")
    assert told(baseline.results.amount) == [expected]
    assert baseline.row.tolist() == [row]


def test_baselines_come_in_the_order_asked_and_may_have_moments_of_their_own():
    occasions = order_samples(["a", "a", "b", "c"], [1, 8, 5, 5], results(10, 80, 50, 70))
    baseline = choose_baseline(occasions, people=["b", "x", "a"], at=[5, 5, 7])
    assert told(baseline.results.amount) == ["50", f"[0, inf) {MISSING}", "10"]
    assert told(baseline.day) == ["5", f"[0, inf) {MISSING}", "1"]
    assert len(choose_baseline(occasions, people=[], at=[5]).row) == 0
    with pytest.raises(ValueError, match="must not name anyone twice"):
        choose_baseline(occasions, people=["a", "a"], at=[5])


def test_two_baselines_of_hbv_21():
    occasions = order_samples(["a"] * 2, [-20, 1], results(4.2e5, 3.1e4))
    assert choose_baseline(occasions, people=["a"], at=[1]).results.amount.bounds.lo.tolist() == [3.1e4]
    assert choose_baseline(occasions, people=["a"], at=[-7]).results.amount.bounds.lo.tolist() == [4.2e5]


# ---- nadir

values = st.sampled_from([1.0, 5.0, 20.0, 100.0, "<10", "<20", ">50"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), values), max_size=12))
def test_the_nadir_is_the_lowest_of_what_came_before(samples):
    subjects = sorted(subject for subject, _ in samples)
    given_ = results(*[value for _, value in samples])
    occasions = order_samples(subjects, list(range(len(samples))), given_)
    nadir = compute_nadir(occasions)
    rows = list(given_.amount.bounds)
    for i, subject in enumerate(subjects):
        before = [rows[j] for j in range(i) if subjects[j] == subject]
        states = [given_.quantified[j] for j in range(i) if subjects[j] == subject]
        found = list(nadir.amount.bounds)[i]
        if not before:
            assert nadir.amount.reasons[i] == nadir.quantified[i] == MISSING
            continue
        lowest = before[0]
        for one in before:
            lowest = lowest.minimum(one)
        assert found == lowest
        assert nadir.quantified[i] == (MET if set(states) == {MET} else NOT_MET)


# ---- confirmation


def confirmed(codes, days, least_days, is_enough):
    """What `confirm` means, for known verdicts: True, False or None where no later occasion tells."""
    answers = []
    for i, holds in enumerate(codes):
        answer = None if holds else False
        for j in range(i + 1, len(codes) if holds else 0):
            if not codes[j]:
                answer = False
                break
            if days[j] - days[i] >= least_days or is_enough[j]:
                answer = True
                break
        answers.append(answer)
    return answers


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([MET, NOT_MET, UNIT_UNKNOWN]), st.integers(1, 20), st.booleans()),
        max_size=7,
    ),
    st.integers(1, 30),
)
def test_confirmation_is_known_where_all_completions_agree(samples, least_days):
    codes = np.array([code for code, _, _ in samples], np.uint8)
    days = np.cumsum([gap for _, gap, _ in samples]).tolist()
    enough = [flag for _, _, flag in samples]
    occasions = order_samples(
        ["a"] * len(samples), days, as_assay_results(Known.exactly(np.ones(len(samples))))
    )
    found = confirm(occasions, codes, least_days=least_days, is_enough=enough if samples else False)
    open_rows = np.flatnonzero(codes == UNIT_UNKNOWN).tolist()
    completions = []
    for choice in itertools.product([True, False], repeat=len(open_rows)):
        complete = (codes == MET).tolist()
        for row, value in zip(open_rows, choice, strict=True):
            complete[row] = value
        completions.append(confirmed(complete, days, least_days, enough))
    for i, code in enumerate(found.tolist()):
        possible = {answers[i] for answers in completions}
        if possible == {True}:
            assert code == MET
        elif possible == {False}:
            assert code == NOT_MET
        else:
            assert code in (MISSING, UNIT_UNKNOWN)
            assert (code == MISSING) <= (None in possible)


def test_confirmation_does_not_cross_people_and_waits_for_a_precise_date():
    occasions = order_samples(["a", "b"], [1, 50], results(1, 1))
    assert confirm(occasions, np.array([MET, MET], np.uint8), least_days=28).tolist() == [MISSING, MISSING]
    partial = order_samples(["a"] * 2, dates("2024-03-05", "2024-04"), results(1, 1))
    codes = confirm(partial, np.array([MET, MET], np.uint8), least_days=28)
    assert codes.tolist() == [IMPRECISE, MISSING]
    codes = confirm(partial, np.array([MET, MET], np.uint8), least_days=27)
    assert codes.tolist() == [MET, MISSING]


# ---- one person alone and among others

when = st.sampled_from(
    [
        "2024-03-01",
        "2024-03-05",
        "2024-03-05T09:00",
        "2024-03-05T12:00",
        "2024-03",
        "2024-04-10",
        "2024-05-08",
        "2024",
        None,
    ]
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), when, values | st.none()), max_size=10), st.randoms())
def test_a_person_alone_is_the_same_as_among_others_and_order_never_matters(samples, random):
    def judged(rows, people):
        subjects, times, given_ = zip(*rows, strict=True) if rows else ((), (), ())
        occasions = order_samples(subjects, dates(*times) or [], results(*given_))
        baseline = choose_baseline(occasions, people=people, at=dates("2024-03-05T10:00"))
        dna = occasions.results.amount
        high = dna.compare(">=", 20)
        confirmed_ = confirm(occasions, high, least_days=28)
        nadir = compute_nadir(occasions).amount
        return {
            person: [
                told(baseline.results.amount)[place],
                told(baseline.day)[place],
                *(
                    (told(dna)[i], told(nadir)[i], high[i], confirmed_[i])
                    for i, subject in enumerate(occasions.subjects)
                    if subject == person
                ),
            ]
            for place, person in enumerate(people)
        }

    together = judged(random.sample(samples, len(samples)), ["a", "b", "c"])
    for person in "abc":
        assert judged([row for row in samples if row[0] == person], [person])[person] == together[person]
