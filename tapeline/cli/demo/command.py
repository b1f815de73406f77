"""The demo's course: start, break things while it runs, let it heal, settle, stand still, drain, audit, stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from simulator import steering
from tapeline.cli.demo import plan
from tapeline.cli.demo.auditing import audited_in
from tapeline.cli.demo.drain import drained, open_gaps, settled, stop_trading
from tapeline.cli.demo.kills import Killer
from tapeline.cli.demo.plan import Wish
from tapeline.cli.demo.result import Result, result_of, view
from tapeline.cli.demo.screen import Screen
from tapeline.cli.demo.usage import Usages
from tapeline.cli.failure import CRASH, OK
from tapeline.cli.foreground import Run, run_and_stop
from tapeline.cli.render import Output
from tapeline.cli.view import span
from tapeline.errors import Unavailable
from tapeline.runtime import clock, endpoints, runfile, settings
from tapeline.runtime.lifecycle import background
from tapeline.runtime.runfile import RunFile

HEAL_S: Final = 14.0
"""The market moves on for so long after the last fault: trades without numbers are compared every 10 s, and twice."""
HEALED_S: Final = 90.0
"""Repairs wait for the venues' limits at the most for so long: a window of them is a minute."""
SETTLE_S: Final = 30.0
"""What is under way gets so long to its end: an order that never arrived is looked up for some seconds."""
DRAIN_S: Final = 60.0
REFRESH_S: Final = 1.0


class Demo:
    """One run of the demo."""

    def __init__(self, out: Output, wish: Wish) -> None:
        """Take what is wished for; nothing runs yet."""
        self.result: Result | None = None
        self.settings = plan.settings_of(settings.load(), wish)
        self._out = out
        self._wish = wish
        self._usages = Usages(self.settings)
        self._ready_s = self._ran_s = 0.0

    async def run(self, services: Run) -> None:
        """Run it to its result."""
        began_s = clock.monotonic_s()
        await services.start()
        run = self._run_file()
        self._ready_s = clock.monotonic_s() - began_s
        until = "; Ctrl-C stops it and audits" if self._wish.for_s is None else ""
        self._out.remark(f"ready in {span(self._ready_s)}{until}")
        if self._wish.faults:
            await steering.tell(run.addresses.venues, "arm")
        ready_s = clock.monotonic_s()
        async with self._killing():
            await self._watch(ready_s)
        await self._heal(run)
        known = endpoints.resolve(self.settings)
        await stop_trading(known.postgres, within_s=SETTLE_S)
        if not await settled(known.postgres, within_s=SETTLE_S):
            self._out.remark(f"some orders are still under way after {span(SETTLE_S)}; the audit will name them")
        await steering.tell(run.addresses.venues, "halt")
        self._ran_s = clock.monotonic_s() - ready_s
        self._out.remark("the markets stand still; waiting until all is stored")
        await drained(known.kafka, within_s=DRAIN_S)
        self._usages.look()
        audited = await audited_in(self.settings)
        self.result = result_of(audited, self._usages.found(), ready_s=self._ready_s, ran_s=self._ran_s)

    @contextlib.asynccontextmanager
    async def _killing(self) -> AsyncIterator[None]:
        """Kill processes beside the block, where that is wished; afterwards all of them are back."""
        if not self._wish.kills:
            yield
            return
        killer = Killer(self.settings.data.dir, seed=self._wish.seed)
        async with background("kills", killer.run()) as kills:
            yield
            killer.end()
            await asyncio.wait({kills}, timeout=self.settings.embedded.ready_timeout_s)

    async def _watch(self, ready_s: float) -> None:
        """Show the run until its time is over; Ctrl-C ends it early, as an ordinary end."""
        end_s = float("inf") if self._wish.for_s is None else ready_s + self._wish.for_s
        shown = not (self._wish.headless or self._out.as_json)
        async with contextlib.AsyncExitStack() as stack:
            show = stack.enter_context(self._out.live())
            screen = await stack.enter_async_context(Screen(self.settings)) if shown else None
            try:
                while (now_s := clock.monotonic_s()) < end_s:
                    self._usages.look()
                    if screen is not None:
                        await screen.look()
                        show(None, partial(screen.view, now_s - ready_s))
                    await asyncio.sleep(min(REFRESH_S, max(0.0, end_s - clock.monotonic_s())))
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or self._wish.for_s is not None:
                    raise
                task.uncancel()

    async def _heal(self, run: RunFile) -> None:
        """End all faults and let the pipeline find out what it missed."""
        if not (self._wish.faults or self._wish.kills):
            return
        self._out.remark(f"no more faults; the pipeline has {span(HEAL_S)} to find what it missed")
        await steering.tell(run.addresses.venues, "calm")
        calm_s = clock.monotonic_s()
        store = endpoints.resolve(self.settings).clickhouse
        while (waited_s := clock.monotonic_s() - calm_s) < HEAL_S or await open_gaps(store):
            if waited_s > HEALED_S:
                self._out.remark(f"some gaps are still open after {span(HEALED_S)}; the audit will name them")
                return
            self._usages.look()
            await asyncio.sleep(REFRESH_S)

    def _run_file(self) -> RunFile:
        run = runfile.standing(self.settings.data.dir)
        if run is None:
            raise Unavailable(f"the demo stopped by itself; the logs in {self.settings.log.dir} say why")
        return run


def demo(out: Output, wish: Wish) -> int:
    """Run a demo and show its result; exit code 1 when its audit does not balance."""
    one = Demo(out, wish)
    plan.empty(one.settings.data.dir)
    run_and_stop(one.run, out, one.settings)
    if one.result is None:
        return OK  # stopped before there was anything to audit
    out.show(one.result.as_json(), partial(view, one.result, one.settings))
    return OK if one.result.balanced else CRASH
