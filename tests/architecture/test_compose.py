"""X-22: infra/compose.yaml is safe to start, and the settings of docs/compose.md point at exactly what it starts."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from schemas.topics import TOPICS
from tapeline.runtime.settings import Settings, load
from tapeline.venues.registry import HOSTED
from tests.architecture.rules.compose import broken, in_profile, services
from tests.architecture.rules.source import ROOT, none_of

FILE = ROOT / "infra" / "compose.yaml"
TEXT = FILE.read_text("utf-8")
CORE = {"redpanda", "console", "clickhouse", "postgres"}
MONITORING = {"prometheus", "alertmanager", "grafana"}
WORKERS = {
    *(f"producers-{venue}" for venue in HOSTED),
    "spreads", "strategies", "executor", "sink-clickhouse", "sink-postgres", "gateway",
}  # fmt: skip
PROFILES = {
    "core": CORE,
    "full": CORE | MONITORING | WORKERS | {"prepare"},
    "ha": CORE | MONITORING | WORKERS | {"prepare-ha", "redpanda-1", "redpanda-2"},
}
OLDEST = (2, 20)
"""The first version of Compose that knows what `required: false` means."""
SECRETS = {"TAPELINE_DATABASE__PASSWORD": "postgres-secret", "TAPELINE_CLICKHOUSE__PASSWORD": "clickhouse-secret"}


def published(service: str) -> set[str]:
    """Return the addresses under which a service is reached from the host."""
    return {str(port).rpartition(":")[0] for port in services(TEXT)[service]["ports"]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Load the `tapeline.toml` that docs/compose.md shows, with the passwords of .env."""
    page = (ROOT / "docs" / "compose.md").read_text("utf-8")
    shown = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    (tmp_path / "tapeline.toml").write_text(shown[1], "utf-8")
    return load(tmp_path, environ=SECRETS)


def test_every_service_keeps_the_rules() -> None:
    assert none_of(broken(TEXT))


def test_each_profile_holds_what_it_says() -> None:
    found = services(TEXT)
    assert {name for service in found.values() for name in service["profiles"]} == set(PROFILES)
    assert {profile: in_profile(found, profile) for profile in PROFILES} == PROFILES


@pytest.mark.parametrize(("profile", "brokers"), [("core", 1), ("full", 1), ("ha", 3)])
def test_a_profile_has_as_many_copies_as_brokers(profile: str, brokers: int) -> None:
    found = {name: services(TEXT)[name] for name in PROFILES[profile]}
    assert sum(name.startswith("redpanda") for name in found) == brokers
    for one in (one for name, one in found.items() if name.startswith("redpanda")):
        assert one["networks"] == {"default": {"aliases": ["kafka", "registry"]}}
    for one in (one for name, one in found.items() if name.startswith("prepare")):
        assert one["environment"]["TAPELINE_KAFKA__REPLICATION"] == str(brokers)


def test_brokers_differ_in_nothing_but_their_names_and_ports() -> None:
    found = services(TEXT)
    ports = {"redpanda": "19092", "redpanda-1": "29092", "redpanda-2": "39092"}
    plain = {
        name: [
            str(word)
            .replace(f"{name}:9092", "BROKER:9092")
            .replace(f"{name}:33145", "BROKER:33145")
            .replace(port, "PORT")
            for word in found[name]["command"]
            if not str(word).startswith(("--seeds=", "--schema-registry-addr="))
        ]
        for name, port in ports.items()
    }
    assert plain["redpanda"] == plain["redpanda-1"] == plain["redpanda-2"]
    for name, port in ports.items():
        assert f"127.0.0.1:{port}:{port}" in found[name]["ports"]


def test_the_broker_and_the_registry_stand_where_the_settings_say(settings: Settings) -> None:
    assert published("redpanda") == {settings.kafka.bootstrap, str(settings.registry.url).removeprefix("http://")}


def test_the_broker_tells_clients_the_address_of_the_settings(settings: Settings) -> None:
    command = services(TEXT)["redpanda"]["command"]
    assert f"--advertise-kafka-addr=internal://redpanda:9092,external://{settings.kafka.bootstrap}" in command


