"""Ranks that meet at an address."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import Communicator
from recsys.core.errors import DataError, LostRankError, UsageError
from recsys.core.launch import Launch
from recsys.training.ranks import join
from recsys.training.ranks.join import joined
from recsys.training.ranks.platform import platform_facts


@pytest.fixture
def launch() -> Launch:
    """Of rank 0 of 2, at a free port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return Launch(0, 2, "localhost", free.getsockname()[1], has_store=False)


def on_joined(launch: Launch, work: Callable[[Communicator], Any]) -> list[Any]:
    def run(rank: int) -> Any:
        try:
            with joined(replace(launch, rank=rank)) as ranks:
                return work(ranks)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(launch.size) as pool:
        return list(pool.map(run, range(launch.size)))


def test_ranks_meet(launch: Launch) -> None:
    results = on_joined(launch, lambda ranks: [int(one[0]) for one in ranks.all_gather(np.array([ranks.rank]))])
    assert results == [[0, 1]] * 2


def test_an_error_is_that_of_all(launch: Launch) -> None:
    def work(ranks: Communicator) -> None:
        if ranks.rank == 1:
            raise DataError("wrong")

    assert [type(error) for error in on_joined(launch, work)] == [DataError, DataError]


def test_hosts_that_differ_are_refused(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = iter([platform_facts(), {**platform_facts(), "the kind of CPU": "another"}])
    monkeypatch.setattr(join, "platform_facts", lambda: next(facts))
    for error in on_joined(launch, lambda _: None):
        assert isinstance(error, UsageError)
        assert error.what.startswith("the ranks differ in the kind of CPU: ")


def test_a_rank_that_the_others_do_not_wait_for_says_where_it_looked(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_RANK_TIMEOUT", "0.2")
    with pytest.raises(LostRankError) as caught, joined(replace(launch, rank=1)):
        pass
    assert caught.value.where == f"localhost:{launch.port}"
    with pytest.raises(LostRankError, match=r"rank 0 of 2 waited 0\.2 s|rank 0 of 2 waited"), joined(launch):
        pass


def test_a_timeout_that_is_no_number_is_refused(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_RANK_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="RECSYS_RANK_TIMEOUT"), joined(launch):
        pass
