"""Documentation that lags behind the program fails here."""

import ast
import re
from pathlib import Path

import pytest
import typer

from trialwright.apps.cli.main import app

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[a-z]+[-_][a-z0-9_-]+|empty")
MAKERS = {
    "Problem": 0,
    "refusal": 0,
    "report": 0,
    "warn": 0,
    "Finding": 0,
    "PydanticCustomError": 0,
    "_problem": 1,
}


def codes_in_source():
    """Every problem code a call in the source makes, and codes named first in what is yielded, returned or assigned."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            values = []
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                values = node.args[MAKERS[name] :][:1] if name in MAKERS else []
            elif isinstance(node, ast.Yield | ast.Return) and isinstance(node.value, ast.Tuple):
                values = node.value.elts[:1]
            elif isinstance(node, ast.Assign) and "code" in ast.unparse(node.targets[0]):
                values = node.value.elts[:1] if isinstance(node.value, ast.Tuple) else [node.value]
            found |= {
                v.value.replace("_", "-")
                for v in values
                if isinstance(v, ast.Constant) and isinstance(v.value, str)
            }
    return {code for code in found if CODE.fullmatch(code)}


def codes_in_docs():
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    return set(
        re.findall(r"`([a-z0-9-]+)`", " ".join(re.findall(r"^\| (`[^|]+) \|", page, flags=re.MULTILINE)))
    )


def test_every_problem_code_is_documented_and_no_other():
    assert codes_in_source() == codes_in_docs()


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in typer.main.get_command(app).commands:
        assert f"trialwright {command}" in readme


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"(?:`|^)make ([a-z]+)", text, flags=re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
