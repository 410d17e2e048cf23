"""Whether parameters are finite numbers, and small enough that predictions are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from recsys.core.errors import DivergedError
from recsys.core.types import Array

if TYPE_CHECKING:
    import torch


def finite_arrays(arrays: Iterable[Array]) -> bool:
    """Where the sum of squares is finite in float32, so is the product of any two rows: no prediction overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return all(bool(np.isfinite(np.dot(numbers, numbers))) for numbers in map(np.ravel, arrays))


def finite_parameters(parameters: Iterable[torch.Tensor]) -> bool:
    """The same of tensors, where they lie."""
    numbers = (parameter.detach().flatten() for parameter in parameters)
    return all(bool((vector @ vector).isfinite()) for vector in numbers)


@contextmanager
def solvable() -> Iterator[None]:
    """Around what is learned of a trained model: equations without a solution, which too large numbers lead to.

    Raises:
        DivergedError: in their place.
    """
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise DivergedError(
            f"what is learned after the last epoch cannot be solved: {error}",
            expected="ratings and parameters whose squares can be added up",
            hint="train with a smaller rate (training.lr_max), or divide the ratings by a number",
        ) from error
