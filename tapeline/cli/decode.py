"""`tapeline decode`: recorded frames through the real decoders and books, one JSON object per stretch (C-03, C-19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tapeline.cli.decode_files import Line, lines, stretches
from tapeline.cli.decode_stretch import Stretch, Value, listed, value_fields
from tapeline.cli.failure import OK, explain
from tapeline.cli.render import Output
from tapeline.cli.view import line
from tapeline.domain.events import Instrument
from tapeline.errors import InvalidMessage, Misconfigured

Instruments = Mapping[tuple[str, str, str], Instrument]


def decode(out: Output, paths: Sequence[Path], *, instruments: Sequence[Path] = (), values: bool = False) -> int:
    """Decode each stretch; one that cannot be understood is told, and the others go on."""
    known = _known(instruments)
    code = OK
    for first, parts in stretches(paths).items():
        try:
            told = _told(out, first, parts, known, values=values)
        except Misconfigured as error:
            failure = explain(error, log=None)
            out.fail(failure)
            code = failure.exit_code
        else:
            out.item(told, line)
    return code


def _told(out: Output, first: Path, parts: Sequence[Path], known: Instruments, *, values: bool) -> dict[str, object]:
    at = (first, 0)

    def tell(symbol: str, value: Value) -> None:
        path, number = at
        out.item({"file": str(path), "line": number, "symbol": symbol, **value_fields(value)}, line)

    stretch = Stretch(known, tell if values else None)
    for path in parts:
        for number, one in lines(path):
            at = (path, number)
            stretch.take(one)
    return {"file": str(first), **stretch.result()}


def _known(paths: Sequence[Path]) -> Instruments:
    """Return the instruments of the venues' own lists."""
    found: dict[tuple[str, str, str], Instrument] = {}
    for path in paths:
        for number, one in lines(path):
            found |= _listed(path, number, one)
    return found


def _listed(path: Path, number: int, line: Line) -> dict[tuple[str, str, str], Instrument]:
    failed: InvalidMessage | None = None
    for feed in line.feeds:
        try:
            return listed(feed, line.data, line.recv_us or 0)
        except InvalidMessage as error:
            failed = failed or error
    fix = "give the whole answer of the venue's instrument list, its envelope included"
    raise Misconfigured(f"{path} line {number} is no instrument list of {line.venue}: {failed}", fix=fix)
