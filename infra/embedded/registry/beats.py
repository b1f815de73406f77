"""Heartbeats of the registry itself: encoded with the ids that it keeps, once it keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from infra.embedded.registry.state import State
from schemas import topics
from tapeline.domain.events import Alert, Heartbeat
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tapeline.runtime.telemetry import Publish


def ids_of(state: State) -> Mapping[str, int]:
    """Return the id of the newest living version of each subject."""
    return {name: subject.live[-1].id for name, subject in state.subjects.items() if subject.live}


def publisher_of(publisher: Publisher, state: Callable[[], State]) -> Publish:
    """Return what telemetry publishes with; Unavailable until the topic and its schema are there."""
    codecs: dict[int, Codec] = {}

    async def publish(name: str, key: str, value: Heartbeat | Alert) -> None:
        topic, ids = topics.by_name(name), ids_of(state())
        schema_id = ids.get(topic.subject)
        if schema_id is None:
            raise Unavailable(f"the schema of {name} is not registered yet")
        if schema_id not in codecs:
            codecs[schema_id] = Codec({topic.subject: schema_id})
        try:
            await publisher.publish(name, key, codecs[schema_id].encode(topic, value))
        except Misconfigured as error:
            # Topics are made by `tapeline up` after this process has started.
            raise Unavailable(str(error)) from error

    return publish
