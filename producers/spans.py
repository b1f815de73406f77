"""What is missing when a record is shed, and the gap record that says so afterwards: values in, values out."""

from __future__ import annotations

from producers.outbox import Span
from tapeline.domain.book import Hole
from tapeline.domain.book_records import gap_record
from tapeline.domain.events import Book, Channel, DeltaBatch, Funding, Gap, OfInstrument, Trade


def span_of(record: Book | DeltaBatch | Trade | Gap | Funding) -> Span | None:
    """Return what would be missing without this record; None for a gap, which is never shed."""
    at_us = record.published_us
    if isinstance(record, DeltaBatch):
        at_us = record.received_us if record.venue_us is None else record.venue_us
        # A snapshot holds nothing that is not in the changes: shed, it only asks for another one. A venue that does not
        # say what a change follows numbers it alone.
        alone = record.sequence if record.kind == "snapshot" else record.sequence - 1
        after = alone if record.follows is None else record.follows
        return _span(record, "book", str(after), str(record.sequence), at_us)
    if isinstance(record, Trade):
        return _span(record, "trade", None, None, record.venue_us)
    if isinstance(record, Funding):
        return _span(record, "funding", None, None, record.received_us)
    return None


def shed_gap(of: OfInstrument, span: Span, now_us: int) -> Gap:
    """Return the closed gap of what was shed of a channel."""
    hole = Hole(
        epoch=span.epoch,
        from_id=span.from_id,
        start_us=span.start_us,
        cause="shed",
        detail="the broker was away for longer than the buffer holds",
        to_id=span.to_id,
        to_epoch=span.to_epoch,
        end_us=span.end_us,
    )
    return gap_record(of, hole, published_us=now_us, channel=span.channel)


def _span(
    record: DeltaBatch | Trade | Funding, channel: Channel, from_id: str | None, to_id: str | None, at_us: int
) -> Span:
    return Span(
        instrument=record.key,
        channel=channel,
        epoch=record.epoch,
        to_epoch=record.epoch,
        from_id=from_id,
        to_id=to_id,
        start_us=at_us,
        end_us=at_us,
    )
