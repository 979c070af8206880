"""The same page gives the same bytes, in this process and in another."""

import hashlib
import os
import subprocess
import sys

from trialwright.reports.html import render_html
from trialwright.reports.pdf import render_pdf

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import sample_page
from trialwright.reports.html import render_html
from trialwright.reports.pdf import render_pdf
import hashlib
page = sample_page.__wrapped__()
print(hashlib.sha256(render_html(page).encode()).hexdigest(), hashlib.sha256(render_pdf(page)).hexdigest())
"""


def test_the_same_page_gives_the_same_bytes(sample_page, request):
    here = [
        hashlib.sha256(document).hexdigest()
        for document in (render_html(sample_page).encode(), render_pdf(sample_page))
    ]
    assert [
        hashlib.sha256(document).hexdigest()
        for document in (render_html(sample_page).encode(), render_pdf(sample_page))
    ] == here
    for seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(request.path.parent)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Shanghai"},
            capture_output=True,
            check=True,
            text=True,
        )
        assert there.stdout.split() == here
