"""Binance's accounts as JSON: coins on spot; balance, positions, leverage and brackets on futures."""

from __future__ import annotations

from decimal import Decimal

from simulator.desk import Desk
from simulator.faces.binance_words import Json
from simulator.faces.texts import fixed
from simulator.instruments import QUOTE
from simulator.ledger import plain
from simulator.wallets import MarginAccount, Position

_UID = 354937868
_BASIS_POINTS = 10_000
_MOST_NOTIONAL = 50_000_000


def coins(desk: Desk, now_us: int, *, nonzero: bool) -> Json:
    """Return the answer of spot's `account`."""
    fees = desk.terms.fees
    return {
        "makerCommission": int(fees.maker * _BASIS_POINTS),
        "takerCommission": int(fees.taker * _BASIS_POINTS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(desk),
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now_us // 1000,
        "accountType": "SPOT",
        "balances": [
            {"asset": coin, "free": fixed(one.free), "locked": fixed(one.locked)}
            for coin, one in desk.coins.balances.items()
            if not nonzero or one.free or one.locked
        ],
        "permissions": ["SPOT"],
        "uid": _UID,
    }


def commission(desk: Desk, wire: str) -> Json:
    """Return the answer of spot's `account/commission`."""
    none = {"maker": fixed(Decimal(0)), "taker": fixed(Decimal(0)), "buyer": fixed(Decimal(0))}
    nothing = {**none, "seller": fixed(Decimal(0))}
    return {
        "symbol": wire,
        "standardCommission": _rates(desk),
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": fixed(Decimal(0)),
        },
    }


def commission_rate(desk: Desk, wire: str) -> Json:
    """Return the answer of futures' `commissionRate`."""
    fees = desk.terms.fees
    return {
        "symbol": wire,
        "makerCommissionRate": fixed(fees.maker, 6),
        "takerCommissionRate": fixed(fees.taker, 6),
        "rpiCommissionRate": fixed(Decimal(0), 6),
    }


def balance(margin: MarginAccount, now_us: int) -> list[Json]:
    """Return the answer of futures' `balance`."""
    return [
        {
            "accountAlias": "sim",
            "asset": QUOTE,
            "balance": fixed(margin.wallet),
            "crossWalletBalance": fixed(margin.wallet),
            "crossUnPnl": fixed(margin.unrealized),
            "availableBalance": fixed(margin.available),
            "maxWithdrawAmount": fixed(margin.available),
            "marginAvailable": True,
            "updateTime": now_us // 1000,
        }
    ]


def account(margin: MarginAccount, now_us: int) -> Json:
    """Return the answer of futures' `account`."""
    sums = _sums(margin)
    return {
        **{f"total{name[0].upper()}{name[1:]}": amount for name, amount in sums.items()},
        "availableBalance": fixed(margin.available),
        "maxWithdrawAmount": fixed(margin.available),
        "assets": [
            {
                "asset": QUOTE,
                **sums,
                "availableBalance": fixed(margin.available),
                "maxWithdrawAmount": fixed(margin.available),
                "updateTime": now_us // 1000,
            }
        ],
        "positions": [
            {
                "symbol": one.listing.instrument.wire,
                "positionSide": "BOTH",
                "positionAmt": plain(one.quantity),
                "unrealizedProfit": fixed(one.unrealized),
                "isolatedMargin": "0",
                "notional": plain(one.notional),
                "isolatedWallet": "0",
                **_margins(margin, one),
                "updateTime": one.updated_us // 1000,
            }
            for one in _shown(margin)
        ],
    }


