"""ADBASE: what was known of each subject at the start, of every fact that an analysis names."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from trialwright.derivations.adevt import interval_text
from trialwright.derivations.baselines import BASELINE, baselines_of, find_baselines, is_of
from trialwright.derivations.events import known_facts
from trialwright.derivations.known_columns import REASONS, yes
from trialwright.derivations.laboratory_baselines import baseline_moments
from trialwright.derivations.laboratory_grades import impute_results
from trialwright.derivations.recorded_facts import ANY_TIME
from trialwright.derivations.scored import with_scores
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.evaluation.scores import computable_scores
from trialwright.evaluation.table import OBSERVATIONS
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact, Scope
from trialwright.protocol.model import Baseline
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.references import facts_named
from trialwright.protocol.rule_tree import Moment
from trialwright.protocol.rules import parse_rule
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.concepts import Kind
from trialwright.vocabulary.partial_dates import LeapBirthday, completed_years
from trialwright.vocabulary.units import find_unit
from trialwright.vocabulary.verdicts import Reason

AGE = "age"
"""The fact that rules compute from the date of birth."""

COLUMNS: Mapping[str, Any] = {
    "PARAMCD": pl.String, "PARAM": pl.String, "PARTYPE": pl.String, "AVAL": pl.Float64, "AVALC": pl.String,
    "AVALLO": pl.Float64, "AVALHI": pl.Float64, "AVALIMP": pl.Float64, "IMPMETH": pl.String, "AVALU": pl.String,
    "ADT": pl.Date, "REASON": pl.String, "BASETYPE": pl.String, "BASEOLD": pl.String, "SRCDOM": pl.String,
    "SRCSEQ": pl.Int64, "SRCALL": pl.String, "PROTOCOL": pl.String,
}  # fmt: skip
NUMBER, LEVEL = "number", "level"

_MISSING, _IMPRECISE = Reason.MISSING.code, Reason.IMPRECISE_DATE.code


def derive_adbase(
    study: Study, facts: StudyFacts | None = None, only: Container[str] | None = None
) -> pl.DataFrame:
    """One row a subject and fact that any analysis compares, describes, adjusts or weights by.

    Parameters
    ----------
    study : Study
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.
    only : container of str, optional
        The names of the facts wanted, where not all are.

    Returns
    -------
    adbase : DataFrame
        Key columns, `STUDYID`, `USUBJID`, `SUBJECT`, and

        PARAMCD, PARAM  name of the fact in capitals, and its label
        PARTYPE         `number` or `level`
        AVAL            the number, in `AVALU`, where it is exact
        AVALC           the level, or the number in words (`<20`)
        AVALLO, AVALHI  from where to where a number may lie
        AVALIMP         the number that stands for one beyond the limits of its assay, by `IMPMETH`; else `AVAL`
        ADT             day of the record; of a score that of the last of its parts, of age the day it is counted at
        REASON          why it is not known, or not exactly
        BASETYPE        the baseline of the protocol it is; null of what is known once, and of age
        BASEOLD         Y where it is older than that baseline's `within`
    """
    facts = known_facts(study) if facts is None else facts
    plan = _Plan.of(facts)
    named = [name for name in facts_named(study.protocol) if only is None or name in only]
    parts = [_row_of(name, plan) for name in named]
    nothing = pl.DataFrame(schema={SUBJECT: pl.Int64, "order": pl.Int64, **COLUMNS})
    rows = pl.concat([nothing, *(part.with_columns(order=pl.lit(i, pl.Int64)).select(nothing.columns).cast(nothing.schema) for i, part in enumerate(parts))])  # fmt: skip
    return (
        study.subjects.join(rows, on=SUBJECT, maintain_order="left")
        .sort(SUBJECT, "order")
        .select(*study.identity, SUBJECT, *COLUMNS)
    )


def baseline_frame(adbase: pl.DataFrame) -> pl.DataFrame:
    """The facts at the start as analyses take them: one row a subject, one column a fact, by its name.

    Parameters
    ----------
    adbase : DataFrame
        As `derive_adbase` gives it, with or without `SUBJECT`.

    Returns
    -------
    facts : DataFrame
        `SUBJECT` if it is there, `USUBJID`, and a Float64 column for each number, a String column for each level. A number
        beyond the limits of its assay is what the protocol lets stand for it (`AVALIMP`). What is not known is null.
    """
    keys = [name for name in (SUBJECT, "USUBJID") if name in adbase.columns]
    wide = adbase.select(keys).unique(keys[0], maintain_order=True)
    people = wide
    facts = adbase.select(*keys, "PARAMCD", "PARTYPE", "AVALIMP", "AVALC")
    for (code, kind), rows in facts.partition_by(
        "PARAMCD", "PARTYPE", as_dict=True, maintain_order=True
    ).items():
        told = rows.select(*keys, pl.col("AVALIMP" if kind == NUMBER else "AVALC").alias(code.lower()))
        if told.select(keys).equals(people):  # as `derive_adbase` gives it
            wide = wide.hstack(told.drop(keys))
        else:
            wide = wide.join(told, on=keys, how="left", maintain_order="left", validate="1:1")
    return wide


# --- what is the same for all facts -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """What is known, and the baselines with their moments, the protocol's own first."""

    facts: StudyFacts
    people: pl.DataFrame
    baselines: Mapping[str, tuple[Baseline, pl.DataFrame]]

    @classmethod
    def of(cls, facts: StudyFacts) -> _Plan:
        protocol = facts.study.protocol
        named = baselines_of(protocol)
        if not named and protocol.time_zero:
            named = {
                "time zero": Baseline(
                    take=f"last on or before {protocol.time_zero}", if_missing="earlier result"
                )
            }
        return cls(
            facts,
            facts.study.subjects.select(SUBJECT),
            {name: (one, baseline_moments(one, facts)) for name, one in named.items()},
        )

    def baseline_of(self, fact: str) -> str | None:
        """The first baseline that the fact has."""
        return next((name for name, (one, _) in self.baselines.items() if is_of(one, fact)), None)


