"""A few cases of the attacks on runs; and each can fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faults import damaged_files, manifests, stores, trained
from faults.isolated import run_steps


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs to attack are made."""
    return tmp_path_factory.mktemp("attacked")


@pytest.mark.slow
@pytest.mark.parametrize("attack", [manifests, stores, damaged_files])
def test_a_few_cases_end_well(attack: object, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in trained.RUNS.keys() - {"featured", "gibbs"}:
        monkeypatch.delitem(trained.RUNS, name)  # the dict itself, which the attacks have imported
    outcome = attack.attack_in(folder, 5, 120, print, n_cases=25)  # type: ignore[attr-defined]
    assert outcome.failures == []
    assert outcome.n_cases


def test_how_a_step_ends_is_seen() -> None:
    def endless() -> None:
        while True:
            pass

    ends = run_steps({"answer": lambda: 3, "traceback": lambda: 1 / 0, "crash": lambda: os.kill(os.getpid(), 9)}, 5)
    assert [end.how for end in ends.values()] == ["answer", "traceback", "crash"]
    assert run_steps({"hang": endless}, 0.2)["hang"].how == "hang"


def test_numbers_that_are_none_are_found() -> None:
    with pytest.raises(AssertionError, match="nan in an answer"):
        trained.finite({"rating": [1.0, float("nan")]})
