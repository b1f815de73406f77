"""What a venue is to the rest of Tapeline: facts as data and pure functions, bytes in, values out; shells move bytes.

A `Feed` is the public side of one market of a venue. It knows instruments by their `native` names alone (BTCUSDT): a
symbol (BTC/USDT) is found through the venue's own instrument list, never by cutting a native name apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Protocol, TypeVar

import msgspec
from msgspec import Meta

from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.checksum import ChecksumRule
from tapeline.domain.crosscheck import Numbers
from tapeline.domain.events import Instrument, Market, Side
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage, TapelineError
from tapeline.venues.watching import WATCHING, Ignored

StreamChannel = Literal["book", "trade", "funding", "snapshot"]
"""What a Want is for; a `snapshot` is one book, asked for on the socket of the books."""
Quantities = Literal["base", "contracts"]
NumberRule = Literal["sequence", "previous", "skipping"]
"""Each change goes on where the last one ended, or names the last one's number, or has any number that is higher."""
_SHOWN: Final = 200
_MOST_DIGITS: Final = 18
Query = tuple[tuple[str, str], ...]
"""Parameters in the order in which they are sent; names and values need no percent-encoding."""


# ---------------------------------------------------------------- facts
class Hosts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a market lives: base addresses without a path; a simulator's own stand in their place.

    `headers` are what this network asks for beside those of the venue, `paths` its sockets' where they differ.
    """

    rest: str
    ws: str
    headers: Mapping[str, str] = {}
    paths: Mapping[str, str] = {}


class SocketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue allows one socket and one address; None: no limit is known."""

    most_streams: int
    messages_per_s: float
    most_per_request: int | None = None
    most_characters: int | None = None
    connections: int
    connections_window_s: float
    lifetime_s: float | None = None
    apart_s: float | None = None
    """How far apart two messages of a socket must be, where the venue counts no rate."""


class Keepalive(msgspec.Struct, frozen=True, kw_only=True):
    """How a socket stays open: our pings as protocol frames or as messages, and what the server sends by itself."""

    ping: Literal["frame", "message"]
    every_s: float
    server_ping_s: float | None = None
    server_patience_s: float | None = None


class BookProtocol(msgspec.Struct, frozen=True, kw_only=True):
    """Where snapshots come from, how deep streams and REST answers are, and what their numbers mean together."""

    snapshot: Literal["rest", "stream", "request"]
    """The stream sends it by itself, or in answer to a Want of `snapshot` on its own socket, or REST has it."""
    stream_depths: tuple[int, ...]
    """Levels a stream can have, least first; 0: all that change (a snapshot bounds what is known)."""
    rest_depths: tuple[int, ...]
    """Levels that REST can give; none: REST has no books, so a quiet one is asked for again where it came from."""
    rest_numbers: Numbers
    """How REST's sequence compares with the stream's; with `other` only time tells which of the two is newer."""
    rule: NumberRule = "sequence"
    """What the numbers of the stream prove; with `skipping` a hole does not show in them."""
    checksum: ChecksumRule | None = None
    """How the checksum is made that comes with each book and change; None: the venue sends none that must hold."""
    poll_s: float | None = None
    """How often a book is asked for over REST, where no stream tells it; None: streams do."""


class TradeProtocol(msgspec.Struct, frozen=True, kw_only=True):
    """Whether trade ids leave no number out, and how many recent trades one request gives.

    With `none` the venue gives no id, so that ours is made of the trade, or no list of the recent ones: in neither case
    can an answer of REST be compared with the stream.
    """

    ids: Literal["consecutive", "unordered", "none"]
    recent: int


class RestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much cost an address may spend in a window, and the header that says how much it has spent."""

    budget: int
    window_s: float
    used_header: str | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One market of a venue as data: spot and futures differ here and not in code."""

    venue: str
    market: Market
    main: Hosts
    test: Hosts | None
    """The venue's test network, None where it has none."""
    sockets: Mapping[str, str]
    """The path of each kind of socket behind the `ws` base, by the socket's name."""
    channels: Mapping[StreamChannel, str]
    """The socket on which each channel is served, none of `sockets` where it is polled; one not here does not exist."""
    limits: SocketLimits
    keepalive: Keepalive
    book: BookProtocol
    trades: TradeProtocol
    rest: RestLimits
    maker_fee: str
    taker_fee: str
    quantities: Quantities = "base"
    """The unit of the quantities in what `decode`, `read_book` and `read_trades` return; see `units.in_base`."""
    headers: Mapping[str, str] = {}
    """What each REST request and each opening of a socket carries."""
    node: str | None = None
    """What a person must name a node of, where the venue has no hosts of its own; None: `main` are the venue's."""
    key: str | None = None
    """Who gives a person the key that each request bears, where even reading takes one; None: it takes none."""
    funding_poll_s: float | None = None
    """How often funding is asked for over REST, where no stream tells it whole; None: streams do."""


