"""Real processes under real signals: an orderly stop, an immediate one, a blocked loop, a crash (X-04)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.eventually import eventually

HEAD = """
import asyncio, sys, time
from contextlib import asynccontextmanager
from pathlib import Path
from tapeline.errors import Misconfigured, Unavailable
from tapeline.runtime import lifecycle, retry

done = Path("done")

@asynccontextmanager
async def part(name, leave=lambda: asyncio.sleep(0)):
    try:
        yield
    finally:
        await leave()
        with done.open("a") as file:
            file.write(name + " ")
"""
TAIL = """
raise SystemExit(lifecycle.run(main, service="victim"))
"""


class Victim:
    """A process of ours with a given `main`, in a folder of its own."""

    def __init__(self, folder: Path, main: str, **settings: str) -> None:
        self.folder = folder
        (folder / "victim.py").write_text(HEAD + textwrap.dedent(main) + TAIL)
        self.child = subprocess.Popen(
            [sys.executable, "victim.py"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **settings},
            stderr=subprocess.PIPE,
            text=True,
        )

    def lines(self) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for file in sorted(self.folder.glob("logs/victim_2*.log"))
            for line in file.read_text().splitlines()
        ]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]

    async def logged(self, event: str) -> None:
        await eventually(lambda: event in self.events(), within_s=20)

    def ended(self, within_s: float = 20.0) -> tuple[int, str]:
        """Return the exit code and what stands on standard error."""
        _, errors = self.child.communicate(timeout=within_s)
        return self.child.returncode, errors

    def done(self) -> str:
        file = self.folder / "done"
        return file.read_text() if file.exists() else ""


Start = Callable[..., Victim]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    victims: list[Victim] = []

    def begin(main: str, **settings: str) -> Victim:
        victims.append(Victim(tmp_path, main, **settings))
        return victims[-1]

    yield begin
    for victim in victims:
        if victim.child.poll() is None:
            victim.child.kill()
        victim.child.communicate()


RUNS = """
async def main(life):
    await life.start("first", part("first"))
    await life.start("second", part("second"))
    await life.stopping()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_in_reverse_order_with_exit_code_0(start: Start, number: signal.Signals) -> None:
    victim = start(RUNS)
    await victim.logged("PROCESS_STARTED")
    victim.child.send_signal(number)
    assert victim.ended() == (0, "")
    assert victim.done() == "second first "
    assert victim.lines()[-1]["exit_code"] == 0
    (stopping,) = [line for line in victim.lines() if line["event"] == "PROCESS_STOPPING"]
    assert stopping["reason"] == number.name


