"""ADELIG: the criteria of eligibility, each judged for everybody."""

from __future__ import annotations

import polars as pl

from trialwright.derivations.events import known_facts
from trialwright.derivations.judged import RuleAt, judge_each
from trialwright.derivations.known_columns import reason_words
from trialwright.derivations.minutes import MET, NOT_MET
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts


def derive_adelig(study: Study, facts: StudyFacts | None = None) -> pl.DataFrame:
    """One row a subject and criterion.

    Parameters
    ----------
    study : Study
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.

    Returns
    -------
    adelig : DataFrame
        Key columns, `STUDYID`, `USUBJID`, `SUBJECT`, and

        PARAMCD, PARAM  name and text of the criterion
        PARCAT          `inclusion` or `exclusion`
        ADT             the day it is judged at; null where that is not known to the day
        AVALC           `met`, `not met` or `unknown`: of an exclusion criterion, `met` is what excludes
        REASON          why it is unknown
        PROTOCOL        `eligibility.inclusion.age`
    """
    facts = known_facts(study) if facts is None else facts
    eligibility = study.protocol.eligibility
    criteria = {
        f"{side}.{name}": one
        for side in ("inclusion", "exclusion")
        for name, one in getattr(eligibility, side).items()
    }
    asked = {}
    for path, one in criteria.items():
        rule = facts.rules.get(f"eligibility.{path}.when")
        asked[path] = RuleAt(
            rule.condition if rule else None, one.at or eligibility.at or study.protocol.time_zero
        )
    codes = judge_each(facts, asked)
    parts = [_of(codes, path, one.text) for path, one in criteria.items()]
    columns = ("PARAMCD", "PARAM", "PARCAT", "ADT", "AVALC", "REASON", "PROTOCOL")
    nothing = pl.DataFrame(
        schema={"subject": pl.Int64, **dict.fromkeys(columns, pl.String), "ADT": pl.Date, "order": pl.Int64}
    )
    rows = pl.concat(
        [nothing, *(part.with_columns(order=pl.lit(i, pl.Int64)) for i, part in enumerate(parts))]
    )
    return (
        study.subjects.join(rows, left_on=SUBJECT, right_on="subject", maintain_order="left")
        .sort(SUBJECT, "order")
        .select(*study.identity, SUBJECT, *columns)
    )


def _of(codes: pl.DataFrame, path: str, text: str) -> pl.DataFrame:
    side, _, name = path.partition(".")
    first, last = (pl.col(f"{path} {end}").dt.date() for end in ("earliest", "latest"))
    verdict = pl.col(path).replace_strict(
        {MET: "met", NOT_MET: "not met"}, default="unknown", return_dtype=pl.String
    )
    return codes.select(
        "subject",
        PARAMCD=pl.lit(name),
        PARAM=pl.lit(text),
        PARCAT=pl.lit(side),
        ADT=pl.when(first == last).then(first),
        AVALC=verdict,
        REASON=reason_words(codes[path].to_numpy()),
        PROTOCOL=pl.lit(f"eligibility.{path}"),
    )
