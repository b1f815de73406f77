"""Every record becomes exactly these rows (C-16, C-17, K4), and what a table cannot hold is refused by its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sinks.known import Key
from sinks.rows.catalogue import TABLES
from sinks.rows.deltas import DELTAS
from sinks.rows.funding import FUNDING
from sinks.rows.gaps import GAPS
from sinks.rows.snapshots import SNAPSHOTS
from sinks.rows.spreads import SPREADS
from sinks.rows.table import Table
from sinks.rows.trades import TRADES
from tapeline.errors import InvalidMessage
from tests.support.sinks import NOW_US, book, delta, funding, gap, spread, trade

S = "BTC/USDT"
WHO = ("bybit", "spot", S)


def at(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=NOW_US + us)


def rows(table: Table, *values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any record
    for value in values:
        table.check(value)
    found: list[dict[str, Any]] = table.columns(values).to_pylist()
    assert len(found) == sum(table.rows(value) for value in values)
    return found


HEAD = {"exchange_id": "bybit", "market_type": "spot", "pair": S}


def test_a_trade() -> None:
    assert rows(TRADES, trade(S, 1), trade(S, 2, sequence=None, backfilled=True, exact={"price": "1.0"})) == [
        {
            "ts": at(10_000),
            **HEAD,
            "trade_id": f"{S}-1",
            "side": 1,
            "price": 64_001.1,
            "amount": 0.5,
            "epoch": NOW_US,
            "sequence_num": 1,
            "backfilled": False,
            "received_ts": at(11_000),
            "published_ts": at(12_000),
            "exact": [],
        },
        {
            "ts": at(20_000),
            **HEAD,
            "trade_id": f"{S}-2",
            "side": 2,
            "price": 64_002.1,
            "amount": 0.5,
            "epoch": NOW_US,
            "sequence_num": None,
            "backfilled": True,
            "received_ts": at(21_000),
            "published_ts": at(22_000),
            "exact": [("price", "1.0")],
        },
    ]
    assert TRADES.key(trade(S, 1)) == Key(WHO, f"{S}-1", NOW_US + 10_000)


def test_c_17_a_book_whose_venue_gives_no_time_has_ours() -> None:
    exact = {"bid_prices[1]": "64000.0000000000000000001"}
    assert rows(SNAPSHOTS, book(S, 1, venue_us=None, state="stale", exact=exact)) == [
        {
            "ts": at(11_000),
            **HEAD,
            "bids": [{"price": 64_000.1, "amount": 0.5}, {"price": 64_000.0, "amount": 1.25}],
            "asks": [{"price": 64_000.2, "amount": 0.001}],
            "epoch": NOW_US,
            "sequence_num": 1,
            "state": 2,
            "depth": 20,
            "received_ts": at(11_000),
            "published_ts": at(12_000),
            "exact": list(exact.items()),
        }
    ]


def test_books_of_different_depth_keep_their_levels_apart() -> None:
    empty = book(S, 2, bid_prices=(), bid_quantities=(), ask_prices=(), ask_quantities=())
    assert [row["bids"] for row in rows(SNAPSHOTS, book(S, 1), empty, book(S, 3))] == [
        [{"price": 64_000.1, "amount": 0.5}, {"price": 64_000.0, "amount": 1.25}],
        [],
        [{"price": 64_000.1, "amount": 0.5}, {"price": 64_000.0, "amount": 1.25}],
    ]


def test_a_book_sent_again_is_the_same_and_so_is_one_gone_stale() -> None:
    sent = SNAPSHOTS.key(book(S, 1))
    assert sent == Key(WHO, (NOW_US, 1), NOW_US + 10_000)
    assert SNAPSHOTS.key(book(S, 1, published_us=NOW_US + 999_999)) == sent
    assert SNAPSHOTS.key(book(S, 1, state="stale")) == sent
    assert SNAPSHOTS.key(book(S, 1, epoch=NOW_US + 1)) != sent


def test_c_16_each_level_of_a_change_is_a_row_bids_first() -> None:
    shared = {
        "ts": at(11_000),
        **HEAD,
        "kind": 2,
        "epoch": NOW_US,
        "follows": 0,
        "sequence_num": 1,
        "received_ts": at(11_000),
        "published_ts": at(12_000),
    }
    found = rows(DELTAS, delta(S, 1, exact={"bid_prices[1]": "63999.00", "ask_quantities[0]": "0.0"}))
    assert found == [
        {**shared, "side": 1, "price": 64_000.1, "amount": 0.25, "action": 1, "level": 0, "exact": []},
        {
            **shared,
            "side": 1,
            "price": 63_999.0,
            "amount": 3.0,
            "action": 1,
            "level": 1,
            "exact": [("price", "63999.00")],
        },
        {**shared, "side": 2, "price": 64_000.2, "amount": 0.0, "action": 2, "level": 2, "exact": [("amount", "0.0")]},
    ]


def test_a_batch_without_levels_has_no_row_and_moves_no_other() -> None:
    empty = delta(S, 2, bid_prices=(), bid_quantities=(), ask_prices=(), ask_quantities=())
    found = rows(DELTAS, delta(S, 1), empty, delta(S, 3, kind="snapshot", follows=None))
    assert [(row["sequence_num"], row["level"], row["kind"], row["follows"]) for row in found] == [
        (1, 0, 2, 0),
        (1, 1, 2, 0),
        (1, 2, 2, 0),
        (3, 0, 1, None),
        (3, 1, 1, None),
        (3, 2, 1, None),
    ]


def test_the_snapshot_of_each_minute_is_not_the_change_before_it() -> None:
    assert DELTAS.key(delta(S, 1)) == Key(WHO, (NOW_US, 1, "change"), NOW_US + 11_000)
    assert DELTAS.key(delta(S, 1, kind="snapshot")) != DELTAS.key(delta(S, 1))


def test_a_gap_open_and_closed() -> None:
    open_gap = gap(S, 1, to_id=None, end_us=None)
    shared = {
        "start_ts": at(10_000),
        **HEAD,
        "channel": "book",
        "epoch": NOW_US,
        "from_id": "1",
        "to_epoch": None,
        "cause": "sequence",
        "backfilled": False,
        "detail": None,
        "published_ts": at(16_000),
    }
    assert rows(GAPS, open_gap, gap(S, 1)) == [
        {**shared, "end_ts": None, "to_id": None},
        {**shared, "end_ts": at(15_000), "to_id": "6"},
    ]
    assert GAPS.key(open_gap) != GAPS.key(gap(S, 1))


def test_k4_funding_whose_venue_gives_no_time_has_ours_and_a_resend_is_the_same() -> None:
    told = funding(S, 1, venue_us=None, exact={"rate": "0.00010000000000000000001"})
    assert rows(FUNDING, told) == [
        {
            "ts": at(11_000),
            **HEAD,
            "market_type": "futures",
            "rate": 0.0001,
            "mark_price": 64_000.15,
            "index_price": None,
            "next_ts": at(3_600_000_000),
            "interval_us": 28_800_000_000,
            "epoch": NOW_US,
            "received_ts": at(11_000),
            "published_ts": at(12_000),
            "exact": [("rate", "0.00010000000000000000001")],
        }
    ]
    assert FUNDING.key(funding(S, 1, published_us=NOW_US)) == FUNDING.key(funding(S, 1))


@pytest.mark.parametrize(
    "part", [{"rate": 0.0}, {"mark_price": 1.0}, {"index_price": 1.0}, {"next_us": None}, {"interval_us": None}]
)
def test_k4_parts_of_funding_of_one_moment_are_rows_of_their_own(part: dict[str, Any]) -> None:
    assert FUNDING.key(funding(S, 1, **part)) != FUNDING.key(funding(S, 1))


def test_a_spread() -> None:
    assert rows(SPREADS, spread(S, 1)) == [
        {
            "ts": at(11_000),
            "pair": S,
            "signal_id": f"{S}-1",
            "amount": 0.1,
            "buy_exchange_id": "bybit",
            "buy_market_type": "spot",
            "buy_epoch": NOW_US,
            "buy_sequence_num": 1,
            "buy_price": 64_000.2,
            "sell_exchange_id": "binance",
            "sell_market_type": "futures",
            "sell_epoch": NOW_US + 1,
            "sell_sequence_num": 8,
            "sell_price": 64_032.5,
            "gross": 0.0005,
            "fees": 0.002,
            "net": -0.0015,
            "first_received_ts": at(10_000),
            "published_ts": at(12_000),
        }
    ]
    assert SPREADS.key(spread(S, 1)) == Key((S,), f"{S}-1", NOW_US + 11_000)


@pytest.mark.parametrize(
    ("table", "value", "field"),
    [
        (TRADES, trade(S, 1, venue_us=-1), "venue_us"),
        (TRADES, trade(S, 1, received_us=2**62), "received_us"),
        (SNAPSHOTS, book(S, 1, bid_quantities=(1.0,)), "bid_quantities"),
        (SNAPSHOTS, book(S, 1, depth=-1), "depth"),
        (DELTAS, delta(S, 1, ask_prices=()), "ask_quantities"),
        (GAPS, gap(S, 1, end_us=-5), "end_us"),
        (FUNDING, funding(S, 1, next_us=-1), "next_us"),
        (SPREADS, {**spread(S, 1), "published_us": 2**63 - 1}, "published_us"),
    ],
)
def test_what_a_table_cannot_hold_is_refused_by_its_field(table: Table, value: object, field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        table.check(value)
    assert refused.value.field == field


def test_every_table_has_a_topic_of_its_own() -> None:
    assert [(table.topic, table.name) for table in TABLES] == [
        ("md.trade", "trades"),
        ("md.book", "orderbook_snapshots"),
        ("md.delta", "orderbook_deltas"),
        ("md.gap", "gaps"),
        ("md.funding", "funding"),
        ("signal.spread", "spreads"),
        ("order.event", "order_events"),
    ]
