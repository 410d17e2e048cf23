"""Ranks that meet at an address."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch.distributed

from recsys.core.communicator import Communicator
from recsys.core.errors import DataError, LostRankError, UsageError
from recsys.core.launch import Launch
from recsys.training.ranks import join
from recsys.training.ranks.errors_on_store import to_text
from recsys.training.ranks.gloo import FINAL
from recsys.training.ranks.join import joined
from recsys.training.ranks.platform import platform_facts

c10d: Any = torch.distributed


@pytest.fixture
def launch() -> Launch:
    """Of rank 0 of 2, at a free port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return Launch(0, 2, "localhost", free.getsockname()[1], has_store=False)


def nothing() -> None: ...


def on_joined(launch: Launch, work: Callable[[Communicator], Any]) -> list[Any]:
    def run(rank: int) -> Any:
        try:
            with joined(replace(launch, rank=rank), nothing) as ranks:
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


@pytest.mark.parametrize("is_of_last_attempt", [False, True])
def test_nobody_leaves_before_rank_0_is_ready(launch: Launch, is_of_last_attempt: bool) -> None:
    """The launcher ends rank 0 as soon as another rank has left."""
    store = c10d.TCPStore("localhost", launch.port, is_master=True, wait_for_workers=False)
    if is_of_last_attempt:
        store.set(f"recsys/{FINAL}", to_text(DataError("wrong"), 0))
    events: list[str] = []

    def get_ready() -> None:
        time.sleep(0.2)
        events.append("ready")

    def run(rank: int) -> None:
        rank_launch = replace(launch, rank=rank, has_store=True)
        with pytest.raises(DataError), joined(rank_launch, nothing if rank else get_ready):
            raise DataError("wrong")
        events.append(f"rank {rank} has left")

    with ThreadPoolExecutor(launch.size) as pool:
        list(pool.map(run, range(launch.size)))
    assert events[0] == "ready"


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
    with pytest.raises(LostRankError) as caught, joined(replace(launch, rank=1), nothing):
        pass
    assert caught.value.where == f"localhost:{launch.port}"
    with pytest.raises(LostRankError, match=r"rank 0 of 2 waited 0\.2 s|rank 0 of 2 waited"), joined(launch, nothing):
        pass


def test_a_timeout_that_is_no_number_is_refused(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_RANK_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="RECSYS_RANK_TIMEOUT"), joined(launch, nothing):
        pass
