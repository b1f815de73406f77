"""The catalogue of metrics: each is one typed constant with name, labels and help; nothing else may be measured.

Use: `metrics.DEAD_LETTERS.inc(topic="md.trade")`, `metrics.PARTS.set(3)`, `.observe(0.2, part="kafka")`.
A hot path keeps `bound = metrics.X.bind(topic="md.book")` and calls `bound.inc()`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar, Literal

import prometheus_client

from tapeline.errors import Misconfigured

Kind = Literal["counter", "gauge", "histogram"]

_DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """What all kinds share: the name as scraped, what it says, the names of its labels."""

    kind: ClassVar[Kind]
    name: str
    about: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counter(Metric):
    """A number that only grows; its name ends in `_total`."""

    kind: ClassVar[Kind] = "counter"

    def bind(self, **labels: str) -> prometheus_client.Counter:
        """Return the counter of these label values, to keep where it is raised often."""
        family = _counter(self)
        return family.labels(**_checked(self, labels)) if self.labels else family

    def inc(self, by: float = 1, **labels: str) -> None:
        """Raise the counter of these label values."""
        self.bind(**labels).inc(by)


@dataclass(frozen=True, slots=True)
class Gauge(Metric):
    """A number that goes up and down."""

    kind: ClassVar[Kind] = "gauge"

    def bind(self, **labels: str) -> prometheus_client.Gauge:
        """Return the gauge of these label values, to keep where it is set often."""
        family = _gauge(self)
        return family.labels(**_checked(self, labels)) if self.labels else family

    def set(self, value: float, **labels: str) -> None:
        """Set the gauge of these label values."""
        self.bind(**labels).set(value)


@dataclass(frozen=True, slots=True)
class Histogram(Metric):
    """How a measured value is spread; buckets are upper bounds."""

    kind: ClassVar[Kind] = "histogram"
    buckets: tuple[float, ...] = _DURATIONS_S

    def bind(self, **labels: str) -> prometheus_client.Histogram:
        """Return the histogram of these label values, to keep where it is fed often."""
        family = _histogram(self)
        return family.labels(**_checked(self, labels)) if self.labels else family

    def observe(self, value: float, **labels: str) -> None:
        """Add one measured value."""
        self.bind(**labels).observe(value)


# the process
PROCESS_READY = Gauge("tapeline_process_ready", "1 when every part has started and every dependency answers")
PARTS = Gauge("tapeline_parts", "parts of the process that are started")
PART_START_S = Histogram("tapeline_part_start_seconds", "how long a part took to start", ("part",))
PART_STOPS_FORCED = Counter("tapeline_part_stops_forced_total", "parts that did not stop in their time", ("part",))
TASK_FAILURES = Counter("tapeline_task_failures_total", "background tasks that failed", ("task",))
LOOP_LATE_S = Histogram("tapeline_loop_late_seconds", "by how much the event loop came late, looked at each second")
DISK_FREE_BYTES = Gauge("tapeline_disk_free_bytes", "room where a folder (data, log) is kept", ("folder",))
DISK_SIZE_BYTES = Gauge("tapeline_disk_size_bytes", "size of the disk where a folder is kept", ("folder",))
LOG_LINES_LOST = Counter("tapeline_log_lines_lost_total", "log lines that could not be written", ("file",))

# dependencies
DEPENDENCY_UP = Gauge("tapeline_dependency_up", "1 while the dependency answers", ("dependency",))
DEPENDENCY_RETRIES = Counter("tapeline_dependency_retries_total", "tries that found it away", ("dependency",))
PRODUCERS_RECREATED = Counter("tapeline_producers_recreated_total", "idempotent producers replaced", ("reason",))

# contracts
LAG = Gauge("tapeline_lag_records", "records not taken in yet, by topic; of producers: waiting", ("process", "topic"))
RECORDS_MISSED = Counter("tapeline_records_missed_total", "records gone before they were read", ("topic",))
DEAD_LETTERS = Counter("tapeline_dead_letters_total", "records put aside", ("topic",))

# producers
_MARKET = ("venue", "market")
FRAMES = Counter("tapeline_frames_total", "frames received from a venue", _MARKET)
FRAMES_BROKEN = Counter("tapeline_frames_broken_total", "frames that broke the venue's contract", _MARKET)
PROTOCOL_DRIFT = Counter(
    "tapeline_protocol_drift_total",
    "differences of sampled frames from what we know of the venue's protocol",
    (*_MARKET, "channel", "kind"),
)
STREAMS_REFUSED = Counter("tapeline_streams_refused_total", "subscriptions that the venue refused", _MARKET)
BOOKS_VALID = Gauge("tapeline_books_valid", "books that are valid now", _MARKET)
BOOKS_CONFLATED = Counter("tapeline_books_conflated_total", "books never published as a newer one came", _MARKET)
RECORDS_SHED = Counter("tapeline_records_shed_total", "records dropped, with a gap, as the broker was away", _MARKET)
RECORDS_WAITING = Gauge("tapeline_records_waiting", "records waiting for the broker", _MARKET)
RECORDS_MADE = Counter("tapeline_records_made_total", "records made of what a venue said", (*_MARKET, "topic"))
BOOKS = Gauge("tapeline_books", "books that are recorded, valid or stale", _MARKET)
GAPS = Counter("tapeline_gaps_total", "holes published", (*_MARKET, "channel", "cause"))
SOCKETS = Gauge("tapeline_sockets", "sockets to a venue that should be open", _MARKET)
SOCKETS_OPEN = Gauge("tapeline_sockets_open", "sockets to a venue that are open", _MARKET)
SOCKETS_LOST = Counter("tapeline_sockets_lost_total", "connections lost; each is opened again", (*_MARKET, "cause"))

# processors
SPREAD_NET = Gauge(
    "tapeline_spread_net_ratio", "newest spread net of fees, as a fraction of the price", ("symbol", "buy", "sell")
)
SPREADS_CONFLATED = Counter(
    "tapeline_spreads_conflated_total", "spreads computed and never published, as a newer one of their pair came"
)

# whoever asks a venue
LIMITER_WAIT_S = Histogram(
    "tapeline_limiter_wait_seconds", "how long a call waited for our share of a venue's limit", (*_MARKET, "bucket")
)
VENUE_HELD_UNTIL_S = Gauge(
    "tapeline_venue_held_until_seconds", "until when (unix time) a venue told us to ask nothing", _MARKET
)

# the executor
LEASE_UNTIL_S = Gauge("tapeline_lease_until_seconds", "until when (unix time) the account is ours", ("account",))
LEASES_LOST = Counter("tapeline_leases_lost_total", "leases that another executor took", ("account",))
INTENTS = Counter("tapeline_intents_total", "intents by what became of them (approved, refused, settled)", ("result",))
REFUSALS = Counter("tapeline_intent_refusals_total", "refused intents by their reason's code", ("code",))
STOP_LOSSES = Counter("tapeline_stop_losses_total", "trades left because their loss was too large")
ORDERS = Counter("tapeline_orders_total", "orders by what became of them, also unknown", (*_MARKET, "result"))
ORDER_RETRIES = Counter("tapeline_order_retries_total", "orders sent again, with a new id, after a refusal", _MARKET)
TICK_TO_ORDER_S = Histogram(
    "tapeline_tick_to_order_seconds", "from the oldest frame of a decision to its first order's request", _MARKET
)
ORDER_ANSWER_S = Histogram("tapeline_order_answer_seconds", "from an order's request to the venue's answer", _MARKET)
ORDERS_OPEN = Gauge("tapeline_orders_open", "orders that may still be dealt", ("account",))
ORDERS_UNKNOWN = Gauge("tapeline_orders_unknown", "orders of which nobody knows what became of them", ("account",))
UNKNOWN_FOR_S = Gauge("tapeline_order_unknown_seconds", "age of the oldest such order, 0 without one", ("account",))
POSITIONS_OPEN = Gauge("tapeline_positions_open", "positions that are held", ("account",))
PNL_USDT = Gauge(
    "tapeline_pnl_usdt", "profit of what has ended (realized) and of what is held (unrealized)", ("account", "kind")
)
EQUITY_USDT = Gauge("tapeline_equity_usdt", "what the account is worth", ("account",))
EXPOSURE_USDT = Gauge("tapeline_exposure_usdt", "what is held and reserved, together", ("account",))
MARGIN_USDT = Gauge("tapeline_margin_usdt", "margin that positions bind", ("account",))
PAIRS = Gauge("tapeline_pairs", "two-leg trades by state", ("account", "state"))
PAIR_EVENTS = Counter(
    "tapeline_pair_events_total", "steps of two-leg trades, rolled_back and failed among them", ("event",)
)
LEGS_ALONE = Gauge("tapeline_legs_alone", "trades of which one leg stands alone now")
LEG_ALONE_S = Histogram("tapeline_leg_alone_seconds", "for how long one leg of a trade stood alone")
TRADING_STATE = Gauge("tapeline_trading_state", "what is wanted: 0 running, 1 reducing, 2 halted", ("account",))
OUTBOX_WAITING = Gauge("tapeline_outbox_waiting", "records of the outbox seen waiting, of 500 at most", ("stream",))
OUTBOX_OLDEST_S = Gauge("tapeline_outbox_oldest_seconds", "age of the oldest of them", ("stream",))

# the executor's links to the venues
VENUE_REQUESTS = Counter(
    "tapeline_venue_requests_total", "signed requests by outcome (answered, unsent, unanswered)", (*_MARKET, "outcome")
)
VENUE_HOLDS = Counter("tapeline_venue_holds_total", "answers of a venue that asked us to wait", _MARKET)
VENUE_CLOCK_AHEAD_S = Gauge("tapeline_venue_clock_ahead_seconds", "by how much a venue's clock is ahead", _MARKET)
PRIVATE_STREAMS_OPEN = Gauge("tapeline_private_streams_open", "private streams that are open", _MARKET)
PRIVATE_STREAMS_ENDED = Counter("tapeline_private_streams_ended_total", "private streams that ended", _MARKET)

# workers
RECORDS_READ = Counter("tapeline_records_read_total", "records that an agent is done with", ("agent", "topic"))
OUTPUTS = Counter("tapeline_outputs_total", "records that an agent has published, acknowledged", ("agent", "topic"))

# sinks
SINK_ROWS = Counter("tapeline_sink_rows_total", "rows written to a store", ("table",))
SINK_BATCHES = Counter("tapeline_sink_batches_total", "batches settled", ("table",))
SINK_BATCH_S = Histogram("tapeline_sink_batch_seconds", "how long writing a batch took", ("table",))
SINK_REPLAYS = Counter("tapeline_sink_replays_total", "recorded ranges found at take-over and replayed", ("table",))
SINK_DUPLICATES = Counter("tapeline_sink_duplicates_total", "records dropped as stored already", ("table",))
SINK_RECORDS_GONE = Counter("tapeline_sink_records_gone_total", "records deleted before they were stored", ("topic",))
SINK_LAG = Gauge("tapeline_sink_lag_records", "records published and not yet taken in", ("store", "topic"))

# the gateway
WS_CLIENTS = Gauge("tapeline_ws_clients", "clients that are connected to the WebSocket")
WS_FRAMES = Counter("tapeline_ws_frames_total", "frames sent to clients", ("type",))
WS_SKIPPED = Counter("tapeline_ws_skipped_total", "updates that a client was not sent, as a newer one came", ("type",))
WS_SLOW_CLIENTS = Counter("tapeline_ws_slow_clients_total", "clients closed because they read too slowly")
WS_REFUSED = Counter("tapeline_ws_refused_total", "clients sent away because they did not show the token")

# health
HEARTBEATS = Counter("tapeline_heartbeats_total", "heartbeats by outcome (sent, failed)", ("outcome",))
HEARTBEAT_LATENCY_S = Gauge("tapeline_heartbeat_latency_seconds", "how long the last heartbeat took to be accepted")
ALERTS = Counter("tapeline_alerts_total", "alerts raised", ("severity",))


def catalogue() -> tuple[Metric, ...]:
    """Return every metric of this module in the order written: docs, dashboards and tests read the same list."""
    return tuple(value for value in globals().values() if isinstance(value, Metric))


def registry() -> prometheus_client.CollectorRegistry:
    """Return the one collector registry of the process."""
    return _registry()


def render() -> bytes:
    """Return all metrics in the text format of Prometheus, those that were never touched included."""
    for metric in catalogue():
        _FAMILIES[metric.kind](metric)
    return prometheus_client.generate_latest(registry())


def _checked(metric: Metric, labels: dict[str, str]) -> dict[str, str]:
    if tuple(sorted(labels)) != tuple(sorted(metric.labels)):
        raise Misconfigured(
            f"metric {metric.name} was given the labels {sorted(labels)}", fix=f"use exactly {sorted(metric.labels)}"
        )
    return labels


@functools.cache
def _registry() -> prometheus_client.CollectorRegistry:
    # Made on first use, not at import; the collectors of memory, file descriptors and garbage come with it.
    found = prometheus_client.CollectorRegistry(auto_describe=True)
    prometheus_client.ProcessCollector(registry=found)
    prometheus_client.PlatformCollector(registry=found)
    prometheus_client.GCCollector(registry=found)
    return found


@functools.cache
def _counter(metric: Metric) -> prometheus_client.Counter:
    return prometheus_client.Counter(metric.name, metric.about, metric.labels, registry=_registry())


@functools.cache
def _gauge(metric: Metric) -> prometheus_client.Gauge:
    return prometheus_client.Gauge(metric.name, metric.about, metric.labels, registry=_registry())


@functools.cache
def _histogram(metric: Metric) -> prometheus_client.Histogram:
    buckets = metric.buckets if isinstance(metric, Histogram) else _DURATIONS_S
    return prometheus_client.Histogram(metric.name, metric.about, metric.labels, registry=_registry(), buckets=buckets)


_FAMILIES = {"counter": _counter, "gauge": _gauge, "histogram": _histogram}
