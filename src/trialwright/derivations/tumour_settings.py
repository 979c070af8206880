"""What a protocol says about tumour response: which endpoints, how confirmed, whose reading, from which day."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from trialwright.derivations.study import SUBJECT, Study
from trialwright.derivations.tumour_courses import Holding, TumourCourses, follow_tumours
from trialwright.derivations.tumour_records import LOCAL
from trialwright.medicine.recist.best_response import AfterCompleteResponse
from trialwright.medicine.recist.criteria import Confirmation
from trialwright.protocol.model import Endpoint, Protocol, Response
from trialwright.protocol.moments import parse_moment
from trialwright.protocol.not_run import reason_without_response
from trialwright.protocol.references import NEW_THERAPY
from trialwright.vocabulary.durations import Duration

_AFTER_COMPLETE = {
    "unresolved": AfterCompleteResponse.UNRESOLVED,
    "partial response": AfterCompleteResponse.REREAD,
    "progression": AfterCompleteResponse.PROGRESSION,
}


@dataclass(frozen=True)
class ResponseSettings:
    """One best-response endpoint as the functions of `medicine` take it.

    Attributes
    ----------
    path : str
        Where it stands in the protocol: `endpoints.response`.
    reader : str
    counts : tuple of str
        Responses that count, as `CR`.
    confirmation : Confirmation or None
    holding : Holding
        How partial responses are held in what its best response is found among.
    least_stable_days : int
    after_complete : AfterCompleteResponse
    stops_at_new_therapy : bool
    unassessed_is_no : bool
    """

    path: str
    reader: str
    counts: tuple[str, ...]
    confirmation: Confirmation | None
    holding: Holding
    least_stable_days: int
    after_complete: AfterCompleteResponse
    stops_at_new_therapy: bool
    unassessed_is_no: bool


def response_settings(protocol: Protocol) -> list[ResponseSettings]:
    """The endpoints that are a best response by RECIST 1.1, in the order of the protocol."""
    return [
        _settings(f"endpoints.{name}", endpoint, endpoint.response)
        for name, endpoint in protocol.endpoints.items()
        if endpoint.kind == "best response"
        and endpoint.response
        and not reason_without_response(protocol, endpoint)
    ]


def _settings(path: str, endpoint: Endpoint, response: Response) -> ResponseSettings:
    events = endpoint.estimand.intercurrent_events if endpoint.estimand else {}
    return ResponseSettings(
        path,
        endpoint.reader or LOCAL,
        tuple(response.counts),
        confirmation_of(response),
        Holding(response.partial_stays, confirmation_of(response)),
        whole_days(response.stable_at_least, path),
        _AFTER_COMPLETE[response.after_complete],
        events.get(NEW_THERAPY.replace("_", " "), "treatment policy") != "treatment policy",
        response.unassessed == "no response",
    )


def confirmation_of(response: Response) -> Confirmation | None:
    """How a response is confirmed, if it must be."""
    if response.confirmed_after is None:
        return None
    return Confirmation(
        after_days=whole_days(response.confirmed_after, "confirmed after"),
        most_ne=response.not_evaluable_between,
        most_sd=int(response.stable_between),
    )


def whole_days(duration: Duration | None, where: str) -> int:
    """The days of a duration; none are 0.

    Raises
    ------
    ValueError
        If it is in months or years, which have no number of days.
    """
    if duration is None:
        return 0
    if duration.days is None:
        raise ValueError(f"`{where}`: between scans days or weeks count, not `{duration}`")
    return duration.days


def holding_of(protocol: Protocol) -> Holding:
    """Whether partial responses are held where no endpoint is asked about (`OVR` and the fact): as the first endpoint says whose
    responses must be confirmed, else as the first; at once where there is none."""
    said = [one.holding for one in response_settings(protocol)]
    return next((one for one in said if one.confirmation), said[0] if said else Holding(True, None))


def recorded_courses(study: Study) -> TumourCourses:
    """The courses from the days that the records themselves tell, before there is an ADSL."""
    return follow_tumours(study, start_days(study), holding_of(study.protocol))


def courses_of(study: Study, adsl: pl.DataFrame, recorded: TumourCourses | None = None) -> TumourCourses:
    """The courses that ADTR, ADRS and the questions rest on.

    Whoever began a new therapy on a day nobody knows is followed twice as well: best responses depend on that day.

    Parameters
    ----------
    study : Study
    adsl : DataFrame
        `SUBJECT` and `STARTDT`.
    recorded : TumourCourses, optional
        `recorded_courses(study)`, where they are there already: mostly nothing else comes out, and nobody is followed again.
    """
    therapy = new_therapy_days(study)
    is_open = pl.col("early").is_null() | (pl.col("early") < pl.col("late"))
    also_twice = therapy.filter(is_open)[SUBJECT].to_list()
    if recorded and not also_twice and adsl.select(SUBJECT, "STARTDT").equals(start_days(study)):
        return recorded
    return follow_tumours(study, adsl, holding_of(study.protocol), also_twice=also_twice)


def reader_of(protocol: Protocol) -> str:
    """Whose reading of scans the protocol counts: that of its first endpoint which names one, else the local one."""
    named = [endpoint.reader for endpoint in protocol.endpoints.values() if endpoint.reader]
    return named[0] if named else LOCAL


def fact_of(protocol: Protocol, concept: str) -> str | None:
    """The protocol's name for a concept."""
    return next((name for name, fact in protocol.facts.items() if fact.concept == concept), None)


