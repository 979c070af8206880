"""From a protocol and a data file to a report on disk: the whole way, each step in its own room."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.analysis.from_records import analyse_records
from trialwright.analysis.looks import LOG, LookRequest, holds_datasets, log_look, tell_disclosure
from trialwright.analysis.results import Results
from trialwright.analysis.run import beyond_cohorts, protocol_provenance, run_analyses, software
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.cohort import check_mapping, derive_adsl, derive_adtte
from trialwright.derivations.study import Study
from trialwright.derivations.writing import dataset_bytes
from trialwright.protocol.loading import LoadedProtocol
from trialwright.records.csv import Cohort, read_csv_cohort
from trialwright.records.mapping import Mapping as ColumnMapping
from trialwright.records.mapping import read_mapping
from trialwright.records.table_threads import on_table_threads
from trialwright.reports.blocks import Page
from trialwright.reports.charts import draw_stills
from trialwright.reports.design_page import with_design
from trialwright.reports.html import render_html
from trialwright.reports.origins import collect_origins
from trialwright.reports.pdf import render_pdf
from trialwright.reports.rtf import render_rtf
from trialwright.reports.study_report import build_study_report
from trialwright.reports.trial_report import build_trial_report
from trialwright.vocabulary.documents import canonical_hash, dotted
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity

FILES = ("report.html", "report.pdf", "results.json", "results.parquet")
"""What a report folder holds."""
TABLES = "tables.rtf"
"""The tables of the report for word processors, where somebody asks for them."""
DATASETS = "datasets"
"""The folder in it with the analysis datasets, where the report is made from records."""

WORK = ".blocks"
"""The folder in that of a page with finished blocks of virtual trials, until all are."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """What was written, and what a reader must be told beside it."""

    files: tuple[Path, ...]
    results: Results
    warnings: tuple[Problem, ...]

    @property
    def is_complete(self) -> bool:
        """Whether everything the protocol asks for could be estimated."""
        return all(finding.code != "not-estimable" for finding in self.results.findings)


def write_study_report(
    loaded: LoadedProtocol,
    out: Path,
    *,
    data: Path | None,
    mapping: Path | None,
    rtf: bool = False,
    progress: Progress,
) -> WrittenReport:
    """Analyse the data as the protocol says and write report and results to the folder `out`.

    Parameters
    ----------
    loaded : the protocol; its folder may hold `mapping.yaml` and the data
    out : folder, made if need be; nothing is written there before everything is ready
    data, mapping : files; None for those that come with the protocol
    rtf : whether the tables are written as RTF too
    progress : told what is being done

    Raises
    ------
    ProblemsFound
        If the protocol cannot be run yet, or mapping or data have problems.
    """
    refuse_unwritable(out, (*FILES, TABLES) if rtf else FILES)
    results = analyse_study(loaded, data=data, mapping=mapping, progress=progress)
    progress("rendering the report")
    page = build_study_report(loaded.protocol, results)
    contents = render_files(page, loaded, results) | _tables(page, rtf=rtf)
    told = (*_warnings(loaded, results), *_left_over(out, contents))
    return WrittenReport(write_together(out, contents), results, told)


def write_trial_report(
    loaded: LoadedProtocol,
    out: Path,
    *,
    data: Path,
    cut: date | None = None,
    look: str | None = None,
    rtf: bool = False,
    progress: Progress,
) -> WrittenReport:
    """Derive and analyse the records of a trial and write report, results and analysis datasets to the folder `out`.

    While comparisons of the groups are withheld no datasets are written (`holds_datasets`).

    Parameters
    ----------
    loaded : the protocol
    out : folder, made if need be; nothing is written there before everything is ready
    data : folder with the datasets of SDTM
    cut : what happened after this day does not exist
    look : why groups are compared for efficacy before the final cut; None where nobody asks for it. A look is logged
        beside `out` before anything is written.
    rtf : whether the tables are written as RTF too
    progress : told what is being done

    Raises
    ------
    ProblemsFound
        If the records cannot be read or leave no way to derive a dataset, or the look cannot be logged.
    """
    refuse_unwritable(out, (*FILES, TABLES) if rtf else FILES)
    asked = look_request(out, look)
    trial = with_design(analyse_records(loaded, data, cut=cut, look=asked, progress=progress))
    progress("rendering the report")
    page = build_trial_report(trial)

    def others() -> dict[str, bytes]:
        is_whole = holds_datasets(loaded.protocol, is_by_group=not trial.disclosure.withheld)
        return _tables(page, rtf=rtf) | (dataset_files(trial.data.tables, trial.study) if is_whole else {})

    contents = render_files(page, loaded, trial.results, others=others)
    if asked and trial.disclosure.look:
        log_look(asked.log, trial.disclosure.look)
    told = (*tell_disclosure(trial.disclosure, asked), *_left_over(out, contents))
    written = write_together(out, contents)
    return WrittenReport(written, trial.results, (*trial.problems, *_warnings(loaded, trial.results), *told))


def look_request(out: Path, reason: str | None) -> LookRequest | None:
    """A look that somebody asks for, with its log: `looks.jsonl` beside the folder `out`."""
    return None if reason is None else LookRequest(reason, Path(os.path.abspath(out)).parent / LOG)  # noqa: PTH100 -- `..` and no links followed


def render_files(
    page: Page,
    loaded: LoadedProtocol,
    results: Results,
    names: Sequence[str] = FILES,
    *,
    others: Callable[[], Mapping[str, bytes]] = dict,
) -> dict[str, bytes]:
    """Page and results as HTML, PDF, JSON and Parquet, by the names of the files, with the other files of the report.

    The PDF takes longest and is set beside all else, by a thread that leaves Python alone meanwhile.
    """
    stills = draw_stills(page)
    with ThreadPoolExecutor(max_workers=1) as beside:
        pdf = beside.submit(render_pdf, page, stills)
        html = render_html(page, collect_origins(page, loaded, results), stills)
        table = BytesIO()
        results.to_frame().write_parquet(table)
        rest = others()
        made = (html.encode(), pdf.result(), results.to_json().encode(), table.getvalue())
    return {**dict(zip(names, made, strict=True)), **rest}


@on_table_threads
def dataset_files(tables: Mapping[str, pl.DataFrame], study: Study) -> dict[str, bytes]:
    """The analysis datasets, by the names of their files."""
    made = dataset_bytes(tables, study)
    return {f"{DATASETS}/{name.lower()}.parquet": content for name, content in made}


def _tables(page: Page, *, rtf: bool) -> dict[str, bytes]:
    return {TABLES: render_rtf(page).encode("ascii")} if rtf else {}


def _left_over(out: Path, contents: dict[str, bytes]) -> list[Problem]:
    """Warnings of what an earlier report left in the folder and this one does not replace."""
    found: list[tuple[str, str, str]] = []
    if TABLES not in contents and _is_file(out / TABLES):
        found.append((TABLES, "its numbers may be others", "write it anew with --rtf, or delete it"))
    if not any(name.startswith(f"{DATASETS}/") for name in contents) and is_folder(out / DATASETS):
        found.append((DATASETS, "it tells who is in which group", "delete it"))
    where = f"in `{_shortened(out)}` is of an earlier report"
    return [
        Problem("left-over-file", f"`{name}` {where}; {why}", fix=fix, severity=Severity.WARNING)
        for name, why, fix in found
    ]


def refuse_unwritable(out: Path, names: Sequence[str] = FILES) -> None:
    """Refuse a folder that cannot take the files, before any work is done."""
    reason = ""
    try:
        if out.exists() and not out.is_dir():
            reason = "it is a file, not a folder"
        for name in names:
            if (out / name).is_dir():
                reason = f"`{name}` in it is a folder"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise ProblemsFound([Problem("unwritable-folder", f"cannot write to `{_shortened(out)}`: {reason}")])


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 -- answers for a name longer than names may be, too


def is_folder(path: Path) -> bool:
    """Whether there is a folder of this name."""
    return os.path.isdir(path)  # noqa: PTH112 -- as above


def _shortened(path: Path) -> str:
    return str(path) if len(str(path)) <= 120 else f"{str(path)[:117]}..."


def analyse_study(
    loaded: LoadedProtocol,
    *,
    data: Path | None = None,
    mapping: Path | None = None,
    progress: Progress = lambda _: None,
) -> Results:
    """From the data file to the results table; arguments and errors as in `write_study_report`."""
    _refuse_unrunnable(loaded, data)
    progress("reading the data")
    columns, cohort = _read_data(loaded, data, mapping)
    progress(f"analysing {cohort.subjects.height:,} subjects")
    protocol = loaded.protocol
    datasets = AnalysisData(protocol, derive_adsl(cohort, protocol), derive_adtte(cohort, protocol))
    return run_analyses(datasets, _provenance(loaded, cohort, columns), cohort.file)


def _refuse_unrunnable(loaded: LoadedProtocol, data: Path | None) -> None:
    if data is not None and not os.path.exists(data):  # noqa: PTH110 -- as above
        message = "cannot be read: there is no such file or folder"
        raise ProblemsFound([Problem("unreadable-file", message, Place(_shortened(data)))])
    reasons = beyond_cohorts(loaded.protocol)
    if reasons or not loaded.protocol.analyses:
        raise ProblemsFound(
            [
                Problem(
                    "not-yet-executable",
                    f"this analysis cannot be run on a table of one row a subject: {reason}",
                    loaded.document.place_of(("analyses", id_), key=True),
                    dotted(("analyses", id_)),
                    "give the folder of the trial's records: `--data DIR`",
                )
                for id_, reason in reasons.items()
            ]
            or [Problem("no-analyses", "the protocol has no analyses to report", Place(loaded.document.file))]
        )


def _read_data(
    loaded: LoadedProtocol, data: Path | None, mapping: Path | None
) -> tuple[ColumnMapping, Cohort]:
    mapping_path = mapping or loaded.folder / "mapping.yaml"
    if not _is_file(mapping_path):
        raise ProblemsFound(
            [
                Problem(
                    "no-mapping",
                    f"there is no column mapping at `{_shortened(mapping_path)}`",
                    fix="name one with --mapping",
                )
            ]
        )
    columns, document = read_mapping(mapping_path)
    problems = check_mapping(columns, document, loaded.protocol)
    if problems:
        raise ProblemsFound(problems)
    return columns, read_csv_cohort(data or mapping_path.parent / columns.file, columns)


def _provenance(loaded: LoadedProtocol, cohort: Cohort, mapping: ColumnMapping) -> dict[str, Any]:
    return {
        "protocol": protocol_provenance(loaded.protocol),
        "data": {
            "file": cohort.file,
            "sha256 of the file": cohort.sha256,
            "sha256 of the mapping": canonical_hash(mapping.model_dump(mode="json")),
        },
        "software": software(),
    }


def _warnings(loaded: LoadedProtocol, results: Results) -> list[Problem]:
    """The findings as messages with the line of the protocol they are about."""
    return [
        Problem(
            finding.code,
            finding.plain(results),
            loaded.document.place_of(("analyses", finding.analysis), key=True),
            dotted(("analyses", finding.analysis)),
            severity=Severity.WARNING,
        )
        for finding in results.findings
    ]


def write_after_blocks(out: Path, contents: dict[str, bytes]) -> tuple[Path, ...]:
    """`write_together`; then the blocks of virtual trials that the files rest on are done with, and go."""
    files = write_together(out, contents)
    shutil.rmtree(out / WORK, ignore_errors=True)
    return files


def write_together(out: Path, contents: dict[str, bytes]) -> tuple[Path, ...]:
    """Write all files beside, then move them in: a reader never meets half a report."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".partial-") as folder:
            for name, content in contents.items():
                (Path(folder) / name).parent.mkdir(exist_ok=True)
                (Path(folder) / name).write_bytes(content)
            for name in contents:
                (out / name).parent.mkdir(exist_ok=True)
                (Path(folder) / name).replace(out / name)
    except OSError as error:
        raise ProblemsFound(
            [Problem("unwritable-folder", f"cannot write to `{_shortened(out)}`: {error.strerror}")]
        ) from error
    return tuple(out / name for name in contents)
