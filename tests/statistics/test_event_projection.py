import math
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean, quantiles

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.event_projection import FutureAccrual, project_events

CUT = date(2026, 6, 30)


def before(days):
    return CUT - timedelta(days=days)


def data(*, events=(), followed=(), ended=()):
    """Subjects with an event, still followed, and whose follow-up has ended: days since entry; events and ends today."""
    days = [*events, *followed, *ended]
    kinds = [(True, False)] * len(events) + [(False, True)] * len(followed) + [(False, False)] * len(ended)
    return (
        [before(one) for one in days],
        days,
        [event for event, _ in kinds],
        [still for _, still in kinds],
    )


def days_to(day):
    return (day - CUT).days


# Where the answer is known


def test_one_subject_followed_against_the_closed_form():
    # Rates of event and drop-out are Gamma(a, T) and Gamma(b, T), a = 3.5, b = 1.5, T = 2000 days. Their sum is Gamma(a + b, T)
    # and independent of the share of events, a / (a + b) on average, so that the event comes by t with the probability
    # a / (a + b) (1 - (T / (T + t))^(a + b)).
    a, b, total = 3.5, 1.5, 2000
    subjects = data(events=(400, 300, 500), followed=(600,), ended=(200,))
    counted = [before(-t) for t in (30, 200, 900)]
    found = project_events(
        *subjects, cut=CUT, n_events_needed=4, seed=3, n_draws=40_000, conf_level=0.6, count_on=counted
    )

    def probability(t):
        return a / (a + b) * (1 - (total / (total + t)) ** (a + b))

    def quantile(share):
        return total * ((1 - share * (a + b) / a) ** (-1 / (a + b)) - 1)

    error = 4 * math.sqrt(0.25 / 40_000)
    assert found.probability_reached == pytest.approx(a / (a + b), abs=error)
    for count in found.counts:
        assert count.expected - 3 == pytest.approx(probability(days_to(count.on)), abs=error)
    for share, day in ((0.2, found.earliest), (0.5, found.projected)):
        slope = (quantile(share + 0.01) - quantile(share - 0.01)) / 0.02
        assert days_to(day) == pytest.approx(quantile(share), abs=error * slope + 1)
    assert found.latest is None  # 80 % of the draws never come to so many: only 70 % do


def test_first_of_many_events_against_the_closed_form():
    # n alike with rate Gamma(a, T): none by t has the probability (T / (T + n t))^a. Drop-out is negligible over so few days.
    n, a = 60, 20.5
    subjects = data(events=(500,) * 20, followed=(500,) * n)
    total = 500 * (20 + n)
    found = project_events(*subjects, cut=CUT, n_events_needed=21, seed=5, n_draws=20_000)
    for share, day in ((0.05, found.earliest), (0.5, found.projected), (0.95, found.latest)):
        expected = total / n * ((1 - share) ** (-1 / a) - 1)
        assert days_to(day) == pytest.approx(expected, abs=0.05 * expected + 1)
    assert found.probability_reached == pytest.approx(1, abs=1e-3)


def one_trial(draw, subjects, cuts, limit, future):
    """Event days after the cut in one virtual rest of a trial, one subject after another."""
    days, event, still = subjects[1:]
    edges = [0.0, *cuts, math.inf]
    rates = []
    for low, high in pairwise(edges):
        n_events = sum(seen and low < one <= high for one, seen in zip(days, event, strict=True))
        person_days = sum(max(min(one, high) - low, 0) for one in days)
        rates.append(draw.gamma(n_events + 0.5, 1 / person_days))
    complete = [limit is not None and one >= limit for one in days]
    n_lost = sum(not (e or s or c) for e, s, c in zip(event, still, complete, strict=True))
    loss = draw.gamma(n_lost + 0.5, 1 / sum(days))
    entries = [(-one, one) for one, s, c in zip(days, still, complete, strict=True) if s and not c]
    arrival = 0.0
    for _ in range(future.n_subjects if future else 0):
        arrival += draw.exponential(1 / future.per_day)
        entries.append((arrival, 0.0))
    found = []
    for entry, since in entries:
        lost = min(since + draw.exponential(1 / loss), math.inf if limit is None else limit)
        at = since
        for (low, high), rate in zip(pairwise(edges), rates, strict=True):
            if at < high:
                wait = draw.exponential(1 / rate)
                if max(at, low) + wait <= high:
                    if max(at, low) + wait <= lost:
                        found.append(entry + max(at, low) + wait)
                    break
                at = high
    return sorted(found)


