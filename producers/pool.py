"""Which instrument's streams go over which socket, and the fewest steps from what is to what is wanted (C-06, C-14).

Sockets are filled before another one is opened and closed when they are empty; what is wanted as before is never
touched, so that untouched instruments see no gap (K6). Steps come in the order in which they are to be done:
unsubscribe, close, open, subscribe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tapeline.errors import Misconfigured
from tapeline.venues.contract import Facts, StreamChannel, Want

MOST_SYMBOLS: Final = 50
MOST_SOCKETS: Final = 20


class Slot(msgspec.Struct, frozen=True, order=True):
    """One socket of the pool: its kind, by the venue's facts, and its number, which is never used twice.

    What is polled has a slot as if there were a socket that is always open.
    """

    socket: str
    number: int


class Open(msgspec.Struct, frozen=True):
    """Open a socket."""

    slot: Slot


class Close(msgspec.Struct, frozen=True):
    """Close a socket: nothing is left on it."""

    slot: Slot


class Subscribe(msgspec.Struct, frozen=True):
    """Ask for these streams on an open socket."""

    slot: Slot
    wants: tuple[Want, ...]


class Unsubscribe(msgspec.Struct, frozen=True):
    """Give these streams up."""

    slot: Slot
    wants: tuple[Want, ...]


Step = Open | Close | Subscribe | Unsubscribe
Held = dict[str, dict[StreamChannel, Want]]
"""What is on a socket: by native name and channel."""


class Pool:
    """The sockets of one venue and market, as a plan."""

    def __init__(self, facts: Facts, *, most_symbols: int = MOST_SYMBOLS, most_sockets: int = MOST_SOCKETS) -> None:
        """Begin without sockets."""
        self._facts = facts
        self._most_symbols = most_symbols
        self._most_sockets = most_sockets
        self._slots: dict[Slot, Held] = {}
        self._opened = 0

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Return the sockets that are to be open."""
        return tuple(self._slots)

    def wants(self, slot: Slot) -> tuple[Want, ...]:
        """Return all that a socket carries: what to ask for after it was opened anew."""
        return tuple(want for held in self._slots.get(slot, {}).values() for want in held.values())

    def carrying(self, slot: Slot, channel: StreamChannel) -> tuple[str, ...]:
        """Return the native names whose channel comes over this socket."""
        return tuple(native for native, held in self._slots.get(slot, {}).items() if channel in held)

    def slot_of(self, native: str, channel: StreamChannel) -> Slot | None:
        """Return the socket that carries a stream."""
        return next((slot for slot, held in self._slots.items() if channel in held.get(native, {})), None)

    def change(self, desired: Mapping[str, int]) -> tuple[Step, ...]:
        """Take what is wanted, the depth of the book by native name, and return the steps that lead there.

        Every channel that the market has is asked for. Misconfigured, with nothing changed, when that is too much.
        """
        plan: dict[Slot, Held] = {
            slot: {name: dict(of) for name, of in held.items()} for slot, held in self._slots.items()
        }
        opened: list[Slot] = []
        gone = self._leave(plan, desired)
        come: dict[Slot, list[Want]] = {}
        number = self._opened
        for socket, held in self._missing(plan, desired):
            slot = self._place(plan, socket, next(iter(held)), len(next(iter(held.values()))))
            if slot is None:
                number += 1
                slot = Slot(socket, number)
                plan[slot] = {}
                opened.append(slot)
            for native, streams in held.items():
                plan[slot].setdefault(native, {}).update(streams)
                come.setdefault(slot, []).extend(streams.values())
        closed = [slot for slot, held in plan.items() if not held]
        if len(plan) - len(closed) > self._most_sockets:
            raise Misconfigured(
                f"{len(desired)} symbols of {self._facts.venue} {self._facts.market} need more than "
                f"{self._most_sockets} sockets",
                fix="give some of them to another producer",
            )
        self._slots = {slot: held for slot, held in plan.items() if held}
        self._opened = number
        return (
            *(Unsubscribe(slot, tuple(wants)) for slot, wants in gone.items()),
            *(Close(slot) for slot in closed),
            *(Open(slot) for slot in opened),
            *(Subscribe(slot, tuple(wants)) for slot, wants in come.items()),
        )

    def _leave(self, plan: dict[Slot, Held], desired: Mapping[str, int]) -> dict[Slot, list[Want]]:
        """Take out of the plan what is not wanted any more, or not so deep."""
        gone: dict[Slot, list[Want]] = {}
        for slot, held in plan.items():
            for native in list(held):
                for channel, want in list(held[native].items()):
                    if native not in desired or (channel == "book" and want.depth != desired[native]):
                        gone.setdefault(slot, []).append(held[native].pop(channel))
                if not held[native] and native not in desired:
                    del held[native]
        return gone

    def _missing(self, plan: dict[Slot, Held], desired: Mapping[str, int]) -> list[tuple[str, Held]]:
        """Return what no socket of the plan carries, by kind of socket and instrument."""
        missing: list[tuple[str, Held]] = []
        for native, depth in desired.items():
            for socket in dict.fromkeys(self._facts.channels.values()):
                streams: dict[StreamChannel, Want] = {
                    channel: Want(channel=channel, native=native, depth=depth if channel == "book" else 0)
                    for channel, carrier in self._facts.channels.items()
                    if carrier == socket
                    and not any(channel in held.get(native, {}) for slot, held in plan.items() if slot.socket == socket)
                }
                if streams:
                    missing.append((socket, {native: streams}))
        return missing

    def _place(self, plan: dict[Slot, Held], socket: str, native: str, streams: int) -> Slot | None:
        """Return where the instrument is already, else the fullest socket with room, so that the others get empty."""
        mine = {slot: held for slot, held in plan.items() if slot.socket == socket}
        for slot, held in mine.items():
            if native in held:
                return slot
        most = self._facts.limits.most_streams
        free = [
            (len(held), -slot.number, slot)
            for slot, held in mine.items()
            if held and len(held) < self._most_symbols and sum(map(len, held.values())) + streams <= most
        ]
        return max(free)[2] if free else None
