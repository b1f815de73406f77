"""`faust -A processors.spreads worker -l info`: the app for Faust's own command, and its errors in one sentence.

Faust's command takes an `app` from the module and would show a traceback for every mistake in settings. The exit codes
are those of every process of ours: 2 when a person must act, 3 when a dependency stayed away, 1 for a crash.
"""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any, NoReturn

import faust

from processors import member
from processors.agent import Agent
from processors.running import MEMBERS, plan_for, service_of, told
from processors.worker import Worker
from tapeline.errors import TapelineError
from tapeline.runtime import logs
from tapeline.runtime.endpoints import resolve
from tapeline.runtime.health import Health
from tapeline.runtime.lifecycle import exit_code
from tapeline.runtime.settings import Settings, load, secret_values

Agents = Callable[[Settings], tuple[Agent[Any], ...]]


def app_of(group: str, agents: Agents) -> Callable[[str], object]:
    """Return a module's `__getattr__`: it makes the module's `app` when asked for it, once."""

    @cache
    def made() -> Worker:
        try:
            settings = load(service=service_of((group,)))
            endpoints = resolve(settings)
            # Held until the process ends, however it ends.
            held = ExitStack()
            name = held.enter_context(member.claimed(settings.data.dir / MEMBERS, group))
            worker = _CommandWorker(plan_for(settings, endpoints, group, name, agents(settings), Health(group)))
        except TapelineError as error:
            refuse(group, error)
        worker.held = held
        worker.settings = settings
        return worker

    def attribute(name: str) -> object:
        if name == "app":
            return made()
        raise AttributeError(name)

    return attribute


def refuse(group: str, error: BaseException) -> NoReturn:
    """End the process with one sentence on standard error."""
    sys.stderr.write(f"{group}: {told(error)}\n")
    raise SystemExit(exit_code(error))


class _CommandWorker(Worker):
    """The app as Faust's command runs it."""

    held: ExitStack
    settings: Settings

    def worker_init(self) -> None:
        """Give Faust's command our worker, which ends with a sentence instead of a traceback."""
        super().worker_init()
        self.conf.Worker = OneSentence  # type: ignore[assignment] # a setting, which Faust types as the class


class OneSentence(faust.Worker):
    """Faust's worker for the command line, which also writes our own log files."""

    failure: TapelineError | None = None

    async def start(self) -> None:
        """Start and run; what a person or a dependency must mend ends the run without a traceback."""
        try:
            await super().start()
        except TapelineError as error:
            self.failure = error

    def execute_from_commandline(self) -> NoReturn:
        """Run until stopped; say in one sentence what a person must know."""
        try:
            super().execute_from_commandline()
        except SystemExit:
            failure = self.failure or self.crash_reason
            if failure is not None:
                refuse(self.app.conf.id, failure)
            raise

    def _setup_logging(self) -> None:
        super()._setup_logging()
        for handler in logging.getLogger().handlers:
            handler.setFormatter(_Readable(handler.formatter or logging.Formatter()))
        app = self.app
        if isinstance(app, _CommandWorker):
            level = logging.getLogger().level
            logs.configure(app.plan.group, app.settings.log, secrets=secret_values(app.settings))
            # What Faust's option `-l` asked for holds for standard error.
            logging.getLogger().setLevel(level)


class _Readable(logging.Formatter):
    """Writes our own events as a line for people; ours are dicts, which the files want as they are."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        if not isinstance(record.msg, dict):
            return self._inner.format(record)
        shown = copy.copy(record)
        fields = dict(record.msg)
        event = fields.pop("event", "")
        shown.msg = f"{event} " + " ".join(f"{name}={value}" for name, value in fields.items() if name != "exc_info")
        shown.args = ()
        return self._inner.format(shown)
