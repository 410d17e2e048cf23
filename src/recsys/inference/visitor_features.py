"""What is known of a visitor beside their ratings, encoded as the features of the run's users are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.feature_priors import read_priors
from recsys.core.checked import RefusedError, Rule, plain, shown
from recsys.core.errors import RunError, UsageError, nearest
from recsys.core.words import joined
from recsys.data.features.encoder import FeatureEncoder
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.features.table import FeatureColumn, FeatureTable, Value
from recsys.inference.fold_in import Prior, with_features
from recsys.inference.ranked import By
from recsys.scoring.feature_prior.prior import FeaturePrior

VisitorFeatures: TypeAlias = Mapping[str, str | float | list[str] | None]
"""Name of a column of the features file of users → what stands there."""


def _features(value: object) -> VisitorFeatures:
    if not isinstance(value, Mapping) or not value:
        raise RefusedError(value)
    return {_name(name): _field(field) for name, field in value.items()}


def _name(name: object) -> str:
    if not isinstance(plain(name), str):
        raise RefusedError(name)
    return str(name)


def _field(field: object) -> str | float | list[str] | None:
    content = plain(field)
    if isinstance(content, list | tuple) and all(isinstance(part, str) for part in content):
        return list(content)
    if content is None or (isinstance(content, str | int | float) and not isinstance(content, bool)):
        return content
    raise RefusedError(field)


FEATURES = Rule('features of the visitor by the names of their columns, such as {"age": 35}, or None', _features)


def encode_visitor(bundle: Bundle, features: VisitorFeatures) -> FeatureMatrix | None:
    """The row of the visitor; None where nothing of it means anything to the run.

    Raises:
        RunError: the run has learned nothing of features of users.
        UsageError: the features file of its users has no such column, or one of numbers or dates for something else.
    """
    known = bundle.features("user")
    if known is None:
        raise RunError(
            "the run has learned nothing of features of users",
            where=str(bundle.path),
            expected="a run that was trained with data.user_features",
            hint="leave the features out",
        )
    columns = list(known.encoder.sources())
    for name in features:
        if name not in columns:
            close = nearest(name, columns)
            raise UsageError(
                f"the run knows no feature {shown(name)} of users",
                expected=joined(columns),
                hint=None if close is None else f"did you mean {close}?",
            )
    table = FeatureTable(
        path=Path("features"),
        id_name=known.encoder.id_name,
        ids=np.array(["visitor"], dtype=object),
        columns={name: FeatureColumn.of([_value(field)]) for name, field in features.items()},
        place=lambda _: "features",
    )
    _refuse_no_numbers(known.encoder, table)
    matrix = known.encoder.encode(table)
    return matrix if matrix.has_any.all() else None


def _refuse_no_numbers(encoder: FeatureEncoder, table: FeatureTable) -> None:
    """Raises UsageError where a column that holds numbers, or dates, alone has something else."""
    for name, column in table.columns.items():
        rules = [rule for rule in encoder.columns if rule.source == name]
        kinds = {rule.kind for rule in rules}
        says_something = any(rule.encode(column).has_any.all() for rule in rules)
        if column.values and not says_something and kinds in ({"number"}, {"date"}):
            (kind,) = kinds
            raise UsageError(
                f"the feature {name} is a {kind}, and {shown(column.values[0])} is none",
                expected=f"a {kind}, as the features of the run's users have it",
                hint="leave it out where it is not known",
            )


def visitor_prior(bundle: Bundle, by: By) -> FeaturePrior | None:
    """What features say of the users' rows of a scorer."""
    return read_priors(bundle)[by].get("user")


def prior_of_visitor(bundle: Bundle, plain_prior: Prior, features: FeatureMatrix | None) -> Prior:
    """What a visitor's row of the rating scorer is before there are ratings."""
    by_features = None if features is None else visitor_prior(bundle, "rating")
    if features is None or by_features is None:
        return plain_prior
    return with_features(plain_prior, by_features, features)


def _value(field: str | float | list[str] | None) -> Value | None:
    if isinstance(field, list):
        return tuple(field)
    return None if field is None else str(field)
