"""All that an executor knows of its account, as one value: read whole under the account's lock and decided on."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from tapeline.domain import risk
from tapeline.domain.account_records import Balance, Control, Pair
from tapeline.domain.instruments import Market
from tapeline.domain.money import ZERO
from tapeline.domain.order_records import DesiredState, Memory
from tapeline.domain.orders import OurOrder
from tapeline.domain.positions import OurFunding, OurPosition

IntentStatus = Literal["APPROVED", "REFUSED", "SETTLED"]
_STRICTNESS: tuple[DesiredState, ...] = ("RUNNING", "REDUCING", "HALTED")


class TakenIntent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An intent that was answered, and what is reserved for it until it settles."""

    intent_id: str
    account: str
    strategy: str
    symbol: str
    slot: int
    round: int
    command: str
    """Name of the command's record."""
    venue: str | None = None
    """The one venue that it is about, where it names one."""
    opening: bool
    status: IntentStatus
    code: str | None = None
    reason: str | None = None
    """Why it was refused or settled."""
    wanted_because: str
    reservation: risk.Reservation | None = None
    context: str | None = None
    """The numbers behind it, as JSON (E-27)."""
    actor: str
    trace_id: str | None = None
    first_received_us: int | None = None
    decided_us: int
    expires_us: int
    taken_us: int
    settled_us: int | None = None
    version: int = 1


class SlotRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A strategy's place for one opening; its round is raised when the opening settles."""

    account: str
    strategy: str
    symbol: str
    slot: int
    round: int = 0
    intent_id: str | None = None
    version: int = 1


class MemoryRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A strategy's memory of a symbol."""

    account: str
    strategy: str
    symbol: str
    version: int
    kind: str
    body: str

    def record(self) -> Memory:
        """Return it as portfolio carries it."""
        return Memory(version=self.version, kind=self.kind, body=self.body)


class PortfolioRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a portfolio cannot be read from other rows."""

    account: str
    strategy: str
    symbol: str
    closed_pnl: Decimal = ZERO
    """Profit of the lives that have ended."""
    taken_offset: int | None = None
    version: int = 0


class Block(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instrument with something on it that is not ours (K1): nothing is opened on its symbol."""

    account: str
    venue: str
    market: Market
    symbol: str
    reason: str
    since_us: int


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """An account under its lock: all that is open, and what was asked for by name."""

    account: str
    epoch: int
    now_us: int
    """Time in the database."""
    version: int = 0
    event_sequence: int = 0
    intents: tuple[TakenIntent, ...] = ()
    """Those that have not settled, and those asked for."""
    orders: tuple[OurOrder, ...] = ()
    """Those that are not complete, those of such intents, and those asked for."""
    known_fills: tuple[str, ...] = ()
    """Which of the fills asked for are booked already, by their id."""
    positions: tuple[OurPosition, ...] = ()
    """Newest life of each instrument that is held or was asked for."""
    lives: tuple[OurPosition, ...] = ()
    """Lives that were open about when the payment asked for was paid, oldest first."""
    payment: OurFunding | None = None
    """The payment asked for, where it is noted already."""
    pairs: tuple[Pair, ...] = ()
    slots: tuple[SlotRow, ...] = ()
    memories: tuple[MemoryRow, ...] = ()
    portfolios: tuple[PortfolioRow, ...] = ()
    openings: tuple[str, ...] = ()
    """Intents that have opened in the slot and round asked for, also such of other accounts."""
    controls: tuple[Control, ...] = ()
    blocks: tuple[Block, ...] = ()
    balances: tuple[Balance, ...] = ()

    @property
    def desired_version(self) -> int:
        """Return what rises with every change of desired state."""
        return sum(one.version for one in self.controls)

    def order(self, client_order_id: str) -> OurOrder | None:
        """Return an order that was read."""
        return next((one for one in self.orders if one.client_order_id == client_order_id), None)

    def intent(self, intent_id: str) -> TakenIntent | None:
        """Return an intent that was read."""
        return next((one for one in self.intents if one.intent_id == intent_id), None)

    def position(self, venue: str, market: Market, symbol: str) -> OurPosition | None:
        """Return the newest life at an instrument."""
        return next((one for one in self.positions if one.instrument == (venue, market, symbol)), None)

    def slot(self, strategy: str, symbol: str, slot: int) -> SlotRow:
        """Return a slot, a new one where it was never used."""
        for one in self.slots:
            if (one.strategy, one.symbol, one.slot) == (strategy, symbol, slot):
                return one
        return SlotRow(account=self.account, strategy=strategy, symbol=symbol, slot=slot, version=0)

    def memory(self, strategy: str, symbol: str) -> MemoryRow | None:
        """Return a strategy's memory."""
        return next((one for one in self.memories if (one.strategy, one.symbol) == (strategy, symbol)), None)

    def portfolio(self, strategy: str, symbol: str) -> PortfolioRow:
        """Return a portfolio's own numbers, new ones where there are none."""
        for one in self.portfolios:
            if (one.strategy, one.symbol) == (strategy, symbol):
                return one
        return PortfolioRow(account=self.account, strategy=strategy, symbol=symbol)

    def desired(self, strategy: str) -> DesiredState:
        """Return what is wanted of a strategy in this account: the strictest of system, account and strategy."""
        names = {("system", "all"), ("account", self.account), ("strategy", strategy)}
        found = [one.desired for one in self.controls if (one.scope, one.target) in names]
        return max(found, key=_STRICTNESS.index, default="RUNNING")

    def standing(self) -> risk.Standing:
        """Return how it stands to its caps."""
        funds: dict[tuple[str, Market], Decimal] = {}
        for one in self.balances:
            if one.asset == "USDT":
                markets: tuple[Market, ...] = ("spot", "futures")
                for market in markets:
                    if one.wallet in (market, "unified"):
                        funds[one.venue, market] = one.available
        return risk.Standing(
            reservations=tuple(one.reservation for one in self.intents if one.reservation is not None),
            held=tuple(
                risk.Held(venue=one.venue, market=one.market, symbol=one.symbol, strategy=one.strategy, value=one.value)
                for one in self.positions
                if one.quantity
            ),
            funds=funds,
            blocked=frozenset(one.symbol for one in self.blocks),
        )
