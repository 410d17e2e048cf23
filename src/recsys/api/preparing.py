"""Ratings prepared for repeated and large trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsys.api.configs import ANY_CONFIG, ConfigLike, as_config, config_on
from recsys.api.data import TRAINED_ON, DataLike, as_files, with_data
from recsys.api.paths import PathLike, as_path
from recsys.artifacts.outputs import refuse_dash, refuse_run_files
from recsys.config.loading.load import parse_config
from recsys.config.schema.config import Config
from recsys.core.arguments import BYTES, OBSERVER, PATH, TEXTS, optional
from recsys.core.checked import checked
from recsys.core.errors import UsageError
from recsys.core.events import Observer, silent
from recsys.data.interactions import Dataset
from recsys.data.sources.streams import spooling
from recsys.workflows import prepare as preparing
from recsys.workflows.prepare import PreparedStore

DEFAULTS = "data: {source: frame}\n"  # what every key has but the ratings, which are given


@spooling()
@checked(
    ratings=TRAINED_ON,
    output=PATH,
    config=optional(ANY_CONFIG),
    overrides=TEXTS,
    memory=BYTES,
    observe=OBSERVER,
)
def prepare(
    ratings: Dataset | DataLike | None,
    output: PathLike,
    *,
    config: ConfigLike | None = None,
    overrides: Sequence[str] = (),
    memory: int | str = 500_000_000,
    observe: Observer = silent,
) -> PreparedStore:
    """Reads, splits and sorts ratings once, into a store for repeated and large trainings.

    A config trains from it by `data.prepared`, with the bits that it gives from the ratings themselves.

    Args:
        ratings: as the `data` of `train`; None: those that the config names.
        output: the store: a new or empty folder, or a store to replace.
        config: says how ratings are read and split, the seed and the model; left out, every key has its default.
        overrides: of a config file, or of the defaults, such as "model.embedding_dim=128".
        memory: that it may take, about: bytes, or a text such as "500MB".
        observe: gets Note and Loading events.
    Returns:
        "store"; of train n_interactions, n_ratings, n_users and n_items; n_valid, n_test, n_duplicates; n_bytes;
        "order" of the blocks: n_side, tile_rows and dim, or None where the method of the config reads no blocks.
    Raises:
        UsageError: no ratings are named, or sorting takes more memory.
        ConfigError, DataError, RunError
    """
    place = as_path(output)
    refuse_dash(place)
    refuse_run_files(place)
    if config is None and ratings is None:
        raise UsageError("no ratings are named", expected="RATINGS, or a config that names them")
    named = (
        parse_config(DEFAULTS, Path.cwd() / "defaults", overrides) if config is None else as_config(config, overrides)
    )
    named = _unprepared(named)
    if ratings is None and not named.data.named_files and named.data.source == "file":
        raise UsageError("the config names no ratings", expected="data.ratings, or RATINGS beside the config")
    assert isinstance(memory, int)
    dataset, files = None, as_files(ratings)
    if files is not None:
        named = config_on(named, files)
    elif ratings is not None:
        named, dataset = with_data(named, ratings, observe)
    return preparing.prepare(named, place, memory=memory, data=dataset, observe=observe)


def _unprepared(config: Config) -> Config:
    """The config without the store that is yet to be written."""
    return config.model_copy(update={"data": config.data.model_copy(update={"prepared": None})})
