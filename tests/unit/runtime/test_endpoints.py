"""Where services are found: settings win, the run file is next, and nothing is refused before it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tapeline.errors import Misconfigured
from tapeline.runtime import endpoints, runfile, settings
from tapeline.runtime.endpoints import (
    ClickHouseEndpoint,
    Endpoints,
    KafkaEndpoint,
    PostgresEndpoint,
    RegistryEndpoint,
)
from tapeline.runtime.runfile import Addresses, ProcessRecord, RunFile, Secrets
from tapeline.runtime.settings import Settings
from tapeline.runtime.tls import TlsFiles


def run_file(**addresses: str) -> RunFile:
    return RunFile(
        version="0",
        data_dir="/d",
        log_dir="/l",
        started_us=1,
        supervisor=ProcessRecord(name="supervisor", state="running"),
        addresses=msgspec.convert(addresses, Addresses),
        secrets=Secrets(postgres_password="pg-secret", clickhouse_password="ch-secret", gateway_token="token"),
    )


RUN = run_file(
    kafka="127.0.0.1:1001", registry="http://127.0.0.1:1002", postgres="127.0.0.1:1003", clickhouse="127.0.0.1:1004"
)


def test_everything_embedded_comes_from_the_run_file() -> None:
    found = endpoints.endpoints_from(Settings(), RUN)

    assert found == Endpoints(
        found_kafka=KafkaEndpoint(bootstrap="127.0.0.1:1001", partitions=4, replication=1, max_retries=5),
        found_registry=RegistryEndpoint(url="http://127.0.0.1:1002"),
        found_postgres=PostgresEndpoint(
            host="127.0.0.1",
            port=1003,
            user="tapeline",
            password="pg-secret",
            name="ct_system",
            sslmode="disable",
            pool_max=20,
            pool_idle=5,
        ),
        found_clickhouse=ClickHouseEndpoint(
            host="127.0.0.1",
            port=1004,
            database="crypto",
            username="default",
            password="ch-secret",
            embedded=True,
        ),
        run=RUN,
    )


def test_each_broker_of_the_run_file_has_a_copy() -> None:
    three = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"
    assert endpoints.endpoints_from(Settings(), run_file(kafka=three)).kafka == KafkaEndpoint(
        bootstrap=three, partitions=4, replication=3, max_retries=5
    )


def test_kafka_and_registry_named_in_settings_win_over_the_run_file() -> None:
    named: dict[str, Any] = {
        "kafka": {
            "bootstrap": "k1:9092,k2:9092",
            "security_protocol": "SASL_SSL",
            "username": "u",
            "password": "kafka-secret",
            "ca_file": "/ca",
            "cert_file": "/cert",
            "key_file": "/key",
            "replication": 3,
            "max_retries": 7,
        },
        "registry": {"url": "https://r/", "username": "u", "password": "r-secret", "ca_file": "/ca"},
    }

    found = endpoints.endpoints_from(Settings(**named), RUN)

    assert found.kafka == KafkaEndpoint(
        bootstrap="k1:9092,k2:9092",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        username="u",
        password="kafka-secret",
        tls=TlsFiles(section="kafka", ca_file=Path("/ca"), cert_file=Path("/cert"), key_file=Path("/key")),
        partitions=12,
        replication=3,
        max_retries=7,
    )
    assert found.registry == RegistryEndpoint(
        url="https://r", username="u", password="r-secret", tls=TlsFiles(section="registry", ca_file=Path("/ca"))
    )
    assert found.postgres.port == 1003


def test_stores_named_in_settings_win_over_the_run_file() -> None:
    database = {"host": "db", "password": "db-secret", "sslmode": "verify-full", "pool_max": 9}
    named: dict[str, Any] = {
        "database": database | {"cert_file": "/c", "key_file": "/k"},
        "clickhouse": {"host": "ch", "port": 8443, "secure": True, "password": "c-secret", "ca_file": "/ca"},
    }

    found = endpoints.endpoints_from(Settings(**named), RUN)

    assert found.postgres == PostgresEndpoint(
        host="db",
        port=5432,
        user="tapeline",
        password="db-secret",
        name="ct_system",
        sslmode="verify-full",
        tls=TlsFiles(section="database", cert_file=Path("/c"), key_file=Path("/k")),
        pool_max=9,
    )
    assert found.clickhouse == ClickHouseEndpoint(
        host="ch",
        port=8443,
        database="crypto",
        username="default",
        password="c-secret",
        secure=True,
        tls=TlsFiles(section="clickhouse", ca_file=Path("/ca")),
    )
    assert found.kafka.bootstrap == "127.0.0.1:1001"


def test_x13_use_tls_off_means_sslmode_disable() -> None:
    named: dict[str, Any] = {"database": {"host": "db", "use_tls": False, "sslmode": "verify-full"}}

    assert endpoints.endpoints_from(Settings(**named), None).postgres.sslmode == "disable"


def test_partitions_in_settings_hold_for_both() -> None:
    embedded: dict[str, Any] = {"kafka": {"partitions": 6}}
    external: dict[str, Any] = {"kafka": {"partitions": 6, "bootstrap": "k:1"}}

    assert endpoints.endpoints_from(Settings(**embedded), RUN).kafka.partitions == 6
    assert endpoints.endpoints_from(Settings(**external), RUN).kafka.partitions == 6


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ("kafka", "Kafka is not running: run `tapeline up` or set kafka.bootstrap"),
        ("registry", "the schema registry is not running: run `tapeline up` or set registry.url"),
        ("postgres", "Postgres is not running: run `tapeline up` or set database.host"),
        ("clickhouse", "ClickHouse is not running: run `tapeline up` or set clickhouse.host"),
    ],
)
@pytest.mark.parametrize("run", [None, run_file()])
def test_a_missing_service_is_refused_when_it_is_asked_for(run: RunFile | None, service: str, sentence: str) -> None:
    found = endpoints.endpoints_from(Settings(), run)

    with pytest.raises(Misconfigured) as refused:
        getattr(found, service)

    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1003", "postgresql://127.0.0.1:1003/ct_system", "http://127.0.0.1:1003"]
)
def test_an_address_may_have_a_scheme_and_a_path(address: str) -> None:
    found = endpoints.endpoints_from(Settings(), run_file(postgres=address, clickhouse=address))

    assert (found.postgres.host, found.postgres.port) == ("127.0.0.1", 1003)
    assert (found.clickhouse.host, found.clickhouse.port) == ("127.0.0.1", 1003)


def test_an_address_without_port_is_refused() -> None:
    with pytest.raises(Misconfigured, match="'somewhere', which is not host:port"):
        endpoints.endpoints_from(Settings(), run_file(postgres="somewhere"))


def test_no_secret_stands_in_what_is_printed() -> None:
    named: dict[str, Any] = {
        "kafka": {"bootstrap": "k:1", "password": "s3cret"},
        "registry": {"url": "http://r", "password": "s3cret"},
        "database": {"host": "db", "password": "s3cret"},
        "clickhouse": {"host": "ch", "password": "s3cret"},
    }

    found = endpoints.endpoints_from(Settings(**named), None)

    assert "s3cret" not in repr(found)
    assert found.kafka.password == found.postgres.password == "s3cret"


def test_resolve_reads_the_run_file_of_the_data_directory(tmp_path: Path) -> None:
    runfile.write(tmp_path, RUN)

    found = endpoints.resolve(settings.load(tmp_path, environ={"TAPELINE_DATA__DIR": str(tmp_path)}))

    assert (found.kafka.bootstrap, found.run) == ("127.0.0.1:1001", RUN)


def test_resolve_without_a_run_file_finds_nothing(tmp_path: Path) -> None:
    found = endpoints.resolve(settings.load(tmp_path, environ={}))

    assert found == Endpoints()
