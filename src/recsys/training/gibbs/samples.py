"""Samples of the rows that are kept whole, for intervals, and how noisy the ratings of each user and item are."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.records import Arrays
from recsys.scoring.uncertainty import Samples, stand_in
from recsys.training.gibbs.side import Side

ROLES = ("user", "item")


class KeptSamples:
    """`n` samples of both sides' rows, evenly spaced over the sweeps after the burn-in, in half precision.

    The noise of a rating is 1/(α w_u w_i). The means of 1/α, 1/w_u and 1/w_i over all sweeps after the burn-in are
    kept, not their samples: given the ratings the three depend little on each other.
    """

    def __init__(self, n: int, n_sweeps: int, shapes: dict[str, tuple[int, int]]) -> None:
        self._n, self._n_sweeps = min(n, n_sweeps), n_sweeps
        self._rows = {role: np.empty((self._n, *shape), dtype=np.float16) for role, shape in shapes.items()}
        self._noise = {role: np.zeros(shape[0] if n else 0) for role, shape in shapes.items()}
        self._chain = np.zeros(3)  # samples that are kept, sweeps that were seen, the sum of 1/α

    @property
    def n_bytes(self) -> int:
        """Memory of the samples."""
        return sum(rows.nbytes for rows in self._rows.values())

    def see(self, sides: dict[str, Side], alpha: float) -> None:
        """Takes a sweep after the burn-in into account, and keeps it if its turn has come."""
        if not self._n:
            return
        kept, seen = int(self._chain[0]), int(self._chain[1])
        is_due = (seen + 1) * self._n // self._n_sweeps > kept
        for role, side in sides.items():
            self._noise[role] += 1 / side.noise_precision.astype(np.float64)
            if is_due:
                self._rows[role][kept] = side.row
        self._chain += (is_due, 1, 1 / alpha)

    def arrays(self) -> Arrays:
        """The whole state."""
        kept = int(self._chain[0])
        found: dict[str, Any] = {"kept": self._chain}
        for role in ROLES:
            found |= {f"kept.{role}": self._rows[role][:kept], f"kept.{role}_noise": self._noise[role]}
        return found

    def restore(self, arrays: Arrays) -> None:
        """Takes a state back."""
        self._chain = arrays["kept"].copy()
        for role in ROLES:
            self._rows[role][: int(self._chain[0])] = arrays[f"kept.{role}"]
            self._noise[role] = arrays[f"kept.{role}_noise"].copy()

    def samples(self, unit: float) -> Samples | None:
        """What the serving folder keeps, `unit` being the ratings' standard deviation; None below two samples."""
        kept, seen, noise = self._chain.tolist()
        if kept < 2:
            return None
        parts: dict[str, Any] = {}
        for role in ROLES:
            own = (self._noise[role] / seen).astype(np.float32)
            names = (f"{role}_rows", f"{role}_noise", f"{role}_spread", f"{role}_is_mean")
            parts |= zip(names, stand_in(self._rows[role][: int(kept)], own), strict=True)
        return Samples(unit=unit, noise=noise / seen, **parts)
