"""K14, K22: whatever is asked and how the market moves: no lot is lost, no limit broken, the earlier comes first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import example, given
from hypothesis import strategies as st

from tapeline.domain.matching import End, Fill, Force, Gone, Level, Matching, Order, Side

OWNERS = ("one", "two")
LADDERS = st.tuples(st.integers(95, 105), st.integers(1, 3), st.lists(st.integers(1, 6), min_size=8, max_size=8))
LIMITS = st.tuples(
    st.sampled_from(["limit", "limit", "limit", "market", "budget"]),
    st.sampled_from(OWNERS),
    st.sampled_from(Side),
    st.integers(1, 12),
    st.integers(93, 108),
    st.sampled_from(Force),
    st.booleans(),
)
DEEDS = st.lists(
    st.one_of(
        LIMITS,
        LIMITS,
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("hit"), st.sampled_from(Side), st.integers(95, 105), st.integers(1, 8)),
        st.tuples(st.just("move"), LADDERS),
    ),
    max_size=40,
)


@dataclass
class World:
    """The matching, a ladder that the test moves, and all that ever happened."""

    matching: Matching = field(default_factory=Matching)
    orders: dict[int, Order] = field(default_factory=dict)
    filled: Counter[int] = field(default_factory=Counter)
    ended: dict[int, int] = field(default_factory=dict)
    from_market: Counter[Side] = field(default_factory=Counter)
    levels: dict[Side, list[Level]] = field(default_factory=dict)

    def move(self, best_bid: int, spread: int, lots: list[int]) -> None:
        """Put another ladder up, and let the market meet what rests."""
        bids, asks = lots[:4], lots[4:]
        self.levels = {
            Side.BUY: [(best_bid - away, there) for away, there in enumerate(bids)],
            Side.SELL: [(best_bid + spread + away, there) for away, there in enumerate(asks)],
        }
        for side in Side:
            ranks = self.ranks()
            hits = self.matching.meet(side, self.levels[side.other])
            self.lose(side.other, hits.taken)
            self.note(hits.fills, hits.gone)
            self.in_turn(hits.fills, ranks)
            assert sum(lots for _, lots in hits.taken) == hits.lots
            left = self.levels[side.other]
            assert not left or not any(
                side.reaches(order.price, left[0][0]) for order in self.resting() if order.side is side
            )

    def hit(self, side: Side, price: int, lots: int) -> None:
        """Let the market trade at a price."""
        ranks = self.ranks()
        hits = self.matching.hit(side, price, lots)
        assert hits.lots <= lots
        assert hits.taken == ()
        assert all(side.reaches(fill.price, price) for fill in hits.fills)
        self.note(hits.fills, hits.gone)
        self.in_turn(hits.fills, ranks)
        passed = [one for one in self.resting() if one.side is side and side.reaches(one.price, price)]
        # What the trade passed by is what it had no lots for.
        assert hits.lots == lots or not any(self.may_deal(one) for one in passed)

    def ask(self, order: Order) -> None:
        """Let a client place an order."""
        self.orders[order.id] = order
        ranks, held = self.ranks(), self.matching.held(order.owner)
        plan = self.matching.plan(order, self.levels.get(order.side.other, ()))
        assert self.matching.plan(order, self.levels.get(order.side.other, ())) == plan
        gone = self.matching.accept(plan)
        self.lose(order.side.other, plan.taken)
        self.note(plan.fills, gone)
        self.in_turn(plan.fills, ranks)
        dealt = sum(fill.lots for fill in plan.fills)
        assert all(order.side.reaches(order.price, fill.price) for fill in plan.fills)
        assert [fill.price for fill in plan.fills] == sorted(
            (fill.price for fill in plan.fills), reverse=order.side is Side.SELL
        )
        if order.budget is None:
            assert dealt + plan.resting + (0 if plan.end is None else order.lots - dealt) == order.lots
            assert (plan.end is End.FILLED) == (dealt == order.lots)
        else:
            assert sum(fill.price * fill.lots for fill in plan.fills) <= order.budget
        if plan.end is not None:
            self.ended[order.id] = 0 if order.budget is not None else order.lots - dealt
        if order.force is Force.POST_ONLY or plan.end in {End.NOT_WHOLE, End.WOULD_TAKE}:
            assert plan.fills == ()
        if order.force in {Force.IOC, Force.FOK} or order.price is None:
            assert plan.resting == 0
        if order.reduce_only:
            after = self.matching.held(order.owner)
            assert abs(after) <= abs(held)
            assert after * held >= 0

    def cancel(self, number: int) -> None:
        """Take an order away."""
        left = self.matching.left(number)
        assert self.matching.cancel(number) == left
        if left:
            self.ended[number] = left
        assert self.matching.cancel(number) == 0

    def note(self, fills: tuple[Fill, ...], gone: tuple[Gone, ...]) -> None:
        """Count what was dealt and what ended."""
        for fill in fills:
            assert fill.lots > 0
            for number in (fill.maker, fill.taker):
                if number is None:
                    side = next(self.orders[one].side for one in (fill.maker, fill.taker) if one is not None)
                    self.from_market[side] += fill.lots
                else:
                    assert number not in self.ended
                    self.filled[number] += fill.lots
            if fill.maker is not None:
                assert fill.price == self.orders[fill.maker].price
                assert fill.taker is None or self.orders[fill.taker].owner != self.orders[fill.maker].owner
        for one in gone:
            assert one.id not in self.ended
            assert one.lots == self.orders[one.id].lots - self.filled[one.id]
            self.ended[one.id] = one.lots

    def lose(self, side: Side, taken: tuple[Level, ...]) -> None:
        """Take lots off the market: whole levels from the best on, and a part of the last."""
        for number, (price, lots) in enumerate(taken):
            there_price, there = self.levels[side][0]
            assert price == there_price
            assert 0 < lots <= there
            assert lots == there or number == len(taken) - 1
            self.levels[side] = (
                self.levels[side][1:] if lots == there else [(price, there - lots), *self.levels[side][1:]]
            )

    def resting(self) -> list[Order]:
        """Return the orders that rest."""
        return [one for number, one in self.orders.items() if self.matching.left(number)]

    def may_deal(self, order: Order) -> bool:
        """Tell whether a resting order could deal a lot."""
        return not order.reduce_only or self.matching.held(order.owner) * order.side.sign < 0

    def ranks(self) -> dict[int, tuple[int, int]]:
        """Return the places in the queue: the better price first, then the earlier order."""
        return {one.id: (-one.side.sign * (one.price or 0), one.id) for one in self.resting()}

    def in_turn(self, fills: tuple[Fill, ...], ranks: dict[int, tuple[int, int]]) -> None:
        """Check that nobody was dealt with before those who stood in front of him."""
        makers = [fill.maker for fill in fills if fill.maker is not None]
        assert [ranks[one] for one in makers] == sorted(ranks[one] for one in makers)
        for last in makers[-1:]:
            order = self.orders[last]
            taker = next((self.orders[one.taker].owner for one in fills if one.taker is not None), None)
            for number, rank in ranks.items():
                other = self.orders[number]
                before = other.side is order.side and rank < ranks[last] and other.owner != taker
                assert not (before and self.matching.left(number) and not other.reduce_only)

    def conserve(self) -> None:
        """Check that every lot is somewhere, and only once."""
        for number, order in self.orders.items():
            if order.budget is None:
                left = self.matching.left(number)
                assert self.filled[number] + left + self.ended.get(number, 0) == order.lots
                assert min(left, self.filled[number]) >= 0
                assert not (left and number in self.ended)
        bought = {side: sum(self.filled[n] for n, one in self.orders.items() if one.side is side) for side in Side}
        assert bought[Side.BUY] - bought[Side.SELL] == self.from_market[Side.BUY] - self.from_market[Side.SELL]
        for owner in OWNERS:
            held = sum(one.side.sign * self.filled[n] for n, one in self.orders.items() if one.owner == owner)
            assert self.matching.held(owner) == held
        assert all(lots > 0 for levels in self.levels.values() for _, lots in levels)
        assert len(self.matching) == len(self.resting())


@given(LADDERS, DEEDS)
@example(
    (95, 1, [1, 2, 1, 1, 1, 1, 1, 1]), [("budget", "one", Side.SELL, 3, 94, Force.GTC, False)]
)  # a budget that buys no second lot at 94 and would at 93
def test_nothing_is_lost_doubled_or_dealt_out_of_turn(
    ladder: tuple[int, int, list[int]], deeds: list[tuple[object, ...]]
) -> None:
    world = World()
    world.move(*ladder)
    for deed in deeds:
        match deed:
            case ("cancel", int(number)):
                world.cancel(number)
            case ("hit", Side() as side, int(price), int(lots)):
                world.hit(side, price, lots)
            case ("move", (int(bid), int(spread), list(lots))):
                world.move(bid, spread, lots)
            case (str(kind), str(owner), Side() as side, int(lots), int(price), Force() as force, bool(reduce_only)):
                order = Order(
                    id=len(world.orders), owner=owner, side=side, lots=lots, price=price, force=force,
                    reduce_only=reduce_only,
                )  # fmt: skip
                if kind != "limit":
                    order = replace(order, price=None, force=Force.IOC)
                if kind == "budget":
                    order = replace(order, lots=0, budget=lots * price, reduce_only=False)
                world.ask(order)
        world.conserve()
