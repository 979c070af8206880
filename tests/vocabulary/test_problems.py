"""Problems as their readers meet them: where, how grave, which code, what, and what to do."""

import pytest

from trialwright.vocabulary.problems import (
    Place,
    Problem,
    ProblemsFound,
    Severity,
    format_problems,
    nearest,
)

PLACE = Place("protocol.yaml", 41, 10)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        pytest.param(Place("a.yaml"), "a.yaml", id="a whole file"),
        pytest.param(Place("a.csv", 3), "a.csv:3", id="a line"),
        pytest.param(Place("a.yaml", 3, 7), "a.yaml:3:7", id="line and column"),
    ],
)
def test_place_reads_as_editors_and_terminals_expect(place, text):
    assert str(place) == text


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        pytest.param(
            Problem("interval-probability", "`alpha` must lie between 0 and 1, not 1.5", PLACE, "design.alpha",
                    "write 2.5 % one-sided as 0.025"),
            "protocol.yaml:41:10: error[interval-probability]: `alpha` must lie between 0 and 1, not 1.5\n"
            "  at `design.alpha`\n"
            "  fix: write 2.5 % one-sided as 0.025",
            id="everything known",
        ),
        pytest.param(
            Problem("no-such-protocol", "`x` is not a protocol"),
            "error[no-such-protocol]: `x` is not a protocol",
            id="neither place nor field nor fix",
        ),
        pytest.param(
            Problem("small-group", "only 18 subjects", PLACE, severity=Severity.WARNING),
            "protocol.yaml:41:10: warning[small-group]: only 18 subjects",
            id="a warning",
        ),
    ],
)  # fmt: skip
def test_problem_as_text(problem, text):
    assert str(problem) == text


def alike(code, n):
    return [Problem(code, f"{code} {i}") for i in range(n)]


@pytest.mark.parametrize(
    ("problems", "lines"),
    [
        pytest.param([], [], id="none"),
        pytest.param(alike("a", 5), [f"error[a]: a {i}" for i in range(5)], id="five alike are all shown"),
        pytest.param(
            alike("a", 42),
            [*(f"error[a]: a {i}" for i in range(5)), "and 37 more [a]"],
            id="of many alike five and how many more",
        ),
        pytest.param(
            [*alike("a", 6), *alike("b", 1)],
            [*(f"error[a]: a {i}" for i in range(5)), "error[b]: b 0", "and 1 more [a]"],
            id="each code is counted by itself",
        ),
        pytest.param(
            [*alike("b", 1), *alike("a", 1), *alike("b", 2)],
            ["error[b]: b 0", "error[a]: a 0", "error[b]: b 0", "error[b]: b 1"],
            id="the order is that of the problems",
        ),
    ],
)
def test_many_problems_as_text(problems, lines):
    assert format_problems(problems) == "\n".join(lines)


def test_problems_found_keeps_every_problem_and_tells_them():
    problems = alike("a", 7)
    found = ProblemsFound(iter(problems))
    assert found.problems == tuple(problems)
    assert str(found) == format_problems(problems)


@pytest.mark.parametrize(
    ("word", "known", "guess"),
    [
        pytest.param("titel", ["title", "source"], "title", id="two letters swapped"),
        pytest.param("Title", ["title", "source"], "title", id="written large"),
        pytest.param("alder", ["title", "source"], None, id="no guess rather than a misleading one"),
        pytest.param("", ["title"], None, id="no word"),
        pytest.param("title", [], None, id="nothing known"),
        pytest.param("titles", ["title", "tiles"], "title", id="the closest of several"),
        pytest.param("hbsag", ["HBsAg", "Age"], "HBsAg", id="known written with capitals"),
        pytest.param("HBSAG", ["HBsAg", "Age"], "HBsAg", id="both written with capitals"),
    ],
)
def test_nearest_known_word(word, known, guess):
    assert nearest(word, iter(known)) == guess
