"""The broker's rules and users against the catalogue: what is missing, what is too much, and making it so.

Only rules of our own users are ever looked at. New ones are made before old ones end, so that a change of the catalogue
stops nobody who may go on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from schemas import acls
from tapeline.errors import Misconfigured
from tapeline.runtime import logs
from tapeline.runtime.kafka import connection
from tapeline.runtime.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.acls import Binding
    from schemas.topics import Process
    from tapeline.runtime.endpoints import KafkaEndpoint
    from tapeline.runtime.kafka import Access

UserState = Literal["no password in settings", "as settings say", "to be set"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What must change so that the broker has what the catalogue says; each sorted."""

    add: tuple[Binding, ...]
    remove: tuple[Binding, ...]
    same: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user of ours on the broker, and whether settings' password lets it in."""

    process: Process
    name: str
    state: UserState


def changes(wanted: Iterable[Binding], found: Iterable[Binding]) -> Changes:
    """Return what must change between two sets of rules."""
    ours, theirs = frozenset(wanted), frozenset(found)
    return Changes(add=tuple(sorted(ours - theirs)), remove=tuple(sorted(theirs - ours)), same=len(ours & theirs))


async def look(access: Access) -> Changes:
    """Return what must change on the broker."""
    principals = [acls.principal_of(process) for process in acls.PROCESSES]
    return changes(acls.bindings(), await access.bindings(principals))


async def apply(access: Access, wanted: Changes) -> None:
    """Make the broker's rules what the catalogue says."""
    await access.bind(wanted.add)
    await access.unbind(wanted.remove)
    if wanted.add or wanted.remove:
        logs.get(__name__).info(LogEvent.ACLS_CHANGED, added=len(wanted.add), removed=len(wanted.remove))


async def users(endpoint: KafkaEndpoint, passwords: Mapping[Process, str | None]) -> tuple[User, ...]:
    """Return how each of our users stands; a broker tells nobody a password, so each is tried."""
    return tuple([await _user(endpoint, process, passwords.get(process)) for process in acls.PROCESSES])


async def set_users(access: Access, found: Iterable[User], passwords: Mapping[Process, str | None]) -> None:
    """Make the users that settings have a password for and the broker does not let in by it."""
    for user in found:
        password = passwords.get(user.process)
        if user.state == "to be set" and password is not None:
            await access.set_password(user.name, password)
            logs.get(__name__).info(LogEvent.BROKER_USER_SET, user=user.name)


async def _user(endpoint: KafkaEndpoint, process: Process, password: str | None) -> User:
    name = acls.user_of(process)
    if password is None:
        return User(process=process, name=name, state="no password in settings")
    if not endpoint.security_protocol.startswith("SASL_"):
        raise Misconfigured(
            f"users.{process}_password is set, and with kafka.security_protocol {endpoint.security_protocol} "
            "nobody shows a password",
            fix="set kafka.security_protocol to SASL_SSL, or take it out",
        )
    try:
        await connection.probe(replace(endpoint, username=name, password=password))
    except Misconfigured:
        # Refused; where another setting were wrong, the administrator could not have looked at the rules before.
        return User(process=process, name=name, state="to be set")
    return User(process=process, name=name, state="as settings say")
