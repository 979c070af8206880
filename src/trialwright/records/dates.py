"""Columns of dates as far as they are known: the first and the last day each can be."""

from __future__ import annotations

import polars as pl

from trialwright.vocabulary.partial_dates import PartialDate


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
    distinct = texts.drop_nulls().unique()
    ranges = [date_range(text) for text in distinct]
    known = pl.DataFrame(
        {
            "text": distinct,
            "earliest": [found.earliest if found else None for found in ranges],
            "latest": [found.latest if found else None for found in ranges],
        },
        schema={"text": pl.String, "earliest": pl.Date, "latest": pl.Date},
    )
    return (
        texts.to_frame("text")
        .join(known, on="text", how="left", maintain_order="left")
        .select("earliest", "latest")
    )


def date_range(text: str) -> PartialDate | None:
    """A date as far as it is known, or None if it cannot be read."""
    try:
        return PartialDate.parse(text)
    except ValueError:
        return None
