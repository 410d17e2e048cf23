"""How a process was started."""

from __future__ import annotations

import pytest

from recsys.core import threads
from recsys.core.errors import UsageError
from recsys.core.launch import VARIABLES, Launch, launch


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As rank 1 of 2."""
    for name, value in zip(VARIABLES, ("1", "2", "host", "29500"), strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    return monkeypatch


def test_a_rank_knows_the_others_and_where_they_meet(started: pytest.MonkeyPatch) -> None:
    assert launch() == Launch(1, 2, "host", 29500, has_store=False)
    started.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    assert launch() == Launch(1, 2, "host", 29500, has_store=True)


@pytest.mark.parametrize("name", VARIABLES)
def test_without_any_of_the_variables_it_is_a_process_of_its_own(started: pytest.MonkeyPatch, name: str) -> None:
    started.delenv(name)
    assert launch() is None


def test_one_rank_is_a_process_of_its_own(started: pytest.MonkeyPatch) -> None:
    started.setenv("WORLD_SIZE", "1")
    assert launch() is None


@pytest.mark.parametrize("value", ["", "two", "-1", "²"])
def test_what_is_no_number_is_refused(started: pytest.MonkeyPatch, value: str) -> None:
    started.setenv("RANK", value)
    with pytest.raises(UsageError, match="the environment variable RANK is"):
        launch()


@pytest.mark.parametrize(("n_ranks", "n_cores"), [("1", 6), ("2", 3), ("4", 1), ("9", 1)])
def test_ranks_share_the_cores_of_their_host(started: pytest.MonkeyPatch, n_ranks: str, n_cores: int) -> None:
    started.setattr(threads.os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    started.setenv("LOCAL_WORLD_SIZE", n_ranks)
    assert threads.usable_cores() == n_cores
