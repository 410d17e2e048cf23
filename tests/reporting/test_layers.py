"""The layers that are listed are those that are trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.selected import selected_parameters
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.core.events import silent
from recsys.models.layers import Anatomy
from recsys.reporting.layers import anatomy
from recsys.training.build import build_learner
from recsys.workflows.inputs import from_scratch
from recsys.workflows.train import train

Small = Callable[..., Config]
MODELS: dict[str, dict[str, Any]] = {
    "dot product": {},
    "without biases": {"biases": False},
    "sigmoid": {"y_range": [0, 5.5]},
    "unclipped": {"clip": False},
    "net": {"kind": "embedding_net"},
    "plain net": {"kind": "embedding_net", "batch_norm": False, "layers": [7]},
    "one layer": {"kind": "embedding_net", "layers": []},
    "svdpp": {"kind": "svdpp"},
    "svdpp of users": {"kind": "svdpp", "flipped": False},
}


@pytest.fixture(scope="module")
def trained(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Config, Path]]:
    def build(**sections: Any) -> tuple[Config, Path]:
        folder = tmp_path_factory.mktemp("layers") / "run"
        config = small(**sections)
        train(config, folder)
        return config, folder

    return build


@pytest.mark.parametrize("name", MODELS)
def test_layers_hold_each_parameter_once_with_its_group_and_end_with_the_link(
    trained: Callable[..., tuple[Config, Path]], name: str
) -> None:
    method = "sgd" if MODELS[name].get("kind") == "svdpp" else "adamw"
    config, folder = trained(model=MODELS[name], training={"method": method, "n_epochs": 1})
    learner: Any = build_learner(*plans(config), from_scratch(config, silent, ALONE), ALONE)
    parameters, expected = selected_parameters(folder)[0]["rating"], dict[str, tuple[str, int]]()
    for group in learner.groups:
        for parameter in group.parameters:
            layer = parameter.removesuffix(".weight").removesuffix(".bias")
            before = expected.get(layer, (group.name, 0))[1]
            expected[layer] = (group.name, before + parameters[parameter].size)
    model = anatomy(folder)
    assert {
        entry.name: (entry.group, entry.n_parameters) for entry in model.layers if entry.kind == "parameters"
    } == expected
    assert model.link == learner.scorer().link
    assert model.layers[-1].shape == (1,)


@pytest.mark.parametrize(
    ("kind", "method", "group", "expected"),
    [
        ("dot_product", "sgd", "users", ["user_embedding", "user_bias"]),
        ("embedding_net", "adamw", "embeddings", ["user_embedding", "item_embedding"]),
        ("svdpp", "sgd", "items", ["item_embedding", "item_bias", "item_implicit", "item_implicit_bias"]),
    ],
)
def test_a_frozen_group_is_marked(
    trained: Callable[..., tuple[Config, Path]], kind: str, method: str, group: str, expected: list[str]
) -> None:
    _, folder = trained(model={"kind": kind}, training={"method": method, "n_epochs": 1, "freeze": [group]})
    layers = [layer for layer in anatomy(folder).layers if layer.kind == "parameters"]
    assert [layer.name for layer in layers if layer.frozen] == expected
    assert {layer.frozen for layer in layers} == {True, False}


def test_dropout_shows_where_it_is(finished_net: Path, finished: Path) -> None:
    assert names(anatomy(finished_net)).count("dropout 0.1") == 2
    assert names(anatomy(finished_net)).count("dropout 0.2") == 1
    assert not any("dropout" in name for name in names(anatomy(finished)))


def test_a_run_without_a_checkpoint_has_no_layers(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(RunError, match="whole run"):
        anatomy(run)


def names(model: Anatomy) -> list[str]:
    return [layer.name for layer in model.layers]