@pytest.mark.parametrize(
    ("cuts", "limit", "future"),
    [
        pytest.param((), None, None, id="constant hazard"),
        pytest.param((150, 400), None, None, id="hazard by piece"),
        pytest.param((150,), 700, FutureAccrual(15, 0.1), id="limited follow-up, further accrual"),
    ],
)
def test_against_a_plain_simulation(cuts, limit, future):
    subjects = data(
        events=(30, 90, 140, 200, 260, 330, 420, 450, 500, 610),
        followed=(20, 60, 100, 180, 240, 300, 380, 420, 480, 520, 560, 600, 640, 680, 699),
        ended=(80, 350, *([700] * 3 if limit else [])),
    )
    needed, n_trials = 16, 1500
    found = project_events(
        *subjects,
        cut=CUT,
        n_events_needed=needed,
        seed=11,
        hazard_cuts=cuts,
        follow_up_limit_days=limit,
        future=future,
        count_on=[before(-120), before(-400)],
    )
    draw = np.random.default_rng(12)
    trials = [one_trial(draw, subjects, cuts, limit, future) for _ in range(n_trials)]
    for count in found.counts:
        numbers = [10 + sum(one <= days_to(count.on) for one in trial) for trial in trials]
        spread = np.std(numbers) * math.sqrt(1 / n_trials + 1 / 10_000)
        assert count.expected == pytest.approx(fmean(numbers), abs=4 * spread)
    reached = [trial[needed - 11] if len(trial) >= needed - 10 else 1e6 for trial in trials]
    share = sum(one < 1e6 for one in reached) / n_trials
    assert found.probability_reached == pytest.approx(
        share, abs=4 * math.sqrt(0.25 / n_trials + 0.25 / 10_000)
    )
    percent = quantiles(reached, n=100, method="inclusive")
    assert percent[46] <= days_to(found.projected) <= percent[52] + 1
    assert percent[2] <= days_to(found.earliest) <= percent[6] + 1


def test_pooled_rates_by_hand():
    found = project_events(
        *data(events=(100, 101, 40), followed=(300,), ended=(150,)),
        cut=CUT,
        n_events_needed=4,
        seed=1,
        hazard_cuts=(100,),
    )
    early, late = found.rates
    # Up to day 100, that day included: two events, 100 + 100 + 40 + 100 + 100 days; then one event, 1 + 200 + 50 days.
    assert (early.from_day, early.to_day, early.n_events, early.person_days) == (0, 100, 2, 440)
    assert (late.from_day, late.to_day, late.n_events, late.person_days) == (100, None, 1, 251)
    assert late.per_day == 1 / 251
    assert late.conf_low < late.per_day < late.conf_high
    assert (found.drop_out.n_events, found.drop_out.person_days) == (1, 691)
    assert (found.n_events, found.n_followed, found.n_events_needed) == (3, 1, 4)


def test_who_reached_the_limit_is_neither_followed_nor_a_drop_out():
    subjects = data(events=(50,), followed=(365, 364), ended=(365, 100))
    found = project_events(*subjects, cut=CUT, n_events_needed=2, seed=1, follow_up_limit_days=365)
    assert found.n_followed == 1
    assert found.drop_out.n_events == 1
    assert found.projected is None  # one day is left to one subject
    assert found.probability_reached < 0.05


