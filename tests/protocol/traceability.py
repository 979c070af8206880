"""The traceability tables: each statement of a registry record, the elements that hold it, what executes it."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from trialwright.protocol.loading import LoadedProtocol
from trialwright.protocol.references import walk_stated
from trialwright.protocol.stated import Stated
from trialwright.vocabulary.documents import read_document

SHIPPED = Path(__file__).parents[2] / "src" / "trialwright" / "protocol" / "shipped"
TRIALS = ("nct04294498", "nct07120750")
NOTHING_TO_EXECUTE, NOT_YET = "words", "not yet"


class Statement(NamedTuple):
    """A row: where the record says it, what, where the protocol has it, and the function that executes it."""

    at: str
    says: str
    elements: tuple[str, ...]
    executed_by: str


def read_statements(trial: str) -> list[Statement]:
    """The table of a shipped trial, in the order of its record."""
    path = SHIPPED / trial / "traceability.yaml"
    table: Any = read_document(path.read_bytes(), path.name).data
    assert set(table) == {"record", "statements"}
    assert table["record"] == trial.upper()
    return [
        Statement(row["at"], row["says"], tuple(row["elements"]), row["executed by"])
        for row in table["statements"]
    ]


def element_at(loaded: LoadedProtocol, dotted: str) -> tuple[Any, Stated]:
    """What stands at a path of the file, and the nearest element around it that says where it comes from.

    Raises
    ------
    KeyError
        If nothing is written there.
    """
    stated = {path: element for path, element, _ in walk_stated(loaded.protocol)}
    path: tuple[str, ...] = tuple(dotted.split("."))
    node: Any = loaded.document.data
    for part in path:
        node = node[part]
    around = next(path[:end] for end in range(len(path), 0, -1) if path[:end] in stated)
    return node, stated[around]


def function_named(name: str) -> Any:
    """`evaluation.patient.judge_patient`, imported."""
    module, _, function = name.rpartition(".")
    return getattr(import_module(f"trialwright.{module}"), function)
