"""`make bench-peers`: measures the peers beside us, each in an environment of its own, and writes what came of it.

ARGS names parts (books, streams, sinks) or single peers (cryptofeed, ccxt, quixstreams, faust); without, it is all of
them. Names of exchanges narrow the books to their frames (`books okx`). A part that ran whole is written into
docs/performance-peers.json and docs/performance.md; a single peer or exchange is shown.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import msgspec

from benchmarks.__main__ import DOCS, JSON, PAGE, Page, put
from benchmarks.measure import machine
from benchmarks.peers import books, budgets, page, sink_kills, streams
from benchmarks.peers.page import Peers

HELD = DOCS / "performance-peers.json"
BLOCK = "measured peers"
SINKS = "sinks"
PARTS = {"books": books.PEERS, "streams": streams.PEERS, SINKS: ()}


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    names = [*PARTS, *(name for peers in PARTS.values() for name in peers), *books.VENUES]
    parser.add_argument("name", nargs="*", choices=[*names, []], help=f"one of {', '.join(names)}; default: all parts")
    asked = parser.parse_args().name
    venues = [name for name in asked if name in books.VENUES]
    wanted = [name for name in asked if name not in venues] or (["books"] if venues else list(PARTS))
    # A stop is an end like any other: what was started is stopped.
    signal.signal(signal.SIGTERM, _stopped)
    before = msgspec.json.decode(HELD.read_bytes(), type=Peers) if HELD.exists() else Peers(machine=machine())
    shown = Peers(machine=machine())
    for part, peers in PARTS.items():
        chosen = peers if part in wanted else tuple(name for name in peers if name in wanted)
        if part not in wanted and not chosen:
            continue
        found = _run(part, chosen, venues)
        shown = msgspec.structs.replace(shown, **{part: found})
        if part in wanted and not (venues and part == "books"):
            before = msgspec.structs.replace(before, machine=shown.machine, **{part: found})
            _write(before)
    sys.stdout.write(page.text(shown) + "\n")


def _run(part: str, peers: tuple[str, ...], venues: Sequence[str]) -> object:
    if part == SINKS:
        return sink_kills.run()
    return books.run(peers, venues) if peers[0] in books.PEERS else streams.run(peers)


def _write(run: Peers) -> None:
    bench = msgspec.json.decode(JSON.read_bytes(), type=Page)
    run = msgspec.structs.replace(run, budgets=budgets.rows(run, bench))
    HELD.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")
    PAGE.write_text(put(PAGE.read_text("utf-8"), BLOCK, page.text(run)), "utf-8")


def _stopped(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
