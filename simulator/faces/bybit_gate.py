"""Bybit's door: what every REST request passes before it is answered, and the envelope of all answers.

An address may ask 600 times in 5 s, an account so often in a second by what it asks for; a signed request names key,
time and window in headers and signs them with the query or body as they were sent (docs/v5/guide, docs/v5/rate-limit).
"""

from __future__ import annotations

import hashlib
import hmac

from simulator.face import Answer, Request
from simulator.limits import RestLimits, Verdict, Weights
from simulator.terms import Key

LIMITS = RestLimits(weight=600, window_s=5, patience=0, ban_s=600)
_NO_END = 1 << 62
# what is asked for -> how often in a second, spot and linear
_PER_S = {
    "create": (20, 10),
    "cancel": (20, 10),
    "cancel-all": (20, 10),
    "read": (50, 50),
    "set-leverage": (10, 10),
    "fee-rate": (5, 5),
}
_USUAL_WINDOW_MS = "5000"
_AHEAD_MS = 1000
_OK = 200
TOO_OFTEN = 10006
OUTSIDE_TIME = 10002
_PARAMS = 10001


class Refusal(Exception):
    """The venue's code and message; HTTP 200 all the same."""

    def __init__(self, code: int, told: str, status: int = 200) -> None:
        """Say no."""
        super().__init__(told)
        self.code = code
        self.status = status


def wrong(told: str) -> Refusal:
    """Say that a parameter is wrong."""
    return Refusal(_PARAMS, f"params error: {told}")


def envelope(result: str, at_ms: int, code: int = 0, told: str = "OK") -> str:
    """Return the JSON that every answer is wrapped in."""
    said = told.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"retCode":{code},"retMsg":"{said}","result":{result},"retExtInfo":{{}},"time":{at_ms}}}'


class Gate:
    """What an address and an account have used up, and who may come in."""

    def __init__(self, category: str, key: Key) -> None:
        """Start with nothing used."""
        self._key = key
        self._weights = Weights(LIMITS)
        self._groups = {
            name: Weights(RestLimits(weight=most[category != "spot"], window_s=1, patience=_NO_END))
            for name, most in _PER_S.items()
        }

    def admit(self, request: Request) -> Answer | None:
        """Count a request of the address; return the refusal, None where there is none."""
        if request.refuse_s:
            return self._too_often(request, request.refuse_s)
        if request.address_ban_s or self._weights.spend(1, request.at_us).status != _OK:
            return Answer('{"retCode":403,"retMsg":"access too frequent, please try again later"}', 403)
        return None

    def admit_account(self, request: Request, group: str) -> tuple[Answer | None, dict[str, str]]:
        """Count a request of the account; return the refusal, and the headers of any answer."""
        if request.ban_s:
            return self._too_often(request, request.ban_s), {}
        verdict = self._groups[group].spend(1, request.at_us)
        headers = self._headers(self._groups[group].limits.weight, verdict, request.at_us)
        if verdict.status != _OK:
            body = envelope("{}", request.venue_ms, TOO_OFTEN, "Too many visits!")
            return Answer(body, headers=headers), headers
        return None, headers

    def check(self, request: Request) -> None:
        """Raise the refusal of a request that is not signed, or not of this time."""
        headers, key = request.headers, request.headers.get("x-bapi-api-key", "")
        if not key:
            raise Refusal(10003, "API key is invalid.", 401)
        if not self.knows(key):
            raise Refusal(10003, "API key is invalid.")
        sent, window = headers.get("x-bapi-timestamp", ""), headers.get("x-bapi-recv-window", _USUAL_WINDOW_MS)
        payload = request.raw if request.method == "GET" else request.body
        # Without the header the window is not part of what was signed.
        origin = f"{sent}{key}{headers.get('x-bapi-recv-window', '')}{payload}"
        if not self.proves(origin, headers.get("x-bapi-sign", "")):
            raise Refusal(10004, f"error sign! origin_string[{origin}]")
        now_ms = request.venue_ms
        is_time = sent.isdecimal() and window.isdecimal()
        if not is_time or not now_ms - int(window) <= int(sent) < now_ms + _AHEAD_MS:
            told = f"req_timestamp[{sent}],server_timestamp[{now_ms}],recv_window[{window}]"
            raise Refusal(
                OUTSIDE_TIME, f"invalid request, please check your server timestamp or recv_window param. {told}"
            )

    def proves(self, payload: str, signature: str) -> bool:
        """Tell whether this is the signature of a payload."""
        made = hmac.new(self._key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(made.encode(), signature.encode())

    def knows(self, key: str) -> bool:
        """Tell whether this is a key of the venue's."""
        return key == self._key.key

    @staticmethod
    def _too_often(request: Request, wait_s: int) -> Answer:
        headers = {
            "X-Bapi-Limit": str(LIMITS.weight),
            "X-Bapi-Limit-Status": "0",
            "X-Bapi-Limit-Reset-Timestamp": str(request.at_us // 1000 + wait_s * 1000),
        }
        return Answer(envelope("{}", request.at_us // 1000, TOO_OFTEN, "Too many visits!"), headers=headers)

    @staticmethod
    def _headers(most: int, verdict: Verdict, at_us: int) -> dict[str, str]:
        return {
            "X-Bapi-Limit": str(most),
            "X-Bapi-Limit-Status": str(max(0, most - verdict.used)),
            "X-Bapi-Limit-Reset-Timestamp": str((at_us // 1_000_000 + 1) * 1000),
        }
