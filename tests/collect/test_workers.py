"""The pool that can be left behind."""

import threading
from collections.abc import Callable

import pytest

from kubeaudit.collect.workers import Workers


def never() -> bool:
    return False


def test_tasks_of_a_smaller_rank_come_first_then_those_put_first() -> None:
    workers, gate = Workers(1), threading.Event()
    done: list[str] = []

    def note(name: str) -> Callable[[], int]:
        def task() -> int:
            done.append(name)
            return len(done)

        return task

    workers.put((0, 0), lambda: gate.wait(10))
    for rank, name in [((2, 0), "c"), ((1, 1), "b"), ((1, 0), "a"), ((2, 0), "d")]:
        workers.put(rank, note(name))
    call = workers.call(note("now"))
    gate.set()
    assert workers.wait(never)
    assert done == ["now", "a", "b", "c", "d"]
    assert call.result(0) == 1
    workers.close()


def test_tasks_may_add_tasks() -> None:
    workers = Workers(2)
    done: list[int] = []

    def add(left: int) -> None:
        done.append(left)
        if left:
            workers.put((0,), lambda: add(left - 1))

    workers.put((0,), lambda: add(50))
    assert workers.wait(never)
    assert done == list(range(50, -1, -1))


def test_whoever_waits_may_leave() -> None:
    workers, gate = Workers(1), threading.Event()
    workers.put((0,), lambda: gate.wait(10))
    assert not workers.wait(lambda: True)
    gate.set()
    assert workers.wait(never)


def test_a_defect_is_raised_where_somebody_waits_and_the_thread_goes_on() -> None:
    workers, done = Workers(1), threading.Event()
    workers.put((0,), lambda: 1 // 0)
    workers.put((1,), done.set)
    with pytest.raises(ZeroDivisionError):
        while True:
            workers.wait(never)
    assert done.wait(10)


def test_threads_end_when_the_pool_is_closed_and_never_keep_the_process() -> None:
    before = set(threading.enumerate())
    workers = Workers(3)
    threads = set(threading.enumerate()) - before
    assert len(threads) == 3
    assert all(thread.daemon for thread in threads)
    workers.close()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
