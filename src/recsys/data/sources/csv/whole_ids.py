"""Which columns of ids may be read as whole numbers, so that each still reads back as it is written."""

from __future__ import annotations

import re

import numpy as np

from recsys.core.types import Counts, UInt8Array
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.vocabulary import is_canonical_int

LARGEST = 2**31 - 1
ODD_START = re.compile(rb'[" \t]*(-?0[0-9xX]|-0(?![.]))')
BLANKS = np.isin(np.arange(256), list(b" \t"))  # that Arrow leaves out around numbers
CHUNK = 1 << 18  # bytes that are looked at at a time: the arrays stay in the cache of a core


def has_whole_ids(dialect: Dialect, position: int) -> bool:
    """Whether the ids of the first rows are whole numbers, as Python writes them, of 32 bits."""
    texts = [row[position].strip() for row in dialect.sample if len(row) == dialect.width]
    return bool(texts) and all(is_canonical_int(text) and -LARGEST <= int(text) <= LARGEST for text in texts)


def has_odd_zeros(rows: bytes, delimiter: int) -> bool:
    """Whether some field starts like 007, -0 or 0x1F: numbers to Arrow, other ids than 7, 0 and 31 to everyone else.

    Args:
        rows: whole rows.
        delimiter: the byte between two fields.
    """
    if ODD_START.match(rows) or rows.endswith(b"-0"):
        return True
    text = np.frombuffer(rows, dtype=np.uint8)
    is_edge = np.isin(np.arange(256), [delimiter, *b'\r\n"'])
    may_skip = BLANKS & ~is_edge
    for start in range(1, len(text) - 1, CHUNK):
        at = start + _odd_zeros(text[start - 1 : start + CHUNK + 1], delimiter)
        before = at - 1
        before -= text[before] == ord("-")
        while len(blank := np.flatnonzero(may_skip[text[before]])):
            before[blank] -= 1
        if is_edge[text[before]].any():
            return True
    return False


def _odd_zeros(text: UInt8Array, delimiter: int) -> Counts:
    """Zeros that may stand at the start of a field and that a digit or x follows, or with a minus before them."""
    before, zero, after = text[:-2], text[1:-1] == ord("0"), text[2:]
    zero &= (before <= ord("-")) | (before == delimiter)
    zero &= ((after >= ord("0")) & (after != delimiter)) | ((before == ord("-")) & (after != ord(".")))
    return np.flatnonzero(zero)
