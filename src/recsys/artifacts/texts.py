"""Ids and titles as arrays: int64, or utf-8 bytes with offsets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from recsys.artifacts.entries import IdType
from recsys.core.layout import ArraySpec, Layout
from recsys.core.types import Array, Arrays
from recsys.data.vocabulary import Vocabulary


def pack_ids(vocabulary: Vocabulary) -> Arrays:
    """A vocabulary's ids as arrays."""
    if vocabulary.id_type is int:
        return {"ids": vocabulary.ids}
    return pack_texts("ids", vocabulary.ids)


def ids_layout(id_type: IdType, n: str, prefix: str = "", group: str | None = None) -> Layout:
    """What the arrays of a vocabulary are.

    Args:
        n: the name of the number of ids.
        prefix: before their names.
    """
    if id_type == "int":
        return {f"{prefix}ids": ArraySpec("int64", (n,), rises=True, group=group)}
    return texts_layout(f"{prefix}ids", n, group)


def unpack_ids(arrays: Arrays, prefix: str = "") -> Vocabulary:
    """The vocabulary that `pack_ids` packed.

    Raises:
        ValueError: texts are not utf-8, or do not rise.
    """
    name = f"{prefix}ids"
    if name in arrays:
        return Vocabulary(arrays[name])
    ids = unpack_texts(name, arrays)
    if not (ids[1:] > ids[:-1]).all():
        raise ValueError(f"the texts of {name!r} do not rise")
    return Vocabulary(ids)


def pack_texts(name: str, texts: Iterable[str]) -> Arrays:
    """Texts as `name`.utf8, all their bytes, and `name`.offsets, where each begins and the last one ends."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return {f"{name}.utf8": np.frombuffer(b"".join(encoded), dtype=np.uint8), f"{name}.offsets": offsets}


def texts_layout(name: str, n: str, group: str | None = None) -> Layout:
    """What the arrays of texts are; `n` is the name of their number."""
    n_bytes = f"bytes of {name}"
    return {
        f"{name}.utf8": ArraySpec("uint8", (n_bytes,), group=group),
        f"{name}.offsets": ArraySpec("int64", ((n, 1),), starts=n_bytes, group=group),
    }


def unpack_texts(name: str, arrays: Arrays) -> Array:
    """The texts that `pack_texts` packed, object (str), shape (n,).

    Raises:
        ValueError: they are not utf-8.
    """
    whole, offsets = arrays[f"{name}.utf8"].tobytes(), arrays[f"{name}.offsets"].tolist()
    texts = np.empty(len(offsets) - 1, dtype=object)
    texts[:] = [whole[start:end].decode() for start, end in pairwise(offsets)]
    return texts
