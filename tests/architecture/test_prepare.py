"""A fresh machine needs Python 3.11+ and make alone: `.ci/prepare` brings uv, or one sentence says what is missing."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.rules.source import ROOT

TOOLS = ("sh", "dirname", "head", "tail", "mkdir", "rm", "cat", "chmod")
SYNC = "sync --frozen --all-extras"

# A Python of which the test decides what works: SUITS, VENV and PIP are 0 or 1, as a shell sees success.
PYTHON = """#!/bin/sh
place() {{ mkdir -p "$1"; cat "{uv}" > "$1/uv"; chmod +x "$1/uv"; }}
case "$*" in
  --version) echo "Python {version}" ;;
  *"not (3, 11)"*) exit {suits} ;;
  *"print(sys.executable)"*) echo "$0" ;;
  *"< (0, 7)"*) [ "$3" != "0.6.1" ] ;;
  "-m venv .tools/uv") [ {venv} = 0 ] && place .tools/uv/bin && cat "$0" > .tools/uv/bin/python &&
    chmod +x .tools/uv/bin/python; exit {venv} ;;
  *"pip install"*"--target .tools/uv-packages"*) [ {pip} = 0 ] && place .tools/uv-packages/bin; exit {pip} ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder that holds the project's script and the only programs on PATH."""

    root: Path

    def program(self, name: str, text: str) -> None:
        """Put a program on PATH."""
        path = self.root / "bin" / name
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def python(self, *, version: str = "3.12.1", suits: int = 0, venv: int = 1, pip: int = 1) -> None:
        """Put a Python on PATH that does what the test says."""
        uv = self.root / "uv-to-come"
        uv.write_text(self.uv_text("0.13.8"), "utf-8")
        self.program("python3", PYTHON.format(uv=uv, version=version, suits=suits, venv=venv, pip=pip))

    def uv_text(self, version: str) -> str:
        """Return a uv that writes down how it was called; the environment is not up to date."""
        return f"""#!/bin/sh
[ "$1" = --version ] && echo "uv {version}" && exit
echo "$UV_PYTHON_DOWNLOADS $*" >> {self.root}/calls
case "$*" in *--check*) exit 1 ;; esac
"""

    def prepare(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script with nothing else on PATH."""
        return subprocess.run(
            [str(self.root / "bin" / "sh"), str(self.root / ".ci" / "prepare")],
            env={"PATH": str(self.root / "bin"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        """Return how uv was called."""
        path = self.root / "calls"
        return path.read_text("utf-8").splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with a shell and the simplest tools only."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / ".ci" / "prepare", tmp_path / ".ci" / "prepare")
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return Machine(tmp_path)


def test_a_uv_on_path_is_used_and_no_python_is_downloaded(machine: Machine) -> None:
    machine.python()
    machine.program("uv", machine.uv_text("0.9.0"))
    done = machine.prepare()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls() == [f"never {SYNC} --check --quiet", f"never {SYNC}"]


def test_uv_is_brought_into_an_environment_of_its_own(machine: Machine) -> None:
    machine.python(venv=0)
    done = machine.prepare()
    assert (done.returncode, done.stderr) == (0, "Bringing uv 0.13.8 into .tools (once) ...\n")
    assert machine.calls() == [f"never {SYNC} --check --quiet", f"never {SYNC}"]


def test_without_venv_the_pip_of_the_system_brings_uv(machine: Machine) -> None:
    machine.python(venv=1, pip=0)
    done = machine.prepare()
    assert (done.returncode, done.stderr) == (0, "Bringing uv 0.13.8 into .tools (once) ...\n")
    assert (machine.root / ".tools" / "uv-packages" / "bin" / "uv").exists()
    assert machine.calls() == [f"never {SYNC} --check --quiet", f"never {SYNC}"]


def test_a_uv_that_is_too_old_is_not_used(machine: Machine) -> None:
    machine.python(venv=1, pip=0)
    machine.program("uv", "#!/bin/sh\necho 'uv 0.6.1'\n")
    assert machine.prepare().returncode == 0
    assert (machine.root / ".tools" / "uv-packages" / "bin" / "uv").exists()


def test_when_uv_cannot_be_brought_one_sentence_says_what_to_do(machine: Machine) -> None:
    machine.python(venv=1, pip=1)
    done = machine.prepare()
    assert done.returncode == 1
    assert "tapeline: uv could not be installed" in done.stderr
    assert "install python3-venv" in done.stderr
    assert machine.calls() == []


def test_a_python_that_is_too_old_is_named_with_the_fix(machine: Machine) -> None:
    machine.python(version="3.9.2", suits=1)
    done = machine.prepare()
    told = (
        "tapeline: Python 3.11, 3.12, 3.13 or 3.14 is needed and python3 is: Python 3.9.2. "
        "Install one, or name it: make PYTHON=/path/to/python3.12 ...\n"
    )
    assert (done.returncode, done.stderr) == (1, told)


def test_no_python_at_all_is_said(machine: Machine) -> None:
    done = machine.prepare()
    assert done.returncode == 1
    assert done.stderr.startswith("tapeline: Python 3.11, 3.12, 3.13 or 3.14 is needed and python3 is: ")


def test_a_shim_that_refuses_is_passed_over(machine: Machine) -> None:
    machine.python()
    machine.program("python3.14", "#!/bin/sh\necho 'pyenv: python3.14: command not found' >&2\nexit 127\n")
    (machine.root / "bin" / "python3").rename(machine.root / "bin" / "python3.12")
    machine.program("uv", machine.uv_text("0.9.0"))
    assert machine.prepare().returncode == 0
    assert len(machine.calls()) == 2


def test_packages_that_cannot_be_fetched_end_with_the_fix(machine: Machine) -> None:
    machine.python()
    machine.program("uv", '#!/bin/sh\n[ "$1" = --version ] && echo "uv 0.9.0" && exit\nexit 2\n')
    done = machine.prepare()
    assert done.returncode == 1
    assert "the first set-up needs the internet: check the connection" in done.stderr
