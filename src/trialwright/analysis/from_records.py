"""From the records of a trial to its results: derived as `derive` derives them, analysed as the protocol says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.analysis.results import Results
from trialwright.analysis.run import run_analyses, software
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adbase import baseline_frame
from trialwright.derivations.datasets import Datasets, derive_datasets
from trialwright.derivations.study import Study
from trialwright.derivations.writing import is_simulated, read_study
from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS
from trialwright.records.files import Records
from trialwright.vocabulary.problems import Problem


@dataclass(frozen=True, slots=True)
class AnalysedTrial:
    """Everything a report of a trial is made of.

    Attributes
    ----------
    study : Study
        The records as they were at the cut.
    data : AnalysisData
    results : Results
    problems : tuple of Problem
        What looked doubtful or was left out on the way.
    """

    study: Study
    data: AnalysisData
    results: Results
    problems: tuple[Problem, ...]


def analyse_records(
    loaded: LoadedProtocol,
    folder: Path,
    *,
    cut: date | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> AnalysedTrial:
    """Derive and analyse the records of a folder.

    Parameters
    ----------
    loaded : LoadedProtocol
    folder : Path
        Folder with the datasets of SDTM.
    cut : date, optional
        What happened after this day does not exist.
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        Where the records cannot be read or leave no way to derive a dataset.
    """
    progress("reading the records")
    records, study = read_study(loaded, folder, cut=cut)
    made = derive_datasets(study, progress=lambda name: progress(f"deriving {name}"))
    data = bind_datasets(study, made)
    progress(f"analysing {data.adsl.height:,} subjects")
    results = run_analyses(data, _provenance(study, records, folder), "records")
    return AnalysedTrial(study, data, results, (*records.warnings, *made.problems))


def bind_datasets(study: Study, made: Datasets) -> AnalysisData:
    """The derived datasets as the protocol's analyses read them."""
    return bind_tables(study.protocol, made.tables, is_simulated=is_simulated(study))


def bind_tables(
    protocol: Protocol, tables: Mapping[str, pl.DataFrame], *, is_simulated: bool
) -> AnalysisData:
    """Derived tables by name, however they came, as the protocol's analyses read them."""
    facts = baseline_frame(tables["ADBASE"])
    adsl = tables["ADSL"].with_columns(pl.col("GROUP").alias(GROUPS))
    adsl = adsl.join(facts.drop("SUBJECT", strict=False), on="USUBJID", how="left", maintain_order="left")
    return AnalysisData(protocol, adsl, tables["ADTTE"], tables, is_simulated)


def _provenance(study: Study, records: Records, folder: Path) -> Mapping[str, Any]:
    protocol = study.protocol
    return {
        "protocol": {
            "id": protocol.study.id,
            "version": protocol.version.number if protocol.version else "none",
            "sha256 of the protocol": hash_protocol(protocol),
        },
        "data": {
            "folder": folder.name,
            "data cut": study.cut.isoformat() if study.cut else "none: all records",
            **{f"sha256 of {one.file}": one.sha256 for one in records.datasets.values()},
        },
        "software": software(),
    }
