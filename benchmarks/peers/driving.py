"""Runs inside a peer's own Python: takes commands as JSON lines, does them, answers each with one.

Standard library alone, for the peer's environment has nothing that is ours. What a peer's program must do stands in
`Peer`; how it is measured stands here, once for all, ours included: the same frames from the same file, CPU time of the
whole process, garbage collection off.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import gzip
import inspect
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Take = Callable[[Any], Any]
"""Takes one frame, as text or bytes; what it returns is awaited where it is a coroutine function."""
Message = str | bytes
"""What a socket brings: a text message or a binary one."""
Side = list[tuple[float, float]]
Top = tuple[Side, Side]
"""The best bids and asks as price and quantity, best first."""
SHOWN = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")
GZIP = b"\x1f\x8b"
_BINARY = "base64"


class Recording(NamedTuple):
    """A book's snapshot and what followed; `wholes`: the venue's own book after each frame, as the venue says it.

    `answers` is what a subscription is answered with, `before` the changes that arrive before the snapshot, which has
    them; `source` is where the snapshot comes from: `rest`, the `stream` itself, or the stream on `request`.
    """

    venue: str
    market: str
    native: str
    base: str
    quote: str
    start: Message
    frames: Sequence[Message]
    wholes: Sequence[Message]
    source: str
    answers: Sequence[Message] = ()
    before: Sequence[Message] = ()

    @property
    def spot(self) -> bool:
        """Whether it is the spot market."""
        return self.market == "spot"

    @property
    def over_rest(self) -> bool:
        """Whether the venue gives its books over REST and not in the stream."""
        return self.source == "rest"


class Seen(NamedTuple):
    """What came of one delivered frame: the books that the user was handed, and what the peer did beside that."""

    books: list[Top]
    said: list[str]


class Delivery(NamedTuple):
    """A frame as it arrives, and how far the venue itself is by then."""

    frame: Message
    at: int


class Peer(Protocol):
    """What a peer's program does."""

    binary: bool
    """Whether texts are bytes to it; its own socket decides that. What is binary on the wire is bytes to all."""

    async def begin(self, recording: Recording, to: str) -> Take:
        """Hold the book of the recording's start and return what takes frames, to a `book` or a `record`."""

    def top(self) -> Top:
        """Return what the book says now."""

    async def live(self, url: str, take: Take) -> None:
        """Let frames be taken as they come off a socket, by the client that the peer has itself, until it closes."""

    async def meet(self, recording: Recording, deliveries: Sequence[Delivery]) -> list[Seen]:
        """Begin anew, take these deliveries and return what came of each."""

    async def hold(self, recordings: Iterable[Recording]) -> object:
        """Hold a book of each at once and return them, so that they stay."""


def serve(peer: Peer, *libraries: str) -> None:
    """Answer commands until there are no more."""
    asyncio.run(_serve(peer, libraries))


async def _serve(peer: Peer, libraries: Sequence[str]) -> None:
    _tell({"python": platform.python_version(), "versions": {name: version(name) for name in libraries}})
    for line in sys.stdin:
        wanted = json.loads(line, object_hook=_bytes)
        recordings = [_kept(name) for name in wanted["files"]]
        if wanted["do"] == "round":
            _tell(await _round(peer, recordings[0], wanted["to"]))
        elif wanted["do"] == "live":
            _tell(await _live(peer, recordings[0], wanted["to"], wanted["url"]))
        elif wanted["do"] == "meet":
            found = await peer.meet(recordings[0], [Delivery(*one) for one in wanted["deliveries"]])
            _tell({"seen": found})
        else:
            _tell(await _hold(peer, recordings[0], wanted["count"]))


async def _round(peer: Peer, recording: Recording, to: str) -> dict[str, Any]:
    """Measure CPU over all frames, then once more from the start the time of each single one."""
    frames = [one.encode() if peer.binary and isinstance(one, str) else one for one in recording.frames]
    take = await peer.begin(recording, to)
    gc.collect()
    gc.disable()
    began_s = time.process_time()
    if inspect.iscoroutinefunction(take):
        for frame in frames:
            await take(frame)
    else:
        for frame in frames:
            take(frame)
    cpu_us = (time.process_time() - began_s) / len(frames) * 1e6
    top = peer.top()
    take = await peer.begin(recording, to)
    times_ns = await _each(take, frames)
    gc.enable()
    return {"cpu_us": cpu_us, "top": top, "times_us": [each / 1_000 for each in times_ns]}


async def _live(peer: Peer, recording: Recording, to: str, url: str) -> dict[str, Any]:
    """Measure CPU from the first frame that a socket brings to the last, whatever happens between two of them."""
    take, taken, began_s = await peer.begin(recording, to), 0, 0.0

    def counted(frame: Any) -> Any:  # noqa: ANN401 - as the peer's own
        nonlocal taken, began_s
        if not taken:
            began_s = time.process_time()
        taken += 1
        return take(frame)

    gc.collect()
    gc.disable()
    await peer.live(url, counted)
    spent_s = time.process_time() - began_s
    gc.enable()
    return {"cpu_us": spent_s / max(1, taken) * 1e6, "taken": taken, "top": peer.top()}


async def _each(take: Take, frames: Iterable[Any]) -> list[int]:
    found, now = [], time.perf_counter_ns
    for frame in frames:
        began = now()
        done = take(frame)
        if inspect.isawaitable(done):
            await done
        found.append(now() - began)
    return found


async def _hold(peer: Peer, pattern: Recording, count: int) -> dict[str, Any]:
    """Say how much resident memory each of so many books takes."""
    gc.collect()
    before = _resident()
    names = [f"A{number:04d}" for number in range(count)]
    held = await peer.hold(
        pattern._replace(
            native=f"{name}{pattern.quote}",
            base=name,
            start=str(pattern.start).replace(pattern.native, name + pattern.quote),
        )
        for name in names
    )
    gc.collect()
    after = _resident()
    del held
    return {"kb": (after - before) / count / 1_000}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * _PAGE


def _kept(name: str) -> Recording:
    return read(Path(name).read_text("utf-8"))


def unpacked(message: Message) -> str:
    """Return the text of a message, out of its gzip where it is in one."""
    if isinstance(message, str):
        return message
    return (gzip.decompress(message) if message.startswith(GZIP) else message).decode()


def written(recording: Recording) -> str:
    """Return a recording as the text of its file."""
    return as_text(recording._asdict())


def as_text(value: object) -> str:
    """Return plain values and bytes as the text that `read` and a peer's process take."""
    return json.dumps(value, default=lambda body: {_BINARY: base64.b64encode(body).decode()})


def read(text: str) -> Recording:
    """Return the recording in the text of a file."""
    return Recording(**json.loads(text, object_hook=_bytes))


def _bytes(found: dict[str, Any]) -> Any:  # noqa: ANN401 - bytes, or what else was there
    return base64.b64decode(found[_BINARY]) if _BINARY in found else found


def _tell(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def settled(turns: int = 12) -> None:
    """Let whatever the peer's own tasks have begun go on; none of it waits for a clock or a network."""
    for _ in range(turns):
        await asyncio.sleep(0)
