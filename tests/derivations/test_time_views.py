"""The first and last record between two days: against a plain search of every record."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trialwright.derivations.time_views import View, Views
from trialwright.derivations.timeline import NOTHING, Timeline
from trialwright.protocol.moments import Selection
from trialwright.protocol.rule_tree import Moment

DAY = date(2024, 3, 1)
READERS = (None, "central", "local")
LAST = Selection(Moment("scan", "last"))
FIRST = Selection(Moment("scan", "first"))
UNTIL = Selection(Moment("scan", "last"), Moment("surgery", "first"))


def happened(chance, n):
    """Records of three persons, many of one day, some of several days, some of none."""
    rows = []
    for number in range(n):
        first = DAY + timedelta(chance.randrange(12))
        last = first + timedelta(chance.choice((0, 0, 0, 5)))
        days = (None, None) if not chance.randrange(8) else (first, None if not chance.randrange(8) else last)
        whose = (chance.randrange(1, 4), chance.choice(READERS))
        rows.append((*whose, *days, "FA", number, f"FA.{number}", chance.randrange(6) > 0))
    return pl.DataFrame(rows, schema=NOTHING.schema, orient="row")


def searched(views, selection, view, bound):
    """Sorted as text would be: the first or last of the records between the bounds, in the order of all they tell."""
    _, subject, lower, upper = bound
    reader = views.every[view].reader

    def read(name):
        rows = views.timeline.happenings[name].rows(named=True)
        mine = [one for one in rows if one["SUBJECT"] == subject and one["earliest"] is not None]
        return [one for one in mine if reader is None or one["READER"] in (None, reader)]

    scans = [one for one in read("scan") if one["IS_JUDGED"]]
    rows = [one for one in scans if lower and lower < one["earliest"] <= (upper or date.max)]
    if selection.until is not None:
        until = min((one["earliest"] for one in read("surgery")), default=None)
        rows = [one for one in rows if until and one["latest"] and one["latest"] <= until]
    ordered = sorted(rows, key=lambda one: (one["earliest"], one["latest"] or date.min, one["SRCSEQ"]))
    return ordered[0 if selection.record.which == "first" else -1]["SRCSEQ"] if ordered else None


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_first_and_last_records_between_two_days(chance: Random):
    timeline = Timeline({"scan": happened(chance, 30), "surgery": happened(chance, 4)}, pl.DataFrame())
    views = Views([View(None, reader, is_chosen=True) for reader in READERS], timeline)
    days = [None, *(DAY + timedelta(n) for n in range(-1, 13))]
    bounds = [
        (view, subject, chance.choice(days), chance.choice(days))
        for view in range(3)
        for subject in range(1, 5)
    ]
    frame = pl.DataFrame(
        bounds,
        schema={"VIEW": pl.UInt32, "SUBJECT": pl.Int64, "lower": pl.Date, "upper": pl.Date},
        orient="row",
    )
    asked = [(view, n, one) for view in range(3) for n, one in enumerate((LAST, FIRST, UNTIL))]
    told = (
        views.select(asked, frame)
        .sort("VIEW", "SUBJECT", "n")
        .select("VIEW", "SUBJECT", "n", "SRCSEQ")
        .rows()
    )
    assert told == [
        (bound[0], bound[1], n, record)
        for bound in bounds
        for n, one in enumerate((LAST, FIRST, UNTIL))
        if (record := searched(views, one, bound[0], bound)) is not None
    ]
