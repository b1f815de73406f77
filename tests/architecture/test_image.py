"""X-22: the one image has what every worker needs and no more, and every worker in compose is one that exists."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from processors.__main__ import AGENTS
from sinks.__main__ import STORES
from tapeline.cli.app import app
from tapeline.runtime import settings
from tapeline.venues.registry import HOSTED
from tests.architecture.rules.compose import ENDS_BY_ITSELF, services, workers
from tests.architecture.rules.dockerfile import Stage, copied, stages
from tests.architecture.rules.source import PRODUCT, ROOT

WORKERS = workers(services((ROOT / "infra" / "compose.yaml").read_text("utf-8")))
DOCKERFILE = (ROOT / "infra" / "Dockerfile").read_text("utf-8")
IGNORED = (ROOT / ".dockerignore").read_text("utf-8")
HEARTBEAT = "/run/tapeline/heartbeat"
USER = "10001:10001"
GIVEN = {"TAPELINE_DATABASE__PASSWORD": "postgres-secret", "TAPELINE_CLICKHOUSE__PASSWORD": "clickhouse-secret"}
# Sections of which a worker takes every key that somebody may set in .env, and who that is.
WHOLE = {"trader": {"executor"}, "keys": {"executor"}, "strategies": {"strategies"}}


@pytest.fixture(scope="module")
def build() -> Stage:
    """Return the stage that makes the environment."""
    return stages(DOCKERFILE)[0]


@pytest.fixture(scope="module")
def final() -> Stage:
    """Return the stage that is the image."""
    return stages(DOCKERFILE)[-1]


def environment(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return what compose puts into a worker's environment."""

    def filled(found: re.Match[str]) -> str:
        return given.get(found[1]) or found[2]

    return {
        key: re.sub(r"\$\{(\w+):[-?]([^}]*)\}", filled, str(value))
        for key, value in WORKERS[name]["environment"].items()
    }


# ---------------------------------------------------------------- workers
def test_every_worker_that_exists_has_a_service() -> None:
    commands = {tuple(one["command"]) for one in WORKERS.values()}
    wanted = {
        *(("python", "-m", "producers", venue) for venue in HOSTED),
        *(("python", "-m", "processors", agent) for agent in AGENTS),
        *(("python", "-m", "sinks", store) for store in STORES),
        ("python", "-m", "executor"),
        ("python", "-m", "gateway"),
        ("tapeline", "prepare"),
    }
    assert commands == wanted
    # The simulator is no worker: real exchanges are in its place.
    processes = {path.parent.name for path in ROOT.glob("*/__main__.py") if path.parent.name in PRODUCT}
    assert {words[2] for words in wanted if words[0] == "python"} == processes - {"simulator", "tapeline"}


@pytest.mark.parametrize("name", WORKERS)
def test_a_command_is_one_that_exists(name: str) -> None:
    program, *words = WORKERS[name]["command"]
    if program == "tapeline":
        assert words[0] in {(one.name or one.callback.__name__) for one in app.registered_commands if one.callback}
    else:
        assert (program, words[0]) == ("python", "-m")
        assert importlib.util.find_spec(f"{words[1]}.__main__") is not None


@pytest.mark.parametrize("name", WORKERS)
def test_settings_are_read_from_the_environment_of_a_worker(name: str, tmp_path: Path) -> None:
    known = {key.variable for key in settings.catalogue()}
    assert {key for key in WORKERS[name]["environment"] if key.startswith("TAPELINE_")} - known == set()
    found = settings.load(tmp_path, environ=environment(name, GIVEN))
    assert (found.kafka.bootstrap, found.registry.url) == ("kafka:9092", "http://registry:8081")
    assert (found.process.metrics_host, found.process.metrics_port) == ("0.0.0.0", 9100)  # noqa: S104 - in a container
    assert (str(found.process.heartbeat_path), str(found.data.dir)) == (HEARTBEAT, "/var/lib/tapeline")
    assert found.venues.network == "main"
    assert found.trader.live is False


def test_what_somebody_sets_in_env_reaches_the_one_who_reads_it(tmp_path: Path) -> None:
    for section, names in WHOLE.items():
        wanted = {key.variable for key in settings.catalogue() if key.section == section}
        holders = {name for name, one in WORKERS.items() if wanted & one["environment"].keys()}
        assert holders == names
        for name in names:
            assert wanted - WORKERS[name]["environment"].keys() == set()
    given = GIVEN | {"TAPELINE_TRADER__MAX_EXPOSURE": "250", "TAPELINE_VENUES__NETWORK": "test"}
    found = settings.load(tmp_path, environ=environment("executor", given))
    assert (str(found.trader.max_exposure), found.venues.network) == ("250", "test")


