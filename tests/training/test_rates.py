from __future__ import annotations

import pytest

from recsys.training.rates import Rates, group_rates


@pytest.mark.parametrize(
    ("lr_max", "rates"),
    [
        ("slice(1e-3)", (1e-3 / 3, 1e-3 / 3, 1e-3)),
        ("slice( 0.3 )", (0.3 / 3, 0.3 / 3, 0.3)),
        ("slice(1e-5, 1e-3)", (1e-5, 1e-4, 1e-3)),
        ("slice(1e-3,1e-3)", (1e-3, 1e-3, 1e-3)),
        ((3e-4, 2e-4, 1e-4), (3e-4, 2e-4, 1e-4)),
        (2e-3, (2e-3, 2e-3, 2e-3)),
    ],
)
def test_the_lessons_notation_gives_the_lessons_rates(lr_max: Rates, rates: tuple[float, ...]) -> None:
    assert group_rates(lr_max, 3) == pytest.approx(rates, rel=1e-12)


def test_a_slice_of_one_number_is_exact() -> None:
    assert group_rates("slice(1e-3)", 2) == (1e-3 / 3, 1e-3)
    assert group_rates("slice(1e-3)", 1) == (1e-3,)
    assert group_rates("slice(1e-5, 1e-3)", 1) == (1e-3,)
