from __future__ import annotations

import numpy as np
import pytest
import torch

from recsys.core.errors import DivergedError
from recsys.training.finite import finite_arrays, finite_parameters, solvable


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e20])
def test_a_number_that_makes_predictions_infinite_is_found_in_any_array(value: float) -> None:
    arrays = [np.ones((3, 2), np.float32), np.full((2, 2), 0.5, np.float32)]
    assert finite_arrays(arrays)
    assert finite_parameters(map(torch.from_numpy, arrays))
    arrays[1][1, 0] = value
    assert not finite_arrays(arrays)
    assert not finite_parameters(map(torch.from_numpy, arrays))


def test_equations_without_a_solution_are_told_as_divergence() -> None:
    with pytest.raises(DivergedError, match="cannot be solved: Singular matrix"), solvable():
        np.linalg.solve(np.zeros((2, 2)), np.ones(2))
