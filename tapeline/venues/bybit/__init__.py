"""Bybit v5: spot, and linear perpetuals as futures; facts as data, each with its evidence.

| channel | role | rule | source |
|---|---|---|---|
| `orderbook.50` (200, 1000) | book | snapshot first; each delta `u == last u + 1` | below; recorded frames: 24 of 24 |
| the same, `type` snapshot | book | replaces the book at any time | docs |
| the same, `u == 1` | book | the service restarted: a whole book, whatever `type` says | docs |
| `publicTrade` | trade | ids have no order, `seq` repeats and jumps: no hole can be seen | docs |
| `tickers` (linear) | funding | snapshot, then deltas: an absent field is unchanged | docs |
| `GET orderbook` | cross-check | its `u` is that of the 1000-level stream alone, so only time compares | docs |
| `GET recent-trade` | backfill | `execId` is the stream's `i` | docs |

One JSON ping every 20 s; its answer has op `ping` and message `pong` here, op `pong` on private sockets. An answer to
a subscription names no topic, and one bad topic refuses the whole request: requests carry at most ten.

UNCONFIRMED: that `u` leaves no number out on the 50, 200 and 1000-level topics (the docs promise it for
`orderbook.full` alone; another client enforces it in production); the exact words about an unknown symbol.
"""

from __future__ import annotations

from tapeline.venues.bybit.ignored import IGNORED
from tapeline.venues.bybit.market import BybitFeed
from tapeline.venues.contract import (
    BookProtocol,
    Facts,
    Hosts,
    Keepalive,
    RestLimits,
    SocketLimits,
    TradeProtocol,
    Venue,
)

_MAIN = Hosts(rest="https://api.bybit.com", ws="wss://stream.bybit.com")
_TEST = Hosts(rest="https://api-testnet.bybit.com", ws="wss://stream-testnet.bybit.com")
# Bybit names no limit of streams: 21,000 characters of topics allow about 600.
_LIMITS = SocketLimits(
    most_streams=500,
    messages_per_s=10,
    most_per_request=10,
    most_characters=21_000,
    connections=500,
    connections_window_s=300,
)
# Pings of ours come every 5 s, so that a dead socket is known within 7 s; Bybit itself asks for one in 20 s.
_KEEPALIVE = Keepalive(ping="message", every_s=5)
_BOOK = BookProtocol(snapshot="stream", stream_depths=(50, 200, 1000), rest_depths=(1000,), rest_numbers="other")
_REST = RestLimits(budget=600, window_s=5)

SPOT = BybitFeed(
    Facts(
        venue="bybit",
        market="spot",
        main=_MAIN,
        test=_TEST,
        sockets={"public": "/v5/public/spot"},
        channels={"book": "public", "trade": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=TradeProtocol(ids="unordered", recent=60),
        rest=_REST,
        maker_fee="0.001",
        taker_fee="0.001",
    ),
    "spot",
)

FUTURES = BybitFeed(
    Facts(
        venue="bybit",
        market="futures",
        main=_MAIN,
        test=_TEST,
        sockets={"public": "/v5/public/linear"},
        channels={"book": "public", "trade": "public", "funding": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=TradeProtocol(ids="unordered", recent=1000),
        rest=_REST,
        maker_fee="0.0002",
        taker_fee="0.00055",
    ),
    "linear",
)

VENUE = Venue(id="bybit", name="Bybit", feeds={"spot": SPOT, "futures": FUTURES}, is_traded=True, ignored=IGNORED)
