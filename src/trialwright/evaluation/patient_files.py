"""One patient jotted down in YAML, to try rules on.

    born: 1961-04-02
    anchor: 2026-03-31               # where rules are judged

    records:
      sex: male
      hbv_dna: { 2026-03-20: 3400 IU/mL, 2026-01-10: "<10 IU/mL" }
      creatinine: { 2026-03-18: 110 umol/L (ULN 104) }
      alt: { 2026-03-20: [45 U/L, 47 U/L] }          # two results of one day
      inr: { 2026-03-20: }                           # taken, no result
      bclc_stage: { 2026-02: "0" }                   # some day of February
      liver_resection: 2025-11-03
      durvalumab: [2026-01-05, 2026-02-02]
      fit_for_surgery: { 2026-03-30: yes by investigator }

Values stand as the laboratory reported them. A number without its unit, or a text that is no number, is no mistake of
the file: it gets the verdict it deserves. A date is as precise as it is known; what has none is written without one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from trialwright.evaluation.observations import ANY_DAY, Observation, Subject
from trialwright.protocol import model
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.scopes import catalogue_facts, make_facts
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.documents import MAX_BYTES, Document, dotted, read_document, refusal
from trialwright.vocabulary.documents import Path as At
from trialwright.vocabulary.elements import Element, Name, Words, describe, validate_document
from trialwright.vocabulary.intervals import Interval
from trialwright.vocabulary.partial_dates import PartialDate
from trialwright.vocabulary.problems import Place, Problem, ProblemsFound, Severity, nearest
from trialwright.vocabulary.units import MAX_UNIT_LENGTH, UnknownUnit, find_unit

_HOW_TO_DATE = "write it as far as it is known: 2026-03-05, 2026-03, 2026, 2026-03-05T14:30"


def _read_date(value: object) -> PartialDate:
    """A year alone is a whole number to YAML."""
    try:
        return PartialDate.parse(str(value) if type(value) is int else value)  # type: ignore[arg-type]
    except ValueError as error:
        raise PydanticCustomError(
            "unreadable_date", "{why}", {"why": str(error), "fix": _HOW_TO_DATE}
        ) from None


def _read_period(value: object) -> tuple[PartialDate, PartialDate]:
    first, to, last = str(value).partition(" to ")
    if not to:
        raise PydanticCustomError(
            "unreadable_date",
            "a period must be written as two dates, not {found}",
            {"found": describe(value), "fix": "write 2026-01-05 to 2026-06-30"},
        )
    start, end = _read_date(first.strip()), _read_date(last.strip())
    if start.first_minute > end.last_minute:
        raise PydanticCustomError(
            "unreadable_date", "the period ends before it begins", {"fix": "write the earlier date first"}
        )
    return start, end


_Date = Annotated[PartialDate, BeforeValidator(_read_date), WithJsonSchema({"type": "string"})]
_Period = Annotated[Any, BeforeValidator(_read_period), WithJsonSchema({"type": "string"})]


class PatientFile(Element):
    """What a patient file may say."""

    patient: Words | None = None
    """What the patient is called in messages; never a name."""
    born: _Date | None = None
    anchor: _Date | None = None
    """Where rules are judged: the date of consent, the first dose ..."""
    baseline: _Date | None = None
    """The moment of baseline: a fact's baseline is its last result on or before it."""
    data_cut: _Date | None = None
    """Records after it do not exist."""
    periods: dict[Name, _Period] = Field(default_factory=dict)
    """First and last day of periods of the protocol."""
    facts: dict[Name, model.Fact] = Field(default_factory=dict)
    """Facts that neither the protocol nor the catalogue has, as a protocol writes them."""
    records: dict[str, Any] = Field(default_factory=dict)
    """For each fact its records: one, a list, or by date."""


@dataclass(frozen=True, slots=True)
class PatientRead:
    """A patient file read: the subject, the scope with the facts that the file adds, and what looks like a slip."""

    subject: Subject
    scope: Scope
    warnings: tuple[Problem, ...] = ()


