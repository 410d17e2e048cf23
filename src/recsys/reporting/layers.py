"""The layers of a run's model, and which of them were trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recsys.artifacts.checkpoint import selected_parameters
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, SERVING, SERVING_JSON
from recsys.artifacts.manifest import BundleManifest
from recsys.artifacts.verified import open_verified
from recsys.config.loading.load import load_config
from recsys.config.plans import plans
from recsys.core.errors import RunError
from recsys.core.resolve import resolve
from recsys.models.layers import Anatomy
from recsys.models.specs import MODELS
from recsys.scoring.link import Link


def anatomy(path: Path) -> Anatomy:
    """The layers of a run, or of the run of a checkpoint.

    Raises:
        RunError: there is no run or no checkpoint, or it is damaged.
    """
    run = path.absolute()
    if run.parent.name == CHECKPOINTS:
        run = run.parent.parent
    if not (run / CONFIG).exists() or not (run / CHECKPOINTS).exists():
        raise RunError(
            "only a whole run says which layers its model has",
            where=str(path),
            expected="a folder of a run, or a checkpoint in it",
            hint="recsys runs lists the runs",
        )
    parameters, manifest = selected_parameters(run)
    plan = plans(load_config(run / CONFIG))[0]
    shapes = {name: tuple(array.shape) for name, array in parameters[plan.name].items()}
    layers_of = resolve(MODELS[plan.model.kind].layers)
    model: Anatomy = layers_of(plan.model, shapes, manifest.scale, _served_link(run))
    frozen = plan.training.frozen_groups
    layers = (layer if layer.group is None else replace(layer, frozen=layer.group in frozen) for layer in model.layers)
    return Anatomy(tuple(layers), model.link)


def _served_link(run: Path) -> Link | None:
    """The link of a finished run: whether it is tobit, the ratings decide."""
    if not (run / SERVING / SERVING_JSON).exists():
        return None
    link = open_verified(run / SERVING, SERVING_JSON, BundleManifest).manifest.link
    return None if link is None else link.to_link()
