"""One recorded stretch through the real decoders and books: what it holds in the end, with exact sums."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tapeline.cli.decode_calls import Call, call_of, named
from tapeline.cli.decode_files import Line
from tapeline.domain.book import BookDelta, BookKeeper, BookSnapshot, Restored, WentStale
from tapeline.domain.events import Instrument
from tapeline.domain.exact import Exact
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import Event, Feed, FundingUpdate, PublicTrade, Unexpected
from tapeline.venues.units import Contract, in_base

ANY: Final = "?"
"""The native name of an answer that neither its address nor it itself gives."""
_BASE, _QUOTE = "BTC", "USDT"
Value = BookDelta | BookSnapshot | PublicTrade | FundingUpdate
Tell = Callable[[str, Value], None]
"""Gets each value with its symbol."""


@dataclass(slots=True)
class Held:
    """What is known of one instrument."""

    keeper: BookKeeper
    has_book: bool = False
    gaps: int = 0


@dataclass(slots=True)
class Counts:
    """How much of what a stretch holds, in the order in which it is told."""

    frames: int = 0
    trades: int = 0
    trade_quantity: Decimal = Decimal(0)
    trade_notional: Decimal = Decimal(0)
    deltas: int = 0
    snapshots: int = 0
    ignored: int = 0
    """Frames that say nothing of a trade or a book: acknowledgements, pings, what is not asked for."""
    invalid: int = 0


class Stretch:
    """Takes lines in their order; `instruments` by venue, market and native name give symbols and base quantities."""

    def __init__(self, instruments: Mapping[tuple[str, str, str], Instrument], tell: Tell | None = None) -> None:
        """Begin with nothing read."""
        self.counts = Counts()
        self.in_contracts = False
        self._instruments = instruments
        self._tell = tell
        self._held: dict[str, Held] = {}
        self._received_us = 0

    def take(self, line: Line) -> None:
        """Read one line."""
        self.counts.frames += 1
        self._received_us = max(self._received_us, line.recv_us or 0)
        try:
            feed, events = self._events(line)
        except InvalidMessage:
            self.counts.invalid += 1
            return
        told = [self._value(feed, event) for event in events if isinstance(event, Value)]
        self.counts.ignored += not any(told)

    def result(self) -> dict[str, object]:
        """Return what the stretch holds."""
        told: dict[str, object] = {name: _plain(getattr(self.counts, name)) for name in Counts.__slots__}
        symbols = {symbol: _view(held) for symbol, held in sorted(self._held.items())}
        told["gaps"] = sum(held.gaps for held in self._held.values())
        told["unit"] = "contracts" if self.in_contracts else "base"
        if len(symbols) < 2:  # noqa: PLR2004 - one, or none at all
            only = next(iter(symbols.values()), _view(None))
            told |= {name: only[name] for name in ("best_bid", "best_ask", "valid")}
        return {**told, "symbols": symbols}

    def _events(self, line: Line) -> tuple[Feed, Iterable[Event]]:
        """Return what a line says and by which market; the first that understands it where several may have sent it."""
        failed: InvalidMessage | None = None
        nothing: tuple[Feed, Iterable[Event]] | None = None
        for feed in line.feeds:
            try:
                events = self._meaning(feed, line)
            except InvalidMessage as error:
                failed = failed or error
                continue
            if any(not isinstance(one, Unexpected) for one in events) and not _another(feed, line.feeds, events):
                return feed, events
            nothing = nothing or (feed, events)
        if nothing is None:
            raise failed or InvalidMessage("no market of the venue understands it")
        return nothing

    def _meaning(self, feed: Feed, line: Line) -> tuple[Event, ...]:
        call = call_of(feed, line.url, line.channel)
        if call is None:
            answered = line.channel == "instruments" or line.channel.startswith("rest:")
            return () if answered else feed.decode(line.data, self._received_us)
        return self._answer(feed, call, line.data)

    def _answer(self, feed: Feed, call: Call, body: bytes) -> tuple[Event, ...]:
        native, at_us = call.native or named(body) or ANY, self._received_us
        match call.kind:
            case "book":
                return (feed.read_book(body, native, call.depth, at_us),)
            case "trades":
                return feed.read_trades(body, native, at_us)
            case "funding":
                return (feed.read_funding(body, at_us),)
            case "instruments":
                return ()

    def _value(self, feed: Feed, event: Value) -> bool:
        """Take one value; tell whether it is of a trade or a book."""
        known = self._instruments.get((feed.facts.venue, feed.facts.market, event.native))
        symbol = event.native if known is None else known.symbol
        if feed.facts.quantities == "contracts" and not isinstance(event, FundingUpdate):
            self.in_contracts = self.in_contracts or known is None
            event = event if known is None else _in_base(event, Contract(known.contract_size))
        if self._tell is not None:
            self._tell(symbol, event)
        if isinstance(event, FundingUpdate):
            return False
        held = self._held.get(symbol)
        if held is None:
            held = self._held[symbol] = Held(BookKeeper(epoch=1, checksum=feed.facts.book.checksum))
        if isinstance(event, PublicTrade):
            self._trade(event)
        else:
            self._change(held, event)
        return True

    def _trade(self, trade: PublicTrade) -> None:
        texts = trade.exact or {}
        price, quantity = exact(trade.price, texts.get("price")), exact(trade.quantity, texts.get("quantity"))
        self.counts.trades += 1
        self.counts.trade_quantity += quantity
        self.counts.trade_notional += price * quantity

    def _change(self, held: Held, change: BookDelta | BookSnapshot) -> None:
        was_valid = held.keeper.state == "valid"
        if isinstance(change, BookDelta):
            self.counts.deltas += 1
            outcome: object = held.keeper.delta(change)
        else:
            self.counts.snapshots += 1
            outcome = held.keeper.snapshot(change)
        if isinstance(outcome, Restored):
            held.has_book = True
            held.gaps += was_valid and outcome.hole is not None
        held.gaps += isinstance(outcome, WentStale)


def _in_base(value: Value, contract: Contract) -> Value:
    if isinstance(value, BookDelta):
        return in_base(value, contract)
    if isinstance(value, BookSnapshot):
        return in_base(value, contract)
    return in_base(value, contract) if isinstance(value, PublicTrade) else value


def _another(feed: Feed, feeds: tuple[Feed, ...], events: Iterable[Event]) -> bool:
    """Tell whether the native names are formed as those of another market of the venue alone."""
    natives = {event.native for event in events if isinstance(event, Value)}
    formed = {one for one in feeds if natives and all(_form(one).fullmatch(native) for native in natives)}
    return bool(formed) and feed not in formed


def _form(feed: Feed) -> re.Pattern[str]:
    """Return how the market forms its native names, by the example of one pair."""
    text = re.escape(feed.native(f"{_BASE}/{_QUOTE}"))
    return re.compile(re.sub(f"{_BASE}|XBT|{_QUOTE}", r"\\w+?", text, flags=re.IGNORECASE))


def exact(number: float, text: str | None) -> Decimal:
    """Return a number as the venue wrote it."""
    return Decimal(repr(number)) if text is None else Decimal(text)


def shown(number: Decimal) -> str:
    """Return a decimal as text, without an exponent and zeros at its end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(count: int | Decimal) -> int | str:
    return shown(count) if isinstance(count, Decimal) else count


