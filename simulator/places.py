"""Which venues and markets can be simulated, and how one is put together; the list from which commands choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator import faults, instruments, journal
from simulator.desk import Desk
from simulator.dex import onchain
from simulator.exchange import Exchange
from simulator.face import Face, Outlet
from simulator.faces import binance_terms, bingx, bitget, bybit_terms, coinex, gateio, htx, kucoin, mexc, okx
from simulator.faces.binance import BinanceFace
from simulator.faces.bybit import BybitFace
from simulator.limits import SocketLimits
from simulator.market import Market
from simulator.order_strikes import Legs
from simulator.terms import FUNDING_S, Key, Terms, key_of
from tapeline.errors import Misconfigured

MARKETS = ("spot", "futures")
ALL = "all"

Make = Callable[[Outlet, Desk, str, int, SocketLimits | None], Face]

FACES: dict[str, Make] = {
    "binance": BinanceFace,
    "bybit": BybitFace,
    "okx": okx.OkxFace,
    "kucoin": kucoin.KucoinFace,
    "bingx": bingx.BingxFace,
    "coinex": coinex.CoinexFace,
    "mexc": mexc.MexcFace,
    "bitget": bitget.BitgetFace,
    "gateio": gateio.GateioFace,
    "htx": htx.HtxFace,
}
VENUES = (*FACES, *onchain.VENUES)
"""All that can be simulated: exchanges, and behind them the venues of one chain, which are spot and keep no journal."""
TRADED = frozenset({"binance", "bybit"})
"""Venues whose face has an account; the others are only read."""
TERMS: dict[str, Mapping[str, Terms]] = {
    "binance": binance_terms.TERMS,
    "bybit": bybit_terms.TERMS,
    "okx": okx.TERMS,
    "kucoin": kucoin.TERMS,
    "bingx": bingx.TERMS,
    "coinex": coinex.TERMS,
    "mexc": mexc.TERMS,
    "bitget": bitget.TERMS,
    "gateio": gateio.TERMS,
    "htx": htx.TERMS,
}


@dataclass(frozen=True, slots=True)
class Place:
    """A venue and one of its markets."""

    venue: str
    market: str

    def __str__(self) -> str:
        """Return `venue:market`."""
        return f"{self.venue}:{self.market}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a simulation is asked for; `rate` scales how often an instrument moves, 1 is 7.5 times a second.

    `ports` are in the order of `places`; without any, free ones are taken. Every `funding_s` funding is paid.
    """

    places: tuple[Place, ...]
    ports: tuple[int, ...] = ()
    seed: int = 0
    faults: tuple[str, ...] = ()
    symbols: int = instruments.DEFAULT_SYMBOLS
    journal: Path | None = None
    rate: float = 1.0
    funding_s: int = FUNDING_S
    keys: Mapping[str, Key] = field(default_factory=dict)
    """By venue; one that is not in it has the key that the seed gives."""

    def key(self, venue: str) -> Key:
        """Return the key of a venue."""
        return self.keys.get(venue) or key_of(self.seed, venue)


def choose(venue: str, market: str) -> tuple[Place, ...]:
    """Return the places of venues (comma separated) and a market, `all` for every one; Misconfigured for another.

    They come in the order that they are named in, for their ports do.
    """
    venues = tuple(word.strip() for word in venue.split(",") if word.strip()) or (venue,)
    for one in venues:
        if one not in (*VENUES, ALL):
            raise Misconfigured(f"there is no simulated venue {one!r}", fix=f"choose {', '.join(VENUES)} or {ALL}")
    if market not in (*MARKETS, ALL):
        raise Misconfigured(f"there is no market {market!r}", fix=f"choose {', '.join(MARKETS)} or {ALL}")
    return tuple(
        Place(one, other)
        for one in dict.fromkeys(VENUES if ALL in venues else venues)
        for other in (MARKETS if one in FACES else MARKETS[:1])
        if market in (other, ALL)
    )


def checked(options: Options) -> Options:
    """Return the options when they can be met; raise Misconfigured otherwise."""
    instruments.listed(options.symbols)
    if options.funding_s < 1:
        raise Misconfigured(f"funding every {options.funding_s} s is too often", fix="give 1 s or more")
    if options.ports and len(options.ports) != len(options.places):
        raise Misconfigured(
            f"{len(options.ports)} ports for {len(options.places)} markets", fix="give one port for each market"
        )
    for name in options.faults:
        faults.check(name)
    return options


def consecutive(first: int, places: tuple[Place, ...]) -> tuple[int, ...]:
    """Return the ports of places from a first one on; 0 takes free ones."""
    return tuple(range(first, first + len(places))) if first else ()


def exchange(
    place: Place, options: Options, *, limits: SocketLimits | None = None, legs: Legs | None = None
) -> Exchange:
    """Put one exchange together; its journal is opened here. Exchanges of one process share `legs`."""
    market = Market(options.seed, str(place), instruments.listed(options.symbols), rate=options.rate)
    desk = Desk(
        market,
        venue=place.venue,
        kind=place.market,
        seed=options.seed,
        terms=TERMS[place.venue][place.market],
        funding_s=options.funding_s,
        key=options.key(place.venue),
    )
    path = None if options.journal is None else options.journal / journal.file_name(place.venue, place.market)
    face = FACES[place.venue]
    return Exchange(
        lambda outlet: face(outlet, desk, place.market, options.seed, limits),
        desk,
        journal.Journal(path),
        seed=options.seed,
        # Where nobody trades, what befalls an order cannot happen.
        faults=tuple(name for name in options.faults if place.venue in TRADED or name not in faults.PRIVATE),
        legs=legs,
    )
