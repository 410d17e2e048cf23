from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.core.errors import DivergedError
from recsys.core.events import Event, Step, silent
from recsys.training.loop import fit
from recsys.training.sgd import dot_product as module
from recsys.training.sgd.dot_product import SgdLearner, resolve
from recsys.training.sgd.settings import Sgd

from .worlds import learner_of, planted


def trained(epochs: int = 3, **settings: Any) -> SgdLearner:
    learner = learner_of(planted(), **settings)
    for number in range(1, epochs + 1):
        learner.epoch(number, silent)
    return learner


def bits(learner: SgdLearner) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in learner.state(1).model.items()}


def test_planted_factors_are_recovered() -> None:
    train = planted(300, 200, 30_000)
    seen, unseen = train.take(slice(0, 25_000)), train.take(slice(25_000, None))
    learner = learner_of(seen, dim=4, n_epochs=60, lr_max=0.1, weight_decay=0.001, bias_weight_decay=0.001)
    last = list(fit(learner))[-1]
    rating = learner.scorer().rate(unseen.user_idx, unseen.item_idx)
    assert last.train["rmse"] < 0.05
    assert np.sqrt(np.mean((rating - unseen.rating) ** 2)) < 0.1


@pytest.mark.parametrize("dim", [1, 16, 50])
def test_one_two_and_four_threads_give_the_same_bits(dim: int) -> None:
    first, second, third = (trained(dim=dim, n_threads=n) for n in (1, 2, 4))
    assert bits(first) == bits(second) == bits(third)
    rmses = {learner.epoch(4, silent).train["rmse"] for learner in (first, second, third)}
    assert len(rmses) == 1


def test_the_parameters_are_changed_in_their_own_memory() -> None:
    learner = learner_of(planted())
    for name, array in zip(module.PARAMETERS, learner._parameters, strict=True):
        before = array.copy()
        learner.epoch(1, silent)
        assert learner.state(1).model[name] is array
        assert (array != before).mean() > 0.9


def test_resumed_equals_uninterrupted() -> None:
    through = trained(4)
    state = trained(2).state(2)
    resumed = learner_of(planted(), seed=3)
    resumed.restore(state)
    for number in (3, 4):
        resumed.epoch(number, silent)
    assert bits(through) == bits(resumed)


def test_the_number_of_ranges_of_a_checkpoint_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "choose_n_side", lambda *_: 4)
    through, state = trained(2), trained(1).state(1)
    monkeypatch.setattr(module, "choose_n_side", lambda *_: 8)
    resumed = learner_of(planted())
    resumed.restore(state)
    resumed.epoch(2, silent)
    assert bits(through) == bits(resumed)


def test_ranges_that_are_no_power_of_two_are_of_an_earlier_version() -> None:
    state = trained(1).state(1)
    with pytest.raises(ValueError, match="9 ranges"):
        learner_of(planted()).restore(replace(state, learner={"n_side": np.array([9])}))


@pytest.mark.parametrize("dim", [50, pytest.param(16, marks=pytest.mark.slow)])
def test_without_biases_there_are_none(dim: int) -> None:
    learner = trained(dim=dim, biases=False)
    assert set(learner.state(1).model) == {"user_embedding", "item_embedding", "global_mean"}
    assert not learner.scorer().user_bias.any()


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 4},
        {"lr_max": 0.02},
        {"weight_decay": 0.2},
        {"bias_weight_decay": 0.2},
        {"bias_damping": (1.0, 0.0)},
        {"bias_damping": (0.0, 1.0)},
        {"n_epochs": 4},
        {"pct_start": 0.4},
        {"div_factor": 5.0},
        {"final_div_factor": 3.0},
        {"schedule": "constant"},
        {"dim": 50},
        pytest.param({"dim": 17}, marks=pytest.mark.slow),
    ],
)
def test_every_hyperparameter_changes_the_result(other: dict[str, Any]) -> None:
    assert bits(trained(**{"n_epochs": 3, **other})) != bits(trained(n_epochs=3))


def test_train_rmse_is_in_rating_units() -> None:
    learner = learner_of(planted())
    done = learner.epoch(1, silent)
    assert done.train["rmse"] == pytest.approx(learner._model.scale.std, rel=0.2)
    assert done.lr > 0


@pytest.mark.parametrize("dim", [1, 16, 50])
def test_divergence_is_noticed_after_the_epoch(dim: int) -> None:
    learner = learner_of(planted(), dim=dim, lr_max=1e6, n_epochs=2)
    with pytest.raises(DivergedError), np.errstate(all="ignore"):
        list(fit(learner))


def test_an_observer_sees_the_steps_and_can_stop_between_them() -> None:
    steps: list[Event] = []

    def stop(event: Event) -> None:
        steps.append(event)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learner_of(planted()).epoch(1, stop)
    assert all(isinstance(step, Step) and step.total == 4000 for step in steps)


def test_a_single_user_or_rating_can_be_fitted() -> None:
    for train in (planted(1, 80, 80), planted(60, 1, 60), planted(1, 1, 1)):
        assert np.isfinite(learner_of(train).epoch(1, silent).train["rmse"])


@pytest.mark.parametrize(("n_ratings", "rate"), [(1, 0.04), (100_000, 0.04), (20_000_000, 0.03), (10**9, 0.03)])
def test_auto_follows_the_number_of_ratings(n_ratings: int, rate: float) -> None:
    chosen = resolve(Sgd(), n_ratings, (3.0, 4.0))
    assert (chosen.lr_max, chosen.weight_decay, chosen.bias_weight_decay) == pytest.approx((rate, rate, 0))
    assert chosen.bias_damping == (3.0, 4.0)
    own = resolve(Sgd(lr_max=0.5, bias_damping=1.0, n_threads=3), n_ratings, (3.0, 4.0))
    assert (own.lr_max, own.bias_damping, own.n_threads) == (0.5, (1.0, 1.0), 3)
    assert resolve(Sgd(bias_damping=(1.0, 0.0)), n_ratings, (3.0, 4.0)).bias_damping == (1.0, 0.0)


@pytest.mark.parametrize(
    ("given", "decays"),
    [
        ({"weight_decay": 0.0}, (0.0, 0.0)),
        ({"weight_decay": 0.07}, (0.07, 0.07)),
        ({"bias_weight_decay": 0.7}, (0.04, 0.7)),
        ({"weight_decay": 0.07, "bias_weight_decay": 0.7}, (0.07, 0.7)),
    ],
)
def test_who_gives_a_decay_gets_that_and_no_damping(given: dict[str, float], decays: tuple[float, float]) -> None:
    chosen = resolve(Sgd(**given), 100_000, (3.0, 4.0))
    assert (chosen.weight_decay, chosen.bias_weight_decay) == decays
    assert chosen.bias_damping == (0.0, 0.0)


def test_a_frozen_group_is_not_drawn() -> None:
    learner = learner_of(planted(), freeze=("items",), bias_damping=5.0)
    learner._parameters[3][:] = 0.5
    learner.epoch(1, silent)
    assert (learner._parameters[3] == 0.5).all()


def test_what_is_recorded_does_not_depend_on_the_threads() -> None:
    first, second = (learner_of(planted(), n_threads=n) for n in (1, 2))
    assert first.settings() == second.settings()
    assert first.settings()["n_side"] == 8
