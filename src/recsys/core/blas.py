"""NumPy's matrix products on one thread, where the other cores have work of their own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[object]:
    """While it lasts, a matrix product uses the calling thread alone.

    OpenBLAS' threads spin for some 30 ms after each product, on the cores that our own threads are to run on. And the
    last bits of a product depend on how many of them there are. The command line has it so in the whole process, from
    before NumPy is imported (`leave_cores_to_training`); this is for those who train from Python.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
