"""How a step of the market and the orders that rest share its trades and its levels: no lot is dealt twice or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.chance import stream
from simulator.deals import as_deals, at_most, without
from simulator.journal import Delta, Filled, Trade
from simulator.ladder import ASK, BID, Ladder
from simulator.market import Deal, Step
from tapeline.domain.matching import Fill
from tests.support.stage import Stage, stage
from tests.support.trading import PLACES, Trader

BOTH = pytest.mark.parametrize(("venue", "market"), PLACES)


def resting(scene: Stage, side: str, lots: int, away: int) -> Trader:
    """Let an order rest so many ticks behind the best price of its side (below zero: before it)."""
    trader = Trader(scene)
    listing = trader.listing()
    best = listing.ladder.bid if side == "buy" else listing.ladder.ask
    price = listing.instrument.tick.format(best - away if side == "buy" else best + away)
    asked = trader.place(side, listing.instrument.lot.format(lots), price, client_id="rests")
    assert trader.refused(asked) == 0
    assert scene.exchange.desk.resting == 1
    return trader


def dealt(scene: Stage) -> list[tuple[str, int, int]]:
    """Return the trades of the tape: taker's side, ticks, lots."""
    one = Trader(scene).listing().instrument
    shown = [trade for trade in scene.of(Trade) if trade.channel != "aggTrade"]
    return [
        (trade.side, round(float(trade.price) / one.tick.value(1)), round(float(trade.quantity) / one.lot.value(1)))
        for trade in shown
    ]