def test_postgres_is_the_one_of_the_settings(settings: Settings) -> None:
    found = services(TEXT)["postgres"]["environment"]
    database = settings.database
    assert published("postgres") == {f"{database.host}:{database.port}"}
    assert (found["POSTGRES_DB"], found["POSTGRES_USER"]) == (database.name, database.user)
    assert database.password is not None
    assert database.password.get_secret_value() == "postgres-secret"


def test_clickhouse_is_the_one_of_the_settings(settings: Settings) -> None:
    found = services(TEXT)["clickhouse"]["environment"]
    store = settings.clickhouse
    assert published("clickhouse") == {f"{store.host}:{store.port}"}
    assert (found["CLICKHOUSE_DB"], found["CLICKHOUSE_USER"]) == (store.database, store.username)
    assert store.password is not None
    assert store.password.get_secret_value() == "clickhouse-secret"


def test_topics_come_from_the_catalogue_alone_and_fit_one_broker(settings: Settings) -> None:
    cluster = yaml.safe_load((ROOT / "infra" / "redpanda" / "bootstrap.yaml").read_text("utf-8"))
    assert cluster["auto_create_topics_enabled"] is False
    brokers = [name for name in in_profile(services(TEXT), "core") if name.startswith("redpanda")]
    assert settings.kafka.replication == len(brokers)
    assert {topic.partition_count(settings.kafka.partitions or 0) for topic in TOPICS} == {1, 12}


def test_the_console_decodes_through_the_registry_of_the_broker() -> None:
    console = yaml.safe_load((ROOT / "infra" / "redpanda" / "console.yaml").read_text("utf-8"))
    command = services(TEXT)["redpanda"]["command"]
    assert console["kafka"]["brokers"] == ["redpanda:9092"]
    assert console["schemaRegistry"] == {"enabled": True, "urls": ["http://redpanda:8081"]}
    assert any("internal://0.0.0.0:8081" in word for word in command)


def test_files_that_are_mounted_exist() -> None:
    mounted = {
        str(volume).partition(":")[0]
        for service in services(TEXT).values()
        for volume in service.get("volumes", [])
        if str(volume).startswith(".")
    }
    assert {path for path in mounted if path.endswith("/")} == {
        "./alertmanager/", "./grafana/dashboards/", "./grafana/provisioning/",
    }  # fmt: skip
    assert [path for path in mounted if not (FILE.parent / path).exists()] == []
    assert [path for path in mounted if (FILE.parent / path).is_dir() != path.endswith("/")] == []


def test_the_broker_keeps_what_it_acknowledged() -> None:
    command = " ".join(services(TEXT)["redpanda"]["command"])
    assert "dev-container" not in command
    assert "unsafe-bypass-fsync" not in command


@pytest.mark.parametrize("profile", PROFILES)
def test_the_page_tells_how_much_memory_a_profile_takes_at_most(profile: str) -> None:
    sizes = {"g": 1024, "m": 1}
    limits = [services(TEXT)[name]["mem_limit"] for name in PROFILES[profile] if not name.startswith("prepare")]
    gigabytes = sum(int(limit[:-1]) * sizes[limit[-1]] for limit in limits) / 1024
    page = (ROOT / "docs" / "compose.md").read_text("utf-8")
    shown = re.search(rf"^\| `{profile}` \|.*\| ([\d.]+) GB \|$", page, re.MULTILINE)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(gigabytes, abs=0.06)


def test_what_is_asked_of_env_stands_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert asked == set(SECRETS)
    example = (ROOT / ".env.example").read_text("utf-8")
    named = set(re.findall(r"\$\{(\w+):", TEXT))
    assert {name for name in named if not re.search(rf"^#?{name}=", example, re.MULTILINE)} == set()
    # What a start cannot do without stands ready to be filled in.
    ready = {*SECRETS, "TAPELINE_SERVER__TOKEN", "GRAFANA_PASSWORD"}
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == ready


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_itself_accepts_the_file(profile: str) -> None:
    command = compose_command()
    if command is None:
        pytest.skip("no Docker Compose of 2.20 or newer is installed; the file was checked by parsing")
    words = [*command, "-f", str(FILE), "--profile", profile, "config", "--services"]
    done = subprocess.run(words, env={"PATH": path(), **SECRETS}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, set(done.stdout.split())) == (0, "", PROFILES[profile])


