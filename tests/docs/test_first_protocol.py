"""The page "Write your first protocol", followed from top to bottom."""

import re
from math import comb

import pytest
from tests.docs.first_protocol_page import FILE, PAGE, _changed, follow

from trialwright.checks.protocol_checks import check_protocol
from trialwright.protocol.loading import load_protocol
from trialwright.vocabulary.problems import Severity


@pytest.fixture(scope="module")
def followed():
    return follow(PAGE.read_text(encoding="utf-8"))


def test_the_reader_ends_with_a_checked_trial(followed, tmp_path):
    file = tmp_path / FILE
    file.write_text(followed[1], encoding="utf-8")
    loaded = load_protocol(str(file))
    left = check_protocol(loaded)
    assert [(problem.code, problem.severity) for problem in left] == [("not-stated", Severity.INFO)]
    assert loaded.protocol.study.not_stated.keys() == {"sponsor"}
    assert loaded.protocol.endpoints.keys() == {"flare", "adverse_events"}


def test_every_block_of_the_page_is_run(followed):
    page = PAGE.read_text(encoding="utf-8")
    kinds = re.findall(r"^```(\w+)$", page, flags=re.MULTILINE)
    assert set(kinds) == {"yaml", "diff", "console"}
    assert kinds[0] == "yaml"
    assert page.count("```") == 2 * len(kinds)
    for text in re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL):
        assert text.splitlines()[0] in followed[1]


def test_each_mistake_of_the_page_is_found_and_cured(followed):
    answers = followed[0].split("```console")
    for code, at in (
        ("no-primary-endpoint", 1),
        ("unit-missing", 2),
        ("window-not-stated", 3),
        ("death-not-handled", 5),
        ("n-cannot-exclude-reference", 7),
    ):
        assert f"[{code}]" in answers[at].split("```")[0], code
        assert f"[{code}]" not in answers[8].split("```")[0], code


def test_the_numbers_of_the_page():
    """Exact binomial, by hand: at most 6 of 60 under the rate to be excluded and under the one expected."""

    def at_most(k, p):
        return sum(comb(60, i) * p**i * (1 - p) ** (60 - i) for i in range(k + 1))

    assert at_most(6, 0.2) == pytest.approx(0.031, abs=5e-4)
    assert at_most(7, 0.2) > 0.05
    assert at_most(6, 0.07) == pytest.approx(7 / 8, abs=5e-4)
    page = PAGE.read_text(encoding="utf-8")
    assert "6 flares or fewer among 60 reject 20 % (exact binomial, one-sided 3.1 %)" in page
    assert "with a true rate of 7 % that happens in 7 of 8 trials" in page


def test_a_change_that_does_not_fit_stops_the_page():
    assert _changed("a: 1\nb: 2\n", " a: 1\n-b: 2\n+b: 3\n") == "a: 1\nb: 3\n"
    for protocol in ("a: 1\n", "b: 2\nb: 2\n"):
        with pytest.raises(ValueError, match="must have these lines once"):
            _changed(protocol, "-b: 2\n+b: 3\n")
