"""What a run takes over from the one that it starts from: parameters, users and items, and what they have rated."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.artifacts.bundle import Bundle, HeldOut, open_bundle
from recsys.artifacts.checkpoint import selected_parameters
from recsys.artifacts.directory import CONFIG
from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.events import Observer
from recsys.core.seeding import rng
from recsys.core.types import Array, BoolArray
from recsys.data.duplicates import repeated
from recsys.data.id_types import align_id_types
from recsys.data.interactions import Dataset, Interactions, join, reindex
from recsys.data.read import read_ratings
from recsys.data.scale import Scale
from recsys.data.split import Parts, split
from recsys.data.vocabulary import UNKNOWN
from recsys.evaluation.metrics import evaluate
from recsys.scoring.protocols import Scorer

if TYPE_CHECKING:
    from recsys.models.warm_start import PretrainedState

HELD_OUT: tuple[HeldOut, ...] = ("test", "earlier")
FREE = {"dropout", "embedding_dropout", "clip"}  # of the model section: what does not shape the parameters


@dataclass(frozen=True, eq=False)
class TrainingInputs:
    """What training begins with: the data, and what is taken over from an earlier run (None: from scratch).

    Attributes:
        facts: what metrics.json says of the earlier run; empty from scratch.
    """

    parts: Parts
    pretrained: PretrainedState | None
    facts: dict[str, Any]


def prepare_inputs(config: Config, observe: Observer) -> TrainingInputs:
    """Reads and splits the ratings that the config names; where it names a run to start from, joins them to its own.

    Raises:
        DataError: the ratings cannot be used.
        RunError: the run to start from is not there, not finished or damaged.
        ConfigError: its model is another one than the config's.
    """
    if config.start is None:
        return TrainingInputs(split(read_ratings(config.data, observe), config.split, config.seed), None, {})
    from recsys.models.warm_start import PretrainedState  # and with it torch

    bundle = open_bundle(config.start.run)
    parameters, facts = selected_parameters(config.start.run)
    _check_same_model(config.start.run, config)
    parts, counts = _join(bundle, Scale(**facts["scale"]), read_ratings(config.data, observe), config)
    rows = {"user": bundle.users.index(parts.train.users.ids), "item": bundle.items.index(parts.train.items.ids)}
    fresh = {f"n_new_{role}s": int(np.count_nonzero(idx == UNKNOWN)) for role, idx in rows.items()}
    said = {"run": config.start.run.resolve().name, "path": str(config.start.run), **fresh, **counts}
    return TrainingInputs(parts, PretrainedState(parameters, rows), said)


def measure_start(scorer: Scorer, parts: Parts) -> dict[str, Any]:
    """The scores on new ratings (test, else valid), and on those that earlier runs were measured on."""
    new, old = parts.test or parts.valid, parts.prior_test
    return {
        "new": asdict(evaluate(scorer, new)) if new else None,
        "old": asdict(evaluate(scorer, old)) if old else None,
    }


def _check_same_model(run: Path, config: Config) -> None:
    before, now = (one.model.model_dump(mode="json") for one in (load_config(run / CONFIG), config))
    changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)} - FREE
    if changed:
        keys = ", ".join(f"model.{key}: {before.get(key)!r} → {now.get(key)!r}" for key in sorted(changed))
        raise ConfigError(
            f"the run to start from has another model: {keys}",
            where=str(run / CONFIG),
            expected="the same model, whose parameters can be taken over",
            hint="give the config the model section of that run",
        )


def _join(bundle: Bundle, scale: Scale, dataset: Dataset, config: Config) -> tuple[Parts, dict[str, int]]:
    """The new ratings, split, on the ids of both runs, with the old ones and those to be replayed; and how many.

    A pair that was rated before and is rated again counts as new. Where its new rating is held out, the old one is not
    replayed, but the run has learned from it: such ratings are counted as not new.
    """
    assert config.start is not None
    typed = replace(dataset, ratings=align_id_types(dataset.ratings, bundle.users, bundle.items))
    new = split(typed, config.split, config.seed, also=(bundle.users, bundle.items))
    users, items = new.train.users, new.train.items
    old = _without(reindex(bundle.training_ratings(), users, items), new.train)
    held_out = [part for part in (new.valid, new.test) if part is not None]
    known = _is_among(old, reduce(join, held_out)) if held_out else np.zeros(len(old), dtype=bool)
    held = [reindex(one, users, items) for part in HELD_OUT if (one := bundle.held_out(part)) is not None]
    again = ~known & (rng(config.seed, "replay").random(len(old)) < config.start.replay)
    parts = replace(
        new,
        train=join(new.train, old.take(again)),
        oversampled=reduce(join, [new.train] * (config.start.repeat - 1)) if config.start.repeat > 1 else None,
        prior_train=old.take(~again),
        prior_test=_without(reduce(join, held), new.train) if held else None,
        titles={**_texts(bundle, bundle.titles), **new.titles},
        item_columns=_columns(bundle, new.item_columns),
        start_scale=_widened(scale, new.train.scale),
    )
    return parts, {"n_replayed": int(again.sum()), "n_held_out_not_new": int(known.sum())}


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


def _columns(bundle: Bundle, new: dict[str, dict[int | str, str]]) -> dict[str, dict[int | str, str]]:
    old = {name: _texts(bundle, texts) for name, texts in bundle.item_columns.items()}
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in {**old, **new}}


def _texts(bundle: Bundle, texts: Array) -> dict[int | str, str]:
    """Item id → text, for the items that have one."""
    return {one: text for one, text in zip(bundle.items.ids.tolist(), texts.tolist(), strict=True) if text}


def _widened(scale: Scale, new: Scale) -> Scale:
    """The run's own scale, in which its parameters are, with room for ratings beyond its ends."""
    return replace(scale, low=min(scale.low, new.low), high=max(scale.high, new.high))