def test_a_worker_has_the_secrets_that_it_needs_and_no_other() -> None:
    secrets = {key.variable for key in settings.catalogue() if key.secret}
    assert {name: {key for key in one["environment"] if key in secrets} for name, one in WORKERS.items()} == {
        "prepare": set(GIVEN),
        "prepare-ha": set(GIVEN),
        **{f"producers-{venue}": set() for venue in HOSTED},
        "spreads": set(),
        "strategies": set(),
        "executor": {
            "TAPELINE_DATABASE__PASSWORD", "TAPELINE_KEYS__BINANCE_KEY", "TAPELINE_KEYS__BINANCE_SECRET",
            "TAPELINE_KEYS__BYBIT_KEY", "TAPELINE_KEYS__BYBIT_SECRET",
        },
        "sink-clickhouse": {"TAPELINE_CLICKHOUSE__PASSWORD"},
        "sink-postgres": {"TAPELINE_DATABASE__PASSWORD"},
        "gateway": {"TAPELINE_SERVER__TOKEN"},
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(WORKERS.keys() - ENDS_BY_ITSELF))
def test_a_worker_is_watched_by_its_heartbeat_and_may_write_where_it_must(name: str) -> None:
    found = WORKERS[name]
    assert found["healthcheck"]["test"] == ["CMD", "python", "-m", "tapeline.runtime.heartbeat_file", HEARTBEAT]
    assert (found["user"], found["read_only"], found["init"]) == (USER, True, True)
    memory = {str(one).partition(":")[0]: str(one) for one in found["tmpfs"]}
    kept = {str(one).split(":")[-2 if str(one).endswith(":ro") else -1] for one in found["volumes"]}
    places = {"/run/tapeline", "/var/lib/tapeline", "/var/log/tapeline"}
    assert places <= memory.keys() | kept
    assert [one for path, one in memory.items() if path in places and f"uid={USER.partition(':')[0]}" not in one] == []
    assert int(found["stop_grace_period"].removesuffix("s")) > settings.Process().drain_timeout_s


def test_a_halt_of_the_executor_outlives_its_container() -> None:
    assert "executor:/var/lib/tapeline" in WORKERS["executor"]["volumes"]
    assert not any(str(one).startswith("/var/lib/tapeline") for one in WORKERS["executor"]["tmpfs"])


def test_the_image_is_that_of_this_version_and_file() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    for found in WORKERS.values():
        assert found["image"] == f"tapeline:{version[1]}"
        assert found["build"] == {"context": "..", "dockerfile": "infra/Dockerfile"}
    assert f"-t tapeline:{version[1]} " in DOCKERFILE


# ---------------------------------------------------------------- image
def test_what_is_copied_exists_and_is_the_whole_product(build: Stage) -> None:
    sources = copied(build)
    assert [path for path in sources if not (ROOT / path).exists()] == []
    assert {path for path in sources if (ROOT / path).is_dir()} == set(PRODUCT)
    assert {path for path in sources if (ROOT / path).is_file()} == {
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
    }


def test_nothing_else_gets_as_far_as_the_build(build: Stage) -> None:
    lines = [line for line in IGNORED.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {line.removeprefix("!").rstrip("/") for line in lines if line.startswith("!")} == set(copied(build))
    assert {"**/.env", "**/.env.*", "**/tapeline.toml"} <= set(lines)


def test_packages_are_those_of_the_lock_and_nothing_is_compiled(build: Stage, final: Stage) -> None:
    packages, project = (one for one in build.all("RUN") if one.startswith("uv sync"))
    assert {"--frozen", "--no-dev", "--no-build"} <= set(packages.split())
    assert {"--frozen", "--no-dev", "--no-editable"} <= set(project.split())
    assert "--all-extras" not in packages + project
    pin = re.search(r"^uv_pin=(\S+)$", (ROOT / ".ci" / "prepare").read_text("utf-8"), re.MULTILINE)
    assert pin is not None
    assert f"uv=={pin[1]}" in " ".join(build.all("RUN"))
    for stage in (build, final):
        assert re.search(r"apt-get|gcc|build-essential", " ".join(stage.all("RUN"))) is None


def test_stages_are_pinned_and_of_one_python(build: Stage, final: Stage) -> None:
    assert build.image == final.image
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", final.image)
    assert [words.split() for words in final.all("COPY")] == [["--from=build", "/opt/tapeline", "/opt/tapeline"]]


def test_the_image_runs_as_nobody_and_says_how_it_does(final: Stage) -> None:
    assert final.all("USER") == [USER]
    users = " ".join(final.all("RUN"))
    assert f"--uid {USER.partition(':')[0]}" in users
    (check,) = final.all("HEALTHCHECK")
    assert check.endswith(f'CMD ["python", "-m", "tapeline.runtime.heartbeat_file", "{HEARTBEAT}"]')
    variables = dict(word.split("=", 1) for words in final.all("ENV") for word in words.split())
    known = {key.variable for key in settings.catalogue()}
    assert {name for name in variables if name.startswith("TAPELINE_")} <= known
    assert variables["TAPELINE_PROCESS__HEARTBEAT_PATH"] == HEARTBEAT
    for name in ("TAPELINE_DATA__DIR", "TAPELINE_LOG__DIR"):
        assert variables[name] in users
