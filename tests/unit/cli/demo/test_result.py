"""The demo's answer: one flat object for programs, the same facts for a person."""

from __future__ import annotations

from pathlib import Path

import msgspec

from simulator.audit.compare import Audit, Counts, Kill, Unseen
from simulator.audit.orders import OrderCounts
from simulator.audit.profit import Profit
from simulator.audit.signals import Latency
from tapeline.cli.demo.result import result_of, view
from tapeline.cli.demo.usage import Used
from tapeline.cli.view import Grid, Line
from tapeline.runtime.settings import Data, Log, Settings

AUDIT = Audit(
    emitted=Counts(trades=10, deltas=2_000),
    stored=Counts(trades=10, deltas=1_990),
    gap_records=1,
    in_gaps=10,
    lost=0,
    duplicates=0,
    crossed_valid_books=0,
    wrong_valid_books=0,
    books_checked=500,
    spreads=300,
    spread_symbols=20,
    symbols=20,
    conflated=4,
    unseen=Unseen(messages=3, books=2),
    funding=120,
    tick_to_signal_ms=Latency(p50=1.5, p90=2.5, p99=9.0, n=300),
    intents=1_200,
    orders=OrderCounts(sent=1_100, filled=900),
    naked_s_max=0.45,
    naked_s_max_crash=6.25,
    kills=(
        Kill(process="executor", at_us=5, back_s=2.5),
        Kill(process="postgres", at_us=6, back_s=1.0),
        Kill(process="kafka", at_us=7, back_s=None),
    ),
    pnl=Profit(ours="-3.25", simulator="-3.25", error="0"),
    tick_to_order_ms=Latency(p50=12.5, p90=20.0, p99=41.25, n=40),
    faults={"gap": {"bybit:spot": 1}},
    not_compared=("1inch:spot", "uniswap:spot"),
    problems=(),
    balanced=True,
)
USED = {"kafka": Used(rss_mb=250.0, cpu_s=3.25, restarts=1)}
RESULT = result_of(AUDIT, USED, ready_s=9.87654, ran_s=30.00049)


def texts(found: object) -> list[str]:
    assert isinstance(found, tuple)
    lines: list[str] = []
    for block in found:
        if isinstance(block, Line):
            lines.append("".join(cell.text for cell in block.cells))
        if isinstance(block, Grid):
            lines += [" | ".join(cell.text for cell in row) for row in block.rows]
    return [line for line in lines if line]


def test_programs_get_one_flat_object() -> None:
    assert RESULT.as_json() == {
        "ready_s": 9.877,
        "ran_s": 30.0,
        "emitted": {"trades": 10, "deltas": 2_000},
        "stored": {"trades": 10, "deltas": 1_990},
        "gap_records": 1,
        "in_gaps": 10,
        "lost": 0,
        "duplicates": 0,
        "crossed_valid_books": 0,
        "wrong_valid_books": 0,
        "books_checked": 500,
        "spreads": 300,
        "spread_symbols": 20,
        "symbols": 20,
        "conflated": 4,
        "unseen": {"messages": 3, "books": 2},
        "funding": 120,
        "tick_to_signal_ms": {"p50": 1.5, "p90": 2.5, "p99": 9.0, "n": 300},
        "intents": 1_200,
        "orders": {"sent": 1_100, "filled": 900, "duplicate": 0, "orphan": 0, "unknown_open": 0},
        "naked_s_max": 0.45,
        "naked_s_max_crash": 6.25,
        "kills": [
            {"process": "executor", "at_us": 5, "back_s": 2.5},
            {"process": "postgres", "at_us": 6, "back_s": 1.0},
            {"process": "kafka", "at_us": 7, "back_s": None},
        ],
        "pnl": {"ours": "-3.25", "simulator": "-3.25", "error": "0"},
        "tick_to_order_ms": {"p50": 12.5, "p90": 20.0, "p99": 41.25, "n": 40},
        "faults": {"gap": {"bybit:spot": 1}},
        "not_compared": ["1inch:spot", "uniswap:spot"],
        "problems": [],
        "processes": {"kafka": {"rss_mb": 250.0, "cpu_s": 3.25, "restarts": 1}},
        "balanced": True,
    }


def test_a_person_reads_the_same() -> None:
    found = Settings(data=Data(dir=Path("/d")), log=Log(dir=Path("/l")))
    assert texts(view(RESULT, found)) == [
        "✓ balanced  ready in 9.9 s, ran 30 s, stopped",
        "level changes: emitted, stored | 2,000 / 1,990",
        "trades: emitted, stored | 10 / 10",
        "lost in silence | 0",
        "missing and said so, in gap records | 10 in 1",
        "lost where messages bear no number, so nobody can know | 3 messages, 2 books wrong until it showed",
        "stored twice | 0",
        "books checked, crossed, wrong | 500 / 0 / 0",
        "funding records | 120",
        "spreads, on so many symbols | 300 / 20 of 20",
        "tick to signal, ms: p50, p90, p99 | 1.5 / 2.5 / 9.0 of 300",
        "intents; orders sent, filled | 1,200; 1,100 / 900",
        "orders and fills doubled, orphan, left open | 0 / 0 / 0",
        "longest on one side, s; beside an outage | 0.45 / 6.25",
        "profit by cash flow in USDT, off by | -3.25 / 0",
        "tick to order, ms: p50, p90, p99 | 12.5 / 20.0 / 41.25 of 40",
        "processes killed, of them back, longest away | 3 / 2 / 2.5 s",
        "recorded and stored, but not compared, for they keep no journal: 1inch:spot, uniswap:spot",
        "gap | 1 | bybit:spot 1",
        "kafka | 250 MB | 3.2 s | 1",
        "data       /d",
        "logs       /l",
    ]


def marked(audit: Audit) -> list[str]:
    """Return the values that a person sees to be bad."""
    grids = [block for block in view(result_of(audit, {}, ready_s=1, ran_s=1), Settings()) if isinstance(block, Grid)]
    return [cell.text for cells in grids[0].rows for cell in cells if cell.style == "bad"]


def test_what_is_wrong_with_orders_stands_out() -> None:
    assert marked(AUDIT) == []
    wrong = msgspec.structs.replace(
        AUDIT,
        orders=OrderCounts(sent=3, duplicate=1, unknown_open=2),
        naked_s_max=2.001,
        pnl=Profit(ours="1", simulator="2", error="-1"),
    )
    assert marked(wrong) == ["1 / 0 / 2", "2.001 / 6.25", "1 / -1"]
    assert marked(msgspec.structs.replace(AUDIT, naked_s_max_crash=10.5)) == ["0.45 / 10.5"]


def test_what_is_wrong_is_said_in_sentences_and_not_all_of_them() -> None:
    wrong = msgspec.structs.replace(AUDIT, balanced=False, problems=tuple(f"problem {n}" for n in range(14)))
    shown = texts(view(result_of(wrong, {}, ready_s=1, ran_s=1), Settings()))
    assert shown[0].startswith("✗ not balanced")
    assert [line for line in shown if "problem" in line] == [f"✗ problem {n}" for n in range(12)]
    assert "and 2 more; --json shows all" in shown
