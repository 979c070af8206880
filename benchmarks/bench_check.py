"""How long does `trialwright check` take on each trial, start included? Reference: importing pydantic and lark. Aim: 1 s."""

import json
import subprocess
import sys

from measure import cpu_of_command, medians_in_turn, print_row

TRIALS = ("nct04294498", "nct07120750")

for trial in TRIALS:
    told = subprocess.run(
        [sys.executable, "-m", "trialwright", "check", trial, "--format", "json"],
        capture_output=True,
        check=True,
    )
    found = json.loads(told.stdout)
    assert found["checked"]
    assert found["n_warnings"] > 20

reference, *checks = medians_in_turn(
    lambda: cpu_of_command(sys.executable, "-c", "from pydantic import BaseModel; from lark import Lark"),
    *(lambda t=trial: cpu_of_command(sys.executable, "-m", "trialwright", "check", t) for trial in TRIALS),
)
print_row("python, pydantic and lark imported (reference)", reference)
for trial, seconds in zip(TRIALS, checks, strict=True):
    print_row(f"trialwright check {trial}", seconds, reference, "aim: 1 s")
