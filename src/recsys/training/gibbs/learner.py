"""Fits dot products by Gibbs sampling: the mean over many samples of all that the ratings leave possible."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from recsys.core.communicator import ALONE, Communicator, Traffic, all_rows_to_all
from recsys.core.events import EpochResult, Observer, Step
from recsys.core.layout import StateLayout
from recsys.core.seeding import rng
from recsys.core.threads import Workers, one_blas_thread, usable_cores
from recsys.core.types import Array, Arrays, Float64Array, Json, State
from recsys.data.interactions import Interactions
from recsys.data.scale import Censoring, Scale
from recsys.models.settings import ROLES
from recsys.models.svdpp.settings import implicit_terms
from recsys.scoring.factors.scorer import Factors, Rows, in_rating_units
from recsys.scoring.link import Link
from recsys.scoring.raters import Raters
from recsys.scoring.uncertainty import Samples
from recsys.training.finite import finite_arrays
from recsys.training.gibbs.covariance import covariance_columns
from recsys.training.gibbs.drift import LENGTHS, Paths, by_time
from recsys.training.gibbs.layout import Chain, chain_layout, drift_layout, tobit_layout
from recsys.training.gibbs.models import SampledModel
from recsys.training.gibbs.samples import PosteriorSamples, is_kept
from recsys.training.gibbs.settings import Gibbs
from recsys.training.gibbs.state import FactorState, RatingsCSR
from recsys.training.gibbs.sweep import Noise, sample_noise, sample_priors, sample_rows, sample_spread
from recsys.training.gibbs.tobit import N_PAIRS, Tobit, is_censored
from recsys.training.groups import Group

RATERS = "raters"  # what it says that a user is among the raters of an item
N_KEPT, KEPT_BYTES = 64, 256_000_000


class GibbsLearner:
    """Draws every unknown given all others, sweep after sweep; the model is the mean of the samples after the burn-in.

    During the burn-in it is the last sample. What is modelled stands in sweep.py. The bits depend on the seed, not on
    the number of threads, nor on that of ranks.
    """

    evaluation_cost = 1.5  # measured at dim 20, two threads: 12M ratings/s drawn from, 10M/s evaluated
    groups: tuple[Group, ...] = ()

    def __init__(
        self,
        model: SampledModel,
        scale: Scale,
        train: Interactions,
        settings: Gibbs,
        seed: int,
        communicator: Communicator = ALONE,
    ) -> None:
        n_users, n_items = len(train.users), len(train.items)
        self._width = model.dim + 1
        censoring = Censoring.of(train.rating)
        censored = model.clip and is_censored(train.rating, censoring)
        self._settings = settings = resolve(settings, (n_users + n_items) * self._width, censored=censored)
        self.n_ratings, self.n_epochs = len(train), settings.n_epochs
        self._model, self._scale, self._seed, self._communicator = model, scale, seed, communicator
        assert isinstance(settings.burn_in, int)
        assert isinstance(settings.n_kept_samples, int)
        assert isinstance(settings.n_threads, int)
        self._workers, self._alone = Workers(settings.n_threads), Workers(1)
        self._burn_in, self._n_kept = settings.burn_in, settings.n_kept_samples
        train = by_time(train) if model.user_drift else train
        rating = ((train.rating - scale.mean) / scale.std).astype(np.float32)
        self._rated = {
            "user": RatingsCSR.of(train.by_user(), train.by_item(), rating),
            "item": RatingsCSR.of(train.by_item(), train.by_user(), rating),
        }
        dim, implicit = model.dim, model.implicit_of
        self._sides = {
            role: FactorState.first(self._rated[role], dim, n_other, seed, role, implicit=role in implicit)
            for role, n_other in (("user", n_items), ("item", n_users))
        }
        self._paths = Paths.of(train) if model.user_drift else None
        self._tobit = Tobit.of(train, censoring, scale, seed) if settings.likelihood == "tobit" else None
        self._alpha = 1.0
        self._n_counted = 0  # sweeps whose samples count
        self._ahead: dict[int, Noise] = {}  # the users' random numbers for the next sweep
        self._is_done = False
        self._kept = PosteriorSamples.of({role: rated.count for role, rated in self._rated.items()})
        self._sums = {name: np.zeros_like(array, dtype=np.float64) for name, array in self._sample().items()}

    @property
    def column_bytes(self) -> int:
        """Memory of the sorted ratings, once for users and once for items, and of the random numbers of two sweeps."""
        ratings = sum(rated.idx.nbytes + rated.rating.nbytes for rated in self._rated.values())
        return ratings + 2 * sum(side.row.nbytes for side in self._sides.values())

    def traffic(self, n_ranks: int) -> Traffic:
        """What so many ranks send: the rows of a sweep and their sums of squares, to all."""
        return all_rows_to_all(sum(side.row.nbytes + side.squares.nbytes for side in self._sides.values()), n_ranks)

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """One sweep. Its rmse weighs each rating by its noise precision, as the sampler does."""
        with one_blas_thread():
            return self._sweep(number, observe)

    def _sweep(self, number: int, observe: Observer) -> EpochResult:
        users, items = self._sides["user"], self._sides["item"]
        paths, tobit, workers = self._paths, self._tobit, self._workers
        observe(Step(number, self.n_epochs, 0, self.n_ratings, 0.0))
        whole = rated = self._rated
        if tobit is not None:
            drift = None if paths is None else paths.of_ratings()
            whole = rated = tobit.drawn(rated, self._sides, drift, self._alpha, (self._seed, number), workers)
        if paths is not None:
            rated = paths.taken_off(whole)
        of_users, of_items = (self._seed, "user", number), (self._seed, "item", number)
        noise = self._ahead.get(number) or sample_noise(users, rated["user"], of_users, workers)
        next_noise = partial(sample_noise, items, rated["item"], of_items, self._alone)
        noise = sample_rows(users, items, rated["user"], self._alpha, noise, workers, next_noise, self._communicator)
        priors = partial(sample_priors, users, rated["user"], rated["item"], of_users, self._alone)
        sample_rows(items, users, rated["item"], self._alpha, noise, workers, priors, self._communicator)
        sample_priors(items, rated["item"], rated["user"], of_items, workers)
        random = rng(self._seed, "gibbs noise", number)
        squares = float(items.noise_precision.astype(np.float64) @ items.squares)
        self._alpha = random.standard_gamma(0.5 * (1 + self.n_ratings)) / (0.5 * (1 + squares))
        users.spread = sample_spread(users.noise_precision[rated["user"].has_own_noise], random)
        items.spread = sample_spread(items.noise_precision[rated["item"].has_own_noise], random)
        if paths is not None:
            paths.sample(users, items, whole["user"], self._alpha, (self._seed, number), workers)
        if number > self._burn_in:
            ahead = partial(sample_noise, users, rated["user"], (self._seed, "user", number + 1), self._alone)
            self._ahead = {number + 1: workers.aside(ahead, partial(self._count, number))}
        self._is_done = number == self.n_epochs
        rmse = self._scale.std * math.sqrt(squares / self.n_ratings)
        return EpochResult(train={"rmse": rmse}, lr=0.0)

    def is_finite(self) -> bool:
        """Whether every prediction of the current sample is a finite number."""
        with one_blas_thread():
            return finite_arrays(side.row for side in self._sides.values())

    def state(self, epoch: int) -> State:
        """The mean so far as the model's parameters; the current sample, sums over those that count, those kept."""
        sample = self._sides["user"].arrays("user") | self._sides["item"].arrays("item")
        sums = {f"sum.{name}": array for name, array in self._sums.items()}
        for part in (self._paths, self._tobit):
            sample |= {} if part is None else part.arrays()
        chain = np.array([self._alpha, self._n_counted])
        return State(epoch, self._parameters(), {**sample, **sums, **self._kept.arrays(), "chain": chain})

    def layout(self, epoch: int) -> StateLayout:
        """The model's parameters; what `state` adds to them after so many sweeps."""
        n_counted = max(0, epoch - self._burn_in)
        n_kept = sum(is_kept(sweep + 1, self.n_epochs - self._burn_in, self._n_kept) for sweep in range(n_counted))
        learner = {**chain_layout(Chain(self._width, n_counted, n_kept), self._model.implicit_of)}
        sizes = {f"n_{role}s": len(rated.count) for role, rated in self._rated.items()}
        if self._paths is not None:
            learner |= drift_layout(len(LENGTHS))
            sizes["n_moments"] = len(self._paths.time)
        if self._tobit is not None:
            learner |= tobit_layout(N_PAIRS)
        return StateLayout(self._model.parameters, learner, sizes)

    def restore(self, state: State) -> None:
        """Goes on with a sample and its sums."""
        self._ahead = {}
        for role, side in self._sides.items():
            side.restore(state.learner, role)
        self._sums = {name: state.learner[f"sum.{name}"].copy() for name in self._sums}
        self._kept.restore(state.learner)
        for part in (self._paths, self._tobit):
            if part is not None:
                part.restore(state.learner)
        self._alpha, self._n_counted = float(state.learner["chain"][0]), int(state.learner["chain"][1])
        self._is_done = state.epoch == self.n_epochs

    @property
    def samples(self) -> Samples | None:
        """Those kept so far; None while there are fewer than two."""
        return self._kept.samples(self._scale.std)

    @one_blas_thread()
    def scorer(self) -> Factors:
        """The model as it stands: products of mean rows; after the last sweep, what these leave out beside them."""
        means, scale = self._means(), self._scale
        factors = {role: means[f"{role}.row"][:, :-1] for role in self._sides}
        bias = {role: means[f"{role}.row"][:, -1] for role in self._sides}
        if self._is_done and self.samples is not None:
            weights = {role: np.sqrt(np.maximum(rated.count, 1)) for role, rated in self._rated.items()}
            more = covariance_columns(self._kept.rows, factors, weights, rng(self._seed, "gibbs covariance"))
            factors = {role: np.hstack([factors[role], columns]) for role, columns in zip(factors, more, strict=True)}
        user, item = (Rows(factors[role], bias[role], self._rated[role].count > 0) for role in ("user", "item"))
        scorer = in_rating_units(scale.mean, scale.std, user, item, self._link())
        drift = None if self._paths is None else self._paths.served(self._n_counted, scale.std)
        raters = None
        if RATERS in means:
            raters = Raters.of(np.float32(scale.std) * means[RATERS], user.has_ratings, self._rated["item"].count)
        return replace(scorer, drift=drift, user_std=self._user_std(scorer.link.std), raters=raters)

    divided_scorer = scorer

    def _link(self) -> Link:
        low, high = self._scale.low, self._scale.high
        if self._tobit is None:
            return Link("clip" if self._model.clip else "identity", low, high)
        return Link("tobit", low, high, self._scale.std * self._tobit.std(self._sides, self._alpha, self._n_counted))

    def _user_std(self, std: float) -> Array | None:
        if self._tobit is None:
            return None
        of_users = self._tobit.user_std(std, self._kept.noise("user")).astype(np.float32)
        of_users[:-1][self._rated["user"].count == 0] = of_users[-1]
        return of_users

    def settings(self) -> dict[str, Json]:
        """All that the result depends on, with `auto` resolved: so not the number of threads."""
        return self._settings.in_force()

    def _sample(self) -> Arrays:
        """What the model is made of in the current sample: rows with their bias in the last column, and raters."""
        arrays = {}
        for role, side in self._sides.items():
            arrays[f"{role}.row"] = side.row
            if side.implicit is not None:
                arrays |= {f"{role}.from_implicit": side.from_implicit, f"{role}.implicit": side.implicit}
        if self._sides["item"].implicit is not None:
            arrays[RATERS] = self._sides["item"].as_raters(self._sides["user"])
        return arrays

    def _count(self, number: int) -> None:
        """Adds the sample to the sums, its factors turned so that they lie as those of the mean do.

        A rotation of all factors changes no prediction, but samples that are turned against each other cancel out.
        """
        sample = self._sample()
        turn = np.eye(self._width)
        if self._n_counted:
            counts = {f"{role}.row": rated.count for role, rated in self._rated.items()}
            turn[:-1, :-1] = _rotation(sample, self._sums, counts)
        for name, array in sample.items():
            self._sums[name] += array if name == RATERS else array @ turn
        self._n_counted += 1
        if self._paths is not None:
            self._paths.count()
        if self._tobit is not None:
            self._tobit.count(self._sides, self._alpha)
        self._kept.count(self._sides, self._alpha)
        if is_kept(number - self._burn_in, self.n_epochs - self._burn_in, self._n_kept):
            self._kept.keep(self._sides, turn, rng(self._seed, "gibbs unknown", number))

    def _means(self) -> Arrays:
        """The mean of the kept samples, or the current one."""
        if not self._n_counted:
            return self._sample()
        return {name: (array / self._n_counted).astype(np.float32) for name, array in self._sums.items()}

    def _parameters(self) -> Arrays:
        """The means as the parameters of the model's module, under its names."""
        means = self._means()
        parameters = dict(self._model.constants)
        for role in ROLES:
            row = means[f"{role}.row"]
            if f"{role}.implicit" in means:
                row = row - means[f"{role}.from_implicit"]
                parameters |= _split(means[f"{role}.implicit"], *implicit_terms(role))
            parameters |= _split(row, f"{role}_embedding", f"{role}_bias")
        return parameters


