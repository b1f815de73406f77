"""The sink's own protocol over a model of Kafka and ClickHouse: whatever dies, pauses or joins, each row stands once.

The real lane, note and memory run; the model is the world: a log, a group that takes commits of its present owner only,
a table with a window of tokens and a last moment. Any step of any sink may be its last, or come an age later.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from sinks import pending
from sinks.batching import Bounds, Commit, Entry, Insert, Lane, Range, opened, token
from sinks.known import FOREVER, Group, Key, Known

SEEDS = 1_600
RECORDS = 60
LOOK_UP = 3
BOUNDS = Bounds(rows=6, wait_s=8.0)
PROVE_AFTER = 10
SEND_WITHIN = 30
# More than the batches that can be written in SEND_WITHIN: each takes a tick at least.
WINDOW = SEND_WITHIN + 10


@dataclass(slots=True)
class Rules:
    """What holds in the world; each test of the tests takes one away."""

    notes: bool = True
    window: int = WINDOW
    send_within: float = SEND_WITHIN
    memory: bool = True
    fence: bool = True
    retention: bool = False


@dataclass(slots=True)
class World:
    """Kafka and ClickHouse, as far as the sink sees them."""

    rng: random.Random
    rules: Rules
    log: list[Key] = field(default_factory=list)
    oldest: int = 0
    generation: int = 0
    committed: tuple[int, str] | None = None
    table: list[Key] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    gone: list[range] = field(default_factory=list)
    now: float = 0.0

    def produce(self) -> None:
        """Append a record: mostly a new one, at times one sent again, at times one from long before."""
        if self.log and self.rng.random() < 0.2:
            back = self.rng.randint(1, min(len(self.log), 12 if self.rng.random() < 0.9 else len(self.log)))
            self.log.append(self.log[-back])
            return
        number = len(self.log)
        # Unordered ids; a backfilled one comes late.
        at_us = 10**12 + number // 9 * 9 * 10**6 * 6 - (number % 7 == 3) * 10**9
        self.log.append(Key((f"i{number % 3}",), f"id-{number * 7919 % 1000}-{number}", at_us))

    def delete(self) -> None:
        """Delete some of the oldest records, also such that no sink has stored."""
        self.oldest = min(len(self.log), self.oldest + self.rng.randint(1, 8))

    def commit(self, generation: int, offset: int, wanted: Range | None) -> bool:
        """Take a commit of the present owner."""
        if self.rules.fence and generation != self.generation:
            return False
        self.committed = (offset, pending.note(wanted) if self.rules.notes else "")
        return True

    def insert(self, keys: list[Key], name: str, send_by: float) -> bool:
        """Store rows once a token; False when they come too late."""
        if self.now > send_by:
            return False
        if name not in self.tokens:
            self.table += keys
            self.tokens = [*self.tokens, name][-self.rules.window :] if self.rules.window else []
        return True

    def stored(self, asked: Mapping[Group, int], limit: int) -> list[Key]:
        """Answer a look-up: the oldest of each group from its time on."""
        found = []
        for group, since_us in asked.items():
            keys = {key for key in self.table if key.group == group and key.ts_us >= since_us}
            found += sorted(keys, key=lambda key: key.ts_us)[:limit]
        return found


@dataclass(slots=True)
class Worker:
    """One sink's life in steps; each yield is a moment at which it may die or be left alone for any time."""

    world: World
    generation: int
    lane: Lane
    known: Known = field(default_factory=lambda: Known(limit=2, groups=2))
    proved: float = float("-inf")

    def life(self) -> Iterator[None]:
        """Take in what there is and do what the lane decides."""
        while True:
            yield
            self.poll()
            decision = self.lane.decide(self.world.now, flush=self.world.rng.random() < 0.1)
            renew = isinstance(decision, Insert) and self.world.now - self.proved > PROVE_AFTER
            if renew:
                decision = self.lane.renewal()
            if isinstance(decision, Commit):
                before = self.world.now
                yield
                if not self.world.commit(self.generation, decision.offset, decision.pending):
                    return
                yield
                self.proved = before
                if not renew:
                    self.lane.committed()
            elif isinstance(decision, Insert):
                yield from self.store(decision)

    def poll(self) -> None:
        """Take in some records; those that are gone are told."""
        start = max(self.lane.expected or 0, self.world.oldest)
        if self.lane.jumped(start):
            self.world.gone.append(range(self.lane.expected or 0, start))
            self.lane.skip_to(start)
        log = self.world.log
        taken = range(start, len(log))[: self.world.rng.randint(0, 9)]
        self.lane.offer([Entry(at, at, 10, 1, log[at], at) for at in taken], self.world.now)

    def store(self, decision: Insert) -> Iterator[None]:
        """Send the rows that are not stored; the request or its answer may get lost."""
        world, known = self.world, self.known
        keys = [entry.key for entry in decision.entries if entry.key is not None]
        limit = LOOK_UP
        while asked := known.wanted(keys):
            answer = world.stored(asked, limit)
            yield
            if not known.loaded(asked, answer if world.rules.memory else [], limit=limit):
                limit *= 2
        rows = [key for key, new in zip(keys, known.fresh(keys), strict=True) if new]
        yield
        if world.rng.random() < 0.1:
            return
        if rows and not world.insert(rows, token("t", 0, decision.range), self.proved + world.rules.send_within):
            self.proved = float("-inf")
            return
        yield
        if world.rng.random() < 0.1:
            return
        known.stored(keys)
        self.lane.inserted()


