"""Writes the traceback of a failed command into the log, so that the terminal shows one sentence only."""

from __future__ import annotations

from tapeline.errors import TapelineError
from tapeline.runtime import clock, logs, settings
from tapeline.runtime.log_events import LogEvent

SERVICE = "cli"


def write(error: BaseException) -> str:
    """Log an error with its traceback and return the file that has it."""
    found = settings.load()
    logs.configure(SERVICE, found.log.model_copy(update={"console": "off"}), secrets=settings.secret_values(found))
    log = logs.get(__name__)
    if isinstance(error, TapelineError):  # what a person can mend is no error of ours: it stays out of error.log
        log.warning(LogEvent.PROCESS_REFUSED, reason=str(error), exc_info=error)
    else:
        log.error(LogEvent.PROCESS_CRASHED, exc_info=error)
    logs.shutdown()
    return str(found.log.dir / f"{SERVICE}_{clock.day(clock.now_us())}.log")
