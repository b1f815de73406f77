"""One account on simulated markets of its own: their process, executors that a test kills, intents on the real broker.

Everything lies in one folder, whose run file is that of the running Tapeline with the markets' addresses and keys.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import psutil

from executor.log.records import INTENTS
from schemas import topics
from simulator.running import Ready
from tapeline.domain.ids import intent_id
from tapeline.domain.order_records import Command, OrderIntent
from tapeline.runtime import clock, endpoints, entropy, kafka, postgres, runfile
from tapeline.runtime.codec import Codec
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.runfile import RunFile, VenueKey
from tapeline.runtime.settings import Settings
from tapeline.venues import registry
from tests.support.eventually import eventually

SYMBOLS = 5
PLACES = ("binance:spot", "binance:futures", "bybit:spot", "bybit:futures")
LIMITS_S = 1.2
"""Longer than the window in which a simulated venue counts what one account asks."""
_SEEDS = itertools.count(1)
_GOOD_US = 60_000_000
_ROOT = Path(__file__).parents[2]
_OPEN = """
SELECT (SELECT count(*) FROM intents WHERE account = $1 AND status = 'APPROVED')
    + (SELECT count(*) FROM orders WHERE account = $1
        AND (status IN ('PENDING', 'PLACED', 'PARTIALLY_FILLED', 'UNKNOWN') OR filled < told_filled))
    + (SELECT count(*) FROM outbox WHERE stream = $1)"""


@dataclass(slots=True)
class ExecutorProcess:
    """One real executor."""

    folder: Path
    process: subprocess.Popen[bytes]
    began_s: float = field(default_factory=clock.monotonic_s)

    def said(self) -> str:
        """Return its log."""
        return (self.folder / "said").read_text("utf-8", "replace")

    def answers(self) -> str:
        """Return what its links answered to orders, where it has a script."""
        path = self.folder / "answers"
        return path.read_text("utf-8") if path.exists() else ""

    @property
    def reached(self) -> bool:
        """Whether the scripted moment has come."""
        return (self.folder / "reached").exists()

    @property
    def stopped(self) -> bool:
        """Whether it stands still."""
        return bool(psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED)

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    async def ready(self) -> float:
        """Wait until it takes intents; return how long that took since its start."""
        await eventually(lambda: self.is_dead or "PROCESS_STARTED" in self.said(), within_s=30)
        assert not self.is_dead, self.said()[-3000:]
        return clock.monotonic_s() - self.began_s

    async def rested(self) -> float:
        """Wait until it is ready and has its share of the venues' limits again, which its start uses up.

        They are windows of a second: before that one leg's leverage may wait while the other leg is dealt.
        """
        took_s = await self.ready()
        free_s = clock.monotonic_s() + LIMITS_S
        await eventually(lambda: self.is_dead or clock.monotonic_s() >= free_s, within_s=30)
        return took_s

    async def died(self) -> int:
        """Wait for its end and return its exit code."""
        await eventually(lambda: self.is_dead, within_s=30)
        return int(self.process.returncode)

    async def end(self) -> None:
        """Stop it in order."""
        self.process.send_signal(signal.SIGTERM)
        assert await self.died() == 0, self.said()[-3000:]

    def kill(self) -> None:
        """End it whatever it does."""
        if not self.is_dead:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@dataclass(slots=True)
class Bench:
    """The account of one test, its markets, and what others do to it."""

    settings: Settings
    folder: Path
    account: str
    places: Mapping[str, Ready]
    publisher: kafka.Publisher
    codec: Codec
    pool: asyncpg.Pool
    started: list[ExecutorProcess] = field(default_factory=list)
    asked: int = 0

    @property
    def journals(self) -> Path:
        """Return where the markets write."""
        return self.folder / "journal"

    @property
    def known(self) -> Endpoints:
        """Return where the services are."""
        return found(self.settings)

    def start(
        self,
        point: str | None = None,
        action: str = "kill",
        nth: int = 1,
        lease_s: float = 15,
        *,
        on_stop: str = "keep",
    ) -> ExecutorProcess:
        """Start an executor: the shipped one, or with a script (see tests/support/executor_program.py).

        At its stop it keeps what it holds, unless told otherwise: most tests compare what is held before they stop it.
        """
        folder = self.folder / f"executor-{len(self.started)}"
        folder.mkdir()
        shipped = ("executor", "--account", self.account)
        scripted = (
            "tests.support.executor_program", self.account, str(folder), point or "", action, str(nth), str(lease_s),
        )  # fmt: skip
        extra = {
            "TAPELINE_DATA__DIR": str(self.folder / "data"),
            "TAPELINE_VENUES__NETWORK": "simulated",
            "TAPELINE_TRADER__MAX_PAIRS": "5",
            "TAPELINE_TRADER__ON_STOP": on_stop,
        }
        process = _started(folder, *(shipped if point is None else scripted), **extra)
        self.started.append(ExecutorProcess(folder, process))
        return self.started[-1]

    async def want(
        self, command: Command, symbol: str, *, round_: int = 0, slot: int = 0, strategy: str | None = None
    ) -> OrderIntent:
        """Publish an intent of the account's own strategy, good for a minute."""
        now_us = clock.now_us()
        name = strategy or self.account
        self.asked += 1
        wanted = OrderIntent(
            intent_id=intent_id(name, symbol, slot, round_, command, str(self.asked)),
            strategy=name,
            account=self.account,
            symbol=symbol,
            slot=slot,
            round=round_,
            command=command,
            cause=(),
            reason="a test wants it",
            evidence={},
            decided_us=now_us,
            expires_us=now_us + _GOOD_US,
            published_us=now_us,
        )
        _ = await self.publisher.publish(INTENTS.name, wanted.key, self.codec.encode(INTENTS, wanted))
        return wanted

    async def status(self, intent: OrderIntent) -> str | None:
        """Return how an intent was answered; None when it was not yet."""
        row = await self.pool.fetchval("SELECT status::text FROM intents WHERE intent_id = $1", intent.intent_id)
        return None if row is None else str(row)

    async def round(self, symbol: str) -> int:
        """Return the round in which the next opening is."""

        async def ask() -> tuple[int]:
            query = "SELECT round FROM slots WHERE account = $1 AND symbol = $2 AND slot = 0"
            return (await self.pool.fetchval(query, self.account, symbol) or 0,)

        return (await eventually(ask, within_s=30))[0]

    async def pair_state(self, symbol: str) -> str:
        """Return how the newest two-leg trade of a symbol stands."""

        async def ask() -> str:
            query = "SELECT state::text FROM arb_trades WHERE account = $1 AND symbol = $2 ORDER BY round DESC LIMIT 1"
            return str(await self.pool.fetchval(query, self.account, symbol))

        return await eventually(ask, within_s=30)

    async def settled(self, *intents: OrderIntent, within_s: float = 60) -> None:
        """Wait until intents were answered and have ended."""

        async def over() -> bool:
            return all([await self.status(one) in ("SETTLED", "REFUSED") for one in intents])

        await eventually(over, within_s=within_s)

    async def quiet(self, *intents: OrderIntent, within_s: float = 60) -> None:
        """Wait until these have ended, nothing is open, and all that is to be told is published."""
        await self.settled(*intents, within_s=within_s)

        async def nothing() -> bool:
            return int(await self.pool.fetchval(_OPEN, self.account)) == 0

        await eventually(nothing, within_s=within_s)

    async def fault(self, name: str, *places: str, **wish: object) -> None:
        """Let a fault happen at some markets, all if none is named."""
        for place in places or self.places:
            await self.control(place, "faults", {"name": name, **wish})

    async def calm(self) -> None:
        """End all faults."""
        for place in self.places:
            await self.control(place, "calm", None)

    async def halt(self) -> dict[str, dict[str, int]]:
        """Let the markets stand still, so that their journals are whole; return the faults that happened, by market."""
        return {place: (await self.control(place, "halt", None))["faults"] for place in self.places}

    async def control(self, place: str, what: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Ask a market itself for something."""
        address = f"{self.places[place].rest}/_simulator/{what}"
        async with aiohttp.ClientSession() as session, session.post(address, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


def found(settings: Settings) -> Endpoints:
    """Return where the services of a running Tapeline are."""
    return endpoints.resolve(settings)


@contextlib.asynccontextmanager
async def bench(settings: Settings, folder: Path) -> AsyncIterator[Bench]:
    """Run markets and their account for the length of the block; no process of it outlives it."""
    where = found(settings)
    assert where.run is not None
    async with markets(folder) as places:
        _write_run_file(folder / "data", where.run, places)
        async with (
            kafka.Publisher(where.kafka, client_id="test") as publisher,
            await postgres.connect(where.postgres) as pool,
        ):
            made = Bench(
                settings, folder, f"t-{entropy.new_id()[:8]}", places, publisher, Codec(where.run.schema_ids), pool
            )
            try:
                yield made
            finally:
                for one in made.started:
                    one.kill()


@contextlib.asynccontextmanager
async def markets(folder: Path) -> AsyncIterator[Mapping[str, Ready]]:
    """Serve all four markets in one process; yield them by `venue:market`."""
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "markets"
    home.mkdir()
    # A market of its own seed, so that no two tests have a fill of one id.
    wanted = (
        "--venue",
        "binance,bybit",
        "--symbols",
        str(SYMBOLS),
        "--seed",
        str(next(_SEEDS)),
        "--rate",
        "0.5",
        "--journal",
        str(folder / "journal"),
    )
    process = _started(home, "simulator", *wanted)
    try:
        await eventually(lambda: len(_ready(home / "told")) == len(PLACES), within_s=30)
        yield _ready(home / "told")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


async def publish_rules(settings: Settings, folder: Path) -> None:
    """Publish the rules of all that is listed, as the producers would."""
    where = found(settings)
    assert where.run is not None
    codec, topic = Codec(where.run.schema_ids), topics.by_name("ref.instrument")
    async with (
        markets(folder) as places,
        kafka.Publisher(where.kafka, client_id="test") as publisher,
        aiohttp.ClientSession() as session,
    ):
        for place in places.values():
            feed = registry.feed(place.venue, place.market)  # type: ignore[arg-type]  # a market's word
            request = feed.instruments_request()
            async with session.get(f"{place.rest}{request.path}", params=dict(request.query)) as answer:
                page = feed.read_instruments(await answer.read(), clock.now_us())
            for one in page.instruments:
                _ = await publisher.publish(topic.name, one.key, codec.encode(topic, one))


def _ready(told: Path) -> dict[str, Ready]:
    ready = [msgspec.json.decode(line, type=Ready) for line in told.read_bytes().splitlines()]
    return {f"{one.venue}:{one.market}": one for one in ready}


def _write_run_file(folder: Path, run: RunFile, places: Mapping[str, Ready]) -> None:
    folder.mkdir()
    addresses = {place: one.rest.removeprefix("http://") for place, one in places.items()}
    keys = {one.venue: VenueKey(key=one.key or "", secret=one.secret or "") for one in places.values()}
    replace = msgspec.structs.replace
    own = replace(
        run, addresses=replace(run.addresses, venues=addresses), secrets=replace(run.secrets, venue_keys=keys)
    )
    runfile.write(folder, own)


def _started(folder: Path, *module: str, **extra: str) -> subprocess.Popen[bytes]:
    # The folder is the project's root: nothing of the machine's own settings gets in.
    (folder / "tapeline.toml").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_")}
    environ = kept | {
        "PYTHONPATH": str(_ROOT),
        "TAPELINE_LOG__DIR": str(folder / "logs"),
        "TAPELINE_LOG__CONSOLE": "text",
    }
    with (folder / "said").open("ab") as said, (folder / "told").open("ab") as told:
        return subprocess.Popen(
            [sys.executable, "-m", *module], cwd=folder, env=environ | extra, stdout=told, stderr=said
        )
