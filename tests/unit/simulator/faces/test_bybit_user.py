"""Bybit's account and private topics as its documents have them: sign on, events field by field, funding, positions."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.journal import Filled, Funded, Subscribed
from tests.support.stage import Client, Stage, stage
from tests.support.trading import CATEGORY, Trader, signature

D = Decimal
BOTH = pytest.mark.parametrize("market", ["spot", "futures"])


def events(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """Return topic and row of each message, one row a message; ids are unique and times are there."""
    messages = client.take()
    assert len({one["id"] for one in messages}) == len(messages)
    assert all(set(one) == {"id", "topic", "creationTime", "data"} and len(one["data"]) == 1 for one in messages)
    return [(one["topic"], one["data"][0]) for one in messages]


def auth(scene: Stage, client: Client, **other: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Sign on and return the answer."""
    key, expires = scene.exchange.desk.key, scene.now_us // 1000 + 10_000
    args = {"key": key.key, "expires": expires, **other}
    sign = other.get("sign", signature(key.secret, f"GET/realtime{args['expires']}"))
    client.say({"req_id": "10001", "op": "auth", "args": [args["key"], args["expires"], sign]})
    answer: dict[str, Any] = client.take()[0]
    return answer


@BOTH
def test_sign_on_ping_and_subscriptions_are_answered_as_documented(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path, symbols=1) as scene:
        client = scene.connect("/v5/private")
        client.say({"op": "subscribe", "args": ["order"]})
        client.say({"op": "ping", "req_id": "3"})
        refused, pong = client.take()
        conn_id = pong.pop("conn_id")
        assert refused == {"success": False, "ret_msg": "Request not authorized", "op": "subscribe", "conn_id": conn_id}
        assert pong == {"req_id": "3", "op": "pong", "args": [str(scene.now_us // 1000)]}
        now_ms = scene.now_us // 1000
        for wrong in ({"key": "other"}, {"expires": now_ms}, {"sign": "0" * 64}, {"expires": "soon"}):
            assert auth(scene, client, **wrong)["success"] is False
        assert auth(scene, client) == {
            "success": True, "ret_msg": "", "op": "auth", "conn_id": conn_id, "req_id": "10001",
        }  # fmt: skip
        for args, problem in (
            (["orders"], "Invalid topic: orders"),
            (["wallet.linear"], "Invalid topic: wallet.linear"),
            (["order", "order.linear"], "cannot be in the same request"),
            ([], "args is empty"),
            (["order", "execution.linear"], ""),
            (["order"], "already subscribed"),
        ):
            client.say({"op": "subscribe", "args": args})
            (answer,) = client.take()
            assert (answer["success"], problem in answer["ret_msg"]) == (not problem, True)
        client.say({"op": "unsubscribe", "args": ["order"]})
        assert client.take()[0]["success"] is True
        assert [(one.stream, one.channel, one.type) for one in scene.of(Subscribed)] == [
            ("order", "order", "private"), ("execution.linear", "execution", "private"),
        ]  # fmt: skip


@BOTH
def test_an_order_that_waits_and_is_cancelled(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path, symbols=1) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        price = D(trader.price("buy", 60))
        trader.place("buy", "0.01", f"{price}", client_id="x")
        new = events(client)
        scene.play(1)
        trader.cancel("x")
        gone = events(client)
        topics = ["order", *(["position"] if market == "futures" else []), "wallet"]
        assert [topic for topic, _ in new] == [topic for topic, _ in gone] == topics
        row = trader.look_up("x")
        assert gone[0][1] == {**row, "category": CATEGORY[market], "leavesQty": ""}
        assert new[0][1] == {
            **row, "category": CATEGORY[market], "orderStatus": "New", "cancelType": "UNKNOWN",
            "rejectReason": "EC_NoError", "leavesQty": "0.0100", "leavesValue": plain(price / 100),
            "updatedTime": row["createdTime"],
        }  # fmt: skip
        usdt = [next(one for one in rows[-1][1]["coin"] if one["coin"] == "USDT") for rows in (new, gone)]
        locked = "locked" if market == "spot" else "totalOrderIM"
        aside = price / 100 if market == "spot" else price / 1000
        assert [one[locked] for one in usdt] == [plain(aside), "0"]
        assert {one["walletBalance"] for one in usdt} == {"100000"}


@BOTH
def test_an_order_that_is_dealt_at_once_is_told_by_its_end(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path, symbols=1) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        trader.place("sell", "0.01", client_id="x")
        told = events(client)
        row = trader.look_up("x")
        (execution,) = trader.bybit("GET", "/v5/execution/list", symbol="BTCUSDT")[2]["result"]["list"]
        assert told[:2] == [
            ("order", {**row, "category": CATEGORY[market], "leavesQty": ""}),
            ("execution", {**execution, "category": CATEGORY[market]}),
        ]
        assert row["orderStatus"] == "Filled"
        wallet = trader.bybit("GET", "/v5/account/wallet-balance", accountType="UNIFIED")[2]["result"]["list"][0]
        assert told[-1] == ("wallet", wallet)
        if market == "spot":
            assert len(told) == 3
            return
        position = trader.bybit("GET", "/v5/position/list", symbol="BTCUSDT")[2]["result"]["list"][0]
        entry = position.pop("avgPrice")
        assert told[2] == ("position", {**position, "entryPrice": entry, "category": "linear"})


def test_only_spot_says_of_a_cancelled_order_that_it_was_filled_in_part(tmp_path: Path) -> None:
    seen = []
    for market in ("spot", "futures"):
        with stage("bybit", market, tmp_path / market, symbols=1) as scene:
            trader, client = Trader(scene), Trader(scene).listen()
            ladder, lot = trader.listing().ladder, trader.listing().instrument.lot
            there = ladder.levels[0][ladder.bid]
            trader.place("sell", lot.format(there + 10), trader.price("sell"), client_id="x", force="ioc")
            rows = [row for topic, row in events(client) if topic == "order"]
            assert [row["cumExecQty"] for row in rows] == [lot.format(there)] * 2
            seen.append([(row["orderStatus"], row["rejectReason"]) for row in rows])
    assert seen == [
        [("PartiallyFilled", "EC_NoError"), ("PartiallyFilledCanceled", "EC_NoImmediateQtyToFill")],
        [("PartiallyFilled", "EC_NoError"), ("Cancelled", "EC_NoImmediateQtyToFill")],
    ]


def test_a_topic_of_another_product_stays_silent(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path, symbols=1) as scene:
        client = scene.connect("/v5/private")
        auth(scene, client)
        client.say({"op": "subscribe", "args": ["order.linear", "execution.spot", "position.linear", "wallet"]})
        client.take()
        Trader(scene).place("buy", "0.01", client_id="x")
        assert [topic for topic, _ in events(client)] == ["execution.spot", "wallet"]


def test_spot_s_wallet_is_its_coins(tmp_path: Path) -> None:
    with stage("bybit", "spot", tmp_path, symbols=2) as scene:
        trader = Trader(scene)
        trader.place("sell", "0.25", trader.price("sell", 60))
        btc, eth = (D(one.mark_price) for one in scene.exchange.market.listings)
        coin = {
            "availableToWithdraw": "", "availableToBorrow": "", "borrowAmount": "0", "accruedInterest": "0",
            "totalOrderIM": "0", "totalPositionIM": "0", "totalPositionMM": "0", "unrealisedPnl": "0",
            "cumRealisedPnl": "0", "bonus": "0", "spotHedgingQty": "0", "marginCollateral": True,
            "collateralSwitch": True, "equity": "1", "walletBalance": "1", "locked": "0",
        }  # fmt: skip
        total = f"{100_000 + btc + eth:.8f}"
        answer = trader.bybit("GET", "/v5/account/wallet-balance", accountType="UNIFIED")[2]["result"]
        assert answer == {
            "list": [
                {
                    "accountType": "UNIFIED", "accountLTV": "0", "accountIMRate": "0.0000", "accountMMRate": "0.0000",
                    "totalEquity": total, "totalWalletBalance": total, "totalMarginBalance": total,
                    "totalAvailableBalance": total, "totalPerpUPL": "0.00000000", "totalInitialMargin": "0.00000000",
                    "totalMaintenanceMargin": "0.00000000",
                    "coin": [
                        {**coin, "coin": "USDT", "equity": "100000", "walletBalance": "100000",
                         "usdValue": "100000.00000000"},
                        {**coin, "coin": "BTC", "locked": "0.25", "usdValue": f"{btc:.8f}"},
                        {**coin, "coin": "ETH", "usdValue": f"{eth:.8f}"},
                    ],
                }
            ]
        }  # fmt: skip
        some = trader.bybit("GET", "/v5/account/wallet-balance", accountType="UNIFIED", coin="ETH,BTC")[2]["result"]
        assert [one["coin"] for one in some["list"][0]["coin"]] == ["BTC", "ETH"]
        assert trader.refused(trader.bybit("GET", "/v5/account/wallet-balance", accountType="SPOT")) == 10001
        # Positions are none of spot's.
        request = trader.bybit_request("GET", "/v5/position/list", {"symbol": "BTCUSDT"})
        assert scene.exchange.rest(request, scene.now_s).status == 404


def test_linear_positions_wallet_and_leverage(tmp_path: Path) -> None:
    with stage("bybit", "futures", tmp_path, symbols=2) as scene:
        trader, margin = Trader(scene), scene.exchange.desk.margin
        trader.place("sell", "0.1", client_id="x")
        position, fills = margin.positions["BTC/USDT"], len(scene.of(Filled))
        mark, now_ms = D(position.listing.mark_price), str(scene.now_us // 1000)
        (row,) = trader.bybit("GET", "/v5/position/list", settleCoin="USDT")[2]["result"]["list"]
        assert row == {
            "positionIdx": 0, "riskId": 1, "riskLimitValue": "50000000", "symbol": "BTCUSDT", "side": "Sell",
            "size": "0.1", "avgPrice": plain(position.entry_price), "positionValue": plain(position.cost),
            "tradeMode": 0, "positionStatus": "Normal", "autoAddMargin": 0, "adlRankIndicator": 2, "leverage": "10",
            "positionBalance": plain(mark / 100), "markPrice": position.listing.mark_price,
            "liqPrice": plain(margin.liquidation_price(position)), "bustPrice": "",
            "positionMM": plain(mark / 10 * D("0.005"), 8), "positionIM": plain(mark / 100), "tpslMode": "Full",
            "takeProfit": "", "stopLoss": "", "trailingStop": "0", "unrealisedPnl": plain(position.unrealized),
            "curRealisedPnl": "0", "cumRealisedPnl": "0", "seq": fills, "isReduceOnly": False, "mmrSysUpdatedTime": "",
            "leverageSysUpdatedTime": "", "createdTime": now_ms, "updatedTime": now_ms,
        }  # fmt: skip
        flat = trader.bybit("GET", "/v5/position/list", symbol="ETHUSDT")[2]["result"]["list"]
        assert [(one["side"], one["size"], one["liqPrice"], one["seq"]) for one in flat] == [("", "0", "", -1)]
        assert trader.refused(trader.bybit("GET", "/v5/position/list")) == 10001
        wallet = trader.bybit("GET", "/v5/account/wallet-balance", accountType="UNIFIED")[2]["result"]["list"][0]
        (usdt,) = wallet["coin"]
        assert (usdt["walletBalance"], usdt["unrealisedPnl"], usdt["totalPositionIM"]) == (
            plain(margin.wallet), plain(position.unrealized), plain(mark / 100),
        )  # fmt: skip
        assert D(wallet["totalAvailableBalance"]) == margin.available
        path = "/v5/position/set-leverage"
        codes = [
            trader.refused(trader.bybit("POST", path, symbol="BTCUSDT", buyLeverage=buy, sellLeverage=sell))
            for buy, sell in (("10", "10"), ("5", "5"), ("5", "6"), ("101", "101"), ("", ""))
        ]
        assert codes == [110043, 0, 10001, 110013, 10001]
        assert margin.leverage["BTC/USDT"] == 5
        rates = trader.bybit("GET", "/v5/account/fee-rate", symbol="BTCUSDT")[2]["result"]["list"]
        assert rates == [{"symbol": "BTCUSDT", "baseCoin": "", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}]


def test_funding_is_an_execution_and_moves_the_wallet(tmp_path: Path) -> None:
    with stage("bybit", "futures", tmp_path, symbols=1, funding_s=3) as scene:
        trader, client = Trader(scene), Trader(scene).listen()
        ticker = scene.rest("/v5/market/tickers", category="linear", symbol="BTCUSDT")[2]["result"]["list"][0]
        assert int(ticker["nextFundingTime"]) == (scene.now_us // 3_000_000 + 1) * 3000
        trader.place("sell", "0.5", client_id="x")
        before, fills = trader.total(), len(scene.of(Filled))
        client.take()
        scene.play(3.1)
        (paid,) = scene.of(Funded)
        execution, wallet = events(client)
        change = trader.total() - before
        assert (D(paid.amount), change != 0) == (change, True)
        exec_id, order_id = execution[1]["execId"], execution[1]["orderId"]
        assert (len(exec_id), len(order_id)) == (36, 36)
        assert execution == (
            "execution",
            {
                "symbol": "BTCUSDT", "orderType": "UNKNOWN", "underlyingPrice": "", "orderLinkId": "",
                "orderId": order_id, "stopOrderType": "UNKNOWN", "execTime": str(paid.at_us // 1000),
                "feeCurrency": "USDT", "feeRate": paid.rate, "tradeIv": "", "blockTradeId": "",
                "markPrice": paid.mark, "execPrice": paid.mark, "markIv": "", "orderQty": "0", "orderPrice": "0",
                "execValue": plain(D(paid.mark) / 2), "execType": "Funding", "seq": fills, "side": "Sell",
                "indexPrice": "", "leavesQty": "0", "isMaker": False, "execFee": plain(-change), "execId": exec_id,
                "execQty": "0.5", "closedSize": "0", "extraFees": "", "createType": "UNKNOWN", "category": "linear",
            },
        )  # fmt: skip
        assert wallet[0] == "wallet"
        listed = trader.bybit("GET", "/v5/execution/list", execType="Funding")[2]["result"]["list"]
        assert [{**one, "category": "linear"} for one in listed] == [execution[1]]
        every = trader.bybit("GET", "/v5/execution/list", symbol="BTCUSDT")[2]["result"]["list"]
        assert [one["execType"] for one in every] == ["Funding", *["Trade"] * fills]


@BOTH
def test_what_kind_of_account_it_is(market: str, tmp_path: Path) -> None:
    with stage("bybit", market, tmp_path, symbols=1) as scene:
        trader = Trader(scene)
        info = trader.bybit("GET", "/v5/account/info")[2]["result"]
        key = trader.bybit("GET", "/v5/user/query-api")[2]["result"]
        assert (info["unifiedMarginStatus"], info["marginMode"]) == (6, "REGULAR_MARGIN")
        assert (key["uta"], key["apiKey"], key["secret"]) == (1, scene.exchange.desk.key.key, "")


def plain(amount: Decimal, digits: int = 8) -> str:
    """Return an amount without zeros at its end, rounded as money is."""
    return f"{round(amount, digits).normalize():f}"
