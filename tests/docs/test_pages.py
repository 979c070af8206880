"""Generated pages are what the program and its cases say today."""

import re

import pytest
from tests.docs.pages import DOCS, PAGES
from tests.docs.rules_page import anchor_of

from trialwright.evaluation.trying import try_rule
from trialwright.vocabulary.problems import ProblemsFound


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name):
    on_disk = (DOCS / name).read_text(encoding="utf-8")
    assert on_disk == PAGES[name](), f"docs/{name} is not what it is made from: run `make docs`"


def headings(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    return [anchor_of(title) for title in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_headings(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([a-z0-9_-]+\.md)?#([^)]+)\)", text)
    assert bool(links) == bool(re.search(r"(\.md|\]\()#", text))
    for page, anchor in links:
        assert headings(page or name).count(anchor) == 1, f"{page}#{anchor}"


def test_what_the_rules_page_says_cannot_be_tried(tmp_path):
    patient = tmp_path / "patient.yaml"
    patient.write_text("anchor: 2026-03-31\n", encoding="utf-8")
    for rule, code in (
        ("score(meld, 28 days) <= 15", "not-yet-executable"),
        ("value > 100 U/L", "wrong-context"),
    ):
        with pytest.raises(ProblemsFound, match=code):
            try_rule(rule, patient=patient)


def test_the_patient_of_the_rules_page_can_be_tried(tmp_path):
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    patient = tmp_path / "my-patient.yaml"
    patient.write_text(re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[1], encoding="utf-8")
    rule = re.search(r'^trialwright rule "(.+)" --patient my-patient.yaml$', page, flags=re.MULTILINE)[1]
    told = try_rule(rule, patient=patient).text
    assert told.startswith("unknown (censored across the threshold)")
