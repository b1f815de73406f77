"""A watcher of a link that keeps all that is wrong with its frames and addresses, and how frames differ."""

from __future__ import annotations

from tapeline.errors import InvalidMessage
from tapeline.venues import drift, registry
from tapeline.venues.contract import Feed
from tapeline.venues.drift import CHANNELS, Channel


class Watching:
    """What is wrong with one market's frames; none may be."""

    def __init__(self, feed: Feed, trouble: list[object]) -> None:
        self._feed = feed
        self._trouble = trouble
        self.looked: set[Channel] = set()
        """Of which channels frames were compared."""

    def broken(self, frame: bytes, error: InvalidMessage) -> None:
        """Keep a frame that broke the contract."""
        self._trouble.append((frame, error))

    def look(self, frame: bytes) -> None:
        """Keep how a frame differs from the protocol."""
        self.looked |= {CHANNELS[type(one)] for one in self._feed.decode(frame, 1) if type(one) in CHANNELS}
        self._trouble += drift.found(self._feed, frame, registry.venue(self._feed.facts.venue).ignored)

    def gone(self, said: str) -> None:
        """Keep that an address is no more."""
        self._trouble.append(said)
