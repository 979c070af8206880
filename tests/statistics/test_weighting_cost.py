"""What weighting will cost: closed forms where there are any, and weights of drawn subjects."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.statistics.weighting import compute_weights, effective_sample_size
from trialwright.statistics.weighting_cost import weighting_cost


def test_where_nobody_differs_weights_cost_nothing():
    for target in ("overlap", "everyone", "treated", "matchable"):
        cost = weighting_cost(share_treated=0.3, spread=0, target=target)
        found = (cost.inflation, cost.inflation_treated, cost.inflation_control, cost.c_statistic)
        assert found == pytest.approx((1, 1, 1, 0.5))


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.5])
def test_equal_groups_by_hand(spread):
    """With the logit normal about 0, E[1 / e] = 1 + E[exp(-s Z)] = 1 + exp(s^2 / 2).

    Weights 1 / e: n E[e] treated, sum of weights n, of their squares n E[1 / e]; so inflation is E[e] E[1 / e]. Weights for
    the treated: theirs are 1; of controls E[1 - e] E[e^2 / (1 - e)] / E[e]^2 with e^2 / (1 - e) = e / (1 - e) - e.
    """
    mean = math.exp(spread**2 / 2)
    everyone = weighting_cost(share_treated=0.5, spread=spread, target="everyone")
    assert everyone.inflation_treated == pytest.approx((1 + mean) / 2, rel=1e-9)
    assert everyone.inflation == pytest.approx((1 + mean) / 2, rel=1e-9)
    treated = weighting_cost(share_treated=0.5, spread=spread, target="treated")
    assert treated.inflation_treated == pytest.approx(1)
    assert treated.inflation_control == pytest.approx(0.5 * (mean - 0.5) / 0.25, rel=1e-9)
    assert treated.inflation == pytest.approx((1 + treated.inflation_control) / 2, rel=1e-9)


@pytest.mark.parametrize("target", ["overlap", "everyone", "treated", "matchable"])
def test_drawn_subjects_have_the_effective_number(target):
    """A million subjects by chance: their weights' effective numbers, and how well the score tells the groups apart."""
    rng = np.random.default_rng(1)
    n, middle, spread = 1_000_000, -0.9, 0.8
    logit = middle + spread * rng.standard_normal(n)
    score = 1 / (1 + np.exp(-logit))
    is_treated = rng.random(n) < score
    share = is_treated.mean()
    weights = compute_weights(score, is_treated, target=target)
    groups = [is_treated, ~is_treated]
    inflation = [group.sum() / effective_sample_size(weights[group]).effective for group in groups]
    cost = weighting_cost(share_treated=float(share), spread=spread, target=target)
    assert [cost.inflation_treated, cost.inflation_control] == pytest.approx(inflation, rel=0.01)
    assert cost.inflation == pytest.approx(inflation[0] * (1 - share) + inflation[1] * share, rel=0.01)
    treated, control = logit[is_treated][:200_000], logit[~is_treated][:200_000]
    assert cost.c_statistic == pytest.approx(
        (treated > control[: len(treated)] if len(control) >= len(treated) else treated[: len(control)] > control).mean(),
        abs=0.005,
    )  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(share=st.floats(0.05, 0.95), spread=st.floats(0.05, 2.5))
def test_laws(share, spread):
    overlap, everyone = (
        weighting_cost(share_treated=share, spread=spread, target=one) for one in ("overlap", "everyone")
    )
    assert (
        1 - 1e-9 <= overlap.inflation <= everyone.inflation * (1 + 1e-9)
    )  # overlap weights have the least variance (Li 2018)
    other = weighting_cost(share_treated=1 - share, spread=spread, target="overlap")
    assert (other.inflation_treated, other.c_statistic) == pytest.approx(
        (overlap.inflation_control, overlap.c_statistic)
    )
    more = weighting_cost(share_treated=share, spread=spread + 0.3, target="everyone")
    assert more.inflation > everyone.inflation
    assert more.c_statistic > everyone.c_statistic > 0.5


@pytest.mark.parametrize(
    ("share", "spread", "name"),
    [(0, 1, "share_treated"), (1, 1, "share_treated"), (0.5, -0.1, "spread"), (0.5, 3.1, "spread")],
)
def test_what_cannot_be_is_refused(share, spread, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        weighting_cost(share_treated=share, spread=spread)
