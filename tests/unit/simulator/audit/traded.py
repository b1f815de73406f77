"""A trade made by hand: what two markets wrote of it, and the rows that an honest executor stores, to be spoiled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from simulator.audit.dealings import Dealings, dealings_of
from simulator.audit.findings import Findings
from simulator.audit.market import fold
from simulator.audit.naked import Naked
from simulator.audit.order_path import OrderPath, compare_order_path
from simulator.audit.order_rows import FillRow, IntentRow, Kept, OrderRow, PositionRow
from simulator.audit.orders import OrderCounts
from simulator.audit.outages import Outage
from simulator.audit.profit import Profit
from simulator.audit.signals import Latency
from simulator.journal import (
    AnyRecord,
    Asset,
    Balances,
    FaultEnded,
    FaultHit,
    FaultStarted,
    Filled,
    Funded,
    Halted,
    Holding,
    Mid,
    Opened,
    OrderChanged,
    OrderRefused,
)
from tapeline.runtime import clock

START_US = 1_795_000_000_000_000
MS = 1_000
S = 1_000_000
BTC = "BTC/USDT"
SPOT, FUTURES = "bybit:spot", "binance:futures"
D = Decimal


def at(seconds: float) -> int:
    """Return the time so long after the start."""
    return START_US + round(seconds * S)


def told(seconds: float) -> str:
    """Return that time in words."""
    return clock.iso(at(seconds))


def order(client_id: str, status: str, seconds: float, **other: str) -> OrderChanged:
    """Return an order as it is at a time, by default that of a spot buy of 0.01 at 64000."""
    usual = {
        "order_id": f"o-{client_id}", "symbol": BTC, "side": "buy", "type": "limit", "force": "IOC",
        "filled": "0.0000", "value": "0", "price": "64000", "quantity": "0.0100",
    }  # fmt: skip
    fields = {"kind": "order", "account": "1", "client_id": client_id, "status": status, "at_us": at(seconds)}
    return msgspec.convert({**usual, **fields, **other}, OrderChanged)


def filled(client_id: str, trade_id: str, seconds: float, **other: str) -> Filled:
    """Return a fill, by default that of the spot buy."""
    usual = {
        "order_id": f"o-{client_id}", "symbol": BTC, "side": "buy", "price": "64000", "quantity": "0.0100",
        "fee": "0.00001", "fee_asset": "BTC",
    }  # fmt: skip
    fields = {"kind": "fill", "account": "1", "client_id": client_id, "trade_id": trade_id, "maker": False}
    return msgspec.convert({**usual, **fields, "at_us": at(seconds), **other}, Filled)


def refused(client_id: str, seconds: float, side: str = "sell") -> OrderRefused:
    """Return an order that was not taken."""
    return OrderRefused(
        at_us=at(seconds), account="1", symbol=BTC, client_id=client_id, side=side, reason="insufficient_balance"
    )


def opened(place: str) -> list[AnyRecord]:
    """Return how a journal begins."""
    venue, _, market = place.partition(":")
    coins = ("USDT", "BTC") if market == "spot" else ("USDT",)
    start = {"USDT": "100000", "BTC": "1"}
    return [
        Opened(at_us=at(0), venue=venue, market=market, seed=1, symbols=(BTC,), channels=()),
        Balances(at_us=at(0), account="1", moment="start", assets=tuple(Asset(one, start[one], "0") for one in coins)),
    ]


BUY = OrderRow(
    client_id="buy", intent_id="enter", venue="bybit", market="spot", symbol=BTC, leg="buy", part=1, attempt=1,
    side="buy", closing=False, quantity=D("0.01"), status="FILLED", filled=D("0.01"), value=D(640), fees=D("0.64"),
    created_us=at(1) - 3 * MS, expires_us=at(2), sent_us=at(1) - 2 * MS,
)  # fmt: skip
SELL = msgspec.structs.replace(
    BUY, client_id="sell", venue="binance", market="futures", leg="sell", side="sell", value=D(641), fees=D("0.2564"),
    sent_us=at(1) - 1 * MS,
)  # fmt: skip
BOUGHT = FillRow(
    venue="bybit", market="spot", symbol=BTC, fill_id="t1:o-buy", client_id="buy", side="buy",
    price=D("64000.000000000000000000"), quantity=D("0.010000000000000000"), fee=D("0.00001"), fee_coin="BTC",
    fee_quote=D("0.64"),
)  # fmt: skip
SOLD = FillRow(
    venue="binance", market="futures", symbol=BTC, fill_id="t2:o-sell", client_id="sell", side="sell", price=D(64100),
    quantity=D("0.01"), fee=D("0.2564"), fee_coin="USDT", fee_quote=D("0.2564"),
)  # fmt: skip
LONG = PositionRow(
    venue="bybit", market="spot", symbol=BTC, side="long", quantity=D("0.01"), base_fees=D("0.00001"), funding=D(0)
)
SHORT = PositionRow(
    venue="binance", market="futures", symbol=BTC, side="short", quantity=D("0.01"), base_fees=D(0), funding=D("0.05")
)
ENTER = IntentRow(intent_id="enter", opening=True, first_received_us=at(1) - 6 * MS)
SOLD_THERE = {"side": "sell", "price": "64100", "fee": "0.2564", "fee_asset": "USDT", "realized": "0"}
SALE = {"side": "sell", "price": "64100", "filled": "0.0100", "value": "641"}


@dataclass(slots=True)
class Traded:
    """What the markets did and what is stored; tests change both."""

    spot: list[AnyRecord]
    futures: list[AnyRecord]
    intents: list[IntentRow] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    fills: list[FillRow] = field(default_factory=list)
    positions: list[PositionRow] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    @property
    def dealings(self) -> list[Dealings]:
        """Return what the markets dealt."""
        return [dealings_of(fold(records)) for records in (self.spot, self.futures)]

    @property
    def kept(self) -> Kept:
        """Return what Postgres has."""
        return Kept(intents=self.intents, orders=self.orders, fills=self.fills, positions=self.positions)

    def audit(self) -> tuple[OrderPath, tuple[str, ...]]:
        """Return what the audit of the order path counts and says."""
        findings = Findings()
        path = compare_order_path(self.dealings, self.kept, self.outages, findings)
        return path, findings.problems()

    def counts(self, **wrong: int) -> tuple[OrderCounts, OrderCounts]:
        """Return what the audit counts, and what it should count beside the honest trade."""
        path, _ = self.audit()
        return path.orders, msgspec.structs.replace(HONEST.orders, **wrong)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what the audit says."""
        return self.audit()[1]

    def change_order(self, client_id: str, **other: object) -> None:
        """Spoil the row of an order."""
        self.orders = [
            msgspec.structs.replace(row, **other) if row.client_id == client_id else row for row in self.orders
        ]

    def fault(self, name: str, begin: float, end: float | None, *hits: str) -> None:
        """Let a fault act on the orders of the spot market; each hit is a client id that it kept away."""
        number = len(self.spot)
        self.spot.append(FaultStarted(at_us=at(begin), fault_id=number, fault=name))
        for one in hits:
            self.spot.append(
                FaultHit(
                    at_us=at(begin), fault_id=number, action="refused", connection=0, symbol=BTC, channel="order",
                    ids=(one,),
                )
            )  # fmt: skip
        if end is not None:
            self.spot.append(FaultEnded(at_us=at(end), fault_id=number, reason="its time is over"))

    def without(self, *kinds: type[AnyRecord]) -> None:
        """Leave records out of both journals, as of what the accounts hold at the halt."""
        self.spot = [one for one in self.spot if not isinstance(one, kinds)]
        self.futures = [one for one in self.futures if not isinstance(one, kinds)]


