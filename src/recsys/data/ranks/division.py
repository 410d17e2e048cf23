"""Columns of which each rank of a job has neighbouring rows: arrays to read by slices, which no rank holds whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.core.collectives import gather_on_first, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.types import Array, Int64Array
from recsys.data.chunks import chunks

END = -1  # in place of a column: nothing more is read by rank 0 alone


class Division:
    """The divided columns of a job.

    To read one, all ranks ask for the same rows at the same point of the program, and all get them. While
    `read_by_first` lasts, rank 0 alone reads, and the others send it what they have.
    """

    def __init__(self, communicator: Communicator) -> None:
        """Without columns."""
        self.communicator = communicator
        self.is_read_by_first = False
        self._columns: list[DividedColumn] = []
        self._forget: list[Callable[[], object]] = []

    def column(
        self,
        first: Int64Array,
        dtype: np.dtype[Any],
        own: Callable[[], Array],
        forget: Callable[[], object] = lambda: None,
    ) -> DividedColumn:
        """A further column; all ranks make the same ones in the same order.

        Args:
            first: the row at which those of each rank begin, and the end, shape (size + 1,).
            own: gives the rows of this rank; all ranks call it at once, when rows are read.
            forget: gives their memory back, until they are read again; called at the end of `read_by_first`.
        """
        self._forget.append(forget)
        column = DividedColumn(self, len(self._columns), first, dtype, own)
        self._columns.append(column)
        return column

    @contextmanager
    def read_by_first(self) -> Iterator[None]:
        """While it lasts, rank 0 reads columns alone; the others have to come to its end, where they send."""
        rank = self.communicator.rank
        self.is_read_by_first = True
        yield
        if rank == 0:
            self._ask_for(END, slice(0, 0, 1))
        else:
            self._send()
        self.is_read_by_first = False
        for forget in self._forget:
            forget()

    def read(self, column: DividedColumn, rows: slice) -> Array:
        """Rows of a column, see above; `rows` has a start, a stop and a step."""
        if self.is_read_by_first:
            self._ask_for(column.number, rows)
            parts = gather_on_first(column.here(rows), self.communicator) or []
        else:
            parts = self.communicator.all_gather(column.here(rows))
        filled = [part for part in parts if len(part)]
        return filled[0] if len(filled) == 1 else np.concatenate(filled or parts)

    def _ask_for(self, number: int, rows: slice) -> None:
        assert self.communicator.rank == 0, "the others come to the end of `read_by_first`"
        self.communicator.all_gather(np.array([[number, rows.start, rows.stop, rows.step]]))

    def _send(self) -> None:
        nothing = np.zeros((1, 4), dtype=np.int64)
        while True:
            number, *rows = self.communicator.all_gather(nothing)[0][0].tolist()
            if number == END:
                return
            gather_on_first(self._columns[number].here(slice(*rows)), self.communicator)


@dataclass(frozen=True, eq=False)
class DividedColumn:
    """A column of numbers; attributes as of `Division.column`."""

    division: Division
    number: int
    first: Int64Array
    dtype: np.dtype[Any]
    _own: Callable[[], Array]

    def __len__(self) -> int:
        return int(self.first[-1])

    @property
    def shape(self) -> tuple[int]:
        """As arrays have it."""
        return (len(self),)

    @property
    def nbytes(self) -> int:
        """Memory of the rows of this rank."""
        rank = self.division.communicator.rank
        return int(self.first[rank + 1] - self.first[rank]) * self.dtype.itemsize

    @property
    def own(self) -> Array:
        """The rows of this rank."""
        return self._own()

    def __getitem__(self, rows: slice | Array) -> Array:
        if not isinstance(rows, slice):
            whole: Array = np.asarray(self)[rows]
            return whole
        return self.division.read(self, slice(*rows.indices(len(self))))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)

    def here(self, rows: slice) -> Array:
        """Those of the rows that this rank has."""
        rank, (start, stop, step) = self.division.communicator.rank, (rows.start, rows.stop, rows.step)
        low, end = int(self.first[rank]), int(self.first[rank + 1])
        # the first row of the slice that is not before those of this rank
        begin = max(start, low + (start - low) % step)
        part: Array = self.own[begin - low : max(min(stop, end) - low, 0) : step]
        return part

    def of_chunks(self, look: Callable[[Array], tuple[float, ...]]) -> list[tuple[float, ...]]:
        """What a function gives of each chunk, in their order; each rank looks at the chunks that begin in its rows.

        All ranks call this, for a column with rows.
        """
        communicator, own = self.division.communicator, list[tuple[float, ...]]()
        for rows in chunks(len(self)):
            ranks = np.searchsorted(self.first, [rows.start, rows.stop - 1], side="right") - 1
            if ranks[0] != ranks[1]:
                part = self[rows]
            if ranks[0] == communicator.rank:
                own.append(look(self.here(slice(rows.start, rows.stop, 1)) if ranks[0] == ranks[1] else part))
        width = max(number_of_each(len(own[0]) if own else 0, communicator))
        table = np.array(own, dtype=np.float64).reshape(-1, width)
        return list(map(tuple, np.concatenate(communicator.all_gather(table)).tolist()))