def position_risk(margin: MarginAccount, wire: str | None) -> list[Json]:
    """Return the answer of futures' `positionRisk`: only what has a position or orders."""
    return [
        {
            "symbol": one.listing.instrument.wire,
            "positionSide": "BOTH",
            "positionAmt": plain(one.quantity),
            "entryPrice": plain(one.entry_price),
            "breakEvenPrice": plain(one.entry_price),
            "markPrice": one.listing.mark_price,
            "unRealizedProfit": fixed(one.unrealized),
            "liquidationPrice": plain(margin.liquidation_price(one)),
            "isolatedMargin": "0",
            "notional": plain(one.notional),
            "marginAsset": QUOTE,
            "isolatedWallet": "0",
            **_margins(margin, one),
            "adl": 1 if one.lots else 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": one.updated_us // 1000,
        }
        for one in _shown(margin)
        if wire in {None, one.listing.instrument.wire}
    ]


def leverage(margin: MarginAccount, position: Position) -> Json:
    """Return the answer to a change of leverage."""
    return {
        "leverage": margin.leverage[position.listing.instrument.symbol],
        "maxNotionalValue": str(_MOST_NOTIONAL),
        "symbol": position.listing.instrument.wire,
    }


def brackets(desk: Desk, wire: str | None) -> list[Json]:
    """Return the answer of futures' `leverageBracket`: one bracket for every size."""
    return [
        {
            "symbol": one.instrument.wire,
            "notionalCoef": 1.0,
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": desk.terms.most_leverage,
                    "notionalCap": _MOST_NOTIONAL,
                    "notionalFloor": 0,
                    "maintMarginRatio": float(desk.terms.maintenance),
                    "cum": 0.0,
                }
            ],
        }
        for one in desk.market.listings
        if wire in {None, one.instrument.wire}
    ]


def update(margin: MarginAccount, position: Position | None, reason: str, change: Decimal, now_us: int) -> Json:
    """Return the `ACCOUNT_UPDATE` of a change: the wallet, and the position where that changed too."""
    return {
        "e": "ACCOUNT_UPDATE",
        "T": now_us // 1000,
        "E": now_us // 1000,
        "a": {
            "m": reason,
            "B": [{"a": QUOTE, "wb": fixed(margin.wallet), "cw": fixed(margin.wallet), "bc": plain(change)}],
            "P": []
            if position is None
            else [
                {
                    "s": position.listing.instrument.wire,
                    "pa": plain(position.quantity),
                    "ep": plain(position.entry_price),
                    "bep": plain(position.entry_price),
                    "cr": plain(position.realized),
                    "up": fixed(position.unrealized),
                    "mt": "cross",
                    "iw": "0",
                    "ps": "BOTH",
                }
            ],
        },
    }


def _rates(desk: Desk) -> Json:
    fees, none = desk.terms.fees, fixed(Decimal(0))
    return {"maker": fixed(fees.maker), "taker": fixed(fees.taker), "buyer": none, "seller": none}


def _shown(margin: MarginAccount) -> list[Position]:
    return [one for symbol, one in margin.positions.items() if one.lots or margin.has_orders(symbol)]


def _sums(margin: MarginAccount) -> dict[str, str]:
    symbols = margin.positions
    positions = sum((margin.position_margin(symbol) for symbol in symbols), Decimal(0))
    orders = sum((margin.order_margin(symbol) for symbol in symbols), Decimal(0))
    return {
        "walletBalance": fixed(margin.wallet),
        "unrealizedProfit": fixed(margin.unrealized),
        "marginBalance": fixed(margin.wallet + margin.unrealized),
        "maintMargin": fixed(sum((margin.maintenance(one) for one in margin.held()), Decimal(0))),
        "initialMargin": fixed(positions + orders),
        "positionInitialMargin": fixed(positions),
        "openOrderInitialMargin": fixed(orders),
        "crossWalletBalance": fixed(margin.wallet),
        "crossUnPnl": fixed(margin.unrealized),
    }


def _margins(margin: MarginAccount, position: Position) -> dict[str, str]:
    symbol = position.listing.instrument.symbol
    return {
        "initialMargin": fixed(margin.margin(symbol)),
        "maintMargin": fixed(margin.maintenance(position)),
        "positionInitialMargin": fixed(margin.position_margin(symbol)),
        "openOrderInitialMargin": fixed(margin.order_margin(symbol)),
    }
