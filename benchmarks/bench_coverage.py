"""How often limits hold what they should: the main estimators on many virtual trials, each against its own target.

    python benchmarks/bench_coverage.py [trials [kind ...]]

What a perfect reader of the scheduled visits could see is written beside each virtual trial, and equals what is derived
(`tests/design/test_virtual_scored.py`); it goes straight into the estimators here. The target of a risk is the share that
recurs by day 1095 in the lives of all virtual patients of the group together, deaths censored; that of the hazard ratio is
the Cox model of all of them, scan-dated or as it truly happened; that of the rate of reactivation the share over all trials.

Weighted estimators are about a population that weights make, from covariates that are partly missing. So whole trials are made,
derived and analysed as the protocol says, with its imputations and resamples. Their targets come from both lives of all virtual
patients together, weighted by p (1 - p), p the true probability of peginterferon (`design/rehearsal/targets.py`).

Kinds are `advanced`, `after-treatment`, `weighted` and `weighted:SCENARIO`, all but scenarios other than `indication` if none is
named. Default: 1000 trials of each, 500 of the weighted ones; three quarters of an hour. `trialwright rehearse` asks the same
of any protocol, each trial held against its own patients.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from trialwright.analysis.from_records import bind_tables
from trialwright.analysis.run import run_analysis
from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.rehearsal.performance import bias_of, coverage_of, spread_of
from trialwright.design.rehearsal.questions import Question, ask
from trialwright.design.rehearsal.targets import lives_of, recurrence_truth
from trialwright.design.virtual.parameters import AfterTreatment, read_parameters
from trialwright.design.virtual.plan import read_after_treatment_plan
from trialwright.design.virtual.simulation import KEY, simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.protocol.model import Protocol
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.proportions import estimate_proportion
from trialwright.statistics.risk_contrasts import risk_difference
from trialwright.statistics.survival import SurvivalCurve, estimate_survival, fit_cox
from trialwright.vocabulary.durations import Duration, TimeUnit

AT_ONCE = 25
THREE_YEARS, END_OF_WINDOW = 1096, 1099
DATASETS = ("ADSL", "ADBASE", "ADTTE")
CURVES = {f"weighted_curve_{day}": day for day in (THREE_YEARS, END_OF_WINDOW)}
COX, ADJUSTED = "recurrence_weighted_cox", "recurrence_cox"
Estimates = defaultdict[str, list[tuple[float, float, float]]]


def trials(loaded: LoadedProtocol, n: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Observable and latent truth, some trials at a time."""
    for first in range(0, n, AT_ONCE):
        made = simulate(loaded, seed=1000 + first, trials=min(AT_ONCE, n - first), errors=False)
        yield made.observable, made.latent


def after_treatment(n: int) -> tuple[Estimates, dict[str, float]]:
    found: Estimates = defaultdict(list)
    seen, lived = [], []
    for observable, latent in trials(load_protocol("nct07120750"), n):
        times = observable.filter(
            (pl.col("ELEMENT") == "endpoints.recurrence") & (pl.col("READER") == "local")
        ).drop_nulls("AVAL")
        times = times.join(latent, on=["TRIAL", "USUBJID"]).with_columns(pl.col("AVAL") - 1)
        seen.append(times.select("AVAL", "CNSR", "WITH_PEGINTERFERON"))
        lived.append(_lives(times))
        for trial in times.partition_by("TRIAL"):
            _analyse(trial, found)
    everyone, truly = pl.concat(seen), pl.concat(lived)
    risks = {
        group: 1
        - _curve(truly.filter(pl.col("GROUP") == group), "TIME", pl.col("EVENT")).at([1095]).survival[0]
        for group in ("N", "Y")
    }
    hazards = _hazard_ratio(everyone["AVAL"], everyone["CNSR"] == 0, everyone["WITH_PEGINTERFERON"])
    targets = {"difference": risks["Y"] - risks["N"], "hazard ratio": hazards[0]}
    targets |= {
        "log hazard ratio as it happened": _hazard_ratio(truly["TIME"], truly["EVENT"], truly["GROUP"])[0]
    }
    return found, targets | {f"risk {group}": risk for group, risk in risks.items()}


