"""Fits the dot product by per-rating SGD, in place, on several threads."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import numpy as np

from recsys.config.plans import Plan
from recsys.core.communicator import ALONE, Communicator, Traffic
from recsys.core.events import EpochResult, Note, Observer, Step
from recsys.core.layout import ArraySpec, StateLayout
from recsys.core.threads import usable_cores
from recsys.core.types import Array, Float32Array, Float64Array, Json, State
from recsys.core.words import counted
from recsys.data.interactions import Interactions
from recsys.data.prepared import StoredBlocks
from recsys.data.ranks.split import is_divided
from recsys.data.training_inputs import TrainingInputs
from recsys.models.build import build_arrays
from recsys.models.dot_product.arrays import DotProductArrays
from recsys.scoring.factors.scorer import Factors
from recsys.training.finite import finite_arrays
from recsys.training.groups import LayerRates
from recsys.training.sgd.blocks import (
    MAX_SIDE,
    SortedRatings,
    Take,
    choose_n_side,
    largest_first,
    sort_into_blocks,
    tree_strata,
)
from recsys.training.sgd.damping import NOTHING, Damped, auto_damping, credible_damping, expected_values
from recsys.training.sgd.defaults import auto_rate
from recsys.training.sgd.divided import sort_divided
from recsys.training.sgd.kernel import ITEMS, USERS, sgd_kernel
from recsys.training.sgd.own_users import OwnUsers, own_users
from recsys.training.sgd.read_ahead import ReadAhead
from recsys.training.sgd.ring import Ranged, Ring, Stratum, owners
from recsys.training.sgd.settings import Sgd
from recsys.training.sgd.traffic import traffic

PARAMETERS = ("user_embedding", "item_embedding", "user_bias", "item_bias")
SIDES = {"users": USERS, "items": ITEMS}
COUNTED_EPOCHS = 8  # their ways differ a little, since the order of the strata is drawn
RATINGS_PER_THREAD = 250_000  # with fewer, threads wait for each other longer than they work


class SgdLearner:
    """Minimises Σ ½e² + ½λ(|p_u|² + |q_i|²) + ½λ_b(b_u² + b_i²) over the training ratings, one step a rating.

    Before each stratum, biases are drawn towards what is `expected` of them, as their damping says (damping.py); what
    is not named there is drawn to 0. e is in units of the training ratings' standard deviation. The kernel writes to
    the memory of the model's own arrays. The learning rate moves from stratum to stratum; results don't depend on
    the number of threads, nor on that of ranks (ring.py).

    Source: Gemulla et al. 2011, as in blocks.py.
    """

    evaluation_cost = 16.0  # measured at dim 64, two threads: 160M ratings/s trained on, 10M/s evaluated
    samples = None

    def __init__(
        self,
        model: DotProductArrays,
        train: Interactions,
        settings: Sgd,
        seed: int,
        expected: Mapping[str, Float32Array] = NOTHING,
        communicator: Communicator = ALONE,
        stored: StoredBlocks | None = None,
    ) -> None:
        """
        Args:
            stored: the same ratings as they lie on disk in their order, from where they are read as they are needed.
        """
        self._stored = stored
        self._settings = settings = resolve(settings, len(train), credible_damping(train))
        self.n_ratings, self.n_epochs = len(train), settings.n_epochs
        self._seed, self._communicator = seed, communicator
        self._is_noted = False
        self._model = model
        self._rates = LayerRates(model.settings.parameters, settings)
        self.groups = self._rates.groups
        self._train = train
        self._parameters = tuple(model.arrays.get(name, np.empty(0, np.float32)) for name in PARAMETERS)
        self._dim = model.settings.embedding_dim
        assert isinstance(settings.bias_damping, tuple)
        share = self._rates.share
        self._damped = [
            Damped(biases, expected.get(f"{role}_bias"), damping, share[f"{role}s"])
            for role, biases, damping in zip(("user", "item"), self._parameters[2:], settings.bias_damping, strict=True)
        ]
        self._moving = sum(SIDES[group.name] for group in self.groups if not group.is_frozen)
        self._ring: Ring
        self._sort(choose_n_side(len(train), len(train.users), len(train.items), self._dim))

    @property
    def column_bytes(self) -> int:
        """Memory of the sorted ratings."""
        return self._blocks.nbytes

    @property
    def sent_bytes(self) -> int:
        """That this rank has sent to others so far while it trained."""
        return self._ring.sent_bytes

    def traffic(self, n_ranks: int) -> Traffic:
        """What so many ranks send: items in an epoch, as the mean of the first ones; users only at the end."""
        epochs = range(1, min(self.n_epochs, COUNTED_EPOCHS) + 1)
        strata = [tree_strata(self._ring.n_side, self._seed, number) for number in epochs]
        return traffic(self._model, self._ring.users.first, self._ring.items.first, strata, n_ranks)

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """One step for every training rating, stratum by stratum."""
        n_side = self._ring.n_side
        self._note_idle_ranks(observe)
        squares = np.zeros(n_side**2)
        done, lr = 0, 0.0
        strata = tree_strata(n_side, self._seed, number)
        order = (block for stratum in strata for block in self._in_order(self._ring.own_blocks(stratum)))
        with ThreadPoolExecutor(self._n_threads) as pool, self._blocks.reading(order) as take:
            for k, stratum in enumerate(self._ring.travel(strata)):
                lr = float(self.schedule.lr[(number - 1) * n_side + k])
                observe(self._step(number, done, lr, float(squares.sum())))
                done += self._stratum(stratum, lr, squares, pool, take)
        assert done == self._blocks.n_ratings
        squares = sum(self._communicator.all_gather(squares), np.zeros(n_side**2))  # of a block one rank has the sum
        rmse = self._model.scale.std * math.sqrt(float(squares.sum()) / self.n_ratings)
        return EpochResult(train={"rmse": rmse}, lr=lr)

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        own = np.array([finite_arrays(self._model.arrays.values())])
        return all(is_finite[0] for is_finite in self._communicator.all_gather(own))

    def state(self, epoch: int) -> State:
        """Parameters, of which each rank has its rows, and into how many ranges users and items were cut."""
        ring, n_side = self._ring, np.array([self._ring.n_side])
        here = {"user": [ring.own_users], "item": ring.items_here} if self._communicator.size > 1 else {}
        rows = {name: here[name[:4]] for name in PARAMETERS if name in self._model.arrays and here}
        return State(epoch, self._model.arrays, {"n_side": n_side}, rows)

    def layout(self, epoch: int) -> StateLayout:
        """Parameters, and a number of ranges that users and items can be cut into."""
        sizes = {"n_users": len(self._train.users), "n_items": len(self._train.items)}
        n_side = ArraySpec("int64", (1,), 1, min(MAX_SIDE, *sizes.values()))
        return StateLayout(self._model.settings.layout(), {"n_side": n_side}, sizes)

    def restore(self, state: State) -> None:
        """Parameters and blocks, as they were.

        Raises:
            ValueError: the strata had the order of an earlier version.
        """
        n_side = int(state.learner["n_side"][0])
        if n_side.bit_count() != 1:
            raise ValueError(f"{n_side} ranges are no power of two")
        for name, array in self._model.arrays.items():
            array[...] = state.model[name]
        if n_side == self._ring.n_side:
            self._ring = self._whole_ring()
        else:
            self._sort(n_side)

    def scorer(self) -> Factors:
        """The model as it stands."""
        self._ring.gather()
        return self._model.scorer()

    def divided_scorer(self) -> OwnUsers:
        """The model as it stands, for ratings of the users that stay with this rank."""
        return own_users(self._model, self._ring, self._communicator)

    def settings(self) -> dict[str, Json]:
        """All that the result depends on, with `auto` resolved: so not the number of threads."""
        return {**self._settings.in_force(), "n_side": self._ring.n_side}

    def _sort(self, n_side: int) -> None:
        """Sorts the ratings of the users that stay with this rank."""
        threads, communicator = self._settings.n_threads, self._communicator
        assert isinstance(threads, int)
        self._n_threads = min(threads, n_side)
        is_own = owners(n_side, communicator.size) == communicator.rank
        self._blocks = self._sorted(n_side, None if is_own.all() else is_own)
        self._kernel = sgd_kernel(self._dim, self._model.settings.biases, self._moving, self._blocks.kinds)
        self.schedule = self._rates.schedule(self.n_epochs, n_side)
        self._ring = self._whole_ring()

    def _sorted(self, n_side: int, is_wanted: Array | None) -> SortedRatings:
        """The ratings of the user ranges that are wanted, in memory, or as they are read from disk."""
        if self._stored is not None:
            n_stored = len(self._stored.user_first) - 1
            if n_side != n_stored:
                raise ValueError(f"{n_side} ranges, and the prepared store has {n_stored}")
            return ReadAhead(self._stored, is_wanted, n_threads=self._n_threads)
        assert isinstance(self._settings.n_threads, int)
        how = {"n_side": n_side, "dim": self._dim, "seed": self._seed, "n_threads": self._settings.n_threads}
        if is_divided(self._train):
            ranks = owners(n_side, self._communicator.size)
            return sort_divided(
                self._train, self._model.scale, **how, rank_of_range=ranks, communicator=self._communicator
            )
        return sort_into_blocks(self._train, self._model.scale, **how, is_wanted=is_wanted)

    def _whole_ring(self) -> Ring:
        """Where all ranks have the same parameters."""
        users, items = (
            Ranged(first, self._parameters[side::2])
            for side, first in enumerate((self._blocks.user_first, self._blocks.item_first))
        )
        return Ring(self._communicator, users, items)

    def _note_idle_ranks(self, observe: Observer) -> None:
        """Once, where there are more ranks than ranges."""
        n_ranks, n_working = self._communicator.size, self._ring.n_working
        if n_working < n_ranks and not self._is_noted:
            ranges = counted(self._ring.n_side, "range")
            n_idle = counted(n_ranks - n_working, "rank")
            observe(Note(f"{n_idle} of {n_ranks} have no ratings to train on: the users are cut into {ranges}"))
        self._is_noted = True

    def _step(self, number: int, done: int, lr: float, squares: float) -> Step:
        """How far the epoch is, as if all ranks were as far as this one."""
        share = self.n_ratings / max(self._blocks.n_ratings, 1)
        return Step(number, self.n_epochs, round(done * share), self.n_ratings, lr, squares * share)

    def _in_order(self, blocks: Array) -> list[int]:
        return largest_first(blocks, self._blocks.start)

    def _stratum(self, stratum: Stratum, lr: float, squares: Float64Array, pool: Executor, take: Take) -> int:
        """Works through this rank's blocks of a stratum; returns how many ratings were in them."""
        self._shrink(0, self._ring.own_users, lr)
        for rows in stratum.items_here:
            self._shrink(1, rows, lr)
        waiting = deque(self._in_order(stratum.here))
        work = partial(self._work, waiting, stratum, lr, squares, take)
        workers = [pool.submit(work) for _ in range(self._n_threads)]
        for block in self._in_order(stratum.to_come):
            self._shrink(1, stratum.wait_for(block), lr)
            waiting.append(block)
            workers.append(pool.submit(work))
        return sum(worker.result() for worker in workers)

    def _shrink(self, side: int, rows: slice, lr: float) -> None:
        self._damped[side].shrink(lr / self._ring.n_side, rows)

    def _work(self, waiting: deque[int], stratum: Stratum, lr: float, squares: Float64Array, take: Take) -> int:
        """Takes blocks until none is left; returns how many ratings were in them."""
        settings, share = self._settings, self._rates.share
        rates = (lr * share["users"], lr * share["items"], settings.weight_decay, settings.bias_weight_decay)
        done = 0
        while True:
            try:
                block = waiting.popleft()
            except IndexError:
                return done
            with take(block) as ratings:
                squares[block] = self._kernel(*ratings, *self._parameters, *rates)
                done += ratings.end - ratings.start
            stratum.send_on(block)


