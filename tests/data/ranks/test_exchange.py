"""Rows go to the rank of their user, in their order, and ids to the rank that their hash names."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import Communicator
from recsys.data.ids import index_columns
from recsys.data.ranks import exchange
from recsys.data.ranks.exchange import even_ranks, levelled, rows_of_users
from recsys.data.ranks.ids import index_by_ranks
from recsys.data.sources.table import Coded, as_texts
from tests.ranks import on_ranks

DRAW = np.random.default_rng(2)
USER, ITEM = DRAW.integers(0, 9, 50).astype(np.int32), np.arange(50, dtype=np.int32)
PARTS = [slice(0, 31), slice(31, 31), slice(31, 50)]


@pytest.mark.parametrize("n", [1, 4, 1000])
def test_rows_meet_at_the_rank_of_their_user_in_their_order(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    monkeypatch.setattr(exchange, "ROUND", n)
    rank_of_user, first = even_ranks(np.bincount(USER), 3)

    def work(communicator: Communicator) -> list[Any]:
        own = PARTS[communicator.rank]
        return [column.tolist() for column in rows_of_users([USER[own], ITEM[own]], rank_of_user, communicator)]

    arrived: list[Any] = on_ranks(3, work)
    for rank, columns in enumerate(arrived):
        is_own = rank_of_user[USER] == rank
        assert columns == [USER[is_own].tolist(), ITEM[is_own].tolist()]
        assert len(columns[0]) == first[rank + 1] - first[rank]
    assert (np.diff(rank_of_user) >= 0).all()
    assert max(len(columns[0]) for columns in arrived) < 30


def test_rows_that_one_rank_has_read_are_divided_in_their_order() -> None:
    def work(communicator: Communicator, parts: list[slice]) -> list[int]:
        [column] = levelled([ITEM[parts[communicator.rank]]], communicator)
        return [int(value) for value in column]

    one = [slice(0, 50), slice(50, 50), slice(50, 50)]
    assert on_ranks(3, lambda ranks: work(ranks, one)) == [list(range(16)), list(range(16, 33)), list(range(33, 50))]
    assert on_ranks(3, lambda ranks: work(ranks, PARTS)) == [ITEM[own].tolist() for own in PARTS]


@pytest.mark.parametrize(
    ("ids", "is_text"),
    [
        ([["7", "10", "-3"], [], ["10", "7.0", "2"]], False),
        ([["7", "10", "-3"], [], ["10", "2"]], True),
        ([["7", "b", "é"], [], ["b", "a", "7"]], False),
        ([["7"], [], ["99999999999999999999"]], False),
        ([[], [], ["5"]], False),
    ],
)
def test_all_ranks_have_the_ids_of_all(ids: list[list[str]], is_text: bool) -> None:
    def coded(own: list[str]) -> Coded:
        return Coded(np.arange(len(own), dtype=np.int32), as_texts(own), is_text)

    indices, vocabulary = index_columns([coded(own) for own in ids])

    def work(communicator: Communicator) -> tuple[Any, Any, Any]:
        own = ids[communicator.rank]
        cut = len(own) // 2
        idx, every = index_by_ranks([coded(own[:cut]), coded(own[cut:])], communicator)
        return np.concatenate(idx).tolist(), every.ids.tolist(), every.ids.dtype

    results: list[Any] = on_ranks(3, work)
    assert [(every, kind) for _, every, kind in results] == [(vocabulary.ids.tolist(), vocabulary.ids.dtype)] * 3
    assert list(chain.from_iterable(idx for idx, _, _ in results)) == indices.tolist()
