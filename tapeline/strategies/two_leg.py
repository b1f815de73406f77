"""Two-leg arbitrage: buy on the cheap instrument, sell on the dear one, leave at target, stop loss or after a while.

It enters on fresh books only, with what both instruments take part by part; spot sells only what it holds. A stop loss
acts on the last prices there are, also on those of a stale book (D-15); every other exit waits for fresh ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import permutations
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from tapeline.domain.account_records import Holding
from tapeline.domain.events import Book, Instrument
from tapeline.domain.money import exact
from tapeline.domain.order_records import STOP_LOSS, EnterPair, ExitPair, Place
from tapeline.domain.partition import instrument_key, strategy_key
from tapeline.domain.spread import FILLS_PER_LEG, Short, average_price, tradable
from tapeline.strategies import sizing
from tapeline.strategies.contract import Decision, Intent, Nothing, Strategy, View

Way = Literal["futures-futures", "spot-futures", "futures-spot", "spot-spot"]
"""Market to buy on, then market to sell on."""

_SLOT: Final = 0
_SECOND_US: Final = 1_000_000
_HALF: Final = Decimal("0.5")


class TwoLegParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to enter and to leave; fractions of the price, money in quote currency."""

    entry_net: Decimal = Decimal("0.001")
    part_net: Decimal = Decimal("0.0005")
    notional: Decimal = Decimal(300)
    parts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    target_profit: Decimal = Decimal("0.0005")
    stop_loss: Decimal = Decimal(5)
    max_hold_s: Annotated[int, msgspec.Meta(ge=1)] = 600
    cool_down_s: Annotated[int, msgspec.Meta(ge=0)] = 5
    slippage: Decimal = Decimal("0.0005")
    leverage: Decimal = Decimal(1)
    ttl_ms: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    ways: tuple[Way, ...] = ("futures-futures", "spot-futures")

    def __post_init__(self) -> None:
        """Refuse what makes no sense; msgspec itself has no limits for decimals."""
        for name in ("entry_net", "part_net", "target_profit", "slippage"):
            if not 0 <= getattr(self, name) < _HALF:
                raise ValueError(f"{name} {getattr(self, name)} is not a fraction from 0 to below 0.5")
        for name in ("notional", "stop_loss"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)} is not more than 0")
        if self.leverage < 1:
            raise ValueError(f"leverage {self.leverage} is less than 1")
        if self.part_net > self.entry_net:
            raise ValueError(f"part_net {self.part_net} is more than entry_net {self.entry_net}")


class _Pair(NamedTuple):
    """A way to enter: where to buy and to sell, at what average price for the size, net of four fees."""

    net: float
    bought: Book
    sold: Book
    buy: float
    sell: float


TwoLegView = View[TwoLegParameters, Nothing]
TwoLegDecision = Decision[Nothing]


def decide(view: TwoLegView) -> TwoLegDecision:
    """Leave what is held when it is time to, enter where the best spread pays and nothing is held."""
    if view.desired == "HALTED":
        return Decision(kept="its desired state is HALTED")
    if view.portfolio.pair_state == "POSITION_OPEN":
        return _leave(view)
    kept = _not_now(view)
    return _enter(view) if kept is None else Decision(kept=kept)


# ---------------------------------------------------------------- in
def _not_now(view: TwoLegView) -> str | None:
    """Return why nothing may be entered now, whatever the prices are."""
    if view.portfolio.pair_state not in {None, "READY"}:
        return f"its pair is {view.portfolio.pair_state}"
    if view.desired != "RUNNING":
        return f"its desired state is {view.desired}"
    if not view.is_free(_SLOT):
        return "its slot is taken"
    # Every answer of the executor changes the portfolio, so refusals cool it down as exits do.
    if view.now_us - view.portfolio.at_us < view.parameters.cool_down_s * _SECOND_US:
        return "it cools down"
    return None


def _enter(view: TwoLegView) -> TwoLegDecision:
    """Enter the pair with the best net spread that reaches the threshold and has a size that both legs take."""
    pairs = sorted(_pairs(view), key=lambda pair: (-pair.net, pair.bought.key, pair.sold.key))
    kept = "no spread reaches its threshold"
    for pair in pairs:
        made = _entered(view, pair)
        if isinstance(made, Intent):
            return Decision(intents=(made,))
        kept = made
    return Decision(kept=kept)


