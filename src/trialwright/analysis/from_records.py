"""From the records of a trial to its results: derived as `derive` derives them, analysed as the protocol says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from trialwright.analysis.looks import (
    Disclosure,
    LookRequest,
    disclose,
    mark_results,
    number_look,
    without_withheld,
)
from trialwright.analysis.results import Results
from trialwright.analysis.run import protocol_provenance, run_analyses, software
from trialwright.analysis.sample import AnalysisData
from trialwright.derivations.adbase import baseline_frame
from trialwright.derivations.datasets import Datasets, derive_datasets
from trialwright.derivations.study import Study
from trialwright.derivations.writing import read_study
from trialwright.protocol.categories import levels_of
from trialwright.protocol.loading import LoadedProtocol, hash_protocol
from trialwright.protocol.model import Protocol
from trialwright.protocol.references import GROUPS, facts_named
from trialwright.records.files import Records
from trialwright.vocabulary.problems import Problem


@dataclass(frozen=True, slots=True)
class AnalysedTrial:
    """Everything a report of a trial is made of.

    Attributes
    ----------
    study : Study
        The records as they were at the cut.
    records : Records
        The records as they came.
    data : AnalysisData
        Its protocol asks for nothing that is withheld.
    results : Results
    problems : tuple of Problem
        What looked doubtful or was left out on the way.
    disclosure : Disclosure
        Which comparisons of the groups are shown.
    """

    study: Study
    records: Records
    data: AnalysisData
    results: Results
    problems: tuple[Problem, ...]
    disclosure: Disclosure = field(default_factory=Disclosure)


def analyse_records(
    loaded: LoadedProtocol,
    folder: Path,
    *,
    cut: date | None = None,
    look: LookRequest | None = None,
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
    look : LookRequest, optional
        Asks for comparisons of the groups before the final cut; it is numbered here and logged by whoever shows them.
    progress : callable
        Told what is being done.

    Raises
    ------
    ProblemsFound
        Where the records cannot be read or leave no way to derive a dataset; the problems of `number_look`.
    """
    records, study, data, problems = derive_records(loaded, folder, cut=cut, progress=progress)
    progress(f"analysing {data.adsl.height:,} subjects")
    disclosure = disclose_records(study, records, look=look)
    shown = without_withheld(data, disclosure)
    results = run_analyses(shown, provenance_of(study, records, folder), "records")
    results = mark_results(results, study.protocol, disclosure, "records")
    return AnalysedTrial(study, records, shown, results, problems, disclosure)


def derive_records(
    loaded: LoadedProtocol, folder: Path, *, cut: date | None, progress: Callable[[str], None]
) -> tuple[Records, Study, AnalysisData, tuple[Problem, ...]]:
    """The records of a folder, readied, derived and bound to the protocol's analyses, and what was doubtful on the way."""
    progress("reading the records")
    records, study = read_study(loaded, folder, cut=cut)
    made = derive_datasets(study, progress=lambda name: progress(f"deriving {name}"))
    return records, study, bind_datasets(study, made), (*records.warnings, *made.problems)


def disclose_records(study: Study, records: Records, *, look: LookRequest | None) -> Disclosure:
    """Which comparisons may be shown of these records, with the number of a look that is asked for.

    Only where there are persons and every one is virtual is there nothing to protect.
    """
    protocol = study.protocol
    persons = study.tables["DM"]["SIMULATED"]
    asked = None
    if look is not None:
        asked = number_look(
            look,
            study=protocol.study.id,
            cut=study.cut,
            protocol=hash_protocol(protocol),
            data={one.file: one.sha256 for one in records.datasets.values()},
        )
    is_virtual = len(persons) > 0 and bool((persons == "Y").fill_null(value=False).all())
    return disclose(protocol, cut=study.cut, is_simulated=is_virtual, look=asked)


def bind_datasets(study: Study, made: Datasets) -> AnalysisData:
    """The derived datasets as the protocol's analyses read them."""
    return bind_tables(study.protocol, made.tables, is_simulated=study.is_simulated)


def bind_tables(
    protocol: Protocol, tables: Mapping[str, pl.DataFrame], *, is_simulated: bool
) -> AnalysisData:
    """Derived tables by name, however they came, as the protocol's analyses read them."""
    facts = _with_all_facts(protocol, baseline_frame(tables["ADBASE"]))
    adsl = tables["ADSL"].with_columns(pl.col("GROUP").alias(GROUPS))
    adsl = adsl.join(facts.drop("SUBJECT", strict=False), on="USUBJID", how="left", maintain_order="left")
    return AnalysisData(protocol, adsl, tables["ADTTE"], tables, is_simulated)


def bind_each(
    protocol: Protocol, tables: Mapping[str, pl.DataFrame], key: str, *, is_simulated: bool
) -> dict[str, AnalysisData]:
    """Each trial of derived tables that hold several, by its `key`; bound together, which costs little more than one."""
    together = bind_tables(protocol, tables, is_simulated=is_simulated)
    people = parts_by(together.adsl, key)
    parts = {name: parts_by(table, key) for name, table in tables.items()}
    found = {}
    for trial, adsl in people.items():
        own = {name: of.get(trial, tables[name].clear()) for name, of in parts.items()}
        found[trial] = AnalysisData(protocol, adsl, own["ADTTE"], own, is_simulated)
    return found


def parts_by(table: pl.DataFrame, key: str) -> dict[str, pl.DataFrame]:
    """The rows of a table by trial, in order; those of a trial that lie together are not copied."""
    runs = table[key].rle().struct.unnest()
    if runs["value"].is_duplicated().any():
        parts = table.partition_by(key, as_dict=True, maintain_order=True)
        return {str(trial): part for (trial,), part in parts.items()}
    starts = runs["len"].cum_sum() - runs["len"]
    return {
        str(trial): table.slice(start, length)
        for trial, start, length in zip(runs["value"], starts, runs["len"], strict=True)
    }


def _with_all_facts(protocol: Protocol, facts: pl.DataFrame) -> pl.DataFrame:
    """The facts at the start, with an empty column for each that is named where there is nobody at all."""
    kinds = {name: pl.String if levels_of(protocol, name) else pl.Float64 for name in facts_named(protocol)}
    return facts.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in kinds.items() if name not in facts.columns
    )


def provenance_of(study: Study, records: Records, folder: Path) -> Mapping[str, Any]:
    """What results of these records rest on: hashes and versions."""
    return {
        "protocol": protocol_provenance(study.protocol),
        "data": {
            "folder": folder.name,
            "data cut": study.cut.isoformat() if study.cut else "none: all records",
            **{f"sha256 of {one.file}": one.sha256 for one in records.datasets.values()},
        },
        "software": software(),
    }
