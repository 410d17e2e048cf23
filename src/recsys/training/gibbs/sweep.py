"""One sweep of the Gibbs sampler: every unknown is drawn once, given all others.

r_ui = B_u + B_i + P_u · Q_i + ε, ε ~ N(0, 1 / (α w_u w_i)), with P_u = p_u + |N(u)|^-½ Σ_{j ∈ N(u)} y_j where the
model has such terms, B_u likewise, and flipped, Q_i = q_i + |N(i)|^-½ Σ_{v ∈ N(i)} z_v. Every group of coefficients
has a normal prior with a mean and a precision of its own for each column (see Prior); w_u ~ Gamma(a, a), but 1 for a
user with few ratings.

A user meets their ratings only through the Gram matrix of the items' rows, so that a whole row is drawn at once and
each rating is read once. The implicit terms are drawn given the rows: then the ratings drop out and the columns are
independent. Work is cut into fixed chunks with a random stream each, so that bits don't depend on the number of
threads.

Source: Salakhutdinov, Mnih 2008, "Bayesian Probabilistic Matrix Factorization using MCMC" (ICML); Rendle, Zhang,
Koren 2019, "On the Difficulty of Evaluating Baselines" (arXiv:1905.01395); Koren 2008, "Factorization Meets the
Neighborhood" (KDD).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import lgamma
from typing import TypeVar

import numpy as np

from recsys.core.collectives import share_rows, tasks_of_rank
from recsys.core.communicator import Communicator
from recsys.core.seeding import rng
from recsys.core.threads import Workers
from recsys.core.types import Float32Array, Float64Array
from recsys.training.gibbs.kernels import draw_implicit_kernel, draw_rows_kernel
from recsys.training.gibbs.simd_intrinsics import TILE
from recsys.training.gibbs.state import SPREADS, FactorState, RatingsCSR
from recsys.training.simd import WIDTH

T = TypeVar("T")

LOG_GAMMA = np.array([lgamma(spread) for spread in SPREADS])


@dataclass(frozen=True, eq=False)
class Noise:
    """The random numbers that the rows of one side take.

    Attributes:
        normal: standard normal, float32, shape (n, dim + 1).
        gamma: Gamma(a + n_u / 2, 1), from which noise precisions come, float64, shape (n,).
    """

    normal: Float32Array
    gamma: Float64Array


def sample_noise(side: FactorState, rated: RatingsCSR, stream: tuple[int, str, int], workers: Workers) -> Noise:
    """Each chunk's from a random stream of its own."""
    seed, role, sweep = stream
    shape = side.spread + 0.5 * rated.count
    normal, gamma = np.empty_like(side.row), np.empty(len(shape))

    def draw(chunk: int) -> None:
        first, end = rated.chunks[chunk : chunk + 2].tolist()
        random = rng(seed, f"gibbs rows of {role}s", sweep, chunk)
        random.standard_normal(out=normal[first:end], dtype=np.float32)
        gamma[first:end] = random.standard_gamma(shape[first:end])

    workers.each(draw, len(rated.chunks) - 1)
    return Noise(normal, gamma)


def sample_rows(
    side: FactorState,
    other: FactorState,
    rated: RatingsCSR,
    alpha: float,
    noise: Noise,
    workers: Workers,
    meanwhile: Callable[[], T],
    communicator: Communicator,
) -> T:
    """Draws the rows of one side, and then its noise precisions, given the other side; returns meanwhile().

    Each rank draws its share of the rows, and gets the others; all else every rank does alike. Only compiled code runs
    in the other threads: they would wait for each other whenever Python has a word to say.
    """
    features = _features(other)
    mean = side.from_implicit + side.prior.mean
    precision = np.float32(alpha) * side.noise_precision
    given = (rated.start, rated.idx, rated.rating, features, mean, side.prior.precision, precision, noise.normal)
    cuts = tasks_of_rank(len(rated.tasks) - 1, communicator)
    tasks = rated.tasks[cuts[communicator.rank] : cuts[communicator.rank + 1] + 1]
    work = partial(draw_rows_kernel(), tasks, np.zeros(1, np.int64), *given, side.row, side.squares)
    result = workers.beside(work, meanwhile)
    share_rows([side.row, side.squares], rated.tasks[cuts], communicator)
    rate = side.spread + 0.5 * alpha * side.squares.astype(np.float64)
    side.noise_precision[:] = np.where(rated.has_own_noise, noise.gamma / rate, 1.0)
    return result


def sample_priors(
    side: FactorState, rated: RatingsCSR, rated_other: RatingsCSR, stream: tuple[int, str, int], workers: Workers
) -> None:
    """Draws the priors of one side's rows, and its implicit terms where it has them: some of the columns each."""
    width = side.row.shape[1]
    columns = [slice(k, min(k + WIDTH, width)) for k in range(0, width, WIDTH)]
    workers.each(lambda k: _draw_columns(side, rated, rated_other, stream, columns[k]), len(columns))


def sample_spread(noise_precision: Float32Array, random: np.random.Generator) -> float:
    """a from its posterior on a grid in log a, given w ~ Gamma(a, a)."""
    w = noise_precision.astype(np.float64)
    log = len(w) * (SPREADS * np.log(SPREADS) - LOG_GAMMA) + SPREADS * (np.log(w) - w).sum()
    share = np.exp(log - log.max()).cumsum()
    return float(SPREADS[min(np.searchsorted(share, random.random() * share[-1]), len(SPREADS) - 1)])


def _draw_columns(
    side: FactorState, rated: RatingsCSR, rated_other: RatingsCSR, stream: tuple[int, str, int], columns: slice
) -> None:
    seed, role, sweep = stream
    random = rng(seed, f"gibbs priors of {role}s", sweep, columns.start)
    prior = side.prior.part(columns)
    own = side.row[:, columns] - side.from_implicit[:, columns]
    prior.sample(own, random)
    if side.implicit is None:
        return
    own_prior = side.implicit_prior.part(columns)
    implicit = wide(side.implicit[:, columns], WIDTH)
    left = wide(rated.scale[:, None] * (own - prior.mean), WIDTH)
    normal = random.standard_normal((len(implicit), own.shape[1]), dtype=np.float32)
    priors = prior.precision, own_prior.precision, own_prior.mean
    where = (rated_other.start, rated_other.idx, np.square(rated.scale), rated.scale2_sum)
    draw_implicit_kernel()(*where, *priors, normal, left, implicit)
    width = own.shape[1]
    wanted = side.row[:, columns] - prior.mean
    sums = wanted - left[:, :width] / rated.scale[:, None]
    change = own_prior.draw_size(sums, wanted, prior.precision, random)
    side.implicit[:, columns] = implicit[:, :width] * change
    side.from_implicit[:, columns] = sums * change
    own_prior.sample(side.implicit[:, columns], random)


def _features(side: FactorState) -> Float32Array:
    """√w times the factors, 1 and the bias, side by side."""
    root, width = np.sqrt(side.noise_precision), side.row.shape[1]
    features = _zeros(len(root), width + 1, TILE)
    np.multiply(root[:, None], side.row[:, :-1], out=features[:, : width - 1])
    features[:, width - 1] = root
    np.multiply(root, side.row[:, -1], out=features[:, width])
    return features


def wide(rows: Float32Array, unit: int) -> Float32Array:
    """The rows with zeros behind them, up to a multiple of `unit` columns, contiguous."""
    n, width = rows.shape
    matrix = _zeros(n, width, unit)
    matrix[:, :width] = rows
    return matrix


def _zeros(n: int, width: int, unit: int) -> Float32Array:
    return np.zeros((n, -(-width // unit) * unit), np.float32)
