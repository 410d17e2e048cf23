"""Runs and what is told of them have the same bytes however many threads NumPy's products may take outside."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

import recsys

ROOT = Path(__file__).parents[2]
SHORT = ["training.method=gibbs", "training.n_epochs=20", "model.embedding_dim=20", "ranking=none"]


@pytest.mark.slow
def test_a_run_does_not_depend_on_the_threads_of_blas(tmp_path: Path) -> None:
    config = recsys.load_config(ROOT / "configs" / "movielens-small.yaml", SHORT)
    served = []
    for n in (1, 2, 3):
        with threadpool_limits(limits=n, user_api="blas"):
            recsys.train(config, tmp_path / f"run-{n}")
        served.append((tmp_path / f"run-{n}" / "serving" / "scorer.safetensors").read_bytes())
    assert served[0] == served[1] == served[2]


@pytest.mark.slow
def test_what_is_told_of_a_run_does_not_depend_on_the_threads_of_blas(tmp_path: Path) -> None:
    config = recsys.load_config(ROOT / "configs" / "movielens-small.yaml", ["training.n_epochs=2", "ranking=none"])
    recsys.train(config, tmp_path / "run")
    rated = pd.read_csv(ROOT / "data" / "movielens-small" / "ratings.csv")
    popular = rated[rated.groupby("movieId").movieId.transform("size") > 30]
    new = popular.assign(userId=popular.userId + 10**6).sample(8000, random_state=1)
    answers = []
    for n in (1, 4):
        with threadpool_limits(limits=n, user_api="blas"):
            told = [recsys.interpret(tmp_path / "run"), recsys.evaluate(tmp_path / "run", by_activity=True)]
            recsys.fold_in(new, tmp_path / "run", tmp_path / f"folded-{n}")
        answers.append((told, (tmp_path / f"folded-{n}" / "serving" / "scorer.safetensors").read_bytes()))
    assert answers[0] == answers[1]
