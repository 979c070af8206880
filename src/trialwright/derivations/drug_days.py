"""Drugs that are taken over a time, as days of it: enough of them that no window a rule asks of can fall between two.

Rules know records of drugs by their dates. What is given once is one date; what is taken from one day to another is
its first and its last day, and days between them no further apart than the shortest window that any rule asks of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from trialwright.derivations.doses import is_one_a_day
from trialwright.derivations.study import SUBJECT, Study
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.facts import Fact
from trialwright.vocabulary.durations import Duration, TimeUnit
from trialwright.vocabulary.problems import Problem, ProblemsFound

FARTHEST = 28
"""Days from one day of a drug to the next, at most."""

_LEAST_DAYS: Mapping[TimeUnit, int] = {
    TimeUnit.DAYS: 1,
    TimeUnit.WEEKS: 7,
    TimeUnit.MONTHS: 28,
    TimeUnit.YEARS: 365,
}


def as_days(records: pl.DataFrame, drug: Fact, study: Study, alive: pl.DataFrame) -> pl.DataFrame:
    """The records of a drug laid out over their days.

    Parameters
    ----------
    records : DataFrame
        Of the shape `RECORDED`.
    drug : Fact
    study : Study
    alive : DataFrame
        `SUBJECT` and `LSTALVDT`, the last day known alive: so far reaches what has not ended.

    Returns
    -------
    days : DataFrame
        The same columns and `day`: 0 for the record itself, at its first day, and counting for the days after it.

    Raises
    ------
    ProblemsFound
        `counted-interval`, if a rule counts doses of a drug and a record holds several of them.
    """
    treatment = study.protocol.treatments.get(drug.name)
    if treatment is not None and is_one_a_day(treatment):
        records = _one_a_day(records)
    plain = records.with_columns(day=pl.lit(0, pl.Int64))
    lasting = _lasting(records, drug, study, alive)
    if not len(lasting):
        return plain
    nodes = [node for rule in study.loaded.writing.rules.values() for node in tree.walk(rule.condition)]
    if any(isinstance(node, tree.Count) and node.fact == drug.name for node in nodes):
        raise ProblemsFound(_counted(lasting, drug, study))
    return pl.concat([plain, _days_of(lasting, _reach(nodes, drug))])


def _one_a_day(records: pl.DataFrame) -> pl.DataFrame:
    """The records of doses, those of one day as one: it is the dose that is counted, however often or in how many parts it was written."""
    day = pl.col("earliest").dt.date()
    is_of_day = (day == pl.col("latest").dt.date()) & ~pl.col("is_none")
    if not records.filter(is_of_day).select(pl.struct(SUBJECT, day).is_duplicated().any()).item():
        return records
    doses = records.filter(is_of_day).sort(SUBJECT, "earliest", "latest", "SRCDOM", "SRCSEQ", nulls_last=True)
    once = doses.group_by(SUBJECT, day.alias("on"), maintain_order=True).agg(
        pl.all().exclude(SUBJECT, "on", "SRCALL", *_END).first(),
        pl.col(_END).max(),  # one that goes on for longer is no single dose
        pl.col("SRCALL").str.join(" "),
    )
    return pl.concat([records.filter(~is_of_day.fill_null(value=False)), once.select(records.columns)]).sort(
        SUBJECT, "SRCDOM", "SRCSEQ", nulls_last=True
    )


_END = ("end_earliest", "end_latest")


def _lasting(records: pl.DataFrame, drug: Fact, study: Study, alive: pl.DataFrame) -> pl.DataFrame:
    """Records of a drug that last longer than a day, with their last day; single doses are given within two.

    A single dose whose day is known in part has the same part for its start and end: some day of it, not all of them.
    """
    treatment = study.protocol.treatments.get(drug.name)
    is_dosed = treatment is not None and treatment.every is not None
    known = records.filter(~pl.col("is_none")).join(alive, on=SUBJECT, how="left", maintain_order="left")
    until = pl.col("LSTALVDT").cast(pl.Datetime("us"))
    is_open = pl.col("end_latest").is_null() & pl.col("goes_on") & (not is_dosed)
    ended = known.with_columns(
        pl.when(is_open).then(until).otherwise("end_earliest").alias("end_earliest"),
        pl.when(is_open)
        .then(until + pl.duration(hours=23, minutes=59))
        .otherwise("end_latest")
        .alias("end_latest"),
    ).drop("LSTALVDT")
    days = (pl.col("end_latest").dt.date() - pl.col("earliest").dt.date()).dt.total_days()
    if not is_dosed:
        return ended.filter(days > 0)
    is_some_day = (pl.col("end_earliest") == pl.col("earliest")) & (pl.col("end_latest") == pl.col("latest"))
    return ended.filter((days > 1) & ~is_some_day)


def _days_of(lasting: pl.DataFrame, step: int) -> pl.DataFrame:
    """The days between the first and the last, `step` apart, and the last."""
    first, last = pl.col("latest").dt.date(), pl.col("end_earliest").dt.date()
    count = ((last - first).dt.total_days() - 1) // step
    between = (
        lasting.with_columns(count=pl.max_horizontal(count, 0))
        .with_columns(day=pl.int_ranges(1, pl.col("count") + 1))
        .explode("day")
        .filter(pl.col("day").is_not_null())
        .with_columns(on=(first + pl.duration(days=pl.col("day") * step)).cast(pl.Datetime("us")))
        .with_columns(earliest="on", latest=pl.col("on") + pl.duration(hours=23, minutes=59))
        .drop("on", "count")
    )
    ends = lasting.with_columns(
        day=pl.max_horizontal(count, 0) + 1,
        earliest=pl.max_horizontal("end_earliest", "earliest"),
        latest=pl.max_horizontal("end_latest", "latest"),
    )
    return pl.concat([between.select(ends.columns), ends])


def _reach(nodes: Iterable[tree.Node], drug: Fact) -> int:
    """The days of the shortest window of a length that rules ask of a drug, no more than `FARTHEST`."""
    windows = [node.window for node in nodes if isinstance(node, tree.Had) and node.fact == drug.name]
    lengths = [_days(one.length) for one in windows if isinstance(one, tree.Within)]
    return max(1, min([FARTHEST, *lengths]))


def _days(length: Duration) -> int:
    return 1 if length.unit is TimeUnit.HOURS else length.amount * _LEAST_DAYS[length.unit]


def _counted(lasting: pl.DataFrame, drug: Fact, study: Study) -> list[Problem]:
    told = (
        lasting.join(study.subjects, on=SUBJECT)
        .select("USUBJID", "SRCDOM", "SRCALL")
        .unique()
        .sort("USUBJID", "SRCALL")
    )
    return [
        Problem(
            "counted-interval",
            f"a rule counts doses of `{drug.name}`, and `{record}` of `{subject}` holds more than one",
            field=f"{domain} {subject}",
            fix="write one record for each dose",
        )
        for subject, domain, record in told.iter_rows()
    ]


def with_day_of(moment: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """One more day of a drug for everybody who takes it, from before, at a moment: that day.

    Parameters
    ----------
    moment : DataFrame
        `subject`, `earliest`, `latest`.
    days : DataFrame
        The observations of one drug.
    """
    source = ["subject", "SRCDOM", "SRCSEQ", "SRCALL"]
    spans = days.group_by(source).agg(
        pl.col("fact").first(),
        pl.col("latest").min().alias("from"),
        pl.col("earliest").max().alias("until"),
        (pl.col("day").max() + 1).alias("day"),
    )
    taken = spans.join(moment, on="subject").filter(
        (pl.col("from") < pl.col("earliest")) & (pl.col("latest") < pl.col("until"))
    )
    return taken.select(*source, "fact", "day", "earliest", "latest").sort(
        "subject", "SRCDOM", "SRCSEQ", nulls_last=True
    )
