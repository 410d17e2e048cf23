from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from recsys.core.events import Event, Step, silent
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.models.dot_product import settings as model_config
from recsys.models.dot_product.module import DotProduct
from recsys.training.adamw.build import resolve
from recsys.training.adamw.learner import AdamWLearner
from recsys.training.adamw.settings import AdamW
from recsys.training.schedule import one_cycle

BETA2, EPS = 0.99, 1e-5


@pytest.fixture
def ratings(rated: Callable[..., Interactions]) -> Interactions:
    return rated([(u, i, float((3 * u + 2 * i) % 5 + 1)) for u in range(6) for i in range(5) if (u + i) % 4])


def learner(ratings: Interactions, y_range: tuple[float, float] | None = None, **settings: Any) -> AdamWLearner:
    form = model_config.DotProduct(embedding_dim=3, y_range=y_range)
    model = DotProduct(ratings.counted, form, ratings.scale, 1)
    method = AdamW.model_validate({"n_epochs": 5, **settings})
    return AdamWLearner(model, ratings, resolve(method, len(ratings)), 1)


@pytest.mark.parametrize("y_range", [None, (0.0, 5.5)])
def test_steps_equal_adamw_written_by_hand(ratings: Interactions, y_range: tuple[float, float] | None) -> None:
    settings = {"batch_size": len(ratings), "lr_max": 0.1, "weight_decay": 0.5, "bias_weight_decay": 0.2}
    adamw = learner(ratings, y_range, **settings)
    parameters = {name: p.detach().numpy().astype(np.float64) for name, p in adamw._model.named_parameters()}
    moments = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in parameters.items()}
    schedule = one_cycle(5, 0.1, steps_per_epoch=1)
    for epoch in range(1, 6):
        squares, slopes = by_hand(parameters, ratings, y_range)
        lr, beta1 = schedule.lr[epoch - 1], schedule.momentum[epoch - 1]
        for name, slope in slopes.items():
            decay = 0.2 if name.endswith("bias") else 0.5
            mean, square = moments[name]
            mean = beta1 * mean + (1 - beta1) * slope
            square = BETA2 * square + (1 - BETA2) * slope**2
            moments[name] = mean, square
            parameters[name] *= 1 - lr * decay
            parameters[name] -= lr * (mean / (1 - beta1**epoch)) / (np.sqrt(square / (1 - BETA2**epoch)) + EPS)
        done = adamw.epoch(epoch, silent)
        assert done.lr == lr
        assert done.train["rmse"] == pytest.approx(math.sqrt(squares), rel=1e-5)
    for name, expected in parameters.items():
        np.testing.assert_allclose(adamw.state(5).model[name], expected, rtol=1e-3, atol=1e-5, err_msg=name)


def by_hand(
    p: dict[str, Any], ratings: Interactions, y_range: tuple[float, float] | None
) -> tuple[float, dict[str, Array]]:
    """Mean squared error in rating units, and the gradient of the standardised loss."""
    scale, u, i = ratings.scale, ratings.user_idx, ratings.item_idx
    total = p["user_bias"][u] + p["item_bias"][i] + (p["user_embedding"][u] * p["item_embedding"][i]).sum(axis=1)
    if y_range is None:
        predicted, inner = scale.mean + scale.std * total, np.full(len(u), scale.std)
    else:
        share = 1 / (1 + np.exp(-total))
        predicted, inner = y_range[1] * share, y_range[1] * share * (1 - share)
    error = predicted - ratings.rating
    slope = 2 * error * inner / scale.std**2 / len(u)
    slopes = {name: np.zeros_like(values) for name, values in p.items()}
    np.add.at(slopes["user_bias"], u, slope)
    np.add.at(slopes["item_bias"], i, slope)
    np.add.at(slopes["user_embedding"], u, slope[:, None] * p["item_embedding"][i])
    np.add.at(slopes["item_embedding"], i, slope[:, None] * p["user_embedding"][u])
    return float(np.mean(error**2)), slopes


def test_each_rating_is_seen_once_an_epoch_in_another_order(ratings: Interactions) -> None:
    adamw = learner(ratings, batch_size=4)
    seen: list[list[tuple[int, int, float]]] = []
    step = adamw._step

    def watch(user: torch.Tensor, item: torch.Tensor, rating: torch.Tensor) -> torch.Tensor:
        seen[-1] += zip(user.tolist(), item.tolist(), rating.tolist(), strict=True)
        return step(user, item, rating)

    adamw._step = watch  # type: ignore[method-assign]
    for epoch in (1, 2):
        seen.append([])
        adamw.epoch(epoch, silent)
    rows = list(zip(ratings.user_idx.tolist(), ratings.item_idx.tolist(), ratings.rating.tolist(), strict=True))
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(rows)
    assert seen[0] != seen[1] != rows


