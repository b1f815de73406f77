"""The catalogue of what can go wrong, the same for simulator, demo and tests, and when it is to happen.

Each chosen fault fires at least once in every 30 s; `stall-symbol` comes first, within 3 s, for it takes a client the
longest to notice; what ends a connection comes last, so that it does not hide the others. A fault of one order waits
for an order that it can happen to.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from simulator import chance
from tapeline.errors import Misconfigured

Side = Literal["public", "private", "process"]
"""Where a fault acts: market data, orders, or the processes of the pipeline (which only the demo can do)."""

CYCLE_S = 30.0
_JITTER_S = 0.4


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong."""

    name: str
    side: Side
    about: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A fault with what a script fixes about it; None leaves the choice to the simulator.

    `count` is how many messages, or how many orders. `visible_after_ms` is how long an order whose answer was lost
    cannot be asked for. A `ban` of kind `address` refuses public requests too, a `slow` of kind `rest` no messages; a
    `late-fill` of kind `taker` or `cancel` is only the one or the other. `skew_s` is how far ahead of ours a clock is.
    """

    name: str
    symbol: str | None = None
    kind: str | None = None
    count: int | None = None
    duration_s: float | None = None
    visible_after_ms: int | None = None
    skew_s: float | None = None


CATALOGUE = (
    Fault("gap", "public", "one to three messages of a book are never sent"),
    Fault("duplicate", "public", "a message is sent twice"),
    Fault("reorder", "public", "two messages of a book change places"),
    Fault("cut", "public", "a connection breaks off without a close"),
    Fault("stall", "public", "a connection stays open and says nothing more, not even pong"),
    Fault("stall-symbol", "public", "one symbol of a living connection falls silent until it is resubscribed"),
    Fault("corrupt", "public", "a message arrives as broken JSON"),
    Fault("429", "public", "REST refuses with the venue's rate limit answer for a while"),
    Fault("slow", "public", "messages and REST answers come late for a while"),
    Fault("lost-answer", "private", "an order is taken and its answer never sent"),
    Fault("refuse", "private", "an order is refused"),
    Fault("leg-refused", "private", "of two orders within 2 s, here or at another exchange, the second is refused"),
    Fault("partial", "private", "an order fills in part"),
    Fault(
        "late-fill", "private", "an order is dealt, and told so only later: a taker, or one whose cancel was answered"
    ),
    Fault("duplicate-id", "private", "the venue says that the client order id is taken"),
    Fault("ban", "private", "signed requests are refused with the venue's ban for a while"),
    Fault("skew", "private", "the venue's clock is away from ours for a while"),
    Fault("kill", "process", "a process of the pipeline is killed"),
)
NAMES = tuple(fault.name for fault in CATALOGUE)
PUBLIC = tuple(fault.name for fault in CATALOGUE if fault.side == "public")
PRIVATE = tuple(fault.name for fault in CATALOGUE if fault.side == "private")
SIMULATED = PUBLIC + PRIVATE
"""What a simulator can do by itself."""
ALL = "all"

# When in a cycle each comes; 429 just before the gap, whose repair then meets it; what befalls single orders is spread.
_OFFSETS_S = {
    "stall-symbol": 0.8,
    "refuse": 1.5,
    "partial": 3.0,
    "duplicate": 4.0,
    "lost-answer": 5.0,
    "reorder": 6.0,
    "late-fill": 7.0,
    "skew": 8.0,
    "corrupt": 9.0,
    "duplicate-id": 11.5,
    "slow": 12.0,
    "leg-refused": 14.0,
    "429": 15.6,
    "gap": 16.0,
    "ban": 20.0,
    "cut": 24.0,
    "stall": 26.5,
}


def parse(text: str | None) -> tuple[str, ...]:
    """Return the faults that a comma separated list names, `all` for every one that a simulator can do by itself.

    Raises Misconfigured for a name that is not in the catalogue, with the nearest one, and for one that acts where the
    simulator has nothing.
    """
    chosen: list[str] = []
    for name in (word.strip() for word in (text or "").split(",") if word.strip()):
        chosen += SIMULATED if name == ALL else (check(name),)
    return tuple(name for name in NAMES if name in chosen)


def check(name: str) -> str:
    """Return the name when a simulator can do this fault by itself; raise Misconfigured otherwise."""
    found = next((fault for fault in CATALOGUE if fault.name == name), None)
    if found is None:
        near = difflib.get_close_matches(name, (*NAMES, ALL), n=1, cutoff=0.0)
        raise Misconfigured(f"there is no fault {name!r}", fix=f"did you mean {near[0]!r}? known: {', '.join(NAMES)}")
    if found.side == "process":
        raise Misconfigured(
            f"fault {name!r} acts on processes of the pipeline, which `tapeline sim` does not have",
            fix=f"choose from {', '.join(SIMULATED)}, or give it to `tapeline demo`",
        )
    return name


def plan(names: Iterable[str], seed: int) -> Iterator[tuple[float, str]]:
    """Yield (seconds since the start, fault) for ever, in order of time, the same for the same seed."""
    chosen = sorted(set(names), key=lambda name: _OFFSETS_S[name])
    drawn = chance.stream(seed, "faults")
    begin_s = 0.0
    while chosen:
        for name in chosen:
            yield begin_s + _OFFSETS_S[name] + drawn.random() * _JITTER_S, name
        # A little under 30 s, so that the jitter never makes two of a kind stand further apart.
        begin_s += CYCLE_S - _JITTER_S
