"""A recorder against a simulated exchange in virtual time: each gap that it tells has its cause at its source.

Answers of REST come late, as they do on a busy machine: what they say is as old as the moment at which they were made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import pytest

from producers.actions import Action, FetchBook, FetchTrades, Reopen, Send
from producers.market import MarketFeed, Record
from producers.pool import Pool, Slot
from simulator import chance, faults
from simulator.audit.causes import causes_of
from simulator.audit.findings import Findings
from simulator.audit.gaps import Hole, judge
from simulator.audit.market import fold
from simulator.audit.rows import GapRow
from simulator.chance import Chance
from simulator.face import Request
from simulator.faults import Wish
from simulator.journal import FaultHit
from tapeline.domain.events import Gap, OfInstrument
from tapeline.errors import InvalidMessage
from tapeline.venues.binance import FUTURES as BINANCE_FUTURES
from tapeline.venues.binance import SPOT as BINANCE_SPOT
from tapeline.venues.bybit import FUTURES as BYBIT_FUTURES
from tapeline.venues.bybit import SPOT as BYBIT_SPOT
from tapeline.venues.contract import Feed
from tests.support.stage import PING, TEXT, Client, Stage, stage

S: Final = 1_000_000
TICK_US: Final = 100_000
DEPTH: Final = 100
SYMBOLS: Final = {"BTCUSDT": "BTC/USDT", "ETHUSDT": "ETH/USDT"}
FEEDS: Final = (BINANCE_SPOT, BINANCE_FUTURES, BYBIT_SPOT, BYBIT_FUTURES)
HEALS_S: Final = 12.0

Fetch = FetchBook | FetchTrades


@dataclass(slots=True)
class Asked:
    """One request: it is answered at `served_us`, and the answer is here at `here_us`."""

    fetch: Fetch
    asked_us: int
    served_us: int
    here_us: int
    answer: tuple[int, bytes] | None = None


@dataclass(slots=True)
class Recorder:
    """Everything of a producer but its sockets, its broker and its clock; answers take up to `late_us` each way."""

    feed: Feed
    scene: Stage
    draws: Chance
    late_us: int
    gaps: dict[tuple[str, str, int], Gap] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    clients: dict[Slot, Client] = field(default_factory=dict)
    pool: Pool = field(init=False)
    market: MarketFeed = field(init=False)

    def __post_init__(self) -> None:
        """Plan the sockets; they are opened at the first step."""
        facts = self.feed.facts
        of = {name: OfInstrument(venue=facts.venue, market=facts.market, symbol=one) for name, one in SYMBOLS.items()}
        self.market = MarketFeed(self.feed, of, encode=self._keep, partitions=1, depth=20, most_waiting=100_000)
        self.pool = Pool(facts)
        self.pool.change(dict.fromkeys(SYMBOLS, 20))

    def step(self) -> None:
        """Take what arrived, do what time asks for, and let the broker have everything."""
        now_us = self.scene.now_us
        for slot in self.pool.slots:
            self._socket(slot, now_us)
        for one in tuple(self.asked):
            self._answer(one, now_us)
        if now_us % TICK_US == 0:
            self._do(self.market.tick(now_us))
        for due in self.market.books.take():
            self.market.books.done(due.key)
        for batch in self.market.buffer.take():
            self.market.buffer.done(batch)

    def books_valid(self) -> bool:
        """Tell whether all books stand."""
        valid, all_of_them = self.market.valid_books()
        return valid == all_of_them

    def _socket(self, slot: Slot, now_us: int) -> None:
        client, wants = self.clients.get(slot), self.pool.wants(slot)
        if client is None:
            path = self.feed.facts.sockets[slot.socket]
            self.clients[slot] = self.scene.connect(path)
            self._do(self.market.connected(slot, wants, now_us))
            return
        messages, client.line.messages = client.line.messages, []
        for opcode, data in messages:
            if opcode == TEXT:
                try:
                    self._do(self.market.frame(slot, data, now_us))
                except InvalidMessage:
                    continue
            elif opcode == PING:
                client.pong()
        if client.line.closed:
            self.scene.clients.remove(self.clients.pop(slot))
            self._do(self.market.lost(slot, wants, "disconnect", "closed", now_us))

    def _do(self, actions: list[Action]) -> None:
        now_us = self.scene.now_us
        for action in actions:
            if isinstance(action, Send):
                self.clients[action.slot].say(action.frame.decode())
            elif isinstance(action, Reopen):
                self.clients[action.slot].line.abort()
            elif isinstance(action, FetchBook | FetchTrades) and all(one.fetch != action for one in self.asked):
                served_us = now_us + self.draws.below(self.late_us)
                self.asked.append(Asked(action, now_us, served_us, served_us + self.draws.below(self.late_us)))

    def _answer(self, one: Asked, now_us: int) -> None:
        feed, native = self.feed, one.fetch.native
        if one.answer is None and now_us >= one.served_us:
            book = isinstance(one.fetch, FetchBook)
            request = feed.book_request(native, DEPTH) if book else feed.trades_request(native)
            status, _, body, _ = self.scene.ask(Request(path=request.path, query=dict(request.query), at_us=now_us))
            one.answer = (status, msgspec.json.encode(body))
        if one.answer is None or now_us < one.here_us:
            return
        self.asked.remove(one)
        status, data = one.answer
        if isinstance(one.fetch, FetchTrades):
            trades = feed.read_trades(data, native, now_us) if status == 200 else None
            failed = self.market.trades_failed(native, now_us, None) if trades is None else []
            self._do(failed if trades is None else self.market.trades_fetched(native, trades, now_us))
        elif status == 200:
            whole = feed.read_book(data, native, DEPTH, now_us)
            whole = msgspec.structs.replace(whole, asked_us=one.asked_us)
            self._do(self.market.book_fetched(native, whole, now_us, check=one.fetch.check))
        else:
            self._do(self.market.book_failed(native, "no answer", now_us, None, check=one.fetch.check))

    def _keep(self, topic: str, record: Record) -> bytes:
        del topic
        if isinstance(record, Gap):
            self.gaps[record.key, record.channel, record.start_us] = record
        return b""


def wrong(scene: Stage, gaps: list[Gap]) -> tuple[str, ...]:
    """Return what the audit says of gaps, which hide nothing here."""
    played, findings = fold(scene.records()), Findings()
    causes = causes_of(played, ())
    for symbol in SYMBOLS.values():
        rows = [
            GapRow(
                one.venue, one.market, one.symbol, one.channel, one.epoch, one.from_id, one.to_id, one.start_us,
                one.end_us, one.cause, one.backfilled, one.published_us,
            )
            for one in gaps
            if one.symbol == symbol
        ]  # fmt: skip
        judge([Hole(row) for row in rows], played.emitted[symbol], causes, findings)
    return findings.problems()


@pytest.mark.parametrize("feed", FEEDS, ids=[f"{one.facts.venue}-{one.facts.market}" for one in FEEDS])
@pytest.mark.parametrize("seed", range(4))
def test_each_gap_of_a_recorder_has_its_cause_at_its_source(feed: Feed, seed: int, tmp_path: Path) -> None:
    facts, draws = feed.facts, chance.stream(seed, "recording")
    with stage(facts.venue, facts.market, tmp_path, symbols=2, seed=seed, faults=faults.PUBLIC) as scene:
        recorder = Recorder(feed, scene, draws, late_us=S // 2)
        scene.play(20 + 30 * draws.random(), recorder.step)
        scene.exchange.calm(scene.now_us)
        scene.play(HEALS_S, recorder.step)
        assert recorder.gaps
        assert recorder.books_valid()
        assert wrong(scene, list(recorder.gaps.values())) == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_fault_that_ends_while_the_repair_is_on_its_way_is_the_cause_of_the_next_gap(
    seed: int, tmp_path: Path
) -> None:
    with stage("binance", "spot", tmp_path, symbols=2, seed=seed) as scene:
        recorder = Recorder(BINANCE_SPOT, scene, chance.stream(seed, "recording"), late_us=S // 2)

        def repair() -> Asked | None:
            found = (one for one in recorder.asked if one.fetch == FetchBook("ETHUSDT", check=False))
            return next((one for one in found if one.answer is not None), None)

        scene.play(5, recorder.step)
        assert scene.exchange.striker.strike(Wish("stall-symbol", "ETH/USDT"))
        again_us = scene.now_us + 40 * S
        while (late := repair()) is None:
            scene.play(0.02, recorder.step)
            if scene.now_us >= again_us:
                # The answer was here between two looks, and the stream was asked for anew.
                assert scene.exchange.striker.strike(Wish("stall-symbol", "ETH/USDT"))
                again_us += 40 * S
        # It comes when one more message was lost and the silence is over.
        late.here_us += 60 * S
        scene.play(0.5, recorder.step)
        lost = len(scene.of(FaultHit))
        assert scene.exchange.striker.strike(Wish("gap", "ETH/USDT", count=1))
        while len(scene.of(FaultHit)) == lost:
            scene.play(0.02, recorder.step)
        scene.exchange.calm(scene.now_us)
        late.here_us = scene.now_us + 20_000
        scene.play(HEALS_S, recorder.step)
        assert recorder.books_valid()
        *before, last = [one.cause for one in recorder.gaps.values() if one.channel == "book"]
        assert ({*before}, last) == ({"silence"}, "sequence")
        assert wrong(scene, list(recorder.gaps.values())) == ()