def _lives(times: pl.DataFrame) -> pl.DataFrame:
    """Days to true recurrence or death, followed for ever."""
    day = {
        name: (pl.col(name) - pl.col("ZERO")).dt.total_days().fill_null(10**6)
        for name in ("RECURRENCE", "DEATH")
    }
    end = pl.min_horizontal(day["RECURRENCE"], day["DEATH"], 1200)
    return times.select(
        end.alias("TIME"),
        (day["RECURRENCE"] <= end).alias("EVENT"),
        pl.col("WITH_PEGINTERFERON").alias("GROUP"),
    )


def _curve(frame: pl.DataFrame, time: str, event: pl.Expr) -> SurvivalCurve:
    return estimate_survival(frame[time].to_list(), frame.select(event).to_series().to_list())


def _hazard_ratio(time: pl.Series, event: pl.Series, group: pl.Series) -> tuple[float, float, float]:
    """Logarithm of the hazard ratio with its limits."""
    fit = fit_cox(time.to_list(), event.to_list(), np.array([(group == "Y").to_list()]).T, names=["group"])
    one = fit.coefficients[0]
    return one.coef, math.log(one.conf_low), math.log(one.conf_high)


def _analyse(trial: pl.DataFrame, found: Estimates) -> None:
    event = pl.col("CNSR") == 0
    curves = {
        group: _curve(trial.filter(pl.col("WITH_PEGINTERFERON") == group), "AVAL", event)
        for group in ("N", "Y")
    }
    for at in (THREE_YEARS, END_OF_WINDOW):
        for group, curve in curves.items():
            read = curve.at([at])
            found[f"risk {group} at {at}"].append(
                (1 - read.survival[0], 1 - read.conf_high[0], 1 - read.conf_low[0])
            )
        try:
            contrast = risk_difference(curves["Y"], curves["N"], at)
        except NotEstimable:
            found[f"difference at {at}"].append((math.nan,) * 3)
        else:
            found[f"difference at {at}"].append((contrast.estimate, contrast.conf_low, contrast.conf_high))
    found["hazard ratio"].append(
        _hazard_ratio(trial["AVAL"], trial.select(event).to_series(), trial["WITH_PEGINTERFERON"])
    )


def advanced(n: int) -> tuple[Estimates, dict[str, float]]:
    found: Estimates = defaultdict(list)
    answers = []
    for observable, _ in trials(load_protocol("nct04294498"), n):
        rates = observable.filter(pl.col("ELEMENT") == "endpoints.reactivation")
        answers.append(rates.select("ANSWER"))
        for trial in rates.partition_by("TRIAL"):
            rate = estimate_proportion(int((trial["ANSWER"] == "Y").sum()), trial.height)
            found["reactivation, exact limits"].append((rate.estimate, rate.conf_low, rate.conf_high))
    together = pl.concat(answers)["ANSWER"]
    return found, {"reactivation": int((together == "Y").sum()) / len(together)}


# --- weighted estimators ------------------------------------------------------------------------------------------------


def weighted(n: int, scenario: str | None = None) -> tuple[Estimates, dict[str, float]]:
    """The weighted analyses of PRTRAS and its registered Cox model, from records."""
    found: Estimates = defaultdict(list)
    latent = []
    loaded = load_protocol("nct07120750")
    parameters, plan = read_parameters(loaded, scenario), read_after_treatment_plan(loaded)
    assert isinstance(parameters, AfterTreatment)
    protocol = _with_curves(loaded.protocol)
    asked = dict(_asked(protocol, parameters))
    for first in range(0, n, AT_ONCE):
        made = simulate(
            loaded, seed=1000, first=first, trials=min(AT_ONCE, n - first), scenario=scenario, errors=False, observed=False
        )  # fmt: skip
        latent.append(made.latent)
        sys.stderr.write(
            f"{scenario or 'as assumed'}: trials {first + 1} to {first + made.latent[KEY].n_unique()} of {n}\n"
        )
        records = {name: _keyed(table) for name, table in made.tables.items()}
        derived = derive_datasets(make_study(loaded, records, keys=[KEY]), only=DATASETS)
        by_trial = {
            name: derived.tables[name].partition_by(KEY, as_dict=True, maintain_order=True)
            for name in DATASETS
        }
        for trial in sorted(by_trial["ADSL"]):
            tables = {name: of[trial] for name, of in by_trial.items()}
            data = bind_tables(protocol, tables, is_simulated=True)
            recorders = [run_analysis(data, id_, "records") for id_ in (*CURVES, COX, ADJUSTED)]
            values = {row.id: row.value for recorder in recorders for row in recorder.rows}
            for name, question in asked.items():
                told = question.read(values)
                found[name].append((_or_nan(told["estimate"]), _or_nan(told["low"]), _or_nan(told["high"])))
    lives = lives_of(pl.concat(latent), parameters, plan.interval)
    return found, {name: recurrence_truth(question.targets[0], lives) for name, question in asked.items()}


