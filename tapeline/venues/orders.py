"""What trading at a venue is to the executor: facts as data and pure functions, calls in, bytes out; shells move them.

A `Trading` is the private side of one market of a venue. Quantities count what the venue counts, which
`tapeline.venues.sizing` converts exactly from and to base currency. Time is an argument: the venue's clock.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeVar

import msgspec

from tapeline.domain.events import Market
from tapeline.venues.account import PrivateEvent
from tapeline.venues.calls import Call, StreamKey
from tapeline.venues.contract import Hosts, Keepalive

BucketName = Literal["rest_trade", "rest_account", "rest_position"]
A = TypeVar("A")
BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
MARK: Final = "tl"
"""What our client ids begin with, so that an order of ours is known even where no database remembers it (K1)."""
BITS: Final = 130
"""Of a digest that stand in a client id where the venue has room: 26 characters of base 32."""


# ---------------------------------------------------------------- what must not be shown
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keys:
    """What signs."""

    key: str
    secret: str
    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Keys(***)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedRequest:
    """One HTTP request, to be sent byte for byte; what is signed and what names the key is not shown."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str]
    bucket: BucketName
    cost: int
    urgent: bool = False
    """Whether it may use reserved tokens and passes an open breaker: a cancel, or what only reduces (K16)."""

    @property
    def target(self) -> str:
        """Return path and query as they stand in the request line, behind the `rest` base."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def __repr__(self) -> str:
        return f"SignedRequest({self.method} {self.path}, {self.bucket} {self.cost}, urgent={self.urgent})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opening:
    """How a private stream begins: connect, send `login` and await its answer, then send the others, each answered."""

    url: str
    login: bytes | None = None
    subscribe: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Opening(login={self.login is not None}, subscribe={len(self.subscribe)})"


# ---------------------------------------------------------------- facts
class ClientIds(msgspec.Struct, frozen=True, kw_only=True):
    """Which client ids a venue takes, and which characters ours are made of."""

    pattern: str
    longest: int
    alphabet: str = BASE32
    unique: Literal["among_open", "for_ever"]
    """Where an id is refused only while its order is open, the same one sent after a fill would double the order."""


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """How a request says until when the venue may take it: by its own time plus a window."""

    parameter: str
    most_ms: int
    ahead_ms: int
    """A request whose time is further ahead of the venue's clock is refused too."""


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue allows in a window, and the header that tells what it has counted, where one does."""

    tokens: int
    window_s: float
    used_header: str | None = None


class DeadMan(msgspec.Struct, frozen=True, kw_only=True):
    """The venue cancels by itself: when a countdown is not renewed, or some time after the private stream was cut."""

    by: Literal["countdown", "disconnect"]
    scope: Literal["instrument", "market"]
    least_ms: int
    most_ms: int


class StreamFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The private stream: where it is, how it stays open, how long its key lives; without a key it logs in."""

    path: str
    keepalive: Keepalive
    lifetime_s: float | None = None
    key_valid_s: float | None = None
    key_renew_s: float | None = None


class TradingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The private side of one market as data."""

    venue: str
    market: Market
    main: Hosts
    test: Hosts
    wallet: Literal["spot", "futures", "unified"]
    """Whose balances are told; a unified wallet is one and the same for both markets."""
    client_ids: ClientIds
    expiry: Expiry
    order_places: int
    """How many places keep orders; only what none of them has was not found."""
    visibility_s: float
    """So long after a request has expired, an order that no place knows has never arrived."""
    reduce_only: bool
    """Whether an order can say that it only reduces; on spot one sells only what is held anyway."""
    limits: Mapping[BucketName, RateLimit]
    dead_man: DeadMan | None
    stream: StreamFacts

    @property
    def where(self) -> str:
        """Return the market as errors name it."""
        return f"{self.venue} {self.market}"


# ---------------------------------------------------------------- the contract
class Trading(Protocol):
    """The private side of one market of one venue."""

    @property
    def facts(self) -> TradingFacts:
        """Return the market as data."""

    def build(self, call: Call[object], keys: Keys, *, at_us: int, expires_in_ms: int) -> SignedRequest:
        """Return the signed request, which the venue refuses once `expires_in_ms` are over (or its own most).

        Misconfigured where the market has no such thing; ValueError for what was never legal.
        """

    def decode(self, call: Call[A], status: int, headers: Mapping[str, str], body: bytes) -> A:
        """Return what the answer to this call means.

        To place or to cancel has an outcome whatever the bytes are. Any other call raises InvalidMessage, VenueRefused,
        Unavailable with the time to wait, or Misconfigured.
        """

    def opening(
        self,
        hosts: Hosts,
        keys: Keys,
        *,
        at_us: int,
        stream_key: StreamKey | None = None,
        dead_man: bool = False,
        first_id: int = 1,
    ) -> Opening:
        """Return how the private stream is opened; request ids count up from `first_id`.

        With `dead_man` a cut of the stream starts the venue's switch, where that works by disconnection: the last frame
        asks for it and may be refused alone.
        """

    def ping(self, request_id: int) -> bytes | None:
        """Return our ping message; None where the WebSocket protocol's own ping is the one."""

    def decode_frame(self, frame: bytes) -> tuple[PrivateEvent, ...]:
        """Return what a frame of the private stream says, fills before the order's state; raise InvalidMessage."""


# ---------------------------------------------------------------- client ids
def client_id(rules: ClientIds, *, account: str, intent_id: str, leg: str, part: int, attempt: int) -> str:
    """Return the one id of this attempt, the same whenever it is asked, legal at the venue (K15).

    It is a digest of 130 bits where the venue has room: among four billion attempts two share an id with a chance
    below 2 to the minus 66.
    """
    named = msgspec.json.encode((account, intent_id, leg, part, attempt))
    number = int.from_bytes(hashlib.sha256(named).digest()) >> (256 - BITS)
    base = len(rules.alphabet)
    mark, room = _mark(rules), _room(rules)
    digits: list[str] = []
    for _ in range(room):
        number, digit = divmod(number, base)
        digits.append(rules.alphabet[digit])
    return mark + "".join(digits)


def is_ours(rules: ClientIds, found: str | None) -> bool:
    """Tell whether an id has the shape of ours."""
    if found is None or len(found) != len(_mark(rules)) + _room(rules):
        return False
    return found.startswith(_mark(rules)) and set(found[len(_mark(rules)) :]) <= set(rules.alphabet)


def legal(rules: ClientIds, found: str) -> bool:
    """Tell whether the venue takes this id."""
    return len(found) <= rules.longest and re.fullmatch(rules.pattern, found) is not None


def checked(facts: TradingFacts, found: str) -> str:
    """Return a legal client id; another one was never made by `client_id`."""
    if not legal(facts.client_ids, found):
        raise ValueError(f"{facts.where} takes no such client id: {found!r}")
    return found


def window_ms(facts: TradingFacts, expires_in_ms: int) -> int:
    """Return the request's window, never longer than asked or than the venue knows."""
    if expires_in_ms < 1:
        raise ValueError("a request that has expired is not built")
    return min(expires_in_ms, facts.expiry.most_ms)


def _mark(rules: ClientIds) -> str:
    # Where only digits are taken, the digest alone stands.
    return MARK if set(MARK) <= set(rules.alphabet) else ""


def _room(rules: ClientIds) -> int:
    base, needed, states = len(rules.alphabet), 0, 1
    while states < 1 << BITS:
        states *= base
        needed += 1
    return min(needed, rules.longest - len(_mark(rules)))
