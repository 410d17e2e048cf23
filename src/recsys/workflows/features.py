"""The features of items and users that a run learns with: those that its config names, and those of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recsys.artifacts.bundle import Bundle
from recsys.config.schema.config import Config
from recsys.core.events import Observer, silent
from recsys.data.catalogue import ItemCatalogue
from recsys.data.features.features import Features
from recsys.data.features.kind import ROLES, Role
from recsys.data.features.read import merged, named, note_features, read_features_file
from recsys.data.sources.opening import read_catalogue
from recsys.data.sources.origin import Frame
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import UNKNOWN, Vocabulary


def with_features(
    inputs: TrainingInputs,
    config: Config,
    frames: Mapping[Role, Frame],
    observe: Observer,
    earlier: Bundle | None = None,
) -> TrainingInputs:
    """The inputs with the features that the config names.

    Args:
        frames: tables in memory, in place of files.
        earlier: the run that this one starts from: files are encoded by its rules, and add to what it knows. Where the
            config names no file, or a table that is not here, its features are taken over.

    Raises:
        DataError: a file cannot be used.
    """
    seen, fingerprints = inputs.splits.train, dict(inputs.fingerprints)
    features: dict[Role, Features | None] = {}
    for role in ROLES:
        known = seen.items if role == "item" else seen.users
        before = None if earlier is None else earlier.features(role)
        features[role] = before
        origin, _ = named(config.data, role)
        if frames.get(role) is None and (origin is None or (origin == "frame" and before is not None)):
            continue
        encoder = None if before is None else before.encoder
        file = read_features_file(config.data, role, known, observe, frames.get(role), encoder)
        note_features(file, role, len(known), observe)
        fingerprints[f"{role}_features"] = file.fingerprint
        features[role] = file.features if before is None else merged(before, file.features)
    catalogue = inputs.catalogue if features["item"] is None else _with_new_items(inputs, config, features["item"])
    return replace(
        inputs,
        catalogue=catalogue,
        fingerprints=fingerprints,
        item_features=features["item"],
        user_features=features["user"],
    )


def _with_new_items(inputs: TrainingInputs, config: Config, features: Features) -> ItemCatalogue:
    """The catalogue with what the items file says of items that nobody has rated."""
    path, column, ids = config.data.items, config.data.columns.item, features.ids.ids
    new = Vocabulary(ids[inputs.splits.train.items.index(ids) == UNKNOWN])
    if path is None or not path.exists() or not len(new):
        return inputs.catalogue
    item_name = column if isinstance(column, str) else None
    return read_catalogue(path, config.data, item_name, new, silent).updated(inputs.catalogue)
