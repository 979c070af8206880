"""Listings behind the figures in which each patient is a line: swimmer, waterfall, spider, courses, eDISH.

Every subject of the population has at least one row in each: where there is nothing to draw, the row has the reason.
`DAYS` are whole days elapsed from time zero, which is day 0. Columns named as in the datasets mean what they mean there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from trialwright.analysis.listed import (
    Listed,
    Threshold,
    as_listing,
    event_readers,
    main_events,
    rate_of_fact,
    thresholds_of,
    with_days,
)
from trialwright.derivations.adevt import first_of_each
from trialwright.derivations.tumour_records import LOCAL
from trialwright.derivations.tumour_settings import fact_of, reader_of, response_settings
from trialwright.medicine.hepatitis_b.liver_injury import (
    HYS_LAW,
    LiverThresholds,
    edish_quadrant,
    find_peaks,
)
from trialwright.medicine.known import Known
from trialwright.protocol.references import NEW_THERAPY
from trialwright.vocabulary.intervals import Comparison, Intervals
from trialwright.vocabulary.verdicts import Reason

_WORDS: Mapping[str, Any] = {
    "KIND": pl.String, "NAME": pl.String, "LABEL": pl.String, "AVALC": pl.String, "ADT": pl.Date, "DAYS": pl.Int64,
}  # fmt: skip
_ENDS: Mapping[str, Any] = {"AENDT": pl.Date, "ENDDAYS": pl.Int64}
_MISSING = Reason.MISSING.value
_CODES = {reason.value: reason.code for reason in Reason}

# --- swimmer ------------------------------------------------------------------------------------------------------------


def list_swimmer(listed: Listed) -> pl.DataFrame:
    """Time on study and on each treatment, and what happened when.

    Returns
    -------
    swimmer : DataFrame
        `KIND` is

        study      from time zero to death or the last day known alive; `AVALC` `died`, `alive when last seen`
        treatment  from first to last dose, or of treatments without intervals a span of days; `AVALC` `no end recorded`
                   of who is not known to have ended it and not known to be dead
        dose       a dose; `AVALC` `given` or `left out`
        response   the first day of the response that counts, confirmed where the protocol asks for it; `AVALC` its kind
        event      the first occurrence of each event that primary and secondary endpoints count; `AVALC` `met`, or
                   `unknown` where none is met and nobody can tell

        A day known only in part stands on the first day it may be (`REASON` `imprecise date`).
    """
    parts = [
        _time_on_study(listed),
        *_treatment_parts(listed),
        _responses(listed),
        _events(listed, main_events(listed.protocol)),
    ]
    rows = pl.concat(parts, how="diagonal_relaxed")
    return as_listing(listed, "swimmer", rows, {"GROUP": pl.String, **_WORDS, **_ENDS, "REASON": pl.String})


def _time_on_study(listed: Listed) -> pl.DataFrame:
    died = pl.col("DTHDT").is_not_null()
    end = pl.coalesce("DTHDT", "LSTALVDT")
    events = listed["ADEVT"].filter((pl.col("EVENT") == "death") & (pl.col("AVALC") == "met"))
    dead = listed["ADSL"].join(events.select("USUBJID", dead=pl.lit(value=True)), on="USUBJID", how="left")
    open_death = pl.col("dead") & ~died
    return dead.unique("USUBJID", keep="first", maintain_order=True).select(
        "USUBJID", "GROUP", OF=pl.lit("study"), KIND=pl.lit("study"), NAME=pl.lit("study"), LABEL=pl.lit("time on study"),
        ADT="STARTDT", AENDT=end, DAYS=pl.when(pl.col("STARTDT").is_not_null()).then(0),
        ENDDAYS=(end - pl.col("STARTDT")).dt.total_days(),
        AVALC=pl.when(died | open_death).then(pl.lit("died")).when(end.is_not_null()).then(pl.lit("alive when last seen")),
        REASON=pl.when(pl.col("STARTDT").is_null() | end.is_null()).then(pl.lit(_MISSING))
        .when(open_death).then(pl.lit(Reason.IMPRECISE_DATE.value)),
        SRCDOM=pl.lit("DM"), PROTOCOL=pl.lit("time zero"),
    )  # fmt: skip


def _treatment_parts(listed: Listed) -> Iterator[pl.DataFrame]:
    """Rows of `treatment` and `dose`, of every treatment in the order of the protocol."""
    adex = with_days(listed, listed["ADEX"])
    for name in listed.protocol.treatments:
        rows = adex.filter(pl.col("TREATMENT") == name).with_columns(
            OF=pl.lit(name), NAME=pl.lit(name), LABEL="PARAM"
        )
        doses = rows.filter(pl.col("PARAMCD") == "DOSE")
        yield _with_ends(listed, name, _course_of(doses))
        yield _with_ends(listed, name, rows.filter(pl.col("PARAMCD") == "SPAN").with_columns(
            ENDDAYS=pl.col("DAYS") + (pl.col("AENDT") - pl.coalesce("ADT", "ADTL")).dt.total_days()
        ))  # fmt: skip
        yield doses.with_columns(
            KIND=pl.lit("dose"), OF=pl.format("{}_dose", pl.lit(name)),
            AVALC=pl.when(pl.col("GIVENFL") == "Y").then(pl.lit("given")).when(pl.col("GIVENFL") == "N").then(pl.lit("left out")),
        ).select("USUBJID", "OF", *_WORDS, "REASON", "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip


def _course_of(doses: pl.DataFrame) -> pl.DataFrame:
    """From the first dose given to the last."""
    day = pl.coalesce("ADT", "ADTL")
    return (
        doses.filter(pl.col("GIVENFL") == "Y")
        .sort("DAYS", "SRCSEQ", nulls_last=True, maintain_order=True)
        .group_by("USUBJID", maintain_order=True)
        .agg(
            pl.col("OF", "NAME", "LABEL", "DAYS", "SRCDOM", "SRCSEQ", "PROTOCOL").first(),
            pl.col("REASON").drop_nulls().first(),
            ADT=day.first(),
            AENDT=day.max(),
            ENDDAYS=pl.col("DAYS").max(),
            ONGOFL=pl.lit(None, pl.String),
        )
    )


def _with_ends(listed: Listed, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Whether the last stretch of a treatment has no end that anybody recorded."""
    ends = listed["ADEXSUM"].filter((pl.col("TREATMENT") == name) & (pl.col("PARAMCD") == "STOPREAS"))
    dead = listed["ADEVT"].filter((pl.col("EVENT") == "death") & (pl.col("AVALC") == "met"))
    over = pl.concat([ends.select("USUBJID"), dead.select("USUBJID")]).unique()
    rows = rows.join(
        over.with_columns(over=pl.lit(value=True)), on="USUBJID", how="left", maintain_order="left"
    )
    is_last = pl.col("ENDDAYS") == pl.col("ENDDAYS").max().over("USUBJID")
    has_every = listed.protocol.treatments[name].every is not None
    is_open = is_last & pl.col("over").is_null() & (pl.lit(has_every) | (pl.col("ONGOFL") == "Y"))
    return rows.select(
        "USUBJID", "OF", "NAME", "LABEL", "ADT", "DAYS", "AENDT", "ENDDAYS", "REASON", "SRCDOM", "SRCSEQ", "PROTOCOL",
        KIND=pl.lit("treatment"), AVALC=pl.when(is_open).then(pl.lit("no end recorded")),
    )  # fmt: skip


