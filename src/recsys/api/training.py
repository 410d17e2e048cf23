"""Runs made: trained, trained on, or only estimated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from recsys.api.configs import ANY_CONFIG, ConfigLike, as_config, data_overrides
from recsys.api.data import (
    DATA,
    OF_BOTH,
    TRAINED_ON,
    DataLike,
    FeaturesLike,
    GivenFeatures,
    as_files,
    as_frame,
    as_recorded,
    with_data,
    with_frame,
    with_streams,
)
from recsys.api.folders import run_folder
from recsys.api.paths import PathLike, as_path, as_run
from recsys.artifacts.directory import CONFIG, config_name
from recsys.artifacts.metrics import RUN_METRICS, RunMetrics, RunResult, read_metrics, scorer_metrics
from recsys.artifacts.run import newest_unfinished
from recsys.config.schema.config import Config
from recsys.core.arguments import FILE_NAME, FLAG, OBSERVER, PATH, RANKS, TEXTS, choice, count, optional
from recsys.core.checked import checked
from recsys.core.collectives import text_of_first
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import StoppedError
from recsys.core.events import Note, Observer, silent
from recsys.core.launch import MOST_RANKS
from recsys.core.words import shell_word
from recsys.data.interactions import Dataset
from recsys.data.sources.streams import spooling
from recsys.objectives import measure
from recsys.objectives.specs import find_objective
from recsys.workflows import estimate as estimating
from recsys.workflows import train as training
from recsys.workflows.update import finetune_config, update_config


@spooling()
@checked(
    config=ANY_CONFIG,
    run_dir=optional(PATH),
    data=TRAINED_ON,
    **OF_BOTH,
    name=optional(FILE_NAME),
    resume=FLAG,
    checkpoint=optional(FILE_NAME),
    observe=OBSERVER,
    ranks=RANKS,
)
def train(
    config: ConfigLike,
    run_dir: PathLike | None = None,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    name: str | None = None,
    resume: bool = False,
    checkpoint: str | None = None,
    observe: Observer = silent,
    ranks: Communicator = ALONE,
) -> RunResult:
    """Trains and writes a run.

    Args:
        config: a config file, or its content as a mapping (paths relative to the working directory).
        run_dir: a new or empty folder; left out, one under runs/ named after `name` and the time. With `resume`: the
            run's folder; left out, the newest unfinished run of that name and config.
        data: trained on in place of what the config's `data` section names. A file of ratings, a list of files, or a
            table in memory of pandas, polars, Arrow or whatever else has `__arrow_c_stream__`; the section need not
            name files then. The run's config has the sha256 of a table with `source: frame`, and of what comes through
            a pipe with `source: stream`; to resume, give the same table, or the same bytes. Or what `read_ratings`
            returns, or a Dataset of your own: what the section names is then recorded all the same, and to resume
            without the dataset, the file that is named there has to be the one that it was read from.
        item_features, user_features: in place of what the config's `data` section names, a file or a table in memory
            with ids and what is known of them. Of a table the run's config has `frame`; to resume, give it again.
        name: left out, that of the config file, else "run".
        resume: resume the run exactly where it stopped; a finished run returns its metrics.
        checkpoint: with `resume`: from this one, such as "epoch-0004", instead of the newest.
        observe: gets Note, Loading, Step and Epoch events; what it raises stops the run, which can then be resumed.
        ranks: the processes that train together, from `join_ranks`; all of them call this with the same arguments, on
            hosts that share the run's folder. The first one writes and gets the events.
    Returns:
        The content of the run's metrics.json, and the folder as "run_dir".
    Raises:
        RecsysError: see recsys.core.errors.
    """
    if name is None:
        name = Path(config).stem if isinstance(config, str | Path) else "run"
    folder = as_run(run_dir) if resume else as_path(run_dir)
    features = GivenFeatures.of(item_features, user_features)
    if resume and data is None and folder is not None and read_metrics(folder) is not None:  # nothing is to be read
        resolved, dataset = as_recorded(as_config(config, named=features.named)), None
    else:
        resolved, dataset = with_data(config, data, observe, features=features)
    with ranks.shared_errors():
        if folder is None and resume:
            newest = str(newest_unfinished(name, resolved)) if ranks.rank == 0 else ""
            folder = Path(text_of_first(newest, ranks))
        with run_folder(folder, name, ranks) as folder:
            return _train(resolved, folder, observe, ranks, data=dataset, resume=resume, checkpoint=checkpoint)


@spooling()
@checked(
    start=PATH,
    config=PATH,
    run_dir=optional(PATH),
    **OF_BOTH,
    overrides=TEXTS,
    observe=OBSERVER,
    ranks=RANKS,
)
def finetune(
    start: PathLike,
    config: PathLike,
    run_dir: PathLike | None = None,
    *,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    overrides: Sequence[str] = (),
    observe: Observer = silent,
    ranks: Communicator = ALONE,
) -> RunResult:
    """Trains on new ratings, starting from another run's parameters.

    Args:
        start: a finished run.
        config: a config file with the new ratings; the model is that of the run.
        run_dir: a new or empty folder; left out, one under runs/ named after the config and the time.
        item_features, user_features: as of `train`; they add to what the run knows.
        overrides: of the config, such as "training.freeze=[items]".
        observe, ranks: as of `train`.
    Returns:
        As of `train`; "start" compares the run before and after training.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    features = GivenFeatures.of(item_features, user_features)
    changes = [*overrides, *data_overrides(features.named)]
    resolved, dataset = with_streams(finetune_config(as_run(start), as_path(config), changes, observe), observe)
    dataset = features.beside(dataset, resolved, observe)
    with ranks.shared_errors(), run_folder(as_path(run_dir), Path(config).stem, ranks) as folder:
        return _train(resolved, folder, observe, ranks, data=dataset)


