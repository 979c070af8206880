"""The results table refuses what no reader could trust."""

import math
from typing import Any

import pytest

from trialwright.analysis.results import Result, Results


def make(**changes: Any) -> Result:
    row: dict[str, Any] = {
        "analysis": "a",
        "endpoint": None,
        "group": None,
        "item": None,
        "time": 28.0,
        "statistic": "rate",
        "value": 0.1,
        "unit": "",
        "note": "",
        "method": "",
        "conventions": "",
        "n": None,
        "source": "",
    }
    return Result(**row | changes)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", ["value", "time"])
def test_a_number_that_is_none_is_refused(column: str, number: float) -> None:
    with pytest.raises(ValueError, match="must be a finite number at a finite time"):
        Results((make(statistic="x", **{column: number}),), (), {})


def test_a_missing_number_needs_its_reason() -> None:
    with pytest.raises(ValueError, match="`a/28/rate` is missing without a reason"):
        Results((make(value=None),), (), {})
    assert Results((make(value=None, note="nobody at risk"),), (), {})["a/28/rate"].value is None


def test_one_id_is_one_number() -> None:
    with pytest.raises(ValueError, match="two results are called `a/28/rate`"):
        Results((make(), make(value=0.2)), (), {})
