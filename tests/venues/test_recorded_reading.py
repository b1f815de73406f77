"""C-02, C-03: every recorded file through `tapeline decode`, against a second reading made of the fact sheets alone."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tapeline.cli.decode import decode
from tapeline.cli.render import Output
from tests.support.plain_frames import Note
from tests.support.plain_reading import instruments, notes, plain, read
from tests.venues.recorded import captures

Json = dict[str, Any]
ROW = re.compile(r"^\| `(?P<file>[^` ]+\.jsonl)[^|]*\| (?P<frames>[0-9]+) \|[^|]*\|[^|]*\| (?P<today>[^|]*) \|")
NONE = "no folder shared/captures above the project: recorded frames are not part of it"
TYPES = {"PublicTrade": "trade", "BookDelta": "delta", "BookSnapshot": "snapshot"}
UNNUMBERED = ("htx/", "bingx/")
"""Recorded as whole books alone: none is missed when one is away."""
LISTS = {
    "gateio/futures": "gateio/futures.instruments-cf-202305",
    "htx/futures": "htx/futures.instruments-cf-202202",
    "binance/spot": "binance/spot.instruments-cf-202110",
    "binance/futures": "binance/futures.instruments-cf-202107",
    "okx/spot": "okx/spot.instruments-cf-202205",
    "okx/futures": "okx/futures.instruments-cf-202205",
    "gateio/spot": "gateio/spot.instruments-cf-202104",
    "htx/spot": "htx/spot.instruments-cf-202104",
    "kucoin/spot": "kucoin/spot.instruments-cf-202104",
}


FEW = 20
"""In a book of fewer frames there may be no delta whose loss must show."""


def listed() -> dict[str, tuple[str, int]]:
    """Return the first file of each stretch, what the folder's own page says of it, and how many frames it has."""
    folder = captures()
    rows = (ROW.match(row) for row in (folder / "README.md").read_text().splitlines()) if folder else ()
    return {found["file"].removesuffix(".jsonl"): (found["today"], int(found["frames"])) for found in rows if found}


FILES = listed()
GOOD = [name for name, (today, _) in FILES.items() if today.startswith("yes")]
OLD = [name for name, (today, _) in FILES.items() if not today.startswith("yes")]
BOOKS = [name for name in GOOD if ".book-" in name and FILES[name][1] > FEW and not name.startswith(UNNUMBERED)]
WITH_LIST = [name for name in GOOD if name.partition(".")[0] in LISTS and re.search(r"\.(book|trade)-", name)]
if not FILES:
    pytest.skip(NONE, allow_module_level=True)


@cache
def folder() -> Path:
    found = captures()
    assert found is not None
    return found


def parts(name: str) -> list[Path]:
    first = folder() / f"{name}.jsonl"
    return [first, *sorted(first.parent.glob(f"{first.stem}-p[0-9].jsonl"))]


def lines(*paths: Path) -> list[Json]:
    return [json.loads(text) for path in paths for text in path.read_text().splitlines()]


def told(*paths: Path, known: tuple[Path, ...] = (), values: bool = False) -> list[Json]:
    """Return the objects that `tapeline decode` prints."""
    out = Output(as_json=True, stdout=io.StringIO(), stderr=io.StringIO())
    assert decode(out, paths, instruments=known, values=values) == 0
    assert isinstance(out.stdout, io.StringIO)
    return [json.loads(text) for text in out.stdout.getvalue().splitlines()]


def as_told(values: Json) -> Json:
    """Return a printed value as the plain reading notes it."""
    kind = TYPES[values["type"]]
    if kind == "trade":
        return {"kind": kind, **{name: values[name] for name in ("native", "price", "quantity", "side")}}
    sides = {
        f"{side}s": dict(zip(values[f"{side}_prices"], values[f"{side}_quantities"], strict=True))
        for side in ("bid", "ask")
    }
    return {"kind": kind, "native": values["native"], **sides}


def as_read(note: Note) -> Json:
    """Return a note in the form of the printed values."""
    if note["kind"] == "trade":
        return {**note, "price": plain(note["price"]), "quantity": plain(note["quantity"])}
    sides = {
        side: {plain(Decimal(price)): plain(Decimal(held)) for price, held in note[side]} for side in ("bids", "asks")
    }
    return {"kind": note["kind"], "native": note["native"], **sides}


def in_order(values: list[Json]) -> list[str]:
    """Return values without an order of their own: answers of REST are told oldest first."""
    return sorted(json.dumps(one, sort_keys=True) for one in values)


def test_the_page_of_the_folder_was_understood() -> None:
    first = {path for path in folder().rglob("*.jsonl") if not re.search(r"-p[0-9]$", path.stem)}
    assert {folder() / f"{name}.jsonl" for name in FILES} == first


@pytest.mark.parametrize("name", GOOD)
def test_c_03_a_recorded_file_says_what_a_plain_reading_says_in_each_value_and_in_the_end(name: str) -> None:
    paths = parts(name)
    *values, last = told(paths[0], values=True)
    assert last == {"file": str(paths[0]), **read(lines(*paths))}
    printed: defaultdict[tuple[str, int], list[Json]] = defaultdict(list)
    for one in values:
        if one["type"] in TYPES:
            printed[one["file"], one["line"]].append(as_told(one))
    for path in paths:
        for number, line in enumerate(lines(path), 1):
            assert in_order(printed[str(path), number]) == in_order([as_read(note) for note in notes(line)])


@pytest.mark.parametrize("name", WITH_LIST)
def test_c_03_with_the_recorded_list_symbols_and_quantities_are_of_the_base(name: str) -> None:
    paths, known = parts(name), folder() / f"{LISTS[name.partition('.')[0]]}.jsonl"
    assert told(paths[0], known=(known,)) == [{"file": str(paths[0]), **read(lines(*paths), instruments(lines(known)))}]


def holes(name: str) -> Iterator[tuple[int, list[Json]]]:
    """Yield a stretch without one delta that its book has had, at a few places: one behind it was received too."""
    whole = lines(*parts(name))
    begun = next(at for at, line in enumerate(whole) if line["channel"] == "book_snapshot")
    later = [at for at in range(begun + 1, len(whole) - 1) if whole[at]["channel"] == "book_delta"]
    # Right behind a snapshot a delta may be one that it holds already.
    for at in sorted({later[len(later) * part // 4] for part in (1, 2, 3)}):
        yield at, [line for number, line in enumerate(whole) if number != at]


@pytest.mark.parametrize("name", BOOKS)
def test_c_02_a_line_that_is_away_is_exactly_one_gap(name: str, tmp_path: Path) -> None:
    for at, left in holes(name):
        file = tmp_path / f"without-{at}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in left))
        (found,) = told(file)
        assert found == {"file": str(file), **read(left)}
        assert (found["gaps"], found["valid"]) == (1, False)


@pytest.mark.parametrize("name", OLD)
def test_a_file_of_another_protocol_is_told_all_the_same(name: str) -> None:
    paths = parts(name)
    (found,) = told(paths[0])
    assert found["frames"] == len(lines(*paths))
    assert told(paths[0], values=True)[-1] == found
