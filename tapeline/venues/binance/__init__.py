"""Binance: spot, and USD-M perpetuals as futures; facts as data, each with its evidence.

`first` is the first event after a REST snapshot; "frames" are recorded ones.

| channel | role | rule | source |
|---|---|---|---|
| spot `@depth@100ms` | book | `U == last u + 1`; first: `U <= lastUpdateId + 1 <= u` | docs; 173 of 173 frames |
| futures `@depth@100ms` | book | `pu == last u`; first: `U <= lastUpdateId <= u` or `pu` equal to it | 760 of 760 |
| `@depth5`, `10`, `20` | not asked for | each frame is a whole book; on spot the stream's name has the symbol | docs |
| spot `@trade` | trade | ids leave none out | frames: 876 of 876 |
| futures `@aggTrade` | trade | ids leave none out | frames: 87 of 87 |
| futures `@markPrice@1s` | funding | each frame is whole | docs |
| `GET depth` | snapshot, cross-check | its `lastUpdateId` is the streams' numbering | docs; frames |
| `GET /api/v3/trades`, `/fapi/v1/aggTrades` | backfill | ids of the trade streams | docs |
| `!serverShutdown` | closing | open the next socket at once (spot) | docs of 2026-05 |

Both book rules are one: an event holds every change after `follows` up to `u`, with `follows` = `U - 1` on spot and
`pu` on futures, where ids jump because all symbols share them.

Futures sockets are routed: books on `/public`, trades and mark prices on `/market`; on the wrong one a subscription
is answered and stays silent. Futures `@trade` is undocumented, so trades come from `@aggTrade`. A frame of
the other stream, as recorded files hold them, is a trade with an id of its own; only one of both is asked for.

UNCONFIRMED: an unknown stream is acknowledged and stays silent; that futures allow more than 200 streams on a
connection; the cost of `GET /api/v3/trades` (25 in the docs as remembered, 10 in ccxt: the higher one is counted).
"""

from __future__ import annotations

from tapeline.venues.binance.ignored import IGNORED
from tapeline.venues.binance.market import BinanceFeed, Rules
from tapeline.venues.binance.rest import Paths
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

SPOT = BinanceFeed(
    Facts(
        venue="binance",
        market="spot",
        main=Hosts(rest="https://api.binance.com", ws="wss://stream.binance.com:9443"),
        test=Hosts(rest="https://testnet.binance.vision", ws="wss://stream.testnet.binance.vision"),
        sockets={"public": "/stream"},
        channels={"book": "public", "trade": "public"},
        limits=SocketLimits(
            most_streams=1024, messages_per_s=5, connections=300, connections_window_s=300, lifetime_s=86_400
        ),
        keepalive=Keepalive(ping="frame", every_s=5, server_ping_s=20, server_patience_s=60),
        book=BookProtocol(snapshot="rest", stream_depths=(0,), rest_depths=(100, 500, 1000, 5000), rest_numbers="same"),
        trades=TradeProtocol(ids="consecutive", recent=1000),
        rest=RestLimits(budget=6000, window_s=60, used_header="X-MBX-USED-WEIGHT-1M"),
        maker_fee="0.001",
        taker_fee="0.001",
    ),
    Rules(
        streams={"book": "@depth@100ms", "trade": "@trade"},
        chained=False,
        paths=Paths(
            prefix="/api/v3",
            trades="trades",
            trades_cost=25,
            instruments_cost=20,
            book_costs=((100, 5), (500, 25), (1000, 50), (5000, 250)),
        ),
    ),
)

FUTURES = BinanceFeed(
    Facts(
        venue="binance",
        market="futures",
        main=Hosts(rest="https://fapi.binance.com", ws="wss://fstream.binance.com"),
        test=Hosts(rest="https://testnet.binancefuture.com", ws="wss://fstream.binancefuture.com"),
        sockets={"public": "/public/stream", "market": "/market/stream"},
        channels={"book": "public", "trade": "market", "funding": "market"},
        limits=SocketLimits(
            most_streams=200, messages_per_s=10, connections=300, connections_window_s=300, lifetime_s=86_400
        ),
        keepalive=Keepalive(ping="frame", every_s=5, server_ping_s=180, server_patience_s=600),
        book=BookProtocol(
            snapshot="rest", stream_depths=(0,), rest_depths=(50, 100, 500, 1000), rest_numbers="same", rule="previous"
        ),
        trades=TradeProtocol(ids="consecutive", recent=1000),
        rest=RestLimits(budget=2400, window_s=60, used_header="X-MBX-USED-WEIGHT-1M"),
        maker_fee="0.0002",
        taker_fee="0.0005",
    ),
    Rules(
        streams={"book": "@depth@100ms", "trade": "@aggTrade", "funding": "@markPrice@1s"},
        chained=True,
        paths=Paths(
            prefix="/fapi/v1",
            trades="aggTrades",
            trades_cost=20,
            instruments_cost=1,
            book_costs=((50, 2), (100, 5), (500, 10), (1000, 20)),
        ),
    ),
)

VENUE = Venue(id="binance", name="Binance", feeds={"spot": SPOT, "futures": FUTURES}, is_traded=True, ignored=IGNORED)
