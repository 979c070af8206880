"""What was found in data as text or as JSON: by dataset, variable, subject and record; of many alike five and the count."""

from __future__ import annotations

import json
from typing import Literal

import polars as pl

from trialwright.checks.data.record_checks import DataOutcome
from trialwright.vocabulary.problems import Severity

DataFormat = Literal["text", "json"]

_SHOWN_ALIKE = 5
_ALIKE = ["SEVERITY", "DATASET", "CODE", "VARIABLE", "FIX"]


def render_data_outcome(outcome: DataOutcome, name: str, format_: DataFormat) -> str:
    """The outcome in one of the formats; `name` is that of the folder. JSON has every record."""
    return _render_json(outcome, name) if format_ == "json" else _render_text(outcome, name)


def summarise_data(outcome: DataOutcome, name: str) -> str:
    """One line: how many of each severity, in how many records, and how many checks were asked."""
    counts = [
        f"{n:,} {severity}{'s' if n > 1 else ''}" for severity in Severity if (n := outcome.count(severity))
    ]
    n_records = sum(outcome.n_records.values())
    ignored = f", {outcome.n_ignored} ignored" if outcome.n_ignored else ""
    found = ", ".join(counts) or "nothing found"
    return f"{name}: {found} in {n_records:,} records of {len(outcome.n_records)} datasets{ignored}; {outcome.n_asked} checks"


def _render_text(outcome: DataOutcome, name: str) -> str:
    blocks = [_block(group) for group in outcome.findings.partition_by(_ALIKE, maintain_order=True)]
    blocks += [text for text in (_left_out(outcome), _not_asked(outcome)) if text]
    return "\n\n".join([*blocks, summarise_data(outcome, name)])


def _block(group: pl.DataFrame) -> str:
    """Everything alike: the head says what and where, each line which record."""
    severity, dataset, code, variable, fix = (group[column][0] for column in _ALIKE)
    head = f"{dataset}{'.' if variable else ''}{variable}: {severity}[{code}]"
    if group.height == 1 and group["ROW"][0] is None and group["USUBJID"][0] is None:
        lines = [f"{head}: {group['MESSAGE'][0]}"]
    else:
        lines = [f"{head}: {_counted(group)}"]
        lines += [f"  {_place(row)}{row['MESSAGE']}" for row in group[:_SHOWN_ALIKE].iter_rows(named=True)]
        if group.height > _SHOWN_ALIKE:
            lines.append(f"  and {group.height - _SHOWN_ALIKE:,} more")
    if fix:
        lines.append(f"  fix: {fix}")
    return "\n".join(lines)


def _counted(group: pl.DataFrame) -> str:
    n_records, n_subjects = group["ROW"].drop_nulls().n_unique(), group["USUBJID"].drop_nulls().n_unique()
    records = f"{n_records:,} record{'s' if n_records > 1 else ''}" if n_records else ""
    subjects = f"{n_subjects:,} subject{'s' if n_subjects > 1 else ''}" if n_subjects else ""
    return " of ".join(part for part in (records, subjects) if part) or f"{group.height} times"


def _place(row: dict[str, object]) -> str:
    """`D-01, LBSEQ 12 (record 40): `"""
    parts = [str(row["USUBJID"])] if row["USUBJID"] is not None else []
    if row["SEQ"] is not None:
        parts.append(f"{row['DATASET']}SEQ {row['SEQ']}")
    where = ", ".join(parts)
    if row["ROW"] is not None:
        where = f"{where} (record {row['ROW']})" if where else f"record {row['ROW']}"
    return f"{where}: " if where else ""


def _left_out(outcome: DataOutcome) -> str:
    """What derivations do without, by dataset."""
    lines = [
        f"  {row['DATASET']}: {row['N']:,} of {outcome.n_records.get(row['DATASET'], 0):,} [{row['CODE']}]: {row['WHAT']}"
        for row in outcome.left_out.iter_rows(named=True)
    ]
    return "\n".join(["Derivations do without:", *lines]) if lines else ""


def _not_asked(outcome: DataOutcome) -> str:
    by_reason: dict[str, list[str]] = {}
    for code, why in outcome.not_asked.items():
        by_reason.setdefault(why, []).append(code)
    return "\n".join(f"Not asked, for there is {why}: {', '.join(codes)}" for why, codes in by_reason.items())


def _render_json(outcome: DataOutcome, name: str) -> str:
    names = {
        "CODE": "code", "SEVERITY": "severity", "DATASET": "dataset", "VARIABLE": "variable", "ROW": "record",
        "USUBJID": "subject", "SEQ": "sequence", "MESSAGE": "message", "FIX": "fix",
    }  # fmt: skip
    data = {
        "data": name,
        "checked": True,
        "n_checks": outcome.n_asked,
        "n_ignored": outcome.n_ignored,
        **{f"n_{severity}s": outcome.count(severity) for severity in Severity},
        "n_records": dict(outcome.n_records),
        "not_asked": dict(outcome.not_asked),
        "left_out": [
            {"dataset": row["DATASET"], "code": row["CODE"], "n": row["N"], "what": row["WHAT"]}
            for row in outcome.left_out.iter_rows(named=True)
        ],
        "problems": outcome.findings.rename(names).to_dicts(),
    }
    return json.dumps(data, indent=2, ensure_ascii=False)
