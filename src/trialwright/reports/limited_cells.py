"""Means and medians of values of which some are only known to lie between limits, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable

from trialwright.reports.blocks import Term, Text
from trialwright.reports.printed import Source

Printed = Callable[[str], Text]
"""Prints the result of an id."""

ABOUT_LIMITED = (
    "Where more than half of the values are not exact, no mean is given. Medians and quartiles put nothing in place of a value; "
    "where they are not known exactly, the table says between which limits they lie."
)


def stands_for(source: Source, fact: str) -> tuple[str | Term, ...]:
    """What stands for a result beyond the limits of its assay; nothing of a fact without an assay."""
    for id_, assay in source.protocol.assays.items():
        if assay.measures == fact:
            counts_as = source.said(assay.below_limit_counts_as, f"assays.{id_}.below limit counts as")
            return (
                source.heading(fact), " below what the assay can measure counts as ", counts_as,
                ", one above as its upper limit",
            )  # fmt: skip
    return ()


def mean_cell(source: Source, here: str, printed: Printed) -> Text:
    """The mean with its spread, or why there is none; `here` is the id without the statistic."""
    mean = printed(f"{here}/mean")
    if source.results[f"{here}/mean"].value is None:
        return mean
    return Text(mean, " (", printed(f"{here}/sd"), ")")


def median_cell(source: Source, here: str, printed: Printed) -> Text:
    """The median and quartiles; of one that is only known between limits, these."""
    if not source.results[f"{here}/median"].n:
        return printed(f"{here}/median")
    median, q1, q3 = (_quantile(source, here, name, printed) for name in ("median", "q1", "q3"))
    return Text(median, " (", q1, "; ", q3, ")")


def _quantile(source: Source, here: str, name: str, printed: Printed) -> Text:
    id_ = f"{here}/{name}"
    if source.results[id_].value is not None or f"{id_}_most" not in source.results:
        return printed(id_)
    least, most = source.results[f"{id_}_least"], source.results[f"{id_}_most"]
    if least.value is None and most.value is None:
        return printed(id_)
    if least.value is None or (least.value == 0 and _none_is_below_zero(source, here)):
        return Text("up to ", printed(most.id)) if most.value is not None else printed(id_)
    if most.value is None:
        return Text("from ", printed(least.id))
    low, high = printed(least.id), printed(most.id)
    return low if low.plain == high.plain else Text(low, " to ", high)


def _none_is_below_zero(source: Source, here: str) -> bool:
    """Whether 0 is no more than where amounts begin: `up to 10` says as much as `0 to 10`."""
    least = f"{here}/minimum_least" if f"{here}/minimum_least" in source.results else f"{here}/minimum"
    value = source.results[least].value
    return value is not None and value >= 0
