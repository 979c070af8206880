"""Mutation testing: one small fault at a time is put into a module, and tests that pass all the same leave it alive.

    python -m tests.mutants evaluation/patient.py --tests tests/evaluation/test_patient.py tests/spec

Each mutant is judged in a process of its own by the tests given, the first failure ending it. What is alive is printed
as it is found: the line, what it says, what the mutant says. docs/mutation.md keeps the outcome.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

SOURCE = Path(__file__).parents[1] / "src" / "trialwright"
TOO_LONG = 240
"""Seconds after which a mutant counts as found: it runs for ever."""

OPERATORS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add,
}  # fmt: skip
PAIRS = [
    ("first_minute", "last_minute"), ("first_day", "last_day"), ("MET", "NOT_MET"), ("min", "max"), ("any", "all"),
    ("lo", "hi"), ("lo_open", "hi_open"), ("lln", "uln"), ("earliest", "latest"), ("before", "on_or_before"),
    ("inside", "maybe"), ("first", "last"),
]  # fmt: skip
NAMES = dict(PAIRS) | {b: a for a, b in PAIRS}


def mutants_of(tree: ast.Module) -> Iterator[tuple[int, str, str, ast.Module]]:
    """Line, text before, text after, and the module, for each fault that can be put in."""
    annotations = {id(part) for node in ast.walk(tree) for part in _annotations(node)}
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in annotations:
            continue
        for number in range(len(_faults(node))):
            changed = copy.deepcopy(tree)
            twin = next(one for i, one in enumerate(ast.walk(changed)) if i == index)
            before = ast.unparse(node)
            replacement = _faults(twin)[number]()
            if replacement is not None:
                _Replace(twin, replacement).visit(changed)
            ast.fix_missing_locations(changed)
            yield getattr(node, "lineno", 0), before, ast.unparse(replacement or twin), changed


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    """Parts that change nothing: types, and what a class is decorated with."""
    parts = [getattr(node, name, None) for name in ("annotation", "returns")]
    for part in (*parts, *getattr(node, "decorator_list", ())):
        if part is not None:
            yield from ast.walk(part)
    if (
        isinstance(node, ast.Assign)
        and isinstance(node.value, (ast.Subscript, ast.Attribute))
        and len(node.targets) == 1
    ):
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id.lstrip("_")[:1].isupper():
            yield from ast.walk(node.value)


def _faults(node: ast.AST) -> list:
    """What can go wrong at a node: each a function that changes it in place, or gives what to put there instead."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in OPERATORS:
            return [lambda: setattr(node, "ops", [OPERATORS[type(op)]()])]
        case ast.BoolOp(op=op):
            return [lambda: setattr(node, "op", OPERATORS[type(op)]())]
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            return [lambda: setattr(node, "op", OPERATORS[type(op)]())]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return [lambda: operand]
        case ast.IfExp(test=test) | ast.If(test=test) if not isinstance(
            test, (ast.Compare, ast.BoolOp, ast.UnaryOp)
        ):
            return [lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))]
        case ast.Constant(value=bool() as value):
            return [lambda: setattr(node, "value", not value)]
        case ast.Constant(value=int() | float() as value):
            return [lambda: setattr(node, "value", value + 1)]
        case ast.Attribute(attr=name) if name in NAMES:
            return [lambda: setattr(node, "attr", NAMES[name])]
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            return [lambda: setattr(node, "id", NAMES[name])]
        case ast.Expr(value=ast.Call()):
            return [lambda: ast.Pass()]
        case ast.Raise():
            return [lambda: ast.Pass()]
        case _:
            return []


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant for the module, whoever imports it."""

    def __init__(self, name: str, tree: ast.Module, path: Path) -> None:
        self.name, self.tree, self.path = name, tree, path

    def find_spec(self, name, path=None, target=None):
        return (
            importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None
        )

    def exec_module(self, module) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)  # noqa: S102


def is_found(name: str, tree: ast.Module, path: Path, tests: list[str]) -> bool:
    """Whether any test fails with the mutant in place of the module."""
    child = os.fork()
    if child == 0:
        signal.alarm(TOO_LONG)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        sys.meta_path.insert(0, _Finder(name, tree, path))
        import pytest

        os._exit(int(pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests])))
    return os.waitpid(child, 0)[1] != 0


def tell(text: str, where: TextIO) -> None:
    where.write(text)
    where.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", help="file under src/trialwright")
    parser.add_argument(
        "--tests", nargs="+", required=True, help="what judges the mutants, as pytest takes it"
    )
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of the mutants to try, drawn at random"
    )
    parser.add_argument("--seed", type=int, default=20261121)
    told = parser.parse_args()
    path = SOURCE / told.module
    name = f"trialwright.{told.module.removesuffix('.py').replace('/', '.')}"
    for heavy in ("duckdb", "hypothesis", "lark", "polars", "pydantic", "pytest", "ruamel.yaml", "typer"):
        importlib.import_module(heavy)
    plain = ast.parse(path.read_text(encoding="utf-8"))
    if is_found(name, plain, path, told.tests):
        sys.exit("the tests fail, or take too long, without any fault put in")
    mutants = list(mutants_of(plain))
    random.Random(told.seed).shuffle(mutants)  # noqa: S311 - nothing here is secret
    tried = mutants[: round(told.share * len(mutants))]
    alive = 0
    for number, (line, before, after, tree) in enumerate(tried, 1):
        if not is_found(name, tree, path, told.tests):
            alive += 1
            tell(f"alive: {told.module}:{line}: `{before}` -> `{after}`\n", sys.stdout)
        tell(f"\r{number} of {len(tried)} tried, {alive} alive", sys.stderr)
    tell(f"{told.module}: {len(tried)} of {len(mutants)} mutants tried, {alive} alive\n", sys.stdout)


if __name__ == "__main__":
    main()
