"""How an embedding net is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.loading.load import config_from
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.interactions import Counted
from recsys.data.read import read_ratings
from recsys.data.split import Splits, split
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.models.embedding_net.module import EmbeddingNet
from recsys.models.embedding_net.settings import EmbeddingNet as EmbeddingNetConfig
from recsys.training.adamw.build import network_defaults, resolve
from recsys.training.adamw.settings import AdamW
from recsys.training.build import build_learner
from recsys.training.loop import fit

CHANGES: dict[str, dict[str, Any]] = {
    "user_dim": {"user_dim": 6},
    "item_dim": {"item_dim": 6},
    "layers": {"layers": [8]},
    "no layers": {"layers": []},
    "batch_norm": {"batch_norm": False},
    "dropout": {"dropout": 0.2},
    "embedding_dropout": {"embedding_dropout": 0.2},
    "y_range": {"y_range": [0, 6]},
}
STILL = {"kind": "embedding_net", "dropout": 0.0, "embedding_dropout": 0.0}


@pytest.fixture(scope="module")
def splits(small: Callable[..., Config]) -> Splits:
    config = small()
    return split(read_ratings(config.data, ALONE), config.split, config.seed)


def trained(config: Config, splits: Splits) -> Array:
    """Every rating that the network of a config predicts."""
    learner = build_learner(plans(config)[0], TrainingInputs(splits), ALONE)
    for _ in fit(learner):
        pass
    users, items = np.divmod(np.arange(40 * 50, dtype=np.int32), 50)
    return learner.scorer().rate(users, items)


@pytest.fixture(scope="module")
def unchanged(small: Callable[..., Config], splits: Splits) -> Array:
    return trained(small(model=STILL), splits)


@pytest.mark.parametrize("name", CHANGES)
def test_every_hyperparameter_changes_the_result(
    small: Callable[..., Config], splits: Splits, unchanged: Array, name: str
) -> None:
    changed = trained(small(model=STILL | CHANGES[name]), splits)
    assert np.abs(changed - unchanged).max() > 1e-3


def test_the_same_config_gives_the_same_bits(small: Callable[..., Config], splits: Splits) -> None:
    config = small(model={"kind": "embedding_net", "dropout": 0.2, "embedding_dropout": 0.2})
    np.testing.assert_array_equal(trained(config, splits), trained(config, splits))


def test_the_bits_do_not_depend_on_the_threads(small: Callable[..., Config], splits: Splits) -> None:
    scores = [trained(small(model=STILL, training={"n_threads": n}), splits) for n in (1, 2, 3, 4)]
    for other in scores[1:]:
        np.testing.assert_array_equal(other, scores[0])


def test_a_last_batch_of_one_is_trained_on(small: Callable[..., Config], splits: Splits) -> None:
    training = {"batch_size": len(splits.train) - 1}
    assert np.isfinite(trained(small(model=STILL, training=training), splits)).all()


@pytest.mark.slow
def test_planted_ratings_are_recovered(planted: Any) -> None:
    model = {"kind": "embedding_net", "user_dim": 8, "item_dim": 8, "layers": [64, 32], "embedding_dropout": 0.0}
    training = {"method": "adamw", "n_epochs": 30, "batch_size": 256, "lr_max": 0.02, "weight_decay": 0.1}
    config = config_from({"data": {"ratings": "-"}, "model": model, "training": training}, Path.cwd())
    splits = split(planted.dataset, config.split, seed=1)
    learner = build_learner(plans(config)[0], TrainingInputs(splits), ALONE)
    for _ in fit(learner):
        pass
    assert splits.test is not None
    rmse = evaluate(learner.scorer(), splits.test).metrics["rmse"]
    assert evaluate(baselines.biases(splits.train), splits.test).metrics["rmse"] > 4 * planted.noise
    assert rmse < 1.6 * planted.noise


def test_auto_of_a_network_follows_the_ratings_of_a_row_and_spares_its_layers() -> None:
    dense, sparse = (resolve(AdamW(), 80_000, network_defaults(80_000, n_rows)) for n_rows in (2_000, 8_000))
    assert dense.lr_max == pytest.approx(1e-3 * (512 / 256) ** 0.375)
    assert isinstance(dense.weight_decay, float)
    assert isinstance(dense.lr_max, float)
    assert dense.weight_decay * dense.lr_max * 157 == pytest.approx(45 * 2_000 / 80_000)
    assert sparse.weight_decay == pytest.approx(4 * dense.weight_decay)
    assert (dense.bias_weight_decay, sparse.bias_weight_decay) == (0, 0)
    method = AdamW(bias_weight_decay=0.3)
    assert resolve(method, 80_000, network_defaults(80_000, 2_000)).bias_weight_decay == 0.3


def test_weight_decay_is_that_of_the_embeddings_and_bias_weight_decay_that_of_the_layers(
    small: Callable[..., Config], splits: Splits
) -> None:
    config = small(model=STILL, training={"weight_decay": 0.5, "bias_weight_decay": 0.25})
    learner: Any = build_learner(plans(config)[0], TrainingInputs(splits), ALONE)
    decays = [group["weight_decay"] for group in learner._optimizer.param_groups]
    assert decays == [0.5 if name.endswith("embedding") else 0.25 for name, _ in learner._model.named_parameters()]


def test_a_network_that_starts_from_another_keeps_its_dims_however_many_users_there_are(
    small: Callable[..., Config], splits: Splits
) -> None:
    draw = rng(1, "earlier")
    first = EmbeddingNet(Counted.every(900, 800), EmbeddingNetConfig(), splits.train.scale, seed=3)
    parameters = {name: tensor.detach().numpy() for name, tensor in first.state_dict().items()}
    rows = {"user": draw.permutation(900)[:40].astype(np.int32), "item": draw.permutation(800)[:50].astype(np.int32)}
    config = config_from({"data": {"ratings": "-"}, "model": {"kind": "embedding_net"}}, Path.cwd())
    start = WarmStart(
        {"rating": parameters},
        rows,
        splits.train.scale,
        splits.train.take(slice(0, 0)),
        None,
        None,
        None,
        replays_all=False,
    )
    scorer: Any = build_learner(plans(config)[0], TrainingInputs(splits, warm_start=start), ALONE).scorer()
    for role in ("user", "item"):
        name = f"{role}_embedding"
        np.testing.assert_array_equal(getattr(scorer, name)[:-1], parameters[name][rows[role]])
