"""How big a file and a function may be, and how a file begins."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.rules.source import Source, functions

MODULE_LINES = 400
FUNCTION_LINES = 50


def too_long(source: Source) -> Iterator[str]:
    """Yield the module and the functions that are longer than a person reads in one go."""
    lines = len(source.text.splitlines())
    if lines > MODULE_LINES:
        yield source.at(1, f"{lines} lines, at most {MODULE_LINES}: split it by what changes together")
    for function in functions(source.tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            told = f"{function.name} has {length} lines, at most {FUNCTION_LINES}: give its steps names"
            yield source.at(function.lineno, told)


def opening(source: Source) -> Iterator[str]:
    """Yield a file that does not open, in its first line, with one sentence: what it is and the rule it keeps."""
    docstring = ast.get_docstring(source.tree)
    if not docstring or not source.text.startswith('"""'):
        yield source.at(1, "the first line must be a docstring: one sentence, what it is and the rule it keeps")
    elif not docstring.partition("\n\n")[0].rstrip().endswith((".", ":", "?")):
        yield source.at(1, "the first sentence of the docstring must end")


def init_names_only(source: Source) -> Iterator[str]:
    """Yield an `__init__.py` that does more than name things: no functions, no classes, no calls."""
    if not source.path.endswith("__init__.py"):
        return
    for node in source.tree.body:
        names = isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (names or docstring):
            yield source.at(node.lineno, "an __init__.py holds only names: move this into a module")
