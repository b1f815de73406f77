"""Binance's door: what every REST request passes before it is answered, with the venue's error bodies.

Weights and counts of orders by address, bans, and for signed requests key, signature and time, as documented on
developers.binance.com (request security): the signature covers query and body as they were sent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from simulator.face import Answer, Request
from simulator.limits import RestLimits, Verdict, Weights
from simulator.terms import Key

LIMITS = {
    "spot": RestLimits(weight=6000, window_s=60),
    "futures": RestLimits(weight=2400, window_s=60),
}
# interval -> how many orders; who has had enough is told so, and not banned.
_NO_END = 1 << 62
ORDER_LIMITS = {
    "spot": {"10S": RestLimits(weight=50, window_s=10, patience=_NO_END)}
    | {"1D": RestLimits(weight=160_000, window_s=86_400, patience=_NO_END)},
    "futures": {"10S": RestLimits(weight=300, window_s=10, patience=_NO_END)}
    | {"1M": RestLimits(weight=1200, window_s=60, patience=_NO_END)},
}
_INTERVALS = {"10S": "10 SECOND", "1M": "1 MINUTE", "1D": "1 DAY"}
_TOO_MANY = 429
_BANNED = 418
_OK = 200
_UNAUTHORIZED = 401
_LONGEST_WINDOW_MS = 60_000
_USUAL_WINDOW_MS = 5000
_AHEAD_MS = 1000
_MICROSECONDS = 10**14

Params = Mapping[str, str]


class Refusal(Exception):
    """The venue's error body."""

    def __init__(self, code: int, told: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        """Say no with a code and a sentence."""
        super().__init__(told)
        self.code = code
        self.answer = Answer(msgspec.json.encode({"code": code, "msg": told}).decode(), status, dict(headers or {}))


def missing(name: str) -> Refusal:
    """Say that a parameter is not there."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


class Gate:
    """What an address has used up, and who may come in."""

    def __init__(self, market: str, key: Key) -> None:
        """Start with nothing used."""
        self.limits = LIMITS[market]
        self._key = key
        self._weights = Weights(self.limits)
        self._orders = {name: Weights(limits) for name, limits in ORDER_LIMITS[market].items()}

    def admit(self, request: Request, weight: int, *, signed: bool = False) -> tuple[Answer | None, dict[str, str]]:
        """Count a request; return the refusal, None where there is none, and the headers of any answer."""
        verdict = self._weights.spend(weight, request.at_us)
        headers = {"X-MBX-USED-WEIGHT": str(verdict.used), "X-MBX-USED-WEIGHT-1M": str(verdict.used)}
        ban_s = request.ban_s if signed else request.address_ban_s
        if ban_s and verdict.status == _OK:
            verdict = Verdict(_BANNED, verdict.used, ban_s)
        if request.refuse_s and verdict.status == _OK:
            verdict = Verdict(_TOO_MANY, self.limits.weight + 1, request.refuse_s)
        return (None if verdict.status == _OK else self._refused(verdict, headers)), headers

    def count_order(self, at_us: int) -> dict[str, str]:
        """Count an order; return the headers that say so, or raise the refusal."""
        verdicts = {name: weights.spend(1, at_us) for name, weights in self._orders.items()}
        headers = {f"X-MBX-ORDER-COUNT-{name}": str(verdict.used) for name, verdict in verdicts.items()}
        for name, verdict in verdicts.items():
            if verdict.status != _OK:
                most = self._orders[name].limits.weight
                told = f"Too many new orders; current limit is {most} orders per {_INTERVALS[name]}."
                raise Refusal(-1015, told, _TOO_MANY, {**headers, "Retry-After": str(verdict.retry_after_s)})
        return headers

    def identified(self, request: Request) -> dict[str, str]:
        """Return the parameters of a request that must name its key, or raise the refusal."""
        key = request.headers.get("x-mbx-apikey", "")
        if not key:
            raise Refusal(-2014, "API-key format invalid.", _UNAUTHORIZED)
        if key != self._key.key:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", _UNAUTHORIZED)
        found: dict[str, str] = {}
        for source in (request.raw, request.body):
            here = parse_qsl(source, keep_blank_values=True)
            if len(dict(here)) < len(here):
                raise Refusal(-1101, "Duplicate values for a parameter detected.")
            # Where both have it the query's counts.
            found = {**dict(here), **found}
        return found

    def signed(self, request: Request) -> dict[str, str]:
        """Return the parameters of a request that must be signed and of this time, or raise the refusal."""
        params = self.identified(request)
        if not params.get("timestamp", "").isdecimal():
            raise missing("timestamp")
        if not params.get("signature"):
            raise missing("signature")
        if not self.proves(_unsigned(request.raw) + _unsigned(request.body), params["signature"]):
            raise Refusal(-1022, "Signature for this request is not valid.")
        check_time(params, request.venue_ms)
        return params

    def proves(self, payload: str, signature: str) -> bool:
        """Tell whether this is the signature of a payload."""
        made = hmac.new(self._key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(made, signature.lower())

    def knows(self, key: str) -> bool:
        """Tell whether this is a key of the venue's."""
        return key == self._key.key

    def _refused(self, verdict: Verdict, headers: dict[str, str]) -> Answer:
        told = f"Too many requests; current limit is {self.limits.weight} request weight per 1 MINUTE."
        if verdict.status != _TOO_MANY:
            told = f"Way too many requests; IP banned for {verdict.retry_after_s} s."
        body = f'{{"code":-1003,"msg":"{told}"}}'
        return Answer(body, verdict.status, {**headers, "Retry-After": str(verdict.retry_after_s)})


def check_time(params: Params, venue_ms: int) -> None:
    """Raise the refusal of a request that is older than its window, or more than a second of the future."""
    sent = int(params["timestamp"])
    sent_ms = sent // 1000 if sent > _MICROSECONDS else sent
    window = params.get("recvWindow", str(_USUAL_WINDOW_MS))
    if not window.isdecimal():
        raise missing("recvWindow")
    if int(window) > _LONGEST_WINDOW_MS:
        raise Refusal(-1131, "recvWindow must be less than 60000.")
    if sent_ms >= venue_ms + _AHEAD_MS:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if venue_ms - sent_ms > int(window):
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def _unsigned(source: str) -> str:
    """Return a query or body as it was signed: all but the signature."""
    return "&".join(part for part in source.split("&") if not part.startswith("signature="))
