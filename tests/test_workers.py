from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from imcodec.workers import MOST, WAITING, Workers


@pytest.mark.parametrize("threads", [0, 1, 2, 7])
def test_every_task_is_done(threads: int) -> None:
    done: list[int] = []
    with Workers(threads) as work:
        for number in range(100):
            work.do(lambda number=number: done.append(number))
    assert sorted(done) == list(range(100))


def test_one_thread_is_the_callers() -> None:
    names = set()
    with Workers(1) as work:
        for _ in range(5):
            work.do(lambda: names.add(threading.current_thread()))
    assert names == {threading.current_thread()}


def test_few_tasks_wait() -> None:
    """The caller works, too, so that what tasks hold does not pile up."""
    held = threading.Event()
    mine: list[int] = []
    with Workers(3) as work:
        for number in range(10):
            task = held.wait if number < 2 * WAITING else partial(mine.append, number)
            work.do(task)
        held.set()
    assert len(mine) == 10 - 2 * WAITING


def test_there_are_not_too_many_threads() -> None:
    assert Workers(1000)._pool._max_workers == MOST - 1  # type: ignore[union-attr]
    assert Workers(9, 4)._pool._max_workers == 3  # type: ignore[union-attr]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_a_task_raises_is_raised(threads: int) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Workers(threads) as work:
        work.do(fail)


def test_after_an_exception_waiting_tasks_are_dropped() -> None:
    done: list[int] = []

    def interrupted() -> None:
        with Workers(2) as work:
            work.do(lambda: time.sleep(0.05))
            work.do(lambda: done.append(1))
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert not done
