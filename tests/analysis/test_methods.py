"""What the language can ask for is what is run."""

from typing import get_args

from trialwright.analysis.run import _METHODS
from trialwright.protocol.analyses import Analysis


def test_every_method_of_the_language_is_run():
    union, _ = get_args(Analysis)
    assert set(_METHODS) == set(get_args(union))
