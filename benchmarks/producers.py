"""One producer's process under load: how many frames a second it takes, what that costs, and how late its books are.

The process is `python -m producers` with its settings pointed at a made-up exchange, and takes notes of its own
(`benchmarks.watched`); what was recorded is read from the broker when the last frame has come to its end. Of `RATES`
all are shown down to the first that is sustained. `python -m benchmarks.producers` runs this alone.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from benchmarks import exchange as made_up
from benchmarks import loads, logged, services
from benchmarks.exchange import Exchange, Frame
from benchmarks.loads import Cost, Log, Notes
from benchmarks.measure import Latency, Load
from benchmarks.services import Services
from tapeline.domain.tasks import Pair
from tapeline.runtime import clock, postgres, runfile, task_rows
from tapeline.runtime.codec import Codec
from tapeline.runtime.settings import child_environment
from tapeline.runtime.transactions import Transactions

RATES = (5_000, 4_000, 3_000, 2_000, 1_000)
SYMBOLS = 500
SECONDS = 30.0
ALONE_A_SECOND = 100
"""Of one book."""
MANY = 1_000
"""Symbols that two processes share by leases."""
WARM_S = 5.0
STOP_S = 40.0
_PLACE = "binance:spot"

Found = tuple[list[Load], list[Latency]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much and how long; less than all of it shows that it works."""

    rates: Sequence[int] = RATES
    symbols: int = SYMBOLS
    many: int = MANY
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class Bench:
    """What the processes run on: the services, and a folder with a run file of their own."""

    services: Services
    folder: Path
    codec: Codec

    def point(self, exchange: Exchange) -> None:
        """Say in the run file that this exchange is the simulated one."""
        run = self.services.run
        addresses = msgspec.structs.replace(run.addresses, venues={_PLACE: exchange.rest.removeprefix("http://")})
        runfile.write(self.folder, msgspec.structs.replace(run, addresses=addresses))

    def notes(self, name: str) -> Path:
        """Return where a process writes what it noted."""
        return self.folder / f"notes-{name}.json"

    @asynccontextmanager
    async def producer(self, name: str, *, by_tasks: bool) -> AsyncIterator[psutil.Process]:
        """Run a producers' process for the time of the block; its notes are written when it has ended."""
        asked = () if by_tasks else ("binance", "--market", "spot")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.watched", str(self.notes(name)), *asked, "--name", name,
            env=child_environment(
                TAPELINE_DATA__DIR=str(self.folder),
                TAPELINE_LOG__DIR=str(self.folder / "logs"),
                TAPELINE_LOG__LEVEL="info",
                TAPELINE_VENUES__NETWORK="simulated",
                TAPELINE_MONITOR__SYMBOLS="all",
                TAPELINE_MONITOR__TASKS=str(by_tasks).lower(),
            ),
        )  # fmt: skip
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            async with asyncio.timeout(STOP_S):
                code = await process.wait()
        if code != 0:
            message = f"the producer {name} ended with {code}"
            raise AssertionError(message)

    async def wish(self, symbols: Sequence[str]) -> None:
        """Make a task for each symbol."""
        endpoint = self.services.endpoints.postgres
        async with await postgres.connect(endpoint) as pool, Transactions(pool, endpoint).begin() as session:
            for symbol in symbols:
                await task_rows.add(session, "monitoring", Pair("binance", "spot", symbol), {})


def run(wanted: Wanted | None = None) -> Found:
    """Start the services, measure, stop them."""
    with services.started() as found, tempfile.TemporaryDirectory() as folder:
        bench = Bench(found, Path(folder), Codec(found.run.schema_ids))
        return asyncio.run(_measured(bench, wanted or Wanted()))