def _keyed(table: pl.DataFrame) -> pl.DataFrame:
    """Records with the key of their trial, which those of one trial alone do not carry."""
    return table if KEY in table.columns else table.select(pl.lit("0001").alias(KEY), pl.all())


def _with_curves(protocol: Protocol) -> Protocol:
    """The weighted curve once for each day, for questions are asked of the last day of a curve."""
    curve = protocol.analyses["recurrence_weighted_curve"]
    once = {
        id_: curve.model_copy(update={"read_at": (Duration(day, TimeUnit.DAYS),)})
        for id_, day in CURVES.items()
    }
    return protocol.model_copy(update={"analyses": protocol.analyses | once})


def _asked(protocol: Protocol, parameters: AfterTreatment) -> Iterator[tuple[str, Question]]:
    """What is asked of each trial; of the difference twice, for it has limits by two ways."""
    for id_, day in CURVES.items():
        for question in ask(protocol, parameters, (id_,)):
            yield f"{question.name} at {day}", question
            if question.kind == "difference of risks":
                rows = {part: row.replace("conf_", "bootstrap_conf_") for part, row in question.rows.items()}
                yield f"{question.name}, resampled, at {day}", replace(question, rows=rows)
    for id_, name in ((COX, "log hazard ratio"), (ADJUSTED, "adjusted log hazard ratio")):
        yield from ((name, question) for question in ask(protocol, parameters, (id_,)))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


# --- told ---------------------------------------------------------------------------------------------------------------


def _told(name: str, values: list[tuple[float, float, float]], target: float) -> str:
    estimates, low, high = (
        [None if math.isnan(one) else one for one in column] for column in zip(*values, strict=True)
    )
    bias, spread = bias_of(estimates, [target] * len(values)), spread_of(estimates)
    held = coverage_of(low, high, target)
    return (
        f"{name:<46} target {target:7.4f}  bias {bias.value:+.4f} (error {bias.mc_error:.4f})  spread {spread.value:.4f}  "
        f"held {100 * held.value:5.1f} % (error {100 * held.mc_error:.1f}), {len(values) - held.n} of {len(values)} without limits\n"
    )


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else None
    kinds = sys.argv[2:] or ["advanced", "after-treatment", "weighted", "weighted:indication"]
    for kind in kinds:
        name, _, scenario = kind.partition(":")
        run, default = KINDS[name]
        n = trials or default
        found, targets = run(n, scenario) if scenario else run(n)
        sys.stdout.write(f"{kind}, {n} trials\n")
        for name, values in found.items():
            for target in (key for key in targets if name.startswith(key)):
                sys.stdout.write(_told(name, values, targets[target]))
            if name == "hazard ratio":
                as_happened = targets["log hazard ratio as it happened"]
                sys.stdout.write(_told("hazard ratio, as it happened", values, as_happened))
        sys.stdout.flush()


KINDS: Mapping[str, tuple[Callable[..., tuple[Estimates, dict[str, float]]], int]] = {
    "advanced": (advanced, 1000),
    "after-treatment": (after_treatment, 1000),
    "weighted": (weighted, 500),
}


if __name__ == "__main__":
    main()