def test_compose_itself_names_a_missing_password() -> None:
    command = compose_command()
    if command is None:
        pytest.skip("no Docker Compose of 2.20 or newer is installed")
    words = [*command, "-f", str(FILE), "--profile", "core", "config", "--quiet"]
    done = subprocess.run(words, env={"PATH": path()}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "set it in .env, as .env.example shows" in done.stderr


def compose_command() -> list[str] | None:
    """Return how compose is called here, or None when none is installed that docs/compose.md takes."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is not None:
            asked = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
            version = re.match(r"v?(\d+)\.(\d+)", asked.stdout)
            if version is not None and (int(version[1]), int(version[2])) >= OLDEST:
                return command
    return None


def path() -> str:
    """Return where programs are looked for."""
    return ":".join(
        sorted(
            {str(Path(found).parent) for name in ("docker", "docker-compose", "sh") if (found := shutil.which(name))}
        )
    )


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("postgres:17.6-alpine", "postgres:latest", "needs an exact version"),
        ("postgres:17.6-alpine", "postgres", "needs an exact version"),
        ('- "127.0.0.1:5432:5432"', '- "5432:5432"', "must be bound to 127.0.0.1"),
        ("mem_limit: 1g", "cpu_shares: 5", "needs a mem_limit"),
        ("restart: unless-stopped", "restart: always", "needs restart: unless-stopped"),
        ("restart: on-failure:5", "restart: always", "needs restart: on-failure:5"),
        ("${TAPELINE_DATABASE__PASSWORD:?set it in .env, as .env.example shows}", "tapeline", "without a default"),
        ("TAPELINE_DATABASE__PASSWORD:?", "TAPELINE_DATABASE__PASSWORD:-", "without a default"),
        ("${GRAFANA_PASSWORD:-}", "${GRAFANA_PASSWORD:-admin}", "without a default"),
        ("- postgres:/var", "- elsewhere:/var", "the volume 'elsewhere' is not declared"),
        ('test: ["CMD", "pg_isready"', 'command: ["CMD", "pg_isready"', "needs a healthcheck"),
        ("profiles: [core, full, ha]", "profiles: []", "needs a profile"),
        ('user: "10001:10001"', 'user: "0:0"', "not root"),
        ('user: "70:70"', "tty: true", "not root"),
        ("cap_drop: [ALL]", "cap_drop: [NET_RAW]", "needs cap_drop: [ALL]"),
        ('["no-new-privileges:true"]', "[]", "no-new-privileges:true"),
        ("read_only: true", "read_only: false", "needs read_only: true"),
        ("init: true", "privileged: true", "may not be privileged"),
        ("stop_grace_period: 45s", "stop_grace_period: 10s", "stop_grace_period of 30s"),
        ('{max-size: 20m, max-file: "5"}', "{max-size: 20m}", "max-size and max-file"),
        ("TAPELINE_STRATEGIES__RUN:", "TAPELINE_KEYS__BYBIT_KEY:", "the executor's alone"),
        (
            "redpanda-1: {condition: service_healthy}",
            "redpanda-9: {condition: service_healthy}",
            "which does not exist",
        ),
        (
            "    profiles: [full]\n",
            "    profiles: [core]\n",
            "waits for none of prepare, prepare-ha in the profile full",
        ),
        ("service_completed_successfully, required: false}", "service_completed_successfully}", "does not start"),
    ],
)
def test_a_broken_rule_is_told(good: str, bad: str, told: str) -> None:
    assert good in TEXT
    assert any(told in sentence for sentence in broken(TEXT.replace(good, bad)))
