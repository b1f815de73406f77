"""Shows the steps of long work: bars on a terminal, one line per finished step elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from infra.embedded.steps import WHOLE, OnStep, Step
from tapeline.cli.render import Output
from tapeline.cli.view import size, span


@contextmanager
def watch(out: Output) -> Iterator[OnStep]:
    """Yield what shows step reports on standard error for as long as the work lasts."""
    if out.stderr.isatty():
        with _progress(out) as progress:
            yield Bars(progress)
    else:
        yield Lines(out)


class Lines:
    """One line per finished step, for pipes and files; none in --json mode."""

    def __init__(self, out: Output) -> None:
        """Write remarks to `out`."""
        self._out = out

    def __call__(self, step: Step) -> None:
        """Write a line when a step is over."""
        if step.state in {"done", "failed"} and step.step != WHOLE:
            self._out.remark(sentence(step))


class Bars:
    """One bar per step, in the order in which they start."""

    def __init__(self, progress: Progress) -> None:
        """Draw on a running progress display."""
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: Step) -> None:
        """Move the bar of a step; the whole has none, its end is the answer of the command."""
        if step.step == WHOLE:
            return
        if step.step not in self._tasks:
            self._tasks[step.step] = self._progress.add_task(step.step, total=None, state="started", note="")
        task = self._tasks[step.step]
        note = step.detail or ""
        if step.state == "done":
            self._progress.update(task, total=1, completed=1, state="done", note=note)
            self._progress.stop_task(task)
        elif step.state == "failed":
            self._progress.update(task, state="failed", note=note)
            self._progress.stop_task(task)
        else:
            self._progress.update(task, total=step.total, completed=step.done or 0, state="started", note=note)


def sentence(step: Step) -> str:
    """Return the line of a finished step: `kafka ready in 3.6 s (127.0.0.1:41234)`."""
    took = "" if step.elapsed_s is None else f" in {span(step.elapsed_s)}"
    # Why it failed is the sentence at the end of the command; it is not said twice.
    note = None if step.error else step.detail
    more = f" ({note})" if note else ""
    return f"{step.step} {'failed' if step.state == 'failed' else 'ready'}{took}{more}"


class _Mark(ProgressColumn):
    """A spinner while a step runs, then a tick or a cross."""

    def __init__(self) -> None:
        super().__init__()
        self._spinner = SpinnerColumn()

    def render(self, task: Task) -> Text:
        state = task.fields["state"]
        if state == "done":
            return Text("✓", "green")
        if state == "failed":
            return Text("✗", "bold red")
        spinning = self._spinner.render(task)
        return spinning if isinstance(spinning, Text) else Text(str(spinning))


class _Took(ProgressColumn):
    """How long the step has run."""

    def render(self, task: Task) -> Text:
        return Text(span(task.elapsed or 0.0), "bright_black")


class _Amount(ProgressColumn):
    """Bytes done of bytes in all, where a step counts them."""

    def render(self, task: Task) -> Text:
        if task.total is None or task.total <= 1:
            return Text("")
        return Text(f"{size(task.completed)}/{size(task.total)}")


def _progress(out: Output) -> Progress:
    return Progress(
        _Mark(),
        TextColumn("{task.description}", style="cyan"),
        BarColumn(bar_width=24),
        _Amount(),
        _Took(),
        TextColumn("{task.fields[note]}", style="bright_black", markup=False),
        console=out.error_console(),
    )
