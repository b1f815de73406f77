"""kill -9 of registry and broker under load: every id that was answered stands for its schema ever after (X-09)."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tapeline.runtime.runfile import RunFile
from tapeline.runtime.settings import Settings
from tests.support.eventually import eventually, pause
from tests.support.guarded_kafka import Process
from tests.support.registry_process import RegistryProcess, broker_process, registry_process

CLIENTS = 6
KILLS = 4
ASKED_AGAIN_EACH = 5
ANSWERED_BETWEEN_KILLS = 40


def record(number: int) -> str:
    return f'{{"type":"record","name":"R{number}","fields":[]}}'


@dataclass(slots=True)
class Load:
    """Clients that register one schema after the other with whoever answers, and what they were told."""

    urls: tuple[str, ...]
    told: dict[str, set[int]] = field(default_factory=dict)
    answered: int = 0
    stop: bool = False

    async def run(self, name: str, numbers: Iterator[int]) -> None:
        """Register until told to stop; each schema goes to two subjects, so that answers could disagree."""
        choice = random.Random(name)  # noqa: S311 - which registry is asked, not a secret
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while not self.stop:
                # Clients overlap: a number is taken by some of them at the same time.
                number = next(numbers) // 2
                for subject in (f"s{number}", f"t{number}"):
                    await self._register(session, choice.choice(self.urls), subject, record(number))

    async def _register(self, session: aiohttp.ClientSession, url: str, subject: str, text: str) -> None:
        try:
            async with session.post(f"{url}/subjects/{subject}/versions", json={"schema": text}) as response:
                body = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError):
            # Killed in the middle: nothing was answered, nothing is promised.
            await pause()
            return
        if response.status == 503:
            assert (body["error_code"], response.headers["Retry-After"]) == (50001, "1")
            await pause()
            return
        assert response.status == 200, body
        self.told.setdefault(text, set()).add(body["id"])
        self.answered += 1


async def kept(url: str, told: dict[str, set[int]]) -> None:
    """Check that every id that was told is the only one of its schema, and is told again."""
    assert {text: ids for text, ids in told.items() if len(ids) != 1} == {}
    ids = {text: next(iter(found)) for text, found in told.items()}
    assert len(set(ids.values())) == len(ids)
    async with aiohttp.ClientSession() as session:
        for text, schema_id in ids.items():
            async with session.get(f"{url}/schemas/ids/{schema_id}") as response:
                assert (schema_id, await response.json(content_type=None)) == (schema_id, {"schema": text})
        for text, schema_id in itertools.islice(ids.items(), 0, None, ASKED_AGAIN_EACH):
            subject = f"s{text.partition('R')[2].partition(chr(34))[0]}"
            async with session.post(f"{url}/subjects/{subject}/versions", json={"schema": text}) as response:
                assert await response.json(content_type=None) == {"id": schema_id}


async def test_ids_survive_kills_at_any_moment_with_two_registries(tapeline_up: RunFile, tmp_path: Path) -> None:
    assert tapeline_up.addresses.kafka is not None
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    topic = f"_schemas-{tmp_path.name}"
    with (
        registry_process(folders[0], tapeline_up.addresses.kafka, topic) as first,
        registry_process(folders[1], tapeline_up.addresses.kafka, topic) as second,
    ):
        await asyncio.gather(first.ready(), second.ready())
        load = Load((first.url, second.url))
        numbers = itertools.count()
        async with asyncio.TaskGroup() as clients:
            for client in range(CLIENTS):
                clients.create_task(load.run(f"client {client}", numbers))
            for victim in itertools.islice(itertools.cycle((first, second)), KILLS):
                await answered_more(load, ANSWERED_BETWEEN_KILLS)
                victim.kill()
                victim.spawn()
            await answered_more(load, ANSWERED_BETWEEN_KILLS)
            load.stop = True
        await asyncio.gather(first.ready(), second.ready())
        await kept(first.url, load.told)
        await kept(second.url, load.told)
        with registry_process(folders[2], tapeline_up.addresses.kafka, topic) as third:
            await third.ready()
            await kept(third.url, load.told)
        assert (first.stop(), second.stop()) == (0, 0)


async def answered_more(load: Load, count: int) -> None:
    goal = load.answered + count
    await eventually(lambda: load.answered >= goal, within_s=30)


@pytest.fixture
def broker(tmp_path: Path, tapeline_settings: Settings, tapeline_up: RunFile) -> Iterator[tuple[str, Process]]:
    # `tapeline_up` has fetched the jars.
    assert tapeline_settings.data.cache_dir is not None
    with broker_process(tmp_path, tapeline_settings.data.cache_dir) as found:
        yield found


async def asked(url: str, method: str, path: str, body: object = None) -> tuple[int, Any, str | None]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url + path, json=body) as response,
    ):
        return response.status, await response.json(content_type=None), response.headers.get("Retry-After")


async def test_without_a_broker_no_answer_is_guessed_and_with_it_all_are_back(
    broker: tuple[str, Process], tmp_path: Path
) -> None:
    address, kafka = broker
    with registry_process(tmp_path, address) as process:
        await process.ready()
        assert await asked(process.url, "POST", "/subjects/s/versions", {"schema": record(1)}) == (200, {"id": 1}, None)
        kafka.kill()
        for method, path, body in (
            ("GET", "/subjects", None),
            ("GET", "/schemas/ids/2", None),
            ("POST", "/subjects/s/versions", {"schema": record(1)}),
        ):
            status, answer, retry_after = await asked(process.url, method, path, body)
            assert (status, answer["error_code"], retry_after) == (503, 50001, "1")
        assert await asked(process.url, "GET", "/schemas/ids/1") == (200, {"schema": record(1)}, None)
        await eventually(lambda: process.health() == 503)
        await asyncio.to_thread(kafka.start)
        await process.ready()
        assert await asked(process.url, "GET", "/subjects") == (200, ["s"], None)
        assert await asked(process.url, "POST", "/subjects/t/versions", {"schema": record(1)}) == (200, {"id": 1}, None)


async def test_ids_survive_kills_of_the_broker_under_load(broker: tuple[str, Process], tmp_path: Path) -> None:
    address, kafka = broker
    with registry_process(tmp_path, address) as process:
        await process.ready()
        load = Load((process.url,))
        numbers = itertools.count()
        async with asyncio.TaskGroup() as clients:
            for client in range(CLIENTS):
                clients.create_task(load.run(f"client {client}", numbers))
            for _ in range(2):
                await answered_more(load, ANSWERED_BETWEEN_KILLS)
                kafka.kill()
                await asyncio.to_thread(kafka.start)
            await answered_more(load, ANSWERED_BETWEEN_KILLS)
            load.stop = True
        await kept(process.url, load.told)
        process.kill()
        process.spawn()
        await process.ready()
        await kept(process.url, load.told)


async def test_it_waits_for_a_broker_that_comes_later(broker: tuple[str, Process], tmp_path: Path) -> None:
    address, kafka = broker
    kafka.kill()
    with registry_process(tmp_path, address) as process:
        await eventually(lambda: process.health() == 503)
        status, answer, retry_after = await asked(process.url, "GET", "/subjects")
        assert (status, answer["error_code"], retry_after) == (503, 50001, "1")
        await asyncio.to_thread(kafka.start)
        await process.ready()
        assert await asked(process.url, "GET", "/subjects") == (200, [], None)
        assert process.stop() == 0


async def test_a_stop_while_no_broker_is_there_is_orderly(broker: tuple[str, Process], tmp_path: Path) -> None:
    address, kafka = broker
    kafka.kill()
    with registry_process(tmp_path, address) as process:
        await eventually(lambda: process.health() == 503)
        assert process.stop() == 0


def test_a_port_that_is_taken_is_one_sentence(tapeline_up: RunFile, tmp_path: Path) -> None:
    assert tapeline_up.addresses.kafka is not None
    taken = str(tapeline_up.addresses.registry).rpartition(":")[2]
    process = RegistryProcess(tmp_path, tapeline_up.addresses.kafka, int(taken), "_schemas-taken")
    process.spawn()
    assert process.ended() == 2
    assert (tmp_path / "output.log").read_text("utf-8") == (
        f"registry: port {taken} of 127.0.0.1 cannot be used by the schema registry (Address already in use): "
        "set embedded.registry_port to a free port, or to 0 to take any\n"
    )
