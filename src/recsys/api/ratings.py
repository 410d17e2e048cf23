"""Ratings files: read, split, profiled, and a config written for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from recsys.api.data import DATA, DataLike, as_origin
from recsys.api.paths import PathLike, as_path
from recsys.artifacts.outputs import refuse_run_files
from recsys.config.loading.load import config_from
from recsys.config.schema.data import Data
from recsys.core.arguments import OBSERVER, PATH, count, instance
from recsys.core.checked import checked
from recsys.core.communicator import ALONE
from recsys.core.events import Observer, silent
from recsys.data import profile as profiles
from recsys.data import read
from recsys.data import split as splitting
from recsys.data.check_dataset import check_dataset
from recsys.data.file_profile import FileProfile
from recsys.data.interactions import Dataset, Interactions
from recsys.data.sources.origin import Origin
from recsys.data.sources.streams import spooling
from recsys.data.split import Splits
from recsys.workflows.init import check_new, write_config
from recsys.workflows.items_beside import items_beside, items_file
from recsys.workflows.profile_features import feature_profiles
from recsys.workflows.sample import CONFIG, ITEMS, RATINGS, write_sample

DATASET = instance(Dataset, "what read_ratings returns")
Ratings = Interactions  # its name in 0.1.0


class SampleFiles(TypedDict):
    """Where the files of `sample` are."""

    ratings: str
    items: str
    config: str


@spooling()
@checked(ratings=DATA, observe=OBSERVER)
def read_ratings(ratings: DataLike, observe: Observer = silent, **options: object) -> Dataset:
    """Reads ratings from files, a stream or a DataFrame.

    Args:
        ratings: a CSV with any delimiter, also compressed, or a Parquet, Arrow (Feather) or JSON lines file; a list of
            files; a pipe, or "-" for standard input; or a table in memory of pandas, polars, Arrow or whatever else has
            `__arrow_c_stream__`.
        observe: gets Loading events.
        options: the other keys of the config's `data` section, such as columns={"user": "customer"}.
    Raises:
        ConfigError: an option is wrong.
        DataError: with file, line and column.
    """
    origin = as_origin(ratings)
    return read.read_ratings(_data(origin, options), ALONE, observe, origin)


@checked(dataset=DATASET, seed=count(0, 2**63 - 1))
def split(dataset: Dataset, *, seed: int = 42, **options: object) -> Splits:
    """Divides a dataset into train, valid and test.

    Args:
        options: the keys of the config's `split` section: method, valid_fraction, test_fraction.
    Raises:
        ConfigError: an option is wrong.
        DataError: the ratings cannot be split like this.
    """
    check_dataset(dataset)
    how = config_from({"data": {"ratings": "-"}, "split": options}, Path.cwd()).split
    return splitting.split(dataset, how, seed)


@spooling()
@checked(ratings=DATA, observe=OBSERVER)
def profile(ratings: DataLike, observe: Observer = silent, **options: object) -> FileProfile:
    """What ratings hold: columns, ids, scale, times, counts; repeated pairs are counted, not refused.

    Args:
        ratings, observe, options: as of `read_ratings`.
    Raises:
        ConfigError: an option is wrong.
        DataError: the file or a row of it cannot be used, or a column is not found.
    """
    origin = as_origin(ratings)
    return profiles.profile(origin, _data(origin, options), observe)


@spooling()
@checked(ratings=DATA, output=PATH, observe=OBSERVER)
def init(
    ratings: DataLike, output: PathLike = "config.yaml", observe: Observer = silent, **options: object
) -> FileProfile:
    """Profiles ratings and writes a commented config for it; returns the profile.

    An items file that lies beside the ratings, called movies.csv or the like, is written into the config, also as
    features of the items where it has columns for that.

    Args:
        output: a new file, in YAML.
        ratings, observe, options: as of `read_ratings`.
    Raises:
        UsageError: `output` exists, or `item_features` is "items" and no items file is named or lies there.
        ConfigError, DataError: as of `profile`.
        RunError: `output` cannot be written.
    """
    check_new(as_path(output))
    refuse_run_files(as_path(output))
    origin = as_origin(ratings)
    wants_columns = options.get("item_features") == "items" and options.get("items") is None  # of the file beside it
    data = _data(origin, {**options, "item_features": None} if wants_columns else options)
    file_profile = profiles.profile(origin, data, observe)
    profiles.check_trainable(file_profile)
    items = items_beside(file_profile, data) if data.items is None else items_file(data.items, file_profile, data)
    file_profile = replace(file_profile, items=items)
    file_profile = replace(file_profile, features=feature_profiles(file_profile, data, must_be=wants_columns))
    write_config(file_profile, as_path(output), data)
    return file_profile


@checked(folder=PATH, observe=OBSERVER)
def sample(folder: PathLike = "sample", observe: Observer = silent) -> SampleFiles:
    """Writes synthetic ratings to try recsys on: planted tastes, titles, and a config for them.

    Args:
        folder: a new folder.
        observe: gets Loading events.
    Returns:
        The paths "ratings", "items" and "config".
    Raises:
        UsageError: there is something at `folder` already.
        RunError: it cannot be written.
    """
    written = as_path(folder)
    write_sample(written, lambda ratings, items, config: init(ratings, config, observe, items=str(items)))
    return {"ratings": str(written / RATINGS), "items": str(written / ITEMS), "config": str(written / CONFIG)}


def _data(origin: Origin, options: dict[str, object]) -> Data:
    where = {"ratings": origin} if isinstance(origin, Path | tuple) else {"source": "frame"}
    return config_from({"data": {**where, **options}}, Path.cwd()).data
