"""BingX: spot, and USDT- and USDC-margined swaps as futures; facts as data, each with its evidence.

| channel | role | rule | source |
|---|---|---|---|
| `{symbol}@incrDepth`, `all` | book | replaces the book; the first frame, up to 1,024 levels a side | docs; seen |
| the same, `update` | book | any `lastUpdateId` above the last: numbers skip, nothing is lost | seen, not docs |
| `{symbol}@depth{n}` | - | best levels, each frame a whole book; decoded, never asked for | docs; 155 recorded frames |
| `{symbol}@trade`, spot | trade | ids, which may come out of order | docs |
| `{symbol}@trade`, swaps | trade | no id, and many equal ones: ours is made of the trade | docs; sample frames |
| `{symbol}@markPrice` (swaps) | funding | the mark price alone | docs; sample frames |
| `GET premiumIndex` | funding | rate, prices, next time, interval: polled, as no stream tells them | docs; seen |
| `GET depth` | cross-check | has a time and no number | docs; samples |
| `GET trades` | backfill | spot: the ids of the stream; swaps: none that the stream has | docs; samples |

Every frame of the server is gzip'd, its pings and answers too. It pings each 5 s and closes 30 s after an unanswered
one: the text `Ping` on swaps, JSON on spot. One topic per request, 200 per connection, fewer than ten requests a
second. Refusals come with HTTP 200. A refused topic may still send a frame: it means nothing without a good answer.

The docs want `lastUpdateId` to rise by one and a reconnect else. On 199 streams numbers skipped 257 to 490 times a
minute, by 2 to 9, while the books stayed those of REST. So a hole cannot be seen: a book that lost a change shows
itself by crossing, or by the cross-check, which looks every 5 s however much comes. Frames of bookTicker were seen 22
minutes old and are not used.

UNCONFIRMED: that spot's `lastUpdateId` skips too; where spot's incremental frame keeps its time (`time` or
`timestamp`, both are read); that levels beyond the first frame's are told when they come near (the docs call it a
stream of 1,000 levels); that spot's REST and stream count trades alike; that the server answers the protocol's own
pings; how long HTTP 418 bans. Spot has no demo: its test hosts are those of the swaps' demo, which refuse it.
"""

from __future__ import annotations

from tapeline.venues.bingx.ignored import IGNORED
from tapeline.venues.bingx.market import BingxFeed
from tapeline.venues.bingx.rest import Paths
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

_REST = "https://open-api.bingx.com"
_TEST = Hosts(rest="https://open-api-vst.bingx.com", ws="wss://vst-open-api-ws.bingx.com")
# An address may hold 60 connections; how fast it may open them is not said.
_LIMITS = SocketLimits(most_streams=200, messages_per_s=8, most_per_request=1, connections=60, connections_window_s=300)
_KEEPALIVE = Keepalive(ping="frame", every_s=5, server_ping_s=5, server_patience_s=30)
_BOOK = BookProtocol(
    snapshot="stream",
    stream_depths=(0,),
    rest_depths=(5, 10, 20, 50, 100, 500, 1000),
    rest_numbers="other",
    rule="skipping",
)
# Of each call by itself; all are counted together here, as its header tells what is left and not what was used.
_BUDGET = RestLimits(budget=500, window_s=10)

SPOT = BingxFeed(
    Facts(
        venue="bingx",
        market="spot",
        main=Hosts(rest=_REST, ws="wss://open-api-ws.bingx.com"),
        test=None,
        sockets={"public": "/market"},
        channels={"book": "public", "trade": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=TradeProtocol(ids="unordered", recent=500),
        rest=_BUDGET,
        maker_fee="0.001",
        taker_fee="0.001",
    ),
    Paths(
        instruments="/openApi/spot/v1/common/symbols",
        book="/openApi/spot/v1/market/depth",
        trades="/openApi/spot/v1/market/trades",
    ),
)

FUTURES = BingxFeed(
    Facts(
        venue="bingx",
        market="futures",
        main=Hosts(rest=_REST, ws="wss://open-api-swap.bingx.com"),
        test=_TEST,
        sockets={"public": "/swap-market"},
        channels={"book": "public", "trade": "public", "funding": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=TradeProtocol(ids="none", recent=1000),
        rest=_BUDGET,
        maker_fee="0.0002",
        taker_fee="0.0005",
        funding_poll_s=30,
    ),
    Paths(
        instruments="/openApi/swap/v2/quote/contracts",
        book="/openApi/swap/v2/quote/depth",
        trades="/openApi/swap/v2/quote/trades",
        funding="/openApi/swap/v2/quote/premiumIndex",
    ),
)

VENUE = Venue(id="bingx", name="BingX", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