def build(plan: Plan, inputs: TrainingInputs, communicator: Communicator) -> SgdLearner:
    """The learner of a dot product, the biases drawn towards what is expected of them."""
    assert isinstance(plan.training, Sgd)
    model = build_arrays(plan.model, inputs, plan.seed)
    assert isinstance(model, DotProductArrays)
    biases = {parameter.name: model.arrays[parameter.name] for parameter in plan.model.parameters if parameter.is_bias}
    expected = expected_values(biases, inputs.warm_start)
    stored = None if inputs.prepared is None else inputs.prepared.blocks
    return SgdLearner(model, inputs.repeated_train, plan.training, plan.seed, expected, communicator, stored)


def resolve(settings: Sgd, n_ratings: int, damping: tuple[float, float]) -> Sgd:
    """`auto` → the value for this many training ratings, whose biases have this damping.

    Where a decay is given, biases decay as embeddings do and have no damping (docs/experiments/bias-damping.md).
    """
    rate = auto_rate(n_ratings)
    decay = rate if settings.weight_decay == "auto" else settings.weight_decay
    bias_decay = decay if settings.states_decay else 0.0
    threads = settings.n_threads
    if threads == "auto":
        threads = max(1, min(usable_cores(), n_ratings // RATINGS_PER_THREAD))
    return settings.model_copy(
        update={
            "lr_max": rate if settings.lr_max == "auto" else settings.lr_max,
            "weight_decay": decay,
            "bias_weight_decay": bias_decay if settings.bias_weight_decay == "auto" else settings.bias_weight_decay,
            "bias_damping": auto_damping(settings, damping),
            "n_threads": threads,
        }
    )
