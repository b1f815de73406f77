"""The project's files as the rules see them: path from the root, text, and for Python the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = (
    "tapeline",
    "producers",
    "processors",
    "executor",
    "sinks",
    "gateway",
    "simulator",
    "schemas",
    "infra",
)
AROUND = ("tests", "benchmarks")
_MADE_BY_TOOLS = {"__pycache__", "node_modules"}


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: where it stands (from the root, with slashes) and what it says."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The dotted name under which it is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """The dotted name that a relative import starts from."""
        return self.module if self.path.endswith("__init__.py") else self.module.rpartition(".")[0]

    def inside(self, *folders: str) -> bool:
        """Tell whether it is one of these files or stands in one of these folders."""
        return any(self.path == folder or self.path.startswith(f"{folder}/") for folder in folders)

    def at(self, line: int, sentence: str) -> str:
        """Return the sentence of a broken rule with its place, which an editor can open."""
        return f"{self.path}:{line}: {sentence}"


def snippet(text: str, path: str = "tapeline/domain/example.py") -> Source:
    """Return a source that stands nowhere: the bad example that proves that a rule bites."""
    return Source(path, text, ast.parse(text))


# What stands in the root and is not part of the project; `.git` is a file in a second work tree.
_OWN = {".env", "tapeline.toml", ".coverage", ".git"}


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return every Python file of these folders (default: all of them), sorted by path."""
    return tuple(
        snippet(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
        for folder in folders or (*PRODUCT, *AROUND)
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not _MADE_BY_TOOLS & set(path.parts)
    )


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Return (path, text) of every file that a person wrote, code or not."""
    folders = [ROOT / name for name in (*PRODUCT, *AROUND, "docs", ".ci", ".github")]
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file()]
    return tuple(_readable(files))


def _readable(files: list[Path]) -> Iterator[tuple[str, str]]:
    for path in sorted(files):
        own = path.name in {".env", "tapeline.toml", ".coverage", ".git"} or path.name.startswith(
            (".env.", ".coverage.")
        )
        if _MADE_BY_TOOLS & set(path.parts) or (own and path.name != ".env.example"):
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function, also those inside classes and functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def none_of(broken: Iterable[str]) -> bool:
    """Return True when no rule is broken; else fail with one sentence a line and nothing around it."""
    told = list(broken)
    if told:
        pytest.fail("\n".join(told), pytrace=False)
    return True
