"""Looking up the rows of an embedding is a product with a one-hot matrix (docs/lesson.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from recsys.core.seeding import rng
from recsys.data.interactions import Counted
from recsys.data.scale import Scale
from recsys.models.dot_product.module import DotProduct
from recsys.models.dot_product.settings import DotProduct as DotProductSettings
from recsys.models.embedding_net.module import EmbeddingNet
from recsys.models.embedding_net.settings import EmbeddingNet as EmbeddingNetSettings

SCALE = Scale(mean=3.5, std=1.1, low=0.5, high=5.0)
N_USERS, N_ITEMS = 7, 5
Model = DotProduct | EmbeddingNet
FORMS: list[DotProductSettings | EmbeddingNetSettings] = [
    DotProductSettings(embedding_dim=6),
    DotProductSettings(embedding_dim=6, biases=False),
    DotProductSettings(embedding_dim=6, y_range=(0.0, 5.5)),
    EmbeddingNetSettings(user_dim=4, item_dim=6, layers=(8,), dropout=0, embedding_dropout=0),
]
EACH_ROW_ONCE = [0, 3, 5], [4, 1, 2]
ROWS_AGAIN = [0, 3, 5, 3, 0, 3, 6, 1, 2], [4, 1, 2, 2, 4, 2, 0, 3, 1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pairs", [EACH_ROW_ONCE, ROWS_AGAIN])
def test_the_output_of_a_lookup_is_that_of_the_product_bit_for_bit(form: Any, pairs: tuple[list[int], ...]) -> None:
    """A row of the product is 1 times the row, plus zeros."""
    looked_up, multiplied = outputs(built(form), built(form), pairs)
    assert torch.equal(looked_up, multiplied)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("pairs", "tolerance"), [(EACH_ROW_ONCE, 0.0), (ROWS_AGAIN, 1e-6)])
def test_the_gradients_are_equal_too(form: Any, pairs: tuple[list[int], ...], tolerance: float) -> None:
    """Bit for bit where no row occurs twice; else the two add up its gradients in another order."""
    first, second = built(form), built(form)
    for output in outputs(first, second, pairs):
        (output * torch.linspace(-1, 2, len(output))).sum().backward()  # type: ignore[no-untyped-call]
    for (name, parameter), other in zip(first.named_parameters(), second.parameters(), strict=True):
        assert parameter.grad is not None
        assert other.grad is not None
        assert parameter.grad.abs().max() > 0, name
        np.testing.assert_allclose(parameter.grad, other.grad, rtol=tolerance, atol=tolerance, err_msg=name)


def outputs(looked_up: Model, multiplied: Model, pairs: tuple[list[int], ...]) -> tuple[Tensor, Tensor]:
    """What forward gives for the pairs, and what it gives for one-hot rows in place of lookups."""
    user, item = (torch.tensor(idx) for idx in pairs)
    return looked_up(user, item), by_product(multiplied, user, item)


def by_product(model: Model, user: Tensor, item: Tensor) -> Tensor:
    """The formula in the docstring of each model, with a product for each lookup."""
    users, items = one_hot(user, N_USERS).float(), one_hot(item, N_ITEMS).float()
    p, q = users @ model.user_embedding, items @ model.item_embedding
    if isinstance(model, EmbeddingNet):
        activations = torch.cat([p, q], dim=1)
        for layer in model.hidden:
            activations = layer(activations)
        low, high = model.y_range
        return low + (high - low) * torch.sigmoid(model.head(activations).squeeze(1))
    total = (p * q).sum(dim=1) + model.global_mean
    if model.user_bias is not None and model.item_bias is not None:
        total = total + users @ model.user_bias + items @ model.item_bias
    if model.settings.y_range is None:
        return SCALE.mean + SCALE.std * total
    return 5.5 * torch.sigmoid(total)


def built(form: DotProductSettings | EmbeddingNetSettings) -> Model:
    """A model with parameters of size 1, as after training."""
    kind = DotProduct if isinstance(form, DotProductSettings) else EmbeddingNet
    model: Model = kind(Counted.every(N_USERS, N_ITEMS), form, SCALE, seed=1)  # type: ignore[arg-type]
    draw = rng(1, "as trained")
    for parameter in model.parameters():
        parameter.data = torch.from_numpy(draw.normal(0, 0.7, tuple(parameter.shape)).astype(np.float32))
    return model
