"""What is kept beside features: what they say of the scorers' rows, and texts of items without ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from recsys.artifacts.texts import pack_texts, texts_layout, unpack_texts
from recsys.artifacts.verified import check_layout, consistent
from recsys.core.types import Arrays, Texts
from recsys.data.catalogue import ItemCatalogue, text_by_index
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.feature_prior.codec import ROLES, priors_from, priors_layout
from recsys.scoring.feature_prior.extension import ExtendedSide
from recsys.scoring.feature_prior.prior import Priors

if TYPE_CHECKING:
    from recsys.artifacts.bundle import Bundle

FEATURE_PRIORS, NEW_ITEMS = "feature_priors.safetensors", "new_items.safetensors"
TITLES = "titles"


def read_priors(bundle: Bundle) -> dict[str, Priors]:
    """By scorer, what features say of its rows; of each scorer nothing where the run has no features.

    Raises:
        RunError: the file is damaged.
    """
    if FEATURE_PRIORS not in bundle.folder.files:
        return {name: {} for name in bundle.scorers}
    arrays, path = bundle.folder.arrays(FEATURE_PRIORS), bundle.path / FEATURE_PRIORS
    features = {role: bundle.features(role) for role in ROLES}
    sizes = {f"n_{role}_features": 0 if of is None else of.encoder.n_columns for role, of in features.items()}
    check_layout(path, arrays, priors_layout(bundle.scorers), **sizes)
    with consistent(path):
        priors = priors_from(arrays, bundle.scorers)
        for name, of_roles in priors.items():
            for role, prior in of_roles.items():
                _check_width(bundle, name, role, prior.intercept.shape[0])
    return priors


def _check_width(bundle: Bundle, name: str, role: Role, width: int) -> None:
    """Raises ValueError where a prior is not of such rows as the scorer has, or of features that are not there."""
    if bundle.features(role) is None or bundle.scorers[name].row_width(role) != width:
        raise ValueError(f"the array '{name}.{role}.intercept' is of no rows that the scorer has")


def new_item_arrays(items: Vocabulary, features: Features | None, catalogue: ItemCatalogue) -> dict[str, Arrays]:
    """The file with titles and columns of items of which only the features are known; none where there are none."""
    new = Vocabulary(ExtendedSide(items, features).ids.ids[len(items) :])
    if not len(new):
        return {}
    arrays = pack_texts(TITLES, text_by_index(catalogue.titles, new))
    for number, texts in enumerate(catalogue.columns.values()):
        arrays |= pack_texts(str(number), text_by_index(texts, new))
    return {NEW_ITEMS: arrays}


def new_item_texts(bundle: Bundle, n: int) -> Mapping[str, Texts]:
    """Under "titles" the titles, and by their number further columns, of n items of which only the features are known.

    Raises:
        RunError: the file is damaged.
    """
    names = [TITLES, *(str(number) for number in range(len(bundle.manifest.item_columns)))]
    if NEW_ITEMS not in bundle.folder.files:
        return {name: np.full(n, "", dtype=object) for name in names}
    arrays, path = bundle.folder.arrays(NEW_ITEMS), bundle.path / NEW_ITEMS
    check_layout(path, arrays, {key: spec for name in names for key, spec in texts_layout(name, "n").items()}, n=n)
    with consistent(path):
        return {name: unpack_texts(name, arrays) for name in names}
