"""What clients are built with, and what each failure of the library means."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest
from aiokafka import errors

from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime.endpoints import KafkaEndpoint
from tapeline.runtime.kafka import connection

PLAIN = KafkaEndpoint(bootstrap="a:1, b:2")
SCRAM = replace(PLAIN, security_protocol="SASL_SSL", username="u", password="s3cret")


def test_plain_text_needs_nothing_else() -> None:
    assert connection.options(PLAIN) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
        "request_timeout_ms": 10_000,
    }


def test_x13_scram_over_tls_takes_user_password_and_context() -> None:
    found = connection.options(SCRAM)

    assert isinstance(found.pop("ssl_context"), ssl.SSLContext)
    assert found == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "request_timeout_ms": 10_000,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "s3cret",
    }


@pytest.mark.parametrize("key", ["username", "password"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_user_or_password_names_its_key(key: str, value: str | None) -> None:
    with pytest.raises(Misconfigured, match=f"kafka.security_protocol is SASL_SSL and kafka.{key} is empty: set kafka"):
        connection.options(replace(SCRAM, **{key: value}))  # type: ignore[arg-type] # each of the two keys in turn


WHERE = "Kafka at a:1, b:2 (kafka.bootstrap)"


@pytest.mark.parametrize(
    ("error", "kind", "start"),
    [
        (errors.SaslAuthenticationFailed("no"), Misconfigured, f"{WHERE} refused the user 'u'"),
        (errors.UnsupportedSaslMechanismError(), Misconfigured, f"{WHERE} does not take kafka.sasl_mechanism SCRAM"),
        (errors.IllegalSaslStateError(), Misconfigured, f"{WHERE} asks for no password"),
        (errors.TopicAuthorizationFailedError("t"), Misconfigured, f"{WHERE} does not permit the user 'u' to do this"),
        (ssl.SSLError(1, "wrong version"), Misconfigured, f"{WHERE} does not speak TLS"),
        (ConnectionResetError(), Unavailable, f"{WHERE} closed the connection: it is restarting, or asks for another"),
        (errors.KafkaConnectionError("Connection at a:1 closed"), Unavailable, f"{WHERE} closed the connection"),
        (errors.NodeNotReadyError("x"), Unavailable, f"{WHERE} does not answer (NodeNotReadyError: x)"),
        (TimeoutError(), Unavailable, f"{WHERE} does not answer (TimeoutError)"),
    ],
)
def test_a_failure_says_who_must_act(error: Exception, kind: type[Exception], start: str) -> None:
    found = connection.translated(error, SCRAM)

    assert (type(found), str(found)[: len(start)]) == (kind, start)
    assert "s3cret" not in str(found)
