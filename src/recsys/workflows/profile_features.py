"""Looks at the features files of a ratings file that has been profiled."""

from __future__ import annotations

from contextlib import nullcontext, suppress

from recsys.config.schema.data import Data
from recsys.core.errors import RecsysError, UsageError
from recsys.core.events import silent
from recsys.data.features.kind import Role
from recsys.data.features.profile import FeatureProfile
from recsys.data.features.read import named, read_features_file
from recsys.data.file_profile import FileProfile
from recsys.data.sources.several import files_of


def feature_profiles(profile: FileProfile, data: Data, *, must_be: bool = False) -> tuple[FeatureProfile, ...]:
    """The features that are named, or else the columns of the items file where any of them can be used.

    Args:
        profile: with the items file, where there is one.
        data: how the ratings were read.
        must_be: whether an items file was asked for as features, so that it has to be there and to have some.

    Raises:
        UsageError: it is not there.
        DataError: a file that is named cannot be used.
    """
    profiles = []
    if data.item_features is not None:
        profiles.append(_profile(profile, data, "item"))
    elif profile.items is not None:
        items = {"items": profile.items.path, "item_features": "items"}
        encoding = {"items_encoding": profile.items.encoding} if profile.items.encoding else {}
        with nullcontext() if must_be else suppress(RecsysError):
            profiles.append(_profile(profile, data.model_copy(update={**items, **encoding}), "item"))
    elif must_be:
        raise UsageError(
            "no items file lies beside the ratings",
            where=None if profile.source != "file" else str(files_of(profile.files)[0].parent),
            expected="one with titles of most items, such as movies.csv, whose columns are features",
            hint="name it with --items FILE",
        )
    if data.user_features is not None:
        profiles.append(_profile(profile, data, "user"))
    return tuple(profiles)


def _profile(profile: FileProfile, data: Data, role: Role) -> FeatureProfile:
    known = profile.item_ids if role == "item" else profile.user_ids
    origin, _ = named(data, role)
    assert origin is not None
    return FeatureProfile.of(read_features_file(data, role, known, silent), role, origin, len(known))
