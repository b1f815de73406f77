"""A pool's events as trades and its state as whole books, as pure functions over JSON-RPC.

A notice is a bell: it says that a block has touched a pool, not when, and its log is half of the story. All of the
block is asked for by its hash, so that trades have their time and a book is of one state of the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tapeline.domain import exact
from tapeline.domain.book import BookSnapshot
from tapeline.errors import InvalidMessage
from tapeline.venues.contract import (
    Answer,
    Ask,
    Doubted,
    Event,
    Next,
    PublicTrade,
    ServerClosing,
    Unexpected,
    Want,
    in_batches,
    read,
)
from tapeline.venues.uniswap import ladder, questions, wire
from tapeline.venues.uniswap.pools import POOLS, Pool
from tapeline.venues.uniswap.questions import Head, Seen, Ticks
from tapeline.venues.uniswap.rest import UniswapRest
from tapeline.venues.uniswap.ticks import HIGHEST, LEAST_ROOT, LOWEST, MOST_ROOT

US_PER_S: Final = 1_000_000
SOCKET: Final = "public"
UNDONE_US: Final = 120 * US_PER_S
"""How far back a branch of the chain may begin that is given up: ten blocks, more than were ever seen."""
STUCK_US: Final = 120 * US_PER_S
"""A node whose newest block is older has stopped following the chain."""
_MOST_LIQUIDITY: Final = 1 << 128
_EVENTS: Final = [[questions.SWAP, questions.MINT, questions.BURN]]


class UniswapFeed(UniswapRest):
    """The pools of one chain."""

    def subscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:
        """Return the frames that ask for these streams: one subscription brings the events of many pools."""
        asks: list[Ask] = []
        streams = [want for want in wants if want.channel != "snapshot"]
        for batch in in_batches(streams, self.facts.limits.most_per_request or len(streams)):
            request_id = first_id + len(asks)
            pools = {"address": list(dict.fromkeys(want.native for want in batch)), "topics": _EVENTS}
            frame = wire.encoded(wire.request(request_id, "eth_subscribe", "logs", pools))
            asks.append(Ask(socket=SOCKET, request_id=request_id, wants=batch, frame=frame))
        for want in wants:
            if want.channel == "snapshot":
                request_id = first_id + len(asks)
                frame = questions.head(Head(request_id, POOLS[want.native]))
                asks.append(Ask(socket=SOCKET, request_id=request_id, wants=(want,), frame=frame))
        return tuple(asks)

    def unsubscribe(self, wants: Sequence[Want], first_id: int) -> tuple[Ask, ...]:  # noqa: ARG002 - the contract's
        """Return nothing: a node names subscriptions itself, so only the end of a socket gives one up."""
        return ()

    def ping(self, request_id: int) -> bytes | None:  # noqa: ARG002 - the contract's signature
        """Return none: nodes answer the protocol's own ping."""
        return None

    def decode(self, frame: bytes, received_us: int) -> tuple[Event, ...]:
        """Return what a frame says: a notice, the answer to a call, or to a batch of ours."""
        if frame[:1] == b"[":
            return _batch(read(_BATCH, frame), received_us)
        found = read(_FRAME, frame)
        if found.method == "eth_subscription":
            return _notice(read(_NOTICE, bytes(found.params)).result, received_us)
        if found.method is not None:
            return (Unexpected(kind=found.method),)
        if isinstance(found.id, str):
            return _head(found, found.id, received_us)
        return (_answer(found),)


def _answer(found: wire.Frame) -> Answer | ServerClosing | Unexpected:
    """Return what a node says of a subscription, or of something that it could not read."""
    told = None if found.error is None else _told(found.error)
    if found.id is None:
        # Whose question it was is not said, so nothing of ours is sure to be answered.
        return ServerClosing(reason=f"the node refused: {told or 'it answers nobody'}")
    if told is None and not bytes(found.result):
        return Unexpected(kind="no result and no error")
    return Answer(request_id=found.id if isinstance(found.id, int) else None, error=told)


