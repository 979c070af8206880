"""A hospital's laboratory file, one line a result, read through a mapping of its own into the table LB.

What the file says stays as it says it: result, unit and limits of normal as reported. Beside it stand the
comparator and the number of the result, and, where unit and test are known beyond doubt, the number and the limits in
the unit of the catalogue. What is doubtful has no converted number and is told with its line and column.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field, StringConstraints

from trialwright.records.csv_tables import TextTable, read_text_table
from trialwright.records.dataset import Dataset, Findings, read_bytes
from trialwright.records.mapping import Code
from trialwright.records.results import Reported, Scale, number_text, read_reported, scale_of
from trialwright.records.sdtm import as_sdtm, domains
from trialwright.vocabulary.concepts import Concept, Kind, catalogue
from trialwright.vocabulary.documents import Document, dotted, read_document
from trialwright.vocabulary.elements import Element, Level, Many, Name, Words, describe, validate_document
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.problems import Problem, ProblemsFound, Severity, nearest

LABORATORY_FORMAT = "trialwright-laboratory/1"

TestCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
Positive = Annotated[float, Field(gt=0)]


class LaboratoryColumns(Element):
    """The columns of the file, by name."""

    subject: Words
    test: Words
    result: Words
    collected: Words
    """When the sample was taken."""
    unit: Words | None = None
    lower_limit: Words | None = None
    """Lower limit of normal, in the unit of the result."""
    upper_limit: Words | None = None
    """Upper limit of normal, in the unit of the result."""
    range: Words | None = None
    """Both limits in one cell: `0-40`, `3.5~5.1`, `<40`."""
    assay: Words | None = None
    """Name of the assay as the catalogue has it, or as `assays` explains."""
    sample: Words | None = None
    laboratory: Words | None = None
    visit: Words | None = None


class LaboratoryTest(Element):
    """What one test of the file is."""

    concept: Name
    """Its entry in the catalogue of concepts."""
    code: TestCode | None = None
    """Its SDTM test code, where the catalogue has none."""
    unit: Words | None = None
    """The unit of its results where the file gives none."""
    assay: Name | None = None
    """The assay that measures it, where the file does not say."""
    specimen: Words | None = None
    lower_limit_of_quantification: Positive | None = None
    """In the unit of the catalogue."""
    upper_limit_of_quantification: Positive | None = None
    """In the unit of the catalogue."""
    values: dict[Code, Level] = {}
    """For a category: each text of the file and the level it stands for."""
    words: Many[Code] = ()
    """Texts that stand in the place of a number and are known (`TND`); they are kept as reported."""


class LaboratoryMapping(Element):
    """What the columns and words of a laboratory's file mean."""

    format: Literal["trialwright-laboratory/1"]
    study: Words
    """The id of the study in the protocol."""
    file: Words
    """The data file, beside the mapping, unless the command names another."""
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    encoding: Literal["utf-8", "utf-16", "gb18030", "big5", "windows-1252"] = "utf-8"
    missing: Many[Code] = ("",)
    """What the file writes where it has no value."""
    dates: Literal["year month day", "day month year", "month day year"] = "year month day"
    """The order of dates; a time may follow."""
    columns: LaboratoryColumns
    subjects: dict[Code, Code] = {}
    """For each subject of the file its USUBJID; without it they are the same."""
    units: dict[Code, Words] = {}
    """Units that this laboratory spells its own way; `none` where a text means that there is no unit."""
    assays: dict[Code, Name] = {}
    """Assays that this laboratory calls by another name."""
    tests: Annotated[dict[Code, LaboratoryTest], Field(min_length=1)]
    ignore: Many[Code] = ()
    """Tests of the file that the trial does not use."""


def read_laboratory_mapping(path: Path) -> tuple[LaboratoryMapping, Document]:
    """Read a mapping with the places of everything in it.

    Raises
    ------
    ProblemsFound
        With every problem of the file: also `unknown-concept`, `not-a-laboratory-test`, `code-needed` and
        `unfit-values`.
    """
    document = read_document(read_bytes(path), path.name)
    mapping = validate_document(document, LaboratoryMapping)
    problems = list(_check_mapping(mapping, document))
    if problems:
        raise ProblemsFound(problems)
    return mapping, document


