"""Secrets do not reach the log: by name, by shape, by value (X-03)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tapeline.runtime import redact


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "db_password", "sasl.password", "passphrase", "token", "gateway_token", "ws_auth_token",
        "secret", "client_secret", "secret_key", "api_key", "apiKey", "api-key", "X-MBX-APIKEY", "Authorization",
        "cookie", "private_key", "X-BAPI-SIGN", "jwt", "credentials", "dsn", "OK-ACCESS-PASSPHRASE", "signature",
    ],
)  # fmt: skip
def test_a_name_of_a_secret_is_known(name: str) -> None:
    assert redact.is_secret_name(name)
    assert redact.fields({name: "hunter2"}) == {name: "***"}
    assert redact.fields({name: {"deep": "hunter2"}}) == {name: "***"}


@pytest.mark.parametrize("name", ["topic", "key", "symbol", "tokenizer", "keyboard", "author", "partition", "assignee"])
def test_an_ordinary_name_is_left_alone(name: str) -> None:
    assert redact.fields({name: "hunter2"}) == {name: "hunter2"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://tapeline:p:w/d@db:5432/ct", "postgres://tapeline:***@db:5432/ct"),
        ("postgres://tapeline:pa@ss@db:5432/ct", "postgres://tapeline:***@db:5432/ct"),
        ("redis://:hunter2@h", "redis://:***@h"),
        ("see http://127.0.0.1:8080/x and a@b.c", "see http://127.0.0.1:8080/x and a@b.c"),
        ("http://127.0.0.1:8080/x?mail=a@b.c", "http://127.0.0.1:8080/x?mail=a@b.c"),
        ("Authorization: Bearer abc.def-123", "Authorization: ***"),
        ("got 'Bearer abcdef123456'", "got 'Bearer ***'"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("host=db password=hunter2 user=x", "host=db password=*** user=x"),
        ("host=db password='hunter 2' user=x", "host=db password=*** user=x"),
        ('{"password": "hunter2", "user": "x"}', '{"password": ***, "user": "x"}'),
        ("ws://h/ws?token=abcdef&x=1", "ws://h/ws?token=***&x=1"),
        ("POST /order?symbol=BTCUSDT&signature=0a1b2c", "POST /order?symbol=BTCUSDT&signature=***"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "***"),
        ("basic functions, the token bucket", "basic functions, the token bucket"),
        ("wrong password: correct it in database.password", "wrong password: correct it in database.password"),
        ("no token: set gateway.token", "no token: set gateway.token"),
        ("X-Api-Token: 81f0a2 sent", "X-Api-Token: *** sent"),
        ("password:hunter2", "password:***"),
        ("{'api_key': 'hunter2'}", "{'api_key': ***}"),
        ("api_key = hunter2", "api_key = ***"),
        ("", ""),
    ],
)
def test_a_text_loses_what_looks_like_a_secret(text: str, shown: str) -> None:
    assert redact.text(text) == shown


def test_a_known_secret_is_hidden_wherever_it_stands() -> None:
    secrets = frozenset({"zX9-plain-looking", "ab"})
    assert redact.text("connecting with zX9-plain-looking to abc", secrets) == "connecting with *** to abc"


@dataclass
class Unknown:
    password: str = "hunter2"

    def __repr__(self) -> str:
        return f"Unknown(password={self.password!r})"


class Known(msgspec.Struct):
    user: str
    password: str


class Word(str):
    __slots__ = ()


def test_every_value_becomes_plain_json_without_secrets() -> None:
    found = redact.fields(
        {
            "none": None,
            "yes": True,
            "count": 3,
            "huge": 2**70,
            "ratio": 0.5,
            "money": Decimal("1.10"),
            "tokens": 5,
            "path": Path("logs/x"),
            "word": Word("w"),
            "struct": Known("u", "hunter2"),
            "object": Unknown(),
            "bytes": b"\x00\xff",
            "list": ["a", {"api_key": "hunter2"}],
            "error": ValueError("password=hunter2"),
            "surrogate": "a\udcffb",
        }
    )
    assert found == {
        "none": None,
        "yes": True,
        "count": 3,
        "huge": str(2**70),
        "ratio": 0.5,
        "money": "1.10",
        "tokens": 5,
        "path": "logs/x",
        "word": "w",
        "struct": {"user": "u", "password": "***"},
        "object": "Unknown(password=***)",
        "bytes": "b'\\x00\\xff'",
        "list": ["a", {"api_key": "***"}],
        "error": "password=***",
        "surrogate": "a\\udcffb",
    }
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


def test_nothing_grows_without_bound() -> None:
    deep: object = "end"
    for _ in range(50):
        deep = {"in": deep}
    found = redact.fields({"long": "x" * 100_000, "many": list(range(10_000)), "deep": deep})
    assert len(msgspec.json.encode(found)) < 20_000
    assert str(found["long"]).endswith("… (83616 more characters)")
