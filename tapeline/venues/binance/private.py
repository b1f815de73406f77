"""Binance's private streams as pure functions: spot subscribes on the WebSocket API, futures connect with a listen key.

| stream | opened by | lives | ends with |
|---|---|---|---|
| spot | `userDataStream.subscribe.signature` | 24 h | `eventStreamTerminated`, `serverShutdown` |
| futures | `POST /fapi/v1/listenKey`, then the URL names it | the key 60 min, the socket 24 h | `listenKeyExpired` |

Neither sends a snapshot: what stood before is asked by REST. `TRADE_LITE` and `balanceUpdate` repeat what other events
say and are passed over. Events are not filtered by `&events=`, for `listenKeyExpired` might be filtered too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tapeline.errors import InvalidMessage
from tapeline.venues.account import (
    US_PER_MS,
    Balance,
    BalanceUpdate,
    Fill,
    FillCause,
    OrderUpdate,
    PositionUpdate,
    PrivateEvent,
    StreamAnswer,
    StreamEnding,
    VenueOrder,
    VenuePosition,
    above_zero,
    average_price,
    fill_id,
)
from tapeline.venues.binance import signing
from tapeline.venues.binance import trading_wire as wire
from tapeline.venues.binance.trading_answers import (
    SELF_MATCHED,
    STATUSES,
    TIMES,
    kind,
    mode,
    side,
    spot_balance,
)
from tapeline.venues.binance.trading_errors import REJECTIONS, reason_of
from tapeline.venues.calls import StreamKey
from tapeline.venues.contract import Hosts, Unexpected, request_number
from tapeline.venues.orders import Keys, Opening, TradingFacts
from tapeline.venues.refusals import Reason, Refused, read_answer, said

GOOD: Final = 200
DEALT: Final = frozenset({"TRADE", "CALCULATED"})
"""Execution types that are fills; CALCULATED is a liquidation."""
CAUSES: Final[Mapping[str, FillCause]] = {
    "autoclose-": "liquidation",
    "adl_autoclose": "deleveraging",
    "settlement_autoclose-": "settlement",
}
"""What Binance's own orders on futures are called: how their client ids begin."""
REPEATING: Final = frozenset({"TRADE_LITE", "balanceUpdate"})
ENDINGS: Final = frozenset({"listenKeyExpired", "eventStreamTerminated", "serverShutdown"})


