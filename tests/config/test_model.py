"""The kinds of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.dump import dump
from recsys.config.loading.load import config_from, load_config
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.models.settings import DotProduct, EmbeddingNet


def config(model: dict[str, Any], **training: Any) -> Config:
    return config_from({"data": {"ratings": "r.csv"}, "model": model, "training": training}, Path("/"))


def test_without_a_kind_a_dot_product_is_meant() -> None:
    assert config({"embedding_dim": 8}).model == DotProduct(embedding_dim=8)


def test_a_network_is_fitted_by_adamw_unless_told_otherwise() -> None:
    assert config({"kind": "embedding_net"}).training.method == "adamw"
    with pytest.raises(ConfigError, match="sgd fits dot products only") as caught:
        config({"kind": "embedding_net"}, method="sgd")
    assert caught.value.where == "training.method"


def test_a_config_of_a_network_is_dumped_and_read_back(tmp_path: Path) -> None:
    given = config({"kind": "embedding_net", "layers": [], "user_dim": 7, "y_range": [0, 5.5], "dropout": 0.5})
    (tmp_path / "config.yaml").write_text(dump(given))
    assert load_config(tmp_path / "config.yaml") == given
    assert given.model == EmbeddingNet(layers=(), user_dim=7, y_range=(0.0, 5.5), dropout=0.5)


@pytest.mark.parametrize(
    ("model", "key", "what"),
    [
        ({"kind": "embedding_net", "biases": True}, "model.biases", "belongs to the kind dot_product"),
        ({"layers": [10]}, "model.layers", "belongs to the kind embedding_net, and the kind is dot_product"),
        ({"kind": "embeding_net"}, "model.kind", "there is no kind 'embeding_net'"),
        ({"kind": "embedding_net", "layers": [0]}, "model.layers", r"\[0\] is not a list"),
        ({"kind": "embedding_net", "user_dim": 0}, "model.user_dim", "0 is too small"),
        ({"kind": "embedding_net", "dropout": 1.0}, "model.dropout", "1.0 is too large"),
        ({"kind": "embedding_net", "y_range": [5, 0.5]}, "model", "low < high"),
        ({"kind": "embedding_net", "y_range": "wide"}, "model.y_range", "'wide' is not auto or a list"),
    ],
)
def test_a_model_that_cannot_be_is_refused_at_its_key(model: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        config(model)
    assert caught.value.where == key


@pytest.mark.parametrize(
    ("model", "method", "what"),
    [
        (
            {"y_range": [0, 5.5]},
            "gibbs",
            "gibbs fits linear output only, and the model has a y_range: adamw can fit it",
        ),
        ({"biases": False}, "gibbs", "gibbs fits biases too, and the model has none: sgd can fit it"),
        ({"kind": "embedding_net"}, "gibbs", "gibbs fits dot products only, and the model is an embedding_net"),
        ({"kind": "svdpp"}, "adamw", "adamw does not fit svdpp: sgd and gibbs can"),
        ({"kind": "svdpp", "user_drift": True}, "sgd", "sgd fits no user_drift: gibbs can"),
        ({"user_drift": True}, "adamw", "adamw fits no user_drift: gibbs can"),
    ],
)
def test_a_method_that_cannot_fit_the_model_says_which_can(model: dict[str, Any], method: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        config(model, method=method)
    assert caught.value.where == "training.method"


def test_a_drift_is_fitted_by_gibbs_unless_told_otherwise() -> None:
    assert config({"user_drift": True}).training.method == "gibbs"
    assert config({"kind": "svdpp", "user_drift": False}).training.method == "sgd"


def test_gibbs_keeps_some_samples_and_starts_from_scratch() -> None:
    assert config({"kind": "svdpp"}, method="gibbs", n_epochs=4, burn_in=3).training.n_epochs == 4
    with pytest.raises(ConfigError, match="leaves no sweep"):
        config({}, method="gibbs", n_epochs=4, burn_in=4)
    with pytest.raises(ConfigError, match="cannot start from a run"):
        config_from({"data": {"ratings": "r"}, "training": {"method": "gibbs"}, "start": {"run": "x"}}, Path("/"))


def test_a_key_of_svdpp_is_refused_with_another_model() -> None:
    given = {"method": "sgd", "implicit_weight_decay": 0.01}
    assert config({"kind": "svdpp"}, **given).training.implicit_weight_decay == 0.01
    with pytest.raises(ConfigError, match="belongs to the model svdpp, and the model is dot_product") as caught:
        config({}, **given)
    assert caught.value.where == "training.implicit_weight_decay"
