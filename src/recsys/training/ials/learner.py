"""Implicit ALS as a learner."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsys.config.plans import Plan
from recsys.core.communicator import ALONE, Communicator, Traffic, all_rows_to_all
from recsys.core.events import EpochResult, Observer, Step
from recsys.core.layout import StateLayout
from recsys.core.threads import one_blas_thread, usable_cores
from recsys.core.types import Arrays, Float32Array, Indices, Json, State
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import UNKNOWN
from recsys.models.implicit_factors import settings as model
from recsys.scoring.implicit.scorer import ImplicitFactors, implicit_factors
from recsys.scoring.implicit.targets import TargetTable
from recsys.training.groups import Group
from recsys.training.ials.fit import Hyperparameters, ImplicitALS
from recsys.training.ials.pilot import choose
from recsys.training.ials.rules import auto_embedding_dim, auto_regularization, auto_unobserved_weight
from recsys.training.ials.settings import Ials
from recsys.training.ials.systems import Systems

PARAMETERS = {"item": "item_embedding", "user": "user_embedding"}  # role → name of its rows in checkpoints


def build(plan: Plan, inputs: TrainingInputs, communicator: Communicator) -> IalsLearner:
    """The learner of implicit factors; `auto` is resolved by what is in the interactions."""
    assert isinstance(plan.training, Ials)
    start = inputs.warm_start
    earlier = {} if start is None else start.parameters.get(plan.scorer, {})
    settings = plan.training
    if earlier and settings.embedding_dim == "auto":
        settings = settings.model_copy(update={"embedding_dim": earlier[PARAMETERS["item"]].shape[1]})
    learner = IalsLearner(inputs.seen, settings, plan.seed, communicator)
    if start is not None and earlier:
        learner.start_from(earlier, start.rows)
    return learner


class IalsLearner:
    """Solves the rows of users and of items in turn, see ImplicitALS; an epoch is one turn."""

    groups: tuple[Group, ...] = ()
    samples: None = None
    evaluation_cost = 1.0

    def __init__(
        self, interactions: Interactions, settings: Ials, seed: int, communicator: Communicator = ALONE
    ) -> None:
        self._counted, self._item_counts = interactions.counted, interactions.item_counts
        self._targets = TargetTable.of(interactions.rating, settings.rating_weight)
        targets = self._targets(interactions.rating)
        users, items = (Systems.of(view, targets) for view in (interactions.by_user(), interactions.by_item()))
        self._seen = GroupedView(users.start, users.idx, None)
        self.n_ratings = len(interactions)
        self.column_bytes = users.nbytes + items.nbytes
        n_threads = usable_cores() if settings.n_threads == "auto" else settings.n_threads
        self._settings = _resolved(settings, interactions, targets, seed, n_threads)
        self._als = ImplicitALS(users, items, _hyperparameters(self._settings, seed), n_threads, communicator)

    def start_from(self, earlier: Arrays, rows: Mapping[str, Indices]) -> None:
        """Takes over an earlier model's rows; those of new users and items stay as they were drawn.

        Args:
            earlier: its parameters, by name; where they have another dim, nothing is taken over.
            rows: role → for each row of this model, the earlier one's; −1: it is new.
        """
        fitted = self._als.factors()
        counted = {"user": self._counted.users, "item": self._counted.items}
        for role, name in PARAMETERS.items():
            if earlier[name].shape[1] != fitted[role].shape[1]:
                return
            known = (rows[role] != UNKNOWN) & counted[role]
            fitted[role][known] = earlier[name][rows[role][known]]
        self._als.restore(fitted)

    @property
    def n_epochs(self) -> int:
        """How often all rows are solved."""
        return self._settings.n_epochs

    def traffic(self, n_ranks: int) -> Traffic:
        """What so many ranks send: the rows of an epoch, to all; after the last one the users' once more."""
        return all_rows_to_all(self._als.row_bytes, n_ranks)

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """Solves all rows once. It has no metric of its own: that of the fit would cost as much as the epoch."""
        self._als.epoch(number)
        observe(Step(number, self.n_epochs, self.n_ratings, self.n_ratings, 0.0))
        return EpochResult(train={}, lr=0.0)

    def is_finite(self) -> bool:
        """Whether every score is a finite number."""
        return self._als.is_finite()

    def state(self, epoch: int) -> State:
        """The rows, which are all that there is."""
        return State(epoch, {PARAMETERS[role]: rows for role, rows in self._als.factors().items()}, {})

    def layout(self, epoch: int) -> StateLayout:
        """The rows, of the length that the settings say."""
        sizes = {"n_users": len(self._counted.users), "n_items": len(self._counted.items)}
        return StateLayout(model.ImplicitFactors().layout(), {}, {**sizes, "dim": self._als.parameters.embedding_dim})

    def restore(self, state: State) -> None:
        """Goes on from a state's rows."""
        self._als.restore({role: state.model[name] for role, name in PARAMETERS.items()})

    def scorer(self) -> ImplicitFactors:
        """The model as it stands."""
        rows, parameters, weight = self._als.factors(), self._als.parameters, self._settings.popularity_weight
        assert weight != "auto"
        with one_blas_thread():
            return implicit_factors(
                rows["user"],
                rows["item"],
                self._seen,
                self._item_counts,
                parameters.unobserved_weight,
                parameters.regularization,
                weight,
                self._targets,
            )

    divided_scorer = scorer

    def settings(self) -> dict[str, Json]:
        """All that the result depends on, with `auto` resolved: so not the number of threads."""
        return self._settings.in_force()


def _hyperparameters(settings: Ials, seed: int) -> Hyperparameters:
    """Those of resolved settings."""
    assert settings.embedding_dim != "auto"
    assert settings.unobserved_weight != "auto"
    assert settings.regularization != "auto"
    weights = settings.unobserved_weight, settings.regularization
    return Hyperparameters(settings.embedding_dim, settings.n_epochs, *weights, seed)


def _resolved(settings: Ials, interactions: Interactions, targets: Float32Array, seed: int, n_threads: int) -> Ials:
    """`auto` → its value, by the rules and the pilot fits; what is given stays."""
    counts = interactions.user_counts, interactions.item_counts
    n_items = int(np.count_nonzero(counts[1]))
    dim = auto_embedding_dim(n_items) if settings.embedding_dim == "auto" else settings.embedding_dim
    unobserved = auto_unobserved_weight(*counts) if settings.unobserved_weight == "auto" else settings.unobserved_weight
    by_rule = auto_regularization(*counts, unobserved)
    multiple = None if settings.regularization == "auto" else settings.regularization / by_rule
    popularity_weight = None if settings.popularity_weight == "auto" else settings.popularity_weight
    if multiple is None or popularity_weight is None:
        rho = unobserved * float(np.count_nonzero(counts[0])) * n_items / len(interactions)
        views = interactions.by_user(), interactions.by_item()
        chosen = choose(*views, targets, rho, dim, seed, n_threads, multiple, popularity_weight)
        multiple, popularity_weight = chosen.multiple, chosen.popularity_weight
    regularization = multiple * by_rule if settings.regularization == "auto" else settings.regularization
    resolved = {"embedding_dim": dim, "unobserved_weight": unobserved, "regularization": regularization}
    return settings.model_copy(update=resolved | {"popularity_weight": popularity_weight})
