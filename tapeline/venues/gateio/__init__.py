"""Gate (API v4): spot, and USDT-settled perpetuals as futures; facts as data, each with its evidence.

| channel | role | rule | source |
|---|---|---|---|
| `obu`, `ob.X.50` or `.400` | book | `full` first, then `U == last u + 1`, also without levels | docs; wire 2026-09 |
| the same, `full` again | book | replaces the book at any time | docs |
| `order_book_update` | book, recorded | the same behind REST: `U <= id + 1 <= u` first | docs; 220 of 220 frames |
| `order_book` | book, recorded | a whole book at every push | docs; wire |
| `spot.trades` | trade | `id_market` leaves none out, `id` names the trade in REST too | docs |
| `futures.trades` | trade | ids rise; size below zero: sold; `is_internal` is left out | docs |
| `futures.tickers` | funding | each frame is whole: rate, interval, next time, mark, index | wire 2026-08, 2026-09 |
| `GET order_book` | cross-check | its `id` is the book's own number, that the streams count by | docs |
| `GET trades` | backfill | `sequence_id` is spot's `id_market`; futures' `create_time_ms` is in seconds | docs |
| `system`, type `upgrade` | closing | open the next socket at once | docs |

`is_internal` trades are skipped, not flagged: a liquidated position was taken over at a price that was in no book, the
venue's own candles leave it out, and a trade here has no flag. What is left out would be a hole in consecutive ids, so
futures count as unordered.

Futures count contracts: a quantity is one of `quanto_multiplier` base coins. Without the header X-Gate-Size-Decimal the
fractions that some contracts have are cut off outside `obu`. Their step is told nowhere: orders are of whole contracts.

Requests carry no `time`. The docs call it required and within 60 s of the server's, but only signed requests were ever
seen refused for its age: a public subscription without it was taken and served (spot, 2026-09-02), other clients leave
it out on both markets or send milliseconds there, and the docs' own examples send the fixed 123456.

An unknown `obu` stream is acknowledged as if it were good and stays silent; in the other channels one unknown name
refuses the whole request. A quiet contract's ticker may come once in a minute.

UNCONFIRMED: that futures still take requests without `time` (none was seen refused); that REST's `id` is `obu`'s number
on spot too (seen on futures); that `range` of a spot trade is always of one number; that `sequence_id` is `id_market`;
the labels of limits and that a limit is HTTP 429; the testnet's spot path with a line at its end; how long a connection
may live; default fees of new accounts.
"""

from __future__ import annotations

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
from tapeline.venues.gateio.ignored import IGNORED
from tapeline.venues.gateio.market import STREAMS_PER_REQUEST, GateFeed

_REST = "https://api.gateio.ws"
_TEST_REST = "https://api-testnet.gateapi.io"
# No limit of streams is published: 200 on one socket worked. So did 150 requests at once.
_LIMITS = SocketLimits(
    most_streams=200,
    messages_per_s=10,
    most_per_request=STREAMS_PER_REQUEST,
    connections=300,
    connections_window_s=300,
)
# The server closes what has been silent for 30 s; pings of ours come every 5 s, so that a dead socket is known soon.
_KEEPALIVE = Keepalive(ping="message", every_s=5)
# 200 in 10 s are for each call by itself; here all calls share them.
_REST_LIMITS = RestLimits(budget=200, window_s=10)

SPOT = GateFeed(
    Facts(
        venue="gateio",
        market="spot",
        main=Hosts(rest=_REST, ws="wss://api.gateio.ws"),
        test=Hosts(rest=_TEST_REST, ws="wss://ws-testnet.gate.com", paths={"public": "/v4/ws/spot"}),
        sockets={"public": "/ws/v4/"},
        channels={"book": "public", "trade": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        # More than 100 levels come from a cache that may be tens of seconds old.
        book=BookProtocol(snapshot="stream", stream_depths=(50, 400), rest_depths=(100,), rest_numbers="same"),
        trades=TradeProtocol(ids="consecutive", recent=1000),
        rest=_REST_LIMITS,
        maker_fee="0.002",
        taker_fee="0.002",
    ),
    "/api/v4/spot",
)

FUTURES = GateFeed(
    Facts(
        venue="gateio",
        market="futures",
        main=Hosts(rest=_REST, ws="wss://fx-ws.gateio.ws"),
        test=Hosts(rest=_TEST_REST, ws="wss://ws-testnet.gate.com", paths={"public": "/v4/ws/futures/usdt"}),
        sockets={"public": "/v4/ws/usdt"},
        channels={"book": "public", "trade": "public", "funding": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=BookProtocol(snapshot="stream", stream_depths=(50, 400), rest_depths=(300,), rest_numbers="same"),
        trades=TradeProtocol(ids="unordered", recent=1000),
        rest=_REST_LIMITS,
        maker_fee="0.0002",
        taker_fee="0.0005",
        quantities="contracts",
        headers={"X-Gate-Size-Decimal": "1"},
    ),
    "/api/v4/futures/usdt",
)

VENUE = Venue(id="gateio", name="Gate", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
