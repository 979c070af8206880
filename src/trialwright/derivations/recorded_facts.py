"""Where the records hold what a protocol names: the records of each fact, whatever dataset they stand in.

docs/records.md tells the conventions ("Where a protocol finds its facts").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import polars as pl

from trialwright.derivations.known_columns import meanings
from trialwright.derivations.named_records import (
    NamedRecords,
    as_spelt,
    findings,
    groups_told,
    names_of,
    source,
)
from trialwright.derivations.recorded_histories import milestones, recorded_histories
from trialwright.derivations.result_values import RESULT, read_values
from trialwright.derivations.study import SUBJECT, Study, moment_columns
from trialwright.derivations.tumour_responses import IRECIST, RECIST
from trialwright.evaluation.table import OBSERVATIONS
from trialwright.protocol.facts import Fact
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.concepts import Concept, Kind, catalogue
from trialwright.vocabulary.partial_dates import FIRST_YEAR, LAST_YEAR
from trialwright.vocabulary.verdicts import Reason

READERS: Mapping[str, str] = MappingProxyType({"INVESTIGATOR": "local", "INDEPENDENT ASSESSOR": "central"})
"""Who reads, as records write it and as a protocol calls it; a record that names nobody is the investigator's."""

ANY_TIME = (datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR, 12, 31, 23, 59))  # noqa: DTZ001 - the site's clock
"""The first and the last minute of a date that nobody knows."""

SOURCE: Mapping[str, Any] = MappingProxyType({"SRCDOM": pl.String, "SRCSEQ": pl.Int64, "SRCALL": pl.String})

RECORDED: Mapping[str, Any] = MappingProxyType(
    {
        SUBJECT: pl.Int64,
        **{name: kind for name, kind in OBSERVATIONS.items() if name not in ("subject", "record")},
    }
    | {
        "reader": pl.String,
        "is_none": pl.Boolean,
        "end_earliest": MOMENT,
        "end_latest": MOMENT,
        "goes_on": pl.Boolean,
    }
    | dict(SOURCE)
)
"""A record of a fact: the columns of the table of observations, and

reader         `local` or `central`; null where nobody reads
is_none        somebody asked, and there was none
end_...        the last day of what lasts; null where it has none
goes_on        it had not ended when it was last heard of
SRC...         the record
"""  # fmt: skip

_NOTHING = pl.DataFrame(schema=dict(RECORDED))
_UNTOLD: Mapping[str, Any] = MappingProxyType(
    dict(zip(("earliest", "latest"), ANY_TIME, strict=True))
    | dict.fromkeys(("is_none", "goes_on", "is_converted"), False)
)
_NO_REASON = pl.lit(0, pl.UInt8)
_SEXES = {"F": "female", "M": "male"}


def recorded_facts(
    study: Study,
    facts: Iterable[Fact],
    records: NamedRecords | None = None,
    *,
    beside: Iterable[Fact] = (),
) -> dict[str, pl.DataFrame]:
    """The records of each of some facts that has any, of the shape `RECORDED`, in the order of subjects and records.

    Nothing is judged here; records of what was not done are not there. A date nobody knows is any, and what is not told
    to last does not. `records` are those of the study, where they are there already: what was read of them is not read
    again. `beside` are facts that are not read here, though their results may stand under the test of one that is: numbers
    are then those of the number, words those of the other.
    """
    wanted, beside = list(facts), list(beside)
    records = NamedRecords(study) if records is None else records
    concepts = {fact.name: catalogue().get(fact.concept or "") for fact in (*wanted, *beside)}
    gives_numbers: dict[tuple[str | None, str | None], set[bool]] = {}
    for fact in (*wanted, *beside):
        concept = concepts[fact.name]
        if concept is not None and concept.test:
            gives_numbers.setdefault((concept.dataset, concept.test), set()).add(fact.kind is Kind.NUMBER)
    found = {}
    for fact in wanted:
        concept = concepts[fact.name]
        if fact.kind in (Kind.NUMBER, Kind.CATEGORY, Kind.YES_OR_NO):
            is_shared = (
                concept is not None and len(gives_numbers.get((concept.dataset, concept.test), ())) > 1
            )
            rows = _results(records, fact, concept, is_shared=is_shared)
        elif fact.kind is Kind.ATTESTATION:
            rows = _attestations(records, fact)
        else:
            rows = _histories(records, fact)
        if len(rows):
            found[fact.name] = rows
    return found


def _histories(records: NamedRecords, fact: Fact) -> pl.DataFrame:
    """The records of a fact that has no results."""
    parts = [rows for rows in recorded_histories(records, fact) if len(rows)]
    if not parts:
        return _NOTHING
    return _recorded(pl.concat(parts, how="diagonal").with_columns(reason=_NO_REASON), fact)


# --- results ----------------------------------------------------------------------------------------------------------


def _results(records: NamedRecords, fact: Fact, concept: Concept | None, *, is_shared: bool) -> pl.DataFrame:
    """The results of a number, a category or a yes or no."""
    if (fact.name, is_shared) not in records.read:
        records.read[fact.name, is_shared] = (
            _responses(records, fact)
            if fact.concept in (RECIST, IRECIST)
            else _read(records, fact, concept, is_shared=is_shared)
        )
    return records.read[fact.name, is_shared]


def _read(records: NamedRecords, fact: Fact, concept: Concept | None, *, is_shared: bool) -> pl.DataFrame:
    parts = [part for part in _all_results(records, fact, concept) if len(part)]
    if not parts:
        return _NOTHING
    rows = pl.concat(parts)
    if is_shared:
        rows = rows.filter(_is_number() if fact.kind is Kind.NUMBER else ~_is_number())
    assays = [assay for assay in records.study.protocol.assays.values() if assay.measures == fact.name]
    return _of(read_values(rows, fact, assays[0] if assays else None), fact)