SLOW_TO_LEAVE = """
async def main(life):
    await life.start("first", part("first"))
    await life.start("slow", part("slow", lambda: asyncio.sleep(60)))
    await life.stopping()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_same_signal_again_ends_the_process_at_once(start: Start, number: signal.Signals) -> None:
    victim = start(SLOW_TO_LEAVE)
    await victim.logged("PROCESS_STARTED")
    victim.child.send_signal(number)
    await victim.logged("PROCESS_STOPPING")
    victim.child.send_signal(number)
    assert victim.ended(within_s=5)[0] == 128 + number
    assert victim.done() == ""
    assert victim.events()[-1] == "PROCESS_KILLED"


async def test_sigterm_right_after_ctrl_c_is_an_echo(start: Start) -> None:
    """Ctrl-C reaches the whole group, and the parent then sends SIGTERM: no second request."""
    victim = start(RUNS.replace('part("second")', 'part("second", lambda: asyncio.sleep(0.3))'))
    await victim.logged("PROCESS_STARTED")
    victim.child.send_signal(signal.SIGINT)
    await victim.logged("PROCESS_STOPPING")
    victim.child.send_signal(signal.SIGTERM)
    assert victim.ended() == (0, "")
    assert victim.done() == "second first "


async def test_after_the_drain_time_the_stop_is_forced(start: Start) -> None:
    victim = start(SLOW_TO_LEAVE, TAPELINE_PROCESS__DRAIN_TIMEOUT_S="0.5")
    await victim.logged("PROCESS_STARTED")
    victim.child.send_signal(signal.SIGTERM)
    assert victim.ended(within_s=5)[0] == 1
    assert victim.done() == "first "
    assert "PART_STOP_FORCED" in victim.events()


@pytest.mark.parametrize("blocked", ["time.sleep(60)", "exec('while True: pass')"])
async def test_a_blocked_loop_is_ended_after_the_drain_time_and_says_where(start: Start, blocked: str) -> None:
    victim = start(
        f"""
        async def main(life):
            Path("blocked").touch()
            {blocked}
        """,
        TAPELINE_PROCESS__DRAIN_TIMEOUT_S="0.2",
    )
    await eventually((victim.folder / "blocked").exists, within_s=20)
    victim.child.send_signal(signal.SIGTERM)
    code, errors = victim.ended(within_s=10)
    assert code == 1
    assert "Timeout (0:00:02.2" in errors
    assert 'victim.py", line' in errors


async def test_a_blocked_loop_ends_at_once_at_the_second_signal(start: Start) -> None:
    victim = start("async def main(life):\n    Path('blocked').touch()\n    time.sleep(60)")
    await eventually((victim.folder / "blocked").exists, within_s=20)
    victim.child.send_signal(signal.SIGTERM)
    await eventually(lambda: not pending(victim.child.pid))
    victim.child.send_signal(signal.SIGTERM)
    assert victim.ended(within_s=5)[0] == 128 + signal.SIGTERM


def pending(pid: int) -> bool:
    """Whether a signal waits to be taken by the process: two of a kind that wait would be one."""
    status = Path(f"/proc/{pid}/status").read_text()
    waiting = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return any(waiting)


async def test_a_signal_while_waiting_for_a_dependency_stops_with_exit_code_0(start: Start) -> None:
    victim = start(
        """
        async def main(life):
            await life.start("first", part("first"))
            async def attempt():
                raise Unavailable("connection refused")
            await retry.reach("kafka", attempt, None, health=life.health)
        """
    )
    await victim.logged("DEPENDENCY_WAITING")
    victim.child.send_signal(signal.SIGTERM)
    assert victim.ended(within_s=5) == (0, "")
    assert victim.done() == "first "


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        ('Misconfigured("wrong password", fix="correct it")', 2, "victim: wrong password: correct it\n"),
        ('Unavailable("postgres://u:hunter2@h is away")', 3, "victim: postgres://u:***@h is away\n"),
        ('KeyError("bug")', 1, "victim: crashed by KeyError: 'bug' (traceback in {folder}/logs)\n"),
    ],
)
async def test_a_failure_is_one_sentence_and_an_exit_code(start: Start, error: str, code: int, said: str) -> None:
    victim = start(f"async def main(life):\n    await life.start('first', part('first'))\n    raise {error}")
    assert victim.ended() == (code, said.format(folder=victim.folder))
    assert victim.done() == "first "


async def test_a_crash_in_the_background_leaves_its_traceback_in_error_log(start: Start) -> None:
    victim = start(
        """
        async def main(life):
            await life.start("first", part("first"))
            async def work():
                return {}["gone"]
            task = life.spawn("work", work())
            await life.stopping()
        """
    )
    assert victim.ended()[0] == 1
    assert victim.done() == "first "
    (line,) = [json.loads(line) for line in (victim.folder / "logs" / "error.log").read_text().splitlines()]
    assert (line["event"], line["part"]) == ("PROCESS_CRASHED", "work")
    assert 'return {}["gone"]' in line["exception"]
    assert line["exception"].endswith("KeyError: 'gone'")


async def test_a_wrong_setting_stops_the_start_with_its_sentence(start: Start) -> None:
    victim = start(RUNS, TAPELINE_KAFKA__BOOTSTRP="x:1")
    problem = "unknown variable 'TAPELINE_KAFKA__BOOTSTRP' in the environment"
    assert victim.ended() == (2, f"victim: {problem}: did you mean 'TAPELINE_KAFKA__BOOTSTRAP'?\n")
    assert not (victim.folder / "logs").exists()


async def test_a_log_folder_that_cannot_be_made_stops_the_start_with_its_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    problem = f"log.dir '{tmp_path}/logs' cannot be written (File exists)"
    fix = "free some space there, or set log.dir to a folder that this user may write"
    assert start(RUNS).ended() == (2, f"victim: {problem}: {fix}\n")


async def test_a_full_disk_later_does_not_kill_the_process(start: Start) -> None:
    """The limit on file sizes stands for the disk: the same refusal at the same call."""
    victim = start(
        """
        import resource
        from tapeline.runtime import logs, metrics

        async def main(life):
            await life.start("first", part("first"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            for _ in range(200):
                logs.get().info("line", text="x" * 100)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            lost = metrics.registry().get_sample_value("tapeline_log_lines_lost_total", {"file": "victim"})
            Path("lost").write_text(str(lost))
        """
    )
    assert victim.ended() == (0, "")
    assert victim.done() == "first "
    assert float((victim.folder / "lost").read_text()) > 100


STANDS_STILL = """
async def main(life):
    async def block():
        while not Path("block").exists():
            await asyncio.sleep(0.01)
        while Path("block").exists():
            time.sleep(0.01)
        await asyncio.Event().wait()
    _ = life.spawn("block", block())
    await life.stopping()
"""


@pytest.mark.parametrize("how", ["paused", "blocked"])
async def test_a_process_that_stands_still_looks_unwell_until_it_goes_on(start: Start, how: str) -> None:
    """X-20: what a container engine asks of each worker."""
    settings = {"TAPELINE_PROCESS__HEARTBEAT_PATH": "heartbeat", "TAPELINE_PROCESS__HEARTBEAT_EVERY_S": "1"}
    victim = start(STANDS_STILL, **settings)
    block = victim.folder / "block"

    def asked() -> tuple[int, str]:
        words = [sys.executable, "-m", "tapeline.runtime.heartbeat_file", str(victim.folder / "heartbeat")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    await eventually(lambda: asked() == (0, ""), within_s=20)
    victim.child.send_signal(signal.SIGSTOP) if how == "paused" else block.touch()
    await eventually(lambda: asked()[1].startswith("victim stands still: its heartbeat is"), within_s=20)
    assert asked()[0] == 1
    victim.child.send_signal(signal.SIGCONT) if how == "paused" else block.unlink()
    await eventually(lambda: asked() == (0, ""), within_s=20)
    victim.child.send_signal(signal.SIGTERM)
    assert victim.ended() == (0, "")
