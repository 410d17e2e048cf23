from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.features.kind import Role
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Counted
from recsys.data.scale import Scale
from recsys.models.embedding_net import settings as config
from recsys.models.embedding_net.module import EmbeddingNet
from recsys.models.torch_layers import Affine, Dropout, Norm, seed_dropout
from recsys.scoring.new_rows import NewRows

SCALE = Scale(mean=3.5, std=1.1, low=1.0, high=5.0)
N_USERS, N_ITEMS = 5, 4
EVERY = Counted.every(N_USERS, N_ITEMS)
FORMS: list[dict[str, Any]] = [
    {"batch_norm": False},
    {"batch_norm": True},
    {"layers": ()},
    {"layers": (6,), "y_range": (-10.0, 10.0), "dropout": 0.4},
    {"layers": (7, 6, 5), "dropout": 0.2, "embedding_dropout": 0.3},
]


OF_ITEMS = FeatureMatrix(np.array([0, 2, 2, 3, 5]), np.int32([0, 2, 1, 0, 1]), np.float32([1, -2, 0.5, 3, 1]), 3)
OF_USERS = FeatureMatrix(np.arange(6), np.int32([0, 1, 0, 1, 0]), np.float32([1, 1, 2, -1, 0]), 2)
NOTHING: Mapping[Role, FeatureMatrix] = {}
FEATURES: list[Mapping[Role, FeatureMatrix]] = [{"item": OF_ITEMS}, {"user": OF_USERS, "item": OF_ITEMS}]


def net(features: Mapping[Role, FeatureMatrix] = NOTHING, **keys: Any) -> EmbeddingNet:
    """A network with parameters large enough that every layer counts, and statistics of batches it has seen."""
    settings = config.EmbeddingNet(**{"user_dim": 3, "item_dim": 2, "layers": (8, 6), **keys})
    built = EmbeddingNet(EVERY, settings, SCALE, seed=1)
    built.add_features(features)
    draw = rng(1, "test")
    for parameter in built.parameters():
        parameter.data = torch.from_numpy(draw.normal(0, 0.7, tuple(parameter.shape)).astype(np.float32))
    for step in range(20):
        seed_dropout(built, 1, 1, step)
        built(*pairs())
    return built.eval()


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    """Every user with every item."""
    user, item = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)
    return torch.from_numpy(user), torch.from_numpy(item)


def as_indices(*columns: torch.Tensor) -> list[Array]:
    return [column.numpy().astype(np.int32) for column in columns]


