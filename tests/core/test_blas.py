from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from threadpoolctl import threadpool_info, threadpool_limits

from recsys.core.threads import one_blas_thread


def numbers_of_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_products_use_one_thread_while_it_lasts() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        with one_blas_thread():
            assert numbers_of_threads() == {1}
        assert numbers_of_threads() == {2}


def test_the_last_of_several_gives_the_threads_back() -> None:
    met = Barrier(2, timeout=10)

    def first() -> None:
        with one_blas_thread():
            met.wait()
        met.wait()  # gone, while the second goes on

    def second() -> set[int]:
        with one_blas_thread():
            met.wait()
            met.wait()
            return numbers_of_threads()

    with threadpool_limits(limits=2, user_api="blas"), ThreadPoolExecutor(2) as pool:
        pool.submit(first)
        assert pool.submit(second).result() == {1}
        assert numbers_of_threads() == {2}
