"""How long to make the report of 227 patients, after import? Aim: under 3 s of CPU for all of it."""

import tempfile
from pathlib import Path

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.protocol.loading import load_protocol
from trialwright.reports.html import render_html
from trialwright.reports.pdf import render_pdf
from trialwright.reports.study_report import build_study_report
from trialwright.reports.writing import analyse_study, write_study_report

loaded = load_protocol("hcc-resection")
results = analyse_study(loaded)
assert results["rfs_curve/positive/at/36/survival"].value is not None
page = build_study_report(loaded.protocol, results)


def whole() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_study_report(
            load_protocol("hcc-resection"), Path(folder), data=None, mapping=None, progress=lambda _: None
        )
        assert (Path(folder) / "report.pdf").stat().st_size > 50_000


analysed, html, pdf, everything = medians_in_turn(
    lambda: cpu_of_call(lambda: analyse_study(loaded)),
    lambda: cpu_of_call(lambda: render_html(page)),
    lambda: cpu_of_call(lambda: render_pdf(page)),
    lambda: cpu_of_call(whole),
    repeats=5,
)
print_row("data to results table", analysed, everything)
print_row("HTML", html, everything)
print_row("PDF", pdf, everything)
print_row("the whole report (reference)", everything, limit="aim: 3 s")
