"""The methods in words, made from the protocol's analyses and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from trialwright.analysis.proportions import reading_of
from trialwright.protocol.analyses import (
    BaselineTable,
    CloneCensorWeight,
    Cox,
    CumulativeIncidence,
    FineGray,
    GradeTable,
    IntervalCensored,
    KaplanMeier,
    LogRank,
    Proportion,
    RestrictedMean,
    ReverseKaplanMeier,
    Subgroups,
    TimeAnalysis,
    VisitSummary,
    Weights,
)
from trialwright.protocol.not_run import reason_not_run
from trialwright.protocol.references import GROUPS, facts_named
from trialwright.protocol.stated import Stated
from trialwright.reports.blocks import Bullets, Ref, Term, Text
from trialwright.reports.limited_cells import stands_for
from trialwright.reports.printed import Source


def render_methods(source: Source) -> Bullets:
    """A sentence or two for each method that is run with its settings, naming every endpoint it serves, in the protocol's order."""
    alike: dict[str, list[str]] = {}
    for name, analysis in source.protocol.analyses.items():
        if reason_not_run(source.protocol, analysis):
            continue
        settings = analysis.model_dump_json(exclude=_NOT_SETTINGS)
        alike.setdefault(settings, []).append(name)
    sentences = (_sentence(source, names) for names in alike.values())
    return Bullets((*sentences, *_limited_values(source), _missing_values(source)))


_NOT_SETTINGS = {*Stated.model_fields, "endpoint", "title", "role", "note", "population"}
"""What does not change how an analysis is done."""


def _missing_values(source: Source) -> Text:
    kinds = {type(analysis) for analysis in source.protocol.analyses.values()}
    weights = [getattr(analysis, "weights", None) for analysis in source.protocol.analyses.values()]
    imputed = [
        *(["results beyond an assay"] if _assayed(source) else []),
        *(["covariates of weights"] if any(one and one.imputations for one in weights) else []),
    ]
    return Text(
        "Nothing was imputed" + (" but " + " and ".join(imputed) + ", as said above." if imputed else "."),
        *([_NOT_JUDGED] if Proportion in kinds else []),
        " A subject without a time, a status or a covariate that an analysis needs is left out of that analysis and counted as "
        "left out.",
    )


def _limited_values(source: Source) -> Iterator[Text]:
    """What stands for values that are not exact, and where nothing does."""
    kinds = {type(analysis) for analysis in source.protocol.analyses.values()}
    counted = [
        piece for fact in _assayed(source) for piece in (*stands_for(source, fact), ", in means and as a covariate. ")
    ]  # fmt: skip
    if counted:
        counted.append("No event is judged by such a number. ")
    if counted or VisitSummary in kinds:
        yield Text(
            *counted,
            "Of values of which more than half are not exact, tables give no mean and no difference of means; models, and the balance of "
            "their covariates, take the number. Medians and quartiles put nothing in place of a value that is only known between "
            "limits; where they are not known exactly, their limits are given.",
        )


def _assayed(source: Source) -> list[str]:
    """The facts whose values may lie beyond the limits of an assay, and enter a mean or a model all the same."""
    at_visits = [
        source.protocol.endpoints[one.endpoint].of
        for one in source.protocol.analyses.values()
        if isinstance(one, VisitSummary)
    ]
    limited = {
        assay.measures for assay in source.protocol.assays.values() if assay.lower_limit or assay.upper_limit
    }
    named = dict.fromkeys((*facts_named(source.protocol), *at_visits))
    return [fact for fact in named if fact is not None and fact in limited]


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
        case Subgroups():
            return _subgroups(source, name, analysis, endpoints)
        case RestrictedMean():
            return Text(
                "The mean time of ", endpoints, " within ", source.setting(name, "horizon", analysis.horizon),
                " is the area under the Kaplan–Meier curve up to there; groups were compared by the difference, with "
                "normal ", source.setting(name, "confidence", _percent(analysis.confidence)), " limits (",
                _paper("Royston and Parmar 2011"), ").",
            )  # fmt: skip
        case CumulativeIncidence():
            return _incidence(source, name, analysis, endpoints)
        case FineGray():
            return _fine_gray(source, name, analysis, endpoints)
        case IntervalCensored():
            return _interval_censored(source, name, analysis, endpoints)
        case CloneCensorWeight():
            return _emulated(source, name, analysis, endpoints)
        case Proportion():
            return _proportion(source, name, analysis, endpoints)
        case GradeTable():
            return _grade_table(source, analysis, endpoints)
        case VisitSummary():
            return _visit_summary(source, name, analysis, endpoints)


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
        "Beyond the last observed time the curve is unknown.", *_counted_from(source, name, analysis),
        *(_COMPARED_RISKS if analysis.by == GROUPS and times else ()), *_weighted(source, name, analysis),
    )  # fmt: skip