def _notice(log: wire.Log, received_us: int) -> tuple[Event, ...]:
    pool = POOLS.get(log.address.lower())
    if pool is None:
        return (Unexpected(kind=f"an event of {log.address}"),)
    if not log.removed:
        return (Next(frame=questions.seen(Seen(0, pool, log.block_hash))),)
    number = wire.number(log.block_number, "blockNumber")
    gone = f"block {number} ({log.block_hash}) left the chain with its event {int(log.log_index, 16)}"
    return (Doubted(native=pool.address, reason=gone, since_us=received_us - UNDONE_US),)


def _head(found: wire.Frame, name: str, received_us: int) -> tuple[Event, ...]:
    """Go on from the newest block to what a pool is in it."""
    _, asked = questions.asked_by(name)
    if not isinstance(asked, Head):
        raise InvalidMessage("the answer to a part of a batch stands alone", field="id", value=name)
    if found.error is not None:
        return (Answer(request_id=asked.request_id, error=_told(found.error)),)
    block = read(_BLOCK, bytes(found.result))
    answer = Answer(request_id=asked.request_id)
    behind_us = received_us - wire.number(block.timestamp, "timestamp") * US_PER_S
    if behind_us > STUCK_US:
        return answer, ServerClosing(reason=f"the node's newest block is {behind_us // US_PER_S} s old")
    return answer, Next(frame=questions.seen(Seen(asked.request_id, asked.pool, block.hash)))


def _batch(replies: tuple[wire.Reply, ...], received_us: int) -> tuple[Event, ...]:
    """Take the answers to one frame of ours, in any order."""
    if not replies:
        raise InvalidMessage("a batch has answers")
    named = [(questions.asked_by(str(one.id)), one) for one in replies]
    (_, first), _ = named[0]
    if isinstance(first, Head):
        raise InvalidMessage("the answer to a single question stands in a batch", field="id")
    wrong = next((one.error for one in replies if one.error is not None), None)
    if wrong is not None:
        since_us = first.time_s * US_PER_S if isinstance(first, Ticks) else received_us - UNDONE_US
        return (Doubted(native=first.pool.address, reason=f"the node refused: {_told(wrong)}", since_us=since_us),)
    if isinstance(first, Seen):
        parts = {part: bytes(one.result) for (part, asked), one in named if asked == first}
        if len(named) != len(questions.PARTS) or set(parts) != set(questions.PARTS):
            raise InvalidMessage(f"answers to {', '.join(questions.PARTS)} were expected", field="id")
        return _seen(first, parts, received_us)
    same = {
        asked.word: bytes(one.result)
        for (_, asked), one in named
        if isinstance(asked, Ticks) and msgspec.structs.replace(asked, word=first.word) == first
    }
    if len(named) != len(same) or set(same) != set(questions.around(first.pool, first.tick)):
        raise InvalidMessage("answers to three words of one book were expected", field="id")
    return (_book(first, same, received_us),)


def _seen(asked: Seen, parts: dict[str, bytes], received_us: int) -> tuple[Event, ...]:
    """Return the trades of a block, and the question that leads from its price to its book."""
    pool = asked.pool
    if parts["block"] == b"null":
        gone = f"the node knows no block {asked.block} any more"
        return (Doubted(native=pool.address, reason=gone, since_us=received_us - UNDONE_US),)
    block = read(_BLOCK, parts["block"])
    if block.hash != asked.block:
        raise InvalidMessage("the block is another one", field="hash", value=block.hash)
    number, time_s = wire.number(block.number, "number"), wire.number(block.timestamp, "timestamp")
    if time_s >= _MOST_SECONDS:
        raise InvalidMessage("no such time", field="timestamp", value=block.timestamp)
    root, tick_word = wire.words(wire.text(parts["slot0"], "slot0"), "slot0", least=7)[:2]
    tick = wire.signed(tick_word)
    if not (LEAST_ROOT <= root < MOST_ROOT and LOWEST <= tick <= HIGHEST):
        raise InvalidMessage("no pool has such a price", field="slot0", value=(root, tick))
    (liquidity,) = wire.words(wire.text(parts["liquidity"], "liquidity"), "liquidity", least=1)[:1]
    if liquidity >= _MOST_LIQUIDITY:
        raise InvalidMessage("no pool has so much liquidity", field="liquidity", value=liquidity)
    found: tuple[wire.Log, ...] = read(_LOGS, parts["logs"])
    logs = sorted(found, key=lambda log: int(log.log_index, 16))
    trades = [trade for log in logs if (trade := _trade(pool, log, asked.block, time_s, received_us)) is not None]
    around = Ticks(asked.request_id, pool, number, time_s, root, tick, liquidity, questions.around(pool, tick)[1])
    return *trades, Next(frame=questions.ticks(around, asked.block))


