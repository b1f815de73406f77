"""What a check of `tapeline doctor` is: a name, a question, and a finding with its fix; a check never raises."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from tapeline.errors import Misconfigured, TapelineError
from tapeline.runtime.endpoints import Endpoints
from tapeline.runtime.settings import Settings

State = Literal["ok", "warn", "fail"]
WITHIN_S = 20.0


class Finding(msgspec.Struct, frozen=True):
    """What was found; `fix` is what a person does about it, null when all is well."""

    state: State
    detail: str
    fix: str | None = None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's answer."""

    name: str
    state: State
    detail: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the checks look at: the settings, and where the services of the run are."""

    settings: Settings
    known: Endpoints


LocalCheck = Callable[[Settings], Finding]
ServiceCheck = Callable[[Ground], Awaitable[Finding]]


def ok(detail: str) -> Finding:
    """Return a finding that all is well."""
    return Finding("ok", detail)


def warn(detail: str, fix: str) -> Finding:
    """Return a finding that will become a problem."""
    return Finding("warn", detail, fix)


def fail(detail: str, fix: str) -> Finding:
    """Return a finding that is a problem now."""
    return Finding("fail", detail, fix)


def look(name: str, check: LocalCheck, settings: Settings) -> Checked:
    """Run a check of this machine; what it raises is what it found."""
    try:
        return _named(name, check(settings))
    except Exception as error:  # noqa: BLE001 - a doctor must finish the round whatever one patient has
        return _named(name, of_error(error))


async def ask(name: str, check: ServiceCheck, ground: Ground) -> Checked:
    """Run a check of a service within its time; what it raises is what it found."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return _named(name, await check(ground))
    except TimeoutError:
        return _named(name, fail(f"no answer within {WITHIN_S:g} s", "see `tapeline status` and `tapeline logs`"))
    except Exception as error:  # noqa: BLE001 - as above
        return _named(name, of_error(error))


def of_error(error: Exception) -> Finding:
    """Turn what a check raised into its finding."""
    if isinstance(error, Misconfigured):
        return fail(error.problem, error.fix)
    if isinstance(error, TapelineError):
        return fail(str(error), "see `tapeline status` and `tapeline logs`")
    return fail(f"the check itself failed ({type(error).__name__}: {error})", "report it with this text")


def _named(name: str, found: Finding) -> Checked:
    return Checked(name=name, state=found.state, detail=found.detail, fix=found.fix)
