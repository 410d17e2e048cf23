from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.types import Array
from recsys.data.read import read_ratings
from recsys.data.split import Splits, split
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.training.build import build_learner
from recsys.training.loop import fit

CHANGES: dict[str, dict[str, Any]] = {
    "batch_size": {"training": {"batch_size": 32}},
    "lr_max": {"training": {"lr_max": 0.02}},
    "weight_decay": {"training": {"weight_decay": 0.5}},
    "bias_weight_decay": {"training": {"bias_weight_decay": 0.5}},
    "pct_start": {"training": {"pct_start": 0.4}},
    "div_factor": {"training": {"div_factor": 10.0}},
    "final_div_factor": {"training": {"final_div_factor": 10.0}},
    "flat_cosine": {"training": {"schedule": "flat_cosine"}},
    "constant": {"training": {"schedule": "constant"}},
    "n_epochs": {"training": {"n_epochs": 3}},
    "slice": {"training": {"lr_max": "slice(0.02)"}},
    "spread": {"training": {"lr_max": "slice(0.001, 0.02)"}},
    "list": {"training": {"lr_max": [0.02, 0.002]}},
    "freeze": {"training": {"freeze": ["items"]}},
    "embedding_dim": {"model": {"embedding_dim": 3}},
    "biases": {"model": {"biases": False}},
    "y_range": {"model": {"y_range": [0, 5.5]}},
    "seed": {"seed": 43},
}
MORE = {"embedding_dim 5": {"model": {"embedding_dim": 5}}}  # in the slow tier: a kernel is compiled for each dim
SGD = [name for name in CHANGES if name not in ("batch_size", "y_range")]
SVDPP = {
    **{name: CHANGES[name] for name in SGD if name != "biases"},
    "implicit_weight_decay": {"training": {"implicit_weight_decay": 0.5}},
    "flipped": {"model": {"flipped": False}},
}
SVDPP_BY_SGD = {"model": {"kind": "svdpp"}, "training": {"method": "sgd"}}


@pytest.fixture(scope="module")
def splits(small: Callable[..., Config]) -> Splits:
    config = small()
    return split(read_ratings(config.data, ALONE), config.split, config.seed)


def trained(config: Config, splits: Splits) -> Array:
    """Every rating that the model of a config predicts."""
    learner = build_learner(*plans(config), TrainingInputs(splits), ALONE)
    for _ in fit(learner):
        pass
    users, items = np.divmod(np.arange(40 * 50, dtype=np.int32), 50)
    return learner.scorer().rate(users, items)


@pytest.fixture(scope="module")
def unchanged(small: Callable[..., Config], splits: Splits) -> dict[str, Array]:
    return {method: trained(small(training={"method": method}), splits) for method in ("adamw", "sgd")}


@pytest.mark.parametrize(
    ("method", "name"),
    [
        *(("adamw", name) for name in CHANGES),
        *(("sgd", name) for name in SGD),
        *(pytest.param(method, "embedding_dim 5", marks=pytest.mark.slow) for method in ("adamw", "sgd")),
    ],
)
def test_every_hyperparameter_changes_the_result(
    small: Callable[..., Config],
    splits: Splits,
    unchanged: dict[str, Array],
    method: str,
    name: str,
) -> None:
    changes = (CHANGES | MORE)[name]
    sections = {**changes, "training": {"method": method, **changes.get("training", {})}}
    assert np.abs(trained(small(**sections), splits) - unchanged[method]).max() > 1e-4


@pytest.fixture(scope="module")
def svdpp_unchanged(small: Callable[..., Config], splits: Splits) -> Array:
    return trained(small(**SVDPP_BY_SGD), splits)


@pytest.mark.parametrize("name", [*SVDPP, pytest.param("embedding_dim 5", marks=pytest.mark.slow)])
def test_every_hyperparameter_of_svdpp_by_sgd_changes_the_result(
    small: Callable[..., Config], splits: Splits, svdpp_unchanged: Array, name: str
) -> None:
    other = dict((SVDPP | MORE)[name])
    changed = {**other, **{key: {**SVDPP_BY_SGD[key], **other.get(key, {})} for key in SVDPP_BY_SGD}}
    assert np.abs(trained(small(**changed), splits) - svdpp_unchanged).max() > 1e-4


def test_svdpp_counts_what_was_rated_in_earlier_runs_too(small: Callable[..., Config], splits: Splits) -> None:
    config = small(model={"kind": "svdpp"}, training={"method": "sgd"})
    half = len(splits.train) // 2
    first, second = (splits.train.take(rows) for rows in (slice(0, half), slice(half, None)))
    whole = build_learner(*plans(config), TrainingInputs(splits), ALONE)
    parameters = {name: array.copy() for name, array in whole.state(0).model.items()}
    rows = {role: np.arange(n, dtype=np.int32) for role, n in (("user", len(first.users)), ("item", len(first.items)))}
    start = WarmStart({"rating": parameters}, rows, splits.train.scale, first, None, None, None, replays_all=False)
    continued = build_learner(*plans(config), TrainingInputs(replace(splits, train=second), warm_start=start), ALONE)
    factors = [learner.scorer() for learner in (whole, continued)]
    np.testing.assert_allclose(factors[0].user_factors, factors[1].user_factors, rtol=1e-5)
    assert continued.n_ratings == len(splits.train) - half


def test_clip_changes_what_leaves_the_scale(small: Callable[..., Config], splits: Splits) -> None:
    wild = {"method": "sgd", "n_epochs": 60, "weight_decay": 0.0, "schedule": "constant"}
    clipped, free = (trained(small(model={"clip": clip}, training=wild), splits) for clip in (True, False))
    assert (clipped.min(), clipped.max()) == (0.5, 5.0)
    assert free.max() > 5.1
    np.testing.assert_array_equal(clipped, free.clip(0.5, 5.0))


@pytest.mark.parametrize("method", ["adamw", "sgd"])
def test_the_same_config_gives_the_same_bits(
    small: Callable[..., Config], splits: Splits, unchanged: dict[str, Array], method: str
) -> None:
    np.testing.assert_array_equal(trained(small(training={"method": method}), splits), unchanged[method])


@pytest.mark.parametrize("method", ["adamw", "sgd"])
def test_settings_show_what_auto_became(small: Callable[..., Config], splits: Splits, method: str) -> None:
    settings = build_learner(
        *plans(small(training={"method": method, "lr_max": "auto"})), TrainingInputs(splits), ALONE
    ).settings()
    assert all(isinstance(settings[key], float) for key in ("lr_max", "weight_decay", "bias_weight_decay"))


@pytest.mark.parametrize("method", ["adamw", "sgd"])
def test_settings_leave_out_the_threads_on_which_nothing_depends(
    small: Callable[..., Config], splits: Splits, method: str
) -> None:
    assert (
        "n_threads"
        not in build_learner(*plans(small(training={"method": method})), TrainingInputs(splits), ALONE).settings()
    )
