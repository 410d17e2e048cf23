"""A column on disk gives what an array gives."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts import columns
from recsys.artifacts.columns import ColumnWriter, stored_column
from recsys.core.errors import DamagedError
from recsys.core.types import Array
from recsys.data.stored_column import StoredColumn

VALUES = np.arange(100, dtype=np.float32) ** 2


def written(values: Array, folder: Path, size: int, bounds: tuple[float, float] | None = None) -> StoredColumn:
    with ColumnWriter(folder / "column", values.dtype, len(values)) as writer:
        for start in range(0, len(values), size):
            writer.append_part(values[start : start + size])
        writer.close()
    starts = np.append(np.arange(0, len(values), size), len(values))
    checksums = np.array(writer.checksums)
    return stored_column(folder / "column", folder / "shown", values.dtype, starts, checksums, bounds)


@pytest.mark.parametrize("size", [7, 50, 100, 1000])
@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(3, 60), slice(99, 100), slice(None, None, 9), slice(5, 90, 13), slice(40, 40), slice(200)],
)
def test_a_slice_is_that_of_an_array(rows: slice, size: int, tmp_path: Path) -> None:
    column = written(VALUES, tmp_path, size)
    np.testing.assert_array_equal(column[rows], VALUES[rows])
    np.testing.assert_array_equal(np.asarray(column), VALUES)
    assert (len(column), column.shape, column.nbytes) == (100, (100,), 0)


@pytest.mark.parametrize("rows", [VALUES > 900, np.array([3, 1, 99])])
def test_masks_and_positions_take_what_they_take_of_an_array(rows: Array, tmp_path: Path) -> None:
    np.testing.assert_array_equal(written(VALUES, tmp_path, 30)[rows], VALUES[rows])


def test_far_rows_keep_no_memory_for_those_between(tmp_path: Path) -> None:
    values = np.zeros(1 << 20, dtype=np.float32)
    column = written(values, tmp_path, 1 << 14)
    tracemalloc.start()
    few = column[:: 1 << 12]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(few) == 1 << 8
    assert peak < values.nbytes / 4


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.int32, -1), (np.int32, 5), (np.float32, 4.5), (np.float32, np.inf), (np.float32, -np.inf)]
)
def test_numbers_beyond_the_bounds_are_refused(dtype: Any, value: Any, tmp_path: Path) -> None:
    column = written(np.array([0, 4, value], dtype=dtype), tmp_path, 2, (0, 4))
    np.testing.assert_array_equal(column[:2], [0, 4])
    with pytest.raises(DamagedError, match="shown is damaged: a number in it is not between 0 and 4"):
        column[:]


def test_no_value_is_within_all_bounds(tmp_path: Path) -> None:
    assert np.isnan(written(np.array([0, np.nan], dtype=np.float32), tmp_path, 2, (0, 4))[1:]).all()


def test_a_column_grows_in_parts_of_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "CHUNK", 30)
    with ColumnWriter(tmp_path / "column", np.float32, 100) as writer:
        for start in range(0, 100, 17):
            writer.append(VALUES[start : start + 17])
        writer.close()
    assert len(writer.checksums) == 4
    starts = np.array([0, 30, 60, 90, 100])
    column = stored_column(tmp_path / "column", tmp_path / "shown", np.float32, starts, np.array(writer.checksums))
    np.testing.assert_array_equal(column[:], VALUES)
