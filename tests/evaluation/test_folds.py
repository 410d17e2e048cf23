from __future__ import annotations

import pytest

from recsys.evaluation.folds import paired, summary, t_quantile


@pytest.mark.parametrize(
    ("df", "value"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (5, 2.5706), (9, 2.2622), (10, 2.2281), (120, 1.9799)]
)
def test_the_quantiles_of_t_are_those_of_the_tables(df: int, value: float) -> None:
    assert t_quantile(0.975, df) == pytest.approx(value, abs=5e-5)


def test_the_interval_of_a_paired_difference_by_hand() -> None:
    difference = paired([-1.0, -2.0, -3.0])  # mean −2, standard deviation 1
    half = 4.302653 / 3**0.5
    assert vars(difference) == pytest.approx({"mean": -2.0, "std": 1.0, "low": -2 - half, "high": -2 + half})


def test_a_summary_has_means_spreads_differences_and_counts_that_add_up() -> None:
    def fold(rmse: float, n_unknown: int = 0) -> dict[str, float]:
        return {"rmse": rmse, "mae": rmse / 2, "n_ratings": 10, "n_unknown_users": n_unknown, "n_unknown_items": 1}

    totals = summary(
        [fold(0.8, 2), fold(1.0, 3)], {"biases": [fold(0.9), fold(1.2)]}, metrics=("rmse", "mae"), reference="biases"
    )
    assert vars(totals.model["rmse"]) == pytest.approx({"mean": 0.9, "std": 0.02**0.5})
    assert totals.baselines["biases"]["mae"].mean == pytest.approx(0.525)
    assert totals.differences["rmse"].mean == pytest.approx(-0.15)
    assert totals.reference == "biases"
    assert totals.counts == {"n_ratings": 20, "n_unknown_users": 5, "n_unknown_items": 2}
    assert list(totals.to_dict()) == ["model", "baselines", "difference", *totals.counts]
