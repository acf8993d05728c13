"""Progress on standard error (PERF-07): a bar per kind on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType

import click

from kubeaudit.snapshot import Outcome

_EVERY = 5.0
"""Seconds without output after which a line is due where there is no terminal."""


class Lines:
    """Progress as lines, for logs: a kind that was read, and a sign of life every five seconds."""

    def __init__(self) -> None:
        self._kinds = 0
        self._done = 0
        self._last = time.monotonic()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def start(self, total_kinds: int) -> None:
        """Say how many kinds will be read."""
        self._kinds = total_kinds
        click.echo(f"reading {total_kinds} kinds", err=True)

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        """Say something if nothing was said for five seconds."""
        if time.monotonic() - self._last > _EVERY:
            self._last = time.monotonic()
            of = f" of about {total_estimate}" if total_estimate else ""
            click.echo(f"reading {resource}: {items_so_far}{of}; {self._done} of {self._kinds} kinds done", err=True)

    def done(self, resource: str, outcome: Outcome) -> None:
        """Say what could not be read."""
        self._done += 1
        if outcome not in (Outcome.COMPLETE, Outcome.NOT_SERVED, Outcome.NOT_ASKED):
            click.echo(f"not read: {resource} ({outcome})", err=True)


class Bars:
    """Progress as bars, one for all kinds and one for each kind that has more than a page."""

    def __init__(self, *, color: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

        console = Console(file=sys.stderr, no_color=not color)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(), console=console, transient=True
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def start(self, total_kinds: int) -> None:
        """Draw the bar of all kinds."""
        self._tasks[""] = self._progress.add_task("kinds", total=total_kinds)

    def page(self, resource: str, items_so_far: int, total_estimate: int | None) -> None:
        """Move the kind's own bar."""
        if resource not in self._tasks:
            self._tasks[resource] = self._progress.add_task(resource, total=total_estimate)
        self._progress.update(self._tasks[resource], completed=items_so_far, total=max(total_estimate or 0, items_so_far))

    def done(self, resource: str, outcome: Outcome) -> None:
        """Move the bar of all kinds and take the kind's own away."""
        if "" in self._tasks:
            self._progress.advance(self._tasks[""])
        task = self._tasks.pop(resource, None)
        if task is not None:
            self._progress.remove_task(task)
        if outcome not in (Outcome.COMPLETE, Outcome.NOT_SERVED, Outcome.NOT_ASKED):
            self._progress.console.print(f"not read: {resource} ({outcome})", markup=False, highlight=False)
