"""Bybit's unified account as JSON: coins of spot, or USDT as margin of linear, and positions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulator.desk import Desk
from simulator.faces.texts import fixed
from simulator.instruments import QUOTE
from simulator.ledger import plain
from simulator.wallets import MarginAccount, Position, SpotAccount

Json = dict[str, Any]
ONE = Decimal(1)
_NONE = Decimal(0)


def wallet(desk: Desk) -> Json:
    """Return the account with its coins; sums are in dollars, a dollar being a USDT."""
    account = desk.account
    if isinstance(account, SpotAccount):
        prices = {one.instrument.base: Decimal(one.mark_price) for one in desk.market.listings} | {QUOTE: ONE}
        coins = [_spot_coin(coin, one.free, one.locked, prices[coin]) for coin, one in account.balances.items()]
        total = sum((Decimal(one["usdValue"]) for one in coins), _NONE)
        return _account(coins, total=total, available=total, initial=_NONE, maintenance=_NONE, unrealized=_NONE)
    symbols = account.positions
    orders = sum((account.order_margin(symbol) for symbol in symbols), _NONE)
    positions = sum((account.position_margin(symbol) for symbol in symbols), _NONE)
    maintenance = sum((account.maintenance(one) for one in account.held()), _NONE)
    coin = {
        **_coin(QUOTE, account.wallet, account.wallet + account.unrealized, account.wallet + account.unrealized),
        "totalOrderIM": plain(orders),
        "totalPositionIM": plain(positions),
        "totalPositionMM": plain(maintenance),
        "unrealisedPnl": plain(account.unrealized),
        "cumRealisedPnl": plain(sum((one.realized for one in symbols.values()), _NONE)),
        "locked": "0",
    }
    return _account(
        [coin],
        total=account.wallet,
        available=account.available,
        initial=orders + positions,
        maintenance=maintenance,
        unrealized=account.unrealized,
    )


def info(now_us: int) -> Json:
    """Return what kind of account it is: a unified one, with margin for all positions together."""
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": str(now_us // 1000),
        "unifiedMarginStatus": 6,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def key_info(key: str) -> Json:
    """Return what a key may do: trade, and nothing with wallets."""
    return {
        "id": "1",
        "note": "simulated",
        "apiKey": key,
        "readOnly": 0,
        "secret": "",
        "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": []},
        "ips": ["*"],
        "type": 1,
        "unified": 0,
        "uta": 1,
        "userID": 1,
        "isMaster": True,
    }


def position(margin: MarginAccount, one: Position, seq: int) -> Json:
    """Return a position as REST has it."""
    symbol, flat = one.listing.instrument.symbol, not one.lots
    liquidation = margin.liquidation_price(one)
    return {
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": "50000000",
        "symbol": one.listing.instrument.wire,
        "side": "" if flat else "Buy" if one.lots > 0 else "Sell",
        "size": plain(abs(one.quantity)),
        "avgPrice": plain(one.entry_price),
        "positionValue": "" if flat else plain(one.cost),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 0 if flat else 2,
        "leverage": str(margin.leverage[symbol]),
        "positionBalance": plain(margin.position_margin(symbol)),
        "markPrice": one.listing.mark_price,
        "liqPrice": "" if flat or not liquidation else plain(liquidation),
        "bustPrice": "",
        "positionMM": plain(margin.maintenance(one)),
        "positionIM": plain(margin.position_margin(symbol)),
        "tpslMode": "Full",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "unrealisedPnl": "" if flat else plain(one.unrealized),
        "curRealisedPnl": plain(one.realized),
        "cumRealisedPnl": plain(one.realized),
        "seq": seq,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(one.opened_us // 1000),
        "updatedTime": str(one.updated_us // 1000),
    }


def position_event(margin: MarginAccount, one: Position, seq: int) -> Json:
    """Return a position as its stream has it, which calls the average price another name."""
    found = position(margin, one, seq)
    entry = found.pop("avgPrice")
    return {**found, "entryPrice": entry, "category": "linear", "positionValue": found["positionValue"] or "0"}


def _account(
    coins: list[Json],
    *,
    total: Decimal,
    available: Decimal,
    initial: Decimal,
    maintenance: Decimal,
    unrealized: Decimal,
) -> Json:
    equity = total + unrealized
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": fixed(initial / equity, 4) if equity > 0 else "0",
        "accountMMRate": fixed(maintenance / equity, 4) if equity > 0 else "0",
        "totalEquity": fixed(equity),
        "totalWalletBalance": fixed(total),
        "totalMarginBalance": fixed(equity),
        "totalAvailableBalance": fixed(available),
        "totalPerpUPL": fixed(unrealized),
        "totalInitialMargin": fixed(initial),
        "totalMaintenanceMargin": fixed(maintenance),
        "coin": coins,
    }


def _spot_coin(coin: str, free: Decimal, locked: Decimal, price: Decimal) -> Json:
    return {**_coin(coin, free + locked, free + locked, (free + locked) * price), "locked": plain(locked)}


def _coin(coin: str, balance: Decimal, equity: Decimal, usd: Decimal) -> Json:
    return {
        "coin": coin,
        "equity": plain(equity),
        "usdValue": fixed(usd),
        "walletBalance": plain(balance),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "totalPositionMM": "0",
        "unrealisedPnl": "0",
        "cumRealisedPnl": "0",
        "bonus": "0",
        "locked": "0",
        "spotHedgingQty": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
    }
