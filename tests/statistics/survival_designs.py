"""Designs of survival trials that several tests look at, in months."""

from trialwright.statistics.hazards import Accrual, Hazards
from trialwright.statistics.survival_design import SurvivalDesign


def make(**changes):
    """Two years of accrual and one more of follow-up."""
    given_or_usual = {
        "control": Hazards.constant(0.03),
        "hazard_ratio": 0.6,
        "accrual": Accrual.uniform(24),
        "follow_up": None,
        "end": 36,
        **changes,
    }
    return SurvivalDesign(**given_or_usual)


# A treatment that works late, a slow start of accrual, drop-out: the example of lrstat's function of that name.
DELAYED = make(
    control=Hazards.constant(0.0533),
    hazard_ratio=((0, 1.0), (6, 0.0309 / 0.0533)),
    accrual=Accrual((1, 2, 3, 4, 5, 6, 7, 8, 22), (1, 2, 3, 4, 5, 6, 7, 8, 9)),
    end=40,
    dropout=Hazards.from_risk(0.05, 12),
)
STEPPED = make(
    control=Hazards((6, 12), (0.06, 0.03, 0.01)),
    hazard_ratio=((0, 1.2), (3, 0.7), (12, 0.5)),
    accrual=Accrual((4, 9, 20), (1, 3, 5)),
    end=30,
    share_treated=2 / 3,
    dropout=Hazards((2,), (0.02, 0.004)),
    dropout_treated=Hazards.constant(0.01),
)
