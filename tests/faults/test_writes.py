"""A few failed writes of real commands."""

from __future__ import annotations

import shutil
import sys

import pytest

from faults import writes
from faults.jobs import JOBS

FAST = tuple(job for job in JOBS if job.name in ("recommend-all", "export-npz"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="it needs Linux and a C compiler"),
]


def test_commands_whose_writes_fail_leave_nothing_half_written() -> None:
    outcome = writes.attack(0, 5, lambda _: None, FAST)
    assert outcome.n_cases > 0
    assert outcome.failures == []
