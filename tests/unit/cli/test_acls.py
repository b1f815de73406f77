"""`tapeline topics acls` as text: what would change, who would be made, and whether it was done."""

from __future__ import annotations

from schemas.acls import Binding
from tapeline.cli import acls
from tapeline.cli.view import Cell, Grid, Line, View
from tapeline.runtime.acls_admin import User

ADD = Binding(principal="User:tapeline-sinks", resource="group", name="sink-", operation="read", pattern="prefixed")
NEVER = Binding(
    principal="User:tapeline-cli", resource="topic", name="md.book", operation="describe_configs", permission="deny",
    host="10.0.0.1",
)  # fmt: skip
USERS = (User(process="sinks", name="tapeline-sinks", state="to be set"),)


def shown(view: View) -> list[object]:
    def texts(cells: tuple[Cell, ...]) -> str:
        return "|".join(cell.text for cell in cells)

    return [texts(one.cells) if isinstance(one, Line) else [texts(row) for row in one.rows] for one in view]


def rights(*, applied: bool, rules: bool) -> acls.Rights:
    return acls.Rights(
        applied=applied,
        add=(ADD,) if rules else (),
        remove=(NEVER,) if rules else (),
        same=7,
        users=USERS if rules else (),
    )


def test_differences_are_signed_and_nothing_is_changed_unasked() -> None:
    assert shown(acls._view(rights(applied=False, rules=True))) == [  # noqa: SLF001 - what a person sees
        [
            "+|tapeline-sinks|read|group|sink-*",
            "-|tapeline-cli|never describe configs|topic|md.book from 10.0.0.1",
        ],
        "",
        ["tapeline-sinks|to be set"],
        "",
        "7 rules were right, nothing was changed: --apply does it",
    ]


def test_what_was_done_and_that_nothing_was_to_do_are_told() -> None:
    assert shown(acls._view(rights(applied=True, rules=True)))[-1] == "7 rules were right, changed"  # noqa: SLF001 - as above
    nothing = acls._view(rights(applied=True, rules=False))  # noqa: SLF001 - as above
    assert shown(nothing)[-1] == "7 rules were right, nothing to change"
    assert isinstance(nothing[0], Grid)
    assert nothing[0].empty == "the rules are those of the catalogue"
