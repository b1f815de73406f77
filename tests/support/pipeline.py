"""The whole pipeline on simulated markets, as the demo runs it, and what a test does to it: kill, hold, join, audit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.embedded import control, inherit
from simulator import steering
from simulator.audit.compare import Audit
from simulator.audit.outages import FILE_NAME, Outage, append
from tapeline.cli.demo import plan
from tapeline.cli.demo.auditing import audited_in
from tapeline.cli.demo.command import DRAIN_S, HEAL_S, HEALED_S, SETTLE_S
from tapeline.cli.demo.drain import drained, open_gaps, settled, stop_trading
from tapeline.cli.demo.kills import Killer
from tapeline.cli.demo.plan import Wish
from tapeline.runtime import clickhouse, clock, endpoints, runfile
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.runfile import ProcessRecord, RunFile
from tapeline.runtime.settings import Settings, Simulation, Strategies
from tests.support.eventually import eventually
from tests.support.running import left_over, settings_in

BACK_WITHIN_S = 60.0
"""On a machine that is busy with other tests too; by itself it takes 2 to 10 s."""
_NEWEST = (
    "SELECT least((SELECT toUnixTimestamp64Micro(min(newest)) FROM (SELECT max(received_ts) AS newest "
    "FROM orderbook_deltas GROUP BY exchange_id, market_type, pair)), "
    "(SELECT toUnixTimestamp64Micro(max(published_ts)) FROM spreads))"
)


@dataclass(slots=True)
class Pipeline:
    """A pipeline that runs."""

    settings: Settings
    last: Audit | None = None

    async def before(self) -> Audit:
        """Return the newest audit: that of the test before, where there was one."""
        return self.last or await self.audited()

    @property
    def folder(self) -> Path:
        """Return its data directory."""
        return self.settings.data.dir

    @property
    def known(self) -> Endpoints:
        """Return where its services are."""
        return endpoints.resolve(self.settings)

    def process(self, name: str) -> ProcessRecord:
        """Return what the run file says of a process."""
        return self.run.processes[name]

    async def kill(self, name: str) -> float:
        """Kill a process, wait until data flows from end to end again, and return how long that took in seconds."""
        began_s, began_us = clock.monotonic_s(), clock.now_us()
        await Killer(self.folder, seed=0).kill(self.process(name))
        await self.flows_since(began_us)
        return clock.monotonic_s() - began_s

    async def hold(self, name: str, seconds: float) -> float:
        """Pause a process for so long; return how long data took to flow again afterwards, in seconds."""
        held = psutil.Process(self.process(name).pid)
        outage = Outage(process=name, action="pause", at_us=clock.now_us())
        append(self.folder / FILE_NAME, outage)
        held.suspend()
        end_s = clock.monotonic_s() + seconds
        try:
            await eventually(lambda: clock.monotonic_s() >= end_s, within_s=seconds + 5)
        finally:
            held.resume()
        began_s, began_us = clock.monotonic_s(), clock.now_us()
        append(
            self.folder / FILE_NAME, Outage(process=name, action="pause", at_us=outage.at_us, back_us=clock.now_us())
        )
        await self.flows_since(began_us)
        return clock.monotonic_s() - began_s

    async def flows_since(self, at_us: int) -> None:
        """Wait until of each instrument something that was received after that time is stored, and spreads too."""

        async def flows() -> bool:
            client = await clickhouse.connect(self.known.clickhouse)
            try:
                newest_us = int((await client.query(_NEWEST)).result_rows[0][0])
            finally:
                await client.close()
            if newest_us <= at_us:
                message = f"what is stored ends at {clock.iso(newest_us)}, wanted is something after {clock.iso(at_us)}"
                raise AssertionError(message)
            return True

        await eventually(flows, within_s=BACK_WITHIN_S)

    async def audited(self) -> Audit:
        """Audit everything up to now, while the markets go on."""

        async def healed() -> bool:
            return await open_gaps(self.known.clickhouse) == 0

        await eventually(healed, within_s=BACK_WITHIN_S)
        until_us = clock.now_us()
        await self.flows_since(until_us + 1_500_000)
        self.last = await audited_in(self.settings, until_us=until_us)
        return self.last

    async def finished(self) -> Audit:
        """End the run as the demo does: let it come to rest, let the markets stand still, audit all with its orders."""
        venues = self.run.addresses.venues
        await steering.tell(venues, "calm")
        calm_s = clock.monotonic_s()

        async def healed() -> bool:
            return await open_gaps(self.known.clickhouse) == 0 and clock.monotonic_s() - calm_s >= HEAL_S

        with contextlib.suppress(AssertionError):  # the audit names a gap that stays open
            await eventually(healed, within_s=HEALED_S)
        known = self.known
        await stop_trading(known.postgres, within_s=SETTLE_S)
        _ = await settled(known.postgres, within_s=SETTLE_S)
        await steering.tell(venues, "halt")
        await drained(known.kafka, within_s=DRAIN_S)
        return await audited_in(self.settings)

    @property
    def run(self) -> RunFile:
        """Return its run file."""
        run = runfile.read(self.folder)
        assert run is not None
        return run

    @contextmanager
    def worker(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run another worker beside those of the pipeline, and end it in order."""
        environ = inherit.environment(self.settings, command[0])
        log = self.settings.log.dir / "another_output.log"
        with log.open("ab") as output:
            process = subprocess.Popen([sys.executable, "-m", *command], env=environ, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                raise


@contextmanager
def pipeline(root: Path, *, symbols: int, seed: int = 7, by_tasks: bool = False) -> Iterator[Pipeline]:
    """Run a pipeline for the length of the block; by tasks nothing is recorded before there are some, nor traded."""
    found = plan.settings_of(settings_in(root), Wish(seed=seed))
    monitor = found.monitor.model_copy(update={"tasks": by_tasks})
    found = found.model_copy(update={"simulation": Simulation(seed=seed, symbols=symbols), "monitor": monitor})
    if by_tasks:
        found = found.model_copy(update={"strategies": Strategies(run=())})
    control.start(found, lambda _: None)
    try:
        yield Pipeline(found)
    finally:
        control.stop(found)
        assert left_over(found) == []
