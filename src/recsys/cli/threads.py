"""Threads of libraries, set before they are imported."""

from __future__ import annotations

import os


def leave_cores_to_training() -> None:
    """Has the matrix products of NumPy, which is yet to be imported, done by one thread.

    Training shares out its own work; the library's threads would spin beside it, and on a busy machine for seconds.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
