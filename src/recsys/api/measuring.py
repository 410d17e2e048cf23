"""How good runs are: on held-out ratings, on folds, under several splits, and against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from recsys.api.configs import ANY_CONFIG, ConfigLike, as_config
from recsys.api.data import DATA, OF_BOTH, TRAINED_ON, DataLike, FeaturesLike, GivenFeatures, as_origin, with_data
from recsys.api.paths import PathLike, as_path, as_run
from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.split import MOST_FOLDS
from recsys.core.arguments import FLAG, LEVEL, NUMBER, OBSERVER, PATH, TEXT, count, listed, optional, options
from recsys.core.checked import checked
from recsys.core.events import Observer, silent
from recsys.core.types import Json
from recsys.data.behind import without_those_behind
from recsys.data.interactions import Dataset
from recsys.data.sources.streams import spooling
from recsys.inference.intervals import intervals_at
from recsys.inference.rating_scale import n_outside_scale, note_other_scale
from recsys.workflows import compare as comparing
from recsys.workflows import cross_validate as validating
from recsys.workflows import evaluate as measuring
from recsys.workflows import evaluate_ranking


class RankingOptions(TypedDict, total=False):
    """How ranking is measured: length of the lists (10), lowest like (upper quarter of the scale), new users (no)."""

    k: int
    threshold: float | None
    new_users: bool


RANKING = options(k=count(), threshold=optional(NUMBER), new_users=FLAG)
FOLD_FILES = listed(TEXT, "the patterns of the train and the test files, with {fold} in them", least=2, most=2)
RUNS = listed(PATH, "a list of two runs or more", least=2)
MOST_JOBS = 1_000
SPLITS = {
    "config": ANY_CONFIG,
    "data": TRAINED_ON,
    **OF_BOTH,
    "run_dir": optional(PATH),
    "jobs": optional(count(most=MOST_JOBS)),
    "observe": OBSERVER,
}
FOLDS = {**SPLITS, "n_folds": count(2, MOST_FOLDS), "files": optional(FOLD_FILES)}


@spooling()
@checked(
    run=optional(PATH),
    data=optional(DATA),
    observe=OBSERVER,
    by_activity=FLAG,
    interval=optional(LEVEL),
    ranking=optional(RANKING),
)
def evaluate(
    run: PathLike | None = None,
    data: DataLike | None = None,
    observe: Observer = silent,
    *,
    by_activity: bool = False,
    interval: float | None = None,
    ranking: RankingOptions | None = None,
) -> measuring.Evaluation:
    """The scores of a run beside those of the baselines.

    Args:
        run: a run; None: the default run.
        data: other ratings in files, or a table in memory as of `read_ratings`; None: the test ratings that the run has
            held out.
        observe: gets Loading and Scoring events.
        by_activity: adds "by_activity": rmse by how many training ratings the user and the item have.
        interval: a level such as 0.9: adds "intervals", the measured coverage and mean width of prediction intervals
            at this coverage: of all ratings, by user, by item and by width.
        ranking: adds "ranking": how well unseen items are ranked for all users, with k (10), threshold (upper quarter
            of the scale) and new_users (false), as in {"k": 5, "threshold": 4.5}; {} takes them as they are.
    Returns:
        "objective"; the metrics of the model and the counts "n_ratings", "n_unknown_users" and "n_unknown_items"; and
        under "baselines" those of "global_mean" and "biases". Of other data "n_outside_scale": ratings outside the
        range of the training ratings.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    bundle = open_bundle(as_run(run))
    if data is None:
        bundle = bundle.measured()
    if interval is not None:
        intervals_at(bundle, interval)
    trained, bundle = bundle, measuring.as_predicted(bundle)
    interactions = measuring.interactions_to_measure(bundle, None if data is None else as_origin(data), observe)
    ratings = interactions.rated()
    answer = measuring.evaluate_ratings(bundle, interactions)
    if data is not None:
        note_other_scale(bundle, interactions.rating, observe)
        answer["n_outside_scale"] = n_outside_scale(bundle, interactions.rating)
    if by_activity:
        answer["by_activity"] = measuring.activity_of(bundle, ratings)
    if interval is not None:
        answer["intervals"] = measuring.coverage_of(bundle, ratings, interval)
    if ranking is not None:
        known = without_those_behind(interactions)  # lists are measured on items with interactions
        answer["ranking"] = evaluate_ranking.ranking_of(trained, known, **ranking, observe=observe)
    return answer


