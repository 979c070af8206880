"""How long to make a report, after import? Aims, all of it: 227 patients 3 s, 43 patients 3 s, 332 patients 5 s, 5,000 under 60 s.

    python benchmarks/bench_report.py [subjects]

With a number, one report of so many virtual subjects more. Seconds of CPU by phase, and by the clock; the reference is reading the data and
deriving the datasets, which any use of the data needs.
"""

import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from measure import cpu_and_clock_of_call, cpu_of_call, medians_in_turn, print_row
from trialwright.analysis.from_records import analyse_records, derive_records
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import Format, write_records
from trialwright.reports.blocks import Figure, walk
from trialwright.reports.charts import render_svg, stamped
from trialwright.reports.html import render_html
from trialwright.reports.pdf import render_pdf
from trialwright.reports.study_report import build_study_report
from trialwright.reports.trial_report import build_trial_report
from trialwright.reports.writing import analyse_study, dataset_files, write_study_report, write_trial_report


def quiet(_: str) -> None:
    pass


def of_cohort() -> None:
    loaded = load_protocol("hcc-resection")
    results = analyse_study(loaded)
    assert results["rfs_curve/positive/at/36/survival"].value is not None
    page = build_study_report(loaded.protocol, results)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            fresh = load_protocol("hcc-resection")
            write_study_report(fresh, Path(folder), data=None, mapping=None, progress=quiet)
            assert (Path(folder) / "report.pdf").stat().st_size > 50_000

    told = [cpu_and_clock_of_call(whole) for _ in range(6)][1:]
    phases = {
        "data to results table (reference)": lambda: analyse_study(loaded),
        "HTML": lambda: render_html(page),
        "PDF": lambda: render_pdf(page),
    }
    tell("227 patients of a table", phases, told, limit="aim: 3 s")


def of_records(name: str, subjects: int, *, repeats: int, limit: str) -> None:
    """One virtual trial from its records to the report."""
    loaded = load_protocol(name)
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data", Path(folder) / "out"
        data.mkdir()
        write_records(simulate(loaded, seed=1, subjects=subjects).tables, data, Format.PARQUET)

        def whole() -> None:
            write_trial_report(load_protocol(name), out, data=data, progress=quiet)

        # first, before anything else of the trial is held in memory
        told = [cpu_and_clock_of_call(whole) for _ in range(max(repeats + 1, 2))][1:]
        trial = analyse_records(loaded, data)
        page = build_trial_report(trial)
        pictures = [block.spec for block in walk(page.sections) if isinstance(block, Figure)]
        assert trial.data.adsl.height >= subjects
        phases = {
            "reading and deriving (reference)": lambda: derive_records(
                loaded, data, cut=None, progress=quiet
            ),
            "the same, and analysing": lambda: analyse_records(loaded, data),
            "tables, figures, checks of the data": lambda: build_trial_report(trial),
            f"{len(pictures)} pictures": lambda: [render_svg(stamped(spec, page.stamp)) for spec in pictures],
            "HTML, pictures in it": lambda: render_html(page),
            "PDF, pictures in it": lambda: render_pdf(page),
            "datasets as files": lambda: dataset_files(trial.data.tables, trial.study),
        }
        tell(f"{subjects:,} patients from records", phases, told, limit=limit)
        assert (out / "report.pdf").stat().st_size > 50_000


def tell(
    what: str, phases: Mapping[str, Callable[[], object]], whole: Sequence[tuple[float, float]], *, limit: str
) -> None:
    """All of it, by the clock too, for the PDF is set beside other files; then its phases in turn, against the first."""
    repeats = len(whole)
    runs = [partial(cpu_of_call, phase) for phase in phases.values()]
    found = medians_in_turn(*runs, repeats=repeats) if repeats > 1 else [one() for one in runs]
    print(what)
    for phase, seconds in zip(phases, found, strict=True):
        print_row(f"  {phase}", seconds, found[0])
    cpu, clock = (statistics.median(seconds) for seconds in zip(*whole, strict=True))
    print_row("  all, with reading the protocol", cpu, found[0], f"{clock:.2f} s by the clock, {limit}")
    print(f"  up to {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")


of_records("nct07120750", 332, repeats=5, limit="aim: 5 s")
of_records("nct04294498", 43, repeats=5, limit="aim: 3 s")
of_cohort()
if len(sys.argv) > 1:
    of_records("nct04294498", int(sys.argv[1]), repeats=1, limit="aim: 60 s for 5,000")
