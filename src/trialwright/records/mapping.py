"""Column mappings: which column of a hospital's file holds which fact. A file of its own, one for each source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from trialwright.vocabulary.documents import Document, read_document
from trialwright.vocabulary.elements import Element, Level, Many, Name, Words, validate_document
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound

MAPPING_FORMAT = "trialwright-mapping/1"

Code = Annotated[str, Field(max_length=200)]
"""A coded value as the file spells it: text, so that 010 is not 10."""

Codes = Annotated[Many[Code], Field(min_length=1)]


class FactColumn(Element):
    """The column of one fact."""

    column: Words
    unit: Words | None = None
    """For a number: the unit of the column."""
    values: dict[Code, Level] = {}
    """For a category: each code of the file and the level it stands for."""


class TimeColumns(Element):
    """The two columns of an endpoint whose times come ready for analysis."""

    time: Words
    unit: Literal["days", "weeks", "months", "years"]
    status: Words
    event: Codes
    """Codes of the status column that mean the event was observed."""
    censored: Codes
    """Codes of the status column that mean it was not, up to that time."""


class Mapping(Element):
    """One column mapping."""

    format: Literal["trialwright-mapping/1"]
    study: Words
    """The id of the study in the protocol."""
    file: Words
    """The data file, beside the mapping, unless the command names another."""
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    missing: Many[Code] = ("",)
    """What the file writes where it has no value."""
    subject: Words
    """The column that identifies subjects."""
    facts: dict[Name, FactColumn] = {}
    endpoints: dict[Name, TimeColumns] = {}


def read_mapping(path: Path) -> tuple[Mapping, Document]:
    """Read a column mapping with the places of everything in it.

    Raises
    ------
    ProblemsFound
        With every problem of the file.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ProblemsFound(
            [Problem("unreadable-file", f"cannot be read: {error.strerror}", Place(str(path)))]
        ) from error
    document = read_document(text, path.name)
    return validate_document(document, Mapping), document
