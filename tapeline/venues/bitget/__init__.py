"""Bitget: spot, and USDT perpetuals as futures; facts as data, each with its evidence.

Two generations of sockets serve the same books to everybody, with or without an account of theirs: classic (v2) and
unified (v3). Live data comes from v3, because only its docs promise the chain of `pseq` on both markets and its
snapshot is twice as deep; frames and answers of both are understood.

| channel | role | rule | source |
|---|---|---|---|
| `books` (1000 levels, v2: 500) | book | snapshot first; each update `pseq == last seq` | v3 docs; probe: 280,000 |
| the same, first update | book | the snapshot's `seq` lies within `[pseq, seq]` | v3 docs |
| the same, `pseq == 0` or `seq < pseq` on an update | book | the server counts anew: the book is void | docs |
| the same without `pseq` (old v2) | book | `seq` rises and leaves numbers out: no hole can be seen | docs |
| `books1`, `5`, `15`, `50` | not asked for | each frame is a whole book, without `seq` on v2 | docs; samples |
| `checksum` | book | of whole books alone, where it is not 0: CRC32 of 25 levels | frames of v1: 2 of 2 |
| `publicTrade` (v2 `trade`) | trade | ids have no order; the first push tells recent trades | docs |
| `ticker` (futures) | funding | rate, mark, index and next settlement, but no interval | v3 docs |
| `GET current-fund-rate` | funding | rate, next settlement and interval, but no prices | docs |
| `GET orderbook` | cross-check | it has no number: only time compares | docs |
| `GET fills` | backfill | `execId` is the stream's `i`, 100 at most | docs; other clients |
| `GET instruments` | rules | ticks are multiples on futures, digits on spot | docs; other clients |

Each argument of a request is answered by itself; an error of v3 names its stream in its words alone. A real symbol of
the wrong product is acknowledged and stays silent. The answer is `pong` to our `ping`, neither of them JSON.

UNCONFIRMED: `pseq` on spot (the probe was of futures); whether levels that move into the depth are told (the snapshot
bounds what is known, as if they were not); that `GET orderbook` takes any number of levels; the codes of an answer
that a later request may not get, but 429; what the demo sockets serve on v3. Not checked: a `checksum` of an update,
which is that of the book behind it (absent or 0 on the wire in 2026).
"""

from __future__ import annotations

from tapeline.venues.bitget.ignored import IGNORED
from tapeline.venues.bitget.market import BitgetFeed
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

_MAIN = Hosts(rest="https://api.bitget.com", ws="wss://ws.bitget.com")
# Its REST is that of the real market unless a request carries `paptrading: 1` and keys of the demo.
_TEST = Hosts(rest="https://api.bitget.com", ws="wss://wspap.bitget.com", headers={"paptrading": "1"})
_SOCKETS = {"public": "/v3/ws/public"}
# 1000 streams are allowed and fewer than 50 recommended. 240 requests to subscribe in an hour are not among these.
_LIMITS = SocketLimits(
    most_streams=48,
    messages_per_s=10,
    most_per_request=10,
    most_characters=4096,
    connections=300,
    connections_window_s=300,
    lifetime_s=86_400,
)
# Pings of ours come every 5 s, so that a dead socket is known within 7 s; Bitget itself asks for one in 30 s.
_KEEPALIVE = Keepalive(ping="message", every_s=5)
_BOOK = BookProtocol(snapshot="stream", stream_depths=(0,), rest_depths=(1000,), rest_numbers="other", rule="previous")
_TRADES = TradeProtocol(ids="unordered", recent=100)
# The limit of each call; all together may come to 100 in a second.
_REST = RestLimits(budget=20, window_s=1)

SPOT = BitgetFeed(
    Facts(
        venue="bitget",
        market="spot",
        main=_MAIN,
        test=_TEST,
        sockets=_SOCKETS,
        channels={"book": "public", "trade": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.001",
        taker_fee="0.001",
    ),
    "SPOT",
)

FUTURES = BitgetFeed(
    Facts(
        venue="bitget",
        market="futures",
        main=_MAIN,
        test=_TEST,
        sockets=_SOCKETS,
        channels={"book": "public", "trade": "public", "funding": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.0002",
        taker_fee="0.0006",
        funding_poll_s=600,
    ),
    "USDT-FUTURES",
)

VENUE = Venue(id="bitget", name="Bitget", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
