"""The executor's own process for tests, with one named moment at which it kills or stops itself.

`python -m tests.support.executor_program ACCOUNT FOLDER POINT ACTION NTH LEASE_S`: at the NTH time that it comes to
POINT (see `POINTS`, or `never`) it writes FOLDER/reached; then `kill` is SIGKILL and `stop` is SIGSTOP. What its links
answered to orders stands in FOLDER/answers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import msgspec

from executor.__main__ import trade
from executor.ports import Log, Store, Taken, VenueLink
from executor.running import Executor, Ports
from executor.terms import US_PER_S, Known, Terms
from tapeline.domain.order_records import OrderEvent
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_ON_THE_WAY_S: Final = 0.3
"""So long after an order was begun to be sent it is at the venue, whose answers are slow in such a test."""
_VISIBLE_US: Final = US_PER_S
"""Simulated venues show an order as soon as they have it."""
When = Literal["before", "during", "after"]
Matches = Callable[[tuple[Any, ...], Any], object]


def _always(given: tuple[Any, ...], answer: object) -> bool:
    del given, answer
    return True


def _tells_orders(given: tuple[Any, ...], answer: object) -> bool:
    del answer
    values = [one.record.value for one in given[0]]
    return any(isinstance(one, OrderEvent) and one.kind == "order_filled" for one in values)


def _ours(given: tuple[Any, ...], answer: object) -> bool:
    del answer
    lease, logged, *_ = given
    # The log also has intents of other accounts, which are only passed.
    return any(one.intent is not None and one.intent.account == lease.account for one in logged)


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a port's operation."""

    call: str
    when: When
    matches: Matches = _always


POINTS: Final[Mapping[str, Point]] = {
    "before-take": Point("take", "before", _ours),
    "after-take": Point("take", "after", lambda _, answers: any(isinstance(one, Taken) for one in answers)),
    "before-closing": Point("take_own", "before"),
    "after-closing": Point("take_own", "after", lambda _, answer: isinstance(answer, Taken)),
    "before-request": Point("place", "before"),
    "sent": Point("place", "during"),
    "answered": Point("place", "after"),
    # The venue has dealt it and said so, and none of its fills is booked.
    "booked": Point("answered", "after", lambda _, order: order.filled < order.told_filled),
    "one-leg": Point("filled", "after", lambda _, is_new: is_new),
    "before-publish": Point("publish", "before", _tells_orders),
    "after-publish": Point("publish", "after", _tells_orders),
    "reconciling": Point("repair", "before"),
    "reconciled": Point("repair", "after"),
    "before-settle": Point("settle", "before"),
    "after-settle": Point("settle", "after"),
}
_WATCHED: Final = frozenset(point.call for point in POINTS.values())


@dataclass(slots=True)
class Script:
    """Acts once, at the `left`th time that the point is reached."""

    point: str
    action: str
    left: int
    folder: Path
    held: bool = False

    async def through(self, call: str, work: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the port answers
        """Do an operation of a port, and act where it is time."""
        if self.point == "one-leg" and call == "place":
            await self._hold()
        self._reached(call, "before", given, None)
        self._reached(call, "during", given, None)
        answer = await work(*given, **named)
        if call == "place":
            with (self.folder / "answers").open("a", encoding="utf-8") as answers:
                answers.write(f"{given[0].client_id} {answer}\n")
        self._reached(call, "after", given, answer)
        return answer

    async def _hold(self) -> None:
        """Keep one order back for ever: its turn comes with the other leg's fill."""
        if self.held:
            return
        self.left -= 1
        if self.left == 0:
            self.held, self.left = True, 1
            _ = await asyncio.Event().wait()

    def _reached(self, call: str, when: When, given: tuple[Any, ...], answer: object) -> None:
        point = POINTS.get(self.point)
        if point is None or (point.call, point.when) != (call, when) or not point.matches(given, answer):
            return
        if self.point == "one-leg" and not self.held:
            return
        self.left -= 1
        if self.left == 0:
            delay_s = _ON_THE_WAY_S if when == "during" else 0.0
            if delay_s:
                _ = asyncio.get_running_loop().call_later(delay_s, self._act)
            else:
                self._act()

    def _act(self) -> None:
        (self.folder / "reached").touch()
        os.kill(os.getpid(), _SIGNALS[self.action])


class Watched:
    """A port whose operations pass the script."""

    def __init__(self, port: object, script: Script) -> None:
        self._port = port
        self._script = script

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the port's own
        """Return what the port has, an operation that has a point by way of the script."""
        found = getattr(self._port, name)
        if name not in _WATCHED:
            return found

        async def through(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - the port's own
            return await self._script.through(name, found, given, named)

        return through


def building(script: Script, lease_s: float) -> Callable[[Ports, Known, Terms, str], Executor]:
    """Return what builds the executor with the script between it and its ports, and with a lease of so long."""

    def build(ports: Ports, known: Known, terms: Terms, holder: str) -> Executor:
        watched = Ports(
            store=cast("Store", Watched(ports.store, script)),
            log=cast("Log", Watched(ports.log, script)),
            links={where: cast("VenueLink", Watched(link, script)) for where, link in ports.links.items()},
            clock=ports.clock,
            spawn=ports.spawn,
            alarm=ports.alarm,
        )
        quick = msgspec.structs.replace(known, visibility_us=dict.fromkeys(known.visibility_us, _VISIBLE_US))
        own = msgspec.structs.replace(terms, lease_us=int(lease_s * US_PER_S), renew_every_s=lease_s / 5)
        return Executor(watched, quick, own, holder=holder)

    return build


def main(arguments: list[str]) -> int:
    """Run the process and return its exit code."""
    account, folder, point, action, nth, lease_s = arguments
    script = Script(point, action, int(nth), Path(folder))

    async def body(life: Lifecycle) -> None:
        await trade(life, account, building(script, float(lease_s)))

    return lifecycle.run(body, service="executor")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