def _row_of(name: str, plan: _Plan) -> pl.DataFrame:
    """The rows of one fact, one for everybody."""
    fact = plan.facts.study.scope.facts.get(name)
    if name == AGE:
        label = plan.facts.study.protocol.facts[name].label or name
        ages = _ages(plan).with_columns(BASETYPE=pl.lit(None, pl.String))
        return _finished(ages, Fact(name=name, kind=Kind.NUMBER, label=label, unit=find_unit("years")))
    if fact is None:
        raise ValueError(f"analyses name `{name}`, which is no fact of the protocol")
    found = _scored(fact, plan) if fact.kind is Kind.SCORE else _found(fact, plan)
    kind = None if fact.once else plan.baseline_of(fact.name)
    return _finished(_for_all(found, plan).with_columns(BASETYPE=pl.lit(kind, pl.String)), fact)


def _for_all(found: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """A row for everybody: whoever has no candidate has no record of it (missing)."""
    return plan.people.join(found, on=SUBJECT, how="left", maintain_order="left").with_columns(
        pl.col("base_code").fill_null(_MISSING)
    )


# --- results ----------------------------------------------------------------------------------------------------------


def _found(fact: Fact, plan: _Plan) -> pl.DataFrame:
    """The baseline of a number or a level, as every baseline is found."""
    rows = plan.facts.records_of(fact.name).filter(pl.col("reason").is_not_null())
    rows = rows.rename({"subject": SUBJECT}).sort(
        SUBJECT, "earliest", "latest", "SRCDOM", "SRCSEQ", nulls_last=True
    )
    rows = rows.with_row_index("row").cast({"row": pl.Int64})
    name = plan.baseline_of(fact.name)
    if fact.once:
        found = find_baselines(_whenever(rows), _ONCE).with_columns(base_day=pl.lit(None, pl.Date))
    elif name is not None:
        baseline, moments = plan.baselines[name]
        found = find_baselines(rows.join(moments, on=SUBJECT, how="left", maintain_order="left"), baseline)
    else:
        found = pl.DataFrame(schema={SUBJECT: pl.Int64, **BASELINE})
    sources = rows.select(base_row="row", SRCDOM="SRCDOM", SRCSEQ="SRCSEQ")
    assay = next(
        (one for one in plan.facts.study.protocol.assays.values() if one.measures == fact.name), None
    )
    imputed = impute_results(found, assay, "base_").rename({"imputed": "AVALIMP", "method": "IMPMETH"})
    return pl.concat([found, imputed], how="horizontal").join(
        sources, on="base_row", how="left", maintain_order="left"
    )


_ONCE = Baseline(take="last on or before birth_date")
"""How to find what is known once: records that differ are in conflict, whenever they were made."""


def _whenever(rows: pl.DataFrame) -> pl.DataFrame:
    """Records of what is known once, all of one moment."""
    always = {name: pl.lit(ANY_TIME[0], MOMENT) for name in ("earliest", "latest", "base_from", "base_to")}
    return rows.with_columns(**always)


# --- scores -----------------------------------------------------------------------------------------------------------


def _scored(fact: Fact, plan: _Plan) -> pl.DataFrame:
    """A score of the baselines of its parts, as a rule finds it who knows nothing else; it comes from the last of them."""
    scope = plan.facts.asked.scope
    if fact.name not in computable_scores(scope.facts):
        return _nothing(plan, Reason.NOT_APPLICABLE)
    by_concept = {one.concept: one for one in scope.facts.values()}
    parts = [by_concept[part] for part in fact.parts]
    known = {one.name: _found(one, plan).with_columns(fact=pl.lit(one.name)) for one in parts}
    told = pl.concat(rows.select(SUBJECT, *_TOLD) for rows in known.values())
    of_all = told.sort(SUBJECT, "base_day", nulls_last=False).group_by(SUBJECT, maintain_order=True).agg(
        pl.col("base_day", "SRCDOM", "SRCSEQ").last(),
        pl.col("base_is_old").any(),
        pl.col("base_row").max(),
        pl.col("base_source").unique(maintain_order=True).str.join(" "),
    )  # fmt: skip
    made = _computed(fact, scope, pl.concat(map(_observed, known.values())), plan)
    return made.join(of_all, on=SUBJECT, how="left", maintain_order="left").with_columns(
        pl.when(pl.col("base_lo") == pl.col("base_hi")).then("base_lo").alias("AVALIMP"),
        *(pl.lit(None, pl.String).alias(name) for name in ("IMPMETH", "base_level")),
    )


_TOLD = ("base_day", "base_is_old", "base_row", "base_source", "SRCDOM", "SRCSEQ")


def _observed(found: pl.DataFrame) -> pl.DataFrame:
    """Baselines as the only observations there are, one a person and all of one moment."""
    here = {name: pl.lit(ANY_TIME[0], MOMENT) for name in ("earliest", "latest")}
    names = {
        name.removeprefix("base_"): name
        for name in ("base_lo", "base_hi", "base_lo_open", "base_hi_open", "base_level")
    }
    rows = found.select(
        subject=SUBJECT, record=pl.lit(0, pl.Int64), fact="fact", reason="base_code", is_converted="base_converted",
        lln=None, uln=None, role=None, **here, **names,
    )  # fmt: skip
    schema = pl.Schema({**OBSERVATIONS, "subject": pl.Int64, "record": pl.Int64})
    return rows.select(schema.keys()).cast(schema)


def _computed(fact: Fact, scope: Scope, observations: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """`SUBJECT`, the ends of the score and why it is not known."""
    here = {name: pl.lit(ANY_TIME[0], MOMENT) for name in ("earliest", "latest")}
    people = plan.facts.subjects_at(plan.people.select(pl.col(SUBJECT).alias("subject"), **here))
    scored = with_scores(
        {fact.name: parse_rule(f"score({fact.name}, ever) >= 0")}, scope, observations, people
    )
    made = scored.observations.filter(pl.col("fact").is_in([*scored.scope.facts.keys() - scope.facts.keys()]))
    ends = {f"base_{end}": end for end in ("lo", "hi", "lo_open", "hi_open")}
    return made.select(pl.col("subject").alias(SUBJECT), base_code="reason", **ends)


def _nothing(plan: _Plan, reason: Reason) -> pl.DataFrame:
    """Nobody's value is known, for one reason."""
    columns = [pl.lit(None, kind).alias(name) for name, kind in _MADE.items()]
    return plan.people.with_columns(columns).with_columns(base_code=pl.lit(reason.code, pl.UInt8))


_MADE: Mapping[str, Any] = {
    **BASELINE, "AVALIMP": pl.Float64, "IMPMETH": pl.String, "SRCDOM": pl.String, "SRCSEQ": pl.Int64,
}  # fmt: skip


# --- age --------------------------------------------------------------------------------------------------------------


def _ages(plan: _Plan) -> pl.DataFrame:
    """Completed years where eligibility asks for them, else at the moment of baseline.

    Counted from the date of birth as rules count. Where that is not known to the day, what DM gives as AGE, if it can be.
    """
    facts = plan.facts
    given = facts.study.tables["DM"].group_by(SUBJECT, maintain_order=True).agg(
        pl.col("AGE", "AGEU").first(), n_ages=pl.col("AGE").n_unique()
    )  # fmt: skip
    birth = facts.moment(Moment("birth_date")).select(pl.col("subject").alias(SUBJECT), "earliest", "latest")
    rows = (
        plan.people.join(birth, on=SUBJECT, how="left", maintain_order="left")
        .join(_age_moment(plan), on=SUBJECT, how="left", maintain_order="left")
        .join(given, on=SUBJECT, how="left", maintain_order="left")
    )
    found = [_age(row) for row in rows.iter_rows(named=True)]
    ages = pl.DataFrame(found, schema={SUBJECT: pl.Int64, **_MADE})
    return ages.with_columns(AVALIMP=pl.when(pl.col("base_lo") == pl.col("base_hi")).then("base_lo"))


def _age_moment(plan: _Plan) -> pl.DataFrame:
    """`SUBJECT`, `base_from`, `base_to`: where the one criterion that asks for age is judged, else the moment of baseline."""
    protocol, rules = plan.facts.study.protocol, plan.facts.rules
    asked = {
        one.at or protocol.eligibility.at or protocol.time_zero
        for side in ("inclusion", "exclusion")
        for name, one in getattr(protocol.eligibility, side).items()
        if (path := f"eligibility.{side}.{name}.when") in rules
        and any(isinstance(node, tree.Age) for node in tree.walk(rules[path].condition))
    }
    if len(asked) == 1 and (at := asked.pop()) is not None:
        found = plan.facts.moment(parse_moment(at))
        return found.select(pl.col("subject").alias(SUBJECT), base_from="earliest", base_to="latest")
    if plan.baselines:
        return next(iter(plan.baselines.values()))[1]
    return pl.DataFrame(schema={SUBJECT: pl.Int64, "base_from": MOMENT, "base_to": MOMENT})


def _age(row: Mapping[str, Any]) -> dict[str, Any]:
    """The age of one person, and how far it is known."""
    told = {
        SUBJECT: row[SUBJECT],
        "base_lo_open": False,
        "base_hi_open": False,
        "base_is_old": False,
        "base_row": 0,
    }
    told |= {"SRCDOM": "DM", "base_source": "DM"}
    at, until = row["base_from"], row["base_to"]
    if at is None:
        return {SUBJECT: row[SUBJECT], "base_code": _MISSING, "base_is_old": False}
    told["base_day"] = at.date() if at.date() == until.date() else None
    given = row["AGE"] if row["AGEU"] in (None, "YEARS") and row["n_ages"] == 1 else None
    if row["earliest"] is None:
        if given is None:
            return {SUBJECT: row[SUBJECT], "base_code": _MISSING, "base_is_old": False}
        return told | {"base_lo": given, "base_hi": given, "base_code": 0}
    least, most = _years(row["latest"], at), _years(row["earliest"], until)
    if least < most and given is not None and least <= given <= most:
        return told | {"base_lo": given, "base_hi": given, "base_code": 0}
    if most < 0:
        return told | {"base_code": Reason.CONFLICT.code}
    code = 0 if least == most else _IMPRECISE
    return told | {"base_lo": max(least, 0), "base_hi": most, "base_code": code}


def _years(birth: Any, on: Any) -> float:
    return float(completed_years(birth.date(), on.date(), leap_birthday=LeapBirthday.MARCH_1))


# --- columns ----------------------------------------------------------------------------------------------------------


def _finished(rows: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    lo, hi = pl.col("base_lo"), pl.col("base_hi")
    is_level = fact.kind in (Kind.CATEGORY, Kind.YES_OR_NO)
    ends = rows.select(lo=lo, hi=hi, lo_open="base_lo_open", hi_open="base_hi_open")
    said = ends.select(interval_text()).to_series()
    is_known = pl.col("base_code") == 0
    return rows.with_columns(
        pl.lit(fact.name.upper()).alias("PARAMCD"),
        pl.lit(fact.label).alias("PARAM"),
        pl.lit(LEVEL if is_level else NUMBER).alias("PARTYPE"),
        pl.when(lo == hi).then(lo).alias("AVAL"),
        pl.col("base_level").alias("AVALC") if is_level else pl.Series("AVALC", said),
        pl.when(lo.is_finite()).then(lo).alias("AVALLO"),
        pl.when(hi.is_finite()).then(hi).alias("AVALHI"),
        pl.lit(str(fact.unit) if fact.unit else None, pl.String).alias("AVALU"),
        pl.col("base_day").alias("ADT"),
        pl.when(~is_known).then(pl.col("base_code").replace_strict(REASONS, default=None, return_dtype=pl.String)).alias("REASON"),
        yes(pl.col("base_is_old") & pl.col("base_row").is_not_null()).alias("BASEOLD"),
        pl.col("base_source").alias("SRCALL"),
        pl.lit(f"facts.{fact.name}").alias("PROTOCOL"),
    )  # fmt: skip