def test_who_was_followed_beyond_the_limit_counts_with_all_that_was_seen():
    # The last scan of three years may come some days after them, and find the event.
    subjects = data(events=(50, 372), followed=(370, 364), ended=(380, 100))
    found = project_events(*subjects, cut=CUT, n_events_needed=3, seed=1, follow_up_limit_days=365)
    assert (found.n_events, found.n_followed, found.drop_out.n_events) == (2, 1, 1)
    assert found.rates[0].person_days == 50 + 372 + 370 + 364 + 380 + 100
    assert found.probability_reached < 0.05


def test_events_that_may_have_happened_count_as_of_the_cut():
    entered, days, event, still = data(events=(10, 20, 30), followed=(2,) * 50)
    late = [before(5000) if one else day for one, day in zip(still, entered, strict=True)]
    found = project_events(late, days, event, still, cut=CUT, n_events_needed=4, seed=1)
    assert found.earliest == found.projected == CUT


def test_what_would_come_in_more_than_a_hundred_years_does_not_come():
    # As in the closed form above, with a = 1.5, b = 0.5 and T = 26,000 days: 75 % at all, 62 % within 36,525 days.
    found = project_events(
        *data(events=(6000,), followed=(20_000,)), cut=CUT, n_events_needed=2, seed=1, conf_level=0.4
    )
    within = 0.75 * (1 - (26_000 / (26_000 + 36_525)) ** 2)
    assert found.probability_reached == pytest.approx(within, abs=4 * math.sqrt(0.25 / 10_000))
    assert found.projected is not None
    assert found.latest is None  # 70 % are asked for


# Laws

SOME = data(events=(90, 200, 300, 400), followed=(100, 250, 400, 500, 600, 700), ended=(150,))


def test_the_same_seed_gives_the_same_dates():
    first, again, other = (
        project_events(*SOME, cut=CUT, n_events_needed=7, seed=seed, count_on=on)
        for seed, on in ((1, ()), (1, [CUT]), (2, ()))
    )
    assert first.projected == again.projected
    assert first.rates == again.rates
    assert first.rates != other.rates
    assert days_to(first.projected) == pytest.approx(
        days_to(other.projected), abs=6 * (first.error_days + other.error_days) + 1
    )


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 3000), st.integers(5, 9), st.integers(0, 10_000))
def test_laws_of_projection(shift, needed, seed):
    def projected(by=0, needed=needed, **options):
        entered = [day + timedelta(days=by) for day in SOME[0]]
        cut = CUT + timedelta(days=by)
        return project_events(
            entered, *SOME[1:], cut=cut, n_events_needed=needed, seed=seed, n_draws=1000, **options
        )

    found = projected()
    assert projected(by=shift).projected == (
        None if found.projected is None else found.projected + timedelta(days=shift)
    )
    assert found.earliest <= (found.projected or date.max) <= (found.latest or date.max)
    one_more = projected(needed=needed + 1)
    assert found.earliest <= (one_more.earliest or date.max)
    assert found.probability_reached >= one_more.probability_reached


def test_counts_start_at_what_was_seen():
    found = project_events(
        *SOME, cut=CUT, n_events_needed=7, seed=1, count_on=[CUT, before(-300), before(-30_000)]
    )
    now, later, at_last = found.counts
    assert (now.expected, now.conf_low, now.conf_high) == (4, 4, 4)
    assert 4 < later.expected < at_last.expected <= 10
    assert later.conf_low <= later.expected <= later.conf_high


@pytest.mark.slow
def test_limits_hold_the_date_although_groups_differ():
    # Two groups with a hazard ratio of 0.6 and uniform entry over two years; at a cut after 18 months, the day of the 100th event.
    rng = np.random.default_rng(7)
    n_trials, n = 400, 332
    held = 0
    for trial in range(n_trials):
        entry = rng.uniform(0, 730, n)
        rate = np.where(np.arange(n) % 2, 0.0007, 0.0007 * 0.6)
        event = entry + rng.exponential(1 / rate)
        day = np.sort(event)[99]
        seen = entry <= 548
        days = np.minimum(event, 548)[seen] - entry[seen]
        observed = event[seen] <= 548
        found = project_events(
            [CUT - timedelta(days=math.ceil(548 - one)) for one in entry[seen]],
            days,
            [bool(one) for one in observed],
            [not one for one in observed],
            cut=CUT,
            n_events_needed=100,
            seed=trial,
            n_draws=1000,
            future=FutureAccrual(int((~seen).sum()), n / 730),
        )
        held += days_to(found.earliest) - 1 <= day - 548 <= days_to(found.latest)
    assert held / n_trials == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / n_trials))


