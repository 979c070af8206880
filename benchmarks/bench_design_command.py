"""How long does `trialwright design` take? Aim: under 2 CPU seconds on either trial after import, without virtual trials.

The audit as text, and with page, PDF and results on disk; whole commands, so that no picture is kept from a run before.
Reference: importing what the command imports, and nothing else.
"""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from measure import cpu_of_command, medians_in_turn, print_row

KNOWN = {"nct07120750": "121 (120.3)", "nct04294498": "above 8.2 %"}
"""What everybody knows of each trial is on its page."""
IMPORTS = (sys.executable, "-c", "import trialwright.apps.cli.main, trialwright.reports.design_writing")
REPEATS, LIMIT = 3, 2.0


def command(trial, *more):
    return (sys.executable, "-m", "trialwright", "design", trial, *more)


def main():
    for trial, known in KNOWN.items():
        done = subprocess.run(command(trial), check=True, capture_output=True, text=True)
        assert known in " ".join(done.stdout.split())
        with tempfile.TemporaryDirectory() as folder:
            on_disk = command(trial, "--out", str(Path(folder) / "design"))
            runs = [partial(cpu_of_command, *words) for words in (IMPORTS, command(trial), on_disk)]
            imports, text, page = medians_in_turn(*runs, repeats=REPEATS)
        print_row(f"{trial}: imports", imports)
        for what, seconds in (("design as text", text), ("design with page and PDF", page)):
            print_row(
                f"{trial}: {what}", seconds, imports, f"after import {seconds - imports:.2f} of {LIMIT:g} s"
            )


if __name__ == "__main__":
    main()