def _check_mapping(mapping: LaboratoryMapping, document: Document) -> Iterator[Problem]:
    for name, test in mapping.tests.items():
        concept = catalogue().get(test.concept)
        path = ("tests", name, "concept")
        if concept is None:
            meant = nearest(test.concept, catalogue())
            yield Problem(
                "unknown-concept",
                f"the catalogue has no `{test.concept}`",
                document.place_of(path),
                dotted(path),
                f"did you mean `{meant}`?" if meant else "",
            )
            continue
        if concept.dataset != "LB" or concept.kind not in (Kind.NUMBER, Kind.CATEGORY):
            yield Problem(
                "not-a-laboratory-test",
                f"{concept.label} is not measured by a laboratory",
                document.place_of(path),
                dotted(path),
            )
        elif concept.test is None and test.code is None:
            yield Problem(
                "code-needed",
                f"the catalogue has no SDTM test code for {concept.label}",
                document.place_of(path),
                dotted(path),
                "write it as `code`",
            )
        if (concept.kind is Kind.NUMBER and test.values) or not set(test.values.values()) <= set(
            concept.levels
        ):
            path = ("tests", name, "values")
            levels = f"has the levels {', '.join(concept.levels)}" if concept.levels else "is a number"
            yield Problem("unfit-values", f"{concept.label} {levels}", document.place_of(path), dotted(path))


def read_laboratory(path: Path, mapping: LaboratoryMapping) -> Dataset:
    """Read a laboratory's file into the table LB, in the order of its lines.

    Every line of a test that is not ignored becomes a record; `LBSPID` tells file and line, `LBSEQ` counts the records
    of a subject.

    Parameters
    ----------
    path : Path
    mapping : LaboratoryMapping

    Returns
    -------
    dataset : Dataset
        With a warning for each doubtful result, unit, limit or date: `unreadable-result`, `unit-missing`,
        `unit-unexpected`, `unknown-unit`, `unit-mismatch`, `assay-needed`, `implausible-result`, `unreadable-limit`,
        `limits-reversed`, `missing-date`. A doubtful result has no converted number.

    Raises
    ------
    ProblemsFound
        If the file cannot be read, or it is not clear whose result it is, of which test or when: `missing-column`,
        `missing-subject`, `unknown-subject`, `unknown-test`, `unreadable-date` and the problems of delimited text.
    """
    sheet = read_text_table(
        read_bytes(path), path.name, separator=mapping.separator, encoding=mapping.encoding
    )
    reader = _Reader(sheet, mapping)
    reader.check_columns()
    reader.found.raise_errors()
    records = list(reader.records())
    reader.tell()
    reader.found.raise_errors()
    schema = {name: dtype for name, dtype in domains()["LB"].schema.items() if name in _WRITTEN}
    dataset = Dataset(
        name="LB",
        table=pl.DataFrame(records, schema=schema, orient="row"),
        study=mapping.study,
        file=path.name,
        sha256=sheet.sha256,
        warnings=reader.found.warnings,
    )
    return as_sdtm(dataset)


_WRITTEN = (
    "STUDYID", "DOMAIN", "USUBJID", "LBSEQ", "LBREFID", "LBSPID", "LBTESTCD", "LBTEST", "LBORRES", "LBORCMP",
    "LBORRESN", "LBORRESU", "LBORNRLO", "LBORNRHI", "LBSTRESC", "LBSTRESN", "LBSTRESU", "LBSTNRLO", "LBSTNRHI",
    "LBNAM", "LBSPEC", "LBMETHOD", "LBLLOQ", "LBULOQ", "VISIT", "LBDTC",
)  # fmt: skip


_MOST_DISTINCT = 20


