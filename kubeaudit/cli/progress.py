"""Progress on standard error (PERF-07): a bar per kind on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

from kubeaudit.snapshot import Outcome

EVERY = 5.0
"""Seconds without a sign of life that PERF-07 calls a defect."""
_LOST = (Outcome.PARTIAL, Outcome.REFUSED, Outcome.UNAUTHORIZED, Outcome.FAILED)


class Heartbeat:
    """Says what goes on every few seconds, from a thread of its own: whatever is waited for cannot silence it."""

    def __init__(self, tell: Callable[[], str], every: float = EVERY) -> None:
        """``tell`` gives the line to print; it is called every ``every`` seconds."""
        self.line = tell
        self._every = every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()

    def _beat(self) -> None:
        while not self._done.wait(self._every):
            click.echo(self.line(), err=True)


def heartbeat(what: str) -> Heartbeat:
    """A sign of life of work that has no parts to count: ``what``, and for how long."""
    began = time.monotonic()
    return Heartbeat(lambda: f"{what}: {time.monotonic() - began:.0f} s")


class _Losses:
    """What could not be read, told at the end: whoever interrupts a run wants to read of nothing that this ended."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    def note(self, resource: str, outcome: Outcome) -> None:
        if outcome in _LOST:
            self._lines[f"not read: {resource} ({outcome})"] = None

    def tell(self, error: BaseException | None) -> None:
        for line in self._lines if error is None else ():
            click.echo(line, err=True)


class Lines(Heartbeat):
    """Progress as lines, for logs: a sign of life every five seconds, and at the end what could not be read."""

    def __init__(self, every: float = EVERY) -> None:
        super().__init__(self._state, every)
        self._kinds = 0
        self._done_kinds = 0
        self._at = ""
        self._losses = _Losses()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._losses.tell(error)

    def start(self, total_kinds: int) -> None:
        """Say how many kinds will be read."""
        self._kinds = total_kinds
        click.echo(f"reading {total_kinds} kinds", err=True)

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        """Keep in mind what was read last."""
        of = f" of about {total_estimate}" if total_estimate else ""
        self._at = f"; {resource}: {items_so_far}{of}"

    def done(self, resource: str, outcome: Outcome) -> None:
        """Count it, and keep in mind what could not be read."""
        self._done_kinds += 1
        self._losses.note(resource, outcome)

    def _state(self) -> str:
        if not self._kinds:
            return "waiting for the API server"
        return f"reading: {self._done_kinds} of {self._kinds} kinds done{self._at}"


class Bars:
    """Progress as bars: one for all kinds, one for each kind that has more than a page; a thread of its own draws."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

        console = Console(file=sys.stderr)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            console=console,
            transient=True,
        )
        self._all: TaskID = self._progress.add_task("waiting for the API server", total=None)
        self._tasks: dict[str, TaskID] = {}
        self._losses = _Losses()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._losses.tell(error)

    def start(self, total_kinds: int) -> None:
        """Draw the bar of all kinds."""
        self._progress.update(self._all, description="kinds", total=total_kinds)

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        """Move the kind's own bar."""
        if resource not in self._tasks:
            self._tasks[resource] = self._progress.add_task(resource, total=total_estimate)
        self._progress.update(
            self._tasks[resource], completed=items_so_far, total=max(total_estimate or 0, items_so_far)
        )

    def done(self, resource: str, outcome: Outcome) -> None:
        """Move the bar of all kinds and take the kind's own away."""
        self._progress.advance(self._all)
        task = self._tasks.pop(resource, None)
        if task is not None:
            self._progress.remove_task(task)
        self._losses.note(resource, outcome)
