"""Interrupted and resumed equals uninterrupted."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts import run as run_module
from recsys.artifacts.checkpoint import open_checkpoint, read_state, write_checkpoint
from recsys.artifacts.manifest import seal
from recsys.artifacts.metrics import read_metrics
from recsys.artifacts.run import Run
from recsys.artifacts.run_config import deciding_values
from recsys.config.loading.load import dump
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError, StoppedError
from recsys.core.events import Epoch, Event, Step
from recsys.workflows.stop import EpochEnder
from recsys.workflows.train import train

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]
Interrupted = Callable[..., None]
Whole = Callable[[str], dict[str, Any]]

WILD = {"schedule": "constant", "weight_decay": 0.0}
KINDS: dict[str, dict[str, Any]] = {
    "adamw": {},
    "sgd": {"training": {"method": "sgd"}},
    "best": {"model": {"embedding_dim": 16}, "training": {**WILD, "batch_size": 32, "keep": "best"}},
    "patience": {"model": {"embedding_dim": 16}, "training": {**WILD, "batch_size": 32, "n_epochs": 20, "patience": 2}},
    "sgd-best": {
        "model": {"embedding_dim": 16},
        "training": {**WILD, "method": "sgd", "lr_max": 0.3, "n_epochs": 6, "keep": "best", "evaluate_every": 1},
    },
    "sigmoid": {"model": {"y_range": [0, 5.5]}},
    "net": {"model": {"kind": "embedding_net", "dropout": 0.1, "embedding_dropout": 0.2}},
    "net-best": {
        "model": {"kind": "embedding_net", "layers": [32, 16]},
        "training": {**WILD, "batch_size": 32, "keep": "best", "n_epochs": 6},
    },
    "gibbs": {"training": {"method": "gibbs", "n_epochs": 6, "burn_in": 2}, "model": {"embedding_dim": 3}},
    "svdpp": {"model": {"kind": "svdpp", "embedding_dim": 3}, "training": {"method": "gibbs", "n_epochs": 6}},
    "svdpp-sgd": {"model": {"kind": "svdpp", "embedding_dim": 3}, "training": {"method": "sgd"}},
    "gibbs-best": {
        "model": {"kind": "svdpp", "embedding_dim": 3, "flipped": False},
        "training": {"method": "gibbs", "n_epochs": 6, "keep": "best", "burn_in": 0},
    },
    "drift": {"model": {"user_drift": True}, "training": {"method": "gibbs", "n_epochs": 6, "burn_in": 2}},
    "tobit": {
        "model": {"embedding_dim": 3},
        "training": {"method": "gibbs", "n_epochs": 6, "burn_in": 1, "keep": "best", "likelihood": "tobit"},
    },
    "no-valid": {"split": {"valid_fraction": 0}},
    "every-2": {"training": {"checkpoint_every": 2}},
}
EVERYDAY = ("adamw", "sgd", "best", "patience", "net", "gibbs", "svdpp-sgd", "drift", "every-2")  # every learner


@pytest.fixture(scope="module")
def whole(small: Small, content: Content, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """whole(kind) → what an uninterrupted run of that kind leaves."""

    @cache
    def trained(kind: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp(kind) / "run"
        train(small(**KINDS[kind]), folder)
        return content(folder)

    return trained


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        pytest.param(kind, after, marks=() if after == 2 and kind in EVERYDAY else pytest.mark.slow)
        for kind in KINDS
        for after in (1, 2, 3, 4)
    ],
)
def test_a_run_killed_after_an_epoch_and_resumed_leaves_the_same_bytes(
    small: Small, content: Content, interrupted: Interrupted, whole: Whole, tmp_path: Path, kind: str, after: int
) -> None:
    interrupted(small(**KINDS[kind]), tmp_path / "run", after=after)
    assert not (tmp_path / "run" / "metrics.json").exists()
    train(small(**KINDS[kind]), tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == whole(kind)


def test_the_best_epoch_is_not_the_last_and_patience_ends_a_run(whole: Whole) -> None:
    best, patience = (whole(kind)["metrics.json"][0] for kind in ("best", "patience"))
    assert (best["best_epoch"], patience["n_epochs"]) == (2, 4)


@pytest.mark.slow
def test_the_other_worlds_are_what_they_are_meant_to_be(whole: Whole) -> None:
    sgd, net, no_valid = (whole(kind)["metrics.json"][0] for kind in ("sgd-best", "net-best", "no-valid"))
    assert max(sgd["best_epoch"], net["best_epoch"]) < 6
    assert no_valid["valid"] is None


def test_a_run_killed_at_every_epoch_in_turn_leaves_the_same_bytes(
    small: Small, content: Content, whole: Whole, tmp_path: Path
) -> None:
    for epoch in range(1, 5):
        with pytest.raises(KeyboardInterrupt):
            train(small(), tmp_path / "run", resume=epoch > 1, observe=stop_at(lambda event: is_epoch(event)))
    train(small(), tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == whole("adamw")


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_an_epoch_cut_in_its_middle_is_done_again(
    small: Small, content: Content, whole: Whole, tmp_path: Path, kind: str
) -> None:
    config = small(**KINDS[kind])
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", observe=stop_at(lambda event: is_step(event, 3)))
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 2
    train(config, tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == whole(kind)


def test_a_resumed_run_goes_on_with_what_auto_meant_when_it_started(
    small: Small, interrupted: Interrupted, tmp_path: Path
) -> None:
    """As after an older version, whose weight decay was another one and which knew no damping."""
    auto, older = (small(training={"method": "sgd", **given}) for given in ({}, {"weight_decay": 0.3}))
    train(older, tmp_path / "whole")
    interrupted(older, tmp_path / "run", after=2)
    (tmp_path / "run" / "config.yaml").write_text(dump(auto))
    newest = open_checkpoint(tmp_path / "run" / "checkpoints" / "epoch-0002")
    manifest = newest.manifest.model_copy(update={"config": deciding_values(auto)})
    (newest.path / "state.json").write_bytes(seal(manifest))
    train(auto, tmp_path / "run", resume=True)
    scorers = [(tmp_path / run / "serving" / "scorer.safetensors").read_bytes() for run in ("whole", "run")]
    assert scorers[0] == scorers[1]


def test_a_checkpoint_that_says_too_little_is_refused(small: Small, interrupted: Interrupted, tmp_path: Path) -> None:
    """As one of an older version, whose sampler had less to go on from."""
    config = small(training={"method": "gibbs", "n_epochs": 6})
    interrupted(config, tmp_path / "run", after=2)
    checkpoints = tmp_path / "run" / "checkpoints"
    newest = open_checkpoint(checkpoints / "epoch-0002")
    state = read_state(newest, "rating")
    del state.learner["user.prior"]
    write_checkpoint(checkpoints, {"rating": state}, newest.manifest)
    with pytest.raises(RunError, match=r"lacks the array 'rating\.user\.prior'") as caught:
        train(config, tmp_path / "run", resume=True)
    assert caught.value.where == str(checkpoints / "epoch-0002" / "learner.safetensors")
    assert "what gibbs goes on from" in (caught.value.expected or "")


def test_a_run_cut_before_its_first_checkpoint_starts_again(
    small: Small, content: Content, whole: Whole, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(small(), tmp_path / "run", observe=stop_at(lambda event: is_step(event, 1)))
    train(small(), tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == whole("adamw")


def test_a_run_that_was_killed_while_it_wrote_goes_on(
    small: Small, content: Content, interrupted: Interrupted, whole: Whole, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    interrupted(small(), run, after=2)
    with (run / "history.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lr": 0.0')
    for aside in ("checkpoints/.writing-epoch-0003", ".writing-serving"):
        (run / aside).mkdir()
        (run / aside / "model.safetensors").write_bytes(b"half of it")
    for aside in ("checkpoints/.writing-last", ".writing-history.jsonl", ".writing-metrics.json"):
        (run / aside).write_text("half")
    train(small(), run, resume=True)
    assert content(run) == whole("adamw")


def test_fit_seconds_add_up_over_resumes(small: Small, interrupted: Interrupted, tmp_path: Path) -> None:
    interrupted(small(), tmp_path / "run", after=3)
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    metrics = train(small(), tmp_path / "run", resume=True)
    assert metrics["fit_seconds"] > json.loads(lines[-1])["fit_seconds"]


def test_resuming_a_finished_run_returns_its_result_and_touches_nothing(
    small: Small, finished: Path, content: Content, tmp_path: Path, ratings_csv: Path
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    before = content(run)
    config = small(data={"items": str(ratings_csv.with_name("movies.csv"))})
    assert train(config, run, resume=True) == read_metrics(run)
    assert content(run) == before


def test_a_finished_run_needs_no_data_to_say_its_result(small: Small, finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    gone = small(data={"ratings": str(tmp_path / "gone.csv")})
    assert train(gone, run, resume=True)["n_epochs"] == 4


def test_resume_without_a_run_starts_one(small: Small, content: Content, whole: Whole, tmp_path: Path) -> None:
    train(small(), tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == whole("adamw")


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"training": {"lr_max": 0.01}}, r"training\.lr_max: 0\.05 → 0\.01"),
        ({"training": {"n_epochs": 5}}, r"training\.n_epochs: 4 → 5"),
        ({"training": {"keep": "best"}}, r"training\.keep"),
        ({"training": {"evaluate_every": 2}}, r"training\.evaluate_every"),
        ({"model": {"embedding_dim": 8}}, r"model\.embedding_dim: 4 → 8"),
        ({"model": {"y_range": [0, 6]}}, r"model\.y_range"),
        ({"split": {"test_fraction": 0.2}}, r"split\.test_fraction"),
        ({"data": {"duplicates": "last"}}, r"data\.duplicates"),
        ({"seed": 1}, r"seed: 42 → 1"),
    ],
)
def test_a_changed_config_is_refused_and_its_key_named(
    small: Small, begun: Path, sections: dict[str, Any], says: str
) -> None:
    with pytest.raises(RunError, match=says) as caught:
        train(small(**sections), begun, resume=True)
    assert caught.value.where == str(begun / "config.yaml")


@pytest.mark.parametrize("name", ["ratings.csv", "renamed.csv"])
def test_what_changes_no_result_may_change(
    small: Small, begun: Path, ratings_csv: Path, tmp_path: Path, whole: Whole, content: Content, name: str
) -> None:
    (tmp_path / "moved").mkdir()
    copy = shutil.copy(ratings_csv, tmp_path / "moved" / name)
    train(small(data={"ratings": str(copy)}, training={"n_threads": 2, "checkpoint_every": 3}), begun, resume=True)
    serving = {name: data for name, data in whole("adamw").items() if name.startswith("serving")}
    assert serving.items() <= content(begun).items()


def test_changed_data_is_refused_and_its_file_named(
    small: Small, begun: Path, ratings_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "ratings.csv").write_bytes(ratings_csv.read_bytes() + b"1,1,5.0,1\n")
    with pytest.raises(RunError, match=r"data changed.*ratings\.csv"):
        train(small(data={"ratings": str(tmp_path / "ratings.csv")}), begun, resume=True)


@pytest.mark.parametrize("change", ["added", "swapped", "renamed role"])
def test_files_that_changed_their_parts_are_refused(
    small: Small, interrupted: Interrupted, ratings_csv: Path, tmp_path: Path, change: str
) -> None:
    lines = ratings_csv.read_text().splitlines(keepends=True)
    for name, rows in (("a.csv", lines[1:500]), ("b.csv", lines[500:])):
        (tmp_path / name).write_text("".join([lines[0], *rows]))
    first, second = str(tmp_path / "a.csv"), str(tmp_path / "b.csv")
    before, after = {
        "added": ({"train": first}, {"train": first, "test": second}),
        "swapped": ({"train": first, "test": second}, {"train": second, "test": first}),
        "renamed role": ({"train": first, "valid": second}, {"train": first, "test": second}),
    }[change]
    interrupted(small(data={"ratings": None, **before}), tmp_path / "run", after=1)
    with pytest.raises(RunError, match="changed"):
        train(small(data={"ratings": None, **after}), tmp_path / "run", resume=True)


def test_a_used_folder_is_refused_without_resume(small: Small, begun: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="in use already") as caught:
        train(small(), begun)
    assert "--resume" in (caught.value.hint or "")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    for resume in (False, True):
        for used in ("mine", "mine/letter.txt"):
            with pytest.raises(RunError, match="in use already"):
                train(small(), tmp_path / used, resume=resume)


def test_a_folder_that_was_left_before_its_config_was_written_is_as_good_as_none(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "dump", lambda _: "\ud800")  # cannot be written
        with pytest.raises(UnicodeEncodeError):
            train(small(), tmp_path / "run")
    (tmp_path / "run" / ".writing-config.yaml-1").touch()
    assert train(small(), tmp_path / "run")["n_epochs"] == 4
    assert not list((tmp_path / "run").glob(".writing-*"))


def test_an_empty_folder_is_as_good_as_none(small: Small, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    train(small(training={"n_epochs": 1}), tmp_path / "run")
    assert (tmp_path / "run" / "metrics.json").exists()


def test_a_run_in_progress_cannot_be_claimed(small: Small, begun: Path) -> None:
    with Run.claim(begun, small(), ALONE, resume=True), pytest.raises(RunError, match="another process"):
        train(small(), begun, resume=True)


def is_epoch(event: Event) -> bool:
    return hasattr(event, "number")


def is_step(event: Event, epoch: int) -> bool:
    return isinstance(event, Step) and event.epoch == epoch and event.done > 0


def stop_at(here: Callable[[Event], bool]) -> Callable[[Event], None]:
    def observe(event: Event) -> None:
        if here(event):
            raise KeyboardInterrupt

    return observe


@pytest.mark.parametrize("kind", [Epoch, Step])
def test_who_stops_a_training_loses_no_epoch(small: Small, content: Content, tmp_path: Path, kind: type[Event]) -> None:
    config = small(training={"checkpoint_every": 100})
    train(config, tmp_path / "whole" / "run")

    def stop(event: Event) -> None:
        if isinstance(event, kind) and (getattr(event, "epoch", 0) or getattr(event, "number", 0)) == 3:
            raise StoppedError("interrupted")

    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", observe=stop)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("epoch-*")] == ["epoch-0003"]
    train(config, tmp_path / "run", resume=True)
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "epoch-0003")
    assert content(tmp_path / "run") == content(tmp_path / "whole" / "run")


def test_an_epoch_that_takes_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: Event) -> None:
        raise StoppedError("interrupted")

    clock = iter([0.0, 5.0] * 2)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    EpochEnder(stop)(Step(1, 9, 40, 100, 0.1))  # 7.5 seconds are left
    with pytest.raises(StoppedError):
        EpochEnder(stop)(Step(1, 9, 30, 100, 0.1))  # and here 11.7
