"""docs/first-protocol.md: its snippets are put together and its commands run, step by step.

A `yaml` block is added to the end of the protocol, a `diff` block changes it, and what a `console` block shows under a
command is what the command says. The words around them are written by hand, in the page itself.
"""

import re
import shlex
import subprocess
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from typer.testing import CliRunner

from trialwright.apps.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "first-protocol.md"
FILE = "hope.yaml"
_BLOCK = re.compile(r"^```(yaml|diff|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def render_first_protocol_page() -> str:
    """The page, with what its commands say today."""
    return follow(PAGE.read_text(encoding="utf-8"))[0]


def follow(page: str) -> tuple[str, str]:
    """The page with the answers of its commands, and the protocol that its reader then has."""
    with TemporaryDirectory() as folder:
        protocol = Path(folder) / FILE

        def step(block: re.Match[str]) -> str:
            kind, text = block[1], block[2]
            if kind == "console":
                return f"```console\n{_answered(text, folder)}```"
            before = protocol.read_text(encoding="utf-8") if protocol.exists() else ""
            after = _changed(before, text) if kind == "diff" else f"{before}\n{text}".lstrip("\n")
            protocol.write_text(after, encoding="utf-8")
            return block[0]

        return _BLOCK.sub(step, page), protocol.read_text(encoding="utf-8")


def _changed(protocol: str, diff: str) -> str:
    """The protocol with the lines of a `-` replaced by those of a `+`; the lines around them say where."""
    old, new = (
        "".join(line[1:] for line in diff.splitlines(keepends=True) if line[:1] in signs)
        for signs in (" -", " +")
    )
    if protocol.count(old) != 1:
        raise ValueError(f"the protocol must have these lines once:\n{old}")
    return protocol.replace(old, new)


def _answered(console: str, folder: str) -> str:
    commands = re.findall(r"^\$ (.+)$", console, flags=re.MULTILINE)
    answers = [f"$ {command}\n{_run(command, folder)}" for command in commands]
    return re.sub(r"[ \t]+$", "", "\n".join(answers), flags=re.MULTILINE)


def _run(command: str, folder: str) -> str:
    """What a command says on a terminal of 100 columns: ours in this process, and what its output is piped into."""
    ours, _, filters = command.partition(" | ")
    if not ours.startswith("trialwright "):
        return _piped(command, folder)
    with chdir(folder):
        ran = CliRunner(env={"COLUMNS": "100"}).invoke(app, shlex.split(ours)[1:], catch_exceptions=False)
    if not filters:
        return ran.output
    return _piped(filters, folder, ran.stdout) + ran.stderr


def _piped(command: str, folder: str, text: str = "") -> str:
    ran = subprocess.run(
        ["bash", "-c", command], cwd=folder, input=text, capture_output=True, encoding="utf-8", check=True
    )
    return ran.stdout
