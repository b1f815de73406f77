"""Tells people what happened to the children: the log at once, an alert as soon as the broker takes one."""

from __future__ import annotations

import asyncio

from infra.embedded.child import Change
from tapeline.runtime import logs, telemetry
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.telemetry import Publish

_MOST_WAITING = 1000


class Alarms:
    """Remembers what a person must see until the broker has it."""

    def __init__(self, process: str) -> None:
        """Speak in the name of this process."""
        self._process = process
        self._waiting: asyncio.Queue[Change] = asyncio.Queue(_MOST_WAITING)

    def note(self, change: Change) -> None:
        """Log a change, and keep it for an alert where a person must see it."""
        log_change(change)
        if worth_an_alert(change) and not self._waiting.full():
            self._waiting.put_nowait(change)

    async def run(self, publish: Publish) -> None:
        """Send the alerts, one after the other, until cancelled."""
        while True:
            change = await self._waiting.get()
            severity, code, message = words(change)
            fix = f"read {change.record.log}"
            context = {"child": change.record.name, "restarts": str(change.record.restarts)}
            await telemetry.alert(publish, self._process, severity, code, message, fix=fix, context=context)


def worth_an_alert(change: Change) -> bool:
    """Tell whether a person must see it: a death when it is healed (or cannot be soon), a silence, its end."""
    match change.event:
        case "answered":
            return change.record.restarts > 0
        case "died":
            return change.delay_s > 0
        case "silent" | "answers_again":
            return True
        case _:
            return False


def words(change: Change) -> tuple[telemetry.Severity, str, str]:
    """Return severity, code and sentence of an alert."""
    name, detail = change.record.name, change.record.detail
    match change.event:
        case "answered":
            return "warning", "service_restarted", f"{name} had died and answers again"
        case "died":
            return "critical", "service_keeps_dying", f"{name} keeps dying ({detail}); next try in {change.delay_s:g} s"
        case "silent":
            return "critical", "service_silent", f"{name}: {detail}"
        case _:
            return "info", "service_answers", f"{name} answers again"


def log_change(change: Change) -> None:
    """Write one line about a change."""
    log, record = logs.get(__name__), change.record
    match change.event:
        case "spawned":
            log.info(LogEvent.CHILD_STARTED, child=record.name, child_pid=record.pid, restarts=record.restarts)
        case "answered":
            event = LogEvent.CHILD_RESTARTED if record.restarts else LogEvent.CHILD_READY
            log.info(event, child=record.name, child_pid=record.pid, restarts=record.restarts)
        case "died":
            log.error(LogEvent.CHILD_DIED, child=record.name, reason=record.detail, next_try_s=change.delay_s)
        case "gave_up":
            log.error(LogEvent.CHILD_FAILED, child=record.name, reason=record.detail)
        case "stopped":
            log.info(LogEvent.CHILD_STOPPED if record.detail is None else LogEvent.CHILD_KILLED, child=record.name)
        case "silent":
            log.error(LogEvent.DEPENDENCY_LOST, dependency=record.name, reason=record.detail)
        case "answers_again":
            log.info(LogEvent.DEPENDENCY_READY, dependency=record.name)
