"""The diagram of the flow of participants: how words fill its boxes on the narrowest screen."""

import pytest

from trialwright.reports.canvas import SMALL
from trialwright.reports.figures import NARROWEST, text_width, wrap_label
from trialwright.reports.flow_figure import _WIDE, _WIDEST

BESIDE = NARROWEST / 2 - 12
"""Pixels of a box of which two stand side by side: half the chart, less 10 in the middle and 2 at the edge."""


@pytest.mark.parametrize(
    ("words", "room", "box", "lines"),
    [
        pytest.param("Not in the population below: 76", _WIDE, BESIDE, ["Not in the population", "below: 76"], id="beside another"),
        pytest.param("Nucleos(t)ide analogue alone", _WIDE, BESIDE, ["Nucleos(t)ide analogue", "alone"], id="the name of a group"),
        pytest.param("Analysed for HBV reactivation during durvalumab: 43", _WIDEST, NARROWEST - 4, ["Analysed for HBV reactivation during durvalumab: 43"], id="alone"),
    ],
)  # fmt: skip
def test_words_fill_their_box_and_stay_within(words, room, box, lines):
    found = wrap_label(words, room)
    assert found == lines
    assert all(9 + text_width(line) * SMALL / 12 <= box for line in found)
