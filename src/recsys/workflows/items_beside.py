"""Finds the items file that lies beside a ratings file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.errors import RecsysError
from recsys.core.events import silent
from recsys.data.profile import FileProfile
from recsys.data.sources.opening import read_catalogue
from recsys.data.sources.table import as_texts
from recsys.data.vocabulary import Vocabulary

STEMS = (
    *(
        "items",
        "item",
        "movies",
        "movie",
        "titles",
        "books",
        "book",
        "products",
        "product",
        "songs",
        "tracks",
        "artists",
    ),
    *("anime", "animes", "games", "game", "recipes", "jokes", "films", "metadata", "meta", "catalogue", "catalog", "u"),
)
SUFFIXES = (".csv", ".tsv", ".dat", ".txt", ".item", ".parquet", ".jsonl", ".feather", ".gz", ".zst")
LARGEST = 1 << 28  # bytes: a larger file takes long to look through


def items_beside(profile: FileProfile, data: Data) -> Path | None:
    """The file in the folder of the ratings that has titles for most of the first few items; None if there is none.

    Args:
        data: how the ratings were read.
    """
    if not profile.path.is_file():
        return None
    examples = [int(text) if profile.item_type is int else text for text in dict.fromkeys(profile.item_examples)]
    ids = sorted(examples)
    known = Vocabulary(np.array(ids, dtype=np.int64) if profile.item_type is int else as_texts([str(i) for i in ids]))
    name = profile.layout.names.get("item")
    for path in sorted(profile.path.parent.iterdir(), key=_rank):
        if _rank(path)[0] == len(STEMS) or path.samefile(profile.path):
            continue
        try:
            titles = read_catalogue(path, data, name, known, silent).titles
        except RecsysError:
            continue
        if 2 * len(titles) > len(known):
            return path
    return None


def _rank(path: Path) -> tuple[int, str]:
    """Where the name stands among the usual ones, the last place for any other."""
    stem = path.name.lower().partition(".")[0].rpartition("-")[2]
    is_usual = stem in STEMS and path.suffix.lower() in SUFFIXES and path.is_file() and path.stat().st_size <= LARGEST
    return (STEMS.index(stem) if is_usual else len(STEMS), path.name)
