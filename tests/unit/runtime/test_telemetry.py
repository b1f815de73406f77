"""A process tells of itself: metrics, health, heartbeats, alerts; and never stops because of it (X-20, A-05)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tapeline.domain.events import Alert, Heartbeat
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import lifecycle, logs, metrics, telemetry
from tapeline.runtime.health import Health
from tapeline.runtime.settings import Log, Process
from tests.support.eventually import eventually


class Broker:
    """Keeps what is published; away while `reason` is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Heartbeat | Alert]] = []
        self.reason: BaseException | None = None
        self.hangs = False
        self.tries = 0

    async def publish(self, topic: str, key: str, value: Heartbeat | Alert) -> None:
        self.tries += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.reason is not None:
            raise self.reason
        self.sent.append((topic, key, value))

    def beats(self) -> list[Heartbeat]:
        return [value for _, _, value in self.sent if isinstance(value, Heartbeat)]


@asynccontextmanager
async def beating(broker: Broker, every_s: float = 0.01) -> AsyncIterator[telemetry.Pulse]:
    pulse = telemetry.Pulse(
        broker.publish, Health("sinks"), every_s=every_s, process="sinks-1", lag=lambda: {"md.book": 7}
    )
    async with lifecycle.background("pulse", pulse.run()):
        yield pulse


def more_than(count: int, broker: Broker) -> Callable[[], bool]:
    return lambda: len(broker.sent) > count


async def test_a_heartbeat_says_who_lives_and_how_it_does() -> None:
    broker = Broker()
    async with beating(broker):
        await eventually(more_than(2, broker))
    topic, key, first = broker.sent[0]
    assert (topic, key) == ("heartbeat", "sinks-1")
    assert isinstance(first, Heartbeat)
    assert (first.process, first.service, first.status, first.lag) == ("sinks-1", "sinks", "online", {"md.book": 7})
    assert (first.latency_us, first.interval_us) == (None, 10_000)
    assert first.started_us <= first.at_us
    second = broker.beats()[1]
    assert second.latency_us is not None
    assert 0 <= second.latency_us < 1_000_000
    assert second.at_us > first.at_us


async def test_its_last_words_at_the_stop_are_offline() -> None:
    broker = Broker()
    async with beating(broker):
        await eventually(more_than(0, broker))
    assert [beat.status for beat in broker.beats()][-2:] == ["online", "offline"]


@pytest.mark.parametrize("reason", [Unavailable("away"), ConnectionResetError(), TimeoutError()])
async def test_while_the_broker_is_away_it_goes_on_quietly(tmp_path: Path, reason: BaseException) -> None:
    """A-14: BUS_CONNECTED and its sisters, each once."""
    logs.configure("sinks", Log(dir=tmp_path))
    broker = Broker()
    async with beating(broker):
        await eventually(more_than(0, broker))
        broker.reason, seen = reason, broker.tries
        await eventually(lambda: broker.tries > seen + 3)
        broker.reason, seen = None, len(broker.sent)
        await eventually(more_than(seen + 1, broker))
    logs.shutdown()
    lines = [json.loads(line) for line in next(tmp_path.glob("sinks_2*.log")).read_text().splitlines()]
    said = [line["event"] for line in lines if line["event"].startswith("BUS")]
    assert said == ["BUS_CONNECTED", "BUS_DISCONNECTED", "BUS_RECONNECTED"]


async def test_a_publish_that_hangs_is_given_up_at_the_next_beat() -> None:
    broker = Broker()
    broker.hangs = True
    async with beating(broker):
        await eventually(lambda: broker.tries > 2)
        broker.hangs = False
        await eventually(more_than(0, broker))


async def test_a_bug_in_the_heartbeat_is_not_hidden() -> None:
    broker = Broker()
    broker.reason = KeyError("bug")
    with pytest.raises(ExceptionGroup) as caught:
        async with beating(broker):
            await asyncio.Event().wait()
    assert caught.group_contains(KeyError)


