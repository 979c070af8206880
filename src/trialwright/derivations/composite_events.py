"""Events made of other events: any of several, or all of them, perhaps within a time."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from trialwright.derivations.minutes import IMPRECISE, MET, Minutes
from trialwright.vocabulary.durations import Duration


def any_happened(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The occurrences of all parts, each with the part it is of."""
    return pl.concat([rows.with_columns(via=pl.lit(part)) for part, rows in parts.items()])


def all_happened(parts: Mapping[str, pl.DataFrame], within: Duration | None) -> pl.DataFrame:
    """The first time all parts have happened, dated to the last of them; and each time before at which they may have.

    Without `within` the first of each counts. With it, the first occurrences no further apart than that: by the calendar
    from the first of them, in days. Where the sure occurrences do not suffice and the possible ones do, it is not known,
    for the reason of those.
    """
    choices = None
    for part, rows in parts.items():
        one = rows.select(
            "subject",
            pl.col("code").alias(f"code_{part}"),
            *Minutes.of().named(f"{part}_"),
            pl.col("found").alias(f"found_{part}"),
            pl.col("decided").alias(f"decided_{part}"),
            *(pl.col(name).alias(f"{name}_{part}") for name in ("SRCDOM", "SRCSEQ", "SRCALL")),
        )
        if within is None:
            one = _first_of_each(one, part)
        choices = one if choices is None else choices.join(one, on="subject")
    if choices is None:
        raise ValueError("an event of no parts never happens")
    return _earliest(_joined(choices, list(parts), within))


def _first_of_each(rows: pl.DataFrame, part: str) -> pl.DataFrame:
    """All that may be the first occurrence: the first sure one, and the possible ones before it."""
    order = ("subject", f"{part}_latest", f"{part}_earliest", f"SRCALL_{part}")
    ordered = rows.sort(order, nulls_last=True)
    return _up_to_the_first(ordered, pl.col(f"code_{part}") == MET, Minutes.of(f"{part}_"))


def _up_to_the_first(ordered: pl.DataFrame, is_sure: pl.Expr, date: Minutes) -> pl.DataFrame:
    """Of rows in their order the first sure one of each subject, and those that may lie on a day before it."""
    sure = ordered.filter(is_sure).group_by("subject", maintain_order=True).first()
    until = sure.select("subject", until=date.last.dt.date())
    maybe = ordered.filter(~is_sure).join(until, on="subject", how="left", maintain_order="left")
    before = (date.first.dt.date() < pl.col("until")).fill_null(value=True)
    return pl.concat([sure.select(ordered.columns), maybe.filter(before).drop("until")])


def _joined(choices: pl.DataFrame, parts: list[str], within: Duration | None) -> pl.DataFrame:
    """Each choice of one occurrence of every part: when the last of them was, and whether all surely were, and close."""
    code = pl.max_horizontal(
        pl.when(pl.col(f"code_{part}") != MET).then(pl.col(f"code_{part}")) for part in parts
    )
    first = [Minutes.of(f"{part}_") for part in parts]
    last = Minutes(
        pl.max_horizontal(one.first for one in first), pl.max_horizontal(one.last for one in first)
    )
    together = choices.with_columns(
        code=code.fill_null(MET).cast(pl.UInt8), earliest=last.first, latest=last.last
    )
    if within is not None:
        start = Minutes(
            pl.min_horizontal(one.first for one in first), pl.min_horizontal(one.last for one in first)
        )
        end = start.moved(within)
        together = together.with_columns(
            is_close=last.last.dt.date() <= end.first.dt.date(),
            may_be_close=last.first.dt.date() <= end.last.dt.date(),
        ).filter("may_be_close")
        together = together.with_columns(
            code=pl.when(~pl.col("is_close") & (pl.col("code") == MET))
            .then(IMPRECISE)
            .otherwise("code")
            .cast(pl.UInt8)
        )
    return together.with_columns(
        _of_the_last("found", parts), _of_the_last("decided", parts),
        *(_of_the_last(name, parts) for name in ("SRCDOM", "SRCSEQ")),
        SRCALL=pl.concat_str([f"SRCALL_{part}" for part in parts], separator=" ", ignore_nulls=True),
        via=pl.lit(None, pl.String), record=pl.lit(None, pl.Int64),
    )  # fmt: skip


def _of_the_last(name: str, parts: list[str]) -> pl.Expr:
    """What the part says that happened last; of several the one named last."""
    value = pl.lit(None)
    for part in parts:
        value = (
            pl.when(pl.col(f"{part}_earliest") == pl.col("earliest"))
            .then(pl.col(f"{name}_{part}"))
            .otherwise(value)
        )
    return value.alias(name)


def _earliest(rows: pl.DataFrame) -> pl.DataFrame:
    """The first sure occurrence of each subject, and each time before it at which there may have been one."""
    ordered = rows.sort("subject", "latest", "earliest", "SRCALL", nulls_last=True)
    times = ordered.unique(["subject", "earliest", "latest", "code"], keep="first", maintain_order=True)
    return _up_to_the_first(times, pl.col("code") == MET, Minutes.of())
