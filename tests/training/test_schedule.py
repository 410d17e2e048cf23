from __future__ import annotations

import math

import numpy as np
import pytest

from recsys.training.adamw.settings import AdamW
from recsys.training.schedule import build_schedule, constant, flat_cosine, one_cycle
from recsys.training.sgd.settings import Sgd


def half_cosine(start: float, end: float, share: float) -> float:
    return start + (end - start) * (1 - math.cos(math.pi * share)) / 2


def test_one_cycle_goes_through_points_computed_by_hand() -> None:
    # eight steps at t/8, the turn at 2/8: steps 0, 1, 2 rise; 2 to 8 fall
    schedule = one_cycle(4, 1.0, steps_per_epoch=2)
    assert len(schedule.lr) == len(schedule.momentum) == 8
    np.testing.assert_allclose(schedule.lr[[0, 1, 2]], [1 / 25, (1 / 25 + 1) / 2, 1])
    np.testing.assert_allclose(schedule.lr[5], (1 + 1e-5) / 2)  # halfway down
    np.testing.assert_allclose(schedule.lr[7], half_cosine(1, 1e-5, 5 / 6))
    np.testing.assert_allclose(schedule.momentum[[0, 1, 2, 5]], [0.95, 0.9, 0.85, 0.9])


def test_one_cycle_rises_once_and_falls_once_and_momentum_moves_the_other_way() -> None:
    schedule = one_cycle(5, 5e-3, steps_per_epoch=40)
    turn = int(schedule.lr.argmax())
    assert turn == 50
    assert (np.diff(schedule.lr[: turn + 1]) > 0).all()
    assert (np.diff(schedule.lr[turn:]) < 0).all()
    assert (np.sign(np.diff(schedule.momentum)) == -np.sign(np.diff(schedule.lr))).all()
    assert schedule.lr.max() == 5e-3
    assert schedule.lr[-1] < 5e-3 * 1e-3


def test_one_cycles_divisors_and_turn_are_what_was_asked() -> None:
    schedule = one_cycle(1, 1.0, steps_per_epoch=10, pct_start=0.5, div=4.0, final_div=2.0)
    assert schedule.lr[0] == 0.25
    assert schedule.lr[5] == 1.0
    np.testing.assert_allclose(schedule.lr[9], half_cosine(1, 0.5, 0.8))


def test_flat_cosine_is_flat_and_then_falls_to_nothing() -> None:
    schedule = flat_cosine(2, 0.1, steps_per_epoch=4)  # steps 0 to 6 flat, 7 halfway down
    np.testing.assert_allclose(schedule.lr, [0.1] * 7 + [0.05])
    np.testing.assert_allclose(flat_cosine(1, 1.0, steps_per_epoch=4, pct_start=0.5).lr, [1, 1, 1, 0.5])
    assert (schedule.momentum == 0.95).all()


def test_constant_is_constant() -> None:
    schedule = constant(3, 0.2, steps_per_epoch=2)
    assert schedule.lr.tolist() == [0.2] * 6
    assert schedule.momentum.tolist() == [0.95] * 6


@pytest.mark.parametrize("method", [AdamW, Sgd])
def test_the_config_names_the_schedule(method: type[AdamW] | type[Sgd]) -> None:
    def built(**settings: object) -> list[float]:
        chosen = method.model_validate(settings)
        return build_schedule(chosen, 3, 0.5, 4).lr.tolist()

    assert built() == one_cycle(3, 0.5, steps_per_epoch=4).lr.tolist()
    assert (
        built(pct_start=0.5, div_factor=2.0, final_div_factor=3.0)
        == one_cycle(3, 0.5, steps_per_epoch=4, pct_start=0.5, div=2.0, final_div=3.0).lr.tolist()
    )
    assert built(schedule="constant") == [0.5] * 12
    assert built(schedule="flat_cosine") == flat_cosine(3, 0.5, steps_per_epoch=4).lr.tolist()
    assert (
        built(schedule="flat_cosine", pct_start=0.2)
        == flat_cosine(3, 0.5, steps_per_epoch=4, pct_start=0.2).lr.tolist()
    )
