"""Records to analysis datasets: one trial of each kind, and how the cost grows with the number of patients.

    python benchmarks/bench_derivations.py [most subjects]

Virtual trials, already read; seconds of CPU and of the clock, median of three for single trials, one run for many. The
reference beside is reading the same records from Parquet.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from trialwright.derivations.datasets import derive_datasets
from trialwright.derivations.study import make_study
from trialwright.design.virtual.simulation import simulate
from trialwright.protocol.loading import load_protocol
from trialwright.records.files import Format, read_records, write_records


def seconds(run: Callable[[], object], times: int) -> tuple[float, float]:
    """Median seconds of CPU and of the clock."""
    cpu, clock = [], []
    for _ in range(times):
        started = time.process_time(), time.perf_counter()
        run()
        cpu.append(time.process_time() - started[0])
        clock.append(time.perf_counter() - started[1])
    return statistics.median(cpu), statistics.median(clock)


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for trial, planned in (("nct04294498", 43), ("nct07120750", 332)):
        loaded = load_protocol(trial)
        for n_trials, n_subjects in [(1, planned)] + [
            (n // 100, 100) for n in (100, 1000, 10_000) if n <= most
        ]:
            made = simulate(loaded, seed=1, subjects=n_subjects, trials=n_trials, errors=False)
            keys = ["TRIAL"] if n_trials > 1 else []
            people = made.tables["DM"].height
            times = 3 if n_trials == 1 else 1
            cpu, clock = seconds(
                lambda made=made, keys=keys, loaded=loaded: derive_datasets(
                    make_study(loaded, made.tables, keys=keys)
                ),
                times,
            )
            with TemporaryDirectory() as folder:
                write_records(made.tables, Path(folder), Format.PARQUET)
                read, _ = seconds(lambda folder=folder: read_records(Path(folder)), times)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            sys.stdout.write(
                f"{trial}: {n_trials} x {n_subjects} enrolled, {people} in DM: {cpu:.2f} s CPU, {clock:.2f} s, "
                f"{people / clock:.0f} subjects a second, {cpu / read:.0f} times reading them, up to {memory:.1f} GB\n"
            )


if __name__ == "__main__":
    main()
