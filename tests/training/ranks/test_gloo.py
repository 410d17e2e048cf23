"""Gloo between threads: the same operations, and how errors get from one rank to the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch.distributed

from recsys.core.collectives import gather_state
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError, LostRankError, RecsysError, StoppedError, UsageError
from recsys.core.events import silent
from recsys.core.same import check_same
from recsys.evaluation.metrics import errors_on_first
from recsys.training.ranks.errors_on_store import from_text, is_final, to_text
from recsys.training.ranks.gloo import FINAL, Gloo
from recsys.training.ranks.join import agree_on_attempt
from tests.training.sgd.worlds import learner_of, planted

c10d: Any = torch.distributed


def on_gloo(size: int, work: Callable[[Communicator], Any], store: Any = None) -> list[Any]:
    """What work(communicator) returns or raises on each rank."""
    store = store or c10d.HashStore()

    def run(rank: int) -> Any:
        communicator = Gloo(c10d.PrefixStore("attempt", store), store, rank, size, seconds=20)
        try:
            with communicator.shared_errors():
                communicator.connect()
                result = work(communicator)
                communicator.barrier()
                return result
        except BaseException as error:
            return error

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))


def test_ranks_exchange_arrays() -> None:
    def work(communicator: Communicator) -> Any:
        rank, after = communicator.rank, (communicator.rank + 1) % communicator.size
        gathered = communicator.all_gather(np.full(rank, rank))
        large = communicator.all_gather(np.full((200_000 + rank, 2), rank, dtype=np.float32))
        exchanged = communicator.all_to_all([np.array([rank] * to) for to in range(communicator.size)])
        received = np.empty(1, dtype=np.int64)
        transfers = [communicator.recv(received, (rank - 1) % communicator.size, 7)]
        transfers.append(communicator.send(np.array([rank]), after, 7))
        for transfer in transfers:
            transfer.wait()
        return (
            [array.tolist() for array in gathered],
            [(array.shape, array.dtype, array[-1].tolist()) for array in large],
            [array.tolist() for array in exchanged],
            received.tolist(),
        )

    for rank, (gathered, large, exchanged, received) in enumerate(on_gloo(3, work)):
        assert gathered == [[], [1], [2, 2]]
        assert large == [((200_000 + other, 2), np.float32, [other, other]) for other in range(3)]
        assert exchanged == [[other] * rank for other in range(3)]
        assert received == [(rank - 1) % 3]


def test_arrays_that_may_not_be_written_are_sent_too() -> None:
    array = np.arange(3)
    array.flags.writeable = False
    results = on_gloo(2, lambda communicator: [each.tolist() for each in communicator.all_gather(array)])
    assert results == [[[0, 1, 2]] * 2] * 2


@pytest.mark.parametrize("culprit", [0, 1, 2])
def test_what_one_rank_raises_is_raised_on_all(culprit: int) -> None:
    more = [DataError("this too", where="r.csv:3")]

    def work(communicator: Communicator) -> None:
        if communicator.rank == culprit:
            raise DataError("wrong", where="r.csv:2", expected="right", hint="mend it", more=more)
        if communicator.rank == (culprit + 1) % 3:
            communicator.barrier()
        communicator.recv(np.empty(1), (communicator.rank + 1) % 3, 1).wait()

    start = time.monotonic()
    for error in on_gloo(3, work):
        assert isinstance(error, DataError)
        assert str(error) == "r.csv:2: wrong\nexpected right\nhint: mend it\nr.csv:3: this too"
    assert time.monotonic() - start < 10


def test_the_first_error_counts() -> None:
    """A rank that failed has its launcher end the others."""
    failed = threading.Event()

    def work(communicator: Communicator) -> None:
        if communicator.rank == 1:
            failed.set()
            raise DataError("wrong")
        failed.wait()
        time.sleep(0.2)
        raise StoppedError("terminated")

    assert [type(error) for error in on_gloo(2, work)] == [DataError, DataError]


def test_a_bug_names_its_rank_on_the_others() -> None:
    def work(communicator: Communicator) -> None:
        if communicator.rank == 1:
            raise TypeError("no")
        communicator.barrier()

    first, second = on_gloo(2, work)
    assert isinstance(second, TypeError)
    assert type(first) is RecsysError
    assert first.what == "rank 1 failed: TypeError: no"


def test_a_rank_that_is_gone_is_an_error_of_ours() -> None:
    store = c10d.HashStore()

    def run(rank: int) -> Any:
        communicator = Gloo(c10d.PrefixStore("attempt", store), store, rank, 2, seconds=20)
        communicator.connect()
        if rank == 1:
            communicator.close()  # as if killed
            return None
        match = "rank 0 of 2 has lost another rank: .*Connection (closed|reset) by peer"
        with pytest.raises(LostRankError, match=match), communicator.shared_errors():
            communicator.barrier()
        return None

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    assert not store.check([FINAL])


def test_final_errors_are_kept_for_the_next_attempt() -> None:
    store = c10d.HashStore()

    def work(_: Communicator) -> None:
        raise DataError("wrong")

    on_gloo(2, work, store)
    assert from_text(store.get(FINAL).decode()).what == "wrong"


@pytest.mark.parametrize(
    ("error", "is_so"),
    [(DataError("a"), True), (UsageError("a"), True), (LostRankError("a"), False), (StoppedError("a"), False)],
)
def test_whether_to_try_again_can_help(error: RecsysError, is_so: bool) -> None:
    assert is_final(error) is is_so
    assert type(from_text(to_text(error, 1))) is type(error)


def test_what_differs_between_ranks_is_named() -> None:
    def work(communicator: Communicator) -> None:
        check_same({"a": "1", "b": str(communicator.rank // 2)}, communicator, hint="make it so")

    for error in on_gloo(3, work):
        assert isinstance(error, UsageError)
        assert error.what == "the ranks differ in b: 1 on rank 2, 0 on rank 0"


@pytest.mark.parametrize("n_before", [0, 2, 3])
def test_ranks_agree_on_an_attempt_whatever_earlier_ones_left(n_before: int) -> None:
    store = c10d.HashStore()

    def agree(size: int) -> list[str]:
        with ThreadPoolExecutor(size) as pool:
            return list(pool.map(lambda rank: agree_on_attempt(store, rank, size, 20), range(size)))

    earlier = [set(agree(n_before))] if n_before else []
    attempts = [*earlier, set(agree(3)), set(agree(2))]
    assert [len(names) for names in attempts] == [1] * len(attempts)
    assert len(set.union(*attempts)) == len(attempts)


def test_the_ring_has_the_bits_of_one_process() -> None:
    train = planted()

    def work(communicator: Communicator) -> Any:
        learner = learner_of(train, communicator=communicator, n_threads=2)
        rmse = [learner.epoch(number, silent).train["rmse"] for number in (1, 2, 3)]
        measured = errors_on_first(learner.divided_scorer(), train.take(slice(0, 50)), communicator)
        model = gather_state(learner.state(3), communicator).model
        bits = {name: array.tobytes() for name, array in model.items()}
        return bits, rmse, None if communicator.rank else measured.tobytes()

    [alone] = on_gloo(1, work)
    for size in (2, 3):
        assert on_gloo(size, work) == [alone, *[(*alone[:2], None)] * (size - 1)]
