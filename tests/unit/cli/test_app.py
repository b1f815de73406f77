"""The command as a whole: what ends it becomes one sentence and an exit code, and help costs little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tapeline.cli import version
from tapeline.cli.app import main
from tapeline.cli.render import Output, ReaderGone

# Typer itself loads pydantic to read options; these are ours.
HEAVY = (
    "aiokafka",
    "fastavro",
    "asyncpg",
    "clickhouse_connect",
    "aiohttp",
    "psutil",
    "msgspec",
    "structlog",
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAPELINE_LOG__DIR", str(tmp_path / "logs"))


def test_a_crash_is_a_sentence_and_its_traceback_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(out: Output) -> int:
        raise ZeroDivisionError(f"by {type(out).__name__}")

    monkeypatch.setattr(version, "version", broken)
    assert main(["version", "--json"]) == 1
    said = capsys.readouterr()
    (file,) = (tmp_path / "logs").glob("cli_2*.log")
    assert json.loads(said.out) == {
        "error": {
            "kind": "crash",
            "problem": "unexpected ZeroDivisionError (by Output)",
            "fix": f"the traceback is in {file}",
        }
    }
    assert said.err == f"unexpected ZeroDivisionError (by Output): the traceback is in {file}\n"
    assert "Traceback" in file.read_text("utf-8")


def test_ctrl_c_is_told_and_has_the_exit_code_of_the_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(out: Output) -> int:
        raise KeyboardInterrupt(type(out).__name__)

    monkeypatch.setattr(version, "version", interrupted)
    assert main(["version", "--json"]) == 130
    said = capsys.readouterr()
    error = {"kind": "interrupted", "problem": "stopped by Ctrl-C", "fix": None}
    assert (json.loads(said.out), said.err) == ({"error": error}, "stopped by Ctrl-C\n")


def test_a_reader_that_left_is_an_ordinary_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    with pytest.raises(ReaderGone):
        Output(as_json=True, stdout=Closed()).show({}, tuple)  # type: ignore[arg-type]  # as little of a stream as is used


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["topics", "tail"], "Missing argument 'topic'"),
        (["status", "--wach"], "No such option: --wach (Possible options: --watch)"),
        (
            ["demo", "--for", "soon"],
            "Invalid value for '--for': Input should be a valid number, unable to parse string as a number",
        ),
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["problem"]) == ("usage", problem)


def test_help_of_every_command_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tapeline.cli.app import main\n"
        "codes = [main([*words.split(), '--help']) for words in ('', 'up', 'topics', 'topics tail', 'dlq replay')]\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'{codes} {loaded}' if any(codes) or loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_names_topics(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TAPELINE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "tapeline topics tail md.tr")
    monkeypatch.setenv("COMP_CWORD", "3")
    with pytest.raises(SystemExit) as caught:
        main([])
    assert (caught.value.code, capsys.readouterr().out.split()) == (0, ["md.trade"])
