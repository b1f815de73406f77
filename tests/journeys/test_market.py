"""`book` and `spreads` from outside: what was published, side by side, live and once, as text and as JSON."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from schemas.topics import by_name
from tapeline.domain.events import Book, Gap, Instrument, OfInstrument
from tapeline.domain.partition import partition_of
from tapeline.domain.spread import Spread
from tapeline.runtime import clock
from tapeline.runtime.codec import Codec
from tapeline.runtime.kafka import Publisher
from tests.journeys.command import Started, Tapeline
from tests.journeys.conftest import Up
from tests.support.eventually import eventually

SECOND_US = 1_000_000


def book(symbol: str, **changes: Any) -> Book:  # noqa: ANN401 - fields of a book
    now_us = clock.now_us()
    made = Book(
        venue="binance",
        market="spot",
        symbol=symbol,
        epoch=5,
        sequence=7,
        state="valid",
        depth=20,
        bid_prices=(100.1, 100.0),
        bid_quantities=(1.0, 2.0),
        ask_prices=(100.4, 100.5),
        ask_quantities=(3.0, 0.5),
        first_received_us=now_us,
        received_us=now_us,
        published_us=now_us,
    )
    return msgspec.structs.replace(made, **changes)


def gap(symbol: str, start_us: int) -> Gap:
    return Gap(
        venue="binance", market="spot", symbol=symbol, channel="book", epoch=5, start_us=start_us, cause="checksum",
        published_us=clock.now_us(),
    )  # fmt: skip


def spread(symbol: str, **changes: Any) -> Spread:  # noqa: ANN401 - fields of a spread
    now_us = clock.now_us()
    made = Spread(
        signal_id="b8b2b0a4-3f0f-5d1c-9d0e-5f6c7a3e21d4",
        symbol=symbol,
        quantity=0.01,
        buy_venue="binance",
        buy_market="spot",
        buy_epoch=5,
        buy_sequence=7,
        buy_price=100.0,
        sell_venue="bybit",
        sell_market="futures",
        sell_epoch=6,
        sell_sequence=9,
        sell_price=100.5,
        gross=0.005,
        fees=0.0031,
        net=0.0019,
        first_received_us=now_us,
        received_us=now_us,
        published_us=now_us,
    )
    return msgspec.structs.replace(made, **changes)


async def write(up: Up, topic: str, *values: OfInstrument | Spread) -> None:
    """Publish as the producers and agents do."""
    known = up.endpoints
    assert known.run is not None
    codec = Codec(known.run.schema_ids)
    async with Publisher(known.kafka, client_id="journey") as publisher:
        for value in values:
            plain = msgspec.structs.asdict(value) if isinstance(value, Spread) else value
            await publisher.publish(topic, value.key, codec.encode(by_name(topic), plain))


def write_bytes(up: Up, symbol: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": up.endpoints.kafka.bootstrap})
    key = f"binance:spot:{symbol}".encode()
    producer.produce("md.book", key=key, value=value, partition=partition_of(symbol, 4))
    assert producer.flush(10) == 0


def on_terminal(tapeline: Tapeline, *words: str, until: str, times: int) -> tuple[int, str, str]:
    """Run a command on a terminal until it has shown a text so often, then stop it; return code, stderr, screen."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("tapeline")), *words],
        cwd=tapeline.root,
        env={**tapeline.environment, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        assert process.stderr is not None
        try:
            seen = ""
            while seen.count(until) < times:
                seen += os.read(ours, 4096).decode("utf-8", "replace")
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # the system's way to say that nobody holds the other end any more
                while rest := os.read(ours, 4096):
                    seen += rest.decode("utf-8", "replace")
            return process.wait(20), process.stderr.read(), seen
        finally:
            process.kill()
            os.close(ours)


def without_age(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Check that each age is that of something that was published in this test, and leave it out."""
    assert all(0 <= row["age_ms"] < 90_000 for row in rows), rows
    return [{name: value for name, value in row.items() if name != "age_ms"} for row in rows]


async def test_once_shows_the_newest_of_each_instrument_as_json(up: Up) -> None:
    zombie = book("SOL/USDT", epoch=4, sequence=900)
    ahead = clock.now_us() + 60 * SECOND_US  # valid for as long as the test may take
    await write(
        up, "md.book", book("SOL/USDT", sequence=6), book("SOL/USDT", published_us=ahead), zombie,
        book("SOL/USDT", venue="bybit", market="futures", state="stale"), book("XRP/USDT"),
    )  # fmt: skip
    answer = up.tapeline.run("book", "solusdt", "--once", "--depth", "1", "--json")
    assert (answer.code, answer.stderr) == (0, "")
    same = {
        "symbol": "SOL/USDT", "bids": [["100.1", "1.0"]], "asks": [["100.4", "3.0"]], "spread": "0.3",
        "spread_bps": "29.925187032418954", "imbalance": repr(100.1 / (100.1 + 100.4 * 3.0)),
        "epoch": 5, "sequence": 7, "gaps": 0, "last_gap": None,
    }  # fmt: skip
    assert without_age(answer.values) == [
        same | {"venue": "binance", "market": "spot", "state": "valid"},
        same | {"venue": "bybit", "market": "futures", "state": "stale"},
    ]
    found = up.tapeline.run("book", "SOL-USDT", "--once", "--json", "--venue", "bybit", "--market", "futures").values
    assert [(row["venue"], row["market"]) for row in found] == [("bybit", "futures")]


async def test_once_shows_the_ladders_and_names_what_is_stale(up: Up) -> None:
    """D-02: the best prices are those of the books that are not stale."""
    ahead = clock.now_us() + 60 * SECOND_US
    await write(
        up, "md.book",
        book("ADA/USDT", published_us=ahead),
        book("ADA/USDT", venue="bybit", bid_prices=(101.0,), bid_quantities=(1.0,), ask_prices=(101.5,),
             ask_quantities=(2.0,), published_us=ahead),
        book("ADA/USDT", market="futures", bid_prices=(999.0, 1.0), published_us=clock.now_us() - 5 * SECOND_US),
    )  # fmt: skip
    answer = up.tapeline.run("book", "ADA/USDT", "--once")
    assert (answer.code, answer.stderr) == (0, "")
    head, stale, _, *rest = answer.stdout.splitlines()
    assert head == (
        "ADA/USDT  best bid 101.0 at bybit spot  best ask 100.4 at binance spot  crossed by 0.6 (59.58 bps)"
    )
    assert stale.startswith("stale: binance futures (no word for ")
    words = [line.split() for line in rest]
    assert words[0] == ["instrument", "state", "bid", "ask", "spread", "bps", "imbalance", "age", "gaps"]
    assert ["○", "binance", "futures", "stale"] in [line[:4] for line in words]
    assert ["ask", "1", "100.4", "3.0", "★", "100.4", "3.0", "101.5", "2"] in words
    assert ["bid", "1", "999.0", "1.0", "100.1", "1.0", "★", "101.0", "1"] in words


async def test_following_prints_what_has_changed_until_ctrl_c(up: Up) -> None:
    symbol = "DOT/USDT"
    await write(up, "md.book", book(symbol))

    async def line(following: Started) -> dict[str, Any]:
        await eventually(following.has_output, within_s=20)
        found: dict[str, Any] = following.line()
        return found

    with up.tapeline.started("book", "dotusdt", "--json") as following:
        first = await line(following)
        while first["state"] == "valid":  # it was published more than two seconds ago by now, or soon will be
            first = await line(following)
        assert (first["sequence"], first["state"], first["gaps"]) == (7, "stale", 0)
        # Neither an older book nor the hole of another channel is news.
        other = msgspec.structs.replace(gap(symbol, 5), channel="trade")
        await write(up, "md.book", book(symbol, epoch=4, sequence=99), book(symbol, sequence=6))
        await write(up, "md.gap", other, gap(symbol, 10))
        second = await line(following)
        assert (second["sequence"], second["state"]) == (7, "stale")
        assert (second["gaps"], second["last_gap"]) == (1, "checksum")
        await write(up, "md.book", book(symbol, epoch=6, sequence=1, published_us=clock.now_us() + 60 * SECOND_US))
        third = await line(following)
        assert (third["epoch"], third["sequence"], third["state"], third["gaps"]) == (6, 1, "valid", 1)
        ended = following.stop(signal.SIGINT)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")


async def test_for_so_many_seconds_and_one_line_each_in_a_pipe(up: Up) -> None:
    await write(up, "md.book", book("LTC/USDT", published_us=clock.now_us() + 60 * SECOND_US))
    answer = up.tapeline.run("book", "ltc_usdt", "--for", "0.5")
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout == (
        "binance:spot:LTC/USDT valid bid 100.1 x 1.0 ask 100.4 x 3.0 spread 0.3 (29.93 bps) "
        "imbalance 0.46 age 0.0 s epoch 5 sequence 7 gaps 0\n"
    )


async def test_on_a_terminal_it_is_refreshed_in_place(up: Up) -> None:
    await write(up, "md.book", book("UNI/USDT", published_us=clock.now_us() + 60 * SECOND_US))
    code, said, seen = on_terminal(up.tapeline, "book", "UNI/USDT", until="best bid", times=3)
    assert (code, said) == (0, "")
    # It goes back up and erases what it is about to show anew.
    assert [word in seen for word in ("\x1b[1A", "\x1b[2K", "★ 100.4", "imbalance")] == [True] * 4


async def test_what_is_not_there_is_one_sentence_with_exit_code_1(up: Up) -> None:
    await write(up, "md.book", book("LINK/USDT"))
    await write(up, "ref.instrument", instrument("ATOM/USDT"))
    code, error, sentence = up.tapeline.run("book", "LNIK/USDT", "--once", "--json").refusal
    fix = "did you mean 'LINK/USDT'?"
    assert (code, error) == (
        1, {"kind": "missing", "problem": "no symbol 'LNIK/USDT' is known here", "fix": fix},
    )  # fmt: skip
    assert sentence == f"no symbol 'LNIK/USDT' is known here: {fix}"
    known = up.tapeline.run("book", "atomusdt", "--once")
    assert (known.code, known.stdout, known.stderr) == (
        1, "", "error: no book of ATOM/USDT has been published: see with `tapeline status` whether its producer runs\n",
    )  # fmt: skip
    none = up.tapeline.run("spreads", "LINK/USDT", "--once", "--venue", "bybit")
    assert (none.code, none.stdout) == (1, "")
    assert none.stderr.startswith("error: no spread of LINK/USDT at bybit has been computed: it takes two books")


async def test_a_record_that_cannot_be_read_is_told_and_the_others_are_shown(up: Up) -> None:
    write_bytes(up, "AVAX/USDT", b"no record")
    alone = up.tapeline.run("book", "AVAX/USDT", "--once")
    assert (alone.code, alone.stdout) == (1, "")
    assert alone.stderr.startswith("error: 1 of the records of AVAX/USDT could not be read: the last is md.book/")
    await write(up, "md.book", book("AVAX/USDT"))
    answer = up.tapeline.run("book", "AVAX/USDT", "--once")
    assert answer.code == 0
    assert "1 of the records of AVAX/USDT could not be read: the last is md.book/" in answer.stdout.splitlines()[-1]
    assert "binance spot" in answer.stdout


async def test_spreads_are_listed_by_their_net(up: Up) -> None:
    symbol = "NEAR/USDT"
    ahead = clock.now_us() + 60 * SECOND_US
    await write(up, "md.book", book(symbol))
    await write(
        up, "signal.spread",
        spread(symbol, sell_venue="okx", net=-0.0011, gross=0.002, published_us=ahead),
        spread(symbol, published_us=ahead),
        spread(symbol, buy_sequence=6, net=0.9, published_us=ahead),
        spread(symbol, buy_venue="htx", net=0.05, published_us=clock.now_us() - 5 * SECOND_US),
    )  # fmt: skip
    answer = up.tapeline.run("spreads", "nearusdt", "--once", "--json")
    assert (answer.code, answer.stderr) == (0, "")
    same = {
        "symbol": symbol, "buy_market": "spot", "sell_market": "futures", "quantity": "0.01", "buy_price": "100.0",
        "sell_price": "100.5", "fees_bps": "31.0", "buy_epoch": 5, "buy_sequence": 7, "sell_epoch": 6,
        "sell_sequence": 9, "signal_id": "b8b2b0a4-3f0f-5d1c-9d0e-5f6c7a3e21d4",
    }  # fmt: skip
    assert without_age(answer.values) == [
        same | {"buy_venue": buy, "sell_venue": sell, "state": state, "gross_bps": gross, "net_bps": net}
        for buy, sell, state, gross, net in (
            ("binance", "bybit", "valid", "50.0", "19.0"),
            ("binance", "okx", "valid", "20.0", "-11.0"),
            ("htx", "bybit", "stale", "50.0", "500.0"),
        )
    ]
    shown = up.tapeline.run("spreads", "NEAR/USDT", "--once").stdout.splitlines()
    assert shown[0] == ("NEAR/USDT  best net +19.00 bps  buy at binance spot, sell at bybit futures  1 of 3 pairs pay")
    assert [line.split()[0] for line in shown[3:]] == ["★", "binance", "stale"]


@pytest.mark.parametrize("command", ["book", "spreads"])
def test_wrong_options_and_an_absent_broker_are_one_sentence(up: Up, command: str) -> None:
    answer = up.tapeline.run(command, "SOL/USDT", "--market", "swap")
    assert (answer.code, answer.stderr) == (2, "error: there is no market 'swap': use spot or futures\n")
    away = up.tapeline.with_settings(TAPELINE_KAFKA__BOOTSTRAP="127.0.0.1:9").run(command, "SOL/USDT", "--json")
    code, error, _ = away.refusal
    assert (code, error["kind"]) == (3, "unavailable")


async def test_a_broker_that_goes_away_meanwhile_ends_the_view(stopped: Tapeline) -> None:
    nothing = stopped.run("book", "SOL/USDT")
    assert (nothing.code, nothing.stderr) == (
        2, "error: Kafka is not running: run `tapeline up` or set kafka.bootstrap\n",
    )  # fmt: skip
    assert stopped.run("up").code == 0
    with stopped.started("book", "SOL/USDT") as following:
        assert following.process.stderr is not None
        waiting = following.process.stderr.readline()
        assert waiting.startswith("no book of SOL/USDT has been published: ")
        assert stopped.run("down").code == 0
        rest = following.process.stderr.read()
        code = following.process.wait(30)
    assert (code, rest.count("\n")) == (3, 1)
    assert "(kafka.bootstrap) does not answer" in rest


def instrument(symbol: str) -> Instrument:
    fields = {
        "venue": "binance", "market": "spot", "symbol": symbol, "native": symbol.replace("/", ""), "base": "X",
        "quote": "USDT", "status": "trading", "price_tick": "0.1", "quantity_step": "0.001", "contract_size": "1",
        "received_us": 1, "published_us": 1,
    }  # fmt: skip
    return msgspec.convert(fields, Instrument)
