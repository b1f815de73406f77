"""A child process means exactly what its parent means."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.embedded import inherit
from tapeline.runtime.settings import Settings, load

TOML = """
[kafka]
bootstrap = "a:1,b:2"
replication = 3
password = "two words, and = signs"
[database]
use_tls = false
[embedded]
ready_timeout_s = 7.5
[trader]
max_exposure = 2500.5
[[strategies.run]]
name = "a"
strategy = "two-leg"
symbols = ["BTC/USDT"]
parameters = { notional = "250", parts = 2 }
"""


def test_all_given_settings_survive_the_way_through_the_environment(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    (here / "tapeline.toml").write_text(TOML, "utf-8")
    parent = load(here, environ={"HOME": str(tmp_path)})
    child = load(elsewhere, environ=inherit.as_variables(parent))
    assert child == parent


def test_what_a_file_gives_to_one_child_alone_is_stronger_than_what_its_parent_read_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tapeline.toml").write_text("", "utf-8")
    (tmp_path / ".env").write_text("TAPELINE_KAFKA__USERNAME=people\nTAPELINE_KAFKA__PARTITIONS=3\n", "utf-8")
    (tmp_path / ".env.sinks").write_text("TAPELINE_KAFKA__USERNAME=sinks\n", "utf-8")
    monkeypatch.chdir(tmp_path)

    first = inherit.environment(load(), "supervisor")
    for name, value in first.items():
        monkeypatch.setenv(name, value)
    second = {name: inherit.environment(load(service="supervisor"), name) for name in ("sinks", "gateway")}

    users = {name: load(service=name, environ=given).kafka.username for name, given in second.items()}
    assert users == {"sinks": "sinks", "gateway": "people"}
    assert {load(service=name, environ=given).kafka.partitions for name, given in second.items()} == {3}


def test_what_a_person_has_set_in_the_environment_is_stronger_than_a_childs_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tapeline.toml").write_text("", "utf-8")
    (tmp_path / ".env.sinks").write_text("TAPELINE_KAFKA__USERNAME=sinks\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAPELINE_KAFKA__USERNAME", "a person")

    given = inherit.environment(load(), "sinks")

    assert load(service="sinks", environ=given).kafka.username == "a person"


def test_defaults_are_not_passed_on() -> None:
    assert inherit.as_variables(Settings()) == {}
