"""How long does it take to make and write 10,000 virtual patients, as a hundred trials? Aim: 30 s and 4 GB.

Reference: 1,000 of them, to show how cost grows.
"""

import resource
import sys
import tempfile
from pathlib import Path

import polars as pl

from measure import cpu_of_command, print_row

TRIALS = ("nct04294498", "nct07120750")

for protocol in TRIALS:
    seconds = {}
    for trials in (10, 100):
        with tempfile.TemporaryDirectory() as folder:
            command = (
                "simulate",
                protocol,
                "--out",
                folder,
                "--seed",
                "1",
                "--subjects",
                "100",
                "--trials",
                str(trials),
            )
            seconds[trials] = cpu_of_command(sys.executable, "-m", "trialwright", *command)
            latent = pl.read_parquet(Path(folder) / "simulated-truth" / "latent.parquet")
            assert (latent["ENROLLED"] == "Y").sum() == 100 * trials
    print_row(f"{protocol}: 1,000 virtual patients (reference)", seconds[10])
    print_row(f"{protocol}: 10,000 virtual patients", seconds[100], seconds[10], "aim: 30 s")
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
print(f"most memory of any run: {peak:.1f} GB (aim: 4 GB)")