def _view(held: Held | None) -> dict[str, object]:
    if held is None or not held.has_book:
        return {"best_bid": None, "best_ask": None, "valid": None, "gaps": 0 if held is None else held.gaps}
    top = held.keeper.top(1)
    texts = top.exact or {}
    return {
        "best_bid": _best("bid", top.bid_prices, top.bid_quantities, texts),
        "best_ask": _best("ask", top.ask_prices, top.ask_quantities, texts),
        "valid": held.keeper.state == "valid",
        "gaps": held.gaps,
    }


def _best(side: str, prices: tuple[float, ...], quantities: tuple[float, ...], texts: Exact) -> list[str] | None:
    if not prices:
        return None
    price = exact(prices[0], texts.get(f"{side}_prices[0]"))
    return [shown(price), shown(exact(quantities[0], texts.get(f"{side}_quantities[0]")))]


def value_fields(value: Value) -> dict[str, object]:
    """Return a normalized value as it is told: numbers of the market as exact texts."""
    found: dict[str, object] = {"type": type(value).__name__}
    texts = value.exact or {}
    for name in value.__struct_fields__:
        held = getattr(value, name)
        if name == "exact":
            continue
        if isinstance(held, float):
            found[name] = shown(exact(held, texts.get(name)))
        elif isinstance(held, tuple):
            found[name] = [shown(exact(one, texts.get(f"{name}[{at}]"))) for at, one in enumerate(held)]
        else:
            found[name] = held
    return found


def listed(feed: Feed, body: bytes, received_us: int) -> dict[tuple[str, str, str], Instrument]:
    """Return the instruments of a REST list by venue, market and native name."""
    page = feed.read_instruments(body, received_us)
    return {(one.venue, one.market, one.native): one for one in page.instruments}
