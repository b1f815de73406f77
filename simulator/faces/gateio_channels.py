"""Gate's channels: what a channel with its payload stands for, and how a stream is called in the journal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from simulator.frames import Kind
from simulator.instruments import Instrument

OBU: Final = "obu"
UPDATE: Final = "order_book_update"
TRADES: Final = "trades"
TICKERS: Final = "tickers"

# depth -> how often at most
OBU_MS: Final = {50: 20, 400: 100}
# pace -> levels; futures say their levels themselves
_SPOT_LEVELS: Final = {"20ms": 20, "100ms": 100}
_FUTURES_LEVELS: Final = {"20ms": (20,), "100ms": (20, 50, 100)}
_STREAM: Final = re.compile(r"ob\.(?P<native>.+)\.(?P<depth>\d+)")
_NO_SUCH: Final = "invalid argument"


@dataclass(frozen=True, slots=True)
class Stream:
    """One subscription; `channel` is its name in the journal, `depth` 0 for what is no book.

    A stream that nobody will ever hear (`silent`) is acknowledged all the same.
    """

    name: str
    native: str
    kind: Kind
    channel: str
    depth: int = 0
    every_ms: int = 0
    silent: bool = False


class Wrong(Exception):
    """What the venue says of a payload that it does not take."""


def native_of(instrument: Instrument) -> str:
    """Return how the venue writes an instrument, on both markets."""
    return f"{instrument.base}_{instrument.quote}"


def channel_of(market: str, what: str, depth: int = 0, every_ms: int = 0) -> str:
    """Return the journal's name of a channel."""
    depths, pace = f".{depth}" if depth else "", f".{every_ms}ms" if every_ms else ""
    return f"{market}.{what}{depths}{pace}"


def parse(market: str, what: str, payload: list[str], known: frozenset[str]) -> list[Stream]:
    """Return the streams of a request; raise Wrong for the whole of it when one is not there."""
    if what == OBU:
        return [_obu(market, name, known) for name in payload]
    if what == UPDATE:
        return [_update(market, payload, known)]
    kind: Literal["trade", "ticker"] = "trade" if what == TRADES else "ticker"
    channel = channel_of(market, what)
    return [Stream(f"{channel} {_known(market, one, known)}", one, kind, channel) for one in payload]


def _obu(market: str, name: str, known: frozenset[str]) -> Stream:
    found = _STREAM.fullmatch(name)
    stream = f"{market}.{OBU} {name}"
    if found is None or found["native"] not in known or int(found["depth"]) not in OBU_MS:
        return Stream(stream, "", "book", "", silent=True)
    depth = int(found["depth"])
    return Stream(stream, found["native"], "book", channel_of(market, OBU, depth), depth, OBU_MS[depth])


def _update(market: str, payload: list[str], known: frozenset[str]) -> Stream:
    native = _known(market, payload[0], known)
    pace = payload[1] if len(payload) > 1 else ""
    if market == "spot":
        depth = _SPOT_LEVELS.get(pace, 0)
    else:
        levels = payload[2] if len(payload) > 2 else ""  # noqa: PLR2004 - contract, pace, levels
        depth = next((one for one in _FUTURES_LEVELS.get(pace, ()) if str(one) == levels), 0)
    if not depth:
        raise Wrong(_NO_SUCH)
    every_ms = int(pace.removesuffix("ms"))
    channel = channel_of(market, UPDATE, depth, every_ms)
    return Stream(f"{channel} {native}", native, "book", channel, depth, every_ms)


def _known(market: str, native: str, known: frozenset[str]) -> str:
    if native not in known:
        raise Wrong(f"unknown {'currency pair' if market == 'spot' else 'contract'} {native}")
    return native
