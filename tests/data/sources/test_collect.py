from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.data.sources.batches import Batch, CodedIds, PackedTexts
from recsys.data.sources.collect import collect


def ids(texts: list[str]) -> CodedIds:
    known = list(dict.fromkeys(texts))
    return CodedIds(np.array([known.index(text) for text in texts], np.int32), PackedTexts.of(known))


def batch(users: list[str], rating: list[float], share: float) -> Batch:
    return Batch(ids(users), None, np.array(rating, np.float32), None, None, len(users), share)


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_batches_become_whole_columns_with_each_text_once(share: float) -> None:
    table = collect(iter([batch(["b", "é", "b"], [1, 2, -0.0], share), batch(["é", "", "a"], [4, 5, 6], share)]))
    assert table.user is not None
    assert table.user.codes.tolist() == [0, 1, 0, 1, 2, 3]
    assert table.user.texts.tolist() == ["b", "é", "", "a"]
    assert table.rating is not None
    assert table.rating.tobytes() == np.array([1, 2, -0.0, 4, 5, 6], np.float32).tobytes()
    assert (table.item, table.timestamp, table.n_rows) == (None, None, 6)


def test_codes_of_a_source_are_not_written_over() -> None:
    batches = [batch(["a"], [1], 0.5), batch(["b"], [2], 1.0)]
    collect(iter(batches))
    codes: Any = [part.user.codes.tolist() for part in batches if part.user is not None]
    assert codes == [[0], [0]]


def test_no_batch_makes_an_empty_table() -> None:
    table = collect(iter([]))
    assert (table.n_rows, table.user, table.rating) == (0, None, None)
