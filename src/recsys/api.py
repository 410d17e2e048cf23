"""The Python API: what `import recsys` offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.config.loading.load import config_from
from recsys.config.loading.load import load_config as read_config
from recsys.config.schema.config import Config
from recsys.core.events import Observer, silent
from recsys.data.interactions import Dataset, Interactions

if TYPE_CHECKING:
    from recsys.data.split import Splits
    from recsys.inference.export import Format
    from recsys.inference.recommender import Recommender
    from recsys.reporting.interpret import Interpretation
    from recsys.workflows.lr_find import LrCurve

PathLike = str | Path
Ratings = Interactions  # its name in 0.1.0


def load_config(path: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config of a YAML file, changed by overrides such as "training.n_epochs=5".

    Raises:
        ConfigError: the first thing that is wrong, by line; `more` holds the rest.
    """
    return read_config(Path(path), overrides)


def read_ratings(ratings: PathLike, observe: Observer = silent, **options: Any) -> Dataset:
    """Reads a ratings file.

    Args:
        ratings: CSV with any delimiter, also .gz and .zst.
        options: the other keys of the config's `data` section, such as columns={"user": "customer"}.
    Raises:
        DataError: with file, line and column.
    """
    from recsys.data import read

    return read.read_ratings(config_from({"data": {"ratings": str(ratings), **options}}, Path.cwd()).data, observe)


def split(dataset: Dataset, *, seed: int = 42, **options: Any) -> Splits:
    """Divides a dataset into train, valid and test.

    Args:
        options: the keys of the config's `split` section: method, valid_fraction, test_fraction.
    """
    from recsys.data import split as splitting

    how = config_from({"data": {"ratings": "-"}, "split": options}, Path.cwd()).split
    return splitting.split(dataset, how, seed)


def train(
    config: Config | Mapping[str, Any] | PathLike,
    run_dir: PathLike | None = None,
    *,
    resume: bool = False,
    observe: Observer = silent,
) -> dict[str, Any]:
    """Trains and writes a run; returns its metrics, with the run's folder as "run_dir".

    Args:
        config: a config file, or its content as a mapping (paths relative to the working directory).
        run_dir: a new or empty folder; left out, one under runs/ named after the config and the time.
        resume: go on with the run in `run_dir`.
        observe: gets Loading, Step and Epoch events.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.artifacts.directory import new_run_folder
    from recsys.workflows import train as workflow

    name = Path(config).stem if isinstance(config, str | Path) else "run"
    folder = Path(run_dir) if run_dir is not None else new_run_folder(name)
    metrics = workflow.train(_config(config), folder, resume=resume, observe=observe)
    return {**metrics, "run_dir": str(folder)}


def update(
    ratings: PathLike,
    run: PathLike | None = None,
    run_dir: PathLike | None = None,
    *,
    overrides: Sequence[str] = (),
    observe: Observer = silent,
) -> dict[str, Any]:
    """Trains a run on with new ratings; returns the new run's metrics, with its folder as "run_dir".

    Args:
        ratings: the new ratings, in a file like that of the run.
        run: a finished run; left out, the one that is served.
        run_dir: a new or empty folder; left out, one under runs/ named after the run's config and the time.
        overrides: such as "start.replay=0.5" or "training.n_epochs=2".
        observe: gets Loading, Step and Epoch events.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.artifacts.directory import config_name, new_run_folder
    from recsys.workflows import train as workflow
    from recsys.workflows.update import update_config

    config = update_config(_path(run), Path(ratings), overrides)
    assert config.start is not None
    folder = Path(run_dir) if run_dir is not None else new_run_folder(config_name(config.start.run))
    return {**workflow.train(config, folder, observe=observe), "run_dir": str(folder)}


