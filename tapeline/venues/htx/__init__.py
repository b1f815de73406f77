"""HTX: spot, and USDT-margined linear perpetuals as futures; facts as data, each with its evidence.

| channel | role | rule | source |
|---|---|---|---|
| spot `mbp.150`, `mbp.400` on /feed | book | `prevSeqNum == last seqNum`; a frame without levels counts too | docs |
| `req` of the same topic | snapshot | same socket, same depth; goes on where `prevSeqNum == its seqNum` | docs |
| futures `depth.size_20`, `size_150` `.high_freq` | book | `version == last version + 1` on one connection | docs |
| the same, `event` snapshot | book | replaces the book; a new connection counts from elsewhere | docs |
| `depth.step0` (`step6`), `mbp.refresh.N` | not asked for | each frame is a whole book | frames: 965 of 965 |
| spot `trade.detail` | trade | `tradeId` is the id: `id` has 27 digits | docs; frames |
| futures `trade.detail` | trade | `amount` in contracts; `quantity` is the same in base | docs; frames |
| `mark_price.1min`, `index.1min` on /ws_index | funding | a candle's `close` is the price now | docs; a probe, below |
| `GET swap_funding_rate` | funding | rate, and `funding_time`: the settlement to come | docs; the probe |
| `GET depth` | cross-check | its `version` counts otherwise, so only time compares | docs |
| `GET history/trade` | backfill | spot calls the id `trade-id`; rows as on the stream | docs; bodies |

Every frame of the server is gzip; ours are plain JSON. It pings each 5 s and wants the same number back, within two
pings on spot and five on futures. Requests name one topic each and their answers carry the id.

The rate is also pushed, on /linear-swap-notification with another protocol (`op`, its own ping): `decode` knows it, but
a channel has one socket here, and mark and index prices stream on /ws_index alone. So the rate, which HTX works out
every 5 s, is asked for over REST. The probe is one published in 2026-09, of live sockets and calls. There is no test
network.

UNCONFIRMED: whether the `amount` of a futures trade counts both sides, so that half of it was traded (the docs say so
of volumes, and 14 of 14 recorded amounts are even; taken as it is written here); that spot trade ids leave
none out (5 of 5 recorded steps do not; not relied on); that levels which fall out of the streamed depth are deleted;
that HTX answers the WebSocket protocol's own ping; numbers across a maintenance; that `mbp.400` exists for every
symbol; streams and connections allowed; the `data_type` of an unsubscription; the taker fee of futures (0.0005 to
0.0006: the higher one is counted).
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
from tapeline.venues.htx.ignored import IGNORED
from tapeline.venues.htx.market import HtxFeed

_SPOT_HOSTS = Hosts(rest="https://api.huobi.pro", ws="wss://api.huobi.pro")
_FUTURES_HOSTS = Hosts(rest="https://api.hbdm.com", ws="wss://api.hbdm.com")

SPOT = HtxFeed(
    Facts(
        venue="htx",
        market="spot",
        main=_SPOT_HOSTS,
        test=None,
        sockets={"feed": "/feed", "market": "/ws"},
        channels={"book": "feed", "trade": "market"},
        # Requests for a snapshot must be 100 ms apart when they arrive.
        limits=SocketLimits(
            most_streams=100,
            messages_per_s=10,
            most_per_request=1,
            connections=30,
            connections_window_s=60,
            apart_s=0.12,
        ),
        keepalive=Keepalive(ping="frame", every_s=5, server_ping_s=5, server_patience_s=10),
        book=BookProtocol(
            snapshot="request",
            stream_depths=(150, 400),
            rest_depths=(5, 10, 20, 150),
            rest_numbers="other",
            rule="previous",
        ),
        trades=TradeProtocol(ids="unordered", recent=2000),
        rest=RestLimits(budget=10, window_s=1),
        maker_fee="0.002",
        taker_fee="0.002",
    ),
)

FUTURES = HtxFeed(
    Facts(
        venue="htx",
        market="futures",
        main=_FUTURES_HOSTS,
        test=None,
        sockets={"market": "/linear-swap-ws", "index": "/ws_index"},
        channels={"book": "market", "trade": "market", "funding": "index"},
        limits=SocketLimits(
            most_streams=100, messages_per_s=40, most_per_request=1, connections=30, connections_window_s=60
        ),
        keepalive=Keepalive(ping="frame", every_s=5, server_ping_s=5, server_patience_s=25),
        book=BookProtocol(snapshot="stream", stream_depths=(20, 150), rest_depths=(150,), rest_numbers="other"),
        trades=TradeProtocol(ids="unordered", recent=2000),
        rest=RestLimits(budget=240, window_s=3),
        maker_fee="0.0002",
        taker_fee="0.0006",
        quantities="contracts",
        funding_poll_s=10,
    ),
)

VENUE = Venue(id="htx", name="HTX", feeds={"spot": SPOT, "futures": FUTURES}, ignored=IGNORED)