@checked(**FOLDS)
def cross_validate(
    config: ConfigLike,
    n_folds: int = 5,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    files: tuple[str, str] | None = None,
    run_dir: PathLike | None = None,
    jobs: int | None = 1,
    observe: Observer = silent,
) -> dict[str, Json]:
    """Mean and standard deviation of a model's scores over folds, beside the baselines; see `cross_validation`.

    Args, Raises: as of `cross_validation`.
    Returns:
        "objective"; "n_folds"; "model" and "baselines": mean and std of each metric; "difference" of the model to the
        bias-only baseline with its interval; and "folds", the scores of each.
    """
    return cross_validation(
        config,
        n_folds,
        data=data,
        item_features=item_features,
        user_features=user_features,
        files=files,
        run_dir=run_dir,
        jobs=jobs,
        observe=observe,
    ).to_dict()


@spooling()
@checked(**FOLDS)
def cross_validation(
    config: ConfigLike,
    n_folds: int = 5,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    files: tuple[str, str] | None = None,
    run_dir: PathLike | None = None,
    jobs: int | None = 1,
    observe: Observer = silent,
) -> validating.CrossValidation:
    """The folds of a cross-validation and their summary.

    Args:
        config, data, item_features, user_features: as of `train`.
        n_folds: how many folds are cut from the ratings.
        files: folds that are files already: patterns of the train and the test files, with {fold} in them.
        run_dir: where to keep the folds' runs; None: nowhere. An interrupted call is resumed by the same one.
        jobs: how many folds at a time; None: one a core. More than 1 start processes: a script that calls this then
            needs the line `if __name__ == "__main__":` around its own work.
        observe: gets RunsProgress events.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    features = GivenFeatures.of(item_features, user_features)
    if files is not None:
        features.refuse_frames("folds in files")
        folds, resolved = validating.FoldFiles(*map(str, map(as_path, files))), as_config(config, named=features.named)
        return validating.cross_validate(resolved, folds, as_path(run_dir), jobs=jobs, observe=observe)
    resolved, dataset = with_data(config, data, observe, features=features)
    return validating.cross_validate(resolved, n_folds, as_path(run_dir), data=dataset, jobs=jobs, observe=observe)


@checked(**SPLITS)
def compare_splits(
    config: ConfigLike,
    run_dir: PathLike | None = None,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    jobs: int | None = 1,
    observe: Observer = silent,
) -> dict[str, Json]:
    """The scores of a model under each way to split; see `split_comparison`.

    Args, Raises: as of `split_comparison`.
    Returns:
        "objective"; "splits": for each its "method", what it "asks", its scores and those of the "baselines".
    """
    return split_comparison(
        config,
        run_dir,
        data=data,
        item_features=item_features,
        user_features=user_features,
        jobs=jobs,
        observe=observe,
    ).to_dict()


@spooling()
@checked(**SPLITS)
def split_comparison(
    config: ConfigLike,
    run_dir: PathLike | None = None,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    jobs: int | None = 1,
    observe: Observer = silent,
) -> validating.SplitComparison:
    """The scores of a model under each way to split: random, user_time, leave_last and time.

    Args:
        config, data, item_features, user_features: as of `train`.
        run_dir, jobs, observe: as of `cross_validation`.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    features = GivenFeatures.of(item_features, user_features)
    resolved, dataset = with_data(config, data, observe, features=features, needs_times=True)
    return validating.compare_splits(resolved, as_path(run_dir), data=dataset, jobs=jobs, observe=observe)


@checked(runs=RUNS)
def compare(runs: Sequence[PathLike]) -> dict[str, Json]:
    """Runs on the test ratings that they have in common; see `run_comparison`.

    Args, Raises: as of `run_comparison`.
    Returns:
        "objective"; "n_ratings" in common, "n_users", "level", "n_resamples"; "runs": for each its metrics and, from
        the second on, "rmse_difference" and "mae_difference" with value, low, high and is_real.
    """
    return run_comparison(runs).to_dict()


@checked(runs=RUNS)
def run_comparison(runs: Sequence[PathLike]) -> comparing.RunComparison:
    """Runs on the test ratings that they have in common, with paired bootstrap intervals of what differs to the first.

    Args:
        runs: at least two; the others are compared with the first.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    return comparing.compare([as_run(run) for run in runs])
