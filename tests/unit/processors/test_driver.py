"""What settings say about the broker's security reaches Faust's consumer."""

from __future__ import annotations

from operator import attrgetter

import pytest
from faust.auth import SASLCredentials, SSLCredentials

from processors.app import BatchApp
from processors.transport import credentials
from tapeline.errors import Misconfigured
from tapeline.runtime.endpoints import KafkaEndpoint


def test_a_plain_broker_needs_nothing() -> None:
    assert credentials(KafkaEndpoint(bootstrap="a:1")) is None


def test_tls_alone_sends_a_context() -> None:
    found = credentials(KafkaEndpoint(bootstrap="a:1", security_protocol="SSL"))

    assert isinstance(found, SSLCredentials)
    assert found.context.check_hostname


@pytest.mark.parametrize(("protocol", "secure"), [("SASL_PLAINTEXT", False), ("SASL_SSL", True)])
def test_scram_sends_user_and_password(protocol: str, secure: bool) -> None:  # noqa: FBT001 - a row of the table
    found = credentials(
        KafkaEndpoint(bootstrap="a:1", security_protocol=protocol, username="me", password="pw")  # type: ignore[arg-type] # one of the four
    )

    assert isinstance(found, SASLCredentials)
    assert (found.username, found.password, found.mechanism.value) == ("me", "pw", "SCRAM-SHA-512")
    assert (found.protocol.value, found.ssl_context is not None) == (protocol, secure)


def test_a_user_without_a_password_is_one_sentence() -> None:
    with pytest.raises(Misconfigured, match=r"kafka.password is empty: set kafka.password"):
        credentials(KafkaEndpoint(bootstrap="a:1", security_protocol="SASL_SSL", username="me"))


def test_the_rules_for_faust_are_set() -> None:
    conf = BatchApp("group", member="one", kafka=KafkaEndpoint(bootstrap="a:1,b:2")).conf

    assert [str(url) for url in conf.broker] == ["kafka://a:1", "kafka://b:2"]
    assert (conf.id, conf.consumer_group_instance_id, conf.broker_client_id) == ("group", "one", "one")
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval, conf.broker_rebalance_timeout) == (6, 2, 10)
    # By name: the library's annotation of it forgets `self`.
    discovers = attrgetter("autodiscover")(conf)
    assert (conf.topic_allow_declare, conf.web_enabled, discovers) == (False, False, False)
    assert str(conf.processing_guarantee) == "ProcessingGuarantee.AT_LEAST_ONCE"
