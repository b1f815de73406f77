"""What KuCoin's classic socket says of one instrument: levels with a number each, and trades, without any snapshot.

A spot frame carries all levels of a moment; where a number changed nothing that is shown, it stands there with a level
of price zero. A futures frame carries one level. Nothing is journalled before the first subscription.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.faces.kucoin_telling import Fill, Teller
from simulator.view import Level

LEVELS = {"spot": "/market/level2", "futures": "/contractMarket/level2"}
MATCHES = {"spot": "/market/match", "futures": "/contractMarket/execution"}


class ClassicFeed:
    """One instrument."""

    def __init__(self, teller: Teller) -> None:
        """Begin silent."""
        self._teller = teller
        self._is_spot = teller.engine.is_spot
        self._levels = LEVELS[teller.engine.market]
        self._matches = MATCHES[teller.engine.market]
        self._told: set[str] = set()

    def activate(self, channel: str) -> None:
        """Journal a channel from now on, whoever reads it later."""
        self._told.add(channel)

    def book(self, first: int, last: int, bids: Sequence[Level], asks: Sequence[Level], now_us: int) -> None:
        """Publish changes, numbered in this order from `first`; up to `last` there are numbers without a change."""
        if self._levels not in self._told:
            return
        if self._is_spot:
            self._teller.journal_book(self._levels, first, last, bids, asks, now_us)
            if self._teller.is_read(self._levels):
                self._tell_levels(first, last, bids, asks, now_us)
            return
        for number, level in enumerate(bids, first):
            self._tell_level(number, "buy", level, now_us)
        for number, level in enumerate(asks, first + len(bids)):
            self._tell_level(number, "sell", level, now_us)

    def match(self, fill: Fill, lots: int, now_us: int) -> None:
        """Publish a trade."""
        if self._matches not in self._told:
            return
        teller = self._teller
        teller.journal_trade(self._matches, fill, lots, now_us)
        if not teller.is_read(self._matches):
            return
        orders = f'"takerOrderId":"{fill.taker}","makerOrderId":"{fill.maker}","tradeId":"{fill.id}"'
        data = f'"symbol":"{teller.name}","side":"{fill.side}","price":"{fill.price}",{orders}'
        if self._is_spot:
            data += f',"type":"match","sequence":"{fill.id}","size":"{fill.size}","time":"{fill.at_ms}000000"'
            text = self._message(self._matches, "trade.l3match", data)
        else:
            data += f',"sequence":{fill.id},"size":{fill.size},"ts":{fill.at_ms}000000'
            text = self._message(self._matches, "match", data, fill.id)
        teller.tell(self._matches, "trade", text, (str(fill.id),))

    def _tell_levels(self, first: int, last: int, bids: Sequence[Level], asks: Sequence[Level], now_us: int) -> None:
        teller = self._teller
        texts = [
            f'["{teller.texts.price(price)}","{teller.size(lots)}","{number}"]'
            for number, (price, lots) in enumerate((*bids, *asks), first)
        ]
        fillers = [f'["0","0","{number}"]' for number in range(first + len(texts), last + 1)]
        told_bids, told_asks = ",".join(texts[: len(bids)]), ",".join(texts[len(bids) :] + fillers)
        changes = f'"changes":{{"asks":[{told_asks}],"bids":[{told_bids}]}}'
        data = f'{changes},"sequenceEnd":{last},"sequenceStart":{first},"symbol":"{teller.name}"'
        text = self._message(self._levels, "trade.l2update", f'{data},"time":{now_us // 1000}')
        teller.tell(self._levels, "book", text, (str(last),))

    def _tell_level(self, number: int, side: str, level: Level, now_us: int) -> None:
        teller, (price, lots) = self._teller, level
        bids, asks = ([level], []) if side == "buy" else ([], [level])
        teller.journal_book(self._levels, number, number, bids, asks, now_us)
        if teller.is_read(self._levels):
            change = f"{teller.texts.price(price)},{side},{lots}"
            data = f'"sequence":{number},"change":"{change}","timestamp":{now_us // 1000}'
            teller.tell(self._levels, "book", self._message(self._levels, "level2", data, number), (str(number),))

    def _message(self, channel: str, subject: str, data: str, number: int | None = None) -> str:
        numbered = "" if number is None else f'"sn":{number},'
        topic = self._teller.stream(channel)
        return f'{{"topic":"{topic}","type":"message","subject":"{subject}",{numbered}"data":{{{data}}}}}'
