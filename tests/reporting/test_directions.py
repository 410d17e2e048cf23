"""The main directions of taste."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recsys.artifacts.bundle import Bundle
from recsys.core.seeding import rng
from recsys.reporting.directions import main_directions


def test_a_direction_of_taste_is_the_one_that_was_planted(films: Bundle) -> None:
    main = main_directions(films, 2)
    planted = films.factors.item_factors[:-1]
    for number in range(2):
        assert abs(np.corrcoef(main.positions[:, number], planted[:, number])[0, 1]) > 0.97
    assert main.share[0] > main.share[1]
    assert main.share.sum() == pytest.approx(1)


def test_a_linear_map_that_changes_no_prediction_changes_no_direction(
    films: Bundle, with_factors: Callable[..., Bundle]
) -> None:
    turn = np.array([[2.0, 0.7], [-0.4, 0.3]])
    users, items = films.factors.user_factors[:-1], films.factors.item_factors[:-1]
    turned = with_factors(films, (users @ turn).astype(np.float32), (items @ np.linalg.inv(turn).T).astype(np.float32))
    before, after = main_directions(films, 2), main_directions(turned, 2)
    np.testing.assert_allclose(after.positions, before.positions, atol=1e-4)
    np.testing.assert_allclose(after.share, before.share, atol=1e-5)


def test_positions_are_what_the_axes_say_and_add_up_to_the_spread_over_users(films: Bundle) -> None:
    main = main_directions(films, 2)
    factors = films.factors
    weight = films.counts["rating"].items / films.counts["rating"].items.sum()
    centred = factors.item_factors[:-1] - weight @ factors.item_factors[:-1]
    np.testing.assert_allclose(centred @ main.axes, main.positions, atol=1e-5)
    over_users = (factors.user_factors[:-1] @ centred.T).var(axis=0)
    np.testing.assert_allclose((main.positions**2).sum(axis=1), over_users, rtol=1e-4, atol=1e-6)


def test_fewer_factors_give_fewer_directions(films: Bundle) -> None:
    assert main_directions(films, 5).positions.shape == (300, 2)
    assert main_directions(films, 1).axes.shape == (2, 1)


def test_the_item_that_adds_most_has_a_positive_position(films: Bundle) -> None:
    main = main_directions(films, 2)
    heaviest = np.argmax(films.counts["rating"].items[:, None] * main.positions**2, axis=0)
    assert (main.positions[heaviest, [0, 1]] > 0).all()


def test_an_item_with_few_ratings_makes_no_direction(films: Bundle, with_factors: Callable[..., Bundle]) -> None:
    draw = rng(1, "odd")
    users, items = (
        np.column_stack([rows[:-1], draw.normal(0, 0.1, len(rows) - 1)]).astype(np.float32)
        for rows in (films.factors.user_factors, films.factors.item_factors)
    )
    items[0, 2] = 30.0
    odd = with_factors(films, users, items)
    for count, stands_alone in ((1, False), (10_000, True)):
        counts = films.counts["rating"].items.copy()
        counts[0] = count
        odd = replace(odd, counts={"rating": replace(odd.counts["rating"], items=counts)})
        position = main_directions(odd, 1).positions[:, 0]
        assert (position[0] > 1 and position[1:].max() < 0) == stands_alone


def test_factors_that_are_all_zero_have_no_share(films: Bundle, with_factors: Callable[..., Bundle]) -> None:
    zero = np.zeros((len(films.items), 2), dtype=np.float32)
    assert main_directions(with_factors(films, films.factors.user_factors[:-1], zero), 2).share.tolist() == [0, 0]
