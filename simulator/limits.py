"""A venue's published limits as data, and the counters that apply them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """What a venue asks of WebSocket clients; None where it has no such rule.

    Who says nothing for `silent_cut_s` is cut: who has no stream, with `silent_cut_reads` also who reads some.
    `at_once` is how many connections may be open. Cut is who has had no stream for `bare_cut_s`, to whom nothing was
    sent for `quiet_cut_s`, who did not ping in the venue's own words for `unpinged_cut_s`, whatever else flows.
    """

    messages_per_s: int | None = None
    streams: int | None = None
    connections: int
    connections_within_s: float = 300.0
    ping_every_s: float | None = None
    pong_within_s: float = 60.0
    silent_cut_s: float | None = None
    silent_cut_reads: bool = False
    at_once: int | None = None
    bare_cut_s: float | None = None
    quiet_cut_s: float | None = None
    unpinged_cut_s: float | None = None
    lifetime_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestLimits:
    """What a venue asks of REST clients: so much weight in a window; who goes on after that is banned for a while."""

    weight: int
    window_s: int
    patience: int = 20
    ban_s: int = 120


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is answered: `status` 200, 429 (wait) or 418 (banned), with the weight used so far."""

    status: int
    used: int
    retry_after_s: int = 0


class Weights:
    """Counts the weight of REST requests in fixed windows of the wall clock."""

    def __init__(self, limits: RestLimits) -> None:
        """Start with nothing used."""
        self.limits = limits
        self._window = -1
        self._used = 0
        self._refused = 0
        self._banned_until_us = 0

    def spend(self, weight: int, now_us: int) -> Verdict:
        """Count a request and say whether it is answered."""
        window_us = self.limits.window_s * _US_PER_S
        if now_us < self._banned_until_us:
            return Verdict(418, self._used, _seconds(self._banned_until_us - now_us))
        if now_us // window_us != self._window:
            self._window, self._used, self._refused = now_us // window_us, 0, 0
        self._used += weight
        if self._used <= self.limits.weight:
            return Verdict(200, self._used)
        self._refused += 1
        if self._refused > self.limits.patience:
            self._banned_until_us = now_us + self.limits.ban_s * _US_PER_S
            return Verdict(418, self._used, self.limits.ban_s)
        return Verdict(429, self._used, _seconds(window_us - now_us % window_us))


def within(times: deque[float], now_s: float, window_s: float, most: int) -> bool:
    """Add now to the times, drop those before the window, and tell whether there are no more than allowed."""
    times.append(now_s)
    while times[0] <= now_s - window_s:
        times.popleft()
    return len(times) <= most


def _seconds(us: int) -> int:
    return max(1, math.ceil(us / _US_PER_S))
