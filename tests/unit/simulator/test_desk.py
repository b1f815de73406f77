"""X-21, K14: orders meet the market's own book; what they take, and what is taken from them, is on the tape once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.journal import Balances, Delta, Filled, Halted, Mid, OrderChanged, OrderRefused, Trade
from simulator.ladder import ASK, BID
from simulator.orders import MOST_ENDED, Refusal
from tests.support.stage import as_told, heard, stage, subscribed
from tests.support.trading import PLACES, Trader

pytestmark = pytest.mark.parametrize(("venue", "market"), PLACES)


def scaled(ladder: dict[int, int], listing: Any) -> dict[float, float]:  # noqa: ANN401 - a Listing
    """Return a side of the simulator's own book in prices and quantities."""
    one = listing.instrument
    return {one.tick.value(price): one.lot.value(lots) for price, lots in ladder.items()}


def book_of(messages: list[Any], symbol: str) -> tuple[dict[float, float], dict[float, float]]:
    """Return the book that a client has made of what it heard, from a venue's first picture on."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    wire = symbol.replace("/", "")
    for message in messages:
        data = message.get("data", {})
        if "b" not in data or data.get("s") != wire:
            continue
        for book, levels in ((bids, data["b"]), (asks, data["a"])):
            if message.get("type") == "snapshot":
                book.clear()
            for price, quantity in levels:
                book.pop(float(price), None)
                if float(quantity):
                    book[float(price)] = float(quantity)
        assert not (bids and asks) or max(bids) < min(asks)
    return bids, asks


def test_what_an_order_takes_is_on_the_tape_as_trades_and_in_the_book(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader, client = Trader(scene), subscribed(scene)
        scene.play(1)
        ladder = trader.listing().ladder
        first, second = ladder.levels[ASK][ladder.ask], ladder.levels[ASK][ladder.ask + 1]
        best = ladder.ask
        lots = first + second // 2
        before = len(scene.of(Trade))
        quantity = trader.listing().instrument.lot.format(lots)
        trader.place("buy", quantity, trader.price("buy", -3), client_id="sweep")
        # At once: the trades, one for each level; the whole first level is gone, and a part of the second.
        trades = [one for one in scene.of(Trade)[before:] if one.channel != "aggTrade"]
        fills = scene.of(Filled)
        assert [(one.id, one.side, Decimal(one.price), Decimal(one.quantity)) for one in trades] == [
            (one.trade_id, "buy", Decimal(one.price), Decimal(one.quantity)) for one in fills
        ]
        lot = trader.listing().instrument.lot
        assert [Decimal(one.quantity) for one in fills] == [lot.exact(first), lot.exact(lots - first)]
        assert (ladder.ask, ladder.levels[ASK][ladder.ask]) == (best + 1, second - (lots - first))
        # At the next step: the changes, so that a client's book is the market's.
        scene.play(3)
        messages = client.take()
        assert heard(messages) == as_told(scene.records())
        bids, asks = book_of(messages, "BTC/USDT")
        own = [scaled(ladder.levels[side], trader.listing()) for side in (BID, ASK)]
        if venue == "bybit":
            assert bids == dict(sorted(own[0].items())[-50:])
            assert asks == dict(sorted(own[1].items())[:50])
        else:
            assert {price: own[0].get(price, 0.0) for price in bids} == bids
            assert {price: own[1].get(price, 0.0) for price in asks} == asks
            assert asks


def test_an_order_that_only_rests_changes_nothing_of_the_market(venue: str, market: str, tmp_path: Path) -> None:
    tapes = []
    for number, trades in enumerate((False, True)):
        with stage(venue, market, tmp_path / str(number)) as scene:
            subscribed(scene)
            scene.play(1)
            if trades:
                trader = Trader(scene)
                trader.place("buy", "0.01", trader.price("buy", 400), client_id="far")
                trader.cancel("far")
            scene.play(5)
            tapes.append(scene.of(Delta, Trade))
    assert tapes[0] == tapes[1]
    assert len(tapes[0]) > 100


def test_what_rests_is_dealt_at_its_own_price_when_the_market_comes_to_it(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader, client = Trader(scene), subscribed(scene)
        scene.play(1)
        for number in range(6):
            for side in ("buy", "sell"):
                name = f"{side}-{number}"
                trader.place(side, "0.05", trader.price(side, 2 + number), client_id=name, force="post_only")
        scene.play(20)
        fills, trades = scene.of(Filled), {one.id: one for one in scene.of(Trade) if one.channel != "aggTrade"}
        assert len(fills) >= 6
        assert {one.maker for one in fills} == {True}
        limits = {one.client_id: one.price for one in scene.of(OrderChanged)}
        assert [one.price for one in fills] == [limits[one.client_id] for one in fills]
        for one in fills:
            shown = trades[one.trade_id]
            taker = "sell" if one.side == "buy" else "buy"
            assert (shown.symbol, shown.side, Decimal(shown.price), Decimal(shown.quantity)) == (
                one.symbol, taker, Decimal(one.price), Decimal(one.quantity),
            )  # fmt: skip
        # The nearer one was dealt first, and the market's tape is whole.
        for side in ("buy", "sell"):
            order = [one.client_id for one in fills if one.side == side]
            assert order == sorted(order)
        assert heard(client.take()) == as_told(scene.records())
        ladder = trader.listing().ladder
        assert scene.exchange.desk.resting == sum(
            status not in {"filled", "expired"}
            for status in {one.client_id: one.status for one in scene.of(OrderChanged)}.values()
        )
        for one in scene.exchange.desk.orders.open(scene.now_us):
            assert one.ticket.price is not None
            assert one.ticket.price < ladder.ask if one.side == "buy" else one.ticket.price > ladder.bid


@pytest.mark.parametrize("force", ["ioc", "fok", "post_only"])
def test_an_order_that_may_not_rest_ends_at_once(venue: str, market: str, force: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        ladder = trader.listing().ladder
        there = ladder.levels[ASK][ladder.ask]
        more = trader.listing().instrument.lot.format(there + 5)
        trader.place("buy", more, trader.price("buy"), client_id="x", force=force)
        records = trader.own()
        told = [(one.status, Decimal(one.filled), one.reason) for one in records if isinstance(one, OrderChanged)]
        dealt = trader.listing().instrument.lot.exact(there)
        if force == "ioc":
            assert told == [("new", Decimal(0), ""), ("partially_filled", dealt, ""), ("expired", dealt, "unfilled")]
        elif any(isinstance(one, OrderRefused) for one in records):
            # Where the venue says no at once, there was no order.
            assert [one.reason for one in records if isinstance(one, OrderRefused)] == [
                {"fok": "not_whole", "post_only": "would_take"}[force]
            ]
            assert told == []
        else:
            reason = {"fok": "not_whole", "post_only": "would_take"}[force]
            assert told == [("new", Decimal(0), ""), ("expired", Decimal(0), reason)]
        refuses = {("binance", "spot"): {"post_only"}, ("binance", "futures"): {"fok", "post_only"}}
        assert (told == []) == (force in refuses.get((venue, market), set()))
        assert trader.total() == Decimal(100_000) if force != "ioc" else trader.total() < 100_000
        assert scene.exchange.desk.resting == 0


def test_an_own_order_in_the_way_goes_and_is_not_dealt_with(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        ladder = trader.listing().ladder
        ladder.move(ladder.bid, ladder.ask + 5)
        inside = trader.listing().instrument.tick.format(ladder.bid + 3)
        trader.place("sell", "0.01", inside, client_id="mine")
        trader.place("buy", "0.01", inside, client_id="taker")
        states = [(one.client_id, one.status, one.reason) for one in trader.own() if isinstance(one, OrderChanged)]
        assert states == [("mine", "new", ""), ("taker", "new", ""), ("mine", "expired", "own_order")]
        seen = trader.look_up("mine")
        told = seen["status"] if venue == "binance" else (seen["orderStatus"], seen["cancelType"])
        assert told == ("EXPIRED_IN_MATCH" if venue == "binance" else ("Cancelled", "CancelBySmp"))
        assert scene.of(Filled) == []
        assert scene.exchange.desk.resting == 1


def test_an_id_is_taken_by_an_open_order_and_on_bybit_for_ever(venue: str, market: str, tmp_path: Path) -> None:
    codes = {
        ("binance", "spot"): (-2010, 0), ("binance", "futures"): (-4116, 0),
        ("bybit", "spot"): (170141, 170141), ("bybit", "futures"): (110072, 110072),
    }  # fmt: skip
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        first = trader.place("buy", "0.01", trader.price("buy", 50), client_id="one")
        again = trader.place("buy", "0.01", trader.price("buy", 50), client_id="one")
        trader.cancel("one")
        after = trader.place("buy", "0.01", trader.price("buy", 50), client_id="one")
        assert (trader.refused(first), trader.refused(again), trader.refused(after)) == (0, *codes[venue, market])
        assert [one.reason for one in scene.of(OrderRefused)][:1] == [Refusal.DUPLICATE]


def test_what_is_not_there_cannot_be_spent(venue: str, market: str, tmp_path: Path) -> None:
    codes = {
        ("binance", "spot"): -2010, ("binance", "futures"): -2019, ("bybit", "spot"): 170131,
        ("bybit", "futures"): 110007,
    }  # fmt: skip
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        asked = [
            trader.place("buy", "40", trader.price("buy", 50)),
            trader.place("buy", "40"),
            trader.place("sell", "40" if market == "futures" else "1.0001", trader.price("sell", 50)),
            trader.place("sell", "40" if market == "futures" else "1.0001"),
        ]
        assert [trader.refused(one) for one in asked] == [codes[venue, market]] * 4
        assert {one.reason for one in scene.of(OrderRefused)} == {Refusal.INSUFFICIENT}
        # What orders have set aside is not there either.
        size = "1" if market == "spot" else ("20" if venue == "binance" else "10")
        assert trader.refused(trader.place("buy", size, trader.price("buy", 300))) == 0
        asked = [trader.place("buy", size, trader.price("buy", 300)), trader.place("buy", size)]
        assert [trader.refused(one) for one in asked] == [codes[venue, market]] * 2


def test_the_journal_has_every_state_and_fill_in_order(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = Trader(scene)
        price = trader.price("buy", 60)
        trader.place("buy", "0.02", price, client_id="a")
        scene.play(1)
        trader.cancel("a")
        best = trader.price("buy")
        trader.place("buy", "0.02", client_id="b")
        a, b = (scene.exchange.desk.orders.find("", name, scene.now_us) for name in "ab")
        assert a is not None
        assert b is not None
        shared: dict[str, Any] = {"account": "1", "symbol": "BTC/USDT", "side": "buy"}
        first = OrderChanged(
            at_us=a.at_us, order_id=a.id, client_id="a", type="limit", force="gtc", status="new", filled="0.0000",
            value="0", price=price, quantity="0.0200", **shared,
        )  # fmt: skip
        guard = None if b.ticket.price is None else trader.listing().instrument.tick.format(b.ticket.price)
        second = OrderChanged(
            at_us=b.at_us, order_id=b.id, client_id="b", type="market", force="ioc", status="new", filled="0.0000",
            value="0", price=guard, quantity="0.0200", **shared,
        )  # fmt: skip
        value = Decimal(best) * Decimal("0.02")
        rate = scene.exchange.desk.terms.fees.taker
        fee = Decimal("0.02") * rate if market == "spot" else value * rate
        fill = Filled(
            at_us=b.at_us, order_id=b.id, client_id="b", trade_id=b.fills[0].id, price=best, quantity="0.0200",
            fee=text(fee), fee_asset="BTC" if market == "spot" else "USDT", maker=False,
            realized=None if market == "spot" else "0", **shared,
        )  # fmt: skip
        assert trader.own() == [
            first,
            changed(first, at_us=scene.now_us, status="cancelled"),
            second,
            fill,
            changed(second, status="filled", filled="0.0200", value=text(value), reason="filled"),
        ]


def test_at_the_halt_prices_and_balances_are_written_and_no_order_is_taken(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path, symbols=2) as scene:
        trader = Trader(scene)
        trader.place("buy", "0.02", client_id="b")
        trader.place("buy", "0.02", trader.price("buy", 60), client_id="waits")
        scene.exchange.halt(scene.now_us)
        closed = {
            ("binance", "spot"): -1013, ("binance", "futures"): -4140, ("bybit", "spot"): 170151,
            ("bybit", "futures"): 110066,
        }  # fmt: skip
        *_, btc, eth, balances, halted = [one for one in scene.records() if not isinstance(one, OrderRefused)]
        assert trader.refused(trader.place("buy", "0.02")) == closed[venue, market]
        # Who still has orders may take them away.
        assert trader.refused(trader.cancel("waits")) == 0
        assert isinstance(halted, Halted)
        ladders = [one.ladder for one in scene.exchange.market.listings]
        mids = [
            text(one.instrument.tick.exact(ladder.bid + ladder.ask) / 2)
            for one, ladder in zip(scene.exchange.market.listings, ladders, strict=True)
        ]
        assert [btc, eth] == [
            Mid(at_us=scene.now_us, symbol=symbol, price=mid)
            for symbol, mid in zip(("BTC/USDT", "ETH/USDT"), mids, strict=True)
        ]
        (start, _) = scene.of(Balances)
        assert isinstance(balances, Balances)
        assert (start.moment, balances.moment) == ("start", "halt")
        begun = {one.asset: (one.total, one.locked) for one in start.assets}
        if market == "futures":
            assert begun == {"USDT": ("100000", "0")}
            assert [(one.symbol, one.quantity) for one in balances.positions] == [("BTC/USDT", "0.02")]
            return
        assert begun == {"USDT": ("100000", "0"), "BTC": ("1", "0"), "ETH": ("1", "0")}
        ended = {one.asset: (one.total, one.locked) for one in balances.assets}
        (bought,) = scene.of(Filled)
        spent = Decimal(bought.price) * Decimal(bought.quantity)
        waits = next(one for one in scene.of(OrderChanged) if one.client_id == "waits")
        assert waits.price is not None
        assert ended == {
            "USDT": (text(Decimal(100_000) - spent), text(Decimal(waits.price) * Decimal("0.02"))),
            "BTC": (text(1 + Decimal("0.02") - Decimal(bought.fee)), "0"),
            "ETH": ("1", "0"),
        }


def changed(record: OrderChanged, **fields: Any) -> OrderChanged:  # noqa: ANN401 - any field
    """Return a record with other values."""
    return OrderChanged(**{**{name: getattr(record, name) for name in record.__struct_fields__}, **fields})


def text(amount: Decimal) -> str:
    """Return an amount as the journal writes it."""
    return f"{amount.normalize():f}"


def test_the_venue_forgets_the_oldest_orders_that_have_ended(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader, orders = Trader(scene), scene.exchange.desk.orders
        for name in ("a", "b", "c"):
            trader.place("buy", "0.01", trader.price("buy", 50), client_id=name)
        order = orders.find("", "a", scene.now_us)
        assert order is not None
        trader.cancel("a")
        trader.cancel("b")
        # As if there had been very many.
        orders._ended.extend([order] * (MOST_ENDED - 2))  # noqa: SLF001 - what only a long run makes
        trader.cancel("c")
        assert [trader.look_up(name) is not None for name in ("a", "b", "c")] == [False, True, True]
