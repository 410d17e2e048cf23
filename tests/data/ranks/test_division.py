"""Divided columns are read like arrays, by all ranks together or by the first alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import Communicator
from recsys.data import chunks
from recsys.data.ranks import division as module
from recsys.data.ranks.division import Division
from recsys.data.scale import Scale
from tests.ranks import on_ranks

VALUES = np.random.default_rng(1).normal(3, 1, 40).astype(np.float32)
EDGES = np.array([0, 13, 13, 40])  # one rank has nothing
SLICES = [slice(None), slice(5, 20), slice(13, 13), slice(None, None, 7), slice(3, 38, 5), slice(14, 39, 30)]


def divided(communicator: Communicator, **more: Any) -> Any:
    low, high = list(pairwise(EDGES.tolist()))[communicator.rank]
    division = Division(communicator)
    return division.column(EDGES, VALUES.dtype, lambda: VALUES[low:high], **more)


def test_all_ranks_read_the_rows_of_an_array() -> None:
    def work(communicator: Communicator) -> list[Any]:
        column = divided(communicator)
        assert (len(column), column.shape, column.dtype) == (40, (40,), np.float32)
        taken = [column[rows] for rows in SLICES]
        return [part.tolist() for part in (*taken, np.asarray(column), column[VALUES > 3])]

    expected = [VALUES[rows].tolist() for rows in SLICES] + [VALUES.tolist(), VALUES[VALUES > 3].tolist()]
    assert on_ranks(3, work) == [expected] * 3


def test_the_first_rank_reads_while_the_others_send_and_then_forget() -> None:
    forgotten = list[int]()

    def work(communicator: Communicator) -> list[Any]:
        column = divided(communicator, forget=lambda: forgotten.append(communicator.rank))
        with column.division.read_by_first():
            taken = [column[rows].tolist() for rows in SLICES] if communicator.rank == 0 else []
        return [*taken, column[3:30].tolist()]  # all of them again

    expected = [VALUES[rows].tolist() for rows in SLICES]
    together = VALUES[3:30].tolist()
    assert on_ranks(3, work) == [[*expected, together], [together], [together]]
    assert sorted(forgotten) == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 3, 7, 13, 100])
def test_the_scale_has_the_bits_of_one_process(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(chunks, "CHUNK", size)
    assert module.chunks is chunks.chunks
    assert on_ranks(3, lambda ranks: Scale.of_chunks(40, divided(ranks).of_chunks)) == [Scale.of(VALUES)] * 3
