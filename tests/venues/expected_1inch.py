"""What our own answers of 1inch mean; the quote of one whole ETH is the worked one of its fact sheet."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from tapeline.domain.book import BookSnapshot
from tapeline.venues.contract import InstrumentPage
from tests.venues import expected_uniswap
from tests.venues.expected_binance import RECEIVED_US

USDC: Final = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
USDT: Final = "0xdac17f958d2ee523a2206206994597c13d831ec7"
ETH: Final = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
WBTC: Final = "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"

BOOK: Final = BookSnapshot(
    native=f"{ETH}-{USDC}",
    sequence=RECEIVED_US,
    replaces=False,
    routine=True,
    # (299.9 for 0.1), (2998.59603 for 1), (14980 for 5)
    bid_prices=(2999.0, 2998.5511444444446, 2995.3509925),
    bid_quantities=(0.1, 0.9, 4.0),
    # (0.0999 for 300), (0.998499123456789012 for 3000), (4.987 for 15000)
    ask_prices=(3003.003003003003, 3004.676868160594, 3008.6492071678485),
    ask_quantities=(0.0999, 0.898599123456789012, 3.988500876543210988),
    received_us=RECEIVED_US,
    exact={"ask_quantities[1]": "0.898599123456789012", "ask_quantities[2]": "3.988500876543210988"},
)
SPOT: Final[dict[str, object]] = {
    "rest_book": BOOK,
    # A token that is listed with other decimals is not the one that we know.
    "rest_instruments": InstrumentPage(
        instruments=(
            *(
                msgspec.structs.replace(expected_uniswap.instrument(symbol, f"{ETH}-{quote}"), venue="1inch")
                for symbol, quote in (("ETH/USDC", USDC), ("ETH/USDT", USDT))
            ),
            msgspec.structs.replace(
                expected_uniswap.instrument("USDC/USDT", f"{USDC}-{USDT}"),
                venue="1inch",
                quantity_step=Decimal("0.000001"),
            ),
        ),
        skipped=(f"{WBTC}-{ETH}", f"{WBTC}-{USDC}"),
    ),
}
