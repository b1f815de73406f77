"""`tapeline prepare` makes in running services what is missing, and says in one sentence when there are none (X-22)."""

from __future__ import annotations

from schemas.topics import TOPICS
from tapeline.runtime.kafka import admin
from tests.journeys.command import Tapeline
from tests.journeys.conftest import Up

TOPIC = "audit"


async def test_what_is_missing_is_made_and_again_nothing_changes(up: Up) -> None:
    async with admin(up.endpoints.kafka) as broker:
        await broker.delete(TOPIC)
    for _ in range(2):
        answer = up.tapeline.json("prepare")
        assert (answer["prepared"], answer["schemas"]) == (True, len(TOPICS))
        listed = up.tapeline.json("topics", "ls")
        assert TOPIC in {one["name"] for one in listed["topics"]}


def test_without_services_it_says_which_is_missing(stopped: Tapeline) -> None:
    answer = stopped.run("prepare")
    assert (answer.code, answer.stdout) == (2, "")
    assert "Kafka is not running: run `tapeline up` or set kafka.bootstrap" in answer.stderr
