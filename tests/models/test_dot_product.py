from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from recsys.core.seeding import rng
from recsys.data.interactions import Counted
from recsys.data.scale import Scale
from recsys.models.dot_product import settings as config
from recsys.models.dot_product.module import DotProduct

SCALE = Scale(mean=3.5, std=1.1, low=0.5, high=5.0)
N_USERS, N_ITEMS, DIM = 7, 5, 3
EVERY = Counted.every(N_USERS, N_ITEMS)
FORMS: list[dict[str, Any]] = [
    {},
    {"biases": False},
    {"y_range": (0.0, 5.5)},
    {"y_range": (0.0, 5.5), "biases": False},
    {"clip": False},
]


def model(seed: int = 1, **settings: Any) -> DotProduct:
    """A model with parameters of size 1, as after training."""
    built = DotProduct(EVERY, config.DotProduct(embedding_dim=DIM, **settings), SCALE, seed)
    draw = rng(seed, "as trained")
    for parameter in built.parameters():
        parameter.data = torch.from_numpy(draw.normal(0, 0.7, tuple(parameter.shape)).astype(np.float32))
    built.global_mean[:] = 0.3
    return built


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Every user with every item, some pairs twice."""
    user, item = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)
    return torch.from_numpy(np.append(user, user[:6])), torch.from_numpy(np.append(item, item[:6]))


@pytest.mark.parametrize("form", FORMS)
def test_the_output_is_the_formula(form: dict[str, Any]) -> None:
    module = model(**form)
    user, item = pairs()
    p, q = module.user_embedding.detach().numpy(), module.item_embedding.detach().numpy()
    total = 0.3 + (p[user] * q[item]).sum(axis=1)
    if module.user_bias is not None and module.item_bias is not None:
        total += module.user_bias.detach().numpy()[user] + module.item_bias.detach().numpy()[item]
    expected = 5.5 / (1 + np.exp(-total)) if "y_range" in form else 3.5 + 1.1 * total
    np.testing.assert_allclose(module(user, item).detach().numpy(), expected, rtol=1e-5)


def test_parameters_have_the_names_and_shapes_of_the_contract() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in model().state_dict().items()}
    assert shapes == {
        "user_embedding": (N_USERS, DIM),
        "item_embedding": (N_ITEMS, DIM),
        "user_bias": (N_USERS,),
        "item_bias": (N_ITEMS,),
        "global_mean": (1,),
    }
    assert "user_bias" not in model(biases=False).state_dict()


@pytest.mark.parametrize("form", FORMS)
def test_gradients_equal_finite_differences(form: dict[str, Any]) -> None:
    module = model(**form).double()
    user, item = pairs()
    target = torch.linspace(1, 5, len(user), dtype=torch.float64)

    def loss() -> torch.Tensor:
        return F.mse_loss(module(user, item), target)

    loss().backward()
    step = 1e-6
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None
        flat, slope = parameter.data.view(-1), parameter.grad.view(-1)
        for at in range(len(flat)):
            middle = float(flat[at])
            flat[at] = middle + step
            above = float(loss().detach())
            flat[at] = middle - step
            below = float(loss().detach())
            flat[at] = middle
            assert float(slope[at]) == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8), name


@pytest.mark.parametrize("form", FORMS)
def test_the_scorer_equals_the_module_in_rating_units(form: dict[str, Any]) -> None:
    module = model(**form)
    user, item = pairs()
    output = module(user, item).detach().numpy()
    if module.settings.clip and module.settings.y_range is None:
        output = output.clip(SCALE.low, SCALE.high)
    rating = module.scorer().rate(user.numpy().astype(np.int32), item.numpy().astype(np.int32))
    assert np.abs(rating - output).max() < 1e-5 * SCALE.std


def test_without_clip_a_rating_may_leave_the_scale() -> None:
    users = np.repeat(np.arange(N_USERS, dtype=np.int32), N_ITEMS)
    items = np.tile(np.arange(N_ITEMS, dtype=np.int32), N_USERS)
    assert model(clip=False).scorer().rate(users, items).max() > SCALE.high
    assert model(clip=True).scorer().rate(users, items).max() == SCALE.high


@pytest.mark.parametrize("form", FORMS)
def test_the_scorers_last_row_is_the_mean_of_the_others(form: dict[str, Any]) -> None:
    factors = model(**form).scorer()
    for rows in (factors.user_bias, factors.item_bias, factors.user_factors, factors.item_factors):
        np.testing.assert_allclose(rows[-1], rows[:-1].mean(axis=0), atol=1e-6)


def test_training_starts_near_the_mean_and_depends_on_the_seed() -> None:
    settings = config.DotProduct(embedding_dim=DIM)
    first, again, other = (DotProduct(EVERY, settings, SCALE, seed) for seed in (1, 1, 2))
    user, item = pairs()
    assert (first(user, item) - SCALE.mean).abs().max() < 0.01
    assert torch.equal(first.user_embedding, again.user_embedding)
    assert not torch.equal(first.user_embedding, other.user_embedding)
    assert not torch.equal(first.user_embedding[:N_ITEMS], first.item_embedding)


def test_building_a_model_leaves_torchs_own_generator_alone() -> None:
    before = torch.get_rng_state()
    model()
    assert torch.equal(torch.get_rng_state(), before)
