"""A few kills of real commands."""

from __future__ import annotations

import sys

import pytest

from faults import kills
from faults.jobs import JOBS

FAST = tuple(job for job in JOBS if job.name in ("train-sgd", "train-stored", "prepare", "recommend-all"))
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")]


def test_commands_that_are_killed_are_repeated_to_the_same_bytes() -> None:
    outcome = kills.attack(0, 5, lambda _: None, FAST)
    assert outcome.n_cases > 0
    assert outcome.failures == []


def test_a_case_is_always_the_same() -> None:
    assert kills.drawn(3, 7, JOBS) == kills.drawn(3, 7, JOBS) != kills.drawn(3, 8, JOBS)
