"""The methods in words, made from the protocol's analyses and from nothing else."""

from __future__ import annotations

from trialwright.protocol.analyses import (
    BaselineTable,
    Cox,
    KaplanMeier,
    LogRank,
    RestrictedMean,
    ReverseKaplanMeier,
)
from trialwright.reports.blocks import Bullets, Ref, Term, Text
from trialwright.reports.printed import Source


def render_methods(source: Source) -> Bullets:
    """A sentence or two for each method with its settings, naming every endpoint it serves, in the protocol's order."""
    alike: dict[str, list[str]] = {}
    for name, analysis in source.protocol.analyses.items():
        settings = analysis.model_dump_json(exclude={"endpoint", "title", "role", "source", "note"})
        alike.setdefault(settings, []).append(name)
    return Bullets((*(_sentence(source, names) for names in alike.values()), _missing_values()))


def _missing_values() -> Text:
    return Text(
        "Nothing was imputed. A subject without a time, a status or a covariate that an analysis needs is left out of "
        "that analysis and counted as left out."
    )


def _sentence(source: Source, names: list[str]) -> Text:
    name = names[0]
    analysis = source.protocol.analyses[name]
    endpoints = _endpoints(source, names)
    match analysis:
        case BaselineTable():
            return _baseline(source, name, analysis)
        case KaplanMeier():
            return _kaplan_meier(source, name, analysis, endpoints)
        case ReverseKaplanMeier():
            return Text(
                "Follow-up was estimated by the reverse Kaplan–Meier method on ", endpoints, " (",
                _paper("Schemper and Smith 1996"), ").",
            )  # fmt: skip
        case LogRank():
            return _logrank(source, name, analysis, endpoints)
        case Cox():
            return _cox(source, name, analysis, endpoints)
        case RestrictedMean():
            return Text(
                "The mean time of ", endpoints, " within ", source.setting(name, "horizon", analysis.horizon),
                " is the area under the Kaplan–Meier curve up to there; groups were compared by the difference, with "
                "normal ", source.setting(name, "confidence", _percent(analysis.confidence)), " limits (",
                _paper("Royston and Parmar 2011"), ").",
            )  # fmt: skip
        case _:
            raise TypeError(f"{analysis.method} has no sentence: it is refused before a report is made")


def _endpoints(source: Source, names: list[str]) -> Text:
    """The endpoints of analyses, once each, in small letters and joined by commas and `and`."""
    used = dict.fromkeys(getattr(source.protocol.analyses[name], "endpoint", None) for name in names)
    terms = [_lower(source, endpoint) for endpoint in used if endpoint]
    pieces: list[str | Term] = []
    for i, term in enumerate(terms):
        pieces += ["" if i == 0 else " and " if i == len(terms) - 1 else ", ", term]
    return Text(*pieces)


def _baseline(source: Source, name: str, analysis: BaselineTable) -> Text:
    by = (" by ", source.fact(analysis.by)) if analysis.by else ()
    compared = (
        "; groups are compared by standardised mean differences (", _paper("Austin 2009"), ", ",
        _paper("Yang and Dalton 2012"), "), and not tested",
    ) if analysis.by else ()  # fmt: skip
    return Text(
        "Characteristics are described", *by, ", with quartiles of ",
        source.setting(name, "quantiles", analysis.quantiles), " (", _paper("Hyndman and Fan 1996"), ")", *compared, ".",
    )  # fmt: skip


def _kaplan_meier(source: Source, name: str, analysis: KaplanMeier, endpoints: Text) -> Text:
    times = [piece for at in analysis.read_at for piece in (", ", source.setting(name, "read at", at))][1:]
    by = (" by ", source.fact(analysis.by)) if analysis.by else ()
    read = (", read at ", *times) if times else ()
    return Text(
        "Kaplan–Meier curves of ", endpoints, " were estimated", *by, ", with ",
        source.setting(name, "interval", analysis.interval), " ",
        source.setting(name, "confidence", _percent(analysis.confidence)), " limits", *read,
        ". The median is where the curve crosses one half; where it runs flat there, the middle of the flat part. "
        "Beyond the last observed time the curve is unknown.",
    )  # fmt: skip


def _logrank(source: Source, name: str, analysis: LogRank, endpoints: Text) -> Text:
    strata = [piece for fact in analysis.strata for piece in (", ", source.fact(fact))][1:]
    weight = (
        (" with weight rho = ", source.setting(name, "rho", f"{analysis.rho:g}"), " (",
         _paper("Harrington and Fleming 1982"), ")")
        if analysis.rho
        else ()
    )  # fmt: skip
    return Text(
        "Groups by ", source.fact(analysis.by), " were compared in ", endpoints, " with the two-sided log-rank test",
        *weight, *((", stratified by ", *strata) if strata else ()), ".",
    )  # fmt: skip


def _cox(source: Source, name: str, analysis: Cox, endpoints: Text) -> Text:
    covariates = [piece for fact in analysis.covariates for piece in (", ", source.fact(fact))][1:]
    strata = [piece for fact in analysis.strata for piece in (", ", source.fact(fact))][1:]
    return Text(
        "Cox regression of ", endpoints, " has the covariates ", *covariates,
        *((", and strata of ", *strata) if strata else ()), "; ties were handled by the method of ",
        source.setting(name, "ties", analysis.ties.capitalize()),
        ". Proportional hazards were tested by scaled Schoenfeld residuals (",
        _paper("Grambsch and Therneau 1994"), ") on the ",
        source.setting(name, "hazards transform", _TRANSFORMS[analysis.hazards_transform]),
        " scale; p below ", source.setting(name, "hazards warning", analysis.hazards_warning),
        " is reported as a warning.",
    )  # fmt: skip


_TRANSFORMS = {"km": "Kaplan–Meier", "rank": "rank", "identity": "time"}


def _lower(source: Source, endpoint: str) -> Term:
    label = source.protocol.endpoints[endpoint].label
    return source.said(label[:1].lower() + label[1:], f"endpoints.{endpoint}.label")


def _percent(level: float) -> str:
    return f"{100 * level:g} %"


def _paper(name: str) -> Term:
    return Term(name, Ref.source(name))
