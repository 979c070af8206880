"""Columns of dates as far as they are known: the first and the last day, or minute, each can be."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from trialwright.records.runs import read_by_runs
from trialwright.vocabulary.partial_dates import FIRST_YEAR, LAST_YEAR, PartialDate

MOMENT = pl.Datetime("us")
"""Minutes of the site's clock, as columns hold them."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time of the site, as dates of patients are
_WHOLE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-5][0-9](?:\.[0-9]+)?)?)?$"
_DAY, _MINUTE = len("2024-03-05"), len("2024-03-05T14:30")


def date_ranges(texts: pl.Series) -> pl.DataFrame:
    """The days that dates of the forms of `PartialDate` can be. Nothing is imputed.

    Parameters
    ----------
    texts : polars.Series of String, shape (n,)

    Returns
    -------
    ranges : polars.DataFrame of shape (n, 2)
        `earliest` and `latest`, of type Date: 2024-03 is 1 to 31 March. Null where the date is missing or unreadable;
        `check_tables` tells the unreadable ones.
    """
    return minute_ranges(texts).cast(pl.Date)


def minute_ranges(texts: pl.Series) -> pl.DataFrame:
    """The first and the last minute that dates can be; all else as for `date_ranges`, the type being `MOMENT`.

    A day known without its time is 00:00 to 23:59 of it.
    """
    if texts.null_count() == len(texts):
        return pl.DataFrame(schema={"earliest": MOMENT, "latest": MOMENT}).clear(len(texts))
    return read_by_runs(texts, _minute_ranges)


def _minute_ranges(texts: pl.Series) -> pl.DataFrame:
    distinct = texts.rename("text").unique().to_frame()  # many records, few days
    ranges = distinct.with_columns(_whole_dates(pl.col("text")))
    unread = pl.col("earliest").is_null()
    ranges = pl.concat([ranges.filter(~unread), _partial_dates(ranges.filter(unread)["text"])])
    found = texts.to_frame("text").join(ranges, on="text", how="left", maintain_order="left")
    return found.select("earliest", "latest")


def _whole_dates(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The range of a date known to the day or the minute; null where it is not. The same as `PartialDate` makes it."""
    has_time = text.str.len_bytes() > _DAY
    minute = (
        pl.when(has_time)
        .then(text.str.slice(0, _MINUTE))
        .otherwise(text + "T00:00")
        .str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="us", cache=False)
    )
    is_read = text.str.contains(_WHOLE) & minute.dt.year().is_between(FIRST_YEAR, LAST_YEAR)
    last = pl.when(has_time).then(minute).otherwise(minute + pl.duration(hours=23, minutes=59))
    return pl.when(is_read).then(minute).alias("earliest"), pl.when(is_read).then(last).alias("latest")


def _partial_dates(texts: pl.Series) -> pl.DataFrame:
    """The ranges of those of some distinct texts that can be read, one row each."""
    read = {text: date_range(text) for text in texts.drop_nulls()}
    rows = [
        (text, _moment(found.first_minute), _moment(found.last_minute))
        for text, found in read.items()
        if found
    ]
    return pl.DataFrame(rows, schema={"text": pl.String, "earliest": MOMENT, "latest": MOMENT}, orient="row")


def _moment(minute: int) -> datetime:
    return _EPOCH + timedelta(minutes=minute)


def date_range(text: str) -> PartialDate | None:
    """A date as far as it is known, or None if it cannot be read."""
    try:
        return PartialDate.parse(text)
    except ValueError:
        return None