class BinanceStream:
    """The stream half of the private side of a market of Binance."""

    def __init__(self, facts: TradingFacts, errors: Mapping[int, Reason]) -> None:
        """Take the market's facts and error table."""
        self.facts = facts
        self._errors = errors

    def opening(
        self,
        hosts: Hosts,
        keys: Keys,
        *,
        at_us: int,
        stream_key: StreamKey | None = None,
        dead_man: bool = False,  # noqa: ARG002 - the contract's signature; Binance's switch is a countdown
        first_id: int = 1,
    ) -> Opening:
        """Return how the private stream is opened."""
        url = hosts.ws.rstrip("/") + self.facts.stream.path
        if self.facts.market == "futures":
            if stream_key is None:
                raise ValueError("the private stream of futures is named by its listen key")
            return Opening(url=f"{url}?listenKey={stream_key.key}")
        call = {
            "id": str(first_id),
            "method": "userDataStream.subscribe.signature",
            "params": signing.signed_socket({"timestamp": at_us // US_PER_MS}, keys),
        }
        return Opening(url=url, subscribe=(msgspec.json.encode(call),))

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return None: Binance knows the WebSocket protocol's own ping alone."""
        return None

    def decode_frame(self, frame: bytes) -> tuple[PrivateEvent, ...]:
        """Return what a frame says, wherever its envelope holds the event."""
        head = read_answer(_HEAD, frame)
        inner = bytes(head.event) or bytes(head.data)
        if inner:
            return _event(read_answer(_HEAD, inner).name, inner)
        if head.name is not None:
            return _event(head.name, frame)
        return (self._answer(head),)

    def _answer(self, head: wire.Head) -> StreamAnswer | Unexpected:
        if head.status is None and head.error is None:
            return Unexpected(kind="no event name and no status")
        text = str(head.request_id)
        refused: Refused | None = None
        if head.error is not None or head.status != GOOD:
            error = head.error or wire.Complaint(code=0, message=f"status {head.status}")
            reason = reason_of(error.code, error.message, head.status or GOOD, self._errors)
            refused = Refused(reason=reason or Reason.REJECTED, code=str(error.code), text=said(error.message))
        return StreamAnswer(
            step="subscribe",
            request_id=request_number(text),
            refused=refused,
        )


def _event(name: str | None, data: bytes) -> tuple[PrivateEvent, ...]:
    if name == "executionReport":
        return _order(read_answer(_REPORT, data))
    if name == "ORDER_TRADE_UPDATE":
        return _order(read_answer(_ORDER_EVENT, data).order)
    if name == "outboundAccountPosition":
        account = read_answer(_ACCOUNT_POSITION, data)
        balances = tuple(spot_balance(one.asset, one.free, one.locked) for one in account.balances)
        return (BalanceUpdate(balances=balances, venue_us=account.update_ms * US_PER_MS),)
    if name == "ACCOUNT_UPDATE":
        return _account(read_answer(_ACCOUNT_EVENT, data))
    if name in ENDINGS:
        return (StreamEnding(reason=name or ""),)
    return () if name in REPEATING else (Unexpected(kind=said(name or "no event name")),)


def _order(report: wire.Report) -> tuple[PrivateEvent, ...]:
    filled = Decimal(report.filled)
    average = above_zero(None if report.average is None else Decimal(report.average))
    if report.value is not None:
        average = average_price(Decimal(report.value), filled)
    reason = None if report.rejected == "NONE" else REJECTIONS.get(report.rejected, Reason.REJECTED)
    update = OrderUpdate(
        order=VenueOrder(
            native=report.symbol,
            client_id=(report.original_client_id or report.client_id) or None,
            venue_id=str(report.order_id),
            status=STATUSES.get(report.status, "UNKNOWN"),
            side=side(report.side),
            kind=kind(report.order_type, report.time_in_force),
            time_in_force=TIMES.get(report.time_in_force),
            price=above_zero(Decimal(report.price)),
            quantity=Decimal(report.quantity),
            filled=filled,
            average_price=average,
            reduce_only=report.reduce_only,
            reason=Reason.SELF_TRADE if report.status == SELF_MATCHED else reason,
            updated_us=report.time * US_PER_MS,
        )
    )
    return (_fill(report), update) if report.execution in DEALT else (update,)


def _fill(report: wire.Report) -> Fill:
    quantity, price = Decimal(report.last_quantity), Decimal(report.last_price)
    if quantity <= 0 or price <= 0 or report.trade_id < 0:
        raise InvalidMessage("a fill has a quantity, a price and a trade id", field="t", value=report.trade_id)
    if report.fee_asset is None and Decimal(report.fee or 0):
        raise InvalidMessage("a fee has an asset", field="N")
    cause: FillCause = "liquidation" if report.execution == "CALCULATED" else "order"
    return Fill(
        native=report.symbol,
        fill_id=fill_id(report.trade_id, report.order_id),
        venue_order_id=str(report.order_id),
        client_id=report.client_id or None,
        side=side(report.side),
        price=price,
        quantity=quantity,
        fee=Decimal(report.fee or 0),
        fee_currency=report.fee_asset,
        fee_in=None if report.fee_asset else "quote",
        liquidity="maker" if report.maker else "taker",
        cause=next((one for begin, one in CAUSES.items() if report.client_id.startswith(begin)), cause),
        filled_us=report.time * US_PER_MS,
    )


def _account(event: wire.AccountEvent) -> tuple[PrivateEvent, ...]:
    at_us = event.transaction_ms * US_PER_MS
    events: list[PrivateEvent] = []
    if event.change.balances:
        balances = tuple(Balance(currency=one.asset, total=Decimal(one.wallet)) for one in event.change.balances)
        events.append(BalanceUpdate(balances=balances, venue_us=at_us))
    if event.change.positions:
        positions = tuple(
            VenuePosition(
                native=one.symbol,
                quantity=Decimal(one.amount),
                mode=mode(one.side),
                entry_price=above_zero(Decimal(one.entry_price)),
                unrealized=Decimal(one.unrealized),
                updated_us=at_us,
            )
            for one in event.change.positions
        )
        events.append(PositionUpdate(positions=positions, venue_us=at_us))
    return tuple(events)


_HEAD: Final = msgspec.json.Decoder(wire.Head)
_REPORT: Final = msgspec.json.Decoder(wire.Report)
_ORDER_EVENT: Final = msgspec.json.Decoder(wire.OrderEvent)
_ACCOUNT_POSITION: Final = msgspec.json.Decoder(wire.AccountPosition)
_ACCOUNT_EVENT: Final = msgspec.json.Decoder(wire.AccountEvent)
