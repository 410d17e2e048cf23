"""A new run from a finished one: the same models, with rows for new users and items solved from their interactions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from typing_extensions import TypedDict

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.checkpoint import write_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, locate, run_of
from recsys.artifacts.entity_counts import EntityCounts
from recsys.artifacts.feature_priors import read_priors
from recsys.artifacts.manifest import CheckpointManifest
from recsys.artifacts.metrics import FoldedFeatures, FoldInReport, RunMetrics, read_metrics, write_metrics
from recsys.artifacts.run import Run
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.selected import selected_parameters
from recsys.artifacts.verified import reading
from recsys.artifacts.write_bundle import ServedScorer, copy_measured, write_bundle
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import RunError
from recsys.core.events import Observer, silent
from recsys.core.files import new_folder
from recsys.core.regular import read_regular
from recsys.core.threads import one_blas_thread
from recsys.core.types import Arrays, Counts, Ids, State
from recsys.data.catalogue import ItemCatalogue
from recsys.data.features.kind import Role
from recsys.data.sources.opening import open_source, read_catalogue
from recsys.data.sources.origin import Frame, Origin, name_of
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.inference.new_entities import NewEntities, no_new_entities, read_new_entities
from recsys.inference.rating_scale import n_outside_scale, note_other_scale
from recsys.scoring.protocols import TrainedScorer
from recsys.workflows.extended_vocabulary import ExtendedVocabulary
from recsys.workflows.fold_in_features import NewFeatures, n_from_features, read_new_features
from recsys.workflows.fold_in_ranking import fold_in_ranking
from recsys.workflows.fold_in_rating import fold_in_rating, parameter_extension
from recsys.workflows.prior_run import PriorRun

MOST_HISTORY = 1 << 30  # bytes


@one_blas_thread()
def fold_in_run(
    parent: Path | None,
    origin: Origin | None,
    folder: Path,
    observe: Observer = silent,
    *,
    features: Mapping[Role, Path | Frame] | None = None,
) -> RunMetrics:
    """Solves the rows of the new users and items in a ratings file, and writes a run that has them too.

    Of new ones in files of features, the run knows the features too. They are what their rows are before there are
    ratings, and without ratings they are predicted and recommended by these alone.

    Every row of the parent keeps its bits, and an unknown id its fallback, so the parent's scores stay true and are
    kept. Training can go on from the new run as from any other.

    Args:
        parent: a finished run; None is the one that is served by default.
        origin: ratings in a file or a table in memory, each of a new user and a known item or of a new item and a known
            user; None: there are none.
        folder: the new run's; has to be new or empty.
        features: role → what is known of new users or items.
    Returns:
        The new run's metrics.json: the parent's, and under "parent" where it comes from.
    Raises:
        RunError: the parent has no linear output or is damaged, or the folder is used.
        DataError: the ratings cannot be folded in.
    """
    serving = locate(parent)
    run = run_of(serving)
    bundle = open_bundle(serving)
    parameters, manifest = selected_parameters(run, **bundle.sizes)
    config, metrics = read_run_config(run), _parent_metrics(run)
    extend = parameter_extension(bundle, config.model.kind, run) if "rating" in bundle.scorers else None
    with Run.claim(folder, config, ALONE, resume=False):
        known = read_new_features(bundle, config.data, features or {}, observe)
        new = no_new_entities(bundle) if origin is None else read_new_entities(bundle, origin, observe)
        note_other_scale(bundle, new.ratings.rating, observe)
        users, items = (
            ExtendedVocabulary.of(bundle.users, new.ratings.users),
            ExtendedVocabulary.of(bundle.items, new.ratings.items),
        )
        report = _report(bundle, origin, known, new, users, items)
        inputs = _inputs(bundle, new, known, config, parameters, observe)
        scorers, models = dict[str, TrainedScorer](), dict[str, Arrays]()
        if extend is not None:
            with bundle.solving("rating"):
                scorers["rating"] = rating = fold_in_rating(bundle, new, users, items, inputs.features)
            models["rating"] = extend(config.model, inputs, rating)
        if (ranking := bundle.ranking) is not None:
            priors = read_priors(bundle)["ranking"]
            with bundle.solving("ranking"):
                scorers["ranking"], models["ranking"] = fold_in_ranking(
                    ranking, parameters["ranking"], new, users, items, priors, inputs.features
                )
        served = _served(bundle, scorers, new, users, items)
        with new_folder(folder) as temporary:
            _copy_config_and_history(run, temporary)
            write_checkpoint(temporary / CHECKPOINTS, _states(manifest, models), manifest)
            write_bundle(temporary, served, inputs, config, trained_on=bundle.manifest.trained_on)
            copy_measured(run, temporary)  # its scores are the ones that are kept
            metrics["parent"] = report
            write_metrics(temporary, metrics)
        return metrics


def _served(
    bundle: Bundle,
    scorers: Mapping[str, TrainedScorer],
    new: NewEntities,
    users: ExtendedVocabulary,
    items: ExtendedVocabulary,
) -> dict[str, ServedScorer]:
    """The scorers with what the parent knows beside them, and with what they have learned of whom."""
    models, priors = {name: entry.model for name, entry in bundle.manifest.scorers.items()}, read_priors(bundle)
    counts = {"rating": _learned_counts(bundle, new, users, items)} if "rating" in scorers else {}
    return {
        name: ServedScorer(models[name], scorer, counts=counts.get(name), priors=priors[name])
        for name, scorer in scorers.items()
    }


def _copy_config_and_history(run: Path, folder: Path) -> None:
    for name in (CONFIG, HISTORY):
        with reading(run / name):
            content = read_regular(run / name, MOST_HISTORY)
        (folder / name).write_bytes(content)


def _states(manifest: CheckpointManifest, models: Mapping[str, Arrays]) -> dict[str, State]:
    """By fit the parameters, at the epoch of the parent."""
    fits = {manifest.served_fits[name]: model for name, model in models.items()}
    return {fit: State(manifest.fits[fit].epoch, model, {}) for fit, model in fits.items()}


def _report(
    bundle: Bundle,
    origin: Origin | None,
    known: NewFeatures,
    new: NewEntities,
    users: ExtendedVocabulary,
    items: ExtendedVocabulary,
) -> FoldInReport:
    """Where the run comes from, and what it has got."""
    run = bundle.run_folder
    return {
        "run": run.absolute().name,
        "path": str(run.absolute()),
        **_of_file(bundle, origin),
        "n_new_users": users.n_new,
        "n_new_items": items.n_new,
        "n_ratings": len(new.ratings),
        "n_outside_scale": n_outside_scale(bundle, new.ratings.rating),
        **_of_features(known, new),
    }


class RatingsFile(TypedDict):
    """The file of the ratings, as the report names it."""

    ratings: str | None
    sha256: str | None


class FeatureFiles(TypedDict, total=False):
    """The files of features, as the report names them."""

    features: dict[str, FoldedFeatures]
    n_users_from_features: int
    n_items_from_features: int


def _of_file(bundle: Bundle, origin: Origin | None) -> RatingsFile:
    if origin is None:
        return {"ratings": None, "sha256": None}
    name = str(name_of(origin) if isinstance(origin, Frame) else name_of(origin).absolute())
    return {"ratings": name, "sha256": open_source(origin, bundle.data, silent).fingerprint()}


def _of_features(known: NewFeatures, new: NewEntities) -> FeatureFiles:
    if not known.sources:
        return {}
    return {
        "features": {str(role): source for role, source in known.sources.items()},
        "n_users_from_features": n_from_features(known, "user", new.ratings.users),
        "n_items_from_features": n_from_features(known, "item", new.ratings.items),
    }


def _learned_counts(
    bundle: Bundle, new: NewEntities, users: ExtendedVocabulary, items: ExtendedVocabulary
) -> EntityCounts:
    before, added = bundle.counts["rating"], new.ratings.rated()
    return EntityCounts(
        _learned(before.users, added.user_counts, users), _learned(before.items, added.item_counts, items)
    )


def _learned(before: Counts, added: Counts, ids: ExtendedVocabulary) -> Counts:
    """How many ratings of each id are learned; still none of a known id whose row stands for an unknown one."""
    known = np.append(before, 0)[ids.known_idx]
    return np.where(ids.is_new | (known > 0), known + added, 0)


def _parent_metrics(run: Path) -> RunMetrics:
    metrics = read_metrics(run)
    if metrics is None:
        raise RunError("this is not a finished run", where=str(run), expected="a run that was trained to its end")
    return metrics


def _inputs(
    bundle: Bundle,
    new: NewEntities,
    known: NewFeatures,
    config: Config,
    parameters: Mapping[str, Arrays],
    observe: Observer,
) -> TrainingInputs:
    """The new ratings to learn from, and what the parent has learned from and was measured on."""
    ratings = new.ratings
    new_items = ratings.items.ids[bundle.items.index(ratings.items.ids) == UNKNOWN]
    catalogue = _read_catalogue(config, new_items, observe).updated(known.catalogue)
    prior = PriorRun.of(bundle, ratings.users, ratings.items, catalogue)
    return TrainingInputs(
        splits=Splits(
            ratings, prior.held_out.get("valid"), prior.held_out.get("test"), prior.unknown, prior.unknown_part
        ),
        catalogue=prior.catalogue,
        warm_start=WarmStart(
            parameters=parameters,
            rows=prior.rows,
            scale=bundle.manifest.scale,
            prior_train=prior.train,
            prior_test=prior.held_out.get("earlier"),
            prior_valid=prior.held_out.get("earlier_valid"),
            oversampled=None,
            replays_all=False,
        ),
        item_features=known.features.get("item"),
        user_features=known.features.get("user"),
    )


def _read_catalogue(config: Config, new: Ids, observe: Observer) -> ItemCatalogue:
    """What the run's items file says of the new items, if it is still there."""
    path, column = config.data.items, config.data.columns.item
    if path is None or not path.exists() or not len(new):
        return ItemCatalogue()
    return read_catalogue(path, config.data, column if isinstance(column, str) else None, Vocabulary(new), observe)
