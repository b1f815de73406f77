"""C-03, C-19: recorded frames through the real decoders: sums, books, units, parts, and files that are none."""

from __future__ import annotations

import base64
import io
import json
import zlib
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


@pytest.mark.parametrize(
    ("venue", "market", "path", "body", "native"),
    [
        (
            "okx",
            "unified",
            "GET /api/v5/market/trades",
            {
                "code": "0",
                "data": [{"instId": "ETH-USDT", "side": "sell", "sz": "2", "px": "3", "tradeId": "1", "ts": "1"}],
            },
            "ETH-USDT",
        ),
        (
            "htx",
            "spot",
            "GET /market/history/trade",
            {
                "ch": "market.btcusdt.trade.detail",
                "status": "ok",
                "ts": 1,
                "data": [
                    {
                        "id": 1,
                        "ts": 1,
                        "data": [{"id": 1, "ts": 1, "trade-id": 1, "amount": 2, "price": 3, "direction": "buy"}],
                    }
                ],
            },
            "btcusdt",
        ),
        (
            "bybit",
            "futures",
            "/v5/market/recent-trade?category=linear",
            {
                "retCode": 0,
                "result": {
                    "list": [
                        {"execId": "1", "symbol": "BTCUSDT", "price": "3", "size": "2", "side": "Buy", "time": "1"}
                    ]
                },
            },
            "BTCUSDT",
        ),
        (
            "binance",
            "spot",
            "/api/v3/trades",
            [{"id": 1, "price": "3", "qty": "2", "time": 1, "isBuyerMaker": True}],
            "?",
        ),
    ],
)
def test_an_answer_whose_address_names_nothing_names_itself(
    venue: str, market: str, path: str, body: object, native: str, tmp_path: Path
) -> None:
    file = tmp_path / "rest.jsonl"
    file.write_text(line(body, "rest:GetRecentTrades", path, venue=venue, market=market))
    _, (found,) = told(file)
    nothing = {"best_bid": None, "best_ask": None, "valid": None, "gaps": 0}
    assert (found["trade_quantity"], found["trade_notional"], found["unit"]) == ("2", "6", "base")
    assert found["symbols"] == {native: nothing}


def test_few_levels_of_a_book_may_have_an_address_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "rest.jsonl"
    body = {
        "code": "0",
        "msg": "",
        "data": [{"asks": [["10", "1", "0", "1"]], "bids": [["9", "2", "0", "1"]], "ts": "1"}],
    }
    urls = [f"https://www.okx.com/api/v5/market/{name}?instId=ETH-USDT&sz=5" for name in ("books", "books-full")]
    file.write_text("".join(line(body, "rest:GetOrderBook", url, venue="okx", market="spot") for url in urls))
    _, (found,) = told(file)
    assert (found["snapshots"], found["best_bid"], found["best_ask"]) == (2, ["9", "2"], ["10", "1"])


def test_a_list_of_instruments_without_its_envelope_is_no_broken_frame(tmp_path: Path) -> None:
    file = tmp_path / "list.jsonl"
    file.write_text(line([{"symbol": "BTC-USDT"}], "instruments", "https://any.test/api/v1/symbols", venue="kucoin"))
    _, (found,) = told(file)
    assert (found["ignored"], found["invalid"]) == (1, 0)


def test_a_price_that_is_no_quantity_is_in_no_unit(tmp_path: Path) -> None:
    file = tmp_path / "marks.jsonl"
    mark = {
        "arg": {"channel": "mark-price", "instId": "A-USDT-SWAP"},
        "data": [{"instId": "A-USDT-SWAP", "markPx": "1", "ts": "1"}],
    }
    file.write_text(line(mark, "ticker", venue="okx"))
    _, (value, found) = told(file, values=True)
    assert (value["type"], value["mark_price"], found["unit"]) == ("FundingUpdate", "1", "base")


def test_a_book_with_a_checksum_is_valid_while_it_comes_to_it(tmp_path: Path) -> None:
    file = tmp_path / "checked.jsonl"

    def push(bids: list[list[str]], told_of: list[list[str]], at: int, *, whole: bool) -> str:
        asks = [["10", "1"]]
        text = ":".join(part for level in (*bids, *asks) for part in level)
        depth = {"bids": told_of, "asks": asks if whole else [], "last": "9", "updated_at": at}
        data = {"market": "BTCUSDT", "is_full": whole, "depth": {**depth, "checksum": zlib.crc32(text.encode())}}
        return line({"method": "depth.update", "data": data, "id": None}, venue="coinex")

    first = push([["9", "2"]], [["9", "2"]], 1, whole=True)
    lost = push([["9.5", "1"], ["9", "2"]], [["9.5", "1"]], 2, whole=False)
    last = push([["9.5", "1"], ["9.2", "3"], ["9", "2"]], [["9.2", "3"]], 3, whole=False)
    file.write_text(first + lost + last)
    _, (found,) = told(file)
    assert (found["best_bid"], found["valid"], found["gaps"]) == (["9.5", "1"], True, 0)
    file.write_text(first + last)
    _, (found,) = told(file)
    assert (found["valid"], found["gaps"]) == (False, 1)


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
