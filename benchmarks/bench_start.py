"""How long until `trialwright --help` answers? Reference: `python -c 'import typer'`. Aim: within 2.5 times."""

import sys

from measure import cpu_of_command, medians_in_turn, print_row

reference, help_, module = medians_in_turn(
    lambda: cpu_of_command(sys.executable, "-c", "import typer"),
    lambda: cpu_of_command(sys.executable, "-m", "trialwright", "--help"),
    lambda: cpu_of_command(sys.executable, "-m", "trialwright", "protocols"),
)
print_row("python -c 'import typer' (reference)", reference)
print_row("trialwright --help", help_, reference, "aim: 2.5")
print_row("trialwright protocols", module, reference)
