"""Training once more on all ratings, after what was held out has shown how good the models are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recsys.artifacts.metrics import RefitMetrics
from recsys.artifacts.run import Run
from recsys.artifacts.write_bundle import write_bundle
from recsys.config.plans import plans, refit_plan
from recsys.config.schema.split import Split
from recsys.core.communicator import Communicator
from recsys.core.events import FitStart, Observer
from recsys.data.interactions import Dataset
from recsys.data.split import split
from recsys.data.training_inputs import TrainingInputs
from recsys.workflows.fit_plan import FittedPlan, fit_plan


def refit(
    run: Run,
    measured: Mapping[str, FittedPlan],
    data: Dataset,
    inputs: TrainingInputs,
    observe: Observer,
    communicator: Communicator,
) -> dict[str, RefitMetrics]:
    """Trains every scorer anew on all interactions, for as many epochs as the measured one, and serves that.

    Args:
        run: an open one.
        measured: by name, the fits that were measured.
        data: all interactions.
        inputs: of the fits that were measured.
    Returns:
        By scorer, what metrics.json says of the fit.
    """
    everything, fits = _all_of(data, inputs, run.config.seed), dict[str, FittedPlan]()
    for position, planned in enumerate(plans(run.config), 1):  # of the config, since auto means something else here
        before = measured[planned.name]
        plan = refit_plan(planned, before.record.n_kept_epochs, run.manifest.fits[planned.name].training)
        begins = FitStart(plan.scorer, len(measured) + position, 2 * len(measured), "all")
        states = {name: fitted.state for name, fitted in {**measured, **fits}.items()}
        fits[plan.name] = fit_plan(
            run.as_started(plan), run, everything, states, observe, communicator, begins=begins, measured=before
        )
    if run.is_writer:
        served = {fitted.plan.scorer: fitted.served for fitted in fits.values()}
        write_bundle(run.path, served, everything, run.config, trained_on="all")
    return {
        fitted.plan.scorer: {
            "n_epochs": fitted.record.n_epochs,
            "fit_seconds": fitted.record.seconds,
            "n_interactions": fitted.n_ratings,
        }
        for fitted in fits.values()
    }


def _all_of(data: Dataset, inputs: TrainingInputs, seed: int) -> TrainingInputs:
    everything = split(replace(data, given=None), Split(valid_fraction=0, test_fraction=0), seed)
    return replace(inputs, splits=everything, fingerprints=data.identify(), warm_start=None)