def _is_number() -> pl.Expr:
    """Whether a result is one of a test that gives numbers, where another fact has its words."""
    has_unit = pl.coalesce("STRESU", "ORRESU").is_not_null()
    starts_so = pl.coalesce("STRESC", "ORRES").str.contains(r"^\s*[<>=]*\s*[0-9.]").fill_null(value=False)
    return pl.col("STRESN").is_not_null() | has_unit | starts_so


def _all_results(records: NamedRecords, fact: Fact, concept: Concept | None) -> Iterator[pl.DataFrame]:
    """Results of a fact wherever they stand, with common names."""
    tables = records.study.tables
    yield records.about(names_of(fact), "STATUS")
    if concept is None:
        pass
    elif concept.name == "sex":
        called = {letter: word for letter, word in _SEXES.items() if word in fact.levels}
        people = tables["DM"].with_columns(pl.col("SEX").replace(called))
        yield _in_parts(people, "DM", result="SEX", when=None)
    elif concept.name == "toxicity_grade":
        grade = pl.col("AETOXGR").cast(pl.Float64, strict=False)
        graded = tables["AE"].filter(pl.col("AETOXGR").is_not_null()).with_columns(STRESN=grade)
        yield _in_parts(graded, "AE", result="AETOXGR", when="AESTDTC")
    elif concept.test is not None and concept.dataset is not None and concept.dataset in tables:
        tested = records.of_test(concept.dataset, concept.test)
        if tested is not None:
            yield tested
    elif concept.dataset == "LB":
        yield findings(records.rows("LB", ["LBTEST"], names_of(fact)), "LB")
    if fact.levels and set(fact.levels) == set(records.study.protocol.groups):
        yield _assigned_groups(records)


def _assigned_groups(records: NamedRecords) -> pl.DataFrame:
    """The group that DM names, dated to the day the protocol assigns groups where that day is a milestone."""
    assigned_at = {group.assigned_at for group in records.study.protocol.groups.values()}
    milestone = milestones(records, next(iter(assigned_at)) or "") if len(assigned_at) == 1 else None
    dm = records.study.tables["DM"]
    groups = groups_told(dm["ARMCD"], records.study.protocol)
    people = dm.select(SUBJECT, ARMCD=groups).drop_nulls("ARMCD")
    if milestone is None or not len(milestone):
        people = people.with_columns(earliest=pl.lit(None, MOMENT), latest=pl.lit(None, MOMENT))
    else:
        people = people.join(milestone.select(SUBJECT, "earliest", "latest"), on=SUBJECT)
    return _in_parts(people, "DM", result="ARMCD", when=("earliest", "latest"))


def _attestations(records: NamedRecords, fact: Fact) -> pl.DataFrame:
    rows = records.about(names_of(fact), "ATTEST")
    if not len(rows):
        return _NOTHING
    role = {} if fact.by is None else {as_spelt(fact.by): fact.by}
    rows = rows.with_columns(pl.coalesce(meanings(rows["evaluator"], role), "evaluator").alias("evaluator"))
    return _of(read_values(rows, fact), fact).with_columns(reader=pl.lit(None, pl.String))


def _in_parts(
    table: pl.DataFrame, domain: str, *, result: str, when: str | tuple[str, str] | None
) -> pl.DataFrame:
    """Records of which one variable is the result, as `findings` has them."""
    columns = (None, None) if when is None else moment_columns(when) if isinstance(when, str) else when
    nothing = [pl.lit(None, dtype).alias(name) for name, dtype in RESULT.items()]
    table = table.with_columns(one for one in nothing if one.meta.output_name() not in table.columns)
    return table.with_columns(STRESC=pl.col(result)).select(
        SUBJECT,
        *RESULT,
        *(
            (pl.col(column) if column else pl.lit(None, MOMENT)).alias(side)
            for column, side in zip(columns, ("earliest", "latest"), strict=True)
        ),
        pl.lit(None, pl.String).alias("evaluator"),
        *source(domain),
    )


def _of(rows: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    """Read results as records of a fact."""
    who = pl.col("evaluator") if fact.kind is Kind.ATTESTATION else pl.lit(None, pl.String)
    return _recorded(rows.with_columns(reader=meanings(rows["evaluator"], READERS), role=who), fact)


def _recorded(rows: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    """Records of a fact in the shape `RECORDED`: what these do not tell is null, or what `_UNTOLD` says."""
    there, named = set(rows.columns), {**_UNTOLD, "fact": fact.name}

    def column(name: str, kind: Any) -> pl.Expr:
        if name not in there:
            return pl.lit(named.get(name), kind).alias(name)
        return pl.col(name).fill_null(_UNTOLD[name]) if name in _UNTOLD else pl.col(name)

    return rows.select(column(name, kind) for name, kind in RECORDED.items())


def _responses(records: NamedRecords, fact: Fact) -> pl.DataFrame:
    """Responses by RECIST, derived from lesions or as the reader reports them."""
    rows = records.responses.filter(pl.col("fact") == fact.concept).with_columns(
        **{name: pl.lit(None, dtype) for name, dtype in RESULT.items() if name != "STRESC"},
        STRESC=pl.col("level"),
        told=pl.col("reader"),
    )
    hangs_on_a_day = pl.when(pl.col("STRESC").is_null()).then(Reason.IMPRECISE_DATE.code)
    read = read_values(rows, fact).with_columns(
        reader="told", reason=hangs_on_a_day.otherwise("reason").cast(pl.UInt8)
    )
    return _recorded(read, fact)
