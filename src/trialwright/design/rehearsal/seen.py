"""What else a virtual trial shows beside its estimates: what visits cost, what assays cannot tell, what a board would have done."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trialwright.analysis.calendar_kept import contact_counts
from trialwright.analysis.immortal_time import READINGS, measure_immortal_time
from trialwright.analysis.safety_board import compute_boundaries, safety_people
from trialwright.analysis.sample import AnalysisData
from trialwright.analysis.watched_events import first_crossing, path_of, watched_verdicts
from trialwright.derivations.adrate import MET
from trialwright.design.rehearsal.questions import REACTIVATION, RECURRENCE
from trialwright.design.rehearsal.targets import reactivations
from trialwright.design.virtual.plan import AfterTreatmentPlan

HAPPENED = "{what}s that happened under watch, for each trial"
FOUND = "{what}s that happened under watch and were found"
LATE = "days from a {what} to the visit that shows it"
GAP = "{what}s found more than {days:g} days after they were there"
FALSE = "{what}s told before there was any"
CENSORED = "participants whose {label} at the start lies beyond a limit of the assay"
IMMORTAL = "rate ratio of recurrence, time counted {reading}"
OF_TRIALS = "trials in which"
"""So begin names of what holds of a trial or not."""
CROSSED = OF_TRIALS + " the boundary of `{id_}` is crossed"
AT_CROSSING = "participants who counted when it was"
MEASURABLE = "participants in whom a reactivation can be measured"

LIMITED = ("hbv_dna", "hbsag_quantity")
"""Facts whose assays have limits."""

Seen = Iterator[tuple[str, float | None]]


def see_recurrence(data: AnalysisData, latent: pl.DataFrame, plan: AfterTreatmentPlan) -> Seen:
    """What scans cost: how many recurrences are found, and how late; what counts as one though there is none; immortal time.

    Yields names with the number of one trial; None where there is none.
    """
    own = (pl.col("PARAMCD") == RECURRENCE.upper()) & (pl.col("ANL01FL") == "Y")
    times = data.adtte.select("USUBJID", "PARAMCD", "ANL01FL", "CNSR", "ADT")
    told = times.filter(own & (pl.col("CNSR") == 0)).select("USUBJID", "ADT")
    people = latent.select("USUBJID", "ENROLLED", "ZERO", "RECURRENCE_DAY", "RECURRENCE").filter(
        pl.col("ENROLLED") == "Y"
    )
    there = pl.col("ZERO") + pl.duration(days=pl.col("RECURRENCE_DAY"))
    false = told.join(people.select("USUBJID", day=there), on="USUBJID").filter(pl.col("ADT") < pl.col("day"))
    happened = people.filter(pl.col("RECURRENCE").is_not_null()).select("USUBJID", day="RECURRENCE")
    yield from _found(RECURRENCE, happened, told, plan.interval + plan.tolerance)
    yield FALSE.format(what=RECURRENCE), false.height / told.height if told.height else None
    yield from _beyond_limits(data)
    found = measure_immortal_time(data, "records") if "ADTTEV" in data.tables else None
    ratios = {row.item: row.value for row in found.rows if row.statistic == "rate_ratio"} if found else {}
    for reading in READINGS if ratios else ():
        yield IMMORTAL.format(reading=reading), ratios.get(reading)


def see_reactivation(data: AnalysisData, latent: pl.DataFrame) -> Seen:
    """How many reactivations are found, and how late; in whom they can be measured; and whether boundaries are crossed.

    Yields names with the number of one trial; None where there is none.
    """
    rates = data.tables["ADRATE"].filter(pl.col("PARAMCD") == REACTIVATION.upper())
    told = rates.filter(pl.col("AVALC") == MET).select("USUBJID", "ADT")
    yield from _found(REACTIVATION, reactivations(latent), told, None)
    yield from _beyond_limits(data)
    _, everyone = safety_people(data)
    for id_, boundary in compute_boundaries(data.protocol):
        watched = data.protocol.monitoring[id_]
        crossing = first_crossing(boundary, path_of(watched_verdicts(data, watched, everyone)))
        yield CROSSED.format(id_=id_), float(crossing is not None)
        yield AT_CROSSING, None if crossing is None else float(crossing.n)


def see_calendar(contacts: pl.DataFrame, key: str) -> dict[str, list[tuple[str, str, float | None]]]:
    """How often clocks and visits are broken in each trial of ADCLOCK, which `key` tells apart.

    Returns
    -------
    seen : dict
        By trial: the element of the protocol, what of it, and the share: `late` and `missed` of what was due,
        `participants_missed` of those it asked. None where nothing was due.
    """
    seen: dict[str, list[tuple[str, str, float | None]]] = {}
    for row in contact_counts(contacts, [key]).iter_rows(named=True):
        for name, part, whole in _SHARES:
            share = row[part] / row[whole] if row[whole] else None
            seen.setdefault(row[key], []).append((row["PROTOCOL"], name, share))
    return seen


_SHARES = (
    ("late", "n_late", "n_due"),
    ("missed", "n_missed", "n_due"),
    ("participants_missed", "n_subjects_missed", "n_subjects"),
)


def _found(what: str, happened: pl.DataFrame, told: pl.DataFrame, usual: int | None) -> Seen:
    """How many of what happened was told, and how late."""
    joined = happened.join(told, on="USUBJID", how="left")
    late = (joined["ADT"] - joined["day"]).dt.total_days().drop_nulls()
    late = late.filter(late >= 0)
    yield HAPPENED.format(what=what), float(happened.height)
    yield FOUND.format(what=what), joined["ADT"].is_not_null().mean() if joined.height else None  # type: ignore[misc]
    yield LATE.format(what=what), late.mean() if len(late) else None  # type: ignore[misc]
    if usual is not None:
        yield GAP.format(what=what, days=usual), (late > usual).mean() if len(late) else None  # type: ignore[misc]


def _beyond_limits(data: AnalysisData) -> Seen:
    """The share of baselines of which only a limit is known."""
    people = data.adsl.select("USUBJID")
    told = data.tables["ADBASE"].select("USUBJID", "PARAMCD", "AVALLO", "AVALHI")
    for name in LIMITED:
        rows = told.filter((pl.col("PARAMCD") == name.upper()) & pl.col("AVALLO").is_not_null())
        rows = rows.join(people, on="USUBJID", how="semi")
        if rows.height:
            label = data.protocol.facts[name].label
            beyond = rows["AVALHI"].ne_missing(rows["AVALLO"])
            yield CENSORED.format(label=label), float(beyond.sum()) / rows.height