def _pairs(view: TwoLegView) -> Iterator[_Pair]:
    """Yield every permitted way whose best prices alone would pay; the size decides later."""
    alive = [
        book
        for key, book in sorted(view.books.items())
        if tradable(book, view.now_us) and book.bid_prices and book.ask_prices
        # Without rules there is no legal size, without fees no honest spread.
        if key in view.instruments and (book.venue, book.market) in view.fees
    ]
    threshold = float(view.parameters.entry_net)
    for bought, sold in permutations(alive, 2):
        if f"{bought.market}-{sold.market}" in view.parameters.ways:
            buy, sell = bought.ask_prices[0], sold.bid_prices[0]
            net = sell / buy - 1 - _fees(view, bought, sold)
            if net >= threshold:
                yield _Pair(net, bought, sold, buy, sell)


def _entered(view: TwoLegView, best: _Pair) -> Intent | str:
    """Return the intent to enter a pair, or why not."""
    parameters = view.parameters
    rules = [view.instruments[book.key] for book in (best.bought, best.sold)]
    # The limits may be worse than the best prices: the least value of an order must be met at them, too.
    lowest = exact(min(best.buy, best.sell)) * (1 - 2 * parameters.slippage)
    size = sizing.size(parameters.notional, lowest, parameters.parts, rules)
    if isinstance(size, sizing.Unfit):
        return size.reason
    quantity = float(size.quantity)
    buy = average_price(best.bought.ask_prices, best.bought.ask_quantities, quantity)
    sell = average_price(best.sold.bid_prices, best.sold.bid_quantities, quantity)
    if isinstance(buy, Short) or isinstance(sell, Short):
        return f"a book holds less than {size.quantity}"
    pair = best._replace(net=sell / buy - 1 - _fees(view, best.bought, best.sold), buy=buy, sell=sell)
    if pair.net < float(parameters.entry_net):
        return "no spread reaches its threshold at size"
    if best.sold.market == "spot" and _held(view, best.sold) < size.quantity:
        return f"{best.sold.key} sells only what is held, and {size.quantity} is not"
    command = _command(view, pair, size, rules)
    least = max((one.min_notional or Decimal(0) for one in rules), default=Decimal(0))
    each = size.quantity / size.parts
    if each * min(command.buy.limit_price, command.sell.limit_price) < least:
        return f"a part of {each} is worth less than {least}"
    return Intent(
        slot=_SLOT,
        command=command,
        reason=f"buying on {best.bought.key} and selling on {best.sold.key} earns {pair.net:.6f} net of four fees",
        evidence={"net": pair.net, "buy_price": buy, "sell_price": sell, "quantity": quantity, "best_net": best.net},
        inputs=(best.bought.key, best.sold.key),
        ttl_us=parameters.ttl_ms * 1_000,
    )


def _command(view: TwoLegView, pair: _Pair, size: sizing.Size, rules: list[Instrument]) -> EnterPair:
    parameters = view.parameters
    bought, sold = pair.bought, pair.sold
    dearest = exact(_deepest(bought.ask_prices, bought.ask_quantities, float(size.quantity)))
    cheapest = exact(_deepest(sold.bid_prices, sold.bid_quantities, float(size.quantity)))
    buy_limit = sizing.priced(dearest * (1 + parameters.slippage), rules[0], up=False)
    sell_limit = sizing.priced(cheapest * (1 - parameters.slippage), rules[1], up=True)
    leverages = [one.max_leverage for one in rules if one.max_leverage is not None]
    return EnterPair(
        pair_id=strategy_key(view.strategy, view.symbol),
        buy=Place(venue=bought.venue, market=bought.market, limit_price=buy_limit),
        sell=Place(venue=sold.venue, market=sold.market, limit_price=sell_limit),
        quantity=size.quantity,
        parts=size.parts,
        min_net=parameters.part_net,
        target_profit=parameters.target_profit,
        stop_loss=parameters.stop_loss,
        leverage=min((parameters.leverage, *leverages)),
    )


