import json

from trialwright.checks.telling import Outcome, render_outcome, summarise
from trialwright.vocabulary.problems import Place, Problem, Severity

ERROR = Problem("a-code", "one: 50 % of, two", Place("a,b.yaml", 2, 8), "study.type", "say so")
WARNING = Problem("other-code", "told", None, severity=Severity.WARNING)
LINES = ["study:", "  type: observational"]


def test_text_shows_the_line_with_a_mark_below_its_column():
    outcome = Outcome("p.yaml", [ERROR], 3, lines=LINES)
    assert render_outcome(outcome, "text").splitlines() == [
        "a,b.yaml:2:8: error[a-code]: one: 50 % of, two",
        "   |",
        " 2 |   type: observational",
        "   |        ^",
        "  at `study.type`",
        "  fix: say so",
        "",
        "p.yaml: 1 error; 3 checks",
    ]


def test_a_line_that_is_too_long_is_cut_around_its_column():
    problem = Problem("a-code", "m", Place("p.yaml", 1, 500))
    lines = ["x" * 499 + "HERE" + "x" * 500]
    shown, mark = render_outcome(Outcome("p.yaml", [problem], 1, lines=lines), "text").splitlines()[2:4]
    assert len(shown) <= 115
    assert shown[mark.index("^")] == "H"


def test_no_line_is_shown_that_is_not_there_or_cannot_be_printed():
    for lines in ([], ["\x1b[31m type: x"]):
        problem = Problem("a-code", "m", Place("p.yaml", 1, 3))
        assert "|" not in render_outcome(Outcome("p.yaml", [problem], 1, lines=lines), "text")


def test_of_many_alike_five_are_shown_and_the_rest_counted():
    told = render_outcome(Outcome("p.yaml", [WARNING] * 7 + [ERROR], 3), "text")
    assert told.count("warning[other-code]") == 5
    assert "and 2 more [other-code]" in told
    assert "error[a-code]" in told
    assert told.endswith("p.yaml: 1 error, 7 warnings; 3 checks")


def test_json_leaves_nothing_out():
    data = json.loads(render_outcome(Outcome("p.yaml", [ERROR] + [WARNING] * 7, 3, 1), "json"))
    assert {key: value for key, value in data.items() if key != "problems"} == {
        "file": "p.yaml", "checked": True, "n_checks": 3, "n_ignored": 1, "n_errors": 1, "n_warnings": 7, "n_infos": 0,
    }  # fmt: skip
    assert len(data["problems"]) == 8
    assert data["problems"][0] == {
        "code": "a-code", "severity": "error", "file": "a,b.yaml", "line": 2, "column": 8, "field": "study.type",
        "message": "one: 50 % of, two", "fix": "say so",
    }  # fmt: skip
    assert data["problems"][1]["line"] is None


def test_annotations_escape_what_would_end_them():
    first, second, summary = render_outcome(Outcome("p.yaml", [ERROR, WARNING], 3), "github").splitlines()
    assert first == (
        "::error file=a%2Cb.yaml,line=2,col=8,title=a-code::one: 50 %25 of, two%0Aat `study.type`%0Asay so"
    )
    assert second == "::warning title=other-code::told"
    assert summary == "::notice::p.yaml: 1 error, 1 warning; 3 checks"


def test_checks_that_were_not_asked_never_look_like_checks_that_found_nothing():
    assert summarise(Outcome("p.yaml", [ERROR], None)).endswith("wait until the document can be read")
    assert summarise(Outcome("p.yaml", [], 70, 2)) == "p.yaml: nothing found, 2 ignored; 70 checks"
    assert json.loads(render_outcome(Outcome("p.yaml", [ERROR], None), "json"))["checked"] is False
