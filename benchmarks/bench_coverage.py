"""How often limits hold what they should: the main estimators on many virtual trials, each against its own target.

    python benchmarks/bench_coverage.py [trials]

What a perfect reader of the scheduled visits could see is written beside each virtual trial, and equals what is derived
(`tests/design/test_virtual_scored.py`); it goes straight into the estimators here. The target of a risk is the share that
recurs by day 1095 in the lives of all virtual patients of the group together, deaths censored; that of the hazard ratio is
the Cox model of all of them, scan-dated or as it truly happened; that of the rate of reactivation the share over all trials.
Default: 1000 trials of each kind, some twenty minutes. `trialwright rehearse` asks the same of whole trials, by way of records
and derivations.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from trialwright.design.rehearsal.performance import bias_of, coverage_of, spread_of
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.statistics.estimability import NotEstimable
from trialwright.statistics.proportions import estimate_proportion
from trialwright.statistics.risk_contrasts import risk_difference
from trialwright.statistics.survival import SurvivalCurve, estimate_survival, fit_cox

AT_ONCE = 25
THREE_YEARS, END_OF_WINDOW = 1096, 1099
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


def _told(name: str, values: list[tuple[float, float, float]], target: float) -> str:
    estimates, low, high = (
        [None if math.isnan(one) else one for one in column] for column in zip(*values, strict=True)
    )
    bias, spread = bias_of(estimates, [target] * len(values)), spread_of(estimates)
    held = coverage_of(low, high, target)
    return (
        f"{name:<32} target {target:7.4f}  bias {bias.value:+.4f} (error {bias.mc_error:.4f})  spread {spread.value:.4f}  "
        f"held {100 * held.value:5.1f} % (error {100 * held.mc_error:.1f}), {len(values) - held.n} of {len(values)} without limits\n"
    )


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found: Any
    for run in (advanced, after_treatment):
        found, targets = run(n)
        for name, values in found.items():
            for target in (key for key in targets if name.startswith(key)):
                sys.stdout.write(_told(name, values, targets[target]))
            if name == "hazard ratio":
                as_happened = targets["log hazard ratio as it happened"]
                sys.stdout.write(_told("hazard ratio, as it happened", values, as_happened))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
