"""What a rank may rely on: alone, and beside others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import ALONE, Alone, Communicator, share_of
from recsys.core.errors import DataError
from tests.ranks import on_ranks


def test_alone_is_the_first_of_one() -> None:
    assert (ALONE.rank, ALONE.size) == (0, 1)
    assert Alone() == ALONE


def test_alone_gathers_and_exchanges_its_own_arrays_without_a_copy() -> None:
    array = np.arange(3)
    assert ALONE.all_gather(array)[0] is array
    assert ALONE.all_to_all([array])[0] is array
    assert len(ALONE.all_gather(array)) == len(ALONE.all_to_all([array])) == 1


@pytest.mark.parametrize("n", [0, 2])
def test_alone_exchanges_one_array_for_each_rank(n: int) -> None:
    with pytest.raises(ValueError, match="unpack"):
        ALONE.all_to_all([np.zeros(1)] * n)


def test_alone_there_is_nobody_to_send_to_or_to_receive_from() -> None:
    for rank in (0, 1):
        with pytest.raises(AssertionError):
            ALONE.send(np.zeros(1), rank, 0)
        with pytest.raises(AssertionError):
            ALONE.recv(np.zeros(1), rank, 0)


def test_alone_waits_for_nobody_and_raises_errors_as_they_are() -> None:
    ALONE.barrier()
    error = DataError("wrong")
    with pytest.raises(DataError) as caught, ALONE.shared_errors():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [0, 1, 5, 20])
def test_the_shares_of_all_ranks_are_all_rows_in_order(size: int, n: int) -> None:
    shares: list[Any] = on_ranks(size, lambda communicator: np.arange(n)[share_of(n, communicator)])
    assert np.concatenate(shares).tolist() == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_has_all_rows() -> None:
    assert share_of(9, ALONE) == slice(0, 9)


def test_ranks_exchange_arrays() -> None:
    def work(communicator: Communicator) -> Any:
        rank, after = communicator.rank, (communicator.rank + 1) % communicator.size
        gathered = communicator.all_gather(np.full(rank, rank))
        exchanged = communicator.all_to_all([np.array([rank, to]) for to in range(communicator.size)])
        received = np.empty(1, dtype=np.int64)
        transfers = [communicator.recv(received, (rank - 1) % communicator.size, 7)]
        transfers.append(communicator.send(np.array([rank]), after, 7))
        for transfer in transfers:
            transfer.wait()
        return [array.tolist() for array in gathered], [array.tolist() for array in exchanged], received.tolist()

    for rank, (gathered, exchanged, received) in enumerate(on_ranks(3, work)):  # type: ignore[misc]
        assert gathered == [[], [1], [2, 2]]
        assert exchanged == [[0, rank], [1, rank], [2, rank]]
        assert received == [(rank - 1) % 3]


def test_what_one_rank_raises_is_raised_on_all() -> None:
    def work(communicator: Communicator) -> None:
        with communicator.shared_errors():
            if communicator.rank == 1:
                raise DataError("wrong")
            communicator.barrier()

    errors = on_ranks(3, work)
    assert [error.what for error in errors if isinstance(error, DataError)] == ["wrong"] * 3
