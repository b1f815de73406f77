"""What the facts say of a book's numbers is what the decoder makes of frames: in a row, chained, or neither (C-04)."""

from __future__ import annotations

import pytest

from tapeline.domain.book import BookDelta
from tapeline.domain.events import Market
from tapeline.errors import InvalidMessage
from tapeline.venues import registry
from tapeline.venues.contract import Feed
from tests.venues.recorded import own

EVERY = [
    (venue, market)
    for venue, one in registry.VENUES.items()
    for market, feed in one.feeds.items()
    # A chain tells whole books only, and so do quotes.
    if feed.facts.node is None and feed.facts.book.poll_s is None
]


def deltas(feed: Feed) -> list[BookDelta]:
    """Return the changes in our own frames of a market."""
    found: list[BookDelta] = []
    for line in own(feed.facts.venue, feed.facts.market):
        if line.url is None and not line.channel.startswith("rest:"):
            try:
                events = feed.decode(line.data, 1)
            except InvalidMessage:
                continue
            found += [event for event in events if isinstance(event, BookDelta)]
    return found


@pytest.mark.parametrize(("venue", "market"), EVERY)
def test_the_rule_of_the_facts_is_that_of_the_frames(venue: str, market: Market) -> None:
    feed = registry.feed(venue, market)
    found = deltas(feed)
    assert found
    consecutive = all(one.follows == one.first - 1 for one in found)
    named = any(one.follows is not None for one in found)
    match feed.facts.book.rule:
        case "sequence":
            assert consecutive
        case "previous":
            assert named
        case "skipping":
            assert not named


def test_only_a_venue_that_ends_is_closing() -> None:
    assert [one.id for one in registry.VENUES.values() if one.is_closing] == ["coinex"]
