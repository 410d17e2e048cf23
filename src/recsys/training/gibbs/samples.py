"""The samples that a chain keeps: evenly spread over the sweeps that count, for intervals and for what is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recsys.records import Arrays
from recsys.scoring.uncertainty import Samples
from recsys.training.gibbs.side import Side

ROLES = ("user", "item")
Matrix = np.ndarray[Any, Any]


@dataclass(eq=False)
class Kept:
    """Samples so far, turned so that they lie alike, and sums of the noise over all sweeps that count.

    Attributes:
        rows: role → a sample each, float16, shape (n + 1, dim + 1); the last row is one drawn for whoever is unknown.
        inverse: role → Σ 1 / w, float64, shape (n,).
        chain: Σ 1 / α and the number of sweeps that count, float64, shape (2,).
    """

    inverse: dict[str, Matrix]
    rows: dict[str, list[Matrix]] = field(default_factory=lambda: {role: [] for role in ROLES})
    chain: Matrix = field(default_factory=lambda: np.zeros(2))

    @classmethod
    def of(cls, sides: dict[str, Side]) -> Kept:
        """Before the first."""
        return cls({role: np.zeros(len(side.row)) for role, side in sides.items()})

    def count(self, sides: dict[str, Side], alpha: float) -> None:
        """Adds the noise of a sweep."""
        for role, side in sides.items():
            self.inverse[role] += 1 / side.noise_precision.astype(np.float64)
        self.chain += (1 / alpha, 1)

    def keep(self, sides: dict[str, Side], turn: Matrix, random: np.random.Generator) -> None:
        """Keeps a sample, its rows times `turn`."""
        for role, side in sides.items():
            normal = random.standard_normal(side.row.shape[1])
            unknown = side.prior.mean + normal / np.sqrt(side.prior.precision)
            self.rows[role].append((np.vstack([side.row, unknown]) @ turn).astype(np.float16))

    def arrays(self) -> Arrays:
        """As they lie in a checkpoint."""
        found: dict[str, Any] = {f"{role}.inverse": self.inverse[role] for role in ROLES}
        stacked = {f"{role}.kept": np.stack(self.rows[role]) for role in ROLES if self.rows[role]}
        return {**found, **stacked, "kept": self.chain}

    def restore(self, arrays: Arrays) -> None:
        """Takes them back."""
        self.inverse = {role: arrays[f"{role}.inverse"].copy() for role in ROLES}
        self.rows = {role: list(arrays.get(f"{role}.kept", ())) for role in ROLES}
        self.chain = arrays["kept"].copy()

    def samples(self, unit: float) -> Samples | None:
        """In rating units; None before the second sample."""
        if len(self.rows["user"]) < 2:
            return None
        n = self.chain[1]
        noise = {role: np.append(one, one.mean()) / n for role, one in self.inverse.items()}
        return Samples(
            unit=unit,
            noise=float(self.chain[0] / n),
            user_rows=np.stack(self.rows["user"]),
            item_rows=np.stack(self.rows["item"]),
            user_noise=noise["user"].astype(np.float32),
            item_noise=noise["item"].astype(np.float32),
        )


def is_kept(sweep: int, n_sweeps: int, n_kept: int) -> bool:
    """Whether to keep the sample of a sweep, 1 … n_sweeps, so that `n_kept` (at most all) are spread evenly."""
    most = min(n_kept, n_sweeps)
    return sweep * most // n_sweeps > (sweep - 1) * most // n_sweeps
