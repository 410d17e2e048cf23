from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from recsys.core.seeding import rng
from recsys.data.interactions import Interactions
from recsys.data.scale import Scale
from recsys.data.vocabulary import Vocabulary
from recsys.models.svdpp import settings as config
from recsys.models.svdpp.arrays import SvdPPArrays
from recsys.models.svdpp.module import SvdPP

SCALE = Scale(mean=3.5, std=1.1, low=0.5, high=5.0)
N_USERS, N_ITEMS, DIM = 6, 5, 3
WITHOUT_RATINGS = {"user": 4, "item": 3}
FORMS: list[dict[str, Any]] = [{"flipped": True}, {"flipped": False}, {"flipped": False, "clip": False}]


def ratings() -> Interactions:
    """User 0 rated one item, user 4 none; item 3 has no ratings."""
    pairs = [(0, 2), (1, 0), (1, 1), (1, 2), (1, 4), (2, 4), (2, 0), (3, 1), (3, 2), (5, 4)]
    user, item = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    rating = np.linspace(0.5, 5, len(pairs), dtype=np.float32)
    return Interactions(user, item, rating, None, Vocabulary(np.arange(N_USERS)), Vocabulary(np.arange(N_ITEMS)))


def model(seed: int = 1, **settings: Any) -> SvdPP:
    """A model with parameters of size 1, as after training."""
    built = SvdPP(ratings(), config.SvdPP(embedding_dim=DIM, **settings), SCALE, seed)
    draw = rng(seed, "as trained")
    for parameter in built.parameters():
        parameter.data = torch.from_numpy(draw.normal(0, 0.7, tuple(parameter.shape)).astype(np.float32))
    return built


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Every user with every item, some pairs twice."""
    user, item = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)
    return torch.from_numpy(np.append(user, user[:6])), torch.from_numpy(np.append(item, item[:6]))


def with_implicit(own: Any, implicit: Any, met: list[Any]) -> Any:
    """own + |N|^-½ Σ implicit, a row at a time."""
    sums = [implicit[near].sum(axis=0) / max(len(near), 1) ** 0.5 for near in met]
    return own + np.array(sums)


@pytest.mark.parametrize("form", FORMS)
def test_the_output_is_the_formula(form: dict[str, Any]) -> None:
    module, train = model(**form), ratings()
    array = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    items_of = [train.item_idx[train.user_idx == u] for u in range(N_USERS)]
    users_of = [train.user_idx[train.item_idx == i] for i in range(N_ITEMS)]
    p = with_implicit(array["user_embedding"], array["item_implicit"], items_of)
    b_user = with_implicit(array["user_bias"], array["item_implicit_bias"], items_of)
    q, b_item = array["item_embedding"], array["item_bias"]
    if form["flipped"]:
        q = with_implicit(q, array["user_implicit"], users_of)
        b_item = with_implicit(b_item, array["user_implicit_bias"], users_of)
    user, item = pairs()
    expected = 3.5 + 1.1 * (b_user[user] + b_item[item] + (p[user] * q[item]).sum(axis=1))
    np.testing.assert_allclose(module(user, item).detach().numpy(), expected, rtol=1e-5, atol=1e-5)


def test_who_rated_nothing_has_the_own_row_alone() -> None:
    module = model()
    for role, row in (("user", 4), ("item", 3)):
        rows, biases = module.effective(role)
        assert torch.equal(rows[row], module.get_parameter(f"{role}_embedding")[row])
        assert torch.equal(biases[row], module.get_parameter(f"{role}_bias")[row])


def test_parameters_have_the_names_and_shapes_of_the_contract() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in model(flipped=False).state_dict().items()}
    users, items = (N_USERS, DIM), (N_ITEMS, DIM)
    plain = {"user_embedding": users, "item_embedding": items, "user_bias": (N_USERS,), "item_bias": (N_ITEMS,)}
    plain |= {"item_implicit": items, "item_implicit_bias": (N_ITEMS,)}
    assert shapes == plain
    flipped = {name: tuple(tensor.shape) for name, tensor in model(flipped=True).state_dict().items()}
    assert flipped == plain | {"user_implicit": users, "user_implicit_bias": (N_USERS,)}


def test_every_parameter_is_in_one_layer_group() -> None:
    groups = {parameter.name: parameter.group for parameter in config.SvdPP(flipped=True).parameters}
    parts = ("embedding", "bias", "implicit", "implicit_bias")
    assert groups == {f"{role}_{part}": f"{role}s" for role in ("item", "user") for part in parts}


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
    """As it is in training, where each user is among the raters of the item already."""
    module = model(**form)
    user, item = pairs()
    output = module(user, item).detach().numpy()
    if module.settings.clip:
        output = output.clip(SCALE.low, SCALE.high)
    rating = module.scorer().without_raters().rate(user.numpy().astype(np.int32), item.numpy().astype(np.int32))
    has_ratings = (user.numpy() != WITHOUT_RATINGS["user"]) & (item.numpy() != WITHOUT_RATINGS["item"])
    assert np.abs(rating - output)[has_ratings].max() < 1e-5 * SCALE.std


@pytest.mark.parametrize("flipped", [True, False])
@pytest.mark.parametrize("dim", [1, 3, 16, 20, 65])
def test_without_torch_the_sums_have_the_same_bits(dim: int, flipped: bool) -> None:
    draw = rng(dim, "pairs")
    user, item = np.divmod(draw.permutation(300 * 40)[:4000], 40)
    rating = draw.normal(0, 1, 4000).astype(np.float32)
    vocabularies = Vocabulary(np.arange(300)), Vocabulary(np.arange(40))
    train = Interactions(user.astype(np.int32), item.astype(np.int32), rating, None, *vocabularies)
    settings = config.SvdPP(embedding_dim=dim, flipped=flipped)
    module, arrays = SvdPP(train, settings, SCALE, 1), SvdPPArrays.drawn(train, settings, SCALE, 1)
    assert [*module.state_dict()] == [*arrays.arrays]
    for name, array in arrays.arrays.items():
        np.testing.assert_array_equal(module.state_dict()[name].numpy(), array)
        array[:] = draw.normal(0, 1, array.shape)
        module.get_parameter(name).data = torch.from_numpy(array)
    for role in arrays.neighbours:
        for tensor, sums in zip(module.implicit_sums(role), arrays.implicit_sums(role), strict=True):
            assert tensor.detach().contiguous().numpy().tobytes() == sums.tobytes()


def test_the_scorers_last_row_is_the_mean_of_those_with_ratings() -> None:
    factors = model().scorer()
    for role, arrays in (
        ("user", (factors.user_bias, factors.user_factors)),
        ("item", (factors.item_bias, factors.item_factors)),
    ):
        for rows in arrays:
            others = np.delete(rows[:-1], WITHOUT_RATINGS[role], axis=0)
            np.testing.assert_allclose(rows[-1], others.mean(axis=0), atol=1e-6)
            np.testing.assert_array_equal(rows[WITHOUT_RATINGS[role]], rows[-1])


def test_training_starts_near_the_mean_and_depends_on_the_seed() -> None:
    settings = config.SvdPP(embedding_dim=DIM)
    first, again, other = (SvdPP(ratings(), settings, SCALE, seed) for seed in (1, 1, 2))
    user, item = pairs()
    assert (first(user, item) - SCALE.mean).abs().max() < 0.01
    assert torch.equal(first.item_implicit, again.item_implicit)
    assert not torch.equal(first.item_implicit, other.item_implicit)
    assert not torch.equal(first.item_implicit, first.item_embedding)
