"""The protocols that `trialwright new` gives: sound, and with nothing open but what they mark."""

from datetime import date
from math import comb, log

import pytest

from trialwright.checks.protocol_checks import check_protocol
from trialwright.protocol.drafting import TO_DO, count_open_decisions, draft_protocol
from trialwright.protocol.loading import load_protocol, parse_protocol
from trialwright.protocol.model import Protocol
from trialwright.vocabulary.problems import Severity

DAY = date(2026, 3, 1)
DESIGNS = ("single-arm", "two-groups")
designs = pytest.mark.parametrize("design", DESIGNS)


@pytest.fixture
def checked(tmp_path):
    def check(text):
        file = tmp_path / "draft.yaml"
        file.write_text(text, encoding="utf-8")
        return check_protocol(load_protocol(str(file)))

    return check


@designs
def test_check_finds_what_is_marked_and_nothing_else(design, checked):
    text = draft_protocol(design, day=DAY)
    marked = [i for i, line in enumerate(text.splitlines(), start=1) if line.endswith(TO_DO)]
    found = checked(text)
    assert [problem.place.line for problem in found] == marked
    assert {problem.code for problem in found} == {"to-do"}
    assert not [problem for problem in found if problem.severity is Severity.ERROR]
    assert len(marked) == count_open_decisions(text) >= 10


@designs
def test_without_the_marked_lines_nothing_is_found(design, checked):
    lines = draft_protocol(design, day=DAY).splitlines(keepends=True)
    assert checked("".join(line for line in lines if not line.rstrip().endswith(TO_DO))) == []


@designs
def test_every_section_of_the_language_is_there(design):
    protocol, document = parse_protocol(draft_protocol(design, day=DAY))
    sections = {field.alias for field in Protocol.model_fields.values()}
    assert sections - set(document.data) == ({"groups"} if design == "single-arm" else set())
    assert all(endpoint.estimand and endpoint.time_frame for endpoint in protocol.endpoints.values())
    assert {rule for one in protocol.treatments.values() for rule in one.until} >= {"toxicity"}


@designs
def test_comments_explain_every_part(design):
    """Right above or a few lines before every section of more than a line stands what it is for."""
    lines = draft_protocol(design, day=DAY).splitlines()
    sections = [i for i, line in enumerate(lines) if line[:1].isalpha() and line.endswith(":")]
    silent = [
        lines[i].rstrip(":")
        for i in sections
        if not any(line.startswith("#") for line in lines[max(0, i - 9) : i])
    ]
    assert silent == []
    assert max(map(len, lines)) <= 110


def test_id_title_and_day_are_put_in():
    title = 'Is it "safe": 100 % of cases, # of flares, 乙肝'
    protocol, _ = parse_protocol(draft_protocol("single-arm", day=DAY, study_id="HOPE 1", title=title))
    assert (protocol.study.id, protocol.study.title) == ("HOPE 1", title)
    assert protocol.version.date == DAY
    own, _ = parse_protocol(draft_protocol("single-arm", day=DAY))
    assert own.study.id == "MY-TRIAL"
    assert own.model_copy(update={"study": protocol.study}) == protocol


@pytest.mark.parametrize(
    ("study_id", "title", "says"),
    [
        pytest.param("1X", None, "the id must begin with a letter", id="digit first"),
        pytest.param("X" * 41, None, "the id must", id="too long"),
        pytest.param("", None, "the id must", id="no id"),
        pytest.param('X", type: "Y', None, "the id must", id="quotes out of its place"),
        pytest.param(None, " ", "the title must be text", id="blank title"),
        pytest.param(None, "two\nlines", "the title must be text in one line", id="two lines"),
        pytest.param(None, "a\x00b", "the title must", id="control character"),
        pytest.param(None, "a\x7fb", "the title must", id="delete"),
        pytest.param(None, "half \ud83d", "the title must", id="half a character"),
        pytest.param(None, "x" * 4001, "the title must", id="a page and more"),
    ],
)
def test_what_no_protocol_can_be_called_is_refused(study_id, title, says):
    with pytest.raises(ValueError, match=f"^{says}"):
        draft_protocol("two-groups", day=DAY, study_id=study_id, title=title)


# --- the numbers in their comments, worked out here ---------------------------------------------------------------------


def binomial(n, k, p):
    return comb(n, k) * p**k * (1 - p) ** (n - k)


def at_least(n, k, p):
    return sum(binomial(n, i, p) for i in range(k, n + 1))


def reached(p):
    """3 of the first 20, or 5 of all 40."""
    return sum(
        binomial(20, first, p) * (1 if first >= 3 else at_least(20, 5 - first, p)) for first in range(21)
    )


def test_numbers_of_the_single_arm():
    text = " ".join(draft_protocol("single-arm", day=DAY).replace("\n#", "").split())
    protocol, _ = parse_protocol(draft_protocol("single-arm", day=DAY))
    design = protocol.design
    assert (protocol.study.enrolment, design.reference_rate, design.rate) == (40, 0.1, 0.25)
    assert at_least(40, 8, 0.1) <= design.alpha < at_least(40, 7, 0.1)
    assert f"exactly {100 * at_least(40, 8, 0.1):.1f} %" in text
    assert f"power of {100 * at_least(40, 8, 0.25):.0f} %" in text
    assert at_least(40, 8, 0.25) >= design.power
    shares = [f"{100 * reached(p):.0f} %" for p in (0.03, 0.15, 0.2)]
    assert (
        f"Reached in {shares[0]} of trials if reactivation occurs in 3 % of patients, in {shares[1]} if in 15 %, "
        f"in {shares[2]} if in 20 %."
    ) in text


def test_numbers_of_the_two_groups():
    """Schoenfeld: events = 4 (1.95996 + 0.84162)² / ln(HR)²; control risk q makes the treated risk 1 - (1 - q)^HR."""
    text = " ".join(draft_protocol("two-groups", day=DAY).replace("\n#", "").split())
    protocol, _ = parse_protocol(draft_protocol("two-groups", day=DAY))
    events = 4 * (1.959964 + 0.841621) ** 2 / log(0.6) ** 2
    assert 120 < events <= protocol.design.events == 121
    risk = (0.5 + 1 - 0.5**0.6) / 2
    needed = events / risk / 0.9
    assert needed <= protocol.study.enrolment < needed + 2
    assert protocol.study.enrolment == sum(group.size for group in protocol.groups.values())
    shares = [f"{100 * at_least(40, 4, p):.0f} %" for p in (0.03, 0.1, 0.2)]
    assert (
        f"Reached in {shares[0]} of trials if a severe flare occurs in 3 % of patients, in {shares[1]} if in 10 %, "
        f"in {shares[2]} if in 20 %."
    ) in text
