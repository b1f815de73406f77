"""From the rows of an order or intent and its books to the explanation: pure, nothing is guessed in silence."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.cli import explain_hops, trading_text
from tapeline.cli.explain_parts import (
    BookPart,
    ClaimPart,
    Explanation,
    FillPart,
    IntentPart,
    Missing,
    PairPart,
    ReservationPart,
    SpreadPart,
    Step,
    VerdictPart,
)
from tapeline.cli.trading_orders import order_row
from tapeline.domain import money
from tapeline.domain.account import TakenIntent
from tapeline.domain.account_records import Audit, Pair
from tapeline.domain.order_records import ClosePosition, EnterPair, ExitPair, OrderIntent, PlaceOrder
from tapeline.domain.orders import OurFill
from tapeline.domain.partition import instrument_key
from tapeline.domain.risk import Reservation
from tapeline.domain.spread import Short, average_price
from tapeline.runtime import clock
from tapeline.runtime.trading_story import Story

_ANSWERS: Final = ("INTENT_APPROVE", "INTENT_REFUSE")
_NO_AUDIT: Final = Missing(
    part="intent", problem="the audit has no entry of its answer, so command, memory and causes are unknown"
)


class _Seen(msgspec.Struct):
    """What an entry of the audit says of the order after it."""

    status: str | None = None
    filled: Decimal | None = None


class _Settled(msgspec.Struct):
    """What an entry of the audit says of the intent before it settled."""

    reservation: Reservation | None = None


def wanted(story: Story) -> OrderIntent | None:
    """Return the whole intent from the audit of its answer, None where there is no such entry."""
    for entry in story.audits:
        if entry.action in _ANSWERS and entry.new_value is not None:
            return msgspec.json.decode(entry.new_value, type=OrderIntent)
    return None


def instruments(story: Story, intent: OrderIntent | None) -> tuple[str, ...]:
    """Return the instruments that a decision looked at, in the order in which it names its causes."""
    symbol = story.intent.symbol
    places: tuple[tuple[str, str], ...] = () if story.order is None else ((story.order.venue, story.order.market),)
    match None if intent is None else intent.command:
        case EnterPair(buy=buy, sell=sell):
            places = ((buy.venue, buy.market), (sell.venue, sell.market))
        case ExitPair() if story.pair is not None:
            places = tuple((leg.venue, leg.market) for leg in story.pair.legs)
        case PlaceOrder(venue=venue, market=market) | ClosePosition(venue=venue, market=market):
            places = ((venue, market),)
    return tuple(instrument_key(venue, market, symbol) for venue, market in places)


def told(story: Story, books: tuple[BookPart, ...], missing: Iterable[Missing]) -> Explanation:
    """Return the explanation of an order, or of an intent."""
    intent = wanted(story)
    judged = tuple(judge(book, intent) for book in books)
    return Explanation(
        order=None if story.order is None else order_row(story.order),
        orders=tuple(map(order_row, story.orders)),
        events=tuple(map(_step, story.audits)),
        fills=tuple(map(_fill, story.fills)),
        verdict=_verdict(story),
        intent=_intent(story.intent, intent),
        spread=_spread(intent),
        books=judged,
        pair=None if story.pair is None else _pair(story.pair),
        hops=explain_hops.hops(story, judged),
        trace_id=(None if story.order is None else story.order.trace_id) or story.intent.trace_id,
        missing=(*(() if intent is not None else (_NO_AUDIT,)), *missing),
    )


def judge(book: BookPart, intent: OrderIntent | None) -> BookPart:
    """Set a book beside the evidence: the price that it gives for the size must be the one that was decided on."""
    if intent is None or not isinstance(intent.command, EnterPair):
        return book
    command, evidence = intent.command, intent.evidence
    sides = {
        instrument_key(command.buy.venue, command.buy.market, intent.symbol): (book.asks, "buy_price"),
        instrument_key(command.sell.venue, command.sell.market, intent.symbol): (book.bids, "sell_price"),
    }
    if book.instrument not in sides or "quantity" not in evidence:
        return book
    levels, name = sides[book.instrument]
    found = average_price((one for one, _ in levels), (size for _, size in levels), evidence["quantity"])
    price = None if isinstance(found, Short) else found
    return msgspec.structs.replace(book, price_at_size=price, confirmed=price == evidence.get(name))


def _step(entry: Audit) -> Step:
    of_order = entry.entity_type == "order"
    seen = _Seen() if not of_order or entry.new_value is None else msgspec.json.decode(entry.new_value, type=_Seen)
    return Step(
        sequence=entry.sequence,
        time=clock.iso(entry.at_us),
        at_us=entry.at_us,
        of="order" if of_order else "intent",
        action=entry.action,
        status=seen.status,
        filled=trading_text.exact(seen.filled),
        reason=entry.reason,
        error=entry.error_message,
        actor=entry.actor,
    )


def _fill(own: OurFill) -> FillPart:
    return FillPart(
        fill_id=own.fill_id,
        time=clock.iso(own.filled_us),
        filled_us=own.filled_us,
        side=own.side,
        quantity=money.text(own.quantity),
        price=money.text(own.price),
        fee=money.text(own.fee),
        fee_currency=own.fee_currency,
        fee_quote=money.text(own.fee_quote),
        liquidity=own.liquidity,
        cause=own.cause,
    )


def _verdict(story: Story) -> VerdictPart:
    row = story.intent
    return VerdictPart(
        verdict="refused" if row.status == "REFUSED" else "approved",
        status=row.status,
        code=row.code,
        reason=row.reason,
        taken_us=row.taken_us,
        settled_us=row.settled_us,
        reservation=_reservation(story),
    )


def _reservation(story: Story) -> ReservationPart | None:
    kept = story.intent.reservation
    if kept is not None:
        return _kept(kept, "now")
    for entry in story.audits:
        if entry.action == "INTENT_SETTLE" and entry.old_value is not None:
            before = msgspec.json.decode(entry.old_value, type=_Settled).reservation
            return None if before is None else _kept(before, "at settlement")
    return None


def _kept(kept: Reservation, moment: str) -> ReservationPart:
    return ReservationPart(
        moment="now" if moment == "now" else "at settlement",
        claims=tuple(
            ClaimPart(
                venue=one.venue, market=one.market, exposure=money.text(one.exposure), margin=money.text(one.margin)
            )
            for one in kept.claims
        ),
        orders=kept.orders,
        pairs=kept.pairs,
    )


def _intent(row: TakenIntent, whole: OrderIntent | None) -> IntentPart:
    evidence = {} if row.context is None else msgspec.json.decode(row.context, type=dict[str, float])
    return IntentPart(
        intent_id=row.intent_id,
        account=row.account,
        strategy=row.strategy,
        symbol=row.symbol,
        slot=row.slot,
        round=row.round,
        kind=row.command,
        command=None if whole is None else msgspec.to_builtins(whole.command),
        reason=row.wanted_because,
        evidence=evidence if whole is None else whole.evidence,
        memory=None if whole is None or whole.memory is None else msgspec.to_builtins(whole.memory),
        cause=() if whole is None else tuple(f"{one.topic}/{one.partition}/{one.offset}" for one in whole.cause),
        actor=row.actor,
        decided_us=row.decided_us,
        expires_us=row.expires_us,
    )


def _spread(intent: OrderIntent | None) -> SpreadPart | None:
    if intent is None or not isinstance(intent.command, EnterPair):
        return None
    found, command = intent.evidence, intent.command
    if not {"net", "buy_price", "sell_price", "quantity"} <= found.keys():
        return None
    gross = found["sell_price"] / found["buy_price"] - 1
    return SpreadPart(
        buy=trading_text.place(command.buy.venue, command.buy.market),
        sell=trading_text.place(command.sell.venue, command.sell.market),
        quantity=found["quantity"],
        buy_price=found["buy_price"],
        sell_price=found["sell_price"],
        buy_limit=money.text(command.buy.limit_price),
        sell_limit=money.text(command.sell.limit_price),
        gross=gross,
        fees=gross - found["net"],
        net=found["net"],
    )


def _pair(pair: Pair) -> PairPart:
    return PairPart(
        pair_id=pair.pair_id,
        round=pair.round,
        state=pair.state,
        part=pair.part,
        parts=pair.parts,
        entry_net=trading_text.exact(pair.entry_net),
        realized=money.text(pair.realized_pnl),
        unrealized=money.text(pair.unrealized_pnl),
        reason=pair.reason,
    )
