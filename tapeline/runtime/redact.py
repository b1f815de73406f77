"""Takes secrets out of what is written down: by the name of a field, by the shape of a text, by the secret itself.

Pure functions over plain values; the result can always be encoded as JSON and never grows without bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from pathlib import PurePath

import msgspec

HIDDEN = "***"

_TEXT_MOST = 16_384
_ITEMS_MOST = 200
_DEPTH_MOST = 6
# A shorter secret ("a", "1") would blank out half of every line; settings refuse secrets this weak where it matters.
_SECRET_LEAST = 6

_SECRET_NAME = re.compile(
    r"(?:^|[_\-.])(?:password|passwd|passphrase|pwd|secret|token|tokens|authorization|cookie|credential|credentials|jwt"
    r"|signature|dsn)(?:$|[_\-.])|api[_\-]?key|private[_\-]?key|secret[_\-]?key|access[_\-]?key|auth[_\-]?token"
    r"|password|passphrase|x-[a-z-]*-(?:sign|key)$",
    re.IGNORECASE,
)
_NAMES = r"[\w\-]*(?:password|passwd|passphrase|secret|token|api_?key|apikey|signature|credential)[\w\-]*"
# Each: what stays in front, then the secret, which goes.
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # scheme://user:password@host; greedy to the last @, as careless passwords hold @ and /, but not from a port
    (re.compile(r"([a-z][a-z0-9+.\-]*://[^\s:/@\"']*:)(?!\d{1,5}[/?#])[^\s\"']+(?=@)", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(authorization[\"']?\s*[=:]\s*[\"']?)[^\"'\r\n,;]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # A token, not the next word of a sentence: it has a digit, mixed case inside, or is long.
    (
        re.compile(
            r"\b((?i:bearer|basic|token)\s+)(?=\S*[\d=]|\S*[a-z][A-Z]|\S{20})[A-Za-z0-9._~+/=\-]{6,}",
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]{6,}\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?"), HIDDEN),
    # name=value, "name": value, name:value; after a colon and a space only what is no word of a sentence ("wrong
    # password: correct it" must stay readable)
    (
        re.compile(
            rf"(\b{_NAMES}(?:[\"']?\s*=\s*|[\"']\s*:\s*|:(?=\S)|:\s+(?=\S*\d|\S{{20}})))"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'&,;)}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)
# One quick look decides for most texts that none of the shapes can be in them.
_SUSPICIOUS = re.compile(
    r"://|authorization|bearer|basic|token|eyJ|passw|passphrase|secret|api_?key|signature|credential", re.IGNORECASE
)


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret (`password`, `gateway_token`, `X-BAPI-SIGN` ..)."""
    return _SECRET_NAME.search(name) is not None


def text(value: str, secrets: AbstractSet[str] = frozenset()) -> str:
    """Return `value` without known secrets and without what has the shape of one (URL, DSN, Authorization, JWT)."""
    for secret in secrets:
        if len(secret) >= _SECRET_LEAST and secret in value:
            value = value.replace(secret, HIDDEN)
    if _SUSPICIOUS.search(value) is not None:
        for shape, put in _SHAPES:
            value = shape.sub(put, value)
    return value


def fields(values: Mapping[str, object], secrets: AbstractSet[str] = frozenset()) -> dict[str, object]:
    """Return the fields of a log line, all of plain JSON values, without secrets."""
    return {str(name): _field(str(name), value, secrets, 0) for name, value in values.items()}


def _field(name: str, value: object, secrets: AbstractSet[str], depth: int) -> object:
    # Numbers and yes/no stay: `tokens=5` of a rate limiter is no secret.
    if is_secret_name(name) and value is not None and not isinstance(value, bool | int | float | Decimal):
        return HIDDEN
    return _plain(value, secrets, depth)


def _plain(value: object, secrets: AbstractSet[str], depth: int) -> object:
    """Turn any value into what JSON can hold."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        # Beyond 64 bits other readers of JSON would round.
        return int(value) if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, str):
        return _bounded(text(str(value), secrets))
    if depth < _DEPTH_MOST:
        if isinstance(value, msgspec.Struct):
            value = msgspec.structs.asdict(value)
        if isinstance(value, Mapping):
            pairs = list(value.items())[:_ITEMS_MOST]
            return {_clean(str(key)): _field(str(key), item, secrets, depth + 1) for key, item in pairs}
        if isinstance(value, list | tuple | set | frozenset):
            return [_plain(item, secrets, depth + 1) for item in list(value)[:_ITEMS_MOST]]
    shown = str(value) if isinstance(value, Decimal | PurePath | BaseException) else repr(value)
    return _bounded(text(shown, secrets))


def _bounded(value: str) -> str:
    cut = value if len(value) <= _TEXT_MOST else f"{value[:_TEXT_MOST]}… ({len(value) - _TEXT_MOST} more characters)"
    return _clean(cut)


def _clean(value: str) -> str:
    # A lone surrogate (from a file name, a broken frame) cannot be written as UTF-8.
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
