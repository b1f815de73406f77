"""A long run of the whole demo, watched from outside: memory, files, connections and threads of every process, queues.

`python -m benchmarks.soak --minutes 60` runs it alone and writes docs/soak.json, docs/soak.md and docs/soak.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import growth
from benchmarks.growth import Sample, Soak
from benchmarks.measure import machine
from tapeline.cli.status import family
from tapeline.runtime import clock, metrics, runfile
from tapeline.runtime.runfile import ProcessRecord, RunFile

DOCS = Path(__file__).resolve().parents[1] / "docs"
JSON, PAGE, PICTURE = DOCS / "soak.json", DOCS / "soak.md", DOCS / "soak.svg"
EVERY_S = 10.0
READY_S = 180.0
ENDS_S = 400.0
"""So long the demo may take after its time: it settles, drains and audits an hour."""
_LOOK_S = 0.2
_QUEUES = (metrics.RECORDS_WAITING.name, metrics.SINK_LAG.name)
_ABOUT = """# Memory and time

`python -m benchmarks.soak --minutes 60` runs the whole demo (simulated exchanges, producers, agents, executor, sinks,
gateway, broker, databases) and looks at every process each 10 s. The first third of the time counts as warm-up; through
what was seen after it a line is laid. The simulator keeps all that its markets did, for the audit: it grows by that.

"""


def main() -> int:
    """Run, watch, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=1.0, help="scales how much happens on the simulated markets")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = asyncio.run(watched(Path(folder), wanted.minutes, wanted.seed, wanted.rate))
    JSON.write_bytes(msgspec.json.encode(soak) + b"\n")
    PICTURE.write_text(growth.picture(soak.processes), "utf-8")
    PAGE.write_text(page(soak), "utf-8")
    sys.stdout.write(growth.table(soak) + "\n")
    return 0 if soak.balanced else 1


def page(soak: Soak) -> str:
    """Return docs/soak.md."""
    return f"{_ABOUT}{growth.table(soak)}\n\n![memory of each process over time](soak.svg)\n"


async def watched(folder: Path, minutes: float, seed: int, rate: float) -> Soak:
    """Run a demo in a folder of its own and look at it until it ends."""
    own = {
        "TAPELINE_DATA__DIR": str(folder / "data"),
        "TAPELINE_LOG__DIR": str(folder / "logs"),
        "TAPELINE_LOG__LEVEL": "info",
        "TAPELINE_SIMULATION__RATE": str(rate),
    }
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tapeline", "demo", "--for", str(minutes * 60), "--seed", str(seed), "--headless",
        "--json", env={**os.environ, **own}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    processes: dict[str, list[Sample]] = {}
    queues: dict[str, list[tuple[float, float]]] = {}
    answer = asyncio.ensure_future(demo.communicate())
    try:
        async with asyncio.timeout(READY_S):
            await _ready(folder / "data-demo", answer)
        began_s = clock.monotonic_s()
        async with asyncio.timeout(minutes * 60 + ENDS_S):
            while not answer.done():
                at_s = clock.monotonic_s() - began_s
                run = runfile.read(folder / "data-demo")
                # What comes after its time is the audit, which is another load.
                if run is not None and at_s <= minutes * 60:
                    _look(run, at_s, processes)
                    await asyncio.to_thread(_look_at_queues, run, at_s, queues)
                await asyncio.wait({answer}, timeout=EVERY_S)
        said, _ = await answer
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            demo.terminate()
        _ = await demo.wait()
        raise
    told: dict[str, Any] = msgspec.json.decode(said)
    return Soak(
        machine=machine(),
        python=platform.python_version(),
        minutes=minutes,
        seed=seed,
        rate=rate,
        balanced=told["balanced"],
        orders=told["orders"]["sent"],
        records=sum(told["stored"].values()),
        restarts=sum(one["restarts"] for one in told["processes"].values()),
        processes=processes,
        queues=queues,
    )


async def _ready(data_dir: Path, answer: asyncio.Future[Any]) -> None:
    while not answer.done():
        run = runfile.read(data_dir)
        if run is not None and run.ready:
            return
        await asyncio.sleep(_LOOK_S)


def _look(run: RunFile, at_s: float, processes: dict[str, list[Sample]]) -> None:
    records = {"supervisor": run.supervisor, **run.processes}
    living = {name: found for name, record in records.items() if (found := runfile.living(record))}
    owners = {one.pid for one in living.values()}
    for name, process in living.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.setdefault(name, []).append(_sample(process, owners, at_s))


def _sample(process: psutil.Process, owners: set[int], at_s: float) -> Sample:
    memory, files, connections, threads = 0, 0, 0, 0
    for one in family(process, owners):
        opened = list(_opened(one.pid))
        # What several share counts once: the resident size of Postgres' processes is mostly the same pages.
        memory += one.memory_full_info().pss
        connections += sum(path.startswith("socket:") for path in opened)
        files += sum(not path.startswith("socket:") for path in opened)
        threads += one.num_threads()
    return Sample(
        at_s=round(at_s, 1), memory_mb=round(memory / 1e6, 1), files=files, connections=connections, threads=threads
    )


def _opened(pid: int) -> Iterator[str]:
    """Yield what each handle of a process leads to; one that is closed meanwhile leads nowhere."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield str(path.readlink())


def _look_at_queues(run: RunFile, at_s: float, queues: dict[str, list[tuple[float, float]]]) -> None:
    """Read the gauges of what waits."""
    for name, record in run.processes.items():
        for gauge in text_string_to_metric_families(_scraped(record)):
            if gauge.name in _QUEUES and gauge.samples:
                waits = sum(one.value for one in gauge.samples)
                queues.setdefault(f"{name}: {gauge.name}", []).append((round(at_s, 1), waits))


def _scraped(record: ProcessRecord) -> str:
    if record.metrics is None:
        return ""
    try:
        with urllib.request.urlopen(f"http://{record.metrics}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        # A process that is starting again has none for a moment.
        return ""


if __name__ == "__main__":
    sys.exit(main())
