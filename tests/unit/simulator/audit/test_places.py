"""Where the audit finds Postgres: what the command line names, else what settings say; without it no orders at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import SecretStr

from simulator.audit.__main__ import orders_place_of
from simulator.audit.dealings import Dealings, Seen
from simulator.audit.findings import Findings
from simulator.audit.kept import OrdersPlace
from simulator.audit.running import order_path_of
from tapeline.errors import Misconfigured
from tapeline.runtime.settings import Settings

SENT = Seen(
    place="bybit:spot", symbol="BTC/USDT", client_id="a", order_id="", side="buy", status="refused", begin_us=1,
    filled=Decimal(0),
)  # fmt: skip


def settings(**database: object) -> Settings:
    found = Settings()
    return found.model_copy(update={"database": type(found.database)(**database)})


def place(
    found: Settings, host: str | None = None, port: int | None = None, user: str | None = None, name: str | None = None
) -> OrdersPlace | None:
    return orders_place_of(found, host=host, port=port, user=user, database=name)


def test_the_command_line_comes_before_the_settings() -> None:
    word = "a-word-of-ours"
    named = settings(host="db", port=6000, user="me", password=SecretStr(word), name="mine", use_tls=False)
    wanted = OrdersPlace(host="db", port=6000, user="me", password=word, database="mine")
    assert place(named) == wanted
    assert place(named, "other", 7, "you", "yours") == replace(
        wanted, host="other", port=7, user="you", database="yours"
    )
    assert word not in repr(wanted)


def test_settings_say_how_the_postgres_that_they_name_is_trusted() -> None:
    found = [
        place(one, "127.0.0.1") for one in (settings(), settings(host="db"), settings(host="db", sslmode="require"))
    ]
    assert [one.sslmode for one in found if one is not None] == ["prefer", "verify-ca", "require"]


def test_where_nobody_names_a_postgres_there_is_none() -> None:
    assert place(settings()) is None


async def test_orders_without_a_postgres_to_compare_them_with_are_refused() -> None:
    assert await order_path_of([Dealings(place="bybit:spot")], None, (), Findings()) is None
    for one in (Dealings(place="bybit:spot", seen=(SENT,)), Dealings(place="bybit:spot", kept_away=("a",))):
        with pytest.raises(Misconfigured, match="have orders to compare: say where the Postgres of the executor is"):
            await order_path_of([one], None, (), Findings())
