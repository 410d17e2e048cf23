"""The serving folder: all that predict, recommend and explain read. Copy it anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from recsys.config.config import Config
from recsys.config.data import Data
from recsys.data.chunks import chunks
from recsys.data.ratings import Ratings
from recsys.data.split import Parts
from recsys.data.vocabulary import Vocabulary
from recsys.errors import RunError
from recsys.records import Arrays
from recsys.runs.arrays import memory_map
from recsys.runs.directory import SERVING, SERVING_JSON, finished_runs, runs_root
from recsys.runs.sealed import Sealed, open_sealed, write_sealed
from recsys.scoring.factors import Factors, Link
from recsys.serving.text import pack_ids, pack_texts, unpack_ids, unpack_texts
from recsys.version import __version__

SCORER, USERS, ITEMS = "scorer.safetensors", "users.safetensors", "items.safetensors"
SEEN, HELD_OUT = "seen.safetensors", "held_out.safetensors"
HELD_OUT_COLUMNS = ("user_idx", "item_idx", "rating")


@dataclass(frozen=True, eq=False)
class Store:
    """An opened serving folder.

    Attributes:
        user_counts, item_counts: training ratings of each, int64.
        titles: of each item, object (str), "" where there is none.
        data: what the columns of the run's ratings were called; how a later file is written is seen from it.
    """

    sealed: Sealed
    factors: Factors
    users: Vocabulary
    items: Vocabulary
    user_counts: np.ndarray[Any, Any]
    item_counts: np.ndarray[Any, Any]
    titles: np.ndarray[Any, Any]
    data: Data

    def seen(self, user_idx: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The items that a user rated in training, int32 indices, and the ratings, float32."""
        start, end = self._seen_offsets[user_idx : user_idx + 2].tolist()
        item_idx, rating = self._seen
        return item_idx[start:end], rating[start:end]

    def seen_of(self, users: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """For consecutive users, as pairs: the position in `users`, and an item that this user rated in training."""
        start, end = self._seen_offsets[users[0]], self._seen_offsets[users[-1] + 1]
        return np.repeat(np.arange(len(users)), self.user_counts[users]), self._seen[0][start:end]

    def training_ratings(self) -> Ratings:
        """All training ratings, by user."""
        user_idx = np.repeat(np.arange(len(self.users), dtype=np.int32), self.user_counts)
        item_idx, rating = self._seen
        return Ratings(user_idx, item_idx, rating, None, self.users, self.items)

    def held_out(self, part: Literal["valid", "test"]) -> Ratings | None:
        """The ratings that the run was measured on, without times; None if it had no such part."""
        arrays = self.sealed.arrays(HELD_OUT)
        if f"{part}_rating" not in arrays:
            return None
        user_idx, item_idx, rating = (arrays[f"{part}_{name}"] for name in HELD_OUT_COLUMNS)
        return Ratings(user_idx, item_idx, rating, None, self.users, self.items)

    @cached_property
    def _seen_offsets(self) -> np.ndarray[Any, Any]:
        return np.concatenate([[0], np.cumsum(self.user_counts)])

    @cached_property
    def _seen(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        self.sealed.check(SEEN)
        path = self.sealed.path / SEEN
        return memory_map(path, "item_idx"), memory_map(path, "rating")


def write_serving(run: Path, factors: Factors, parts: Parts, config: Config) -> None:
    """Writes `run`/serving."""
    train = parts.known
    titles = [parts.titles.get(one, "") for one in train.items.ids.tolist()]
    facts = {
        "kind": config.model.kind,
        "run": run.name,
        "recsys_version": __version__,
        "global_mean": factors.global_mean,
        "link": {"kind": factors.link.kind, "low": factors.link.low, "high": factors.link.high},
        "scale": vars(parts.scale),
        "id_types": {"user": train.users.id_type.__name__, "item": train.items.id_type.__name__},
        "n_users": len(train.users),
        "n_items": len(train.items),
        "n_ratings": len(train),
        "data": config.data.model_dump(mode="json", include={"columns", "encoding"}, exclude_none=True),
    }
    write_sealed(
        run / SERVING,
        SERVING_JSON,
        facts,
        {
            SCORER: _factor_arrays(factors),
            USERS: {**pack_ids(train.users), "n_ratings": train.user_counts},
            ITEMS: {**pack_ids(train.items), **pack_texts("titles", titles), "n_ratings": train.item_counts},
            SEEN: _by_user(train),
            HELD_OUT: _held_out(parts),
        },
    )


def open_store(path: Path | None = None) -> Store:
    """Opens a run, its serving folder, or a copy of that; without a path, the newest finished run.

    Raises:
        RunError: there is none, or it is damaged.
    """
    sealed = open_sealed(locate(path), SERVING_JSON)
    facts = sealed.facts
    users, items, arrays = sealed.arrays(USERS), sealed.arrays(ITEMS), sealed.arrays(SCORER)
    return Store(
        sealed=sealed,
        factors=Factors(
            global_mean=facts["global_mean"],
            user_bias=arrays["user_bias"],
            item_bias=arrays["item_bias"],
            user_factors=arrays["user_factors"],
            item_factors=arrays["item_factors"],
            link=Link(**facts["link"]),
        ),
        users=unpack_ids(users),
        items=unpack_ids(items),
        user_counts=users["n_ratings"],
        item_counts=items["n_ratings"],
        titles=unpack_texts("titles", items),
        data=Data.model_construct(**_reading(facts["data"])),
    )


def locate(path: Path | None) -> Path:
    """The serving folder that is meant."""
    if path is None:
        finished = finished_runs()
        if not finished:
            raise RunError(
                "there is no finished run",
                where=str(runs_root()),
                expected="a run under this folder, or one named by --run",
                hint="train one: recsys train --config configs/movielens-small.yaml",
            )
        path = finished[-1]
    for folder in (path / SERVING, path):
        if (folder / SERVING_JSON).exists():
            return folder
    if not path.exists():
        what, hint = "there is no such run", "recsys runs lists those under the current folder"
    else:
        what, hint = "this is not a finished run", f"go on with it: recsys train --resume --run-dir {path}"
    raise RunError(what, where=str(path), expected="a run folder, or its serving folder", hint=hint)


def _factor_arrays(factors: Factors) -> Arrays:
    return {
        "user_bias": factors.user_bias,
        "item_bias": factors.item_bias,
        "user_factors": factors.user_factors,
        "item_factors": factors.item_factors,
    }


def _by_user(train: Ratings) -> Arrays:
    """The training ratings, by user and then as they stood in the file."""
    # Sorting user and row as one number is several times as fast as a stable argsort.
    keys = np.empty(len(train), dtype=np.int64)
    for rows in chunks(len(train)):
        np.left_shift(train.user_idx[rows], 32, out=keys[rows], dtype=np.int64)
        keys[rows] |= np.arange(rows.start, rows.stop)
    keys.sort()
    keys &= 0xFFFF_FFFF
    return {"item_idx": train.item_idx[keys], "rating": train.rating[keys]}


def _held_out(parts: Parts) -> Arrays:
    return {
        f"{part}_{name}": getattr(ratings, name)
        for part, ratings in (("valid", parts.valid), ("test", parts.test))
        if ratings is not None
        for name in HELD_OUT_COLUMNS
    }


def _reading(facts: dict[str, Any]) -> dict[str, Any]:
    from recsys.config.data import Columns

    return {**facts, "columns": Columns(**facts["columns"])}
