"""What every test run shares: backends, Hypothesis profiles, and the rule that no process outlives the tests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import HealthCheck, settings

# Fixtures that start real services, for every test that asks for one by name.
pytest_plugins = ("tests.support.running",)

BACKENDS = ("embedded", "docker", "external")
# Every process that a test starts inherits this, also one that detaches itself.
MARK = "PYTEST_TAPELINE_RUN"

# The same examples on every run in CI, so that a red run is red again; new ones each time at the desk.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where the services of a test come from, and whether the long tests run."""
    group = parser.getgroup("tapeline")
    group.addoption(
        "--backend",
        choices=BACKENDS,
        default="embedded",
        help="where Kafka, Postgres and ClickHouse come from: started here, by Docker, or named in settings",
    )
    group.addoption("--nightly", action="store_true", help="also run the tests that take long")


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this run starts; load the Hypothesis profile HYPOTHESIS_PROFILE, else `ci` where CI is set."""
    os.environ[MARK] = f"{os.getpid()}"
    nightly = bool(config.getoption("--nightly"))
    chosen = os.environ.get("HYPOTHESIS_PROFILE") or ("nightly" if nightly else "ci" if os.environ.get("CI") else "dev")
    settings.load_profile(chosen)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what does not belong to this run."""
    backend = str(config.getoption("--backend"))
    for item in items:
        wanted = next(item.iter_markers("backend"), None)
        if wanted is not None and backend not in wanted.args:
            reason = f"needs --backend={' or '.join(wanted.args)}, this run has {backend}"
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("nightly") is not None and not config.getoption("--nightly"):
            item.add_marker(pytest.mark.skip(reason="long; runs with --nightly (make nightly)"))


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """Return where this run takes its services from."""
    return str(request.config.getoption("--backend"))


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fail the run when a process that the tests started, directly or not, still lives at its end."""
    yield
    _, alive = psutil.wait_procs(_started_by_this_run(), timeout=5)
    told = [f"{process.pid} {_command(process)}" for process in alive]
    assert not told, "these processes were left behind:\n" + "\n".join(told)


def _started_by_this_run() -> list[psutil.Process]:
    """Return our children, theirs, and those that left the family but carry the mark of this run."""
    found = {child.pid: child for child in psutil.Process().children(recursive=True)}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == os.environ[MARK]:
                found[process.pid] = process
    return [process for process in found.values() if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "(gone)"
