"""A trained model in use."""

from __future__ import annotations

from recsys.api.paths import PathLike, as_run
from recsys.core.arguments import PATH, checked, optional
from recsys.inference.recommender import Recommender


@checked(run=optional(PATH))
def load(run: PathLike | None = None) -> Recommender:
    """A trained model in use: `predict(user, item)`, `recommend(user, n)`, `similar(item)`, `explain(user, item)`.

    Threads can share it.

    Args:
        run: a run, its serving folder, or a copy of that; left out, the promoted run under runs/,
            else the newest finished one.
    Raises:
        RunError: there is none, or it is damaged.
    """
    return Recommender.open(as_run(run))
