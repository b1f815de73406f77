"""What streams and REST of BingX say alike: levels best first, trades oldest first with an id, texts beside floats."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.events import Side
from tapeline.errors import InvalidMessage
from tapeline.venues.bingx import wire
from tapeline.venues.contract import Levels, PublicTrade, read

US_PER_MS: Final = 1_000
MOST_INFLATED: Final = 16 * 1024 * 1024
"""No frame of BingX is near it: what claims more would only fill the memory."""
GZIP: Final = b"\x1f\x8b"
GOOD: Final = frozenset({"", "success", "ok"})
"""All that a message says where nothing is wrong; a refusal may come with code 0 and other words."""
_GZIP_ALONE: Final = 16 + zlib.MAX_WBITS


def inflated(frame: bytes) -> bytes:
    """Return the text of a frame: all that BingX sends is gzip'd, and what was recorded is text already."""
    if not frame.startswith(GZIP):
        return frame
    stream = zlib.decompressobj(_GZIP_ALONE)
    try:
        text = stream.decompress(frame, MOST_INFLATED)
    except zlib.error as error:
        raise InvalidMessage(f"not gzip: {error}") from error
    if not stream.eof:
        cut = len(text) < MOST_INFLATED
        raise InvalidMessage("a frame of gzip ends early" if cut else f"a frame of more than {MOST_INFLATED} bytes")
    if stream.unused_data:
        raise InvalidMessage(f"{len(stream.unused_data)} bytes behind a frame of gzip")
    return text


def failure(code: int, message: str | None) -> str | None:
    """Return what went wrong, None where nothing did."""
    said = message or ""
    return f"{code} {said}".rstrip() if code or said.strip().lower() not in GOOD else None


def best_first(levels: wire.Side, *, bids: bool) -> Levels:
    """Return the levels of one side, which come in any order, best first."""
    found = levels.items() if isinstance(levels, dict) else levels or ()
    return tuple(sorted(found, key=itemgetter(0), reverse=bids))


def level_texts(frame: bytes) -> exact.Exact | None:
    """Return the texts to keep of the levels in a frame or an answer, in the order of `best_first`."""
    if not exact.suspicious(frame):
        return None
    data = plain(frame)
    return exact.of_levels(_plain_side(data["bids"], bids=True), _plain_side(data["asks"], bids=False))


def plain(frame: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return what stands under `data` as it is written: also a number without quotes, as BingX has them, is a text."""
    return read(_PLAIN, frame)["data"]


def side(*, buyer_made: bool) -> Side:
    """Return the taker's side: where the buyer was there first, the taker sold."""
    return "sell" if buyer_made else "buy"


def oldest_first(trades: Sequence[PublicTrade]) -> tuple[PublicTrade, ...]:
    """Return trades, which BingX sends newest first, from the oldest on; those of one millisecond keep their order."""
    found = list(trades)
    if found and found[0].venue_us > found[-1].venue_us:
        found.reverse()
    return tuple(sorted(found, key=lambda trade: trade.venue_us))


def with_ids(trades: Iterable[PublicTrade]) -> tuple[PublicTrade, ...]:
    """Give trades without an id one that is made of them alone: the same trade has the same id wherever it stands.

    Many are equal in all that BingX says of them, so an id counts the equal ones before it, from the oldest on.
    """
    seen: Counter[str] = Counter()
    found: list[PublicTrade] = []
    for trade in trades:
        ms = trade.venue_us // US_PER_MS
        made = f"{trade.native}-{ms}-{trade.price!r}-{trade.quantity!r}-{trade.side}"
        found.append(msgspec.structs.replace(trade, trade_id=f"{made}-{seen[made]}"))
        seen[made] += 1
    return tuple(found)


def _plain_side(levels: Any, *, bids: bool) -> list[Sequence[object]]:  # noqa: ANN401 - any JSON
    pairs: Iterable[Sequence[Any]] = levels if isinstance(levels, list) else ()
    if isinstance(levels, dict):
        # By the number, so that two texts of one price are one level here too.
        pairs = {float(price): (price, quantity) for price, quantity in levels.items()}.values()
    return sorted(pairs, key=lambda level: float(level[0]), reverse=bids)


_PLAIN: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
