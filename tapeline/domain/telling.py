"""How the executor's rows are told on the topics: one function per record, nothing is left out and nothing invented."""

from __future__ import annotations

from tapeline.domain import account_records as held_records
from tapeline.domain import order_records as records
from tapeline.domain.account import AccountState, PortfolioRow, TakenIntent
from tapeline.domain.ids import event_id
from tapeline.domain.money import ZERO, plus, rounded
from tapeline.domain.orders import OurFill, OurOrder
from tapeline.domain.positions import OurPosition


def order(own: OurOrder) -> records.Order:
    """Return an order as `order.event` carries it."""
    return records.Order(
        client_order_id=own.client_order_id,
        venue_order_id=own.venue_order_id,
        venue=own.venue,
        market=own.market,
        leg=own.leg,
        part=own.part,
        attempt=own.attempt,
        side=own.side,
        order_type=own.order_type,
        time_in_force=own.time_in_force,
        price=own.price,
        quantity=own.quantity,
        filled=own.filled,
        average_price=own.average_price,
        commission=rounded(own.commission),
        reduce_only=own.reduce_only,
        status=own.status,
        tag=own.tag,
        version=own.version,
    )


def fill(own: OurFill) -> records.Fill:
    """Return a fill as `order.event` carries it."""
    return records.Fill(
        fill_id=own.fill_id,
        price=own.price,
        quantity=own.quantity,
        fee=own.fee,
        fee_currency=own.fee_currency,
        liquidity=own.liquidity,
        filled_us=own.filled_us,
    )


def event(
    kind: records.OrderEventKind,
    intent: TakenIntent,
    *,
    sequence: int,
    at_us: int,
    own: OurOrder | None = None,
    executed: OurFill | None = None,
    code: str | None = None,
    reason: str | None = None,
) -> records.OrderEvent:
    """Return one step of an intent or of its order; its id is made of account and number."""
    venue_us = executed.filled_us if executed is not None else None if own is None else own.venue_us
    return records.OrderEvent(
        event_id=event_id(intent.account, sequence),
        sequence=sequence,
        account=intent.account,
        strategy=intent.strategy,
        symbol=intent.symbol,
        slot=intent.slot,
        round=intent.round,
        intent_id=intent.intent_id,
        kind=kind,
        order=None if own is None else order(own),
        fill=None if executed is None else fill(executed),
        code=code,
        reason=reason,
        trace_id=intent.trace_id,
        venue_us=venue_us,
        sent_us=None if own is None else own.sent_us,
        answered_us=None if own is None else own.answered_us,
        first_received_us=intent.first_received_us,
        at_us=at_us,
    )


def position(own: OurPosition, at_us: int) -> held_records.Position:
    """Return a position as `position` carries it."""
    return held_records.Position(
        account=own.account,
        venue=own.venue,
        market=own.market,
        symbol=own.symbol,
        version=own.version,
        strategy=own.strategy,
        status=own.status,
        side=own.side,
        quantity=own.quantity,
        entry_price=own.entry_price,
        mark_price=own.mark_price,
        unrealized_pnl=rounded(own.unrealized_pnl),
        realized_pnl=rounded(own.realized_pnl),
        fees=rounded(plus(own.fees, -own.funding)),
        leverage=own.leverage,
        margin=own.margin,
        liquidation_price=own.liquidation_price,
        entry_reason=own.entry_reason,
        exit_reason=own.exit_reason,
        opened_us=own.opened_us,
        closed_us=own.closed_us,
        trace_id=own.trace_id,
        at_us=at_us,
    )


def portfolio(state: AccountState, row: PortfolioRow) -> held_records.Portfolio:
    """Return all that one strategy holds on one symbol."""
    held = [one for one in state.positions if (one.strategy, one.symbol) == (row.strategy, row.symbol)]
    pairs = [one for one in state.pairs if (one.strategy, one.symbol) == (row.strategy, row.symbol)]
    # An earlier round may stand there as well, in the transaction that ended it.
    pair = max(pairs, key=lambda one: one.round, default=None)
    memory = state.memory(row.strategy, row.symbol)
    return held_records.Portfolio(
        strategy=row.strategy,
        symbol=row.symbol,
        account=row.account,
        version=row.version,
        desired=state.desired(row.strategy),
        slots=tuple(
            held_records.Slot(slot=one.slot, round=one.round, intent_id=one.intent_id)
            for one in sorted(state.slots, key=lambda one: one.slot)
            if (one.strategy, one.symbol) == (row.strategy, row.symbol)
        ),
        orders=tuple(_held(one) for one in state.orders if one.is_open and _belongs(one, row)),
        positions=tuple(
            held_records.Holding(
                venue=one.venue,
                market=one.market,
                side=one.side,
                quantity=one.quantity,
                entry_price=one.entry_price,
                unrealized_pnl=rounded(one.unrealized_pnl),
                opened_us=one.opened_us,
            )
            for one in held
            if one.quantity
        ),
        pair_state=None if pair is None else pair.state,
        pair_round=None if pair is None else pair.round,
        realized_pnl=rounded(
            plus(row.closed_pnl, *(one.realized_pnl if one.status != "CLOSED" else ZERO for one in held))
        ),
        memory=None if memory is None else memory.record(),
        taken_offset=row.taken_offset,
        at_us=state.now_us,
    )


def account(state: AccountState, source: str) -> held_records.Account:
    """Return balances and used risk of the account."""
    standing = state.standing()
    reserved = plus(*(one.value() for one in standing.reservations))
    unrealized = plus(*(one.unrealized_pnl for one in state.positions))
    usdt = plus(*(one.total for one in state.balances if one.asset == "USDT"))
    return held_records.Account(
        account=state.account,
        version=state.version,
        usdt=usdt,
        equity=rounded(plus(usdt, unrealized)),
        unrealized_pnl=rounded(unrealized),
        exposure=rounded(plus(reserved, *(one.value for one in standing.held))),
        margin=rounded(plus(*(one.margin or ZERO for one in state.positions))),
        reserved=rounded(reserved),
        open_orders=sum(one.is_open for one in state.orders),
        open_positions=len(standing.held),
        balances=state.balances,
        source=source,
        at_us=state.now_us,
    )


def _held(own: OurOrder) -> held_records.HeldOrder:
    return held_records.HeldOrder(
        client_order_id=own.client_order_id,
        intent_id=own.intent_id,
        tag=own.tag,
        venue=own.venue,
        market=own.market,
        side=own.side,
        order_type=own.order_type,
        price=own.price,
        quantity=own.quantity,
        filled=own.filled,
        status=own.status,
        at_us=own.updated_us,
    )


def _belongs(own: OurOrder, row: PortfolioRow) -> bool:
    return (own.strategy, own.symbol) == (row.strategy, row.symbol)
