from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from recsys.core.errors import DivergedError
from recsys.core.events import Epoch, EpochResult, Observer, silent
from recsys.training.finite import finite_arrays
from recsys.training.loop import _diverged, fit


@dataclass
class Scripted:
    """A learner that does nothing but what is written here."""

    rmse: list[float]
    values: list[float] = field(default_factory=list)
    n_epochs: int = 3
    n_ratings: int = 1000
    seen: list[int] = field(default_factory=list)

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        self.seen.append(number)
        return EpochResult({"rmse": self.rmse[number - 1]}, lr=0.5 / number)

    def is_finite(self) -> bool:
        value = self.values[self.seen[-1] - 1] if self.values else 1.0
        return finite_arrays([np.array([1.0, value], np.float32)])


def run(learner: Scripted, n_epochs: int, after: int = 0) -> list[Epoch]:
    learner.n_epochs = n_epochs
    return list(fit(learner, after=after, observe=silent))  # type: ignore[arg-type]


def test_every_epoch_is_given_to_the_consumer() -> None:
    epochs = run(Scripted([0.9, 0.8, 0.7]), 3)
    assert [(epoch.number, epoch.n_epochs, epoch.train["rmse"], epoch.lr) for epoch in epochs] == [
        (1, 3, 0.9, 0.5),
        (2, 3, 0.8, 0.25),
        (3, 3, 0.7, 0.5 / 3),
    ]
    assert all(epoch.ratings_per_second == pytest.approx(1000 / epoch.seconds) for epoch in epochs)


def test_a_resumed_fit_starts_after_what_is_done() -> None:
    learner = Scripted([0.9, 0.8, 0.7])
    assert [epoch.number for epoch in run(learner, 3, after=2)] == [3]
    assert learner.seen == [3]


def test_a_fit_that_is_done_has_no_epoch_left() -> None:
    assert run(Scripted([]), 3, after=3) == []


def test_an_epoch_is_trained_only_when_it_is_asked_for() -> None:
    learner = Scripted([0.9, 0.8])
    epochs = fit(learner)  # type: ignore[arg-type]
    assert learner.seen == []
    next(epochs)
    assert learner.seen == [1]


@pytest.mark.parametrize("rmse", [np.nan, np.inf])
def test_an_error_that_is_not_finite_is_divergence(rmse: float) -> None:
    with pytest.raises(DivergedError, match=r"epoch 2 of 3.*learning rate 0\.25") as caught:
        run(Scripted([0.9, rmse, 0.7]), 3)
    assert caught.value.exit_code == 6
    assert caught.value.hint == "train with a smaller rate: --set training.lr_max=0.03"


def test_a_method_without_a_learning_rate_is_told_to_change_none() -> None:
    error = _diverged(2, 3, 0.0)
    assert error.what.endswith("infinite or undefined")
    assert error.hint is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_divergence(value: float) -> None:
    learner = Scripted([0.9, 0.9, 0.9], values=[1.0, 1.0, value])
    epochs = fit(learner)  # type: ignore[arg-type]
    assert [next(epochs).number, next(epochs).number] == [1, 2]
    with pytest.raises(DivergedError, match="epoch 3 of 3"):
        next(epochs)


def test_a_parameter_whose_products_would_overflow_is_divergence() -> None:
    assert len(run(Scripted([0.9], values=[1e18]), 1)) == 1
    with pytest.raises(DivergedError):
        run(Scripted([0.9], values=[1e20]), 1)
