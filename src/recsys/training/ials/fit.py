"""Implicit alternating least squares: factors whose products rank the items that a user has not met yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.communicator import ALONE, Communicator
from recsys.core.seeding import rng
from recsys.core.threads import Workers, one_blas_thread
from recsys.core.types import Arrays, Counts, Float32Array
from recsys.training.finite import finite_arrays
from recsys.training.ials.rows import aligned, solve_rows
from recsys.training.ials.systems import Systems

START_STD = 0.1  # of |row| at the start


@dataclass(frozen=True)
class Hyperparameters:
    """What the result depends on, besides the interactions and their targets.

    Attributes:
        embedding_dim: length of a row, at least 1.
        n_epochs: how often both sides are solved, at least 1.
        unobserved_weight: α₀, of each pair of user and item.
        regularization: λ.
        seed: of the first rows.
    """

    embedding_dim: int
    n_epochs: int
    unobserved_weight: float
    regularization: float
    seed: int


class ImplicitALS:
    """Fits rows w_u of users and h_i of items, epoch by epoch, with α₀ and λ of Hyperparameters, to the minimum of

        Σ_S (y − w·h)² + α₀ Σ_all (w·h)² + λ Σ_u (n_u + α₀·I)|w_u|² + λ Σ_i (n_i + α₀·U)|h_i|²

    S are the interactions, y their targets, n_u and n_i how many a user and an item have, U and I how many users and
    items have any; the rows of all others are zeros. An epoch moves each user's row towards the best one given the
    items' rows, and then the items' rows given those. The bits don't depend on the number of threads.

    Args:
        users: the interactions of each user.
        items: the same ones of each item.
        n_threads: at least 1.
        communicator: ranks that solve a share of the rows each.

    Source: Hu, Koren, Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM); Rendle,
    Krichene, Zhang, Koren 2021, "Revisiting the Performance of iALS on Item Recommendation Benchmarks"
    (arXiv:2110.14037), for the regularization by frequency.
    """

    def __init__(
        self,
        users: Systems,
        items: Systems,
        parameters: Hyperparameters,
        n_threads: int,
        communicator: Communicator = ALONE,
    ) -> None:
        self.parameters, self._communicator = parameters, communicator
        self._workers = Workers(n_threads)
        self._systems = {"user": users, "item": items}
        self._rows = {role: _first_rows(role, each.counts, parameters) for role, each in self._systems.items()}

    def epoch(self, number: int) -> None:
        """Users given items, items given users; after the last epoch, users once more. `number` counts from 1."""
        with one_blas_thread():
            self._solve("user", "item")
            self._solve("item", "user")
            if number == self.parameters.n_epochs:
                self._solve("user", "item")

    @property
    def row_bytes(self) -> int:
        """Of all rows, as they are in memory."""
        return sum(rows.nbytes for rows in self._rows.values())

    def is_finite(self) -> bool:
        """Whether every product of rows is a finite number."""
        with one_blas_thread():
            return finite_arrays(self._rows.values())

    def factors(self) -> Arrays:
        """Copies of the rows of users, "user", and items, "item": float32, shape (n, embedding_dim)."""
        dim = self.parameters.embedding_dim
        return {role: rows[:, :dim].copy() for role, rows in self._rows.items()}

    def restore(self, factors: Arrays) -> None:
        """Goes on from such rows, which are the whole state."""
        self._rows = {role: aligned(factors[role]) for role in self._rows}

    def _solve(self, own: str, other: str) -> None:
        rows, n_other = self._rows, self._systems[other].n_known
        weights = self.parameters.unobserved_weight, self.parameters.regularization
        solve_rows(self._systems[own], rows[other], rows[own], n_other, *weights, self._workers, self._communicator)


def _first_rows(role: str, counts: Counts, parameters: Hyperparameters) -> Float32Array:
    dim = parameters.embedding_dim
    rows = rng(parameters.seed, f"init ranking {role}s").standard_normal((len(counts), dim), dtype=np.float32)
    rows *= np.float32(START_STD / np.sqrt(dim))
    rows[counts == 0] = 0
    return aligned(rows)
