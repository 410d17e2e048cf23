"""A few kills of ranks."""

from __future__ import annotations

import sys

import pytest

from faults import ranks

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")]


def test_ranks_that_are_killed_start_again_to_the_same_bytes() -> None:
    outcome = ranks.attack(0, 5, lambda _: None)
    assert outcome.n_cases > 0
    assert outcome.failures == []


def test_a_case_is_always_the_same() -> None:
    assert ranks.drawn(3, 7) == ranks.drawn(3, 7) != ranks.drawn(3, 8)
