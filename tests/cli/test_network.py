"""A run of an embedding net on the command line, and the layers of any run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]
Snapshot = Callable[..., None]
NET = "model={kind: embedding_net, user_dim: 5, item_dim: 4, layers: [8, 6]}"
TRAIN = ("train", "--config", "config.yaml")


@pytest.fixture
def net_run(data: Path, finished_net: Path) -> Path:
    """The working directory with a finished run of an embedding net, runs/net."""
    return Path(shutil.copytree(finished_net, data / "runs" / "net"))


def test_the_layers_of_a_network_are_shown(net_run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys("inspect", "runs/net", "--layers")
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    snapshot("inspect-layers-network", ended.out, exact=True)


def test_the_layers_of_a_dot_product_are_shown(run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    snapshot("inspect-layers-dot-product", recsys("inspect", "runs/first", "--layers").out, exact=True)


def test_the_layers_of_a_checkpoint_are_those_of_its_run(net_run: Path, recsys: Recsys) -> None:
    answers = [recsys("inspect", path, "--layers", "--json").out for path in ("runs/net", newest(net_run))]
    assert answers[0] == answers[1]
    anatomy = json.loads(answers[0])
    assert (
        anatomy["n_parameters"] == sum(layer["n_parameters"] for layer in anatomy["layers"]) == anatomy["n_trainable"]
    )
    assert [*anatomy["layers"][0]] == ["name", "kind", "shape", "n_parameters", "group", "frozen"]


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("epoch-*"))


def test_a_serving_folder_has_no_layers_to_show(net_run: Path, recsys: Recsys, refused: Callable[..., None]) -> None:
    shutil.copytree(net_run / "serving", "copy")
    refused("layers of a serving folder", 4, "inspect", "copy", "--layers")


def test_a_network_is_trained_resumed_and_predicts(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*TRAIN, "--set", NET, "--run-dir", "runs/net")
    assert "adamw, user dim 5, item dim 4: 720 training ratings" in ended.out
    assert recsys("train", "--resume", "--run-dir", "runs/net").out == ended.out
    snapshot("predict-network", recsys("predict", 0, 100, "--run", "runs/net").out)
    answer = json.loads(recsys("predict", 0, 100, "--json").out)
    assert answer["parts"] == {"network": pytest.approx(answer["score"])}


def test_a_dry_run_of_a_network_counts_its_parameters(data: Path, recsys: Recsys) -> None:
    needs = json.loads(recsys(*TRAIN, "--set", NET, "--dry-run", "--json").out)
    assert needs["n_parameters"] > 40 * 5 + 50 * 4


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("network with sgd", (NET, "training={method: sgd}")),
        ("network with embedding_dim", ("model={kind: embedding_net, embedding_dim: 4}",)),
        ("network without a size", ("model={kind: embedding_net, layers: [100, 0]}",)),
        ("network with a falling range", ("model={kind: embedding_net, y_range: [5, 1]}",)),
        ("network that drops all", ("model={kind: embedding_net, dropout: 1}",)),
    ],
)
def test_a_network_that_cannot_be_is_refused(
    data: Path, refused: Callable[..., None], name: str, overrides: tuple[str, ...]
) -> None:
    refused(name, 2, *TRAIN, *(part for override in overrides for part in ("--set", override)))


def test_the_features_of_a_run_are_inspected(data: Path, recsys: Recsys) -> None:
    """Also those of the weights that a network has for them."""
    rows = (f"{item},{('Comedy', 'Drama')[item % 2]}\n" for item in range(100, 151))
    (data / "genres.csv").write_text("movieId,genre\n" + "".join(rows))
    chosen = ("--set", NET, "--set", "training.n_epochs=1", "--set", "data.item_features=genres.csv")
    trained = recsys(*TRAIN, *chosen, "--run-dir", "runs/genres")
    assert "note: genres.csv has features of 51 items, among them all 50 of training: genre (category)" in trained.err
    inspected = [line.split() for line in recsys("inspect", "runs/genres").out.splitlines()]
    assert ["item", "features", "genre", "(category)", "of", "51", "items"] in inspected
    layers = [line.split() for line in recsys("inspect", "runs/genres", "--layers").out.splitlines()]
    assert ["item_feature_weights", "parameters", "2", "×", "4", "8", "embeddings", "no"] in layers
