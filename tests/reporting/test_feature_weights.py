from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import recsys
from recsys.artifacts.feature_priors import read_priors
from recsys.reporting.directions import main_directions
from recsys.reporting.feature_weights import feature_weights
from recsys.reporting.interpret import interpret
from tests.inference.featured_world import featured_bundle


def test_weights_are_what_a_feature_adds_to_bias_and_position(tmp_path: Path) -> None:
    bundle = featured_bundle(tmp_path)
    directions = main_directions(bundle, 2)
    by_name = {weight.feature: weight for weight in feature_weights(bundle, directions, 5)}
    assert by_name.keys() == {"genres: Comedy", "genres: Drama"}
    weights = read_priors(bundle)["rating"]["item"].weights.astype(np.float64)
    comedy, drama = by_name["genres: Comedy"], by_name["genres: Drama"]
    np.testing.assert_allclose(comedy.directions, weights[0, 1:] @ directions.axes)
    mean_user = bundle.factors.user_factors[:-1].mean(axis=0)
    assert comedy.bias == pytest.approx(weights[0, 0] + weights[0, 1:] @ mean_user, abs=1e-6)
    assert abs(comedy.directions[0] - drama.directions[0]) > 1  # of the taste that everyone has
    assert comedy.n_items == 10


def test_interpret_names_features_where_there_are_any(tmp_path: Path, finished: Path) -> None:
    bundle = featured_bundle(tmp_path)
    listed = interpret(bundle, 1).to_dict()["features"]
    assert isinstance(listed, list)
    assert len(listed) == 1
    assert "features" not in recsys.interpret(finished).to_dict()
