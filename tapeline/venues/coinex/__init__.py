"""CoinEx v2: spot, and linear perpetuals as futures; facts as data, each with its evidence.

**The venue is closing.** It was reported (one source and its own looks at the wire in 2026-09) that futures ceased on
2026-09-22, that spot was to cease on 2026-09-29 and that withdrawals end on 2026-12-22. Its API went on answering with
every market "online", `is_market_available` false, and empty books: those never become valid here. This is built to
its documented protocol and to frames of that shape; no book of it was ever recorded whole.

| channel | role | rule | source |
|---|---|---|---|
| `depth.subscribe`, limit 50 | book | whole first, then changes; the checksum of the whole window after each | docs |
| the same, `is_full` true | book | the whole window again, about every minute | docs |
| `deals.subscribe` | trade | ids have no promised order; the first push is of recent trades | docs; frames |
| `state.subscribe` (futures) | funding | rates, times, mark and index price; each state is whole | docs; frames |
| `GET depth` | snapshot, cross-check | the stream's own object, with checksum and `updated_at` | docs; one answer |
| `GET deals` | backfill | `deal_id` is the stream's | docs |

A book has no number: `updated_at` orders what comes, and the checksum alone tells a hole. It is the CRC-32 of all bids
and then all asks, each best first, price and amount as they were written, joined by colons. It is written signed and
unsigned, so it is compared modulo 2^32. 50 levels a side are all there is: what leaves them is not told. A book that
fails its checksum is had from REST, so that no subscription of others is touched, or from the next whole push.

Every frame of the server is compressed (gzip or zlib). One JSON ping at least every 60 s, or the socket is closed
without a word. An unknown market is acknowledged and stays silent. Trades come newest first and are turned; those of
the first push were made before we asked: each is taken once, by its id.

UNCONFIRMED: the checksum on a live book; that levels which leave the window are not deleted explicitly (both are
borne); that `GET depth` answers on the stream's clock and that its checksum is of the levels asked for (an answer that
does not fit is refused by its checksum); that a second subscription of a channel on a socket leaves the first standing
(one frame names all markets of a channel); that `next_funding_rate` is what is paid at `next_funding_time`, and that
the time since the latest funding is the interval; limits of sockets, streams and messages, which are published nowhere;
everything after 2026-09-23.
"""

from __future__ import annotations

from tapeline.domain.checksum import ChecksumRule
from tapeline.venues.coinex.ignored import IGNORED
from tapeline.venues.coinex.market import CoinexFeed
from tapeline.venues.coinex.reading import checksum
from tapeline.venues.coinex.rest import WINDOW
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

_MAIN = Hosts(rest="https://api.coinex.com", ws="wss://socket.coinex.com")
# None is published: far below what one frame with all its 221 contracts was seen to take.
_LIMITS = SocketLimits(most_streams=150, messages_per_s=5, connections=30, connections_window_s=300)
# Pings of ours come every 5 s, so that a dead socket is known within 7 s; CoinEx itself asks for one in 60 s.
_KEEPALIVE = Keepalive(ping="message", every_s=5)
_BOOK = BookProtocol(
    snapshot="rest",
    stream_depths=(WINDOW,),
    rest_depths=(WINDOW,),
    rest_numbers="same",
    rule="skipping",
    checksum=ChecksumRule(levels=WINDOW, of=checksum),
)
_TRADES = TradeProtocol(ids="unordered", recent=1000)
_REST = RestLimits(budget=400, window_s=1)

SPOT = CoinexFeed(
    Facts(
        venue="coinex",
        market="spot",
        main=_MAIN,
        test=None,
        sockets={"public": "/v2/spot"},
        channels={"book": "public", "trade": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.002",
        taker_fee="0.002",
    )
)

FUTURES = CoinexFeed(
    Facts(
        venue="coinex",
        market="futures",
        main=_MAIN,
        test=None,
        sockets={"public": "/v2/futures"},
        channels={"book": "public", "trade": "public", "funding": "public"},
        limits=_LIMITS,
        keepalive=_KEEPALIVE,
        book=_BOOK,
        trades=_TRADES,
        rest=_REST,
        maker_fee="0.0003",
        taker_fee="0.0005",
    )
)

VENUE = Venue(
    id="coinex", name="CoinEx (closing)", feeds={"spot": SPOT, "futures": FUTURES}, is_closing=True, ignored=IGNORED
)
