"""What was asked of a venue and not answered yet, and for which of it an answer speaks: by number, else by stream.

A book that is late is asked for anew by its own feed. Of any other stream nothing else shows that it was never begun: a
socket that owes such an answer for too long is one to give up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from producers.pool import Slot
from tapeline.venues.contract import Answer, Ask, StreamChannel, Want

ANSWER_US: Final = 10_000_000
"""A subscription that was not answered by then, since it went out, is lost."""
_BOOKS: Final = frozenset({"book", "snapshot"})


@dataclass(slots=True)
class _Open:
    """What one request asks for and was not told yet, on which socket, and when it went out."""

    slot: Slot
    wants: list[Want]
    sent_us: int | None = None


class Asked:
    """The unanswered wants of all sockets, the oldest first."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._open: dict[int, _Open] = {}

    def put(self, slot: Slot, asks: Iterable[Ask]) -> None:
        """Remember what is to be asked on a socket."""
        for ask in asks:
            self._open[ask.request_id] = _Open(slot, list(ask.wants))

    def sent(self, number: int | None, now_us: int) -> None:
        """Hear that a request has gone out: from now on its answer may be late."""
        if number is not None and number in self._open:
            self._open[number].sent_us = now_us

    def late(self, now_us: int) -> tuple[Slot, ...]:
        """Return the sockets that owe an answer for too long, each once: what was asked there is forgotten."""
        found = {
            one.slot: None
            for one in self._open.values()
            if one.sent_us is not None
            and now_us - one.sent_us > ANSWER_US
            and any(want.channel not in _BOOKS for want in one.wants)
        }
        for slot in found:
            self.forget(slot)
        return tuple(found)

    def forget(self, slot: Slot) -> None:
        """Drop what a lost connection will never answer."""
        self._open = {number: one for number, one in self._open.items() if one.slot != slot}

    def forget_instrument(self, native: str) -> None:
        """Drop what was asked of one instrument: its answers concern nobody any more."""
        for one in self._open.values():
            one.wants = [want for want in one.wants if want.native != native]
        self._open = {number: one for number, one in self._open.items() if one.wants}

    def answered(self, slot: Slot, answer: Answer) -> tuple[Want, ...]:
        """Return the wants that an answer speaks for, each once; none where nothing of it was asked."""
        number = answer.request_id
        if number is not None and number not in self._open:
            return ()
        if not answer.streams:
            return () if number is None else tuple(self._open.pop(number).wants)
        places = [number] if number is not None else [at for at, one in self._open.items() if one.slot == slot]
        found = [self._take(places, channel, native) for channel, native in answer.streams]
        return tuple(want for want in found if want is not None)

    def _take(self, places: Iterable[int], channel: StreamChannel, native: str | None) -> Want | None:
        for number in places:
            wants = self._open[number].wants if number in self._open else []
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
