"""A prepared store: ratings read, split and sorted once, in a folder of columns under a manifest.

users, items            ids
held_out                valid and test, and pairs that train does not know
row_user, row_item, row_rating, row_time      train, in the order of the source
seen_item, seen_rating  train by user, as a serving folder has it
block_user, block_item, block_rating          train by block, as sgd works on it, in few bytes
index                   where blocks begin, what their bytes stand for, and the checksums of all parts of columns
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from recsys.artifacts.bounds import Count, Entities, Name, RatingScale, Sha256, Values
from recsys.artifacts.columns import stored_column
from recsys.artifacts.entries import Entry, IdTypes
from recsys.artifacts.held_out import HELD_OUT, held_out_layout, held_out_part, part_of_unknown, unknown_pairs
from recsys.artifacts.manifest import Manifest
from recsys.artifacts.texts import ids_layout, unpack_ids
from recsys.artifacts.verified import VerifiedFolder, check_layout, consistent, open_verified
from recsys.core.errors import RunError
from recsys.core.layout import LARGEST, ArraySpec, Layout
from recsys.core.types import Array, Arrays
from recsys.data.interactions import Interactions
from recsys.data.prepared import Prepared, StoredBlocks, block_kinds
from recsys.data.split import Splits
from recsys.data.stored_column import Bounds, StoredColumn, part_starts
from recsys.data.vocabulary import Vocabulary

STORE_JSON = "store.json"
USERS, ITEMS, INDEX = "users.safetensors", "items.safetensors", "index.safetensors"
MOST_SIDE = 64  # ranges; a range is a byte
ROWS: dict[str, Any] = {"row_user": np.int32, "row_item": np.int32, "row_rating": np.float32}
TIMES: dict[str, Any] = {"row_time": np.float64}
SEEN: dict[str, Any] = {"seen_item": np.int32, "seen_rating": np.float32}
BLOCKS = ("block_user", "block_item", "block_rating")  # of the types that block_kinds gives


class SourceEntry(Entry):
    """What a part was read from: the sha256 of its bytes, and how many these are where they lie in files."""

    sha256: Sha256
    bytes: Count | None


class OrderEntry(Entry):
    """What the order of blocks depends on, as of recsys.training.sgd.stored_order.StoredOrder."""

    n_side: Annotated[int, Field(ge=1, le=MOST_SIDE)]
    tile_rows: Count
    dim: Count


class StoreManifest(Manifest):
    """store.json.

    Attributes:
        seed, split, reading: as the config said them; reading are keys of its section `data`.
        found: what the files say of those keys that the config left open, as a config says it.
        sources: by part ("ratings", or "train", "valid", "test").
        item_column: what the source calls the column of item ids.
        scale: of the training ratings; None where there are none.
        n_interactions, n_ratings: of train, and how many of these have a rating.
        order: of the blocks; None where there are none.
    """

    kind: Literal["prepared ratings"]
    recsys_version: Name
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    split: Values
    reading: Values
    found: Values = Field(default_factory=dict)
    sources: Annotated[dict[Name, SourceEntry], Field(max_length=3)]
    item_column: str | None
    id_types: IdTypes
    n_users: Entities
    n_items: Entities
    n_interactions: Count
    n_ratings: Count
    n_duplicates: Count
    has_times: bool
    scale: RatingScale | None
    order: OrderEntry | None

    @property
    def columns(self) -> list[str]:
        """The names of the columns that there are, each in a file of its own."""
        times = TIMES if self.has_times else ()
        return [*ROWS, *times, *SEEN, *(() if self.order is None else BLOCKS)]


@dataclass(frozen=True, eq=False)
class Store:
    """An opened store; sizes of its files are checked, checksums when they are read."""

    folder: VerifiedFolder[StoreManifest]

    @property
    def manifest(self) -> StoreManifest:
        """What it says of itself."""
        return self.folder.manifest

    @classmethod
    def open(cls, path: Path) -> Store:
        """Opens a store.

        Raises:
            RunError: there is none, or it is damaged.
        """
        if path.is_dir() and not (path / STORE_JSON).exists():
            raise no_store(path, "this folder is no prepared store")
        if not path.is_dir():
            raise no_store(path, "this is no folder" if path.exists() else "there is no such folder")
        return cls(open_verified(path, STORE_JSON, StoreManifest))

    def splits(self, *, in_memory: bool, uses_times: bool) -> Splits:
        """The parts as they were split.

        Args:
            in_memory: whether the training rows are read now; else they are read from disk as they are used.
            uses_times: whether to give times, which the store has then.
        """
        users, items = self._vocabulary(USERS, "user"), self._vocabulary(ITEMS, "item")
        names = [*ROWS, *(TIMES if uses_times else {})]
        columns: list[Any] = [self._whole(name) if in_memory else self._column(name) for name in names]
        user_idx, item_idx, rating, *times = columns
        train = Interactions(user_idx, item_idx, rating, times[0] if times else None, users, items)
        arrays = self._arrays(HELD_OUT, held_out_layout(self.manifest.id_types), n_users=len(users), n_items=len(items))
        with self._consistent(HELD_OUT):
            unknown = unknown_pairs(arrays)
        valid, test = held_out_part(arrays, "valid", users, items), held_out_part(arrays, "test", users, items)
        return Splits(train, valid, test, unknown, part_of_unknown(arrays))

    def prepared(self, *, with_blocks: bool) -> Prepared:
        """The training rows in their other orders."""
        item, rating = (self._column(name) for name in SEEN)
        return Prepared(item, rating, self._blocks() if with_blocks else None)  # type: ignore[arg-type]

    def _blocks(self) -> StoredBlocks:
        user_idx, item_idx, rating = (self._column(name) for name in BLOCKS)
        return StoredBlocks(user_idx, item_idx, rating, self._index["block_start"], *self._coding)

    def _column(self, name: str) -> StoredColumn:
        manifest, file = self.manifest, file_of(name)
        start = self._index["block_start"] if name in BLOCKS else part_starts(manifest.n_interactions)
        self.folder.entry(file)
        place, shown = self.folder.place / file, self.folder.path / file
        return stored_column(place, shown, self._kinds[name], start, self._index[f"{name}_crc32"], self._bounds[name])

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        """Of the numbers in a column, by its name."""
        blocks = {} if self.manifest.order is None else dict(zip(BLOCKS, block_kinds(*self._coding), strict=True))
        return {**ROWS, **TIMES, **SEEN, **blocks}

    @cached_property
    def _bounds(self) -> dict[str, Bounds]:
        """Of the numbers in a column, by its name."""
        users, items = (0, self.manifest.n_users - 1), (0, self.manifest.n_items - 1)
        bounds: dict[str, Bounds] = {
            "row_user": users,
            **dict.fromkeys(("row_item", "seen_item"), items),
            **dict.fromkeys(("row_rating", "seen_rating", "row_time"), (-LARGEST, LARGEST)),
        }
        return bounds if self.manifest.order is None else {**bounds, **self._block_bounds()}

    def _block_bounds(self) -> dict[str, Bounds]:
        """No offset leaves its range, and no code the levels."""
        user_first, item_first, levels = self._coding
        n_side, is_coded = len(user_first) - 1, self._kinds["block_rating"] == "uint8"
        return {
            "block_user": (0, np.repeat(np.diff(user_first) - 1, n_side)),
            "block_item": (0, np.tile(np.diff(item_first) - 1, n_side)),
            "block_rating": (0, len(levels) - 1) if is_coded else (-LARGEST, LARGEST),
        }

    @property
    def _coding(self) -> tuple[Array, Array, Array]:
        return self._index["user_first"], self._index["item_first"], self._index["level"]

    def _whole(self, name: str) -> Array:
        return np.asarray(self._column(name))

    @cached_property
    def _index(self) -> Arrays:
        manifest = self.manifest
        sizes = {name: getattr(manifest, name) for name in ("n_interactions", "n_users", "n_items")}
        return self._arrays(INDEX, index_layout(manifest), **sizes)

    def _vocabulary(self, file: str, role: Literal["user", "item"]) -> Vocabulary:
        layout = ids_layout(getattr(self.manifest.id_types, role), f"n_{role}s")
        arrays = self._arrays(file, layout, n_users=self.manifest.n_users, n_items=self.manifest.n_items)
        with self._consistent(file):
            return unpack_ids(arrays)

    def _arrays(self, file: str, layout: Layout, **sizes: int) -> Arrays:
        arrays = self.folder.arrays(file)
        check_layout(self.folder.path / file, arrays, layout, **sizes)
        return arrays

    @contextmanager
    def _consistent(self, file: str) -> Iterator[None]:
        with consistent(self.folder.path / file):
            yield


def index_layout(manifest: StoreManifest) -> Layout:
    """What the arrays of the index are."""
    n_parts = len(part_starts(manifest.n_interactions)) - 1
    layout: dict[str, ArraySpec] = {}
    for name in manifest.columns:
        n = n_parts if manifest.order is None or name not in BLOCKS else manifest.order.n_side**2
        layout[f"{name}_crc32"] = ArraySpec("int64", (n,), 0, 2**32 - 1)
    if manifest.order is None:
        return layout
    n_side = manifest.order.n_side
    return {
        **layout,
        "user_first": ArraySpec("int64", (n_side + 1,), starts="n_users"),
        "item_first": ArraySpec("int64", (n_side + 1,), starts="n_items"),
        "level": ArraySpec("float32", ("n_levels",)),
        "block_start": ArraySpec("int64", (n_side**2 + 1,), starts="n_interactions"),
    }


def file_of(name: str) -> str:
    """The file of a column."""
    return f"{name}s.safetensors"


def no_store(path: Path, what: str) -> RunError:
    """The error for a path where no store is."""
    return RunError(
        what,
        where=str(path),
        expected=f"a folder that recsys prepare wrote, with its {STORE_JSON}",
        hint="recsys prepare RATINGS --output STORE writes one",
    )
