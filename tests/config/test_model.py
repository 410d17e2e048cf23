"""The kinds of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.dump import dump
from recsys.config.loading.load import config_from, load_config
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.models.dot_product.settings import DotProduct
from recsys.models.embedding_net.settings import EmbeddingNet


def config(model: dict[str, Any], **training: Any) -> Config:
    return config_from({"data": {"ratings": "r.csv"}, "model": model, "training": training}, Path("/"))


def test_without_a_kind_a_dot_product_is_meant() -> None:
    assert config({"embedding_dim": 8}).model == DotProduct(embedding_dim=8)


@pytest.mark.parametrize(
    ("values", "uses_times"),
    [
        ({}, False),
        ({"split": {"method": "user_random"}}, False),
        ({"split": {"method": "time"}}, True),
        ({"split": {"method": "leave_last"}}, True),
        ({"data": {"ratings": "r.csv", "duplicates": "newest"}}, True),
        ({"model": {"user_drift": True}, "training": {"method": "gibbs"}}, True),
        ({"model": {"kind": "svdpp", "user_drift": True}, "training": {"method": "gibbs"}}, True),
    ],
)
def test_a_config_says_whether_anything_uses_times(values: dict[str, Any], uses_times: bool) -> None:
    assert config_from({"data": {"ratings": "r.csv"}, **values}, Path("/")).uses_times == uses_times


def test_a_network_is_fitted_by_adamw_unless_told_otherwise() -> None:
    assert config({"kind": "embedding_net"}).training.method == "adamw"
    with pytest.raises(ConfigError, match="sgd cannot fit embedding_net: adamw can") as caught:
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
        ({"y_range": [0, 5.5]}, "gibbs", "gibbs cannot fit dot_product with y_range: adamw can"),
        ({"biases": False}, "gibbs", "gibbs cannot fit dot_product without biases: sgd and adamw can"),
        ({"kind": "embedding_net"}, "gibbs", "gibbs cannot fit embedding_net: adamw can"),
        ({"kind": "svdpp"}, "adamw", "adamw cannot fit svdpp: sgd and gibbs can"),
        ({"kind": "svdpp", "user_drift": True}, "sgd", "sgd cannot fit svdpp with user_drift: gibbs can"),
        ({"user_drift": True}, "adamw", "adamw cannot fit dot_product with user_drift: gibbs can"),
    ],
)
def test_a_method_that_cannot_fit_the_model_says_which_can(model: dict[str, Any], method: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        config(model, method=method)
    assert caught.value.where == "training.method"


@pytest.mark.parametrize("method", ["sgd", "adamw", "gibbs"])
def test_a_model_that_no_method_can_fit_is_refused_as_such(method: str) -> None:
    with pytest.raises(ConfigError, match="no method fits dot_product with y_range and with user_drift") as caught:
        config({"y_range": [0, 5.5], "user_drift": True}, method=method)
    assert caught.value.where == "model"


def test_a_wrong_value_does_not_change_which_method_is_meant() -> None:
    with pytest.raises(ConfigError, match="too small") as caught:
        config({"y_range": [0, 5.5], "embedding_dim": 0}, batch_size=64)
    assert not caught.value.more


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
