"""What the nightly suite breaks, what must hold then, and what was measured: the catalogue behind docs/reliability.md.

Only what was measured stands in the table; what was not run yet says so.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[2]
JSON: Final = ROOT / "docs" / "reliability.json"
_COLUMNS: Final = (
    "scenario", "seed", "for", "orders", "lost", "duplicate", "orphan", "naked s", "recovery s", "what it proves",
    "run it again",
)  # fmt: skip
TAPE: Final = "no silent loss and no double on the tape; each hole has a gap record with its cause"
ORDERS: Final = "at most one submit per client id; nothing doubled, orphan or left open; bounded time on one side"
BACK: Final = "data flows again by itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that is broken: `name` chooses its test (`-k name`), `promise` is what the row proves."""

    name: str
    about: str
    promise: str

    @property
    def command(self) -> str:
        """Return the one command that runs it again."""
        return f"make nightly ARGS='-k {self.name}'"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measured run of a scenario; `problems` counts what the audit found wrong, `said` is the first of it.

    Without an audit nothing was counted, and None says so. `orders` is how many were sent meanwhile: a run without any
    proves nothing of them.
    """

    scenario: str
    seed: int
    for_s: float
    recovery_s: float
    promised: str
    lost: int | None = None
    duplicate: int | None = None
    orphan: int | None = None
    naked_s: float | None = None
    orders: int | None = None
    problems: int = 0
    said: str = ""
    how: str = ""

    @property
    def holds(self) -> bool:
        """Whether everything was as it is promised."""
        return (self.lost, self.duplicate, self.orphan, self.problems) == (0, 0, 0, 0)

    def line(self) -> str:
        """Return it as the suite prints it."""
        kept = "holds" if self.holds else f"DOES NOT HOLD: {self.said}"
        return (
            f"{self.scenario} seed={self.seed} for_s={self.for_s:g} lost={_told(self.lost)} "
            f"duplicate={_told(self.duplicate)} orphan={_told(self.orphan)} naked_s={_told(self.naked_s)} "
            f"recovery_s={self.recovery_s:g} orders={_told(self.orders)} "
            f"promised: {self.promised}: {kept}"
        )


CUTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("producers", "kafka", TAPE),
    ("processors", "kafka", "at least once to the agents; signals are those of the books they name; " + ORDERS),
    ("sinks", "clickhouse", "ClickHouse effectively once: " + TAPE),
    ("sinks", "postgres", "Postgres exactly once in effect: " + TAPE),
    ("executor", "postgres", "Postgres away: no entries, nothing forgotten; " + ORDERS),
    ("executor", "kafka", "order events at least once and in order; " + ORDERS),
    ("executor", "bybit", "an unknown outcome is looked up, never sent again; " + ORDERS),
    ("gateway", "kafka", "people are told; no other process notices"),
)
"""Which process is cut off from which service."""


_PROCESSES: Final = (
    Scenario(
        name="random_kills",
        about="a process is killed every 5 s, databases and broker included, beside every fault of the markets",
        promise=f"{TAPE}; {ORDERS}; {BACK}",
    ),
    Scenario(
        name="workers_come_and_go",
        about="a second agent worker and a second sink join and leave every 2 s",
        promise=f"a rebalance loses and doubles nothing: {TAPE}",
    ),
    Scenario(
        name="postgres_paused",
        about="every process of Postgres stands still",
        promise=f"no entries, nothing forgotten; {ORDERS}",
    ),
    Scenario(
        name="registry_away",
        about="each worker is killed, and starts again without a schema registry",
        promise=f"ids stand in the run file; {TAPE}; {ORDERS}",
    ),
)
_DISKS: Final = (
    Scenario(name="disk_full_broker", about="the broker's disk is full, then freed", promise=f"{TAPE}; {BACK}"),
    Scenario(name="disk_full_postgres", about="Postgres' disk is full, then freed", promise=f"{ORDERS}; {BACK}"),
    Scenario(
        name="disk_full_clickhouse",
        about="ClickHouse's disk is full, then freed",
        promise=f"effectively once: {TAPE}; {BACK}",
    ),
    Scenario(
        name="disk_full_logs", about="the disk of the logs is full, then freed", promise="nothing but lines is lost"
    ),
)
_NETWORK: Final = tuple(
    Scenario(
        name=f"cut_{client}_{service}",
        about=f"{client} cut off from {service}: latency, bandwidth, slices, reset, lost answers, held, black hole",
        promise=promise,
    )
    for client, service, promise in CUTS
)
_INPUT: Final = (
    Scenario(
        name="reconnect_storm",
        about="every public socket of ten venues is cut each second for a minute",
        promise=f"each stream comes back, and its book; {TAPE}",
    ),
    Scenario(
        name="clock_skew_venue",
        about="the clock of one venue runs 5 s ahead, then 5 s behind",
        promise=f"requests are signed with the venue's time; {ORDERS}",
    ),
    Scenario(
        name="clock_skew_ours",
        about="the clocks of all venues are 5 s behind ours, then 5 s ahead",
        promise=f"requests are signed with the venue's time; {ORDERS}",
    ),
    Scenario(
        name="poison",
        about="random bytes, an unknown schema id, truncated Avro, 10 MB and not-a-number on each topic read",
        promise="nothing invalid is lost: each is with the dead letters, its neighbours go on",
    ),
)
SCENARIOS: Final = {one.name: one for one in (*_PROCESSES, *_DISKS, *_NETWORK, *_INPUT)}


def failure(one: Scenario, seed: int, wrong: Sequence[str], folder: Path) -> str:
    """Return what a trial that failed says: what was promised, what was seen, and where all of it can be studied."""
    seen = "\n".join(f"- {told}" for told in wrong)
    return (
        f"{one.name} with seed {seed} does not hold.\nPromised: {one.promise}.\nSeen:\n{seen}\n"
        f"Data and logs: {folder}\nAgain: {one.command[:-1]} --nightly-seed {seed}'"
    )


def in_words(error: Exception) -> str:
    """Return an error in words; one that says nothing is told by where of ours it came from."""
    said = f"{type(error).__name__}: {error}"
    frames = [one for one in traceback.extract_tb(error.__traceback__) if _ours(Path(one.filename))]
    if str(error) or not frames:
        return said
    last = frames[-1]
    return f"{said}raised in {last.name}, {Path(last.filename).relative_to(ROOT)} line {last.lineno}"


def _ours(file: Path) -> bool:
    return file.is_relative_to(ROOT) and not file.is_relative_to(ROOT / ".venv")


def read(file: Path = JSON) -> dict[str, Row]:
    """Return the newest row of each scenario that was ever measured."""
    if not file.exists():
        return {}
    return {row.scenario: row for row in msgspec.json.decode(file.read_bytes(), type=list[Row])}


def store(row: Row, file: Path = JSON) -> None:
    """Put a row in the place of the one that its scenario had."""
    rows = read(file) | {row.scenario: row}
    kept = [rows[name] for name in SCENARIOS if name in rows]
    file.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")


def table(rows: dict[str, Row] | None = None) -> str:
    """Return the table of the page."""
    found = read() if rows is None else rows
    lines = [
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
    ]
    lines += [_line(one, found.get(one.name)) for one in SCENARIOS.values()]
    broken = [f"- `{row.scenario}` does not hold: {row.said}" for row in found.values() if not row.holds]
    return "\n".join([*lines, "", *broken]).rstrip() + "\n"


def _line(one: Scenario, row: Row | None) -> str:
    if row is None:
        measured = " | ".join(("not run yet", *"-------"))
    else:
        counts = " | ".join(_told(one) for one in (row.orders, row.lost, row.duplicate, row.orphan, row.naked_s))
        measured = f"{row.seed} | {row.for_s:.0f} s | {counts} | {row.recovery_s:g}"
    how = f" ({row.how})" if row is not None and row.how else ""
    mark = "" if row is None or row.holds else "**does not hold**: "
    return f"| {one.about}{how} | {measured} | {mark}{one.promise} | `{one.command}` |"


def _told(count: float | None) -> str:
    return "-" if count is None else f"{count:,}"
