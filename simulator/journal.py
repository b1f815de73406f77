"""What the market did, written down by the market itself: one append-only file of JSON lines per venue and market.

It is the truth that an audit compares with what the pipeline stored. A change of a level is known by (symbol, channel,
sequence, side, price), a trade by (symbol, channel, id). A channel is written from the start where it is one that
clients are told to use, any other from its first subscription on; whether a client is connected does not matter.
Images of the top of a book (depth20, bookTicker, orderbook.1) are no changes and are not written.

Of clients' orders every state and every fill is written, with the client's own id; balances and positions stand at the
start and at the halt, prices at the halt, so that what an account must have can be computed from the lines between.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

PriceLevel = tuple[str, str]
"""price, quantity; text as on the wire, for a float would be a reading of it."""

_FLUSH_BYTES = 1 << 16


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """One line; `at_us` is when it happened, by the venue's clock."""

    at_us: int


class Opened(Record, frozen=True, tag="opened"):
    """The market opened; the first line of a file.

    `blind` are the kinds of messages (book, trade) that bear no number, so that no client can see one missing at once;
    for `away_s` a client stays away that REST has refused.
    """

    venue: str
    market: str
    seed: int
    symbols: tuple[str, ...]
    channels: tuple[str, ...]
    blind: tuple[str, ...] = ()
    away_s: float = 0.0


class Delta(Record, frozen=True, tag="delta"):
    """One message of level changes: quantities are absolute, zero takes a level away."""

    symbol: str
    channel: str
    sequence: int
    first: int
    follows: int
    bids: tuple[PriceLevel, ...] = ()
    asks: tuple[PriceLevel, ...] = ()


class Trade(Record, frozen=True, tag="trade"):
    """One trade; `side` is the taker's, `number` what counts the trades where their ids do not."""

    symbol: str
    channel: str
    id: str
    side: str
    price: str
    quantity: str
    number: str | None = None


class Connected(Record, frozen=True, tag="connected"):
    """A client connected."""

    connection: int
    path: str


class Closed(Record, frozen=True, tag="closed"):
    """A connection ended."""

    connection: int
    reason: str


class Subscribed(Record, frozen=True, tag="subscribed"):
    """A subscription was answered; `stream` is its name on the wire, the rest is empty where that means nothing.

    `type` is book, trade, top (best prices only), ticker or private (an account's own stream).
    """

    connection: int
    stream: str
    symbol: str = ""
    channel: str = ""
    type: str = ""


class Unsubscribed(Record, frozen=True, tag="unsubscribed"):
    """The end of a subscription was answered."""

    connection: int
    stream: str


class Served(Record, frozen=True, tag="served"):
    """A whole book was served: over REST when there is no connection, else on it."""

    symbol: str
    channel: str
    sequence: int
    levels: int
    connection: int | None = None


class FaultStarted(Record, frozen=True, tag="fault_started"):
    """A fault began to act on its target; what is None is not limited to one."""

    fault_id: int
    fault: str
    connection: int | None = None
    symbol: str | None = None
    type: str | None = None


class FaultHit(Record, frozen=True, tag="fault_hit"):
    """One message of a connection that a fault kept back, repeated, moved or broke; `ids` are sequence or trade ids.

    An order that a fault hit has the channel `order`, no connection (0), and its client id in `ids`.
    """

    fault_id: int
    action: str
    connection: int
    symbol: str
    channel: str
    ids: tuple[str, ...]


class FaultEnded(Record, frozen=True, tag="fault_ended"):
    """A fault does not act any more."""

    fault_id: int
    reason: str = ""


class Halted(Record, frozen=True, tag="halted"):
    """The market stands still from now on; clients and REST are served as before."""


class OrderChanged(Record, frozen=True, tag="order"):
    """An order of a client, at each change: `status` is new, partially_filled, filled, cancelled or expired.

    `quantity` is of the base coin, `budget` (of a market order instead of it) of the quote coin; `filled` and `value`
    are sums of its fills in base and quote coin; `reason` says why it ended where that is not plain.
    """

    account: str
    symbol: str
    order_id: str
    client_id: str
    side: str
    type: str
    force: str
    status: str
    filled: str
    value: str
    price: str | None = None
    quantity: str | None = None
    budget: str | None = None
    reduce_only: bool = False
    reason: str = ""


class OrderRefused(Record, frozen=True, tag="order_refused"):
    """An order that the venue did not take, with the reason in the words of the simulator."""

    account: str
    symbol: str
    client_id: str
    side: str
    reason: str


class Filled(Record, frozen=True, tag="fill"):
    """A part of a client's order that was dealt; `realized` is what a futures position earned by it, before the fee."""

    account: str
    symbol: str
    order_id: str
    client_id: str
    trade_id: str
    side: str
    price: str
    quantity: str
    fee: str
    fee_asset: str
    maker: bool
    realized: str | None = None


class Funded(Record, frozen=True, tag="funding"):
    """Funding of one position: `amount` is what the account received, below zero what it paid."""

    account: str
    symbol: str
    position: str
    mark: str
    rate: str
    amount: str
    asset: str


class Asset(msgspec.Struct, frozen=True):
    """What an account has of a coin; `locked` is the part that orders have set aside."""

    asset: str
    total: str
    locked: str


class Holding(msgspec.Struct, frozen=True):
    """A position, below zero when short."""

    symbol: str
    quantity: str
    entry_price: str


class Balances(Record, frozen=True, tag="balances"):
    """What an account has at the `start` and at the `halt`."""

    account: str
    moment: str
    assets: tuple[Asset, ...]
    positions: tuple[Holding, ...] = ()


class Mid(Record, frozen=True, tag="mid"):
    """The middle between best bid and best ask of an instrument at the halt."""

    symbol: str
    price: str


AnyRecord = (
    Opened | Delta | Trade | Connected | Closed | Subscribed | Unsubscribed | Served
    | FaultStarted | FaultHit | FaultEnded | Halted
    | OrderChanged | OrderRefused | Filled | Funded | Balances | Mid
)  # fmt: skip

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class Journal:
    """Appends records; nothing is lost when the process is stopped in order, at most the last moment when killed."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, whose folder is made; without a path nothing is written."""
        self.path = path
        self._file: BinaryIO | None = None
        self._buffer = bytearray()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)

    def write(self, record: AnyRecord) -> None:
        """Append one record."""
        if self._file is not None:
            _ENCODER.encode_into(record, self._buffer, len(self._buffer))
            self._buffer += b"\n"
            if len(self._buffer) >= _FLUSH_BYTES:
                self.flush()

    def flush(self) -> None:
        """Hand everything to the operating system, so that a reader sees whole lines."""
        if self._file is not None and self._buffer:
            self._file.write(self._buffer)
            self._buffer.clear()

    def close(self) -> None:
        """Flush and close; harmless when done already."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None


def file_name(venue: str, market: str) -> str:
    """Return how the file of a venue and market is called."""
    return f"{venue}-{market}.jsonl"


def read(path: Path) -> Iterator[AnyRecord]:
    """Yield the records of a file; a last line that a kill cut off is left out."""
    with path.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield _DECODER.decode(line)
