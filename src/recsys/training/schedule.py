"""How the learning rate and the momentum move over a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recsys.core.types import Float64Array
from recsys.training.settings import Scheduled

MOMENTUMS = (0.95, 0.85, 0.95)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Learning rate and momentum at every step of a fit, float64, shape (n_epochs · steps_per_epoch,)."""

    lr: Float64Array
    momentum: Float64Array


def one_cycle(
    n_epochs: int,
    lr_max: float,
    *,
    steps_per_epoch: int,
    pct_start: float = 0.25,
    div: float = 25.0,
    final_div: float = 1e5,
    momentums: tuple[float, float, float] = MOMENTUMS,
) -> Schedule:
    """The one-cycle policy.

    lr(t) rises from lr_max/div to lr_max over the first pct_start of the steps, then falls to lr_max/final_div,
    both along half a cosine; momentum moves the other way. Step t of n stands at t/n, as in fastai.

    Source: Smith 2018, "A disciplined approach to neural network hyper-parameters: Part 1" (arXiv:1803.09820);
    defaults from fastai's fit_one_cycle.
    """
    at = _progress(n_epochs * steps_per_epoch)
    start, middle, end = momentums
    return Schedule(
        lr=_up_and_down(at, pct_start, lr_max / div, lr_max, lr_max / final_div),
        momentum=_up_and_down(at, pct_start, start, middle, end),
    )


def flat_cosine(n_epochs: int, lr_max: float, *, steps_per_epoch: int, pct_start: float = 0.75) -> Schedule:
    """lr_max for the first pct_start of the steps, then down to 0 along half a cosine.

    Source: fastai's fit_flat_cos.
    """
    at = _progress(n_epochs * steps_per_epoch)
    falling = _cosine(lr_max, 0.0, (at - pct_start) / (1 - pct_start))
    return Schedule(lr=np.where(at < pct_start, lr_max, falling), momentum=np.full(len(at), MOMENTUMS[0]))


def constant(n_epochs: int, lr_max: float, *, steps_per_epoch: int) -> Schedule:
    """lr_max at every step."""
    n_steps = n_epochs * steps_per_epoch
    return Schedule(lr=np.full(n_steps, lr_max), momentum=np.full(n_steps, MOMENTUMS[0]))


def exponential(n_steps: int, first: float, last: float) -> Schedule:
    """From `first` to `last`, each step's rate a fixed multiple of the one before, momentum as at the start of a cycle.

    Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks" (WACV), the range test.
    """
    return Schedule(lr=np.geomspace(first, last, n_steps), momentum=np.full(n_steps, MOMENTUMS[0]))


def build_schedule(settings: Scheduled, n_epochs: int, lr_max: float, steps_per_epoch: int) -> Schedule:
    """The schedule that the config names."""
    match settings.schedule:
        case "one_cycle":
            assert settings.pct_start
            assert settings.div_factor
            assert settings.final_div_factor
            return one_cycle(
                n_epochs,
                lr_max,
                steps_per_epoch=steps_per_epoch,
                pct_start=settings.pct_start,
                div=settings.div_factor,
                final_div=settings.final_div_factor,
            )
        case "flat_cosine":
            assert settings.pct_start
            return flat_cosine(n_epochs, lr_max, steps_per_epoch=steps_per_epoch, pct_start=settings.pct_start)
        case "constant":
            return constant(n_epochs, lr_max, steps_per_epoch=steps_per_epoch)


def _progress(n_steps: int) -> Float64Array:
    return np.arange(n_steps) / n_steps


def _up_and_down(at: Float64Array, turn: float, start: float, middle: float, end: float) -> Float64Array:
    return np.where(at < turn, _cosine(start, middle, at / turn), _cosine(middle, end, (at - turn) / (1 - turn)))


def _cosine(start: float, end: float, share: Float64Array) -> Float64Array:
    return start + (end - start) * (1 - np.cos(math.pi * share)) / 2
