"""Runs measured and hyperparameters chosen from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recsys
from recsys.core.errors import RunError, StoppedError, UsageError
from recsys.core.events import Event


def test_evaluate_adds_what_is_asked_for(finished: Path, ratings_csv: Path) -> None:
    plain = recsys.evaluate(finished, ratings_csv)
    assert plain["n_ratings"] == 900
    more = recsys.evaluate(finished, ratings_csv, by_activity=True, interval=0.9, ranking={"k": 3})
    assert list(more) == [*plain, "by_activity", "intervals", "ranking"]
    assert {key: more[key] for key in plain} == plain
    assert (more["intervals"]["level"], more["ranking"]["k"]) == (0.9, 3)
    with pytest.raises(UsageError):
        recsys.evaluate(finished, ratings_csv, interval=90)


def test_the_splits_are_compared(quick: dict[str, Any], tmp_path: Path) -> None:
    splits = recsys.compare_splits(quick, tmp_path / "splits")["splits"]
    assert [split["method"] for split in splits] == ["random", "user_time", "leave_last", "time"]
    assert all((tmp_path / "splits" / split["method"] / "metrics.json").exists() for split in splits)


def test_lr_find_returns_the_curve_and_plots_it(quick: dict[str, Any], tmp_path: Path) -> None:
    events: list[Event] = []
    curve = recsys.lr_find(quick, figure=tmp_path / "lr.png", observe=events.append).curve
    assert curve.lr[0] < curve.steepest <= curve.minimum <= curve.lr[-1]
    assert events
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def tuning(quick: dict[str, Any], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """tuning(n_trials, …) tunes lr_max of a fit by sgd."""
    (tmp_path / "space.yaml").write_text("training.lr_max: [0.02, 0.1]\n")
    config = {**quick, "training": {"method": "sgd", "n_epochs": 5}}

    def tune(n_trials: int, **options: Any) -> dict[str, Any]:
        storage = f"sqlite:///{tmp_path}/study.db"
        return recsys.tune(config, n_trials, storage=storage, space=tmp_path / "space.yaml", **options)

    return tune


def test_what_tuning_chooses_can_be_trained(tuning: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    tuned = tuning(2, output=tmp_path / "tuned.yaml")
    assert recsys.load_config(tmp_path / "tuned.yaml") == tuned["config"]
    assert recsys.train(tuned["config"], tmp_path / "run")["valid"]["rmse"] == tuned["best"]["rmse"]


def test_tuning_replaces_no_file_of_others(tuning: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "tuned.yaml").write_text("mine")
    with pytest.raises(RunError, match="there is a file already"):
        tuning(1, output=tmp_path / "tuned.yaml")
    assert not (tmp_path / "study.db").exists()


def test_who_stops_a_study_is_told_how_to_resume_it(tuning: Callable[..., dict[str, Any]]) -> None:
    def stop(_: Event) -> None:
        raise StoppedError("interrupted")

    with pytest.raises(StoppedError) as caught:
        tuning(1, observe=stop)
    assert caught.value.hint is not None
    assert "study.db: the same command resumes the study" in caught.value.hint
