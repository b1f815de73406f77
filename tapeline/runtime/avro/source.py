"""Makes functions of source text: the one place where Tapeline runs code that it has written itself.

The text comes from our own schemas alone, never from a message: straight code for one record is several times faster
than walking its schema anew for each (docs/performance.md). Names of the schema stand in it only as literals or, where
a Struct has them, as attributes.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterable
from typing import Any


class Source:
    """The functions of one record and the values that their code names."""

    def __init__(self, name: str) -> None:
        """Begin empty; the name stands in tracebacks."""
        self._file = f"<{name}>"
        self._lines: list[str] = []
        self._values: dict[str, Any] = {}
        self._count = 0

    def fresh(self, stem: str) -> str:
        """Return a name that nothing has yet."""
        self._count += 1
        return f"{stem}{self._count}"

    def value(self, stem: str, value: object) -> str:
        """Return a name that stands for this value."""
        name = self.fresh(stem)
        self._values[name] = value
        return name

    def known(self, **values: object) -> None:
        """Let code use these values by these names."""
        self._values |= values

    def add(self, *lines: str) -> None:
        """Add lines, behind all that they use."""
        self._lines += [*lines, ""]

    def text(self) -> str:
        """Return all lines."""
        return "\n".join(self._lines)

    def made(self, name: str) -> Any:  # noqa: ANN401 - whatever function the text defines
        """Run the lines and return one of the functions."""
        text = self.text()
        values = dict(self._values)
        # Tracebacks and profilers find the lines here.
        linecache.cache[self._file] = (len(text), None, text.splitlines(keepends=True), self._file)
        exec(compile(text, self._file, "exec"), values)  # noqa: S102 - our own text, see above
        return values[name]


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines one step further in."""
    return [f"    {line}" for line in lines]
