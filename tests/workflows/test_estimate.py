from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from recsys.artifacts.checkpoint import checkpoints
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import ConfigError
from recsys.core.events import silent
from recsys.objectives.specs import find_objective
from recsys.training.build import build_learner
from recsys.workflows import calibrate
from recsys.workflows import estimate as module
from recsys.workflows.estimate import estimate
from recsys.workflows.inputs import prepare_inputs
from recsys.workflows.train import train
from tests.ranks import on_ranks

SGD: dict[str, Any] = {"training": {"method": "sgd"}}


@pytest.mark.parametrize(("method", "moments"), [("adamw", 2), ("sgd", 0)])
def test_an_estimate_counts_what_a_run_will_hold(
    small: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, moments: int
) -> None:
    monkeypatch.chdir(tmp_path)
    figures = estimate(small(training={"method": method}))
    assert (figures["n_ratings"], figures["n_users"], figures["n_items"], figures["method"]) == (720, 40, 50, method)
    assert figures["n_parameters"] == (40 + 50) * (4 + 1) + 1
    assert figures["data_bytes"] == 900 * (4 + 4 + 4)  # times are not read, since nothing goes by them
    assert figures["training_bytes"] >= 720 * 8 + 4 * (1 + moments) * figures["n_parameters"] - 8
    assert figures["fit_seconds"] == pytest.approx(4 * figures["epoch_seconds"])
    assert figures["epoch_seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_each_of_several_ranks_holds_a_part_of_the_ratings_or_all(
    small: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIBRARY_BYTES", 10**12)  # so that what this process has held plays no part

    def peak(n_ranks: int, **sections: Any) -> int:
        return estimate(small(**sections), n_ranks=n_ranks)["peak_bytes"]

    monkeypatch.setattr(module, "TORCH_BYTES", 0)
    alone, divided, whole = peak(1, **SGD), peak(3, **SGD), peak(3, **SGD, refit=True)
    assert alone - divided == pytest.approx(2 / 3 * 720 * (2 * 12 + 12), abs=8)
    assert alone - whole == pytest.approx(0, abs=500)


def test_a_long_epoch_is_measured_on_a_part_of_it(
    small: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = estimate(small())["epoch_seconds"]
    monkeypatch.setattr(calibrate, "LONGEST_SECONDS", 0.0)
    assert 0 < estimate(small())["epoch_seconds"] < 20 * whole


def test_an_estimate_counts_what_is_learned_again_of_the_run_to_start_from(
    small: Callable[..., Config], finished: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.csv"
    new.write_text("userId,movieId,rating,timestamp\n" + "".join(f"777,{item},5,1000000\n" for item in range(100, 110)))
    start = {"run": str(finished), "replay": 1.0}
    no_split = {"valid_fraction": 0, "test_fraction": 0}
    figures = estimate(small(data={"ratings": str(new)}, split=no_split, start=start))
    assert (figures["n_ratings"], figures["n_users"], figures["n_items"]) == (720 + 10, 40 + 1, 50)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training": {"keep": "best"}, "ranking": {"embedding_dim": 4, "n_epochs": 1}},
        {"training": {"method": "adamw"}},
        {"training": {"method": "gibbs", "n_epochs": 8}},
        {"refit": True},
    ],
    ids=str,
)
def test_checkpoints_and_run_are_as_large_as_estimated(
    small: Callable[..., Config], tmp_path: Path, changes: dict[str, Any]
) -> None:
    config = small(**changes)
    needs = estimate(config)
    train(config, tmp_path / "run")
    newest = checkpoints(tmp_path / "run" / "checkpoints")[-1]
    fits = [needs, *([needs["ranking"]] if "ranking" in needs else [])]
    expected = sum(fit["checkpoint_bytes"] for fit in fits) * (2 if config.refit else 1)
    assert expected == pytest.approx(arrays_of(newest), abs=20)  # n_side and its like
    serving = sum(arrays_of(tmp_path / "run" / name) for name in ("serving", "measured"))
    if needs["method"] != "gibbs":  # which serves samples too
        assert needs["disk_bytes"] - 3 * expected == pytest.approx(serving, rel=0.15)  # small arrays weigh much here


def test_features_and_what_users_make_of_them_are_counted(small: Callable[..., Config], tmp_path: Path) -> None:
    rows = "".join(f"{item},{('red', 'green', 'red|blue')[item % 3]}\n" for item in range(100, 180))
    (tmp_path / "films.csv").write_text("movieId,colour\n" + rows)
    config = small(data={"item_features": str(tmp_path / "films.csv")})
    needs, plain = estimate(config), estimate(small())
    train(config, tmp_path / "run")
    scorer = load_file(tmp_path / "run" / "serving" / "scorer.safetensors")
    assert needs["serving_bytes"] == sum(array.nbytes for array in scorer.values())
    features = load_file(tmp_path / "run" / "serving" / "item_features.safetensors")
    of_features = sum(array.nbytes for array in features.values())
    assert needs["disk_bytes"] - plain["disk_bytes"] == needs["serving_bytes"] - plain["serving_bytes"] + of_features


def arrays_of(folder: Path) -> int:
    """Bytes of the arrays in the files of a folder, headers not counted."""
    return sum(array.nbytes for path in folder.glob("*.safetensors") for array in load_file(path).values())


RANKING: dict[str, Any] = {"training": {"method": "sgd"}, "ranking": {"embedding_dim": 4}}


@pytest.mark.parametrize("changes", [{"training": {"method": "gibbs"}}, RANKING], ids=str)
def test_ranks_that_gather_rows_send_what_is_estimated(small: Callable[..., Config], changes: dict[str, Any]) -> None:
    config, size = small(**changes), 3
    plan = plans(config)[-1]
    inputs, _ = prepare_inputs(config, silent, ALONE)

    def work(communicator: Communicator) -> int:
        learner = build_learner(plan, inputs, communicator)
        before = communicator.sent_bytes
        learner.epoch(1, silent)
        return communicator.sent_bytes - before

    needs = estimate(config, n_ranks=size)
    assert needs.get("ranking", needs)["sent_bytes"] == sum(on_ranks(size, work))


@pytest.mark.parametrize("changes", [{"training": {"method": "sgd"}}, {"training": {"method": "gibbs"}}], ids=str)
def test_ranks_send_for_an_evaluation_about_what_is_estimated(small: Callable[..., Config], changes: Any) -> None:
    config, size = small(**changes), 3
    [plan] = plans(config)
    inputs, _ = prepare_inputs(config, silent, ALONE)
    valid, evaluate = inputs.splits.valid, find_objective(plan.objective).evaluate

    def work(communicator: Communicator) -> int:
        learner: Any = build_learner(plan, inputs, communicator)
        learner.epoch(1, silent)
        before = communicator.sent_bytes
        assert valid is not None
        evaluate(learner.divided_scorer(), valid, inputs.seen, communicator)
        return communicator.sent_bytes - before

    assert estimate(config, n_ranks=size)["sent_evaluating_bytes"] == pytest.approx(sum(on_ranks(size, work)), abs=60)


def test_ranks_that_a_method_cannot_use_are_refused(small: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match="in one process, and there are 4"):
        estimate(small(training={"method": "adamw"}), n_ranks=4)


def test_a_run_that_is_measured_takes_about_as_long_as_estimated(small: Callable[..., Config]) -> None:
    needs = estimate(small())
    assert needs["read_seconds"] < needs["least_seconds"] < needs["most_seconds"]
    assert needs["cpu_seconds"] > 0
