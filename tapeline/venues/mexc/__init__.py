"""MEXC: spot v3, and contract v1 perpetuals as futures; facts as data, each with its evidence.

"wire" is what others recorded in 2026-09; no recorded stretch of frames exists here.

| channel | role | rule | source |
|---|---|---|---|
| spot `aggre.depth@100ms` | book | `fromVersion == last toVersion + 1`; a snapshot may fall inside | docs; clients |
| spot `aggre.deals@100ms` | trade | ids are new and may be empty: no hole can be seen | docs |
| spot `limit.depth` | not asked for | each frame is the whole top | docs |
| spot `GET depth` | snapshot, cross-check | `lastUpdateId` counts as the versions do | docs |
| futures `sub.depth` | book | `begin == last end + 1`; unmerged `version == last + 1` | wire: 50,319 frames, 0 gaps |
| futures `sub.deal` | trade | `i` is new: without it no hole can be seen | docs |
| futures `sub.funding.rate`, `.fair.price`, `.index.price` | funding | each tells its own part | docs; wire |
| futures `GET depth/{symbol}` | snapshot, cross-check | `version` is the stream's | docs; wire: equal levels |
| futures `GET funding_rate/{symbol}` | funding | the only one that tells the interval | docs |

Spot speaks protobuf (`protobuf`), futures JSON. Refusals of spot have code 0 and "Not Subscribed" in their text. A
success of futures names a channel and no contract, so it is the oldest unanswered one's; an unknown contract is named
by its error, which is then told of all its channels. A Want of funding asks for three streams; the answer to the
first one speaks for it. Traffic keeps no futures socket open, only our pings do.

There is no test net: `test` names hosts that do not exist, so that nothing of ours reaches real markets by mistake.

UNCONFIRMED: that spot versions leave nothing out when MEXC changes servers (a violation is a hole like any other);
that an answer to UNSUBSCRIPTION on spot reads like one to SUBSCRIPTION; the cost of spot's `trades` (5 as remembered)
and that it gives 1000, as futures' `deals` give 100; that REST trades carry the streams' ids (none were seen, so no
trade is looked up there); which of `limitOrderMaxVol` and `limitMaxVol` limits an order; futures' closing words (those
of a sister venue); how many subscriptions a futures socket takes (150 worked); new connections in a time; fees after
2026-05 (`contract/detail` is believed); what HTTP 403 means (a firewall's cut, as the docs say of the limit).
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
from tapeline.venues.mexc.futures_market import FuturesFeed
from tapeline.venues.mexc.ignored import IGNORED
from tapeline.venues.mexc.spot_market import SpotFeed

# Pings of ours come every 5 s, so that a dead socket is known within 7 s; MEXC itself asks for one in 60 s.
_KEEPALIVE = Keepalive(ping="message", every_s=5)

SPOT = SpotFeed(
    Facts(
        venue="mexc",
        market="spot",
        main=Hosts(rest="https://api.mexc.com", ws="wss://wbs-api.mexc.com"),
        test=None,
        sockets={"public": "/ws"},
        channels={"book": "public", "trade": "public"},
        # MEXC takes a hundred messages a second.
        limits=SocketLimits(
            most_streams=30,
            messages_per_s=50,
            most_per_request=30,
            connections=100,
            connections_window_s=300,
            lifetime_s=86_400,
        ),
        keepalive=_KEEPALIVE,
        book=BookProtocol(snapshot="rest", stream_depths=(0,), rest_depths=(100, 500, 1000, 5000), rest_numbers="same"),
        trades=TradeProtocol(ids="none", recent=1000),
        # 500 in ten seconds by the docs, twenty requests a second by its support: the smaller one.
        rest=RestLimits(budget=200, window_s=10),
        maker_fee="0",
        taker_fee="0.0005",
    )
)

FUTURES = FuturesFeed(
    Facts(
        venue="mexc",
        market="futures",
        main=Hosts(rest="https://api.mexc.com", ws="wss://contract.mexc.com"),
        test=None,
        sockets={"public": "/edge"},
        channels={"book": "public", "trade": "public", "funding": "public"},
        # Books, trades and funding of 30 contracts are the 150 subscriptions that worked at 20 a second.
        limits=SocketLimits(
            most_streams=90, messages_per_s=20, most_per_request=1, connections=100, connections_window_s=300
        ),
        keepalive=_KEEPALIVE,
        book=BookProtocol(snapshot="rest", stream_depths=(0,), rest_depths=(100, 500, 1000), rest_numbers="same"),
        trades=TradeProtocol(ids="none", recent=100),
        rest=RestLimits(budget=20, window_s=2),
        maker_fee="0",
        taker_fee="0.0002",
        quantities="contracts",
        funding_poll_s=300,
    )
)

VENUE = Venue(id="mexc", name="MEXC", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
