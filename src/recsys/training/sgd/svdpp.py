"""Fits SVD++ by per-rating SGD, in place, whole users or whole items at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.config.plans import Plan
from recsys.core.events import EpochResult, Observer, Step
from recsys.core.layout import StateLayout
from recsys.core.seeding import rng
from recsys.core.types import Array, Float32Array, Json, State
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.scale import Scale
from recsys.data.training_inputs import TrainingInputs
from recsys.models.build import build_arrays
from recsys.models.settings import ROLES, ParameterInfo, Role
from recsys.models.svdpp.arrays import SvdPPArrays
from recsys.models.svdpp.settings import OTHER, implicit_terms
from recsys.scoring.factors.scorer import Factors
from recsys.training.finite import finite_arrays
from recsys.training.groups import LayerRates
from recsys.training.sgd.damping import NOTHING, Damped, auto_damping, credible_damping, expected_values
from recsys.training.sgd.defaults import auto_rate
from recsys.training.sgd.settings import Sgd
from recsys.training.sgd.svdpp_kernel import svdpp_kernel

STEPS = 32  # of an epoch: the learning rate moves from one to the next
PULLS = 8  # of them that begin with a pull towards what is expected
DAMPED = (0.03, 0.0015, 3.5, 80.0)  # weight decay of rows, of implicit rows, damping of rows, of implicit rows
UNDAMPED = {True: (0.025, 0.06, 0.0015, 0.0, 0.0), False: (0.025, 0.04, 0.004, 0.0, 0.0)}  # flipped → lr_max, the same


class SvdPPLearner:
    """Minimises Σ ½e² + ½λ(|p_u|² + |q_i|²) + ½λ_b(b_u² + b_i²) + ½λ_y Σ_{j ∈ N(u)} |y_j|² over the training ratings.

    e is in units of the training ratings' standard deviation; y_j stands for the implicit row and the implicit bias
    of j. An epoch goes through the users in an order drawn for it and takes one step for each of their ratings; these
    steps are exact (svdpp_kernel.py). Flipped, the items have the same form, with z_v for the users in N(i), and every
    other epoch goes through the items instead. In a users' epoch y moves and z stays as it is, in an items' epoch z
    moves and y stays: to move both at each rating would change the rows of all items that somebody rated. Eight times
    an epoch all that moves is drawn towards what is `expected` of it, as its damping says (damping.py).

    One thread does it all: a user's steps move rows of many items, and a user's next steps build on them.

    Source: Koren 2008, "Factorization Meets the Neighborhood" (KDD).
    """

    evaluation_cost = 2.0  # measured at dim 64: 16M ratings/s trained on, 10M/s evaluated
    samples = None

    def __init__(
        self,
        model: SvdPPArrays,
        train: Interactions,
        settings: Sgd,
        seed: int,
        expected: Mapping[str, Float32Array] = NOTHING,
    ) -> None:
        self._settings = settings = resolve(
            settings, len(train), credible_damping(train), flipped=model.settings.flipped
        )
        self.n_ratings, self.n_epochs = len(train), settings.n_epochs
        self._model, self._seed = model, seed
        self._sizes = {"n_users": len(train.users), "n_items": len(train.items)}
        rates = LayerRates(model.settings.parameters, settings)
        self.groups, self._share = rates.groups, rates.share
        self.schedule = rates.schedule(self.n_epochs, STEPS)
        self._damped = {parameter.name: self._damp(parameter, expected) for parameter in model.settings.parameters}
        self._kernel = svdpp_kernel(model.settings.embedding_dim, model.settings.flipped)
        self._given = _shuffled(train, model.settings.implicit_of, model.scale, seed)

    @property
    def column_bytes(self) -> int:
        """Memory of the sorted ratings, flipped once for users and once for items."""
        return sum(given.idx.nbytes + given.rating.nbytes for given in self._given.values())

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """One step for every training rating, user by user, or item by item."""
        roles = self._model.settings.implicit_of
        role = roles[(number - 1) % len(roles)]
        given, near = self._given[role], self._model.neighbours[role]
        arrays = (*given.columns, near.start, near.idx, *self._parameters(role))
        still = implicit_terms(OTHER[role])  # what the other role is made of stays as it is in this epoch
        damped = [rows_damping for name, rows_damping in self._damped.items() if name not in still]
        squares, done, lr = 0.0, 0, 0.0
        for step, rows in enumerate(given.steps(rng(self._seed, "svdpp rows", number))):
            lr = float(self.schedule.lr[(number - 1) * STEPS + step])
            observe(Step(number, self.n_epochs, done, self.n_ratings, lr, squares))
            if step % (STEPS // PULLS) == 0:
                for rows_damping in damped:
                    rows_damping.shrink(lr / PULLS)
            squares += self._kernel(rows, *arrays, *self._rates(role, lr))
            done += int(given.counts[rows].sum())
        assert done == self.n_ratings
        rmse = self._model.scale.std * math.sqrt(squares / self.n_ratings)
        return EpochResult(train={"rmse": rmse}, lr=lr)

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        return finite_arrays(self._model.arrays.values())

    def state(self, epoch: int) -> State:
        """Parameters: nothing else goes on from one epoch to the next."""
        return State(epoch=epoch, model=self._model.arrays, learner={})

    def layout(self, epoch: int) -> StateLayout:
        """Parameters."""
        return StateLayout(self._model.settings.layout(), {}, self._sizes)

    def restore(self, state: State) -> None:
        """Parameters, as they were."""
        for name, array in self._model.arrays.items():
            array[...] = state.model[name]

    def scorer(self) -> Factors:
        """The model as it stands."""
        return self._model.scorer()

    def settings(self) -> dict[str, Json]:
        """All that the result depends on, with `auto` resolved."""
        return self._settings.in_force()

    def _parameters(self, role: Role) -> tuple[Float32Array, ...]:
        """The kernel's arrays: rows of a role and of the other, the latter's implicit rows, what it has from others."""
        other, model = OTHER[role], self._model
        names = (f"{role}_embedding", f"{role}_bias", f"{other}_embedding", f"{other}_bias", *implicit_terms(role))
        moving = tuple(model.arrays[name] for name in names)
        if other not in model.settings.implicit_of:
            dim = model.settings.embedding_dim
            return (*moving, np.empty((0, dim), np.float32), np.empty(0, np.float32))
        return (*moving, *map(np.ascontiguousarray, model.implicit_sums(other)))

    def _damp(self, parameter: ParameterInfo, expected: Mapping[str, Float32Array]) -> Damped:
        settings, name, role = self._settings, parameter.name, parameter.rows
        assert role is not None
        assert isinstance(settings.bias_damping, tuple)
        if name in implicit_terms(OTHER[role]):
            damping = settings.implicit_damping
        else:
            damping = settings.bias_damping[ROLES.index(role)] if parameter.is_bias else settings.damping
        assert damping is not None
        array, share = self._model.arrays[name], self._share[parameter.group]
        return Damped(array, expected.get(name), damping, share)

    def _rates(self, role: Role, lr: float) -> tuple[float, ...]:
        settings, share = self._settings, self._share
        decays = (settings.weight_decay, settings.bias_weight_decay, settings.implicit_weight_decay)
        own, other = lr * share[f"{role}s"], lr * share[f"{OTHER[role]}s"]
        return own, other, *(float(decay) for decay in decays if decay is not None)


def build(plan: Plan, inputs: TrainingInputs) -> SvdPPLearner:
    """The learner of SVD++, every parameter drawn towards what is expected of it."""
    assert isinstance(plan.training, Sgd)
    model = build_arrays(plan.model, inputs, plan.seed)
    assert isinstance(model, SvdPPArrays)
    expected = expected_values(model.arrays, inputs.warm_start)
    return SvdPPLearner(model, inputs.repeated_train, plan.training, plan.seed, expected)


def resolve(settings: Sgd, n_ratings: int, damping: tuple[float, float], *, flipped: bool) -> Sgd:
    """`auto` and what is left out → the value for SVD++ (docs/experiments/svdpp-by-sgd.md).

    Where a decay is given, nothing is damped, and the rest is what suits that.
    """
    lr_max, decay, implicit_decay, row_damping, implicit_damping = (
        UNDAMPED[flipped] if settings.states_decay else (auto_rate(n_ratings), *DAMPED)
    )
    decay = decay if settings.weight_decay == "auto" else settings.weight_decay
    bias_decay = decay if settings.states_decay else 0.0
    given, damped, implicit_damped = settings.implicit_weight_decay, settings.damping, settings.implicit_damping
    return settings.model_copy(
        update={
            "lr_max": lr_max if settings.lr_max == "auto" else settings.lr_max,
            "weight_decay": decay,
            "bias_weight_decay": bias_decay if settings.bias_weight_decay == "auto" else settings.bias_weight_decay,
            "implicit_weight_decay": implicit_decay if given is None else given,
            "damping": row_damping if damped is None else damped,
            "bias_damping": auto_damping(settings, damping),
            "implicit_damping": implicit_damping if implicit_damped is None else implicit_damped,
            "n_threads": 1,
        }
    )


@dataclass(frozen=True, eq=False)
class _Given:
    """The ratings, one row's after the other; within a row shuffled once.

    Attributes:
        start: int64, shape (n + 1,): row r has the ratings start[r] … start[r + 1] − 1.
        idx: uint32, shape (n_ratings,): of the other role.
        rating: float32, shape (n_ratings,), standardised.
    """

    start: Array
    idx: Array
    rating: Array

    @classmethod
    def of(cls, view: GroupedView, standardised: Float32Array) -> _Given:
        return cls(view.start, view.other_idx.astype(np.uint32), standardised[view.row])

    @property
    def columns(self) -> tuple[Array, Array, Array]:
        return self.start, self.idx, self.rating

    @property
    def counts(self) -> Array:
        return np.diff(self.start)

    def steps(self, random: np.random.Generator) -> list[Array]:
        """All rows in a random order, uint32, in STEPS steps of about equal numbers of ratings."""
        rows = random.permutation(len(self.start) - 1).astype(np.uint32)
        before = np.cumsum(self.counts[rows])
        ends = np.searchsorted(before, np.arange(1, STEPS) * len(self.rating) / STEPS)
        return np.split(rows, ends)


def _shuffled(train: Interactions, roles: Sequence[Role], scale: Scale, seed: int) -> dict[Role, _Given]:
    """The ratings by user, by item or both, as the roles say."""
    shuffled = train.take(rng(seed, "svdpp ratings").permutation(len(train)))
    standardised = (shuffled.rating - np.float32(scale.mean)) / np.float32(scale.std)
    views = {"user": shuffled.by_user, "item": shuffled.by_item}
    return {role: _Given.of(views[role](), standardised) for role in roles}
