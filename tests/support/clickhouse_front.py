"""The ClickHouse front as its own process for tests: started over a folder, asked until it answers, then ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from tapeline.runtime import clock
from tests.support.eventually import eventually

PASSWORD = "correct horse"
USER = "default"
_READY_S = 60.0
_STOPPED_S = 60.0


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class FrontProcess:
    """One process of the front; `folder` holds its data, its logs and what it said."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str | None = PASSWORD
    data: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> FrontProcess:
        """Start the process; it may not answer yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # The folder is the project's root: nothing of the machine's own settings gets in.
        (self.folder / "tapeline.toml").touch()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TAPELINE_")}
        environ["PYTHONPATH"] = str(Path(__file__).parents[2])
        if self.password is not None:
            environ["TAPELINE_CLICKHOUSE__PASSWORD"] = self.password
        data = self.data or self.folder / "data"
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.embedded.clickhouse", f"--port={self.port}", f"--data={data}"],
                cwd=self.folder,
                env=environ,
                stdout=said,
                stderr=said,
            )
        return self

    async def ready(self) -> float:
        """Wait until it answers and return how long that took."""
        began_s = clock.monotonic_s()
        assert await eventually(lambda: self.answers() or self.ended_early(), within_s=_READY_S)
        assert not self.ended_early(), self.said()
        return clock.monotonic_s() - began_s

    def answers(self) -> bool:
        """Tell whether it answers now."""
        try:
            return urllib3.request("GET", f"{self.url}/ping", timeout=1.0, retries=False).data == b"Ok.\n"
        except urllib3.exceptions.HTTPError:
            return False

    def ended_early(self) -> bool:
        """Tell whether the process has ended."""
        return self.process is None or self.process.poll() is not None

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """Return what it wrote to standard output and error."""
        return (self.folder / "said").read_text("utf-8")

    def ended(self) -> int:
        """Wait for its end and return the exit code."""
        assert self.process is not None
        return self.process.wait(_STOPPED_S)

    def kill(self) -> None:
        """End it as kill -9 does; nothing happens when it has ended."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(_STOPPED_S)

    def terminate(self) -> None:
        """Ask it to stop."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def front_process(folder: Path) -> Iterator[FrontProcess]:
    """Run the front while the block runs; it is ready when the block begins and gone when it ends."""
    front = FrontProcess(folder).start()
    try:
        asyncio.run(front.ready())
        yield front
    finally:
        front.kill()
