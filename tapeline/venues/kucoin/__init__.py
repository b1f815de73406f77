"""KuCoin: spot, and linear perpetuals as futures; facts as data, each with its evidence.

"wire" is a public probe of September 2026, "page" the venue's own page of the channel, "frames" are recorded ones.

| channel | role | rule | source |
|---|---|---|---|
| `obu` at `increment@10ms` | book | a snapshot, then `O == last C + 1` | page; wire: 8,650 of 8,650 deltas of futures |
| `obu` at `50` and `5` | whole books | each replaces the one before | page; wire |
| `trade` | trade | ids rise and leave most numbers out: no hole can be seen | page; wire |
| `funding-fee` | funding | rate, next time and interval, once a minute | page; wire |
| `mark-price` | funding | mark and index price, once a second | page; wire |
| classic `/market/level2` | book | `sequenceStart == last sequenceEnd + 1`, price 0 fills | frames: 2,672 of 2,672 |
| classic `/contractMarket/level2` | book | `sequence == last + 1` | page; wire: 12,373 of 12,373 |
| classic `level2Depth5`, `50` | whole books | each replaces the one before; spot has no number | page |
| `GET level2_100`, `level2/snapshot` | cross-check | its `sequence` is the streams' numbering | wire, of futures |
| `GET ua/v1/market/trade`, `trade/history` | trades | `tradeId` is the stream's `ti` | page |

The unified sockets need no token and send their books' snapshots by themselves, 0.5 to 6.2 s after the answer. `O <=
last C` with `C > last C` is allowed by the page and was never sent: it is a hole here. Levels that fall out of the best
500 are told as quantity 0. Frames are binary messages of plain JSON. An unknown symbol is answered with success and
stays silent. Subscribing twice sends no second snapshot: a stream is given up before it is asked for again. Quantities
of futures are lots; BTC is called XBT there. Funding comes on two streams, so that one want makes two frames. A pair
keeps its name when a coin is renamed (BCHSV-BTC is BSV/BTC): then the list alone knows it, `native` does not.

There is no test network.

UNCONFIRMED: spot's `obu` (samples alone, no probe) and that its numbers are those of spot's REST; that a stream may be
asked for before the `welcome` frame; how much `GET ua/v1/market/trade` costs, and that it counts with the rest (6 in
another client); the cost of `level2_100` and `depth100` (the higher of two tellings is counted).
"""

from __future__ import annotations

from tapeline.venues.contract import (
    BookProtocol,
    Facts,
    Hosts,
    Keepalive,
    Request,
    RestLimits,
    SocketLimits,
    TradeProtocol,
    Venue,
)
from tapeline.venues.kucoin.ignored import IGNORED
from tapeline.venues.kucoin.market import KucoinFeed
from tapeline.venues.kucoin.rest import Calls

_SPOT_HOSTS = Hosts(rest="https://api.kucoin.com", ws="wss://x-push-spot.kucoin.com")
_FUTURES_HOSTS = Hosts(rest="https://api-futures.kucoin.com", ws="wss://x-push-futures.kucoin.com")
_SOCKETS = {"public": "/"}
# Pings of ours come every 5 s, so that a dead socket is known within 7 s; KuCoin itself asks for one in 18 s.
_KEEPALIVE = Keepalive(ping="message", every_s=5)
_TRADES = TradeProtocol(ids="unordered", recent=100)
_REST = RestLimits(budget=2000, window_s=30)

SPOT = KucoinFeed(
    Facts(
        venue="kucoin",
        market="spot",
        main=_SPOT_HOSTS,
        test=None,
        sockets=_SOCKETS,
        channels={"book": "public", "trade": "public"},
        limits=SocketLimits(
            most_streams=600, messages_per_s=30, most_per_request=1, connections=250, connections_window_s=300
        ),
        keepalive=_KEEPALIVE,
        book=BookProtocol(snapshot="stream", stream_depths=(500,), rest_depths=(20, 100), rest_numbers="same"),
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.001",
        taker_fee="0.001",
    ),
    Calls(
        trade_type="SPOT",
        books=((20, "/api/v1/market/orderbook/level2_20", 2), (100, "/api/v1/market/orderbook/level2_100", 4)),
        trades=Request(path="/api/ua/v1/market/trade", query=(("tradeType", "SPOT"),), cost=6),
        instruments=Request(path="/api/v2/symbols", cost=4),
    ),
)

FUTURES = KucoinFeed(
    Facts(
        venue="kucoin",
        market="futures",
        main=_FUTURES_HOSTS,
        test=None,
        sockets=_SOCKETS,
        channels={"book": "public", "trade": "public", "funding": "public"},
        # A want of funding takes two of the 600 topics of a connection.
        limits=SocketLimits(
            most_streams=300, messages_per_s=30, most_per_request=1, connections=250, connections_window_s=300
        ),
        keepalive=_KEEPALIVE,
        book=BookProtocol(snapshot="stream", stream_depths=(500,), rest_depths=(20, 100, 1000), rest_numbers="same"),
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.0002",
        taker_fee="0.0006",
        quantities="contracts",
    ),
    Calls(
        trade_type="FUTURES",
        books=(
            (20, "/api/v1/level2/depth20", 5),
            (100, "/api/v1/level2/depth100", 10),
            (1000, "/api/v1/level2/snapshot", 3),
        ),
        trades=Request(path="/api/v1/trade/history", cost=5),
        instruments=Request(path="/api/v1/contracts/active", cost=3),
    ),
)

VENUE = Venue(id="kucoin", name="KuCoin", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
