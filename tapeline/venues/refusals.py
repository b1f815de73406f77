"""What a venue's no means, in one list of reasons, and who must act; what is not surely a no is never taken for one.

A venue's error table maps its codes to a `Reason`. For a request that places or cancels, a code that stands in no
table, a 5xx and an answer that cannot be read are `Unknown`: the order is looked up by its client id, not sent again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from tapeline.errors import Misconfigured, OutcomeUnknown, TapelineError, Unavailable, VenueRefused
from tapeline.venues.contract import T, broken

SHOWN: Final = 200
SERVER_ERROR: Final = 500
READ: Final = 4_096
"""So much of a broken answer is looked at before its beginning is shown."""


class Reason(StrEnum):
    """Why a venue says no (or does not know), the same for all venues."""

    # The order breaks a rule of the instrument; `quantize` finds most of these before the venue does.
    PRICE_RULE = "price_rule"
    QUANTITY_RULE = "quantity_rule"
    NOTIONAL_RULE = "notional_rule"
    PRECISION = "precision"
    CLIENT_ID = "client_id"
    BAD_REQUEST = "bad_request"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    # The order may not stand now.
    INSUFFICIENT_FUNDS = "insufficient_funds"
    WOULD_TAKE = "would_take"
    WOULD_NOT_FILL = "would_not_fill"
    REDUCE_ONLY = "reduce_only"
    ONLY_REDUCING = "only_reducing"
    POSITION_LIMIT = "position_limit"
    TOO_MANY_ORDERS = "too_many_orders"
    LEVERAGE = "leverage"
    LIQUIDATING = "liquidating"
    NOT_TRADING = "not_trading"
    SELF_TRADE = "self_trade"
    REJECTED = "rejected"
    # About an order that is named.
    DUPLICATE = "duplicate"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_DONE = "order_done"
    ORDER_BUSY = "order_busy"
    UNCHANGED = "unchanged"
    STREAM_KEY = "stream_key"
    # About the caller.
    EXPIRED = "expired"
    BAD_KEYS = "bad_keys"
    BAD_SIGNATURE = "bad_signature"
    NOT_PERMITTED = "not_permitted"
    ACCOUNT_MODE = "account_mode"
    RESTRICTED = "restricted"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    OVERLOADED = "overloaded"
    # The venue itself does not know what came of it.
    OUTCOME_UNKNOWN = "outcome_unknown"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A definitive no: nothing was done, a new attempt may follow where the reason allows it."""

    reason: Reason
    code: str | None = None
    """The venue's own code; None where we refused before asking."""
    text: str = ""
    retry_after_s: float | None = None


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """It may or may not have worked: only looking it up tells."""

    why: str


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no success, as its venue's table reads it; no reason: the table has none."""

    reason: Reason | None
    status: int
    code: str | None = None
    text: str = ""
    about_duplicates: bool = False
    """Whether its words are about duplicates: under another code that may be an order that stands."""
    retry_after_s: float | None = None

    @property
    def words(self) -> str:
        """Return the complaint for people, without what may be a secret."""
        code = "" if self.code is None else f", code {self.code}"
        return f"HTTP {self.status}{code}: {self.text}"


def complaint(
    reason: Reason | None, *, status: int, code: int | None, text: str, retry_after_s: float | None
) -> Complaint:
    """Return an answer that is no success, with the words of it that may be repeated."""
    return Complaint(
        reason=reason,
        status=status,
        code=None if code is None else str(code),
        text=said(text),
        about_duplicates=reason is not Reason.DUPLICATE and "duplicat" in text.lower(),
        retry_after_s=retry_after_s,
    )


FIXES: Final[Mapping[Reason, str]] = {
    Reason.BAD_KEYS: "check key and secret, that they belong to this environment (main, test), and the key's bound IPs",
    Reason.BAD_SIGNATURE: "check that the secret belongs to the key",
    Reason.NOT_PERMITTED: "give the key permission to trade this market, and check the account's own restrictions",
    Reason.ACCOUNT_MODE: "set the account to one-way position mode, and to a unified account where the venue has those",
    Reason.RESTRICTED: "the venue does not serve this account or address here: run where it does",
}
"""Reasons that a person must act on, and the fix."""
BACK_OFF: Final = frozenset(
    {Reason.RATE_LIMITED, Reason.BANNED, Reason.OVERLOADED, Reason.EXPIRED, Reason.OUTCOME_UNKNOWN}
)
"""Reasons for which a question may be asked again later."""
ABOUT_ANOTHER: Final = frozenset(
    {Reason.ORDER_NOT_FOUND, Reason.ORDER_DONE, Reason.ORDER_BUSY, Reason.UNCHANGED, Reason.STREAM_KEY}
)
"""Reasons that make no sense as the answer to a new order, so they prove nothing about it."""


def refusal_to_place(said_no: Complaint) -> Refused | Unknown:
    """Judge the answer to a new order; a `Refused` with the reason `DUPLICATE` says that it is there already."""
    if said_no.reason in ABOUT_ANOTHER:
        return Unknown(why=said_no.words)
    return refusal_to_change(said_no)


def refusal_to_change(said_no: Complaint) -> Refused | Unknown:
    """Judge the answer to a request that changes something: a no only where the venue's table says so."""
    if said_no.status >= SERVER_ERROR or said_no.about_duplicates:
        return Unknown(why=said_no.words)
    if said_no.reason is None or said_no.reason is Reason.OUTCOME_UNKNOWN:
        return Unknown(why=said_no.words)
    return Refused(reason=said_no.reason, code=said_no.code, text=said_no.text, retry_after_s=said_no.retry_after_s)


def error_of(where: str, no: Refused | Unknown | Complaint) -> TapelineError:
    """Return the error of a no by who must act; a question that failed on the venue's side may be asked again."""
    if isinstance(no, Unknown):
        return OutcomeUnknown(f"{where}: {no.why}")
    if isinstance(no, Complaint):
        told = f"{where}: {no.words}"
        if no.status >= SERVER_ERROR:
            return Unavailable(told, retry_after_s=no.retry_after_s)
    else:
        told = f"{where}: {no.reason}: {no.text}"
    fix = None if no.reason is None else FIXES.get(no.reason)
    if fix is not None:
        return Misconfigured(told, fix=fix)
    return Unavailable(told, retry_after_s=no.retry_after_s) if no.reason in BACK_OFF else VenueRefused(told)


# ---------------------------------------------------------------- what may be repeated of a venue's words
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_\-]{16,}")
_PLAIN_WORD: Final = re.compile(r"[A-Z]?[a-z_\-]+|[A-Z_\-]+")


def said(text: str) -> str:
    """Return a venue's words, short, without any run of characters that may be a key, a token or a signature.

    Bybit repeats the signed string, key and all, when a signature is wrong.
    """
    masked = _RUN.sub(lambda run: run[0] if _PLAIN_WORD.fullmatch(run[0]) else "***", text)
    return masked if len(masked) <= SHOWN else f"{masked[:SHOWN]}..."


def read_answer(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Return what the decoder makes of a private answer or frame; the InvalidMessage repeats no secret."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(error, said(data[:READ].decode("utf-8", "replace")).encode()) from error
