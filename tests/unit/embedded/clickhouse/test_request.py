"""The parameters of a request are sorted by what they are for; nothing of the HTTP interface becomes a setting."""

from __future__ import annotations

import pytest

from infra.embedded.clickhouse.refusal import Refused
from infra.embedded.clickhouse.request import Login, Options, options

LOGIN = Login("default", "secret")


def test_settings_parameters_and_words_of_the_interface_are_told_apart() -> None:
    params = {
        "query": "SELECT 1",
        "user": "default",
        "password": "secret",
        "database": "crypto",
        "session_id": "s",
        "query_id": "q",
        "wait_end_of_query": "1",
        "default_format": "CSV",
        "client_protocol_version": "54405",
        "send_progress_in_http_headers": "1",
        "http_headers_progress_interval_ms": "1",
        "enable_http_compression": "1",
        "compress": "0",
        "insert_deduplication_token": "t:0:1-2",
        "param_x": "1",
        "param_param_y": "2",
    }
    assert options(params, {}) == Options(
        settings={"insert_deduplication_token": "t:0:1-2"},
        parameters={"x": "1", "param_y": "2"},
        database="crypto",
        default_format="CSV",
        session="s",
        query_id="q",
        whole=True,
    )


def test_headers_name_what_parameters_leave_open() -> None:
    found = options({}, {"X-ClickHouse-Database": "d", "X-ClickHouse-Format": "JSON"})
    assert (found.database, found.default_format, found.whole) == ("d", "JSON", False)


def test_a_format_is_a_name_and_nothing_more() -> None:
    with pytest.raises(Refused, match="'CSV; DROP TABLE t' is no name of a format"):
        options({"default_format": "CSV; DROP TABLE t"}, {})


@pytest.mark.parametrize("name", ["compress", "decompress", "role"])
def test_what_would_be_wrong_to_overlook_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=f"{name} asks for") as caught:
        options({name: "1"}, {})
    assert caught.value.code == 48


@pytest.mark.parametrize(
    ("user", "password"), [("default", ""), ("", "secret"), ("default", "Secret"), ("default ", "secret"), ("é", "é")]
)
def test_only_the_exact_user_and_password_are_let_in(user: str, password: str) -> None:
    with pytest.raises(Refused) as caught:
        LOGIN.check({"user": user, "password": password}, {})
    assert (caught.value.code, caught.value.status) == (516, 403)


def test_headers_are_believed_before_parameters() -> None:
    right = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "secret"}
    assert LOGIN.check({"user": "default", "password": "wrong"}, right) == "in"
    with pytest.raises(Refused):
        LOGIN.check({"user": "default", "password": "secret"}, {**right, "X-ClickHouse-Key": "wrong"})


def test_who_sends_nothing_is_anonymous() -> None:
    assert LOGIN.check({}, {}) == "anonymous"
