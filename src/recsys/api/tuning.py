"""Hyperparameters chosen: trials of whole fits, and a learning rate from one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsys.api.configs import ANY_CONFIG, ConfigLike
from recsys.api.data import OF_BOTH, TRAINED_ON, DataLike, FeaturesLike, GivenFeatures, with_data
from recsys.api.paths import PathLike, as_path
from recsys.artifacts import outputs
from recsys.config.schema.config import Config
from recsys.config.space import default_space, read_space
from recsys.core.arguments import OBSERVER, PATH, TEXT, TEXTS, count, optional
from recsys.core.checked import checked
from recsys.core.errors import StoppedError, UsageError
from recsys.core.events import Observer, silent
from recsys.core.types import Json
from recsys.data.interactions import Dataset
from recsys.data.sources.several import files_read
from recsys.data.sources.streams import spooling
from recsys.reporting import figures, save_figures
from recsys.workflows import lr_find as finding
from recsys.workflows import tune as tuning
from recsys.workflows.lr_find import LrFinding
from recsys.workflows.tuned_config import Tuned, check_output, write_tuned
from recsys.workflows.tuned_plan import tuned_plan

TUNING = {
    "config": ANY_CONFIG,
    "n_trials": count(),
    "storage": TEXT,
    "data": TRAINED_ON,
    **OF_BOTH,
    "overrides": TEXTS,
    "metric": optional(TEXT),
    "space": optional(PATH),
    "output": optional(PATH),
    "observe": OBSERVER,
}


@checked(**TUNING)
def tune(
    config: ConfigLike,
    n_trials: int,
    *,
    storage: str,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    overrides: Sequence[str] = (),
    metric: str | None = None,
    space: PathLike | None = None,
    output: PathLike | None = None,
    observe: Observer = silent,
) -> dict[str, Json | Config]:
    """Searches for better hyperparameters by a metric on the validation set; see `tuning_result`.

    Args, Raises: as of `tuning_result`.
    Returns:
        "objective"; n_trials, n_pruned, n_failed, n_ratings of the validation set; "as_it_is": the deciding metric of
        the config; under the name of the baseline to beat, that of this baseline; "best": trial (None: no trial beat
        the config), the metric and values; "config": the best Config.
    """
    tuned = tuning_result(
        config,
        n_trials,
        storage=storage,
        data=data,
        item_features=item_features,
        user_features=user_features,
        overrides=overrides,
        metric=metric,
        space=space,
        output=output,
        observe=observe,
    )
    return {**tuned.to_dict(), "config": tuned.config}


@spooling()
@checked(**TUNING)
def tuning_result(
    config: ConfigLike,
    n_trials: int,
    *,
    storage: str,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    overrides: Sequence[str] = (),
    metric: str | None = None,
    space: PathLike | None = None,
    output: PathLike | None = None,
    observe: Observer = silent,
) -> Tuned:
    """Searches for better hyperparameters by a metric on the validation set; trains only the scorer that has it.

    Args:
        config: as of `train`.
        n_trials: in the study in all; those that it has already are not repeated.
        storage: of the study: sqlite:///FILE, or the URL of a database server.
        data, item_features, user_features: as of `train`.
        overrides: of a config that is a file, such as "model.embedding_dim=32".
        metric: such as "rmse", "mae" or "ndcg@10"; None: the deciding metric of the config's first scorer.
        space: the search space as YAML, see docs/tuning.md; None: by method and model.
        output: a file for the best config, in YAML; new, or one that tuning has written. It has the comments and
            relative paths of the config's file. None, or where no trial beats the config: none is written.
        observe: gets RunsProgress events; what it raises stops the study, which the same call resumes.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    source = as_path(config) if isinstance(config, str | Path) else None
    if source is None and overrides:
        raise UsageError("only a config file has overrides", expected="the path of a config, or no overrides")
    features = GivenFeatures.of(item_features, user_features)
    resolved, dataset = with_data(config, data, observe, overrides, features=features, needs_times=True)
    plan, _ = tuned_plan(resolved, metric)
    tried = default_space(plan) if space is None else read_space(as_path(space), resolved)
    if output is not None:
        outputs.check_output(as_path(output), [*_paths(config, space), *files_read(resolved.data)], name="tuned.yaml")
        check_output(as_path(output))
    try:
        tuned = tuning.tune(resolved, n_trials, tried, storage, observe, data=dataset, metric=metric)
    except StoppedError as stopped:
        stopped.hint = f"finished trials are in {storage}: the same command resumes the study"
        raise
    if output is not None and tuned.is_better:
        write_tuned(as_path(output), tuned, storage, source)
    return tuned


@spooling()
@checked(config=ANY_CONFIG, data=TRAINED_ON, **OF_BOTH, figure=optional(PATH), observe=OBSERVER)
def lr_find(
    config: ConfigLike,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    figure: PathLike | None = None,
    observe: Observer = silent,
) -> LrFinding:
    """Trains with rising learning rates until the loss diverges; nothing else is kept.

    Args:
        config: as of `train`; by adamw or sgd.
        data, item_features, user_features: as of `train`.
        figure: a file for a plot of the curve, as PNG; None: none is drawn.
        observe: gets Loading and Step events.
    Returns:
        The `curve` with its `range` of learning rates; `lr_max`, that of the config, and `auto`; and as `suggestion` a
        value of `training.lr_max` that was found to be better on the validation set, or None.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    if figure is not None:
        outputs.check_output(as_path(figure), _paths(config), name="lr.png")
        save_figures.check_matplotlib()
    features = GivenFeatures.of(item_features, user_features)
    resolved, dataset = with_data(config, data, observe, features=features)
    if figure is not None:
        outputs.check_output(as_path(figure), files_read(resolved.data))
    found = finding.lr_find(resolved, observe, data=dataset)
    if figure is not None:
        curve = found.curve
        drawn = figures.lr_curve(curve.lr, curve.loss, curve.smoothed, curve.range, found.lr_max)
        save_figures.save(drawn, as_path(figure))
    return found


def _paths(*inputs: object) -> list[Path]:
    """The files among what is read."""
    return [as_path(path) for path in inputs if isinstance(path, str | Path)]
