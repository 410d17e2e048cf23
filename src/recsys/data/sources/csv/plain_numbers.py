"""Blocks of rows whose ids, ratings and times are plain numbers, read by a compiled loop where that is worthwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys.core import kernels
from recsys.core.types import Array
from recsys.data.sources.csv.blocks import QUOTE
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.whole_ids import has_whole_ids
from recsys.data.sources.table import ROLES, Role

BYTES_OF_ROW = 16  # about
DTYPES = {"user": np.int32, "item": np.int32, "rating": np.float32, "timestamp": np.float64}


@dataclass(frozen=True)
class PlainNumbers:
    """Reads the columns of a file in which all that is asked for is a number.

    Attributes:
        columns: role → position from 0.
        delimiter: the byte between two fields.
    """

    columns: Mapping[Role, int]
    n_fields: int
    delimiter: int
    has_quotes: bool

    @classmethod
    def of(cls, dialect: Dialect, columns: Mapping[Role, int], delimiter: str, n_bytes: int) -> PlainNumbers | None:
        """What reads a file of so many bytes; None where its first rows are no such numbers, or it is small.

        Args:
            columns: without times that are dates.
        """
        ids = [columns[role] for role in ("user", "item") if role in columns]
        is_worthwhile = kernels.are_worthwhile(n_bytes // BYTES_OF_ROW)
        if not is_worthwhile or dialect.decimal == "," or not all(has_whole_ids(dialect, at) for at in ids):
            return None
        return cls(columns, dialect.width, ord(delimiter), dialect.quotes != "none")

    def parse(self, rows: bytes) -> dict[Role, Array] | None:
        """The columns of a block of whole rows; None where a field may be something else than a plain number."""
        if self.has_quotes and QUOTE in rows:
            return None
        from recsys.data.sources.csv.number_kernel import NOT_PLAIN, POWERS, number_kernel

        most = len(rows) // (self.n_fields + len(self.columns)) + 1  # rows; what is not written to takes no memory
        fields = np.zeros(self.n_fields, dtype=np.int8)
        for code, role in enumerate(ROLES, start=1):
            if role in self.columns:
                fields[self.columns[role]] = code
        arrays = {role: np.empty(most if role in self.columns else 0, dtype=DTYPES[role]) for role in ROLES}
        whole = rows if rows.endswith(b"\n") else rows + b"\n"
        text = np.frombuffer(whole, dtype=np.uint8)
        n_rows = number_kernel()(text, self.delimiter, fields, *arrays.values(), POWERS)
        return None if n_rows == NOT_PLAIN else {role: arrays[role][:n_rows] for role in self.columns}