@dataclass(slots=True)
class _Reader:
    """Records from the cells of a file; what is doubtful is noted by row and told at the end, alike ones together."""

    sheet: TextTable
    mapping: LaboratoryMapping
    found: Findings = field(init=False)
    doubts: dict[tuple[str, str, str, str, Severity], list[int]] = field(default_factory=dict)
    distinct: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.found = Findings(self.sheet.file, "", self.sheet.locate)

    def check_columns(self) -> None:
        known = self.sheet.cells.columns
        wanted = [name for name in self.mapping.columns.model_dump().values() if name is not None]
        for name in dict.fromkeys(wanted):
            if name not in known:
                meant = nearest(name, known)
                fix = f"did the file mean `{meant}`?" if meant else ""
                self.found.report(
                    "missing-column",
                    f"column `{name}`, which the mapping needs, is not in the file",
                    column=name,
                    fix=fix,
                )

    def report(self, code: str, message: str, row: int, column: str | None, fix: str = "") -> None:
        """Note what keeps the file from being used."""
        self.note(code, message, row, column, fix, Severity.ERROR)

    def warn(self, code: str, message: str, row: int, column: str | None, fix: str = "") -> None:
        """Note what is doubtful about one record."""
        self.note(code, message, row, column, fix, Severity.WARNING)

    def note(
        self, code: str, message: str, row: int, column: str | None, fix: str, severity: Severity
    ) -> None:
        """Beyond so many different messages of one kind the rest count as one."""
        key = (code, message, column or "", fix, severity)
        if key not in self.doubts:
            self.distinct[code] += 1
            if self.distinct[code] > _MOST_DISTINCT:
                key = (
                    code,
                    "this cell is in doubt in the same way as others above",
                    column or "",
                    fix,
                    severity,
                )
        self.doubts.setdefault(key, []).append(row)

    def tell(self) -> None:
        """Add what was noted to the findings, in the order of the file."""
        for (code, message, column, fix, severity), rows in sorted(
            self.doubts.items(), key=lambda noted: noted[1][0]
        ):
            self.found.report(code, message, rows=rows, column=column, fix=fix, severity=severity)

    def records(self) -> Iterator[tuple[Any, ...]]:
        sequence: dict[str, Iterator[int]] = {}
        columns = self.mapping.columns
        cells = {key: self.column(getattr(columns, key)) for key in LaboratoryColumns.model_fields}
        for row, test_name in enumerate(cells["test"]):
            if test_name is None:
                self.report("unknown-test", "this row names no test", row, columns.test)
                continue
            if test_name in self.mapping.ignore:
                continue
            test = self.mapping.tests.get(test_name)
            if test is None:
                self.report(
                    "unknown-test",
                    f"the mapping does not say what {describe(test_name)} is",
                    row,
                    columns.test,
                    "name it under `tests`, or under `ignore`",
                )
                continue
            subject = self.subject(cells["subject"][row], row)
            collected = self.date(cells["collected"][row], row)
            if subject is None:
                continue
            concept = catalogue()[test.concept]
            assay = self.assay(cells["assay"][row], test)
            unit = self.unit(cells["unit"][row], test)
            low, high = self.limits(cells, row)
            made = self.result(cells["result"][row], unit, (low, high), concept, test, assay, row)
            yield (
                self.mapping.study,
                "LB",
                subject,
                next(sequence.setdefault(subject, count(1))),
                cells["sample"][row],
                f"{self.sheet.file}:{self.sheet.lines[row]}",
                test.code or concept.test,
                concept.label,
                cells["result"][row],
                made.comparator or None,
                made.number,
                cells["unit"][row] if cells["unit"][row] is not None else test.unit,
                low,
                high,
                made.text,
                made.value,
                made.unit,
                made.low,
                made.high,
                cells["laboratory"][row],
                test.specimen,
                assay,
                test.lower_limit_of_quantification,
                test.upper_limit_of_quantification,
                cells["visit"][row],
                collected,
            )

    def column(self, name: str | None) -> Sequence[str | None]:
        """The cells of a column without blanks around them, None where the file has no value."""
        if name is None:
            return [None] * self.sheet.cells.height
        texts = self.sheet.cells[name].str.strip_chars().fill_null("")
        return [None if text == "" or text in self.mapping.missing else text for text in texts.to_list()]

    def subject(self, cell: str | None, row: int) -> str | None:
        column = self.mapping.columns.subject
        if cell is None:
            self.report("missing-subject", "this row names no subject", row, column)
            return None
        if self.mapping.subjects and cell not in self.mapping.subjects:
            self.report("unknown-subject", "the mapping does not name this subject", row, column)
        return self.mapping.subjects.get(cell, cell)

    def date(self, cell: str | None, row: int) -> str | None:
        """A date in ISO 8601, as far as it is given."""
        if cell is None:
            self.warn(
                "missing-date",
                "it is not said when the sample was taken",
                row,
                self.mapping.columns.collected,
            )
            return None
        written = iso_date(cell, self.mapping.dates)
        try:
            return PartialDate.parse(written).text
        except ValueError:
            self.report(
                "unreadable-date",
                f"expected a date as {self.mapping.dates}, found {describe(cell)}",
                row,
                self.mapping.columns.collected,
                "say the order of dates as `dates`",
            )
            return None

    def assay(self, cell: str | None, test: LaboratoryTest) -> str | None:
        return test.assay if cell is None else self.mapping.assays.get(cell, cell)

    def unit(self, cell: str | None, test: LaboratoryTest) -> str | None:
        written = test.unit if cell is None else cell
        meant = None if written is None else self.mapping.units.get(written, written)
        return None if meant == "none" else meant

    def limits(self, cells: Mapping[str, Sequence[str | None]], row: int) -> tuple[str | None, str | None]:
        """The limits of normal as reported."""
        both = cells["range"][row]
        if both is None:
            return cells["lower_limit"][row], cells["upper_limit"][row]
        found = _RANGE[self.mapping.decimal].fullmatch(both)
        if found is None:
            self.warn(
                "unreadable-limit",
                f"expected limits such as `0-40` or `<40`, found {describe(both)}",
                row,
                self.mapping.columns.range,
            )
            return None, None
        return found["low"] or found["above"], found["high"] or found["below"]

    def result(
        self,
        cell: str | None,
        unit: str | None,
        limits: tuple[str | None, str | None],
        concept: Concept,
        test: LaboratoryTest,
        assay: str | None,
        row: int,
    ) -> _Result:
        columns = self.mapping.columns
        if concept.kind is Kind.CATEGORY:
            return self.level(cell, concept, test, row)
        reported = None if cell is None else read_reported(cell, decimal=self.mapping.decimal)
        if cell is not None and reported is None and cell not in test.words:
            self.warn(
                "unreadable-result",
                f"expected a number for {concept.label}, found {describe(cell)}",
                row,
                columns.result,
                "if it is a known text, name it under `words` of the test",
            )
        scale = scale_of(unit, concept.name, assay)
        if scale.problem and (reported is not None or any(limits)):
            self.warn(scale.problem, scale.why, row, columns.unit or columns.result, scale.fix)
        low, high = self.converted_limits(limits, scale, concept, row)
        made = _Result(
            comparator=reported.comparator if reported else "",
            number=float(reported.number) if reported else None,
            unit=None if concept.unit is None or scale.factor is None else str(concept.unit),
            low=low,
            high=high,
        )
        if reported is None:
            made.text = cell if cell in test.words else None
            return made
        value = scale.apply(reported.number)
        if value is None:
            if scale.factor is not None:  # a unit that cannot be used was told of
                self.warn(
                    "implausible-result",
                    f"{describe(cell)} {unit or ''} of {concept.label} is no amount: as a logarithm it is more than all there is",
                    row,
                    columns.result,
                )
            return made
        if not _is_plausible(value, reported, concept):
            self.warn(
                "implausible-result",
                f"{number_text(value)}{f' {concept.unit}' if concept.unit else ''} of {concept.label}"
                " is more likely a wrong unit than a living person's",
                row,
                columns.result,
            )
            return made
        made.text = f"{reported.comparator}{number_text(value)}"
        made.value = value if not reported.comparator else None
        return made

    def level(self, cell: str | None, concept: Concept, test: LaboratoryTest, row: int) -> _Result:
        if cell is None:
            return _Result()
        level = test.values.get(cell)
        if level is None:
            level = {known.casefold(): known for known in concept.levels}.get(cell.casefold())
        if level is None and cell not in test.words:
            self.warn(
                "unreadable-result",
                f"expected one of {', '.join(concept.levels)} for {concept.label}, found {describe(cell)}",
                row,
                self.mapping.columns.result,
                "say under `values` of the test what it means",
            )
        return _Result(text=level)

    def converted_limits(
        self, limits: tuple[str | None, str | None], scale: Scale, concept: Concept, row: int
    ) -> tuple[float | None, float | None]:
        columns = self.mapping.columns
        low, high = (
            self.limit(cell, scale, row, column or columns.range)
            for cell, column in zip(limits, (columns.lower_limit, columns.upper_limit), strict=True)
        )
        if low is not None and high is not None and low > high:
            self.warn(
                "limits-reversed",
                f"the lower limit of {concept.label} lies above the upper",
                row,
                columns.lower_limit or columns.range,
            )
            return None, None
        return low, high

    def limit(self, cell: str | None, scale: Scale, row: int, column: str | None) -> float | None:
        if cell is None:
            return None
        reported = read_reported(cell, decimal=self.mapping.decimal)
        if reported is None or reported.comparator:
            self.warn("unreadable-limit", f"expected a number, found {describe(cell)}", row, column)
            return None
        return scale.apply(reported.number)


