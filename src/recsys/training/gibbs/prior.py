"""What the sampler takes a group of coefficients to be like before it has seen a rating, learned as it goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Float32Array
from recsys.training.gibbs.kernels import moments_kernel

FACTOR_RATE, BIAS_RATE = 0.1, 1.0  # of the Gamma distribution that a precision is drawn from, halved


@dataclass(eq=False)
class Prior:
    """Column k of some rows is normal with mean_k and precision_k, which are drawn too.

    mean_k ~ N(0, 1 / precision_k) and precision_k ~ Gamma(½, ½ rate_k size_k²). size_k is 1, but for implicit terms
    N(0, 1): they can be next to nothing, however many they are.

    Attributes:
        mean, precision, size, rate: float32, shape (width,).

    Source: Gelman 2006, "Prior distributions for variance parameters in hierarchical models" (Bayesian Analysis).
    """

    mean: Float32Array
    precision: Float32Array
    size: Float32Array
    rate: Float32Array

    @classmethod
    def of(cls, dim: int, std: float) -> Prior:
        """Before the first draw, of rows with factors of this standard deviation, whose last column is a bias."""
        rate = np.full(dim + 1, FACTOR_RATE, np.float32)
        precision = np.full(dim + 1, std**-2, np.float32)
        rate[dim], precision[dim] = BIAS_RATE, 1.0
        return cls(np.zeros(dim + 1, np.float32), precision, np.ones(dim + 1, np.float32), rate)

    def part(self, columns: slice) -> Prior:
        """Some of the columns, in the same memory."""
        return Prior(self.mean[columns], self.precision[columns], self.size[columns], self.rate[columns])

    def state(self) -> Float32Array:
        """What is drawn, shape (3, width)."""
        return np.stack([self.mean, self.precision, self.size])

    def restore(self, state: Float32Array) -> None:
        """Takes it back."""
        self.mean, self.precision, self.size = state.copy()

    def draw_size(
        self, sums: Float32Array, wanted: Float32Array, precision: Float32Array, random: np.random.Generator
    ) -> Float32Array:
        """Draws size given wanted[u] ~ N(sums[u], 1 / precision), where sums are those of rows; shape (n, width).

        All else that the rows are made of stays, so that the rows have to be multiplied by what is returned, float32,
        shape (width,). It would take a column's rows and their precision √n sweeps to get there by small steps.

        Source: Gelman, van Dyk, Huang, Boscardin 2008, "Using Redundant Parameterizations to Fit Hierarchical Models"
        (JCGS).
        """
        both = precision * np.einsum("uk,uk->k", sums, sums, dtype=np.float64) + np.square(self.size, dtype=np.float64)
        mean = precision * np.einsum("uk,uk->k", sums, wanted, dtype=np.float64) / both
        change = (mean + random.standard_normal(len(mean)) / np.sqrt(both)).astype(np.float32)
        self.mean *= change
        self.precision /= change * change
        self.size *= change
        return np.asarray(change)

    def sample(self, rows: Float32Array, random: np.random.Generator) -> None:
        """Draws precision and mean given the rows, float32, shape (n, width).

        Source: Salakhutdinov, Mnih 2008, "Bayesian Probabilistic Matrix Factorization using MCMC" (ICML).
        """
        n = len(rows)
        total, square = np.zeros(len(self.mean)), np.square(self.mean, dtype=np.float64)
        moments_kernel()(rows, self.mean, total, square)
        shape = 0.5 * (n + 2)
        self.precision[:] = random.standard_gamma(shape, len(square)) / (
            0.5 * (self.rate * self.size * self.size + square)
        )
        centre = total / (1 + n)
        self.mean[:] = centre + random.standard_normal(len(square)) / np.sqrt(self.precision * (1.0 + n))
