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


@pytest.mark.parametrize("name", OBJECTIVES)
def test_more_data_is_advised_where_there_is_little(name: str) -> None:
    of_few, of_many = (OBJECTIVES[name].advice(n) for n in (1_000, 5_000_000))
    assert "more data" in of_few or "more interactions" in of_few
    assert "more data" not in of_many
    assert "Until" not in of_many
