"""Runs extended by new users and items."""

from __future__ import annotations

from recsys.api.data import DATA, DataLike, as_feature_source, as_origin
from recsys.api.folders import run_folder
from recsys.api.paths import PathLike, as_path, as_run
from recsys.artifacts.directory import config_name, locate, run_of
from recsys.artifacts.metrics import RunResult
from recsys.core.arguments import OBSERVER, PATH, optional
from recsys.core.checked import checked
from recsys.core.communicator import ALONE
from recsys.core.errors import UsageError
from recsys.core.events import Observer, silent
from recsys.data.features.kind import Role
from recsys.data.sources.streams import spooling
from recsys.workflows import fold_in_run as folding


@spooling()
@checked(
    ratings=optional(DATA),
    run=optional(PATH),
    run_dir=optional(PATH),
    items=optional(DATA),
    users=optional(DATA),
    observe=OBSERVER,
)
def fold_in(
    ratings: DataLike | None = None,
    run: PathLike | None = None,
    run_dir: PathLike | None = None,
    *,
    items: DataLike | None = None,
    users: DataLike | None = None,
    observe: Observer = silent,
) -> RunResult:
    """Adds embeddings of new users and items as a new run, without training: the rest of the model keeps its bits.

    A run that was trained with features predicts and recommends new items, and users, by their features alone.

    Args:
        ratings: files of ratings or a table in memory as of `read_ratings`, each of a new user and a known item or of
            a new item and a known user; None: there are none.
        run: a finished run; left out, the default run.
        run_dir: a new or empty folder; left out, one under runs/ named after the run's config and the time.
        items, users: what is known of new items and users, in a file or a table in memory with the columns that the run
            was trained with, ids among them. What it says of known ones is kept too.
        observe: gets Loading events.
    Returns:
        The content of the new run's metrics.json, which are those of the parent, and the folder as "run_dir".
        "parent" says where it comes from: run, path, n_new_users, n_new_items, n_ratings, n_outside_scale; with items
        or users also n_users_from_features and n_items_from_features.
    Raises:
        RunError: the model's output is not linear, the run has learned nothing of such features, or the folder is in
            use.
        DataError: the ratings or the features cannot be folded in.
        UsageError: neither ratings nor features are given.
    """
    if ratings is None and items is None and users is None:
        raise UsageError("there is nothing to fold in", expected="ratings, or features of new items or users")
    given: tuple[tuple[Role, DataLike | None], ...] = (("item", items), ("user", users))
    features = {role: as_feature_source(data) for role, data in given if data is not None}
    parent, origin = locate(as_run(run)), None if ratings is None else as_origin(ratings)
    with run_folder(as_path(run_dir), config_name(run_of(parent)), ALONE) as folder:
        return {**folding.fold_in_run(parent, origin, folder, observe, features=features), "run_dir": str(folder)}