def _responses(listed: Listed) -> pl.DataFrame:
    """When the response that counts began."""
    settings = response_settings(listed.protocol)
    adrs = listed.read("ADRS")
    if not settings:
        return pl.DataFrame(schema={"USUBJID": pl.String, "OF": pl.String})
    first = settings[0]
    prefix = "C" if first.confirmation else ""
    ours = adrs.filter(pl.col("PROTOCOL") == first.path)
    kinds = ours.filter(pl.col("PARAMCD") == f"{prefix}BOR").select("USUBJID", BEST="AVALC")
    rows = ours.filter((pl.col("PARAMCD") == f"{prefix}RSP") & (pl.col("AVALC") == "Y"))
    label = "confirmed response" if first.confirmation else "response"
    return with_days(listed, rows).join(kinds, on="USUBJID", how="left", maintain_order="left").with_columns(
        OF=pl.lit("response"), KIND=pl.lit("response"), NAME=pl.lit("response"), LABEL=pl.lit(label), AVALC="BEST",
        ADT=pl.coalesce("ADT", "ADTL"),
    ).select("USUBJID", "OF", *_WORDS, "REASON", "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip


def _events(listed: Listed, names: Iterable[str]) -> pl.DataFrame:
    """The first occurrence of each event as the reader of its endpoint saw it, or that nobody can tell whether there was one."""
    order = {name: place for place, name in enumerate(names)}
    readers = event_readers(listed.protocol)
    reader = pl.col("EVENT").replace_strict(readers, default=LOCAL, return_dtype=pl.String)
    ours = pl.col("READER").is_null() | (pl.col("READER") == reader)
    rows = first_of_each(listed["ADEVT"].filter(pl.col("EVENT").is_in(list(order)), ours))
    place = pl.col("EVENT").replace_strict(order, default=None, return_dtype=pl.Int64)
    return with_days(listed, rows).sort(place, maintain_order=True).with_columns(
        OF="EVENT", KIND=pl.lit("event"), NAME="EVENT", LABEL="PARAM", ADT=pl.coalesce("ADT", "ADTL"),
    ).select("USUBJID", "OF", *_WORDS, "REASON", "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip


# --- sums of lesions ----------------------------------------------------------------------------------------------------


def list_spider(listed: Listed) -> pl.DataFrame:
    """The sum of target diameters over time, as change from baseline.

    Returns
    -------
    spider : DataFrame
        A row a scan with targets. `PCHG` is 0 at baseline and null where not every target was measured (`NMEAS` of
        `NTARGET`). `AVAL`, `BASE` in mm. `BESTRESP` is the best overall response, confirmed where the protocol asks for it;
        sums and best response are of the reader of the first endpoint that is one. `READER` names him where several read.
        `WHEN` is `baseline`, `on study`, or `after new therapy`: on the day new anticancer therapy may have begun, or
        later, unless the estimand keeps such scans. Who has no such scan has one row with the reason.
    """
    sums = with_days(listed, _sums(listed))
    sums = sums.join(_first_new_therapy(listed), on="USUBJID", how="left", maintain_order="left")
    is_base = pl.col("ABLFL") == "Y"
    beyond = (pl.coalesce("ADT", "ADTL") >= pl.col("THERAPY")).fill_null(value=False)
    scans = sums.with_columns(
        OF=pl.lit("SDIAM"), PCHG=pl.when(is_base & (pl.col("BASE") > 0)).then(0.0).otherwise("PCHG"),
        WHEN=pl.when(is_base).then(pl.lit("baseline")).when(beyond).then(pl.lit("after new therapy")).otherwise(pl.lit("on study")),
        REASON=pl.when(pl.col("PCHG").is_null() & ~is_base.fill_null(value=False) & pl.col("REASON").is_null())
        .then(pl.lit(_MISSING)).otherwise("REASON"),
    ).filter(is_base.fill_null(value=False) | (pl.col("ADY") > 0) | pl.col("ADY").is_null())  # fmt: skip
    absent = listed.subjects.join(scans, on="USUBJID", how="anti").select(
        "USUBJID", OF=pl.lit("SDIAM"), REASON=pl.lit(_MISSING), PROTOCOL=pl.lit(_tumour_path(listed))
    )
    rows = pl.concat(
        [scans.sort("USUBJID", "DAYS", "SRCSEQ", nulls_last=True, maintain_order=True), absent],
        how="diagonal_relaxed",
    )
    rows = rows.join(_best_responses(listed), on="USUBJID", how="left", maintain_order="left")
    return as_listing(listed, "spider", rows, {
        "ADT": pl.Date, "DAYS": pl.Int64, "WHEN": pl.String, "PCHG": pl.Float64, "AVAL": pl.Float64, "BASE": pl.Float64,
        "NMEAS": pl.Int64, "NTARGET": pl.Int64, "BESTRESP": pl.String, "READER": pl.String, "REASON": pl.String,
    })  # fmt: skip


def list_waterfall(listed: Listed) -> pl.DataFrame:
    """The lowest sum of target diameters after baseline, as change from baseline.

    Returns
    -------
    waterfall : DataFrame
        One row a subject. `PCHG` in per cent of `BASE`; `AVAL`, `BASE` in mm; `ADT`, `DAYS` of that scan. Scans from the day on
        which new anticancer therapy may have begun do not count, unless the estimand keeps them; scans after progression
        do. `BESTRESP` and `READER` as in `list_spider`. `REASON` tells why `PCHG` is null.
    """
    scans = list_spider(listed)
    after = scans.filter(pl.col("WHEN") != "baseline")
    counted = after.filter((pl.col("WHEN") == "on study") & pl.col("PCHG").is_not_null())
    best = counted.sort("PCHG", "DAYS", maintain_order=True).unique(
        "USUBJID", keep="first", maintain_order=True
    )
    told = scans.group_by("USUBJID", maintain_order=True).agg(
        pl.col("BESTRESP", "READER", "PROTOCOL").first(),
        is_measured=(pl.col("BASE") > 0).any(),
        n_after=(pl.col("WHEN") != "baseline").sum(),
        n_counted=(pl.col("WHEN") == "on study").sum(),
    )
    why = (
        pl.when(pl.col("PCHG").is_not_null()).then(None)
        .when(~pl.col("is_measured").fill_null(value=False)).then(pl.lit("no sum at baseline"))
        .when(pl.col("n_after") == 0).then(pl.lit("no scan after baseline"))
        .when(pl.col("n_counted") == 0).then(pl.lit("scans after new anticancer therapy only"))
        .otherwise(pl.lit("no scan with every target measured"))
    )  # fmt: skip
    chosen = best.select("USUBJID", "PCHG", "AVAL", "BASE", "ADT", "DAYS", "SRCDOM", "SRCSEQ")
    rows = told.join(chosen, on="USUBJID", how="left", maintain_order="left").with_columns(
        OF=pl.lit("SDIAM"), REASON=why
    )
    return as_listing(listed, "waterfall", rows, {
        "PCHG": pl.Float64, "AVAL": pl.Float64, "BASE": pl.Float64, "ADT": pl.Date, "DAYS": pl.Int64, "BESTRESP": pl.String,
        "READER": pl.String, "REASON": pl.String,
    })  # fmt: skip


def _sums(listed: Listed) -> pl.DataFrame:
    """The sums of targets of the reader whose best response stands beside them; of several of a kind the accepted one's."""
    settings = response_settings(listed.protocol)
    reader = settings[0].reader if settings else reader_of(listed.protocol)
    adtr = listed["ADTR"].filter(pl.col("PARAMCD") == "SDIAM")
    named = reader if adtr["READER"].n_unique() > 1 else None
    ours = adtr.filter((pl.col("READER") == reader) & (pl.col("ACPTFL") == "Y"))
    return ours.with_columns(READER=pl.lit(named, pl.String))


def _tumour_path(listed: Listed) -> str | None:
    fact = fact_of(listed.protocol, "recist_response")
    return f"facts.{fact}" if fact else None


def _best_responses(listed: Listed) -> pl.DataFrame:
    settings = response_settings(listed.protocol)
    nobody = pl.DataFrame(schema={"USUBJID": pl.String, "BESTRESP": pl.String})
    if not settings:
        return nobody
    code = "CBOR" if settings[0].confirmation else "BOR"
    rows = listed.read("ADRS").filter((pl.col("PARAMCD") == code) & (pl.col("PROTOCOL") == settings[0].path))
    return rows.select("USUBJID", BESTRESP="AVALC")


def _first_new_therapy(listed: Listed) -> pl.DataFrame:
    """The first day on which new anticancer therapy may have begun, where scans from then on do not count."""
    settings = response_settings(listed.protocol)
    stops = settings[0].stops_at_new_therapy if settings else False
    rows = listed["ADEVT"].filter(
        (pl.col("EVENT") == NEW_THERAPY) & pl.col("ADTL").is_not_null() & pl.lit(stops)
    )
    return rows.group_by("USUBJID").agg(THERAPY=pl.col("ADTL").min())


# --- courses of HBV DNA and ALT -----------------------------------------------------------------------------------------

COURSES = ("hbv_dna", "alt")
"""The concepts of `list_courses`."""


def list_courses(listed: Listed, concepts: Sequence[str] = COURSES) -> pl.DataFrame:
    """Results over time with the patient's own thresholds, events and treatments.

    Returns
    -------
    courses : DataFrame
        `PARAMCD`, `PARAM`, `AVALU` name what is measured. `KIND` is

        result     `SHOWN` is where it is drawn: the value, or the limit of one beyond a limit (`CENSORED` `<`, `>`, or `~`
                   where it lies from `AVALLO` to `AVALHI`); null where the result cannot be used (`REASON`). `AVALC` in words,
                   `ANRHI` the upper limit of normal of the sample
        threshold  `SHOWN` is a bound of the rule of an event (`NAME`) for this patient; with `CENSORED` `<` the bound
                   is at most this, for the baseline is below a limit; null without a baseline (`REASON`)
        event      the first occurrence of an event that primary and secondary endpoints count and that is of this result
        treatment  as in `list_swimmer`; without `PARAMCD`
        nothing    there is no result
    """
    protocol = listed.protocol
    facts = [fact for fact in (fact_of(protocol, concept) for concept in concepts) if fact]
    events = [name for name in main_events(protocol) if protocol.events[name].of in facts]
    parts = [part for fact in facts for part in _course_parts(listed, fact)]
    found = _events(listed, events)
    if len(found):
        of = {name: str(protocol.events[name].of).upper() for name in events}
        parts.append(found.with_columns(PARAMCD=pl.col("NAME").replace_strict(of, return_dtype=pl.String)))
    parts += [part.filter(pl.col("KIND") == "treatment") for part in _treatment_parts(listed)]
    rows = pl.concat(parts, how="diagonal_relaxed")
    columns = {"PARAMCD": pl.String, "PARAM": pl.String, "AVALU": pl.String, **_WORDS, **_ENDS}
    numbers = dict.fromkeys(("SHOWN", "AVALLO", "AVALHI", "ANRHI"), pl.Float64)
    return as_listing(
        listed, "courses", rows, {**columns, **numbers, "CENSORED": pl.String, "REASON": pl.String}
    )


def _course_parts(listed: Listed, fact: str) -> Iterator[pl.DataFrame]:
    code = fact.upper()
    found = listed.laboratory(fact)
    results = with_days(listed, found).sort("DAYS", "SRCSEQ", nulls_last=True, maintain_order=True)
    label = f"{listed.protocol.facts[fact].label}"
    words = pl.col("AVALC")
    censored = (
        pl.when(words.str.starts_with("<")).then(pl.lit("<")).when(words.str.starts_with(">")).then(pl.lit(">"))
        .when(pl.col("AVAL").is_null() & pl.col("AVALHI").is_not_null()).then(pl.lit("~"))
    )  # fmt: skip
    yield results.with_columns(
        OF=pl.lit(code), KIND=pl.lit("result"), NAME=pl.lit(fact), LABEL=pl.lit(label), CENSORED=censored, PARAM=pl.lit(label),
        SHOWN=pl.when(censored == ">").then("AVALLO").otherwise(pl.coalesce("AVAL", "AVALHI")), ADT=pl.coalesce("ADT", "ADTL"),
    ).select("USUBJID", "OF", "PARAMCD", "PARAM", "AVALU", *_WORDS, "SHOWN", "AVALLO", "AVALHI", "ANRHI", "CENSORED", "REASON",
             "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip
    named = {"PARAMCD": pl.lit(code), "PARAM": pl.lit(label), "NAME": pl.lit(fact), "LABEL": pl.lit(label)}
    yield listed.subjects.join(found, on="USUBJID", how="anti").select(
        "USUBJID", OF=pl.lit(code), KIND=pl.lit("nothing"), REASON=pl.lit(_MISSING), PROTOCOL=pl.lit(f"facts.{fact}"), **named
    )  # fmt: skip
    for name in main_events(listed.protocol):
        if listed.protocol.events[name].of == fact:
            for threshold in thresholds_of(listed, name):
                if threshold.fact == fact and threshold.of != "ULN":
                    yield _personal(listed, found, threshold)


def _personal(listed: Listed, results: pl.DataFrame, threshold: Threshold) -> pl.DataFrame:
    """The bound of each subject: a value, or so many times the baseline."""
    base = results.group_by("USUBJID").agg(
        pl.col("BASE", "BASEHI", "BASEREAS", "BASESRC", "AVALU").drop_nulls().first()
    )
    rows = listed.subjects.select("USUBJID").join(base, on="USUBJID", how="left", maintain_order="left")
    if threshold.of == "value":
        shown, censored, why = pl.lit(threshold.factor), pl.lit(None, pl.String), pl.lit(None, pl.String)
    else:
        exact = pl.col("BASE").is_not_null()
        shown = threshold.factor * pl.coalesce("BASE", "BASEHI")
        censored = pl.when(~exact & pl.col("BASEHI").is_not_null()).then(pl.lit("<"))
        why = pl.when(~exact).then(pl.coalesce("BASEREAS", pl.lit(_MISSING)))
    named = pl.when(pl.lit(threshold.of == "baseline")).then("BASESRC")
    source = named.str.split(" ").list.first().str.split(".")
    fact = listed.protocol.facts[threshold.fact]
    return rows.select(
        "USUBJID", "AVALU", OF=pl.lit(f"{threshold.event}_{threshold.of}"), KIND=pl.lit("threshold"), NAME=pl.lit(threshold.event),
        LABEL=pl.lit(threshold.label), PARAMCD=pl.lit(threshold.fact.upper()), PARAM=pl.lit(fact.label), SHOWN=shown,
        CENSORED=censored, REASON=why, SRCDOM=source.list.get(0, null_on_oob=True),
        SRCSEQ=source.list.get(1, null_on_oob=True).cast(pl.Int64, strict=False), PROTOCOL=pl.lit(threshold.path),
    )  # fmt: skip


# --- eDISH --------------------------------------------------------------------------------------------------------------


def list_edish(listed: Listed) -> pl.DataFrame:
    """Peak ALT against peak bilirubin after baseline, as multiples of normal and of the patient's own baseline.

    Results of days after the moment of baseline count that are not surely outside the period of safety. A result that
    cannot be read, or has no limit of normal, leaves the peak open above what is known.

    Returns
    -------
    edish : DataFrame
        Two rows a subject; `KIND` is `ULN` or `baseline`. `ALT` and `BILI` are the peaks, or the least they may be;
        `ALTHI` and `BILIHI` the most (null: no bound); `ALTREAS` and `BILIREAS` why they are not exact. `QUADRANT` is null
        where the peaks leave it open. `ALTLINE` and `BILILINE` are the bounds, `LINES` where they come from. `RISE` is
        `met`, `not met` or `unknown` for the first rate of an event of HBV DNA (`RISELBL`); `HYSLAW` `met` or `unknown`
        for the event whose rule sets the bounds, else null. `SRCDOM`, `SRCSEQ` name the record of the highest ALT.
    """
    protocol = listed.protocol
    event, lines = _liver_thresholds(listed)
    facts = {"ALT": fact_of(protocol, "alt"), "BILI": fact_of(protocol, "bilirubin")}
    people = listed.subjects["USUBJID"].to_list()
    parts = []
    for kind in ("ULN", "baseline"):
        peaks = {name: _peaks(_after_baseline(listed, fact), kind, people) for name, fact in facts.items()}
        quadrant = edish_quadrant(peaks["ALT"], peaks["BILI"], thresholds=lines)
        parts.append(
            pl.DataFrame(
                {"USUBJID": people, "KIND": kind, "OF": kind, "QUADRANT": quadrant.settled.tolist()}
                | {
                    column: values
                    for name, peak in peaks.items()
                    for column, values in _told(name, peak).items()
                },
                schema_overrides={
                    "USUBJID": pl.String,
                    "KIND": pl.String,
                    "OF": pl.String,
                    "QUADRANT": pl.String,
                },
            )
        )
    highest = _after_baseline(listed, facts["ALT"]).sort(
        "AVALLO", descending=True, nulls_last=True, maintain_order=True
    )
    highest = highest.unique("USUBJID", keep="first", maintain_order=True).select(
        "USUBJID", "SRCDOM", "SRCSEQ"
    )
    rows = (
        pl.concat(parts)
        .join(highest, on="USUBJID", how="left", maintain_order="left")
        .join(_rises(listed), on="USUBJID", how="left", maintain_order="left")
        .join(_candidates(listed, event), on="USUBJID", how="left", maintain_order="left")
        .with_columns(
            ALTLINE=pl.lit(lines.aminotransferase), BILILINE=pl.lit(lines.bilirubin), LINES=pl.lit(lines.source),
            PROTOCOL=pl.lit(f"events.{event}" if event else f"facts.{facts['ALT']}"),
        )
    )  # fmt: skip
    numbers = dict.fromkeys(("ALT", "ALTHI", "BILI", "BILIHI", "ALTLINE", "BILILINE"), pl.Float64)
    texts = dict.fromkeys(
        ("ALTREAS", "BILIREAS", "QUADRANT", "LINES", "RISE", "RISELBL", "RISEREAS", "HYSLAW"), pl.String
    )
    return as_listing(listed, "edish", rows, {"KIND": pl.String, **numbers, **texts})


def _liver_thresholds(listed: Listed) -> tuple[str | None, LiverThresholds]:
    """The event of the protocol that sets bounds to ALT and bilirubin in multiples of normal; else the published ones."""
    alt, bilirubin = (fact_of(listed.protocol, concept) for concept in ("alt", "bilirubin"))
    for name in listed.protocol.events:
        bounds = {one.fact: one for one in thresholds_of(listed, name) if one.of == "ULN"}
        if alt in bounds and bilirubin in bounds:
            compared = Comparison.MORE if bounds[bilirubin].op == ">" else Comparison.AT_LEAST
            source = f"events.{name}.when"
            return name, LiverThresholds(bounds[alt].factor, bounds[bilirubin].factor, compared, source)
    return None, HYS_LAW


def _after_baseline(listed: Listed, fact: str | None) -> pl.DataFrame:
    rows = listed.laboratory(fact).join(
        listed.baseline_days(), on="USUBJID", how="left", maintain_order="left"
    )
    return rows.filter((pl.col("ADTL") > pl.col("AFTER")) & pl.col("ONTRTFL").ne_missing("N"))


def _peaks(results: pl.DataFrame, kind: str, people: Sequence[str]) -> Known:
    """The highest multiple of each person."""
    if kind == "ULN":
        low, high = pl.col("ANRHI"), pl.col("ANRHI")
        nothing, why = pl.col("ANRHI").is_null() | (pl.col("ANRHI") <= 0), Reason.NO_LIMIT.value
    else:
        low, high = pl.coalesce("BASE", "BASEHI"), pl.coalesce("BASE", "BASELO")
        nothing, why = low.is_null() | (low <= 0), _MISSING
    unread = pl.col("AVALLO").is_null() & pl.col("AVALHI").is_null()
    is_open = unread | nothing
    told = pl.when(nothing & ~unread).then(pl.lit(why)).otherwise("REASON")
    rows = results.select(
        "USUBJID",
        lo=pl.when(~is_open).then(pl.col("AVALLO") / low).fill_null(0.0),
        hi=pl.when(~is_open).then(pl.col("AVALHI") / high).fill_null(float("inf")),
        code=told.replace_strict(_CODES, default=Reason.CENSORED.code, return_dtype=pl.UInt8),
    )
    bounds = Intervals(rows["lo"].to_numpy(), rows["hi"].to_numpy())
    multiples = Known(bounds, rows["code"].to_numpy(), is_calculated=True)
    return find_peaks(rows["USUBJID"].to_list(), multiples, people=people)


def _told(name: str, peak: Known) -> dict[str, Any]:
    low, high = peak.bounds.lo, peak.bounds.hi
    is_known = ~peak.is_missing
    words = {reason.code: reason.value for reason in Reason}
    return {
        name: pl.Series(np.where(is_known, low, np.nan), nan_to_null=True, dtype=pl.Float64),
        f"{name}HI": pl.Series(np.where(is_known & np.isfinite(high), high, np.nan), nan_to_null=True, dtype=pl.Float64),
        f"{name}REAS": pl.Series([words.get(int(code)) for code in peak.reasons], dtype=pl.String),
    }  # fmt: skip


def _rises(listed: Listed) -> pl.DataFrame:
    name = rate_of_fact(listed.protocol, fact_of(listed.protocol, "hbv_dna"))
    label = listed.protocol.endpoints[name].label if name else None
    rows = listed["ADRATE"].filter(pl.col("PARAMCD") == (name or "").upper())
    return rows.select("USUBJID", RISE="AVALC", RISEREAS="REASON", RISELBL=pl.lit(label, pl.String))


def _candidates(listed: Listed, event: str | None) -> pl.DataFrame:
    rows = first_of_each(listed["ADEVT"].filter(pl.col("EVENT") == (event or "")))
    return rows.select("USUBJID", HYSLAW="AVALC")
