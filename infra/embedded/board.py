"""The run file and the one hand that writes it: it says what is true now, and is gone when nothing runs any more."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version

import msgspec
import psutil

from tapeline.runtime import clock, runfile
from tapeline.runtime.runfile import Addresses, Brokers, ProcessRecord, RunFile, Secrets
from tapeline.runtime.settings import Settings


class Board:
    """Keeps the run file of one run true."""

    def __init__(
        self, settings: Settings, name: str, *, addresses: Addresses, secrets: Secrets, metrics: str | None
    ) -> None:
        """Write the first run file: addresses are known before anything answers there."""
        self._folder = settings.data.dir
        now_us = clock.now_us()
        supervisor = ProcessRecord(
            name=name,
            state="starting",
            pid=os.getpid(),
            created_s=psutil.Process().create_time(),
            started_us=now_us,
            metrics=metrics,
        )
        self.run = RunFile(
            version=version("tapeline"),
            data_dir=str(settings.data.dir),
            log_dir=str(settings.log.dir),
            started_us=now_us,
            supervisor=supervisor,
            addresses=addresses,
            secrets=secrets,
        )
        runfile.write(self._folder, self.run)

    def put(self, record: ProcessRecord) -> None:
        """Say how a process is."""
        self._write(processes=self.run.processes | {record.name: record})

    def knows(self, schema_ids: Mapping[str, int]) -> None:
        """Tell the ids of the schemas, which workers want at their start."""
        self._write(schema_ids=dict(schema_ids))

    def counted(self, brokers: Brokers) -> None:
        """Say how the brokers of a cluster keep what they were given."""
        if brokers != self.run.brokers:
            self._write(brokers=brokers)

    def ready(self) -> None:
        """Say that everything answers and is set up."""
        supervisor = msgspec.structs.replace(self.run.supervisor, state="running")
        self._write(ready=True, supervisor=supervisor)

    def remove(self) -> None:
        """Forget the run: nothing of it is left."""
        runfile.remove(self._folder)

    def _write(self, **changes: object) -> None:
        self.run = msgspec.structs.replace(self.run, **changes)
        runfile.write(self._folder, self.run)
