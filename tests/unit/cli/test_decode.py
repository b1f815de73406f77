"""C-03, C-19: recorded frames through the real decoders: sums, books, units, parts, and files that are none."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest

from tapeline.cli.decode import decode
from tapeline.cli.render import Output

Json = dict[str, object]
SOCKET = "wss://stream.bybit.com/v5/public/linear"


def told(*paths: Path, instruments: tuple[Path, ...] = (), values: bool = False) -> tuple[int, list[Json]]:
    """Return the exit code and the objects that were printed."""
    out = Output(as_json=True, stdout=io.StringIO(), stderr=io.StringIO())
    code = decode(out, paths, instruments=instruments, values=values)
    assert isinstance(out.stdout, io.StringIO)
    return code, [json.loads(line) for line in out.stdout.getvalue().splitlines()]


def line(frame: object, channel: str = "book", url: str = SOCKET, **more: object) -> str:
    text = frame if isinstance(frame, str) else json.dumps(frame)
    held = {"venue": "bybit", "market": "futures", "channel": channel, "recv_us": 5, "url": url, "frame": text}
    return json.dumps({**held, **more}) + "\n"


def book(kind: str, update: int, bids: list[list[str]], native: str = "BTCUSDT") -> Json:
    data = {"s": native, "b": bids, "a": [["10.50", "1.0"]], "u": update, "seq": update}
    return {"topic": f"orderbook.50.{native}", "type": kind, "ts": update, "data": data}


def deal(price: str, quantity: str, number: int) -> Json:
    data = {"T": number, "s": "BTCUSDT", "S": "Sell", "v": quantity, "p": price, "i": f"t{number}", "seq": number}
    return {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": number, "data": [data]}


@pytest.fixture
def stretch(tmp_path: Path) -> Path:
    """Return a stretch in two parts: a book with one hole that a new snapshot closes, and two trades."""
    first = tmp_path / "stretch.jsonl"
    first.write_text(
        line(book("snapshot", 7, [["9.10", "2"]]))
        + line(book("delta", 8, [["9.20", "0.3"]]))
        + line({"success": True, "ret_msg": "", "op": "subscribe", "req_id": "1"}, "ack")
        + line(deal("10.1", "0.1", 1), "trade")
    )
    (tmp_path / "stretch-p2.jsonl").write_text(
        line(book("delta", 10, []))
        + line(book("snapshot", 11, [["9.30", "4"]]))
        + line(deal("0.00000000000000000001", "0.2", 2), "trade")
        + line('{"topic":"orderbook.50.BTCUSDT","type":"delta"', "book")
    )
    return first


def whole(file: Path, **changes: object) -> Json:
    held: Json = {"best_bid": ["9.3", "4"], "best_ask": ["10.5", "1"], "valid": True}
    return {
        "file": str(file),
        "frames": 8,
        "trades": 2,
        "trade_quantity": "0.3",
        "trade_notional": "1.010000000000000000002",
        "deltas": 2,
        "snapshots": 2,
        "ignored": 1,
        "invalid": 1,
        "gaps": 1,
        "unit": "base",
        **held,
        "symbols": {"BTCUSDT": {**held, "gaps": 1}},
        **changes,
    }


def test_a_stretch_is_told_with_its_parts(stretch: Path) -> None:
    assert told(stretch) == (0, [whole(stretch)])
    assert told(*sorted(stretch.parent.iterdir())) == (0, [whole(stretch)])


def test_a_hole_that_nothing_closes_leaves_the_book_invalid(stretch: Path) -> None:
    part = stretch.with_name("stretch-p2.jsonl")
    part.write_text(part.read_text().splitlines()[0] + "\n")
    held: Json = {"best_bid": ["9.2", "0.3"], "best_ask": ["10.5", "1"], "valid": False}
    code, (found,) = told(stretch)
    assert (code, found["gaps"], found["symbols"]) == (0, 1, {"BTCUSDT": {**held, "gaps": 1}})


def test_two_symbols_stand_side_by_side_and_none_at_the_top(tmp_path: Path) -> None:
    file = tmp_path / "two.jsonl"
    file.write_text(
        line(book("snapshot", 7, [["9", "2"]])) + line(deal("1", "1", 1))
        + line(book("snapshot", 3, [["8", "1"]], "ETHUSDT"))
    )  # fmt: skip
    ask = ["10.5", "1"]
    _, (found,) = told(file)
    assert found["symbols"] == {
        "BTCUSDT": {"best_bid": ["9", "2"], "best_ask": ask, "valid": True, "gaps": 0},
        "ETHUSDT": {"best_bid": ["8", "1"], "best_ask": ask, "valid": True, "gaps": 0},
    }
    assert not {"best_bid", "best_ask", "valid"} & set(found)


def test_answers_of_rest_are_known_by_their_address(tmp_path: Path) -> None:
    file = tmp_path / "rest.jsonl"
    body = {"retCode": 0, "result": {"s": "BTCUSDT", "b": [["9", "2"]], "a": [["10", "1"]], "u": 7, "ts": 1}}
    url = "https://any.test/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=50"
    file.write_text(
        line(body, "book_snapshot", url) + line({"retCode": 0, "result": {}}, "rest:GetServerTime", url[:20])
    )
    _, (found,) = told(file)
    told_of = {"best_bid": ["9", "2"], "best_ask": ["10", "1"], "valid": True, "gaps": 0}
    assert (found["snapshots"], found["ignored"], found["symbols"]) == (1, 1, {"BTCUSDT": told_of})


def test_a_file_without_a_book_has_none(tmp_path: Path) -> None:
    file = tmp_path / "trades.jsonl"
    file.write_text(line(deal("2", "3", 1)))
    nothing = {"best_bid": None, "best_ask": None, "valid": None}
    _, (found,) = told(file)
    assert {name: found[name] for name in nothing} == nothing
    assert found["symbols"] == {"BTCUSDT": {**nothing, "gaps": 0}}


def test_instruments_give_symbols(stretch: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.jsonl"
    listing = {
        "symbol": "BTCUSDT",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "contractType": "LinearPerpetual",
        "priceFilter": {"tickSize": "0.1"},
        "lotSizeFilter": {"qtyStep": "0.001"},
        "settleCoin": "USDT",
    }
    rules.write_text(line({"retCode": 0, "result": {"list": [listing], "nextPageCursor": ""}}, "instruments"))
    _, (found,) = told(stretch, instruments=(rules,))
    symbols = found["symbols"]
    assert isinstance(symbols, dict)
    assert list(symbols) == ["BTC/USDT"]
    rules.write_text(line({"retCode": 0}, "instruments"))
    with pytest.raises(Exception, match=r"rules.jsonl line 1 is no instrument list of bybit"):
        told(stretch, instruments=(rules,))


def test_every_value_is_told_on_request(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(line(deal("2.50", "3", 1)))
    _, (value, _) = told(file, values=True)
    assert value == {
        "file": str(file), "line": 1, "symbol": "BTCUSDT", "type": "PublicTrade", "native": "BTCUSDT", "trade_id": "t1",
        "sequence": 1, "price": "2.5", "quantity": "3", "side": "sell", "venue_us": 1000, "received_us": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{", "line 2: Input data was truncated"),
        ('{"venue":"bybit"}', "line 2: Object missing required field `market`"),
        (line({}, market="options"), "line 2: Invalid enum value 'options' - at `$.market`"),
        (line({}, venue="bybitt"), "line 2: unknown exchange: bybitt"),
        (line("?", encoding="base64"), "line 2: "),
    ],
)
def test_what_is_no_file_of_frames_is_named_by_its_line_and_the_next_goes_on(
    stretch: Path, tmp_path: Path, bad: str, problem: str
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text(line(deal("2", "3", 1)) + bad)
    code, (failed, found) = told(broken, stretch)
    error = failed["error"]
    assert isinstance(error, dict)
    assert str(error["problem"]).startswith(f"{broken} {problem}")
    assert (code, found) == (2, whole(stretch))


def test_binary_frames_stand_in_base64(tmp_path: Path) -> None:
    file = tmp_path / "binary.jsonl"
    file.write_text(line(base64.b64encode(json.dumps(deal("2", "3", 1)).encode()).decode(), encoding="base64"))
    assert told(file)[1][0]["trades"] == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, (failed,) = told(tmp_path / "none.jsonl")
    assert (code, failed["error"]) == (
        2,
        {
            "kind": "misconfigured",
            "problem": f"{tmp_path / 'none.jsonl'} cannot be read: No such file or directory",
            "fix": "give a file of frames",
        },
    )
