"""The features of items and users that a run learns with: those that its config names, and those of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recsys.artifacts.bundle import Bundle
from recsys.config.schema.config import Config
from recsys.core.events import Observer
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.features.read import merged, named, note_features, read_features_file
from recsys.data.sources.origin import Frame
from recsys.data.training_inputs import TrainingInputs

ROLES: tuple[Role, ...] = ("item", "user")


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
    return replace(inputs, fingerprints=fingerprints, item_features=features["item"], user_features=features["user"])
