"""What a process says about itself: `/metrics` and `/health` (on loopback, unless told), heartbeats, alerts.

Nothing here may stop a process: while the broker is away heartbeats are tried again quietly, and an alert that cannot
be sent stands in the log.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Final, Literal, get_args

import msgspec
from aiohttp import web

from tapeline.domain import events
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import clock, entropy, logs, metrics, redact
from tapeline.runtime.health import Health
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.settings import Process

LOOPBACK: Final = "127.0.0.1"
HEARTBEAT_TOPIC: Final = "heartbeat"
ALERT_TOPIC: Final = "alert"

Publish = Callable[[str, str, events.Heartbeat | events.Alert], Awaitable[object]]
"""Sends a value to a topic under a key and returns when the broker has it; raises Unavailable when it does not."""

Severity = Literal["critical", "warning", "info"]

_AWAY = (Unavailable, OSError, TimeoutError)
_ALERT_TIMEOUT_S = 5.0
_LAST_WORDS_S = 1.0
_US_PER_S = 1_000_000
_OK = 200
_NOT_READY = 503


def serving(process: Process, health: Health) -> AbstractAsyncContextManager[str]:
    """Serve `/metrics` and `/health` where settings say."""
    return serve(process.metrics_port, health, host=process.metrics_host)


@asynccontextmanager
async def serve(port: int, health: Health, *, host: str = LOOPBACK) -> AsyncIterator[str]:
    """Serve `/metrics` and `/health` and yield the address `<host>:<port>`; port 0 takes a free one.

    `/health` answers 200 when the process is ready and 503 otherwise, with the report that says what it waits for.
    """
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise Misconfigured(
                f"process.metrics_host {host!r} is no address of this machine", fix="set it to one, or to 127.0.0.1"
            ) from error
        raise Misconfigured(
            f"process.metrics_port {port} cannot be used ({os.strerror(error.errno or 0)})",
            fix="set it to a free port, or to 0 to take any",
        ) from error
    for severity in get_args(Severity):
        # What was never raised is 0 and not absent, so that a rule sees the first alert.
        metrics.ALERTS.bind(severity=severity)

    async def show_metrics(request: web.Request) -> web.Response:
        del request
        return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def show_health(request: web.Request) -> web.Response:
        del request
        report = health.report()
        status = _OK if report.state == "ready" else _NOT_READY
        return web.Response(body=msgspec.json.encode(report), status=status, content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/metrics", show_metrics), web.get("/health", show_health)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_WORDS_S)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
        address = f"{host}:{listener.getsockname()[1]}"
        logs.get(__name__).info(LogEvent.TELEMETRY_SERVING, address=address)
        yield address
    finally:
        await runner.cleanup()
        listener.close()


def no_lag() -> Mapping[str, int]:
    """Return the lag of a process that reads no topic."""
    return {}


class Pulse:
    """Publishes a heartbeat every few seconds for as long as the process lives, and last words at its stop (A-05).

    `_ = life.spawn("heartbeat", pulse.run())`, after the part that publishes, so that it stops before that.
    """

    def __init__(
        self,
        publish: Publish,
        health: Health,
        *,
        every_s: float,
        process: str | None = None,
        lag: Callable[[], Mapping[str, int]] = no_lag,
    ) -> None:
        """Take where to publish, whose health to tell, how often; `process` is the unique name (default: the service).

        `lag` returns the records not yet read, by topic.
        """
        self._publish = publish
        self._health = health
        self._every_s = every_s
        self._process = process or health.service
        self._lag = lag
        self._latency_us: int | None = None
        self._heard: bool | None = None
        self._host = socket.gethostname()
        self._version = version("tapeline")

    async def run(self) -> None:
        """Beat until cancelled."""
        due_s = clock.monotonic_s()
        try:
            while True:
                await self._beat()
                # From the schedule, not from now, so that a slow broker does not stretch the interval.
                due_s = max(due_s + self._every_s, clock.monotonic_s())
                await asyncio.sleep(due_s - clock.monotonic_s())
        finally:
            await self._last_words()

    def beat(self, status: Literal["online", "offline"]) -> events.Heartbeat:
        """Return the heartbeat of now."""
        return events.Heartbeat(
            process=self._process,
            service=self._health.service,
            status=status,
            latency_us=self._latency_us,
            lag=self._measured(),
            version=self._version,
            pid=os.getpid(),
            host=self._host,
            started_us=self._health.started_us,
            interval_us=round(self._every_s * _US_PER_S),
            at_us=clock.now_us(),
        )

    def _measured(self) -> dict[str, int]:
        """Return how far behind the process is, having brought it into the metrics."""
        found = dict(self._lag())
        for topic, count in found.items():
            metrics.LAG.set(count, process=self._process, topic=topic)
        return found

    async def _beat(self) -> None:
        began_s = clock.monotonic_s()
        record = self.beat("online")
        try:
            async with asyncio.timeout(self._every_s):
                await self._publish(HEARTBEAT_TOPIC, record.key, record)
        except _AWAY as error:
            metrics.HEARTBEATS.inc(outcome="failed")
            self._silent(error)
            return
        took_s = clock.monotonic_s() - began_s
        self._latency_us = round(took_s * _US_PER_S)
        metrics.HEARTBEATS.inc(outcome="sent")
        metrics.HEARTBEAT_LATENCY_S.set(took_s)
        if not self._heard:
            event = LogEvent.BUS_CONNECTED if self._heard is None else LogEvent.BUS_RECONNECTED
            self._heard = True
            logs.get(__name__).info(event, process=self._process, latency_us=self._latency_us)

    def _silent(self, error: BaseException) -> None:
        """Say once, not every few seconds, that nobody hears us."""
        if self._heard is not False:
            logs.get(__name__).warning(LogEvent.BUS_DISCONNECTED, process=self._process, reason=repr(error))
        self._heard = False

    async def _last_words(self) -> None:
        record = self.beat("offline")
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._publish(HEARTBEAT_TOPIC, record.key, record)
        except _AWAY:
            metrics.HEARTBEATS.inc(outcome="failed")


async def alert(
    publish: Publish,
    process: str,
    severity: Severity,
    code: str,
    message: str,
    *,
    fix: str | None = None,
    context: Mapping[str, str] | None = None,
) -> events.Alert:
    """Tell a person: log it, count it, publish it; returns the alert, also when it could not be published.

    `code` is the machine-readable kind (`broker_restarted`), `message` one sentence, `fix` what a person can do.
    """
    raised = events.Alert(
        alert_id=entropy.new_id(),
        severity=severity,
        code=code,
        message=redact.text(message),
        fix=fix,
        context={name: redact.HIDDEN if redact.is_secret_name(name) else redact.text(v) for name, v in _pairs(context)},
        process=process,
        host=socket.gethostname(),
        trace_id=logs.current_trace_id(),
        at_us=clock.now_us(),
    )
    log = logs.get(__name__)
    metrics.ALERTS.inc(severity=severity)
    said = {"critical": log.error, "warning": log.warning, "info": log.info}[severity]
    said(LogEvent.ALERT_RAISED, code=code, message=raised.message, fix=fix, context=raised.context)
    try:
        async with asyncio.timeout(_ALERT_TIMEOUT_S):
            await publish(ALERT_TOPIC, raised.key, raised)
    except _AWAY as error:
        reason = f"{type(error).__name__}: {error}"
        log.warning(LogEvent.ALERT_NOT_SENT, alert_id=raised.alert_id, reason=reason)
    return raised


def _pairs(context: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return list((context or {}).items())
