"""Settings: one loader for file and environment, and one sentence for each wrong key (X-01, B-02, K19)."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from schemas.acls import PROCESSES
from tapeline.errors import Misconfigured
from tapeline.runtime import settings
from tapeline.runtime.settings import Settings

ROOT = Path(__file__).parents[3]


def load(root: Path, service: str | None = None, **environ: str) -> Settings:
    return settings.load(root, service=service, environ={"HOME": "/nowhere", **environ})


def refusal(root: Path, service: str | None = None, **environ: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        load(root, service, **environ)
    return str(caught.value)


def test_with_nothing_given_all_is_at_its_default(tmp_path: Path) -> None:
    found = load(tmp_path, XDG_CACHE_HOME="/cache")
    assert found.kafka.bootstrap is None
    assert (found.data.dir, found.data.cache_dir) == (tmp_path / ".tapeline", Path("/cache/tapeline"))
    assert found.log.dir == tmp_path / "logs"


def test_the_keys_of_the_requirement_have_its_defaults() -> None:
    """B-02; a host is unset because its absence means our own, the batch is that of the measured sink."""
    found = Settings()
    database, clickhouse, trader = found.database, found.clickhouse, found.trader
    assert (database.type, database.port, database.name, database.max_retries) == ("postgres", 5432, "ct_system", 5)
    assert database.use_tls is True
    assert (clickhouse.port, clickhouse.database, clickhouse.username) == (8123, "crypto", "default")
    assert found.server.port == 8080
    assert (found.log.level, found.log.dir) == ("debug", Path("logs"))
    assert found.monitor.model_dump() == {
        "venues": "binance,bybit",
        "tasks": False,
        "symbols": "BTC/USDT,ETH/USDT",
        "orderbook_depth": 20,
        "batch_size": 10_000,
        "batch_interval_sec": 1.0,
        "ring_buffer_size": 10_000,
    }
    assert (trader.max_open_orders, trader.max_position_size, trader.default_strategy) == (10, Decimal(1000), "grid")


def test_the_stronger_source_wins(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text('[kafka]\nbootstrap = "file:1"\nreplication = 3\n[database]\nport = 1\n')
    (tmp_path / ".env").write_text("TAPELINE_KAFKA__BOOTSTRAP=env:2\nTAPELINE_DATABASE__PORT=2\nOTHER=x\n")
    (tmp_path / ".env.sinks").write_text("TAPELINE_DATABASE__PORT=3\nTAPELINE_DATABASE__USER=three\n")
    every, sinks = load(tmp_path), load(tmp_path, "sinks", TAPELINE_DATABASE__USER="four")
    assert (every.kafka.bootstrap, every.kafka.replication, every.database.port) == ("env:2", 3, 2)
    assert (sinks.kafka.bootstrap, sinks.database.port, sinks.database.user) == ("env:2", 3, "four")


def test_the_env_file_of_another_service_is_not_read(tmp_path: Path) -> None:
    """Each process has its own env file: the executor's keys are nobody else's."""
    (tmp_path / ".env.executor").write_text("TAPELINE_KAFKA__PASSWORD=only-for-the-executor\n")
    assert load(tmp_path, "sinks").kafka.password is None
    assert load(tmp_path, "executor").kafka.password == SecretStr("only-for-the-executor")


@pytest.mark.parametrize(
    "value", ["a.b.c", "a$HOME", "${HOME}x", "q\"uo'te", "a#b", "a=b__c", "x{json}", "[1]", "päss"]
)
def test_any_text_survives_in_the_environment(tmp_path: Path, value: str) -> None:
    found = load(tmp_path, TAPELINE_KAFKA__PASSWORD=value, TAPELINE_KAFKA__USERNAME=value)
    assert (found.kafka.password, found.kafka.username) == (SecretStr(value), value)


@pytest.mark.parametrize("value", ["a.b.c", "a$HOME", "${HOME}x", "a=b__c", "päss"])
def test_any_text_survives_in_an_env_file(tmp_path: Path, value: str) -> None:
    (tmp_path / ".env").write_text(f"TAPELINE_KAFKA__PASSWORD={value}\n")
    assert load(tmp_path).kafka.password == SecretStr(value)


def test_names_in_the_environment_may_have_any_case(tmp_path: Path) -> None:
    assert load(tmp_path, tapeline_Kafka__BOOTSTRAP="a:1").kafka.bootstrap == "a:1"


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text('[kafka]\nbootstrap = ""\nusername = "file"\n')
    found = load(tmp_path, TAPELINE_KAFKA__USERNAME="", TAPELINE_DATABASE__PORT="")
    assert (found.kafka.bootstrap, found.kafka.username, found.database.port) == (None, "file", 5432)


@pytest.mark.parametrize(("given", "level"), [("WARNING", "warn"), ("Error", "error"), ("debug", "debug")])
def test_the_log_level_is_understood_in_any_case(tmp_path: Path, given: str, level: str) -> None:
    assert load(tmp_path, TAPELINE_LOG__LEVEL=given).log.level == level


def test_yes_is_understood(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text('[database]\nuse_tls = "no"\n')
    assert load(tmp_path).database.use_tls is False
    assert load(tmp_path, TAPELINE_DATABASE__USE_TLS="yes").database.use_tls is True


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("[kafka]\npartitons = 3", "unknown settings key 'kafka.partitons' in FILE: did you mean 'kafka.partitions'?"),
        ("[databse]\nport = 3", "unknown settings key 'databse' in FILE: did you mean 'database'?"),
        ("[databse]", "unknown settings key 'databse' in FILE: did you mean 'database'?"),
        ("kafka = 3", "settings key 'kafka' in FILE must be a table: write [kafka] and its keys"),
        ('[kafka]\n"a.b" = 3', "unknown settings key 'kafka.a.b' in FILE: "),
        ("[kafka\n", "FILE is not valid TOML (Expected ']' at the end of a table declaration (at line 1, column 7)):"),
        (
            "[log]\nlevel = 'loud'",
            "settings key 'log.level' in FILE has a wrong value 'loud': it should be 'debug', 'info', 'warn'",
        ),
        (
            "[database]\ntype = 'mysql'",
            "database.type is 'mysql' in FILE, and Tapeline stores in Postgres only: set it to 'postgres' (port 5432)",
        ),
        (
            "[database]\nport = 99999",
            "settings key 'database.port' in FILE has a wrong value '99999': it should be less",
        ),
        (
            "[embedded]\nbrokers = 2",
            "settings key 'embedded.brokers' in FILE has a wrong value '2': it should be 1 or 3: of two or four, one",
        ),
        (
            "[database]\npool_idle = 30",
            "settings key 'database' in FILE has a wrong value: pool_idle must not be above",
        ),
        (
            "[kafka]\nsecurity_protocol = 'SASL_SSL'",
            "settings key 'kafka' in FILE has a wrong value: security_protocol",
        ),
        (
            "[registry]\nurl = 'http://u:hunter2@h'",
            "settings key 'registry.url' in FILE has a wrong value 'http://u:***@h': give http(s)://host:port;",
        ),
        (
            "[kafka]\nca_file = 'no.pem'",
            "settings key 'kafka.ca_file' in FILE names ROOT/no.pem, which does not exist:",
        ),
        (
            "[kafka]\ncert_file = 'a.pem'",
            "settings key 'kafka' in FILE has a wrong value: set cert_file and key_file both",
        ),
    ],
)
def test_each_mistake_in_the_file_gets_its_sentence(tmp_path: Path, file: str, sentence: str) -> None:
    (tmp_path / "tapeline.toml").write_text(file)
    expected = sentence.replace("FILE", str(tmp_path / "tapeline.toml")).replace("ROOT", str(tmp_path))
    assert refusal(tmp_path)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TAPELINE_KAFKA_BOOTSTRAP", "did you mean 'TAPELINE_KAFKA__BOOTSTRAP'?"),
        ("TAPELINE_KAFAK__BOOTSTRAP", "did you mean 'TAPELINE_KAFKA__BOOTSTRAP'?"),
        ("TAPELINE_LOG__LEVEL__X", "did you mean 'TAPELINE_LOG__LEVEL'?"),
        ("TAPELINE_QWERTY__ZXCVBNM_POIUYTR", "take it out; tapeline.example.toml lists all keys"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path: Path, name: str, nearest: str) -> None:
    assert refusal(tmp_path, **{name: "hunter2"}) == f"unknown variable {name!r} in the environment: {nearest}"
    (tmp_path / ".env").write_text(f"{name}=hunter2\n")
    assert refusal(tmp_path) == f"unknown variable {name!r} in {tmp_path / '.env'}: {nearest}"


def test_an_unknown_key_is_told_before_a_wrong_value(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text("[database]\nport = 99999\n[kafka]\npartitons = 3\n[zzz]\n")
    assert refusal(tmp_path).startswith("unknown settings key 'kafka.partitons'")


def test_the_place_of_a_wrong_value_is_the_one_that_won(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text("[database]\nport = 1\n")
    (tmp_path / ".env").write_text("TAPELINE_DATABASE__PORT=x\n")
    place = f"settings key 'database.port' in {tmp_path / '.env'} (TAPELINE_DATABASE__PORT)"
    assert refusal(tmp_path).startswith(place)


def test_a_broken_line_of_an_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nthis is bad\n")
    assert refusal(tmp_path) == f"line 2 of {tmp_path / '.env'} is not NAME=value: correct that line"


def test_files_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    assert refusal(tmp_path).startswith(f"{tmp_path / '.env'} is not UTF-8 text")
    (tmp_path / "tapeline.toml").write_bytes(b"\xff")
    assert refusal(tmp_path).startswith(f"{tmp_path / 'tapeline.toml'} is not valid TOML")


@pytest.mark.parametrize(
    "sample",
    ["changeme", "CHANGE-ME", "change_me123", "secret", "password1!", "your-password", "<password>", "${PASSWORD}",
     "example", "xxxx", "1234567", "my-secret", "supersecret"],
)  # fmt: skip
def test_a_sample_secret_is_refused_and_not_shown(tmp_path: Path, sample: str) -> None:
    """X-14."""
    said = refusal(tmp_path, TAPELINE_DATABASE__PASSWORD=sample)
    place = "the environment (TAPELINE_DATABASE__PASSWORD)"
    assert said == f"settings key 'database.password' in {place} is still the sample: set a secret of your own"


@pytest.mark.parametrize("own", ["correct horse", "8273648236482", "Secret-of-7-dwarfs", "a", "postgres-secret"])
def test_a_secret_of_ones_own_is_taken(tmp_path: Path, own: str) -> None:
    found = load(tmp_path, TAPELINE_DATABASE__PASSWORD=own)
    assert settings.secret_values(found) == (own,)


@pytest.mark.parametrize("section", ["kafka", "registry", "database", "clickhouse"])
def test_a_secret_is_never_in_a_sentence_nor_in_the_settings_text(tmp_path: Path, section: str) -> None:
    (tmp_path / "tapeline.toml").write_text(f"[{section}]\npassword = 987654321\n")
    assert "987654321" not in refusal(tmp_path)
    (tmp_path / "tapeline.toml").write_text(f'[{section}]\npassword = "987654321q"\n')
    found = load(tmp_path)
    assert "987654321q" not in repr(found) + str(found.model_dump())
    assert settings.secret_values(found) == ("987654321q",)


def test_paths_are_relative_to_the_root_wherever_the_process_is(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text('[log]\ndir = "l"\n[kafka]\nca_file = "ca.pem"\n')
    (tmp_path / "ca.pem").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    found = load(tmp_path / "deep" / "er")
    assert (found.log.dir, found.kafka.ca_file) == (tmp_path / "l", tmp_path / "ca.pem")
    assert load(tmp_path, TAPELINE_DATA__DIR="/abs").data.dir == Path("/abs")


def test_the_root_is_the_nearest_folder_with_file_or_data(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert settings.find_root(tmp_path / "a") == tmp_path / "a"
    (tmp_path / ".tapeline").mkdir()
    assert settings.find_root(tmp_path / "a" / "b" / "c") == tmp_path
    (tmp_path / "a" / "b" / "tapeline.toml").touch()
    assert settings.find_root(tmp_path / "a" / "b" / "c") == tmp_path / "a" / "b"


def test_every_key_has_a_description_and_dangerous_ones_are_marked() -> None:
    """X-18."""
    found = settings.catalogue()
    assert [key.dotted for key in found if not key.about.strip()] == []
    marked = {key.dotted for key in found if key.about.startswith("DANGER ")}
    assert marked >= {"kafka.partitions", "kafka.security_protocol", "database.use_tls", "trader.max_position_size"}
    assert any(key.about.startswith("RECOMMENDED ") for key in found)
    assert list(settings.keys()) == [(key.dotted, key.about) for key in found]
    assert {key.dotted for key in found if key.secret} == {
        "kafka.password",
        "registry.password",
        "database.password",
        "clickhouse.password",
        "server.token",
        "simulation.keys",
        "venues.node_http",
        "venues.node_ws",
        "venues.oneinch_key",
        "keys.binance_key",
        "keys.binance_secret",
        "keys.bybit_key",
        "keys.bybit_secret",
        *(f"users.{process}_password" for process in PROCESSES),
    }


def test_keys_of_venues_are_refused_in_the_settings_file(tmp_path: Path) -> None:
    """X-14: they come from the environment or an env file, which nobody commits."""
    (tmp_path / "tapeline.toml").write_text('[keys]\nbybit_key = "k"\n')
    with pytest.raises(Misconfigured, match=r"has keys of venues in it.*move them into the environment"):
        _ = settings.load(tmp_path, environ={})
    (tmp_path / "tapeline.toml").unlink()
    (tmp_path / ".env").write_text("TAPELINE_KEYS__BYBIT_KEY=k1\n")
    found = settings.load(tmp_path, environ={"TAPELINE_KEYS__BYBIT_SECRET": "s1"}).keys
    assert [one and one.get_secret_value() for one in (found.bybit_key, found.bybit_secret)] == ["k1", "s1"]


def test_passwords_of_the_brokers_users_are_refused_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "tapeline.toml").write_text('[users]\nsinks_password = "a"\n', "utf-8")
    with pytest.raises(
        Misconfigured, match=r"has passwords of the broker's users in it.*into the environment or into .env.admin"
    ):
        settings.load(tmp_path, environ={})


def test_what_one_service_alone_is_given_is_known_by_its_variables(tmp_path: Path) -> None:
    (tmp_path / ".tapeline").mkdir()
    (tmp_path / ".env.sinks").write_text("TAPELINE_KAFKA__USERNAME=a\nTAPELINE_KAFKA__CA_FILE=\nOTHER=1\n", "utf-8")
    assert settings.given_to("sinks", tmp_path) == {"TAPELINE_KAFKA__USERNAME"}
    assert settings.given_to("gateway", tmp_path) == frozenset()


def test_a_foreign_child_gets_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPELINE_KAFKA__PASSWORD", "hunter2")
    monkeypatch.setenv("PLAIN", "1")
    ours, foreign = settings.child_environment(EXTRA="x"), settings.child_environment(ours=False, EXTRA="x")
    assert (ours["TAPELINE_KAFKA__PASSWORD"], ours["PLAIN"], ours["EXTRA"]) == ("hunter2", "1", "x")
    assert (foreign["PLAIN"], foreign["EXTRA"]) == ("1", "x")
    assert [name for name in foreign if re.match("tapeline_", name, re.IGNORECASE)] == []
