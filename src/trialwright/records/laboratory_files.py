"""The laboratory files of a study as one table LB: months of exports, several laboratories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from trialwright.records.dataset import Dataset, Findings
from trialwright.records.files import Format, write_dataset
from trialwright.records.laboratory import read_laboratory, read_laboratory_mapping
from trialwright.vocabulary.documents import refusal
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

_OURS = ("LBSEQ", "LBSPID")
"""Where a record stands, and nothing about its result."""


@dataclass(frozen=True, slots=True, eq=False)
class LaboratoryFiles:
    """What laboratories' files hold.

    Attributes
    ----------
    dataset : Dataset
        LB, in the order of files and lines, with the warnings of all files. `LBSEQ` counts the records of a subject.
    n_repeats : int
        Records that a file has and an earlier one had, alike in everything: they stand there once.
    """

    dataset: Dataset
    n_repeats: int

    @property
    def summary(self) -> str:
        """How many results there are, of how many subjects, and what of them counts, as a table of tests."""
        table = self.dataset.table
        whose = table["USUBJID"].n_unique()
        lines = [
            f"{len(table):,} result{'' if len(table) == 1 else 's'} of {whose:,} subject{'' if whose == 1 else 's'}"
        ]
        if self.n_repeats:
            stand = (
                "stands in an earlier file too, and counts"
                if self.n_repeats == 1
                else "stand in an earlier file too, and count"
            )
            lines.append(f"{self.n_repeats:,} more {stand} once")
        tests = table.group_by("LBTESTCD", "LBTEST").agg(
            pl.len().alias("results"),
            pl.col("LBSTRESC").is_not_null().sum().alias("converted"),
            pl.col("USUBJID").n_unique().alias("subjects"),
        )
        columns = [("test", "results", "no value", "subjects")]
        columns += [
            (f"{code}  {label}", f"{results:,}", f"{results - converted:,}", f"{subjects:,}")
            for code, label, results, converted, subjects in tests.sort("LBTESTCD", "LBTEST").iter_rows()
        ]
        widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
        for test, *numbers in columns if len(columns) > 1 else ():
            right = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
            lines.append("  ".join([f"  {test.ljust(widths[0])}", *right]))
        return "\n".join(lines)


def read_laboratory_files(mappings: Sequence[Path], files: Sequence[Path] = ()) -> LaboratoryFiles:
    """Read laboratories' files through their mappings.

    Parameters
    ----------
    mappings : sequence of Path
        Of each laboratory one; its file lies beside it under the name it gives.
    files : sequence of Path
        Files to read through the one mapping, in place of the one it names: exports of several months, which may overlap.

    Raises
    ------
    ValueError
        If there are `files` and not exactly one mapping.
    ProblemsFound
        With the problems of all mappings and files; `other-study`, if mappings name several studies.
    """
    if files and len(mappings) != 1:
        raise ValueError("files are read through one mapping")
    read: list[Dataset] = []
    problems: list[Problem] = []
    for path in mappings:
        try:
            mapping, _ = read_laboratory_mapping(path)
        except ProblemsFound as found:
            problems += found.problems
            continue
        for file in files or [path.parent / mapping.file]:
            try:
                read.append(read_laboratory(file, mapping))
            except ProblemsFound as found:
                problems += found.problems
        if read and mapping.study != read[0].study:
            message = f"the study is `{mapping.study}`, and `{read[0].study}` before; expected one study"
            problems.append(Problem("other-study", message, Place(path.name), "study"))
    if problems:
        raise ProblemsFound(problems)
    first, *_ = read
    table = pl.concat([_counted(one.table) for one in read])
    alike = [name for name in table.columns if name not in _OURS]
    known = table.unique(alike, keep="first", maintain_order=True)
    joined = known.drop(_AGAIN).with_columns(
        LBSEQ=pl.int_range(1, pl.len() + 1).over("USUBJID").cast(table.schema["LBSEQ"])
    )
    dataset = replace(
        first,
        table=joined,
        file=", ".join(one.file for one in read),
        sha256=first.sha256 if len(read) == 1 else "",
        warnings=tuple(problem for one in read for problem in (*one.warnings, *_without_lines(one))),
    )
    return LaboratoryFiles(dataset, len(table) - len(known))


def write_laboratory(dataset: Dataset, folder: Path, form: Format) -> Path:
    """Write LB among the datasets of a study; one of the same format is replaced.

    Raises
    ------
    ProblemsFound
        `duplicate-dataset`, if the folder has an LB of another format, which could no longer be read beside this one;
        `unwritable-file`.
    """
    path = folder / f"{dataset.name.lower()}.{form}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [
            one for one in folder.iterdir() if one.stem.upper() == dataset.name and one.name != path.name
        ]
    except OSError as error:
        raise refusal("unwritable-file", f"cannot be made: {error.strerror}", Place(str(folder))) from error
    if other := next((one for one in others if one.suffix.lower()[1:] in set(Format)), None):
        message = f"the folder has `{other.name}` already; expected one file for each dataset"
        fix = "move it away, or write the same format"
        raise refusal("duplicate-dataset", message, Place(str(folder)), fix=fix)
    write_dataset(dataset, path)
    return path


_AGAIN = "so many like it before in this file"


def _counted(table: pl.DataFrame) -> pl.DataFrame:
    """With how many records like it stand before in the file: two of one file are two results."""
    alike = [name for name in table.columns if name not in _OURS]
    return table.with_columns(pl.int_range(pl.len()).over(alike).alias(_AGAIN))


def _without_lines(dataset: Dataset) -> Iterator[Problem]:
    """A file without results: it may be the export of an empty month, or one that was cut off."""
    if dataset.table.is_empty():
        found = Findings(dataset.file, "")
        found.warn("no-results", "no line of the file is a result of a test that the mapping has")
        yield from found.problems
