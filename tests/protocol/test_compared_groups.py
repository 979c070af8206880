"""Which group is the treated one, whatever is written first."""

from itertools import permutations

import pytest
from tests.derivations.lives import shipped

from trialwright.protocol.compared_groups import treated_group


@pytest.mark.parametrize(
    ("groups", "treated"),
    [
        ({"na": ("a",), "both": ("a", "p")}, "both"),
        ({"combination": ("x", "y"), "standard": ("z",)}, "combination"),
        ({"none": (), "one": ("x",), "two": ("x", "y")}, "two"),
        ({"one": ("x",), "other": ("y",)}, None),
        ({"one": ("x",), "other": ("x",)}, None),
    ],
)
def test_the_group_with_most_of_its_own_is_the_treated_one(groups, treated):
    protocol = shipped("nct07120750").protocol
    one = protocol.groups["na"]
    for names in permutations(groups):
        written = {name: one.model_copy(update={"treatments": groups[name]}) for name in names}
        assert treated_group(protocol.model_copy(update={"groups": written})) == treated
