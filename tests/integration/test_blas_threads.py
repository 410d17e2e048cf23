"""A run has the same bytes however many threads NumPy's products may take outside of it."""

from __future__ import annotations

from pathlib import Path

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
