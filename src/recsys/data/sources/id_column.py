"""A column of ids that grows, batch by batch: whole numbers as they are, or codes with texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from recsys.core.errors import DataError
from recsys.core.types import Indices
from recsys.data.sources.batches import CodedIds, PackedTexts, WholeIds

if TYPE_CHECKING:
    import pyarrow as pa

MOST_IDS = 2**31 - 1  # that codes can number
PENDING = 1 << 26  # bytes of ids of batches, beside as many as there are different ones, until they are put together


class GrowingNumbers(Protocol):
    """A column of int32 that grows at its end."""

    def __len__(self) -> int: ...

    def append(self, values: Indices, expected: int, offset: int = 0) -> None:
        """Adds values, plus `offset`; the whole will have about `expected` rows."""
        ...

    def remap(self, first: int, new: Indices) -> None:
        """Writes new[code] over each code, from a row on."""
        ...

    def code(self) -> list[str]:
        """Writes over each number which of the distinct ones it is, and returns these as texts."""
        ...


class IdColumn:
    """Numbers, and the texts that they are codes of, if they are.

    The texts are a union of those of all batches so far, each once, and behind it those of the last batches end to end.

    Attributes:
        is_text: whether a source says that its ids are texts.
    """

    def __init__(self, values: GrowingNumbers) -> None:
        self._values = values
        self._is_whole = True
        self._union = PackedTexts.of([])
        self._pending: list[PackedTexts] = []
        self._n_pending = self._pending_bytes = 0
        self._n_merged = 0  # rows whose codes are those of the union
        self.is_text = False

    def append(self, ids: CodedIds | WholeIds | None, expected: int) -> None:
        """Adds the ids of a batch."""
        if ids is None:
            return
        if isinstance(ids, WholeIds):
            if self._is_whole:
                self._values.append(ids.values, expected)
                return
            ids = ids.coded()
        if self._is_whole and len(self._values):
            self._add_texts(PackedTexts.of(self._values.code()))
        self._is_whole = False
        self._make_room(ids.texts)
        self._values.append(ids.codes, expected, offset=len(self._union) + self._n_pending)
        self._add_texts(ids.texts)
        self.is_text |= ids.is_text

    def texts(self) -> list[str] | None:
        """The texts of the codes, each once; None where the numbers are the ids."""
        if self._is_whole:
            return None
        self._merge()
        texts: list[str] = arrow_texts(self._union).to_pylist()
        return texts

    def _make_room(self, texts: PackedTexts) -> None:
        """Puts the texts together before so many are added that memory or codes run out.

        Raises:
            DataError: there are more different ids than codes.
        """
        is_much = self._pending_bytes + texts.n_bytes > PENDING + self._union.n_bytes
        if is_much or len(self._union) + self._n_pending + len(texts) > MOST_IDS:
            self._merge()
        if len(self._union) + len(texts) > MOST_IDS:
            raise DataError(f"a column has more than {MOST_IDS:,} different ids", expected="fewer users and items")

    def _add_texts(self, texts: PackedTexts) -> None:
        self._pending.append(texts)
        self._n_pending += len(texts)
        self._pending_bytes += texts.n_bytes

    def _merge(self) -> None:
        """Adds what is new in the last batches to the union; it keeps the order of first appearance."""
        if len(self._pending) == 1 and not len(self._union):
            self._union = self._pending[0]
        elif self._pending:
            import pyarrow as pa

            texts = pa.chunked_array(list(map(arrow_texts, [self._union, *self._pending]))).combine_chunks()
            encoded = texts.dictionary_encode()
            new: Indices = np.from_dlpack(encoded.indices)  # type: ignore[assignment]  # int32 by Arrow's own rule
            self._values.remap(self._n_merged, new)
            self._union = packed_texts(encoded.dictionary)
        self._pending, self._n_pending, self._pending_bytes = [], 0, 0
        self._n_merged = len(self._values)


def packed_texts(texts: pa.Array) -> PackedTexts:
    """Texts of type large_string, over Arrow's own memory."""
    _, offsets, utf8 = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return PackedTexts(np.frombuffer(utf8 or b"", dtype=np.uint8), ends)


def arrow_texts(texts: PackedTexts) -> pa.Array:
    """The texts as an Arrow array over the same memory."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(texts.offsets), pa.py_buffer(texts.utf8)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
