"""The whole config: every field has a default but the ratings file."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.config.data import Data
from recsys.config.model import DotProduct, Model
from recsys.config.section import Section
from recsys.config.split import Split
from recsys.config.training import Sgd, Training


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
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Same seed, same bits."""

    @model_validator(mode="after")
    def _method_fits_model(self) -> Self:
        if self.training.method == "sgd" and self.model.y_range is not None:
            raise PydanticCustomError(
                "method",
                "sgd fits linear output only, and the model has a y_range: adamw can fit it",
                {"key": "training.method"},
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