async def _measured(bench: Bench, wanted: Wanted) -> Found:
    rows, hops, rate = [], [], 0
    for rate in wanted.rates:
        row, more = await _alone(bench, wanted.symbols, rate, wanted.seconds)
        rows.append(row)
        hops += more
        if loads.is_sustained(rate, row):
            break
    row, more = await _alone(bench, 1, ALONE_A_SECOND, wanted.seconds)
    shared = await _shared(bench, wanted.many, rate, wanted.seconds)
    return [*rows, row, *shared], [*hops, *more]


async def _alone(bench: Bench, symbols: int, rate: int, seconds: float) -> tuple[Load, list[Latency]]:
    """Measure one process that records all symbols."""
    what = f"{symbols:,} symbols, {rate:,} frames/s" if symbols > 1 else f"one book, {rate:,} frames/s"
    async with made_up.opened(symbols) as exchange:
        sent, log, costs = await _loaded(bench, exchange, ("alone",), rate, seconds)
    seen = loads.seen(sent, log, _noted(bench, "alone"), costs["alone"])
    return loads.load(what, seen), loads.latencies(what, seen)


async def _shared(bench: Bench, symbols: int, rate: int, seconds: float) -> list[Load]:
    """Measure two processes that share the symbols by leases, and say what is missing of all of them."""
    names = ("first", "second")
    async with made_up.opened(symbols) as exchange:
        await bench.wish(exchange.symbols)
        sent, log, costs = await _loaded(bench, exchange, names, rate, seconds)
    notes = [_noted(bench, name) for name in names]
    parts = loads.shares(sent, log, notes)
    if sum(len(part) for part, _ in parts) != len(sent):
        message = f"of {len(sent)} frames the processes have {[len(part) for part, _ in parts]}"
        raise AssertionError(message)
    what = f"{symbols:,} symbols, {rate:,} frames/s, the {{}} of two processes"
    # Fewer symbols than one process may take are no share for two.
    return [
        loads.load(what.format(name), loads.seen(part, logs, of, costs[name]))
        for name, (part, logs), of in zip(names, parts, notes, strict=True)
        if part
    ]


async def _loaded(
    bench: Bench, exchange: Exchange, names: Sequence[str], rate: int, seconds: float
) -> tuple[dict[Frame, int], Log, Mapping[str, Cost]]:
    """Run processes, let all books become valid, warm up, send, and return what was sent, logged and spent."""
    kafka, codec = bench.services.endpoints.kafka, bench.codec
    bench.point(exchange)
    async with AsyncExitStack() as stack:
        since = await logged.places(kafka)
        living = {
            name: await stack.enter_async_context(bench.producer(name, by_tasks=len(names) > 1)) for name in names
        }
        await logged.valid(kafka, codec, since, exchange.symbols)
        since = await logged.places(kafka)
        _ = await logged.read(kafka, codec, since, await exchange.replay(rate, WARM_S))
        since, before_s, began_s = await logged.places(kafka), _cpu_s(living), clock.monotonic_s()
        sent = await exchange.replay(rate, seconds)
        after_s, took_s = _cpu_s(living), clock.monotonic_s() - began_s
        costs = {
            name: Cost((after_s[name] - before_s[name]) / took_s, process.memory_info().rss / 1e6)
            for name, process in living.items()
        }
        return sent, await logged.read(kafka, codec, since, sent), costs


def _cpu_s(living: Mapping[str, psutil.Process]) -> dict[str, float]:
    times = {name: process.cpu_times() for name, process in living.items()}
    return {name: time.user + time.system for name, time in times.items()}


def _noted(bench: Bench, name: str) -> Notes:
    return msgspec.json.decode(bench.notes(name).read_bytes(), type=Notes)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.producers", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="frames a second, tried in this order")
    parser.add_argument("--symbols", type=int, default=SYMBOLS)
    parser.add_argument("--many", type=int, default=MANY, help="symbols of two processes")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    wanted = Wanted(rates=asked.rates, symbols=asked.symbols, many=asked.many, seconds=asked.seconds)
    for found in (one for part in run(wanted) for one in part):
        sys.stdout.write(f"{found}\n")


if __name__ == "__main__":
    main()
