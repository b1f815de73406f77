"""OKX's swaps have funding rate, mark price and index price, each on a channel of its own."""

from __future__ import annotations

from pathlib import Path

from tests.support.okx_client import client_of, of_channel
from tests.support.stage import START_US, stage

START_MS = START_US // 1000
DAY_8_MS = 8 * 3600 * 1000


def told(channel: str, name: str, **fields: str) -> dict[str, object]:
    """Return a message of a channel."""
    return {"arg": {"channel": channel, "instId": name}, "data": [{"instId": name, **fields, "ts": str(START_MS)}]}


def test_swaps_have_funding_mark_and_index(tmp_path: Path) -> None:
    with stage("okx", "futures", tmp_path, symbols=1) as scene:
        client = client_of(scene, "funding-rate", "mark-price", "index-tickers")
        listing = scene.exchange.market.listings[0]
        answers = client.take()
        (rest,) = scene.rest("/api/v5/public/funding-rate", instId="BTC-USDT-SWAP")[2]["data"]
        next_ms = (START_MS // DAY_8_MS + 1) * DAY_8_MS
        funding = told(
            "funding-rate",
            "BTC-USDT-SWAP",
            instType="SWAP",
            fundingRate=listing.funding_rate,
            fundingTime=str(next_ms),
            nextFundingRate="",
            nextFundingTime=str(next_ms + DAY_8_MS),
            maxFundingRate="0.00375",
            minFundingRate="-0.00375",
            method="current_period",
            settFundingRate=listing.funding_rate,
            settState="settled",
        )
        day = dict.fromkeys(("idxPx", "high24h", "low24h", "open24h", "sodUtc0", "sodUtc8"), "64000.00000000")
        assert [one.get("event") for one in answers] == ["subscribe", None] * 3
        assert answers[1::2] == [
            funding,
            told("mark-price", "BTC-USDT-SWAP", instType="SWAP", markPx=listing.mark_price),
            told("index-tickers", "BTC-USDT", **day),
        ]
        assert funding["data"] == [rest]
        scene.play(120)
        later = client.take()
    assert [len(of_channel(later, name)) for name in ("funding-rate", "mark-price", "index-tickers")] == [2, 120, 120]


def test_funding_is_told_at_once_when_the_next_payment_has_moved(tmp_path: Path) -> None:
    with stage("okx", "futures", tmp_path, symbols=1, funding_s=10) as scene:
        client = client_of(scene, "funding-rate")
        scene.play(35)
        times = [one["data"][0]["fundingTime"] for one in of_channel(client.take(), "funding-rate")]
    assert times == [str(START_MS + number * 10_000) for number in (1, 2, 3, 4)]
