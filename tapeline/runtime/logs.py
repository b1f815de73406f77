"""Log lines as JSON, one event each, into the files of X-03; secrets never reach them and a full disk never kills.

Files in the log folder: `<service>_YYYYMMDD.log` has all, `<service>_errors_YYYYMMDD.log` and the shared `error.log`
have errors, the shared `trade.log` has events of the category trade. `configure` is called once per process, by
lifecycle; before that a logger says nothing.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Literal, TextIO

import msgspec
import structlog

from tapeline.errors import Misconfigured
from tapeline.runtime import clock, log_files, metrics, redact
from tapeline.runtime.log_events import LogEvent
from tapeline.runtime.log_files import LogFile
from tapeline.runtime.log_repeats import OURS, Repeats
from tapeline.runtime.settings import Log
from tapeline.runtime.tracing import current_trace_id, trace_operation, with_trace

__all__ = ["Entry", "configure", "current_trace_id", "get", "hide", "shutdown", "trace_operation", "with_trace"]

_ROOT = OURS
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_WORDS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error"}
_MEGABYTE = 1024 * 1024
_PROBE = b"\0" * 4096
_FIRST = ("timestamp", "level", "service", "event", "trace_id")
_secrets: set[str] = set()

Entry = dict[str, object]
"""One line before it is encoded."""


def configure(service: str, settings: Log, *, secrets: Iterable[str] = ()) -> None:
    """Open the log files of this process and, by `log.console`, standard error; a second call replaces the first.

    `secrets` are values that must never be written, wherever they turn up. Raises Misconfigured when the folder cannot
    be written.
    """
    shutdown()
    hide(*secrets)
    files = _Files(service, settings)
    files.open()
    handlers: list[logging.Handler] = [files]
    if settings.console != "off":
        handlers.append(_Console(service, settings.console, sys.stderr))
    level = _LEVELS[settings.level]
    root = logging.getLogger()
    for handler in handlers:
        handler.addFilter(Repeats())
        root.addHandler(handler)
    # Libraries are heard from warnings on: their debug lines would drown ours and may hold secrets.
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(_ROOT).setLevel(level)


def shutdown() -> None:
    """Close the log files; loggers say nothing from here on."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Files | _Console):
            root.removeHandler(handler)
            handler.close()
    _secrets.clear()


def hide(*values: str) -> None:
    """Never write these secret values from now on, wherever they turn up."""
    _secrets.update(value for value in values if value)


def get(name: str = _ROOT) -> structlog.stdlib.BoundLogger:
    """Return a logger; `logs.get(__name__).info(LogEvent.TOPIC_CREATED, topic="md.book")`."""
    ours = logging.getLogger(name if name.partition(".")[0] == _ROOT else f"{_ROOT}.{name}")
    quiet = logging.getLogger(_ROOT)
    if not quiet.handlers:
        # Without it, Python itself prints warnings of a process that has not called `configure` (a command, a test).
        quiet.addHandler(logging.NullHandler())
    return structlog.stdlib.BoundLogger(
        ours,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        context={},
    )