@spooling()
@checked(
    ratings=DATA,
    run=optional(PATH),
    run_dir=optional(PATH),
    **OF_BOTH,
    overrides=TEXTS,
    only=optional(choice("ranking")),
    observe=OBSERVER,
    ranks=RANKS,
)
def update(
    ratings: DataLike,
    run: PathLike | None = None,
    run_dir: PathLike | None = None,
    *,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    overrides: Sequence[str] = (),
    only: Literal["ranking"] | None = None,
    observe: Observer = silent,
    ranks: Communicator = ALONE,
) -> RunResult:
    """Trains a run on with new ratings, for a few epochs over these and all it has seen.

    Args:
        ratings: the new ratings, in files like those of the run, or a table in memory as of `read_ratings`.
        run: a finished run; left out, the default run.
        run_dir: a new or empty folder; left out, one under runs/ named after the run's config and the time.
        item_features, user_features: as of `train`; they add to what the run knows.
        overrides: such as "start.replay=0.5" or "training.n_epochs=2".
        only: "ranking": that scorer alone; the predicted ratings stay those of the run, which may be of any method.
        observe, ranks: as of `train`.
    Returns:
        As of `train`; "start" compares the run before and after training.
    Raises:
        RecsysError: see recsys.core.errors.
    """
    files, features = as_files(ratings), GivenFeatures.of(item_features, user_features)
    config = update_config(as_run(run), files, [*overrides, *data_overrides(features.named)], only=only)
    config, dataset = with_frame(config, as_frame(ratings), observe) if files is None else with_streams(config, observe)
    dataset = features.beside(dataset, config, observe)
    assert config.start is not None
    with ranks.shared_errors(), run_folder(as_path(run_dir), config_name(config.start.run), ranks) as folder:
        return _train(config, folder, observe, ranks, data=dataset)


@spooling()
@checked(config=ANY_CONFIG, data=TRAINED_ON, **OF_BOTH, n_ranks=count(most=MOST_RANKS), observe=OBSERVER)
def estimate(
    config: ConfigLike,
    *,
    data: Dataset | DataLike | None = None,
    item_features: FeaturesLike | None = None,
    user_features: FeaturesLike | None = None,
    n_ranks: int = 1,
    observe: Observer = silent,
) -> estimating.Estimate:
    """What a run would need: memory, disk, time and messages; writes nothing.

    The data is read whole. Each scorer is trained for a few seconds and evaluated once, which tells the time; sizes are
    calculated (docs/scale.md).

    Args:
        config, data, item_features, user_features: as of `train`.
        n_ranks: that would train together.
        observe: gets Loading events.
    Returns:
        Counts: n_ratings, n_users, n_items, n_parameters, n_epochs, n_ranks; method and embedding_dim. Memory in bytes:
        data_bytes, training_bytes (added by training, the model included), peak_bytes (of the process) and memory_bytes
        (what it can have). Disk in bytes: checkpoint_bytes, serving_bytes and disk_bytes (the run's folder at most). In
        seconds: read_seconds, epoch_seconds, fit_seconds, and of the whole run in one process least_seconds to
        most_seconds, and cpu_seconds. In bytes that all ranks send: sent_bytes in an epoch, sent_evaluating_bytes in
        each evaluation, sent_at_end_bytes when training is done. Of the ranking scorer under "ranking".
    Raises:
        ConfigError, DataError
    """
    features = GivenFeatures.of(item_features, user_features)
    resolved, dataset = with_data(config, data, observe, features=features)
    return estimating.estimate(resolved, observe, data=dataset, n_ranks=n_ranks)


@checked(metrics=RUN_METRICS)
def beats_baseline(metrics: RunMetrics) -> bool | None:
    """Whether each scorer of a run is better than its baseline on the same held-out interactions; None if none were.

    Args:
        metrics: what `train` returns.
    """
    verdicts = [better for better in baseline_verdicts(metrics).values() if better is not None]
    return all(verdicts) if verdicts else None


@checked(metrics=RUN_METRICS)
def baseline_verdicts(metrics: RunMetrics) -> dict[str, bool | None]:
    """For each scorer whether it is better than its baseline: rating than biases, ranking than the most popular items.

    Args:
        metrics: what `train` returns.
    Returns:
        Name of the scorer → better on the same held-out interactions, or None if none were held out.
    """
    return {
        name: measure.beats_baseline(find_objective(scorer["objective"]), scorer)
        for name, scorer in scorer_metrics(metrics).items()
    }


def _train(
    config: Config,
    folder: Path,
    observe: Observer,
    ranks: Communicator,
    *,
    data: Dataset | None = None,
    resume: bool = False,
    checkpoint: str | None = None,
) -> RunResult:
    if config.training.patience is not None and config.training.gains_late:
        (observe if ranks.rank == 0 else silent)(
            Note("training.patience may stop one_cycle before its learning rate has come down, where most is gained")
        )
    try:
        metrics = training.train(
            config, folder, data=data, resume=resume, checkpoint=checkpoint, observe=observe, communicator=ranks
        )
    except StoppedError as stopped:
        if (folder / CONFIG).exists():
            again = "cat RATINGS | " if config.data.source == "stream" else ""
            stopped.hint = f"resume it: {again}recsys train --resume --run-dir {shell_word(str(folder))}"
        raise
    return {**metrics, "run_dir": str(folder)}