def start_days(study: Study) -> pl.DataFrame:
    """`SUBJECT` and `STARTDT`, the day of the protocol's time zero as the records themselves tell it.

    It is read from the doses of a drug (`first durvalumab`), or from the milestone that records an anchor; null where
    the time zero is anything else or its day is not known. ADSL has it in all cases.
    """
    days = study.subjects.select(SUBJECT)
    found = _day_of(study, study.protocol.time_zero)
    if found is None:
        return days.with_columns(pl.lit(None, pl.Date).alias("STARTDT"))
    first = found.group_by(SUBJECT).agg(pl.col("early").min(), pl.col("late").min())
    known = first.with_columns(pl.when(pl.col("early") == pl.col("late")).then("early").alias("STARTDT"))
    return days.join(known.select(SUBJECT, "STARTDT"), on=SUBJECT, how="left", maintain_order="left")


def _day_of(study: Study, text: str | None) -> pl.DataFrame | None:
    if text is None:
        return None
    moment = parse_moment(text)
    anchor = study.protocol.anchors.get(moment.name or "")
    if moment.offset or moment.name is None or moment.which not in (None, "first"):
        return None
    if anchor is not None:
        return _day_of(study, anchor.at) if anchor.at else _recorded(study, moment.name)
    return _doses(study, moment.name)


def _recorded(study: Study, anchor: str) -> pl.DataFrame:
    if anchor == "consent":
        return _days(study.tables["DM"], "RFICDTC")
    milestones = study.tables["DS"].filter(
        is_named("DSCAT", "PROTOCOL MILESTONE"), is_named("DSDECOD", anchor)
    )
    return _days(milestones, "DSSTDTC")


def _doses(study: Study, drug: str) -> pl.DataFrame:
    taken = study.tables["CM"].filter(is_named("CMDECOD", drug) | is_named("CMTRT", drug))
    given = study.tables["EX"].filter(is_named("EXTRT", drug), pl.col("EXDOSE") > 0)
    return pl.concat([_days(given, "EXSTDTC"), _days(taken, "CMSTDTC")])


def new_therapy_days(study: Study) -> pl.DataFrame:
    """`SUBJECT`, `early` and `late`: the first and the last day the first new anticancer therapy can have begun.

    `early` is null where nothing is known of the day.
    """
    events = study.tables["DS"].filter(is_named("DSCAT", "OTHER EVENT"), is_named("DSDECOD", NEW_THERAPY))
    days = _days(events, "DSSTDTC")
    return days.group_by(SUBJECT).agg(
        pl.when(pl.col("early").is_not_null().all()).then(pl.col("early").min()).alias("early"),
        pl.col("late").min(),
    )


def _days(table: pl.DataFrame, variable: str) -> pl.DataFrame:
    return table.select(
        SUBJECT,
        pl.col(f"{variable}_earliest").cast(pl.Date).alias("early"),
        pl.col(f"{variable}_latest").cast(pl.Date).alias("late"),
    )


def is_named(column: str, name: str) -> pl.Expr:
    """Whether a text is a name of the protocol, whatever its case, spaces and underscores; never null."""
    spelt = pl.col(column).str.to_uppercase().str.replace_all(r"[\s_]+", " ").str.strip_chars()
    return (spelt == re.sub(r"[\s_]+", " ", name).upper()).fill_null(False)
