"""Ids and titles as arrays: int64, or utf-8 bytes with offsets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from recsys.core.types import Array, Arrays
from recsys.data.vocabulary import Vocabulary


def pack_ids(vocabulary: Vocabulary) -> Arrays:
    """A vocabulary's ids as arrays."""
    if vocabulary.id_type is int:
        return {"ids": vocabulary.ids}
    return pack_texts("ids", vocabulary.ids)


def unpack_ids(arrays: Arrays) -> Vocabulary:
    """The vocabulary that `pack_ids` packed."""
    return Vocabulary(arrays["ids"] if "ids" in arrays else unpack_texts("ids", arrays))


def pack_texts(name: str, texts: Iterable[str]) -> Arrays:
    """Texts as `name`.utf8, all their bytes, and `name`.offsets, where each begins and the last one ends."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return {f"{name}.utf8": np.frombuffer(b"".join(encoded), dtype=np.uint8), f"{name}.offsets": offsets}


def unpack_texts(name: str, arrays: Arrays) -> Array:
    """The texts that `pack_texts` packed, object (str), shape (n,)."""
    whole, offsets = arrays[f"{name}.utf8"].tobytes(), arrays[f"{name}.offsets"].tolist()
    texts = np.empty(len(offsets) - 1, dtype=object)
    texts[:] = [whole[start:end].decode() for start, end in pairwise(offsets)]
    return texts