@dataclass(slots=True)
class _Result:
    """What a result says: comparator and number as reported; text, number and limits in the catalogue's unit."""

    comparator: str = ""
    number: float | None = None
    text: str | None = None
    value: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None


def _is_plausible(value: float, reported: Reported, concept: Concept) -> bool:
    """Whether a living person may have such a result: below a limit that lies above 0, above one that is not too high,
    or a number within the plausible limits."""
    low, high = concept.limits
    if high is not None and value > high:
        return False
    if low is None or reported.comparator.startswith(">"):
        return True
    return value > 0 if reported.comparator else value >= low


_RANGE = {
    mark: re.compile(
        rf"(?P<low>{number})\s*(?:-|~|–|—|～|\bto\b|\.\.)\s*(?P<high>{number})"
        rf"|(?:<|≤|<=|＜)\s*(?P<below>{number})|(?:>|≥|>=|＞)\s*(?P<above>{number})"
    )
    for mark in ".,"
    for number in [rf"[0-9]+(?:{re.escape(mark)}[0-9]*)?"]
}


# --- dates ------------------------------------------------------------------------------------------------------------

_TIME = r"(?:[T\s]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?P<second>:[0-9]{2})?(?:\.0+)?)?"
_PART = {"year": r"(?P<year>[0-9]{4})", "month": r"(?P<month>[0-9]{1,2})", "day": r"(?P<day>[0-9]{1,2})"}
_COMPACT = re.compile(rf"(?P<year>[0-9]{{4}})(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}){_TIME}", re.ASCII)


