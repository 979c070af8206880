"""The index of the pages names each page, and no other."""

import re
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs/medicine"


def test_every_page_is_in_the_index():
    linked = re.findall(
        r"^\| \[[^\]]+\]\(([^)]+)\)", (PAGES / "README.md").read_text("utf-8"), flags=re.MULTILINE
    )
    assert linked == sorted(page.name for page in PAGES.glob("*.md") if page.name != "README.md")
