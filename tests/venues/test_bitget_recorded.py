"""Recorded samples of Bitget: both generations become whole values, what nobody asked for is named."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from producers.effects import Emit
from producers.trades import TradeFeed
from tapeline.domain.book import BookDelta, BookSnapshot
from tapeline.domain.events import Instrument, OfInstrument, Trade
from tapeline.venues.bitget import FUTURES, SPOT
from tapeline.venues.contract import FundingUpdate, InstrumentPage, PublicTrade, Unexpected
from tests.venues.recorded import own, stretch

NOW_US = 1_700_000_000_000_005


def whole(bids: dict[float, float], asks: dict[float, float], sequence: int, at_us: int) -> BookSnapshot:
    return BookSnapshot(
        native="BTCUSDT",
        sequence=sequence,
        replaces=True,
        routine=True,
        bid_prices=tuple(bids),
        bid_quantities=tuple(bids.values()),
        ask_prices=tuple(asks),
        ask_quantities=tuple(asks.values()),
        venue_us=at_us,
        received_us=NOW_US,
    )


def rest(bids: dict[float, float], asks: dict[float, float], at_us: int) -> BookSnapshot:
    shown = whole(bids, asks, at_us // 1000, at_us)
    return msgspec.structs.replace(shown, replaces=False, routine=False, limit=100)


def trade(trade_id: str, price: float, quantity: float, side: str, at_us: int) -> PublicTrade:
    return PublicTrade(
        native="BTCUSDT",
        trade_id=trade_id,
        price=price,
        quantity=quantity,
        side="buy" if side == "buy" else "sell",
        venue_us=at_us,
        received_us=NOW_US,
    )


def unexpected(*kinds: str) -> list[tuple[object, ...]]:
    return [(Unexpected(kind=kind),) for kind in kinds]


def test_samples_of_classic_spot() -> None:
    found = [SPOT.decode(line.data, NOW_US) for line in stretch("bitget/spot.samples-jkorf")]
    book = whole({26274.8: 0.0009, 26274.7: 0.0027}, {26274.9: 0.0009, 26275.0: 0.05}, 1695710946294, 1695710946294000)
    assert found == [
        *unexpected("SPOT account", "SPOT orders"),
        (book,),
        *unexpected("SPOT ticker"),
        (trade("1000000000", 26293.4, 0.0013, "buy", 1695709835822000),),
        *unexpected("SPOT orders-algo"),
    ]


def test_samples_of_classic_futures() -> None:
    found = [FUTURES.decode(line.data, NOW_US) for line in stretch("bitget/futures.samples-jkorf")]
    book = whole({27000.0: 2.71, 26999.5: 1.46}, {27000.5: 8.76, 27001.0: 0.4}, 1695716059516, 1695716059516000)
    funding = FundingUpdate(
        native="BTCUSDT",
        whole=False,
        rate=0.00001,
        mark_price=27000.0,
        index_price=25702.4,
        next_us=1695722400000000,
        venue_us=1695715383039000,
        received_us=NOW_US,
    )
    assert found == [
        *unexpected("USDT-FUTURES account", "USDT-FUTURES equity", "USDT-FUTURES orders"),
        (book,),
        (funding,),
        (
            trade("1111111111", 27000.0, 0.001, "sell", 1695716759514000),
            trade("1111111111", 27000.5, 0.001, "buy", 1695716760565000),
        ),
        *unexpected("USDT-FUTURES orders-algo"),
    ]


def test_samples_of_unified() -> None:
    lines = stretch("bitget/unified.samples-jkorf")
    book = whole({99756.6: 0.0128}, {99756.7: 23.9774}, 1304314508780744705, 1746698732562000)
    nothing = FundingUpdate(native="BTCUSDT", whole=False, venue_us=1695715383039000, received_us=NOW_US)
    private = [*unexpected("UTA account"), *unexpected("UTA order", "UTA strategy-order")]
    assert [FUTURES.decode(line.data, NOW_US) for line in lines] == [
        private[0],
        (book,),
        *private[1:],
        (nothing,),
        (trade("1260903622036942849", 100000.0, 0.00118, "buy", 1736348770627000),),
    ]
    assert [SPOT.decode(line.data, NOW_US) for line in lines] == [
        private[0],
        *unexpected("usdt-futures books1"),
        *private[1:],
        *unexpected("usdt-futures ticker", "usdt-futures publicTrade"),
    ]


def instrument(**rules: object) -> Instrument:
    found = {
        "venue": "bitget",
        "symbol": "BTC/USDT",
        "native": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "status": "trading",
        "contract_size": Decimal(1),
        "min_notional": Decimal(5),
        "received_us": NOW_US,
        "published_us": NOW_US,
    }
    return Instrument(**{**found, **rules})  # type: ignore[arg-type]  # rules by their names


def test_rest_samples_of_classic_spot() -> None:
    bodies = {line.channel: line.data for line in stretch("bitget/spot.rest-jkorf")}
    book = rest({34567.0: 0.2917, 34566.85: 0.0145}, {34567.15: 0.0131, 34567.25: 0.0144}, 1698303884584000)
    assert SPOT.read_book(bodies["rest:GetOrderBook"], "BTCUSDT", 100, NOW_US) == book
    assert SPOT.read_trades(bodies["rest:GetRecentTrades"], "BTCUSDT", NOW_US) == (
        trade("2", 2.38649, 3239.7976, "sell", 1622097280642000),
        trade("1", 2.38735, 2470.6224, "buy", 1622097282536000),
    )
    listed = instrument(
        market="spot",
        price_tick=Decimal("0.0001"),
        quantity_step=Decimal("1E-8"),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal(10000),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )
    assert SPOT.read_instruments(bodies["rest:GetSymbols"], NOW_US) == InstrumentPage(instruments=(listed,))


def test_rest_samples_of_classic_futures() -> None:
    bodies = {line.channel: line.data for line in stretch("bitget/futures.rest-jkorf")}
    book = rest({26346.5: 0.16, 26346.0: 0.32}, {26347.5: 0.25, 26348.0: 0.16}, 1695870968804000)
    assert FUTURES.read_book(bodies["rest:GetOrderBook"], "BTCUSDT", 100, NOW_US) == book
    assert FUTURES.read_trades(bodies["rest:GetRecentTrades"], "BTCUSDT", NOW_US) == (
        trade("2", 30007.0, 0.0166, "buy", 1627116600875000),
        trade("1", 29990.5, 0.0166, "sell", 1627116776464000),
    )
    listed = instrument(
        market="futures",
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        max_leverage=Decimal(125),
        maker_fee=Decimal("0.0004"),
        taker_fee=Decimal("0.0006"),
        funding_interval_us=28_800_000_000,
    )
    assert FUTURES.read_instruments(bodies["rest:GetContracts"], NOW_US) == InstrumentPage(instruments=(listed,))


@pytest.mark.parametrize(("end_step", "place", "tick"), [("5", "1", "0.5"), ("1", "0", "1"), ("25", "4", "0.0025")])
def test_a_tick_of_classic_futures_is_so_many_of_the_last_digit(end_step: str, place: str, tick: str) -> None:
    (body,) = (line.frame for line in stretch("bitget/futures.rest-jkorf") if line.channel == "rest:GetContracts")
    body = body.replace('"priceEndStep":"1"', f'"priceEndStep":"{end_step}"')
    body = body.replace('"pricePlace":"1"', f'"pricePlace":"{place}"')
    (found,) = FUTURES.read_instruments(body.encode(), NOW_US).instruments
    assert found.price_tick == Decimal(tick)


@pytest.mark.parametrize("name", ["spot.book-202204b-avaxusdt", "futures.book-202204b-dashusdt"])
def test_frames_of_v1_are_not_ours(name: str) -> None:
    for line in stretch(f"bitget/outdated-v1.{name}"):
        for feed in (SPOT, FUTURES):
            assert not any(isinstance(one, BookDelta | BookSnapshot) for one in feed.decode(line.data, NOW_US))


def test_history_that_is_told_at_each_subscription_is_published_once() -> None:
    (history,) = (line for line in own("bitget", "spot") if line.channel == "trade_history")
    feed = TradeFeed(OfInstrument(venue="bitget", market="spot", symbol="BTC/USDT"), SPOT.facts.trades)
    feed.connected(1, NOW_US)
    published: list[str] = []
    for _ in range(3):
        for told in SPOT.decode(history.data, NOW_US):
            assert isinstance(told, PublicTrade)
            effects = feed.trade(told, NOW_US)
            records = [one.record for one in effects if isinstance(one, Emit)]
            published += [record.trade_id for record in records if isinstance(record, Trade)]
        feed.lost("disconnect", None, NOW_US)
        feed.connected(feed.epoch + 1, NOW_US)
    assert published == ["1000000000", "1000000001"]