def sink(world: World) -> Iterator[None]:
    """Join the group, take the partition over, and live."""
    world.generation += 1
    generation = world.generation
    yield
    offset, text = world.committed or (None, "")
    left = pending.read(text, where="model")
    lane, gone = opened(BOUNDS, offset, left, oldest=world.oldest, end=len(world.log))
    if gone:
        world.gone.append(gone)
    yield from Worker(world, generation, lane).life()


def simulate(seed: int, rules: Rules) -> World:
    """Let sinks come, go, pause and die until everything is settled and every late one has had its say."""
    rng = random.Random(seed)  # noqa: S311 - a seed to repeat a failure by
    world = World(rng, rules)
    owner, late = sink(world), list[Iterator[None]]()
    while len(world.log) < RECORDS or rng.random() < 0.95:
        world.now += rng.choice((1, 1, 1, 2, 5))
        if len(world.log) < RECORDS and rng.random() < 0.5:
            world.produce()
        chance = rng.random()
        if chance < 0.03:
            owner = sink(world)  # killed
        elif chance < 0.07:
            late.append(owner)  # paused, or slow to hear that another has joined
            owner = sink(world)
        elif rules.retention and chance < 0.09 and world.committed is not None:
            # Before its first commit a group has no past that it could miss.
            world.delete()
        if late and rng.random() < 0.15:
            next(late[rng.randrange(len(late))], None)
        next(owner, None)
    owner = sink(world)
    for _ in range(3_000):
        world.now += 1
        next(owner, None)
        if world.committed == (len(world.log), ""):
            break
    assert world.committed == (len(world.log), "")
    for one in late:
        _drain(world, one)
    return world


def _drain(world: World, late: Iterator[None]) -> None:
    """Let a late sink have its say."""
    for _ in zip(range(60), late, strict=False):
        world.now += 1


def doubled(world: World) -> int:
    return sum(count - 1 for count in Counter(world.table).values())


def lost(world: World) -> set[Key]:
    """Return what is not stored and in no hole that was told."""
    told = {world.log[at] for hole in world.gone for at in hole}
    return set(world.log) - set(world.table) - told


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("retention", [False, True])
def test_each_row_is_stored_once_whatever_dies_pauses_or_joins(part: int, *, retention: bool) -> None:
    for seed in range(part * SEEDS // 4, (part + 1) * SEEDS // 4):
        world = simulate(seed, Rules(retention=retention))
        assert (seed, lost(world), doubled(world)) == (seed, set(), 0)
        assert retention or not world.gone


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(Rules(window=0), id="no window of tokens"),
        pytest.param(Rules(window=3, send_within=FOREVER), id="no last moment"),
        pytest.param(Rules(notes=False), id="nothing recorded before the insert"),
        pytest.param(Rules(memory=False), id="no look-up of what is stored"),
        pytest.param(Rules(fence=False), id="commits of anyone"),
    ],
)
def test_without_any_one_of_the_rules_rows_are_lost_or_doubled(rules: Rules) -> None:
    """Tests the test: each rule of the protocol is needed, and the model shows it."""
    worlds = (simulate(seed, rules) for seed in range(SEEDS))
    assert any(doubled(world) or lost(world) for world in worlds)
