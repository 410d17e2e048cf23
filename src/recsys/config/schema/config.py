"""The whole config: every field has a default but the ratings file."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.config.schema.data import Data
from recsys.config.schema.split import Split
from recsys.config.schema.start import Start
from recsys.core.section import Section
from recsys.models.settings import DotProduct, Model
from recsys.training.settings import Gibbs, Scheduled, Sgd, Training, incompatibility


class Config(Section):
    """What a run does, wholly."""

    data: Data
    """The ratings."""
    split: Split = Split()
    """Train, valid and test."""
    model: Model = DotProduct()
    """What is learned."""
    training: Training = Sgd()
    """How it is learned."""
    start: Start | None = None
    """Another run to start from, as `recsys finetune` and `recsys update` do."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Same seed, same bits."""

    @model_validator(mode="after")
    def _method_fits_model(self) -> Self:
        what = incompatibility(self.training.method, self.model)
        if what is not None:
            raise PydanticCustomError("method", "{what}", {"key": "training.method", "what": what})
        return self

    @model_validator(mode="after")
    def _gibbs_starts_from_scratch(self) -> Self:
        if self.start is not None and self.training.method == "gibbs":
            raise PydanticCustomError(
                "start",
                "gibbs draws every row from the ratings that it is given, so it cannot start from a run: train on all",
                {"key": "start"},
            )
        return self

    @model_validator(mode="after")
    def _tobit_clips(self) -> Self:
        is_tobit = isinstance(self.training, Gibbs) and self.training.likelihood == "tobit"
        if is_tobit and not getattr(self.model, "clip", True):
            raise PydanticCustomError(
                "tobit",
                "the likelihood tobit keeps to the scale, and model.clip is false",
                {"key": "training.likelihood"},
            )
        return self

    @model_validator(mode="after")
    def _only_svdpp_has_its_keys(self) -> Self:
        for key in ("implicit_weight_decay", "damping", "implicit_damping"):
            if self.model.kind != "svdpp" and getattr(self.training, key, None) is not None:
                raise PydanticCustomError(
                    "svdpp",
                    "{name} belongs to the model svdpp, and the model is {kind}",
                    {"key": f"training.{key}", "name": key, "kind": self.model.kind},
                )
        return self

    @model_validator(mode="after")
    def _groups_are_the_models(self) -> Self:
        if not isinstance(self.training, Scheduled):
            return self
        groups, lr_max, freeze = self.model.groups, self.training.lr_max, self.training.freeze
        facts = {"groups": ", ".join(groups), "kind": self.model.kind}
        if isinstance(lr_max, tuple) and len(lr_max) != len(groups):
            raise PydanticCustomError(
                "groups",
                "a list has a learning rate for each layer group, and {kind} has {groups}",
                {"key": "training.lr_max", **facts},
            )
        unknown = [name for name in freeze if name not in groups]
        if unknown:
            raise PydanticCustomError(
                "groups",
                "there is no layer group {unknown}: {kind} has {groups}",
                {"key": "training.freeze", "unknown": ", ".join(unknown), **facts},
            )
        if set(freeze) == set(groups):
            raise PydanticCustomError(
                "groups", "all layer groups are frozen, so nothing would be learned", {"key": "training.freeze"}
            )
        return self

    @model_validator(mode="after")
    def _patience_needs_valid(self) -> Self:
        has_valid = self.data.valid is not None or self.split.valid_fraction > 0
        for name, asked in (
            ("patience", self.training.patience is not None),
            ("keep", self.training.keep == "best"),
        ):
            if asked and not has_valid:
                raise PydanticCustomError(
                    "valid",
                    "{name} chooses on valid, and there is none: set split.valid_fraction",
                    {"key": f"training.{name}", "name": name},
                )
        return self

    @model_validator(mode="after")
    def _folds_are_cut_from_one_file(self) -> Self:
        if self.split.method == "fold" and self.data.test is not None:
            raise PydanticCustomError(
                "split", "a fold is cut from all ratings, and there is a data.test already", {"key": "split.method"}
            )
        return self
