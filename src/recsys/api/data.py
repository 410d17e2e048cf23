"""What callers may pass as data: files, streams and tables in memory, in place of what a config names or beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from recsys.api.configs import ConfigLike, as_config, config_on
from recsys.api.paths import PathLike, as_path
from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.config.schema.data import Data, Files, absolute_files
from recsys.core.arguments import PATH, listed
from recsys.core.checked import RefusedError, Rule
from recsys.core.communicator import ALONE
from recsys.core.errors import UsageError
from recsys.core.events import Observer
from recsys.core.files import DASH, STDIN
from recsys.core.resolve import resolve
from recsys.data.check_dataset import check_dataset
from recsys.data.features.kind import Role
from recsys.data.interactions import Dataset
from recsys.data.read import read_ratings
from recsys.data.sources.opening import source_of
from recsys.data.sources.origin import Frame, HeldFrame, Origin
from recsys.data.sources.specs import HELD_FRAME
from recsys.data.sources.streams import is_stream
from recsys.workflows.inputs import read_beside
from recsys.workflows.prepared_inputs import as_prepared

DataLike: TypeAlias = PathLike | Sequence[PathLike] | Frame
"""A file, a pattern such as parts/*.parquet, "-" for standard input, a list of these, or a table in memory of pandas,
polars, Arrow or whatever else has `__arrow_c_stream__`."""

FeaturesLike: TypeAlias = PathLike | Frame
"""A features file, or a table in memory."""

PATHS = (str, os.PathLike)
MAKE_A_TABLE = "pandas.DataFrame(…) makes a table of lists and arrays"
COMPUTED_BY = ("toPandas", "compute", "collect")
"""The method that makes a table of what is computed later: of Spark, Dask and polars."""
NO_FILES = dict.fromkeys(("ratings", "train", "valid", "test"))


def _data(value: Any) -> Any:
    if isinstance(value, PATHS):
        return PATH.accept(value)
    if isinstance(value, Frame):
        return value
    if not isinstance(value, list | tuple):
        computed_by = next((f".{name}() makes a table of it" for name in COMPUTED_BY if hasattr(value, name)), None)
        raise RefusedError(value, hint=computed_by or MAKE_A_TABLE)
    return FILES.accept(value)


def _features(value: Any) -> Any:
    if isinstance(value, list | tuple):
        raise RefusedError(value, hint=MAKE_A_TABLE)
    return None if value is None else _data(value)


def _trained_on(value: Any) -> Any:
    return value if value is None or isinstance(value, Dataset) else _data(value)


FILES = listed(PATH, "a list of paths", least=1)
DATA = Rule("a path, a list of paths, or a DataFrame of pandas (2.2 or newer), polars or Arrow", _data)
FEATURES = Rule("a path, a DataFrame of pandas (2.2 or newer), polars or Arrow, or None", _features)
OF_BOTH = {"item_features": FEATURES, "user_features": FEATURES}
TRAINED_ON = Rule(f"{DATA.expected}, what read_ratings returns, or None", _trained_on)


def as_origin(data: DataLike) -> Origin:
    """The files or the table.

    Raises:
        DataError: a table with a column of several types.
    """
    files = as_files(data)
    return as_frame(data) if files is None else files


def as_feature_source(data: DataLike) -> Path | Frame:
    """The one file, or the table.

    Raises:
        UsageError: there are several files.
        DataError: a table with a column of several types.
    """
    files = as_files(data)
    if isinstance(files, tuple) and len(files) != 1:
        raise UsageError(f"features come from one file, and {len(files)} are given", expected="one file, or a table")
    if files is None:
        return as_frame(data)
    return files if isinstance(files, Path) else files[0]


def as_files(data: object) -> Files | None:
    """The files, or None where it is a table."""
    if isinstance(data, PATHS):
        return _as_input(data)
    if isinstance(data, list | tuple):
        return tuple(map(_as_input, data))
    return None


def _as_input(path: str | os.PathLike[str]) -> Path:
    return STDIN if os.fspath(path) == DASH else as_path(Path(path))


def as_frame(data: object) -> HeldFrame:
    """The table.

    Raises:
        DataError: a column holds values of several types.
    """
    frame: HeldFrame = resolve(HELD_FRAME)(data)
    return frame


@dataclass(frozen=True, eq=False)
class GivenFeatures:
    """Features of items and users in place of what a config names.

    Attributes:
        named: what the config's section `data` then says.
        frames: those that are tables in memory.
    """

    named: Mapping[str, object]
    frames: Mapping[Role, HeldFrame]

    @classmethod
    def of(cls, items: FeaturesLike | None, users: FeaturesLike | None) -> GivenFeatures:
        """Those that are given.

        Raises:
            DataError: a table with a column of several types.
        """
        both: dict[Role, FeaturesLike | None] = {"item": items, "user": users}
        files = {role: as_files(features) for role, features in both.items() if features is not None}
        named = {f"{role}_features": "frame" if path is None else absolute_files(path) for role, path in files.items()}
        return cls(named, {role: as_frame(both[role]) for role, path in files.items() if path is None})

    def beside(
        self, dataset: Dataset | None, config: Config, observe: Observer, *, needs_times: bool = False
    ) -> Dataset | None:
        """The data with the tables, for which it is read."""
        if not self.frames:
            return dataset
        if dataset is None and config.data.prepared is not None:
            self.refuse_frames("ratings in a prepared store")
        read = _read(config, observe, needs_times=needs_times) if dataset is None else dataset
        return replace(read, frames=self.frames)

    def refuse_frames(self, beside: str) -> None:
        """Refuses tables in memory beside such ratings.

        Raises:
            UsageError: there are some.
        """
        if self.frames:
            raise UsageError(
                f"features beside {beside} come from a file, and not from a table in memory",
                expected="the path of a features file",
                hint="in pandas: FRAME.to_parquet('features.parquet')",
            )


NO_FEATURES = GivenFeatures({}, {})


def with_data(
    config: ConfigLike,
    data: Dataset | DataLike | None,
    observe: Observer,
    overrides: Sequence[str] = (),
    *,
    features: GivenFeatures = NO_FEATURES,
    needs_times: bool = False,
) -> tuple[Config, Dataset | None]:
    """The config as a run records it, and what to train on; None: the files that it names.

    Tables and streams are read here, since the config has their checksum.

    Args:
        overrides: of a config file.
        needs_times: whether the job uses them even where the config does not.
    Raises:
        ConfigError, DataError
    """
    resolved, dataset = _with_ratings(config, data, observe, overrides, features.named, needs_times=needs_times)
    return resolved, features.beside(dataset, resolved, observe, needs_times=needs_times)


def _with_ratings(
    config: ConfigLike,
    data: Dataset | DataLike | None,
    observe: Observer,
    overrides: Sequence[str],
    named: Mapping[str, object],
    *,
    needs_times: bool,
) -> tuple[Config, Dataset | None]:
    if data is None:
        return with_streams(as_config(config, overrides, named), observe, needs_times=needs_times)
    if isinstance(data, Dataset):
        check_dataset(data)
        return as_config(config, overrides, named), data
    files = as_files(data)
    resolved = config_on(config, files, overrides, named)
    if files is not None:
        return with_streams(resolved, observe, needs_times=needs_times)
    return with_frame(resolved, as_frame(data), observe, needs_times=needs_times)


def with_frame(config: Config, frame: Frame, observe: Observer, *, needs_times: bool = False) -> tuple[Config, Dataset]:
    """The config with the checksum of the table, and its ratings."""
    dataset = _read(config, observe, frame, needs_times=needs_times)
    return _recorded(config, {"source": "frame"}, dataset), dataset


def with_streams(config: Config, observe: Observer, *, needs_times: bool = False) -> tuple[Config, Dataset | None]:
    """The config with the checksum of the stream that it names, and its ratings; None: it names files, or a store."""
    if config.data.prepared is not None:
        return as_prepared(config), None
    if not reads_streams(config.data):
        return config, None
    dataset = _read(config, observe, needs_times=needs_times)
    return _recorded(without_streams(config), {}, dataset), dataset


def reads_streams(data: Data) -> bool:
    """Whether the ratings come through a pipe, or a part of them."""
    return data.source == "stream" or "stream" in map(source_of, data.files.values())


def without_streams(config: Config) -> Config:
    """The config as a run records it whose ratings come through a pipe: the names of pipes mean nothing later."""
    items = config.data.items
    update = {**NO_FILES, "source": "stream", "items": None if items is not None and is_stream(items) else items}
    return config.model_copy(update={"data": config.data.model_copy(update=update)})


def as_recorded(config: Config) -> Config:
    """The config as a run has it, but for checksums."""
    return without_streams(config) if reads_streams(config.data) else config


def _read(config: Config, observe: Observer, frame: Frame | None = None, *, needs_times: bool) -> Dataset:
    if config.start is not None:
        return read_beside(open_bundle(config.start.run), config, ALONE, observe, frame)
    return read_ratings(config.data, ALONE, observe, frame, uses_times=needs_times or config.uses_times)


def _recorded(config: Config, update: Mapping[str, object], dataset: Dataset) -> Config:
    sums = list(dataset.fingerprints.values())
    sha256 = sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
    return config.model_copy(update={"data": config.data.model_copy(update={**update, "sha256": sha256})})
