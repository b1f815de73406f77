"""The executor's times and counts, and what it knows of markets when it decides: data alone, handed in by the shell."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from tapeline.domain.events import Instrument as Rules
from tapeline.domain.instruments import Market
from tapeline.domain.money import ZERO
from tapeline.domain.orders import OurOrder
from tapeline.domain.risk import Limits
from tapeline.venues.orders import ClientIds
from tapeline.venues.orders import client_id as made_id

US_PER_S = 1_000_000
Instrument = tuple[str, Market, str]
Where = tuple[str, Market]
OnRestart = Literal["close", "resume"]
OnStop = Literal["close", "keep"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often; the defaults are those of the requirements."""

    lease_us: int = 15 * US_PER_S
    renew_every_s: float = 3.0
    margin_us: int = 1 * US_PER_S
    """So much of the lease is never used, for clocks that differ and requests that are under way."""
    wait_out: bool = False
    """Whether a venue takes no expiry: then a successor waits until its predecessor's last request is surely dead."""
    window_us: int = 3 * US_PER_S
    """Longest time that one request may live, so that its end follows from the time it was sent alone."""
    attempts: int = 4
    """The first one and three more (D-07)."""
    retry_first_us: int = 100_000
    """Doubled with each attempt: 100, 200, 400 ms."""
    naked_us: int = 800_000
    """So long one leg may stand alone before it is closed; the close itself has the rest of the 2 s (K22)."""
    close_attempts: int = 8
    """Rollbacks that fail so often are an ERROR that a person sees; they are tried on all the same."""
    close_us: int = 24 * 3_600 * US_PER_S
    """How long a rollback may still be sent."""
    answer_s: float = 0.6
    """A request without an answer by then has an unknown outcome: it is looked up while there is time to act."""
    end_told_us: int = 50_000
    """So long the private stream has to tell the end of an order that does not rest; asking costs the venue's limit."""
    fills_told_us: int = 300_000
    """So long it has to tell the fills of which an answer told the sum: nothing waits for them but the books."""
    look_again_s: float = 0.2
    look_often: int = 8
    """So many looks follow one another closely, then each pause is twice as long."""
    look_longest_s: float = 2.0
    poll_every_s: float = 20.0
    """A market is also compared whenever its stream has ended; more often would eat up the venue's limits."""
    pass_every_s: float = 1.0
    busy_pass_s: float = 0.05
    """While something is due within less than a pass."""
    pass_gap_s: float = 0.01
    """Between two passes: what several steps have changed is read once."""
    balances_every_s: float = 30.0
    funding_every_s: float = 60.0
    funding_settle_s: float = 10.0
    """So old a payment of funding must be before it is booked: the fills before it are booked by then."""
    on_restart: OnRestart = "close"
    """What becomes of two-leg trades that a start finds (D-20)."""
    own_us: int = 60 * US_PER_S
    """So long the orders may still be sent by which the executor itself leaves one; then it is begun anew."""
    on_stop: OnStop = "close"
    """What becomes of all that is held at a stop (K1); what rests at a venue is cancelled in any case."""
    stop_s: float = 15.0
    """So long a stop waits until all is closed: of its 30 s the last answers and the supervisor need the rest."""
    flush_s: float = 2.0
    """So long it then waits until all of it is told; what is not waits in its rows for the next executor."""
    stop_look_s: float = 0.1
    """Between two looks at what is still held."""
    retry_s: float = 0.2
    """Between two tries at a store or broker that is away."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of markets when an intent is planned; the mappings may be views that move."""

    account: str
    limits: Limits
    rules: Mapping[Instrument, Rules]
    client_ids: Mapping[Where, ClientIds]
    visibility_us: Mapping[Where, int]
    reduce_only: frozenset[Where]
    """Markets where an order can say that it only reduces."""
    wallets: Mapping[Where, str]
    prices: Mapping[Instrument, Decimal]
    """Fresh reference prices; an instrument without one takes no opening market order."""

    def base(self, where: Instrument) -> str:
        """Return the base currency of an instrument."""
        rules = self.rules.get(where)
        return rules.base if rules is not None else where[2].partition("/")[0]

    def client_id(self, order: OurOrder) -> str:
        """Return the one id of an order: of intent, leg, part and attempt; a closing one never meets an opening one."""
        leg = f"{order.leg or ''}{':close' if order.closing else ''}:{order.venue}:{order.market}"
        return made_id(
            self.client_ids[order.venue, order.market],
            account=self.account,
            intent_id=order.intent_id,
            leg=leg,
            part=order.part,
            attempt=order.attempt,
        )

    def symbols(self, where: Where) -> dict[str, str]:
        """Return the symbols of a market by the venue's own names."""
        return {rules.native: at[2] for at, rules in self.rules.items() if at[:2] == where}

    def bases(self) -> dict[str, str]:
        """Return the base currency of each symbol."""
        return {where[2]: rules.base for where, rules in self.rules.items()}


def request_end_us(order: OurOrder, terms: Terms) -> int:
    """Return when the request of an order is surely dead at the venue; it follows from the order's row alone."""
    return order.expires_us if order.sent_us is None else min(order.expires_us, order.sent_us + terms.window_us)


def stepped(quantity: Decimal, step: Decimal) -> Decimal:
    """Return a quantity cut down to whole steps."""
    return quantity - quantity % step if step > ZERO else quantity