_COMPARED_RISKS = (
    (
        " Risks are one less the curve; groups were compared by their difference, with variances added (Greenwood), and by their ratio, "
        "with limits on the logarithmic scale."
    ),
)


def _counted_from(source: Source, name: str, analysis: TimeAnalysis) -> tuple[str | Term, ...]:
    """Where time counts from, and who is under watch when, if the analysis says so."""
    pieces: list[str | Term] = []
    if analysis.from_:
        pieces += [" Time counts from ", source.setting(name, "from", analysis.from_.replace("_", " ")), "."]
    if analysis.entry:
        pieces += [
            " Subjects are at risk from ",
            source.setting(name, "entry", analysis.entry.replace("_", " ")),
            " on only.",
        ]
    if analysis.landmark:
        pieces += [
            " Only those free of the event and under watch ", source.setting(name, "landmark", analysis.landmark),
            " after the start count, by what had begun then (", _paper("Anderson, Cain and Gelber 1983"), ").",
        ]  # fmt: skip
    if GROUPS in getattr(analysis, "time_varying", ()):
        pieces += [
            " The group changes on the day the treatment begins, never before; variances are robust by subject (", _paper("Lin and Wei 1989"), ").",
        ]  # fmt: skip
    return tuple(pieces)


def _weighted(source: Source, name: str, analysis: KaplanMeier | Cox) -> tuple[str | Term, ...]:
    """How groups were made alike; nothing where they were not."""
    weights = analysis.weights
    if weights is None:
        return ()
    facts = _covariates(source, name, weights, "weights.transform")
    imputed = (
        (" Missing ones were imputed ", source.setting(name, "weights.imputations", weights.imputations),
         " times by chained equations with predictive mean matching, from the others, the group, the event and the cumulative hazard (",
         _paper("White and Royston 2009"), "), and results combined by the rules of ", _paper("Rubin 1987"), ".")
        if weights.imputations
        else ()
    )  # fmt: skip
    drawn = (
        (" Beside robust limits that take the weights as known stand percentiles of ", source.setting(name, "weights.resamples", weights.resamples),
         " samples of subjects, each with a score of its own (", _paper("Austin 2016"), "; seed ", source.setting(name, "weights.seed", weights.seed), ").")
        if isinstance(analysis, KaplanMeier)
        else (" Limits are robust and take the weights as known.",)
    )  # fmt: skip
    return (
        " Groups were weighted to the target “", source.setting(name, "weights.target", weights.target), "” (",
        _paper("Li, Morgan and Zaslavsky 2018"), ") by a logistic propensity score of ", *facts, ".", *imputed, *drawn,
        " A weighted result is refused where the weights leave less than half of the subjects' information. E-values follow ",
        _paper("VanderWeele and Ding 2017"), ".",
    )  # fmt: skip


def _incidence(source: Source, name: str, analysis: CumulativeIncidence, endpoints: Text) -> Text:
    times = [piece for at in analysis.read_at for piece in (", ", source.setting(name, "read at", at))][1:]
    compared = (
        "; groups were compared by ", _paper("Gray 1988"), ("'s test, the difference and the ratio of the incidences, and the cause-specific hazard "
        "ratio of the groups alone"),
    ) if analysis.by else ()  # fmt: skip
    return Text(
        "The cumulative incidence of ", endpoints, ", with competing events as such, is that of ", _paper("Aalen and Johansen 1978"), " with ",
        source.setting(name, "interval", analysis.interval), " ", source.setting(name, "confidence", _percent(analysis.confidence)),
        " limits by the infinitesimal jackknife", *((", read at ", *times) if times else ()), *compared, ".",
        *_counted_from(source, name, analysis),
    )  # fmt: skip


def _covariates(
    source: Source, name: str, of: Weights | Cox | FineGray | CloneCensorWeight, key: str = "transform"
) -> list[str | Term]:
    """What a model takes, each with the scale it is taken on where that is another."""
    pieces: list[str | Term] = []
    for fact in of.covariates:
        scale = of.transform.get(fact)
        pieces += [", ", source.fact(fact)]
        pieces += [" (", source.setting(name, f"{key}.{fact}", scale), ")"] if scale else []
    return pieces[1:]


