"""ADBASE: what was known of each subject at the start, of every fact that an analysis names."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trialwright.derivations.adevt import by_place, interval_text
from trialwright.derivations.baselines import BASELINE, baselines_of, find_baselines, is_of
from trialwright.derivations.events import known_facts
from trialwright.derivations.known_columns import completed_years, reason_words, yes
from trialwright.derivations.laboratory_baselines import baseline_moments
from trialwright.derivations.laboratory_grades import impute_results
from trialwright.derivations.ordered import in_order
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
    named = (name for name in facts_named(study.protocol) if only is None or name in only)
    asked = [_fact(name, plan) for name in named]
    nothing = {"place": pl.Int64, "BASETYPE": pl.String, **_MADE}
    parts = [
        study.subjects.clear().with_columns(pl.lit(None, kind).alias(name) for name, kind in nothing.items()),
        *(_rows_of(fact, plan).with_columns(place=pl.lit(place)) for place, fact in enumerate(asked)),
    ]
    rows = _finished(pl.concat(parts, how="diagonal_relaxed"), asked).cast(pl.Schema(COLUMNS))
    return rows.select(*study.identity, SUBJECT, *COLUMNS).sort(SUBJECT, maintain_order=True)


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
    people = wide = adbase.select(keys).unique(maintain_order=True)
    rows = adbase.select(*keys, "PARAMCD", "PARTYPE", "AVALIMP", "AVALC")
    for (code,), of_fact in rows.partition_by("PARAMCD", as_dict=True, maintain_order=True).items():
        value = "AVALIMP" if of_fact["PARTYPE"][0] == NUMBER else "AVALC"
        told = of_fact.select(*keys, pl.col(value).alias(code.lower()))
        if told.select(keys).equals(people):  # as ADBASE has them: one row of each fact for everybody
            wide = pl.concat([wide, told.drop(keys)], how="horizontal")
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
                "time zero": Baseline.model_validate(
                    {"take": f"last on or before {protocol.time_zero}", "if missing": "earlier result"}
                )
            }
        return cls(
            facts,
            facts.study.subjects,
            {name: (one, baseline_moments(one, facts)) for name, one in named.items()},
        )

    def baseline_of(self, fact: str) -> str | None:
        """The first baseline that the fact has."""
        return next((name for name, (one, _) in self.baselines.items() if is_of(one, fact)), None)


def _fact(name: str, plan: _Plan) -> Fact:
    if name == AGE:
        label = plan.facts.study.protocol.facts[name].label or name
        return Fact(name=name, kind=Kind.NUMBER, label=label, unit=find_unit("years"))
    fact = plan.facts.study.scope.facts.get(name)
    if fact is None:
        raise ValueError(f"analyses name `{name}`, which is no fact of the protocol")
    return fact


def _rows_of(fact: Fact, plan: _Plan) -> pl.DataFrame:
    """The rows of one fact, one for everybody."""
    if fact.name == AGE:
        return _for_all(_ages(plan), plan)
    found = _scored(fact, plan) if fact.kind is Kind.SCORE else _found(fact, plan)
    kind = None if fact.once else plan.baseline_of(fact.name)
    return _for_all(found, plan).with_columns(BASETYPE=pl.lit(kind, pl.String))


def _for_all(found: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """A row for everybody: whoever has no candidate has no record of it (missing)."""
    return plan.people.join(found, on=SUBJECT, how="left", maintain_order="left").with_columns(
        pl.col("base_code").fill_null(_MISSING)
    )


# --- results ----------------------------------------------------------------------------------------------------------


def _found(fact: Fact, plan: _Plan) -> pl.DataFrame:
    """The baseline of a number or a level, as every baseline is found."""
    rows = plan.facts.records_of(fact.name).filter(pl.col("reason").is_not_null())
    rows = rows.rename({"subject": SUBJECT})
    name = plan.baseline_of(fact.name)
    if fact.once:
        rows = _numbered(_whenever(rows))
        found = find_baselines(rows, _ONCE).with_columns(base_day=pl.lit(None, pl.Date))
    elif name is not None:
        baseline, moments = plan.baselines[name]
        rows = rows.join(moments, on=SUBJECT, how="left", maintain_order="left")
        rows = _numbered(
            rows.filter(pl.col("earliest") <= pl.col("base_to"))
        )  # most are later, and no candidates
        found = find_baselines(rows, baseline)
    else:
        found = pl.DataFrame(schema={SUBJECT: pl.Int64, **BASELINE})
    sources = rows.select(pl.col("SRCDOM", "SRCSEQ").gather(found["base_row"]))
    assay = next(
        (one for one in plan.facts.study.protocol.assays.values() if one.measures == fact.name), None
    )
    imputed = impute_results(found, assay, "base_").rename({"imputed": "AVALIMP", "method": "IMPMETH"})
    return pl.concat([found, imputed, sources], how="horizontal")


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Records in the order of time, those of each person together, with the `row` of each."""
    ordered = in_order(rows, SUBJECT, "earliest", "latest", "SRCDOM", "SRCSEQ", nulls_last=True)
    return ordered.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))


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
    by_day = told.sort(SUBJECT, "base_day", "SRCDOM", "SRCSEQ", nulls_last=False, maintain_order=True)
    of_all = by_day.group_by(SUBJECT, maintain_order=True).agg(
        pl.col("base_day", "SRCDOM", "SRCSEQ").last(),
        pl.col("base_is_old").any(),
        pl.col("base_row").max(),
        pl.col("base_source").unique(maintain_order=True).implode().list.join(" "),
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
    return plan.people.select(SUBJECT, *columns).with_columns(base_code=pl.lit(reason.code, pl.UInt8))


_MADE: Mapping[str, Any] = {
    **BASELINE, "AVALIMP": pl.Float64, "IMPMETH": pl.String, "SRCDOM": pl.String, "SRCSEQ": pl.Int64,
}  # fmt: skip


# --- age --------------------------------------------------------------------------------------------------------------


def _ages(plan: _Plan) -> pl.DataFrame:
    """Completed years where eligibility asks for them, else at the moment of baseline, of everybody of whom they are told.

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
    return _counted(rows)


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


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """The ages of those of whom any is told, and how far they are known.

    `rows` have the date of birth (`earliest`, `latest`), the moment (`base_from`, `base_to`), and what DM gives: `AGE`, `AGEU`,
    and how many it gives, `n_ages`.
    """
    birth, at, until = (pl.col(name).dt.date() for name in ("earliest", "base_from", "base_to"))
    is_one_in_years = (pl.col("n_ages") == 1) & (pl.col("AGEU").is_null() | (pl.col("AGEU") == "YEARS"))
    rows = rows.with_columns(
        given=pl.when(is_one_in_years).then("AGE"),
        least=completed_years(pl.col("latest").dt.date(), at).cast(pl.Float64),
        most=completed_years(birth, until).cast(pl.Float64),
    ).filter(at.is_not_null() & (birth.is_not_null() | pl.col("given").is_not_null()))
    given, least, most = map(pl.col, ("given", "least", "most"))
    fits = (least < most) & given.is_between(least, most)
    is_given, is_possible = birth.is_null() | fits.fill_null(value=False), most >= 0
    exactly, imprecisely, impossible = (
        pl.lit(code, pl.UInt8) for code in (0, _IMPRECISE, Reason.CONFLICT.code)
    )
    return rows.select(
        SUBJECT,
        base_lo=pl.when(is_given).then(given).when(is_possible).then(least.clip(0)),
        base_hi=pl.when(is_given).then(given).when(is_possible).then(most),
        base_lo_open=False, base_hi_open=False, base_is_old=False, base_row=0,
        base_code=pl.when(is_given).then(exactly).when(~is_possible).then(impossible)
        .when(least == most).then(exactly).otherwise(imprecisely),
        base_day=pl.when(at == until).then(at),
        base_source=pl.lit("DM"), SRCDOM=pl.lit("DM"), SRCSEQ=None, IMPMETH=None,
    ).with_columns(AVALIMP=pl.when(pl.col("base_lo") == pl.col("base_hi")).then("base_lo"))  # fmt: skip


# --- columns ----------------------------------------------------------------------------------------------------------


def _finished(rows: pl.DataFrame, asked: Sequence[Fact]) -> pl.DataFrame:
    """The rows of all facts, each with the `place` of its fact, as ADBASE has them."""
    lo, hi = pl.col("base_lo"), pl.col("base_hi")
    ends = rows.select(lo=lo, hi=hi, lo_open="base_lo_open", hi_open="base_hi_open")
    said = ends.select(interval_text()).to_series()
    types = [LEVEL if fact.kind in (Kind.CATEGORY, Kind.YES_OR_NO) else NUMBER for fact in asked]
    is_level, is_known = by_place(types) == LEVEL, pl.col("base_code") == 0
    return rows.with_columns(
        PARAMCD=by_place(fact.name.upper() for fact in asked),
        PARAM=by_place(fact.label for fact in asked),
        PARTYPE=by_place(types),
        AVAL=pl.when(lo == hi).then(lo),
        AVALC=pl.when(is_level).then("base_level").otherwise(said),
        AVALLO=pl.when(lo.is_finite()).then(lo),
        AVALHI=pl.when(hi.is_finite()).then(hi),
        AVALU=by_place(str(fact.unit) if fact.unit else None for fact in asked),
        ADT="base_day",
        REASON=pl.when(~is_known).then(reason_words(rows["base_code"].to_numpy())),
        BASEOLD=yes(pl.col("base_is_old") & pl.col("base_row").is_not_null()),
        SRCALL="base_source",
        PROTOCOL=by_place(f"facts.{fact.name}" for fact in asked),
    )
