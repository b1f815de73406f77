"""What a name in a file stands for: imports and the dotted names that they make reachable."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from tests.architecture.rules.source import Source


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything imported, anywhere in the file; `from a import b` gives a.b."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{_origin(source, node)}.{alias.name}"


def references(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every use of a name, import aliases resolved (`dt.now`: datetime.datetime.now)."""
    known = _known(source)
    inner: set[ast.AST] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name) and node not in inner:
            chain, first = _chain(node)
            inner.update(chain)
            yield node.lineno, ".".join([known.get(first[0], _own(first[0])), *first[1:]])


def _own(name: str) -> str:
    """Return a built-in by its name; a name of the file's own starts with a dot, so that it is no module."""
    return name if hasattr(builtins, name) else f".{name}"


def is_in(name: str, package: str) -> bool:
    """Tell whether a dotted name is this one or below it."""
    return name == package or name.startswith(f"{package}.")


def _known(source: Source) -> dict[str, str]:
    """Return what each imported name of the file stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{_origin(source, node)}.{alias.name}"
    return known


def _origin(source: Source, node: ast.ImportFrom) -> str:
    """Return the absolute module of a `from` import."""
    if node.level == 0:
        return node.module or ""
    above = source.package.split(".")[: len(source.package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _chain(node: ast.Attribute | ast.Name) -> tuple[list[ast.AST], list[str]]:
    """Return the nodes and the names of `a.b.c`; what hangs on a call or an index starts with an empty name."""
    nodes: list[ast.AST] = []
    names: list[str] = []
    here: ast.expr = node
    while isinstance(here, ast.Attribute):
        nodes.append(here)
        names.append(here.attr)
        here = here.value
    nodes.append(here)
    names.append(here.id if isinstance(here, ast.Name) else "")
    return nodes, names[::-1]
