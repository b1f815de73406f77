"""Health says in one word how a process does, and what it waits for (X-20)."""

from __future__ import annotations

from collections.abc import Callable

from tapeline.runtime import metrics
from tapeline.runtime.health import Health


def ready_metric() -> float | None:
    return metrics.registry().get_sample_value("tapeline_process_ready")


def test_a_start_a_wait_and_a_stop() -> None:
    health = Health("sinks")
    seen = [(health.state, ready_metric())]
    changes: tuple[Callable[[], None], ...] = (
        lambda: health.part_started("kafka"),
        health.running,
        lambda: health.waiting("kafka", "refused"),
        lambda: health.ready("kafka"),
        lambda: health.ready("kafka"),
        health.stopping,
        lambda: health.waiting("kafka", "refused"),
    )
    for change in changes:
        change()
        seen.append((health.state, ready_metric()))
    assert [state for state, _ in seen] == [
        "starting", "starting", "ready", "waiting", "ready", "ready", "stopping", "stopping",
    ]  # fmt: skip
    assert [value for _, value in seen[1:]] == [0, 1, 0, 1, 1, 0, 0]


def test_the_report_names_parts_and_reasons_without_secrets() -> None:
    health = Health("sinks")
    health.part_started("telemetry")
    health.part_started("kafka")
    health.part_stopped("telemetry")
    health.waiting("postgres", "postgres://u:hunter2@db refused")
    report = health.report()
    assert (report.service, report.state, report.parts) == ("sinks", "waiting", ("kafka",))
    assert report.waiting_for == {"postgres": "postgres://u:***@db refused"}
    assert report.uptime_s >= 0
