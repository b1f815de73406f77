"""The catalogue of all topics: a topic exists when it stands here; no name and no setting stands elsewhere.

Topics are created from this list only (the broker's auto-create is off); the AsyncAPI document, the ACLs, the schema
subjects and the tests are made from it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal

Process = Literal["producers", "processors", "strategies", "executor", "sinks", "gateway", "infra", "cli"]
"""Who writes or reads: the name of the top-level folder; of the agents in `processors`, strategies count by themselves,
because they alone may ask for orders. `replay` is a command, so it is `cli`."""

Key = Literal[
    "instrument", "symbol", "strategy_symbol", "position", "partition", "pair", "account", "control", "process",
    "entity", "origin",
]  # fmt: skip
"""What the record's key names; `tapeline.domain.partition` has one builder for each."""

Cleanup = Literal["delete", "compact"]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
GIGABYTE: Final = 1024**3
MEGABYTE: Final = 1024**2

# Kafka deletes whole closed segments only, so a topic overshoots its limits by up to one segment a partition.
_SEGMENTS_KEPT: Final = 8
_SEGMENT_LEAST: Final = 16 * MEGABYTE
_SEGMENT_MOST: Final = GIGABYTE
_RECORD_MOST: Final = MEGABYTE
_CLUSTER: Final = 3
# A name this unlike all of ours is no slip of the pen.
_SIMILAR: Final = 0.5