def _split(rows: Array, embedding: str, bias: str) -> Arrays:
    return {embedding: rows[:, :-1].copy(), bias: rows[:, -1].copy()}


def _rotation(sample: Arrays, sums: Arrays, counts: Arrays) -> Float64Array:
    """The rotation of the sample's factors that brings them nearest to the sums, each row weighted by its ratings.

    Source: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem".
    """
    cross = sum((sample[name][:, :-1] * n[:, None]).T @ sums[name][:, :-1] for name, n in counts.items())
    left, _, right = np.linalg.svd(cross)
    return np.asarray(left @ right)


def resolve(settings: Gibbs, n_numbers: int, *, censored: bool = False) -> Gibbs:
    """`auto` → its value: a quarter of the sweeps to burn in, as many samples as fit into 256 MB, and all cores.

    The likelihood is tobit where ratings are piled up at an end of the scale, else normal.
    """
    n_kept = max(2, min(N_KEPT, KEPT_BYTES // (2 * n_numbers)))  # float16
    return settings.model_copy(
        update={
            "burn_in": settings.n_epochs // 4 if settings.burn_in == "auto" else settings.burn_in,
            "n_kept_samples": n_kept if settings.n_kept_samples == "auto" else settings.n_kept_samples,
            "likelihood": ("tobit" if censored else "normal") if settings.likelihood == "auto" else settings.likelihood,
            "n_threads": usable_cores() if settings.n_threads == "auto" else settings.n_threads,
        }
    )
