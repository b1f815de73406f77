"""What is said no to, in ClickHouse's own words: code, name and text, and the HTTP status that goes with the code."""

from __future__ import annotations

import re
from http import HTTPStatus

from tapeline.errors import TapelineError

_CODE = re.compile(r"Code: (\d+)\. DB::")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")

NOT_IMPLEMENTED = (48, "NOT_IMPLEMENTED")
SYNTAX_ERROR = (62, "SYNTAX_ERROR")
BAD_ARGUMENTS = (36, "BAD_ARGUMENTS")
UNKNOWN_SETTING = (115, "UNKNOWN_SETTING")
TOO_MANY_SIMULTANEOUS_QUERIES = (202, "TOO_MANY_SIMULTANEOUS_QUERIES")
SESSION_IS_LOCKED = (373, "SESSION_IS_LOCKED")
CANNOT_DECOMPRESS = (271, "CANNOT_DECOMPRESS")
LIMIT_EXCEEDED = (290, "LIMIT_EXCEEDED")
AUTHENTICATION_FAILED = (516, "AUTHENTICATION_FAILED")
STD_EXCEPTION = (1001, "STD_EXCEPTION")

# What ClickHouse answers over HTTP. A code that is not here is the server's fault: 500. No statement's own error may be
# 429, 503 or 504: the stock client sends a reading query again on those.
_STATUS = {
    **dict.fromkeys(
        (6, 26, 27, 36, 38, 41, 43, 44, 46, 47, 53, 62, 69, 70, 72, 73, 108, 115, 117, 130, 271, 456, 457),
        HTTPStatus.BAD_REQUEST,
    ),
    **dict.fromkeys((15, 16, 49, 57, 60, 81, 82), HTTPStatus.NOT_FOUND),
    **dict.fromkeys((164, 497, 516), HTTPStatus.FORBIDDEN),
    48: HTTPStatus.NOT_IMPLEMENTED,
    202: HTTPStatus.SERVICE_UNAVAILABLE,
    290: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


class Refused(TapelineError):
    """A request that is answered with an exception as ClickHouse writes it."""

    def __init__(self, kind: tuple[int, str], text: str) -> None:
        """Keep the code, its name and the sentence."""
        self.code, self.name = kind
        super().__init__(f"Code: {self.code}. DB::Exception: {text} ({self.name})")

    @property
    def status(self) -> HTTPStatus:
        """Return the HTTP status that ClickHouse gives to this code."""
        return HTTPStatus(_STATUS.get(self.code, HTTPStatus.INTERNAL_SERVER_ERROR))


class EngineRefused(Refused):
    """What the engine itself said no to; its text is passed on as it is."""

    def __init__(self, said: str) -> None:
        """Read the code and the name from the engine's sentence; words of the library before it are left out."""
        found = _CODE.search(said)
        if found is None:
            super().__init__(STD_EXCEPTION, said)
            return
        text = said[found.start() :]
        names = _NAME.findall(text)
        super().__init__((int(found.group(1)), names[-1] if names else "UNKNOWN"), text)
        self.args = (text,)
