"""A run that is updated in its recommendations alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.inference.recommender import Recommender
from recsys.reporting.layers import anatomy
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train
from recsys.workflows.update import update_config

Small = Callable[..., Config]
RANKING = {"embedding_dim": 5, "n_epochs": 2}
WHOLE = ["split.test_fraction=0", "split.valid_fraction=0"]
GIBBS = {"method": "gibbs", "n_epochs": 8, "burn_in": 2, "n_kept_samples": 3}


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratings of known users, and of a new user and a new item."""
    path = tmp_path_factory.mktemp("later") / "later.csv"
    path.write_text("userId,movieId,rating,timestamp\n0,149,5,1\n1,100,4,2\n900,100,5,3\n900,107,4,4\n2,999,3,5\n")
    return path


@pytest.fixture(scope="module", params=["sgd", "gibbs", "drift"])
def runs(small: Small, later: Path, tmp_path_factory: pytest.TempPathFactory, request: Any) -> tuple[Path, Path]:
    """A run, and what `update --only ranking` makes of it."""
    root = tmp_path_factory.mktemp(request.param)
    training = {"method": "sgd"} if request.param == "sgd" else GIBBS
    train(small(model={"user_drift": request.param == "drift"}, training=training, ranking=RANKING), root / "parent")
    config = update_config(root / "parent", later, WHOLE, only="ranking")
    train(config, root / "child")
    return root / "parent", root / "child"


def test_predictions_and_their_intervals_stay_to_the_bit(runs: tuple[Path, Path]) -> None:
    before, after = (Recommender.open(run) for run in runs)
    for user, item in ((0, 100), (1, 149), (5, 120)):
        old, new = (model.predict(user, item, interval=0.8) for model in (before, after))
        assert (old.rating, old.std, old.interval) == (new.rating, new.std, new.interval)


def test_who_is_new_has_recommendations_and_the_fallback_as_a_rating(runs: tuple[Path, Path]) -> None:
    before, after = (Recommender.open(run) for run in runs)
    new = after.predict(900, 100, on_unknown="mean")
    assert not new.known_user
    assert new.rating == before.predict(900, 100, on_unknown="mean").rating
    ranking = after.bundle.ranking
    assert ranking is not None
    user = int(after.bundle.users.index([900])[0])
    assert not np.array_equal(ranking.user_factors[user], ranking.user_factors[-1])
    assert after.bundle.counts["ranking"].users[user] == 2
    assert after.bundle.counts["rating"].users[user] == 0


def test_all_interactions_are_ranked_by(runs: tuple[Path, Path]) -> None:
    before, after = (open_bundle(run) for run in runs)
    assert after.manifest.n_interactions == before.manifest.n_interactions + 5
    assert after.manifest.n_ratings == before.manifest.n_ratings
    rows = [json.loads(line) for line in (runs[1] / "history.jsonl").read_text().splitlines()]
    assert {row["scorer"] for row in rows} == {"ranking"}
    assert len(rows) == 3


def test_a_run_can_be_updated_again(runs: tuple[Path, Path], later: Path, tmp_path: Path) -> None:
    config = update_config(runs[1], later, WHOLE, only="ranking")
    train(config, tmp_path / "third")
    first, third = Recommender.open(runs[0]), Recommender.open(tmp_path / "third")
    assert third.predict(5, 120).rating == first.predict(5, 120).rating


def test_a_checkpoint_that_cannot_be_read_is_an_error(runs: tuple[Path, Path], tmp_path: Path) -> None:
    run = shutil.copytree(runs[1], tmp_path / "run")
    (run / "metrics.json").unlink()
    config = load_config(run / "config.yaml")
    with pytest.raises(RunError, match="checkpoint is missing"):
        train(config, run, resume=True, checkpoint="epoch-0001")
    state = run / "checkpoints" / (run / "checkpoints" / "last").read_text().strip() / "state.json"
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(RunError, match="damaged"):
        train(config, run, resume=True)


def test_fold_in_leaves_who_has_no_rating_row_without_one(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n7000,999,4\n7000,100,2\n900,8000,5\n")
    fold_in_run(runs[1], tmp_path / "new.csv", tmp_path / "run")
    before, after = (open_bundle(run) for run in (runs[1], tmp_path / "run"))
    counts = after.counts["rating"]
    assert [counts.users[after.users.index([user])[0]] for user in (900, 7000)] == [0, 2]
    assert [counts.items[after.items.index([item])[0]] for item in (999, 8000)] == [0, 1]
    item = before.items.index([100])[0], after.items.index([100])[0]
    assert counts.items[item[1]] == before.counts["rating"].items[item[0]] + 1


def test_the_layers_of_the_rating_scorer_are_those_of_before(runs: tuple[Path, Path]) -> None:
    before, after = (anatomy(run).layers for run in runs)
    assert [layer.name for layer in after] == [layer.name for layer in before]


def test_a_network_cannot_stay_as_it_is_on_more_users(small: Small, later: Path, tmp_path: Path) -> None:
    train(small(model={"kind": "embedding_net"}, ranking=RANKING), tmp_path / "net")
    with pytest.raises(RunError, match="needs a dot product"):
        train(update_config(tmp_path / "net", later, WHOLE, only="ranking"), tmp_path / "child")
    assert not (tmp_path / "child").exists()


def test_a_run_without_ranking_cannot_be_updated_in_it(finished: Path, later: Path) -> None:
    with pytest.raises(RunError, match="no ranking scorer that could be updated alone"):
        update_config(finished, later, [], only="ranking")
