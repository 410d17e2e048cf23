"""A few seconds of threads that share a recommender, and a few hundred calls of each method."""

from __future__ import annotations

import sys

import pytest

from faults import serving


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_threads_share_a_recommender_and_memory_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ROUNDS", 1)
    monkeypatch.setattr(serving, "BLAS", ("", "1"))
    monkeypatch.setattr(serving, "LEAST", 0)  # a fifth of a second tells nothing of speed: the whole attack judges it
    outcome = serving.attack(0, 2, lambda _: None)
    assert outcome.n_cases > 0
    assert outcome.failures == []
