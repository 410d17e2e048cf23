from __future__ import annotations

import threading

import pytest

from recsys.core.threads import Workers


@pytest.mark.parametrize("n_threads", [1, 2, 4])
@pytest.mark.parametrize("n", [0, 1, 50])
def test_every_task_is_done_once(n_threads: int, n: int) -> None:
    workers, done = Workers(n_threads), []
    for _ in range(2):
        workers.each(done.append, n)
    assert sorted(done) == sorted([*range(n), *range(n)])


def test_one_thread_is_the_calling_one() -> None:
    seen = set()
    Workers(1).each(lambda _: seen.add(threading.get_ident()), 20)
    assert seen == {threading.get_ident()}


def test_what_goes_wrong_in_a_task_goes_wrong_in_all() -> None:
    def work(number: int) -> None:
        raise ValueError(str(number))

    with pytest.raises(ValueError, match=r"\d"):
        Workers(3).each(work, 20)


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_work_is_done_in_every_thread_and_in_the_calling_one_after_something_else(n_threads: int) -> None:
    done: list[tuple[int, str]] = []
    me = threading.get_ident()

    def meanwhile() -> int:
        done.append((me, "meanwhile"))
        return 7

    assert Workers(n_threads).beside(lambda: done.append((threading.get_ident(), "work")), meanwhile) == 7
    assert next(what for who, what in done if who == me) == "meanwhile"
    assert (me, "work") in done
    assert len(done) == n_threads + 1


@pytest.mark.parametrize("n_threads", [1, 3])
def test_work_is_done_aside_once(n_threads: int) -> None:
    done: list[int] = []
    assert Workers(n_threads).aside(lambda: threading.get_ident(), lambda: done.append(threading.get_ident())) in (
        done if n_threads == 1 else {thread.ident for thread in threading.enumerate()} - set(done)
    )
    assert done == [threading.get_ident()]


def test_what_goes_wrong_beside_goes_wrong_in_all() -> None:
    def work() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        Workers(3).beside(work, lambda: None)
