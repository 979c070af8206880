"""The one results table: every number a report, an export or a command may show is a row of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict, Unpack

import polars as pl

RESULTS_FORMAT = "trialwright-results/1"
SIMULATED = "SIMULATED"
"""Marks what comes from virtual patients: Y in every row."""


@dataclass(frozen=True, slots=True)
class Result:
    """One number, or the reason why there is none.

    `group` is the level of the grouping fact (None: all together), `item` what within the analysis (a covariate, a
    variable, a part of a curve), `time` the time it is read at, in the unit of the endpoint. `value` is None exactly
    when `note` says why. `conventions` is JSON.
    """

    analysis: str
    endpoint: str | None
    group: str | None
    item: str | None
    time: float | None
    statistic: str
    value: float | None
    unit: str
    note: str
    method: str
    conventions: str
    n: int | None
    source: str
    id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        time = None if self.time is None else time_key(self.time)
        parts = (self.analysis, self.group, self.item, time, self.statistic)
        object.__setattr__(self, "id", "/".join([part for part in parts if part is not None]))


def time_key(time: float) -> str:
    """A time as ids spell it: all its digits, whole numbers without a point."""
    return str(int(time)) if float(time).is_integer() else repr(float(time))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader must know about a result.

    `message` is a template: `{name}` stands for a number of the results table (`numbers`: name to result id) or for
    words of the protocol (`words`: name to (text, path in the protocol)).
    """

    code: str
    level: Literal["warning", "note"]
    analysis: str
    message: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def plain(self, results: Results) -> str:
        """The message as one line for a terminal."""
        values = {
            name: f"p = {results[id_].value:.2g}" if id_.endswith("p_value") else f"{results[id_].value:g}"
            for name, id_ in self.numbers.items()
        }
        return self.message.format(**values, **{name: text for name, (text, _) in self.words.items()})


@dataclass(frozen=True, slots=True)
class Results:
    """All results of one analysis of one protocol on one set of data.

    Raises
    ------
    ValueError
        If two rows have one id, a value is not finite, or a value is missing without a note.
    """

    rows: tuple[Result, ...]
    findings: tuple[Finding, ...]
    provenance: Mapping[str, Any]
    is_simulated: bool = False
    """Whether they are of virtual patients: then every row that leaves the program says so."""
    _by_id: dict[str, Result] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.id in self._by_id:
                raise ValueError(f"two results are called `{row.id}`")
            if row.value is None and not row.note:
                raise ValueError(f"result `{row.id}` is missing without a reason")
            if not all(number is None or math.isfinite(number) for number in (row.value, row.time)):
                raise ValueError(
                    f"result `{row.id}` must be a finite number at a finite time, not {row.value} at {row.time}"
                )
            self._by_id[row.id] = row

    def __getitem__(self, id_: str) -> Result:
        return self._by_id[id_]

    def __contains__(self, id_: object) -> bool:
        return id_ in self._by_id

    def of(self, analysis: str) -> Iterator[Result]:
        """The rows of one analysis, in order."""
        return (row for row in self.rows if row.analysis == analysis)

    def to_frame(self) -> pl.DataFrame:
        """One row a result, the id first."""
        columns = {name: [getattr(row, name) for row in self.rows] for name in _SCHEMA}
        frame = pl.DataFrame(columns, schema=_SCHEMA)
        return frame.with_columns(pl.lit("Y").alias(SIMULATED)) if self.is_simulated else frame

    def to_json(self) -> str:
        """Everything, numbers with all their digits; each result is one line."""
        mark = {SIMULATED: "Y"} if self.is_simulated else {}
        content = {
            "format": RESULTS_FORMAT,
            **mark,
            "provenance": self.provenance,
            "findings": [asdict(finding) for finding in self.findings],
        }
        head = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False).removesuffix("\n}")
        rows = self.to_frame().write_ndjson().removesuffix("\n").replace("\n", ",\n")
        return f'{head},\n "results": [\n{rows}\n]\n}}\n'


_SCHEMA: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "analysis": pl.String,
    "endpoint": pl.String,
    "group": pl.String,
    "item": pl.String,
    "time": pl.Float64,
    "statistic": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "note": pl.String,
    "method": pl.String,
    "conventions": pl.String,
    "n": pl.Int64,
    "source": pl.String,
}


_JSON = json.JSONEncoder(sort_keys=True)


class Where(TypedDict, total=False):
    """What a number of an analysis is about; see `Result`."""

    group: str | None
    item: str | None
    time: float | None
    n: int | None


@dataclass(slots=True)
class Recorder:
    """Collects the rows and findings of one analysis."""

    analysis: str
    method: str
    source: str
    endpoint: str | None = None
    n: int | None = None
    conventions: Mapping[str, Any] = field(default_factory=dict)
    with_curves: bool = True
    """Whether each step of a curve is recorded, and who is at risk at its ticks: only figures need them."""
    rows: list[Result] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _written: tuple[Mapping[str, Any], str] | None = field(default=None, repr=False, compare=False)
    """The conventions that were written last, and as what: most rows share them."""

    def add(
        self,
        statistic: str,
        value: float | None,
        unit: str = "",
        *,
        note: str = "",
        conventions: Mapping[str, Any] | None = None,
        **where: Unpack[Where],
    ) -> str:
        """Record one number and return its id; a number that is not finite needs a note saying why."""
        known = value is not None and math.isfinite(value)
        time = where.get("time")
        n = where.get("n")
        row = Result(
            self.analysis,
            self.endpoint,
            where.get("group"),
            where.get("item"),
            None if time is None else float(time),
            statistic,
            float(value) if known and value is not None else None,
            unit,
            "" if known else note,
            self.method,
            self._conventions() if conventions is None else _JSON.encode(conventions),
            self.n if n is None else n,
            self.source,
        )
        self.rows.append(row)
        return row.id

    def _conventions(self) -> str:
        if self._written is None or self._written[0] is not self.conventions:
            self._written = self.conventions, _JSON.encode(self.conventions)
        return self._written[1]

    def add_missing(self, statistics: Sequence[str], note: str, **where: Unpack[Where]) -> None:
        """Record that several statistics cannot be had, and why."""
        for statistic in statistics:
            self.add(statistic, None, note=note, **where)

    def give_up(self, what: str, statistics: Sequence[str], reason: str, **where: Unpack[Where]) -> None:
        """Record that the main numbers of an analysis cannot be had, and say so aloud."""
        self.add_missing(statistics, reason, **where)
        path = f"analyses.{self.analysis}"
        self.warn(
            "not-estimable",
            "{what} cannot be estimated: {why}.",
            words={"what": (what, path), "why": (reason, path)},
        )

    def warn(
        self,
        code: str,
        message: str,
        *,
        numbers: Mapping[str, str] | None = None,
        words: Mapping[str, tuple[str, str]] | None = None,
        level: Literal["warning", "note"] = "warning",
    ) -> None:
        self.findings.append(Finding(code, level, self.analysis, message, numbers or {}, words or {}))
