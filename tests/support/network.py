"""A pipeline with a fault proxy before each service, so that a test can cut any process off from any service."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import psutil

from infra.embedded import control, inherit
from infra.embedded.ports import HOST, Ports
from simulator import chance
from tapeline.runtime import runfile
from tapeline.runtime.runfile import Addresses
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.fault_proxy import Call, FaultProxy, fault_proxy
from tests.support.network_faults import Mode
from tests.support.running import left_over
from tests.support.supervised import STORES, port_of

READY_WITHIN_S: Final = 120.0
_PLACES: Final = ("binance:spot", "binance:futures", "bybit:spot", "bybit:futures")
VENUES: Final[Mapping[str, tuple[str, ...]]] = {
    "binance": _PLACES[:2],
    "bybit": _PLACES[2:],
    "venues": _PLACES,
}
"""Names of several proxies at once."""


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between the processes of one run."""

    proxies: Mapping[str, FaultProxy]

    async def between(self, client: str, service: str, mode: Mode) -> None:
        """Let the network between a process and a service be so."""
        for one in self.of(service):
            await one.fault_of(client, mode)

    def heal(self) -> None:
        """Let everything through."""
        for one in self.proxies.values():
            one.heal()

    def of(self, service: str) -> Iterable[FaultProxy]:
        """Return the proxies before a service."""
        return [self.proxies[name] for name in VENUES.get(service, (service,))]

    def swallowed(self, service: str) -> int:
        """Return how many bytes were kept for ever on the way to and from a service."""
        return sum(one.swallowed for one in self.of(service))


@contextlib.asynccontextmanager
async def behind_proxies(settings: Settings, *, seed: int) -> AsyncIterator[Network]:
    """Run a pipeline behind proxies for the length of the block; nothing of it outlives it."""
    folder = settings.data.dir
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        ports = stack.enter_context(Ports())
        proxies: dict[str, FaultProxy] = {}

        async def calls(name: str) -> frozenset[Call]:
            return await asyncio.to_thread(calls_of, folder, name)

        for name in (*STORES, *_PLACES):
            draws = chance.stream(seed, "network", name)
            proxies[name] = await stack.enter_async_context(
                fault_proxy(HOST, 0, port=ports.take(0, ""), calls=calls, renames=name == "kafka", chance=draws)
            )
        truth = folder.parent / "truth.json"
        process = _started(settings, truth, {name: one.port for name, one in proxies.items()})
        try:
            await eventually(truth.exists, within_s=READY_WITHIN_S)
            true = msgspec.json.decode(truth.read_bytes(), type=Addresses)
            for name, one in proxies.items():
                one.at = port_of(true, name)
            await eventually(lambda: _ready(settings, process), within_s=READY_WITHIN_S)
            yield Network(proxies)
        finally:
            # In a thread: what stops may still have something to say through the proxies.
            await asyncio.to_thread(control.stop, settings)
            process.wait(timeout=READY_WITHIN_S)
        assert left_over(settings) == []


def calls_of(folder: Path, name: str) -> frozenset[Call]:
    """Return which connections a process of a run has called now; none of one that is just between two lives."""
    run = runfile.read(folder)
    # Its record stands in the run file as soon as it is started, and it calls nobody before its own imports are done.
    process = None if run is None else runfile.living(run.processes[name])
    with contextlib.suppress(psutil.NoSuchProcess):
        found = [] if process is None else process.net_connections("tcp4")
        return frozenset((one.laddr.port, one.raddr.port) for one in found if one.status != psutil.CONN_LISTEN)
    return frozenset()


def _started(settings: Settings, truth: Path, ports: Mapping[str, int]) -> subprocess.Popen[bytes]:
    settings.log.dir.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", "tests.support.supervised", str(truth), msgspec.json.encode(ports).decode())
    with (settings.log.dir / "supervisor_output.log").open("ab") as output:
        return subprocess.Popen(
            command,
            env=inherit.environment(settings, "supervisor"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _ready(settings: Settings, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        said = (settings.log.dir / "supervisor_output.log").read_text("utf-8", "replace")
        raise TypeError(f"the supervisor ended with {process.returncode}: {said[-2000:]}")
    run = runfile.read(settings.data.dir)
    return run is not None and run.ready
