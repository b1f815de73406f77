"""Real sink processes of one group: started, scripted, stopped, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sinks.rows.catalogue import BY_TOPIC
from tapeline.runtime import clock, kafka
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually
from tests.support.sinks import found

BACK_WITHIN_S = 40.0
"""On a machine that is busy with other tests too; by itself it takes about 2 s."""


@dataclass(slots=True)
class SinkProcess:
    """One real sink."""

    settings: Settings
    folder: Path
    group: str
    name: str
    stores: tuple[str, ...] = ("clickhouse",)
    process: subprocess.Popen[bytes] | None = None
    began_s: float = field(default_factory=clock.monotonic_s)

    def start(self, *script: str) -> SinkProcess:
        """Start it; `script` is step, action, nth and topic of tests/support/sink_main.py."""
        self.folder.mkdir(parents=True, exist_ok=True)
        module = ["sinks"] if not script else ["tests.support.sink_main", *script, str(self.folder)]
        # The folder is the project's root: nothing of the machine's own settings gets in.
        (self.folder / "tapeline.toml").touch()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_")}
        environ = kept | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TAPELINE_DATA__DIR": str(self.settings.data.dir),
            "TAPELINE_LOG__DIR": str(self.folder / "logs"),
            "TAPELINE_LOG__CONSOLE": "text",
            "TAPELINE_MONITOR__BATCH_INTERVAL_SEC": "0.1",
        }
        # Where there are two stores, each has its usual group.
        group = ["--group", self.group] if len(self.stores) == 1 else []
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *module, *self.stores, "--name", self.name, *group],
                cwd=self.folder,
                env=environ,
                stdout=said,
                stderr=said,
            )
        self.began_s = clock.monotonic_s()
        return self

    @property
    def reached(self) -> bool:
        """Whether the scripted moment has come."""
        return (self.folder / "reached").exists()

    async def took_over(self) -> None:
        """Wait until it has its partitions."""
        await eventually(lambda: "SINK_TOOK_OVER" in self.said(), within_s=BACK_WITHIN_S)

    async def comes_there(self) -> None:
        """Wait for the scripted moment."""
        await eventually(lambda: self.reached, within_s=30)

    def go(self) -> None:
        """Let a held process go on."""
        (self.folder / "go").touch()

    def said(self) -> str:
        """Return its log."""
        return (self.folder / "said").read_text("utf-8", "replace")

    async def died(self) -> int:
        """Wait for its end and return its exit code."""
        assert self.process is not None
        process = self.process
        await eventually(lambda: process.poll() is not None, within_s=40)
        return int(process.returncode)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def end(self) -> None:
        """Stop it in order."""
        self.send(signal.SIGTERM)
        assert await self.died() == 0, self.said()[-3000:]

    def kill(self) -> None:
        """End it whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def sinks(settings: Settings, folder: Path, *stores: str) -> Iterator[Sinks]:
    """Start sinks of one new group, of ClickHouse if not told otherwise; none of them outlives the block."""
    own = Sinks(settings, folder, f"test-{uuid.uuid4().hex}", stores or ("clickhouse",))
    try:
        yield own
    finally:
        for one in own.started:
            one.kill()


@dataclass(slots=True)
class Sinks:
    """The sinks of one group."""

    settings: Settings
    folder: Path
    group: str
    stores: tuple[str, ...] = ("clickhouse",)
    started: list[SinkProcess] = field(default_factory=list)

    async def from_here(self) -> Sinks:
        """Let the group begin behind all that is published already."""
        where = found(self.settings).kafka
        async with kafka.Reader.assigned(
            where, dict.fromkeys(BY_TOPIC, "end"), client_id="test", group=self.group
        ) as reader:
            await reader.commit(await reader.ends())
        return self

    async def joined(self) -> None:
        """Wait until a second member is there, or on its way in."""

        async def joining() -> bool:
            async with kafka.admin(found(self.settings).kafka) as admin:
                state, members = await admin.members(self.group)
            return state != "Stable" or len(members) > 1

        await eventually(joining, within_s=20)

    def start(self, name: str, *script: str) -> SinkProcess:
        """Start a sink under this name; see `SinkProcess.start`."""
        folder = self.folder / f"{name}-{len(self.started)}"
        one = SinkProcess(self.settings, folder, self.group, name, self.stores).start(*script)
        self.started.append(one)
        return one