def evaluate(
    run: PathLike | None = None,
    data: PathLike | None = None,
    observe: Observer = silent,
    *,
    by_activity: bool = False,
    ranking: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The scores of a run beside those of the baselines.

    Args:
        run: a run; None: the one that is served by default.
        data: another ratings file; None: the test ratings that the run has held out.
        by_activity: adds "by_activity": rmse by how many training ratings the user and the item have.
        ranking: adds "ranking": how well unseen items are ranked, with k (10) and threshold (upper quarter of the
            scale), as in {"k": 5, "threshold": 4.5}; {} takes both as they are.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.artifacts.bundle import open_bundle
    from recsys.workflows import evaluate as measuring

    bundle = open_bundle(_path(run))
    ratings = measuring.ratings_to_measure(bundle, _path(data), observe)
    return {
        **measuring.evaluate_ratings(bundle, ratings),
        **({"by_activity": measuring.activity_of(bundle, ratings)} if by_activity else {}),
        **({} if ranking is None else {"ranking": measuring.ranking_of(bundle, ratings, **ranking, observe=observe)}),
    }


def cross_validate(
    config: Config | Mapping[str, Any] | PathLike,
    n_folds: int = 5,
    *,
    files: tuple[str, str] | None = None,
    run_dir: PathLike | None = None,
    jobs: int = 1,
    observe: Observer = silent,
) -> dict[str, Any]:
    """Mean and spread of a model's scores over folds, beside the baselines and compared with the biases.

    Args:
        config: as of `train`.
        n_folds: how many folds are cut from data.ratings.
        files: folds that are files already: patterns of the train and the test files, with {fold} in them.
        run_dir: where to keep the folds' runs; None: nowhere.
        jobs: how many folds at a time. More than 1 start processes: a script that calls this then needs the line
            `if __name__ == "__main__":` around its own work.
        observe: gets Several events.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.workflows import cross_validate as workflow

    folds = n_folds if files is None else workflow.FoldFiles(*files)
    return workflow.cross_validate(_config(config), folds, _path(run_dir), jobs=jobs, observe=observe)


def tune(
    config: Config | Mapping[str, Any] | PathLike,
    n_trials: int,
    *,
    storage: str,
    space: PathLike | None = None,
    observe: Observer = silent,
) -> dict[str, Any]:
    """Looks for better hyperparameters on valid; returns what was found, and under "config" the best Config.

    Args:
        config: as of `train`.
        n_trials: in the study in all; those that it has already are not repeated.
        storage: of the study: sqlite:///FILE, or the URL of a database server.
        space: what to try, see docs/tuning.md; None: by method and model.
        observe: gets Several events.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.config.space import default_space, read_space
    from recsys.workflows import tune as workflow

    resolved = _config(config)
    tried = default_space(resolved) if space is None else read_space(Path(space), resolved)
    found = workflow.tune(resolved, n_trials, tried, storage, observe)
    return {**found.to_dict(), "config": found.config}


def lr_find(config: Config | Mapping[str, Any] | PathLike, *, observe: Observer = silent) -> LrCurve:
    """Trains with rising learning rates until the loss is hopeless; nothing is kept.

    Args:
        config: as of `train`; by adamw or sgd.
        observe: gets Loading and Step events.
    Returns:
        The curve; its `steepest` is the suggestion for `training.lr_max`.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.workflows import lr_find as workflow

    return workflow.lr_find(_config(config), observe)


def compare(runs: Sequence[PathLike]) -> dict[str, Any]:
    """Runs on the test ratings that they have in common, with paired bootstrap intervals of what differs to the first.

    Raises:
        RecsysError: see recsys.core.errors.
    """
    from recsys.workflows import compare as comparing

    return comparing.compare([Path(run) for run in runs])


def export_factors(run: PathLike | None, output: PathLike, form: Format = "csv") -> list[Path]:
    """Writes factors and biases with raw ids into a new folder, as csv, parquet, npz or safetensors."""
    from recsys.artifacts.bundle import open_bundle
    from recsys.inference import export

    return export.export_factors(open_bundle(_path(run)), Path(output), form)


def interpret(
    run: PathLike | None = None, n: int = 10, *, n_directions: int = 5, min_ratings: int | None = None
) -> Interpretation:
    """What a run (None: the one that is served) has learned: biases, and the main directions of taste.

    Args:
        n: items in each list.
        n_directions: how many directions.
        min_ratings: training ratings of an item that is listed; None: 30, or fewer where few items have as many.
    Raises:
        RunError: there is none, it is damaged, or its model is no dot product.
    """
    from recsys.artifacts.bundle import open_bundle
    from recsys.reporting import interpret as reading

    return reading.interpret(open_bundle(_path(run)), n, n_directions, min_ratings)


def load(run: PathLike | None = None) -> Recommender:
    """A trained model in use: `predict(user, item)`, `recommend(user, n)`, `similar(item)`, `explain(user, item)`.

    Threads can share it.

    Args:
        run: a run, its serving folder, or a copy of that; left out, the promoted run under runs/,
            else the newest finished one.
    Raises:
        RunError: there is none, or it is damaged.
    """
    from recsys.inference.recommender import Recommender

    return Recommender.open(_path(run))


def _config(config: Config | Mapping[str, Any] | PathLike) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return config_from(dict(config), Path.cwd())
    return load_config(config)


def _path(run: PathLike | None) -> Path | None:
    return None if run is None else Path(run)


__all__ = [
    "Config",
    "Dataset",
    "Interactions",
    "Ratings",
    "compare",
    "cross_validate",
    "evaluate",
    "export_factors",
    "interpret",
    "load",
    "load_config",
    "lr_find",
    "read_ratings",
    "split",
    "train",
    "tune",
    "update",
]