# ---------------------------------------------------------------- out
class _Result(NamedTuple):
    """What leaving now would earn, net of all fees, in quote currency and as a fraction of what was put in."""

    earned: float
    fraction: float
    fresh: bool
    inputs: tuple[str, ...]


def _leave(view: TwoLegView) -> TwoLegDecision:
    """Leave when the floating result reaches the target or the stop loss, or when it was held long enough."""
    entered = view.portfolio.pair_round
    held = [one for one in view.portfolio.positions if one.side != "flat" and one.quantity > 0]
    if entered is None or not held:
        return Decision(kept="its pair is open and holds nothing")
    result = _result(view, held)
    if result is None:
        return Decision(kept="a position has no price")
    reason = _why_leave(view, held, result)
    if reason is None:
        return Decision(kept="it holds")
    intent = Intent(
        slot=_SLOT,
        # Its slot is in a later round by now: the entry has settled.
        command=ExitPair(pair_id=strategy_key(view.strategy, view.symbol), round=entered, parts=view.parameters.parts),
        reason=reason,
        evidence={"earned": result.earned, "fraction": result.fraction},
        inputs=result.inputs,
        ttl_us=view.parameters.ttl_ms * 1_000,
    )
    return Decision(intents=(intent,))


def _why_leave(view: TwoLegView, held: list[Holding], result: _Result) -> str | None:
    parameters = view.parameters
    if result.earned <= -float(parameters.stop_loss):
        prices = "fresh" if result.fresh else "the last"
        return f"{STOP_LOSS}: leaving at {prices} prices loses {-result.earned:.4f}"
    if not result.fresh:
        return None
    if result.fraction >= float(parameters.target_profit):
        return f"target: leaving earns {result.fraction:.6f} net of fees"
    opened = [one.opened_us for one in held if one.opened_us is not None]
    held_us = view.now_us - min(opened, default=view.now_us)
    if held_us >= parameters.max_hold_s * _SECOND_US:
        return f"held for {held_us // _SECOND_US} s"
    return None


def _result(view: TwoLegView, held: list[Holding]) -> _Result | None:
    """Return what leaving now would earn; None when a position has no book or no entry price."""
    earned, put_in = 0.0, 0.0
    names: list[str] = []
    for one in held:
        key = instrument_key(one.venue, one.market, view.symbol)
        book = view.books.get(key)
        price = None if book is None else _way_out(book, one)
        if price is None or one.entry_price is None:
            return None
        names.append(key)
        quantity, entry = float(one.quantity), float(one.entry_price)
        change = price - entry if one.side == "long" else entry - price
        # Two fills of this leg: the one that opened it and the one that closes it.
        earned += quantity * (change - view.fees.get((one.venue, one.market), 0.0) * (entry + price))
        put_in += quantity * entry
    return _Result(earned, earned / (put_in / len(held)), view.is_fresh(*names), tuple(names))


def _way_out(book: Book, held: Holding) -> float | None:
    """Return the average price at which a position leaves; beyond a short book's end, the price of its last level."""
    long = held.side == "long"
    prices, quantities = (book.bid_prices, book.bid_quantities) if long else (book.ask_prices, book.ask_quantities)
    if not prices:
        return None
    found = average_price(prices, quantities, float(held.quantity))
    return prices[-1] if isinstance(found, Short) else found


# ---------------------------------------------------------------- both
def _fees(view: TwoLegView, bought: Book, sold: Book) -> float:
    return FILLS_PER_LEG * (view.fees[bought.venue, bought.market] + view.fees[sold.venue, sold.market])


def _held(view: TwoLegView, sold: Book) -> Decimal:
    """Return what the strategy itself holds of the base currency where it would sell."""
    found = (one for one in view.portfolio.positions if (one.venue, one.market) == (sold.venue, sold.market))
    return sum((one.quantity for one in found if one.side == "long"), Decimal(0))


def _deepest(prices: tuple[float, ...], quantities: tuple[float, ...], size: float) -> float:
    """Return the price of the last level that a size reaches."""
    left = size
    for price, quantity in zip(prices, quantities, strict=True):
        left -= quantity
        if left <= 0:
            return price
    return prices[-1]


TWO_LEG: Final = Strategy(name="two-leg", parameters=TwoLegParameters, memory=Nothing, decide=decide)
