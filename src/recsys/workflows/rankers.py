"""What is compared by how it ranks: the scorers of a run, or one that has not seen the users whom it ranks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.directory import CONFIG
from recsys.artifacts.run_config import read_run_config
from recsys.config.plans import Plan, plans
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError, RunError
from recsys.core.events import Observer
from recsys.core.seeding import rng
from recsys.core.types import BoolArray
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import UNKNOWN
from recsys.evaluation import baselines
from recsys.scoring.implicit.scorer import ImplicitFactors
from recsys.scoring.protocols import Ranker
from recsys.training.build import build_learner
from recsys.training.loop import fit

Protocol = Literal["known_users", "new_users"]
SHARE = 0.1  # of the users with held-out interactions, who are new to the scorer


@dataclass(frozen=True, eq=False)
class Rankers:
    """What is measured side by side.

    Attributes:
        protocol: known_users: lists of users by their trained rows. new_users: of users whom the scorer was not trained
            on, from rows that are folded in.
        held_out: interactions of those who are ranked for.
        seen: what they have is no candidate.
        scorers: by name.
        baselines: what needs no learning, by name.
    """

    protocol: Protocol
    held_out: Interactions
    seen: Interactions
    scorers: Mapping[str, Ranker]
    baselines: Mapping[str, Ranker]


def for_known_users(bundle: Bundle, held_out: Interactions) -> Rankers:
    """Every scorer of the run; the items with the most training interactions and those with the highest item bias.

    Args:
        held_out: interactions on the run's vocabularies.
    """
    seen = bundle.seen.interactions()
    simple: dict[str, Ranker] = {"popular": baselines.most_popular(seen)}
    if "rating" in bundle.scorers:
        simple["biases"] = baselines.biases(seen.rated())
    scorers = {name: bundle.scorer(name) for name in sorted(bundle.scorers)}  # ranking stands before rating
    return Rankers("known_users", held_out, seen, scorers, simple)


def for_new_users(bundle: Bundle, held_out: Interactions, observe: Observer) -> Rankers:
    """The ranking scorer trained once more without some of the users, whose rows are then folded in.

    Of the users with held-out interactions a tenth are drawn by the run's seed. Their rows come from their training
    interactions, as those of a visitor do.

    Args:
        held_out: interactions on the run's vocabularies.
        observe: gets Step events.
    Raises:
        RunError: the run has no ranking scorer, or there is no config beside it.
        DataError: there are no held-out interactions of known users.
    Source: Marlin 2004, "Collaborative Filtering: A Machine Learning Perspective", which calls this strong
    generalization.
    """
    plan, seen = _ranking_plan(bundle), bundle.seen.interactions()
    is_new = _draw_users(held_out.known_to(seen), plan.seed)
    train = seen.take(~is_new[seen.user_idx])
    learner = build_learner(plan, TrainingInputs(Splits(train, None, None)), ALONE)
    for _ in fit(learner, observe=observe):
        pass
    scorer = learner.scorer().as_implicit()
    assert scorer is not None
    has_row = is_new[seen.user_idx] & (train.item_counts > 0)[seen.item_idx]
    return Rankers(
        "new_users",
        held_out.take((held_out.user_idx != UNKNOWN) & is_new[held_out.user_idx]),
        seen,
        {plan.name: _fold_in(scorer, seen.take(has_row))},
        {"popular": baselines.most_popular(train)},
    )


def _ranking_plan(bundle: Bundle) -> Plan:
    config = bundle.run_folder / CONFIG
    if bundle.ranking is None:
        raise RunError(
            "the run has no ranking scorer, so new users are not ranked for",
            where=str(bundle.path),
            expected="a run that was trained with the section ranking",
        )
    if not config.exists():
        raise RunError(
            "the scorer is trained without some users, and the folder has no config",
            where=str(config),
            expected="the run's own folder, not its serving folder alone",
        )
    return next(plan for plan in plans(read_run_config(bundle.run_folder)) if plan.objective == "ranking")


def _draw_users(held_out: Interactions, seed: int) -> BoolArray:
    """Which users are new, bool, shape (n_users,)."""
    users = np.unique(held_out.user_idx[held_out.user_idx != UNKNOWN])
    if not len(users):
        raise DataError("no held-out interaction is of a known user", expected="interactions of the run's users")
    is_new = np.zeros(len(held_out.users), dtype=bool)
    is_new[rng(seed, "new users").choice(users, max(1, round(SHARE * len(users))), replace=False)] = True
    return is_new


def _fold_in(scorer: ImplicitFactors, seen: Interactions) -> ImplicitFactors:
    """The scorer with the rows of the users in `seen` made of what they have there."""
    view, users = seen.by_user(), np.flatnonzero(seen.user_counts)
    start = np.concatenate([[0], np.cumsum(view.counts[users])])
    rows = scorer.user_factors.copy()
    rows[users] = scorer.user_rows().solve(start, view.other_idx, scorer.targets(seen.rating[view.row]))
    return replace(scorer, user_factors=rows)
