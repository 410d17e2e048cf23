"""What training begins with on several ranks, where each of them holds a part of the training rows."""

from __future__ import annotations

from recsys.config.schema.config import Config
from recsys.core.communicator import Communicator
from recsys.core.events import Note, Observer
from recsys.core.memory import give_back_memory
from recsys.data.interactions import Dataset
from recsys.data.ranks.read import read_by_ranks
from recsys.data.ranks.split import split_by_ranks
from recsys.data.read import catalogue_of
from recsys.data.spilled_rows import UnsuitedError
from recsys.data.training_inputs import TrainingInputs
from recsys.workflows.sort_store import why_all_at_once


def inputs_by_ranks(
    config: Config, observe: Observer, communicator: Communicator, data: Dataset | None
) -> TrainingInputs | None:
    """The inputs from scratch; None where every rank has to hold all rows, or there is one.

    Args:
        data: the ratings, where they are in memory.
    Raises:
        DataError, ConfigError: as of `read_ratings` and `split`.
    """
    if communicator.size == 1:
        return None
    why = why_whole(config) or (None if data is None else "they are in memory already")
    if why is None:
        try:
            inputs = _divided(config, observe, communicator)
        except UnsuitedError as unsuited:
            why = str(unsuited)
        else:
            give_back_memory()  # of all rows, of which those of train are kept
            return inputs
    note_whole(why, observe, communicator)
    return None


def _divided(config: Config, observe: Observer, communicator: Communicator) -> TrainingInputs:
    rows = read_by_ranks(config.data, communicator, observe, uses_times=config.uses_times)
    catalogue = catalogue_of(config.data, rows.item_column, rows.items, observe)
    divided = split_by_ranks(rows, config.split, config.seed, communicator)
    return TrainingInputs(
        divided.splits, catalogue, rows.fingerprints, prepared=divided.by_user, division=divided.division
    )


def why_whole(config: Config) -> str | None:
    """What the config asks for that takes all rows on every rank; None: nothing."""
    if (why := why_all_at_once(config)) is not None:
        return why
    if config.start is not None:
        return "the run starts from another one"
    if config.refit:
        return "a refit trains on what was held out too"
    if config.data.source != "file":
        return "they come from a stream or a table"
    return None


def note_whole(why: str | None, observe: Observer, communicator: Communicator) -> None:
    """Says why every rank of several holds all rows."""
    if communicator.size > 1 and why is not None:
        observe(Note(f"every rank holds all ratings: {why}"))
