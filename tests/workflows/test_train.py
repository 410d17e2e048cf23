from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.checkpoint import newest_checkpoint, open_checkpoint, read_state
from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core import kernels
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError, DivergedError, RunError
from recsys.core.events import Epoch, Event, FitStart, Loading, Step
from recsys.core.files import sha256
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.evaluation.metrics import evaluate
from recsys.objectives.measure import beats_baseline
from recsys.objectives.rating import RATING
from recsys.workflows.train import train

Small = Callable[..., Config]
Content = Callable[[Path], dict[str, Any]]


def test_a_run_holds_what_the_contract_says(finished: Path) -> None:
    files = sorted(path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file())
    checkpoint = ["learner.safetensors", "model.safetensors", "state.json"]
    assert files == [
        *(f"checkpoints/epoch-{epoch}/{name}" for epoch in ("0003", "0004") for name in checkpoint),
        "checkpoints/last",
        "config.yaml",
        "history.jsonl",
        "metrics.json",
        *(f"serving/{name}.safetensors" for name in ("held_out", "intervals", "items", "scorer", "seen")),
        "serving/serving.json",
        "serving/users.safetensors",
    ]
    assert (finished / "checkpoints" / "last").read_text() == "epoch-0004\n"


def test_metrics_are_those_of_the_contract(finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics.keys() >= {
        *("valid", "test", "baselines", "fit_seconds", "ratings_per_second", "n_epochs", "best_epoch"),
        *("embedding_dim", "method", "link", "recsys_version"),
    }
    assert metrics["link"] == {"kind": "clip", "low": 0.5, "high": 5.0}
    assert metrics["valid"].keys() >= {"rmse", "mae", "n_ratings"}
    assert metrics["baselines"].keys() == {"global_mean", "biases"}
    assert (metrics["n_epochs"], metrics["embedding_dim"], metrics["method"]) == (4, 4, "adamw")
    assert (metrics["valid"]["n_ratings"], metrics["test"]["n_ratings"]) == (90, 90)


def test_the_history_has_a_line_an_epoch_and_ends_with_the_metrics(finished: Path) -> None:
    rows = [json.loads(line) for line in (finished / "history.jsonl").read_text().splitlines()]
    metrics = json.loads((finished / "metrics.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["valid"] == {name: metrics["valid"][name] for name in ("rmse", "mae")}
    assert rows[-1]["fit_seconds"] == metrics["fit_seconds"]
    assert rows[-1]["train"]["rmse"] < rows[0]["train"]["rmse"]


def test_the_serving_folder_gives_the_scores_of_the_metrics(finished: Path) -> None:
    config = load_config(finished / "config.yaml")
    splits = split(read_ratings(config.data, ALONE), config.split, config.seed)
    metrics = json.loads((finished / "metrics.json").read_text())
    for name, part in (("valid", splits.valid), ("test", splits.test)):
        assert part is not None
        scores = evaluate(open_bundle(finished).factors, part)
        assert scores.to_dict() == metrics[name]


def test_the_checkpoint_is_in_standard_units_and_the_scorer_in_those_of_ratings(finished: Path) -> None:
    newest = newest_checkpoint(finished / "checkpoints")
    assert newest is not None
    checkpoint = open_checkpoint(newest)
    model, factors = read_state(checkpoint, "rating").model, open_bundle(finished).factors
    scale = checkpoint.manifest.scale
    assert factors.global_mean == pytest.approx(scale.mean)
    np.testing.assert_allclose(factors.user_bias[:-1], scale.std * model["user_bias"], rtol=1e-5)
    np.testing.assert_allclose(
        factors.user_factors[:-1] @ factors.item_factors[:-1].T,
        scale.std * model["user_embedding"] @ model["item_embedding"].T,
        atol=1e-5,
    )


def test_state_json_says_what_the_contract_says(finished: Path, ratings_csv: Path) -> None:
    facts = json.loads((finished / "checkpoints" / "epoch-0004" / "state.json").read_text())
    assert facts["epoch"] == 4
    assert facts["seed"] == 42
    assert facts["versions"].keys() == {"recsys", "python", "numpy", "torch"}
    assert facts["scale"].keys() == {"mean", "std", "low", "high"}
    assert facts["data"] == {"ratings": sha256(ratings_csv)}
    assert facts["training"]["weight_decay"] != "auto"


def test_the_resolved_config_is_enough_to_repeat_the_run(finished: Path, content: Content, tmp_path: Path) -> None:
    assert Path(yaml.safe_load((finished / "config.yaml").read_text())["data"]["ratings"]).is_absolute()
    train(load_config(finished / "config.yaml"), tmp_path / "finished")
    assert content(tmp_path / "finished") == content(finished)


@pytest.mark.parametrize("method", ["adamw", "sgd"])
@pytest.mark.parametrize("n_threads", [2, 4])
def test_any_number_of_threads_gives_the_same_bytes(
    small: Small, content: Content, tmp_path: Path, method: str, n_threads: int
) -> None:
    contents = []
    for threads in (1, n_threads):
        folder = tmp_path / str(threads) / "run"
        train(small(training={"method": method, "n_threads": threads}), folder)
        contents.append(content(folder))
        assert f"n_threads: {threads}".encode() in contents[-1].pop("config.yaml")
    assert contents[0] == contents[1]


def test_another_seed_gives_other_parameters_and_another_split(small: Small, content: Content, tmp_path: Path) -> None:
    for seed in (1, 2):
        train(small(seed=seed), tmp_path / str(seed) / "run")
    first, second = (content(tmp_path / str(seed) / "run") for seed in (1, 2))
    assert first["serving/scorer.safetensors"] != second["serving/scorer.safetensors"]
    assert first["serving/seen.safetensors"] != second["serving/seen.safetensors"]


def test_an_observer_hears_of_loading_steps_and_epochs_in_turn(small: Small, tmp_path: Path) -> None:
    events: list[Event] = []
    train(small(training={"n_epochs": 2}), tmp_path / "run", observe=events.append)
    kinds = [kind for n, kind in enumerate(map(type, events)) if n == 0 or kind is not type(events[n - 1])]
    assert kinds == [Loading, FitStart, Step, Epoch, Step, Epoch]
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert all(epoch.valid is not None and list(epoch.valid) == ["rmse", "mae"] for epoch in epochs)


def test_keep_best_serves_the_best_epoch(wild: Small, tmp_path: Path) -> None:
    metrics = train(wild(keep="best"), tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    best = min(row["valid"]["rmse"] for row in rows)
    assert best < rows[-1]["valid"]["rmse"]
    assert metrics["valid"]["rmse"] == best
    assert metrics["best_epoch"] == [row["valid"]["rmse"] for row in rows].index(best) + 1


def test_patience_ends_a_run_early(wild: Small, tmp_path: Path) -> None:
    metrics = train(wild(n_epochs=20, patience=2), tmp_path / "run")
    assert metrics["n_epochs"] == metrics["best_epoch"] + 2 < 20


def test_valid_is_looked_at_every_so_many_epochs_and_at_the_end(small: Small, tmp_path: Path) -> None:
    train(small(training={"n_epochs": 5, "evaluate_every": 2}), tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows if row["valid"] is not None] == [2, 4, 5]


@pytest.mark.parametrize(("valid", "test"), [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)])
def test_a_part_that_is_not_there_is_null_and_nothing_is_nan(
    small: Small, tmp_path: Path, valid: float, test: float
) -> None:
    metrics = train(small(split={"valid_fraction": valid, "test_fraction": test}), tmp_path / "run")
    assert (metrics["valid"] is None, metrics["test"] is None) == (valid == 0, test == 0)
    assert beats_baseline(RATING, metrics) is (None if valid == test == 0 else True)
    rows = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert all((row["valid"] is None) == (valid == 0) for row in rows)
    assert "NaN" not in (tmp_path / "run" / "metrics.json").read_text()


def test_the_checkpoint_of_the_last_epoch_is_always_written(small: Small, tmp_path: Path) -> None:
    train(small(training={"checkpoint_every": 3}), tmp_path / "run")
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == ["epoch-0003", "epoch-0004", "last"]


BAD_DATA = {
    "not there": None,
    "empty": "",
    "bad rating": "userId,movieId,rating\n1,1,good\n",
    "one user": "userId,movieId,rating\n1,1,3\n1,2,4\n",
    "too few for a test part": "userId,movieId,rating\n1,1,3\n2,2,4\n",
}


@pytest.mark.parametrize("text", BAD_DATA.values(), ids=list(BAD_DATA))
def test_a_data_error_leaves_nothing_behind(small: Small, tmp_path: Path, text: str | None) -> None:
    (tmp_path / "data").mkdir()
    data = tmp_path / "data" / "ratings.csv"
    if text is not None:
        data.write_text(text)
    with pytest.raises(DataError) as caught:
        train(small(data={"ratings": str(data)}), tmp_path / "new" / "deep" / "run")
    assert caught.value.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("below", ["file/run", "file/deep/run", "file"])
def test_a_folder_that_cannot_be_made_is_an_error_of_the_run(small: Small, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError) as caught:
        train(small(), tmp_path / below)
    assert caught.value.exit_code == 4
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_divergence_names_epoch_and_rate_and_keeps_the_last_good_checkpoint(small: Small, tmp_path: Path) -> None:
    # A whole epoch is one step here: the first stands at lr_max / div_factor, the second far up the cosine.
    huge = {"lr_max": 1e30, "div_factor": 1e32, "pct_start": 0.9, "batch_size": 1000, "weight_decay": 0.0}
    with pytest.raises(DivergedError, match=r"diverged in epoch \d of 4.*learning rate \d") as caught:
        train(small(training=huge), tmp_path / "run")
    assert caught.value.exit_code == 6
    assert "--set training.lr_max=" in (caught.value.hint or "")
    newest = newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert newest is not None
    state = read_state(open_checkpoint(newest), "rating")
    assert all(np.isfinite(array).all() for array in state.model.values())
    assert not (tmp_path / "run" / "metrics.json").exists()
    for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines():
        assert math.isfinite(json.loads(line)["valid"]["rmse"])


@pytest.mark.parametrize("method", ["adamw", "sgd"])
def test_a_rate_that_is_far_too_high_is_divergence(small: Small, tmp_path: Path, method: str) -> None:
    with pytest.raises(DivergedError, match="epoch 1 of 4"):
        train(small(training={"method": method, "lr_max": 1e30, "schedule": "constant"}), tmp_path / "run")


def test_compiled_loops_change_no_bit_of_a_run(
    small: Small, tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(small(), tmp_path / "numpy" / "run")
    monkeypatch.setattr(kernels, "WORTHWHILE", 0)
    train(small(), tmp_path / "compiled" / "run")
    assert content(tmp_path / "compiled" / "run") == content(tmp_path / "numpy" / "run")
