"""The executor's process: `python -m executor`; the only one that has keys of venues and can trade.

It takes the account's lease, reconciles, and only then takes intents. SIGUSR1 throws the kill switch.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from executor import composing
from executor.log.kafka import KafkaLog
from executor.markets import Markets
from executor.running import Executor, Ports
from executor.store.postgres import PostgresStore
from executor.switch import Switch
from executor.terms import Known, Terms
from tapeline.runtime import clock, endpoints, entropy, lifecycle, postgres, registry, speaking, telemetry
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.registry import RegistryClient
from tapeline.runtime.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from executor.desk import Spawn
    from tapeline.runtime.endpoints import PostgresEndpoint
    from tapeline.runtime.lifecycle import Lifecycle
    from tapeline.runtime.telemetry import Publish

SERVICE: Final = "executor"
LAST_ANSWERS_S: Final = 3.0
STORE_ANSWERS_S: Final = 5.0
"""A database that takes longer counts as away: what was asked may have been done, and is asked again."""


Build = Callable[[Ports, Known, Terms, str], Executor]
"""Makes the executor of its ports, what it knows, its terms, and the name by which it holds the lease."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m executor", description=__doc__)
    parser.add_argument("--account", default=None, help="which set of keys to trade with; default: trader.account")
    wanted = parser.parse_args(arguments)

    async def body(life: Lifecycle) -> None:
        await trade(life, wanted.account or life.settings.trader.account)

    return lifecycle.run(body, service=SERVICE)


def usual(ports: Ports, known: Known, terms: Terms, holder: str) -> Executor:
    """Return an executor as it is shipped."""
    return Executor(ports, known, terms, holder=holder)


async def trade(life: Lifecycle, account: str, build: Build = usual) -> None:
    """Start what the executor needs, then the executor, and keep it until the stop."""
    settings = life.settings
    switch = Switch(settings.data.dir, account)
    life.on_signal(signal.SIGUSR1, switch.throw)
    found = endpoints.resolve(settings)
    places = composing.places(settings, found.run)  # what cannot be is said before anything starts
    process = f"{SERVICE}-{account}-{socket.gethostname()}"
    await life.start("telemetry", telemetry.serving(settings.process, life.health))
    schemas = await life.start("registry", RegistryClient(found.registry))
    codec = Codec(await registry.ids_for(found, schemas))
    publisher = await life.start("publisher", Publisher(found.kafka, client_id=process))
    publish = speaking.publishing(publisher, codec)
    store = await life.start("postgres", _stored(found.postgres))
    markets = await life.start("markets", Markets(found.kafka, codec, schemas.schema, process=f"{process}-markets"))
    await markets.known(places)
    links = {where: await life.start(f"link {':'.join(where)}", composing.link(one)) for where, one in places.items()}
    for rules in markets.rules.values():
        composing.teach(links, rules)
    markets.on_rules = partial(composing.teach, links)
    log = await life.start("log", KafkaLog(found.kafka, codec, schemas.schema, process=process))
    _ = life.spawn("markets", markets.follow())
    await life.start("heartbeat", speaking.beating(life, publish, process, telemetry.no_lag))
    known = composing.known(account, settings, places, markets)

    def made(spawn: Spawn) -> Executor:
        def alarm(code: str, sentence: str) -> None:
            _ = spawn(code, _alerted(publish, process, code, sentence))

        ports = Ports(store=store, log=log, links=links, clock=Clock(), spawn=spawn, alarm=alarm)
        executor = build(ports, known, composing.terms(settings), f"{process}-{entropy.new_id()[:8]}")
        executor.on_halt_stored = switch.stored
        switch.connect(executor.halt)
        return executor

    await life.start("executor", trading(made))
    await life.stopping()


class Clock:
    """The port of real time."""

    now_us = staticmethod(clock.now_us)
    monotonic_s = staticmethod(clock.monotonic_s)
    sleep = staticmethod(asyncio.sleep)


@asynccontextmanager
async def trading(made: Callable[[Spawn], Executor]) -> AsyncIterator[Executor]:
    """Let an executor live for the time of the block, which is entered when it has reconciled.

    At the end of an orderly block it closes what is held; what is on its way then has a moment to be answered, and the
    lease is given up.
    """
    async with lifecycle.crowd(within_s=LAST_ANSWERS_S) as spawn:
        executor = made(spawn)
        async with lifecycle.background("executor", executor.run()):
            await executor.ready.wait()
            yield executor
            await executor.wind_down()
    await executor.stop()


async def _alerted(publish: Publish, process: str, code: str, sentence: str) -> None:
    _ = await telemetry.alert(publish, process, "critical", code, sentence)


@asynccontextmanager
async def _stored(endpoint: PostgresEndpoint) -> AsyncIterator[PostgresStore]:
    pool = await postgres.connect(endpoint, answer_within_s=STORE_ANSWERS_S)
    store = PostgresStore(Transactions(pool, endpoint), Clock())
    try:
        yield store
    finally:
        await store.close()
        await pool.close()


if __name__ == "__main__":
    sys.exit(main())