def _date_patterns(order: str) -> list[re.Pattern[str]]:
    """A whole date, then one without its day, then a year alone, each with one mark between all parts."""
    parts = order.split()
    patterns = []
    for names, time in ((parts, _TIME), ([one for one in parts if one != "day"], ""), (["year"], "")):
        marks = [r"(?P<mark>[-/.])", *[r"(?P=mark)"] * 2]
        text = _PART[names[0]] + "".join(marks[i] + _PART[name] for i, name in enumerate(names[1:]))
        patterns.append(re.compile(text + time, re.ASCII))
    return patterns


_DATES = {order: _date_patterns(order) for order in ("year month day", "day month year", "month day year")}


def iso_date(text: str, order: str) -> str:
    """A date as a hospital writes it, in ISO 8601 as far as it is given; texts of another form as they are.

    >>> iso_date("5.3.2026 8:05", "day month year"), iso_date("03/2026", "day month year")
    ('2026-03-05T08:05', '2026-03')
    """
    for pattern in (*_DATES[order], *([_COMPACT] if order == "year month day" else [])):
        found = pattern.fullmatch(text.strip())
        if found:
            parts = found.groupdict()
            day = "-".join(parts[name].zfill(2) for name in ("year", "month", "day") if parts.get(name))
            if not parts.get("hour"):
                return day
            return f"{day}T{parts['hour'].zfill(2)}:{parts['minute']}{parts['second'] or ''}"
    return text
