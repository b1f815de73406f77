"""One record of each kind that the gateway shows, and beside it what people see of it."""

from __future__ import annotations

from typing import Any

import msgspec

from tapeline.domain.events import Alert, Book, Gap, Heartbeat
from tapeline.domain.spread import Spread
from tests.support.records import BOOK

Json = dict[str, Any]
NOW_US = 1_790_000_001_000_000
SYMBOL = "BTC/USDT"


def book(symbol: str = SYMBOL, number: int = 1, venue: str = "bybit", at_us: int = NOW_US, **other: Any) -> Book:  # noqa: ANN401 - any field
    """Return a book of two levels a side that was published at this time."""
    changed = {"sequence": number, "received_us": at_us - 400, "published_us": at_us, **other}
    return msgspec.structs.replace(BOOK, venue=venue, symbol=symbol, **changed)


def seen(of: Book, state: str = "valid", depth: int = 2) -> Json:
    """Return what people see of a book made by `book`."""
    return {
        "instrument": of.key, "venue": of.venue, "market": of.market, "symbol": of.symbol, "state": state,
        "depth": depth, "bids": [["64000.1", "0.5"], ["64000.0000000000000000001", "1.25"]][:depth],
        "asks": [["64000.2", "0.001"], ["64000.3", "3.0"]][:depth], "epoch": of.epoch, "sequence": of.sequence,
        "conflated": 4, "venue_us": of.venue_us, "received_us": of.received_us, "published_us": of.published_us,
    }  # fmt: skip


def spread(buy: Book, sell: Book) -> Spread:
    """Return a spread between two books."""
    return Spread(
        signal_id="2f6b0c1e-6f0c-5b53-9d3f-0d7d6f3f7a11",
        symbol=buy.symbol,
        quantity=0.1,
        buy_venue=buy.venue,
        buy_market=buy.market,
        buy_epoch=buy.epoch,
        buy_sequence=buy.sequence,
        buy_price=64000.2,
        sell_venue=sell.venue,
        sell_market=sell.market,
        sell_epoch=sell.epoch,
        sell_sequence=sell.sequence,
        sell_price=64192.0,
        gross=0.003,
        fees=0.0022,
        net=8e-04,
        first_received_us=buy.first_received_us,
        received_us=max(buy.received_us, sell.received_us),
        published_us=max(buy.published_us, sell.published_us),
    )


def seen_spread(of: Spread, state: str = "valid") -> Json:
    """Return what people see of a spread made by `spread`."""
    return {
        "signal_id": of.signal_id, "symbol": of.symbol, "state": state, "quantity": "0.1",
        "buy": {
            "venue": of.buy_venue, "market": of.buy_market, "price": "64000.2", "epoch": of.buy_epoch,
            "sequence": of.buy_sequence,
        },
        "sell": {
            "venue": of.sell_venue, "market": of.sell_market, "price": "64192.0", "epoch": of.sell_epoch,
            "sequence": of.sell_sequence,
        },
        "gross": "0.003", "fees": "0.0022", "net": "0.0008", "first_received_us": of.first_received_us,
        "received_us": of.received_us, "published_us": of.published_us,
    }  # fmt: skip


def gap(symbol: str = SYMBOL) -> Gap:
    """Return a hole in a book; people see it field for field."""
    return Gap(
        venue="bybit",
        market="spot",
        symbol=symbol,
        channel="book",
        epoch=BOOK.epoch,
        from_id="177400507",
        to_id="177400512",
        start_us=NOW_US - 300_000,
        end_us=NOW_US - 100_000,
        cause="sequence",
        published_us=NOW_US,
    )


def alert(name: str = "7b1d5a0c9e6f4f3d8a2b1c0d9e8f7a6b") -> Alert:
    """Return an alert; people see it field for field."""
    return Alert(
        alert_id=name,
        severity="warning",
        code="broker_silent",
        message="the broker does not answer",
        fix="look at its log",
        context={"process": "kafka"},
        process="supervisor",
        host="server-1",
        at_us=NOW_US,
    )


def beat(name: str = "sinks-a", at_us: int = NOW_US, **other: Any) -> Heartbeat:  # noqa: ANN401 - any field
    """Return a heartbeat of a process that beats every 5 s."""
    fields: Json = {
        "process": name, "service": "sinks", "status": "online", "latency_us": 1_800, "lag": {"md.book": 3},
        "version": "0.1.0", "pid": 41, "host": "server-1", "started_us": NOW_US - 60_000_000, "interval_us": 5_000_000,
        "at_us": at_us,
    }  # fmt: skip
    return Heartbeat(**fields | other)


def seen_process(of: Heartbeat, age_s: float, status: str = "online") -> Json:
    """Return what people see of a heartbeat made by `beat`, so old."""
    return {
        "name": of.process, "service": "sinks", "status": status, "lag": {"md.book": 3}, "version": "0.1.0",
        "latency_us": 1_800, "age_s": age_s,
    }  # fmt: skip


def plain_view(of: object) -> Any:  # noqa: ANN401 - JSON
    """Return a view as the JSON that people get."""
    return msgspec.json.decode(msgspec.json.encode(of))
