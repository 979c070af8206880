"""What was looked for around a hepatic event: other viruses, autoantibodies, imaging, drugs."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.derivations.known_columns import spelt, was_done
from trialwright.derivations.study import STARTS, SUBJECT, Study
from trialwright.medicine.hepatitis_b.causes import WORK_UP

_NAMES = {"LB": ("LBTESTCD", "LBTEST"), "PR": ("PRDECOD", "PRTRT"), "FA": ("FAOBJ",)}
_RESULTS = {"LB": ("LBSTRESC", "LBORRES"), "FA": ("FASTRESC", "FAORRES")}
_IMAGING = ("TR", "TU")


def read_workup(study: Study, subjects: pl.Series) -> pl.DataFrame:
    """The records of each part of the work-up of some subjects: `SUBJECT`, `item`, `first` and `last` (days it may be of),
    `said`.

    A laboratory test without result was not done; whoever has lesions measured was imaged.
    """
    kinds = {SUBJECT: pl.Int64, "item": pl.String, "first": pl.Date, "last": pl.Date, "said": pl.String}
    parts = [pl.DataFrame(schema=kinds)]
    is_theirs = pl.col(SUBJECT).is_in(subjects.implode())
    for domain, names in _NAMES.items():
        texts = _RESULTS.get(domain, ())
        said = spelt(pl.coalesce(*texts)) if texts else pl.lit(None, pl.String)
        table = study.tables[domain].filter(is_theirs, *_is_done(domain))
        table = table.select(SUBJECT, *names, *_days(domain), said.alias("said"))
        parts += [
            table.join(_called(table[name]), left_on=name, right_on="text").select(*kinds) for name in names
        ]
    seen = [pl.lit("imaging").alias("item"), pl.lit(None, pl.String).alias("said")]
    for domain in _IMAGING:
        theirs = study.tables[domain].filter(is_theirs)
        parts.append(theirs.select(SUBJECT, seen[0], *_days(domain), seen[1]))
    return pl.concat(parts).unique().drop_nulls("first")


def _is_done(domain: str) -> Iterator[pl.Expr]:
    yield was_done(f"{domain}STAT")
    if domain == "FA":
        yield pl.col("FATESTCD") == "STATUS"
    if domain == "PR":
        yield (pl.col("PROCCUR") != "N").fill_null(value=True)
    else:
        yield pl.any_horizontal(pl.col(_RESULTS[domain]).is_not_null())


def _called(texts: pl.Series) -> pl.DataFrame:
    """The parts of the work-up that texts name: `text` and `item`."""
    distinct = texts.drop_nulls().unique().alias("text").to_frame()
    name = spelt(pl.col("text"))
    found = distinct.select(
        "text", *(name.str.contains(part.tests).alias(item) for item, part in WORK_UP.items())
    )
    return found.unpivot(index="text", variable_name="item", value_name="is_meant").filter("is_meant")


def _days(domain: str) -> list[pl.Expr]:
    start = STARTS[domain]
    return [
        pl.col(f"{start}_earliest").dt.date().alias("first"),
        pl.col(f"{start}_latest").dt.date().alias("last"),
    ]


def find_workup(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """What was done for each event.

    Parameters
    ----------
    events : DataFrame
        `id`, `SUBJECT`, `day`, `RECORDDT`.
    records : DataFrame
        As `read_workup` gives them.

    Returns
    -------
    found : DataFrame
        `id` and the parts as text with commas, in the order of the list: `WUDONE` surely in its days around the event,
        `WUMISS` not, `WUOPEN` not yet, its days reaching beyond the last day known.
    """
    asked = pl.DataFrame(
        {"item": list(WORK_UP), "days": [one.days for one in WORK_UP.values()], "place": range(len(WORK_UP))}
    )
    pairs = events.select("id", SUBJECT, "day", "RECORDDT").join(asked, how="cross")
    length = pl.duration(days="days")
    met = pairs.join(records, on=[SUBJECT, "item"]).filter(
        pl.col("first") >= pl.col("day") - length, pl.col("last") <= pl.col("day") + length
    )
    done = met.select("id", "item", is_done=pl.lit(value=True)).unique()
    pairs = pairs.join(done, on=["id", "item"], how="left").sort("id", "place")
    is_done = pl.col("is_done").fill_null(value=False)
    may_come = ~is_done & (pl.col("day") + length > pl.col("RECORDDT")).fill_null(value=False)

    def listed(which: pl.Expr) -> pl.Expr:
        text = pl.col("item").filter(which).str.join(", ")
        return pl.when(text != "").then(text)

    return pairs.group_by("id", maintain_order=True).agg(
        WUDONE=listed(is_done), WUMISS=listed(~is_done & ~may_come), WUOPEN=listed(may_come)
    )
