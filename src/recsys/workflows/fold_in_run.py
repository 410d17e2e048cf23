"""A new run from a finished one: the same model, with rows for new users and items solved from their ratings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle, locate, open_bundle
from recsys.artifacts.checkpoint import selected_parameters, write_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, SERVING
from recsys.artifacts.metrics import FoldInReport, RunMetrics, read_metrics, write_metrics
from recsys.artifacts.run import Run
from recsys.artifacts.verified import reading
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.core.events import Observer, silent
from recsys.core.files import new_folder, sha256
from recsys.core.resolve import resolve
from recsys.core.types import Arrays, Float32Array, Ids, State
from recsys.core.words import joined
from recsys.data.catalogue import ItemCatalogue
from recsys.data.sources.opening import read_catalogue
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.inference.fold_in import FixedRows, item_prior, linear_factors, solve, user_prior
from recsys.inference.new_entities import NewEntities, n_outside_scale, read_new_entities
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.protocols import TrainedScorer
from recsys.workflows.extended_vocabulary import ExtendedVocabulary
from recsys.workflows.fold_in_ranking import fold_in_ranking
from recsys.workflows.prior_run import PriorRun


def fold_in_run(parent: Path | None, path: Path, folder: Path, observe: Observer = silent) -> RunMetrics:
    """Solves the rows of the new users and items in a ratings file, and writes a run that has them too.

    Every row of the parent keeps its bits, and an unknown id its fallback, so the parent's scores stay true and are
    kept. Training can go on from the new run as from any other.

    Args:
        parent: a finished run; None is the one that is served by default.
        path: ratings, each of a new user and a known item or of a new item and a known user.
        folder: the new run's; has to be new or empty.
    Returns:
        The new run's metrics.json: the parent's, and under "parent" where it comes from.
    Raises:
        RunError: the parent has no linear output or is damaged, or the folder is used.
        DataError: the ratings cannot be folded in.
    """
    serving = locate(parent)
    run = serving.parent if serving.name == SERVING else serving
    bundle = open_bundle(serving)
    factors = linear_factors(bundle)
    parameters, manifest = selected_parameters(run)
    config, metrics = load_config(run / CONFIG), _parent_metrics(run)
    extend = _extension(config.model.kind, run)
    with Run.claim(folder, config, ALONE, resume=False):
        new = read_new_entities(bundle, path, observe)
        users, items = (
            ExtendedVocabulary.of(bundle.users, new.ratings.users),
            ExtendedVocabulary.of(bundle.items, new.ratings.items),
        )
        user_rows, item_rows = _solve(bundle, factors, new, users, items)
        report: FoldInReport = {
            "run": run.absolute().name,
            "path": str(run.absolute()),
            "ratings": str(path.absolute()),
            "sha256": sha256(path),
            "n_new_users": len(user_rows),
            "n_new_items": len(item_rows),
            "n_ratings": len(new.ratings),
            "n_outside_scale": n_outside_scale(bundle, new.ratings.rating),
        }
        inputs = _inputs(bundle, new, config, parameters, observe)
        scorer = _extended_factors(factors, (users, user_rows), (items, item_rows))
        scorers: dict[str, TrainedScorer] = {"rating": scorer}
        models = {"rating": extend(config.model, inputs, scorer)}
        if (ranking := bundle.ranking) is not None:
            scorers["ranking"], models["ranking"] = fold_in_ranking(ranking, parameters["ranking"], new, users, items)
        kinds = {name: entry.model for name, entry in bundle.manifest.scorers.items()}
        with new_folder(folder) as temporary:
            for name in (CONFIG, HISTORY):
                with reading(run / name):
                    content = (run / name).read_bytes()
                (temporary / name).write_bytes(content)
            fits = {name: manifest.served_fits[name] for name in models}
            states = {fits[name]: State(manifest.fits[fits[name]].epoch, model, {}) for name, model in models.items()}
            write_checkpoint(temporary / CHECKPOINTS, states, manifest)
            served = {name: ServedScorer(kinds[name], scorer) for name, scorer in scorers.items()}
            write_bundle(temporary, served, inputs, config)
            metrics["parent"] = report
            write_metrics(temporary, metrics)
        return metrics


def _parent_metrics(run: Path) -> RunMetrics:
    metrics = read_metrics(run)
    if metrics is None:
        raise RunError("this is not a finished run", where=str(run), expected="a run that was trained to its end")
    return metrics


def _extension(kind: str, run: Path) -> Callable[[ModelSettings, TrainingInputs, Factors], Arrays]:
    """What gives a model of this kind parameters of new users and items.

    Raises:
        RunError: there is no such thing.
    """
    name = MODELS[kind].extend
    if name is None:
        raise RunError(
            f"new users and items cannot be folded into {kind}",
            where=str(run),
            expected=f"a run of {joined(kind for kind, spec in MODELS.items() if spec.extend)}",
            hint=f"go on training this one: recsys update --run {run} --ratings FILE",
        )
    extension: Callable[[ModelSettings, TrainingInputs, Factors], Arrays] = resolve(name)
    return extension


NewRows = tuple[ExtendedVocabulary, Float32Array]  # of one role: all ids, and the rows [bias, factors] of the new


def _solve(
    bundle: Bundle, factors: Factors, new: NewEntities, users: ExtendedVocabulary, items: ExtendedVocabulary
) -> tuple[Float32Array, Float32Array]:
    """The rows of the new users and of the new items."""
    mean, none = factors.global_mean, np.empty((0, 1 + factors.embedding_dim), dtype=np.float32)
    of_users, of_items = new.ratings.take(new.is_new_user), new.ratings.take(~new.is_new_user)
    user_rows = item_rows = none
    if len(of_users):
        codes, item_idx = users.new_idx[of_users.user_idx], items.known_idx[of_users.item_idx]
        user_rows = solve(user_prior(bundle), mean, FixedRows.items(factors), codes, item_idx, of_users.rating)
    if len(of_items):
        codes, user_idx = items.new_idx[of_items.item_idx], users.known_idx[of_items.user_idx]
        item_rows = solve(item_prior(bundle), mean, FixedRows.users(factors), codes, user_idx, of_items.rating)
    return user_rows, item_rows


def _extended_factors(factors: Factors, users: NewRows, items: NewRows) -> Factors:
    """The scorer with the new rows; what an unknown id gets stays what it was."""
    extended: dict[str, Float32Array] = {}
    for role, (ids, rows) in (("user", users), ("item", items)):
        for name, new in ((f"{role}_bias", rows[:, 0]), (f"{role}_factors", rows[:, 1:])):
            known: Float32Array = getattr(factors, name)
            extended[name] = np.concatenate([ids.merge(known[:-1], new), known[-1:]])
    drift = None if factors.drift is None else factors.drift.with_users(users[0].known_idx)
    std = factors.user_std
    if std is not None:
        of_new = np.repeat(std[-1:], len(users[1]))
        std = np.append(users[0].merge(std[:-1], of_new), std[-1:])
    return replace(
        factors,
        drift=drift,
        user_std=std,
        user_bias=extended["user_bias"],
        item_bias=extended["item_bias"],
        user_factors=extended["user_factors"],
        item_factors=extended["item_factors"],
    )


def _inputs(
    bundle: Bundle, new: NewEntities, config: Config, parameters: Mapping[str, Arrays], observe: Observer
) -> TrainingInputs:
    """The new ratings to learn from, and what the parent has learned from and was measured on."""
    ratings = new.ratings
    new_items = ratings.items.ids[bundle.items.index(ratings.items.ids) == UNKNOWN]
    prior = PriorRun.of(bundle, ratings.users, ratings.items, _read_catalogue(config, new_items, observe))
    return TrainingInputs(
        splits=Splits(ratings, prior.held_out.get("valid"), prior.held_out.get("test")),
        catalogue=prior.catalogue,
        warm_start=WarmStart(
            parameters=parameters,
            rows=prior.rows,
            scale=bundle.scale,
            prior_train=prior.train,
            prior_test=prior.held_out.get("earlier"),
            prior_valid=prior.held_out.get("earlier_valid"),
            oversampled=None,
            replays_all=False,
        ),
    )


def _read_catalogue(config: Config, new: Ids, observe: Observer) -> ItemCatalogue:
    """What the run's items file says of the new items, if it is still there."""
    path, column = config.data.items, config.data.columns.item
    if path is None or not path.exists() or not len(new):
        return ItemCatalogue()
    return read_catalogue(path, config.data, column if isinstance(column, str) else None, Vocabulary(new), observe)
