"""What was measured of each market's integrity, and the tables of docs/integrity.md that are made of it.

`make integrity` measures; only what was measured stands in the tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

JSON: Final = Path(__file__).resolve().parents[2] / "docs" / "integrity.json"

UNKNOWABLE: Final = {
    "binance": "a quantity that is false on the way: there is no checksum, and its number is as it should be.",
    "bybit": "a quantity that is false on the way: there is no checksum, and its number is as it should be.",
    "okx": "a quantity that is false on the way: `checksum` is 0 since 2026-06-23, and its number is as it should be.",
    "kucoin": "a quantity that is false on the way: there is no checksum, and its number is as it should be.",
    "coinex": "that a change was lost when the routine whole book of each minute is the next to come: the tape lacks "
    "the change, no book is ever wrong.",
    "htx": "a quantity that is false on the way: there is no checksum, and its number is as it should be.",
    "mexc": "a quantity that is false on the way: there is no checksum.",
    "bitget": "a quantity that is false on the way: `checksum` is absent or 0, and its number is as it should be.",
    "bingx": "at once, that a change was lost: numbers leave some out when nothing is missing, so a book stands wrong "
    "until it crosses, its levels are told anew, or two looks over REST, of which one is due every 5 s, find the same "
    "difference; and a quantity that is false on the way, when it is told anew before that.",
    "gateio": "a quantity that is false on the way: there is no checksum, and its number is as it should be.",
}
"""What no client of a venue can know, in one sentence."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault on one market: how each was found, or that it did no harm, healed, or was missed.

    `covered` counts those whose closed gap record holds the place; `found_ms` is the longest time until a gap record,
    `wrong` counts the books that were told as valid and were not the exchange's, `wrong_ms` is the longest such time.
    """

    kind: str
    injected: int
    how: dict[str, int]
    covered: int
    found_ms: int
    wrong: int
    wrong_ms: int


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """Real recorded frames of a market: stretches, changes and whole books, and false alarms among them."""

    stretches: int
    changes: int
    false_alarms: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One market."""

    place: str
    rule: str
    messages: int
    false_alarms: int
    wrong: int
    undisturbed: bool
    faults: list[Fault]
    recorded: Recorded | None = None

    @property
    def venue(self) -> str:
        """Return the venue's id."""
        return self.place.partition(":")[0]


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What ccxt.pro made of holes on one market; `silent` ones led to wrong books and to nothing else.

    `clean_*` is what it handed out before the first hole, the rest what it did from then on; `not_run` says why not.
    """

    place: str
    version: str
    clean_books: int = 0
    clean_wrong: int = 0
    holes: int = 0
    noticed: int = 0
    silent: int = 0
    books: int = 0
    wrong: int = 0
    crossed: int = 0
    did: dict[str, int] = {}
    not_run: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All markets of one run, and the newest one of a peer."""

    seed: int
    rows: list[Row]
    peers: list[Peer] = []


def read(file: Path = JSON) -> Measured:
    """Return what was measured last, nothing where nothing was."""
    if not file.exists():
        return Measured(seed=0, rows=[])
    return msgspec.json.decode(file.read_bytes(), type=Measured)


def store(measured: Measured, file: Path = JSON) -> None:
    """Keep what was measured."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=2) + b"\n")


def found_table() -> str:
    """Return how each fault was found, market by market."""
    measured = read()
    kinds = [one.kind for one in measured.rows[0].faults] if measured.rows else []
    lines = [
        f"| market | rule | messages | false alarms | {' | '.join(kinds)} | others |",
        "|---" * (len(kinds) + 5) + "|",
    ]
    for row in measured.rows:
        cells = " | ".join(_cell(one) for one in row.faults)
        others = "the same" if row.undisturbed else "**not the same**"
        lines.append(f"| {row.place} | {row.rule} | {row.messages:,} | {_alarms(row)} | {cells} | {others} |")
    return "\n".join(lines) + "\n"


def windows_table() -> str:
    """Return where a wrong book was told as valid, and for how long; what is not here never was."""
    lines = [
        "| market | fault | injected | wrong books | longest | gap covers the place |",
        "|---|---|---|---|---|---|",
    ]
    for row in read().rows:
        lines += [f"| {row.place} | {' | '.join(_window(one))} |" for one in row.faults if one.wrong]
    return "\n".join(lines) + "\n"


def peer_table() -> str:
    """Return what ccxt.pro made of holes."""
    lines = [
        "| market | holes | noticed | silent | books after | wrong | crossed | what it did | clean run |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in read().peers:
        if one.not_run:
            lines.append(f"| {one.place} | not run: {one.not_run} | | | | | | | |")
            continue
        did = ", ".join(f"{what} ({count})" for what, count in one.did.items()) or "nothing"
        clean = f"{one.clean_wrong} wrong of {one.clean_books:,}"
        counts = (one.holes, one.noticed, one.silent, one.books, one.wrong, one.crossed)
        lines.append(f"| {one.place} | {' | '.join(f'{count:,}' for count in counts)} | {did} | {clean} |")
    return "\n".join(lines) + "\n"


def unknowable() -> str:
    """Return what no client can know, venue by venue."""
    return "\n".join(f"- **{venue}**: {told}" for venue, told in UNKNOWABLE.items()) + "\n"


def _window(one: Fault) -> tuple[str, ...]:
    return one.kind, str(one.injected), f"{one.wrong:,}", f"{one.wrong_ms / 1000:.1f} s", str(one.covered)


def _alarms(row: Row) -> str:
    told = f"{row.false_alarms}"
    if row.recorded is not None:
        told += f"; recorded {row.recorded.false_alarms} of {row.recorded.changes:,}"
    return told


def _cell(fault: Fault) -> str:
    ways = ", ".join(f"{count} {_shown(how)}" for how, count in _in_order(fault.how.items()))
    late = f" (<= {fault.found_ms / 1000:.1f} s)" if fault.found_ms else ""
    return f"{fault.injected}: {ways}{late}"


def _in_order(ways: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(ways, key=lambda way: (way[0] in {"harmless", "healed", "missed"}, way[0]))


def _shown(how: str) -> str:
    return "**missed**" if how == "missed" else how
