"""Threads that work off tasks by priority, and can be left behind.

The pools of the standard library wait for their threads at exit; here a thread that hangs in a socket must not keep the
process from ending within a second of Ctrl-C, so threads are daemons and whoever waits may walk away.
"""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import PriorityQueue
from typing import TypeVar

T = TypeVar("T")
Task = Callable[[], object]
PARALLEL = 4
"""Requests at the same time (PERF-03)."""
_POLL = 0.05


class Workers:
    """A pool of daemon threads. Tasks of the smallest rank come first, then those put first."""

    def __init__(self, count: int = PARALLEL) -> None:
        self._tasks: PriorityQueue[tuple[tuple[int, ...], int, Task | None]] = PriorityQueue()
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._left = 0
        self._idle = threading.Event()
        self._idle.set()
        self._defect: BaseException | None = None
        self._threads = [threading.Thread(target=self._work, name=f"collect-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def put(self, rank: tuple[int, ...], task: Task) -> None:
        """Add a task. Tasks may add tasks."""
        with self._lock:
            self._left += 1
            self._idle.clear()
        self._tasks.put((rank, next(self._order), task))

    def call(self, function: Callable[[], T]) -> "Future[T]":
        """Add a function before all else; its value is in the future once it is done."""
        future: Future[T] = Future()
        self.put((), lambda: future.set_result(function()))
        return future

    def wait(self, leave: Callable[[], bool]) -> bool:
        """Until every task is done (True), or ``leave`` says so (False). Raises what a task raised: a defect."""
        while True:
            idle = self._idle.wait(_POLL)
            if self._defect is not None:
                raise self._defect
            if idle or leave():
                return idle

    def close(self) -> None:
        """Let the threads end once they have nothing left to do; waits for none of them."""
        for _ in self._threads:
            self._tasks.put(((1_000_000,), next(self._order), None))

    def _work(self) -> None:
        while (task := self._tasks.get()[2]) is not None:
            try:
                task()
            except BaseException as error:  # whatever it is, the thread that waits must raise it
                self._defect = error
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._idle.set()
