"""A pool's contract by its public description: swaps, liquidity that comes and goes, rounded as the chain rounds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cache

ONE = 1 << 96
TICK_END = 887_272
MILLION = 1_000_000
# The first factor belongs to the lowest bit of a tick.
_MAGIC = (
    "fffcb933bd6fad37aa2d162d1a594001 fff97272373d413259a46990580e213a fff2e50f5f656932ef12357cf3c7fdcc "
    "ffe5caca7e10e4e61c3624eaa0941cd0 ffcb9843d60f6159c9db58835c926644 ff973b41fa98c081472e6896dfb254c0 "
    "ff2ea16466c96a3843ec78b326b52861 fe5dee046a99a2a811c461f1969c3053 fcbe86c7900a88aedcffc83b479aa3a4 "
    "f987a7253ac413176f2b074cf7815e54 f3392b0822b70005940c7a398e4b70f3 e7159475a2c29b7443b29c7fa6e889d9 "
    "d097f3bdfd2022b8845ad8f792aa5825 a9f746462d870fdf8a65dc1f90e061e5 70d869a156d2a1b890bb3df62baf32f7 "
    "31be135f97d08fd981231505542fcfa6 9aa508b5b7a84e1c677de54f3e99bc9 5d6af8dedb81196699c329225ee604 "
    "2216e584f5fa1ea926041bedfe98 48a170391f7dc42444e8fa2"
)
MAGIC = tuple(int(word, 16) for word in _MAGIC.split())


@cache
def sqrt_at(tick: int) -> int:
    """Return the contract's square root of 1.0001^tick, times 2^96."""
    left, ratio = abs(tick), 1 << 128
    for magic in MAGIC:
        left, bit = divmod(left, 2)
        if bit:
            ratio = (ratio * magic) >> 128
    ratio = ((1 << 256) - 1) // ratio if tick > 0 else ratio
    return (ratio + (1 << 32) - 1) // (1 << 32)


def tick_of(root: int) -> int:
    """Return the tick that a root lies in."""
    return bisect_right(range(-TICK_END, TICK_END + 1), root, key=sqrt_at) - 1 - TICK_END


def _up(top: int, bottom: int) -> int:
    return (top + bottom - 1) // bottom


@dataclass(slots=True)
class Swapped:
    """What a swap did; amounts are the pool's: what it took in is positive."""

    amount0: int
    amount1: int
    root: int
    liquidity: int
    tick: int


@dataclass(slots=True, kw_only=True)
class Curve:
    """The state of one pool."""

    fee: int
    spacing: int
    root: int
    tick: int
    liquidity: int = 0
    net: dict[int, int] = field(default_factory=dict)
    gross: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Curve:
        """Return the state as it is now."""
        return Curve(
            fee=self.fee,
            spacing=self.spacing,
            root=self.root,
            tick=self.tick,
            liquidity=self.liquidity,
            net=dict(self.net),
            gross=dict(self.gross),
        )

    def provide(self, lower: int, upper: int, amount: int) -> None:
        """Put liquidity between two ticks, or take it out where the amount is negative."""
        for tick, change in ((lower, amount), (upper, -amount)):
            self.net[tick] = self.net.get(tick, 0) + change
            self.gross[tick] = self.gross.get(tick, 0) + amount
            if not self.gross[tick]:
                del self.gross[tick], self.net[tick]
        if lower <= self.tick < upper:
            self.liquidity += amount

    def swap(self, amount: int, *, zero_for_one: bool) -> Swapped:
        """Pay in an amount and take out what the curve gives for it; liquidity that ends, ends the swap."""
        left, paid, got = amount, 0, 0
        while left > 0:
            tick = self._next(zero_for_one=zero_for_one)
            if tick is None:
                break
            cost, gain = self._step(left, sqrt_at(tick), zero_for_one=zero_for_one)
            left, paid, got = left - cost, paid + cost, got + gain
            if self.root == sqrt_at(tick):
                change = self.net[tick]
                self.liquidity += -change if zero_for_one else change
                self.tick = tick - 1 if zero_for_one else tick
            else:
                self.tick = tick_of(self.root)
        amounts = (paid, -got) if zero_for_one else (-got, paid)
        return Swapped(*amounts, self.root, self.liquidity, self.tick)

    def _next(self, *, zero_for_one: bool) -> int | None:
        ticks = sorted(self.net)
        if zero_for_one:
            at = bisect_right(ticks, self.tick) - 1
            return ticks[at] if at >= 0 else None
        at = bisect_left(ticks, self.tick + 1)
        return ticks[at] if at < len(ticks) else None

    def _step(self, left: int, target: int, *, zero_for_one: bool) -> tuple[int, int]:
        """Walk towards a root with what is left; return what was paid, with the fee, and what was got."""
        root, liquidity = self.root, self.liquidity
        usable = left * (MILLION - self.fee) // MILLION
        if usable >= self._cost(root, target, zero_for_one=zero_for_one):
            self.root = target
        elif zero_for_one:
            self.root = _up(liquidity * ONE * root, liquidity * ONE + usable * root)
        else:
            self.root = root + usable * ONE // liquidity
        paid = self._cost(root, self.root, zero_for_one=zero_for_one)
        fee = _up(paid * self.fee, MILLION - self.fee) if self.root == target else left - paid
        gap = abs(self.root - root)
        got = (
            liquidity * gap // ONE
            if zero_for_one
            else liquidity * ONE * gap // max(root, self.root) // min(root, self.root)
        )
        return paid + fee, got

    def _cost(self, start: int, end: int, *, zero_for_one: bool) -> int:
        gap = abs(end - start)
        if zero_for_one:
            return _up(_up(self.liquidity * ONE * gap, max(start, end)), min(start, end))
        return _up(self.liquidity * gap, ONE)
