"""How features are best written as columns: the bias of held-out items from genres and years, by ridge regression.

    RECSYS_ML100K=FOLDER python benchmarks/feature_columns.py      half a minute

Ten folds of the items; each item counts by its ratings, and λ is the best of seven for each form.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

import recsys
from recsys.config.loading.load import config_from
from recsys.core.events import silent
from recsys.core.types import Float64Array
from recsys.data.features.features import Features
from recsys.data.features.read import read_features_file

SMALL = Path(__file__).parent.parent / "data" / "movielens-small"
STRENGTHS = (1, 3, 10, 30, 100, 300, 1000)
SWEEPS, DAMPING, N_FOLDS, FEW = 20, 5, 10, 10
WORDS = {"texts": ["title"], "years": ["title"]}


def item_biases(dataset: recsys.Dataset) -> tuple[Float64Array, Float64Array]:
    """Bias and number of ratings of each item."""
    ratings = dataset.ratings
    n_user, n_item = ratings.user_counts, ratings.item_counts.astype(np.float64)
    user, item = np.zeros(len(n_user)), np.zeros(len(n_item))
    rest = ratings.rating.astype(np.float64) - ratings.rating.mean(dtype=np.float64)
    for _ in range(SWEEPS):
        user = np.bincount(ratings.user_idx, rest - item[ratings.item_idx]) / (n_user + DAMPING)
        item = np.bincount(ratings.item_idx, rest - user[ratings.user_idx]) / np.maximum(n_item, 1)
    return item, n_item


def error(matrix: Float64Array, biases: Float64Array, counts: Float64Array) -> float:
    """RMSE of the biases of items that are held out, at the best strength."""
    fold = np.random.default_rng(0).integers(0, N_FOLDS, len(biases))
    return min(
        float(np.average(_residuals(matrix, biases, counts, fold, strength) ** 2, weights=counts) ** 0.5)
        for strength in STRENGTHS
    )


def _residuals(
    matrix: Float64Array, biases: Float64Array, counts: Float64Array, fold: np.ndarray, strength: float
) -> Float64Array:
    weight, left = FEW * counts / (counts + FEW), np.empty(len(biases))
    for number in range(N_FOLDS):
        known, asked = fold != number, fold == number
        w, mean = weight[known], np.average(matrix[known], axis=0, weights=weight[known])
        x, bias = matrix[known] - mean, np.average(biases[known], weights=w)
        slopes = np.linalg.solve(
            x.T @ (w[:, None] * x) + strength * np.eye(x.shape[1]), x.T @ (w * (biases[known] - bias))
        )
        left[asked] = biases[asked] - bias - (matrix[asked] - mean) @ slopes
    return left


def _knots(years: Float64Array) -> dict[str, Float64Array]:
    known = years[np.isfinite(years)]
    quantiles = {f"{n} quantiles": np.unique(np.quantile(known, np.linspace(0, 1, n))) for n in (12, 20, 30)}
    evenly = np.linspace(float(np.quantile(known, 0.01)), float(np.quantile(known, 0.99)), 12)
    return {
        **quantiles,
        "12 evenly spaced": evenly,
        "all": np.unique(known),
    }


def _at_knots(years: Float64Array, knots: Float64Array) -> Float64Array:
    is_known = np.isfinite(years)
    at = np.where(is_known, years, 0.0)
    return np.stack([np.interp(at, knots, near) * is_known for near in np.eye(len(knots))], axis=1)


def features_of(folder: Path, dataset: recsys.Dataset, **columns: object) -> Features:
    """The columns of movies.csv."""
    data = {"ratings": str(folder / "ratings.csv"), "item_features": str(folder / "movies.csv")}
    config = config_from({"data": {**data, "item_feature_columns": columns}}, Path.cwd())
    return read_features_file(config.data, "item", dataset.ratings.items, silent).features


def dense(features: Features, dataset: recsys.Dataset) -> Float64Array:
    """A row for each item."""
    return features.matrix_of(dataset.ratings.items).times(np.eye(features.matrix.n_columns))


def measure(folder: Path) -> None:
    """Prints a line for each form."""
    dataset = recsys.read_ratings(folder / "ratings.csv")
    biases, counts = item_biases(dataset)
    without = error(np.zeros((len(biases), 1)), biases, counts)
    print(f"\n{folder.name}: {len(biases):,} items, without features {without:.4f}")
    features = features_of(folder, dataset)
    whole = dense(features, dataset)
    is_genre = np.array([name.startswith("genres") for name in features.encoder.names])
    genres, year = whole[:, is_genre], whole[:, ~is_genre]
    raw = year[:, 0] * features.encoder.columns[0].std + features.encoder.columns[0].mean  # type: ignore[union-attr]
    years = np.where(year.any(axis=1), raw, np.nan)
    forms = {"as recsys has them": whole, "genres alone": genres, "year alone": year}
    forms |= {"genres and z of the year": np.hstack([genres, year[:, :1]])}
    n_genres = np.maximum((genres > 0).sum(axis=1, keepdims=True), 1)
    forms |= {f"genres as 1/n^{power:g}": np.hstack([(genres > 0) / n_genres**power, year]) for power in (0, 1)}
    for name, knots in _knots(years).items():
        forms[f"year at knots: {name}"] = np.hstack([genres, year[:, :1], _at_knots(years, knots)])
    for most in (100, 1000):
        forms[f"and {most} words of titles"] = dense(features_of(folder, dataset, **WORDS, max_terms=most), dataset)
    for name, matrix in forms.items():
        print(f"  {name:32s} {matrix.shape[1]:5d} columns  {error(matrix, biases, counts):.4f}")


if __name__ == "__main__":
    measure(SMALL)
    if folder := os.environ.get("RECSYS_ML100K"):
        measure(Path(folder))
