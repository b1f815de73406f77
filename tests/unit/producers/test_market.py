"""DESIGN 6, producers: frames in, records in the outbox, and for the shell only what to send and to fetch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from producers.actions import FetchBook, FetchFunding, FetchTrades, Send
from producers.market import MarketFeed, Record
from producers.pool import Slot
from producers.spans import span_of
from producers.tail import Tails
from tapeline.domain.book import BookSnapshot
from tapeline.domain.events import Book, DeltaBatch, Funding, Gap, OfInstrument, Trade
from tapeline.errors import InvalidMessage
from tapeline.venues.binance import SPOT as BINANCE
from tapeline.venues.bybit import FUTURES as BYBIT
from tapeline.venues.bybit.market import BybitFeed
from tapeline.venues.contract import Ask, Facts, Feed, FundingUpdate, Want

S = 1_000_000
SLOT = Slot("public", 1)
BTC = OfInstrument(venue="bybit", market="futures", symbol="BTC/USDT")
ETH = OfInstrument(venue="bybit", market="futures", symbol="ETH/USDT")
WANTS = tuple(Want(channel=channel, native="BTCUSDT") for channel in BYBIT.facts.channels)


class Market:
    """A market feed with the records that it made, by topic."""

    def __init__(
        self,
        feed: Feed = BYBIT,
        most_waiting: int = 1_000,
        tails: Tails | None = None,
        sizes: dict[str, Decimal] | None = None,
    ) -> None:
        self.made: list[tuple[str, Record]] = []
        self.feed = MarketFeed(
            feed,
            {"BTCUSDT": BTC, "ETHUSDT": ETH},
            encode=self._encode,
            partitions=4,
            depth=20,
            most_waiting=most_waiting,
            tails=tails,
            sizes=sizes,
        )

    def _encode(self, topic: str, record: Record) -> bytes:
        self.made.append((topic, record))
        return msgspec.json.encode(record)

    def records(self) -> list[Record]:
        """Return what was made since the last call."""
        found, self.made = [record for _, record in self.made], []
        return found


def frame(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def book(kind: str, update: int, bid: str = "9", native: str = "BTCUSDT") -> bytes:
    data = {"s": native, "b": [[bid, str(update)]], "a": [["10", "1"]], "u": update, "seq": update}
    return b'{"topic":"orderbook.50.%s",' % native.encode() + frame(type=kind, ts=update, data=data)[1:]


def trade(number: int) -> bytes:
    deal = {"T": number, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "10", "i": f"t{number}", "seq": number}
    return frame(topic="publicTrade.BTCUSDT", type="snapshot", ts=number, data=[deal])


def sent(actions: list[object] | object) -> list[tuple[str, list[str]]]:
    assert isinstance(actions, list)
    frames = [json.loads(one.frame) for one in actions if isinstance(one, Send)]
    return [(one["op"], one["args"]) for one in frames]


def running() -> Market:
    """Return a market whose book of BTC is valid at 10 and whose trades are connected, at 1 s."""
    market = Market()
    market.feed.connected(SLOT, WANTS, S)
    market.feed.frame(SLOT, frame(success=True, ret_msg="", op="subscribe", req_id="1"), S)
    market.feed.frame(SLOT, book("snapshot", 10), S)
    market.records()
    return market


def test_c_05_a_connection_asks_for_all_that_it_carries() -> None:
    actions = Market().feed.connected(SLOT, WANTS, S)
    assert sent(actions) == [("subscribe", ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "tickers.BTCUSDT"])]


def test_frames_become_records_in_their_topics() -> None:
    market = running()
    market.feed.frame(SLOT, book("delta", 11), 2 * S)
    market.feed.frame(SLOT, trade(5), 2 * S)
    ticker = {"symbol": "BTCUSDT", "fundingRate": "0.0001", "nextFundingTime": "5"}
    market.feed.frame(SLOT, frame(topic="tickers.BTCUSDT", type="snapshot", ts=5, data=ticker), 2 * S)
    assert [topic for topic, _ in market.made] == ["md.delta", "md.trade", "md.funding"]
    (due,) = market.feed.due(2 * S)
    assert (due[0].key, due[0].conflated, market.made[-1][0]) == ("bybit:futures:BTC/USDT", 1, "md.book")
    batches = Counter({batch.topic: len(batch.entries) for batch in market.feed.buffer.take()})
    assert batches == {"md.delta": 2, "md.trade": 1, "md.funding": 1}


def test_a_book_that_is_sent_again_has_no_old_tick() -> None:
    market = running()
    for due, _, _ in market.feed.due(S):
        market.feed.books.done(due.key)
    market.records()
    market.feed.tick(20 * S)
    _ = market.feed.due(20 * S)
    (again,) = (one for one in market.records() if isinstance(one, Book))
    assert (again.received_us, again.first_received_us, again.published_us) == (S, 20 * S, 20 * S)


def test_a_hole_resubscribes_that_book_alone() -> None:
    market = running()
    actions = market.feed.frame(SLOT, book("delta", 12), 2 * S)
    assert sent(actions) == [("unsubscribe", ["orderbook.50.BTCUSDT"]), ("subscribe", ["orderbook.50.BTCUSDT"])]
    (gap,) = market.records()
    assert isinstance(gap, Gap)
    assert (gap.channel, gap.from_id, gap.cause, gap.end_us) == ("book", "10", "sequence", None)


def test_where_snapshots_come_over_rest_they_are_fetched() -> None:
    market = Market(BINANCE)
    (asked,) = market.feed.connected(SLOT, (Want(channel="book", native="BTCUSDT"),), S)
    assert isinstance(asked, Send)
    market.feed.sent(asked, S)
    market.feed.frame(SLOT, frame(result=None, id=1), S)
    assert market.feed.tick(2 * S) == [FetchBook("BTCUSDT", check=False)]
    assert market.feed.book_failed("BTCUSDT", "HTTP 500", 2 * S, 3.0, check=False) == []
    assert market.feed.tick(5 * S) == [FetchBook("BTCUSDT", check=False)]
    snapshot = BookSnapshot(
        native="BTCUSDT",
        sequence=7,
        replaces=False,
        bid_prices=(9.0,),
        bid_quantities=(1.0,),
        ask_prices=(10.0,),
        ask_quantities=(1.0,),
        received_us=5 * S,
    )
    assert market.feed.book_fetched("BTCUSDT", snapshot, 5 * S, check=False) == []
    (record,) = market.records()
    assert isinstance(record, DeltaBatch)
    assert (record.kind, record.sequence) == ("snapshot", 7)


def test_x_05_a_lost_socket_makes_books_stale_and_trades_missing_and_the_next_one_repairs_both() -> None:
    market = running()
    market.feed.frame(SLOT, trade(5), S)
    market.records()
    market.feed.lost(SLOT, WANTS, "disconnect", "cut", 2 * S)
    gaps = market.records()
    assert [(gap.channel, gap.cause) for gap in gaps if isinstance(gap, Gap)] == [
        ("book", "disconnect"),
        ("trade", "disconnect"),
    ]
    (_, (due, _, _)) = (0, market.feed.due(2 * S)[0])
    assert due.key == "bybit:futures:BTC/USDT"
    market.records()
    actions = market.feed.connected(SLOT, WANTS, 3 * S)
    assert sent(actions)[0][0] == "subscribe"
    answer = frame(success=True, ret_msg="", op="subscribe", req_id="2")
    assert market.feed.frame(SLOT, answer, 3 * S) == [FetchTrades("BTCUSDT")]
    market.feed.frame(SLOT, book("snapshot", 30), 4 * S)
    closed, whole = market.records()
    assert isinstance(closed, Gap)
    assert isinstance(whole, DeltaBatch)
    assert (closed.to_id, closed.epoch, closed.to_epoch, whole.epoch) == ("30", S, 3 * S, 3 * S)


def test_the_epoch_is_above_every_durable_one() -> None:
    tails = Tails()
    tails.fold(
        Gap(**msgspec.structs.asdict(BTC), channel="book", epoch=9 * S, start_us=1, cause="restart", published_us=1)
    )
    market = Market(tails=tails)
    market.feed.connected(SLOT, WANTS, S)
    market.feed.frame(SLOT, book("snapshot", 10), S)
    assert [record.epoch for record in market.records() if isinstance(record, DeltaBatch)] == [9 * S + 1]


def test_what_was_shed_is_told_and_followed_by_a_whole_book() -> None:
    market = Market(most_waiting=2)
    market.feed.connected(SLOT, WANTS, S)
    market.feed.frame(SLOT, book("snapshot", 10), S)
    for update in range(11, 15):
        market.feed.frame(SLOT, book("delta", update), S)
    market.records()
    market.feed.settle(2 * S)
    gap, whole = market.records()
    assert isinstance(gap, Gap)
    assert isinstance(whole, DeltaBatch)
    assert (gap.cause, gap.from_id, gap.to_id, gap.end_us is not None) == ("shed", "10", "12", True)
    assert (whole.kind, whole.sequence) == ("snapshot", 14)


def test_what_nobody_asked_for_is_counted_and_what_is_broken_is_raised() -> None:
    market = running()
    market.feed.frame(SLOT, book("snapshot", 1, native="XRPUSDT"), S)
    assert (market.feed.unexpected, market.records()) == (1, [])
    with pytest.raises(InvalidMessage):
        market.feed.frame(SLOT, book("delta", 11)[:-9], S)


def test_a_trade_that_is_shed_is_missing_at_its_time_and_a_gap_is_never_shed() -> None:
    market = running()
    market.feed.frame(SLOT, trade(5), S)
    (record,) = market.records()
    assert isinstance(record, Trade)
    span = span_of(record)
    assert span is not None
    assert (span.channel, span.from_id, span.start_us) == ("trade", None, 5_000)
    market.feed.lost(SLOT, WANTS, "disconnect", "cut", 2 * S)
    assert [span_of(gap) for gap in market.records()] == [None, None]


class Requesting(BybitFeed):
    """Asks for one book by the frame that asks for its stream."""

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        streams = [msgspec.structs.replace(one, channel="book") if one.channel == "snapshot" else one for one in wants]
        return super().subscribe(streams, first_id)


def told_in(facts: Facts, sizes: dict[str, Decimal] | None = None, kind: type[BybitFeed] = BybitFeed) -> Market:
    """Return a market of the same wire with other facts."""
    market = Market(kind(facts, "linear"), sizes=sizes)
    market.feed.connected(SLOT, WANTS, S)
    market.feed.frame(SLOT, frame(success=True, ret_msg="", op="subscribe", req_id="1"), S)
    return market


def test_x_11_contracts_are_recorded_in_base_currency() -> None:
    facts = msgspec.structs.replace(BYBIT.facts, quantities="contracts")
    market = told_in(facts, {"BTCUSDT": Decimal("0.01"), "ETHUSDT": Decimal(10)})
    market.feed.frame(SLOT, book("snapshot", 10), S)
    market.feed.frame(SLOT, book("delta", 11), S)
    market.feed.frame(SLOT, trade(2), S)
    deltas = [one for one in market.records() if isinstance(one, DeltaBatch | Trade)]
    assert [one.quantity if isinstance(one, Trade) else (one.bid_quantities, one.ask_quantities) for one in deltas] == [
        ((0.1,), (0.01,)),
        ((0.11,), (0.01,)),
        0.01,
    ]


def test_a_book_is_asked_for_on_its_own_socket_where_the_venue_answers_there() -> None:
    facts = msgspec.structs.replace(BYBIT.facts, book=msgspec.structs.replace(BYBIT.facts.book, snapshot="request"))
    market = told_in(facts, kind=Requesting)
    assert sent(market.feed.frame(SLOT, book("delta", 11), S)) == [("subscribe", ["orderbook.50.BTCUSDT"])]
    assert sent(market.feed.frame(SLOT, book("delta", 12), S)) == []


def test_funding_that_no_stream_tells_is_fetched_in_its_rhythm() -> None:
    market = told_in(msgspec.structs.replace(BYBIT.facts, funding_poll_s=60.0))

    def asked(now_us: int) -> list[str]:
        return [one.native for one in market.feed.tick(now_us) if isinstance(one, FetchFunding)]

    assert [asked(at * S) for at in (2, 3, 61, 62)] == [["BTCUSDT", "ETHUSDT"], [], [], ["BTCUSDT", "ETHUSDT"]]
    told = FundingUpdate(native="BTCUSDT", whole=True, rate=0.0001, received_us=5 * S)
    assert market.feed.funding_fetched(told, 6 * S) == []
    assert market.records() == [
        Funding(
            venue="bybit",
            market="futures",
            symbol="BTC/USDT",
            epoch=S,
            rate=0.0001,
            received_us=5 * S,
            published_us=6 * S,
        )
    ]


# ---------------------------------------------------------------- instruments come and go
def both(market: Market) -> None:
    """Bring both books to valid, at 10."""
    market.feed.connected(SLOT, (*WANTS, Want(channel="book", native="ETHUSDT")), S)
    for native in ("BTCUSDT", "ETHUSDT"):
        market.feed.frame(SLOT, book("snapshot", 10, native=native), S)
    market.feed.frame(SLOT, frame(success=True, ret_msg="", op="subscribe", req_id="1"), S)
    market.records()


def delivered(market: Market) -> None:
    """Let the broker have all that waits."""
    while batches := market.feed.buffer.take():
        for batch in batches:
            market.feed.buffer.done(batch)
    for due, _, _ in market.feed.due(9 * S):
        market.feed.books.done(due.key)


def test_c_14_a_dropped_book_is_stale_its_holes_are_said_and_the_neighbour_sees_nothing() -> None:
    market = Market()
    both(market)
    market.feed.drop("BTCUSDT", 2 * S)
    gaps = [one for one in market.records() if isinstance(one, Gap)]
    assert [(one.key, one.channel, one.cause, one.end_us) for one in gaps] == [
        (BTC.key, "book", "restart", None), (BTC.key, "trade", "restart", None),
    ]  # fmt: skip
    market.feed.due(2 * S)
    states = {one.key: one.state for one in market.records() if isinstance(one, Book)}
    assert states == {BTC.key: "stale", ETH.key: "valid"}
    unexpected = market.feed.unexpected
    for number in (11, 12):
        market.feed.frame(SLOT, book("delta", number), 3 * S)
        market.feed.frame(SLOT, book("delta", number, native="ETHUSDT"), 3 * S)
    assert {one.key for one in market.records()} == {ETH.key}
    assert (market.feed.unexpected - unexpected, market.feed.valid_books()) == (2, (1, 1))


def test_answers_of_rest_for_what_was_dropped_are_nobodys() -> None:
    market = running()
    snapshot = BookSnapshot(
        native="BTCUSDT", sequence=9, replaces=False, bid_prices=(9.0,), bid_quantities=(1.0,), ask_prices=(10.0,),
        ask_quantities=(1.0,), received_us=S,
    )  # fmt: skip
    market.feed.drop("BTCUSDT", 2 * S)
    market.records()

    def answered() -> list[object]:
        return [
            *market.feed.book_fetched("BTCUSDT", snapshot, 3 * S, check=False),
            *market.feed.book_failed("BTCUSDT", "HTTP 500", 3 * S, None, check=False),
            *market.feed.trades_fetched("BTCUSDT", (), 3 * S),
            *market.feed.trades_failed("BTCUSDT", 3 * S, None),
        ]

    assert (answered(), market.records()) == ([], [])
    # Nor are they of its successor that has asked for nothing yet.
    market.feed.add("BTCUSDT", BTC, depth=20, tails=Tails(), size=None)
    assert (answered(), market.records()) == ([], [])


def test_a_dropped_instrument_may_come_back_when_the_broker_has_all_of_it_and_its_epoch_rises() -> None:
    market = Market()
    both(market)
    market.feed.drop("BTCUSDT", 2 * S)
    assert not market.feed.has_left("BTCUSDT")
    tails = Tails()
    for record in market.records():
        if isinstance(record, Gap):
            tails.fold(record)
    delivered(market)
    assert market.feed.has_left("BTCUSDT")
    market.records()
    market.feed.add("BTCUSDT", BTC, depth=20, tails=tails, size=None)
    asked = market.feed.joined(SLOT, WANTS, 3 * S)
    assert sent(asked) == [("subscribe", ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "tickers.BTCUSDT"])]
    market.feed.frame(SLOT, book("snapshot", 30), 4 * S)
    left, gap, change = market.records()
    assert isinstance(left, Gap)
    assert (left.end_us, left.from_id) == (None, "10")
    assert isinstance(gap, Gap)
    assert isinstance(change, DeltaBatch)
    assert (gap.channel, gap.cause, gap.epoch, gap.from_id, gap.to_epoch, gap.to_id) == (
        "book", "restart", S, "10", 3 * S, "30",
    )  # fmt: skip
    assert (change.epoch, change.kind) == (3 * S, "snapshot")


def test_k6_another_depth_begins_that_book_anew_and_leaves_its_trades_alone() -> None:
    market = running()
    before, after = (Want(channel="book", native="BTCUSDT", depth=depth) for depth in (20, 500))
    market.feed.resize("BTCUSDT", 500, 2 * S)
    actions = [*market.feed.left(SLOT, (before,)), *market.feed.joined(SLOT, (after,), 2 * S)]
    assert [op for op, _ in sent(actions)] == ["unsubscribe", "subscribe"]
    market.feed.frame(SLOT, book("snapshot", 20), 3 * S)
    gaps = [one for one in market.records() if isinstance(one, Gap)]
    assert [(one.channel, one.from_id, one.to_id, one.end_us is None) for one in gaps] == [
        ("book", "10", None, True), ("book", "10", "20", False),
    ]  # fmt: skip
    assert (market.feed.depth_of("BTCUSDT"), market.feed.depth_of("ETHUSDT")) == (500, 20)
