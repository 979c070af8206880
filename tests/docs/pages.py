"""The pages of docs/ that are made from the program and its cases: `make docs` writes them anew.

A page is a function that gives its text. `test_pages.py` fails where a file is not what its function gives.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tests.docs.first_protocol_page import render_first_protocol_page
from tests.docs.gallery import render_gallery_page
from tests.docs.reference_page import render_reference_page
from tests.docs.rules_page import render_rules_page
from tests.docs.trial_pages import render_trial_page
from tests.docs.virtual_trials_page import render_virtual_trials_page
from tests.protocol.traceability import TRIALS

from trialwright.checks.data.pages import write_data_checks_page
from trialwright.checks.pages import write_checks_page

DOCS = Path(__file__).parents[2] / "docs"

PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "checks.md": write_checks_page,
        "data-checks.md": write_data_checks_page,
        "first-protocol.md": render_first_protocol_page,
        "gallery.md": render_gallery_page,
        "protocol-reference.md": render_reference_page,
        "rules.md": render_rules_page,
        "virtual-trials.md": render_virtual_trials_page,
        **{f"trials/{trial}.md": partial(render_trial_page, trial) for trial in TRIALS},
    }
)
"""What gives the text of each generated page."""


def write_pages() -> None:
    for name, render in PAGES.items():
        (DOCS / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
