from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.errors import DataError
from recsys.data import chunks
from recsys.data.sources import id_column
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts, WholeIds
from recsys.data.sources.collect import collect


def ids(texts: list[str]) -> CodedIds:
    known = list(dict.fromkeys(texts))
    return CodedIds(np.array([known.index(text) for text in texts], np.int32), PackedTexts.of(known))


def whole(values: list[int]) -> WholeIds:
    return WholeIds(np.array(values, np.int32))


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


@pytest.mark.parametrize(
    "batches",
    [
        [whole([7, -2]), whole([7, 10, -2])],
        [whole([7, -2]), ids(["7", "10", "-2"])],
        [ids(["7", "-2"]), whole([7, 10, -2])],
        [whole([]), whole([7, -2]), ids([]), whole([7, 10, -2])],
    ],
)
def test_whole_numbers_and_texts_become_one_column(batches: list[CodedIds | WholeIds]) -> None:
    table = collect(iter([Batch(ids, None, None, None, None, 2, 1.0) for ids in batches]))
    assert table.user is not None
    assert table.user.codes.tolist() == [0, 1, 0, 2, 1]
    assert table.user.texts.tolist() == ["7", "-2", "10"]


@pytest.mark.parametrize("pending", [0, 100, 300, 1 << 26])
@pytest.mark.parametrize("starts_whole", [False, True])
def test_the_union_of_ids_does_not_depend_on_when_it_grows(
    monkeypatch: pytest.MonkeyPatch, pending: int, starts_whole: bool
) -> None:
    monkeypatch.setattr(id_column, "PENDING", pending)
    draw = np.random.default_rng(0)
    texts = [[f"{number}" for number in draw.integers(0, 5 * k + 2, 20).tolist()] for k in range(12)]
    batches: list[CodedIds | WholeIds] = [ids(names) for names in texts]
    if starts_whole:
        batches[:2] = [whole([int(name) for name in names]) for names in texts[:2]]
    table = collect(iter([Batch(part, None, None, None, None, 20, (k + 1) / 12) for k, part in enumerate(batches)]))
    rows = [name for names in texts for name in names]
    assert table.user is not None
    assert table.user.texts.tolist() == list(dict.fromkeys(rows))
    assert table.user.texts[table.user.codes].tolist() == rows


def test_ids_that_repeat_are_not_counted_twice_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_column, "MOST_IDS", 6)
    alike = [batch(["a", "b", "c"], [1, 2, 3], 0.2)] * 5
    table = collect(iter(alike))
    assert table.user is not None
    assert table.user.texts.tolist() == ["a", "b", "c"]
    with pytest.raises(DataError, match="more than 6 different ids"):
        collect(iter([*alike, *(batch([f"{k}x", f"{k}y", f"{k}z"], [1, 2, 3], 0.9) for k in range(2))]))


@pytest.mark.parametrize("spread", [1, 10_000_000], ids=["close", "far apart"])
@pytest.mark.parametrize("chunk", [7, 1000])
def test_whole_numbers_are_coded_in_order_of_first_appearance(
    monkeypatch: pytest.MonkeyPatch, spread: int, chunk: int
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", chunk)
    values = np.random.default_rng(0).integers(-50, 50, 500).astype(np.int32) * np.int32(spread)
    given = WholeIds(values)
    coded, first_appearance = given.coded(), list(dict.fromkeys(map(str, values.tolist())))
    assert coded.texts.to_list() == first_appearance
    assert [first_appearance[code] for code in coded.codes] == list(map(str, values.tolist()))


def test_codes_of_a_source_are_not_written_over() -> None:
    batches = [batch(["a"], [1], 0.5), batch(["b"], [2], 1.0)]
    collect(iter(batches))
    codes: Any = [part.user.codes.tolist() for part in batches if isinstance(part.user, CodedIds)]
    assert codes == [[0], [0]]


def test_no_batch_makes_an_empty_table() -> None:
    table = collect(iter([]))
    assert (table.n_rows, table.user, table.rating) == (0, None, None)
