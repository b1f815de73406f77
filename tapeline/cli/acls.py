"""`tapeline topics acls`: the broker's rules and users beside what the catalogue says, and making them the same."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from schemas import acls as catalogue
from schemas.acls import Binding
from tapeline.cli.failure import OK
from tapeline.cli.reaching import ADMIN, meant, services
from tapeline.cli.render import Output
from tapeline.cli.view import Cell, Grid, Style, View, line, row
from tapeline.runtime import acls_admin
from tapeline.runtime.acls_admin import User, UserState
from tapeline.runtime.kafka import access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.topics import Process
    from tapeline.runtime.endpoints import KafkaEndpoint
    from tapeline.runtime.settings import Settings

_STYLES: dict[UserState, Style] = {"as settings say": "good", "to be set": "warn"}


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What differs, `applied` says whether it was made the same; `same` counts the rules that were right before."""

    applied: bool
    add: tuple[Binding, ...]
    remove: tuple[Binding, ...]
    same: int
    users: tuple[User, ...]


def acls(out: Output, *, apply: bool) -> int:
    """Show the differences, after making the broker's rules and users those of the catalogue and settings if asked."""
    settings = meant(ADMIN)
    found = asyncio.run(_rights(services(settings).kafka, passwords(settings), apply=apply))
    out.show(found, partial(_view, found))
    return OK


def passwords(settings: Settings) -> dict[Process, str | None]:
    """Return the password of each user, as far as settings name one."""
    given = {process: getattr(settings.users, f"{process}_password") for process in catalogue.PROCESSES}
    return {process: None if secret is None else secret.get_secret_value() for process, secret in given.items()}


async def _rights(endpoint: KafkaEndpoint, given: Mapping[Process, str | None], *, apply: bool) -> Rights:
    async with access(endpoint) as asked:
        wanted = await acls_admin.look(asked)
        users = await acls_admin.users(endpoint, given)
        if apply:
            await acls_admin.apply(asked, wanted)
            await acls_admin.set_users(asked, users, given)
    return Rights(applied=apply, add=wanted.add, remove=wanted.remove, same=wanted.same, users=users)


def _view(found: Rights) -> View:
    rules = (*_rows(found.add, "+", "good"), *_rows(found.remove, "-", "bad"))
    waiting = len(rules) + sum(user.state == "to be set" for user in found.users)
    told = "nothing to change"
    if waiting:
        told = "changed" if found.applied else "nothing was changed: --apply does it"
    return (
        Grid(("", "user", "what", "", "name"), rules, empty="the rules are those of the catalogue"),
        line(),
        Grid(("user", "password"), tuple(_user(user) for user in found.users)),
        line(),
        line(Cell(f"{found.same} rules were right, {told}", "dim")),
    )


def _rows(rules: tuple[Binding, ...], sign: str, style: Style) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        row(
            Cell(sign, style),
            Cell(one.principal.removeprefix("User:"), "name"),
            ("" if one.permission == "allow" else "never ") + one.operation.replace("_", " "),
            one.resource.replace("_", " "),
            one.name + ("*" if one.pattern == "prefixed" else "") + ("" if one.host == "*" else f" from {one.host}"),
        )
        for one in rules
    )


def _user(user: User) -> tuple[Cell, ...]:
    return row(Cell(user.name, "name"), Cell(user.state, _STYLES.get(user.state, "dim")))
