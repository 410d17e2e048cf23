"""The serving folder: all that predict, recommend and explain read. Copy it anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from recsys.artifacts.arrays import memory_map
from recsys.artifacts.directory import SERVING, SERVING_JSON, default_run
from recsys.artifacts.intervals import Intervals, check_level, rate_and_centre, read_intervals, std_of_ratings
from recsys.artifacts.texts import pack_ids, pack_texts, unpack_ids, unpack_texts
from recsys.artifacts.verified import VerifiedFolder, open_verified, write_verified
from recsys.config.schema.data import Data
from recsys.core.errors import RunError
from recsys.core.types import Array, Arrays, Float32Array, Indices, Times
from recsys.data.catalogue import ItemCatalogue, text_by_index
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.scoring.codec import scorer_arrays, scorer_from
from recsys.scoring.drift import Drift
from recsys.scoring.factors import Factors
from recsys.scoring.protocols import Trained
from recsys.version import __version__

if TYPE_CHECKING:  # a reader of bundles needs neither
    from recsys.config.schema.config import Config
    from recsys.data.training_inputs import TrainingInputs

SCORER, USERS, ITEMS = "scorer.safetensors", "users.safetensors", "items.safetensors"
SEEN, HELD_OUT = "seen.safetensors", "held_out.safetensors"
ITEM_COLUMNS, INTERVALS = "item_columns.safetensors", "intervals.safetensors"
HeldOut = Literal["valid", "test", "earlier"]
HELD_OUT_COLUMNS = ("user_idx", "item_idx", "rating")
TIME = "timestamp"  # kept beside them where the predictions depend on it


@dataclass(frozen=True, eq=False)
class Bundle:
    """An opened serving folder.

    Attributes:
        user_counts, item_counts: training ratings of each, int64.
        titles: of each item, object (str), "" where there is none.
        data: what the columns of the run's ratings were called; how a later file is written is seen from it.
    """

    verified: VerifiedFolder
    scorer: Trained
    users: Vocabulary
    items: Vocabulary
    user_counts: Array
    item_counts: Array
    titles: Array
    data: Data

    @property
    def factors(self) -> Factors:
        """The scorer of a dot product, for what only its factors can answer.

        Raises:
            RunError: the run's model is a network.
        """
        if isinstance(self.scorer, Factors):
            return self.scorer
        raise RunError(
            "this needs a dot product, and the run's model is an embedding_net",
            where=str(self.verified.path),
            expected="a run whose score is a mean, two biases and the product of two rows of factors",
            hint="train one with model.kind: dot_product",
        )

    @property
    def drift(self) -> Drift | None:
        """How users' biases move, where the model has that."""
        return self.scorer.drift if isinstance(self.scorer, Factors) else None

    def check_drift(self) -> None:
        """Refuses a time where predictions do not depend on it.

        Raises:
            RunError: they do not.
        """
        if self.drift is None:
            raise RunError(
                "the run's predictions do not depend on time",
                where=str(self.verified.path),
                expected="a run that was trained by gibbs with model.user_drift: true",
                hint="leave the time out",
            )

    def title_at(self, item_idx: int) -> str | None:
        """The title of an item, if it has one; index −1 is an unknown item."""
        return None if item_idx == UNKNOWN else str(self.titles[item_idx]) or None

    def seen(self, user_idx: int) -> tuple[Array, Array]:
        """The items that a user rated in training, int32 indices, and the ratings, float32."""
        start, end = self._seen_offsets[user_idx : user_idx + 2].tolist()
        item_idx, rating = self._seen
        return item_idx[start:end], rating[start:end]

    def seen_of(self, users: Array) -> tuple[Array, Array]:
        """For consecutive users, as pairs: the position in `users`, and an item that this user rated in training."""
        start, end = self._seen_offsets[users[0]], self._seen_offsets[users[-1] + 1]
        return np.repeat(np.arange(len(users)), self.user_counts[users]), self._seen[0][start:end]

    def training_ratings(self) -> Interactions:
        """All training ratings, by user."""
        user_idx = np.repeat(np.arange(len(self.users), dtype=np.int32), self.user_counts)
        item_idx, rating = self._seen
        return Interactions(user_idx, item_idx, rating, None, self.users, self.items)

    def some_training_ratings(self, n: int) -> Interactions:
        """About n of the training ratings, evenly spaced by user, or all of them if there are fewer."""
        item_idx, rating = self._seen
        rows = np.arange(0, len(rating), max(1, len(rating) // n))
        user_idx = (np.searchsorted(self._seen_offsets, rows, side="right") - 1).astype(np.int32)
        return Interactions(user_idx, item_idx[rows], rating[rows], None, self.users, self.items)

    def held_out(self, part: HeldOut) -> Interactions | None:
        """The ratings that the run was measured on; None if it had no such part.

        They have times where the predictions depend on them.

        earlier: those that the runs which it starts from were measured on.
        """
        arrays = self.verified.arrays(HELD_OUT)
        if f"{part}_rating" not in arrays:
            return None
        user_idx, item_idx, rating = (arrays[f"{part}_{name}"] for name in HELD_OUT_COLUMNS)
        return Interactions(user_idx, item_idx, rating, arrays.get(f"{part}_{TIME}"), self.users, self.items)

    @cached_property
    def item_columns(self) -> dict[str, Array]:
        """The other columns of the items file: name → the text of each item, object (str), "" where there is none."""
        names: list[str] = self.verified.facts.get("item_columns", [])
        arrays = self.verified.arrays(ITEM_COLUMNS) if names else {}
        return {name: unpack_texts(str(number), arrays) for number, name in enumerate(names)}

    @cached_property
    def intervals(self) -> Intervals | None:
        """What the run knows of how far ratings lie from its predictions; None if it has learned nothing of that."""
        facts = self.verified.facts.get("intervals")
        if facts is None:
            return None
        self.verified.check(INTERVALS)
        return read_intervals(self.verified.path / INTERVALS, facts, self.user_counts, self.item_counts, self.drift)

    def check_interval(self, level: float) -> Intervals:
        """Refuses a level at which the run can give no intervals; returns what gives them at others.

        Raises:
            UsageError: `level` is not between 0 and 1.
            RunError: the run can give no intervals, or none of that level.
        """
        check_level(level)
        if self.intervals is None:
            raise RunError(
                "the run has no intervals",
                where=str(self.verified.path),
                expected="a run that was trained with a valid part, or by gibbs, and that has taken in nobody since",
                hint="train one with split.valid_fraction: 0.1",
            )
        self.intervals.check(level)
        return self.intervals

    def rate_between(
        self, user_idx: Indices, item_idx: Indices, level: float, timestamp: Times | None = None
    ) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
        """Predicted ratings of pairs, their std, and the ends of the intervals that hold ratings at `level`.

        All in rating units, float32, shape (n,); index −1 is an unknown id; times are in seconds.

        Raises:
            UsageError, RunError: see `check_interval`.
        """
        intervals = self.check_interval(level)
        link = self.scorer.link
        rating, centre = rate_and_centre(self.scorer, user_idx, item_idx, timestamp)
        std = intervals.std(user_idx, item_idx, timestamp)
        low, high = intervals.ends(centre, std, level, link)
        # Of a pile, an interval may hold nothing but the end of the scale, which no mean rating reaches.
        return rating, std_of_ratings(centre, std, link), np.minimum(low, rating), np.maximum(high, rating)

    @cached_property
    def _seen_offsets(self) -> Array:
        return np.concatenate([[0], np.cumsum(self.user_counts)])

    @cached_property
    def _seen(self) -> tuple[Array, Array]:
        self.verified.check(SEEN)
        path = self.verified.path / SEEN
        return memory_map(path, "item_idx"), memory_map(path, "rating")


def write_bundle(
    run: Path, scorer: Trained, inputs: TrainingInputs, config: Config, intervals: Intervals | None = None
) -> None:
    """Writes `run`/serving."""
    train, catalogue = inputs.seen_ratings, inputs.catalogue
    titles = text_by_index(catalogue.titles, train.items)
    facts = {
        "kind": config.model.kind,
        "run": run.name,
        "recsys_version": __version__,
        **({"global_mean": scorer.global_mean} if isinstance(scorer, Factors) else {}),
        "link": scorer.link.to_dict(),
        "scale": vars(inputs.scale),
        "id_types": {"user": train.users.id_type.__name__, "item": train.items.id_type.__name__},
        "n_users": len(train.users),
        "n_items": len(train.items),
        "n_ratings": len(train),
        "data": config.data.model_dump(mode="json", include={"columns", "encoding"}, exclude_none=True),
        "item_columns": list(catalogue.columns),
        "intervals": None if intervals is None else intervals.facts,
    }
    write_verified(
        run / SERVING,
        SERVING_JSON,
        facts,
        {
            SCORER: scorer_arrays(scorer),
            USERS: {**pack_ids(train.users), "n_ratings": train.user_counts},
            ITEMS: {**pack_ids(train.items), **pack_texts("titles", titles), "n_ratings": train.item_counts},
            SEEN: _seen_arrays(train),
            HELD_OUT: _held_out(inputs, with_times=isinstance(scorer, Factors) and scorer.drift is not None),
            **_item_columns(catalogue, train.items),
            **({} if intervals is None else {INTERVALS: intervals.arrays()}),
        },
    )


def open_bundle(path: Path | None = None) -> Bundle:
    """Opens a run, its serving folder, or a copy of that; without a path, the run that is served by default.

    Raises:
        RunError: there is none, or it is damaged.
    """
    verified = open_verified(locate(path), SERVING_JSON)
    facts = verified.facts
    users, items, arrays = verified.arrays(USERS), verified.arrays(ITEMS), verified.arrays(SCORER)
    return Bundle(
        verified=verified,
        scorer=scorer_from(arrays, facts),
        users=unpack_ids(users),
        items=unpack_ids(items),
        user_counts=users["n_ratings"],
        item_counts=items["n_ratings"],
        titles=unpack_texts("titles", items),
        data=Data.model_construct(**_reading(facts["data"])),
    )


def locate(path: Path | None) -> Path:
    """The serving folder that is meant."""
    path = default_run() if path is None else path
    for folder in (path / SERVING, path):
        if (folder / SERVING_JSON).exists():
            return folder
    if not path.exists():
        what, hint = "there is no such run", "recsys runs lists those under the current folder"
    else:
        what, hint = "this is not a finished run", f"go on with it: recsys train --resume --run-dir {path}"
    raise RunError(what, where=str(path), expected="a run folder, or its serving folder", hint=hint)


def _seen_arrays(train: Interactions) -> Arrays:
    """The training ratings, by user and then as they stood in the file."""
    seen = train.by_user()
    return {"item_idx": seen.other_idx, "rating": train.rating[seen.row]}


def _held_out(inputs: TrainingInputs, *, with_times: bool) -> Arrays:
    splits = inputs.splits
    return {
        f"{part}_{name}": getattr(ratings, name)
        for part, ratings in (("valid", splits.valid), ("test", splits.test), ("earlier", inputs.prior_test))
        if ratings is not None
        for name in (*HELD_OUT_COLUMNS, *((TIME,) if with_times and ratings.timestamp is not None else ()))
    }


def _item_columns(catalogue: ItemCatalogue, items: Vocabulary) -> dict[str, Arrays]:
    """The file of the other columns by their number, since names may be anything; none where there are no columns."""
    packed = [
        pack_texts(str(number), text_by_index(texts, items)) for number, texts in enumerate(catalogue.columns.values())
    ]
    return {ITEM_COLUMNS: {name: array for one in packed for name, array in one.items()}} if packed else {}


def _reading(facts: dict[str, Any]) -> dict[str, Any]:
    from recsys.config.schema.data import Columns

    return {**facts, "columns": Columns(**facts["columns"])}
