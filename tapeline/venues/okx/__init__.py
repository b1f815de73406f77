"""OKX v5: spot, and linear swaps as futures; facts as data, each with its evidence.

| channel | role | rule | source |
|---|---|---|---|
| `books` (400 levels) | book | snapshot first; each update `prevSeqId == last seqId` | docs |
| the same, `seqId == prevSeqId`, no levels | alive | nothing changed for a minute: known, of no time | docs |
| the same, `seqId < prevSeqId == last` | book | the venue counts anew: applied, in a new epoch | docs |
| the same without `seqId`, with a checksum | book of 2022 | only time orders it | recorded frames: 189 of 189 |
| `books5` | not asked for | each frame is a whole book | docs |
| `trades-all` | trade | one match per frame, ids leave none out | docs; recorded frames of 2022: 68 of 68 |
| `trades` | not asked for | joins `count` matches at one price to one trade, under the last id | docs |
| `funding-rate` | funding | rate, next settlement and, by the one behind it, the interval | docs |
| `mark-price`, `index-tickers` | funding | prices; an index goes by the name of the pair, one for each swap | docs |
| `GET books`, `books-full` | cross-check | no number to compare: only time does | docs |
| `GET trades` | backfill | every match, by the ids of `trades-all` | docs |

`checksum` is 0 since 2026-06-23 and nothing is compared with it. Quantities of swaps are contracts of
`ctVal x ctMult`. Each argument of a request is answered by itself, with the request's id; error 60018 names its stream
in its words, without the id. The answer is `pong` to our `ping`, neither of them JSON.

A maker's order that only some takers can reach stands in `books-rpi` alone, which is not ours.

UNCONFIRMED: that ids of `trades-all` leave none out today (the docs give the ids of a joined trade as a row); that a
bad argument leaves the others of its request alone; that the answer to `GET books` has no number.
"""

from __future__ import annotations

import msgspec

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
from tapeline.venues.okx.ignored import IGNORED
from tapeline.venues.okx.market import OkxFeed

_MAIN = Hosts(rest="https://www.okx.com", ws="wss://ws.okx.com:8443")
# Its REST is that of the real market unless a request carries `x-simulated-trading: 1`.
_TEST = Hosts(rest="https://www.okx.com", ws="wss://wspap.okx.com:8443", headers={"x-simulated-trading": "1"})
_SOCKETS = {"public": "/ws/v5/public", "business": "/ws/v5/business"}
# Pings of ours come every 5 s, so that a dead socket is known within 7 s; OKX itself closes one silent for 30 s.
_KEEPALIVE = Keepalive(ping="message", every_s=5)
_BOOK = BookProtocol(
    snapshot="stream", stream_depths=(400,), rest_depths=(400, 5000), rest_numbers="other", rule="previous"
)
_TRADES = TradeProtocol(ids="consecutive", recent=500)
_REST = RestLimits(budget=200, window_s=2)
# OKX names no limit of streams, but asks for fewer than 30 of its deep books on one connection.
# 480 requests in an hour are a limit too, of which two renew a book.
_SPOT_LIMITS = SocketLimits(
    most_streams=29,
    messages_per_s=3,
    most_per_request=100,
    most_characters=65_536,
    connections=3,
    connections_window_s=1,
)
# Of each book there is a stream of funding beside it.
_FUTURES_LIMITS = msgspec.structs.replace(_SPOT_LIMITS, most_streams=58)

SPOT = OkxFeed(
    Facts(
        venue="okx",
        market="spot",
        main=_MAIN,
        test=_TEST,
        sockets=_SOCKETS,
        channels={"book": "public", "trade": "business"},
        limits=_SPOT_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.0008",
        taker_fee="0.001",
    )
)

FUTURES = OkxFeed(
    Facts(
        venue="okx",
        market="futures",
        main=_MAIN,
        test=_TEST,
        sockets=_SOCKETS,
        channels={"book": "public", "trade": "business", "funding": "public"},
        limits=_FUTURES_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.0002",
        taker_fee="0.0005",
        quantities="contracts",
    )
)

VENUE = Venue(id="okx", name="OKX", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
