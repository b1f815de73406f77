"""A child process means exactly what its parent means."""

from __future__ import annotations

from pathlib import Path

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


def test_defaults_are_not_passed_on() -> None:
    assert inherit.as_variables(Settings()) == {}
