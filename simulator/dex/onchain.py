"""The venues on one simulated chain: a node and a service of quotes, whose world grows by blocks, with their faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from simulator import faults
from simulator.chance import stream
from simulator.dex import world
from simulator.dex.node import Node
from simulator.dex.quotes import Quotes

NODE = "uniswap"
QUOTES = "1inch"
VENUES = (NODE, QUOTES)
FAULTS: Mapping[str, tuple[str, ...]] = {NODE: ("cut", "429"), QUOTES: ("429",)}
"""What of the catalogue can happen to each."""
BLOCK_S = 2.0
SLOWEST_S = 12.0
"""The chain that is simulated has a block so often; a demo does not wait so long."""
REFUSE_S = 3.0
REFUSED_CALLS = 4
_US_PER_S = 1_000_000


class Schedule:
    """When faults happen to one venue, from the time when it was armed."""

    def __init__(self, names: tuple[str, ...], seed: int) -> None:
        """Begin unarmed."""
        self.counts: Counter[str] = Counter()
        self._names, self._seed = names, seed
        self._armed_s: float | None = None
        self._plan: Iterator[tuple[float, str]] = iter(())
        self._next: tuple[float, str] | None = None

    def arm(self, now_s: float) -> None:
        """Start from the beginning."""
        self._armed_s, self._plan = now_s, faults.plan(self._names, self._seed)
        self._next = next(self._plan, None)

    def arm_once(self, now_s: float) -> None:
        """Start unless it runs, or ran."""
        if self._armed_s is None:
            self.arm(now_s)

    def calm(self) -> None:
        """Let nothing more happen."""
        self._next = None

    def due(self, now_s: float) -> Iterator[str]:
        """Yield what is to happen now."""
        while self._next is not None and self._armed_s is not None and now_s >= self._armed_s + self._next[0]:
            yield self._next[1]
            self._next = next(self._plan, None)


class OnChain:
    """One chain and the venues on it."""

    def __init__(self, *, key: str, now_us: int, seed: int = 0, rate: float = 1.0, names: tuple[str, ...] = ()) -> None:
        """Begin with the first block; `rate` scales how often there is one, `names` are the faults."""
        chain = world.genesis(now_us // _US_PER_S)
        self.node = Node(chain)
        self.quotes = Quotes(chain, key)
        self.halted = False
        self.schedules = {
            venue: Schedule(tuple(name for name in names if name in can), seed) for venue, can in FAULTS.items()
        }
        self._chance = stream(seed, "dex")
        self._block_s = min(SLOWEST_S, BLOCK_S / rate)
        self._sealed_s: float | None = None

    def tick(self, now_us: int, now_s: float) -> None:
        """Do what time asks for."""
        for venue, schedule in self.schedules.items():
            for name in schedule.due(now_s):
                self.strike(venue, name, now_s)
        if self._sealed_s is None:
            self._sealed_s = now_s
        if not self.halted and now_s >= self._sealed_s + self._block_s:
            self._sealed_s = now_s
            world.trade(self.node.chain, self._chance)
            self.node.tell(self.node.chain.seal(now_us // _US_PER_S))

    def strike(self, venue: str, name: str, now_s: float) -> bool:
        """Let a fault happen now; False where it cannot."""
        if name not in FAULTS[venue]:
            return False
        if name == "cut":
            if not self.node.listeners:
                return False
            for listener in tuple(self.node.listeners):
                listener.cut()
        elif venue == NODE:
            self.node.limited = REFUSED_CALLS
        else:
            self.quotes.refuses_until_s = now_s + REFUSE_S
        self.schedules[venue].counts[name] += 1
        return True

    def calm(self) -> None:
        """End all faults."""
        for schedule in self.schedules.values():
            schedule.calm()
        self.node.limited, self.quotes.refuses_until_s = 0, 0.0

    def halt(self) -> None:
        """Stand still: no block comes any more."""
        self.halted = True
