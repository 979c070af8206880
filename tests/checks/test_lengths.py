import pytest

from trialwright.checks.lengths import in_months, least_days, most_days
from trialwright.vocabulary.durations import Duration


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        pytest.param("12 weeks", 84, 84, id="weeks are exact"),
        pytest.param("1 month", 28, 31, id="February and the long months"),
        pytest.param("6 months", 181, 184, id="from September or from March"),
        pytest.param("1 year", 365, 366, id="a leap day or none"),
        pytest.param("3 years", 1095, 1096, id="at most one leap day"),
        pytest.param("4 years", 1461, 1461, id="always one leap day"),
        pytest.param("36 hours", 1, 2, id="hours touch two days"),
    ],
)
def test_days_of_a_length_of_time(text, least, most):
    duration = Duration.parse(text)
    assert (least_days(duration), most_days(duration)) == (least, most)


def test_days_as_months():
    assert in_months(644) == "21.2 months"
