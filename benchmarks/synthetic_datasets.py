"""Data sets that differ in size, scale and density, each cut into train, valid and test: what defaults have to stand.

In the planted ones rating = level + user_bias + item_bias + user · item + noise, rounded to whole steps and clipped to
the scale; but where most are at the top and others anywhere, a rating is 5 with the probability 1 / (1 + exp(−score)),
and else 1 to 4, whatever the score.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recsys.config.loading.load import config_from
from recsys.config.plans import plans
from recsys.config.schema.split import Split
from recsys.core.communicator import ALONE
from recsys.core.types import Array
from recsys.data.interactions import Dataset, Interactions
from recsys.data.read import read_ratings
from recsys.data.split import Splits, split
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.metrics import evaluate
from recsys.evaluation.rater_weights import learn_rater_weights
from recsys.training.build import build_learner
from recsys.training.loop import fit

SMALL = Path(__file__).parent.parent / "data" / "movielens-small" / "ratings.csv"
SIGNAL, NO_SIGNAL = 0.002, 0.005  # how much worse dim 32 may be than dim 4


@dataclass(frozen=True)
class Planted:
    """What to make.

    Attributes:
        more: mean of the geometric number of ratings that a user has beyond the first.
        low, high: ends of the scale; `level`: the mean before clipping; `step`: from one rating to the next.
        let_down: share of ratings that are 3 lower, which varies from item to item and from user to user.
        bias, factor, noise: standard deviations of a bias, of the product of rows, and of the noise.
    """

    n_users: int
    n_items: int
    more: float
    low: float = 1.0
    high: float = 5.0
    level: float = 3.3
    bias: float = 0.4
    factor: float = 0.0
    noise: float = 0.8
    let_down: float = 0.0
    dim: int = 4
    step: float = 1.0


@dataclass(frozen=True)
class Data:
    """A data set: how it is made from a seed, and how much worse dim 32 may be there than dim 4."""

    make: Callable[[int], Splits]
    dims_may_cost: float = NO_SIGNAL


def synthetic_datasets() -> dict[str, Data]:
    """All of them by name; those of ML-100K where RECSYS_ML100K names its folder."""
    datasets = {
        "movielens-small": Data(_small, SIGNAL),
        "movielens-small, 3.5 and more alike": Data(lambda seed: _capped(_small(seed), 3.5), SIGNAL),
    }
    folder = os.environ.get("RECSYS_ML100K")
    if folder:
        fold = {f"ML-100K, {most} a user": Data(partial(_fold, Path(folder), most)) for most in (5, 10, 20)}
        whole = partial(_fold, Path(folder), None)
        datasets |= {
            "ML-100K": Data(whole, SIGNAL),
            **fold,
            "ML-100K, 4 and 5 alike": Data(lambda seed: _capped(whole(seed), 4), SIGNAL),
        }
    forms = {
        "low rank, 0 to 100": Planted(1_000, 600, 60, 0, 100, 60, bias=10, factor=15, noise=12, dim=8),
        "one or two ratings, dims say much": Planted(20_000, 300, 0.9, factor=0.8, noise=0.6),
        "one or two ratings, dims say nothing": Planted(20_000, 300, 0.9),
        "one or two ratings, most at the top": Planted(20_000, 3_000, 1.5, level=6, bias=1.5, noise=1.5),
        "the same, some let down": Planted(20_000, 1_000, 0.9, level=5.2, bias=0.5, noise=0.6, let_down=0.1),
        "few ratings, most at the top": Planted(8_000, 300, 3, level=6, bias=1.0, noise=1.5, let_down=0.1),
        "0 to 10, most at the top": Planted(10_000, 800, 2, 0, 10, 10, bias=2, factor=1.5, noise=3),
    }
    datasets |= {
        name: Data(partial(_planted, form), SIGNAL if form.factor else NO_SIGNAL) for name, form in forms.items()
    }
    return datasets | {"few ratings, most at the top, others anywhere": Data(_two_minds)}


def fitted(splits: Splits, held_out: Interactions, model: dict[str, Any], training: dict[str, Any], seed: int) -> float:
    """The rmse on held-out ratings after a fit of what the config's sections say."""
    values = {"data": {"ratings": "made here"}, "model": model, "training": training, "seed": seed}
    plan, *_ = plans(config_from(values, Path()))
    inputs = TrainingInputs(splits)
    learner = build_learner(plan, inputs, ALONE)
    for _ in fit(learner):
        pass
    scorer = learner.scorer().as_rating()
    assert scorer is not None
    return evaluate(learn_rater_weights(scorer, inputs), held_out).metrics["rmse"]