def test_the_output_is_the_formula() -> None:
    module = net(layers=(8, 6), batch_norm=True, y_range=(0.0, 5.5))
    values = {name: tensor.detach().double().numpy() for name, tensor in module.state_dict().items()}
    user, item = pairs()
    a = np.hstack([values["user_embedding"][user], values["item_embedding"][item]])
    for n in range(2):
        a = np.maximum(a @ values[f"hidden.{n}.affine.weight"].T + values[f"hidden.{n}.affine.bias"], 0)
        mean, var = values[f"hidden.{n}.norm.running_mean"], values[f"hidden.{n}.norm.running_var"]
        a = values[f"hidden.{n}.norm.weight"] * (a - mean) / np.sqrt(var + 1e-5) + values[f"hidden.{n}.norm.bias"]
    score = (a @ values["head.weight"].T + values["head.bias"])[:, 0]
    np.testing.assert_allclose(module(user, item).detach(), 5.5 / (1 + np.exp(-score)), rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_the_scorer_equals_the_module(form: dict[str, Any]) -> None:
    module = net(**form)
    rating = module.scorer().rate(*as_indices(*pairs()))
    assert np.abs(rating - module(*pairs()).detach().numpy()).max() < 1e-5 * SCALE.std
    assert rating.std() > 0.05  # so that the comparison says something


@pytest.mark.parametrize("features", FEATURES)
def test_features_are_part_of_the_embeddings(features: Mapping[Role, FeatureMatrix]) -> None:
    module, plain = net(features), net()
    for role, matrix in features.items():
        weights = module.get_parameter(f"{role}_feature_weights").detach().double().numpy()
        rows = module.get_parameter(f"{role}_embedding").detach().double().numpy() + matrix.times(weights)
        np.testing.assert_allclose(getattr(module.scorer(), f"{role}_embedding")[:-1], rows, rtol=1e-5)
    rating = module.scorer().rate(*as_indices(*pairs()))
    assert np.abs(rating - module(*pairs()).detach().numpy()).max() < 1e-5 * SCALE.std
    assert sorted(name for name, _ in module.named_parameters()) == sorted(info.name for info in module.learned)
    assert not {name for name, _ in plain.named_parameters()} - {info.name for info in module.learned}
    assert module.state_dict().keys() == {*plain.state_dict(), *(f"{role}_feature_weights" for role in features)}


def test_a_new_item_has_the_mean_embedding_and_its_features() -> None:
    module = net({"item": OF_ITEMS})
    prior = module.scorer().learned_prior("item")
    assert prior is not None
    embedding, weights = module.item_embedding.detach().numpy(), module.item_feature_weights.detach().numpy()
    expected = embedding.mean(axis=0) + 0.5 * weights[1]
    new = NewRows(np.int32([0, 1, 2, 3, -1]), np.int32([4]), prior.rows(OF_ITEMS.take(np.array([2]))))
    nobody = NewRows(np.arange(N_USERS, dtype=np.int32), np.empty(0, np.int32), np.empty((0, 0), np.float32))
    extended = module.scorer().extended(nobody, new)
    np.testing.assert_allclose(extended.item_embedding[4], expected, rtol=1e-5)
    np.testing.assert_array_equal(extended.item_embedding[[0, 1, 2, 3, 5]], module.scorer().item_embedding)


@pytest.mark.parametrize("form", [*FORMS, {"features": FEATURES[1]}])
def test_gradients_reach_every_parameter(form: dict[str, Any]) -> None:
    module = net(**form).train()
    seed_dropout(module, 1, 1, 20)
    (module(*pairs()) * torch.linspace(-1, 1, N_USERS * N_ITEMS)).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert bool((parameter.grad != 0).any()), name


def test_groups_go_from_the_embeddings_to_the_head() -> None:
    assert config.EmbeddingNet().groups == ("embeddings", "hidden", "head")
    assert config.EmbeddingNet(layers=()).groups == ("embeddings", "head")


def test_dims_follow_the_rule_unless_given() -> None:
    assert config.EmbeddingNet().dims(943, 1682) == (74, 102)
    assert config.EmbeddingNet().dims(1, 10**7) == (2, 600)
    assert config.EmbeddingNet(user_dim=7).dims(943, 1682) == (7, 102)


def test_the_range_is_the_scale_seen_widened_unless_given() -> None:
    assert config.EmbeddingNet().output_range(1.0, 5.0) == (0.5, 5.5)
    assert config.EmbeddingNet().output_range(3.0, 3.0) == (2.5, 3.5)
    assert config.EmbeddingNet(y_range=(0.0, 6.0)).output_range(1.0, 5.0) == (0.0, 6.0)


def test_the_seed_alone_decides_where_training_starts() -> None:
    before = torch.get_rng_state()
    first, again, other = (EmbeddingNet(EVERY, config.EmbeddingNet(), SCALE, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    values = [module.state_dict() for module in (first, again, other)]
    for name in ("user_embedding", "hidden.0.affine.weight", "hidden.1.affine.bias", "head.weight"):
        assert torch.equal(values[0][name], values[1][name])
        assert not torch.equal(values[0][name], values[2][name])
    assert not torch.equal(first.user_embedding[:N_ITEMS, :3], first.item_embedding[:, :3])


def test_dropout_is_the_same_for_a_step_and_differs_between_steps() -> None:
    module = net(dropout=0.5, embedding_dropout=0.5, batch_norm=False).train()
    outputs = []
    for epoch, step in ((3, 7), (3, 7), (3, 8), (4, 7)):
        torch.manual_seed(epoch + step)  # torch's own generator plays no part
        seed_dropout(module, 1, epoch, step)
        outputs.append(module(*pairs()).detach())
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert not torch.equal(outputs[0], outputs[3])


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    dropout = Dropout(0.25)
    dropout.generator = torch.Generator().manual_seed(1)
    ones = torch.ones(1000, 100)
    dropped = dropout(ones)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert torch.equal(dropout.eval()(ones), ones)


def test_batch_norm_takes_the_batchs_statistics_in_training_and_the_running_ones_in_use() -> None:
    norm = Norm(3)
    inputs = torch.from_numpy(rng(1, "norm").normal(4, 2, (500, 3)).astype(np.float32))
    outputs = norm(inputs).detach()
    assert float(outputs.mean()) == pytest.approx(0, abs=1e-4)
    assert float(outputs.std()) == pytest.approx(1, abs=1e-2)
    torch.testing.assert_close(norm.running_mean, 0.1 * inputs.mean(dim=0))
    expected = (inputs - norm.running_mean) / (norm.running_var + 1e-5).sqrt()
    torch.testing.assert_close(norm.eval()(inputs), expected)


def test_a_batch_of_one_is_normed_by_the_running_statistics() -> None:
    norm = Norm(2)
    batch = torch.tensor([[3.0, -1.0]])
    torch.testing.assert_close(norm(batch), batch, rtol=1e-4, atol=1e-4)
    assert norm.running_mean.tolist() == [0, 0]


def test_frozen_layers_keep_their_running_statistics() -> None:
    module = net().train()
    for parameter in module.settings.parameters:
        module.get_parameter(parameter.name).requires_grad_(parameter.group != "hidden")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    module(*pairs())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_an_affine_layer_starts_as_pytorchs_own() -> None:
    weight = Affine(1, "affine", 400, 300).weight.detach()
    assert float(weight.abs().max()) == pytest.approx(0.05, rel=1e-3)
    assert float(weight.std()) == pytest.approx(0.05 / 3**0.5, rel=0.01)