def test_train_rmse_weighs_a_short_last_batch_by_its_ratings(ratings: Interactions) -> None:
    adamw = learner(ratings, batch_size=len(ratings) - 1, lr_max=1e-12)  # so small that nothing moves
    rating = adamw.scorer().rate(ratings.user_idx, ratings.item_idx)
    expected = float(np.sqrt(np.mean((rating - ratings.rating) ** 2)))
    assert adamw.epoch(1, silent).train["rmse"] == pytest.approx(expected, rel=1e-5)


def test_an_observer_hears_of_steps_inside_an_epoch(ratings: Interactions) -> None:
    events: list[Event] = []
    learner(ratings, batch_size=4).epoch(2, events.append)
    assert all(isinstance(event, Step) and (event.epoch, event.n_epochs) == (2, 5) for event in events)
    done = [event.done for event in events if isinstance(event, Step)]
    assert done == sorted(done)
    assert 0 < done[0] <= 4
    assert done[-1] <= len(ratings)
    squares = [event.squares for event in events if isinstance(event, Step)]
    assert squares == sorted(squares)


@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_restored_learner_goes_on_as_if_nothing_had_happened(ratings: Interactions, after: int) -> None:
    whole, second = learner(ratings, batch_size=4), learner(ratings, batch_size=4)
    for epoch in range(1, 6):
        whole.epoch(epoch, silent)
        if epoch == after:
            second.restore(copied(whole.state(after)))
    for epoch in range(after + 1, 6):
        second.epoch(epoch, silent)
    for name, array in whole.state(5).model.items():
        np.testing.assert_array_equal(array, second.state(5).model[name])
    for name, array in whole.state(5).learner.items():
        np.testing.assert_array_equal(array, second.state(5).learner[name])


def copied(state: Any) -> Any:
    parts = ({name: array.copy() for name, array in part.items()} for part in (state.model, state.learner))
    return type(state)(state.epoch, *parts)


def test_threads_are_given_back_after_an_epoch(ratings: Interactions) -> None:
    before = torch.get_num_threads()
    learner(ratings, n_threads=before + 1).epoch(1, silent)
    assert torch.get_num_threads() == before


def test_auto_keeps_decay_times_rate_times_steps_at_one() -> None:
    for n_ratings in (1_000, 100_000, 20_000_000):
        settings = resolve(AdamW(), n_ratings)
        steps = math.ceil(n_ratings / settings.batch_size)  # type: ignore[operator]
        assert settings.lr_max * settings.weight_decay * steps == pytest.approx(1)  # type: ignore[operator]
        assert settings.bias_weight_decay == pytest.approx(settings.weight_decay / 10)  # type: ignore[operator]
        assert "auto" not in {
            getattr(settings, key) for key in ("n_epochs", "batch_size", "lr_max", "n_threads", "device")
        }


def test_auto_epochs_fall_with_the_ratings() -> None:
    assert [resolve(AdamW(), n).n_epochs for n in (1_000, 100_000, 300_000, 1_000_000, 20_000_000)] == [15, 15, 9, 5, 4]


def test_auto_batches_are_powers_of_two_that_grow_with_the_ratings() -> None:
    sizes = [resolve(AdamW(), n).batch_size for n in (10, 1_000, 100_000, 20_000_000)]
    assert sizes == [64, 64, 512, 65_536]


def test_what_was_asked_for_is_kept() -> None:
    keys = {"batch_size": 64, "lr_max": 5e-3, "weight_decay": 0.1, "bias_weight_decay": 0.3, "n_threads": 2}
    settings = resolve(AdamW.model_validate(keys), 90_000)
    assert {key: getattr(settings, key) for key in keys} == keys


def test_one_thread_is_enough_for_small_batches() -> None:
    assert resolve(AdamW(batch_size=64), 90_000).n_threads == 1


def test_batches_that_threads_share_give_the_same_bits(rated: Callable[..., Interactions]) -> None:
    """PyTorch adds up more than 32,768 numbers with several threads."""
    small = rated([(u, i, float((3 * u + 2 * i) % 5 + 1)) for u in range(60) for i in range(50)])
    many = small.take(np.arange(70_000) * 7 % len(small))
    states = []
    for n_threads in (1, 2, 4):
        adamw = learner(many, batch_size=66_000, n_threads=n_threads)
        rmse = adamw.epoch(1, silent).train["rmse"]
        states.append((rmse, [array.tobytes() for array in adamw.state(1).model.values()]))
    assert states[0] == states[1] == states[2]
