from __future__ import annotations

import pytest

from recsys.core.errors import RunError
from recsys.objectives.objective import Objective
from recsys.objectives.specs import OBJECTIVES, find_objective


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_found_by_its_name(name: str) -> None:
    objective = find_objective(name)
    assert objective.name == name
    assert objective.baseline_to_beat in objective.baselines
    assert objective.deciding_metric in objective.metrics


def test_an_unknown_objective_is_an_error_that_names_those_that_there_are() -> None:
    with pytest.raises(RunError, match="'clicks' is unknown") as caught:
        find_objective("clicks")
    assert "rating" in (caught.value.expected or "")


def test_the_direction_says_which_value_is_better() -> None:
    rating: Objective = OBJECTIVES["rating"]
    assert rating.cost(rating.value({"mae": 0.5, "rmse": 0.7})) < rating.cost(0.8)
