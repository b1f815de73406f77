"""What was asked of a venue and not answered yet, and for which of it an answer speaks: by number, else by stream."""

from __future__ import annotations

from collections.abc import Iterable

from producers.pool import Slot
from tapeline.venues.contract import Answer, Ask, StreamChannel, Want


class Asked:
    """The unanswered wants of all sockets, the oldest first."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._open: dict[int, tuple[Slot, list[Want]]] = {}

    def put(self, slot: Slot, asks: Iterable[Ask]) -> None:
        """Remember what was asked on a socket."""
        for ask in asks:
            self._open[ask.request_id] = (slot, list(ask.wants))

    def forget(self, slot: Slot) -> None:
        """Drop what a lost connection will never answer."""
        self._open = {number: asked for number, asked in self._open.items() if asked[0] != slot}

    def forget_instrument(self, native: str) -> None:
        """Drop what was asked of one instrument: its answers concern nobody any more."""
        left = {
            number: (slot, [want for want in wants if want.native != native])
            for number, (slot, wants) in self._open.items()
        }
        self._open = {number: asked for number, asked in left.items() if asked[1]}

    def answered(self, slot: Slot, answer: Answer) -> tuple[Want, ...]:
        """Return the wants that an answer speaks for, each once; none where nothing of it was asked."""
        number = answer.request_id
        if number is not None and number not in self._open:
            return ()
        if not answer.streams:
            return () if number is None else tuple(self._open.pop(number)[1])
        places = [number] if number is not None else [one for one, (asked, _) in self._open.items() if asked == slot]
        found = [self._take(places, channel, native) for channel, native in answer.streams]
        return tuple(want for want in found if want is not None)

    def _take(self, places: Iterable[int], channel: StreamChannel, native: str | None) -> Want | None:
        for number in places:
            wants = self._open[number][1] if number in self._open else []
            for want in wants:
                if want.channel == channel and native in (None, want.native):
                    wants.remove(want)
                    if not wants:
                        del self._open[number]
                    return want
        return None


def books_of(ask: Ask) -> tuple[str, ...]:
    """Return the native names of the books that a request asks for."""
    return tuple([want.native for want in ask.wants if want.channel in {"book", "snapshot"}])
