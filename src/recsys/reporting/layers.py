"""A run's model as layers: parameters, which are learned, and activations, which are computed from them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recsys.artifacts.checkpoint import selected_parameters
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, SERVING, SERVING_JSON
from recsys.artifacts.verified import open_verified
from recsys.config.loading.load import load_config
from recsys.core.errors import RunError
from recsys.models.dot_product.settings import DotProduct
from recsys.models.embedding_net.settings import EmbeddingNet
from recsys.models.svdpp.settings import SvdPP
from recsys.scoring.factors import Link

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A layer in the order of the computation.

    Attributes:
        name: of parameters, the name in the checkpoint, without .weight and .bias; of activations, what makes them.
        shape: of parameters, that of their matrix or row of numbers; of activations, that for one rating.
        n_parameters: 0 for activations.
        group: the layer group; None for activations, as is `frozen`.
    """

    name: str
    kind: Literal["parameters", "activations"]
    shape: Shape
    n_parameters: int = 0
    group: str | None = None
    frozen: bool | None = None


@dataclass(frozen=True)
class Anatomy:
    """A model's layers, from the embeddings to the rating, and the link with which they end."""

    layers: tuple[Layer, ...]
    link: Link


def anatomy(path: Path) -> Anatomy:
    """The layers of a run, or of the run of a checkpoint.

    Raises:
        RunError: there is no run or no checkpoint, or it is damaged.
    """
    run = path.absolute()
    if run.parent.name == CHECKPOINTS:
        run = run.parent.parent
    if not (run / CONFIG).exists() or not (run / CHECKPOINTS).exists():
        raise RunError(
            "only a whole run says which layers its model has",
            where=str(path),
            expected="a folder of a run, or a checkpoint in it",
            hint="recsys runs lists the runs",
        )
    arrays, facts = selected_parameters(run)
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    config = load_config(run / CONFIG)
    low, high = facts["scale"]["low"], facts["scale"]["high"]
    frozen = config.training.frozen_groups
    match config.model:
        case DotProduct() as model:
            link = _link(model.y_range, model.clip, low, high, run)
            return Anatomy(tuple(_dot_product(model, shapes, frozen, link)), link)
        case SvdPP() as model:
            link = _link(None, model.clip, low, high, run)
            return Anatomy(tuple(_svdpp(model, shapes, link)), link)
        case EmbeddingNet() as model:
            link = Link("sigmoid", *model.output_range(low, high))
            return Anatomy(tuple(_embedding_net(model, shapes, frozen)), link)
    raise AssertionError(config.model.kind)


def _dot_product(
    model: DotProduct, shapes: Mapping[str, Shape], frozen: tuple[str, ...], link: Link
) -> Iterator[Layer]:
    for name in ("item_embedding", "item_bias", "user_embedding", "user_bias"):
        if name in shapes:
            group = "items" if name.startswith("item") else "users"
            yield _parameters(name, [shapes[name]], group, frozen)
    dim = shapes["user_embedding"][1:]
    yield Layer("item lookup", "activations", dim)
    yield Layer("user lookup", "activations", dim)
    yield Layer("product", "activations", dim)
    yield Layer("sum and biases" if model.biases else "sum", "activations", (1,))
    if link.kind != "sigmoid":
        yield Layer("mean + std · sum", "activations", (1,))
    if link.kind != "identity":
        yield Layer(link.kind, "activations", (1,))


def _svdpp(model: SvdPP, shapes: Mapping[str, Shape], link: Link) -> Iterator[Layer]:
    for role in ("item", "user"):
        for name in (f"{role}_embedding", f"{role}_bias", f"{role}_implicit", f"{role}_implicit_bias"):
            if name in shapes:
                yield _parameters(name, [shapes[name]], f"{role}s", ())
    dim = shapes["user_embedding"][1:]
    yield Layer("item lookup" + " and sum over its users" * model.flipped, "activations", dim)
    yield Layer("user lookup and sum over their items", "activations", dim)
    yield Layer("product", "activations", dim)
    yield Layer("sum and biases", "activations", (1,))
    yield Layer("mean + std · sum", "activations", (1,))
    if link.kind != "identity":
        yield Layer(link.kind, "activations", (1,))


def _embedding_net(model: EmbeddingNet, shapes: Mapping[str, Shape], frozen: tuple[str, ...]) -> Iterator[Layer]:
    width = 0
    for role in ("user", "item"):
        shape = shapes[f"{role}_embedding"]
        width += shape[1]
        yield _parameters(f"{role}_embedding", [shape], "embeddings", frozen)
    yield Layer("lookups", "activations", (width,))
    if model.embedding_dropout:
        yield Layer(f"dropout {model.embedding_dropout:g}", "activations", (width,))
    for number, size in enumerate(model.layers):
        yield from _affine(f"hidden.{number}.affine", shapes, "hidden", frozen)
        yield Layer("relu", "activations", (size,))
        if model.batch_norm:
            yield _parameters(f"hidden.{number}.norm", _tensors(f"hidden.{number}.norm", shapes), "hidden", frozen)
            yield Layer("batch norm", "activations", (size,))
        if model.dropout:
            yield Layer(f"dropout {model.dropout:g}", "activations", (size,))
    yield from _affine("head", shapes, "head", frozen)
    yield Layer("sigmoid", "activations", (1,))


def _link(y_range: tuple[float, float] | None, clip: bool, low: float, high: float, run: Path) -> Link:
    """That of a finished run is in its serving folder: whether it is tobit, the ratings decide."""
    if (run / SERVING / SERVING_JSON).exists():
        return Link(**open_verified(run / SERVING, SERVING_JSON).facts["link"])
    if y_range is not None:
        return Link("sigmoid", *y_range)
    return Link("clip" if clip else "identity", low, high)


def _affine(name: str, shapes: Mapping[str, Shape], group: str, frozen: tuple[str, ...]) -> Iterator[Layer]:
    tensors = _tensors(name, shapes)
    yield _parameters(name, tensors, group, frozen)
    yield Layer("affine", "activations", tensors[0][:1])


def _tensors(name: str, shapes: Mapping[str, Shape]) -> list[Shape]:
    return [shapes[f"{name}.weight"], shapes[f"{name}.bias"]]


def _parameters(name: str, tensors: list[Shape], group: str, frozen: tuple[str, ...]) -> Layer:
    count = sum(math.prod(shape) for shape in tensors)
    return Layer(name, "parameters", tensors[0], count, group, group in frozen)