class _Lines:
    """Turns a record of the standard library, ours or a library's, into the entry of one line."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._pid = os.getpid()
        self._tracebacks = logging.Formatter()

    def entry(self, record: logging.LogRecord) -> Entry:
        ours = isinstance(record.msg, dict)
        fields: MutableMapping[str, object] = dict(record.msg) if isinstance(record.msg, dict) else {}
        event = fields.pop("event", None) if ours else record.getMessage()
        line: Entry = {
            "timestamp": clock.iso(clock.now_us()),
            "level": _WORDS.get(record.levelno, record.levelname.lower()),
            "service": self._service,
            "event": redact.text(str(event), _secrets),
            "trace_id": fields.pop("trace_id", None),
            "pid": self._pid,
            "logger": record.name,
        }
        if (repeated := getattr(record, "repeated", 0)) > 0:
            fields["repeated"] = repeated
        failure = _failure(record, fields.pop("exc_info", None))
        if failure is not None:
            fields["exception"] = self._tracebacks.formatException(failure)
        if isinstance(event, LogEvent) and event.category:
            fields.setdefault("category", event.category)
        for name, value in redact.fields(fields, _secrets).items():
            line[f"{name}_" if name in line else name] = value
        return line


class _Files(logging.Handler):
    """Writes each line into the files it belongs to; a line that cannot be written is counted, and said later."""

    def __init__(self, service: str, settings: Log) -> None:
        super().__init__()
        self._lines = _Lines(service)
        self._folder = settings.dir
        self._keep_days = settings.keep_days
        limit = settings.max_mb * _MEGABYTE
        self._all = LogFile(settings.dir, service, daily=True, max_bytes=limit)
        self._errors = LogFile(settings.dir, f"{service}_errors", daily=True, max_bytes=limit)
        self._shared_errors = LogFile(settings.dir, "error", daily=False, max_bytes=limit)
        self._trades = LogFile(settings.dir, "trade", daily=False, max_bytes=limit)
        self._pruned = ""
        self._lost = 0

    def open(self) -> None:
        now_us = clock.now_us()
        try:
            for file in (self._all, self._errors, self._shared_errors, self._trades):
                file.open(now_us)
            _probe(self._folder)
        except OSError as error:
            self.close()
            raise Misconfigured(
                f"log.dir {str(self._folder)!r} cannot be written ({error.strerror or error})",
                fix="free some space there, or set log.dir to a folder that this user may write",
            ) from error
        self._prune(now_us)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            entry = self._lines.entry(record)
            line = msgspec.json.encode(entry) + b"\n"
        except Exception:  # noqa: BLE001 - a value whose repr fails must not kill the process that logs it
            self._lose("unreadable")
            return
        self._write(self._all, line)
        if record.levelno >= logging.ERROR:
            self._write(self._errors, line)
            self._write(self._shared_errors, line)
        if entry.get("category") == "trade":
            self._write(self._trades, line)

    def close(self) -> None:
        for file in (self._all, self._errors, self._shared_errors, self._trades):
            file.close()
        super().close()

    def _write(self, file: LogFile, line: bytes) -> None:
        now_us = clock.now_us()
        try:
            file.write(line, now_us)
        except OSError:
            self._lose(file.stem)
            return
        if file is not self._all:
            return
        self._prune(now_us)
        if self._lost:
            lost, self._lost = self._lost, 0
            get(__name__).warning(LogEvent.LOG_LINES_LOST, lines=lost)

    def _lose(self, file: str) -> None:
        metrics.LOG_LINES_LOST.inc(file=file)
        self._lost += 1

    def _prune(self, now_us: int) -> None:
        today = clock.day(now_us)
        if today != self._pruned:
            self._pruned = today
            log_files.prune(self._folder, self._keep_days, now_us)


class _Console(logging.StreamHandler[TextIO]):
    """Also shows each line on standard error, as JSON or as text for people."""

    def __init__(self, service: str, style: Literal["json", "text"], stream: TextIO) -> None:
        super().__init__(stream)
        self._lines = _Lines(service)
        self._text = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), event_key="event", timestamp_key="timestamp", sort_keys=False
        )
        self._style = style

    def format(self, record: logging.LogRecord) -> str:
        entry = self._lines.entry(record)
        if self._style == "json":
            return msgspec.json.encode(entry).decode()
        shown = {name: value for name, value in entry.items() if value is not None and name not in {"pid", "service"}}
        return str(self._text(None, "", shown))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the standard library's
        """Count a line that standard error did not take (its reader is gone); the files have it."""
        del record
        metrics.LOG_LINES_LOST.inc(file="console")


def _failure(record: logging.LogRecord, asked: object) -> logging._SysExcInfoType | None:
    """Return the exception of a record: structlog hands it on in the fields, libraries in the record."""
    if isinstance(asked, BaseException):
        return (type(asked), asked, asked.__traceback__)
    if asked:
        found = sys.exc_info()
        return found if found[0] is not None else None
    return record.exc_info if record.exc_info and record.exc_info[0] is not None else None


def _probe(folder: Path) -> None:
    """Write a page of bytes and take it away again: a full disk opens files and refuses the first line."""
    path = folder / f".probe-{os.getpid()}"
    try:
        path.write_bytes(_PROBE)
    finally:
        path.unlink(missing_ok=True)