def _fine_gray(source: Source, name: str, analysis: FineGray, endpoints: Text) -> Text:
    covariates = _covariates(source, name, analysis)
    return Text(
        "The subdistribution hazard of ", endpoints, " was modelled (", _paper("Fine and Gray 1999"), ") with the covariates ", *covariates,
        "; the variance is robust by subject and takes the censoring weights as known.",
    )  # fmt: skip


def _interval_censored(source: Source, name: str, analysis: IntervalCensored, endpoints: Text) -> Text:
    return Text(
        "For ", endpoints, " as an event between two examinations, curves are those of greatest likelihood (", _paper("Turnbull 1976"),
        "); who had something else first is followed to the last examination. Limits are percentiles of ",
        source.setting(name, "resamples", analysis.resamples), " samples of subjects (seed ", source.setting(name, "seed", analysis.seed),
        "), those of a difference are made of both (", _paper("Zou and Donner 2008"), ").",
    )  # fmt: skip


def _emulated(source: Source, name: str, analysis: CloneCensorWeight, endpoints: Text) -> Text:
    covariates = _covariates(source, name, analysis)
    return Text(
        "For ", endpoints, " a trial was emulated that assigns at the start and lets treatment begin within ",
        source.setting(name, "grace", analysis.grace), ": each subject follows both strategies, is censored on leaving one, and who remains is weighted by ",
        *covariates, " (", _paper("Hernán 2018"), "; ", _paper("Maringe et al. 2020"), "). Limits are percentiles of ",
        source.setting(name, "resamples", analysis.resamples), " samples of subjects (seed ", source.setting(name, "seed", analysis.seed), ").",
        *_counted_from(source, name, analysis),
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
    covariates = _covariates(source, name, analysis)
    strata = [piece for fact in analysis.strata for piece in (", ", source.fact(fact))][1:]
    return Text(
        "Cox regression of ", endpoints, " has the covariates ", *covariates,
        *((", and strata of ", *strata) if strata else ()), "; ties were handled by the method of ",
        source.setting(name, "ties", analysis.ties.capitalize()),
        ". Proportional hazards were tested by scaled Schoenfeld residuals (",
        _paper("Grambsch and Therneau 1994"), ") on the ",
        source.setting(name, "hazards transform", _TRANSFORMS[analysis.hazards_transform]),
        " scale; p below ", source.setting(name, "hazards warning", analysis.hazards_warning),
        " is reported as a warning.", *_counted_from(source, name, analysis), *_weighted(source, name, analysis),
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
        "For ", endpoints, " the result nearest to the day of each visit counts", *compared, ".",
    )  # fmt: skip


_TRANSFORMS = {"km": "Kaplan–Meier", "rank": "rank", "identity": "time"}


def _lower(source: Source, endpoint: str) -> Term:
    label = source.protocol.endpoints[endpoint].label
    begins_an_abbreviation = label[1:2].isupper()
    words = label if begins_an_abbreviation else label[:1].lower() + label[1:]
    return source.said(words, f"endpoints.{endpoint}.label")


def _subgroups(source: Source, name: str, analysis: Subgroups, endpoints: Text) -> Text:
    facts = [piece for fact in analysis.facts for piece in (", ", source.fact(fact))][1:]
    limit = source.said(source.protocol.reporting.small_group_events, "reporting.small group events")
    tested = (
        "whether ratios differ between subgroups was tested by the likelihood ratio of the products of group and subgroup"
        if analysis.role == "registered"
        else "whether ratios differ between subgroups was not tested, for the plan does not register it"
    )
    return Text(
        "Subgroups of ", endpoints, " by ", *facts, " have each a Cox model with the groups alone, ties by the method of ",
        source.setting(name, "ties", analysis.ties.capitalize()), " and ", source.setting(name, "confidence", _percent(analysis.confidence)),
        " limits that are not adjusted for their number (", _paper("Wang et al. 2007"), "). A subgroup with fewer events than ", limit,
        " has no ratio; ", tested, ".",
    )  # fmt: skip


def _percent(level: float) -> str:
    return f"{100 * level:g} %"


def _paper(name: str) -> Term:
    return Term(name, Ref.source(name))