# ---------------------------------------------------------------- what goes out
class Want(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of one instrument; `depth` is what a reader wants of a book, 0 all."""

    channel: StreamChannel
    native: str
    depth: int = 20


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One frame to send on the named socket; its answer carries the id and speaks for all these wants."""

    socket: str
    request_id: int
    wants: tuple[Want, ...]
    frame: bytes


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One REST request, by GET, or by POST where it has a body of JSON, and what it costs of the budget."""

    path: str
    query: Query = ()
    body: bytes | None = None
    cost: int
    more: tuple[Request, ...] = ()
    """Asked one after the other behind it: all answers are one then, a JSON list in this order."""

    @property
    def target(self) -> str:
        """Return path and query as they stand in the request line, behind the `rest` base."""
        pairs = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.path}?{pairs}" if pairs else self.path


# ---------------------------------------------------------------- what comes in
class PublicTrade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One trade; `sequence` is its number where ids are consecutive, else the venue's own order if it has one."""

    native: str
    trade_id: str
    sequence: int | None = None
    price: float
    quantity: float
    side: Side
    venue_us: int
    received_us: int
    exact: dict[str, str] | None = None


class FundingUpdate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is new about funding; None: as before, or not known. `whole` forgets what was before."""

    native: str
    whole: bool
    rate: float | None = None
    mark_price: float | None = None
    index_price: float | None = None
    next_us: int | None = None
    interval_us: int | None = None
    venue_us: int | None = None
    received_us: int
    exact: dict[str, str] | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to an Ask; `error` says why it refused, None where it took what the answer speaks of.

    No id: it named none. `streams` says for which streams alone the answer speaks, where the venue names them; a None
    for the native name is the oldest unanswered one of its channel. Without streams it speaks for the whole Ask.
    """

    request_id: int | None
    error: str | None = None
    streams: tuple[tuple[StreamChannel, str | None], ...] = ()


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to our own ping message."""

    request_id: int | None = None


class ServerPing(msgspec.Struct, frozen=True, kw_only=True):
    """The server's ping message: send this frame back."""

    reply: bytes


class ServerClosing(msgspec.Struct, frozen=True, kw_only=True):
    """The server will close this socket: open another one first."""

    reason: str


class Unexpected(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed frame that nobody asked for: counted, never processed."""

    kind: str


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """The frame told half of something: send this one, whose answer tells the rest. An equal one is not sent twice."""

    frame: bytes


class Doubted(msgspec.Struct, frozen=True, kw_only=True):
    """The venue takes back, or did not say to the end, what happened to an instrument since a time."""

    native: str
    reason: str
    since_us: int


Event = (
    BookDelta
    | BookSnapshot
    | PublicTrade
    | FundingUpdate
    | Answer
    | Pong
    | ServerPing
    | ServerClosing
    | Next
    | Doubted
    | Unexpected
)


class InstrumentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Instruments of one answer, published_us still as received_us; `cursor` asks for the next page, if any."""

    instruments: tuple[Instrument, ...]
    cursor: str | None = None
    skipped: tuple[str, ...] = ()
    """Native names whose rules say too little to trade by."""


class Feed(Protocol):
    """The public side of one market of one venue."""

    @property
    def facts(self) -> Facts:
        """Return the market as data."""

    def native(self, symbol: str) -> str:
        """Return the venue's name of a symbol `BASE/QUOTE`; its instrument list says whether it exists."""

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams, within the venue's limits; ids count up from `first_id`."""

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that give these streams up."""

    def ping(self, request_id: int) -> bytes | None:
        """Return our ping message; None where the WebSocket protocol's own ping is the one."""

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says, in its order; raise InvalidMessage naming the field that breaks the contract."""

    def book_request(self, native: str, depth: int) -> Request:
        """Return the request for a book of at least `depth` levels (0: the deepest), as deep as the venue has."""

    def read_book(self, body: bytes, native: str, depth: int, received_us: int) -> BookSnapshot:
        """Return the book in the answer to `book_request` with the same arguments."""

    def instruments_request(self, cursor: str | None = None) -> Request:
        """Return the request for the list of instruments, or for its next page."""

    def read_instruments(self, body: bytes, received_us: int) -> InstrumentPage:
        """Return the instruments of the answer that are ours: plain pairs on spot, linear perpetuals on futures."""

    def trades_request(self, native: str) -> Request:
        """Return the request for the most recent trades, as many as the venue gives."""

    def read_trades(self, body: bytes, native: str, received_us: int) -> tuple[PublicTrade, ...]:
        """Return the trades of the answer, oldest first, equal to what the stream said of them."""

    def funding_request(self, native: str) -> Request:
        """Return the request for the current funding of a perpetual; Misconfigured on spot."""

    def read_funding(self, body: bytes, received_us: int) -> FundingUpdate:
        """Return the funding in the answer, whole."""

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
        """Judge a REST answer: None where it is good, Unavailable with the time to wait, or VenueRefused."""


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """A venue: its id, its name for people, and its feeds by market."""

    id: str
    name: str
    feeds: Mapping[Market, Feed]
    is_traded: bool = False
    """Whether the executor can trade there; the others are only read, and no strategy sees their books."""
    is_closing: bool = False
    """Whether the venue has said that it ends: what does not work there any more is no fault."""
    ignored: Ignored = Ignored()


def socket_url(feed: Feed, hosts: Hosts, socket: str) -> str:
    """Return the address of a kind of socket behind these hosts."""
    return hosts.ws.rstrip("/") + hosts.paths.get(socket, feed.facts.sockets[socket])


# ---------------------------------------------------------------- what every venue's wire is made of
Price = Annotated[float, Meta(gt=0, lt=1e18)]
Quantity = Annotated[float, Meta(ge=0, lt=1e18)]
Number = Annotated[float, Meta(gt=-1e18, lt=1e18)]
Sequence64 = Annotated[int, Meta(ge=-1, lt=2**62)]
Milliseconds = Annotated[int, Meta(ge=0, lt=10**14)]
Levels = tuple[tuple[Price, Quantity], ...]
"""Price and quantity as the venue writes them: text or number, never NaN, infinite or negative."""


T = TypeVar("T")


def read(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Return what the decoder makes of the bytes; what breaks the wire's contract is an InvalidMessage."""
    if WATCHING:
        WATCHING[-1].readings.append((decoder.type, data))
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(error, data) from error


def request_number(named: object, most: int = _MOST_DIGITS) -> int | None:
    """Return the number of our request that an answer names, of at most so many digits; None for anything else.

    Python refuses to read thousands of digits, so that what is no number of ours must not get so far.
    """
    text = str(named)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= most else None


def broken(error: Exception, data: bytes) -> InvalidMessage:
    """Return the InvalidMessage that names the field of a decoder's error, as `data.b[0][1]`."""
    told, _, path = str(error).partition(" - at `")
    field = path.rstrip("`").removeprefix("$").lstrip(".") or None
    shown = data[:_SHOWN].decode("utf-8", "replace") + ("..." if len(data) > _SHOWN else "")
    return InvalidMessage(f"{told} in the frame {shown}", field=field)


def columns(levels: Levels) -> tuple[Column, Column]:
    """Return levels as a column of prices and one of quantities."""
    if not levels:
        return (), ()
    prices, quantities = zip(*levels)  # noqa: B905 - each level has both, by its type; the word alone costs a fifth
    return prices, quantities


def in_batches(wants: Sequence[Want], most: int) -> list[tuple[Want, ...]]:
    """Cut wants into batches of at most so many."""
    return [tuple(wants[at : at + most]) for at in range(0, len(wants), most)]
