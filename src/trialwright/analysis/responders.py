"""Who responds by a response rate, beside whose time in response is counted: two definitions that may part."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from trialwright.analysis.proportions import best_responses, is_confirmed
from trialwright.analysis.results import Recorder
from trialwright.analysis.sample import AnalysisData, select_times
from trialwright.protocol.analyses import KaplanMeier, Proportion, TimeAnalysis
from trialwright.protocol.model import Protocol
from trialwright.protocol.not_run import reason_without_response


def response_rate_beside(protocol: Protocol, analysis: TimeAnalysis) -> str | None:
    """The response rate of the same population that a time in response stands beside; None for any other time."""
    start = analysis.from_ or protocol.endpoints[analysis.endpoint].from_ or ""
    event = protocol.events.get(start.removeprefix("first "))
    if event is None or event.when is None:
        return None
    for id_, one in protocol.analyses.items():
        if not isinstance(one, Proportion) or one.population != analysis.population:
            continue
        rated = protocol.endpoints[one.endpoint]
        if reason_without_response(protocol, rated):
            continue
        if rated.kind == "best response" and re.search(rf"\b{rated.of}\b", event.when):
            return id_
    return None


def find_responders(data: AnalysisData, analysis: TimeAnalysis) -> Mapping[str, pl.DataFrame]:
    """Who responds by the response rate beside a time in response, and who is in one of the two only: `USUBJID` by statistic.

    A rate goes by best responses and what its element says of confirmation; a time begins with an event of the protocol.
    Without such a rate there is nothing.
    """
    rate = data.protocol.analyses.get(response_rate_beside(data.protocol, analysis) or "")
    if not isinstance(rate, Proportion):
        return {}
    endpoint = data.protocol.endpoints[rate.endpoint]
    people = data.population(analysis.population).select("USUBJID")
    best = best_responses(data, rate.endpoint, is_confirmed=is_confirmed(endpoint))
    counted = pl.col("BEST").is_in(list(endpoint.response.counts) if endpoint.response else [])
    responders = people.join(best.filter(counted), on="USUBJID", how="semi")
    timed = people.join(select_times(data, analysis).drop_nulls(["AVAL", "CNSR"]), on="USUBJID", how="semi")
    return {
        "n_responders": responders,
        "n_responders_without_time": responders.join(timed, on="USUBJID", how="anti"),
        "n_timed_without_response": timed.join(responders, on="USUBJID", how="anti"),
    }


def count_responders(data: AnalysisData, analysis: KaplanMeier, recorder: Recorder) -> None:
    """A row for each of `find_responders`, the response rate as item."""
    rate, n = response_rate_beside(data.protocol, analysis), data.population(analysis.population).height
    for statistic, found in find_responders(data, analysis).items():
        recorder.add(statistic, found.height, "subjects", item=rate, n=n)
