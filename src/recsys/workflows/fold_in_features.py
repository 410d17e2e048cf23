"""Features of new users and items for a run that has such features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.feature_priors import read_priors
from recsys.artifacts.metrics import FoldedFeatures
from recsys.config.schema.data import Data
from recsys.core.errors import RunError
from recsys.core.events import Observer
from recsys.core.types import Ids
from recsys.data.catalogue import ItemCatalogue, id_of
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.features.read import encode_table, features_request, merged, table_fingerprint
from recsys.data.features.table import FeatureTable
from recsys.data.id_types import wrong_id_type
from recsys.data.sources.column_names import TITLES, plain
from recsys.data.sources.opening import read_catalogue, read_feature_table
from recsys.data.sources.origin import Frame, name_of
from recsys.data.vocabulary import UNKNOWN, Vocabulary

ROLES: tuple[Role, ...] = ("user", "item")


@dataclass(frozen=True, eq=False)
class NewFeatures:
    """What the run knows of users and items, with what files say of new ones.

    Attributes:
        features: by role, of the run and of the files.
        sources: by role, the files.
        new_ids: by role, the ids of the files that the run did not know, neither by ratings nor by features.
        catalogue: titles and other columns of items, where the file has them.
    """

    features: Mapping[Role, Features]
    sources: Mapping[Role, FoldedFeatures]
    new_ids: Mapping[Role, Ids]
    catalogue: ItemCatalogue


def read_new_features(bundle: Bundle, data: Data, files: Mapping[Role, Path | Frame], observe: Observer) -> NewFeatures:
    """Reads the files, which are encoded by the rules of the run.

    Args:
        data: of the run's config.
    Raises:
        RunError: the run has no features of this role, or too few to learn from.
        DataError: a file cannot be read, has no ids, one twice, or one of another type than the run's.
    """
    features, catalogue = {role: of for role in ROLES if (of := bundle.features(role)) is not None}, ItemCatalogue()
    sources: dict[Role, FoldedFeatures] = {}
    new_ids, priors = dict[Role, Ids](), read_priors(bundle)
    for role, file in files.items():
        if role not in features or not any(role in learned for learned in priors.values()):
            raise _without_features(bundle, role)
        before, known = features[role], bundle.items if role == "item" else bundle.users
        table = read_feature_table(file, data, features_request(data, role, before.encoder), observe)
        _refuse_impossible_ids(table, known, role)
        new = encode_table(table, before.encoder, known)
        is_new = (known.index(new.ids.ids) == UNKNOWN) & (before.ids.index(new.ids.ids) == UNKNOWN)
        new_ids[role], features[role] = new.ids.ids[is_new], merged(before, new)
        path = str(name_of(file).absolute()) if isinstance(file, Path) else str(name_of(file))
        sources[role] = {"path": path, "sha256": table_fingerprint(file, table)}
        titles = {plain(title) for title in (*TITLES, str(data.item_columns.title))}
        if role == "item" and isinstance(file, Path) and titles & {plain(name) for name in table.columns}:
            catalogue = read_catalogue(file, data, before.encoder.id_name, Vocabulary(new_ids[role]), observe)
    return NewFeatures(features, sources, new_ids, catalogue)


def n_from_features(new: NewFeatures, role: Role, rated: Vocabulary) -> int:
    """How many of the new ones of a role have features and no ratings.

    Args:
        rated: those that have ratings.
    """
    if role not in new.new_ids:
        return 0
    own, ids = new.features[role], new.new_ids[role]
    has_any = own.matrix_of(Vocabulary(ids)).has_any
    return int(np.count_nonzero(has_any & (rated.index(ids) == UNKNOWN)))


def _refuse_impossible_ids(table: FeatureTable, known: Vocabulary, role: Role) -> None:
    """Raises DataError for the first id that is no whole number where those of the run are: it cannot be added."""
    for row, text in enumerate(table.ids.tolist()):
        if id_of(text, known) is None:
            hint = f"give new {role}s whole numbers as ids, or train a run whose {role} ids are texts"
            raise wrong_id_type(text, known, role, table.place(row), hint)


def _without_features(bundle: Bundle, role: Role) -> RunError:
    return RunError(
        f"the run has learned nothing of features of {role}s",
        where=str(bundle.run_folder),
        expected=f"a run that was trained with data.{role}_features, of two {role}s with ratings or more",
        hint=f"train one: recsys init finds columns of features; or fold in {role}s with ratings: --ratings FILE",
    )
