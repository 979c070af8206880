"""Listings of a report: eligibility, deviations, deaths, serious events, events of the liver.

Only subjects with something to list have rows. What nobody can tell is listed as `unknown` with its reason. `ADY` is the
study day of `ADT` (CDISC: that of time zero is 1, the one before it -1), or of the first day it can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from trialwright.analysis.deaths import days_of_death
from trialwright.analysis.late_doses import TIMING, find_late_doses
from trialwright.analysis.listed import Listed, as_listing, main_events, readable, with_days
from trialwright.derivations.adclock import dosed_at, what_became, why_deviation_not_run
from trialwright.derivations.adevt import doubts_as_one, first_of_each
from trialwright.derivations.adex import LONG_GAP_DAYS
from trialwright.derivations.known_columns import study_day
from trialwright.derivations.timeline import is_by_the_cut
from trialwright.derivations.tumour_settings import fact_of
from trialwright.protocol import rule_tree as tree
from trialwright.protocol.categories import treatment_words
from trialwright.protocol.model import Deviation
from trialwright.vocabulary.verdicts import Reason

_ROW: Mapping[str, Any] = {
    "KIND": pl.String, "TEXT": pl.String, "AVALC": pl.String, "REASON": pl.String, "ADT": pl.Date, "ADY": pl.Int64,
}  # fmt: skip
_MISSING = Reason.MISSING.value


def list_eligibility(listed: Listed) -> pl.DataFrame:
    """Criteria that a subject surely does not fulfil, or of which nobody can tell.

    Returns
    -------
    eligibility : DataFrame
        `KIND` `inclusion` or `exclusion`; `AVALC` `not fulfilled` (an inclusion criterion not met, an exclusion criterion
        met) or `unknown` with its `REASON`; `TEXT` as the protocol has it; `ADT` the day it is judged at.
    """
    broken = pl.col("AVALC") == pl.when(pl.col("PARCAT") == "inclusion").then(pl.lit("not met")).otherwise(
        pl.lit("met")
    )
    unknown = pl.col("AVALC") == "unknown"
    rows = listed["ADELIG"].filter(broken | unknown).with_columns(
        OF="PARAMCD", KIND="PARCAT", TEXT="PARAM", ADTL="ADT", SRCDOM=pl.lit("ADELIG"),
        AVALC=pl.when(unknown).then("AVALC").otherwise(pl.lit("not fulfilled")),
    )  # fmt: skip
    return as_listing(listed, "eligibility", with_days(listed, rows), _ROW)


def list_deviations(listed: Listed) -> pl.DataFrame:
    """Departures from the protocol.

    Returns
    -------
    deviations : DataFrame
        `KIND` is

        eligibility  a criterion not fulfilled, as in `list_eligibility`; unknown ones too
        consent      time zero before consent (`found`), or no day of consent (`unknown`)
        dose         a dose early, late, after a skipped dose or a hold that was too long, left out, or of another amount. How a
                     dose lies is listed once: where a deviation of the protocol asks for it, as that deviation with its
                     `SEVERITY` and what excuses it (see `find_late_doses`), else as `treatments` of the protocol say
        gap          days without a treatment that is given without intervals, more than `LONG_GAP_DAYS`
        end          a treatment that ended without any rule that ends it, or went on after one
        event        an event that a deviation of the protocol asks for by `had(...)` alone; `SEVERITY` is that deviation's
        calendar     what ADCLOCK says became of the clock or visit that a deviation of the protocol asks for, with its
                     `SEVERITY`; `ADT` is the day it was done, or the last on which it was in time

        `AVALC` is `found` or `unknown`. `PROTOCOL` is the element that was departed from.
    """
    rows = pl.concat(
        [
            _not_eligible(listed),
            _consent(listed),
            *_doses(listed),
            _ends(listed),
            *_by_event(listed),
            *_by_calendar(listed),
        ],
        how="diagonal_relaxed",
    )
    return as_listing(listed, "deviation", rows, {"SEVERITY": pl.String, **_ROW})


def _not_eligible(listed: Listed) -> pl.DataFrame:
    found = list_eligibility(listed)
    return found.with_columns(
        OF=pl.format("eligibility_{}", pl.col("PROTOCOL").str.split(".").list.last()), KIND=pl.lit("eligibility"),
        AVALC=pl.when(pl.col("AVALC") == "unknown").then("AVALC").otherwise(pl.lit("found")),
    ).drop("id")  # fmt: skip


def _consent(listed: Listed) -> pl.DataFrame:
    adsl = listed["ADSL"]
    consent = pl.col("CONSENTDT") if "CONSENTDT" in adsl.columns else pl.lit(None, pl.Date)
    late = pl.col("STARTDT") < consent
    return adsl.filter(late.fill_null(value=False) | consent.is_null()).select(
        "USUBJID", OF=pl.lit("consent"), KIND=pl.lit("consent"), ADT="STARTDT",
        ADY=pl.when(pl.col("STARTDT").is_not_null()).then(1),
        TEXT=pl.when(late).then(pl.lit("time zero before consent")).otherwise(pl.lit("day of consent not known")),
        AVALC=pl.when(late).then(pl.lit("found")).otherwise(pl.lit("unknown")),
        REASON=pl.when(consent.is_null()).then(pl.lit(_MISSING)), SRCDOM=pl.lit("DM"), PROTOCOL=pl.lit("anchors.consent"),
    )  # fmt: skip


def _doses(listed: Listed) -> Iterator[pl.DataFrame]:
    adex = with_days(listed, listed["ADEX"])
    given = pl.col("GIVENFL") == "Y"
    asked = (
        pl.concat_str("TREATMENT", "TIMING", separator=" ")
        .is_in(_asked_of_doses(listed))
        .fill_null(value=False)
    )
    adex = adex.with_columns(TIMING=pl.when(~asked).then("TIMING"))
    unlike: tuple[tuple[str, str, pl.Expr, pl.Expr], ...] = (
        ("early", "tolerance", pl.col("TIMING") == "early", pl.format("dose early: {} days after the one before", "INTERVAL")),
        ("late", "tolerance", pl.col("TIMING") == "late", pl.format("dose {} days late", "DELAYD")),
        ("skipped", "skipped after", pl.col("TIMING") == "after a skipped dose", pl.format("dose after {} skipped", "NSKIP")),
        ("held", "longest hold", pl.col("LONGFL") == "Y", pl.format("held too long: {} days after the dose before", "INTERVAL")),
        ("left_out", "every", ~given, pl.concat_str(pl.lit("dose left out"), pl.lit(": ") + pl.col("DOSEADJ"), ignore_nulls=True)),
        ("amount", "dose", given & (pl.col("DOSEPCT") != 100), pl.format("{} {} in place of {} {}", "AVAL", "AVALU", "PLANDOSE", "AVALU")),
    )  # fmt: skip
    for name, key, is_so, text in unlike:
        yield adex.filter(is_so).with_columns(
            OF=pl.format("{}_{}", "TREATMENT", pl.lit(name)), KIND=pl.lit("dose"), TEXT=pl.format("{}: {}", "PARAM", text),
            AVALC=pl.lit("found"), ADT=pl.coalesce("ADT", "ADTL"), PROTOCOL=pl.format("{}.{}", "PROTOCOL", pl.lit(key)),
        ).select("USUBJID", "OF", *_ROW, "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip
    gaps = adex.filter((pl.col("PARAMCD") == "SPAN") & (pl.col("GAPD") > LONG_GAP_DAYS))
    yield gaps.with_columns(
        OF=pl.format("{}_gap", "TREATMENT"), KIND=pl.lit("gap"), AVALC=pl.lit("found"), ADT=pl.coalesce("ADT", "ADTL"),
        TEXT=pl.format("{}: {} days without it before this day", "PARAM", "GAPD"),
    ).select("USUBJID", "OF", *_ROW, "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip


def _asked_of_doses(listed: Listed) -> list[str]:
    """Treatments with how a dose lies, `durvalumab late`, where a deviation of the protocol asks for it."""
    return [
        f"{treatment} {TIMING[str(deviation.is_)]}"
        for deviation in _of_clocks_and_visits(listed).values()
        if deviation.visit
        for treatment in dosed_at(listed.protocol.visits[deviation.visit], listed.protocol)
    ]


def _of_clocks_and_visits(listed: Listed) -> Mapping[str, Deviation]:
    """Deviations that ask what became of a clock or visit, and can be found."""
    protocol = listed.protocol
    return {
        name: one
        for name, one in protocol.deviations.items()
        if one.is_ and not why_deviation_not_run(one, protocol)
    }


def _ends(listed: Listed) -> pl.DataFrame:
    """Treatments that ended without a rule, or went on after one. Where a person must judge, nothing is listed."""
    labels = {name: treatment_words(listed.protocol, name)[0] for name in listed.protocol.treatments}
    agreed, went_on = pl.col("PARAMCD") == "STOPAGR", pl.col("PARAMCD") == "WENTON"
    rows = listed["ADEXSUM"].filter(
        (agreed & (pl.col("AVALC") == "N")) | (went_on & (pl.col("AVALC") == "Y"))
    )
    drug = pl.col("TREATMENT").replace_strict(labels, default=None, return_dtype=pl.String)
    rule = pl.col("PARAM").str.split(": ").list.slice(1).list.join(": ")
    told = rows.with_columns(
        OF=pl.format("{}_{}", "TREATMENT", pl.when(agreed).then(pl.lit("ended")).otherwise(pl.lit("went_on"))),
        KIND=pl.lit("end"), AVALC=pl.lit("found"), ADTL="ADT",
        TEXT=pl.when(agreed).then(pl.format("{}: ended, and no rule of the protocol ends it", drug))
        .otherwise(pl.format("{}: given after this was so: {}", drug, rule)),
    )  # fmt: skip
    return with_days(listed, told).select("USUBJID", "OF", *_ROW, "SRCDOM", "SRCSEQ", "PROTOCOL")


def _by_event(listed: Listed) -> Iterator[pl.DataFrame]:
    for name, deviation in listed.protocol.deviations.items():
        written = listed.rules.get(f"deviations.{name}.when")
        match written.condition if written and not deviation.of else None:
            case tree.Had(event, None | tree.Ever()) if event in listed.protocol.events:
                rows = first_of_each(listed.read("ADEVT").filter(pl.col("EVENT") == event))
                yield with_days(listed, rows).with_columns(
                    OF=pl.lit(name), KIND=pl.lit("event"), SEVERITY=pl.lit(deviation.severity), TEXT=pl.lit(deviation.text),
                    AVALC=pl.when(pl.col("AVALC") == "met").then(pl.lit("found")).otherwise("AVALC"),
                    ADT=pl.coalesce("ADT", "ADTL"), PROTOCOL=pl.lit(f"deviations.{name}"),
                ).select("USUBJID", "OF", "SEVERITY", *_ROW, "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip


def _by_calendar(listed: Listed) -> Iterator[pl.DataFrame]:
    day = pl.coalesce("ADT", "AWHIDT", "STARTDT")
    contacts = listed["ADCLOCK"].with_columns(ADT=day, ADTL=day).drop("STARTDT")
    for name, deviation in _of_clocks_and_visits(listed).items():
        if deviation.visit and dosed_at(listed.protocol.visits[deviation.visit], listed.protocol):
            kind, rows = "dose", find_late_doses(listed, deviation).with_columns(ADTL="ADT")
            since = pl.format(": {} days since the dose before", "INTERVAL").fill_null("")
            text = pl.concat_str(pl.lit(deviation.text), since)
        else:
            kind, text = "calendar", pl.lit(deviation.text)
            asked, answer = what_became(deviation)
            told = (pl.col("AVALC") == answer) | pl.col("AVALC").is_null()
            is_told = pl.when(pl.col("AVALC").is_null()).then(pl.lit("unknown")).otherwise(pl.lit("found"))
            rows = contacts.filter(told & (pl.col("PROTOCOL") == asked)).with_columns(AVALC=is_told)
        yield with_days(listed, rows).with_columns(
            OF=pl.lit(name), KIND=pl.lit(kind), SEVERITY=pl.lit(deviation.severity), TEXT=text,
            PROTOCOL=pl.lit(f"deviations.{name}"),
        ).select("USUBJID", "OF", "SEVERITY", *_ROW, "SRCDOM", "SRCSEQ", "PROTOCOL")  # fmt: skip


def list_deaths(listed: Listed) -> pl.DataFrame:
    """Every death, and deaths of which nobody can tell.

    Returns
    -------
    deaths : DataFrame
        `AVALC` `died` or `unknown` (it may lie after the data cut, or nobody can tell); `ADT`, `ADY` (of the first day it can
        be, none before the last known alive); `SINCE` days since the last dose of the treatments that are given at
        intervals (where there is none, of any treatment), `SINCEOF` its name.
        `FATAL` the terms of fatal adverse events, null where none is recorded.
    """
    events = first_of_each(listed["ADEVT"].filter(pl.col("EVENT") == "death"))
    events = events.unique("USUBJID", keep="first", maintain_order=True)
    died = days_of_death(listed["ADEVT"], listed["ADSL"]).select("USUBJID", ADTL="DIEDFROM")
    cuts = listed["ADSL"].select("USUBJID", "CUTDT")
    events = events.drop("ADTL").join(died, on="USUBJID", how="left", maintain_order="left")
    is_sure = (pl.col("AVALC") == "met") & is_by_the_cut("ADTH")
    events = events.join(cuts, on="USUBJID", how="left", maintain_order="left").with_columns(
        AVALC=pl.when(is_sure).then("AVALC").otherwise(pl.lit("unknown")),
        REASON=pl.coalesce("REASON", pl.when(~is_sure).then(pl.lit(Reason.IMPRECISE_DATE.value))),
    )
    terms = listed["ADAE"].filter(pl.col("AFATFL") == "Y").group_by("USUBJID", maintain_order=True).agg(
        FATAL=pl.coalesce("AEDECOD", "AETERM").unique(maintain_order=True).str.join(", ")
    )  # fmt: skip
    rows = with_days(listed, events).join(
        _last_doses(listed), on="USUBJID", how="left", maintain_order="left"
    )
    rows = rows.join(terms, on="USUBJID", how="left", maintain_order="left").with_columns(
        OF=pl.lit("death"), AVALC=pl.when(pl.col("AVALC") == "met").then(pl.lit("died")).otherwise("AVALC"),
        SINCE=(pl.col("ADT") - pl.col("LAST")).dt.total_days(),
    )  # fmt: skip
    return as_listing(listed, "death", rows, {
        "AVALC": pl.String, "REASON": pl.String, "ADT": pl.Date, "ADY": pl.Int64, "SINCE": pl.Int64, "SINCEOF": pl.String,
        "FATAL": pl.String,
    })  # fmt: skip


def _last_doses(listed: Listed) -> pl.DataFrame:
    """The last day of treatment, of treatments at intervals where the protocol has any: `LAST` and `SINCEOF`."""
    treatments = listed.protocol.treatments
    names = [name for name, one in treatments.items() if one.every] or list(treatments)
    days = listed["ADEXSUM"].filter((pl.col("PARAMCD") == "LASTDT") & pl.col("TREATMENT").is_in(names))
    last = days.sort("ADT", maintain_order=True).drop_nulls("ADT")
    return last.group_by("USUBJID", maintain_order=True).agg(
        LAST=pl.col("ADT").last(), SINCEOF=pl.col("TREATMENT").last()
    )


def list_serious_events(listed: Listed) -> pl.DataFrame:
    """Adverse events that are serious, or of which nobody said whether they are (`ASERFL` null).

    Columns are those of ADAE; `ADY` and `AENDY` are study days, `ADT` is the first day, imputed where part of it is known (`ASTDTF`
    says so), and missing where nothing is.
    """
    rows = listed["ADAE"].filter(pl.col("ASERFL").ne_missing("N"))
    start = listed.subjects.select("USUBJID", "STARTDT")
    told = rows.join(start, on="USUBJID", how="left", maintain_order="left").with_columns(
        OF=pl.lit("AE"), TERM=pl.coalesce("AEDECOD", "AETERM"), ADT=pl.when(pl.col("ASTDTL").is_not_null()).then("ASTDT"),
        AENDY=study_day(pl.col("AENDT"), pl.col("STARTDT")),
    ).with_columns(ADY=study_day(pl.col("ADT"), pl.col("STARTDT")))  # fmt: skip
    texts = ("ASERFL", "AEOUT", "AEREL", "ARELFL", "AIMFL", "AFATFL", "TRTEMFL", "TRTEMRS", "ASTDTF")
    return as_listing(listed, "serious", told, {
        "TERM": pl.String, "ATOXGR": pl.Int64, "ADT": pl.Date, "ADY": pl.Int64, "AENDT": pl.Date, "AENDY": pl.Int64,
        **dict.fromkeys(texts, pl.String),
    })  # fmt: skip


def _read(results: pl.Expr) -> pl.Expr:
    """Results as people read them."""
    return results.map_elements(readable, return_dtype=pl.String)


def _rises(listed: Listed, event: str) -> bool:
    """Whether the rule of an event asks that the result is above something."""
    rule = listed.rules.get(f"events.{event}.when")
    asked = tree.walk(rule.condition) if rule is not None else ()
    return any(
        isinstance(node, tree.Compare)
        and node.op in (">", ">=")
        and isinstance(node.left, tree.RowValue | tree.Change | tree.Ratio)
        for node in asked
    )


def list_liver_events(listed: Listed) -> pl.DataFrame:
    """Reactivations of hepatitis B, and flares and severe hepatic events with their cause.

    Returns
    -------
    liver : DataFrame
        `KIND` is `reactivation` for each occurrence of the events of rising HBV DNA that primary and secondary endpoints count
        (one of falling HBV DNA is a response; `AVALC` `met`, or `unknown` once for all that may be one), else `flare`, `adverse event`, `laboratory` as in ADATTR. `RESULT` and `BASELINE` are the
        value that decided and its baseline, as text, to four digits (ADEVT has all). `CAUSEST`, `CAUSE`, `CAUSEBY`, `CAUSEDT` are the judgement of a person; `SUGGEST`
        is what the data suggest and never takes its place. `WUMISS` are parts of the work-up that were not done.
    """
    fact = fact_of(listed.protocol, "hbv_dna")
    events = listed.protocol.events
    names = [
        name for name in main_events(listed.protocol) if events[name].of == fact and _rises(listed, name)
    ]
    base, result = _read(pl.col("BASE").cast(pl.String).str.strip_suffix(".0")), _read(pl.col("AVALT"))
    reactivations = doubts_as_one(listed["ADEVT"].filter(pl.col("EVENT").is_in(names))).with_columns(
        OF="EVENT", KIND=pl.lit("reactivation"), TEXT="PARAM", RESULT=pl.concat_str(result, pl.lit(" "), "AVALU"),
        BASELINE=pl.concat_str(base, pl.lit(" "), "AVALU"),
    )  # fmt: skip
    labels = {name: event.label or name for name, event in events.items()}
    others = listed["ADATTR"].with_columns(
        OF=pl.col("EVTYPE").str.replace(" ", "_"), KIND="EVTYPE", TEXT=pl.col("EVENT").replace(labels), AVALC=pl.lit("met"),
        REASON=pl.lit(None, pl.String),
    )  # fmt: skip
    rows = pl.concat([with_days(listed, reactivations), with_days(listed, others)], how="diagonal_relaxed")
    texts = ("RESULT", "BASELINE", "CAUSEST", "CAUSE", "CAUSEBY", "SUGGEST", "WUMISS")
    return as_listing(
        listed,
        "liver",
        rows,
        {**_ROW, "ATOXGR": pl.Int64, **dict.fromkeys(texts, pl.String), "CAUSEDT": pl.Date},
    )
