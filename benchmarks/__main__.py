"""`make bench`: runs every benchmark and writes docs/performance.json and the table of docs/performance.md."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path

import msgspec

from benchmarks import codec, frames
from benchmarks.measure import Run, machine

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "performance.md"
_TABLE = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)
_LIBRARIES = ("ccxt", "confluent-kafka", "fastavro", "msgspec")


def table(run: Run) -> str:
    """Return the run as a page shows it."""
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    lines = [
        f"Machine: {run.machine}. Python {run.python}; {versions}.",
        "",
        "| what | Tapeline | peer | peer's | ratio | calls each |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.what} | {one.ours_us:g} us | {one.peer} | {one.peer_us:g} us | {one.ratio:g}x | {one.calls:,} |"
        for one in run.results
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, write, show."""
    run = Run(
        machine=machine(),
        python=platform.python_version(),
        versions={name: version(name) for name in _LIBRARIES},
        results=[*codec.run(), *frames.run()],
    )
    text = msgspec.json.format(msgspec.json.encode(run), indent=2)
    (DOCS / "performance.json").write_bytes(text + b"\n")
    PAGE.write_text(_TABLE.sub(rf"\1\n{table(run)}\n\n\2", PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(table(run) + "\n")


if __name__ == "__main__":
    main()
