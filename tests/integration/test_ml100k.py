"""The lesson's settings on the canonical folds of MovieLens 100K (env RECSYS_ML100K)."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config.loading.load import load_config
from recsys.objectives.measure import beats_baseline
from recsys.objectives.rating import RATING
from recsys.workflows.train import train

LESSON = Path(__file__).parents[2] / "configs" / "fastai-lesson.yaml"


def lesson_rmse(ml100k: Path, fold: str, folder: Path) -> float:
    """The lesson's test rmse on a fold, all other ratings trained on."""
    files = {"train": str(ml100k / f"{fold}.train.csv"), "test": str(ml100k / f"{fold}.test.csv")}
    metrics = train(load_config(LESSON, [f"data={files}", "split.valid_fraction=0"]), folder)
    assert metrics["train"]["n_ratings"] == 80_000
    assert metrics["test"]["n_ratings"] == 20_000
    assert beats_baseline(RATING, metrics)
    return float(metrics["test"]["rmse"])


@pytest.mark.slow
def test_the_lesson_on_the_first_fold(ml100k: Path, tmp_path: Path) -> None:
    assert lesson_rmse(ml100k, "u1", tmp_path / "run") < 0.92


@pytest.mark.slow
def test_the_lesson_on_five_folds(ml100k: Path, tmp_path: Path) -> None:
    rmses = [lesson_rmse(ml100k, f"u{n}", tmp_path / f"u{n}") for n in range(1, 6)]
    assert sum(rmses) / 5 <= 0.910
