"""Looks at the features files of a ratings file that has been profiled."""

from __future__ import annotations

from contextlib import suppress

from recsys.config.schema.data import Data
from recsys.core.errors import RecsysError
from recsys.core.events import silent
from recsys.data.features.kind import Role
from recsys.data.features.profile import FeatureProfile
from recsys.data.features.read import named, read_features_file
from recsys.data.file_profile import FileProfile


def feature_profiles(profile: FileProfile, data: Data) -> tuple[FeatureProfile, ...]:
    """The features that are named, or else the columns of the items file where any of them can be used.

    Args:
        profile: with the items file, where there is one.
        data: how the ratings were read.

    Raises:
        DataError: a file that is named cannot be used.
    """
    profiles = []
    if data.item_features is not None:
        profiles.append(_profile(profile, data, "item"))
    elif profile.items is not None:
        items = {"items": profile.items.path, "item_features": "items"}
        encoding = {"items_encoding": profile.items.encoding} if profile.items.encoding else {}
        with suppress(RecsysError):
            profiles.append(_profile(profile, data.model_copy(update={**items, **encoding}), "item"))
    if data.user_features is not None:
        profiles.append(_profile(profile, data, "user"))
    return tuple(profiles)


def _profile(profile: FileProfile, data: Data, role: Role) -> FeatureProfile:
    known = profile.item_ids if role == "item" else profile.user_ids
    origin, _ = named(data, role)
    assert origin is not None
    return FeatureProfile.of(read_features_file(data, role, known, silent), role, origin, len(known))
