"""The methods in words, made from the protocol's analyses and from nothing else."""

from __future__ import annotations

from trialwright.analysis.proportions import reading_of
from trialwright.protocol.analyses import (
    BaselineTable,
    Cox,
    GradeTable,
    KaplanMeier,
    LogRank,
    Proportion,
    RestrictedMean,
    ReverseKaplanMeier,
    VisitSummary,
)
from trialwright.protocol.references import GROUPS
from trialwright.reports.blocks import Bullets, Ref, Term, Text
from trialwright.reports.printed import Source


def render_methods(source: Source) -> Bullets:
    """A sentence or two for each method with its settings, naming every endpoint it serves, in the protocol's order."""
    alike: dict[str, list[str]] = {}
    for name, analysis in source.protocol.analyses.items():
        settings = analysis.model_dump_json(exclude={"endpoint", "title", "role", "source", "note"})
        alike.setdefault(settings, []).append(name)
    return Bullets((*(_sentence(source, names) for names in alike.values()), _missing_values(source)))


def _missing_values(source: Source) -> Text:
    kinds = {type(analysis) for analysis in source.protocol.analyses.values()}
    beyond = VisitSummary in kinds and source.protocol.assays
    return Text(
        "Nothing was imputed" + (" but results beyond an assay in means, as said above." if beyond else "."),
        *([_NOT_JUDGED] if Proportion in kinds else []),
        " A subject without a time, a status or a covariate that an analysis needs is left out of that analysis and counted as "
        "left out.",
    )


_NOT_JUDGED = " Who could not be judged for a rate is counted, and shown in every way in which such a subject can count."


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
        case Proportion():
            return _proportion(source, name, analysis, endpoints)
        case GradeTable():
            return _grade_table(source, analysis, endpoints)
        case VisitSummary():
            return _visit_summary(source, name, analysis, endpoints)
        case _:
            return Text(
                source.setting(name, "title", analysis.title),
                ": ",
                source.setting(name, "method", analysis.method),
                ".",
            )


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


def _proportion(source: Source, name: str, analysis: Proportion, endpoints: Text) -> Text:
    confidence = source.setting(name, "confidence", _percent(analysis.confidence))
    chosen = reading_of(analysis, source.protocol.endpoints[analysis.endpoint])
    counted = (
        "; whoever could not be judged is taken as “", source.setting(name, "unassessed", chosen),
        "”, and the other ways to count stand beside",
    )  # fmt: skip
    if analysis.per == "patient-months":
        return Text(
            "Events of ", endpoints, " per hundred patient-months have exact ", confidence, " limits (",
            _paper("Garwood 1936"), "); time ends with the event", *counted, ".",
        )  # fmt: skip
    compared = (
        *_groups(source, analysis.by), " were compared by the difference of proportions (", _paper("Newcombe 1998, method 10"),
        ") and their ratio (", _paper("Katz 1978"), "), and not tested.",
    ) if analysis.by else ()  # fmt: skip
    return Text(
        "The proportion with ", endpoints, " has exact ", confidence, " limits (", _paper("Clopper and Pearson 1934"), ")",
        *counted, ".", *compared,
    )  # fmt: skip


def _groups(source: Source, by: str) -> tuple[str | Term, ...]:
    return (" The groups",) if by == GROUPS else (" Groups by ", source.fact(by))


def _grade_table(source: Source, analysis: GradeTable, endpoints: Text) -> Text:
    grading = source.protocol.endpoints[analysis.endpoint].grading
    path = f"endpoints.{analysis.endpoint}.grading"
    graded = (
        (" They were graded by ", source.said(grading.version, f"{path}.version"), "; a missing grade is ",
         source.said(grading.missing_grade, f"{path}.missing grade"), ", a missing relation counts as ",
         source.said(grading.missing_relation, f"{path}.missing relation"), ".")
        if grading
        else ()
    )  # fmt: skip
    return Text(
        "Of ", endpoints, " those count that came with treatment, unless dates prove otherwise; each subject counts once in a row, with "
        "the worst grade that is known.", *graded, " Rates are of first events per hundred patient-months, with exact limits (",
        _paper("Garwood 1936"), ").",
    )  # fmt: skip


def _visit_summary(source: Source, name: str, analysis: VisitSummary, endpoints: Text) -> Text:
    compared = (
        ".", *_groups(source, analysis.by), " were compared by the difference of mean changes, with ",
        source.setting(name, "confidence", _percent(analysis.confidence)), " limits for unequal spread (", _paper("Welch 1947"),
        "), and not tested",
    ) if analysis.by else ()  # fmt: skip
    return Text(
        "For ", endpoints, " the result nearest to the day of each visit counts", *compared,
        ". Medians and quartiles of results that are only known between limits are given as limits.",
    )  # fmt: skip


_TRANSFORMS = {"km": "Kaplan–Meier", "rank": "rank", "identity": "time"}


def _lower(source: Source, endpoint: str) -> Term:
    label = source.protocol.endpoints[endpoint].label
    begins_an_abbreviation = label[1:2].isupper()
    words = label if begins_an_abbreviation else label[:1].lower() + label[1:]
    return source.said(words, f"endpoints.{endpoint}.label")


def _percent(level: float) -> str:
    return f"{100 * level:g} %"


def _paper(name: str) -> Term:
    return Term(name, Ref.source(name))
