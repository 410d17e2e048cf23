"""A run of an embedding net in use."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from recsys.api.batch import recommend_all
from recsys.artifacts.selected import selected_parameters
from recsys.config.loading.load import load_config
from recsys.config.plans import plans
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.core.events import silent
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.data.training_inputs import TrainingInputs
from recsys.inference.batch import predict_file
from recsys.inference.export import Format, export_factors
from recsys.inference.recommender import Recommender
from recsys.training.build import build_learner
from recsys.workflows.evaluate import evaluate_ratings, ratings_to_measure

RunReadme = Callable[[Path], tuple[dict[str, Any], list[str]]]


@pytest.fixture(scope="module")
def net(finished_net: Path) -> Recommender:
    return Recommender.open(finished_net)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_the_parts_of_a_prediction_sum_to_its_score(net: Recommender) -> None:
    prediction = net.predict(0, 100)
    assert prediction.parts == {"network": pytest.approx(prediction.score)}
    assert prediction.link == "sigmoid"
    low, high = net.bundle.scorer("rating").link.low, net.bundle.scorer("rating").link.high
    assert prediction.rating == pytest.approx(low + (high - low) / (1 + np.exp(-prediction.score)), rel=1e-5)


def test_what_is_served_is_what_was_trained(net: Recommender, finished_net: Path) -> None:
    """The module with the run's parameters, in use, against the serving folder."""
    import torch

    config = load_config(finished_net / "config.yaml")
    splits = split(read_ratings(config.data, ALONE), config.split, config.seed)
    learner: Any = build_learner(*plans(config), TrainingInputs(splits), ALONE)
    arrays = selected_parameters(finished_net)[0]["rating"]
    learner._model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    assert splits.test is not None
    user, item = splits.test.user_idx, splits.test.item_idx
    known = (user >= 0) & (item >= 0)
    with torch.no_grad():
        expected = learner._model.eval()(torch.from_numpy(user[known]), torch.from_numpy(item[known])).numpy()
    rating = net.bundle.scorer("rating").rate(user[known], item[known])
    assert np.abs(rating - expected).max() < 1e-5 * splits.train.scale.std


def test_an_unknown_id_gets_the_mean_embedding(net: Recommender) -> None:
    prediction = net.predict(999, 100, on_unknown="mean")
    assert (prediction.known_user, prediction.known_item) == (False, True)
    assert prediction.rating != net.predict(0, 100).rating


def test_recommend_all_is_recommend_for_each(net: Recommender, tmp_path: Path) -> None:
    recommend_all(net, tmp_path / "all.csv", 3)
    rows = rows_of(tmp_path / "all.csv")
    for user in (-5, 0, 20):
        pairs = [(int(row["item_id"]), float(row["rating"])) for row in rows if int(row["user_id"]) == user]
        items = net.recommend(user, 3)
        assert [item for item, _ in pairs] == [item.item_id for item in items]
        assert [rating for _, rating in pairs] == pytest.approx([item.rating for item in items], abs=1e-5)
        seen = set(net.bundle.items.ids[net.bundle.seen.of_user(int(net.bundle.users.index([user])[0]))[0]].tolist())
        assert not seen & {item.item_id for item in items}


def test_predict_file_and_evaluate_say_what_predict_says(net: Recommender, ratings_csv: Path, tmp_path: Path) -> None:
    predict_file(net.bundle, ratings_csv, tmp_path / "out.csv", "mean", silent)
    rows = rows_of(tmp_path / "out.csv")
    first = net.predict(rows[0]["user_id"], rows[0]["item_id"], on_unknown="mean")
    assert float(rows[0]["rating"]) == pytest.approx(first.rating, abs=1e-5)
    given = [float(row["rating"]) for row in rows_of(ratings_csv)]
    errors = np.array([float(row["rating"]) for row in rows]) - given
    scores = evaluate_ratings(net.bundle, ratings_to_measure(net.bundle, ratings_csv))
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-4)


def test_metrics_and_serving_json_say_what_the_model_is(finished_net: Path) -> None:
    metrics = json.loads((finished_net / "metrics.json").read_text())
    serving = json.loads((finished_net / "serving" / "serving.json").read_text())
    assert metrics["embedding_dim"] == {"user": 5, "item": 4}
    assert serving["kind"] == "embedding_net"
    assert serving["link"] == {"kind": "sigmoid", "low": -0.0625, "high": 5.5625}


def test_what_needs_factors_says_which_model_has_them(net: Recommender) -> None:
    with pytest.raises(RunError, match="embedding_net") as caught:
        _ = net.bundle.factors
    assert "model.kind: dot_product" in (caught.value.hint or "")


@pytest.mark.parametrize("form", get_args(Format))
def test_the_readme_of_an_export_gives_what_predict_says(
    net: Recommender, form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: RunReadme
) -> None:
    export_factors(net.bundle, tmp_path / "out", form)
    monkeypatch.chdir(tmp_path / "out")
    names, printed = run_readme(tmp_path / "out")
    user, item = net.bundle.users.ids.tolist()[0], net.bundle.items.ids.tolist()[0]
    assert float(printed[0]) == pytest.approx(net.predict(user, item).rating, abs=1e-5)
    scores = net.bundle.scorer("rating").score_all(np.array([0], dtype=np.int32))[0]
    np.testing.assert_allclose(scores[net.bundle.items.index(names["top"])], np.sort(scores)[::-1][:10], atol=1e-4)
    scorer: Any = net.bundle.scorer("rating")
    np.testing.assert_allclose(names["item_factors"], scorer.item_embedding[:-1], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(names["model"]["unknown_user"]["factors"], scorer.user_embedding[-1], rtol=1e-6)