@BOTH
def test_a_trade_deals_with_the_order_first_and_gives_the_market_back_what_that_took(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = resting(scene, "buy", 40, 0)
        listing, ladder = trader.listing(), trader.listing().ladder
        best, before = ladder.bid, ladder.levels[BID][ladder.bid]
        # What the market did: 70 lots of the best level, as two trades.
        ladder.changes = []
        ladder.put(BID, best, before - 70)
        step = scene.exchange.desk.advance(Step(listing, (Deal(BID, best, (30, 40)),)), scene.now_us)
        assert step.deals == (Deal(BID, best, (30,)),)
        assert ladder.levels[BID][best] == before - 30
        assert dealt(scene) == [("sell", best, 40)]
        assert scene.exchange.desk.resting == 0


@BOTH
def test_a_better_price_is_dealt_before_the_market_s_and_at_its_own(venue: str, market: str, tmp_path: Path) -> None:
    with stage(venue, market, tmp_path) as scene:
        ladder = Trader(scene).listing().ladder
        ladder.move(ladder.bid, ladder.ask + 3)
        trader = resting(scene, "sell", 100, -2)
        listing, best = trader.listing(), ladder.ask
        before = ladder.levels[ASK][best]
        ladder.changes = []
        ladder.put(ASK, best, before - 60)
        step = scene.exchange.desk.advance(Step(listing, (Deal(ASK, best, (60,)),)), scene.now_us)
        assert (step.deals, ladder.levels[ASK][best]) == ((), before)
        assert dealt(scene) == [("buy", best - 2, 60)]
        assert scene.exchange.desk.resting == 1
        assert [one.maker for one in scene.of(Filled)] == [True]


@BOTH
def test_a_market_that_moves_through_an_order_deals_with_it_and_loses_what_that_took(
    venue: str, market: str, tmp_path: Path
) -> None:
    with stage(venue, market, tmp_path) as scene:
        trader = resting(scene, "buy", 100, 1)
        listing, ladder = trader.listing(), trader.listing().ladder
        price = ladder.bid - 1
        ladder.changes = []
        ladder.move(price - 4, price - 2)
        for there, lots in ((price - 2, 30), (price - 1, 50), (price, 90)):
            ladder.put(ASK, there, lots)
        step = scene.exchange.desk.advance(Step(listing, ()), scene.now_us)
        assert step.deals == ()
        # It pays its own price, as who stood there first.
        assert dealt(scene) == [("sell", price, 30), ("sell", price, 50), ("sell", price, 20)]
        assert (ladder.ask, ladder.levels[ASK][price]) == (price, 70)
        assert scene.exchange.desk.resting == 0


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_what_a_client_took_is_numbered_even_when_the_market_stands_still(market: str, tmp_path: Path) -> None:
    with stage("binance", market, tmp_path, symbols=1) as scene:
        scene.play(1)
        trader = Trader(scene)
        for own in scene.exchange.market._own:  # noqa: SLF001 - a market that stands still for once
            own.random = lambda: 0.999  # type: ignore[method-assign] # as above
        slow = scene.connect("/stream" if market == "spot" else "/public/stream")
        _, _, before = scene.rest(f"{trader.prefix}/depth", symbol="BTCUSDT", limit="5")
        trader.place("sell", "0.0100")
        # The picture of REST has its number until the next step; a slower channel that is opened now begins there too.
        _, _, still = scene.rest(f"{trader.prefix}/depth", symbol="BTCUSDT", limit="5")
        assert (still["lastUpdateId"], still["bids"]) == (before["lastUpdateId"], before["bids"])
        slow.say({"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": 1})
        count = len(scene.of(Delta))
        scene.play(1.1)
        told = [one for one in scene.of(Delta)[count:] if one.channel == "depth@100ms"]
        assert [(one.follows, len(one.bids), len(one.asks)) for one in told] == [(before["lastUpdateId"], 1, 0)]
        quantity = float(before["bids"][0][1]) - 0.01
        assert told[0].bids[0][0] == before["bids"][0][0]
        assert float(told[0].bids[0][1]) == pytest.approx(quantity)
        late = [one["data"] for one in slow.take() if "stream" in one]
        assert [(one["u"], one["b"]) for one in late] == [(told[0].sequence, [list(told[0].bids[0])])]
        assert late[0]["U"] <= before["lastUpdateId"] + 1 if market == "spot" else late[0]["pu"] == told[0].follows


@pytest.mark.parametrize("side", [BID, ASK])
def test_a_side_moves_back_behind_what_was_taken_and_is_filled_up(side: int) -> None:
    ladder = Ladder(stream(1), bid=100, ask=101, depth=10)
    away = -1 if side == BID else 1
    best = ladder.best(side)
    levels = [(best + away * n, ladder.levels[side][best + away * n]) for n in range(3)]
    assert list(ladder.offers(side))[:3] == levels
    assert len(list(ladder.offers(side))) == 9
    ladder.take(side, [*levels[:2], (levels[2][0], levels[2][1] - 3)])
    assert (ladder.best(side), ladder.levels[side][levels[2][0]], len(ladder.levels[side])) == (levels[2][0], 3, 10)
    ladder.take(side, [(levels[2][0], 3)])
    assert (ladder.best(side), len(ladder.levels[side])) == (levels[2][0] + away, 10)
    ladder.give(side, ladder.best(side), 4)
    assert ladder.levels[side][ladder.best(side)] == ladder.changes[-1][2] + 4
    assert sorted(ladder.levels[BID]) == list(range(ladder.bid - 9, ladder.bid + 1))
    assert sorted(ladder.levels[ASK]) == list(range(ladder.ask, ladder.ask + 10))


def test_deals_are_cut_and_put_together_lot_by_lot() -> None:
    deal = Deal(ASK, 7, (5, 3))
    assert [without(deal, lots) for lots in (0, 2, 5, 6, 8, 9)] == [
        (deal,), (Deal(ASK, 7, (3, 3)),), (Deal(ASK, 7, (3,)),), (Deal(ASK, 7, (2,)),), (), (),
    ]  # fmt: skip
    assert list(at_most([(1, 5), (2, 5)], 7)) == [(1, 5), (2, 2)]
    assert list(at_most([(1, 5), (2, 5)], 5)) == [(1, 5)]
    fills = [Fill(7, 1, None, 1), Fill(7, 2, None, 1), Fill(8, 3, None, 1)]
    assert as_deals(ASK, fills) == (Deal(ASK, 7, (1, 2)), Deal(ASK, 8, (3,)))
