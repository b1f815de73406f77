"""Which REST call a recorded answer belongs to, told by comparing its address with the requests that a feed makes."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tapeline.errors import Misconfigured
from tapeline.venues.contract import Feed, Request

Kind = Literal["book", "trades", "funding", "instruments"]
_MARK: Final = "NATIVE"
_NAMES: Final = ("symbol", "instId", "market", "contract_code", "currency_pair", "contract", "s")
_HOLDERS: Final = ("result", "data", "list")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; no native name where the address does not say it, depth 0 where it names none."""

    kind: Kind
    native: str | None = None
    depth: int = 0


def call_of(feed: Feed, url: str | None, channel: str) -> Call | None:
    """Return the call behind an address; None for what is no answer of a call that the feed makes."""
    address = urlsplit((url or "").removeprefix("GET ").strip())
    if address.scheme not in {"", "http", "https"} or not address.path:
        return None
    query = dict(parse_qsl(address.query))
    for kind, request in _requests(feed):
        native = _in_path(request.path, address.path)
        if native is None:
            continue
        name = _name(request)
        return Call(kind=kind, native=native or query.get(name or ""), depth=_depth(feed, query))
    # The same book may be had under more than one path; the parameter that names the instrument is the same.
    native = query.get(_name(feed.book_request(_MARK, 0)) or "")
    if channel == "book_snapshot" and native is not None:
        return Call(kind="book", native=native, depth=_depth(feed, query))
    return None


def named(body: bytes) -> str | None:
    """Return the instrument that an answer itself names first, None where it names none."""
    try:
        told: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    while told:
        told = told[0] if isinstance(told, list) else told
        if not isinstance(told, dict):
            return None
        if str(told.get("ch")).startswith("market."):
            return str(told["ch"]).split(".")[1]
        name = next((told[name] for name in _NAMES if isinstance(told.get(name), str)), None)
        if name is not None:
            return str(name)
        told = next((told[holder] for holder in _HOLDERS if holder in told), None)
    return None


def _requests(feed: Feed) -> list[tuple[Kind, Request]]:
    found: list[tuple[Kind, Request]] = [
        # Few levels and all of them may be had under two paths.
        ("book", feed.book_request(_MARK, 0)),
        ("book", feed.book_request(_MARK, 1)),
        ("trades", feed.trades_request(_MARK)),
        ("instruments", feed.instruments_request()),
    ]
    try:
        found.append(("funding", feed.funding_request(_MARK)))
    except Misconfigured:
        return found
    return found


def _in_path(form: str, path: str) -> str | None:
    """Return the native name inside a path of this form, empty where it has none; None for another path."""
    before, mark, after = form.partition(_MARK)
    if not mark:
        return "" if path.endswith(form) else None
    start = path.find(before)
    if start < 0 or not path.endswith(after):
        return None
    return path[start + len(before) : len(path) - len(after)] or None


def _name(request: Request) -> str | None:
    """Return the name of the parameter that carries the native name."""
    return next((name for name, value in request.query if value == _MARK), None)


def _depth(feed: Feed, query: dict[str, str]) -> int:
    """Return the depth that was asked for: the parameter in which requests of two depths differ."""
    depths = feed.book_request(_MARK, 1), feed.book_request(_MARK, 0)
    small, large = (dict(one.query) for one in depths)
    name = next((one for one in large if small.get(one) != large[one]), None)
    text = query.get(name or "", "")
    return int(text) if text.isascii() and text.isdigit() else 0
