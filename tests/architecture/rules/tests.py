"""What a test must have: something that can fail, and a home that mirrors what it tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.architecture.rules.source import Source, functions, sources

_JUDGES = {
    "accepted",
    "eventually",
    "eventually_blocking",
    "fail",
    "network_trial",
    "none_of",
    "raises",
    "run_state_machine_as_test",
    "trial",
    "warns",
}


def without_assert(source: Source) -> Iterator[str]:
    """Yield every test that nothing can make red: no assert, no expected error, no helper of the file that has one."""
    if not PurePosixPath(source.path).name.startswith("test_"):
        return
    judging = set(_JUDGES)
    found = list(functions(source.tree))
    # A function of the same file that judges makes its callers judge, however deep.
    while new := {f.name for f in found if f.name not in judging and _judges(f, judging)}:
        judging |= new
    for function in found:
        if function.name.startswith("test_") and function.name not in judging:
            yield source.at(
                function.lineno, f"{function.name} asserts nothing: say what must hold (or `with accepted():`)"
            )


def homeless(source: Source) -> Iterator[str]:
    """Yield a unit test whose folder does not exist among the sources (`registry` is infra/embedded/registry)."""
    parts = PurePosixPath(source.path).parts
    if parts[:2] != ("tests", "unit") or not parts[-1].startswith("test_"):
        return
    folder = "/".join(parts[2:-1])
    folders = {PurePosixPath(other.path).parent.as_posix() for other in sources()}
    if folder and not any(
        f"/{known}".endswith(f"/{folder}") and not f"/{known}".startswith("/tests/unit/") for known in folders
    ):
        yield source.at(1, f"no source folder is called {folder!r}: unit tests mirror the source tree")


def _judges(function: ast.AST, judging: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        # Also one that is handed on by its name: `await to_thread(use, url)`.
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if name in judging or name.startswith("assert_"):
            return True
    return False
