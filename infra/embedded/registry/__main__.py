"""The registry's process: the port answers at once, with 503 until Kafka is there and the log is read."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from infra.embedded.registry import api
from infra.embedded.registry.beats import publisher_of
from infra.embedded.registry.kafka_log import KafkaLog, kafka_log
from infra.embedded.registry.log import Registry
from infra.embedded.registry.records import TOPIC
from tapeline.errors import Unavailable
from tapeline.runtime import endpoints, entropy, lifecycle, logs, retry, telemetry
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.settings import Settings

SERVICE: Final = "registry"
_FIRST_TRY_S: Final = 0.25
_LONGEST_TRY_S: Final = 1.0
"""Kafka on the same machine is asked often: nobody can start before the registry has."""
_WATCH_S: Final = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded.registry", description=__doc__)
    parser.add_argument("--port", type=int, default=None, help="default: embedded.registry_port; 0 takes a free one")
    parser.add_argument("--kafka", default=None, metavar="HOST:PORT", help="default: settings, else the run file")
    parser.add_argument("--topic", default=TOPIC, help="where the schemas are kept (default: %(default)s)")
    wanted = parser.parse_args(arguments)

    async def body(life: Lifecycle) -> None:
        registry = Registry(entropy.new_id)
        port = life.settings.embedded.registry_port if wanted.port is None else wanted.port
        await life.start("telemetry", telemetry.serve(life.settings.process.metrics_port, life.health))
        life.health.waiting("kafka", "not asked yet")
        # Started before the port, so stopped after it: requests under way are answered first.
        _ = life.spawn("log", keep(life, registry, wanted.kafka, wanted.topic))
        await life.start("api", api.serve(registry, port, on_crash=lambda error: life.fail("api", error)))
        await life.stopping()

    return lifecycle.run(body, service=SERVICE)


async def keep(life: Lifecycle, registry: Registry, override: str | None, topic: str) -> None:
    """Open the log as soon as Kafka is there, then watch it until the process stops."""
    async with AsyncExitStack() as stack:
        log = await _opened(life, registry, override, topic, stack)
        publish = publisher_of(log.publisher, lambda: registry.state)
        pulse = telemetry.Pulse(publish, life.health, every_s=life.settings.process.heartbeat_every_s)
        _ = await stack.enter_async_context(lifecycle.background("heartbeat", pulse.run()))
        while True:
            if await registry.watch():
                life.health.ready("kafka")
            else:
                life.health.waiting("kafka", registry.waiting_for or "it does not answer")
            await asyncio.sleep(_WATCH_S)


def broker(settings: Settings, override: str | None) -> KafkaEndpoint:
    """Return where the log is kept; raise Unavailable while no run file says so, for it may be written any moment."""
    if override is not None:
        return KafkaEndpoint(bootstrap=override, max_retries=0)
    found = endpoints.resolve(settings).found_kafka
    if found is None:
        raise Unavailable("Kafka has no address yet: neither kafka.bootstrap nor a run file names one")
    # This process waits by itself, for as long as it takes.
    return dataclasses.replace(found, max_retries=0)


async def _opened(
    life: Lifecycle, registry: Registry, override: str | None, topic: str, stack: AsyncExitStack
) -> KafkaLog:
    """Open the log and read it to its end, trying until it works; `stack` closes it."""
    pauses = retry.delays(_FIRST_TRY_S, _LONGEST_TRY_S)
    while True:
        try:
            async with AsyncExitStack() as attempt:
                log = await attempt.enter_async_context(kafka_log(broker(life.settings, override), topic))
                await registry.follow(log)
                stack.push_async_exit(attempt.pop_all())
        except (Unavailable, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            if reason != registry.waiting_for:
                logs.get(__name__).warning(LogEvent.DEPENDENCY_WAITING, dependency="kafka", reason=reason)
            registry.waiting_for = reason
            life.health.waiting("kafka", reason)
            await asyncio.sleep(next(pauses))
        else:
            logs.get(__name__).info(LogEvent.DEPENDENCY_READY, dependency="kafka", schemas=registry.state.last_id)
            life.health.ready("kafka")
            return log


if __name__ == "__main__":
    sys.exit(main())