def traded() -> Traded:
    """Return an honest trade: bought on spot at 1 s, sold as futures 0.2 s later, funding, and both still held."""
    spot: list[AnyRecord] = [
        *opened(SPOT), order("buy", "new", 1), filled("buy", "t1", 1),
        order("buy", "filled", 1, filled="0.0100", value="640"), Mid(at_us=at(9), symbol=BTC, price="64050"),
        halt(9, {"USDT": "99360", "BTC": "1.00999"}), Halted(at_us=at(9)),
    ]  # fmt: skip
    paid = Funded(
        at_us=at(4), account="1", symbol=BTC, position="-0.01", mark="64050", rate="0.0001", amount="0.05", asset="USDT"
    )
    futures: list[AnyRecord] = [
        *opened(FUTURES), order("sell", "new", 1.2, side="sell", price="64100"),
        filled("sell", "t2", 1.2, **SOLD_THERE), order("sell", "filled", 1.2, **SALE), paid,
        Mid(at_us=at(9), symbol=BTC, price="64060"),
        halt(9, {"USDT": "99999.7936"}, Holding(BTC, "-0.01", "64100")), Halted(at_us=at(9)),
    ]  # fmt: skip
    return Traded(spot, futures, intents=[ENTER], orders=[BUY, SELL], fills=[BOUGHT, SOLD], positions=[LONG, SHORT])


def halt(seconds: float, totals: dict[str, str], *held: Holding) -> Balances:
    """Return what an account has at the end."""
    assets = tuple(Asset(name, total, "0") for name, total in totals.items())
    return Balances(at_us=at(seconds), account="1", moment="halt", assets=assets, positions=held)


def nothing_traded() -> Traded:
    """Return a run in which nobody traded."""
    return Traded(opened(SPOT), opened(FUTURES))


def of_orders(sentences: Iterable[str], *about: str) -> list[str]:
    """Return the sentences that begin with one of these words."""
    return [one for one in sentences if one.startswith(about)]


HONEST = OrderPath(
    intents=1,
    orders=OrderCounts(sent=2, filled=2),
    naked=Naked(longest_s=0.2, in_outage_s=0.0),
    pnl=Profit(ours="0.0536", simulator="0.0536", error="0"),
    tick_to_order=Latency(p50=4.0, p90=5.0, p99=5.0, n=2),
)
"""What the audit says of `traded()`."""