def read_patient(path: Path, scope: Scope, *, anchor: PartialDate | None = None) -> PatientRead:
    """Read a patient file.

    Parameters
    ----------
    path : Path
    scope : Scope
        What rules may name. Records of facts that only the catalogue has are read too.
    anchor : PartialDate, optional
        Where rules are judged; without it the file must say.

    Raises
    ------
    ProblemsFound
        With everything wrong in the file, in the order of its places.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProblemsFound(
            [Problem("unreadable-file", f"cannot be read: {error.strerror}", Place(str(path)))]
        ) from error
    if len(text) > MAX_BYTES:
        raise refusal("document-too-large", f"a document may hold {MAX_BYTES:,} bytes", Place(str(path)))
    return parse_patient(text, str(path), scope, anchor=anchor)


def parse_patient(
    text: str | bytes, file: str, scope: Scope, *, anchor: PartialDate | None = None
) -> PatientRead:
    """Read the text of a patient file; parameters and errors are those of `read_patient`."""
    document = read_document(text, file)
    written = validate_document(document, PatientFile)
    own, problems = _own_facts(written, document, scope)
    reader = _Reader(document, {**catalogue_facts(), **scope.facts, **own})
    observations = tuple(reader.read(written.records))
    problems += reader.problems
    anchor = anchor or written.anchor
    if anchor is None:
        problems.append(
            Problem(
                "no-anchor",
                "there is no date to judge at",
                document.place_of(()),
                fix="write `anchor: 2026-03-31`, or give the date with the command",
            )
        )
    elif written.born is not None and written.born.first_day > anchor.last_day:
        problems.append(
            Problem(
                "born-after-anchor",
                f"the date of birth, {written.born}, lies after {anchor}, where rules are judged",
                document.place_of(("born",)),
                "born",
            )
        )
    if problems or anchor is None:
        raise ProblemsFound(sorted(problems, key=_reading_order))
    subject = Subject(
        observations,
        anchor,
        birth=written.born,
        baseline_at=written.baseline,
        periods=written.periods,
        cut=written.data_cut,
        id=written.patient or "",
    )
    periods = {name: name.replace("_", " ") for name in written.periods}
    extended = replace(scope, facts={**scope.facts, **own}, periods={**periods, **scope.periods})
    return PatientRead(subject, extended, tuple(reader.warnings))


def _reading_order(problem: Problem) -> tuple[int, int]:
    place = problem.place or Place("")
    return (place.line or 0, place.column or 0)


def _own_facts(
    written: PatientFile, document: Document, scope: Scope
) -> tuple[dict[str, Fact], list[Problem]]:
    """The facts a file adds. It may say otherwise than the catalogue, and not otherwise than the protocol."""
    try:
        own = make_facts(written.facts, document)
    except ProblemsFound as found:
        return {}, list(found.problems)
    return own, [
        Problem(
            "name-used-twice",
            f"`{name}` is already a fact of the protocol",
            document.place_of(("facts", name), key=True),
            dotted(("facts", name)),
            "leave it out: the protocol says what it is",
        )
        for name in own
        if name in scope.facts and scope.facts[name] is not catalogue_facts().get(name)
    ]


# --- records ------------------------------------------------------------------------------------------------------------

_REPORTED = re.compile(
    r"(?P<comparator><=|>=|[<>≤≥])? ?(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)"
    r"(?: ?(?P<unit>[A-Za-z%°µμ×*/\[{][^(]*?)| (?P<power>10[*^⁰¹²³⁴⁵⁶⁷⁸⁹][^(]*?))?"
    r"(?: ?\((?P<limits>[^()]*)\))?",
    re.ASCII,
)
_LIMIT = re.compile(r"\b(ULN|LLN) ([0-9]+(?:\.[0-9]+)?)(?![0-9.])", re.ASCII)
_COMPARATORS = {"≤": "<=", "≥": ">="}
_BY = re.compile(r"(?P<value>\S+) by (?P<by>.+)")
_DETAILS = {
    **dict.fromkeys(("value", "unit", "assay", "by", "id", "comment"), str),
    **dict.fromkeys(("uln", "lln"), float),
}


class _Reader:
    """Observations from the records of a file; what cannot be one is reported."""

    def __init__(self, document: Document, facts: Mapping[str, Fact]) -> None:
        self.document = document
        self.facts = facts
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.ids: Counter[str] = Counter()

    def report(self, code: str, message: str, path: At, fix: str = "", *, key: bool = False) -> None:
        place = self.document.place_of(path, key=key)
        self.problems.append(Problem(code, message, place, dotted(path), fix))

    def read(self, records: Mapping[str, Any]) -> Iterator[Observation]:
        for name, written in records.items():
            path: At = ("records", name)
            fact = self.facts.get(name)
            if fact is None:
                meant = nearest(name, self.facts)
                fix = f"did you mean `{meant}`?" if meant else "define it under `facts`"
                self.report("unknown-fact", f"there is no fact `{name}`", path, fix, key=True)
            elif fact.kind is Kind.SCORE:
                parts = f": record {', '.join(fact.parts)}" if fact.parts else ""
                self.report("wrong-kind", f"`{name}` is computed from its parts{parts}", path, key=True)
            elif isinstance(written, dict):
                yield from self.by_date(fact, written, path)
            else:
                for one, where in _each(written, path):
                    yield from self.undated(fact, one, where)

    def by_date(self, fact: Fact, written: Mapping[str, Any], path: At) -> Iterator[Observation]:
        for day, values in written.items():
            date = self.date(day, (*path, day), key=True)
            if date is not None:
                for one, where in _each(values, (*path, day)):
                    yield from self.observation(fact, date, one, where)

    def undated(self, fact: Fact, written: Any, path: At) -> Iterator[Observation]:
        """For what happens and for dates the date is what there is to write; `yes` is some day."""
        if fact.kind is not Kind.DATE and not fact.kind.is_history:
            yield from self.observation(fact, ANY_DAY, written, path)
        elif fact.kind.is_history and written == "yes":
            yield self.made(fact, ANY_DAY, path)
        elif fact.kind.is_history and written == "no":
            self.report_no_record(fact, path)
        else:
            date = self.date(written, path)
            if date is not None:
                yield self.made(fact, date, path)

    def report_no_record(self, fact: Fact, path: At) -> None:
        self.report(
            "wrong-type",
            f"`{fact.name}` is recorded on the days it happened, and only there",
            path,
            "leave it out where it did not happen, and write remarks as `{ comment: ... }`",
        )

    def date(self, written: object, path: At, *, key: bool = False) -> PartialDate | None:
        try:
            return _read_date(written)
        except PydanticCustomError as error:
            is_torn = str(written).endswith(")")
            fix = "put a result with a comma in quotes" if is_torn else _HOW_TO_DATE
            self.report("unreadable-date", error.message(), path, fix, key=key)
            return None

    def observation(self, fact: Fact, date: PartialDate, written: Any, path: At) -> Iterator[Observation]:
        """One result: its text, or a mapping of its details."""
        details = self.details(written, path) if isinstance(written, dict) else {}
        value = written.get("value") if isinstance(written, dict) else written
        where = (*path, "value") if isinstance(written, dict) else path
        if details is None or not self.is_readable(fact, value, where):
            return
        if (fact.kind is Kind.DATE or fact.kind.is_history) and value not in (None, "yes"):
            self.report_no_record(fact, where)
            return
        observation = self.made(fact, date, path, details.pop("id", ""))
        read: dict[str, Any] = {}
        if fact.kind is Kind.NUMBER:
            read = _read_number(value, fact)
        elif fact.kind is Kind.ATTESTATION and isinstance(value, str) and (said := _BY.fullmatch(value)):
            read = said.groupdict()
        elif fact.kind is not Kind.DATE and not fact.kind.is_history:
            read = {"value": value}
        for name in details.keys() & {name for name, one in read.items() if one is not None}:
            self.report("duplicate-key", f"`{name}` is given with the value and beside it", (*path, name))
        made = replace(observation, **{**read, **details})
        if made.unit is not None:
            self.warn_of_unit(made.unit, (*path, "unit") if "unit" in details else where)
        yield made

    def warn_of_unit(self, unit: str, path: At) -> None:
        """The result counts all the same, as one whose unit is not known."""
        try:
            find_unit(unit)
        except UnknownUnit as error:
            fix = f"did you mean `{error.suggestion}`?" if error.suggestion else ""
            place = self.document.place_of(path)
            message = f"`{unit[:MAX_UNIT_LENGTH]}` is not a unit: the result stands in doubt"
            self.warnings.append(
                Problem("unknown-unit", message, place, dotted(path), fix, severity=Severity.WARNING)
            )

    def is_readable(self, fact: Fact, value: object, path: At) -> bool:
        """A level that YAML takes for a number has lost its spelling: `010` is not `10`."""
        if isinstance(value, bool):
            is_yes_or_no = fact.levels == ("yes", "no") or fact.kind is Kind.ATTESTATION
            fix = f"write {'yes' if value else 'no'}" if is_yes_or_no else ""
        elif isinstance(value, (dict, list)):
            fix = ""
        elif fact.kind is not Kind.NUMBER and isinstance(value, (int, float)):
            fix = "put it in quotes"
        else:
            return True
        self.report("wrong-type", f"expected a value, found {describe(value)}", path, fix)
        return False

    def details(self, written: Mapping[str, Any], path: At) -> dict[str, Any] | None:
        """The details beside the value; None if any is wrong."""
        n_problems = len(self.problems)
        details: dict[str, Any] = {}
        for name, one in written.items():
            where = (*path, name)
            kind = _DETAILS.get(name)
            if kind is None:
                meant = nearest(name, _DETAILS)
                known = ", ".join(_DETAILS)
                fix = f"did you mean `{meant}`?" if meant else f"known are {known}"
                self.report("unknown-key", f"`{name}` is not a key here", where, fix, key=True)
            elif name == "value" or one is None:
                continue
            elif kind is float and type(one) in (int, float) and one >= 0 and _is_measurable(one):
                details[name] = float(one)
            elif kind is str and isinstance(one, str):
                details[name] = one
            else:
                what = "a number in the unit of the result" if kind is float else "text"
                self.report("wrong-type", f"expected {what}, found {describe(one)}", where)
        return details if len(self.problems) == n_problems else None

    def made(self, fact: Fact, date: PartialDate, path: At, given: str = "") -> Observation:
        """An observation so far; without an id of its own it is called by the line it stands in."""
        name = given or f"line {self.document.place_of(path).line}"
        self.ids[name] += 1
        if given and self.ids[name] > 1:
            self.report("duplicate-record", f"there is already a record `{given}`", (*path, "id"))
        return Observation(name if self.ids[name] == 1 else f"{name} no. {self.ids[name]}", fact.name, date)


def _each(written: Any, path: At) -> Iterator[tuple[Any, At]]:
    if isinstance(written, list):
        yield from ((one, (*path, i)) for i, one in enumerate(written))
    else:
        yield written, path


def _read_number(written: object, fact: Fact) -> dict[str, Any]:
    """`12`, `<10 IU/mL`, `45 U/L (LLN 10 ULN 40)`. A text that is none of these stays a text."""
    if written is None:
        return {}
    found = _REPORTED.fullmatch(str(written).strip())
    limits = _read_limits(found["limits"]) if found else None
    if found is None or limits is None:
        return {"value": str(written)}
    # Below the least plausible result of a kind that cannot be negative lies at least nothing.
    low = fact.limits[0]
    floor = 0 if low is not None and low >= 0 else None
    comparator = _COMPARATORS.get(found["comparator"] or "", found["comparator"] or "")
    number = float(found["number"])
    try:
        value = Interval.reported(number, comparator, floor=floor)
    except ValueError:
        return {"value": str(written)}
    if not all(map(_is_measurable, (number, *limits.values()))):
        return {"value": str(written)}
    return {"value": value, "unit": (found["unit"] or found["power"] or "").strip() or None, **limits}


def _is_measurable(number: float) -> bool:
    """Nothing measured is larger or smaller, and what is calculated from it stays a number."""
    return number == 0 or 1e-100 <= abs(number) <= 1e100


def _read_limits(text: str | None) -> dict[str, float] | None:
    """The limits of normal in parentheses; None if that is not what they are."""
    found = _LIMIT.findall(text or "")
    limits = {name.lower(): float(limit) for name, limit in found}
    is_all = _LIMIT.sub("", text or "").strip(" ,;") == ""
    return limits if is_all and len(limits) == len(found) and (found or text is None) else None