def least_in_step(copies: int) -> int:
    """Return how many of so many copies must have a record before it is acknowledged.

    With three copies that is two, so that one broker may die; with fewer, two would stop every write then.
    """
    return 2 if copies >= _CLUSTER else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: what it carries, who writes and reads it, how it is split and how long it is kept.

    `retention_ms` and `retention_bytes` (of the whole topic) are None for ever. `history_ms` is how long a compacted
    topic keeps every change at least. `traced` records carry the header `traceparent`.
    """

    name: str
    record: str
    key: Key
    owner: tuple[Process, ...]
    readers: tuple[Process, ...]
    partitions: Literal["symbol"] | int
    cleanup: Cleanup = "delete"
    retention_ms: int | None = None
    retention_bytes: int | None = None
    history_ms: int | None = None
    record_bytes: int = _RECORD_MOST
    traced: bool = False
    about: str

    @property
    def subject(self) -> str:
        """Return the registry's subject of the values (TopicNameStrategy)."""
        return f"{self.name}-value"

    def partition_count(self, symbol_partitions: int) -> int:
        """Return the number of partitions, given how many the installation has for topics that are split by symbol."""
        return symbol_partitions if self.partitions == "symbol" else self.partitions

    def config(self, *, partitions: int, replication: int) -> dict[str, str]:
        """Return the topic's Kafka settings for so many partitions and copies.

        `retention_bytes` is meant for the whole topic and Kafka's setting for one partition, so it is divided here.
        Segments are made small enough that both limits hold to within about an eighth.
        """
        settings = {
            "cleanup.policy": self.cleanup,
            "compression.type": "zstd",
            "max.message.bytes": str(self.record_bytes),
            "message.timestamp.type": "CreateTime",
            "min.insync.replicas": str(least_in_step(replication)),
            "unclean.leader.election.enable": "false",
        }
        if self.cleanup == "compact":
            # The active segment is never compacted, so it must be closed in time on a quiet topic too.
            settings["segment.ms"] = str(HOUR_MS)
            settings["min.compaction.lag.ms"] = str(self.history_ms or 0)
            return settings
        settings["retention.ms"] = "-1" if self.retention_ms is None else str(self.retention_ms)
        settings["retention.bytes"] = "-1"
        if self.retention_ms is not None:
            settings["segment.ms"] = str(self.retention_ms // _SEGMENTS_KEPT)
        if self.retention_bytes is not None:
            share = self.retention_bytes // partitions
            settings["retention.bytes"] = str(share)
            settings["segment.bytes"] = str(min(max(share // _SEGMENTS_KEPT, _SEGMENT_LEAST), _SEGMENT_MOST))
        return settings


WORKERS: Final[tuple[Process, ...]] = ("producers", "processors", "strategies", "executor", "sinks", "gateway")
"""The processes of the pipeline; each sends heartbeats, may raise alerts and may set a record aside."""

TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        name="md.trade",
        record="tapeline.Trade",
        key="instrument",
        owner=("producers",),
        readers=("producers", "processors", "sinks", "gateway"),
        partitions="symbol",
        retention_ms=DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="Every public trade, once per trade id as far as the venue has ids; backfilled ones come late.",
    ),
    Topic(
        name="md.book",
        record="tapeline.Book",
        key="instrument",
        owner=("producers",),
        readers=("producers", "processors", "strategies", "executor", "sinks", "gateway", "cli"),
        partitions="symbol",
        retention_ms=DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="The top of each checked book; a valid one is sent again within a second, one older than 2 s is stale.",
    ),
    Topic(
        name="md.delta",
        record="tapeline.DeltaBatch",
        key="instrument",
        owner=("producers",),
        readers=("producers", "sinks", "cli"),
        partitions="symbol",
        retention_ms=DAY_MS,
        retention_bytes=2 * GIGABYTE,
        record_bytes=2 * MEGABYTE,
        about="The book's changes without loss: snapshot at subscribe, after each gap or shed, and every 60 s.",
    ),
    Topic(
        name="md.gap",
        record="tapeline.Gap",
        key="instrument",
        owner=("producers", "sinks"),
        readers=("producers", "sinks", "gateway", "cli"),
        partitions="symbol",
        retention_ms=DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="Every hole in trades or books: where it begins and ends, why, and whether it was filled afterwards.",
    ),
    Topic(
        name="md.funding",
        record="tapeline.Funding",
        key="instrument",
        owner=("producers",),
        readers=("processors", "strategies", "executor", "sinks"),
        partitions="symbol",
        retention_ms=DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="Funding rate, mark and index price of each perpetual, and when funding is paid next.",
    ),
    Topic(
        name="ref.instrument",
        record="tapeline.Instrument",
        key="instrument",
        owner=("producers",),
        readers=("producers", "processors", "strategies", "executor", "cli"),
        partitions="symbol",
        cleanup="compact",
        about="The exact rules of each instrument (steps, minimums, status), as the venue gave them last.",
    ),
    Topic(
        name="clock",
        record="tapeline.ClockTick",
        key="partition",
        owner=("producers",),
        readers=("processors", "strategies"),
        partitions="symbol",
        retention_ms=DAY_MS,
        retention_bytes=GIGABYTE,
        about="One record per partition and second from the holder of the lease `clock`: time for silent symbols.",
    ),
    Topic(
        name="signal.spread",
        record="tapeline.Spread",
        key="symbol",
        owner=("processors",),
        readers=("processors", "strategies", "sinks", "gateway", "cli"),
        partitions="symbol",
        retention_ms=7 * DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="Buy here, sell there, at one size and net of four fees, computed from the two books it names.",
    ),
    Topic(
        name="signal.imbalance",
        record="tapeline.Imbalance",
        key="instrument",
        owner=("processors",),
        readers=("processors", "strategies", "sinks", "gateway"),
        partitions="symbol",
        retention_ms=7 * DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="How much of the book's volume stands on the bid side, computed from the book it names.",
    ),
    Topic(
        name="signal.candle",
        record="tapeline.Candle",
        key="instrument",
        owner=("processors",),
        readers=("processors", "strategies", "sinks", "gateway"),
        partitions="symbol",
        retention_ms=7 * DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="Open, high, low, close and volume per timeframe, from the run of trades it names.",
    ),
    Topic(
        name="signal.trend",
        record="tapeline.Trend",
        key="instrument",
        owner=("processors",),
        readers=("processors", "strategies", "sinks", "gateway"),
        partitions="symbol",
        retention_ms=7 * DAY_MS,
        retention_bytes=2 * GIGABYTE,
        about="Direction and indicators per timeframe, computed at the candle it names.",
    ),
    Topic(
        name="order.intent",
        record="tapeline.OrderIntent",
        key="strategy_symbol",
        owner=("strategies", "gateway"),
        readers=("executor",),
        partitions="symbol",
        traced=True,
        about="What a strategy or a person wants done, with its reason, its causes and the time until it may be done.",
    ),
    Topic(
        name="order.event",
        record="tapeline.OrderEvent",
        key="strategy_symbol",
        owner=("executor",),
        readers=("strategies", "sinks", "gateway"),
        partitions="symbol",
        traced=True,
        about="Every step of every intent and order: taken, refused with the reason, placed, filled, settled.",
    ),
    Topic(
        name="position",
        record="tapeline.Position",
        key="position",
        owner=("executor",),
        readers=("strategies", "sinks", "gateway"),
        partitions="symbol",
        cleanup="compact",
        history_ms=DAY_MS,
        traced=True,
        about="Every change of a position; the newest is kept for ever, the changes before it for at least a day.",
    ),
    Topic(
        name="account",
        record="tapeline.Account",
        key="account",
        owner=("executor",),
        readers=("strategies", "sinks", "gateway"),
        partitions=1,
        cleanup="compact",
        history_ms=DAY_MS,
        about="Balances, equity and used risk of a named set of keys, at first load and at each change.",
    ),
    Topic(
        name="pair",
        record="tapeline.Pair",
        key="pair",
        owner=("executor",),
        readers=("strategies", "sinks", "gateway"),
        partitions="symbol",
        cleanup="compact",
        history_ms=DAY_MS,
        traced=True,
        about="Every change of a two-leg trade: its state, its legs, its parts and what it earned.",
    ),
    Topic(
        name="portfolio",
        record="tapeline.Portfolio",
        key="strategy_symbol",
        owner=("executor",),
        readers=("strategies", "gateway"),
        partitions="symbol",
        cleanup="compact",
        traced=True,
        about="All that one strategy holds on one symbol: orders, positions, pair, the round of each slot, memory.",
    ),
    Topic(
        name="control",
        record="tapeline.Control",
        key="control",
        owner=("executor", "gateway"),
        readers=WORKERS,
        partitions=1,
        cleanup="compact",
        about="A copy of the desired state (RUNNING, REDUCING, HALTED) that stands in Postgres with its version.",
    ),
    Topic(
        name="heartbeat",
        record="tapeline.Heartbeat",
        key="process",
        owner=(*WORKERS, "infra"),
        readers=("gateway", "cli"),
        partitions=1,
        cleanup="compact",
        about="Each process: online or offline, how fast it answers, how far it lags, which version it is.",
    ),
    Topic(
        name="alert",
        record="tapeline.Alert",
        key="process",
        owner=(*WORKERS, "infra"),
        readers=("gateway", "cli"),
        partitions=1,
        retention_ms=30 * DAY_MS,
        retention_bytes=GIGABYTE,
        about="What a person must see, with the fix.",
    ),
    Topic(
        name="audit",
        record="tapeline.Audit",
        key="entity",
        owner=("executor", "gateway"),
        readers=("sinks",),
        partitions=1,
        traced=True,
        about="The mirror of the table audit_logs: who did what, when, why, with the hash chain.",
    ),
    Topic(
        name="dlq",
        record="tapeline.DeadLetter",
        key="origin",
        owner=WORKERS,
        readers=("gateway", "cli"),
        partitions=1,
        # A dead letter holds a whole record of another topic and what is known about it, so it is larger than any.
        record_bytes=4 * MEGABYTE,
        about="What could not be processed, byte for byte, with its origin and the error; kept until a person acts.",
    ),
)
"""All topics, in the order data flows."""

_BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def by_name(name: str) -> Topic:
    """Return the topic of that name; raise LookupError naming the nearest one when there is none."""
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=_SIMILAR)
    hint = f"did you mean {near[0]!r}?" if near else f"the topics are {', '.join(_BY_NAME)}"
    message = f"there is no topic {name!r}; {hint}"
    raise LookupError(message)
