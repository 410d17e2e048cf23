"""Which method fits which model, as the table of methods says: what a config may not put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys.core.resolve import resolve
from recsys.core.words import joined
from recsys.models.settings import ModelSettings
from recsys.models.specs import models_for
from recsys.training.settings import Method
from recsys.training.specs import METHODS, methods_for


@dataclass(frozen=True)
class Incompatibility:
    """What does not go together, and the key to change."""

    key: str
    what: str


def incompatibility(training: Method, model: ModelSettings) -> Incompatibility | None:
    """Why the settings of a method and of a model do not go together; None if they do."""
    unfit = _unfit(training.method, model)
    if unfit is not None:
        able = fitting_methods(model)
        if not able:
            return Incompatibility("model", f"no method fits {' '.join([model.kind, *_limiting_phrases(model)])}")
        what = f"{training.method} cannot fit {model.kind}{unfit}: {joined(able, 'and')} can"
        return Incompatibility("training.method", what)
    key = _foreign_key(training, model)
    if key is not None:
        kinds = [kind for kind, fit in METHODS[training.method].models.items() if key in fit.keys]
        what = f"{key} belongs to the model {joined(kinds)}, and the model is {model.kind}"
        return Incompatibility(f"training.{key}", what)
    conflict = training.conflict(model)
    return None if conflict is None else Incompatibility(f"training.{conflict.key}", conflict.what)


def method_for(model: object) -> str:
    """The method that a config gets which names none: the first that can fit its model.

    Args:
        model: the section as it was given, not validated.
    """
    models, methods = models_for("rating"), methods_for("rating")
    given = model if isinstance(model, Mapping) else {}
    kind = given.get("kind", next(iter(models)))
    if not isinstance(kind, str) or kind not in models:
        return next(iter(methods))
    settings: type[ModelSettings] = resolve(models[kind].settings)
    model_settings = settings.model_construct(
        **{key: value for key, value in given.items() if key in settings.model_fields}
    )
    of_kind = [method for method, spec in methods.items() if kind in spec.models]
    return next(iter([*fitting_methods(model_settings), *of_kind]), next(iter(methods)))


def fitting_methods(model: ModelSettings) -> list[str]:
    """The methods that can fit a model, the one that is taken by default first."""
    return [method for method in methods_for("rating") if _unfit(method, model) is None]


def methods_with_schedule() -> list[str]:
    """The methods that have a learning rate."""
    return [method for method, spec in methods_for("rating").items() if resolve(spec.settings).has_schedule]


def methods_that_continue() -> list[str]:
    """The methods that can start from another run."""
    return [method for method, spec in methods_for("rating").items() if resolve(spec.settings).continues_runs]


def _unfit(method: str, model: ModelSettings) -> str | None:
    """What of the model the method cannot fit: "" for the whole kind, else a phrase; None if it can."""
    fit = METHODS[method].models.get(model.kind)
    if fit is None:
        return ""
    return next((f" {trait.phrase}" for trait in model.traits if trait.name in fit.cannot), None)


def _limiting_phrases(model: ModelSettings) -> list[str]:
    """What of the model some method cannot fit, as one phrase or none."""
    cannot = {name for spec in METHODS.values() if model.kind in spec.models for name in spec.models[model.kind].cannot}
    phrases = [trait.phrase for trait in model.traits if trait.name in cannot]
    return [joined(phrases, "and")] if phrases else []


def _foreign_key(training: Method, model: ModelSettings) -> str | None:
    """A key that is given, and that the method has for models of other kinds only."""
    fits = METHODS[training.method].models
    foreign = dict.fromkeys(key for fit in fits.values() for key in fit.keys if key not in fits[model.kind].keys)
    defaults = type(training).model_fields
    return next((key for key in foreign if getattr(training, key) != defaults[key].default), None)
