"""What a run takes over from the one that it starts from: parameters, users and items, and what they have rated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import SEEN, Bundle, open_bundle
from recsys.artifacts.directory import CONFIG
from recsys.artifacts.metrics import StartMetrics
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.selected import selected_parameters
from recsys.artifacts.verified import consistent
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.config.schema.split import Split
from recsys.config.schema.start import Start
from recsys.core.communicator import Communicator
from recsys.core.errors import ConfigError, DataError, need_training_packages
from recsys.core.events import Note, Observer
from recsys.core.memory import HINT, need_memory
from recsys.core.seeding import rng
from recsys.core.types import Arrays, BoolArray
from recsys.core.words import counted
from recsys.data.duplicates import repeated
from recsys.data.id_types import align_id_types
from recsys.data.interactions import Dataset, HeldOut, Interactions, join
from recsys.data.read import read_more_ratings, read_ratings
from recsys.data.scale import Scale
from recsys.data.sources.origin import Origin, name_of
from recsys.data.split import split
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.data.unique_pairs import newer_pairs
from recsys.data.vocabulary import UNKNOWN
from recsys.inference.rating_scale import n_outside_scale, note_other_scale
from recsys.objectives.measure import StartMeasured
from recsys.workflows.features import with_features
from recsys.workflows.inputs_by_ranks import inputs_by_ranks, note_whole, why_whole
from recsys.workflows.prepared_inputs import prepared_inputs
from recsys.workflows.prior_run import PriorRun

MEASURED: tuple[HeldOut, ...] = ("test", "earlier")  # parts that a run was measured on
NOTHING_HELD_OUT = Split(method="random", valid_fraction=0.0, test_fraction=0.0)
VALIDATED: tuple[HeldOut, ...] = ("valid", "earlier_valid")  # parts that its epochs were compared on


@dataclass(frozen=True)
class StartReport:
    """How a run's data relates to the run that it starts from, as metrics.json says it.

    Attributes:
        run: name of the earlier run.
        path: as the config names it.
        n_new_users, n_new_items: that the earlier run did not know.
        n_replayed: ratings of the earlier run that are trained on again.
        n_held_out_not_new: held-out ratings of pairs that the earlier run has learned from.
        n_outside_scale: new ratings outside the range of that run's.
    """

    run: str
    path: str
    n_new_users: int
    n_new_items: int
    n_replayed: int
    n_held_out_not_new: int
    n_outside_scale: int

    def to_metrics(self, before: StartMeasured, after: StartMeasured) -> StartMetrics:
        """As metrics.json says it, with the scores before and after training."""
        return {
            "run": self.run,
            "path": self.path,
            "n_new_users": self.n_new_users,
            "n_new_items": self.n_new_items,
            "n_replayed": self.n_replayed,
            "n_held_out_not_new": self.n_held_out_not_new,
            "n_outside_scale": self.n_outside_scale,
            "before": before,
            "after": after,
        }


def prepare_inputs(
    config: Config,
    observe: Observer,
    communicator: Communicator,
    data: Dataset | None = None,
    *,
    leaves_rows: bool = False,
) -> tuple[TrainingInputs, StartReport | None]:
    """Splits the ratings; where the config names a run to start from, joins them to its own.

    Args:
        communicator: each rank reads a part of the ratings, and gets all inputs.
        data: the ratings; None: those that the config names are read.
        leaves_rows: whether training rows may stay where they are: in a prepared store, or each with one rank.

    Raises:
        DataError: the ratings cannot be used.
        RunError: the run to start from is not there, not finished or damaged, or has no ratings as this one has.
        ConfigError: its model is another one than the config's.
    """
    if config.start is None:
        return from_scratch(config, observe, communicator, data, leaves_rows=leaves_rows), None
    need_training_packages()
    bundle = open_bundle(config.start.run)
    parameters, _ = selected_parameters(config.start.run, **bundle.sizes)
    _check_same_model(config.start.run, config)
    note_whole(why_whole(config), observe, communicator)
    if data is None:
        data = read_beside(bundle, config, communicator, observe)
    _check_room(config, len(data.ratings.users), len(data.ratings.items))
    note_other_scale(bundle, data.ratings.rating, observe)
    return _join(bundle, parameters, bundle.scale if config.data.has_ratings else None, data, config, observe)


def read_beside(
    bundle: Bundle, config: Config, communicator: Communicator, observe: Observer, origin: Origin | None = None
) -> Dataset:
    """Reads the ratings of a config that names a run to start from.

    Args:
        bundle: of that run.
        communicator, origin: as of `read_more_ratings`.

    Raises:
        DataError: the ratings cannot be used.
    """
    assert config.start is not None
    return read_more_ratings(
        config.data,
        communicator,
        observe,
        origin,
        as_trained=config.start.like_run,
        uses_times=config.uses_times,
        beside=(bundle.users, bundle.items),
    )


def from_scratch(
    config: Config,
    observe: Observer,
    communicator: Communicator,
    data: Dataset | None = None,
    *,
    needs_times: bool = False,
    leaves_rows: bool = False,
) -> TrainingInputs:
    """Splits the ratings, whatever the config starts from.

    Args, Raises: as of `prepare_inputs`, and:
        needs_times: whether the job uses them even where the config does not.
    """
    need_training_packages()
    if data is None and config.data.prepared is not None:
        inputs = prepared_inputs(config, observe, reads_blocks=leaves_rows)
        _check_room(config, len(inputs.splits.train.users), len(inputs.splits.train.items))
        _check_rated(inputs.splits.train, config)
        return with_features(inputs, config, {}, observe)
    divided = inputs_by_ranks(config, observe, communicator, data) if leaves_rows else None
    if divided is not None:
        _check_room(config, len(divided.splits.train.users), len(divided.splits.train.items))
        return with_features(divided, config, {}, observe)
    if data is None:
        data = read_ratings(config.data, communicator, observe, uses_times=needs_times or config.uses_times)
    _check_room(config, len(data.ratings.users), len(data.ratings.items))
    splits = split(data, config.split, config.seed)
    _check_rated(splits.train, config)
    return with_features(TrainingInputs(splits, data.catalogue, data.identify()), config, data.frames, observe)


def _check_room(config: Config, n_users: int, n_items: int) -> None:
    """Raises OutOfMemoryError where a model would not fit into memory."""
    for plan in plans(config):
        least = plan.training.least_bytes(plan.model, n_users, n_items)
        what = f"the {plan.name} scorer of {counted(n_users, 'user')} and {counted(n_items, 'item')}"
        need_memory(least, what, HINT)


def _check_rated(train: Interactions, config: Config) -> None:
    """Raises DataError where a rating is to be learned, and there is none to learn from."""
    if any(plan.objective == "rating" for plan in plans(config)) and not train.n_rated:
        raise DataError(
            f"none of the {counted(len(train), 'training row')} has a rating",
            where=None if config.data.ratings is None else str(name_of(config.data.ratings)),
            expected="ratings to learn from",
            hint="if each row is a click or a purchase: data.columns.rating: false",
        )


def _check_same_model(run: Path, config: Config) -> None:
    models = read_run_config(run).model, config.model
    before, now = (model.model_dump(mode="json") for model in models)
    changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
    changed = changed.difference(*(model.free_keys for model in models))
    if changed:
        keys = ", ".join(f"model.{key}: {before.get(key)!r} → {now.get(key)!r}" for key in sorted(changed))
        raise ConfigError(
            f"the run to start from has another model: {keys}",
            where=str(run / CONFIG),
            expected="the same model, whose parameters can be taken over",
            hint="give the config the model section of that run",
        )


def _join(
    bundle: Bundle,
    parameters: Mapping[str, Arrays],
    scale: Scale | None,
    dataset: Dataset,
    config: Config,
    observe: Observer,
) -> tuple[TrainingInputs, StartReport]:
    """The new ratings, split, on the ids of both runs, with the old ones and those to be replayed; and how many.

    A pair that was rated before and is rated again counts as new, see `newer_pairs`. Where its new rating is held out,
    the old one is not replayed, but the run has learned from it: such ratings are counted as not new. Where too few are
    new to hold some out, valid and test are those of the earlier run.
    """
    assert config.start is not None
    typed = replace(dataset, ratings=align_id_types(dataset.ratings, bundle.users, bundle.items))
    are_few = len(typed.ratings) < config.start.hold_out_from
    if are_few:
        observe(Note(_judged_by(bundle, config.start, len(typed.ratings))))
    how = NOTHING_HELD_OUT if are_few else config.split
    new = split(typed, how, config.seed, also=(bundle.users, bundle.items))
    prior = PriorRun.of(bundle, new.train.users, new.train.items, dataset.catalogue)
    with consistent(bundle.path / SEEN):
        old, train = newer_pairs(prior.train, new.train, config.data)
    held_out = [part for part in (new.valid, new.test) if part is not None]
    known = _is_among(old, reduce(join, held_out)) if held_out else np.zeros(len(old), dtype=bool)
    measured = prior.joined(("earlier",) if are_few else MEASURED)
    validated = prior.joined(("earlier_valid",) if are_few else VALIDATED)
    again = ~known & (rng(config.seed, "replay").random(len(old)) < config.start.replay)
    start = WarmStart(
        parameters=parameters,
        rows=prior.rows,
        scale=None if scale is None else _widened(scale, train.rated()),
        prior_train=old.take(~again),
        prior_test=None if measured is None else _without(measured, train),
        prior_valid=validated,
        holds_out_new=not are_few,
        oversampled=reduce(join, [train] * (config.start.repeat - 1)) if config.start.repeat > 1 else None,
        replays_all=config.start.replay == 1,
    )
    splits = replace(prior.with_unknown(new, holds_out_new=not are_few), train=join(train, old.take(again)))
    if are_few:
        valid, test = _still_held_out(prior, "valid", train), _still_held_out(prior, "test", train)
        splits = replace(splits, valid=valid, test=test)
    _check_rated(splits.train, config)
    report = StartReport(
        run=config.start.run.resolve().name,
        path=str(config.start.run),
        n_new_users=int(np.count_nonzero(prior.rows["user"] == UNKNOWN)),
        n_new_items=int(np.count_nonzero(prior.rows["item"] == UNKNOWN)),
        n_replayed=int(again.sum()),
        n_held_out_not_new=int(known.sum()),
        n_outside_scale=n_outside_scale(bundle, dataset.ratings.rating),
    )
    inputs = TrainingInputs(splits, prior.catalogue, dataset.identify(), start)
    return with_features(inputs, config, dataset.frames, observe, bundle), report


def _judged_by(bundle: Bundle, start: Start, n_new: int) -> str:
    """How a run is measured that holds out nothing of its own."""
    parts: tuple[HeldOut, ...] = ("test", "valid", "earlier")
    is_judged = any(bundle.held_out(part) is not None for part in parts)
    judged = f"the scores are on what {start.run.resolve().name} held out" if is_judged else "nothing is measured"
    return f"{counted(n_new, 'new row')}, fewer than {start.hold_out_from}: none is held out, and {judged}"


def _still_held_out(prior: PriorRun, part: HeldOut, train: Interactions) -> Interactions | None:
    """What the earlier run held out, but for pairs that are trained on now; None where nothing is left."""
    held_out = prior.held_out.get(part)
    left = None if held_out is None else _without(held_out, train)
    return left if left is not None and len(left) else None


def _without(ratings: Interactions, pairs: Interactions) -> Interactions:
    """The ratings of pairs that the others do not have."""
    among = _is_among(ratings, pairs)
    return ratings.take(~among) if among.any() else ratings


def _is_among(ratings: Interactions, pairs: Interactions) -> BoolArray:
    """For each rating, whether the others have its pair; unknown ids make no pair."""
    known = np.flatnonzero((ratings.user_idx != UNKNOWN) & (ratings.item_idx != UNKNOWN))
    others = pairs.take((pairs.user_idx != UNKNOWN) & (pairs.item_idx != UNKNOWN))
    both = join(ratings.take(known), others)
    double = repeated(both.user_idx, both.item_idx, len(both.items))
    among = np.zeros(len(ratings), dtype=bool)
    if double is not None:
        first = double.dropped(keep="last")
        among[known[first[first < len(known)]]] = True
    return among


def _widened(scale: Scale, rated: Interactions) -> Scale:
    """The run's own scale, in which its parameters are, with room for ratings beyond its ends."""
    if not len(rated):
        return scale
    return replace(scale, low=min(scale.low, rated.scale.low), high=max(scale.high, rated.scale.high))
