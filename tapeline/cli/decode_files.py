"""Files of recorded frames, a line each, grouped into stretches; a line that is none is named by file and number."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from tapeline.errors import Misconfigured, TapelineError
from tapeline.venues import registry
from tapeline.venues.contract import Feed

_PART: Final = re.compile(r"^(?P<stretch>.+)-p(?P<part>[0-9]+)$")
_FORM: Final = '{"venue", "market", "channel", "frame"} with "encoding": "base64" for binary frames, one object a line'


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it was received; `url` is the request of a REST answer."""

    venue: str
    market: Literal["spot", "futures", "unified"]
    channel: str
    frame: str
    encoding: Literal["base64"] | None = None
    url: str | None = None
    recv_us: int | None = None

    @property
    def data(self) -> bytes:
        """Return the message's bytes."""
        return base64.b64decode(self.frame, validate=True) if self.encoding else self.frame.encode()

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """Return the markets that may have sent it; more than one where one socket serves both."""
        if self.market == "unified":
            return tuple(registry.venue(self.venue).feeds.values())
        return (registry.feed(self.venue, self.market),)


def stretches(paths: Sequence[Path]) -> dict[Path, tuple[Path, ...]]:
    """Return the files of each stretch by its name, in order: parts that stand beside a first file belong to it."""
    found: dict[Path, set[Path]] = {}
    for path in paths:
        part = _PART.match(path.stem)
        first = path if part is None else path.with_name(part["stretch"] + path.suffix)
        parts = found.setdefault(first, set())
        parts.add(path)
        if part is None:
            parts.update(one for one in path.parent.glob(f"{path.stem}-p*{path.suffix}") if _PART.match(one.stem))
    return {first: tuple(sorted(parts, key=_number)) for first, parts in found.items()}


def lines(path: Path) -> Iterator[tuple[int, Line]]:
    """Yield the lines of a file with their numbers; Misconfigured names the first that cannot be understood."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror or error}", fix="give a file of frames") from error
    for number, text in enumerate(content.splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = _LINE.decode(text)
            _ = line.data, line.feeds
        except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError) as error:
            raise Misconfigured(f"{path} line {number}: {error}", fix=f"lines are {_FORM}") from error
        except Misconfigured as error:
            raise Misconfigured(f"{path} line {number}: {error.problem}", fix=error.fix) from error
        except TapelineError as error:
            raise Misconfigured(f"{path} line {number}: {error}", fix=f"lines are {_FORM}") from error
        yield number, line


def _number(path: Path) -> int:
    part = _PART.match(path.stem)
    return 1 if part is None else int(part["part"])


_LINE: Final = msgspec.json.Decoder(Line)
