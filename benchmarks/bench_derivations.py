"""Records to analysis datasets: one trial of each kind, and how the cost grows with the number of patients.

    python benchmarks/bench_derivations.py [most subjects]

Virtual trials, already read; seconds of CPU and of the clock, median of three for single trials, one run for many. The
references beside are reading the same records from Parquet, and deriving only what a rehearsal of the trial needs, which
must be the same rows.
"""

from __future__ import annotations

import resource
import statistics
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from measure import cpu_and_clock_of_call
from trialwright.derivations.datasets import LABELS, derive_datasets
from trialwright.derivations.study import Study, make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import LoadedProtocol, load_protocol
from trialwright.records.files import Format, read_records, write_records

if TYPE_CHECKING:
    import polars as pl

REHEARSED = ("ADSL", "ADBASE", "ADEVT", "ADRATE", "ADTTE")
"""What the operating characteristics of a trial rest on."""


def seconds(run: Callable[[], object], times: int) -> tuple[float, float]:
    """Median seconds of CPU and of the clock."""
    cpu, clock = zip(*(cpu_and_clock_of_call(run) for _ in range(times)), strict=True)
    return statistics.median(cpu), statistics.median(clock)


def derive(study: Callable[[], Study], *only: str) -> Mapping[str, pl.DataFrame]:
    return derive_datasets(study(), only=only or tuple(LABELS)).tables


def measure(loaded: LoadedProtocol, n_trials: int, n_subjects: int) -> str:
    """What deriving some virtual trials at once costs, in one line."""
    made = simulate(loaded, seed=1, subjects=n_subjects, trials=n_trials, errors=False)
    study = partial(make_study, loaded, made.tables, keys=["TRIAL"] if n_trials > 1 else [])
    everything, some = derive(study), derive(study, *REHEARSED)
    assert all(some[name].equals(everything[name]) for name in REHEARSED)
    del everything, some
    times = 3 if n_trials == 1 else 1
    cpu, clock = seconds(partial(derive, study), times)
    part, _ = seconds(partial(derive, study, *REHEARSED), times)
    with TemporaryDirectory() as folder:
        write_records(made.tables, Path(folder), Format.PARQUET)
        read, _ = seconds(partial(read_records, Path(folder)), times)
    people = made.tables["DM"].height
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return (
        f"{n_trials} x {n_subjects} enrolled, {people} in DM: {cpu:.2f} s CPU, {clock:.2f} s, "
        f"{people / cpu:.0f} subjects a CPU second, {cpu / read:.0f} times reading them; for a rehearsal "
        f"{part:.2f} s CPU ({part / cpu:.0%}), {people / part:.0f} subjects a CPU second; up to {memory:.1f} GB"
    )


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for trial, planned in (("nct04294498", 43), ("nct07120750", 332)):
        loaded = load_protocol(trial)
        for n_trials, n_subjects in [(1, planned)] + [
            (n // 100, 100) for n in (100, 1000, 10_000) if n <= most
        ]:
            sys.stdout.write(f"{trial}: {measure(loaded, n_trials, n_subjects)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
