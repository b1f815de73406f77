"""What a process waits for, kept as a value that `/health`, heartbeats and `status` read; it never judges by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from tapeline.runtime import clock, metrics, redact

State = Literal["starting", "ready", "waiting", "stopping"]


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """One reading: `ready` means every part is started and every dependency answers."""

    service: str
    state: State
    started_us: int
    uptime_s: float
    waiting_for: dict[str, str]
    parts: tuple[str, ...]


@dataclass(slots=True)
class Health:
    """The mutable state behind the report; one per process, changed by lifecycle and by whoever reconnects."""

    service: str
    started_us: int = field(default_factory=clock.now_us)
    _began_s: float = field(default_factory=clock.monotonic_s)
    _phase: Literal["starting", "running", "stopping"] = "starting"
    _waiting: dict[str, str] = field(default_factory=dict)
    _parts: list[str] = field(default_factory=list)

    def waiting(self, dependency: str, reason: str) -> None:
        """Say that `dependency` is away, and why."""
        self._waiting[dependency] = redact.text(reason)
        metrics.DEPENDENCY_UP.set(0, dependency=dependency)
        self._publish()

    def ready(self, dependency: str) -> None:
        """Say that `dependency` answers."""
        self._waiting.pop(dependency, None)
        metrics.DEPENDENCY_UP.set(1, dependency=dependency)
        self._publish()

    def part_started(self, name: str) -> None:
        """Add a part that has started."""
        self._parts.append(name)
        self._publish()

    def part_stopped(self, name: str) -> None:
        """Take away a part that has stopped."""
        self._parts.remove(name)
        self._publish()

    def running(self) -> None:
        """Say that the start is complete."""
        self._phase = "running"
        self._publish()

    def stopping(self) -> None:
        """Say that the process stops."""
        self._phase = "stopping"
        self._publish()

    @property
    def state(self) -> State:
        """The one word: stopping wins, then what is waited for, then the start."""
        if self._phase == "stopping":
            return "stopping"
        if self._waiting:
            return "waiting"
        return "ready" if self._phase == "running" else "starting"

    def report(self) -> HealthReport:
        """Return the reading of now."""
        return HealthReport(
            service=self.service,
            state=self.state,
            started_us=self.started_us,
            uptime_s=round(clock.monotonic_s() - self._began_s, 3),
            waiting_for=dict(self._waiting),
            parts=tuple(self._parts),
        )

    def _publish(self) -> None:
        metrics.PROCESS_READY.set(1 if self.state == "ready" else 0)
        metrics.PARTS.set(len(self._parts))
