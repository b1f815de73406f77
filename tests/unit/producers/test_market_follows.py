"""Answers that lead to a next question, doubts of the venue, quiet books where REST has none: Uniswap is the model."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from producers.actions import Action, Look, Reopen, Send
from producers.market import MarketFeed, Record
from producers.pool import Slot
from tapeline.domain.events import Gap, OfInstrument, Trade
from tapeline.venues.contract import Want
from tapeline.venues.uniswap import SPOT
from tests.venues.expected_uniswap import POOL, TIME_S, of_block, of_ticks
from tests.venues.recorded import own

S = 1_000_000
SLOT = Slot("public", 1)
WANTS = (Want(channel="book", native=POOL), Want(channel="trade", native=POOL))
FRAMES = {line.channel: line.data for line in own("uniswap", "spot")}
NOW_US = TIME_S * S + 2 * S


class Market:
    """A market feed of one pool, whose subscription has been answered, and the records that it made."""

    def __init__(self) -> None:
        self.made: list[Record] = []
        of = OfInstrument(venue="uniswap", market="spot", symbol="ETH/USDC")
        self.feed = MarketFeed(SPOT, {POOL: of}, encode=self._encode, partitions=4, depth=20, most_waiting=1_000)
        self.feed.connected(SLOT, WANTS, NOW_US)
        self.feed.frame(SLOT, b'{"id":1,"result":"0xabc"}', NOW_US)

    def _encode(self, topic: str, record: Record) -> bytes:
        self.made.append(record)
        return topic.encode()

    def hear(self, channel: str, *, slot: Slot = SLOT) -> list[Action]:
        """Take one of our own frames."""
        return self.feed.frame(slot, FRAMES[channel], NOW_US)

    def gaps(self) -> list[Gap]:
        """Return the gaps."""
        return [one for one in self.made if isinstance(one, Gap)]

    @property
    def is_valid(self) -> bool:
        """Whether the book is valid."""
        return self.feed.valid_books() == (1, 1)


def methods(actions: Sequence[Action]) -> list[str]:
    """Return which calls are sent that are no batches."""
    return [msgspec.json.decode(one.frame)["method"] for one in actions if isinstance(one, Send)]


def test_an_answer_leads_to_the_next_question_once() -> None:
    market = Market()
    assert market.hear("notice") == [Send(SLOT, of_block(0).frame)]
    assert market.hear("notice_mint") == []
    assert market.hear("block") == [Send(SLOT, of_ticks(0).frame)]
    assert market.hear("block") == []
    assert market.hear("book") == [Look(FRAMES["book"])]
    assert market.is_valid
    assert [one.trade_id[-2:] for one in market.made if isinstance(one, Trade)] == ["58", "59"]


def test_another_socket_and_a_new_connection_ask_anew() -> None:
    market = Market()
    market.hear("notice")
    other = Slot("public", 2)
    assert market.hear("notice", slot=other) == [Send(other, of_block(0).frame)]
    market.feed.lost(SLOT, WANTS, "disconnect", "cut", NOW_US)
    market.feed.connected(SLOT, WANTS, NOW_US + S)
    assert market.hear("notice") == [Send(SLOT, of_block(0).frame)]


def test_a_doubt_makes_the_book_stale_and_asks_for_it_and_trades_have_a_gap() -> None:
    market = Market()
    market.hear("book")
    actions = market.hear("removed")
    assert methods(actions) == ["eth_getBlockByNumber"]
    assert not market.is_valid
    assert [(one.channel, one.cause) for one in market.gaps()] == [("book", "venue"), ("trade", "venue")]
    assert "left the chain" in (market.gaps()[0].detail or "")
    # Said once, however many events were in the block.
    assert market.hear("removed") == []
    assert len(market.gaps()) == 2


def test_a_quiet_book_is_asked_for_on_its_socket_where_rest_has_none() -> None:
    market = Market()
    market.hear("book")
    assert methods(market.feed.tick(NOW_US + 19 * S)) == []
    assert methods(market.feed.tick(NOW_US + 21 * S)) == ["eth_getBlockByNumber"]
    assert market.is_valid


def test_a_node_that_refuses_a_batch_without_its_name_is_given_up() -> None:
    assert Market().hear("unnamed_refusal") == [Reopen(SLOT, "the node refused: limit exceeded (-32005)")]


def test_a_book_that_does_not_come_is_asked_for_again_and_nobody_doubts_trades_of_a_stream_that_stands() -> None:
    market = Market()
    (subscription,) = market.feed.connected(SLOT, WANTS, NOW_US)
    assert isinstance(subscription, Send)
    market.feed.sent(subscription, NOW_US)
    (asked,) = market.feed.tick(NOW_US + 10 * S)
    assert isinstance(asked, Send)
    market.feed.sent(asked, NOW_US + 10 * S)
    market.made.clear()
    again = market.feed.tick(NOW_US + 13 * S)
    assert methods(again) == methods([asked])
    assert market.made == []
