"""Books, changes and holes as the records that are published: values in, records out, nothing decided here."""

from __future__ import annotations

from tapeline.domain.book import BookDelta, BookKeeper, BookSnapshot, Hole
from tapeline.domain.events import Book, Channel, DeltaBatch, Gap, OfInstrument


def book_record(
    of: OfInstrument, keeper: BookKeeper, *, depth: int, conflated: int, first_received_us: int, published_us: int
) -> Book | None:
    """Return the top of a keeper's book as a record, stale unless it is valid; None before there is any book."""
    if keeper.sequence is None:
        return None
    top = keeper.top(depth)
    return Book(
        venue=of.venue,
        market=of.market,
        symbol=of.symbol,
        epoch=keeper.epoch,
        sequence=keeper.sequence,
        state="valid" if keeper.state == "valid" else "stale",
        depth=depth,
        bid_prices=top.bid_prices,
        bid_quantities=top.bid_quantities,
        ask_prices=top.ask_prices,
        ask_quantities=top.ask_quantities,
        conflated=conflated,
        first_received_us=first_received_us,
        venue_us=keeper.venue_us,
        received_us=keeper.received_us,
        published_us=published_us,
        exact=top.exact,
    )


def delta_record(of: OfInstrument, change: BookDelta | BookSnapshot, *, epoch: int, published_us: int) -> DeltaBatch:
    """Return a change, or the snapshot that replaces the book, as a record."""
    changed = isinstance(change, BookDelta)
    return DeltaBatch(
        venue=of.venue,
        market=of.market,
        symbol=of.symbol,
        epoch=epoch,
        kind="change" if changed else "snapshot",
        follows=change.follows if isinstance(change, BookDelta) else None,
        first=change.first if isinstance(change, BookDelta) else None,
        sequence=change.sequence,
        bid_prices=change.bid_prices,
        bid_quantities=change.bid_quantities,
        ask_prices=change.ask_prices,
        ask_quantities=change.ask_quantities,
        venue_us=change.venue_us,
        received_us=change.received_us,
        published_us=published_us,
        exact=change.exact,
    )


def whole_record(of: OfInstrument, keeper: BookKeeper, *, published_us: int) -> DeltaBatch | None:
    """Return all that is known of a book as a snapshot record, at its newest change; None when it is not valid."""
    if keeper.state != "valid" or keeper.sequence is None:
        return None
    top = keeper.top(0)
    return DeltaBatch(
        venue=of.venue,
        market=of.market,
        symbol=of.symbol,
        epoch=keeper.epoch,
        kind="snapshot",
        sequence=keeper.sequence,
        bid_prices=top.bid_prices,
        bid_quantities=top.bid_quantities,
        ask_prices=top.ask_prices,
        ask_quantities=top.ask_quantities,
        venue_us=keeper.venue_us,
        received_us=keeper.received_us,
        published_us=published_us,
        exact=top.exact,
    )


def gap_record(
    of: OfInstrument, hole: Hole, *, published_us: int, channel: Channel = "book", backfilled: bool = False
) -> Gap:
    """Return a hole, open or closed, as a record; the closed one has the identity of the open one."""
    return Gap(
        venue=of.venue,
        market=of.market,
        symbol=of.symbol,
        channel=channel,
        epoch=hole.epoch,
        from_id=hole.from_id,
        to_id=hole.to_id,
        to_epoch=hole.to_epoch,
        start_us=hole.start_us,
        end_us=hole.end_us,
        cause=hole.cause,
        backfilled=backfilled,
        detail=hole.detail,
        published_us=published_us,
    )
