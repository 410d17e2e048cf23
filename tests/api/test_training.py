"""Runs made from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recsys
from recsys.core.errors import RunError, StoppedError
from recsys.core.events import Epoch, Event, Note


def test_train_takes_a_mapping_a_config_or_a_file(quick: dict[str, Any], tmp_path: Path, runs_folder: Path) -> None:
    (tmp_path / "movies.yaml").write_text(json.dumps(quick, default=str))
    given: list[Any] = [quick, recsys.load_config(tmp_path / "movies.yaml"), tmp_path / "movies.yaml"]
    results = [recsys.train(config) for config in given]
    assert results[0]["test"] == results[1]["test"] == results[2]["test"]
    folders = [Path(result["run_dir"]) for result in results]
    assert all(folder.parent == runs_folder and (folder / "metrics.json").exists() for folder in folders)
    assert [
        folder.name.rpartition("-")[0].startswith(name)
        for folder, name in zip(folders, ("run", "run", "movies"), strict=True)
    ] == [True] * 3


def test_train_resumes(small: Callable[..., Any], interrupted: Callable[..., None], tmp_path: Path) -> None:
    interrupted(small(), tmp_path / "run", after=2)
    metrics = recsys.train(small(), tmp_path / "run", resume=True)
    assert (metrics["n_epochs"], metrics["run_dir"]) == (4, str(tmp_path / "run"))
    assert recsys.train(small(), tmp_path / "run", resume=True) == metrics


def test_a_way_back_makes_no_folder(small: Callable[..., Any], tmp_path: Path) -> None:
    metrics = recsys.train(small(training={"n_epochs": 1}), tmp_path / "a" / ".." / "run")
    assert metrics["run_dir"] == str(tmp_path / "run")
    assert not (tmp_path / "a").exists()


def test_without_a_folder_the_newest_unfinished_run_of_the_name_is_resumed(
    small: Callable[..., Any], interrupted: Callable[..., None], runs_folder: Path
) -> None:
    interrupted(small(), runs_folder / "movies-1", after=2)
    with pytest.raises(RunError, match="no unfinished run of films"):
        recsys.train(small(), name="films", resume=True)
    assert recsys.train(small(), name="movies", resume=True)["run_dir"] == str(runs_folder / "movies-1")


def test_a_run_is_resumed_by_its_own_config_from_a_checkpoint(
    small: Callable[..., Any], interrupted: Callable[..., None], tmp_path: Path
) -> None:
    interrupted(small(), tmp_path / "run", after=3)
    config = recsys.run_config(tmp_path / "run")
    assert config == small()
    numbers: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, Epoch):
            numbers.append(event.number)

    recsys.train(config, tmp_path / "run", resume=True, checkpoint="epoch-0002", observe=note)
    assert numbers == [3, 4]
    with pytest.raises(RunError, match="no run in this folder"):
        recsys.run_config(tmp_path)


def test_who_stops_a_training_is_told_how_to_resume_it(small: Callable[..., Any], tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Epoch):
            raise StoppedError("interrupted")

    with pytest.raises(StoppedError) as caught:
        recsys.train(small(), tmp_path / "run", observe=stop)
    assert caught.value.hint == f"resume it: recsys train --resume --run-dir {tmp_path / 'run'}"


def test_patience_with_one_cycle_is_remarked_upon(small: Callable[..., Any], tmp_path: Path) -> None:
    events: list[Event] = []
    recsys.train(small(training={"patience": 5}), tmp_path / "run", observe=events.append)
    assert isinstance(events[0], Note)
    assert events[0].text.startswith("training.patience may stop one_cycle")


def test_update_trains_a_run_on(finished: Path, ratings_csv: Path, tmp_path: Path) -> None:
    metrics = recsys.update(ratings_csv, finished, tmp_path / "next", overrides=["training.n_epochs=2"])
    assert (metrics["n_epochs"], metrics["run_dir"]) == (2, str(tmp_path / "next"))
    assert metrics["start"]["path"] == str(finished)
    assert recsys.load(metrics["run_dir"]).predict(0, 100).known_user


def test_finetune_starts_from_a_run(finished: Path, ratings_csv: Path, tmp_path: Path, runs_folder: Path) -> None:
    (tmp_path / "few.yaml").write_text(
        f"data: {{ratings: {ratings_csv}}}\nmodel: {{embedding_dim: 4}}\ntraining: {{method: adamw, n_epochs: 1}}\n"
    )
    metrics = recsys.finetune(finished, tmp_path / "few.yaml", overrides=["training.freeze=[items]"])
    assert Path(metrics["run_dir"]).parent == runs_folder
    assert Path(metrics["run_dir"]).name.startswith("few-")
    assert metrics["start"]["path"] == str(finished)
    assert [group["frozen"] for group in metrics["groups"]] == [group["name"] == "items" for group in metrics["groups"]]


def test_new_users_are_folded_in(finished: Path, new_users_csv: Path, runs_folder: Path) -> None:
    metrics = recsys.fold_in(new_users_csv, finished)
    assert Path(metrics["run_dir"]).parent == runs_folder
    assert (metrics["parent"]["n_new_users"], metrics["parent"]["n_new_items"]) == (2, 1)
    assert recsys.load(metrics["run_dir"]).predict(77, 100).known_user


def test_estimate_counts_and_writes_nothing(quick: dict[str, Any], tmp_path: Path, runs_folder: Path) -> None:
    needs = recsys.estimate(quick)
    assert (needs["n_ratings"], needs["n_epochs"]) == (720, 1)
    assert needs["peak_bytes"] > needs["training_bytes"] > 0
    assert not runs_folder.exists()


@pytest.mark.parametrize(
    ("model", "biases", "better"), [(0.8, 0.9, True), (0.9, 0.9, False), (None, None, None)], ids=str
)
def test_beats_baseline(model: float | None, biases: float | None, better: bool | None) -> None:
    def scores(rmse: float | None) -> dict[str, float] | None:
        return None if rmse is None else {"rmse": rmse}

    parts = {"valid": scores(1.0) if model else None, "test": scores(model)}
    metrics = {"objective": "rating", **parts, "baselines": {"biases": scores(biases)}}
    assert recsys.beats_baseline(metrics) is better
