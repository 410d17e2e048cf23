"""The layers of a run's model, and which of them were trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recsys.artifacts.directory import CHECKPOINTS, CONFIG, SERVING, SERVING_JSON, no_such_run
from recsys.artifacts.manifest import BundleManifest
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.selected import selected_parameters
from recsys.artifacts.verified import open_verified
from recsys.config.plans import served_plans
from recsys.core.errors import RunError
from recsys.core.resolve import resolve
from recsys.models.layers import Anatomy
from recsys.models.specs import MODELS
from recsys.scoring.link import Link


def anatomy(path: Path, scorer: str | None = None) -> Anatomy:
    """The layers of a run, or of the run of a checkpoint.

    Args:
        scorer: whose, such as "ranking"; None: the run's first.
    Raises:
        RunError: there is no run, no checkpoint or no such scorer, or it is damaged.
    """
    run = path.absolute()
    if run.parent.name == CHECKPOINTS:
        run = run.parent.parent
    if not path.exists():
        raise no_such_run(path)
    if not (run / CONFIG).exists() or not (run / CHECKPOINTS).exists():
        raise RunError(
            "only a whole run says which layers its model has",
            where=str(path),
            expected="a folder of a run, or a checkpoint in it",
            hint="recsys runs lists the runs",
        )
    parameters, manifest = selected_parameters(run)
    planned = {plan.scorer: plan for plan in served_plans(read_run_config(run))}
    name = next(iter(planned)) if scorer is None else scorer
    if name not in planned or name not in parameters:
        raise RunError(f"the run has no scorer {name!r}", where=str(run), expected=" or ".join(map(repr, parameters)))
    plan, shapes = planned[name], {key: tuple(array.shape) for key, array in parameters[name].items()}
    layers_of = resolve(MODELS[plan.model.kind].layers)
    model: Anatomy = layers_of(plan.model, shapes, manifest.scale, _served_link(run, name))
    frozen = plan.training.frozen_groups
    layers = (layer if layer.group is None else replace(layer, frozen=layer.group in frozen) for layer in model.layers)
    return Anatomy(tuple(layers), model.link)


def _served_link(run: Path, scorer: str) -> Link | None:
    """The link of a finished run: whether it is tobit, the ratings decide."""
    if not (run / SERVING / SERVING_JSON).exists():
        return None
    link = open_verified(run / SERVING, SERVING_JSON, BundleManifest).manifest.scorers[scorer].link
    return None if link is None else link.to_link()
