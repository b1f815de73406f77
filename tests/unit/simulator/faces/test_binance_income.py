"""Binance's income history as its documents have it: funding field by field, the oldest first, by time and in pages."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from simulator.journal import Funded
from tests.support.stage import stage
from tests.support.trading import Trader


def test_funding_is_income_and_is_what_the_wallet_was_paid(tmp_path: Path) -> None:
    with stage("binance", "futures", tmp_path, symbols=2, funding_s=3) as scene:
        trader = Trader(scene)
        trader.place("sell", "0.5", client_id="x")
        trader.place("buy", "1", client_id="y", symbol="ETH/USDT")

        def income(**params: object) -> Any:  # noqa: ANN401 - any JSON document
            return trader.binance("GET", "/fapi/v1/income", **params)[2]

        assert income() == []
        scene.play(6.1)
        paid = scene.of(Funded)
        every = income(incomeType="FUNDING_FEE")
        assert len(paid) == 4
        assert every == [
            {
                "symbol": one.symbol.replace("/", ""), "incomeType": "FUNDING_FEE",
                "income": f"{Decimal(one.amount):.8f}", "asset": "USDT", "info": "FUNDING_FEE",
                "time": one.at_us // 1000, "tranId": told["tranId"], "tradeId": "",
            }
            for one, told in zip(paid, every, strict=True)
        ]  # fmt: skip
        ids = [one["tranId"] for one in every]
        assert ids == sorted(set(ids))
        first, second = every[0]["time"], every[-1]["time"]
        assert first < second
        assert income(incomeType="COMMISSION") == []
        assert income(symbol="ETHUSDT") == [one for one in every if one["symbol"] == "ETHUSDT"]
        # Both times are inclusive.
        assert income(startTime=first, endTime=first) == every[:2]
        assert income(startTime=first + 1) == every[2:]
        assert [income(limit=3, page=page) for page in (1, 2, 3)] == [every[:3], every[3:], []]
        assert income(symbol="NOPEUSDT")["code"] == -1121
        scene.now_us += 7 * 86_400_000_000
        assert income() == []
        assert income(startTime=first) == every
