from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

from recsys.core.threads import one_blas_thread


def numbers_of_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_products_use_one_thread_while_it_lasts() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        with one_blas_thread():
            assert numbers_of_threads() == {1}
        assert numbers_of_threads() == {2}
