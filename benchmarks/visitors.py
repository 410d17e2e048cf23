"""Lists for visitors, who bring one to ten interactions, against EASE and the most popular items.

    RECSYS_ML100K=FOLDER python benchmarks/visitors.py      movielens-small, and ML-100K; a few minutes

A fifth of the users who have 15 interactions or more is left out of training. Each of them brings 1, 3, 5 or 10 random
interactions, and the other ones are relevant: ndcg@10 of all items that they did not bring. Another fifth of the users
chooses the regularization of EASE: with all of their training interactions, as in ranking.py, and once more with as few
interactions as the visitors bring. recsys is as it comes. Means over the seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from measure import command_line
from rankers import dense, ease_weights, most_popular, scorer_of
from ranking import SEEDS, real
from ranking_protocol import Figures, Pairs, Scores, measure, split
from recsys.core.types import BoolArray, Float32Array, Indices

BROUGHT = (1, 3, 5, 10)
LEAST = 15  # interactions of a visitor, with the relevant ones
REGULARIZATIONS = (20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0)
COLUMNS = ("user", "item", "rating")
NAMES = ("recsys", "most popular", "EASE, tuned on whole users", "EASE, tuned on as few")

Fitted: TypeAlias = Callable[[Pairs], Scores]
"""Interactions of users whom it was not fitted to → scores for these."""


@dataclass(frozen=True, eq=False)
class Visit:
    """What visitors bring, and what they have besides."""

    brought: Pairs
    others: Pairs

    @classmethod
    def of(cls, pairs: Pairs, n_brought: int, seed: int) -> Visit:
        """Random interactions of each user, so many."""
        order = np.lexsort((np.random.default_rng(seed).random(len(pairs.user)), pairs.user))
        counts = np.bincount(pairs.user, minlength=pairs.n_users)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return cls(pairs.take(rank < n_brought), pairs.take(rank >= n_brought))

    def figures(self, fitted: Fitted, train: Pairs) -> Figures:
        """How good the lists are."""
        return measure(fitted(self.brought), joined(train, self.brought), self.others)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--data", nargs="+", default=[""], help="data sets whose name has one of these in it")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    given = parser.parse_args()
    for name, make in real().items():
        if any(part in name for part in given.data):
            table(name, make, given.seeds)


def table(name: str, make: Callable[[int], Pairs], seeds: Sequence[int]) -> None:
    """Prints ndcg@10 any / like of each, with its setting, as markdown."""
    rounds = [compared(make(seed), seed) for seed in seeds]
    print(f"\n{name}, ndcg@10 any / like\n| interactions | " + " | ".join(NAMES) + " | times EASE |")
    print("| --- " * (len(NAMES) + 2) + "|")
    for k, n_brought in enumerate(BROUGHT):
        means = [Figures.mean(each[k][place] for each in rounds) for place in range(len(NAMES))]
        texts = [f"{mean.any:.3f} / {mean.like:.3f}" for mean in means]
        times = " and ".join(f"{means[0].any / each.any:.2f} / {means[0].like / each.like:.2f}" for each in means[2:])
        print(f"| {n_brought} | " + " | ".join(texts) + f" | {times} |", flush=True)


def compared(pairs: Pairs, seed: int) -> list[list[Figures]]:
    """For each number of interactions, the figures in the order of NAMES."""
    users = np.flatnonzero(np.bincount(pairs.user, minlength=pairs.n_users) >= LEAST).astype(np.int32)
    users = np.random.default_rng(seed).permutation(users)
    fifth = pairs.n_users // 5
    visitors, validation = of_users(pairs, users[:fifth]), of_users(pairs, users[fifth : 2 * fifth])
    train, rest = pairs.take(~visitors), pairs.take(~visitors & ~validation)
    weights = [ease_weights(rest, regularization) for regularization in REGULARIZATIONS]
    whole = Visit(*split(pairs.take(validation), seed))
    of_whole = [whole.figures(by_weights(each), rest).any for each in weights]
    tuned_on_whole = by_weights(ease_weights(train, REGULARIZATIONS[int(np.argmax(of_whole))]))
    ours, popular = recsys(train, seed), lambda _: most_popular(train, None)
    figures = []
    for n_brought in BROUGHT:
        chosen = Visit.of(pairs.take(validation), n_brought, seed)
        of_few = [chosen.figures(by_weights(each), rest).any for each in weights]
        tuned_on_few = by_weights(ease_weights(train, REGULARIZATIONS[int(np.argmax(of_few))]))
        visit = Visit.of(pairs.take(visitors), n_brought, seed)
        figures.append([visit.figures(each, train) for each in (ours, popular, tuned_on_whole, tuned_on_few)])
    return figures


def recsys(train: Pairs, seed: int) -> Fitted:
    """Rows of visitors as `recommend --ratings` solves them."""
    scorer = scorer_of(train, {}, seed)

    def fitted(brought: Pairs) -> Scores:
        view = brought.by_user()
        visitors = scorer.user_rows().solve(view.start, view.other_idx, scorer.targets(brought.rating[view.row]))
        return lambda users: scorer.score_rows(visitors[users])

    return fitted


def by_weights(weights: Float32Array) -> Fitted:
    """The sum of the weights of a user's items."""

    def fitted(brought: Pairs) -> Scores:
        matrix = dense(brought)
        return lambda users: matrix[users] @ weights

    return fitted


def of_users(pairs: Pairs, users: Indices) -> BoolArray:
    """Which interactions are of these users."""
    return np.asarray(np.isin(pairs.user, users), np.bool_)


def joined(first: Pairs, second: Pairs) -> Pairs:
    """The interactions of both."""
    user, item, rating = (np.concatenate([getattr(each, name) for each in (first, second)]) for name in COLUMNS)
    return Pairs(user, item, rating, first.n_users, first.n_items)


if __name__ == "__main__":
    main()
