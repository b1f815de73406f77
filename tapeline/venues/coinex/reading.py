"""What CoinEx's pushes and answers share: levels with their checksum, trades, funding, and the words of a failure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.checksum import Check, TextLevels
from tapeline.domain.events import Side
from tapeline.domain.levels import Column
from tapeline.errors import InvalidMessage
from tapeline.venues.coinex import wire
from tapeline.venues.contract import FundingUpdate, PublicTrade, columns, read

US_PER_MS: Final = 1_000
SIDES: Final[Mapping[str, Side]] = {"buy": "buy", "sell": "sell"}
GOOD: Final = frozenset({"", "ok", "success", "succeeded"})
NOTHING: Final = frozenset({b"", b"null", b"{}", b"[]"})


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """The levels of a push or an answer as columns, and the checksum of the book that they lead to."""

    native: str
    whole: bool
    updated_ms: int
    bid_prices: Column
    bid_quantities: Column
    ask_prices: Column
    ask_quantities: Column
    exact: exact.Exact | None
    check: Check


def checksum(bids: TextLevels, asks: TextLevels) -> int:
    """Return the CRC-32 of all bids, then all asks: price and amount as they were written, joined by colons."""
    return zlib.crc32(":".join(text for level in (*bids, *asks) for text in level).encode())


def depth(text: bytes) -> Depth:
    """Return a book or its changes; numbers and texts are read apart, for the checksum is of the texts."""
    told = read(_DEPTH, text).data
    levels, texts = told.depth, read(_DEPTH_TEXT, text).data.depth
    bid_prices, bid_quantities = columns(levels.bids)
    ask_prices, ask_quantities = columns(levels.asks)
    return Depth(
        native=told.market,
        whole=told.is_full,
        updated_ms=levels.updated_at,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        exact=exact.of_levels(texts.bids, texts.asks) if exact.suspicious(text) else None,
        # Signed or unsigned: modulo 2^32 both are one number.
        check=Check(value=levels.checksum % 2**32, bids=texts.bids, asks=texts.asks),
    )


def trades(
    deals: Sequence[wire.Deal], texts: Sequence[Mapping[str, object]], native: str, received_us: int
) -> tuple[PublicTrade, ...]:
    """Return trades, oldest first; CoinEx sends the newest first."""
    found = [
        PublicTrade(
            native=native,
            trade_id=str(deal.deal_id),
            price=deal.price,
            quantity=deal.amount,
            side=_side(deal.side),
            venue_us=deal.created_at * US_PER_MS,
            received_us=received_us,
            exact=exact.of_fields(price=text.get("price"), quantity=text.get("amount")),
        )
        for deal, text in zip(deals, texts, strict=True)
    ]
    # Turned first, so that trades of one millisecond stay in their order.
    found.reverse()
    return tuple(sorted(found, key=lambda trade: trade.venue_us))


def funding(state: wire.State, text: Mapping[str, object], received_us: int) -> FundingUpdate:
    """Return what a state says about the coming funding; the latest one is settled."""
    interval_us = None
    if state.latest_funding_time and state.next_funding_time:
        interval_us = (state.next_funding_time - state.latest_funding_time) * US_PER_MS
    return FundingUpdate(
        native=state.market,
        whole=True,
        rate=state.next_funding_rate,
        mark_price=state.mark_price,
        index_price=state.index_price,
        next_us=state.next_funding_time * US_PER_MS if state.next_funding_time else None,
        interval_us=interval_us if interval_us and interval_us > 0 else None,
        received_us=received_us,
        exact=exact.of_fields(
            rate=text.get("next_funding_rate"),
            mark_price=text.get("mark_price"),
            index_price=text.get("index_price"),
        ),
    )


def texts(body: bytes, count: int, *path: str) -> Sequence[Mapping[str, object]]:
    """Return the objects under a path as they were written, or empty ones where no number in the body is long."""
    if not exact.suspicious(body):
        return [{}] * count
    held: Any = read(_PLAIN, body)
    for name in path:
        held = held[name]
    return held  # type: ignore[no-any-return]  # its shape was read by type before


def failure(code: int, words: str, data: bytes) -> str | None:
    """Return how CoinEx says no; a code of 0 says yes, unless nothing but other words than OK comes with it."""
    if code:
        return f"{code} {words}"
    return words if words.strip().lower() not in GOOD and data in NOTHING else None


def _side(taker: str) -> Side:
    found = SIDES.get(taker)
    if found is None:
        raise InvalidMessage("a trade's side is buy or sell", field="side", value=taker)
    return found


_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_DEPTH: Final = msgspec.json.Decoder(wire.DepthMessage, strict=False)
_DEPTH_TEXT: Final = msgspec.json.Decoder(wire.DepthTextMessage)