# Bad input, and data that hold no answer


@pytest.mark.parametrize(
    ("subjects", "options", "reason"),
    [
        pytest.param(data(), {}, "there are no subjects", id="nobody"),
        pytest.param(data(followed=(0, 0)), {}, "nobody has been followed for a day", id="no time"),
        pytest.param(data(followed=(9,) * 9), {}, "no event has been seen$", id="no event"),
        pytest.param(
            SOME,
            {"hazard_cuts": (210, 290)},
            "no event has been seen after day 210 by day 290",
            id="no event in a piece",
        ),
        pytest.param(
            SOME, {"hazard_cuts": (500,)}, "no event has been seen after day 500$", id="no event in the last"
        ),
        pytest.param(
            SOME, {"n_events_needed": 4}, "4 events have been seen, 4 are needed", id="needed events seen"
        ),
        pytest.param(
            SOME,
            {"n_events_needed": 13, "future": FutureAccrual(2, 0.1)},
            "9 more events are needed, and only 8 more can come: 6 subjects are still followed and 2 are to be enrolled",
            id="too few left",
        ),
    ],
)
def test_data_without_an_answer(subjects, options, reason):
    with pytest.raises(NotEstimable, match=reason):
        project_events(*subjects, **({"cut": CUT, "n_events_needed": 5, "seed": 1} | options))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"entered": [CUT + timedelta(days=1)]}, r"`entered\[0\]` must be no later than the cut, 2026-06-30"),
        (
            {"follow_up_days": [11]},
            r"`follow_up_days\[0\]` must end by the cut, 2026-06-30: at most 10, not 11",
        ),
        ({"follow_up_days": [-1]}, r"`follow_up_days\[0\]` must be a number of days, 0 or more, not -1"),
        ({"follow_up_days": [None]}, r"`follow_up_days\[0\]` must be a number of days, 0 or more, not None"),
        ({"event_observed": [True]}, r"`still_followed\[0\]` must be False after an event"),
        ({"event_observed": [1]}, r"`event_observed\[0\]` must be True or False, not 1"),
        ({"still_followed": []}, "`still_followed` must have 1 values, not 0"),
        ({"hazard_cuts": (5, 5)}, r"`hazard_cuts\[1\]` must be above 5 and finite, not 5.0"),
        ({"hazard_cuts": (0,)}, r"`hazard_cuts\[0\]` must be above 0 and finite, not 0.0"),
        ({"hazard_cuts": (math.inf,)}, r"`hazard_cuts\[0\]` must be above 0 and finite, not inf"),
        ({"conf_level": 1}, "`conf_level` must be between 0 and 1, not 1"),
        ({"n_draws": 999}, "`n_draws` must be 1000 or more, not 999"),
        ({"follow_up_limit_days": 0}, "`follow_up_limit_days` must be finite and above 0, not 0"),
    ],
)
def test_bad_input_is_refused(changes, message):
    fine = {
        "entered": [before(10)],
        "follow_up_days": [10],
        "event_observed": [False],
        "still_followed": [True],
        "cut": CUT,
        "n_events_needed": 1,
        "seed": 1,
    }
    with pytest.raises(ValueError, match=message):
        project_events(**(fine | changes))


@pytest.mark.parametrize(
    ("accrual", "message"),
    [
        ((0, 1), "`n_subjects` must be 1 or more, not 0"),
        ((1, 0), "`per_day` must be finite and above 0, not 0"),
    ],
)
def test_accrual_that_is_none_is_refused(accrual, message):
    with pytest.raises(ValueError, match=message):
        FutureAccrual(*accrual)
