"""What a split asks of the rows of all ranks: the same as of one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import ALONE, Communicator
from recsys.core.seeding import rng
from recsys.data.parts import draw_parts
from recsys.data.ranks.order import are_latest, drawn, places, uniform
from tests.ranks import on_ranks

DRAW = np.random.default_rng(4)
TIMES = DRAW.choice([-2.2e9, -1.5, -1.0, -0.0, 0.0, 1.0, 3.5, 4.1e9], 60)
USER = DRAW.integers(0, 7, 60).astype(np.int32)
PARTS = [slice(0, 31), slice(31, 31), slice(31, 60)]  # one rank has nothing


def of_ranks(work: Any) -> list[Any]:
    """What ranks find for their rows, in the order of the ranks."""
    found = on_ranks(3, lambda communicator: work(PARTS[communicator.rank], communicator).tolist())
    return [value for own in found for value in (own if isinstance(own, list) else [own])]


@pytest.mark.parametrize("n", [0, 1, 7, 30, 59, 60])
def test_the_latest_rows_are_the_last_ones_of_a_stable_sort(n: int) -> None:
    latest = np.argsort(TIMES, kind="stable")[60 - n :]
    expected = np.isin(np.arange(60), latest).tolist()
    assert are_latest(TIMES, n, ALONE).tolist() == expected
    assert of_ranks(lambda own, ranks: are_latest(TIMES[own], n, ranks)) == expected


def test_places_among_the_rows_of_a_user_go_by_position_and_then_by_row() -> None:
    expected = [
        sum((TIMES[other], other) < (TIMES[row], row) for other in range(60) if USER[other] == USER[row])
        for row in range(60)
    ]
    counts = np.bincount(USER)
    assert places(USER, TIMES, counts, ALONE).tolist() == expected
    assert of_ranks(lambda own, ranks: places(USER[own], TIMES[own], counts, ranks)) == expected


def test_what_is_drawn_for_rows_does_not_depend_on_the_number_of_ranks() -> None:
    def numbers(own: slice, communicator: Communicator) -> Any:
        random = rng(3, "a test")
        random.integers(1, np.arange(2, 9))  # may leave bits over, which are not for what comes next
        return uniform(len(USER[own]), random, communicator)

    def parts(own: slice, communicator: Communicator) -> Any:
        return drawn(len(USER[own]), lambda n: draw_parts(0.2, 0.3, rng(3, "parts"), n), communicator)

    assert of_ranks(numbers) == numbers(slice(60), ALONE).tolist()
    assert of_ranks(parts) == parts(slice(60), ALONE).tolist()