def _small(seed: int) -> Splits:
    return split(read_ratings(config_from({"data": {"ratings": str(SMALL)}}, SMALL.parent).data, ALONE), Split(), seed)


def _fold(folder: Path, most: int | None, seed: int) -> Splits:
    """Fold 1 + seed modulo 5, with no more than `most` training ratings of each user, drawn from the seed."""
    number = 1 + seed % 5
    files = {part: str(folder / f"u{number}.{part}.csv") for part in ("train", "test")}
    dataset = read_ratings(config_from({"data": files}, folder).data, ALONE)
    assert dataset.given is not None
    if most is not None:
        train = dataset.ratings.take(dataset.given["train"])
        shuffled = np.random.default_rng(seed).permutation(len(train))
        order = shuffled[np.argsort(train.user_idx[shuffled], kind="stable")]
        first = np.searchsorted(train.user_idx[order], train.user_idx[order])
        kept = np.sort(order[np.arange(len(order)) - first < most])
        test = np.arange(len(dataset.ratings))[dataset.given["test"]]
        given = {"train": slice(0, len(kept)), "test": slice(len(kept), len(kept) + len(test))}
        dataset = replace(dataset, ratings=dataset.ratings.take(np.concatenate([kept, test])), given=given)
    return split(dataset, Split(), seed)


def _capped(splits: Splits, top: float) -> Splits:
    """The same ratings, with all above `top` at it."""
    train, valid, test = (
        None if part is None else replace(part, rating=np.minimum(part.rating, np.float32(top)))
        for part in (splits.train, splits.valid, splits.test)
    )
    assert train is not None
    return replace(splits, train=train, valid=valid, test=test)


def _two_minds(seed: int) -> Splits:
    form, random = Planted(8_000, 300, 3), np.random.default_rng(seed)
    user, item = _pairs(form, random)
    bias = [random.normal(0, 0.8, n) for n in (form.n_users, form.n_items)]
    is_top = random.random(len(user)) < 1 / (1 + np.exp(-(1.2 + bias[0][user] + bias[1][item])))
    rating = np.where(is_top, 5, 1 + random.choice(4, len(user), p=[0.35, 0.15, 0.2, 0.3])).astype(np.float32)
    return _split(_interactions(form, user, item, rating), seed)


def _planted(form: Planted, seed: int) -> Splits:
    return _split(planted(form, seed), seed)


def planted(form: Planted, seed: int) -> Interactions:
    """The ratings, not cut into parts."""
    random = np.random.default_rng(seed)
    user, item = _pairs(form, random)
    bias = [random.normal(0, form.bias, n) for n in (form.n_users, form.n_items)]
    spread = np.sqrt(form.factor) / form.dim**0.25
    rows = [random.normal(0, spread, (n, form.dim)) for n in (form.n_users, form.n_items)]
    mean = form.level + bias[0][user] + bias[1][item] + np.einsum("nd,nd->n", rows[0][user], rows[1][item])
    share = [random.lognormal(0, 0.6, n) for n in (form.n_users, form.n_items)]
    is_let_down = random.random(len(user)) < form.let_down * share[0][user] * share[1][item]
    noisy = mean - 3 * is_let_down + random.normal(0, form.noise, len(user))
    rating = np.clip(form.step * np.round(noisy / form.step), form.low, form.high)
    return _interactions(form, user, item, rating.astype(np.float32))


def _interactions(form: Planted, user: Array, item: Array, rating: Array) -> Interactions:
    users, items = (Vocabulary(np.arange(n)) for n in (form.n_users, form.n_items))
    return Interactions(user.astype(np.int32), item.astype(np.int32), rating, None, users, items)


def _split(ratings: Interactions, seed: int) -> Splits:
    return split(Dataset(ratings, None), Split(), seed)


def _pairs(form: Planted, random: np.random.Generator) -> tuple[Array, Array]:
    """Different (user, item) pairs; items are chosen by a Zipf law."""
    user = np.repeat(np.arange(form.n_users), random.geometric(1 / (1 + form.more), form.n_users))
    weight = (np.arange(form.n_items) + 20.0) ** -0.9
    item = random.choice(form.n_items, len(user), p=weight / weight.sum())
    user, item = np.divmod(np.unique(user * form.n_items + item), form.n_items)
    return user, item
