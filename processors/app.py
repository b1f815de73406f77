"""The Faust app under every worker: all rules for Faust stand here, once.

At least once, one stream per agent, our own transport, nothing declared, no web server, no tables, no discovery, never
pickle. A batch counts as processed when its agent says so, never because its code was left: so a crash loses nothing.
An agent's crash is the worker's crash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import faust
from faust.app import BootStrategy
from mode import CrashingSupervisor
from yarl import URL

from processors.transport import Batch, BatchConsumer, BatchTransport, credentials
from tapeline.runtime import log_repeats

if TYPE_CHECKING:
    from faust.types import AppT
    from faust.types.transports import ConsumerT, TransportT

    from processors.agent import Begin
    from tapeline.runtime.endpoints import KafkaEndpoint

Turn = Callable[[Batch], Awaitable[None]]
"""Takes a batch in; it, or what it started, acknowledges it."""

_MS = 1_000
_COMMIT_EVERY_S = 1.0
_RECORDS_AT_ONCE = 1_000
_FETCH_BYTES = 1024 * 1024


class AsItIs(faust.Schema[None, Batch]):
    """A batch is no message to be deserialized: it goes to the agent as it is."""

    def compile(self, app: AppT, **_: object) -> Any:  # noqa: ANN401 - Faust's own type of a decoder is private
        """Return the decoder that Faust calls for each event."""
        create = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ANN401 - as above
            del propagate
            return create(None, message.value, {}, message)

        return decode


class Boot(BootStrategy):
    """Starts what a worker of ours needs; `faust worker` would start a web server whatever the settings say."""

    enable_web = False


class BatchApp(faust.App):
    """A Faust app that hands whole batches to its agents; `take` registers one."""

    BootStrategy = Boot

    def __init__(self, group: str, *, member: str, kafka: KafkaEndpoint, begin: Begin = "beginning") -> None:
        """Set all of Faust's options; nothing is opened before the start.

        `member` is the fixed name in the group; `begin` is where a group starts that has committed nothing.
        """
        super().__init__(group, autodiscover=False, **_options(member, kafka, begin))
        self.group = group
        self._warm_up_ms: dict[str, int] = {}
        self._rebuilt: frozenset[str] = frozenset()

    def take(
        self,
        name: str,
        topics: Iterable[str],
        turn: Turn,
        *,
        warm_up_s: float = 0.0,
        rebuilt: frozenset[str] = frozenset(),
    ) -> None:
        """Register an agent: `turn` gets every batch of these topics, one at a time.

        With `warm_up_s` the batches begin so long before the committed offset, marked as replayed. Topics in `rebuilt`
        begin at their beginning, and the others wait until these are read to the end that they had at assignment.
        """

        async def run(stream: Any) -> None:  # noqa: ANN401 - Faust's interface of a stream lacks `noack`
            async for batch in stream.noack():
                await turn(batch)

        read = tuple(topics)
        for topic in read:
            self._warm_up_ms[topic] = max(self._warm_up_ms.get(topic, 0), round(warm_up_s * _MS))
        self._rebuilt |= rebuilt
        self.agent(self.topic(*read, schema=AsItIs()), name=f"{self.group}.{name}", concurrency=1)(run)

    @property
    def batches(self) -> BatchConsumer:
        """Return the consumer of this app, with its own type."""
        return cast("BatchConsumer", self.consumer)

    async def on_start(self) -> None:
        """Quieten what the libraries say again and again."""
        self.add_context(log_repeats.quieted())
        await super().on_start()

    def _new_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_producer, self)

    def _new_consumer(self) -> ConsumerT:
        made = cast("BatchConsumer", super()._new_consumer())
        made.batched = frozenset(self._warm_up_ms)
        made.warm_up_ms = self._warm_up_ms
        made.rebuilt = self._rebuilt
        return made

    def _create_directories(self) -> None:
        """Make none: they are for tables, and there are no tables."""


def _options(member: str, kafka: KafkaEndpoint, begin: Begin) -> dict[str, Any]:
    """Return Faust's settings: the rules of a worker of ours."""
    return {
        "broker": [URL(f"kafka://{part.strip()}") for part in kafka.bootstrap.split(",")],
        "broker_credentials": credentials(kafka),
        "broker_client_id": member,
        "consumer_group_instance_id": member,
        "processing_guarantee": "at_least_once",
        "consumer_auto_offset_reset": "latest" if begin == "end" else "earliest",
        # A worker that died is noticed after 6 s, and one that comes back waits for nobody longer than 10 s.
        "broker_session_timeout": 6.0,
        "broker_heartbeat_interval": 2.0,
        "broker_rebalance_timeout": 10.0,
        "broker_request_timeout": 10.0,
        "broker_commit_interval": _COMMIT_EVERY_S,
        "broker_max_poll_records": _RECORDS_AT_ONCE,
        "consumer_max_fetch_size": _FETCH_BYTES,
        "stream_wait_empty": True,
        "stream_recovery_delay": 0.0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "agent_supervisor": CrashingSupervisor,
        "web_enabled": False,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "worker_redirect_stdouts": False,
    }
