"""What the statistics of the results table are called in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "n_planned": "subjects planned",
        "n_records": "records",
        "n_population": "subjects of the population",
        "n_population_unknown": "subjects who may belong to the population",
        "n_in_population": "subjects of the population",
        "n_not_in_population": "subjects not of the population",
        "n_failed_screening": "subjects who failed screening",
        "n_with_endpoint": "subjects with the endpoint",
        "n_without_endpoint": "subjects without the endpoint",
        "n_without_fact": "subjects of whom a fact is not known",
        "n_analysed": "subjects analysed",
        "n_subjects": "subjects",
        "n_events": "events",
        "n_censored": "subjects censored",
        "n_at_risk": "subjects at risk",
        "n_missing": "subjects without a value",
        "n_below": "subjects with a value below what the assay can measure",
        "n_above": "subjects with a value above what the assay can measure",
        "n_between": "subjects with a value that is only known to lie between limits, for another reason than its assay",
        "standardised_difference_beyond": "standardised difference of the shares below, within and above what the assay can measure",
        "n_met": "subjects with the event",
        "n_not_met": "subjects without the event",
        "n_unknown": "subjects of whom it is not known",
        "n_complete": "subjects whose time was over when they were last seen",
        "n_not_over": "subjects without the event so far, whose time is not over",
        "n_lost": "subjects without the event who died, left or were lost before their time was over",
        "n_left": "subjects who left the strategy",
        "n_with": "subjects with it",
        "n": "subjects with a value",
        "conf_low": "lower confidence limit",
        "conf_high": "upper confidence limit",
        "median_conf_low": "lower confidence limit of the median",
        "median_conf_high": "upper confidence limit of the median",
        "std_error": "standard error",
        "sd": "standard deviation",
        "q1": "first quartile",
        "q3": "third quartile",
        "p_value": "p-value",
        "survival": "share still free of the event",
        "df": "degrees of freedom",
        "coef": "coefficient",
        "z": "z statistic",
        "loglik": "log-likelihood",
        "loglik_null": "log-likelihood without covariates",
        "event_rate": "rate of events over time",
        "patient_months": "months under observation, of all together",
        "count": "subjects",
        "n_due": "what was due",
        "n_in_time": "what came in time",
        "n_early": "what came early",
        "n_late": "what came late",
        "n_missed": "what was missed",
        "n_overdue": "what has not come and can still be held",
        "n_in": "what was due and has come",
        "n_open": "what was due and may still come",
        "n_subjects_late": "subjects with anything late",
        "n_subjects_missed": "subjects with anything missed",
        "n_died": "subjects who died",
        "n_died_outside": "subjects outside of the population who died",
        "n_treated": "subjects treated",
        "n_untreated": "subjects not treated",
        "n_ended": "subjects whose treatment ended",
        "n_episodes": "episodes",
    }
)


def statistic_words(statistic: str) -> str:
    """A statistic in words: `conf_low` is the lower confidence limit; an unknown one keeps its name, spaced."""
    return _WORDS.get(statistic, statistic.replace("_", " "))
