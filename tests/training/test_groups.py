from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.events import silent
from recsys.data.read import read_ratings
from recsys.data.split import Splits, split
from recsys.data.training_inputs import TrainingInputs
from recsys.models.dot_product.settings import DotProduct
from recsys.training.build import build_learner
from recsys.training.groups import layer_groups, peak

METHODS = ["adamw", "sgd"]
PARAMETERS = {"items": ["item_embedding", "item_bias"], "users": ["user_embedding", "user_bias"]}
INFOS = DotProduct().parameters


@pytest.fixture(scope="module")
def splits(small: Callable[..., Config]) -> Splits:
    config = small()
    return split(read_ratings(config.data, ALONE), config.split, config.seed)


def after_an_epoch(config: Config, splits: Splits) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters as they were drawn, and after one epoch."""
    learner = build_learner(*plans(config), TrainingInputs(splits), ALONE)
    fitted: Any = learner
    parameters = fitted._model.arrays if hasattr(fitted._model, "arrays") else fitted._fitted.state()
    before = {name: array.copy() for name, array in parameters.items()}
    learner.epoch(1, silent)
    return before, learner.state(1).model


def test_a_group_has_a_share_of_the_highest_rate() -> None:
    items, users = layer_groups(INFOS, "slice(1e-3)", ())
    assert (items.lr_max, users.lr_max, items.share, users.share) == (1e-3 / 3, 1e-3, (1e-3 / 3) / 1e-3, 1.0)
    assert items.parameters == ("item_embedding", "item_bias")
    assert not items.is_frozen


def test_the_schedule_is_drawn_for_the_highest_rate_that_is_not_frozen() -> None:
    groups = layer_groups(INFOS, (1e-2, 1e-3), ["items"])
    assert peak(groups) == 1e-3
    assert [(group.is_frozen, group.share) for group in groups] == [(True, 0.0), (False, 1.0)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frozen", ["users", "items"])
def test_a_frozen_group_does_not_change_by_a_bit(
    small: Callable[..., Config], splits: Splits, method: str, frozen: str
) -> None:
    before, after = after_an_epoch(small(training={"method": method, "freeze": [frozen]}), splits)
    changed = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert changed == {name for group, names in PARAMETERS.items() if group != frozen for name in names}


@pytest.mark.parametrize("method", METHODS)
def test_a_lower_rate_moves_a_group_less(small: Callable[..., Config], splits: Splits, method: str) -> None:
    def moved(lr_max: Any) -> tuple[float, float]:
        before, after = after_an_epoch(small(training={"method": method, "lr_max": lr_max}), splits)
        items, users = (np.abs(after[name] - before[name]).mean() for name in ("item_bias", "user_bias"))
        return float(items), float(users)

    (items, users), (slow_items, same_users) = moved(0.01), moved([0.001, 0.01])
    assert slow_items < 0.2 * items
    assert same_users == pytest.approx(users, rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_equal_rates_by_list_are_one_rate(small: Callable[..., Config], splits: Splits, method: str) -> None:
    (_, single), (_, listed) = (
        after_an_epoch(small(training={"method": method, "lr_max": lr_max}), splits) for lr_max in (0.01, [0.01, 0.01])
    )
    assert {name: array.tobytes() for name, array in single.items()} == {
        name: array.tobytes() for name, array in listed.items()
    }
