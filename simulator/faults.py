"""The catalogue of what can go wrong, the same for simulator, demo and tests, and when it is to happen.

Each chosen fault fires at least once in every 30 s; `stall-symbol` comes first, within 3 s, for it takes a client the
longest to notice; what ends a connection comes last, so that it does not hide the others.
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
    Fault("lost-answer", "private", "an order is taken and the answer never sent"),
    Fault("refuse", "private", "an order is refused"),
    Fault("leg-refused", "private", "the second leg of a pair is refused"),
    Fault("partial", "private", "an order fills in part"),
    Fault("late-fill", "private", "a fill arrives after the cancel was answered"),
    Fault("duplicate-id", "private", "the venue says that the client order id is taken"),
    Fault("ban", "private", "the venue bans the address for a while"),
    Fault("skew", "private", "the venue's clock is away from ours"),
    Fault("kill", "process", "a process of the pipeline is killed"),
)
NAMES = tuple(fault.name for fault in CATALOGUE)
PUBLIC = tuple(fault.name for fault in CATALOGUE if fault.side == "public")
ALL = "all"

# When in a cycle each comes; 429 just before the gap, whose repair then meets it.
_OFFSETS_S = {
    "stall-symbol": 0.8,
    "duplicate": 4.0,
    "reorder": 6.0,
    "corrupt": 9.0,
    "slow": 12.0,
    "429": 15.6,
    "gap": 16.0,
    "cut": 24.0,
    "stall": 26.5,
}


def parse(text: str | None) -> tuple[str, ...]:
    """Return the faults that a comma separated list names, `all` for every one that a simulator can do by itself.

    Raises Misconfigured for a name that is not in the catalogue, with the nearest one, and for one that acts where the
    simulator has nothing yet.
    """
    chosen: list[str] = []
    for name in (word.strip() for word in (text or "").split(",") if word.strip()):
        chosen += PUBLIC if name == ALL else (check(name),)
    return tuple(name for name in NAMES if name in chosen)


def check(name: str) -> str:
    """Return the name when a simulator can do this fault by itself; raise Misconfigured otherwise."""
    found = next((fault for fault in CATALOGUE if fault.name == name), None)
    if found is None:
        near = difflib.get_close_matches(name, (*NAMES, ALL), n=1, cutoff=0.0)
        raise Misconfigured(f"there is no fault {name!r}", fix=f"did you mean {near[0]!r}? known: {', '.join(NAMES)}")
    if found.side == "private":
        raise Misconfigured(
            f"fault {name!r} acts on orders, which are not simulated yet", fix=f"choose from {', '.join(PUBLIC)}"
        )
    if found.side == "process":
        raise Misconfigured(
            f"fault {name!r} acts on processes of the pipeline, which `tapeline sim` does not have",
            fix=f"choose from {', '.join(PUBLIC)}, or give it to `tapeline demo`",
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