def _trade(pool: Pool, log: wire.Log, block: str, time_s: int, received_us: int) -> PublicTrade | None:
    """Return a swap as a trade; its price has the fee in it. One that moved nothing is none."""
    if (log.address.lower(), log.block_hash, log.topics[:1]) != (pool.address, block, (questions.SWAP,)):
        raise InvalidMessage("the event is of another pool, block or kind", field="logs", value=log.address)
    amounts = [wire.signed(word) for word in wire.words(log.data, "data", least=5)[:2]]
    base, quote = amounts if pool.base_is_token0 else reversed(amounts)
    if not base or not quote:
        return None
    if (base > 0) == (quote > 0):
        raise InvalidMessage("a swap takes one token and gives the other", field="data", value=amounts)
    quantity = pool.base.amount(abs(base))
    price = abs(quote) * pool.unit / abs(base)
    return PublicTrade(
        native=pool.address,
        trade_id=f"{block}:{int(log.log_index, 16)}",
        price=price.numerator / price.denominator,
        quantity=abs(base) / 10**pool.base.decimals,
        # What the pool takes in of the base is sold to it.
        side="sell" if base > 0 else "buy",
        venue_us=time_s * US_PER_S,
        received_us=received_us,
        exact=exact.of_fields(quantity=format(quantity, "f")),
    )


def _book(asked: Ticks, answers: dict[int, bytes], received_us: int) -> BookSnapshot:
    nets: dict[int, int] = {}
    for word, answer in sorted(answers.items()):
        found = wire.words(wire.text(answer, "ticks"), "ticks", least=2)
        count = found[1]
        if found[0] != wire.WORD or len(found) != 2 + 3 * count:
            raise InvalidMessage("a list of ticks has three words for each", field="ticks", value=len(found))
        for at in range(2, len(found), 3):
            tick, net = wire.signed(found[at]), wire.signed(found[at + 1])
            if tick % asked.pool.spacing or (tick // asked.pool.spacing) >> questions.BITS != word:
                raise InvalidMessage("the tick is of another word", field="ticks", value=tick)
            nets[tick] = net
    state = ladder.State(root=asked.root, tick=asked.tick, liquidity=asked.liquidity, nets=nets)
    bids, asks = ladder.sides(asked.pool, state)
    bid_prices, bid_quantities = ladder.columns(asked.pool, bids)
    ask_prices, ask_quantities = ladder.columns(asked.pool, asks)
    return BookSnapshot(
        native=asked.pool.address,
        sequence=asked.number,
        replaces=False,
        routine=True,
        bid_prices=bid_prices,
        bid_quantities=bid_quantities,
        ask_prices=ask_prices,
        ask_quantities=ask_quantities,
        venue_us=asked.time_s * US_PER_S,
        received_us=received_us,
    )


def _told(error: wire.Refusal) -> str:
    return f"{error.message or 'no reason'} ({error.code})"


_MOST_SECONDS: Final = 10**11
_FRAME: Final = msgspec.json.Decoder(wire.Frame)
_BATCH: Final = msgspec.json.Decoder(tuple[wire.Reply, ...])
_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_BLOCK: Final = msgspec.json.Decoder(wire.Block)
_LOGS: Final[msgspec.json.Decoder[tuple[wire.Log, ...]]] = msgspec.json.Decoder(tuple[wire.Log, ...])
