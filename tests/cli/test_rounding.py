from __future__ import annotations

from recsys.cli.explain import n_decimals
from recsys.cli.render import signed


def test_what_rounds_to_zero_has_a_plus() -> None:
    assert [signed(value, 2) for value in (-0.001, 0.0, -0.01, 1.0)] == ["+0.00", "+0.00", "-0.01", "+1.00"]


def test_rank_scores_show_three_digits_of_the_largest_and_four_decimals_at_least() -> None:
    assert [n_decimals(values) for values in ([12.5], [0.02, -0.5], [1e-6, -2e-6], [0.0])] == [4, 4, 8, 4]
