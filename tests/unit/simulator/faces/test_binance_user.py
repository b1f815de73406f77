"""Binance's account and its streams as its documents have them: balances, positions, and each event field by field."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.face import Request
from simulator.faces.binance_gate import Gate
from simulator.faces.binance_listening import LASTS_US
from simulator.journal import Subscribed
from simulator.orders import Order
from simulator.terms import Key
from tests.support.stage import CLOSE, Client, Stage, stage
from tests.support.trading import Trader, signature

D = Decimal


def found(scene: Stage, client_id: str) -> Order:
    """Return an order."""
    one = scene.exchange.desk.orders.find("", client_id, scene.now_us)
    assert one is not None
    return one


def test_spot_tells_each_change_of_an_order_and_the_coins_that_it_moved(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path, symbols=1) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        now_ms, price = scene.now_us // 1000, trader.price("buy", 60)
        trader.place("buy", "0.01", price, client_id="a")
        scene.play(1)
        trader.binance("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="a", newClientOrderId="bye")
        one = found(scene, "a")
        worth = D(price) / 100
        report: dict[str, Any] = {
            "e": "executionReport", "E": now_ms, "s": "BTCUSDT", "c": "a", "S": "BUY", "o": "LIMIT", "f": "GTC",
            "q": "0.01000000", "p": f"{price}.00000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "",
            "x": "NEW", "X": "NEW", "r": "NONE", "i": int(one.id), "l": "0.00000000", "z": "0.00000000",
            "L": "0.00000000", "n": "0", "N": None, "T": now_ms, "t": -1, "I": int(one.id), "w": True, "m": False,
            "M": False, "O": now_ms, "Z": "0.00000000", "Y": "0.00000000", "Q": "0.00000000", "W": now_ms,
            "V": "EXPIRE_MAKER",
        }  # fmt: skip
        later_ms = now_ms + 1000
        assert client.take() == [
            {"subscriptionId": 0, "event": report},
            moved(now_ms, BTC=("1", "0"), USDT=(D(100_000) - worth, worth)),
            {
                "subscriptionId": 0,
                "event": {
                    **report,
                    "E": later_ms,
                    "T": later_ms,
                    "c": "bye",
                    "C": "a",
                    "x": "CANCELED",
                    "X": "CANCELED",
                    "w": False,
                },
            },
            moved(later_ms, BTC=("1", "0"), USDT=("100000", "0")),
        ]


def test_spot_tells_a_fill_with_its_fee_and_trade(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path, symbols=1) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        now_ms, best = scene.now_us // 1000, D(trader.price("sell"))
        trader.place("sell", "0.01", client_id="b")
        one = found(scene, "b")
        (fill,) = one.fills
        new, _, trade, coins = client.take()
        assert (new["event"]["x"], new["event"]["X"]) == ("NEW", "NEW")
        worth = best / 100
        assert trade["event"] == {
            **new["event"], "x": "TRADE", "X": "FILLED", "l": "0.01000000", "z": "0.01000000", "L": f"{best:.8f}",
            "n": f"{worth / 1000:.8f}", "N": "USDT", "t": int(fill.id), "I": int(one.id) + 1, "w": False, "M": True,
            "Z": f"{worth:.8f}", "Y": f"{worth:.8f}",
        }  # fmt: skip
        assert coins == moved(now_ms, BTC=("0.99", "0"), USDT=(100_000 + worth - worth / 1000, "0"))


def test_an_ioc_that_was_filled_in_part_ends_expired(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path, symbols=1) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        ladder = trader.listing().ladder
        there = ladder.levels[0][ladder.bid]
        lots = trader.listing().instrument.lot
        assert there < 9000
        trader.place("sell", lots.format(there + 10), trader.price("sell"), client_id="c", force="ioc")
        reports = [one["event"] for one in client.take() if one["event"]["e"] == "executionReport"]
        assert [(one["x"], one["X"], D(one["z"])) for one in reports] == [
            ("NEW", "NEW", 0),
            ("TRADE", "PARTIALLY_FILLED", lots.exact(there)),
            ("EXPIRED", "EXPIRED", lots.exact(there)),
        ]  # fmt: skip


def test_the_websocket_api_lets_in_who_signs_and_says_why_not(tmp_path: Path) -> None:
    gate = Gate("spot", Key("test-key", "test-secret"))
    vector = "40b4b78df402bffcf600b5c8b83721f029b92dcf6287b6460f5947ed53376448"
    assert gate.proves("apiKey=test-key&timestamp=1700000000000", vector)
    with stage("binance", "spot", tmp_path, symbols=1) as scene:
        key, now_ms = scene.exchange.desk.key, scene.now_us // 1000
        client = scene.connect("/ws-api/v3")

        def ask(method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
            client.say({"id": 7, "method": method, "params": params} if params else {"id": 7, "method": method})
            answer: dict[str, Any] = client.take()[0]
            assert answer.pop("id") == 7
            return answer

        def signed(**params: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
            return ask("userDataStream.subscribe.signature", **params, signature=signature(key.secret, payload))

        assert ask("ping") == {"status": 200, "result": {}}
        assert ask("time") == {"status": 200, "result": {"serverTime": now_ms}}
        good = {"apiKey": key.key, "timestamp": now_ms, "recvWindow": 5000}
        refusals = [
            ask("userDataStream.subscribe.signature", **good, signature="0" * 64),
            ask("userDataStream.subscribe.signature", **good),
            signed(apiKey="other", timestamp=now_ms),
            signed(apiKey=key.key, timestamp=now_ms - 5001),
            ask("userDataStream.subscribe"),
            ask("userDataStream.unsubscribe"),
            ask("dance"),
        ]
        assert [(one["status"], one["error"]["code"]) for one in refusals] == [
            (400, -1022), (400, -1102), (401, -2015), (400, -1021), (401, -1002), (400, -2036), (400, -1020),
        ]  # fmt: skip
        assert signed(**good) == {"status": 200, "result": {"subscriptionId": 0}}
        assert signed(**good)["error"]["code"] == -2035
        client.say({"id": 7, "method": "userDataStream.unsubscribe"})
        assert client.take() == [
            {"id": 7, "status": 200, "result": {}},
            {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": now_ms}},
        ]
        Trader(scene).place("buy", "0.01", client_id="x")
        assert client.take() == []
        scene.exchange.close(scene.now_us)
        assert client.take() == [{"event": {"e": "serverShutdown", "E": now_ms}}]
        assert client.line.messages[-1][0] == CLOSE


def test_spot_s_account_is_its_coins(tmp_path: Path) -> None:
    with stage("binance", "spot", tmp_path, symbols=2) as scene:
        trader = Trader(scene)
        trader.place("sell", "0.25", trader.price("sell", 60))
        trader.place("sell", "1", client_id="all", symbol="ETH/USDT")
        account = trader.binance("GET", "/api/v3/account")[2]
        usdt = scene.exchange.desk.coins.balances["USDT"].free
        balances = [
            {"asset": "USDT", "free": f"{usdt:.8f}", "locked": "0.00000000"},
            {"asset": "BTC", "free": "0.75000000", "locked": "0.25000000"},
            {"asset": "ETH", "free": "0.00000000", "locked": "0.00000000"},
        ]
        rates = {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"}
        assert account == {
            "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
            "commissionRates": rates, "canTrade": True, "canWithdraw": True, "canDeposit": True, "brokered": False,
            "requireSelfTradePrevention": False, "preventSor": False, "updateTime": scene.now_us // 1000,
            "accountType": "SPOT", "balances": balances, "permissions": ["SPOT"], "uid": 354937868,
        }  # fmt: skip
        nonzero = trader.binance("GET", "/api/v3/account", omitZeroBalances="true")[2]
        assert nonzero["balances"] == balances[:2]
        fees = trader.binance("GET", "/api/v3/account/commission", symbol="BTCUSDT")[2]
        assert fees["standardCommission"] == rates


def test_futures_tell_a_fill_with_wallet_and_position(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=1) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        trader.place("buy", "0.02", client_id="open")
        client.take()
        scene.play(2)
        now_ms, best = scene.now_us // 1000, D(trader.price("sell"))
        trader.place("sell", "0.01", client_id="x", reduce_only=True)
        one, margin = found(scene, "x"), scene.exchange.desk.margin
        (fill,) = one.fills
        position = margin.positions["BTC/USDT"]
        fee, realized = best / 100 * D("0.0005"), (best - position.entry_price) / 100
        order: dict[str, Any] = {
            "s": "BTCUSDT", "c": "x", "S": "SELL", "o": "MARKET", "f": "GTC", "q": "0.0100", "p": "0", "ap": "0",
            "sp": "0", "x": "NEW", "X": "NEW", "i": int(one.id), "l": "0.0000", "z": "0.0000", "L": "0", "T": now_ms,
            "t": 0, "b": "0", "a": "0", "m": False, "R": True, "wt": "CONTRACT_PRICE", "ot": "MARKET", "ps": "BOTH",
            "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0,
        }  # fmt: skip
        stamped = {"E": now_ms, "T": now_ms}
        assert client.take() == [
            {"e": "ORDER_TRADE_UPDATE", **stamped, "o": order},
            {
                "e": "TRADE_LITE", **stamped, "s": "BTCUSDT", "q": "0.0100", "p": "0", "m": False, "c": "x",
                "S": "SELL", "L": f"{best}", "l": "0.0100", "t": int(fill.id), "i": int(one.id),
            },
            {
                "e": "ACCOUNT_UPDATE", **stamped,
                "a": {
                    "m": "ORDER",
                    "B": [{"a": "USDT", "wb": f"{margin.wallet:.8f}", "cw": f"{margin.wallet:.8f}", "bc": "0"}],
                    "P": [
                        {
                            "s": "BTCUSDT", "pa": "0.01", "ep": plain(position.entry_price),
                            "bep": plain(position.entry_price), "cr": plain(realized),
                            "up": f"{position.unrealized:.8f}", "mt": "cross", "iw": "0", "ps": "BOTH",
                        }
                    ],
                },
            },
            {
                "e": "ORDER_TRADE_UPDATE", **stamped,
                "o": {
                    **order, "x": "TRADE", "X": "FILLED", "ap": f"{best:.8f}", "l": "0.0100", "z": "0.0100",
                    "L": f"{best}", "n": f"{fee:.8f}", "N": "USDT", "t": int(fill.id), "rp": plain(realized),
                },
            },
        ]  # fmt: skip
        opened = sum((each.fee for each in found(scene, "open").fills), D(0))
        assert margin.wallet == 100_000 - opened + realized - fee


def test_a_stream_brings_the_events_that_its_address_names(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=1) as scene:
        trader = Trader(scene)
        key = listen_key(trader)
        some = scene.connect("/private/ws", listenKey=key, events="ORDER_TRADE_UPDATE/ACCOUNT_UPDATE")
        path, plain_one = scene.connect(f"/private/ws/{key}"), scene.connect("/private/ws")
        plain_one.say({"method": "SUBSCRIBE", "params": [key], "id": 1})
        assert plain_one.take() == [{"result": None, "id": 1}]
        both = scene.connect("/private/stream", listenKey=key)
        # Without the route, or with a wrong key, nothing ever comes, and nobody says so.
        silent = [scene.connect(f"/ws/{key}"), scene.connect("/private/ws", listenKey="0" * 64)]
        trader.place("buy", "0.01", client_id="x")
        trader.binance("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)
        every = ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE", "ACCOUNT_CONFIG_UPDATE"]
        assert names(some) == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
        assert [names(client) for client in (path, plain_one)] == [every, every]
        assert [(one["stream"], one["data"]["e"]) for one in both.take()] == [(key, name) for name in every]
        assert [client.take() for client in silent] == [[], []]
        assert {one.type for one in scene.of(Subscribed) if one.connection <= 4} == {"private"}


def test_a_listen_key_lasts_an_hour_from_the_last_time_that_it_was_asked_for(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=1) as scene:
        trader = Trader(scene)
        first = listen_key(trader)
        client = scene.connect("/private/ws", listenKey=first)
        agenda = scene.exchange.desk.agenda
        scene.now_us += LASTS_US // 2
        assert listen_key(trader, "PUT") == first
        agenda.run(scene.now_us + LASTS_US // 2)
        assert client.take() == []
        scene.now_us += LASTS_US
        agenda.run(scene.now_us)
        scene.play(0.02)
        assert client.take() == [{"e": "listenKeyExpired", "E": (scene.now_us - 20_000) // 1000, "listenKey": first}]
        refused = trader.send(key_request(trader, "PUT"))
        assert refused[::2] == (400, {"code": -1125, "msg": "This listenKey does not exist."})
        second = listen_key(trader)
        assert second != first
        assert trader.send(key_request(trader, "DELETE"))[2] == {}
        assert trader.send(key_request(trader, "PUT"))[2]["code"] == -1125
        request = key_request(trader, "POST")
        assert trader.send(Request(path=request.path, query={}, at_us=scene.now_us, method="POST"))[0] == 401


def test_funding_moves_the_wallet_and_is_told(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=1, funding_s=3) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        shown = scene.rest("/fapi/v1/premiumIndex", symbol="BTCUSDT")[2]
        assert shown["nextFundingTime"] == (scene.now_us // 3_000_000 + 1) * 3000
        trader.place("sell", "0.5", client_id="x")
        before = trader.total()
        client.take()
        scene.play(3.1)
        funding = [one for one in client.take() if one["a"]["m"] == "FUNDING_FEE"]
        change = trader.total() - before
        assert change != 0
        assert [(one["a"]["P"], one["a"]["B"]) for one in funding] == [
            ([], [{"a": "USDT", "wb": f"{trader.total():.8f}", "cw": f"{trader.total():.8f}", "bc": plain(change)}])
        ]


def test_futures_balances_positions_and_settings(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=2) as scene:
        trader = Trader(scene)
        assert trader.binance("GET", "/fapi/v3/positionRisk")[2] == []
        trader.place("sell", "0.1", client_id="x")
        trader.place("buy", "1", trader.price("buy", 50, "ETH/USDT"), symbol="ETH/USDT")
        margin = scene.exchange.desk.margin
        position = margin.positions["BTC/USDT"]
        mark = D(position.listing.mark_price)
        btc, eth = trader.binance("GET", "/fapi/v3/positionRisk")[2]
        assert btc == {
            "symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "-0.1",
            "entryPrice": plain(position.entry_price), "breakEvenPrice": plain(position.entry_price),
            "markPrice": position.listing.mark_price, "unRealizedProfit": f"{position.unrealized:.8f}",
            "liquidationPrice": plain(margin.liquidation_price(position)), "isolatedMargin": "0",
            "notional": plain(-mark / 10), "marginAsset": "USDT", "isolatedWallet": "0",
            "initialMargin": f"{mark / 200:.8f}", "maintMargin": f"{mark / 10 * D('0.004'):.8f}",
            "positionInitialMargin": f"{mark / 200:.8f}", "openOrderInitialMargin": "0.00000000", "adl": 1,
            "bidNotional": "0", "askNotional": "0", "updateTime": scene.now_us // 1000,
        }  # fmt: skip
        ordered = D(trader.price("buy", 50, "ETH/USDT")) / 20
        assert (eth["positionAmt"], eth["openOrderInitialMargin"]) == ("0", f"{ordered:.8f}")
        assert trader.binance("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT")[2] == [btc]
        (balance,) = trader.binance("GET", "/fapi/v3/balance")[2]
        account = trader.binance("GET", "/fapi/v3/account")[2]
        free = margin.wallet + position.unrealized - mark / 200 - ordered
        assert (balance["asset"], balance["balance"], balance["crossUnPnl"]) == (
            "USDT", f"{margin.wallet:.8f}", f"{position.unrealized:.8f}",
        )  # fmt: skip
        assert D(balance["availableBalance"]) == pytest.approx(free, abs=D("1e-7"))
        assert account["totalWalletBalance"] == account["assets"][0]["walletBalance"] == balance["balance"]
        assert account["totalInitialMargin"] == account["assets"][0]["initialMargin"]
        assert [one["symbol"] for one in account["positions"]] == ["BTCUSDT", "ETHUSDT"]
        settings = [
            trader.binance("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=10)[2],
            trader.binance("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=126)[2].get("code"),
            trader.binance("POST", "/fapi/v1/leverage", symbol="BTCUSDT")[2].get("code"),
            trader.binance("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED")[2].get("code"),
            trader.binance("GET", "/fapi/v1/positionSide/dual")[2],
            trader.binance("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false")[2].get("code"),
            trader.binance("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")[2]["takerCommissionRate"],
            trader.binance("GET", "/fapi/v1/leverageBracket", symbol="BTCUSDT")[2][0]["brackets"][0][
                "maintMarginRatio"
            ],
        ]
        assert settings == [
            {"leverage": 10, "maxNotionalValue": "50000000", "symbol": "BTCUSDT"}, -4028, -1102, -4046,
            {"dualSidePosition": False}, -4059, "0.000500", 0.004,
        ]  # fmt: skip
        assert margin.position_margin("BTC/USDT") == round(mark / 100, 8)


def test_cancelling_all_of_futures_is_one_sentence(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=1) as scene:
        trader = Trader(scene)
        for name in ("a", "b"):
            trader.place("buy", "0.01", trader.price("buy", 50), client_id=name)
        for _ in range(2):
            assert trader.binance("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")[2] == {
                "code": 200, "msg": "The operation of cancel all open order is done.",
            }  # fmt: skip
        assert scene.exchange.desk.orders.open(scene.now_us) == []


def moved(at_ms: int, **coins: tuple[Any, Any]) -> dict[str, Any]:
    """Return the event about coins: free and locked."""
    return {
        "subscriptionId": 0,
        "event": {
            "e": "outboundAccountPosition",
            "E": at_ms,
            "u": at_ms,
            "B": [
                {"a": coin, "f": f"{D(free):.8f}", "l": f"{D(locked):.8f}"} for coin, (free, locked) in coins.items()
            ],
        },
    }


def names(client: Client) -> list[str]:
    """Return which events came."""
    return [one["e"] for one in client.take()]


def key_request(trader: Trader, method: str) -> Request:
    """Return a request about the listen key, which is not signed."""
    key = trader.stage.exchange.desk.key
    return Request(
        path="/fapi/v1/listenKey", query={}, at_us=trader.stage.now_us, method=method,
        headers={"x-mbx-apikey": key.key},
    )  # fmt: skip


def listen_key(trader: Trader, method: str = "POST") -> str:
    """Return the listen key."""
    return str(trader.send(key_request(trader, method))[2]["listenKey"])


def plain(amount: Decimal) -> str:
    """Return an amount without zeros at its end."""
    return f"{amount.normalize():f}"
