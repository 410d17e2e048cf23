"""Finds the items file that lies beside a ratings file."""

from __future__ import annotations

import re
from pathlib import Path

from recsys.config.schema.data import Data
from recsys.core.errors import RecsysError
from recsys.core.events import silent
from recsys.data.file_profile import FileProfile, ItemsFile
from recsys.data.sources.opening import read_catalogue
from recsys.data.sources.several import files_of

STEMS = (
    *("items", "item", "movies", "movie", "titles", "books", "book", "products", "product", "songs", "tracks"),
    *("artists", "anime", "animes", "games", "game", "recipes", "jokes", "films", "metadata", "meta", "catalogue"),
    *("catalog", "info", "business", "businesses", "restaurants", "places", "hotels", "articles", "news", "courses"),
    *("videos", "shows", "series", "apps", "beers", "wines", "albums", "podcasts", "mangas", "manga", "papers", "u"),
)
SUFFIXES = (".csv", ".tsv", ".dat", ".txt", ".item", ".parquet", ".json", ".jsonl", ".feather", ".gz", ".zst", ".zip")
LARGEST = 1 << 28  # bytes: a larger file takes long to look through


def items_beside(profile: FileProfile, data: Data) -> ItemsFile | None:
    """The file in the folder of the ratings that has titles for most of the items; None if there is none.

    Args:
        data: how the ratings were read.
    """
    if profile.source != "file":
        return None
    ratings = files_of(profile.files)
    for path in sorted(ratings[0].parent.iterdir(), key=_rank):
        if _rank(path)[0] == len(STEMS) or any(map(path.samefile, ratings)):
            continue
        try:
            items = items_file(path, profile, data)
        except RecsysError:
            continue
        if 2 * items.n_titles > profile.n_items:
            return items
    return None


def items_file(path: Path, profile: FileProfile, data: Data) -> ItemsFile:
    """What a file says of the items of the ratings.

    Args:
        data: how the ratings were read.

    Raises:
        DataError: it cannot be read, or has no column of titles.
    """
    encoding = profile.layout.facts.get("encoding")
    as_read = data.model_copy(update={"encoding": encoding}) if encoding else data
    catalogue = read_catalogue(path, as_read, profile.layout.names.get("item"), profile.item_ids, silent)
    return ItemsFile(path, catalogue.encoding, len(catalogue.titles), data.item_columns.model_dump(exclude_none=True))


def _rank(path: Path) -> tuple[int, str]:
    """Where the name stands among the usual ones, the last place for any other."""
    stem = re.split(r"[-_ ]", path.name.lower().partition(".")[0])[-1]
    is_usual = stem in STEMS and path.suffix.lower() in SUFFIXES and path.is_file() and path.stat().st_size <= LARGEST
    return (STEMS.index(stem) if is_usual else len(STEMS), path.name)
