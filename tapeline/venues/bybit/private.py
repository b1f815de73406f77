"""Bybit's private stream as pure functions: log in, subscribe, ping; one socket tells of all categories.

Topics are asked for whole (`order`, not `order.linear`: the two may not be mixed) and entries of the other category are
passed over. Nothing is sent for what stood before: that is asked by REST. A JSON ping keeps the socket, and the venue's
own switch counts from the last one: it cancels when every socket that subscribed `dcp` is cut for the set time, where
Bybit has enabled that for the account. Its topic is asked for alone, for one bad topic refuses its whole request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tapeline.venues.account import (
    US_PER_MS,
    BalanceUpdate,
    FundingPaid,
    OrderUpdate,
    PositionUpdate,
    PrivateEvent,
    StreamAnswer,
    maybe,
)
from tapeline.venues.bybit import funding, signing
from tapeline.venues.bybit import trading_wire as wire
from tapeline.venues.bybit.trading_answers import balance, fill, order, position
from tapeline.venues.calls import StreamKey
from tapeline.venues.contract import Hosts, Pong, Unexpected, request_number
from tapeline.venues.orders import Keys, Opening, TradingFacts
from tapeline.venues.refusals import Reason, Refused, read_answer, said

LOGIN_VALID_MS: Final = 10_000
TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "spot": ("order", "execution", "wallet"),
    "futures": ("order", "execution", "position", "wallet"),
}
SWITCHES: Final[Mapping[str, str]] = {"spot": "dcp.spot", "futures": "dcp.future"}


class BybitStream:
    """The stream half of the private side of a market of Bybit."""

    def __init__(self, facts: TradingFacts, category: str) -> None:
        """Take the market's facts and Bybit's name for it."""
        self.facts = facts
        self._category = category

    def opening(
        self,
        hosts: Hosts,
        keys: Keys,
        *,
        at_us: int,
        stream_key: StreamKey | None = None,  # noqa: ARG002 - the contract's signature; Bybit logs in
        dead_man: bool = False,
        first_id: int = 1,
    ) -> Opening:
        """Return how the private stream is opened."""
        key, expires_ms, signature = signing.login(keys, expires_ms=at_us // US_PER_MS + LOGIN_VALID_MS)
        topics = [TOPICS[self.facts.market]]
        if dead_man:
            topics.append((SWITCHES[self.facts.market],))
        return Opening(
            url=hosts.ws.rstrip("/") + self.facts.stream.path,
            login=_frame(first_id, "auth", (key, expires_ms, signature)),
            subscribe=tuple(_frame(first_id + at, "subscribe", names) for at, names in enumerate(topics, 1)),
        )

    def ping(self, request_id: int) -> bytes | None:
        """Return Bybit's own ping, due every 20 s."""
        return msgspec.json.encode({"req_id": str(request_id), "op": "ping"})

    def decode_frame(self, frame: bytes) -> tuple[PrivateEvent, ...]:
        """Return what a frame says, in its order."""
        head = read_answer(_HEAD, frame)
        match head.topic:
            case None:
                return (_answer(head),)
            case "order":
                orders = read_answer(_ORDERS, frame).data
                return tuple(OrderUpdate(order=order(one)) for one in orders if self._mine(one.category))
            case "execution":
                return self._fills(read_answer(_EXECUTIONS, frame).data)
            case "position":
                return self._positions(read_answer(_POSITIONS, frame).data, head)
            case "wallet":
                return _wallets(read_answer(_WALLETS, frame).data, head)
            case topic:
                return (Unexpected(kind=said(topic)),)

    def _mine(self, category: str | None) -> bool:
        return category is None or category == self._category

    def _fills(self, executions: tuple[wire.Execution, ...]) -> tuple[PrivateEvent, ...]:
        events: list[PrivateEvent] = []
        for execution in executions:
            if not self._mine(execution.category):
                continue
            found = fill(execution, self.facts.market)
            if found is not None:
                events.append(found)
            elif execution.exec_type == funding.FUNDING:
                events.append(FundingPaid(payment=funding.payment(execution)))
            else:
                # The others change what is held and are none of ours.
                events.append(Unexpected(kind=f"execution of type {said(execution.exec_type)}"))
        return tuple(events)

    def _positions(self, positions: tuple[wire.Position, ...], head: wire.Head) -> tuple[PrivateEvent, ...]:
        mine = tuple(position(one) for one in positions if self._mine(one.category))
        return (PositionUpdate(positions=mine, venue_us=_created_us(head)),) if mine else ()


def _wallets(wallets: tuple[wire.Wallet, ...], head: wire.Head) -> tuple[PrivateEvent, ...]:
    return tuple(
        BalanceUpdate(
            balances=tuple(balance(coin) for coin in wallet.coin),
            available_usd=maybe(wallet.total_available_balance),
            venue_us=_created_us(head),
        )
        for wallet in wallets
    )


def _created_us(head: wire.Head) -> int:
    return (head.creation_time or 0) * US_PER_MS


def _answer(head: wire.Head) -> StreamAnswer | Pong | Unexpected:
    request_id = request_number(head.request_id)
    if head.op == "pong" or (head.op == "ping" and head.message == "pong"):
        return Pong(request_id=request_id)
    if head.op == "auth":
        no = None if head.success else Refused(reason=Reason.BAD_KEYS, text=said(head.message))
        return StreamAnswer(step="login", request_id=request_id, refused=no)
    if head.op == "subscribe":
        no = None if head.success else Refused(reason=Reason.BAD_REQUEST, text=said(head.message))
        return StreamAnswer(step="subscribe", request_id=request_id, refused=no)
    return Unexpected(kind=said(head.op or "no topic and no op"))


def _frame(request_id: int, op: str, arguments: tuple[str | int, ...]) -> bytes:
    return msgspec.json.encode({"req_id": str(request_id), "op": op, "args": arguments})


_HEAD: Final = msgspec.json.Decoder(wire.Head)
_ORDERS: Final = msgspec.json.Decoder(wire.OrderFrame, strict=False)
_EXECUTIONS: Final = msgspec.json.Decoder(wire.ExecutionFrame, strict=False)
_POSITIONS: Final = msgspec.json.Decoder(wire.PositionFrame, strict=False)
_WALLETS: Final = msgspec.json.Decoder(wire.WalletFrame)
