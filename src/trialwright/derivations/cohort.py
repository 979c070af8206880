"""Analysis datasets of a cohort whose times come ready for analysis: ADSL and ADTTE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from trialwright.protocol.model import Protocol
from trialwright.records.csv import Cohort
from trialwright.records.mapping import Mapping
from trialwright.vocabulary.documents import Document, Path, dotted
from trialwright.vocabulary.problems import Problem, nearest

EVENT, CENSORED = 0, 1


def check_mapping(mapping: Mapping, document: Document, protocol: Protocol) -> list[Problem]:
    """Problems of a column mapping that names what the protocol does not know, or lacks what its analyses need."""
    return [
        Problem(code, message, document.place_of(path, key=key), dotted(path), fix)
        for code, message, path, key, fix in _mapping_problems(mapping, protocol)
    ]


def _mapping_problems(mapping: Mapping, protocol: Protocol) -> Iterator[tuple[str, str, Path, bool, str]]:
    if mapping.study != protocol.study.id:
        message = f"this mapping is for `{mapping.study}`, the protocol is `{protocol.study.id}`"
        yield "wrong-study", message, ("study",), False, ""
    for name, column in mapping.facts.items():
        here: Path = ("facts", name)
        fact = protocol.facts.get(name)
        if fact is None:
            yield (
                "unresolved-name",
                f"`{name}` is not a fact of the protocol",
                here,
                True,
                _guess(name, protocol.facts),
            )
            continue
        if bool(fact.levels) != bool(column.values):
            wanted = (
                "`values` that name its levels" if fact.levels else "no `values`, for it is not a category"
            )
            yield "unfit-column", f"`{name}` needs {wanted}", here, True, ""
        if column.unit != fact.unit:
            message = f"expected {fact.unit or 'no unit'}, the protocol's unit of `{name}`, found {column.unit or 'none'}"
            yield "unit-mismatch", message, (*here, "unit"), False, ""
        yield from _values_called_missing((*here, "values"), column.values, mapping)
        for code, level in column.values.items():
            if level not in fact.levels:
                path = (*here, "values", code)
                yield (
                    "unresolved-name",
                    f"`{level}` is not a level of `{name}`",
                    path,
                    False,
                    _guess(level, fact.levels),
                )
    for name, times in mapping.endpoints.items():
        here = ("endpoints", name)
        endpoint = protocol.endpoints.get(name)
        if endpoint is None:
            message = f"`{name}` is not an endpoint of the protocol"
            yield "unresolved-name", message, here, True, _guess(name, protocol.endpoints)
        elif endpoint.unit != times.unit:
            message = (
                f"expected {endpoint.unit or 'no unit'}, the protocol's unit of `{name}`, found {times.unit}"
            )
            yield "unit-mismatch", message, (*here, "unit"), False, ""
        yield from _values_called_missing((*here, "event"), times.event, mapping)
        yield from _values_called_missing((*here, "censored"), times.censored, mapping)
        both = sorted({*times.event} & {*times.censored})
        if both:
            yield (
                "contradictory-code",
                f"`{both[0]}` is both event and censored",
                (*here, "censored"),
                False,
                "",
            )
    for name in _facts_needed(protocol):
        if name not in mapping.facts:
            message = f"the analyses need `{name}`, and the mapping has no column for it"
            yield "missing-key", message, ("facts",), True, ""
    for name, endpoint in protocol.endpoints.items():
        if endpoint.reported and name not in mapping.endpoints:
            message = f"the protocol expects times of `{name}`, and the mapping has no columns for it"
            yield "missing-key", message, ("endpoints",), True, ""


def _values_called_missing(
    path: Path, codes: Iterable[str], mapping: Mapping
) -> Iterator[tuple[str, str, Path, bool, str]]:
    for code in codes:
        if code in mapping.missing:
            yield (
                "contradictory-code",
                f"`{code}` has a meaning here and is also listed as missing",
                path,
                False,
                "",
            )


def _guess(name: str, known: Iterable[str]) -> str:
    guess = nearest(name, known)
    return f"did you mean `{guess}`?" if guess else ""


def _facts_needed(protocol: Protocol) -> list[str]:
    needed: dict[str, None] = {}
    for analysis in protocol.analyses.values():
        for key in ("by", "variables", "covariates", "strata", "facts"):
            named = getattr(analysis, key, None) or ()
            needed |= dict.fromkeys([named] if isinstance(named, str) else named)
    return [name for name in needed if name in protocol.facts]


def derive_adsl(cohort: Cohort, protocol: Protocol) -> pl.DataFrame:
    """One row a subject: `STUDYID`, `USUBJID`, one column a fact, and where they come from."""
    return cohort.subjects.select(
        pl.lit(protocol.study.id).alias("STUDYID"),
        "USUBJID",
        *(name for name in cohort.subjects.columns if name not in ("USUBJID", "SRCSEQ")),
        pl.lit(cohort.file).alias("SRCDOM"),
        "SRCSEQ",
    )


def derive_adtte(cohort: Cohort, protocol: Protocol) -> pl.DataFrame:
    """One row a subject and endpoint, in the order of the protocol.

    `AVAL` is the time as recorded, in `AVALU`; `CNSR` is 0 for an event and 1 for censored (CDISC ADaM time-to-event
    structure); both are null where the file has no value, and such a subject is counted as not analysed.
    """
    labels = pl.DataFrame(
        {
            "endpoint": list(protocol.endpoints),
            "PARAM": [endpoint.label for endpoint in protocol.endpoints.values()],
            "AVALU": [(endpoint.unit or "").upper() for endpoint in protocol.endpoints.values()],
            "order": range(len(protocol.endpoints)),
        },
        schema_overrides={"order": pl.Int64},
    )
    return (
        cohort.times.join(labels, on="endpoint", maintain_order="left")
        .sort("order", maintain_order=True)
        .select(
            pl.lit(protocol.study.id).alias("STUDYID"),
            "USUBJID",
            pl.col("endpoint").str.to_uppercase().alias("PARAMCD"),
            "PARAM",
            pl.col("time").alias("AVAL"),
            "AVALU",
            pl.when(pl.col("event_observed"))
            .then(EVENT)
            .when(~pl.col("event_observed"))
            .then(CENSORED)
            .alias("CNSR"),
            pl.lit(cohort.file).alias("SRCDOM"),
            "SRCSEQ",
            pl.format("endpoints.{}", "endpoint").alias("PROTOCOL"),
        )
    )


def event_observed(cnsr: pl.Expr) -> pl.Expr:
    """True for an event, False for censored, null where unknown: the only place that turns `CNSR` round."""
    return cnsr == EVENT
