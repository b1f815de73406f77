"""One market of a venue as `tapeline venues` tells it: what there is by the registry alone, and what a probe found.

A part that was not probed, or not reached, has None where the probe would have put its finding.
"""

from __future__ import annotations

import importlib
from typing import Final

import msgspec

from tapeline.domain.instruments import Market
from tapeline.venues.contract import BookProtocol, Facts, Venue

_MARK: Final = "UNCONFIRMED:"


class Trades(msgspec.Struct, frozen=True, kw_only=True):
    """The trades: what their ids tell, how many recent ones REST has, and how many came over the stream."""

    ids: str
    recent: int
    received: int | None = None
    remark: str | None = None
    error: str | None = None


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """The book: how a hole in it shows, where a whole one comes from, and whether it held.

    `checked` is how many changes the rule let through, `stale` how often it found the book broken.
    """

    integrity: str
    snapshot: str
    depths: tuple[int, ...]
    valid: bool | None = None
    checked: int | None = None
    stale: int | None = None
    error: str | None = None


class Instruments(msgspec.Struct, frozen=True, kw_only=True):
    """The list of instruments, which REST has: how many are ours, and how many lack rules to trade by."""

    source: str = "rest"
    count: int | None = None
    skipped: int | None = None
    error: str | None = None


class Funding(msgspec.Struct, frozen=True, kw_only=True):
    """The funding of a perpetual: where it comes from, and by which way a rate came."""

    source: str
    poll_s: float | None
    received: str | None = None
    rate: str | None = None
    error: str | None = None


class Difference(msgspec.Struct, frozen=True):
    """How frames of a channel differ from what we know of the protocol, and what to do."""

    channel: str
    kind: str
    field: str
    said: str
    fix: str


class VenueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One market in --json; `ok` is null where nothing was probed. Spot has no funding."""

    venue: str
    market: Market
    name: str
    trades: Trades
    book: Book
    instruments: Instruments
    funding: Funding | None
    traded: bool
    closing: bool
    unconfirmed: tuple[str, ...]
    network: str | None = None
    address: str | None = None
    symbol: str | None = None
    drift: tuple[Difference, ...] = ()
    ok: bool | None = None
    error: str | None = None


def told(venue: Venue, market: Market) -> VenueRow:
    """Return a market as the registry has it."""
    feed = venue.feeds[market]
    facts, package = feed.facts, type(feed).__module__.rpartition(".")[0]
    return VenueRow(
        venue=venue.id,
        market=market,
        name=venue.name,
        trades=Trades(ids=facts.trades.ids, recent=facts.trades.recent),
        book=Book(
            integrity=integrity(facts.book),
            snapshot=facts.book.snapshot,
            depths=facts.book.stream_depths,
        ),
        instruments=Instruments(),
        funding=_funding(facts),
        traded=venue.is_traded,
        closing=venue.is_closing,
        unconfirmed=points(importlib.import_module(package).__doc__),
    )


def integrity(book: BookProtocol) -> str:
    """Return in a word how a hole in a book shows; what is polled has none."""
    if book.poll_s is not None:
        return "polled"
    numbers = {"sequence": "sequence", "previous": "previous sequence", "skipping": "skipping ids"}[book.rule]
    if book.checksum is None:
        return numbers
    return "checksum" if book.rule == "skipping" else f"{numbers}, checksum"


def points(evidence: str | None) -> tuple[str, ...]:
    """Return what a venue's own description names as unconfirmed, point by point."""
    _, mark, rest = (evidence or "").partition(_MARK)
    paragraph = " ".join(rest.partition("\n\n")[0].split()) if mark else ""
    # A sentence behind the list belongs to what is around it.
    sentence = paragraph.partition(". ")[0].rstrip(".")
    return tuple(_split(sentence)) if sentence else ()


def _split(sentence: str) -> list[str]:
    """Cut at the semicolons that stand outside of brackets."""
    found, depth = [""], 0
    for letter in sentence:
        depth += (letter == "(") - (letter == ")")
        if letter == ";" and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [one.strip() for one in found if one.strip()]


def _funding(facts: Facts) -> Funding | None:
    if facts.market == "spot":
        return None
    streamed = ["stream"] if "funding" in facts.channels else []
    polled = [] if facts.funding_poll_s is None else ["rest"]
    return Funding(source=" and ".join([*streamed, *polled]), poll_s=facts.funding_poll_s)
