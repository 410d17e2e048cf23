"""The unit of the ratings changes nothing but the unit of what is predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recsys


@pytest.mark.parametrize("unit", [1e-12, 1e7, 1e14])
@pytest.mark.parametrize(
    "sections",
    [
        {"model": {"embedding_dim": 2}, "training": {"method": "sgd", "n_epochs": 2}},
        {
            "model": {"kind": "svdpp", "embedding_dim": 2, "user_drift": True},
            "training": {"method": "gibbs", "n_epochs": 2},
        },
    ],
)
def test_a_prediction_and_its_interval_are_in_the_unit_of_the_ratings(
    ratings_csv: Path, tmp_path: Path, sections: dict[str, Any], unit: float
) -> None:
    answers, frame = [], pd.read_csv(ratings_csv)
    for name, factor in (("ones", 1.0), ("units", unit)):
        ratings = frame.assign(rating=frame["rating"] * factor)
        recsys.train({**sections, "ranking": "none"}, tmp_path / name, data=ratings)
        answer = recsys.load(tmp_path / name).predict(frame["userId"][0], frame["movieId"][1], interval=0.8)
        answers.append(np.array([answer.rating, answer.interval.low, answer.interval.high]) / factor)  # type: ignore[union-attr]
        recsys.inspect(tmp_path / name, verify=True)
    np.testing.assert_allclose(answers[1], answers[0], rtol=1e-3)


@pytest.mark.parametrize("unit", [1e-12, 1e7])
def test_a_prediction_from_features_is_in_the_unit_of_the_ratings(
    ratings_csv: Path, tmp_path: Path, unit: float
) -> None:
    frame = pd.read_csv(ratings_csv)
    ids = np.append(frame["movieId"].unique(), -1)
    items = pd.DataFrame({"movieId": ids, "kind": np.array(list("abc"))[ids % 3], "number": ids % 7})
    parts, config = [], {"model": {"embedding_dim": 2}, "training": {"method": "sgd"}, "ranking": "none"}
    for name, factor in (("ones", 1.0), ("units", unit)):
        ratings = frame.assign(rating=frame["rating"] * factor)
        recsys.train(config, tmp_path / name, data=ratings, item_features=items)
        answer = recsys.load(tmp_path / name).predict(frame["userId"][0], -1)
        parts.append(np.array(list(answer.parts.values())) / factor)
    np.testing.assert_allclose(parts[1], parts[0], rtol=1e-3, atol=1e-4)
