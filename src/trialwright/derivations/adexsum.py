"""ADEXSUM: what each person got of each study treatment in all, and why it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from trialwright.derivations.adex import LONG_GAP_DAYS
from trialwright.derivations.events import known_facts
from trialwright.derivations.known_columns import REASONS, spelt, study_day
from trialwright.derivations.minutes import MET, NOT_MET
from trialwright.derivations.named_records import as_spelt
from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.study_facts import StudyFacts
from trialwright.protocol.model import Treatment
from trialwright.records.dates import MOMENT
from trialwright.vocabulary.verdicts import Reason

_MISSING, _NEEDS_A_PERSON = Reason.MISSING.value, Reason.NEEDS_A_PERSON.code
_ROW: Mapping[str, Any] = {
    "TREATMENT": pl.String, "PARAMCD": pl.String, "PARAM": pl.String, "AVAL": pl.Float64, "AVALC": pl.String,
    "AVALU": pl.String, "ADT": pl.Date, "REASON": pl.String, "SRCDOM": pl.String, "SRCSEQ": pl.Int64, "SRCALL": pl.String,
    "PROTOCOL": pl.String,
}  # fmt: skip
_LABELS = {
    "NDOSE": "Doses given", "NOTGIVEN": "Doses left out, as recorded", "NSKIP": "Doses skipped", "NLATE": "Doses late",
    "NEARLY": "Doses early", "MAXDELAY": "Longest delay of a dose (days)", "TOTDOSE": "Total dose",
    "EXPDAYS": "Days of exposure", "TRLDAYS": "Days of exposure from time zero on", "RDI": "Relative dose intensity (%)", "COVDAYS": "Days covered",
    "NGAP": "Gaps", "MAXGAP": "Longest gap (days)", "NGAP14": f"Gaps of more than {LONG_GAP_DAYS} days",
    "FIRSTDT": "First day", "LASTDT": "Last day", "STOPREAS": "Reason for the end, as recorded",
    "STOPAGR": "Whether a rule of the protocol ended it", "WENTON": "Whether it went on after this was so",
}  # fmt: skip
_DAYS = ("FIRSTDT", "LASTDT")


def derive_adexsum(
    study: Study, adsl: pl.DataFrame, adex: pl.DataFrame, facts: StudyFacts | None = None
) -> pl.DataFrame:
    """One row a subject, treatment and parameter, for those who have any record of the treatment.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT`, `STARTDT`, `DTHDT`, `CUTDT`.
    adex : DataFrame
        As `derive_adex` gives it.
    facts : StudyFacts, optional
        `known_facts(study)`, where it is there already.

    Returns
    -------
    adexsum : DataFrame
        `PARAMCD` and `AVAL`, `AVALC` or `ADT`; where none follows, `REASON`. `UNTIL` has a row for each rule that ends the
        treatment: met, not met or unknown on the day it ended, or else on the day of the last dose. `STOPAGR` is Y where
        it ended and a rule was met, N where none was; `WENTON` is Y, for each of these rules, where it was met the day
        before the last dose. Formulas stand in docs/derivations-safety.md.
    """
    facts = known_facts(study) if facts is None else facts
    zero = adsl.select(SUBJECT, "STARTDT", "DTHDT", "CUTDT")
    adex = adex.join(zero, on=SUBJECT, how="left", maintain_order="left")
    parts = [pl.DataFrame(schema={SUBJECT: pl.Int64, **_ROW})]
    for name, treatment in study.protocol.treatments.items():
        rows = adex.filter(pl.col("TREATMENT") == name)
        if len(rows):
            ends = recorded_ends(study, name, treatment)
            parts += [*_amounts(rows, name, treatment), _long(ends.drop("latest"), name, "STOPREAS")]
            parts += _rules(rows, facts, name, treatment, ends)
    order = {name: place for place, name in enumerate(study.protocol.treatments)}
    return (
        pl.concat(parts)
        .join(zero, on=SUBJECT, how="left", maintain_order="left")
        .join(study.subjects.select(SUBJECT, *study.identity), on=SUBJECT, maintain_order="left")
        .sort(SUBJECT, pl.col("TREATMENT").replace_strict(order, return_dtype=pl.Int64), maintain_order=True)
        .with_columns(study_day(pl.col("ADT"), pl.col("STARTDT")).alias("ADY"))
        .select(*study.identity, SUBJECT, *(name for name in _ROW if name != "ADT"), "ADT", "ADY")
    )


def _long(frame: pl.DataFrame, name: str, code: str, *, label: str = "", path: str = "") -> pl.DataFrame:
    """Rows of one parameter; what a frame does not tell is null."""
    told = frame.with_columns(
        TREATMENT=pl.lit(name),
        PARAMCD=pl.lit(code),
        PARAM=pl.lit(label or _LABELS[code]),
        PROTOCOL=pl.lit(path or f"treatments.{name}"),
    )
    missing = [
        pl.lit(None, kind).alias(column) for column, kind in _ROW.items() if column not in told.columns
    ]
    return told.with_columns(missing).select(SUBJECT, *_ROW).cast(pl.Schema({SUBJECT: pl.Int64, **_ROW}))


# --- amounts ------------------------------------------------------------------------------------------------------------


def _amounts(rows: pl.DataFrame, name: str, treatment: Treatment) -> Iterator[pl.DataFrame]:
    """Counts, days and doses of one treatment."""
    given = pl.col("GIVENFL") == "Y"
    taken = rows.filter(given)
    is_dated = pl.col("ADT").is_not_null().all()
    first, last = pl.col("ADT").min(), pl.max_horizontal(pl.col("ADT").max(), pl.col("AENDT").max())
    every = treatment.every.days if treatment.every else 1
    days = (last - first).dt.total_days() + every
    knows = pl.col("AVAL").is_not_null().all()
    total = pl.when(knows).then(pl.col("AVAL").sum())
    undated = pl.when(~is_dated).then(pl.lit(Reason.IMPRECISE_DATE.value))
    found = {"FIRSTDT": pl.when(is_dated).then(first), "LASTDT": pl.when(is_dated).then(last)}
    found |= {"EXPDAYS": pl.when(is_dated).then(days)} if every else {}
    reasons: dict[str, Any] = dict.fromkeys(found, undated)
    if every:
        zero = pl.col("STARTDT").first()
        covered = last + pl.duration(days=every - 1)
        lived = pl.min_horizontal(covered, pl.col("DTHDT").first(), pl.col("CUTDT").first())
        since = (lived - pl.max_horizontal(first, zero)).dt.total_days() + 1
        found["TRLDAYS"] = pl.when(is_dated & zero.is_not_null()).then(since.clip(lower_bound=0))
        reasons["TRLDAYS"] = undated.when(zero.is_null()).then(pl.lit(_MISSING))
    if treatment.every:
        unmeasured = pl.col("INTERVAL").is_null().sum() > 1
        intervals = {
            "NSKIP": pl.col("NSKIP").sum(),
            "NLATE": pl.col("TIMING").is_in(["late", "after a skipped dose"]).sum(),
            "NEARLY": (pl.col("TIMING") == "early").sum(),
            "MAXDELAY": pl.col("DELAYD").max(),
        }
        if treatment.skipped_after is None:
            del intervals["NSKIP"]
        found |= {code: pl.when(~unmeasured).then(value) for code, value in intervals.items()}
        reasons |= dict.fromkeys(intervals, pl.when(unmeasured).then(pl.lit(Reason.IMPRECISE_DATE.value)))
        reasons["MAXDELAY"] = (
            reasons["MAXDELAY"].when(pl.len() == 1).then(pl.lit(Reason.NOT_APPLICABLE.value))
        )
        found |= {"TOTDOSE": total}
        reasons["TOTDOSE"] = pl.when(~knows).then(pl.col("REASON").drop_nulls().first())
        if treatment.dose and every:
            planned = float(treatment.dose.number) / every
            found["RDI"] = pl.when(is_dated).then(100 * total / days / planned)
            reasons["RDI"] = undated.when(~knows).then(pl.col("REASON").drop_nulls().first())
    else:
        unknown = pl.col("GAPD").is_null().any()
        gaps = {
            "COVDAYS": days - pl.col("GAPD").sum(),
            "NGAP": (pl.col("GAPD") > 0).sum(),
            "MAXGAP": pl.col("GAPD").max(),
            "NGAP14": (pl.col("GAPD") > LONG_GAP_DAYS).sum(),
        }
        found |= {code: pl.when(~unknown).then(value) for code, value in gaps.items()}
        reasons |= dict.fromkeys(gaps, pl.when(unknown).then(pl.lit(Reason.IMPRECISE_DATE.value)))
    counts = rows.group_by(SUBJECT, maintain_order=True).agg(
        NDOSE=given.sum(), NOTGIVEN=(~given).sum(), SRCALL=pl.col("SRCALL").str.join(" ")
    )
    wide = taken.group_by(SUBJECT, maintain_order=True).agg(
        *(value.alias(code) for code, value in found.items()),
        *(why.alias(f"{code} why") for code, why in reasons.items()),
        pl.col("AVALU").drop_nulls().first().alias("unit"),
        pl.col("SRCALL").str.join(" "),
    )
    for code in ("NDOSE", "NOTGIVEN") if treatment.every else ():
        yield _long(counts.select(SUBJECT, "SRCALL", AVAL=pl.col(code)), name, code)
    for code in found:
        value = {"ADT": pl.col(code)} if code in _DAYS else {"AVAL": pl.col(code)}
        unit = {"AVALU": pl.col("unit")} if code == "TOTDOSE" else {}
        yield _long(wide.select(SUBJECT, "SRCALL", **value, **unit, REASON=pl.col(f"{code} why")), name, code)


# --- why it ended -------------------------------------------------------------------------------------------------------


def recorded_ends(study: Study, name: str, treatment: Treatment) -> pl.DataFrame:
    """The end of treatment as recorded: the first record of it, its day and its reason."""
    called = [as_spelt(text) for text in (name, treatment.label) if text]
    table = study.tables["DS"].filter(
        spelt(pl.col("DSCAT")) == "DISPOSITION EVENT", spelt(pl.col("DSSCAT")).is_in(called)
    )
    first = table.sort(SUBJECT, "DSSTDTC_earliest", "DSSEQ", nulls_last=True).unique(
        SUBJECT, keep="first", maintain_order=True
    )
    is_day = pl.col("DSSTDTC_earliest").dt.date() == pl.col("DSSTDTC_latest").dt.date()
    return first.select(
        SUBJECT,
        AVALC=spelt(pl.col("DSDECOD")),
        ADT=pl.when(is_day).then(pl.col("DSSTDTC_earliest").dt.date()),
        REASON=pl.when(pl.col("DSDECOD").is_null()).then(pl.lit(_MISSING)),
        latest=pl.col("DSSTDTC_latest"),
        SRCDOM=pl.lit("DS"),
        SRCSEQ=pl.col("DSSEQ"),
        SRCALL=pl.format("DS.{}", "DSSEQ"),
    )


def _rules(
    rows: pl.DataFrame, facts: StudyFacts, name: str, treatment: Treatment, ends: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """What the rules that end a treatment say of its end, and whether it went on after one."""
    if not treatment.until:
        return
    last = rows.filter(pl.col("GIVENFL") == "Y").group_by(SUBJECT, maintain_order=True).agg(
        pl.max_horizontal(pl.col("ADTH").max(), pl.col("AENDT").max()).cast(MOMENT).alias("last"),
    ).drop_nulls()  # fmt: skip
    ended = last.join(
        ends.select(SUBJECT, "latest", has_ended=pl.lit(value=True)),
        on=SUBJECT,
        how="left",
        maintain_order="left",
    )
    at_end = _verdicts(
        facts, name, treatment, ended.select(SUBJECT, at=pl.coalesce("latest", pl.col("last") + _REST_OF_DAY))
    )
    for stop, rule in treatment.until.items():
        path = f"treatments.{name}.until.{stop}"
        told = at_end.select(SUBJECT, ADT=pl.col("at").dt.date(), **_in_words(pl.col(stop)))
        yield _long(told, name, "UNTIL", label=rule.text, path=path)
    any_met = pl.max_horizontal(*treatment.until)
    agreed = at_end.join(ended.filter("has_ended"), on=SUBJECT, how="semi").select(
        SUBJECT, ADT=pl.col("at").dt.date(), **_in_words(any_met, met="Y", not_met="N")
    )
    yield _long(agreed, name, "STOPAGR")
    if treatment.every:
        eve = _verdicts(
            facts, name, treatment, last.select(SUBJECT, at=pl.col("last") - timedelta(minutes=1))
        )
        for stop, rule in treatment.until.items():
            path = f"treatments.{name}.until.{stop}"
            words = _in_words(pl.col(stop), met="Y", not_met="N")
            went_on = eve.select(SUBJECT, ADT=pl.col("at").dt.date(), **words)
            yield _long(went_on, name, "WENTON", label=f"{_LABELS['WENTON']}: {rule.text}", path=path)


_REST_OF_DAY = timedelta(hours=23, minutes=59)


def _verdicts(facts: StudyFacts, name: str, treatment: Treatment, at: pl.DataFrame) -> pl.DataFrame:
    """The code of each rule that ends a treatment on a day of each subject; one without a rule needs a person."""
    paths = {stop: f"treatments.{name}.until.{stop}.when" for stop in treatment.until}
    rules = {stop: facts.rules[path].condition for stop, path in paths.items() if path in facts.rules}
    day = at.select(subject=SUBJECT, earliest=pl.col("at").dt.truncate("1d"), latest="at")
    judged = facts.judge_at(rules, day) if rules else day.select("subject")
    others = [pl.lit(_NEEDS_A_PERSON, pl.UInt8).alias(stop) for stop in treatment.until if stop not in rules]
    return at.join(
        judged.with_columns(others), left_on=SUBJECT, right_on="subject", how="left", maintain_order="left"
    )


def _in_words(code: pl.Expr, *, met: str = "met", not_met: str = "not met") -> dict[str, pl.Expr]:
    """The verdict as `AVALC`, null where it is unknown, and the `REASON`."""
    known = pl.when(code == MET).then(pl.lit(met)).when(code == NOT_MET).then(pl.lit(not_met))
    unknown = "unknown" if met == "met" else None
    return {
        "AVALC": known.otherwise(pl.lit(unknown, pl.String)),
        "REASON": code.replace_strict(REASONS, default=None, return_dtype=pl.String),
    }