async def get(address: str, path: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}{path}") as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_metrics_and_health_are_served_on_loopback() -> None:
    health = Health("sinks")
    async with telemetry.serve(0, health) as address:
        assert address.startswith("127.0.0.1:")
        metrics.DEAD_LETTERS.inc(topic="telemetry")
        status, kind, text = await get(address, "/metrics")
        assert (status, kind) == (200, "text/plain")
        assert 'tapeline_dead_letters_total{topic="telemetry"} 1.0' in text
        health.waiting("kafka", "connection refused")
        status, kind, text = await get(address, "/health")
        report = json.loads(text)
        assert (status, kind) == (503, "application/json")
        assert (report["service"], report["state"]) == ("sinks", "waiting")
        assert report["waiting_for"] == {"kafka": "connection refused"}
        health.ready("kafka")
        assert json.loads((await get(address, "/health"))[2])["state"] == "starting"
        health.running()
        status, _, text = await get(address, "/health")
        assert (status, json.loads(text)["state"]) == (200, "ready")
    with pytest.raises(OSError, match="Cannot connect"):
        await get(address, "/health")


async def test_another_address_is_served_where_settings_say_so_and_a_wrong_one_is_told() -> None:
    async with telemetry.serving(Process(metrics_host="0.0.0.0"), Health("sinks")) as address:  # noqa: S104 - asked for
        host, _, port = address.partition(":")
        assert host == "0.0.0.0"  # noqa: S104 - as above
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 200
            assert 'tapeline_alerts_total{severity="critical"} ' in await answer.text()
    with pytest.raises(Misconfigured) as caught:
        async with telemetry.serving(Process(metrics_host="192.0.2.1"), Health("sinks")):
            pass
    assert str(caught.value) == (
        "process.metrics_host '192.0.2.1' is no address of this machine: set it to one, or to 127.0.0.1"
    )


async def test_how_far_behind_it_is_stands_in_the_metrics_too() -> None:
    broker = Broker()
    async with beating(broker):
        await eventually(more_than(0, broker))
    found = metrics.registry().get_sample_value("tapeline_lag_records", {"process": "sinks-1", "topic": "md.book"})
    assert found == 7


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured) as caught:
            async with telemetry.serve(port, Health("sinks")):
                pass
    said = f"process.metrics_port {port} cannot be used (Address already in use)"
    assert str(caught.value) == f"{said}: set it to a free port, or to 0 to take any"


async def test_an_alert_is_published_logged_and_counted(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    broker = Broker()
    before = metrics.registry().get_sample_value("tapeline_alerts_total", {"severity": "critical"}) or 0.0
    with logs.trace_operation("check", trace_id="t1"):
        raised = await telemetry.alert(
            broker.publish,
            "infra",
            "critical",
            "broker_restarted",
            "the broker at kafka://u:hunter2@h died",
            fix="read its log",
            context={"restarts": "3", "password": "hunter2"},
        )
    logs.shutdown()
    assert broker.sent == [("alert", "infra", raised)]
    assert (raised.severity, raised.code, raised.fix) == ("critical", "broker_restarted", "read its log")
    assert (raised.message, raised.trace_id) == ("the broker at kafka://u:***@h died", "t1")
    assert raised.context == {"restarts": "3", "password": "***"}
    assert metrics.registry().get_sample_value("tapeline_alerts_total", {"severity": "critical"}) == before + 1
    (line,) = [json.loads(line) for line in (tmp_path / "error.log").read_text().splitlines()]
    assert (line["event"], line["code"], line["level"]) == ("ALERT_RAISED", "broker_restarted", "error")


async def test_an_alert_that_cannot_be_sent_stands_in_the_log(tmp_path: Path) -> None:
    logs.configure("sinks", Log(dir=tmp_path))
    broker = Broker()
    broker.reason = Unavailable("away")
    raised = await telemetry.alert(broker.publish, "infra", "warning", "lag", "sinks lag")
    logs.shutdown()
    assert raised.code == "lag"
    lines = [json.loads(line) for line in next(tmp_path.glob("sinks_2*.log")).read_text().splitlines()]
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("ALERT_RAISED", None),
        ("ALERT_NOT_SENT", "Unavailable: away"),
    ]
