"""What MEXC's two REST interfaces share as pure functions: refusals as errors, trades without ids as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain.events import Side
from tapeline.domain.exact import Exact
from tapeline.errors import InvalidMessage, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import Facts, PublicTrade
from tapeline.venues.mexc import wire

US_PER_MS: Final = 1_000
SIDES: Final[Mapping[int, Side]] = {1: "buy", 2: "sell"}
"""The taker's side, of both markets."""
GOOD: Final = frozenset({0, 200})
BUSY: Final = frozenset({429, 500, 501, 503, 504, 510, 604, 801})
"""Codes of an answer that a later request may not get: limits, server errors, maintenance."""
BAN_S: Final = 120.0
"""The shortest ban that a 418 without Retry-After can mean, and the wait after a 403 of the firewall."""
TOO_MANY: Final = 429
BANNED: Final = frozenset({403, 418})
REFUSED: Final = 400
SERVER_ERROR: Final = 500

Row = tuple[str | int | None, float, float, Side, int, Exact | None]
"""Id, price, quantity, side, time in ms and exact texts of one trade."""


class MexcRest:
    """What the REST halves of both markets have in common."""

    def __init__(self, facts: Facts) -> None:
        """Take the market's facts."""
        self.facts = facts

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> TapelineError | None:
        """Judge an answer by its status and by the code in its body: futures refuse with HTTP 200."""
        said = f"HTTP {status} from {self.facts.venue} {self.facts.market}: {body[:200].decode('utf-8', 'replace')}"
        named = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        asked_s = float(named) if named.isascii() and named.isdigit() else None
        if status in BANNED:
            return Unavailable(said, retry_after_s=asked_s or BAN_S)
        outcome = _outcome(body)
        code = outcome.code if status < REFUSED or outcome.code not in GOOD else status
        if TOO_MANY in {status, code} or code in BUSY:
            return Unavailable(said, retry_after_s=asked_s or self.facts.rest.window_s)
        if status >= SERVER_ERROR:
            return Unavailable(said)
        return None if code in GOOD and outcome.success else VenueRefused(said)

    def _limit(self, depth: int) -> int:
        """Return how many levels are asked for: any number up to the deepest."""
        deepest = self.facts.book.rest_depths[-1]
        return min(depth, deepest) or deepest


def taker(number: int, name: str) -> Side:
    """Return the taker's side in our word."""
    found = SIDES.get(number)
    if found is None:
        raise InvalidMessage("a trade's side is 1 or 2", field=name, value=number)
    return found


def trades(native: str, rows: Iterable[Row], received_us: int) -> tuple[PublicTrade, ...]:
    """Return trades; one without an id gets one made of itself, with a number where others are its like."""
    found: list[PublicTrade] = []
    alike: dict[str, int] = {}
    for given, price, quantity, side, at_ms, texts in rows:
        trade_id = str(given or "")
        if not trade_id:
            made = f"{at_ms}-{side}-{price!r}-{quantity!r}"
            alike[made] = number = alike.get(made, 0) + 1
            trade_id = made if number == 1 else f"{made}-{number}"
        found.append(
            PublicTrade(
                native=native,
                trade_id=trade_id,
                price=price,
                quantity=quantity,
                side=side,
                venue_us=at_ms * US_PER_MS,
                received_us=received_us,
                exact=texts,
            )
        )
    return tuple(found)


def oldest_first(rows: Iterable[Row]) -> list[Row]:
    """Return rows of an answer, which has the newest first."""
    found = list(rows)
    # Turned first, so that trades of one millisecond stay in their order.
    found.reverse()
    return sorted(found, key=lambda row: row[4])


def step(digits: int | None) -> Decimal | None:
    """Return the step of a number with so many digits behind the point."""
    return None if digits is None else Decimal(1).scaleb(-digits)


def _outcome(body: bytes) -> wire.Outcome:
    """Return what a body says of itself; one that says nothing is good: spot's lists, the page of a proxy."""
    try:
        return _OUTCOME.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return wire.Outcome()


_OUTCOME: Final = msgspec.json.Decoder(wire.Outcome, strict=False)
