"""Writes the serving folder of a run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from recsys.artifacts.bundle import (
    COUNTS,
    INTERVALS,
    ITEMS,
    SEEN,
    USERS,
)
from recsys.artifacts.directory import MEASURED, SERVING, SERVING_JSON
from recsys.artifacts.entity_counts import EntityCounts
from recsys.artifacts.entries import READING, DataEntry, IdType, IdTypes, LinkEntry, ScorerEntry
from recsys.artifacts.feature_priors import FEATURE_PRIORS, new_item_arrays
from recsys.artifacts.features import feature_arrays, features_entry, features_file
from recsys.artifacts.held_out import HELD_OUT, held_out_arrays
from recsys.artifacts.intervals import interval_arrays, intervals_entry
from recsys.artifacts.item_columns import ITEM_COLUMNS
from recsys.artifacts.manifest import FORMAT, BundleManifest, seal
from recsys.artifacts.texts import pack_ids, pack_texts
from recsys.artifacts.verified import open_verified, write_verified
from recsys.config.schema.config import Config
from recsys.core.files import writing
from recsys.core.types import Arrays
from recsys.data.catalogue import ItemCatalogue, text_by_index
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.intervals import Intervals
from recsys.scoring.codec import StoredScorer, encode
from recsys.scoring.feature_prior.codec import prior_arrays
from recsys.scoring.feature_prior.prior import Priors
from recsys.scoring.protocols import TrainedScorer
from recsys.version import __version__


@dataclass(frozen=True, eq=False)
class ServedScorer:
    """A scorer as a run serves it.

    Attributes:
        model: kind of the model that was trained.
        intervals: of its predictions, where there are any.
        counts: how many ratings it has learned of each user and item; None: all that the run is trained on.
        priors: what features say of its rows.
    """

    model: str
    scorer: TrainedScorer
    intervals: Intervals | None = None
    counts: EntityCounts | None = None
    priors: Priors = field(default_factory=dict)


def write_bundle(
    run: Path,
    scorers: Mapping[str, ServedScorer],
    inputs: TrainingInputs,
    config: Config,
    *,
    folder: str = SERVING,
    trained_on: Literal["train", "all"] = "train",
) -> None:
    """Writes `run`/serving, or another folder of its kind.

    Args:
        scorers: by the name of what each was trained for, at least one.
        trained_on: what the scorers have learned from.
    """
    stored = {name: encode(served.scorer) for name, served in scorers.items()}
    intervals = next((served.intervals for served in scorers.values() if served.intervals is not None), None)
    entries = {name: _scorer_entry(name, scorers[name].model, scorer) for name, scorer in stored.items()}
    counts = _counts(scorers, inputs, config)
    n_ratings = int(counts["rating"].users.sum())
    manifest = _manifest(run.name, entries, inputs, config, intervals, n_ratings=n_ratings, trained_on=trained_on)
    seen, catalogue = inputs.seen, inputs.catalogue
    ratings = [scorer.as_rating() for scorer in (served.scorer for served in scorers.values())]
    with_times = any(scorer is not None and scorer.drift is not None for scorer in ratings)
    titles = text_by_index(catalogue.titles, seen.items)
    arrays = {entries[name].file: scorer.arrays for name, scorer in stored.items()}
    arrays |= {
        USERS: {**pack_ids(seen.users), **{COUNTS[name]: each.users for name, each in counts.items()}},
        ITEMS: {
            **pack_ids(seen.items),
            **pack_texts("titles", titles),
            **{COUNTS[name]: each.items for name, each in counts.items()},
        },
        SEEN: dict(zip(("item_idx", "rating"), inputs.seen_by_user, strict=True)),
        HELD_OUT: held_out_arrays(
            inputs.held_out,
            inputs.splits.unknown,
            inputs.splits.unknown_part if inputs.features else None,
            with_times=with_times,
        ),
        **_item_columns(catalogue, seen.items),
    }
    priors = prior_arrays({name: served.priors for name, served in scorers.items()})
    if priors:
        arrays |= {FEATURE_PRIORS: priors, **new_item_arrays(seen.items, inputs.item_features, catalogue)}
    arrays |= {features_file(role): feature_arrays(features) for role, features in inputs.features.items()}
    if intervals is not None:
        arrays[INTERVALS] = interval_arrays(intervals)
    write_verified(run / folder, SERVING_JSON, manifest, arrays)


def copy_measured(run: Path, folder: Path) -> None:
    """Copies the folder of the models that were measured into another run; where `run` has none, nothing."""
    source, target = run / MEASURED, folder / MEASURED
    if not source.exists():
        return
    measured = open_verified(source, SERVING_JSON, BundleManifest)
    with writing(target):
        target.mkdir()
        for name in measured.files:
            measured.check(name)
            shutil.copyfile(source / name, target / name)
        (target / SERVING_JSON).write_bytes(seal(measured.manifest.model_copy(update={"run": folder.name})))


def _counts(scorers: Mapping[str, ServedScorer], inputs: TrainingInputs, config: Config) -> dict[str, EntityCounts]:
    """How many ratings were learned, and how many interactions there are, of each user and each item."""
    seen, rating = inputs.seen, scorers.get("rating")
    rated = inputs.seen_ratings if config.data.has_ratings else seen.take(slice(0, 0))
    given = None if rating is None else rating.counts
    return {
        "rating": given or EntityCounts(rated.user_counts, rated.item_counts),
        "ranking": EntityCounts(seen.user_counts, seen.item_counts),
    }


def _manifest(
    run: str,
    entries: Mapping[str, ScorerEntry],
    inputs: TrainingInputs,
    config: Config,
    intervals: Intervals | None,
    *,
    n_ratings: int,
    trained_on: Literal["train", "all"],
) -> BundleManifest:
    seen, first = inputs.seen, next(iter(entries.values()))
    of_roles = {role: features_entry(role, features) for role, features in inputs.features.items()}
    manifest = BundleManifest(
        format=FORMAT,
        kind=first.model,
        run=run,
        recsys_version=__version__,
        global_mean=first.numbers.get("global_mean"),
        link=first.link,
        scorers=dict(entries),
        scale=inputs.scale if config.data.has_ratings else None,
        id_types=IdTypes(user=id_type(seen.users), item=id_type(seen.items)),
        n_users=len(seen.users),
        n_items=len(seen.items),
        n_ratings=n_ratings,
        n_interactions=len(seen),
        data=DataEntry(
            columns=config.data.columns.model_dump(exclude_none=True),
            **{name: getattr(config.data, name) for name in READING},
        ),
        trained_on=trained_on,
        item_columns=tuple(inputs.catalogue.columns),
        intervals=None if intervals is None else intervals_entry(intervals),
    )
    return manifest.model_copy(update={"features": of_roles}) if of_roles else manifest


def _scorer_entry(name: str, model: str, scorer: StoredScorer) -> ScorerEntry:
    return ScorerEntry(
        file="scorer.safetensors" if name == "rating" else f"{name}.safetensors",
        model=model,
        kind=scorer.kind,
        link=None if scorer.link is None else LinkEntry.model_validate(scorer.link.to_dict()),
        numbers=dict(scorer.numbers),
    )


def id_type(vocabulary: Vocabulary) -> IdType:
    """The type of its ids, as manifests say it."""
    return "int" if vocabulary.id_type is int else "str"


def _item_columns(catalogue: ItemCatalogue, items: Vocabulary) -> dict[str, Arrays]:
    """The file of the other columns by their number, since names may be anything; none where there are no columns."""
    packed = [
        pack_texts(str(number), text_by_index(texts, items)) for number, texts in enumerate(catalogue.columns.values())
    ]
    return {ITEM_COLUMNS: {name: array for texts in packed for name, array in texts.items()}} if packed else {}
