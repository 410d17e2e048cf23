from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.artifacts import fit_record
from recsys.artifacts.run import Run, newest_unfinished, versions
from recsys.artifacts.run_config import changed_keys, deciding_values
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.workflows.train import train

Small = Callable[..., Config]
Interrupted = Callable[..., None]


def test_equal_configs_have_no_changed_keys(small: Small) -> None:
    assert changed_keys(deciding_values(small()), small()) == []


def test_changed_keys_are_told_with_both_values(small: Small) -> None:
    other = small(training={"method": "sgd"}, seed=7)
    changed = changed_keys(deciding_values(small()), other)
    assert "seed: 42 → 7" in changed
    assert "training.method: 'adamw' → 'sgd'" in changed
    assert "training.batch_size: 64 → None" in changed


def test_keys_on_which_no_result_depends_may_change(small: Small, tmp_path: Path) -> None:
    other = small(
        data={"ratings": str(tmp_path / "moved.csv"), "items": str(tmp_path / "items.csv")},
        training={"n_threads": 4, "checkpoint_every": 9},
    )
    assert changed_keys(deciding_values(small()), other) == []


def test_a_part_that_is_a_file_now_is_a_change(small: Small) -> None:
    before = small(data={"ratings": None, "train": "a.csv"})
    after = small(data={"ratings": None, "train": "a.csv", "test": "b.csv"})
    assert changed_keys(deciding_values(before), after) == ["data.test: None → 'a file'"]


def test_a_claim_writes_nothing_and_is_given_up_at_the_end(small: Small, tmp_path: Path) -> None:
    with Run.claim(tmp_path / "deep" / "run", small(), ALONE, resume=False) as run:
        assert run.result is None
        assert not run.path.exists()
    assert list(tmp_path.iterdir()) == []


def test_auto_writes_a_checkpoint_when_ten_seconds_have_passed(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(small(training={"checkpoint_every": "auto"}), tmp_path / "quick")
    assert sorted(path.name for path in (tmp_path / "quick" / "checkpoints").iterdir()) == ["epoch-0004", "last"]
    monkeypatch.setattr(fit_record, "AUTO_SECONDS", 0.0)
    train(small(training={"checkpoint_every": "auto"}), tmp_path / "slow")
    names = sorted(path.name for path in (tmp_path / "slow" / "checkpoints").iterdir())
    assert names == ["epoch-0003", "epoch-0004", "last"]


def test_a_checkpoint_that_training_could_not_remove_goes_when_the_finished_run_is_claimed(
    small: Small, tmp_path: Path
) -> None:
    train(small(), tmp_path / "run")
    checkpoints = tmp_path / "run" / "checkpoints"
    kept = sorted(path.name for path in checkpoints.iterdir())
    shutil.copytree(checkpoints / kept[0], checkpoints / "epoch-0001")
    train(small(), tmp_path / "run", resume=True)
    assert sorted(path.name for path in checkpoints.iterdir()) == kept


def test_the_versions_are_those_a_result_depends_on() -> None:
    assert versions().keys() == {"recsys", "python", "numpy", "torch"}


def test_the_newest_unfinished_run_of_the_same_config_is_found(
    small: Small, interrupted: Interrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path))
    config = small(training={"n_epochs": 2})
    with pytest.raises(RunError, match="no unfinished run of movies"):
        newest_unfinished("movies", config)
    interrupted(config, tmp_path / "movies-1", after=1)
    for number, name in enumerate(["movies-2", "movies-3", "books-4"], start=2):
        shutil.copytree(tmp_path / "movies-1", tmp_path / name)
        os.utime(tmp_path / name / "config.yaml", (2e9 + number, 2e9 + number))
    train(config, tmp_path / "movies-3", resume=True)
    assert newest_unfinished("movies", config) == tmp_path / "movies-2"
    with pytest.raises(RunError, match="no unfinished run"):
        newest_unfinished("movies", small(seed=1))
