"""An account as a value, and what is known of its markets, for the pure parts of the executor."""

from __future__ import annotations

from decimal import Decimal

from executor.steps import View
from executor.terms import Known, Terms
from tapeline.domain.account import AccountState, TakenIntent
from tapeline.domain.account_records import Balance, Pair, PairLeg
from tapeline.domain.events import Instrument
from tapeline.domain.instruments import Market
from tapeline.domain.order_records import Command, EnterPair, Leg, OrderIntent, OrderStatus, Place
from tapeline.domain.orders import OurOrder
from tapeline.domain.risk import Limits
from tapeline.venues.orders import BASE32, ClientIds

NOW_US = 1_700_000_000_000_000
SYMBOL = "BTC/USDT"
WHERES: tuple[tuple[str, Market], ...] = (("alpha", "futures"), ("alpha", "spot"), ("beta", "futures"))
IDS = ClientIds(pattern="[a-z2-7]{1,36}", longest=36, alphabet=BASE32, unique="among_open")
TERMS = Terms()


def rules(venue: str, market: Market, step: str = "0.001") -> Instrument:
    """Return an instrument's rules."""
    return Instrument(
        venue=venue,
        market=market,
        symbol=SYMBOL,
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        status="trading",
        price_tick=Decimal("0.1"),
        quantity_step=Decimal(step),
        contract_size=Decimal(1),
        min_notional=Decimal(5),
        received_us=0,
        published_us=0,
    )


def known(**steps: str) -> Known:
    """Return what is known; `alpha="0.01"` gives a venue another step."""
    return Known(
        account="main",
        limits=Limits(
            max_open_orders=10,
            max_position_size=Decimal(1000),
            max_open_positions=5,
            max_exposure=Decimal(10_000),
            min_order_size=Decimal(5),
            max_pairs=1,
        ),
        rules={(*where, SYMBOL): rules(*where, step=steps.get(where[0], "0.001")) for where in WHERES},
        client_ids=dict.fromkeys(WHERES, IDS),
        visibility_us=dict.fromkeys(WHERES, 1_000_000),
        reduce_only=frozenset({("alpha", "futures"), ("beta", "futures")}),
        wallets={where: where[1] for where in WHERES},
        prices={(*where, SYMBOL): Decimal(100) for where in WHERES},
    )


def state(**rest: object) -> AccountState:
    """Return an account with money everywhere."""
    money = tuple(
        Balance(venue=venue, wallet=market, asset="USDT", total=Decimal(1000), available=Decimal(1000))
        for venue, market in WHERES
    )
    made = {"account": "main", "epoch": 1, "now_us": NOW_US, "balances": money} | rest
    return AccountState(**made)  # type: ignore[arg-type]  # fields by name


def intent(command: Command, *, actor: str | None = None) -> OrderIntent:
    """Return an intent that is good for a second."""
    return OrderIntent(
        intent_id="i-1",
        strategy="s",
        account="main",
        symbol=SYMBOL,
        slot=0,
        round=3,
        command=command,
        cause=(),
        reason="because",
        evidence={},
        actor=actor,
        decided_us=NOW_US,
        expires_us=NOW_US + 1_000_000,
        published_us=NOW_US,
    )


def enter(quantity: str = "3", parts: int = 3) -> EnterPair:
    """Return an entry: buy on alpha, sell on beta."""
    return EnterPair(
        pair_id="p",
        buy=Place(venue="alpha", market="futures", limit_price=Decimal(101)),
        sell=Place(venue="beta", market="futures", limit_price=Decimal(99)),
        quantity=Decimal(quantity),
        parts=parts,
        min_net=Decimal(0),
        target_profit=Decimal(0),
        stop_loss=Decimal(1),
        leverage=Decimal(2),
    )


def taken(command: str = "EnterPair") -> TakenIntent:
    """Return the intent's row."""
    return TakenIntent(
        intent_id="i-1",
        account="main",
        strategy="s",
        symbol=SYMBOL,
        slot=0,
        round=3,
        command=command,
        opening=command in ("EnterPair", "PlaceOrder"),
        status="APPROVED",
        wanted_because="because",
        actor="s",
        decided_us=NOW_US,
        expires_us=NOW_US + 1_000_000,
        taken_us=NOW_US,
    )


def order(
    name: str, leg: Leg | None = None, status: OrderStatus = "PENDING", *, filled: str = "0", **rest: object
) -> OurOrder:
    """Return an order of the entry: sent at the begin, where its state is not PENDING."""
    made = {
        "client_order_id": name,
        "account": "main",
        "intent_id": "i-1",
        "strategy": "s",
        "symbol": SYMBOL,
        "venue": "beta" if leg == "sell" else "alpha",
        "market": "futures",
        "leg": leg,
        "side": leg or "buy",
        "order_type": "limit",
        "time_in_force": "IOC",
        "price": Decimal(100),
        "quantity": Decimal(1),
        "expires_us": NOW_US + 1_000_000,
        "status": status,
        "filled": Decimal(filled),
        "told_filled": Decimal(filled),
        "sent_us": None if status == "PENDING" else NOW_US,
        "created_us": NOW_US,
        "updated_us": NOW_US,
    }
    return OurOrder(**(made | rest))  # type: ignore[arg-type]  # fields by name


def pair(event: str = "enter", *, held: str = "0", **rest: object) -> Pair:
    """Return a two-leg trade that is being entered."""
    made = {
        "pair_id": "p",
        "account": "main",
        "strategy": "s",
        "symbol": SYMBOL,
        "slot": 0,
        "round": 3,
        "version": 1,
        "state": "ENTERING",
        "event": event,
        "intent_id": "i-1",
        "parts": 1,
        "part": 1,
        "legs": tuple(
            PairLeg(
                leg=leg,
                venue=venue,
                market="futures",
                quantity=Decimal(1),
                opened=Decimal(held),
                closed=Decimal(0),
                fees=Decimal(0),
            )
            for leg, venue in LEGS
        ),
        "unrealized_pnl": Decimal(0),
        "realized_pnl": Decimal(0),
        "at_us": NOW_US,
    }
    return Pair(**(made | rest))  # type: ignore[arg-type]  # fields by name


LEGS: tuple[tuple[Leg, str], ...] = (("buy", "alpha"), ("sell", "beta"))


def view(*orders: OurOrder, after_ms: int = 0, command: str = "EnterPair", **rest: object) -> View:
    """Return all that the next steps depend on, so long after the begin."""
    row = taken(command)
    made = {
        "state": state(orders=orders, intents=(row,)),
        "intent": row,
        "orders": orders,
        "pair": pair() if command == "EnterPair" else None,
        "desired": "RUNNING",
        "now_us": NOW_US + after_ms * 1_000,
        "known": known(),
        "terms": TERMS,
    }
    return View(**(made | rest))  # type: ignore[arg-type]  # fields by name
