"""Writes the serving folder of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recsys.artifacts.bundle import (
    COUNTS,
    HELD_OUT,
    HELD_OUT_COLUMNS,
    INTERVALS,
    ITEM_COLUMNS,
    ITEMS,
    SEEN,
    TIME,
    USERS,
)
from recsys.artifacts.directory import SERVING, SERVING_JSON
from recsys.artifacts.intervals import interval_arrays, intervals_entry
from recsys.artifacts.manifest import FORMAT, BundleManifest, DataEntry, IdType, IdTypes, LinkEntry, ScorerEntry
from recsys.artifacts.texts import pack_ids, pack_texts
from recsys.artifacts.verified import write_verified
from recsys.config.schema.config import Config
from recsys.config.schema.data import Data
from recsys.core.types import Arrays
from recsys.data.catalogue import ItemCatalogue, text_by_index
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.intervals import Intervals
from recsys.scoring.codec import StoredScorer, encode
from recsys.scoring.protocols import TrainedScorer
from recsys.version import __version__


def write_bundle(
    run: Path,
    scorers: Mapping[str, TrainedScorer],
    inputs: TrainingInputs,
    config: Config,
    intervals: Intervals | None = None,
) -> None:
    """Writes `run`/serving.

    Args:
        scorers: by the objective that each was trained for, "rating" among them.
        intervals: of the scorer "rating".
    """
    stored = {name: encode(scorer) for name, scorer in scorers.items()}
    manifest = _manifest(run.name, stored, inputs, config, intervals)
    train, catalogue, rating = inputs.seen_ratings, inputs.catalogue, scorers["rating"]
    titles = text_by_index(catalogue.titles, train.items)
    arrays = {manifest.scorers[name].file: scorer.arrays for name, scorer in stored.items()}
    arrays |= {
        USERS: {**pack_ids(train.users), COUNTS["rating"]: train.user_counts},
        ITEMS: {**pack_ids(train.items), **pack_texts("titles", titles), COUNTS["rating"]: train.item_counts},
        SEEN: _seen_arrays(train),
        HELD_OUT: _held_out_arrays(inputs, with_times=rating.drift is not None),
        **_item_columns(catalogue, train.items),
    }
    if intervals is not None:
        arrays[INTERVALS] = interval_arrays(intervals)
    write_verified(run / SERVING, SERVING_JSON, manifest, arrays)


def _manifest(
    run: str, stored: Mapping[str, StoredScorer], inputs: TrainingInputs, config: Config, intervals: Intervals | None
) -> BundleManifest:
    train = inputs.seen_ratings
    entries = {name: _scorer_entry(name, config.model.kind, scorer) for name, scorer in stored.items()}
    rating = entries["rating"]
    return BundleManifest(
        format=FORMAT,
        kind=rating.model,
        run=run,
        recsys_version=__version__,
        global_mean=rating.numbers.get("global_mean"),
        link=rating.link,
        scorers=entries,
        scale=inputs.scale,
        id_types=IdTypes(user=_id_type(train.users), item=_id_type(train.items)),
        n_users=len(train.users),
        n_items=len(train.items),
        n_ratings=len(train),
        data=_data_entry(config.data),
        item_columns=tuple(inputs.catalogue.columns),
        intervals=None if intervals is None else intervals_entry(intervals),
    )


def _scorer_entry(name: str, model: str, scorer: StoredScorer) -> ScorerEntry:
    return ScorerEntry(
        file="scorer.safetensors" if name == "rating" else f"scorer.{name}.safetensors",
        model=model,
        kind=scorer.kind,
        link=LinkEntry.model_validate(scorer.link.to_dict()),
        numbers=dict(scorer.numbers),
    )


def _data_entry(data: Data) -> DataEntry:
    return DataEntry(
        columns=data.columns.model_dump(exclude_none=True),
        encoding=data.encoding,
        rating_is=data.rating_is,
        no_rating=data.no_rating,
        no_rating_rows=data.no_rating_rows,
    )


def _id_type(vocabulary: Vocabulary) -> IdType:
    return "int" if vocabulary.id_type is int else "str"


def _seen_arrays(train: Interactions) -> Arrays:
    """The training ratings, by user and then as they stood in the file."""
    seen = train.by_user()
    return {"item_idx": seen.other_idx, "rating": train.rating[seen.row]}


def _held_out_arrays(inputs: TrainingInputs, *, with_times: bool) -> Arrays:
    parts = {
        "valid": inputs.splits.valid,
        "test": inputs.splits.test,
        "earlier": inputs.prior_test,
        "earlier_valid": inputs.prior_valid,
    }
    return {
        f"{part}_{name}": getattr(ratings, name)
        for part, ratings in parts.items()
        if ratings is not None
        for name in (*HELD_OUT_COLUMNS, *((TIME,) if with_times and ratings.timestamp is not None else ()))
    }


def _item_columns(catalogue: ItemCatalogue, items: Vocabulary) -> dict[str, Arrays]:
    """The file of the other columns by their number, since names may be anything; none where there are no columns."""
    packed = [
        pack_texts(str(number), text_by_index(texts, items)) for number, texts in enumerate(catalogue.columns.values())
    ]
    return {ITEM_COLUMNS: {name: array for one in packed for name, array in one.items()}} if packed else {}
